/* SPDX-License-Identifier: Apache-2.0 */
/*
 * represent.h — which representation of a file a request gets: the file, or one that is compressed.
 *
 * Compressed ones are the file's siblings: page.html.br, .zst and .gz beside page.html. A sibling counts
 * when it is a regular file and not older than the file itself, in whole seconds: not every tool that
 * compresses keeps the fractions. It is the same resource under another coding (RFC 9110 8.4): the
 * type is the file's, validators and ranges are the sibling's own.
 *
 * Where no sibling serves, one is made in the background (variants.h), for those who come later.
 */
#ifndef HTTP_REPRESENT_H
#define HTTP_REPRESENT_H

#include "http/encoding.h"
#include "http/response.h"
#include "http/static.h"

struct http_representation {
	const char *type;
	enum http_coding coding;
	bool vary;     /* there are or may be others: it depends on Accept-Encoding      */
	uint64_t size; /* bytes                                                          */
	int64_t mtime; /* seconds since 1970                                             */
	char etag[HTTP_ETAG_SIZE];
	struct http_source source; /* the caller's */
};

/* Takes over `file`, whose whole path below the site's root is `name`. False when none that there is
 * is acceptable to the client (406): then `out` holds no source, and only `vary` is set. */
bool http_represent(const struct http_reply *reply, const struct http_request *r, const char *name,
		    struct http_file *file, struct http_representation *out);

#endif
