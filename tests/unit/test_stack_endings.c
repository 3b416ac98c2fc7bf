/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that never die are what users of other stacks report most. So: in every state, with
 * nothing, with data in flight and with data behind a shut window, the application gives its handle back
 * (or never had one), and the peer falls silent, closes, resets, holds its window shut while it answers
 * every probe, or takes a byte at a time. After a bounded virtual time nothing is left of it.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/wire.h"

#define SECOND UINT64_C(1000000)
#define OURS 3000u    /* bytes that the application has written */
#define BEHIND 12000u /* … more than a peer takes in eight user timeouts, a byte at a time */

enum peer {
	SILENT,
	CLOSES,
	RESETS,
	SHUTS,
	CRAWLS,
	PEERS
};

enum queued {
	QUEUED_NOTHING,
	QUEUED_IN_FLIGHT,
	QUEUED_BEHIND_WINDOW,
	QUEUED
};

/* The half-open entry of a listener and the connection whose SYN crossed the peer's are two things. */
#define SYN_RECEIVED_CROSSING TCP_STATE_COUNT

static const char *const peer_name[] = {"is silent", "closes", "resets", "shuts its window",
					"takes a byte at a time"};
static const char *const queued_name[] = {"nothing", "data in flight", "data behind a shut window"};

/* What the peer knows. Numbers are absolute. */
struct peer_state {
	enum peer how;
	uint32_t nxt, una; /* of the peer: next to send, acknowledged by the stack  */
	uint32_t seen;     /* in order from the stack                               */
	uint32_t edge;     /* what it has offered, for SHUTS and CRAWLS             */
	uint64_t answers;
	bool fin_sent, reset_sent, stack_fin;
};

static void send_seg(struct wire *w, const struct peer_state *p, uint8_t flags, uint32_t window)
{
	struct seg g = wire_seg(w, "- 0:0(0)");

	g.flags = flags;
	g.seq = p->nxt;
	g.ack = flags & ACK ? p->seen : 0;
	g.win = (uint16_t)window;
	wire_inject_seg(w, &g);
}

static void take_in(struct peer_state *p, const struct seg *g)
{
	const uint32_t end = g->seq + (uint32_t)g->len + !!(g->flags & (SYN | FIN));

	if (g->flags & SYN)
		p->seen = g->seq;
	if ((int32_t)(end - p->seen) > 0 && (int32_t)(g->seq - p->seen) <= 0) {
		p->seen = end;
		p->stack_fin |= !!(g->flags & FIN);
	}
}

/* What the peer does about one segment of the stack. */
static void answer(struct wire *w, struct peer_state *p, const struct seg *g)
{
	const bool occupies = g->len > 0 || (g->flags & (SYN | FIN));
	const uint32_t had = p->seen;

	if ((g->flags & RST) || p->how == SILENT || p->reset_sent)
		return;
	p->answers++;
	switch (p->how) {
	case CLOSES:
		take_in(p, g);
		if (!occupies && !p->fin_sent)
			break;
		send_seg(w, p, FIN | ACK, 65535);
		if (g->flags & ACK && g->ack == p->nxt + 1)
			p->nxt++;
		p->fin_sent = true;
		break;
	case RESETS:
		send_seg(w, p, RST, 0);
		p->reset_sent = true;
		break;
	case SHUTS: /* what lies within the edge is taken; then no more */
		take_in(p, g);
		if ((int32_t)(p->seen - p->edge) > 0)
			p->seen = had;
		if (occupies)
			send_seg(w, p, ACK, p->edge - p->seen);
		break;
	default: /* the FIN too, in the end */
		take_in(p, g);
		if ((int32_t)(p->seen - had) > 1)
			p->seen = had + 1;
		if (occupies)
			send_seg(w, p, ACK, 1);
		break;
	}
}

static bool all_gone(const struct wire *w)
{
	const struct stack_usage u = wire_usage(w);

	return u.connections + u.half_open + u.time_wait == 0;
}

/* An application that is polite to no one. */
static void accept_and_close(struct wire *w)
{
	struct tcp_conn *c = w->listener ? tcp_accept(w->listener) : NULL;

	if (c) {
		tcp_close(c);
		advance_us(w, 0);
	}
}

/* Lets time pass, one timer after the other, until nothing is left. Returns how long it took. */
static uint64_t run_to_the_end(struct wire *w, struct peer_state *p, uint64_t most_us)
{
	const uint64_t start = w->now_us;

	for (unsigned turns = 0; !all_gone(w) && w->now_us - start <= most_us; turns++) {
		struct wire_packet *out = wire_take(w);
		const char *what;
		struct seg g;
		if (out) {
			if (wire_decode(out->bytes, out->len, &g, &what))
				answer(w, p, &g);
			test_free(out);
			accept_and_close(w);
			continue;
		}
		const uint64_t next = stack_next_timeout(w->s);
		check(w, next != UINT64_MAX); /* or it would stay for ever */
		advance_us(w, next > w->now_us ? next - w->now_us : 0);
		check(w, turns < 100000);
	}
	drain(w);
	return w->now_us - start;
}

/* ------------------------------------------------------------------ into the state */

static const char *syn_words(enum queued queued)
{
	return queued == QUEUED_BEHIND_WINDOW ? "win 1000 <mss 500>" : "win 65535 <mss 500>";
}

/* With a shut window that offers no more: the peer's later segments have to say the same. */
static void peer_says(struct wire *w, enum queued queued, const char *words, unsigned ack)
{
	char line[96];
	const unsigned edge = queued == QUEUED_BEHIND_WINDOW ? 1001 : 65536;

	snprintf(line, sizeof line, "* %s ack %u win %u", words, ack, ack > edge ? 0 : edge - ack);
	inject(w, line);
	drain(w);
}

/* True when there is such a combination. The application's handle is given back, if it has one. */
static bool enter(struct wire *w, unsigned state, enum queued queued)
{
	const unsigned write = queued == QUEUED_BEHIND_WINDOW ? BEHIND : OURS;
	const bool acked = state == TCP_FIN_WAIT_2 || state == TCP_TIME_WAIT;

	if (queued != QUEUED_NOTHING &&
	    (acked || state == TCP_LISTEN || state == TCP_CLOSED || state == TCP_SYN_RECEIVED))
		return false;
	w->lport = WIRE_PORT;
	w->rport = WIRE_PEER_PORT;
	if (state == TCP_CLOSED)
		return true;
	if (state == TCP_SYN_SENT || state == SYN_RECEIVED_CROSSING) {
		wire_connect(w);
		if (queued != QUEUED_NOTHING)
			send_bytes(w, write);
		drain(w);
		if (state == SYN_RECEIVED_CROSSING)
			inject(w, queued == QUEUED_BEHIND_WINDOW
					  ? "* S 0:0(0) win 1000 <mss 500>"
					  : "* S 0:0(0) win 65535 <mss 500>");
		drain(w);
		return true;
	}
	if (state == TCP_LISTEN || state == TCP_SYN_RECEIVED) {
		wire_listen(w, WIRE_PORT, 16);
		if (state == TCP_SYN_RECEIVED)
			inject(w, "* S 0:0(0) win 65535 <mss 500>");
		return true;
	}
	wire_establish(w, syn_words(queued));
	if (queued != QUEUED_NOTHING)
		send_bytes(w, write);
	drain(w);
	if (queued == QUEUED_BEHIND_WINDOW) /* it is being probed already */
		peer_says(w, queued, ". 1:1(0)", 1001);
	if (state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK)
		peer_says(w, queued, "F. 1:1(0)", queued == QUEUED_BEHIND_WINDOW ? 1001 : 1);
	if (state != TCP_ESTABLISHED && state != TCP_CLOSE_WAIT)
		wire_shutdown(w);
	drain(w);
	if (acked)
		peer_says(w, queued, state == TCP_TIME_WAIT ? "F. 1:1(0)" : ". 1:1(0)", 2);
	if (state == TCP_CLOSING)
		peer_says(w, queued, "F. 1:1(0)", queued == QUEUED_BEHIND_WINDOW ? 1001 : 1);
	expect_state(w, (enum tcp_state)state);
	return true;
}

static struct peer_state peer_of(const struct wire *w, unsigned state, enum queued queued,
				 enum peer how)
{
	const bool syn = state >= TCP_SYN_RECEIVED;
	const bool fin = state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK || state == TCP_CLOSING ||
			 state == TCP_TIME_WAIT;
	const bool fin_acked = state == TCP_FIN_WAIT_2 || state == TCP_TIME_WAIT;
	struct peer_state p = {.how = how, .fin_sent = fin};

	p.nxt = w->irs + syn + fin;
	p.seen = w->iss + (state >= TCP_ESTABLISHED && state != SYN_RECEIVED_CROSSING) + fin_acked;
	if (queued == QUEUED_BEHIND_WINDOW && state >= TCP_ESTABLISHED &&
	    state != SYN_RECEIVED_CROSSING)
		p.seen = w->iss + 1001;
	p.edge = queued == QUEUED_BEHIND_WINDOW ? w->iss + 1001 : p.seen + 2000;
	return p;
}

/* ------------------------------------------------------------------ the matrix */

static uint64_t most_us(const struct wire *w, enum peer how)
{
	const struct stack_config *c = &w->cfg;
	/* A peer that makes progress has eight times the user timeout; see ARCHITECTURE.md. */
	const uint64_t patience = c->user_timeout_us * (how == CRAWLS ? 8 : 1);
	const uint64_t handshake = c->syn_timeout_us;

	return handshake + patience + c->fin_wait_2_us + c->time_wait_us + SECOND;
}

static void try_ending(struct wire *w, unsigned state, enum queued queued, enum peer how,
		       bool close_first)
{
	if (!enter(w, state, queued)) {
		wire_restart(w);
		return;
	}
	struct peer_state p = peer_of(w, state, queued, how);
	w->any_window = true;
	w->any_payload = true;
	if (w->c && close_first)
		wire_close(w);
	/* Without waiting to be spoken to. */
	if (how == CLOSES && state >= TCP_SYN_RECEIVED)
		send_seg(w, &p, p.fin_sent ? ACK : FIN | ACK, 65535);
	if (how == CLOSES)
		p.fin_sent = true;
	if (how == RESETS && state >= TCP_SYN_RECEIVED) {
		send_seg(w, &p, RST, 0);
		p.reset_sent = state != TCP_TIME_WAIT;
	}
	if (w->c) /* afterwards: the peer's segment came first */
		wire_close(w);
	const uint64_t took = run_to_the_end(w, &p, most_us(w, how));
	if (!all_gone(w))
		wire_fail(w, __FILE__, __LINE__,
			  "%s with %s, a peer that %s: still there after %.0f s",
			  state == SYN_RECEIVED_CROSSING ? "SYN-RECEIVED (crossing)"
							 : tcp_state_name((enum tcp_state)state),
			  queued_name[queued], peer_name[how], (double)took / 1e6);
	wire_restart(w);
	w->any_window = w->any_payload = false;
	w->trace_len = 0;
}

static void try_peer(struct wire *w, enum peer how)
{
	for (unsigned state = 0; state <= SYN_RECEIVED_CROSSING; state++)
		for (unsigned queued = 0; queued < QUEUED; queued++)
			for (unsigned close_first = 0; close_first < 2; close_first++)
				try_ending(w, state, (enum queued)queued, how, close_first);
}

static void test_peer_falls_silent_in_every_state(void **state)
{
	try_peer(*state, SILENT);
}

static void test_peer_closes_in_every_state(void **state)
{
	try_peer(*state, CLOSES);
}

static void test_peer_resets_in_every_state(void **state)
{
	try_peer(*state, RESETS);
}

static void test_peer_shuts_its_window_in_every_state(void **state)
{
	try_peer(*state, SHUTS);
}

static void test_peer_takes_a_byte_at_a_time_in_every_state(void **state)
{
	try_peer(*state, CRAWLS);
}

/* An application that keeps its handle is told of a peer that is silent wherever something waits for an
 * answer: it need not have a timer of its own. */
static void test_owner_is_told_of_a_silent_peer(void **state)
{
	struct wire *w = *state;

	for (unsigned s = TCP_SYN_SENT; s <= SYN_RECEIVED_CROSSING; s++) {
		for (unsigned queued = 0; queued < QUEUED; queued++) {
			const bool waits = s == SYN_RECEIVED_CROSSING || s == TCP_SYN_SENT ||
					   s == TCP_FIN_WAIT_1 || s == TCP_CLOSING ||
					   s == TCP_LAST_ACK || queued != QUEUED_NOTHING;
			if (s == TCP_SYN_RECEIVED || s == TCP_TIME_WAIT || !waits ||
			    !enter(w, s, (enum queued)queued)) {
				wire_restart(w);
				continue;
			}
			drain(w);
			advance_us(w, w->cfg.syn_timeout_us + w->cfg.user_timeout_us);
			drain(w);
			expect_closed(w, TCP_CLOSE_TIMEOUT);
			wire_restart(w);
			w->trace_len = 0;
		}
	}
}

/* ------------------------------------------------------------------ lost segments of a close */

/* Which of the four segments is lost, and how often. Played out by two scripts in one: the stack closes
 * first, second, or at the same time. */
struct close {
	enum {
		STACK_FIRST,
		PEER_FIRST,
		TOGETHER
	} order;
	enum {
		OUR_FIN,
		ACK_OF_OURS,
		THEIR_FIN,
		ACK_OF_THEIRS
	} lost;
	unsigned times;
};

/* A peer that repeats its FIN each second until it is acknowledged. */
static void play_close(struct wire *w, const struct close *c)
{
	struct peer_state p = {.nxt = w->irs + 1, .seen = w->iss + 1};
	unsigned lost = 0;
	bool fin_acked = false, closed = false;
	const uint64_t limit = w->now_us + 600 * SECOND;
	uint64_t next_fin = c->order == STACK_FIRST ? UINT64_MAX : w->now_us;

	if (c->order != PEER_FIRST)
		wire_close(w);
	while (!(fin_acked && p.stack_fin && lost == c->times) && w->now_us < limit) {
		struct wire_packet *out;
		bool ack = false;
		while ((out = wire_take(w)) != NULL) {
			const char *what;
			struct seg g;
			check(w, wire_decode(out->bytes, out->len, &g, &what));
			test_free(out);
			check(w, !(g.flags & RST));
			const bool acks_fin = p.fin_sent && g.ack == w->irs + 2;
			if (((g.flags & FIN) && c->lost == OUR_FIN && lost < c->times) ||
			    (acks_fin && c->lost == ACK_OF_THEIRS && lost < c->times)) {
				lost++;
				continue;
			}
			take_in(&p, &g);
			fin_acked |= acks_fin;
			ack |= !!(g.flags & FIN);
		}
		if (ack && c->lost == ACK_OF_OURS && lost < c->times)
			lost++;
		else if (ack)
			send_seg(w, &p, ACK, 65535);
		if (p.stack_fin && next_fin == UINT64_MAX)
			next_fin = w->now_us; /* now it is the peer's turn */
		if (!fin_acked && w->now_us >= next_fin) {
			p.nxt = w->irs + 1;
			struct peer_state says = p;
			if (c->lost == ACK_OF_OURS && lost < c->times)
				says.seen = w->iss + 1; /* this one does not bring it either */
			if (c->lost == THEIR_FIN && lost < c->times)
				lost++;
			else
				send_seg(w, &says, FIN | ACK, 65535);
			p.nxt = w->irs + 2;
			p.fin_sent = true;
			next_fin = w->now_us + SECOND;
		}
		if (c->order == PEER_FIRST && !closed && wire_events(w, STACK_EVENT_PEER_FIN)) {
			wire_close(w);
			closed = true;
		}
		if (!w->out)
			advance_us(w, 100000);
	}
	check_equal(w, lost, c->times);
	check(w, fin_acked && p.stack_fin);
	/* The ACK that was lost last may still be owed. */
	if (wire_usage(w).connections > 0)
		send_seg(w, &p, ACK, 65535);
	check_equal(w, drain(w), 0);
	check_equal(w, wire_usage(w).connections, 0);
}

static void test_each_segment_of_a_close_is_lost_many_times(void **state)
{
	struct wire *w = *state;

	w->cfg.user_timeout_us = 3600 * SECOND;
	w->quiet = true;
	for (unsigned order = 0; order < 3; order++) {
		for (unsigned lost = 0; lost < 4; lost++) {
			for (unsigned times = 0; times <= 7; times++) {
				struct close c = {.times = times};
				c.order = order;
				c.lost = lost;
				wire_restart(w);
				wire_establish(w, "win 65535 <mss 1460>");
				play_close(w, &c);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_peer_falls_silent_in_every_state),
		WIRE_TEST(test_peer_closes_in_every_state),
		WIRE_TEST(test_peer_resets_in_every_state),
		WIRE_TEST(test_peer_shuts_its_window_in_every_state),
		WIRE_TEST(test_peer_takes_a_byte_at_a_time_in_every_state),
		WIRE_TEST(test_owner_is_told_of_a_silent_peer),
		WIRE_TEST(test_each_segment_of_a_close_is_lost_many_times),
	};

	return cmocka_run_group_tests_name("stack: endings", tests, NULL, NULL);
}
