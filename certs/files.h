/* SPDX-License-Identifier: Apache-2.0 */
/* files.h — files that appear whole or not at all. */
#ifndef CERTS_FILES_H
#define CERTS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "certs/certs.h"

/* Writes `len` bytes to DIR/NAME: beside it first, fsync, then rename. A file that is there is an error unless it is to
 * be replaced. Returns 0, or -1 with one line. */
int certs_file_write(const char *dir, const char *name, mode_t mode, const void *data, size_t len,
		     bool replace, char error[CERTS_ERROR_SIZE]);
bool certs_file_exists(const char *dir, const char *name);
/* Reads DIR/NAME whole, with a NUL behind it that *len does not count. The caller frees it. Returns 0; 1 when
 * there is no such file; -1 with one line. */
int certs_file_read(const char *dir, const char *name, uint8_t **data, size_t *len,
		    char error[CERTS_ERROR_SIZE]);
/* Makes `dir`, if it is missing, with this mode, and what leads to it. */
int certs_dir_make(const char *dir, mode_t mode, char error[CERTS_ERROR_SIZE]);

#endif
