/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_ack.c — see tcp_ack.h. */
#include "stack/tcp_ack.h"

#include "stack/seq.h"
#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_ecn.h"
#include "stack/tcp_recovery.h"
#include "stack/tcp_rtt.h"
#include "stack/tcp_sack.h"
#include "stack/tcp_timer.h"

static uint32_t scaled_window(const struct tcp_conn *c, const struct tcp_segment *seg)
{
	return (uint32_t)seg->wnd << (seg->flags & TCP_SYN ? 0 : c->snd_wscale);
}

void tcp_ack_update_window(struct tcp_conn *c, const struct tcp_segment *seg)
{
	const uint32_t wnd = scaled_window(c, seg);

	/* An ACK that is new is newest whatever its SEQ: a retransmission that fills a gap comes after the
	 * segments that follow it. */
	if (!seq_lt(c->snd_wl2, seg->ack) && !seq_lt(c->snd_wl1, seg->seq) &&
	    !(c->snd_wl1 == seg->seq && c->snd_wl2 == seg->ack))
		return;
	if (wnd != c->snd_wnd)
		tcp_conn_wants_output(c);
	c->snd_wnd = wnd;
	c->snd_wl1 = seq_max(c->snd_wl1, seg->seq);
	c->snd_wl2 = seg->ack;
	if (wnd > c->snd_wnd_max)
		c->snd_wnd_max = wnd;
	/* A window that has opened ends the probing: output decides anew which timer is right. */
	if (wnd > 0 && c->xmit_mode == TCP_XMIT_PERSIST) {
		c->backoff = 0;
		c->probe = false;
		tcp_conn_wants_output(c);
	}
}

/* RFC 5681 2: (a) data outstanding, (b) no data, (c) no SYN or FIN, (d) the ACK is SND.UNA, (e) the
 * window is the same. */
static bool is_duplicate_ack(const struct tcp_conn *c, const struct tcp_segment *seg)
{
	return c->snd_una != c->snd_max && seg->len == 0 && !(seg->flags & (TCP_SYN | TCP_FIN)) &&
	       seg->ack == c->snd_una && scaled_window(c, seg) == c->snd_wnd &&
	       c->xmit_mode != TCP_XMIT_PERSIST;
}

static void tell_application(struct tcp_conn *c)
{
	/* Worthwhile: a quarter of what there may be, so that it writes in large pieces. */
	const uint32_t limit = tcp_send_limit(c);
	const uint32_t room = c->snd.len < limit ? limit - c->snd.len : 0;

	if (c->want_space && room >= limit / 4) {
		c->want_space = false;
		tcp_conn_event(c, STACK_EVENT_WRITABLE);
	}
	if (c->want_sent && c->snd.len == 0 && c->snd_una == tcp_snd_end(c)) {
		c->want_sent = false;
		tcp_conn_event(c, STACK_EVENT_SENT);
	}
}

/* SND.UNA moves to seg->ack: frees what is acknowledged, measures, restarts the timer. */
static void advance(struct tcp_conn *c, const struct tcp_segment *seg, struct tcp_delivery *d,
		    bool *fin_acked)
{
	const uint32_t acked = seg->ack - c->snd_una;
	const uint32_t data = acked < c->snd.len ? acked : c->snd.len;

	*fin_acked = c->fin_queued && seg->ack == tcp_snd_end(c);
	sendq_consume(c->stack, &c->snd, data);
	c->bytes_out += data;
	c->stack->counters.tcp_out_bytes += data;
	c->snd_una = seg->ack;
	/* The window counts from SND.UNA: its right edge stays until the peer says otherwise. */
	c->snd_wnd -= acked < c->snd_wnd ? acked : c->snd_wnd;
	/* After a time-out snd_nxt went back; what has arrived need not go again. */
	if (seq_lt(c->snd_nxt, c->snd_una))
		c->snd_nxt = c->snd_una;
	tcp_held_progress(c);
	if (tcp_uses_sack(c))
		tcp_scoreboard_acked(c, d);
	d->acked = acked;
	if (*fin_acked)
		c->fin_queued = false; /* nothing of ours is left to send */
	tcp_rtt_acked(c, seg);
	tcp_pmtu_acked(c);
	c->backoff = 0;
	tcp_timer_progress(c);
	/* RFC 6298 5.2, 5.3 */
	if (c->snd_una == c->snd_max)
		tcp_timer_stop_xmit(c);
	else if (tcp_rto_runs(c))
		tcp_timer_set_xmit(c, TCP_XMIT_RETRANSMIT);
	c->tlp.wanted = true;
	tcp_conn_wants_output(c);
}

enum tcp_ack_verdict tcp_ack_process(struct tcp_conn *c, const struct tcp_segment *seg,
				     bool *fin_acked)
{
	struct tcp_delivery d = {.has_ecr = c->ts_ok && seg->opt.has_timestamp,
				 .ts_ecr = seg->opt.ts_ecr};
	bool again = false;

	c->latest_rtt_us = 0;
	*fin_acked = false;
	/* RFC 5961 5.2: SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT; what we have sent at most is snd_max. */
	if (seq_gt(seg->ack, c->snd_max) || seq_lt(seg->ack, c->snd_una - c->snd_wnd_max))
		return TCP_ACK_UNSENT;
	tcp_keepalive_heard(c);
	if (seg->opt.has_user_timeout)
		tcp_user_timeout_take(c, seg->opt.user_timeout);
	/* Somebody answers the probes; whether that is enough is in tcp_timer.h. */
	if (c->xmit_mode == TCP_XMIT_PERSIST && c->attached && !c->user_timeout.fixed) {
		tcp_timer_progress(c);
	}
	if (seq_gt(seg->ack, c->snd_una))
		advance(c, seg, &d, fin_acked);
	else
		again = is_duplicate_ack(c, seg);
	tcp_sack_read(c, seg, &d);
	tcp_rate_acked(c);
	tcp_ecn_ack(c, seg, &d, again);
	tcp_recovery_ack(c, seg, &d, again);
	/* What is past stays close behind: 2^31 bytes later it would seem to lie ahead. */
	if (!c->in_recovery && seq_gt(c->snd_una, c->recover))
		c->recover = c->snd_una - 1;
	/* RFC 9293 3.10.7.4, fifth: only if SND.UNA =< SEG.ACK. An old segment has an old window. */
	if (seg->ack == c->snd_una)
		tcp_ack_update_window(c, seg);
	tell_application(c);
	return TCP_ACK_OK;
}
