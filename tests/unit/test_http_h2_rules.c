/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2: what is refused and how, content, the log, deadlines, and how a connection ends. */
#include "tests/unit/h2_harness.h"

static void small_limits(struct http_server_config *cfg)
{
	cfg->max_head = 1000;
	cfg->max_target = 100;
	cfg->max_fields = 5;
	cfg->max_body = 5000;
}

static void no_minimum(struct http_server_config *cfg)
{
	cfg->min_receive.bytes_per_second = cfg->min_send.bytes_per_second = 0;
}

static void two_requests(struct http_server_config *cfg)
{
	cfg->max_requests = 2;
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
