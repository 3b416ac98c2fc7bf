/* SPDX-License-Identifier: Apache-2.0 */
/* serve_site.h — what a site does with a request before any file is looked for. */
#ifndef HTTP_SERVE_SITE_H
#define HTTP_SERVE_SITE_H

#include "http/request.h"
#include "http/response.h"

/* Sets what every response of the reply's site to this request has: its fields, and those of CORS. */
void http_serve_site_begin(struct http_reply *reply, const struct http_request *r);
/* Answers what the site's rules answer: http that is to be https, preflights, paths that are elsewhere. `path` is
 * the request's, decoded. False when the request is to go on. */
bool http_serve_site(struct http_response *s, struct http_reply *reply,
		     const struct http_request *r, const char *path);
/* Answers for a path whose password has not been shown. To be asked again where another name is served than the one that
 * was asked for, as of an index. False when the client may have it. */
bool http_serve_auth(struct http_response *s, struct http_reply *reply,
		     const struct http_request *r, const char *path);

#endif
