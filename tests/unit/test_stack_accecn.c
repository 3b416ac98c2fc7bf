/* SPDX-License-Identifier: Apache-2.0 */
/*
 * More accurate ECN feedback (RFC 9768): its handshake with all that may answer, and the count of marked packets in
 * the three flags AE, CWR and ECE, as its receiver and as its sender sees it. The flags as a number, ACE:
 * AE is 4, CWR 2, ECE 1; and both counts begin with 5.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1000>"

/* A line of a script whose first word, "#5" and the rest of the flags, has ACE as a number. */
static const char *with_ace(const char *text)
{
	static char line[160];
	const char *mark = strchr(text, '#');
	const int ace = mark[1] - '0';

	snprintf(line, sizeof line, "%.*s%s%s%s%s", (int)(mark - text), text, ace & 4 ? "A" : "",
		 ace & 2 ? "W" : "", ace & 1 ? "E" : "", mark + 2);
	return line;
}

#define inject_ace(w, text) wire_inject(w, with_ace(text), __FILE__, __LINE__)
#define expect_ace(w, text) wire_expect(w, with_ace(text), __FILE__, __LINE__)

static void establish(struct wire *w)
{
	wire_listen(w, WIRE_PORT, 16);
	inject_ace(w, "+0 S#7 0:0(0) " SYN_WORDS);
	expect_ace(w, "* S#2. 0:0(0) ack 1");
	inject_ace(w, "+0 #2. 1:1(0) ack 1"); /* our SYN-ACK was not ECT */
	wire_accept(w);
	check(w, wire_info(w).ecn && wire_info(w).accecn && wire_info(w).ecn_ect);
}

/* … and ten segments of 1,000 bytes are out, 1:10001, of so many bytes. */
static void ten_out(struct wire *w, size_t bytes)
{
	establish(w);
	send_bytes(w, bytes);
	check_equal(w, drain(w), 10);
	advance_us(w, 10000);
}

static void connect_asking(struct wire *w)
{
	w->cfg.ecn = STACK_ECN_ASK_ACCURATE;
	wire_restart(w);
	wire_connect(w);
	expect_ace(w, "* S#7 0:0(0)");
}

/* ------------------------------------------------------------------ passive open, RFC 9768 3.1.2, 3.1.3 */

static void test_syn_ack_tells_of_the_field_of_the_syn(void **state)
{
	static const char *const rows[][2] = {{"", "* S#2. 0:0(0) ack 1"},
					      {"[ect1]", "* S#3. 0:0(0) ack 1"},
					      {"[ect0]", "* S#4. 0:0(0) ack 1"},
					      {"[ce]", "* S#6. 0:0(0) ack 1"}};
	struct wire *w = *state;
	char line[80];

	for (unsigned i = 0; i < 4; i++) {
		wire_listen(w, WIRE_PORT, 16);
		snprintf(line, sizeof line, "+0 SEWA 0:0(0) " SYN_WORDS " %s", rows[i][0]);
		inject(w, line);
		expect_ace(w, rows[i][1]);
		inject_ace(w, "+0 #2. 1:1(0) ack 1");
		wire_accept(w);
		check(w, wire_info(w).accecn);
		send_bytes(w, 10); /* a mark on the SYN is not counted besides */
		expect_ace(w, "* #5. 1:11(10) ack 1 [ect0]");
		check_equal(w, counters(w)->tcp_ecn_accurate, 1);
		wire_restart(w);
	}
}

/* Combinations that have no meaning yet. */
static void test_other_combinations_are_taken_for_it(void **state)
{
	static const char *const rows[] = {"+0 S#1 0:0(0) " SYN_WORDS, "+0 S#2 0:0(0) " SYN_WORDS,
					   "+0 S#4 0:0(0) " SYN_WORDS, "+0 S#5 0:0(0) " SYN_WORDS,
					   "+0 S#6 0:0(0) " SYN_WORDS};
	struct wire *w = *state;

	for (unsigned i = 0; i < 5; i++) {
		wire_listen(w, WIRE_PORT, 16);
		inject_ace(w, rows[i]);
		expect_ace(w, "* S#2. 0:0(0) ack 1");
		wire_restart(w);
	}
}

static void test_switched_off_it_is_not_granted(void **state)
{
	struct wire *w = *state;

	w->cfg.ecn = STACK_ECN_OFF;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	inject_ace(w, "+0 S#7 0:0(0) " SYN_WORDS);
	expect(w, "* S. 0:0(0) ack 1");
	inject(w, "+0 . 1:1(0) ack 1");
	wire_accept(w);
	check(w, !wire_info(w).ecn);
}

static void test_another_syn_that_asks_for_less(void **state)
{
	static const char *const rows[] = {"0.5 S 0:0(0) " SYN_WORDS, "0.5 SEW 0:0(0) " SYN_WORDS};
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject_ace(w, "0 S#7 0:0(0) " SYN_WORDS);
	expect_ace(w, "0 S#2. 0:0(0) ack 1");
	inject_ace(w,
		   "+0 #5. 90001:90001(0) ack 1"); /* outside the window: and nobody is told zero */
	expect_ace(w, "* #5. 1:1(0) ack 1");
	for (unsigned i = 0; i < 2; i++) {
		inject(w, rows[i]);
		expect(w, "0.5 S. 0:0(0) ack 1");
	}
	inject(w, "+0 . 1:1(0) ack 1");
	wire_accept(w);
	check(w, !wire_info(w).ecn);
}

static void test_syn_ack_falls_back(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject_ace(w, "0 S#7 0:0(0) " SYN_WORDS);
	expect_ace(w, "0 S#2. 0:0(0) ack 1");
	expect_ace(w, "1 S#2. 0:0(0) ack 1");
	expect(w, "3 S. 0:0(0) ack 1");
	inject_ace(w, "+0 #2. 1:1(0) ack 1");
	wire_accept(w);
	send_bytes(w, 10);
	expect_ace(w, "* #5. 1:11(10) ack 1"); /* it counts, but sends nothing as ECT */
}

/* RFC 9768 table 4: the ACK of the SYN-ACK. Zero is what a path leaves that clears the flags. */
static void test_what_the_ack_of_the_syn_ack_says(void **state)
{
	struct wire *w = *state;

	for (char ace = '0'; ace <= '7'; ace++) {
		char line[40] = "+0 #0. 1:1(0) ack 1";
		line[4] = ace;
		wire_listen(w, WIRE_PORT, 16);
		inject_ace(w, "+0 S#7 0:0(0) " SYN_WORDS);
		expect_ace(w, "* S#2. 0:0(0) ack 1");
		inject_ace(w, line);
		wire_accept(w);
		check_equal(w, wire_info(w).ecn_ect, ace != '0');
		send_bytes(w, 1000);
		drain(w);
		/* No mark since: the count is 5, and 6 when the SYN-ACK was marked. */
		inject_ace(w, ace == '6' ? "+0 #6. 1:1(0) ack 1001" : "+0 #5. 1:1(0) ack 1001");
		check_equal(w, wire_info(w).ecn_reductions, 0);
		wire_restart(w);
	}
}

/* ------------------------------------------------------------------ active open, RFC 9768 table 2 and 3.2.2.1 */

static void test_active_open(void **state)
{
	struct wire *w = *state;

	connect_asking(w);
	inject_ace(w, "+0 S#2. 0:0(0) ack 1 " SYN_WORDS);
	expect_ace(w, "* #2. 1:1(0) ack 1"); /* the SYN-ACK was not ECT */
	check(w, wire_info(w).accecn);
	send_bytes(w, 10);
	expect_ace(w, "* #5. 1:11(10) ack 1 [ect0]");
	inject_ace(w, "+0 #5. 1:11(10) ack 11 [ect0]");
	expect_ace(w, "* #5. 11:11(0) ack 11");
}

static void test_our_ack_tells_of_the_field_of_the_syn_ack(void **state)
{
	static const char *const rows[][3] = {
		{"[ect1]", "* #3. 1:1(0) ack 1", "* #5. 1:11(10) ack 1 [ect0]"},
		{"[ect0]", "* #4. 1:1(0) ack 1", "* #5. 1:11(10) ack 1 [ect0]"},
		{"[ce]", "* #6. 1:1(0) ack 1", "* #6. 1:11(10) ack 1 [ect0]"}};
	struct wire *w = *state;
	char line[80];

	for (unsigned i = 0; i < 3; i++) {
		connect_asking(w);
		snprintf(line, sizeof line, "+0 SW. 0:0(0) ack 1 " SYN_WORDS " %s", rows[i][0]);
		inject(w, line);
		expect_ace(w, rows[i][1]);
		send_bytes(w, 10);
		expect_ace(w, rows[i][2]);
	}
}

/* Data in the place of that ACK has the count. */
static void test_first_segment_with_data(void **state)
{
	struct wire *w = *state;

	connect_asking(w);
	send_bytes(w, 10);
	inject_ace(w, "+0 S#2. 0:0(0) ack 1 " SYN_WORDS);
	expect_ace(w, "* #5. 1:11(10) ack 1 [ect0]");
	inject_ace(w, "+0 #5. 1:1(0) ack 11");
}

static void test_syn_acks_that_grant_less(void **state)
{
	static const struct {
		const char *syn_ack;
		bool ecn;
	} rows[] = {{"+0 S#1. 0:0(0) ack 1 " SYN_WORDS, true},   /* RFC 3168           */
		    {"+0 S#5. 0:0(0) ack 1 " SYN_WORDS, true},   /* … and its nonce     */
		    {"+0 S#0. 0:0(0) ack 1 " SYN_WORDS, false},  /* neither            */
		    {"+0 S#7. 0:0(0) ack 1 " SYN_WORDS, false}}; /* reflects our flags */
	struct wire *w = *state;

	for (unsigned i = 0; i < 4; i++) {
		connect_asking(w);
		inject_ace(w, rows[i].syn_ack);
		expect(w, "* . 1:1(0) ack 1");
		check(w, !wire_info(w).accecn);
		check_equal(w, wire_info(w).ecn, rows[i].ecn);
		send_bytes(w, 10);
		expect(w, rows[i].ecn ? "* . 1:11(10) ack 1 [ect0]" : "* . 1:11(10) ack 1");
		inject(w, "+0 . 1:1001(1000) ack 11 [ce]");
		expect(w, rows[i].ecn ? "* E. 11:11(0) ack 1001" : "* . 11:11(0) ack 1001");
	}
}

/* Our SYN was not ECT. A path that has made it so does not leave marks alone, either. */
static void test_a_path_that_writes_to_the_field(void **state)
{
	static const char *const rows[] = {"+0 S#3. 0:0(0) ack 1 " SYN_WORDS,
					   "+0 S#4. 0:0(0) ack 1 " SYN_WORDS,
					   "+0 S#6. 0:0(0) ack 1 " SYN_WORDS};
	struct wire *w = *state;

	for (unsigned i = 0; i < 3; i++) {
		connect_asking(w);
		inject_ace(w, rows[i]);
		expect_ace(w, "* #2. 1:1(0) ack 1");
		check(w, wire_info(w).accecn && !wire_info(w).ecn_ect);
	}
}

static void test_syn_falls_back(void **state)
{
	struct wire *w = *state;

	connect_asking(w);
	expect_ace(w, "1 S#7 0:0(0)");
	expect(w, "3 S 0:0(0)");
	inject(w, "+0 S. 0:0(0) ack 1 " SYN_WORDS);
	expect(w, "* . 1:1(0) ack 1");
	check(w, !wire_info(w).ecn);
	check_equal(w, counters(w)->tcp_ecn_syn_fallbacks, 1);
}

static void test_simultaneous_open(void **state)
{
	static const char *const rows[][3] = {{"+0 S#7 0:0(0) " SYN_WORDS, "* S#2. 0:0(0) ack 1",
					       "+0 S#2. 0:0(0) ack 1 " SYN_WORDS},
					      {"+0 S#3 0:0(0) " SYN_WORDS, "* S#1. 0:0(0) ack 1",
					       "+0 S#1. 0:0(0) ack 1 " SYN_WORDS},
					      {"+0 S#7 0:0(0) " SYN_WORDS, "* S#2. 0:0(0) ack 1",
					       "+0 S#1. 0:0(0) ack 1 " SYN_WORDS}};
	struct wire *w = *state;

	for (unsigned i = 0; i < 3; i++) {
		connect_asking(w);
		inject_ace(w, rows[i][0]);
		expect_ace(w, rows[i][1]);
		inject_ace(w, rows[i][2]);
		expect_state(w, TCP_ESTABLISHED);
		check_equal(w, wire_info(w).accecn, i == 0);
		check_equal(w, wire_info(w).ecn,
			    i < 2); /* a peer that contradicts itself has none */
		drain(w);
	}
}

/* ------------------------------------------------------------------ the receiver, RFC 9768 3.2.2 */

static void test_marked_packets_are_counted(void **state)
{
	struct wire *w = *state;

	establish(w);
	inject_ace(w, "+0 #5. 1:1001(1000) ack 1 [ect0]");
	expect_ace(w, "* #5. 1:1(0) ack 1001");
	inject_ace(w, "+0 #5. 1001:2001(1000) ack 1 [ce]");
	expect_ace(w, "* #6. 1:1(0) ack 2001");
	inject_ace(w, "+0 #5. 2001:3001(1000) ack 1 [ect1]");
	expect_ace(w, "* #6. 1:1(0) ack 3001"); /* no echo that lasts */
	inject_ace(w, "+0 #5. 3001:4001(1000) ack 1 [ce]");
	expect_ace(w, "* #7. 1:1(0) ack 4001");
	inject_ace(w, "+0 #5. 4001:5001(1000) ack 1 [ce]");
	expect_ace(w, "* #0. 1:1(0) ack 5001"); /* modulo eight */
	send_bytes(w, 10);
	expect_ace(w, "* #0. 1:11(10) ack 5001 [ect0]");
	check_equal(w, wire_info(w).ecn_ce_in, 3);
	/* What lies outside the window does not count; in the end TIME-WAIT knows the count still. */
	inject_ace(w, "+0 #5. 1:1001(1000) ack 1 [ce]");
	expect_ace(w, "* #0. 11:11(0) ack 5001");
	recv_bytes(w, 5000);
	wire_shutdown(w);
	expect_ace(w, "* F#0. 11:11(0) ack 5001");
	inject_ace(w, "+0 F#5. 5001:5001(0) ack 12");
	expect_ace(w, "* #0. 12:12(0) ack 5002");
}

/* Of the delayed ACKs: the first mark, and the second since the last ACK, go at once; of marked ACKs the third. */
static void test_marks_are_told_in_time(void **state)
{
	struct wire *w = *state;
	char line[80];

	establish(w);
	for (unsigned i = 0; i < 16; i++) { /* a young connection acknowledges everything at once */
		snprintf(line, sizeof line, "+0.001 #5. %u:%u(100) ack 1 [ect0]", 1 + 100 * i,
			 101 + 100 * i);
		inject_ace(w, line);
		drain(w);
	}
	inject_ace(w, "+0 #5. 1601:1701(100) ack 1 [ce]");
	expect_ace(w, "* #6. 1:1(0) ack 1701");
	inject_ace(w, "+0 #5. 1701:1801(100) ack 1 [ce]");
	check_equal(w, wire_waiting(w), 0);
	inject_ace(w, "+0 #5. 1801:1901(100) ack 1 [ce]");
	expect_ace(w, "* #0. 1:1(0) ack 1901");
	inject_ace(w, "+0 #5. 1901:1901(0) ack 1 [ce]");
	inject_ace(w, "+0 #5. 1901:1901(0) ack 1 [ce]");
	check_equal(w, wire_waiting(w), 0);
	inject_ace(w, "+0 #5. 1901:1901(0) ack 1 [ce]");
	expect_ace(w, "* #3. 1:1(0) ack 1901");
}

static void test_every_piece_of_a_super_segment_counts(void **state)
{
	static uint8_t packet[WIRE_PACKET_MAX];
	struct wire *w = *state;

	establish(w);
	struct seg g = wire_seg(w, "EA. 1:30001(30000) ack 1 [ce]");
	wire_inject_meta(w, packet, wire_build(w, &g, packet),
			 (struct packet_meta){.gso_size = 1100});
	expect_ace(w, "* #1. 1:1(0) ack 30001"); /* 5 + 28 */
	check_equal(w, wire_info(w).ecn_ce_in, 28);
}

/* ------------------------------------------------------------------ the sender */

static void test_the_window_falls_once_for_a_window_of_data(void **state)
{
	struct wire *w = *state;

	ten_out(w, 60000);
	inject_ace(w, "+0 #6. 1:1(0) ack 2001");
	check_equal(w, wire_info(w).cwnd, 8000);
	check_equal(w, wire_waiting(w), 0);
	inject_ace(w, "+0 #7. 1:1(0) ack 4001"); /* one more mark, of the same window */
	expect_ace(w, "* #5. 10001:11001(1000) ack 1 [ect0]"); /* there is no CWR here */
	expect_ace(w, "* #5. 11001:12001(1000) ack 1 [ect0]");
	check_equal(w, wire_info(w).cwnd, 8000);
	inject_ace(w, "+0 #7. 1:1(0) ack 10001");
	check_equal(w, drain(w), 6);
	inject_ace(w, "+0 #7. 1:1(0) ack 12001"); /* no mark any more: it grows again */
	check(w, wire_info(w).ecn_reductions == 1 && drain(w) >= 2);
	inject_ace(w, "+0 #1. 1:1(0) ack 14001"); /* two: the count has come round */
	check_equal(w, wire_info(w).ecn_reductions, 2);
	check_equal(w, wire_info(w).delivered_ce, 4);
	drain(w);
}

/* The low bits may hide eight marks when as many packets are acknowledged; no change is believed to be none. */
static void test_acks_of_many_packets(void **state)
{
	struct wire *w = *state;

	ten_out(w, 10000);
	inject_ace(w, "+0 #6. 1:1(0) ack 10001"); /* one mark, or nine */
	check_equal(w, wire_info(w).delivered_ce, 9);
	send_bytes(w, 8000);
	check_equal(w, drain(w), 8);
	inject_ace(w, "+0 #6. 1:1(0) ack 18001");
	check_equal(w, wire_info(w).delivered_ce, 9);
	send_bytes(w, 5000);
	check_equal(w, drain(w), 5);
	inject_ace(w, "+0 #1. 1:1(0) ack 23001"); /* three, of five */
	check_equal(w, wire_info(w).delivered_ce, 12);
}

/* Without news an ACK may have been overtaken: its count is not looked at. */
static void test_acks_without_news(void **state)
{
	struct wire *w = *state;

	ten_out(w, 10000);
	inject_ace(w, "+0 #5. 1:1(0) ack 5001");
	inject_ace(w, "+0 #7. 1:1(0) ack 5001");
	inject_ace(w, "+0 #4. 1:1(0) ack 3001");
	inject_ace(w, "+0 #6. 1:1(0) ack 90001");
	expect_ace(w, "* #5. 10001:10001(0) ack 1");
	check_equal(w, wire_info(w).ecn_reductions, 0);
	inject_ace(w, "+0 #7. 1:1(0) ack 6001"); /* and now it is news */
	check_equal(w, wire_info(w).ecn_reductions, 1);
	check_equal(w, wire_info(w).delivered_ce, 2);
}

/* RFC 9768 3.2.2.4: the first segment of the other side has none of the flags. */
static void test_a_path_that_clears_the_flags(void **state)
{
	struct wire *w = *state;

	connect_asking(w);
	inject_ace(w, "+0 S#2. 0:0(0) ack 1 " SYN_WORDS);
	expect_ace(w, "* #2. 1:1(0) ack 1");
	inject(w, "+0 . 1:11(10) ack 1 [ect0]");
	expect_ace(w, "* #5. 1:1(0) ack 11");
	check(w, !wire_info(w).ecn_ect);
	check_equal(w, counters(w)->tcp_ecn_given_up, 1);
	send_bytes(w, 10);
	expect_ace(w, "* #5. 1:11(10) ack 11");
}

static void test_marks_within_recovery(void **state)
{
	struct wire *w = *state;

	ten_out(w, 20000);
	for (unsigned i = 0; i < 3; i++) {
		inject_ace(w, "+0 #5. 1:1(0) ack 1");
		drain(w);
	}
	check_equal(w, wire_info(w).ssthresh, 6000); /* half of 12,000 */
	inject_ace(w, "+0 #7. 1:1(0) ack 4001");
	drain(w);
	check_equal(w, wire_info(w).ssthresh, 6000);
	check_equal(w, wire_info(w).ecn_reductions, 0);
	check_equal(w, wire_info(w).delivered_ce, 2);
}

/* CWR is a bit of the count: with it set everything goes in segments of its own. */
static void test_the_count_and_super_segments(void **state)
{
	struct wire *w = *state;

	w->cfg.tso = w->cfg.checksum_offload = true;
	wire_restart(w);
	establish(w);
	send_bytes(w, 4000);
	expect_ace(w, "* #5. 1:4001(4000) ack 1 [ect0]");
	inject_ace(w, "+0 #5. 1:101(100) ack 4001 [ce]");
	expect_ace(w, "* #6. 4001:4001(0) ack 101");
	send_bytes(w, 3000);
	expect_ace(w, "* #6. 4001:5001(1000) ack 101 [ect0]");
	expect_ace(w, "* #6. 5001:6001(1000) ack 101 [ect0]");
	expect_ace(w, "* #6. 6001:7001(1000) ack 101 [ect0]");
	inject_ace(w, "+0 #5. 101:201(100) ack 7001 [ce]");
	drain(w);
	inject_ace(w, "+0 #5. 201:301(100) ack 7001 [ce]");
	drain(w);
	send_bytes(w, 3000);
	expect_ace(w, "* #0. 7001:10001(3000) ack 301 [ect0]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_syn_ack_tells_of_the_field_of_the_syn),
		WIRE_TEST(test_other_combinations_are_taken_for_it),
		WIRE_TEST(test_switched_off_it_is_not_granted),
		WIRE_TEST(test_another_syn_that_asks_for_less),
		WIRE_TEST(test_syn_ack_falls_back),
		WIRE_TEST(test_what_the_ack_of_the_syn_ack_says),
		WIRE_TEST(test_active_open),
		WIRE_TEST(test_our_ack_tells_of_the_field_of_the_syn_ack),
		WIRE_TEST(test_first_segment_with_data),
		WIRE_TEST(test_syn_acks_that_grant_less),
		WIRE_TEST(test_a_path_that_writes_to_the_field),
		WIRE_TEST(test_syn_falls_back),
		WIRE_TEST(test_simultaneous_open),
		WIRE_TEST(test_marked_packets_are_counted),
		WIRE_TEST(test_marks_are_told_in_time),
		WIRE_TEST(test_every_piece_of_a_super_segment_counts),
		WIRE_TEST(test_the_window_falls_once_for_a_window_of_data),
		WIRE_TEST(test_acks_of_many_packets),
		WIRE_TEST(test_acks_without_news),
		WIRE_TEST(test_a_path_that_clears_the_flags),
		WIRE_TEST(test_marks_within_recovery),
		WIRE_TEST(test_the_count_and_super_segments),
	};

	return cmocka_run_group_tests_name("stack: accurate ECN", tests, NULL, NULL);
}
