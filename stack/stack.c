/* SPDX-License-Identifier: Apache-2.0 */
/* stack.c — the stack as its owner sees it: life, time, packets in and out, events. */
#include "stack/stack.h"

#include <stdlib.h>
#include <string.h>

#include "stack/ip.h"
#include "stack/ip_input.h"
#include "stack/ip_reass.h"
#include "stack/pmtu_cache.h"
#include "stack/siphash.h"
#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_demux.h"
#include "stack/tcp_output.h"
#include "stack/tcp_syncache.h"
#include "stack/tcp_timer.h"
#include "stack/tcp_timewait.h"
#include "stack/trace.h"

#define MTU_MIN 576u /* RFC 791: what every link of a host must take whole or in parts */
#define SECONDS 1000000ull

/* ------------------------------------------------------------------ names */

const char *tcp_state_name(enum tcp_state state)
{
	static const char *const name[] = {
#define X(id, text) text,
		TCP_STATES(X)
#undef X
	};

	return (unsigned)state < TCP_STATE_COUNT ? name[state] : "?";
}

const char *tcp_close_reason_text(enum tcp_close_reason reason)
{
	static const char *const text[] = {
#define X(id, words) words,
		TCP_CLOSE_REASONS(X)
#undef X
	};

	return (unsigned)reason < sizeof text / sizeof text[0] ? text[reason] : "?";
}

/* ------------------------------------------------------------------ life */

void stack_config_default(struct stack_config *cfg)
{
	*cfg = (struct stack_config){
		.mtu = 1500,
		.memory_limit = 256u << 20,
		.max_connections = 65536,
		.max_half_open = 4096,
		.max_time_wait = 65536,
		.send_buffer_max = 8u << 20,
		.recv_buffer_max = 4u << 20,
		.recv_buffer_initial = 64u << 10,
		.time_wait_us = 60 * SECONDS,
		.fin_wait_2_us = 60 * SECONDS,
		.user_timeout_us = 120 * SECONDS,
		.syn_timeout_us = 180 * SECONDS,
		.pacing = true,
		.ecn = STACK_ECN_ANSWER,
		.keepalive_interval_us = 75 * SECONDS,
		.keepalive_probes = 9,
		.syn_cookies = true,
		.fastopen_pending = 256,
	};
}

/* Rounds up to a power of two within what a ring can be; 0 when it cannot. */
static uint32_t ring_size(uint32_t wanted)
{
	uint32_t size = BUFFER_MIN;

	if (wanted == 0 || wanted > BUFFER_MIN << (BUFFER_CLASSES - 1))
		return 0;
	while (size < wanted)
		size *= 2;
	return size;
}

static bool config_valid(struct stack_config *cfg)
{
	cfg->send_buffer_max = ring_size(cfg->send_buffer_max);
	cfg->recv_buffer_max = ring_size(cfg->recv_buffer_max);
	if (cfg->mtu < MTU_MIN || cfg->mtu > TCP_SEGMENT_MAX || !cfg->send_buffer_max ||
	    !cfg->recv_buffer_max || cfg->recv_buffer_initial == 0 ||
	    cfg->addr_count > STACK_MAX_ADDRS || cfg->max_half_open == 0 ||
	    (cfg->tso && !cfg->checksum_offload) || !tcp_option_config_valid(cfg))
		return false;
	for (size_t i = 0; i < cfg->addr_count; i++)
		if (!ip_addr_is_unicast(&cfg->addr[i]) ||
		    (cfg->addr[i].version == 6 && cfg->mtu < IPV6_MTU_MIN))
			return false;
	return true;
}

/* One key per use, all from the one seed. */
static void derive_key(const struct stack_config *cfg, uint8_t purpose, uint8_t key[16])
{
	for (uint8_t half = 0; half < 2; half++) {
		uint8_t in[18];
		memcpy(in, cfg->seed + 16, 16);
		in[16] = purpose;
		in[17] = half;
		const uint64_t out = siphash24(cfg->seed, in, sizeof in);
		memcpy(key + 8 * (size_t)half, &out, 8);
	}
}

struct stack *stack_create(const struct stack_config *cfg)
{
	struct stack *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->cfg = *cfg;
	if (!config_valid(&s->cfg) || !tcp_table_init(s)) {
		free(s);
		return NULL;
	}
	derive_key(cfg, 1, s->table.key);
	derive_key(cfg, 2, s->isn_key);
	derive_key(cfg, 3, s->ts_key);
	derive_key(cfg, 4, s->port_key);
	derive_key(cfg, 'c', s->cookies.key);
	static const uint8_t none[sizeof s->fastopen_key];
	memcpy(s->fastopen_key, cfg->fastopen_key, sizeof s->fastopen_key);
	if (memcmp(cfg->fastopen_key, none, sizeof none) == 0)
		derive_key(cfg, 'f', s->fastopen_key);
	derive_key(cfg, 'm', s->pmtu_key);
	timer_wheel_init(&s->wheel, 0);
	timer_init(&s->pmtu_timer, TCP_TIMER_PMTU);
	list_init(&s->listeners);
	list_init(&s->conns);
	list_init(&s->output);
	list_init(&s->events);
	list_init(&s->starved);
	list_init(&s->replies);
	list_init(&s->syncache);
	for (unsigned i = 0; i < SYNCACHE_BUCKETS; i++)
		list_init(&s->syncache_bucket[i].entries);
	list_init(&s->timewait);
	list_init(&s->reass);
	pressure_init(s);
	s->next_id = 1;
	while ((uint32_t)UINT16_MAX << s->rcv_wscale < s->cfg.recv_buffer_max)
		s->rcv_wscale++;
	return s;
}

void stack_destroy(struct stack *s)
{
	if (!s)
		return;
	while (!list_empty(&s->conns))
		tcp_conn_free(list_entry(s->conns.next, struct tcp_conn, link));
	while (!list_empty(&s->syncache))
		tcp_syncache_free(list_entry(s->syncache.next, struct syncache_entry, link));
	while (!list_empty(&s->timewait))
		tcp_timewait_free(list_entry(s->timewait.next, struct timewait, link));
	while (!list_empty(&s->listeners))
		tcp_unlisten(list_entry(s->listeners.next, struct tcp_listener, link));
	while (!list_empty(&s->reass))
		ip_reass_free(list_entry(s->reass.next, struct ip_reass, link));
	pmtu_cache_free(s);
	reply_free_all(s);
	buffer_free_cache(s);
	tcp_table_free(s);
	free(s);
}

/* ------------------------------------------------------------------ packets */

static void set_time(struct stack *s, uint64_t now_us)
{
	if (now_us > s->now_us)
		s->now_us = now_us;
}

void stack_input(struct stack *s, uint64_t now_us, const uint8_t *pkt, size_t len,
		 struct packet_meta meta)
{
	set_time(s, now_us);
	reply_release_out(s);
	s->last_output = NULL;
	s->counters.ip_in_receives++;
	ip_input(s, pkt, len, meta);
	pressure_reclaim(s);
}

void stack_output_unreadable(struct stack *s)
{
	struct tcp_conn *c = s->last_output;

	s->last_output = NULL;
	if (c && !c->dead)
		tcp_conn_reset(c, TCP_CLOSE_ABORTED,
			       "RST: what was lent to the send queue cannot be read any more");
}

size_t stack_output(struct stack *s, uint64_t now_us, struct packet_out *out)
{
	set_time(s, now_us);
	reply_release_out(s);
	s->last_output = NULL;
	size_t len = reply_output(s, out);
	while (len == 0 && !list_empty(&s->output)) {
		struct tcp_conn *c = list_entry(s->output.next, struct tcp_conn, output_link);
		list_remove(&c->output_link);
		if (!tcp_output_next(c, out))
			continue;
		s->last_output = c;
		/* It may have more: behind the others, one packet each in turn. */
		tcp_conn_wants_output(c);
		len = out->header_len;
		for (size_t i = 0; i < out->payload_count; i++)
			len += out->payload[i].len;
	}
	if (len > 0)
		s->counters.ip_out_requests++;
	return len;
}

/* ------------------------------------------------------------------ time */

uint64_t stack_next_timeout(const struct stack *s)
{
	/* Somebody waits for the memory that has just been given back: stack_next_event tells them. */
	if (s->pressure.due || (s->memory_freed && !list_empty(&s->starved)))
		return s->now_us;
	return timer_wheel_next(&s->wheel);
}

static void fire(struct timer *t)
{
	switch ((enum tcp_timer_kind)t->kind) {
	case TCP_TIMER_XMIT:
		tcp_timer_fired(list_entry(t, struct tcp_conn, xmit_timer), TCP_TIMER_XMIT);
		break;
	case TCP_TIMER_DELACK:
		tcp_timer_fired(list_entry(t, struct tcp_conn, delack_timer), TCP_TIMER_DELACK);
		break;
	case TCP_TIMER_APP:
		tcp_timer_fired(list_entry(t, struct tcp_conn, app_timer), TCP_TIMER_APP);
		break;
	case TCP_TIMER_SYNCACHE:
		tcp_syncache_timer(list_entry(t, struct syncache_entry, timer));
		break;
	case TCP_TIMER_TIMEWAIT:
		tcp_timewait_timer(list_entry(t, struct timewait, timer));
		break;
	case TCP_TIMER_REASS:
		ip_reass_timer(list_entry(t, struct ip_reass, timer));
		break;
	case TCP_TIMER_PACE:
		tcp_pace_fired(list_entry(t, struct tcp_conn, pace.timer));
		break;
	case TCP_TIMER_PMTU:
		pmtu_cache_timer(list_entry(t, struct stack, pmtu_timer));
		break;
	}
}

void stack_advance(struct stack *s, uint64_t now_us)
{
	struct timer *t;

	set_time(s, now_us);
	reply_release_out(s);
	s->last_output = NULL;
	while ((t = timer_wheel_pop(&s->wheel, s->now_us)) != NULL)
		fire(t);
	pressure_reclaim(s);
}

/* ------------------------------------------------------------------ events */

static bool next_accept(struct stack *s, struct stack_event *event)
{
	for (struct list *n = s->listeners.next; n != &s->listeners; n = n->next) {
		struct tcp_listener *l = list_entry(n, struct tcp_listener, link);
		if (!l->event)
			continue;
		l->event = false;
		if (list_empty(&l->queue))
			continue; /* it was reset while it waited */
		*event = (struct stack_event){.type = STACK_EVENT_ACCEPT, .listener = l};
		return true;
	}
	return false;
}

/* Memory that others have given back is room for those who came away empty-handed: all of them are told, since
 * any of them may have lost interest. */
static void wake_starved(struct stack *s)
{
	if (!s->memory_freed)
		return;
	s->memory_freed = false;
	while (!list_empty(&s->starved)) {
		struct tcp_conn *c = list_entry(s->starved.next, struct tcp_conn, starved_link);
		list_remove(&c->starved_link);
		c->want_space = false;
		tcp_conn_event(c, STACK_EVENT_WRITABLE);
	}
}

bool stack_next_event(struct stack *s, struct stack_event *event)
{
	if (next_accept(s, event))
		return true;
	wake_starved(s);
	if (list_empty(&s->events))
		return false;
	struct tcp_conn *c = list_entry(s->events.next, struct tcp_conn, event_link);
	const unsigned type = (unsigned)__builtin_ctz(c->events);
	c->events &= c->events - 1;
	if (c->events == 0)
		list_remove(&c->event_link);
	*event = (struct stack_event){
		.type = (enum stack_event_type)type,
		.conn = c,
		.reason = type == STACK_EVENT_CLOSED ? c->close_reason : TCP_CLOSE_NONE,
	};
	return true;
}

/* ------------------------------------------------------------------ counters */

const struct stack_counters *stack_get_counters(const struct stack *s)
{
	return &s->counters;
}

void stack_get_usage(const struct stack *s, struct stack_usage *usage)
{
	*usage = (struct stack_usage){.connections = s->conn_count,
				      .half_open = s->syncache_count,
				      .time_wait = s->timewait_count,
				      .established = s->established,
				      .orphans = s->orphans,
				      .memory = s->memory,
				      .cached = s->buffers_cached,
				      .pressure = s->pressure.on};
}
