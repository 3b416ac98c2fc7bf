/* SPDX-License-Identifier: Apache-2.0 */
/* serve_file.h — the response to a request for a file that was found. */
#ifndef HTTP_SERVE_FILE_H
#define HTTP_SERVE_FILE_H

#include "http/request.h"
#include "http/response.h"

/* Representation, preconditions, ranges, fields, content, in the order of RFC 9110 12 and 13.2.2. `name`
 * is the file's whole path below the root of the reply's site. Takes over the file. */
void http_serve_file(struct http_response *s, const struct http_reply *reply,
		     const struct http_request *r, const char *name, struct http_file *file);

#endif
