/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_fastopen.c — see tcp_fastopen.h. */
#include "stack/tcp_fastopen.h"

#include <assert.h>
#include <string.h>

#include "stack/siphash.h"
#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_isn.h"
#include "stack/tcp_output.h"
#include "stack/tcp_reass.h"
#include "stack/tcp_syncache.h"
#include "stack/trace.h"

#define COOKIE_LEN 8
#define MINUTE_US 60000000u

/* ------------------------------------------------------------------ cookies */

static uint64_t today(const struct stack *s)
{
	return s->now_us / TCP_FASTOPEN_KEY_US;
}

static uint64_t cookie_of(const struct stack *s, const struct ip_addr *client, uint64_t day)
{
	struct {
		uint64_t day;
		uint8_t addr[16], version, zero[7];
	} in = {.day = day, .version = client->version};

	static_assert(sizeof in == 32, "hashed as bytes: no padding");
	memcpy(in.addr, client->bytes, client->version == 4 ? 4 : 16);
	return siphash24(s->fastopen_key, &in, sizeof in);
}

static bool cookie_is_of(const struct stack *s, const struct tcp_segment *syn, uint64_t day)
{
	uint64_t cookie;

	if (syn->opt.fastopen_len != COOKIE_LEN)
		return false;
	memcpy(&cookie, syn->opt.fastopen, COOKIE_LEN);
	return cookie == cookie_of(s, &syn->src, day);
}

void tcp_fastopen_put_cookie(const struct stack *s, struct tcp_segment *syn_ack)
{
	const uint64_t cookie = cookie_of(s, &syn_ack->dst, today(s));

	syn_ack->opt.has_fastopen = true;
	syn_ack->opt.fastopen_len = COOKIE_LEN;
	memcpy(syn_ack->opt.fastopen, &cookie, COOKIE_LEN);
}

bool tcp_fastopen_wants_cookie(const struct stack *s, const struct tcp_segment *syn)
{
	return s->cfg.fastopen && syn->opt.has_fastopen && !cookie_is_of(s, syn, today(s));
}

/* ------------------------------------------------------------------ how many may be under way */

/* Resets of this minute and of the last count as if their connections were there still. */
static void turn_minute(struct tcp_fastopen_queue *q, uint64_t now_us)
{
	const uint64_t minute = now_us / MINUTE_US;

	if (minute == q->minute)
		return;
	q->resets[1] = minute == q->minute + 1 ? q->resets[0] : 0;
	q->resets[0] = 0;
	q->minute = minute;
}

static bool too_many(struct stack *s, struct tcp_fastopen_queue *q)
{
	turn_minute(q, s->now_us);
	return q->count + q->resets[0] + q->resets[1] >= s->cfg.fastopen_pending;
}

static void leave(struct tcp_conn *c)
{
	list_remove(&c->fastopen.link);
	c->fastopen.listener->fastopen.count--;
	c->fastopen.listener = NULL;
}

void tcp_fastopen_established(struct tcp_conn *c)
{
	if (c->fastopen.listener)
		leave(c);
	/* What was read before could not be told then. */
	if (c->fastopen.opened)
		tcp_output_window_update(c);
}

void tcp_fastopen_ended(struct tcp_conn *c, bool reset_by_peer)
{
	struct tcp_listener *l = c->fastopen.listener;

	if (!l)
		return;
	if (reset_by_peer) {
		turn_minute(&l->fastopen, c->stack->now_us);
		l->fastopen.resets[0]++;
	}
	leave(c);
}

void tcp_fastopen_listen(struct tcp_listener *l)
{
	list_init(&l->fastopen.pending);
}

/* Those that were accepted live on, and nobody counts them. */
void tcp_fastopen_unlisten(struct tcp_listener *l)
{
	while (!list_empty(&l->fastopen.pending))
		leave(list_entry(l->fastopen.pending.next, struct tcp_conn, fastopen.link));
}

/* ------------------------------------------------------------------ the SYN */

/* RFC 7413 4.2.2, step 4: buffer the data and notify the application. */
static void take_data(struct tcp_conn *c, const struct tcp_segment *syn)
{
	const uint32_t window = c->rcv_adv - c->rcv_nxt;
	const uint32_t len = syn->len < window ? syn->len : window;
	const uint32_t taken = tcp_reass_insert(c, c->rcv_nxt, syn->payload, len);

	if (taken == 0)
		return;
	c->bytes_in += taken;
	c->stack->counters.tcp_in_bytes += taken;
	tcp_conn_event(c, STACK_EVENT_READABLE);
}

static struct tcp_conn *open_connection(struct stack *s, struct tcp_listener *l,
					const struct tcp_segment *syn)
{
	struct syncache_entry e; /* for as long as it takes */

	tcp_syncache_fill(&e, s, syn);
	e.id = s->next_id;
	e.iss = tcp_isn(s, &e.node.tuple);
	struct tcp_conn *c = tcp_syncache_open(&e, l);
	if (!c)
		return NULL;
	s->next_id++;
	c->snd_nxt = c->snd_max = c->iss; /* the SYN-ACK is still to come */
	tcp_metrics_received(c, syn);
	c->fastopen.opened = true;
	c->fastopen.fresh = !cookie_is_of(s, syn, today(s));
	c->fastopen.listener = l;
	list_append(&l->fastopen.pending, &c->fastopen.link);
	l->fastopen.count++;
	return c;
}

bool tcp_fastopen_open(struct stack *s, struct tcp_listener *l, const struct tcp_segment *syn)
{
	struct stack_counters *n = &s->counters;

	if (!s->cfg.fastopen || !syn->opt.has_fastopen)
		return false;
	if (syn->opt.fastopen_len == 0) {
		n->tcp_fast_open_cookie_reqd++;
		return false;
	}
	/* On the first day there is none before: no number of a day is that large. */
	if (!cookie_is_of(s, syn, today(s)) && !cookie_is_of(s, syn, today(s) - 1)) {
		n->tcp_fast_open_passive_fail++;
		return false;
	}
	if (too_many(s, &l->fastopen)) {
		n->tcp_fast_open_listen_overflow++;
		return false;
	}
	struct tcp_conn *c = tcp_syncache_refuses(s, l) ? NULL : open_connection(s, l, syn);
	if (!c) {
		n->tcp_fast_open_passive_fail++;
		return false;
	}
	n->tcp_fast_open_passive++;
	take_data(c, syn);
	trace_segment_in(c, syn, TCP_LISTEN,
			 "SYN with a valid cookie: a connection at once (RFC 7413 4.2.2)");
	tcp_conn_wants_output(c);
	return true;
}

/* ------------------------------------------------------------------ SYN-RECEIVED */

bool tcp_fastopen_syn_again(struct tcp_conn *c, const struct tcp_segment *seg)
{
	if (!c->fastopen.opened || seg->seq != c->irs ||
	    (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
		return false;
	c->fastopen.repeat = true;
	tcp_conn_wants_output(c);
	return true;
}

bool tcp_fastopen_may_send(const struct tcp_conn *c)
{
	return c->fastopen.opened && c->state == TCP_SYN_RECEIVED && c->backoff == 0;
}

void tcp_fastopen_timeout(struct tcp_conn *c)
{
	if (!c->fastopen.opened)
		return;
	tcp_scoreboard_reset(c);
	c->recover = c->snd_max;
	c->cc.cwnd = c->cc.mss; /* RFC 5681 3.1: the SYN-ACK, or what followed it, is lost */
}

bool tcp_fastopen_gives_up(const struct tcp_conn *c)
{
	return c->fastopen.opened && c->state == TCP_SYN_RECEIVED &&
	       c->backoff >= TCP_SYNACK_RETRIES;
}
