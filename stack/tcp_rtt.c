/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_rtt.c — see tcp_rtt.h. */
#include "stack/tcp_rtt.h"

#include "stack/seq.h"
#include "stack/stack_internal.h"
#include "stack/tcp_isn.h"

#define TS_SAMPLE_MAX_MS 600000u /* an echo older than this is no echo of ours */

void tcp_rtt_sample(struct tcp_conn *c, uint64_t rtt_us)
{
	if (rtt_us == 0)
		rtt_us = 1;
	c->latest_rtt_us = rtt_us;
	c->tlp.measured = true;
	if (rtt_us < c->min_rtt_us)
		c->min_rtt_us = rtt_us;
	if (c->srtt_us == 0) {
		/* RFC 6298 2.2 */
		c->srtt_us = rtt_us;
		c->rttvar_us = rtt_us / 2;
	} else {
		/* RFC 6298 2.3, alpha = 1/8, beta = 1/4 */
		const uint64_t delta =
			c->srtt_us > rtt_us ? c->srtt_us - rtt_us : rtt_us - c->srtt_us;
		c->rttvar_us = (3 * c->rttvar_us + delta) / 4;
		c->srtt_us = (7 * c->srtt_us + rtt_us) / 8;
	}
	/* The floor is under the variance, not under the sum: a path of 300 ms keeps a margin too. */
	const uint64_t margin =
		4 * c->rttvar_us > TCP_RTO_MIN_US ? 4 * c->rttvar_us : TCP_RTO_MIN_US;
	c->rto_us = c->srtt_us + margin;
	if (c->rto_us > TCP_RTO_MAX_US)
		c->rto_us = TCP_RTO_MAX_US;
}

void tcp_rtt_sent(struct tcp_conn *c, uint32_t end)
{
	if (c->rtt_timing)
		return;
	c->rtt_timing = true;
	c->rtt_seq = end;
	c->rtt_sent_us = c->stack->now_us;
}

void tcp_rtt_cancel(struct tcp_conn *c)
{
	c->rtt_timing = false;
}

void tcp_rtt_acked(struct tcp_conn *c, const struct tcp_segment *seg)
{
	if (c->rtt_timing) {
		if (seq_geq(seg->ack, c->rtt_seq)) {
			c->rtt_timing = false;
			tcp_rtt_sample(c, c->stack->now_us - c->rtt_sent_us);
		}
		return;
	}
	if (c->ts_ok && seg->opt.has_timestamp) {
		const uint32_t ms = tcp_ts_now(c->stack, c->ts_offset) - seg->opt.ts_ecr;
		if (ms <= TS_SAMPLE_MAX_MS)
			tcp_rtt_sample(c, (uint64_t)ms * 1000);
	}
}

uint64_t tcp_rtt_timeout(const struct tcp_conn *c)
{
	const unsigned doublings = c->backoff < 16 ? c->backoff : 16;
	const uint64_t rto = c->rto_us << doublings;

	return rto < TCP_RTO_MAX_US ? rto : TCP_RTO_MAX_US;
}
