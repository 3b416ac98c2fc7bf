/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing a connection (RFC 9293 3.6): each way through FIN-WAIT-1, FIN-WAIT-2, CLOSING, CLOSE-WAIT
 * and LAST-ACK, half-closed connections, and segments of the close that are late, lost or doubled.
 */
#include <stdio.h>

#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1460>"

/* ------------------------------------------------------------------ the ways through the states */

static void test_active_close_in_four_segments(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	wire_shutdown(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	expect_state(w, TCP_FIN_WAIT_1);
	inject(w, "0.010 . 1:1(0) ack 2");
	expect_none(w, "0.015");
	expect_state(w, TCP_FIN_WAIT_2);
	inject(w, "0.020 F. 1:1(0) ack 2");
	expect(w, "0.020 . 2:2(0) ack 2");
	expect_state(w, TCP_TIME_WAIT);
	check_equal(w, wire_events(w, STACK_EVENT_PEER_FIN), 1);
	expect_closed(w, TCP_CLOSE_ORDERLY);
	wire_close(w);
	check_equal(w, wire_usage(w).time_wait, 1);
	check_equal(w, wire_usage(w).connections, 0);
	expect_none(w, "500");
	check_equal(w, wire_usage(w).time_wait, 0);
}

static void test_active_close_in_three_segments(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	wire_close(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	inject(w, "0.010 F. 1:1(0) ack 2");
	expect(w, "0.010 . 2:2(0) ack 2");
	expect_state(w, TCP_TIME_WAIT);
	check_equal(w, wire_usage(w).connections, 0);
}

static void test_passive_close_in_four_segments(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 F. 1:1(0) ack 1");
	expect(w, "0.010 . 1:1(0) ack 2");
	expect_state(w, TCP_CLOSE_WAIT);
	check_equal(w, wire_events(w, STACK_EVENT_PEER_FIN), 1);
	check(w, tcp_recv_finished(w->c));
	expect_none(w, "100"); /* waits on a call of the application, for as long as it takes */
	wire_shutdown(w);
	expect(w, "100 F. 1:1(0) ack 2");
	expect_state(w, TCP_LAST_ACK);
	inject(w, "100.010 . 2:2(0) ack 2");
	expect_state(w, TCP_CLOSED);
	expect_closed(w, TCP_CLOSE_ORDERLY);
	check_equal(w, wire_usage(w).time_wait, 0);
	wire_close(w);
	check_equal(w, wire_usage(w).connections, 0);
	expect_none(w, "200");
}

static void test_passive_close_in_three_segments(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	hold(w); /* the application closes in the same turn of its loop */
	inject(w, "0.010 F. 1:1(0) ack 1");
	wire_close(w);
	release(w);
	expect(w, "0.010 F. 1:1(0) ack 2");
	expect_state(w, TCP_LAST_ACK);
	inject(w, "0.020 . 2:2(0) ack 2");
	expect_none(w, "100");
	expect_state(w, TCP_CLOSED);
}

static void test_simultaneous_close(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	wire_shutdown(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	inject(w, "0.010 F. 1:1(0) ack 1"); /* RFC 9293 figure 13: the FINs have crossed */
	expect(w, "0.010 . 2:2(0) ack 2");
	expect_state(w, TCP_CLOSING);
	inject(w, "0.020 . 2:2(0) ack 2");
	expect_state(w, TCP_TIME_WAIT);
	expect_closed(w, TCP_CLOSE_ORDERLY);
	drain(w); /* entering TIME-WAIT may repeat the ACK */
}

static void test_close_of_an_active_open(void **state)
{
	struct wire *w = *state;

	wire_establish_active(w);
	wire_close(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	inject(w, "0.010 F. 1:1(0) ack 2");
	expect(w, "0.010 . 2:2(0) ack 2");
	expect_state(w, TCP_TIME_WAIT);
}

static void test_state_moves_when_the_fin_is_queued(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 1000 <mss 1000>");
	send_bytes(w, 3000);
	expect(w, "0.000 . 1:1001(1000) ack 1");
	wire_shutdown(w); /* 2,000 bytes wait for the window */
	expect_state(w, TCP_FIN_WAIT_1);
	check_equal(w, tcp_send_space(w->c), 0);
	inject(w, "0.010 . 1:1(0) ack 1001 win 5000");
	expect(w, "0.010 . 1001:2001(1000) ack 1");
	expect(w, "0.010 FP. 2001:3001(1000) ack 1");
	inject(w, "0.020 . 1:1(0) ack 3001 win 5000");
	expect_state(w, TCP_FIN_WAIT_1);
	inject(w, "0.030 . 1:1(0) ack 3002 win 5000");
	expect_state(w, TCP_FIN_WAIT_2);
}

/* ------------------------------------------------------------------ data and FIN */

static void test_fin_travels_with_the_last_data(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	hold(w);
	send_bytes(w, 100);
	wire_close(w);
	release(w);
	expect(w, "0.000 FP. 1:101(100) ack 1");
	inject(w, "0.010 . 1:1(0) ack 102");
	expect_state(w, TCP_FIN_WAIT_2);
}

static void test_peers_fin_with_data(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 FP. 1:101(100) ack 1");
	expect(w, "0.010 . 1:1(0) ack 102");
	expect_state(w, TCP_CLOSE_WAIT);
	check_equal(w, wire_events(w, STACK_EVENT_READABLE), 1);
	check_equal(w, wire_events(w, STACK_EVENT_PEER_FIN), 1);
	check(w, !tcp_recv_finished(w->c));
	recv_bytes(w, 100);
	check(w, tcp_recv_finished(w->c));
}

static void test_fin_before_its_data_waits_for_them(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 F. 101:101(0) ack 1");
	expect(w, "0.010 . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	check_equal(w, wire_events(w, STACK_EVENT_PEER_FIN), 0);
	inject(w, "0.020 P. 1:101(100) ack 1");
	expect(w, "0.020 . 1:1(0) ack 102");
	expect_state(w, TCP_CLOSE_WAIT);
	recv_bytes(w, 100);
	check(w, tcp_recv_finished(w->c));
}

static void test_fin_with_data_out_of_order(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 FP. 201:301(100) ack 1");
	expect(w, "0.010 . 1:1(0) ack 1");
	inject(w, "0.020 . 101:201(100) ack 1");
	expect(w, "0.020 . 1:1(0) ack 1");
	inject(w, "0.030 . 1:101(100) ack 1");
	expect(w, "0.030 . 1:1(0) ack 302");
	expect_state(w, TCP_CLOSE_WAIT);
	recv_bytes(w, 300);
	check(w, tcp_recv_finished(w->c));
}

/* A peer that goes on behind its own FIN: what lies there is cut off, and the FIN still counts. */
static void test_data_that_cover_an_early_fin(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 F. 101:101(0) ack 1");
	expect(w, "0.010 . 1:1(0) ack 1");
	inject(w, "0.020 P. 151:251(100) ack 1 fill x");
	drain(w);
	inject(w, "0.030 P. 1:201(200) ack 1");
	expect(w, "0.030 . 1:1(0) ack 102");
	expect_state(w, TCP_CLOSE_WAIT);
	recv_bytes(w, 100);
	check(w, tcp_recv_finished(w->c));
}

/* The FIN's place is known from its first, late segment; more data can not move it. */
static void test_data_behind_the_fin_are_no_data(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 F. 1:101(100) ack 1");
	expect(w, "0.010 . 1:1(0) ack 102");
	inject(w, "0.020 P. 102:202(100) ack 1");
	expect(w, "0.020 . 1:1(0) ack 102");
	expect_state(w, TCP_CLOSE_WAIT);
	recv_bytes(w, 100);
	check(w, tcp_recv_finished(w->c));
	inject(w, "0.030 P. 51:151(100) ack 1 fill x");
	drain(w);
	check(w, tcp_recv_finished(w->c));
	check_equal(w, wire_info(w).rcv_nxt, w->irs + 102);
}

static void test_half_close_of_ours_goes_on_receiving(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	wire_shutdown(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	inject(w, "0.010 P. 1:101(100) ack 1"); /* in FIN-WAIT-1 */
	expect(w, "0.010 . 2:2(0) ack 101");
	inject(w, "0.020 P. 101:201(100) ack 2"); /* in FIN-WAIT-2 */
	expect(w, "0.020 . 2:2(0) ack 201");
	expect_state(w, TCP_FIN_WAIT_2);
	recv_bytes(w, 200);
	inject(w, "900 P. 201:301(100) ack 2"); /* the application holds the handle: no limit */
	expect(w, "900 . 2:2(0) ack 301");
	recv_bytes(w, 100);
	inject(w, "900.1 FP. 301:401(100) ack 2");
	expect(w, "900.1 . 2:2(0) ack 402");
	expect_state(w, TCP_TIME_WAIT);
	recv_bytes(w, 100); /* the ring outlives the connection */
	check(w, tcp_recv_finished(w->c));
}

static void test_half_close_of_the_peers_goes_on_sending(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 F. 1:1(0) ack 1");
	expect(w, "0.010 . 1:1(0) ack 2");
	for (unsigned i = 0; i < 5; i++) {
		char line[64];
		send_bytes(w, 1460);
		snprintf(line, sizeof line, "* . %u:%u(1460) ack 2", 1 + i * 1460, 1461 + i * 1460);
		expect(w, line);
		snprintf(line, sizeof line, "+0.01 . 2:2(0) ack %u", 1461 + i * 1460);
		inject(w, line);
	}
	expect_state(w, TCP_CLOSE_WAIT);
	wire_close(w);
	expect(w, "* F. 7301:7301(0) ack 2");
	inject(w, "+0.01 . 2:2(0) ack 7302");
	expect_state(w, TCP_CLOSED);
}

/* ------------------------------------------------------------ segments of the close get lost */

static void test_fin_is_retransmitted_in_fin_wait_1(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	wire_close(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	expect(w, "~0.200 F. 1:1(0) ack 1");
	expect(w, "~0.600 F. 1:1(0) ack 1");
	expect(w, "~1.400 F. 1:1(0) ack 1");
	expect_state(w, TCP_FIN_WAIT_1);
	inject(w, "+0.01 . 1:1(0) ack 2");
	expect_none(w, "5.0");
	expect_state(w, TCP_FIN_WAIT_2);
}

static void test_fin_is_retransmitted_in_closing(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	wire_close(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	inject(w, "0.010 F. 1:1(0) ack 1");
	expect(w, "0.010 . 2:2(0) ack 2");
	expect(w, "~0.200 F. 1:1(0) ack 2");
	expect(w, "~0.600 F. 1:1(0) ack 2");
	expect_state(w, TCP_CLOSING);
	inject(w, "+0.01 . 2:2(0) ack 2");
	expect_state(w, TCP_TIME_WAIT);
	drain(w);
}

static void test_fin_is_retransmitted_in_last_ack(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 F. 1:1(0) ack 1");
	expect(w, "0.010 . 1:1(0) ack 2");
	wire_close(w);
	expect(w, "0.010 F. 1:1(0) ack 2");
	expect(w, "~0.210 F. 1:1(0) ack 2");
	expect(w, "~0.610 F. 1:1(0) ack 2");
	expect_state(w, TCP_LAST_ACK);
	inject(w, "+0.01 . 2:2(0) ack 2");
	expect_state(w, TCP_CLOSED);
	expect_none(w, "100");
}

static void test_lost_data_and_fin_are_retransmitted_together(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 100);
	expect(w, "0.000 P. 1:101(100) ack 1");
	wire_close(w);
	expect(w, "0.000 F. 101:101(0) ack 1");
	expect(w, "~0.200 FP. 1:101(100) ack 1");
	inject(w, "0.210 . 1:1(0) ack 102");
	expect_none(w, "5.0");
	expect_state(w, TCP_FIN_WAIT_2);
}

static void test_lost_fin_behind_acknowledged_data(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	hold(w);
	send_bytes(w, 100);
	release(w);
	expect(w, "0.000 P. 1:101(100) ack 1");
	wire_close(w);
	expect(w, "0.000 F. 101:101(0) ack 1");
	inject(w, "0.010 . 1:1(0) ack 101");
	expect(w, "> 0.200 F. 101:101(0) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 102");
	expect_state(w, TCP_FIN_WAIT_2);
}

static void test_repeated_fin_is_acknowledged_again(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 F. 1:1(0) ack 1");
	expect(w, "0.010 . 1:1(0) ack 2");
	inject(w, "1.010 F. 1:1(0) ack 1"); /* in CLOSE-WAIT */
	expect(w, "1.010 . 1:1(0) ack 2");
	expect_state(w, TCP_CLOSE_WAIT);
	check_equal(w, wire_events(w, STACK_EVENT_PEER_FIN), 1);
	wire_close(w);
	expect(w, "1.010 F. 1:1(0) ack 2");
	inject(w, "1.050 F. 1:1(0) ack 1"); /* in LAST-ACK */
	expect(w, "1.050 . 2:2(0) ack 2");
	expect_state(w, TCP_LAST_ACK);
	/* Wholly old, so its ACK is not looked at (RFC 9293 3.10.7.4, first); our FIN gets
	 * another. */
	inject(w, "1.060 F. 1:1(0) ack 2");
	expect(w, "1.060 . 2:2(0) ack 2");
	expect(w, "> 1.200 F. 1:1(0) ack 2");
	inject(w, "+0.01 . 2:2(0) ack 2");
	expect_state(w, TCP_CLOSED);
}

static void test_repeated_fin_in_closing_is_acknowledged_again(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	wire_close(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	inject(w, "0.010 F. 1:1(0) ack 1");
	expect(w, "0.010 . 2:2(0) ack 2");
	inject(w, "0.050 F. 1:1(0) ack 1");
	expect(w, "0.050 . 2:2(0) ack 2");
	expect_state(w, TCP_CLOSING);
	expect(w, "> 0.150 F. 1:1(0) ack 2");
	inject(w, "+0.01 . 2:2(0) ack 2");
	expect_state(w, TCP_TIME_WAIT);
	drain(w);
}

/* ------------------------------------------------------------------ peers that do not finish */

static void test_silent_peer_ends_every_closing_state(void **state)
{
	struct wire *w = *state;
	static const struct {
		const char *before, *after; /* of the peer, around our close */
		enum tcp_state stuck;
	} cases[] = {
		{NULL, NULL, TCP_FIN_WAIT_1},
		{NULL, "+0 . 1:1(0) ack 2", TCP_FIN_WAIT_2},
		{NULL, "+0 F. 1:1(0) ack 1", TCP_CLOSING},
		{"+0 F. 1:1(0) ack 1", NULL, TCP_LAST_ACK},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		wire_establish(w, SYN_WORDS);
		if (cases[i].before)
			inject(w, cases[i].before);
		drain(w);
		wire_close(w);
		drain(w);
		if (cases[i].after)
			inject(w, cases[i].after);
		drain(w);
		expect_state(w, cases[i].stuck);
		advance_us(w, 2 * (w->cfg.user_timeout_us + w->cfg.fin_wait_2_us) + 120000000);
		drain(w);
		expect_state(w, TCP_CLOSED);
		check_equal(w, wire_usage(w).connections, 0);
		wire_restart(w);
	}
}

static void test_orphan_in_fin_wait_2_is_let_go(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	wire_close(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	inject(w, "0.000 . 1:1(0) ack 2");
	advance_us(w, w->cfg.fin_wait_2_us - 1000);
	expect_state(w, TCP_FIN_WAIT_2);
	advance_us(w, 2000);
	expect_state(w, TCP_CLOSED);
	check_equal(w, wire_usage(w).connections, 0);
	check_equal(w, wire_usage(w).time_wait, 0);
	check_equal(w, counters(w)->tcp_fin_wait_2_timeouts, 1);
}

/* The limit begins when the handle is given back, also when FIN-WAIT-2 began long before. */
static void test_connection_becomes_an_orphan_in_fin_wait_2(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	wire_shutdown(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	inject(w, "0.000 . 1:1(0) ack 2");
	expect_none(w, "1000");
	expect_state(w, TCP_FIN_WAIT_2);
	wire_close(w);
	advance_us(w, w->cfg.fin_wait_2_us - 1000);
	expect_state(w, TCP_FIN_WAIT_2);
	advance_us(w, 2000);
	expect_state(w, TCP_CLOSED);
	check_equal(w, wire_usage(w).connections, 0);
}

static void test_close_behind_a_shut_window_ends(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 0 <mss 1460>");
	send_bytes(w, 100);
	expect_none(w, "0.100");
	wire_close(w);
	expect_state(w, TCP_FIN_WAIT_1);
	for (unsigned i = 0; i < 4; i++) { /* probed, and answered: still shut */
		expect(w, "* . 1:2(1) ack 1");
		inject(w, "+0 . 1:1(0) ack 1 win 0");
	}
	inject(w, "+0.01 . 1:1(0) ack 1 win 1000");
	expect(w, "* FP. 1:101(100) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 102");
	expect_state(w, TCP_FIN_WAIT_2);
}

/* CVE-2008-4609: a peer that holds the window shut must not hold an orphan's memory for ever. */
static void test_orphan_behind_a_shut_window_dies(void **state)
{
	struct wire *w = *state;
	const uint64_t limit = w->now_us + 3600ull * 1000000;

	wire_establish(w, "win 0 <mss 1460>");
	send_bytes(w, 100);
	wire_close(w);
	while (wire_usage(w).connections > 0 && w->now_us < limit) {
		advance_us(w, 1000000);
		if (drain(w) > 0 && wire_usage(w).connections > 0)
			inject(w, "+0 . 1:1(0) ack 1 win 0");
		drain(w);
	}
	check_equal(w, wire_usage(w).connections, 0);
}

/* Nothing but the FIN waits behind the shut window. */
static void test_fin_alone_behind_a_shut_window(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 0 <mss 1460>");
	wire_close(w);
	expect_state(w, TCP_FIN_WAIT_1);
	expect(w, "> 0 F. 1:1(0) ack 1");
	expect(w, "> 0.200 F. 1:1(0) ack 1"); /* and again, since no answer came */
	inject(w, "+0.01 . 1:1(0) ack 2 win 0");
	expect_state(w, TCP_FIN_WAIT_2);
}

/* A client that takes a byte now and then must not hold an orphan for ever. */
static void test_orphan_with_a_crawling_reader_dies(void **state)
{
	struct wire *w = *state;
	const uint64_t limit = w->now_us + 24 * 3600ull * 1000000;
	uint32_t acked = 1;

	w->quiet = true;
	wire_establish(w, "win 1 <mss 1460>");
	send_bytes(w, 60000);
	wire_close(w);
	while (wire_usage(w).connections > 0 && w->now_us < limit) {
		advance_us(w, 30000000);
		if (drain(w) > 0 && wire_usage(w).connections > 0) {
			char line[64];
			snprintf(line, sizeof line, "+0 . 1:1(0) ack %u win 1", ++acked);
			inject(w, line);
		}
		drain(w);
	}
	check_equal(w, wire_usage(w).connections, 0);
	check(w, w->now_us < limit);
}

/* Without room for a TIME-WAIT record the peer's FIN is acknowledged all the same. */
static void test_fin_is_acknowledged_without_a_time_wait_record(void **state)
{
	struct wire *w = *state;

	w->cfg.max_time_wait = 0;
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	wire_close(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	inject(w, "0.010 F. 1:1(0) ack 2");
	expect(w, "0.010 . 2:2(0) ack 2");
	expect_state(w, TCP_CLOSED);
}

static void test_fin_without_ack_flag_is_dropped(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 F 1:1(0)"); /* RFC 9293 3.10.7.4, fifth: no ACK, no processing */
	expect_none(w, "1.0");
	expect_state(w, TCP_ESTABLISHED);
}

static void test_notify_sent_counts_the_fin(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 100);
	expect(w, "0.000 P. 1:101(100) ack 1");
	tcp_notify_sent(w->c);
	wire_shutdown(w);
	expect(w, "0.000 F. 101:101(0) ack 1");
	inject(w, "0.010 . 1:1(0) ack 101");
	check_equal(w, wire_events(w, STACK_EVENT_SENT), 0);
	inject(w, "0.020 . 1:1(0) ack 102");
	check_equal(w, wire_events(w, STACK_EVENT_SENT), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_active_close_in_four_segments),
		WIRE_TEST(test_active_close_in_three_segments),
		WIRE_TEST(test_passive_close_in_four_segments),
		WIRE_TEST(test_passive_close_in_three_segments),
		WIRE_TEST(test_simultaneous_close),
		WIRE_TEST(test_close_of_an_active_open),
		WIRE_TEST(test_state_moves_when_the_fin_is_queued),
		WIRE_TEST(test_fin_travels_with_the_last_data),
		WIRE_TEST(test_peers_fin_with_data),
		WIRE_TEST(test_fin_before_its_data_waits_for_them),
		WIRE_TEST(test_fin_with_data_out_of_order),
		WIRE_TEST(test_data_that_cover_an_early_fin),
		WIRE_TEST(test_data_behind_the_fin_are_no_data),
		WIRE_TEST(test_half_close_of_ours_goes_on_receiving),
		WIRE_TEST(test_half_close_of_the_peers_goes_on_sending),
		WIRE_TEST(test_fin_is_retransmitted_in_fin_wait_1),
		WIRE_TEST(test_fin_is_retransmitted_in_closing),
		WIRE_TEST(test_fin_is_retransmitted_in_last_ack),
		WIRE_TEST(test_lost_data_and_fin_are_retransmitted_together),
		WIRE_TEST(test_lost_fin_behind_acknowledged_data),
		WIRE_TEST(test_repeated_fin_is_acknowledged_again),
		WIRE_TEST(test_repeated_fin_in_closing_is_acknowledged_again),
		WIRE_TEST(test_silent_peer_ends_every_closing_state),
		WIRE_TEST(test_orphan_in_fin_wait_2_is_let_go),
		WIRE_TEST(test_connection_becomes_an_orphan_in_fin_wait_2),
		WIRE_TEST(test_close_behind_a_shut_window_ends),
		WIRE_TEST(test_orphan_behind_a_shut_window_dies),
		WIRE_TEST(test_fin_without_ack_flag_is_dropped),
		WIRE_TEST(test_notify_sent_counts_the_fin),
		WIRE_TEST(test_fin_alone_behind_a_shut_window),
		WIRE_TEST(test_orphan_with_a_crawling_reader_dies),
		WIRE_TEST(test_fin_is_acknowledged_without_a_time_wait_record),
	};

	return cmocka_run_group_tests_name("stack: close", tests, NULL, NULL);
}
