/* SPDX-License-Identifier: Apache-2.0 */
/* TIME-WAIT: what it answers, what it ignores, when it ends and what may end it early (RFC 9293
 * 3.6.1, RFC 1337, RFC 6191). */
#include <stdio.h>

#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1460>"
#define TS_WORDS "win 65535 <mss 1460,nop,nop,TS val 1000 ecr 0>"

/* Ends in TIME-WAIT at 0.000: SND.NXT 2, RCV.NXT 2 (and no handle). */
static void enter_time_wait(struct wire *w)
{
	wire_establish(w, SYN_WORDS);
	wire_close(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	inject(w, "0.000 F. 1:1(0) ack 2");
	expect(w, "0.000 . 2:2(0) ack 2");
	expect_state(w, TCP_TIME_WAIT);
}

static void enter_time_wait_with_timestamps(struct wire *w)
{
	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) " TS_WORDS);
	expect(w, "* S. 0:0(0) ack 1");
	inject(w, "0.000 . 1:1(0) ack 1 <nop,nop,TS val 1000 ecr $>");
	wire_accept(w);
	wire_close(w);
	expect(w, "0.000 F. 1:1(0) ack 1");
	inject(w, "0.000 F. 1:1(0) ack 2 <nop,nop,TS val 1000 ecr $>");
	expect(w, "0.000 . 2:2(0) ack 2 <TS val * ecr 1000>");
	expect_state(w, TCP_TIME_WAIT);
}

static void test_time_wait_ends_after_two_msl(void **state)
{
	struct wire *w = *state;

	enter_time_wait(w);
	check_equal(w, w->cfg.time_wait_us, 60000000);
	expect_none(w, "59.9");
	expect_state(w, TCP_TIME_WAIT);
	expect_none(w, "60.01");
	expect_state(w, TCP_CLOSED);
	check_equal(w, wire_usage(w).time_wait, 0);
	inject(w, "60.02 F. 1:1(0) ack 2");
	expect(w, "60.02 R 2:2(0)");
}

static void test_repeated_fin_is_acknowledged_and_restarts_the_timer(void **state)
{
	struct wire *w = *state;

	enter_time_wait(w);
	inject(w, "50.0 F. 1:1(0) ack 2");
	expect(w, "50.0 . 2:2(0) ack 2");
	expect_none(w, "109.9");
	expect_state(w, TCP_TIME_WAIT);
	expect_none(w, "110.1");
	expect_state(w, TCP_CLOSED);
}

static void test_plain_ack_gets_no_answer(void **state)
{
	struct wire *w = *state;

	enter_time_wait(w);
	inject(w, "0.500 . 2:2(0) ack 2");
	expect_none(w, "59.9");
	expect_state(w, TCP_TIME_WAIT);
	expect_none(w, "60.1");
	expect_state(w, TCP_CLOSED); /* and does not restart the timer */
}

/* RFC 1337: a RST must not cut TIME-WAIT short, exact or not. */
static void test_rst_is_ignored(void **state)
{
	struct wire *w = *state;

	enter_time_wait(w);
	inject(w, "0.500 R 2:2(0)");
	inject(w, "0.500 R. 2:2(0) ack 2");
	inject(w, "0.500 R 100:100(0)");
	inject(w, "0.500 R 0:0(0)");
	expect_none(w, "59.9");
	expect_state(w, TCP_TIME_WAIT);
}

static void test_old_data_get_an_ack(void **state)
{
	struct wire *w = *state;

	enter_time_wait(w);
	inject(w, "1.0 P. -99:1(100) ack 2");
	expect(w, "1.0 . 2:2(0) ack 2");
	inject(w, "2.0 P. 1000000:1000100(100) ack 2");
	expect(w, "2.0 . 2:2(0) ack 2");
	expect_none(w, "59.9");
	expect_state(w, TCP_TIME_WAIT);
}

/* Two ends that answer each other must fall silent: few answers, whatever comes. */
static void test_answers_are_limited(void **state)
{
	struct wire *w = *state;

	enter_time_wait(w);
	advance_to(w, "1.0");
	for (unsigned i = 0; i < 1000; i++) {
		const struct seg g = wire_seg(w, ". 500000:500000(0) ack 2");
		wire_inject_seg(w, &g);
	}
	check(w, drain(w) <= 10);
	check(w, counters(w)->tcp_challenge_acks_limited >= 990);
}

/* RFC 1122 4.2.2.13: a SYN beyond what the old connection used opens a new one. */
static void test_newer_syn_opens_a_new_connection(void **state)
{
	struct wire *w = *state;

	enter_time_wait(w);
	inject(w, "1.0 S 3:3(0) " SYN_WORDS);
	struct wire_packet *p = wire_take(w);
	const char *what = NULL;
	struct seg g;
	check(w, p && wire_decode(p->bytes, p->len, &g, &what));
	test_free(p);
	check_equal(w, g.flags, SYN | ACK);
	check_equal(w, g.ack, w->irs + 4);
	check(w, (int32_t)(g.seq - (w->iss + 2)) > 0); /* beyond the old one's numbers too */
	expect_state(w, TCP_SYN_RECEIVED);
	check_equal(w, wire_usage(w).time_wait, 0);
	check_equal(w, counters(w)->tcp_time_wait_reused, 1);
	w->iss = g.seq;
	inject(w, "1.0 . 4:4(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	w->any_payload = true;
	wire_accept(w);
	inject(w, "1.0 P. 4:14(10) ack 1");
	expect(w, "1.0 . 1:1(0) ack 14");
}

static void test_older_syn_is_refused_with_an_ack(void **state)
{
	struct wire *w = *state;

	enter_time_wait(w);
	inject(w, "1.0 S 0:0(0) " SYN_WORDS);
	expect(w, "1.0 . 2:2(0) ack 2");
	inject(w, "2.0 S 2:2(0) " SYN_WORDS); /* at RCV.NXT is not beyond it */
	drain(w);
	expect_state(w, TCP_TIME_WAIT);
	check_equal(w, wire_usage(w).half_open, 0);
}

/* RFC 6191: with timestamps it is they that tell new from old. */
static void test_newer_timestamp_opens_a_new_connection(void **state)
{
	struct wire *w = *state;

	enter_time_wait_with_timestamps(w);
	inject(w, "1.0 S -5000:-5000(0) win 65535 <mss 1460,nop,nop,TS val 1500 ecr 0>");
	check_equal(w, wire_waiting(w), 1);
	drain(w);
	expect_state(w, TCP_SYN_RECEIVED);
	check_equal(w, counters(w)->tcp_time_wait_reused, 1);
}

static void test_older_timestamp_is_refused(void **state)
{
	struct wire *w = *state;

	enter_time_wait_with_timestamps(w);
	inject(w, "1.0 S 5000:5000(0) win 65535 <mss 1460,nop,nop,TS val 900 ecr 0>");
	expect(w, "1.0 . 2:2(0) ack 2");
	expect_state(w, TCP_TIME_WAIT);
}

static void test_syn_for_a_closed_listener_does_not_end_time_wait(void **state)
{
	struct wire *w = *state;

	enter_time_wait(w);
	tcp_unlisten(w->listener);
	w->listener = NULL;
	inject(w, "1.0 S 5000:5000(0) " SYN_WORDS);
	drain(w);
	expect_state(w, TCP_TIME_WAIT);
}

static void test_syn_ack_is_no_new_connection(void **state)
{
	struct wire *w = *state;

	enter_time_wait(w);
	inject(w, "1.0 S. 5000:5000(0) ack 2 " SYN_WORDS);
	expect(w, "1.0 . 2:2(0) ack 2");
	expect_state(w, TCP_TIME_WAIT);
}

/* One client port after the other closes; the oldest record goes when there are too many. */
static void test_oldest_record_goes_first(void **state)
{
	struct wire *w = *state;

	w->cfg.max_time_wait = 3;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	for (uint16_t port = 1001; port <= 1005; port++) {
		w->rport = port;
		inject(w, "+0 S 0:0(0) " SYN_WORDS);
		expect(w, "* S. 0:0(0) ack 1");
		inject(w, "+0 . 1:1(0) ack 1");
		wire_accept(w);
		wire_close(w);
		expect(w, "* F. 1:1(0) ack 1");
		inject(w, "+0 F. 1:1(0) ack 2");
		expect(w, "* . 2:2(0) ack 2");
		expect_state(w, TCP_TIME_WAIT);
	}
	check_equal(w, wire_usage(w).time_wait, 3);
	check_equal(w, counters(w)->tcp_time_wait_evicted, 2);
	for (uint16_t port = 1001; port <= 1005; port++) {
		w->rport = port;
		expect_state(w, port < 1003 ? TCP_CLOSED : TCP_TIME_WAIT);
	}
}

/* A client that closes first, ten thousand times from 20 ports: the server must not stand in its
 * way. */
static void test_few_client_ports_are_reused_at_once(void **state)
{
	struct wire *w = *state;

	w->quiet = true;
	wire_listen(w, WIRE_PORT, 16);
	w->any_payload = true;
	for (uint32_t i = 0; i < 10000; i++) {
		struct wire_packet *p;
		const char *what = NULL;
		struct seg g;
		char line[64];

		w->rport = (uint16_t)(2000 + i % 20);
		w->irs += 64000;
		inject(w, "+0.0001 S 0:0(0) " SYN_WORDS);
		p = wire_take(w);
		check(w, p && wire_decode(p->bytes, p->len, &g, &what));
		test_free(p);
		check_equal(w, g.flags, SYN | ACK);
		w->iss = g.seq;
		inject(w, "+0 . 1:1(0) ack 1");
		wire_accept(w);
		snprintf(line, sizeof line, "+0 F. 1:1(0) ack 1");
		if (i % 2) { /* we close first: a record here each time */
			wire_close(w);
			drain(w);
			inject(w, "+0 F. 1:1(0) ack 2");
			drain(w);
			expect_state(w, TCP_TIME_WAIT);
		} else {
			inject(w, line);
			wire_close(w);
			drain(w);
			inject(w, "+0 . 2:2(0) ack 2");
			expect_state(w, TCP_CLOSED);
		}
	}
	check(w, wire_usage(w).time_wait <= 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_time_wait_ends_after_two_msl),
		WIRE_TEST(test_repeated_fin_is_acknowledged_and_restarts_the_timer),
		WIRE_TEST(test_plain_ack_gets_no_answer),
		WIRE_TEST(test_rst_is_ignored),
		WIRE_TEST(test_old_data_get_an_ack),
		WIRE_TEST(test_answers_are_limited),
		WIRE_TEST(test_newer_syn_opens_a_new_connection),
		WIRE_TEST(test_older_syn_is_refused_with_an_ack),
		WIRE_TEST(test_newer_timestamp_opens_a_new_connection),
		WIRE_TEST(test_older_timestamp_is_refused),
		WIRE_TEST(test_syn_for_a_closed_listener_does_not_end_time_wait),
		WIRE_TEST(test_syn_ack_is_no_new_connection),
		WIRE_TEST(test_oldest_record_goes_first),
		WIRE_TEST(test_few_client_ports_are_reused_at_once),
	};

	return cmocka_run_group_tests_name("stack: TIME-WAIT", tests, NULL, NULL);
}
