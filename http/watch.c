/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches on directories: see watch.h. A directory holds its parent, so that the tree above whatever is
 * watched is watched as well. Two of ours can be one to the kernel (a bind mount, the roots of two sites):
 * it then gives both the same number, and an event is for both.
 */
#include "http/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "http/path.h"

#define EVENTS                                                                         \
	(IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | \
	 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)
#define BUCKETS 256
#define DEPTH_MAX 64

struct http_watch_dir {
	struct http_watch_dir *parent;              /* NULL: the root                        */
	struct http_watch_dir *next_name, *next_wd; /* in the buckets                        */
	unsigned refs;                              /* files, and directories below          */
	int root_fd, wd;
	size_t len;
	char path[]; /* without slashes at its ends; "" is the root   */
};

struct http_watch {
	int fd;
	unsigned count, max;
	http_watch_changed *changed;
	void *ctx;
	struct http_watch_dir *by_name[BUCKETS], *by_wd[BUCKETS];
};

struct http_watch *http_watch_create(unsigned max, http_watch_changed *changed, void *ctx)
{
	struct http_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	*w = (struct http_watch){.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC),
				 .max = max,
				 .changed = changed,
				 .ctx = ctx};
	if (w->fd >= 0)
		return w;
	free(w);
	return NULL;
}

void http_watch_destroy(struct http_watch *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < BUCKETS; i++) {
		for (struct http_watch_dir *dir = w->by_name[i], *next; dir; dir = next) {
			next = dir->next_name;
			free(dir);
		}
	}
	close(w->fd);
	free(w);
}

int http_watch_fd(const struct http_watch *w)
{
	return w->fd;
}

/* ------------------------------------------------------------------ the tree */

static unsigned bucket_of(int root_fd, const char *path, size_t len)
{
	uint32_t hash = 2166136261U ^ (uint32_t)root_fd;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)path[i]) * 16777619U;
	return (hash ^ hash >> 16) % BUCKETS;
}

static struct http_watch_dir *find(const struct http_watch *w, int root_fd, const char *path,
				   size_t len)
{
	struct http_watch_dir *dir = w->by_name[bucket_of(root_fd, path, len)];

	while (dir &&
	       (dir->root_fd != root_fd || dir->len != len || memcmp(dir->path, path, len) != 0))
		dir = dir->next_name;
	return dir;
}

/* inotify takes paths only. This one leads to the very directory that was opened, wherever it is. */
static int add_watch(const struct http_watch *w, struct http_root root, const char *path)
{
	char proc[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
	int wd;

	root.no_links = true;
	const int fd =
		http_static_open(root, path[0] ? path : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	wd = inotify_add_watch(w->fd, proc, EVENTS);
	close(fd);
	return wd;
}

static void enlist(struct http_watch *w, struct http_watch_dir *dir)
{
	struct http_watch_dir **name = &w->by_name[bucket_of(dir->root_fd, dir->path, dir->len)];
	struct http_watch_dir **wd = &w->by_wd[(unsigned)dir->wd % BUCKETS];

	dir->next_name = *name;
	*name = dir;
	dir->next_wd = *wd;
	*wd = dir;
	w->count++;
}

static struct http_watch_dir *acquire(struct http_watch *w, struct http_root root, const char *path,
				      size_t len, unsigned depth, bool *fresh)
{
	struct http_watch_dir *dir = find(w, root.fd, path, len), *parent = NULL;

	if (dir) {
		dir->refs++;
		return dir;
	}
	if (w->count >= w->max || depth == DEPTH_MAX)
		return NULL;
	if (len > 0) {
		const char *slash = memrchr(path, '/', len);

		parent = acquire(w, root, path, slash ? (size_t)(slash - path) : 0, depth + 1,
				 fresh);
		if (!parent)
			return NULL;
	}
	dir = calloc(1, sizeof(*dir) + len + 1);
	if (!dir)
		goto fail;
	*dir = (struct http_watch_dir){.parent = parent, .refs = 1, .root_fd = root.fd, .len = len};
	memcpy(dir->path, path, len);
	dir->wd = add_watch(w, root, dir->path);
	if (dir->wd < 0)
		goto fail;
	enlist(w, dir);
	*fresh = true;
	return dir;
fail:
	free(dir);
	if (parent)
		http_watch_release(w, parent);
	return NULL;
}

struct http_watch_dir *http_watch_directory_of(struct http_watch *w, struct http_root root,
					       const char *name, bool *fresh)
{
	const char *slash = strrchr(name, '/');

	*fresh = false;
	return acquire(w, root, name, slash ? (size_t)(slash - name) : 0, 0, fresh);
}

static bool wd_in_use(const struct http_watch *w, int wd)
{
	const struct http_watch_dir *dir = w->by_wd[(unsigned)wd % BUCKETS];

	while (dir && dir->wd != wd)
		dir = dir->next_wd;
	return dir != NULL;
}

static void delist(struct http_watch *w, struct http_watch_dir *dir)
{
	struct http_watch_dir **at = &w->by_name[bucket_of(dir->root_fd, dir->path, dir->len)];

	while (*at != dir)
		at = &(*at)->next_name;
	*at = dir->next_name;
	at = &w->by_wd[(unsigned)dir->wd % BUCKETS];
	while (*at != dir)
		at = &(*at)->next_wd;
	*at = dir->next_wd;
	w->count--;
}

void http_watch_release(struct http_watch *w, struct http_watch_dir *dir)
{
	while (dir && --dir->refs == 0) {
		struct http_watch_dir *parent = dir->parent;

		delist(w, dir);
		if (!wd_in_use(w, dir->wd))
			inotify_rm_watch(w->fd, dir->wd); /* it may be gone already */
		free(dir);
		dir = parent;
	}
}

/* ------------------------------------------------------------------ events */

/* A change of a directory itself, or of one in it, changes what all paths below mean. A new one does
 * not: there was nothing below. */
static bool concerns_everything(const struct inotify_event *event)
{
	return event->len == 0 || (event->mask & IN_Q_OVERFLOW) ||
	       ((event->mask & IN_ISDIR) && !(event->mask & IN_CREATE));
}

static void tell(struct http_watch *w, const struct inotify_event *event)
{
	const struct http_watch_dir *dir = NULL;
	char name[HTTP_PATH_SIZE];
	unsigned known = 0;

	if (event->mask & IN_IGNORED)
		return; /* the end of a watch; why it ended was said before */
	for (const struct http_watch_dir *d = w->by_wd[(unsigned)event->wd % BUCKETS]; d;
	     d = d->next_wd)
		if (d->wd == event->wd) {
			dir = d;
			known++;
		}
	if (known == 0 && !(event->mask & IN_Q_OVERFLOW))
		return; /* of a watch that was given up */
	/* Two by one number are rare enough. */
	if (known != 1 || concerns_everything(event)) {
		w->changed(w->ctx, -1, NULL);
		return;
	}
	snprintf(name, sizeof(name), "%s%s%s", dir->path, dir->len ? "/" : "", event->name);
	w->changed(w->ctx, dir->root_fd, name);
}

void http_watch_read(struct http_watch *w)
{
	_Alignas(struct inotify_event) char events[8192];
	ssize_t got;

	while ((got = read(w->fd, events, sizeof(events))) > 0) {
		for (ssize_t at = 0; at < got;) {
			const struct inotify_event *event =
				(const struct inotify_event *)(const void *)(events + at);

			tell(w, event);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
}
