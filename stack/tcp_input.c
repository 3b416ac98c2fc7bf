/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_input.c — see tcp_input.h. The order of the checks is that of RFC 9293 3.10.7.4, with the tightened
 * rules of RFC 5961 (blind attacks) and RFC 7323 (timestamps) where they belong.
 */
#include "stack/tcp_input.h"

#include "stack/seq.h"
#include "stack/stack_internal.h"
#include "stack/tcp_ack.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_demux.h"
#include "stack/tcp_ecn.h"
#include "stack/tcp_reass.h"
#include "stack/tcp_rtt.h"
#include "stack/tcp_sack.h"
#include "stack/tcp_syncache.h"
#include "stack/tcp_syncookie.h"
#include "stack/tcp_timer.h"
#include "stack/tcp_timewait.h"
#include "stack/trace.h"

#define ONE_SECOND_US 1000000u

/* What a step says to its caller. */
enum step {
	STEP_ON,   /* go on with the next step                     */
	STEP_DONE, /* the segment is dealt with                    */
	STEP_GONE, /* so is the connection: do not touch it again  */
};

/* One segment on its way through the steps. The segment is a copy that is trimmed as it goes. */
struct arrival {
	struct tcp_conn *c;
	struct tcp_segment seg;
	enum tcp_state before;
	const char *why; /* what was decided, for the trace */
};

bool tcp_challenge_allowed(struct stack *s, uint64_t *second_us, uint8_t *count)
{
	if (s->now_us - *second_us >= ONE_SECOND_US) {
		*second_us = s->now_us;
		*count = 0;
	}
	if (*count >= TCP_CHALLENGE_ACKS) {
		s->counters.tcp_challenge_acks_limited++;
		return false;
	}
	(*count)++;
	s->counters.tcp_challenge_acks++;
	return true;
}

static void ack_now(struct tcp_conn *c)
{
	c->ack_now = true;
	tcp_conn_wants_output(c);
}

static void challenge_ack(struct tcp_conn *c)
{
	if (tcp_challenge_allowed(c->stack, &c->challenge_us, &c->challenge_count))
		ack_now(c);
}

static uint32_t receive_window(const struct tcp_conn *c)
{
	return c->rcv_adv - c->rcv_nxt;
}

/* The segment ends here, and was of no use. */
static enum step drop(struct arrival *a, const char *why)
{
	trace_segment_drop(a->c, &a->seg, why);
	return STEP_DONE;
}

/* The connection ends here. */
static enum step end(struct arrival *a, enum tcp_close_reason reason, const char *why)
{
	a->c->state = TCP_CLOSED;
	trace_segment_in(a->c, &a->seg, a->before, why);
	tcp_conn_end(a->c, reason);
	return STEP_GONE;
}

/* ------------------------------------------------------------------ SYN-SENT, RFC 9293 3.10.7.3 */

static void established(struct tcp_conn *c)
{
	/* Closed before it was established: the FIN has waited for this (RFC 9293 3.10.4). */
	c->state = c->fin_queued ? TCP_FIN_WAIT_1 : TCP_ESTABLISHED;
	c->established_us = c->stack->now_us;
	tcp_metrics_established(c);
	c->backoff = 0;
	/* RFC 6298 5.7: our SYN was lost and nothing is known of the path yet. */
	if (c->retransmits > 0 && c->srtt_us == 0)
		c->rto_us = TCP_RTO_AFTER_LOST_SYN_US;
	tcp_conn_wants_output(c); /* what was written or closed meanwhile */
	tcp_fastopen_established(c);
	if (c->listener || c->fastopen.opened)
		return; /* the accept queue announces it, or has */
	tcp_conn_event(c, STACK_EVENT_CONNECTED);
}

static void take_peer_syn(struct tcp_conn *c, const struct tcp_segment *seg)
{
	c->irs = seg->seq;
	c->rcv_nxt = seg->seq + 1;
	c->last_ack_sent = c->rcv_nxt;
	/* Our SYN has offered this much, unscaled. */
	c->rcv_adv += c->rcv_nxt;
	tcp_conn_negotiated(c, &seg->opt);
	tcp_ecn_peer_syn(c, seg);
	c->snd_wnd = seg->wnd;
	c->snd_wnd_max = seg->wnd;
	c->snd_wl1 = seg->seq;
	c->snd_wl2 = seg->ack;
}

static enum step syn_sent(struct arrival *a)
{
	struct tcp_conn *c = a->c;
	struct tcp_segment *seg = &a->seg;
	const bool ack = (seg->flags & TCP_ACK) != 0;

	if (ack && (seq_leq(seg->ack, c->iss) || seq_gt(seg->ack, c->snd_max))) {
		reply_reset(c->stack, seg,
			    "RST: not the ACK of our SYN (RFC 9293 3.10.7.3, first)");
		return drop(a, "acknowledges what was not sent (RFC 9293 3.10.7.3, first)");
	}
	if (seg->flags & TCP_RST) {
		if (!ack)
			return drop(a, "RST without ACK in SYN-SENT (RFC 9293 3.10.7.3, second)");
		return end(a, TCP_CLOSE_REFUSED, "connection refused (RFC 9293 3.10.7.3, second)");
	}
	if (!(seg->flags & TCP_SYN))
		return drop(a, "neither SYN nor RST in SYN-SENT (RFC 9293 3.10.7.3, fifth)");
	take_peer_syn(c, seg);
	if (ack) {
		c->snd_una = seg->ack;
		c->snd_nxt = c->snd_max;
		tcp_rtt_acked(c, seg);
		tcp_timer_stop_xmit(c);
		established(c);
		ack_now(c);
		a->why = "SYN-ACK: our SYN is acknowledged (RFC 9293 3.10.7.3, fourth)";
	} else {
		/* Simultaneous open, RFC 9293 figure 7: answer with SYN-ACK, same number. */
		c->state = TCP_SYN_RECEIVED;
		c->snd_nxt = c->iss;
		tcp_conn_wants_output(c);
		a->why = "SYN crosses our SYN: simultaneous open (RFC 9293 3.10.7.3, fourth)";
	}
	seg->seq++;
	seg->flags &= (uint8_t)~TCP_SYN;
	/* Data and FIN, if any, are sent again by the peer once it knows our window. */
	if (seg->len > 0 || (seg->flags & TCP_FIN))
		ack_now(c);
	return STEP_DONE;
}

/* ------------------------------------------------------------------ steps of RFC 9293 3.10.7.4 */

/* RFC 7323 5.3 R1 and 3.2: before everything else, but never for a RST. */
static enum step check_timestamp(struct arrival *a)
{
	struct tcp_conn *c = a->c;
	const struct tcp_options *opt = &a->seg.opt;

	if (!c->ts_ok || (a->seg.flags & TCP_RST))
		return STEP_ON;
	if (!opt->has_timestamp)
		return drop(a, "the timestamp that was agreed on is missing (RFC 7323 3.2)");
	if (seq_lt(opt->ts_val, c->ts_recent) &&
	    c->stack->now_us - c->ts_recent_us < TCP_PAWS_IDLE_US) {
		c->stack->counters.tcp_paws_dropped++;
		challenge_ack(c);
		return drop(a, "timestamp older than the last: ACK (PAWS, RFC 7323 5.3 R1)");
	}
	return STEP_ON;
}

/* First: is any part of the segment inside the window? */
static bool acceptable(const struct tcp_conn *c, const struct tcp_segment *seg)
{
	const uint32_t space = segment_space(seg), wnd = receive_window(c);

	if (wnd == 0)
		/* Beyond the RFC's table: a segment at the very edge is let in for its ACK, RST and
		 * FIN; its data is cut off by trim(). That is how probes get answered. */
		return seg->seq == c->rcv_nxt;
	if (space == 0)
		return seq_in_window(seg->seq, c->rcv_nxt, wnd);
	return seq_in_window(seg->seq, c->rcv_nxt, wnd) ||
	       seq_in_window(seg->seq + space - 1, c->rcv_nxt, wnd);
}

static enum step check_sequence(struct arrival *a)
{
	struct tcp_conn *c = a->c;
	struct tcp_segment *seg = &a->seg;

	/* The second SYN-ACK of a simultaneous open repeats IRS (RFC 9293 figure 7, line 6): its SYN is
	 * old, its ACK is what we wait for. */
	if (c->state == TCP_SYN_RECEIVED && seg->seq == c->irs &&
	    (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == (TCP_SYN | TCP_ACK)) {
		tcp_ecn_peer_syn(c, seg);
		seg->flags &= (uint8_t)~TCP_SYN;
		seg->seq++;
	}
	if (c->state == TCP_SYN_RECEIVED && tcp_fastopen_syn_again(c, seg)) {
		tcp_ecn_syn_again(c, seg);
		return drop(a, "the same SYN again: repeat the SYN-ACK (RFC 7413 4.2.2)");
	}
	if (acceptable(c, seg))
		return STEP_ON;
	c->stack->counters.tcp_out_of_window++;
	if (seg->flags & TCP_RST)
		return drop(a, "RST outside the window (RFC 5961 3.2)");
	/* A repeated segment has a body and must be answered, or its sender never stops. One without
	 * a body is answered at a limited rate: two hosts out of step must not ACK each other for ever. */
	if (segment_space(seg) > 0 && !(seg->flags & TCP_SYN)) {
		/* RFC 2883 4: all of it is old. Beyond the window it would be no duplicate. */
		if (seq_leq(seg->seq + seg->len, c->rcv_nxt)) {
			tcp_sack_note_duplicate(c, seg->seq, seg->seq + seg->len);
			c->stack->counters.tcp_delayed_acks_lost++;
		}
		ack_now(c);
	} else {
		challenge_ack(c);
	}
	return drop(a, "outside the window: ACK (RFC 9293 3.10.7.4, first)");
}

/* Second: RST, with RFC 5961 3.2. */
static enum step check_reset(struct arrival *a)
{
	struct tcp_conn *c = a->c;

	if (!(a->seg.flags & TCP_RST))
		return STEP_ON;
	/* Its text may reach into the window; it is the number that counts. */
	if (seq_lt(a->seg.seq, c->rcv_nxt)) {
		c->stack->counters.tcp_out_of_window++;
		return drop(a, "RST outside the window (RFC 5961 3.2)");
	}
	if (a->seg.seq != c->rcv_nxt) {
		challenge_ack(c);
		return drop(a, "RST in the window but not exact: challenge ACK (RFC 5961 3.2)");
	}
	/* With both FINs exchanged there is nothing left to lose (RFC 9293 3.10.7.4, second). */
	const bool closing = c->state == TCP_CLOSING || c->state == TCP_LAST_ACK;
	if (c->state == TCP_SYN_RECEIVED)
		return end(a, TCP_CLOSE_REFUSED, "RST in SYN-RECEIVED (RFC 9293 3.10.7.4, second)");
	return end(a, closing ? TCP_CLOSE_ORDERLY : TCP_CLOSE_RESET,
		   "RST at RCV.NXT: connection reset (RFC 9293 3.10.7.4, second)");
}

/* Fourth: a SYN inside the window of a synchronized connection, RFC 5961 4.2. */
static enum step check_syn(struct arrival *a)
{
	if (!(a->seg.flags & TCP_SYN))
		return STEP_ON;
	challenge_ack(a->c);
	return drop(a, "SYN in a synchronized state: challenge ACK (RFC 5961 4.2)");
}

/* RFC 7323 4.3: TS.Recent follows segments that cover Last.ACK.sent. */
static void update_timestamp(struct tcp_conn *c, const struct tcp_segment *seg)
{
	if (!c->ts_ok || !seg->opt.has_timestamp || seq_gt(seg->seq, c->last_ack_sent))
		return;
	c->ts_recent = seg->opt.ts_val;
	c->ts_recent_us = c->stack->now_us;
}

/* Cuts off what lies before rcv_nxt or beyond the window. True when that has to be answered with an ACK. */
static bool trim(struct tcp_conn *c, struct tcp_segment *seg)
{
	const int32_t before = seq_diff(c->rcv_nxt, seg->seq);
	bool answer = false;

	if (before > 0) {
		const uint32_t cut = (uint32_t)before < seg->len ? (uint32_t)before : seg->len;
		tcp_sack_note_duplicate(c, seg->seq, seg->seq + cut);
		c->stack->counters.tcp_delayed_acks_lost += cut > 0;
		seg->payload += cut;
		seg->len -= cut;
		seg->seq += cut;
		if (seq_lt(seg->seq, c->rcv_nxt)) { /* an old FIN: already counted */
			seg->flags &= (uint8_t)~TCP_FIN;
			seg->seq = c->rcv_nxt;
		}
		answer = true; /* the peer repeats itself: our ACK was lost */
	}
	uint32_t room = c->rcv_adv - seg->seq;
	/* The promise of a scaled window may be a few bytes more than the buffer. */
	const uint32_t used = c->rcv.len + (seg->seq - c->rcv_nxt);
	if (used >= c->stack->cfg.recv_buffer_max)
		room = 0;
	else if (room > c->stack->cfg.recv_buffer_max - used)
		room = c->stack->cfg.recv_buffer_max - used;
	/* What a peer sends behind its own FIN is nothing. */
	if (c->has_peer_fin && seq_gt(seg->seq + room, c->peer_fin_seq))
		room = seq_lt(seg->seq, c->peer_fin_seq) ? c->peer_fin_seq - seg->seq : 0;
	if (seg->len > room) {
		c->stack->counters.tcp_zero_window_drops += receive_window(c) == 0;
		seg->len = room;
		seg->flags &= (uint8_t)~TCP_FIN;
		answer = true;
	}
	return answer;
}

/* Fifth: the ACK field, and what it does to the state. */
static enum step check_ack(struct arrival *a)
{
	struct tcp_conn *c = a->c;
	struct tcp_segment *seg = &a->seg;
	bool fin_acked;

	if (c->state == TCP_SYN_RECEIVED) {
		if (seq_leq(seg->ack, c->snd_una) || seq_gt(seg->ack, c->snd_max)) {
			reply_reset(c->stack, seg,
				    "RST: not the ACK of our SYN (RFC 9293 3.10.7.4, fifth)");
			return drop(a, "not the ACK of our SYN (RFC 9293 3.10.7.4, fifth)");
		}
		/* The SYN takes one number and lies before the send ring. */
		c->snd_una++;
		c->snd_nxt = seq_max(c->snd_nxt, c->snd_una);
		tcp_timer_stop_xmit(c);
		/* The half-open entry could not measure, or there was none. */
		if (c->srtt_us == 0 && !c->syn_cookie)
			tcp_rtt_acked(c, seg);
		established(c);
		a->why = "ACK of our SYN: ESTABLISHED (RFC 9293 3.10.7.4, fifth)";
	}
	if (tcp_ack_process(c, seg, &fin_acked) == TCP_ACK_UNSENT) {
		challenge_ack(c);
		return drop(a, "acknowledges what was not sent, or too old: ACK (RFC 5961 5.2)");
	}
	if (!fin_acked)
		return STEP_ON;
	switch (c->state) {
	case TCP_FIN_WAIT_1:
		c->state = TCP_FIN_WAIT_2;
		a->why = "ACK of our FIN: FIN-WAIT-2 (RFC 9293 3.10.7.4, fifth)";
		return STEP_ON;
	case TCP_CLOSING:
		tcp_timewait_enter(
			c, seg, a->before,
			"ACK of our FIN in CLOSING: TIME-WAIT (RFC 9293 3.10.7.4, fifth)");
		return STEP_GONE;
	case TCP_LAST_ACK:
		return end(a, TCP_CLOSE_ORDERLY,
			   "ACK of our FIN in LAST-ACK: CLOSED (RFC 9293 3.10.7.4, fifth)");
	default:
		return STEP_ON;
	}
}

/* How soon the data is acknowledged: see tcp_delack.h. */
static void program_ack(struct tcp_conn *c, const struct tcp_segment *seg, uint32_t advanced,
			bool had_gap)
{
	const uint32_t piece = seg->gso_size ? seg->gso_size : seg->len;

	if (piece > c->rcv_mss && piece <= tcp_our_mss(c->stack, c->node.tuple.version))
		c->rcv_mss = (uint16_t)piece;
	/* Out of order, or it filled a gap: at once (RFC 5681 4.2). */
	const bool gap = had_gap || advanced != seg->len, due = tcp_delack_due(c, advanced);
	if (gap || due)
		ack_now(c);
	else if (!timer_armed(&c->delack_timer))
		timer_set(&c->stack->wheel, &c->delack_timer, c->stack->now_us + TCP_DELACK_US);
}

/* Seventh: the segment text. */
static enum step take_data(struct arrival *a)
{
	struct tcp_conn *c = a->c;
	struct tcp_segment *seg = &a->seg;

	if (seg->len == 0)
		return STEP_ON;
	if (c->state != TCP_ESTABLISHED && c->state != TCP_FIN_WAIT_1 && c->state != TCP_FIN_WAIT_2)
		return STEP_ON; /* the peer has sent its FIN: this cannot be new (RFC 9293 3.10.7.4) */
	if (!c->attached && seq_gt(seg->seq + seg->len, c->rcv_nxt)) {
		/* RFC 1122 4.2.2.13: nobody will read this; the peer must be told that it is lost. */
		c->stack->counters.tcp_abort_on_data++;
		trace_segment_in(c, seg, a->before, "data after close: reset (RFC 1122 4.2.2.13)");
		tcp_conn_reset(c, TCP_CLOSE_ABORTED, "RST: data after close (RFC 1122 4.2.2.13)");
		return STEP_GONE;
	}
	const bool had_gap = c->ooo_count > 0;
	const uint32_t advanced = tcp_reass_insert(c, seg->seq, seg->payload, seg->len);
	if (advanced > 0) {
		c->bytes_in += advanced;
		c->stack->counters.tcp_in_bytes += advanced;
		tcp_rcvbuf_arrived(c, seg);
		tcp_conn_event(c, STACK_EVENT_READABLE);
		if (!a->why)
			a->why = "data in order (RFC 9293 3.10.7.4, seventh)";
	} else if (!a->why) {
		a->why = "data out of order: kept, duplicate ACK (RFC 5681 4.2)";
	}
	program_ack(c, seg, advanced, had_gap);
	return STEP_ON;
}

/* Eighth: the FIN, once everything before it is here. */
static enum step take_fin(struct arrival *a)
{
	struct tcp_conn *c = a->c;
	struct tcp_segment *seg = &a->seg;

	if ((seg->flags & TCP_FIN) && !c->has_peer_fin &&
	    seq_geq(seg->seq + seg->len, c->rcv_nxt)) {
		c->has_peer_fin = true;
		c->peer_fin_seq = seg->seq + seg->len;
		tcp_reass_cut(c, c->peer_fin_seq);
		ack_now(c);
	}
	if (!c->has_peer_fin || c->peer_fin_seen || c->rcv_nxt != c->peer_fin_seq)
		return STEP_ON;
	c->peer_fin_seen = true;
	c->rcv_nxt++;
	/* After a FIN that filled the window to the brim its number lies beyond the edge. */
	c->rcv_adv = seq_max(c->rcv_adv, c->rcv_nxt);
	ack_now(c);
	tcp_conn_event(c, STACK_EVENT_PEER_FIN);
	switch (c->state) {
	case TCP_ESTABLISHED:
		c->state = TCP_CLOSE_WAIT;
		a->why = "FIN: the peer has no more to send (RFC 9293 3.10.7.4, eighth)";
		return STEP_ON;
	case TCP_FIN_WAIT_1: /* our FIN is not acknowledged yet, or step five had moved on */
		c->state = TCP_CLOSING;
		a->why = "FIN before the ACK of ours: CLOSING (RFC 9293 3.10.7.4, eighth)";
		return STEP_ON;
	case TCP_FIN_WAIT_2:
		tcp_timewait_enter(c, seg, a->before,
				   "FIN in FIN-WAIT-2: TIME-WAIT (RFC 9293 3.10.7.4, eighth)");
		return STEP_GONE;
	default:
		return STEP_ON;
	}
}

static enum step synchronized(struct arrival *a)
{
	enum step step = check_timestamp(a);

	if (step == STEP_ON)
		step = check_sequence(a);
	if (step == STEP_ON)
		step = check_reset(a);
	if (step == STEP_ON)
		step = check_syn(a);
	if (step != STEP_ON)
		return step;
	/* Of the fifth step, but before anything is learnt from the segment, or said about it. */
	if (!(a->seg.flags & TCP_ACK))
		return drop(a, "no ACK (RFC 9293 3.10.7.4, fifth)");
	update_timestamp(a->c, &a->seg);
	const bool answer = trim(a->c, &a->seg);
	step = check_ack(a);
	if (step == STEP_ON &&
	    (tcp_ecn_arrived(a->c, &a->seg) || answer)) /* otherwise check_ack has said it */
		ack_now(a->c);
	/* Sixth, the URG bit: urgent data is ordinary data to us (RFC 9293 3.8.5, RFC 6093); the pointer is
	 * never computed with (CVE-2019-12255 and its kin). */
	if (step == STEP_ON)
		step = take_data(a);
	if (step == STEP_ON)
		step = take_fin(a);
	if (step == STEP_ON)
		trace_segment_in(a->c, &a->seg, a->before,
				 a->why ? a->why : "ACK (RFC 9293 3.10.7.4, fifth)");
	return step;
}

void tcp_conn_input(struct tcp_conn *c, const struct tcp_segment *seg)
{
	struct arrival a = {.c = c, .seg = *seg, .before = c->state};

	tcp_metrics_received(c, seg);
	if (c->state == TCP_SYN_SENT) {
		if (syn_sent(&a) == STEP_DONE && a.why)
			trace_segment_in(c, &a.seg, a.before, a.why);
		return;
	}
	synchronized(&a);
}

/* ------------------------------------------------------------------ from the packet to its endpoint */

/* No connection, half-open entry or TIME-WAIT record: RFC 9293 3.10.7.1 and 3.10.7.2. */
static void input_to_port(struct stack *s, const struct tcp_segment *seg)
{
	struct tcp_listener *const l = tcp_find_listener(s, &seg->dst, seg->dst_port);
	const bool listening = l != NULL;

	if (listening && (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN) {
		if (!tcp_fastopen_open(s, l, seg))
			tcp_syncache_add(s, seg, NULL);
		return;
	}
	if (listening && tcp_syncookie_input(s, l, NULL, seg))
		return;
	if (seg->flags & TCP_RST) {
		trace_drop(s, seg->packet, seg->packet_len,
			   "RST for no connection (RFC 9293 3.10.7.1)");
		return;
	}
	if (listening && !(seg->flags & TCP_ACK)) {
		trace_drop(s, seg->packet, seg->packet_len,
			   "neither SYN nor ACK in LISTEN (RFC 9293 3.10.7.2, fourth)");
		return;
	}
	trace_drop(s, seg->packet, seg->packet_len,
		   listening ? "ACK in LISTEN: RST (RFC 9293 3.10.7.2, second)"
			     : "no connection and no listener: RST (RFC 9293 3.10.7.1)");
	reply_reset(s, seg,
		    listening ? "RST: nothing is known of this connection (RFC 9293 3.10.7.2)"
			      : "RST: the port is closed (RFC 9293 3.10.7.1)");
}

void tcp_input(struct stack *s, const struct ip_packet *ip, struct packet_meta meta)
{
	struct tcp_segment seg = {.src = ip->src,
				  .dst = ip->dst,
				  .ecn = ip->ecn,
				  .gso_size = meta.gso_size,
				  .packet = ip->packet,
				  .packet_len = ip->packet_len};
	struct tcp_tuple tuple;

	const bool parsed = tcp_segment_parse(&seg, ip->payload, ip->payload_len);
	const bool summed = meta.checksum_trusted || tcp_checksum(&ip->src, &ip->dst, ip->payload,
								  ip->payload_len, NULL, 0) == 0;
	const uint32_t pieces = parsed ? tcp_metrics_pieces(seg.len, seg.gso_size) : 1;
	s->counters.tcp_in_segs += pieces;
	s->counters.tcp_rcv_coalesced += pieces - 1;
	if (!parsed || !summed || seg.src_port == 0 || seg.dst_port == 0) {
		s->counters.tcp_in_errs++;
		s->counters.tcp_in_csum_errors += !summed;
		trace_drop(s, ip->packet, ip->packet_len,
			   "TCP header, port 0 or checksum wrong (RFC 9293 3.1)");
		return;
	}
	tcp_tuple_of_segment(&tuple, &seg);
	struct tcp_node *node = tcp_table_find(s, &tuple);
	if (!node) {
		input_to_port(s, &seg);
		return;
	}
	switch ((enum tcp_node_kind)node->kind) {
	case TCP_NODE_CONN:
		tcp_conn_input(list_entry(node, struct tcp_conn, node), &seg);
		break;
	case TCP_NODE_SYNCACHE:
		tcp_syncache_input(list_entry(node, struct syncache_entry, node), &seg);
		break;
	case TCP_NODE_TIMEWAIT:
		tcp_timewait_input(list_entry(node, struct timewait, node), &seg);
		break;
	}
}
