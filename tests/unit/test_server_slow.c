/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that are slow on purpose end, those that are slow without fault do not. */
#include "server/progress.h"
#include "tests/unit/app_tls.h"

#define GET_SMALL "GET /small HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_BIG "GET /big HTTP/1.1\r\nHost: a\r\n\r\n"

static void expect_end(struct world *w, enum close_reason reason)
{
	assert_int_equal(w->ended, 1);
	assert_string_equal(close_reason_text(w->ending.reason), close_reason_text(reason));
	assert_non_null(strstr(close_reason_notice(reason), close_reason_text(reason)));
	w->ended = 0;
}

/* While somebody else is being slow. */
static void expect_service(struct world *w)
{
	struct peer *p = dial(w, 80);

	say(p, GET_SMALL);
	assert_int_equal(body_len(p), 100);
	hang_up(p);
	settle(w);
	assert_int_equal(w->ending.reason, CLOSE_RESET_BY_PEER);
	w->ended = 0;
}

static void test_slowloris(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);

	say(p, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
	for (int i = 0; i < 19; i++) {
		pass(w, SECOND);
		say(p, "x");
	}
	expect_service(w);
	assert_false(p->fin);
	pass(w, 2 * SECOND);
	assert_true(p->fin);
	assert_non_null(strstr(text_of(p), "HTTP/1.1 408"));
	hang_up(p);
	settle(w);
	expect_end(w, CLOSE_HEADER_TIMEOUT);
}

/* R.U.D.Y.: never a pause as long as body-timeout. */
static void test_slow_content(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);
	int bytes = 0;

	say(p, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
	for (; !p->fin && bytes < 100; bytes++) {
		pass(w, SECOND);
		expect_service(w);
		say(p, "x");
	}
	assert_int_equal(
		bytes, 61); /* a minute, and what sixty bytes buy, which is a quarter of a second */
	assert_non_null(strstr(text_of(p), "HTTP/1.1 408"));
	hang_up(p);
	settle(w);
	expect_end(w, CLOSE_TOO_SLOW_RECEIVE);
}

/* The window opens by a segment now and then: more often than send-timeout, and less than the rate. */
static void slow_reader(struct world *w, struct peer *p, size_t bytes, uint64_t every_us, int times)
{
	for (int i = 0; i < times && p->c; i++) {
		pass(w, every_us);
		if (p->c)
			sip(p, bytes);
	}
}

static void test_slow_reader_is_reset(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);

	p->reads = false;
	say(p, GET_BIG);
	slow_reader(w, p, 1460, 30 * SECOND, 1);
	expect_service(w);
	slow_reader(w, p, 1460, 30 * SECOND, 10);
	assert_true(p->closed);
	assert_int_equal(p->reason, TCP_CLOSE_RESET);
	expect_end(w, CLOSE_TOO_SLOW_SEND);
	assert_int_equal(w->logged, 2);
	assert_int_equal(w->logged_complete, 1); /* the other one's */
	hang_up(p);
}

static void test_slow_reader_above_the_rate_is_kept(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);

	p->reads = false;
	say(p, GET_BIG);
	slow_reader(w, p, 1460, 5 * SECOND, 200); /* 292 bytes a second */
	assert_false(p->closed);
	assert_int_equal(app_connections(w->app), 1);
	p->reads = true;
	take(p);
	pass(w, 10 * SECOND);
	assert_int_equal(body_len(p), BIG_SIZE);
	hang_up(p);
}

static void test_reader_that_stops_is_send_timeout(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);

	p->reads = false;
	say(p, GET_BIG);
	pass(w, 121 * SECOND);
	assert_true(p->closed);
	expect_end(w, CLOSE_SEND_TIMEOUT);
	hang_up(p);
}

/* The response lies in the send ring whole, our FIN behind it: it is cut off all the same, and that is what is
 * told. */
static void test_reader_that_stops_after_the_last_response(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 80);

	p->reads = false;
	say(p, "GET /some HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	assert_int_equal(w->logged_complete, 1);
	pass(w, 121 * SECOND);
	assert_true(p->closed);
	expect_end(w, CLOSE_SEND_TIMEOUT);
	hang_up(p);
}

static void test_slow_reader_over_tls(void **state)
{
	struct world *w = *state;
	struct peer *p = dial(w, 443);
	struct tls_session *t = shake_hands(p);
	size_t n;

	assert_int_equal(tls_session_write(t, (const uint8_t *)GET_BIG, strlen(GET_BIG), &n),
			 TLS_OK);
	p->reads = false;
	settle(w);
	slow_reader(w, p, 1460, 30 * SECOND, 10);
	assert_true(p->closed);
	expect_end(w, CLOSE_TOO_SLOW_SEND);
	tls_session_destroy(t);
	hang_up(p);
}

/* ------------------------------------------------------------------ the rules alone */

static const struct progress_rules rules = {.timeout_us = 60 * SECOND, .min = {100, 10 * SECOND}};

static void test_time_counts_only_while_bytes_wait(void **state)
{
	struct progress p;

	(void)state;
	progress_init(&p);
	progress_look(&p, &rules, 0, 0, false);
	assert_int_equal(progress_deadline(&p), UINT64_MAX);
	/* whatever is produced late, as long as it is taken */
	for (uint64_t t = 0; t < 100; t++) {
		p.sent += 10;
		progress_look(&p, &rules, t * 100 * SECOND, 10, false);
		assert_int_equal(progress_verdict(&p, t * 100 * SECOND), CLOSE_NONE);
		progress_look(&p, &rules, t * 100 * SECOND + SECOND, 0, false);
		assert_int_equal(progress_deadline(&p), UINT64_MAX);
	}
}

static void test_acknowledged_bytes_count_not_buffered_ones(void **state)
{
	struct progress p;
	uint64_t t;

	(void)state;
	progress_init(&p);
	p.sent = 100000;
	progress_look(&p, &rules, 0, 100000, true);
	for (t = 1; t < 100 && progress_verdict(&p, t * SECOND) == CLOSE_NONE; t++) {
		p.sent += 1000;                                                /* buffered */
		progress_look(&p, &rules, t * SECOND, 100000 + t * 999, true); /* 1 acknowledged */
	}
	assert_int_equal(progress_verdict(&p, t * SECOND), CLOSE_TOO_SLOW_SEND);
	assert_int_equal(t, 11);
	/* Out of memory of ours: nothing pending, nobody to blame for the rate. */
	progress_init(&p);
	progress_look(&p, &rules, 0, 0, true);
	assert_int_equal(progress_deadline(&p), 60 * SECOND);
}

static int setup_some(void **state)
{
	setup_plain(state);
	write_file(((struct world *)*state)->dir, "some", 300000);
	return 0;
}

static int teardown_some(void **state)
{
	char path[128];

	snprintf(path, sizeof path, "%s/www/some", ((struct world *)*state)->dir);
	unlink(path);
	return teardown(state);
}

int main(void)
{
#define PLAIN(test) cmocka_unit_test_setup_teardown(test, setup_plain, teardown)
	const struct CMUnitTest tests[] = {
		PLAIN(test_slowloris),
		PLAIN(test_slow_content),
		PLAIN(test_slow_reader_is_reset),
		PLAIN(test_slow_reader_above_the_rate_is_kept),
		PLAIN(test_reader_that_stops_is_send_timeout),
		cmocka_unit_test_setup_teardown(test_reader_that_stops_after_the_last_response,
						setup_some, teardown_some),
		cmocka_unit_test_setup_teardown(test_slow_reader_over_tls, setup_tls, teardown),
		cmocka_unit_test(test_time_counts_only_while_bytes_wait),
		cmocka_unit_test(test_acknowledged_bytes_count_not_buffered_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
