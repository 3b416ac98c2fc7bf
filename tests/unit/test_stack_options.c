/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP's options: MSS, window scale, timestamps with PAWS (RFC 9293 3.2, RFC 7323), and everything
 * that can stand where they do.
 */
#include <stdio.h>
#include <string.h>

#include "stack/tcp_types.h"
#include "tests/unit/wire.h"

#define TS_WORDS "win 65535 <mss 1460,nop,nop,TS val 1000 ecr 0>"

static struct seg take_seg(struct wire *w)
{
	struct wire_packet *p = wire_take(w);
	const char *what = NULL;
	struct seg g;

	check(w, p && wire_decode(p->bytes, p->len, &g, &what));
	test_free(p);
	return g;
}

/* ------------------------------------------------------------------ MSS */

static void test_peers_mss_is_kept_within_bounds(void **state)
{
	struct wire *w = *state;
	static const struct {
		const char *options;
		uint32_t largest;
	} cases[] = {
		{"<mss 0>", TCP_MSS_MIN}, /* CVE-2019-11479, CVE-2023-35847 */
		{"<mss 1>", TCP_MSS_MIN},  {"<mss 8>", TCP_MSS_MIN},
		{"<mss 47>", TCP_MSS_MIN}, {"<mss 48>", 48},
		{"<mss 49>", 49},          {"<mss 536>", 536},
		{"<mss 1459>", 1459},      {"<mss 1460>", 1460},
		{"<mss 1461>", 1460}, /* our own link's limit */
		{"<mss 9000>", 1460},      {"<mss 65535>", 1460},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char words[64];
		snprintf(words, sizeof words, "win 65535 %s", cases[i].options);
		wire_establish(w, words);
		send_bytes(w, 4000);
		struct seg g = take_seg(w);
		check_equal(w, g.len, cases[i].largest);
		drain(w);
		check_equal(w, wire_info(w).snd_mss, cases[i].largest);
		wire_restart(w);
	}
}

/* RFC 9293 3.7.1, MUST-15. */
static void test_without_the_option_the_default_mss_is_assumed(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535");
	send_bytes(w, 4000);
	check_equal(w, take_seg(w).len, w->version == 6 ? 1220 : TCP_MSS_DEFAULT);
	drain(w);
}

static void test_our_mss_is_that_of_the_link(void **state)
{
	struct wire *w = *state;
	static const uint32_t mtus[] = {576, 1280, 1500, 9000, 65535};

	for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++) {
		char line[64];
		w->cfg.mtu = mtus[i];
		wire_restart(w);
		wire_listen(w, WIRE_PORT, 16);
		inject(w, "* S 0:0(0) win 65535 <mss 65535>");
		snprintf(line, sizeof line, "* S. 0:0(0) ack 1 <mss %u>", mtus[i] - 40);
		expect(w, line);
		inject(w, "* . 1:1(0) ack 1");
		wire_accept(w);
		send_bytes(w, 65536);
		check_equal(w, take_seg(w).len, mtus[i] - 40 < 65495 ? mtus[i] - 40 : 65495);
		drain(w);
	}
}

static void test_options_are_taken_off_the_segment_size(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) " TS_WORDS);
	expect(w, "0.000 S. 0:0(0) ack 1 <mss 1460,TS val * ecr 1000>");
	inject(w, "0.000 . 1:1(0) ack 1 <TS val 1000 ecr $>");
	wire_accept(w);
	send_bytes(w, 3000);
	expect(w, "0.000 . 1:1449(1448) ack 1 <TS val * ecr 1000>");
	drain(w);
	check_equal(w, wire_info(w).snd_mss, 1448);
}

static void test_options_outside_a_syn_change_nothing(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 1000>");
	inject(w, "0.000 . 1:11(10) ack 1 win 1000 <mss 50,nop,wscale 7>");
	expect(w, "0.000 . 1:1(0) ack 11");
	check_equal(w, wire_info(w).snd_mss, 1000);
	check_equal(w, wire_info(w).snd_wnd, 1000);
}

static void test_syn_ack_offers_what_the_syn_has_offered(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460,sackOK,TS val 5 ecr 0,nop,wscale 7>");
	struct seg g = take_seg(w);
	check(w, g.has_mss && g.has_wscale && g.has_ts && g.ts_ecr == 5);
	check_equal(w, g.opt_len % 4, 0);
	w->rport++;
	inject(w, "0.000 S 0:0(0) win 65535");
	g = take_seg(w);
	check(w, g.has_mss && !g.has_wscale && !g.has_ts && !g.sack_ok);
}

static void test_active_open_takes_what_the_peer_takes(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	struct seg g = take_seg(w);
	check(w, g.has_mss && g.has_wscale && g.has_ts && g.ts_ecr == 0);
	inject(w, "0.000 S. 0:0(0) ack 1 win 1000 <mss 1200>");
	g = take_seg(w);
	check(w, !g.has_ts);
	const struct tcp_info info = wire_info(w);
	check(w, !info.wscale_ok && !info.timestamps && info.snd_mss == 1200);
	check_equal(w, info.snd_wscale, 0);
	check_equal(w, info.rcv_wscale, 0);
}

static void test_active_open_with_all_options(void **state)
{
	struct wire *w = *state;

	wire_connect(w);
	drain(w);
	inject(w, "0.000 S. 0:0(0) ack 1 win 1000 <mss 1200,nop,wscale 2,nop,nop,TS val 9 ecr $>");
	expect(w, "0.000 . 1:1(0) ack 1 <TS val * ecr 9>");
	const struct tcp_info info = wire_info(w);
	check(w, info.wscale_ok && info.timestamps && info.snd_mss == 1188);
	check_equal(w, info.snd_wscale, 2);
	check_equal(w, info.snd_wnd, 1000); /* a SYN's window is not scaled */
	inject(w, "0.000 . 1:1(0) ack 1 win 1000 <TS val 9 ecr $>");
	check_equal(w, wire_info(w).snd_wnd, 4000);
}

/* ------------------------------------------------------------------ timestamps */

static void establish_ts(struct wire *w)
{
	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) " TS_WORDS);
	expect(w, "0.000 S. 0:0(0) ack 1 <mss 1460,TS val * ecr 1000>");
	inject(w, "0.000 . 1:1(0) ack 1 <TS val 1000 ecr $>");
	wire_accept(w);
	check(w, wire_info(w).timestamps);
}

static void test_timestamp_clock_ticks_in_milliseconds(void **state)
{
	struct wire *w = *state;

	establish_ts(w);
	send_bytes(w, 10);
	const uint32_t first = take_seg(w).ts_val;
	inject(w, "0.100 . 1:1(0) ack 11 <TS val 2000 ecr $>");
	send_bytes(w, 10);
	const struct seg g = take_seg(w);
	check(w, g.ts_val - first >= 99 && g.ts_val - first <= 101);
	check_equal(w, g.ts_ecr, 2000);
}

/* RFC 7323 4.3: the echo is of the segment that the ACK belongs to. */
static void test_echo_follows_the_left_edge(void **state)
{
	struct wire *w = *state;

	establish_ts(w);
	inject(w, "0.010 . 101:201(100) ack 1 <TS val 1020 ecr $>"); /* out of order */
	expect(w, "0.010 . 1:1(0) ack 1 <TS val * ecr 1000>");
	inject(w, "0.020 . 1:101(100) ack 1 <TS val 1010 ecr $>"); /* fills the gap */
	expect(w, "0.020 . 1:1(0) ack 201 <TS val * ecr 1010>");
	inject(w, "0.030 . 201:301(100) ack 1 <TS val 1030 ecr $>");
	expect(w, "0.030 . 1:1(0) ack 301 <TS val * ecr 1030>");
}

static void test_paws_refuses_an_old_timestamp(void **state)
{
	struct wire *w = *state;

	establish_ts(w);
	inject(w, "0.010 P. 1:101(100) ack 1 <TS val 1010 ecr $>");
	expect(w, "0.010 . 1:1(0) ack 101");
	inject(w, "0.020 P. 101:201(100) ack 1 <TS val 1009 ecr $> fill x");
	expect(w, "0.020 . 1:1(0) ack 101 <TS val * ecr 1010>");
	check_equal(w, counters(w)->tcp_paws_dropped, 1);
	inject(w, "0.030 P. 101:201(100) ack 1 <TS val 1010 ecr $>"); /* equal is new enough */
	expect(w, "0.030 . 1:1(0) ack 201");
	recv_bytes(w, 200);
}

/* RFC 7323 5.2: timestamps wrap as sequence numbers do. */
static void test_timestamps_wrap(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460,TS val 4294967290 ecr 0>");
	drain(w);
	inject(w, "0.000 . 1:1(0) ack 1 <TS val 4294967290 ecr $>");
	wire_accept(w);
	inject(w, "0.010 P. 1:101(100) ack 1 <TS val 5 ecr $>");
	expect(w, "0.010 . 1:1(0) ack 101 <TS val * ecr 5>");
	inject(w, "0.020 P. 101:201(100) ack 1 <TS val 4294967295 ecr $>");
	expect(w, "0.020 . 1:1(0) ack 101 <TS val * ecr 5>");
}

/* RFC 7323 5.2: a RST passes PAWS. */
static void test_rst_is_taken_without_and_with_an_old_timestamp(void **state)
{
	struct wire *w = *state;

	establish_ts(w);
	inject(w, "0.010 R 1:1(0) <TS val 500 ecr 0>");
	expect_closed(w, TCP_CLOSE_RESET);
	wire_restart(w);
	w->start_us = w->now_us;
	establish_ts(w);
	inject(w, "0.010 R 1:1(0)");
	expect_closed(w, TCP_CLOSE_RESET);
}

/* RFC 7323 3.2: once agreed on, a segment without them is dropped. */
static void test_missing_timestamp_is_dropped(void **state)
{
	struct wire *w = *state;

	establish_ts(w);
	inject(w, "0.010 P. 1:101(100) ack 1");
	expect_none(w, "1.000");
	check_equal(w, wire_info(w).rcv_nxt, w->irs + 1);
}

static void test_handshake_ack_without_the_agreed_timestamp_is_dropped(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) " TS_WORDS);
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.010 . 1:1(0) ack 1");
	expect_none(w, "0.020");
	expect_state(w, TCP_SYN_RECEIVED);
	check_equal(w, wire_usage(w).connections, 0);
	inject(w, "0.020 P. 1:101(100) ack 1 <TS val 1020 ecr $>");
	expect(w, "0.020 . 1:1(0) ack 101 <TS val * ecr 1020>");
	wire_accept(w);
	expect_state(w, TCP_ESTABLISHED);
}

/* PAWS in the handshake: an old duplicate's ACK. */
static void test_handshake_ack_with_an_old_timestamp_is_refused(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) " TS_WORDS);
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.010 . 1:1(0) ack 1 <TS val 999 ecr $>");
	expect(w, "0.010 . 1:1(0) ack 1 <TS val * ecr 1000>");
	expect_state(w, TCP_SYN_RECEIVED);
}

static void test_unasked_timestamp_is_ignored(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 1460>");
	inject(w, "0.010 P. 1:101(100) ack 1 <TS val 77 ecr 5>");
	const struct seg g = take_seg(w);
	check_equal(w, g.ack, w->irs + 101);
	check(w, !g.has_ts);
}

/* RFC 7323 5.5: after 24 days the recorded value may have wrapped, and says nothing. */
static void test_idle_connection_survives_paws(void **state)
{
	struct wire *w = *state;

	establish_ts(w);
	advance_us(w, 25ull * 24 * 3600 * 1000000);
	inject(w, "* P. 1:101(100) ack 1 <TS val 999 ecr $>");
	expect(w, "* . 1:1(0) ack 101 <TS val * ecr 999>");
}

/* RFC 7323 4.1: with timestamps an ACK of a retransmission can be measured, Karn or not. */
static void test_timestamps_measure_a_retransmission(void **state)
{
	struct wire *w = *state;

	establish_ts(w);
	check(w, wire_info(w).srtt_us < 1000);
	send_bytes(w, 100);
	drain(w);
	expect(w, "~0.200 P. 1:101(100) ack 1 <TS val * ecr 1000>");
	inject(w, "+0.080 . 1:1(0) ack 101 <TS val 1300 ecr $>");
	/* One eighth of 80 ms. */
	check(w, wire_info(w).srtt_us >= 9500 && wire_info(w).srtt_us <= 10500);
}

/* An echo of what was never sent must not make a measurement of days. */
static void test_forged_echo_is_no_measurement(void **state)
{
	struct wire *w = *state;

	establish_ts(w);
	for (unsigned i = 0; i < 20; i++) {
		char line[96];
		send_bytes(w, 10);
		drain(w);
		snprintf(line, sizeof line, "+0.001 . 1:1(0) ack %u <TS val 1000 ecr %u>",
			 11 + 10 * i, i * 200000000u);
		inject(w, line);
	}
	check(w, wire_info(w).rto_us <= TCP_RTO_MAX_US);
	check(w, wire_info(w).srtt_us < 1000000);
}

/* ------------------------------------------------------------------ the parser */

/* RFC 9293 3.2 read a second time, on its own: which options does this area hold? */
static void reference_parse(const uint8_t *opt, size_t len, bool *mss, bool *wscale, bool *ts)
{
	*mss = *wscale = *ts = false;
	for (size_t i = 0; i < len;) {
		if (opt[i] == 0)
			return;
		if (opt[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 >= len || opt[i + 1] < 2 || i + opt[i + 1] > len)
			return;
		*mss |= opt[i] == 2 && opt[i + 1] == 4;
		*wscale |= opt[i] == 3 && opt[i + 1] == 3;
		*ts |= opt[i] == 8 && opt[i + 1] == 10;
		i += opt[i + 1];
	}
}

/* Sends a SYN with these 40 bytes of options from a fresh port and compares the SYN-ACK's. */
static void try_options(struct wire *w, const uint8_t *opt, size_t opt_len)
{
	struct seg g = wire_seg(w, "S 0:0(0)");
	bool mss, wscale, ts;

	memcpy(g.opt, opt, opt_len);
	g.opt_len = opt_len;
	reference_parse(opt, opt_len, &mss, &wscale, &ts);
	wire_inject_seg(w, &g);
	const struct seg out = take_seg(w);
	if (out.flags != (SYN | ACK) || out.has_wscale != wscale || out.has_ts != ts)
		wire_fail(w, __FILE__, __LINE__,
			  "options %02x %02x %02x %02x …: flags %x, wscale %d (%d), TS %d (%d)",
			  opt[0], opt[1], opt[2], opt[3], out.flags, out.has_wscale, wscale,
			  out.has_ts, ts);
	g = wire_seg(w, "R 1:1(0)");
	wire_inject_seg(w, &g);
	check_equal(w, wire_usage(w).half_open, 0);
}

/* Every kind with every length at every offset. Around it NOPs, then bytes that look like
 * options. */
static void test_every_kind_length_and_offset(void **state)
{
	struct wire *w = *state;

	w->quiet = true;
	wire_listen(w, WIRE_PORT, 16);
	for (unsigned kind = 0; kind < 256; kind++) {
		for (unsigned len = 0; len <= 41; len++) {
			for (size_t at = 0; at < 40; at++) {
				uint8_t opt[40];
				memset(opt, 1, at);
				memset(opt + at, (int)((at + len) % 12), 40 - at);
				opt[at] = (uint8_t)kind;
				if (at + 1 < 40)
					opt[at + 1] = (uint8_t)(len == 41 ? 255 : len);
				try_options(w, opt, 40);
			}
		}
	}
}

/* An option cut off by the end of the header, whose bytes would go on in the payload. */
static void test_options_end_with_the_header(void **state)
{
	static const uint8_t whole[40] = {3, 3, 7, 8, 10, 0, 0,   0, 5, 0,
					  0, 0, 0, 2, 4,  5, 180, 1, 1, 1};
	struct wire *w = *state;

	w->quiet = true;
	wire_listen(w, WIRE_PORT, 16);
	for (size_t len = 4; len <= sizeof whole; len += 4)
		for (size_t from = 0; from + len <= sizeof whole; from++)
			try_options(w, whole + from, len);
}

static void test_random_options(void **state)
{
	struct wire *w = *state;
	uint32_t seed = 7;

	w->quiet = true;
	wire_listen(w, WIRE_PORT, 16);
	for (unsigned i = 0; i < 100000; i++) {
		uint8_t opt[40];
		for (size_t j = 0; j < 40; j++) {
			seed = seed * 1664525 + 1013904223;
			opt[j] = (uint8_t)(seed >> 24);
			if (seed & 0x400) /* half of the bytes look like kinds and lengths */
				opt[j] %= 11;
		}
		try_options(w, opt, (seed >> 8) % 11 * 4);
	}
}

/* The same area on segments of a connection: whatever stands there, the data count. */
static void test_every_kind_and_length_in_established(void **state)
{
	struct wire *w = *state;
	uint32_t at = 1;

	w->quiet = true;
	wire_establish(w, "win 65535 <mss 1460>");
	for (unsigned kind = 0; kind < 256; kind++) {
		for (unsigned len = 0; len <= 41; len++, at += 10) {
			char line[64];
			snprintf(line, sizeof line, "P. %u:%u(10) ack 1", at, at + 10);
			struct seg g = wire_seg(w, line);
			memset(g.opt, (int)(len % 9), 40);
			g.opt[0] = (uint8_t)kind;
			g.opt[1] = (uint8_t)(len == 41 ? 255 : len);
			g.opt_len = 40;
			wire_inject_seg(w, &g);
			recv_bytes(w, 10);
			drain(w);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_peers_mss_is_kept_within_bounds),
		WIRE_TEST(test_without_the_option_the_default_mss_is_assumed),
		WIRE_TEST_V4(test_our_mss_is_that_of_the_link),
		WIRE_TEST(test_options_are_taken_off_the_segment_size),
		WIRE_TEST(test_options_outside_a_syn_change_nothing),
		WIRE_TEST(test_syn_ack_offers_what_the_syn_has_offered),
		WIRE_TEST(test_active_open_takes_what_the_peer_takes),
		WIRE_TEST(test_active_open_with_all_options),
		WIRE_TEST(test_timestamp_clock_ticks_in_milliseconds),
		WIRE_TEST(test_echo_follows_the_left_edge),
		WIRE_TEST(test_paws_refuses_an_old_timestamp),
		WIRE_TEST(test_timestamps_wrap),
		WIRE_TEST(test_rst_is_taken_without_and_with_an_old_timestamp),
		WIRE_TEST(test_missing_timestamp_is_dropped),
		WIRE_TEST(test_handshake_ack_without_the_agreed_timestamp_is_dropped),
		WIRE_TEST(test_handshake_ack_with_an_old_timestamp_is_refused),
		WIRE_TEST(test_unasked_timestamp_is_ignored),
		WIRE_TEST(test_idle_connection_survives_paws),
		WIRE_TEST(test_timestamps_measure_a_retransmission),
		WIRE_TEST(test_forged_echo_is_no_measurement),
		WIRE_TEST_ONCE(test_every_kind_length_and_offset),
		WIRE_TEST_ONCE(test_options_end_with_the_header),
		WIRE_TEST_ONCE(test_random_options),
		WIRE_TEST_ONCE(test_every_kind_and_length_in_established),
	};

	return cmocka_run_group_tests_name("stack: options", tests, NULL, NULL);
}
