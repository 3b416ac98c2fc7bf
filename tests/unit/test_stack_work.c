/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much work a packet can make. The stack that is linked here calls __sanitizer_cov_trace_pc at the
 * beginning of each of its basic blocks (see tests.mk), which counts them: the same number on every
 * machine, whatever else that does. So an attacker's most expensive packet has a price with an upper
 * limit, and a peer that asks for tiny segments cannot make a byte cost what it likes.
 *
 * The limits are a few times what gcc 12 and clang 14 make of the code; what they have to notice is work
 * that grows with what an attacker has sent before.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1460,sackOK,wscale 7>"

static uint64_t blocks;

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	blocks++;
}

static uint8_t packet[WIRE_PACKET_MAX], packet_v6[WIRE_PACKET_MAX + 20];

/* Work of stack_input with this segment, and of what the stack sends because of it. */
static uint64_t work_of(struct wire *w, const struct seg *g)
{
	struct packet_out out;
	const uint8_t *p = packet;
	size_t len = wire_build(w, g, packet);

	if (w->version == 6) {
		len = wire_to_v6(packet, len, packet_v6);
		p = packet_v6;
	}
	const uint64_t before = blocks;
	stack_input(w->s, w->now_us, p, len, (struct packet_meta){.checksum_trusted = true});
	stack_advance(w->s, w->now_us);
	const uint64_t input = blocks - before;
	/* Each packet that is sent is paid for by its length; what must not grow is the price of one. */
	uint64_t dearest = 0;
	for (;;) {
		const uint64_t mark = blocks;
		const size_t sent = stack_output(w->s, w->now_us, &out);
		if (blocks - mark > dearest)
			dearest = blocks - mark;
		if (sent == 0)
			break;
	}
	check(w, blocks > before);
	return input + dearest;
}

struct price {
	uint64_t most, sum;
	unsigned count;
};

static void add(struct price *p, uint64_t work)
{
	p->sum += work;
	p->count++;
	if (work > p->most)
		p->most = work;
}

static void expect_price(struct wire *w, const struct price *p, uint64_t most, uint64_t mean,
			 const char *what)
{
	if (p->most > most || p->sum / p->count > mean)
		wire_fail(w, __FILE__, __LINE__,
			  "%s: %llu basic blocks at most and %llu on average; the limits are %llu "
			  "and "
			  "%llu",
			  what, (unsigned long long)p->most,
			  (unsigned long long)(p->sum / p->count), (unsigned long long)most,
			  (unsigned long long)mean);
}

static void put32(uint8_t *p, uint32_t x)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(x >> (24 - 8 * i));
}

/* ------------------------------------------------------------------ SACK */

#define FLIGHT 700u /* segments */
#define MSS 1460u

/* A connection with a megabyte in flight: the window is opened by honest ACKs first. */
static void fill_the_path(struct wire *w)
{
	static const uint8_t data[65536];

	w->quiet = true;
	w->any_payload = w->any_window = true;
	w->cfg.send_buffer_max = 4u << 20;
	wire_restart(w);
	wire_establish(w, "win 65535 <mss 1460,sackOK,wscale 10>");
	for (unsigned round = 0; round < 200; round++) {
		while (tcp_send_all(w->c, data, sizeof data, false) > 0)
			;
		advance_us(w, 1000);
		drain(w);
		const struct tcp_info info = wire_info(w);
		if (info.snd_nxt - info.snd_una >= FLIGHT * MSS)
			return;
		struct seg ack = wire_seg(w, ". 1:1(0) ack 1 win 65535");
		ack.ack = info.snd_nxt;
		wire_inject_seg(w, &ack);
		drain(w);
	}
	check(w, false);
}

static struct seg ack_with_blocks(struct wire *w, unsigned count, const uint32_t start[4],
				  uint32_t len)
{
	struct seg g = wire_seg(w, ". 1:1(0) ack 1 win 65535");

	g.ack = wire_info(w).snd_una;
	g.opt[0] = g.opt[1] = 1;
	g.opt[2] = 5;
	g.opt[3] = (uint8_t)(2 + 8 * count);
	g.opt_len = 4 + 8 * count;
	for (unsigned i = 0; i < count; i++) {
		put32(g.opt + 4 + 8 * i, start[i]);
		put32(g.opt + 8 + 8 * i, start[i] + len);
	}
	return g;
}

enum pattern {
	UPWARDS,
	REVERSED,
	BOTH_ENDS,
	SCATTERED,
	OVERLAPPING,
	BEYOND,
	PATTERNS
};

static uint32_t place(enum pattern how, uint32_t n, uint32_t flight)
{
	const uint32_t step = 16, places = flight / step - 2;

	switch (how) {
	case UPWARDS:
		return n % places * step + 8;
	case REVERSED:
		return flight - (n % places + 1) * step;
	case BOTH_ENDS:
		return n % 2 ? n % places * step + 8 : flight - (n % places + 1) * step;
	case SCATTERED:
		return n * 2654435761u % places * step + 8;
	case OVERLAPPING:
		return n % (flight - 64) / 3;
	default:
		return flight + n * 16;
	}
}

/* SACK Panic and its kin (CVE-2019-11477, -11478, -5599): pieces of eight bytes, by the thousand. A
 * range costs a few basic blocks for each of four blocks; there are at most 2,048 ranges. */
static void test_sack_pieces_cost_a_bounded_amount(void **state)
{
	struct wire *w = *state;

	for (unsigned how = 0; how < PATTERNS; how++) {
		struct price p = {0};
		fill_the_path(w);
		for (uint32_t n = 0; n < 3000; n++) {
			const struct tcp_info info = wire_info(w);
			uint32_t start[4];
			for (unsigned i = 0; i < 4; i++)
				start[i] = info.snd_una + place((enum pattern)how, 4 * n + i,
								info.snd_nxt - info.snd_una);
			const struct seg g = ack_with_blocks(w, 4, start, 8);
			add(&p, work_of(w, &g));
			check(w, wire_info(w).memory < (6u << 20));
		}
		check(w, stack_check(w->s) == NULL);
		expect_price(w, &p, 96 * 1024, 64 * 1024, "an ACK with four SACK blocks");
	}
}

/* A receiver that takes back what it has reported, again and again (RFC 2018 8): the time-out forgets it all. */
static void test_reneging_costs_a_bounded_amount(void **state)
{
	struct wire *w = *state;
	struct price p = {0};

	fill_the_path(w);
	for (uint32_t n = 0; n < 2000; n++) {
		const struct tcp_info info = wire_info(w);
		const uint32_t flight = info.snd_nxt - info.snd_una;
		uint32_t start[4];
		if (flight < 64) {
			advance_us(w, 100000);
			drain(w);
			continue;
		}
		for (unsigned i = 0; i < 4; i++)
			start[i] = info.snd_una + 8 + (n * 7919 + i * 104729) % (flight - 32);
		const struct seg g = ack_with_blocks(w, 4, start, 16);
		add(&p, work_of(w, &g));
		if (n % 100 == 99) {
			advance_us(w, 2000000);
			drain(w);
		}
		if (wire_info(w).state == TCP_CLOSED)
			break;
	}
	check(w, counters(w)->tcp_timeouts > 0);
	expect_price(w, &p, 64 * 1024, 48 * 1024, "an ACK of a receiver that reneges");
}

/* ------------------------------------------------------------------ reassembly */

/* SegmentSmack (CVE-2018-5390): single bytes with gaps, at alternating ends of the window, scattered, and
 * backwards. There are at most 4,096 gaps. */
static void test_single_bytes_out_of_order_cost_a_bounded_amount(void **state)
{
	struct wire *w = *state;

	w->quiet = true;
	w->any_payload = true;
	for (unsigned how = 0; how < 4; how++) {
		struct price p = {0};
		wire_restart(w);
		wire_establish(w, SYN_WORDS);
		for (uint32_t n = 0; n < 20000; n++) {
			static const uint32_t top = 60000;
			const uint32_t at[] = {2 + 2 * n % top, top - 2 * n % top,
					       n % 2 ? 2 + n % top : top - n % top,
					       2 + n * 2654435761u % top};
			struct seg g = wire_seg(w, ". 1:1(0) ack 1");
			g.seq = w->irs + at[how];
			g.len = 1;
			add(&p, work_of(w, &g));
		}
		check(w, stack_check(w->s) == NULL);
		expect_price(w, &p, 6000, 4000, "a byte out of order");
	}
}

/* ------------------------------------------------------------------ many of everything */

static struct seg syn_from(struct wire *w, uint32_t n)
{
	struct seg g = wire_seg(w, "S 0:0(0) win 65535 <mss 1460,sackOK,wscale 7>");

	g.src = 0x0a010000u + n / 60000;
	g.sport = (uint16_t)(1024 + n % 60000);
	return g;
}

/* What a SYN costs does not depend on how many have come before: a full cache has the price of an empty one. */
static void test_syn_of_a_flood_costs_the_same_as_the_first(void **state)
{
	struct wire *w = *state;
	struct price first = {0}, last = {0};

	w->quiet = true;
	wire_listen(w, WIRE_PORT, 16);
	for (uint32_t n = 0; n < 100000; n++) {
		const struct seg g = syn_from(w, n);
		const uint64_t work = work_of(w, &g);
		if (n < 1000 || n >= 99000)
			add(n < 1000 ? &first : &last, work);
	}
	expect_price(w, &last, 3000, 2 * first.sum / first.count, "a SYN of a flood");
	expect_price(w, &first, 3000, 1500, "one of the first SYNs");
}

/* With thousands of idle connections beside it a segment costs what it costs alone. */
static void test_segment_costs_the_same_beside_many_connections(void **state)
{
	struct wire *w = *state;
	struct price alone = {0}, beside = {0};
	enum {
		CONNS = 5000
	};
	static struct tcp_conn *conn[CONNS];

	w->quiet = true;
	w->any_payload = true;
	wire_listen(w, WIRE_PORT, CONNS);
	for (unsigned i = 0; i < CONNS; i++) {
		struct seg g = syn_from(w, i);
		work_of(w, &g);
		g.flags = ACK;
		g.seq++;
		g.ack = w->iss + 1;
		g.opt_len = 0;
		work_of(w, &g);
		conn[i] = tcp_accept(w->listener);
		check(w, conn[i] != NULL);
		for (unsigned k = 0; k < 100 && (i == 0 || i == CONNS - 1); k++) {
			g.len = 100;
			add(i == 0 ? &alone : &beside, work_of(w, &g));
			g.seq += 100;
			tcp_recv_consume(conn[i], 100);
		}
	}
	for (unsigned i = 0; i < CONNS; i++)
		tcp_abort(conn[i]);
	advance_us(w, 0);
	drain(w);
	expect_price(w, &alone, 3000, 1500, "a segment of the only connection");
	expect_price(w, &beside, 3000, 2 * alone.sum / alone.count,
		     "a segment beside 5,000 connections");
}

/* ------------------------------------------------------------------ tiny segments */

/* CVE-2019-11479: with the smallest MSS that a peer can bring about, a packet costs what a full one costs,
 * and is not smaller than the floor allows. */
static void test_smallest_mss_costs_a_bounded_amount_per_byte(void **state)
{
	struct wire *w = *state;
	static const char *const words[] = {"* S 0:0(0) win 65535 <mss 1460>",
					    "* S 0:0(0) win 65535 <mss 1>",
					    "* S 0:0(0) win 65535 <mss 0,sackOK,TS val 1 ecr 0>"};
	static const uint8_t data[60000];
	uint64_t full = 0;

	w->quiet = true;
	w->any_payload = w->any_window = true;
	for (unsigned i = 0; i < 3; i++) {
		struct packet_out out;
		uint64_t work = 0;
		size_t bytes = 0, packets = 0;
		wire_listen(w, WIRE_PORT, 16);
		inject(w, words[i]);
		drain(w);
		inject(w, i == 2 ? "* . 1:1(0) ack 1 win 65535 <TS val 1 ecr 0>"
				 : "* . 1:1(0) ack 1 win 65535");
		wire_accept(w);
		check_equal(w, tcp_send_all(w->c, data, sizeof data, false), sizeof data);
		for (unsigned round = 0; round < 400 && bytes < sizeof data; round++) {
			const uint64_t before = blocks;
			while (stack_output(w->s, w->now_us, &out) > 0) {
				packets++;
				bytes += out.payload[0].len + out.payload[1].len;
			}
			work += blocks - before;
			const struct tcp_info info = wire_info(w);
			struct seg g = wire_seg(w, ". 1:1(0) ack 1 win 65535 <TS val 1 ecr 0>");
			g.opt_len = i == 2 ? g.opt_len : 0;
			g.ack = info.snd_nxt;
			work += work_of(w, &g); /* one ACK for all of them */
			packets = info.segs_out;
			bytes = info.bytes_out;
		}
		check(w, packets > 0);
		if (i == 0)
			full = work / packets;
		check(w, packets <= sizeof data / 36 + 100);
		if (work / packets > 2 * full)
			wire_fail(w, __FILE__, __LINE__,
				  "a small segment costs %llu, a full one %llu",
				  (unsigned long long)(work / packets), (unsigned long long)full);
		wire_restart(w);
	}
}

/* ------------------------------------------------------------------ junk */

/* Whatever the bytes are, an IP packet of 1,500 bytes costs no more than the checksum of it and a few
 * hundred blocks. */
static void test_junk_costs_a_bounded_amount(void **state)
{
	struct wire *w = *state;
	struct price p = {0};
	uint32_t seed = 1;

	w->quiet = true;
	wire_establish(w, SYN_WORDS);
	for (unsigned i = 0; i < 20000; i++) {
		const struct seg g = wire_seg(w, ". 1:1(0) ack 1");
		const size_t len = 60 + seed % 1440;
		for (size_t k = 0; k < len; k++) {
			seed = seed * 1664525 + 1013904223;
			packet[k] = packet_v6[k] = (uint8_t)(seed >> 24);
		}
		if (i % 2)
			wire_build(w, &g, packet); /* the headers, at least, are good */
		packet[0] = 0x45;
		packet[2] = (uint8_t)(len >> 8);
		packet[3] = (uint8_t)len;
		wire_fix_checksums(packet, 20);
		const size_t total = w->version == 6 ? wire_to_v6(packet, len, packet_v6) : len;
		const uint64_t before = blocks;
		stack_input(w->s, w->now_us, w->version == 6 ? packet_v6 : packet, total,
			    (struct packet_meta){0});
		add(&p, blocks - before);
	}
	check(w, counters(w)->tcp_in_errs > 0);
	expect_price(w, &p, 4000, 1500, "junk");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_CASE(test_sack_pieces_cost_a_bounded_amount, " (isn 2^32-1000)",
			  wire_setup_wrap),
		WIRE_CASE(test_sack_pieces_cost_a_bounded_amount, " (IPv6, isn 2^31-1)",
			  wire_setup_half_v6),
		WIRE_TEST(test_reneging_costs_a_bounded_amount),
		WIRE_TEST(test_single_bytes_out_of_order_cost_a_bounded_amount),
		WIRE_TEST_ONCE(test_syn_of_a_flood_costs_the_same_as_the_first),
		WIRE_TEST_ONCE_V6(test_syn_of_a_flood_costs_the_same_as_the_first),
		WIRE_TEST_ONCE(test_segment_costs_the_same_beside_many_connections),
		WIRE_TEST_ONCE_V6(test_segment_costs_the_same_beside_many_connections),
		WIRE_TEST(test_smallest_mss_costs_a_bounded_amount_per_byte),
		WIRE_TEST_ONCE(test_junk_costs_a_bounded_amount),
		WIRE_TEST_ONCE_V6(test_junk_costs_a_bounded_amount),
	};

	return cmocka_run_group_tests_name("stack: work", tests, NULL, NULL);
}
