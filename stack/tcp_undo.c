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
	*u = (struct tcp_undo){
		.armed = true, .start = c->snd_una, .until = c->snd_max, .cc = c->cc};
}

void tcp_undo_sent_again(struct tcp_conn *c, uint32_t bytes)
{
	struct tcp_undo *u = &c->undo;

	if (!u->armed)
		return;
	if (u->again == 0) {
		u->first_ack = true;
		u->ts = tcp_ts_now(c->stack, c->ts_offset);
		/* What is reported as arrived twice comes a round trip after the last retransmission. */
		u->until = c->snd_max;
	}
	u->again += bytes;
}

/* RFC 3522 3.2, steps 4 and 5. */
static bool answers_the_original(const struct tcp_conn *c, const struct tcp_segment *seg)
{
	return c->undo.first_ack && c->ts_ok && seg->opt.has_timestamp &&
	       seq_lt(seg->opt.ts_ecr, c->undo.ts);
}

/* RFC 3708 2: only what lies in the flight that was in doubt, and no more than was sent again. */
static bool all_arrived_twice(struct tcp_conn *c, struct seq_range dsack)
{
	struct tcp_undo *u = &c->undo;

	if (dsack.start == dsack.end || seq_lt(dsack.start, u->start) || u->again == 0)
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
