/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_cache.h — files that were served lately: small ones in memory, larger ones as an open descriptor.
 *
 * An entry is what a path led to. It is given up when a watch tells that something on the path has
 * changed (watch.h), and looked at again once in a second of the owner's clock in any case. Then it is
 * found anew; nothing is ever put right in place, so whoever still sends an old content goes on with it.
 *
 * What is in memory is one version of the file, never parts of two: it is kept only when size and times
 * were the same before and after it was read, and when the last change is old enough for the file
 * system's clock to have ticked since.
 *
 * A descriptor is kept only under watch: it would hold the space of a deleted file.
 */
#ifndef HTTP_FILE_CACHE_H
#define HTTP_FILE_CACHE_H

#include <time.h>

#include "http/encoding.h"
#include "http/http.h"
#include "http/map.h"
#include "http/static.h"

/* NULL when memory is short. Without inotify it works, by looking once a second. */
struct http_file_cache *http_file_cache_create(const struct http_file_cache_config *cfg);
/* Contents that are still being sent live on until they are released. */
void http_file_cache_destroy(struct http_file_cache *cache);
/* Readable when files have changed; -1: the system gives no inotify. */
int http_file_cache_fd(const struct http_file_cache *cache);
/* Takes notice of all changes up to now. */
void http_file_cache_refresh(struct http_file_cache *cache);
/* What time it is: any clock of seconds. */
void http_file_cache_set_time(struct http_file_cache *cache, time_t now);

/* The same as http_static_open_file. The file may be the cache's: http_file_close gives it back. */
enum http_find http_file_cache_find(struct http_file_cache *cache, struct http_root root,
				    const char *name, struct http_file *file);

/* Holds an entry once more; each is undone by one release. */
void http_cached_hold(struct http_cached *entry);
void http_cached_release(struct http_cached *entry);
/* The whole file, mapped; a reference of it. NULL when it is not to be had so. */
struct http_map *http_cached_map(struct http_cached *entry);
/* The entity-tag of the file itself. */
const char *http_cached_etag(const struct http_cached *entry);
/* Is it known that the file has no sibling of this coding that counts (represent.h)? */
bool http_cached_lacks(const struct http_cached *entry, enum http_coding coding);
void http_cached_set_lacks(struct http_cached *entry, enum http_coding coding);

struct http_file_cache_stats {
	unsigned entries, watched, descriptors;
	size_t bytes;
	uint64_t hits, misses;
};
void http_file_cache_stats(const struct http_file_cache *cache, struct http_file_cache_stats *out);

#endif
