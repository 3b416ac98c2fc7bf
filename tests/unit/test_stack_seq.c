/* SPDX-License-Identifier: Apache-2.0 */
/* The small modules below TCP: sequence arithmetic, byte order, checksum, SipHash, text of
 * addresses. */
#include <string.h>

#include "stack/bytes.h"
#include "stack/checksum.h"
#include "stack/seq.h"
#include "stack/siphash.h"
#include "tests/unit/wire.h"

static const uint32_t points[] = {0,          1,          2,           0x7ffffffe, 0x7fffffff,
				  0x80000000, 0x80000001, 0xfffffc18u, 0xfffffffe, 0xffffffffu};

#define POINTS (sizeof points / sizeof points[0])

static void test_order_is_modulo_two_to_the_32(void **state)
{
	static const uint32_t ahead[] = {1, 2, 1000, 65535, 1 << 20, 0x7fffffff};
	(void)state;

	for (size_t i = 0; i < POINTS; i++) {
		const uint32_t a = points[i];
		assert_true(seq_leq(a, a) && seq_geq(a, a));
		assert_false(seq_lt(a, a) || seq_gt(a, a));
		for (size_t j = 0; j < sizeof ahead / sizeof ahead[0]; j++) {
			const uint32_t b = a + ahead[j];
			assert_true(seq_lt(a, b) && seq_leq(a, b) && seq_gt(b, a) && seq_geq(b, a));
			assert_false(seq_gt(a, b) || seq_geq(a, b) || seq_lt(b, a) ||
				     seq_leq(b, a));
			assert_int_equal(seq_diff(b, a), ahead[j]);
			assert_int_equal(seq_diff(a, b), -(int64_t)ahead[j]);
			assert_int_equal(seq_max(a, b), b);
			assert_int_equal(seq_min(a, b), a);
		}
	}
}

static void test_window_has_its_left_edge_and_not_its_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < POINTS; i++) {
		const uint32_t a = points[i];
		assert_false(seq_in_window(a - 1, a, 10));
		assert_true(seq_in_window(a, a, 10));
		assert_true(seq_in_window(a + 9, a, 10));
		assert_false(seq_in_window(a + 10, a, 10));
		assert_false(seq_in_window(a, a, 0));
		assert_true(seq_in_window(a + 0x3fffffff, a, 0x40000000));
	}
}

static void test_byte_order(void **state)
{
	uint8_t b[6] = {0};
	(void)state;

	put_be32(b + 1, 0x12345678); /* at an odd address */
	assert_memory_equal(b, "\0\x12\x34\x56\x78\0", 6);
	assert_int_equal(get_be32(b + 1), 0x12345678);
	put_be16(b + 3, 0xfedc);
	assert_memory_equal(b, "\0\x12\x34\xfe\xdc\0", 6);
	assert_int_equal(get_be16(b + 3), 0xfedc);
}

static void fill(uint8_t *data, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
}

/* Against RFC 1071's plain loop: every length, and every alignment that SIMD or words could care
 * for. */
static void test_checksum_of_every_length(void **state)
{
	uint8_t data[600 + 16];
	(void)state;

	fill(data, sizeof data, 1);
	for (size_t at = 0; at < 16; at++)
		for (size_t len = 0; len <= 600; len++)
			assert_int_equal((uint16_t)~checksum_fold(checksum_add(0, data + at, len)),
					 wire_checksum(data + at, len, 0));
}

static void test_checksum_of_extreme_bytes(void **state)
{
	static uint8_t ones[65536], zeros[65536];
	(void)state;

	memset(ones, 0xff, sizeof ones);
	for (size_t len = 0; len < 65536; len += 509) {
		assert_int_equal((uint16_t)~checksum_fold(checksum_add(0, ones, len)),
				 wire_checksum(ones, len, 0));
		assert_int_equal(checksum_fold(checksum_add(0, zeros, len)), 0);
	}
}

static void test_checksum_in_pieces(void **state)
{
	uint8_t data[101];
	(void)state;

	fill(data, sizeof data, 2);
	for (size_t cut = 0; cut <= sizeof data; cut++) {
		uint64_t sum = checksum_add(0, data, cut);
		sum = cut % 2 ? checksum_add_odd(sum, data + cut, sizeof data - cut)
			      : checksum_add(sum, data + cut, sizeof data - cut);
		assert_int_equal((uint16_t)~checksum_fold(sum),
				 wire_checksum(data, sizeof data, 0));
	}
}

/* RFC 1071 3: the example. */
static void test_checksum_example(void **state)
{
	static const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	(void)state;

	assert_int_equal(checksum_fold(checksum_add(0, data, sizeof data)), 0xddf2);
}

/* The vectors of the paper's appendix A and of the authors' reference program. */
static void test_siphash_vectors(void **state)
{
	static const uint64_t expected[] = {0x726fdb47dd0e0e31u, 0x74f839c593dc67fdu,
					    0x0d6c8009d9a94f5au, 0x85676696d7fb7e2du};
	uint8_t key[16], in[16];
	(void)state;

	for (uint8_t i = 0; i < 16; i++)
		key[i] = in[i] = i;
	for (size_t len = 0; len < 4; len++)
		assert_true(siphash24(key, in, len) == expected[len]);
	assert_true(siphash24(key, in, 15) == 0xa129ca6149be45e5u);
}

static void test_address_text(void **state)
{
	static const struct {
		uint8_t bytes[16];
		const char *text;
	} v6[] = {
		{{0}, "::"},
		{{[15] = 1}, "::1"},
		{{0x20, 0x01, 0x0d, 0xb8, [15] = 1}, "2001:db8::1"},
		{{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1},
		 "2001:db8:0:1::1"}, /* the longest run */
		{{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1},
		 "2001:db8:0:1:1:1:1:1"}, /* RFC 5952 4.2.2: one group is not shortened */
		{{0x20, 0x01, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1},
		 "2001::1:0:0:1:1"}, /* 4.2.3: of two equal runs the first */
		{{0xfe, 0x80, [8] = 0xab, 0xcd}, "fe80::abcd:0:0:0"},
		{{0x20, 0x01, 0x0d, 0xb8, 0x12, 0x34}, "2001:db8:1234::"},
	};
	char text[IP_ADDR_TEXT_SIZE];
	struct ip_addr a = ip_addr_v4(192, 0, 2, 255);
	(void)state;

	assert_string_equal(ip_addr_text(&a, text), "192.0.2.255");
	a = (struct ip_addr){0};
	assert_string_equal(ip_addr_text(&a, text), "*"); /* any address */
	for (size_t i = 0; i < sizeof v6 / sizeof v6[0]; i++) {
		a.version = 6;
		memcpy(a.bytes, v6[i].bytes, 16);
		assert_string_equal(ip_addr_text(&a, text), v6[i].text);
	}
	memset(a.bytes, 0xff, 16);
	assert_string_equal(ip_addr_text(&a, text), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void test_address_equality(void **state)
{
	struct ip_addr a = ip_addr_v4(10, 0, 0, 1), b = a;
	(void)state;

	assert_true(ip_addr_equal(&a, &b));
	b.bytes[3] = 2;
	assert_false(ip_addr_equal(&a, &b));
	b = a;
	b.version = 6;
	assert_false(ip_addr_equal(&a, &b));
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(tcp_state_name(TCP_ESTABLISHED), "ESTABLISHED");
	assert_string_equal(tcp_state_name(TCP_TIME_WAIT), "TIME-WAIT");
	assert_string_equal(tcp_state_name(TCP_SYN_RECEIVED), "SYN-RECEIVED");
	assert_non_null(tcp_state_name((enum tcp_state)TCP_STATE_COUNT));
	assert_string_equal(tcp_close_reason_text(TCP_CLOSE_RESET), "reset by peer");
	assert_non_null(tcp_close_reason_text((enum tcp_close_reason)99));
}

/* RFC 6528: per tuple another offset, per tuple monotone, none of it without the key. */
static void test_initial_sequence_numbers(void **state)
{
	static uint32_t seen[2000];
	unsigned buckets[16] = {0};
	struct wire *w = *state;
	uint32_t first = 0;

	w->cfg.fixed_isn = false;
	wire_restart(w);
	w->quiet = true;
	wire_listen(w, WIRE_PORT, 16);
	for (uint16_t i = 0; i < 2000; i++) {
		const char *what = NULL;
		struct seg g;
		w->rport = (uint16_t)(1024 + i);
		inject(w, "* S 0:0(0) win 65535");
		struct wire_packet *p = wire_take(w);
		check(w, p && wire_decode(p->bytes, p->len, &g, &what));
		test_free(p);
		seen[i] = g.seq;
		buckets[g.seq >> 28]++;
		for (uint16_t j = 0; j < i; j++)
			check(w, seen[j] != g.seq && g.seq - seen[j] > 16);
		if (i == 0)
			first = g.seq;
	}
	/* Chi-square with 15 degrees of freedom: 37.7 is exceeded once in a thousand; the seed
	 * is fixed. */
	double chi = 0;
	for (unsigned i = 0; i < 16; i++)
		chi += ((double)buckets[i] - 125) * ((double)buckets[i] - 125) / 125;
	check(w, chi < 37.7);
	/* The same tuple a second later: 250,000 further. */
	w->rport = 1024;
	inject(w, "* R 1:1(0)");
	inject(w, "+1 S 5000:5000(0) win 65535");
	struct wire_packet *p = NULL;
	const char *what = NULL;
	struct seg g = {0};
	while ((p = wire_take(w)) != NULL) {
		check(w, wire_decode(p->bytes, p->len, &g, &what));
		test_free(p);
	}
	check_equal(w, g.dport, 1024);
	check(w, g.seq - first >= 240000 && g.seq - first <= 260000);
}

static void test_seed_decides_initial_sequence_numbers(void **state)
{
	struct wire *w = *state;
	uint32_t isn[3];

	w->cfg.fixed_isn = false;
	for (unsigned i = 0; i < 3; i++) {
		const char *what = NULL;
		struct seg g;
		w->cfg.seed[31] = i == 2 ? 1 : 0;
		wire_restart(w);
		w->now_us = w->start_us + 500 * UINT64_C(1000000);
		wire_listen(w, WIRE_PORT, 16);
		inject(w, "* S 0:0(0) win 65535");
		struct wire_packet *p = wire_take(w);
		check(w, p && wire_decode(p->bytes, p->len, &g, &what));
		test_free(p);
		isn[i] = g.seq;
		inject(w, "* R 1:1(0)");
	}
	check_equal(w, isn[0], isn[1]); /* the same calls, the same bytes */
	check(w, isn[0] != isn[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_is_modulo_two_to_the_32),
		cmocka_unit_test(test_window_has_its_left_edge_and_not_its_right),
		cmocka_unit_test(test_byte_order),
		cmocka_unit_test(test_checksum_of_every_length),
		cmocka_unit_test(test_checksum_of_extreme_bytes),
		cmocka_unit_test(test_checksum_in_pieces),
		cmocka_unit_test(test_checksum_example),
		cmocka_unit_test(test_siphash_vectors),
		cmocka_unit_test(test_address_text),
		cmocka_unit_test(test_address_equality),
		cmocka_unit_test(test_names),
		WIRE_TEST_ONCE(test_initial_sequence_numbers),
		WIRE_TEST_ONCE(test_seed_decides_initial_sequence_numbers),
	};

	return cmocka_run_group_tests_name("stack: arithmetic and keys", tests, NULL, NULL);
}
