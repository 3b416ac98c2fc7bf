/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing waits for a timer that need not: requests and answers of every size on a kept-alive connection,
 * with a peer that uses Nagle's algorithm and delays its ACKs. And closing in the midst of things: with
 * unread data in every state, while the shut window is probed.
 */
#include <stdio.h>

#include "tests/unit/wire.h"

#define MSS 1460u
#define SYN_WORDS "win 65535 <mss 1460>"

/* ------------------------------------------------------------------ Nagle × delayed ACK */

/* A peer that never waits for anything but what Nagle's algorithm tells it to (RFC 896): a segment that is
 * not full is held back while something is unacknowledged. */
struct nagle {
	uint32_t sent, acked, end; /* relative to its first byte */
};

/* Takes what the stack has sent: its ACKs, and how many bytes of data. */
static size_t take(struct wire *w, struct nagle *n)
{
	struct wire_packet *p;
	size_t data = 0;

	while ((p = wire_take(w)) != NULL) {
		struct seg g;
		const char *what;
		check(w, wire_decode(p->bytes, p->len, &g, &what));
		test_free(p);
		check(w, !(g.flags & (RST | FIN)));
		data += g.len;
		if ((int32_t)(g.ack - w->irs - 1 - n->acked) > 0)
			n->acked = g.ack - w->irs - 1;
	}
	return data;
}

static bool send_more_of(struct wire *w, struct nagle *n, uint32_t answered)
{
	const uint32_t left = n->end - n->sent;
	char line[96];

	if (left == 0 || (left < MSS && n->acked != n->sent))
		return false;
	const uint32_t len = left < MSS ? left : MSS;
	snprintf(line, sizeof line, "* %s %u:%u(%u) ack %u", len == left ? "P." : ".", 1 + n->sent,
		 1 + n->sent + len, len, 1 + answered);
	inject(w, line);
	n->sent += len;
	return true;
}

/* Requests of one size, one after the other, each answered with 100 bytes once it is complete. Returns how
 * long they took: on a path without delay all of it is waiting. */
static uint64_t requests(struct wire *w, uint32_t size, unsigned count)
{
	struct nagle n = {0};
	uint32_t answered = 0;

	wire_establish(w, SYN_WORDS);
	const uint64_t start = w->now_us;
	for (unsigned i = 0; i < count; i++) {
		struct slice got[2];
		n.end += size;
		while (tcp_recv_peek(w->c, got) < size) {
			const bool progress = send_more_of(w, &n, answered);
			take(w, &n);
			if (!progress && n.acked != n.sent)
				advance_us(w, 1000);
			check(w, w->now_us - start < 60 * UINT64_C(1000000));
		}
		recv_bytes(w, size);
		send_bytes(w, 100);
		check_equal(w, take(w, &n), 100);
		answered += 100;
	}
	return w->now_us - start;
}

static void test_requests_of_every_size_are_served_without_a_wait(void **state)
{
	struct wire *w = *state;
	static const uint32_t sizes[] = {1,           2,           100,         536,
					 1000,        MSS - 1,     MSS,         MSS + 1,
					 2000,        2 * MSS - 1, 2 * MSS,     2 * MSS + 1,
					 3 * MSS - 1, 3 * MSS,     3 * MSS + 1, 5 * MSS + 7};

	w->quiet = true;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		const uint64_t took = requests(w, sizes[i], 50);
		if (took > 0)
			wire_fail(w, __FILE__, __LINE__, "50 requests of %u bytes waited %.3f s",
				  sizes[i], (double)took / 1e6);
		wire_restart(w);
	}
}

/* Answers as an HTTP server writes them: a head with the promise of more, then the body. All of it leaves
 * before time passes, whatever is in flight: there is no Nagle here, and no partial segment is forgotten. */
static void test_answers_of_every_size_leave_at_once(void **state)
{
	struct wire *w = *state;

	w->quiet = true;
	wire_establish(w, SYN_WORDS);
	/* The initial window is ten segments; with one answer after the other acknowledged it only grows. */
	for (uint32_t size = 1, total = 0; size <= 3 * MSS + 1; size += size % MSS < 3 ? 1 : 97) {
		struct nagle none = {0};
		char line[64];
		if (size > 120)
			send_more(w, 120);
		send_bytes(w, size > 120 ? size - 120 : size);
		check_equal(w, take(w, &none), size);
		total += size;
		snprintf(line, sizeof line, "* . 1:1(0) ack %u", total + 1);
		inject(w, line);
		check_equal(w, wire_waiting(w), 0);
	}
	check_equal(w, w->now_us, w->start_us);
}

/* A peer that delays its ACK is not waited for: small writes leave while others are unacknowledged. */
static void test_small_writes_do_not_wait_for_an_ack(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	for (uint32_t i = 0; i < 40; i++) {
		char line[64];
		send_bytes(w, 50);
		snprintf(line, sizeof line, "* P. %u:%u(50) ack 1", 1 + 50 * i, 51 + 50 * i);
		expect(w, line);
	}
	check_equal(w, w->now_us, w->start_us);
}

/* ------------------------------------------------------------------ unread data */

/* RFC 1122 4.2.2.13, RFC 2525 2.17: in each state in which data can lie unread, closing tells the peer that
 * they are lost. */
static void test_close_with_unread_data_resets_in_every_state(void **state)
{
	struct wire *w = *state;
	static const struct {
		bool shut;
		const char *before, *after; /* of the peer, around our shutdown */
		enum tcp_state state;
		const char *reset;
	} cases[] = {
		{false, NULL, NULL, TCP_ESTABLISHED, "* R. 1:1(0) ack 11"},
		{false, "* F. 11:11(0) ack 1", NULL, TCP_CLOSE_WAIT, "* R. 1:1(0) ack 12"},
		{true, NULL, NULL, TCP_FIN_WAIT_1, "* R. 2:2(0) ack 11"},
		{true, NULL, "* . 11:11(0) ack 2", TCP_FIN_WAIT_2, "* R. 2:2(0) ack 11"},
		{true, NULL, "* F. 11:11(0) ack 1", TCP_CLOSING, "* R. 2:2(0) ack 12"},
		{true, "* F. 11:11(0) ack 1", NULL, TCP_LAST_ACK, "* R. 2:2(0) ack 12"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		wire_establish(w, SYN_WORDS);
		inject(w, "* P. 1:11(10) ack 1");
		drain(w);
		if (cases[i].before)
			inject(w, cases[i].before);
		drain(w);
		if (cases[i].shut)
			wire_shutdown(w);
		drain(w);
		if (cases[i].after)
			inject(w, cases[i].after);
		drain(w);
		expect_state(w, cases[i].state);
		wire_close(w);
		expect(w, cases[i].reset);
		check_equal(w, wire_usage(w).connections, 0);
		wire_restart(w);
	}
}

/* What was read in time is no reason for a reset, down to the last byte. */
static void test_close_after_the_last_byte_is_read_is_orderly(void **state)
{
	struct wire *w = *state;

	for (uint32_t read = 0; read <= 10; read++) {
		wire_establish(w, SYN_WORDS);
		inject(w, "* P. 1:11(10) ack 1");
		drain(w);
		recv_bytes(w, read);
		wire_close(w);
		expect(w, read == 10 ? "* F. 1:1(0) ack 11" : "* R. 1:1(0) ack 11");
		wire_restart(w);
	}
}

/* ------------------------------------------------------------------ closing while probing */

/* At each probe in turn the application closes, and later the window opens: everything arrives, the FIN
 * behind it. In the end the window opens by an update that gets lost, so that only the next probe tells. */
static void test_close_while_probing_delivers_all(void **state)
{
	struct wire *w = *state;

	for (unsigned closes_at = 0; closes_at < 5; closes_at++) {
		for (unsigned update_lost = 0; update_lost < 2; update_lost++) {
			wire_establish(w, "win 0 <mss 1460>");
			send_bytes(w, 3000);
			for (unsigned i = 0; i < 5; i++) {
				if (i == closes_at)
					wire_close(w);
				expect(w, "* . 1:2(1) ack 1");
				inject(w, "+0 . 1:1(0) ack 1 win 0");
			}
			if (update_lost)
				expect(w, "* . 1:2(1) ack 1");
			inject(w, update_lost ? "+0 . 1:1(0) ack 2 win 5000"
					      : "+0.01 . 1:1(0) ack 1 win 5000");
			const uint32_t at = update_lost ? 2 : 1;
			char line[96];
			snprintf(line, sizeof line, "* . %u:%u(1460) ack 1", at, at + 1460);
			expect(w, line);
			snprintf(line, sizeof line, "* . %u:%u(1460) ack 1", at + 1460, at + 2920);
			expect(w, line);
			snprintf(line, sizeof line, "* FP. %u:3001(%u) ack 1", at + 2920,
				 3001 - at - 2920);
			expect(w, line);
			inject(w, "+0.01 F. 1:1(0) ack 3002");
			expect(w, "* . 3002:3002(0) ack 2");
			check_equal(w, wire_usage(w).connections, 0);
			wire_restart(w);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_requests_of_every_size_are_served_without_a_wait),
		WIRE_TEST(test_answers_of_every_size_leave_at_once),
		WIRE_TEST(test_small_writes_do_not_wait_for_an_ack),
		WIRE_TEST(test_close_with_unread_data_resets_in_every_state),
		WIRE_TEST(test_close_after_the_last_byte_is_read_is_orderly),
		WIRE_TEST(test_close_while_probing_delivers_all),
	};

	return cmocka_run_group_tests_name("stack: promptness", tests, NULL, NULL);
}
