/* SPDX-License-Identifier: Apache-2.0 */
/* Opening files beneath the root: see static.h. */
#include "http/static.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "http/file_cache.h"
#include "http/path.h"

#define FILE_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
#define DIRECTORY_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)

/* glibc has no wrapper. EAGAIN means that a rename went on meanwhile, so that ".." could not be
 * judged safely; it may be tried again, but not for ever. */
static int open_beneath(struct http_root root, const char *name, int flags)
{
	struct open_how how = {
		.flags = (unsigned)flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS |
			   (root.no_links ? RESOLVE_NO_SYMLINKS : 0),
	};
	int fd = -1;

	for (int tries = 0; tries < 8; tries++) {
		fd = (int)syscall(SYS_openat2, root.fd, name, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd;
}

static int open_walking(int root_fd, const char *name, int flags)
{
	char part[HTTP_PATH_SIZE];
	int dir = root_fd, fd;

	for (;;) {
		const char *slash = strchr(name, '/');
		size_t len = slash ? (size_t)(slash - name) : strlen(name);
		const bool last =
			!slash || slash[1] == '\0'; /* "dir/" names the directory itself */

		memcpy(part, name, len);
		part[len] = '\0';
		fd = openat(dir, part, (last ? flags : DIRECTORY_FLAGS) | O_NOFOLLOW);

		int saved = errno;
		if (dir != root_fd)
			close(dir);
		errno = saved;
		if (fd < 0 || last)
			return fd;
		dir = fd;
		name = slash + 1;
	}
}

int http_static_open(struct http_root root, const char *name, int flags)
{
	return root.resolver == HTTP_RESOLVE_BENEATH ? open_beneath(root, name, flags)
						     : open_walking(root.fd, name, flags);
}

int http_resolver_probe(int root_fd, enum http_resolver *resolver)
{
	const struct http_root root = {.fd = root_fd, .resolver = HTTP_RESOLVE_BENEATH};
	int fd = open_beneath(root, ".", DIRECTORY_FLAGS);

	*resolver = HTTP_RESOLVE_BENEATH;
	/* seccomp profiles answer with EPERM, or with ENOSYS as if the kernel were old. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
		*resolver = HTTP_RESOLVE_WALK;
		fd = openat(root_fd, ".", DIRECTORY_FLAGS);
	}
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static enum http_find find_error(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:        /* a loop of links, or a link where none is followed */
	case EXDEV:        /* beyond the root */
	case ENAMETOOLONG: /* no file can have such a name */
	case ENXIO:        /* a socket, or a device without a driver */
	case ENODEV:
	case EINVAL: /* a name that this file system cannot have */
	case EILSEQ:
		return HTTP_FIND_NOTHING;
	case EACCES:
	case EPERM:
		return HTTP_FIND_DENIED;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EAGAIN:
		return HTTP_FIND_BUSY;
	default:
		return HTTP_FIND_FAILED;
	}
}

/* ------------------------------------------------------------------ one file */

static void fill(struct http_file *file, int fd, const struct stat *st)
{
	*file = (struct http_file){
		.fd = fd,
		.size = (uint64_t)st->st_size,
		.mtime = st->st_mtim.tv_sec,
		.mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
		.inode = st->st_ino,
		.device = st->st_dev,
		.ctime = st->st_ctim.tv_sec,
		.ctime_ns = (uint32_t)st->st_ctim.tv_nsec,
	};
}

/* Opens and examines one name. */
static enum http_find open_file(struct http_root root, const char *name, struct http_file *file)
{
	struct stat st;
	int fd = http_static_open(root, name, FILE_FLAGS);

	if (fd < 0)
		return find_error(errno);
	if (fstat(fd, &st) != 0) {
		close(fd);
		return HTTP_FIND_FAILED;
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return S_ISDIR(st.st_mode) ? HTTP_FIND_DIRECTORY : HTTP_FIND_NOTHING;
	}
	fill(file, fd, &st);
	return HTTP_FIND_FILE;
}

enum http_find http_static_open_file(struct http_root root, const char *name,
				     struct http_file *file, bool *linked)
{
	struct http_root strict = root;
	enum http_find found;

	if (!linked || root.no_links || root.resolver != HTTP_RESOLVE_BENEATH) {
		if (linked)
			*linked = false;
		return open_file(root, name, file);
	}
	strict.no_links = true;
	errno = 0;
	found = open_file(strict, name, file);
	*linked = found == HTTP_FIND_NOTHING && errno == ELOOP;
	return *linked ? open_file(root, name, file) : found;
}

bool http_static_stat(struct http_root root, const char *name, struct http_file *file)
{
	const int fd = http_static_open(root, name, O_PATH | O_CLOEXEC);
	struct stat st;
	bool known;

	if (fd < 0)
		return false;
	known = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	close(fd);
	if (known)
		fill(file, -1, &st);
	return known;
}

bool http_file_refresh(struct http_file *file)
{
	struct stat st;

	if (fstat(file->fd, &st) != 0)
		return false;
	fill(file, file->fd, &st);
	return true;
}

bool http_file_same(const struct http_file *a, const struct http_file *b)
{
	return a->inode == b->inode && a->device == b->device && a->size == b->size &&
	       a->mtime == b->mtime && a->mtime_ns == b->mtime_ns && a->ctime == b->ctime &&
	       a->ctime_ns == b->ctime_ns;
}

/* Two changes within one tick of the file system's clock look like one. Most tick with the kernel's
 * timer; those that know whole seconds only, or two (FAT), show it by their zeros. */
#define TICK_NS 20000000
#define COARSE_TICK_NS 2000000000

bool http_file_fresh(const struct http_file *file)
{
	struct timespec now;
	const int64_t tick = file->ctime_ns == 0 ? COARSE_TICK_NS : TICK_NS;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	const int64_t seconds = (int64_t)now.tv_sec - file->ctime;
	if (seconds < 0 || seconds > 10)
		return seconds < 0;
	return seconds * 1000000000 + now.tv_nsec - (int64_t)file->ctime_ns < tick;
}

static enum http_find find_name(struct http_root root, const char *name, struct http_file *file)
{
	return root.cache ? http_file_cache_find(root.cache, root, name, file)
			  : http_static_open_file(root, name, file, NULL);
}

/* ------------------------------------------------------------------ a path */

/* There is no index: does the directory exist at all? */
static enum http_find find_directory(struct http_root root, const char *name)
{
	int fd = http_static_open(root, name[0] ? name : ".", DIRECTORY_FLAGS);

	if (fd < 0)
		return find_error(errno);
	close(fd);
	return HTTP_FIND_NO_INDEX;
}

int http_static_open_directory(struct http_root root, const char *path, enum http_find *why)
{
	const int fd = http_static_open(root, path[1] ? path + 1 : ".",
					O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		*why = find_error(errno);
	return fd;
}

/* The path and an index name behind it. */
static enum http_find find_index(struct http_root root, const char *directory, const char *name,
				 struct http_file *file)
{
	char path[HTTP_PATH_SIZE];
	const int len = snprintf(path, sizeof(path), "%s%s", directory, name);

	if (len < 0 || (size_t)len >= sizeof(path))
		return HTTP_FIND_NOTHING;
	return find_name(root, path, file);
}

enum http_find http_static_find(struct http_root root, const char *path, const char *const *index,
				struct http_file *file, const char **index_name)
{
	const char *name = path + 1; /* relative to the root */
	const size_t len = strlen(name);

	*index_name = NULL;
	if (len > 0 && name[len - 1] != '/')
		return find_name(root, name, file);
	for (; *index; index++) {
		const enum http_find found = find_index(root, name, *index, file);

		*index_name = *index;
		if (found != HTTP_FIND_NOTHING && found != HTTP_FIND_DIRECTORY)
			return found;
	}
	return find_directory(root, name);
}

void http_file_close(struct http_file *file)
{
	if (file->cached)
		http_cached_release(file->cached);
	else if (file->fd >= 0)
		close(file->fd);
	*file = (struct http_file){.fd = -1};
}

void http_etag_format(const struct http_file *file, char out[HTTP_ETAG_SIZE])
{
	uint64_t ns =
		(uint64_t)file->mtime * 1000000000U + file->mtime_ns; /* modulo 2^64 is as good */

	snprintf(out, HTTP_ETAG_SIZE, "\"%llx-%llx-%llx\"", (unsigned long long)ns,
		 (unsigned long long)file->size, (unsigned long long)file->inode);
}

void http_etag_add(char etag[HTTP_ETAG_SIZE], const char *word)
{
	const size_t end = strlen(etag) - 1;

	snprintf(etag + end, HTTP_ETAG_SIZE - end, "-%s\"", word);
}
