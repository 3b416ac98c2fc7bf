/* SPDX-License-Identifier: Apache-2.0 */
/* serve.h — decides and writes the response to a request that was read whole. */
#ifndef HTTP_SERVE_H
#define HTTP_SERVE_H

#include "http/request.h"
#include "http/response.h"

/* The methods that files have. */
#define HTTP_ALLOW "GET, HEAD, OPTIONS"

/* The answer that method and expectation decide alone, whatever the target: 405, 417; 0 when
 * none. */
int http_serve_early(const struct http_request *r);
/* Writes the whole response; reply->close may become true. */
void http_serve(struct http_response *s, struct http_reply *reply, const struct http_request *r);
/* Writes the response to what cannot be served as a request at all. */
void http_serve_refusal(struct http_response *s, struct http_reply *reply,
			enum http_refusal refusal);
/* An error page with what its status requires: Allow in a 405, Retry-After in a 503. `text`: see
 * http_response_page. */
void http_serve_page(struct http_response *s, const struct http_reply *reply, int status,
		     const char *text);

#endif
