/* SPDX-License-Identifier: Apache-2.0 */
/*
 * static.h — opening the file that a path names, and never another.
 *
 * The kernel resolves the whole path in one openat2(2) with RESOLVE_BENEATH and
 * RESOLVE_NO_MAGICLINKS: a symbolic link is followed as long as it stays beneath the root; an
 * absolute one, or one that climbs out, is "not found". A root can also want none followed
 * (RESOLVE_NO_SYMLINKS). Where openat2 is missing (Linux before 5.6) or a container's seccomp
 * profile forbids it, the path is walked one component at a time with O_NOFOLLOW, and no symbolic
 * link is followed at all.
 *
 * Only regular files are served. O_NONBLOCK keeps the open of a FIFO from waiting for its other
 * end.
 */
#ifndef HTTP_STATIC_H
#define HTTP_STATIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_resolver {
	HTTP_RESOLVE_BENEATH, /* openat2 */
	HTTP_RESOLVE_WALK,    /* component by component, without symbolic links */
};

/* Asks the kernel which one works for this root. -1 when root_fd is no directory (errno says
 * why). */
int http_resolver_probe(int root_fd, enum http_resolver *resolver);

struct http_file_cache;
struct http_cached;

struct http_file {
	int fd; /* -1: the content is `data` */
	uint64_t size;
	int64_t mtime;     /* seconds since 1970      */
	uint32_t mtime_ns; /* and nanoseconds         */
	uint64_t inode, device;
	int64_t ctime; /* of the last change of anything, the owner's and the name's included */
	uint32_t ctime_ns;
	const uint8_t *data;
	struct http_cached *cached; /* whose fd or data it is (file_cache.h); NULL: its own */
};

enum http_find {
	HTTP_FIND_FILE,      /* opened: http_file_close it, or make it a source       */
	HTTP_FIND_DIRECTORY, /* a directory, and the path has no slash at its end     */
	HTTP_FIND_NO_INDEX,  /* a directory without an index file                     */
	HTTP_FIND_NOTHING,
	HTTP_FIND_DENIED, /* permissions                                           */
	HTTP_FIND_BUSY,   /* descriptors or memory are short at present            */
	HTTP_FIND_FAILED, /* the disk, most likely                                 */
};

/* A directory that paths are below, and how. */
struct http_root {
	int fd;
	enum http_resolver resolver;
	bool no_links; /* no symbolic link is followed, not even one that stays beneath */
	struct http_file_cache *cache; /* NULL: none */
};

/* `path` comes from http_path_decode. For one that ends with '/' the first of `index` (NULL at the
 * end) that is a file there is opened, and *index_name says which. */
enum http_find http_static_find(struct http_root root, const char *path, const char *const *index,
				struct http_file *file, const char **index_name);

/* The steps below that, for who keeps files (file_cache.h). `name` is relative to the root. */
int http_static_open(struct http_root root, const char *name, int flags);
/* Opens one regular file, without any cache. *linked (NULL: it does not matter) is set to whether a symbolic
 * link is on its path, as far as links are followed at all. */
enum http_find http_static_open_file(struct http_root root, const char *name,
				     struct http_file *file, bool *linked);
/* The present state of what `name` is, in a file without descriptor; false when it cannot be said. */
bool http_static_stat(struct http_root root, const char *name, struct http_file *file);
/* Reads what there is to know of an open descriptor again. */
bool http_file_refresh(struct http_file *file);
/* Is that one and the same file in the same state? */
bool http_file_same(const struct http_file *a, const struct http_file *b);

/* Is its last change so recent that another one could look the same? Also when it is in the future: then
 * the file system has another clock. */
bool http_file_fresh(const struct http_file *file);

/* Opens the directory of a path that ends with '/', to be read. The descriptor, or -1 with *why. */
int http_static_open_directory(struct http_root root, const char *path, enum http_find *why);

/* Gives back what http_static_find has found. */
void http_file_close(struct http_file *file);

/* A strong entity-tag, with its quotes (RFC 9110 8.8.3): of the time of change, the size and the
 * inode, so that a file put in place by rename within one tick of the clock still differs. */
#define HTTP_ETAG_SIZE 96
void http_etag_format(const struct http_file *file, char out[HTTP_ETAG_SIZE]);
/* Puts "-word" before the closing quote: every representation needs a tag of its own (RFC 9110
 * 8.8.3.3). There is room for a coding and sixteen digits. */
void http_etag_add(char etag[HTTP_ETAG_SIZE], const char *word);

#endif
