/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_undo.c — see tcp_undo.h. */
#include "stack/tcp_undo.h"

#include "stack/stack_internal.h"
#include "stack/tcp_isn.h"

void tcp_undo_arm(struct tcp_conn *c)
{
	struct tcp_undo *u = &c->undo;

	if (u->armed && seq_lt(c->snd_una, c->recover))
		return;
	*u = (struct tcp_undo){.armed = true, .until = c->snd_max, .cc = c->cc};
}

void tcp_undo_sent_again(struct tcp_conn *c, uint32_t start, uint32_t end)
{
	struct tcp_undo *u = &c->undo;

	if (!u->armed)
		return;
	if (u->again == 0) {
		/* RFC 3522 asks about the oldest segment. When it is another one that was lost, the next ACK
		 * is for what was not sent again, and its old timestamp proves nothing. */
		u->first_ack = start == c->snd_una;
		u->hull = (struct seq_range){start, end};
		u->ts = tcp_ts_now(c->stack, c->ts_offset);
		/* What is reported as arrived twice comes a round trip after the last retransmission. */
		u->until = c->snd_max;
	}
	u->again += end - start;
	u->hull.start = seq_min(u->hull.start, start);
	u->hull.end = seq_max(u->hull.end, end);
}

/* RFC 3522 3.2, steps 4 and 5. */
static bool answers_the_original(const struct tcp_conn *c, const struct tcp_segment *seg)
{
	return c->undo.first_ack && c->ts_ok && seg->opt.has_timestamp &&
	       seq_lt(seg->opt.ts_ecr, c->undo.ts);
}

/* RFC 3708 2: only what lies where something was sent again since the window fell: a duplicate of an earlier
 * retransmission says nothing about this one. */
static bool all_arrived_twice(struct tcp_conn *c, struct seq_range dsack)
{
	struct tcp_undo *u = &c->undo;

	if (dsack.start == dsack.end || seq_lt(dsack.start, u->hull.start) ||
	    seq_gt(dsack.end, u->hull.end))
		return false;
	u->twice += dsack.end - dsack.start;
	return u->twice >= u->again;
}

bool tcp_undo_check(struct tcp_conn *c, const struct tcp_segment *seg, uint32_t acked,
		    struct seq_range dsack)
{
	struct tcp_undo *u = &c->undo;

	if (!u->armed || u->again == 0)
		return false;
	bool spurious = all_arrived_twice(c, dsack);
	if (acked > 0) {
		spurious = spurious || answers_the_original(c, seg);
		u->first_ack = false;
	}
	if (!spurious) {
		/* One more window after the flight in doubt: then it is history. */
		if (seq_gt(c->snd_una, u->until) && c->snd_una - u->until > u->cc.cwnd)
			u->armed = false;
		return false;
	}
	u->armed = false;
	/* RFC 4015 3.2: as it was, unless it has grown beyond that since. Within NewReno's recovery it is inflated
	 * by duplicate ACKs, which prove nothing. */
	const uint32_t now = c->in_recovery ? 0 : c->cc.cwnd;
	c->cc = u->cc;
	if (c->cc.cwnd < now)
		c->cc.cwnd = now;
	c->stack->counters.tcp_spurious_recoveries++;
	return true;
}
