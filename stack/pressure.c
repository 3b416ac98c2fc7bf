/* SPDX-License-Identifier: Apache-2.0 */
/* pressure.c — see pressure.h. */
#include "stack/pressure.h"

#include "stack/ip_reass.h"
#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_reass.h"
#include "stack/tcp_syncache.h"
#include "stack/tcp_timewait.h"
#include "stack/trace.h"

void pressure_init(struct stack *s)
{
	list_init(&s->pressure.ofo);
	list_init(&s->pressure.sacked_ofo);
	list_init(&s->pressure.orphans);
	list_init(&s->pressure.holders);
}

/* ------------------------------------------------------------------ who holds what */

void tcp_held_init(struct tcp_conn *c)
{
	list_init(&c->held.ofo_link);
	list_init(&c->held.link);
}

void tcp_held_forget(struct tcp_conn *c)
{
	list_remove(&c->held.ofo_link);
	list_remove(&c->held.link);
}

void tcp_held_ofo(struct tcp_conn *c)
{
	struct pressure *p = &c->stack->pressure;

	if (c->ooo_count == 0)
		list_remove(&c->held.ofo_link);
	else if (!list_linked(&c->held.ofo_link))
		list_append(c->sack_ok ? &p->sacked_ofo : &p->ofo, &c->held.ofo_link);
}

/* From now on its patience is measured anew, behind all others. */
static void enlist(struct tcp_conn *c, struct list *where)
{
	list_remove(&c->held.link);
	list_append(where, &c->held.link);
	c->held.since_us = c->stack->now_us;
	c->held.una = c->snd_una;
}

void tcp_held_sender(struct tcp_conn *c)
{
	if (c->snd.ring.cap > 0 && (c->snd.len == 0 || !list_linked(&c->held.link)))
		enlist(c, &c->stack->pressure.holders);
}

void tcp_held_orphaned(struct tcp_conn *c)
{
	if (!c->dead)
		enlist(c, &c->stack->pressure.orphans);
}

void tcp_held_progress(struct tcp_conn *c)
{
	const uint32_t taken = c->snd_una - c->held.una;
	struct pressure *p = &c->stack->pressure;

	if (!list_linked(&c->held.link))
		return;
	if (c->attached && c->snd.ring.cap == 0)
		list_remove(&c->held.link);
	else if (taken >= (c->snd.len + taken) / 16)
		enlist(c, c->attached ? &p->holders : &p->orphans);
}

/* ------------------------------------------------------------------ the steps */

/* It is not the peer who keeps this waiting. */
static bool waits_for_us(const struct tcp_conn *c)
{
	return c->attached && c->snd_una == c->snd_max && (c->snd.len == 0 || tcp_corked(c));
}

static struct tcp_conn *stalled(const struct stack *s, struct list *from)
{
	while (!list_empty(from)) {
		struct tcp_conn *c = list_entry(from->next, struct tcp_conn, held.link);
		if (s->now_us - c->held.since_us < PRESSURE_STALL_US)
			return NULL;
		if (!waits_for_us(c))
			return c;
		enlist(c, from);
	}
	return NULL;
}

static bool drop_half_open(struct stack *s)
{
	if (s->syncache_count <= PRESSURE_HALF_OPEN ||
	    s->syncache_count * sizeof(struct syncache_entry) <= s->cfg.memory_limit / 8)
		return false;
	s->counters.tcp_syn_cache_dropped++;
	trace_memory(s, NULL, "memory is short: the oldest half-open entry goes (RFC 4987 3.4)");
	tcp_syncache_free(list_entry(s->syncache.next, struct syncache_entry, link));
	return true;
}

static bool drop_time_wait(struct stack *s)
{
	if (s->timewait_count * sizeof(struct timewait) <= s->cfg.memory_limit / 16)
		return false;
	s->counters.tcp_time_wait_evicted++;
	trace_memory(s, NULL, "memory is short: the oldest TIME-WAIT record goes");
	tcp_timewait_free(list_entry(s->timewait.next, struct timewait, link));
	return true;
}

static bool prune(struct stack *s, const struct list *from, const char *why)
{
	if (list_empty(from))
		return false;
	struct tcp_conn *c = list_entry(from->next, struct tcp_conn, held.ofo_link);
	s->counters.tcp_ofo_pruned++;
	trace_memory(s, c, why);
	tcp_reass_prune(c);
	return true;
}

static bool abort_stalled(struct stack *s, struct list *from, const char *why)
{
	struct tcp_conn *c = stalled(s, from);

	if (!c)
		return false;
	s->counters.tcp_abort_on_memory++;
	trace_memory(s, c, why);
	tcp_conn_reset(c, TCP_CLOSE_NO_MEMORY, why);
	return true;
}

static bool give_up_one(struct stack *s)
{
	struct pressure *p = &s->pressure;

	return ip_reass_evict_oldest(s) || drop_half_open(s) || drop_time_wait(s) ||
	       prune(s, &p->ofo, "memory is short: data out of order dropped") ||
	       prune(s, &p->sacked_ofo, "memory is short: SACKed data dropped (RFC 2018 8)") ||
	       abort_stalled(s, &p->orphans,
			     "memory is short: an orphan without progress is reset") ||
	       abort_stalled(s, &p->holders,
			     "memory is short: a peer that does not take its data is reset");
}

void pressure_reclaim(struct stack *s)
{
	struct pressure *p = &s->pressure;

	p->due = false;
	while (s->memory > memory_mark(s, MEMORY_GROWTH) && ip_reass_evict_oldest(s))
		;
	if (!p->starved && s->memory <= memory_mark(s, MEMORY_DATA))
		return;
	s->counters.tcp_prune_called++;
	p->starved = true;
	while (s->memory > memory_mark(s, MEMORY_GROWTH))
		if (!give_up_one(s))
			return; /* who is not stalled yet may be later */
	p->starved = false;
}

/* ------------------------------------------------------------------ the size of rings */

uint32_t pressure_ring_max(const struct tcp_conn *c, const struct ring *ring, uint32_t max)
{
	const struct stack *s = c->stack;
	const size_t limit = s->cfg.connection_memory_limit;
	const size_t others = tcp_conn_memory(c) - ring->cap;

	if (s->pressure.on && max > PRESSURE_RING)
		max = ring->cap > PRESSURE_RING ? ring->cap : PRESSURE_RING;
	while (limit > 0 && max > BUFFER_MIN && others + max > limit)
		max /= 2;
	return max;
}
