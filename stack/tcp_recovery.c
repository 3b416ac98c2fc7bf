/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_recovery.c — see tcp_recovery.h. */
#include "stack/tcp_recovery.h"

#include "stack/seq.h"
#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_rtt.h"

static uint32_t flight(const struct tcp_conn *c)
{
	return c->snd_nxt - c->snd_una;
}

uint32_t tcp_recovery_window(const struct tcp_conn *c)
{
	/* RFC 3042: each of the first two duplicate ACKs lets one new segment out. */
	if (!c->in_recovery && c->dupacks > 0 && c->dupacks < TCP_DUPACK_THRESHOLD)
		return c->cc.cwnd + c->dupacks * c->cc.mss;
	return c->cc.cwnd;
}

static void enter_fast_recovery(struct tcp_conn *c)
{
	c->in_recovery = true;
	c->recover = c->snd_max;
	c->cc.ssthresh = c->cc_ops->loss(&c->cc, flight(c), c->stack->now_us);
	c->cc.cwnd = c->cc.ssthresh + TCP_DUPACK_THRESHOLD * c->cc.mss;
	c->retransmit = true;
	c->stack->counters.tcp_fast_retransmits++;
}

void tcp_recovery_duplicate_ack(struct tcp_conn *c)
{
	c->dup_acks_in++;
	c->stack->counters.tcp_dup_acks_in++;
	if (c->dupacks < UINT8_MAX)
		c->dupacks++;
	if (c->in_recovery) {
		/* RFC 5681 3.2 (4), but never beyond what was in flight: duplicate ACKs that were
		 * made up must not open the window (Savage et al. 1999). */
		if (c->cc.cwnd < c->cc.ssthresh + (c->recover - c->snd_una))
			c->cc.cwnd += c->cc.mss;
	} else if (c->dupacks == TCP_DUPACK_THRESHOLD && seq_gt(c->snd_una, c->recover)) {
		enter_fast_recovery(c);
	}
	tcp_conn_wants_output(c);
}

/* RFC 6582 3.2, step 3: an ACK that covers everything outstanding at the start of recovery ends it; one
 * that does not shows the next hole. */
static void recovery_ack(struct tcp_conn *c, uint32_t acked)
{
	if (seq_geq(c->snd_una, c->recover)) {
		const uint32_t after = (flight(c) > c->cc.mss ? flight(c) : c->cc.mss) + c->cc.mss;
		c->cc.cwnd = c->cc.ssthresh < after ? c->cc.ssthresh : after;
		c->in_recovery = false;
		c->dupacks = 0;
		return;
	}
	c->retransmit = true;
	c->cc.cwnd = c->cc.cwnd > acked ? c->cc.cwnd - acked : 0;
	if (acked >= c->cc.mss || c->cc.cwnd < c->cc.mss)
		c->cc.cwnd += c->cc.mss;
}

void tcp_recovery_new_ack(struct tcp_conn *c, uint32_t acked)
{
	if (c->in_recovery) {
		recovery_ack(c, acked);
		return;
	}
	c->dupacks = 0;
	if (!c->cwnd_limited)
		return; /* RFC 9293 3.8.2, RFC 7661: a window that is not used does not grow */
	const struct tcp_cc_ack ack = {
		.bytes = acked, .now_us = c->stack->now_us, .srtt_us = c->srtt_us};
	c->cc_ops->acked(&c->cc, &ack);
}

void tcp_recovery_timeout(struct tcp_conn *c)
{
	/* RFC 5681 3.1: when the same segment times out again, ssthresh stays. */
	if (c->backoff == 0)
		c->cc.ssthresh = c->cc_ops->loss(&c->cc, flight(c), c->stack->now_us);
	c->cc.cwnd = c->cc.mss;
	c->in_recovery = false;
	c->recover = c->snd_max;
	c->dupacks = 0;
	c->retransmit = false;
	c->snd_nxt = c->snd_una;
	tcp_rtt_cancel(c);
}
