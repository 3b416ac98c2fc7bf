/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Packet too big" that nobody should believe, or not at once, or not twice (RFC 5927): storms, forgeries, sizes that
 * cannot be, quotations of other packets and of every length.
 */
#include "tests/unit/wire_icmp.h"

#define SYN_WORDS "win 65535 <mss 1460>"
#define SACK_WORDS "win 65535 <mss 1460,sackOK>"

/* A connection with `bytes` in flight, of which nothing was acknowledged. */
static void in_flight(struct wire *w, const char *syn_words, size_t bytes)
{
	wire_establish(w, syn_words);
	send_bytes(w, bytes);
	drain(w);
}

static void expect_untouched(struct wire *w)
{
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, wire_info(w).snd_mss, 1460);
	check_equal(w, wire_info(w).pmtu, wire_mtu(w, 1500));
	check_equal(w, counters(w)->tcp_pmtu_reductions, 0);
}

/* ------------------------------------------------------------------ storms and forgeries, RFC 5927 */

static void test_storm_makes_the_flight_go_again_once(void **state)
{
	struct wire *w = *state;

	in_flight(w, SACK_WORDS, 14600);
	for (uint32_t seq = 1; seq < 14600; seq += 10)
		too_big(w, seq, 1400);
	check_equal(w, drain(w), 10); /* an initial window of the new size */
	check_equal(w, wire_info(w).retransmits, 10);
	check_equal(w, counters(w)->tcp_pmtu_reductions, 1);
	check_equal(w, counters(w)->icmp_in_pkt_too_bigs, 1460);
}

/* Smaller and smaller, about packets of a size that is no longer sent. */
static void test_sinking_storm_makes_the_flight_go_again_once(void **state)
{
	struct wire *w = *state;

	in_flight(w, SACK_WORDS, 14600);
	for (uint32_t mtu = 1400; mtu >= 1300; mtu--)
		too_big(w, 1, mtu);
	check_equal(w, drain(w), 10);
	check_equal(w, counters(w)->tcp_pmtu_reductions, 1);
	check_equal(w, wire_info(w).pmtu, wire_mtu(w, 1400));
	/* What was said last is remembered until the segment arrives after all. */
	inject(w, "0.020 . 1:1(0) ack 1361");
	check_equal(w, counters(w)->tcp_pmtu_disproved, 1);
	drain(w);
	check_equal(w, wire_info(w).pmtu, wire_mtu(w, 1400));
}

static void test_next_router_is_believed_too(void **state)
{
	struct wire *w = *state;

	in_flight(w, SYN_WORDS, 1460);
	too_big(w, 1, 1400);
	check_equal(w, drain(w), 2);
	too_big_of(w, 1, 1300, 1400);
	expect(w, "0.000 . 1:1261(1260) ack 1");
	expect(w, "0.000 P. 1261:1461(200) ack 1");
	check_equal(w, counters(w)->tcp_pmtu_reductions, 2);
}

static void test_forger_who_knows_every_size_is_stopped(void **state)
{
	struct wire *w = *state;
	uint32_t size = 1500;

	in_flight(w, SYN_WORDS, 14600);
	for (; size > 1280; size -= 10)
		too_big_of(w, 1, size - 10, size);
	check_equal(w, drain(w), 8 * 10);
	check_equal(w, counters(w)->tcp_pmtu_reductions, 8);
	check_equal(w, wire_info(w).pmtu, wire_mtu(w, 1420));
}

/* RFC 5927 7.2: larger packets were acknowledged. Either the path has changed or it is a lie: the timer tells. */
static void test_update_is_believed_after_a_time_out(void **state)
{
	struct wire *w = *state;

	in_flight(w, SYN_WORDS, 1460);
	inject(w, "0.010 . 1:1(0) ack 1461");
	send_bytes(w, 4380);
	check_equal(w, drain(w), 3);
	too_big(w, 1461, 1400);
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, wire_info(w).snd_mss, 1460);
	expect(w, "~0.220 . 1461:2821(1360) ack 1");
	expect(w, "~0.220 . 2821:4181(1360) ack 1");
	expect(w, "~0.220 . 4181:5541(1360) ack 1");
	expect(w, "~0.220 P. 5541:5841(300) ack 1");
	const struct tcp_info info = wire_info(w);
	check_equal(w, info.pmtu, wire_mtu(w, 1400));
	check_equal(w, info.ssthresh, UINT32_MAX);
	check_equal(w, info.timeouts, 1);
	check_equal(w, info.cwnd, 13600);
	check(w, !info.blackhole);
	inject(w, "0.300 . 1:1(0) ack 5841");
	check_equal(w, wire_info(w).ssthresh, UINT32_MAX);
}

static void test_update_is_believed_after_a_time_out_with_sack(void **state)
{
	struct wire *w = *state;

	in_flight(w, SACK_WORDS, 1460);
	inject(w, "0.010 . 1:1(0) ack 1461");
	send_bytes(w, 4380);
	check_equal(w, drain(w), 3);
	too_big(w, 2921, 1400);
	check_equal(w, wire_waiting(w), 0);
	quiet_until(w, "0.200");
	expect(w, "~0.220 . 1461:2821(1360) ack 1");
	expect(w, "~0.220 . 2821:4181(1360) ack 1");
	check(w, drain(w) >= 2); /* the rest, cut at what a tail loss probe has repeated */
	check_equal(w, wire_info(w).pmtu, wire_mtu(w, 1400));
	check_equal(w, wire_info(w).ssthresh, UINT32_MAX);
}

static void test_forged_update_is_disproved_by_the_acknowledgment(void **state)
{
	struct wire *w = *state;

	in_flight(w, SYN_WORDS, 1460);
	inject(w, "0.010 . 1:1(0) ack 1461");
	send_bytes(w, 2920);
	check_equal(w, drain(w), 2);
	for (uint32_t mtu = 68; mtu < 1500; mtu += 4)
		too_big(w, 1461, mtu);
	check_equal(w, wire_waiting(w), 0);
	inject(w, "0.020 . 1:1(0) ack 2921");
	check_equal(w, counters(w)->tcp_pmtu_disproved, 1);
	expect(w,
	       "~0.220 P. 2921:4381(1460) ack 1"); /* a loss for another reason changes no size */
	inject(w, "0.230 . 1:1(0) ack 4381");
	expect_untouched(w);
}

/* The peer has said that it has what is quoted. */
static void test_quoted_segment_that_was_sacked_was_not_too_big(void **state)
{
	struct wire *w = *state;

	in_flight(w, SACK_WORDS, 2920);
	inject(w, "0.001 . 1:1(0) ack 1 <nop,nop,sack 1461:2921>");
	too_big(w, 1461, 1400);
	too_big(w, 2920, 1400);
	expect_untouched(w);
}

static void test_forged_update_is_disproved_by_sack(void **state)
{
	struct wire *w = *state;

	in_flight(w, SACK_WORDS, 1460);
	inject(w, "0.001 . 1:1(0) ack 1461");
	send_bytes(w, 4380);
	check_equal(w, drain(w), 3);
	too_big(w, 2921, 1400);
	inject(w, "0.002 . 1:1(0) ack 1461 <nop,nop,sack 2921:4381>");
	quiet_until(w, "0.190");
	expect(w, "> 0.190 . 1461:2921(1460) ack 1");
	check_equal(w, counters(w)->tcp_pmtu_disproved, 1);
	inject(w, "+0.01 . 1:1(0) ack 5841");
	drain(w);
	expect_untouched(w);
}

static void test_quoted_number_must_be_in_flight(void **state)
{
	struct wire *w = *state;
	static const uint32_t wrong[] = {0,          1460,       4381,       4382,      70000,
					 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff};

	in_flight(w, SYN_WORDS, 1460);
	inject(w, "0.010 . 1:1(0) ack 1461");
	send_bytes(w, 2920);
	drain(w);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		too_big(w, wrong[i], 1400);
	check_equal(w, counters(w)->tcp_icmp_out_of_window, sizeof wrong / sizeof wrong[0]);
	inject(w, "0.020 . 1:1(0) ack 4381");
	expect_untouched(w);
	check_equal(w, counters(w)->tcp_pmtu_disproved, 0);
}

static void test_first_and_last_byte_in_flight_will_do(void **state)
{
	struct wire *w = *state;

	for (unsigned last = 0; last < 2; last++) {
		wire_restart(w);
		in_flight(w, SYN_WORDS, 2920);
		too_big(w, last ? 2920 : 1, 1400);
		check_equal(w, drain(w), 3);
		wire_abort(w);
		drain(w);
		w->lport = WIRE_PORT;
	}
}

static void test_impossible_mtus_are_ignored(void **state)
{
	struct wire *w = *state;

	in_flight(w, SYN_WORDS, 1460);
	if (w->version == 4)
		for (uint32_t mtu = 1; mtu < 68; mtu++)
			too_big(w, 1, mtu);
	else
		for (uint32_t mtu = 0; mtu < 1280; mtu++) /* RFC 8201 4 */
			too_big(w, 1, mtu - 20);
	too_big(w, 1, 1500);
	too_big(w, 1, 1501);
	too_big(w, 1, 9000);
	too_big(w, 1, 65515);
	too_big(w, 1, 0xffffffff - 20);
	expect_untouched(w);
}

/* No forger gets below what real paths have. */
static void test_tiny_mtus_are_raised_to_552(void **state)
{
	struct wire *w = *state;
	static const uint32_t tiny[] = {68, 69, 296, 508, 551, 552};

	for (size_t i = 0; i < sizeof tiny / sizeof tiny[0]; i++) {
		wire_restart(w);
		in_flight(w, SYN_WORDS, 1460);
		too_big(w, 1, tiny[i]);
		expect(w, "* . 1:513(512) ack 1");
		check_equal(w, drain(w), 2);
		check_equal(w, wire_info(w).pmtu, 552);
		wire_abort(w);
		drain(w);
	}
}

static void test_ipv6_goes_down_to_1280(void **state)
{
	struct wire *w = *state;

	in_flight(w, SYN_WORDS, 1460);
	too_big(w, 1, 1260);
	expect(w, "* . 1:1221(1220) ack 1");
	check_equal(w, drain(w), 1);
	check_equal(w, wire_info(w).pmtu, 1280);
}

/* ------------------------------------------------------------------ quotations */

static void test_quotations_of_every_length(void **state)
{
	struct wire *w = *state;
	const size_t enough = (w->version == 6 ? 40 : 20) + 8;

	in_flight(w, SYN_WORDS, 1460);
	for (size_t cut = 1; cut < enough; cut++) {
		const struct wire_quote q = {.seq = 1, .cut = cut};
		wire_inject_error(w, ERROR_TOO_BIG, wire_mtu(w, 1400), &q);
		expect_untouched(w);
	}
	const struct wire_quote q = {.seq = 1, .cut = enough};
	wire_inject_error(w, ERROR_TOO_BIG, wire_mtu(w, 1400), &q);
	check_equal(w, drain(w), 2);
}

/* Options of IPv4; a chain of extension headers of IPv6. */
static void test_quotations_with_headers_in_between(void **state)
{
	struct wire *w = *state;
	static const uint8_t nops[40] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
	static const uint8_t chain[24] = {60, 0, 1, 4, 0, 0, 0, 0, 6, 1, 1, 12};
	struct wire_quote q = {.seq = 1, .head = nops, .head_len = 40};

	if (w->version == 6)
		q = (struct wire_quote){.seq = 1, .head = chain, .head_len = 24, .next = 60};
	const size_t enough = (w->version == 6 ? 40 : 20) + q.head_len + 8;
	in_flight(w, SYN_WORDS, 1460);
	for (q.cut = 1; q.cut < enough; q.cut++) {
		wire_inject_error(w, ERROR_TOO_BIG, wire_mtu(w, 1400), &q);
		expect_untouched(w);
	}
	wire_inject_error(w, ERROR_TOO_BIG, wire_mtu(w, 1400), &q);
	check_equal(w, drain(w), 2);
}

static void test_quotations_of_other_packets(void **state)
{
	struct wire *w = *state;
	const struct wire_quote port = {.seq = 1, .port = 81}, udp = {.seq = 1, .protocol = 17},
				piece = {.seq = 1, .fragment = true};

	in_flight(w, SYN_WORDS, 1460);
	wire_inject_error(w, ERROR_TOO_BIG, wire_mtu(w, 1400), &port);
	wire_inject_error(w, ERROR_TOO_BIG, wire_mtu(w, 1400), &udp);
	if (w->version == 4) /* nothing of ours is a fragment */
		wire_inject_error(w, ERROR_TOO_BIG, 1400, &piece);
	expect_untouched(w);
}

/* The quoted source must be who got the message: a host of several addresses mixes nothing up. */
static void test_quoted_source_must_be_the_addressee(void **state)
{
	struct wire *w = *state;
	const struct wire_quote q = {.seq = 1};
	const size_t last = w->version == 6 ? 23 : 15;
	uint8_t quoted[256];

	w->cfg.addr[1] = ip_addr_v4(10, 0, 0, 77);
	w->cfg.addr_count = 2;
	wire_restart(w);
	in_flight(w, SYN_WORDS, 1460);
	const size_t len = wire_quoted(w, &q, quoted);
	quoted[last] = 77;
	wire_inject_icmp(w, w->version == 6 ? 2 : 3, w->version == 6 ? 0 : 4, wire_mtu(w, 1400),
			 quoted, len);
	quoted[last] = 3;
	wire_inject_icmp(w, w->version == 6 ? 2 : 3, w->version == 6 ? 0 : 4, wire_mtu(w, 1400),
			 quoted, len);
	expect_untouched(w);
	quoted[last] = 2;
	wire_inject_icmp(w, w->version == 6 ? 2 : 3, w->version == 6 ? 0 : 4, wire_mtu(w, 1400),
			 quoted, len);
	check_equal(w, drain(w), 2);
}

static void test_every_byte_of_the_quotation_damaged(void **state)
{
	struct wire *w = *state;
	const struct wire_quote q = {.seq = 1};
	uint8_t quoted[256];

	in_flight(w, SYN_WORDS, 1460);
	const size_t len = wire_quoted(w, &q, quoted);
	for (size_t bit = 0; bit < len * 8; bit++) {
		quoted[bit / 8] ^= (uint8_t)(1u << bit % 8);
		wire_inject_icmp(w, w->version == 6 ? 2 : 3, w->version == 6 ? 0 : 4,
				 wire_mtu(w, 600), quoted, len);
		quoted[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	drain(w);
	expect_state(w, TCP_ESTABLISHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_storm_makes_the_flight_go_again_once),
		WIRE_TEST(test_sinking_storm_makes_the_flight_go_again_once),
		WIRE_TEST(test_next_router_is_believed_too),
		WIRE_TEST(test_forger_who_knows_every_size_is_stopped),
		WIRE_TEST(test_update_is_believed_after_a_time_out),
		WIRE_TEST(test_update_is_believed_after_a_time_out_with_sack),
		WIRE_TEST(test_forged_update_is_disproved_by_the_acknowledgment),
		WIRE_TEST(test_quoted_segment_that_was_sacked_was_not_too_big),
		WIRE_TEST(test_forged_update_is_disproved_by_sack),
		WIRE_TEST(test_quoted_number_must_be_in_flight),
		WIRE_TEST(test_first_and_last_byte_in_flight_will_do),
		WIRE_TEST(test_impossible_mtus_are_ignored),
		WIRE_TEST_V4(test_tiny_mtus_are_raised_to_552),
		WIRE_TEST_V6(test_ipv6_goes_down_to_1280),
		WIRE_TEST(test_quotations_of_every_length),
		WIRE_TEST(test_quotations_with_headers_in_between),
		WIRE_TEST(test_quotations_of_other_packets),
		WIRE_TEST(test_quoted_source_must_be_the_addressee),
		WIRE_TEST(test_every_byte_of_the_quotation_damaged),
	};

	return cmocka_run_group_tests_name("stack: forged path MTU", tests, NULL, NULL);
}
