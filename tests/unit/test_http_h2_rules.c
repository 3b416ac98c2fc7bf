/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2: what is refused and how, content, the log. */
#include "tests/unit/h2_harness.h"

static void small_limits(struct http_server_config *cfg)
{
	cfg->max_head = 1000;
	cfg->max_target = 100;
	cfg->max_fields = 5;
	cfg->max_body = 5000;
}

/* ------------------------------------------------------------------ refusals */

/* RFC 9113 8.1.1: malformed, so the stream is reset; with the rest the connection and other streams go on. */
static void test_malformed_requests_are_reset(void **state)
{
	static const nghttp2_nv cases[][7] = {
		/* upper case, space, connection fields, TE, control characters (8.2) */
		{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/"),
		 NV(":authority", "h"), NV("bad name", "x")},
		{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/"),
		 NV(":authority", "h"), NV("connection", "close")},
		{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/"),
		 NV(":authority", "h"), NV("transfer-encoding", "chunked")},
		{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/"),
		 NV(":authority", "h"), NV("upgrade", "h2c")},
		{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/"),
		 NV(":authority", "h"), NV("te", "gzip")},
		{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/"),
		 NV(":authority", "h"), NV("x", "a\nb")},
		{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/"),
		 NV(":authority", "h"), NV("x", " padded ")},
		/* pseudo-fields: missing, twice, unknown, behind others, empty path, no host at all (8.3) */
		{NV(":scheme", "http"), NV(":path", "/"), NV(":authority", "h")},
		{NV(":method", "GET"), NV(":path", "/"), NV(":authority", "h")},
		{NV(":method", "GET"), NV(":scheme", "http"), NV(":authority", "h")},
		{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", ""),
		 NV(":authority", "h")},
		{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "x"),
		 NV(":authority", "h")},
		{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "*"),
		 NV(":authority", "h")},
		{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/"), NV(":path", "/"),
		 NV(":authority", "h")},
		{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/"),
		 NV(":authority", "h"), NV(":status", "200")},
		{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/"), NV("x", "y"),
		 NV(":authority", "h")},
		{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/")},
		/* the length of no content, and one that is none */
		{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/"),
		 NV(":authority", "h"), NV("content-length", "5")},
		{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/"),
		 NV(":authority", "h"), NV("content-length", "-0")},
		{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/"),
		 NV(":authority", "h"), NV("content-length", "0"), NV("content-length", "0")},
	};
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t count = 0;
		while (count < 7 && cases[i][count].name)
			count++;
		const int32_t id = submit_raw(p, cases[i], count);
		pump(p);
		const struct answer *a = answer_of(p, id);
		if (!a->closed || a->error != NGHTTP2_PROTOCOL_ERROR || a->status != 0)
			fail_msg("case %zu: status %d, closed %d, error %u", i, a->status,
				 a->closed, a->error);
		assert_int_equal(fetch_answer(p, "GET", "/hello.txt", "")->status, 200);
	}
	assert_int_equal(p->goaways, 0);
	peer_free(p);
	http_server_destroy(server);
}

/* Well-formed, and refused all the same: with an answer. */
static void test_refusals_are_answers(void **state)
{
	static const struct {
		nghttp2_nv nv[7];
		int status;
	} cases[] = {
		{{NV(":method", "GET"), NV(":scheme", "ftp"), NV(":path", "/"),
		  NV(":authority", "h")},
		 400},
		{{NV(":method", "GET"), NV(":scheme", "https"), NV(":path", "/"),
		  NV(":authority", "h")},
		 421},
		{{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/#a"),
		  NV(":authority", "h")},
		 400},
		{{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/a\x80"),
		  NV(":authority", "h")},
		 400},
		{{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/"),
		  NV(":authority", "u@h")},
		 400},
		{{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/"),
		  NV(":authority", "h:99999")},
		 400},
		{{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/"),
		  NV(":authority", "h"), NV("host", "other")},
		 400},
		{{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/"),
		  NV(":authority", "h"), NV("host", "H")},
		 200},
		{{NV(":method", "GET"), NV(":scheme", "http"), NV(":path", "/"), NV("host", "h")},
		 200},
		{{NV(":method", "CONNECT"), NV(":authority", "h:443")}, 405},
		{{NV(":method", "OPTIONS"), NV(":scheme", "http"), NV(":path", "*"),
		  NV(":authority", "h")},
		 200},
		{{NV(":method", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG"), NV(":scheme", "http"),
		  NV(":path", "/"), NV(":authority", "h")},
		 501},
		{{NV(":method", "get"), NV(":scheme", "http"), NV(":path", "/"),
		  NV(":authority", "h")},
		 501},
	};
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t count = 0;
		while (count < 7 && cases[i].nv[count].name)
			count++;
		const int32_t id = submit_raw(p, cases[i].nv, count);
		pump(p);
		const struct answer *a = answer_of(p, id);
		if (!a->ended || a->status != cases[i].status)
			fail_msg("case %zu: status %d, error %u", i, a->status, a->error);
	}
	assert_int_equal(p->goaways, 0);
	peer_free(p);
	http_server_destroy(server);
}

/* RFC 9113 9.1.1: a connection is for all sites of its certificate, and for no other. */
static void test_a_site_with_another_certificate_is_misdirected(void **state)
{
	static const char *const of_a[] = {"a", "aa", NULL}, *const of_b[] = {"b", NULL},
				 *const of_c[] = {"c", NULL};
	static const struct {
		const char *name, *authority;
		int status;
	} cases[] = {
		{"a", "a", 200}, {"a", "aa", 200},   {"a", "b", 200},
		{"a", "c", 421}, {"c", "c", 200},    {"c", "a", 421},
		{"c", "h", 421}, {"none", "c", 200}, {NULL, "c", 200},
	};
	const struct site *s = *state;
	struct http_server_config cfg;
	struct http_site sites[4] = {s->files, s->files, s->files, s->files};

	http_server_config_default(&cfg);
	cfg.sites = sites;
	cfg.site_count = 4;
	sites[0].hosts = (const char *const[]){"h", NULL};
	sites[1].hosts = of_a;
	sites[2].hosts = of_b;
	sites[3].hosts = of_c;
	sites[1].certificates = sites[2].certificates = 1;
	sites[3].certificates = 2;
	struct http_server *server = http_server_create(&cfg);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const nghttp2_nv nv[] = {NV(":method", "GET"), NV(":scheme", "http"),
					 NV(":path", "/hello.txt"),
					 NV(":authority", cases[i].authority)};
		struct h2_peer *p = peer_new(server);
		if (cases[i].name)
			http_conn_set_name(p->c, cases[i].name);
		const int32_t id = submit_raw(p, nv, 4);
		pump(p);
		if (answer_of(p, id)->status != cases[i].status)
			fail_msg("case %zu: %d", i, answer_of(p, id)->status);
		peer_free(p);
	}
	http_server_destroy(server);
}

static void test_limits_of_the_head(void **state)
{
	struct http_server *server = server_with(*state, small_limits);
	struct h2_peer *p = peer_new(server);
	char path[201] = "/", field[1200] = "x: ";

	pump(p);
	assert_int_equal(p->header_list, 1000);
	memset(path + 1, 'a', 99);
	path[100] = '\0';
	assert_int_equal(fetch_answer(p, "GET", path, "")->status, 404);
	strcat(path, "b");
	assert_int_equal(fetch_answer(p, "GET", path, "")->status, 414);
	assert_int_equal(fetch_answer(p, "HEAD", path, "")->body.len, 0);

	const char five[] = "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\n";
	assert_int_equal(fetch_answer(p, "GET", "/", five)->status, 200);
	assert_int_equal(
		fetch_answer(p, "GET", "/", "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\n")->status, 431);

	/* :method GET, :scheme http, :path /, :authority h and x count 10 + 11 + 6 + 11 + 1 and 5 × 32. */
	memset(field + 3, 'y', 1000 - 199);
	strcpy(field + 3 + 1000 - 199, "\n");
	assert_int_equal(fetch_answer(p, "GET", "/", field)->status, 200);
	strcpy(field + 3 + 1000 - 199, "y\n");
	assert_int_equal(fetch_answer(p, "GET", "/", field)->status, 431);
	assert_int_equal(p->goaways, 0);
	peer_free(p);
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ content */

static void test_content_is_read_and_dropped(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);
	struct content content = {.left = 1 << 20}, more = {.left = (1 << 20) + 1};

	/* The answer comes at the end of it, for which the window has to be opened many times. */
	const int32_t id = upload(p, "OPTIONS", "/", "", &content);
	pump(p);
	assert_int_equal(content.left, 0);
	assert_int_equal(answer_of(p, id)->status, 200);
	assert_int_equal(answer_of(p, id)->error, 0);
	assert_true(answer_of(p, id)->closed);

	const int32_t large = upload(p, "OPTIONS", "/", "", &more);
	pump(p);
	assert_int_equal(answer_of(p, large)->status, 413);
	assert_int_equal(fetch_answer(p, "GET", "/hello.txt", "")->status, 200);
	peer_free(p);
	http_server_destroy(server);
}

/* Too long by its own account: an answer at once, no window any more, and after a second RST_STREAM(NO_ERROR). */
static void test_an_early_answer_lets_the_client_stop(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);
	struct content content = {.left = 3 << 20};
	const int32_t id = upload(p, "POST", "/", "content-length: 3145728\n", &content);
	const struct answer *a = answer_of(p, id);

	pump(p);
	assert_int_equal(a->status, 413);
	assert_true(a->ended);
	assert_false(a->closed);
	assert_int_equal(content.left, (3 << 20) - 65535);
	assert_int_equal(http_conn_deadline(p->c), 1 * SECOND);
	advance_to(p, 1 * SECOND);
	pump(p);
	assert_true(a->closed);
	assert_int_equal(a->error, NGHTTP2_NO_ERROR);
	assert_int_equal(fetch_answer(p, "GET", "/hello.txt", "")->status, 200);
	assert_int_equal(p->goaways, 0);
	peer_free(p);
	http_server_destroy(server);
}

static void test_expect_continue(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);
	struct content content = {.left = 10}, unwanted = {.left = 10};
	const int32_t id = upload(p, "OPTIONS", "/", "expect: 100-continue\n", &content),
		      no = upload(p, "PUT", "/", "expect: 100-continue\n", &unwanted);

	pump(p);
	assert_int_equal(answer_of(p, id)->interim, 100);
	assert_int_equal(answer_of(p, id)->status, 200);
	assert_int_equal(answer_of(p, no)->interim, 0);
	assert_int_equal(answer_of(p, no)->status, 405);
	peer_free(p);
	http_server_destroy(server);
}

/* RFC 9113 8.1.1: content that is not as long as its Content-Length says. */
static void test_content_of_another_length_is_malformed(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);
	struct content shorter = {.left = 9}, longer = {.left = 11};
	const int32_t a = upload(p, "OPTIONS", "/", "content-length: 10\n", &shorter);
	const int32_t b = upload(p, "OPTIONS", "/", "content-length: 10\n", &longer);

	pump(p);
	assert_int_equal(answer_of(p, a)->error, NGHTTP2_PROTOCOL_ERROR);
	assert_int_equal(answer_of(p, b)->error, NGHTTP2_PROTOCOL_ERROR);
	assert_int_equal(answer_of(p, a)->status + answer_of(p, b)->status, 0);
	peer_free(p);
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ what breaks */

static void test_a_file_that_shrinks_resets_its_stream_only(void **state)
{
	const struct site *s = *state;
	struct http_server *server = site_server(s);
	struct h2_peer *p = peer_with(server, HTTP_PROTOCOL_2, 1000);
	static uint8_t zeros[300000];

	write_file(s->root_fd, "shrinks.bin", zeros, sizeof zeros);
	const int32_t id = ask(p, "GET", "/shrinks.bin", "");
	speak(p);
	fetch(p, 600);
	assert_int_equal(answer_of(p, id)->status, 200);
	write_file(s->root_fd, "shrinks.bin", zeros, 10);
	pump(p);
	assert_true(answer_of(p, id)->closed);
	assert_false(answer_of(p, id)->ended);
	assert_int_equal(answer_of(p, id)->error, NGHTTP2_INTERNAL_ERROR);
	assert_int_equal(fetch_answer(p, "GET", "/hello.txt", "")->status, 200);
	peer_free(p);
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ the log */

struct journal {
	char lines[16][256];
	int count;
};

static const char *or_dash(const char *s)
{
	return s ? s : "-";
}

static void record(void *ctx, const struct http_log_entry *e)
{
	struct journal *j = ctx;

	assert_true(j->count < 16);
	snprintf(j->lines[j->count++], sizeof j->lines[0], "%s %s %s %d %llu %s %s %s %s",
		 e->method, e->target, e->version, e->status, (unsigned long long)e->body_bytes,
		 e->complete ? "complete" : "cut", or_dash(e->host), or_dash(e->referer),
		 or_dash(e->user_agent));
	assert_int_equal(strlen(e->request_id), 32);
	assert_non_null(e->site);
}

static void test_every_stream_is_logged_once(void **state)
{
	const struct site *s = *state;
	struct journal j = {0};
	struct http_server_config cfg;
	struct content stalls = {.left = 10, .stalls = true};

	http_server_config_default(&cfg);
	cfg.sites = &s->files;
	cfg.site_count = 1;
	cfg.log = record;
	cfg.log_ctx = &j;
	struct http_server *server = http_server_create(&cfg);
	struct h2_peer *p = peer_with(server, HTTP_PROTOCOL_2, 1000);

	fetch_answer(p, "GET", "/hello.txt", "user-agent: me\nreferer: you\n");
	fetch_answer(p, "HEAD", "/none?x", "");
	const nghttp2_nv malformed[] = {NV(":method", "GET"), NV(":scheme", "http"),
					NV(":path", "/"), NV(":authority", "h"), NV("te", "x")};
	submit_raw(p, malformed, 5);
	pump(p);
	/* The client takes one back, and leaves another. */
	const int32_t id = ask(p, "GET", "/big.bin", "");
	speak(p);
	fetch(p, 600);
	nghttp2_submit_rst_stream(p->ng, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
	pump(p);
	upload(p, "POST", "/", "", &stalls);
	pump(p);
	const nghttp2_nv connect[] = {NV(":method", "CONNECT"), NV(":authority", "h:1")};
	submit_raw(p, connect, 2);
	pump(p);
	ask(p, "GET", "/index.html", "");
	speak(p);
	peer_free(p);
	http_server_destroy(server);

	assert_int_equal(j.count, 6);
	assert_string_equal(j.lines[0], "GET /hello.txt HTTP/2.0 200 14 complete h you me");
	assert_string_equal(j.lines[1], "HEAD /none?x HTTP/2.0 404 0 complete h - -");
	assert_memory_equal(j.lines[2], "GET / HTTP/2.0 400 0 cut h", 26);
	assert_memory_equal(j.lines[3], "GET /big.bin HTTP/2.0 200 ", 26);
	assert_non_null(strstr(j.lines[3], " cut h"));
	assert_memory_equal(j.lines[4], "CONNECT h:1 HTTP/2.0 405 ", 25);
	assert_memory_equal(j.lines[5], "GET /index.html HTTP/2.0 200 0 cut h", 36);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_malformed_requests_are_reset),
		cmocka_unit_test(test_refusals_are_answers),
		cmocka_unit_test(test_a_site_with_another_certificate_is_misdirected),
		cmocka_unit_test(test_limits_of_the_head),
		cmocka_unit_test(test_content_is_read_and_dropped),
		cmocka_unit_test(test_an_early_answer_lets_the_client_stop),
		cmocka_unit_test(test_expect_continue),
		cmocka_unit_test(test_content_of_another_length_is_malformed),
		cmocka_unit_test(test_a_file_that_shrinks_resets_its_stream_only),
		cmocka_unit_test(test_every_stream_is_logged_once),
	};

	return cmocka_run_group_tests(tests, site_setup, site_teardown);
}
