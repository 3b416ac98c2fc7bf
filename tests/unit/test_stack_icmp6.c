/* SPDX-License-Identifier: Apache-2.0 */
/* ICMPv6 (RFC 4443): echo, errors, which for TCP are advice at most (RFC 5927), and neighbour discovery. What errors
 * do to TCP is in test_stack_soft_errors.c and test_stack_pmtu.c. */
#include <string.h>

#include "tests/unit/wire.h"

static uint8_t packet[WIRE_PACKET_MAX + 20];

static uint8_t echo_byte(size_t i)
{
	return (uint8_t)(i * 7 + 3);
}

static void fix_checksum(size_t len)
{
	packet[42] = packet[43] = 0;
	const uint16_t sum =
		wire_checksum(packet + 40, len - 40, wire_pseudo_sum_v6(packet, 58, len - 40));
	packet[42] = (uint8_t)(sum >> 8);
	packet[43] = (uint8_t)sum;
}

/* An ICMPv6 message with `len` bytes behind its first eight. */
static size_t make_icmp(uint8_t type, uint8_t code, uint32_t rest, const uint8_t *data, size_t len)
{
	static const uint8_t header[40] = {
		0x60, [6] = 58, 64, 0xfd, 0,    2,         0xff, [20] = 10, 0, 0,
		1,    0xfd,     0,  2,    0xff, [36] = 10, 0,    0,         2};
	uint8_t *icmp = packet + 40;

	memcpy(packet, header, 40);
	packet[4] = (uint8_t)((8 + len) >> 8);
	packet[5] = (uint8_t)(8 + len);
	icmp[0] = type;
	icmp[1] = code;
	for (unsigned i = 0; i < 4; i++)
		icmp[4 + i] = (uint8_t)(rest >> (24 - 8 * i));
	for (size_t i = 0; i < len; i++)
		icmp[8 + i] = data ? data[i] : echo_byte(i);
	fix_checksum(48 + len);
	return 48 + len;
}

static void test_echo_returns_every_byte(void **state)
{
	struct wire *w = *state;

	for (size_t len = 0; len <= 1472; len++) { /* the MTU is 1520 */
		const size_t total = make_icmp(128, 0, 0x12345678, NULL, len);
		wire_inject_raw(w, packet, total);
		struct wire_packet *p = wire_take(w);
		check(w, p != NULL);
		check_equal(w, p->len, total);
		check_equal(w, p->bytes[6], 58);
		check(w, memcmp(p->bytes + 8, packet + 24, 16) == 0);
		check(w, memcmp(p->bytes + 24, packet + 8, 16) == 0);
		check_equal(w, p->bytes[40], 129);
		check_equal(w, p->bytes[41], 0);
		check_equal(w,
			    wire_checksum(p->bytes + 40, p->len - 40,
					  wire_pseudo_sum_v6(p->bytes, 58, p->len - 40)),
			    0);
		check(w, memcmp(p->bytes + 44, packet + 44, total - 44) == 0);
		test_free(p);
		check_equal(w, wire_waiting(w), 0);
	}
	check_equal(w, counters(w)->icmp_in_echos, 1473);
	check_equal(w, counters(w)->icmp_out_echo_reps, 1473);
}

/* We make no fragments. */
static void test_echo_larger_than_the_link_gets_no_answer(void **state)
{
	struct wire *w = *state;

	wire_inject_raw(w, packet, make_icmp(128, 0, 1, NULL, 1473));
	wire_inject_raw(w, packet, make_icmp(128, 0, 1, NULL, 60000));
	expect_none(w, "1.0");
}

/* The checksum covers the addresses, too: that is what IPv6 has instead of one in its header. */
static void test_every_bit_is_under_the_checksum(void **state)
{
	struct wire *w = *state;
	const size_t len = make_icmp(128, 0, 0x12345678, NULL, 33);

	for (size_t bit = 40 * 8; bit < len * 8; bit++) {
		packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
		wire_inject_raw(w, packet, len);
		packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	check_equal(w, counters(w)->icmp_in_errors, (len - 40) * 8);
	for (size_t bit = 12 * 8; bit < 24 * 8; bit++) {
		packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
		wire_inject_raw(w, packet, len);
		packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	expect_none(w, "1.0");
}

static void test_truncated_messages_are_dropped(void **state)
{
	struct wire *w = *state;

	for (unsigned type = 0; type < 256; type++) {
		for (size_t icmp_len = 0; icmp_len < 8; icmp_len++) {
			make_icmp((uint8_t)type, 0, 1, NULL, 0);
			packet[5] = (uint8_t)icmp_len;
			if (icmp_len >= 4)
				fix_checksum(40 + icmp_len);
			wire_inject_raw(w, packet, 40 + icmp_len);
		}
	}
	expect_none(w, "1.0");
	check_equal(w, counters(w)->icmp_in_errors, 256 * 8);
}

static void test_other_types_get_no_answer(void **state)
{
	struct wire *w = *state;

	for (unsigned type = 0; type < 256; type++)
		for (unsigned code = 0; code < 256; code += type == 128 ? 1 : 51)
			if (type != 128 || code != 0)
				wire_inject_raw(w, packet,
						make_icmp((uint8_t)type, (uint8_t)code, 1, NULL,
							  40));
	expect_none(w, "1.0");
	check_equal(w, counters(w)->icmp_in_errors, 0);
	/* 130 to 137 and 143, with six codes each. */
	check_equal(w, counters(w)->icmp_in_neighbour_ignored, 9 * 6);
	check_equal(w, counters(w)->icmp_in_soft_errors, 128 * 6);
}

/* What the kernel says of itself when the device comes up: none of it is an error of the link. */
static void test_the_kernels_own_messages_are_ignored(void **state)
{
	struct wire *w = *state;
	static const uint8_t types[] = {133, 135, 143};

	for (size_t i = 0; i < sizeof types; i++) {
		const size_t len = make_icmp(types[i], 0, 0, NULL, 16);
		packet[7] = 255;
		packet[24] = 0xff;
		packet[25] = 0x02;
		memset(packet + 26, 0, 13);
		packet[39] = 2;
		fix_checksum(len);
		wire_inject_raw(w, packet, len);
	}
	expect_none(w, "1.0");
	check_equal(w, counters(w)->ip_in_mcast_pkts, 3);
	check_equal(w, counters(w)->ip_in_hdr_errors, 0);
	check_equal(w, counters(w)->ip_in_addr_errors, 0);
	check_equal(w, counters(w)->icmp_in_msgs, 0);
}

/* An error quotes a datagram that we have sent. */
static size_t make_error(struct wire *w, uint8_t type, uint8_t code, uint32_t rest, uint32_t seq,
			 size_t quoted)
{
	static uint8_t ours[WIRE_PACKET_MAX], quote[WIRE_PACKET_MAX + 20];
	struct seg g = {.src = WIRE_HOST,
			.dst = WIRE_PEER,
			.sport = w->lport,
			.dport = w->rport,
			.seq = seq,
			.flags = ACK,
			.len = 1000};

	wire_to_v6(ours, wire_build(w, &g, ours), quote);
	return make_icmp(type, code, rest, quote, quoted);
}

static void test_errors_do_not_end_a_connection(void **state)
{
	struct wire *w = *state;
	static const uint32_t seqs[] = {0, 1, 1000, 0x40000000};

	wire_establish(w, "win 65535 <mss 1460>");
	send_bytes(w, 1000);
	expect(w, "0.000 P. 1:1001(1000) ack 1");
	for (uint8_t type = 0; type < 128; type++)
		for (uint8_t code = 0; code < 8; code++)
			for (size_t i = 0; i < sizeof seqs / sizeof seqs[0]; i++)
				wire_inject_raw(w, packet,
						make_error(w, type, code, 0, w->iss + seqs[i], 60));
	check_equal(w, wire_waiting(w), 0);
	expect_state(w, TCP_ESTABLISHED);
	inject(w, "0.010 . 1:1(0) ack 1001");
	send_bytes(w, 1460);
	expect(w, "0.010 . 1001:2461(1460) ack 1"); /* and no forged MTU has made segments small */
}

static void test_forged_mtu_changes_nothing(void **state)
{
	struct wire *w = *state;
	static const uint32_t mtus[] = {0,    1,    40,   60,   68,   576,   1279,
					1280, 1281, 1519, 1520, 9000, 65535, 0xffffffff};

	wire_establish(w, "win 65535 <mss 1460>");
	send_bytes(w, 3000);
	drain(w);
	for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++)
		wire_inject_raw(w, packet, make_error(w, 2, 0, mtus[i], w->iss + 90001, 60));
	inject(w, "* . 1:1(0) ack 3001");
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, wire_info(w).snd_mss, 1460);
}

static void test_errors_do_not_end_a_handshake(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	for (uint8_t type = 1; type < 5; type++)
		for (uint8_t code = 0; code < 8; code++)
			if (!(type == 1 && code == 4) &&
			    !(type == 4 && code == 1)) /* these refuse */
				wire_inject_raw(w, packet,
						make_error(w, type, code, 1400, w->iss, 60));
	check_equal(w, wire_waiting(w), 0);
	expect_state(w, TCP_SYN_SENT);
	inject(w, "0.010 S. 0:0(0) ack 1 win 65535");
	expect(w, "0.010 . 1:1(0) ack 1");
}

static void test_quotations_of_every_length(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 1460>");
	for (uint8_t type = 0; type < 8; type++)
		for (size_t quoted = 0; quoted <= 100; quoted++)
			wire_inject_raw(w, packet, make_error(w, type, 0, 1300, w->iss, quoted));
	check_equal(w, wire_waiting(w), 0);
	expect_state(w, TCP_ESTABLISHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST_ONCE_V6(test_echo_returns_every_byte),
		WIRE_TEST_ONCE_V6(test_echo_larger_than_the_link_gets_no_answer),
		WIRE_TEST_ONCE_V6(test_every_bit_is_under_the_checksum),
		WIRE_TEST_ONCE_V6(test_truncated_messages_are_dropped),
		WIRE_TEST_ONCE_V6(test_other_types_get_no_answer),
		WIRE_TEST_ONCE_V6(test_the_kernels_own_messages_are_ignored),
		WIRE_TEST_V6(test_errors_do_not_end_a_connection),
		WIRE_TEST_V6(test_forged_mtu_changes_nothing),
		WIRE_TEST_V6(test_errors_do_not_end_a_handshake),
		WIRE_TEST_ONCE_V6(test_quotations_of_every_length),
	};

	return cmocka_run_group_tests_name("stack: ICMPv6", tests, NULL, NULL);
}
