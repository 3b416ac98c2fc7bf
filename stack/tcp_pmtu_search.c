/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_pmtu_search.c — see tcp_pmtu.h: black holes, and the search for a larger size. */
#include "stack/ip.h"
#include "stack/pmtu_cache.h"
#include "stack/seq.h"
#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_demux.h"
#include "stack/tcp_pmtu.h"

#define SEARCH_PAUSE_US 1000000u /* after a black hole, and after a probe that was lost      */
#define SEARCH_STOP 32u          /* a search that has come so close is over (RFC 4821 7.3)    */
#define SEARCH_BEHIND 4u         /* segments behind a probe, so that SACK shows its loss      */
#define BASE_PAYLOAD 1024u       /* RFC 4821 7.7, over IPv4                                   */

static uint32_t headers(const struct tcp_conn *c)
{
	return (uint32_t)ip_header_len(c->node.tuple.version) + TCP_HEADER_MIN;
}

/* ------------------------------------------------------------------ black holes */

/* The next size that a path which is silent about too large packets is tried with. */
static uint32_t step_down(const struct tcp_conn *c)
{
	if (c->node.tuple.version == 6)
		return IPV6_MTU_MIN;
	return c->pmtu.mtu > BASE_PAYLOAD + headers(c) ? BASE_PAYLOAD + headers(c)
						       : TCP_MSS_DEFAULT + headers(c);
}

void tcp_pmtu_blackhole_timeout(struct tcp_conn *c)
{
	struct tcp_pmtu *p = &c->pmtu;
	const uint32_t sent = c->snd_max - c->snd_una;
	const uint32_t outstanding = sent < c->snd.len ? sent : c->snd.len;
	const uint32_t size = step_down(c);
	const unsigned tries = c->backoff % 6u + 1;

	/* Each size is tried twice; and all over again, as it may have been a loss of another kind each time. */
	if (tries == 1)
		p->passing = c->board.sacked >= c->snd_mss;
	if (tries % 2 == 1)
		return;
	/* Segments as large have arrived behind it: it is loss, unless it goes on. */
	if (p->passing) {
		p->passing = false;
		return;
	}
	if (tries < 6 && size < p->mtu && outstanding > size - headers(c)) {
		if (p->shrunk++ == 0)
			p->before = p->mtu;
		tcp_pmtu_set(c, size);
	} else if (p->shrunk > 0) {
		p->shrunk = 0;
		tcp_pmtu_set(c, p->before);
		p->before = 0;
		c->stack->counters.tcp_pmtud_blackhole_failed++;
	}
}

void tcp_pmtu_blackhole_acked(struct tcp_conn *c)
{
	struct tcp_pmtu *p = &c->pmtu;
	const struct ip_addr remote = tcp_tuple_remote(&c->node.tuple).addr;

	if (p->shrunk == 0) {
		p->before = 0;
		return;
	}
	p->shrunk = 0;
	p->blackhole = true;
	p->high = 0;
	p->search_us = c->stack->now_us + SEARCH_PAUSE_US;
	c->stack->counters.tcp_pmtud_blackhole++;
	/* When larger packets did get through it may have been an outage: others need not suffer for that. */
	if (p->acked_size <= p->mtu)
		pmtu_cache_put(c->stack, &remote, p->mtu, true);
	else
		p->acked_size = p->mtu;
}

void tcp_pmtu_undo(struct tcp_conn *c)
{
	struct tcp_pmtu *p = &c->pmtu;
	const struct ip_addr remote = tcp_tuple_remote(&c->node.tuple).addr;

	if (p->before == 0)
		return;
	tcp_pmtu_set(c, p->before);
	p->before = 0;
	p->shrunk = 0;
	p->blackhole = false;
	pmtu_cache_forget(c->stack, &remote);
	c->stack->counters.tcp_pmtud_blackhole_failed++;
}

/* ------------------------------------------------------------------ the search upwards, RFC 4821 7 */

static uint32_t candidate(const struct tcp_pmtu *p)
{
	if (p->high == 0)
		return p->max;
	return p->high_first ? p->high : p->mtu + (p->high - p->mtu + 1) / 2;
}

/* Is there something left to try? Otherwise the next search begins in ten minutes. */
static void go_on(struct tcp_conn *c, uint64_t pause_us)
{
	struct tcp_pmtu *p = &c->pmtu;
	const uint32_t least = p->high_first ? 1 : SEARCH_STOP;

	if (p->high >= p->mtu + least) {
		p->search_us = c->stack->now_us + pause_us;
		return;
	}
	p->high = 0;
	p->search_us = c->stack->now_us + PMTU_CACHE_US;
}

uint32_t tcp_pmtu_probe_len(const struct tcp_conn *c)
{
	const struct tcp_pmtu *p = &c->pmtu;
	const uint32_t behind = SEARCH_BEHIND * c->snd_mss;

	if (p->mtu == p->max || p->probe_size || c->stack->now_us < p->search_us)
		return 0;
	/* RFC 4821 7.4, 7.5: only while all is well, so that a loss can be told from others. */
	if (!tcp_uses_sack(c) || tcp_syn_outstanding(c) || c->in_recovery || c->backoff > 0 ||
	    c->board.lost > 0 || c->board.sacked > 0 || c->snd_nxt != c->snd_max ||
	    seq_lt(c->snd_una, c->recover))
		return 0;
	const uint32_t len = c->snd_mss + candidate(p) - p->mtu;
	const uint32_t unsent = tcp_snd_data_una(c) + c->snd.len - c->snd_nxt;
	return unsent >= len + behind && c->snd_wnd >= len + behind && c->cc.cwnd >= len + behind
		       ? len
		       : 0;
}

void tcp_pmtu_probe_sent(struct tcp_conn *c, uint32_t start, uint32_t end, uint32_t size)
{
	struct tcp_pmtu *p = &c->pmtu;

	p->probe_size = size;
	p->probe_start = start;
	p->probe_end = end;
	p->probe_lost = false;
}

void tcp_pmtu_probe_acked(struct tcp_conn *c)
{
	struct tcp_pmtu *p = &c->pmtu;
	const struct ip_addr remote = tcp_tuple_remote(&c->node.tuple).addr;

	if (seq_lt(c->snd_una, p->probe_end))
		return;
	p->probe_lost = false;
	if (p->probe_size == 0)
		return;
	if (p->high == 0)
		p->high = p->max;
	tcp_pmtu_set(c, p->probe_size);
	p->acked_size = p->probe_size;
	p->probe_size = 0;
	p->probes_ok++;
	c->stack->counters.tcp_mtup_success++;
	if (p->mtu == p->max) {
		p->blackhole = false;
		pmtu_cache_forget(c->stack, &remote);
	} else if (pmtu_cache_find(c->stack, &remote)) {
		pmtu_cache_put(c->stack, &remote, p->mtu, p->blackhole);
	}
	go_on(c, 0);
}

void tcp_pmtu_probe_failed(struct tcp_conn *c, uint32_t high, bool high_first)
{
	struct tcp_pmtu *p = &c->pmtu;
	const struct ip_addr remote = tcp_tuple_remote(&c->node.tuple).addr;

	p->high = high;
	p->high_first = high_first;
	p->probe_size = 0;
	p->probe_lost = true;
	p->probes_failed++;
	c->stack->counters.tcp_mtup_fail++;
	/* Now it is certain: what is larger vanishes, and all else arrives. */
	if (p->blackhole)
		pmtu_cache_put(c->stack, &remote, p->mtu, true);
	go_on(c, SEARCH_PAUSE_US);
}

bool tcp_pmtu_probe_excuses(struct tcp_conn *c)
{
	struct tcp_pmtu *p = &c->pmtu;
	const struct seq_range probe = {p->probe_start, p->probe_end};

	if (p->probe_size == 0 && !p->probe_lost)
		return false;
	if (!tcp_scoreboard_lost_within(c, probe)) {
		/* Other segments got lost too: that is congestion, and says nothing about sizes (RFC 4821 7.6.3). */
		p->probe_size = 0;
		p->probe_lost = false;
		p->search_us = c->stack->now_us + SEARCH_PAUSE_US;
		return false;
	}
	if (p->probe_size)
		tcp_pmtu_probe_failed(c, p->probe_size - 1, false);
	return true;
}
