/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate.h — a minimum rate, kept as the time that a peer has left.
 *
 * It begins with a window of time. Every byte buys the time that it would take at the minimum rate, and nobody ever has
 * more than the window. So within any time T a peer must move at least rate × (T − window) bytes: who is as fast as
 * that never ends, however long it takes; who stops ends after one window; who moves a byte now and then, little later.
 */
#ifndef HTTP_RATE_H
#define HTTP_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct http_rate_min {
	uint32_t bytes_per_second; /* 0: none */
	uint64_t window_us;
};

struct http_rate {
	uint64_t
		deadline_us; /* at which the peer was too slow; UINT64_MAX: nothing is expected of it now */
	uint64_t
		left_us; /* while it pauses                                                           */
	bool paused;
};

static inline void http_rate_end(struct http_rate *r)
{
	r->deadline_us = UINT64_MAX;
	r->paused = false;
}

/* From now on the peer is expected to move bytes. */
void http_rate_begin(struct http_rate *r, const struct http_rate_min *min, uint64_t now_us);
/* It has moved so many, by `now_us` at the latest. Does nothing when nothing was expected. */
void http_rate_add(struct http_rate *r, const struct http_rate_min *min, uint64_t now_us,
		   uint64_t bytes);

/* For a while others are waited for: the peer keeps the time that it has left, and what it moves still adds to it. */
void http_rate_pause(struct http_rate *r, uint64_t now_us);
void http_rate_resume(struct http_rate *r, uint64_t now_us);

#endif
