/* SPDX-License-Identifier: Apache-2.0 */
/* config_file.h — the configuration file: `name = value` lines, by libinih, with the line in every error. */
#ifndef SERVER_CONFIG_FILE_H
#define SERVER_CONFIG_FILE_H

#include <stdbool.h>

#include "server/options.h"

/* Calls `take` for each line; it returns false with its own line in the caller's error buffer to stop.
 * `where` is "file:line". Returns false with one line in `error`. */
bool config_file_read(const char *path,
		      bool (*take)(void *ctx, const char *key, const char *value,
				   const char *where),
		      void *ctx, char error[OPTIONS_ERROR_SIZE]);

#endif
