/* SPDX-License-Identifier: Apache-2.0 */
/* The strict gate of gate.h: one step per byte, one function for the request line, one for the
 * fields. */
#include "http/gate.h"

#include <assert.h>
#include <string.h>

#include "http/str.h"

/* The longest registered method has 17 bytes (UPDATEREDIRECTREF). */
#define METHOD_MAX 32

/* RFC 9110 5.6.2 */
static bool is_tchar(uint8_t c)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	return http_is_alpha((char)c) || http_is_digit((char)c) ||
	       (c != '\0' && strchr(marks, c) != NULL);
}

static bool is_vchar(uint8_t c)
{
	return c > 0x20 && c < 0x7f;
}

void http_gate_init(struct http_gate *g, const struct http_gate_limits *limits)
{
	assert(limits->max_head <= HTTP_HEAD_MAX);
	*g = (struct http_gate){.limits = *limits, .state = HTTP_GATE_START};
}

void http_gate_init_trailer(struct http_gate *g, const struct http_gate_limits *limits)
{
	http_gate_init(g, limits);
	g->state = HTTP_GATE_FIELD_START;
}

bool http_gate_started(const struct http_gate *g)
{
	return g->state > HTTP_GATE_AFTER_CRLF;
}

void http_gate_rebase(struct http_gate *g)
{
	assert(!http_gate_started(g));
	g->pos = 0;
}

/* What a byte that cannot stand where it does is called. */
static enum http_refusal misplaced(uint8_t c, enum http_refusal otherwise)
{
	if (c == '\n')
		return HTTP_REFUSE_BARE_LF;
	if (c < 0x20 && c != '\t' && c != '\r')
		return HTTP_REFUSE_CONTROL_BYTE;
	return otherwise;
}

/* RFC 9112 2.2: a server SHOULD ignore at least one empty line before the request-line. Ours
 * takes one. */
static enum http_refusal step_start(struct http_gate *g, uint8_t c)
{
	if (g->state == HTTP_GATE_START_LF) {
		g->state = HTTP_GATE_AFTER_CRLF;
		return c == '\n' ? HTTP_REFUSE_NONE : HTTP_REFUSE_BARE_CR;
	}
	if (c == '\r') {
		if (g->state == HTTP_GATE_AFTER_CRLF)
			return HTTP_REFUSE_EMPTY_LINES;
		g->state = HTTP_GATE_START_LF;
		return HTTP_REFUSE_NONE;
	}
	g->state = HTTP_GATE_METHOD;
	g->method_at = g->pos;
	if (!is_tchar(c))
		return misplaced(c, HTTP_REFUSE_BAD_METHOD);
	g->method_len = 1;
	return HTTP_REFUSE_NONE;
}

static enum http_refusal step_method(struct http_gate *g, uint8_t c)
{
	if (c == ' ') {
		g->state = HTTP_GATE_TARGET;
		g->target_at = g->pos + 1;
		return HTTP_REFUSE_NONE;
	}
	if (!is_tchar(c))
		return misplaced(c, HTTP_REFUSE_BAD_METHOD);
	/* RFC 9112 3: a method longer than any that is implemented SHOULD be answered with 501. */
	if (++g->method_len > METHOD_MAX)
		return HTTP_REFUSE_METHOD_TOO_LONG;
	return HTTP_REFUSE_NONE;
}

/* Every visible ASCII byte but '#' may stand in a target. RFC 3986 has fewer, but browsers send
 * '|', '^' and the like unescaped, and they mean nothing to us. */
static enum http_refusal step_target(struct http_gate *g, uint8_t c)
{
	if (c == ' ') {
		g->state = HTTP_GATE_VERSION;
		g->version_at = g->pos + 1;
		return g->target_len > 0 ? HTTP_REFUSE_NONE : HTTP_REFUSE_REQUEST_LINE;
	}
	if (c == '\r')
		return HTTP_REFUSE_NO_VERSION;
	if (c == '#')
		return HTTP_REFUSE_FRAGMENT;
	if (!is_vchar(c))
		return misplaced(c, HTTP_REFUSE_BAD_TARGET);
	/* RFC 9112 3: a target longer than any the server wishes to parse MUST be answered with
	 * 414. */
	if (++g->target_len > g->limits.max_target)
		return HTTP_REFUSE_TARGET_TOO_LONG;
	return HTTP_REFUSE_NONE;
}

/* RFC 9112 2.3: HTTP-version = "HTTP" "/" DIGIT "." DIGIT, and its case matters. */
static enum http_refusal step_version(struct http_gate *g, uint8_t c)
{
	static const char pattern[] = "HTTP/d.d";
	uint32_t at = g->version_len;

	if (at == sizeof(pattern) - 1) {
		g->state = HTTP_GATE_LINE_LF;
		return c == '\r' ? HTTP_REFUSE_NONE : misplaced(c, HTTP_REFUSE_BAD_VERSION);
	}
	if (at == 0 && c == ' ')
		return HTTP_REFUSE_REQUEST_LINE;
	if (pattern[at] == 'd' ? !http_is_digit((char)c) : c != (uint8_t)pattern[at])
		return misplaced(c, HTTP_REFUSE_BAD_VERSION);
	if (at == 5)
		g->major = (uint8_t)(c - '0');
	if (at == 7)
		g->minor = (uint8_t)(c - '0');
	g->version_len++;
	return HTTP_REFUSE_NONE;
}

static enum http_refusal step_field_start(struct http_gate *g, uint8_t c)
{
	if (c == '\r') {
		g->state = HTTP_GATE_END_LF;
		return HTTP_REFUSE_NONE;
	}
	if (http_is_ows((char)c))
		return g->fields > 0 ? HTTP_REFUSE_OBS_FOLD : HTTP_REFUSE_LEADING_SPACE;
	if (!is_tchar(c))
		return misplaced(c, HTTP_REFUSE_BAD_FIELD_NAME);
	/* RFC 6585 5 */
	if (++g->fields > g->limits.max_fields)
		return HTTP_REFUSE_TOO_MANY_FIELDS;
	g->state = HTTP_GATE_FIELD_NAME;
	return HTTP_REFUSE_NONE;
}

static enum http_refusal step_field_name(struct http_gate *g, uint8_t c)
{
	if (c == ':') {
		g->state = HTTP_GATE_FIELD_VALUE;
		return HTTP_REFUSE_NONE;
	}
	if (is_tchar(c))
		return HTTP_REFUSE_NONE;
	if (http_is_ows((char)c))
		return HTTP_REFUSE_SPACE_BEFORE_COLON;
	if (c == '\r')
		return HTTP_REFUSE_NO_COLON;
	return misplaced(c, HTTP_REFUSE_BAD_FIELD_NAME);
}

/* RFC 9110 5.5: visible bytes, obs-text, space and tab. CR, LF and NUL are what smuggling is
 * made of. */
static enum http_refusal step_field_value(struct http_gate *g, uint8_t c)
{
	if (c == '\r') {
		g->state = HTTP_GATE_FIELD_LF;
		return HTTP_REFUSE_NONE;
	}
	if (is_vchar(c) || http_is_ows((char)c) || c >= 0x80)
		return HTTP_REFUSE_NONE;
	return misplaced(c, HTTP_REFUSE_CONTROL_BYTE);
}

static enum http_refusal step_lf(struct http_gate *g, uint8_t c)
{
	g->state = g->state == HTTP_GATE_END_LF ? HTTP_GATE_DONE : HTTP_GATE_FIELD_START;
	return c == '\n' ? HTTP_REFUSE_NONE : HTTP_REFUSE_BARE_CR;
}

static enum http_refusal step(struct http_gate *g, uint8_t c)
{
	switch (g->state) {
	case HTTP_GATE_START:
	case HTTP_GATE_START_LF:
	case HTTP_GATE_AFTER_CRLF:
		return step_start(g, c);
	case HTTP_GATE_METHOD:
		return step_method(g, c);
	case HTTP_GATE_TARGET:
		return step_target(g, c);
	case HTTP_GATE_VERSION:
		return step_version(g, c);
	case HTTP_GATE_FIELD_START:
		return step_field_start(g, c);
	case HTTP_GATE_FIELD_NAME:
		return step_field_name(g, c);
	case HTTP_GATE_FIELD_VALUE:
		return step_field_value(g, c);
	case HTTP_GATE_LINE_LF:
	case HTTP_GATE_FIELD_LF:
	case HTTP_GATE_END_LF:
		return step_lf(g, c);
	case HTTP_GATE_DONE:
	case HTTP_GATE_REFUSED:
		break;
	}
	assert(false); /* nothing is fed after the end */
	return HTTP_REFUSE_NOT_PARSED;
}

enum http_feed http_gate_feed(struct http_gate *g, const uint8_t *data, size_t len, size_t *used)
{
	size_t i = 0;

	for (; i < len && g->state != HTTP_GATE_DONE; i++) {
		enum http_refusal refusal;

		if (g->pos >= g->limits.max_head)
			refusal = g->state == HTTP_GATE_TARGET ? HTTP_REFUSE_TARGET_TOO_LONG
							       : HTTP_REFUSE_HEAD_TOO_LARGE;
		else
			refusal = step(g, data[i]);
		if (refusal != HTTP_REFUSE_NONE) {
			*used = i;
			g->state = HTTP_GATE_REFUSED;
			g->refusal = refusal;
			return HTTP_FEED_REFUSED;
		}
		g->pos++;
	}
	*used = i;
	return g->state == HTTP_GATE_DONE ? HTTP_FEED_DONE : HTTP_FEED_MORE;
}
