/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loss recovery with selective acknowledgements: what is sent again, when and how fast (RFC 2018, 6675,
 * 9937), what blocks that cannot be true do, and mistakes that are taken back (RFC 3522, 4015, 3708).
 */
#include <stdio.h>

#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1000,sackOK>"

static void inject_sack(struct wire *w, uint32_t ack, const char *blocks)
{
	char line[128];

	snprintf(line, sizeof line, "* . 1:1(0) ack %u <nop,nop,sack %s>", ack, blocks);
	inject(w, line);
}

/* The handshake takes 10 ms, as everything after it. Bursts are not paced: what may leave leaves at once. */
static void establish(struct wire *w)
{
	w->cfg.pacing = false;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 4);
	inject(w, "0.000 S 0:0(0) " SYN_WORDS);
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.010 . 1:1(0) ack 1 win 65535");
	wire_accept(w);
}

/* Ten segments of 1,000 bytes are out, 1:10001. */
static void ten_out(struct wire *w, size_t bytes)
{
	establish(w);
	send_bytes(w, bytes);
	check_equal(w, drain(w), 10);
	advance_us(w, 10000);
}

/* ------------------------------------------------------------------ what is lost, RFC 6675 4 */

static void test_dup_thresh_of_sacked_segments_means_lost(void **state)
{
	struct wire *w = *state;

	ten_out(w, 10000);
	inject_sack(w, 1, "1001:2001");
	inject_sack(w, 1, "1001:3001");
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, wire_info(w).lost, 0);
	inject_sack(w, 1, "1001:4001");
	expect(w, "* . 1:1001(1000) ack 1");
	const struct tcp_info info = wire_info(w);
	assert_string_equal(info.recovery, "recovery");
	check_equal(w, info.sacked, 3000);
	check_equal(w, info.ssthresh, 5000);
	check_equal(w, info.retransmits, 1);
	check_equal(w, counters(w)->tcp_fast_retransmits, 1);
}

/* One ACK that reports it all (a coalesced one) is as good as three: bytes count, not ACKs. */
static void test_one_ack_for_many_segments_is_enough(void **state)
{
	struct wire *w = *state;

	ten_out(w, 10000);
	inject_sack(w, 1, "1001:10001");
	expect(w, "* . 1:1001(1000) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 10001");
	expect_none(w, "10");
	assert_string_equal(wire_info(w).recovery, "open");
	check_equal(w, wire_info(w).cwnd, wire_info(w).ssthresh);
}

static void test_only_the_holes_are_sent_again(void **state)
{
	struct wire *w = *state;

	ten_out(w, 10000);
	inject_sack(w, 1, "9001:10001 6001:8001 2001:5001");
	/* Six have arrived, so all four may go (RFC 9937 6, CRB), the last one too: something behind it has arrived
	 * and a recovery is under way (RFC 8985 6.2 step 4). */
	expect(w, "* . 1:1001(1000) ack 1");
	expect(w, "* . 1001:2001(1000) ack 1");
	expect(w, "* . 5001:6001(1000) ack 1");
	expect(w, "* . 8001:9001(1000) ack 1");
	inject_sack(w, 5001, "9001:10001 6001:8001");
	inject_sack(w, 8001, "9001:10001");
	inject(w, "+0.01 . 1:1(0) ack 10001");
	expect_none(w, "10");
	check_equal(w, wire_info(w).retransmits, 4);
}

/* RFC 6675 3: before recovery, what is SACKed has left the network and makes room (limited transmit). */
static void test_sacked_bytes_let_new_data_out(void **state)
{
	struct wire *w = *state;

	ten_out(w, 20000);
	inject_sack(w, 1, "1001:2001");
	expect(w, "* . 10001:11001(1000) ack 1");
	inject_sack(w, 1, "1001:3001");
	expect(w, "* . 11001:12001(1000) ack 1");
	check_equal(w, wire_info(w).pipe, 10000);
}

static void test_duplicate_acks_without_blocks_say_nothing(void **state)
{
	struct wire *w = *state;

	ten_out(w, 10000);
	for (unsigned i = 0; i < 10; i++)
		inject(w, "* . 1:1(0) ack 1");
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, wire_info(w).dup_acks_in, 10);
	check_equal(w, counters(w)->tcp_fast_retransmits, 0);
}

static void test_lost_fin_is_sent_again(void **state)
{
	struct wire *w = *state;

	establish(w);
	send_bytes(w, 3000);
	check_equal(w, drain(w), 3);
	wire_shutdown(w);
	expect(w, "* F. 3001:3001(0) ack 1");
	inject(w, "0.020 . 1:1(0) ack 3001");
	expect(w, "> 0.11 F. 3001:3001(0) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 3002");
	expect_state(w, TCP_FIN_WAIT_2);
}

static void test_sacked_fin_is_not_sent_again(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 5000);
	check_equal(w, drain(w), 5);
	wire_shutdown(w);
	expect(w, "* F. 5001:5001(0) ack 1");
	inject_sack(w, 1, "1001:5002");
	expect(w, "* . 1:1001(1000) ack 1");
	inject(w, "0.010 . 1:1(0) ack 5002");
	expect_state(w, TCP_FIN_WAIT_2);
	check_equal(w, wire_info(w).retransmits, 1);
}

static void test_super_segments_are_repeated_as_such(void **state)
{
	struct wire *w = *state;

	w->cfg.tso = w->cfg.checksum_offload = true;
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	send_bytes(w, 10000);
	expect(w, "* P. 1:10001(10000) ack 1");
	inject_sack(w, 1, "6001:10001");
	expect(w, "* . 1:4001(4000) ack 1"); /* four have arrived, four may go: in one packet */
	inject_sack(w, 4001, "6001:10001");
	expect(w, "* . 4001:6001(2000) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 10001");
}

/* ------------------------------------------------------------------ how fast, RFC 9937 */

/* For every two segments that arrive one leaves, and at the end the window is ssthresh. */
static void test_window_falls_in_proportion(void **state)
{
	struct wire *w = *state;
	char blocks[32];
	size_t sent = 0;

	establish(w);
	send_bytes(w, 60000);
	check_equal(w, drain(w), 10);
	inject(w, "0.020 . 1:1(0) ack 10001");
	check_equal(w, drain(w), 20);
	inject_sack(w, 10001, "11001:14001");
	expect(w, "* . 10001:11001(1000) ack 1");
	drain(w);
	for (unsigned i = 0; i < 12; i++) {
		snprintf(blocks, sizeof blocks, "11001:%u", 15001 + 1000 * i);
		inject_sack(w, 10001, blocks);
		sent += drain(w);
		check(w, wire_info(w).cwnd <= 20000);
	}
	check(w, sent >= 5 && sent <= 7);
	inject(w, "* . 1:1(0) ack 30001");
	drain(w);
	check_equal(w, wire_info(w).cwnd, wire_info(w).ssthresh);
}

static void test_recovery_sends_no_more_than_has_arrived(void **state)
{
	struct wire *w = *state;
	size_t sent = 0;

	ten_out(w, 60000);
	inject_sack(w, 1, "2001:5001");
	sent += drain(w);
	for (unsigned i = 0; i < 200; i++) { /* the same again, forever */
		inject_sack(w, 1, "2001:5001");
		sent += drain(w);
	}
	check(w, sent <= 4);
	check(w, wire_info(w).cwnd <= 10000);
}

/* ------------------------------------------------------------------ the time-out */

/* RFC 2018 8: after a time-out the peer may have dropped what it had reported. */
static void test_timeout_forgets_what_was_sacked(void **state)
{
	struct wire *w = *state;

	ten_out(w, 10000);
	inject_sack(w, 1, "9001:10001");
	expect(w, "~0.022 . 1:1001(1000) ack 1"); /* and this is lost, too */
	check_equal(w, wire_info(w).sacked, 1000);
	expect(w, "> 0.15 . 1:1001(1000) ack 1");
	check_equal(w, counters(w)->tcp_timeouts, 1);
	check_equal(w, wire_info(w).sacked, 0);
	check_equal(w, wire_info(w).cwnd, 1000);
	assert_string_equal(wire_info(w).recovery, "loss");
	/* What the blocks of later ACKs still report need not go again. */
	inject_sack(w, 1001, "9001:10001 3001:8001");
	expect(w, "* . 1001:2001(1000) ack 1");
	expect(w, "* . 2001:3001(1000) ack 1");
	inject_sack(w, 8001, "9001:10001");
	expect(w, "* . 8001:9001(1000) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 10001");
	expect_none(w, "20");
	check_equal(w, wire_info(w).retransmits, 5);
}

static void test_reneging_receiver_gets_everything_again(void **state)
{
	struct wire *w = *state;

	ten_out(w, 10000);
	inject_sack(w, 1, "1001:10001");
	expect(w, "* . 1:1001(1000) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 1001"); /* and nothing of the rest */
	expect(w, "> 0.15 . 1001:2001(1000) ack 1");
	for (unsigned i = 2; i < 10; i++) {
		char line[64];
		snprintf(line, sizeof line, "+0.01 . 1:1(0) ack %u", 1000 * i + 1);
		inject(w, line);
		drain(w);
	}
	inject(w, "+0.01 . 1:1(0) ack 10001");
	expect_none(w, "100");
	check_equal(w, tcp_send_pending(w->c), 0);
}

/* A window that shuts on lost data ends in probes, and the peer that answers them is alive. */
static void test_window_that_shuts_on_a_flight_is_probed(void **state)
{
	struct wire *w = *state;

	ten_out(w, 10000);
	inject(w, "* . 1:1(0) ack 1 win 0");
	for (unsigned i = 0; i < 20; i++) {
		expect(w, "* . 1:2(1) ack 1");
		inject(w, "+0.01 . 1:1(0) ack 1 win 0");
	}
	inject(w, "+0.01 . 1:1(0) ack 1 win 65535");
	expect(w, "* . 1:1001(1000) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 10001");
	check_equal(w, tcp_send_pending(w->c), 0);
}

/* ------------------------------------------------------------------ hostile blocks */

static void test_blocks_that_cannot_be_true_are_ignored(void **state)
{
	struct wire *w = *state;
	static const char *const lies[] = {
		"10001:11001",     /* beyond SND.MAX                */
		"9001:20001",      /* partly so                     */
		"2001:2001",       /* empty                         */
		"5001:3001",       /* backwards                     */
		"1:5001",          /* what the ACK itself denies    */
		"-5000:-4000",     /* below the window              */
		"2147483650:2001", /* half the number space         */
		"5001:2147483600", /* the same from the other side  */
	};

	ten_out(w, 10000);
	for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
		inject_sack(w, 1, lies[i]);
		drain(w);
		check_equal(w, wire_info(w).sacked, 0);
		check_equal(w, wire_info(w).lost, 0);
	}
	check_equal(w, wire_info(w).cwnd, 10000);
	inject(w, "* . 1:1(0) ack 10001");
	expect_none(w, "10");
}

/* CVE-2019-11477 and -11478: the smallest blocks, as many as possible. */
static void test_byte_sized_blocks_are_bounded(void **state)
{
	struct wire *w = *state;
	char blocks[96];

	w->quiet = true;
	wire_establish(w, SYN_WORDS);
	send_bytes(w, 60000);
	check_equal(w, drain(w), 10);
	const size_t before = wire_info(w).memory;
	for (unsigned i = 0; i < 2000; i++) {
		const unsigned at = 1 + (i * 2654435761u % 4900) * 2;
		snprintf(blocks, sizeof blocks, "%u:%u", at + 1, at + 2);
		inject_sack(w, 1, blocks);
		drain(w);
		check(w, wire_info(w).memory <= before + 48 * 1024);
	}
	inject(w, "* . 1:1(0) ack 10001");
	drain(w);
}

static void test_blocks_under_a_memory_limit(void **state)
{
	struct wire *w = *state;
	char blocks[96];

	w->cfg.memory_limit = 160 * 1024;
	w->quiet = true;
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	send_bytes(w, 60000);
	drain(w);
	for (unsigned i = 0; i < 4000; i++) {
		snprintf(blocks, sizeof blocks, "%u:%u", 3 + 2 * i, 4 + 2 * i);
		inject_sack(w, 1, blocks);
		drain(w);
	}
	for (unsigned i = 0; i < 100 && tcp_send_pending(w->c) > 0; i++) {
		char line[64];
		snprintf(line, sizeof line, "* . 1:1(0) ack %u", wire_info(w).snd_nxt - w->iss);
		inject(w, line);
		drain(w);
	}
	check_equal(w, tcp_send_pending(w->c), 0);
}

/* ------------------------------------------------------------------ mistakes taken back */

static void establish_ts(struct wire *w)
{
	w->cfg.pacing = false;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 4);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1012,sackOK,TS val 1 ecr 0>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.020 . 1:1(0) ack 1 <nop,nop,TS val 2 ecr $>");
	wire_accept(w);
}

/* Eifel: the ACK after the retransmission echoes the time of the original. */
static void test_late_segment_restores_the_window(void **state)
{
	struct wire *w = *state;
	char line[128];

	establish_ts(w);
	send_bytes(w, 10000);
	drain(w);
	const uint32_t first = w->last_ts_val;
	advance_us(w, 20000);
	snprintf(line, sizeof line,
		 "* . 1:1(0) ack 1 <nop,nop,TS val 3 ecr %u,nop,nop,sack 1001:6001>", first);
	inject(w, line);
	expect(w, "* . 1:1001(1000) ack 1");
	check(w, wire_info(w).cwnd < 10000);
	advance_us(w, 5000);
	snprintf(line, sizeof line, "* . 1:1(0) ack 6001 <nop,nop,TS val 4 ecr %u>", first);
	inject(w, line);
	check_equal(w, wire_info(w).cwnd, 10000);
	assert_string_equal(wire_info(w).recovery, "open");
	check_equal(w, counters(w)->tcp_spurious_recoveries, 1);
}

static void test_ack_of_the_retransmission_restores_nothing(void **state)
{
	struct wire *w = *state;
	char line[128];

	establish_ts(w);
	send_bytes(w, 10000);
	drain(w);
	advance_us(w, 20000);
	snprintf(line, sizeof line,
		 "* . 1:1(0) ack 1 <nop,nop,TS val 3 ecr %u,nop,nop,sack 1001:10001>",
		 w->last_ts_val);
	inject(w, line);
	expect(w, "* . 1:1001(1000) ack 1");
	inject(w, "+0.02 . 1:1(0) ack 10001 <nop,nop,TS val 4 ecr $>");
	check_equal(w, wire_info(w).cwnd, 5000);
	check_equal(w, counters(w)->tcp_spurious_recoveries, 0);
}

/* The oldest segment was sent again before the window fell, and another one after it: the ACK of the oldest
 * has a timestamp from before, and yet it does not answer an original (RFC 3522 3.2). */
static void test_ack_of_another_segment_restores_nothing(void **state)
{
	struct wire *w = *state;
	char line[160];

	establish_ts(w);
	send_bytes(w, 60000);
	check_equal(w, drain(w), 10);
	inject(w, "0.040 . 1:1(0) ack 10001 <nop,nop,TS val 3 ecr $>");
	check_equal(w, drain(w), 20);
	/* 10001:11001 is lost, 29001:30001, and the first segment that goes out behind them. */
	inject(w, "0.060 . 1:1(0) ack 10001 <nop,nop,TS val 4 ecr $,nop,nop,sack 11001:29001>");
	expect(w, "* . 10001:11001(1000) ack 1");
	check_equal(w, drain(w), 8);
	inject(w, "0.080 . 1:1(0) ack 29001 <nop,nop,TS val 5 ecr $,nop,nop,sack 31001:32001>");
	expect(w, "* . 29001:30001(1000) ack 1");
	expect(w, "* . 30001:31001(1000) ack 1");
	const uint32_t before = w->last_ts_val;
	drain(w);
	/* The next window loses 32001:33001, while 30001:31001 is still on its way. */
	inject(w, "0.100 . 1:1(0) ack 30001 <nop,nop,TS val 6 ecr $,nop,nop,sack 33001:38001 "
		  "31001:32001>");
	expect(w, "* . 32001:33001(1000) ack 1");
	drain(w);
	assert_string_equal(wire_info(w).recovery, "recovery");
	const uint32_t cwnd = wire_info(w).cwnd;
	snprintf(line, sizeof line,
		 "0.110 . 1:1(0) ack 32001 <nop,nop,TS val 7 ecr %u,nop,nop,sack 33001:38001>",
		 before);
	inject(w, line);
	check_equal(w, counters(w)->tcp_spurious_recoveries, 0);
	check(w, wire_info(w).cwnd <= cwnd + 2000);
	drain(w);
}

/* After a time-out that was too early nothing more than its one segment is repeated. */
static void test_spurious_timeout_is_taken_back(void **state)
{
	struct wire *w = *state;
	char line[128];

	establish_ts(w);
	send_bytes(w, 10000);
	drain(w);
	const uint32_t first = w->last_ts_val;
	expect(w, "~0.062 P. 9001:10001(1000) ack 1"); /* the probe is as late as all the others */
	expect(w, "> 0.2 . 1:1001(1000) ack 1");
	check_equal(w, wire_info(w).cwnd, 1000);
	snprintf(line, sizeof line, "+0.05 . 1:1(0) ack 2001 <nop,nop,TS val 4 ecr %u>", first);
	inject(w, line);
	check_equal(w, wire_waiting(w), 0);
	check(w, wire_info(w).cwnd >= 10000);
	check_equal(w, wire_info(w).ssthresh, UINT32_MAX);
	inject(w, "+0.05 . 1:1(0) ack 10001 <nop,nop,TS val 5 ecr $>");
	expect_none(w, "10");
	check_equal(w, wire_info(w).retransmits, 2);
}

/* Without timestamps: all that was sent again has arrived twice. */
static void test_dsack_of_every_retransmission_restores_the_window(void **state)
{
	struct wire *w = *state;

	ten_out(w, 10000);
	inject_sack(w, 1, "1001:6001");
	expect(w, "* . 1:1001(1000) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 10001");
	check_equal(w, wire_info(w).cwnd, 5000);
	inject(w, "+0.01 . 1:1(0) ack 10001 <nop,nop,sack 1:1001>");
	check_equal(w, wire_info(w).cwnd, 10000);
	check_equal(w, wire_info(w).dsacks_in, 1);
	check_equal(w, counters(w)->tcp_spurious_recoveries, 1);
}

static void test_dsack_of_something_else_restores_nothing(void **state)
{
	struct wire *w = *state;

	ten_out(w, 10000);
	inject_sack(w, 1, "1001:6001");
	expect(w, "* . 1:1001(1000) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 10001");
	inject(w, "+0.01 . 1:1(0) ack 10001 <nop,nop,sack 5001:5501>"); /* half as much */
	inject(w, "+0.01 . 1:1(0) ack 10001 <nop,nop,sack -100:1>");
	inject(w, "+0.01 . 1:1(0) ack 10001 <nop,nop,sack 1:90001>");
	check_equal(w, wire_info(w).cwnd, 5000);
	check_equal(w, counters(w)->tcp_spurious_recoveries, 0);
}

/* A duplicate of what was sent again before the window fell is no proof that this reduction was a mistake. */
static void test_dsack_of_an_earlier_retransmission_restores_nothing(void **state)
{
	struct wire *w = *state;

	ten_out(w, 60000);
	inject(w, "0.020 . 1:1(0) ack 10001");
	check_equal(w, drain(w), 20);
	inject(w, "0.030 . 1:1(0) ack 10001 <nop,nop,sack 11001:29001>");
	expect(w, "* . 10001:11001(1000) ack 1");
	check_equal(w, drain(w), 8);
	inject(w, "0.040 . 1:1(0) ack 29001 <nop,nop,sack 31001:32001>");
	expect(w, "* . 29001:30001(1000) ack 1");
	expect(w, "* . 30001:31001(1000) ack 1");
	drain(w);
	inject(w, "0.050 . 1:1(0) ack 30001 <nop,nop,sack 33001:38001 31001:32001>");
	expect(w, "* . 32001:33001(1000) ack 1");
	drain(w);
	/* 30001:31001 went out again in the recovery before this one. */
	inject(w, "0.051 . 1:1(0) ack 32001 <nop,nop,sack 30001:31001 33001:38001>");
	check_equal(w, wire_info(w).dsacks_in, 1);
	check_equal(w, counters(w)->tcp_spurious_recoveries, 0);
	assert_string_equal(wire_info(w).recovery, "recovery");
	drain(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_dup_thresh_of_sacked_segments_means_lost),
		WIRE_TEST(test_one_ack_for_many_segments_is_enough),
		WIRE_TEST(test_only_the_holes_are_sent_again),
		WIRE_TEST(test_sacked_bytes_let_new_data_out),
		WIRE_TEST(test_duplicate_acks_without_blocks_say_nothing),
		WIRE_TEST(test_lost_fin_is_sent_again),
		WIRE_TEST(test_sacked_fin_is_not_sent_again),
		WIRE_TEST(test_super_segments_are_repeated_as_such),
		WIRE_TEST(test_window_falls_in_proportion),
		WIRE_TEST(test_recovery_sends_no_more_than_has_arrived),
		WIRE_TEST(test_timeout_forgets_what_was_sacked),
		WIRE_TEST(test_reneging_receiver_gets_everything_again),
		WIRE_TEST(test_window_that_shuts_on_a_flight_is_probed),
		WIRE_TEST(test_blocks_that_cannot_be_true_are_ignored),
		WIRE_TEST(test_byte_sized_blocks_are_bounded),
		WIRE_TEST(test_blocks_under_a_memory_limit),
		WIRE_TEST(test_late_segment_restores_the_window),
		WIRE_TEST(test_ack_of_the_retransmission_restores_nothing),
		WIRE_TEST(test_ack_of_another_segment_restores_nothing),
		WIRE_TEST(test_spurious_timeout_is_taken_back),
		WIRE_TEST(test_dsack_of_every_retransmission_restores_the_window),
		WIRE_TEST(test_dsack_of_something_else_restores_nothing),
		WIRE_TEST(test_dsack_of_an_earlier_retransmission_restores_nothing),
	};

	return cmocka_run_group_tests_name("stack: SACK, sending", tests, NULL, NULL);
}
