/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_prr.h — proportional rate reduction (RFC 6937 and its revision, RFC 9937): during recovery the window
 * follows what the ACKs report as delivered, so that it has fallen to ssthresh by the end without a pause
 * of half a round trip and without a burst.
 */
#ifndef STACK_TCP_PRR_H
#define STACK_TCP_PRR_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_prr {
	uint32_t recover_fs; /* bytes in flight when recovery began; never 0 */
	uint64_t delivered, out;
};

void tcp_prr_enter(struct tcp_prr *p, uint32_t recover_fs);
/* `bytes` were delivered and `pipe` are still in flight; `safe` says that SND.UNA moved and nothing more was
 * found lost. Returns the congestion window, in bytes. */
uint32_t tcp_prr_delivered(struct tcp_prr *p, uint32_t bytes, uint32_t pipe, uint32_t ssthresh,
			   uint32_t mss, bool safe);
/* `bytes` were sent, new or again. */
void tcp_prr_sent(struct tcp_prr *p, uint32_t bytes);

#endif
