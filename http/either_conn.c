/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection in clear that speaks HTTP/1 or HTTP/2, as its first bytes say (RFC 9113 3.3: prior knowledge).
 *
 * HTTP/2 begins with 24 bytes that no request of HTTP/1 can be. With the first byte that differs, or when no
 * more come, the connection is one of HTTP/1 and these bytes are its first.
 */
#include "http/conn.h"

#include <stdlib.h>
#include <string.h>

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
#define PREFACE_LEN (sizeof preface - 1)

struct either_conn {
	struct http_conn base;
	struct http_conn *actual; /* NULL: it is not decided yet */
	bool failed;              /* memory was short            */
	uint64_t deadline;
	size_t len;
	uint8_t in[PREFACE_LEN];
};

static struct either_conn *either(struct http_conn *c)
{
	return (struct either_conn *)c;
}

static const struct either_conn *either_const(const struct http_conn *c)
{
	return (const struct either_conn *)c;
}

/* What is asked of the base is what the actual connection says. */
static void note(struct either_conn *c)
{
	c->base.end = c->actual->end;
	c->base.responses = c->actual->responses;
	c->base.answered = c->actual->answered;
}

/* Its first bytes are few: they fit what any connection reserves. */
static void hand_over(struct either_conn *c)
{
	size_t at = 0, room;
	uint8_t *buf;

	while (at < c->len && (room = c->actual->ops->reserve(c->actual, &buf)) > 0) {
		const size_t len = c->len - at < room ? c->len - at : room;
		memcpy(buf, c->in + at, len);
		c->actual->ops->commit(c->actual, len);
		at += len;
	}
	note(c);
}

/* False when memory is short; then the connection is at its end. */
static bool decide(struct either_conn *c, struct http_conn *(*create)(const struct http_conn *base))
{
	c->actual = create(&c->base);
	if (c->actual) {
		hand_over(c);
		return true;
	}
	c->failed = true;
	c->base.end = HTTP_END_NO_MEMORY;
	return false;
}

static bool actual(struct either_conn *c)
{
	if (c->failed || (!c->actual && !decide(c, h1_conn_create)))
		return false;
	c->actual->seen = c->base.seen;
	c->actual->turn = c->base.turn;
	return true;
}

/* ------------------------------------------------------------------ the calls of conn.h */

static void destroy(struct http_conn *base)
{
	struct either_conn *c = either(base);

	if (c->actual)
		c->actual->ops->destroy(c->actual);
	free(c);
}

static size_t reserve(struct http_conn *base, uint8_t **buf)
{
	struct either_conn *c = either(base);

	if (c->actual && actual(c)) {
		const size_t room = c->actual->ops->reserve(c->actual, buf);
		note(c);
		return room;
	}
	if (c->failed || (c->len == 0 && base->server->draining))
		return 0;
	*buf = c->in + c->len;
	return PREFACE_LEN - c->len;
}

static void commit(struct http_conn *base, size_t len)
{
	struct either_conn *c = either(base);

	if (c->actual && actual(c)) {
		c->actual->ops->commit(c->actual, len);
		note(c);
		return;
	}
	if (c->failed || len == 0)
		return;
	if (c->len == 0)
		c->deadline = base->seen.mono_us + base->server->cfg.header_timeout_us;
	c->len += len;
	if (memcmp(c->in, preface, c->len) != 0)
		decide(c, h1_conn_create);
	else if (c->len == PREFACE_LEN)
		decide(c, h2_conn_create);
}

static void input_end(struct http_conn *base)
{
	struct either_conn *c = either(base);

	if (actual(c)) {
		c->actual->ops->input_end(c->actual);
		note(c);
	}
}

static size_t produce(struct http_conn *base, uint8_t *out, size_t room)
{
	struct either_conn *c = either(base);

	if (!c->actual || !actual(c))
		return 0;
	const size_t len = c->actual->ops->produce(c->actual, out, room);
	note(c);
	return len;
}

static bool lend(struct http_conn *base, size_t max, struct http_lent *out)
{
	const struct either_conn *c = either(base);

	return c->actual && c->actual->ops->lend && c->actual->ops->lend(c->actual, max, out);
}

static void lent(struct http_conn *base, size_t len)
{
	struct either_conn *c = either(base);

	if (actual(c)) {
		c->actual->ops->lent(c->actual, len);
		note(c);
	}
}

static bool idle(const struct http_conn *base)
{
	const struct either_conn *c = either_const(base);

	return c->actual ? c->actual->ops->idle(c->actual) : c->failed || c->len == 0;
}

static bool has_output(const struct http_conn *base)
{
	const struct either_conn *c = either_const(base);

	return c->actual && c->actual->ops->has_output(c->actual);
}

static bool finished(const struct http_conn *base)
{
	const struct either_conn *c = either_const(base);

	if (c->actual)
		return c->actual->ops->finished(c->actual);
	return c->failed || (c->len == 0 && base->server->draining);
}

static bool broken(const struct http_conn *base)
{
	const struct either_conn *c = either_const(base);

	return c->actual && c->actual->ops->broken(c->actual);
}

static uint64_t deadline(const struct http_conn *base)
{
	const struct either_conn *c = either_const(base);

	return c->actual   ? c->actual->ops->deadline(c->actual)
	       : c->failed ? UINT64_MAX
			   : c->deadline;
}

/* Before it is decided HTTP/1 knows what to say: nothing to who is idle, 408 to who began a request. */
static void expire(struct http_conn *base)
{
	struct either_conn *c = either(base);
	const bool decided = c->actual != NULL;

	if (!decided && base->seen.mono_us < c->deadline)
		return;
	if (!decided && c->len == 0) {
		c->failed = true;
		http_conn_note_end(base, HTTP_END_IDLE);
	} else if (actual(c)) {
		if (!decided)
			c->actual->seen.mono_us = UINT64_MAX; /* its own time has just begun */
		c->actual->ops->expire(c->actual);
		c->actual->seen = base->seen;
		note(c);
	}
}

static void leave(struct http_conn *base)
{
	struct either_conn *c = either(base);

	if (c->actual && actual(c)) {
		c->actual->ops->leave(c->actual);
		note(c);
	} else {
		c->failed = true;
		http_conn_note_end(base, HTTP_END_IDLE);
	}
}

static const struct http_conn_ops ops = {
	.destroy = destroy,
	.reserve = reserve,
	.commit = commit,
	.input_end = input_end,
	.produce = produce,
	.lend = lend,
	.lent = lent,
	.idle = idle,
	.has_output = has_output,
	.finished = finished,
	.broken = broken,
	.deadline = deadline,
	.expire = expire,
	.leave = leave,
};

struct http_conn *either_conn_create(const struct http_conn *base)
{
	struct either_conn *c = calloc(1, sizeof(*c));
	const uint64_t timeout = base->server->cfg.idle_timeout_us;

	if (!c)
		return NULL;
	c->base = *base;
	c->base.ops = &ops;
	c->deadline = timeout < UINT64_MAX - base->seen.mono_us ? base->seen.mono_us + timeout
								: UINT64_MAX;
	return &c->base;
}
