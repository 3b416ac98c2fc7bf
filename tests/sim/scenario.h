/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario.h — the table of scenarios. A group is one function and the number of its cases; the
 * index of a case chooses its parameters, or it draws them from sim->rng. Every case builds its own
 * world, runs it until nothing is left to happen, and checks the end.
 */
#ifndef TESTS_SIM_SCENARIO_H
#define TESTS_SIM_SCENARIO_H

#include "tests/sim/sim.h"
#include "tests/sim/stream.h"

struct sim_group {
	const char *name;
	const char *about;
	unsigned count;
	/* The number follows --runs (in percent of it) instead of `count`. */
	unsigned percent;
	void (*run)(struct sim *sim, unsigned index);
};

/* Each ends with an entry whose name is NULL. */
extern const struct sim_group sim_transfer_groups[];
extern const struct sim_group sim_close_groups[];
extern const struct sim_group sim_window_groups[];
extern const struct sim_group sim_quiet_groups[];
extern const struct sim_group sim_tamper_groups[];
extern const struct sim_group sim_hostile_groups[];
extern const struct sim_group sim_many_groups[];
extern const struct sim_group sim_ecn_groups[];
extern const struct sim_group sim_http_groups[];
extern const struct sim_group sim_pmtu_groups[];
extern const struct sim_group sim_days_groups[];
extern const struct sim_group sim_flood_groups[];
extern const struct sim_group sim_rcvbuf_groups[];

/* Two stacks with stream applications: what most scenarios are made of. Host 0 is the client. */
struct sim_pair {
	struct sim *sim;
	struct stack_config cfg[2];
	struct sim_streams app[2];
	struct sim_plan plan[2];
};

#define SIM_PORT 80u
#define SIM_CLIENT_PORT 50000u

/* ISNs around which sequence numbers go wrong: 0, 2^31 - 1, 2^32 - 1000. */
extern const uint32_t sim_isns[3];
void sim_set_isn(struct stack_config *cfg, unsigned choice); /* 3 and more: the stack's own */
void sim_set_delay(struct sim *sim, uint64_t rtt_us);

/* Defaults; then change cfg, plan and sim->link, then sim_pair_start. */
void sim_pair_init(struct sim_pair *p, struct sim *sim);
/* Creates the stacks; host 1 listens. */
void sim_pair_start(struct sim_pair *p);
void sim_pair_free(struct sim_pair *p);
/* Starts, connects once at time 0, runs, and checks that both ends got everything and nothing is
 * left. */
void sim_pair_once(struct sim_pair *p);

/* --tables: see table.h. All of them with `name` NULL; false when there is none of that name. */
bool sim_print_tables(const char *name, uint64_t seed);
void sim_list_tables(void);

#endif
