/* SPDX-License-Identifier: Apache-2.0 */
/* Minimum rates: what a byte buys, and how a request that comes too slowly ends. */
#include "tests/unit/http_harness.h"

#define H "Host: h\r\n"

static const struct http_rate_min min = {.bytes_per_second = 100, .window_us = 10 * SECOND};

static void test_a_window_of_time_and_then_what_bytes_buy(void **state)
{
	struct http_rate r;

	(void)state;
	http_rate_begin(&r, &min, 5 * SECOND);
	assert_int_equal(r.deadline_us, 15 * SECOND);
	http_rate_add(&r, &min, 14 * SECOND, 100);
	assert_int_equal(r.deadline_us, 16 * SECOND);
	http_rate_add(&r, &min, 14 * SECOND, 1);
	assert_int_equal(r.deadline_us, 16 * SECOND + 10000);
	/* nobody has more than a window */
	http_rate_add(&r, &min, 15 * SECOND, 1000000);
	assert_int_equal(r.deadline_us, 25 * SECOND);
	http_rate_add(&r, &min, 15 * SECOND, UINT64_MAX);
	assert_int_equal(r.deadline_us, 25 * SECOND);
	/* what comes too late buys nothing back */
	http_rate_add(&r, &min, 40 * SECOND, 100);
	assert_int_equal(r.deadline_us, 26 * SECOND);
}

static void test_exactly_the_minimum_lasts_for_ever_and_less_does_not(void **state)
{
	struct http_rate r;
	unsigned t;

	(void)state;
	http_rate_begin(&r, &min, 0);
	for (t = 1; t < 100000; t++) {
		http_rate_add(&r, &min, t * SECOND, 100);
		assert_true(r.deadline_us > t * SECOND);
	}
	http_rate_begin(&r, &min, 0);
	for (t = 1; t < 1000 && t * SECOND < r.deadline_us; t++)
		http_rate_add(&r, &min, t * SECOND, 90);
	assert_int_equal(t, 91); /* the window, and what 90 times nine tenths of a second bought */
}

static void test_time_stands_still_in_a_pause(void **state)
{
	struct http_rate r;

	(void)state;
	http_rate_begin(&r, &min, 0);
	http_rate_pause(&r, 4 * SECOND);
	assert_int_equal(r.deadline_us, UINT64_MAX);
	http_rate_add(&r, &min, 50 * SECOND, 100);
	http_rate_resume(&r, 100 * SECOND);
	assert_int_equal(r.deadline_us, 107 * SECOND);
	/* nobody saves up more than a window */
	http_rate_pause(&r, 100 * SECOND);
	http_rate_add(&r, &min, 100 * SECOND, 100000);
	http_rate_resume(&r, 200 * SECOND);
	assert_int_equal(r.deadline_us, 210 * SECOND);
	/* what has not begun is neither paused nor resumed; what is over already stays so */
	http_rate_pause(&r, 300 * SECOND);
	http_rate_resume(&r, 300 * SECOND);
	assert_int_equal(r.deadline_us, 300 * SECOND);
	http_rate_end(&r);
	http_rate_pause(&r, 0);
	http_rate_add(&r, &min, 0, 100);
	http_rate_resume(&r, 0);
	assert_int_equal(r.deadline_us, UINT64_MAX);
}

static void test_no_minimum(void **state)
{
	const struct http_rate_min none = {.window_us = SECOND};
	const struct http_rate_min far = {.bytes_per_second = 1, .window_us = UINT64_MAX};
	struct http_rate r;

	(void)state;
	http_rate_begin(&r, &none, 5);
	assert_int_equal(r.deadline_us, UINT64_MAX);
	http_rate_add(&r, &none, 5, 100);
	assert_int_equal(r.deadline_us, UINT64_MAX);
	http_rate_begin(&r, &far, 5);
	assert_int_equal(r.deadline_us, UINT64_MAX);
}

/* ------------------------------------------------------------------ of a request */

static void slow_is_fine(struct http_server_config *cfg)
{
	cfg->header_timeout_us = 1000 * SECOND;
	cfg->body_timeout_us = 20 * SECOND;
	cfg->min_receive = min;
}

static void expect_408(struct http_conn *c, uint64_t when, enum http_end why)
{
	http_conn_expire(c, at_us(when - 1));
	assert_false(http_conn_has_output(c));
	http_conn_expire(c, at_us(when));
	expect_status(c, at_us(when), "HTTP/1.1 408 ");
	assert_true(http_conn_finished(c));
	assert_int_equal(http_conn_end(c), why);
}

static void test_a_head_below_the_rate_gets_408(void **state)
{
	struct http_server *server = server_with(*state, slow_is_fine);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);

	send_text(c, at_us(20 * SECOND), "GET / HTTP/1.1\r\nA: ");
	/* a byte a second is worth a hundredth of one */
	for (unsigned t = 21; t < 30; t++)
		send_text(c, at_us(t * SECOND), "x");
	assert_int_equal(http_conn_deadline(c), 30 * SECOND + 9 * SECOND / 100);
	expect_408(c, 30 * SECOND + 9 * SECOND / 100, HTTP_END_TOO_SLOW);
	http_conn_destroy(c);
	http_server_destroy(server);
}

static void test_content_at_the_rate_may_last(void **state)
{
	struct http_server *server = server_with(*state, slow_is_fine);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	char hundred[101];
	unsigned t;

	memset(hundred, 'x', 100);
	hundred[100] = '\0';
	send_text(c, at_us(0), "POST /hello.txt HTTP/1.1\r\n" H "Content-Length: 100000\r\n\r\n");
	for (t = 1; t <= 500; t++) {
		http_conn_expire(c, at_us(t * SECOND));
		send_text(c, at_us(t * SECOND), hundred);
	}
	/* one byte in nine seconds is enough for body-timeout, not for the rate */
	for (; !http_conn_has_output(c) && t < 600; t += 9) {
		send_text(c, at_us(t * SECOND), "x");
		http_conn_expire(c, at_us(t * SECOND + 8 * SECOND));
	}
	expect_status(c, at_us(t * SECOND), "HTTP/1.1 408 ");
	assert_int_equal(http_conn_end(c), HTTP_END_TOO_SLOW);
	assert_true(t > 510 && t < 530);
	http_conn_destroy(c);
	http_server_destroy(server);
}

static void fast_window(struct http_server_config *cfg)
{
	slow_is_fine(cfg);
	cfg->body_timeout_us = 5 * SECOND;
}

static void test_a_pause_within_content_is_body_timeout(void **state)
{
	struct http_server *server = server_with(*state, fast_window);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);

	send_text(c, at_us(SECOND), "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\na");
	assert_int_equal(http_conn_deadline(c), 6 * SECOND);
	send_text(c, at_us(4 * SECOND), "b");
	assert_int_equal(http_conn_deadline(c), 9 * SECOND);
	expect_408(c, 9 * SECOND, HTTP_END_BODY_TIMEOUT);
	http_conn_destroy(c);
	http_server_destroy(server);
}

/* Neither while a response is under way nor between requests are bytes expected. */
static void test_the_rate_is_for_requests_only(void **state)
{
	struct http_server *server = server_with(*state, slow_is_fine);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);

	send_text(c, at_us(0), "GET /hello.txt HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(http_conn_deadline(c), UINT64_MAX);
	free(receive(c, at_us(5 * SECOND)));
	assert_int_equal(http_conn_deadline(c), 65 * SECOND); /* idle */
	http_conn_destroy(c);
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ requests that are too many */

static void pipeline_of_two(struct http_server_config *cfg)
{
	cfg->max_pipeline = 2;
}

static unsigned answers_in(const char *text)
{
	unsigned n = 0;

	for (; (text = strstr(text, "HTTP/1.1 200 ")); text++)
		n++;
	return n;
}

/* What was sent ahead is answered in order and whole, so many of it at a time. */
static void test_a_turn_has_so_many_requests(void **state)
{
	struct http_server *server = server_with(*state, pipeline_of_two);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	static const unsigned in_turn[] = {2, 2, 1};
	char out[65536];

	static const char request[] = "GET /hello.txt HTTP/1.1\r\n" H "\r\n";
	uint8_t *buf;
	size_t len = 0;

	assert_true(http_conn_reserve(c, &buf) > 5 * sizeof request);
	for (int n = 0; n < 5; n++)
		len += (size_t)sprintf((char *)buf + len, "%s", request);
	http_conn_commit(c, at_us(0), len);
	for (int turn = 0; turn < 3; turn++) {
		assert_true(http_conn_has_output(c));
		http_conn_begin_turn(c);
		out[http_conn_produce(c, at_us(0), (uint8_t *)out, sizeof out - 1)] = '\0';
		assert_int_equal(http_conn_turn_is_over(c), turn < 2);
		assert_int_equal(answers_in(out), in_turn[turn]);
	}
	assert_false(http_conn_has_output(c));
	http_conn_destroy(c);
	http_server_destroy(server);
}

static int left;

static int admit(void *ctx, void *user, size_t site, unsigned *retry_after)
{
	assert_ptr_equal(ctx, &left);
	assert_string_equal(user, "user");
	assert_int_equal(site, 0);
	*retry_after = 17;
	return left-- > 0 ? 0 : 429;
}

static void two_requests(struct http_server_config *cfg)
{
	left = 2;
	cfg->admit = admit;
	cfg->admit_ctx = &left;
}

/* RFC 6585 4. The connection goes on: a new one would cost more than the answer. */
static void test_too_many_requests(void **state)
{
	struct http_server *server = server_with(*state, two_requests);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, "user");

	for (int i = 0; i < 5; i++) {
		send_text(c, at_us(0), "GET /hello.txt HTTP/1.1\r\n" H "\r\n");
		char *text = receive(c, at_us(0));
		if (i < 2) {
			assert_memory_equal(text, "HTTP/1.1 200 ", 13);
			assert_null(strstr(text, "Retry-After"));
		} else {
			assert_memory_equal(text, "HTTP/1.1 429 Too Many Requests\r\n", 32);
			assert_non_null(strstr(text, "\r\nRetry-After: 17\r\n"));
			assert_null(strstr(text, "Connection: close"));
		}
		free(text);
	}
	/* Whatever the method: even that costs one. */
	send_text(c, at_us(0), "PUT /hello.txt HTTP/1.1\r\n" H "\r\n");
	expect_status(c, at_us(0), "HTTP/1.1 429 ");
	http_conn_destroy(c);
	http_server_destroy(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_window_of_time_and_then_what_bytes_buy),
		cmocka_unit_test(test_exactly_the_minimum_lasts_for_ever_and_less_does_not),
		cmocka_unit_test(test_time_stands_still_in_a_pause),
		cmocka_unit_test(test_no_minimum),
		cmocka_unit_test(test_a_head_below_the_rate_gets_408),
		cmocka_unit_test(test_content_at_the_rate_may_last),
		cmocka_unit_test(test_a_pause_within_content_is_body_timeout),
		cmocka_unit_test(test_the_rate_is_for_requests_only),
		cmocka_unit_test(test_a_turn_has_so_many_requests),
		cmocka_unit_test(test_too_many_requests),
	};

	return cmocka_run_group_tests(tests, site_setup, site_teardown);
}
