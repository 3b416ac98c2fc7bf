/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h — directories under watch by inotify(7): who keeps something of a file is told when it changes.
 *
 * A file's path means what it means by every directory on it, so all of them are watched, from the root
 * down. None may be a symbolic link: that could be changed from outside of what is watched. Where no
 * watch can be had (limits, no /proc, a link on the way) the owner has to look for itself; it should now
 * and then in any case, for network file systems, mounts, other hard links and writes through mmap tell
 * nothing.
 */
#ifndef HTTP_WATCH_H
#define HTTP_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "http/static.h"

struct http_watch;
struct http_watch_dir;

/* `name` is the path of what has changed, below the root whose descriptor is `root_fd`; NULL: anything
 * below any root may have. Watches may be released within the call. */
typedef void http_watch_changed(void *ctx, int root_fd, const char *name);

/* At most `max` directories. NULL with errno where the system gives no inotify. */
struct http_watch *http_watch_create(unsigned max, http_watch_changed *changed, void *ctx);
void http_watch_destroy(struct http_watch *w);
/* For poll: readable when something has changed. */
int http_watch_fd(const struct http_watch *w);
/* Tells of everything that has changed since. Never waits. */
void http_watch_read(struct http_watch *w);

/* The watch on the directories of `name`, which is relative to the root; NULL when there is none. *fresh
 * is true when it was made just now: what was found before may have changed unseen. Each call that gives
 * one is undone by http_watch_release. */
struct http_watch_dir *http_watch_directory_of(struct http_watch *w, struct http_root root,
					       const char *name, bool *fresh);
void http_watch_release(struct http_watch *w, struct http_watch_dir *dir);

#endif
