/* SPDX-License-Identifier: Apache-2.0 */
/* files.c — see files.h. */
#include "certs/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (1u << 20) /* no certificate or key comes near */

static int fail(char error[CERTS_ERROR_SIZE], const char *what, const char *path)
{
	snprintf(error, CERTS_ERROR_SIZE, "cannot %s %.180s: %s", what, path, strerror(errno));
	return -1;
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		const ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int sync_dir(const char *dir)
{
	const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	const int err = fsync(fd);
	/* Some file systems have no fsync for directories. */
	const bool refused = err && errno == EINVAL;
	close(fd);
	return refused ? 0 : err;
}

/* Gives the file its name unless somebody has it. */
static int name_once(const char *beside, const char *path)
{
	if (link(beside, path) == 0) {
		unlink(beside);
		return 0;
	}
	if (errno != EPERM && errno != EOPNOTSUPP)
		return -1;
	/* A file system without links: nearly as good. */
	if (access(path, F_OK) == 0) {
		errno = EEXIST;
		return -1;
	}
	return rename(beside, path);
}

bool certs_file_exists(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	return (size_t)snprintf(path, sizeof path, "%s/%s", dir, name) < sizeof path &&
	       lstat(path, &st) == 0;
}

int certs_file_write(const char *dir, const char *name, mode_t mode, const void *data, size_t len,
		     bool replace, char error[CERTS_ERROR_SIZE])
{
	char path[PATH_MAX], beside[PATH_MAX + 32];

	if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path) {
		errno = ENAMETOOLONG;
		return fail(error, "write", dir);
	}
	snprintf(beside, sizeof beside, "%s.%ld.new", path, (long)getpid());
	unlink(beside); /* of an earlier process with our number that was killed here */
	const int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(error, "create", beside);
	int err = write_all(fd, data, len);
	if (!err)
		err = fchmod(fd, mode);
	if (!err)
		err = fsync(fd);
	if (close(fd) && !err)
		err = -1;
	if (!err)
		err = replace ? rename(beside, path) : name_once(beside, path);
	if (!err)
		err = sync_dir(dir); /* the name, too, outlives a crash */
	if (err) {
		fail(error, "write", path);
		unlink(beside);
		return -1;
	}
	return 0;
}

int certs_file_read(const char *dir, const char *name, uint8_t **data, size_t *len,
		    char error[CERTS_ERROR_SIZE])
{
	char path[PATH_MAX];
	struct stat st;

	if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path) {
		errno = ENAMETOOLONG;
		return fail(error, "read", dir);
	}
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? 1 : fail(error, "read", path);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
		snprintf(error, CERTS_ERROR_SIZE, "%.180s is no file of a certificate or key",
			 path);
		close(fd);
		return -1;
	}
	const size_t size = (size_t)st.st_size;
	uint8_t *buf = malloc(size + 1);
	size_t at = 0;
	ssize_t n = 1;
	while (buf && at < size && (n = read(fd, buf + at, size - at)) > 0)
		at += (size_t)n;
	const int saved = buf ? errno : ENOMEM;
	close(fd);
	if (!buf || n < 0) {
		free(buf);
		errno = saved;
		return fail(error, "read", path);
	}
	buf[at] = '\0';
	*data = buf;
	*len = at;
	return 0;
}

int certs_dir_make(const char *dir, mode_t mode, char error[CERTS_ERROR_SIZE])
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof path, "%s", dir) >= sizeof path) {
		errno = ENAMETOOLONG;
		return fail(error, "create", dir);
	}
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			return fail(error, "create", path);
		*slash = '/';
	}
	if (mkdir(path, mode) && errno != EEXIST)
		return fail(error, "create", path);
	return 0;
}
