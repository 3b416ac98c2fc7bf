/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_h2.c — arbitrary frames from a client to an HTTP/2 connection, over a small directory.
 *
 * The input is a row of operations. Most make a frame, so that the fuzzer need not find lengths and tables; one gives
 * bytes as they are. Others take output, let time pass, drain. What must hold: no more output than there was room for,
 * output that is whole frames, SETTINGS first, a deadline as long as it is not finished, an end in the end, and each
 * request in the log at most once.
 */
#include <fcntl.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/http.h"
#include "http/site.h"
#include "tests/fuzz/fuzz.h"

#define FRAME_HEAD 9u

static void __attribute__((noreturn)) found(const char *what)
{
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

/* ------------------------------------------------------------------ the directory */

static int root_fd = -1;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char text[5000] = "0123456789abcdef";
	const char *tmp = getenv("TMPDIR");
	char dir[256];

	(void)argc;
	(void)argv;
	snprintf(dir, sizeof dir, "%.200s/tunhttpd-fuzz-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		found("no temporary directory");
	root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const int fd = openat(root_fd, "a", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, sizeof text) != (ssize_t)sizeof text)
		found("the directory cannot be filled");
	close(fd);
	return 0;
}

/* ------------------------------------------------------------------ the connection */

struct run {
	struct http_conn *c;
	struct http_time now;
	const uint8_t *in;
	size_t left;
	/* of the output */
	uint8_t head[FRAME_HEAD];
	size_t head_len, payload_left;
	unsigned frames;
	unsigned logged;
};

static uint8_t next(struct run *r)
{
	if (r->left == 0)
		return 0;
	r->left--;
	return *r->in++;
}

/* Our frames, one after the other. */
static void check_output(struct run *r, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (r->payload_left > 0) {
			r->payload_left--;
			continue;
		}
		r->head[r->head_len++] = data[i];
		if (r->head_len < FRAME_HEAD)
			continue;
		r->head_len = 0;
		r->payload_left = (size_t)r->head[0] << 16 | (size_t)r->head[1] << 8 | r->head[2];
		if (r->frames++ == 0 && r->head[3] != NGHTTP2_SETTINGS)
			found("the first frame is not SETTINGS");
		if (r->payload_left > 16384 || r->head[3] > NGHTTP2_CONTINUATION)
			found("a frame that no client expects");
	}
}

static void take(struct run *r, size_t room)
{
	uint8_t block[16384];
	const size_t len = http_conn_produce(r->c, r->now, block, room);

	if (len > room)
		found("more was produced than there was room for");
	if (len == 0 && http_conn_has_output(r->c))
		found("has_output stays true, and produce gives nothing");
	check_output(r, block, len);
}

static void take_all(struct run *r)
{
	for (unsigned i = 0; http_conn_has_output(r->c); i++) {
		if (i > 100000)
			found("output without end");
		take(r, 16384);
	}
}

static void give(struct run *r, const uint8_t *data, size_t len)
{
	uint8_t *buf;

	while (len > 0) {
		size_t n = http_conn_reserve(r->c, &buf);
		if (n == 0) {
			/* It reads nothing before something was taken, or never again. */
			take_all(r);
			n = http_conn_reserve(r->c, &buf);
		}
		if (n == 0)
			return;
		n = n < len ? n : len;
		memcpy(buf, data, n);
		http_conn_commit(r->c, r->now, n);
		data += n;
		len -= n;
	}
}

static void pass(struct run *r, uint64_t us)
{
	r->now.mono_us += us;
	const uint64_t deadline = http_conn_deadline(r->c);
	if (!http_conn_finished(r->c) && !http_conn_has_output(r->c) && deadline == UINT64_MAX)
		found("a connection that is not finished has no deadline");
	if (r->now.mono_us >= deadline) {
		http_conn_expire(r->c, r->now);
		if (http_conn_deadline(r->c) <= r->now.mono_us)
			found("a deadline that has passed is still there");
	}
}

/* ------------------------------------------------------------------ operations */

/* type, flags, stream, length, payload */
static void op_frame(struct run *r, uint8_t type)
{
	uint8_t frame[FRAME_HEAD + 255];
	const uint8_t flags = next(r), stream = next(r);
	const size_t len = next(r);

	memset(frame, 0, FRAME_HEAD);
	frame[2] = (uint8_t)len;
	frame[3] = type;
	frame[4] = flags;
	frame[8] = stream;
	for (size_t i = 0; i < len; i++)
		frame[FRAME_HEAD + i] = next(r);
	give(r, frame, FRAME_HEAD + len);
}

/* A request for /a that is well-formed, then fields as they come. */
static void op_request(struct run *r)
{
	static const uint8_t request[] = {0x82, 0x86, 0x44, 0x02, '/', 'a', 0x41, 0x01, 'h'};
	uint8_t frame[FRAME_HEAD + sizeof request + 255] = {0};
	const uint8_t flags = next(r), stream = next(r);
	const size_t more = next(r), len = sizeof request + more;

	frame[1] = (uint8_t)(len >> 8);
	frame[2] = (uint8_t)len;
	frame[3] = NGHTTP2_HEADERS;
	frame[4] = flags;
	frame[8] = stream;
	memcpy(frame + FRAME_HEAD, request, sizeof request);
	for (size_t i = 0; i < more; i++)
		frame[FRAME_HEAD + sizeof request + i] = next(r);
	give(r, frame, FRAME_HEAD + len);
}

static void op_bytes(struct run *r)
{
	uint8_t bytes[255];
	const size_t len = next(r);

	for (size_t i = 0; i < len; i++)
		bytes[i] = next(r);
	give(r, bytes, len);
}

/* False: the client's half has ended. */
static bool op(struct run *r, struct http_server *server)
{
	const uint8_t code = next(r);

	switch (code & 31) {
	case 16:
		op_request(r);
		break;
	case 17:
		take(r, 1 + next(r));
		break;
	case 18:
		take_all(r);
		break;
	case 19:
		pass(r, next(r) * 1000000ull);
		break;
	case 20:
		http_server_drain(server);
		break;
	case 21:
		http_conn_input_end(r->c, r->now);
		return false;
	case 22:
		op_bytes(r);
		break;
	case 23:
		op_frame(r, NGHTTP2_PRIORITY_UPDATE);
		break;
	default:
		op_frame(r, code & 31);
		break;
	}
	return true;
}

/* ------------------------------------------------------------------ one run */

static void on_log(void *ctx, const struct http_log_entry *e)
{
	struct run *r = ctx;

	if (!e->method || !e->target || strlen(e->version) != 8 || e->status < 200 ||
	    e->status > 599)
		found("an entry of the log that cannot be");
	r->logged++;
}

static struct http_server *make_server(struct run *r)
{
	struct http_server_config cfg;
	struct http_site site;

	http_server_config_default(&cfg);
	http_site_default(&site);
	site.root_fd = root_fd;
	cfg.sites = &site;
	cfg.site_count = 1;
	cfg.max_head = 400; /* so that the fuzzer can reach the limits */
	cfg.max_target = 50;
	cfg.max_fields = 8;
	cfg.max_body = 300;
	cfg.max_requests = 20;
	cfg.log = on_log;
	cfg.log_ctx = r;
	return http_server_create(&cfg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
	struct run r = {.now = {.mono_us = 1000000, .wall = 1750000000}, .in = data, .left = size};
	struct http_server *server = make_server(&r);

	if (!server)
		found("no server");
	/* The first byte: does the connection know what it speaks? */
	const uint8_t kind = next(&r);
	r.c = http_conn_create(server, r.now, kind & 1 ? HTTP_PROTOCOL_EITHER : HTTP_PROTOCOL_2,
			       false, NULL);
	if (!r.c)
		found("no connection");
	give(&r, preface, sizeof preface - 1);
	while (r.left > 0 && op(&r, server))
		;
	take_all(&r);
	/* Time ends all of it. */
	for (unsigned i = 0; !http_conn_finished(r.c) && !http_conn_broken(r.c); i++) {
		if (i > 10000)
			found("a connection without end");
		const uint64_t deadline = http_conn_deadline(r.c);
		if (deadline == UINT64_MAX)
			found("a connection that is not finished has no deadline");
		pass(&r, deadline > r.now.mono_us ? deadline - r.now.mono_us : 0);
		take_all(&r);
	}
	if (r.head_len > 0 || r.payload_left > 0)
		found("the output ends within a frame");
	const unsigned requests = http_conn_requests(r.c);
	http_conn_destroy(r.c);
	if (r.logged < requests)
		found("an answer is not in the log");
	http_server_destroy(server);
	return 0;
}
