/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks that need more than one segment: initial numbers that can be foretold, clients that hold what
 * they were given, segments by the million, two hosts that are out of step. What one segment can do is
 * in test_stack_grid.c, how much work it can make in test_stack_work.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/wire.h"

#define SECOND UINT64_C(1000000)
#define SYN_WORDS "win 65535 <mss 1460>"

/* ------------------------------------------------------------------ initial sequence numbers */

#define ISNS 10000u

static uint32_t isn_of(struct wire *w, uint32_t src, uint16_t sport)
{
	struct seg g = wire_seg(w, "S 0:0(0) win 65535"), out;
	const char *what;

	g.src = src;
	g.sport = sport;
	wire_inject_seg(w, &g);
	struct wire_packet *p = wire_take(w);
	check(w, p && wire_decode(p->bytes, p->len, &out, &what));
	check_equal(w, out.flags, SYN | ACK);
	test_free(p);
	g.flags = RST;
	g.seq++;
	wire_inject_seg(w, &g);
	return out.seq;
}

/* Chi-square of counts that should all be the same. */
static double chi_square(const unsigned *count, unsigned cells, unsigned total)
{
	const double each = (double)total / cells;
	double chi = 0;

	for (unsigned i = 0; i < cells; i++)
		chi += ((double)count[i] - each) * ((double)count[i] - each) / each;
	return chi;
}

/* NUMBER:JACK: neither a number nor the distance of two tells anything about the next one, although the
 * tuples differ by one port or one address only and the clock stands still. Each byte of the number and
 * of the differences is spread evenly over 256 values: a chi-square with 255 degrees of freedom exceeds
 * 330.5 once in a thousand times, and the seed is fixed. */
static void test_initial_numbers_cannot_be_foretold(void **state)
{
	struct wire *w = *state;
	static uint32_t isn[ISNS];
	unsigned number[4][256] = {{0}}, distance[4][256] = {{0}}, flips[32] = {0};

	w->quiet = true;
	w->cfg.fixed_isn = false;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	for (uint32_t i = 0; i < ISNS; i++) {
		isn[i] = isn_of(w, WIRE_PEER + (i & 1 ? 0x100 : 0), (uint16_t)(1024 + i / 2));
		for (unsigned b = 0; b < 4; b++) {
			number[b][isn[i] >> (8 * b) & 0xff]++;
			if (i > 0)
				distance[b][(isn[i] - isn[i - 1]) >> (8 * b) & 0xff]++;
		}
		for (unsigned bit = 0; i > 0 && bit < 32; bit++)
			flips[bit] += (isn[i] ^ isn[i - 1]) >> bit & 1;
	}
	for (unsigned b = 0; b < 4; b++) {
		check(w, chi_square(number[b], 256, ISNS) < 330.5);
		check(w, chi_square(distance[b], 256, ISNS - 1) < 330.5);
	}
	/* Half of the bits change: 5,000 ± 4 standard deviations. */
	for (unsigned bit = 0; bit < 32; bit++)
		check(w, flips[bit] > ISNS / 2 - 200 && flips[bit] < ISNS / 2 + 200);
}

/* RFC 6528 3: for one tuple it is a clock of 4 us. So a new connection begins beyond the old one, and
 * what the peer can see of its own connections tells it nothing about those of others. */
static void test_initial_numbers_of_one_tuple_follow_the_clock(void **state)
{
	struct wire *w = *state;

	w->quiet = true;
	w->cfg.fixed_isn = false;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	uint32_t before = isn_of(w, WIRE_PEER, 1024), other = isn_of(w, WIRE_PEER, 1025);
	const uint32_t between = other - before;
	for (unsigned i = 1; i <= 2000; i++) {
		const uint64_t pause = 4u * i * (i % 7 + 1);
		advance_us(w, pause);
		const uint32_t now = isn_of(w, WIRE_PEER, 1024);
		check(w, now - before + 1 >= pause / 4 && now - before <= pause / 4 + 1);
		check_equal(w, isn_of(w, WIRE_PEER, 1025) - now, between);
		before = now;
	}
}

/* The secret is the whole seed: with one bit of it different, so are all numbers. */
static void test_every_bit_of_the_seed_counts(void **state)
{
	struct wire *w = *state;
	static uint32_t seen[257];

	w->quiet = true;
	w->cfg.fixed_isn = false;
	for (unsigned bit = 0; bit <= 256; bit++) {
		if (bit > 0)
			w->cfg.seed[(bit - 1) / 8] ^= (uint8_t)(1u << (bit - 1) % 8);
		wire_restart(w);
		w->now_us = w->start_us + 7200 * SECOND;
		wire_listen(w, WIRE_PORT, 16);
		seen[bit] = isn_of(w, WIRE_PEER, 1024);
		for (unsigned i = 0; i < bit; i++)
			check(w, seen[i] - seen[bit] + 1000 > 2000);
	}
}

/* ------------------------------------------------------------------ sockstress */

#define HOLDERS 1000u

/* CVE-2008-4609: clients complete the handshake with a window of 0, ask, and keep quiet or answer every
 * probe with a shut window. The server has answered and closed: all of it comes back, in bounded time and
 * with bounded memory; meanwhile a good client is served. */
static void hold_connections(struct wire *w, bool answers)
{
	char line[64];
	const uint64_t start = w->now_us;

	w->quiet = true;
	w->any_window = true;
	w->cfg.memory_limit = 16u << 20;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, HOLDERS);
	for (unsigned i = 0; i < HOLDERS; i++) {
		w->rport = (uint16_t)(2000 + i);
		inject(w, "* S 0:0(0) win 0 <mss 1460>");
		drain(w);
		inject(w, "* P. 1:101(100) ack 1 win 0");
		drain(w);
		wire_accept(w);
		recv_bytes(w, 100);
		send_bytes(w, 2000);
		wire_close(w);
		drain(w);
	}
	check_equal(w, wire_usage(w).connections, HOLDERS);
	check(w, wire_usage(w).memory <= w->cfg.memory_limit);
	w->rport = 60000;
	inject(w, "* S 0:0(0) " SYN_WORDS);
	expect(w, "* S. 0:0(0) ack 1");
	inject(w, "* P. 1:101(100) ack 1 win 65535");
	drain(w);
	wire_accept(w);
	recv_bytes(w, 100);
	send_bytes(w, 1000);
	expect(w, "* P. 1:1001(1000) ack 101");
	inject(w, "* . 101:101(0) ack 1001 win 65535");
	wire_abort(w);
	drain(w);
	while (wire_usage(w).connections > 0 && w->now_us - start < 1000 * SECOND) {
		struct wire_packet *p = wire_take(w);
		struct seg g;
		const char *what;
		if (!p) {
			advance_us(w, stack_next_timeout(w->s) - w->now_us);
			continue;
		}
		check(w, wire_decode(p->bytes, p->len, &g, &what));
		test_free(p);
		if (!answers || (g.flags & RST))
			continue;
		w->rport = g.dport;
		snprintf(line, sizeof line, ". 101:101(0) ack 1 win 0");
		const struct seg ack = wire_seg(w, line);
		wire_inject_seg(w, &ack);
	}
	drain(w);
	check_equal(w, wire_usage(w).connections, 0);
	check(w, w->now_us - start <= w->cfg.user_timeout_us + 2 * SECOND);
	check_equal(w, counters(w)->tcp_user_timeouts, HOLDERS);
}

static void test_thousand_silent_clients_with_shut_windows_are_given_up(void **state)
{
	hold_connections(*state, false);
}

static void test_thousand_clients_that_answer_probes_are_given_up(void **state)
{
	hold_connections(*state, true);
}

/* Clients that never say a word cost no rings, and no more than the limit of connections. */
static void test_thousand_idle_clients_hold_no_buffers(void **state)
{
	struct wire *w = *state;
	struct tcp_conn *conn[HOLDERS];

	w->quiet = true;
	wire_listen(w, WIRE_PORT, HOLDERS);
	for (unsigned i = 0; i < HOLDERS; i++) {
		w->rport = (uint16_t)(2000 + i);
		inject(w, "* S 0:0(0) " SYN_WORDS);
		drain(w);
		inject(w, "* . 1:1(0) ack 1");
		conn[i] = wire_accept(w);
	}
	check(w, wire_usage(w).memory - w->empty_memory <= HOLDERS * 2048u);
	for (unsigned i = 0; i < HOLDERS; i++)
		tcp_abort(conn[i]);
	w->c = NULL;
	advance_us(w, 0);
	check_equal(w, drain(w), HOLDERS);
}

/* ------------------------------------------------------------------ a million bad segments */

#define BAD 1000000u

struct random {
	uint64_t state;
};

static uint32_t next(struct random *r)
{
	r->state = r->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(r->state >> 33);
}

/* Numbers that are none of the connection's; flags, lengths and options as chance has it. */
static void bad_segment(struct wire *w, struct random *r)
{
	struct seg g = wire_seg(w, "- 0:0(0)");

	g.sport = (uint16_t)(4000 + next(r) % 8);
	g.flags = (uint8_t)next(r);
	g.seq = w->irs + 1000000 + next(r) % 3000000000u;
	g.ack = w->iss + 1000000 + next(r) % 3000000000u;
	g.len = next(r) % 4 ? 0 : next(r) % 40;
	g.win = (uint16_t)next(r);
	g.opt_len = next(r) % 3 ? 0 : next(r) % 11 * 4;
	for (size_t i = 0; i < g.opt_len; i++)
		g.opt[i] = (uint8_t)(next(r) % 12);
	/* A SYN would rightly open a connection where there is none, or reopen TIME-WAIT. */
	if ((g.flags & (SYN | ACK | RST | FIN)) == SYN)
		g.flags |= ACK;
	wire_inject_seg(w, &g);
}

/* Eight connections, one in each state that a handshake leads to; what is dropped frees what it took
 * also where it is dropped without an answer (FreeBSD-SA of 2026, vuxml 7aa913e9). */
static void test_million_bad_segments_leave_memory_as_it_was(void **state)
{
	struct wire *w = *state;
	static const struct {
		const char *after[2];
		bool shut;
		enum tcp_state state;
	} kinds[8] = {
		{{NULL, NULL}, false, TCP_ESTABLISHED},
		{{NULL, NULL}, true, TCP_FIN_WAIT_1},
		{{". 1:1(0) ack 2", NULL}, true, TCP_FIN_WAIT_2},
		{{"F. 1:1(0) ack 1", NULL}, true, TCP_CLOSING},
		{{"F. 1:1(0) ack 2", NULL}, true, TCP_TIME_WAIT},
		{{"F. 1:1(0) ack 1", NULL}, false, TCP_CLOSE_WAIT},
		{{NULL, NULL}, false, TCP_SYN_RECEIVED},
		{{"P. 11:21(10) ack 1", "P. 31:41(10) ack 1"}, false, TCP_ESTABLISHED},
	};
	struct tcp_conn *conn[8] = {NULL};
	struct random r = {w->iss + 99};

	w->quiet = true;
	w->any_payload = w->any_window = true;
	wire_listen(w, WIRE_PORT, 16);
	for (unsigned i = 0; i < 8; i++) {
		w->rport = (uint16_t)(4000 + i);
		inject(w, "* S 0:0(0) " SYN_WORDS);
		drain(w);
		if (kinds[i].state == TCP_SYN_RECEIVED)
			continue;
		inject(w, "* . 1:1(0) ack 1");
		conn[i] = wire_accept(w);
		if (kinds[i].shut)
			wire_shutdown(w);
		drain(w);
		for (unsigned k = 0; k < 2 && kinds[i].after[k]; k++) {
			const struct seg g = wire_seg(w, kinds[i].after[k]);
			wire_inject_seg(w, &g);
			drain(w);
		}
		expect_state(w, kinds[i].state);
	}
	const struct stack_usage before = wire_usage(w);
	for (unsigned i = 0; i < BAD; i++) {
		bad_segment(w, &r);
		drain(w);
	}
	const struct stack_usage after = wire_usage(w);
	check_equal(w, after.memory, before.memory);
	check_equal(w, after.connections, before.connections);
	check_equal(w, after.time_wait, before.time_wait);
	for (unsigned i = 0; i < 8; i++) {
		w->rport = (uint16_t)(4000 + i);
		expect_state(w, kinds[i].state);
		if (conn[i])
			tcp_abort(conn[i]);
	}
	w->c = NULL;
	advance_us(w, 0);
	drain(w);
}

/* ------------------------------------------------------------------ two hosts out of step */

/* Two stacks, joined by a wire that adds an offset to one side's numbers. Once it is taken away, neither
 * side's segments fit the other's windows: the ACK war of draft-gont-tcpm-tcp-seq-validation. */
struct side {
	struct stack *s;
	struct tcp_conn *c;
	struct tcp_listener *l;
};

struct two {
	struct side side[2]; /* 0 connects, 1 listens               */
	uint32_t offset[2];  /* added to the numbers that it sends  */
	uint64_t now_us;
	unsigned packets;
};

static void put32(uint8_t *p, uint32_t x)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(x >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static struct stack *new_host(const struct wire *w, uint8_t last)
{
	struct stack_config cfg = w->cfg;

	cfg.addr[0] = ip_addr_v4(10, 0, 0, last);
	cfg.addr_count = 1;
	struct stack *s = stack_create(&cfg);
	assert_non_null(s);
	return s;
}

static void carry(struct two *t, unsigned from)
{
	struct packet_out out;
	uint8_t packet[2048];
	size_t len;

	while ((len = stack_output(t->side[from].s, t->now_us, &out)) > 0) {
		size_t at = out.header_len;
		assert_true(len <= sizeof packet);
		memcpy(packet, out.header, out.header_len);
		for (size_t i = 0; i < out.payload_count; at += out.payload[i++].len)
			memcpy(packet + at, out.payload[i].data, out.payload[i].len);
		put32(packet + 24, get32(packet + 24) + t->offset[from]);
		if (packet[33] & ACK)
			put32(packet + 28, get32(packet + 28) - t->offset[1 - from]);
		t->packets++;
		stack_input(t->side[1 - from].s, t->now_us, packet, len,
			    (struct packet_meta){.checksum_trusted = true});
	}
}

static void events(struct side *side)
{
	struct stack_event e;

	while (stack_next_event(side->s, &e)) {
		if (e.type == STACK_EVENT_ACCEPT)
			side->c = tcp_accept(e.listener);
	}
}

/* At one instant: a war would never end. */
static void settle_two(struct wire *w, struct two *t)
{
	for (unsigned i = 0, before = ~0u; before != t->packets; i++) {
		before = t->packets;
		for (unsigned k = 0; k < 2; k++) {
			stack_advance(t->side[k].s, t->now_us);
			events(&t->side[k]);
			carry(t, k);
			check(w, stack_check(t->side[k].s) == NULL);
		}
		check(w, i < 1000);
	}
}

static void run_two(struct wire *w, struct two *t, uint64_t by_us)
{
	const uint64_t until = t->now_us + by_us;

	settle_two(w, t);
	for (;;) {
		const uint64_t a = stack_next_timeout(t->side[0].s);
		const uint64_t b = stack_next_timeout(t->side[1].s);
		const uint64_t first = a < b ? a : b;
		if (first > until)
			break;
		t->now_us = first > t->now_us ? first : t->now_us;
		settle_two(w, t);
	}
	t->now_us = until;
}

/* `writes`: which of the two sends data afterwards. */
static void try_desync(struct wire *w, uint32_t offset0, uint32_t offset1, unsigned writes)
{
	static const uint8_t data[1000] = {1};
	const struct ip_endpoint local = {.port = 80};
	const struct ip_endpoint remote = {ip_addr_v4(10, 0, 0, 2), 80};
	struct two t = {.offset = {offset0, offset1}, .now_us = w->now_us};

	for (unsigned i = 0; i < 2; i++)
		t.side[i].s = new_host(w, (uint8_t)(i + 1));
	assert_int_equal(tcp_listen(t.side[1].s, &local, 4, &t.side[1].l), STACK_OK);
	assert_int_equal(tcp_connect(t.side[0].s, t.now_us, NULL, &remote, &t.side[0].c), STACK_OK);
	run_two(w, &t, SECOND);
	check(w, t.side[0].c && t.side[1].c);
	t.offset[0] = t.offset[1] = 0;
	t.packets = 0;
	for (unsigned i = 0; i < 2; i++)
		if (writes & 1u << i)
			assert_int_equal(tcp_send_all(t.side[i].c, data, sizeof data, false), 1000);
	run_two(w, &t, SECOND);
	/* Challenge ACKs are ten a second and side; then there are the data themselves. */
	check(w, t.packets <= 60);
	run_two(w, &t, 10 * w->cfg.user_timeout_us);
	for (unsigned i = 0; i < 2; i++) {
		/* Given up, or in step again: a byte more or less is nothing that TCP could know. */
		struct tcp_info n;
		tcp_get_info(t.side[i].c, &n);
		if (n.state != TCP_CLOSED && n.send_queued > 0)
			wire_fail(
				w, __FILE__, __LINE__,
				"numbers off by %u and %u, writers %u: host %u is in %s, %u bytes "
				"unacknowledged",
				offset0, offset1, writes, i, tcp_state_name(n.state),
				n.send_queued);
		tcp_abort(t.side[i].c);
	}
	run_two(w, &t, 10 * w->cfg.user_timeout_us);
	for (unsigned i = 0; i < 2; i++) {
		struct stack_usage u;
		stack_get_usage(t.side[i].s, &u);
		check_equal(w, u.connections, 0);
		stack_destroy(t.side[i].s);
	}
}

static void test_two_hosts_out_of_step_come_to_rest(void **state)
{
	struct wire *w = *state;
	static const uint32_t offsets[] = {0,          1,      100,      70000,      0x40000000,
					   0x80000000, 0u - 1, 0u - 100, 0u - 300000};

	for (size_t a = 0; a < sizeof offsets / sizeof *offsets; a++)
		for (size_t b = 0; b < sizeof offsets / sizeof *offsets; b++)
			for (unsigned writes = 0; writes < 4 && a + b > 0; writes++)
				try_desync(w, offsets[a], offsets[b], writes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST_ONCE(test_initial_numbers_cannot_be_foretold),
		WIRE_TEST_ONCE_V6(test_initial_numbers_cannot_be_foretold),
		WIRE_TEST_ONCE(test_initial_numbers_of_one_tuple_follow_the_clock),
		WIRE_TEST_ONCE_V6(test_initial_numbers_of_one_tuple_follow_the_clock),
		WIRE_TEST_ONCE(test_every_bit_of_the_seed_counts),
		WIRE_TEST_ONCE(test_thousand_silent_clients_with_shut_windows_are_given_up),
		WIRE_TEST_ONCE_V6(test_thousand_silent_clients_with_shut_windows_are_given_up),
		WIRE_TEST_ONCE(test_thousand_clients_that_answer_probes_are_given_up),
		WIRE_TEST_ONCE_V6(test_thousand_clients_that_answer_probes_are_given_up),
		WIRE_TEST_ONCE(test_thousand_idle_clients_hold_no_buffers),
		WIRE_CASE(test_million_bad_segments_leave_memory_as_it_was, " (isn 2^32-1000)",
			  wire_setup_wrap),
		WIRE_CASE(test_million_bad_segments_leave_memory_as_it_was, " (IPv6, isn 2^31-1)",
			  wire_setup_half_v6),
		WIRE_TEST_V4(test_two_hosts_out_of_step_come_to_rest),
	};

	return cmocka_run_group_tests_name("stack: attacks", tests, NULL, NULL);
}
