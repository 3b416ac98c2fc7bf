/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_delack.c — see tcp_delack.h. */
#include "stack/tcp_delack.h"

#include "stack/stack_internal.h"

void tcp_delack_sent(struct tcp_conn *c)
{
	c->delack.answered = true;
}

/* The peer has had all of our answer and says something new. */
static bool new_request(const struct tcp_conn *c)
{
	return c->delack.answered && c->snd_una == tcp_snd_end(c);
}

static bool after_silence(const struct tcp_conn *c)
{
	const uint64_t last_us = c->delack.received_us;

	return last_us != 0 && c->stack->now_us - last_us > c->rto_us;
}

bool tcp_delack_due(struct tcp_conn *c, uint32_t advanced)
{
	if (new_request(c) || after_silence(c))
		c->quickacks = TCP_QUICKACKS;
	c->delack.answered = false;
	c->delack.received_us = c->stack->now_us;
	c->rcv_unacked += advanced;
	if (c->rcv_unacked >= 2u * c->rcv_mss)
		return true;
	if (c->quickacks == 0)
		return false;
	c->quickacks--;
	return true;
}
