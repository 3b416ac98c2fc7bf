/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_rcvbuf.c — see tcp_rcvbuf.h. */
#include "stack/tcp_rcvbuf.h"

#include "stack/seq.h"
#include "stack/stack_internal.h"
#include "stack/tcp_isn.h"

#define SLACK_SEGMENTS 16u /* what a peer may send in one go beyond its window's growth */

uint32_t tcp_rcvbuf_initial(const struct stack *s)
{
	const uint32_t max = s->cfg.recv_buffer_max;

	return s->cfg.recv_buffer_initial < max ? s->cfg.recv_buffer_initial : max;
}

void tcp_rcvbuf_init(struct tcp_conn *c)
{
	c->rcvbuf = (struct tcp_rcvbuf){.limit = tcp_rcvbuf_initial(c->stack),
					.epoch_us = c->stack->now_us};
}

/* ------------------------------------------------------------------ the round trip */

void tcp_rcvbuf_acked(struct tcp_conn *c)
{
	struct tcp_rcvbuf *r = &c->rcvbuf;
	const uint32_t now = tcp_ts_now(c->stack, c->ts_offset);
	/* Of several ACKs with one timestamp only the first tells when its echo is due. */
	const bool tells = !c->ts_ok || now != r->ts_sent;

	r->ts_sent = now;
	if (r->timing || !tells)
		return;
	r->timing = true;
	r->mark = c->ts_ok ? now : c->rcv_adv;
	r->mark_us = c->stack->now_us;
}

void tcp_rcvbuf_arrived(struct tcp_conn *c, const struct tcp_segment *seg)
{
	struct tcp_rcvbuf *r = &c->rcvbuf;
	uint64_t sample = c->stack->now_us - r->mark_us;

	if (!r->timing ||
	    (c->ts_ok ? seq_lt(seg->opt.ts_ecr, r->mark) : seq_leq(c->rcv_nxt, r->mark)))
		return;
	r->timing = false;
	/* Another ACK has set off this one: who knows how long after. */
	if (c->ts_ok && seg->opt.ts_ecr != r->mark)
		return;
	if (r->rtt_us == 0)
		r->rtt_us = c->srtt_us ? c->srtt_us : sample;
	if (!c->ts_ok) {
		r->rtt_us = sample < r->rtt_us ? sample : r->rtt_us;
		return;
	}
	/* A pause of the peer's is no round trip: it may not count for more than twice one. */
	if (sample > 2 * r->rtt_us)
		sample = 2 * r->rtt_us;
	r->rtt_us = (7 * r->rtt_us + sample + 7) / 8;
}

/* ------------------------------------------------------------------ the limit */

static uint64_t round_trip(const struct tcp_conn *c)
{
	return c->rcvbuf.rtt_us ? c->rcvbuf.rtt_us : c->srtt_us;
}

/* `copied` bytes were read in this round trip, `before` in the one before: how large is the window to be? */
static uint64_t wanted(const struct tcp_conn *c, uint64_t copied, uint64_t before)
{
	uint64_t want = 2 * copied + SLACK_SEGMENTS * c->rcv_mss;

	/* In slow start the next round trip brings twice as much, and when we have read that the one
	 * after it is under way. */
	if (before > 0 && copied > before)
		want += 2 * copied < 2 * copied * (copied - before) / before
				? 2 * copied
				: 2 * copied * (copied - before) / before;
	return want;
}

void tcp_rcvbuf_consumed(struct tcp_conn *c, uint32_t bytes)
{
	struct tcp_rcvbuf *r = &c->rcvbuf;
	const uint64_t now = c->stack->now_us, rtt = round_trip(c), elapsed = now - r->epoch_us;
	const uint32_t max = c->stack->cfg.recv_buffer_max;

	r->consumed = bytes < UINT32_MAX - r->consumed ? r->consumed + bytes : UINT32_MAX;
	if (rtt == 0 || elapsed < rtt)
		return;
	uint64_t copied = r->consumed;
	if (elapsed >= 2 * rtt) /* seldom read: what would it have been in one? */
		copied = copied * rtt / elapsed;
	const uint64_t want = wanted(c, copied, r->before);
	r->before = (uint32_t)copied;
	r->consumed = 0;
	r->epoch_us = now;
	if (want > r->limit && !c->stack->pressure.on)
		r->limit = want < max ? (uint32_t)want : max;
}
