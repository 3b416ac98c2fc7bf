/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that are lent to the send queue (tcp_send_loan): in the stream's order among those that were copied, sent
 * again from where they are, and given back exactly once, whatever the end. The harness compares every byte with its
 * place in the stream.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/sendq.h"
#include "stack/tcp_types.h"
#include "tests/unit/wire.h"

#define MSS 1000
#define SYN_WORDS "win 65535 <mss 1000,wscale 5>"
#define PIECES 24

/* Memory that is lent, and how often it came back. */
struct piece {
	uint8_t *data;
	unsigned returned;
};
static struct piece pieces[PIECES];

static void on_release(void *owner)
{
	struct piece *p = owner;

	p->returned++;
}

static int teardown(void **state)
{
	const int result = wire_teardown(state);
	for (unsigned i = 0; i < PIECES; i++)
		free(pieces[i].data);
	memset(pieces, 0, sizeof pieces);
	return result;
}

/* Lends `len` bytes that continue the stream, as piece `i`. */
static bool lend(struct wire *w, unsigned i, size_t len, bool more)
{
	pieces[i].data = malloc(len);
	assert_non_null(pieces[i].data);
	for (size_t k = 0; k < len; k++)
		pieces[i].data[k] = wire_pattern(w->sent + (uint32_t)k + 1);
	const struct tcp_loan loan = {pieces[i].data, len, on_release, &pieces[i]};
	if (!tcp_send_loan(w->c, &loan, more)) {
		free(pieces[i].data);
		pieces[i].data = NULL;
		return false;
	}
	w->sent += (uint32_t)len;
	advance_us(w, 0);
	return true;
}

/* Everything up to `end` was sent; the harness has looked at each byte. */
static void expect_sent(struct wire *w, uint32_t end)
{
	drain(w);
	check_equal(w, w->c->snd_nxt - w->iss, end);
}

/* The windows are not what is tested here. Returns the next sequence number. */
static uint32_t establish_wide(struct wire *w)
{
	wire_establish(w, SYN_WORDS);
	w->c->cc.cwnd = w->c->snd_wnd = 1u << 20;
	return 1;
}

static void ack(struct wire *w, uint32_t to)
{
	char line[80];

	snprintf(line, sizeof line, "* . 1:1(0) ack %u", to);
	inject(w, line);
}

static void test_copied_and_lent_in_order(void **state)
{
	struct wire *w = *state;
	const uint32_t at = establish_wide(w);

	send_more(w, 300);
	assert_true(lend(w, 0, 20000, true));
	send_more(w, 700);
	assert_true(lend(w, 1, 16384, true));
	send_bytes(w, 16);
	check_equal(w, tcp_send_pending(w->c), 37400);
	expect_sent(w, at + 37400);
	assert_null(stack_check(w->s));

	ack(w, at + 200);
	ack(w, at + 20299);
	check_equal(w, pieces[0].returned, 0);
	ack(w, at + 20300);
	check_equal(w, pieces[0].returned, 1);
	ack(w, at + 21500); /* into the second */
	check_equal(w, pieces[1].returned, 0);
	assert_null(stack_check(w->s));
	ack(w, at + 37400);
	check_equal(w, pieces[0].returned, 1);
	check_equal(w, pieces[1].returned, 1);
	check_equal(w, tcp_send_pending(w->c), 0);
	assert_null(stack_check(w->s));
}

static void test_lent_bytes_are_sent_again(void **state)
{
	struct wire *w = *state;
	const uint32_t at = establish_wide(w);
	char line[80];

	send_more(w, 500);
	assert_true(lend(w, 0, 20000, false));
	expect_sent(w, at + 20500);
	for (int i = 0; i < 3; i++)
		ack(w, at);
	snprintf(line, sizeof line, "* . %u:%u(1000) ack 1", at, at + 1000);
	expect(w, line); /* half of it copied, half lent */
	ack(w, at + 20500);
	check_equal(w, pieces[0].returned, 1);
}

static void test_what_goes_on_is_one_loan(void **state)
{
	struct wire *w = *state;
	const uint32_t at = establish_wide(w);
	const struct tcp_loan all = {NULL, 40000, on_release, &pieces[0]};
	struct tcp_loan part = all;

	pieces[0].data = malloc(all.len);
	assert_non_null(pieces[0].data);
	for (size_t k = 0; k < all.len; k++)
		pieces[0].data[k] = wire_pattern(w->sent + (uint32_t)k + 1);
	part.data = pieces[0].data;
	part.len = 20000;
	assert_true(tcp_send_loan(w->c, &part, true));
	check_equal(w, pieces[0].returned, 0);
	part.data += part.len;
	part.len = 100; /* short, but it goes on */
	assert_true(tcp_send_loan(w->c, &part, true));
	check_equal(w, pieces[0].returned, 1);
	part.data += part.len;
	part.len = all.len - 20100;
	assert_true(tcp_send_loan(w->c, &part, false));
	check_equal(w, pieces[0].returned, 2);
	w->sent += (uint32_t)all.len;
	advance_us(w, 0);
	expect_sent(w, at + 40000);
	ack(w, at + 40000);
	check_equal(w, pieces[0].returned, 3);
}

static void test_what_is_not_taken(void **state)
{
	struct wire *w = *state;
	unsigned taken = 0;

	w->cfg.send_buffer_max = 1u << 20;
	wire_restart(w);
	establish_wide(w);
	assert_false(lend(w, 0, TCP_LOAN_MIN - 1, false));
	assert_false(lend(w, 0, (1u << 20) + 1, false));
	while (taken < PIECES && lend(w, taken, TCP_LOAN_MIN, false))
		taken++;
	check_equal(w, taken, SENDQ_LOANS_MAX);
	send_bytes(w, 10); /* copying still goes */
	assert_null(stack_check(w->s));
	wire_abort(w);
	drain(w);
	for (unsigned i = 0; i < taken; i++)
		check_equal(w, pieces[i].returned, 1);
	check_equal(w, wire_usage(w).memory, 0);
}

static void test_every_end_gives_back(void **state)
{
	struct wire *w = *state;

	establish_wide(w);
	assert_true(lend(w, 0, 20000, false));
	drain(w);
	inject(w, "* R 1:1(0)");
	wire_expect_closed(w, TCP_CLOSE_RESET, __FILE__, __LINE__);
	check_equal(w, pieces[0].returned, 1);
}

static void test_a_closed_connection_keeps_what_it_owes(void **state)
{
	struct wire *w = *state;
	const uint32_t at = establish_wide(w);
	char line[80];

	assert_true(lend(w, 0, 20000, false));
	wire_close(w);
	drain(w);
	check_equal(w, pieces[0].returned, 0);
	snprintf(line, sizeof line, "* F. 1:1(0) ack %u", at + 20001);
	inject(w, line);
	check_equal(w, pieces[0].returned, 1);
	drain(w);
}

static void test_unreadable_is_reset(void **state)
{
	struct wire *w = *state;
	struct packet_out out;

	wire_establish(w, SYN_WORDS);
	pieces[0].data = calloc(1, 20000);
	assert_non_null(pieces[0].data);
	const struct tcp_loan loan = {pieces[0].data, 20000, on_release, &pieces[0]};
	assert_true(tcp_send_loan(w->c, &loan, false));
	assert_true(stack_output(w->s, w->now_us, &out) > 0);
	check_equal(w, out.payload_count, 1);
	assert_true(out.payload[0].data == pieces[0].data); /* not copied */
	stack_output_unreadable(w->s);
	check_equal(w, pieces[0].returned, 1);
	advance_us(w, 0);
	expect(w, "* R. 1001:1001(0) ack 1");
	stack_output_unreadable(w->s); /* whose packet it was is over */
	wire_expect_closed(w, TCP_CLOSE_ABORTED, __FILE__, __LINE__);
}

/* Pieces of the ring and loans in turn, as many as fit: no 64 KiB touch more slices than a packet has. */
static void test_slices_are_bounded(void **state)
{
	struct wire *w = *state;
	struct slice out[PACKET_SLICES_MAX];
	unsigned taken = 0;

	w->cfg.send_buffer_max = 1u << 20;
	wire_restart(w);
	establish_wide(w);
	/* so that the ring wraps within */
	send_bytes(w, 3000);
	drain(w);
	ack(w, 3001);
	while (taken < SENDQ_LOANS_MAX) {
		send_more(w, 500 + 10 * taken);
		assert_true(lend(w, taken++, TCP_LOAN_MIN, true));
	}
	send_more(w, 100);
	const struct sendq *q = &w->c->snd;
	for (uint32_t from = 0; from < q->len; from += 37) {
		const uint32_t len = q->len - from < 65535 ? q->len - from : 65535;
		size_t bytes = 0;
		const size_t n = sendq_slices(q, from, len, out);
		for (size_t i = 0; i < n; i++)
			bytes += out[i].len;
		check_equal(w, bytes, len);
		check_equal(w, out[0].data[0], wire_pattern(3000 + from + 1));
		const struct slice *last = &out[n - 1];
		check_equal(w, last->data[last->len - 1], wire_pattern(3000 + from + len));
	}
	wire_abort(w);
	drain(w);
}

#define LOAN_TEST(test) cmocka_unit_test_setup_teardown(test, wire_setup_wrap, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOAN_TEST(test_copied_and_lent_in_order),
		LOAN_TEST(test_lent_bytes_are_sent_again),
		LOAN_TEST(test_what_goes_on_is_one_loan),
		LOAN_TEST(test_what_is_not_taken),
		LOAN_TEST(test_every_end_gives_back),
		LOAN_TEST(test_a_closed_connection_keeps_what_it_owes),
		LOAN_TEST(test_unreadable_is_reset),
		LOAN_TEST(test_slices_are_bounded),
	};

	return cmocka_run_group_tests_name("stack: loans", tests, NULL, NULL);
}
