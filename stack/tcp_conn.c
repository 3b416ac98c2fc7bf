/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_conn.c — see tcp_conn.h. */
#include "stack/tcp_conn.h"

#include <assert.h>
#include <string.h>

#include "stack/ip.h"
#include "stack/stack_internal.h"
#include "stack/tcp_demux.h"
#include "stack/tcp_reass.h"
#include "stack/trace.h"

uint16_t tcp_our_mss(const struct stack *s, uint8_t version)
{
	return (uint16_t)(s->cfg.mtu - ip_header_len(version) - TCP_HEADER_MIN);
}

static uint16_t default_mss(const struct tcp_conn *c)
{
	return c->node.tuple.version == 4 ? TCP_MSS_DEFAULT : TCP_MSS_DEFAULT_IPV6;
}

struct tcp_conn *tcp_conn_new(struct stack *s, const struct tcp_tuple *tuple, uint64_t id)
{
	if (s->conn_count >= s->cfg.max_connections)
		return NULL;
	struct tcp_conn *c = account_alloc(s, sizeof *c);
	if (!c)
		return NULL;
	memset(c, 0, sizeof *c);
	c->node.kind = TCP_NODE_CONN;
	c->node.tuple = *tuple;
	c->stack = s;
	c->id = id;
	c->state = TCP_CLOSED;
	c->opened_us = s->now_us;
	c->rto_us = TCP_RTO_INITIAL_US;
	c->min_rtt_us = UINT64_MAX;
	c->cc_ops = s->cfg.cc ? s->cfg.cc : &tcp_cc_cubic;
	tcp_rack_init(c);
	c->quickacks = TCP_QUICKACKS;
	c->snd_ring_max = s->cfg.send_buffer_max;
	c->peer_mss = c->snd_mss = c->rcv_mss = default_mss(c);
	c->ip_id = (uint16_t)id;
	list_init(&c->accept_link);
	list_init(&c->output_link);
	list_init(&c->event_link);
	list_init(&c->starved_link);
	list_init(&c->fastopen.link);
	timer_init(&c->xmit_timer, TCP_TIMER_XMIT);
	timer_init(&c->delack_timer, TCP_TIMER_DELACK);
	timer_init(&c->app_timer, TCP_TIMER_APP);
	tcp_pace_init(c);
	tcp_keepalive_init(c);
	tcp_rcvbuf_init(c);
	tcp_held_init(c);
	list_append(&s->conns, &c->link);
	s->conn_count++;
	tcp_table_insert(s, &c->node);
	return c;
}

void tcp_conn_negotiated(struct tcp_conn *c, const struct tcp_options *peer)
{
	c->peer_mss = peer->has_mss ? peer->mss : default_mss(c);
	if (c->peer_mss < TCP_MSS_MIN)
		c->peer_mss = TCP_MSS_MIN;
	c->ts_ok = peer->has_timestamp;
	c->sack_ok = peer->sack_permitted;
	c->wscale_ok = peer->has_wscale;
	c->snd_wscale = peer->has_wscale ? peer->wscale : 0;
	c->rcv_wscale = peer->has_wscale ? c->stack->rcv_wscale : 0;
	/* RFC 9293 3.7.1: Eff.snd.MSS = min(SendMSS, MMS_S) - TCP options - IP options */
	c->snd_mss = tcp_pmtu_start(c);
	if (c->ts_ok) {
		c->snd_mss = (uint16_t)(c->snd_mss - TCP_TIMESTAMP_LEN);
		c->ts_recent = peer->ts_val;
		c->ts_recent_us = c->stack->now_us;
	}
	/* A guess on the low side, until a segment is larger: RFC 5681 4.2 wants an ACK for every second one of the size
	 * that the peer uses, which may be less than we have offered. */
	c->rcv_mss = c->snd_mss < TCP_MSS_DEFAULT ? c->snd_mss : TCP_MSS_DEFAULT;
	c->cc.mss = c->snd_mss;
	c->cc.cwnd = tcp_cc_initial_window(c->snd_mss);
	c->cc.ssthresh = UINT32_MAX;
	if (c->cc_ops->init)
		c->cc_ops->init(&c->cc);
}

size_t tcp_conn_memory(const struct tcp_conn *c)
{
	return sizeof *c + sendq_memory(&c->snd) + c->rcv.cap + tcp_scoreboard_memory(c) +
	       tcp_reass_memory(c);
}

void tcp_conn_wants_output(struct tcp_conn *c)
{
	if (!c->dead && !list_linked(&c->output_link))
		list_append(&c->stack->output, &c->output_link);
}

void tcp_conn_event(struct tcp_conn *c, enum stack_event_type type)
{
	if (!c->attached)
		return;
	c->events |= 1u << type;
	if (c->accepted && !list_linked(&c->event_link))
		list_append(&c->stack->events, &c->event_link);
}

void tcp_conn_deliver_events(struct tcp_conn *c)
{
	c->accepted = true;
	if (c->events && !list_linked(&c->event_link))
		list_append(&c->stack->events, &c->event_link);
}

/* Everything but the block itself, and the receive ring: the application may still read that. */
static void tear_down(struct tcp_conn *c)
{
	struct stack *s = c->stack;

	if (c->dead)
		return;
	c->dead = true;
	tcp_metrics_ended(c);
	tcp_table_remove(s, &c->node);
	timer_stop(&s->wheel, &c->xmit_timer);
	timer_stop(&s->wheel, &c->delack_timer);
	timer_stop(&s->wheel, &c->app_timer);
	tcp_pace_stop(c);
	c->xmit_mode = TCP_XMIT_NONE;
	list_remove(&c->output_link);
	list_remove(&c->starved_link);
	tcp_held_forget(c);
	tcp_fastopen_ended(c, false);
	sendq_release(s, &c->snd);
	tcp_scoreboard_reset(c);
	tcp_reass_release(c);
	if (c->listener) {
		list_remove(&c->accept_link);
		c->listener->queued--;
		c->listener = NULL;
		c->attached = false; /* nobody has seen it yet */
	}
}

void tcp_conn_free(struct tcp_conn *c)
{
	struct stack *s = c->stack;

	tear_down(c);
	if (s->last_output == c)
		s->last_output = NULL;
	ring_release(s, &c->rcv);
	list_remove(&c->event_link);
	list_remove(&c->link);
	s->conn_count--;
	account_free(s, c, sizeof *c);
}

void tcp_conn_end(struct tcp_conn *c, enum tcp_close_reason reason)
{
	assert(!c->dead);
	tcp_fastopen_ended(c, reason == TCP_CLOSE_REFUSED);
	tear_down(c);
	c->close_reason = reason;
	if (c->state != TCP_TIME_WAIT)
		c->state = TCP_CLOSED;
	if (!c->attached) {
		tcp_conn_free(c);
		return;
	}
	/* RFC 9293 3.10.7.4, second: after a RST all queues are flushed. */
	if (reason != TCP_CLOSE_ORDERLY || c->rcv.len == 0)
		ring_release(c->stack, &c->rcv);
	tcp_conn_event(c, STACK_EVENT_CLOSED);
}

void tcp_conn_reset(struct tcp_conn *c, enum tcp_close_reason reason, const char *why)
{
	const enum tcp_state before = c->state;

	if (c->state != TCP_SYN_SENT && c->state != TCP_CLOSED) {
		struct tcp_segment rst = tcp_segment_from(&c->node.tuple);
		rst.seq = tcp_acceptable_seq(c);
		rst.ack = c->rcv_nxt;
		rst.flags = TCP_RST | TCP_ACK;
		reply_segment(c->stack, &rst, c->id, why);
	}
	c->state = TCP_CLOSED;
	trace_state(c, before, why);
	tcp_conn_end(c, reason);
}
