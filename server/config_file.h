/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_file.h — the configuration file: `name = value` lines and `[words]` that begin sections, by libinih,
 * with the line in every error.
 */
#ifndef SERVER_CONFIG_FILE_H
#define SERVER_CONFIG_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "server/options.h"

/* The longest line, with its end. */
#define CONFIG_LINE_MAX 4096

/* Who is told what is in the file, line by line. Each returns false, with its own line in the caller's error
 * buffer, to stop. `where` is "file:line". */
struct config_sink {
	bool (*pair)(void *ctx, const char *key, const char *value, const char *where);
	/* What stood between the brackets, without the spaces around it. */
	bool (*section)(void *ctx, const char *words, const char *where);
	void *ctx;
};

/* Returns false with one line in `error`. */
bool config_file_read(const char *path, const struct config_sink *sink,
		      char error[OPTIONS_ERROR_SIZE]);
/* The same with a stream that is open; `path` is what errors call it. */
bool config_stream_read(FILE *in, const char *path, const struct config_sink *sink,
			char error[OPTIONS_ERROR_SIZE]);

#endif
