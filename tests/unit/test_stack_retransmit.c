/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loss: the retransmission timer (RFC 6298), fast retransmit and NewReno (RFC 5681, 6582, 3042),
 * and acknowledgements that are out of the ordinary.
 */
#include <math.h>
#include <stdio.h>

#include "stack/tcp_types.h"
#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1000>"

static void inject_acks(struct wire *w, unsigned count, uint32_t ack)
{
	char line[64];

	snprintf(line, sizeof line, "* . 1:1(0) ack %u", ack);
	for (unsigned i = 0; i < count; i++)
		inject(w, line);
}

/* ------------------------------------------------------------------ the timer */

static void test_retransmission_backs_off_and_gives_up(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 100);
	expect(w, "0.000 P. 1:101(100) ack 1");
	expect(w, "~0.200 P. 1:101(100) ack 1");
	expect(w, "~0.600 P. 1:101(100) ack 1");
	expect(w, "~1.400 P. 1:101(100) ack 1");
	expect(w, "~3.000 P. 1:101(100) ack 1");
	expect(w, "~6.200 P. 1:101(100) ack 1");
	expect(w, "~12.60 P. 1:101(100) ack 1");
	expect(w, "~25.40 P. 1:101(100) ack 1");
	expect(w, "~51.00 P. 1:101(100) ack 1");
	expect(w, "> 100 P. 1:101(100) ack 1");
	check_equal(w, w->cfg.user_timeout_us, 120000000);
	expect_none(w, "119.9");
	expect_state(w, TCP_ESTABLISHED);
	expect(w, "~120.0 R. 101:101(0) ack 1"); /* RFC 9293 3.8.3: the peer may still be there */
	expect_closed(w, TCP_CLOSE_TIMEOUT);
	expect_state(w, TCP_CLOSED);
	check_equal(w, counters(w)->tcp_user_timeouts, 1);
	expect_none(w, "1000");
}

static void test_interval_is_at_most_a_minute(void **state)
{
	struct wire *w = *state;
	uint64_t last = 0, longest = 0;

	w->cfg.user_timeout_us = 3600ull * 1000000;
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	send_bytes(w, 100);
	for (unsigned i = 0; i < 40; i++) {
		expect(w, "* P. 1:101(100) ack 1");
		if (last && w->now_us - last > longest)
			longest = w->now_us - last;
		last = w->now_us;
	}
	check(w, longest >= TCP_RTO_MAX_US && longest <= TCP_RTO_MAX_US + 1000);
}

static void test_first_rto_is_one_second(void **state)
{
	struct wire *w = *state;

	/* The SYN-ACK was repeated, so nothing was measured (Karn). RFC 6298 5.7 asks for 3 s
	 * then. */
	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) " SYN_WORDS);
	expect(w, "0.000 S. 0:0(0) ack 1");
	expect(w, "1.000 S. 0:0(0) ack 1");
	inject(w, "1.100 . 1:1(0) ack 1");
	wire_accept(w);
	check_equal(w, wire_info(w).srtt_us, 0);
	check(w, wire_info(w).rto_us >= TCP_RTO_INITIAL_US && wire_info(w).rto_us <= 3000000);
}

/* RFC 6298 5.7: after the SYN had to be repeated, the RTO starts from 3 seconds. */
static void test_rto_after_a_lost_syn_is_three_seconds(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	expect(w, "1.000 S 0:0(0)");
	inject(w, "1.050 S. 0:0(0) ack 1 win 65535 <mss 1000>");
	expect(w, "1.050 . 1:1(0) ack 1");
	send_bytes(w, 100);
	expect(w, "1.050 P. 1:101(100) ack 1");
	expect_none(w, "4.0");
	expect(w, "~4.050 P. 1:101(100) ack 1");
}

/* The same computation as RFC 6298 2.2 and 2.3 in floating point. The floor of TCP_RTO_MIN_US
 * lies under the 4 * RTTVAR, see tcp_types.h. */
static void test_rto_follows_the_measured_times(void **state)
{
	static const unsigned ms[] = {100,  100, 100, 200, 50, 700, 20, 20,
				      1500, 300, 300, 300, 1,  1,   1};
	struct wire *w = *state;
	double srtt = 0.08, rttvar = 0.04;
	uint32_t at = 1;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) " SYN_WORDS);
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.080 . 1:1(0) ack 1"); /* the handshake is the first measurement */
	wire_accept(w);
	for (size_t i = 0; i <= sizeof ms / sizeof ms[0]; i++) {
		const struct tcp_info info = wire_info(w);
		const double margin = 4 * rttvar > 0.2 ? 4 * rttvar : 0.2;
		check(w, fabs((double)info.srtt_us / 1e6 - srtt) < 0.0005);
		check(w, fabs((double)info.rttvar_us / 1e6 - rttvar) < 0.0005);
		check(w, fabs((double)info.rto_us / 1e6 - (srtt + margin)) < 0.002);
		if (i == sizeof ms / sizeof ms[0])
			break;
		char line[64];
		send_bytes(w, 100);
		at += 100;
		check_equal(w, drain(w), 1);
		w->now_us += ms[i] * 1000; /* as if no timer could fire in between */
		snprintf(line, sizeof line, "* . 1:1(0) ack %u", at);
		hold(w);
		inject(w, line);
		release(w);
		drain(w);
		const double r = ms[i] / 1e3;
		rttvar = 0.75 * rttvar + 0.25 * fabs(srtt - r);
		srtt = 0.875 * srtt + 0.125 * r;
	}
	check_equal(w, wire_info(w).min_rtt_us, 1000);
}

static void test_retransmitted_segment_is_not_measured(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	const uint64_t srtt = wire_info(w).srtt_us;
	send_bytes(w, 100);
	expect(w, "0.000 P. 1:101(100) ack 1");
	expect(w, "~0.200 P. 1:101(100) ack 1");
	inject(w, "+0.050 . 1:1(0) ack 101"); /* Karn: of which of the two? */
	check_equal(w, wire_info(w).srtt_us, srtt);
	send_bytes(w, 100);
	expect(w, "* P. 101:201(100) ack 1");
	inject(w, "+0.080 . 1:1(0) ack 201");
	check(w, wire_info(w).srtt_us > srtt);
}

/* RFC 6298 3: one measurement a round trip, which a later segment does not begin anew. */
static void test_first_segment_in_flight_is_measured(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 100);
	expect(w, "0.000 P. 1:101(100) ack 1");
	advance_to(w, "0.050");
	send_bytes(w, 100);
	expect(w, "0.050 P. 101:201(100) ack 1");
	inject(w, "0.080 . 1:1(0) ack 101");
	check(w, wire_info(w).srtt_us >= 9900 && wire_info(w).srtt_us <= 10100); /* 80 ms / 8 */
}

static void test_backoff_ends_with_new_acknowledgement(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 100);
	expect(w, "0.000 P. 1:101(100) ack 1");
	expect(w, "~0.200 P. 1:101(100) ack 1");
	expect(w, "~0.600 P. 1:101(100) ack 1");
	inject(w, "+0.010 . 1:1(0) ack 101");
	send_bytes(w, 100);
	expect(w, "* P. 101:201(100) ack 1");
	const uint64_t sent = w->now_us;
	expect(w, "* P. 101:201(100) ack 1");
	check(w, w->now_us - sent < 250000);
}

/* RFC 6298 5.3: an ACK of new data starts the timer again. */
static void test_timer_restarts_with_each_new_ack(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 2000);
	check_equal(w, drain(w), 2);
	inject(w, "0.150 . 1:1(0) ack 1001");
	expect_none(w, "0.349");
	expect(w, "> 0.350 P. 1001:2001(1000) ack 1");
}

/* RFC 6298 5.3 says of new data: a repeated ACK must not put the timer off (smoltcp issue 224). */
static void test_timer_does_not_restart_with_repeated_acks(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 100);
	expect(w, "0.000 P. 1:101(100) ack 1");
	inject(w, "0.100 . 1:1(0) ack 1");
	inject(w, "0.190 P. 1:11(10) ack 1");
	expect(w, "0.190 . 101:101(0) ack 11");
	expect(w, "~0.200 P. 1:101(100) ack 11");
}

static void test_timeout_goes_back_and_starts_slowly(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 5000);
	check_equal(w, drain(w), 5);
	expect(w, "~0.200 . 1:1001(1000) ack 1");
	check_equal(w, wire_info(w).cwnd, 1000); /* RFC 5681 3.1: the loss window */
	check_equal(w, wire_info(w).ssthresh, 2500);
	expect_none(w, "0.250");
	inject(w, "0.250 . 1:1(0) ack 1001");
	expect(w, "0.250 . 1001:2001(1000) ack 1");
	expect(w, "0.250 . 2001:3001(1000) ack 1");
	expect_none(w, "0.260");
	inject(w, "0.260 . 1:1(0) ack 5001"); /* the rest had arrived the first time */
	expect_none(w, "10");
	check_equal(w, tcp_send_pending(w->c), 0);
}

static void test_ack_of_everything_after_a_timeout_resends_nothing(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 3000);
	check_equal(w, drain(w), 3);
	expect(w, "~0.200 . 1:1001(1000) ack 1");
	inject(w, "0.210 . 1:1(0) ack 3001"); /* beyond SND.NXT, within SND.MAX */
	expect_none(w, "10");
	check_equal(w, tcp_send_pending(w->c), 0);
	check_equal(w, counters(w)->tcp_challenge_acks, 0);
}

static void test_second_timeout_of_a_segment_keeps_ssthresh(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 500>"); /* small enough to be no black hole's */
	send_bytes(w, 5000);
	check_equal(w, drain(w), 10);
	expect(w, "~0.200 . 1:501(500) ack 1");
	check_equal(w, wire_info(w).ssthresh, 2500);
	expect(w, "~0.600 . 1:501(500) ack 1");
	check_equal(w, wire_info(w).ssthresh, 2500);
}

static void test_measured_time_is_clamped(void **state)
{
	struct wire *w = *state;

	w->cfg.user_timeout_us = 3600ull * 1000000;
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	for (uint32_t i = 1; i <= 20; i++) {
		char line[64];
		send_bytes(w, 100);
		drain(w);
		w->now_us += 100000000; /* nothing was heard for 100 s, not even by our timers */
		hold(w);
		snprintf(line, sizeof line, "* . 1:1(0) ack %u", 1 + i * 100);
		inject(w, line);
		release(w);
		drain(w);
	}
	check(w, wire_info(w).srtt_us > 60000000);
	check_equal(w, wire_info(w).rto_us, TCP_RTO_MAX_US);
}

/* ------------------------------------------------------------------ fast retransmit */

static void test_three_duplicate_acks_retransmit(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 10000);
	check_equal(w, drain(w), 10);
	inject(w, "0.010 . 1:1(0) ack 1001");
	inject(w, "0.010 . 1:1(0) ack 1001");
	inject(w, "0.011 . 1:1(0) ack 1001");
	expect_none(w, "0.012");
	inject(w, "0.012 . 1:1(0) ack 1001");
	expect(w, "0.012 . 1001:2001(1000) ack 1");
	check_equal(w, wire_info(w).ssthresh, 4500); /* half of the 9,000 in flight */
	inject(w, "0.020 . 1:1(0) ack 10001");
	expect_none(w, "10");
	const struct tcp_info info = wire_info(w);
	check(w, info.cwnd >= 1000 && info.cwnd <= 4500);
	check_equal(w, info.retransmits, 1);
	check_equal(w, counters(w)->tcp_fast_retransmits, 1);
	check_equal(w, counters(w)->tcp_timeouts, 0);
}

/* RFC 3042: the first two duplicates each let a new segment out. */
static void test_limited_transmit(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 13000);
	check_equal(w, drain(w), 10);
	inject_acks(w, 1, 1);
	expect(w, "* . 10001:11001(1000) ack 1");
	inject_acks(w, 1, 1);
	expect(w, "* . 11001:12001(1000) ack 1");
	inject_acks(w, 1, 1);
	expect(w, "* . 1:1001(1000) ack 1");
	expect_none(w, "0.010");
}

/* RFC 6582: a partial ACK shows the next hole, with no further duplicates or time-out. */
static void test_partial_ack_retransmits_the_next_hole(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 10000);
	check_equal(w, drain(w), 10);
	inject_acks(w, 3, 1);
	expect(w, "0.000 . 1:1001(1000) ack 1");
	inject(w, "0.010 . 1:1(0) ack 3001");
	expect(w, "0.010 . 3001:4001(1000) ack 1");
	inject(w, "0.020 . 1:1(0) ack 7001");
	expect(w, "0.020 . 7001:8001(1000) ack 1");
	inject(w, "0.030 . 1:1(0) ack 10001");
	expect_none(w, "10");
	check_equal(w, wire_info(w).retransmits, 3);
	check_equal(w, counters(w)->tcp_fast_retransmits, 1);
	check_equal(w, counters(w)->tcp_timeouts, 0);
}

static void test_duplicates_in_recovery_let_new_data_out(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 20000);
	check_equal(w, drain(w), 10);
	inject_acks(w, 1, 1);
	check_equal(w, drain(w), 1);
	inject_acks(w, 1, 1);
	check_equal(w, drain(w), 1);
	inject_acks(w, 1, 1);
	expect(w, "* . 1:1001(1000) ack 1");
	/* ssthresh is 6,000, the window 9,000 and grows by one with each duplicate. 12,000 are
	 * out. */
	inject_acks(w, 3, 1);
	check_equal(w, wire_waiting(w), 0);
	inject_acks(w, 1, 1);
	expect(w, "* . 12001:13001(1000) ack 1");
	inject_acks(w, 1, 1);
	expect(w, "* . 13001:14001(1000) ack 1");
}

static void test_loss_of_the_retransmission_is_found_by_the_timer(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 10000);
	check_equal(w, drain(w), 10);
	inject_acks(w, 3, 1);
	expect(w, "0.000 . 1:1001(1000) ack 1");
	inject_acks(w, 6, 1);
	expect(w, "> 0.150 . 1:1001(1000) ack 1");
	check_equal(w, counters(w)->tcp_timeouts, 1);
	inject(w, "+0.010 . 1:1(0) ack 10001");
	expect_none(w, "10");
}

static void test_lost_tail_is_found_by_the_timer(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 3000);
	check_equal(w, drain(w), 3);
	inject(w, "0.010 . 1:1(0) ack 2001");
	expect(w, "> 0.200 P. 2001:3001(1000) ack 1");
	inject(w, "+0.010 . 1:1(0) ack 3001");
	expect_none(w, "10");
}

/* RFC 5681 2: what is no duplicate acknowledgement. */
static void test_acks_that_are_no_duplicates(void **state)
{
	struct wire *w = *state;
	unsigned i;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 10000);
	check_equal(w, drain(w), 10);
	for (i = 0; i < 6; i++) { /* each says something new about the window */
		char line[64];
		snprintf(line, sizeof line, "* . 1:1(0) ack 1 win %u", 60000 - i);
		inject(w, line);
	}
	for (i = 0; i < 6; i++) { /* each carries data */
		char line[64];
		snprintf(line, sizeof line, "* . %u:%u(10) ack 1 win 59995", 1 + 10 * i,
			 11 + 10 * i);
		inject(w, line);
		drain(w);
	}
	expect_none(w, "0.100");
	check_equal(w, wire_info(w).dup_acks_in, 0);
	check_equal(w, counters(w)->tcp_fast_retransmits, 0);
}

static void test_duplicate_acks_with_nothing_in_flight(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject_acks(w, 10, 1);
	send_bytes(w, 1000);
	expect(w, "* P. 1:1001(1000) ack 1");
	expect_none(w, "0.100");
	check_equal(w, wire_info(w).dup_acks_in, 0);
}

/* ------------------------------------------------------------ acknowledgements out of the ordinary */

static void test_old_ack_is_ignored(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 1000);
	expect(w, "0.000 P. 1:1001(1000) ack 1");
	inject(w, "0.010 . 1:1(0) ack 1001");
	inject(w, "0.020 . 1:1(0) ack 501");
	inject(w, "0.020 . 1:1(0) ack 1");
	expect_none(w, "1.0");
	check_equal(w, wire_info(w).snd_una, w->iss + 1001);
}

/* RFC 5961 5.2: older than the largest window ever seen cannot be honest. */
static void test_ancient_ack_is_challenged(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 P. 1:101(100) ack -65535");
	expect(w, "0.010 . 1:1(0) ack 1");
	inject(w, "0.020 P. 1:101(100) ack -100000");
	expect(w, "0.020 . 1:1(0) ack 1");
	inject(w, "0.030 P. 1:101(100) ack -2000000000");
	expect(w, "0.030 . 1:1(0) ack 1");
	check_equal(w, wire_info(w).rcv_nxt, w->irs + 1);
	inject(w, "0.040 P. 1:101(100) ack -1000"); /* old, yet possible: its data count */
	expect(w, "0.040 . 1:1(0) ack 101");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_retransmission_backs_off_and_gives_up),
		WIRE_TEST(test_interval_is_at_most_a_minute),
		WIRE_TEST(test_first_rto_is_one_second),
		WIRE_TEST(test_rto_after_a_lost_syn_is_three_seconds),
		WIRE_TEST(test_rto_follows_the_measured_times),
		WIRE_TEST(test_retransmitted_segment_is_not_measured),
		WIRE_TEST(test_backoff_ends_with_new_acknowledgement),
		WIRE_TEST(test_timer_restarts_with_each_new_ack),
		WIRE_TEST(test_timer_does_not_restart_with_repeated_acks),
		WIRE_TEST(test_timeout_goes_back_and_starts_slowly),
		WIRE_TEST(test_ack_of_everything_after_a_timeout_resends_nothing),
		WIRE_TEST(test_second_timeout_of_a_segment_keeps_ssthresh),
		WIRE_TEST(test_measured_time_is_clamped),
		WIRE_TEST(test_three_duplicate_acks_retransmit),
		WIRE_TEST(test_limited_transmit),
		WIRE_TEST(test_partial_ack_retransmits_the_next_hole),
		WIRE_TEST(test_duplicates_in_recovery_let_new_data_out),
		WIRE_TEST(test_loss_of_the_retransmission_is_found_by_the_timer),
		WIRE_TEST(test_lost_tail_is_found_by_the_timer),
		WIRE_TEST(test_acks_that_are_no_duplicates),
		WIRE_TEST(test_duplicate_acks_with_nothing_in_flight),
		WIRE_TEST(test_old_ack_is_ignored),
		WIRE_TEST(test_ancient_ack_is_challenged),
		WIRE_TEST(test_first_segment_in_flight_is_measured),
	};

	return cmocka_run_group_tests_name("stack: retransmission", tests, NULL, NULL);
}
