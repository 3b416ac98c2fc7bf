/* SPDX-License-Identifier: Apache-2.0 */
/* TCP Fast Open, the server's side (RFC 7413): the cookie, who may have a connection at once, and how many. */
#include <string.h>

#include "tests/unit/fastopen.h"

#define DAY_US (24ull * 3600 * 1000000)

/* ------------------------------------------------------------------ the cookie */

/* RFC 7413 4.2.2, step 5: only the SYN is acknowledged, and there is a cookie. */
static void test_request_is_answered_with_a_cookie(void **state)
{
	struct wire *w = *state;

	fast_listen(w);
	inject(w, "* S 0:0(0) win 65535 <mss 1460,fo>");
	expect(w, "* S. 0:0(0) ack 1 <mss 1460,fo *>");
	check_equal(w, wire_usage(w).connections, 0);
	check_equal(w, counters(w)->tcp_fast_open_cookie_reqd, 1);
	expect(w, "1.000 S. 0:0(0) ack 1 <mss 1460>"); /* repeated: without */
	inject(w, "1.010 . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	check_equal(w, counters(w)->tcp_fast_open_passive, 0);
	wire_accept(w);
}

static void test_all_options_fit_beside_the_cookie(void **state)
{
	struct wire *w = *state;

	fast_listen(w);
	inject(w, "* S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7,fo>");
	expect(w, "* S. 0:0(0) ack 1 <mss 1460,sackOK,TS val * ecr 1,wscale 7,fo *>");
	inject(w, "* . 1:1(0) ack 1 <nop,nop,TS val 2 ecr $>");
	wire_accept(w);
}

static void test_switched_off_nothing_is_known_of_it(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	w->cfg.fastopen = false;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	inject(w, "* S 0:0(0) win 65535 <mss 1460,fo>");
	expect(w, "* S. 0:0(0) ack 1 <mss 1460>");
	w->rport = 1001;
	inject(w, "* S 0:100(100) win 65535 <mss 1460,fo $>");
	expect(w, "* S. 0:0(0) ack 1 <mss 1460>");
	check_equal(w, wire_usage(w).connections, 0);
	check_equal(w, counters(w)->tcp_fast_open_cookie_reqd, 0);
	check_equal(w, counters(w)->tcp_fast_open_passive_fail, 0);
}

/* Lengths that the option cannot have (RFC 7413 4.1.1): as if there were none. */
static void test_option_of_a_wrong_length_is_ignored(void **state)
{
	static const uint8_t bytes[32] = {1, 2, 3};
	struct wire *w = *state;

	fast_listen(w);
	for (uint8_t len = 0; len <= 20; len++) {
		struct seg g = wire_seg(w, "S 0:0(0) win 65535");
		g.sport = (uint16_t)(1000 + len);
		g.opt[0] = 34;
		g.opt[1] = (uint8_t)(len + 2);
		memcpy(g.opt + 2, bytes, len);
		g.opt_len = (len + 2u + 3) & ~3u;
		wire_inject_seg(w, &g);
		w->rport = g.sport;
		const bool valid = len == 0 || (len >= 4 && len <= 16 && len % 2 == 0);
		if (valid)
			expect(w, "* S. 0:0(0) ack 1 <mss 1460,fo *>");
		else
			expect(w, "* S. 0:0(0) ack 1 <mss 1460>");
	}
	check_equal(w, counters(w)->tcp_fast_open_cookie_reqd, 1);
	check_equal(w, counters(w)->tcp_fast_open_passive_fail, 7);
	check_equal(w, wire_usage(w).connections, 0);
}

/* Step 5: the data are dropped, the client sends them again. */
static void test_wrong_cookie_falls_back_and_brings_a_fresh_one(void **state)
{
	struct wire *w = *state;

	fast_listen(w);
	inject(w, "* S 0:100(100) win 65535 <mss 1460,fo 0123456789abcdef>");
	expect(w, "* S. 0:0(0) ack 1 <mss 1460,fo *>");
	check_equal(w, wire_usage(w).connections, 0);
	check_equal(w, counters(w)->tcp_fast_open_passive_fail, 1);
	inject(w, "* P. 1:101(100) ack 1");
	expect(w, "* . 1:1(0) ack 101");
	wire_accept(w);
	recv_bytes(w, 100);
	w->rport = 1001;
	open_fast(w); /* that one is right */
	check_equal(w, counters(w)->tcp_fast_open_passive, 1);
}

static void test_every_bit_of_the_cookie_counts(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	for (unsigned bit = 0; bit < 64; bit++) {
		struct seg g = wire_seg(w, "S 0:100(100) win 65535 <mss 1460,fo $>");
		g.opt[4 + 2 + bit / 8] ^= (uint8_t)(1u << bit % 8);
		wire_inject_seg(w, &g);
		expect(w, "* S. 0:0(0) ack 1 <mss 1460,fo *>");
		inject(w, "* R 1:1(0)");
	}
	check_equal(w, counters(w)->tcp_fast_open_passive_fail, 64);
	check_equal(w, counters(w)->tcp_fast_open_passive, 0);
}

/* The cookie proves one address, from whatever port. */
static void test_cookie_is_of_one_address(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	struct seg g = wire_seg(w, "S 0:100(100) win 65535 <mss 1460,fo $>");
	g.src += 2; /* 10.0.0.3 */
	wire_inject_seg(w, &g);
	check_equal(w, drain(w), 1);
	check_equal(w, wire_usage(w).connections, 0);
	check_equal(w, counters(w)->tcp_fast_open_passive_fail, 1);
	take_cookie(w); /* last_fo was the other's */
	for (w->rport = 1001; w->rport < 1001 + PENDING; w->rport++)
		open_fast(w);
	check_equal(w, wire_usage(w).connections, PENDING);
}

/* RFC 7413 4.1.2: expired cookies are not valid, and keys overlap. */
static void test_cookie_of_yesterday_is_good_and_renewed(void **state)
{
	struct wire *w = *state;
	uint8_t first[8];

	fast_listen(w);
	advance_us(w, DAY_US - w->now_us % DAY_US - 1); /* the last moment of a day */
	take_cookie(w);
	memcpy(first, w->last_fo, 8);
	w->rport = 1001;
	open_fast(w);
	inject(w, "* R 101:101(0)");
	advance_us(w, 1);
	w->rport = 1002;
	inject(w, "* S 0:100(100) win 65535 <mss 1460,fo $>");
	expect(w, "* S. 0:0(0) ack 101 <mss 1460,fo *>");
	check(w, memcmp(first, w->last_fo, 8) != 0);
	expect(w, "* S. 0:0(0) ack 101 <mss 1460>"); /* repeated: without */
	inject(w, "* R 101:101(0)");
	advance_us(w, DAY_US - w->now_us % DAY_US - 1);
	memcpy(w->last_fo, first, 8);
	w->rport = 1003;
	inject(w, "* S 0:100(100) win 65535 <mss 1460,fo $>");
	expect(w, "* S. 0:0(0) ack 101 <mss 1460,fo *>");
	inject(w, "* R 101:101(0)");
	advance_us(w, 1);
	memcpy(w->last_fo, first, 8);
	w->rport = 1004;
	inject(w, "* S 0:100(100) win 65535 <mss 1460,fo $>");
	expect(w, "* S. 0:0(0) ack 1 <mss 1460,fo *>");
	check_equal(w, counters(w)->tcp_fast_open_passive, 3);
	check_equal(w, counters(w)->tcp_fast_open_passive_fail, 1);
}

/* Workers have seeds of their own and one key. */
static void test_cookies_are_shared_by_those_who_share_the_key(void **state)
{
	struct wire *w = *state;
	uint8_t own[8];

	fast_setup(w);
	memcpy(own, w->last_fo, 8);
	w->cfg.seed[0] ^= 1;
	fast_setup(w);
	check(w, memcmp(own, w->last_fo, 8) != 0);
	memset(w->cfg.fastopen_key, 7, sizeof w->cfg.fastopen_key);
	fast_setup(w);
	check(w, memcmp(own, w->last_fo, 8) != 0);
	w->cfg.seed[0] ^= 2;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	open_fast(w);
}

/* ------------------------------------------------------------------ limits, RFC 7413 5.1 */

static void test_beyond_the_limit_the_handshake_is_ordinary(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	for (w->rport = 1001; w->rport < 1001 + PENDING; w->rport++)
		open_fast(w);
	inject(w, "* S 0:100(100) win 65535 <mss 1460,fo $>");
	expect(w, "* S. 0:0(0) ack 1 <mss 1460>");
	check_equal(w, wire_usage(w).connections, PENDING);
	check_equal(w, wire_usage(w).half_open, 1);
	check_equal(w, counters(w)->tcp_fast_open_listen_overflow, 1);
	check_equal(w, counters(w)->tcp_fast_open_passive_fail, 0);
	/* It gets in all the same. */
	inject(w, "* P. 1:101(100) ack 1");
	expect(w, "* . 1:1(0) ack 101");
	/* One of them is acknowledged: room again. */
	w->rport = 1001;
	inject(w, "* . 101:101(0) ack 1");
	w->rport = 1101;
	open_fast(w);
	w->rport = 1102;
	inject(w, "* S 0:100(100) win 65535 <mss 1460,fo $>");
	expect(w, "* S. 0:0(0) ack 1 <mss 1460>");
}

/* Those whose address was forged reset what they never asked for: that must not make room for the next. */
static void test_resets_stay_counted_for_a_while(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	advance_us(w, 60000000 - w->now_us % 60000000); /* a full minute */
	for (w->rport = 1001; w->rport < 1001 + PENDING; w->rport++) {
		open_fast(w);
		inject(w, "* R 101:101(0)");
	}
	check_equal(w, wire_usage(w).connections, 0);
	static const uint32_t later_us[] = {0, 59999999, 1, 59999999};
	for (unsigned i = 0; i < 4; i++, w->rport++) {
		advance_us(w, later_us[i]);
		inject(w, "* S 0:100(100) win 65535 <mss 1460,fo $>");
		expect(w, "* S. 0:0(0) ack 1 <mss 1460>");
		inject(w, "* R 1:1(0)");
	}
	check_equal(w, counters(w)->tcp_fast_open_listen_overflow, 4);
	advance_us(w, 1);
	open_fast(w);
	inject(w, "* R 101:101(0)");
	/* After a long silence nothing of it is left either. */
	advance_us(w, 600000000);
	for (unsigned i = 0; i < PENDING; i++) {
		w->rport++;
		open_fast(w);
	}
}

/* With connections under way, of which the application knows some. */
static void test_destroy_frees_what_is_pending(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	open_fast(w);
	wire_accept(w);
	w->rport = 1001;
	open_fast(w);
	stack_destroy(w->s);
	w->s = stack_create(&w->cfg);
	w->listener = NULL;
	w->c = NULL;
}

/* No room for a connection: then an entry, whose ACK may find room. */
static void test_full_queue_and_no_memory_fall_back(void **state)
{
	struct wire *w = *state;

	for (unsigned way = 0; way < 2; way++) {
		if (way == 1)
			w->cfg.max_connections = 1;
		w->cfg.fastopen = true;
		w->cfg.fastopen_pending = PENDING;
		wire_restart(w);
		wire_listen(w, WIRE_PORT, way == 0 ? 1 : 16);
		w->rport = WIRE_PEER_PORT;
		take_cookie(w);
		open_fast(w);
		w->rport = 1001;
		inject(w, "* S 0:100(100) win 65535 <mss 1460,fo $>");
		expect(w, "* S. 0:0(0) ack 1 <mss 1460>");
		check_equal(w, counters(w)->tcp_fast_open_passive_fail, 1);
		check_equal(w, wire_usage(w).connections, 1);
		check_equal(w, wire_usage(w).half_open, 1);
	}
}

/* No memory for the data: the connection is there, and the client sends them again. */
static void test_data_without_memory_are_not_acknowledged(void **state)
{
	struct wire *w = *state;

	w->cfg.memory_limit = 4200;
	fast_setup(w);
	inject(w, "* S 0:100(100) win 65535 <mss 1460,fo $>");
	expect(w, "* S. 0:0(0) ack 1 <mss 1460>");
	expect_state(w, TCP_SYN_RECEIVED);
	inject(w, "* . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	wire_accept(w);
}

/* ------------------------------------------------------------------ beside SYN cookies and TIME-WAIT */

static void test_full_syn_cache_keeps_nobody_from_opening_fast(void **state)
{
	struct wire *w = *state;

	w->cfg.max_half_open = 1;
	fast_setup(w);
	inject(w, "* S 0:0(0) win 65535 <mss 1460> port 998");
	expect(w, "* S. 0:0(0) ack 1 port 998");
	open_fast(w);
	w->rport = 1001;
	inject(w, "* S 0:0(0) win 65535 <mss 1460,fo>"); /* a SYN cookie, and no other */
	struct wire_packet *p = wire_take(w);
	struct seg g;
	const char *what;
	check(w, p && wire_decode(p->bytes, p->len, &g, &what) && !g.has_fo);
	test_free(p);
	check_equal(w, counters(w)->tcp_syn_cookies_sent, 1);
}

static void test_syn_that_ends_time_wait_opens_the_ordinary_way(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	open_fast(w);
	wire_accept(w);
	recv_bytes(w, 100);
	wire_close(w);
	inject(w, "* . 101:101(0) ack 1");
	expect(w, "* F. 1:1(0) ack 101");
	inject(w, "* F. 101:101(0) ack 2");
	expect(w, "* . 2:2(0) ack 102");
	expect_state(w, TCP_TIME_WAIT);
	inject(w, "+1 S 5000:5100(100) win 65535 <mss 1460,fo $>");
	expect(w, "* S. 65538:65538(0) ack 5001 <mss 1460>");
	check_equal(w, counters(w)->tcp_fast_open_passive, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_request_is_answered_with_a_cookie),
		WIRE_TEST(test_all_options_fit_beside_the_cookie),
		WIRE_TEST(test_switched_off_nothing_is_known_of_it),
		WIRE_TEST(test_option_of_a_wrong_length_is_ignored),
		WIRE_TEST(test_wrong_cookie_falls_back_and_brings_a_fresh_one),
		WIRE_TEST(test_every_bit_of_the_cookie_counts),
		WIRE_TEST(test_cookie_is_of_one_address),
		WIRE_TEST(test_cookie_of_yesterday_is_good_and_renewed),
		WIRE_TEST(test_cookies_are_shared_by_those_who_share_the_key),
		WIRE_TEST(test_beyond_the_limit_the_handshake_is_ordinary),
		WIRE_TEST(test_resets_stay_counted_for_a_while),
		WIRE_TEST_ONCE(test_destroy_frees_what_is_pending),
		WIRE_TEST(test_full_queue_and_no_memory_fall_back),
		WIRE_TEST(test_data_without_memory_are_not_acknowledged),
		WIRE_TEST(test_full_syn_cache_keeps_nobody_from_opening_fast),
		WIRE_TEST(test_syn_that_ends_time_wait_opens_the_ordinary_way),
	};

	return cmocka_run_group_tests_name("stack: Fast Open", tests, NULL, NULL);
}
