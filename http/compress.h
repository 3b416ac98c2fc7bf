/* SPDX-License-Identifier: Apache-2.0 */
/* compress.h — a whole content under a content coding: br (RFC 7932), zstd (RFC 8878), gzip (RFC 1952). */
#ifndef HTTP_COMPRESS_H
#define HTTP_COMPRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/encoding.h"

enum http_compressed {
	HTTP_COMPRESSED_OK,
	HTTP_COMPRESSED_POOR,    /* it would not fit the room            */
	HTTP_COMPRESSED_STOPPED, /* *stop has become true                */
	HTTP_COMPRESSED_FAILED,  /* memory is short                      */
};

/* Compresses `len` bytes into at most `room`; *out_len says how many they became. The same input gives the
 * same output, as long as the libraries are the same. `stop` is looked at every few ten milliseconds. Any
 * thread may call it. */
enum http_compressed http_compress(enum http_coding coding, const uint8_t *in, size_t len,
				   uint8_t *out, size_t room, size_t *out_len,
				   const atomic_bool *stop);

#endif
