/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compressor.h — a thread that compresses files while nothing else wants the processor.
 *
 * It shares one ring of jobs with its owner and nothing else: no lock, so that an owner in a hurry never
 * waits for a thread that is given no time (SCHED_IDLE). Each side frees what it has allocated itself.
 */
#ifndef HTTP_COMPRESSOR_H
#define HTTP_COMPRESSOR_H

#include "http/compress.h"
#include "http/static.h"

#define HTTP_COMPRESSOR_JOBS 64 /* that wait, are under way or have not been fetched */

/* What is to be done. The content is `file.data`, or, where that is NULL, what `file.fd` gives, as long as the
 * file stays as `file` says. The file is the job's own until its result was fetched: then it is the owner's again. */
struct http_job {
	enum http_coding coding;
	struct http_file file;
	void *user;
};

/* What came of it. */
struct http_job_result {
	struct http_job job;
	enum http_compressed outcome; /* HTTP_COMPRESSED_FAILED also when the file has changed */
	const uint8_t *data;          /* valid until the next call of http_compressor_next      */
	size_t len;
	uint64_t digest; /* of `data`: it differs where the bytes do */
};

struct http_compressor;

/* Starts the thread. NULL with errno. */
struct http_compressor *http_compressor_create(void);
/* Ends the thread, in the middle of a job too, and closes the files of jobs whose result was not fetched. */
void http_compressor_destroy(struct http_compressor *c);
/* Readable when a result can be fetched. */
int http_compressor_fd(const struct http_compressor *c);
/* False when the ring is full: then the job is not taken. */
bool http_compressor_add(struct http_compressor *c, const struct http_job *job);
/* The next result, in the order of the jobs; false: there is none now. */
bool http_compressor_next(struct http_compressor *c, struct http_job_result *out);

#endif
