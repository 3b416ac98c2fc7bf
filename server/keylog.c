/* SPDX-License-Identifier: Apache-2.0 */
/* keylog.c — see keylog.h. */
#include "server/keylog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/log.h"

int keylog_open(const char *path, char error[KEYLOG_ERROR_SIZE])
{
	struct stat st;
	/* A FIFO must not make us wait for its reader. */
	const int fd = open(
		path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0 || fstat(fd, &st) != 0) {
		snprintf(error, KEYLOG_ERROR_SIZE, "--keylog: cannot open %s: %s", path,
			 strerror(errno));
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(error, KEYLOG_ERROR_SIZE, "--keylog: %s is not a regular file", path);
		goto fail;
	}
	if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		snprintf(error, KEYLOG_ERROR_SIZE,
			 "--keylog: others have access to %s: chmod 600 it, or name another file",
			 path);
		goto fail;
	}
	return fd;
fail:
	if (fd >= 0)
		close(fd);
	return -1;
}

void keylog_write(int fd, const char *line, size_t len)
{
	if (write(fd, line, len) != (ssize_t)len)
		log_error("--keylog: a line is lost: %m");
}
