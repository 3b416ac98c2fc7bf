/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.c — `sim --table`: the goodput of one connection in virtual time, against loss and round-trip
 * time, over a link of 1 Gbit/s with a queue of 1 MB and buffers of 16 MiB.
 */
#include <stdio.h>

#include "tests/sim/scenario.h"

#define TABLE_RATE 125000000u
#define TABLE_QUEUE 1000000u
#define TABLE_BUFFER (16u << 20)
#define TABLE_BYTES (64ull << 20)

static const uint32_t loss_ppm[] = {0, 1000, 10000, 50000};
static const uint64_t rtt_ms[] = {1, 20, 100};

/* Mbit/s of payload, from the SYN to the last byte; 0 when the transfer failed. */
static double goodput(uint64_t seed, const struct tcp_cc_ops *cc, uint32_t loss, uint64_t rtt,
		      uint64_t *retransmits)
{
	struct sim sim;
	struct sim_pair p;

	sim_init(&sim, seed, false);
	sim_pair_init(&p, &sim);
	sim.max_us = 24 * 3600 * SIM_SECOND;
	sim_set_delay(&sim, rtt * SIM_MS);
	for (unsigned i = 0; i < 2; i++) {
		p.cfg[i].send_buffer_max = p.cfg[i].recv_buffer_max = TABLE_BUFFER;
		p.cfg[i].time_wait_us = 0;
		p.cfg[i].cc = cc;
		sim.link[i].cfg.rate = TABLE_RATE;
		sim.link[i].cfg.queue = TABLE_QUEUE;
	}
	sim.link[0].cfg.loss_ppm = loss;
	p.plan[0].send = TABLE_BYTES;
	sim_pair_start(&p);
	sim_streams_connect(&p.app[0], 0, SIM_CLIENT_PORT, SIM_PORT, &p.plan[0]);
	while (!sim.failed && p.app[1].complete == 0 && sim_step(&sim))
		;
	const double seconds = (double)sim.now_us / 1e6;
	const bool ok = !sim.failed && p.app[1].complete == 1 && seconds > 0;
	*retransmits = stack_get_counters(sim.host[0].stack)->tcp_retrans_segs;
	sim_pair_free(&p);
	sim_free(&sim);
	return ok ? (double)TABLE_BYTES * 8 / 1e6 / seconds : 0;
}

static void print_rows(uint64_t seed, const struct tcp_cc_ops *cc)
{
	for (size_t i = 0; i < sizeof loss_ppm / sizeof *loss_ppm; i++) {
		printf("\n  %5.1f ", loss_ppm[i] / 1e4);
		for (size_t k = 0; k < sizeof rtt_ms / sizeof *rtt_ms; k++) {
			uint64_t again;
			const double mbit = goodput(seed, cc, loss_ppm[i], rtt_ms[k], &again);
			printf("  %8.2f (%5llu)", mbit, (unsigned long long)again);
		}
	}
	printf("\n");
}

void sim_print_table(uint64_t seed)
{
	static const struct {
		const char *name;
		const struct tcp_cc_ops *ops;
	} cc[] = {{"CUBIC", &tcp_cc_cubic}, {"NewReno", &tcp_cc_newreno}};

	for (size_t n = 0; n < sizeof cc / sizeof *cc; n++) {
		printf("goodput in Mbit/s (segments sent again), %s, 64 MiB at 1 Gbit/s, seed "
		       "%llu\n",
		       cc[n].name, (unsigned long long)seed);
		printf("  loss %%");
		for (size_t k = 0; k < sizeof rtt_ms / sizeof *rtt_ms; k++)
			printf("   rtt %3llu ms     ", (unsigned long long)rtt_ms[k]);
		print_rows(seed, cc[n].ops);
	}
}
