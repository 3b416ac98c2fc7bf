/* SPDX-License-Identifier: Apache-2.0 */
/* Clients of HTTP/2 whose windows open a little now and then: the rate counts, not the pause. */
#include "tests/unit/h2_harness.h"

#define RATE 100 /* bytes a second */
#define WINDOW (10 * SECOND)

static void slow(struct http_server_config *cfg)
{
	cfg->stall_timeout_us = 5 * SECOND;
	cfg->min_send = (struct http_rate_min){RATE, WINDOW};
}

/* Opens the windows of a stream and of the connection by so much each second, until the end or `seconds` have
 * passed. Returns how many. */
static unsigned drip(struct h2_peer *p, int32_t id, int32_t bytes, unsigned seconds)
{
	unsigned t = 0;

	while (t < seconds && !p->goaways) {
		t++;
		advance_to(p, p->now.mono_us + SECOND);
		if (!http_conn_finished(p->c)) {
			nghttp2_submit_window_update(p->ng, NGHTTP2_FLAG_NONE, id, bytes);
			nghttp2_submit_window_update(p->ng, NGHTTP2_FLAG_NONE, 0, bytes);
		}
		pump(p);
	}
	return t;
}

static void test_windows_that_open_by_a_byte(void **state)
{
	struct http_server *server = server_with(*state, slow);
	struct h2_peer *p = peer_make(server, HTTP_PROTOCOL_2, 1000, true);
	const int32_t id = ask(p, "GET", "/big.bin", "");

	pump(p);
	assert_int_equal(answer_of(p, id)->body.len, 1000);
	assert_int_equal(drip(p, id, 1, 100),
			 11); /* the time that ten bytes bought is over a tenth later */
	assert_int_equal(p->goaway_error, NGHTTP2_ENHANCE_YOUR_CALM);
	assert_int_equal(http_conn_end(p->c), HTTP_END_TOO_SLOW_SEND);
	assert_true(http_conn_finished(p->c));
	peer_free(p);
	http_server_destroy(server);
}

static void test_windows_that_open_at_the_rate(void **state)
{
	struct http_server *server = server_with(*state, slow);
	struct h2_peer *p = peer_make(server, HTTP_PROTOCOL_2, 1000, true);
	const int32_t id = ask(p, "GET", "/big.bin", "");

	pump(p);
	assert_int_equal(drip(p, id, RATE, 1000), 1000);
	assert_int_equal(answer_of(p, id)->body.len, 1000 + 1000 * RATE);
	/* half of each second is missing: the window, and what 18 times half a second has bought */
	assert_int_equal(drip(p, id, RATE / 2, 1000), 19);
	peer_free(p);
	http_server_destroy(server);
}

/* Output that is there and not taken is TCP's matter; and then the client has what it had left. */
static void test_time_in_which_something_could_be_sent_does_not_count(void **state)
{
	struct http_server *server = server_with(*state, slow);
	struct h2_peer *p = peer_make(server, HTTP_PROTOCOL_2, 1000, true);
	const int32_t id = ask(p, "GET", "/big.bin", "");

	pump(p);
	assert_int_equal(drip(p, id, 1, 6), 6);
	nghttp2_submit_window_update(p->ng, NGHTTP2_FLAG_NONE, id, 1);
	speak(p);
	assert_true(http_conn_has_output(p->c));
	advance_to(p, 1000 * SECOND);
	assert_false(http_conn_finished(p->c));
	pump(p);
	assert_int_equal(drip(p, id, 1, 100), 5);
	assert_int_equal(http_conn_end(p->c), HTTP_END_TOO_SLOW_SEND);
	peer_free(p);
	http_server_destroy(server);
}

static void test_who_has_everything_begins_anew(void **state)
{
	struct http_server *server = server_with(*state, slow);
	struct h2_peer *p = peer_make(server, HTTP_PROTOCOL_2, 10, true);

	/* hello.txt has 14 bytes: each time four are waited for */
	for (int i = 0; i < 10; i++) {
		const int32_t id = ask(p, "GET", "/hello.txt", "");
		pump(p);
		assert_int_equal(drip(p, id, 1, 4), 4);
		assert_true(answer_of(p, id)->ended);
		advance_to(p, p->now.mono_us + SECOND);
	}
	peer_free(p);
	http_server_destroy(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows_that_open_by_a_byte),
		cmocka_unit_test(test_windows_that_open_at_the_rate),
		cmocka_unit_test(test_time_in_which_something_could_be_sent_does_not_count),
		cmocka_unit_test(test_who_has_everything_begins_anew),
	};

	return cmocka_run_group_tests(tests, site_setup, site_teardown);
}
