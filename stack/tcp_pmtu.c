/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_pmtu.c — see tcp_pmtu.h: the size to start with, and what routers say. tcp_pmtu_search.c has the rest. */
#include "stack/tcp_pmtu.h"

#include "stack/ip.h"
#include "stack/pmtu_cache.h"
#include "stack/seq.h"
#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_demux.h"
#include "stack/tcp_recovery.h"
#include "stack/tcp_timer.h"

#define IPV4_MTU_LEAST 68u /* RFC 791 3.2: every link carries this */

static uint32_t headers(const struct tcp_conn *c)
{
	return (uint32_t)ip_header_len(c->node.tuple.version) + TCP_HEADER_MIN;
}

static uint32_t floor_mtu(const struct tcp_conn *c)
{
	return c->node.tuple.version == 4 ? TCP_PMTU_MIN_V4 : IPV6_MTU_MIN;
}

static void remember(struct tcp_conn *c)
{
	const struct ip_addr remote = tcp_tuple_remote(&c->node.tuple).addr;

	pmtu_cache_put(c->stack, &remote, c->pmtu.mtu, false);
}

/* ------------------------------------------------------------------ the size */

/* In bytes the window stays, but for what an initial window has contributed, which was counted in segments that
 * were too large (RFC 3390 2). */
static void resize_window(const struct tcp_conn *c, struct tcp_cc *cc)
{
	const uint64_t earned = tcp_cc_initial_window(c->snd_mss) + c->bytes_out;

	cc->mss = c->snd_mss;
	if (cc->cwnd > earned)
		cc->cwnd = (uint32_t)earned;
	if (cc->cwnd < cc->mss)
		cc->cwnd = cc->mss;
}

void tcp_pmtu_set(struct tcp_conn *c, uint32_t mtu)
{
	struct tcp_pmtu *p = &c->pmtu;

	p->mtu = mtu;
	p->timed_size = 0;
	/* RFC 9293 3.7.1: Eff.snd.MSS = min(SendMSS, MMS_S) - TCP options */
	c->snd_mss = (uint16_t)(mtu - headers(c) - (c->ts_ok ? TCP_TIMESTAMP_LEN : 0));
	resize_window(c, &c->cc);
	resize_window(c, &c->undo.cc);
}

uint16_t tcp_pmtu_start(struct tcp_conn *c)
{
	const struct stack *s = c->stack;
	const struct ip_addr remote = tcp_tuple_remote(&c->node.tuple).addr;
	const struct pmtu_entry *known = pmtu_cache_find(s, &remote);
	const uint32_t peer = c->peer_mss + headers(c);
	const uint32_t max = peer < s->cfg.mtu ? peer : s->cfg.mtu;

	c->pmtu = (struct tcp_pmtu){.mtu = max, .max = max};
	if (known && known->mtu < max) {
		c->pmtu.mtu = known->mtu;
		c->pmtu.blackhole = known->silent;
		c->pmtu.search_us = known->silent ? s->now_us : known->until_us;
	}
	return (uint16_t)(c->pmtu.mtu - headers(c));
}

/* ------------------------------------------------------------------ what is acknowledged */

void tcp_pmtu_sent(struct tcp_conn *c, uint32_t seq, uint32_t piece, uint32_t size)
{
	struct tcp_pmtu *p = &c->pmtu;

	if (p->timed_size || size <= p->acked_size)
		return;
	p->timed_size = size;
	p->timed_end = seq + piece;
}

void tcp_pmtu_acked(struct tcp_conn *c)
{
	struct tcp_pmtu *p = &c->pmtu;

	p->steps = 0;
	c->unreachable = false;
	if (p->timed_size && seq_geq(c->snd_una, p->timed_end)) {
		p->acked_size = p->timed_size;
		p->timed_size = 0;
	}
	if (p->pending_mtu && seq_gt(c->snd_una, p->pending_seq)) {
		/* It has arrived: not a word was true, or the path is better again. */
		p->pending_mtu = 0;
		c->stack->counters.tcp_pmtu_disproved++;
	}
	tcp_pmtu_blackhole_acked(c);
	tcp_pmtu_probe_acked(c);
}

/* ------------------------------------------------------------------ what routers say */

/* RFC 1191 7.1, table 7-1, for routers that do not say what the next link takes: the next smaller MTU
 * that links have. */
static uint32_t plateau_below(uint32_t size)
{
	static const uint16_t plateau[] = {65535, 32000, 17914, 8166, 4352, 2002,
					   1492,  1006,  508,   296,  68};
	unsigned i = 0;

	while (plateau[i] >= size && plateau[i] != IPV4_MTU_LEAST)
		i++;
	return plateau[i];
}

/* The size that the message asks for, 0 when no router can mean it. */
static uint32_t asked_for(const struct tcp_conn *c, uint32_t mtu, uint32_t len)
{
	if (c->node.tuple.version == 6)
		return mtu < IPV6_MTU_MIN ? 0 : mtu; /* RFC 8201 4: discard it */
	if (mtu == 0) /* RFC 1191 5; some old routers quote a wrong length, which is larger */
		mtu = plateau_below(len < c->pmtu.mtu ? len : c->pmtu.mtu);
	else if (mtu < IPV4_MTU_LEAST)
		return 0;
	return mtu < floor_mtu(c) ? floor_mtu(c) : mtu;
}

/* Smaller packets from now on, and those in flight again. */
static void lower(struct tcp_conn *c, uint32_t mtu, bool timed_out)
{
	struct tcp_pmtu *p = &c->pmtu;

	p->acked_size = 0;
	p->pending_mtu = 0;
	p->shrunk = 0;
	p->before = 0;
	p->blackhole = false;
	p->probe_size = 0;
	p->high = 0;
	p->search_us = c->stack->now_us + PMTU_CACHE_US;
	tcp_pmtu_set(c, mtu);
	tcp_recovery_too_large(c, timed_out);
	remember(c);
	c->stack->counters.tcp_pmtu_reductions++;
	if (!timed_out && tcp_rto_runs(c))
		tcp_timer_set_xmit(c, TCP_XMIT_RETRANSMIT);
	tcp_conn_wants_output(c);
}

/* A message about a probe only says that this was too much. */
static bool about_probe(struct tcp_conn *c, uint32_t seq, uint32_t mtu)
{
	struct tcp_pmtu *p = &c->pmtu;

	if (!p->probe_size || mtu < p->mtu || mtu >= p->probe_size ||
	    !seq_in_window(seq, p->probe_start, p->probe_end - p->probe_start))
		return false;
	tcp_pmtu_probe_failed(c, mtu, true);
	tcp_scoreboard_lost(c, (struct seq_range){p->probe_start, p->probe_end}, 0);
	tcp_conn_wants_output(c);
	return true;
}

const char *tcp_pmtu_too_big(struct tcp_conn *c, uint32_t seq, uint32_t mtu, uint32_t len)
{
	struct tcp_pmtu *p = &c->pmtu;

	if (tcp_syn_outstanding(c) && seq == c->iss) /* Fast Open may have sent more */
		return "packet too big: no SYN is that large";
	mtu = asked_for(c, mtu, len);
	if (tcp_scoreboard_is_sacked(c, seq))
		return "packet too big: it has arrived (RFC 5927 7.2)";
	if (mtu == 0)
		return "packet too big: no link has such an MTU (RFC 791 3.2, RFC 8201 4)";
	if (about_probe(c, seq, mtu))
		return "packet too big: the probe was (RFC 4821 7.6.2)";
	if (mtu >= p->mtu)
		return "packet too big: but not larger than this (RFC 8201 4)";
	/* What was sent before the last message is larger than today's packets. */
	const bool stale = p->steps > 0 && (len > p->mtu || p->steps >= TCP_PMTU_STEPS_MAX);
	if (mtu < p->acked_size || stale) {
		p->pending_mtu = mtu;
		p->pending_seq = seq;
		return "packet too big: believed when the timer agrees (RFC 5927 7.2)";
	}
	p->steps++;
	lower(c, mtu, false);
	return "packet too big: what is in flight again, in smaller pieces (RFC 1191 6.5)";
}

/* What others have learnt of the path meanwhile: a router may have told but one of many connections. */
static uint32_t learnt_by_others(const struct tcp_conn *c)
{
	const struct ip_addr remote = tcp_tuple_remote(&c->node.tuple).addr;
	const struct pmtu_entry *known = pmtu_cache_find(c->stack, &remote);

	return known && !known->silent ? known->mtu : 0;
}

bool tcp_pmtu_timeout(struct tcp_conn *c)
{
	struct tcp_pmtu *p = &c->pmtu;

	if (p->pending_mtu && tcp_scoreboard_is_sacked(c, p->pending_seq)) {
		p->pending_mtu = 0;
		c->stack->counters.tcp_pmtu_disproved++;
	}
	const uint32_t mtu = p->pending_mtu ? p->pending_mtu : learnt_by_others(c);

	if (p->probe_size)
		tcp_pmtu_probe_failed(c, p->probe_size - 1, false);
	if (mtu != 0 && mtu < p->mtu && c->snd.len > mtu - headers(c)) {
		lower(c, mtu, true);
		return true;
	}
	p->pending_mtu = 0;
	p->timed_size = 0;
	tcp_pmtu_blackhole_timeout(c);
	return false;
}

const char *tcp_pmtu_check(const struct tcp_conn *c)
{
	const struct tcp_pmtu *p = &c->pmtu;

	if (p->mtu == 0) /* the handshake is not over */
		return NULL;
	if (p->mtu > p->max || p->max > c->stack->cfg.mtu)
		return "packets may be larger than the link takes";
	if (c->snd_mss + (c->ts_ok ? TCP_TIMESTAMP_LEN : 0u) + headers(c) != p->mtu)
		return "the path MTU and the size of a segment do not agree";
	if (c->cc.mss != c->snd_mss)
		return "congestion control counts in segments of another size";
	if (p->probe_size && (p->probe_size > p->max || seq_geq(c->snd_una, p->probe_end)))
		return "a path MTU probe that cannot be in flight";
	return NULL;
}
