/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_syncookie.c — see tcp_syncookie.h. */
#include "stack/tcp_syncookie.h"

#include <assert.h>

#include "stack/reply.h"
#include "stack/seq.h"
#include "stack/siphash.h"
#include "stack/stack_internal.h"
#include "stack/tcp_demux.h"
#include "stack/tcp_input.h"
#include "stack/tcp_isn.h"
#include "stack/tcp_syncache.h"
#include "stack/trace.h"

#define MSS_BITS 7u
#define PERIOD_BIT 8u
#define MAC_SYN (0x3fffu << 4) /* of the very SYN */
#define MAC_PEER (0x3fffu << 18)

#define TS_BITS 63u /* of TSval */
#define TS_WSCALE 15u
#define TS_NO_WSCALE 15u
#define TS_SACK 16u
#define TS_ECN 32u

/* A cookie of the last two periods, and what TSval may be behind. */
#define ECHO_MS_MAX ((uint32_t)(2 * TCP_SYNCOOKIE_PERIOD_US / 1000) + TS_BITS)

/* What a client asks for is rounded down, for it must not get more. The smallest is the least that we ever use; then
 * what holds without the option, tunnels, PPPoE, Ethernet, jumbo frames; 1,220 of IPv6 is its minimum MTU's. */
static const uint16_t mss_ipv4[] = {TCP_MSS_MIN, TCP_MSS_DEFAULT, 1240, 1360, 1400, 1452, 1460,
				    8960};
static const uint16_t mss_ipv6[] = {
	TCP_MSS_MIN, TCP_MSS_DEFAULT, TCP_MSS_DEFAULT_IPV6, 1340, 1380, 1432, 1440, 8940};

static_assert(sizeof mss_ipv4 / sizeof mss_ipv4[0] == MSS_BITS + 1, "an index has three bits");
static_assert(sizeof mss_ipv6 / sizeof mss_ipv6[0] == MSS_BITS + 1, "an index has three bits");

static const uint16_t *mss_table(uint8_t version)
{
	return version == 4 ? mss_ipv4 : mss_ipv6;
}

static uint32_t mss_index(const struct syncache_entry *e)
{
	const uint16_t *table = mss_table(e->node.tuple.version);
	const uint16_t none = e->node.tuple.version == 4 ? TCP_MSS_DEFAULT : TCP_MSS_DEFAULT_IPV6;
	const uint16_t mss = e->has_mss ? e->mss : none;
	uint32_t i = MSS_BITS;

	while (i > 0 && table[i] > mss)
		i--;
	return i;
}

/* ------------------------------------------------------------------ the options in the timestamp */

static uint32_t option_bits(const struct syncache_entry *e)
{
	return (e->has_wscale ? e->wscale : TS_NO_WSCALE) | (e->sack_permitted ? TS_SACK : 0) |
	       (e->ecn != TCP_ECN_NONE ? TS_ECN : 0);
}

static void take_option_bits(struct syncache_entry *e, uint32_t bits)
{
	e->has_wscale = (bits & TS_WSCALE) != TS_NO_WSCALE;
	e->wscale = e->has_wscale ? bits & TS_WSCALE : 0;
	e->sack_permitted = (bits & TS_SACK) != 0;
	e->ecn = bits & TS_ECN ? TCP_ECN_CLASSIC : TCP_ECN_NONE;
}

/* The latest time that ends in `bits` and is not in the future. */
static uint32_t timestamp_with(uint32_t now, uint32_t bits)
{
	const uint32_t ts = (now & ~TS_BITS) | bits;

	return seq_gt(ts, now) ? ts - (TS_BITS + 1) : ts;
}

/* ------------------------------------------------------------------ the cookie */

static uint64_t period_now(const struct stack *s)
{
	return s->now_us / TCP_SYNCOOKIE_PERIOD_US;
}

static uint32_t cookie(const struct syncache_entry *e, uint64_t period, uint32_t index)
{
	const uint8_t *key = e->stack->cookies.key;
	struct {
		struct tcp_tuple tuple;
		uint64_t period;
		uint32_t irs, options;
	} in = {.tuple = e->node.tuple,
		.period = period,
		.options = index | (uint32_t)e->has_timestamp << 8 |
			   (e->has_timestamp ? option_bits(e) << 16 : 0)};

	static_assert(sizeof in == 56, "hashed as bytes: no padding");
	const uint32_t peer = (uint32_t)siphash24(key, &in, sizeof in);
	in.irs = e->irs;
	in.options |= 1u << 31; /* another function, with 0 for IRS too */
	const uint32_t syn = (uint32_t)siphash24(key, &in, sizeof in);
	return (peer & MAC_PEER) | (syn & MAC_SYN) | (period & 1 ? PERIOD_BIT : 0) | index;
}

void tcp_syncookie_send(struct stack *s, const struct tcp_segment *syn, const char *why)
{
	struct syncache_entry e; /* for as long as it takes to send the answer */

	tcp_syncache_fill(&e, s, syn);
	e.ecn = tcp_ecn_without_memory(e.ecn, syn);
	if (!e.has_timestamp) {
		e.has_wscale = e.sack_permitted = false;
		e.ecn = TCP_ECN_NONE;
	}
	e.iss = cookie(&e, period_now(s), mss_index(&e));
	trace_node(s, STACK_TRACE_PACKET_IN, &e.node, 0, TCP_LISTEN, TCP_LISTEN, syn, why);
	struct tcp_segment seg = tcp_syncache_syn_ack(&e);
	if (e.has_timestamp)
		seg.opt.ts_val = timestamp_with(seg.opt.ts_val, option_bits(&e));
	reply_segment(s, &seg, 0, "SYN-ACK with a cookie; nothing is kept (RFC 4987 3.6)");
	s->cookies.sent = true;
	s->cookies.sent_us = s->now_us;
	s->counters.tcp_syn_cookies_sent++;
}

enum verdict {
	COOKIE_RIGHT,
	COOKIE_WRONG,
	COOKIE_NOT_FIRST, /* right, but other segments went before */
};

/* Makes of the ACK the entry that there would have been. */
static enum verdict restore(struct syncache_entry *e, struct stack *s,
			    const struct tcp_segment *ack)
{
	struct tcp_segment syn = *ack;
	const uint32_t iss = ack->ack - 1, index = iss & MSS_BITS;

	syn.seq = ack->seq - 1;
	tcp_syncache_fill(e, s, &syn);
	e->ecn = TCP_ECN_NONE; /* the flags of an ACK mean something else */
	if (e->has_timestamp) {
		if (tcp_ts_now(s, e->ts_offset) - ack->opt.ts_ecr > ECHO_MS_MAX)
			return COOKIE_WRONG;
		take_option_bits(e, ack->opt.ts_ecr & TS_BITS);
		if (option_bits(e) != (ack->opt.ts_ecr & TS_BITS))
			return COOKIE_WRONG; /* what we never say */
	}
	uint64_t period = period_now(s);
	if ((period & 1) != ((iss & PERIOD_BIT) != 0))
		period--; /* from the one before, or wrong */
	const uint32_t differs = cookie(e, period, index) ^ iss;
	if (differs)
		return differs & ~MAC_SYN ? COOKIE_WRONG : COOKIE_NOT_FIRST;
	e->iss = iss;
	e->has_mss = true;
	e->mss = mss_table(e->node.tuple.version)[index];
	return COOKIE_RIGHT;
}

bool tcp_syncookie_input(struct stack *s, struct tcp_listener *l, struct syncache_entry *entry,
			 const struct tcp_segment *ack)
{
	struct syncache_entry e;

	if (!s->cookies.sent || s->now_us - s->cookies.sent_us >= 2 * TCP_SYNCOOKIE_PERIOD_US ||
	    (ack->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_ACK)
		return false;
	const enum verdict verdict = restore(&e, s, ack);
	if (verdict == COOKIE_WRONG) {
		s->counters.tcp_syn_cookies_failed++;
		return false;
	}
	if (verdict == COOKIE_NOT_FIRST) {
		trace_node(s, STACK_TRACE_DROP, &e.node, 0, TCP_LISTEN, TCP_LISTEN, ack,
			   "answers a SYN cookie, but what went before is missing (RFC 4987 3.6)");
		return true;
	}
	s->counters.tcp_syn_cookies_recv++;
	const char *refused = tcp_syncache_refuses(s, l);
	if (refused) {
		/* Like a lost ACK: the client believes that it is connected and sends again. */
		trace_node(s, STACK_TRACE_DROP, &e.node, 0, TCP_LISTEN, TCP_LISTEN, ack, refused);
		return true;
	}
	if (entry)
		tcp_syncache_free(entry);
	e.id = s->next_id++;
	struct tcp_conn *c = tcp_syncache_open(&e, l);
	if (!c)
		return true;
	c->syn_cookie = true;
	tcp_conn_input(c, ack);
	return true;
}
