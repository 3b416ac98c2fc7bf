/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three encoders, each fed in blocks so that it can be stopped: see compress.h.
 *
 * The levels are those beyond which time goes up steeply and size hardly comes down. The work is done once
 * for each version of a file.
 */
#include "http/compress.h"

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#define BLOCK 65536
#define BROTLI_QUALITY 9
#define ZSTD_LEVEL 12 /* its window is 4 MiB; RFC 9659: decoders need not take more than 8 */
#define GZIP_LEVEL 9
#define GZIP_WINDOW (15 + 16) /* zlib: 16 more means gzip's wrapping */
#define GZIP_MEMORY 9

static size_t block_of(size_t left)
{
	return left < BLOCK ? left : BLOCK;
}

static enum http_compressed brotli(const uint8_t *in, size_t len, uint8_t *out, size_t room,
				   size_t *out_len, const atomic_bool *stop)
{
	BrotliEncoderState *b = BrotliEncoderCreateInstance(NULL, NULL, NULL);
	enum http_compressed result = HTTP_COMPRESSED_OK;
	size_t left = room;

	if (!b)
		return HTTP_COMPRESSED_FAILED;
	BrotliEncoderSetParameter(b, BROTLI_PARAM_QUALITY, BROTLI_QUALITY);
	BrotliEncoderSetParameter(b, BROTLI_PARAM_SIZE_HINT, (uint32_t)len);
	while (result == HTTP_COMPRESSED_OK && !BrotliEncoderIsFinished(b)) {
		size_t block = block_of(len);
		const bool last = block == len;

		len -= block;
		do {
			if (!BrotliEncoderCompressStream(
				    b, last ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_PROCESS,
				    &block, &in, &left, &out, NULL))
				result = HTTP_COMPRESSED_FAILED;
			else if (left == 0 && !BrotliEncoderIsFinished(b))
				result = HTTP_COMPRESSED_POOR;
			else if (atomic_load_explicit(stop, memory_order_relaxed))
				result = HTTP_COMPRESSED_STOPPED;
		} while (result == HTTP_COMPRESSED_OK &&
			 (block > 0 || (last && !BrotliEncoderIsFinished(b))));
	}
	BrotliEncoderDestroyInstance(b);
	*out_len = room - left;
	return result;
}

static enum http_compressed zstd(const uint8_t *in, size_t len, uint8_t *out, size_t room,
				 size_t *out_len, const atomic_bool *stop)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();
	enum http_compressed result = HTTP_COMPRESSED_OK;
	ZSTD_outBuffer to = {out, room, 0};
	ZSTD_inBuffer from = {in, 0, 0};
	size_t more = 1;

	if (!z)
		return HTTP_COMPRESSED_FAILED;
	if (ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(z, len)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, ZSTD_LEVEL)))
		result = HTTP_COMPRESSED_FAILED;
	while (result == HTTP_COMPRESSED_OK && more > 0) {
		if (from.pos == from.size)
			from.size += block_of(len - from.size);
		const bool last = from.size == len;
		more = ZSTD_compressStream2(z, &to, &from, last ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(more))
			result = HTTP_COMPRESSED_FAILED;
		else if (to.pos == to.size && more > 0)
			result = HTTP_COMPRESSED_POOR;
		else if (atomic_load_explicit(stop, memory_order_relaxed))
			result = HTTP_COMPRESSED_STOPPED;
		else if (!last)
			more = 1;
	}
	ZSTD_freeCCtx(z);
	*out_len = to.pos;
	return result;
}

static enum http_compressed gzip(const uint8_t *in, size_t len, uint8_t *out, size_t room,
				 size_t *out_len, const atomic_bool *stop)
{
	enum http_compressed result = HTTP_COMPRESSED_OK;
	z_stream z = {.next_out = out, .avail_out = (uInt)room};
	int status = Z_OK;

	if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return HTTP_COMPRESSED_FAILED;
	z.next_in = (z_const Bytef *)in;
	while (result == HTTP_COMPRESSED_OK && status != Z_STREAM_END) {
		if (z.avail_in == 0) {
			z.avail_in = (uInt)block_of(len);
			len -= z.avail_in;
		}
		status = deflate(&z, len == 0 ? Z_FINISH : Z_NO_FLUSH);
		if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
			result = HTTP_COMPRESSED_FAILED;
		else if (z.avail_out == 0 && status != Z_STREAM_END)
			result = HTTP_COMPRESSED_POOR;
		else if (atomic_load_explicit(stop, memory_order_relaxed))
			result = HTTP_COMPRESSED_STOPPED;
	}
	deflateEnd(&z);
	*out_len = room - z.avail_out;
	return result;
}

enum http_compressed http_compress(enum http_coding coding, const uint8_t *in, size_t len,
				   uint8_t *out, size_t room, size_t *out_len,
				   const atomic_bool *stop)
{
	*out_len = 0;
	switch (coding) {
	case HTTP_CODING_BR:
		return brotli(in, len, out, room, out_len, stop);
	case HTTP_CODING_ZSTD:
		return zstd(in, len, out, room, out_len, stop);
	case HTTP_CODING_GZIP:
		return gzip(in, len, out, room, out_len, stop);
	case HTTP_CODING_IDENTITY:
	case HTTP_CODING_COUNT:
		break;
	}
	return HTTP_COMPRESSED_FAILED;
}
