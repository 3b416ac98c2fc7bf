/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cc_hystart.c — HyStart++ (RFC 9406): slow start watches the round-trip time. When the smallest of a round has
 * risen, a queue builds up; then the window grows a quarter as fast for up to five rounds, and unless the
 * rise was a passing one, congestion avoidance follows with no loss having been needed.
 *
 * The RFC takes the smallest RTT of all of a round. What is paced arrives spread over the round, and the first
 * samples of it, from before there was a queue, would hide how it grows: a queue of less than a round trip has
 * overflowed by the next. So for a paced sender the smallest of each N_RTT_SAMPLE in a row counts; a burst of our
 * own does not pass for a queue then, since pacing has taken it apart. (On a path too short for pacing, a burst
 * that takes MIN_RTT_THRESH_US to pass is larger than the path.)
 */
#include "stack/seq.h"
#include "stack/tcp_cc.h"

/* RFC 9406 4.3 */
#define MIN_RTT_THRESH_US 4000u
#define MAX_RTT_THRESH_US 16000u
#define MIN_RTT_DIVISOR 8u
#define N_RTT_SAMPLE 8u
#define CSS_GROWTH_DIVISOR 4u
#define CSS_ROUNDS 5u
#define L \
	8u /* segments that one ACK adds at most, unless bursts are paced: then there is no limit */

static void begin_round(struct tcp_hystart *h, const struct tcp_cc_ack *ack)
{
	h->last_us = h->running ? h->round_us : UINT32_MAX;
	h->current_us = h->round_us = UINT32_MAX;
	h->samples = 0;
	h->window_end = ack->snd_nxt;
	h->running = true;
}

static void sample(struct tcp_hystart *h, uint64_t rtt_us, bool paced)
{
	if (rtt_us == 0)
		return;
	if (paced && h->samples == N_RTT_SAMPLE) {
		h->current_us = UINT32_MAX;
		h->samples = 0;
	}
	if (rtt_us < h->current_us)
		h->current_us = (uint32_t)rtt_us;
	if (rtt_us < h->round_us)
		h->round_us = (uint32_t)rtt_us;
	if (h->samples < N_RTT_SAMPLE)
		h->samples++;
}

static bool delay_has_risen(const struct tcp_hystart *h)
{
	uint32_t thresh = h->last_us / MIN_RTT_DIVISOR;

	if (h->samples < N_RTT_SAMPLE || h->last_us == UINT32_MAX || h->current_us == UINT32_MAX)
		return false;
	if (thresh < MIN_RTT_THRESH_US)
		thresh = MIN_RTT_THRESH_US;
	if (thresh > MAX_RTT_THRESH_US)
		thresh = MAX_RTT_THRESH_US;
	return h->current_us >= (uint64_t)h->last_us + thresh;
}

uint32_t tcp_hystart_acked(struct tcp_cc *cc, struct tcp_hystart *h, const struct tcp_cc_ack *ack)
{
	const uint32_t most = ack->paced || ack->bytes < L * cc->mss ? ack->bytes : L * cc->mss;
	const uint32_t grow = tcp_cc_slow_start(cc, most);

	if (!h->running || seq_geq(ack->snd_una, h->window_end)) {
		begin_round(h, ack);
		if (h->css && ++h->css_rounds >= CSS_ROUNDS) {
			cc->ssthresh = cc->cwnd;
			return 0;
		}
	}
	sample(h, ack->rtt_us, ack->paced);
	if (h->css) {
		/* The rise has gone again: back to slow start. */
		if (h->samples >= N_RTT_SAMPLE && h->current_us < h->baseline_us)
			h->css = false;
	} else if (delay_has_risen(h)) {
		h->css = true;
		h->css_rounds = 0;
		h->baseline_us = h->current_us;
	}
	return h->css ? grow / CSS_GROWTH_DIVISOR : grow;
}
