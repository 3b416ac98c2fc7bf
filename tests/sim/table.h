/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.h — the golden tables: what TCP makes of a link, in virtual time. A table is a text that depends on the code
 * and the seed only, so tests/golden/ keeps one of each in git, and a change of congestion control or loss recovery
 * shows as a difference (`make golden` renews them).
 *
 * A cell runs for a fixed virtual time or until a number of bytes has arrived, whichever comes first; where chance
 * plays a part it runs with several seeds, and the run of median goodput counts. All numbers are integers.
 */
#ifndef TESTS_SIM_TABLE_H
#define TESTS_SIM_TABLE_H

#include "tests/sim/scenario.h"

#define TABLE_SEEDS 3u
#define TABLE_GIGABIT 125000000u /* bytes a second */
#define TABLE_100_MBIT 12500000u

/* One connection that sends as fast as it can. */
struct table_cell {
	const struct tcp_cc_ops *cc;
	uint64_t rtt_us;
	uint32_t buffer;             /* of sender and receiver, bytes           */
	uint64_t max_us, max_bytes;  /* the cell ends with the first of these   */
	struct sim_link_config path; /* what happens to data; its delay follows from rtt_us */
	uint32_t ack_loss_ppm;
};

struct table_run {
	uint64_t centi_mbit;  /* goodput in 10 kbit/s, from the SYN to the end */
	uint64_t again, lost; /* segments: sent once more, lost or overflowed  */
	uint64_t timeouts;
};

/* What all tables have in common: two stacks that speak IPv4, nobody who judges, checksums left out, a sender without
 * end; the clock stops at `until_us`. */
void table_world(struct sim_pair *p, struct sim *sim, uint64_t rtt_us, uint64_t until_us);
/* The median over the seeds. */
struct table_run table_cell(const struct table_cell *cell, uint64_t seed);

extern const struct table_cc {
	const char *name;
	const struct tcp_cc_ops *ops;
} table_cc[2]; /* CUBIC, NewReno */

void table_loss(uint64_t seed);
void table_bottleneck(uint64_t seed);
void table_paths(uint64_t seed);
void table_flows(uint64_t seed);

#endif
