/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP: echo (RFC 792, RFC 1122 3.2.2.6), and errors, which for TCP are advice at most (RFC
 * 5927). What they do to TCP is in test_stack_soft_errors.c and test_stack_pmtu.c. */
#include <string.h>

#include "tests/unit/wire.h"

static uint8_t packet[WIRE_PACKET_MAX];

static uint8_t echo_byte(size_t i)
{
	return (uint8_t)(i * 7 + 3);
}

/* An ICMP message with `len` bytes behind its first eight. */
static size_t make_icmp(uint8_t type, uint8_t code, uint32_t rest, const uint8_t *data, size_t len)
{
	static const uint8_t header[20] = {0x45, 0, 0,  0, 0, 0, 0x40, 0, 64, 1,
					   0,    0, 10, 0, 0, 1, 10,   0, 0,  2};
	uint8_t *icmp = packet + 20;

	memcpy(packet, header, 20);
	packet[2] = (uint8_t)((28 + len) >> 8);
	packet[3] = (uint8_t)(28 + len);
	icmp[0] = type;
	icmp[1] = code;
	icmp[2] = icmp[3] = 0;
	for (unsigned i = 0; i < 4; i++)
		icmp[4 + i] = (uint8_t)(rest >> (24 - 8 * i));
	for (size_t i = 0; i < len; i++)
		icmp[8 + i] = data ? data[i] : echo_byte(i);
	wire_fix_checksums(packet, 28 + len);
	return 28 + len;
}

static void test_echo_returns_every_byte(void **state)
{
	struct wire *w = *state;

	for (size_t len = 0; len <= 1472; len++) {
		const size_t total = make_icmp(8, 0, 0x12345678, NULL, len);
		wire_inject_raw(w, packet, total);
		struct wire_packet *p = wire_take(w);
		check(w, p != NULL);
		check_equal(w, p->len, total);
		check_equal(w, p->bytes[9], 1);
		check(w, memcmp(p->bytes + 12, "\x0a\0\0\x02\x0a\0\0\x01", 8) == 0);
		check(w, memcmp(p->bytes + 20, "\0\0", 2) == 0);
		check_equal(w, wire_checksum(p->bytes + 20, p->len - 20, 0), 0);
		check(w, memcmp(p->bytes + 24, packet + 24, total - 24) == 0);
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

	wire_inject_raw(w, packet, make_icmp(8, 0, 1, NULL, 1473));
	wire_inject_raw(w, packet, make_icmp(8, 0, 1, NULL, 60000));
	expect_none(w, "1.0");
}

static void test_every_bit_is_under_the_checksum(void **state)
{
	struct wire *w = *state;
	const size_t len = make_icmp(8, 0, 0x12345678, NULL, 33);

	for (size_t bit = 20 * 8; bit < len * 8; bit++) {
		packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
		wire_inject_raw(w, packet, len);
		packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	expect_none(w, "1.0");
	check_equal(w, counters(w)->icmp_in_errors, (len - 20) * 8);
}

static void test_truncated_messages_are_dropped(void **state)
{
	struct wire *w = *state;

	for (uint8_t type = 0; type < 20; type++) {
		for (size_t icmp_len = 0; icmp_len < 8; icmp_len++) {
			make_icmp(type, 0, 1, NULL, 0);
			packet[3] = (uint8_t)(20 + icmp_len);
			wire_fix_checksums(packet, 20 + icmp_len);
			wire_inject_raw(w, packet, 20 + icmp_len);
		}
	}
	expect_none(w, "1.0");
}

static void test_other_types_get_no_answer(void **state)
{
	struct wire *w = *state;

	for (unsigned type = 0; type < 256; type++)
		for (unsigned code = 0; code < 256; code += type == 8 ? 1 : 51)
			if (type != 8 || code != 0)
				wire_inject_raw(w, packet,
						make_icmp((uint8_t)type, (uint8_t)code, 1, NULL,
							  40));
	expect_none(w, "1.0");
}

/* RFC 1122 3.2.2: an error is about a datagram that we have sent; its head comes with it. */
static size_t make_error(struct wire *w, uint8_t type, uint8_t code, uint32_t rest, uint32_t seq,
			 size_t quoted)
{
	static uint8_t ours[WIRE_PACKET_MAX];
	struct seg g = {.src = WIRE_HOST,
			.dst = WIRE_PEER,
			.sport = w->lport,
			.dport = w->rport,
			.seq = seq,
			.flags = ACK,
			.len = 1000};

	wire_build(w, &g, ours);
	return make_icmp(type, code, rest, ours, quoted);
}

static void test_errors_do_not_end_a_connection(void **state)
{
	struct wire *w = *state;
	static const uint32_t seqs[] = {0, 1, 1000, 0x40000000};

	wire_establish(w, "win 65535 <mss 1460>");
	send_bytes(w, 1000);
	expect(w, "0.000 P. 1:1001(1000) ack 1");
	for (uint8_t type = 3; type <= 12; type++)
		for (uint8_t code = type == 8 ? 1 : 0; code < 16; code++)
			for (size_t i = 0; i < sizeof seqs / sizeof seqs[0]; i++)
				if (type != 3 || code != 4) /* that one is believed */
					wire_inject_raw(w, packet,
							make_error(w, type, code, 0,
								   w->iss + seqs[i], 28));
	check_equal(w, wire_waiting(w), 0);
	expect_state(w, TCP_ESTABLISHED);
	inject(w, "0.010 . 1:1(0) ack 1001");
	send_bytes(w, 1460);
	expect(w, "0.010 . 1001:2461(1460) ack 1"); /* and no forged MTU has made segments small */
}

static void test_forged_mtu_changes_nothing(void **state)
{
	struct wire *w = *state;
	static const uint32_t mtus[] = {0,   1,   20,  40,   67,   68,   296,
					552, 575, 576, 1499, 1500, 65535};

	wire_establish(w, "win 65535 <mss 1460>");
	send_bytes(w, 3000);
	drain(w);
	for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++)
		for (unsigned seq = 0; seq < 2; seq++)
			wire_inject_raw(w, packet,
					make_error(w, 3, 4, mtus[i], w->iss + seq * 90000, 28));
	inject(w, "* . 1:1(0) ack 3001");
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, wire_info(w).snd_mss, 1460);
}

static void test_errors_do_not_end_a_handshake(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	for (uint8_t code = 0; code < 16; code++)
		if (code != 2 && code != 3) /* no such protocol or port: these refuse */
			wire_inject_raw(w, packet, make_error(w, 3, code, 0, w->iss, 28));
	check_equal(w, wire_waiting(w), 0);
	expect_state(w, TCP_SYN_SENT);
	inject(w, "0.010 S. 0:0(0) ack 1 win 65535");
	expect(w, "0.010 . 1:1(0) ack 1");
}

static void test_quotations_of_every_length(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 1460>");
	for (uint8_t type = 3; type <= 12; type++)
		for (size_t quoted = 0; quoted <= 64; quoted++)
			for (uint8_t ihl = 0; ihl < 16; ihl++) {
				make_error(w, type, 4, 1300, w->iss, quoted);
				packet[28] = (uint8_t)(0x40 | ihl);
				wire_fix_checksums(packet, 28 + quoted);
				wire_inject_raw(w, packet, 28 + quoted);
			}
	check_equal(w, wire_waiting(w), 0);
	expect_state(w, TCP_ESTABLISHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST_ONCE(test_echo_returns_every_byte),
		WIRE_TEST_ONCE(test_echo_larger_than_the_link_gets_no_answer),
		WIRE_TEST_ONCE(test_every_bit_is_under_the_checksum),
		WIRE_TEST_ONCE(test_truncated_messages_are_dropped),
		WIRE_TEST_ONCE(test_other_types_get_no_answer),
		WIRE_TEST_V4(test_errors_do_not_end_a_connection),
		WIRE_TEST_V4(test_forged_mtu_changes_nothing),
		WIRE_TEST_V4(test_errors_do_not_end_a_handshake),
		WIRE_TEST_ONCE(test_quotations_of_every_length),
	};

	return cmocka_run_group_tests_name("stack: ICMP", tests, NULL, NULL);
}
