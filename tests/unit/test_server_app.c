/* SPDX-License-Identifier: Apache-2.0 */
/* How connections live and end without TLS: requests, closes, deadlines, memory, drain. */
#include "tests/unit/app_world.h"

/* ------------------------------------------------------------------ plain */

static void test_request_is_answered_and_the_connection_kept(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);

	say(p, "GET /small HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(strncmp(text_of(p), "HTTP/1.1 200", 12), 0);
	assert_int_equal(body_len(p), 100);
	assert_false(p->fin);
	p->len = 0;
	say(p, "GET /small HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_non_null(memmem(p->reply, p->len, "HTTP/1.1 404", 12));
	assert_int_equal(w->logged_complete, 3);
	assert_int_equal(app_connections(w->app), 1);
	hang_up(p);
	settle(w);
	assert_no_sessions(w);
}

/* Requests of up to three segments, one after the other: the clock stands still, so no timer has helped. */
static void test_keep_alive_requests_of_every_size_need_no_timer(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);
	const uint64_t before_us = w->now_us;

	for (size_t pad = 1; pad < 4300; pad += 53) {
		char request[4500];
		const int n = snprintf(request, sizeof request,
				       "GET /small HTTP/1.1\r\nHost: a\r\nX-Pad: ");
		memset(request + n, 'x', pad);
		strcpy(request + n + pad, "\r\n\r\n");
		p->len = 0;
		say(p, request);
		assert_int_equal(strncmp(text_of(p), "HTTP/1.1 200", 12), 0);
		assert_int_equal(body_len(p), 100);
	}
	assert_true(w->now_us == before_us);
	assert_int_equal(stack_get_counters(w->server)->tcp_delayed_acks, 0);
	hang_up(p);
}

static void test_close_is_fin_then_linger_until_the_peers_fin(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);

	say(p, "GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	assert_int_equal(body_len(p), 100);
	assert_true(p->fin);
	assert_int_equal(app_connections(w->app), 1); /* lingering */
	/* What the client still sends is no reason for a reset. */
	say(p, "POST / HTTP/1.1\r\n\r\n");
	assert_false(p->closed);
	assert_int_equal(tcp_shutdown(p->c), 0);
	settle(w);
	assert_no_sessions(w);
	pass(w, 120 * SECOND);
	hang_up(p);
}

static void test_linger_ends_by_its_timeout(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);
	struct stack_usage usage;

	say(p, "GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	pass(w, 4900 * MS);
	assert_int_equal(app_connections(w->app), 1);
	pass(w, 200 * MS);
	assert_no_sessions(w);
	/* The stack's own limit for an orphan in FIN-WAIT-2 does the rest. */
	pass(w, 61 * SECOND);
	stack_get_usage(w->server, &usage);
	assert_int_equal(usage.connections, 0);
	assert_int_equal(usage.memory, 0);
	hang_up(p);
}

static void test_half_closed_client_gets_its_whole_answer(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);

	tcp_send_all(p->c, (const uint8_t *)"GET /big HTTP/1.1\r\nHost: a\r\n\r\n", 30, false);
	tcp_shutdown(p->c);
	pass(w, SECOND);
	assert_int_equal(body_len(p), BIG_SIZE);
	assert_true(p->fin);
	assert_no_sessions(w);
	hang_up(p);
}

static void test_reset_in_the_middle_frees_everything(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);
	struct stack_usage usage;

	p->reads = false;
	say(p, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(app_connections(w->app), 1);
	hang_up(p);
	settle(w);
	assert_no_sessions(w);
	assert_int_equal(w->logged, 1);
	assert_int_equal(w->logged_complete, 0);
	stack_get_usage(w->server, &usage);
	assert_int_equal(usage.connections, 0);
	assert_int_equal(usage.memory, 0);
}

static void test_client_that_never_reads_is_reset_in_time(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);

	p->reads = false; /* its stack answers every probe of the shut window */
	say(p, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	pass(w, 59 * SECOND);
	assert_int_equal(app_connections(w->app), 1);
	pass(w, 62 * SECOND); /* between one and two send timeouts */
	assert_no_sessions(w);
	assert_true(p->closed);
	assert_int_equal(p->reason, TCP_CLOSE_RESET);
	hang_up(p);
}

static void test_client_that_reads_now_and_then_is_kept(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);

	p->reads = false;
	say(p, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	/* Five minutes; what it reads each time is a window update's worth. */
	for (int i = 0; i < 6; i++) {
		pass(w, 50 * SECOND);
		const size_t before = p->len;
		take(p);
		assert_true(p->len > before);
	}
	assert_int_equal(app_connections(w->app), 1);
	p->reads = true;
	take(p);
	pass(w, 10 * SECOND);
	assert_int_equal(body_len(p), BIG_SIZE);
	hang_up(p);
}

static void test_idle_and_header_deadlines(void **state)
{
	struct world *w = *state;
	struct peer *idle = dial(w, 80), *slow = dial(w, 80);

	say(slow, "GET /small HTTP/1.1\r\nHo");
	pass(w, 21 * SECOND);
	assert_non_null(strstr(text_of(slow), "HTTP/1.1 408"));
	assert_true(slow->fin);
	assert_false(idle->fin);
	pass(w, 40 * SECOND);
	assert_true(idle->fin);
	assert_int_equal(idle->len, 0);
	hang_up(idle);
	hang_up(slow);
	settle(w);
	assert_no_sessions(w);
}

static void test_vanished_client_is_forgotten(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);
	struct stack_usage usage;

	p->reads = false;
	say(p, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	p->reads = true;
	w->hold = true;
	take(p);
	pass(w, 300 * SECOND);
	assert_no_sessions(w);
	stack_get_usage(w->server, &usage);
	assert_int_equal(usage.connections, 0);
	assert_int_equal(usage.memory, 0);
	hang_up(p);
}

static void add_queued(void *ctx, const struct tcp_info *info)
{
	*(uint64_t *)ctx += info->send_queued;
}

static uint64_t queued(const struct world *w)
{
	uint64_t sum = 0;

	stack_each_conn(w->server, add_queued, &sum);
	return sum;
}

static void test_one_turn_is_bounded(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);
	const char *request = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
	uint64_t before, after = 0;
	int turns = 0;
	bool more;

	/* The first download lets the congestion window, and with it the send ring, grow beyond the share
	 * of a turn. */
	say(p, request);
	pass(w, SECOND);
	assert_int_equal(body_len(p), BIG_SIZE);
	p->len = 0;
	tcp_send_all(p->c, (const uint8_t *)request, strlen(request), false);
	carry(w, w->client, w->server, false);
	do {
		before = after;
		more = app_run(w->app, time_of(w));
		after = queued(w);
		/* a quarter of a megabyte, and what the last piece goes beyond it */
		assert_true(after - before <= (256u << 10) + (64u << 10));
		turns += more;
	} while (more);
	assert_true(turns >= 1);
	assert_true(after > (256u << 10) + (64u << 10));
	pass(w, SECOND);
	assert_int_equal(body_len(p), BIG_SIZE);
	hang_up(p);
}

static void test_starved_stack_serves_in_the_end(void **state)
{
	struct world *w = *state;
	struct peer *p[8];

	start(w, 192 << 10); /* less than eight clients want at once */
	for (int i = 0; i < 8; i++)
		p[i] = dial(w, 80);
	for (int i = 0; i < 8; i++) {
		const char *request = "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
		tcp_send_all(p[i]->c, (const uint8_t *)request, strlen(request), false);
	}
	pass(w, 60 * SECOND);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(body_len(p[i]), BIG_SIZE);
		hang_up(p[i]);
	}
}

/* ------------------------------------------------------------------ drain */

static void test_drain_closes_idle_and_finishes_running(void **state)
{
	struct world *w = *state;
	struct peer *idle = dial(w, 80), *busy = dial(w, 80);

	busy->reads = false;
	say(busy, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	app_drain(w->app, time_of(w));
	app_drain(w->app, time_of(w));
	settle(w);
	assert_true(idle->fin);
	assert_false(busy->fin);
	assert_false(app_drained(w->app));
	busy->reads = true;
	take(busy);
	pass(w, SECOND);
	assert_int_equal(body_len(busy), BIG_SIZE);
	assert_true(busy->fin);
	/* The clients still hold their ends, but have acknowledged everything. */
	assert_true(app_drained(w->app));
	/* Nobody listens any more. */
	struct peer *late = dial(w, 80);
	assert_true(late->closed);
	assert_int_equal(late->reason, TCP_CLOSE_REFUSED);
	hang_up(idle);
	hang_up(busy);
	hang_up(late);
}

static void test_destroy_resets_who_is_left(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);
	struct app_config cfg;

	p->reads = false;
	say(p, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	app_destroy(w->app);
	carry(w, w->server, w->client, false);
	client_events(w);
	assert_true(p->closed);
	assert_int_equal(p->reason, TCP_CLOSE_RESET);
	hang_up(p);
	app_config_default(&cfg);
	cfg.stack = w->server;
	cfg.http = w->http;
	w->app = app_create(&cfg); /* for teardown; the port is free again */
	assert_non_null(w->app);
}

int main(void)
{
#define PLAIN(test) cmocka_unit_test_setup_teardown(test, setup_plain, teardown)
	const struct CMUnitTest tests[] = {
		PLAIN(test_request_is_answered_and_the_connection_kept),
		PLAIN(test_keep_alive_requests_of_every_size_need_no_timer),
		PLAIN(test_close_is_fin_then_linger_until_the_peers_fin),
		PLAIN(test_linger_ends_by_its_timeout),
		PLAIN(test_half_closed_client_gets_its_whole_answer),
		PLAIN(test_reset_in_the_middle_frees_everything),
		PLAIN(test_client_that_never_reads_is_reset_in_time),
		PLAIN(test_client_that_reads_now_and_then_is_kept),
		PLAIN(test_idle_and_header_deadlines),
		PLAIN(test_vanished_client_is_forgotten),
		PLAIN(test_one_turn_is_bounded),
		cmocka_unit_test_setup_teardown(test_starved_stack_serves_in_the_end, setup,
						teardown),
		PLAIN(test_drain_closes_idle_and_finishes_running),
		PLAIN(test_destroy_resets_who_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
