/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h — one request: its words and fields as pieces of the input buffer, and what they mean.
 *
 * The head has passed the gate when it comes here, whole. http-parser cuts it into fields; what it
 * does not check is checked in request_check.c. Where our reading of the framing and http-parser's
 * differ, the request is refused. The same parser then follows the content, behind the gate of
 * body.h.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <http_parser.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/gate.h"
#include "http/status.h"
#include "http/str.h"

/* The fields that something here reads. */
#define HTTP_FIELDS(X)                                \
	X(HOST, "host")                               \
	X(CONNECTION, "connection")                   \
	X(CONTENT_LENGTH, "content-length")           \
	X(TRANSFER_ENCODING, "transfer-encoding")     \
	X(EXPECT, "expect")                           \
	X(RANGE, "range")                             \
	X(IF_RANGE, "if-range")                       \
	X(IF_MATCH, "if-match")                       \
	X(IF_NONE_MATCH, "if-none-match")             \
	X(IF_MODIFIED_SINCE, "if-modified-since")     \
	X(IF_UNMODIFIED_SINCE, "if-unmodified-since") \
	X(REFERER, "referer")                         \
	X(USER_AGENT, "user-agent")

enum http_field_id {
#define X(name, text) HTTP_FIELD_##name,
	HTTP_FIELDS(X)
#undef X
	HTTP_FIELD_OTHER
};

/* A piece of the head. The input buffer may move while a body is read, so pieces are kept as
 * offsets. */
struct http_piece {
	uint16_t at, len;
};

struct http_field {
	struct http_piece value; /* without the whitespace around it */
	uint16_t id;             /* enum http_field_id */
};

enum http_expect {
	HTTP_EXPECT_NOTHING,
	HTTP_EXPECT_CONTINUE,
	HTTP_EXPECT_UNKNOWN, /* RFC 9110 10.1.1: may be answered with 417 */
};

struct http_request {
	http_parser parser;
	const char *base; /* of the input buffer at present */
	struct http_field *fields;
	unsigned field_count, field_max;
	enum http_field_id pending; /* the field whose value http-parser reads next */

	struct http_piece method, target, version;
	struct http_piece authority; /* of an absolute-form target; len 0: none     */
	struct http_piece path;      /* begins with '/'; len 0: the target was "*"  */
	struct http_piece query;     /* after '?'                                   */
	bool has_query;

	bool chunked;
	uint64_t content_length;
	bool keep_alive; /* RFC 9112 9.3: the client leaves the connection open */
	enum http_expect expect;

	enum http_refusal refusal;
	bool head_parsed, complete; /* http-parser's view */
};

/* Reads the head [base, base + g->pos) that `g` has let through. HTTP_REFUSE_NONE when it is a
 * request that can be answered (405 and 417 count as answers). Frees with http_request_free in
 * either case. False when memory was short. */
bool http_request_parse(struct http_request *r, const char *base, const struct http_gate *g,
			enum http_refusal *refusal);
void http_request_free(struct http_request *r);

/* Does content follow the head? */
bool http_request_has_body(const struct http_request *r);
/* Lets http-parser follow content that the gate of body.h has let through. `end`: this is all of
 * it. False when http-parser does not agree. */
bool http_request_follow_body(struct http_request *r, const uint8_t *data, size_t len, bool end);

struct http_str http_request_piece(const struct http_request *r, struct http_piece piece);
/* The value of the first field of this name; its `at` is NULL when there is none. */
struct http_str http_request_field(const struct http_request *r, enum http_field_id id);
unsigned http_request_field_count(const struct http_request *r, enum http_field_id id);
/* Walks the fields of one name: *index begins with 0. False after the last. */
bool http_request_next_field(const struct http_request *r, enum http_field_id id, unsigned *index,
			     struct http_str *value);

/* request_check.c: what the head as a whole must satisfy; fills in the meaning (path, framing,
 * keep_alive, expect). Called while http-parser is at the end of the head. */
enum http_refusal http_request_check(struct http_request *r);
/* Is `host` a valid uri-host [":" port] (RFC 9110 7.2)? */
bool http_host_valid(struct http_str host);

#endif
