/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stack_parts.c — the small parts of the stack by themselves: hashing, checksum, rings, the memory account,
 * the wire format, the demultiplexing table, the RTT estimator, the growth of the window. What they do together is
 * in the other tests.
 */
#include <stdlib.h>
#include <string.h>

#include "stack/bytes.h"
#include "stack/checksum.h"
#include "stack/ring.h"
#include "stack/siphash.h"
#include "stack/stack_internal.h"
#include "stack/tcp_cc.h"
#include "stack/tcp_demux.h"
#include "stack/tcp_rtt.h"
#include "stack/tcp_segment.h"

static struct stack *make_stack(size_t memory_limit)
{
	struct stack_config cfg;

	stack_config_default(&cfg);
	cfg.addr[0] = ip_addr_v4(10, 0, 0, 2);
	cfg.addr_count = 1;
	cfg.memory_limit = memory_limit;
	struct stack *s = stack_create(&cfg);
	assert_non_null(s);
	return s;
}

/* ------------------------------------------------------------------ siphash.c */

/* The reference vectors of the SipHash paper: key 00 01 … 0f, input 00 01 … */
static void test_siphash_reference_vectors(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} vector[] = {{0, 0x726fdb47dd0e0e31},
		      {1, 0x74f839c593dc67fd},
		      {7, 0xab0200f58b01d137},
		      {8, 0x93f5f5799a932462},
		      {15, 0xa129ca6149be45e5}};
	uint8_t key[16], in[16];

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		key[i] = in[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof vector / sizeof vector[0]; i++)
		assert_true(siphash24(key, in, vector[i].len) == vector[i].hash);
}

/* ------------------------------------------------------------------ checksum.c */

/* RFC 1071 section 4.1, as plainly as it is written there. */
static uint16_t checksum_by_the_rfc(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += get_be16(p + i);
	if (len % 2)
		sum += (uint32_t)p[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void test_checksum_example_of_rfc_1071(void **state)
{
	static const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

	(void)state;
	assert_int_equal(checksum_fold(checksum_add(0, bytes, sizeof bytes)), 0xddf2);
}

static void test_checksum_of_every_length_and_alignment(void **state)
{
	uint8_t bytes[256];

	(void)state;
	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 167 + 13);
	for (size_t at = 0; at < 9; at++)
		for (size_t len = 0; len + at <= sizeof bytes; len++)
			assert_int_equal(checksum_fold(checksum_add(0, bytes + at, len)),
					 checksum_by_the_rfc(bytes + at, len));
}

static void test_checksum_in_pieces_of_odd_length(void **state)
{
	uint8_t bytes[101];

	(void)state;
	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(255 - i);
	for (size_t cut = 0; cut <= sizeof bytes; cut++) {
		uint64_t sum = checksum_add(0, bytes, cut);
		sum = cut % 2 ? checksum_add_odd(sum, bytes + cut, sizeof bytes - cut)
			      : checksum_add(sum, bytes + cut, sizeof bytes - cut);
		assert_int_equal(checksum_fold(sum), checksum_by_the_rfc(bytes, sizeof bytes));
	}
}

static void test_checksum_carries_are_not_lost(void **state)
{
	static uint8_t ones[65536];

	(void)state;
	memset(ones, 0xff, sizeof ones);
	assert_int_equal(checksum_fold(checksum_add(0, ones, sizeof ones)), 0xffff);
	assert_int_equal(checksum_fold(checksum_add(UINT64_MAX, ones, 8)), 0xffff);
}

/* ------------------------------------------------------------------ ring.c, memory.c */

static void test_ring_keeps_bytes_over_growth_and_wrap(void **state)
{
	struct stack *s = make_stack(1 << 20);
	struct ring r = {0};
	uint8_t next_in = 0, next_out = 0;

	(void)state;
	/* Unequal steps walk the head around the ring while it grows underneath. */
	for (unsigned round = 0; round < 2000; round++) {
		const uint32_t put = 1 + round * 7 % 97, take = 1 + round * 5 % 89;
		assert_true(ring_grow(s, &r, r.len + put, r.len, 1 << 16));
		for (uint32_t i = 0; i < put; i++) {
			ring_write(&r, r.len + i, &next_in, 1);
			next_in++;
		}
		r.len += put;
		for (uint32_t i = 0; i < take && r.len > 0; i++) {
			struct slice one[2];
			assert_int_equal(ring_slices(&r, 0, 1, one), 1);
			assert_int_equal(one[0].data[0], next_out);
			next_out++;
			ring_consume(&r, 1);
		}
	}
	assert_true(r.len > BUFFER_MIN); /* so it has grown, and wrapped meanwhile */
	ring_release(s, &r);
	assert_int_equal(s->memory, 0);
	stack_destroy(s);
}

static void test_ring_growth_keeps_what_lies_beyond_a_gap(void **state)
{
	struct stack *s = make_stack(1 << 20);
	struct ring r = {0};
	struct slice out[2];

	(void)state;
	assert_true(ring_grow(s, &r, 100, 0, 1 << 16));
	ring_write(&r, 50, (const uint8_t *)"beyond", 6);
	assert_true(ring_grow(s, &r, BUFFER_MIN + 1, 56, 1 << 16));
	assert_int_equal(ring_slices(&r, 50, 6, out), 1);
	assert_memory_equal(out[0].data, "beyond", 6);
	ring_release(s, &r);
	stack_destroy(s);
}

static void test_ring_respects_its_maximum_and_the_account(void **state)
{
	struct stack *s = make_stack(70 << 10); /* a sixteenth of which no ring gets */
	struct ring a = {0}, b = {0};

	(void)state;
	assert_false(ring_grow(s, &a, (1 << 16) + 1, 0, 1 << 16));
	assert_true(ring_grow(s, &a, 32 << 10, 0, 1 << 16));
	assert_int_equal(s->memory, 32 << 10);
	assert_false(ring_grow(s, &b, (32 << 10) + 1, 0, 1 << 16));
	assert_true(ring_grow(s, &b, 32 << 10, 0, 1 << 16));
	assert_int_equal(s->memory, 64 << 10);
	assert_null(buffer_get(s, BUFFER_MIN));
	void *control = account_alloc(s, 3 << 10); /* what is small and vital still gets in */
	assert_non_null(control);
	assert_null(account_alloc(s, 3 << 10));
	account_free(s, control, 3 << 10);
	ring_release(s, &a);
	ring_release(s, &b);
	assert_int_equal(s->memory, 0);
	stack_destroy(s);
}

static void test_freed_buffers_are_used_again_and_cost_nothing(void **state)
{
	struct stack *s = make_stack(1 << 20);
	uint8_t *first = buffer_get(s, 8192);

	(void)state;
	buffer_put(s, first, 8192);
	assert_int_equal(s->memory, 0);
	assert_int_equal(s->buffers_cached, 8192);
	assert_ptr_equal(buffer_get(s, 8192), first);
	assert_int_equal(s->buffers_cached, 0);
	buffer_put(s, first, 8192);
	stack_destroy(s);
}

/* ------------------------------------------------------------------ tcp_segment.c */

static void test_segment_written_is_the_segment_parsed(void **state)
{
	(void)state;
	for (unsigned options = 0; options < 8; options++) {
		const struct tcp_segment in = {.src_port = 4321,
					       .dst_port = 443,
					       .seq = 0xfedcba98,
					       .ack = 0x01234567,
					       .wnd = 0xabcd,
					       .flags = TCP_SYN | TCP_ACK,
					       .opt = {.has_mss = options & 1,
						       .has_timestamp = options & 2,
						       .has_wscale = options & 4,
						       .mss = 1460,
						       .wscale = 7,
						       .ts_val = 0xdeadbeef,
						       .ts_ecr = 0x0badcafe}};
		struct tcp_segment out = {0};
		uint8_t bytes[TCP_HEADER_MAX];
		const size_t len = tcp_segment_write(bytes, &in);
		assert_int_equal(len % 4, 0);
		assert_true(tcp_segment_parse(&out, bytes, len));
		assert_int_equal(out.src_port, in.src_port);
		assert_int_equal(out.dst_port, in.dst_port);
		assert_int_equal(out.seq, in.seq);
		assert_int_equal(out.ack, in.ack);
		assert_int_equal(out.wnd, in.wnd);
		assert_int_equal(out.flags, in.flags);
		assert_int_equal(out.len, 0);
		assert_int_equal(out.opt.has_mss, in.opt.has_mss);
		assert_int_equal(out.opt.mss, in.opt.has_mss ? in.opt.mss : 0);
		assert_int_equal(out.opt.has_wscale, in.opt.has_wscale);
		assert_int_equal(out.opt.wscale, in.opt.has_wscale ? in.opt.wscale : 0);
		assert_int_equal(out.opt.has_timestamp, in.opt.has_timestamp);
		assert_int_equal(out.opt.ts_val, in.opt.has_timestamp ? in.opt.ts_val : 0);
		assert_int_equal(out.opt.ts_ecr, in.opt.has_timestamp ? in.opt.ts_ecr : 0);
	}
}

static void test_segment_of_every_data_offset_and_length(void **state)
{
	uint8_t bytes[80] = {0};
	struct tcp_segment seg;

	(void)state;
	for (unsigned offset = 0; offset < 16; offset++) {
		bytes[12] = (uint8_t)(offset << 4);
		for (size_t len = 0; len <= sizeof bytes; len++) {
			const bool fits = len >= 20 && offset >= 5 && offset * 4 <= len;
			assert_int_equal(tcp_segment_parse(&seg, bytes, len), fits);
			if (fits)
				assert_int_equal(seg.len, len - offset * 4);
		}
	}
}

/* ------------------------------------------------------------------ tcp_demux.c */

static struct tcp_tuple tuple_of(unsigned i)
{
	const struct ip_endpoint local = {ip_addr_v4(10, 0, 0, 2), 80};
	const struct ip_endpoint remote = {ip_addr_v4(10, 1, (uint8_t)(i >> 8), (uint8_t)i),
					   (uint16_t)(1000 + i)};
	struct tcp_tuple t;

	tcp_tuple_of_endpoints(&t, &local, &remote);
	return t;
}

static void test_table_finds_each_of_many_and_forgets_what_is_removed(void **state)
{
	enum {
		COUNT = 5000
	}; /* more than the first table has buckets: it grows */
	struct stack *s = make_stack(1 << 20);
	struct tcp_node *node = calloc(COUNT, sizeof *node);

	(void)state;
	assert_non_null(node);
	for (unsigned i = 0; i < COUNT; i++) {
		node[i].tuple = tuple_of(i);
		assert_null(tcp_table_find(s, &node[i].tuple));
		tcp_table_insert(s, &node[i]);
	}
	assert_true(s->table.mask + 1 >= COUNT);
	for (unsigned i = 0; i < COUNT; i++)
		assert_ptr_equal(tcp_table_find(s, &node[i].tuple), &node[i]);
	for (unsigned i = 0; i < COUNT; i += 2)
		tcp_table_remove(s, &node[i]);
	for (unsigned i = 0; i < COUNT; i++)
		assert_ptr_equal(tcp_table_find(s, &node[i].tuple), i % 2 ? &node[i] : NULL);
	for (unsigned i = 1; i < COUNT; i += 2)
		tcp_table_remove(s, &node[i]);
	assert_int_equal(s->table.count, 0);
	free(node);
	stack_destroy(s);
}

static void test_tuple_tells_every_field_apart(void **state)
{
	struct stack *s = make_stack(1 << 20);
	struct tcp_node node = {.tuple = tuple_of(1)};

	(void)state;
	tcp_table_insert(s, &node);
	struct tcp_tuple t = node.tuple;
	t.local[3] ^= 1;
	assert_null(tcp_table_find(s, &t));
	t = node.tuple;
	t.remote[0] ^= 1;
	assert_null(tcp_table_find(s, &t));
	t = node.tuple;
	t.local_port ^= 1;
	assert_null(tcp_table_find(s, &t));
	t = node.tuple;
	t.remote_port ^= 1;
	assert_null(tcp_table_find(s, &t));
	t = node.tuple;
	t.version = 6;
	assert_null(tcp_table_find(s, &t));
	tcp_table_remove(s, &node);
	stack_destroy(s);
}

/* ------------------------------------------------------------------ tcp_rtt.c, cc_newreno.c */

static void test_rtt_follows_rfc_6298(void **state)
{
	struct tcp_conn c = {.min_rtt_us = UINT64_MAX, .rto_us = TCP_RTO_INITIAL_US};

	(void)state;
	tcp_rtt_sample(&c, 400000); /* 2.2: SRTT = R, RTTVAR = R/2 */
	assert_int_equal(c.srtt_us, 400000);
	assert_int_equal(c.rttvar_us, 200000);
	assert_int_equal(c.rto_us, 400000 + 4 * 200000);
	tcp_rtt_sample(
		&c, 800000); /* 2.3: RTTVAR = 3/4 * 200 + 1/4 * 400, SRTT = 7/8 * 400 + 1/8 * 800 */
	assert_int_equal(c.rttvar_us, 250000);
	assert_int_equal(c.srtt_us, 450000);
	assert_int_equal(c.min_rtt_us, 400000);
	c.backoff = 2;
	assert_int_equal(tcp_rtt_timeout(&c), 4 * c.rto_us);
	c.backoff = 255;
	assert_int_equal(tcp_rtt_timeout(&c), TCP_RTO_MAX_US);
	for (unsigned i = 0; i < 100; i++)
		tcp_rtt_sample(&c, 0); /* a clock that does not move */
	assert_true(c.srtt_us > 0 && c.rto_us >= TCP_RTO_MIN_US);
	tcp_rtt_sample(&c, UINT64_MAX / 16);
	assert_int_equal(c.rto_us, TCP_RTO_MAX_US);
}

static void test_newreno_doubles_then_adds_one_segment_a_window(void **state)
{
	struct tcp_cc cc = {.mss = 1000, .cwnd = 10000, .ssthresh = 16000};
	struct tcp_cc_ack ack = {.bytes = 4000};

	(void)state;
	tcp_cc_newreno.acked(&cc, &ack);
	assert_int_equal(cc.cwnd, 14000); /* slow start: by what was acknowledged */
	tcp_cc_newreno.acked(&cc, &ack);
	assert_int_equal(cc.cwnd, 16000); /* but not beyond ssthresh */
	for (unsigned i = 0; i < 4; i++)
		tcp_cc_newreno.acked(&cc, &ack);
	assert_int_equal(cc.cwnd, 17000); /* avoidance: one segment for 16,000 bytes */
	/* A thousand ACKs of a byte each are a thousand bytes, not a thousand segments (RFC 3465). */
	ack.bytes = 1;
	for (unsigned i = 0; i < 1000; i++)
		tcp_cc_newreno.acked(&cc, &ack);
	assert_int_equal(cc.cwnd, 17000);
	assert_int_equal(tcp_cc_newreno.loss(&cc, 17000, 0), 8500);
	assert_int_equal(tcp_cc_newreno.loss(&cc, 100, 0), 2000); /* at least two segments */
	assert_int_equal(tcp_cc_initial_window(1460), 14600);
	assert_int_equal(tcp_cc_initial_window(536), 5360);
	assert_int_equal(tcp_cc_initial_window(9000), 18000);
}

/* ------------------------------------------------------------------ addresses as text */

static void test_ipv6_text_follows_rfc_5952(void **state)
{
	static const struct {
		uint16_t group[8];
		const char *text;
	} row[] = {{{0, 0, 0, 0, 0, 0, 0, 0}, "::"},
		   {{0, 0, 0, 0, 0, 0, 0, 1}, "::1"},
		   {{0x2001, 0xdb8, 0, 0, 0, 0, 0, 1}, "2001:db8::1"},
		   {{0x2001, 0xdb8, 0, 1, 1, 1, 1, 1}, "2001:db8:0:1:1:1:1:1"},
		   {{0x2001, 0, 0, 1, 0, 0, 0, 1}, "2001:0:0:1::1"},
		   {{0x2001, 0xdb8, 0, 0, 1, 0, 0, 1}, "2001:db8::1:0:0:1"},
		   {{0xfe80, 0, 0, 0, 0, 0, 0, 0}, "fe80::"}};
	char text[IP_ADDR_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct ip_addr a = {.version = 6};
		for (unsigned g = 0; g < 8; g++)
			put_be16(a.bytes + 2 * (size_t)g, row[i].group[g]);
		assert_string_equal(ip_addr_text(&a, text), row[i].text);
	}
	const struct ip_addr v4 = ip_addr_v4(255, 255, 255, 255);
	assert_string_equal(ip_addr_text(&v4, text), "255.255.255.255");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash_reference_vectors),
		cmocka_unit_test(test_checksum_example_of_rfc_1071),
		cmocka_unit_test(test_checksum_of_every_length_and_alignment),
		cmocka_unit_test(test_checksum_in_pieces_of_odd_length),
		cmocka_unit_test(test_checksum_carries_are_not_lost),
		cmocka_unit_test(test_ring_keeps_bytes_over_growth_and_wrap),
		cmocka_unit_test(test_ring_growth_keeps_what_lies_beyond_a_gap),
		cmocka_unit_test(test_ring_respects_its_maximum_and_the_account),
		cmocka_unit_test(test_freed_buffers_are_used_again_and_cost_nothing),
		cmocka_unit_test(test_segment_written_is_the_segment_parsed),
		cmocka_unit_test(test_segment_of_every_data_offset_and_length),
		cmocka_unit_test(test_table_finds_each_of_many_and_forgets_what_is_removed),
		cmocka_unit_test(test_tuple_tells_every_field_apart),
		cmocka_unit_test(test_rtt_follows_rfc_6298),
		cmocka_unit_test(test_newreno_doubles_then_adds_one_segment_a_window),
		cmocka_unit_test(test_ipv6_text_follows_rfc_5952),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
