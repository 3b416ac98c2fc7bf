/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h — one request, whatever version of HTTP it came in: its words and fields as pieces of one
 * block of text, and what they mean.
 *
 * h1_request.h makes it from a head on the wire, h2_request.h from the fields of a stream. Who answers
 * a request (serve.h) knows nothing of either.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/status.h"
#include "http/str.h"

/* The fields that something here reads. */
#define HTTP_FIELDS(X)                                       \
	X(HOST, "host")                                      \
	X(CONNECTION, "connection")                          \
	X(CONTENT_LENGTH, "content-length")                  \
	X(TRANSFER_ENCODING, "transfer-encoding")            \
	X(EXPECT, "expect")                                  \
	X(RANGE, "range")                                    \
	X(IF_RANGE, "if-range")                              \
	X(IF_MATCH, "if-match")                              \
	X(IF_NONE_MATCH, "if-none-match")                    \
	X(IF_MODIFIED_SINCE, "if-modified-since")            \
	X(IF_UNMODIFIED_SINCE, "if-unmodified-since")        \
	X(ACCEPT, "accept")                                  \
	X(ACCEPT_ENCODING, "accept-encoding")                \
	X(AUTHORIZATION, "authorization")                    \
	X(ORIGIN, "origin")                                  \
	X(REQUEST_METHOD, "access-control-request-method")   \
	X(REQUEST_HEADERS, "access-control-request-headers") \
	X(SEC_FETCH_MODE, "sec-fetch-mode")                  \
	X(PRIORITY, "priority")                              \
	X(REFERER, "referer")                                \
	X(USER_AGENT, "user-agent")

enum http_field_id {
#define X(name, text) HTTP_FIELD_##name,
	HTTP_FIELDS(X)
#undef X
	HTTP_FIELD_OTHER
};
/* HTTP_FIELD_OTHER for a name that nothing here reads. */
enum http_field_id http_field_id_of(const char *name, size_t len);

/* Those of RFC 9110 and RFC 5789. */
enum http_method_id {
	HTTP_METHOD_UNKNOWN, /* RFC 9110 9.1: answered with 501 */
	HTTP_METHOD_GET,
	HTTP_METHOD_HEAD,
	HTTP_METHOD_OPTIONS,
	HTTP_METHOD_CONNECT,
	HTTP_METHOD_KNOWN, /* any other that is recognized: answered with 405 */
};
enum http_method_id http_method_id_of(struct http_str method);

/* A piece of the request's text. That may move while content is read, so pieces are kept as
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
	const char *base;          /* of the text at present; not the request's */
	struct http_field *fields; /* in the order of the request               */
	unsigned field_count, field_max;

	uint8_t major, minor; /* of the version */
	enum http_method_id method_id;
	struct http_piece method, target, version;
	struct http_piece authority; /* of an absolute-form target, or :authority; len 0: none */
	struct http_piece path;      /* begins with '/'; len 0: the target was "*"             */
	struct http_piece query;     /* after '?'                                              */
	bool has_query;
	bool https; /* the target is an https URI: for connections with TLS only (RFC 9110 7.4)     */

	bool chunked;
	uint64_t content_length;
	bool keep_alive; /* RFC 9112 9.3: the client leaves the connection open */
	enum http_expect expect;
};

/* Frees `fields`, and leaves an empty request. */
void http_request_free(struct http_request *r);

/* Does content follow the head? */
bool http_request_has_body(const struct http_request *r);

struct http_str http_request_piece(const struct http_request *r, struct http_piece piece);
/* The value of the first field of this name; its `at` is NULL when there is none. */
struct http_str http_request_field(const struct http_request *r, enum http_field_id id);
unsigned http_request_field_count(const struct http_request *r, enum http_field_id id);
/* Walks the fields of one name: *index begins with 0. False after the last. */
bool http_request_next_field(const struct http_request *r, enum http_field_id id, unsigned *index,
			     struct http_str *value);
/* Whom the request is for: the authority of its target, else its Host field, with the port if it has
 * one. `at` is NULL when neither is there (HTTP/1.0). */
struct http_str http_request_host(const struct http_request *r);

/* request_check.c: what the head of an HTTP/1 request as a whole must satisfy; fills in the meaning
 * (path, framing, keep_alive, expect). */
enum http_refusal http_request_check(struct http_request *r);
/* Fills in r->expect. */
void http_request_read_expect(struct http_request *r);
/* Splits the text [at, end) into path and query. */
void http_request_set_path(struct http_request *r, size_t at, size_t end);
/* Is `host` a valid uri-host [":" port] (RFC 9110 7.2)? */
bool http_host_valid(struct http_str host);

#endif
