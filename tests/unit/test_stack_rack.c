/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Losses found by time (RACK, RFC 8985 section 6): what is overdue, how much reordering is borne with, and
 * retransmissions that are lost in turn. The path takes 10 ms, so the reordering window is 2.5 ms.
 */
#include <stdio.h>

#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1000,sackOK>"

static void establish(struct wire *w)
{
	wire_listen(w, WIRE_PORT, 4);
	inject(w, "0.000 S 0:0(0) " SYN_WORDS);
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.010 . 1:1(0) ack 1 win 65535");
	wire_accept(w);
}

/* Ten segments of 1,000 bytes are out since 0.010, 1:10001. */
static void ten_out(struct wire *w, size_t bytes)
{
	establish(w);
	send_bytes(w, bytes);
	check_equal(w, drain(w), 10);
}

/* ------------------------------------------------------------------ step 5: what is overdue is lost */

static void test_one_block_and_the_reordering_window_mean_lost(void **state)
{
	struct wire *w = *state;

	ten_out(w, 10000);
	inject(w, "0.020 . 1:1(0) ack 1 <nop,nop,sack 1001:2001>");
	check_equal(w, wire_info(w).reo_wnd_us, 2500);
	assert_string_equal(wire_info(w).timer, "reorder");
	expect_none(w, "0.0224");
	expect(w, "0.0225 . 1:1001(1000) ack 1");
	assert_string_equal(wire_info(w).recovery, "recovery");
	assert_string_equal(wire_info(w).timer, "retransmit");
	check_equal(w, counters(w)->tcp_rack_timeouts, 1);
	check_equal(w, counters(w)->tcp_fast_retransmits, 1);
	inject(w, "0.030 . 1:1(0) ack 10001");
	check_equal(w, counters(w)->tcp_timeouts, 0);
}

static void test_what_was_sent_behind_the_block_is_not_lost(void **state)
{
	struct wire *w = *state;

	ten_out(w, 10000);
	inject(w, "0.020 . 1:1(0) ack 1 <nop,nop,sack 3001:9001>");
	expect(w, "* . 1:1001(1000) ack 1");
	expect(w, "* . 1001:2001(1000) ack 1");
	expect(w, "* . 2001:3001(1000) ack 1");
	check_equal(w, wire_info(w).lost, 0);
	inject(w, "0.030 . 1:1(0) ack 10001");
	expect_none(w, "10");
}

/* Step 4: DupThresh counts at once as long as nothing has come out of order. */
static void test_dup_thresh_needs_no_window(void **state)
{
	struct wire *w = *state;

	ten_out(w, 10000);
	inject(w, "0.020 . 1:1(0) ack 1 <nop,nop,sack 1001:3001>");
	check_equal(w, wire_waiting(w), 0);
	inject(w, "0.020 . 1:1(0) ack 1 <nop,nop,sack 1001:4001>");
	expect(w, "0.020 . 1:1001(1000) ack 1");
	check_equal(w, wire_info(w).reo_wnd_us, 0);
	inject(w, "0.030 . 1:1(0) ack 10001");
}

/* Three blocks of less than a segment are three segments, too. */
static void test_dup_thresh_counts_stretches(void **state)
{
	struct wire *w = *state;

	ten_out(w, 10000);
	inject(w, "0.020 . 1:1(0) ack 1 <nop,nop,sack 2001:2101 3001:3101>");
	check_equal(w, wire_waiting(w), 0);
	inject(w, "0.020 . 1:1(0) ack 1 <nop,nop,sack 4001:4101 2001:2101 3001:3101>");
	expect(w, "0.020 . 1:1001(1000) ack 1");
	drain(w);
}

/* With round trips shorter than a tick of the timers the timer fires once, and soon. */
static void test_round_trip_of_50_us(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 4);
	inject(w, "0.000 S 0:0(0) " SYN_WORDS);
	expect(w, "0.000 S. 0:0(0) ack 1");
	advance_us(w, 50);
	inject(w, "+0 . 1:1(0) ack 1 win 65535");
	wire_accept(w);
	send_bytes(w, 2000);
	check_equal(w, drain(w), 2);
	advance_us(w, 50);
	inject(w, "+0 . 1:1(0) ack 1 <nop,nop,sack 1001:2001>");
	check_equal(w, wire_info(w).reo_wnd_us, 12);
	check_equal(w, wire_waiting(w), 0);
	advance_us(w, 300);
	expect(w, "* . 1:1001(1000) ack 1");
	expect_none(w, "0.19");
	check_equal(w, counters(w)->tcp_rack_timeouts, 1);
	inject(w, "+0 . 1:1(0) ack 2001");
}

/* ------------------------------------------------------------------ retransmissions that are lost */

static void test_lost_retransmission_is_sent_again(void **state)
{
	struct wire *w = *state;

	ten_out(w, 20000);
	inject(w, "0.020 . 1:1(0) ack 1 <nop,nop,sack 1001:10001>");
	expect(w, "0.020 . 1:1001(1000) ack 1");
	expect(w, "0.020 . 10001:11001(1000) ack 1");
	drain(w);
	check_equal(w, wire_info(w).ssthresh, 5000);
	inject(w, "0.030 . 1:1(0) ack 1 <nop,nop,sack 1001:11001>");
	expect(w, "0.030 . 1:1001(1000) ack 1");
	drain(w);
	check_equal(w, counters(w)->tcp_lost_retransmits, 1);
	/* RFC 5681 4.3: another sign of congestion. */
	check_equal(w, wire_info(w).ssthresh, 2500);
	inject(w, "0.040 . 1:1(0) ack 14001");
	check_equal(w, counters(w)->tcp_timeouts, 0);
	check_equal(w, wire_info(w).retransmits, 2);
	drain(w);
}

/* Two retransmissions of one round trip that are lost are one sign, not two. */
static void test_retransmissions_lost_together_lower_the_window_once(void **state)
{
	struct wire *w = *state;

	ten_out(w, 20000);
	inject(w, "0.020 . 1:1(0) ack 1 <nop,nop,sack 1001:2001 3001:10001>");
	expect(w, "0.020 . 1:1001(1000) ack 1");
	expect(w, "0.020 . 2001:3001(1000) ack 1");
	check_equal(w, drain(w), 3);
	inject(w, "0.030 . 1:1(0) ack 1 <nop,nop,sack 10001:13001 3001:10001 1001:2001>");
	expect(w, "0.030 . 1:1001(1000) ack 1");
	expect(w, "0.030 . 2001:3001(1000) ack 1");
	drain(w);
	check_equal(w, counters(w)->tcp_lost_retransmits, 2);
	check_equal(w, wire_info(w).ssthresh, 2500);
}

/* Two passes at one and the same time: 10001:11001 went out before 8001:9001 went out again. */
static void test_order_of_sending_counts_and_not_the_clock_alone(void **state)
{
	struct wire *w = *state;

	ten_out(w, 30000);
	inject(w, "0.020 . 1:1(0) ack 1 <nop,nop,sack 1001:8001>");
	expect(w, "0.020 . 1:1001(1000) ack 1");
	expect(w, "0.020 . 10001:11001(1000) ack 1");
	expect(w, "0.020 . 11001:12001(1000) ack 1");
	inject(w, "0.020 . 1:1(0) ack 1 <nop,nop,sack 9001:10001 1001:8001>");
	expect(w, "0.020 . 8001:9001(1000) ack 1");
	drain(w);
	inject(w, "0.030 . 1:1(0) ack 8001 <nop,nop,sack 9001:11001>");
	drain(w);
	check_equal(w, counters(w)->tcp_lost_retransmits, 0);
	check_equal(w, wire_info(w).retransmits, 2);
	inject(w, "0.0301 . 1:1(0) ack 12001");
	drain(w);
	check_equal(w, wire_info(w).retransmits, 2);
}

/* Step 2: an ACK sooner than any round trip is for the original, so it says nothing of what followed that. */
static void test_early_ack_is_for_the_original(void **state)
{
	struct wire *w = *state;

	ten_out(w, 10000);
	inject(w, "0.020 . 1:1(0) ack 1 <nop,nop,sack 1001:9001>");
	expect(w, "0.020 . 1:1001(1000) ack 1");
	inject(w, "0.025 . 1:1(0) ack 9001");
	check_equal(w, wire_waiting(w), 0); /* 9001:10001 is not lost */
	inject(w, "0.026 . 1:1(0) ack 10001");
	check_equal(w, wire_info(w).retransmits, 1);
}

static void test_ack_in_time_is_for_the_retransmission(void **state)
{
	struct wire *w = *state;

	ten_out(w, 10000);
	inject(w, "0.020 . 1:1(0) ack 1 <nop,nop,sack 1001:9001>");
	expect(w, "0.020 . 1:1001(1000) ack 1");
	inject(w, "0.030 . 1:1(0) ack 9001");
	expect(w, "0.030 . 9001:10001(1000) ack 1"); /* sent before it, and overdue */
	inject(w, "0.040 . 1:1(0) ack 10001");
	check_equal(w, counters(w)->tcp_timeouts, 0);
}

/* The same with a timestamp from before: then it is for the original, however late. */
static void test_old_echo_is_for_the_original(void **state)
{
	struct wire *w = *state;
	char line[128];

	wire_listen(w, WIRE_PORT, 4);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1012,sackOK,TS val 1 ecr 0>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.010 . 1:1(0) ack 1 <nop,nop,TS val 2 ecr $>");
	wire_accept(w);
	send_bytes(w, 10000);
	check_equal(w, drain(w), 10);
	const uint32_t first = w->last_ts_val;
	inject(w, "0.020 . 1:1(0) ack 1 <nop,nop,TS val 3 ecr $,nop,nop,sack 1001:9001>");
	expect(w, "0.020 . 1:1001(1000) ack 1");
	snprintf(line, sizeof line, "0.030 . 1:1(0) ack 9001 <nop,nop,TS val 4 ecr %u>", first);
	inject(w, line);
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, counters(w)->tcp_spurious_recoveries, 1);
	inject(w, "0.031 . 1:1(0) ack 10001 <nop,nop,TS val 5 ecr $>");
	check_equal(w, wire_info(w).retransmits, 1);
}

/* ------------------------------------------------------------------ steps 3 and 4: reordering */

static void test_reordering_is_borne_with_once_seen(void **state)
{
	struct wire *w = *state;

	ten_out(w, 20000);
	inject(w, "0.020 . 1:1(0) ack 1 <nop,nop,sack 1001:2001>");
	drain(w);
	check_equal(w, counters(w)->tcp_sack_reorders, 0);
	inject(w, "0.021 . 1:1(0) ack 2001"); /* late, but it was sent once */
	drain(w);
	check_equal(w, counters(w)->tcp_sack_reorders, 1);
	/* Five behind it have arrived, and yet 2001:3001 may be late. */
	inject(w, "0.0211 . 1:1(0) ack 2001 <nop,nop,sack 3001:8001>");
	drain(w);
	check_equal(w, wire_info(w).reo_wnd_us, 2500);
	check_equal(w, wire_info(w).retransmits, 0);
	inject(w, "0.0225 . 1:1(0) ack 8001");
	drain(w);
	check_equal(w, wire_info(w).retransmits, 0);
	check_equal(w, counters(w)->tcp_fast_retransmits, 0);
	check_equal(w, counters(w)->tcp_sack_reorders, 2);
	/* No longer than that, though. */
	inject(w, "0.0226 . 1:1(0) ack 8001 <nop,nop,sack 9001:10001>");
	drain(w);
	expect(w, "> 0.023 . 8001:9001(1000) ack 1");
	drain(w);
}

/* Blocks do not come in the order of their numbers: that is no reordering. */
static void test_one_ack_is_no_reordering(void **state)
{
	struct wire *w = *state;

	ten_out(w, 10000);
	inject(w, "0.020 . 1:1(0) ack 1001 <nop,nop,sack 8001:9001 6001:7001 2001:3001>");
	check_equal(w, counters(w)->tcp_sack_reorders, 0);
	drain(w);
	/* Nor is it when a hole closes because it was sent again. */
	inject(w, "0.030 . 1:1(0) ack 3001 <nop,nop,sack 8001:9001 6001:7001>");
	drain(w);
	check_equal(w, counters(w)->tcp_sack_reorders, 0);
}

/* One loss of the first of two segments, found and repaired. Returns the retransmission's sequence number. */
static uint32_t lose_one(struct wire *w)
{
	const uint32_t una = wire_info(w).snd_una - w->iss;
	char line[128];

	send_bytes(w, 2000);
	check_equal(w, drain(w), 2);
	advance_us(w, 10000);
	snprintf(line, sizeof line, "+0 . 1:1(0) ack %u <nop,nop,sack %u:%u>", una, una + 1000,
		 una + 2000);
	inject(w, line);
	snprintf(line, sizeof line, "* . %u:%u(1000) ack 1", una, una + 1000);
	expect(w, line);
	advance_us(w, 10000);
	snprintf(line, sizeof line, "+0 . 1:1(0) ack %u", una + 2000);
	inject(w, line);
	return una;
}

/* The retransmission was one too many. */
static void report_duplicate(struct wire *w, uint32_t seq)
{
	char line[128];

	snprintf(line, sizeof line, "+0 . 1:1(0) ack %u <nop,nop,sack %u:%u>",
		 (unsigned)(wire_info(w).snd_una - w->iss), seq, seq + 1000);
	inject(w, line);
}

static void test_duplicates_widen_the_window_for_16_recoveries(void **state)
{
	struct wire *w = *state;

	w->quiet = true;
	establish(w);
	report_duplicate(w, lose_one(w));
	check_equal(w, counters(w)->tcp_spurious_recoveries, 1);
	for (unsigned i = 0; i < 15; i++) {
		lose_one(w);
		check_equal(w, wire_info(w).reo_wnd_us, 5000);
	}
	lose_one(w); /* the 16th ends */
	check_equal(w, wire_info(w).reo_wnd_us, 2500);
}

/* A recovery that was a mistake shows reordering as well: DupThresh does not count any more. */
static void test_recovery_taken_back_was_reordering(void **state)
{
	struct wire *w = *state;

	ten_out(w, 20000);
	inject(w, "0.020 . 1:1(0) ack 1 <nop,nop,sack 1001:4001>");
	expect(w, "0.020 . 1:1001(1000) ack 1");
	drain(w);
	inject(w, "0.021 . 1:1(0) ack 4001");
	drain(w);
	inject(w, "0.030 . 1:1(0) ack 10001 <nop,nop,sack 1:1001>");
	check_equal(w, counters(w)->tcp_spurious_recoveries, 1);
	drain(w);
	inject(w, "0.032 . 1:1(0) ack 11001");
	drain(w);
	inject(w, "0.040 . 1:1(0) ack 11001 <nop,nop,sack 12001:16001>");
	drain(w);
	check_equal(w, wire_info(w).retransmits, 1);
	check_equal(w, wire_info(w).reo_wnd_us, 5000);
	assert_string_equal(wire_info(w).recovery, "open");
	inject(w, "0.041 . 1:1(0) ack 16001");
	drain(w);
}

/* However many duplicates: never more than SRTT, and at most one step a round trip. */
static void test_window_is_bounded_by_the_round_trip(void **state)
{
	struct wire *w = *state;

	w->quiet = true;
	establish(w);
	for (unsigned i = 0; i < 300; i++) {
		report_duplicate(w, lose_one(w));
		check(w, wire_info(w).reo_wnd_us <= wire_info(w).srtt_us);
	}
	check(w, wire_info(w).reo_wnd_us >= 10000);
}

/* Duplicates of what was not sent again come from the network, or are made up. */
static void test_flood_of_duplicates_changes_nothing(void **state)
{
	struct wire *w = *state;

	w->quiet = true;
	ten_out(w, 10000);
	inject(w, "0.020 . 1:1(0) ack 10001");
	for (unsigned i = 0; i < 1000; i++)
		inject(w, "+0.01 . 1:1(0) ack 10001 <nop,nop,sack 9001:10001>");
	lose_one(w);
	check_equal(w, wire_info(w).reo_wnd_us, 2500);
	check_equal(w, wire_info(w).dsacks_in, 1000);
	check_equal(w, counters(w)->tcp_spurious_recoveries, 0);
}

/* Everything reported from behind: no reason to send it all again. */
static void test_blocks_from_behind(void **state)
{
	struct wire *w = *state;
	char line[128];

	ten_out(w, 10000);
	for (unsigned i = 9; i >= 1; i--) {
		snprintf(line, sizeof line, "0.020 . 1:1(0) ack 1 <nop,nop,sack %u001:10001>", i);
		inject(w, line);
	}
	expect_none(w, "0.022");
	expect(w, "0.0225 . 1:1001(1000) ack 1");
	inject(w, "0.030 . 1:1(0) ack 10001");
	expect_none(w, "10");
	check_equal(w, wire_info(w).retransmits, 1);
}

/* One segment there and its ACK back, which take `rtt_us`. */
static void round_trip(struct wire *w, uint64_t rtt_us)
{
	char line[64];

	send_bytes(w, 1000);
	check_equal(w, drain(w), 1);
	advance_us(w, rtt_us);
	snprintf(line, sizeof line, "+0 . 1:1(0) ack %u",
		 (unsigned)(wire_info(w).snd_nxt - w->iss));
	inject(w, line);
}

/* Step 1: min_RTT is of the last minutes, since the path may have changed. */
static void test_longer_path_gets_a_longer_window(void **state)
{
	struct wire *w = *state;

	establish(w);
	round_trip(w, 10000);
	advance_us(w, 120000000);
	round_trip(w, 40000);
	check_equal(w, wire_info(w).reo_wnd_us, 2500);
	for (unsigned i = 0; i < 2; i++) {
		advance_us(w, 120000000);
		round_trip(w, 40000);
	}
	check_equal(w, wire_info(w).reo_wnd_us, 10000);
	round_trip(w, 30000); /* a shorter one counts at once */
	check_equal(w, wire_info(w).reo_wnd_us, 7500);
}

/* ------------------------------------------------------------------ with time-outs and super segments */

/* 6.3: what was sent just now is not lost because something before it has timed out. */
static void test_timeout_spares_what_is_not_overdue(void **state)
{
	struct wire *w = *state;

	establish(w);
	send_bytes(w, 1000);
	expect(w, "0.010 . 1:1001(1000) ack 1");
	expect(w, "~0.130 . 1:1001(1000) ack 1"); /* the probe */
	advance_to(w, "0.335");
	send_bytes(w, 1000);
	expect(w, "0.335 . 1001:2001(1000) ack 1");
	expect(w, "~0.340 . 1:1001(1000) ack 1");
	check_equal(w, counters(w)->tcp_timeouts, 1);
	check_equal(w, wire_info(w).pipe, 2000);
	check_equal(w, wire_info(w).cwnd, 2000);
	inject(w, "0.345 . 1:1(0) ack 2001");
	expect_none(w, "10");
	check_equal(w, wire_info(w).retransmits, 2);
}

static void test_super_segment_has_one_time(void **state)
{
	struct wire *w = *state;

	w->cfg.tso = w->cfg.checksum_offload = true;
	wire_restart(w);
	establish(w);
	send_bytes(w, 10000);
	expect(w, "* P. 1:10001(10000) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 1 <nop,nop,sack 2001:9001>");
	expect(w, "* . 1:2001(2000) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 10001");
	expect_none(w, "10");
	check_equal(w, wire_info(w).retransmits, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_one_block_and_the_reordering_window_mean_lost),
		WIRE_TEST(test_what_was_sent_behind_the_block_is_not_lost),
		WIRE_TEST(test_dup_thresh_needs_no_window),
		WIRE_TEST(test_dup_thresh_counts_stretches),
		WIRE_TEST(test_round_trip_of_50_us),
		WIRE_TEST(test_lost_retransmission_is_sent_again),
		WIRE_TEST(test_retransmissions_lost_together_lower_the_window_once),
		WIRE_TEST(test_order_of_sending_counts_and_not_the_clock_alone),
		WIRE_TEST(test_early_ack_is_for_the_original),
		WIRE_TEST(test_ack_in_time_is_for_the_retransmission),
		WIRE_TEST(test_old_echo_is_for_the_original),
		WIRE_TEST(test_reordering_is_borne_with_once_seen),
		WIRE_TEST(test_one_ack_is_no_reordering),
		WIRE_TEST(test_duplicates_widen_the_window_for_16_recoveries),
		WIRE_TEST(test_recovery_taken_back_was_reordering),
		WIRE_TEST(test_window_is_bounded_by_the_round_trip),
		WIRE_TEST(test_flood_of_duplicates_changes_nothing),
		WIRE_TEST(test_blocks_from_behind),
		WIRE_TEST(test_longer_path_gets_a_longer_window),
		WIRE_TEST(test_timeout_spares_what_is_not_overdue),
		WIRE_TEST(test_super_segment_has_one_time),
	};

	return cmocka_run_group_tests_name("stack: RACK", tests, NULL, NULL);
}
