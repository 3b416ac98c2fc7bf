/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of http.h, handed to the version of HTTP that a connection speaks: see conn.h. */
#include "http/conn.h"

#include <string.h>

struct http_conn *http_conn_create(struct http_server *server, struct http_time now,
				   enum http_protocol protocol, bool secure, void *user)
{
	const struct http_conn base = {
		.server = server, .user = user, .secure = secure, .seen = now};

	switch (protocol) {
	case HTTP_PROTOCOL_2:
		return h2_conn_create(&base);
	case HTTP_PROTOCOL_EITHER:
		return either_conn_create(&base);
	case HTTP_PROTOCOL_1:
		break;
	}
	return h1_conn_create(&base);
}

void http_conn_set_name(struct http_conn *c, const char *name)
{
	c->named = http_hosts_find(&c->server->hosts, (struct http_str){name, strlen(name)});
}

void http_conn_destroy(struct http_conn *c)
{
	if (c)
		c->ops->destroy(c);
}

size_t http_conn_reserve(struct http_conn *c, uint8_t **buf)
{
	return c->ops->reserve(c, buf);
}

void http_conn_commit(struct http_conn *c, struct http_time now, size_t len)
{
	c->seen = now;
	c->ops->commit(c, len);
}

void http_conn_input_end(struct http_conn *c, struct http_time now)
{
	c->seen = now;
	c->ops->input_end(c);
}

size_t http_conn_produce(struct http_conn *c, struct http_time now, uint8_t *out, size_t room)
{
	c->seen = now;
	return c->ops->produce(c, out, room);
}

bool http_conn_lend(struct http_conn *c, size_t max, struct http_lent *out)
{
	return c->ops->lend && c->ops->lend(c, max, out);
}

void http_conn_lent(struct http_conn *c, struct http_time now, size_t len)
{
	c->seen = now;
	c->ops->lent(c, len);
}

void http_conn_begin_turn(struct http_conn *c)
{
	c->turn = c->answered;
}

bool http_conn_turn_is_over(const struct http_conn *c)
{
	return c->answered - c->turn >= c->server->cfg.max_pipeline;
}

bool http_conn_idle(const struct http_conn *c)
{
	return c->ops->idle(c);
}

bool http_conn_has_output(const struct http_conn *c)
{
	return c->ops->has_output(c);
}

bool http_conn_finished(const struct http_conn *c)
{
	return c->ops->finished(c);
}

bool http_conn_broken(const struct http_conn *c)
{
	return c->ops->broken(c);
}

enum http_end http_conn_end(const struct http_conn *c)
{
	return c->end == HTTP_END_NONE && c->server->draining && c->ops->idle(c) ? HTTP_END_DRAIN
										 : c->end;
}

unsigned http_conn_requests(const struct http_conn *c)
{
	return c->responses;
}

uint64_t http_conn_deadline(const struct http_conn *c)
{
	return c->ops->deadline(c);
}

void http_conn_expire(struct http_conn *c, struct http_time now)
{
	c->seen = now;
	c->ops->expire(c);
}

void http_conn_leave(struct http_conn *c, struct http_time now)
{
	c->seen = now;
	c->ops->leave(c);
}
