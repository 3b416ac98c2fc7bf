/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_user_timeout.c — see tcp_user_timeout.h. */
#include "stack/tcp_user_timeout.h"

#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_timer.h"

#define SECOND_US 1000000ull
#define FIELD_MAX 0x7fffu

uint64_t tcp_user_timeout_us(const struct tcp_conn *c)
{
	const uint64_t configured = c->stack->cfg.user_timeout_us;
	const uint64_t own = c->user_timeout.us;

	if (own == 0 || (!c->attached && own > configured))
		return configured;
	return own;
}

static void changed(struct tcp_conn *c)
{
	c->user_timeout.advertise = c->user_timeout.exchange;
	tcp_timer_limit_xmit(c);
	if (c->state != TCP_SYN_SENT && c->user_timeout.advertise)
		c->ack_now = true;
	tcp_conn_wants_output(c);
}

void tcp_user_timeout_set(struct tcp_conn *c, uint64_t us)
{
	c->user_timeout.us = us;
	c->user_timeout.fixed = us != 0;
	changed(c);
}

void tcp_user_timeout_exchange(struct tcp_conn *c, bool on)
{
	if (c->user_timeout.exchange == on)
		return;
	c->user_timeout.exchange = on;
	if (!on && !c->user_timeout.fixed)
		c->user_timeout.us = 0;
	changed(c);
}

void tcp_user_timeout_take(struct tcp_conn *c, uint16_t field)
{
	const uint64_t value = field & FIELD_MAX;
	const uint64_t remote = (field & TCP_UTO_MINUTES ? 60 * SECOND_US : SECOND_US) * value;
	uint64_t us = c->stack->cfg.user_timeout_us; /* ADV_UTO */

	if (!c->user_timeout.exchange || c->user_timeout.fixed || value == 0)
		return;
	/* RFC 5482 3.1: min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)) */
	if (us < remote)
		us = remote;
	if (us < TCP_UTO_LOWER_US)
		us = TCP_UTO_LOWER_US;
	if (us > TCP_UTO_UPPER_US)
		us = TCP_UTO_UPPER_US;
	if (us == c->user_timeout.us)
		return;
	c->user_timeout.us = us;
	c->stack->counters.tcp_user_timeout_options++;
	tcp_timer_limit_xmit(c);
}

/* In seconds where they fit, rounded up: less than a second would be none. */
static uint16_t field_of(uint64_t us)
{
	const uint64_t seconds = (us + SECOND_US - 1) / SECOND_US;
	const uint64_t minutes = (seconds + 59) / 60;

	if (seconds <= FIELD_MAX)
		return (uint16_t)seconds;
	return (uint16_t)(TCP_UTO_MINUTES | (minutes < FIELD_MAX ? minutes : FIELD_MAX));
}

uint16_t tcp_user_timeout_field(struct tcp_conn *c, bool syn, uint32_t text, unsigned blocks)
{
	if (!c->user_timeout.advertise || text + TCP_UTO_LEN > c->snd_mss || blocks > 0)
		return 0;
	/* After the SYN it goes again: a peer that answers SYNs with cookies has forgotten it. */
	if (!syn)
		c->user_timeout.advertise = false;
	return field_of(c->user_timeout.fixed ? c->user_timeout.us : c->stack->cfg.user_timeout_us);
}
