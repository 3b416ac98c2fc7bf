/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path.h — from the path of a URI to the name of a file below the root, and back.
 *
 * One decoding, then one normalisation, in this order: after it there is no "..", no ".", no empty
 * segment and no NUL, and nothing later decodes again. The kernel is told to stay beneath the root
 * as well (static.h): two fences, neither of which relies on the other.
 */
#ifndef HTTP_PATH_H
#define HTTP_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "http/buf.h"
#include "http/status.h"
#include "http/str.h"

/* As the kernel's PATH_MAX, with its NUL. */
#define HTTP_PATH_SIZE 4096

enum http_path_result {
	HTTP_PATH_OK,
	HTTP_PATH_REFUSED,  /* see *refusal                                     */
	HTTP_PATH_TOO_LONG, /* longer than a file name can be: there is no such */
};

/* Decodes %XX once and removes dot segments (RFC 3986 5.2.4) and empty ones: "/a//b/./../c%20d/"
 * becomes "/a/c d/". The result begins with '/', is terminated, and ends with '/' where the path
 * names a directory. An empty path is "/" (RFC 9110 4.2.3). Backslashes are ordinary. */
enum http_path_result http_path_decode(struct http_str raw, char out[HTTP_PATH_SIZE],
				       enum http_refusal *refusal);

/* Does a segment begin with a dot? Such files are not served, but for "/.well-known/" (RFC
 * 8615). */
bool http_path_hidden(const char *path);

/* Appends a decoded path as a URI path again: everything but '/' and pchar (RFC 3986 3.3) as
 * %XX. */
void http_path_encode(struct http_buf *out, const char *path);

#endif
