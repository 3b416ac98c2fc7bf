/* SPDX-License-Identifier: Apache-2.0 */
/*
 * response.h — one response: a head in memory, then a short body in memory or a piece of a file.
 *
 * The head is written at once, when the response is decided; the file is read when the bytes can
 * leave. So a response holds one small buffer and one descriptor, however large the file is.
 */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/buf.h"
#include "http/http.h"
#include "http/server.h"

/* What every head needs to know beside the status. */
struct http_reply {
	struct http_server *server;
	time_t now;
	bool head_only;  /* the request was HEAD: the fields of GET, no body (RFC 9110 9.3.2) */
	bool close;      /* Connection: close                                                 */
	bool keep_alive; /* Connection: keep-alive, which HTTP/1.0 wants to be told           */
};

struct http_response {
	struct http_buf buf; /* head, and short body                       */
	size_t sent;         /* of `buf`                                   */
	size_t body_at;      /* where in `buf` the body begins             */
	int status;          /* 0: none is under way; only an interim 100 can be in `buf` */
	int fd;              /* of the file, -1 without                    */
	uint64_t offset;     /* of the next byte to read                   */
	uint64_t left;       /* of the file's bytes promised               */
	uint64_t file_bytes; /* of them produced                           */
	bool broken;         /* the file gave less than was promised       */
};

void http_response_init(struct http_response *s);
void http_response_free(struct http_response *s);

/* RFC 9110 15.2.1: the interim response that lets the client send its content. */
void http_response_continue(struct http_response *s);

/* Building, in this order: begin, fields, end. http_response_end takes the length of the body. */
void http_response_begin(struct http_response *s, const struct http_reply *reply, int status);
void http_response_field(struct http_response *s, const char *name, const char *value);
void http_response_number(struct http_response *s, const char *name, uint64_t value);
/* Ends the head. Content-Length is left out where RFC 9110 8.6 wants none (`length` < 0). */
void http_response_end(struct http_response *s, const struct http_reply *reply, int64_t length);
/* From now on the file's bytes [offset, offset + length) follow the head. Takes `fd`. */
void http_response_file(struct http_response *s, int fd, uint64_t offset, uint64_t length);
/* A whole error response: begin and fields of the caller's, then a readable page. `text` is
 * plain text, NULL for the status's own sentence; `link`, when not NULL, is a URI to point at. */
void http_response_page(struct http_response *s, const struct http_reply *reply, const char *text,
			const char *link);

/* Copies the next bytes out. Returns how many; 0 when done, or broken. */
size_t http_response_produce(struct http_response *s, uint8_t *out, size_t room);
bool http_response_pending(const struct http_response *s);
/* Bytes of the body produced so far. */
uint64_t http_response_body_bytes(const struct http_response *s);

#endif
