/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_harness.h — a site in a temporary directory, and a client that is a function call away.
 *
 * The clock is fixed, and the files' times are, so every byte of a response is known in advance.
 * Included by the test_http_*.c programs that need it; not every one uses every function.
 */
#ifndef TESTS_UNIT_HTTP_HARNESS_H
#define TESTS_UNIT_HTTP_HARNESS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/h1_conn.h"
#include "http/http.h"
#include "http/site.h"

#define UNUSED __attribute__((unused))

#define NOW_WALL 1700000000 /* Tue, 14 Nov 2023 22:13:20 GMT */
#define NOW_TEXT "Tue, 14 Nov 2023 22:13:20 GMT"
#define FILE_MTIME 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define FILE_MTIME_TEXT "Sun, 06 Nov 1994 08:49:37 GMT"
#define HELLO "Hello, world!\n"
#define BIG_SIZE (1024 * 1024 + 3)

#define SECOND 1000000ULL

static UNUSED struct http_time at_us(uint64_t mono_us)
{
	return (struct http_time){.mono_us = mono_us, .wall = NOW_WALL};
}

/* ------------------------------------------------------------------ site */

struct site {
	char dir[64]; /* temporary; the root is dir/site, and dir/outside.txt is beyond it */
	int dir_fd;
	int root_fd;
	struct http_site files; /* root_fd, served by default */
	char hello_etag[HTTP_ETAG_SIZE];
};

static UNUSED void set_mtime(int dir_fd, const char *name)
{
	struct timespec times[2] = {{FILE_MTIME, 0}, {FILE_MTIME, 0}};

	assert_int_equal(utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW), 0);
}

static UNUSED void write_file(int dir_fd, const char *name, const void *data, size_t len)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
	set_mtime(dir_fd, name);
}

static UNUSED void write_text(int dir_fd, const char *name, const char *text)
{
	write_file(dir_fd, name, text, strlen(text));
}

/* A byte of big.bin: no period that a wrong offset could hide behind. */
static UNUSED uint8_t big_byte(size_t i)
{
	return (uint8_t)((i * 2654435761U) >> 13);
}

static UNUSED void make_socket(const struct site *s)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/site/socket", s->dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
}

static UNUSED void site_create(struct site *s)
{
	static const char *const directories[] = {"site",          "site/sub",
						  "site/noindex",  "site/.well-known",
						  "site/sub/.git", "site/a dir",
						  "site/indexdir", "site/indexdir/index.html"};
	uint8_t *big = malloc(BIG_SIZE);
	struct http_file hello = {0};
	struct stat st;

	strcpy(s->dir, "/tmp/http-test-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	assert_int_equal(chmod(s->dir, 0755), 0);
	s->dir_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(s->dir_fd >= 0);
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		assert_int_equal(mkdirat(s->dir_fd, directories[i], 0755), 0);
	s->root_fd = openat(s->dir_fd, "site", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(s->root_fd >= 0);
	http_site_default(&s->files);
	s->files.root_fd = s->root_fd;

	write_text(s->dir_fd, "outside.txt", "outside\n");
	write_text(s->root_fd, "index.html", "<p>index</p>\n");
	write_text(s->root_fd, "hello.txt", HELLO);
	write_text(s->root_fd, "empty.txt", "");
	write_text(s->root_fd, "sub/index.html", "<p>sub</p>\n");
	write_text(s->root_fd, "sub/page.html", "<p>page</p>\n");
	write_text(s->root_fd, "noindex/file.txt", "file\n");
	write_text(s->root_fd, ".secret", "secret\n");
	write_text(s->root_fd, "sub/.git/config", "secret\n");
	write_text(s->root_fd, ".well-known/security.txt", "Contact: none\n");
	write_text(s->root_fd, "a b.txt", "space\n");
	write_text(s->root_fd, "back\\slash.txt", "backslash\n");
	write_text(s->root_fd, "100%.txt", "percent\n");
	write_text(s->root_fd, "caf\xc3\xa9.txt", "utf-8\n");
	for (size_t i = 0; i < BIG_SIZE; i++)
		big[i] = big_byte(i);
	write_file(s->root_fd, "big.bin", big, BIG_SIZE);
	free(big);

	assert_int_equal(mkfifoat(s->root_fd, "fifo", 0644), 0);
	make_socket(s);
	assert_int_equal(symlinkat("hello.txt", s->root_fd, "link-in"), 0);
	assert_int_equal(symlinkat("sub", s->root_fd, "link-dir"), 0);
	assert_int_equal(symlinkat("../outside.txt", s->root_fd, "link-out"), 0);
	assert_int_equal(symlinkat("..", s->root_fd, "link-up"), 0);
	assert_int_equal(symlinkat("/etc/passwd", s->root_fd, "link-abs"), 0);
	assert_int_equal(symlinkat("link-loop", s->root_fd, "link-loop"), 0);

	assert_int_equal(fstatat(s->root_fd, "hello.txt", &st, 0), 0);
	hello.size = (uint64_t)st.st_size;
	hello.mtime = st.st_mtim.tv_sec;
	hello.inode = st.st_ino;
	http_etag_format(&hello, s->hello_etag);
}

static UNUSED void remove_tree(int parent_fd, const char *name)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	for (struct dirent *e; dir && (e = readdir(dir));) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (unlinkat(fd, e->d_name, 0) != 0)
			remove_tree(fd, e->d_name);
	}
	if (dir)
		closedir(dir);
	unlinkat(parent_fd, name, AT_REMOVEDIR);
}

static UNUSED void site_destroy(struct site *s)
{
	close(s->root_fd);
	close(s->dir_fd);
	remove_tree(AT_FDCWD, s->dir);
}

static UNUSED int site_setup(void **state)
{
	struct site *s = calloc(1, sizeof(*s));

	site_create(s);
	*state = s;
	return 0;
}

static UNUSED int site_teardown(void **state)
{
	site_destroy(*state);
	free(*state);
	return 0;
}

static UNUSED struct http_server *site_server(const struct site *s)
{
	struct http_server_config cfg;
	struct http_server *server;

	http_server_config_default(&cfg);
	cfg.sites = &s->files;
	cfg.site_count = 1;
	server = http_server_create(&cfg);
	assert_non_null(server);
	return server;
}

static UNUSED struct http_server *server_with(const struct site *s,
					      void (*change)(struct http_server_config *))
{
	struct http_server_config cfg;
	struct http_server *server;

	http_server_config_default(&cfg);
	cfg.sites = &s->files;
	cfg.site_count = 1;
	change(&cfg);
	server = http_server_create(&cfg);
	assert_non_null(server);
	return server;
}

/* ------------------------------------------------------------------ client */

struct output {
	uint8_t *data;
	size_t len, cap;
};

static UNUSED void output_add(struct output *o, const void *data, size_t len)
{
	while (o->cap - o->len < len + 1) {
		o->cap = o->cap ? o->cap * 2 : 4096;
		o->data = realloc(o->data, o->cap);
		assert_non_null(o->data);
	}
	memcpy(o->data + o->len, data, len);
	o->len += len;
	o->data[o->len] = '\0';
}

/* Takes everything that the connection has to say, `room` bytes at a time. */
static UNUSED void drain_output(struct http_conn *c, struct http_time now, struct output *o,
				size_t room)
{
	uint8_t *buf = malloc(room);

	while (http_conn_has_output(c)) {
		size_t n = http_conn_produce(c, now, buf, room);

		assert_true(n <= room);
		if (n == 0) {
			assert_true(http_conn_broken(c));
			break;
		}
		output_add(o, buf, n);
	}
	free(buf);
}

/* Sends `len` bytes, at most `step` at a time, taking all output in between. Returns how many
 * were taken: fewer than `len` only when the connection is closing. */
static UNUSED size_t send_bytes(struct http_conn *c, struct http_time now, const void *data,
				size_t len, size_t step, struct output *o, size_t room)
{
	size_t at = 0;

	while (at < len) {
		uint8_t *buf;
		size_t n = http_conn_reserve(c, &buf);

		if (n == 0)
			break;
		if (n > step)
			n = step;
		if (n > len - at)
			n = len - at;
		memcpy(buf, (const uint8_t *)data + at, n);
		http_conn_commit(c, now, n);
		at += n;
		drain_output(c, now, o, room);
	}
	return at;
}

/* One conversation on a connection of its own; the caller frees out->data. True when the
 * connection would stay open. */
static UNUSED bool converse(struct http_server *server, const void *data, size_t len, size_t step,
			    size_t room, struct output *out)
{
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	bool open;

	assert_non_null(c);
	*out = (struct output){0};
	output_add(out, "", 0);
	send_bytes(c, at_us(0), data, len, step, out, room);
	open = !http_conn_finished(c);
	http_conn_destroy(c);
	return open;
}

static UNUSED bool converse_text(struct http_server *server, const char *text, struct output *out)
{
	return converse(server, text, strlen(text), SIZE_MAX, 65536, out);
}

/* Sends all of it, taking no output; the connection must have room. */
static UNUSED void send_text(struct http_conn *c, struct http_time now, const char *text)
{
	uint8_t *buf;
	size_t len = strlen(text), at = 0;

	while (at < len) {
		size_t n = http_conn_reserve(c, &buf);

		assert_true(n > 0);
		n = n < len - at ? n : len - at;
		memcpy(buf, text + at, n);
		http_conn_commit(c, now, n);
		at += n;
	}
}

/* Everything it has to say, as a string that the caller frees. */
static UNUSED char *receive(struct http_conn *c, struct http_time now)
{
	struct output o = {0};

	output_add(&o, "", 0);
	drain_output(c, now, &o, 65536);
	return (char *)o.data;
}

static UNUSED void expect_status(struct http_conn *c, struct http_time now, const char *status_line)
{
	char *text = receive(c, now);

	if (strncmp(text, status_line, strlen(status_line)) != 0)
		fail_msg("want \"%s\", got \"%s\"", status_line, text);
	free(text);
}

/* ------------------------------------------------------------------ responses */

struct reply {
	int status;
	const char *head; /* up to and with the empty line */
	size_t head_len;
	const char *body;
	size_t body_len;
};

/* The value of a field in a head, in a static buffer; NULL when absent. */
static UNUSED const char *reply_field(const struct reply *r, const char *name)
{
	static char value[16384];
	size_t name_len = strlen(name);

	for (const char *line = r->head; line < r->head + r->head_len;) {
		const char *end = strstr(line, "\r\n");

		if (!strncmp(line, name, name_len) && !strncmp(line + name_len, ": ", 2)) {
			size_t len = (size_t)(end - line) - name_len - 2;

			assert_true(len < sizeof(value));
			memcpy(value, line + name_len + 2, len);
			value[len] = '\0';
			return value;
		}
		line = end + 2;
	}
	return NULL;
}

/* Takes one response off [*at, end), as a client would. False when there is no whole one. */
static UNUSED bool take_reply(const char **at, const char *end, bool to_head, struct reply *r)
{
	const char *blank = strstr(*at, "\r\n\r\n");
	const char *length;

	if (*at == end || !blank || sscanf(*at, "HTTP/1.1 %3d ", &r->status) != 1)
		return false;
	r->head = *at;
	r->head_len = (size_t)(blank - *at) + 4;
	r->body = r->head + r->head_len;
	r->body_len = 0;
	length = reply_field(r, "Content-Length");
	if (!to_head && length)
		r->body_len = strtoull(length, NULL, 10);
	if (r->body_len > (size_t)(end - r->body))
		return false;
	*at = r->body + r->body_len;
	return true;
}

#endif
