/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream of HTTP/2: HEAD → (BODY →) ANSWER (→ LINGER).
 *
 * As over HTTP/1 a request is answered when all of it was read, and its content is dropped. The difference
 * is that nobody has to read what a client still sends after an early answer: its window stays shut, in the
 * end the stream is reset (RFC 9113 8.1), and the connection goes on.
 */
#include "http/h2_conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/request_id.h"
#include "http/serve.h"

/* ------------------------------------------------------------------ the lists */

static struct h2_streams *list_of(struct h2_stream *s)
{
	switch (s->state) {
	case H2_STREAM_BODY:
		return &s->conn->reading;
	case H2_STREAM_ANSWER:
		return &s->conn->sending;
	case H2_STREAM_LINGER:
		return &s->conn->lingering;
	case H2_STREAM_HEAD:
		break;
	}
	return &s->conn->heads;
}

static void leave_list(struct h2_stream *s)
{
	TAILQ_REMOVE(list_of(s), s, link);
	if (s->conn->head == s)
		s->conn->head = NULL;
}

/* From now on the client is waited for, anew. */
static void enter_list(struct h2_stream *s, enum h2_stream_state state)
{
	leave_list(s);
	s->state = state;
	s->waits_us = s->conn->base.seen.mono_us;
	TAILQ_INSERT_TAIL(list_of(s), s, link);
}

void h2_stream_waits(struct h2_stream *s)
{
	enter_list(s, s->state);
}

struct h2_stream *h2_stream_new(struct h2_conn *c, int32_t id)
{
	struct h2_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->conn = c;
	s->id = id;
	s->started_us = c->base.seen.mono_us;
	http_response_init(&s->resp);
	TAILQ_INSERT_TAIL(&c->heads, s, link);
	c->head = s;
	c->stream_count++;
	return s;
}

/* ------------------------------------------------------------------ log */

static const char *word(const struct h2_stream *s, struct http_piece piece)
{
	const char *text = h2_request_string(&s->req, piece);

	return text ? text : "-";
}

/* A request that came to nothing has no response, but a client that was turned away: as over HTTP/1 that
 * is a 400. */
static void log_stream(struct h2_stream *s)
{
	const struct http_conn *base = &s->conn->base;
	const struct http_server_config *cfg = &base->server->cfg;
	const struct http_request *r = &s->req.r;
	const bool answered = s->resp.status != 0;
	char id[HTTP_REQUEST_ID_SIZE];

	if (!cfg->log)
		return;
	http_request_id(cfg->request_id_key, answered ? s->resp.request : ++base->server->requests,
			id);
	const char *authority = h2_request_string(&s->req, r->authority);
	struct http_log_entry entry = {
		.time = base->seen,
		.method = word(s, r->method),
		.target = word(s, r->method_id == HTTP_METHOD_CONNECT ? r->authority : r->target),
		.version = "HTTP/2.0",
		.host = authority ? authority : h2_request_field_string(&s->req, HTTP_FIELD_HOST),
		.referer = h2_request_field_string(&s->req, HTTP_FIELD_REFERER),
		.user_agent = h2_request_field_string(&s->req, HTTP_FIELD_USER_AGENT),
		.remote_user = s->resp.user,
		.status = answered ? s->resp.status : 400,
		.site = answered ? s->resp.site->name : cfg->sites->name,
		.request_id = id,
		.requests = base->responses,
		.bytes = http_response_bytes(&s->resp),
		.body_bytes = http_response_body_bytes(&s->resp),
		.complete = s->ended,
		.duration_us = base->seen.mono_us - s->started_us,
		.user = base->user,
	};
	cfg->log(cfg->log_ctx, &entry);
}

void h2_stream_free(struct h2_stream *s, bool reset)
{
	struct h2_conn *c = s->conn;

	if (s->resp.status != 0 || reset)
		log_stream(s);
	leave_list(s);
	h2_request_free(&s->req);
	http_response_free(&s->resp);
	free(s);
	if (--c->stream_count == 0)
		c->idle_us = c->base.seen.mono_us;
}

/* ------------------------------------------------------------------ the body of a response */

/* Says how long the next DATA frame will be; h2_stream_send_data writes it. */
static ssize_t next_data(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t len, uint32_t *flags,
			 nghttp2_data_source *source, void *user)
{
	struct h2_stream *s = source->ptr;
	const uint64_t left = http_response_left(&s->resp);

	(void)ng;
	(void)id;
	(void)buf;
	(void)user;
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (left <= len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)(left < len ? left : len);
}

int h2_stream_send_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head, size_t len,
			nghttp2_data_source *source, void *user)
{
	struct h2_conn *c = user;
	struct h2_stream *s = source->ptr;
	uint8_t *at = c->out + c->out_len;

	(void)ng;
	(void)frame;
	if (c->out_room - c->out_len < H2_FRAME_HEAD + len)
		return NGHTTP2_ERR_WOULDBLOCK;
	/* What was promised cannot be had: RST_STREAM(INTERNAL_ERROR), so that the client does not take
	 * it for whole. */
	if (http_response_produce(&s->resp, at + H2_FRAME_HEAD, len) < len)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	memcpy(at, head, H2_FRAME_HEAD);
	c->out_len += H2_FRAME_HEAD + len;
	h2_bucket_add(&c->control, H2_CALM_PER_DATA);
	h2_sent(c, len);
	h2_stream_waits(s);
	return c->out_room - c->out_len < H2_ROOM_MIN ? NGHTTP2_ERR_PAUSE : 0;
}

/* RFC 9113 8.1 lets us say RST_STREAM(NO_ERROR) at once to a client that is still sending. Clients there are
 * (curl before 8) who then throw the answer away: so they get a moment to see it and to stop by themselves. */
void h2_stream_end(struct h2_stream *s)
{
	s->ended = true;
	s->conn->base.answered++;
	if (nghttp2_session_get_stream_remote_close(s->conn->ng, s->id) == 0)
		enter_list(s, H2_STREAM_LINGER);
}

/* ------------------------------------------------------------------ responding */

static nghttp2_nv pair_of(struct http_str name, struct http_str value)
{
	return (nghttp2_nv){
		.name = (uint8_t *)(uintptr_t)name.at,
		.namelen = name.len,
		.value = (uint8_t *)(uintptr_t)value.at,
		.valuelen = value.len,
	};
}

static nghttp2_nv status_pair(const char *text)
{
	return pair_of((struct http_str){":status", 7}, (struct http_str){text, strlen(text)});
}

/* Gives the head to nghttp2, which copies it with its names in lower case. False when memory is short. */
static bool submit_head(struct h2_stream *s)
{
	const nghttp2_data_provider body = {.source = {.ptr = s}, .read_callback = next_data};
	struct http_str name, value;
	size_t at = 0, count = 1;
	char status[12];

	while (http_response_next_field(&s->resp, &at, &name, &value))
		count++;
	nghttp2_nv *pairs = calloc(count, sizeof(*pairs));
	if (!pairs)
		return false;
	snprintf(status, sizeof status, "%d", s->resp.status);
	pairs[0] = status_pair(status);
	at = 0;
	for (size_t i = 1; http_response_next_field(&s->resp, &at, &name, &value); i++)
		pairs[i] = pair_of(name, value);
	http_response_skip_head(&s->resp);
	const int err = nghttp2_submit_response(s->conn->ng, s->id, pairs, count,
						http_response_pending(&s->resp) ? &body : NULL);
	free(pairs);
	return err == 0;
}

static struct http_reply begin_response(struct h2_stream *s)
{
	struct h2_conn *c = s->conn;

	enter_list(s, H2_STREAM_ANSWER);
	c->base.responses++;
	if (c->base.responses >= c->base.server->cfg.max_requests)
		h2_shutdown(c, HTTP_END_MAX_REQUESTS);
	return (struct http_reply){
		.server = c->base.server,
		.site = c->base.server->cfg.sites,
		.user = c->base.user,
		.now = c->base.seen.wall,
		.fields_only = true,
		.secure = c->base.secure,
	};
}

static void end_response(struct h2_stream *s)
{
	if (s->resp.buf.failed || !submit_head(s))
		nghttp2_submit_rst_stream(s->conn->ng, NGHTTP2_FLAG_NONE, s->id,
					  NGHTTP2_INTERNAL_ERROR);
}

void h2_stream_refuse(struct h2_stream *s, enum http_refusal refusal)
{
	struct http_reply reply = begin_response(s);

	reply.head_only = s->req.r.method_id == HTTP_METHOD_HEAD;
	http_serve_refusal(&s->resp, &reply, refusal);
	end_response(s);
}

/* RFC 9113 9.1.1: a client may use a connection for whatever its certificate is good for. So whoever asks a site
 * with another one has made a mistake, and can tell by the 421 that it needs another connection. */
static bool misdirected(const struct h2_stream *s)
{
	const struct http_conn *base = &s->conn->base;
	const struct http_site *site =
		http_hosts_find(&base->server->hosts, http_request_host(&s->req.r));

	return base->named && site && site->certificates != base->named->certificates;
}

void h2_stream_respond(struct h2_stream *s)
{
	if (misdirected(s)) {
		h2_stream_refuse(s, HTTP_REFUSE_OTHER_SITE);
		return;
	}
	struct http_reply reply = begin_response(s);

	http_serve(&s->resp, &reply, &s->req.r);
	end_response(s);
}

/* ------------------------------------------------------------------ reading */

/* RFC 9110 15.2.1. An answer before the content is the better one, so failing is no harm. */
static void say_continue(struct h2_stream *s)
{
	const nghttp2_nv pair = status_pair("100");

	nghttp2_submit_headers(s->conn->ng, NGHTTP2_FLAG_NONE, s->id, NULL, &pair, 1, NULL);
}

void h2_stream_take_head(struct h2_stream *s, bool end)
{
	const uint64_t max_body = s->conn->base.server->cfg.max_body;
	enum http_refusal refusal = h2_request_end(&s->req);

	if (refusal == HTTP_REFUSE_NONE && s->req.r.https && !s->conn->base.secure)
		refusal = HTTP_REFUSE_MISDIRECTED;
	if (refusal == HTTP_REFUSE_NONE && s->req.r.content_length > max_body)
		refusal = HTTP_REFUSE_BODY_TOO_LARGE;
	if (refusal != HTTP_REFUSE_NONE) {
		h2_stream_refuse(s, refusal);
	} else if (end ||
		   (s->req.r.expect != HTTP_EXPECT_NOTHING && http_serve_early(&s->req.r) != 0)) {
		h2_stream_respond(s);
	} else {
		if (s->req.r.expect == HTTP_EXPECT_CONTINUE)
			say_continue(s);
		enter_list(s, H2_STREAM_BODY);
		http_rate_begin(&s->rate, &s->conn->base.server->cfg.min_receive, s->waits_us);
	}
}

/* The window of a stream whose content is of no use any more is not opened again. */
void h2_stream_take_content(struct h2_stream *s, size_t len)
{
	const struct http_server_config *cfg = &s->conn->base.server->cfg;

	if (s->state != H2_STREAM_BODY)
		return;
	s->content += len;
	if (s->content > cfg->max_body) {
		h2_stream_refuse(s, HTTP_REFUSE_BODY_TOO_LARGE);
		return;
	}
	nghttp2_session_consume_stream(s->conn->ng, s->id, len);
	h2_stream_waits(s);
	http_rate_add(&s->rate, &cfg->min_receive, s->waits_us, len);
}
