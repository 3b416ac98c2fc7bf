/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2: deadlines, how a connection ends, and how it is found out in clear that it is one. */
#include "tests/unit/h2_harness.h"

static void no_minimum(struct http_server_config *cfg)
{
	cfg->min_receive.bytes_per_second = cfg->min_send.bytes_per_second = 0;
}

static void two_requests(struct http_server_config *cfg)
{
	cfg->max_requests = 2;
}

/* ------------------------------------------------------------------ deadlines */

static void test_an_idle_connection_is_told_goodbye(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);

	fetch_answer(p, "GET", "/hello.txt", "");
	p->now = at_us(30 * SECOND);
	fetch_answer(p, "GET", "/hello.txt", "");
	assert_int_equal(http_conn_deadline(p->c), 90 * SECOND);
	p->now = at_us(80 * SECOND); /* a PING is no request */
	nghttp2_submit_ping(p->ng, NGHTTP2_FLAG_NONE, NULL);
	pump(p);
	advance_to(p, 90 * SECOND);
	assert_false(http_conn_finished(p->c)); /* it has something to say */
	pump(p);
	assert_true(http_conn_finished(p->c));
	assert_int_equal(http_conn_end(p->c), HTTP_END_IDLE);
	assert_int_equal(p->goaways, 1);
	assert_int_equal(p->goaway_last[0], 3);
	assert_int_equal(p->goaway_error, NGHTTP2_NO_ERROR);
	peer_free(p);
	http_server_destroy(server);
}

static void test_settings_must_be_acknowledged(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);

	speak(p); /* and hears nothing */
	assert_int_equal(http_conn_deadline(p->c), 20 * SECOND);
	advance_to(p, 20 * SECOND);
	pump(p);
	assert_true(http_conn_finished(p->c));
	assert_int_equal(http_conn_end(p->c), HTTP_END_SETTINGS_TIMEOUT);
	assert_int_equal(p->goaway_error, NGHTTP2_SETTINGS_TIMEOUT);
	peer_free(p);
	http_server_destroy(server);
}

static void test_content_that_stalls_is_a_408(void **state)
{
	struct http_server *server = server_with(*state, no_minimum);
	struct h2_peer *p = peer_new(server);
	struct content content = {.left = 10, .stalls = true};
	const int32_t id = upload(p, "OPTIONS", "/", "", &content);

	pump(p);
	p->now = at_us(19 * SECOND);
	content.left = 1;
	nghttp2_session_resume_data(p->ng, id);
	pump(p); /* a byte more buys another 20 s */
	assert_int_equal(http_conn_deadline(p->c), 39 * SECOND);
	advance_to(p, 39 * SECOND);
	pump(p);
	assert_int_equal(answer_of(p, id)->status, 408);
	assert_int_equal(http_conn_end(p->c), HTTP_END_NONE);
	assert_int_equal(fetch_answer(p, "GET", "/hello.txt", "")->status, 200);
	peer_free(p);
	http_server_destroy(server);
}

static void test_content_that_drips_is_a_408(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);
	struct content content = {.left = 10, .stalls = true};
	const int32_t id = upload(p, "OPTIONS", "/", "", &content);

	for (uint64_t s = 0; s <= 70 && answer_of(p, id)->status == 0; s += 10) {
		advance_to(p, s * SECOND);
		content.left = 1;
		nghttp2_session_resume_data(p->ng, id);
		pump(p);
	}
	assert_int_equal(answer_of(p, id)->status, 408);
	peer_free(p);
	http_server_destroy(server);
}

/* Windows that stay shut: of all that is under way, then the connection ends; of one, then that is reset. */
static void test_a_client_that_takes_nothing_is_left(void **state)
{
	struct http_server *server = server_with(*state, no_minimum);
	struct h2_peer *p = peer_with(server, HTTP_PROTOCOL_2, 0);

	ask(p, "GET", "/hello.txt", "");
	ask(p, "GET", "/big.bin", "");
	pump(p);
	assert_int_equal(http_conn_deadline(p->c), 60 * SECOND);
	advance_to(p, 60 * SECOND);
	pump(p);
	assert_true(http_conn_finished(p->c));
	assert_int_equal(http_conn_end(p->c), HTTP_END_STALLED);
	assert_int_equal(p->goaway_error, NGHTTP2_ENHANCE_YOUR_CALM);
	peer_free(p);

	p = peer_with(server, HTTP_PROTOCOL_2, 1000);
	struct content content = {.left = 10, .stalls = true};
	p->hold_windows = true;
	const int32_t shut = ask(p, "GET", "/big.bin", "");
	pump(p);
	p->now = at_us(59 * SECOND);
	const int32_t other = upload(p, "OPTIONS", "/", "", &content);
	pump(p);
	advance_to(p, 60 * SECOND);
	pump(p);
	assert_int_equal(answer_of(p, shut)->error, NGHTTP2_CANCEL);
	assert_false(answer_of(p, other)->closed);
	assert_false(http_conn_finished(p->c));
	assert_int_equal(p->goaways, 0);
	peer_free(p);
	http_server_destroy(server);
}

/* Behind more urgent ones a response may wait for as long as those take. */
static void test_waiting_for_others_is_no_stall(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_with(server, HTTP_PROTOCOL_2, 4 << 20);

	nghttp2_session_set_local_window_size(p->ng, NGHTTP2_FLAG_NONE, 0, 64 << 20);
	const int32_t urgent = ask(p, "GET", "/big.bin", "priority: u=0\n"),
		      waits = ask(p, "GET", "/hello.txt", "priority: u=7\n");
	speak(p);
	fetch(p, 200);
	speak(p);
	for (uint64_t s = 50; s <= 200; s += 50) {
		advance_to(p, s * SECOND);
		fetch(p, 20000);
	}
	assert_false(answer_of(p, urgent)->ended);
	assert_int_equal(answer_of(p, waits)->body.len, 0);
	pump(p);
	assert_string_equal((char *)answer_of(p, waits)->body.data, HELLO);
	expect_big(answer_of(p, urgent), 0, BIG_SIZE);
	peer_free(p);
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ the end */

/* RFC 9113 6.8: what is on its way when the end is announced is still answered. */
static void test_a_drain_loses_nothing(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);
	const int32_t first = ask(p, "GET", "/big.bin", "");

	speak(p);
	fetch(p, 5000);
	http_server_drain(server);
	p->hold_pings = true;
	const int32_t crossing = ask(p, "GET", "/hello.txt", "");
	pump(p);
	assert_int_equal(p->goaways, 1);
	assert_int_equal(p->goaway_last[0], INT32_MAX);
	expect_big(answer_of(p, first), 0, BIG_SIZE);
	assert_string_equal((char *)answer_of(p, crossing)->body.data, HELLO);
	assert_false(http_conn_finished(p->c));

	/* The PING is not answered: after a second it is over all the same. */
	assert_int_equal(http_conn_deadline(p->c), 1 * SECOND);
	advance_to(p, 1 * SECOND);
	pump(p);
	assert_int_equal(p->goaways, 2);
	assert_int_equal(p->goaway_last[1], crossing);
	assert_int_equal(p->goaway_error, NGHTTP2_NO_ERROR);
	assert_true(http_conn_finished(p->c));
	assert_int_equal(http_conn_end(p->c), HTTP_END_DRAIN);
	peer_free(p);
	http_server_destroy(server);
}

static void test_a_drain_of_idle_connections_takes_one_round_trip(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);

	fetch_answer(p, "GET", "/hello.txt", "");
	http_server_drain(server);
	assert_true(http_conn_has_output(p->c));
	pump(p);
	assert_int_equal(p->goaways, 2);
	assert_int_equal(p->goaway_last[1], 1);
	assert_true(http_conn_finished(p->c));
	peer_free(p);
	http_server_destroy(server);
}

static void test_max_requests(void **state)
{
	struct http_server *server = server_with(*state, two_requests);
	struct h2_peer *p = peer_new(server);
	const int32_t a = ask(p, "GET", "/hello.txt", ""), b = ask(p, "GET", "/big.bin", "");

	pump(p);
	assert_string_equal((char *)answer_of(p, a)->body.data, HELLO);
	expect_big(answer_of(p, b), 0, BIG_SIZE);
	assert_int_equal(p->goaways, 2);
	assert_int_equal(p->goaway_last[1], b);
	assert_true(http_conn_finished(p->c));
	assert_int_equal(http_conn_end(p->c), HTTP_END_MAX_REQUESTS);
	peer_free(p);
	http_server_destroy(server);
}

/* The client's half is closed: what its windows let through is still sent. */
static void test_the_clients_end(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);
	const int32_t id = ask(p, "GET", "/hello.txt", "");

	speak(p);
	http_conn_input_end(p->c, p->now);
	assert_false(http_conn_finished(p->c));
	while (http_conn_has_output(p->c))
		fetch(p, SIZE_MAX);
	assert_string_equal((char *)answer_of(p, id)->body.data, HELLO);
	assert_true(http_conn_finished(p->c));
	assert_int_equal(http_conn_end(p->c), HTTP_END_CLIENT);
	peer_free(p);
	http_server_destroy(server);
}

static void test_the_clients_goaway(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);
	const int32_t id = ask(p, "GET", "/big.bin", "");

	speak(p);
	nghttp2_submit_goaway(p->ng, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
	pump(p);
	expect_big(answer_of(p, id), 0, BIG_SIZE);
	assert_true(http_conn_finished(p->c));
	peer_free(p);
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ which of the two */

static void test_either(void **state)
{
	struct http_server *server = site_server(*state);
	static const size_t steps[] = {1, 5, 24, SIZE_MAX};

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		struct h2_peer *p = peer_with(server, HTTP_PROTOCOL_EITHER, 65535);
		p->step = steps[i];
		assert_string_equal((char *)fetch_answer(p, "GET", "/hello.txt", "")->body.data,
				    HELLO);
		assert_int_equal(http_conn_requests(p->c), 1);
		peer_free(p);

		struct http_conn *c =
			http_conn_create(server, at_us(0), HTTP_PROTOCOL_EITHER, false, NULL);
		struct output out = {0};
		const char post[] = "PRI * HTTP/2.0\r\n\r\nXM\r\n\r\n";
		send_bytes(c, at_us(0), post, sizeof post - 1, steps[i], &out, 1000);
		assert_memory_equal(out.data, "HTTP/1.1 505 ", 13);
		assert_true(http_conn_finished(c));
		free(out.data);
		http_conn_destroy(c);
	}
	http_server_destroy(server);
}

static void test_either_waits_no_longer_than_http_1(void **state)
{
	struct http_server *server = site_server(*state);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_EITHER, false, NULL);

	assert_true(http_conn_idle(c));
	assert_int_equal(http_conn_deadline(c), 60 * SECOND);
	http_conn_expire(c, at_us(60 * SECOND));
	assert_true(http_conn_finished(c));
	assert_int_equal(http_conn_end(c), HTTP_END_IDLE);
	http_conn_destroy(c);

	c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_EITHER, false, NULL);
	send_text(c, at_us(10 * SECOND), "PRI * ");
	assert_false(http_conn_idle(c));
	assert_int_equal(http_conn_deadline(c), 30 * SECOND);
	http_conn_expire(c, at_us(30 * SECOND));
	expect_status(c, at_us(30 * SECOND), "HTTP/1.1 408 ");
	assert_int_equal(http_conn_end(c), HTTP_END_HEAD_TIMEOUT);
	http_conn_destroy(c);

	c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_EITHER, false, NULL);
	http_server_drain(server);
	assert_true(http_conn_finished(c));
	http_conn_destroy(c);
	http_server_destroy(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_idle_connection_is_told_goodbye),
		cmocka_unit_test(test_settings_must_be_acknowledged),
		cmocka_unit_test(test_content_that_stalls_is_a_408),
		cmocka_unit_test(test_content_that_drips_is_a_408),
		cmocka_unit_test(test_a_client_that_takes_nothing_is_left),
		cmocka_unit_test(test_waiting_for_others_is_no_stall),
		cmocka_unit_test(test_a_drain_loses_nothing),
		cmocka_unit_test(test_a_drain_of_idle_connections_takes_one_round_trip),
		cmocka_unit_test(test_max_requests),
		cmocka_unit_test(test_the_clients_end),
		cmocka_unit_test(test_the_clients_goaway),
		cmocka_unit_test(test_either),
		cmocka_unit_test(test_either_waits_no_longer_than_http_1),
	};

	return cmocka_run_group_tests(tests, site_setup, site_teardown);
}
