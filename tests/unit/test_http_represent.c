/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed siblings of a file: which one is served, and what the response says of it. */
#include "tests/unit/http_harness.h"

#define PAGE "<p>page, as it is</p>\n"
#define PAGE_BR "page in br"
#define PAGE_ZST "page in zstd....."
#define PAGE_GZ "page in gzip, 0123456789"

static int setup(void **state)
{
	site_setup(state);
	struct site *s = *state;

	write_text(s->root_fd, "page.html", PAGE);
	write_text(s->root_fd, "page.html.br", PAGE_BR);
	write_text(s->root_fd, "page.html.zst", PAGE_ZST);
	write_text(s->root_fd, "page.html.gz", PAGE_GZ);
	write_text(s->root_fd, "gz.css", "css");
	write_text(s->root_fd, "gz.css.gz", "css in gzip");
	write_text(s->root_fd, "sub/index.html.gz", "sub in gzip");
	write_text(s->root_fd, "photo.jpg", "jpeg");
	write_text(s->root_fd, "photo.jpg.gz", "jpeg in gzip");
	return 0;
}

/* ------------------------------------------------------------------ asking */

struct answer {
	struct output out;
	struct reply reply;
};

static void ask(struct http_server *server, const char *method, const char *path,
		const char *fields, struct answer *a)
{
	char request[1024];
	const char *at;

	snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n", method, path,
		 fields);
	converse_text(server, request, &a->out);
	at = (const char *)a->out.data;
	assert_true(take_reply(&at, at + a->out.len, !strcmp(method, "HEAD"), &a->reply));
	assert_int_equal(*at, '\0');
}

static void expect_body(const struct answer *a, const char *body)
{
	assert_int_equal(a->reply.body_len, strlen(body));
	assert_memory_equal(a->reply.body, body, strlen(body));
}

static void expect_field(const struct answer *a, const char *name, const char *value)
{
	const char *got = reply_field(&a->reply, name);

	if (!value && got)
		fail_msg("%s: %s", name, got);
	if (value && (!got || strcmp(got, value) != 0))
		fail_msg("%s: %s, expected %s", name, got ? got : "(none)", value);
}

static char *keep_field(const struct answer *a, const char *name)
{
	const char *value = reply_field(&a->reply, name);

	assert_non_null(value);
	return strdup(value);
}

/* ------------------------------------------------------------------ tests */

static void test_the_best_sibling_is_served(void **state)
{
	static const struct {
		const char *path, *accept, *coding, *body, *type;
	} cases[] = {
		{"/page.html", "gzip, br, zstd", "br", PAGE_BR, "text/html; charset=utf-8"},
		{"/page.html", "gzip, zstd", "zstd", PAGE_ZST, "text/html; charset=utf-8"},
		{"/page.html", "gzip", "gzip", PAGE_GZ, "text/html; charset=utf-8"},
		{"/page.html", "br;q=0.1, gzip;q=0.2", "gzip", PAGE_GZ, "text/html; charset=utf-8"},
		{"/page.html", "identity, br;q=0.9", NULL, PAGE, "text/html; charset=utf-8"},
		{"/page.html", "deflate", NULL, PAGE, "text/html; charset=utf-8"},
		{"/page.html", "*", "br", PAGE_BR, "text/html; charset=utf-8"},
		/* only what is there */
		{"/gz.css", "br, zstd, gzip;q=0.1", "gzip", "css in gzip",
		 "text/css; charset=utf-8"},
		{"/gz.css", "br, zstd", NULL, "css", "text/css; charset=utf-8"},
		{"/gz.css", "*, identity;q=0", "gzip", "css in gzip", "text/css; charset=utf-8"},
		/* the index of a directory has siblings, too */
		{"/sub/", "gzip", "gzip", "sub in gzip", "text/html; charset=utf-8"},
		{"/hello.txt", "br, gzip", NULL, HELLO, "text/plain; charset=utf-8"},
	};
	struct http_server *server = site_server(*state);
	char fields[128];
	struct answer a;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(fields, sizeof(fields), "Accept-Encoding: %s\r\n", cases[i].accept);
		ask(server, "GET", cases[i].path, fields, &a);
		assert_int_equal(a.reply.status, 200);
		expect_body(&a, cases[i].body);
		expect_field(&a, "Content-Encoding", cases[i].coding);
		expect_field(&a, "Content-Type", cases[i].type);
		expect_field(&a, "Vary", "Accept-Encoding");
		free(a.out.data);
	}
	http_server_destroy(server);
}

static void test_the_sibling_itself_is_a_file_like_others(void **state)
{
	struct http_server *server = site_server(*state);
	struct answer a;

	ask(server, "GET", "/page.html.gz", "Accept-Encoding: gzip, br\r\n", &a);
	assert_int_equal(a.reply.status, 200);
	expect_body(&a, PAGE_GZ);
	expect_field(&a, "Content-Type", "application/gzip");
	expect_field(&a, "Content-Encoding", NULL);
	expect_field(&a, "Vary", NULL);
	free(a.out.data);
	http_server_destroy(server);
}

/* What is compressed as it is has no siblings, and does not depend on Accept-Encoding. */
static void test_pictures_are_not_negotiated(void **state)
{
	struct http_server *server = site_server(*state);
	struct answer a;

	ask(server, "GET", "/photo.jpg", "Accept-Encoding: gzip\r\n", &a);
	expect_body(&a, "jpeg");
	expect_field(&a, "Content-Encoding", NULL);
	expect_field(&a, "Vary", NULL);
	free(a.out.data);
	ask(server, "GET", "/photo.jpg", "Accept-Encoding: identity;q=0\r\n", &a);
	assert_int_equal(a.reply.status, 406);
	free(a.out.data);
	http_server_destroy(server);
}

/* RFC 9110 12.5.3 and 15.5.7. */
static void test_nothing_acceptable_is_406(void **state)
{
	static const char *const methods[] = {"GET", "HEAD"};
	struct http_server *server = site_server(*state);
	struct answer a;

	for (int i = 0; i < 2; i++) {
		ask(server, methods[i], "/hello.txt", "Accept-Encoding: br, *;q=0\r\n", &a);
		assert_int_equal(a.reply.status, 406);
		expect_field(&a, "Vary", "Accept-Encoding");
		expect_field(&a, "ETag", NULL);
		expect_field(&a, "Content-Type", "text/html; charset=utf-8");
		free(a.out.data);
	}
	/* RFC 9110 13.2.1: no precondition without a success */
	ask(server, "GET", "/hello.txt", "Accept-Encoding: *;q=0\r\nIf-None-Match: *\r\n", &a);
	assert_int_equal(a.reply.status, 406);
	free(a.out.data);
	http_server_destroy(server);
}

/* RFC 9110 9.3.2: the same fields, Content-Length among them. */
static void test_head_is_like_get(void **state)
{
	struct http_server *server = site_server(*state);
	struct answer get, head;

	ask(server, "GET", "/page.html", "Accept-Encoding: gzip\r\n", &get);
	ask(server, "HEAD", "/page.html", "Accept-Encoding: gzip\r\n", &head);
	expect_field(&head, "Content-Length", "24");
	assert_int_equal(get.reply.head_len, head.reply.head_len);
	assert_memory_equal(get.reply.head, head.reply.head, head.reply.head_len);
	assert_int_equal(head.out.len, head.reply.head_len);
	free(get.out.data);
	free(head.out.data);
	http_server_destroy(server);
}

static void test_every_representation_has_its_validators(void **state)
{
	static const char *const accepts[] = {"identity", "gzip", "zstd", "br"};
	struct http_server *server = site_server(*state);
	char *etags[4], fields[512];
	struct answer a;

	for (int i = 0; i < 4; i++) {
		snprintf(fields, sizeof(fields), "Accept-Encoding: %s\r\n", accepts[i]);
		ask(server, "GET", "/page.html", fields, &a);
		etags[i] = keep_field(&a, "ETag");
		expect_field(&a, "Last-Modified", FILE_MTIME_TEXT);
		free(a.out.data);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(etags[i], etags[k]);
	}
	for (int i = 0; i < 4; i++) {
		for (int k = 0; k < 4; k++) {
			snprintf(fields, sizeof(fields),
				 "Accept-Encoding: %s\r\nIf-None-Match: %s\r\n", accepts[i],
				 etags[k]);
			ask(server, "GET", "/page.html", fields, &a);
			assert_int_equal(a.reply.status, i == k ? 304 : 200);
			expect_field(&a, "Vary", "Accept-Encoding");
			expect_field(&a, "ETag", etags[i]);
			free(a.out.data);
		}
	}
	for (int i = 0; i < 4; i++)
		free(etags[i]);
	http_server_destroy(server);
}

static void test_ranges_are_of_the_representation(void **state)
{
	struct http_server *server = site_server(*state);
	struct answer a;
	char *etag, fields[512];

	ask(server, "GET", "/page.html", "Accept-Encoding: gzip\r\nRange: bytes=8-11\r\n", &a);
	assert_int_equal(a.reply.status, 206);
	expect_body(&a, "gzip");
	expect_field(&a, "Content-Range", "bytes 8-11/24");
	expect_field(&a, "Content-Encoding", "gzip");
	expect_field(&a, "Vary", "Accept-Encoding");
	etag = keep_field(&a, "ETag");
	free(a.out.data);

	/* RFC 9110 13.1.5: the part of another representation is of no use */
	snprintf(fields, sizeof(fields),
		 "Accept-Encoding: br\r\nRange: bytes=8-\r\nIf-Range: %s\r\n", etag);
	ask(server, "GET", "/page.html", fields, &a);
	assert_int_equal(a.reply.status, 200);
	expect_body(&a, PAGE_BR);
	free(a.out.data);
	free(etag);

	ask(server, "GET", "/page.html", "Accept-Encoding: br\r\nRange: bytes=0-0,8-\r\n", &a);
	assert_int_equal(a.reply.status, 206);
	expect_field(&a, "Content-Encoding", "br");
	expect_field(&a, "Vary", "Accept-Encoding");
	free(a.out.data);

	ask(server, "GET", "/page.html", "Accept-Encoding: br\r\nRange: bytes=20-\r\n", &a);
	assert_int_equal(a.reply.status, 416);
	expect_field(&a, "Content-Range", "bytes */10");
	expect_field(&a, "Content-Encoding", NULL);
	expect_field(&a, "Vary", "Accept-Encoding");
	free(a.out.data);
	http_server_destroy(server);
}

static void set_time(int dir_fd, const char *name, time_t seconds, long ns)
{
	const struct timespec times[2] = {{seconds, ns}, {seconds, ns}};

	assert_int_equal(utimensat(dir_fd, name, times, 0), 0);
}

static void expect_coding(struct http_server *server, const char *path, const char *coding)
{
	struct answer a;

	ask(server, "GET", path, "Accept-Encoding: gzip\r\n", &a);
	assert_int_equal(a.reply.status, 200);
	expect_field(&a, "Content-Encoding", coding);
	free(a.out.data);
}

static void test_only_what_is_not_older_counts(void **state)
{
	const struct site *s = *state;
	struct http_server *server = site_server(s);

	set_time(s->root_fd, "gz.css.gz", FILE_MTIME - 1, 999999999);
	expect_coding(server, "/gz.css", NULL);
	set_time(s->root_fd, "gz.css.gz", FILE_MTIME + 1, 0);
	expect_coding(server, "/gz.css", "gzip");
	/* as of tools that keep whole seconds only */
	set_time(s->root_fd, "gz.css", FILE_MTIME, 500000000);
	set_time(s->root_fd, "gz.css.gz", FILE_MTIME, 0);
	expect_coding(server, "/gz.css", "gzip");
	http_server_destroy(server);
}

static void test_only_a_readable_regular_file_counts(void **state)
{
	const struct site *s = *state;
	struct http_server *server = site_server(s);

	assert_int_equal(unlinkat(s->root_fd, "gz.css.gz", 0), 0);
	expect_coding(server, "/gz.css", NULL);
	assert_int_equal(mkdirat(s->root_fd, "gz.css.gz", 0755), 0);
	expect_coding(server, "/gz.css", NULL);
	assert_int_equal(unlinkat(s->root_fd, "gz.css.gz", AT_REMOVEDIR), 0);
	assert_int_equal(mkfifoat(s->root_fd, "gz.css.gz", 0644), 0);
	expect_coding(server, "/gz.css", NULL);
	assert_int_equal(unlinkat(s->root_fd, "gz.css.gz", 0), 0);
	/* out of the root */
	assert_int_equal(symlinkat("../outside.txt", s->root_fd, "gz.css.gz"), 0);
	expect_coding(server, "/gz.css", NULL);
	http_server_destroy(server);
}

/* A sibling stands in for a file that is there; it makes none of its own. */
static void test_a_sibling_alone_is_nothing(void **state)
{
	const struct site *s = *state;
	struct http_server *server = site_server(s);
	struct answer a;

	assert_int_equal(unlinkat(s->root_fd, "gz.css", 0), 0);
	ask(server, "GET", "/gz.css", "Accept-Encoding: gzip\r\n", &a);
	assert_int_equal(a.reply.status, 404);
	free(a.out.data);
	http_server_destroy(server);
}

static void no_siblings(struct http_server_config *cfg)
{
	cfg->precompressed = false;
}

static void test_siblings_can_be_switched_off(void **state)
{
	struct http_server *server = server_with(*state, no_siblings);
	struct answer a;

	ask(server, "GET", "/page.html", "Accept-Encoding: gzip\r\n", &a);
	expect_body(&a, PAGE);
	expect_field(&a, "Content-Encoding", NULL);
	expect_field(&a, "Vary", NULL);
	free(a.out.data);
	http_server_destroy(server);
}

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void test_no_descriptor_is_left_open(void **state)
{
	static const char *const requests[][2] = {
		{"/page.html", "Accept-Encoding: br\r\n"},
		{"/page.html", "Accept-Encoding: *;q=0\r\n"},
		{"/page.html", "Accept-Encoding: gzip\r\nIf-Match: \"x\"\r\n"},
		{"/page.html", "Accept-Encoding: gzip\r\nIf-None-Match: *\r\n"},
		{"/page.html", "Accept-Encoding: gzip\r\nRange: bytes=99-\r\n"},
		{"/page.html", ""},
	};
	struct http_server *server = site_server(*state);
	const int before = open_descriptors();
	struct answer a;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		ask(server, "GET", requests[i][0], requests[i][1], &a);
		free(a.out.data);
		assert_int_equal(open_descriptors(), before);
	}
	http_server_destroy(server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, site_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_best_sibling_is_served),
		TEST(test_the_sibling_itself_is_a_file_like_others),
		TEST(test_pictures_are_not_negotiated),
		TEST(test_nothing_acceptable_is_406),
		TEST(test_head_is_like_get),
		TEST(test_every_representation_has_its_validators),
		TEST(test_ranges_are_of_the_representation),
		TEST(test_only_what_is_not_older_counts),
		TEST(test_only_a_readable_regular_file_counts),
		TEST(test_a_sibling_alone_is_nothing),
		TEST(test_siblings_can_be_switched_off),
		TEST(test_no_descriptor_is_left_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
