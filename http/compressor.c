/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compressing thread: see compressor.h.
 *
 * Jobs are numbered. `added` is written by the owner, `done` by the thread, `fetched` by the owner,
 * `cleared` by the thread, which then has freed what it had allocated; always
 *
 *     cleared <= fetched <= done <= added <= cleared + HTTP_COMPRESSOR_JOBS
 *
 * and job n is in place n % HTTP_COMPRESSOR_JOBS, which belongs to who has to move it on.
 */
#include "http/compressor.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK_SIZE (512 * 1024)
#define READ_PIECE (256 * 1024)
/* Below ten percent it is not worth the client's work, nor our memory. */
#define WORTH(size) ((size) - (size) / 10)

struct place {
	struct http_job job;
	enum http_compressed outcome;
	uint8_t *out;
	size_t len;
	uint64_t digest;
};

struct http_compressor {
	pthread_t thread;
	int wake_fd, done_fd; /* eventfds: for the thread, for the owner */
	atomic_bool stop;
	atomic_uint added, done, fetched, cleared;
	unsigned heard; /* signals taken off done_fd */
	bool lent;      /* the result of job `fetched` is with the owner */
	struct place place[HTTP_COMPRESSOR_JOBS];
};

static struct place *place_of(struct http_compressor *c, unsigned n)
{
	return &c->place[n % HTTP_COMPRESSOR_JOBS];
}

static void signal_fd(int fd)
{
	const uint64_t one = 1;

	/* It can only fail by being readable already. */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

/* ------------------------------------------------------------------ the thread */

/* All of the file, or NULL when it is not what it was, or there is no time left. */
static uint8_t *read_file(const struct http_compressor *c, const struct http_file *file)
{
	struct http_file present = *file;
	uint8_t *data = malloc((size_t)file->size);
	size_t at = 0;

	while (data && at < file->size && !atomic_load(&c->stop)) {
		const size_t left = (size_t)file->size - at;
		const ssize_t got = pread(file->fd, data + at,
					  left < READ_PIECE ? left : READ_PIECE, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		at += (size_t)got;
	}
	if (data && at == file->size && http_file_refresh(&present) &&
	    http_file_same(&present, file) && !http_file_fresh(file))
		return data;
	free(data);
	return NULL;
}

/* FNV-1a. */
static uint64_t digest_of(const uint8_t *data, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325U;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ data[i]) * 0x100000001b3U;
	return hash;
}

static void work(const struct http_compressor *c, struct place *p)
{
	const size_t size = (size_t)p->job.file.size, room = WORTH(size);
	uint8_t *read = p->job.file.data ? NULL : read_file(c, &p->job.file);
	const uint8_t *data = read ? read : p->job.file.data;
	uint8_t *out = malloc(room ? room : 1), *fitting;

	p->outcome = HTTP_COMPRESSED_FAILED;
	if (data && out)
		p->outcome = http_compress(p->job.coding, data, size, out, room, &p->len, &c->stop);
	free(read);
	if (p->outcome != HTTP_COMPRESSED_OK) {
		free(out);
		out = NULL;
	} else if ((fitting = realloc(out, p->len ? p->len : 1)) != NULL) {
		out = fitting;
	}
	p->out = out;
	p->digest = out ? digest_of(out, p->len) : 0;
}

static void clear(struct http_compressor *c)
{
	unsigned n = atomic_load_explicit(&c->cleared, memory_order_relaxed);

	for (; n != atomic_load_explicit(&c->fetched, memory_order_acquire); n++) {
		free(place_of(c, n)->out);
		place_of(c, n)->out = NULL;
		atomic_store_explicit(&c->cleared, n + 1, memory_order_release);
	}
}

static void *run(void *arg)
{
	static const struct sched_param param = {0};
	struct http_compressor *c = arg;
	uint64_t count;

	/* Where that is not allowed it works like any other thread. */
	sched_setscheduler(0, SCHED_IDLE, &param);
	while (!atomic_load(&c->stop)) {
		const unsigned n = atomic_load_explicit(&c->done, memory_order_relaxed);

		clear(c);
		if (n == atomic_load_explicit(&c->added, memory_order_acquire)) {
			while (read(c->wake_fd, &count, sizeof(count)) < 0 && errno == EINTR)
				;
			continue;
		}
		work(c, place_of(c, n));
		atomic_store_explicit(&c->done, n + 1, memory_order_release);
		signal_fd(c->done_fd);
	}
	return NULL;
}

/* ------------------------------------------------------------------ the owner */

static int start(struct http_compressor *c)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int error;

	/* Signals are for the owner. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	error = pthread_create(&c->thread, &attr, run, c);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error;
}

struct http_compressor *http_compressor_create(void)
{
	struct http_compressor *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->wake_fd = eventfd(0, EFD_CLOEXEC);
	c->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->wake_fd >= 0 && c->done_fd >= 0) {
		errno = start(c);
		if (errno == 0)
			return c;
	}
	if (c->wake_fd >= 0)
		close(c->wake_fd);
	if (c->done_fd >= 0)
		close(c->done_fd);
	free(c);
	return NULL;
}

void http_compressor_destroy(struct http_compressor *c)
{
	static const struct sched_param param = {0};

	if (!c)
		return;
	atomic_store(&c->stop, true);
	/* Idle, it could take for ever to notice. */
	pthread_setschedparam(c->thread, SCHED_OTHER, &param);
	signal_fd(c->wake_fd);
	pthread_join(c->thread, NULL);
	for (unsigned n = c->cleared; n != c->done; n++)
		free(place_of(c, n)->out);
	for (unsigned n = c->fetched + c->lent; n != c->added; n++)
		http_file_close(&place_of(c, n)->job.file);
	close(c->wake_fd);
	close(c->done_fd);
	free(c);
}

int http_compressor_fd(const struct http_compressor *c)
{
	return c->done_fd;
}

bool http_compressor_add(struct http_compressor *c, const struct http_job *job)
{
	const unsigned n = atomic_load_explicit(&c->added, memory_order_relaxed);

	if (n - atomic_load_explicit(&c->cleared, memory_order_acquire) == HTTP_COMPRESSOR_JOBS)
		return false;
	*place_of(c, n) = (struct place){.job = *job};
	atomic_store_explicit(&c->added, n + 1, memory_order_release);
	signal_fd(c->wake_fd);
	return true;
}

bool http_compressor_next(struct http_compressor *c, struct http_job_result *out)
{
	unsigned n = atomic_load_explicit(&c->fetched, memory_order_relaxed);
	const struct place *p;
	uint64_t count;

	if (c->lent) {
		c->lent = false;
		atomic_store_explicit(&c->fetched, ++n, memory_order_release);
		signal_fd(c->wake_fd);
	}
	const unsigned done = atomic_load_explicit(&c->done, memory_order_acquire);
	/* Each job is signalled once, a moment after it is done. */
	if (c->heard != done && read(c->done_fd, &count, sizeof(count)) == sizeof(count))
		c->heard += (unsigned)count;
	if (n == done)
		return false;
	p = place_of(c, n);
	*out = (struct http_job_result){p->job, p->outcome, p->out, p->len, p->digest};
	c->lent = true;
	return true;
}
