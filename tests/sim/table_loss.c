/* SPDX-License-Identifier: Apache-2.0 */
/* table_loss.c — the tables of one connection: against loss, round-trip time and buffer at 1 Gbit/s; against the queue
 * of a slower bottleneck; on paths that do other things to packets. */
#include <stdio.h>

#include "tests/sim/table.h"

#define KIB 1024u
#define MIB (1024u * KIB)

static const uint64_t rtt_ms[] = {1, 20, 100, 300};
#define RTTS (sizeof rtt_ms / sizeof *rtt_ms)

static void print_rtts(const char *first)
{
	printf("  %-18s", first);
	for (size_t k = 0; k < RTTS; k++)
		printf("  %16s %3llu ms", "rtt", (unsigned long long)rtt_ms[k]);
	printf("\n");
}

/* One row: the cell with each of the round-trip times. `row` sets what depends on them. */
static void print_row(const char *label, struct table_cell cell, uint64_t seed,
		      void (*row)(struct table_cell *cell))
{
	printf("  %-18s", label);
	for (size_t k = 0; k < RTTS; k++) {
		struct table_cell c = cell;
		c.rtt_us = rtt_ms[k] * SIM_MS;
		if (row)
			row(&c);
		const struct table_run r = table_cell(&c, seed);
		char again[24];
		snprintf(again, sizeof again, "%llu/%llu/%llu", (unsigned long long)r.again,
			 (unsigned long long)r.lost, (unsigned long long)r.timeouts);
		printf("  %5llu.%02llu %14s", (unsigned long long)(r.centi_mbit / 100),
		       (unsigned long long)(r.centi_mbit % 100), again);
		fflush(stdout);
	}
	printf("\n");
}

static void print_legend(const char *what)
{
	printf("%s\n", what);
	printf("goodput in Mbit/s, segments sent again/lost under way/time-outs\n");
}

/* ------------------------------------------------------------------ loss, RTT, buffer */

void table_loss(uint64_t seed)
{
	static const uint32_t loss_ppm[] = {0, 1000, 10000, 50000};
	static const uint32_t buffer[] = {64 * KIB, 512 * KIB, 8 * MIB};
	char label[32];

	print_legend("One connection at 1 Gbit/s, a queue of 1 MB, 64 MiB or 30 s");
	for (unsigned n = 0; n < 2; n++) {
		for (unsigned b = 0; b < 3; b++) {
			printf("\n%s, buffers of %u KiB\n", table_cc[n].name, buffer[b] / KIB);
			print_rtts("loss");
			for (unsigned i = 0; i < 4; i++) {
				const struct table_cell cell = {.cc = table_cc[n].ops,
								.buffer = buffer[b],
								.max_us = 30 * SIM_SECOND,
								.max_bytes = 64 * MIB,
								.path = {.rate = TABLE_GIGABIT,
									 .queue = 1000000,
									 .loss_ppm = loss_ppm[i]}};
				snprintf(label, sizeof label, "%u.%u %%", loss_ppm[i] / 10000,
					 loss_ppm[i] / 1000 % 10);
				print_row(label, cell, seed, NULL);
			}
		}
	}
}

/* ------------------------------------------------------------------ the queue of a bottleneck */

#define QUEUE_LEAST 30000u /* twenty packets */

static uint64_t product(const struct table_cell *cell)
{
	return cell->path.rate * cell->rtt_us / SIM_SECOND;
}

static void quarter(struct table_cell *cell)
{
	cell->path.queue = product(cell) / 4;
	if (cell->path.queue < QUEUE_LEAST)
		cell->path.queue = QUEUE_LEAST;
}

static void whole(struct table_cell *cell)
{
	cell->path.queue = product(cell);
	if (cell->path.queue < QUEUE_LEAST)
		cell->path.queue = QUEUE_LEAST;
}

static void four(struct table_cell *cell)
{
	cell->path.queue = 4 * product(cell);
	if (cell->path.queue < QUEUE_LEAST)
		cell->path.queue = QUEUE_LEAST;
}

void table_bottleneck(uint64_t seed)
{
	static const struct {
		const char *label;
		void (*set)(struct table_cell *cell);
	} queue[] = {{"1/4 of it", quarter}, {"all of it", whole}, {"4 times", four}};

	print_legend("One connection through a bottleneck of 100 Mbit/s that loses nothing but "
		     "what its queue does not "
		     "hold,\nbuffers of 16 MiB, 20 s");
	for (unsigned n = 0; n < 2; n++) {
		printf("\n%s\n", table_cc[n].name);
		print_rtts("queue, of rate*rtt");
		for (unsigned i = 0; i < 3; i++) {
			const struct table_cell cell = {.cc = table_cc[n].ops,
							.buffer = 16 * MIB,
							.max_us = 20 * SIM_SECOND,
							.max_bytes = UINT64_MAX,
							.path = {.rate = TABLE_100_MBIT}};
			print_row(queue[i].label, cell, seed, queue[i].set);
		}
	}
}

/* ------------------------------------------------------------------ paths */

static void reorder_little(struct table_cell *cell)
{
	cell->path.reorder_ppm = 10000;
	cell->path.reorder_us = cell->rtt_us / 8;
	whole(cell);
}

static void reorder_much(struct table_cell *cell)
{
	cell->path.reorder_ppm = 10000;
	cell->path.reorder_us = cell->rtt_us;
	whole(cell);
}

/* Gilbert: 0.1 % of the packets begin a burst, in which all are lost, three on average. */
static void bursts(struct table_cell *cell)
{
	cell->path.burst_enter_ppm = 1000;
	cell->path.burst_leave_ppm = 333333;
	cell->path.burst_loss_ppm = SIM_PPM;
	whole(cell);
}

/* Rarer and longer: thirty on average. */
static void long_bursts(struct table_cell *cell)
{
	cell->path.burst_enter_ppm = 100;
	cell->path.burst_leave_ppm = 33333;
	cell->path.burst_loss_ppm = SIM_PPM;
	whole(cell);
}

static void duplicates(struct table_cell *cell)
{
	cell->path.duplicate_ppm = 10000;
	whole(cell);
}

static void jitter(struct table_cell *cell)
{
	cell->path.jitter_us = cell->rtt_us / 4;
	whole(cell);
}

static void lost_acks(struct table_cell *cell)
{
	cell->ack_loss_ppm = 200000;
	whole(cell);
}

void table_paths(uint64_t seed)
{
	static const struct {
		const char *label;
		void (*set)(struct table_cell *cell);
	} path[] = {
		{"nothing", whole},
		{"reorder 1 %, rtt/8", reorder_little},
		{"reorder 1 %, rtt", reorder_much},
		{"bursts of 3", bursts},
		{"bursts of 30", long_bursts},
		{"duplicates 1 %", duplicates},
		{"jitter of rtt/4", jitter},
		{"ACKs lost 20 %", lost_acks},
	};

	print_legend("One connection at 100 Mbit/s with a queue of rate*rtt (30 kB at least), "
		     "buffers of 16 MiB, 10 s, "
		     "and a path\nthat does this");
	for (unsigned n = 0; n < 2; n++) {
		printf("\n%s\n", table_cc[n].name);
		print_rtts("path");
		for (unsigned i = 0; i < sizeof path / sizeof *path; i++) {
			const struct table_cell cell = {.cc = table_cc[n].ops,
							.buffer = 16 * MIB,
							.max_us = 10 * SIM_SECOND,
							.max_bytes = UINT64_MAX,
							.path = {.rate = TABLE_100_MBIT}};
			print_row(path[i].label, cell, seed, path[i].set);
		}
	}
}
