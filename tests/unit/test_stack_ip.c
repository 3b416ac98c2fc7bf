/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 and the outer shell of TCP: headers that lie about their lengths, checksums, addresses. */
#include <string.h>

#include "tests/unit/wire.h"

static uint8_t packet[WIRE_PACKET_MAX];

/* A SYN for the listener; its answer shows that a packet was taken. */
static size_t make_syn(struct wire *w)
{
	const struct seg g = wire_seg(w, "S 0:0(0) win 65535 <mss 1460>");

	return wire_build(w, &g, packet);
}

static void expect_taken(struct wire *w, size_t len)
{
	wire_inject_raw(w, packet, len);
	expect(w, "* S. 0:0(0) ack 1");
	inject(w, "* R 1:1(0)");
	check_equal(w, wire_usage(w).half_open, 0);
}

static void expect_dropped(struct wire *w, size_t len)
{
	wire_inject_raw(w, packet, len);
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, wire_usage(w).half_open, 0);
}

static void test_every_header_length(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	for (uint8_t ihl = 0; ihl < 16; ihl++) {
		const size_t tcp_at = ihl * 4u;
		size_t len = make_syn(w);
		if (ihl > 5) { /* NOPs between the header and TCP */
			memmove(packet + tcp_at, packet + 20, len - 20);
			memset(packet + 20, 1, tcp_at - 20);
			len += tcp_at - 20;
			packet[2] = (uint8_t)(len >> 8);
			packet[3] = (uint8_t)len;
		}
		packet[0] = (uint8_t)(0x40 | ihl);
		wire_fix_checksums(packet, len);
		if (ihl >= 5)
			expect_taken(w, len);
		else
			expect_dropped(w, len);
	}
	check_equal(w, counters(w)->ip_in_hdr_errors, 5);
}

static void test_every_version(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	for (uint8_t version = 0; version < 16; version++) {
		const size_t len = make_syn(w);
		packet[0] = (uint8_t)(version << 4 | 5);
		wire_fix_checksums(packet, len);
		if (version == 4)
			expect_taken(w, len);
		else
			expect_dropped(w, len);
	}
}

/* Truncated at each byte, with the total length as it was: CVE-2021-31401 and its kin. */
static void test_truncated_at_every_byte(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	const size_t len = make_syn(w);
	for (size_t cut = 0; cut < len; cut++)
		expect_dropped(w, cut);
	expect_taken(w, len);
}

/* Every total length: shorter than the headers, inside TCP's options, beyond the packet. */
static void test_every_total_length(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	for (uint32_t total = 0; total < 65536; total++) {
		const size_t len = make_syn(w);
		packet[2] = (uint8_t)(total >> 8);
		packet[3] = (uint8_t)total;
		/* The header's checksum is right, TCP's is for the total length where that is
		 * possible. */
		if (total >= 20 && total <= len)
			wire_fix_checksums(packet, total);
		packet[10] = packet[11] = 0;
		const uint16_t sum = wire_checksum(packet, 20, 0);
		packet[10] = (uint8_t)(sum >> 8);
		packet[11] = (uint8_t)sum;
		if (total == len)
			expect_taken(w, len);
		else
			expect_dropped(w, len);
	}
}

static void test_bytes_behind_the_total_length_are_ignored(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	for (size_t extra = 1; extra < 40; extra++) {
		const size_t len = make_syn(w);
		memset(packet + len, 0xaa, extra);
		expect_taken(w, len + extra);
	}
}

static void test_every_bit_of_the_header_is_under_the_checksum(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	for (size_t bit = 0; bit < 20 * 8; bit++) {
		const size_t len = make_syn(w);
		packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
		expect_dropped(w, len);
	}
}

static void test_every_bit_of_tcp_is_under_the_checksum(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	const struct seg g = wire_seg(w, "S 0:33(33) win 65535 <mss 1460>");
	const size_t len = wire_build(w, &g, packet);
	for (size_t bit = 20 * 8; bit < len * 8; bit++) {
		packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
		expect_dropped(w, len);
		packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	check(w, counters(w)->tcp_in_errs > 0);
	expect_taken(w, len);
}

static void test_trusted_checksum_is_not_looked_at(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	const size_t len = make_syn(w);
	packet[36] ^= 0xff;
	stack_input(w->s, w->now_us, packet, len, (struct packet_meta){.checksum_trusted = true});
	advance_us(w, 0);
	expect(w, "* S. 0:0(0) ack 1");
	inject(w, "* R 1:1(0)");
	expect_dropped(w, len);
}

/* Fragments proper are in test_stack_reass.c. */
static void test_a_datagram_that_may_be_fragmented_but_was_not(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	const size_t len = make_syn(w);
	packet[6] = 0;
	wire_fix_checksums(packet, len);
	expect_taken(w, len);
}

static void try_addresses(struct wire *w, uint32_t src, uint32_t dst, bool taken)
{
	struct seg g = wire_seg(w, "S 0:0(0) win 65535 <mss 1460>");

	g.src = src;
	g.dst = dst;
	const size_t len = wire_build(w, &g, packet);
	if (taken)
		expect_taken(w, len);
	else
		expect_dropped(w, len);
	/* What would make a RST, too, must stay without an answer: RFC 9293 3.9.2.3. */
	g = wire_seg(w, ". 5:5(0) ack 5 to 9");
	g.src = src;
	g.dst = dst;
	wire_inject_raw(w, packet, wire_build(w, &g, packet));
	check_equal(w, drain(w), taken ? 1 : 0);
}

static void test_only_unicast_sources_and_our_own_destination(void **state)
{
	struct wire *w = *state;
	static const uint32_t bad_sources[] = {
		0x00000000, /* this host                        */
		0x00000005, /* this network                     */
		0x7f000001, /* loopback                         */
		0xe0000001, /* multicast                        */
		0xefffffff, /* multicast, the last one          */
		0xf0000001, /* class E                          */
		0xffffffff, /* broadcast                        */
		WIRE_HOST,  /* LAND: our own                    */
	};
	static const uint32_t bad_destinations[] = {0x0a000003, 0x0a0000ff, 0xffffffff, 0xe0000001,
						    0x7f000001, 0x00000000, WIRE_PEER};

	wire_listen(w, WIRE_PORT, 16);
	try_addresses(w, WIRE_PEER, WIRE_HOST, true);
	for (size_t i = 0; i < sizeof bad_sources / sizeof bad_sources[0]; i++)
		try_addresses(w, bad_sources[i], WIRE_HOST, false);
	for (size_t i = 0; i < sizeof bad_destinations / sizeof bad_destinations[0]; i++)
		try_addresses(w, WIRE_PEER, bad_destinations[i], false);
	check(w, counters(w)->ip_in_addr_errors > 0);
}

/* LAND on an open port with both ports the same, and on an established connection. */
static void test_land(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 1460>");
	struct seg g = wire_seg(w, "S 0:0(0) port 80 to 80");
	g.src = WIRE_HOST;
	expect_dropped(w, wire_build(w, &g, packet));
	expect_state(w, TCP_ESTABLISHED);
}

static void test_second_address_of_the_host(void **state)
{
	struct wire *w = *state;

	w->cfg.addr[1] = ip_addr_v4(10, 0, 0, 77);
	w->cfg.addr_count = 2;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	struct seg g = wire_seg(w, "S 0:0(0) win 65535");
	g.dst = 0x0a00004d;
	wire_inject_raw(w, packet, wire_build(w, &g, packet));
	struct wire_packet *p = wire_take(w);
	const char *what = NULL;
	check(w, p && wire_decode(p->bytes, p->len, &g, &what));
	check_equal(w, g.src, 0x0a00004d); /* the answer comes from where it was sent to */
	test_free(p);
}

/* RFC 1122 3.2.2.1: its sender is told so. What TCP, UDP and ICMP make of it is their own matter. */
static void test_every_other_protocol_is_unreachable(void **state)
{
	static const uint8_t head[8] = {3, 2};
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	for (unsigned protocol = 0; protocol < 256; protocol++) {
		const size_t len = make_syn(w);
		if (protocol == 6 || protocol == 1 || protocol == 17)
			continue;
		packet[9] = (uint8_t)protocol;
		wire_fix_checksums(packet, len);
		advance_us(w, 1000000); /* a fresh second of the rate limit */
		wire_inject_raw(w, packet, len);
		struct wire_packet *p = wire_take(w);
		check(w, p != NULL);
		check_equal(w, p->len, 20 + 8 + 20 + 8);
		check_equal(w, p->bytes[9], 1);
		check(w, memcmp(p->bytes + 20, head, 2) == 0 &&
				 memcmp(p->bytes + 24, head + 4, 4) == 0);
		check(w, memcmp(p->bytes + 28, packet, 28) == 0);
		check_equal(w, wire_checksum(p->bytes + 20, p->len - 20, 0), 0);
		test_free(p);
		check_equal(w, wire_waiting(w), 0);
	}
	check_equal(w, counters(w)->ip_in_unknown_protos, 253);
	check_equal(w, counters(w)->icmp_out_errors_sent, 253);
	check_equal(w, wire_usage(w).half_open, 0);
}

static void test_unreachable_protocols_are_told_at_a_limited_rate(void **state)
{
	struct wire *w = *state;

	for (unsigned i = 0; i < 1000; i++) {
		const size_t len = make_syn(w);
		packet[9] = 132;
		wire_fix_checksums(packet, len);
		wire_inject_raw(w, packet, len);
	}
	check_equal(w, drain(w), 10);
	check_equal(w, counters(w)->icmp_out_errors_limited, 990);
}

static void test_port_zero_is_dropped(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	struct seg g = wire_seg(w, "S 0:0(0) port 0");
	expect_dropped(w, wire_build(w, &g, packet));
	g = wire_seg(w, "S 0:0(0) to 0");
	expect_dropped(w, wire_build(w, &g, packet));
}

/* Data offsets from 0 to 15 on segments of 0 to 64 bytes: CVE-2020-24341. */
static void test_every_data_offset_and_length(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	for (size_t tcp_len = 0; tcp_len <= 64; tcp_len++) {
		for (uint8_t offset = 0; offset < 16; offset++) {
			const struct seg g = wire_seg(w, "S 0:44(44) win 65535");
			wire_build(w, &g, packet);
			packet[32] = (uint8_t)(offset << 4);
			memset(packet + 40, 1, 44);
			packet[3] = (uint8_t)(20 + tcp_len);
			wire_fix_checksums(packet, 20 + tcp_len);
			if (offset >= 5 && offset * 4u <= tcp_len)
				expect_taken(w, 20 + tcp_len);
			else
				expect_dropped(w, 20 + tcp_len);
		}
	}
}

/* The reserved bits are ignored (RFC 9293 3.1); so are the flags of ECN where it is switched off. */
static void test_reserved_bits_are_ignored(void **state)
{
	struct wire *w = *state;

	w->cfg.ecn = STACK_ECN_OFF;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	for (uint8_t bits = 0; bits < 16; bits++) {
		const size_t len = make_syn(w);
		packet[32] = (uint8_t)((packet[32] & 0xf0) | bits);
		packet[33] |= ECE | CWR | PSH;
		wire_fix_checksums(packet, len);
		expect_taken(w, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST_ONCE(test_every_header_length),
		WIRE_TEST_ONCE(test_every_version),
		WIRE_TEST_ONCE(test_truncated_at_every_byte),
		WIRE_TEST_ONCE(test_every_total_length),
		WIRE_TEST_ONCE(test_bytes_behind_the_total_length_are_ignored),
		WIRE_TEST_ONCE(test_every_bit_of_the_header_is_under_the_checksum),
		WIRE_TEST_ONCE(test_every_bit_of_tcp_is_under_the_checksum),
		WIRE_TEST_ONCE(test_trusted_checksum_is_not_looked_at),
		WIRE_TEST_ONCE(test_a_datagram_that_may_be_fragmented_but_was_not),
		WIRE_TEST_ONCE(test_only_unicast_sources_and_our_own_destination),
		WIRE_TEST_ONCE(test_land),
		WIRE_TEST_ONCE(test_second_address_of_the_host),
		WIRE_TEST_ONCE(test_every_other_protocol_is_unreachable),
		WIRE_TEST_ONCE(test_unreachable_protocols_are_told_at_a_limited_rate),
		WIRE_TEST_ONCE(test_port_zero_is_dropped),
		WIRE_TEST_ONCE(test_every_data_offset_and_length),
		WIRE_TEST_ONCE(test_reserved_bits_are_ignored),
	};

	return cmocka_run_group_tests_name("stack: IPv4", tests, NULL, NULL);
}
