/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The byte stream in both directions: segmentation, acknowledgements and their delay, reassembly in
 * every order (RFC 9293 3.8, RFC 5681 4.2). The harness compares every byte with its place in the
 * stream.
 */
#include <stdio.h>

#include "stack/tcp_types.h"
#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1460>"

static void inject_range(struct wire *w, uint32_t from, uint32_t to)
{
	char line[64];

	snprintf(line, sizeof line, "* . %u:%u(%u) ack 1", from, to, to - from);
	inject(w, line);
}

static void expect_ack(struct wire *w, uint32_t ack)
{
	char line[64];

	snprintf(line, sizeof line, "* . 1:1(0) ack %u", ack);
	expect(w, line);
}

/* A young connection acknowledges its first segments at once; afterwards the delay applies.
 * Returns the peer's next sequence number. */
static uint32_t use_up_quick_acks(struct wire *w)
{
	uint32_t next = 1;

	for (unsigned i = 0; i < TCP_QUICKACKS; i++, next += 10) {
		inject_range(w, next, next + 10);
		expect_ack(w, next + 10);
	}
	return next;
}

/* ------------------------------------------------------------------ sending */

static void test_data_are_cut_at_the_mss(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 1000>");
	send_bytes(w, 2500);
	expect(w, "0.000 . 1:1001(1000) ack 1");
	expect(w, "0.000 . 1001:2001(1000) ack 1");
	expect(w, "0.000 P. 2001:2501(500) ack 1");
	check_equal(w, tcp_send_pending(w->c), 2500);
	inject(w, "0.010 . 1:1(0) ack 2501");
	check_equal(w, tcp_send_pending(w->c), 0);
	expect_none(w, "100");
}

static void test_initial_window_is_ten_segments(void **state)
{
	struct wire *w = *state;
	char line[64];

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 20 * 1460);
	for (uint32_t at = 1; at < 14600; at += 1460) { /* RFC 6928 */
		snprintf(line, sizeof line, "0.000 . %u:%u(1460) ack 1", at, at + 1460);
		expect(w, line);
	}
	expect_none(w, "0.020");
	inject(w, "0.020 . 1:1(0) ack 2921"); /* slow start: two acknowledged, four more */
	for (uint32_t at = 14601; at < 14601 + 4 * 1460; at += 1460) {
		snprintf(line, sizeof line, "0.020 . %u:%u(1460) ack 1", at, at + 1460);
		expect(w, line);
	}
	expect_none(w, "0.030");
}

/* No Nagle: a response must not wait for the ACK of what went before. */
static void test_small_writes_leave_at_once(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 10);
	expect(w, "0.000 P. 1:11(10) ack 1");
	send_bytes(w, 20);
	expect(w, "0.000 P. 11:31(20) ack 1");
}

static void test_more_holds_back_the_partial_segment(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 1000>");
	send_more(w, 300);
	expect_none(w, "0.001");
	send_more(w, 900);
	expect(w, "0.001 . 1:1001(1000) ack 1");
	expect_none(w, "0.001");
	send_bytes(w, 50);
	expect(w, "0.001 P. 1001:1251(250) ack 1");
	send_more(w, 100);
	tcp_send_commit(w->c, 0, false);
	advance_us(w, 0);
	expect(w, "0.001 P. 1251:1351(100) ack 1");
	send_more(w, 100);
	wire_shutdown(w);
	expect(w, "0.001 FP. 1351:1451(100) ack 1");
}

static void test_writes_of_one_turn_share_segments(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	hold(w);
	for (unsigned i = 0; i < 10; i++)
		send_bytes(w, 100);
	release(w);
	expect(w, "0.000 P. 1:1001(1000) ack 1");
}

static void test_send_buffer_has_an_end(void **state)
{
	struct wire *w = *state;
	struct slice_mut room[2];

	w->cfg.send_buffer_max = 8192;
	wire_restart(w);
	wire_establish(w, "win 0 <mss 1460>");
	check_equal(w, tcp_send_space(w->c), 8192);
	send_bytes(w, 8192);
	check_equal(w, tcp_send_space(w->c), 0);
	check_equal(w, tcp_send_reserve(w->c, 1, room), 0);
	check_equal(w, tcp_send_all(w->c, (const uint8_t *)"x", 1, false), 0);
	check_equal(w, wire_events(w, STACK_EVENT_WRITABLE), 0);
	inject(w, "0.000 . 1:1(0) ack 1 win 65535");
	check_equal(w, drain(w), 6);
	inject(w, "0.010 . 1:1(0) ack 1461 win 65535"); /* not worth a call yet: RFC 1122 SWS */
	inject(w, "0.020 . 1:1(0) ack 8193 win 65535");
	check_equal(w, wire_events(w, STACK_EVENT_WRITABLE), 1);
	check_equal(w, tcp_send_space(w->c), 8192);
}

static void test_send_all_is_all_or_nothing(void **state)
{
	struct wire *w = *state;
	static const uint8_t block[5000];

	w->cfg.send_buffer_max = 4096;
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	w->any_payload = true;
	check_equal(w, tcp_send_all(w->c, block, sizeof block, false), 0);
	check_equal(w, tcp_send_pending(w->c), 0);
	check_equal(w, tcp_send_all(w->c, block, 100, false), 100);
	advance_us(w, 0);
	expect(w, "0.000 P. 1:101(100) ack 1");
}

static void test_ring_wraps_many_times(void **state)
{
	struct wire *w = *state;
	uint32_t at = 1;

	w->cfg.send_buffer_max = 4096;
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	for (unsigned i = 0; i < 200; i++) {
		char line[64];
		send_bytes(w, 997);
		snprintf(line, sizeof line, "* P. %u:%u(997) ack 1", at, at + 997);
		expect(w, line);
		at += 997;
		snprintf(line, sizeof line, "+0.001 . 1:1(0) ack %u", at);
		if (i % 3 == 2)
			inject(w, line);
	}
}

/* 8 MiB each way, so that sequence numbers wrap for at least two of the three initial ones. */
static void test_long_transfer_both_ways(void **state)
{
	struct wire *w = *state;
	uint32_t at = 1;

	w->quiet = true;
	wire_establish(w, SYN_WORDS);
	for (unsigned i = 0; i < 5800; i++, at += 1448) {
		struct seg g;
		char line[64];
		snprintf(line, sizeof line, "P. %u:%u(1448) ack %u", at, at + 1448, at);
		g = wire_seg(w, line);
		wire_inject_seg(w, &g);
		recv_bytes(w, 1448);
		send_bytes(w, 1448);
		drain(w);
		advance_us(w, 100);
	}
	check_equal(w, wire_info(w).bytes_in, 5800 * 1448);
	check_equal(w, wire_info(w).bytes_out, 5799 * 1448);
	check_equal(w, wire_info(w).retransmits, 0);
}

static void test_checksum_offload_leaves_the_pseudo_header(void **state)
{
	struct wire *w = *state;

	w->cfg.checksum_offload = true;
	wire_restart(w);
	wire_establish(w, SYN_WORDS); /* the harness does what the link would, and checks */
	for (unsigned len = 1; len < 40; len++)
		send_bytes(w, len);
	check_equal(w, drain(w), 39);
}

static void test_tso_leaves_in_large_segments(void **state)
{
	struct wire *w = *state;
	size_t bytes = 0, packets = 0;

	w->cfg.checksum_offload = true;
	w->cfg.tso = true;
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	send_bytes(w, 14600);
	for (struct wire_packet *p; (p = wire_take(w)) != NULL; packets++) {
		check(w, p->len <= 65535);
		check(w, p->len - 40 <= 1460 || p->gso_size == 1460);
		bytes += p->len - 40;
		test_free(p);
	}
	check_equal(w, bytes, 14600);
	check_equal(w, packets, 1);
	inject(w, "0.010 . 1:1(0) ack 14601");
	expect_none(w, "10.0");
}

/* With TSO, too, the window is filled with full segments and no sliver behind them. */
static void test_tso_leaves_in_full_segments(void **state)
{
	struct wire *w = *state;

	w->cfg.checksum_offload = true;
	w->cfg.tso = true;
	wire_restart(w);
	wire_establish(w, "win 5000 <mss 1460>");
	send_bytes(w, 20000);
	expect(w, "0.000 . 1:4381(4380) ack 1");
	expect_none(w, "0.010");
	inject(w, "0.010 . 1:1(0) ack 4381 win 65535");
	expect(w, "0.010 . 4381:18981(14600) ack 1"); /* the congestion window */
	inject(w, "0.020 . 1:1(0) ack 18981 win 65535");
	expect(w, "0.020 P. 18981:20001(1020) ack 1");
}

static void test_send_all_across_the_end_of_the_ring(void **state)
{
	struct wire *w = *state;
	static uint8_t block[1500];

	w->cfg.send_buffer_max = 4096;
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	for (unsigned turn = 0; turn < 20; turn++) {
		for (size_t i = 0; i < sizeof block; i++)
			block[i] = wire_pattern(++w->sent);
		check_equal(w, tcp_send_all(w->c, block, sizeof block, false), sizeof block);
		advance_us(w, 0);
		check_equal(w, drain(w), 2);
		char line[64];
		snprintf(line, sizeof line, "+0.001 . 1:1(0) ack %u", w->sent + 1);
		if (turn % 2)
			inject(w, line);
	}
}

/* ------------------------------------------------------------------ acknowledging */

static void test_first_segments_are_acknowledged_at_once(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	use_up_quick_acks(w);
	check(w, w->now_us == w->start_us);
}

static void test_ack_of_a_lone_segment_is_delayed(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	const uint32_t at = use_up_quick_acks(w);
	check_equal(w, at, 161);
	inject(w, "0.100 P. 161:261(100) ack 1");
	expect_none(w, "0.139");
	check_equal(w, TCP_DELACK_US, 40000);
	expect(w, "0.140 . 1:1(0) ack 261");
	expect_none(w, "10");
}

static void test_every_second_full_segment_is_acknowledged(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	use_up_quick_acks(w);
	inject(w, "0.100 . 161:1621(1460) ack 1");
	expect_none(w, "0.101");
	inject(w, "0.101 . 1621:3081(1460) ack 1");
	expect(w, "0.101 . 1:1(0) ack 3081");
	inject(w, "0.102 . 3081:4541(1460) ack 1");
	expect_none(w, "0.103");
	inject(w, "0.103 . 4541:6001(1460) ack 1");
	expect(w, "0.103 . 1:1(0) ack 6001");
	expect_none(w, "10");
}

static void test_peer_with_small_segments_gets_acks_as_often(void **state)
{
	struct wire *w = *state;
	unsigned acks = 0;
	uint32_t at;

	wire_establish(w, "win 65535 <mss 500>");
	at = use_up_quick_acks(w);
	for (unsigned i = 0; i < 20; i++, at += 500) {
		inject_range(w, at, at + 500);
		acks += (unsigned)drain(w);
	}
	check(w, acks >= 10); /* RFC 5681 4.2: at least every second segment */
}

static void test_ack_travels_with_data(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	use_up_quick_acks(w);
	inject(w, "0.100 P. 161:261(100) ack 1");
	advance_to(w, "0.110");
	send_bytes(w, 50);
	expect(w, "0.110 P. 1:51(50) ack 261");
	inject(w, "0.120 . 261:261(0) ack 51");
	expect_none(w, "10"); /* the delayed ACK is not sent a second time */
}

/* Counted in bytes: the link may hand over many segments as one. */
static void test_coalesced_segment_is_acknowledged_at_once(void **state)
{
	struct wire *w = *state;
	static uint8_t packet[WIRE_PACKET_MAX];

	wire_establish(w, SYN_WORDS);
	use_up_quick_acks(w);
	const struct seg g = wire_seg(w, "P. 161:14761(14600) ack 1");
	const size_t len = wire_build(w, &g, packet);
	packet[36] ^= 0xff; /* partial: the link vouches for it */
	wire_inject_meta(w, packet, len,
			 (struct packet_meta){.checksum_trusted = true, .gso_size = 1460});
	expect(w, "0.000 . 1:1(0) ack 14761");
	recv_bytes(w, 160);
	recv_bytes(w, 14600);
}

static void test_batch_of_segments_gets_one_ack(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	hold(w);
	for (uint32_t at = 1; at < 14601; at += 1460)
		inject_range(w, at, at + 1460);
	release(w);
	expect_ack(w, 14601);
	expect_none(w, "1.0");
}

static void test_repeated_data_are_acknowledged_at_once(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	use_up_quick_acks(w);
	inject(w, "1.000 P. 1:161(160) ack 1");
	expect(w, "1.000 . 1:1(0) ack 161");
	inject(w, "1.001 P. 100:200(100) ack 1"); /* partly new */
	expect(w, "1.001 . 1:1(0) ack 200");
	recv_bytes(w, 199);
}

/* ------------------------------------------------------------------ reassembly */

static void test_out_of_order_segment_gets_a_duplicate_ack(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	use_up_quick_acks(w);
	inject(w, "1.000 P. 261:361(100) ack 1");
	expect(w, "1.000 . 1:1(0) ack 161");
	inject(w, "1.001 P. 361:461(100) ack 1");
	expect(w, "1.001 . 1:1(0) ack 161");
	inject(w, "1.002 P. 161:261(100) ack 1"); /* RFC 5681 4.2: at once when a gap is filled */
	expect(w, "1.002 . 1:1(0) ack 461");
	recv_bytes(w, 460);
	check_equal(w, wire_info(w).out_of_order_in, 2);
}

/* All 120 orders of five segments, with a FIN on the last one. */
static void test_every_order_of_five_segments(void **state)
{
	struct wire *w = *state;

	w->quiet = true;
	wire_listen(w, WIRE_PORT, 16);
	for (unsigned order = 0; order < 120; order++) {
		unsigned left[5] = {0, 1, 2, 3, 4}, n = 5, k = order;

		w->rport++;
		inject(w, "* S 0:0(0) " SYN_WORDS);
		drain(w);
		inject(w, "* . 1:1(0) ack 1");
		wire_accept(w);
		for (unsigned base = 24; n > 0; n--) {
			const unsigned pick = k / base;
			const uint32_t at = 1 + left[pick] * 100;
			char line[64];
			k %= base;
			base = n > 1 ? base / (n - 1) : 1;
			snprintf(line, sizeof line, "* %s. %u:%u(100) ack 1",
				 left[pick] == 4 ? "FP" : "P", at, at + 100);
			inject(w, line);
			check_equal(w, drain(w), 1); /* each is acknowledged at once */
			for (unsigned i = pick; i + 1 < n; i++)
				left[i] = left[i + 1];
		}
		expect_state(w, TCP_CLOSE_WAIT);
		recv_bytes(w, 500);
		check(w, tcp_recv_finished(w->c));
		wire_close(w);
		drain(w);
		inject(w, "* . 502:502(0) ack 2");
		expect_state(w, TCP_CLOSED);
	}
}

/* Every pair of ranges in ten units, in all their overlaps, then the rest. */
static void test_every_overlap_of_two_segments(void **state)
{
	struct wire *w = *state;
	uint32_t base = 1;

	wire_establish(w, SYN_WORDS);
	for (uint32_t a = 0; a < 8; a++) {
		for (uint32_t b = a + 1; b <= 8; b++) {
			for (uint32_t c = 0; c < 8; c++) {
				for (uint32_t d = c + 1; d <= 8; d++, base += 80) {
					inject_range(w, base + a * 10, base + b * 10);
					drain(w);
					inject_range(w, base + c * 10, base + d * 10);
					drain(w);
					inject_range(w, base, base + 80);
					check(w, drain(w) == 1);
					recv_bytes(w, 80);
					drain(w);
				}
			}
		}
	}
	check_equal(w, wire_info(w).rcv_nxt, w->irs + base);
}

static void test_one_byte_segments_backwards(void **state)
{
	struct wire *w = *state;

	w->quiet = true;
	wire_establish(w, SYN_WORDS);
	for (uint32_t at = 500; at > 0; at--) {
		inject_range(w, at, at + 1);
		expect_ack(w, at > 1 ? 1 : 501);
	}
	recv_bytes(w, 500);
}

/* SegmentSmack (CVE-2018-5390): every second byte, from both ends. Memory and memory of gaps are
 * bounded; what is dropped arrives again. */
static void test_gaps_are_bounded(void **state)
{
	struct wire *w = *state;

	w->quiet = true;
	wire_establish(w, SYN_WORDS);
	const size_t before = wire_info(w).memory;
	for (uint32_t i = 0; i < TCP_OOO_MAX + 904; i++) {
		const uint32_t at = 3 + 2 * (i % 2 ? i : 10000 - i);
		inject_range(w, at, at + 1);
		expect_ack(w, 1);
	}
	check(w, wire_info(w).memory <=
			 before + w->cfg.recv_buffer_max + TCP_OOO_MAX * sizeof(struct seq_range));
	check_equal(w, counters(w)->tcp_out_of_order_dropped, 904);
	for (uint32_t at = 1; at < 20020; at += 1001) {
		inject_range(w, at, at + 1001);
		drain(w);
	}
	recv_bytes(w, 20020);
	drain(w);
}

/* A queue that overflows loses every second segment for a while: what has arrived is remembered, whatever the number
 * of gaps, and as they close the memory of them goes. */
static void test_a_thousand_gaps_are_remembered(void **state)
{
	struct wire *w = *state;
	const uint32_t gaps = 1000;

	w->quiet = true;
	wire_establish(w, SYN_WORDS);
	const size_t before = wire_info(w).memory;
	for (uint32_t i = 0; i < gaps; i++) { /* bytes 3, 5, 7 … */
		inject_range(w, 3 + 2 * i, 4 + 2 * i);
		expect_ack(w, 1);
	}
	check_equal(w, counters(w)->tcp_out_of_order_dropped, 0);
	check(w, wire_info(w).memory >= before + gaps * sizeof(struct seq_range));
	inject_range(w, 1, 3);
	expect_ack(w, 4);
	for (uint32_t i = 1; i < gaps; i++) { /* each brings the byte behind it, too */
		inject_range(w, 2 + 2 * i, 3 + 2 * i);
		expect_ack(w, 4 + 2 * i);
	}
	check_equal(w, wire_info(w).memory, before + w->c->rcv.cap);
	recv_bytes(w, 2 * gaps + 1);
}

static void test_data_out_of_order_do_not_reach_beyond_the_window(void **state)
{
	struct wire *w = *state;

	w->cfg.recv_buffer_max = 4096;
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	inject(w, "0.000 P. 4001:5001(1000) ack 1"); /* 96 bytes of it lie inside */
	expect(w, "0.000 . 1:1(0) ack 1");
	inject(w, "0.000 P. 4097:5097(1000) ack 1"); /* none of it */
	expect(w, "0.000 . 1:1(0) ack 1");
	for (uint32_t at = 1; at < 4001; at += 1000) {
		inject_range(w, at, at + 1000);
		drain(w);
	}
	recv_bytes(w, 4096);
	drain(w);
	inject(w, "0.000 P. 4097:4197(100) ack 1");
	drain(w);
	recv_bytes(w, 100);
}

/* What the application may have seen is not changed by another version of it. */
static void test_acknowledged_bytes_are_final(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.000 P. 1:101(100) ack 1");
	expect(w, "0.000 . 1:1(0) ack 101");
	inject(w, "0.000 P. 1:101(100) ack 1 fill x");
	expect(w, "0.000 . 1:1(0) ack 101");
	recv_bytes(w, 100);
}

static void test_peek_and_consume_in_pieces(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.000 P. 1:1001(1000) ack 1");
	expect(w, "0.000 . 1:1(0) ack 1001");
	check_equal(w, wire_events(w, STACK_EVENT_READABLE), 1);
	for (unsigned i = 0; i < 10; i++)
		recv_bytes(w, 100);
	struct slice got[2];
	check_equal(w, tcp_recv_peek(w->c, got), 0);
	check(w, !tcp_recv_finished(w->c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_data_are_cut_at_the_mss),
		WIRE_TEST(test_initial_window_is_ten_segments),
		WIRE_TEST(test_small_writes_leave_at_once),
		WIRE_TEST(test_more_holds_back_the_partial_segment),
		WIRE_TEST(test_writes_of_one_turn_share_segments),
		WIRE_TEST(test_send_buffer_has_an_end),
		WIRE_TEST(test_send_all_is_all_or_nothing),
		WIRE_TEST(test_ring_wraps_many_times),
		WIRE_TEST(test_long_transfer_both_ways),
		WIRE_TEST(test_checksum_offload_leaves_the_pseudo_header),
		WIRE_TEST(test_tso_leaves_in_large_segments),
		WIRE_TEST(test_first_segments_are_acknowledged_at_once),
		WIRE_TEST(test_ack_of_a_lone_segment_is_delayed),
		WIRE_TEST(test_every_second_full_segment_is_acknowledged),
		WIRE_TEST(test_peer_with_small_segments_gets_acks_as_often),
		WIRE_TEST(test_ack_travels_with_data),
		WIRE_TEST(test_coalesced_segment_is_acknowledged_at_once),
		WIRE_TEST(test_batch_of_segments_gets_one_ack),
		WIRE_TEST(test_repeated_data_are_acknowledged_at_once),
		WIRE_TEST(test_out_of_order_segment_gets_a_duplicate_ack),
		WIRE_TEST(test_every_order_of_five_segments),
		WIRE_TEST(test_every_overlap_of_two_segments),
		WIRE_TEST(test_one_byte_segments_backwards),
		WIRE_TEST(test_gaps_are_bounded),
		WIRE_TEST(test_a_thousand_gaps_are_remembered),
		WIRE_TEST(test_data_out_of_order_do_not_reach_beyond_the_window),
		WIRE_TEST(test_acknowledged_bytes_are_final),
		WIRE_TEST(test_peek_and_consume_in_pieces),
		WIRE_TEST(test_tso_leaves_in_full_segments),
		WIRE_TEST(test_send_all_across_the_end_of_the_ring),
	};

	return cmocka_run_group_tests_name("stack: data", tests, NULL, NULL);
}
