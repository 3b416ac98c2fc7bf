/* SPDX-License-Identifier: Apache-2.0 */
/* files.h — files that appear whole or not at all. */
#ifndef CERTS_FILES_H
#define CERTS_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "certs/certs.h"

/* Writes `len` bytes to DIR/NAME: beside it first, fsync, then rename. Returns 0, or -1 with one line. */
int certs_file_write(const char *dir, const char *name, mode_t mode, const void *data, size_t len,
		     char error[CERTS_ERROR_SIZE]);
/* Reads DIR/NAME whole, with a NUL behind it that *len does not count. The caller frees it. Returns 0; 1 when
 * there is no such file; -1 with one line. */
int certs_file_read(const char *dir, const char *name, uint8_t **data, size_t *len,
		    char error[CERTS_ERROR_SIZE]);
/* Makes `dir` and what leads to it, the last one 0700. */
int certs_dir_make(const char *dir, char error[CERTS_ERROR_SIZE]);

#endif
