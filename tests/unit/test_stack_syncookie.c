/* SPDX-License-Identifier: Apache-2.0 */
/* SYN cookies (RFC 4987 3.6): what a cookie carries, and for how long. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/syncookie.h"

/* ------------------------------------------------------------------ into a connection */

static void test_full_cache_answers_with_a_cookie_that_becomes_a_connection(void **state)
{
	struct wire *w = *state;

	small_cache(w);
	const struct seg g = cookie_for(w, "* S 0:0(0) win 65535 <mss 536>");
	check_equal(w, g.mss, 1460);
	check_equal(w, g.win, 65535);
	inject(w, "+0.050 . 1:1(0) ack 1");
	check_equal(w, wire_waiting(w), 0);
	expect_state(w, TCP_ESTABLISHED);
	check_equal(w, wire_events(w, STACK_EVENT_ACCEPT), 1);
	check_equal(w, counters(w)->tcp_syn_cookies_recv, 1);
	check_equal(w, counters(w)->tcp_passive_opens, 1);
	wire_accept(w);
	inject(w, "+0.010 P. 1:101(100) ack 1");
	expect(w, "* . 1:1(0) ack 101");
	recv_bytes(w, 100);
	send_bytes(w, 1000);
	expect(w, "* . 1:537(536) ack 101");
	expect(w, "* P. 537:1001(464) ack 101");
	inject(w, "+0.010 . 101:101(0) ack 1001");
	wire_shutdown(w);
	expect(w, "* F. 1001:1001(0) ack 101");
	inject(w, "+0.010 F. 101:101(0) ack 1002");
	expect(w, "* . 1002:1002(0) ack 102");
	expect_closed(w, TCP_CLOSE_ORDERLY);
}

/* The ACK got lost; what comes is the request. */
static void test_data_with_the_cookie_are_taken(void **state)
{
	struct wire *w = *state;

	small_cache(w);
	cookie_for(w, "* S 0:0(0) " SYN_WORDS);
	inject(w, "* P. 1:1001(1000) ack 1 win 30000");
	expect(w, "* . 1:1(0) ack 1001");
	wire_accept(w);
	check(w, wire_events(w, STACK_EVENT_READABLE) == 1);
	recv_bytes(w, 1000);
	check_equal(w, wire_info(w).snd_wnd, 30000);
	/* With a FIN as well. */
	give_up(w);
	w->rport = 1001;
	cookie_for(w, "* S 0:0(0) " SYN_WORDS);
	inject(w, "* FP. 1:11(10) ack 1");
	expect(w, "* . 1:1(0) ack 12");
	expect_state(w, TCP_CLOSE_WAIT);
	wire_accept(w);
	recv_bytes(w, 10);
	check(w, tcp_recv_finished(w->c));
}

/* What there is of a connection when its handshake has ended. */
static struct tcp_info established(struct wire *w, bool timestamps)
{
	inject(w, timestamps ? "+0.020 . 1:1(0) ack 1 win 500 <nop,nop,TS val 120 ecr $>"
			     : "+0.020 . 1:1(0) ack 1 win 500");
	check_equal(w, wire_waiting(w), 0);
	wire_accept(w);
	const struct tcp_info info = wire_info(w);
	give_up(w);
	return info;
}

static void check_same(struct wire *w, const struct tcp_info *a, const struct tcp_info *b)
{
	check_equal(w, a->state, b->state);
	check_equal(w, a->snd_mss, b->snd_mss);
	check_equal(w, a->peer_mss, b->peer_mss);
	check_equal(w, a->wscale_ok, b->wscale_ok);
	check_equal(w, a->snd_wscale, b->snd_wscale);
	check_equal(w, a->rcv_wscale, b->rcv_wscale);
	check_equal(w, a->timestamps, b->timestamps);
	check_equal(w, a->sack, b->sack);
	check_equal(w, a->cwnd, b->cwnd);
	check_equal(w, a->ssthresh, b->ssthresh);
	check_equal(w, a->snd_wnd, b->snd_wnd);
	check_equal(w, a->rcv_wnd, b->rcv_wnd);
	check_equal(w, a->rcv_nxt, b->rcv_nxt);
	check_equal(w, a->memory, b->memory);
}

static void test_connection_of_a_cookie_equals_one_of_an_entry(void **state)
{
	static const char *const offers[] = {
		"mss 1460",
		"mss 536",
		"mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7",
		"mss 1400,sackOK,TS val 100 ecr 0,nop,wscale 0",
		"mss 1360,sackOK,TS val 100 ecr 0,nop,wscale 14",
		"mss 1460,sackOK,TS val 100 ecr 0",
		"mss 1460,nop,nop,TS val 100 ecr 0,nop,wscale 3",
		"mss 1460,nop,nop,TS val 100 ecr 0",
		"nop",
	};
	struct wire *w = *state;
	char line[128];

	small_cache(w);
	for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
		const bool timestamps = strstr(offers[i], "TS") != NULL;
		snprintf(line, sizeof line, "+0.013 S 0:0(0) win 1000 <%s>", offers[i]);
		/* IPv6's table has no 1,360 and 1,400 but 1,340 and 1,380. */
		if (w->version == 6 && strstr(line, "mss 14") && !strstr(line, "mss 1460"))
			memcpy(strstr(line, "mss 14"), "mss 1380", 8);
		if (w->version == 6 && strstr(line, "mss 1360"))
			memcpy(strstr(line, "mss 1360"), "mss 1340", 8);
		if (w->version == 6 && strstr(line, "mss 1460"))
			memcpy(strstr(line, "mss 1460"), "mss 1440", 8);
		w->rport = (uint16_t)(2000 + 2 * i);
		inject(w, line);
		const struct seg plain = take_syn_ack(w);
		const struct tcp_info entry = established(w, timestamps);
		w->rport++;
		const struct seg g = cookie_for(w, line);
		check_equal(w, g.has_ts, timestamps);
		check_equal(w, g.has_wscale, plain.has_wscale);
		check_equal(w, g.sack_ok, plain.sack_ok);
		check_equal(w, g.mss, plain.mss);
		check_equal(w, g.win, plain.win);
		const struct tcp_info cookie = established(w, timestamps);
		check_same(w, &cookie, &entry);
	}
	check_equal(w, counters(w)->tcp_syn_cookies_recv, sizeof offers / sizeof offers[0]);
	check_equal(w, counters(w)->tcp_syn_cookies_failed, 0);
}

/* Nothing could carry them back: then they are not offered. */
static void test_without_timestamps_there_is_neither_scale_nor_sack(void **state)
{
	struct wire *w = *state;

	small_cache(w);
	const struct seg g = cookie_for(w, "* S 0:0(0) win 65535 <mss 1460,nop,wscale 7,sackOK>");
	check(w, !g.has_wscale && !g.sack_ok && !g.has_ts && g.has_mss);
	inject(w, "* . 1:1(0) ack 1 win 500");
	wire_accept(w);
	const struct tcp_info info = wire_info(w);
	check(w, !info.wscale_ok && !info.sack && !info.timestamps);
	check_equal(w, info.snd_wnd, 500);
}

/* ------------------------------------------------------------------ the segment size */

static void test_segment_size_is_rounded_down_to_the_table(void **state)
{
	static const uint16_t ipv4[] = {48, 536, 1240, 1360, 1400, 1452, 1460, 8960};
	static const uint16_t ipv6[] = {48, 536, 1220, 1340, 1380, 1432, 1440, 8940};
	struct wire *w = *state;
	const uint16_t *table = w->version == 4 ? ipv4 : ipv6;

	w->cfg.mtu = 9000;
	small_cache(w);
	w->rport = 2000;
	for (unsigned i = 0; i < 8; i++) {
		for (int off = -1; off <= 1; off++, w->rport++) {
			const int mss = table[i] + off;
			const int want = off >= 0 || i == 0 ? table[i] : table[i - 1];
			char line[64];
			snprintf(line, sizeof line, "* S 0:0(0) win 65535 <mss %d>", mss);
			cookie_for(w, line);
			inject(w, "* . 1:1(0) ack 1");
			wire_accept(w);
			check_equal(w, wire_info(w).peer_mss, want);
			give_up(w);
		}
	}
	static const struct {
		const char *syn;
		int v4, v6;
	} odd[] = {{"* S 0:0(0) win 65535", 536, 1220},
		   {"* S 0:0(0) win 65535 <mss 0>", 48, 48},
		   {"* S 0:0(0) win 65535 <mss 1>", 48, 48},
		   {"* S 0:0(0) win 65535 <mss 65535>", 8960, 8940}};
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++, w->rport++) {
		cookie_for(w, odd[i].syn);
		inject(w, "* . 1:1(0) ack 1");
		wire_accept(w);
		check_equal(w, wire_info(w).peer_mss, w->version == 4 ? odd[i].v4 : odd[i].v6);
		give_up(w);
	}
}

/* ------------------------------------------------------------------ the timestamp */

/* RFC 7323 5: TSval may lag, but neither run ahead nor go back. */
static void test_timestamp_lags_by_less_than_64_ms_and_never_goes_back(void **state)
{
	struct wire *w = *state;
	uint32_t last = 0;

	small_cache(w);
	for (unsigned i = 0; i < 200; i++) {
		advance_us(w, 1000 + 7919 * (i % 13));
		fill_cache(w);
		inject(w, "* S 0:0(0) " ALL_WORDS); /* the same SYN each time */
		const uint32_t ts = take_syn_ack(w).ts_val;
		empty_cache(w);
		check_equal(w, ts & 63, 7 | 16);
		check(w, i == 0 || (int32_t)(ts - last) >= 0);
		last = ts;
		/* What the clock says now is told by a connection between the same two hosts. */
		w->rport = 1001;
		inject(w, "* S 0:0(0) " ALL_WORDS);
		const uint32_t now = take_syn_ack(w).ts_val;
		inject(w, "* R 1:1(0)");
		w->rport = WIRE_PEER_PORT;
		check(w, now - ts < 64);
	}
}

static void test_timestamps_of_the_connection_go_on_from_the_cookies(void **state)
{
	struct wire *w = *state;

	small_cache(w);
	advance_us(w, 777000);
	const uint32_t first = cookie_for(w, "* S 0:0(0) " ALL_WORDS).ts_val;
	inject(w, "+0 P. 1:101(100) ack 1 win 500 <nop,nop,TS val 101 ecr $>");
	expect(w, "* . 1:1(0) ack 101 <TS val * ecr 101>");
	check(w, (int32_t)(w->last_ts_val - first) >= 0 && w->last_ts_val - first < 64);
	wire_accept(w);
	/* The echo was up to 63 ms off: the first measurement is that of the first data. */
	check_equal(w, wire_info(w).srtt_us, 0);
	check_equal(w, wire_info(w).rto_us, 1000000);
	recv_bytes(w, 100);
	send_bytes(w, 100);
	expect(w, "* P. 1:101(100) ack 101");
	inject(w, "+0.030 . 101:101(0) ack 101 win 500 <nop,nop,TS val 131 ecr $>");
	check_equal(w, wire_info(w).srtt_us, 30000);
	/* PAWS works: older than the ACK's is old (RFC 7323 5.3). */
	inject(w, "+0.001 P. 101:201(100) ack 101 win 500 <nop,nop,TS val 100 ecr $>");
	expect(w, "* . 101:101(0) ack 101");
	check_equal(w, counters(w)->tcp_paws_dropped, 1);
}

/* A made-up echo is not ours, or not of these two minutes; other bits are not those of the SYN. */
static void test_cookie_with_another_echo_is_refused(void **state)
{
	static const int32_t wrong[] = {1, -1, 16, -16, 32, -32, 6400, -192000, INT32_MIN};
	struct wire *w = *state;
	char line[96];

	small_cache(w);
	const uint32_t ts = cookie_for(w, "* S 0:0(0) " ALL_WORDS).ts_val;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		snprintf(line, sizeof line, "* . 1:1(0) ack 1 <nop,nop,TS val 101 ecr %u>",
			 ts + (uint32_t)wrong[i]);
		inject(w, line);
		expect(w, "* R 1:1(0)");
	}
	check_equal(w, counters(w)->tcp_syn_cookies_failed, sizeof wrong / sizeof wrong[0]);
	/* What the same SYN would have got a minute before. */
	snprintf(line, sizeof line, "* . 1:1(0) ack 1 <nop,nop,TS val 101 ecr %u>", ts - 64000);
	inject(w, line);
	expect_state(w, TCP_ESTABLISHED);
	wire_accept(w);
}

static void test_timestamps_that_were_agreed_on_must_come(void **state)
{
	struct wire *w = *state;

	small_cache(w);
	cookie_for(w, "* S 0:0(0) " ALL_WORDS);
	inject(w, "* . 1:1(0) ack 1");
	expect(w, "* R 1:1(0)");
	check_equal(w, counters(w)->tcp_syn_cookies_failed, 1);
	/* Also when they carry nothing. */
	cookie_for(w, "* S 0:0(0) win 65535 <mss 1460,nop,nop,TS val 100 ecr 0,nop,wscale 0>");
	inject(w, "* . 1:1(0) ack 1");
	expect(w, "* R 1:1(0)");
	check_equal(w, counters(w)->tcp_syn_cookies_failed, 2);
}

/* ------------------------------------------------------------------ time */

/* To `us` after the beginning of period n. */
static void to_period(struct wire *w, uint64_t n, uint64_t us)
{
	advance_us(w, n * PERIOD_US + us - w->now_us);
}

static void test_cookie_lives_for_the_rest_of_its_period_and_the_next(void **state)
{
	struct wire *w = *state;
	const uint64_t n = w->now_us / PERIOD_US + 1;

	small_cache(w);
	static const uint64_t made[] = {0, 32000000, PERIOD_US - 1};
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned late = 0; late < 2; late++) {
			to_period(w, n + 10 * i + 4 * late, made[i]);
			w->rport = (uint16_t)(2000 + 2 * i + late);
			cookie_for(w, "* S 0:0(0) " ALL_WORDS);
			const uint32_t iss = w->iss, echo = w->last_ts_val;
			to_period(w, n + 10 * i + 4 * late + 2 - !late, 0);
			if (!late) /* the last moment */
				to_period(w, n + 10 * i + 1, PERIOD_US - 1);
			/* Others are let in still, so it is looked at in any case. */
			w->rport += 100;
			cookie_for(w, "* S 0:0(0) " ALL_WORDS);
			w->rport -= 100;
			w->iss = iss;
			w->last_ts_val = echo;
			inject(w, "* . 1:1(0) ack 1 <nop,nop,TS val 101 ecr $>");
			if (late) {
				expect(w, "* R 1:1(0)");
				expect_state(w, TCP_CLOSED);
			} else {
				expect_state(w, TCP_ESTABLISHED);
				wire_accept(w);
				give_up(w);
			}
		}
	}
	check_equal(w, counters(w)->tcp_syn_cookies_recv, 3);
	check_equal(w, counters(w)->tcp_syn_cookies_failed, 3);
}

/* Two periods later nothing is tried: a stray ACK costs what it always did. */
static void test_acks_are_tried_only_while_cookies_may_be_out(void **state)
{
	struct wire *w = *state;

	small_cache(w);
	inject(w, "* . 1:1(0) ack 5");
	expect(w, "* R 5:5(0)");
	check_equal(w, counters(w)->tcp_syn_cookies_failed, 0);
	cookie_for(w, "* S 0:0(0) " SYN_WORDS);
	advance_us(w, 2 * PERIOD_US - 1);
	inject(w, "* . 1:1(0) ack 5");
	expect(w, "* R 5:5(0)");
	check_equal(w, counters(w)->tcp_syn_cookies_failed, 1);
	advance_us(w, 1);
	inject(w, "* . 1:1(0) ack 1");
	expect(w, "* R 1:1(0)");
	check_equal(w, counters(w)->tcp_syn_cookies_failed, 1);
	check_equal(w, counters(w)->tcp_syn_cookies_recv, 0);
	/* Nor in the first two periods of the stack's time. */
	wire_restart(w);
	w->start_us = w->now_us = 1000;
	wire_listen(w, WIRE_PORT, 16);
	inject(w, "* . 1:1(0) ack 5");
	expect(w, "* R 5:5(0)");
	check_equal(w, counters(w)->tcp_syn_cookies_failed, 0);
}

/* Within a period the same SYN gets the same cookie, in the next another; both let the client in. */
static void test_syn_sent_again_gets_a_cookie_again(void **state)
{
	struct wire *w = *state;
	const uint64_t n = w->now_us / PERIOD_US + 1;

	small_cache(w);
	to_period(w, n, PERIOD_US - 2000000);
	cookie_for(w, "* S 0:0(0) " SYN_WORDS);
	const uint32_t first = w->iss;
	advance_us(w, 1000000);
	cookie_for(w, "* S 0:0(0) " SYN_WORDS);
	check_equal(w, w->iss, first);
	advance_us(w, 2000000);
	cookie_for(w, "* S 0:0(0) " SYN_WORDS);
	check(w, w->iss != first);
	const uint32_t second = w->iss;
	w->iss = first;
	inject(w, "* . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	wire_accept(w);
	give_up(w);
	w->iss = second;
	inject(w, "* . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	wire_accept(w);
}

/* The SYN comes again and finds room, while the SYN-ACK with the cookie is under way. */
static void test_cookie_is_good_though_there_is_an_entry_by_now(void **state)
{
	struct wire *w = *state;
	const uint32_t isn = w->iss;

	small_cache(w);
	cookie_for(w, "* S 0:0(0) " ALL_WORDS);
	const uint32_t cookie = w->iss, echo = w->last_ts_val;
	w->iss = isn;
	inject(w, "+1 S 0:0(0) " ALL_WORDS);
	expect(w, "* S. 0:0(0) ack 1");
	expect_state(w, TCP_SYN_RECEIVED);
	inject(w, "* . 1:1(0) ack 2 <nop,nop,TS val 101 ecr $>");
	expect(w, "* R 2:2(0)"); /* neither of the two */
	w->iss = cookie;
	w->last_ts_val = echo;
	inject(w, "* . 1:1(0) ack 1 <nop,nop,TS val 101 ecr $>");
	check_equal(w, wire_waiting(w), 0);
	expect_state(w, TCP_ESTABLISHED);
	check_equal(w, wire_usage(w).half_open, 0);
	wire_accept(w);
	check(w, wire_info(w).sack);
}

/* The client's first segment, with its ACK, gets lost. What follows must neither open a connection that lacks it nor
 * get a RST. */
static void test_what_comes_before_the_beginning_waits_for_it(void **state)
{
	struct wire *w = *state;

	small_cache(w);
	cookie_for(w, "* S 0:0(0) " ALL_WORDS);
	inject(w, "* . 1449:2897(1448) ack 1 <nop,nop,TS val 101 ecr $>");
	inject(w, "* P. 2897:3001(104) ack 1 <nop,nop,TS val 101 ecr $>");
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, wire_usage(w).connections, 0);
	check_equal(w, counters(w)->tcp_syn_cookies_failed, 0);
	inject(w, "+0.2 . 1:1449(1448) ack 1 <nop,nop,TS val 301 ecr $>");
	expect(w, "* . 1:1(0) ack 1449");
	expect_state(w, TCP_ESTABLISHED);
	wire_accept(w);
	recv_bytes(w, 1448);
}

/* The number of the period has more than 32 bits; its lowest, which is in the cookie, turns over all the time. */
static void test_period_number_wraps(void **state)
{
	struct wire *w = *state;

	for (unsigned i = 0; i < 3; i++) {
		w->cfg.max_half_open = 1;
		wire_restart(w);
		w->start_us = w->now_us = (1ull << (31 + i)) * PERIOD_US - 1000;
		wire_listen(w, WIRE_PORT, 16);
		inject(w, "* S 0:0(0) " SYN_WORDS " " FILLER);
		drain(w);
		inject(w, "* S 0:0(0) " SYN_WORDS);
		take_syn_ack(w);
		inject(w, "* R 1:1(0) " FILLER);
		advance_us(w, 2000); /* into the next period */
		inject(w, "* . 1:1(0) ack 1");
		expect_state(w, TCP_ESTABLISHED);
		wire_accept(w);
		give_up(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_full_cache_answers_with_a_cookie_that_becomes_a_connection),
		WIRE_TEST(test_data_with_the_cookie_are_taken),
		WIRE_TEST(test_connection_of_a_cookie_equals_one_of_an_entry),
		WIRE_TEST(test_without_timestamps_there_is_neither_scale_nor_sack),
		WIRE_TEST(test_segment_size_is_rounded_down_to_the_table),
		WIRE_TEST(test_timestamp_lags_by_less_than_64_ms_and_never_goes_back),
		WIRE_TEST(test_timestamps_of_the_connection_go_on_from_the_cookies),
		WIRE_TEST(test_cookie_with_another_echo_is_refused),
		WIRE_TEST(test_timestamps_that_were_agreed_on_must_come),
		WIRE_TEST(test_cookie_lives_for_the_rest_of_its_period_and_the_next),
		WIRE_TEST(test_acks_are_tried_only_while_cookies_may_be_out),
		WIRE_TEST(test_syn_sent_again_gets_a_cookie_again),
		WIRE_TEST(test_what_comes_before_the_beginning_waits_for_it),
		WIRE_TEST(test_cookie_is_good_though_there_is_an_entry_by_now),
		WIRE_TEST_ONCE(test_period_number_wraps),
	};

	return cmocka_run_group_tests_name("stack: SYN cookies", tests, NULL, NULL);
}
