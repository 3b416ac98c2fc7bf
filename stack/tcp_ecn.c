/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_ecn.c — see tcp_ecn.h. */
#include "stack/tcp_ecn.h"

#include "stack/ip.h"
#include "stack/seq.h"
#include "stack/stack_internal.h"
#include "stack/tcp_accecn.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_rtt.h"

/* ------------------------------------------------------------------ the handshake */

enum tcp_ecn_mode tcp_ecn_granted(const struct stack *s, const struct tcp_segment *syn)
{
	const uint8_t ace = tcp_segment_ace(syn);

	if (s->cfg.ecn == STACK_ECN_OFF || ace == 0)
		return TCP_ECN_NONE;
	/* RFC 9768 3.1.3: combinations that mean nothing yet are to be taken for AccECN. */
	return ace == TCP_ACE_CLASSIC_SYN ? TCP_ECN_CLASSIC : TCP_ECN_ACCURATE;
}

enum tcp_ecn_mode tcp_ecn_without_memory(enum tcp_ecn_mode granted, const struct tcp_segment *syn)
{
	if (granted != TCP_ECN_ACCURATE)
		return granted;
	return tcp_segment_ace(syn) == TCP_ACE_ACCURATE_SYN ? TCP_ECN_CLASSIC : TCP_ECN_NONE;
}

uint8_t tcp_ecn_syn_ack(enum tcp_ecn_mode granted, uint8_t syn_ecn)
{
	if (granted == TCP_ECN_ACCURATE)
		return tcp_accecn_reflect(syn_ecn);
	return granted == TCP_ECN_CLASSIC ? TCP_ACE_ECE : 0;
}

/* What a SYN-ACK grants of what was asked for: RFC 9768 table 2. All three flags, or both of RFC 3168, are our own,
 * reflected by a host that knows none of them; AE and ECE were the answer of RFC 3540. */
static enum tcp_ecn_mode granted_by(uint8_t asked, uint8_t ace)
{
	if (asked == TCP_ECN_NONE)
		return TCP_ECN_NONE;
	if ((ace & TCP_ACE_CLASSIC_SYN) == TCP_ACE_ECE)
		return TCP_ECN_CLASSIC;
	return asked == TCP_ECN_ACCURATE && ace != 0 && ace != TCP_ACE_ACCURATE_SYN
		       ? TCP_ECN_ACCURATE
		       : TCP_ECN_NONE;
}

static void agreed(struct tcp_conn *c, enum tcp_ecn_mode mode, bool ect)
{
	c->ecn.mode = (uint8_t)mode;
	c->ecn.ect = ect;
	c->stack->counters.tcp_ecn_negotiated++;
	if (mode == TCP_ECN_ACCURATE) {
		c->stack->counters.tcp_ecn_accurate++;
		tcp_accecn_begin(&c->ecn, c->ecn.ace_handshake && c->ecn.syn_ecn == IP_ECN_CE);
	}
}

void tcp_ecn_accepted(struct tcp_conn *c, enum tcp_ecn_mode granted, bool ect)
{
	if (granted != TCP_ECN_NONE)
		agreed(c, granted, ect);
}

uint8_t tcp_ecn_syn(struct tcp_conn *c)
{
	struct tcp_ecn *e = &c->ecn;
	const enum stack_ecn ecn = c->stack->cfg.ecn;

	if (c->state == TCP_SYN_RECEIVED) {
		if (c->backoff >= TCP_ECN_HANDSHAKE_TRIES)
			e->ect = false; /* what is on its way as ECT already does no harm */
		return c->backoff < TCP_ECN_HANDSHAKE_TRIES ? tcp_ecn_syn_ack(e->mode, e->syn_ecn)
							    : 0;
	}
	if (ecn != STACK_ECN_ASK && ecn != STACK_ECN_ASK_ACCURATE)
		return 0;
	if (c->backoff < TCP_ECN_HANDSHAKE_TRIES) {
		e->asked = ecn == STACK_ECN_ASK ? TCP_ECN_CLASSIC : TCP_ECN_ACCURATE;
		return ecn == STACK_ECN_ASK ? TCP_ACE_CLASSIC_SYN : TCP_ACE_ACCURATE_SYN;
	}
	if (!e->plain)
		c->stack->counters.tcp_ecn_syn_fallbacks++;
	e->plain = true;
	return 0;
}

void tcp_ecn_syn_again(struct tcp_conn *c, const struct tcp_segment *syn)
{
	if (tcp_ecn_granted(c->stack, syn) == c->ecn.mode)
		return;
	c->ecn.mode = TCP_ECN_NONE;
	c->ecn.ect = false;
}

void tcp_ecn_peer_syn(struct tcp_conn *c, const struct tcp_segment *seg)
{
	struct tcp_ecn *e = &c->ecn;
	const uint8_t ace = tcp_segment_ace(seg);
	const bool ack = (seg->flags & TCP_ACK) != 0;
	enum tcp_ecn_mode mode = granted_by(e->asked, ace);

	if (!ack) { /* it crosses ours, and asks as we do */
		mode = tcp_ecn_granted(c->stack, seg);
		mode = mode <= e->asked ? mode : (enum tcp_ecn_mode)e->asked;
	}
	if (mode == TCP_ECN_NONE || (e->mode != TCP_ECN_NONE && e->mode != mode)) {
		e->asked = e->mode = TCP_ECN_NONE; /* one refusal is enough */
		e->ect = false;
		return;
	}
	if (e->mode == mode)
		return;
	e->syn_ecn = seg->ecn;
	/* Our SYN was not ECT: whoever has seen it as anything else is behind a path that writes to the field (RFC 9768
	 * 3.2.2.3). */
	const bool mangled =
		ack && mode == TCP_ECN_ACCURATE && ace != tcp_accecn_reflect(IP_ECN_NOT_ECT);
	e->ace_handshake = ack && mode == TCP_ECN_ACCURATE;
	agreed(c, mode, !e->plain);
	if (mangled)
		tcp_ecn_give_up_ect(c);
}

/* ------------------------------------------------------------------ the receiver */

/* RFC 3168 6.1.3 and 6.1.4: only what has data counts. */
static bool classic_arrived(struct tcp_ecn *e, const struct tcp_segment *seg)
{
	const bool cwr = (seg->flags & TCP_CWR) != 0;

	if (seg->len == 0)
		return false;
	if (cwr)
		e->echo = false;
	if (seg->ecn != IP_ECN_CE)
		return cwr; /* its window may be down at one segment: it should not wait for us */
	const bool first = !e->echo;
	e->echo = true;
	e->ce_in++;
	return first;
}

bool tcp_ecn_arrived(struct tcp_conn *c, const struct tcp_segment *seg)
{
	struct tcp_ecn *e = &c->ecn;
	const uint64_t before = e->ce_in;

	if (e->mode == TCP_ECN_NONE)
		return false;
	e->seen |= seg->ecn != IP_ECN_NOT_ECT;
	const bool at_once =
		e->mode == TCP_ECN_ACCURATE ? tcp_accecn_arrived(e, seg) : classic_arrived(e, seg);
	c->stack->counters.tcp_ecn_ce_in += e->ce_in - before;
	return at_once;
}

/* ------------------------------------------------------------------ the sender */

static void note_reduced(struct tcp_conn *c)
{
	c->ecn.cwr = c->ecn.mode == TCP_ECN_CLASSIC;
	c->ecn.reduced = true;
	c->ecn.until = c->snd_max;
}

void tcp_ecn_reduced(struct tcp_conn *c)
{
	if (c->ecn.mode != TCP_ECN_NONE)
		note_reduced(c);
}

void tcp_ecn_undone(struct tcp_conn *c)
{
	if (c->ecn.marked)
		return; /* for a mark it has fallen before, and that stays */
	c->ecn.reduced = c->ecn.cwr = false;
}

void tcp_ecn_give_up_ect(struct tcp_conn *c)
{
	if (!c->ecn.ect)
		return;
	c->ecn.ect = false;
	c->ecn.hold_until_us = 0;
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
	if (before <= cc->mss)
		e->hold_until_us = c->stack->now_us + tcp_rtt_timeout(c);
	note_reduced(c);
	e->marked = true;
	e->reductions++;
	c->stack->counters.tcp_ecn_reductions++;
	if (e->reductions >= TCP_ECN_MANGLED_AFTER && !e->clean)
		tcp_ecn_give_up_ect(c);
}

void tcp_ecn_ack(struct tcp_conn *c, const struct tcp_segment *seg, const struct tcp_delivery *d,
		 bool duplicate)
{
	struct tcp_ecn *e = &c->ecn;
	const uint32_t delivered = d->bytes ? d->bytes : d->acked;
	const uint32_t packets = (delivered + c->cc.mss - 1) / c->cc.mss;
	const uint32_t flight = c->snd_nxt - c->snd_una + d->acked;
	const bool accurate = e->mode == TCP_ECN_ACCURATE;

	e->marked_now = false;
	/* Beyond, not at `until`: what follows it carries CWR, and before that the peer goes on with ECE. */
	if (seq_gt(c->snd_una, e->until))
		e->reduced = e->marked = false;
	if (e->mode == TCP_ECN_NONE || (seg->flags & TCP_SYN) || seq_lt(seg->ack, c->snd_una))
		return;
	const uint32_t marks = accurate               ? tcp_accecn_marks(c, seg, packets)
			       : seg->flags & TCP_ECE ? packets
						      : 0;
	if (!e->ect)
		return;
	if (!e->resent && (delivered > 0 || duplicate))
		e->proven = true;
	if (accurate ? marks == 0 : !(seg->flags & TCP_ECE)) {
		e->clean |= d->acked > 0;
		return;
	}
	e->marked_now = true;
	e->delivered_ce += marks;
	c->stack->counters.tcp_ecn_ece_in++;
	/* A loss that was none did not make this mark: the window stays where it is. */
	c->undo.armed = false;
	if (!e->reduced && !c->in_recovery && flight > 0)
		reduce(c, flight);
}

void tcp_ecn_timeout(struct tcp_conn *c)
{
	struct tcp_ecn *e = &c->ecn;

	if (e->mode == TCP_ECN_NONE)
		return;
	note_reduced(c);
	e->hold_until_us = 0;
	tcp_ecn_lost(c);
}

void tcp_ecn_lost(struct tcp_conn *c)
{
	if (c->ecn.mode != TCP_ECN_NONE && !c->ecn.proven)
		tcp_ecn_give_up_ect(c);
}

bool tcp_ecn_holds(const struct tcp_conn *c)
{
	return c->stack->now_us < c->ecn.hold_until_us;
}

void tcp_ecn_release(struct tcp_conn *c)
{
	c->ecn.hold_until_us = 0;
}

bool tcp_ecn_needs_single(const struct tcp_conn *c, bool fresh)
{
	return c->ecn.mode == TCP_ECN_ACCURATE ? (c->ecn.r_cep & TCP_ACE_CWR) != 0
					       : c->ecn.cwr && fresh;
}

uint8_t tcp_ecn_ace(struct tcp_conn *c, uint8_t flags, uint32_t len, bool fresh)
{
	struct tcp_ecn *e = &c->ecn;
	uint8_t ace = 0;

	if (e->mode == TCP_ECN_NONE || (flags & TCP_SYN))
		return 0;
	if (e->mode == TCP_ECN_ACCURATE)
		return tcp_accecn_ace(e, len);
	if (e->echo && (flags & TCP_ACK))
		ace |= TCP_ACE_ECE;
	if (e->cwr && fresh) {
		ace |= TCP_ACE_CWR;
		e->cwr = false;
	}
	return ace;
}

void tcp_ecn_resent(struct tcp_conn *c)
{
	c->ecn.resent = true;
}
