/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The passive side of opening a connection: LISTEN and SYN-RECEIVED, where a half-open client is an
 * entry of the SYN cache (RFC 9293 3.5, 3.10.7.2; RFC 4987 3.4).
 */
#include "tests/unit/wire.h"

/* ------------------------------------------------------------------ passive open */

static void test_three_way_handshake(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.000 S. 0:0(0) ack 1 <mss 1460>");
	expect_state(w, TCP_SYN_RECEIVED);
	check_equal(w, wire_usage(w).half_open, 1);
	check_equal(w, wire_usage(w).connections, 0);
	check(w, tcp_accept(w->listener) == NULL);
	check_equal(w, wire_events(w, STACK_EVENT_ACCEPT), 0);
	inject(w, "0.010 . 1:1(0) ack 1");
	expect_none(w, "0.010");
	expect_state(w, TCP_ESTABLISHED);
	check_equal(w, wire_events(w, STACK_EVENT_ACCEPT), 1);
	check_equal(w, wire_usage(w).half_open, 0);
	check_equal(w, wire_usage(w).connections, 1);
	wire_accept(w);
	const struct tcp_info info = wire_info(w);
	check_equal(w, info.remote.port, WIRE_PEER_PORT);
	check_equal(w, info.local.port, WIRE_PORT);
	check_equal(w, info.iss, w->iss);
	check_equal(w, info.irs, w->irs);
	check(w, tcp_accept(w->listener) == NULL);
	expect_none(w, "100");
	expect_state(w, TCP_ESTABLISHED);
}

static void test_third_segment_may_carry_data(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.000 P. 1:101(100) ack 1");
	expect(w, "0.000 . 1:1(0) ack 101");
	wire_accept(w);
	recv_bytes(w, 100);
}

static void test_data_complete_the_handshake_when_the_third_segment_is_lost(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.010 P. 101:201(100) ack 1"); /* and the first segment of data is late */
	expect(w, "0.010 . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	inject(w, "0.020 . 1:101(100) ack 1");
	expect(w, "0.020 . 1:1(0) ack 201");
	wire_accept(w);
	recv_bytes(w, 200);
}

static void test_third_segment_may_carry_fin(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.000 FP. 1:11(10) ack 1");
	expect(w, "0.000 . 1:1(0) ack 12");
	expect_state(w, TCP_CLOSE_WAIT);
	wire_accept(w);
	recv_bytes(w, 10);
	check(w, tcp_recv_finished(w->c));
	wire_close(w);
	expect(w, "0.000 F. 1:1(0) ack 12");
	inject(w, "0.000 . 12:12(0) ack 2");
	expect_state(w, TCP_CLOSED);
}

static void test_retransmitted_syn_gets_the_same_answer(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.000 S. 0:0(0) ack 1 <mss 1460>");
	inject(w, "0.500 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.500 S. 0:0(0) ack 1 <mss 1460>");
	check_equal(w, wire_usage(w).half_open, 1);
	inject(w, "0.510 . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	wire_accept(w);
}

static void test_lost_syn_ack_is_sent_again(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	expect(w, "1.000 S. 0:0(0) ack 1");
	expect(w, "3.000 S. 0:0(0) ack 1");
	inject(w, "3.100 . 1:1(0) ack 1");
	expect_none(w, "20.0");
	expect_state(w, TCP_ESTABLISHED);
	wire_accept(w);
}

static void test_silent_client_is_given_up(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	expect(w, "1.000 S. 0:0(0) ack 1");
	expect(w, "3.000 S. 0:0(0) ack 1");
	expect(w, "7.000 S. 0:0(0) ack 1");
	expect(w, "15.00 S. 0:0(0) ack 1");
	expect(w, "31.00 S. 0:0(0) ack 1");
	expect_none(w, "1000");
	expect_state(w, TCP_CLOSED);
	check_equal(w, wire_usage(w).half_open, 0);
	check_equal(w, counters(w)->tcp_syn_cache_timeouts, 1);
}

/* RFC 9293 3.10.7.2, in its order: RST, ACK, SYN, anything else. */
static void test_listener_ignores_rst(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 R 0:0(0)");
	inject(w, "0.000 R. 0:0(0) ack 1");
	inject(w, "0.000 SR 0:0(0)");
	expect_none(w, "10.0");
}

static void test_listener_answers_ack_with_rst(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 . 500:500(0) ack 777");
	expect(w, "0.000 R 777:777(0)");
	inject(w, "0.000 S. 500:500(0) ack 777");
	expect(w, "0.000 R 777:777(0)");
	inject(w, "0.000 F. 500:600(100) ack 777");
	expect(w, "0.000 R 777:777(0)");
	expect_state(w, TCP_CLOSED);
}

static void test_listener_drops_what_is_neither_syn_nor_ack(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 F 0:0(0)");
	inject(w, "0.000 - 0:100(100)");
	inject(w, "0.000 P 0:100(100)");
	inject(w, "0.000 U 0:100(100) urg 5");
	expect_none(w, "10.0");
	expect_state(w, TCP_CLOSED);
}

/* A handshake's payload is not acknowledged, so the client sends it again: no half-open entry
 * holds data. */
static void test_data_on_a_syn_are_left_to_be_sent_again(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:100(100) win 65535 <mss 1460>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.010 . 1:101(100) ack 1");
	expect(w, "0.010 . 1:1(0) ack 101");
	wire_accept(w);
	recv_bytes(w, 100);
}

/* ------------------------------------------------------------------ SYN-RECEIVED */

/* RFC 9293 figure 9. */
static void test_old_duplicate_syn_is_reset_by_the_peer(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 90:90(0) win 1000");
	expect(w, "0.000 S. 0:0(0) ack 91");
	inject(w, "0.010 R 91:91(0)");
	expect_state(w, TCP_CLOSED);
	inject(w, "0.020 S 100:100(0) win 1000");
	expect(w, "0.020 S. 0:0(0) ack 101");
	inject(w, "0.030 . 101:101(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	w->any_payload = true;
	wire_accept(w);
}

static void test_syn_received_rst_at_rcv_nxt_removes_the_entry(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.001 R 1:1(0)");
	expect_none(w, "100");
	expect_state(w, TCP_CLOSED);
	check_equal(w, wire_usage(w).half_open, 0);
	check_equal(w, counters(w)->tcp_syn_cache_resets, 1);
	check_equal(w, wire_events(w, STACK_EVENT_ACCEPT), 0);
}

static void test_syn_received_rst_elsewhere_does_not_remove_it(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.001 R 0:0(0)"); /* left of the window: dropped */
	expect_none(w, "0.002");
	inject(w, "0.002 R 100000000:100000000(0)");
	expect_none(w, "0.003");
	inject(w, "0.003 R 2:2(0)"); /* inside, not exact: challenge ACK, RFC 5961 3.2 */
	expect(w, "0.003 . 1:1(0) ack 1");
	expect_state(w, TCP_SYN_RECEIVED);
	inject(w, "0.010 . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	wire_accept(w);
}

static void test_syn_received_wrong_ack_is_reset(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.001 . 1:1(0) ack 0");
	expect(w, "0.001 R 0:0(0)");
	inject(w, "0.002 . 1:1(0) ack 2");
	expect(w, "0.002 R 2:2(0)");
	inject(w, "0.003 . 1:11(10) ack -5");
	expect(w, "0.003 R -5:-5(0)");
	expect_state(w, TCP_SYN_RECEIVED);
	inject(w, "0.004 . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	wire_accept(w);
}

static void test_syn_received_ack_out_of_window_is_answered(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.001 . 200000000:200000000(0) ack 1");
	expect(w, "0.001 . 1:1(0) ack 1");
	expect_state(w, TCP_SYN_RECEIVED);
	inject(w, "0.002 . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	wire_accept(w);
}

static void test_syn_received_ignores_segments_without_ack(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.001 - 1:11(10)");
	inject(w, "0.001 F 1:1(0)");
	expect_none(w, "0.900");
	expect_state(w, TCP_SYN_RECEIVED);
}

static void test_closed_listener_forgets_half_open_clients(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535");
	expect(w, "0.000 S. 0:0(0) ack 1");
	tcp_unlisten(w->listener);
	w->listener = NULL;
	inject(w, "0.001 . 1:1(0) ack 1");
	expect(w, "* R 1:1(0)");
	expect_none(w, "100");
	expect_state(w, TCP_CLOSED);
}

/* What has happened before tcp_accept is told after it. */
static void test_events_wait_for_accept(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.000 . 1:1(0) ack 1");
	inject(w, "0.010 P. 1:101(100) ack 1");
	expect(w, "0.010 . 1:1(0) ack 101");
	inject(w, "0.020 F. 101:101(0) ack 1");
	expect(w, "0.020 . 1:1(0) ack 102");
	check_equal(w, wire_events(w, STACK_EVENT_READABLE), 0);
	wire_accept(w);
	check_equal(w, wire_events(w, STACK_EVENT_READABLE), 1);
	check_equal(w, wire_events(w, STACK_EVENT_PEER_FIN), 1);
	recv_bytes(w, 100);
}

/* One port of the client per address: two clients with the same port are two connections. */
static void test_clients_differ_by_address(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	struct seg g = wire_seg(w, "S 7:7(0) win 65535 <mss 1460>");
	g.src = WIRE_PEER + 5;
	wire_inject_seg(w, &g);
	check_equal(w, wire_usage(w).half_open, 2);
	drain(w);
	inject(w, "0.010 . 1:1(0) ack 1");
	check_equal(w, wire_usage(w).half_open, 1);
	check_equal(w, wire_usage(w).connections, 1);
	wire_accept(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_three_way_handshake),
		WIRE_TEST(test_third_segment_may_carry_data),
		WIRE_TEST(test_data_complete_the_handshake_when_the_third_segment_is_lost),
		WIRE_TEST(test_third_segment_may_carry_fin),
		WIRE_TEST(test_retransmitted_syn_gets_the_same_answer),
		WIRE_TEST(test_lost_syn_ack_is_sent_again),
		WIRE_TEST(test_silent_client_is_given_up),
		WIRE_TEST(test_listener_ignores_rst),
		WIRE_TEST(test_listener_answers_ack_with_rst),
		WIRE_TEST(test_listener_drops_what_is_neither_syn_nor_ack),
		WIRE_TEST(test_data_on_a_syn_are_left_to_be_sent_again),
		WIRE_TEST(test_old_duplicate_syn_is_reset_by_the_peer),
		WIRE_TEST(test_syn_received_rst_at_rcv_nxt_removes_the_entry),
		WIRE_TEST(test_syn_received_rst_elsewhere_does_not_remove_it),
		WIRE_TEST(test_syn_received_wrong_ack_is_reset),
		WIRE_TEST(test_syn_received_ack_out_of_window_is_answered),
		WIRE_TEST(test_syn_received_ignores_segments_without_ack),
		WIRE_TEST(test_closed_listener_forgets_half_open_clients),
		WIRE_TEST(test_events_wait_for_accept),
		WIRE_TEST(test_clients_differ_by_address),
	};

	return cmocka_run_group_tests_name("stack: passive open", tests, NULL, NULL);
}
