/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that speaks HTTP/2, over nghttp2: frames, compression, windows and the order of streams are
 * its business, what is asked and answered is ours.
 *
 * Nothing is made before there is room for it. produce pulls one frame after the other, and a DATA frame is
 * filled from its file right where it will leave from. So what holds a fast server back is the send ring,
 * and beyond it the windows of the client.
 */
#include "http/h2_conn.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define H2_INPUT 16384u
#define NEVER UINT64_MAX
/* How long a client has for the PING that goes with the announcement of the end. */
#define NOTICE_US 1000000u
/* And to end a request that was answered before its end. */
#define LINGER_US 1000000u

_Static_assert(sizeof(struct h2_stream) <= 512, "a stream without its texts fits in 512 bytes");

static struct h2_conn *h2(struct http_conn *c)
{
	return (struct h2_conn *)c;
}

static const struct h2_conn *h2_const(const struct http_conn *c)
{
	return (const struct h2_conn *)c;
}

static uint64_t after(uint64_t mono_us, uint64_t timeout_us)
{
	return timeout_us < NEVER - mono_us ? mono_us + timeout_us : NEVER;
}

/* ------------------------------------------------------------------ the end */

static void free_list(struct h2_streams *list)
{
	while (!TAILQ_EMPTY(list))
		h2_stream_free(TAILQ_FIRST(list), false);
}

static void free_streams(struct h2_conn *c)
{
	free_list(&c->sending);
	free_list(&c->lingering);
	free_list(&c->reading);
	free_list(&c->heads);
}

static void free_input(struct h2_conn *c)
{
	free(c->in);
	c->in = NULL;
}

static void put_u32(uint8_t *out, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* RFC 9113 6.8. Ours and not nghttp2's, which does not promise to work after an error. */
static void write_goaway(uint8_t out[H2_GOAWAY_SIZE], uint32_t last_stream, uint32_t error)
{
	memset(out, 0, H2_GOAWAY_SIZE);
	out[2] = H2_GOAWAY_SIZE - H2_FRAME_HEAD;
	out[3] = NGHTTP2_GOAWAY;
	put_u32(out + H2_FRAME_HEAD, last_stream);
	put_u32(out + H2_FRAME_HEAD + 4, error);
}

void h2_close(struct h2_conn *c, uint32_t error, enum http_end why)
{
	if (c->phase == H2_CLOSED)
		return;
	write_goaway(c->goaway, (uint32_t)nghttp2_session_get_last_proc_stream_id(c->ng), error);
	c->goaway_due = true;
	http_conn_note_end(&c->base, why);
	c->phase = H2_CLOSED;
	free_streams(c);
	free_input(c);
}

int h2_abuse(struct h2_conn *c, enum http_end why)
{
	c->abuse = why;
	return NGHTTP2_ERR_CALLBACK_FAILURE;
}

void h2_shutdown(struct h2_conn *c, enum http_end why)
{
	if (c->phase != H2_OPEN)
		return;
	http_conn_note_end(&c->base, why);
	c->phase = H2_NOTICED;
	c->noticed_us = c->base.seen.mono_us;
	nghttp2_submit_shutdown_notice(c->ng);
	nghttp2_submit_ping(c->ng, NGHTTP2_FLAG_NONE, h2_shutdown_ping);
}

void h2_shutdown_last(struct h2_conn *c)
{
	if (c->phase != H2_NOTICED)
		return;
	c->phase = H2_LAST;
	nghttp2_submit_goaway(c->ng, NGHTTP2_FLAG_NONE,
			      nghttp2_session_get_last_proc_stream_id(c->ng), NGHTTP2_NO_ERROR,
			      NULL, 0);
}

/* nghttp2 will not go on. */
static void fail(struct h2_conn *c, int err)
{
	switch (err) {
	case NGHTTP2_ERR_NOMEM:
		h2_close(c, NGHTTP2_INTERNAL_ERROR, HTTP_END_NO_MEMORY);
		break;
	case NGHTTP2_ERR_FLOODED:
		h2_close(c, NGHTTP2_ENHANCE_YOUR_CALM, HTTP_END_FLOOD);
		break;
	case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
		h2_close(c, NGHTTP2_ENHANCE_YOUR_CALM, HTTP_END_HEAD_TOO_LARGE);
		break;
	case NGHTTP2_ERR_CALLBACK_FAILURE:
		h2_close(c, NGHTTP2_ENHANCE_YOUR_CALM, c->abuse);
		break;
	default: /* the preface is none, or its SETTINGS are missing */
		h2_close(c, NGHTTP2_PROTOCOL_ERROR, HTTP_END_REFUSED);
		break;
	}
}

/* ------------------------------------------------------------------ the client's windows */

static bool waiting(const struct h2_conn *c)
{
	return c->staged_len > 0 || c->pending_len > 0 || c->goaway_due;
}

/* The client's time runs while nothing can be sent though there are responses: then its windows are shut. As long as
 * something can be, TCP is waited for, which judges for itself. */
static void judge_windows(struct h2_conn *c)
{
	const uint64_t now = c->base.seen.mono_us;

	if (c->phase == H2_CLOSED || TAILQ_EMPTY(&c->sending)) {
		http_rate_end(&c->rate);
	} else if (waiting(c) || nghttp2_session_want_write(c->ng)) {
		http_rate_pause(&c->rate, now);
	} else {
		http_rate_resume(&c->rate, now);
		if (c->rate.deadline_us == NEVER)
			http_rate_begin(&c->rate, &c->base.server->cfg.min_send, now);
	}
}

void h2_sent(struct h2_conn *c, size_t len)
{
	http_rate_add(&c->rate, &c->base.server->cfg.min_send, c->base.seen.mono_us, len);
}

/* ------------------------------------------------------------------ the calls of conn.h */

static void destroy(struct http_conn *base)
{
	struct h2_conn *c = h2(base);

	free_streams(c);
	free_input(c);
	nghttp2_session_del(c->ng);
	free(c);
}

static size_t reserve(struct http_conn *base, uint8_t **buf)
{
	struct h2_conn *c = h2(base);

	if (c->phase == H2_CLOSED || c->input_ended || !nghttp2_session_want_read(c->ng) ||
	    nghttp2_session_get_outbound_queue_size(c->ng) > H2_QUEUE_MAX)
		return 0;
	if (!c->in)
		c->in = malloc(H2_INPUT);
	if (!c->in) {
		h2_close(c, NGHTTP2_INTERNAL_ERROR, HTTP_END_NO_MEMORY);
		return 0;
	}
	*buf = c->in;
	return H2_INPUT;
}

static void commit(struct http_conn *base, size_t len)
{
	struct h2_conn *c = h2(base);

	assert(len <= H2_INPUT);
	if (len > 0 && c->phase != H2_CLOSED) {
		const ssize_t taken = nghttp2_session_mem_recv(c->ng, c->in, len);

		if (taken < 0)
			fail(c, (int)taken);
	}
	if (c->stream_count == 0)
		free_input(c); /* an idle connection holds no buffer */
	judge_windows(c);
}

static void input_end(struct http_conn *base)
{
	struct h2_conn *c = h2(base);

	c->input_ended = true;
	http_conn_note_end(base, HTTP_END_CLIENT);
	free_input(c);
}

static bool is_idle(const struct http_conn *base)
{
	return h2_const(base)->stream_count == 0;
}

static size_t take(const uint8_t **from, size_t *left, uint8_t *out, size_t room)
{
	const size_t len = *left < room ? *left : room;

	if (len > 0)
		memcpy(out, *from, len);
	*from += len;
	*left -= len;
	return len;
}

/* Bytes that were made before: in this order. */
static size_t take_waiting(struct h2_conn *c, uint8_t *out, size_t room)
{
	if (c->staged_len > 0)
		return take(&c->staged, &c->staged_len, out, room);
	if (c->pending_len == 0 && c->goaway_due) {
		c->goaway_due = false;
		c->pending = c->goaway;
		c->pending_len = sizeof c->goaway;
	}
	return c->pending_len > 0 ? take(&c->pending, &c->pending_len, out, room) : 0;
}

/* Makes frames until `room` is nearly used up. What of the last does not fit is `pending` then. */
static size_t make_frames(struct h2_conn *c, uint8_t *out, size_t room)
{
	c->out = out;
	c->out_room = room;
	c->out_len = 0;
	while (c->phase != H2_CLOSED && room - c->out_len >= H2_ROOM_MIN) {
		const ssize_t len = nghttp2_session_mem_send(c->ng, &c->pending);

		if (len < 0)
			fail(c, (int)len);
		if (len <= 0)
			break;
		c->pending_len = (size_t)len;
		c->out_len +=
			take(&c->pending, &c->pending_len, out + c->out_len, room - c->out_len);
	}
	return c->out_len;
}

static size_t produce(struct http_conn *base, uint8_t *out, size_t room)
{
	struct h2_conn *c = h2(base);
	size_t done = 0;

	if (base->server->draining)
		h2_shutdown(c, HTTP_END_DRAIN);
	while (done < room) {
		const size_t left = room - done;

		if (waiting(c)) {
			done += take_waiting(c, out + done, left);
		} else if (left >= H2_ROOM_MIN) {
			const size_t made = make_frames(c, out + done, left);
			done += made;
			if (made == 0 && !waiting(c))
				break;
		} else if (done > 0) {
			break;
		} else {
			c->staged = c->stage;
			c->staged_len = make_frames(c, c->stage, sizeof c->stage);
			if (!waiting(c))
				break;
		}
	}
	judge_windows(c);
	return done;
}

static bool has_output(const struct http_conn *base)
{
	const struct h2_conn *c = h2_const(base);

	if (waiting(c) || c->phase == H2_CLOSED)
		return waiting(c);
	return (c->phase == H2_OPEN && base->server->draining) || nghttp2_session_want_write(c->ng);
}

static bool finished(const struct http_conn *base)
{
	const struct h2_conn *c = h2_const(base);

	if (has_output(base))
		return false;
	return c->phase == H2_CLOSED || c->input_ended || !nghttp2_session_want_read(c->ng);
}

/* What breaks here breaks one stream, and is told by RST_STREAM. */
static bool broken(const struct http_conn *base)
{
	(void)base;
	return false;
}

/* ------------------------------------------------------------------ deadlines */

static void earliest(uint64_t *deadline, uint64_t other)
{
	if (other < *deadline)
		*deadline = other;
}

static uint64_t deadline(const struct http_conn *base)
{
	const struct h2_conn *c = h2_const(base);
	const struct http_server_config *cfg = &base->server->cfg;
	const struct h2_stream *s;
	uint64_t when = NEVER;

	if (c->phase == H2_CLOSED)
		return NEVER;
	if (!c->settings_acked)
		earliest(&when, after(c->created_us, cfg->header_timeout_us));
	if (c->head)
		earliest(&when, after(c->head->started_us, cfg->header_timeout_us));
	if (!TAILQ_EMPTY(&c->reading))
		earliest(&when, after(TAILQ_FIRST(&c->reading)->waits_us, cfg->body_timeout_us));
	for (s = TAILQ_FIRST(&c->reading); s; s = TAILQ_NEXT(s, link))
		earliest(&when, s->rate.deadline_us);
	if (!TAILQ_EMPTY(&c->sending))
		earliest(&when, after(TAILQ_FIRST(&c->sending)->waits_us, cfg->stall_timeout_us));
	earliest(&when, c->rate.deadline_us);
	if (!TAILQ_EMPTY(&c->lingering))
		earliest(&when, after(TAILQ_FIRST(&c->lingering)->waits_us, LINGER_US));
	if (c->stream_count == 0)
		earliest(&when, after(c->idle_us, cfg->idle_timeout_us));
	if (c->phase == H2_NOTICED)
		earliest(&when, after(c->noticed_us, NOTICE_US));
	return when;
}

/* Does the client's flow control hold it back, or only that others come first? */
static bool window_shut(const struct h2_conn *c, const struct h2_stream *s)
{
	return nghttp2_session_get_remote_window_size(c->ng) <= 0 ||
	       nghttp2_session_get_stream_remote_window_size(c->ng, s->id) <= 0;
}

/* A stream whose window stays shut is given up; when nothing else is going on, so is the connection. */
static void expire_sending(struct h2_conn *c, uint64_t now)
{
	const uint64_t timeout = c->base.server->cfg.stall_timeout_us;
	unsigned shut = 0;
	struct h2_stream *s;

	while ((s = TAILQ_FIRST(&c->sending)) && now >= after(s->waits_us, timeout)) {
		if (window_shut(c, s)) {
			shut++;
			nghttp2_submit_rst_stream(c->ng, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_CANCEL);
		}
		h2_stream_waits(s);
	}
	if (shut > 0 && shut == c->stream_count)
		h2_close(c, NGHTTP2_ENHANCE_YOUR_CALM, HTTP_END_STALLED);
}

static void expire_reading(struct h2_conn *c, uint64_t now)
{
	const uint64_t timeout = c->base.server->cfg.body_timeout_us;

	for (struct h2_stream *s = TAILQ_FIRST(&c->reading), *next; s; s = next) {
		next = TAILQ_NEXT(s, link);
		if (now >= after(s->waits_us, timeout))
			h2_stream_refuse(s, HTTP_REFUSE_BODY_TIMEOUT);
		else if (now >= s->rate.deadline_us)
			h2_stream_refuse(s, HTTP_REFUSE_TOO_SLOW);
	}
}

static void expire(struct http_conn *base)
{
	struct h2_conn *c = h2(base);
	const struct http_server_config *cfg = &base->server->cfg;
	const uint64_t now = base->seen.mono_us;
	struct h2_stream *s;

	if (c->phase == H2_CLOSED)
		return;
	if (!c->settings_acked && now >= after(c->created_us, cfg->header_timeout_us)) {
		h2_close(c, NGHTTP2_SETTINGS_TIMEOUT, HTTP_END_SETTINGS_TIMEOUT);
		return;
	}
	if (c->head && now >= after(c->head->started_us, cfg->header_timeout_us)) {
		h2_close(c, NGHTTP2_NO_ERROR, HTTP_END_HEAD_TIMEOUT);
		return;
	}
	if (c->stream_count == 0 && now >= after(c->idle_us, cfg->idle_timeout_us)) {
		h2_close(c, NGHTTP2_NO_ERROR, HTTP_END_IDLE);
		return;
	}
	if (c->phase == H2_NOTICED && now >= after(c->noticed_us, NOTICE_US))
		h2_shutdown_last(c);
	expire_reading(c, now);
	while ((s = TAILQ_FIRST(&c->lingering)) && now >= after(s->waits_us, LINGER_US)) {
		nghttp2_submit_rst_stream(c->ng, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR);
		h2_stream_waits(s);
	}
	expire_sending(c, now);
	if (c->phase != H2_CLOSED && now >= c->rate.deadline_us)
		h2_close(c, NGHTTP2_ENHANCE_YOUR_CALM, HTTP_END_TOO_SLOW_SEND);
	judge_windows(c);
}

static void leave(struct http_conn *base)
{
	h2_close(h2(base), NGHTTP2_NO_ERROR, HTTP_END_IDLE);
}

static const struct http_conn_ops ops = {
	.destroy = destroy,
	.reserve = reserve,
	.commit = commit,
	.input_end = input_end,
	.produce = produce,
	.idle = is_idle,
	.has_output = has_output,
	.finished = finished,
	.broken = broken,
	.deadline = deadline,
	.expire = expire,
	.leave = leave,
};

struct http_conn *h2_conn_create(const struct http_conn *base)
{
	struct h2_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->base = *base;
	c->base.ops = &ops;
	c->created_us = c->idle_us = base->seen.mono_us;
	http_rate_end(&c->rate);
	TAILQ_INIT(&c->heads);
	TAILQ_INIT(&c->reading);
	TAILQ_INIT(&c->sending);
	TAILQ_INIT(&c->lingering);
	h2_bucket_init(&c->control, H2_CALM_CONTROL_MAX, H2_CALM_CONTROL_RATE, c->created_us);
	h2_bucket_init(&c->resets, H2_CALM_RESET_MAX, H2_CALM_RESET_RATE, c->created_us);
	if (!h2_session_new(c)) {
		free(c);
		return NULL;
	}
	/* RFC 9113 3.4: our SETTINGS are the first frame, whatever comes. */
	const ssize_t len = nghttp2_session_mem_send(c->ng, &c->pending);
	c->pending_len = len > 0 ? (size_t)len : 0;
	return &c->base;
}
