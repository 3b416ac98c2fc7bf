/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_output.c — see tcp_output.h. */
#include "stack/tcp_output.h"

#include <assert.h>
#include <string.h>

#include "stack/bytes.h"
#include "stack/checksum.h"
#include "stack/ip.h"
#include "stack/seq.h"
#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_demux.h"
#include "stack/tcp_ecn.h"
#include "stack/tcp_isn.h"
#include "stack/tcp_recovery.h"
#include "stack/tcp_rtt.h"
#include "stack/tcp_sack.h"
#include "stack/tcp_timer.h"
#include "stack/trace.h"

/* A segment that has been decided on. */
struct outgoing {
	uint32_t seq;
	uint32_t len; /* payload bytes, from the send ring */
	uint8_t flags;
	uint8_t ace;    /* AE, CWR and ECE: see tcp_ecn.h */
	bool fresh;     /* data that has never been sent: may leave as ECT (RFC 3168 6.1.5) */
	bool probe;     /* beyond the window: does not count as sent until it is acknowledged */
	bool mtu_probe; /* larger than a segment: see tcp_pmtu.h */
	bool loss_probe;
	const char *why;
};

/* ------------------------------------------------------------------ the window we advertise */

uint32_t tcp_receive_window(const struct tcp_conn *c)
{
	const uint32_t buffer = c->rcvbuf.limit;
	const uint32_t promised = c->rcv_adv - c->rcv_nxt;
	const uint32_t unit = (1u << c->rcv_wscale) - 1;
	uint32_t room = c->rcv.len < buffer ? buffer - c->rcv.len : 0;

	/* RFC 9293 3.8.6.2.2: offer more only when it is at least a segment or half the buffer. */
	if (room < promised + (c->rcv_mss < buffer / 2 ? c->rcv_mss : buffer / 2))
		room = promised;
	if (room > (uint32_t)UINT16_MAX << c->rcv_wscale)
		room = (uint32_t)UINT16_MAX << c->rcv_wscale;
	/* Rounded up: rounded down, the right edge would move left. But segments that are smaller than the unit would
	 * then never shut the window; so when a quarter more than the buffer has been promised
	 * in this way, it does move left, by less than a unit (RFC 7323 2.4). */
	const uint32_t up = (room + unit) & ~unit;
	return room == promised && c->rcv.len + up <= buffer + buffer / 4 ? up : room & ~unit;
}

void tcp_output_window_update(struct tcp_conn *c)
{
	const uint32_t buffer = c->rcvbuf.limit;
	const uint32_t promised = c->rcv_adv - c->rcv_nxt;
	const uint32_t two = 2u * c->rcv_mss;

	if (c->dead || c->peer_fin_seen || c->state < TCP_ESTABLISHED)
		return;
	/* Worth a segment of its own when the peer can send two more, or half the buffer. */
	const uint32_t window = tcp_receive_window(c);
	if (window < promised || window - promised < (two < buffer / 2 ? two : buffer / 2))
		return;
	/* While there is plenty the next ACK will do, unless a quarter of the buffer came free. */
	if (window - promised < buffer / 4 && promised > buffer / 8 && buffer > 4 * two)
		return;
	c->stack->counters.tcp_window_updates_out++;
	c->ack_now = true;
	tcp_conn_wants_output(c);
}

static uint16_t advertise(struct tcp_conn *c, uint8_t flags)
{
	uint32_t wnd = tcp_receive_window(c);
	uint16_t field;

	if (flags & TCP_SYN) {
		/* Never scaled in a SYN (RFC 7323 2.2). */
		/* Fast Open's data are in it already. */
		wnd = c->rcv.len < c->rcvbuf.limit ? c->rcvbuf.limit - c->rcv.len : 0;
		wnd = wnd < UINT16_MAX ? wnd : UINT16_MAX;
		field = (uint16_t)wnd;
	} else {
		field = (uint16_t)(wnd >> c->rcv_wscale);
		wnd = (uint32_t)field << c->rcv_wscale;
	}
	if (c->state == TCP_SYN_SENT) {
		c->rcv_adv = wnd; /* no RCV.NXT yet: take_peer_syn adds it */
		return field;
	}
	tcp_metrics_window(c, wnd);
	c->rcv_adv = seq_max(c->rcv_adv, c->rcv_nxt + wnd);
	return field;
}

/* ------------------------------------------------------------------ deciding what to send */

static uint32_t room(uint32_t limit, uint32_t used)
{
	return limit > used ? limit - used : 0;
}

/* How many bytes the congestion window allows. */
static uint32_t congestion_room(const struct tcp_conn *c)
{
	return room(tcp_recovery_window(c), tcp_pipe(c));
}

/* How many bytes beyond `seq` the windows of peer and network allow. */
static uint32_t usable_window(const struct tcp_conn *c, uint32_t seq)
{
	const uint32_t peer = room(c->snd_wnd, seq - c->snd_una);
	const uint32_t network = congestion_room(c);

	return peer < network ? peer : network;
}

/* Payload limit of one packet: the whole of what TSO can take, in full segments. */
static uint32_t packet_limit(const struct tcp_conn *c, bool fresh)
{
	const uint32_t mss = tcp_sack_mss(c);

	if (!c->stack->cfg.tso || tcp_ecn_needs_single(c, fresh))
		return mss;
	/* snd_mss is the peer's, less the timestamps: what is missing now are the blocks. */
	const uint32_t options = (c->ts_ok ? TCP_TIMESTAMP_LEN : 0) + (c->snd_mss - mss);
	const uint32_t most = TCP_SEGMENT_MAX - TCP_HEADER_MIN - options -
			      (uint32_t)ip_header_len(c->node.tuple.version);
	return most - most % mss;
}

/* Adds FIN and PSH where the segment reaches the end of what the application gave us. */
static void finish_segment(const struct tcp_conn *c, struct outgoing *o)
{
	const uint32_t data_end = tcp_snd_data_una(c) + c->snd.len;

	if (o->seq + o->len != data_end)
		return;
	if (o->len > 0)
		o->flags |= TCP_PSH;
	/* Data may go before the handshake is complete (RFC 7413 4.2.2), our FIN may not. */
	if (c->fin_queued && !tcp_syn_outstanding(c) &&
	    (o->seq + o->len + 1) - c->snd_una <= c->snd_wnd)
		o->flags |= TCP_FIN;
}

static bool decide_syn(struct tcp_conn *c, struct outgoing *o)
{
	if (!tcp_syn_outstanding(c) || (c->snd_nxt != c->iss && !c->fastopen.repeat))
		return false;
	c->fastopen.repeat = false;
	o->seq = c->iss;
	o->flags = TCP_SYN;
	o->why = "SYN opens (RFC 9293 3.10.1)";
	if (c->state == TCP_SYN_RECEIVED) {
		o->flags |= TCP_ACK;
		o->why = c->fastopen.opened
				 ? "SYN-ACK acknowledges the SYN and its data (RFC 7413 4.2.2)"
				 : "SYN-ACK of a simultaneous open (RFC 9293 figure 7)";
	}
	o->ace = tcp_ecn_syn(c);
	return true;
}

static bool decide_fast_retransmit(struct tcp_conn *c, struct outgoing *o)
{
	if (!c->retransmit)
		return false;
	c->retransmit = false;
	const uint32_t outstanding = c->snd_max - c->snd_una;
	uint32_t len = outstanding < c->snd.len ? outstanding : c->snd.len;
	if (len > tcp_sack_mss(c))
		len = tcp_sack_mss(c);
	if (outstanding == 0)
		return false;
	o->seq = c->snd_una;
	o->len = len;
	o->why = "fast retransmit: three duplicate ACKs or a partial one (RFC 6582 3.2)";
	finish_segment(c, o);
	return o->len > 0 || (o->flags & TCP_FIN);
}

/* NextSeg rule 1 (RFC 6675 4): the lowest range that is lost, in pieces as the window allows them. */
static bool decide_lost(struct tcp_conn *c, struct outgoing *o)
{
	const struct tcp_sent *lost = tcp_uses_sack(c) ? tcp_scoreboard_next_lost(c) : NULL;
	const uint32_t mss = tcp_sack_mss(c);

	if (!lost)
		return false;
	const uint32_t data_end = tcp_snd_data_una(c) + c->snd.len;
	const uint32_t end = seq_min(lost->end, data_end);
	const uint32_t usable = usable_window(c, lost->start);
	uint32_t len = seq_lt(lost->start, end) ? end - lost->start : 0;
	if (usable < (len < mss ? len : mss) || congestion_room(c) == 0)
		return false;
	len = len < usable ? len : usable;
	if (!c->in_recovery) /* after a time-out; recovery is spread by PRR */
		len = tcp_pace_limit(c, len, len);
	if (len == 0 && lost->start != data_end)
		return false;
	if (len > packet_limit(c, false))
		len = packet_limit(c, false);
	if (len > mss && lost->start + len != end)
		len -= len % mss;
	o->seq = lost->start;
	o->len = len;
	o->why = c->in_recovery ? "retransmission of what SACK shows as lost (RFC 6675 5)"
				: "retransmission after a time-out (RFC 6298 5.4)";
	finish_segment(c, o);
	return o->len > 0 || (o->flags & TCP_FIN);
}

/* One segment of new data that is larger than the path is known to carry (RFC 4821 7.2). When the window has no
 * room for it as yet, nothing else goes until it has. */
static bool decide_mtu_probe(struct tcp_conn *c, struct outgoing *o, uint32_t len, uint32_t usable)
{
	c->cwnd_limited = true;
	if (usable < len)
		return false;
	o->seq = c->snd_nxt;
	o->len = len;
	o->mtu_probe = true;
	o->fresh = true;
	o->why = "path MTU probe: larger than what has got through (RFC 4821 7.2)";
	return true;
}

/* New data, or data again after a time-out has set snd_nxt back. */
static bool decide_data(struct tcp_conn *c, struct outgoing *o)
{
	const uint32_t offset = c->snd_nxt - tcp_snd_data_una(c);
	const uint32_t mss = tcp_sack_mss(c);

	/* What is lost comes first; it is still there because the window has no room for it. */
	c->cwnd_limited = c->board.lost > 0;
	if ((tcp_syn_outstanding(c) && !tcp_fastopen_may_send(c)) || !tcp_has_unsent(c) ||
	    c->board.lost > 0)
		return false;
	const uint32_t unsent = offset < c->snd.len ? c->snd.len - offset : 0;
	const uint32_t usable = usable_window(c, c->snd_nxt);
	const uint32_t mtu_probe = tcp_pmtu_probe_len(c);
	if (mtu_probe > 0)
		return decide_mtu_probe(c, o, mtu_probe - (c->snd_mss - mss), usable);
	uint32_t len = unsent < usable ? unsent : usable;
	c->cwnd_limited =
		unsent > usable && congestion_room(c) <= room(c->snd_wnd, c->snd_nxt - c->snd_una);
	const bool again = seq_lt(c->snd_nxt, c->snd_max);
	if (len > packet_limit(c, !again))
		len = packet_limit(c, !again);
	if (len > mss && len < unsent)
		len -= len % mss;
	o->seq = c->snd_nxt;
	o->len = len;
	if (unsent == 0) { /* only the FIN */
		finish_segment(c, o);
		o->why = "FIN closes our direction (RFC 9293 3.10.4)";
		return (o->flags & TCP_FIN) != 0;
	}
	if (len == 0 || tcp_ecn_holds(c))
		return false;
	/* Silly window avoidance, RFC 9293 3.8.6.2.1: a full segment, or all there is, or half of the
	 * largest window that the peer has ever offered. */
	const bool last = len == unsent && !tcp_corked(c);
	if (!again && len < mss && !last && (len == unsent || len < c->snd_wnd_max / 2))
		return false;
	o->len = tcp_pace_limit(c, len, unsent < usable ? unsent : usable);
	if (o->len == 0)
		return false;
	if (o->len < len && o->len > mss)
		o->len -= o->len % mss;
	o->fresh = !again;
	o->why =
		again ? "retransmission after a time-out (RFC 6298 5.4)" : "data (RFC 9293 3.10.2)";
	finish_segment(c, o);
	return true;
}

/* RFC 9293 3.8.6.1: what fits, but at least one byte, or the FIN. */
static bool decide_probe(struct tcp_conn *c, struct outgoing *o)
{
	if (!c->probe)
		return false;
	c->probe = false;
	const uint32_t fits = usable_window(c, c->snd_una);
	o->seq = c->snd_una;
	o->len = fits > 1 ? fits : 1;
	if (o->len > tcp_sack_mss(c))
		o->len = tcp_sack_mss(c);
	if (o->len > c->snd.len)
		o->len = c->snd.len;
	if (o->len == c->snd.len && c->fin_queued && o->len == 0)
		o->flags |= TCP_FIN;
	o->probe = fits == 0;
	o->why = "zero-window probe (RFC 9293 3.8.6.1)";
	return o->len > 0 || (o->flags & TCP_FIN);
}

/* RFC 8985 7.3: beyond the congestion window, not beyond the peer's. */
static bool decide_loss_probe(struct tcp_conn *c, struct outgoing *o)
{
	if (!tcp_tlp_segment(c, tcp_sack_mss(c), &o->seq, &o->len))
		return false;
	o->loss_probe = true;
	o->fresh = o->len > 0 && o->seq == c->snd_max;
	o->why = "tail loss probe (RFC 8985 7.3)";
	finish_segment(c, o);
	return o->len > 0 || (o->flags & TCP_FIN);
}

static bool decide(struct tcp_conn *c, struct outgoing *o)
{
	*o = (struct outgoing){.seq = c->snd_nxt, .flags = TCP_ACK};
	if (decide_syn(c, o) || c->state == TCP_SYN_SENT)
		return (o->flags & TCP_SYN) != 0;
	if (decide_fast_retransmit(c, o) || decide_lost(c, o))
		return true;
	*o = (struct outgoing){.seq = c->snd_nxt, .flags = TCP_ACK};
	if (decide_data(c, o))
		return true;
	*o = (struct outgoing){.seq = c->snd_nxt, .flags = TCP_ACK};
	if (decide_loss_probe(c, o))
		return true;
	*o = (struct outgoing){.seq = c->snd_nxt, .flags = TCP_ACK};
	if (decide_probe(c, o))
		return true;
	*o = (struct outgoing){.seq = tcp_acceptable_seq(c), .flags = TCP_ACK, .why = "ACK"};
	if (c->ack_now)
		return true;
	*o = (struct outgoing){
		.seq = c->snd_nxt - 1, .flags = TCP_ACK, .why = "keepalive probe (RFC 9293 3.8.4)"};
	return tcp_keepalive_take_probe(c);
}

/* ------------------------------------------------------------------ making the packet */

static void fill_options(struct tcp_conn *c, struct tcp_segment *seg)
{
	const bool syn = (seg->flags & TCP_SYN) != 0;
	/* Our SYN offers everything; our SYN-ACK what the peer's SYN has offered. */
	const bool offer = syn && c->state == TCP_SYN_SENT;

	seg->opt.has_mss = syn;
	seg->opt.mss = tcp_our_mss(c->stack, c->node.tuple.version);
	seg->opt.has_wscale = offer || (syn && c->wscale_ok);
	seg->opt.wscale = c->stack->rcv_wscale;
	seg->opt.sack_permitted = offer || (syn && c->sack_ok);
	if (syn && c->fastopen.fresh && c->snd_max == c->iss)
		tcp_fastopen_put_cookie(c->stack, seg);
	if (!syn)
		seg->opt.sack_count = (uint8_t)tcp_sack_blocks(c, seg->opt.sack);
	seg->opt.has_timestamp = offer || c->ts_ok;
	seg->opt.ts_val = tcp_ts_now(c->stack, c->ts_offset);
	seg->opt.ts_ecr = c->ts_recent;
	seg->opt.user_timeout = tcp_user_timeout_field(c, syn, seg->len, seg->opt.sack_count);
	seg->opt.has_user_timeout = seg->opt.user_timeout != 0;
}

/* With offload the field holds the sum of the pseudo-header and the link does the rest. */
static void fill_checksum(struct tcp_conn *c, const struct tcp_segment *seg, uint8_t *tcp,
			  size_t header_len, struct packet_out *out)
{
	uint16_t sum;

	if (c->stack->cfg.checksum_offload && seg->len > 0) {
		sum = checksum_fold(checksum_add_pseudo(0, &seg->src, &seg->dst, IP_PROTO_TCP,
							(uint32_t)header_len + seg->len));
		out->needs_csum = true;
	} else {
		sum = tcp_checksum(&seg->src, &seg->dst, tcp, header_len, out->payload,
				   out->payload_count);
	}
	put_be16(tcp + TCP_CHECKSUM_OFFSET, sum);
}

static void build(struct tcp_conn *c, const struct outgoing *o, struct packet_out *out)
{
	struct tcp_segment seg = tcp_segment_from(&c->node.tuple);
	uint8_t tcp[TCP_HEADER_MAX];

	seg.seq = o->seq;
	seg.flags = o->flags;
	tcp_segment_set_ace(&seg, o->ace);
	seg.ack = o->flags & TCP_ACK ? c->rcv_nxt : 0;
	seg.len = o->len;
	seg.wnd = advertise(c, o->flags);
	fill_options(c, &seg);
	*out = (struct packet_out){.ip_version = seg.src.version};
	if (o->len > 0)
		out->payload_count =
			sendq_slices(&c->snd, o->seq - tcp_snd_data_una(c), o->len, out->payload);
	const size_t len = tcp_segment_write(tcp, &seg);
	fill_checksum(c, &seg, tcp, len, out);
	out->csum_start = (uint16_t)ip_header_len(seg.src.version);
	out->csum_offset = TCP_CHECKSUM_OFFSET;
	out->gso_size = o->len > tcp_sack_mss(c) && !o->mtu_probe ? tcp_sack_mss(c) : 0;
	out->header_len = ip_write_header(out->header, &seg.src, &seg.dst, IP_PROTO_TCP,
					  len + o->len, c->ip_id);
	if (o->fresh && c->ecn.ect)
		ip_set_ecn(out->header, IP_ECN_ECT0);
	c->ip_id = (uint16_t)(c->ip_id + 1 + o->len / tcp_sack_mss(c));
	memcpy(out->header + out->header_len, tcp, len);
	out->header_len += len;
}

/* ------------------------------------------------------------------ after it is made */

static void note_in_flight(struct tcp_conn *c, const struct outgoing *o, uint32_t end)
{
	const uint32_t before = c->snd_nxt;

	c->snd_nxt = seq_max(before, end);
	if (c->snd_nxt != before)
		tcp_scoreboard_sent(c, before);
	else
		tcp_scoreboard_sent_again(c, o->seq, end);
	tcp_prr_sent(&c->prr, end - o->seq);
}

/* For the path MTU: what is new and how large its packets are. */
static void note_size(struct tcp_conn *c, const struct outgoing *o, const struct packet_out *out)
{
	const uint32_t piece = out->gso_size ? out->gso_size : o->len;
	const uint32_t size = (uint32_t)out->header_len + piece;

	if (o->mtu_probe)
		tcp_pmtu_probe_sent(c, o->seq, o->seq + o->len, size);
	else if (o->len > 0 && o->seq == c->snd_max)
		tcp_pmtu_sent(c, o->seq, piece, size);
}

static void note_sent(struct tcp_conn *c, const struct outgoing *o)
{
	struct stack *s = c->stack;
	const uint32_t end =
		o->seq + o->len + ((o->flags & TCP_SYN) != 0) + ((o->flags & TCP_FIN) != 0);
	/* The SYN-ACK that answers a crossing SYN has the SYN's number but repeats nothing. */
	const bool crossing = (o->flags & TCP_SYN) && (o->flags & TCP_ACK) && c->backoff == 0 &&
			      !c->fastopen.opened;
	const bool again = seq_lt(o->seq, c->snd_max) && end != o->seq && !crossing;

	tcp_metrics_sent(c, o->len, o->flags, again);
	tcp_pace_sent(c, o->len);
	if (again) {
		tcp_rtt_cancel(c);
		tcp_undo_sent_again(c, o->seq, end);
		tcp_ecn_resent(c);
	} else if (end != o->seq) {
		tcp_rtt_sent(c, end);
		if (o->len > 0) {
			tcp_rate_sent(c, o->seq, end);
			tcp_delack_sent(c);
		}
	}
	if (!o->probe && end != o->seq && !(o->flags & TCP_SYN))
		note_in_flight(c, o, end);
	else if (o->flags & TCP_SYN)
		c->snd_nxt = seq_max(c->snd_nxt, end);
	c->snd_max = seq_max(c->snd_max, end);
	if (o->loss_probe)
		tcp_tlp_sent(c, o->seq, end, again);
	else if (end != o->seq && !again)
		tcp_tlp_new_data(c);
	if (end != o->seq)
		c->last_send_us = s->now_us;
	if (o->flags & TCP_ACK) {
		c->ack_now = false;
		tcp_sack_reported(c);
		tcp_rcvbuf_acked(c);
		c->rcv_unacked = 0;
		c->last_ack_sent = c->rcv_nxt;
		timer_stop(&s->wheel, &c->delack_timer);
	}
}

/* RFC 5681 4.1: after a pause of more than an RTO the old window says nothing. */
static void restart_after_idle(struct tcp_conn *c)
{
	const uint32_t initial = tcp_cc_initial_window(c->snd_mss);

	if (c->snd_una == c->snd_max && tcp_has_unsent(c) && c->last_send_us &&
	    c->stack->now_us - c->last_send_us > c->rto_us && c->cc.cwnd > initial)
		c->cc.cwnd = initial;
}

/* Nothing goes out now: which timer is right for what the connection waits for? */
static void settle_timers(struct tcp_conn *c)
{
	if (c->snd_nxt != c->snd_una) {
		if (!tcp_rto_runs(c))
			tcp_timer_set_xmit(c, TCP_XMIT_RETRANSMIT);
		tcp_tlp_schedule(c);
		return;
	}
	const uint32_t unsent = tcp_snd_end(c) - c->snd_nxt;
	const bool held = tcp_corked(c) && unsent < c->snd_mss && c->snd_una == c->snd_max;
	if (unsent > 0 && tcp_ecn_holds(c)) {
		if (c->xmit_mode != TCP_XMIT_ECN_HOLD)
			tcp_timer_set_xmit(c, TCP_XMIT_ECN_HOLD);
	} else if (unsent > 0 && !held) {
		/* All in flight is acknowledged and yet something waits: the window is shut. */
		if (c->xmit_mode != TCP_XMIT_PERSIST)
			tcp_timer_set_xmit(c, TCP_XMIT_PERSIST);
	} else if (c->state == TCP_FIN_WAIT_2 && !c->attached) {
		if (c->xmit_mode != TCP_XMIT_FIN_WAIT_2)
			tcp_timer_set_xmit(c, TCP_XMIT_FIN_WAIT_2);
	} else {
		tcp_keepalive_settle(c);
	}
}

bool tcp_output_next(struct tcp_conn *c, struct packet_out *out)
{
	struct outgoing o;

	restart_after_idle(c);
	if (!decide(c, &o)) {
		settle_timers(c);
		tcp_chrono_update(c);
		tcp_rate_check_app_limited(c);
		return false;
	}
	if (!(o.flags & TCP_SYN))
		o.ace = tcp_ecn_ace(c, o.flags, o.len, o.fresh);
	build(c, &o, out);
	note_size(c, &o, out);
	note_sent(c, &o);
	if (c->snd_nxt != c->snd_una && !tcp_rto_runs(c))
		tcp_timer_set_xmit(c, TCP_XMIT_RETRANSMIT);
	trace_segment_out(c, out, o.len, o.why);
	return true;
}
