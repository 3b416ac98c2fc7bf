/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cors.h — whose pages may read a site's files (the Fetch standard's CORS protocol).
 *
 * With a list of origins the answer depends on who asks, so every response of the site says Vary: Origin. With `*` it
 * is the same for all.
 */
#ifndef HTTP_CORS_H
#define HTTP_CORS_H

#include "http/request.h"
#include "http/str.h"

struct http_cors {
	bool any;      /* `*`                                          */
	char **origin; /* serialized, "https://app.example.org:8443"   */
	size_t count;
};

/* Reads origins, or `*`, with blanks between, and appends them. False, with the reason in *why, when one is none. */
bool http_cors_add(struct http_cors *cors, const char *line, const char **why);
void http_cors_free(struct http_cors *cors);

/* Names of request fields with commas between, or `*`. */
bool http_cors_headers_valid(const char *text);

/* The request's Origin if it is one of the list; `at` is NULL otherwise, and with `*`. */
struct http_str http_cors_origin(const struct http_cors *cors, const struct http_request *r);
/* Is this what a browser asks before the request proper? */
bool http_cors_is_preflight(const struct http_request *r);

#endif
