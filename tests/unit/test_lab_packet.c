/* SPDX-License-Identifier: Apache-2.0 */
/* What the emulated link does to a packet's bytes: checksums, cutting, flipped bits, ICMP. */
#include "tests/unit/lab_packets.h"

static const uint32_t isns[] = {0, 0x7fffffff, 0xfffffc18}; /* 0, 2^31-1, 2^32-1000 */
static const unsigned versions[] = {4, 6};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FIN 0x01
#define PSH 0x08
#define ACK 0x10
#define CWR 0x80

/* ------------------------------------------------------------------ checksums */

static void test_partial_checksum_is_finished(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		for (size_t len = 0; len < 70; len++) {
			struct link_packet *tcp = tcp_packet(versions[v], 1, ACK, len, true);
			struct link_packet *udp = udp_packet(versions[v], len, true);
			assert_false(packet_is_sound(tcp));
			link_packet_finish(tcp);
			link_packet_finish(udp);
			assert_true(packet_is_sound(tcp));
			assert_true(packet_is_sound(udp));
			assert_false(tcp->checksum_partial || udp->checksum_partial);
			link_packet_free(tcp);
			link_packet_free(udp);
		}
	}
}

static void test_finishing_leaves_a_complete_packet_alone(void **state)
{
	struct link_packet *p = tcp_packet(4, 1, ACK, 100, false), *was = link_packet_copy(p);

	(void)state;
	link_packet_finish(p);
	assert_memory_equal(p->bytes, was->bytes, was->len);
	link_packet_free(p);
	link_packet_free(was);
}

/* RFC 768: a computed zero is sent as all ones, since zero says that there is none. */
static void test_udp_checksum_is_never_sent_as_zero(void **state)
{
	struct link_packet *p = udp_packet(4, 2, false);

	(void)state;
	/* The payload takes what the sum lacks. */
	memset(p->bytes + 28, 0, 2);
	to_be16(p->bytes + 26, pseudo_sum(p->bytes, 17, 10));
	to_be16(p->bytes + 28, ~plain_sum(0, p->bytes + 20, 10));
	p->checksum_partial = true;
	link_packet_finish(p);
	assert_int_equal(be16(p->bytes + 26), 0xffff);
	assert_true(packet_is_sound(p));
	link_packet_free(p);
}

static void test_partial_checksum_outside_the_packet_is_not_believed(void **state)
{
	struct link_packet *p = tcp_packet(4, 1, ACK, 10, false), *was = link_packet_copy(p);

	(void)state;
	p->checksum_partial = true;
	p->csum_start = (uint16_t)(p->len - 4);
	p->csum_offset = 3;
	link_packet_measure(p);
	assert_false(p->checksum_partial);
	link_packet_finish(p);
	assert_memory_equal(p->bytes, was->bytes, was->len);
	link_packet_free(p);
	link_packet_free(was);
}

/* ------------------------------------------------------------------ super segments */

/* Cuts it, checks each piece, puts the payload together again and compares. */
static void check_cut(unsigned version, uint32_t isn, size_t payload, uint16_t gso)
{
	const size_t ip = version == 4 ? 20 : 40, headers = ip + 20 + TCP_OPTIONS;
	struct link_packet *p = super_packet(version, isn, ACK | PSH | FIN | CWR, payload, gso);
	const uint32_t expected = (uint32_t)((payload + gso - 1) / gso);
	size_t at = 0;

	p->ecn = true;
	link_packet_measure(p);
	assert_int_equal(p->wire_packets, expected);
	assert_int_equal(p->wire_bytes, payload + expected * headers);
	assert_int_equal(link_packet_largest(p), headers + gso);
	for (uint32_t i = 0; i < expected; i++) {
		struct link_packet *piece = link_packet_cut(p, i);
		const uint8_t *b = piece->bytes;
		const uint8_t flags =
			(uint8_t)(ACK | (i == 0 ? CWR : 0) | (i + 1 == expected ? PSH | FIN : 0));
		const size_t len = piece->len - headers;
		assert_true(packet_is_sound(piece));
		assert_false(piece->checksum_partial || piece->gso_size);
		assert_int_equal(len, i + 1 == expected ? payload - at : gso);
		assert_int_equal(be32(b + ip + 4), (uint32_t)(isn + at));
		assert_int_equal(b[ip + 13], flags);
		if (version == 4)
			assert_int_equal(be16(b + 4), (0xfffe + i) & 0xffff);
		assert_memory_equal(b + ip + 20, p->bytes + ip + 20, TCP_OPTIONS);
		assert_memory_equal(b + headers, p->bytes + headers + at, len);
		at += len;
		link_packet_free(piece);
	}
	assert_int_equal(at, payload);
	link_packet_free(p);
}

static void test_super_segment_is_cut_into_sound_pieces(void **state)
{
	static const size_t payloads[] = {1449, 2896, 2897, 14481, 65000};
	static const uint16_t sizes[] = {1448, 1, 536, 1331};

	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++)
		for (size_t s = 0; s < COUNT(isns); s++)
			for (size_t n = 0; n < COUNT(payloads); n++)
				for (size_t g = 0; g < COUNT(sizes); g++)
					check_cut(versions[v], isns[s], payloads[n], sizes[g]);
}

static void test_cwr_stays_on_all_pieces_unless_it_is_ecn(void **state)
{
	struct link_packet *p = super_packet(4, 1, ACK | CWR, 3000, 1000);

	(void)state;
	link_packet_measure(p);
	for (uint32_t i = 0; i < 3; i++) {
		struct link_packet *piece = link_packet_cut(p, i);
		assert_int_equal(piece->bytes[33], ACK | CWR);
		link_packet_free(piece);
	}
	link_packet_free(p);
}

static void test_false_super_segments_are_carried_whole(void **state)
{
	struct link_packet *p[] = {
		udp_packet(4, 3000, true),             /* no TCP                           */
		super_packet(4, 1, ACK, 1000, 1000),   /* one piece                        */
		super_packet(4, 1, ACK, 3000, 1000),   /* a data offset behind the end     */
		super_packet(6, 1, ACK, 3000, 1000),   /* one below the least              */
		super_packet(4, 1, ACK, 3000, 1000),   /* a total length below the packet  */
		super_packet(4, 1, ACK, 3000, 1000),   /* a fragment                       */
		super_packet(6, 1, ACK, 3000, 1000),   /* neither IPv4 nor IPv6            */
		link_packet_new((uint8_t[]){0x45}, 1), /* no header                        */
		link_packet_new((uint8_t[]){0x60}, 1),
	};

	(void)state;
	p[0]->gso_size = p[7]->gso_size = p[8]->gso_size = 1000;
	memset(p[2]->bytes + 40, 0, p[2]->len - 40);
	to_be16(p[2]->bytes + 2, 44);
	p[2]->bytes[32] = 0xf0;
	p[3]->bytes[52] = 0x40;
	to_be16(p[4]->bytes + 2, 2000);
	p[5]->bytes[6] = 0x20;
	p[6]->bytes[0] = 0x50;
	for (size_t i = 0; i < COUNT(p); i++) {
		link_packet_measure(p[i]);
		if (p[i]->gso_size || p[i]->wire_packets != 1 || p[i]->wire_bytes != p[i]->len)
			fail_msg("packet %zu is taken as %u pieces", i, p[i]->wire_packets);
		assert_int_equal(link_packet_largest(p[i]), p[i]->len);
		link_packet_free(p[i]);
	}
}

/* ------------------------------------------------------------------ flipped bits */

static unsigned differing_bits(const uint8_t *a, const uint8_t *b, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < len; i++)
		n += (unsigned)__builtin_popcount((unsigned)(a[i] ^ b[i]));
	return n;
}

static void test_each_flipped_bit_is_seen_by_a_checksum(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct link_packet *was = tcp_packet(versions[v], 1, ACK, 33, false);
		/* IPv6 has no checksum over the fields before the addresses: RFC 8200 8.1. */
		const uint64_t first = versions[v] == 6 ? 64 : 0;
		for (uint64_t bit = first; bit < was->len * 8; bit++) {
			struct link_packet *p = link_packet_copy(was);
			link_packet_flip(p, bit);
			assert_int_equal(differing_bits(p->bytes, was->bytes, was->len), 1);
			assert_true(p->bytes[bit / 8] != was->bytes[bit / 8]);
			if ((p->bytes[0] == was->bytes[0]) && packet_is_sound(p))
				fail_msg("bit %u of IPv%u is not seen", (unsigned)bit, versions[v]);
			link_packet_free(p);
		}
		link_packet_free(was);
	}
}

static void check_repaired(struct link_packet *was, size_t headers, size_t field)
{
	size_t start = 0;
	const size_t payload = link_packet_payload(was, &start);

	assert_int_equal(start, headers);
	assert_int_equal(payload, was->len - headers);
	for (uint64_t bit = 0; bit < payload * 8; bit++) {
		struct link_packet *p = link_packet_copy(was);
		link_packet_flip_repaired(p, bit);
		assert_true(packet_is_sound(p));
		assert_int_equal(differing_bits(p->bytes + start, was->bytes + start, payload), 1);
		assert_memory_equal(p->bytes, was->bytes, field);
		assert_memory_equal(p->bytes + field + 2, was->bytes + field + 2,
				    start - field - 2);
		link_packet_free(p);
	}
	link_packet_free(was);
}

static void test_repaired_flip_leaves_a_sound_packet_with_other_payload(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		const size_t ip = versions[v] == 4 ? 20 : 40;
		for (size_t len = 1; len < 40; len += 6) { /* odd and even */
			check_repaired(tcp_packet(versions[v], 1, ACK, len, false),
				       ip + 20 + TCP_OPTIONS, ip + 16);
			check_repaired(udp_packet(versions[v], len, false), ip + 8, ip + 6);
		}
	}
}

static void test_what_has_no_payload_or_checksum_has_nothing_to_repair(void **state)
{
	struct link_packet *p[] = {tcp_packet(4, 1, ACK, 0, false), udp_packet(6, 0, false),
				   udp_packet(4, 9, false), tcp_packet(4, 1, ACK, 50, false),
				   link_packet_new((uint8_t[]){0x45, 0}, 2)};
	size_t start;

	(void)state;
	to_be16(p[2]->bytes + 26, 0); /* the sender made none      */
	p[3]->bytes[6] = 0x20;        /* the first of fragments    */
	for (size_t i = 0; i < COUNT(p); i++) {
		assert_int_equal(link_packet_payload(p[i], &start), 0);
		link_packet_free(p[i]);
	}
}

/* ------------------------------------------------------------------ ICMP */

static void test_fragmentation_needed_quotes_the_packet(void **state)
{
	static const size_t payloads[] = {100, 1448};

	(void)state;
	for (size_t i = 0; i < COUNT(payloads); i++) {
		struct link_packet *p = tcp_packet(4, 7, ACK, payloads[i], false);
		struct link_packet *r = link_packet_too_big(p, 1400);
		const size_t quote = p->len < 548 ? p->len : 548; /* RFC 1812: 576 in all */
		assert_non_null(r);
		assert_true(packet_is_sound(r));
		assert_int_equal(r->len, 28 + quote);
		assert_int_equal(r->bytes[9], 1);
		assert_memory_equal(r->bytes + 12, p->bytes + 16, 4); /* from whom it was for */
		assert_memory_equal(r->bytes + 16, p->bytes + 12, 4); /* to whom it came from */
		assert_int_equal(be16(r->bytes + 20), 0x0304);
		assert_int_equal(be16(r->bytes + 24), 0); /* RFC 1191: unused */
		assert_int_equal(be16(r->bytes + 26), 1400);
		assert_memory_equal(r->bytes + 28, p->bytes, quote);
		link_packet_free(r);
		link_packet_free(p);
	}
}

static void test_packet_too_big_quotes_the_packet(void **state)
{
	static const size_t payloads[] = {100, 1428};

	(void)state;
	for (size_t i = 0; i < COUNT(payloads); i++) {
		struct link_packet *p = tcp_packet(6, 7, ACK, payloads[i], false);
		struct link_packet *r = link_packet_too_big(p, 1280);
		const size_t quote = p->len < 1232 ? p->len : 1232; /* RFC 4443: 1280 in all */
		assert_non_null(r);
		assert_true(packet_is_sound(r));
		assert_int_equal(r->len, 48 + quote);
		assert_int_equal(r->bytes[6], 58);
		assert_memory_equal(r->bytes + 8, p->bytes + 24, 16);
		assert_memory_equal(r->bytes + 24, p->bytes + 8, 16);
		assert_int_equal(be16(r->bytes + 40), 0x0200);
		assert_int_equal(be32(r->bytes + 44), 1280);
		assert_memory_equal(r->bytes + 48, p->bytes, quote);
		link_packet_free(r);
		link_packet_free(p);
	}
}

static void test_too_big_super_segment_quotes_its_first_piece(void **state)
{
	struct link_packet *p = super_packet(4, 7, ACK, 20000, 1448), *r;

	(void)state;
	link_packet_measure(p);
	r = link_packet_too_big(p, 1000);
	assert_non_null(r);
	assert_true(packet_is_sound(r));
	assert_int_equal(be16(r->bytes + 28 + 2), 1448 + 32 + 20);
	assert_int_equal(plain_sum(0, r->bytes + 28, 20), 0xffff);
	link_packet_free(r);
	link_packet_free(p);
}

/* RFC 1122 3.2.2, RFC 4443 2.4 (e). */
static void test_no_icmp_about_what_must_not_get_one(void **state)
{
	struct link_packet *p[] = {
		tcp_packet(4, 7, ACK, 100, false), /* an ICMP error          */
		tcp_packet(6, 7, ACK, 100, false), /* an ICMP error          */
		tcp_packet(4, 7, ACK, 100, false), /* a later fragment       */
		tcp_packet(4, 7, ACK, 100, false), /* to a group             */
		tcp_packet(4, 7, ACK, 100, false), /* from nobody            */
		tcp_packet(6, 7, ACK, 100, false), /* to a group             */
		tcp_packet(6, 7, ACK, 100, false), /* from nobody            */
		tcp_packet(6, 7, ACK, 100, false), /* a later fragment       */
		tcp_packet(4, 7, ACK, 100, false), /* no IP                  */
	};

	(void)state;
	p[0]->bytes[9] = 1;
	p[0]->bytes[20] = 3;
	p[1]->bytes[6] = 58;
	p[1]->bytes[40] = 2;
	p[2]->bytes[7] = 1;
	p[3]->bytes[16] = 224;
	memset(p[4]->bytes + 12, 0, 4);
	p[5]->bytes[24] = 0xff;
	memset(p[6]->bytes + 8, 0, 16);
	p[7]->bytes[6] = 44;
	to_be16(p[7]->bytes + 42, 8);
	p[8]->bytes[0] = 0;
	for (size_t i = 0; i < COUNT(p); i++) {
		if (link_packet_too_big(p[i], 100))
			fail_msg("packet %zu got an answer", i);
		link_packet_free(p[i]);
	}
}

static void test_echo_that_does_not_fit_gets_its_answer(void **state)
{
	struct link_packet *p = udp_packet(4, 1400, false), *r;

	(void)state;
	p->bytes[9] = 1;
	p->bytes[20] = 8;
	r = link_packet_too_big(p, 1000);
	assert_non_null(r);
	link_packet_free(r);
	link_packet_free(p);
}

/* Every length and every first bytes, under a sanitizer: nothing is read behind the end. */
static void test_no_packet_is_too_odd(void **state)
{
	uint8_t b[96];
	uint32_t x = 1;

	(void)state;
	for (unsigned round = 0; round < 200000; round++) {
		size_t start;
		for (size_t i = 0; i < sizeof b; i++) {
			x = x * 1664525u + 1013904223u;
			b[i] = (uint8_t)(x >> 24);
		}
		const size_t len = 1 + x % sizeof b;
		b[0] = (uint8_t)(round % 2 ? 0x60 : 0x45 + (round / 2) % 3);
		if (round % 5 != 0 && len > 20) { /* lengths that fit, headers that chain */
			static const uint8_t next[] = {0, 6, 17, 43, 44, 58, 60, 1};
			to_be16(b + 2, (uint32_t)len);
			if (round % 2)
				to_be16(b + 4, len < 40 ? 0 : (uint32_t)len - 40);
			b[round % 2 ? 6 : 9] = next[x % 8];
			if (len > 42)
				b[40] = next[x / 8 % 8];
			b[41] = (uint8_t)(x % 3);
		}
		struct link_packet *p = link_packet_new(b, len);
		p->gso_size = (uint16_t)(x % 40);
		p->checksum_partial = x & 1;
		p->csum_start = (uint16_t)(x >> 8 & 127);
		p->csum_offset = (uint16_t)(x >> 16 & 31);
		link_packet_measure(p);
		for (uint32_t i = 0; p->gso_size && i < p->wire_packets; i++)
			link_packet_free(link_packet_cut(p, i));
		if (!p->gso_size)
			link_packet_finish(p);
		const size_t payload = link_packet_payload(p, &start);
		if (payload && !p->gso_size)
			link_packet_flip_repaired(p, x % (payload * 8));
		link_packet_free(link_packet_too_big(p, 68));
		link_packet_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_partial_checksum_is_finished),
		cmocka_unit_test(test_finishing_leaves_a_complete_packet_alone),
		cmocka_unit_test(test_udp_checksum_is_never_sent_as_zero),
		cmocka_unit_test(test_partial_checksum_outside_the_packet_is_not_believed),
		cmocka_unit_test(test_super_segment_is_cut_into_sound_pieces),
		cmocka_unit_test(test_cwr_stays_on_all_pieces_unless_it_is_ecn),
		cmocka_unit_test(test_false_super_segments_are_carried_whole),
		cmocka_unit_test(test_each_flipped_bit_is_seen_by_a_checksum),
		cmocka_unit_test(test_repaired_flip_leaves_a_sound_packet_with_other_payload),
		cmocka_unit_test(test_what_has_no_payload_or_checksum_has_nothing_to_repair),
		cmocka_unit_test(test_fragmentation_needed_quotes_the_packet),
		cmocka_unit_test(test_packet_too_big_quotes_the_packet),
		cmocka_unit_test(test_too_big_super_segment_quotes_its_first_piece),
		cmocka_unit_test(test_no_icmp_about_what_must_not_get_one),
		cmocka_unit_test(test_echo_that_does_not_fit_gets_its_answer),
		cmocka_unit_test(test_no_packet_is_too_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
