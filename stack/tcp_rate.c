/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_rate.c — see tcp_rate.h. The section numbers are those of draft-cheng-iccrg-delivery-rate-estimation-02. */
#include "stack/tcp_rate.h"

#include "stack/seq.h"
#include "stack/stack_internal.h"

static struct tcp_rate_mark *mark_at(struct tcp_rate *r, unsigned i)
{
	return &r->mark[(r->first + i) % TCP_RATE_MARKS];
}

/* 3.2 Transmitting a data packet. */
void tcp_rate_sent(struct tcp_conn *c, uint32_t start, uint32_t end)
{
	struct tcp_rate *r = &c->rate;
	const uint64_t now_us = c->stack->now_us;

	if (start == tcp_snd_data_una(c)) /* the pipe was empty: a new beginning */
		r->first_sent_us = r->delivered_us = now_us;
	if (r->count == TCP_RATE_MARKS)
		return;
	if (r->count > 0 && end - mark_at(r, r->count - 1u)->end < c->cc.cwnd / TCP_RATE_MARKS + 1)
		return;
	*mark_at(r, r->count++) = (struct tcp_rate_mark){
		.end = end,
		.app_limited = r->app_limited != 0,
		.sent_us = now_us,
		.first_sent_us = r->first_sent_us,
		.delivered_us = r->delivered_us,
		.delivered = r->delivered,
	};
}

/* 3.3 Upon receiving an ACK, GenerateRateSample(). */
static void take_sample(struct tcp_conn *c, const struct tcp_rate_mark *m)
{
	struct tcp_rate *r = &c->rate;
	const uint64_t send_us = m->sent_us - m->first_sent_us;
	const uint64_t ack_us = r->delivered_us - m->delivered_us;
	const uint64_t interval_us = send_us > ack_us ? send_us : ack_us;
	const uint64_t bytes = r->delivered - m->delivered;

	r->first_sent_us = m->sent_us;
	/* Faster than the fastest round trip: ACKs were compressed on the way. */
	if (interval_us == 0 || interval_us < c->min_rtt_us)
		return;
	/* What the application did not ask for says little, unless it is the most that was ever seen. */
	if (m->app_limited && bytes * 1000000u / interval_us < tcp_rate_sample(c))
		return;
	r->bytes = bytes;
	r->interval_us = interval_us;
	r->sample_app_limited = m->app_limited;
}

void tcp_rate_acked(struct tcp_conn *c)
{
	struct tcp_rate *r = &c->rate;
	const uint64_t delivered = c->bytes_out + (tcp_uses_sack(c) ? c->board.sacked : 0);
	struct tcp_rate_mark reached = {0};
	bool any = false;

	if (delivered > r->delivered) {
		r->delivered = delivered;
		r->delivered_us = c->stack->now_us;
	}
	if (r->app_limited != 0 && r->delivered > r->app_limited)
		r->app_limited = 0;
	while (r->count > 0 && seq_leq(mark_at(r, 0)->end, c->snd_una)) {
		reached = *mark_at(r, 0);
		any = true;
		r->first = (uint8_t)((r->first + 1u) % TCP_RATE_MARKS);
		r->count--;
	}
	if (any)
		take_sample(c, &reached);
}

/* 3.4 Detecting application-limited phases. */
void tcp_rate_check_app_limited(struct tcp_conn *c)
{
	const uint32_t pipe = tcp_pipe(c);

	if (c->cc.cwnd > 0 && !tcp_has_unsent(c) && pipe < c->cc.cwnd && c->board.lost == 0)
		c->rate.app_limited = c->rate.delivered + pipe > 0 ? c->rate.delivered + pipe : 1;
}

uint64_t tcp_rate_sample(const struct tcp_conn *c)
{
	const struct tcp_rate *r = &c->rate;

	return r->interval_us > 0 ? r->bytes * 1000000u / r->interval_us : 0;
}
