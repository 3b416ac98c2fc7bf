/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c — see trace.h. */
#include "stack/trace.h"

#include <string.h>

#include "stack/ip.h"

static void fill_endpoint(struct ip_endpoint *e, const uint8_t *bytes, uint16_t port,
			  uint8_t version)
{
	e->addr.version = version;
	memcpy(e->addr.bytes, bytes, sizeof e->addr.bytes);
	e->port = port;
}

void trace_fill_tuple(struct stack_trace_event *ev, const struct tcp_tuple *t)
{
	fill_endpoint(&ev->local, t->local, t->local_port, t->version);
	fill_endpoint(&ev->remote, t->remote, t->remote_port, t->version);
}

void trace_emit(struct stack *s, struct stack_trace_event *ev, const struct tcp_conn *c)
{
	ev->now_us = s->now_us;
	if (c) {
		ev->conn_id = c->id;
		trace_fill_tuple(ev, &c->node.tuple);
		ev->snd_una = c->snd_una;
		ev->snd_nxt = c->snd_nxt;
		ev->snd_wnd = c->snd_wnd;
		ev->rcv_nxt = c->rcv_nxt;
		ev->rcv_wnd = c->rcv_adv - c->rcv_nxt;
		ev->cwnd = c->cc.cwnd;
		ev->ssthresh = c->cc.ssthresh;
	}
	s->cfg.trace(s->cfg.trace_ctx, ev);
}

void trace_memory(struct stack *s, const struct tcp_conn *c, const char *why)
{
	if (!s->cfg.trace)
		return;
	struct stack_trace_event ev = {.kind = STACK_TRACE_MEMORY, .why = why};
	if (c)
		ev.state_before = ev.state_after = c->state;
	trace_emit(s, &ev, c);
}

void trace_reply_out(struct stack *s, const struct reply *r)
{
	if (!s->cfg.trace)
		return;
	struct stack_trace_event ev = {.kind = STACK_TRACE_PACKET_OUT,
				       .conn_id = r->conn_id,
				       .why = r->why,
				       .packet = r->bytes,
				       .packet_len = r->len};
	trace_emit(s, &ev, NULL);
}

static void emit_segment(struct tcp_conn *c, enum stack_trace_kind kind,
			 const struct tcp_segment *seg, enum tcp_state before, const char *why)
{
	if (!c->stack->cfg.trace)
		return;
	struct stack_trace_event ev = {.kind = kind,
				       .state_before = before,
				       .state_after = c->state,
				       .why = why,
				       .packet = seg ? seg->packet : NULL,
				       .packet_len = seg ? seg->packet_len : 0,
				       .payload_len = seg ? seg->len : 0};
	trace_emit(c->stack, &ev, c);
}

void trace_segment_in(struct tcp_conn *c, const struct tcp_segment *seg, enum tcp_state before,
		      const char *why)
{
	emit_segment(c, STACK_TRACE_PACKET_IN, seg, before, why);
}

void trace_segment_drop(struct tcp_conn *c, const struct tcp_segment *seg, const char *why)
{
	emit_segment(c, STACK_TRACE_DROP, seg, c->state, why);
}

void trace_timer(struct tcp_conn *c, const char *why)
{
	emit_segment(c, STACK_TRACE_TIMER, NULL, c->state, why);
}

void trace_state(struct tcp_conn *c, enum tcp_state before, const char *why)
{
	emit_segment(c, STACK_TRACE_STATE, NULL, before, why);
}

void trace_segment_out(struct tcp_conn *c, const struct packet_out *out, size_t payload_len,
		       const char *why)
{
	if (!c->stack->cfg.trace)
		return;
	struct stack_trace_event ev = {.kind = STACK_TRACE_PACKET_OUT,
				       .state_before = c->state,
				       .state_after = c->state,
				       .why = why,
				       .packet = out->header,
				       .packet_len = out->header_len,
				       .payload_len = payload_len};
	trace_emit(c->stack, &ev, c);
}

void trace_node(struct stack *s, enum stack_trace_kind kind, const struct tcp_node *node,
		uint64_t conn_id, enum tcp_state before, enum tcp_state after,
		const struct tcp_segment *seg, const char *why)
{
	if (!s->cfg.trace)
		return;
	struct stack_trace_event ev = {.kind = kind,
				       .conn_id = conn_id,
				       .state_before = before,
				       .state_after = after,
				       .why = why,
				       .packet = seg ? seg->packet : NULL,
				       .packet_len = seg ? seg->packet_len : 0,
				       .payload_len = seg ? seg->len : 0};
	trace_fill_tuple(&ev, &node->tuple);
	trace_emit(s, &ev, NULL);
}
