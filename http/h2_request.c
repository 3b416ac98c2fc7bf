/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a stream become a request: see h2_request.h. */
#include "http/h2_request.h"

#include <stdlib.h>

/* As gate.c has it. */
#define METHOD_MAX 32
/* RFC 9113 6.5.2: what each field counts beside its name and value. */
#define FIELD_OVERHEAD 32

/* ------------------------------------------------------------------ keeping */

static bool grow_text(struct h2_request *h, size_t want)
{
	size_t cap = h->cap ? h->cap : 256;
	char *grown;

	while (cap < want)
		cap *= 2;
	if (cap == h->cap)
		return true;
	grown = realloc(h->text, cap);
	if (!grown)
		return false;
	h->text = grown;
	h->cap = cap;
	h->r.base = grown;
	return true;
}

/* Offsets fit 16 bits: each piece takes less than it counts of max_head, which is at most HTTP_HEAD_MAX. */
static bool keep(struct h2_request *h, struct http_str s, struct http_piece *piece)
{
	if (!grow_text(h, h->len + s.len + 1))
		return false;
	*piece = (struct http_piece){(uint16_t)h->len, (uint16_t)s.len};
	if (s.len > 0)
		memcpy(h->text + h->len, s.at, s.len);
	h->len += s.len;
	h->text[h->len++] = '\0';
	return true;
}

static bool keep_field(struct h2_request *h, enum http_field_id id, struct http_str value)
{
	struct http_request *r = &h->r;
	struct http_field field = {.id = (uint16_t)id};

	if (r->field_count == r->field_max) {
		const unsigned max = r->field_max ? r->field_max * 2 : 8;
		struct http_field *grown = realloc(r->fields, max * sizeof(*grown));

		if (!grown)
			return false;
		r->fields = grown;
		r->field_max = max;
	}
	if (!keep(h, http_str_trim(value), &field.value))
		return false;
	r->fields[r->field_count++] = field;
	return true;
}

static void refuse(struct h2_request *h, enum http_refusal refusal)
{
	if (h->refusal == HTTP_REFUSE_NONE)
		h->refusal = refusal;
}

static bool keep_pseudo(struct h2_request *h, const struct http_gate_limits *limits,
			struct http_str name, struct http_str value)
{
	struct http_request *r = &h->r;

	if (http_str_equal(name, ":method")) {
		if (value.len > METHOD_MAX) {
			refuse(h, HTTP_REFUSE_METHOD_TOO_LONG);
			return true;
		}
		return keep(h, value, &r->method);
	}
	if (http_str_equal(name, ":path"))
		return value.len > limits->max_target || keep(h, value, &r->target);
	if (http_str_equal(name, ":authority"))
		return keep(h, value, &r->authority);
	if (http_str_equal(name, ":scheme"))
		return keep(h, value, &h->scheme);
	return true; /* nghttp2 knows no other */
}

bool h2_request_field(struct h2_request *h, const struct http_gate_limits *limits,
		      struct http_str name, struct http_str value)
{
	const bool pseudo = name.len > 0 && name.at[0] == ':';

	h->list_size += name.len + value.len + FIELD_OVERHEAD;
	h->seen += !pseudo;
	if (pseudo && http_str_equal(name, ":path") && value.len > limits->max_target)
		refuse(h, HTTP_REFUSE_TARGET_TOO_LONG);
	if (h->list_size > limits->max_head)
		refuse(h, HTTP_REFUSE_HEAD_TOO_LARGE);
	if (h->seen > limits->max_fields)
		refuse(h, HTTP_REFUSE_TOO_MANY_FIELDS);
	if (h->list_size > limits->max_head || h->seen > limits->max_fields)
		return true;
	if (pseudo)
		return keep_pseudo(h, limits, name, value);

	const enum http_field_id id = http_field_id_of(name.at, name.len);
	return id == HTTP_FIELD_OTHER || keep_field(h, id, value);
}

/* ------------------------------------------------------------------ the whole */

/* RFC 9113 8.3.1: a Host field that differs from :authority SHOULD be treated as malformed; user information
 * is not allowed, and http_host_valid takes none. nghttp2 has seen that one of them is there, and Host at most
 * once. */
static enum http_refusal check_host(const struct http_request *r)
{
	const struct http_str host = http_request_field(r, HTTP_FIELD_HOST);
	const struct http_str authority = http_request_piece(r, r->authority);

	if (r->authority.len > 0 && memchr(authority.at, '@', authority.len))
		return HTTP_REFUSE_USERINFO;
	if (!http_host_valid(r->authority.len > 0 ? authority : host))
		return HTTP_REFUSE_BAD_HOST;
	if (host.at && r->authority.len > 0 && !http_str_equal_nocase(host, authority))
		return HTTP_REFUSE_HOST_MISMATCH;
	return HTTP_REFUSE_NONE;
}

/* The same bytes as gate.c lets through: visible ASCII without '#'. */
static enum http_refusal check_target(struct h2_request *h)
{
	struct http_request *r = &h->r;
	const struct http_str target = http_request_piece(r, r->target);

	if (memchr(target.at, '#', target.len))
		return HTTP_REFUSE_FRAGMENT;
	for (size_t i = 0; i < target.len; i++)
		if (target.at[i] <= 0x20 || target.at[i] >= 0x7f)
			return HTTP_REFUSE_BAD_TARGET;
	if (http_str_equal(target, "*"))
		return r->method_id == HTTP_METHOD_OPTIONS ? HTTP_REFUSE_NONE
							   : HTTP_REFUSE_TARGET_FORM;
	if (target.len == 0 || target.at[0] != '/')
		return HTTP_REFUSE_TARGET_FORM;
	http_request_set_path(r, r->target.at, (size_t)r->target.at + r->target.len);
	return HTTP_REFUSE_NONE;
}

static enum http_refusal check(struct h2_request *h)
{
	struct http_request *r = &h->r;
	const struct http_str scheme = http_request_piece(r, h->scheme);
	enum http_refusal refusal;

	if (r->method_id == HTTP_METHOD_UNKNOWN)
		return HTTP_REFUSE_UNKNOWN_METHOD;
	/* nghttp2 compares the length with the content, and takes no Content-Length that is no number. */
	if (http_request_field_count(r, HTTP_FIELD_CONTENT_LENGTH) > 0 &&
	    !http_str_number(http_request_field(r, HTTP_FIELD_CONTENT_LENGTH), &r->content_length))
		return HTTP_REFUSE_BAD_LENGTH;
	/* RFC 9113 8.5: CONNECT has an :authority and nothing else. */
	if (r->method_id == HTTP_METHOD_CONNECT)
		return check_host(r);
	/* What else could be fetched here is no matter of ours: we are nobody's proxy. How the request came is
	 * the connection's to know. */
	r->https = http_str_is(scheme, "https");
	if (!r->https && !http_str_is(scheme, "http"))
		return HTTP_REFUSE_TARGET_FORM;
	refusal = check_target(h);
	return refusal != HTTP_REFUSE_NONE ? refusal : check_host(r);
}

enum http_refusal h2_request_end(struct h2_request *h)
{
	struct http_request *r = &h->r;

	r->major = 2;
	r->keep_alive = true;
	if (!grow_text(h, 1))
		return HTTP_REFUSE_HEAD_TOO_LARGE;
	r->method_id = http_method_id_of(http_request_piece(r, r->method));
	if (h->refusal == HTTP_REFUSE_NONE)
		h->refusal = check(h);
	if (h->refusal == HTTP_REFUSE_NONE)
		http_request_read_expect(r);
	return h->refusal;
}

void h2_request_free(struct h2_request *h)
{
	http_request_free(&h->r);
	free(h->text);
	*h = (struct h2_request){0};
}

const char *h2_request_string(const struct h2_request *h, struct http_piece piece)
{
	return piece.len > 0 ? h->text + piece.at : NULL;
}

const char *h2_request_field_string(const struct h2_request *h, enum http_field_id id)
{
	return h->text ? http_request_field(&h->r, id).at : NULL;
}
