/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table_flows.c — flows that share one bottleneck of 100 Mbit/s: how even their shares are (Jain, Chiu and Hawe, "A
 * quantitative measure of fairness", 1984: 1 is even, 1/n is all for one), and whether the link is full. They start one
 * after the other within the first second; what is counted begins when they have had time to meet.
 */
#include <stdio.h>

#include "tests/sim/table.h"

#define FLOWS_MAX 64u
#define BUFFER (4u << 20)
#define FROM (5 * SIM_SECOND)
#define UNTIL (20 * SIM_SECOND)
#define RTT (20 * SIM_MS)
#define QUEUE (TABLE_100_MBIT / 50) /* rate*rtt */

struct flows {
	struct sim sim;
	struct sim_pair p;
	unsigned count;
	uint64_t start[FLOWS_MAX], got[FLOWS_MAX]; /* bytes received at FROM, and since then */
	uint64_t again, sent;
};

static void take_start(void *ctx, const struct tcp_info *info)
{
	struct flows *f = ctx;

	f->start[info->remote.port - SIM_CLIENT_PORT] = info->bytes_in;
}

static void take_end(void *ctx, const struct tcp_info *info)
{
	struct flows *f = ctx;
	const unsigned i = info->remote.port - SIM_CLIENT_PORT;

	f->got[i] = info->bytes_in - f->start[i];
}

static void flows_init(struct flows *f, unsigned count, uint64_t seed)
{
	*f = (struct flows){.count = count};
	sim_init(&f->sim, sim_mix(seed), false);
	table_world(&f->p, &f->sim, RTT, UNTIL);
	for (unsigned i = 0; i < 2; i++) {
		f->p.cfg[i].send_buffer_max = f->p.cfg[i].recv_buffer_max = BUFFER;
		f->sim.link[i].cfg.rate = TABLE_100_MBIT;
		f->sim.link[i].cfg.queue = QUEUE;
	}
}

static void flows_run(struct flows *f, const struct tcp_cc_ops *const cc[2])
{
	sim_pair_start(&f->p);
	for (unsigned i = 0; i < f->count; i++) {
		struct sim_plan plan = f->p.plan[0];
		plan.cc = cc[i % 2];
		sim_streams_connect(&f->p.app[0], i * SIM_SECOND / f->count,
				    (uint16_t)(SIM_CLIENT_PORT + i), SIM_PORT, &plan);
	}
	while (f->sim.now_us < FROM && sim_step(&f->sim))
		;
	stack_each_conn(f->sim.host[1].stack, take_start, f);
	while (f->sim.now_us < UNTIL && sim_step(&f->sim))
		;
	stack_each_conn(f->sim.host[1].stack, take_end, f);
	if (f->sim.failed)
		printf("FAILED: %s\n", f->sim.failure);
	const struct stack_counters *n = stack_get_counters(f->sim.host[0].stack);
	f->again = n->tcp_retrans_segs;
	f->sent = n->tcp_out_segs;
	sim_pair_free(&f->p);
	sim_free(&f->sim);
}

/* (Σx)² / (n Σx²) in 1/10,000. */
static uint64_t jain(const struct flows *f)
{
	uint64_t sum = 0, squares = 0;

	for (unsigned i = 0; i < f->count; i++) {
		const uint64_t kb = f->got[i] / 1000;
		sum += kb;
		squares += kb * kb;
	}
	return squares ? sum * sum * 10000 / (f->count * squares) : 0;
}

/* Bytes received since FROM as Mbit/s * 100. */
static uint64_t centi_mbit(uint64_t bytes)
{
	return bytes * 800 / (UNTIL - FROM);
}

static void print_shares(const char *label, const struct flows *f)
{
	uint64_t sum = 0, least = UINT64_MAX, most = 0;

	for (unsigned i = 0; i < f->count; i++) {
		sum += f->got[i];
		least = f->got[i] < least ? f->got[i] : least;
		most = f->got[i] > most ? f->got[i] : most;
	}
	const uint64_t j = jain(f), all = centi_mbit(sum);
	const uint64_t a = centi_mbit(least), b = centi_mbit(most);
	const uint64_t again = f->sent ? f->again * 10000 / f->sent : 0;
	printf("  %-20s  %llu.%04llu  %6llu.%02llu  %6llu.%02llu  %6llu.%02llu  %4llu.%02llu %%\n",
	       label, (unsigned long long)(j / 10000), (unsigned long long)(j % 10000),
	       (unsigned long long)(all / 100), (unsigned long long)(all % 100),
	       (unsigned long long)(a / 100), (unsigned long long)(a % 100),
	       (unsigned long long)(b / 100), (unsigned long long)(b % 100),
	       (unsigned long long)(again / 100), (unsigned long long)(again % 100));
	fflush(stdout);
}

static void print_head(const char *what)
{
	printf("  %-20s  %6s  %9s  %9s  %9s  %6s\n", what, "Jain", "all", "least", "most",
	       "sent again");
}

static void print_equals(uint64_t seed)
{
	char label[32];

	for (unsigned n = 0; n < 2; n++) {
		const struct tcp_cc_ops *const cc[2] = {table_cc[n].ops, table_cc[n].ops};
		printf("\n%s\n", table_cc[n].name);
		print_head("flows");
		for (unsigned count = 1; count <= FLOWS_MAX; count *= 2) {
			struct flows f;
			flows_init(&f, count, seed);
			flows_run(&f, cc);
			snprintf(label, sizeof label, "%u", count);
			print_shares(label, &f);
		}
	}
}

/* Two flows, the second of which has the longer way. */
static void print_far(uint64_t seed)
{
	static const uint64_t rtt_ms[] = {20, 40, 100, 200};

	for (unsigned n = 0; n < 2; n++) {
		const struct tcp_cc_ops *const cc[2] = {table_cc[n].ops, table_cc[n].ops};
		printf("\n%s, two flows, one of rtt 20 ms and one of\n", table_cc[n].name);
		printf("  %-20s  %6s  %9s  %9s\n", "", "Jain", "20 ms", "farther");
		for (unsigned i = 0; i < 4; i++) {
			struct flows f;
			flows_init(&f, 2, seed);
			for (unsigned k = 0; k < 2; k++) {
				f.sim.link[k].cfg.far_port = SIM_CLIENT_PORT + 1;
				f.sim.link[k].cfg.far_us = (rtt_ms[i] * SIM_MS - RTT) / 2;
			}
			flows_run(&f, cc);
			const uint64_t j = jain(&f), a = centi_mbit(f.got[0]),
				       b = centi_mbit(f.got[1]);
			printf("  %3llu ms %13s  %llu.%04llu  %6llu.%02llu  %6llu.%02llu\n",
			       (unsigned long long)rtt_ms[i], "", (unsigned long long)(j / 10000),
			       (unsigned long long)(j % 10000), (unsigned long long)(a / 100),
			       (unsigned long long)(a % 100), (unsigned long long)(b / 100),
			       (unsigned long long)(b % 100));
		}
	}
}

/* CUBIC beside NewReno: in the region where Reno does well, RFC 9438 4.3 wants an even share. */
static void print_mixed(uint64_t seed)
{
	const struct tcp_cc_ops *const cc[2] = {table_cc[0].ops, table_cc[1].ops};

	printf("\nCUBIC beside as many flows of NewReno, Mbit/s of each kind\n");
	printf("  %-20s  %6s  %9s  %9s\n", "flows", "Jain", "CUBIC", "NewReno");
	for (unsigned count = 2; count <= FLOWS_MAX; count *= 2) {
		struct flows f;
		uint64_t sum[2] = {0};
		flows_init(&f, count, seed);
		flows_run(&f, cc);
		for (unsigned i = 0; i < count; i++)
			sum[i % 2] += f.got[i];
		const uint64_t j = jain(&f), a = centi_mbit(sum[0]), b = centi_mbit(sum[1]);
		printf("  %-20u  %llu.%04llu  %6llu.%02llu  %6llu.%02llu\n", count,
		       (unsigned long long)(j / 10000), (unsigned long long)(j % 10000),
		       (unsigned long long)(a / 100), (unsigned long long)(a % 100),
		       (unsigned long long)(b / 100), (unsigned long long)(b % 100));
	}
}

void table_flows(uint64_t seed)
{
	printf("Flows through one bottleneck of 100 Mbit/s, rtt 20 ms, a queue of rate*rtt; Mbit/s "
	       "from second 5 to 20\n");
	print_equals(seed);
	print_far(seed);
	print_mixed(seed);
}
