/* SPDX-License-Identifier: Apache-2.0 */
/* A request through http-parser: see h1_request.h. */
#include "http/h1_request.h"

#include <stdlib.h>

/* ------------------------------------------------------------------ http-parser's callbacks */

static struct http_piece piece_of(const struct http_request *r, struct http_str s)
{
	return (struct http_piece){(uint16_t)(s.at - r->base), (uint16_t)s.len};
}

static int on_url(http_parser *p, const char *at, size_t len)
{
	const struct h1_request *h = p->data;
	const struct http_request *r = &h->r;

	/* The gate has found the target's bounds too. */
	return at == r->base + r->target.at && len == r->target.len ? 0 : -1;
}

static int on_header_field(http_parser *p, const char *at, size_t len)
{
	struct h1_request *h = p->data;

	if (h->head_parsed)
		return 0; /* a trailer field: dropped */
	h->pending = http_field_id_of(at, len);
	return 0;
}

static int on_header_value(http_parser *p, const char *at, size_t len)
{
	struct h1_request *h = p->data;
	struct http_request *r = &h->r;

	if (h->head_parsed)
		return 0;
	if (r->field_count == r->field_max)
		return -1; /* the gate has counted fewer */
	r->fields[r->field_count++] = (struct http_field){
		.value = piece_of(r, http_str_trim((struct http_str){at, len})),
		.id = (uint16_t)h->pending,
	};
	h->pending = HTTP_FIELD_OTHER;
	return 0;
}

static int on_headers_complete(http_parser *p)
{
	struct h1_request *h = p->data;

	h->head_parsed = true;
	/* Upgrade is an offer that a server may ignore (RFC 9110 7.8), and CONNECT is refused:
	 * neither may end the message for http-parser before its content. */
	p->upgrade = 0;
	h->refusal = http_request_check(&h->r);
	return h->refusal == HTTP_REFUSE_NONE ? 0 : -1;
}

static int on_message_complete(http_parser *p)
{
	struct h1_request *h = p->data;

	h->complete = true;
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

/* http-parser found fault with the framing before on_headers_complete: say with what. */
static enum http_refusal refusal_of(const struct h1_request *h)
{
	switch (HTTP_PARSER_ERRNO(&h->parser)) {
	case HPE_INVALID_CONTENT_LENGTH:
		return HTTP_REFUSE_BAD_LENGTH;
	case HPE_UNEXPECTED_CONTENT_LENGTH:
		/* at the value of the second field, or at the end of the head */
		return h->pending == HTTP_FIELD_CONTENT_LENGTH ? HTTP_REFUSE_MANY_LENGTHS
							       : HTTP_REFUSE_LENGTH_AND_CODING;
	case HPE_INVALID_URL:
		return HTTP_REFUSE_BAD_TARGET;
	default:
		return HTTP_REFUSE_NOT_PARSED;
	}
}

static enum http_refusal parse_head(struct h1_request *h, const char *head, size_t len)
{
	const struct http_request *r = &h->r;
	size_t taken = http_parser_execute(&h->parser, &settings, head, len);

	if (h->refusal != HTTP_REFUSE_NONE)
		return h->refusal;
	if (HTTP_PARSER_ERRNO(&h->parser) != HPE_OK || taken != len || !h->head_parsed)
		return refusal_of(h);
	if (r->field_count != r->field_max)
		return HTTP_REFUSE_NOT_PARSED;

	/* Two readings of the framing must agree, or where the request ends is a matter of
	 * opinion. */
	bool chunked = (h->parser.flags & F_CHUNKED) != 0;
	if (chunked != r->chunked || h->complete == http_request_has_body(r))
		return HTTP_REFUSE_NOT_PARSED;
	if (!chunked && !h->complete && h->parser.content_length != r->content_length)
		return HTTP_REFUSE_NOT_PARSED;
	return HTTP_REFUSE_NONE;
}

bool h1_request_parse(struct h1_request *h, const char *base, const struct http_gate *g,
		      enum http_refusal *refusal)
{
	struct http_request *r = &h->r;

	*h = (struct h1_request){.pending = HTTP_FIELD_OTHER};
	*r = (struct http_request){
		.base = base,
		.field_max = g->fields,
		.major = g->major,
		.minor = g->minor,
		.method = {(uint16_t)g->method_at, (uint16_t)g->method_len},
		.target = {(uint16_t)g->target_at, (uint16_t)g->target_len},
		.version = {(uint16_t)g->version_at, (uint16_t)g->version_len},
	};
	http_parser_init(&h->parser, HTTP_REQUEST);
	h->parser.data = h;

	if (g->major != 1 || g->minor > 1) {
		*refusal = HTTP_REFUSE_VERSION_UNSUPPORTED;
		return true;
	}
	r->method_id = http_method_id_of(http_request_piece(r, r->method));
	if (r->method_id == HTTP_METHOD_UNKNOWN) {
		*refusal = HTTP_REFUSE_UNKNOWN_METHOD;
		return true;
	}
	if (r->field_max > 0) {
		r->fields = calloc(r->field_max, sizeof(*r->fields));
		if (!r->fields)
			return false;
	}
	*refusal = parse_head(h, base + g->method_at, g->pos - g->method_at);
	return true;
}

bool h1_request_follow_body(struct h1_request *h, const uint8_t *data, size_t len, bool end)
{
	size_t taken =
		len > 0 ? http_parser_execute(&h->parser, &settings, (const char *)data, len) : 0;

	return HTTP_PARSER_ERRNO(&h->parser) == HPE_OK && taken == len && h->complete == end;
}
