/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecn.c — explicit congestion notification (RFC 3168, RFC 9768) over bottlenecks that mark instead of dropping, and over
 * paths that mistreat it: nothing is lost to a queue that can say that it grows, and nobody who asks for
 * ECN is worse off than without.
 */
#include <stdio.h>

#include "tests/sim/scenario.h"

#define RATE 12500000u /* bytes a second: 100 Mbit/s */
#define BYTES (10u << 20)
#define BUFFER (4u << 20)
#define HOUR (3600 * SIM_SECOND)

static const struct stack_counters *counters(const struct sim *sim, unsigned host)
{
	return stack_get_counters(sim->host[host].stack);
}

/* Two hosts that both want ECN; who sends, which version of IP, which algorithm, with offload or without, which feedback,
 * are the low bits of the index. Returns the sender. */
static unsigned set_up(struct sim_pair *p, struct sim *sim, unsigned index, uint64_t rtt_us)
{
	const unsigned sender = index % 2;

	sim->ipv6 = index / 2 % 2;
	sim_pair_init(p, sim);
	sim->max_us = HOUR;
	sim_set_delay(sim, rtt_us);
	for (unsigned i = 0; i < 2; i++) {
		p->cfg[i].ecn = i == 1                ? STACK_ECN_ANSWER
				: index / 16 % 2 == 0 ? STACK_ECN_ASK
						      : STACK_ECN_ASK_ACCURATE;
		p->cfg[i].cc = index / 4 % 2 ? &tcp_cc_newreno : &tcp_cc_cubic;
		p->cfg[i].send_buffer_max = p->cfg[i].recv_buffer_max = BUFFER;
		p->cfg[i].tso = p->cfg[i].checksum_offload = index / 8 % 2;
	}
	p->plan[sender].send = BYTES;
	p->plan[0].close = p->plan[1].close = SIM_CLOSE_DONE;
	return sender;
}

/* Share of the bottleneck that was used, in percent, from the SYN at `from_us` to the last byte, less ten round trips for
 * the handshake and slow start. */
static unsigned used(const struct sim_pair *p, unsigned sender, uint64_t from_us)
{
	const struct sim *sim = p->sim;
	const uint64_t us = p->app[1 - sender].complete_us - from_us -
			    10 * (sim->link[0].cfg.delay_us + sim->link[1].cfg.delay_us);

	return (unsigned)(100ull * BYTES * SIM_SECOND / RATE / us);
}

/* ------------------------------------------------------------------ a bottleneck that marks */

static void run_mark(struct sim *sim, unsigned index)
{
	static const uint64_t rtt_ms[] = {5, 20, 80};
	const uint64_t rtt_us = rtt_ms[index / 32 % 3] * SIM_MS;
	const uint64_t bdp = RATE / SIM_MS * (rtt_us / SIM_MS);
	struct sim_pair p;
	const unsigned sender = set_up(&p, sim, index, rtt_us);
	struct sim_link *l = &sim->link[sender];

	l->cfg.rate = RATE;
	l->cfg.ce_threshold = bdp / 2 > 30000 ? bdp / 2 : 30000;
	snprintf(sim->about, sizeof sim->about, "rtt %llu ms, marks from %llu bytes on",
		 (unsigned long long)rtt_us / 1000, (unsigned long long)l->cfg.ce_threshold);
	sim_pair_once(&p);
	if (sim->failed)
		return;
	const struct stack_counters *n = counters(sim, sender);
	if (n->tcp_retrans_segs || n->tcp_timeouts)
		sim_fail(sim, "%llu segments sent again where nothing is dropped",
			 (unsigned long long)n->tcp_retrans_segs);
	else if (l->counts.marked == 0 || n->tcp_ecn_reductions == 0)
		sim_fail(sim, "%llu packets marked, %llu reductions",
			 (unsigned long long)l->counts.marked,
			 (unsigned long long)n->tcp_ecn_reductions);
	else if (counters(sim, 1 - sender)->tcp_ecn_ce_in == 0)
		sim_fail(sim, "no mark has been seen");
	else if (used(&p, sender, 0) < 90)
		sim_fail(sim, "only %u %% of the bottleneck were used", used(&p, sender, 0));
	/* Slow start overshoots by a window, once; a sender that does not listen fills the buffers. */
	else if (l->counts.waiting_max > l->cfg.ce_threshold + 3 * bdp + 100000)
		sim_fail(sim, "up to %llu bytes waited", (unsigned long long)l->counts.waiting_max);
	if (sim->verbose)
		printf("  %u %% used, %llu marked, %llu reductions, %llu bytes waited\n",
		       used(&p, sender, 0), (unsigned long long)l->counts.marked,
		       (unsigned long long)n->tcp_ecn_reductions,
		       (unsigned long long)l->counts.waiting_max);
}

/* ------------------------------------------------------------------ paths that mistreat it */

static void run_path(struct sim *sim, unsigned index)
{
	static const enum sim_ecn_path path[] = {SIM_ECN_BLEACH, SIM_ECN_MARK_ALL, SIM_ECN_DROP_ECT,
						 SIM_ECN_DROP_SETUP};
	static const char *const name[] = {"clears the field", "marks everything", "drops ECT",
					   "drops SYNs that ask"};
	const unsigned kind = index / 32 % 4;
	struct sim_pair p;
	const unsigned sender = set_up(&p, sim, index, 20 * SIM_MS);
	/* The third SYN, which asks for nothing, is the first to arrive: RFC 6298 2.1, 5.5. */
	const uint64_t from_us = path[kind] == SIM_ECN_DROP_SETUP ? 3 * SIM_SECOND : 0;

	snprintf(sim->about, sizeof sim->about, "a path that %s", name[kind]);
	for (unsigned i = 0; i < 2; i++) {
		sim->link[i].cfg.ecn = path[kind];
		sim->link[i].cfg.rate = RATE;
		sim->link[i].cfg.queue = RATE / 50;
		sim->link[i].cfg.ce_threshold = RATE / 100;
	}
	sim_pair_once(&p);
	if (sim->failed)
		return;
	const struct stack_counters *n = counters(sim, sender);
	const bool gives_up = path[kind] == SIM_ECN_MARK_ALL || path[kind] == SIM_ECN_DROP_ECT;
	if ((n->tcp_ecn_given_up > 0) != gives_up)
		sim_fail(sim, "ECT was%s given up", gives_up ? " not" : "");
	else if (path[kind] == SIM_ECN_DROP_SETUP && counters(sim, 0)->tcp_ecn_syn_fallbacks == 0)
		sim_fail(sim, "the SYN never went without");
	else if (path[kind] == SIM_ECN_DROP_SETUP && n->tcp_ecn_negotiated != 0)
		sim_fail(sim, "ECN was agreed on");
	else if (used(&p, sender, from_us) < 25)
		sim_fail(sim, "only %u %% of the bottleneck were used", used(&p, sender, from_us));
	if (sim->verbose)
		printf("  %u %% used, %llu sent again\n", used(&p, sender, from_us),
		       (unsigned long long)n->tcp_retrans_segs);
}

/* Marks by chance, on any packet that may have them, in both directions, with losses: what was sent arrives. */
static void run_chance(struct sim *sim, unsigned index)
{
	static const uint32_t chance[] = {1000, 10000, 100000, 500000};
	struct sim_pair p;

	set_up(&p, sim, index, 30 * SIM_MS);
	for (unsigned i = 0; i < 2; i++) {
		sim->link[i].cfg.ce_ppm = chance[index / 32 % 4];
		sim->link[i].cfg.loss_ppm = index % 3 ? 5000 : 0;
		sim->link[i].cfg.coalesced = index / 8 % 2;
		p.plan[i].send = 500000;
		p.cfg[i].user_timeout_us = HOUR;
	}
	snprintf(sim->about, sizeof sim->about, "%u of a million are marked",
		 chance[index / 32 % 4]);
	sim_pair_once(&p);
	/* Within the recovery from a loss a mark does nothing. */
	if (!sim->failed && counters(sim, 0)->tcp_ecn_reductions == 0 &&
	    sim->link[0].counts.marked > 2 && sim->link[0].cfg.loss_ppm == 0)
		sim_fail(sim, "marks, but no reduction");
}

const struct sim_group sim_ecn_groups[] = {
	{"ecn-mark", "a bottleneck that marks drops nothing", 96, 0, run_mark},
	{"ecn-path", "paths that mistreat ECN", 128, 0, run_path},
	{"ecn-chance", "marks by chance, and losses", 128, 0, run_chance},
	{0},
};
