/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_get_info: each field that `ss -tim` shows, by a packet trace that leaves only one value for it; and the
 * gauges of stack_get_usage.
 */
#include <stdio.h>
#include <string.h>

#include "stack/tcp_types.h"
#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1000>"

/* A handshake that takes 100 ms: SRTT is 100 ms. */
static void establish_slowly(struct wire *w, const char *syn)
{
	char text[96];

	wire_listen(w, WIRE_PORT, 16);
	snprintf(text, sizeof text, "0.000 S 0:0(0) %s", syn);
	inject(w, text);
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.100 . 1:1(0) ack 1 win 65535");
	wire_accept(w);
}

static uint64_t since_start(const struct wire *w, uint64_t us)
{
	return us - w->start_us;
}

/* ------------------------------------------------------------------ sizes and counts */

static void test_segment_sizes(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 900,wscale 7>");
	check_equal(w, wire_info(w).peer_mss, 900);
	check_equal(w, wire_info(w).snd_mss, 900);
	check_equal(w, wire_info(w).adv_mss, 1460);
	check_equal(w, wire_info(w).snd_wscale, 7);
	check_equal(w, wire_info(w).rcv_wscale, 7); /* for 256 KiB */
	check(w, wire_info(w).wscale_ok && !wire_info(w).sack && !wire_info(w).timestamps);
	inject(w,
	       "* P. 1:1201(1200) ack 1 win 65535"); /* larger than its own option: so that is its size */
	check_equal(w, wire_info(w).rcv_mss, 1200);
	drain(w);
}

static void test_bytes_and_segments_sent(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	const uint64_t before = wire_info(w).segs_out;
	send_bytes(w, 2500);
	check_equal(w, drain(w), 3);
	check_equal(w, wire_info(w).bytes_sent, 2500);
	check_equal(w, wire_info(w).bytes_out, 0);
	check_equal(w, wire_info(w).data_segs_out, 3);
	check_equal(w, wire_info(w).segs_out, before + 3);
	advance_us(w, 250000); /* the retransmission timer: one segment again */
	check_equal(w, drain(w), 1);
	check_equal(w, wire_info(w).bytes_sent, 3500);
	check_equal(w, wire_info(w).bytes_retrans, 1000);
	check_equal(w, wire_info(w).retransmits, 1);
	check_equal(w, wire_info(w).timeouts, 1);
	check_equal(w, wire_info(w).data_segs_out, 4);
	inject(w, "* . 1:1(0) ack 2501");
	check_equal(w, wire_info(w).bytes_out, 2500);
	check_equal(w, wire_info(w).bytes_sent, 3500);
}

static void test_bytes_and_segments_received(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	const uint64_t before = wire_info(w).segs_in; /* of the handshake, after the SYN */
	inject(w, "* P. 1:101(100) ack 1");
	drain(w);
	inject(w, "* P. 201:301(100) ack 1"); /* a gap */
	drain(w);
	inject(w, "* . 301:301(0) ack 1");
	check_equal(w, wire_info(w).bytes_in, 100);
	check_equal(w, wire_info(w).recv_queued, 100);
	check_equal(w, wire_info(w).data_segs_in, 2);
	check_equal(w, wire_info(w).segs_in, before + 3);
	check_equal(w, wire_info(w).out_of_order_in, 1);
	inject(w, "* P. 101:201(100) ack 1");
	drain(w);
	check_equal(w, wire_info(w).bytes_in, 300);
	recv_bytes(w, 300);
	check_equal(w, wire_info(w).recv_queued, 0);
}

static void test_super_segments_count_as_their_pieces(void **state)
{
	struct wire *w = *state;
	static uint8_t packet[WIRE_PACKET_MAX];

	w->cfg.checksum_offload = w->cfg.tso = true;
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	const struct tcp_info before = wire_info(w);
	const struct stack_counters n = *counters(w);
	send_bytes(w, 9500);
	check_equal(w, drain(w), 1);
	check_equal(w, wire_info(w).data_segs_out, 10);
	check_equal(w, wire_info(w).segs_out, before.segs_out + 10);
	check_equal(w, counters(w)->tcp_out_segs, n.tcp_out_segs + 10);
	check_equal(w, counters(w)->tcp_orig_data_sent, n.tcp_orig_data_sent + 10);
	const struct seg g = wire_seg(w, "P. 1:4501(4500) ack 9501");
	wire_inject_meta(w, packet, wire_build(w, &g, packet),
			 (struct packet_meta){.checksum_trusted = true, .gso_size = 1000});
	drain(w);
	check_equal(w, wire_info(w).data_segs_in, 5);
	check_equal(w, wire_info(w).segs_in, before.segs_in + 5);
	check_equal(w, counters(w)->tcp_in_segs, n.tcp_in_segs + 5);
	check_equal(w, counters(w)->tcp_rcv_coalesced, n.tcp_rcv_coalesced + 4);
}

static void test_what_is_queued_and_what_is_in_flight(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 20000);
	check_equal(w, drain(w), 10); /* the initial window */
	check_equal(w, wire_info(w).send_queued, 20000);
	check_equal(w, wire_info(w).unacked, 10000);
	check_equal(w, wire_info(w).pipe, 10000);
	check_equal(w, wire_info(w).not_sent, 10000);
	wire_shutdown(w);
	check_equal(w, wire_info(w).not_sent, 10001); /* the FIN takes a number */
	inject(w, "* . 1:1(0) ack 10001");
	drain(w);
	check_equal(w, wire_info(w).send_queued, 10000);
	check_equal(w, wire_info(w).not_sent, 0);
	check_equal(w, wire_info(w).unacked, 10001);
}

/* ------------------------------------------------------------------ times */

static void test_when_it_last_happened(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	check_equal(w, wire_info(w).last_data_sent_us, 0);
	check_equal(w, wire_info(w).last_data_recv_us, 0);
	advance_to(w, "1.000");
	send_bytes(w, 10);
	check_equal(w, drain(w), 1);
	inject(w, "1.050 . 1:1(0) ack 11");
	inject(w, "2.000 P. 1:11(10) ack 11");
	check_equal(w, drain(w), 1); /* a pure ACK is no data */
	check_equal(w, since_start(w, wire_info(w).last_data_sent_us), 1000000);
	check_equal(w, since_start(w, wire_info(w).last_data_recv_us), 2000000);
	check_equal(w, since_start(w, wire_info(w).last_ack_recv_us), 2000000);
	inject(w, "3.000 . 11:11(0) ack 11");
	check_equal(w, since_start(w, wire_info(w).last_data_recv_us), 2000000);
	check_equal(w, since_start(w, wire_info(w).last_ack_recv_us), 3000000);
}

static void test_timer_and_backoff(void **state)
{
	struct wire *w = *state;

	establish_slowly(w, SYN_WORDS);
	assert_string_equal(wire_info(w).timer, "none");
	check_equal(w, wire_info(w).timer_us, UINT64_MAX);
	/* RFC 6298 2.2: RTTVAR is half of the first sample, the RTO SRTT + 4 * RTTVAR. */
	check_equal(w, wire_info(w).srtt_us, 100000);
	check_equal(w, wire_info(w).rttvar_us, 50000);
	check_equal(w, wire_info(w).min_rtt_us, 100000);
	check_equal(w, wire_info(w).rto_us, 300000);
	check_equal(w, wire_info(w).ato_us, 40000);
	send_bytes(w, 500); /* no full segment: a black hole is none of this */
	expect(w, "0.100 P. 1:501(500) ack 1");
	check_equal(w, wire_info(w).backoff, 0);
	while (wire_info(w).backoff < 2)
		expect(w, "* P. 1:501(500) ack 1");
	assert_string_equal(wire_info(w).timer, "retransmit");
	check_equal(w, wire_info(w).timer_us, w->now_us + 4 * 300000);
	inject(w, "+0.001 . 1:1(0) ack 501");
	check_equal(w, wire_info(w).backoff, 0);
}

static void test_quick_acks_run_out(void **state)
{
	struct wire *w = *state;
	char line[64];

	wire_establish(w, SYN_WORDS);
	for (uint32_t i = 0; i < TCP_QUICKACKS; i++) {
		check_equal(w, wire_info(w).quickacks, TCP_QUICKACKS - i);
		snprintf(line, sizeof line, "* P. %u:%u(10) ack 1", 1 + 10 * i, 11 + 10 * i);
		inject(w, line);
		check_equal(w, drain(w), 1);
	}
	check_equal(w, wire_info(w).quickacks, 0);
}

/* ------------------------------------------------------------------ rates */

static void test_send_rate_is_the_window_in_a_round_trip(void **state)
{
	struct wire *w = *state;

	establish_slowly(w, SYN_WORDS);
	check_equal(w, wire_info(w).cwnd, 10000);
	check_equal(w, wire_info(w).send_rate, 100000);
}

/* Ten segments leave at once and are acknowledged a millisecond apart, at 1,000,000 bytes a second. */
static void acks_a_millisecond_apart(struct wire *w, uint32_t from)
{
	char line[64];

	for (uint32_t i = 1; i <= 10; i++) {
		snprintf(line, sizeof line, "+0.001 . 1:1(0) ack %u", from + i * 1000);
		inject(w, line);
	}
}

static void test_delivery_rate_of_one_flight(void **state)
{
	struct wire *w = *state;

	establish_slowly(w, SYN_WORDS);
	check_equal(w, wire_info(w).delivery_rate, 0);
	send_bytes(w, 10000);
	check_equal(w, drain(w), 10);
	check_equal(w, wire_info(w).delivered, 0);
	advance_us(w, 99000);
	acks_a_millisecond_apart(w, 1);
	/* The last mark is at 9,000 bytes, which arrived 108 ms after the flight began. */
	check_equal(w, wire_info(w).delivered, 10000);
	check_equal(w, wire_info(w).delivery_rate, 9000 * UINT64_C(1000000) / 108000);
	/* Nobody had asked for more: what the path can do is not known. */
	check(w, wire_info(w).delivery_rate_app_limited);
}

/* With data always at hand the flights follow each other, and the rate is that at which ACKs come. */
static void test_delivery_rate_in_steady_state(void **state)
{
	struct wire *w = *state;
	char line[64];

	establish_slowly(w, SYN_WORDS);
	send_bytes(w, 60000);
	check_equal(w, drain(w), 10);
	advance_us(w, 99000);
	for (uint32_t i = 1; i <= 40; i++) { /* 1,000 bytes each 10 ms */
		snprintf(line, sizeof line, "+0.010 . 1:1(0) ack %u", 1 + i * 1000);
		inject(w, line);
		drain(w);
	}
	const uint64_t rate = wire_info(w).delivery_rate;
	check(w, rate > 95000 && rate < 105000);
	check(w, !wire_info(w).delivery_rate_app_limited);
}

/* ACKs that were held up and come all at once: what left over 90 ms has not been delivered any faster. */
static void test_compressed_acks_do_not_raise_the_rate(void **state)
{
	struct wire *w = *state;

	establish_slowly(w, SYN_WORDS);
	for (uint32_t flight = 1; flight <= 4; flight++) {
		char line[64];
		for (unsigned i = 0; i < 10; i++) {
			send_bytes(w, 1000);
			check_equal(w, drain(w), 1);
			advance_us(w, 10000);
		}
		for (uint32_t i = 9; i > 0; i--) { /* all of them 100 ms after the first left */
			snprintf(line, sizeof line, "* . 1:1(0) ack %u",
				 flight * 10000 + 1 - (i - 1) * 1000);
			inject(w, line);
		}
		check(w, wire_info(w).delivery_rate > 0);
		check(w, wire_info(w).delivery_rate <= 10000 * UINT64_C(1000000) / 90000);
	}
}

/* An application that gives little does not make the path slow. */
static void test_app_limited_sample_does_not_lower_the_rate(void **state)
{
	struct wire *w = *state;

	establish_slowly(w, SYN_WORDS);
	send_bytes(w, 10000);
	check_equal(w, drain(w), 10);
	advance_us(w, 100000);
	inject(w, "* . 1:1(0) ack 10001");
	const uint64_t before = wire_info(w).delivery_rate;
	for (uint32_t i = 1; i <= 5; i++) {
		char line[64];
		send_bytes(w, 10);
		check_equal(w, drain(w), 1);
		snprintf(line, sizeof line, "+0.100 . 1:1(0) ack %u", 10001 + i * 10);
		inject(w, line);
		check_equal(w, wire_info(w).delivery_rate, before);
	}
}

/* SACKed bytes are delivered, and are not counted again when they are acknowledged. */
static void test_sacked_bytes_are_delivered_once(void **state)
{
	struct wire *w = *state;

	establish_slowly(w, "win 65535 <mss 1000,sackOK>");
	send_bytes(w, 5000);
	check_equal(w, drain(w), 5);
	inject(w, "0.200 . 1:1(0) ack 1 <sack 2001:4001>");
	check_equal(w, wire_info(w).delivered, 2000);
	check_equal(w, wire_info(w).sacked, 2000);
	drain(w);
	inject(w, "0.210 . 1:1(0) ack 4001");
	check_equal(w, wire_info(w).delivered, 4000);
	inject(w, "0.220 . 1:1(0) ack 5001");
	check_equal(w, wire_info(w).delivered, 5000);
	drain(w);
}

/* ------------------------------------------------------------------ what it was limited by */

static void test_busy_while_something_is_unacknowledged(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	advance_to(w, "1.000");
	check_equal(w, wire_info(w).busy_us, 0);
	send_bytes(w, 1000);
	check_equal(w, drain(w), 1);
	advance_to(w, "1.030");
	check_equal(w, wire_info(w).busy_us, 30000); /* and it is running */
	inject(w, "1.050 . 1:1(0) ack 1001");
	advance_to(w, "5.000");
	check_equal(w, wire_info(w).busy_us, 50000);
	check_equal(w, wire_info(w).rwnd_limited_us, 0);
	check_equal(w, wire_info(w).sndbuf_limited_us, 0);
}

static void test_limited_by_the_window_of_the_peer(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 2000 <mss 1000>");
	send_bytes(w, 5000);
	check_equal(w, drain(w), 2);
	inject(w, "0.100 . 1:1(0) ack 1001 win 1000"); /* the edge is where it was */
	inject(w, "0.150 . 1:1(0) ack 2001 win 60000");
	check_equal(w, drain(w), 3);
	check_equal(w, wire_info(w).rwnd_limited_us, 150000);
	inject(w, "0.200 . 1:1(0) ack 5001 win 60000");
	advance_to(w, "1.000");
	check_equal(w, wire_info(w).rwnd_limited_us, 150000);
	check_equal(w, wire_info(w).busy_us, 200000);
}

static void test_limited_by_the_send_buffer(void **state)
{
	struct wire *w = *state;
	struct slice_mut room[2];

	w->cfg.send_buffer_max = 4096;
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	send_bytes(w, 4096);
	check_equal(w, drain(w), 5);
	advance_to(w, "0.010"); /* all is sent, and the application has not asked for more */
	check_equal(w, wire_info(w).sndbuf_limited_us, 0);
	check_equal(w, tcp_send_reserve(w->c, 1000, room), 0);
	advance_us(w, 0);
	inject(w, "0.110 . 1:1(0) ack 4097");
	check_equal(w, wire_info(w).sndbuf_limited_us, 100000);
	check_equal(w, wire_info(w).busy_us, 110000);
}

static void test_limited_by_the_network_is_busy_only(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 20000);
	check_equal(w, drain(w), 10);
	inject(w, "0.100 . 1:1(0) ack 10001");
	check_equal(w, drain(w), 10);
	inject(w, "0.150 . 1:1(0) ack 20001");
	check_equal(w, wire_info(w).busy_us, 150000);
	check_equal(w, wire_info(w).rwnd_limited_us, 0);
	check_equal(w, wire_info(w).sndbuf_limited_us, 0);
}

/* ------------------------------------------------------------------ gauges, and the end */

static void test_gauges_follow_a_life(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "* S 0:0(0) " SYN_WORDS);
	drain(w);
	check_equal(w, wire_usage(w).half_open, 1);
	check_equal(w, wire_usage(w).established, 0);
	inject(w, "* . 1:1(0) ack 1");
	check_equal(w, wire_usage(w).established, 1); /* also before tcp_accept */
	wire_accept(w);
	inject(w, "* F. 1:1(0) ack 1");
	drain(w);
	check_equal(w, wire_usage(w).established, 1); /* CLOSE-WAIT counts */
	check_equal(w, wire_usage(w).orphans, 0);
	wire_close(w);
	drain(w);
	check_equal(w, wire_usage(w).established, 0);
	check_equal(w, wire_usage(w).orphans, 1);
	check_equal(w, wire_usage(w).connections, 1);
	inject(w, "* . 2:2(0) ack 2");
	check_equal(w, wire_usage(w).orphans, 0);
	check_equal(w, wire_usage(w).connections, 0);
	check_equal(w, counters(w)->tcp_estab_resets, 0);
	check_equal(w, counters(w)->tcp_attempt_fails, 0);
}

static void test_info_outlives_the_connection(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 30000);
	drain(w);
	advance_us(w, 50000);
	inject(w, "* R 1:1(0)");
	expect_closed(w, TCP_CLOSE_RESET);
	const struct tcp_info info = wire_info(w);
	check_equal(w, info.state, TCP_CLOSED);
	check_equal(w, info.bytes_sent, 10000);
	check_equal(w, info.not_sent, 0);
	check_equal(w, info.busy_us, 50000);
	check_equal(w, wire_usage(w).established, 0);
	check_equal(w, wire_usage(w).orphans, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_segment_sizes),
		WIRE_TEST(test_bytes_and_segments_sent),
		WIRE_TEST(test_bytes_and_segments_received),
		WIRE_TEST(test_super_segments_count_as_their_pieces),
		WIRE_TEST(test_what_is_queued_and_what_is_in_flight),
		WIRE_TEST(test_when_it_last_happened),
		WIRE_TEST(test_timer_and_backoff),
		WIRE_TEST(test_quick_acks_run_out),
		WIRE_TEST(test_send_rate_is_the_window_in_a_round_trip),
		WIRE_TEST(test_delivery_rate_of_one_flight),
		WIRE_TEST(test_delivery_rate_in_steady_state),
		WIRE_TEST(test_compressed_acks_do_not_raise_the_rate),
		WIRE_TEST(test_app_limited_sample_does_not_lower_the_rate),
		WIRE_TEST(test_sacked_bytes_are_delivered_once),
		WIRE_TEST(test_busy_while_something_is_unacknowledged),
		WIRE_TEST(test_limited_by_the_window_of_the_peer),
		WIRE_TEST(test_limited_by_the_send_buffer),
		WIRE_TEST(test_limited_by_the_network_is_busy_only),
		WIRE_TEST(test_gauges_follow_a_life),
		WIRE_TEST(test_info_outlives_the_connection),
	};

	return cmocka_run_group_tests_name("stack: what a connection shows", tests, NULL, NULL);
}
