/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keepalive (RFC 9293 3.8.4, RFC 1122 4.2.3.6): when a probe is sent, what it looks like, what its answer
 * means and what no answer means.
 */
#include <stdio.h>

#include "stack/tcp_types.h"
#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1460>"
#define SECOND UINT64_C(1000000)

static void set(struct wire *w, enum tcp_option option, uint64_t value)
{
	check_equal(w, tcp_set_option(w->c, option, value), STACK_OK);
	advance_us(w, 0);
}

static uint64_t get(struct wire *w, enum tcp_option option)
{
	uint64_t value = UINT64_MAX;

	check_equal(w, tcp_get_option(w->c, option, &value), STACK_OK);
	return value;
}

/* Idle for 10 s, then every 2 s, three times. */
static void keep_alive(struct wire *w)
{
	set(w, TCP_OPTION_KEEPALIVE_INTERVAL_US, 2 * SECOND);
	set(w, TCP_OPTION_KEEPALIVE_PROBES, 3);
	set(w, TCP_OPTION_KEEPALIVE_US, 10 * SECOND);
}

static const char *timer_of(struct wire *w)
{
	return wire_info(w).timer;
}

/* ------------------------------------------------------------------ when, and what */

static void test_keepalive_is_off_by_default(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	check_equal(w, get(w, TCP_OPTION_KEEPALIVE_US), 0);
	check_equal(w, get(w, TCP_OPTION_KEEPALIVE_INTERVAL_US), 75 * SECOND);
	check_equal(w, get(w, TCP_OPTION_KEEPALIVE_PROBES), 9);
	check(w, stack_next_timeout(w->s) == UINT64_MAX);
	expect_none(w, "100000");
	expect_state(w, TCP_ESTABLISHED);
}

/* SEQ is SND.NXT - 1, there is no text, ACK and window are those of any ACK. */
static void test_idle_peer_is_probed_with_the_number_below_snd_nxt(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject(w, "0.000 P. 1:11(10) ack 1");
	expect(w, "0.000 . 1:1(0) ack 11");
	recv_bytes(w, 10);
	send_bytes(w, 100);
	expect(w, "0.000 P. 1:101(100) ack 11");
	inject(w, "0.100 . 11:11(0) ack 101");
	keep_alive(w);
	assert_string_equal(timer_of(w), "keepalive");
	check_equal(w, wire_info(w).timer_us - w->start_us, 10100000);
	expect_none(w, "10.09");
	expect(w, "10.100 . 100:100(0) ack 11");
	check_equal(w, counters(w)->tcp_keepalive_probes, 1);
	check_equal(w, counters(w)->tcp_retrans_segs, 0);
	inject(w, "10.110 . 11:11(0) ack 101");
}

static void test_answered_probe_starts_the_idle_time_anew(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	keep_alive(w);
	expect(w, "10.000 . 0:0(0) ack 1");
	inject(w, "10.050 . 1:1(0) ack 1");
	expect_none(w, "20.04");
	expect(w, "20.050 . 0:0(0) ack 1");
	expect(w, "22.050 . 0:0(0) ack 1");
	expect(w, "24.050 . 0:0(0) ack 1");
	inject(w, "26.000 . 1:1(0) ack 1"); /* at the last moment, and all counts from zero */
	expect(w, "36.000 . 0:0(0) ack 1");
	inject(w, "36.010 . 1:1(0) ack 1");
	check_equal(w, counters(w)->tcp_keepalive_drops, 0);
	expect_state(w, TCP_ESTABLISHED);
}

static void test_any_acceptable_segment_puts_the_probe_off(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	keep_alive(w);
	inject(w, "9.000 P. 1:11(10) ack 1");
	expect(w, "9.000 . 1:1(0) ack 11");
	recv_bytes(w, 10);
	expect_none(w, "18.99");
	expect(w, "19.000 . 0:0(0) ack 11");
	inject(w, "19.010 . 11:11(0) ack 1");
}

/* What lies outside the window, or acknowledges what was not sent, anybody can send. */
static void test_unacceptable_segments_do_not_count_as_life(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	keep_alive(w);
	inject(w, "5.000 . 900000:900000(0) ack 1");
	expect(w, "5.000 . 1:1(0) ack 1");
	inject(w, "6.000 . 1:1(0) ack 5000");
	expect(w, "6.000 . 1:1(0) ack 1");
	expect(w, "10.000 . 0:0(0) ack 1");
	inject(w, "10.010 . 1:1(0) ack 1");
}

static void test_silent_peer_is_reset_after_the_probes(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	keep_alive(w);
	expect(w, "10.000 . 0:0(0) ack 1");
	expect(w, "12.000 . 0:0(0) ack 1");
	expect(w, "14.000 . 0:0(0) ack 1");
	expect(w, "16.000 R. 1:1(0) ack 1");
	expect_closed(w, TCP_CLOSE_TIMEOUT);
	expect_state(w, TCP_CLOSED);
	check_equal(w, counters(w)->tcp_keepalive_probes, 3);
	check_equal(w, counters(w)->tcp_keepalive_drops, 1);
	expect_none(w, "1000");
}

/* A host that has been restarted answers with a RST (RFC 9293 3.5.1, figure 11). */
static void test_restarted_peer_resets(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	keep_alive(w);
	expect(w, "10.000 . 0:0(0) ack 1");
	inject(w, "10.010 R 1:1(0)");
	expect_closed(w, TCP_CLOSE_RESET);
}

static void test_keepalive_of_the_configuration(void **state)
{
	struct wire *w = *state;

	w->cfg.keepalive_us = 7 * SECOND;
	w->cfg.keepalive_interval_us = SECOND;
	w->cfg.keepalive_probes = 1;
	wire_restart(w);
	wire_establish_active(w);
	expect(w, "7.000 . 0:0(0) ack 1");
	expect(w, "8.000 R. 1:1(0) ack 1");
	expect_closed(w, TCP_CLOSE_TIMEOUT);
}

static void test_switched_off_while_probing(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	keep_alive(w);
	expect(w, "10.000 . 0:0(0) ack 1");
	set(w, TCP_OPTION_KEEPALIVE_US, 0);
	assert_string_equal(timer_of(w), "none");
	expect_none(w, "1000");
	/* On again: the peer has been silent all along. */
	set(w, TCP_OPTION_KEEPALIVE_US, 10 * SECOND);
	expect(w, "1000 . 0:0(0) ack 1");
	expect(w, "1002 . 0:0(0) ack 1");
	inject(w, "1003 . 1:1(0) ack 1");
}

/* ------------------------------------------------------------------ what keeps it away */

static void test_outstanding_data_is_retransmitted_instead(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	keep_alive(w);
	advance_to(w, "9.9");
	send_bytes(w, 100);
	expect(w, "9.900 P. 1:101(100) ack 1");
	expect(w, "~10.10 P. 1:101(100) ack 1");
	expect(w, "~10.50 P. 1:101(100) ack 1");
	assert_string_equal(timer_of(w), "retransmit");
	check_equal(w, counters(w)->tcp_keepalive_probes, 0);
	inject(w, "11.000 . 1:1(0) ack 101");
	assert_string_equal(timer_of(w), "keepalive");
	expect_none(w, "20.99");
	expect(w, "21.000 . 100:100(0) ack 1");
	inject(w, "21.010 . 1:1(0) ack 101");
}

static void test_shut_window_is_probed_instead(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 0 <mss 1460>");
	keep_alive(w);
	send_bytes(w, 100);
	expect(w, "~0.200 . 1:2(1) ack 1");
	assert_string_equal(timer_of(w), "persist");
	check_equal(w, counters(w)->tcp_keepalive_probes, 0);
	inject(w, "0.300 . 1:1(0) ack 1 win 65535");
	drain(w);
	inject(w, "0.400 . 1:1(0) ack 101 win 65535");
	assert_string_equal(timer_of(w), "keepalive");
}

/* What the application holds back under a cork is unsent. */
static void test_corked_data_is_not_idle(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	keep_alive(w);
	send_more(w, 100);
	expect_none(w, "100");
	assert_string_equal(timer_of(w), "none");
	send_bytes(w, 1);
	expect(w, "100 P. 1:102(101) ack 1");
	inject(w, "100.1 . 1:1(0) ack 102");
	expect(w, "110.1 . 101:101(0) ack 1");
	inject(w, "110.2 . 1:1(0) ack 102");
}

/* A segment outside the window is dropped with its ACK, so the ACK that is due goes by itself. */
static void test_probe_does_not_stand_in_for_an_ack(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	keep_alive(w);
	expect(w, "10.000 . 0:0(0) ack 1");
	advance_to(w, "11.999");
	hold(w);
	stack_advance(w->s, w->start_us + 12 * SECOND + 1000); /* the second probe is due … */
	inject(w, "12.001 P. 1:11(10) ack 1");                 /* … and then the peer speaks */
	release(w);
	expect(w, "12.001 . 1:1(0) ack 11");
	recv_bytes(w, 10);
	expect_none(w, "22.000");
	expect(w, "22.001 . 0:0(0) ack 11");
	inject(w, "22.010 . 11:11(0) ack 1");
}

/* ------------------------------------------------------------------ the other states */

static void test_close_wait_is_probed(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	keep_alive(w);
	inject(w, "1.000 F. 1:1(0) ack 1");
	expect(w, "1.000 . 1:1(0) ack 2");
	expect_state(w, TCP_CLOSE_WAIT);
	expect(w, "11.000 . 0:0(0) ack 2");
	expect(w, "13.000 . 0:0(0) ack 2");
	expect(w, "15.000 . 0:0(0) ack 2");
	expect(w, "17.000 R. 1:1(0) ack 2");
	expect_closed(w, TCP_CLOSE_TIMEOUT);
}

/* Our FIN is acknowledged, the application waits for what the peer has to say. */
static void test_fin_wait_2_of_a_held_connection_is_probed(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	keep_alive(w);
	wire_shutdown(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	inject(w, "0.100 . 1:1(0) ack 2");
	expect_state(w, TCP_FIN_WAIT_2);
	expect(w, "10.100 . 1:1(0) ack 1");
	inject(w, "10.200 . 1:1(0) ack 2");
	expect(w, "20.200 . 1:1(0) ack 1");
	expect(w, "22.200 . 1:1(0) ack 1");
	expect(w, "24.200 . 1:1(0) ack 1");
	expect(w, "26.200 R. 2:2(0) ack 1");
	expect_closed(w, TCP_CLOSE_TIMEOUT);
}

/* The stack's own limits end a connection whose handle was given back; no probe, no answer to one prolongs
 * its life. */
static void test_orphan_is_not_kept_alive(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	keep_alive(w);
	expect(w, "10.000 . 0:0(0) ack 1");
	wire_close(w);
	expect(w, "10.000 F. 1:1(0) ack 1");
	/* The probe's answer comes now, again and again. */
	for (unsigned i = 0; i < 200; i++) {
		advance_us(w, SECOND);
		drain(w);
		inject(w, "+0 . 1:1(0) ack 1");
	}
	drain(w);
	expect_state(w, TCP_CLOSED);
	check_equal(w, counters(w)->tcp_user_timeouts, 1);
	check_equal(w, counters(w)->tcp_keepalive_probes, 1);
}

static void test_fin_wait_2_of_an_orphan_has_its_own_limit(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	keep_alive(w);
	wire_shutdown(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	inject(w, "0.100 . 1:1(0) ack 2");
	expect(w, "10.100 . 1:1(0) ack 1");
	wire_close(w);
	for (unsigned i = 0; i < 59; i++)
		inject(w, "+1 . 1:1(0) ack 2");
	expect_state(w, TCP_FIN_WAIT_2);
	advance_us(w, 2 * SECOND);
	expect_state(w, TCP_CLOSED);
	check_equal(w, counters(w)->tcp_fin_wait_2_timeouts, 1);
	check_equal(w, counters(w)->tcp_keepalive_probes, 1);
}

/* ------------------------------------------------------------------ limits and errors */

static void test_values_out_of_range_are_refused(void **state)
{
	static const struct {
		enum tcp_option option;
		uint64_t value;
	} bad[] = {
		{TCP_OPTION_KEEPALIVE_US, 1},
		{TCP_OPTION_KEEPALIVE_US, TCP_OPTION_TIME_MIN_US - 1},
		{TCP_OPTION_KEEPALIVE_US, TCP_OPTION_TIME_MAX_US + 1},
		{TCP_OPTION_KEEPALIVE_US, UINT64_MAX},
		{TCP_OPTION_KEEPALIVE_INTERVAL_US, 0},
		{TCP_OPTION_KEEPALIVE_INTERVAL_US, TCP_OPTION_TIME_MAX_US + 1},
		{TCP_OPTION_KEEPALIVE_PROBES, 0},
		{TCP_OPTION_KEEPALIVE_PROBES, 256},
		{TCP_OPTION_USER_TIMEOUT_US, TCP_OPTION_TIME_MIN_US - 1},
		{TCP_OPTION_USER_TIMEOUT_US, UINT64_MAX},
		{TCP_OPTION_USER_TIMEOUT_EXCHANGE, 2},
		{(enum tcp_option)99, 1},
	};
	struct wire *w = *state;
	uint64_t value;

	wire_establish(w, SYN_WORDS);
	keep_alive(w);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		check_equal(w, tcp_set_option(w->c, bad[i].option, bad[i].value),
			    STACK_ERR_INVALID);
	check_equal(w, tcp_get_option(w->c, (enum tcp_option)99, &value), STACK_ERR_INVALID);
	check_equal(w, get(w, TCP_OPTION_KEEPALIVE_US), 10 * SECOND);
	check_equal(w, get(w, TCP_OPTION_KEEPALIVE_INTERVAL_US), 2 * SECOND);
	check_equal(w, get(w, TCP_OPTION_KEEPALIVE_PROBES), 3);
	check_equal(w, get(w, TCP_OPTION_USER_TIMEOUT_US), w->cfg.user_timeout_us);
	check_equal(w, get(w, TCP_OPTION_USER_TIMEOUT_EXCHANGE), 0);
	set(w, TCP_OPTION_KEEPALIVE_US, TCP_OPTION_TIME_MAX_US);
	set(w, TCP_OPTION_KEEPALIVE_PROBES, 255);
	inject(w, "1.000 R 1:1(0)");
	check_equal(w, tcp_set_option(w->c, TCP_OPTION_KEEPALIVE_US, SECOND), STACK_ERR_STATE);
}

static void test_configuration_out_of_range_is_refused(void **state)
{
	struct wire *w = *state;
	struct stack_config cfg = w->cfg;

	cfg.keepalive_us = 1;
	assert_null(stack_create(&cfg));
	cfg.keepalive_us = TCP_OPTION_TIME_MAX_US + 1;
	assert_null(stack_create(&cfg));
	cfg.keepalive_us = SECOND;
	cfg.keepalive_interval_us = 0;
	assert_null(stack_create(&cfg));
	cfg.keepalive_interval_us = SECOND;
	cfg.keepalive_probes = 256;
	assert_null(stack_create(&cfg));
	cfg.keepalive_probes = 0;
	assert_null(stack_create(&cfg));
}

/* The shortest interval there is, and the most probes: bounded all the same. */
static void test_probes_at_the_shortest_interval_end(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	set(w, TCP_OPTION_KEEPALIVE_INTERVAL_US, TCP_OPTION_TIME_MIN_US);
	set(w, TCP_OPTION_KEEPALIVE_PROBES, 255);
	set(w, TCP_OPTION_KEEPALIVE_US, TCP_OPTION_TIME_MIN_US);
	advance_us(w, 10 * SECOND);
	check_equal(w, drain(w), 256);
	expect_closed(w, TCP_CLOSE_TIMEOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_keepalive_is_off_by_default),
		WIRE_TEST(test_idle_peer_is_probed_with_the_number_below_snd_nxt),
		WIRE_TEST(test_answered_probe_starts_the_idle_time_anew),
		WIRE_TEST(test_any_acceptable_segment_puts_the_probe_off),
		WIRE_TEST(test_unacceptable_segments_do_not_count_as_life),
		WIRE_TEST(test_silent_peer_is_reset_after_the_probes),
		WIRE_TEST(test_restarted_peer_resets),
		WIRE_TEST(test_keepalive_of_the_configuration),
		WIRE_TEST(test_switched_off_while_probing),
		WIRE_TEST(test_outstanding_data_is_retransmitted_instead),
		WIRE_TEST(test_shut_window_is_probed_instead),
		WIRE_TEST(test_corked_data_is_not_idle),
		WIRE_TEST(test_probe_does_not_stand_in_for_an_ack),
		WIRE_TEST(test_close_wait_is_probed),
		WIRE_TEST(test_fin_wait_2_of_a_held_connection_is_probed),
		WIRE_TEST(test_orphan_is_not_kept_alive),
		WIRE_TEST(test_fin_wait_2_of_an_orphan_has_its_own_limit),
		WIRE_TEST_ONCE(test_values_out_of_range_are_refused),
		WIRE_TEST_ONCE(test_configuration_out_of_range_is_refused),
		WIRE_TEST(test_probes_at_the_shortest_interval_end),
	};

	return cmocka_run_group_tests_name("stack: keepalive", tests, NULL, NULL);
}
