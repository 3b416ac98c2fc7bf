/* SPDX-License-Identifier: Apache-2.0 */
/* map.c — see map.h. */
#include "http/map.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Large enough that mapping costs little for each byte, small enough that a slow disk does not hold up the others. */
#define WINDOW (1u << 20)

static struct http_map *create(int fd, uint64_t offset, uint64_t len, int flags)
{
	struct http_map *map = malloc(sizeof(*map));

	if (!map)
		return NULL;
	void *base = mmap(NULL, len, PROT_READ, MAP_SHARED | flags, fd, (off_t)offset);
	if (base == MAP_FAILED) {
		free(map);
		return NULL;
	}
	*map = (struct http_map){.refs = 1, .base = base, .offset = offset, .len = len};
	return map;
}

struct http_map *http_map_create(int fd, uint64_t offset, uint64_t want)
{
	const uint64_t skip = offset % (uint64_t)sysconf(_SC_PAGESIZE);

	/* All pages at once, instead of a fault for every few. */
	return create(fd, offset - skip, want < WINDOW ? want + skip : WINDOW, MAP_POPULATE);
}

struct http_map *http_map_all(int fd, uint64_t size)
{
	return create(fd, 0, size, 0);
}

struct http_map *http_map_ref(struct http_map *map)
{
	map->refs++;
	return map;
}

void http_map_unref(void *owner)
{
	struct http_map *map = owner;

	if (!map || --map->refs > 0)
		return;
	munmap(map->base, map->len);
	free(map);
}
