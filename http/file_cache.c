/* SPDX-License-Identifier: Apache-2.0 */
/* Files that were served lately: see file_cache.h. */
#include "http/file_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/watch.h"

/* Larger files are mapped a window at a time: the page tables are two bytes for each KiB. */
#define MAP_MAX (4ULL << 30)

struct http_cached {
	struct http_file_cache *cache; /* NULL: it is no longer found there, only held       */
	unsigned refs;                 /* those who hold it, and the cache                   */
	struct http_cached *next;      /* in the bucket                                      */
	struct http_cached *newer, *older;
	struct http_file file;      /* as it is given out, without `cached`               */
	struct http_watch_dir *dir; /* NULL: not watched                                  */
	time_t checked;
	unsigned lacks; /* HTTP_CODING_BIT of siblings that are not there     */
	uint8_t *content;
	struct http_map *map; /* of all of it, for whoever sends it from there; NULL: not yet */
	size_t cost;          /* bytes of memory                                    */
	char etag[HTTP_ETAG_SIZE];
	int root_fd;
	bool no_links;
	uint32_t hash;
	char name[];
};

struct http_file_cache {
	struct http_file_cache_config cfg;
	struct http_watch *watch; /* NULL: none is to be had */
	time_t now;
	uint32_t mask; /* of the buckets */
	struct http_cached **buckets, *newest, *oldest;
	struct http_file_cache_stats stats;
};

/* ------------------------------------------------------------------ entries */

static uint32_t hash_of(int root_fd, const char *name)
{
	uint32_t hash = 2166136261U ^ (uint32_t)root_fd;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619U;
	return hash ^ hash >> 16;
}

void http_cached_hold(struct http_cached *entry)
{
	entry->refs++;
}

void http_cached_release(struct http_cached *entry)
{
	if (--entry->refs > 0)
		return;
	if (entry->file.fd >= 0)
		close(entry->file.fd);
	http_map_unref(entry->map);
	free(entry->content);
	free(entry);
}

struct http_map *http_cached_map(struct http_cached *entry)
{
	if (!entry->map && entry->file.fd >= 0 && entry->file.size <= MAP_MAX)
		entry->map = http_map_all(entry->file.fd, entry->file.size);
	return entry->map ? http_map_ref(entry->map) : NULL;
}

static void unlink_used(struct http_file_cache *c, struct http_cached *entry)
{
	*(entry->newer ? &entry->newer->older : &c->newest) = entry->older;
	*(entry->older ? &entry->older->newer : &c->oldest) = entry->newer;
}

static void link_newest(struct http_file_cache *c, struct http_cached *entry)
{
	entry->newer = NULL;
	entry->older = c->newest;
	*(c->newest ? &c->newest->newer : &c->oldest) = entry;
	c->newest = entry;
}

/* From now on it is found no more. */
static void drop(struct http_file_cache *c, struct http_cached *entry)
{
	struct http_cached **at = &c->buckets[entry->hash & c->mask];

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	unlink_used(c, entry);
	c->stats.entries--;
	c->stats.bytes -= entry->cost;
	c->stats.descriptors -= entry->file.fd >= 0;
	if (entry->dir) {
		c->stats.watched--;
		http_watch_release(c->watch, entry->dir);
	}
	entry->cache = NULL;
	http_cached_release(entry);
}

static void drop_all(struct http_file_cache *c)
{
	while (c->oldest)
		drop(c, c->oldest);
}

static bool over_limits(const struct http_file_cache *c)
{
	return c->stats.entries > c->cfg.entries || c->stats.bytes > c->cfg.bytes ||
	       c->stats.descriptors > c->cfg.descriptors;
}

static void insert(struct http_file_cache *c, struct http_cached *entry)
{
	struct http_cached **bucket = &c->buckets[entry->hash & c->mask];

	entry->cache = c;
	entry->refs++;
	entry->next = *bucket;
	*bucket = entry;
	link_newest(c, entry);
	c->stats.entries++;
	c->stats.bytes += entry->cost;
	c->stats.descriptors += entry->file.fd >= 0;
	c->stats.watched += entry->dir != NULL;
	while (over_limits(c))
		drop(c, c->oldest);
}

static struct http_cached *look_up(const struct http_file_cache *c, struct http_root root,
				   const char *name)
{
	const uint32_t hash = hash_of(root.fd, name);
	struct http_cached *entry = c->buckets[hash & c->mask];

	while (entry && (entry->hash != hash || entry->root_fd != root.fd ||
			 entry->no_links != root.no_links || strcmp(entry->name, name) != 0))
		entry = entry->next;
	return entry;
}

/* ------------------------------------------------------------------ what changes */

static void drop_name(struct http_file_cache *c, int root_fd, const char *name)
{
	struct http_root root = {.fd = root_fd};

	for (int i = 0; i < 2; i++) {
		root.no_links = i > 0;
		struct http_cached *entry = look_up(c, root, name);
		if (entry)
			drop(c, entry);
	}
}

/* page.html.br has changed: what was known of it at page.html is no longer so. */
static void forget_sibling(struct http_file_cache *c, int root_fd, const char *name)
{
	const size_t len = strlen(name);
	struct http_root root = {.fd = root_fd};

	for (enum http_coding i = 0; i < HTTP_CODING_IDENTITY; i++) {
		const char *suffix = http_coding_suffix(i);
		const size_t cut = strlen(suffix);

		if (len <= cut || strcmp(name + len - cut, suffix) != 0)
			continue;
		char *stem = strndup(name, len - cut);
		for (int k = 0; stem && k < 2; k++) {
			root.no_links = k > 0;
			struct http_cached *entry = look_up(c, root, stem);
			if (entry)
				entry->lacks = 0;
		}
		if (!stem)
			drop_all(c);
		free(stem);
	}
}

static void on_changed(void *ctx, int root_fd, const char *name)
{
	struct http_file_cache *c = ctx;

	if (!name) {
		drop_all(c);
		return;
	}
	drop_name(c, root_fd, name);
	forget_sibling(c, root_fd, name);
}

void http_file_cache_refresh(struct http_file_cache *c)
{
	if (c->watch)
		http_watch_read(c->watch);
}

/* ------------------------------------------------------------------ making entries */

/* All of the file as it was at one time, or NULL. *file is then as new as can be. */
static uint8_t *read_content(struct http_file *file)
{
	const struct http_file before = *file;
	uint8_t *content = malloc(before.size ? before.size : 1);
	size_t len = 0;

	while (content && len < before.size) {
		const ssize_t got = pread(file->fd, content + len, before.size - len, (off_t)len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	if (content && http_file_refresh(file) && len == before.size &&
	    http_file_same(&before, file) && !http_file_fresh(file))
		return content;
	free(content);
	return NULL;
}

static struct http_cached *make_entry(const struct http_file_cache *c, struct http_root root,
				      const char *name, const struct http_file *file)
{
	const size_t len = strlen(name) + 1;
	struct http_cached *entry = calloc(1, sizeof(*entry) + len);

	if (!entry)
		return NULL;
	entry->refs = 1;
	entry->file = *file;
	entry->checked = c->now;
	entry->cost = sizeof(*entry) + len;
	entry->root_fd = root.fd;
	entry->no_links = root.no_links;
	entry->hash = hash_of(root.fd, name);
	memcpy(entry->name, name, len);
	http_etag_format(file, entry->etag);
	return entry;
}

static void give_out(struct http_cached *entry, struct http_file *file)
{
	entry->refs++;
	*file = entry->file;
	file->cached = entry;
}

/* The directories under watch, if that can be; and then the file still is what was opened. */
static struct http_watch_dir *watch(struct http_file_cache *c, struct http_root root,
				    const char *name, const struct http_file *file)
{
	struct http_watch_dir *dir;
	struct http_file present;
	bool fresh;

	if (!c->watch)
		return NULL;
	dir = http_watch_directory_of(c->watch, root, name, &fresh);
	if (dir && fresh &&
	    !(http_static_stat(root, name, &present) && http_file_same(&present, file))) {
		http_watch_release(c->watch, dir);
		dir = NULL;
	}
	return dir;
}

/* Keeps an opened file if it can be kept: then *file is the entry's. Else it stays as it is. */
static void keep(struct http_file_cache *c, struct http_root root, const char *name, bool linked,
		 struct http_file *file)
{
	struct http_watch_dir *dir = linked ? NULL : watch(c, root, name, file);
	/* One that would turn out most of the others is not small. */
	const bool small = file->size <= c->cfg.small && file->size <= c->cfg.bytes / 2;
	uint8_t *content = small ? read_content(file) : NULL;
	struct http_cached *entry = NULL;

	if (content || (!small && dir && c->cfg.descriptors > 0))
		entry = make_entry(c, root, name, file);
	if (!entry) {
		free(content);
		if (dir)
			http_watch_release(c->watch, dir);
		return;
	}
	entry->dir = dir;
	if (content) {
		close(file->fd);
		entry->file.fd = -1;
		entry->file.data = entry->content = content;
		entry->cost += (size_t)file->size;
	}
	insert(c, entry);
	give_out(entry, file);
	http_cached_release(entry);
}

/* Once a second each entry that is asked for is compared with what its path leads to. */
static bool still_true(struct http_file_cache *c, struct http_root root, struct http_cached *entry)
{
	struct http_file present;

	if (entry->checked == c->now)
		return true;
	if (!http_static_stat(root, entry->name, &present) ||
	    !http_file_same(&present, &entry->file))
		return false;
	entry->checked = c->now;
	entry->lacks = 0;
	return true;
}

enum http_find http_file_cache_find(struct http_file_cache *c, struct http_root root,
				    const char *name, struct http_file *file)
{
	struct http_cached *entry = look_up(c, root, name);
	enum http_find found;
	bool linked;

	if (entry && !still_true(c, root, entry)) {
		drop(c, entry);
		entry = NULL;
	}
	if (entry) {
		c->stats.hits++;
		unlink_used(c, entry);
		link_newest(c, entry);
		give_out(entry, file);
		return HTTP_FIND_FILE;
	}
	c->stats.misses++;
	found = http_static_open_file(root, name, file, &linked);
	if (found == HTTP_FIND_FILE)
		keep(c, root, name, linked, file);
	return found;
}

/* ------------------------------------------------------------------ the cache */

struct http_file_cache *http_file_cache_create(const struct http_file_cache_config *cfg)
{
	struct http_file_cache *c = calloc(1, sizeof(*c));
	size_t buckets = 16;

	if (!c)
		return NULL;
	while (buckets < cfg->entries && buckets < 1u << 20)
		buckets *= 2;
	c->cfg = *cfg;
	c->mask = (uint32_t)buckets - 1;
	c->buckets = calloc(buckets, sizeof(struct http_cached *));
	if (!c->buckets) {
		free(c);
		return NULL;
	}
	if (cfg->watches > 0)
		c->watch = http_watch_create(cfg->watches, on_changed, c);
	return c;
}

void http_file_cache_destroy(struct http_file_cache *c)
{
	if (!c)
		return;
	drop_all(c);
	http_watch_destroy(c->watch);
	free(c->buckets);
	free(c);
}

int http_file_cache_fd(const struct http_file_cache *c)
{
	return c->watch ? http_watch_fd(c->watch) : -1;
}

void http_file_cache_set_time(struct http_file_cache *c, time_t now)
{
	c->now = now;
}

void http_file_cache_stats(const struct http_file_cache *c, struct http_file_cache_stats *out)
{
	*out = c->stats;
}

const char *http_cached_etag(const struct http_cached *entry)
{
	return entry->etag;
}

bool http_cached_lacks(const struct http_cached *entry, enum http_coding coding)
{
	return entry->lacks & HTTP_CODING_BIT(coding);
}

/* An entry that nobody finds any more is not told of changes. */
void http_cached_set_lacks(struct http_cached *entry, enum http_coding coding)
{
	if (entry->cache)
		entry->lacks |= HTTP_CODING_BIT(coding);
}
