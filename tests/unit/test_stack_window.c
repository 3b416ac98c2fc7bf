/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flow control (RFC 9293 3.8.6): the window we offer, the one the peer offers, silly windows, shut
 * windows and their probing. That our right edge never moves left is checked by the harness on
 * every packet.
 */
#include <stdio.h>

#include "stack/tcp_types.h"
#include "tests/unit/wire.h"

static uint32_t take_window(struct wire *w)
{
	struct wire_packet *p = wire_take(w);
	const char *what = NULL;
	struct seg g;

	check(w, p && wire_decode(p->bytes, p->len, &g, &what));
	test_free(p);
	return g.win;
}

static void small_receive_buffer(struct wire *w, uint32_t bytes)
{
	w->cfg.recv_buffer_max = w->cfg.recv_buffer_initial = bytes;
	wire_restart(w);
}

/* ------------------------------------------------------------------ the window we offer */

static void test_window_shrinks_by_what_is_not_read(void **state)
{
	struct wire *w = *state;

	small_receive_buffer(w, 8192);
	wire_establish(w, "win 65535 <mss 1460>");
	inject(w, "0.000 . 1:1001(1000) ack 1");
	expect(w, "0.000 . 1:1(0) ack 1001 win 7192");
	inject(w, "0.000 . 1001:2001(1000) ack 1");
	expect(w, "0.000 . 1:1(0) ack 2001 win 6192");
}

static void fill_window(struct wire *w)
{
	small_receive_buffer(w, 8192);
	wire_establish(w, "win 65535 <mss 1024>");
	for (uint32_t at = 1; at < 8193; at += 1024) {
		char line[64];
		snprintf(line, sizeof line, "0.000 . %u:%u(1024) ack 1", at, at + 1024);
		inject(w, line);
		snprintf(line, sizeof line, "0.000 . 1:1(0) ack %u win %u", at + 1024,
			 8193 - (at + 1024));
		expect(w, line);
	}
}

static void test_full_window_is_shut(void **state)
{
	struct wire *w = *state;

	fill_window(w);
	inject(w, "0.100 . 8193:8194(1) ack 1"); /* the peer's probe is answered, not taken */
	expect(w, "0.100 . 1:1(0) ack 8193 win 0");
	inject(w, "0.200 . 8193:9217(1024) ack 1");
	expect(w, "0.200 . 1:1(0) ack 8193 win 0");
	inject(w, "0.300 . 8192:8192(0) ack 1"); /* the other kind of probe: an old number */
	expect(w, "0.300 . 1:1(0) ack 8193 win 0");
	check_equal(w, wire_info(w).rcv_nxt, w->irs + 8193);
}

static void test_reading_opens_the_window(void **state)
{
	struct wire *w = *state;

	fill_window(w);
	recv_bytes(w, 8192);
	expect(w, "0.000 . 1:1(0) ack 8193 win 8192");
	inject(w, "0.010 . 8193:9217(1024) ack 1");
	expect(w, "0.010 . 1:1(0) ack 9217 win 7168");
	recv_bytes(w, 1024);
}

/* RFC 9293 3.8.6.2.2: not before it has grown by a segment or half of the buffer. */
static void test_silly_window_is_not_offered(void **state)
{
	struct wire *w = *state;

	fill_window(w);
	for (unsigned i = 0; i < 1023; i++)
		recv_bytes(w, 1);
	expect_none(w, "1.0");
	inject(w, "1.0 . 8193:8194(1) ack 1");
	expect(w, "1.0 . 1:1(0) ack 8193 win 0");
	recv_bytes(w, 4096);
	check(w, take_window(w) >= 1024);
	check_equal(w, wire_waiting(w), 0);
}

static void test_peer_that_probes_a_shut_window_stays_connected(void **state)
{
	struct wire *w = *state;

	fill_window(w);
	for (unsigned i = 0; i < 100; i++) {
		inject(w, "+60 . 8193:8194(1) ack 1");
		expect(w, "* . 1:1(0) ack 8193 win 0");
	}
	expect_state(w, TCP_ESTABLISHED);
	recv_bytes(w, 8192);
	expect(w, "* . 1:1(0) ack 8193 win 8192");
}

static void test_ack_rst_fin_are_taken_at_a_shut_window(void **state)
{
	struct wire *w = *state;

	fill_window(w);
	send_bytes(w, 100);
	expect(w, "0.000 P. 1:101(100) ack 8193 win 0");
	inject(w, "0.010 . 8193:8193(0) ack 101");
	check_equal(w, tcp_send_pending(w->c), 0);
	inject(w, "0.020 R 8193:8193(0)");
	expect_state(w, TCP_CLOSED);
	expect_closed(w, TCP_CLOSE_RESET);
}

/* A FIN takes a sequence number and no room. */
static void test_fin_at_a_shut_window_is_taken(void **state)
{
	struct wire *w = *state;

	fill_window(w);
	inject(w, "0.010 F. 8193:8193(0) ack 1");
	expect(w, "0.010 . 1:1(0) ack 8194 win 0");
	expect_state(w, TCP_CLOSE_WAIT);
	recv_bytes(w, 8192);
	check(w, tcp_recv_finished(w->c));
	drain(w);
	wire_close(w);
	expect(w, "* F. 1:1(0) ack 8194");
}

static void test_window_is_scaled(void **state)
{
	struct wire *w = *state;

	small_receive_buffer(w, 1 << 20);
	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460,nop,wscale 7>");
	struct wire_packet *p = wire_take(w);
	const char *what = NULL;
	struct seg g;
	check(w, p && wire_decode(p->bytes, p->len, &g, &what));
	test_free(p);
	check(w, g.has_wscale && g.wscale <= 14);
	check(w, 65535u << g.wscale >= 1u << 20);
	check_equal(w, g.win, 65535); /* RFC 7323 2.2: never scaled in a SYN */
	inject(w, "0.000 . 1:1(0) ack 1 win 512");
	wire_accept(w);
	inject(w, "0.000 . 1:1001(1000) ack 1 win 512");
	const uint32_t window = take_window(w) << g.wscale;
	check(w, window >= (1u << 20) - 1000 - (1u << g.wscale) && window <= 1u << 20);
}

/* RFC 7323 2.2: scaling is in force only when both have asked for it. */
static void test_window_is_not_scaled_when_the_peer_does_not(void **state)
{
	struct wire *w = *state;

	small_receive_buffer(w, 1 << 20);
	wire_establish(w, "win 65535 <mss 1460>");
	inject(w, "0.000 . 1:1001(1000) ack 1");
	const uint32_t window = take_window(w);
	check(w, window >= 64535); /* and at most what sixteen bits can say */
	check(w, !wire_info(w).wscale_ok);
}

/* ------------------------------------------------------------------ the window of the peer */

static void test_peers_window_limits_us(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 3000 <mss 1000>");
	send_bytes(w, 5000);
	expect(w, "0.000 . 1:1001(1000) ack 1");
	expect(w, "0.000 . 1001:2001(1000) ack 1");
	expect(w, "0.000 . 2001:3001(1000) ack 1");
	expect_none(w, "0.010");
	inject(w, "0.010 . 1:1(0) ack 1001 win 3000");
	expect(w, "0.010 . 3001:4001(1000) ack 1");
	inject(w, "0.020 . 1:1(0) ack 4001 win 3000");
	expect(w, "0.020 P. 4001:5001(1000) ack 1");
}

static void test_peers_window_scale_counts(void **state)
{
	struct wire *w = *state;

	/* In the SYN 2,000 bytes as they are; afterwards 20 << 7. */
	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 2000 <mss 1000,nop,wscale 7>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.000 . 1:1(0) ack 1 win 20");
	wire_accept(w);
	check_equal(w, wire_info(w).snd_wnd, 20 << 7);
	send_bytes(w, 5000);
	expect(w, "0.000 . 1:1001(1000) ack 1");
	expect(w, "0.000 . 1001:2001(1000) ack 1");
	drain(w);
	check(w, wire_info(w).snd_nxt - w->iss - 1 <= 20 << 7);
}

static void test_window_scale_above_14_counts_as_14(void **state)
{
	struct wire *w = *state;
	static const unsigned shifts[] = {14, 15, 31, 32, 255};

	for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
		char line[96];
		wire_listen(w, WIRE_PORT, 16);
		snprintf(line, sizeof line, "* S 0:0(0) win 2000 <mss 1000,nop,wscale %u>",
			 shifts[i]);
		inject(w, line);
		expect(w, "* S. 0:0(0) ack 1");
		inject(w, "* . 1:1(0) ack 1 win 3");
		wire_accept(w);
		check_equal(w, wire_info(w).snd_wnd, 3 << 14); /* RFC 7323 2.3 */
		wire_restart(w);
	}
}

static void test_old_segment_does_not_change_the_window(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 1000 <mss 1000>");
	inject(w, "0.000 . 1:11(10) ack 1 win 2000");
	expect(w, "0.000 . 1:1(0) ack 11");
	inject(w, "0.000 . 1:11(10) ack 1 win 5000"); /* SND.WL1 is newer than this */
	drain(w);
	check_equal(w, wire_info(w).snd_wnd, 2000);
	inject(w, "0.000 . 11:11(0) ack 1 win 6000");
	check_equal(w, wire_info(w).snd_wnd, 6000);
}

static void test_shrunken_window_is_survived(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 5000 <mss 1000>");
	send_bytes(w, 5000);
	check_equal(w, drain(w), 5);
	inject(w,
	       "0.010 . 1:1(0) ack 1001 win 500"); /* RFC 9293 3.8.6: discouraged, to be survived */
	expect_none(w, "0.015");
	inject(w, "0.020 . 1:1(0) ack 1001 win 4000");
	expect_none(w, "0.030"); /* it had all been sent before */
	inject(w, "0.040 . 1:1(0) ack 5001 win 4000");
	check_equal(w, tcp_send_pending(w->c), 0);
}

/* RFC 9293 3.8.6.2.1: a sliver of window is not worth a segment, until the override time-out. */
static void test_sliver_of_window_is_not_used_at_once(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 4000 <mss 1000>");
	send_bytes(w, 6000);
	check_equal(w, drain(w), 4);
	inject(w, "0.010 . 1:1(0) ack 4001 win 100");
	expect_none(w, "0.100");
	inject(w, "0.100 . 1:1(0) ack 4001 win 1100");
	expect(w, "0.100 . 4001:5001(1000) ack 1");
}

static void test_sliver_of_window_is_used_in_the_end(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 4000 <mss 1000>");
	send_bytes(w, 6000);
	check_equal(w, drain(w), 4);
	inject(w, "0.010 . 1:1(0) ack 4001 win 100");
	check_equal(w, wire_waiting(w), 0);
	for (unsigned i = 0; i < 50 && wire_waiting(w) == 0; i++)
		advance_us(w, 100000);
	check(w, wire_waiting(w) > 0);
	drain(w);
}

/* A receiver whose buffer is smaller than a segment: half of its largest window is enough. */
static void test_tiny_receiver_is_served(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 400 <mss 1460>");
	send_bytes(w, 1000);
	expect(w, "0.000 . 1:401(400) ack 1");
	inject(w, "0.010 . 1:1(0) ack 401 win 400");
	expect(w, "0.010 . 401:801(400) ack 1");
	inject(w, "0.020 . 1:1(0) ack 801 win 400");
	expect(w, "0.020 P. 801:1001(200) ack 1");
}

/* ------------------------------------------------------------------ shut windows */

static void test_shut_window_is_probed_with_backoff(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 0 <mss 1000>");
	send_bytes(w, 500);
	check_equal(w, wire_waiting(w), 0);
	expect(w, "~0.200 . 1:2(1) ack 1");
	inject(w, "+0 . 1:1(0) ack 1 win 0");
	expect(w, "~0.600 . 1:2(1) ack 1");
	inject(w, "+0 . 1:1(0) ack 1 win 0");
	expect(w, "~1.400 . 1:2(1) ack 1");
	inject(w, "+0 . 1:1(0) ack 1 win 0");
	expect(w, "~3.000 . 1:2(1) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 1 win 2000");
	expect(w, "* P. 1:501(500) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 501 win 2000");
	expect_none(w, "100");
	check_equal(w, wire_info(w).probes_out, 4);
}

static void test_probe_interval_has_an_upper_bound(void **state)
{
	struct wire *w = *state;
	uint64_t last = 0, longest = 0;

	wire_establish(w, "win 0 <mss 1000>");
	send_bytes(w, 500);
	for (unsigned i = 0; i < 100; i++) {
		expect(w, "* . 1:2(1) ack 1");
		if (last && w->now_us - last > longest)
			longest = w->now_us - last;
		last = w->now_us;
		inject(w, "* . 1:1(0) ack 1 win 0");
	}
	check(w, longest <= TCP_RTO_MAX_US + 1000);
	/* RFC 9293 3.8.6.1: as long as it answers, the connection stays. */
	expect_state(w, TCP_ESTABLISHED);
	inject(w, "+1 . 1:1(0) ack 1 win 1000");
	expect(w, "* P. 1:501(500) ack 1");
}

static void test_peer_may_take_the_probe(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 0 <mss 1000>");
	send_bytes(w, 500);
	expect(w, "~0.200 . 1:2(1) ack 1");
	inject(w, "0.210 . 1:1(0) ack 2 win 0");
	expect(w, "> 0.220 . 2:3(1) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 2 win 1000");
	expect(w, "* P. 2:501(499) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 501 win 1000");
	check_equal(w, tcp_send_pending(w->c), 0);
}

/* The probe's byte does not count as sent: our ACKs keep the number that a peer with a shut
 * window takes (RFC 9293 3.10.7.4, first: RCV.WND = 0 and SEG.SEQ = RCV.NXT). */
static void test_acks_stay_in_the_window_while_probing(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 0 <mss 1000>");
	send_bytes(w, 500);
	expect(w, "~0.200 . 1:2(1) ack 1");
	inject(w, "+0.001 . 1:1(0) ack 1 win 0"); /* not taken */
	inject(w, "+0.001 P. 1:101(100) ack 1 win 0");
	expect(w, "* . 1:1(0) ack 101");
	inject(w, "+0.001 P. 101:201(100) ack 1 win 0");
	expect(w, "* . 1:1(0) ack 201");
	expect(w, "~0.600 . 1:2(1) ack 201");
	inject(w, "+0.001 R 201:201(0)");
	expect_closed(w, TCP_CLOSE_RESET);
}

static void test_lost_window_update_does_no_harm(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 1000 <mss 1000>");
	send_bytes(w, 1500);
	expect(w, "0.000 . 1:1001(1000) ack 1");
	inject(w, "0.010 . 1:1(0) ack 1001 win 0");
	/* The update is lost here; the answer to our probe brings it again. */
	expect(w, "> 0.100 . 1001:1002(1) ack 1");
	inject(w, "+0.001 . 1:1(0) ack 1002 win 5000");
	expect(w, "* P. 1002:1501(499) ack 1");
}

static void test_window_shuts_with_data_in_flight(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 2000 <mss 1000>");
	send_bytes(w, 2000);
	check_equal(w, drain(w), 2);
	inject(w,
	       "0.010 . 1:1(0) ack 1001 win 0"); /* shrunk: the second segment was lost or refused */
	expect_none(w, "0.100");
	while (wire_waiting(w) == 0)
		advance_us(w, 10000);
	check(w, w->now_us < w->start_us + 2000000);
	drain(w);
	inject(w, "+0.1 . 1:1(0) ack 1001 win 5000");
	drain(w);
	inject(w, "+0.1 . 1:1(0) ack 2001 win 5000");
	check_equal(w, tcp_send_pending(w->c), 0);
}

static void test_silent_peer_behind_a_shut_window_is_given_up(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 0 <mss 1000>");
	send_bytes(w, 500);
	advance_us(w, w->cfg.user_timeout_us + 2 * TCP_RTO_MAX_US);
	drain(w);
	expect_closed(w, TCP_CLOSE_TIMEOUT);
	expect_state(w, TCP_CLOSED);
}

static void test_two_shut_windows_do_not_storm(void **state)
{
	struct wire *w = *state;
	size_t packets = 0;

	w->cfg.recv_buffer_max = 8192;
	wire_restart(w);
	wire_establish(w, "win 0 <mss 1024>");
	for (uint32_t at = 1; at < 8193; at += 1024) {
		char line[64];
		snprintf(line, sizeof line, "0.000 . %u:%u(1024) ack 1 win 0", at, at + 1024);
		inject(w, line);
		drain(w);
	}
	send_bytes(w, 100);
	/* Each of our packets is answered as a peer with a shut window answers. */
	for (unsigned i = 0; i < 1000 && w->now_us < w->start_us + 60000000ull; i++) {
		advance_us(w, 1000000);
		for (size_t n = drain(w); n > 0; n--, packets++) {
			inject(w, "* . 8193:8193(0) ack 1 win 0");
			packets += drain(w);
		}
	}
	check(w, packets < 30);
	expect_state(w, TCP_ESTABLISHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_window_shrinks_by_what_is_not_read),
		WIRE_TEST(test_full_window_is_shut),
		WIRE_TEST(test_reading_opens_the_window),
		WIRE_TEST(test_silly_window_is_not_offered),
		WIRE_TEST(test_peer_that_probes_a_shut_window_stays_connected),
		WIRE_TEST(test_ack_rst_fin_are_taken_at_a_shut_window),
		WIRE_TEST(test_window_is_scaled),
		WIRE_TEST(test_window_is_not_scaled_when_the_peer_does_not),
		WIRE_TEST(test_peers_window_limits_us),
		WIRE_TEST(test_peers_window_scale_counts),
		WIRE_TEST(test_window_scale_above_14_counts_as_14),
		WIRE_TEST(test_old_segment_does_not_change_the_window),
		WIRE_TEST(test_shrunken_window_is_survived),
		WIRE_TEST(test_sliver_of_window_is_not_used_at_once),
		WIRE_TEST(test_sliver_of_window_is_used_in_the_end),
		WIRE_TEST(test_tiny_receiver_is_served),
		WIRE_TEST(test_shut_window_is_probed_with_backoff),
		WIRE_TEST(test_probe_interval_has_an_upper_bound),
		WIRE_TEST(test_peer_may_take_the_probe),
		WIRE_TEST(test_acks_stay_in_the_window_while_probing),
		WIRE_TEST(test_lost_window_update_does_no_harm),
		WIRE_TEST(test_window_shuts_with_data_in_flight),
		WIRE_TEST(test_silent_peer_behind_a_shut_window_is_given_up),
		WIRE_TEST(test_two_shut_windows_do_not_storm),
		WIRE_TEST(test_fin_at_a_shut_window_is_taken),
	};

	return cmocka_run_group_tests_name("stack: window", tests, NULL, NULL);
}
