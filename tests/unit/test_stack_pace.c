/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pacing of bursts (stack/tcp_pace.h): what leaves back to back, when the rest follows, and who is spared. The
 * numbers are for segments of 1000 bytes, so that the initial window is 10,000 (RFC 6928).
 */
#include <stdio.h>

#include "stack/timer_wheel.h"
#include "tests/unit/wire.h"

#define TICK_US ((uint64_t)1 << TIMER_TICK_SHIFT)

struct burst {
	uint64_t at_us; /* since the test began */
	size_t bytes, packets, largest;
};

/* A handshake that takes `rtt_us`, so that SRTT is known and exact. */
static void establish(struct wire *w, uint64_t rtt_us, unsigned mss)
{
	char text[80];

	wire_listen(w, WIRE_PORT, 16);
	snprintf(text, sizeof text, "+0 S 0:0(0) win 65535 <mss %u,wscale 8>", mss);
	inject(w, text);
	check_equal(w, drain(w), 1);
	advance_us(w, rtt_us);
	inject(w, "+0 . 1:1(0) ack 1 win 65535");
	wire_accept(w);
	check_equal(w, wire_info(w).srtt_us, rtt_us);
}

static void ack(struct wire *w, uint32_t upto)
{
	char text[64];

	snprintf(text, sizeof text, "* . 1:1(0) ack %u win 65535", upto + 1);
	inject(w, text);
}

/* Never short of data. */
static void fill(struct wire *w)
{
	send_bytes(w, tcp_send_space(w->c));
}

/* A round trip at whose end one ACK covers everything. */
static void ack_all_after_a_round(struct wire *w, uint64_t rtt_us)
{
	advance_us(w, rtt_us - 1000);
	const uint32_t out = wire_info(w).snd_nxt - w->iss - 1;
	advance_us(w, 1000);
	drain(w);
	ack(w, out);
	fill(w);
}

/* What has been sent and not looked at, by the time at which it left. Returns the number of bursts. */
static size_t bursts(struct wire *w, struct burst *b, size_t max)
{
	size_t n = 0;

	for (struct wire_packet *p; (p = wire_take(w)) != NULL; test_free(p)) {
		const size_t bytes = p->len - 40;
		if (n == 0 || b[n - 1].at_us != p->at_us - w->start_us) {
			check(w, n < max);
			b[n++] = (struct burst){.at_us = p->at_us - w->start_us};
		}
		b[n - 1].packets++;
		b[n - 1].bytes += bytes;
		if (bytes > b[n - 1].largest)
			b[n - 1].largest = bytes;
	}
	return n;
}

static void check_burst(struct wire *w, const struct burst *b, uint64_t at_us, size_t bytes)
{
	check_equal(w, b->bytes, bytes);
	check(w, b->at_us >= at_us && b->at_us < at_us + TICK_US);
}

/* ------------------------------------------------------------------ the rule */

static void test_initial_window_leaves_at_once(void **state)
{
	struct wire *w = *state;
	struct burst b[4];

	establish(w, 100000, 1000);
	send_bytes(w, 60000);
	advance_us(w, 90000);
	check_equal(w, bursts(w, b, 4), 1);
	check_burst(w, &b[0], 100000, 10000);
}

/* One ACK for the whole window lets out two windows. At 2 * 20,000 bytes in 100 ms two segments take 5 ms. */
static void test_stretch_ack_makes_no_burst(void **state)
{
	struct wire *w = *state;
	struct burst b[8];

	establish(w, 100000, 1000);
	send_bytes(w, 60000);
	drain(w);
	advance_us(w, 100000);
	ack(w, 10000);
	check_equal(w, wire_info(w).cwnd, 20000);
	check_equal(w, wire_info(w).pacing_rate, 400000);
	advance_us(w, 90000);
	check_equal(w, bursts(w, b, 8), 6);
	check_burst(w, &b[0], 200000, 10000);
	for (unsigned i = 1; i < 6; i++)
		check_burst(w, &b[i], 200000 + i * 5000, 2000);
	check_equal(w, wire_info(w).snd_nxt - wire_info(w).snd_una, 20000);
}

/* The window is never left unused for the pacing: all of it is out within a round trip. */
static void test_whole_window_leaves_within_a_round_trip(void **state)
{
	struct wire *w = *state;

	establish(w, 100000, 1000);
	fill(w);
	for (unsigned round = 0; round < 5; round++) {
		ack_all_after_a_round(w, round == 0 ? 100000 : 40000);
		advance_us(w, 60000);
		const struct tcp_info info = wire_info(w);
		check_equal(w, info.snd_nxt - info.snd_una, info.cwnd);
	}
	drain(w);
}

static void test_rate_follows_window_and_phase(void **state)
{
	struct wire *w = *state;

	establish(w, 100000, 1000);
	check_equal(w, wire_info(w).pacing_rate, 200000);
	fill(w);
	drain(w);
	advance_us(w, 100000);
	ack(w, 10000);
	fill(w);
	advance_us(w, 50000);
	drain(w);
	/* Loss: NewReno halves, and within recovery nothing is paced. */
	for (unsigned i = 0; i < 3; i++) {
		ack(w, 10000);
		drain(w);
	}
	check_equal(w, wire_info(w).pacing_rate, 0);
	const uint32_t all = wire_info(w).snd_max - w->iss - 1;
	advance_us(w, 100000);
	ack(w, all);
	for (unsigned i = 0; wire_info(w).cwnd < wire_info(w).ssthresh && i < 20; i++)
		ack_all_after_a_round(w, 100000);
	advance_us(w, 90000);
	drain(w);
	const struct tcp_info full = wire_info(w);
	check(w, full.cwnd >= full.ssthresh); /* congestion avoidance, and the pipe is full */
	check(w, full.pipe >= full.cwnd - full.cwnd / 4);
	check_equal(w, full.pacing_rate, (uint64_t)full.cwnd * 12 / 10 * 1000000 / full.srtt_us);
}

/* ------------------------------------------------------------------ who is spared */

static void test_response_within_the_initial_window_never_waits(void **state)
{
	struct wire *w = *state;
	struct burst b[4];
	uint32_t sent = 0;

	establish(w, 100000, 1000);
	for (unsigned i = 0; i < 20; i++) {
		send_bytes(w, 10000);
		sent += 10000;
		check_equal(w, bursts(w, b, 4), 1);
		check_equal(w, b[0].bytes, 10000);
		/* Sooner than a round trip, as from a cache nearby: no debt is left over from the last. */
		advance_us(w, 100 * (i + 1));
		ack(w, sent);
	}
	for (unsigned i = 0; i < 20; i++) { /* and in pieces, with something in flight */
		send_bytes(w, 4000);
		send_bytes(w, 6000);
		sent += 10000;
		check_equal(w, bursts(w, b, 4), 1);
		check_equal(w, b[0].bytes, 10000);
		ack(w, sent);
	}
}

static void test_short_round_trip_is_not_paced(void **state)
{
	struct wire *w = *state;
	uint32_t sent = 0;

	establish(w, 1000, 1000);
	fill(w);
	for (unsigned round = 0; round < 6; round++) {
		const struct tcp_info info = wire_info(w);
		check_equal(w, info.pacing_rate, 0);
		check_equal(w, info.snd_nxt - info.snd_una, info.cwnd); /* all of it, at once */
		drain(w);
		sent += info.cwnd;
		advance_us(w, 1000);
		ack(w, sent);
		fill(w);
	}
	check_equal(w, wire_info(w).cwnd, 640000);
	drain(w);
}

static void test_unknown_round_trip_is_not_paced(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1000>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	expect(w, "1.000 S. 0:0(0) ack 1"); /* repeated: Karn, no sample */
	inject(w, "1.100 . 1:1(0) ack 1 win 65535");
	wire_accept(w);
	check_equal(w, wire_info(w).srtt_us, 0);
	check_equal(w, wire_info(w).pacing_rate, 0);
	send_bytes(w, 30000);
	check_equal(w, drain(w), 10);
}

static void test_pacing_can_be_switched_off(void **state)
{
	struct wire *w = *state;
	struct burst b[4];

	w->cfg.pacing = false;
	wire_restart(w);
	establish(w, 100000, 1000);
	send_bytes(w, 60000);
	drain(w);
	advance_us(w, 100000);
	ack(w, 10000);
	check_equal(w, wire_info(w).pacing_rate, 0);
	check_equal(w, bursts(w, b, 4), 1);
	check_equal(w, b[0].bytes, 20000);
}

/* PRR and NewReno spread recovery themselves: what is lost goes out at once. */
static void test_retransmission_does_not_wait(void **state)
{
	struct wire *w = *state;

	establish(w, 100000, 1000);
	send_bytes(w, 60000);
	drain(w);
	advance_us(w, 100000);
	ack(w, 10000);
	check_equal(w, drain(w), 10);
	for (unsigned i = 0; i < 2; i++)
		ack(w, 10000);
	drain(w); /* limited transmit may wait for the rate or not */
	check(w, wire_info(w).snd_nxt - wire_info(w).snd_una < 20000);
	ack(w, 10000);
	expect(w, "0.200 . 10001:11001(1000) ack 1");
}

/* ------------------------------------------------------------------ time */

/* Nobody is early, and the owner is told the time. */
static void test_next_timeout_is_when_the_quantum_may_leave(void **state)
{
	struct wire *w = *state;

	establish(w, 100000, 1000);
	send_bytes(w, 60000);
	drain(w);
	advance_us(w, 100000);
	ack(w, 10000);
	check_equal(w, drain(w), 10);
	const uint64_t due = w->now_us + 5000;
	check(w, stack_next_timeout(w->s) > w->now_us);
	check(w, stack_next_timeout(w->s) <= due + TICK_US);
	while (wire_waiting(w) == 0) {
		const uint64_t next = stack_next_timeout(w->s);
		check(w, next > w->now_us && next <= due + TICK_US);
		advance_us(w, next - w->now_us);
	}
	check(w, w->now_us >= due);
	check_equal(w, drain(w), 2);
}

/* A loop that was busy elsewhere sends no more at once than the initial window and a millisecond's worth. */
static void test_late_owner_makes_no_burst(void **state)
{
	struct wire *w = *state;
	struct burst b[4];

	establish(w, 100000, 1000);
	fill(w);
	drain(w);
	advance_us(w, 100000);
	ack(w, 10000);
	advance_us(w, 99000);
	drain(w);
	ack(w, 30000);
	check_equal(w, wire_info(w).cwnd, 40000);
	check_equal(w, bursts(w, b, 4), 1);
	w->now_us += 90000; /* behind the back of everybody */
	advance_us(w, 0);
	check_equal(w, bursts(w, b, 4), 1);
	check_equal(w, b[0].bytes, 10000);
}

/* A timer fires up to a tick late; that must not slow the flow: 36 quanta take as long as the rate says. */
static void test_ticks_cost_no_rate(void **state)
{
	struct wire *w = *state;
	struct burst b[100];

	establish(w, 100000, 1000);
	fill(w);
	for (unsigned round = 0; round < 4; round++)
		ack_all_after_a_round(w, 100000);
	const struct tcp_info info = wire_info(w);
	check(w, info.cwnd >= 80000);
	advance_us(w, 90000);
	const size_t n = bursts(w, b, 100);
	size_t bytes = 0;
	for (size_t i = 0; i < n; i++)
		bytes += b[i].bytes;
	check(w, n > 10);
	/* The first is the burst that is allowed; the others come at the rate. */
	const uint64_t us = b[n - 1].at_us - b[0].at_us;
	const uint64_t paid = (uint64_t)(bytes - b[0].bytes) * 1000000 / info.pacing_rate;
	check(w, us <= paid + TICK_US && us + 2 * TICK_US >= paid);
}

/* On a slow path two segments are the quantum, and never less. */
static void test_slow_path_sends_pairs(void **state)
{
	struct wire *w = *state;
	struct burst b[16];

	establish(w, 900000, 1000);
	send_bytes(w, 60000);
	drain(w);
	advance_us(w, 900000);
	ack(w, 10000);
	advance_us(w, 800000);
	check_equal(w, bursts(w, b, 16), 6);
	for (unsigned i = 1; i < 6; i++)
		check_burst(w, &b[i], 1800000 + i * 45000, 2000);
}

/* ------------------------------------------------------------------ super segments */

/* 2 * 320 segments in 20 ms: a millisecond's worth is 32 segments, and leaves as one packet. */
static void test_super_segments_leave_a_quantum_at_a_time(void **state)
{
	struct wire *w = *state;
	struct burst b[64];

	w->cfg.checksum_offload = w->cfg.tso = true;
	wire_restart(w);
	establish(w, 20000, 1000);
	fill(w);
	for (unsigned round = 0; round < 5; round++)
		ack_all_after_a_round(w, 20000);
	const uint32_t cwnd = wire_info(w).cwnd;
	check_equal(w, cwnd, 320000);
	check_equal(w, wire_info(w).pacing_rate, 32000000);
	advance_us(w, 19000);
	const size_t n = bursts(w, b, 64);
	check(w, n >= 9 && n <= 11);
	for (size_t i = 0; i < n; i++) {
		check(w, b[i].bytes <= 32000 + 32 * TICK_US + 1000);
		check_equal(w, b[i].bytes % 1000, 0);
		check(w, i == 0 || i + 1 == n || b[i].at_us - b[i - 1].at_us >= 1000 - TICK_US);
		check(w, b[i].packets == 1);
	}
	check_equal(w, wire_info(w).snd_nxt - wire_info(w).snd_una, cwnd);
}

/* With SACK blocks in the header a full segment has 988 bytes. A quantum that is no multiple of that leaves no sliver. */
static void test_quantum_is_cut_into_full_segments(void **state)
{
	struct wire *w = *state;

	w->cfg.checksum_offload = w->cfg.tso = true;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	inject(w, "+0 S 0:0(0) win 65535 <mss 1000,wscale 8,sackOK>");
	drain(w);
	inject(w, "+0.020 . 1:1(0) ack 1 win 65535");
	wire_accept(w);
	inject(w,
	       "* P. 101:201(100) ack 1 win 65535"); /* a gap: from now on each segment reports it */
	drain(w);
	fill(w);
	for (unsigned round = 0; round < 6; round++) {
		char text[80];
		size_t packets = 0;
		advance_us(w, 19000);
		for (struct wire_packet *p; (p = wire_take(w)) != NULL; test_free(p), packets++) {
			const size_t bytes = p->len - 40 - 12;
			if (bytes > 988)
				check_equal(w, p->gso_size, 988);
			check_equal(w, bytes % 988, 0);
		}
		check(w, packets > 0);
		advance_us(w, 1000);
		snprintf(text, sizeof text, "* . 1:1(0) ack %u win 65535",
			 wire_info(w).snd_nxt - w->iss);
		inject(w, text);
		fill(w);
	}
	drain(w);
}

/* ------------------------------------------------------------------ what happens while it waits */

static void wait_behind_a_burst(struct wire *w)
{
	establish(w, 100000, 1000);
	send_bytes(w, 25500);
	drain(w);
	advance_us(w, 100000);
	ack(w, 10000);
	check_equal(w, drain(w), 10);
}

static void test_fin_follows_the_last_paced_segment(void **state)
{
	struct wire *w = *state;

	wait_behind_a_burst(w);
	wire_shutdown(w);
	expect(w, "0.205 . 20001:21001(1000) ack 1");
	expect(w, "0.205 . 21001:22001(1000) ack 1");
	expect(w, "0.210 . 22001:23001(1000) ack 1");
	expect(w, "0.210 . 23001:24001(1000) ack 1");
	/* What is less than a quantum waits for its own bytes only. */
	expect(w, "0.214 . 24001:25001(1000) ack 1");
	expect(w, "0.214 FP. 25001:25501(500) ack 1");
	inject(w, "0.300 . 1:1(0) ack 25502 win 65535");
	expect_state(w, TCP_FIN_WAIT_2);
}

static void test_closed_connection_sends_the_rest_at_its_rate(void **state)
{
	struct wire *w = *state;

	wait_behind_a_burst(w);
	wire_close(w);
	advance_us(w, 50000);
	check_equal(w, drain(w), 6);
	inject(w, "0.300 F. 1:1(0) ack 25502 win 65535");
	expect_state(w, TCP_TIME_WAIT);
	drain(w);
}

/* The timer goes with the connection: wire_teardown finds none. */
static void test_reset_while_waiting_leaves_nothing(void **state)
{
	struct wire *w = *state;

	wait_behind_a_burst(w);
	inject(w, "* R 1:1(0)");
	expect_closed(w, TCP_CLOSE_RESET);
	check_equal(w, stack_next_timeout(w->s), UINT64_MAX);
}

static void test_ack_while_waiting_lets_out_what_the_window_adds(void **state)
{
	struct wire *w = *state;

	wait_behind_a_burst(w);
	inject(w, "0.201 . 1:1(0) ack 16001 win 65535"); /* 4,000 in flight: the other 5,500 fit */
	check_equal(w, drain(w), 6);
	check_equal(w, wire_info(w).snd_nxt - w->iss - 1, 25500);
	expect_none(w, "0.390");
}

static void test_window_that_shuts_while_waiting_is_probed(void **state)
{
	struct wire *w = *state;

	wait_behind_a_burst(w);
	inject(w, "0.201 . 1:1(0) ack 20001 win 0");
	expect_none(w, "0.390");
	expect(w, "* . 20001:20002(1) ack 1"); /* the persist timer, not the pacing timer */
	inject(w, "+0.001 . 1:1(0) ack 20001 win 65535");
	check_equal(w, drain(w), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_initial_window_leaves_at_once),
		WIRE_TEST(test_stretch_ack_makes_no_burst),
		WIRE_TEST(test_whole_window_leaves_within_a_round_trip),
		WIRE_TEST(test_rate_follows_window_and_phase),
		WIRE_TEST(test_response_within_the_initial_window_never_waits),
		WIRE_TEST(test_short_round_trip_is_not_paced),
		WIRE_TEST(test_unknown_round_trip_is_not_paced),
		WIRE_TEST(test_pacing_can_be_switched_off),
		WIRE_TEST(test_retransmission_does_not_wait),
		WIRE_TEST(test_next_timeout_is_when_the_quantum_may_leave),
		WIRE_TEST(test_late_owner_makes_no_burst),
		WIRE_TEST(test_ticks_cost_no_rate),
		WIRE_TEST(test_slow_path_sends_pairs),
		WIRE_TEST(test_super_segments_leave_a_quantum_at_a_time),
		WIRE_TEST(test_quantum_is_cut_into_full_segments),
		WIRE_TEST(test_fin_follows_the_last_paced_segment),
		WIRE_TEST(test_closed_connection_sends_the_rest_at_its_rate),
		WIRE_TEST(test_reset_while_waiting_leaves_nothing),
		WIRE_TEST(test_ack_while_waiting_lets_out_what_the_window_adds),
		WIRE_TEST(test_window_that_shuts_while_waiting_is_probed),
	};

	return cmocka_run_group_tests_name("stack: pacing", tests, NULL, NULL);
}
