/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_timer.c — see tcp_timer.h. */
#include "stack/tcp_timer.h"

#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_ecn.h"
#include "stack/tcp_keepalive.h"
#include "stack/tcp_recovery.h"
#include "stack/tcp_rtt.h"
#include "stack/tcp_user_timeout.h"
#include "stack/trace.h"

static uint64_t give_up_us(const struct tcp_conn *c)
{
	const struct stack_config *cfg = &c->stack->cfg;

	const uint64_t timeout = tcp_user_timeout_us(c);
	const bool syn =
		tcp_syn_outstanding(c) && !(c->user_timeout.fixed && timeout < cfg->syn_timeout_us);
	uint64_t limit = c->progress_us + (syn ? cfg->syn_timeout_us : timeout);
	/* A peer that takes a byte now and then makes progress for ever. */
	const uint64_t life = c->orphaned_us + TCP_ORPHAN_TIMEOUTS * cfg->user_timeout_us;

	if (!c->attached && limit > life)
		limit = life;
	return limit;
}

void tcp_timer_set_xmit(struct tcp_conn *c, enum tcp_xmit_mode mode)
{
	struct stack *s = c->stack;
	uint64_t deadline;

	if (c->xmit_mode != mode) {
		/* From retransmission to probing the peer has been silent all along. */
		if (c->xmit_mode == TCP_XMIT_NONE || c->xmit_mode == TCP_XMIT_KEEPALIVE ||
		    mode == TCP_XMIT_FIN_WAIT_2)
			c->progress_us = s->now_us;
		c->xmit_mode = (uint8_t)mode;
	}
	if (mode == TCP_XMIT_FIN_WAIT_2) {
		deadline = c->progress_us + s->cfg.fin_wait_2_us;
	} else {
		deadline = s->now_us + tcp_rtt_timeout(c);
		if (deadline > give_up_us(c))
			deadline = give_up_us(c);
	}
	c->rto_at_us = deadline;
	timer_set(&s->wheel, &c->xmit_timer, deadline);
}

void tcp_timer_stop_xmit(struct tcp_conn *c)
{
	c->xmit_mode = TCP_XMIT_NONE;
	timer_stop(&c->stack->wheel, &c->xmit_timer);
}

void tcp_timer_before_rto(struct tcp_conn *c, enum tcp_xmit_mode mode, uint64_t at_us)
{
	if (at_us > c->rto_at_us) {
		tcp_timer_back_to_rto(c);
		return;
	}
	if (!tcp_rto_runs(c))
		return;
	c->xmit_mode = (uint8_t)mode;
	timer_set(&c->stack->wheel, &c->xmit_timer, at_us);
}

void tcp_timer_back_to_rto(struct tcp_conn *c)
{
	if (!tcp_rto_runs(c))
		return;
	c->xmit_mode = TCP_XMIT_RETRANSMIT;
	timer_set(&c->stack->wheel, &c->xmit_timer, c->rto_at_us);
}

void tcp_timer_limit_xmit(struct tcp_conn *c)
{
	const uint64_t limit = give_up_us(c);

	if (!tcp_rto_runs(c) && c->xmit_mode != TCP_XMIT_PERSIST)
		return;
	if (c->rto_at_us > limit)
		c->rto_at_us = limit;
	if (c->xmit_timer.deadline_us > limit)
		timer_set(&c->stack->wheel, &c->xmit_timer, limit);
}

void tcp_timer_progress(struct tcp_conn *c)
{
	c->progress_us = c->stack->now_us;
}

static void retransmit_fired(struct tcp_conn *c)
{
	trace_timer(c, "retransmission timer: go back to SND.UNA, double the RTO (RFC 6298 5.4)");
	c->stack->counters.tcp_timeouts++;
	c->timeouts++;
	if (tcp_syn_outstanding(c)) {
		tcp_rtt_cancel(c);
		c->snd_nxt = c->iss;
		tcp_fastopen_timeout(c);
	} else if (!tcp_pmtu_timeout(c)) {
		tcp_recovery_timeout(c);
	}
	if (c->backoff < UINT8_MAX)
		c->backoff++;
	tcp_timer_set_xmit(c, TCP_XMIT_RETRANSMIT);
}

static void persist_fired(struct tcp_conn *c)
{
	trace_timer(c, "persist timer: probe the shut window (RFC 9293 3.8.6.1)");
	c->probe = true;
	c->probes_out++;
	c->stack->counters.tcp_zero_window_probes++;
	if (c->backoff < UINT8_MAX)
		c->backoff++;
	tcp_timer_set_xmit(c, TCP_XMIT_PERSIST);
}

static void ecn_hold_fired(struct tcp_conn *c)
{
	trace_timer(c, "marked at a window of one segment: the next one may go (RFC 3168 6.1.2)");
	tcp_ecn_release(c);
	tcp_timer_stop_xmit(c);
}

static void reorder_fired(struct tcp_conn *c)
{
	trace_timer(c, "reordering timer: overdue, so lost (RFC 8985 6.2)");
	c->stack->counters.tcp_rack_timeouts++;
	tcp_timer_back_to_rto(c);
	tcp_recovery_reorder_timer(c);
}

static void loss_probe_fired(struct tcp_conn *c)
{
	trace_timer(c, "probe timer: ACKs are overdue, probe for a lost tail (RFC 8985 7.3)");
	tcp_tlp_fired(c);
}

static void xmit_fired(struct tcp_conn *c)
{
	struct stack *s = c->stack;

	if (c->xmit_mode == TCP_XMIT_FIN_WAIT_2) {
		s->counters.tcp_fin_wait_2_timeouts++;
		trace_timer(c, "FIN-WAIT-2 of an orphan is over (RFC 9293 3.6)");
		c->state = TCP_CLOSED;
		tcp_conn_end(c, TCP_CLOSE_TIMEOUT);
		return;
	}
	if (c->xmit_mode == TCP_XMIT_KEEPALIVE) {
		tcp_keepalive_fired(c);
		return;
	}
	if (s->now_us >= give_up_us(c) || tcp_fastopen_gives_up(c)) {
		s->counters.tcp_user_timeouts++;
		/* RFC 1122 4.2.3.9: the application is told what ICMP has said meanwhile. */
		tcp_conn_reset(c, c->unreachable ? TCP_CLOSE_UNREACHABLE : TCP_CLOSE_TIMEOUT,
			       "user timeout (RFC 9293 3.8.3, 3.10.8)");
		return;
	}
	if (c->xmit_mode == TCP_XMIT_RETRANSMIT)
		retransmit_fired(c);
	else if (c->xmit_mode == TCP_XMIT_ECN_HOLD)
		ecn_hold_fired(c);
	else if (c->xmit_mode == TCP_XMIT_REORDER)
		reorder_fired(c);
	else if (c->xmit_mode == TCP_XMIT_LOSS_PROBE)
		loss_probe_fired(c);
	else
		persist_fired(c);
	tcp_conn_wants_output(c);
}

void tcp_timer_fired(struct tcp_conn *c, enum tcp_timer_kind kind)
{
	switch (kind) {
	case TCP_TIMER_XMIT:
		xmit_fired(c);
		break;
	case TCP_TIMER_DELACK:
		c->ack_now = true;
		c->stack->counters.tcp_delayed_acks++;
		tcp_conn_wants_output(c);
		break;
	case TCP_TIMER_APP:
		tcp_conn_event(c, STACK_EVENT_TIMER);
		break;
	case TCP_TIMER_SYNCACHE:
	case TCP_TIMER_TIMEWAIT:
	case TCP_TIMER_REASS:
	case TCP_TIMER_PACE:
	case TCP_TIMER_PMTU:
		break; /* not a connection's */
	}
}

const char *tcp_timer_name(const struct tcp_conn *c)
{
	switch ((enum tcp_xmit_mode)c->xmit_mode) {
	case TCP_XMIT_RETRANSMIT:
		return "retransmit";
	case TCP_XMIT_REORDER:
		return "reorder";
	case TCP_XMIT_LOSS_PROBE:
		return "tail-loss-probe";
	case TCP_XMIT_PERSIST:
		return "persist";
	case TCP_XMIT_FIN_WAIT_2:
		return "fin-wait-2";
	case TCP_XMIT_ECN_HOLD:
		return "ecn-hold";
	case TCP_XMIT_KEEPALIVE:
		return "keepalive";
	case TCP_XMIT_NONE:
		break;
	}
	return timer_armed(&c->delack_timer) ? "delayed-ack" : "none";
}
