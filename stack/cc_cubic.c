/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cc_cubic.c — CUBIC (RFC 9438): in congestion avoidance the window follows a cubic of the time since the last
 * reduction, flat around the window W_max at which loss occurred, and is never below what Reno would
 * have. Growth does not depend on the round-trip time, so long fast paths are filled again in seconds.
 *
 * Integers only. Windows are bytes, below 2^30; times are milliseconds, at most 2^20 (17 minutes: by then
 * the cubic is beyond any window), so that their cubes fit into 60 bits. Time in which the window was
 * not in use does not count (RFC 9438 4.2, 5.8), however long the pause.
 */
#include "stack/tcp_cc.h"

/* RFC 9438 4.6: beta_cubic is 0.7, C is 0.4 segments per second cubed: C * t^3 with t in milliseconds is
 * t^3 / (1e9 / 0.4). */
#define BETA_PERCENT 70u
#define BETA_ECN_PERCENT 85u /* RFC 8511 3, RFC 9438 4.6 */
#define C_DIVISOR 2500000000ull
#define TIME_MAX_MS (1u << 20)
/* RFC 9438 4.3: alpha_cubic is 3 * (1 - beta) / (1 + beta), which is 9/17. */
#define ALPHA_NUM 9u
#define ALPHA_DEN 17u

static uint64_t cube(uint64_t x)
{
	return x * x * x;
}

/* The largest integer whose cube is not larger than x, for x below 2^63: 21 steps. */
static uint32_t cube_root(uint64_t x)
{
	uint32_t root = 0;

	for (uint32_t bit = 1u << 20; bit > 0; bit >>= 1)
		if (cube(root | bit) <= x)
			root |= bit;
	return root;
}

/* C * ms^3 in bytes. */
static uint64_t cubic_bytes(uint32_t ms, uint32_t mss)
{
	if (ms > TIME_MAX_MS)
		ms = TIME_MAX_MS;
	/* Up to 2^16 ms the product with an MSS fits; beyond, whole segments are exact enough. */
	return ms < 1u << 16 ? cube(ms) * mss / C_DIVISOR : cube(ms) / C_DIVISOR * mss;
}

/* W_cubic(t) of RFC 9438 figure 1, in bytes. */
static uint32_t w_cubic(const struct tcp_cc *cc, uint64_t t_us)
{
	const struct tcp_cubic *q = &cc->cubic;
	const uint64_t t = t_us / 1000;
	const uint32_t ms = t < TIME_MAX_MS ? (uint32_t)t : TIME_MAX_MS;

	if (ms < q->k_ms) {
		const uint64_t below = cubic_bytes(q->k_ms - ms, cc->mss);
		return below < q->w_max ? (uint32_t)(q->w_max - below) : 0;
	}
	const uint64_t w = q->w_max + cubic_bytes(ms - q->k_ms, cc->mss);
	return w < TCP_CWND_MAX ? (uint32_t)w : TCP_CWND_MAX;
}

/* RFC 9438 4.2: congestion avoidance begins, after a reduction or without one. */
static void begin_epoch(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
	struct tcp_cubic *q = &cc->cubic;

	q->epoch_us = q->acked_us = ack->now_us;
	q->w_est = cc->cwnd;
	q->cwnd_credit = q->est_credit = 0;
	if (cc->cwnd >= q->w_max) {
		q->w_max = cc->cwnd;
		q->k_ms = 0;
		return;
	}
	/* K = cbrt((W_max - cwnd_epoch) / C); the difference is below 2^30, so the product fits. */
	q->k_ms = cube_root((q->w_max - cc->cwnd) * C_DIVISOR / cc->mss);
}

/* RFC 9438 4.3: W_est grows by alpha_cubic segments for each window, and by one once it is where the window was
 * before the reduction. */
static void grow_estimate(struct tcp_cc *cc, uint32_t bytes)
{
	struct tcp_cubic *q = &cc->cubic;
	const uint64_t num = q->w_est < q->cwnd_prior ? ALPHA_NUM : ALPHA_DEN;
	const uint64_t window = (uint64_t)ALPHA_DEN * cc->cwnd;

	q->est_credit += num * cc->mss * bytes;
	const uint64_t grow = q->est_credit / window;
	q->est_credit %= window;
	q->w_est = q->w_est + grow < TCP_CWND_MAX ? (uint32_t)(q->w_est + grow) : TCP_CWND_MAX;
}

static void avoid_congestion(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
	struct tcp_cubic *q = &cc->cubic;
	const uint32_t bytes = ack->bytes < cc->cwnd ? ack->bytes : cc->cwnd;

	if (q->epoch_us == 0)
		begin_epoch(cc, ack);
	/* RFC 9438 4.2: what exceeds a round trip between two ACKs was a time without need for the window. */
	const uint64_t pause = ack->now_us - q->acked_us;
	if (pause > 2 * ack->srtt_us)
		q->epoch_us += pause - 2 * ack->srtt_us;
	q->acked_us = ack->now_us;
	const uint64_t t = ack->now_us - q->epoch_us;

	grow_estimate(cc, bytes);
	if (w_cubic(cc, t) < q->w_est) { /* the Reno-friendly region */
		if (cc->cwnd < q->w_est)
			cc->cwnd = q->w_est;
		return;
	}
	uint32_t target = w_cubic(cc, t + ack->srtt_us);
	if (target < cc->cwnd)
		target = cc->cwnd;
	if (target > cc->cwnd + cc->cwnd / 2)
		target = cc->cwnd + cc->cwnd / 2;
	q->cwnd_credit += (uint64_t)(target - cc->cwnd) * bytes;
	const uint64_t grow = q->cwnd_credit / cc->cwnd;
	q->cwnd_credit %= cc->cwnd;
	cc->cwnd += (uint32_t)grow;
}

static void cubic_acked(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
	if (cc->cwnd >= cc->ssthresh)
		avoid_congestion(cc, ack);
	else if (cc->ssthresh ==
		 UINT32_MAX) /* RFC 9406 4.3: only while nothing is known of the path */
		cc->cwnd += tcp_hystart_acked(cc, &cc->cubic.hystart, ack);
	else
		cc->cwnd += tcp_cc_slow_start(cc, ack->bytes);
	if (cc->cwnd > TCP_CWND_MAX)
		cc->cwnd = TCP_CWND_MAX;
}

/* The window falls to `percent` of what is in flight; of all of it when it is in use, though a burst that is being
 * paced has not left yet. RFC 9438 4.6 allows that, since a window that is not in use does not grow. */
static uint32_t reduce(struct tcp_cc *cc, uint32_t flight, uint32_t percent)
{
	struct tcp_cubic *q = &cc->cubic;
	const uint32_t least = 2 * cc->mss;
	const bool in_use = flight >= cc->cwnd - cc->cwnd / 4;
	const uint32_t used = in_use && flight < cc->cwnd ? cc->cwnd : flight;
	const uint32_t ssthresh = (uint32_t)((uint64_t)used * percent / 100);

	/* RFC 9438 4.7, fast convergence: a window that did not reach the last W_max makes room for others. */
	q->w_max = cc->cwnd < q->w_max ? (uint32_t)((uint64_t)cc->cwnd * (100 + percent) / 200)
				       : cc->cwnd;
	q->cwnd_prior = cc->cwnd;
	q->epoch_us = 0;
	return ssthresh > least ? ssthresh : least;
}

static uint32_t cubic_loss(struct tcp_cc *cc, uint32_t flight, uint64_t now_us)
{
	(void)now_us;
	return reduce(cc, flight, BETA_PERCENT);
}

static uint32_t cubic_ecn(struct tcp_cc *cc, uint32_t flight, uint64_t now_us)
{
	(void)now_us;
	return reduce(cc, flight, BETA_ECN_PERCENT);
}

const struct tcp_cc_ops tcp_cc_cubic = {
	.name = "cubic",
	.acked = cubic_acked,
	.loss = cubic_loss,
	.ecn = cubic_ecn,
};
