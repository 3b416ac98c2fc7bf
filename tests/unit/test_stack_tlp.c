/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tail loss probe (TLP, RFC 8985 section 7): when it goes out and what it is, that there is only one, and what its
 * ACK tells. The path takes 10 ms: a probe is due 22 ms after the last new data or ACK, or, where less than two full
 * segments are out and the peer may hold its ACK back, after 120 ms; the time-out comes after 210 ms.
 */
#include <stdio.h>

#include "tests/unit/fastopen.h"

#define SYN_WORDS "win 65535 <mss 1000,sackOK>"

static void establish_with(struct wire *w, const char *syn, const char *ack)
{
	wire_listen(w, WIRE_PORT, 4);
	inject(w, syn);
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, ack);
	wire_accept(w);
}

static void establish(struct wire *w)
{
	establish_with(w, "0.000 S 0:0(0) " SYN_WORDS, "0.010 . 1:1(0) ack 1 win 65535");
}

/* Segments of 1,000 bytes are out since 0.010, from 1 on. */
static void send_out(struct wire *w, size_t bytes, unsigned segments)
{
	establish(w);
	send_bytes(w, bytes);
	check_equal(w, drain(w), segments);
}

/* ------------------------------------------------------------------ 7.2, 7.3: the probe */

static void test_lost_tail_is_found_by_a_probe(void **state)
{
	struct wire *w = *state;

	send_out(w, 5000, 5);
	assert_string_equal(wire_info(w).timer, "tail-loss-probe");
	inject(w, "0.020 . 1:1(0) ack 2001"); /* and the other three are lost */
	expect_none(w, "0.0415");
	expect(w, "0.042 P. 4001:5001(1000) ack 1");
	assert_string_equal(wire_info(w).timer, "retransmit");
	check_equal(w, counters(w)->tcp_loss_probes, 1);
	check_equal(w, wire_info(w).cwnd, 10000);
	/* Its SACK is the first news, and RACK finds the rest. */
	inject(w, "0.0525 . 1:1(0) ack 2001 <nop,nop,sack 4001:5001>");
	expect(w, "0.0525 . 2001:3001(1000) ack 1");
	inject(w, "0.0625 . 1:1(0) ack 3001 <nop,nop,sack 4001:5001>");
	expect(w, "0.0625 . 3001:4001(1000) ack 1");
	inject(w, "0.072 . 1:1(0) ack 5001");
	expect_none(w, "10");
	check_equal(w, counters(w)->tcp_timeouts, 0);
	check_equal(w, wire_info(w).retransmits, 3);
}

static void test_lone_segment_waits_for_a_delayed_ack(void **state)
{
	struct wire *w = *state;

	send_out(w, 1000, 1);
	expect_none(w, "0.1295");
	expect(w, "0.130 P. 1:1001(1000) ack 1");
	inject(w, "0.140 . 1:1(0) ack 1001");
	expect_none(w, "10");
	check_equal(w, counters(w)->tcp_timeouts, 0);
}

/* An ACK puts it off, and the ACK of everything stops it. */
static void test_ack_puts_the_probe_off(void **state)
{
	struct wire *w = *state;

	send_out(w, 5000, 5);
	inject(w, "0.030 . 1:1(0) ack 1001");
	inject(w, "0.050 . 1:1(0) ack 3001");
	expect_none(w, "0.071");
	inject(w, "0.071 . 1:1(0) ack 5001");
	expect_none(w, "10");
	check_equal(w, counters(w)->tcp_loss_probes, 0);
	check_equal(w, wire_info(w).retransmits, 0);
}

/* What has not been sent yet comes first, the congestion window notwithstanding. */
static void test_new_data_is_the_better_probe(void **state)
{
	struct wire *w = *state;

	send_out(w, 20000, 10);
	expect(w, "0.032 . 10001:11001(1000) ack 1");
	check_equal(w, wire_info(w).retransmits, 0);
	check_equal(w, counters(w)->tcp_loss_probes, 1);
	check_equal(w, wire_info(w).cwnd, 10000);
	inject(w, "0.042 . 1:1(0) ack 11001"); /* it was all late */
	drain(w);
	inject(w, "0.052 . 1:1(0) ack 20001");
	check_equal(w, counters(w)->tcp_loss_probe_recoveries, 0);
	check(w, wire_info(w).cwnd >= 10000);
}

/* New data that goes out as the timer fires makes the probe needless, and the next one is counted from there. */
static void test_data_just_sent_is_as_good_as_a_probe(void **state)
{
	struct wire *w = *state;

	send_out(w, 3000, 3);
	hold(w);
	w->now_us = w->start_us + 32500; /* in one turn of the loop */
	stack_advance(w->s, w->now_us);
	send_bytes(w, 2000);
	release(w);
	expect(w, "* . 3001:4001(1000) ack 1");
	expect(w, "* P. 4001:5001(1000) ack 1");
	check_equal(w, counters(w)->tcp_loss_probes, 0);
	expect_none(w, "0.054");
	expect(w, "0.0545 P. 4001:5001(1000) ack 1");
	inject(w, "0.060 . 1:1(0) ack 5001");
}

static void test_full_window_is_probed_with_the_last_segment(void **state)
{
	struct wire *w = *state;

	establish_with(w, "0.000 S 0:0(0) win 5000 <mss 1000,sackOK>",
		       "0.010 . 1:1(0) ack 1 win 5000");
	send_bytes(w, 20000);
	check_equal(w, drain(w), 5);
	expect(w, "0.032 . 4001:5001(1000) ack 1");
	inject(w, "0.042 . 1:1(0) ack 5001 win 0");
	expect(w, "* . 5001:5002(1) ack 1"); /* persist: no window, no loss probe */
	check_equal(w, counters(w)->tcp_loss_probes, 1);
}

/* A window that was taken back: nothing goes beyond it. */
static void test_shrunk_window_gets_no_probe(void **state)
{
	struct wire *w = *state;

	send_out(w, 5000, 5);
	w->any_window = true;
	inject(w, "0.020 . 1:1(0) ack 1001 win 2000");
	expect(w, "> 0.21 . 1001:2001(1000) ack 1");
	check_equal(w, counters(w)->tcp_loss_probes, 0);
	check_equal(w, counters(w)->tcp_timeouts, 1);
	drain(w);
	inject(w, "+0.01 . 1:1(0) ack 5001 win 65535");
}

/* The application has promised more: a probe does not break its word. */
static void test_corked_data_is_no_probe(void **state)
{
	struct wire *w = *state;

	establish(w);
	send_more(w, 3500);
	check_equal(w, drain(w), 3);
	expect(w, "0.032 . 2001:3001(1000) ack 1");
	inject(w, "0.042 . 1:1(0) ack 3001");
	send_bytes(w, 500);
	expect(w, "* P. 3001:4001(1000) ack 1");
	inject(w, "0.052 . 1:1(0) ack 4001");
}

static void test_probe_may_be_the_fin(void **state)
{
	struct wire *w = *state;

	send_out(w, 2000, 2);
	wire_shutdown(w);
	expect(w, "* F. 2001:2001(0) ack 1");
	inject(w, "0.020 . 1:1(0) ack 2001");
	expect(w, "0.140 F. 2001:2001(0) ack 1");
	inject(w, "0.150 . 1:1(0) ack 2002");
	expect_state(w, TCP_FIN_WAIT_2);
	check_equal(w, counters(w)->tcp_timeouts, 0);
}

static void test_probe_carries_data_and_fin(void **state)
{
	struct wire *w = *state;

	establish(w);
	send_more(w, 2500);
	check_equal(w, drain(w), 2);
	wire_shutdown(w);
	expect(w, "* FP. 2001:2501(500) ack 1");
	expect(w, "0.032 FP. 1501:2501(1000) ack 1");
	/* Only the data had been lost, or only the FIN: either way all is well now. */
	inject(w, "0.042 . 1:1(0) ack 2502");
	expect_state(w, TCP_FIN_WAIT_2);
	check_equal(w, counters(w)->tcp_timeouts, 0);
}

/* Data of Fast Open is probed for once the handshake is complete; and only what comes late is reordering. */
static void test_answer_before_the_handshake_is_probed_for_after_it(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	inject(w, "0.000 S 0:100(100) win 65535 <mss 1000,sackOK,fo $>");
	expect(w, "0.000 S. 0:0(0) ack 101");
	wire_accept(w);
	recv_bytes(w, 100);
	send_bytes(w, 3000);
	check_equal(w, drain(w), 3);
	inject(w, "0.010 . 101:101(0) ack 1");
	assert_string_equal(wire_info(w).timer, "tail-loss-probe");
	expect(w, "~0.032 P. 2001:3001(1000) ack 101");
	inject(w, "+0.0105 . 101:101(0) ack 1 <nop,nop,sack 2001:3001>");
	expect(w, "* . 1:1001(1000) ack 101");
	inject(w, "+0.0105 . 101:101(0) ack 1001 <nop,nop,sack 2001:3001>");
	expect(w, "* . 1001:2001(1000) ack 101");
	inject(w, "+0.0105 . 101:101(0) ack 3001");
	check_equal(w, counters(w)->tcp_sack_reorders, 0);
	check_equal(w, counters(w)->tcp_timeouts, 0);
}

/* ------------------------------------------------------------------ one, and then the time-out */

static void test_one_probe_and_then_the_time_out(void **state)
{
	struct wire *w = *state;

	send_out(w, 3000, 3);
	expect(w, "0.032 P. 2001:3001(1000) ack 1");
	/* The time-out runs from the probe (7.3). */
	expect_none(w, "0.241");
	expect(w, "0.242 . 1:1001(1000) ack 1");
	check_equal(w, counters(w)->tcp_loss_probes, 1);
	check_equal(w, counters(w)->tcp_timeouts, 1);
	check_equal(w, wire_info(w).cwnd, 1000);
	inject(w, "0.252 . 1:1(0) ack 3001");
	expect_none(w, "10");
}

static void test_no_probe_without_sack(void **state)
{
	struct wire *w = *state;

	establish_with(w, "0.000 S 0:0(0) win 65535 <mss 1000>", "0.010 . 1:1(0) ack 1 win 65535");
	send_bytes(w, 3000);
	check_equal(w, drain(w), 3);
	assert_string_equal(wire_info(w).timer, "retransmit");
	expect_none(w, "0.2195");
	expect(w, "0.220 . 1:1001(1000) ack 1");
	check_equal(w, counters(w)->tcp_loss_probes, 0);
	inject(w, "0.230 . 1:1(0) ack 3001");
}

/* SACKed segments are RACK's (7.2): the probe timer stops. */
static void test_no_probe_once_something_is_sacked(void **state)
{
	struct wire *w = *state;

	send_out(w, 5000, 5);
	inject(w, "0.020 . 1:1(0) ack 1 <nop,nop,sack 1001:2001>");
	assert_string_equal(wire_info(w).timer, "reorder");
	expect(w, "0.0225 . 1:1001(1000) ack 1");
	expect_none(w, "0.200");
	check_equal(w, counters(w)->tcp_loss_probes, 0);
	inject(w, "0.200 . 1:1(0) ack 5001");
}

/* 7.3: not before the round-trip time was measured again. */
static void test_no_second_probe_without_a_measurement(void **state)
{
	struct wire *w = *state;

	send_out(w, 1000, 1);
	expect(w, "0.130 P. 1:1001(1000) ack 1");
	/* Which of the two is acknowledged here? */
	inject(w, "0.140 . 1:1(0) ack 1001 <nop,nop,sack 1:1001>");
	send_bytes(w, 1000);
	expect(w, "0.140 P. 1001:2001(1000) ack 1");
	assert_string_equal(wire_info(w).timer, "retransmit");
	inject(w, "0.150 . 1:1(0) ack 2001"); /* that is a measurement */
	send_bytes(w, 1000);
	expect(w, "0.150 P. 2001:3001(1000) ack 1");
	assert_string_equal(wire_info(w).timer, "tail-loss-probe");
	inject(w, "0.160 . 1:1(0) ack 3001");
}

/* ------------------------------------------------------------------ 7.4.2: what the ACK of a probe tells */

/* One lost segment, the last: the probe has repaired what nothing else shows, and yet there was a loss. */
static void test_repaired_loss_lowers_the_window(void **state)
{
	struct wire *w = *state;

	send_out(w, 10000, 10);
	inject(w, "0.020 . 1:1(0) ack 9001");
	expect(w, "0.140 P. 9001:10001(1000) ack 1");
	inject(w, "0.150 . 1:1(0) ack 10001");
	check_equal(w, counters(w)->tcp_loss_probe_recoveries, 0); /* or was it late? */
	const uint32_t cwnd = wire_info(w).cwnd;
	send_bytes(w, 1000);
	expect(w, "0.150 P. 10001:11001(1000) ack 1");
	inject(w, "0.160 . 1:1(0) ack 11001"); /* no duplicate was reported */
	check_equal(w, counters(w)->tcp_loss_probe_recoveries, 1);
	check_equal(w, wire_info(w).ssthresh, 2000);
	check(w, wire_info(w).cwnd < cwnd);
	check_equal(w, counters(w)->tcp_timeouts, 0);
}

static void needless_probe(struct wire *w, const char *report)
{
	send_out(w, 10000, 10);
	inject(w, "0.020 . 1:1(0) ack 9001");
	expect(w, "0.140 P. 9001:10001(1000) ack 1");
	inject(w, "0.141 . 1:1(0) ack 10001");
	const uint32_t cwnd = wire_info(w).cwnd;
	inject(w, report);
	send_bytes(w, 1000);
	expect(w, "0.150 P. 10001:11001(1000) ack 1");
	inject(w, "0.160 . 1:1(0) ack 11001");
	check_equal(w, counters(w)->tcp_loss_probe_recoveries, 0);
	check(w, wire_info(w).cwnd >= cwnd);
	check_equal(w, wire_info(w).ssthresh, UINT32_MAX);
}

static void test_reported_duplicate_means_no_loss(void **state)
{
	struct wire *w = *state;

	needless_probe(w, "0.150 . 1:1(0) ack 10001 <nop,nop,sack 9001:10001>");
	check_equal(w, wire_info(w).dsacks_in, 1);
	check_equal(w, wire_info(w).reo_wnd_us, 2500); /* nor reordering */
}

/* From a peer that knows SACK but reports no duplicates. */
static void test_plain_duplicate_ack_means_no_loss(void **state)
{
	needless_probe(*state, "0.150 . 1:1(0) ack 10001");
}

/* A recovery that begins meanwhile lowers the window itself, and once. */
static void test_recovery_says_more_than_the_probe(void **state)
{
	struct wire *w = *state;

	send_out(w, 10000, 10);
	expect(w, "0.032 P. 9001:10001(1000) ack 1");
	inject(w, "0.042 . 1:1(0) ack 1 <nop,nop,sack 9001:10001>");
	check(w, drain(w) >= 1);
	check_equal(w, wire_info(w).ssthresh, 5000);
	inject(w, "0.052 . 1:1(0) ack 10001");
	send_bytes(w, 1000);
	drain(w);
	inject(w, "0.062 . 1:1(0) ack 11001");
	check_equal(w, counters(w)->tcp_loss_probe_recoveries, 0);
	check_equal(w, wire_info(w).ssthresh, 5000);
}

/* ------------------------------------------------------------------ short round trips, silent peers */

static void test_probe_with_a_round_trip_of_50_us(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 4);
	inject(w, "0.000 S 0:0(0) " SYN_WORDS);
	expect(w, "0.000 S. 0:0(0) ack 1");
	advance_us(w, 50);
	inject(w, "+0 . 1:1(0) ack 1 win 65535");
	wire_accept(w);
	send_bytes(w, 3000);
	check_equal(w, drain(w), 3);
	expect_none(w, "0.002");
	expect(w, "0.0023 P. 2001:3001(1000) ack 1");
	advance_us(w, 50);
	inject(w, "+0 . 1:1(0) ack 1 <nop,nop,sack 2001:3001>");
	expect(w, "* . 1:1001(1000) ack 1");
	advance_us(w, 50);
	inject(w, "+0 . 1:1(0) ack 1001 <nop,nop,sack 2001:3001>");
	expect(w, "* . 1001:2001(1000) ack 1");
	advance_us(w, 50);
	inject(w, "+0 . 1:1(0) ack 3001");
	expect_none(w, "10");
	check_equal(w, counters(w)->tcp_timeouts, 0);
	check_equal(w, wire_info(w).retransmits, 3);
}

/* Probes do not keep a connection alive whose peer has gone. */
static void test_silent_peer_is_given_up_in_time(void **state)
{
	struct wire *w = *state;

	w->cfg.user_timeout_us = 5000000;
	wire_restart(w);
	send_out(w, 3000, 3);
	advance_to(w, "4.9");
	check(w, drain(w) >= 4);
	check_equal(w, counters(w)->tcp_loss_probes, 1);
	expect(w, "~5.010 R. 3001:3001(0) ack 1");
	expect_closed(w, TCP_CLOSE_TIMEOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_lost_tail_is_found_by_a_probe),
		WIRE_TEST(test_lone_segment_waits_for_a_delayed_ack),
		WIRE_TEST(test_ack_puts_the_probe_off),
		WIRE_TEST(test_new_data_is_the_better_probe),
		WIRE_TEST(test_data_just_sent_is_as_good_as_a_probe),
		WIRE_TEST(test_full_window_is_probed_with_the_last_segment),
		WIRE_TEST(test_shrunk_window_gets_no_probe),
		WIRE_TEST(test_corked_data_is_no_probe),
		WIRE_TEST(test_probe_may_be_the_fin),
		WIRE_TEST(test_probe_carries_data_and_fin),
		WIRE_TEST(test_answer_before_the_handshake_is_probed_for_after_it),
		WIRE_TEST(test_one_probe_and_then_the_time_out),
		WIRE_TEST(test_no_probe_without_sack),
		WIRE_TEST(test_no_probe_once_something_is_sacked),
		WIRE_TEST(test_no_second_probe_without_a_measurement),
		WIRE_TEST(test_repaired_loss_lowers_the_window),
		WIRE_TEST(test_reported_duplicate_means_no_loss),
		WIRE_TEST(test_plain_duplicate_ack_means_no_loss),
		WIRE_TEST(test_recovery_says_more_than_the_probe),
		WIRE_TEST(test_probe_with_a_round_trip_of_50_us),
		WIRE_TEST(test_silent_peer_is_given_up_in_time),
	};

	return cmocka_run_group_tests_name("stack: tail loss probe", tests, NULL, NULL);
}
