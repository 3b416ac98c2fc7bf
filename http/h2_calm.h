/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_calm.h — how much of what costs work and asks for nothing a client may send (RFC 9113 10.5).
 *
 * A bucket of tokens each for two kinds of frames. It fills with time, and with useful work: who downloads
 * much may send many WINDOW_UPDATEs. A client that empties one is told ENHANCE_YOUR_CALM and left.
 */
#ifndef HTTP_H2_CALM_H
#define HTTP_H2_CALM_H

#include <stdbool.h>
#include <stdint.h>

/* PING, SETTINGS, WINDOW_UPDATE, PRIORITY, PRIORITY_UPDATE, empty DATA: at once, and per
 * second. Besides each request earns a few, and each DATA frame of ours the two WINDOW_UPDATEs that may
 * answer it. */
#define H2_CALM_CONTROL_MAX 1000u
#define H2_CALM_CONTROL_RATE 100u
#define H2_CALM_PER_REQUEST 8u
#define H2_CALM_PER_DATA 2u
/* Streams that end before their time, by the client's RST_STREAM (CVE-2023-44487) or by ours for a fault of
 * its (CVE-2025-8671). Who leaves a page takes all of its streams back at once, perhaps a few times in a
 * row; each request that is answered whole earns another. */
#define H2_CALM_RESET_MAX 512u
#define H2_CALM_RESET_RATE 32u

struct h2_bucket {
	uint32_t tokens, max;
	uint32_t rate; /* tokens per second */
	uint64_t at_us;
};

static inline void h2_bucket_init(struct h2_bucket *b, uint32_t max, uint32_t rate, uint64_t now_us)
{
	*b = (struct h2_bucket){max, max, rate, now_us};
}

static inline void h2_bucket_add(struct h2_bucket *b, uint64_t tokens)
{
	b->tokens = tokens < b->max - b->tokens ? b->tokens + (uint32_t)tokens : b->max;
}

/* False when it is empty. */
static inline bool h2_bucket_take(struct h2_bucket *b, uint64_t now_us)
{
	const uint64_t per_token_us = 1000000u / b->rate;
	const uint64_t earned = (now_us - b->at_us) / per_token_us;

	b->at_us += earned * per_token_us;
	h2_bucket_add(b, earned);
	if (b->tokens == 0)
		return false;
	b->tokens--;
	return true;
}

#endif
