/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_ecn.c — see tcp_ecn.h. */
#include "stack/tcp_ecn.h"

#include "stack/ip.h"
#include "stack/seq.h"
#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"

#define ECE_CWR (TCP_ECE | TCP_CWR)

/* ------------------------------------------------------------------ the handshake */

bool tcp_ecn_granted(const struct stack *s, const struct tcp_segment *syn)
{
	return s->cfg.ecn != STACK_ECN_OFF && (syn->flags & ECE_CWR) == ECE_CWR;
}

static void agreed(struct tcp_conn *c, bool ect)
{
	c->ecn.on = true;
	c->ecn.ect = ect;
	c->stack->counters.tcp_ecn_negotiated++;
}

void tcp_ecn_accepted(struct tcp_conn *c, bool granted, bool ect)
{
	if (granted)
		agreed(c, ect);
}

uint8_t tcp_ecn_syn_flags(struct tcp_conn *c)
{
	struct tcp_ecn *e = &c->ecn;

	if (c->state == TCP_SYN_RECEIVED)
		return e->on ? TCP_ECE : 0;
	if (c->stack->cfg.ecn != STACK_ECN_ASK)
		return 0;
	if (c->backoff < TCP_ECN_HANDSHAKE_TRIES) {
		e->asked = true;
		return ECE_CWR;
	}
	if (!e->plain)
		c->stack->counters.tcp_ecn_syn_fallbacks++;
	e->plain = true;
	return 0;
}

void tcp_ecn_peer_syn(struct tcp_conn *c, const struct tcp_segment *seg)
{
	struct tcp_ecn *e = &c->ecn;
	/* ECE alone in a SYN-ACK. Both flags there are our own, reflected by a host that knows neither
	 * (RFC 3168 6.1.1); in a SYN that crosses ours both of them ask. */
	const uint8_t yes = seg->flags & TCP_ACK ? TCP_ECE : ECE_CWR;

	if (!e->asked || (seg->flags & ECE_CWR) != yes)
		e->asked = e->on = e->ect = false; /* one refusal is enough */
	else if (!e->on)
		agreed(c, !e->plain);
}

/* ------------------------------------------------------------------ the receiver */

bool tcp_ecn_data(struct tcp_conn *c, const struct tcp_segment *seg)
{
	struct tcp_ecn *e = &c->ecn;
	const bool cwr = (seg->flags & TCP_CWR) != 0;

	if (!e->on)
		return false;
	e->seen |= seg->ecn != IP_ECN_NOT_ECT;
	if (cwr)
		e->echo = false;
	if (seg->ecn != IP_ECN_CE)
		return cwr; /* its window may be down at one segment: it should not wait for us */
	const bool first = !e->echo;
	e->echo = true;
	e->ce_in++;
	c->stack->counters.tcp_ecn_ce_in++;
	return first;
}

/* ------------------------------------------------------------------ the sender */

static void note_reduced(struct tcp_conn *c)
{
	c->ecn.cwr = true;
	c->ecn.reduced = true;
	c->ecn.until = c->snd_max;
}

void tcp_ecn_reduced(struct tcp_conn *c)
{
	if (c->ecn.on)
		note_reduced(c);
}

/* Without ECT routers drop what they would have marked: no worse than any other connection. */
static void give_up_ect(struct tcp_conn *c)
{
	c->ecn.ect = false;
	c->ecn.hold = false;
	c->stack->counters.tcp_ecn_given_up++;
}

/* The window falls as the algorithm says, but for a mark ssthresh's floor of two segments is not the window's: RFC
 * 3168 6.1.2 goes down to one, and from there to one for each time-out. */
static void reduce(struct tcp_conn *c, uint32_t flight)
{
	struct tcp_ecn *e = &c->ecn;
	struct tcp_cc *cc = &c->cc;
	const uint32_t before = cc->cwnd;
	const uint32_t half = before / 2 > cc->mss ? before / 2 : cc->mss;

	cc->ssthresh = (c->cc_ops->ecn ? c->cc_ops->ecn : c->cc_ops->loss)(
		cc, flight < before ? flight : before, c->stack->now_us);
	cc->cwnd = cc->ssthresh < before ? cc->ssthresh : half;
	e->hold = before <= cc->mss;
	note_reduced(c);
	e->marked = true;
	e->reductions++;
	c->stack->counters.tcp_ecn_reductions++;
	if (e->reductions >= TCP_ECN_MANGLED_AFTER && !e->clean)
		give_up_ect(c);
}

void tcp_ecn_ack(struct tcp_conn *c, const struct tcp_segment *seg, const struct tcp_delivery *d,
		 bool duplicate)
{
	struct tcp_ecn *e = &c->ecn;
	const uint32_t delivered = d->bytes ? d->bytes : d->acked;
	const uint32_t flight = c->snd_nxt - c->snd_una + d->acked;

	e->ece_now = false;
	/* Beyond, not at `until`: what follows it carries CWR, and before that the peer goes on with ECE. */
	if (seq_gt(c->snd_una, e->until))
		e->reduced = e->marked = false;
	if (!e->ect || (seg->flags & TCP_SYN) || seq_lt(seg->ack, c->snd_una))
		return;
	if (!e->resent && (delivered > 0 || duplicate))
		e->proven = true;
	if (!(seg->flags & TCP_ECE)) {
		e->clean |= d->acked > 0;
		return;
	}
	e->ece_now = true;
	e->delivered_ce += (delivered + c->cc.mss - 1) / c->cc.mss;
	c->stack->counters.tcp_ecn_ece_in++;
	/* A loss that was none did not make this mark: the window stays where it is. */
	c->undo.armed = false;
	if (!e->reduced && !c->in_recovery && flight > 0)
		reduce(c, flight);
}

void tcp_ecn_timeout(struct tcp_conn *c)
{
	struct tcp_ecn *e = &c->ecn;

	if (!e->on)
		return;
	note_reduced(c);
	e->hold = false;
	if (e->ect && !e->proven)
		give_up_ect(c);
}

bool tcp_ecn_owes_cwr(const struct tcp_conn *c)
{
	return c->ecn.cwr && c->snd_nxt == c->snd_max;
}

uint8_t tcp_ecn_flags(struct tcp_conn *c, uint8_t flags, bool fresh)
{
	struct tcp_ecn *e = &c->ecn;
	uint8_t add = 0;

	if (!e->on || (flags & TCP_SYN))
		return 0;
	if (e->echo && (flags & TCP_ACK))
		add |= TCP_ECE;
	if (e->cwr && fresh) {
		add |= TCP_CWR;
		e->cwr = false;
	}
	return add;
}

void tcp_ecn_resent(struct tcp_conn *c)
{
	c->ecn.resent = true;
}
