/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syncookie.h — scripts in which the stack answers with SYN cookies. Its initial sequence numbers are cookies then,
 * so a script takes w->iss from the SYN-ACK.
 */
#ifndef TESTS_UNIT_SYNCOOKIE_H
#define TESTS_UNIT_SYNCOOKIE_H

#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1460>"
#define ALL_WORDS "win 65535 <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>"
#define PERIOD_US 64000000ull
#define FILLER "port 999"

/* ------------------------------------------------------------------ the way to a cookie */

/* A cache of one entry, and somebody is in it. */
static inline void fill_cache(struct wire *w)
{
	inject(w, "* S 0:0(0) " SYN_WORDS " " FILLER);
	check_equal(w, drain(w), 1);
	check_equal(w, wire_usage(w).half_open, 1);
}

static inline void empty_cache(struct wire *w)
{
	inject(w, "* R 1:1(0) " FILLER);
	check_equal(w, wire_usage(w).half_open, 0);
}

static inline void small_cache(struct wire *w)
{
	w->cfg.max_half_open = 1;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
}

/* The SYN-ACK that comes next; its number is the stack's from now on. */
static inline struct seg take_syn_ack(struct wire *w)
{
	struct wire_packet *p = wire_take(w);
	struct seg g = {0};
	const char *what = "";

	check(w, p != NULL);
	check(w, wire_decode(p->bytes, p->len, &g, &what));
	g.payload = NULL;
	test_free(p);
	check_equal(w, g.flags & (SYN | ACK | FIN | RST), SYN | ACK);
	check_equal(w, g.ack, w->irs + 1);
	check_equal(w, wire_waiting(w), 0);
	w->iss = g.seq;
	return g;
}

/* This SYN meets a full cache. */
static inline struct seg cookie_for(struct wire *w, const char *syn)
{
	const uint64_t before = counters(w)->tcp_syn_cookies_sent;

	fill_cache(w);
	const size_t memory = wire_usage(w).memory;
	inject(w, syn);
	check_equal(w, wire_usage(w).memory, memory);
	check_equal(w, wire_usage(w).half_open, 1);
	check_equal(w, counters(w)->tcp_syn_cookies_sent, before + 1);
	const struct seg g = take_syn_ack(w);
	expect_state(w, TCP_CLOSED);
	empty_cache(w);
	return g;
}

static inline void give_up(struct wire *w)
{
	wire_abort(w);
	drain(w);
}

#endif
