/* SPDX-License-Identifier: Apache-2.0 */
/* cc_newreno.c — slow start and congestion avoidance of RFC 5681, counting bytes (RFC 3465), so that
 * neither ACK division nor coalesced ACKs change how fast the window grows. */
#include "stack/tcp_cc.h"

#define PRIV_CREDIT 0 /* bytes acknowledged since cwnd last grew in congestion avoidance */

uint32_t tcp_cc_initial_window(uint32_t mss)
{
	/* RFC 6928 2: min (10*MSS, max (2*MSS, 14600)) */
	const uint32_t least = 2 * mss > 14600 ? 2 * mss : 14600;

	return 10 * mss < least ? 10 * mss : least;
}

uint32_t tcp_cc_slow_start(const struct tcp_cc *cc, uint32_t bytes)
{
	/* RFC 5681 3.1 (2) with N counted in bytes. RFC 3465's limit L guards against bursts after lost
	 * ACKs; here an ACK may cover a whole 64 KiB segment on a loss-free path, so the limit is the
	 * window itself: at most doubling. */
	const uint32_t grow = bytes < cc->cwnd ? bytes : cc->cwnd;

	return grow < cc->ssthresh - cc->cwnd ? grow : cc->ssthresh - cc->cwnd;
}

static void newreno_acked(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
	if (cc->cwnd < cc->ssthresh) {
		cc->cwnd += tcp_cc_slow_start(cc, ack->bytes);
		return;
	}
	/* One MSS for each window's worth of acknowledged bytes (RFC 3465 2.1). */
	cc->priv[PRIV_CREDIT] += ack->bytes;
	while (cc->priv[PRIV_CREDIT] >= cc->cwnd) {
		cc->priv[PRIV_CREDIT] -= cc->cwnd;
		if (cc->cwnd < TCP_CWND_MAX)
			cc->cwnd += cc->mss;
	}
}

static uint32_t newreno_loss(struct tcp_cc *cc, uint32_t flight, uint64_t now_us)
{
	(void)now_us;
	cc->priv[PRIV_CREDIT] = 0;
	/* RFC 5681 (4): max (FlightSize / 2, 2*SMSS) */
	return flight / 2 > 2 * cc->mss ? flight / 2 : 2 * cc->mss;
}

/* RFC 8511 3: beta_ecn is 0.8 */
static uint32_t newreno_ecn(struct tcp_cc *cc, uint32_t flight, uint64_t now_us)
{
	const uint32_t ssthresh = (uint32_t)((uint64_t)flight * 4 / 5);

	(void)now_us;
	cc->priv[PRIV_CREDIT] = 0;
	return ssthresh > 2 * cc->mss ? ssthresh : 2 * cc->mss;
}

const struct tcp_cc_ops tcp_cc_newreno = {
	.name = "newreno",
	.acked = newreno_acked,
	.loss = newreno_loss,
	.ecn = newreno_ecn,
};
