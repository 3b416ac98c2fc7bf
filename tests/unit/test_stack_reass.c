/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reassembly of IPv4 and IPv6 (RFC 791 3.2, RFC 8200 4.5): orders, duplicates, overlaps (RFC 5722, and
 * Teardrop before it), tiny fragments (RFC 1858), lengths beyond 64 KiB, and the limits of memory and time
 * that FragmentSmack was about. An echo request is what is cut, as its answer says what came out; it is
 * larger than the link, which fragments are for, so the MTU of the stack is large.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/wire.h"

#define ID 0x1234

static uint8_t whole[WIRE_PACKET_MAX + 40]; /* the datagram, from its IP header on */
static uint8_t packet[WIRE_PACKET_MAX + 60];

static bool six(const struct wire *w)
{
	return w->version == 6;
}

static size_t head_len(const struct wire *w)
{
	return six(w) ? 40 : 20;
}

static void put16(uint8_t *p, size_t x)
{
	p[0] = (uint8_t)(x >> 8);
	p[1] = (uint8_t)x;
}

static void big_link(struct wire *w)
{
	w->cfg.mtu = 65535;
	wire_restart(w);
}

/* An echo request of `len` bytes, ICMP's header included; returns the same. */
static size_t make_echo(struct wire *w, size_t len)
{
	static const uint8_t v4[20] = {0x45, [8] = 64, 1, [12] = 10, 0, 0, 1, 10, 0, 0, 2};
	static const uint8_t v6[40] = {
		0x60, [6] = 58, 64, 0xfd, 0,    2,         0xff, [20] = 10, 0, 0,
		1,    0xfd,     0,  2,    0xff, [36] = 10, 0,    0,         2};
	uint8_t *icmp = whole + head_len(w);

	memcpy(whole, six(w) ? v6 : v4, head_len(w));
	for (size_t i = 0; i < len; i++)
		icmp[i] = (uint8_t)(i * 31 + i / 256);
	icmp[0] = six(w) ? 128 : 8;
	icmp[1] = icmp[2] = icmp[3] = 0;
	put16(icmp + 2, wire_checksum(icmp, len, six(w) ? wire_pseudo_sum_v6(whole, 58, len) : 0));
	return len;
}

/* Makes `packet` the fragment of `whole` with the bytes begin..end of its payload. */
static size_t cut(const struct wire *w, uint32_t id, size_t begin, size_t end, bool more)
{
	const size_t h = head_len(w);
	uint8_t *data = packet + h;

	memcpy(packet, whole, h);
	if (six(w)) {
		packet[6] = 44;
		data[0] = whole[6];
		data[1] = 0;
		put16(data + 2, begin | more);
		put16(data + 4, id >> 16);
		put16(data + 6, id);
		data += 8;
		put16(packet + 4, 8 + end - begin);
	} else {
		put16(packet + 2, h + end - begin);
		put16(packet + 4, id);
		put16(packet + 6, (more ? 0x2000u : 0u) | begin / 8);
		put16(packet + 10, 0);
		put16(packet + 10, wire_checksum(packet, h, 0));
	}
	memcpy(data, whole + h + begin, end - begin);
	return (size_t)(data - packet) + end - begin;
}

/* Below the harness's translation: the packet is of the right version already. */
static void send_fragment(struct wire *w, uint32_t id, size_t begin, size_t end, bool more)
{
	wire_inject_raw(w, packet, cut(w, id, begin, end, more));
}

static void expect_echo(struct wire *w, size_t len)
{
	struct wire_packet *p = wire_take(w);
	const size_t h = head_len(w);

	check(w, p != NULL);
	check_equal(w, p->len, h + len);
	check_equal(w, p->bytes[h], six(w) ? 129 : 0);
	check(w, memcmp(p->bytes + h + 4, whole + h + 4, len - 4) == 0);
	test_free(p);
	check_equal(w, wire_waiting(w), 0);
}

static void expect_nothing_kept(struct wire *w)
{
	check_equal(w, wire_usage(w).memory, w->empty_memory);
}

/* ------------------------------------------------------------------ what works */

static void test_two_fragments_make_one(void **state)
{
	struct wire *w = *state;
	const size_t len = make_echo(w, 1000);

	send_fragment(w, ID, 0, 800, true);
	check_equal(w, wire_waiting(w), 0);
	send_fragment(w, ID, 800, len, false);
	expect_echo(w, len);
	expect_nothing_kept(w);
	check_equal(w, counters(w)->ip_reasm_reqds, 2);
	check_equal(w, counters(w)->ip_reasm_oks, 1);
	check_equal(w, counters(w)->ip_reasm_fails, 0);
}

/* All 120 orders of five fragments, of different lengths. */
static void test_every_order(void **state)
{
	struct wire *w = *state;
	static const size_t at[] = {0, 8, 64, 320, 808, 1001};
	const size_t len = make_echo(w, 1001);

	for (unsigned order = 0; order < 120; order++) {
		unsigned left[] = {0, 1, 2, 3, 4}, n = 5, rest = order;
		for (; n > 0; n--) {
			const unsigned pick = rest % n;
			const unsigned i = left[pick];
			rest /= n;
			left[pick] = left[n - 1];
			check_equal(w, wire_waiting(w), 0);
			send_fragment(w, ID + order, at[i], at[i + 1], i < 4);
		}
		expect_echo(w, len);
		expect_nothing_kept(w);
	}
	check_equal(w, counters(w)->ip_reasm_oks, 120);
}

static void test_every_length_and_cut(void **state)
{
	struct wire *w = *state;

	for (size_t len = 17; len < 120; len++) {
		for (size_t at = 8; at < len; at += 8) {
			make_echo(w, len);
			send_fragment(w, ID, at, len, false);
			send_fragment(w, ID, 0, at, true);
			expect_echo(w, len);
		}
	}
	expect_nothing_kept(w);
}

static void test_duplicates_are_let_pass(void **state)
{
	struct wire *w = *state;
	const size_t len = make_echo(w, 1000);

	for (unsigned i = 0; i < 3; i++) {
		send_fragment(w, ID, 400, 800, true);
		send_fragment(w, ID, 0, 400, true);
	}
	send_fragment(w, ID, 800, len, false);
	expect_echo(w, len);
	expect_nothing_kept(w);
	check_equal(w, counters(w)->ip_in_fragments_dropped, 4);
	check_equal(w, counters(w)->ip_reasm_overlaps, 0);
}

static void test_datagrams_are_told_apart(void **state)
{
	struct wire *w = *state;

	for (uint32_t id = 1; id <= 8; id++) {
		make_echo(w, 200 + 8 * id);
		send_fragment(w, id, 0, 96, true);
	}
	for (uint32_t id = 8; id >= 1; id--) {
		const size_t len = make_echo(w, 200 + 8 * id);
		/* From another address: not the same datagram. */
		whole[six(w) ? 23 : 15] = 9;
		send_fragment(w, id, 96, len, false);
		check_equal(w, wire_waiting(w), 0);
		make_echo(w, len);
		send_fragment(w, id, 96, len, false);
		expect_echo(w, len);
	}
}

static void test_tcp_comes_in_fragments(void **state)
{
	struct wire *w = *state;
	static uint8_t v4[WIRE_PACKET_MAX];

	wire_listen(w, WIRE_PORT, 16);
	const struct seg g = wire_seg(w, "S 0:0(0) win 65535 <mss 1460,wscale 7,TS val 1 ecr 0>");
	const size_t len = wire_build(w, &g, v4);
	if (six(w))
		wire_to_v6(v4, len, whole);
	else
		memcpy(whole, v4, len);
	send_fragment(w, ID, 24, len - 20, false);
	send_fragment(w, ID, 0, 24, true);
	expect(w, "* S. 0:0(0) ack 1");
	inject(w, "* R 1:1(0)");
	/* And the checksum is of the whole, whatever the link said about its pieces. */
	whole[head_len(w) + 30] ^= 1;
	wire_inject_meta(w, packet, cut(w, ID, 24, len - 20, false),
			 (struct packet_meta){.checksum_trusted = true});
	wire_inject_meta(w, packet, cut(w, ID, 0, 24, true),
			 (struct packet_meta){.checksum_trusted = true});
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, counters(w)->tcp_in_errs, 1);
}

static void test_the_longest_datagram(void **state)
{
	struct wire *w = *state;
	/* IPv4 counts the header in, IPv6 does not. The answer must fit the link. */
	const size_t len = make_echo(w, 65535 - head_len(w));

	big_link(w);
	for (size_t at = 0; at < len; at += 1024)
		send_fragment(w, ID, at, at + 1024 < len ? at + 1024 : len, at + 1024 < len);
	expect_echo(w, len);
	expect_nothing_kept(w);
}

/* ------------------------------------------------------------------ what is refused */

static void test_datagrams_beyond_64_kilobytes(void **state)
{
	struct wire *w = *state;
	const size_t most = six(w) ? 65535 : 65515; /* of the payload */
	uint32_t id = 0;

	make_echo(w, 65480);
	for (size_t begin = 64000 / 8 * 8; begin < 65536; begin += 8) {
		for (size_t size = 8; size <= 1480; size += 368) {
			const size_t before = counters(w)->ip_in_fragments_dropped +
					      counters(w)->ip_in_hdr_errors;
			const size_t h = head_len(w);
			memset(whole + h, 0xaa, 16); /* the bytes do not matter */
			size_t n = cut(w, ++id, 0, size, false);
			put16(packet + (six(w) ? h + 2 : 6), six(w) ? begin : begin / 8);
			if (!six(w)) {
				put16(packet + 10, 0);
				put16(packet + 10, wire_checksum(packet, 20, 0));
			}
			wire_inject_raw(w, packet, n);
			const size_t after = counters(w)->ip_in_fragments_dropped +
					     counters(w)->ip_in_hdr_errors;
			check_equal(w, after - before, begin + size > most);
			drain(w); /* IPv6: a Parameter Problem */
		}
	}
}

/* The header of the first fragment is the longer one: only the whole shows that it is too long. */
static void test_a_header_that_makes_the_whole_too_long(void **state)
{
	struct wire *w = *state;
	const size_t len = make_echo(w, six(w) ? 65535 : 65515), h = head_len(w), extra = 24;

	for (size_t at = 1024; at < len; at += 1024)
		send_fragment(w, ID, at, at + 1024 < len ? at + 1024 : len, at + 1024 < len);
	size_t n = cut(w, ID, 0, 1024, true);
	memmove(packet + h + extra, packet + h, n - h);
	memset(packet + h, six(w) ? 0 : 1, extra);
	if (six(w)) {
		packet[h] = packet[6];
		packet[h + 1] = 2;
		packet[6] = 60;
		put16(packet + 4, n + extra - h);
	} else {
		packet[0] = 0x45 + 6;
		put16(packet + 2, n + extra);
		put16(packet + 10, 0);
		put16(packet + 10, wire_checksum(packet, h + extra, 0));
	}
	wire_inject_raw(w, packet, n + extra);
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, counters(w)->ip_reasm_fails, 1);
	expect_nothing_kept(w);
}

/* Every pair of ranges that overlap but are not the same, in both orders. */
static void test_every_overlap_discards_the_datagram(void **state)
{
	struct wire *w = *state;
	uint32_t id = 0;

	for (size_t begin = 0; begin < 64; begin += 8) {
		for (size_t end = begin + 8; end <= 64; end += 8) {
			if ((begin == 24 && end == 40) || end <= 24 || begin >= 40)
				continue;
			const size_t len = make_echo(w, 72);
			send_fragment(w, ++id, 24, 40, true);
			send_fragment(w, id, begin, end, true);
			/* All that is missing comes, too: nothing must come of it. */
			send_fragment(w, id, 0, 24, true);
			send_fragment(w, id, 24, 40, true);
			send_fragment(w, id, 40, len, false);
			check_equal(w, wire_waiting(w), 0);
		}
	}
	check_equal(w, counters(w)->ip_reasm_overlaps, id);
	check_equal(w, counters(w)->ip_reasm_fails, id);
	check_equal(w, counters(w)->ip_reasm_oks, 0);
	expect_none(w, "61"); /* and it ends in silence (RFC 5722 4) */
	expect_nothing_kept(w);
	check_equal(w, counters(w)->ip_reasm_fails, id);
}

static void test_same_range_with_other_bytes_is_an_overlap(void **state)
{
	struct wire *w = *state;
	const size_t len = make_echo(w, 96);

	send_fragment(w, ID, 0, 48, true);
	whole[head_len(w) + 40] ^= 0xff;
	send_fragment(w, ID, 0, 48, true);
	send_fragment(w, ID, 48, len, false);
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, counters(w)->ip_reasm_overlaps, 1);
}

static void test_contradicting_ends(void **state)
{
	struct wire *w = *state;

	make_echo(w, 200);
	send_fragment(w, 1, 96, 128, false); /* two ends, the later one further */
	send_fragment(w, 1, 128, 160, false);
	send_fragment(w, 2, 128, 160, false); /* … or nearer */
	send_fragment(w, 2, 64, 96, false);
	send_fragment(w, 3, 64, 96, false); /* data behind the end */
	send_fragment(w, 3, 96, 128, true);
	send_fragment(w, 4, 96, 128, true); /* an end before data */
	send_fragment(w, 4, 64, 96, false);
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, counters(w)->ip_reasm_overlaps, 4);
}

static void test_tiny_and_odd_fragments(void **state)
{
	struct wire *w = *state;

	make_echo(w, 200);
	for (size_t size = 1; size < 64; size++) { /* not the last, and no multiple of eight */
		if (size % 8 == 0)
			continue;
		advance_us(w, 1000000);
		send_fragment(w, (uint32_t)size, 64, 64 + size, true);
		drain(w);
	}
	expect_nothing_kept(w);
	send_fragment(w, ID, 64, 64, true); /* nothing at all */
	send_fragment(w, ID, 64, 64, false);
	expect_nothing_kept(w);
	/* A first fragment without the whole of TCP's header hides its ports or flags. */
	whole[six(w) ? 6 : 9] = 6;
	for (size_t size = 8; size < 20; size += 8) {
		advance_us(w, 1000000);
		send_fragment(w, ID, 0, size, true);
		const size_t said = drain(w);
		check_equal(w, said, six(w) ? 1 : 0); /* RFC 7112 5 */
	}
	if (!six(w))
		send_fragment(w, ID, 8, 200, false);
	expect_nothing_kept(w);
}

/* Inside a fragment nothing more is taken apart, and what is inside may be no fragment again. */
static void test_fragments_of_fragments(void **state)
{
	struct wire *w = *state;
	const size_t len = make_echo(w, 80);

	memmove(whole + 48, whole + 40, len);
	memset(whole + 40, 0, 8);
	whole[40] = 58;
	whole[43] = 1; /* more of it follows */
	whole[6] = 44;
	send_fragment(w, ID, 0, 48, true);
	send_fragment(w, ID, 48, len + 8, false);
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, counters(w)->ip_reasm_oks, 1);
	check_equal(w, counters(w)->ip_in_fragments_dropped, 1);
	expect_nothing_kept(w);
}

static void test_extension_headers_around_the_fragment(void **state)
{
	struct wire *w = *state;
	const size_t len = make_echo(w, 96);
	static uint8_t one[256];

	/* Inside: destination options, which are part of what was cut. */
	memmove(whole + 48, whole + 40, len);
	memset(whole + 40, 0, 8);
	whole[40] = 58;
	whole[6] = 60;
	for (unsigned piece = 0; piece < 2; piece++) {
		size_t n = cut(w, ID, piece ? 48 : 0, piece ? len + 8 : 48, !piece);
		/* Outside: hop-by-hop options with padding, before the fragment header. */
		memcpy(one, packet, n);
		memmove(one + 48, one + 40, n - 40);
		memset(one + 40, 0, 8);
		one[40] = one[6];
		one[6] = 0;
		put16(one + 4, n + 8 - 40);
		wire_inject_raw(w, one, n + 8);
	}
	make_echo(w, len);
	expect_echo(w, len);
}

/* ------------------------------------------------------------------ time */

static void expect_time_exceeded(struct wire *w, size_t first_len)
{
	struct wire_packet *p = wire_take(w);
	const size_t h = head_len(w);

	check(w, p != NULL);
	check_equal(w, p->bytes[h], six(w) ? 3 : 11);
	check_equal(w, p->bytes[h + 1], 1);
	check_equal(w, p->len, h + 8 + (six(w) ? first_len : 28));
	check(w, memcmp(p->bytes + h + 8, packet, p->len - h - 8) == 0);
	check_equal(w,
		    wire_checksum(p->bytes + h, p->len - h,
				  six(w) ? wire_pseudo_sum_v6(p->bytes, 58, p->len - h) : 0),
		    0);
	test_free(p);
	check_equal(w, wire_waiting(w), 0);
}

static void test_what_is_never_finished_is_given_up(void **state)
{
	struct wire *w = *state;
	const size_t len = make_echo(w, 1000);

	send_fragment(w, ID, 400, 800, true);
	advance_to(w, six(w) ? "59" : "29"); /* fragments that come later do not prolong it */
	const size_t first = cut(w, ID, 0, 400, true);
	wire_inject_raw(w, packet, first);
	expect_none(w, six(w) ? "59.9" : "29.9");
	advance_to(w, six(w) ? "60.1" : "30.1");
	expect_time_exceeded(w, first);
	expect_nothing_kept(w);
	check_equal(w, counters(w)->ip_reasm_fails, 1);
	send_fragment(w, ID, 800, len, false); /* too late: of a new datagram now */
	expect_none(w, "200");
	expect_nothing_kept(w);
}

static void test_time_exceeded_needs_the_first_fragment(void **state)
{
	struct wire *w = *state;
	const size_t len = make_echo(w, 1000);

	send_fragment(w, ID, 400, len, false);
	expect_none(w, "200");
	expect_nothing_kept(w);
	/* Nor is there one about an error: RFC 1122 3.2.2, RFC 4443 2.4 (e). */
	whole[head_len(w)] = 3;
	send_fragment(w, ID, 0, 400, true);
	expect_none(w, "400");
	expect_nothing_kept(w);
}

/* ------------------------------------------------------------------ memory */

static void test_the_oldest_of_too_many_goes(void **state)
{
	struct wire *w = *state;
	const size_t len = make_echo(w, 200);

	for (uint32_t id = 0; id < 1000; id++)
		send_fragment(w, id, 0, 96, true);
	check_equal(w, counters(w)->ip_reasm_evicted, 1000 - 64);
	send_fragment(w, 935, 96, len, false); /* gone: this is the beginning of another */
	check_equal(w, wire_waiting(w), 0);
	send_fragment(w, 999, 96, len, false);
	expect_echo(w, len);
}

static void test_bytes_are_limited(void **state)
{
	struct wire *w = *state;

	make_echo(w, 65000);
	for (uint32_t id = 0; id < 300; id++) {
		send_fragment(w, id, 0, 32000, true);
		send_fragment(w, id, 32000, 64000, true);
		check(w, wire_usage(w).memory <= w->empty_memory + (1u << 20));
	}
	drain(w);
}

/* A flood on a small host: at most an eighth of its memory, and TCP goes on. */
static void test_a_flood_leaves_memory_for_tcp(void **state)
{
	struct wire *w = *state;

	w->cfg.memory_limit = 256 << 10;
	wire_restart(w);
	wire_establish(w, "win 65535 <mss 1460>");
	make_echo(w, 65000);
	for (uint32_t id = 0; id < 300; id++)
		for (size_t at = 0; at < 8000; at += 1000)
			send_fragment(w, id, at, at + 1000, true);
	check(w, wire_usage(w).memory < (64u << 10));
	inject(w, "* P. 1:1001(1000) ack 1");
	expect(w, "* . 1:1(0) ack 1001");
	recv_bytes(w, 1000);
	drain(w);
}

/* One datagram larger than all there is for it is dropped whole. */
static void test_a_datagram_larger_than_its_share(void **state)
{
	struct wire *w = *state;

	w->cfg.memory_limit = 128 << 10;
	wire_restart(w);
	make_echo(w, 60000);
	for (size_t at = 0; at < 60000; at += 1000)
		send_fragment(w, ID, at, at + 1000, true);
	check(w, counters(w)->ip_reasm_fails > 0);
	check(w, wire_usage(w).memory <= w->empty_memory + (16u << 10));
	drain(w);
}

static void test_fragments_of_one_datagram_are_limited(void **state)
{
	struct wire *w = *state;
	const size_t len = make_echo(w, 8 * 129);

	for (size_t at = 0; at < len; at += 8)
		send_fragment(w, ID, at, at + 8, at + 8 < len);
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, counters(w)->ip_reasm_fails, 1);
	make_echo(w, 8 * 128);
	for (size_t at = 0; at < len - 8; at += 8)
		send_fragment(w, ID + 1, at, at + 8, at + 16 < len);
	expect_echo(w, len - 8);
}

/* The stack goes while fragments wait. */
static void test_destroyed_with_fragments(void **state)
{
	struct wire *w = *state;

	make_echo(w, 1000);
	send_fragment(w, ID, 0, 400, true);
	send_fragment(w, ID, 800, 1000, false);
	stack_destroy(w->s);
	w->s = stack_create(&w->cfg);
	check(w, w->s != NULL);
}

#define BOTH(f) WIRE_TEST_ONCE(f), WIRE_TEST_ONCE_V6(f)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_two_fragments_make_one),
		BOTH(test_every_order),
		BOTH(test_every_length_and_cut),
		BOTH(test_duplicates_are_let_pass),
		BOTH(test_datagrams_are_told_apart),
		WIRE_TEST(test_tcp_comes_in_fragments),
		BOTH(test_the_longest_datagram),
		BOTH(test_datagrams_beyond_64_kilobytes),
		BOTH(test_a_header_that_makes_the_whole_too_long),
		BOTH(test_every_overlap_discards_the_datagram),
		BOTH(test_same_range_with_other_bytes_is_an_overlap),
		BOTH(test_contradicting_ends),
		BOTH(test_tiny_and_odd_fragments),
		WIRE_TEST_ONCE_V6(test_fragments_of_fragments),
		WIRE_TEST_ONCE_V6(test_extension_headers_around_the_fragment),
		BOTH(test_what_is_never_finished_is_given_up),
		BOTH(test_time_exceeded_needs_the_first_fragment),
		BOTH(test_the_oldest_of_too_many_goes),
		BOTH(test_bytes_are_limited),
		WIRE_TEST(test_a_flood_leaves_memory_for_tcp),
		BOTH(test_a_datagram_larger_than_its_share),
		BOTH(test_fragments_of_one_datagram_are_limited),
		WIRE_TEST_ONCE(test_destroyed_with_fragments),
	};

	return cmocka_run_group_tests_name("stack: reassembly", tests, NULL, NULL);
}
