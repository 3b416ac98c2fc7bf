/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_http.c — arbitrary bytes from a client to the HTTP layer, over a small directory. The same
 * bytes are given twice: at once with all the room in the world, and in pieces with rooms of
 * varying size. What is decided must not depend on how the bytes were cut, so both runs must give
 * the same output.
 *
 * The first byte of the input chooses the pieces and rooms of the second run; the rest is the
 * client's.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/http.h"
#include "http/site.h"
#include "tests/fuzz/fuzz.h"

#define OUTPUT_MAX (1u << 20)
#define STEPS_MAX 200000u

struct output {
	uint8_t *data;
	size_t len;
	bool finished, broken;
};

static void __attribute__((noreturn)) found(const char *what)
{
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

/* ------------------------------------------------------------------ the directory */

/* libFuzzer's entry points have no context of ours. */
static int root_fd = -1;

static void put(const char *name, const char *text)
{
	const int fd = openat(root_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	/* The dates are part of the output. */
	const struct timespec times[2] = {{.tv_sec = 1700000000}, {.tv_sec = 1700000000}};

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    futimens(fd, times) != 0)
		found("the directory cannot be filled");
	close(fd);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *tmp = getenv("TMPDIR");
	char dir[256];

	(void)argc;
	(void)argv;
	snprintf(dir, sizeof dir, "%.200s/tunhttpd-fuzz-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		found("no temporary directory");
	root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0 || mkdirat(root_fd, "d", 0755) != 0 ||
	    mkfifoat(root_fd, "fifo", 0644) != 0 || symlinkat("/etc/passwd", root_fd, "out") != 0 ||
	    symlinkat("a", root_fd, "in") != 0)
		found("the directory cannot be filled");
	put("a", "0123456789abcdef");
	put("index.html", "<p>index\n");
	put("d/index.html", "<p>d\n");
	put("empty", "");
	return 0;
}

/* ------------------------------------------------------------------ one connection */

struct cut {
	size_t piece, room; /* 0: as much as possible */
	unsigned state;
};

static size_t vary(struct cut *c, size_t base)
{
	if (base == 0)
		return SIZE_MAX;
	c->state = c->state * 1103515245u + 12345u;
	return 1 + (c->state >> 16) % base;
}

static void produce(struct http_conn *c, struct http_time now, struct cut *cut, struct output *out)
{
	for (unsigned i = 0; out->len < OUTPUT_MAX; i++) {
		uint8_t block[16384];
		size_t room = vary(cut, cut->room);
		if (room > sizeof block)
			room = sizeof block;
		const bool has = http_conn_has_output(c);
		const size_t n = http_conn_produce(c, now, block, room);
		if (n > room)
			found("more was produced than there was room for");
		if (has && n == 0)
			found("has_output is true, and produce gives nothing");
		if (n == 0)
			return;
		if (n > OUTPUT_MAX - out->len)
			return;
		memcpy(out->data + out->len, block, n);
		out->len += n;
		if (i > STEPS_MAX)
			found("output without end");
	}
}

/* Gives what the connection takes; false when it will take no more. */
static bool give(struct http_conn *c, struct http_time now, struct cut *cut, const uint8_t **data,
		 size_t *size)
{
	uint8_t *buf;
	size_t n = http_conn_reserve(c, &buf);
	const size_t piece = vary(cut, cut->piece);

	if (n == 0)
		return false;
	if (n > piece)
		n = piece;
	if (n > *size)
		n = *size;
	memcpy(buf, *data, n);
	http_conn_commit(c, now, n);
	*data += n;
	*size -= n;
	return true;
}

/* In pieces the connection has to find out besides that it is not HTTP/2. */
static enum http_protocol protocol_of(const uint8_t *data, size_t size, struct cut cut)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	const size_t len = sizeof preface - 1;

	return cut.piece == 0 || (size >= len && memcmp(data, preface, len) == 0)
		       ? HTTP_PROTOCOL_1
		       : HTTP_PROTOCOL_EITHER;
}

static void serve(struct http_server *server, const uint8_t *data, size_t size, struct cut cut,
		  struct output *out)
{
	struct http_time now = {.mono_us = 1000000, .wall = 1750000000};
	struct http_conn *c =
		http_conn_create(server, now, protocol_of(data, size, cut), false, NULL);
	unsigned steps = 0;

	if (!c)
		found("no connection");
	while (size > 0) {
		if (++steps > STEPS_MAX)
			found("input without end");
		const bool taken = give(c, now, &cut, &data, &size);
		const size_t before = out->len;
		produce(c, now, &cut, out);
		/* Neither in nor out: it is closing. */
		if (!taken && out->len == before)
			break;
	}
	http_conn_input_end(c, now);
	produce(c, now, &cut, out);
	const uint64_t deadline = http_conn_deadline(c);
	if (!http_conn_finished(c) && deadline == UINT64_MAX)
		found("a connection that is not finished has no deadline");
	if (deadline != UINT64_MAX) {
		now.mono_us = deadline;
		http_conn_expire(c, now);
		produce(c, now, &cut, out);
		if (!http_conn_finished(c) && !http_conn_broken(c))
			found("the connection goes on after its input has ended and its time is "
			      "up");
	}
	out->finished = http_conn_finished(c);
	out->broken = http_conn_broken(c);
	http_conn_destroy(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t sizes[] = {1, 2, 3, 7, 16, 100, 1000, 5000};
	struct http_server_config cfg;
	struct http_site site;
	struct output whole = {0}, pieces = {0};

	if (size == 0)
		return 0;
	const struct cut cut = {
		.piece = sizes[data[0] & 7], .room = sizes[data[0] >> 3 & 7], .state = data[0]};
	http_server_config_default(&cfg);
	http_site_default(&site);
	site.root_fd = root_fd;
	cfg.sites = &site;
	cfg.site_count = 1;
	cfg.max_head = 2048; /* so that the fuzzer can reach the limits */
	cfg.max_target = 512;
	cfg.max_fields = 20;
	cfg.max_body = 1024;
	cfg.max_requests = 50;
	struct http_server *server = http_server_create(&cfg);
	if (!server)
		found("no server");
	whole.data = malloc(OUTPUT_MAX);
	pieces.data = malloc(OUTPUT_MAX);
	serve(server, data + 1, size - 1, (struct cut){0}, &whole);
	serve(server, data + 1, size - 1, cut, &pieces);
	if (whole.len != pieces.len || memcmp(whole.data, pieces.data, whole.len) != 0 ||
	    whole.finished != pieces.finished)
		found("the answer depends on how the bytes were cut");
	if (whole.len > 0 && (whole.len < 9 || memcmp(whole.data, "HTTP/1.", 7) != 0))
		found("the output does not begin with a status line");
	free(whole.data);
	free(pieces.data);
	http_server_destroy(server);
	return 0;
}
