/* SPDX-License-Identifier: Apache-2.0 */
/* IPv6 (RFC 8200): the header, addresses, and what TCP makes of both versions at once. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/wire.h"

static uint8_t packet[WIRE_PACKET_MAX + 20];

/* A SYN for the listener; its answer shows that a packet was taken. */
static size_t make_syn(struct wire *w)
{
	static uint8_t v4[WIRE_PACKET_MAX];
	const struct seg g = wire_seg(w, "S 0:0(0) win 65535 <mss 1460>");

	return wire_to_v6(v4, wire_build(w, &g, v4), packet);
}

static void fix_tcp_checksum(size_t len)
{
	packet[56] = packet[57] = 0;
	const uint16_t sum =
		wire_checksum(packet + 40, len - 40, wire_pseudo_sum_v6(packet, 6, len - 40));
	packet[56] = (uint8_t)(sum >> 8);
	packet[57] = (uint8_t)sum;
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

static void test_every_version(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	for (uint8_t version = 0; version < 16; version++) {
		const size_t len = make_syn(w);
		packet[0] = (uint8_t)(version << 4);
		if (version == 6)
			expect_taken(w, len);
		else if (version != 4) /* the harness would make 6 of it */
			expect_dropped(w, len);
	}
}

static void test_truncated_at_every_byte(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	const size_t len = make_syn(w);
	for (size_t cut = 0; cut < len; cut++)
		expect_dropped(w, cut);
	expect_taken(w, len);
	check_equal(w, counters(w)->ip_in_hdr_errors, len);
}

static void test_every_payload_length(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	for (uint32_t payload = 0; payload < 65536; payload++) {
		const size_t len = make_syn(w);
		packet[4] = (uint8_t)(payload >> 8);
		packet[5] = (uint8_t)payload;
		if (payload >= 20 && payload <= len - 40)
			fix_tcp_checksum(40 + payload);
		if (payload == len - 40)
			expect_taken(w, len);
		else
			expect_dropped(w, len);
	}
}

static void test_bytes_behind_the_payload_are_ignored(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	for (size_t extra = 1; extra < 40; extra++) {
		const size_t len = make_syn(w);
		memset(packet + len, 0xaa, extra);
		expect_taken(w, len + extra);
	}
}

static void test_traffic_class_and_flow_label_are_ignored(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	for (unsigned bit = 4; bit < 32; bit++) {
		const size_t len = make_syn(w);
		packet[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		expect_taken(w, len);
	}
	for (unsigned hops = 0; hops < 256; hops++) { /* a host does not look at the hop limit */
		const size_t len = make_syn(w);
		packet[7] = (uint8_t)hops;
		expect_taken(w, len);
	}
}

/* The addresses are under TCP's checksum, and so is the length: RFC 8200 8.1. */
static void test_every_bit_of_addresses_and_tcp_is_under_the_checksum(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	const size_t len = make_syn(w);
	for (size_t bit = 8 * 8; bit < len * 8; bit++) {
		packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
		expect_dropped(w, len);
		packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	check(w, counters(w)->tcp_in_errs > 0);
	expect_taken(w, len);
}

struct address {
	uint8_t bytes[16];
};

static void try_source(struct wire *w, const struct address *src)
{
	size_t len = make_syn(w);

	memcpy(packet + 8, src->bytes, 16);
	fix_tcp_checksum(len);
	expect_dropped(w, len);
	/* What would make a RST must stay without an answer, too: RFC 9293 3.9.2.3. */
	packet[53] = ACK;
	fix_tcp_checksum(len);
	expect_dropped(w, len);
}

static void test_only_unicast_sources(void **state)
{
	struct wire *w = *state;
	static const struct address bad[] = {
		{{0}},                                              /* unspecified     */
		{{[15] = 1}},                                       /* loopback        */
		{{[12] = 10, 0, 0, 1}},                             /* IPv4-compatible */
		{{[10] = 0xff, 0xff, 10, 0, 0, 1}},                 /* IPv4-mapped     */
		{{[10] = 0xff, 0xff, 127, 0, 0, 1}},                /* … to loopback   */
		{{0xff, 0x02, [15] = 1}},                           /* all nodes       */
		{{0xff, 0x0e, [15] = 1}},                           /* a global group  */
		{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, /* the last groups */
		{{0xfd, 0x00, 0x02, 0xff, [12] = 10, 0, 0, 2}},     /* LAND: our own   */
	};

	wire_listen(w, WIRE_PORT, 16);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		try_source(w, &bad[i]);
	check_equal(w, counters(w)->ip_in_addr_errors, 2 * sizeof bad / sizeof bad[0]);
	expect_taken(w, make_syn(w));
}

static void test_only_our_own_destination(void **state)
{
	struct wire *w = *state;
	static const struct address bad[] = {
		{{0xfd, 0x00, 0x02, 0xff, [12] = 10, 0, 0, 3}},
		{{0xfd, 0x00, 0x02, 0xff, [12] = 10, 0, 0, 1}},
		{{0xfe, 0x80, [15] = 2}},
		{{[15] = 1}},
		{{0}},
		{{[10] = 0xff, 0xff, 10, 0, 0, 2}}, /* IPv4-mapped: not the same as our own */
	};

	wire_listen(w, WIRE_PORT, 16);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const size_t len = make_syn(w);
		memcpy(packet + 24, bad[i].bytes, 16);
		fix_tcp_checksum(len);
		expect_dropped(w, len);
	}
	check_equal(w, counters(w)->ip_in_addr_errors, sizeof bad / sizeof bad[0]);
}

static void test_multicast_is_counted_apart(void **state)
{
	struct wire *w = *state;
	const size_t len = make_syn(w);

	memset(packet + 24, 0, 16);
	packet[24] = 0xff;
	packet[25] = 0x02;
	packet[39] = 2; /* all routers, whatever it carries */
	expect_dropped(w, len);
	memset(packet + 8, 0, 16); /* duplicate address detection comes from :: */
	expect_dropped(w, len);
	check_equal(w, counters(w)->ip_in_mcast_pkts, 2);
	check_equal(w, counters(w)->ip_in_addr_errors, 0);
	check_equal(w, counters(w)->ip_in_hdr_errors, 0);
}

static void test_icmp_of_the_other_version_is_no_icmp(void **state)
{
	struct wire *w = *state;
	const size_t len = make_syn(w);

	packet[6] = 1;
	wire_inject_raw(w, packet, len);
	check_equal(w, drain(w), 1); /* a Parameter Problem: RFC 8200 4 */
	check_equal(w, counters(w)->ip_in_unknown_protos, 1);
	check_equal(w, counters(w)->icmp_in_msgs, 0);
}

/* ------------------------------------------------------------------ TCP over both versions */

static void test_our_mss_is_the_mtu_less_60(void **state)
{
	struct wire *w = *state;
	static const uint32_t mtus[] = {1280, 1500, 9000, 65535};

	for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++) {
		char line[64];
		w->cfg.mtu = mtus[i] - 20; /* the harness puts 20 on top */
		wire_restart(w);
		wire_listen(w, WIRE_PORT, 16);
		inject(w, "* S 0:0(0) win 65535 <mss 65535>");
		snprintf(line, sizeof line, "* S. 0:0(0) ack 1 <mss %u>", mtus[i] - 60);
		expect(w, line);
		inject(w, "* . 1:1(0) ack 1");
		wire_accept(w);
		send_bytes(w, 65536);
		struct wire_packet *p = wire_take(w);
		check(w, p != NULL);
		check_equal(w, p->len + 20, mtus[i] < 65535 ? mtus[i] : 65535);
		test_free(p);
		drain(w);
	}
}

static void test_super_segments_are_cut_by_the_link(void **state)
{
	struct wire *w = *state;

	w->cfg.tso = w->cfg.checksum_offload = true;
	wire_restart(w);
	wire_establish(w, "win 65535 <mss 1440,wscale 7>");
	send_bytes(w, 14400);
	struct wire_packet *p = wire_take(w);
	check(w, p != NULL);
	check_equal(w, p->gso_size, 1440);
	check_equal(w, p->len, 40 + 14400);
	test_free(p);
	inject(w, "+0.01 . 1:1(0) ack 14401 win 65535");
}

/* Whole rounds of the largest packet: none may be longer than 65,535 bytes with its header. */
static void test_super_segments_fit_the_longest_packet(void **state)
{
	struct wire *w = *state;

	w->cfg.tso = w->cfg.checksum_offload = true;
	w->cfg.pacing = false;
	wire_restart(w);
	wire_establish(w, "win 65535 <mss 1440,wscale 14>");
	for (unsigned round = 0; round < 60; round++) {
		send_bytes(w, tcp_send_space(w->c)); /* it grows with what the peer takes */
		while (tcp_send_pending(w->c) > 0) {
			char ack[64];
			for (struct wire_packet *p; (p = wire_take(w)) != NULL; test_free(p))
				check(w, p->len + 20 <= 65535);
			snprintf(ack, sizeof ack, "+0.01 . 1:1(0) ack %u win 65535",
				 wire_info(w).snd_max - w->iss);
			inject(w, ack);
		}
	}
}

static void test_a_small_mtu_and_an_ipv6_address_exclude_each_other(void **state)
{
	struct wire *w = *state;
	struct stack_config cfg = w->cfg;

	cfg.addr[0] = wire_host_addr(w);
	cfg.mtu = 1279;
	check(w, stack_create(&cfg) == NULL); /* RFC 8200 5 */
	cfg.mtu = 1280;
	struct stack *s = stack_create(&cfg);
	check(w, s != NULL);
	stack_destroy(s);
	cfg.addr[0].bytes[0] = 0xff;
	check(w, stack_create(&cfg) == NULL);
}

static void test_both_versions_share_a_listener(void **state)
{
	struct wire *w = *state;
	const struct ip_addr v6 = {6, {0xfd, 0x00, 0x02, 0xff, [12] = 10, 0, 0, 2}};

	w->cfg.addr[1] = v6; /* beside 10.0.0.2 */
	w->cfg.addr_count = 2;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.000 S. 0:0(0) ack 1 <mss 1460>");
	const size_t len =
		make_syn(w); /* the same ports, and other addresses: another connection */
	wire_inject_raw(w, packet, len);
	check_equal(w, wire_usage(w).half_open, 2);
	struct wire_packet *p = wire_take(w);
	check(w, p && p->bytes[0] >> 4 == 6);
	check(w, memcmp(p->bytes + 8, packet + 24, 16) == 0);
	check(w, memcmp(p->bytes + 24, packet + 8, 16) == 0);
	check(w, memcmp(p->bytes + 60, "\x02\x04\x05\xa0", 4) == 0); /* MSS 1440 */
	test_free(p);
}

static void test_connect_needs_an_address_of_the_version(void **state)
{
	struct wire *w = *state;
	const struct ip_endpoint v4 = {ip_addr_v4(10, 0, 0, 1), 9000};
	const struct ip_endpoint mapped = {{6, {[10] = 0xff, 0xff, 10, 0, 0, 1}}, 9000};
	const struct ip_endpoint group = {{6, {0xff, 0x02, [15] = 1}}, 9000};
	struct tcp_conn *c = NULL;

	check_equal(w, tcp_connect(w->s, w->now_us, NULL, &v4, &c), STACK_ERR_INVALID);
	check_equal(w, tcp_connect(w->s, w->now_us, NULL, &mapped, &c), STACK_ERR_INVALID);
	check_equal(w, tcp_connect(w->s, w->now_us, NULL, &group, &c), STACK_ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST_ONCE_V6(test_every_version),
		WIRE_TEST_ONCE_V6(test_truncated_at_every_byte),
		WIRE_TEST_ONCE_V6(test_every_payload_length),
		WIRE_TEST_ONCE_V6(test_bytes_behind_the_payload_are_ignored),
		WIRE_TEST_ONCE_V6(test_traffic_class_and_flow_label_are_ignored),
		WIRE_TEST_ONCE_V6(test_every_bit_of_addresses_and_tcp_is_under_the_checksum),
		WIRE_TEST_ONCE_V6(test_only_unicast_sources),
		WIRE_TEST_ONCE_V6(test_only_our_own_destination),
		WIRE_TEST_ONCE_V6(test_multicast_is_counted_apart),
		WIRE_TEST_ONCE_V6(test_icmp_of_the_other_version_is_no_icmp),
		WIRE_TEST_V6(test_our_mss_is_the_mtu_less_60),
		WIRE_TEST_V6(test_super_segments_are_cut_by_the_link),
		WIRE_TEST_V6(test_super_segments_fit_the_longest_packet),
		WIRE_TEST_ONCE_V6(test_a_small_mtu_and_an_ipv6_address_exclude_each_other),
		WIRE_TEST_V4(test_both_versions_share_a_listener),
		WIRE_TEST_ONCE_V6(test_connect_needs_an_address_of_the_version),
	};

	return cmocka_run_group_tests_name("stack: IPv6", tests, NULL, NULL);
}
