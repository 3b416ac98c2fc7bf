/* SPDX-License-Identifier: Apache-2.0 */
/*
 * closing.c — the edges of a connection: every order of closing, with every segment of the handshake and of
 * the close lost once and more often, in both roles and at every ISN that is known to hurt; and peers that
 * vanish after each packet.
 */
#include <stdio.h>

#include "tests/sim/scenario.h"

/* ------------------------------------------------------------------ orders */

enum order {
	CLIENT_FIRST,
	SERVER_FIRST,
	BOTH_CLOSE,
	BOTH_OPEN,
	ORDERS
};

static const char *const order_name[ORDERS] = {"client first", "server first", "simultaneous close",
					       "simultaneous open"};

static void set_order(struct sim_pair *p, enum order order)
{
	static const enum sim_close close[ORDERS][2] = {
		{SIM_CLOSE_FIRST, SIM_CLOSE_SECOND},
		{SIM_CLOSE_SECOND, SIM_CLOSE_FIRST},
		{SIM_CLOSE_FIRST, SIM_CLOSE_FIRST},
		{SIM_CLOSE_FIRST, SIM_CLOSE_SECOND},
	};

	for (unsigned i = 0; i < 2; i++)
		p->plan[i].close = close[order][i];
}

/* Both sides dial each other's port: their SYNs cross (RFC 9293 figure 7). */
static void dial_both(struct sim_pair *p)
{
	for (unsigned i = 0; i < 2; i++) {
		p->plan[i].receive = p->plan[1 - i].send;
		sim_host_start(p->sim, i, &p->cfg[i], sim_streams_app(&p->app[i]));
	}
	if (p->sim->failed)
		return;
	sim_streams_connect(&p->app[0], 0, SIM_CLIENT_PORT, SIM_PORT, &p->plan[0]);
	sim_streams_connect(&p->app[1], 0, SIM_PORT, SIM_CLIENT_PORT, &p->plan[1]);
}

static void finish_both(struct sim_pair *p)
{
	sim_run(p->sim);
	for (unsigned i = 0; i < 2; i++)
		sim_streams_expect(&p->app[i], 1, p->plan[i].may_miss ? 0 : 1);
	sim_expect_clean(p->sim);
	sim_pair_free(p);
}

static void run_order(struct sim_pair *p, enum order order)
{
	if (order == BOTH_OPEN) {
		dial_both(p);
		finish_both(p);
	} else {
		sim_pair_once(p);
	}
}

static void run_close_order(struct sim *sim, unsigned index)
{
	static const uint64_t sizes[][2] = {{0, 0}, {1, 0}, {0, 1}, {3000, 100}, {100000, 100000}};
	const unsigned size = index / (ORDERS * 4);
	struct sim_pair p;

	sim_pair_init(&p, sim);
	set_order(&p, index % ORDERS);
	for (unsigned i = 0; i < 2; i++) {
		sim_set_isn(&p.cfg[i], index / ORDERS % 4);
		p.plan[i].send = sizes[size][i];
	}
	snprintf(sim->about, sizeof sim->about, "%s, %llu/%llu bytes, isn choice %u",
		 order_name[index % ORDERS], (unsigned long long)p.plan[0].send,
		 (unsigned long long)p.plan[1].send, index / ORDERS % 4);
	run_order(&p, index % ORDERS);
}

/* ------------------------------------------------------------------ lost segments */

static const struct {
	const char *name;
	enum sim_match match;
} lost[] = {
	{"SYN", SIM_MATCH_SYN}, {"SYN-ACK", SIM_MATCH_SYN_ACK},
	{"FIN", SIM_MATCH_FIN}, {"ACK of the FIN", SIM_MATCH_ACK_OF_FIN},
	{"ACK", SIM_MATCH_ACK}, {"data", SIM_MATCH_DATA},
};

#define LOST (sizeof lost / sizeof *lost)
#define TIMES 4u /* lost once, twice … */

/* order × direction × segment × how often × ISN; with a second rule on the other direction for odd ones. */
static void run_drop(struct sim *sim, unsigned index)
{
	const enum order order = index % ORDERS;
	const unsigned from = index / ORDERS % 2;
	const unsigned what = (unsigned)(index / (ORDERS * 2) % LOST);
	const unsigned times = (unsigned)(index / (ORDERS * 2 * LOST) % TIMES) + 1;
	const unsigned isn = (unsigned)(index / (ORDERS * 2 * LOST * TIMES)) % 3;
	struct sim_pair p;

	sim_pair_init(&p, sim);
	set_order(&p, order);
	for (unsigned i = 0; i < 2; i++) {
		sim_set_isn(&p.cfg[i], isn);
		p.cfg[i].user_timeout_us = 3600 * SIM_SECOND; /* it shall get through */
		p.plan[i].send = 2000;
	}
	sim_link_drop(&sim->link[from], lost[what].match, 1, times);
	if (isn == 2) /* and the other side's FIN too */
		sim_link_drop(&sim->link[1 - from], SIM_MATCH_FIN, 1, times);
	snprintf(sim->about, sizeof sim->about, "%s, the first %u %s from host %s lost",
		 order_name[order], times, lost[what].name, from ? "B" : "A");
	run_order(&p, order);
}

/* ------------------------------------------------------------------ peers that vanish */

/* From the n-th packet on, nothing gets through in either direction, for ever. Whatever the state: both
 * stacks must let go of everything, by their own limits or by the application's. */
static void run_vanish(struct sim *sim, unsigned index)
{
	const enum order order = index % ORDERS;
	const unsigned after = index / ORDERS;
	struct sim_pair p;

	sim_pair_init(&p, sim);
	set_order(&p, order);
	sim->max_us = 1000 * SIM_SECOND;
	for (unsigned i = 0; i < 2; i++) {
		p.plan[i].send = 20000;
		/* Who only listens cannot know: that is the application's own limit. */
		p.plan[i].give_up_us = 500 * SIM_SECOND;
		p.plan[i].may_miss = true;
		p.plan[i].reasons =
			1u << TCP_CLOSE_TIMEOUT | 1u << TCP_CLOSE_RESET | 1u << TCP_CLOSE_REFUSED;
		sim->link[i].dead_after = after;
	}
	snprintf(sim->about, sizeof sim->about, "%s, silence after %u packets each way",
		 order_name[order], after);
	if (order == BOTH_OPEN)
		dial_both(&p);
	else
		sim_pair_start(&p);
	if (order != BOTH_OPEN && !sim->failed)
		sim_streams_connect(&p.app[0], 0, SIM_CLIENT_PORT, SIM_PORT, &p.plan[0]);
	sim_run(sim);
	for (unsigned i = 0; i < 2; i++)
		sim_streams_expect(&p.app[i], p.app[i].opened, 0);
	sim_expect_clean(sim);
	sim_pair_free(&p);
}

/* One direction falls silent for good, the other goes on. */
static void run_deaf(struct sim *sim, unsigned index)
{
	struct sim_pair p;

	sim_pair_init(&p, sim);
	set_order(&p, index % 3);
	sim->max_us = 1000 * SIM_SECOND;
	for (unsigned i = 0; i < 2; i++) {
		p.plan[i].send = 20000;
		p.plan[i].give_up_us = 500 * SIM_SECOND;
		p.plan[i].may_miss = true;
		p.plan[i].reasons = ~0u;
	}
	sim->link[index / 3 % 2].dead_after = index / 6;
	snprintf(sim->about, sizeof sim->about, "%s, host %s is not heard after %u packets",
		 order_name[index % 3], index / 3 % 2 ? "B" : "A", index / 6);
	sim_pair_start(&p);
	if (!sim->failed)
		sim_streams_connect(&p.app[0], 0, SIM_CLIENT_PORT, SIM_PORT, &p.plan[0]);
	sim_run(sim);
	for (unsigned i = 0; i < 2; i++)
		sim_streams_expect(&p.app[i], p.app[i].opened, 0);
	sim_expect_clean(sim);
	sim_pair_free(&p);
}

/* ------------------------------------------------------------------ handles given back early */

/* tcp_close right behind the last byte, from either side, while all of it is still queued: the stack alone
 * delivers the rest, through loss. */
static void run_orphan(struct sim *sim, unsigned index)
{
	struct sim_pair p;
	const unsigned who = index % 2;

	sim_pair_init(&p, sim);
	sim->max_us = 3600 * SIM_SECOND;
	p.plan[who].send = index < 4 ? 1 : 300000;
	p.plan[who].close = SIM_CLOSE_AT_ONCE;
	p.plan[1 - who].close = SIM_CLOSE_SECOND;
	for (unsigned i = 0; i < 2; i++) {
		sim_set_isn(&p.cfg[i], index / 2 % 4);
		p.cfg[i].user_timeout_us = 3600 * SIM_SECOND;
		sim->link[i].cfg.loss_ppm = index < 8 ? 0 : 50000;
	}
	snprintf(sim->about, sizeof sim->about, "host %s closes behind %llu bytes", who ? "B" : "A",
		 (unsigned long long)p.plan[who].send);
	sim_pair_once(&p);
}

/* Resets: an application that aborts at once, or with all that it wrote under way or still queued. The
 * client may do so before the server has seen the end of the handshake. */
static void run_abort(struct sim *sim, unsigned index)
{
	struct sim_pair p;
	const unsigned who = index % 2;

	sim_pair_init(&p, sim);
	p.plan[who].send = index / 2 * 10000;
	p.plan[who].close = SIM_CLOSE_ABORT;
	p.plan[1 - who].close = SIM_CLOSE_SECOND;
	p.plan[1 - who].may_miss = true;
	p.plan[1 - who].reasons = 1u << TCP_CLOSE_RESET;
	snprintf(sim->about, sizeof sim->about, "host %s aborts behind %llu bytes", who ? "B" : "A",
		 (unsigned long long)p.plan[who].send);
	sim_pair_start(&p);
	if (!sim->failed)
		sim_streams_connect(&p.app[0], 0, SIM_CLIENT_PORT, SIM_PORT, &p.plan[0]);
	sim_run(sim);
	for (unsigned i = 0; i < 2; i++)
		sim_streams_expect(&p.app[i], p.app[i].opened, 0);
	if (!sim->failed && p.app[who].opened != 1)
		sim_fail(sim, "nothing was aborted");
	sim_expect_clean(sim);
	sim_pair_free(&p);
}

/* A port where nobody listens. */
static void run_refused(struct sim *sim, unsigned index)
{
	struct sim_pair p;

	sim_pair_init(&p, sim);
	for (unsigned i = 0; i < 2; i++)
		sim_set_isn(&p.cfg[i], index);
	p.plan[0].reasons = 1u << TCP_CLOSE_REFUSED;
	sim_pair_start(&p);
	if (!sim->failed)
		sim_streams_connect(&p.app[0], 0, SIM_CLIENT_PORT, SIM_PORT + 1, &p.plan[0]);
	sim_run(sim);
	sim_streams_expect(&p.app[0], 1, 1);
	if (!sim->failed && p.app[0].closed_for[TCP_CLOSE_REFUSED] != 1)
		sim_fail(sim, "the connection was not refused");
	sim_expect_clean(sim);
	sim_pair_free(&p);
}

const struct sim_group sim_close_groups[] = {
	{"close-order", "every order of closing, with and without data", ORDERS * 4 * 5, 0,
	 run_close_order},
	{"drop", "each segment of handshake, data and close lost 1 to 4 times",
	 ORDERS * 2 * (unsigned)LOST *TIMES * 3, 0, run_drop},
	{"vanish", "silence both ways after each packet", ORDERS * 30, 0, run_vanish},
	{"deaf", "silence one way after each packet", 6 * 30, 0, run_deaf},
	{"orphan", "the handle is given back behind the last byte", 16, 0, run_orphan},
	{"abort", "the application resets", 12, 0, run_abort},
	{"refused", "a closed port", 4, 0, run_refused},
	{0},
};
