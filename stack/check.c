/* SPDX-License-Identifier: Apache-2.0 */
/* check.c — the invariants, for tests: see stack_check in stack.h. */
#include "stack/ip_reass.h"
#include "stack/pmtu_cache.h"
#include "stack/seq.h"
#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_reass.h"
#include "stack/tcp_syncache.h"
#include "stack/tcp_timewait.h"

static const char *check_send(const struct tcp_conn *c)
{
	if (seq_gt(c->snd_una, c->snd_nxt) || seq_gt(c->snd_nxt, c->snd_max))
		return "SND.UNA <= SND.NXT <= SND.MAX does not hold";
	if (seq_gt(c->snd_max, tcp_snd_end(c)))
		return "more was sent than the application gave";
	if (c->snd.len > c->stack->cfg.send_buffer_max)
		return "the send queue holds more than it may";
	if (!list_linked(&c->held.link) && (c->snd.ring.cap > 0 || !c->attached))
		return "a send ring or an orphan that memory pressure does not know of";
	if (c->cc.cwnd < c->cc.mss)
		return "the congestion window is below one segment";
	const char *broken = sendq_check(&c->snd);
	if (!broken)
		broken = tcp_pmtu_check(c);
	return broken ? broken : tcp_scoreboard_check(c);
}

static const char *check_receive(const struct tcp_conn *c)
{
	uint32_t at = c->rcv_nxt;

	if (c->state != TCP_SYN_SENT && seq_lt(c->rcv_adv, c->rcv_nxt))
		return "RCV.NXT lies beyond the advertised edge";
	if (c->rcvbuf.limit == 0 || c->rcvbuf.limit > c->stack->cfg.recv_buffer_max)
		return "the receive window is made of more than there may be";
	if (c->rcv.len > c->rcv.cap || c->rcv.len > c->stack->cfg.recv_buffer_max)
		return "the receive ring holds more than it may";
	if (c->ooo_count > c->ooo_cap || (c->ooo_count == 0) != (c->ooo == NULL))
		return "the out-of-order list's sizes do not agree";
	for (unsigned i = 0; i < c->ooo_count; i++) {
		if (seq_leq(c->ooo[i].start, at) || seq_leq(c->ooo[i].end, c->ooo[i].start))
			return "the out-of-order list is not sorted and disjoint";
		at = c->ooo[i].end;
	}
	if ((c->ooo_count > 0) != list_linked(&c->held.ofo_link))
		return "data out of order that memory pressure does not know of";
	if (c->ooo_count > 0 && c->rcv.len + (at - c->rcv_nxt) > c->rcv.cap)
		return "out-of-order data reaches beyond the ring";
	return NULL;
}

/* Does the connection wait for a named call of the application? */
static bool waits_for_application(const struct tcp_conn *c)
{
	if (!c->attached)
		return false;
	if (c->listener)
		return true; /* tcp_accept */
	if (tcp_corked(c) && c->snd_una == c->snd_max)
		return true; /* tcp_send_commit: more was promised */
	/* CLOSE-WAIT: tcp_shutdown or tcp_close. FIN-WAIT-2: tcp_close ends the wait. */
	return (c->state == TCP_CLOSE_WAIT || c->state == TCP_FIN_WAIT_2) &&
	       c->snd_una == tcp_snd_end(c);
}

static const char *check_liveness(const struct tcp_conn *c)
{
	const bool busy = c->snd_una != tcp_snd_end(c) || c->snd_una != c->snd_max ||
			  c->fin_queued || c->state != TCP_ESTABLISHED || !c->attached;

	if ((c->xmit_mode == TCP_XMIT_NONE) != !timer_armed(&c->xmit_timer))
		return "the timer and what it is for do not agree";
	if (c->pace.waiting != timer_armed(&c->pace.timer))
		return "pacing and its timer do not agree";
	/* A keepalive probe moves nothing: what it stands for is a connection that waits for nothing. */
	const bool timer = c->pace.waiting ||
			   (timer_armed(&c->xmit_timer) && c->xmit_mode != TCP_XMIT_KEEPALIVE);
	if (!busy || timer || list_linked(&c->output_link) || waits_for_application(c))
		return tcp_keepalive_check(c);
	return "liveness: nothing will ever move this connection";
}

const char *stack_check(const struct stack *s)
{
	size_t memory;
	uint32_t conns = 0, established = 0, orphans = 0;
	const char *broken = ip_reass_check(s, &memory);

	for (struct list *n = s->conns.next; n != &s->conns && !broken; n = n->next) {
		const struct tcp_conn *c = list_entry(n, struct tcp_conn, link);
		conns++;
		memory += tcp_conn_memory(c);
		if (c->dead)
			continue;
		established += c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT;
		orphans += !c->attached;
		broken = check_send(c);
		if (!broken)
			broken = check_receive(c);
		if (!broken)
			broken = check_liveness(c);
	}
	if (broken)
		return broken;
	for (struct list *n = s->listeners.next; n != &s->listeners; n = n->next) {
		const struct tcp_listener *l = list_entry(n, struct tcp_listener, link);
		uint32_t pending = 0;
		for (struct list *p = l->fastopen.pending.next; p != &l->fastopen.pending;
		     p = p->next)
			pending++;
		if (pending != l->fastopen.count)
			return "the count of Fast Open's pending connections is wrong";
	}
	for (struct list *n = s->replies.next; n != &s->replies; n = n->next)
		memory += sizeof(struct reply) + list_entry(n, struct reply, link)->len;
	if (s->reply_out)
		memory += sizeof(struct reply) + s->reply_out->len;
	memory += s->syncache_count * sizeof(struct syncache_entry);
	memory += s->timewait_count * sizeof(struct timewait);
	memory += pmtu_cache_memory(s);
	if (memory != s->memory)
		return "the memory account is not the sum of what is held";
	if (conns != s->conn_count || established != s->established || orphans != s->orphans ||
	    s->table.count > s->conn_count + s->syncache_count + s->timewait_count)
		return "the counts of connections do not agree";
	return s->memory + s->buffers_cached > s->cfg.memory_limit
		       ? "more memory is held than the limit allows"
		       : NULL;
}
