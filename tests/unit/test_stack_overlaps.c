/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments that come in any order, lie upon each other in any way, or are as small as can be: the
 * stream is the stream, and the memory has its limit.
 */
#include <stdio.h>

#include "tests/unit/wire.h"

#define PIECES 5u
#define PIECE 100u
#define ORDERS 120u

/* The n-th permutation of 0 … 4. */
static void permutation(unsigned n, unsigned order[PIECES])
{
	unsigned left[PIECES] = {0, 1, 2, 3, 4}, of = ORDERS;

	for (unsigned i = 0; i < PIECES; i++) {
		of /= PIECES - i;
		const unsigned k = n / of % (PIECES - i);
		order[i] = left[k];
		for (unsigned j = k; j + 1 < PIECES - i; j++)
			left[j] = left[j + 1];
	}
}

/* Each of the five as it should be, reaching far back over others, or forward over a part of the next. */
static void send_piece(struct wire *w, uint32_t at, unsigned piece, unsigned how)
{
	uint32_t from = piece * PIECE, to = from + PIECE;
	struct seg g = wire_seg(w, "P. 1:1(0) ack 1");

	if (how == 1)
		from -= from < 150 ? from : 150;
	if (how == 2)
		to = to + 70 < PIECES * PIECE ? to + 70 : PIECES * PIECE;
	g.seq = w->irs + at + from;
	g.len = to - from;
	wire_inject_seg(w, &g);
}

static void test_every_order_with_every_overlap(void **state)
{
	struct wire *w = *state;
	uint32_t at = 1;

	w->quiet = true;
	wire_establish(w, "win 65535 <mss 1460,sackOK>");
	for (unsigned overlap = 0; overlap < 243; overlap++) {
		for (unsigned n = 0; n < ORDERS; n++, at += PIECES * PIECE) {
			unsigned order[PIECES];
			permutation(n, order);
			for (unsigned i = 0; i < PIECES; i++) {
				static const unsigned power[PIECES] = {1, 3, 9, 27, 81};
				send_piece(w, at, order[i], overlap / power[order[i]] % 3);
			}
			recv_bytes(w, PIECES * PIECE);
			drain(w);
		}
	}
	check_equal(w, wire_info(w).rcv_nxt, w->irs + at);
	check_equal(w, wire_info(w).recv_queued, 0);
}

/* Sixteen peers send single bytes with gaps, from both ends of the window: no more than the limit is
 * taken, what is kept is right, and when the gaps are filled everything has arrived. */
static void test_single_bytes_with_gaps_under_a_memory_cap(void **state)
{
	struct wire *w = *state;
	enum {
		CONNS = 16,
		BYTES = 400
	};
	struct tcp_conn *conn[CONNS];

	w->quiet = true;
	w->cfg.memory_limit = 96 * 1024;
	w->cfg.recv_buffer_max = 16384;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, CONNS);
	for (uint16_t i = 0; i < CONNS; i++) {
		w->rport = (uint16_t)(1000 + i);
		inject(w, "* S 0:0(0) win 65535 <mss 1460,sackOK>");
		drain(w);
		inject(w, "* . 1:1(0) ack 1");
		conn[i] = wire_accept(w);
	}
	for (uint32_t n = 0; n < BYTES / 2; n++) {
		for (uint16_t i = 0; i < CONNS; i++) {
			struct seg g = wire_seg(w, ". 1:1(0) ack 1");
			w->rport = g.sport = (uint16_t)(1000 + i);
			g.len = 1;
			g.seq = w->irs + 1 + (n % 2 ? BYTES - n : n + 1);
			wire_inject_seg(w, &g);
			g.seq = w->irs + 1 + 16000 - 2 * n;
			wire_inject_seg(w, &g);
			drain(w);
			check(w, wire_usage(w).memory <= w->cfg.memory_limit);
		}
	}
	check(w, counters(w)->tcp_out_of_order_dropped + counters(w)->tcp_memory_drops > 0);
	for (uint16_t i = 0; i < CONNS; i++) {
		w->rport = (uint16_t)(1000 + i);
		w->c = conn[i];
		w->received = 0;
		struct seg g = wire_seg(w, "P. 1:1(0) ack 1");
		g.len = BYTES;
		g.seq = w->irs + 1;
		wire_inject_seg(w, &g);
		drain(w);
		check(w, wire_info(w).rcv_nxt - w->irs - 1 >= BYTES);
		recv_bytes(w, wire_info(w).rcv_nxt - w->irs - 1);
		wire_abort(w);
		drain(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_every_order_with_every_overlap),
		WIRE_TEST(test_single_bytes_with_gaps_under_a_memory_cap),
	};

	return cmocka_run_group_tests_name("stack: overlaps", tests, NULL, NULL);
}
