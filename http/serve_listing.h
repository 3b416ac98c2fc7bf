/* SPDX-License-Identifier: Apache-2.0 */
/* serve_listing.h — the response to a request for a directory that is listed. */
#ifndef HTTP_SERVE_LISTING_H
#define HTTP_SERVE_LISTING_H

#include "http/request.h"
#include "http/response.h"

/* HTML, or JSON for who likes that better or asks for it with "?format=json"; sorted as "?sort=" and
 * "?order=" say. `path` is decoded and ends with '/'. */
void http_serve_listing(struct http_response *s, struct http_reply *reply,
			const struct http_request *r, const char *path);

#endif
