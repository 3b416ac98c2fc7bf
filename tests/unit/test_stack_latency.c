/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing that a client waits for waits for a timer: requests and answers of every size, peers with Nagle's
 * algorithm (RFC 896), flights of several records, and how delayed ACKs stay out of the way (RFC 9293 3.8.6.3).
 * Time does not move unless a test says so.
 */
#include <stdio.h>

#include "stack/tcp_types.h"
#include "tests/unit/wire.h"

#define MSS 500u
#define SYN_WORDS "win 65535 <mss 500>"
#define ANSWER 200u

/* A client as most of them are: it has Nagle's algorithm on, and asks again on the same connection. */
struct client {
	struct wire *w;
	uint32_t next;   /* sequence number of its next byte             */
	uint32_t heard;  /* what the server has acknowledged             */
	uint32_t answer; /* bytes of answers that have arrived           */
	unsigned pure;   /* ACKs of the server that carried nothing else */
};

static void take_packets(struct client *k)
{
	const char *what;
	struct seg g;

	for (struct wire_packet *p; (p = wire_take(k->w)) != NULL; test_free(p)) {
		check(k->w, wire_decode(p->bytes, p->len, &g, &what));
		k->heard = g.ack - k->w->irs;
		k->answer += (uint32_t)g.len;
		k->pure += g.len == 0;
	}
}

static void send_segment(struct client *k, uint32_t len, bool last)
{
	char line[80];

	snprintf(line, sizeof line, "* %s %u:%u(%u) ack %u", last ? "P." : ".", k->next,
		 k->next + len, len, 1 + k->answer);
	k->next += len;
	inject(k->w, line);
	take_packets(k);
}

/* One write of the client's application. RFC 9293 3.7.4: a partial segment waits until all is acknowledged. */
static void client_writes(struct client *k, uint32_t len)
{
	while (len >= MSS) {
		send_segment(k, MSS, len == MSS);
		len -= MSS;
	}
	if (len == 0)
		return;
	check(k->w, k->heard == k->next); /* or it would wait for our timer */
	send_segment(k, len, true);
}

/* The application answers once it has the whole request. */
static void server_answers(struct client *k, uint32_t request)
{
	const uint32_t before = k->answer;

	recv_bytes(k->w, request);
	send_bytes(k->w, ANSWER);
	take_packets(k);
	check_equal(k->w, k->answer, before + ANSWER);
	check_equal(k->w, k->heard, k->next);
}

static struct client new_client(struct wire *w)
{
	w->quiet = true;
	wire_establish(w, SYN_WORDS);
	return (struct client){.w = w, .next = 1, .heard = 1};
}

/* ------------------------------------------------------------------ requests and answers */

static void test_keep_alive_requests_of_every_size_are_answered_without_a_timer(void **state)
{
	struct wire *w = *state;
	struct client k = new_client(w);

	for (uint32_t size = 1; size <= 3 * MSS; size++) {
		client_writes(&k, size);
		server_answers(&k, size);
	}
	check(w, w->now_us == w->start_us);
	check_equal(w, counters(w)->tcp_delayed_acks, 0);
}

/* Header and body in two writes: the second waits for the ACK of the first, and the answer for the second. */
static void test_requests_in_two_writes_are_answered_without_a_timer(void **state)
{
	struct wire *w = *state;
	struct client k = new_client(w);

	for (uint32_t size = 1; size <= 2 * MSS; size += 7) {
		client_writes(&k, 120);
		client_writes(&k, size);
		server_answers(&k, 120 + size);
	}
	check(w, w->now_us == w->start_us);
}

static void test_answer_of_every_size_leaves_whole_at_once(void **state)
{
	struct wire *w = *state;
	uint32_t acked = 1;

	w->quiet = true;
	wire_establish(w, SYN_WORDS);
	for (uint32_t size = 1; size <= 3 * MSS; size++) {
		char line[64];
		send_bytes(w, size);
		check_equal(w, drain(w), (size + MSS - 1) / MSS);
		check_equal(w, wire_info(w).not_sent, 0);
		acked += size;
		snprintf(line, sizeof line, "* . 1:1(0) ack %u", acked);
		if (size % 3 == 0) /* also with the last one still in flight */
			inject(w, line);
	}
	check(w, w->now_us == w->start_us);
}

/* An answer given in the same turn carries the ACK: one packet each way, whatever the state of quick ACKs. */
static void test_answer_of_the_same_turn_carries_the_ack(void **state)
{
	struct wire *w = *state;

	w->quiet = true;
	wire_establish(w, SYN_WORDS);
	for (uint32_t i = 0; i < 3 * TCP_QUICKACKS; i++) {
		char line[80];
		snprintf(line, sizeof line, "* P. %u:%u(100) ack %u", 1 + 100 * i, 101 + 100 * i,
			 1 + 300 * i);
		hold(w);
		inject(w, line);
		recv_bytes(w, 100);
		send_bytes(w, 300);
		release(w);
		snprintf(line, sizeof line, "* P. %u:%u(300) ack %u", 1 + 300 * i, 301 + 300 * i,
			 101 + 100 * i);
		expect(w, line);
	}
	check_equal(w, drain(w), 0);
}

/* ------------------------------------------------------------------ flights */

/* Records of a TLS flight are committed one by one in one turn; not one segment more than their bytes need. */
static void test_handshake_flight_leaves_in_the_fewest_segments(void **state)
{
	struct wire *w = *state;
	uint32_t acked = 1;

	w->quiet = true;
	wire_establish(w, "win 65535 <mss 1448>");
	for (uint32_t size = 1000; size <= 4096; size += 13) {
		static const uint32_t records[] = {127, 32, 6, 859, 101, 58};
		uint32_t left = size;
		char line[64];
		hold(w);
		for (unsigned i = 0; left > 0; i++) {
			const uint32_t len = records[i % 6] < left ? records[i % 6] : left;
			send_bytes(w, len);
			left -= len;
		}
		release(w);
		check_equal(w, drain(w), (size + 1447) / 1448);
		acked += size;
		snprintf(line, sizeof line, "* . 1:1(0) ack %u", acked);
		inject(w, line);
	}
}

/* The same over several turns, when each but the last says that more follows. */
static void test_flight_of_several_turns_leaves_in_the_fewest_segments(void **state)
{
	struct wire *w = *state;
	size_t packets = 0;

	wire_establish(w, "win 65535 <mss 1448>");
	for (unsigned i = 0; i < 9; i++) {
		send_more(w, 400);
		packets += drain(w);
		advance_us(w, 1000);
	}
	send_bytes(w, 400);
	packets += drain(w);
	check_equal(w, packets, 3);
	check_equal(w, wire_info(w).not_sent, 0);
}

/* ------------------------------------------------------------------ delayed ACKs */

/* Uses up the quick ACKs; returns the peer's next sequence number. */
static uint32_t grow_old(struct wire *w)
{
	char line[64];
	uint32_t at = 1;

	for (unsigned i = 0; i < TCP_QUICKACKS; i++, at += 10) {
		snprintf(line, sizeof line, "* P. %u:%u(10) ack 1", at, at + 10);
		inject(w, line);
		check_equal(w, drain(w), 1);
	}
	check_equal(w, wire_info(w).quickacks, 0);
	return at;
}

static void test_silence_of_the_peer_makes_acks_quick_again(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	check_equal(w, grow_old(w), 161);
	check_equal(w, wire_info(w).rto_us, 200001);
	inject(w, "0.200 P. 161:171(10) ack 1"); /* not longer than the RTO */
	expect_none(w, "0.239");
	expect(w, "0.240 . 1:1(0) ack 171");
	inject(w, "0.401 P. 171:181(10) ack 1");
	expect(w, "0.401 . 1:1(0) ack 181");
	check_equal(w, wire_info(w).quickacks, TCP_QUICKACKS - 1);
	inject(w, "0.402 P. 181:191(10) ack 1");
	expect(w, "0.402 . 1:1(0) ack 191");
	expect_none(w, "10");
}

/* A new request, on an old connection: its sender may hold back the rest. */
static void test_new_request_is_acknowledged_at_once(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	grow_old(w);
	inject(w, "0.010 P. 161:171(10) ack 1");
	expect(w, "0.050 . 1:1(0) ack 171"); /* it is not the answer to anything */
	send_bytes(w, 100);
	expect(w, "0.050 P. 1:101(100) ack 171");
	inject(w, "0.060 . 171:671(500) ack 101");
	expect(w, "0.060 . 101:101(0) ack 671");
	inject(w, "0.070 . 671:1171(500) ack 101"); /* one alone, as Nagle's algorithm makes them */
	expect(w, "0.070 . 101:101(0) ack 1171");
	inject(w, "0.080 P. 1171:1271(100) ack 101");
	expect(w, "0.080 . 101:101(0) ack 1271");
}

/* Before our answer has arrived nothing of the peer's can be about it. */
static void test_data_that_cross_ours_are_no_new_request(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	grow_old(w);
	send_bytes(w, 100);
	expect(w, "0.000 P. 1:101(100) ack 161");
	inject(w, "0.010 P. 161:261(100) ack 1");
	expect_none(w, "0.049");
	expect(w, "0.050 . 101:101(0) ack 261");
	inject(w, "0.060 . 261:261(0) ack 101");
}

/* Ping-pong of data that overlap is no request: every second segment is acknowledged, as always. */
static void test_two_streams_do_not_double_the_acks(void **state)
{
	struct wire *w = *state;
	unsigned pure = 0;

	w->quiet = true;
	wire_establish(w, SYN_WORDS);
	uint32_t at = grow_old(w);
	send_bytes(w, 500);
	drain(w);
	for (unsigned i = 0; i < 20;
	     i++, at += 500) { /* each acknowledges all but our last segment */
		char line[64];
		send_bytes(w, 500);
		check_equal(w, drain(w), 1);
		snprintf(line, sizeof line, "* . %u:%u(500) ack %u", at, at + 500,
			 1 + 500 * (i + 1));
		inject(w, line);
		pure += (unsigned)drain(w);
	}
	check_equal(w, pure, 0); /* what we send carries them */
}

/* RFC 5681 4.2, for a peer whose segments are smaller than what we have offered. */
static void test_every_second_segment_is_acknowledged_whatever_its_size(void **state)
{
	static const unsigned sizes[] = {536, 1000, 1240, 1460};
	struct wire *w = *state;

	for (unsigned s = 0; s < 4; s++) {
		unsigned acks = 0;
		char line[64];
		wire_restart(w);
		wire_establish(w, "win 65535 <mss 1460>");
		uint32_t at = grow_old(w);
		for (unsigned i = 0; i < 20; i++, at += sizes[s]) {
			snprintf(line, sizeof line, "* . %u:%u(%u) ack 1", at, at + sizes[s],
				 sizes[s]);
			inject(w, line);
			acks += (unsigned)drain(w);
		}
		check_equal(w, acks, 10);
	}
}

/* A gap and its end are answered at once, quick ACKs or not. */
static void test_gap_is_answered_at_once_when_quick_acks_are_used_up(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 1460,sackOK>");
	grow_old(w);
	inject(w, "0.010 P. 171:181(10) ack 1");
	expect(w, "0.010 . 1:1(0) ack 161 <sack 171:181>");
	inject(w, "0.020 P. 161:171(10) ack 1");
	expect(w, "0.020 . 1:1(0) ack 181");
	inject(w, "0.030 P. 181:191(10) ack 1"); /* and then it is as before */
	expect_none(w, "0.069");
	expect(w, "0.070 . 1:1(0) ack 191");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_keep_alive_requests_of_every_size_are_answered_without_a_timer),
		WIRE_TEST(test_requests_in_two_writes_are_answered_without_a_timer),
		WIRE_TEST(test_answer_of_every_size_leaves_whole_at_once),
		WIRE_TEST(test_answer_of_the_same_turn_carries_the_ack),
		WIRE_TEST(test_handshake_flight_leaves_in_the_fewest_segments),
		WIRE_TEST(test_flight_of_several_turns_leaves_in_the_fewest_segments),
		WIRE_TEST(test_silence_of_the_peer_makes_acks_quick_again),
		WIRE_TEST(test_new_request_is_acknowledged_at_once),
		WIRE_TEST(test_data_that_cross_ours_are_no_new_request),
		WIRE_TEST(test_two_streams_do_not_double_the_acks),
		WIRE_TEST(test_every_second_segment_is_acknowledged_whatever_its_size),
		WIRE_TEST(test_gap_is_answered_at_once_when_quick_acks_are_used_up),
	};

	return cmocka_run_group_tests_name("stack: latency", tests, NULL, NULL);
}
