/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and sorting directories: see listing.h. */
#include "http/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/path.h"

#define ROOM_FIRST 64

const char *http_listing_name(const struct http_listing *l, size_t i)
{
	return l->names.data + l->entries[i].name;
}

void http_listing_free(struct http_listing *l)
{
	free(l->entries);
	http_buf_free(&l->names);
	*l = (struct http_listing){0};
}

/* ------------------------------------------------------------------ reading */

struct reader {
	struct http_listing *listing;
	const struct http_site *site;
	const char *path; /* of the directory */
	int fd;
};

static bool make_room(struct http_listing *l)
{
	const size_t room = l->room ? 2 * l->room : ROOM_FIRST;
	struct http_entry *grown;

	if (l->count < l->room)
		return true;
	grown = realloc(l->entries, room * sizeof(*grown));
	if (!grown)
		return false;
	l->entries = grown;
	l->room = room;
	return true;
}

static bool add(struct http_listing *l, const char *name, const struct stat *st)
{
	if (!make_room(l))
		return false;
	l->entries[l->count] = (struct http_entry){
		.name = l->names.len,
		.size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
		.mtime = st->st_mtim.tv_sec,
		.directory = S_ISDIR(st->st_mode),
	};
	http_buf_append(&l->names, name, strlen(name) + 1);
	if (l->names.failed)
		return false;
	l->directories += l->entries[l->count++].directory;
	return true;
}

/* A link is what a request through it would open. */
static bool follow_link(const struct reader *r, const char *path, struct stat *st)
{
	struct http_root root = http_site_root(r->site);
	static const char *const no_index[] = {NULL};
	char directory[HTTP_PATH_SIZE + 1];
	const char *index_name;
	struct http_file file;
	enum http_find why;
	bool known;
	int fd;

	root.cache = NULL; /* to be listed is no reason to be kept open */
	switch (http_static_find(root, path, no_index, &file, &index_name)) {
	case HTTP_FIND_FILE:
		*st = (struct stat){.st_mode = S_IFREG,
				    .st_size = (off_t)file.size,
				    .st_mtim.tv_sec = file.mtime};
		http_file_close(&file);
		return true;
	case HTTP_FIND_DIRECTORY:
		snprintf(directory, sizeof(directory), "%s/", path);
		fd = http_static_open_directory(root, directory, &why);
		known = fd >= 0 && fstat(fd, st) == 0;
		if (fd >= 0)
			close(fd);
		return known;
	default:
		return false;
	}
}

/* Would a request for this name find anything? The answer is the system's, as whom the worker runs. */
static bool examine(const struct reader *r, const char *name, struct stat *st)
{
	char path[HTTP_PATH_SIZE];
	const int len = snprintf(path, sizeof(path), "%s%s", r->path, name);

	if (len < 0 || (size_t)len >= sizeof(path) || (name[0] == '.' && !r->site->dotfiles) ||
	    fstatat(r->fd, name, st, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	if (S_ISLNK(st->st_mode))
		return follow_link(r, path, st);
	/* Plain faccessat: profiles of containers that know no faccessat2 answer it with EPERM. A worker's
	 * real identity is its effective one. */
	return (S_ISREG(st->st_mode) && faccessat(r->fd, name, R_OK, 0) == 0) ||
	       (S_ISDIR(st->st_mode) && faccessat(r->fd, name, X_OK, 0) == 0);
}

static enum http_find read_names(const struct reader *r, DIR *dir)
{
	unsigned looked_at = 0;
	struct dirent *e;
	struct stat st;

	for (errno = 0; (e = readdir(dir)) != NULL; errno = 0) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (looked_at++ == r->listing->max) {
			r->listing->cut = true;
			return HTTP_FIND_FILE;
		}
		if (examine(r, e->d_name, &st) && !add(r->listing, e->d_name, &st))
			return HTTP_FIND_BUSY;
	}
	return errno == 0 ? HTTP_FIND_FILE : HTTP_FIND_FAILED;
}

enum http_find http_listing_read(struct http_listing *l, const struct http_site *site,
				 const char *path, unsigned max)
{
	struct reader r = {l, site, path, -1};
	enum http_find found;
	DIR *dir;

	*l = (struct http_listing){.max = max};
	r.fd = http_static_open_directory(http_site_root(site), path, &found);
	if (r.fd < 0)
		return found;
	dir = fdopendir(r.fd);
	if (!dir) {
		close(r.fd);
		return HTTP_FIND_BUSY;
	}
	found = read_names(&r, dir);
	closedir(dir);
	return found;
}

/* ------------------------------------------------------------------ sorting */

struct sorting {
	const struct http_listing *listing;
	enum http_listing_order order;
	bool descending;
};

static int compare_names(const char *a, const char *b)
{
	size_t i = 0;

	while (a[i] && http_lower(a[i]) == http_lower(b[i]))
		i++;
	if (a[i] || b[i])
		return (unsigned char)http_lower(a[i]) < (unsigned char)http_lower(b[i]) ? -1 : 1;
	return strcmp(a, b);
}

static int compare(const void *left, const void *right, void *ctx)
{
	const struct http_entry *a = left, *b = right;
	const struct sorting *s = ctx;
	const char *names = s->listing->names.data;
	const int by_name = compare_names(names + a->name, names + b->name);
	int by_key = by_name;

	if (a->directory != b->directory)
		return a->directory ? -1 : 1;
	if (s->order == HTTP_LISTING_SIZE)
		by_key = (a->size > b->size) - (a->size < b->size);
	else if (s->order == HTTP_LISTING_TIME)
		by_key = (a->mtime > b->mtime) - (a->mtime < b->mtime);
	if (by_key == 0)
		return by_name;
	return s->descending ? -by_key : by_key;
}

void http_listing_sort(struct http_listing *l, enum http_listing_order order, bool descending)
{
	struct sorting s = {l, order, descending};

	if (l->count > 1)
		qsort_r(l->entries, l->count, sizeof(*l->entries), compare, &s);
}
