/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the congestion window moves (RFC 5681, RFC 3465, RFC 6928), for honest receivers and for
 * those of Savage et al. 1999.
 */
#include <stdio.h>

#include "stack/tcp_cc.h"
#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1000>"

static void inject_acks(struct wire *w, unsigned count, uint32_t ack)
{
	char line[64];

	snprintf(line, sizeof line, "* . 1:1(0) ack %u", ack);
	for (unsigned i = 0; i < count; i++)
		inject(w, line);
}

static void test_slow_start_counts_bytes(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 40000);
	check_equal(w, drain(w), 10);
	check_equal(w, wire_info(w).cwnd, 10000);
	inject_acks(w, 1, 1001);
	check_equal(w, wire_info(w).cwnd, 11000);
	check_equal(w, drain(w), 2);
	inject_acks(w, 1, 4001);
	check_equal(w, wire_info(w).cwnd, 14000);
	drain(w);
}

/* ACK division (Savage): a thousand ACKs of a byte each are worth a thousand bytes. */
static void test_divided_acks_gain_nothing(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 40000);
	drain(w);
	for (uint32_t i = 1; i <= 1000; i++) {
		inject_acks(w, 1, 1 + i);
		drain(w);
	}
	check_equal(w, wire_info(w).cwnd, 11000);
}

/* Optimistic ACKs: of what was never sent. */
static void test_ack_of_unsent_data_is_challenged(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 1000);
	expect(w, "0.000 P. 1:1001(1000) ack 1");
	const uint32_t cwnd = wire_info(w).cwnd;
	inject(w, "0.010 . 1:1(0) ack 1002");
	expect(w, "0.010 . 1001:1001(0) ack 1");
	inject(w, "0.020 . 1:1(0) ack 100000");
	expect(w, "0.020 . 1001:1001(0) ack 1");
	inject(w, "0.030 P. 1:101(100) ack 5000"); /* and its data are not taken */
	expect(w, "0.030 . 1001:1001(0) ack 1");
	check_equal(w, wire_info(w).cwnd, cwnd);
	check_equal(w, wire_info(w).snd_una, w->iss + 1);
	check_equal(w, wire_info(w).rcv_nxt, w->irs + 1);
	check_equal(w, tcp_send_pending(w->c), 1000);
}

/* Made-up duplicates inflate the window by no more than what could have caused them. */
static void test_duplicate_acks_made_up_are_bounded(void **state)
{
	struct wire *w = *state;
	size_t sent = 0;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 60000);
	check_equal(w, drain(w), 10);
	for (unsigned i = 0; i < 500; i++) {
		inject_acks(w, 1, 1);
		sent += drain(w);
	}
	/* ssthresh and once the flight at the start of recovery, and the retransmission. */
	check(w, sent <= 2 + 1 + 8);
}

static void test_window_that_is_not_used_does_not_grow(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	for (uint32_t i = 0; i < 100; i++) {
		send_bytes(w, 500);
		check_equal(w, drain(w), 1);
		inject_acks(w, 1, 501 + i * 500);
	}
	check_equal(w, wire_info(w).cwnd, 10000);
}

static void test_congestion_avoidance_adds_a_segment_per_window(void **state)
{
	struct wire *w = *state;
	uint32_t una = 12001;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 60000);
	drain(w);
	for (unsigned i = 0; i < 3; i++) {
		inject_acks(w, 1, 1);
		drain(w);
	}
	inject_acks(w, 1, una); /* the recovery is over */
	drain(w);
	check_equal(w, wire_info(w).ssthresh, 6000);
	for (; wire_info(w).cwnd < 6000; una += 1000) {
		inject_acks(w, 1, una + 1000);
		drain(w);
	}
	check_equal(w, wire_info(w).cwnd, 6000);
	for (uint32_t cwnd = 6000; cwnd < 12000; cwnd += 1000) {
		for (uint32_t acked = 0; acked < cwnd; acked += 1000, una += 1000) {
			check_equal(w, wire_info(w).cwnd, cwnd);
			inject_acks(w, 1, una + 1000);
			send_bytes(w, 1000); /* never short of data */
			drain(w);
		}
		check_equal(w, wire_info(w).cwnd, cwnd + 1000);
	}
}

/* RFC 5681 4.1. */
static void test_window_is_small_again_after_a_pause(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 40000);
	drain(w);
	for (uint32_t ack = 1001; ack <= 40001; ack += 1000) {
		inject_acks(w, 1, ack);
		drain(w);
	}
	check(w, wire_info(w).cwnd > 10000);
	advance_us(w, 10000000);
	send_bytes(w, 40000);
	check_equal(w, drain(w), 10);
}

static void three_segments(struct tcp_cc *cc)
{
	cc->cwnd = 3 * cc->mss;
}

static void one_at_a_time(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
	(void)ack;
	cc->cwnd += cc->mss;
}

static uint32_t loss_to_two(struct tcp_cc *cc, uint32_t flight, uint64_t now_us)
{
	(void)flight;
	(void)now_us;
	return 2 * cc->mss;
}

/* The algorithm is the configuration's. */
static void test_congestion_control_can_be_replaced(void **state)
{
	static const struct tcp_cc_ops ops = {.name = "three",
					      .init = three_segments,
					      .acked = one_at_a_time,
					      .loss = loss_to_two};
	struct wire *w = *state;

	w->cfg.cc = &ops;
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	assert_string_equal(wire_info(w).cc_name, "three");
	send_bytes(w, 20000);
	check_equal(w, drain(w), 3);
	inject_acks(w, 1, 3001);
	check_equal(w, drain(w), 4);
	for (unsigned i = 0; i < 3; i++) {
		check_equal(w, drain(w), i == 0 ? 0 : 1); /* RFC 3042 */
		inject_acks(w, 1, 3001);
	}
	expect(w, "* . 3001:4001(1000) ack 1");
	check_equal(w, wire_info(w).ssthresh, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_slow_start_counts_bytes),
		WIRE_TEST(test_divided_acks_gain_nothing),
		WIRE_TEST(test_ack_of_unsent_data_is_challenged),
		WIRE_TEST(test_duplicate_acks_made_up_are_bounded),
		WIRE_TEST(test_window_that_is_not_used_does_not_grow),
		WIRE_TEST(test_congestion_avoidance_adds_a_segment_per_window),
		WIRE_TEST(test_window_is_small_again_after_a_pause),
		WIRE_TEST(test_congestion_control_can_be_replaced),
	};

	return cmocka_run_group_tests_name("stack: congestion", tests, NULL, NULL);
}
