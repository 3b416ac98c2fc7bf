/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed variants: see variants.h. */
#include "http/variants.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/compressor.h"
#include "http/file_cache.h"

#define BUCKETS 1024

enum state {
	QUEUED,
	READY,
	POOR, /* it is not worth it: remembered, so that it is not tried again */
};

struct variant {
	unsigned refs;                 /* responses, and the cache     */
	struct variant *next;          /* in the bucket                */
	struct variant *newer, *older; /* not while it is queued       */
	struct http_file file;         /* the state it belongs to      */
	enum http_coding coding;
	enum state state;
	size_t len;
	char digest[HTTP_VARIANT_DIGEST_SIZE];
	uint8_t data[];
};

struct http_variants {
	struct http_compressor *compressor;
	size_t max;
	struct variant *buckets[BUCKETS], *newest, *oldest;
	struct http_variants_stats stats;
};

static void release(void *owner)
{
	struct variant *variant = owner;

	if (--variant->refs == 0)
		free(variant);
}

/* ------------------------------------------------------------------ the table */

static struct variant **bucket_of(struct http_variants *v, const struct http_file *file,
				  enum http_coding coding)
{
	uint64_t x = file->inode * 4U + (unsigned)coding;

	x = (x ^ (uint64_t)file->mtime ^ file->size << 20) * 0x9e3779b97f4a7c15U;
	return &v->buckets[(x >> 40) % BUCKETS];
}

static struct variant *find(struct http_variants *v, const struct http_file *file,
			    enum http_coding coding)
{
	struct variant *variant = *bucket_of(v, file, coding);

	while (variant && (variant->coding != coding || !http_file_same(&variant->file, file)))
		variant = variant->next;
	return variant;
}

static size_t cost(const struct variant *variant)
{
	return sizeof(*variant) + variant->len;
}

static void enlist(struct http_variants *v, struct variant *variant)
{
	struct variant **bucket = bucket_of(v, &variant->file, variant->coding);

	variant->next = *bucket;
	*bucket = variant;
	v->stats.entries++;
	v->stats.bytes += cost(variant);
}

static void delist(struct http_variants *v, struct variant *variant)
{
	struct variant **at = bucket_of(v, &variant->file, variant->coding);

	while (*at != variant)
		at = &(*at)->next;
	*at = variant->next;
	v->stats.entries--;
	v->stats.bytes -= cost(variant);
}

static void link_newest(struct http_variants *v, struct variant *variant)
{
	variant->newer = NULL;
	variant->older = v->newest;
	*(v->newest ? &v->newest->newer : &v->oldest) = variant;
	v->newest = variant;
}

static void unlink_used(struct http_variants *v, struct variant *variant)
{
	*(variant->newer ? &variant->newer->older : &v->newest) = variant->older;
	*(variant->older ? &variant->older->newer : &v->oldest) = variant->newer;
}

static void drop_oldest(struct http_variants *v)
{
	struct variant *variant = v->oldest;

	unlink_used(v, variant);
	delist(v, variant);
	release(variant);
}

static struct variant *make(const struct http_file *file, enum http_coding coding, size_t len)
{
	struct variant *variant = malloc(sizeof(*variant) + len);

	if (variant) {
		*variant = (struct variant){
			.refs = 1, .file = *file, .coding = coding, .state = QUEUED, .len = len};
		variant->file.fd = -1;
		variant->file.data = NULL;
		variant->file.cached = NULL;
	}
	return variant;
}

/* ------------------------------------------------------------------ asking for one */

bool http_variants_get(struct http_variants *v, const struct http_file *file,
		       enum http_coding coding, struct http_source *source,
		       char digest[HTTP_VARIANT_DIGEST_SIZE])
{
	struct variant *variant = find(v, file, coding);

	if (!variant || variant->state == QUEUED)
		return false;
	unlink_used(v, variant);
	link_newest(v, variant);
	if (variant->state == POOR)
		return false;
	variant->refs++;
	*source = (struct http_source){.fd = -1,
				       .data = variant->data,
				       .size = variant->len,
				       .release = release,
				       .owner = variant};
	memcpy(digest, variant->digest, HTTP_VARIANT_DIGEST_SIZE);
	return true;
}

/* The job holds what is kept of the file, or has a descriptor of its own. */
static bool make_job(const struct http_file *file, struct http_job *job)
{
	job->file = *file;
	if (file->cached)
		http_cached_hold(file->cached);
	else
		job->file.fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
	return file->cached || job->file.fd >= 0;
}

void http_variants_want(struct http_variants *v, const struct http_file *file,
			enum http_coding coding)
{
	struct http_job job = {.coding = coding};
	struct variant *variant;

	if (file->size < HTTP_VARIANT_MIN || file->size > HTTP_VARIANT_MAX || find(v, file, coding))
		return;
	variant = make(file, coding, 0);
	if (!variant)
		return;
	job.user = variant;
	if (make_job(file, &job) && http_compressor_add(v->compressor, &job)) {
		enlist(v, variant);
		return;
	}
	v->stats.refused++;
	http_file_close(&job.file);
	free(variant);
}

/* ------------------------------------------------------------------ taking results */

/* Puts what came of a job in the place of its queued entry. */
static void conclude(struct http_variants *v, const struct http_job_result *result)
{
	struct variant *queued = result->job.user, *made = NULL;
	const bool ok =
		result->outcome == HTTP_COMPRESSED_OK && sizeof(*made) + result->len <= v->max;

	delist(v, queued);
	if (result->outcome == HTTP_COMPRESSED_OK || result->outcome == HTTP_COMPRESSED_POOR)
		made = make(&queued->file, queued->coding, ok ? result->len : 0);
	free(queued);
	if (!made) {
		v->stats.failed++;
		return;
	}
	made->state = ok ? READY : POOR;
	if (ok) {
		memcpy(made->data, result->data, result->len);
		snprintf(made->digest, sizeof(made->digest), "%016llx",
			 (unsigned long long)result->digest);
		v->stats.made++;
	} else {
		v->stats.poor++;
	}
	enlist(v, made);
	link_newest(v, made);
	while (v->stats.bytes > v->max && v->oldest != made)
		drop_oldest(v);
}

void http_variants_collect(struct http_variants *v)
{
	struct http_job_result result;

	while (http_compressor_next(v->compressor, &result)) {
		conclude(v, &result);
		http_file_close(&result.job.file);
	}
}

/* ------------------------------------------------------------------ the whole */

struct http_variants *http_variants_create(size_t bytes)
{
	struct http_variants *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->max = bytes;
	v->compressor = http_compressor_create();
	if (v->compressor)
		return v;
	free(v);
	return NULL;
}

void http_variants_destroy(struct http_variants *v)
{
	if (!v)
		return;
	http_compressor_destroy(v->compressor);
	while (v->oldest)
		drop_oldest(v);
	/* those that were queued */
	for (unsigned i = 0; i < BUCKETS; i++) {
		for (struct variant *variant = v->buckets[i], *next; variant; variant = next) {
			next = variant->next;
			free(variant);
		}
	}
	free(v);
}

int http_variants_fd(const struct http_variants *v)
{
	return http_compressor_fd(v->compressor);
}

void http_variants_stats(const struct http_variants *v, struct http_variants_stats *out)
{
	*out = v->stats;
}
