/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resets and what looks like an attack: RST and SYN in and out of the window (RFC 5961), half-open
 * connections (RFC 9293 3.5.1), the RST that answers a segment for nobody, and our own aborts.
 */
#include <stdio.h>

#include "stack/tcp_types.h"
#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1460>"

/* ------------------------------------------------------------------ RST received */

static void test_exact_rst_ends_the_connection(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.000 P. 1:101(100) ack 1");
	expect(w, "0.000 . 1:1(0) ack 101");
	send_bytes(w, 1000);
	drain(w);
	inject(w, "0.010 R 101:101(0)");
	expect_none(w, "100");
	expect_closed(w, TCP_CLOSE_RESET);
	expect_state(w, TCP_CLOSED);
	check_equal(w, counters(w)->tcp_estab_resets, 1);
	/* The handle is still ours, and safe to use. */
	struct slice_mut room[2];
	check_equal(w, tcp_send_reserve(w->c, 10, room), 0);
	check_equal(w, tcp_send_space(w->c), 0);
	check(w, tcp_shutdown(w->c) == STACK_ERR_STATE || tcp_shutdown(w->c) == STACK_OK);
	tcp_set_timer(w->c, w->now_us + 1000);
	check_equal(w, wire_info(w).state, TCP_CLOSED);
	wire_close(w);
	check_equal(w, wire_usage(w).connections, 0);
	expect_none(w, "200");
}

/* RFC 5961 3.2. */
static void test_rst_elsewhere_in_the_window_is_challenged(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.000 R 2:2(0)");
	expect(w, "0.000 . 1:1(0) ack 1");
	inject(w, "0.010 R. 60000:60000(0) ack 1");
	expect(w, "0.010 . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	check_equal(w, counters(w)->tcp_challenge_acks, 2);
	/* A peer that really has reset answers the challenge with the exact number. */
	inject(w, "0.020 R 1:1(0)");
	expect_closed(w, TCP_CLOSE_RESET);
}

static void test_rst_outside_the_window_is_dropped(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.000 R 0:0(0)");
	inject(w, "0.000 R -100000:-100000(0)");
	inject(w, "0.000 R 300001:300001(0)");
	inject(w, "0.000 R. 2000000000:2000000000(0) ack 1");
	expect_none(w, "10");
	expect_state(w, TCP_ESTABLISHED);
}

static void test_rst_ends_every_synchronized_state(void **state)
{
	struct wire *w = *state;
	static const struct {
		bool shutdown; /* ours, before */
		const char *before;
		enum tcp_state in;
		const char *rst;
		enum tcp_close_reason reason;
	} cases[] = {
		{true, NULL, TCP_FIN_WAIT_1, "+0 R 1:1(0)", TCP_CLOSE_RESET},
		{true, "+0 . 1:1(0) ack 2", TCP_FIN_WAIT_2, "+0 R 1:1(0)", TCP_CLOSE_RESET},
		{false, "+0 F. 1:1(0) ack 1", TCP_CLOSE_WAIT, "+0 R 2:2(0)", TCP_CLOSE_RESET},
		{true, "+0 F. 1:1(0) ack 1", TCP_CLOSING, "+0 R 2:2(0)", TCP_CLOSE_ORDERLY},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		wire_establish(w, SYN_WORDS);
		if (cases[i].shutdown)
			wire_shutdown(w);
		drain(w);
		if (cases[i].before)
			inject(w, cases[i].before);
		drain(w);
		expect_state(w, cases[i].in);
		inject(w, cases[i].rst);
		check_equal(w, wire_waiting(w), 0);
		expect_state(w, TCP_CLOSED);
		expect_closed(w, cases[i].reason);
		wire_restart(w);
	}
	wire_establish(w, SYN_WORDS);
	inject(w, "+0 F. 1:1(0) ack 1");
	drain(w);
	wire_shutdown(w);
	drain(w);
	expect_state(w, TCP_LAST_ACK);
	inject(w, "+0 R 2:2(0)");
	expect_state(w, TCP_CLOSED);
	expect_closed(w, TCP_CLOSE_ORDERLY);
}

static void test_challenges_are_limited_per_connection(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	struct tcp_conn *first = w->c;
	for (unsigned i = 0; i < 1000; i++) {
		const struct seg g = wire_seg(w, i % 2 ? "R 1000:1000(0)" : "S 500:500(0)");
		wire_inject_seg(w, &g);
	}
	check_equal(w, drain(w), TCP_CHALLENGE_ACKS);
	check_equal(w, counters(w)->tcp_challenge_acks_limited, 1000 - TCP_CHALLENGE_ACKS);
	/* CVE-2016-5696: another connection must not be able to notice. */
	w->rport++;
	inject(w, "* S 0:0(0) " SYN_WORDS);
	expect(w, "* S. 0:0(0) ack 1");
	inject(w, "* . 1:1(0) ack 1");
	wire_accept(w);
	inject(w, "* R 1000:1000(0)");
	expect(w, "* . 1:1(0) ack 1");
	wire_abort(w);
	drain(w);
	/* And a second later the first one answers again. */
	w->rport--;
	w->c = first;
	inject(w, "+1.1 R 1000:1000(0)");
	expect(w, "* . 1:1(0) ack 1");
}

/* ------------------------------------------------------------------ SYN received */

/* RFC 5961 4.2: whatever its number. */
static void test_syn_in_established_is_challenged(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.000 S 1:1(0) win 65535");
	expect(w, "0.000 . 1:1(0) ack 1");
	inject(w, "0.010 S 5000:5000(0) win 65535");
	expect(w, "0.010 . 1:1(0) ack 1");
	inject(w, "0.020 S 0:0(0) win 65535");
	expect(w, "0.020 . 1:1(0) ack 1");
	inject(w, "0.030 S 1000000000:1000000000(0) win 65535");
	expect(w, "0.030 . 1:1(0) ack 1");
	inject(w, "0.040 S. 1:1(0) ack 1 win 65535");
	expect(w, "0.040 . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
}

/* Our third segment was lost: the peer repeats its SYN-ACK. */
static void test_repeated_syn_ack_is_acknowledged(void **state)
{
	struct wire *w = *state;

	wire_establish_active(w);
	inject(w, "1.000 S. 0:0(0) ack 1 win 65535 <mss 1460>");
	expect(w, "1.000 . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
}

/* RFC 9293 figure 10: the peer has crashed and comes back with a SYN for the old connection. */
static void test_half_open_connection_is_discovered_by_a_syn(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "100 S 400:400(0) " SYN_WORDS);
	expect(w, "100 . 1:1(0) ack 1");
	inject(w, "100.010 R 1:1(0)");
	expect_closed(w, TCP_CLOSE_RESET);
	inject(w, "101 S 400:400(0) " SYN_WORDS);
	expect(w, "101 S. 0:0(0) ack 401");
}

/* RFC 9293 figure 11: we send, and the peer knows nothing any more. */
static void test_half_open_connection_is_discovered_by_data(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 100);
	expect(w, "0.000 P. 1:101(100) ack 1");
	inject(w, "0.010 R 1:1(0)");
	expect_closed(w, TCP_CLOSE_RESET);
}

/* ------------------------------------------------------------------ two ends out of step */

static void test_acks_out_of_the_window_do_not_start_a_war(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	for (unsigned i = 0; i < 1000; i++) {
		const struct seg g = wire_seg(w, ". 900000:900000(0) ack 1");
		wire_inject_seg(w, &g);
	}
	check_equal(w, drain(w), TCP_CHALLENGE_ACKS);
	expect_state(w, TCP_ESTABLISHED);
}

static void test_blind_data_are_not_taken(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.000 P. 1:101(100) ack 70000 fill x");
	expect(w, "0.000 . 1:1(0) ack 1");
	inject(w, "0.010 P. 1:101(100) ack -70000 fill x");
	expect(w, "0.010 . 1:1(0) ack 1");
	inject(w, "0.020 P. 400000:400100(100) ack 1 fill x");
	expect(w, "0.020 . 1:1(0) ack 1");
	inject(w, "0.030 P 1:101(100) fill x"); /* no ACK at all */
	expect_none(w, "0.040");
	inject(w, "0.040 P. 1:101(100) ack 1");
	expect(w, "0.040 . 1:1(0) ack 101");
	recv_bytes(w, 100);
}

/* ------------------------------------------------------------------ RST for a segment to nobody */

/* What came back, in absolute numbers. */
static struct seg only_reply(struct wire *w)
{
	struct wire_packet *p = wire_take(w);
	const char *what = NULL;
	struct seg g;

	check(w, p && wire_decode(p->bytes, p->len, &g, &what));
	test_free(p);
	check_equal(w, wire_waiting(w), 0);
	return g;
}

/* RFC 9293 3.10.7.1. */
static void test_closed_port_resets(void **state)
{
	struct wire *w = *state;
	static const struct {
		const char *text;
		uint32_t space; /* sequence numbers that it takes; UINT32_MAX: it has ACK */
	} cases[] = {
		{"S 7:7(0) to 81", 1},
		{"S 7:17(10) to 81", 11},
		{"F 7:7(0) to 81", 1},
		{"F 7:17(10) to 81", 11},
		{"SF 7:17(10) to 81", 12},
		{"- 7:17(10) to 81", 10},
		{"- 7:7(0) to 81", 0},
		{"U 7:17(10) urg 3 to 81", 10},
		{". 7:7(0) ack 99 to 81", UINT32_MAX},
		{"P. 7:107(100) ack 99 to 81", UINT32_MAX},
		{"S. 7:7(0) ack 99 to 81", UINT32_MAX},
		{"F. 7:7(0) ack 99 to 81", UINT32_MAX},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct seg in = wire_seg(w, cases[i].text);
		wire_inject_seg(w, &in);
		const struct seg out = only_reply(w);
		check_equal(w, out.sport, 81);
		check_equal(w, out.dport, in.sport);
		check_equal(w, out.len, 0);
		if (cases[i].space == UINT32_MAX) {
			check_equal(w, out.flags, RST);
			check_equal(w, out.seq, in.ack);
		} else {
			check_equal(w, out.flags, RST | ACK);
			check_equal(w, out.seq, 0);
			check_equal(w, out.ack, in.seq + cases[i].space);
		}
	}
	check_equal(w, counters(w)->tcp_out_rsts, sizeof cases / sizeof cases[0]);
}

static void test_rst_is_never_answered(void **state)
{
	struct wire *w = *state;

	inject(w, "0.000 R 7:7(0) to 81");
	inject(w, "0.000 R. 7:7(0) ack 99 to 81");
	inject(w, "0.000 SR 7:7(0) to 81");
	inject(w, "0.000 FR. 7:107(100) ack 99 to 81");
	expect_none(w, "10");
}

/* ------------------------------------------------------------------ our own aborts */

static void test_abort_sends_rst(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 100);
	expect(w, "0.000 P. 1:101(100) ack 1");
	inject(w, "0.010 P. 1:51(50) ack 51");
	expect(w, "0.010 . 101:101(0) ack 51");
	wire_abort(w);
	expect(w, "0.010 R. 101:101(0) ack 51");
	expect_state(w, TCP_CLOSED);
	check_equal(w, wire_usage(w).connections, 0);
	expect_none(w, "100");
	inject(w, "100 . 51:51(0) ack 101"); /* what is still under way meets nobody */
	expect(w, "100 R 101:101(0)");
}

static void test_abort_in_every_state_leaves_nothing(void **state)
{
	struct wire *w = *state;
	static const struct {
		const char *before;
		bool shutdown;
		const char *after;
		enum tcp_state in;
	} cases[] = {
		{NULL, false, NULL, TCP_ESTABLISHED},
		{NULL, true, NULL, TCP_FIN_WAIT_1},
		{NULL, true, "+0 . 1:1(0) ack 2", TCP_FIN_WAIT_2},
		{"+0 F. 1:1(0) ack 1", false, NULL, TCP_CLOSE_WAIT},
		{NULL, true, "+0 F. 1:1(0) ack 1", TCP_CLOSING},
		{"+0 F. 1:1(0) ack 1", true, NULL, TCP_LAST_ACK},
		{NULL, true, "+0 F. 1:1(0) ack 2", TCP_TIME_WAIT},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		wire_establish(w, SYN_WORDS);
		if (cases[i].before)
			inject(w, cases[i].before);
		drain(w);
		if (cases[i].shutdown)
			wire_shutdown(w);
		drain(w);
		if (cases[i].after)
			inject(w, cases[i].after);
		drain(w);
		expect_state(w, cases[i].in);
		wire_abort(w);
		/* RFC 9293 3.10.5: a RST from the states in which the peer still expects
		 * something. */
		if (cases[i].in != TCP_CLOSING && cases[i].in != TCP_LAST_ACK)
			check_equal(w, wire_waiting(w), cases[i].in == TCP_TIME_WAIT ? 0 : 1);
		drain(w);
		check_equal(w, wire_usage(w).connections, 0);
		wire_restart(w);
	}
}

/* RFC 1122 4.2.2.13, RFC 2525 2.17: the peer must learn that its data were not read. */
static void test_close_with_unread_data_resets(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.000 P. 1:101(100) ack 1");
	expect(w, "0.000 . 1:1(0) ack 101");
	recv_bytes(w, 99);
	wire_close(w);
	expect(w, "0.000 R. 1:1(0) ack 101");
	expect_state(w, TCP_CLOSED);
	check_equal(w, wire_usage(w).connections, 0);
}

static void test_data_after_close_are_reset(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	wire_close(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	inject(w, "0.010 . 1:1(0) ack 2");
	inject(w, "0.020 P. 1:101(100) ack 2");
	struct seg g = only_reply(w);
	check(w, g.flags & RST);
	check_equal(w, g.seq, w->iss + 2);
	expect_state(w, TCP_CLOSED);
	check_equal(w, wire_usage(w).connections, 0);
}

static void test_data_after_shutdown_are_taken(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	wire_shutdown(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	inject(w, "0.020 P. 1:101(100) ack 2");
	expect(w, "0.020 . 2:2(0) ack 101");
	recv_bytes(w, 100);
}

static void test_reset_connection_in_the_accept_queue(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) " SYN_WORDS);
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.000 . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	inject(w, "0.010 R 1:1(0)");
	expect_state(w, TCP_CLOSED);
	check(w, tcp_accept(w->listener) == NULL);
	check_equal(w, wire_usage(w).connections, 0);
}

static void test_unlisten_resets_the_accept_queue(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) " SYN_WORDS);
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.000 . 1:1(0) ack 1");
	tcp_unlisten(w->listener);
	w->listener = NULL;
	advance_us(w, 0);
	expect(w, "0.000 R. 1:1(0) ack 1");
	check_equal(w, wire_usage(w).connections, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_exact_rst_ends_the_connection),
		WIRE_TEST(test_rst_elsewhere_in_the_window_is_challenged),
		WIRE_TEST(test_rst_outside_the_window_is_dropped),
		WIRE_TEST(test_rst_ends_every_synchronized_state),
		WIRE_TEST(test_challenges_are_limited_per_connection),
		WIRE_TEST(test_syn_in_established_is_challenged),
		WIRE_TEST(test_repeated_syn_ack_is_acknowledged),
		WIRE_TEST(test_half_open_connection_is_discovered_by_a_syn),
		WIRE_TEST(test_half_open_connection_is_discovered_by_data),
		WIRE_TEST(test_acks_out_of_the_window_do_not_start_a_war),
		WIRE_TEST(test_blind_data_are_not_taken),
		WIRE_TEST(test_closed_port_resets),
		WIRE_TEST(test_rst_is_never_answered),
		WIRE_TEST(test_abort_sends_rst),
		WIRE_TEST(test_abort_in_every_state_leaves_nothing),
		WIRE_TEST(test_close_with_unread_data_resets),
		WIRE_TEST(test_data_after_close_are_reset),
		WIRE_TEST(test_data_after_shutdown_are_taken),
		WIRE_TEST(test_reset_connection_in_the_accept_queue),
		WIRE_TEST(test_unlisten_resets_the_accept_queue),
	};

	return cmocka_run_group_tests_name("stack: reset", tests, NULL, NULL);
}
