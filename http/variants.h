/* SPDX-License-Identifier: Apache-2.0 */
/*
 * variants.h — compressed variants of files that have no siblings: made once, in the background, and kept
 * as long as there is room.
 *
 * A variant belongs to a state of a file: device, inode, size and times, not a name. A file that changes
 * has another state; the old variants are found no more, and leave as the least used.
 *
 * The content is nobody's secret and nothing of the request is in it, so that compressing it tells a
 * listener nothing (the attack called BREACH needs both).
 */
#ifndef HTTP_VARIANTS_H
#define HTTP_VARIANTS_H

#include "http/encoding.h"
#include "http/response.h"
#include "http/static.h"

/* Below it compressing saves no packet; above it takes long, and much memory. */
#define HTTP_VARIANT_MIN 1024
#define HTTP_VARIANT_MAX (8 * 1024 * 1024)

struct http_variants;

/* At most `bytes` of memory. NULL with errno. */
struct http_variants *http_variants_create(size_t bytes);
/* Variants that are being sent live on. */
void http_variants_destroy(struct http_variants *v);
/* Readable when http_variants_collect has something to do. */
int http_variants_fd(const struct http_variants *v);
/* Takes what was compressed since. Never waits. */
void http_variants_collect(struct http_variants *v);

/* A digest of the variant's bytes, for its entity-tag: 16 digits. Another version of a library may give
 * other bytes for the same file. */
#define HTTP_VARIANT_DIGEST_SIZE 17

/* The variant of a file, as a source that the caller releases; false when there is none, yet. */
bool http_variants_get(struct http_variants *v, const struct http_file *file,
		       enum http_coding coding, struct http_source *source,
		       char digest[HTTP_VARIANT_DIGEST_SIZE]);
/* Has it made, unless it is there, under way or known to be of no use. The file stays the caller's. */
void http_variants_want(struct http_variants *v, const struct http_file *file,
			enum http_coding coding);

struct http_variants_stats {
	unsigned entries;
	size_t bytes;
	uint64_t made, poor, failed, refused; /* refused: too many wait */
};
void http_variants_stats(const struct http_variants *v, struct http_variants_stats *out);

#endif
