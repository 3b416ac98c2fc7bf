/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_rack.c — see tcp_rack.h. */
#include "stack/tcp_rack.h"

#include "stack/seq.h"
#include "stack/stack_internal.h"

void tcp_rack_init(struct tcp_conn *c)
{
	c->rack = (struct tcp_rack){.reo_wnd_mult = 1};
}

void tcp_rack_flight_begins(struct tcp_conn *c)
{
	/* Everything below is acknowledged. A value from gigabytes ago would compare the wrong way round. */
	c->rack.fack = tcp_snd_data_una(c);
}

void tcp_rack_lowered(struct tcp_conn *c)
{
	c->rack.lowered = c->board.order;
}

void tcp_rack_was_reordered(struct tcp_conn *c)
{
	c->rack.reordering_seen = true;
}

/* ------------------------------------------------------------------ step 1: min_RTT */

static void min_rtt_sample(struct tcp_conn *c, uint64_t rtt_us)
{
	struct tcp_rack *k = &c->rack;
	const uint64_t half = c->stack->now_us / TCP_RACK_MIN_RTT_US;

	if (half != k->min_rtt_half) {
		/* What nothing has confirmed for so long is of another path. */
		k->min_rtt_before_us = half - k->min_rtt_half == 1 ? k->min_rtt_us : 0;
		k->min_rtt_us = 0;
		k->min_rtt_half = half;
	}
	if (k->min_rtt_us == 0 || rtt_us < k->min_rtt_us)
		k->min_rtt_us = rtt_us;
}

/* 0 when nothing was ever measured. */
static uint64_t min_rtt(const struct tcp_rack *k)
{
	if (k->min_rtt_us == 0 || k->min_rtt_before_us == 0)
		return k->min_rtt_us + k->min_rtt_before_us;
	return k->min_rtt_us < k->min_rtt_before_us ? k->min_rtt_us : k->min_rtt_before_us;
}

/* ------------------------------------------------------------------ step 2: RACK.segment */

/* RACK_sent_after: was (a, a_end) sent after (b, b_end)? */
static bool sent_after(uint32_t a, uint32_t a_end, uint32_t b, uint32_t b_end)
{
	return seq_gt(a, b) || (a == b && seq_gt(a_end, b_end));
}

/* Of a segment that was sent more than once, an earlier transmission may have arrived: so it has when its ACK
 * comes sooner than any ACK can, or echoes an older timestamp. Only an ACK that moves SND.UNA echoes what
 * it answers; behind a gap the echo is older (RFC 7323 4.3). */
static bool may_be_the_original(const struct tcp_conn *c, const struct tcp_sent *r,
				const struct tcp_delivery *d, uint64_t rtt_us)
{
	const uint32_t sent_ts = (uint32_t)(r->sent_us / 1000) + c->ts_offset;

	if (d->has_ecr && seq_leq(r->end, c->snd_una) && seq_lt(d->ts_ecr, sent_ts))
		return true;
	return rtt_us < min_rtt(&c->rack);
}

void tcp_rack_delivered(struct tcp_conn *c, const struct tcp_sent *r, struct tcp_delivery *d)
{
	struct tcp_rack *k = &c->rack;
	const bool again = (r->flags & TCP_SENT_AGAIN) != 0;
	const uint64_t now_us = c->stack->now_us;
	const uint64_t rtt_us = now_us - r->sent_us;

	if (!d->any || seq_gt(r->end, d->highest))
		d->highest = r->end;
	d->any = true;
	if (!again && (!d->any_first || seq_lt(r->end, d->lowest_first))) {
		d->lowest_first = r->end;
		d->any_first = true;
	}
	if (r->coarse || (again && may_be_the_original(c, r, d, rtt_us)))
		return;
	if (!again)
		min_rtt_sample(c, rtt_us > 0 ? rtt_us : 1);
	if (k->seen && !sent_after(r->order, r->end, k->order, k->end_seq))
		return;
	k->seen = true;
	k->order = r->order;
	k->end_seq = r->end;
	k->xmit_us = r->sent_us;
	k->rtt_us = rtt_us;
}

/* ------------------------------------------------------------------ steps 3 and 4: reordering */

/* Only the ACK as a whole can say it: its blocks do not come in order. */
static void detect_reordering(struct tcp_conn *c, const struct tcp_delivery *d)
{
	struct tcp_rack *k = &c->rack;

	if (d->any_first && seq_lt(d->lowest_first, k->fack)) {
		k->reordering_seen = true;
		c->stack->counters.tcp_sack_reorders++;
	}
	if (d->any)
		k->fack = seq_max(k->fack, d->highest);
}

/* A duplicate says that the window was too small, but not when it was the network that has duplicated, or a
 * loss probe, which goes out by the clock. */
static bool dsack_counts(const struct tcp_conn *c, const struct tcp_delivery *d)
{
	return d->dsack.start != d->dsack.end && !d->dsack_of_probe &&
	       c->dsacks_in <= c->retransmits;
}

static void adapt(struct tcp_conn *c, const struct tcp_delivery *d, bool exited)
{
	struct tcp_rack *k = &c->rack;

	if (k->in_dsack_round && seq_geq(c->snd_una, k->dsack_round))
		k->in_dsack_round = false;
	if (!k->in_dsack_round && dsack_counts(c, d)) {
		k->in_dsack_round = true;
		k->dsack_round = c->snd_nxt;
		if (k->reo_wnd_mult < UINT8_MAX)
			k->reo_wnd_mult++;
		k->reo_wnd_persist = TCP_RACK_PERSIST;
	} else if (exited && k->reo_wnd_persist > 0 && --k->reo_wnd_persist == 0) {
		k->reo_wnd_mult = 1;
	}
}

void tcp_rack_update(struct tcp_conn *c, const struct tcp_delivery *d, bool exited)
{
	detect_reordering(c, d);
	adapt(c, d, exited);
}

static uint64_t reordering_window(const struct tcp_conn *c)
{
	const struct tcp_rack *k = &c->rack;

	/* DupThresh (RFC 6675) and a recovery that has begun count at once, until reordering is seen. */
	if (!k->reordering_seen &&
	    (c->in_recovery || seq_lt(c->snd_una, c->recover) || tcp_scoreboard_dup_thresh(c)))
		return 0;
	const uint64_t wnd_us = k->reo_wnd_mult * min_rtt(k) / 4;
	return wnd_us < c->srtt_us ? wnd_us : c->srtt_us;
}

/* ------------------------------------------------------------------ step 5: losses */

struct tcp_rack_losses tcp_rack_detect(struct tcp_conn *c)
{
	struct tcp_rack *k = &c->rack;
	struct tcp_scoreboard *b = &c->board;
	struct tcp_rack_losses found = {0};

	k->reo_wnd_us = reordering_window(c);
	if (!k->seen || b->count == 0)
		return found;
	/* What was sent once was sent in the order of its numbers: mostly a look at the first will do. */
	if (b->again == 0 && sent_after(b->range[0].order, b->range[0].end, k->order, k->end_seq))
		return found;
	for (unsigned i = 0; i < b->count; i++) {
		const struct tcp_sent *r = &b->range[i];
		if ((r->flags & (TCP_SENT_SACKED | TCP_SENT_LOST)) ||
		    !sent_after(k->order, k->end_seq, r->order, r->end))
			continue;
		const uint64_t due_us = r->sent_us + k->rtt_us + k->reo_wnd_us;
		if (due_us > c->stack->now_us) {
			found.due_us = due_us > found.due_us ? due_us : found.due_us;
			continue;
		}
		found.any = true;
		found.oldest = found.oldest || i == 0;
		if (r->flags & TCP_SENT_AGAIN) {
			found.again = found.again || seq_gt(r->order, k->lowered);
			c->stack->counters.tcp_lost_retransmits++;
		}
		tcp_scoreboard_mark_lost(c, i);
	}
	return found;
}

uint64_t tcp_rack_overdue_us(const struct tcp_conn *c)
{
	const struct tcp_rack *k = &c->rack;
	const uint64_t rtt_us = k->seen ? k->rtt_us : c->srtt_us;
	const uint64_t ago_us = rtt_us + reordering_window(c);

	return c->stack->now_us > ago_us ? c->stack->now_us - ago_us : 0;
}
