/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_request.h — a request of HTTP/1.1 or 1.0, made from its head.
 *
 * The head has passed the gate when it comes here, whole. http-parser cuts it into fields; what it
 * does not check is checked in request_check.c. Where our reading of the framing and http-parser's
 * differ, the request is refused. The same parser then follows the content, behind the gate of
 * body.h.
 */
#ifndef HTTP_H1_REQUEST_H
#define HTTP_H1_REQUEST_H

#include <http_parser.h>

#include "http/gate.h"
#include "http/request.h"

struct h1_request {
	struct http_request r; /* its text is the connection's input buffer */
	http_parser parser;
	enum http_field_id pending; /* the field whose value http-parser reads next */
	enum http_refusal refusal;
	bool head_parsed, complete; /* http-parser's view */
};

/* Reads the head [base, base + g->pos) that `g` has let through. HTTP_REFUSE_NONE when it is a
 * request that can be answered (405 and 417 count as answers). Frees with http_request_free(&h->r)
 * in either case. False when memory was short. */
bool h1_request_parse(struct h1_request *h, const char *base, const struct http_gate *g,
		      enum http_refusal *refusal);
/* Lets http-parser follow content that the gate of body.h has let through. `end`: this is all of
 * it. False when http-parser does not agree. */
bool h1_request_follow_body(struct h1_request *h, const uint8_t *data, size_t len, bool end);

#endif
