/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer.c — whole transfers over links of every kind: the parameters are drawn from the case's
 * seed, each of them over its whole range, so that a few hundred cases meet most combinations that
 * matter.
 */
#include <stdio.h>

#include "tests/sim/scenario.h"

#define DAY (24ull * 3600 * SIM_SECOND)
#define SIZE_MAX_BYTES (8u << 20)

static uint32_t pick(struct sim_rng *r, const uint32_t *from, size_t count)
{
	return from[sim_rng_below(r, count)];
}

static void draw_hosts(struct sim_pair *p)
{
	static const uint32_t mtu[] = {576, 1280, 1500, 1500, 4000, 9000, 65535};
	static const uint32_t send[] = {4096, 8192, 65536, 1u << 20, 4u << 20};
	static const uint32_t receive[] = {4096, 16384, 65536, 256u << 10, 4u << 20};
	struct sim_rng *r = &p->sim->rng;

	for (unsigned i = 0; i < 2; i++) {
		struct stack_config *cfg = &p->cfg[i];
		cfg->mtu = pick(r, mtu, sizeof mtu / sizeof *mtu);
		cfg->send_buffer_max = pick(r, send, sizeof send / sizeof *send);
		cfg->recv_buffer_max = pick(r, receive, sizeof receive / sizeof *receive);
		cfg->tso = sim_rng_chance(r, SIM_PPM / 2);
		cfg->checksum_offload = cfg->tso || sim_rng_chance(r, SIM_PPM / 2);
		/* What is to be tested is that it gets through in the end. */
		cfg->user_timeout_us = DAY;
		cfg->syn_timeout_us = DAY;
		sim_set_isn(cfg, (unsigned)sim_rng_below(r, 4));
		if (sim_rng_chance(r, SIM_PPM / 4))
			p->sim->host[i].batch_us = sim_rng_magnitude(r, 1, 2000);
		cfg->pacing = !sim_rng_chance(r, SIM_PPM / 4);
	}
}

static void draw_link(struct sim_pair *p, struct sim_link_config *l, uint64_t rtt_us)
{
	static const uint32_t loss[] = {0, 0, 0, 100, 1000, 10000, 30000, 100000};
	static const uint32_t other[] = {0, 0, 0, 1000, 10000, 50000};
	struct sim_rng *r = &p->sim->rng;

	l->loss_ppm = pick(r, loss, sizeof loss / sizeof *loss);
	if (sim_rng_chance(r, SIM_PPM / 5)) {
		l->burst_enter_ppm = 2000;
		l->burst_leave_ppm = 300000;
		l->burst_loss_ppm = 800000;
	}
	l->duplicate_ppm = pick(r, other, sizeof other / sizeof *other);
	l->corrupt_ppm = pick(r, other, sizeof other / sizeof *other);
	l->reorder_ppm = 4 * pick(r, other, sizeof other / sizeof *other);
	l->reorder_us = rtt_us;
	if (sim_rng_chance(r, SIM_PPM / 3))
		l->jitter_us = rtt_us / 2;
	if (sim_rng_chance(r, 2 * (SIM_PPM / 3))) {
		l->rate = sim_rng_magnitude(r, 100000, 1000000000);
		l->queue = sim_rng_magnitude(r, 8192, 1u << 20);
	}
}

/* From a generator of its own: what the others draw stays as it was. */
static void draw_ecn(struct sim_pair *p)
{
	struct sim_rng r;

	sim_rng_seed(&r, p->sim->seed ^ 3168);
	for (unsigned i = 0; i < 2; i++) {
		struct sim_link_config *l = &p->sim->link[i].cfg;
		p->cfg[i].ecn = (enum stack_ecn)sim_rng_below(&r, 4);
		if (sim_rng_chance(&r, SIM_PPM / 2))
			l->ce_ppm = (uint32_t)sim_rng_magnitude(&r, 100, 200000);
		if (sim_rng_chance(&r, SIM_PPM / 2))
			l->ce_threshold = l->queue / 4;
		if (sim_rng_chance(&r, SIM_PPM / 10))
			l->ecn = (enum sim_ecn_path)sim_rng_below(&r, 5);
	}
}

static void draw_plans(struct sim_pair *p)
{
	struct sim_rng *r = &p->sim->rng;

	for (unsigned i = 0; i < 2; i++) {
		struct sim_plan *plan = &p->plan[i];
		plan->send = sim_rng_chance(r, SIM_PPM / 10)
				     ? 0
				     : sim_rng_magnitude(r, 1, SIZE_MAX_BYTES);
		if (sim_rng_chance(r, SIM_PPM / 3))
			plan->write_max =
				(uint32_t)(sim_rng_magnitude(r, 1, 65536) + plan->send / 5000);
		plan->more_hints = sim_rng_chance(r, SIM_PPM / 3);
	}
	if (sim_rng_chance(r, SIM_PPM / 2)) /* mostly one direction */
		p->plan[sim_rng_below(r, 2)].send = 0;
	else if (sim_rng_chance(r, SIM_PPM / 4))
		p->plan[1].echo = true;
	for (unsigned i = 0; i < 2; i++) {
		struct sim_plan *plan = &p->plan[i];
		const uint64_t comes = p->plan[1].echo ? p->plan[0].send : p->plan[1 - i].send;
		if (sim_rng_chance(r, SIM_PPM / 4))
			plan->read_max = (uint32_t)(sim_rng_magnitude(r, 1, 65536) + comes / 2000);
		if (plan->read_max && sim_rng_chance(r, SIM_PPM / 2))
			plan->read_pause_us = sim_rng_magnitude(r, 10, 200000);
	}
}

static void draw_close(struct sim_pair *p)
{
	static const enum sim_close order[][2] = {
		{SIM_CLOSE_FIRST, SIM_CLOSE_SECOND}, {SIM_CLOSE_SECOND, SIM_CLOSE_FIRST},
		{SIM_CLOSE_FIRST, SIM_CLOSE_FIRST},  {SIM_CLOSE_DONE, SIM_CLOSE_DONE},
		{SIM_CLOSE_DONE, SIM_CLOSE_SECOND},  {SIM_CLOSE_SECOND, SIM_CLOSE_DONE},
		{SIM_CLOSE_SENT, SIM_CLOSE_SECOND},  {SIM_CLOSE_SENT, SIM_CLOSE_SENT},
		{SIM_CLOSE_AT_ONCE, SIM_CLOSE_DONE}, {SIM_CLOSE_SECOND, SIM_CLOSE_AT_ONCE},
	};
	const size_t n = sim_rng_below(&p->sim->rng, sizeof order / sizeof *order);

	for (unsigned i = 0; i < 2; i++)
		p->plan[i].close = order[n][i];
}

static void describe(struct sim_pair *p, uint64_t rtt_us)
{
	const struct sim_link_config *a = &p->sim->link[0].cfg, *b = &p->sim->link[1].cfg;

	snprintf(p->sim->about, sizeof p->sim->about,
		 "rtt %.3f ms, loss %.2f/%.2f %%, rate %llu/%llu B/s, mtu %u/%u, %llu/%llu bytes, "
		 "close %d/%d%s%s%s%s",
		 (double)rtt_us / 1000, a->loss_ppm / 1e4, b->loss_ppm / 1e4,
		 (unsigned long long)a->rate, (unsigned long long)b->rate, p->cfg[0].mtu,
		 p->cfg[1].mtu, (unsigned long long)p->plan[0].send,
		 (unsigned long long)p->plan[1].send, p->plan[0].close, p->plan[1].close,
		 p->plan[1].echo ? ", echo" : "", a->coalesced ? ", coalesced" : "",
		 p->cfg[0].tso ? ", tso A" : "", p->cfg[1].tso ? ", tso B" : "");
}

/* What the link carries: the smaller of both, as the simulator sees packets. One that carries IPv6 carries 1,280
 * bytes, of which 20 are the difference of the headers. */
static uint32_t link_mtu(const struct sim *sim, uint32_t a, uint32_t b)
{
	const uint32_t least = sim->ipv6 ? 1280 - 20 : 0, smaller = a < b ? a : b;

	return smaller > least ? smaller : least;
}

static void run_transfer(struct sim *sim, unsigned index)
{
	struct sim_pair p;
	const uint64_t rtt_us = sim_rng_magnitude(&sim->rng, 10, 2 * SIM_SECOND);

	(void)index;
	sim_pair_init(&p, sim);
	sim->max_us = 30 * DAY;
	draw_hosts(&p);
	for (unsigned i = 0; i < 2; i++)
		draw_link(&p, &sim->link[i].cfg, rtt_us);
	sim_set_delay(sim, rtt_us);
	/* Whoever has the larger MTU learns of the smaller one by the MSS option. */
	for (unsigned i = 0; i < 2; i++)
		sim->link[i].cfg.mtu = link_mtu(sim, p.cfg[0].mtu, p.cfg[1].mtu);
	if (sim_rng_chance(&sim->rng, SIM_PPM / 4)) {
		/* As from a TUN device. Damage would go unnoticed: there is no checksum then. */
		for (unsigned i = 0; i < 2; i++) {
			sim->link[i].cfg.coalesced = true;
			sim->link[i].cfg.corrupt_ppm = 0;
		}
	}
	draw_ecn(&p);
	draw_plans(&p);
	draw_close(&p);
	describe(&p, rtt_us);
	sim_pair_once(&p);
}

/* The same case twice in one process: every packet and every time must be the same. */
static void run_twice(struct sim *sim, unsigned index)
{
	struct sim again;

	run_transfer(sim, index);
	if (sim->failed)
		return;
	sim_init(&again, sim->seed, false);
	run_transfer(&again, index);
	if (again.failed)
		sim_fail(sim, "the second run of the same seed failed: %.180s", again.failure);
	else if (again.hash != sim->hash || again.now_us != sim->now_us)
		sim_fail(sim,
			 "the same seed gave other packets: trace hash %016llx and %016llx, %llu "
			 "and "
			 "%llu events",
			 (unsigned long long)sim->hash, (unsigned long long)again.hash,
			 (unsigned long long)sim->events, (unsigned long long)again.events);
	sim_free(&again);
}

const struct sim_group sim_transfer_groups[] = {
	{"transfer", "whole transfers over links of every kind", 0, 100, run_transfer},
	{"same-seed", "two runs of one seed give the same packets", 0, 10, run_twice},
	{0},
};
