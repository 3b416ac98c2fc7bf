/* SPDX-License-Identifier: Apache-2.0 */
/* The open-file cache: that it keeps, that it is bounded, and that whatever happens to a file shows at once. */
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>

#include "http/file_cache.h"
#include "http/server.h"
#include "tests/unit/http_harness.h"

/* ------------------------------------------------------------------ asking */

/* As a worker does: what has changed before the request came is known before it is answered. */
static struct reply ask_at(struct http_server *server, time_t wall, const char *path,
			   const char *fields, struct output *out)
{
	const struct http_time now = {.mono_us = 0, .wall = wall};
	struct http_conn *c = http_conn_create(server, now, HTTP_PROTOCOL_1, false, NULL);
	struct reply reply = {0};
	char request[1024];
	const char *at;

	http_server_refresh(server);
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, fields);
	*out = (struct output){0};
	output_add(out, "", 0);
	send_bytes(c, now, request, strlen(request), SIZE_MAX, out, 65536);
	http_conn_destroy(c);
	at = (const char *)out->data;
	assert_true(take_reply(&at, at + out->len, false, &reply));
	return reply;
}

static void expect_at(struct http_server *server, time_t wall, const char *path, const char *body)
{
	struct output out;
	const struct reply reply = ask_at(server, wall, path, "", &out);

	if (body && (reply.status != 200 || reply.body_len != strlen(body) ||
		     memcmp(reply.body, body, reply.body_len) != 0))
		fail_msg("%s: wanted \"%s\", got %s", path, body, (char *)out.data);
	if (!body && reply.status == 200)
		fail_msg("%s: wanted none, got %s", path, (char *)out.data);
	free(out.data);
}

static void expect(struct http_server *server, const char *path, const char *body)
{
	expect_at(server, NOW_WALL, path, body);
}

static struct http_file_cache_stats stats_of(const struct http_server *server)
{
	struct http_file_cache_stats stats;

	http_file_cache_stats(server->files, &stats);
	return stats;
}

/* A file is kept in memory once the clock has gone on since its last change. */
static void pass_a_tick(void)
{
	const struct timespec pause = {.tv_nsec = 30000000};

	nanosleep(&pause, NULL);
}

static void config(struct http_server_config *cfg)
{
	cfg->file_cache = (struct http_file_cache_config){
		.entries = 64, .bytes = 1 << 20, .descriptors = 8, .small = 4096, .watches = 32};
}

static void config_unwatched(struct http_server_config *cfg)
{
	config(cfg);
	cfg->file_cache.watches = 0;
}

static void config_tight(struct http_server_config *cfg)
{
	config(cfg);
	cfg->file_cache.entries = 4;
	cfg->file_cache.bytes = 6000;
	cfg->file_cache.descriptors = 2;
	cfg->file_cache.small = 2000;
}

static int setup(void **state)
{
	site_setup(state);
	const struct site *s = *state;

	assert_int_equal(mkdirat(s->root_fd, "sub/deep", 0755), 0);
	write_text(s->root_fd, "sub/deep/file.txt", "deep");
	pass_a_tick();
	return 0;
}

static void put(const struct site *s, const char *name, const char *text, int flags)
{
	int fd = openat(s->root_fd, name, O_WRONLY | O_CLOEXEC | flags, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
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

/* ------------------------------------------------------------------ keeping */

static void test_small_files_are_kept_in_memory(void **state)
{
	struct http_server *server = server_with(*state, config);
	const int before = open_descriptors();

	for (int i = 0; i < 3; i++)
		expect(server, "/hello.txt", HELLO);
	assert_int_equal(stats_of(server).entries, 1);
	assert_int_equal(stats_of(server).watched, 1);
	assert_int_equal(stats_of(server).hits, 2);
	assert_int_equal(stats_of(server).descriptors, 0);
	assert_int_equal(open_descriptors(), before);
	expect(server, "/empty.txt", "");
	expect(server, "/empty.txt", "");
	expect(server, "/", "<p>index</p>\n");
	expect(server, "/", "<p>index</p>\n");
	expect(server, "/sub/deep/file.txt", "deep");
	assert_int_equal(stats_of(server).entries, 4);
	http_server_destroy(server);
}

static void test_large_files_are_kept_open(void **state)
{
	struct http_server *server = server_with(*state, config);
	const int before = open_descriptors();
	struct output out;

	for (int i = 0; i < 3; i++) {
		const struct reply reply = ask_at(server, NOW_WALL, "/big.bin", "", &out);
		assert_int_equal(reply.body_len, BIG_SIZE);
		for (size_t k = 0; k < BIG_SIZE; k += 4099)
			assert_int_equal((uint8_t)reply.body[k], big_byte(k));
		free(out.data);
	}
	assert_int_equal(stats_of(server).descriptors, 1);
	assert_int_equal(stats_of(server).hits, 2);
	assert_int_equal(open_descriptors(), before + 1);
	http_server_destroy(server);
}

/* The answers are the same, with and without. */
static void test_the_answer_does_not_show_it(void **state)
{
	static const char *const requests[][2] = {
		{"/hello.txt", ""},
		{"/hello.txt", "Range: bytes=7-11\r\n"},
		{"/hello.txt", "Range: bytes=0-1,200-\r\n"},
		{"/hello.txt", "If-None-Match: *\r\n"},
		{"/hello.txt", "Accept-Encoding: br;q=0, *;q=0\r\n"},
		{"/big.bin", "Range: bytes=-10\r\n"},
		{"/big.bin", "Range: bytes=0-0,500-600,100000-100100\r\n"},
		{"/sub", ""},
		{"/sub/", ""},
		{"/missing", ""},
		{"/link-in", ""},
		{"/link-out", ""},
	};
	struct http_server *with = server_with(*state, config), *without = site_server(*state);

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct output a, b;

		ask_at(without, NOW_WALL, requests[i][0], requests[i][1], &a);
		for (int k = 0; k < 2; k++) {
			ask_at(with, NOW_WALL, requests[i][0], requests[i][1], &b);
			assert_int_equal(a.len, b.len);
			assert_memory_equal(a.data, b.data, a.len);
			free(b.data);
		}
		free(a.data);
	}
	http_server_destroy(with);
	http_server_destroy(without);
}

static void test_bounds(void **state)
{
	const struct site *s = *state;
	struct http_server *server = server_with(s, config_tight);
	const int before = open_descriptors();
	char name[32], path[32], text[1600], big[3000] = {0};

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "f%d.txt", i);
		write_text(s->root_fd, name, i % 2 ? text : "short");
	}
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "big%d.bin", i);
		write_file(s->root_fd, name, big, sizeof(big));
	}
	pass_a_tick();
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 17; i++) {
			struct output out;

			snprintf(path, sizeof(path), i < 12 ? "/f%d.txt" : "/big%d.bin",
				 i < 12 ? i : i - 12);
			ask_at(server, NOW_WALL, path, "", &out);
			free(out.data);
			assert_true(stats_of(server).entries <= 4);
			assert_true(stats_of(server).bytes <= 6000);
			assert_true(stats_of(server).descriptors <= 2);
		}
	}
	assert_int_equal(open_descriptors(), before + (int)stats_of(server).descriptors);
	/* the newest stay */
	const uint64_t hits = stats_of(server).hits;
	struct output out;
	ask_at(server, NOW_WALL, "/big4.bin", "", &out);
	free(out.data);
	assert_int_equal(stats_of(server).hits, hits + 1);
	http_server_destroy(server);
}

static void test_watches_are_bounded_and_given_back(void **state)
{
	const struct site *s = *state;
	struct http_server *server = server_with(s, config);
	char path[600] = "", request[700];

	/* deeper than is watched: looked at, not watched */
	for (int i = 0; i < 70; i++) {
		strcat(path, i ? "/d" : "d");
		assert_int_equal(mkdirat(s->root_fd, path, 0755), 0);
	}
	strcat(path, "/file.txt");
	write_text(s->root_fd, path, "deepest");
	pass_a_tick();
	snprintf(request, sizeof(request), "/%s", path);
	expect(server, request, "deepest");
	expect(server, request, "deepest");
	assert_int_equal(stats_of(server).entries, 1);
	assert_int_equal(stats_of(server).watched, 0);
	expect(server, "/sub/deep/file.txt", "deep");
	assert_int_equal(stats_of(server).watched, 1);
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ changing */

static void test_in_place(void **state)
{
	const struct site *s = *state;
	struct http_server *server = server_with(s, config);

	expect(server, "/hello.txt", HELLO);
	put(s, "hello.txt", "Howdy", 0); /* of another length than the rest */
	expect(server, "/hello.txt", "Howdy, world!\n");
	put(s, "hello.txt", "!", O_APPEND);
	expect(server, "/hello.txt", "Howdy, world!\n!");
	put(s, "hello.txt", "short", O_TRUNC);
	expect(server, "/hello.txt", "short");
	pass_a_tick();
	expect(server, "/hello.txt", "short");
	expect(server, "/hello.txt", "short");
	put(s, "hello.txt", "SHORT", 0);
	expect(server, "/hello.txt", "SHORT");
	http_server_destroy(server);
}

static void test_truncate(void **state)
{
	const struct site *s = *state;
	struct http_server *server = server_with(s, config);
	char path[128];

	snprintf(path, sizeof(path), "%s/site/hello.txt", s->dir);
	expect(server, "/hello.txt", HELLO);
	assert_int_equal(truncate(path, 5), 0);
	expect(server, "/hello.txt", "Hello");
	assert_int_equal(truncate(path, 0), 0);
	expect(server, "/hello.txt", "");
	http_server_destroy(server);
}

static void test_rename_over_delete_recreate(void **state)
{
	const struct site *s = *state;
	struct http_server *server = server_with(s, config);

	for (int i = 0; i < 3; i++) {
		expect(server, "/hello.txt", HELLO);
		write_text(s->root_fd, "new", "new");
		pass_a_tick();
		assert_int_equal(renameat(s->root_fd, "new", s->root_fd, "hello.txt"), 0);
		expect(server, "/hello.txt", "new");
		expect(server, "/hello.txt", "new");
		assert_int_equal(unlinkat(s->root_fd, "hello.txt", 0), 0);
		expect(server, "/hello.txt", NULL);
		write_text(s->root_fd, "hello.txt", HELLO);
		expect(server, "/hello.txt", HELLO);
		pass_a_tick();
	}
	http_server_destroy(server);
}

static void test_rename_away(void **state)
{
	const struct site *s = *state;
	struct http_server *server = server_with(s, config);

	expect(server, "/hello.txt", HELLO);
	assert_int_equal(renameat(s->root_fd, "hello.txt", s->root_fd, "hi.txt"), 0);
	expect(server, "/hello.txt", NULL);
	expect(server, "/hi.txt", HELLO);
	http_server_destroy(server);
}

/* Any directory on the path, not only the last. */
static void test_directories_change(void **state)
{
	const struct site *s = *state;
	struct http_server *server = server_with(s, config);

	expect(server, "/sub/deep/file.txt", "deep");
	assert_int_equal(renameat(s->root_fd, "sub", s->root_fd, "other"), 0);
	expect(server, "/sub/deep/file.txt", NULL);
	expect(server, "/other/deep/file.txt", "deep");
	assert_int_equal(mkdirat(s->root_fd, "sub", 0755), 0);
	assert_int_equal(mkdirat(s->root_fd, "sub/deep", 0755), 0);
	write_text(s->root_fd, "sub/deep/file.txt", "another");
	expect(server, "/sub/deep/file.txt", "another");
	expect(server, "/other/deep/file.txt", "deep");
	pass_a_tick();
	expect(server, "/sub/deep/file.txt", "another");
	/* exchanged at once */
	assert_int_equal(renameat2(s->root_fd, "sub", s->root_fd, "other", RENAME_EXCHANGE), 0);
	expect(server, "/sub/deep/file.txt", "deep");
	expect(server, "/other/deep/file.txt", "another");
	/* one below */
	assert_int_equal(renameat(s->root_fd, "sub/deep", s->root_fd, "sub/deeper"), 0);
	expect(server, "/sub/deep/file.txt", NULL);
	/* in place of it a link */
	assert_int_equal(symlinkat("../other/deep", s->root_fd, "sub/deep"), 0);
	expect(server, "/sub/deep/file.txt", "another");
	http_server_destroy(server);
}

/* What is reached by a link is not under watch: a second may pass. */
static void test_links_change_within_a_second(void **state)
{
	const struct site *s = *state;
	struct http_server *server = server_with(s, config);

	expect(server, "/link-in", HELLO);
	expect(server, "/link-dir/page.html", "<p>page</p>\n");
	expect(server, "/link-in", HELLO);
	assert_int_equal(stats_of(server).entries, 2);
	assert_int_equal(stats_of(server).watched, 0);
	assert_int_equal(unlinkat(s->root_fd, "link-in", 0), 0);
	assert_int_equal(symlinkat("sub/index.html", s->root_fd, "link-in"), 0);
	assert_int_equal(unlinkat(s->root_fd, "link-dir", 0), 0);
	expect_at(server, NOW_WALL + 1, "/link-in", "<p>sub</p>\n");
	expect_at(server, NOW_WALL + 1, "/link-dir/page.html", NULL);
	/* a link that leaves the root is not followed because of what was known */
	assert_int_equal(unlinkat(s->root_fd, "link-in", 0), 0);
	assert_int_equal(symlinkat("../outside.txt", s->root_fd, "link-in"), 0);
	expect_at(server, NOW_WALL + 2, "/link-in", NULL);
	http_server_destroy(server);
}

static void test_without_inotify_within_a_second(void **state)
{
	const struct site *s = *state;
	struct http_server *server = server_with(s, config_unwatched);
	const int before = open_descriptors();
	struct output out;

	assert_false(http_server_watches_files(server));
	expect(server, "/hello.txt", HELLO);
	expect(server, "/hello.txt", HELLO);
	assert_int_equal(stats_of(server).hits, 1);
	put(s, "hello.txt", "Howdy", 0);
	expect_at(server, NOW_WALL + 1, "/hello.txt", "Howdy, world!\n");
	assert_int_equal(unlinkat(s->root_fd, "hello.txt", 0), 0);
	expect_at(server, NOW_WALL + 2, "/hello.txt", NULL);
	/* the space of a deleted file is not held */
	ask_at(server, NOW_WALL + 2, "/big.bin", "", &out);
	free(out.data);
	assert_int_equal(open_descriptors(), before);
	http_server_destroy(server);
}

/* Through another name no event comes, nor through a mapping: but a second is the most that passes. */
static void test_what_no_event_tells(void **state)
{
	const struct site *s = *state;
	struct http_server *server = server_with(s, config);

	assert_int_equal(linkat(s->root_fd, "hello.txt", s->dir_fd, "elsewhere", 0), 0);
	pass_a_tick();
	expect(server, "/hello.txt", HELLO);
	int fd = openat(s->dir_fd, "elsewhere", O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "Howdy", 5), 5);
	close(fd);
	expect_at(server, NOW_WALL + 1, "/hello.txt", "Howdy, world!\n");
	http_server_destroy(server);
}

/* Run as another user: root may read everything. */
static void test_permissions(void **state)
{
	const struct site *s = *state;
	int status;
	pid_t child;

	if (geteuid() != 0)
		skip();
	child = fork();
	if (child == 0) {
		struct http_server *server;

		/* the files belong to root: 65534 only reads; changes need root again */
		if (seteuid(65534) != 0)
			_exit(1);
		server = server_with(s, config);
		expect(server, "/hello.txt", HELLO);
		expect(server, "/sub/deep/file.txt", "deep");
		if (stats_of(server).watched != 2)
			_exit(2);
		if (seteuid(0) != 0 || fchmodat(s->root_fd, "hello.txt", 0600, 0) != 0 ||
		    fchmodat(s->root_fd, "sub", 0700, 0) != 0 || seteuid(65534) != 0)
			_exit(3);
		expect(server, "/hello.txt", NULL);
		expect(server, "/sub/deep/file.txt", NULL);
		if (seteuid(0) != 0 || fchmodat(s->root_fd, "hello.txt", 0644, 0) != 0 ||
		    fchmodat(s->root_fd, "sub", 0755, 0) != 0 || seteuid(65534) != 0)
			_exit(4);
		expect(server, "/hello.txt", HELLO);
		expect(server, "/sub/deep/file.txt", "deep");
		http_server_destroy(server);
		if (seteuid(0) != 0)
			_exit(5);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_siblings_come_and_go(void **state)
{
	static const char *const fields = "Accept-Encoding: gzip\r\n";
	const struct site *s = *state;
	struct http_server *server = server_with(s, config);
	struct output out;

	for (int i = 0; i < 2; i++) {
		ask_at(server, NOW_WALL, "/hello.txt", fields, &out);
		assert_null(strstr((char *)out.data, "Content-Encoding"));
		free(out.data);
	}
	/* one lookup for the file, one for what it lacks: neither again */
	assert_int_equal(stats_of(server).misses, 2);
	write_text(s->root_fd, "hello.txt.gz", "gz");
	ask_at(server, NOW_WALL, "/hello.txt", fields, &out);
	assert_non_null(strstr((char *)out.data, "Content-Encoding: gzip"));
	free(out.data);
	assert_int_equal(unlinkat(s->root_fd, "hello.txt.gz", 0), 0);
	ask_at(server, NOW_WALL, "/hello.txt", fields, &out);
	assert_null(strstr((char *)out.data, "Content-Encoding"));
	free(out.data);
	http_server_destroy(server);
}

static void test_more_events_than_the_kernel_keeps(void **state)
{
	const struct site *s = *state;
	struct http_server *server = server_with(s, config);
	char text[32] = "16384";
	int fd = open("/proc/sys/fs/inotify/max_queued_events", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		assert_true(read(fd, text, sizeof(text) - 1) > 0);
		close(fd);
	}
	if (atol(text) > 100000)
		skip();
	expect(server, "/hello.txt", HELLO);
	for (long i = 0; i <= atol(text) / 2 + 1; i++) {
		write_text(s->root_fd, "churn", "x");
		assert_int_equal(unlinkat(s->root_fd, "churn", 0), 0);
	}
	put(s, "hello.txt", "after", O_TRUNC);
	expect(server, "/hello.txt", "after");
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ while it is sent */

static struct http_conn *begin(struct http_server *server, const char *path, struct output *out)
{
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	uint8_t block[8192];
	char request[128];

	http_server_refresh(server);
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
	send_text(c, at_us(0), request);
	*out = (struct output){0};
	output_add(out, block, http_conn_produce(c, at_us(0), block, sizeof(block)));
	assert_true(http_conn_has_output(c));
	return c;
}

static void expect_broken(struct http_server *server, const struct site *s, void (*change)(int fd))
{
	struct output out;
	struct http_conn *c = begin(server, "/big.bin", &out);
	int fd = openat(s->root_fd, "big.bin", O_RDWR | O_CLOEXEC);
	const size_t before = out.len;

	change(fd);
	close(fd);
	drain_output(c, at_us(0), &out, 8192);
	assert_true(http_conn_broken(c));
	assert_int_equal(out.len, before); /* and nothing of the new */
	free(out.data);
	http_conn_destroy(c);
}

static void write_in_place(int fd)
{
	assert_int_equal(pwrite(fd, "new", 3, BIG_SIZE - 10), 3);
}

static void append(int fd)
{
	assert_int_equal(pwrite(fd, "new", 3, BIG_SIZE), 3);
}

static void cut(int fd)
{
	assert_int_equal(ftruncate(fd, BIG_SIZE / 2), 0);
}

static void test_a_file_that_changes_breaks_its_response_off(void **state)
{
	void (*const changes[])(int fd) = {write_in_place, append, cut};
	const struct site *s = *state;

	for (int cached = 0; cached < 2; cached++) {
		struct http_server *server = cached ? server_with(s, config) : site_server(s);

		for (int i = 0; i < 3; i++) {
			expect_broken(server, s, changes[i]);
			pass_a_tick();
		}
		http_server_destroy(server);
	}
}

static void test_a_file_that_is_replaced_is_sent_to_its_end(void **state)
{
	const struct site *s = *state;
	struct http_server *server = server_with(s, config);
	struct output out;
	struct http_conn *c = begin(server, "/big.bin", &out);
	struct reply reply;

	write_text(s->root_fd, "new", "new");
	assert_int_equal(renameat(s->root_fd, "new", s->root_fd, "big.bin"), 0);
	expect(server, "/big.bin", "new");
	drain_output(c, at_us(0), &out, 8192);
	const char *at = (const char *)out.data;
	assert_true(take_reply(&at, at + out.len, false, &reply));
	assert_int_equal(reply.body_len, BIG_SIZE);
	for (size_t k = 0; k < BIG_SIZE; k++)
		if ((uint8_t)reply.body[k] != big_byte(k))
			fail_msg("byte %zu is not the old one", k);
	free(out.data);
	http_conn_destroy(c);
	http_server_destroy(server);
}

/* What is in memory is sent whole whatever becomes of the file, the entry and the cache. */
static void test_memory_outlives_the_entry(void **state)
{
	const struct site *s = *state;
	struct http_server *server = server_with(s, config);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	struct http_response response;
	struct http_file file;
	uint8_t text[64];

	http_response_init(&response);
	assert_int_equal(http_file_cache_find(server->files, (struct http_root){.fd = s->root_fd},
					      "hello.txt", &file),
			 HTTP_FIND_FILE);
	assert_non_null(file.data);
	struct http_source source = http_file_source(&file);
	http_response_source(&response, &source);
	http_response_extent(&response, 0, strlen(HELLO));
	put(s, "hello.txt", "changed", O_TRUNC);
	expect(server, "/hello.txt", "changed");
	http_conn_destroy(c);
	http_server_destroy(server);
	assert_int_equal(http_response_produce(&response, text, sizeof(text)), strlen(HELLO));
	assert_memory_equal(text, HELLO, strlen(HELLO));
	http_response_free(&response);
}

/* ------------------------------------------------------------------ all at once */

#define VERSION_MAX 3000
#define ROUNDS 4000

struct writer {
	int root_fd;
	bool stop;
	unsigned writes; /* odd while one is going on */
};

/* Version v is a length and a byte that follow from it, so a mixture shows. */
static size_t make_version(unsigned v, char *text)
{
	const size_t len = 100 + (v * 7919U) % VERSION_MAX;

	memset(text, 'a' + (int)(v % 26), len);
	memcpy(text, &v, sizeof(v));
	return len;
}

static void *replace_and_delete(void *arg)
{
	struct writer *w = arg;
	char text[VERSION_MAX + 100];

	for (unsigned v = 1; !__atomic_load_n(&w->stop, __ATOMIC_RELAXED); v++) {
		const size_t len = make_version(v, text);
		const int fd =
			openat(w->root_fd, "next", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

		if (write(fd, text, len / 2) < 0 || write(fd, text + len / 2, len - len / 2) < 0)
			abort();
		close(fd);
		if (v % 50 == 0)
			unlinkat(w->root_fd, "busy.txt", 0);
		if (renameat(w->root_fd, "next", w->root_fd, "busy.txt") != 0)
			abort();
		if (v % 20 == 0) {
			renameat(w->root_fd, "sub", w->root_fd, "gone");
			renameat(w->root_fd, "gone", w->root_fd, "sub");
		}
		if (v % 8 == 0)
			pass_a_tick();
	}
	return NULL;
}

static void check_version(const struct reply *reply)
{
	char text[VERSION_MAX + 100];
	unsigned v;

	assert_true(reply->body_len >= sizeof(v));
	memcpy(&v, reply->body, sizeof(v));
	if (make_version(v, text) != reply->body_len ||
	    memcmp(text, reply->body, reply->body_len) != 0)
		fail_msg("a body of %zu bytes that begins like version %u is none that was written",
			 reply->body_len, v);
}

static void test_every_body_is_one_that_was_written(void **state)
{
	const struct site *s = *state;
	struct http_server *server = server_with(s, config);
	struct writer writer = {.root_fd = s->root_fd};
	unsigned served = 0, versions = 0, last = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, replace_and_delete, &writer), 0);
	for (unsigned i = 0; i < ROUNDS || versions < 60; i++) {
		struct output out;
		struct reply reply = ask_at(server, NOW_WALL, "/busy.txt", "", &out);
		unsigned v;

		if (reply.status == 200) {
			check_version(&reply);
			memcpy(&v, reply.body, sizeof(v));
			/* never back to an older one */
			assert_true(v >= last);
			versions += v != last;
			last = v;
			served++;
		} else {
			assert_int_equal(reply.status, 404);
		}
		free(out.data);
		reply = ask_at(server, NOW_WALL, "/sub/page.html", "", &out);
		if (reply.status == 200)
			assert_memory_equal(reply.body, "<p>page</p>\n", reply.body_len);
		free(out.data);
	}
	__atomic_store_n(&writer.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	printf("           %u bodies of %u versions, %llu from the cache\n", served, versions,
	       (unsigned long long)stats_of(server).hits);
	http_server_destroy(server);
}

/* Written in place, at one go: a body is one version, or its response breaks off. */
#define BLOCK 512

static void *overwrite(void *arg)
{
	struct writer *w = arg;
	char text[BLOCK];

	for (unsigned v = 1; !__atomic_load_n(&w->stop, __ATOMIC_RELAXED); v++) {
		const int fd = openat(w->root_fd, "busy.txt", O_WRONLY | O_CLOEXEC);

		memset(text, 'a' + (int)(v % 26), sizeof(text));
		__atomic_add_fetch(&w->writes, 1, __ATOMIC_SEQ_CST);
		if (pwrite(fd, text, sizeof(text), 0) != sizeof(text))
			abort();
		__atomic_add_fetch(&w->writes, 1, __ATOMIC_SEQ_CST);
		close(fd);
		pass_a_tick(); /* or the file system's clock could not tell them apart */
	}
	return NULL;
}

static void config_all_open(struct http_server_config *cfg)
{
	config(cfg);
	cfg->file_cache.small = 0;
}

static void test_no_body_is_a_mixture(void **state)
{
	void (*const configs[])(struct http_server_config *) = {config, config_all_open};
	const struct site *s = *state;
	char text[BLOCK];

	memset(text, 'a', sizeof(text));
	write_file(s->root_fd, "busy.txt", text, sizeof(text));
	for (int k = 0; k < 2; k++) {
		struct http_server *server = server_with(s, configs[k]);
		struct writer writer = {.root_fd = s->root_fd};
		unsigned whole = 0, broken = 0, versions = 0;
		char last = 0;
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, overwrite, &writer), 0);
		while (whole < ROUNDS || versions < 10 || (k == 1 && broken == 0)) {
			struct http_conn *c =
				http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
			struct output out = {0};
			struct reply reply;

			/* A write has its time of change from its beginning on: of a request that comes
			 * while one goes on, nobody could tell. */
			const bool judged =
				!(__atomic_load_n(&writer.writes, __ATOMIC_SEQ_CST) & 1);
			http_server_refresh(server);
			send_text(c, at_us(0), "GET /busy.txt HTTP/1.1\r\nHost: x\r\n\r\n");
			drain_output(c, at_us(0), &out, 64);
			const char *at = (const char *)out.data;
			if (http_conn_broken(c)) {
				broken++;
			} else {
				assert_true(take_reply(&at, at + out.len, false, &reply));
				assert_int_equal(reply.body_len, BLOCK);
				memset(text, reply.body[0], sizeof(text));
				if (judged)
					assert_memory_equal(text, reply.body, BLOCK);
				versions += last != reply.body[0];
				last = reply.body[0];
				whole++;
			}
			free(out.data);
			http_conn_destroy(c);
		}
		__atomic_store_n(&writer.stop, true, __ATOMIC_RELAXED);
		pthread_join(thread, NULL);
		printf("           %u whole, %u broken off\n", whole, broken);
		http_server_destroy(server);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, site_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_small_files_are_kept_in_memory),
		TEST(test_large_files_are_kept_open),
		TEST(test_the_answer_does_not_show_it),
		TEST(test_bounds),
		TEST(test_watches_are_bounded_and_given_back),
		TEST(test_in_place),
		TEST(test_truncate),
		TEST(test_rename_over_delete_recreate),
		TEST(test_rename_away),
		TEST(test_directories_change),
		TEST(test_links_change_within_a_second),
		TEST(test_without_inotify_within_a_second),
		TEST(test_what_no_event_tells),
		TEST(test_permissions),
		TEST(test_siblings_come_and_go),
		TEST(test_more_events_than_the_kernel_keeps),
		TEST(test_a_file_that_changes_breaks_its_response_off),
		TEST(test_a_file_that_is_replaced_is_sent_to_its_end),
		TEST(test_memory_outlives_the_entry),
		TEST(test_every_body_is_one_that_was_written),
		TEST(test_no_body_is_a_mixture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
