/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.h — the strict gate that every byte of a request's head passes before any parser sees it.
 *
 * Parsers forgive: bare LF, folded lines, spaces before a colon. Where two of them forgive
 * differently, a request can be smuggled past one of them. So a small machine of our own reads each
 * byte once, in order, and accepts exactly the grammar of RFC 9112 sections 2 to 5, without the
 * leniency that it permits. It decides at the first wrong byte, so how the bytes were cut into
 * segments cannot change the verdict. What the fields mean is no matter here; see request.h.
 */
#ifndef HTTP_GATE_H
#define HTTP_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/status.h"

struct http_gate_limits {
	size_t max_head;   /* bytes up to and with the empty line, at most HTTP_HEAD_MAX */
	size_t max_target; /* bytes of the request-target                                */
	unsigned max_fields;
};

/* Offsets into a head are kept in 16 bits. The limit also stays below the 80 KiB at which
 * http-parser gives up, so that its process-wide setting can be left alone. */
#define HTTP_HEAD_MAX 65535

enum http_gate_state {
	HTTP_GATE_START,      /* before the request                                  */
	HTTP_GATE_START_LF,   /* the CR of an empty line before it                   */
	HTTP_GATE_AFTER_CRLF, /* one empty line has come; no second is taken         */
	HTTP_GATE_METHOD,
	HTTP_GATE_TARGET,
	HTTP_GATE_VERSION,
	HTTP_GATE_LINE_LF,
	HTTP_GATE_FIELD_START,
	HTTP_GATE_FIELD_NAME,
	HTTP_GATE_FIELD_VALUE,
	HTTP_GATE_FIELD_LF,
	HTTP_GATE_END_LF,
	HTTP_GATE_DONE,
	HTTP_GATE_REFUSED,
};

enum http_feed {
	HTTP_FEED_MORE,    /* every byte was taken, more are needed               */
	HTTP_FEED_DONE,    /* complete; the bytes after the end were not taken    */
	HTTP_FEED_REFUSED, /* see the `refusal`                                   */
};

/* All offsets count from the first byte that was fed. */
struct http_gate {
	struct http_gate_limits limits;
	enum http_gate_state state;
	enum http_refusal refusal;
	uint32_t pos; /* bytes taken */
	uint32_t method_at, method_len;
	uint32_t target_at, target_len;
	uint32_t version_at, version_len;
	unsigned fields;
	uint8_t major, minor;
};

void http_gate_init(struct http_gate *g, const struct http_gate_limits *limits);
/* As above, for a trailer section (RFC 9112 7.1.2): only field lines, then an empty line. */
void http_gate_init_trailer(struct http_gate *g, const struct http_gate_limits *limits);
/* Takes bytes until the head is complete or refused. *used says how many. */
enum http_feed http_gate_feed(struct http_gate *g, const uint8_t *data, size_t len, size_t *used);
/* True once a byte of the request itself has come. An empty line before it is none. */
bool http_gate_started(const struct http_gate *g);
/* After an empty line before the request was taken and dropped: the next byte is at offset 0
 * again. */
void http_gate_rebase(struct http_gate *g);

#endif
