/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extension headers of IPv6 (RFC 8200 4): every kind with every length, chains, truncations, options, and
 * the Parameter Problems that answer what a host does not take. CVE-2020-17442, -17444 and -17445 were
 * lengths of eight bits that wrapped to 0 and made a walk of the chain endless.
 */
#include <string.h>

#include "tests/unit/wire.h"

enum {
	HOP_BY_HOP = 0,
	TCP = 6,
	ROUTING = 43,
	FRAGMENT = 44,
	ESP = 50,
	AH = 51,
	UDP = 17,
	ICMPV6 = 58,
	NO_NEXT = 59,
	DESTINATION = 60,
};

/* A packet that grows: headers, then what they carry. */
static uint8_t packet[WIRE_PACKET_MAX + 20];
static size_t end;     /* of the headers so far           */
static size_t next_at; /* where the last one names the next */

static void set_payload_length(size_t len)
{
	packet[4] = (uint8_t)((len - 40) >> 8);
	packet[5] = (uint8_t)(len - 40);
}

static void begin(struct wire *w)
{
	static uint8_t v4[WIRE_PACKET_MAX];
	const struct seg g = wire_seg(w, "S 0:0(0) win 65535 <mss 1460>");

	wire_to_v6(v4, wire_build(w, &g, v4), packet);
	end = 40;
	next_at = 6;
}

/* One more header of `units` times eight bytes, its length field as given, the rest zeros (Pad1). */
static uint8_t *add(uint8_t kind, size_t units, uint8_t length)
{
	uint8_t *h = packet + end;

	packet[next_at] = kind;
	memset(h, 0, units * 8);
	h[1] = length;
	next_at = end;
	end += units * 8;
	return h;
}

static uint8_t *add_right(uint8_t kind, size_t units)
{
	return add(kind, units, kind == FRAGMENT ? 0 : (uint8_t)(units - 1));
}

/* The SYN at the end of the chain; returns the packet's length. */
static size_t finish(struct wire *w)
{
	static uint8_t v4[WIRE_PACKET_MAX];
	const struct seg g = wire_seg(w, "S 0:0(0) win 65535 <mss 1460>");
	const size_t len = wire_build(w, &g, v4) - 20;

	packet[next_at] = TCP;
	memcpy(packet + end, v4 + 20, len);
	set_payload_length(end + len);
	return end + len;
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

/* The Parameter Problem that says so: RFC 4443 3.4. */
static void expect_problem(struct wire *w, size_t len, uint8_t code, size_t at)
{
	const size_t quoted = len < 1232 ? len : 1232;

	advance_us(w, 1000000); /* a fresh second of the rate limit */
	wire_inject_raw(w, packet, len);
	struct wire_packet *p = wire_take(w);
	check(w, p != NULL);
	check_equal(w, p->len, 48 + quoted);
	check_equal(w, p->bytes[6], ICMPV6);
	check_equal(w, p->bytes[40], 4);
	check_equal(w, p->bytes[41], code);
	check_equal(w, (uint32_t)p->bytes[46] << 8 | p->bytes[47], at);
	check_equal(w, p->bytes[44] | p->bytes[45], 0);
	check_equal(w,
		    wire_checksum(p->bytes + 40, p->len - 40,
				  wire_pseudo_sum_v6(p->bytes, ICMPV6, p->len - 40)),
		    0);
	check(w, memcmp(p->bytes + 48, packet, quoted) == 0);
	check(w, memcmp(p->bytes + 8, packet + 24, 16) == 0);
	check(w, memcmp(p->bytes + 24, packet + 8, 16) == 0);
	test_free(p);
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, wire_usage(w).half_open, 0);
}

/* ------------------------------------------------------------------ lengths */

static const uint8_t kinds[] = {HOP_BY_HOP, ROUTING, DESTINATION};

static void test_every_length_of_every_header(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	for (size_t i = 0; i < sizeof kinds; i++) {
		for (size_t units = 1; units <= 256; units++) {
			begin(w);
			add_right(kinds[i], units);
			expect_taken(w, finish(w));
		}
	}
}

/* The length field says anything from 0 to 255, in a packet where eight bytes are a header. */
static void test_every_length_that_lies(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	for (size_t i = 0; i < sizeof kinds; i++) {
		for (unsigned length = 1; length < 256; length++) {
			begin(w);
			add(kinds[i], 1, (uint8_t)length);
			wire_inject_raw(w, packet, finish(w));
			/* Inside the packet it ends in the middle of TCP, whose checksum then is wrong, or
			 * in an option that is none; beyond its end it is no header. */
			drain(w);
			check_equal(w, wire_usage(w).half_open, 0);
		}
	}
}

static void test_fragment_headers_have_no_length_field(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	for (unsigned length = 0; length < 256; length++) { /* reserved, ignored: RFC 8200 4.5 */
		begin(w);
		add(FRAGMENT, 1, (uint8_t)length);
		expect_taken(w, finish(w));
	}
}

static void test_truncated_at_every_byte(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	begin(w);
	add_right(HOP_BY_HOP, 3);
	add_right(DESTINATION, 2);
	add_right(ROUTING, 4);
	add_right(FRAGMENT, 1);
	add_right(DESTINATION, 1);
	const size_t len = finish(w);
	for (size_t cut = 0; cut < len; cut++) /* the link has lost the rest */
		expect_dropped(w, cut);
	for (size_t cut = 40; cut < len; cut++) { /* the header tells the truth about it */
		set_payload_length(cut);
		expect_dropped(w, cut);
	}
	set_payload_length(len);
	expect_taken(w, len);
}

/* ------------------------------------------------------------------ chains */

static void test_headers_in_the_recommended_order(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	begin(w);
	add_right(HOP_BY_HOP, 1);
	add_right(DESTINATION, 1);
	add_right(ROUTING, 1);
	add_right(FRAGMENT, 1);
	add_right(DESTINATION, 1);
	expect_taken(w, finish(w));
}

/* RFC 8200 4.1: in any order and any number, but the hop-by-hop header only at the front. */
static void test_chains_of_every_length(void **state)
{
	struct wire *w = *state;
	static const uint8_t repeated[] = {ROUTING, DESTINATION, FRAGMENT};

	wire_listen(w, WIRE_PORT, 16);
	for (size_t i = 0; i < sizeof repeated; i++) {
		for (size_t n = 0; n <= 100; n++) {
			begin(w);
			for (size_t k = 0; k < n; k++)
				add_right(repeated[i], 1);
			const size_t len = finish(w);
			if (n <= 8)
				expect_taken(w, len);
			else
				expect_problem(w, len, 8, 40 + 8 * 8); /* RFC 8883 2 */
		}
	}
}

static void test_hop_by_hop_stands_first_or_is_unknown(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	begin(w);
	add_right(DESTINATION, 2);
	add_right(HOP_BY_HOP, 1);
	expect_problem(w, finish(w), 1, 40);
	begin(w);
	add_right(HOP_BY_HOP, 1);
	add_right(HOP_BY_HOP, 1);
	expect_problem(w, finish(w), 1, 40);
}

static void test_every_next_header(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	for (unsigned next = 0; next < 256; next++) {
		if (next == HOP_BY_HOP || next == TCP || next == ROUTING || next == FRAGMENT ||
		    next == ICMPV6 || next == DESTINATION || next == UDP)
			continue;
		begin(w);
		add_right(DESTINATION, 1);
		const size_t len = finish(w);
		packet[next_at] = (uint8_t)next;
		if (next == NO_NEXT || next == AH || next == ESP)
			expect_dropped(w, len);
		else
			expect_problem(w, len, 1, 40);
	}
	check_equal(w, counters(w)->ip_in_no_next_header, 1);
	check_equal(w, counters(w)->ip_in_ipsec_dropped, 2);
	check_equal(w, counters(w)->ip_in_unknown_protos, 256 - 7 - 3);
	check_equal(w, counters(w)->ip_in_hdr_errors, 0);
}

static void test_chain_that_ends_the_packet(void **state)
{
	struct wire *w = *state;

	for (size_t i = 0; i < sizeof kinds; i++) {
		begin(w);
		add_right(kinds[i], 1);
		packet[next_at] = kinds[i] == HOP_BY_HOP ? DESTINATION : kinds[i];
		set_payload_length(end);
		expect_dropped(w, end);
	}
	check_equal(w, counters(w)->ip_in_hdr_errors, sizeof kinds);
}

/* ------------------------------------------------------------------ options */

/* RFC 8200 4.2: the highest two bits of an option that is not known say what is to be done. */
static void test_every_option(void **state)
{
	struct wire *w = *state;
	static const uint8_t with_options[] = {HOP_BY_HOP, DESTINATION};

	wire_listen(w, WIRE_PORT, 16);
	for (size_t i = 0; i < sizeof with_options; i++) {
		for (unsigned option = 0; option < 256; option++) {
			begin(w);
			uint8_t *h = add_right(with_options[i], 2);
			h[4] = (uint8_t)option; /* behind Pad1 twice */
			h[5] = option == 0 ? 0 : 10;
			memset(h + 6, option == 0 ? 0 : 0xff, 10);
			const size_t len = finish(w);
			if (option >> 6 == 0)
				expect_taken(w, len);
			else if (option >> 6 == 1)
				expect_dropped(w, len);
			else
				expect_problem(w, len, 2, 44);
		}
	}
}

/* An option whose length leaves its header, at every place. */
static void test_option_lengths(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	for (size_t at = 2; at < 16; at++) {
		for (unsigned length = 0; length < 256; length++) {
			begin(w);
			uint8_t *h = add_right(DESTINATION, 2);
			h[at] = 0x1e; /* to be skipped when unknown */
			if (at < 15)
				h[at + 1] = (uint8_t)length;
			const size_t len = finish(w);
			if (at < 15 && at + 2 + length <= 16)
				expect_taken(w, len);
			else
				expect_dropped(w, len);
		}
	}
}

/* RFC 2675: a jumbogram's option is one we do not know, in a packet that says it is empty. */
static void test_jumbograms_are_refused(void **state)
{
	struct wire *w = *state;

	begin(w);
	uint8_t *h = add_right(HOP_BY_HOP, 1);
	memcpy(h + 2, "\xc2\x04\x00\x01\x00\x00", 6);
	const size_t len = finish(w);
	packet[4] = packet[5] = 0;
	wire_inject_raw(w, packet, len);
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, counters(w)->ip_in_hdr_errors, 1);
}

/* The kernel's group reports have it: RFC 2711. */
static void test_router_alert_is_skipped(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	begin(w);
	uint8_t *h = add_right(HOP_BY_HOP, 1);
	memcpy(h + 2, "\x05\x02\x00\x00\x01\x00", 6);
	expect_taken(w, finish(w));
}

/* ------------------------------------------------------------------ routing */

/* RFC 8200 4.4, RFC 5095 3: every type, type 0 too, is ignored when used up and refused before. */
static void test_every_routing_type(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	for (unsigned type = 0; type < 256; type++) {
		begin(w);
		uint8_t *h = add_right(ROUTING, 3);
		h[2] = (uint8_t)type;
		expect_taken(w, finish(w));
		for (unsigned left = 1; left < 256; left += left < 4 ? 1 : 50) {
			h[3] = (uint8_t)left;
			expect_problem(w, finish(w), 0, 42);
		}
	}
}

/* ------------------------------------------------------------------ what answers them */

static void test_problems_are_limited(void **state)
{
	struct wire *w = *state;

	advance_us(w, 1000000);
	begin(w);
	const size_t len = finish(w);
	packet[6] = 253;
	for (unsigned i = 0; i < 1000; i++)
		wire_inject_raw(w, packet, len);
	check_equal(w, drain(w), 10);
	check_equal(w, counters(w)->icmp_out_errors_sent, 10);
	check_equal(w, counters(w)->icmp_out_errors_limited, 990);
	advance_us(w, 1000000);
	wire_inject_raw(w, packet, len);
	check_equal(w, drain(w), 1);
}

/* RFC 4443 2.4 (e): else two hosts could go on for ever. */
static void test_no_error_about_an_error(void **state)
{
	struct wire *w = *state;

	for (unsigned type = 0; type < 256; type++) {
		begin(w);
		uint8_t *h = add_right(DESTINATION, 1);
		h[2] = 0xc0;
		h[3] = 4;
		const size_t len = finish(w);
		packet[next_at] = ICMPV6;
		packet[end] = (uint8_t)type;
		advance_us(w, 1000000);
		wire_inject_raw(w, packet, len);
		check_equal(w, drain(w), type < 128 || type == 137 ? 0 : 1);
	}
	begin(w); /* nor when the ICMPv6 message is empty */
	uint8_t *h = add_right(DESTINATION, 1);
	h[2] = 0xc0;
	h[3] = 4;
	packet[next_at] = ICMPV6;
	set_payload_length(end);
	wire_inject_raw(w, packet, end);
	check_equal(w, drain(w), 0);
}

static void test_problem_quotes_what_fits_the_smallest_link(void **state)
{
	struct wire *w = *state;

	begin(w);
	add_right(HOP_BY_HOP, 256);
	add_right(DESTINATION, 256);
	uint8_t *h = add_right(DESTINATION, 1);
	h[2] = 0x80;
	h[3] = 4;
	expect_problem(w, finish(w), 2, 40 + 2 * 2048 + 2);
}

static void test_no_problem_goes_to_a_group(void **state)
{
	struct wire *w = *state;

	begin(w);
	const size_t len = finish(w);
	packet[6] = 253;
	packet[8] = 0xff; /* from a group */
	expect_dropped(w, len);
	packet[8] = 0xfd;
	packet[24] = 0xff; /* to a group */
	expect_dropped(w, len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST_ONCE_V6(test_every_length_of_every_header),
		WIRE_TEST_ONCE_V6(test_every_length_that_lies),
		WIRE_TEST_ONCE_V6(test_fragment_headers_have_no_length_field),
		WIRE_TEST_ONCE_V6(test_truncated_at_every_byte),
		WIRE_TEST_ONCE_V6(test_headers_in_the_recommended_order),
		WIRE_TEST_ONCE_V6(test_chains_of_every_length),
		WIRE_TEST_ONCE_V6(test_hop_by_hop_stands_first_or_is_unknown),
		WIRE_TEST_ONCE_V6(test_every_next_header),
		WIRE_TEST_ONCE_V6(test_chain_that_ends_the_packet),
		WIRE_TEST_ONCE_V6(test_every_option),
		WIRE_TEST_ONCE_V6(test_option_lengths),
		WIRE_TEST_ONCE_V6(test_jumbograms_are_refused),
		WIRE_TEST_ONCE_V6(test_router_alert_is_skipped),
		WIRE_TEST_ONCE_V6(test_every_routing_type),
		WIRE_TEST_ONCE_V6(test_problems_are_limited),
		WIRE_TEST_ONCE_V6(test_no_error_about_an_error),
		WIRE_TEST_ONCE_V6(test_problem_quotes_what_fits_the_smallest_link),
		WIRE_TEST_ONCE_V6(test_no_problem_goes_to_a_group),
	};

	return cmocka_run_group_tests_name("stack: IPv6 extension headers", tests, NULL, NULL);
}
