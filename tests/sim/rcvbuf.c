/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rcvbuf.c — receive buffer auto-tuning over whole transfers: a window that grows must not be what a
 * transfer waits for, and does not grow for those who do not need it.
 */
#include <stdio.h>

#include "tests/sim/scenario.h"

#define BUFFER (32u << 20)
#define RATE 125000000u /* 1 Gbit/s */

/* The virtual time of one transfer, and the largest window that its receiver had. */
static uint64_t transfer(struct sim *sim, uint32_t initial, uint64_t rtt_us, uint64_t bytes,
			 uint32_t loss_ppm)
{
	struct sim_pair p;

	sim_pair_init(&p, sim);
	sim->max_us = 3600 * SIM_SECOND;
	sim_set_delay(sim, rtt_us);
	for (unsigned i = 0; i < 2; i++) {
		p.cfg[i].send_buffer_max = p.cfg[i].recv_buffer_max = BUFFER;
		p.cfg[i].recv_buffer_initial = initial;
		p.cfg[i].tso = p.cfg[i].checksum_offload = true;
		sim->link[i].cfg.rate = RATE;
		sim->link[i].cfg.queue = 2 * BUFFER; /* nothing is lost to a queue */
		sim->link[i].cfg.loss_ppm = loss_ppm;
	}
	p.plan[0].send = bytes;
	sim_pair_once(&p);
	return p.app[1].complete_us;
}

/* Slow start alone decides: the same transfer with a window that is large from the start is at
 * most a fiftieth and a round trip faster. */
static void run_autotune(struct sim *sim, unsigned index)
{
	static const uint64_t rtt[] = {300, 20, 1, 100};
	const uint64_t rtt_us = rtt[index % 4] * SIM_MS;
	const uint64_t bytes = index % 4 == 0 ? 96u << 20 : 32u << 20;
	struct sim fixed;

	snprintf(sim->about, sizeof sim->about, "rtt %llu ms, %llu MB",
		 (unsigned long long)rtt[index % 4], (unsigned long long)bytes >> 20);
	sim_init(&fixed, sim->seed, false);
	const uint64_t best = transfer(&fixed, BUFFER, rtt_us, bytes, 0);
	const bool ok = !fixed.failed;
	sim_free(&fixed);
	const uint64_t tuned = transfer(sim, 64u << 10, rtt_us, bytes, 0);
	if (!ok)
		sim_fail(sim, "the transfer with a fixed window failed");
	else if (!sim->failed && tuned > best + best / 50 + rtt_us)
		sim_fail(sim, "%.3f s with a window that grows, %.3f s with a large one",
			 (double)tuned / 1e6, (double)best / 1e6);
}

const struct sim_group sim_rcvbuf_groups[] = {
	{"autotune", "a window that grows with the need", 4, 0, run_autotune},
	{0},
};
