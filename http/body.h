/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body.h — where the content of a request ends (RFC 9112 6 and 7.1), and that it stays within its
 * limit.
 *
 * The content itself is of no use to a server of files: it is read so that the next request can be
 * found, and dropped. For the chunked coding this is a second strict gate, for http-parser takes a
 * size with a space behind it, an LF within an extension and framing fields in a trailer.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "http/gate.h"

enum http_body_state {
	HTTP_BODY_SIZE,
	HTTP_BODY_EXTENSION,
	HTTP_BODY_SIZE_LF,
	HTTP_BODY_DATA,
	HTTP_BODY_DATA_CR,
	HTTP_BODY_DATA_LF,
	HTTP_BODY_TRAILER,
	HTTP_BODY_DONE,
};

/* All chunk extensions of a request together. Nobody sends any; unlimited, they make a body
 * endless. */
#define HTTP_CHUNK_EXT_MAX 1024

struct http_body {
	bool chunked;
	enum http_body_state state;
	enum http_refusal refusal;
	uint64_t left;      /* bytes of the content, or of the chunk, still to come */
	uint64_t total;     /* bytes of the chunks announced so far                 */
	uint64_t max;       /* of `total`                                           */
	unsigned digits;    /* of this chunk's size                                 */
	unsigned extension; /* bytes of extensions so far                           */
	struct http_gate trailer;
	char name[20]; /* of the trailer field being read, lower case; longer ones are cut */
	uint8_t name_len;
};

/* Content-Length: `length` bytes follow, at least one. The caller has compared it with the
 * limit. */
void http_body_init_length(struct http_body *b, uint64_t length);
void http_body_init_chunked(struct http_body *b, uint64_t max,
			    const struct http_gate_limits *trailer);
enum http_feed http_body_feed(struct http_body *b, const uint8_t *data, size_t len, size_t *used);

#endif
