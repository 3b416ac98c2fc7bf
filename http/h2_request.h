/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_request.h — a request of HTTP/2, made from the fields of a stream.
 *
 * nghttp2 has decompressed them and has refused what RFC 9113 8.2 and 8.3 call malformed: names in upper
 * case, control characters, fields about the connection, pseudo-fields that are missing, repeated, unknown
 * or behind the others. What is left is checked here, so that a request means the same as over HTTP/1.
 */
#ifndef HTTP_H2_REQUEST_H
#define HTTP_H2_REQUEST_H

#include "http/gate.h"
#include "http/request.h"

struct h2_request {
	struct http_request r; /* r.base is `text` */
	/* The words and the values of the fields that something here reads, each with a NUL behind
	 * it: so the log takes them as they are. */
	char *text;
	size_t len, cap;
	size_t list_size; /* RFC 9113 6.5.2: of the field section so far */
	unsigned seen;    /* fields so far, pseudo-fields aside          */
	enum http_refusal refusal;
	struct http_piece scheme;
};

/* The next field. The limits are those of HTTP/1: max_head is that of the field section's size as RFC 9113
 * 6.5.2 counts it. What is above one is not kept, and refused in the end. False when memory is short. */
bool h2_request_field(struct h2_request *h, const struct http_gate_limits *limits,
		      struct http_str name, struct http_str value);
/* All fields have come. HTTP_REFUSE_NONE when it is a request that can be answered. */
enum http_refusal h2_request_end(struct h2_request *h);
void h2_request_free(struct h2_request *h);

/* A piece as a string; NULL when it is not there. */
const char *h2_request_string(const struct h2_request *h, struct http_piece piece);
/* The value of the first field of this name as a string; NULL when there is none. */
const char *h2_request_field_string(const struct h2_request *h, enum http_field_id id);

#endif
