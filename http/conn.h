/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn.h — what a connection of any version of HTTP is made of: its base, and its functions.
 *
 * http.h says what each function does; conn.c calls them.
 */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include "http/http.h"
#include "http/server.h"

struct http_conn_ops {
	void (*destroy)(struct http_conn *c);
	size_t (*reserve)(struct http_conn *c, uint8_t **buf);
	void (*commit)(struct http_conn *c, size_t len);
	void (*input_end)(struct http_conn *c);
	size_t (*produce)(struct http_conn *c, uint8_t *out, size_t room);
	bool (*lend)(struct http_conn *c, size_t max, struct http_lent *out); /* NULL: never */
	void (*lent)(struct http_conn *c, size_t len);
	bool (*idle)(const struct http_conn *c);
	bool (*has_output)(const struct http_conn *c);
	bool (*finished)(const struct http_conn *c);
	bool (*broken)(const struct http_conn *c);
	uint64_t (*deadline)(const struct http_conn *c);
	void (*expire)(struct http_conn *c);
	void (*leave)(struct http_conn *c);
};

/* The first member of every kind of connection. */
struct http_conn {
	const struct http_conn_ops *ops;
	struct http_server *server;
	void *user;                    /* the owner's                */
	bool secure;                   /* TLS is below               */
	struct http_time seen;         /* the time of the last call  */
	const struct http_site *named; /* by the client in its TLS handshake; NULL: none */
	enum http_end end;             /* why it comes to its end    */
	unsigned responses;            /* begun                      */
	unsigned answered;             /* of these produced whole    */
	unsigned turn;                 /* of those before this turn  */
};

/* The first cause is the one that counts. */
static inline void http_conn_note_end(struct http_conn *c, enum http_end why)
{
	if (c->end == HTTP_END_NONE)
		c->end = why;
}

/* HTTP/1.1 and 1.0; HTTP/2; either, as the first bytes say. NULL when memory is short. */
struct http_conn *h1_conn_create(const struct http_conn *base);
struct http_conn *h2_conn_create(const struct http_conn *base);
struct http_conn *either_conn_create(const struct http_conn *base);

#endif
