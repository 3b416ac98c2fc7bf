/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every state × every kind of segment × every place around the window × every kind of
 * acknowledgement. What has to come back, and which state has to follow, is worked out here from
 * RFC 9293 3.10.7 with RFC 5961, RFC 1337 and RFC 6191, step by step as the text has them, and
 * knows nothing of the implementation.
 */
#include <stdio.h>

#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1460>"
#define DATA 10u /* bytes of the segment that carries some */

/* What may come back. */
enum {
	NOTHING = 1,
	AN_ACK = 2,     /* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>         */
	A_RST = 4,      /* <SEQ=SEG.ACK><CTL=RST>                      */
	A_RST_ACK = 8,  /* <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>   */
	A_SYN_ACK = 16, /* <ACK=SEG.SEQ+1><CTL=SYN,ACK>                */
};

/* The connection as the script has brought it about. */
struct world {
	enum tcp_state state;
	uint32_t una, nxt;      /* of the stack                           */
	uint32_t rcv_nxt, edge; /* the window as it was told to the peer  */
};

struct verdict {
	unsigned replies;
	enum tcp_state state;
	uint32_t rcv_nxt;
};

static uint32_t space(const struct seg *g)
{
	return (uint32_t)g->len + !!(g->flags & SYN) + !!(g->flags & FIN);
}

static bool in_window(const struct world *x, uint32_t seq)
{
	return seq - x->rcv_nxt < x->edge - x->rcv_nxt;
}

/* ------------------------------------------------------------------ the RFC */

/* 3.10.7.1 and 3.10.7.2. */
static struct verdict rfc_closed_or_listen(const struct world *x, const struct seg *g)
{
	if (g->flags & RST)
		return (struct verdict){NOTHING, TCP_CLOSED, 0};
	if (g->flags & ACK)
		return (struct verdict){A_RST, TCP_CLOSED, 0};
	if (x->state == TCP_CLOSED)
		return (struct verdict){A_RST_ACK, TCP_CLOSED, 0};
	if (g->flags & SYN)
		return (struct verdict){A_SYN_ACK, TCP_SYN_RECEIVED, 0};
	return (struct verdict){NOTHING, TCP_CLOSED, 0};
}

/* 3.10.7.3. */
static struct verdict rfc_syn_sent(const struct world *x, const struct seg *g)
{
	const bool ack = g->flags & ACK;

	if (ack && g->ack != x->nxt) /* ISS < SEG.ACK <= SND.NXT leaves one number */
		return (struct verdict){g->flags & RST ? NOTHING : A_RST, TCP_SYN_SENT, 0};
	if (g->flags & RST)
		return (struct verdict){NOTHING, ack ? TCP_CLOSED : TCP_SYN_SENT, 0};
	if (!(g->flags & SYN))
		return (struct verdict){NOTHING, TCP_SYN_SENT, 0};
	if (ack)
		return (struct verdict){AN_ACK, TCP_ESTABLISHED, g->seq + 1};
	return (struct verdict){A_SYN_ACK, TCP_SYN_RECEIVED, 0};
}

/* TIME-WAIT, with RFC 1337 (RST) and RFC 6191 (SYN). To a segment that is acceptable but cannot be
 * anything new, an ACK is neither asked for nor forbidden. */
static struct verdict rfc_time_wait(const struct world *x, const struct seg *g)
{
	struct verdict v = {NOTHING | AN_ACK, TCP_TIME_WAIT, x->rcv_nxt};

	if (g->flags & RST)
		v.replies = NOTHING;
	else if ((g->flags & (SYN | ACK)) == SYN && (int32_t)(g->seq - x->rcv_nxt) > 0)
		v = (struct verdict){A_SYN_ACK, TCP_SYN_RECEIVED, 0};
	else if ((g->flags & FIN) && g->seq + space(g) == x->rcv_nxt)
		v.replies = AN_ACK; /* the FIN again */
	else if ((g->flags & SYN) ||
		 (!in_window(x, g->seq) && !in_window(x, g->seq + space(g) - 1)))
		v.replies = AN_ACK;
	else if (g->seq == x->rcv_nxt && space(g) == 0)
		v.replies = NOTHING;
	return v;
}

/* 3.10.7.4, fifth: the ACK field. False when the segment ends here. */
static bool rfc_ack(const struct world *x, const struct seg *g, struct verdict *v)
{
	const bool news = (int32_t)(g->ack - x->una) > 0 && (int32_t)(g->ack - x->nxt) <= 0;

	if (x->state == TCP_SYN_RECEIVED) {
		v->state = news ? TCP_ESTABLISHED : TCP_SYN_RECEIVED;
		v->replies = news ? NOTHING : A_RST;
		return news;
	}
	if ((int32_t)(g->ack - x->nxt) > 0) {
		v->replies = AN_ACK;
		return false;
	}
	if (news && x->state == TCP_FIN_WAIT_1) /* all that is outstanding is the FIN */
		v->state = TCP_FIN_WAIT_2;
	if (news && x->state == TCP_CLOSING) {
		v->state = TCP_TIME_WAIT;
		v->replies = NOTHING | AN_ACK;
		return false;
	}
	if (news && x->state == TCP_LAST_ACK) {
		v->state = TCP_CLOSED;
		v->replies = NOTHING;
		return false;
	}
	return true;
}

/* Seventh and eighth: text and FIN. */
static void rfc_text_and_fin(const struct world *x, const struct seg *g, struct verdict *v)
{
	const bool receiving = v->state == TCP_ESTABLISHED || v->state == TCP_FIN_WAIT_1 ||
			       v->state == TCP_FIN_WAIT_2;

	if (space(g) == 0)
		return;
	if (!receiving) { /* cannot be new: "ignore the segment text", "remain" in the state */
		v->replies = NOTHING | AN_ACK;
		return;
	}
	v->replies = AN_ACK;
	if ((int32_t)(g->seq - x->rcv_nxt) > 0)
		return; /* out of order: a duplicate ACK */
	if (g->len > 0)
		v->rcv_nxt = g->seq + (uint32_t)g->len;
	if (!(g->flags & FIN))
		return;
	v->rcv_nxt++;
	if (v->state == TCP_ESTABLISHED)
		v->state = TCP_CLOSE_WAIT;
	else
		v->state = v->state == TCP_FIN_WAIT_1 ? TCP_CLOSING : TCP_TIME_WAIT;
}

/* 3.10.7.4 from its beginning. */
static struct verdict rfc_otherwise(const struct world *x, const struct seg *g)
{
	struct verdict v = {NOTHING, x->state, x->rcv_nxt};
	const uint32_t len = space(g);

	/* First. The table of 3.4; the window is not zero here. */
	if (!in_window(x, g->seq) && !(len > 0 && in_window(x, g->seq + len - 1))) {
		v.replies = g->flags & RST ? NOTHING : AN_ACK;
		/* Everybody answers the same SYN with the same SYN-ACK. */
		if (x->state == TCP_SYN_RECEIVED && g->flags == SYN && g->seq + 1 == x->rcv_nxt)
			v.replies = A_SYN_ACK;
		return v;
	}
	/* A half-open entry looks at the first number alone: what begins with the SYN's number
	 * and has no SYN is no client's stream. */
	if (x->state == TCP_SYN_RECEIVED && g->len > 0 && !in_window(x, g->seq)) {
		v.replies = AN_ACK;
		return v;
	}
	/* Second, RFC 5961 3.2. */
	if (g->flags & RST) {
		if (g->seq == x->rcv_nxt)
			v.state = TCP_CLOSED;
		else
			v.replies = AN_ACK;
		return v;
	}
	/* Fourth, RFC 5961 4.2; in SYN-RECEIVED after a passive OPEN back to LISTEN. */
	if (g->flags & SYN) {
		if (x->state == TCP_SYN_RECEIVED)
			v.state = TCP_CLOSED;
		else
			v.replies = AN_ACK;
		return v;
	}
	if ((g->flags & ACK) && rfc_ack(x, g, &v))
		rfc_text_and_fin(x, g, &v);
	return v;
}

static struct verdict rfc(const struct world *x, const struct seg *g)
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

/* ------------------------------------------------------------------ the world */

/* Brings a fresh stack into the state. */
static struct world enter(struct wire *w, enum tcp_state state)
{
	struct world x = {.state = state, .una = w->iss, .nxt = w->iss + 1};
	bool fin_sent = true, fin_received = false, fin_acked = false;

	w->lport = WIRE_PORT;
	w->rport = WIRE_PEER_PORT;
	if (state == TCP_CLOSED)
		return x;
	if (state == TCP_SYN_SENT) {
		wire_connect(w);
		drain(w);
		return x;
	}
	if (state == TCP_LISTEN || state == TCP_SYN_RECEIVED) {
		wire_listen(w, WIRE_PORT, 16);
		if (state == TCP_LISTEN)
			return x;
		inject(w, "* S 0:0(0) " SYN_WORDS);
		expect(w, "* S. 0:0(0) ack 1");
		x.rcv_nxt = w->irs + 1;
		x.edge = w->edge;
		return x;
	}
	wire_establish(w, SYN_WORDS);
	/* A segment in each direction, so that the window has been told in an ACK. */
	inject(w, "* . 1:2(1) ack 1");
	drain(w);
	recv_bytes(w, 1);
	switch (state) {
	case TCP_CLOSE_WAIT:
	case TCP_LAST_ACK:
		inject(w, "* F. 2:2(0) ack 1");
		fin_received = true;
		fin_sent = state == TCP_LAST_ACK;
		break;
	case TCP_ESTABLISHED:
		fin_sent = false;
		break;
	default:
		break;
	}
	drain(w);
	if (fin_sent)
		wire_shutdown(w);
	drain(w);
	if (state == TCP_FIN_WAIT_2) {
		inject(w, "* . 2:2(0) ack 2");
		fin_acked = true;
	} else if (state == TCP_CLOSING || state == TCP_TIME_WAIT) {
		fin_acked = state == TCP_TIME_WAIT;
		inject(w, fin_acked ? "* F. 2:2(0) ack 2" : "* F. 2:2(0) ack 1");
		fin_received = true;
	}
	drain(w);
	expect_state(w, state);
	x.una = w->iss + 1 + fin_acked;
	x.nxt = w->iss + 1 + fin_sent;
	x.rcv_nxt = w->irs + 2 + fin_received;
	x.edge = w->edge;
	return x;
}

static enum tcp_state found;
static const struct wire *of;

static void find(void *ctx, const struct tcp_info *info)
{
	(void)ctx;
	if (info->local.port == of->lport && info->remote.port == of->rport)
		found = info->state;
}

static enum tcp_state state_now(const struct wire *w)
{
	found = TCP_CLOSED;
	of = w;
	stack_each_conn(w->s, find, NULL);
	return found;
}

/* Which of the replies is this, with all its numbers right? 0: none of them. */
static unsigned classify(const struct world *x, const struct seg *in, const struct verdict *v,
			 const struct seg *out)
{
	if (out->flags == ACK && out->len == 0 && out->seq == x->nxt && out->ack == v->rcv_nxt)
		return AN_ACK;
	if (out->flags == RST && out->seq == in->ack)
		return A_RST;
	if (out->flags == (RST | ACK) && out->seq == 0 && out->ack == in->seq + space(in))
		return A_RST_ACK;
	if (out->flags == (SYN | ACK) && out->ack == in->seq + 1)
		return A_SYN_ACK;
	return 0;
}

static const char *const kinds[] = {"SYN", "RST", "FIN", "ACK", "data", "SYN|ACK", "none"};
static const uint8_t kind_flags[] = {SYN, RST, FIN | ACK, ACK, PSH | ACK, SYN | ACK, 0};
static const char *const places[] = {"left-1", "left", "inside", "right-1", "right", "beyond"};
static const char *const acks[] = {"SND.UNA", "SND.NXT", "SND.NXT+1"};

static void try_cell(struct wire *w, enum tcp_state state, unsigned kind, unsigned place,
		     unsigned ack)
{
	const struct world x = enter(w, state);
	const uint32_t left = x.rcv_nxt, right = x.edge;
	const uint32_t seq[] = {left - 1, left, left + 1000, right - 1, right, right + 100000};
	const uint32_t ack_of[] = {x.una, x.nxt, x.nxt + 1};
	struct seg g = wire_seg(w, "- 0:0(0)");
	struct seg out;
	const char *what = NULL;
	unsigned reply = NOTHING;

	g.flags = kind_flags[kind];
	g.seq = seq[place];
	g.ack = g.flags & ACK ? ack_of[ack] : 0;
	g.len = kind_flags[kind] & PSH ? DATA : 0;
	const struct verdict v = rfc(&x, &g);
	w->any_payload = true;
	wire_inject_seg(w, &g);
	struct wire_packet *p = wire_take(w);
	if (p) {
		reply = wire_decode(p->bytes, p->len, &out, &what) ? classify(&x, &g, &v, &out) : 0;
		test_free(p);
	}
	const enum tcp_state after = state_now(w);
	if (!(reply & v.replies) || after != v.state || w->out)
		wire_fail(w, __FILE__, __LINE__,
			  "%s, %s at %s, ack %s: reply %u of allowed %u%s, state %s, expected %s",
			  tcp_state_name(state), kinds[kind], places[place],
			  g.flags & ACK ? acks[ack] : "none", reply, v.replies,
			  w->out ? " and more" : "", tcp_state_name(after),
			  tcp_state_name(v.state));
	wire_restart(w);
	w->any_payload = false;
	w->trace_len = 0;
}

static void try_state(struct wire *w, enum tcp_state state)
{
	for (unsigned kind = 0; kind < sizeof kind_flags; kind++)
		for (unsigned place = 0; place < 6; place++)
			for (unsigned ack = 0; ack < (kind_flags[kind] & ACK ? 3 : 1); ack++)
				try_cell(w, state, kind, place, ack);
}

#define GRID_TEST(name, text)                      \
	static void test_grid_##name(void **state) \
	{                                          \
		try_state(*state, TCP_##name);     \
	}
TCP_STATES(GRID_TEST)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_grid_CLOSED),      WIRE_TEST(test_grid_LISTEN),
		WIRE_TEST(test_grid_SYN_SENT),    WIRE_TEST(test_grid_SYN_RECEIVED),
		WIRE_TEST(test_grid_ESTABLISHED), WIRE_TEST(test_grid_FIN_WAIT_1),
		WIRE_TEST(test_grid_FIN_WAIT_2),  WIRE_TEST(test_grid_CLOSE_WAIT),
		WIRE_TEST(test_grid_CLOSING),     WIRE_TEST(test_grid_LAST_ACK),
		WIRE_TEST(test_grid_TIME_WAIT),
	};

	return cmocka_run_group_tests_name("stack: state × segment × window", tests, NULL, NULL);
}
