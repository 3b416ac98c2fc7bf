/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors that say that a packet did not arrive (RFC 1122 4.2.3.9, RFC 5461, RFC 5927 5): soft but for one case, a
 * connection in SYN-SENT and a port or protocol that is not there.
 */
#include "tests/unit/wire_icmp.h"

#define ALL_ERRORS(e) (enum wire_error e = ERROR_NO_ROUTE; e <= ERROR_TOO_LONG_UNDER_WAY; e++)

static void connecting(struct wire *w)
{
	wire_connect(w);
	expect(w, "* S 0:0(0)");
}

/* ------------------------------------------------------------------ SYN-SENT */

static void refused_by(struct wire *w, enum wire_error error)
{
	connecting(w);
	other_error(w, error, 0);
	expect_closed(w, TCP_CLOSE_REFUSED);
	expect_state(w, TCP_CLOSED);
	check_equal(w, counters(w)->tcp_attempt_fails, 1);
	expect_none(w, "200"); /* nothing is said to that: there was nobody */
}

static void test_no_such_port_refuses(void **state)
{
	refused_by(*state, ERROR_NO_PORT);
}

static void test_no_such_protocol_refuses(void **state)
{
	refused_by(*state, ERROR_NO_PROTOCOL);
}

static void test_forged_refusal_is_ignored(void **state)
{
	struct wire *w = *state;
	static const uint32_t wrong[] = {1, 0xffffffff, 1000, 0x80000000};

	connecting(w);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		other_error(w, ERROR_NO_PORT, wrong[i]);
		other_error(w, ERROR_NO_PROTOCOL, wrong[i]);
	}
	expect_state(w, TCP_SYN_SENT);
	check_equal(w, counters(w)->tcp_icmp_out_of_window, 8);
	inject(w, "0.010 S. 0:0(0) ack 1 win 65535");
	expect(w, "0.010 . 1:1(0) ack 1");
}

/* There may be another way, or the router may just have started (RFC 5461 2). */
static void test_no_route_does_not_end_the_attempt(void **state)
{
	struct wire *w = *state;

	connecting(w);
	other_error(w, ERROR_NO_ROUTE, 0);
	other_error(w, ERROR_NO_HOST, 0);
	other_error(w, ERROR_TOO_LONG_UNDER_WAY, 0);
	expect_state(w, TCP_SYN_SENT);
	expect(w, "~1.0 S 0:0(0)");
	inject(w, "1.010 S. 0:0(0) ack 1 win 65535");
	expect(w, "1.010 . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
}

static void test_attempt_without_a_route_ends_as_unreachable(void **state)
{
	struct wire *w = *state;

	connecting(w);
	other_error(w, ERROR_NO_HOST, 0);
	advance_to(w, "181");
	check(w, drain(w) > 3);
	expect_closed(w, TCP_CLOSE_UNREACHABLE);
}

static void test_attempt_that_nobody_answers_ends_as_a_time_out(void **state)
{
	struct wire *w = *state;

	connecting(w);
	other_error(w, ERROR_NO_HOST, 17); /* a forgery */
	other_error(w, ERROR_TOO_BIG, 0);
	advance_to(w, "181");
	check(w, drain(w) > 3);
	expect_closed(w, TCP_CLOSE_TIMEOUT);
}

static void test_syn_is_never_too_big(void **state)
{
	struct wire *w = *state;

	connecting(w);
	too_big(w, 0, 600);
	check_equal(w, wire_waiting(w), 0);
	inject(w, "0.010 S. 0:0(0) ack 1 win 65535 <mss 1460>");
	expect(w, "0.010 . 1:1(0) ack 1");
	check_equal(w, wire_info(w).snd_mss, 1460);
}

/* A crossing SYN has shown that there is somebody. */
static void test_simultaneous_open_is_not_refused(void **state)
{
	struct wire *w = *state;

	connecting(w);
	inject(w, "0.010 S 0:0(0) win 65535");
	expect(w, "0.010 S. 0:0(0) ack 1");
	for
		ALL_ERRORS(error)
	other_error(w, error, 0);
	expect_state(w, TCP_SYN_RECEIVED);
	inject(w, "0.020 . 1:1(0) ack 1 win 65535");
	expect_state(w, TCP_ESTABLISHED);
}

/* ------------------------------------------------------------------ a half-open entry, TIME-WAIT */

static void test_half_open_entry_takes_no_notice(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	for
		ALL_ERRORS(error)
	other_error(w, error, 0);
	too_big(w, 0, 600);
	check_equal(w, wire_usage(w).half_open, 1);
	expect(w, "~1.0 S. 0:0(0) ack 1");
	inject(w, "1.010 . 1:1(0) ack 1 win 65535");
	wire_accept(w);
	check_equal(w, wire_info(w).snd_mss, 1460);
}

static void test_time_wait_takes_no_notice(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 1460>");
	wire_shutdown(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	inject(w, "0.010 F. 1:1(0) ack 2");
	expect(w, "0.010 . 2:2(0) ack 2");
	for
		ALL_ERRORS(error)
	other_error(w, error, 1);
	expect_state(w, TCP_TIME_WAIT);
	check_equal(w, wire_waiting(w), 0);
}

/* ------------------------------------------------------------------ synchronized */

/* The FIN is in flight. In each of these states every error, valid as can be, moves nothing. */
static void test_closing_states_take_no_notice(void **state)
{
	struct wire *w = *state;
	static const enum tcp_state states[] = {TCP_FIN_WAIT_1, TCP_CLOSING, TCP_LAST_ACK};

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
		wire_restart(w);
		wire_establish(w, "win 65535 <mss 1460>");
		if (states[i] == TCP_LAST_ACK) {
			inject(w, "+0 F. 1:1(0) ack 1");
			expect(w, "* . 1:1(0) ack 2");
		}
		wire_shutdown(w);
		check_equal(w, drain(w), 1);
		if (states[i] == TCP_CLOSING) {
			inject(w, "+0 F. 1:1(0) ack 1");
			check_equal(w, drain(w), 1);
		}
		expect_state(w, states[i]);
		for
			ALL_ERRORS(error)
		other_error(w, error, 1);
		too_big(w, 1, 600);
		expect_state(w, states[i]);
		drain(w);
		inject(w, states[i] == TCP_FIN_WAIT_1 ? "* . 1:1(0) ack 2" : "* . 2:2(0) ack 2");
		expect_state(w, states[i] == TCP_FIN_WAIT_1 ? TCP_FIN_WAIT_2
				: states[i] == TCP_CLOSING  ? TCP_TIME_WAIT
							    : TCP_CLOSED);
		drain(w);
	}
}

static void test_errors_end_no_connection(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 1460>");
	send_bytes(w, 1000);
	expect(w, "0.000 P. 1:1001(1000) ack 1");
	for
		ALL_ERRORS(error)
	for (uint32_t seq = 0; seq < 1100; seq += 100)
		other_error(w, error, seq);
	check_equal(w, wire_waiting(w), 0);
	expect_state(w, TCP_ESTABLISHED);
	inject(w, "0.010 . 1:1(0) ack 1001");
	check_equal(w, wire_info(w).snd_mss, 1460);
}

static void test_time_out_after_unreachable_says_so(void **state)
{
	struct wire *w = *state;

	for
		ALL_ERRORS(error)
		{
			wire_restart(w);
			wire_establish(w, "win 65535 <mss 1460>");
			send_bytes(w, 1000);
			drain(w);
			other_error(w, error, 500);
			advance_us(w, 125000000);
			drain(w);
			expect_closed(w, TCP_CLOSE_UNREACHABLE);
			tcp_close(w->c);
			w->c = NULL;
		}
}

/* What was said before the peer's last sign of life is history. */
static void test_acknowledgment_takes_unreachable_back(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 1460>");
	send_bytes(w, 1000);
	drain(w);
	other_error(w, ERROR_NO_HOST, 1);
	inject(w, "0.010 . 1:1(0) ack 501");
	advance_to(w, "125");
	drain(w);
	expect_closed(w, TCP_CLOSE_TIMEOUT);
}

/* RFC 6633: a source quench slows nobody down any more. */
static void test_source_quench_is_ignored(void **state)
{
	struct wire *w = *state;
	const struct wire_quote q = {.seq = 1};
	uint8_t quoted[256];

	wire_establish(w, "win 65535 <mss 1460>");
	send_bytes(w, 1000);
	drain(w);
	const uint32_t cwnd = wire_info(w).cwnd;
	for (unsigned i = 0; i < 100; i++)
		wire_inject_icmp(w, 4, 0, 0, quoted, wire_quoted(w, &q, quoted));
	check_equal(w, wire_info(w).cwnd, cwnd);
	check_equal(w, wire_info(w).ssthresh, UINT32_MAX);
	advance_to(w, "125");
	drain(w);
	expect_closed(w, TCP_CLOSE_TIMEOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_no_such_port_refuses),
		WIRE_TEST(test_no_such_protocol_refuses),
		WIRE_TEST(test_forged_refusal_is_ignored),
		WIRE_TEST(test_no_route_does_not_end_the_attempt),
		WIRE_TEST(test_attempt_without_a_route_ends_as_unreachable),
		WIRE_TEST(test_attempt_that_nobody_answers_ends_as_a_time_out),
		WIRE_TEST(test_syn_is_never_too_big),
		WIRE_TEST(test_simultaneous_open_is_not_refused),
		WIRE_TEST(test_half_open_entry_takes_no_notice),
		WIRE_TEST(test_time_wait_takes_no_notice),
		WIRE_TEST(test_closing_states_take_no_notice),
		WIRE_TEST(test_errors_end_no_connection),
		WIRE_TEST(test_time_out_after_unreachable_says_so),
		WIRE_TEST(test_acknowledgment_takes_unreachable_back),
		WIRE_TEST_V4(test_source_quench_is_ignored),
	};

	return cmocka_run_group_tests_name("stack: soft errors", tests, NULL, NULL);
}
