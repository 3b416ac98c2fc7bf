/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Explicit congestion notification (RFC 3168), the handshake and the receiver of data: who may speak of ECN, what
 * withdraws it, and how a mark is echoed until its sender has answered. The sender is in
 * test_stack_ecn_send.c.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1000>"

/* A connection from the peer on which ECN is agreed. */
static void establish(struct wire *w)
{
	wire_listen(w, WIRE_PORT, 16);
	inject(w, "+0 SEW 0:0(0) " SYN_WORDS);
	expect(w, "* SE. 0:0(0) ack 1");
	inject(w, "+0 . 1:1(0) ack 1");
	wire_accept(w);
	expect_state(w, TCP_ESTABLISHED);
	check(w, wire_info(w).ecn);
}

/* Sends a byte and looks whether it leaves as ECT(0); the peer acknowledges it. */
static void expect_ect(struct wire *w, bool ect)
{
	char line[64];
	const unsigned at = w->sent + 1;

	send_bytes(w, 1);
	snprintf(line, sizeof line, "* . %u:%u(1) ack 1%s", at, at + 1, ect ? " [ect0]" : "");
	expect(w, line);
	snprintf(line, sizeof line, "* . 1:1(0) ack %u", at + 1);
	inject(w, line);
	check_equal(w, wire_info(w).ecn_ect, ect);
}

/* ------------------------------------------------------------------ passive open, RFC 3168 6.1.1 */

static void test_syn_that_asks_is_granted(void **state)
{
	struct wire *w = *state;

	establish(w);
	expect_ect(w, true);
	check_equal(w, counters(w)->tcp_ecn_negotiated, 1);
}

static void test_syn_that_does_not_ask(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "+0 S 0:0(0) " SYN_WORDS);
	expect(w, "* S. 0:0(0) ack 1");
	inject(w, "+0 . 1:1(0) ack 1");
	wire_accept(w);
	check(w, !wire_info(w).ecn);
	expect_ect(w, false);
	inject(w, "+0 . 1:1001(1000) ack 2 [ce]");
	expect(w, "* . 2:2(0) ack 1001");
	check_equal(w, counters(w)->tcp_ecn_negotiated, 0);
}

static void test_switched_off_it_is_not_granted(void **state)
{
	struct wire *w = *state;

	w->cfg.ecn = STACK_ECN_OFF;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	inject(w, "+0 SEW 0:0(0) " SYN_WORDS);
	expect(w, "* S. 0:0(0) ack 1");
	inject(w, "+0 . 1:1(0) ack 1");
	wire_accept(w);
	expect_ect(w, false);
	check(w, !wire_info(w).ecn);
}

/* The client has given up asking: what it has received says which of its SYNs counts, and we cannot know. */
static void test_repeated_syn_without_flags_withdraws(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "+0 SEW 0:0(0) " SYN_WORDS);
	expect(w, "* SE. 0:0(0) ack 1");
	inject(w, "0.9 S 0:0(0) " SYN_WORDS);
	expect(w, "0.9 S. 0:0(0) ack 1");
	inject(w, "0.95 SEW 0:0(0) " SYN_WORDS);
	expect(w, "0.95 S. 0:0(0) ack 1");
	inject(w, "+0 . 1:1(0) ack 1");
	wire_accept(w);
	check(w, !wire_info(w).ecn);
	expect_ect(w, false);
}

/* The second repetition goes without ECE, for a path that drops it; marks are echoed still, but nothing leaves
 * as ECT (RFC 3168 6.1.1: "has sent no non-ECN-setup SYN-ACK"). */
static void test_syn_ack_falls_back(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "+0 SEW 0:0(0) " SYN_WORDS);
	expect(w, "0 SE. 0:0(0) ack 1");
	expect(w, "1 SE. 0:0(0) ack 1");
	expect(w, "3 S. 0:0(0) ack 1");
	inject(w, "+0 . 1:1(0) ack 1");
	wire_accept(w);
	check(w, wire_info(w).ecn);
	expect_ect(w, false);
	inject(w, "+0 . 1:1001(1000) ack 2 [ce]");
	expect(w, "* E. 2:2(0) ack 1001");
}

/* ------------------------------------------------------------------ active open */

static void connect_asking(struct wire *w)
{
	w->cfg.ecn = STACK_ECN_ASK;
	wire_restart(w);
	wire_connect(w);
}

static void test_active_open_asks(void **state)
{
	struct wire *w = *state;

	connect_asking(w);
	expect(w, "* SEW 0:0(0)");
	inject(w, "+0 SE. 0:0(0) ack 1 win 65535 <mss 1000>");
	expect(w, "* . 1:1(0) ack 1");
	check(w, wire_info(w).ecn);
	expect_ect(w, true);
	check_equal(w, counters(w)->tcp_ecn_negotiated, 1);
}

static void test_active_open_does_not_ask_by_default(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	expect(w, "* S 0:0(0)");
	inject(w, "+0 SE. 0:0(0) ack 1 win 65535 <mss 1000>"); /* which nobody wanted to know */
	expect(w, "* . 1:1(0) ack 1");
	check(w, !wire_info(w).ecn);
	expect_ect(w, false);
}

/* Both flags are our own, reflected by a host that knows neither; and CWR alone means nothing. */
static void test_syn_ack_that_does_not_grant(void **state)
{
	static const char *const flags[] = {"S.", "SEW.", "SW.", "SEWA.", "SWA."};
	struct wire *w = *state;
	char line[80];

	for (unsigned i = 0; i < 5; i++) {
		connect_asking(w);
		expect(w, "* SEW 0:0(0)");
		snprintf(line, sizeof line, "+0 %s 0:0(0) ack 1 win 65535 <mss 1000>", flags[i]);
		inject(w, line);
		expect(w, "* . 1:1(0) ack 1");
		check(w, !wire_info(w).ecn);
		expect_ect(w, false);
	}
}

/* RFC 3168 6.1.1.1: a path that drops SYNs with these flags. */
static void test_syn_falls_back(void **state)
{
	struct wire *w = *state;

	connect_asking(w);
	expect(w, "0 SEW 0:0(0)");
	expect(w, "1 SEW 0:0(0)");
	expect(w, "3 S 0:0(0)");
	expect(w, "7 S 0:0(0)");
	inject(w, "+0 S. 0:0(0) ack 1 win 65535 <mss 1000>");
	expect(w, "* . 1:1(0) ack 1");
	check(w, !wire_info(w).ecn);
	expect_ect(w, false);
	check_equal(w, counters(w)->tcp_ecn_syn_fallbacks, 1);
}

/* The SYN-ACK answers one of the first: the peer may mark and expects echoes, but we have sent a SYN
 * without. */
static void test_late_grant_after_fallback(void **state)
{
	struct wire *w = *state;

	connect_asking(w);
	expect(w, "0 SEW 0:0(0)");
	expect(w, "1 SEW 0:0(0)");
	expect(w, "3 S 0:0(0)");
	inject(w, "+0 SE. 0:0(0) ack 1 win 65535 <mss 1000>");
	expect(w, "* . 1:1(0) ack 1");
	check(w, wire_info(w).ecn);
	expect_ect(w, false);
	inject(w, "+0 . 1:1001(1000) ack 2 [ce]");
	expect(w, "* E. 2:2(0) ack 1001");
}

static void test_simultaneous_open(void **state)
{
	struct wire *w = *state;

	connect_asking(w);
	expect(w, "* SEW 0:0(0)");
	inject(w, "+0 SEW 0:0(0) win 65535 <mss 1000>");
	expect(w, "* SE. 0:0(0) ack 1");
	inject(w, "+0 SE. 0:0(0) ack 1 win 65535 <mss 1000>");
	expect_state(w, TCP_ESTABLISHED);
	expect_ect(w, true);

	/* The peer's second thoughts are shown by its SYN-ACK. */
	connect_asking(w);
	expect(w, "* SEW 0:0(0)");
	inject(w, "+0 SEW 0:0(0) win 65535 <mss 1000>");
	expect(w, "* SE. 0:0(0) ack 1");
	inject(w, "+0 S. 0:0(0) ack 1 win 65535 <mss 1000>");
	expect_state(w, TCP_ESTABLISHED);
	expect_ect(w, false);
	check(w, !wire_info(w).ecn);

	/* It does not ask, though its SYN-ACK would grant. */
	connect_asking(w);
	expect(w, "* SEW 0:0(0)");
	inject(w, "+0 S 0:0(0) win 65535 <mss 1000>");
	expect(w, "* S. 0:0(0) ack 1");
	inject(w, "+0 SE. 0:0(0) ack 1 win 65535 <mss 1000>");
	expect_state(w, TCP_ESTABLISHED);
	expect_ect(w, false);
}

/* ------------------------------------------------------------------ the receiver, RFC 3168 6.1.3 */

static void test_mark_is_echoed_until_the_sender_answers(void **state)
{
	struct wire *w = *state;

	establish(w);
	inject(w, "+0 . 1:1001(1000) ack 1 [ect0]");
	expect(w, "* . 1:1(0) ack 1001");
	inject(w, "+0 . 1001:2001(1000) ack 1 [ce]");
	expect(w, "* E. 1:1(0) ack 2001");
	inject(w, "+0 . 2001:3001(1000) ack 1 [ect0]");
	expect(w, "* E. 1:1(0) ack 3001");
	send_bytes(w, 10); /* on data, too */
	expect(w, "* E. 1:11(10) ack 3001 [ect0]");
	inject(w, "+0 W. 3001:4001(1000) ack 11 [ect0]");
	expect(w, "* . 11:11(0) ack 4001");
	inject(w, "+0 . 4001:5001(1000) ack 11 [ect0]");
	expect(w, "* . 11:11(0) ack 5001");
	check(w, wire_info(w).ecn_seen);
	check_equal(w, wire_info(w).ecn_ce_in, 1);
	check_equal(w, counters(w)->tcp_ecn_ce_in, 1);
	check_equal(w, counters(w)->ip_in_ce_pkts, 1);
	check_equal(w, counters(w)->ip_in_ect0_pkts, 4);
}

/* CWR answers earlier marks; the same packet may bring a new one. */
static void test_cwr_that_is_marked_itself(void **state)
{
	struct wire *w = *state;

	establish(w);
	inject(w, "+0 . 1:1001(1000) ack 1 [ce]");
	expect(w, "* E. 1:1(0) ack 1001");
	inject(w, "+0 W. 1001:2001(1000) ack 1 [ce]");
	expect(w, "* E. 1:1(0) ack 2001");
	inject(w, "+0 W. 2001:3001(1000) ack 1 [ect0]");
	expect(w, "* . 1:1(0) ack 3001");
}

/* RFC 3168 6.1.4 and 6.1.5: no data, or not in the window. */
static void test_marks_that_do_not_count(void **state)
{
	struct wire *w = *state;

	establish(w);
	inject(w, "+0 . 1:1001(1000) ack 1 [ect1]");
	expect(w, "* . 1:1(0) ack 1001");
	inject(w, "+0 . 1001:1001(0) ack 1 [ce]"); /* an ACK */
	inject(w, "+0 . 1:1001(1000) ack 1 [ce]"); /* all of it old */
	expect(w, "* . 1:1(0) ack 1001");
	inject(w, "+0 . 900001:901001(1000) ack 1 [ce]"); /* beyond the window */
	expect(w, "* . 1:1(0) ack 1001");
	inject(w, "+0 . 1001:2001(1000) ack 1 [ect0]");
	expect(w, "* . 1:1(0) ack 2001");
	check_equal(w, wire_info(w).ecn_ce_in, 0);
	check_equal(w, counters(w)->ip_in_ce_pkts, 3);
	check_equal(w, counters(w)->ip_in_ect1_pkts, 1);
	/* And an old CWR does not end the echo. */
	inject(w, "+0 . 2001:3001(1000) ack 1 [ce]");
	expect(w, "* E. 1:1(0) ack 3001");
	inject(w, "+0 W. 1:1001(1000) ack 1");
	expect(w, "* E. 1:1(0) ack 3001");
	inject(w, "+0 W. 3001:3001(0) ack 1"); /* nor does one without data */
	inject(w, "+0 . 3001:4001(1000) ack 1 [ect0]");
	expect(w, "* E. 1:1(0) ack 4001");
}

static void test_mark_on_data_out_of_order(void **state)
{
	struct wire *w = *state;

	establish(w);
	inject(w, "+0 . 1001:2001(1000) ack 1 [ce]");
	expect(w, "* E. 1:1(0) ack 1");
	inject(w, "+0 . 1:1001(1000) ack 1"); /* a retransmission is never ECT */
	expect(w, "* E. 1:1(0) ack 2001");
	inject(w, "+0 W. 2001:3001(1000) ack 1 [ect0]");
	expect(w, "* . 1:1(0) ack 3001");
}

/* Neither the first mark nor CWR waits for the delayed ACK: the sender's window may be a single segment. */
static void test_marks_and_answers_are_acknowledged_at_once(void **state)
{
	struct wire *w = *state;
	char line[80];

	establish(w);
	for (unsigned i = 0; i < 16; i++) { /* a young connection acknowledges everything at once */
		snprintf(line, sizeof line, "+0.001 . %u:%u(100) ack 1 [ect0]", 1 + 100 * i,
			 101 + 100 * i);
		inject(w, line);
		drain(w);
	}
	inject(w, "+0 . 1601:1701(100) ack 1 [ect0]");
	check_equal(w, wire_waiting(w), 0);
	inject(w, "+0 . 1701:1801(100) ack 1 [ce]");
	expect(w, "* E. 1:1(0) ack 1801");
	inject(w, "+0 . 1801:1901(100) ack 1 [ce]"); /* echoed already: in its own time */
	check_equal(w, wire_waiting(w), 0);
	inject(w, "+0 W. 1901:2001(100) ack 1 [ect0]");
	expect(w, "* . 1:1(0) ack 2001");
}

/* The link gives one header for many segments. */
static void test_mark_on_a_super_segment(void **state)
{
	static uint8_t packet[WIRE_PACKET_MAX];
	struct wire *w = *state;

	establish(w);
	struct seg g = wire_seg(w, "PW. 1:30001(30000) ack 1 [ce]");
	wire_inject_meta(w, packet, wire_build(w, &g, packet),
			 (struct packet_meta){.gso_size = 1000});
	expect(w, "* E. 1:1(0) ack 30001");
	g = wire_seg(w, "PW. 30001:60001(30000) ack 1 [ect0]");
	wire_inject_meta(w, packet, wire_build(w, &g, packet),
			 (struct packet_meta){.gso_size = 1000});
	expect(w, "* . 1:1(0) ack 60001");
}

static void test_echo_on_the_fin(void **state)
{
	struct wire *w = *state;

	establish(w);
	inject(w, "+0 . 1:1001(1000) ack 1 [ce]");
	expect(w, "* E. 1:1(0) ack 1001");
	recv_bytes(w, 1000);
	wire_shutdown(w);
	expect(w, "* FE. 1:1(0) ack 1001"); /* and it is not ECT: it has no data */
	inject(w, "+0 F. 1001:1001(0) ack 2");
	expect(w, "* E. 2:2(0) ack 1002"); /* TIME-WAIT, too */
}

/* ------------------------------------------------------------------ fragments, RFC 3168 5.3 */

static void put16(uint8_t *p, size_t x)
{
	p[0] = (uint8_t)(x >> 8);
	p[1] = (uint8_t)x;
}

/* The bytes begin..end of what an IP packet carries, as a fragment of it with this ECN field. */
static void inject_fragment(struct wire *w, const uint8_t *packet, size_t begin, size_t end,
			    bool more, uint8_t ecn)
{
	const bool six = packet[0] >> 4 == 6;
	const size_t h = six ? 40 : 20, head = six ? 48 : 20;
	uint8_t piece[1200];

	memset(piece, 0, sizeof piece);
	memcpy(piece, packet, h);
	memcpy(piece + head, packet + h + begin, end - begin);
	if (six) {
		piece[1] = (uint8_t)(ecn << 4);
		put16(piece + 4, 8 + end - begin);
		piece[40] = piece[6];
		piece[6] = 44;
		put16(piece + 42, begin | more);
		piece[47] = 7;
	} else {
		piece[1] = ecn;
		put16(piece + 2, 20 + end - begin);
		put16(piece + 6, (more ? 0x2000u : 0u) | begin / 8);
		put16(piece + 10, 0);
		put16(piece + 10, wire_checksum(piece, 20, 0));
	}
	wire_inject_raw(w, piece, head + end - begin);
}

static void inject_fragments(struct wire *w, const char *text, uint8_t first, uint8_t second)
{
	static uint8_t v4[WIRE_PACKET_MAX], v6[WIRE_PACKET_MAX + 20];
	const struct seg g = wire_seg(w, text);
	const size_t len = wire_build(w, &g, v4);
	const uint8_t *packet = v4;

	if (w->version == 6) {
		wire_to_v6(v4, len, v6);
		packet = v6;
	}
	inject_fragment(w, packet, 0, 512, true, first);
	inject_fragment(w, packet, 512, len - 20, false, second);
}

static void test_a_marked_fragment_marks_the_datagram(void **state)
{
	static const struct {
		uint8_t first, second;
		bool taken, marked;
	} rows[] = {
		{2, 2, true, false},  {2, 3, true, true},   {3, 1, true, true},
		{3, 3, true, true},   {1, 2, true, false},  {0, 0, true, false},
		{0, 3, false, false}, {3, 0, false, false}, {0, 2, false, false},
		{1, 0, false, false},
	};
	struct wire *w = *state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		establish(w);
		inject_fragments(w, ". 1:1001(1000) ack 1", rows[i].first, rows[i].second);
		if (rows[i].taken)
			expect(w, rows[i].marked ? "* E. 1:1(0) ack 1001" : "* . 1:1(0) ack 1001");
		check_equal(w, wire_waiting(w), 0);
		check_equal(w, counters(w)->ip_reasm_ecn_mixed, !rows[i].taken);
		check_equal(w, counters(w)->ip_reasm_fails, !rows[i].taken);
		wire_restart(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_syn_that_asks_is_granted),
		WIRE_TEST(test_syn_that_does_not_ask),
		WIRE_TEST(test_switched_off_it_is_not_granted),
		WIRE_TEST(test_repeated_syn_without_flags_withdraws),
		WIRE_TEST(test_syn_ack_falls_back),
		WIRE_TEST(test_active_open_asks),
		WIRE_TEST(test_active_open_does_not_ask_by_default),
		WIRE_TEST(test_syn_ack_that_does_not_grant),
		WIRE_TEST(test_syn_falls_back),
		WIRE_TEST(test_late_grant_after_fallback),
		WIRE_TEST(test_simultaneous_open),
		WIRE_TEST(test_mark_is_echoed_until_the_sender_answers),
		WIRE_TEST(test_cwr_that_is_marked_itself),
		WIRE_TEST(test_marks_that_do_not_count),
		WIRE_TEST(test_mark_on_data_out_of_order),
		WIRE_TEST(test_marks_and_answers_are_acknowledged_at_once),
		WIRE_TEST(test_mark_on_a_super_segment),
		WIRE_TEST(test_echo_on_the_fin),
		WIRE_TEST(test_a_marked_fragment_marks_the_datagram),
	};

	return cmocka_run_group_tests_name("stack: ECN, handshake and receiver", tests, NULL, NULL);
}
