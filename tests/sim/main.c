/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c — runs the scenarios. A case's seed is derived from --seed and its name, so that a case
 * can be run alone and gives the same packets.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/corpus.h"
#include "tests/sim/scenario.h"
#include "tests/sim/site.h"

#define RUNS_DEFAULT 320u
#define NAME_SIZE 64

struct options {
	uint64_t seed;
	const char *only;
	const char *corpus; /* directory for the fuzzer's inputs, or NULL */
	unsigned runs;
	bool verbose, list, tables, list_tables;
	const char *table; /* the only one, NULL: all */
};

struct totals {
	unsigned passed, failed;
	uint64_t work;
};

static const struct sim_group *const groups[] = {
	sim_transfer_groups, sim_close_groups, sim_window_groups, sim_quiet_groups,
	sim_hostile_groups,  sim_many_groups,  sim_http_groups,   sim_tamper_groups,
	sim_days_groups,     sim_flood_groups, sim_pmtu_groups,   sim_ecn_groups,
	sim_rcvbuf_groups,
};

static uint64_t seed_of(const struct options *o, const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3u;
	return sim_mix(sim_mix(o->seed) ^ h);
}

static void report_link(const struct sim *sim, unsigned from)
{
	const struct sim_link_counts *n = &sim->link[from].counts;

	printf("  link %s: %llu packets, %llu bytes; %llu lost, %llu dropped by rule, %llu by the "
	       "queue, %llu too big; %llu duplicated, %llu reordered, %llu damaged\n",
	       from ? "B → A" : "A → B", (unsigned long long)n->packets,
	       (unsigned long long)n->bytes, (unsigned long long)n->lost,
	       (unsigned long long)n->ruled, (unsigned long long)n->overflowed,
	       (unsigned long long)n->too_large, (unsigned long long)n->duplicated,
	       (unsigned long long)n->reordered, (unsigned long long)n->corrupted);
}

static void report(const struct options *o, const struct sim *sim, const char *name)
{
	if (sim->lines > SIM_TRACE_LINES && !o->verbose)
		printf("  … the last %u of %llu packets:\n", SIM_TRACE_LINES,
		       (unsigned long long)sim->lines);
	sim_print_trace(sim);
	report_link(sim, 0);
	report_link(sim, 1);
	printf("FAILED %s at %.6f s: %s\n", name, (double)sim->now_us / 1e6, sim->failure);
	if (sim->about[0])
		printf("  with %s\n", sim->about);
	printf("  again: build/tests/sim --seed %llu --only %s -v\n", (unsigned long long)o->seed,
	       name);
}

static void run_case(const struct options *o, const struct sim_group *g, unsigned index,
		     const struct site *site, struct totals *t)
{
	char name[NAME_SIZE];
	struct sim_corpus corpus = {.len = 0};
	struct sim sim;

	snprintf(name, sizeof name, "%s-%u", g->name, index);
	if (o->only && strcmp(o->only, g->name) != 0 && strcmp(o->only, name) != 0)
		return;
	if (o->list) {
		printf("%s\n", name);
		return;
	}
	sim_init(&sim, seed_of(o, name), o->verbose);
	sim.site = site;
	sim.corpus = o->corpus ? &corpus : NULL;
	g->run(&sim, index);
	t->work += sim.work;
	if (sim.failed) {
		t->failed++;
		report(o, &sim, name);
	} else {
		t->passed++;
		if (sim.note[0])
			printf("  %s: %s\n", name, sim.note);
		if (o->verbose)
			printf("ok %s: %.6f s, %llu packets, trace %016llx\n", name,
			       (double)sim.now_us / 1e6, (unsigned long long)sim.lines,
			       (unsigned long long)sim.hash);
	}
	if (o->corpus && !sim_corpus_write(&corpus, o->corpus, name)) {
		perror(o->corpus);
		t->failed++;
	}
	sim_free(&sim);
}

static void run_group(const struct options *o, const struct sim_group *g, const struct site *site,
		      struct totals *all)
{
	struct totals t = {0};
	const unsigned count = g->percent ? (o->runs * g->percent + 99) / 100 : g->count;

	for (unsigned i = 0; i < count; i++)
		run_case(o, g, i, site, &t);
	if (t.passed + t.failed > 0)
		printf("  %-16s %4u ok %3u failed %8.1f MB  %s\n", g->name, t.passed, t.failed,
		       (double)t.work / 1e6, g->about);
	fflush(stdout);
	all->passed += t.passed;
	all->failed += t.failed;
}

static int usage(void)
{
	fputs("usage: sim [--seed N] [--only GROUP or GROUP-INDEX] [--runs N] [-v] [--list] "
	      "[--corpus DIRECTORY] [--tables | --table NAME | --list-tables]\n",
	      stderr);
	return 2;
}

static bool parse(int argc, char **argv, struct options *o)
{
	*o = (struct options){.seed = 1, .runs = RUNS_DEFAULT};
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (!strcmp(argv[i], "-v"))
			o->verbose = true;
		else if (!strcmp(argv[i], "--list"))
			o->list = true;
		else if (!strcmp(argv[i], "--tables"))
			o->tables = true;
		else if (!strcmp(argv[i], "--list-tables"))
			o->list_tables = true;
		else if (!strcmp(argv[i], "--table") && value)
			o->table = argv[++i];
		else if (!strcmp(argv[i], "--seed") && value)
			o->seed = strtoull(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--runs") && value)
			o->runs = (unsigned)strtoul(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--only") && value)
			o->only = argv[++i];
		else if (!strcmp(argv[i], "--corpus") && value)
			o->corpus = argv[++i];
		else
			return false;
	}
	return true;
}

static int run_all(const struct options *o, const struct site *site)
{
	struct totals all = {0};

	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		for (const struct sim_group *g = groups[i]; g->name; g++)
			run_group(o, g, site, &all);
	if (o->list)
		return 0;
	printf("sim: %u passed, %u failed\n", all.passed, all.failed);
	return all.failed || all.passed == 0;
}

/* Runs the scenarios in a child, so that the directory is removed however they end. */
static int run_guarded(const struct options *o, const struct site *site)
{
	sigset_t set, before;
	int sig = 0, status = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &before);
	const pid_t parent = getpid(), child = fork();
	if (child < 0) {
		perror("sim: fork");
		return 2;
	}
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
			_exit(2);
		exit(run_all(o, site));
	}
	while (waitpid(child, &status, WNOHANG) == 0)
		if (sigwait(&set, &sig) == 0 && sig != SIGCHLD)
			kill(child, sig);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "sim: ended by signal %d (%s)\n", WTERMSIG(status),
		strsignal(WTERMSIG(status)));
	return 1;
}

int main(int argc, char **argv)
{
	struct site site = {0};
	struct options o;

	if (!parse(argc, argv, &o))
		return usage();
	if (o.list_tables) {
		sim_list_tables();
		return 0;
	}
	if (o.tables || o.table)
		return sim_print_tables(o.table, o.seed) ? 0 : usage();
	if (o.list)
		return run_all(&o, &site);
	const int status = site_create(&site) ? run_guarded(&o, &site) : 2;
	site_destroy(&site);
	return status;
}
