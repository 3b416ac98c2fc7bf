/* SPDX-License-Identifier: Apache-2.0 */
/*
 * response.h — one response: its fields in memory, then a body from memory, from a source, or from
 * pieces of both in turn.
 *
 * The head is written at once, when the response is decided; a file is read when the bytes can leave.
 * So a response holds one small buffer and one source, however large the file is. HTTP/1 sends the
 * buffer as it is. HTTP/2 takes the fields one by one and then the body.
 */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/buf.h"
#include "http/http.h"
#include "http/server.h"
#include "http/static.h"
#include "http/str.h"

/* What every head needs to know beside the status. */
struct http_reply {
	struct http_server *server;
	const struct http_site *site; /* whose files are served                          */
	void *user; /* of the connection: http_conn_create's                           */
	time_t now;
	unsigned retry_after; /* of a 429 or 503, seconds; 0 is 1                          */
	bool fields_only; /* HTTP/2: no status line, nothing about the connection (RFC 9113 8.2.2)   */
	bool secure;      /* it came through TLS                                         */
	const char *site_fields; /* lines that the site adds to every response; NULL: none      */
	struct http_str origin;  /* of the request, if it is one of the site's; `at` NULL       */
	const struct http_auth *auth; /* the rule whose password was shown                  */
	bool personal;     /* a password was shown for it: no shared cache may keep it    */
	const char *cache; /* Cache-Control of the file; NULL: none                       */
	const char *vary;  /* request fields by which this response was chosen; NULL: none    */
	bool no_cache;     /* Cache-Control: no-cache, whatever the site says of other files   */
	bool own_pages;    /* an error may be told by a page of the site: GET and HEAD            */
	bool head_only; /* the request was HEAD: the fields of GET, no body (RFC 9110 9.3.2)       */
	bool close;     /* Connection: close                                           */
	bool keep_alive; /* Connection: keep-alive, which HTTP/1.0 wants to be told     */
};

/* Bytes that do not stand in the response's buffer: a file, or memory that somebody else keeps. */
struct http_source {
	int fd;              /* -1: `data`                                            */
	const uint8_t *data; /* valid until release(owner)                            */
	bool watched; /* the fd is of a file whose state was the following, and has to stay so */
	uint64_t size;
	int64_t mtime;
	uint32_t mtime_ns;
	void (*release)(
		void *owner); /* called once, when the response is done; NULL: the fd is closed */
	void *owner;
};

/* When `at` bytes of the buffer were sent, [offset, offset + length) of the source follow. */
struct http_extent {
	size_t at;
	uint64_t offset, length;
};

struct http_response {
	struct http_buf buf; /* head, and what of the body is text           */
	size_t sent;         /* of `buf`                                     */
	uint64_t request;    /* its number: request_id.h                     */
	const struct http_site *site;
	char *user;       /* who has shown the password, NULL: nobody     */
	size_t fields_at; /* where in `buf` the fields begin              */
	size_t body_at;   /* where in `buf` the head has ended            */
	int status;       /* 0: none is under way; only an interim 100 can be in `buf` */
	struct http_source source;
	struct http_extent extent;   /* the next one; length 0: none is left  */
	struct http_extent *extents; /* those behind it, NULL: none           */
	unsigned extent_count, extent_next;
	struct http_map *map;  /* window of the source that is being lent; NULL: none */
	uint64_t source_bytes; /* produced of the source                      */
	bool broken;           /* the source gave less than was promised, or has changed */
};

void http_response_init(struct http_response *s);
void http_response_free(struct http_response *s);

/* RFC 9110 15.2.1: the interim response that lets the client send its content. */
void http_response_continue(struct http_response *s);

/* Building, in this order: begin, fields, end; then the body, whose length `end` was told. */
void http_response_begin(struct http_response *s, const struct http_reply *reply, int status);
/* `value` holds no line break: whoever takes it from outside has seen to that. */
void http_response_field_of(struct http_response *s, struct http_str name, struct http_str value);
static inline void http_response_field(struct http_response *s, const char *name, const char *value)
{
	http_response_field_of(s, (struct http_str){name, strlen(name)},
			       (struct http_str){value, strlen(value)});
}
void http_response_number(struct http_response *s, const char *name, uint64_t value);
/* Ends the head. Content-Length is left out where RFC 9110 8.6 wants none (`length` < 0). */
void http_response_end(struct http_response *s, const struct http_reply *reply, int64_t length);
/* Text of the body. */
void http_response_text(struct http_response *s, const void *text, size_t len);
/* Takes over the source of which extents will follow. */
void http_response_source(struct http_response *s, const struct http_source *source);
/* From here on the source's bytes [offset, offset + length) follow; text may be added behind. */
void http_response_extent(struct http_response *s, uint64_t offset, uint64_t length);
/* A whole error response: begin and fields of the caller's, then a readable page. `text` is
 * plain text, NULL for the status's own sentence; `link`, when not NULL, is a URI to point at. */
void http_response_page(struct http_response *s, const struct http_reply *reply, const char *text,
			const char *link);

/* Walks the fields of a head that was ended; *at begins with 0. False after the last. */
bool http_response_next_field(const struct http_response *s, size_t *at, struct http_str *name,
			      struct http_str *value);
/* The head was sent otherwise: only the body is left to be produced. */
void http_response_skip_head(struct http_response *s);

/* Copies the next bytes out. Returns how many; 0 when done, or broken. */
size_t http_response_produce(struct http_response *s, uint8_t *out, size_t room);
/* See http_conn_lend. */
bool http_response_lend(struct http_response *s, size_t max, struct http_lent *out);
void http_response_lent(struct http_response *s, size_t len);
bool http_response_pending(const struct http_response *s);
/* Bytes still to come, if the source gives what was promised. */
uint64_t http_response_left(const struct http_response *s);
/* Bytes of the body produced so far. */
uint64_t http_response_body_bytes(const struct http_response *s);
/* Of everything: head, body, and an interim response before them. */
uint64_t http_response_bytes(const struct http_response *s);

/* Makes a source of a file, which is then the source's. */
struct http_source http_file_source(struct http_file *file);
/* Gives a source back that no response has taken. */
void http_source_release(struct http_source *source);

#endif
