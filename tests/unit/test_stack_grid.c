/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every state × all 64 combinations of flags × every place around the window × every kind of
 * acknowledgement, with and without text. What has to come back, and which state has to follow, is
 * worked out in rfc9293.h, which knows nothing of the implementation.
 */
#include <stdio.h>

#include "tests/unit/rfc9293.h"

#define SYN_WORDS "win 65535 <mss 1460>"
#define PEER_WINDOW 65535u
#define DATA 10u /* bytes of the segment that carries some */
#define OURS 20u /* bytes of ours that are not acknowledged */

/* The half-open entry of a listener and the connection whose SYN crossed the peer's are two things. */
#define SYN_RECEIVED_CROSSING TCP_STATE_COUNT

/* ------------------------------------------------------------------ the world */

static struct rfc_world enter_open(struct wire *w, unsigned state)
{
	struct rfc_world x = {.state = (enum tcp_state)state,
			      .snd_wnd_max = PEER_WINDOW,
			      .una = w->iss,
			      .nxt = w->iss + 1};

	if (state == TCP_CLOSED)
		return x;
	if (state == TCP_SYN_SENT || state == SYN_RECEIVED_CROSSING) {
		wire_connect(w);
		expect(w, "* S 0:0(0)");
		if (state == TCP_SYN_SENT)
			return x;
		inject(w, "* S 0:0(0) " SYN_WORDS);
	} else {
		wire_listen(w, WIRE_PORT, 16);
		if (state == TCP_LISTEN)
			return x;
		inject(w, "* S 0:0(0) " SYN_WORDS);
	}
	expect(w, "* S. 0:0(0) ack 1");
	x.state = TCP_SYN_RECEIVED;
	x.passive = state != SYN_RECEIVED_CROSSING;
	x.rcv_nxt = w->irs + 1;
	x.edge = w->edge;
	return x;
}

/* Brings a fresh stack into the state, from ESTABLISHED on with a few bytes of ours in flight: only where our
 * FIN is acknowledged there are none. */
static struct rfc_world enter(struct wire *w, unsigned state)
{
	const bool fin_acked = state == TCP_FIN_WAIT_2 || state == TCP_TIME_WAIT;
	bool fin_sent = true, fin_received = false;

	w->lport = WIRE_PORT;
	w->rport = WIRE_PEER_PORT;
	if (state < TCP_ESTABLISHED || state == SYN_RECEIVED_CROSSING)
		return enter_open(w, state);
	wire_establish(w, SYN_WORDS);
	/* A segment in each direction, so that the window has been told in an ACK. */
	inject(w, "* . 1:2(1) ack 1");
	drain(w);
	recv_bytes(w, 1);
	send_bytes(w, OURS);
	if (state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK) {
		drain(w);
		inject(w, "* F. 2:2(0) ack 1");
		fin_received = true;
	}
	if (state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT)
		fin_sent = false;
	else
		wire_shutdown(w);
	drain(w);
	if (state == TCP_FIN_WAIT_2) {
		inject(w, "* . 2:2(0) ack 22");
	} else if (state == TCP_CLOSING || state == TCP_TIME_WAIT) {
		inject(w, fin_acked ? "* F. 2:2(0) ack 22" : "* F. 2:2(0) ack 1");
		fin_received = true;
	}
	drain(w);
	expect_state(w, (enum tcp_state)state);
	return (struct rfc_world){.state = (enum tcp_state)state,
				  .snd_wnd_max = PEER_WINDOW,
				  .una = w->iss + 1 + (fin_acked ? OURS + 1 : 0),
				  .nxt = w->iss + 1 + OURS + fin_sent,
				  .rcv_nxt = w->irs + 2 + fin_received,
				  .edge = w->edge};
}

struct found {
	const struct wire *w;
	enum tcp_state state;
	uint32_t rcv_nxt;
};

static void find(void *ctx, const struct tcp_info *info)
{
	struct found *f = ctx;

	if (info->local.port != f->w->lport || info->remote.port != f->w->rport)
		return;
	f->state = info->state;
	f->rcv_nxt = info->rcv_nxt;
}

/* Which of the replies is this, with all its numbers right? 0: none of them. */
static unsigned classify(const struct rfc_world *x, const struct seg *in,
			 const struct rfc_verdict *v, const struct seg *out)
{
	if (out->flags == ACK && out->len == 0 && out->seq == x->nxt && out->ack == v->rcv_nxt)
		return AN_ACK;
	if (out->flags == RST && out->seq == in->ack)
		return A_RST;
	if (out->flags == (RST | ACK) && out->seq == 0 && out->ack == in->seq + rfc_space(in))
		return A_RST_ACK;
	if (out->flags == (SYN | ACK) && out->ack == v->rcv_nxt)
		return A_SYN_ACK;
	return 0;
}

/* Around both edges of the window; the first two end at the left edge, and cross it, when there is text. */
static const struct place {
	const char *name;
	bool right;
	int32_t offset;
} places[] = {
	{"left-10", false, -10},   {"left-5", false, -5}, {"left-1", false, -1},
	{"left", false, 0},        {"left+1", false, 1},  {"inside", false, 1000},
	{"right-1", true, -1},     {"right", true, 0},    {"right+1", true, 1},
	{"beyond", true, 1 << 20},
};

static const struct ack {
	const char *name;
	bool nxt;
	int32_t offset;
} acks[] = {
	{"far too old", false, -(1 << 20)}, {"UNA-1", false, -1}, {"UNA", false, 0},
	{"in between", false, 5},           {"NXT", true, 0},     {"NXT+1", true, 1},
	{"far beyond", true, 1 << 20},
};

#define COUNT(a) ((unsigned)(sizeof(a) / sizeof *(a)))

static const char *flags_text(uint8_t flags, char text[9])
{
	unsigned n = 0;

	for (unsigned bit = 0; bit < 6; bit++)
		if (flags & 1u << bit)
			text[n++] = "FSRP.U"[bit];
	text[n] = '\0';
	return text;
}

struct cell {
	uint8_t flags;
	const struct place *place;
	const struct ack *ack;
	uint32_t len;
};

static void try_cell(struct wire *w, unsigned state, const struct cell *cell)
{
	const struct rfc_world x = enter(w, state);
	struct seg g = wire_seg(w, "- 0:0(0)"), out;
	struct found found = {w, TCP_CLOSED, 0};
	const char *what = NULL;
	unsigned reply = NOTHING;
	char text[9];

	g.flags = cell->flags;
	g.seq = (cell->place->right ? x.edge : x.rcv_nxt) + (uint32_t)cell->place->offset;
	if (g.flags & ACK)
		g.ack = (cell->ack->nxt ? x.nxt : x.una) + (uint32_t)cell->ack->offset;
	g.urg = g.flags & URG ? 0xffff : 0;
	g.len = cell->len;
	const struct rfc_verdict v = rfc_9293(&x, &g);
	w->any_payload = true;
	wire_inject_seg(w, &g);
	struct wire_packet *p = wire_take(w);
	if (p) {
		reply = wire_decode(p->bytes, p->len, &out, &what) ? classify(&x, &g, &v, &out) : 0;
		test_free(p);
	}
	stack_each_conn(w->s, find, &found);
	const bool synchronized = found.state >= TCP_ESTABLISHED;
	if (!(reply & v.replies) || found.state != v.state || w->out ||
	    (synchronized && found.rcv_nxt != v.rcv_nxt))
		wire_fail(w, __FILE__, __LINE__,
			  "%s%s, flags %s, %u bytes, at %s, ack %s: reply %u of allowed %u%s, "
			  "state %s, "
			  "expected %s, RCV.NXT off by %d",
			  tcp_state_name(x.state), x.passive ? " (passive)" : "",
			  flags_text(cell->flags, text), cell->len, cell->place->name,
			  g.flags & ACK ? cell->ack->name : "none", reply, v.replies,
			  w->out ? " and more" : "", tcp_state_name(found.state),
			  tcp_state_name(v.state), (int)(found.rcv_nxt - v.rcv_nxt));
	wire_restart(w);
	w->any_payload = false;
	w->trace_len = 0;
}

static void try_state(struct wire *w, unsigned state)
{
	for (unsigned flags = 0; flags < 64; flags++)
		for (unsigned place = 0; place < COUNT(places); place++)
			for (unsigned ack = 0; ack < (flags & ACK ? COUNT(acks) : 1); ack++)
				for (uint32_t len = 0; len <= DATA; len += DATA) {
					const struct cell cell = {(uint8_t)flags, &places[place],
								  &acks[ack], len};
					try_cell(w, state, &cell);
				}
}

#define GRID_TEST(name, text)                      \
	static void test_grid_##name(void **state) \
	{                                          \
		try_state(*state, TCP_##name);     \
	}
TCP_STATES(GRID_TEST)

static void test_grid_SYN_RECEIVED_crossing(void **state)
{
	try_state(*state, SYN_RECEIVED_CROSSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_grid_CLOSED),
		WIRE_TEST(test_grid_LISTEN),
		WIRE_TEST(test_grid_SYN_SENT),
		WIRE_TEST(test_grid_SYN_RECEIVED),
		WIRE_TEST(test_grid_SYN_RECEIVED_crossing),
		WIRE_TEST(test_grid_ESTABLISHED),
		WIRE_TEST(test_grid_FIN_WAIT_1),
		WIRE_TEST(test_grid_FIN_WAIT_2),
		WIRE_TEST(test_grid_CLOSE_WAIT),
		WIRE_TEST(test_grid_CLOSING),
		WIRE_TEST(test_grid_LAST_ACK),
		WIRE_TEST(test_grid_TIME_WAIT),
	};

	return cmocka_run_group_tests_name("stack: state × segment × window", tests, NULL, NULL);
}
