/* SPDX-License-Identifier: Apache-2.0 */
/* Many clients at one listener, honest and hostile: its queues, its backlog, SYN floods (RFC
 * 4987). */
#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1460>"

/* ------------------------------------------------------------------ many clients */

static void test_thousand_clients_at_once(void **state)
{
	static struct tcp_conn *conns[1000];
	struct wire *w = *state;

	w->quiet = true;
	wire_listen(w, WIRE_PORT, 1000);
	hold(w); /* all the SYNs in one batch, then all the ACKs */
	for (uint16_t i = 0; i < 1000; i++) {
		w->rport = (uint16_t)(1024 + i);
		inject(w, "* S 0:0(0) " SYN_WORDS);
	}
	release(w);
	check_equal(w, drain(w), 1000);
	check_equal(w, wire_usage(w).half_open, 1000);
	hold(w);
	for (uint16_t i = 0; i < 1000; i++) {
		w->rport = (uint16_t)(1024 + i);
		inject(w, "* P. 1:11(10) ack 1");
	}
	release(w);
	check_equal(w, drain(w), 1000);
	check_equal(w, wire_usage(w).connections, 1000);
	for (unsigned i = 0; i < 1000; i++) {
		conns[i] = wire_accept(w);
		recv_bytes(w, 10);
		send_bytes(w, 20);
	}
	check_equal(w, drain(w), 1000);
	for (uint16_t i = 0; i < 1000; i++) {
		w->rport = (uint16_t)(1024 + i);
		inject(w, "* F. 11:11(0) ack 21");
		check_equal(w, drain(w), 1);
		w->c = conns[i];
		wire_close(w);
		check_equal(w, drain(w), 1);
		inject(w, "* . 12:12(0) ack 22");
	}
	check_equal(w, wire_usage(w).connections, 0);
	check_equal(w, counters(w)->tcp_passive_opens, 1000);
}

static void handshake(struct wire *w, uint16_t port)
{
	w->rport = port;
	inject(w, "* S 0:0(0) " SYN_WORDS);
	expect(w, "* S. 0:0(0) ack 1");
	inject(w, "* . 1:1(0) ack 1");
}

/* A full accept queue: the last ACK is as good as lost, the client tries again and is never
 * reset. */
static void test_full_accept_queue_makes_clients_wait(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 2);
	handshake(w, 1001);
	handshake(w, 1002);
	handshake(w, 1003);
	expect_state(w, TCP_SYN_RECEIVED);
	check_equal(w, wire_usage(w).connections, 2);
	check_equal(w, counters(w)->tcp_accept_overflows, 1);
	inject(w, "0.100 P. 1:101(100) ack 1"); /* it believes that it is connected */
	expect_none(w, "0.900");
	expect(w, "1.000 S. 0:0(0) ack 1");
	inject(w, "1.010 . 1:1(0) ack 1");
	expect_none(w, "1.500");
	w->rport = 1001;
	wire_accept(w);
	wire_abort(w);
	expect(w, "1.500 R. 1:1(0) ack 1");
	w->rport = 1003;
	inject(w, "2.000 P. 1:101(100) ack 1");
	expect(w, "2.000 . 1:1(0) ack 101");
	expect_state(w, TCP_ESTABLISHED);
	check_equal(w, wire_events(w, STACK_EVENT_ACCEPT) > 0, true);
	w->rport = 1002;
	wire_accept(w);
	wire_abort(w);
	drain(w);
	w->rport = 1003;
	wire_accept(w);
	recv_bytes(w, 100);
}

static void test_backlog_of_one_serves_a_queue_of_clients(void **state)
{
	struct wire *w = *state;
	unsigned served = 0;

	w->quiet = true;
	wire_listen(w, WIRE_PORT, 1);
	for (uint16_t port = 2000; port < 2020; port++)
		handshake(w, port);
	for (unsigned turn = 0; turn < 100 && served < 20; turn++) {
		if (wire_usage(w).connections > 0) {
			struct tcp_conn *c = tcp_accept(w->listener);
			check(w, c != NULL);
			tcp_abort(c);
			served++;
			advance_us(w, 0);
		}
		drain(w);
		/* All of them repeat their request, as clients do. */
		for (uint16_t port = 2000; port < 2020; port++) {
			w->rport = port;
			inject(w, "* P. 1:101(100) ack 1");
			for (struct wire_packet *p; (p = wire_take(w)) != NULL; test_free(p))
				check(w, served > 0 || !(p->bytes[33] & RST));
		}
	}
	check_equal(w, served, 20);
}

/* The event is due and its connection has gone again. */
static void test_client_resets_before_the_event_is_taken(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "* S 0:0(0) " SYN_WORDS);
	expect(w, "* S. 0:0(0) ack 1");
	hold(w);
	inject(w, "* . 1:1(0) ack 1");
	inject(w, "* R 1:1(0)");
	release(w);
	check_equal(w, wire_events(w, STACK_EVENT_ACCEPT), 0);
	check(w, tcp_accept(w->listener) == NULL);
	handshake(w, 1001);
	check_equal(w, wire_events(w, STACK_EVENT_ACCEPT), 1);
	wire_accept(w);
}

static void test_syn_without_memory_for_an_entry_is_dropped(void **state)
{
	struct wire *w = *state;

	w->cfg.memory_limit = 64;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	inject(w, "* S 0:0(0) " SYN_WORDS);
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, wire_usage(w).half_open, 0);
	check(w, counters(w)->tcp_memory_drops > 0);
}

/* ------------------------------------------------------------------ SYN floods */

static void flood(struct wire *w, uint32_t *from, unsigned count)
{
	for (unsigned i = 0; i < count; i++, ++*from) {
		struct seg g = wire_seg(w, "S 0:0(0) win 65535 <mss 1460,nop,wscale 7>");
		g.src = 0x0b000000u + *from / 4; /* 11.x.y.z */
		g.sport = (uint16_t)(1024 + *from % 50000);
		wire_inject_seg(w, &g);
		check_equal(w, drain(w), 1);
	}
}

static void test_syn_flood_takes_bounded_memory_and_good_clients_get_in(void **state)
{
	struct wire *w = *state;
	uint32_t from = 0;
	size_t most = 0;

	w->quiet = true;
	w->cfg.syn_cookies = false; /* with them: test_stack_synflood.c */
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	for (unsigned round = 0; round < 100; round++) {
		flood(w, &from, 500);
		w->rport = (uint16_t)(3000 + round);
		inject(w, "* S 0:0(0) " SYN_WORDS);
		expect(w, "* S. 0:0(0) ack 1");
		flood(w, &from, 500); /* while our SYN-ACK travels */
		inject(w, "* P. 1:101(100) ack 1");
		expect(w, "* . 1:1(0) ack 101");
		wire_accept(w);
		recv_bytes(w, 100);
		wire_abort(w);
		drain(w);
		const struct stack_usage u = wire_usage(w);
		check(w, u.half_open <= w->cfg.max_half_open);
		if (round == 10)
			most = u.memory;
		check(w, round <= 10 || u.memory <= most);
	}
	check_equal(w, from, 100000);
	check(w, most < 4096 * 512);
}

/* Replies that nobody fetches are bounded as well. */
static void test_unfetched_replies_are_bounded(void **state)
{
	struct wire *w = *state;
	size_t most = 0;

	w->quiet = true;
	hold(w);
	for (unsigned i = 0; i < 100000; i++) {
		const struct seg g = wire_seg(w, "S 0:0(0) to 9");
		wire_inject_seg(w, &g);
		if (wire_usage(w).memory > most)
			most = wire_usage(w).memory;
	}
	check(w, most < 4 << 20);
	check(w, counters(w)->reply_queue_drops > 0);
	release(w);
	check(w, drain(w) < 100000);
}

static void test_syn_then_rst_leaves_nothing(void **state)
{
	struct wire *w = *state;

	w->quiet = true;
	wire_listen(w, WIRE_PORT, 16);
	const size_t before = wire_usage(w).memory;
	for (uint32_t i = 0; i < 20000; i++) {
		w->rport = (uint16_t)(1024 + i);
		inject(w, "* S 0:0(0) " SYN_WORDS);
		expect(w, "* S. 0:0(0) ack 1");
		inject(w, "* R 1:1(0)");
		check_equal(w, wire_usage(w).half_open, 0);
		check_equal(w, wire_usage(w).memory, before);
	}
}

static void test_forged_handshake_acks_make_no_connection(void **state)
{
	struct wire *w = *state;
	uint32_t seed = 1;

	w->quiet = true;
	wire_listen(w, WIRE_PORT, 16);
	for (unsigned i = 0; i < 20000; i++) {
		struct seg g = wire_seg(w, ". 1:1(0) ack 1");
		seed = seed * 1664525 + 1013904223;
		g.ack = seed;
		g.seq = seed * 7;
		g.sport = (uint16_t)(1024 + i);
		wire_inject_seg(w, &g);
		check_equal(w, drain(w), 1); /* a RST each */
	}
	check_equal(w, wire_usage(w).connections, 0);
	check(w, tcp_accept(w->listener) == NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_thousand_clients_at_once),
		WIRE_TEST(test_full_accept_queue_makes_clients_wait),
		WIRE_TEST(test_backlog_of_one_serves_a_queue_of_clients),
		WIRE_TEST_ONCE(test_syn_flood_takes_bounded_memory_and_good_clients_get_in),
		WIRE_TEST_ONCE(test_unfetched_replies_are_bounded),
		WIRE_TEST_ONCE(test_syn_then_rst_leaves_nothing),
		WIRE_TEST_ONCE(test_forged_handshake_acks_make_no_connection),
		WIRE_TEST(test_client_resets_before_the_event_is_taken),
		WIRE_TEST(test_syn_without_memory_for_an_entry_is_dropped),
	};

	return cmocka_run_group_tests_name("stack: listener", tests, NULL, NULL);
}
