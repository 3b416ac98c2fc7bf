/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mime_types.c — see mime_types.h. A file that somebody has named goes before what is built in, and every line
 * of it has to be understood. The system's goes behind, and is read as far as it is.
 */
#include "server/mime_types.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/log.h"

#define FILE_MAX (8 * 1024 * 1024)

/* NULL with errno. */
static char *read_text(const char *path, size_t *len)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) != 0)
		goto out;
	errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		goto out;
	text = malloc((size_t)st.st_size + 1);
	*len = 0;
	while (text && *len < (size_t)st.st_size) {
		const ssize_t n = read(fd, text + *len, (size_t)st.st_size - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		*len += (size_t)n;
	}
out:
	close(fd);
	return text;
}

static struct http_mime_table *read_table(const char *path, bool strict)
{
	size_t len;
	char *text = read_text(path, &len);
	struct http_mime_table *table = text ? http_mime_table_create(strict) : NULL;
	long wrong;

	if (!table) {
		if (strict)
			log_error("%s: %m", path);
		free(text);
		return NULL;
	}
	wrong = http_mime_table_read(table, text, len);
	free(text);
	if (wrong < 0 || (strict && wrong > 0)) {
		if (wrong < 0)
			log_error("%s: too many media types", path);
		else
			log_error("%s:%ld: not \"type/subtype extension …\"", path, wrong);
		http_mime_table_free(table);
		return NULL;
	}
	return table;
}

bool mime_types_read(const char *option, struct http_mime_table **out)
{
	static const char *const system_files[] = {"/usr/share/mime/globs2", "/etc/mime.types"};

	*out = NULL;
	if (strcmp(option, "builtin") == 0)
		return true;
	if (strcmp(option, "auto") != 0) {
		*out = read_table(option, true);
		return *out != NULL;
	}
	for (size_t i = 0; i < sizeof system_files / sizeof system_files[0] && !*out; i++)
		*out = read_table(system_files[i], false);
	return true;
}
