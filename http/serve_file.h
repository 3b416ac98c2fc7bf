/* SPDX-License-Identifier: Apache-2.0 */
/* serve_file.h — the response to a request for a file that was found. */
#ifndef HTTP_SERVE_FILE_H
#define HTTP_SERVE_FILE_H

#include "http/request.h"
#include "http/response.h"

/* Preconditions, ranges, fields, content, in the order of RFC 9110 13.2.2. `name` has the extension
 * by which the type is known. Takes the file's descriptor. */
void http_serve_file(struct http_response *s, const struct http_reply *reply,
		     const struct http_request *r, const char *name, const struct http_file *file);

#endif
