/* SPDX-License-Identifier: Apache-2.0 */
/* How connections live and end on the TLS port: close_notify, half-closes, garbage, plain HTTP, deadlines. */
#include "tests/unit/app_tls.h"

/* Our records from ServerHello to Finished leave together: one segment more than their bytes need is one too many. */
static void test_handshake_flight_leaves_in_the_fewest_segments(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 443);
	const struct tls_stream stream = {p, client_send, client_recv};
	struct tls_session *t = tls_session_create(w->tls_client, &stream);
	const uint64_t before_us = w->now_us;
	struct tcp_info info;

	assert_int_equal(tls_session_handshake(t), TLS_WANT_READ);
	settle(w);
	tcp_get_info(p->c, &info);
	assert_true(info.bytes_in > 500);
	assert_int_equal(info.data_segs_in, (info.bytes_in + info.snd_mss - 1) / info.snd_mss);
	assert_int_equal(info.snd_mss, 1448); /* both sides have the same link */
	while (tls_session_handshake(t) == TLS_WANT_READ)
		assert_true(turn(w));
	assert_true(tls_session_established(t));
	assert_true(w->now_us == before_us); /* no timer has helped */
	tls_session_destroy(t);
	hang_up(p);
}

static void test_tls_ends_with_close_notify_then_fin(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 443);
	struct tls_session *t = shake_hands(p);
	const char *request = "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	static uint8_t body[BIG_SIZE + 4096];
	size_t taken, total = 0, got;
	enum tls_status status;

	assert_int_equal(tls_session_write(t, (const uint8_t *)request, strlen(request), &taken),
			 TLS_OK);
	pass(w, SECOND);
	while ((status = tls_session_read(t, body + total, sizeof body - total, &got)) == TLS_OK)
		total += got;
	assert_int_equal(status, TLS_CLOSED);
	assert_true(p->fin);
	assert_true(total > BIG_SIZE);
	assert_int_equal(p->len, 0); /* nothing after close_notify */
	tls_session_destroy(t);
	tcp_shutdown(p->c);
	settle(w);
	assert_no_sessions(w);
	assert_string_equal(w->tls_why, "");
	hang_up(p);
}

static void test_tls_client_that_only_closes_tcp_is_answered(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 443);
	struct tls_session *t = shake_hands(p);
	const char *request = "GET /small HTTP/1.1\r\nHost: a\r\n\r\n";
	uint8_t reply[4096];
	size_t taken, got = 0;

	tls_session_write(t, (const uint8_t *)request, strlen(request), &taken);
	tcp_shutdown(p->c);
	settle(w);
	assert_int_equal(tls_session_read(t, reply, sizeof reply, &got), TLS_OK);
	assert_int_equal(strncmp((const char *)reply, "HTTP/1.1 200", 12), 0);
	assert_true(p->fin);
	assert_no_sessions(w);
	tls_session_destroy(t);
	hang_up(p);
}

static void test_plain_http_on_the_tls_port_is_told_so(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 443);

	say(p, "G"); /* the first byte decides */
	assert_int_equal(strncmp(text_of(p), "HTTP/1.1 400", 12), 0);
	assert_true(p->fin);
	say(p, "ET / HTTP/1.1\r\n\r\n");
	assert_false(p->closed);
	tcp_shutdown(p->c);
	settle(w);
	assert_no_sessions(w);
	assert_non_null(strstr(w->tls_why, "plain HTTP"));
	hang_up(p);
}

static void test_garbage_on_the_tls_port_gets_an_alert(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 443);

	say(p, "\x16\x03\x01\x01\x01\x02garbage that is as long as it says and then some more of it"
	       "..................................................................................."
	       "...."
	       "..................................................................................."
	       "...."
	       ".......................................");
	pass(w, 20 * SECOND);
	assert_true(p->len >= 7);
	assert_int_equal(p->reply[0], 21); /* alert */
	assert_int_equal(p->reply[5], 2);  /* fatal */
	assert_true(p->fin);
	assert_true(w->tls_why[0] != '\0');
	hang_up(p);
	settle(w);
	assert_no_sessions(w);
}

static void test_handshake_has_a_deadline(void **state)
{
	struct world *w = *state;
	struct peer *silent = dial(w, 443), *slow = dial(w, 443);

	say(slow, "\x16\x03\x01\x02");
	pass(w, 9 * SECOND);
	assert_int_equal(app_connections(w->app), 2);
	pass(w, 2 * SECOND);
	assert_true(silent->fin);
	assert_true(slow->fin);
	hang_up(silent);
	hang_up(slow);
	settle(w);
	assert_no_sessions(w);
}

static void test_drain_closes_tls_with_close_notify(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 443), *silent = dial(w, 443);
	struct tls_session *t = shake_hands(p);
	uint8_t buf[64];
	size_t got;

	app_drain(w->app, time_of(w));
	settle(w);
	assert_true(silent->fin);
	assert_int_equal(tls_session_read(t, buf, sizeof buf, &got), TLS_CLOSED);
	assert_true(p->fin);
	assert_true(app_drained(w->app));
	tls_session_destroy(t);
	hang_up(p);
	hang_up(silent);
}

int main(void)
{
#define TLS(test) cmocka_unit_test_setup_teardown(test, setup_tls, teardown)
	const struct CMUnitTest tests[] = {
		TLS(test_handshake_flight_leaves_in_the_fewest_segments),
		TLS(test_tls_ends_with_close_notify_then_fin),
		TLS(test_tls_client_that_only_closes_tcp_is_answered),
		TLS(test_plain_http_on_the_tls_port_is_told_so),
		TLS(test_garbage_on_the_tls_port_gets_an_alert),
		TLS(test_handshake_has_a_deadline),
		TLS(test_drain_closes_tls_with_close_notify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
