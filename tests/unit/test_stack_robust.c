/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits that are reached and recovered from, urgent data, random segments and calls by the hundred
 * thousand, and what an observer is told.
 */
#include <stdio.h>

#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1460>"

static void handshake(struct wire *w, uint16_t port)
{
	w->rport = port;
	inject(w, "* S 0:0(0) " SYN_WORDS);
	expect(w, "* S. 0:0(0) ack 1");
	inject(w, "* . 1:1(0) ack 1");
}

/* ------------------------------------------------------------------ limits */

static void test_connection_limit_makes_clients_wait(void **state)
{
	struct wire *w = *state;

	w->cfg.max_connections = 2;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	handshake(w, 1001);
	handshake(w, 1002);
	handshake(w, 1003);
	check_equal(w, wire_usage(w).connections, 2);
	w->rport = 1001;
	wire_accept(w);
	wire_abort(w);
	drain(w);
	w->rport = 1003;
	inject(w, "+0.5 P. 1:101(100) ack 1");
	expect(w, "* . 1:1(0) ack 101");
	expect_state(w, TCP_ESTABLISHED);
	check_equal(w, wire_usage(w).connections, 2);
	/* An active OPEN is told at once. */
	const struct ip_endpoint remote = {wire_peer_addr(w), 9000};
	struct tcp_conn *c = NULL;
	check_equal(w, tcp_connect(w->s, w->now_us, NULL, &remote, &c), STACK_ERR_NO_MEMORY);
}

/* Senders fill what memory there is; the limit holds, and afterwards everything works again. */
static void test_memory_limit_is_reached_and_left(void **state)
{
	struct wire *w = *state;
	struct tcp_conn *conns[8];
	struct slice got[2];

	w->quiet = true;
	w->cfg.memory_limit = 100000;
	w->cfg.recv_buffer_max = 32768;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	for (uint16_t i = 0; i < 8; i++) {
		handshake(w, (uint16_t)(1001 + i));
		conns[i] = wire_accept(w);
	}
	for (uint32_t at = 1; at < 32000; at += 1000) {
		for (uint16_t i = 0; i < 8; i++) {
			char line[64];
			snprintf(line, sizeof line, "* . %u:%u(1000) ack 1", at, at + 1000);
			w->rport = (uint16_t)(1001 + i);
			inject(w, line);
			drain(w);
			check(w, wire_usage(w).memory <= w->cfg.memory_limit);
		}
	}
	check(w, counters(w)->tcp_memory_drops > 0);
	/* The window that was promised could not be kept, but what was acknowledged is there. */
	for (uint16_t i = 0; i < 8; i++) {
		struct tcp_info info;
		tcp_get_info(conns[i], &info);
		w->rport = (uint16_t)(1001 + i);
		w->c = conns[i];
		w->received = 0;
		recv_bytes(w, info.rcv_nxt - w->irs - 1);
		check_equal(w, tcp_recv_peek(conns[i], got), 0);
		drain(w);
	}
	/* All data again, one connection after the other: now there is room. */
	for (uint16_t i = 0; i < 8; i++) {
		struct tcp_info info;
		tcp_get_info(conns[i], &info);
		w->rport = (uint16_t)(1001 + i);
		w->c = conns[i];
		for (uint32_t at = info.rcv_nxt - w->irs; at < 32001;) {
			char line[64];
			const uint32_t len = 32001 - at < 1000 ? 32001 - at : 1000;
			snprintf(line, sizeof line, "* . %u:%u(%u) ack 1", at, at + len, len);
			inject(w, line);
			drain(w);
			at += len;
			check(w, tcp_recv_peek(conns[i], got) == len);
			tcp_recv_consume(conns[i], len);
		}
		tcp_get_info(conns[i], &info);
		check_equal(w, info.rcv_nxt, w->irs + 32001);
		wire_abort(w);
		drain(w);
	}
}

static void test_send_memory_limit_comes_back_as_no_room(void **state)
{
	struct wire *w = *state;
	struct slice_mut room[2];

	w->cfg.memory_limit = 40000;
	wire_restart(w);
	wire_establish(w, "win 0 <mss 1460>");
	/* Asks for more and more; the ring grows in powers of two until the limit says no. */
	size_t total = 0;
	for (unsigned i = 0; i < 100; i++) {
		const size_t got = tcp_send_reserve(w->c, 1000, room);
		if (got < 1000)
			break;
		send_bytes(w, 1000);
		total += 1000;
	}
	check(w, total >= 4000 && total < 40000);
	check_equal(w, tcp_send_pending(w->c), total);
	check(w, wire_usage(w).memory <= 40000);
	inject(w, "+0 . 1:1(0) ack 1 win 65535");
	drain(w);
	for (size_t acked = 1; acked < total;) {
		char line[64];
		acked = acked + 5000 < total ? acked + 5000 : total;
		snprintf(line, sizeof line, "+0.01 . 1:1(0) ack %zu win 65535", acked + 1);
		inject(w, line);
		drain(w);
	}
	check_equal(w, tcp_send_pending(w->c), 0);
	send_bytes(w, 1000);
	check_equal(w, drain(w), 1);
}

static void test_segments_without_effect_take_no_memory(void **state)
{
	struct wire *w = *state;
	static const char *const lines[] = {
		". 900000:900000(0) ack 1", "R 5000:5000(0)", "S 1:1(0)",
		"P. 1:11(10) ack 90000",    "- 1:11(10)",     "P. -100:0(100) ack 1",
		". 1:1(0) ack -900000",     "F 1:1(0)"};

	w->quiet = true;
	wire_establish(w, SYN_WORDS);
	const size_t before = wire_usage(w).memory;
	for (unsigned i = 0; i < 200000; i++) {
		const struct seg g = wire_seg(w, lines[i % 8]);
		wire_inject_seg(w, &g);
		drain(w);
	}
	check_equal(w, wire_usage(w).memory, before);
	expect_state(w, TCP_ESTABLISHED);
	inject(w, "* P. 1:101(100) ack 1");
	expect(w, "* . 1:1(0) ack 101");
}

static void test_invalid_configurations_are_refused(void **state)
{
	struct wire *w = *state;
	struct stack_config cfg = w->cfg;

	cfg.mtu = 575;
	check(w, stack_create(&cfg) == NULL);
	cfg.mtu = 65536;
	check(w, stack_create(&cfg) == NULL);
	cfg = w->cfg;
	cfg.send_buffer_max = 0;
	check(w, stack_create(&cfg) == NULL);
	cfg = w->cfg;
	cfg.recv_buffer_max = 0;
	check(w, stack_create(&cfg) == NULL);
	cfg = w->cfg;
	cfg.addr[0] = ip_addr_v4(224, 0, 0, 1);
	check(w, stack_create(&cfg) == NULL);
	cfg = w->cfg;
	cfg.addr_count = STACK_MAX_ADDRS + 1;
	check(w, stack_create(&cfg) == NULL);
}

/* With everything there can be: connections in all stages, queues full, packets not fetched. The
 * sanitizers' leak check is the judge. */
static void test_destroy_frees_what_lives(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	handshake(w, 1001); /* stays in the accept queue */
	handshake(w, 1002);
	wire_accept(w);
	wire_close(w);
	drain(w);
	inject(w, "* F. 1:1(0) ack 2"); /* one of the two is in TIME-WAIT or FIN-WAIT */
	drain(w);
	handshake(w, 1003);
	w->c = tcp_accept(w->listener);
	inject(w, "* P. 1:101(100) ack 1");
	drain(w);
	inject(w, "* P. 501:601(100) ack 1");
	drain(w);
	w->rport = 1004;
	hold(w);
	inject(w, "* S 0:0(0) " SYN_WORDS);
	inject(w, "* S 0:0(0) to 9");
	const struct stack_usage u = wire_usage(w);
	check(w, u.connections >= 2 && u.half_open == 1);
	stack_destroy(w->s);
	w->s = stack_create(&w->cfg);
	w->listener = NULL;
	w->c = NULL;
	w->holding = false;
	stack_destroy(NULL); /* as free() */
}

/* ------------------------------------------------------------------ URG */

/* Urgent data are data, the pointer is not computed with (RFC 9293 3.8.5, RFC 6093;
 * CVE-2019-12255 and -12263, CVE-2021-31400). */
static void test_urgent_data_are_in_band(void **state)
{
	struct wire *w = *state;
	static const unsigned pointers[] = {0, 1, 10, 11, 12, 1000, 32767, 32768, 65535};
	uint32_t at = 1;

	wire_establish(w, SYN_WORDS);
	for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++, at += 10) {
		char line[64];
		snprintf(line, sizeof line, "* PU. %u:%u(10) ack 1 urg %u", at, at + 10,
			 pointers[i]);
		inject(w, line);
		snprintf(line, sizeof line, "* . 1:1(0) ack %u", at + 10);
		expect(w, line);
		recv_bytes(w, 10);
		snprintf(line, sizeof line, "* U. %u:%u(0) ack 1 urg %u", at + 10, at + 10,
			 pointers[i]);
		inject(w, line);
		check_equal(w, wire_waiting(w), 0);
	}
}

static void test_urg_in_every_state(void **state)
{
	struct wire *w = *state;
	static const char *const ways[][4] = {
		{NULL},                                            /* LISTEN        */
		{"S 0:0(0)"},                                      /* SYN-RECEIVED  */
		{"S 0:0(0)", ". 1:1(0) ack 1"},                    /* ESTABLISHED   */
		{"S 0:0(0)", ". 1:1(0) ack 1", "F. 1:1(0) ack 1"}, /* CLOSE-WAIT    */
	};

	w->quiet = true;
	for (unsigned way = 0; way < 4; way++) {
		for (unsigned closing = 0; closing < 4; closing++) {
			for (unsigned pointer = 0; pointer < 65536; pointer += 4369) {
				wire_listen(w, WIRE_PORT, 16);
				for (unsigned i = 0; ways[way][i]; i++) {
					const struct seg g = wire_seg(w, ways[way][i]);
					wire_inject_seg(w, &g);
					drain(w);
				}
				if (way >= 2) {
					wire_accept(w);
					if (closing)
						wire_shutdown(w);
				}
				drain(w);
				static const char *const after[] = {". 1:1(0) ack 1",
								    ". 1:1(0) ack 1",
								    ". 1:1(0) ack 2",
								    "F. 1:1(0) ack 2"};
				struct seg g = wire_seg(w, after[closing]);
				g.flags |= URG;
				g.urg = (uint16_t)pointer;
				wire_inject_seg(w, &g);
				g = wire_seg(w, "PU. 1:31(30) ack 1");
				g.urg = (uint16_t)pointer;
				wire_inject_seg(w, &g);
				g.flags = URG | SYN;
				wire_inject_seg(w, &g);
				wire_restart(w);
			}
		}
	}
}

/* ------------------------------------------------------------------ random segments and calls */

struct random {
	uint64_t state;
};

static uint32_t next(struct random *r, uint32_t below)
{
	r->state = r->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((r->state >> 33) % below);
}

static void random_segment(struct wire *w, struct random *r, uint32_t snd, uint32_t rcv)
{
	static const int32_t near[] = {-70000, -1461, -100, -1,   0,     0,     0,     0,
				       1,      2,     100,  1460, 65534, 65535, 300000};
	static const uint8_t flags[] = {ACK,       ACK,       ACK,       ACK,       PSH | ACK,
					FIN | ACK, FIN | ACK, SYN,       SYN | ACK, RST,
					RST | ACK, 0,         URG | ACK, SYN | FIN, 0xff};
	struct seg g = wire_seg(w, "- 0:0(0)");

	g.flags = flags[next(r, sizeof flags)];
	g.seq = rcv + (uint32_t)near[next(r, sizeof near / sizeof near[0])];
	g.ack = snd + (uint32_t)near[next(r, sizeof near / sizeof near[0])];
	g.len = next(r, 3) ? 0 : next(r, 3000);
	g.win = (uint16_t)(next(r, 4) ? 65535 : next(r, 3000));
	g.urg = (uint16_t)next(r, 65536);
	if (next(r, 4) == 0) {
		g.opt_len = next(r, 11) * 4;
		for (size_t i = 0; i < g.opt_len; i++)
			g.opt[i] = (uint8_t)next(r, next(r, 2) ? 12 : 256);
	}
	w->any_window = true;
	wire_inject_seg(w, &g);
}

static void random_call(struct wire *w, struct random *r)
{
	struct slice got[2];
	struct slice_mut room[2];

	switch (next(r, 8)) {
	case 0:
	case 1:
		if (tcp_send_reserve(w->c, next(r, 5000), room) > 0)
			tcp_send_commit(w->c, room[0].len, next(r, 3) == 0);
		break;
	case 2:
	case 3:
		tcp_recv_consume(w->c, next(r, 1 + (uint32_t)tcp_recv_peek(w->c, got)));
		break;
	case 4:
		tcp_send_commit(w->c, 0, false);
		break;
	case 5:
		tcp_notify_sent(w->c);
		tcp_set_timer(w->c, w->now_us + next(r, 1000000));
		break;
	case 6:
		if (next(r, 10) == 0)
			tcp_shutdown(w->c);
		break;
	default:
		if (next(r, 20))
			break;
		if (next(r, 2))
			tcp_close(w->c);
		else
			tcp_abort(w->c);
		w->c = NULL;
		break;
	}
	advance_us(w, 0);
}

static void random_connect(struct wire *w, struct random *r)
{
	const struct ip_endpoint remote = {wire_peer_addr(w), (uint16_t)(9000 + next(r, 10))};

	if (tcp_connect(w->s, w->now_us, NULL, &remote, &w->c) != STACK_OK)
		return;
	w->lport = wire_info(w).local.port;
	w->rport = remote.port;
	advance_us(w, 0);
}

static void test_random_segments_and_calls(void **state)
{
	struct wire *w = *state;
	struct random r = {w->iss + 1};

	w->quiet = true;
	w->any_payload = true;
	w->cfg.recv_buffer_max = 16384;
	w->cfg.send_buffer_max = 16384;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 4);
	for (unsigned i = 0; i < 150000; i++) {
		uint32_t snd = w->iss + 1, rcv = w->irs + 1;
		if (!w->c) {
			w->c = tcp_accept(w->listener);
			if (!w->c && i % 16 == 0)
				random_connect(w, &r);
			if (!w->c)
				random_segment(w, &r, w->iss, w->irs);
		}
		if (w->c) {
			const struct tcp_info info = wire_info(w);
			snd = next(&r, 2) ? info.snd_nxt : info.snd_una;
			rcv = info.state == TCP_SYN_SENT ? w->irs : info.rcv_nxt;
			if (info.state == TCP_CLOSED) {
				wire_close(w);
				w->lport = WIRE_PORT;
				w->rport = (uint16_t)(1024 + next(&r, 50));
			} else if (next(&r, 3) == 0) {
				random_call(w, &r);
			}
		} else {
			w->lport = WIRE_PORT;
			w->rport = (uint16_t)(1024 + next(&r, 50));
		}
		random_segment(w, &r, snd, rcv);
		if (next(&r, 4) == 0)
			advance_us(w, next(&r, 300000));
		drain(w);
	}
	check(w, counters(w)->tcp_in_segs >= 150000);
}

/* The same calls give the same packets, bit for bit. */
static uint32_t digest_of_a_run(struct wire *w)
{
	struct random r = {99};
	uint32_t digest = 1;

	w->cfg.fixed_isn = false;
	wire_restart(w);
	w->any_payload = true;
	w->now_us = w->start_us +
		    UINT64_C(7200000000) * (1 + (w->now_us - w->start_us) / UINT64_C(7200000000));
	wire_listen(w, WIRE_PORT, 4);
	for (unsigned i = 0; i < 2000; i++) {
		random_segment(w, &r, w->iss + 1, w->irs + 1);
		advance_us(w, next(&r, 50000));
		for (struct wire_packet *p; (p = wire_take(w)) != NULL; test_free(p))
			for (size_t j = 0; j < p->len; j++)
				digest = digest * 16777619 + p->bytes[j];
	}
	return digest;
}

static void test_same_calls_give_same_packets(void **state)
{
	struct wire *w = *state;
	const uint64_t start = w->now_us;

	w->quiet = true;
	const uint32_t first = digest_of_a_run(w);
	wire_restart(w);
	w->now_us = start; /* the clock of another run; the stack is a new one */
	check_equal(w, digest_of_a_run(w), first);
}

/* ------------------------------------------------------------------ what an observer is told */

struct observer {
	unsigned in, out, state, timer, drop;
	const char *broken;
	enum tcp_state last;
};

static void observe(void *ctx, const struct stack_trace_event *e)
{
	struct observer *o = ctx;

	o->in += e->kind == STACK_TRACE_PACKET_IN;
	o->out += e->kind == STACK_TRACE_PACKET_OUT;
	o->state += e->kind == STACK_TRACE_STATE;
	o->timer += e->kind == STACK_TRACE_TIMER;
	o->drop += e->kind == STACK_TRACE_DROP;
	if (!e->why || !*e->why)
		o->broken = "an event without its reason";
	else if ((e->kind == STACK_TRACE_PACKET_IN || e->kind == STACK_TRACE_PACKET_OUT) &&
		 (!e->packet || e->packet_len < 20))
		o->broken = "a packet's event without the packet";
	else if ((unsigned)e->state_after >= TCP_STATE_COUNT)
		o->broken = "no state";
}

static void test_trace_tells_of_every_packet(void **state)
{
	struct wire *w = *state;
	struct observer o = {0};

	w->cfg.trace = observe;
	w->cfg.trace_ctx = &o;
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	check_equal(w, o.in + o.drop, 2);
	check_equal(w, o.out, 1);
	send_bytes(w, 100);
	drain(w);
	inject(w, "* P. 1:101(100) ack 1");
	drain(w);
	recv_bytes(w, 100);
	advance_us(w, 250000);
	check_equal(w, drain(w), 1);
	check(w, o.timer >= 1);
	inject(w, "* . 900000:900000(0) ack 1");
	drain(w);
	wire_shutdown(w);
	drain(w);
	check(w, o.state >= 1);
	inject(w, "* F. 101:101(0) ack 102");
	drain(w);
	check_equal(w, o.in + o.drop, 5);
	/* And what is dropped before it comes to TCP. */
	static const uint8_t junk[24] = {0x45};
	for (size_t len = 0; len <= sizeof junk; len++)
		wire_inject_raw(w, junk, len);
	check_equal(w, o.in + o.drop, 5 + sizeof junk + 1);
	if (o.broken)
		wire_fail(w, __FILE__, __LINE__, "the trace: %s", o.broken);
	w->cfg.trace = NULL;
	wire_restart(w);
}

static void count_states(void *ctx, const struct tcp_info *info)
{
	((unsigned *)ctx)[info->state]++;
}

static void test_every_kind_of_endpoint_is_listed(void **state)
{
	struct wire *w = *state;
	unsigned n[TCP_STATE_COUNT] = {0};

	wire_listen(w, WIRE_PORT, 16);
	handshake(w, 1001);
	wire_accept(w);
	wire_close(w);
	expect(w, "* F. 1:1(0) ack 1");
	inject(w, "* F. 1:1(0) ack 2");
	drain(w);
	handshake(w, 1002);
	w->rport = 1003;
	inject(w, "* S 0:0(0) " SYN_WORDS);
	drain(w);
	wire_accept(w);
	stack_each_conn(w->s, count_states, n);
	check_equal(w, n[TCP_TIME_WAIT], 1);
	check_equal(w, n[TCP_ESTABLISHED], 1);
	check_equal(w, n[TCP_SYN_RECEIVED], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_connection_limit_makes_clients_wait),
		WIRE_TEST(test_memory_limit_is_reached_and_left),
		WIRE_TEST(test_send_memory_limit_comes_back_as_no_room),
		WIRE_TEST(test_segments_without_effect_take_no_memory),
		WIRE_TEST_ONCE(test_invalid_configurations_are_refused),
		WIRE_TEST(test_urgent_data_are_in_band),
		WIRE_TEST(test_urg_in_every_state),
		WIRE_TEST(test_random_segments_and_calls),
		WIRE_TEST_ONCE(test_same_calls_give_same_packets),
		WIRE_TEST(test_trace_tells_of_every_packet),
		WIRE_TEST(test_every_kind_of_endpoint_is_listed),
		WIRE_TEST_ONCE(test_destroy_frees_what_lives),
	};

	return cmocka_run_group_tests_name("stack: robustness", tests, NULL, NULL);
}
