/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Black holes, which swallow large packets without a word (RFC 2923 2.1), and the search for a larger size
 * by probes (RFC 4821 7). Sizes in IPv4's black holes are 1,064 and 576 bytes, in IPv6's 1,280.
 */
#include <stdio.h>

#include "tests/unit/wire_icmp.h"

#define SYN_WORDS "win 65535 <mss 1460>"
#define SACK_WORDS "win 65535 <mss 1460,sackOK>"

/* Payload of the first size below. */
static uint32_t base(const struct wire *w)
{
	return w->version == 6 ? 1220 : 1024;
}

static void expect_piece(struct wire *w, const char *time, uint32_t seq, uint32_t len)
{
	char line[96];

	snprintf(line, sizeof line, "%s . %u:%u(%u) ack 1", time, seq, seq + len, len);
	expect(w, line);
}

static void ack(struct wire *w, const char *time, uint32_t seq)
{
	char line[96];

	snprintf(line, sizeof line, "%s . 1:1(0) ack %u", time, seq);
	inject(w, line);
}

/* Takes what waits; returns the end of the last segment, `end` when there is none. */
static uint32_t end_of_waiting(struct wire *w, uint32_t end)
{
	struct wire_packet *p;
	const char *what;
	struct seg g;

	while ((p = wire_take(w)) != NULL) {
		check(w, wire_decode(p->bytes, p->len, &g, &what));
		end = g.seq + (uint32_t)g.len - w->iss;
		test_free(p);
	}
	return end;
}

/* Acknowledges whatever is sent, as it comes, until `end`. */
static void acknowledge_all(struct wire *w, uint32_t end)
{
	for (unsigned i = 0; i < 1000 && wire_info(w).snd_una - w->iss < end; i++)
		ack(w, "+0.001", end_of_waiting(w, wire_info(w).snd_nxt - w->iss));
	drain(w);
	check_equal(w, wire_info(w).snd_una - w->iss, end);
}

/* The first segments vanish until they are small enough; all is acknowledged at 0.7 s, and the size is 1,064. */
static void fall_into_a_black_hole(struct wire *w, const char *syn_words)
{
	wire_establish(w, syn_words);
	send_bytes(w, 14600);
	check_equal(w, drain(w), w->cfg.tso ? 1 : 10);
	quiet_until(w, "0.190");
	expect_piece(w, "~0.200", 1, 1460);
	quiet_until(w, "0.590");
	expect_piece(w, "~0.600", 1, base(w));
	ack(w, "+0.005", 1 + base(w));
	acknowledge_all(w, 14601);
}

/* ------------------------------------------------------------------ black holes */

static void test_second_time_out_of_a_full_segment_makes_it_smaller(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 14600);
	check_equal(w, drain(w), 10);
	expect_piece(w, "~0.200", 1, 1460);
	expect_piece(w, "~0.600", 1, base(w));
	check_equal(w, wire_info(w).pmtu, w->version == 6 ? 1280 : 1064);
	check(w, !wire_info(w).blackhole);
	ack(w, "0.610", 1 + base(w));
	const struct tcp_info info = wire_info(w);
	check(w, info.blackhole);
	check_equal(w, info.snd_mss, base(w));
	check_equal(w, counters(w)->tcp_pmtud_blackhole, 1);
	check_equal(w, counters(w)->tcp_pmtud_blackhole_failed, 0);
	acknowledge_all(w, 14601);
	send_bytes(w, 2000);
	expect_piece(w, "*", 14601, base(w));
	check_equal(w, drain(w), 1);
}

static void test_it_is_the_same_with_sack(void **state)
{
	struct wire *w = *state;

	fall_into_a_black_hole(w, SACK_WORDS);
	check(w, wire_info(w).blackhole);
	check_equal(w, wire_info(w).snd_mss, base(w));
}

static void test_when_that_does_not_help_it_gets_smaller_still(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 1460);
	check_equal(w, drain(w), 1);
	expect_piece(w, "~0.200", 1, 1460);
	expect_piece(w, "~0.600", 1, 1024);
	expect_piece(w, "~1.400", 1, 1024);
	expect_piece(w, "~3.000", 1, 536);
	ack(w, "3.010", 537);
	check(w, wire_info(w).blackhole);
	check_equal(w, wire_info(w).pmtu, 576);
	acknowledge_all(w, 1461);
}

static void test_size_that_was_not_the_reason_is_restored(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 2920);
	check_equal(w, drain(w), 2);
	expect_piece(w, "~0.200", 1, 1460);
	expect_piece(w, "~0.600", 1, 1024);
	expect_piece(w, "~1.400", 1, 1024);
	expect_piece(w, "~3.000", 1, 536);
	expect_piece(w, "~6.200", 1, 536);
	expect_piece(w, "~12.600", 1, 1460);
	expect_piece(w, "~25.400", 1, 1460);
	check_equal(w, counters(w)->tcp_pmtud_blackhole_failed, 1);
	check_equal(w, counters(w)->tcp_pmtud_blackhole, 0);
	ack(w, "26", 1461);
	check(w, !wire_info(w).blackhole);
	check_equal(w, wire_info(w).pmtu, 1500);
	acknowledge_all(w, 2921);
}

static void test_size_that_was_not_the_reason_is_restored_over_ipv6(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 2920);
	check_equal(w, drain(w), 2);
	expect_piece(w, "~0.200", 1, 1460);
	expect_piece(w, "~0.600", 1, 1220);
	expect_piece(w, "~1.400", 1, 1220);
	expect_piece(w, "~3.000", 1, 1460);
	expect_piece(w, "~6.200", 1, 1460);
	check_equal(w, counters(w)->tcp_pmtud_blackhole_failed, 1);
	ack(w, "7", 2921);
	check_equal(w, wire_info(w).pmtu, 1520);
}

/* Small packets that get lost say nothing about sizes. */
static void test_small_segments_that_time_out_change_no_size(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 500);
	drain(w);
	advance_to(w, "20");
	check_equal(w, drain(w), 6);
	check_equal(w, wire_info(w).pmtu, wire_mtu(w, 1500));
	ack(w, "20", 501);
	check_equal(w, counters(w)->tcp_pmtud_blackhole, 0);
}

static void test_one_time_out_is_no_black_hole(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	for (uint32_t i = 0; i < 10; i++) {
		char line[64];
		send_bytes(w, 1460);
		drain(w);
		snprintf(line, sizeof line, "* P. %u:%u(1460) ack 1", 1 + i * 1460,
			 1461 + i * 1460);
		expect(w, line);
		ack(w, "+0.001", 1461 + i * 1460);
	}
	check_equal(w, wire_info(w).timeouts, 10);
	check_equal(w, wire_info(w).pmtu, wire_mtu(w, 1500));
}

/* The first ACK answers what was sent before the time-outs (RFC 3522): everything was just late. */
static void test_late_acknowledgment_shows_that_there_was_no_black_hole(void **state)
{
	struct wire *w = *state;
	char line[128];

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460,TS val 1 ecr 0>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.000 . 1:1(0) ack 1 win 65535 <nop,nop,TS val 1 ecr $>");
	wire_accept(w);
	send_bytes(w, 14480);
	check_equal(w, drain(w), 10);
	const uint32_t sent = w->last_ts_val;
	expect_piece(w, "~0.200", 1, 1448);
	expect_piece(w, "~0.600", 1, base(w) - 12);
	snprintf(line, sizeof line, "0.610 . 1:1(0) ack 1449 win 65535 <nop,nop,TS val 2 ecr %u>",
		 sent);
	inject(w, line);
	drain(w);
	const struct tcp_info info = wire_info(w);
	check_equal(w, info.snd_mss, 1448);
	check(w, !info.blackhole);
	check_equal(w, info.ssthresh, UINT32_MAX);
	check_equal(w, counters(w)->tcp_pmtud_blackhole_failed, 1);
	/* Nor do others hear of it. */
	wire_abort(w);
	drain(w);
	w->rport = 40001;
	inject(w, "* S 0:0(0) win 65535 <mss 1460>");
	expect(w, "* S. 0:0(0) ack 1");
	inject(w, "* . 1:1(0) ack 1 win 65535");
	wire_accept(w);
	check_equal(w, wire_info(w).snd_mss, 1460);
}

/* RFC 4821 7.7 speaks of a time-out of everything: what was SACKed behind it shows that the size is right. */
static void test_others_that_arrived_put_it_off(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SACK_WORDS);
	send_bytes(w, 14600);
	check_equal(w, drain(w), 10);
	inject(w, "0.001 . 1:1(0) ack 1 <nop,nop,sack 1461:2921>");
	quiet_until(w, "0.190");
	expect_piece(w, "~0.200", 1, 1460);
	quiet_until(w, "0.590");
	expect_piece(w, "~0.600", 1, 1460);
	quiet_until(w, "1.390");
	expect_piece(w, "~1.400", 1, 1460);
	quiet_until(w, "2.990");
	expect_piece(w, "~3.000", 1, base(w)); /* but not for ever */
	ack(w, "+0.005", 1 + base(w));
	check_equal(w, counters(w)->tcp_pmtud_blackhole, 1);
	acknowledge_all(w, 14601);
}

/* When large packets have passed before, it may have been an outage: other connections do not suffer. */
static void second_connection(struct wire *w, const char *words)
{
	char line[128];

	w->rport = 40001;
	snprintf(line, sizeof line, "* S 0:0(0) %s", words);
	inject(w, line);
	expect(w, "* S. 0:0(0) ack 1");
	inject(w, "* . 1:1(0) ack 1 win 65535");
	wire_accept(w);
}

static void test_next_connection_starts_small(void **state)
{
	struct wire *w = *state;

	fall_into_a_black_hole(w, SACK_WORDS);
	wire_abort(w);
	drain(w);
	second_connection(w, SACK_WORDS);
	check_equal(w, wire_info(w).snd_mss, base(w));
	check(w, wire_info(w).blackhole);
}

static void test_outage_does_not_make_others_small(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SACK_WORDS);
	send_bytes(w, 1460);
	drain(w);
	ack(w, "0.010", 1461);
	send_bytes(w, 2920);
	drain(w);
	quiet_until(w, "0.200");
	expect_piece(w, "~0.220", 1461, 1460);
	quiet_until(w, "0.600");
	expect_piece(w, "*", 1461, base(w));
	ack(w, "+0.005", 1461 + base(w));
	check(w, wire_info(w).blackhole);
	acknowledge_all(w, 4381);
	wire_abort(w);
	drain(w);
	second_connection(w, SACK_WORDS);
	check_equal(w, wire_info(w).snd_mss, 1460);
}

/* ------------------------------------------------------------------ probes */

/* Out of the black hole for a second, with plenty to send: the first packet is a probe of the link's size. */
static void probe_sent(struct wire *w)
{
	fall_into_a_black_hole(w, SACK_WORDS);
	advance_us(w, 1500000);
	send_bytes(w, 30000);
	expect_piece(w, "*", 14601, 1460);
	check_equal(w, wire_info(w).pmtu_probe, wire_mtu(w, 1500));
	check(w, drain(w) >= 4);
	check_equal(w, wire_info(w).snd_mss, base(w));
}

static void test_probe_that_arrives_makes_segments_large(void **state)
{
	struct wire *w = *state;

	probe_sent(w);
	ack(w, "+0.01", 14601 + 1460);
	const struct tcp_info info = wire_info(w);
	check_equal(w, info.snd_mss, 1460);
	check_equal(w, info.pmtu, wire_mtu(w, 1500));
	check(w, !info.blackhole);
	check_equal(w, info.mtu_probes_ok, 1);
	check_equal(w, counters(w)->tcp_mtup_success, 1);
	acknowledge_all(w, 44601);
	wire_abort(w);
	drain(w);
	second_connection(w, SACK_WORDS);
	check_equal(w, wire_info(w).snd_mss, 1460); /* the others know it, too */
}

/* RFC 4821 7.6.2: its loss is no congestion. It goes again in pieces that get through. */
static void test_lost_probe_changes_nothing(void **state)
{
	struct wire *w = *state;
	char line[128];

	probe_sent(w);
	const struct tcp_info before = wire_info(w);
	advance_us(w, 10000);
	const uint32_t after = 14601 + 1460;
	for (unsigned i = 1; i <= 3; i++) {
		drain(w);
		snprintf(line, sizeof line, "* . 1:1(0) ack 14601 <nop,nop,sack %u:%u>", after,
			 after + i * base(w));
		inject(w, line);
	}
	expect_piece(w, "*", 14601, base(w));
	expect_piece(w, "*", 14601 + base(w), 1460 - base(w));
	const struct tcp_info info = wire_info(w);
	check_equal(w, info.ssthresh, before.ssthresh);
	check(w, info.cwnd >= before.cwnd);
	check(w, info.blackhole);
	check_equal(w, info.mtu_probes_failed, 1);
	check_equal(w, counters(w)->tcp_mtup_fail, 1);
	check_equal(w, counters(w)->tcp_fast_retransmits, 0);
	acknowledge_all(w, 44601);
	check_equal(w, wire_info(w).ssthresh, before.ssthresh);
	check_equal(w, wire_info(w).snd_mss, base(w));
}

/* The search goes on in the middle, a second later. */
static void test_search_halves_what_is_left(void **state)
{
	struct wire *w = *state;
	const uint32_t middle = w->version == 6 ? 1220 + 120 : 1024 + 218;
	char line[128];

	probe_sent(w);
	advance_us(w, 10000);
	drain(w);
	snprintf(line, sizeof line, "* . 1:1(0) ack 14601 <nop,nop,sack %u:%u>", 14601 + 1460,
		 14601 + 1460 + 4 * base(w));
	inject(w, line);
	acknowledge_all(w, 44601);
	check_equal(w, wire_info(w).mtu_probes_failed, 1);
	advance_us(w, 1100000);
	send_bytes(w, 30000);
	expect_piece(w, "*", 44601, middle);
	drain(w);
	ack(w, "*", 44601 + middle);
	check_equal(w, wire_info(w).snd_mss, middle);
	check_equal(w, wire_info(w).mtu_probes_ok, 1);
	acknowledge_all(w, 74601);
}

static void test_search_ends_near_the_truth(void **state)
{
	struct wire *w = *state;
	const uint32_t truth = 1400; /* payload that the path takes */
	char line[128];

	fall_into_a_black_hole(w, SACK_WORDS);
	advance_us(w, 1100000);
	for (unsigned round = 0; round < 10; round++) {
		const uint32_t start = wire_info(w).snd_nxt - w->iss;
		send_bytes(w, 20000);
		const uint32_t probe = wire_info(w).pmtu_probe;
		const uint32_t len = probe ? probe - wire_mtu(w, 40) : 0;
		if (len > truth) { /* everything but the probe arrives */
			snprintf(line, sizeof line, "* . 1:1(0) ack %u <nop,nop,sack %u:%u>", start,
				 start + len, end_of_waiting(w, start));
			inject(w, line);
		}
		acknowledge_all(w, start + 20000);
		advance_us(w, 1100000);
	}
	const struct tcp_info info = wire_info(w);
	check(w, info.snd_mss <= truth && info.snd_mss + 32u > truth);
	check(w, info.mtu_probes_ok + info.mtu_probes_failed < 9);
	check_equal(w, info.timeouts, 2);
	check_equal(w, counters(w)->tcp_fast_retransmits, 0);
}

/* A router that does tell, about the probe: its size is the next to be tried. */
static void test_too_big_about_a_probe_gives_the_next_size(void **state)
{
	struct wire *w = *state;

	probe_sent(w);
	advance_us(w, 10000);
	drain(w);
	too_big(w, 14601, 1400);
	expect_piece(w, "*", 14601, base(w));
	expect_piece(w, "*", 14601 + base(w), 1460 - base(w));
	check_equal(w, wire_info(w).mtu_probes_failed, 1);
	check_equal(w, wire_info(w).snd_mss, base(w));
	check_equal(w, counters(w)->tcp_pmtu_reductions, 0);
	acknowledge_all(w, 44601);
	advance_us(w, 1100000);
	send_bytes(w, 30000);
	expect_piece(w, "*", 44601, 1360);
	drain(w);
	ack(w, "*", 44601 + 1360);
	check_equal(w, wire_info(w).snd_mss, 1360);
	acknowledge_all(w, 74601);
}

static void test_loss_of_more_than_the_probe_is_congestion(void **state)
{
	struct wire *w = *state;
	char line[128];

	probe_sent(w);
	advance_us(w, 10000);
	drain(w);
	const uint32_t cwnd = wire_info(w).cwnd;
	/* The segment behind the probe has not arrived either. */
	snprintf(line, sizeof line, "* . 1:1(0) ack 14601 <nop,nop,sack %u:%u>",
		 14601 + 1460 + base(w), 14601 + 1460 + 4 * base(w));
	inject(w, line);
	check_equal(w, counters(w)->tcp_fast_retransmits, 1);
	check(w, wire_info(w).ssthresh < cwnd);
	check_equal(w, wire_info(w).mtu_probes_failed,
		    0); /* nothing is known: it will be tried again */
	acknowledge_all(w, 44601);
	check_equal(w, wire_info(w).mtu_probes_ok, 0);
}

static void test_time_out_ends_the_probe(void **state)
{
	struct wire *w = *state;

	probe_sent(w);
	const uint64_t timeouts = wire_info(w).timeouts;
	expect_piece(w, "*", 14601, base(w));
	check_equal(w, wire_info(w).timeouts, timeouts + 1);
	check_equal(w, wire_info(w).mtu_probes_failed, 1);
	check_equal(w, wire_info(w).pmtu_probe, 0);
	acknowledge_all(w, 44601);
	check_equal(w, wire_info(w).mtu_probes_ok, 0);
}

static void test_probe_waits_until_the_window_has_room(void **state)
{
	struct wire *w = *state;

	fall_into_a_black_hole(w, SACK_WORDS);
	send_bytes(w, 60000); /* fills the window before the second is over */
	const size_t first = drain(w);
	check(w, first >= 5);
	const uint32_t nxt = wire_info(w).snd_nxt - w->iss;
	advance_us(w, 100000);
	w->now_us += 1000000; /* nothing was heard meanwhile, not even by our timers */
	hold(w);
	ack(w, "*", 14601 + 100); /* room for a hundred bytes */
	release(w);
	check_equal(w, wire_waiting(w), 0);
	ack(w, "*", 14601 + 3 * base(w));
	expect_piece(w, "*", nxt, 1460);
	acknowledge_all(w, 74601);
	check_equal(w, wire_info(w).mtu_probes_ok, 1);
}

static void test_no_probe_without_sack(void **state)
{
	struct wire *w = *state;

	fall_into_a_black_hole(w, SYN_WORDS);
	advance_us(w, 5000000);
	send_bytes(w, 30000);
	expect_piece(w, "*", 14601, base(w));
	drain(w);
	check_equal(w, wire_info(w).pmtu_probe, 0);
	acknowledge_all(w, 44601);
}

static void test_no_probe_within_the_first_second_nor_with_little_to_send(void **state)
{
	struct wire *w = *state;

	fall_into_a_black_hole(w, SACK_WORDS);
	send_bytes(w, 30000);
	acknowledge_all(w, 44601);
	advance_us(w, 2000000);
	send_bytes(w, 1460 + 4 * base(w) - 1);
	expect_piece(w, "*", 44601, base(w));
	drain(w);
	acknowledge_all(w, w->sent + 1);
	check_equal(w, counters(w)->tcp_mtup_success + counters(w)->tcp_mtup_fail, 0);
}

static void test_what_a_router_has_said_is_probed_after_ten_minutes(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SACK_WORDS);
	send_bytes(w, 1460);
	drain(w);
	too_big(w, 1, 1400);
	check_equal(w, drain(w), 2);
	ack(w, "0.010", 1461);
	send_bytes(w, 30000);
	acknowledge_all(w, 31461);
	advance_to(w, "599");
	send_bytes(w, 30000);
	acknowledge_all(w, 61461);
	check_equal(w, wire_info(w).pmtu, wire_mtu(w, 1400));
	advance_to(w, "601");
	send_bytes(w, 30000);
	expect_piece(w, "*", 61461, 1460);
	acknowledge_all(w, 91461);
	check_equal(w, wire_info(w).pmtu, wire_mtu(w, 1500));
	check_equal(w, wire_info(w).mtu_probes_ok, 1);
}

static void test_probe_is_no_super_segment(void **state)
{
	struct wire *w = *state;

	w->cfg.tso = w->cfg.checksum_offload = true;
	wire_restart(w);
	fall_into_a_black_hole(w, SACK_WORDS);
	advance_us(w, 1500000);
	send_bytes(w, 30000);
	struct wire_packet *p = wire_take(w);
	check(w, p != NULL);
	check_equal(w, p->gso_size, 0);
	check_equal(w, p->len, 1500);
	test_free(p);
	p = wire_take(w);
	check(w, p != NULL);
	check_equal(w, p->gso_size, base(w));
	test_free(p);
	acknowledge_all(w, 44601);
	check_equal(w, wire_info(w).mtu_probes_ok, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_second_time_out_of_a_full_segment_makes_it_smaller),
		WIRE_TEST(test_it_is_the_same_with_sack),
		WIRE_TEST_V4(test_when_that_does_not_help_it_gets_smaller_still),
		WIRE_TEST_V4(test_size_that_was_not_the_reason_is_restored),
		WIRE_TEST_V6(test_size_that_was_not_the_reason_is_restored_over_ipv6),
		WIRE_TEST(test_small_segments_that_time_out_change_no_size),
		WIRE_TEST(test_one_time_out_is_no_black_hole),
		WIRE_TEST(test_late_acknowledgment_shows_that_there_was_no_black_hole),
		WIRE_TEST(test_others_that_arrived_put_it_off),
		WIRE_TEST(test_next_connection_starts_small),
		WIRE_TEST(test_outage_does_not_make_others_small),
		WIRE_TEST(test_probe_that_arrives_makes_segments_large),
		WIRE_TEST(test_lost_probe_changes_nothing),
		WIRE_TEST(test_search_halves_what_is_left),
		WIRE_TEST(test_search_ends_near_the_truth),
		WIRE_TEST(test_too_big_about_a_probe_gives_the_next_size),
		WIRE_TEST(test_loss_of_more_than_the_probe_is_congestion),
		WIRE_TEST(test_time_out_ends_the_probe),
		WIRE_TEST(test_probe_waits_until_the_window_has_room),
		WIRE_TEST(test_no_probe_without_sack),
		WIRE_TEST(test_no_probe_within_the_first_second_nor_with_little_to_send),
		WIRE_TEST(test_what_a_router_has_said_is_probed_after_ten_minutes),
		WIRE_TEST_V4(test_probe_is_no_super_segment),
	};

	return cmocka_run_group_tests_name("stack: black holes and probes", tests, NULL, NULL);
}
