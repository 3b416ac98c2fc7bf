/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h — does the peer take what it is sent? Judged by what it has acknowledged, which only TCP knows: bytes that
 * lie in a buffer of ours have cost it nothing.
 *
 * Two rules: some byte at least every time-out, and over time a minimum rate (http/rate.h). Time counts only while bytes
 * wait for an acknowledgement, so a server that has nothing to send, or does not get round to it, blames nobody. A window that
 * stays shut counts, though every probe of it is answered. Internal to session.c.
 */
#ifndef SERVER_PROGRESS_H
#define SERVER_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/rate.h"
#include "server/close_reason.h"

struct progress_rules {
	uint64_t timeout_us;
	struct http_rate_min min;
};

struct progress {
	uint64_t sent;           /* bytes ever committed to the send ring               */
	uint64_t acked;          /* of these acknowledged when last looked at            */
	uint64_t stall_deadline; /* when `acked` must have moved; UINT64_MAX: nothing waits */
	struct http_rate rate;
};

void progress_init(struct progress *p);
/* `pending` bytes are unacknowledged now. `blocked`: more would be, were there room. What is acknowledged counts from when it is
 * looked at: the time-out may last twice as long as it says, never less. */
void progress_look(struct progress *p, const struct progress_rules *rules, uint64_t now_us,
		   size_t pending, bool blocked);
/* When to look again; UINT64_MAX: nothing waits. */
uint64_t progress_deadline(const struct progress *p);
/* CLOSE_NONE, or why the connection has to end. After progress_look. */
enum close_reason progress_verdict(const struct progress *p, uint64_t now_us);

#endif
