/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rfc9293.h — what one segment has to bring about, in each of the eleven states: worked out step by
 * step from the text of RFC 9293 3.10.7, with RFC 5961 (blind attacks), RFC 1337 and RFC 6191
 * (TIME-WAIT). Nothing here knows the implementation. For test_stack_grid.c.
 *
 * Where the text leaves a choice, or most stacks have agreed on another one, a verdict allows more
 * than one reply; each place says why.
 */
#ifndef TESTS_UNIT_RFC9293_H
#define TESTS_UNIT_RFC9293_H

#include "tests/unit/wire.h"

/* What may come back. */
enum {
	NOTHING = 1,
	AN_ACK = 2,     /* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>         */
	A_RST = 4,      /* <SEQ=SEG.ACK><CTL=RST>                      */
	A_RST_ACK = 8,  /* <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>   */
	A_SYN_ACK = 16, /* <ACK=IRS+1><CTL=SYN,ACK>                    */
};

/* A connection before the segment. */
struct rfc_world {
	enum tcp_state state;
	bool passive;         /* in SYN-RECEIVED: after a passive OPEN       */
	uint32_t una, nxt;    /* SND.UNA, SND.NXT                            */
	uint32_t snd_wnd_max; /* MAX.SND.WND of RFC 5961 5.2                 */
	uint32_t rcv_nxt;     /* RCV.NXT                                     */
	uint32_t edge;        /* RCV.NXT + RCV.WND as the peer was told; the */
			      /* window is not shut here                     */
};

struct rfc_verdict {
	unsigned replies;
	enum tcp_state state;
	uint32_t rcv_nxt; /* for AN_ACK, and what RCV.NXT must be */
};

static inline uint32_t rfc_space(const struct seg *g)
{
	return (uint32_t)g->len + !!(g->flags & SYN) + !!(g->flags & FIN);
}

static inline bool rfc_in_window(const struct rfc_world *x, uint32_t seq)
{
	return seq - x->rcv_nxt < x->edge - x->rcv_nxt;
}

/* The table of 3.4 for a window that is not zero. */
static inline bool rfc_acceptable(const struct rfc_world *x, const struct seg *g)
{
	const uint32_t len = rfc_space(g);

	return rfc_in_window(x, g->seq) || (len > 0 && rfc_in_window(x, g->seq + len - 1));
}

/* 3.10.7.1 and 3.10.7.2. */
static inline struct rfc_verdict rfc_closed_or_listen(const struct rfc_world *x,
						      const struct seg *g)
{
	const struct rfc_verdict nothing = {NOTHING, TCP_CLOSED, 0};

	if (g->flags & RST)
		return nothing;
	if (g->flags & ACK)
		return (struct rfc_verdict){A_RST, TCP_CLOSED, 0};
	if (x->state == TCP_CLOSED)
		return (struct rfc_verdict){A_RST_ACK, TCP_CLOSED, 0};
	if (!(g->flags & SYN))
		return nothing;
	/* Nobody opens with SYN and FIN in one (RFC 1644 is historic): dropped, as elsewhere. */
	if (g->flags & FIN)
		return nothing;
	/* "Any other incoming control or data … should be queued for processing later": it is not
	 * acknowledged here, so the peer sends it again. */
	return (struct rfc_verdict){A_SYN_ACK, TCP_SYN_RECEIVED, g->seq + 1};
}

/* 3.10.7.3. Text and FIN beside a SYN: as above. */
static inline struct rfc_verdict rfc_syn_sent(const struct rfc_world *x, const struct seg *g)
{
	const bool ack = g->flags & ACK;

	if (ack && g->ack != x->nxt) /* ISS < SEG.ACK <= SND.NXT leaves one number */
		return (struct rfc_verdict){g->flags & RST ? NOTHING : A_RST, TCP_SYN_SENT, 0};
	if (g->flags & RST)
		return (struct rfc_verdict){NOTHING, ack ? TCP_CLOSED : TCP_SYN_SENT, 0};
	if (!(g->flags & SYN))
		return (struct rfc_verdict){NOTHING, TCP_SYN_SENT, 0};
	if (ack)
		return (struct rfc_verdict){AN_ACK, TCP_ESTABLISHED, g->seq + 1};
	return (struct rfc_verdict){A_SYN_ACK, TCP_SYN_RECEIVED, g->seq + 1};
}

/* TIME-WAIT, with RFC 1337 (RST) and RFC 6191 (SYN). To a segment that is acceptable but cannot be
 * anything new, an ACK is neither asked for nor forbidden. */
static inline struct rfc_verdict rfc_time_wait(const struct rfc_world *x, const struct seg *g)
{
	struct rfc_verdict v = {NOTHING | AN_ACK, TCP_TIME_WAIT, x->rcv_nxt};

	if (g->flags & RST)
		v.replies = NOTHING;
	else if ((g->flags & (SYN | ACK | FIN)) == SYN && (int32_t)(g->seq - x->rcv_nxt) > 0)
		v = (struct rfc_verdict){A_SYN_ACK, TCP_SYN_RECEIVED, g->seq + 1};
	else if ((g->flags & FIN) && g->seq + rfc_space(g) == x->rcv_nxt)
		v.replies = AN_ACK; /* the FIN again */
	else if ((g->flags & SYN) || !rfc_acceptable(x, g))
		v.replies = AN_ACK;
	else if (g->seq == x->rcv_nxt && rfc_space(g) == 0)
		v.replies = NOTHING;
	return v;
}

/* 3.10.7.4, fifth: the ACK field. False when the segment ends here. */
static inline bool rfc_ack(const struct rfc_world *x, const struct seg *g, struct rfc_verdict *v)
{
	const bool news = (int32_t)(g->ack - x->una) > 0 && (int32_t)(g->ack - x->nxt) <= 0;
	const bool fin_acked = news && g->ack == x->nxt;

	if (x->state == TCP_SYN_RECEIVED) {
		v->state = news ? TCP_ESTABLISHED : TCP_SYN_RECEIVED;
		v->replies = news ? NOTHING : A_RST;
		return news;
	}
	/* RFC 5961 5.2: SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT, or an ACK goes back. */
	if ((int32_t)(g->ack - x->nxt) > 0 || (int32_t)(g->ack - (x->una - x->snd_wnd_max)) < 0) {
		v->replies = AN_ACK;
		return false;
	}
	if (fin_acked && x->state == TCP_FIN_WAIT_1)
		v->state = TCP_FIN_WAIT_2;
	if (fin_acked && x->state == TCP_CLOSING) {
		v->state = TCP_TIME_WAIT;
		v->replies = NOTHING | AN_ACK;
		return false;
	}
	if (fin_acked && x->state == TCP_LAST_ACK) {
		v->state = TCP_CLOSED;
		v->replies = NOTHING;
		return false;
	}
	return true;
}

/* Seventh and eighth: text and FIN, of a segment that is acceptable. Both are first cut to the window. */
static inline void rfc_text_and_fin(const struct rfc_world *x, const struct seg *g,
				    struct rfc_verdict *v)
{
	const bool receiving = v->state == TCP_ESTABLISHED || v->state == TCP_FIN_WAIT_1 ||
			       v->state == TCP_FIN_WAIT_2;
	const uint32_t end = g->seq + (uint32_t)g->len;
	const bool fin = (g->flags & FIN) && rfc_in_window(x, end);

	if (rfc_space(g) == 0)
		return;
	if (!receiving) { /* cannot be new: "ignore the segment text", "remain" in the state */
		v->replies = NOTHING | AN_ACK;
		return;
	}
	v->replies = AN_ACK;
	if ((int32_t)(g->seq - x->rcv_nxt) > 0)
		return; /* out of order: a duplicate ACK */
	if ((int32_t)(end - x->rcv_nxt) > 0)
		v->rcv_nxt = end;
	if (!fin)
		return;
	v->rcv_nxt++;
	if (v->state == TCP_ESTABLISHED)
		v->state = TCP_CLOSE_WAIT;
	else
		v->state = v->state == TCP_FIN_WAIT_1 ? TCP_CLOSING : TCP_TIME_WAIT;
}

/* What a SYN-RECEIVED endpoint does with a SYN that it has seen before. False: nothing special. */
static inline bool rfc_syn_again(const struct rfc_world *x, struct seg *g, struct rfc_verdict *v)
{
	if (x->state != TCP_SYN_RECEIVED || (g->flags & RST) || !(g->flags & SYN) ||
	    g->seq + 1 != x->rcv_nxt)
		return false;
	if (x->passive) {
		/* Everybody answers the same SYN with the same SYN-ACK; with an ACK beside it, it is
		 * no client's segment. */
		v->replies = g->flags & ACK ? AN_ACK : A_SYN_ACK;
		return true;
	}
	if (g->flags & ACK) { /* figure 8, line 7: the SYN is old, the ACK is what we wait for */
		g->flags &= (uint8_t)~SYN;
		g->seq++;
		return false;
	}
	/* Here the table would let in what follows the SYN, for the lack of an ACK to drop it. */
	v->replies = rfc_acceptable(x, g) ? NOTHING | AN_ACK : AN_ACK;
	return true;
}

/* 3.10.7.4 from its beginning. */
static inline struct rfc_verdict rfc_otherwise(const struct rfc_world *x, const struct seg *in)
{
	struct rfc_verdict v = {NOTHING, x->state, x->rcv_nxt};
	struct seg g = *in;

	if (rfc_syn_again(x, &g, &v))
		return v;
	/* First. For a RST its number alone counts (RFC 5961 3.2). */
	if (g.flags & RST) {
		if (g.seq == x->rcv_nxt)
			v.state = TCP_CLOSED;
		else if (rfc_in_window(x, g.seq))
			v.replies = AN_ACK;
		return v;
	}
	if (!rfc_acceptable(x, &g)) {
		v.replies = AN_ACK;
		return v;
	}
	/* What begins before the window of a half-open entry is no client's stream: it may have an
	 * answer like what lies outside altogether. */
	if (x->state == TCP_SYN_RECEIVED && x->passive && !rfc_in_window(x, g.seq)) {
		v.replies = AN_ACK;
		return v;
	}
	/* Fourth, RFC 5961 4.2; in SYN-RECEIVED after a passive OPEN back to LISTEN. */
	if (g.flags & SYN) {
		if (x->state == TCP_SYN_RECEIVED && x->passive)
			v.state = TCP_CLOSED;
		else
			v.replies = AN_ACK;
		return v;
	}
	if ((g.flags & ACK) && rfc_ack(x, &g, &v))
		rfc_text_and_fin(x, &g, &v);
	return v;
}

static inline struct rfc_verdict rfc_9293(const struct rfc_world *x, const struct seg *g)
{
	switch (x->state) {
	case TCP_CLOSED:
	case TCP_LISTEN:
		return rfc_closed_or_listen(x, g);
	case TCP_SYN_SENT:
		return rfc_syn_sent(x, g);
	case TCP_TIME_WAIT:
		return rfc_time_wait(x, g);
	default:
		return rfc_otherwise(x, g);
	}
}

#endif
