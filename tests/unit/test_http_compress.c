/* SPDX-License-Identifier: Apache-2.0 */
/* The three encoders and the thread that runs them. */
#include <brotli/decode.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "http/compressor.h"

#define LARGE (3 * 1024 * 1024 + 7)

static atomic_bool never;

/* ------------------------------------------------------------------ contents and decoders */

/* Words in an order that does not repeat: it compresses about as text does. */
static uint8_t *text_of(size_t len, unsigned seed)
{
	static const char *const words[] = {"packet ", "window ", "the ",   "of ",  "<p>",
					    "stream ", "a\n",     "cache ", "key ", "octet "};
	uint8_t *data = malloc(len + 16);

	for (size_t at = 0; at < len;) {
		seed = seed * 1103515245u + 12345u;
		const char *word = words[(seed >> 16) % 10];
		memcpy(data + at, word, strlen(word));
		at += strlen(word);
	}
	return data;
}

static uint8_t *noise_of(size_t len)
{
	uint8_t *data = malloc(len);
	unsigned seed = 1;

	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525u + 1013904223u;
		data[i] = (uint8_t)(seed >> 23);
	}
	return data;
}

static size_t gunzip(const uint8_t *in, size_t len, uint8_t *out, size_t room)
{
	z_stream z = {.next_in = (Bytef *)in, .avail_in = len, .next_out = out, .avail_out = room};

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	inflateEnd(&z);
	return room - z.avail_out;
}

static size_t decode(enum http_coding coding, const uint8_t *in, size_t len, uint8_t *out,
		     size_t room)
{
	size_t got = room;

	if (coding == HTTP_CODING_GZIP)
		return gunzip(in, len, out, room);
	if (coding == HTTP_CODING_ZSTD)
		return ZSTD_decompress(out, room, in, len);
	assert_int_equal(BrotliDecoderDecompress(len, in, &got, out),
			 BROTLI_DECODER_RESULT_SUCCESS);
	return got;
}

/* ------------------------------------------------------------------ encoders */

static void test_what_is_compressed_can_be_decoded(void **state)
{
	static const size_t sizes[] = {0,     1,     100,    1024,    65535, 65536,
				       65537, 70000, 200000, 1 << 20, LARGE};

	(void)state;
	for (enum http_coding coding = 0; coding < HTTP_CODING_IDENTITY; coding++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			const size_t len = sizes[i], room = len + 1024;
			uint8_t *in = text_of(len, 7), *out = malloc(room), *again = malloc(room);
			size_t n, m;

			assert_int_equal(http_compress(coding, in, len, out, room, &n, &never),
					 HTTP_COMPRESSED_OK);
			if (len > 1000)
				assert_true(n < len / 2);
			assert_int_equal(decode(coding, out, n, again, room), len);
			assert_memory_equal(again, in, len);
			/* the same again, as other workers make it */
			assert_int_equal(http_compress(coding, in, len, again, room, &m, &never),
					 HTTP_COMPRESSED_OK);
			assert_int_equal(n, m);
			assert_memory_equal(out, again, n);
			free(in);
			free(out);
			free(again);
		}
	}
}

static void test_what_does_not_fit_is_poor(void **state)
{
	const size_t len = 300000;
	uint8_t *noise = noise_of(len), *text = text_of(len, 1), *out = malloc(len);
	size_t n;

	(void)state;
	for (enum http_coding coding = 0; coding < HTTP_CODING_IDENTITY; coding++) {
		assert_int_equal(http_compress(coding, noise, len, out, len - len / 10, &n, &never),
				 HTTP_COMPRESSED_POOR);
		assert_int_equal(http_compress(coding, text, len, out, 1, &n, &never),
				 HTTP_COMPRESSED_POOR);
	}
	assert_int_equal(http_compress(HTTP_CODING_IDENTITY, text, len, out, len, &n, &never),
			 HTTP_COMPRESSED_FAILED);
	free(noise);
	free(text);
	free(out);
}

static void test_it_can_be_stopped(void **state)
{
	uint8_t *text = text_of(LARGE, 1), *out = malloc(LARGE);
	atomic_bool stop = true;
	size_t n;

	(void)state;
	for (enum http_coding coding = 0; coding < HTTP_CODING_IDENTITY; coding++) {
		assert_int_equal(http_compress(coding, text, LARGE, out, LARGE, &n, &stop),
				 HTTP_COMPRESSED_STOPPED);
		assert_true(n < LARGE / 10);
	}
	free(text);
	free(out);
}

/* ------------------------------------------------------------------ the thread */

static struct http_job job_of(enum http_coding coding, size_t len, unsigned seed)
{
	return (struct http_job){.coding = coding,
				 .file = {.fd = -1, .size = len, .data = text_of(len, seed)},
				 .user = (void *)(uintptr_t)seed};
}

static void wait_for_result(struct http_compressor *c, struct http_job_result *r)
{
	struct pollfd p = {.fd = http_compressor_fd(c), .events = POLLIN};

	while (!http_compressor_next(c, r))
		assert_int_equal(poll(&p, 1, 60000), 1);
}

static void test_jobs_come_back_in_order(void **state)
{
	struct http_compressor *c = http_compressor_create();
	unsigned next_in = 1, next_out = 1;

	(void)state;
	assert_non_null(c);
	while (next_out <= 200) {
		while (next_in <= 200) {
			const enum http_coding coding = next_in % HTTP_CODING_IDENTITY;
			struct http_job job = job_of(coding, 1000 + next_in * 37, next_in);

			if (!http_compressor_add(c, &job)) {
				free((void *)job.file.data);
				break;
			}
			next_in++;
		}
		struct http_job_result r;
		wait_for_result(c, &r);
		assert_int_equal((uintptr_t)r.job.user, next_out);
		assert_int_equal(r.outcome, HTTP_COMPRESSED_OK);
		uint8_t out[16384];
		assert_int_equal(decode(r.job.coding, r.data, r.len, out, sizeof(out)),
				 r.job.file.size);
		assert_memory_equal(out, r.job.file.data, r.job.file.size);
		free((void *)r.job.file.data);
		next_out++;
	}
	/* no signal stays behind that would wake the owner for nothing, but for the last one's moment */
	struct http_job_result r;
	struct pollfd p = {.fd = http_compressor_fd(c), .events = POLLIN};
	while (poll(&p, 1, 50) == 1)
		assert_false(http_compressor_next(c, &r));
	http_compressor_destroy(c);
}

static void test_the_ring_is_bounded(void **state)
{
	struct http_compressor *c = http_compressor_create();
	uint8_t *text = text_of(1 << 20, 1);
	unsigned taken = 0;

	(void)state;
	for (unsigned i = 0; i < 3 * HTTP_COMPRESSOR_JOBS; i++) {
		const struct http_job job = {.coding = HTTP_CODING_BR,
					     .file = {.fd = -1, .size = 1 << 20, .data = text}};

		taken += http_compressor_add(c, &job);
	}
	/* none was fetched */
	assert_int_equal(taken, HTTP_COMPRESSOR_JOBS);
	http_compressor_destroy(c); /* in the middle of one */
	free(text);
}

static void test_a_file_is_read_by_the_thread(void **state)
{
	char name[] = "/tmp/http-compress-XXXXXX";
	const struct timespec tick = {.tv_nsec = 30000000};
	struct http_compressor *c = http_compressor_create();
	struct http_job job = {.coding = HTTP_CODING_GZIP, .file.fd = mkstemp(name)};
	struct http_job_result r;
	uint8_t *text = text_of(LARGE, 3), *out = malloc(LARGE);

	(void)state;
	assert_int_equal(write(job.file.fd, text, LARGE), LARGE);
	nanosleep(&tick, NULL);
	assert_true(http_file_refresh(&job.file));
	assert_true(http_compressor_add(c, &job));
	wait_for_result(c, &r);
	assert_int_equal(r.outcome, HTTP_COMPRESSED_OK);
	assert_int_equal(decode(HTTP_CODING_GZIP, r.data, r.len, out, LARGE), LARGE);
	assert_memory_equal(out, text, LARGE);
	/* a file that has changed since it was looked at */
	assert_int_equal(pwrite(job.file.fd, "x", 1, 5), 1);
	assert_true(http_compressor_add(c, &job));
	wait_for_result(c, &r);
	assert_int_equal(r.outcome, HTTP_COMPRESSED_FAILED);
	/* or is shorter than it was */
	assert_int_equal(ftruncate(job.file.fd, 100), 0);
	assert_true(http_compressor_add(c, &job));
	wait_for_result(c, &r);
	assert_int_equal(r.outcome, HTTP_COMPRESSED_FAILED);
	/* or so new that the next change could look the same */
	assert_true(http_file_refresh(&job.file));
	job.file.ctime += 3600;
	assert_true(http_compressor_add(c, &job));
	wait_for_result(c, &r);
	assert_int_equal(r.outcome, HTTP_COMPRESSED_FAILED);
	http_compressor_destroy(c);
	close(job.file.fd);
	unlink(name);
	free(text);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_compressed_can_be_decoded),
		cmocka_unit_test(test_what_does_not_fit_is_poor),
		cmocka_unit_test(test_it_can_be_stopped),
		cmocka_unit_test(test_jobs_come_back_in_order),
		cmocka_unit_test(test_the_ring_is_bounded),
		cmocka_unit_test(test_a_file_is_read_by_the_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
