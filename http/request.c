/* SPDX-License-Identifier: Apache-2.0 */
/* A request through http-parser: see request.h. */
#include "http/request.h"

#include <stdlib.h>

/* ------------------------------------------------------------------ fields */

static enum http_field_id field_id(const char *name, size_t len)
{
	static const char *const names[] = {
#define X(id, text) text,
		HTTP_FIELDS(X)
#undef X
	};
	struct http_str s = {name, len};

	for (unsigned i = 0; i < HTTP_FIELD_OTHER; i++)
		if (http_str_is(s, names[i]))
			return (enum http_field_id)i;
	return HTTP_FIELD_OTHER;
}

struct http_str http_request_piece(const struct http_request *r, struct http_piece piece)
{
	return (struct http_str){r->base + piece.at, piece.len};
}

bool http_request_next_field(const struct http_request *r, enum http_field_id id, unsigned *index,
			     struct http_str *value)
{
	while (*index < r->field_count) {
		const struct http_field *f = &r->fields[(*index)++];

		if (f->id == id) {
			*value = http_request_piece(r, f->value);
			return true;
		}
	}
	return false;
}

struct http_str http_request_field(const struct http_request *r, enum http_field_id id)
{
	struct http_str value = {NULL, 0};
	unsigned index = 0;

	http_request_next_field(r, id, &index, &value);
	return value;
}

unsigned http_request_field_count(const struct http_request *r, enum http_field_id id)
{
	unsigned count = 0;

	for (unsigned i = 0; i < r->field_count; i++)
		count += r->fields[i].id == id;
	return count;
}

/* ------------------------------------------------------------------ http-parser's callbacks */

static struct http_piece piece_of(const struct http_request *r, struct http_str s)
{
	return (struct http_piece){(uint16_t)(s.at - r->base), (uint16_t)s.len};
}

static int on_url(http_parser *p, const char *at, size_t len)
{
	const struct http_request *r = p->data;

	/* The gate has found the target's bounds too. */
	return at == r->base + r->target.at && len == r->target.len ? 0 : -1;
}

static int on_header_field(http_parser *p, const char *at, size_t len)
{
	struct http_request *r = p->data;

	if (r->head_parsed)
		return 0; /* a trailer field: dropped */
	r->pending = field_id(at, len);
	return 0;
}

static int on_header_value(http_parser *p, const char *at, size_t len)
{
	struct http_request *r = p->data;

	if (r->head_parsed)
		return 0;
	if (r->field_count == r->field_max)
		return -1; /* the gate has counted fewer */
	r->fields[r->field_count++] = (struct http_field){
		.value = piece_of(r, http_str_trim((struct http_str){at, len})),
		.id = (uint16_t)r->pending,
	};
	r->pending = HTTP_FIELD_OTHER;
	return 0;
}

static int on_headers_complete(http_parser *p)
{
	struct http_request *r = p->data;

	r->head_parsed = true;
	/* Upgrade is an offer that a server may ignore (RFC 9110 7.8), and CONNECT is refused:
	 * neither may end the message for http-parser before its content. */
	p->upgrade = 0;
	r->refusal = http_request_check(r);
	return r->refusal == HTTP_REFUSE_NONE ? 0 : -1;
}

static int on_message_complete(http_parser *p)
{
	struct http_request *r = p->data;

	r->complete = true;
	return 0;
}

static const http_parser_settings settings = {
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_headers_complete = on_headers_complete,
	.on_message_complete = on_message_complete,
};

/* ------------------------------------------------------------------ parsing */

/* RFC 9110 9.1: a method that is not recognized is answered with 501, one that is but not
 * allowed with 405. Known are those of RFC 9110 and RFC 5789; http-parser's list is longer. */
static bool method_known(struct http_str method)
{
	static const char *const known[] = {"GET",    "HEAD",    "OPTIONS", "POST", "PUT",
					    "DELETE", "CONNECT", "TRACE",   "PATCH"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (http_str_equal(method, known[i]))
			return true;
	return false;
}

/* http-parser found fault with the framing before on_headers_complete: say with what. */
static enum http_refusal refusal_of(const struct http_request *r)
{
	switch (HTTP_PARSER_ERRNO(&r->parser)) {
	case HPE_INVALID_CONTENT_LENGTH:
		return HTTP_REFUSE_BAD_LENGTH;
	case HPE_UNEXPECTED_CONTENT_LENGTH:
		/* at the value of the second field, or at the end of the head */
		return r->pending == HTTP_FIELD_CONTENT_LENGTH ? HTTP_REFUSE_MANY_LENGTHS
							       : HTTP_REFUSE_LENGTH_AND_CODING;
	case HPE_INVALID_URL:
		return HTTP_REFUSE_BAD_TARGET;
	default:
		return HTTP_REFUSE_NOT_PARSED;
	}
}

static enum http_refusal parse_head(struct http_request *r, const char *head, size_t len)
{
	size_t taken = http_parser_execute(&r->parser, &settings, head, len);

	if (r->refusal != HTTP_REFUSE_NONE)
		return r->refusal;
	if (HTTP_PARSER_ERRNO(&r->parser) != HPE_OK || taken != len || !r->head_parsed)
		return refusal_of(r);
	if (r->field_count != r->field_max)
		return HTTP_REFUSE_NOT_PARSED;

	/* Two readings of the framing must agree, or where the request ends is a matter of
	 * opinion. */
	bool chunked = (r->parser.flags & F_CHUNKED) != 0;
	if (chunked != r->chunked || r->complete == http_request_has_body(r))
		return HTTP_REFUSE_NOT_PARSED;
	if (!chunked && !r->complete && r->parser.content_length != r->content_length)
		return HTTP_REFUSE_NOT_PARSED;
	return HTTP_REFUSE_NONE;
}

bool http_request_parse(struct http_request *r, const char *base, const struct http_gate *g,
			enum http_refusal *refusal)
{
	*r = (struct http_request){
		.base = base,
		.field_max = g->fields,
		.pending = HTTP_FIELD_OTHER,
		.method = {(uint16_t)g->method_at, (uint16_t)g->method_len},
		.target = {(uint16_t)g->target_at, (uint16_t)g->target_len},
		.version = {(uint16_t)g->version_at, (uint16_t)g->version_len},
	};
	http_parser_init(&r->parser, HTTP_REQUEST);
	r->parser.data = r;

	if (g->major != 1 || g->minor > 1) {
		*refusal = HTTP_REFUSE_VERSION_UNSUPPORTED;
		return true;
	}
	if (!method_known(http_request_piece(r, r->method))) {
		*refusal = HTTP_REFUSE_UNKNOWN_METHOD;
		return true;
	}
	if (r->field_max > 0) {
		r->fields = calloc(r->field_max, sizeof(*r->fields));
		if (!r->fields)
			return false;
	}
	*refusal = parse_head(r, base + g->method_at, g->pos - g->method_at);
	return true;
}

void http_request_free(struct http_request *r)
{
	free(r->fields);
	*r = (struct http_request){0};
}

bool http_request_has_body(const struct http_request *r)
{
	return r->chunked || r->content_length > 0;
}

bool http_request_follow_body(struct http_request *r, const uint8_t *data, size_t len, bool end)
{
	size_t taken =
		len > 0 ? http_parser_execute(&r->parser, &settings, (const char *)data, len) : 0;

	return HTTP_PARSER_ERRNO(&r->parser) == HPE_OK && taken == len && r->complete == end;
}
