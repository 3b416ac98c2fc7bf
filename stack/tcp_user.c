/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_user.c — the application's calls on a connection (RFC 9293 3.10.1 to 3.10.5). */
#include <string.h>

#include "stack/ip.h"
#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_demux.h"
#include "stack/tcp_isn.h"
#include "stack/tcp_output.h"
#include "stack/tcp_timer.h"
#include "stack/trace.h"

/* ------------------------------------------------------------------ OPEN */

static int choose_local(struct stack *s, const struct ip_endpoint *wanted,
			const struct ip_endpoint *remote, struct ip_endpoint *local)
{
	*local = wanted ? *wanted : (struct ip_endpoint){0};
	for (size_t i = 0; i < s->cfg.addr_count && local->addr.version == 0; i++)
		if (s->cfg.addr[i].version == remote->addr.version)
			local->addr = s->cfg.addr[i];
	if (!ip_addr_is_local(s, &local->addr) || local->addr.version != remote->addr.version)
		return STACK_ERR_INVALID;
	if (local->port == 0)
		local->port = tcp_ephemeral_port(s, &local->addr, remote);
	return local->port ? STACK_OK : STACK_ERR_IN_USE;
}

int tcp_connect(struct stack *s, uint64_t now_us, const struct ip_endpoint *local,
		const struct ip_endpoint *remote, struct tcp_conn **out)
{
	struct ip_endpoint from;
	struct tcp_tuple tuple;

	s->now_us = now_us > s->now_us ? now_us : s->now_us;
	if (remote->port == 0 || !ip_addr_is_unicast(&remote->addr) ||
	    ip_addr_is_local(s, &remote->addr))
		return STACK_ERR_INVALID;
	const int err = choose_local(s, local, remote, &from);
	if (err)
		return err;
	tcp_tuple_of_endpoints(&tuple, &from, remote);
	if (tcp_table_find(s, &tuple))
		return STACK_ERR_IN_USE;
	struct tcp_conn *c = tcp_conn_new(s, &tuple, s->next_id);
	if (!c)
		return STACK_ERR_NO_MEMORY;
	s->next_id++;
	c->attached = true;
	c->accepted = true;
	c->iss = tcp_isn(s, &tuple);
	c->snd_una = c->snd_nxt = c->snd_max = c->recover = c->iss;
	c->ts_offset = tcp_ts_offset(s, &tuple);
	c->state = TCP_SYN_SENT;
	s->counters.tcp_active_opens++;
	trace_state(c, TCP_CLOSED, "active OPEN (RFC 9293 3.10.1)");
	tcp_conn_wants_output(c);
	*out = c;
	return STACK_OK;
}

/* ------------------------------------------------------------------ RECEIVE */

size_t tcp_recv_peek(const struct tcp_conn *c, struct slice slices[2])
{
	slices[0] = slices[1] = (struct slice){NULL, 0};
	ring_slices(&c->rcv, 0, c->rcv.len, slices);
	return c->rcv.len;
}

void tcp_recv_consume(struct tcp_conn *c, size_t len)
{
	const uint32_t bytes = len < c->rcv.len ? (uint32_t)len : c->rcv.len;

	ring_consume(&c->rcv, bytes);
	tcp_rcvbuf_consumed(c, bytes);
	if (c->rcv.len == 0 && c->ooo_count == 0)
		ring_release(c->stack, &c->rcv);
	tcp_output_window_update(c);
}

bool tcp_recv_finished(const struct tcp_conn *c)
{
	return c->peer_fin_seen && c->rcv.len == 0;
}

/* ------------------------------------------------------------------ SEND */

size_t tcp_send_space(const struct tcp_conn *c)
{
	const uint32_t limit = tcp_send_limit(c);

	return tcp_can_send(c) && c->snd.len < limit ? limit - c->snd.len : 0;
}

/* Room for `len` more bytes, or for as many as memory allows: half as much, or what the ring has anyway. */
static uint32_t grow_send_ring(struct tcp_conn *c, uint32_t len)
{
	struct ring *ring = &c->snd.ring;
	const uint32_t max = pressure_ring_max(c, ring, c->stack->cfg.send_buffer_max);

	for (uint32_t try = len; try > 0; try /= 2)
		if (ring_grow(c->stack, ring, ring->len + try, ring->len, max))
			return ring->cap - ring->len < len ? ring->cap - ring->len : len;
	return 0;
}

size_t tcp_send_reserve(struct tcp_conn *c, size_t want, struct slice_mut slices[2])
{
	const size_t space = tcp_send_space(c);
	uint32_t len = (uint32_t)(want < space ? want : space);

	slices[0] = slices[1] = (struct slice_mut){NULL, 0};
	if (!tcp_can_send(c))
		return 0;
	if (len < want) {
		c->want_space = true;
		tcp_conn_wants_output(c); /* what is corked goes out after all */
	}
	const uint32_t got = grow_send_ring(c, len);
	if (got < len) {
		c->stack->counters.tcp_memory_drops++;
		c->want_space = true;
		if (!list_linked(&c->starved_link))
			list_append(&c->stack->starved, &c->starved_link);
	}
	len = got;
	tcp_held_sender(c);
	ring_slices_mut(&c->snd.ring, c->snd.ring.len, len, slices);
	return len;
}

void tcp_send_commit(struct tcp_conn *c, size_t len, bool more)
{
	if (!tcp_can_send(c))
		return;
	sendq_committed(&c->snd, (uint32_t)len);
	c->corked = more;
	if (c->snd.ring.len == 0)
		ring_release(c->stack, &c->snd.ring);
	tcp_conn_wants_output(c);
}

bool tcp_send_loan(struct tcp_conn *c, const struct tcp_loan *loan, bool more)
{
	if (loan->len == 0 || loan->len > tcp_send_space(c) || !sendq_lend(c->stack, &c->snd, loan))
		return false;
	tcp_held_sender(c);
	c->corked = more;
	tcp_conn_wants_output(c);
	return true;
}

size_t tcp_send_all(struct tcp_conn *c, const uint8_t *data, size_t len, bool more)
{
	struct slice_mut slices[2];

	if (tcp_send_reserve(c, len, slices) < len)
		return 0;
	if (len > 0)
		memcpy(slices[0].data, data, slices[0].len);
	if (slices[1].len > 0)
		memcpy(slices[1].data, data + slices[0].len, slices[1].len);
	tcp_send_commit(c, len, more);
	return len;
}

size_t tcp_send_pending(const struct tcp_conn *c)
{
	return c->snd.len;
}

void tcp_notify_sent(struct tcp_conn *c)
{
	if (c->dead)
		return;
	if (c->snd.len == 0 && c->snd_una == tcp_snd_end(c))
		tcp_conn_event(c, STACK_EVENT_SENT);
	else
		c->want_sent = true;
}

/* ------------------------------------------------------------------ CLOSE, ABORT */

/* Queues our FIN. The state moves now and not when the FIN is sent, so that a FIN which waits behind a
 * shut window is already subject to the limits of a closing connection. */
static void queue_fin(struct tcp_conn *c)
{
	const enum tcp_state before = c->state;

	if (c->state == TCP_ESTABLISHED)
		c->state = TCP_FIN_WAIT_1;
	else if (c->state == TCP_CLOSE_WAIT)
		c->state = TCP_LAST_ACK;
	else if (!tcp_syn_outstanding(c) || c->fin_queued)
		return;
	c->fin_queued = true;
	c->corked = false;
	tcp_metrics_state(c);
	if (c->state != before)
		trace_state(c, before, "CLOSE: FIN queued behind the data (RFC 9293 3.10.4)");
	tcp_conn_wants_output(c);
}

int tcp_shutdown(struct tcp_conn *c)
{
	if (!tcp_can_send(c))
		return STACK_ERR_STATE;
	queue_fin(c);
	return STACK_OK;
}

static void detach(struct tcp_conn *c)
{
	c->attached = false;
	c->events = 0;
	list_remove(&c->event_link);
	list_remove(&c->starved_link);
	c->orphaned_us = c->stack->now_us;
	tcp_metrics_orphaned(c);
	tcp_held_orphaned(c);
	timer_stop(&c->stack->wheel, &c->app_timer);
}

void tcp_close(struct tcp_conn *c)
{
	detach(c);
	if (c->dead || c->state == TCP_SYN_SENT) {
		tcp_conn_free(c);
		return;
	}
	if (c->rcv.len > 0) {
		c->stack->counters.tcp_abort_on_close++;
		tcp_conn_reset(c, TCP_CLOSE_ABORTED,
			       "RST: closed with unread data (RFC 1122 4.2.2.13, RFC 2525 2.17)");
		return;
	}
	queue_fin(c);
	/* From here the stack alone sees to the end; the peer's patience is measured anew. */
	tcp_timer_progress(c);
	tcp_conn_wants_output(c);
}

void tcp_abort(struct tcp_conn *c)
{
	detach(c);
	if (c->dead || c->state == TCP_SYN_SENT) {
		tcp_conn_free(c);
		return;
	}
	tcp_conn_reset(c, TCP_CLOSE_ABORTED, "ABORT (RFC 9293 3.10.5)");
}

/* ------------------------------------------------------------------ the rest */

void tcp_set_timer(struct tcp_conn *c, uint64_t deadline_us)
{
	c->events &= ~(1u << STACK_EVENT_TIMER);
	if (c->events == 0)
		list_remove(&c->event_link);
	if (!c->dead)
		timer_set(&c->stack->wheel, &c->app_timer, deadline_us);
}

void tcp_set_user(struct tcp_conn *c, void *user)
{
	c->user = user;
}

void *tcp_user(const struct tcp_conn *c)
{
	return c->user;
}
