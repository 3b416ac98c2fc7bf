/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_tlp.c — see tcp_tlp.h. */
#include "stack/tcp_tlp.h"

#include "stack/seq.h"
#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_timer.h"

/* 7.2 and 7.3: not in a recovery and not with anything SACKed, where RACK and the time-out take care; one probe at a
 * time; and only when the path was measured since the last one. */
static bool may_probe(const struct tcp_conn *c)
{
	return tcp_uses_sack(c) && !tcp_syn_outstanding(c) && c->snd_nxt != c->snd_una &&
	       !c->in_recovery && seq_geq(c->snd_una, c->recover) && c->board.sacked == 0 &&
	       c->board.lost == 0 && !c->tlp.in_flight && c->tlp.measured && c->snd_wnd > 0;
}

/* TLP_calc_PTO */
static uint64_t probe_timeout(const struct tcp_conn *c)
{
	const bool held_back = c->snd_nxt - c->snd_una < 2u * c->cc.mss;

	return 2 * c->srtt_us + (held_back ? TCP_TLP_MAX_ACK_DELAY_US : TCP_TLP_SLACK_US);
}

void tcp_tlp_schedule(struct tcp_conn *c)
{
	if (!c->tlp.wanted || tcp_syn_outstanding(c))
		return; /* data of Fast Open waits for the handshake first */
	c->tlp.wanted = false;
	if (!may_probe(c))
		return;
	/* At the time-out at the latest: then the probe takes its turn. */
	const uint64_t at_us = c->stack->now_us + probe_timeout(c);
	tcp_timer_before_rto(c, TCP_XMIT_LOSS_PROBE, at_us < c->rto_at_us ? at_us : c->rto_at_us);
}

void tcp_tlp_fired(struct tcp_conn *c)
{
	/* 7.3: whether or not a probe is sent. */
	tcp_timer_set_xmit(c, TCP_XMIT_RETRANSMIT);
	c->tlp.send = may_probe(c);
}

/* The lowest unsent segment, if it may go: a full one, or all there is. */
static bool new_segment(const struct tcp_conn *c, uint32_t mss, uint32_t *len)
{
	const uint32_t offset = c->snd_nxt - tcp_snd_data_una(c);
	const uint32_t unsent = offset < c->snd.len ? c->snd.len - offset : 0;
	const uint32_t used = c->snd_nxt - c->snd_una;

	*len = unsent < mss ? unsent : mss;
	return *len > 0 && used < c->snd_wnd && *len <= c->snd_wnd - used &&
	       (*len == mss || !tcp_corked(c));
}

bool tcp_tlp_segment(struct tcp_conn *c, uint32_t mss, uint32_t *seq, uint32_t *len)
{
	if (!c->tlp.send)
		return false;
	c->tlp.send = false;
	if (!may_probe(c))
		return false;
	*seq = c->snd_nxt;
	if (new_segment(c, mss, len))
		return true;
	/* The last one once more, unless the window was taken back behind it. */
	if (c->snd_nxt - c->snd_una > c->snd_wnd)
		return false;
	const uint32_t end = seq_min(c->snd_nxt, tcp_snd_data_una(c) + c->snd.len);
	const uint32_t data = end - c->snd_una;
	*len = data < mss ? data : mss;
	*seq = end - *len;
	return true;
}

void tcp_tlp_new_data(struct tcp_conn *c)
{
	c->tlp.wanted = true;
	c->tlp.send = false;
}

void tcp_tlp_sent(struct tcp_conn *c, uint32_t start, uint32_t end, bool again)
{
	c->tlp.in_flight = true;
	c->tlp.measured = false;
	c->tlp.again = again;
	c->tlp.start = start;
	c->tlp.end_seq = end;
	c->tlp.flight = c->snd_nxt - c->snd_una;
	c->stack->counters.tcp_loss_probes++;
}

void tcp_tlp_cancel(struct tcp_conn *c)
{
	c->tlp.in_flight = false;
	c->tlp.send = false;
}

/* Is what has arrived twice the probe? A FIN at its end is not reported. */
static bool probe_came_twice(const struct tcp_tlp *t, const struct seq_range *dsack)
{
	return dsack->start != dsack->end && seq_geq(dsack->start, t->start) &&
	       seq_leq(dsack->end, t->end_seq) && t->end_seq - dsack->end <= 1;
}

/* RFC 5681 2, of a peer that reports no duplicates: the original was acknowledged, and now the probe. */
static bool plain_duplicate(const struct tcp_conn *c, const struct tcp_segment *seg,
			    const struct tcp_delivery *d)
{
	return d->acked == 0 && seg->len == 0 && !(seg->flags & (TCP_SYN | TCP_FIN)) &&
	       seg->opt.sack_count == 0 && (uint32_t)seg->wnd << c->snd_wscale == c->snd_wnd;
}

bool tcp_tlp_acked(struct tcp_conn *c, const struct tcp_segment *seg, struct tcp_delivery *d)
{
	struct tcp_tlp *t = &c->tlp;

	if (!t->in_flight || seq_lt(seg->ack, t->end_seq))
		return false;
	if (!t->again) {
		t->in_flight = false; /* new data, acknowledged as such */
		return false;
	}
	d->dsack_of_probe = probe_came_twice(t, &d->dsack);
	if (d->dsack_of_probe || plain_duplicate(c, seg, d)) {
		t->in_flight = false; /* cases 1 and 3: both have arrived */
		return false;
	}
	if (!seq_gt(seg->ack, t->end_seq))
		return false;
	/* Case 2: the ACK goes on and no duplicate was reported, so the original was lost. */
	t->in_flight = false;
	c->stack->counters.tcp_loss_probe_recoveries++;
	return true;
}
