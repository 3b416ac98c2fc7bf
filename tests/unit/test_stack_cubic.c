/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CUBIC (RFC 9438) and HyStart++ (RFC 9406) as functions of ACKs: the curve against the RFC's formula in
 * floating point, and that no number which a path or a pause can produce breaks the integers.
 */
#include <math.h>
#include <string.h>

#include "stack/tcp_cc.h"
#include "tests/unit/cmocka_all.h"

#define MSS 1460u
#define SECOND 1000000ull

static struct tcp_cc at_window(uint32_t segments)
{
	return (struct tcp_cc){.cwnd = segments * MSS, .ssthresh = UINT32_MAX, .mss = MSS};
}

/* As tcp_recovery.c does it. */
static void lose(struct tcp_cc *cc)
{
	cc->ssthresh = tcp_cc_cubic.loss(cc, cc->cwnd, 0);
	cc->cwnd = cc->ssthresh;
}

/* A window's worth of ACKs in one round trip, `pieces` of them. */
static void round_trip(struct tcp_cc *cc, uint64_t *now_us, uint64_t rtt_us, unsigned pieces)
{
	const uint32_t window = cc->cwnd;

	for (unsigned i = 0; i < pieces; i++) {
		const struct tcp_cc_ack ack = {.bytes = window / pieces,
					       .now_us = *now_us + rtt_us * (i + 1) / pieces,
					       .srtt_us = rtt_us,
					       .rtt_us = rtt_us};
		tcp_cc_cubic.acked(cc, &ack);
	}
	*now_us += rtt_us;
}

static void test_reduction_is_by_beta(void **state)
{
	struct tcp_cc cc = at_window(1000);

	(void)state;
	lose(&cc);
	assert_int_equal(cc.ssthresh, 700 * MSS);
	assert_int_equal(cc.cubic.w_max, 1000 * MSS);
	cc.cwnd = 3 * MSS; /* never below two segments */
	lose(&cc);
	assert_int_equal(cc.ssthresh, 3 * MSS * 7 / 10 > 2 * MSS ? 3 * MSS * 7 / 10 : 2 * MSS);
	cc.cwnd = MSS;
	lose(&cc);
	assert_int_equal(cc.ssthresh, 2 * MSS);
}

/* RFC 9438 figures 1 and 2: W(t) = C (t - K)^3 + W_max. */
static void test_window_follows_the_cubic(void **state)
{
	struct tcp_cc cc = at_window(10000);
	uint64_t now = SECOND;
	const double rtt = 0.1, k = cbrt(3000 / 0.4);

	(void)state;
	lose(&cc);
	round_trip(&cc, &now, 100000, 50);
	const double begin = (double)cc.cubic.epoch_us / 1e6;
	for (unsigned i = 0; i < 350; i++) {
		round_trip(&cc, &now, 100000, 50);
		const double t = (double)now / 1e6 - begin + rtt;
		const double want = 0.4 * pow(t - k, 3) + 10000;
		assert_true(fabs((double)cc.cwnd / MSS - want) < want * 0.02 + 2);
	}
	assert_true(cc.cwnd > 10000 * MSS); /* beyond W_max after K: it probes */
}

static void test_k_is_the_time_to_w_max(void **state)
{
	(void)state;
	for (uint32_t segments = 10; segments < 700000; segments += segments / 7 + 1) {
		struct tcp_cc cc = at_window(segments);
		uint64_t now = SECOND;
		lose(&cc);
		const double left = (double)(cc.cubic.w_max - cc.cwnd) / MSS;
		round_trip(&cc, &now, 1000, 1);
		assert_true(fabs(cc.cubic.k_ms - 1000 * cbrt(left / 0.4)) <= 2);
	}
}

/* RFC 9438 4.7. */
static void test_fast_convergence(void **state)
{
	struct tcp_cc cc = at_window(1000);

	(void)state;
	lose(&cc);
	lose(&cc); /* at 700, below the last W_max of 1000 */
	assert_int_equal(cc.cubic.w_max, 700 * MSS * 17 / 20);
	cc.cwnd = 2000 * MSS;
	lose(&cc);
	assert_int_equal(cc.cubic.w_max, 2000 * MSS);
}

/* RFC 9438 4.3: on a short path the cubic is slower than Reno would be. */
static void test_short_path_is_reno_friendly(void **state)
{
	struct tcp_cc cc = at_window(20);
	uint64_t now = SECOND;

	(void)state;
	lose(&cc);
	const uint32_t start = cc.cwnd;
	for (unsigned i = 0; i < 34; i++)
		round_trip(&cc, &now, 1000, 10);
	/* Six segments at 9/17 a round trip, then one a round trip. */
	assert_true(cc.cwnd >= start + 20 * MSS);
	assert_true(cc.cwnd <= start + 34 * MSS);
}

static void test_growth_does_not_depend_on_how_acks_are_cut(void **state)
{
	struct tcp_cc a = at_window(500), b = at_window(500);
	uint64_t now_a = SECOND, now_b = SECOND;

	(void)state;
	lose(&a);
	lose(&b);
	for (unsigned i = 0; i < 100; i++) {
		round_trip(&a, &now_a, 50000, 350);
		round_trip(&b, &now_b, 50000, 10);
	}
	assert_true(fabs((double)a.cwnd - b.cwnd) < a.cwnd * 0.03);
}

/* quinn issue 2749 and its kin: a pause is no time in which the window could have grown. */
static void test_thirty_idle_days_change_nothing(void **state)
{
	struct tcp_cc cc = at_window(1000);
	uint64_t now = SECOND;

	(void)state;
	lose(&cc);
	for (unsigned i = 0; i < 20; i++)
		round_trip(&cc, &now, 20000, 20);
	const uint32_t before = cc.cwnd;
	now += 30ull * 24 * 3600 * SECOND;
	round_trip(&cc, &now, 20000, 20);
	assert_true(cc.cwnd >= before && cc.cwnd < before + before / 20);
}

/* 64 GiB at every round-trip time: windows stay within what TCP can express and never shrink by themselves. */
static void test_no_path_breaks_the_integers(void **state)
{
	static const uint64_t rtts[] = {0, 1, 17, 250, 1000, 20000, 100000, 600000, 2000000};
	static const uint32_t mss[] = {36, 536, 1460, 8960, 65495};

	(void)state;
	for (unsigned r = 0; r < sizeof rtts / sizeof *rtts; r++) {
		for (unsigned m = 0; m < sizeof mss / sizeof *mss; m++) {
			struct tcp_cc cc = {
				.cwnd = 10 * mss[m], .ssthresh = UINT32_MAX, .mss = mss[m]};
			uint64_t now = SECOND, bytes = 0;
			for (unsigned i = 0; i < 20000 && bytes < 1ull << 36; i++) {
				const uint32_t before = cc.cwnd;
				bytes += cc.cwnd;
				round_trip(&cc, &now, rtts[r], 3);
				assert_true(cc.cwnd >= before && cc.cwnd <= TCP_CWND_MAX);
				if (i % 997 == 996)
					lose(&cc);
				assert_true(cc.cwnd >= mss[m] && cc.ssthresh >= 2 * mss[m]);
			}
		}
	}
}

static void test_time_running_for_days_in_use(void **state)
{
	struct tcp_cc cc = at_window(100);
	uint64_t now = SECOND;

	(void)state;
	lose(&cc);
	for (unsigned i = 0; i < 2 * 24 * 3600; i++) { /* two days of a round trip a second */
		cc.cwnd = cc.cwnd > 1000 * MSS ? 1000 * MSS : cc.cwnd;
		round_trip(&cc, &now, SECOND, 1);
		assert_true(cc.cwnd <= 1500 * MSS);
	}
}

/* ------------------------------------------------------------------ HyStart++ */

/* A round of slow start whose smallest RTT is `rtt_us`, with `samples` measurements. */
static uint32_t slow_round(struct tcp_cc *cc, uint32_t *una, uint64_t rtt_us, unsigned samples)
{
	const uint32_t before = cc->cwnd, end = *una + cc->cwnd;

	for (unsigned i = 0; i < samples; i++) {
		*una += before / samples;
		const struct tcp_cc_ack ack = {.bytes = before / samples,
					       .srtt_us = rtt_us,
					       .rtt_us = rtt_us + i,
					       .snd_una = *una,
					       .snd_nxt = end + (i + 1) * (before / samples) * 2,
					       .paced = true};
		tcp_cc_cubic.acked(cc, &ack);
	}
	*una = end;
	return cc->cwnd - before;
}

static void test_steady_delay_doubles_the_window(void **state)
{
	struct tcp_cc cc = at_window(10);
	uint32_t una = 4294960000u;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		slow_round(&cc, &una, 20000, 10);
	assert_int_equal(cc.ssthresh, UINT32_MAX);
	assert_true(cc.cwnd > 5000 * MSS);
}

static void test_rising_delay_ends_slow_start_without_loss(void **state)
{
	struct tcp_cc cc = at_window(10);
	uint32_t una = 4294960000u;
	unsigned rounds = 0;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		slow_round(&cc, &una, 20000, 10);
	const uint32_t before = cc.cwnd;
	while (cc.ssthresh == UINT32_MAX && rounds++ < 20)
		slow_round(&cc, &una, 40000, 10);
	assert_true(rounds >= 5 && rounds <= 8);
	assert_true(cc.cwnd < 7 * before); /* twice, then five rounds at a quarter: 1.25^5 */
	assert_int_equal(cc.ssthresh <= cc.cwnd, 1);
}

/* RFC 9438 4.6: of a window that is in use all of it falls, of one that is not what is in flight. */
static void test_a_window_in_use_falls_as_a_whole(void **state)
{
	static const struct {
		uint32_t flight, ssthresh;
	} cases[] = {{120000, 84000}, {100000, 70000}, {90000, 70000},
		     {75000, 70000},  {74999, 52499},  {1000, 2000}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct tcp_cc cc = {.cwnd = 100000, .ssthresh = UINT32_MAX, .mss = 1000};
		assert_int_equal(tcp_cc_cubic.loss(&cc, cases[i].flight, 1), cases[i].ssthresh);
	}
}

static void test_passing_rise_resumes_slow_start(void **state)
{
	struct tcp_cc cc = at_window(10);
	uint32_t una = 0;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		slow_round(&cc, &una, 20000, 10);
	slow_round(&cc, &una, 30000, 10);
	slow_round(&cc, &una, 30000, 10);
	assert_true(cc.cubic.hystart.css);
	slow_round(&cc, &una, 20000, 10);
	slow_round(&cc, &una, 20000, 10);
	assert_false(cc.cubic.hystart.css);
	assert_int_equal(cc.ssthresh, UINT32_MAX);
}

/* RFC 9406 4.2: fewer than N_RTT_SAMPLE samples say nothing. */
static void test_few_samples_decide_nothing(void **state)
{
	struct tcp_cc cc = at_window(10);
	uint32_t una = 0;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		slow_round(&cc, &una, 20000, 4);
	for (unsigned i = 0; i < 3; i++)
		slow_round(&cc, &una, 90000, 4);
	assert_false(cc.cubic.hystart.css);
}

/* A queue that builds up and overflows within a round trip: its first samples are from before. */
static uint32_t round_with_a_growing_queue(struct tcp_cc *cc, uint32_t *una, bool paced)
{
	const uint32_t end = *una + cc->cwnd, piece = cc->cwnd / 32;

	for (unsigned i = 0; i < 32; i++) {
		*una += piece;
		const struct tcp_cc_ack ack = {.bytes = piece,
					       .srtt_us = 20000,
					       .rtt_us = 20000 + 250 * i,
					       .snd_una = *una,
					       .snd_nxt = end + cc->cwnd,
					       .paced = paced};
		tcp_cc_cubic.acked(cc, &ack);
	}
	*una = end;
	return cc->cwnd;
}

static void test_paced_sender_sees_a_queue_within_the_round(void **state)
{
	(void)state;
	for (unsigned paced = 0; paced < 2; paced++) {
		struct tcp_cc cc = at_window(320);
		uint32_t una = 4294960000u;
		slow_round(&cc, &una, 20000, 8);
		slow_round(&cc, &una, 20000, 8);
		round_with_a_growing_queue(&cc, &una, paced);
		assert_int_equal(cc.cubic.hystart.css, paced);
	}
}

/* A spike of fewer than eight samples is none. */
static void test_paced_sender_is_not_misled_by_a_few_samples(void **state)
{
	struct tcp_cc cc = at_window(320);
	uint32_t una = 0;

	(void)state;
	slow_round(&cc, &una, 20000, 8);
	slow_round(&cc, &una, 20000, 8);
	for (unsigned i = 0; i < 64; i++) {
		una += MSS;
		const struct tcp_cc_ack ack = {.bytes = MSS,
					       .srtt_us = 20000,
					       .rtt_us = i % 8 ? 90000 : 20000,
					       .snd_una = una,
					       .snd_nxt = una + 1000 * MSS,
					       .paced = true};
		tcp_cc_cubic.acked(&cc, &ack);
		assert_false(cc.cubic.hystart.css);
	}
}

/* RFC 9406 4.3: L is 8 without pacing; with it a stretch ACK counts in full. */
static void test_stretch_ack_is_limited_unless_paced(void **state)
{
	(void)state;
	for (unsigned paced = 0; paced < 2; paced++) {
		struct tcp_cc cc = at_window(100);
		const struct tcp_cc_ack ack = {.bytes = 44 * MSS,
					       .srtt_us = 20000,
					       .rtt_us = 20000,
					       .snd_una = 1,
					       .snd_nxt = 100 * MSS,
					       .paced = paced};
		tcp_cc_cubic.acked(&cc, &ack);
		assert_int_equal(cc.cwnd, (paced ? 144 : 108) * MSS);
	}
}

static void test_hystart_is_for_the_first_slow_start_only(void **state)
{
	struct tcp_cc cc = at_window(100);
	uint32_t una = 0;

	(void)state;
	lose(&cc);
	cc.cwnd = 10 * MSS; /* as after a time-out */
	slow_round(&cc, &una, 20000, 10);
	slow_round(&cc, &una, 90000, 10);
	assert_false(cc.cubic.hystart.running);
	assert_int_equal(cc.cwnd, 40 * MSS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reduction_is_by_beta),
		cmocka_unit_test(test_window_follows_the_cubic),
		cmocka_unit_test(test_k_is_the_time_to_w_max),
		cmocka_unit_test(test_fast_convergence),
		cmocka_unit_test(test_short_path_is_reno_friendly),
		cmocka_unit_test(test_growth_does_not_depend_on_how_acks_are_cut),
		cmocka_unit_test(test_thirty_idle_days_change_nothing),
		cmocka_unit_test(test_no_path_breaks_the_integers),
		cmocka_unit_test(test_time_running_for_days_in_use),
		cmocka_unit_test(test_steady_delay_doubles_the_window),
		cmocka_unit_test(test_rising_delay_ends_slow_start_without_loss),
		cmocka_unit_test(test_a_window_in_use_falls_as_a_whole),
		cmocka_unit_test(test_passing_rise_resumes_slow_start),
		cmocka_unit_test(test_few_samples_decide_nothing),
		cmocka_unit_test(test_paced_sender_sees_a_queue_within_the_round),
		cmocka_unit_test(test_paced_sender_is_not_misled_by_a_few_samples),
		cmocka_unit_test(test_stretch_ack_is_limited_unless_paced),
		cmocka_unit_test(test_hystart_is_for_the_first_slow_start_only),
	};

	return cmocka_run_group_tests_name("stack: CUBIC and HyStart++", tests, NULL, NULL);
}
