/* SPDX-License-Identifier: Apache-2.0 */
/*
 * many.c — many connections: at once over one lossy bottleneck, one after the other through the
 * same ports, more than the backlog holds, more than memory holds.
 */
#include <stdio.h>

#include "tests/sim/scenario.h"

#define HOUR (3600 * SIM_SECOND)

static void start(struct sim_pair *p, unsigned backlog)
{
	for (unsigned i = 0; i < 2; i++) {
		if (p->plan[i].receive == 0)
			p->plan[i].receive = p->plan[1 - i].send;
		sim_host_start(p->sim, i, &p->cfg[i], sim_streams_app(&p->app[i]));
	}
	if (!p->sim->failed)
		sim_streams_listen(&p->app[1], SIM_PORT, backlog, &p->plan[1]);
}

static void finish(struct sim_pair *p, unsigned count)
{
	sim_run(p->sim);
	sim_streams_expect(&p->app[0], count, count);
	sim_streams_expect(&p->app[1], count, count);
	sim_expect_clean(p->sim);
	sim_pair_free(p);
}

/* All start within a few milliseconds and share a bottleneck that drops what does not fit. */
static void run_parallel(struct sim *sim, unsigned index)
{
	static const unsigned counts[] = {256, 64, 256, 16};
	const unsigned count = counts[index % 4];
	struct sim_pair p;

	sim_pair_init(&p, sim);
	sim->max_us = 24 * HOUR;
	for (unsigned i = 0; i < 2; i++) {
		struct sim_link_config *l = &sim->link[i].cfg;
		l->rate = 12500000;
		l->queue = 250000;
		l->loss_ppm = index % 2 ? 10000 : 1000;
		l->reorder_ppm = 10000;
		l->reorder_us = 5000;
		p.cfg[i].user_timeout_us = HOUR;
		p.cfg[i].tso = index / 2 % 2;
		p.cfg[i].checksum_offload = p.cfg[i].tso;
	}
	p.plan[0].send = 500;
	p.plan[1].send = 40000;
	p.plan[0].close = index % 3 ? SIM_CLOSE_DONE : SIM_CLOSE_SECOND;
	p.plan[1].close = SIM_CLOSE_DONE;
	snprintf(sim->about, sizeof sim->about, "%u connections at once", count);
	start(&p, count);
	for (unsigned i = 0; i < count && !sim->failed; i++)
		sim_streams_connect(&p.app[0], sim_rng_below(&sim->rng, 20 * SIM_MS),
				    (uint16_t)(20000 + i), SIM_PORT, &p.plan[0]);
	finish(&p, count);
}

/* More clients than the backlog holds, and an application that accepts only now and then: the
 * clients' patience is tried, but nobody is turned away. */
static void run_backlog(struct sim *sim, unsigned index)
{
	/* A half-open entry repeats its SYN-ACK five times: as often the clients have their
	 * chance. */
	const unsigned count = 6 * (1 + index);
	struct sim_pair p;

	sim_pair_init(&p, sim);
	sim->max_us = HOUR;
	p.plan[0].send = 3000;
	p.plan[1].send = 3000;
	sim->host[1].batch_us = index % 2 ? 20 * SIM_MS : 0;
	snprintf(sim->about, sizeof sim->about, "%u clients, a backlog of %u", count, 1 + index);
	start(&p, 1 + index);
	for (unsigned i = 0; i < count && !sim->failed; i++)
		sim_streams_connect(&p.app[0], 0, (uint16_t)(20000 + i), SIM_PORT, &p.plan[0]);
	sim_run(sim);
	const struct stack_counters *n = stack_get_counters(sim->host[1].stack);
	if (!sim->failed && index % 2 && n->tcp_accept_overflows == 0)
		sim_fail(sim, "the backlog was never full");
	finish(&p, count);
}

/* A few client ports, used again and again while the server holds their last connections in
 * TIME-WAIT: a newer SYN reopens them at once (RFC 6191, RFC 1122 4.2.2.13). */
static void run_reuse(struct sim *sim, unsigned index)
{
	const unsigned rounds = 100, ports = 4;
	struct sim_pair p;

	sim_pair_init(&p, sim);
	sim->max_us = HOUR;
	for (unsigned i = 0; i < 2; i++)
		sim->link[i].cfg.loss_ppm = index ? 20000 : 0;
	p.plan[0].send = 200;
	p.plan[0].close = SIM_CLOSE_SECOND;
	p.plan[1].send = 2000;
	p.plan[1].close = SIM_CLOSE_DONE;
	snprintf(sim->about, sizeof sim->about, "%u connections from %u ports", rounds * ports,
		 ports);
	start(&p, 16);
	for (unsigned i = 0; i < rounds && !sim->failed; i++)
		for (unsigned k = 0; k < ports; k++)
			sim_streams_connect(&p.app[0], i * (index ? 30 : 1) * SIM_SECOND / 10,
					    (uint16_t)(20000 + k), SIM_PORT, &p.plan[0]);
	sim_run(sim);
	const struct stack_counters *n = stack_get_counters(sim->host[1].stack);
	if (!sim->failed && n->tcp_time_wait_reused < (index ? 1 : (rounds - 1) * ports))
		sim_fail(sim, "TIME-WAIT was reopened only %llu times",
			 (unsigned long long)n->tcp_time_wait_reused);
	finish(&p, rounds * ports);
}

/* More TIME-WAIT records than may be kept: the oldest go. */
static void run_time_wait(struct sim *sim, unsigned index)
{
	const unsigned count = 300;
	struct sim_pair p;

	sim_pair_init(&p, sim);
	p.plan[1].send = 1000;
	p.plan[index % 2].close = SIM_CLOSE_FIRST;
	p.plan[1 - index % 2].close = SIM_CLOSE_SECOND;
	for (unsigned i = 0; i < 2; i++)
		p.cfg[i].max_time_wait = 32;
	snprintf(sim->about, sizeof sim->about, "%u closes, 32 TIME-WAIT records", count);
	start(&p, 64);
	for (unsigned i = 0; i < count && !sim->failed; i++)
		sim_streams_connect(&p.app[0], i * SIM_MS, (uint16_t)(20000 + i), SIM_PORT,
				    &p.plan[0]);
	sim_run(sim);
	const struct stack_counters *n = stack_get_counters(sim->host[index % 2].stack);
	if (!sim->failed && n->tcp_time_wait_evicted != count - 32)
		sim_fail(sim, "%llu TIME-WAIT records were evicted, not %u",
			 (unsigned long long)n->tcp_time_wait_evicted, count - 32);
	finish(&p, count);
}

/* The server's memory is enough for a few of them only. Segments are dropped, windows close,
 * SYNs find no room: yet as those go that were served, all the others are. */
static void run_memory(struct sim *sim, unsigned index)
{
	static const size_t limits[] = {128u << 10, 256u << 10, 512u << 10, 1u << 20};
	const unsigned count = 64;
	const bool upload = index / 4 % 2;
	struct sim_pair p;

	sim_pair_init(&p, sim);
	sim->max_us = 24 * HOUR;
	p.cfg[1].memory_limit = limits[index % 4];
	p.plan[0].send = upload ? 100000 : 200;
	p.plan[1].send = upload ? 200 : 100000;
	p.plan[0].close = SIM_CLOSE_DONE;
	p.plan[1].close = SIM_CLOSE_DONE;
	for (unsigned i = 0; i < 2; i++)
		p.cfg[i].user_timeout_us = p.cfg[i].syn_timeout_us = 24 * HOUR;
	sim->link[1].cfg.rate = 1250000;
	snprintf(sim->about, sizeof sim->about, "%u %s, %zu KiB of memory at the server", count,
		 upload ? "uploads" : "downloads", limits[index % 4] >> 10);
	start(&p, count);
	for (unsigned i = 0; i < count && !sim->failed; i++)
		sim_streams_connect(&p.app[0], i * SIM_MS, (uint16_t)(20000 + i), SIM_PORT,
				    &p.plan[0]);
	finish(&p, count);
}

/* The server can remember one half-open client: nearly all get in with a SYN cookie, and have the same connection as
 * ever, whatever happens to the packets. */
static void run_syncookies(struct sim *sim, unsigned index)
{
	const unsigned count = 64;
	struct sim_pair p;

	sim_pair_init(&p, sim);
	sim->max_us = HOUR;
	for (unsigned i = 0; i < 2; i++) {
		sim->link[i].cfg.loss_ppm = index % 2 ? 30000 : 0;
		sim->link[i].cfg.rate = 12500000;
	}
	sim_set_delay(sim, index / 2 % 2 ? 200 * SIM_MS : 5 * SIM_MS);
	p.cfg[1].max_half_open = 1;
	p.plan[0].send = 5000;
	p.plan[1].send = 50000;
	p.plan[0].close = SIM_CLOSE_DONE;
	p.plan[1].close = SIM_CLOSE_DONE;
	snprintf(sim->about, sizeof sim->about, "%u clients, one half-open entry", count);
	start(&p, count);
	for (unsigned i = 0; i < count && !sim->failed; i++)
		sim_streams_connect(&p.app[0], i * SIM_MS / 10, (uint16_t)(20000 + i), SIM_PORT,
				    &p.plan[0]);
	sim_run(sim);
	const struct stack_counters *n = stack_get_counters(sim->host[1].stack);
	if (!sim->failed && (n->tcp_syn_cookies_recv < count / 2 || n->tcp_syn_cookies_failed > 0))
		sim_fail(sim, "%llu came with a cookie, %llu with a wrong one",
			 (unsigned long long)n->tcp_syn_cookies_recv,
			 (unsigned long long)n->tcp_syn_cookies_failed);
	finish(&p, count);
}

const struct sim_group sim_many_groups[] = {
	{"parallel", "connections that share a lossy bottleneck", 8, 0, run_parallel},
	{"backlog", "more clients than the accept queue holds", 6, 0, run_backlog},
	{"reuse", "the same ports again while in TIME-WAIT", 2, 0, run_reuse},
	{"time-wait", "more TIME-WAIT records than may be kept", 2, 0, run_time_wait},
	{"syncookies", "handshakes that the server does not remember", 8, 0, run_syncookies},
	{"memory", "more connections than memory", 8, 0, run_memory},
	{0},
};
