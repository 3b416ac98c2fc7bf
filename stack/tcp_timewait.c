/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_timewait.c — see tcp_timewait.h. */
#include "stack/tcp_timewait.h"

#include "stack/seq.h"
#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_demux.h"
#include "stack/tcp_ecn.h"
#include "stack/tcp_input.h"
#include "stack/tcp_isn.h"
#include "stack/tcp_syncache.h"
#include "stack/trace.h"

void tcp_timewait_free(struct timewait *tw)
{
	struct stack *s = tw->stack;

	tcp_table_remove(s, &tw->node);
	timer_stop(&s->wheel, &tw->timer);
	list_remove(&tw->link);
	s->timewait_count--;
	account_free(s, tw, sizeof *tw);
}

static void send_ack(struct timewait *tw, const char *why)
{
	struct tcp_segment seg = tcp_segment_from(&tw->node.tuple);

	seg.seq = tw->snd_nxt;
	seg.ack = tw->rcv_nxt;
	seg.flags = TCP_ACK;
	tcp_segment_set_ace(&seg, tw->ace);
	seg.wnd = tw->wnd_field;
	seg.opt.has_timestamp = tw->ts_ok;
	seg.opt.ts_val = tcp_ts_now(tw->stack, tw->ts_offset);
	seg.opt.ts_ecr = tw->ts_recent;
	reply_segment(tw->stack, &seg, tw->id, why);
}

static void remember(struct stack *s, const struct timewait *record)
{
	struct timewait *tw = s->cfg.max_time_wait ? account_alloc(s, sizeof *tw) : NULL;

	if (!tw) {
		s->counters.tcp_memory_drops++;
		return;
	}
	*tw = *record;
	timer_init(&tw->timer, TCP_TIMER_TIMEWAIT);
	list_append(&s->timewait, &tw->link);
	s->timewait_count++;
	tcp_table_insert(s, &tw->node);
	s->counters.tcp_time_wait_entered++;
	timer_set(&s->wheel, &tw->timer, s->now_us + s->cfg.time_wait_us);
}

/* Rounded up, as in tcp_receive_window: the FIN has taken one number from the window, and the right edge stays. */
static uint16_t window_field(const struct tcp_conn *c)
{
	const uint32_t unit = (1u << c->rcv_wscale) - 1;
	const uint32_t field = (c->rcv_adv - c->rcv_nxt + unit) >> c->rcv_wscale;

	return field < UINT16_MAX ? (uint16_t)field : UINT16_MAX;
}

void tcp_timewait_enter(struct tcp_conn *c, const struct tcp_segment *seg, enum tcp_state before,
			const char *why)
{
	struct stack *s = c->stack;

	c->state = TCP_TIME_WAIT;
	trace_segment_in(c, seg, before, why);
	while (s->timewait_count > 0 && s->timewait_count >= s->cfg.max_time_wait) {
		s->counters.tcp_time_wait_evicted++;
		tcp_timewait_free(list_entry(s->timewait.next, struct timewait, link));
	}
	const bool owes_ack = c->ack_now; /* not when CLOSING has acknowledged the FIN already */
	struct timewait record = {
		.stack = s,
		.id = c->id,
		.node = {.kind = TCP_NODE_TIMEWAIT, .tuple = c->node.tuple},
		.snd_nxt = c->snd_nxt,
		.rcv_nxt = c->rcv_nxt,
		.rcv_wnd = c->rcv_adv - c->rcv_nxt,
		.wnd_field = window_field(c),
		.ace = tcp_ecn_ace(c, TCP_ACK, 0, false),
		.ts_ok = c->ts_ok,
		.ts_offset = c->ts_offset,
		.ts_recent = c->ts_recent,
	};
	tcp_conn_end(c, TCP_CLOSE_ORDERLY);
	/* Even when there is no room to remember it, the peer's FIN is answered once. */
	if (owes_ack)
		send_ack(&record,
			 "ACK of the peer's FIN; TIME-WAIT begins (RFC 9293 3.10.7.4, eighth)");
	remember(s, &record);
}

static void trace_tw(struct timewait *tw, enum stack_trace_kind kind, const struct tcp_segment *seg,
		     enum tcp_state after, const char *why)
{
	trace_node(tw->stack, kind, &tw->node, tw->id, TCP_TIME_WAIT, after, seg, why);
}

/* RFC 6191 2 and RFC 1122 4.2.2.13: is this SYN certainly not a duplicate of the old connection's? */
static bool syn_is_newer(const struct timewait *tw, const struct tcp_segment *seg)
{
	if (tw->ts_ok && seg->opt.has_timestamp && seg->opt.ts_val != tw->ts_recent)
		return seq_gt(seg->opt.ts_val, tw->ts_recent);
	return seq_gt(seg->seq, tw->rcv_nxt);
}

static void reopen(struct timewait *tw, const struct tcp_segment *seg)
{
	struct stack *s = tw->stack;
	/* Beyond anything of the old connection that may still be under way. */
	const uint32_t floor = tw->snd_nxt + UINT16_MAX;

	s->counters.tcp_time_wait_reused++;
	trace_tw(tw, STACK_TRACE_STATE, NULL, TCP_CLOSED,
		 "a newer SYN ends TIME-WAIT (RFC 6191 2, RFC 1122 4.2.2.13)");
	tcp_timewait_free(tw);
	tcp_syncache_add(s, seg, &floor);
}

void tcp_timewait_input(struct timewait *tw, const struct tcp_segment *seg)
{
	struct stack *s = tw->stack;

	if (seg->flags & TCP_RST) {
		trace_tw(tw, STACK_TRACE_DROP, seg, TCP_TIME_WAIT, "RST in TIME-WAIT (RFC 1337 3)");
		return;
	}
	if ((seg->flags & (TCP_SYN | TCP_ACK | TCP_FIN)) == TCP_SYN && syn_is_newer(tw, seg) &&
	    tcp_find_listener(s, &seg->dst, seg->dst_port)) {
		reopen(tw, seg);
		return;
	}
	if ((seg->flags & TCP_FIN) && seg->seq + segment_space(seg) == tw->rcv_nxt) {
		trace_tw(tw, STACK_TRACE_PACKET_IN, seg, TCP_TIME_WAIT,
			 "FIN again, our ACK was lost: ACK, restart 2 MSL (RFC 9293 3.10.7.4, "
			 "eighth)");
		timer_set(&s->wheel, &tw->timer, s->now_us + s->cfg.time_wait_us);
		list_remove(&tw->link);
		list_append(&s->timewait, &tw->link);
		send_ack(tw, "ACK of a repeated FIN (RFC 9293 3.10.7.4, eighth)");
		return;
	}
	/* Anything else that occupies sequence space or lies outside the window gets an ACK that tells
	 * the peer where we are; a plain ACK at the right place needs none. */
	if (segment_space(seg) == 0 && seg->seq == tw->rcv_nxt) {
		trace_tw(tw, STACK_TRACE_DROP, seg, TCP_TIME_WAIT,
			 "ACK in TIME-WAIT: nothing to do");
		return;
	}
	trace_tw(tw, STACK_TRACE_DROP, seg, TCP_TIME_WAIT,
		 "old or unexpected segment in TIME-WAIT: ACK (RFC 9293 3.10.7.4, first)");
	/* Limited: two hosts must not ACK each other for ever. */
	if (tcp_challenge_allowed(s, &tw->challenge_us, &tw->challenge_count))
		send_ack(tw, "ACK to an old segment in TIME-WAIT (RFC 9293 3.10.7.4, first)");
}

void tcp_timewait_timer(struct timewait *tw)
{
	trace_tw(tw, STACK_TRACE_TIMER, NULL, TCP_CLOSED, "2 MSL are over (RFC 9293 3.10.8)");
	tcp_timewait_free(tw);
}
