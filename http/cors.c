/* SPDX-License-Identifier: Apache-2.0 */
/* Origins: see cors.h. */
#include "http/cors.h"

#include <stdlib.h>

#include "http/words.h"

static const char not_allowed[] =
	"it takes *, or origins as browsers send them: https://app.example.org, "
	"in small letters, with the port unless it is the usual one, without a path";

/* RFC 6454 6.2 and the URL standard: no capitals, no port that the scheme implies, nothing behind it. */
static bool origin_valid(struct http_str o)
{
	static const struct {
		const char *scheme, *port;
	} web[] = {{"https://", ":443"}, {"http://", ":80"}};

	for (size_t i = 0; i < o.len; i++)
		if (o.at[i] >= 'A' && o.at[i] <= 'Z')
			return false;
	for (size_t i = 0; i < sizeof(web) / sizeof(web[0]); i++) {
		const size_t len = strlen(web[i].scheme), port = strlen(web[i].port);

		if (o.len <= len || memcmp(o.at, web[i].scheme, len) != 0)
			continue;
		if (o.len > len + port && memcmp(o.at + o.len - port, web[i].port, port) == 0)
			return false;
		return o.at[o.len - 1] != ':' &&
		       http_host_valid((struct http_str){o.at + len, o.len - len});
	}
	return false;
}

static bool add_origin(struct http_cors *cors, struct http_str origin)
{
	char **grown = realloc(cors->origin, (cors->count + 1) * sizeof(*grown));

	if (!grown)
		return false;
	cors->origin = grown;
	grown[cors->count] = strndup(origin.at, origin.len);
	return grown[cors->count++] != NULL;
}

bool http_cors_add(struct http_cors *cors, const char *line, const char **why)
{
	struct http_str rest = {line, strlen(line)}, word;

	while (http_word_next(&rest, &word)) {
		if (http_str_equal(word, "*")) {
			cors->any = true;
		} else if (!origin_valid(word)) {
			*why = not_allowed;
			return false;
		} else if (!add_origin(cors, word)) {
			*why = "out of memory";
			return false;
		}
	}
	*why = cors->any ? "* and origins exclude each other" : not_allowed;
	return cors->any != (cors->count > 0);
}

void http_cors_free(struct http_cors *cors)
{
	for (size_t i = 0; i < cors->count; i++)
		free(cors->origin[i]);
	free(cors->origin);
	*cors = (struct http_cors){0};
}

bool http_cors_headers_valid(const char *text)
{
	struct http_str rest = {text, strlen(text)}, item;
	unsigned count = 0;

	for (; http_list_next(&rest, &item); count++)
		if (!http_is_token(item))
			return false;
	return count > 0;
}

struct http_str http_cors_origin(const struct http_cors *cors, const struct http_request *r)
{
	const struct http_str origin = http_request_field(r, HTTP_FIELD_ORIGIN);

	/* Byte for byte: both are serialized. Two of them are nobody's. */
	for (size_t i = 0; origin.at && i < cors->count; i++)
		if (http_str_equal(origin, cors->origin[i]) &&
		    http_request_field_count(r, HTTP_FIELD_ORIGIN) == 1)
			return origin;
	return (struct http_str){NULL, 0};
}

bool http_cors_is_preflight(const struct http_request *r)
{
	return r->method_id == HTTP_METHOD_OPTIONS &&
	       http_request_field_count(r, HTTP_FIELD_ORIGIN) == 1 &&
	       http_request_field_count(r, HTTP_FIELD_REQUEST_METHOD) == 1;
}
