/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.h — a window of a file, mapped so that its bytes can be sent from the page cache.
 *
 * Only the kernel may read through the mapping: it finds out in an orderly way (EFAULT) that the file has become
 * shorter, where we would be killed (SIGBUS).
 */
#ifndef HTTP_MAP_H
#define HTTP_MAP_H

#include <stddef.h>
#include <stdint.h>

struct http_map {
	unsigned refs;
	uint8_t *base;
	uint64_t offset; /* in the file, of a page */
	size_t len;      /* bytes mapped           */
};

/* Maps at least the byte at `offset`, and up to `want` bytes from there. NULL when it cannot be done. */
struct http_map *http_map_create(int fd, uint64_t offset, uint64_t want);
/* Maps all of a file. Its pages are brought in as they are read. */
struct http_map *http_map_all(int fd, uint64_t size);
struct http_map *http_map_ref(struct http_map *map);
/* NULL is allowed. The last one unmaps. */
void http_map_unref(void *map);

#endif
