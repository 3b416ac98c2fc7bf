/* SPDX-License-Identifier: Apache-2.0 */
/* Why connections end: each is told once, with the first cause, after the last of its requests. */
#include "tests/unit/app_tls.h"

#define GET_SMALL "GET /small HTTP/1.1\r\nHost: a\r\n\r\n"

/* One connection has ended since the last call, for this reason, after so many requests. */
static void expect_end(struct world *w, enum close_reason reason, unsigned requests)
{
	assert_int_equal(w->ended, 1);
	assert_string_equal(close_reason_text(w->ending.reason), close_reason_text(reason));
	assert_int_equal(w->ending.requests, requests);
	w->ended = 0;
	assert_no_sessions(w);
}

static void leave(struct peer *p)
{
	struct world *w = p->w;

	tcp_shutdown(p->c);
	settle(w);
	hang_up(p);
	settle(w);
}

static void test_the_client_closes_or_asks_for_it(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);

	say(p, GET_SMALL GET_SMALL);
	assert_int_equal(w->ended, 0);
	leave(p);
	expect_end(w, CLOSE_CLIENT_CLOSED, 2);
	assert_int_equal(w->ended_tcp.bytes_in, 2 * strlen(GET_SMALL));
	assert_true(w->ended_tcp.bytes_out > 200);

	p = dial(w, 80);
	say(p, "GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	leave(p);
	expect_end(w, CLOSE_CLOSE_REQUESTED, 1);

	p = dial(w, 80);
	say(p, "GET /small HTTP/1.0\r\n\r\n");
	leave(p);
	expect_end(w, CLOSE_CLOSE_REQUESTED, 1);

	p = dial(w, 80);
	say(p, "GET /sm"); /* and then nothing more */
	leave(p);
	expect_end(w, CLOSE_CLIENT_CLOSED, 1);
}

static void test_what_is_no_request(void **state)
{
	static const char *const bytes[] = {"\x16\x03\x01", "GET\n",
					    "GET /%2f HTTP/1.1\r\nHost: a\r\n\r\n",
					    "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
		struct peer *p = dial(w, 80);
		say(p, bytes[i]);
		leave(p);
		expect_end(w, CLOSE_PROTOCOL_ERROR, 1);
	}
}

static void test_deadlines(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);

	pass(w, 70 * SECOND);
	hang_up(p); /* a reset, but the cause was another */
	settle(w);
	expect_end(w, CLOSE_IDLE, 0);

	p = dial(w, 80);
	say(p, "GET / HT");
	pass(w, 30 * SECOND);
	hang_up(p);
	settle(w);
	expect_end(w, CLOSE_HEADER_TIMEOUT, 1);

	p = dial(w, 80);
	say(p, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx");
	pass(w, 30 * SECOND);
	hang_up(p);
	settle(w);
	expect_end(w, CLOSE_BODY_TIMEOUT, 1);

	p = dial(w, 80);
	p->reads = false;
	say(p, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	pass(w, 121 * SECOND);
	hang_up(p);
	expect_end(w, CLOSE_SEND_TIMEOUT, 1);
}

static void test_the_peer_resets_or_vanishes(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);

	p->reads = false;
	say(p, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	hang_up(p);
	settle(w);
	expect_end(w, CLOSE_RESET_BY_PEER, 1);
	assert_int_equal(w->logged, 1); /* before that */

	p = dial(w, 80);
	p->reads = false;
	say(p, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	p->reads = true;
	take(p); /* the window opens, more is on its way, and then nothing answers */
	w->hold = true;
	pass(w, 200 * SECOND);
	assert_int_equal(w->ended, 1);
	assert_true(w->ending.reason == CLOSE_TCP_TIMEOUT ||
		    w->ending.reason == CLOSE_SEND_TIMEOUT);
	assert_true(w->ended_tcp.retransmits > 0);
	hang_up(p);
}

static void test_max_requests_and_drain(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);

	say(p, GET_SMALL GET_SMALL GET_SMALL);
	leave(p);
	expect_end(w, CLOSE_MAX_REQUESTS, 2);

	p = dial(w, 80);
	say(p, GET_SMALL);
	app_drain(w->app, time_of(w));
	settle(w);
	leave(p);
	expect_end(w, CLOSE_DRAIN, 1);
}

static void test_the_server_ends(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);

	struct app_config cfg;

	app_destroy(w->app);
	assert_int_equal(w->ended, 1);
	assert_int_equal(w->ending.reason, CLOSE_SERVER_ENDED);
	hang_up(p);
	app_config_default(&cfg);
	cfg.stack = w->server;
	cfg.http = w->http;
	w->app = app_create(&cfg); /* for teardown */
	assert_non_null(w->app);
}

static void test_a_file_that_shrinks(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);
	char path[128];

	p->reads = false;
	say(p, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	snprintf(path, sizeof path, "%s/www/big", w->dir);
	assert_int_equal(truncate(path, 1), 0);
	p->reads = true;
	take(p);
	pass(w, SECOND);
	expect_end(w, CLOSE_FILE_CHANGED, 1);
	hang_up(p);
}

static void test_tls(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 443);

	say(p, "GET / HTTP/1.1\r\n\r\n");
	leave(p);
	expect_end(w, CLOSE_PLAIN_HTTP, 0);

	p = dial(w, 443);
	say(p, "\x99\x99\x99\x99\x99\x99\x99\x99");
	leave(p);
	expect_end(w, CLOSE_HANDSHAKE_FAILED, 0);

	p = dial(w, 443);
	say(p, "\x16\x03\x01\x02");
	pass(w, 20 * SECOND);
	hang_up(p);
	settle(w);
	expect_end(w, CLOSE_HANDSHAKE_TIMEOUT, 0);

	p = dial(w, 443);
	struct tls_session *t = hello(p); /* and no more */
	leave(p);
	tls_session_destroy(t);
	expect_end(w, CLOSE_CLIENT_CLOSED, 0);

	p = dial(w, 443);
	t = shake_hands(p);
	tls_session_close_notify(t);
	settle(w);
	leave(p);
	tls_session_destroy(t);
	expect_end(w, CLOSE_CLIENT_CLOSED, 0);
}

static void test_every_reason_has_a_word(void **state)
{
	static const enum close_reason all[] = {
#define X(name, text) CLOSE_##name,
		CLOSE_REASONS(X)
#undef X
	};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		const char *word = close_reason_text(all[i]);
		assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz2-"), strlen(word));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(word, close_reason_text(all[j]));
	}
}

static int setup_two_requests(void **state)
{
	setup(state);
	((struct world *)*state)->max_requests = 2;
	start(*state, 0);
	return 0;
}

int main(void)
{
#define PLAIN(test) cmocka_unit_test_setup_teardown(test, setup_plain, teardown)
	const struct CMUnitTest tests[] = {
		PLAIN(test_the_client_closes_or_asks_for_it),
		PLAIN(test_what_is_no_request),
		PLAIN(test_deadlines),
		PLAIN(test_the_peer_resets_or_vanishes),
		cmocka_unit_test_setup_teardown(test_max_requests_and_drain, setup_two_requests,
						teardown),
		PLAIN(test_the_server_ends),
		PLAIN(test_a_file_that_shrinks),
		cmocka_unit_test_setup_teardown(test_tls, setup_tls, teardown),
		cmocka_unit_test(test_every_reason_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
