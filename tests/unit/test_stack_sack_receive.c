/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selective acknowledgements as the receiver of data sends them: what the SYNs agree on, which blocks go
 * into an ACK and in which order (RFC 2018), and what has arrived twice (RFC 2883).
 */
#include <stdio.h>

#include "stack/tcp_types.h"
#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1460,sackOK>"

/* ------------------------------------------------------------------ the handshake */

static void test_syn_ack_permits_sack_when_the_syn_does(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 4);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460,sackOK>");
	expect(w, "0.000 S. 0:0(0) ack 1 <mss 1460,sackOK>");
	inject(w, "0.010 . 1:1(0) ack 1");
	wire_accept(w);
	check(w, wire_info(w).sack);
}

static void test_syn_ack_does_not_permit_sack_otherwise(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 4);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.000 S. 0:0(0) ack 1 <mss 1460>");
	inject(w, "0.010 . 1:1(0) ack 1");
	wire_accept(w);
	check(w, !wire_info(w).sack);
	inject(w, "0.020 . 1001:2001(1000) ack 1");
	expect(w, "0.020 . 1:1(0) ack 1 <>");
}

/* Four options of three lengths: the kinds and their padding (RFC 9293 3.1). */
static void test_syn_ack_has_all_options_at_once(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 4);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460,sackOK,TS val 5 ecr 0,nop,wscale 7>");
	expect(w, "0.000 S. 0:0(0) ack 1 <mss 1460,sackOK,TS val * ecr 5,nop,wscale 7>");
	inject(w, "0.010 . 1:1(0) ack 1 <TS val 6 ecr $>");
	wire_accept(w);
	check(w, wire_info(w).sack);
}

static void test_our_syn_offers_sack(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0) <mss 1460,sackOK,TS val * ecr 0,nop,wscale 7>");
	inject(w, "0.010 S. 0:0(0) ack 1 <mss 1460,sackOK>");
	expect(w, "0.010 . 1:1(0) ack 1");
	check(w, wire_info(w).sack);
}

static void test_sack_is_off_when_the_syn_ack_is_silent(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "* S 0:0(0)");
	inject(w, "0.010 S. 0:0(0) ack 1 <mss 1460>");
	expect(w, "0.010 . 1:1(0) ack 1");
	check(w, !wire_info(w).sack);
	inject(w, "0.020 . 1001:2001(1000) ack 1");
	expect(w, "0.020 . 1:1(0) ack 1 <>");
}

/* RFC 2018 2: the option has its meaning in a SYN only. */
static void test_sack_permitted_outside_a_syn_means_nothing(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 1460>");
	inject(w, "0.010 . 1:1(0) ack 1 <sackOK>");
	inject(w, "0.020 . 1001:2001(1000) ack 1 <sackOK>");
	expect(w, "0.020 . 1:1(0) ack 1 <>");
}

/* ------------------------------------------------------------------ blocks, RFC 2018 4 */

static void test_gap_is_reported(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 . 1001:2001(1000) ack 1");
	expect(w, "0.010 . 1:1(0) ack 1 <sack 1001:2001>");
	inject(w, "0.020 . 2001:3001(1000) ack 1"); /* adjoins: one block */
	expect(w, "0.020 . 1:1(0) ack 1 <sack 1001:3001>");
	inject(w, "0.030 . 1:1001(1000) ack 1"); /* the gap is filled */
	expect(w, "0.030 . 1:1(0) ack 3001 <>");
	recv_bytes(w, 3000);
}

/* The order of RFC 2018 4 (a) and (c): the newest first, then the blocks reported before. */
static void test_newest_block_comes_first(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 . 1001:1501(500) ack 1");
	expect(w, "0.010 . 1:1(0) ack 1 <sack 1001:1501>");
	inject(w, "0.020 . 5001:5501(500) ack 1");
	expect(w, "0.020 . 1:1(0) ack 1 <sack 5001:5501 1001:1501>");
	inject(w, "0.030 . 3001:3501(500) ack 1");
	expect(w, "0.030 . 1:1(0) ack 1 <sack 3001:3501 5001:5501 1001:1501>");
	inject(w, "0.040 . 1501:2001(500) ack 1");
	expect(w, "0.040 . 1:1(0) ack 1 <sack 1001:2001 3001:3501 5001:5501>");
}

static void test_four_blocks_fit_without_timestamps(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	for (unsigned i = 1; i <= 4; i++) {
		char line[64];
		snprintf(line, sizeof line, "* . %u:%u(500) ack 1", 1000 * i + 1, 1000 * i + 501);
		inject(w, line);
		drain(w);
	}
	inject(w, "0.050 . 5001:5501(500) ack 1");
	expect(w, "0.050 . 1:1(0) ack 1 <sack 5001:5501 4001:4501 3001:3501 2001:2501>");
}

static void test_three_blocks_fit_beside_timestamps(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 4);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1 ecr 0>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.010 . 1:1(0) ack 1 <nop,nop,TS val 2 ecr $>");
	wire_accept(w);
	for (unsigned i = 1; i <= 4; i++) {
		char line[96];
		snprintf(line, sizeof line, "* . %u:%u(500) ack 1 <nop,nop,TS val 3 ecr $>",
			 1000 * i + 1, 1000 * i + 501);
		inject(w, line);
		if (i < 4)
			drain(w);
	}
	expect(w, "* . 1:1(0) ack 1 <TS val * ecr 2,sack 4001:4501 3001:3501 2001:2501>");
}

/* A gap at the front closes, others remain. */
static void test_blocks_go_with_the_cumulative_ack(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 . 1001:1501(500) ack 1");
	drain(w);
	inject(w, "0.010 . 3001:3501(500) ack 1");
	drain(w);
	inject(w, "0.020 . 1:1001(1000) ack 1");
	expect(w, "0.020 . 1:1(0) ack 1501 <sack 3001:3501>");
}

static void test_data_carry_blocks_and_stay_within_the_mtu(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 . 1001:2001(1000) ack 1");
	expect(w, "0.010 . 1:1(0) ack 1 <sack 1001:2001>");
	send_bytes(w, 1460); /* a full segment, less twelve bytes of option */
	expect(w, "0.010 . 1:1449(1448) ack 1 <sack 1001:2001>");
	expect(w, "0.010 P. 1449:1461(12) ack 1 <sack 1001:2001>");
}

static void test_pieces_of_a_super_segment_leave_room_for_blocks(void **state)
{
	struct wire *w = *state;
	struct wire_packet *p;

	w->cfg.tso = w->cfg.checksum_offload = true;
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 . 1001:2001(1000) ack 1");
	drain(w);
	send_bytes(w, 10000);
	p = wire_take(w);
	check(w, p != NULL);
	check_equal(w, p->gso_size, 1448);
	test_free(p);
	drain(w);
}

/* A peer whose segments are tiny gets no blocks that would leave nothing for data. */
static void test_blocks_never_crowd_out_the_data(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 48,sackOK>");
	inject(w, "0.010 . 1001:1041(40) ack 1");
	expect(w, "0.010 . 1:1(0) ack 1 <sack 1001:1041>");
	inject(w, "0.010 . 2001:2041(40) ack 1");
	expect(w, "0.010 . 1:1(0) ack 1 <sack 2001:2041 1001:1041>");
	inject(w, "0.010 . 3001:3041(40) ack 1");
	expect(w, "0.010 . 1:1(0) ack 1 <sack 3001:3041 2001:2041>");
	send_bytes(w, 28);
	expect(w, "0.010 P. 1:29(28) ack 1 <sack 3001:3041 2001:2041>");
}

/* What lies behind the peer's FIN is forgotten, and not reported either. */
static void test_blocks_behind_a_fin_are_gone(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 . 1001:2001(1000) ack 1");
	expect(w, "0.010 . 1:1(0) ack 1 <sack 1001:2001>");
	inject(w, "0.020 F. 501:501(0) ack 1");
	expect(w, "0.020 . 1:1(0) ack 1 <>");
}

/* ------------------------------------------------------------------ duplicates, RFC 2883 */

static void test_old_segment_is_reported_as_duplicate_once(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 . 1:1001(1000) ack 1");
	expect(w, "0.010 . 1:1(0) ack 1001 <>");
	inject(w, "0.020 . 1:1001(1000) ack 1");
	expect(w, "0.020 . 1:1(0) ack 1001 <sack 1:1001>");
	inject(w, "0.030 . 1001:2001(1000) ack 1");
	expect(w, "0.030 . 1:1(0) ack 2001 <>");
}

/* RFC 2883 4.1.2: the duplicate first, then the newest block. */
static void test_duplicate_comes_before_the_blocks(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 . 1:1001(1000) ack 1");
	expect(w, "0.010 . 1:1(0) ack 1001 <>");
	inject(w, "0.020 . 2001:3001(1000) ack 1");
	expect(w, "0.020 . 1:1(0) ack 1001 <sack 2001:3001>");
	inject(w, "0.030 . 1:1001(1000) ack 1");
	expect(w, "0.030 . 1:1(0) ack 1001 <sack 1:1001 2001:3001>");
}

/* RFC 2883 4.2: a part of a block arrives again; that block follows. */
static void test_duplicate_out_of_order_is_followed_by_its_block(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 . 1001:2001(1000) ack 1");
	drain(w);
	inject(w, "0.010 . 2001:3001(1000) ack 1");
	drain(w);
	inject(w, "0.010 . 5001:6001(1000) ack 1");
	drain(w);
	inject(w, "0.020 . 1501:2001(500) ack 1");
	expect(w, "0.020 . 1:1(0) ack 1 <sack 1501:2001 1001:3001 5001:6001>");
	inject(w, "0.030 . 2501:3501(1000) ack 1"); /* half of it is new */
	expect(w, "0.030 . 1:1(0) ack 1 <sack 2501:3001 1001:3501 5001:6001>");
}

static void test_old_part_of_a_segment_is_a_duplicate(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 . 1:1001(1000) ack 1");
	expect(w, "0.010 . 1:1(0) ack 1001 <>");
	inject(w, "0.020 . 501:1501(1000) ack 1");
	expect(w, "0.020 . 1:1(0) ack 1501 <sack 501:1001>");
}

static void test_segment_beyond_the_window_is_no_duplicate(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 . 2000001:2001001(1000) ack 1");
	expect(w, "0.010 . 1:1(0) ack 1 <>");
}

static void test_keepalive_probe_gets_its_ack(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.010 . 1:101(100) ack 1");
	expect(w, "0.010 . 1:1(0) ack 101");
	inject(w, "5.000 . 100:100(0) ack 1"); /* without its garbage byte */
	expect(w, "5.000 . 1:1(0) ack 101 <>");
	inject(w, "6.000 . 100:101(1) ack 1");
	expect(w, "6.000 . 1:1(0) ack 101 <sack 100:101>");
}

/* More gaps than are remembered: the ACKs stay well-formed and tell only the truth. */
static void test_many_gaps(void **state)
{
	struct wire *w = *state;
	char line[64];

	w->quiet = true;
	wire_establish(w, SYN_WORDS);
	for (unsigned i = 0; i < TCP_OOO_MAX + 100; i++) {
		snprintf(line, sizeof line, "* . %u:%u(1) ack 1", 3 + 2 * i, 4 + 2 * i);
		inject(w, line);
		drain(w);
	}
	inject(w, "* . 3:4(1) ack 1");
	expect(w, "* . 1:1(0) ack 1 <sack 3:4 3:4 8193:8194 8191:8192>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_syn_ack_permits_sack_when_the_syn_does),
		WIRE_TEST(test_syn_ack_does_not_permit_sack_otherwise),
		WIRE_TEST(test_syn_ack_has_all_options_at_once),
		WIRE_TEST(test_our_syn_offers_sack),
		WIRE_TEST(test_sack_is_off_when_the_syn_ack_is_silent),
		WIRE_TEST(test_sack_permitted_outside_a_syn_means_nothing),
		WIRE_TEST(test_gap_is_reported),
		WIRE_TEST(test_newest_block_comes_first),
		WIRE_TEST(test_four_blocks_fit_without_timestamps),
		WIRE_TEST(test_three_blocks_fit_beside_timestamps),
		WIRE_TEST(test_blocks_go_with_the_cumulative_ack),
		WIRE_TEST(test_data_carry_blocks_and_stay_within_the_mtu),
		WIRE_TEST(test_pieces_of_a_super_segment_leave_room_for_blocks),
		WIRE_TEST(test_blocks_never_crowd_out_the_data),
		WIRE_TEST(test_blocks_behind_a_fin_are_gone),
		WIRE_TEST(test_old_segment_is_reported_as_duplicate_once),
		WIRE_TEST(test_duplicate_comes_before_the_blocks),
		WIRE_TEST(test_duplicate_out_of_order_is_followed_by_its_block),
		WIRE_TEST(test_old_part_of_a_segment_is_a_duplicate),
		WIRE_TEST(test_segment_beyond_the_window_is_no_duplicate),
		WIRE_TEST(test_keepalive_probe_gets_its_ack),
		WIRE_TEST(test_many_gaps),
	};

	return cmocka_run_group_tests_name("stack: SACK, receiving", tests, NULL, NULL);
}
