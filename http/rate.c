/* SPDX-License-Identifier: Apache-2.0 */
/* rate.c — see rate.h. */
#include "http/rate.h"

#define SECOND_US 1000000u

void http_rate_begin(struct http_rate *r, const struct http_rate_min *min, uint64_t now_us)
{
	http_rate_end(r);
	if (min->bytes_per_second > 0 && min->window_us < UINT64_MAX - now_us)
		r->deadline_us = now_us + min->window_us;
}

void http_rate_add(struct http_rate *r, const struct http_rate_min *min, uint64_t now_us,
		   uint64_t bytes)
{
	if (r->deadline_us == UINT64_MAX && !r->paused)
		return;
	/* More than a window's worth is a window's worth; then nothing below can overflow. */
	const uint64_t bought = bytes / min->bytes_per_second > min->window_us / SECOND_US
					? min->window_us
					: bytes * SECOND_US / min->bytes_per_second;
	uint64_t *left = r->paused ? &r->left_us : &r->deadline_us;
	const uint64_t most = min->window_us + (r->paused ? 0 : now_us);

	*left = *left + bought < most ? *left + bought : most;
}

void http_rate_pause(struct http_rate *r, uint64_t now_us)
{
	if (r->deadline_us == UINT64_MAX)
		return;
	r->left_us = r->deadline_us > now_us ? r->deadline_us - now_us : 0;
	r->deadline_us = UINT64_MAX;
	r->paused = true;
}

void http_rate_resume(struct http_rate *r, uint64_t now_us)
{
	if (!r->paused)
		return;
	r->deadline_us = now_us + r->left_us;
	r->paused = false;
}
