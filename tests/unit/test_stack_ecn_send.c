/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Explicit congestion notification (RFC 3168), the sender of data: what leaves as ECT(0), what an echoed mark does to
 * the window and how often, and what paths that mistreat ECT do. NewReno's window falls to 8/10 for a mark
 * (RFC 8511), to a half for a loss.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1000>"
#define SACK_WORDS "win 65535 <mss 1000,sackOK>"

/* A connection from the peer on which ECN is agreed. The handshake takes 10 ms, so that no tail loss probe is due after
 * less than that; bursts are not paced. */
static void establish(struct wire *w, const char *syn_words)
{
	char line[128];

	w->cfg.pacing = false;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	snprintf(line, sizeof line, "+0 SEW 0:0(0) %s", syn_words);
	inject(w, line);
	expect(w, "* SE. 0:0(0) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 1");
	wire_accept(w);
	check(w, wire_info(w).ecn);
}

/* … and ten segments of 1,000 bytes are out, 1:10001, of so many bytes. */
static void ten_out(struct wire *w, const char *syn_words, size_t bytes)
{
	establish(w, syn_words);
	send_bytes(w, bytes);
	check_equal(w, drain(w), 10);
	advance_us(w, 10000);
}

static void inject_ack(struct wire *w, const char *flags, uint32_t ack)
{
	char line[80];

	snprintf(line, sizeof line, "+0 %s 1:1(0) ack %u", flags, ack);
	inject(w, line);
}

/* ------------------------------------------------------------------ what is ECT, RFC 3168 6.1.4 to 6.1.6 */

static void test_new_data_is_ect_and_retransmissions_are_not(void **state)
{
	struct wire *w = *state;

	establish(w, SYN_WORDS);
	send_bytes(w, 2000);
	expect(w, "* . 1:1001(1000) ack 1 [ect0]");
	expect(w, "* P. 1001:2001(1000) ack 1 [ect0]");
	inject(w, "+0.1 . 1:1(0) ack 1001");
	expect(w, "* . 1001:2001(1000) ack 1");
	inject(w, "+0.1 . 1:1(0) ack 2001");
	send_bytes(w, 1000);
	expect(w,
	       "* W. 2001:3001(1000) ack 1 [ect0]"); /* the time-out has made the window smaller */
	inject(w, "+0.01 . 1:1(0) ack 3001");
	wire_shutdown(w);
	expect(w, "* F. 3001:3001(0) ack 1");
}

static void test_window_probes_are_not_ect(void **state)
{
	struct wire *w = *state;

	establish(w, SYN_WORDS);
	inject(w, "+0 . 1:1(0) ack 1 win 0");
	send_bytes(w, 1000);
	expect(w, "> 0.1 . 1:2(1) ack 1");
	inject(w, "+0 . 1:1(0) ack 1 win 65535");
	expect(w, "* . 1:1001(1000) ack 1");
}

static void test_fast_retransmissions_are_not_ect(void **state)
{
	struct wire *w = *state;

	ten_out(w, SYN_WORDS, 20000);
	inject_ack(w, ".", 1);
	expect(w, "* . 10001:11001(1000) ack 1 [ect0]"); /* limited transmit: new data */
	inject_ack(w, ".", 1);
	expect(w, "* . 11001:12001(1000) ack 1 [ect0]");
	inject_ack(w, ".", 1);
	expect(w, "* . 1:1001(1000) ack 1");
	inject_ack(w, ".", 12001);
	expect(w, "* W. 12001:13001(1000) ack 1 [ect0]");
	expect(w, "* . 13001:14001(1000) ack 1 [ect0]");
}

static void test_sack_retransmissions_are_not_ect(void **state)
{
	struct wire *w = *state;

	ten_out(w, SACK_WORDS, 20000);
	inject(w, "+0 . 1:1(0) ack 1 <nop,nop,sack 1001:9001>");
	expect(w, "* . 1:1001(1000) ack 1");
	expect(w, "* W. 10001:11001(1000) ack 1 [ect0]");
	expect(w, "* . 11001:12001(1000) ack 1 [ect0]");
	drain(w);
}

/* RFC 3168 6.1.5: a probe of the tail is new data like any other, or a retransmission. */
static void test_tail_loss_probes_of_new_data_are_ect(void **state)
{
	struct wire *w = *state;

	ten_out(w, SACK_WORDS, 20000);
	expect(w, "~0.03 . 10001:11001(1000) ack 1 [ect0]");
	inject(w, "+0 . 1:1(0) ack 11001");
	check_equal(w, drain(w), 9);
	inject(w, "+0 . 1:1(0) ack 20001");
	send_bytes(w, 1000);
	expect(w, "* P. 20001:21001(1000) ack 1 [ect0]");
	/* Nothing new is left: the same segment again. */
	expect(w, "* P. 20001:21001(1000) ack 1");
	check_equal(w, counters(w)->tcp_loss_probes, 2);
	inject(w, "+0 . 1:1(0) ack 21001");
}

/* ------------------------------------------------------------------ the window, RFC 3168 6.1.2 */

static void test_the_window_falls_once_for_a_window_of_data(void **state)
{
	struct wire *w = *state;

	ten_out(w, SYN_WORDS, 30000);
	inject_ack(w, "E.", 2001);
	check_equal(w, wire_info(w).cwnd, 8000);
	check_equal(w, wire_info(w).ssthresh, 8000);
	check_equal(w, wire_waiting(w), 0); /* 8,000 are under way */
	inject_ack(w, "E.", 4001);
	expect(w, "* W. 10001:11001(1000) ack 1 [ect0]"); /* new data says it, once */
	expect(w, "* . 11001:12001(1000) ack 1 [ect0]");
	inject_ack(w, "E.", 10001); /* the last that was sent before the window fell */
	check_equal(w, drain(w), 6);
	check_equal(w, wire_info(w).cwnd, 8000);
	check_equal(w, wire_info(w).ecn_reductions, 1);
	/* The peer has seen CWR: this is another mark. */
	inject_ack(w, "E.", 11001);
	check_equal(w, wire_info(w).ecn_reductions, 2);
	check_equal(w, wire_info(w).cwnd, 6400);
	check_equal(w, wire_info(w).delivered_ce, 11);
	check_equal(w, wire_info(w).retransmits, 0);
	check_equal(w, counters(w)->tcp_ecn_reductions, 2);
	check_equal(w, counters(w)->tcp_ecn_ece_in, 4);
}

static void test_the_window_does_not_grow_with_an_echo(void **state)
{
	struct wire *w = *state;

	ten_out(w, SYN_WORDS, 60000);
	inject_ack(w, ".", 2001);
	check_equal(w, wire_info(w).cwnd, 12000);
	check_equal(w, drain(w), 4);
	inject_ack(w, "E.", 4001);
	check_equal(w, wire_info(w).cwnd, 9600);
	for (unsigned i = 0; i < 6; i++)
		inject_ack(w, "E.", 5001 + 1000 * i), drain(w);
	check_equal(w, wire_info(w).cwnd, 9600);
	check_equal(w, wire_info(w).ecn_reductions, 1);
}

/* One ACK for everything: what was under way before it counts. */
static void test_echo_on_the_ack_of_the_whole_flight(void **state)
{
	struct wire *w = *state;

	ten_out(w, SYN_WORDS, 10000);
	inject_ack(w, "E.", 10001);
	check_equal(w, wire_info(w).cwnd, 8000);
	/* The peer goes on with it until it hears CWR, which needs data. */
	inject(w, "+0 E. 1:1(0) ack 10001 win 60000");
	inject(w, "+1 PE. 1:101(100) ack 10001 win 60000");
	check_equal(w, wire_info(w).ecn_reductions, 1);
	drain(w);
	send_bytes(w, 2000);
	expect(w, "* W. 10001:11001(1000) ack 101 [ect0]");
	expect(w, "* . 11001:12001(1000) ack 101 [ect0]");
}

static void test_slow_start_ends_with_a_mark(void **state)
{
	struct wire *w = *state;

	w->cfg.cc = &tcp_cc_cubic;
	wire_restart(w);
	ten_out(w, SYN_WORDS, 60000);
	inject_ack(w, "E.", 1001);
	check_equal(w, wire_info(w).cwnd, 8500); /* RFC 8511: beta of CUBIC is 0.85 */
	check_equal(w, wire_info(w).ssthresh, 8500);
	drain(w);
	inject_ack(w, ".", 3001);
	drain(w);
	check(w, wire_info(w).cwnd < 9500); /* slow start would make it 10,500 */
}

static void test_echoes_that_say_nothing(void **state)
{
	struct wire *w = *state;

	ten_out(w, SYN_WORDS, 20000);
	inject_ack(w, ".", 5001);
	drain(w);
	const uint32_t cwnd = wire_info(w).cwnd;
	inject(w, "+0 E. 1:1(0) ack 90001"); /* acknowledges what was never sent */
	expect(w, "* . 20001:20001(0) ack 1");
	inject(w, "+0 E. 1:1(0) ack 3001");         /* has been overtaken */
	inject(w, "+0 E. 90001:90001(0) ack 6001"); /* outside the window */
	drain(w);
	check_equal(w, wire_info(w).cwnd, cwnd);
	check_equal(w, wire_info(w).ecn_reductions, 0);
	/* Nothing is under way that could have been marked. */
	inject_ack(w, ".", 20001);
	inject(w, "+0 E. 1:1(0) ack 20001 win 60000");
	check_equal(w, wire_info(w).ecn_reductions, 0);
}

/* RFC 3168 6.1.2: below two segments it goes on to one, and then one for each time-out. */
static void test_marked_at_one_segment_it_waits_for_the_timer(void **state)
{
	struct wire *w = *state;

	establish(w, SYN_WORDS);
	send_bytes(w, 1000);
	expect(w, "* . 1:1001(1000) ack 1 [ect0]");
	inject(w, "+0.01 . 1:1(0) ack 1001"); /* a path that does not mark everything */
	send_bytes(w, 60000);
	for (unsigned i = 0; wire_info(w).cwnd > 1000; i++) {
		check(w, i < 20);
		check(w, drain(w) > 0);
		inject_ack(w, "E.", wire_info(w).snd_max - w->iss);
	}
	check_equal(w, wire_info(w).ssthresh, 2000);
	check_equal(w, drain(w), 1);
	inject_ack(w, "E.", wire_info(w).snd_max - w->iss);
	check_equal(w, wire_info(w).cwnd, 1000);
	check_equal(w, wire_waiting(w), 0);
	assert_string_equal(wire_info(w).timer, "ecn-hold");
	const uint64_t until = wire_info(w).timer_us;
	check(w, until >= w->now_us + 199000); /* the RTO's floor, to a tick */
	advance_us(w, until - w->now_us - 1000);
	check_equal(w, wire_waiting(w), 0);
	advance_us(w, 3000);
	check_equal(w, wire_waiting(w), 1);
	struct wire_packet *p = wire_take(w);
	check_equal(w, p->bytes[33] & CWR, CWR);
	test_free(p);
	check_equal(w, wire_info(w).timeouts, 0);
	check_equal(w, wire_info(w).retransmits, 0);
	/* An ACK without ECE lets the window grow again. */
	inject_ack(w, ".", wire_info(w).snd_max - w->iss);
	check_equal(w, wire_info(w).cwnd, 2000);
	check_equal(w, drain(w), 2);
}

/* The same with an application that sends now and then: a pause counts as waiting. */
static void test_marked_at_one_segment_with_nothing_to_send(void **state)
{
	struct wire *w = *state;

	for (unsigned pause = 0; pause < 2; pause++) {
		establish(w, SYN_WORDS);
		for (unsigned i = 0; i < 4; i++) { /* the window is 10, 10, 2 and 1 segments */
			send_bytes(w, 1000);
			check_equal(w, drain(w), 1);
			inject_ack(w, i ? "E." : ".", 1001 + 1000 * i);
		}
		check_equal(w, wire_info(w).cwnd, 1000);
		if (pause)
			advance_us(w, 1000000);
		send_bytes(w, 1000);
		assert_string_equal(wire_info(w).timer, pause ? "retransmit" : "ecn-hold");
		check_equal(w, drain(w), pause);
		advance_us(w, 300000);
		drain(w);
		check_equal(w, counters(w)->tcp_ecn_reductions, 3);
		wire_restart(w);
	}
}

/* ------------------------------------------------------------------ marks and losses together */

static void test_no_reduction_for_a_mark_within_recovery(void **state)
{
	struct wire *w = *state;

	ten_out(w, SACK_WORDS, 20000);
	inject(w, "+0 . 1:1(0) ack 1 <nop,nop,sack 1001:5001>");
	check_equal(w, wire_info(w).ssthresh, 5000);
	drain(w);
	inject(w, "+0 E. 1:1(0) ack 1 <nop,nop,sack 1001:6001>");
	drain(w);
	inject(w, "+0 E. 1:1(0) ack 10001");
	check_equal(w, wire_info(w).ssthresh, 5000);
	check_equal(w, wire_info(w).cwnd, 5000);
	check_equal(w, wire_info(w).ecn_reductions, 0);
	drain(w);
}

/* Nor a second one for a loss: it is repaired with the window that the mark has left. */
static void test_no_reduction_for_a_loss_within_a_marked_window(void **state)
{
	static const char *const words[] = {SACK_WORDS, SYN_WORDS};
	struct wire *w = *state;

	for (unsigned i = 0; i < 2; i++) {
		ten_out(w, words[i], 10000);
		inject_ack(w, "E.", 2001);
		check_equal(w, wire_info(w).ssthresh, 8000);
		for (unsigned k = i == 0 ? 2 : 0; k < 3; k++)
			inject(w, i == 0 ? "+0 E. 1:1(0) ack 2001 <nop,nop,sack 3001:6001>"
					 : "+0 E. 1:1(0) ack 2001");
		expect(w, "* . 2001:3001(1000) ack 1");
		check_equal(w, wire_info(w).ssthresh, 8000);
		check_equal(w, counters(w)->tcp_fast_retransmits, 1);
		inject_ack(w, "E.", 10001);
		check_equal(w, wire_info(w).ecn_reductions, 1);
		wire_restart(w);
	}
}

static void test_time_out_within_a_marked_window(void **state)
{
	struct wire *w = *state;

	ten_out(w, SYN_WORDS, 10000);
	inject_ack(w, "E.", 2001);
	expect(w, "> 0.2 . 2001:3001(1000) ack 1");
	check_equal(w, wire_info(w).ssthresh, 8000);
	check_equal(w, wire_info(w).cwnd, 1000);
	inject_ack(w, "E.",
		   10001); /* all was there but this one, and the peer still waits for CWR */
	check_equal(w, wire_info(w).ssthresh, 8000);
	check_equal(w, wire_info(w).ecn_reductions, 1);
	send_bytes(w, 1000);
	expect(w, "* W. 10001:11001(1000) ack 1 [ect0]");
}

/* The next loss is a new one once the marked window is past. */
static void test_loss_after_the_marked_window_reduces_again(void **state)
{
	struct wire *w = *state;

	ten_out(w, SACK_WORDS, 40000);
	inject_ack(w, "E.", 10001);
	check_equal(w, drain(w), 8);
	inject_ack(w, ".", 11001);
	drain(w);
	inject(w, "+0 . 1:1(0) ack 11001 <nop,nop,sack 12001:16001>");
	expect(w, "* . 11001:12001(1000) ack 1");
	check(w, wire_info(w).ssthresh <= 4500);
	drain(w);
}

/* All that was sent again had arrived: that takes back the reduction for the loss, but no longer when a mark has come
 * in the same flight. */
static void test_a_mark_is_not_taken_back(void **state)
{
	struct wire *w = *state;

	for (unsigned marked = 0; marked < 2; marked++) {
		ten_out(w, SACK_WORDS, 10000);
		inject(w, "+0 . 1:1(0) ack 1 <nop,nop,sack 1001:5001>");
		expect(w, "* . 1:1001(1000) ack 1");
		inject(w, marked ? "+0 E. 1:1(0) ack 5001" : "+0 . 1:1(0) ack 5001");
		inject(w, "+0 . 1:1(0) ack 5001 <nop,nop,sack 1:1001>"); /* it came twice */
		check_equal(w, counters(w)->tcp_spurious_recoveries, !marked);
		check_equal(w, wire_info(w).ssthresh == 5000, marked);
		wire_restart(w);
	}
}

/* What was reduced for nothing is no reason not to listen to a mark of the same flight. */
static void test_a_mark_after_a_reduction_was_taken_back(void **state)
{
	struct wire *w = *state;

	ten_out(w, SACK_WORDS, 40000);
	inject(w, "+0 . 1:1(0) ack 1 <nop,nop,sack 1001:5001>");
	expect(w, "* . 1:1001(1000) ack 1");
	inject(w, "+0 . 1:1(0) ack 5001 <nop,nop,sack 1:1001>");
	check_equal(w, counters(w)->tcp_spurious_recoveries, 1);
	check_equal(w, wire_info(w).cwnd, 11000);
	expect(w, "* . 10001:11001(1000) ack 1 [ect0]"); /* and there is nothing to tell the peer */
	drain(w);
	inject(w, "+0 E. 1:1(0) ack 6001");
	check_equal(w, wire_info(w).ecn_reductions, 1);
	check_equal(w, wire_info(w).cwnd, 8800);
	drain(w);
}

/* ------------------------------------------------------------------ super segments */

static void test_cwr_is_never_on_a_super_segment(void **state)
{
	struct wire *w = *state;

	w->cfg.tso = w->cfg.checksum_offload = true;
	wire_restart(w);
	establish(w, SYN_WORDS);
	send_bytes(w, 30000);
	expect(w, "* . 1:10001(10000) ack 1 [ect0]");
	inject_ack(w, "E.", 10001);
	expect(w, "* W. 10001:11001(1000) ack 1 [ect0]");
	expect(w, "* . 11001:18001(7000) ack 1 [ect0]");
	inject_ack(w, ".", 18001);
	check(w, drain(w) > 0);
}

/* ------------------------------------------------------------------ paths that mistreat ECT */

/* It drops what is ECT: the repetition, which is not, arrives. */
static void test_ect_that_never_arrives_is_given_up(void **state)
{
	struct wire *w = *state;

	establish(w, SYN_WORDS);
	send_bytes(w, 2000);
	expect(w, "* . 1:1001(1000) ack 1 [ect0]");
	expect(w, "* P. 1001:2001(1000) ack 1 [ect0]");
	expect(w, "> 0.2 . 1:1001(1000) ack 1");
	inject_ack(w, ".", 1001);
	expect(w, "* . 1001:2001(1000) ack 1");
	inject_ack(w, ".", 2001);
	send_bytes(w, 1000);
	expect(w, "* W. 2001:3001(1000) ack 1");
	check(w, wire_info(w).ecn && !wire_info(w).ecn_ect);
	check_equal(w, counters(w)->tcp_ecn_given_up, 1);
	/* Marks of the other direction are echoed as before, and ECE means nothing any more. */
	inject(w, "+0 E. 1:1001(1000) ack 3001 [ce]");
	expect(w, "* E. 3001:3001(0) ack 1001");
	check_equal(w, wire_info(w).ecn_reductions, 0);
}

/* Sets CE on everything: then losses have to say what marks cannot. */
static void test_a_path_that_marks_everything(void **state)
{
	struct wire *w = *state;
	unsigned rounds = 0;

	establish(w, SYN_WORDS);
	send_bytes(w, 60000);
	for (; wire_info(w).ecn_ect && rounds < 20; rounds++) {
		drain(w);
		inject_ack(w, "E.", wire_info(w).snd_max - w->iss);
	}
	check_equal(w, wire_info(w).ecn_reductions, 4);
	check_equal(w, counters(w)->tcp_ecn_given_up, 1);
	drain(w);
	const uint32_t cwnd = wire_info(w).cwnd;
	for (unsigned i = 0; i < 5; i++) {
		inject_ack(w, "E.", wire_info(w).snd_max - w->iss);
		drain(w);
	}
	check(w, wire_info(w).cwnd > cwnd);
	check_equal(w, wire_info(w).ecn_reductions, 4);
}

/* A single ACK without ECE shows that the path can do it: then it is congestion. */
static void test_a_path_that_marks_almost_everything(void **state)
{
	struct wire *w = *state;

	ten_out(w, SYN_WORDS, 60000);
	inject_ack(w, ".", 1001);
	for (unsigned i = 0; i < 6; i++) {
		drain(w);
		inject_ack(w, "E.", wire_info(w).snd_max - w->iss);
	}
	drain(w);
	check_equal(w, wire_info(w).ecn_reductions, 6);
	check(w, wire_info(w).ecn_ect);
}

/* ------------------------------------------------------------------ without negotiation */

/* The flags and fields of ECN, in every kind of packet and in every state, change nothing when nothing was agreed: two
 * stacks, one of which gets them, send the same bytes. */
#define SCRIPT_PACKETS 64

struct script {
	struct wire *w;
	uint8_t flags, reserved, ecn;
	size_t count;
	size_t len[SCRIPT_PACKETS];
	uint8_t bytes[SCRIPT_PACKETS][120];
};

static void give(struct script *s, const char *text)
{
	static uint8_t packet[WIRE_PACKET_MAX];
	const struct seg g = wire_seg(s->w, text);
	const size_t len = wire_build(s->w, &g, packet);

	packet[1] = s->ecn;
	packet[32] |= s->reserved;
	packet[33] |= s->flags;
	wire_fix_checksums(packet, len);
	wire_inject_raw(s->w, packet, len);
	for (struct wire_packet *p; (p = wire_take(s->w)) != NULL; test_free(p)) {
		check(s->w, s->count < SCRIPT_PACKETS);
		s->len[s->count] = p->len;
		memcpy(s->bytes[s->count], p->bytes, p->len < 120 ? p->len : 120);
		s->count++;
	}
}

/* Through every state, with an odd segment in each. */
static void play(struct script *s)
{
	static const char *const odd[] = {". 90001:90001(0) ack 1", "S 0:0(0)",
					  "R 90001:90001(0)",       "- 1:1(0)",
					  ". 1:11(10) ack 1",       "S. 0:0(0) ack 1"};
	struct wire *w = s->w;

	wire_listen(w, WIRE_PORT, 16);
	give(s, "R 0:0(0)");
	give(s, ". 0:0(0) ack 1");
	give(s, "F 0:0(0)");
	/* All but the SYN: there they ask. */
	const uint8_t flags = s->flags, reserved = s->reserved;
	s->flags = s->reserved = 0;
	give(s, "S 0:0(0) " SACK_WORDS);
	s->flags = flags;
	s->reserved = reserved;
	give(s, ". 90001:90001(0) ack 1");
	give(s, ". 1:1(0) ack 9");
	give(s, ". 1:1(0) ack 1");
	wire_accept(w);
	for (unsigned i = 0; i < 6; i++)
		give(s, odd[i]);
	wire_send(w, 3000, false, __FILE__, __LINE__);
	give(s, ". 11:11(0) ack 1001");
	for (unsigned i = 0; i < 4; i++)
		give(s, ". 11:11(0) ack 1001");
	give(s, ". 11:11(0) ack 3001");
	wire_shutdown(w);
	for (unsigned i = 0; i < 6; i++)
		give(s, odd[i]);
	give(s, ". 11:11(0) ack 3002"); /* FIN-WAIT-2 */
	for (unsigned i = 0; i < 6; i++)
		give(s, odd[i]);
	recv_bytes(w, 10);
	give(s, "F. 11:11(0) ack 3002"); /* TIME-WAIT */
	for (unsigned i = 0; i < 6; i++)
		give(s, odd[i]);
}

static void test_without_negotiation_nothing_changes(void **state)
{
	static struct script plain, s;
	struct wire *w = *state;

	plain = (struct script){.w = w};
	play(&plain);
	check(w, plain.count >= 20);
	for (unsigned bits = 1; bits < 8; bits++) {
		for (uint8_t ecn = 0; ecn < 4; ecn++) {
			/* The challenge ACKs are counted by the second. */
			advance_us(w, 2000000);
			wire_restart(w);
			s = (struct script){.w = w,
					    .flags = (bits & 1 ? ECE : 0) | (bits & 2 ? CWR : 0),
					    .reserved = bits & 4 ? 1 : 0, /* NS of RFC 3540 */
					    .ecn = ecn};
			play(&s);
			check_equal(w, s.count, plain.count);
			for (size_t i = 0; i < s.count; i++) {
				check_equal(w, s.len[i], plain.len[i]);
				check(w, memcmp(s.bytes[i], plain.bytes[i], 120) == 0);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_new_data_is_ect_and_retransmissions_are_not),
		WIRE_TEST(test_window_probes_are_not_ect),
		WIRE_TEST(test_fast_retransmissions_are_not_ect),
		WIRE_TEST(test_sack_retransmissions_are_not_ect),
		WIRE_TEST(test_tail_loss_probes_of_new_data_are_ect),
		WIRE_TEST(test_the_window_falls_once_for_a_window_of_data),
		WIRE_TEST(test_the_window_does_not_grow_with_an_echo),
		WIRE_TEST(test_echo_on_the_ack_of_the_whole_flight),
		WIRE_TEST(test_slow_start_ends_with_a_mark),
		WIRE_TEST(test_echoes_that_say_nothing),
		WIRE_TEST(test_marked_at_one_segment_it_waits_for_the_timer),
		WIRE_TEST(test_marked_at_one_segment_with_nothing_to_send),
		WIRE_TEST(test_no_reduction_for_a_mark_within_recovery),
		WIRE_TEST(test_no_reduction_for_a_loss_within_a_marked_window),
		WIRE_TEST(test_time_out_within_a_marked_window),
		WIRE_TEST(test_loss_after_the_marked_window_reduces_again),
		WIRE_TEST(test_a_mark_is_not_taken_back),
		WIRE_TEST(test_a_mark_after_a_reduction_was_taken_back),
		WIRE_TEST(test_cwr_is_never_on_a_super_segment),
		WIRE_TEST(test_ect_that_never_arrives_is_given_up),
		WIRE_TEST(test_a_path_that_marks_everything),
		WIRE_TEST(test_a_path_that_marks_almost_everything),
		WIRE_TEST(test_without_negotiation_nothing_changes),
	};

	return cmocka_run_group_tests_name("stack: ECN, sender", tests, NULL, NULL);
}
