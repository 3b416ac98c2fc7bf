/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tamper.c — one thing goes wrong with one packet, for each packet of a connection in turn; and
 * round-trip times from 5 microseconds to 2 seconds. What users of other stacks have met there are
 * transfers that stall, timers that do not run, and everything being sent again.
 */
#include <stdio.h>

#include "tests/sim/scenario.h"

/* ------------------------------------------------------------------ one packet */

static const char *const act_name[SIM_ACTS] = {"lost", "doubled", "late", "damaged",
					       "there again later"};

#define WHICH 20u /* packets of one direction */
#define RUNS 3u   /* as many in a row: 1, 2, 5 */
#define HOLDS 3u

/* A number that is always the same is what keeps old duplicates and a new connection from being told apart. */
static unsigned isn_choice(enum sim_act act, unsigned index)
{
	return act == SIM_ACT_OLD ? 3 : index % 3;
}

static void run_tamper(struct sim *sim, unsigned index)
{
	static const unsigned row[RUNS] = {1, 2, 5};
	static const uint64_t hold[HOLDS] = {7 * SIM_MS, 45 * SIM_MS, 2 * SIM_SECOND};
	const enum sim_act act = index % SIM_ACTS;
	const unsigned from = index / SIM_ACTS % 2;
	const unsigned first = index / (SIM_ACTS * 2) % WHICH + 1;
	const unsigned count = row[index / (SIM_ACTS * 2 * WHICH) % RUNS];
	struct sim_pair p;

	sim_pair_init(&p, sim);
	for (unsigned i = 0; i < 2; i++) {
		sim_set_isn(&p.cfg[i], isn_choice(act, index));
		p.plan[i].send = 9000 + 4000 * i;
		p.cfg[i].mtu = 1500;
		sim->link[i].hold_us = hold[(index / 7) % HOLDS];
	}
	p.plan[index / 2 % 2].close = SIM_CLOSE_FIRST;
	p.plan[1 - index / 2 % 2].close = SIM_CLOSE_SECOND;
	sim_link_rule(&sim->link[from], act, SIM_MATCH_ANY, first, count);
	snprintf(sim->about, sizeof sim->about, "packets %u to %u of host %s are %s", first,
		 first + count - 1, from ? "B" : "A", act_name[act]);
	sim_pair_once(&p);
	/* A SYN that is lost five times in a row is the worst: 1 + 2 + 4 + 8 + 16 seconds; for the
	 * data behind it 3 more. */
	for (unsigned i = 0; i < 2 && !sim->failed; i++)
		if (p.app[i].complete_us > 40 * SIM_SECOND)
			sim_fail(sim, "host %s had its last byte at %.3f s", sim->host[i].name,
				 (double)p.app[i].complete_us / 1e6);
}

/* Two rules at once, on packets and in directions that chance has chosen. */
static void run_tamper_twice(struct sim *sim, unsigned index)
{
	struct sim_pair p;
	enum sim_act act[3];
	unsigned first[3];

	sim_pair_init(&p, sim);
	for (unsigned i = 0; i < 2; i++) {
		p.plan[i].send = sim_rng_below(&sim->rng, 30000);
		p.plan[i].close =
			sim_rng_chance(&sim->rng, SIM_PPM / 2) ? SIM_CLOSE_FIRST : SIM_CLOSE_DONE;
		sim->link[i].hold_us = sim_rng_magnitude(&sim->rng, 100, 3 * SIM_SECOND);
	}
	for (unsigned i = 0; i < 3; i++) {
		act[i] = (enum sim_act)sim_rng_below(&sim->rng, SIM_ACTS);
		/* An old SYN may come when all is over: run_tamper has that, where it is judged. */
		first[i] = (unsigned)sim_rng_between(
			&sim->rng, act[i] == SIM_ACT_OLD || act[i] == SIM_ACT_LATE ? 3 : 1, 25);
		sim_link_rule(&sim->link[i % 2], act[i], SIM_MATCH_ANY, first[i],
			      (unsigned)sim_rng_between(&sim->rng, 1, 3));
	}
	const bool old = act[0] == SIM_ACT_OLD || act[1] == SIM_ACT_OLD || act[2] == SIM_ACT_OLD;
	for (unsigned i = 0; i < 2; i++)
		sim_set_isn(&p.cfg[i], isn_choice(old ? SIM_ACT_OLD : SIM_ACT_DROP, index));
	snprintf(sim->about, sizeof sim->about, "A's %u. %s and %u. %s, B's %u. %s", first[0],
		 act_name[act[0]], first[2], act_name[act[2]], first[1], act_name[act[1]]);
	sim_pair_once(&p);
}

/* ------------------------------------------------------------------ from 5 us to 2 s */

static const uint64_t rtts[] = {5,     10,     20,     50,      100,     500,        2000,
				10000, 100000, 500000, 1000000, 1500000, 2 * 1000000};

#define RTTS ((unsigned)(sizeof rtts / sizeof *rtts))

/* Losses or none, small segments or large, from either side. */
static void run_rtt(struct sim *sim, unsigned index)
{
	static const uint32_t loss[] = {0, 10000};
	const uint64_t rtt = rtts[index % RTTS];
	const unsigned sender = index / RTTS % 2;
	const bool large = index / (RTTS * 2) % 2;
	const uint32_t ppm = loss[index / (RTTS * 4) % 2];
	struct sim_pair p;

	sim_pair_init(&p, sim);
	sim_set_delay(sim, rtt);
	sim->max_us = 24 * 3600 * SIM_SECOND;
	for (unsigned i = 0; i < 2; i++) {
		sim_set_isn(&p.cfg[i], index % 4);
		p.cfg[i].tso = p.cfg[i].checksum_offload = large;
		sim->link[i].cfg.coalesced = large;
		sim->link[i].cfg.loss_ppm = ppm;
		p.cfg[i].user_timeout_us = 24 * 3600 * SIM_SECOND;
	}
	p.plan[sender].send = 1000000;
	snprintf(sim->about, sizeof sim->about, "rtt %llu us, loss %u ppm%s",
		 (unsigned long long)rtt, ppm, large ? ", large segments" : "");
	sim_pair_once(&p);
	if (sim->failed || ppm)
		return;
	/* Nothing is lost, so nothing waits for a timer: slow start to the end in twelve round
	 * trips, and up to 3 s when the first round trip is longer than the first time-out. */
	const uint64_t most = 12 * rtt + (rtt >= SIM_SECOND ? 4 * SIM_SECOND : 20 * SIM_MS);
	if (p.app[1 - sender].complete_us > most)
		sim_fail(sim, "1 MB took %.6f s", (double)p.app[1 - sender].complete_us / 1e6);
	for (unsigned i = 0; i < 2 && rtt < SIM_SECOND; i++) {
		const struct stack_counters *n = stack_get_counters(sim->host[i].stack);
		if (n->tcp_retrans_segs || n->tcp_timeouts)
			sim_fail(sim, "host %s: %llu segments sent again, and none was lost",
				 sim->host[i].name, (unsigned long long)n->tcp_retrans_segs);
	}
}

const struct sim_group sim_tamper_groups[] = {
	{"tamper", "each packet in turn lost, doubled, late, damaged, or there again",
	 (unsigned)SIM_ACTS * 2 * WHICH *RUNS, 0, run_tamper},
	{"tamper-more", "three such things at once", 0, 50, run_tamper_twice},
	{"rtt", "round-trip times from 5 us to 2 s", RTTS * 8, 0, run_rtt},
	{0},
};
