/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receive window follows what the application reads (stack/tcp_rcvbuf.h), and the send ring what the
 * network takes. That the window's right edge never moves left is checked by the harness on every packet.
 */
#include <stdio.h>

#include "tests/unit/wire.h"

#define SCALED "win 65535 <mss 1460,nop,wscale 7>"
#define STAMPED "win 65535 <mss 1460,nop,wscale 7,nop,nop,TS val 1000 ecr 0>"
#define MSS 1000u
#define RTT_US 100000u

/* A peer that sends `bytes` from `at` on as one burst, with timestamps when `stamped`. */
static uint32_t burst(struct wire *w, uint32_t at, uint32_t bytes, bool stamped)
{
	for (uint32_t done = 0; done < bytes; done += MSS) {
		char line[128];
		snprintf(line, sizeof line, "+0 . %u:%u(%u) ack 1 win 512%s", at + done,
			 at + done + MSS, MSS, stamped ? " <nop,nop,TS val 2000 ecr $>" : "");
		hold(w);
		inject(w, line);
	}
	release(w);
	return at + bytes;
}

static uint32_t window(struct wire *w)
{
	return wire_info(w).rcv_wnd;
}

/* As many round trips as it takes to have `rounds` windows sent, filled to the brim, and read. */
static uint32_t window_limited(struct wire *w, unsigned rounds, bool stamped, bool reads)
{
	uint32_t at = 1;

	w->quiet = true;
	for (unsigned i = 0; i < rounds; i++) {
		const uint32_t bytes = window(w) / MSS * MSS;
		at = burst(w, at, bytes, stamped);
		if (reads)
			recv_bytes(w, bytes);
		drain(w);
		advance_us(w, RTT_US);
		drain(w);
	}
	return at;
}

static void establish(struct wire *w, bool stamped)
{
	wire_listen(w, WIRE_PORT, 16);
	inject(w, stamped ? "0.000 S 0:0(0) " STAMPED : "0.000 S 0:0(0) " SCALED);
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, stamped ? "0.100 . 1:1(0) ack 1 win 512 <nop,nop,TS val 1100 ecr $>"
			  : "0.100 . 1:1(0) ack 1 win 512");
	wire_accept(w);
}

/* ------------------------------------------------------------------ where it begins */

static void test_window_begins_with_the_initial_one(void **state)
{
	struct wire *w = *state;

	check_equal(w, w->cfg.recv_buffer_initial, 65536);
	check_equal(w, w->cfg.recv_buffer_max, 4 << 20);
	wire_establish(w, SCALED);
	inject(w, "0.000 . 1:1001(1000) ack 1 win 512");
	/* 64 KiB less what is not read, in units of the scale for 4 MiB, rounded up: the edge stays. */
	expect(w, "0.000 . 1:1(0) ack 1001 win 505");
	check_equal(w, wire_info(w).rcv_limit, 65536);
	recv_bytes(w, 1000);
}

static void test_syn_offers_no_more_than_the_initial_window(void **state)
{
	struct wire *w = *state;

	w->cfg.recv_buffer_initial = 8192;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	inject(w, "+0 S 0:0(0) " SCALED);
	expect(w, "* S. 0:0(0) ack 1 win 8192");
	inject(w, "+0 . 1:1(0) ack 1 win 512");
	wire_accept(w);
	wire_abort(w);
	drain(w);
	wire_connect(w);
	expect(w, "* S 0:0(0) win 8192");
}

static void test_small_maximum_bounds_the_initial_window(void **state)
{
	struct wire *w = *state;

	w->cfg.recv_buffer_max = 16384;
	wire_restart(w);
	wire_establish(w, "win 65535 <mss 1000>");
	check_equal(w, wire_info(w).rcv_limit, 16384);
	window_limited(w, 20, false, true);
	check_equal(w, wire_info(w).rcv_limit, 16384);
}

static void test_initial_window_of_nothing_is_refused(void **state)
{
	struct wire *w = *state;
	struct stack_config cfg = w->cfg;

	cfg.recv_buffer_initial = 0;
	assert_null(stack_create(&cfg));
}

/* ------------------------------------------------------------------ how it grows */

static void grows(struct wire *w, bool stamped)
{
	establish(w, stamped);
	window_limited(w, 4, stamped, true);
	const uint32_t after_4 = wire_info(w).rcv_limit;
	check(w, after_4 >= 4 * 65536); /* at least doubles in each of them but the first */
	window_limited(w, 0, stamped, true);
	check_equal(w, wire_info(w).recv_queued, 0);
}

static void test_window_grows_while_it_is_the_limit(void **state)
{
	struct wire *w = *state;

	grows(w, false);
	const uint64_t rtt = wire_info(w).rcv_rtt_us;
	check(w, rtt > RTT_US * 9 / 10 && rtt < RTT_US * 11 / 10);
}

static void test_window_grows_with_timestamps(void **state)
{
	struct wire *w = *state;

	grows(w, true);
	const uint64_t rtt = wire_info(w).rcv_rtt_us;
	check(w, rtt > RTT_US * 9 / 10 && rtt < RTT_US * 11 / 10);
}

static void test_window_stops_at_the_maximum(void **state)
{
	struct wire *w = *state;

	establish(w, true);
	window_limited(w, 12, true, true);
	check_equal(w, wire_info(w).rcv_limit, w->cfg.recv_buffer_max);
	check(w, window(w) <= w->cfg.recv_buffer_max);
	check(w, window(w) > w->cfg.recv_buffer_max - 65536);
	/* And no memory is held for it while nothing waits to be read. */
	check(w, wire_info(w).memory < 16384);
}

/* Sequence numbers wrap on the way: ten windows of up to 4 MiB from each initial number. */
static void test_unread_data_do_not_open_the_window(void **state)
{
	struct wire *w = *state;

	establish(w, true);
	w->quiet = true;
	uint32_t at = 1;
	while (window(w) >= MSS) {
		at = burst(w, at, MSS, true);
		advance_us(w, RTT_US);
		drain(w);
	}
	check_equal(w, wire_info(w).rcv_limit, 65536);
	/* Each ACK rounds up to the scale, at most 127 bytes in 1,000. */
	check(w, wire_info(w).recv_queued <= 65536 + 65536 / 8);
	/* Read at last, after minutes: this was no fast reader. */
	recv_bytes(w, at - 1);
	drain(w);
	check_equal(w, wire_info(w).rcv_limit, 65536);
}

static void slow_peer(struct wire *w, bool stamped)
{
	uint32_t at = 1;

	establish(w, stamped);
	w->quiet = true;
	for (unsigned i = 0; i < 200; i++) { /* 200 KB, ten segments a round trip */
		at = burst(w, at, 10 * MSS, stamped);
		recv_bytes(w, 10 * MSS);
		drain(w);
		advance_us(w, RTT_US);
		drain(w);
	}
	check_equal(w, wire_info(w).rcv_limit, 65536);
}

static void test_slow_peer_gets_no_larger_window(void **state)
{
	slow_peer(*state, true);
}

static void test_slow_peer_without_timestamps_gets_no_larger_window(void **state)
{
	slow_peer(*state, false);
}

/* Requests of a few kilobytes with pauses of seconds between them. */
static void test_pauses_are_not_taken_for_round_trips(void **state)
{
	struct wire *w = *state;
	uint32_t at = 1;

	establish(w, true);
	w->quiet = true;
	for (unsigned i = 0; i < 8; i++) {
		at = burst(w, at, 2 * MSS, true);
		recv_bytes(w, 2 * MSS);
		drain(w);
		advance_us(w, 30 * 1000000);
		drain(w);
	}
	check_equal(w, wire_info(w).rcv_limit, 65536);
	check(w, wire_info(w).rcv_rtt_us < 3 * RTT_US); /* not 30 s */
}

/* A reader that comes now and then reads much at a time; per round trip it is little. */
static void test_seldom_reader_is_not_a_fast_one(void **state)
{
	struct wire *w = *state;
	uint32_t at = 1;

	establish(w, true);
	w->quiet = true;
	for (unsigned i = 0; i < 20; i++) {
		at = burst(w, at, 60 * MSS, true);
		drain(w);
		advance_us(w, 20 * RTT_US);
		recv_bytes(w, 60 * MSS);
		drain(w);
	}
	check_equal(w, wire_info(w).rcv_limit, 65536);
}

/* Nothing was measured in the handshake, there are no timestamps: the first window tells. */
static void test_round_trip_is_found_without_handshake_and_timestamps(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) " SCALED);
	expect(w, "0.000 S. 0:0(0) ack 1");
	expect(w, "~1.000 S. 0:0(0) ack 1");
	inject(w, "1.100 . 1:1(0) ack 1 win 512");
	wire_accept(w);
	check_equal(w, wire_info(w).srtt_us, 0);
	window_limited(w, 8, false, true);
	check(w, wire_info(w).rcv_limit >= 4 * 65536);
}

static void test_peer_without_window_scale_is_bounded_by_sixteen_bits(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 1460>");
	w->quiet = true;
	uint32_t at = 1;
	for (unsigned i = 0; i < 10; i++) {
		for (unsigned k = 0; k < 64; k++, at += MSS) {
			char line[64];
			snprintf(line, sizeof line, "+0 . %u:%u(%u) ack 1", at, at + MSS, MSS);
			hold(w);
			inject(w, line);
		}
		release(w);
		recv_bytes(w, 64 * MSS);
		drain(w);
		advance_us(w, RTT_US);
		drain(w);
		check(w, window(w) <= 65535);
	}
}

/* ------------------------------------------------------------------ the scale */

/* Segments smaller than the unit of the scale: rounded up each time, the window would never shut. */
static void test_small_segments_shut_the_window(void **state)
{
	struct wire *w = *state;
	uint32_t at = 1;
	char line[64];

	establish(w, false);
	w->quiet = true;
	while (window(w) >= 128 && at < 4 << 20) {
		snprintf(line, sizeof line, "+0 . %u:%u(64) ack 1 win 512", at, at + 64);
		inject(w, line);
		w->edge_known = false; /* it moves left, by less than a unit (RFC 7323 2.4) */
		advance_us(w, 50000);  /* each has an ACK of its own */
		check(w, drain(w) == 1);
		at += 64;
	}
	check_equal(w, wire_info(w).recv_queued, at - 1); /* all of it was taken */
	check(w, at > 65536 && at < 65536 + 65536 / 4 + 2 * 128);
	w->edge_known = false;
	/* The peer's probe: what is left, less than the unit, is offered as nothing. */
	snprintf(line, sizeof line, "+0.1 . %u:%u(0) ack 1 win 512", at - 1, at - 1);
	inject(w, line);
	snprintf(line, sizeof line, "* . 1:1(0) ack %u win 0", at);
	expect(w, line);
	recv_bytes(w, at - 1);
	snprintf(line, sizeof line, "* . 1:1(0) ack %u win 512", at);
	expect(w, line);
}

/* ------------------------------------------------------------------ window updates */

/* While there is plenty left the next ACK tells of the room; a quarter of the buffer is worth a segment. */
static void test_reading_a_little_sends_no_window_update(void **state)
{
	struct wire *w = *state;

	establish(w, false);
	uint32_t at = burst(w, 1, 40 * MSS, false);
	drain(w);
	for (unsigned i = 0; i < 8; i++)
		recv_bytes(w, 2 * MSS);
	expect_none(w, "1.0");
	recv_bytes(w, 2 * MSS);
	check_equal(w, drain(w), 1);
	check_equal(w, counters(w)->tcp_window_updates_out, 1);
	recv_bytes(w, at - 1 - 18 * MSS);
	drain(w);
}

/* ------------------------------------------------------------------ the sender's ring */

/* Twice what the network takes, up to send_buffer_max: 1 Gbit/s over 300 ms is 37 MB. */
static void test_send_ring_follows_the_congestion_window(void **state)
{
	struct wire *w = *state;
	struct slice_mut room[2];
	uint32_t acked = 1, queued = 0, flight = 0;

	w->cfg.send_buffer_max = 32 << 20;
	w->any_payload = true;
	wire_restart(w);
	w->quiet = true;
	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460,nop,wscale 14>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.300 . 1:1(0) ack 1 win 4000");
	wire_accept(w);
	check_equal(w, tcp_send_space(w->c), 65536);
	for (unsigned round = 0; round < 24 && queued < 24 << 20; round++) {
		size_t got;
		while ((got = tcp_send_reserve(w->c, 1 << 20, room)) > 0)
			tcp_send_commit(w->c, got, false);
		advance_us(w, 150000);
		drain(w);
		advance_us(w, 150000);
		drain(w);
		const struct tcp_info info = wire_info(w);
		queued = info.send_queued;
		flight = info.snd_nxt - info.snd_una;
		while (acked != wire_info(w).snd_nxt - w->iss) {
			char line[64];
			const uint32_t out = wire_info(w).snd_nxt - w->iss - acked;
			acked += out < 14600 ? out : 14600;
			snprintf(line, sizeof line, "+0 . 1:1(0) ack %u win 4000", acked);
			hold(w);
			inject(w, line);
			w->holding = false;
		}
		advance_us(w, 0);
		drain(w);
	}
	check(w, queued >= 24 << 20);
	check(w, flight >= 12 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_window_begins_with_the_initial_one),
		WIRE_TEST(test_syn_offers_no_more_than_the_initial_window),
		WIRE_TEST(test_small_maximum_bounds_the_initial_window),
		WIRE_TEST_ONCE(test_initial_window_of_nothing_is_refused),
		WIRE_TEST(test_window_grows_while_it_is_the_limit),
		WIRE_TEST(test_window_grows_with_timestamps),
		WIRE_TEST(test_window_stops_at_the_maximum),
		WIRE_TEST(test_unread_data_do_not_open_the_window),
		WIRE_TEST(test_slow_peer_gets_no_larger_window),
		WIRE_TEST(test_slow_peer_without_timestamps_gets_no_larger_window),
		WIRE_TEST(test_pauses_are_not_taken_for_round_trips),
		WIRE_TEST(test_seldom_reader_is_not_a_fast_one),
		WIRE_TEST(test_round_trip_is_found_without_handshake_and_timestamps),
		WIRE_TEST(test_peer_without_window_scale_is_bounded_by_sixteen_bits),
		WIRE_TEST(test_small_segments_shut_the_window),
		WIRE_TEST(test_reading_a_little_sends_no_window_update),
		WIRE_TEST_ONCE(test_send_ring_follows_the_congestion_window),
	};

	return cmocka_run_group_tests_name("stack: receive buffer", tests, NULL, NULL);
}
