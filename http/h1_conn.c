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
#include "http/h1_conn.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/request_id.h"
#include "http/serve.h"

/* Beside a head of full size there is room to read its content in useful pieces. */
#define INPUT_SPARE 4096
#define NEVER UINT64_MAX

_Static_assert(sizeof(struct h1_conn) <= 1024, "a connection without buffers fits in 1 KiB");

/* ------------------------------------------------------------------ small steps */

static void free_input(struct h1_conn *c)
{
	if (c->in && c->in_cap == HTTP_INPUT_FIRST)
		http_server_put_input(c->base.server, c->in);
	else
		free(c->in);
	c->in = NULL;
	c->in_cap = c->in_len = c->in_pos = 0;
}

static uint64_t after(uint64_t mono_us, uint64_t timeout_us)
{
	return timeout_us < NEVER - mono_us ? mono_us + timeout_us : NEVER;
}

static void await_request(struct h1_conn *c)
{
	c->state = H1_HEAD;
	http_gate_init(&c->gate, &c->base.server->limits);
	c->deadline = after(c->base.seen.mono_us, c->base.server->cfg.idle_timeout_us);
}

/* A part of the request, its head or its content, has begun. */
static void expect_bytes(struct h1_conn *c, uint64_t timeout_us)
{
	c->deadline = after(c->base.seen.mono_us, timeout_us);
	http_rate_begin(&c->rate, &c->base.server->cfg.min_receive, c->base.seen.mono_us);
}

static void expect_nothing(struct h1_conn *c)
{
	c->deadline = NEVER;
	http_rate_end(&c->rate);
}

static void close_now(struct h1_conn *c)
{
	c->state = H1_CLOSED;
	expect_nothing(c);
	free_input(c);
}

static void note_end(struct h1_conn *c, enum http_end why)
{
	http_conn_note_end(&c->base, why);
}

static bool idle(const struct h1_conn *c)
{
	return c->state == H1_HEAD && !http_gate_started(&c->gate);
}

/* ------------------------------------------------------------------ log */

/* The piece becomes a string where it lies: the byte behind it is a separator that was read
 * already. */
static const char *terminate(struct h1_conn *c, size_t at, size_t len)
{
	c->in[at + len] = '\0';
	return (const char *)c->in + at;
}

static const char *terminate_field(struct h1_conn *c, enum http_field_id id)
{
	struct http_str value = http_request_field(&c->req.r, id);

	return value.at ? terminate(c, (size_t)(value.at - c->req.r.base), value.len) : NULL;
}

/* Told once per response, when its last byte was produced or the connection ends before. The
 * request's text is not used after this. Words of a request line that was refused are there as
 * far as it was read. */
static void log_response(struct h1_conn *c, bool complete)
{
	const struct http_server_config *cfg = &c->base.server->cfg;
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

	char id[HTTP_REQUEST_ID_SIZE];
	http_request_id(cfg->request_id_key, c->resp.request, id);
	struct http_log_entry entry = {
		.time = c->base.seen,
		.method = have_method ? terminate(c, g->method_at, g->method_len) : "-",
		.target = have_target ? terminate(c, g->target_at, g->target_len) : "-",
		.version = have_version ? terminate(c, g->version_at, g->version_len) : "-",
		.host = terminate_field(c, HTTP_FIELD_HOST),
		.referer = terminate_field(c, HTTP_FIELD_REFERER),
		.user_agent = terminate_field(c, HTTP_FIELD_USER_AGENT),
		.remote_user = c->resp.user,
		.status = c->resp.status,
		.site = c->resp.site->name,
		.request_id = id,
		.requests = c->base.responses,
		.bytes = http_response_bytes(&c->resp),
		.body_bytes = http_response_body_bytes(&c->resp),
		.complete = complete,
		.duration_us = c->base.seen.mono_us - c->started_us,
		.user = c->base.user,
	};
	cfg->log(cfg->log_ctx, &entry);
}

/* ------------------------------------------------------------------ responding */

static void begin_response(struct h1_conn *c)
{
	c->state = H1_RESPONSE;
	expect_nothing(c);
	c->log_due = true;
	c->base.responses++;
}

static void end_response_building(struct h1_conn *c, bool close)
{
	c->closing = close;
	if (c->resp.buf.failed) {
		/* No memory for a head: then not even for one that says so. */
		c->resp.broken = true;
		c->base.end = HTTP_END_NO_MEMORY;
		log_response(c, false);
		close_now(c);
	}
}

static bool method_is_head(const struct h1_conn *c)
{
	return c->gate.target_at > 0 &&
	       http_str_equal((struct http_str){(const char *)c->in + c->gate.method_at,
						c->gate.method_len},
			      "HEAD");
}

static struct http_reply reply_to(const struct h1_conn *c)
{
	return (struct http_reply){
		.server = c->base.server,
		.site = c->base.server->cfg.sites,
		.user = c->base.user,
		.now = c->base.seen.wall,
		.secure = c->base.secure,
	};
}

/* Answers what is no request, and ends the connection: what follows in the input is not looked
 * at. */
static void refuse(struct h1_conn *c, enum http_refusal refusal)
{
	struct http_reply reply = reply_to(c);

	reply.head_only = method_is_head(c);
	note_end(c, refusal == HTTP_REFUSE_HEAD_TIMEOUT   ? HTTP_END_HEAD_TIMEOUT
		    : refusal == HTTP_REFUSE_BODY_TIMEOUT ? HTTP_END_BODY_TIMEOUT
		    : refusal == HTTP_REFUSE_TOO_SLOW     ? HTTP_END_TOO_SLOW
		    : refusal == HTTP_REFUSE_INCOMPLETE   ? HTTP_END_CLIENT
							  : HTTP_END_REFUSED);
	begin_response(c);
	http_serve_refusal(&c->resp, &reply, refusal);
	end_response_building(c, true);
}

/* Why the response to this request is the last; HTTP_END_NONE when it is not. */
static enum http_end last_response(const struct h1_conn *c)
{
	if (!c->req.r.keep_alive)
		return HTTP_END_REQUESTED;
	if (c->base.server->draining)
		return HTTP_END_DRAIN;
	if (c->served >= c->base.server->cfg.max_requests)
		return HTTP_END_MAX_REQUESTS;
	return c->input_ended && c->in_pos == c->in_len ? HTTP_END_CLIENT : HTTP_END_NONE;
}

static void respond(struct h1_conn *c, bool close)
{
	struct http_reply reply = reply_to(c);

	note_end(c, close ? HTTP_END_REFUSED : last_response(c));
	reply.close = c->base.end != HTTP_END_NONE;
	reply.keep_alive = c->req.r.minor == 0;
	begin_response(c);
	http_serve(&c->resp, &reply, &c->req.r);
	if (reply.close)
		note_end(c, HTTP_END_REFUSED);
	end_response_building(c, reply.close);
}

/* ------------------------------------------------------------------ reading */

/* RFC 9110 5.6.3: a recipient may take any whitespace for a space. http-parser takes a tab around the
 * value of a field that frames for a part of it. The gate has let tabs stand in values only. */
static void replace_tabs(uint8_t *head, size_t len)
{
	for (uint8_t *tab = head; (tab = memchr(tab, '\t', len - (size_t)(tab - head)));)
		*tab = ' ';
}

/* The head is whole: refuse it, answer it, or read its content first. */
static void take_head(struct h1_conn *c)
{
	const struct http_server_config *cfg = &c->base.server->cfg;
	enum http_refusal refusal;

	c->served++;
	c->head_len = c->in_pos;
	replace_tabs(c->in, c->head_len);
	if (!h1_request_parse(&c->req, (const char *)c->in, &c->gate, &refusal)) {
		note_end(c, HTTP_END_NO_MEMORY);
		close_now(c);
		return;
	}
	if (refusal == HTTP_REFUSE_NONE && c->req.r.https && !c->base.secure)
		refusal = HTTP_REFUSE_MISDIRECTED;
	if (refusal == HTTP_REFUSE_NONE && !c->req.r.chunked &&
	    c->req.r.content_length > cfg->max_body)
		refusal = HTTP_REFUSE_BODY_TOO_LARGE;
	if (refusal != HTTP_REFUSE_NONE) {
		refuse(c, refusal);
		return;
	}
	if (!http_request_has_body(&c->req.r)) {
		respond(c, false);
		return;
	}
	/* RFC 9110 10.1.1: a final status instead of 100 when the content would be of no use.
	 * The client may or may not send it now, so the connection cannot go on. */
	if (c->req.r.expect != HTTP_EXPECT_NOTHING && http_serve_early(&c->req.r) != 0) {
		respond(c, true);
		return;
	}
	if (c->req.r.expect == HTTP_EXPECT_CONTINUE)
		http_response_continue(&c->resp);
	if (c->req.r.chunked)
		http_body_init_chunked(&c->body, cfg->max_body, &c->base.server->limits);
	else
		http_body_init_length(&c->body, c->req.r.content_length);
	c->state = H1_BODY;
	expect_bytes(c, cfg->body_timeout_us);
}

static void read_head(struct h1_conn *c)
{
	bool was_started = http_gate_started(&c->gate);
	size_t used;
	enum http_feed feed =
		http_gate_feed(&c->gate, c->in + c->in_pos, c->in_len - c->in_pos, &used);

	c->in_pos += used;
	if (!was_started && http_gate_started(&c->gate)) {
		c->started_us = c->base.seen.mono_us;
		expect_bytes(c, c->base.server->cfg.header_timeout_us);
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

static void read_body(struct h1_conn *c)
{
	const uint8_t *at = c->in + c->in_pos;
	size_t used;
	enum http_feed feed = http_body_feed(&c->body, at, c->in_len - c->in_pos, &used);

	c->in_pos += used;
	if (feed == HTTP_FEED_REFUSED) {
		refuse(c, c->body.refusal);
		return;
	}
	if (!h1_request_follow_body(&c->req, at, used, feed == HTTP_FEED_DONE)) {
		refuse(c, HTTP_REFUSE_NOT_PARSED);
		return;
	}
	if (feed == HTTP_FEED_DONE) {
		respond(c, false);
		return;
	}
	c->in_pos = c->in_len = c->head_len; /* all of it was content: drop it */
	c->deadline = after(c->base.seen.mono_us, c->base.server->cfg.body_timeout_us);
}

/* Reads as far as the input goes, or to the next response. */
static void advance(struct h1_conn *c)
{
	while (c->in_pos < c->in_len) {
		if (c->state == H1_HEAD)
			read_head(c);
		else if (c->state == H1_BODY)
			read_body(c);
		else
			break;
	}
	/* Nothing more will come: RFC 9112 8, the request is incomplete. */
	if (c->input_ended && idle(c)) {
		note_end(c, HTTP_END_CLIENT);
		close_now(c);
	} else if (c->input_ended && (c->state == H1_HEAD || c->state == H1_BODY)) {
		refuse(c, HTTP_REFUSE_INCOMPLETE);
	}
	/* An idle connection holds no buffer. */
	if (c->in_len == 0 && c->state == H1_HEAD)
		free_input(c);
}

/* The response was produced whole. On to the next request, which may be waiting. */
static void finish_response(struct h1_conn *c)
{
	log_response(c, true);
	c->base.answered++;
	http_request_free(&c->req.r);
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

/* ------------------------------------------------------------------ the calls of conn.h */

static struct h1_conn *h1(struct http_conn *c)
{
	return (struct h1_conn *)c;
}

static const struct h1_conn *h1_const(const struct http_conn *c)
{
	return (const struct h1_conn *)c;
}

static void destroy(struct http_conn *base)
{
	struct h1_conn *c = h1(base);

	log_response(c, false);
	http_request_free(&c->req.r);
	http_response_free(&c->resp);
	free_input(c);
	free(c);
}

static bool grow_input(struct h1_conn *c)
{
	size_t max = c->base.server->cfg.max_head + INPUT_SPARE;
	size_t cap = c->in_cap ? c->in_cap * 2 : HTTP_INPUT_FIRST;
	uint8_t *grown;

	if (cap > max)
		cap = max;
	assert(cap > c->in_len); /* the gate refuses before a head fills the buffer */
	grown = c->in ? realloc(c->in, cap) : http_server_take_input(c->base.server);
	if (!grown)
		return false;
	c->in = grown;
	c->in_cap = cap;
	c->req.r.base = (const char *)grown;
	return true;
}

static size_t reserve(struct http_conn *base, uint8_t **buf)
{
	struct h1_conn *c = h1(base);

	if (c->input_ended || (c->state != H1_HEAD && c->state != H1_BODY))
		return 0;
	if (idle(c) && base->server->draining)
		return 0;
	if (c->in_len == c->in_cap && !grow_input(c)) {
		note_end(c, HTTP_END_NO_MEMORY);
		close_now(c);
		return 0;
	}
	*buf = c->in + c->in_len;
	return c->in_cap - c->in_len;
}

static void commit(struct http_conn *base, size_t len)
{
	struct h1_conn *c = h1(base);

	assert(len <= c->in_cap - c->in_len);
	c->in_len += len;
	http_rate_add(&c->rate, &c->base.server->cfg.min_receive, c->base.seen.mono_us, len);
	advance(c);
}

static void input_end(struct http_conn *base)
{
	struct h1_conn *c = h1(base);

	c->input_ended = true;
	advance(c);
}

static bool is_idle(const struct http_conn *base)
{
	const struct h1_conn *c = h1_const(base);

	return c->state == H1_CLOSED || idle(c);
}

static size_t produce(struct http_conn *base, uint8_t *out, size_t room)
{
	struct h1_conn *c = h1(base);
	size_t done = 0;

	while (done < room && http_response_pending(&c->resp)) {
		done += http_response_produce(&c->resp, out + done, room - done);
		if (c->resp.broken) {
			c->base.end = HTTP_END_FILE;
			log_response(c, false);
			close_now(c);
		} else if (!http_response_pending(&c->resp) && c->state == H1_RESPONSE) {
			finish_response(c);
			if (http_conn_turn_is_over(base))
				break;
		}
	}
	return done;
}

static bool lend(struct http_conn *base, size_t max, struct http_lent *out)
{
	return http_response_lend(&h1(base)->resp, max, out);
}

/* Never the last bytes: the response goes on. */
static void lent(struct http_conn *base, size_t len)
{
	http_response_lent(&h1(base)->resp, len);
}

static bool has_output(const struct http_conn *base)
{
	return http_response_pending(&h1_const(base)->resp);
}

static bool finished(const struct http_conn *base)
{
	const struct h1_conn *c = h1_const(base);

	if (http_response_pending(&c->resp))
		return false;
	return c->state == H1_CLOSED || (idle(c) && base->server->draining);
}

static bool broken(const struct http_conn *base)
{
	return h1_const(base)->resp.broken;
}

static uint64_t deadline(const struct http_conn *base)
{
	const struct h1_conn *c = h1_const(base);

	return c->rate.deadline_us < c->deadline ? c->rate.deadline_us : c->deadline;
}

/* RFC 9110 15.5.9: 408 when a request did not arrive whole in time. An idle connection is closed
 * without a word: a response there would be taken for the answer to a request that crosses it. */
static void expire(struct http_conn *base)
{
	struct h1_conn *c = h1(base);

	if (base->seen.mono_us < deadline(base))
		return;
	if (base->seen.mono_us < c->deadline) {
		refuse(c, HTTP_REFUSE_TOO_SLOW);
	} else if (c->state == H1_BODY) {
		refuse(c, HTTP_REFUSE_BODY_TIMEOUT);
	} else if (idle(c)) {
		note_end(c, HTTP_END_IDLE);
		close_now(c);
	} else if (c->state == H1_HEAD) {
		refuse(c, HTTP_REFUSE_HEAD_TIMEOUT);
	}
}

static void leave(struct http_conn *base)
{
	note_end(h1(base), HTTP_END_IDLE);
	close_now(h1(base));
}

static const struct http_conn_ops ops = {
	.destroy = destroy,
	.reserve = reserve,
	.commit = commit,
	.input_end = input_end,
	.produce = produce,
	.lend = lend,
	.lent = lent,
	.idle = is_idle,
	.has_output = has_output,
	.finished = finished,
	.broken = broken,
	.deadline = deadline,
	.expire = expire,
	.leave = leave,
};

struct http_conn *h1_conn_create(const struct http_conn *base)
{
	struct h1_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->base = *base;
	c->base.ops = &ops;
	http_response_init(&c->resp);
	http_rate_end(&c->rate);
	await_request(c);
	return &c->base;
}
