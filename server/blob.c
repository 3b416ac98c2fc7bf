/* SPDX-License-Identifier: Apache-2.0 */
/* blob.c — see blob.h. */
#include "server/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Returns 0 or an errno. */
static int read_all(int fd, uint8_t *data, size_t len)
{
	for (size_t done = 0; done < len;) {
		const ssize_t n = read(fd, data + done, len - done);
		if (n < 0 && errno != EINTR)
			return errno;
		if (n == 0)
			return ENODATA;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

bool blob_read(struct tls_blob *blob, const char *what, const char *path,
	       char error[BLOB_ERROR_SIZE])
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	uint8_t *data = NULL;
	int err = 0;

	if (fd < 0 || fstat(fd, &st) != 0)
		err = errno;
	else if (!S_ISREG(st.st_mode))
		err = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	else if (st.st_size <= 0 || st.st_size > BLOB_MAX)
		err = st.st_size > 0 ? EFBIG : ENODATA;
	else if (!(data = malloc((size_t)st.st_size)))
		err = ENOMEM;
	else
		err = read_all(fd, data, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	if (err != 0) {
		snprintf(error, BLOB_ERROR_SIZE, "cannot read the %s %s: %s", what, path,
			 strerror(err));
		free(data);
		return false;
	}
	*blob = (struct tls_blob){.data = data, .len = (size_t)st.st_size, .name = path};
	return true;
}

void blob_free(struct tls_blob *blob)
{
	if (blob->data) {
		explicit_bzero((void *)(uintptr_t)blob->data, blob->len);
		free((void *)(uintptr_t)blob->data);
	}
	*blob = (struct tls_blob){0};
}
