/* SPDX-License-Identifier: Apache-2.0 */
/* table.c — see table.h: the list of tables, and how a cell is measured. */
#include "tests/sim/table.h"

#include <stdio.h>
#include <string.h>

const struct table_cc table_cc[2] = {{"CUBIC", &tcp_cc_cubic}, {"NewReno", &tcp_cc_newreno}};

static const struct {
	const char *name;
	void (*print)(uint64_t seed);
} tables[] = {
	{"loss", table_loss},
	{"bottleneck", table_bottleneck},
	{"paths", table_paths},
	{"flows", table_flows},
};

#define TABLES (sizeof tables / sizeof *tables)

/* The receiver's count; nothing else is connected. */
static void add_bytes_in(void *ctx, const struct tcp_info *info)
{
	*(uint64_t *)ctx += info->bytes_in;
}

static uint64_t bytes_received(const struct sim *sim)
{
	uint64_t bytes = 0;

	stack_each_conn(sim->host[1].stack, add_bytes_in, &bytes);
	return bytes;
}

static void stop_clock(void *ctx, void *arg)
{
	(void)ctx;
	(void)arg;
}

void table_world(struct sim_pair *p, struct sim *sim, uint64_t rtt_us, uint64_t until_us)
{
	sim_pair_init(p, sim);
	sim->unjudged = true;
	sim->ipv6 = false;
	sim->max_us = until_us;
	sim_at(sim, until_us, stop_clock, NULL, NULL);
	sim_set_delay(sim, rtt_us);
	for (unsigned i = 0; i < 2; i++) {
		sim->link[i].cfg.coalesced = true; /* finishes no checksums */
		p->cfg[i].checksum_offload = true;
	}
	p->plan[0].send = UINT64_MAX / 2;
	p->plan[0].blank = true;
	p->plan[1].unchecked = true;
}

static void set_up(struct sim_pair *p, struct sim *sim, const struct table_cell *cell)
{
	sim->link[0].cfg = cell->path;
	sim->link[1].cfg.rate = cell->path.rate;
	sim->link[1].cfg.loss_ppm = cell->ack_loss_ppm;
	table_world(p, sim, cell->rtt_us, cell->max_us);
	for (unsigned i = 0; i < 2; i++) {
		p->cfg[i].send_buffer_max = p->cfg[i].recv_buffer_max = cell->buffer;
		p->cfg[i].cc = cell->cc;
	}
}

static struct table_run run_once(const struct table_cell *cell, uint64_t seed)
{
	struct table_run run = {0};
	struct sim sim;
	struct sim_pair p;
	uint64_t bytes = 0;

	sim_init(&sim, seed, false);
	set_up(&p, &sim, cell);
	sim_pair_start(&p);
	sim_streams_connect(&p.app[0], 0, SIM_CLIENT_PORT, SIM_PORT, &p.plan[0]);
	while (sim.now_us < cell->max_us && bytes < cell->max_bytes && sim_step(&sim))
		bytes = bytes_received(&sim);
	if (sim.failed) /* a row of nonsense in a golden table must not go unnoticed */
		printf("FAILED: %s\n", sim.failure);
	const struct stack_counters *n = stack_get_counters(sim.host[0].stack);
	run.centi_mbit = sim.now_us ? bytes * 800 / sim.now_us : 0;
	run.again = n->tcp_retrans_segs;
	run.timeouts = n->tcp_timeouts;
	run.lost = sim.link[0].counts.lost + sim.link[0].counts.overflowed;
	sim_pair_free(&p);
	sim_free(&sim);
	return run;
}

/* Does the seed play a part? */
static bool has_chance(const struct table_cell *cell)
{
	const struct sim_link_config *c = &cell->path;

	return c->loss_ppm || c->burst_enter_ppm || c->reorder_ppm || c->duplicate_ppm ||
	       c->corrupt_ppm || c->jitter_us || cell->ack_loss_ppm;
}

struct table_run table_cell(const struct table_cell *cell, uint64_t seed)
{
	struct table_run run[TABLE_SEEDS];

	if (!has_chance(cell))
		return run_once(cell, sim_mix(seed));
	for (unsigned i = 0; i < TABLE_SEEDS; i++) {
		const struct table_run r = run_once(cell, sim_mix(seed + i));
		unsigned k = i;
		for (; k > 0 && run[k - 1].centi_mbit > r.centi_mbit; k--)
			run[k] = run[k - 1];
		run[k] = r;
	}
	return run[TABLE_SEEDS / 2];
}

bool sim_print_tables(const char *name, uint64_t seed)
{
	bool found = false;

	for (size_t i = 0; i < TABLES; i++) {
		if (name && strcmp(name, tables[i].name) != 0)
			continue;
		if (found)
			printf("\n");
		found = true;
		tables[i].print(seed);
	}
	return found;
}

void sim_list_tables(void)
{
	for (size_t i = 0; i < TABLES; i++)
		printf("%s\n", tables[i].name);
}
