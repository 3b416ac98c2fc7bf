/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user timeout of one connection (RFC 9293 3.8.3) and the option that tells the peer of it (RFC 5482).
 */
#include <stdio.h>
#include <string.h>

#include "stack/tcp_types.h"
#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1460>"
#define SECOND UINT64_C(1000000)

static void set(struct wire *w, enum tcp_option option, uint64_t value)
{
	check_equal(w, tcp_set_option(w->c, option, value), STACK_OK);
	advance_us(w, 0);
}

static uint64_t timeout_of(struct wire *w)
{
	uint64_t value = 0;

	check_equal(w, tcp_get_option(w->c, TCP_OPTION_USER_TIMEOUT_US, &value), STACK_OK);
	return value;
}

/* RFC 5482 3.1: ENABLED. */
static void exchange(struct wire *w, uint64_t on)
{
	w->user_timeout = true;
	set(w, TCP_OPTION_USER_TIMEOUT_EXCHANGE, on);
}

/* The option in the next packet of the stack, 0 for none; there must be a packet. */
static unsigned take_option(struct wire *w)
{
	struct wire_packet *p = wire_take(w);
	const char *what = NULL;
	struct seg g;

	check(w, p && wire_decode(p->bytes, p->len, &g, &what));
	test_free(p);
	return g.user_timeout;
}

/* `text` with the option behind it. */
static void inject_option(struct wire *w, const char *text, uint16_t field)
{
	const uint8_t option[4] = {28, 4, (uint8_t)(field >> 8), (uint8_t)field};
	struct seg g = wire_seg(w, text);

	memcpy(g.opt + g.opt_len, option, sizeof option);
	g.opt_len += sizeof option;
	wire_inject_seg(w, &g);
}

/* ------------------------------------------------------------------ the limit */

static void test_user_timeout_of_one_connection(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	check_equal(w, timeout_of(w), w->cfg.user_timeout_us);
	set(w, TCP_OPTION_USER_TIMEOUT_US, 5 * SECOND);
	send_bytes(w, 100);
	expect(w, "0.000 P. 1:101(100) ack 1");
	expect(w, "~0.200 P. 1:101(100) ack 1");
	expect(w, "~0.600 P. 1:101(100) ack 1");
	expect(w, "~1.400 P. 1:101(100) ack 1");
	expect(w, "~3.000 P. 1:101(100) ack 1");
	expect(w, "5.000 R. 101:101(0) ack 1");
	expect_closed(w, TCP_CLOSE_TIMEOUT);
	check_equal(w, counters(w)->tcp_user_timeouts, 1);
}

static void test_longer_than_the_configuration(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	set(w, TCP_OPTION_USER_TIMEOUT_US, 1000 * SECOND);
	send_bytes(w, 100);
	advance_to(w, "999");
	drain(w);
	expect_state(w, TCP_ESTABLISHED);
	expect(w, "1000 R. 101:101(0) ack 1");
	expect_closed(w, TCP_CLOSE_TIMEOUT);
}

static void test_progress_begins_it_anew(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	set(w, TCP_OPTION_USER_TIMEOUT_US, 5 * SECOND);
	send_bytes(w, 100);
	advance_to(w, "4.0");
	drain(w);
	inject(w, "4.000 . 1:1(0) ack 51");
	advance_to(w, "8.9");
	drain(w);
	expect_state(w, TCP_ESTABLISHED);
	expect(w, "9.000 R. 101:101(0) ack 1");
}

static void test_lowered_while_data_is_outstanding(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 100);
	advance_to(w, "20.0"); /* the next retransmission would be at 25.4 */
	drain(w);
	set(w, TCP_OPTION_USER_TIMEOUT_US, 22 * SECOND);
	expect(w, "22.000 R. 101:101(0) ack 1");
	expect_closed(w, TCP_CLOSE_TIMEOUT);
}

/* It is over already: the connection ends at once. */
static void test_lowered_below_what_has_passed(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 100);
	advance_to(w, "20.0");
	drain(w);
	set(w, TCP_OPTION_USER_TIMEOUT_US, 10 * SECOND);
	expect(w, "20.000 R. 101:101(0) ack 1");
	expect_closed(w, TCP_CLOSE_TIMEOUT);
}

static void test_raised_while_data_is_outstanding(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	set(w, TCP_OPTION_USER_TIMEOUT_US, 5 * SECOND);
	send_bytes(w, 100);
	advance_to(w, "4.0");
	drain(w);
	set(w, TCP_OPTION_USER_TIMEOUT_US, 0);
	check_equal(w, timeout_of(w), w->cfg.user_timeout_us);
	advance_to(w, "119.9");
	check(w, drain(w) > 3);
	expect(w, "~120.0 R. 101:101(0) ack 1");
}

/* RFC 9293 3.8.6.1 lets a peer shut its window for as long as it answers; an application that has set a
 * limit has said how long. */
static void test_answered_window_probes_do_not_prolong_it(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 0 <mss 1460>");
	set(w, TCP_OPTION_USER_TIMEOUT_US, 30 * SECOND);
	send_bytes(w, 100);
	while (w->now_us < w->start_us + 29 * SECOND) {
		advance_us(w, 100000);
		if (drain(w) > 0)
			inject(w, "+0 . 1:1(0) ack 1 win 0");
	}
	expect_state(w, TCP_ESTABLISHED);
	advance_to(w, "30.1");
	check(w, drain(w) >= 1);
	expect_closed(w, TCP_CLOSE_TIMEOUT);
}

static void test_answered_window_probes_prolong_the_default(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 0 <mss 1460>");
	send_bytes(w, 100);
	while (w->now_us < w->start_us + 1000 * SECOND) {
		advance_us(w, 100000);
		if (drain(w) > 0)
			inject(w, "+0 . 1:1(0) ack 1 win 0");
	}
	expect_state(w, TCP_ESTABLISHED);
}

static void test_handshake_obeys_it(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	set(w, TCP_OPTION_USER_TIMEOUT_US, 10 * SECOND);
	advance_to(w, "9.9");
	check_equal(w, drain(w), 4); /* at 0, 1, 3 and 7 s */
	expect_state(w, TCP_SYN_SENT);
	advance_to(w, "10.1");
	expect_closed(w, TCP_CLOSE_TIMEOUT);
}

/* MUST-23 of RFC 9293: three minutes at least for a SYN, unless the application wants less. */
static void test_longer_one_does_not_prolong_the_handshake(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	set(w, TCP_OPTION_USER_TIMEOUT_US, 1000 * SECOND);
	advance_to(w, "179.9");
	expect_state(w, TCP_SYN_SENT);
	advance_to(w, "180.1");
	drain(w);
	expect_closed(w, TCP_CLOSE_TIMEOUT);
}

/* Whoever closes leaves the connection to the owner's limits, or its own when that is shorter. */
static void test_orphan_lives_no_longer_than_the_configuration_says(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	set(w, TCP_OPTION_USER_TIMEOUT_US, 100000 * SECOND);
	send_bytes(w, 100);
	wire_close(w);
	advance_to(w, "121");
	drain(w);
	expect_state(w, TCP_CLOSED);
}

static void test_orphan_keeps_a_shorter_one(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	set(w, TCP_OPTION_USER_TIMEOUT_US, 5 * SECOND);
	send_bytes(w, 100);
	wire_close(w);
	advance_to(w, "4.9");
	drain(w);
	expect_state(w, TCP_FIN_WAIT_1);
	advance_to(w, "5.1");
	drain(w);
	expect_state(w, TCP_CLOSED);
}

/* ------------------------------------------------------------------ with keepalive: it decides alone */

static void keep_alive(struct wire *w, uint64_t user_timeout_us)
{
	set(w, TCP_OPTION_KEEPALIVE_INTERVAL_US, 2 * SECOND);
	set(w, TCP_OPTION_KEEPALIVE_PROBES, 3);
	set(w, TCP_OPTION_KEEPALIVE_US, 10 * SECOND);
	set(w, TCP_OPTION_USER_TIMEOUT_US, user_timeout_us);
}

static void test_keepalive_goes_on_until_the_user_timeout(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	keep_alive(w, 21 * SECOND);
	for (unsigned i = 10; i <= 20; i += 2) { /* twice as many as there would be */
		char line[64];
		snprintf(line, sizeof line, "%u.000 . 0:0(0) ack 1", i);
		expect(w, line);
	}
	expect(w, "21.000 R. 1:1(0) ack 1");
	expect_closed(w, TCP_CLOSE_TIMEOUT);
	check_equal(w, counters(w)->tcp_keepalive_drops, 1);
}

static void test_user_timeout_ends_keepalive_early(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	keep_alive(w, 11 * SECOND);
	expect(w, "10.000 . 0:0(0) ack 1");
	expect(w, "11.000 R. 1:1(0) ack 1");
	expect_closed(w, TCP_CLOSE_TIMEOUT);
}

static void test_shorter_than_the_idle_time_there_is_still_one_probe(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	keep_alive(w, SECOND);
	expect(w, "10.000 . 0:0(0) ack 1");
	expect(w, "12.000 R. 1:1(0) ack 1");
}

/* ------------------------------------------------------------------ the option of RFC 5482 */

static void test_option_is_sent_once_when_switched_on(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	set(w, TCP_OPTION_USER_TIMEOUT_US, 300 * SECOND);
	check_equal(w, wire_waiting(w), 0);
	exchange(w, 1);
	check_equal(w, take_option(w), 300);
	send_bytes(w, 100);
	check_equal(w, take_option(w), 0);
	/* Changed: told anew. More than 32,767 seconds are told in minutes, rounded up. */
	set(w, TCP_OPTION_USER_TIMEOUT_US, 32767 * SECOND);
	check_equal(w, take_option(w), 32767);
	set(w, TCP_OPTION_USER_TIMEOUT_US, 40000 * SECOND);
	check_equal(w, take_option(w), 0x8000 | 667);
	set(w, TCP_OPTION_USER_TIMEOUT_US, 100000); /* never 0: RFC 5482 3.3 */
	check_equal(w, take_option(w), 1);
	set(w, TCP_OPTION_USER_TIMEOUT_US, 0);
	check_equal(w, take_option(w), 120);
	inject(w, "+0.1 . 1:1(0) ack 101");
}

static void test_option_goes_with_the_syn_and_again_after_it(void **state)
{
	struct wire *w = *state;
	const struct ip_endpoint local = {wire_host_addr(w), 50000};
	const struct ip_endpoint remote = {wire_peer_addr(w), 9000};

	check_equal(w, tcp_connect(w->s, w->now_us, &local, &remote, &w->c), STACK_OK);
	w->lport = local.port;
	w->rport = remote.port;
	exchange(w, 1);
	check_equal(w, take_option(w), 120);
	advance_to(w, "1.1");
	check_equal(w, take_option(w), 120);
	inject(w, "1.200 S. 0:0(0) ack 1 win 65535 <mss 1460>");
	check_equal(w, take_option(w), 120);
	send_bytes(w, 10);
	check_equal(w, take_option(w), 0);
	inject(w, "1.300 . 1:1(0) ack 11");
}

/* A full segment has no room for it: it waits for one that has. */
static void test_option_never_makes_a_segment_too_long(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	hold(w);
	exchange(w, 1);
	send_bytes(w, 1460 + 1458 + 2 + 1400);
	release(w);
	check_equal(w, take_option(w), 0);
	check_equal(w, take_option(w), 0);
	check_equal(w, take_option(w), 120);
	inject(w, "+0.1 . 1:1(0) ack 4321");
}

static void test_option_of_the_peer_is_ignored_by_default(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	inject_option(w, ". 1:1(0) ack 1", 1000);
	check_equal(w, timeout_of(w), w->cfg.user_timeout_us);
	check_equal(w, counters(w)->tcp_user_timeout_options, 0);
}

static void test_option_of_the_peer_is_taken_within_limits(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	exchange(w, 1);
	drain(w);
	inject_option(w, ". 1:1(0) ack 1", 1000);
	check_equal(w, timeout_of(w), 1000 * SECOND);
	inject_option(w, ". 1:1(0) ack 1", 0x8000 | 20);
	check_equal(w, timeout_of(w), 1200 * SECOND);
	inject_option(w, ". 1:1(0) ack 1", 0x8000 | 0x7fff); /* U_LIMIT */
	check_equal(w, timeout_of(w), 3600 * SECOND);
	inject_option(w, ". 1:1(0) ack 1", 1); /* less than ours: ADV_UTO is the larger one */
	check_equal(w, timeout_of(w), 120 * SECOND);
	check_equal(w, counters(w)->tcp_user_timeout_options, 4);
	inject_option(w, ". 1:1(0) ack 1", 0); /* reserved: ignored */
	inject_option(w, ". 1:1(0) ack 1", 0x8000);
	check_equal(w, timeout_of(w), 120 * SECOND);
	inject_option(w, ". 1:1(0) ack 1", 500);
	exchange(w, 0); /* what was taken goes with it */
	check_equal(w, timeout_of(w), 120 * SECOND);
}

static void test_option_of_the_peer_has_a_lower_limit(void **state)
{
	struct wire *w = *state;

	w->cfg.user_timeout_us = 10 * SECOND;
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	exchange(w, 1);
	check_equal(w, take_option(w), 10);
	inject_option(w, ". 1:1(0) ack 1", 20);
	check_equal(w, timeout_of(w), 100 * SECOND); /* L_LIMIT */
}

/* What was set here no peer changes: CHANGEABLE of RFC 5482 3.1. */
static void test_option_of_the_peer_does_not_change_a_value_that_was_set(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	exchange(w, 1);
	set(w, TCP_OPTION_USER_TIMEOUT_US, 200 * SECOND);
	drain(w);
	inject_option(w, ". 1:1(0) ack 1", 1000);
	check_equal(w, timeout_of(w), 200 * SECOND);
}

static void test_option_in_an_unacceptable_segment_is_ignored(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	exchange(w, 1);
	drain(w);
	inject_option(w, ". 900000:900000(0) ack 1", 1000);
	inject_option(w, ". 1:1(0) ack 9000", 1000);
	drain(w);
	check_equal(w, timeout_of(w), 120 * SECOND);
}

static void test_taken_option_keeps_the_connection_for_longer(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	exchange(w, 1);
	drain(w);
	inject_option(w, ". 1:1(0) ack 1", 600);
	send_bytes(w, 100);
	advance_to(w, "599");
	drain(w);
	expect_state(w, TCP_ESTABLISHED);
	expect(w, "~600.0 R. 101:101(0) ack 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_user_timeout_of_one_connection),
		WIRE_TEST(test_longer_than_the_configuration),
		WIRE_TEST(test_progress_begins_it_anew),
		WIRE_TEST(test_lowered_while_data_is_outstanding),
		WIRE_TEST(test_lowered_below_what_has_passed),
		WIRE_TEST(test_raised_while_data_is_outstanding),
		WIRE_TEST(test_answered_window_probes_do_not_prolong_it),
		WIRE_TEST(test_answered_window_probes_prolong_the_default),
		WIRE_TEST(test_handshake_obeys_it),
		WIRE_TEST(test_longer_one_does_not_prolong_the_handshake),
		WIRE_TEST(test_orphan_lives_no_longer_than_the_configuration_says),
		WIRE_TEST(test_orphan_keeps_a_shorter_one),
		WIRE_TEST(test_keepalive_goes_on_until_the_user_timeout),
		WIRE_TEST(test_user_timeout_ends_keepalive_early),
		WIRE_TEST(test_shorter_than_the_idle_time_there_is_still_one_probe),
		WIRE_TEST(test_option_is_sent_once_when_switched_on),
		WIRE_TEST(test_option_goes_with_the_syn_and_again_after_it),
		WIRE_TEST(test_option_never_makes_a_segment_too_long),
		WIRE_TEST(test_option_of_the_peer_is_ignored_by_default),
		WIRE_TEST(test_option_of_the_peer_is_taken_within_limits),
		WIRE_TEST(test_option_of_the_peer_has_a_lower_limit),
		WIRE_TEST(test_option_of_the_peer_does_not_change_a_value_that_was_set),
		WIRE_TEST(test_option_in_an_unacceptable_segment_is_ignored),
		WIRE_TEST(test_taken_option_keeps_the_connection_for_longer),
	};

	return cmocka_run_group_tests_name("stack: user timeout", tests, NULL, NULL);
}
