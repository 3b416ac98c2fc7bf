/* SPDX-License-Identifier: Apache-2.0 */
/* When a connection waits and when it ends: deadlines, the end of the input, draining,
 * 100-continue. */
#include "tests/unit/http_harness.h"

#define H "Host: h\r\n"
#define GET "GET /hello.txt HTTP/1.1\r\n" H "\r\n"

/* ------------------------------------------------------------------ time */

static void timeouts(struct http_server_config *cfg)
{
	cfg->header_timeout_us = cfg->body_timeout_us = 10 * SECOND;
	cfg->idle_timeout_us = 30 * SECOND;
}

static void test_an_idle_connection_is_closed_without_a_word(void **state)
{
	struct http_server *server = server_with(*state, timeouts);
	struct http_conn *c =
		http_conn_create(server, at_us(5 * SECOND), HTTP_PROTOCOL_1, false, NULL);

	assert_int_equal(http_conn_deadline(c), 35 * SECOND);
	/* an empty line is no request, and wins no time */
	send_text(c, at_us(20 * SECOND), "\r\n");
	assert_int_equal(http_conn_deadline(c), 35 * SECOND);
	http_conn_expire(c, at_us(35 * SECOND - 1)); /* early: nothing happens */
	assert_false(http_conn_finished(c));
	http_conn_expire(c, at_us(35 * SECOND));
	assert_true(http_conn_finished(c));
	assert_false(http_conn_has_output(c));
	assert_int_equal(http_conn_deadline(c), UINT64_MAX);
	http_conn_destroy(c);
	http_server_destroy(server);
}

static void test_a_slow_head_gets_408(void **state)
{
	struct http_server *server = server_with(*state, timeouts);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);

	send_text(c, at_us(20 * SECOND), "G");
	assert_int_equal(http_conn_deadline(c), 30 * SECOND);
	/* the deadline is for the whole head: a byte a second does not move it */
	send_text(c, at_us(29 * SECOND), "ET / HTTP/1.1\r\n");
	assert_int_equal(http_conn_deadline(c), 30 * SECOND);
	http_conn_expire(c, at_us(30 * SECOND));
	assert_true(http_conn_has_output(c));
	assert_false(http_conn_finished(c));
	char *text = receive(c, at_us(30 * SECOND));
	assert_memory_equal(text, "HTTP/1.1 408 Request Timeout\r\n", 30);
	assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
	assert_true(http_conn_finished(c));
	free(text);
	http_conn_destroy(c);
	http_server_destroy(server);
}

static void test_slow_content_gets_408(void **state)
{
	struct http_server *server = server_with(*state, timeouts);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);

	send_text(c, at_us(1 * SECOND), "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nab");
	assert_int_equal(http_conn_deadline(c), 11 * SECOND);
	http_conn_expire(c, at_us(11 * SECOND));
	expect_status(c, at_us(11 * SECOND), "HTTP/1.1 408 ");
	assert_true(http_conn_finished(c));
	http_conn_destroy(c);
	http_server_destroy(server);
}

/* A response that waits for room has no deadline here: who sees the window must judge the
 * reader. */
static void test_deadlines_follow_the_state(void **state)
{
	struct http_server *server = server_with(*state, timeouts);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);

	send_text(c, at_us(1 * SECOND), GET);
	assert_int_equal(http_conn_deadline(c), UINT64_MAX);
	http_conn_expire(c, at_us(500 * SECOND));
	assert_true(http_conn_has_output(c));
	free(receive(c, at_us(2 * SECOND)));
	assert_int_equal(http_conn_deadline(c), 32 * SECOND);
	/* half of the next request came along with the first */
	send_text(c, at_us(3 * SECOND), GET "GET /");
	free(receive(c, at_us(4 * SECOND)));
	assert_int_equal(http_conn_deadline(c), 14 * SECOND);
	http_conn_destroy(c);
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ the end */

static void test_end_of_input(void **state)
{
	static const struct {
		const char *sent, *answer;
	} cases[] = {
		{"", ""},
		{"\r\n", ""},
		{GET, "HTTP/1.1 200 "},
		{"GET / HT", "HTTP/1.1 400 "},             /* RFC 9112 8 */
		{"GET / HTTP/1.1\r\n" H, "HTTP/1.1 400 "}, /* RFC 9112 8 */
		{"GET / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nab", "HTTP/1.1 400 "},
		{"GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n", "HTTP/1.1 400 "},
	};
	struct http_server *server = site_server(*state);
	uint8_t *buf;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_conn *c =
			http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);

		send_text(c, at_us(0), cases[i].sent);
		http_conn_input_end(c, at_us(0));
		assert_int_equal(http_conn_reserve(c, &buf), 0);
		expect_status(c, at_us(0), cases[i].answer);
		assert_true(http_conn_finished(c));
		http_conn_destroy(c);
	}
	http_server_destroy(server);
}

/* What had been sent whole before the end is answered, and what had not is refused, after it. */
static void test_end_of_input_behind_pipelined_requests(void **state)
{
	struct http_server *server = site_server(*state);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	const char *at, *end;
	struct reply r;
	char *text;

	send_text(c, at_us(0), GET GET "GET /");
	http_conn_input_end(c, at_us(0));
	text = receive(c, at_us(0));
	at = text;
	end = text + strlen(text);
	assert_true(take_reply(&at, end, false, &r) && r.status == 200);
	assert_true(take_reply(&at, end, false, &r) && r.status == 200);
	assert_true(take_reply(&at, end, false, &r) && r.status == 400);
	assert_ptr_equal(at, end);
	assert_true(http_conn_finished(c));
	free(text);
	http_conn_destroy(c);
	http_server_destroy(server);
}

static void test_draining(void **state)
{
	struct http_server *server = site_server(*state);
	struct http_conn *idle = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	struct http_conn *reading =
		http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	struct http_conn *writing =
		http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	char *text;

	send_text(reading, at_us(0), "GET /hello.txt HTT");
	send_text(writing, at_us(0), "GET /big.bin HTTP/1.1\r\n" H "\r\n");
	assert_false(http_conn_finished(idle));
	http_server_drain(server);
	assert_true(http_conn_finished(idle));
	assert_false(http_conn_finished(reading));
	assert_false(http_conn_finished(writing));
	/* a request that was begun is served, and is the last */
	send_text(reading, at_us(0), "P/1.1\r\n" H "\r\n");
	text = receive(reading, at_us(0));
	assert_memory_equal(text, "HTTP/1.1 200 ", 13);
	assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
	assert_true(http_conn_finished(reading));
	free(text);
	/* so is a response under way, whose head had been promised without close */
	free(receive(writing, at_us(0)));
	assert_true(http_conn_finished(writing));
	http_conn_destroy(idle);
	http_conn_destroy(reading);
	http_conn_destroy(writing);
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ 100-continue */

/* RFC 9110 10.1.1: 100 goes out before the content has come, and only the content ends the wait. */
static void test_continue_is_sent_before_the_content(void **state)
{
	struct http_server *server = site_server(*state);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	char *text;

	send_text(c, at_us(0),
		  "GET /hello.txt HTTP/1.1\r\n" H
		  "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	text = receive(c, at_us(0));
	assert_string_equal(text, "HTTP/1.1 100 Continue\r\n\r\n");
	free(text);
	assert_false(http_conn_has_output(c));
	assert_false(http_conn_finished(c));
	send_text(c, at_us(0), "ab");
	assert_false(http_conn_has_output(c));
	send_text(c, at_us(0), "c");
	expect_status(c, at_us(0), "HTTP/1.1 200 OK\r\n");
	http_conn_destroy(c);
	http_server_destroy(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_idle_connection_is_closed_without_a_word),
		cmocka_unit_test(test_a_slow_head_gets_408),
		cmocka_unit_test(test_slow_content_gets_408),
		cmocka_unit_test(test_deadlines_follow_the_state),
		cmocka_unit_test(test_end_of_input),
		cmocka_unit_test(test_end_of_input_behind_pipelined_requests),
		cmocka_unit_test(test_draining),
		cmocka_unit_test(test_continue_is_sent_before_the_content),
	};
	return cmocka_run_group_tests(tests, site_setup, site_teardown);
}
