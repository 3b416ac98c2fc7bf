/* SPDX-License-Identifier: Apache-2.0 */
/* blob.h — a small file in memory: certificates and keys, read while it is still allowed. */
#ifndef SERVER_BLOB_H
#define SERVER_BLOB_H

#include <stdbool.h>
#include <stddef.h>

#include "tls/tls.h"

#define BLOB_ERROR_SIZE 512
#define BLOB_MAX (1u << 20)

/* Reads `path` whole; it becomes the blob's name and is not copied. False with one line in `error`, which
 * calls the file `what`. */
bool blob_read(struct tls_blob *blob, const char *what, const char *path,
	       char error[BLOB_ERROR_SIZE]);
/* Wipes and frees. */
void blob_free(struct tls_blob *blob);

#endif
