/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_chrono.c — see tcp_chrono.h. */
#include "stack/tcp_chrono.h"

#include "stack/stack_internal.h"

static enum tcp_chrono_kind state_of(const struct tcp_conn *c)
{
	const uint32_t flight = c->snd_nxt - c->snd_una, pipe = tcp_pipe(c);

	if (c->dead || tcp_syn_outstanding(c) || c->snd_una == tcp_snd_end(c))
		return TCP_CHRONO_NONE;
	const uint32_t peer = c->snd_wnd > flight ? c->snd_wnd - flight : 0;
	const uint32_t network = c->cc.cwnd > pipe ? c->cc.cwnd - pipe : 0;
	const uint32_t unsent = tcp_snd_end(c) - c->snd_nxt;
	if (unsent > 0 && !tcp_corked(c) && peer < unsent && peer < c->snd_mss &&
	    network >= c->snd_mss)
		return TCP_CHRONO_RWND;
	if (unsent == 0 && c->want_space && network >= c->snd_mss)
		return TCP_CHRONO_SNDBUF;
	return TCP_CHRONO_BUSY;
}

void tcp_chrono_update(struct tcp_conn *c)
{
	struct tcp_chrono *t = &c->chrono;
	const uint64_t now_us = c->stack->now_us;
	const enum tcp_chrono_kind kind = state_of(c);

	if (kind == t->now)
		return;
	t->total_us[t->now] += now_us - t->since_us;
	t->now = (uint8_t)kind;
	t->since_us = now_us;
}

uint64_t tcp_chrono_us(const struct tcp_conn *c, enum tcp_chrono_kind kind)
{
	const struct tcp_chrono *t = &c->chrono;
	const uint64_t running_us = c->stack->now_us - t->since_us;
	uint64_t sum_us = t->total_us[kind] + (t->now == kind ? running_us : 0);

	if (kind == TCP_CHRONO_BUSY) {
		sum_us += t->total_us[TCP_CHRONO_RWND] + t->total_us[TCP_CHRONO_SNDBUF];
		if (t->now == TCP_CHRONO_RWND || t->now == TCP_CHRONO_SNDBUF)
			sum_us += running_us;
	}
	return sum_us;
}
