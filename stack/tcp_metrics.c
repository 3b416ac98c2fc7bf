/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_metrics.c — see tcp_metrics.h. */
#include "stack/tcp_metrics.h"

#include "stack/stack_internal.h"
#include "stack/tcp_sack.h"

uint32_t tcp_metrics_pieces(uint32_t len, uint32_t size)
{
	return size > 0 && len > size ? (len + size - 1) / size : 1;
}

void tcp_metrics_sent(struct tcp_conn *c, uint32_t len, uint8_t flags, bool again)
{
	struct stack_counters *n = &c->stack->counters;
	struct tcp_metrics *m = &c->metrics;
	const uint32_t pieces = tcp_metrics_pieces(len, tcp_sack_mss(c));

	c->segs_out += pieces;
	n->tcp_out_segs += pieces;
	if (again) {
		c->retransmits += pieces;
		n->tcp_retrans_segs += pieces;
		m->bytes_retrans += len;
		if (flags & TCP_SYN)
			n->tcp_syn_retrans++;
	}
	if (len == 0)
		return;
	m->bytes_sent += len;
	m->data_segs_out += pieces;
	m->last_data_sent_us = c->stack->now_us;
	if (!again)
		n->tcp_orig_data_sent += pieces;
}

void tcp_metrics_received(struct tcp_conn *c, const struct tcp_segment *seg)
{
	struct stack_counters *n = &c->stack->counters;
	struct tcp_metrics *m = &c->metrics;
	const uint32_t pieces = tcp_metrics_pieces(seg->len, seg->gso_size);

	c->segs_in += pieces;
	if (seg->len > 0) {
		m->data_segs_in += pieces;
		m->last_data_recv_us = c->stack->now_us;
	} else if ((seg->flags & (TCP_ACK | TCP_SYN | TCP_FIN | TCP_RST)) == TCP_ACK) {
		n->tcp_pure_acks++;
	}
	if (seg->flags & TCP_ACK)
		m->last_ack_recv_us = c->stack->now_us;
}

void tcp_metrics_window(struct tcp_conn *c, uint32_t wnd)
{
	struct stack_counters *n = &c->stack->counters;

	if ((wnd == 0) == c->metrics.zero_window)
		return;
	c->metrics.zero_window = wnd == 0;
	if (wnd == 0)
		n->tcp_to_zero_window_adv++;
	else
		n->tcp_from_zero_window_adv++;
}

void tcp_metrics_established(struct tcp_conn *c)
{
	c->metrics.established = true;
	tcp_metrics_state(c);
}

void tcp_metrics_state(struct tcp_conn *c)
{
	const bool now = c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT;

	if (now == c->metrics.estab_counted)
		return;
	c->metrics.estab_counted = now;
	c->stack->established += now ? 1 : -1u;
}

void tcp_metrics_orphaned(struct tcp_conn *c)
{
	if (c->dead)
		return;
	c->metrics.orphan_counted = true;
	c->stack->orphans++;
}

void tcp_metrics_ended(struct tcp_conn *c)
{
	struct stack *s = c->stack;

	if (!c->metrics.established)
		s->counters.tcp_attempt_fails++;
	if (c->metrics.estab_counted) {
		s->counters.tcp_estab_resets++;
		s->established--;
	}
	if (c->metrics.orphan_counted)
		s->orphans--;
	c->metrics.estab_counted = c->metrics.orphan_counted = false;
}
