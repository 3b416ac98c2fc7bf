/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_accecn.c — see tcp_accecn.h. */
#include "stack/tcp_accecn.h"

#include "stack/ip.h"
#include "stack/tcp_types.h"

#define ACE_MASK 7u
/* RFC 9768 3.2.2.5.1: so many marks are told at once; more of them when only ACKs were marked, so that two hosts do
 * not go on acknowledging each other's ACKs. */
#define UNSAID_MAX 2u
#define UNSAID_MAX_ACKS 3u

uint8_t tcp_accecn_reflect(uint8_t ecn)
{
	static const uint8_t ace[] = {
		[IP_ECN_NOT_ECT] = 2, [IP_ECN_ECT1] = 3, [IP_ECN_ECT0] = 4, [IP_ECN_CE] = 6};

	return ace[ecn];
}

void tcp_accecn_begin(struct tcp_ecn *e, bool syn_ack_marked)
{
	e->r_cep = TCP_ACE_INITIAL + syn_ack_marked;
	e->s_cep = TCP_ACE_INITIAL;
}

bool tcp_accecn_arrived(struct tcp_ecn *e, const struct tcp_segment *seg)
{
	const bool marked = seg->ecn == IP_ECN_CE, first = marked && !e->last_ce;
	uint32_t pieces = 1;

	if (seg->len > 0)
		e->last_ce = marked;
	if (!marked)
		return false;
	/* A coalesced segment had all its pieces marked: others are not put together with those. */
	if (seg->gso_size > 0 && seg->len > seg->gso_size)
		pieces = (seg->len + seg->gso_size - 1) / seg->gso_size;
	e->r_cep += pieces;
	e->ce_in += pieces;
	e->unsaid += pieces;
	return e->unsaid >= (seg->len > 0 ? UNSAID_MAX : UNSAID_MAX_ACKS) ||
	       (first && seg->len > 0);
}

uint8_t tcp_accecn_ace(struct tcp_ecn *e, uint32_t len)
{
	/* RFC 9768 3.2.2.1: only the ACK of the SYN-ACK, and only when it has no data. */
	const bool handshake = e->ace_handshake && len == 0;

	e->ace_handshake = false;
	e->unsaid = 0;
	return handshake ? tcp_accecn_reflect(e->syn_ecn) : (uint8_t)(e->r_cep & ACE_MASK);
}

/* The first segment after the handshake. A path that clears the flags shows here (RFC 9768 3.2.2.4). True when ACE is no
 * count yet, as on an ACK of our SYN-ACK without data (table 4). */
static bool first(struct tcp_conn *c, const struct tcp_segment *seg, uint8_t ace)
{
	struct tcp_ecn *e = &c->ecn;

	e->ace_seen = true;
	if (ace == 0)
		tcp_ecn_give_up_ect(c);
	if (e->asked || seg->len > 0)
		return false;
	if (ace == tcp_accecn_reflect(IP_ECN_CE))
		e->s_cep = TCP_ACE_INITIAL + 1;
	return true;
}

uint32_t tcp_accecn_marks(struct tcp_conn *c, const struct tcp_segment *seg, uint32_t packets)
{
	struct tcp_ecn *e = &c->ecn;
	const uint8_t ace = tcp_segment_ace(seg);

	if (!e->ace_seen && first(c, seg, ace))
		return 0;
	/* One that brings no news may have been overtaken, and its count with it (RFC 9768 A.1). */
	if (!e->ect || packets == 0)
		return 0;
	uint32_t marks = (ace - e->s_cep) & ACE_MASK;
	/* An ACK of eight packets and more may tell of eight marks more than it seems (RFC 9768 A.2). None at all are
	 * believed: the peer would have said so before. */
	if (marks > 0 && packets > ACE_MASK)
		marks = packets - ((packets - marks) & ACE_MASK);
	e->s_cep += marks;
	return marks;
}
