/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window.c — flow control: applications that do not read, read late, read a little or stop for good; windows
 * that are shut on both sides; window updates that get lost; closes that wait behind a shut window.
 */
#include <stdio.h>

#include "tests/sim/scenario.h"

#define DAY (24ull * 3600 * SIM_SECOND)

/* ------------------------------------------------------------------ late readers */

/* One side or both do not read before `from`, and by then much more is waiting than fits. The updates of the
 * window may get lost: only probes bring the transfer back to life (RFC 9293 3.8.6.1). */
static void run_zero_window(struct sim *sim, unsigned index)
{
	static const uint64_t from[] = {300 * SIM_MS, 10 * SIM_SECOND, 3600 * SIM_SECOND};
	const unsigned sides = index % 3 + 1; /* bit per side that sends */
	const uint64_t late = from[index / 3 % 3];
	const unsigned lost = index / 9 % 4;
	const unsigned isn = index / 36;
	struct sim_pair p;

	sim_pair_init(&p, sim);
	sim->max_us = DAY;
	for (unsigned i = 0; i < 2; i++) {
		sim_set_isn(&p.cfg[i], isn);
		p.cfg[i].recv_buffer_max = 16384;
		p.cfg[i].tso = index % 2;
		p.cfg[i].checksum_offload = p.cfg[i].tso;
		p.plan[1 - i].read_from_us = late;
		p.plan[i].close = SIM_CLOSE_SENT; /* who gives its handle back has less time */
		if (sides & 1u << i)
			p.plan[i].send = 100000;
		if (lost)
			sim_link_drop(&sim->link[i], SIM_MATCH_WINDOW_UPDATE, 1, lost);
	}
	snprintf(sim->about, sizeof sim->about,
		 "%s sending, no reading before %llu s, the first %u window updates lost",
		 sides == 3 ? "both" : (sides == 1 ? "A" : "B"),
		 (unsigned long long)(late / SIM_SECOND), lost);
	sim_pair_once(&p);
	/* When no update was lost, nobody waits for the next probe. */
	for (unsigned i = 0; i < 2 && !lost && !sim->failed; i++)
		if (p.app[i].complete_us > late + SIM_SECOND)
			sim_fail(sim, "host %s had to wait until %.3f s", sim->host[i].name,
				 (double)p.app[i].complete_us / 1e6);
}

/* Exactly what fits, a byte less and a byte more, and then the FIN: it may not be sent beyond the edge. */
static void run_brim(struct sim *sim, unsigned index)
{
	static const uint32_t buffer[] = {4096, 16384, 32768, 65536};
	const uint32_t size = buffer[index % 4];
	const unsigned sender = index / 4 % 2;
	struct sim_pair p;

	sim_pair_init(&p, sim);
	for (unsigned i = 0; i < 2; i++) {
		sim_set_isn(&p.cfg[i], index / 24 % 4);
		p.cfg[i].recv_buffer_max = size;
		p.cfg[i].tso = index / 96;
		p.cfg[i].checksum_offload = p.cfg[i].tso;
		p.plan[i].close = SIM_CLOSE_SENT;
	}
	p.plan[sender].send = size + index / 8 % 3 - 1;
	p.plan[1 - sender].read_from_us = 5 * SIM_SECOND;
	snprintf(sim->about, sizeof sim->about, "%llu bytes into %u",
		 (unsigned long long)p.plan[sender].send, size);
	sim_pair_once(&p);
}

/* Reads that open the window by a little at a time: no silly windows, and no end to patience. */
static void run_slow_reader(struct sim *sim, unsigned index)
{
	static const uint32_t reads[] = {1, 100, 1460, 5000};
	struct sim_pair p;

	sim_pair_init(&p, sim);
	sim->max_us = DAY;
	p.plan[1].send = reads[index % 4] * 1000ull + 20000;
	p.plan[0].read_max = reads[index % 4];
	p.plan[0].read_pause_us = 5 * SIM_MS;
	p.cfg[0].recv_buffer_max = index / 4 % 2 ? 4096 : 16384;
	p.cfg[1].send_buffer_max = index / 8 % 2 ? 4096 : 65536;
	p.cfg[0].mtu = p.cfg[1].mtu = index / 16 % 2 ? 65535 : 1500;
	snprintf(sim->about, sizeof sim->about, "%u bytes each 5 ms, buffer %u, mtu %u",
		 p.plan[0].read_max, p.cfg[0].recv_buffer_max, p.cfg[0].mtu);
	sim_pair_once(&p);
	/* 20,000 packets would be one for each byte. */
	if (!sim->failed && sim->lines > 2000 + 2 * (p.plan[1].send / 1000))
		sim_fail(sim, "%llu packets for %llu bytes: a silly window",
			 (unsigned long long)sim->lines, (unsigned long long)p.plan[1].send);
}

/* ------------------------------------------------------------------ readers that never come */

/* The reader stops for good, its stack answers every probe. A sender that has given its handle back must not
 * live for ever (CVE-2008-4609); one that keeps it decides for itself. */
static void run_never_reads(struct sim *sim, unsigned index)
{
	const unsigned sender = index % 2;
	const unsigned how = index / 2 % 3;
	const unsigned isn = index / 6;
	struct sim_pair p;

	sim_pair_init(&p, sim);
	sim->max_us = DAY;
	for (unsigned i = 0; i < 2; i++) {
		sim_set_isn(&p.cfg[i], isn);
		p.cfg[i].recv_buffer_max = 16384;
		p.plan[i].may_miss = true;
		p.plan[i].reasons = 1u << TCP_CLOSE_TIMEOUT | 1u << TCP_CLOSE_RESET;
	}
	p.plan[sender].send = 200000;
	p.plan[sender].close = how == 0 ? SIM_CLOSE_AT_ONCE : SIM_CLOSE_FIRST;
	p.plan[1 - sender].close = SIM_CLOSE_NEVER;
	p.plan[1 - sender].read_from_us = UINT64_MAX;
	p.plan[1 - sender].give_up_us = how == 1 ? 1000 * SIM_SECOND : 10 * 3600 * SIM_SECOND;
	if (how == 2) /* the owner has its own limit, and the reader a longer one */
		p.plan[sender].give_up_us = 600 * SIM_SECOND;
	snprintf(sim->about, sizeof sim->about, "host %s sends; %s", sender ? "B" : "A",
		 how == 0   ? "its handle is given back"
		 : how == 1 ? "the reader gives up first"
			    : "the sender's owner gives up first");
	sim_pair_once(&p);
}

/* ------------------------------------------------------------------ long pauses */

/* Thirty days of silence in ESTABLISHED, longer than timestamps are good for (RFC 7323 5.5), then the rest
 * of the transfer. */
static void run_idle(struct sim *sim, unsigned index)
{
	struct sim_pair p;
	const unsigned who = index % 2;

	sim_pair_init(&p, sim);
	sim->max_us = 100 * DAY;
	for (unsigned i = 0; i < 2; i++)
		sim_set_isn(&p.cfg[i], index / 2 % 4);
	p.plan[1 - who].send = 100;
	p.plan[1 - who].close = SIM_CLOSE_DONE;
	p.plan[who].send = 50000;
	p.plan[who].write_from_us = 30 * DAY;
	p.plan[who].close = SIM_CLOSE_DONE;
	snprintf(sim->about, sizeof sim->about, "host %s is silent for 30 days", who ? "B" : "A");
	sim_pair_once(&p);
}

const struct sim_group sim_window_groups[] = {
	{"zero-window", "late readers, lost window updates", 4 * 36, 0, run_zero_window},
	{"brim", "exactly what the window takes, and a FIN", 192, 0, run_brim},
	{"slow-reader", "a few bytes at a time", 32, 0, run_slow_reader},
	{"never-reads", "readers that stop for good", 24, 0, run_never_reads},
	{"idle", "thirty days of silence", 8, 0, run_idle},
	{0},
};
