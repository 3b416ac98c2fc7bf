/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_prr.c — see tcp_prr.h. */
#include "stack/tcp_prr.h"

void tcp_prr_enter(struct tcp_prr *p, uint32_t recover_fs)
{
	*p = (struct tcp_prr){.recover_fs = recover_fs ? recover_fs : 1};
}

uint32_t tcp_prr_delivered(struct tcp_prr *p, uint32_t bytes, uint32_t pipe, uint32_t ssthresh,
			   uint32_t mss, bool safe)
{
	uint64_t count = 0;

	p->delivered += bytes;
	if (pipe > ssthresh) {
		/* In proportion: ssthresh bytes leave for each RecoverFS bytes that arrive. delivered is at
		 * most 2^32 in one recovery, so the product fits. */
		const uint64_t may = (p->delivered * ssthresh + p->recover_fs - 1) / p->recover_fs;
		count = may > p->out ? may - p->out : 0;
	} else {
		/* The conservative bound (CRB): no more leaves than arrives; with every ACK that proves good
		 * progress one segment more (SSRB), up to ssthresh. */
		count = p->delivered > p->out ? p->delivered - p->out : 0;
		if (count < bytes)
			count = bytes;
		if (safe)
			count += mss;
		if (count > ssthresh - pipe)
			count = ssthresh - pipe;
	}
	if (p->out == 0 && count < mss)
		count = mss; /* the fast retransmit goes out in any case */
	const uint64_t cwnd = pipe + count;
	return cwnd < UINT32_MAX / 2 ? (uint32_t)cwnd : UINT32_MAX / 2;
}

void tcp_prr_sent(struct tcp_prr *p, uint32_t bytes)
{
	p->out += bytes;
}
