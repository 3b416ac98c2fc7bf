/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The active side of opening a connection: SYN-SENT, and both sides at once (RFC 9293 3.5,
 * 3.10.7.3). Then the endpoints themselves: which may be used, and by whom.
 */
#include "tests/unit/wire.h"

/* ------------------------------------------------------------------ active open */

static void test_active_open(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	expect_state(w, TCP_SYN_SENT);
	inject(w, "0.050 S. 0:0(0) ack 1 win 65535 <mss 1460>");
	expect(w, "0.050 . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	check_equal(w, wire_events(w, STACK_EVENT_CONNECTED), 1);
	check_equal(w, counters(w)->tcp_active_opens, 1);
}

static void test_syn_is_retransmitted_with_backoff(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	expect(w, "1.000 S 0:0(0)");
	expect(w, "3.000 S 0:0(0)");
	expect(w, "7.000 S 0:0(0)");
	expect(w, "15.000 S 0:0(0)");
	inject(w, "15.1 S. 0:0(0) ack 1 win 65535 <mss 1460>");
	expect(w, "15.1 . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	/* RFC 6298 5.7: the SYN was lost, so the RTO starts from 3 s at least 1 s. */
	check(w, wire_info(w).rto_us >= 1000000);
}

static void test_unanswered_connect_times_out(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	while (wire_events(w, STACK_EVENT_CLOSED) == 0 && w->now_us < w->start_us + 1000000000ull)
		advance_us(w, 1000000);
	check(w, drain(w) >= 5);
	expect_closed(w, TCP_CLOSE_TIMEOUT);
	expect_state(w, TCP_CLOSED);
	expect_none(w, "2000");
}

static void test_connection_refused(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	inject(w, "0.010 R. 0:0(0) ack 1");
	expect_none(w, "10.0");
	expect_closed(w, TCP_CLOSE_REFUSED);
	expect_state(w, TCP_CLOSED);
	check_equal(w, counters(w)->tcp_attempt_fails, 1);
}

/* RFC 9293 3.10.7.3, second: without an acceptable ACK a RST is dropped. */
static void test_syn_sent_ignores_unproven_rst(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	inject(w, "0.010 R 0:0(0)");
	inject(w, "0.010 R. 0:0(0) ack 0");
	inject(w, "0.010 R. 0:0(0) ack 2");
	expect_none(w, "0.020");
	expect_state(w, TCP_SYN_SENT);
	inject(w, "0.050 S. 0:0(0) ack 1 win 65535");
	expect(w, "0.050 . 1:1(0) ack 1");
}

/* RFC 9293 figure 10, half-open discovery: the peer has a connection that we know nothing of any
 * more. */
static void test_syn_sent_resets_an_unacceptable_ack(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	inject(w, "0.010 . 300:300(0) ack 100");
	expect(w, "0.010 R 100:100(0)");
	expect_state(w, TCP_SYN_SENT);
	inject(w, "0.020 S. 300:300(0) ack 0");
	expect(w, "0.020 R 0:0(0)");
	inject(w, "0.020 . 300:400(100) ack 5");
	expect(w, "0.020 R 5:5(0)");
	expect(w, "1.000 S 0:0(0)");
	inject(w, "1.010 S. 0:0(0) ack 1 win 65535");
	expect(w, "1.010 . 1:1(0) ack 1");
}

static void test_syn_sent_drops_an_acceptable_ack_without_syn(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	inject(w, "0.010 . 1:1(0) ack 1");
	inject(w, "0.010 . 1:101(100) ack 1");
	inject(w, "0.010 F. 1:1(0) ack 1");
	inject(w, "0.010 - 1:101(100)");
	expect_none(w, "0.900");
	expect_state(w, TCP_SYN_SENT);
}

static void test_syn_ack_with_data_and_fin(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	inject(w, "0.010 SFP. 0:50(50) ack 1 win 65535");
	expect(w, "0.010 . 1:1(0) ack 1"); /* they are left to be sent again */
	expect_state(w, TCP_ESTABLISHED);
	inject(w, "0.010 FP. 1:51(50) ack 1 win 65535");
	expect(w, "0.010 . 1:1(0) ack 52");
	expect_state(w, TCP_CLOSE_WAIT);
	recv_bytes(w, 50);
	check(w, tcp_recv_finished(w->c));
	wire_close(w);
	expect(w, "0.010 F. 1:1(0) ack 52");
	inject(w, "0.020 . 52:52(0) ack 2");
	expect_state(w, TCP_CLOSED);
}

static void test_data_written_before_the_handshake_follow_it(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	send_bytes(w, 200);
	expect_none(w, "0.010");
	inject(w, "0.010 S. 0:0(0) ack 1 win 65535 <mss 1460>");
	expect(w, "0.010 P. 1:201(200) ack 1");
	inject(w, "0.020 . 1:1(0) ack 201");
	check_equal(w, tcp_send_pending(w->c), 0);
}

static void test_close_in_syn_sent_forgets_the_attempt(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	wire_close(w);
	expect_state(w, TCP_CLOSED);
	expect_none(w, "10.0");
	inject(w, "10.0 S. 0:0(0) ack 1 win 65535");
	expect(w, "10.0 R 1:1(0)");
}

static void test_abort_in_syn_sent_sends_nothing(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	wire_abort(w);
	expect_none(w, "100");
	expect_state(w, TCP_CLOSED);
}

/* RFC 9293 figure 7. */
static void test_simultaneous_open(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	inject(w, "0.010 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.010 S. 0:0(0) ack 1");
	expect_state(w, TCP_SYN_RECEIVED);
	inject(w, "0.020 S. 0:0(0) ack 1 win 65535 <mss 1460>");
	drain(w); /* an ACK of the peer's second SYN is allowed */
	expect_state(w, TCP_ESTABLISHED);
	check_equal(w, wire_events(w, STACK_EVENT_CONNECTED), 1);
	send_bytes(w, 10);
	expect(w, "0.020 P. 1:11(10) ack 1");
	inject(w, "0.030 . 1:21(20) ack 11");
	expect(w, "* . 11:11(0) ack 21");
	recv_bytes(w, 20);
}

static void test_simultaneous_open_completed_by_a_plain_ack(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	inject(w, "0.010 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.010 S. 0:0(0) ack 1");
	inject(w, "0.020 . 1:1(0) ack 1");
	expect_none(w, "0.030");
	expect_state(w, TCP_ESTABLISHED);
	check_equal(w, wire_events(w, STACK_EVENT_CONNECTED), 1);
}

static void test_simultaneous_open_retransmits_the_syn_ack(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	inject(w, "0.010 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.010 S. 0:0(0) ack 1");
	expect(w, "> 0.900 S. 0:0(0) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
}

static void test_simultaneous_open_reset(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	inject(w, "0.010 S 0:0(0) win 65535");
	expect(w, "0.010 S. 0:0(0) ack 1");
	inject(w, "0.020 R 1:1(0)");
	expect_none(w, "10.0");
	expect_closed(w, TCP_CLOSE_REFUSED);
	expect_state(w, TCP_CLOSED);
}

/* RFC 9293 3.10.7.4, fifth, SYN-RECEIVED: an ACK that is not acceptable is answered with a RST. */
static void test_simultaneous_open_wrong_ack_is_reset(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	inject(w, "0.010 S 0:0(0) win 65535");
	expect(w, "0.010 S. 0:0(0) ack 1");
	inject(w, "0.020 . 1:1(0) ack 2");
	expect(w, "0.020 R 2:2(0)");
	expect_state(w, TCP_SYN_RECEIVED);
	inject(w, "0.030 . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
}

static void test_data_written_in_syn_received_follow_the_handshake(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	inject(w, "0.010 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.010 S. 0:0(0) ack 1");
	send_bytes(w, 100);
	expect_none(w, "0.020");
	inject(w, "0.020 . 1:1(0) ack 1");
	expect(w, "0.020 P. 1:101(100) ack 1");
}

static void test_close_in_syn_received_sends_fin_after_the_handshake(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	inject(w, "0.010 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.010 S. 0:0(0) ack 1");
	wire_close(w);
	expect_none(w, "0.015");
	inject(w, "0.020 . 1:1(0) ack 1");
	expect(w, "0.020 F. 1:1(0) ack 1");
	expect_state(w, TCP_FIN_WAIT_1);
	inject(w, "0.030 . 1:1(0) ack 2");
	expect_state(w, TCP_FIN_WAIT_2);
}

static void test_shutdown_in_syn_sent_sends_fin_after_the_handshake(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	send_bytes(w, 100);
	wire_shutdown(w);
	expect_none(w, "0.010");
	inject(w, "0.010 S. 0:0(0) ack 1 win 65535 <mss 1460>");
	expect(w, "0.010 FP. 1:101(100) ack 1");
	expect_state(w, TCP_FIN_WAIT_1);
	inject(w, "0.020 F. 1:1(0) ack 102");
	expect(w, "0.020 . 102:102(0) ack 2");
	expect_state(w, TCP_TIME_WAIT);
}

static void test_calls_after_shutdown_and_the_users_pointer(void **state)
{
	struct wire *w = *state;
	struct slice_mut room[2];

	wire_establish_active(w);
	check(w, tcp_user(w->c) == NULL);
	tcp_set_user(w->c, w);
	check(w, tcp_user(w->c) == w);
	wire_shutdown(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	check_equal(w, tcp_shutdown(w->c), STACK_ERR_STATE);
	check_equal(w, tcp_send_reserve(w->c, 10, room), 0);
	check_equal(w, tcp_send_all(w->c, (const uint8_t *)"x", 1, false), 0);
	expect_none(w, "0.100");
}

/* ------------------------------------------------------------------ endpoints */

static void test_taken_endpoints_are_refused(void **state)
{
	struct wire *w = *state;
	const struct ip_endpoint local = {wire_host_addr(w), 50000};
	const struct ip_endpoint remote = {wire_peer_addr(w), 9000};
	const struct ip_endpoint port = {.port = WIRE_PORT}, nowhere = {.port = 9000};
	struct tcp_listener *l = NULL;
	struct tcp_conn *c = NULL;

	wire_listen(w, WIRE_PORT, 16);
	check_equal(w, tcp_listen(w->s, &port, 16, &l), STACK_ERR_IN_USE);
	check_equal(w, tcp_listen(w->s, &(struct ip_endpoint){0}, 16, &l), STACK_ERR_INVALID);
	wire_connect(w);
	expect(w, "0.000 S 0:0(0)");
	check_equal(w, tcp_connect(w->s, w->now_us, &local, &remote, &c), STACK_ERR_IN_USE);
	check_equal(w, tcp_connect(w->s, w->now_us, NULL, &nowhere, &c), STACK_ERR_INVALID);
}

static void test_foreign_and_impossible_addresses_are_refused(void **state)
{
	struct wire *w = *state;
	const struct ip_endpoint foreign = {ip_addr_v4(10, 0, 0, 9), 50000};
	const struct ip_endpoint peer = {wire_peer_addr(w), 9000};
	static const uint8_t bad[][4] = {
		{0, 0, 0, 0}, {224, 0, 0, 1}, {255, 255, 255, 255}, {127, 0, 0, 1}, {10, 0, 0, 2}};
	struct tcp_listener *l = NULL;
	struct tcp_conn *c = NULL;

	check_equal(w, tcp_connect(w->s, w->now_us, &foreign, &peer, &c), STACK_ERR_INVALID);
	check_equal(w, tcp_listen(w->s, &foreign, 16, &l), STACK_ERR_INVALID);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const struct ip_endpoint to = {
			ip_addr_v4(bad[i][0], bad[i][1], bad[i][2], bad[i][3]), 9000};
		check_equal(w, tcp_connect(w->s, w->now_us, NULL, &to, &c), STACK_ERR_INVALID);
	}
	check_equal(w, wire_usage(w).connections, 0);
}

static void test_ephemeral_ports_differ(void **state)
{
	struct wire *w = *state;
	const struct ip_endpoint remote = {wire_peer_addr(w), 9000};
	struct tcp_conn *c[50] = {0};
	bool seen[65536] = {false};

	for (size_t i = 0; i < 50; i++) {
		struct tcp_info info;
		check_equal(w, tcp_connect(w->s, w->now_us, NULL, &remote, &c[i]), STACK_OK);
		tcp_get_info(c[i], &info);
		check(w, info.local.port >= 1024 && !seen[info.local.port]);
		seen[info.local.port] = true;
	}
	for (size_t i = 0; i < 50; i++)
		tcp_abort(c[i]);
	advance_us(w, 1000);
	drain(w);
}

static void test_exact_address_wins_over_the_wildcard(void **state)
{
	struct wire *w = *state;
	const struct ip_endpoint exact = {wire_host_addr(w), WIRE_PORT};
	struct tcp_listener *l = NULL;

	wire_listen(w, WIRE_PORT, 16);
	check_equal(w, tcp_listen(w->s, &exact, 16, &l), STACK_OK);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.000 . 1:1(0) ack 1");
	check(w, tcp_accept(w->listener) == NULL);
	struct tcp_conn *c = tcp_accept(l);
	check(w, c != NULL);
	tcp_abort(c);
	tcp_unlisten(l);
	advance_us(w, 0);
	drain(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_active_open),
		WIRE_TEST(test_syn_is_retransmitted_with_backoff),
		WIRE_TEST(test_unanswered_connect_times_out),
		WIRE_TEST(test_connection_refused),
		WIRE_TEST(test_syn_sent_ignores_unproven_rst),
		WIRE_TEST(test_syn_sent_resets_an_unacceptable_ack),
		WIRE_TEST(test_syn_sent_drops_an_acceptable_ack_without_syn),
		WIRE_TEST(test_syn_ack_with_data_and_fin),
		WIRE_TEST(test_data_written_before_the_handshake_follow_it),
		WIRE_TEST(test_close_in_syn_sent_forgets_the_attempt),
		WIRE_TEST(test_abort_in_syn_sent_sends_nothing),
		WIRE_TEST(test_simultaneous_open),
		WIRE_TEST(test_simultaneous_open_completed_by_a_plain_ack),
		WIRE_TEST(test_simultaneous_open_retransmits_the_syn_ack),
		WIRE_TEST(test_simultaneous_open_reset),
		WIRE_TEST(test_simultaneous_open_wrong_ack_is_reset),
		WIRE_TEST(test_data_written_in_syn_received_follow_the_handshake),
		WIRE_TEST(test_close_in_syn_received_sends_fin_after_the_handshake),
		WIRE_TEST(test_shutdown_in_syn_sent_sends_fin_after_the_handshake),
		WIRE_TEST(test_calls_after_shutdown_and_the_users_pointer),
		WIRE_TEST(test_taken_endpoints_are_refused),
		WIRE_TEST(test_ephemeral_ports_differ),
		WIRE_TEST(test_exact_address_wins_over_the_wildcard),
		WIRE_TEST_V4(test_foreign_and_impossible_addresses_are_refused),
	};

	return cmocka_run_group_tests_name("stack: active open", tests, NULL, NULL);
}
