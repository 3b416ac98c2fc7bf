/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_recovery.c — see tcp_recovery.h. */
#include "stack/tcp_recovery.h"

#include "stack/seq.h"
#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_ecn.h"
#include "stack/tcp_rtt.h"
#include "stack/tcp_timer.h"

/* ------------------------------------------------------------------ without SACK: RFC 5681 3.2, RFC 6582 */

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

/* RFC 3168 6.1.2: the window falls once for a flight, be it lost or marked. */
static void reduce_ssthresh(struct tcp_conn *c, uint32_t out)
{
	if (!c->ecn.marked)
		c->cc.ssthresh = c->cc_ops->loss(&c->cc, out, c->stack->now_us);
	tcp_ecn_reduced(c);
	tcp_ecn_lost(c);
}

static void enter_fast_recovery(struct tcp_conn *c)
{
	/* No way back from here: made-up duplicates would inflate the window, and an old echo would then let
	 * the next ones inflate it further. */
	c->undo.armed = false;
	c->in_recovery = true;
	c->recover = c->snd_max;
	reduce_ssthresh(c, flight(c));
	c->cc.cwnd = c->cc.ssthresh + TCP_DUPACK_THRESHOLD * c->cc.mss;
	c->retransmit = true;
	c->stack->counters.tcp_fast_retransmits++;
}

static void duplicate_ack(struct tcp_conn *c)
{
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
static void newreno_recovery_ack(struct tcp_conn *c, uint32_t acked)
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

static void grow(struct tcp_conn *c, uint32_t bytes, uint64_t rtt_us)
{
	if (!c->cwnd_limited || bytes == 0 || c->ecn.marked_now)
		return; /* RFC 9293 3.8.2, RFC 7661: a window that is not used does not grow */
	const struct tcp_cc_ack ack = {.bytes = bytes,
				       .now_us = c->stack->now_us,
				       .srtt_us = c->srtt_us,
				       .rtt_us = rtt_us ? rtt_us : c->latest_rtt_us,
				       .snd_una = c->snd_una,
				       .snd_nxt = c->snd_nxt,
				       .paced = c->stack->cfg.pacing};
	c->cc_ops->acked(&c->cc, &ack);
}

static void newreno_ack(struct tcp_conn *c, uint32_t acked)
{
	if (c->in_recovery) {
		newreno_recovery_ack(c, acked);
		return;
	}
	c->dupacks = 0;
	grow(c, acked, 0);
}

/* ------------------------------------------------------------------ with SACK: RFC 6675, 8985, 9937 */

static void enter_sack_recovery(struct tcp_conn *c, const struct tcp_delivery *d)
{
	const uint32_t sacked_before = c->board.sacked - d->sacked;

	tcp_undo_arm(c);
	c->in_recovery = true;
	c->recover = c->snd_max;
	reduce_ssthresh(c, flight(c));
	tcp_prr_enter(&c->prr, flight(c) - sacked_before + d->acked);
	c->stack->counters.tcp_fast_retransmits++;
	tcp_rack_lowered(c);
	tcp_tlp_cancel(c);
	/* The time that the timer has run belongs to the segment that is given up here. */
	if (tcp_rto_runs(c))
		tcp_timer_set_xmit(c, TCP_XMIT_RETRANSMIT);
}

/* RFC 5681 4.3, RFC 8985 3.4: the loss of a retransmission is another sign of congestion. The window falls from
 * where it was bound for, and again one segment goes out in any case. */
static void lower_again(struct tcp_conn *c)
{
	const uint32_t cwnd = c->cc.cwnd;

	c->cc.cwnd = c->cc.ssthresh;
	c->cc.ssthresh = c->cc_ops->loss(&c->cc, c->cc.cwnd, c->stack->now_us);
	c->cc.cwnd = cwnd;
	tcp_ecn_reduced(c);
	if (!c->in_recovery && cwnd > c->cc.ssthresh)
		c->cc.cwnd = c->cc.ssthresh;
	tcp_prr_enter(&c->prr, flight(c) - c->board.sacked);
	tcp_rack_lowered(c);
}

/* RFC 8985 6.2 step 5, and what follows from it. Sets the reordering timer. */
static void detect_losses(struct tcp_conn *c, const struct tcp_delivery *d)
{
	const struct tcp_rack_losses found = tcp_rack_detect(c);

	/* Until SND.UNA is past `recover` the window has fallen once for this flight. */
	if (!c->in_recovery && c->board.lost > 0 && seq_geq(c->snd_una, c->recover) &&
	    !tcp_pmtu_probe_excuses(c)) {
		enter_sack_recovery(c, d);
	} else if (found.again) {
		lower_again(c);
	}
	/* The oldest segment goes out once more: its time-out begins anew. */
	if (found.oldest && tcp_rto_runs(c))
		tcp_timer_set_xmit(c, TCP_XMIT_RETRANSMIT);
	if (found.due_us)
		tcp_timer_before_rto(c, TCP_XMIT_REORDER, found.due_us);
	else if (c->xmit_mode == TCP_XMIT_REORDER ||
		 (c->xmit_mode == TCP_XMIT_LOSS_PROBE && (c->board.sacked || c->board.lost)))
		tcp_timer_back_to_rto(c);
}

/* A probe has repaired what nobody else would have noticed: the window falls as if it had (RFC 8985 7.4.2). */
static void probe_has_repaired(struct tcp_conn *c)
{
	if (c->in_recovery || seq_lt(c->snd_una, c->recover))
		return;
	reduce_ssthresh(c, c->tlp.flight);
	if (c->cc.cwnd > c->cc.ssthresh)
		c->cc.cwnd = c->cc.ssthresh;
}

static void leave_sack_recovery(struct tcp_conn *c)
{
	c->in_recovery = false;
	c->cc.cwnd = c->cc.ssthresh; /* RFC 9937 6 */
}

static void sack_ack(struct tcp_conn *c, const struct tcp_delivery *d)
{
	const uint32_t lost_before = c->board.lost;
	const bool was_in_recovery = c->in_recovery;

	const bool exits =
		seq_geq(c->snd_una, c->recover) && seq_lt(c->snd_una - d->acked, c->recover);

	if (c->in_recovery && seq_geq(c->snd_una, c->recover))
		leave_sack_recovery(c);
	tcp_rack_update(c, d, exits);
	detect_losses(c, d);
	if (c->in_recovery && d->bytes > 0) {
		const bool safe = d->acked > 0 && c->board.lost <= lost_before;
		const uint32_t cwnd = tcp_prr_delivered(&c->prr, d->bytes, tcp_pipe(c),
							c->cc.ssthresh, c->cc.mss, safe);
		c->cc.cwnd = cwnd > c->cc.mss ? cwnd : c->cc.mss;
	} else if (!was_in_recovery && d->acked > 0) {
		grow(c, d->bytes, d->rtt_us);
	}
	if (d->bytes > 0)
		tcp_conn_wants_output(c);
}

void tcp_recovery_reorder_timer(struct tcp_conn *c)
{
	const struct tcp_delivery nothing = {0};

	if (!tcp_uses_sack(c))
		return;
	detect_losses(c, &nothing);
	if (!c->in_recovery)
		return;
	/* Nothing has arrived, so at most one segment leaves for it. */
	const uint32_t cwnd =
		tcp_prr_delivered(&c->prr, 0, tcp_pipe(c), c->cc.ssthresh, c->cc.mss, false);
	const uint32_t least = tcp_pipe(c) + c->cc.mss;
	c->cc.cwnd = cwnd > least ? cwnd : least;
}

/* ------------------------------------------------------------------ both */

/* Nothing was lost: RFC 4015, and for a time-out too, what was not sent again stays where it is. */
static void undo(struct tcp_conn *c)
{
	if (c->in_recovery)
		tcp_rack_was_reordered(c);
	c->in_recovery = false;
	c->retransmit = false;
	c->dupacks = 0;
	c->recover = c->snd_una - 1; /* the next loss is a new one */
	tcp_pmtu_undo(c);
	tcp_ecn_undone(c);
	if (tcp_uses_sack(c))
		tcp_scoreboard_none_lost(c);
	else
		c->snd_nxt = c->snd_max;
	tcp_conn_wants_output(c);
}

void tcp_recovery_ack(struct tcp_conn *c, const struct tcp_segment *seg, struct tcp_delivery *d,
		      bool duplicate)
{
	const bool repaired = tcp_tlp_acked(c, seg, d);

	if (duplicate) {
		c->dup_acks_in++;
		c->stack->counters.tcp_dup_acks_in++;
	}
	if (tcp_undo_check(c, seg, d->acked, d->dsack))
		undo(c);
	if (repaired)
		probe_has_repaired(c);
	if (tcp_uses_sack(c))
		sack_ack(c, d);
	else if (d->acked > 0)
		newreno_ack(c, d->acked);
	else if (duplicate)
		duplicate_ack(c);
}

/* Back to SND.UNA. With SACK the scoreboard remembers what the peer's blocks will spare us. */
static void go_back(struct tcp_conn *c)
{
	if (tcp_uses_sack(c) && c->snd_wnd > 0) {
		tcp_scoreboard_timeout(c, tcp_rack_overdue_us(c));
		/* What was sent since then is still under way. */
		c->cc.cwnd += tcp_pipe(c);
		return;
	}
	/* A window that has shut on a flight: nothing may go, and the probes begin anew. */
	tcp_scoreboard_reset(c);
	c->snd_nxt = c->snd_una;
}

void tcp_recovery_timeout(struct tcp_conn *c)
{
	/* RFC 5681 3.1: when the same segment times out again, ssthresh stays. So it does when it has fallen
	 * for this flight already. */
	tcp_undo_arm(c);
	tcp_tlp_cancel(c);
	if (c->backoff == 0 && !(tcp_uses_sack(c) && c->in_recovery)) {
		const uint32_t out = flight(c) < c->cc.cwnd || !c->sack_ok ? flight(c) : c->cc.cwnd;
		reduce_ssthresh(c, out);
	}
	tcp_ecn_timeout(c);
	c->cc.cwnd = c->cc.mss;
	c->in_recovery = false;
	c->recover = c->snd_max;
	c->dupacks = 0;
	c->retransmit = false;
	go_back(c);
	tcp_rack_lowered(c);
	tcp_rtt_cancel(c);
}

void tcp_recovery_too_large(struct tcp_conn *c, bool timed_out)
{
	const uint32_t initial = tcp_cc_initial_window(c->snd_mss);

	tcp_rtt_cancel(c);
	/* Fast Open's data; the SYN-ACK before them was not too large. */
	if (tcp_syn_outstanding(c)) {
		tcp_scoreboard_reset(c);
		c->recover = c->snd_max;
		c->snd_nxt = tcp_snd_data_una(c);
		return;
	}
	if (tcp_uses_sack(c))
		tcp_scoreboard_lost(c, (struct seq_range){c->snd_una, c->snd_nxt}, c->snd_mss);
	if (tcp_uses_sack(c) && !timed_out) {
		/* Nor are these losses a reason to reduce the window when the next ACK comes. */
		if (!c->in_recovery)
			c->recover = c->snd_max;
		return;
	}
	if (c->in_recovery)
		c->cc.cwnd = c->cc.ssthresh;
	/* Nothing has arrived for a while: no ACKs will clock out what goes again (RFC 5681 4.1). */
	if (timed_out && c->cc.cwnd > initial)
		c->cc.cwnd = initial;
	c->in_recovery = false;
	c->recover = c->snd_max;
	c->dupacks = 0;
	c->retransmit = false;
	go_back(c);
}
