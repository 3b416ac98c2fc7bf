/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection at work: streaming, order, back-pressure, limits, memory.
 * What single requests mean is in test_http_served.c and test_http_refused.c.
 */
#include "tests/unit/http_harness.h"

#define H "Host: h\r\n"
#define GET "GET /hello.txt HTTP/1.1\r\n" H "\r\n"

/* ------------------------------------------------------------------ streaming */

static void check_big(const struct output *o)
{
	const char *at = (const char *)o->data;
	struct reply r;

	assert_true(take_reply(&at, at + o->len, false, &r));
	assert_int_equal(r.status, 200);
	assert_int_equal(r.body_len, BIG_SIZE);
	for (size_t i = 0; i < BIG_SIZE; i++)
		if ((uint8_t)r.body[i] != big_byte(i))
			fail_msg("byte %zu differs", i);
}

static void test_a_large_file_streams_into_any_room(void **state)
{
	static const size_t rooms[] = {1, 7, 4096, 65536, 4 * 1024 * 1024};
	struct http_server *server = site_server(*state);

	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		static const char request[] = "GET /big.bin HTTP/1.1\r\n" H "\r\n";
		struct output out;

		assert_true(
			converse(server, request, sizeof(request) - 1, SIZE_MAX, rooms[i], &out));
		check_big(&out);
		free(out.data);
	}
	http_server_destroy(server);
}

/* A small response leaves in one call, so in one segment. */
static void test_head_and_body_come_in_one_call(void **state)
{
	struct http_server *server = site_server(*state);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	uint8_t out[4096];

	send_text(c, at_us(0), GET);
	assert_true(http_conn_has_output(c));
	size_t n = http_conn_produce(c, at_us(0), out, sizeof(out));
	assert_memory_equal(out + n - strlen(HELLO), HELLO, strlen(HELLO));
	assert_false(http_conn_has_output(c));
	assert_int_equal(http_conn_produce(c, at_us(0), out, sizeof(out)), 0);
	assert_int_equal(http_conn_produce(c, at_us(0), out, 0), 0);
	http_conn_destroy(c);
	http_server_destroy(server);
}

/* RFC 9110 9.3.2: the fields of HEAD are those of GET. Here: the same bytes. */
static void test_head_equals_the_head_of_get(void **state)
{
	static const char *const targets[] = {"/",     "/hello.txt", "/empty.txt",   "/big.bin",
					      "/sub",  "/sub/",      "/noindex/",    "/missing",
					      "/fifo", "/.secret",   "/sub?a=\"<b>", "/%zz"};
	struct http_server *server = site_server(*state);

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		struct output get, head;
		char request[256];

		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" H "\r\n", targets[i]);
		converse_text(server, request, &get);
		snprintf(request, sizeof(request), "HEAD %s HTTP/1.1\r\n" H "\r\n", targets[i]);
		converse_text(server, request, &head);
		size_t head_len =
			(size_t)(strstr((char *)get.data, "\r\n\r\n") + 4 - (char *)get.data);
		assert_int_equal(head.len, head_len);
		assert_memory_equal(head.data, get.data, head_len);
		free(get.data);
		free(head.data);
	}
	http_server_destroy(server);
}

static void test_a_file_that_shrinks_breaks_the_connection(void **state)
{
	const struct site *s = *state;
	struct http_server *server = site_server(s);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	static char data[10000];
	uint8_t out[1000];

	write_file(s->root_fd, "shrinks.bin", data, sizeof(data));
	send_text(c, at_us(0), "GET /shrinks.bin HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(http_conn_produce(c, at_us(0), out, sizeof(out)), sizeof(out));
	int fd = openat(s->root_fd, "shrinks.bin", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, 2000), 0);
	close(fd);
	size_t total = sizeof(out), n;
	while ((n = http_conn_produce(c, at_us(0), out, sizeof(out))) > 0)
		total += n;
	assert_true(total < 10000);
	assert_true(http_conn_broken(c));
	assert_true(http_conn_finished(c));
	assert_false(http_conn_has_output(c));
	http_conn_destroy(c);
	http_server_destroy(server);
}

/* Nobody can tell whether it was only added to: the rest could be of another version. */
static void test_a_file_that_grows_breaks_the_connection(void **state)
{
	const struct site *s = *state;
	struct http_server *server = site_server(s);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	static char data[10000];
	char *rest;

	memset(data, 'a', sizeof(data));
	write_file(s->root_fd, "grows.bin", data, 5000);
	send_text(c, at_us(0), "GET /grows.bin HTTP/1.1\r\n" H "\r\n");
	write_file(s->root_fd, "grows.bin", data, sizeof(data));
	rest = receive(c, at_us(0));
	assert_non_null(strstr(rest, "Content-Length: 5000\r\n"));
	assert_int_equal(strlen(strstr(rest, "\r\n\r\n") + 4), 0);
	assert_true(http_conn_broken(c));
	free(rest);
	http_conn_destroy(c);
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ order and back-pressure */

/* Two hundred requests, more than the input buffer holds. */
static void test_pipelined_requests_are_answered_in_order(void **state)
{
	static const char *const names[] = {"/hello.txt", "/sub/page.html", "/missing"};
	static const int statuses[] = {200, 200, 404};
	struct http_server *server = site_server(*state);
	struct output requests = {0}, replies;
	const char *at;
	struct reply r;

	for (int i = 0; i < 200; i++) {
		char one[128];

		snprintf(one, sizeof(one), "GET %s HTTP/1.1\r\n" H "\r\n", names[i % 3]);
		output_add(&requests, one, strlen(one));
	}
	assert_true(converse(server, requests.data, requests.len, SIZE_MAX, 65536, &replies));
	at = (const char *)replies.data;
	for (int i = 0; i < 200; i++) {
		assert_true(take_reply(&at, (const char *)replies.data + replies.len, false, &r));
		assert_int_equal(r.status, statuses[i % 3]);
		if (i % 3 == 1)
			assert_memory_equal(r.body, "<p>page</p>", 11);
	}
	assert_ptr_equal(at, replies.data + replies.len);
	free(requests.data);
	free(replies.data);
	http_server_destroy(server);
}

/* While a response is due nothing is read, so a client that only sends meets a closed window. */
static void test_nothing_is_read_while_a_response_is_due(void **state)
{
	struct http_server *server = site_server(*state);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	uint8_t *buf, out[65536];

	send_text(c, at_us(0), GET GET GET);
	assert_int_equal(http_conn_reserve(c, &buf), 0);
	/* one call produces all three, for they wait in the buffer */
	size_t n = http_conn_produce(c, at_us(0), out, sizeof(out));
	int replies = 0;
	for (size_t i = 0; i + 15 < n; i++)
		replies += memcmp(out + i, "HTTP/1.1 200 OK", 15) == 0;
	assert_int_equal(replies, 3);
	assert_true(http_conn_reserve(c, &buf) > 0);
	http_conn_destroy(c);
	http_server_destroy(server);
}

static void few_requests(struct http_server_config *cfg)
{
	cfg->max_requests = 3;
}

static void test_a_connection_serves_so_many_requests(void **state)
{
	struct http_server *server = server_with(*state, few_requests);
	struct output out;
	int closes = 0;

	assert_false(converse_text(server, GET GET GET GET, &out));
	for (const char *p = (char *)out.data; (p = strstr(p, "Connection: close")); p++)
		closes++;
	assert_int_equal(closes, 1);
	const char *at = (char *)out.data;
	struct reply r;
	for (int i = 0; i < 3; i++)
		assert_true(take_reply(&at, (char *)out.data + out.len, false, &r));
	assert_ptr_equal(at, out.data + out.len);
	assert_string_equal(reply_field(&r, "Connection"), "close");
	free(out.data);
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ limits */

static void small_limits(struct http_server_config *cfg)
{
	cfg->max_head = 512;
	cfg->max_target = 64;
	cfg->max_fields = 5;
	cfg->max_body = 10;
}

static void expect_answer(struct http_server *server, const char *request, const char *status)
{
	/* whole, and byte by byte */
	for (size_t step = 1; step != 0; step = step == 1 ? SIZE_MAX : 0) {
		struct output out;

		converse(server, request, strlen(request), step, 65536, &out);
		if (strncmp((char *)out.data, status, strlen(status)) != 0)
			fail_msg("want %s, got %s", status, (char *)out.data);
		free(out.data);
	}
}

static void test_limits_of_the_configuration(void **state)
{
	struct http_server *server = server_with(*state, small_limits);
	char request[2048], filler[1024];

	memset(filler, 'a', sizeof(filler));
	/* RFC 9110 15.5.15; the request line is not waited for */
	snprintf(request, sizeof(request), "GET /%.63s HTTP/1.1\r\n" H "\r\n", filler);
	expect_answer(server, request, "HTTP/1.1 404 ");
	snprintf(request, sizeof(request), "GET /%.64s", filler);
	expect_answer(server, request, "HTTP/1.1 414 ");
	/* RFC 6585 5 */
	snprintf(request, sizeof(request), "GET / HTTP/1.1\r\n" H "A:\r\nB:\r\nC:\r\nD:\r\n\r\n");
	expect_answer(server, request, "HTTP/1.1 200 ");
	snprintf(request, sizeof(request), "GET / HTTP/1.1\r\n" H "A:\r\nB:\r\nC:\r\nD:\r\nE");
	expect_answer(server, request, "HTTP/1.1 431 ");
	snprintf(request, sizeof(request), "GET / HTTP/1.1\r\n" H "A: %.*s\r\n\r\n", 512 - 32,
		 filler);
	assert_int_equal(strlen(request), 512);
	expect_answer(server, request, "HTTP/1.1 200 ");
	snprintf(request, sizeof(request), "GET / HTTP/1.1\r\n" H "A: %.*s\r\n\r\n", 513 - 32,
		 filler);
	expect_answer(server, request, "HTTP/1.1 431 ");
	/* RFC 9110 15.5.14 */
	expect_answer(server, "GET / HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\n0123456789",
		      "HTTP/1.1 200 ");
	expect_answer(server, "GET / HTTP/1.1\r\n" H "Content-Length: 11\r\n\r\n", "HTTP/1.1 413 ");
	expect_answer(server,
		      "GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
		      "5\r\n01234\r\n5\r\n01234\r\n0\r\n\r\n",
		      "HTTP/1.1 200 ");
	expect_answer(server,
		      "GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
		      "5\r\n01234\r\n6\r\n012345\r\n0\r\n\r\n",
		      "HTTP/1.1 413 ");
	http_server_destroy(server);
}

/* Fields of the largest size, and content behind them, through an input buffer that grows. */
static void test_the_largest_head_with_content(void **state)
{
	struct http_server *server = site_server(*state);
	size_t head = 16 * 1024, body = 1024 * 1024;
	char *request = malloc(head + body + 256);
	int n = sprintf(request, "GET / HTTP/1.1\r\n" H "Content-Length: %zu\r\nA: ", body);

	memset(request + n, 'a', head - (size_t)n - 4);
	memcpy(request + head - 4, "\r\n\r\n", 4);
	memset(request + head, 'b', body);
	n = sprintf(request + head + body, "GET /sub/ HTTP/1.1\r\n" H "\r\n");
	for (size_t step = 1000; step != 0; step = step == 1000 ? SIZE_MAX : 0) {
		struct output out;

		assert_true(converse(server, request, head + body + (size_t)n, step, 65536, &out));
		assert_non_null(strstr((char *)out.data, "<p>index</p>"));
		assert_non_null(strstr((char *)out.data, "<p>sub</p>"));
		free(out.data);
	}
	free(request);
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ memory and descriptors */

static void test_an_idle_connection_holds_no_buffer(void **state)
{
	struct http_server *server = site_server(*state);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	const struct h1_conn *inside = (const struct h1_conn *)c;
	uint8_t *buf;

	assert_null(inside->in);
	assert_true(http_conn_reserve(c, &buf) > 0);
	assert_non_null(inside->in);
	http_conn_commit(c, at_us(0), 0); /* nothing had come after all */
	assert_null(inside->in);
	send_text(c, at_us(0), "\r\n");
	assert_null(inside->in);
	send_text(c, at_us(0), GET);
	assert_non_null(inside->in);
	free(receive(c, at_us(0)));
	assert_null(inside->in);
	assert_null(inside->req.r.fields);
	assert_null(inside->resp.buf.data);
	http_conn_destroy(c);
	http_server_destroy(server);
}

static int lowest_free_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void test_files_are_closed(void **state)
{
	struct http_server *server = site_server(*state);
	int before = lowest_free_fd();
	struct output out;

	converse_text(server,
		      GET "HEAD /hello.txt HTTP/1.1\r\n" H "\r\n"
			  "GET /empty.txt HTTP/1.1\r\n" H "\r\n"
			  "GET /hello.txt HTTP/1.1\r\n" H "If-None-Match: *\r\n\r\n"
			  "GET /hello.txt HTTP/1.1\r\n" H "If-Match: \"x\"\r\n\r\n"
			  "GET /hello.txt HTTP/1.1\r\n" H "Range: bytes=99-\r\n\r\n"
			  "GET /sub HTTP/1.1\r\n" H "\r\n"
			  "GET /noindex/ HTTP/1.1\r\n" H "\r\n"
			  "GET /fifo HTTP/1.1\r\n" H "\r\n",
		      &out);
	free(out.data);
	assert_int_equal(lowest_free_fd(), before);

	/* and when the connection ends in the middle */
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	send_text(c, at_us(0), "GET /big.bin HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(lowest_free_fd(), before + 1);
	http_conn_destroy(c);
	assert_int_equal(lowest_free_fd(), before);
	http_server_destroy(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_large_file_streams_into_any_room),
		cmocka_unit_test(test_head_and_body_come_in_one_call),
		cmocka_unit_test(test_head_equals_the_head_of_get),
		cmocka_unit_test(test_a_file_that_shrinks_breaks_the_connection),
		cmocka_unit_test(test_a_file_that_grows_breaks_the_connection),
		cmocka_unit_test(test_pipelined_requests_are_answered_in_order),
		cmocka_unit_test(test_nothing_is_read_while_a_response_is_due),
		cmocka_unit_test(test_a_connection_serves_so_many_requests),
		cmocka_unit_test(test_limits_of_the_configuration),
		cmocka_unit_test(test_the_largest_head_with_content),
		cmocka_unit_test(test_an_idle_connection_holds_no_buffer),
		cmocka_unit_test(test_files_are_closed),
	};
	return cmocka_run_group_tests(tests, site_setup, site_teardown);
}
