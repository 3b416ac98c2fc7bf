/* SPDX-License-Identifier: Apache-2.0 */
/* mime.h — the Content-Type of a file, by the extension of its name (RFC 9110 8.3). */
#ifndef HTTP_MIME_H
#define HTTP_MIME_H

#include <stdbool.h>
#include <stddef.h>

#include "http/mime_table.h"

/* What a file is when nothing else is known of it: browsers then save it. */
#define HTTP_MIME_DEFAULT "application/octet-stream"

struct http_mime {
	const char *extension; /* lower case, without the dot */
	const char *type;      /* with its charset where it is text */
};

/* The media type for a path or a name; case of the extension does not matter. `table` is asked before or after what is
 * built in, NULL: not at all. Never NULL. */
const char *http_mime_type(const struct http_mime_table *table, const char *path);
/* Is a file of this name and type compressed as it is, so that nobody would compress it again? */
bool http_mime_packed(const char *path, const char *type);
/* Is it of a type that gets much smaller? */
bool http_mime_compressible(const char *type);
/* The i-th line of the table, which is sorted by extension; NULL past its end. */
const struct http_mime *http_mime_entry(size_t i);

#endif
