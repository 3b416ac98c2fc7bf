/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed variants made in the background: who gets them, when, and of what. */
#include <poll.h>
#include <time.h>
#include <zlib.h>

#include "http/server.h"
#include "http/variants.h"
#include "tests/unit/http_harness.h"

#define PAGE_LEN 20000

static char page[PAGE_LEN + 1];

static void make_page(unsigned seed)
{
	for (size_t i = 0; i < PAGE_LEN; i++) {
		seed = seed * 1103515245u + 12345u;
		page[i] = "aaabcdee <>\n"[(seed >> 16) % 12];
	}
}

static void pass_a_tick(void)
{
	const struct timespec pause = {.tv_nsec = 30000000};

	nanosleep(&pause, NULL);
}

static int setup(void **state)
{
	site_setup(state);
	const struct site *s = *state;

	make_page(1);
	write_text(s->root_fd, "page.html", page);
	write_file(s->root_fd, "small.css", page, HTTP_VARIANT_MIN - 1);
	write_file(s->root_fd, "photo.png", page, PAGE_LEN);
	write_file(s->root_fd, "data.bin", page, PAGE_LEN);
	pass_a_tick();
	return 0;
}

static void config(struct http_server_config *cfg)
{
	cfg->compress_memory = 1 << 20;
	cfg->file_cache = (struct http_file_cache_config){
		.entries = 64, .bytes = 1 << 20, .descriptors = 8, .small = 65536, .watches = 32};
}

static void config_open(struct http_server_config *cfg)
{
	config(cfg);
	cfg->file_cache.small = 100;
}

static void config_alone(struct http_server_config *cfg)
{
	cfg->compress_memory = 1 << 20;
	cfg->precompressed = false;
}

static void config_tight(struct http_server_config *cfg)
{
	config(cfg);
	cfg->compress_memory = 16 * 1024;
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

	http_server_refresh(server);
	snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n", method, path,
		 fields);
	converse_text(server, request, &a->out);
	at = (const char *)a->out.data;
	assert_true(take_reply(&at, at + a->out.len, !strcmp(method, "HEAD"), &a->reply));
}

static struct http_variants_stats stats_of(const struct http_server *server)
{
	struct http_variants_stats stats;

	http_variants_stats(server->variants, &stats);
	return stats;
}

/* Until `jobs` have come to an end, one way or other. */
static void wait_for(struct http_server *server, uint64_t jobs)
{
	struct pollfd p = {.fd = http_server_event_fd(server), .events = POLLIN};
	struct http_variants_stats s;

	for (s = stats_of(server); s.made + s.poor + s.failed < jobs; s = stats_of(server)) {
		assert_int_equal(poll(&p, 1, 60000), 1);
		http_server_refresh(server);
	}
	assert_int_equal(s.made + s.poor + s.failed, jobs);
}

static void expect_coding(struct http_server *server, const char *path, const char *accept,
			  const char *coding)
{
	char fields[128];
	struct answer a;

	snprintf(fields, sizeof(fields), "Accept-Encoding: %s\r\n", accept);
	ask(server, "GET", path, fields, &a);
	const char *got = reply_field(&a.reply, "Content-Encoding");
	if (a.reply.status != 200 || (got != NULL) != (coding != NULL) ||
	    (got && strcmp(got, coding) != 0))
		fail_msg("%s for %s: status %d, coding %s, expected %s", path, accept,
			 a.reply.status, got ? got : "(none)", coding ? coding : "(none)");
	free(a.out.data);
}

static void expect_gzip_of_page(const struct answer *a)
{
	static uint8_t out[PAGE_LEN];
	z_stream z = {.next_in = (Bytef *)a->reply.body,
		      .avail_in = a->reply.body_len,
		      .next_out = out,
		      .avail_out = sizeof(out)};

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	inflateEnd(&z);
	assert_int_equal(z.avail_out, 0);
	assert_memory_equal(out, page, PAGE_LEN);
}

/* ------------------------------------------------------------------ tests */

static void test_the_second_gets_what_the_first_has_asked_for(void **state)
{
	void (*const configs[])(struct http_server_config *) = {config, config_open, config_alone};

	for (int i = 0; i < 3; i++) {
		struct http_server *server = server_with(*state, configs[i]);
		struct answer a;

		expect_coding(server, "/page.html", "gzip", NULL);
		wait_for(server, 1);
		ask(server, "GET", "/page.html", "Accept-Encoding: gzip\r\n", &a);
		assert_string_equal(reply_field(&a.reply, "Content-Encoding"), "gzip");
		assert_string_equal(reply_field(&a.reply, "Vary"), "Accept-Encoding");
		assert_string_equal(reply_field(&a.reply, "Content-Type"),
				    "text/html; charset=utf-8");
		assert_string_equal(reply_field(&a.reply, "Last-Modified"), FILE_MTIME_TEXT);
		expect_gzip_of_page(&a);
		free(a.out.data);
		/* only what clients ask for is made, once */
		expect_coding(server, "/page.html", "gzip", "gzip");
		expect_coding(server, "/page.html", "identity", NULL);
		expect_coding(server, "/page.html", "", NULL);
		assert_int_equal(stats_of(server).made, 1);
		/* another client likes br better, and gets gzip until it is made */
		expect_coding(server, "/page.html", "gzip, br", "gzip");
		wait_for(server, 2);
		expect_coding(server, "/page.html", "gzip, br", "br");
		expect_coding(server, "/page.html", "zstd, gzip;q=0.5", "gzip");
		wait_for(server, 3);
		expect_coding(server, "/page.html", "zstd, gzip;q=0.5", "zstd");
		assert_int_equal(stats_of(server).made, 3);
		http_server_destroy(server);
	}
}

static void test_what_is_not_compressed(void **state)
{
	static const char *const paths[] = {"/small.css", "/photo.png", "/data.bin", "/hello.txt",
					    "/empty.txt"};
	struct http_server *server = server_with(*state, config);

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		expect_coding(server, paths[i], "gzip, br, zstd", NULL);
	assert_int_equal(stats_of(server).entries, 0);
	http_server_destroy(server);
}

static void test_what_saves_too_little_is_remembered(void **state)
{
	const struct site *s = *state;
	struct http_server *server = server_with(s, config);
	uint8_t noise[30000];
	unsigned seed = 1;

	for (size_t i = 0; i < sizeof(noise); i++) {
		seed = seed * 1664525u + 1013904223u;
		noise[i] = (uint8_t)(seed >> 23);
	}
	write_file(s->root_fd, "noise.txt", noise, sizeof(noise));
	pass_a_tick();
	expect_coding(server, "/noise.txt", "gzip", NULL);
	wait_for(server, 1);
	for (int i = 0; i < 3; i++)
		expect_coding(server, "/noise.txt", "gzip", NULL);
	assert_int_equal(stats_of(server).poor, 1);
	assert_int_equal(stats_of(server).entries, 1);
	assert_true(stats_of(server).bytes < 1000);
	http_server_destroy(server);
}

/* A sibling is somebody's own choice: with one that serves, nothing is made. */
static void test_a_sibling_comes_first(void **state)
{
	const struct site *s = *state;
	struct http_server *server = server_with(s, config);

	write_text(s->root_fd, "page.html.gz", "by hand");
	expect_coding(server, "/page.html", "gzip, br", "gzip");
	expect_coding(server, "/page.html", "gzip, br", "gzip");
	assert_int_equal(stats_of(server).entries, 0);
	/* it does not serve this one */
	expect_coding(server, "/page.html", "br", NULL);
	wait_for(server, 1);
	expect_coding(server, "/page.html", "br", "br");
	http_server_destroy(server);
}

static void test_head_range_and_validators(void **state)
{
	struct http_server *server = server_with(*state, config);
	struct answer get, head, a;
	char fields[256];

	ask(server, "HEAD", "/page.html", "Accept-Encoding: gzip\r\n", &a);
	char *plain_etag = strdup(reply_field(&a.reply, "ETag"));
	free(a.out.data);
	wait_for(server, 1);
	ask(server, "GET", "/page.html", "Accept-Encoding: gzip\r\n", &get);
	ask(server, "HEAD", "/page.html", "Accept-Encoding: gzip\r\n", &head);
	assert_int_equal(get.reply.head_len, head.reply.head_len);
	assert_memory_equal(get.reply.head, head.reply.head, head.reply.head_len);
	char *etag = strdup(reply_field(&get.reply, "ETag"));
	assert_string_not_equal(etag, plain_etag);

	ask(server, "GET", "/page.html", "Accept-Encoding: gzip\r\nRange: bytes=100-199\r\n", &a);
	assert_int_equal(a.reply.status, 206);
	assert_int_equal(a.reply.body_len, 100);
	assert_memory_equal(a.reply.body, get.reply.body + 100, 100);
	free(a.out.data);
	snprintf(fields, sizeof(fields), "Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", etag);
	ask(server, "GET", "/page.html", fields, &a);
	assert_int_equal(a.reply.status, 304);
	free(a.out.data);
	/* the rest of what was begun without coding is not of this */
	snprintf(fields, sizeof(fields),
		 "Accept-Encoding: gzip\r\nRange: bytes=100-\r\nIf-Range: %s\r\n", plain_etag);
	ask(server, "GET", "/page.html", fields, &a);
	assert_int_equal(a.reply.status, 200);
	free(a.out.data);
	/* another worker makes the same, under the same tag */
	struct http_server *other = server_with(*state, config);
	expect_coding(other, "/page.html", "gzip", NULL);
	wait_for(other, 1);
	ask(other, "GET", "/page.html", "Accept-Encoding: gzip\r\n", &a);
	assert_string_equal(reply_field(&a.reply, "ETag"), etag);
	free(a.out.data);
	http_server_destroy(other);
	free(etag);
	free(plain_etag);
	free(get.out.data);
	free(head.out.data);
	http_server_destroy(server);
}

/* RFC 9110 12.5.3: the file itself is refused, and there is nothing else yet. */
static void test_without_identity(void **state)
{
	struct http_server *server = server_with(*state, config);
	struct answer a;

	ask(server, "GET", "/page.html", "Accept-Encoding: gzip, *;q=0\r\n", &a);
	assert_int_equal(a.reply.status, 406);
	free(a.out.data);
	wait_for(server, 1);
	expect_coding(server, "/page.html", "gzip, *;q=0", "gzip");
	http_server_destroy(server);
}

static void test_a_file_that_changes_has_new_variants(void **state)
{
	void (*const configs[])(struct http_server_config *) = {config, config_open, config_alone};
	const struct site *s = *state;

	for (int i = 0; i < 3; i++) {
		struct http_server *server = server_with(s, configs[i]);

		for (unsigned version = 1; version <= 5; version++) {
			struct answer a;

			make_page(version + 10);
			write_text(s->root_fd, "page.html", page);
			/* none of the old one, not for a moment; the dates are the same */
			expect_coding(server, "/page.html", "gzip", NULL);
			pass_a_tick();
			wait_for(server, 2 * version - 1);
			/* had it been too new, it is made now */
			ask(server, "GET", "/page.html", "Accept-Encoding: gzip\r\n", &a);
			if (!reply_field(&a.reply, "Content-Encoding")) {
				free(a.out.data);
				wait_for(server, 2 * version);
				ask(server, "GET", "/page.html", "Accept-Encoding: gzip\r\n", &a);
			} else {
				expect_coding(server, "/page.html", "br", NULL);
				wait_for(server, 2 * version);
			}
			expect_gzip_of_page(&a);
			free(a.out.data);
		}
		http_server_destroy(server);
	}
}

static void test_memory_is_bounded(void **state)
{
	const struct site *s = *state;
	struct http_server *server = server_with(s, config_tight);
	char name[32], path[32];

	for (int i = 0; i < 10; i++) {
		make_page((unsigned)i + 50);
		snprintf(name, sizeof(name), "p%d.html", i);
		write_text(s->root_fd, name, page);
	}
	pass_a_tick();
	for (unsigned i = 0; i < 10; i++) {
		snprintf(path, sizeof(path), "/p%u.html", i);
		expect_coding(server, path, "gzip", NULL);
		wait_for(server, i + 1);
		expect_coding(server, path, "gzip", "gzip");
		assert_true(stats_of(server).bytes <= 16 * 1024);
	}
	/* the newest is there, the oldest is made again */
	expect_coding(server, "/p9.html", "gzip", "gzip");
	expect_coding(server, "/p0.html", "gzip", NULL);
	wait_for(server, 11);
	http_server_destroy(server);
}

static void test_a_response_outlives_its_variant(void **state)
{
	struct http_server *server = server_with(*state, config);
	struct http_response response;
	struct http_source source;
	char digest[HTTP_VARIANT_DIGEST_SIZE];
	static uint8_t out[PAGE_LEN];
	struct http_file file;
	const char *index_name;

	expect_coding(server, "/page.html", "gzip", NULL);
	wait_for(server, 1);
	const struct site *s = *state;
	assert_int_equal(http_static_find((struct http_root){.fd = s->root_fd}, "/page.html",
					  s->files.index, &file, &index_name),
			 HTTP_FIND_FILE);
	assert_true(http_variants_get(server->variants, &file, HTTP_CODING_GZIP, &source, digest));
	http_file_close(&file);
	http_response_init(&response);
	http_response_source(&response, &source);
	http_response_extent(&response, 0, source.size);
	http_server_destroy(server);
	struct answer a = {.reply.body = (char *)out};
	a.reply.body_len = http_response_produce(&response, out, sizeof(out));
	expect_gzip_of_page(&a);
	http_response_free(&response);
}

/* While jobs wait, are under way or have not been fetched. */
static void test_it_ends_at_any_time(void **state)
{
	const struct site *s = *state;
	char name[32], path[32];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "p%d.html", i);
		write_text(s->root_fd, name, page);
	}
	pass_a_tick();
	for (int round = 0; round < 20; round++) {
		struct http_server *server = server_with(s, round % 2 ? config : config_open);

		for (int i = 0; i < 100; i++) {
			snprintf(path, sizeof(path), "/p%d.html", i);
			expect_coding(server, path, "br", NULL);
			if (i == round * 3)
				break;
		}
		http_server_destroy(server);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, site_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_second_gets_what_the_first_has_asked_for),
		TEST(test_what_is_not_compressed),
		TEST(test_what_saves_too_little_is_remembered),
		TEST(test_a_sibling_comes_first),
		TEST(test_head_range_and_validators),
		TEST(test_without_identity),
		TEST(test_a_file_that_changes_has_new_variants),
		TEST(test_memory_is_bounded),
		TEST(test_a_response_outlives_its_variant),
		TEST(test_it_ends_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
