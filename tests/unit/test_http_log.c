/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: one entry for every response, with what is known of its request. And 503, 403
 * by the system's own refusals, seen from the client. */
#include <sys/resource.h>

#include "tests/unit/http_harness.h"

#include "http/server.h"

#define H "Host: h\r\n"

struct line {
	char text[512];
	uint64_t duration_us;
	void *user;
};

struct journal {
	struct line lines[16];
	int count;
};

static const char *or_dash(const char *s)
{
	return s ? s : "(null)";
}

static void record(void *ctx, const struct http_log_entry *e)
{
	struct journal *j = ctx;
	struct line *line = &j->lines[j->count++];

	assert_true(j->count <= 16);
	assert_int_equal(e->time.wall, NOW_WALL);
	snprintf(line->text, sizeof(line->text), "%s %s %s %d %llu %s host=%s referer=%s agent=%s",
		 e->method, e->target, e->version, e->status, (unsigned long long)e->body_bytes,
		 e->complete ? "complete" : "cut", or_dash(e->host), or_dash(e->referer),
		 or_dash(e->user_agent));
	line->duration_us = e->duration_us;
	line->user = e->user;
}

static struct http_server *logging_server(const struct site *s, struct journal *j)
{
	struct http_server_config cfg;
	struct http_server *server;

	http_server_config_default(&cfg);
	cfg.sites = &s->files;
	cfg.site_count = 1;
	cfg.log = record;
	cfg.log_ctx = j;
	server = http_server_create(&cfg);
	assert_non_null(server);
	return server;
}

static void test_every_response_is_logged_once(void **state)
{
	struct journal j = {0};
	struct http_server *server = logging_server(*state, &j);
	struct output out;

	converse_text(server,
		      "GET /hello.txt?q HTTP/1.1\r\nUser-Agent: curl/8 \r\nHost: h:80\r\n"
		      "Referer: http://r/\r\n\r\n"
		      "HEAD /hello.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
		      "GET /hello.txt HTTP/1.1\r\n" H "If-None-Match: *\r\n\r\n"
		      "GET /hello.txt HTTP/1.1\r\n" H "Range: bytes=0-3\r\nUser-Agent:\r\n\r\n"
		      "POST /x HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n",
		      &out);
	assert_int_equal(j.count, 5);
	assert_string_equal(j.lines[0].text, "GET /hello.txt?q HTTP/1.1 200 14 complete host=h:80 "
					     "referer=http://r/ agent=curl/8");
	assert_string_equal(j.lines[1].text, "HEAD /hello.txt HTTP/1.0 200 0 complete host=(null) "
					     "referer=(null) agent=(null)");
	assert_string_equal(j.lines[2].text, "GET /hello.txt HTTP/1.1 304 0 complete host=h "
					     "referer=(null) agent=(null)");
	assert_string_equal(j.lines[3].text, "GET /hello.txt HTTP/1.1 206 4 complete host=h "
					     "referer=(null) agent=");
	assert_memory_equal(j.lines[4].text, "POST /x HTTP/1.1 405 ", 21);
	free(out.data);
	http_server_destroy(server);
}

/* The length of an error page is the page's, and an interim response is no part of it. */
static void test_bytes_of_the_body(void **state)
{
	struct journal j = {0};
	struct http_server *server = logging_server(*state, &j);
	const char *at;
	struct output out;
	struct reply r;
	char want[128];

	converse_text(server,
		      "GET /missing HTTP/1.1\r\n" H
		      "Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
		      &out);
	at = (char *)out.data;
	assert_true(take_reply(&at, at + out.len, false, &r) && r.status == 100);
	assert_true(take_reply(&at, (char *)out.data + out.len, false, &r) && r.status == 404);
	snprintf(want, sizeof(want), "GET /missing HTTP/1.1 404 %zu complete ", r.body_len);
	assert_int_equal(j.count, 1);
	assert_memory_equal(j.lines[0].text, want, strlen(want));
	free(out.data);
	http_server_destroy(server);
}

/* What was read of a request line before it was refused. */
static void test_refused_requests_are_logged(void **state)
{
	static const char *const cases[][2] = {
		{"\x16\x03\x01", "- - - 400 "},
		{"GET\n", "- - - 400 "},
		{"GET  /", "GET - - 400 "},
		{"GET /a#", "GET - - 400 "},
		{"GET /a HTTX", "GET /a - 400 "},
		{"GET /a HTTP/1.1\n", "GET /a - 400 "},
		{"GET /a HTTP/1.1\r\nA B", "GET /a HTTP/1.1 400 "},
		{"GET /a HTTP/2.0\r\n\r\n", "GET /a HTTP/2.0 505 "},
		{"BREW /a HTTP/1.1\r\n\r\n", "BREW /a HTTP/1.1 501 "},
		{"GET /a HTTP/1.1\r\nHost: x y\r\n\r\n", "GET /a HTTP/1.1 400 "},
		{"\r\nGET /a HTTP/1.1\r\n\r\n", "GET /a HTTP/1.1 400 "},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct journal j = {0};
		struct http_server *server = logging_server(*state, &j);
		struct output out;

		converse_text(server, cases[i][0], &out);
		assert_int_equal(j.count, 1);
		if (strncmp(j.lines[0].text, cases[i][1], strlen(cases[i][1])) != 0)
			fail_msg("case %zu: %s", i, j.lines[0].text);
		free(out.data);
		http_server_destroy(server);
	}
}

static void send_request(struct http_conn *c, uint64_t mono_us, const char *text)
{
	uint8_t *buf;

	assert_true(http_conn_reserve(c, &buf) >= strlen(text));
	memcpy(buf, text, strlen(text));
	http_conn_commit(c, at_us(mono_us), strlen(text));
}

static void test_duration_and_user(void **state)
{
	struct journal j = {0};
	struct http_server *server = logging_server(*state, &j);
	struct http_conn *c = http_conn_create(server, at_us(100), HTTP_PROTOCOL_1, true, &j);
	uint8_t out[4096];

	send_request(c, 1000, "GET /hello.txt ");
	send_request(c, 2000, "HTTP/1.1\r\n" H "\r\n");
	http_conn_produce(c, at_us(3000), out, 10);
	assert_int_equal(j.count, 0);
	http_conn_produce(c, at_us(4500), out, sizeof(out));
	assert_int_equal(j.count, 1);
	assert_int_equal(j.lines[0].duration_us, 3500);
	assert_ptr_equal(j.lines[0].user, &j);
	http_conn_destroy(c);
	assert_int_equal(j.count, 1);
	http_server_destroy(server);
}

/* A response that was cut off is logged with what left, be it by the peer or by the disk. */
static void test_responses_that_end_early(void **state)
{
	const struct site *s = *state;
	struct journal j = {0};
	struct http_server *server = logging_server(s, &j);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	uint8_t out[4096];

	send_request(c, 0, "GET /big.bin HTTP/1.1\r\n" H "\r\n");
	size_t n = http_conn_produce(c, at_us(0), out, sizeof(out));
	out[n - 1] = '\0';
	size_t head = (size_t)(strstr((char *)out, "\r\n\r\n") + 4 - (char *)out);
	http_conn_destroy(c);
	char want[128];
	snprintf(want, sizeof(want), "GET /big.bin HTTP/1.1 200 %zu cut ", n - head);
	assert_int_equal(j.count, 1);
	assert_memory_equal(j.lines[0].text, want, strlen(want));

	/* idle, or in the middle of a request: no response, no entry */
	c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	send_request(c, 0, "GET /");
	http_conn_destroy(c);
	assert_int_equal(j.count, 1);

	write_text(s->root_fd, "cut.txt", "0123456789");
	c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	send_request(c, 0, "GET /cut.txt HTTP/1.1\r\n" H "\r\n");
	/* Written to meanwhile: what it holds now is no part of what the head has promised. */
	write_text(s->root_fd, "cut.txt", "01234");
	while (http_conn_produce(c, at_us(0), out, sizeof(out)) > 0) {
	}
	assert_true(http_conn_broken(c));
	assert_int_equal(j.count, 2);
	assert_memory_equal(j.lines[1].text, "GET /cut.txt HTTP/1.1 200 0 cut ", 32);
	http_conn_destroy(c);
	assert_int_equal(j.count, 2);
	http_server_destroy(server);
}

static void test_no_descriptors_left_is_503(void **state)
{
	struct http_server *server = site_server(*state);
	struct rlimit limit, none;
	struct output out;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){0, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	bool open = converse_text(server, "GET /hello.txt HTTP/1.1\r\n" H "\r\n", &out);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(open);
	assert_memory_equal(out.data, "HTTP/1.1 503 Service Unavailable\r\n", 34);
	assert_non_null(strstr((char *)out.data, "\r\nRetry-After: 1\r\n"));
	free(out.data);
	http_server_destroy(server);
}

static void test_permissions_are_403(void **state)
{
	const struct site *s = *state;
	struct http_server *server = site_server(s);
	struct output out;

	if (geteuid() != 0)
		skip();
	assert_int_equal(fchmodat(s->root_fd, "hello.txt", 0600, 0), 0);
	assert_int_equal(seteuid(65534), 0);
	converse_text(server, "GET /hello.txt HTTP/1.1\r\n" H "\r\n", &out);
	assert_int_equal(seteuid(0), 0);
	fchmodat(s->root_fd, "hello.txt", 0644, 0);
	assert_memory_equal(out.data, "HTTP/1.1 403 Forbidden\r\n", 24);
	free(out.data);
	http_server_destroy(server);
}

/* RFC 9110 8.8.2.1: a file from the future is not said to be. */
static void test_last_modified_is_never_later_than_date(void **state)
{
	const struct site *s = *state;
	struct http_server *server = site_server(s);
	struct timespec times[2] = {{NOW_WALL + 1000, 0}, {NOW_WALL + 1000, 0}};
	struct output out;

	write_text(s->root_fd, "future.txt", "x");
	assert_int_equal(utimensat(s->root_fd, "future.txt", times, 0), 0);
	converse_text(server, "GET /future.txt HTTP/1.1\r\n" H "\r\n", &out);
	assert_non_null(strstr((char *)out.data, "\r\nLast-Modified: " NOW_TEXT "\r\n"));
	free(out.data);
	http_server_destroy(server);
}

/* The cached Date follows the clock, in both directions. */
static void test_date_follows_the_clock(void **state)
{
	static const struct {
		time_t wall;
		const char *date;
	} cases[] = {
		{784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
		{784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
		{784111778, "Sun, 06 Nov 1994 08:49:38 GMT"},
		{784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
		{-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
	};
	struct http_server *server = site_server(*state);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(http_server_date(server, cases[i].wall), cases[i].date);
	http_server_destroy(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_response_is_logged_once),
		cmocka_unit_test(test_bytes_of_the_body),
		cmocka_unit_test(test_refused_requests_are_logged),
		cmocka_unit_test(test_duration_and_user),
		cmocka_unit_test(test_responses_that_end_early),
		cmocka_unit_test(test_no_descriptors_left_is_503),
		cmocka_unit_test(test_permissions_are_403),
		cmocka_unit_test(test_last_modified_is_never_later_than_date),
		cmocka_unit_test(test_date_follows_the_clock),
	};
	return cmocka_run_group_tests(tests, site_setup, site_teardown);
}
