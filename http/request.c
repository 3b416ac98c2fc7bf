/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a request: see request.h. */
#include "http/request.h"

#include <stdlib.h>

/* ------------------------------------------------------------------ fields */

enum http_field_id http_field_id_of(const char *name, size_t len)
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

enum http_method_id http_method_id_of(struct http_str method)
{
	static const char *const others[] = {"POST", "PUT", "DELETE", "TRACE", "PATCH"};

	if (http_str_equal(method, "GET"))
		return HTTP_METHOD_GET;
	if (http_str_equal(method, "HEAD"))
		return HTTP_METHOD_HEAD;
	if (http_str_equal(method, "OPTIONS"))
		return HTTP_METHOD_OPTIONS;
	if (http_str_equal(method, "CONNECT"))
		return HTTP_METHOD_CONNECT;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (http_str_equal(method, others[i]))
			return HTTP_METHOD_KNOWN;
	return HTTP_METHOD_UNKNOWN;
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

bool http_request_has_body(const struct http_request *r)
{
	return r->chunked || r->content_length > 0;
}

struct http_str http_request_host(const struct http_request *r)
{
	return r->authority.len > 0 ? http_request_piece(r, r->authority)
				    : http_request_field(r, HTTP_FIELD_HOST);
}

void http_request_free(struct http_request *r)
{
	free(r->fields);
	*r = (struct http_request){0};
}
