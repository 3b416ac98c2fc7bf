/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: bytes in, one request at a time, bytes out.
 *
 * HEAD → (BODY →) RESPONSE → HEAD … → CLOSED. Requests that come while a response is being produced
 * wait in the input buffer, and once it is full in the peer: the connection reserves no more. A
 * request is answered when all of it was read; then a malformed content can still be refused, and
 * nobody is answered who is still sending. What is decided depends on the bytes alone, never on how
 * they were cut.
 */
#include "http/conn.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/serve.h"

#define INPUT_FIRST 4096
/* Beside a head of full size there is room to read its content in useful pieces. */
#define INPUT_SPARE 4096
#define NEVER UINT64_MAX

_Static_assert(sizeof(struct http_conn) <= 1024, "a connection without buffers fits in 1 KiB");

/* ------------------------------------------------------------------ small steps */

static void free_input(struct http_conn *c)
{
	free(c->in);
	c->in = NULL;
	c->in_cap = c->in_len = c->in_pos = 0;
}

static uint64_t after(uint64_t mono_us, uint64_t timeout_us)
{
	return timeout_us < NEVER - mono_us ? mono_us + timeout_us : NEVER;
}

static void await_request(struct http_conn *c)
{
	c->state = HTTP_CONN_HEAD;
	http_gate_init(&c->gate, &c->server->limits);
	c->deadline = after(c->seen.mono_us, c->server->cfg.idle_timeout_us);
}

static void close_now(struct http_conn *c)
{
	c->state = HTTP_CONN_CLOSED;
	c->deadline = NEVER;
	free_input(c);
}

static bool idle(const struct http_conn *c)
{
	return c->state == HTTP_CONN_HEAD && !http_gate_started(&c->gate);
}

/* ------------------------------------------------------------------ log */

/* The piece becomes a string where it lies: the byte behind it is a separator that was read
 * already. */
static const char *terminate(struct http_conn *c, size_t at, size_t len)
{
	c->in[at + len] = '\0';
	return (const char *)c->in + at;
}

static const char *terminate_field(struct http_conn *c, enum http_field_id id)
{
	struct http_str value = http_request_field(&c->req, id);

	return value.at ? terminate(c, (size_t)(value.at - c->req.base), value.len) : NULL;
}

/* Told once per response, when its last byte was produced or the connection ends before. The
 * request's text is not used after this. Words of a request line that was refused are there as
 * far as it was read. */
static void log_response(struct http_conn *c, bool complete)
{
	const struct http_server_config *cfg = &c->server->cfg;
	const struct http_gate *g = &c->gate;
	bool have_method = g->state > HTTP_GATE_METHOD && g->target_at > 0;
	bool have_target = have_method && g->target_len > 0 && g->version_at > 0;
	bool have_version = have_target && g->version_len == sizeof("HTTP/1.1") - 1 &&
			    g->pos > g->version_at + g->version_len;

	if (!c->log_due)
		return;
	c->log_due = false;
	if (!cfg->log)
		return;

	struct http_log_entry entry = {
		.time = c->seen,
		.method = have_method ? terminate(c, g->method_at, g->method_len) : "-",
		.target = have_target ? terminate(c, g->target_at, g->target_len) : "-",
		.version = have_version ? terminate(c, g->version_at, g->version_len) : "-",
		.host = terminate_field(c, HTTP_FIELD_HOST),
		.referer = terminate_field(c, HTTP_FIELD_REFERER),
		.user_agent = terminate_field(c, HTTP_FIELD_USER_AGENT),
		.status = c->resp.status,
		.body_bytes = http_response_body_bytes(&c->resp),
		.complete = complete,
		.duration_us = c->seen.mono_us - c->started_us,
		.user = c->user,
	};
	cfg->log(cfg->log_ctx, &entry);
}

/* ------------------------------------------------------------------ responding */

static void begin_response(struct http_conn *c)
{
	c->state = HTTP_CONN_RESPONSE;
	c->deadline = NEVER;
	c->log_due = true;
}

static void end_response_building(struct http_conn *c, bool close)
{
	c->closing = close;
	if (c->resp.buf.failed) {
		/* No memory for a head: then not even for one that says so. */
		c->resp.broken = true;
		log_response(c, false);
		close_now(c);
	}
}

static bool method_is_head(const struct http_conn *c)
{
	return c->gate.target_at > 0 &&
	       http_str_equal((struct http_str){(const char *)c->in + c->gate.method_at,
						c->gate.method_len},
			      "HEAD");
}

/* Answers what is no request, and ends the connection: what follows in the input is not looked
 * at. */
static void refuse(struct http_conn *c, enum http_refusal refusal)
{
	struct http_reply reply = {
		.server = c->server, .now = c->seen.wall, .head_only = method_is_head(c)};

	begin_response(c);
	http_serve_refusal(&c->resp, &reply, refusal);
	end_response_building(c, true);
}

static void respond(struct http_conn *c, bool close)
{
	struct http_reply reply = {.server = c->server, .now = c->seen.wall};

	reply.close = close || !c->req.keep_alive || c->server->draining ||
		      c->served >= c->server->cfg.max_requests ||
		      (c->input_ended && c->in_pos == c->in_len);
	reply.keep_alive = c->req.parser.http_minor == 0;
	begin_response(c);
	http_serve(&c->resp, &reply, &c->req);
	end_response_building(c, reply.close);
}

/* ------------------------------------------------------------------ reading */

/* The head is whole: refuse it, answer it, or read its content first. */
static void take_head(struct http_conn *c)
{
	const struct http_server_config *cfg = &c->server->cfg;
	enum http_refusal refusal;

	c->served++;
	c->head_len = c->in_pos;
	if (!http_request_parse(&c->req, (const char *)c->in, &c->gate, &refusal)) {
		close_now(c);
		return;
	}
	if (refusal == HTTP_REFUSE_NONE && !c->req.chunked && c->req.content_length > cfg->max_body)
		refusal = HTTP_REFUSE_BODY_TOO_LARGE;
	if (refusal != HTTP_REFUSE_NONE) {
		refuse(c, refusal);
		return;
	}
	if (!http_request_has_body(&c->req)) {
		respond(c, false);
		return;
	}
	/* RFC 9110 10.1.1: a final status instead of 100 when the content would be of no use.
	 * The client may or may not send it now, so the connection cannot go on. */
	if (c->req.expect != HTTP_EXPECT_NOTHING && http_serve_early(&c->req) != 0) {
		respond(c, true);
		return;
	}
	if (c->req.expect == HTTP_EXPECT_CONTINUE)
		http_response_continue(&c->resp);
	if (c->req.chunked)
		http_body_init_chunked(&c->body, cfg->max_body, &c->server->limits);
	else
		http_body_init_length(&c->body, c->req.content_length);
	c->state = HTTP_CONN_BODY;
	c->deadline = after(c->seen.mono_us, cfg->header_timeout_us);
}

static void read_head(struct http_conn *c)
{
	bool was_started = http_gate_started(&c->gate);
	size_t used;
	enum http_feed feed =
		http_gate_feed(&c->gate, c->in + c->in_pos, c->in_len - c->in_pos, &used);

	c->in_pos += used;
	if (!was_started && http_gate_started(&c->gate)) {
		c->started_us = c->seen.mono_us;
		c->deadline = after(c->seen.mono_us, c->server->cfg.header_timeout_us);
	}
	switch (feed) {
	case HTTP_FEED_DONE:
		take_head(c);
		break;
	case HTTP_FEED_REFUSED:
		refuse(c, c->gate.refusal);
		break;
	case HTTP_FEED_MORE:
		/* An empty line before the request need not be kept. */
		if (!http_gate_started(&c->gate)) {
			http_gate_rebase(&c->gate);
			c->in_len = c->in_pos = 0;
		}
		break;
	}
}

static void read_body(struct http_conn *c)
{
	const uint8_t *at = c->in + c->in_pos;
	size_t used;
	enum http_feed feed = http_body_feed(&c->body, at, c->in_len - c->in_pos, &used);

	c->in_pos += used;
	if (feed == HTTP_FEED_REFUSED) {
		refuse(c, c->body.refusal);
		return;
	}
	if (!http_request_follow_body(&c->req, at, used, feed == HTTP_FEED_DONE)) {
		refuse(c, HTTP_REFUSE_NOT_PARSED);
		return;
	}
	if (feed == HTTP_FEED_DONE)
		respond(c, false);
	else
		c->in_pos = c->in_len = c->head_len; /* all of it was content: drop it */
}

/* Reads as far as the input goes, or to the next response. */
static void advance(struct http_conn *c)
{
	while (c->in_pos < c->in_len) {
		if (c->state == HTTP_CONN_HEAD)
			read_head(c);
		else if (c->state == HTTP_CONN_BODY)
			read_body(c);
		else
			break;
	}
	/* Nothing more will come: RFC 9112 8, the request is incomplete. */
	if (c->input_ended && idle(c))
		close_now(c);
	else if (c->input_ended && (c->state == HTTP_CONN_HEAD || c->state == HTTP_CONN_BODY))
		refuse(c, HTTP_REFUSE_INCOMPLETE);
	/* An idle connection holds no buffer. */
	if (c->in_len == 0 && c->state == HTTP_CONN_HEAD)
		free_input(c);
}

/* The response was produced whole. On to the next request, which may be waiting. */
static void finish_response(struct http_conn *c)
{
	log_response(c, true);
	http_request_free(&c->req);
	http_response_free(&c->resp);
	if (c->closing) {
		close_now(c);
		return;
	}
	memmove(c->in, c->in + c->in_pos, c->in_len - c->in_pos);
	c->in_len -= c->in_pos;
	c->in_pos = 0;
	await_request(c);
	advance(c);
}

/* ------------------------------------------------------------------ the owner's calls */

struct http_conn *http_conn_create(struct http_server *server, struct http_time now, bool secure,
				   void *user)
{
	struct http_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->server = server;
	c->user = user;
	c->secure = secure;
	c->seen = now;
	http_response_init(&c->resp);
	await_request(c);
	return c;
}

void http_conn_destroy(struct http_conn *c)
{
	if (!c)
		return;
	log_response(c, false);
	http_request_free(&c->req);
	http_response_free(&c->resp);
	free_input(c);
	free(c);
}

static bool grow_input(struct http_conn *c)
{
	size_t max = c->server->cfg.max_head + INPUT_SPARE;
	size_t cap = c->in_cap ? c->in_cap * 2 : INPUT_FIRST;
	uint8_t *grown;

	if (cap > max)
		cap = max;
	assert(cap > c->in_len); /* the gate refuses before a head fills the buffer */
	grown = realloc(c->in, cap);
	if (!grown)
		return false;
	c->in = grown;
	c->in_cap = cap;
	c->req.base = (const char *)grown;
	return true;
}

size_t http_conn_reserve(struct http_conn *c, uint8_t **buf)
{
	if (c->input_ended || (c->state != HTTP_CONN_HEAD && c->state != HTTP_CONN_BODY))
		return 0;
	if (idle(c) && c->server->draining)
		return 0;
	if (c->in_len == c->in_cap && !grow_input(c)) {
		close_now(c);
		return 0;
	}
	*buf = c->in + c->in_len;
	return c->in_cap - c->in_len;
}

void http_conn_commit(struct http_conn *c, struct http_time now, size_t len)
{
	assert(len <= c->in_cap - c->in_len);
	c->seen = now;
	c->in_len += len;
	advance(c);
}

void http_conn_input_end(struct http_conn *c, struct http_time now)
{
	c->seen = now;
	c->input_ended = true;
	advance(c);
}

bool http_conn_idle(const struct http_conn *c)
{
	return c->state == HTTP_CONN_CLOSED || idle(c);
}

size_t http_conn_produce(struct http_conn *c, struct http_time now, uint8_t *out, size_t room)
{
	size_t done = 0;

	c->seen = now;
	while (done < room && http_response_pending(&c->resp)) {
		done += http_response_produce(&c->resp, out + done, room - done);
		if (c->resp.broken) {
			log_response(c, false);
			close_now(c);
		} else if (!http_response_pending(&c->resp) && c->state == HTTP_CONN_RESPONSE) {
			finish_response(c);
		}
	}
	return done;
}

bool http_conn_has_output(const struct http_conn *c)
{
	return http_response_pending(&c->resp);
}

bool http_conn_finished(const struct http_conn *c)
{
	if (http_response_pending(&c->resp))
		return false;
	return c->state == HTTP_CONN_CLOSED || (idle(c) && c->server->draining);
}

bool http_conn_broken(const struct http_conn *c)
{
	return c->resp.broken;
}

uint64_t http_conn_deadline(const struct http_conn *c)
{
	return c->deadline;
}

/* RFC 9110 15.5.9: 408 when a request did not arrive whole in time. An idle connection is closed
 * without a word: a response there would be taken for the answer to a request that crosses it. */
void http_conn_expire(struct http_conn *c, struct http_time now)
{
	c->seen = now;
	if (now.mono_us < c->deadline)
		return;
	if (c->state == HTTP_CONN_BODY)
		refuse(c, HTTP_REFUSE_BODY_TIMEOUT);
	else if (idle(c))
		close_now(c);
	else if (c->state == HTTP_CONN_HEAD)
		refuse(c, HTTP_REFUSE_HEAD_TIMEOUT);
}
