/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_keepalive.c — see tcp_keepalive.h. */
#include "stack/tcp_keepalive.h"

#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_timer.h"
#include "stack/tcp_user_timeout.h"
#include "stack/trace.h"

void tcp_keepalive_init(struct tcp_conn *c)
{
	const struct stack_config *cfg = &c->stack->cfg;

	c->keepalive = (struct tcp_keepalive){.idle_us = cfg->keepalive_us,
					      .interval_us = cfg->keepalive_interval_us,
					      .probes_max = (uint8_t)cfg->keepalive_probes,
					      .heard_us = c->stack->now_us};
}

/* Nothing of ours is outstanding, held back or still to be sent. */
static bool quiet(const struct tcp_conn *c)
{
	return c->snd_una == c->snd_max && c->snd_una == tcp_snd_end(c);
}

static bool wanted(const struct tcp_conn *c)
{
	return c->keepalive.idle_us > 0 && c->attached && quiet(c) &&
	       (c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT ||
		c->state == TCP_FIN_WAIT_2);
}

static void arm(struct tcp_conn *c, uint64_t deadline_us)
{
	c->xmit_mode = TCP_XMIT_KEEPALIVE;
	timer_set(&c->stack->wheel, &c->xmit_timer, deadline_us);
}

void tcp_keepalive_settle(struct tcp_conn *c)
{
	struct tcp_keepalive *k = &c->keepalive;

	if (!wanted(c)) {
		tcp_timer_stop_xmit(c);
		return;
	}
	if (c->xmit_mode == TCP_XMIT_KEEPALIVE)
		return;
	if (k->heard_us < c->established_us)
		k->heard_us = c->established_us; /* the SYN-ACK of an active open */
	k->probes = 0;
	k->probe = false;
	arm(c, k->heard_us + k->idle_us);
}

void tcp_keepalive_changed(struct tcp_conn *c)
{
	if (c->xmit_mode == TCP_XMIT_KEEPALIVE)
		tcp_timer_stop_xmit(c);
	tcp_conn_wants_output(c); /* which settles the timer */
}

void tcp_keepalive_heard(struct tcp_conn *c)
{
	/* The timer stays where it is: when it fires it sees that it was too early. */
	c->keepalive.heard_us = c->stack->now_us;
	c->keepalive.probes = 0;
	c->keepalive.probe = false;
}

/* When the application's own user timeout ends the waiting; 0 when it has set none. */
static uint64_t own_timeout(const struct tcp_conn *c)
{
	return c->user_timeout.fixed ? c->keepalive.heard_us + c->user_timeout.us : 0;
}

static bool unanswered(const struct tcp_conn *c)
{
	const struct tcp_keepalive *k = &c->keepalive;

	/* At least one probe, however short the user timeout is. */
	return own_timeout(c) ? k->probes > 0 && c->stack->now_us >= own_timeout(c)
			      : k->probes >= k->probes_max;
}

void tcp_keepalive_fired(struct tcp_conn *c)
{
	struct tcp_keepalive *k = &c->keepalive;
	struct stack *s = c->stack;

	if (s->now_us < k->heard_us + k->idle_us) {
		arm(c, k->heard_us + k->idle_us);
		return;
	}
	if (unanswered(c)) {
		s->counters.tcp_keepalive_drops++;
		tcp_conn_reset(c, TCP_CLOSE_TIMEOUT,
			       "keepalive probes were not answered (RFC 9293 3.8.4)");
		return;
	}
	trace_timer(c, "keepalive timer: the peer has been silent, probe it (RFC 9293 3.8.4)");
	k->probe = true;
	if (k->probes < UINT8_MAX)
		k->probes++;
	s->counters.tcp_keepalive_probes++;
	uint64_t next = s->now_us + k->interval_us;
	if (own_timeout(c) > s->now_us && own_timeout(c) < next)
		next = own_timeout(c);
	arm(c, next);
	tcp_conn_wants_output(c);
}

bool tcp_keepalive_take_probe(struct tcp_conn *c)
{
	const bool probe = c->keepalive.probe && c->xmit_mode == TCP_XMIT_KEEPALIVE && wanted(c);

	c->keepalive.probe = false;
	return probe;
}

const char *tcp_keepalive_check(const struct tcp_conn *c)
{
	if (list_linked(&c->output_link))
		return NULL; /* about to be settled */
	return (c->xmit_mode == TCP_XMIT_KEEPALIVE) == wanted(c)
		       ? NULL
		       : "the keepalive timer runs when it should not, or does not when it should";
}
