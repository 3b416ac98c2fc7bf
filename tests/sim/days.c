/* SPDX-License-Identifier: Apache-2.0 */
/*
 * days.c — thirty days in the life of a server, in virtual time: some thousand connections of every kind, weather that
 * changes every few hours, and blackouts of two hours in which everything is lost both ways. Timestamps wrap (RFC 7323
 * 5.4: the clock of 1 ms after 24.8 days), windows rest for a week. In the end there is no connection and no byte left,
 * and whoever met no blackout has got all of its bytes.
 */
#include <stdio.h>

#include "tests/sim/scenario.h"

#define MINUTE (60 * SIM_SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define DAYS 30u
#define BLACKOUT (2 * HOUR)
#define FIRST_PORT 20000u
#define SERVICE 8000u /* the first of the server's ports, one a kind */

struct days;

struct kind {
	const char *name;
	unsigned count;
	uint64_t lasts_us; /* a connection that meets no blackout is over by then */
	bool rude;         /* ends with a reset on purpose                        */
	struct sim_plan client, server;
};

#define ANY_REASON UINT32_MAX

/* What a server cannot know is that a client has vanished: its patience ends some day. */
#define PATIENT \
	.close = SIM_CLOSE_DONE, .give_up_us = 3 * HOUR, .may_miss = true, .reasons = ANY_REASON

static const struct kind kinds[] = {
	{"short",
	 1500,
	 10 * MINUTE,
	 false,
	 {.send = 200, .close = SIM_CLOSE_DONE},
	 {.send = 3000, PATIENT}},
	{"server first",
	 500,
	 10 * MINUTE,
	 false,
	 {.send = 200, .close = SIM_CLOSE_SECOND},
	 {.send = 20000, PATIENT}},
	{"download",
	 150,
	 40 * MINUTE,
	 false,
	 {.send = 200, .close = SIM_CLOSE_DONE},
	 {.send = 1000000, PATIENT}},
	{"upload",
	 150,
	 40 * MINUTE,
	 false,
	 {.send = 1000000, .close = SIM_CLOSE_DONE},
	 {.send = 200, PATIENT}},
	{"half-close",
	 300,
	 20 * MINUTE,
	 false,
	 {.send = 500, .close = SIM_CLOSE_FIRST},
	 {.send = 100000, PATIENT}},
	{"reset",
	 300,
	 10 * MINUTE,
	 true,
	 {.send = 200, .close = SIM_CLOSE_ABORT},
	 {.send = 3000, PATIENT}},
	{"keep-alive",
	 200,
	 90 * MINUTE,
	 false,
	 {.send = 1000, .write_max = 200, .write_pause_us = 15 * MINUTE, .close = SIM_CLOSE_DONE},
	 {.send = 1000, .echo = true, PATIENT}},
	/* The window shuts; after a while the server has enough. */
	{"deaf",
	 100,
	 20 * MINUTE,
	 true,
	 {.send = 200, .read_from_us = UINT64_MAX, .close = SIM_CLOSE_NEVER},
	 {.send = 1000000,
	  .give_up_us = 10 * MINUTE,
	  .close = SIM_CLOSE_DONE,
	  .may_miss = true,
	  .reasons = ANY_REASON}},
	/* Opens a connection and says nothing. */
	{"silent",
	 100,
	 20 * MINUTE,
	 true,
	 {.close = SIM_CLOSE_NEVER},
	 {.send = 1,
	  .write_from_us = UINT64_MAX,
	  .give_up_us = 10 * MINUTE,
	  .close = SIM_CLOSE_NEVER,
	  .may_miss = true,
	  .reasons = ANY_REASON}},
	/* Opened by hand, see long_lives. */
	{"month",
	 0,
	 0,
	 false,
	 {.close = SIM_CLOSE_DONE},
	 {.send = 200000, .echo = true, .close = SIM_CLOSE_DONE, .reasons = 0}},
	{"week",
	 0,
	 0,
	 false,
	 {.close = SIM_CLOSE_DONE},
	 {.send = 200, .close = SIM_CLOSE_DONE, .reasons = 0}},
	{"trickle",
	 0,
	 0,
	 false,
	 {.close = SIM_CLOSE_DONE},
	 {.send = 174000, .echo = true, .close = SIM_CLOSE_DONE, .reasons = 0}},
};

enum {
	KINDS = sizeof kinds / sizeof *kinds,
	MONTH = KINDS - 3,
	WEEK,
	TRICKLE
};

#define WEEK_HALF (4u << 20)

static const unsigned blackout_day[] = {2, 5, 9, 12, 16, 20, 23, 28};

struct days {
	struct sim *sim;
	struct sim_pair p;
	unsigned opened, sure, sure_server; /* connections: all, those that must succeed */
	unsigned ports;                     /* of the client's, that each kind uses in turn */
	unsigned port[KINDS];               /* used so far */
	bool dark;
	struct sim_link_config weather;
};

/* They begin at one o'clock, and every fourth hour is free of them: when the trickle flows. */
static uint64_t blackout_from(unsigned i)
{
	return blackout_day[i] * DAY + 4 * HOUR * (i % 6) + HOUR;
}

static bool meets_blackout(uint64_t from, uint64_t until)
{
	for (unsigned i = 0; i < sizeof blackout_day / sizeof *blackout_day; i++)
		if (from < blackout_from(i) + BLACKOUT && until > blackout_from(i))
			return true;
	return false;
}

/* ------------------------------------------------------------------ the link */

static void set_links(struct days *d)
{
	for (unsigned i = 0; i < 2; i++) {
		d->sim->link[i].cfg = d->weather;
		if (d->dark)
			d->sim->link[i].cfg.loss_ppm = SIM_PPM;
	}
}

static void darken(void *ctx, void *arg)
{
	struct days *d = ctx;

	d->dark = arg != NULL;
	set_links(d);
}

static void change_weather(void *ctx, void *arg)
{
	static const uint32_t loss[] = {0, 100, 1000, 10000};
	struct days *d = ctx;
	struct sim_rng *r = &d->sim->rng;

	(void)arg;
	const uint64_t delay = sim_rng_magnitude(r, SIM_MS, 120 * SIM_MS);
	d->weather = (struct sim_link_config){
		.delay_us = delay,
		.rate = sim_rng_magnitude(r, 1000000, 100000000),
		.queue = sim_rng_magnitude(r, 30000, 1000000),
		.loss_ppm = loss[sim_rng_below(r, 4)],
		.reorder_ppm = sim_rng_chance(r, SIM_PPM / 4) ? 10000 : 0,
		.reorder_us = delay / 2,
		.duplicate_ppm = sim_rng_chance(r, SIM_PPM / 4) ? 5000 : 0,
		.corrupt_ppm = sim_rng_chance(r, SIM_PPM / 4) ? 1000 : 0,
	};
	set_links(d);
	if (d->sim->now_us < DAYS * DAY)
		sim_at(d->sim, d->sim->now_us + 6 * HOUR, change_weather, d, NULL);
}

/* ------------------------------------------------------------------ connections */

static void listen_for(struct days *d, unsigned kind)
{
	struct sim_plan plan = kinds[kind].server;

	plan.receive = kind == MONTH || kind == TRICKLE ? plan.send
		       : kind == WEEK                   ? 2ull * WEEK_HALF
							: kinds[kind].client.send;
	sim_streams_listen(&d->p.app[1], (uint16_t)(SERVICE + kind), 64, &plan);
}

static void open_one(struct days *d, unsigned kind, uint64_t at_us, struct sim_plan *plan)
{
	plan->echoed = kinds[kind].server.echo;
	sim_streams_connect(&d->p.app[0], at_us,
			    (uint16_t)(FIRST_PORT + d->port[kind]++ % d->ports),
			    (uint16_t)(SERVICE + kind), plan);
	d->opened++;
}

static void open_kind(struct days *d, unsigned kind)
{
	const struct kind *k = &kinds[kind];

	for (unsigned i = 0; i < k->count; i++) {
		const uint64_t at = sim_rng_below(&d->sim->rng, (DAYS - 1) * DAY);
		struct sim_plan plan = k->client;
		plan.receive = k->server.send;
		const bool sure = !meets_blackout(at, at + k->lasts_us);
		if (!sure || k->rude) {
			plan.reasons = ANY_REASON;
			plan.may_miss = true;
			plan.give_up_us = 4 * HOUR;
		}
		d->sure += sure && !k->rude;
		d->sure_server += sure;
		open_one(d, kind, at, &plan);
	}
}

static void open_long_lives(struct days *d)
{
	struct sim_plan plan = kinds[MONTH].client;

	/* Says something, is silent until the peer's timestamps can no longer be compared, and goes on. */
	plan.send = plan.receive = kinds[MONTH].server.send;
	plan.pause_after = plan.send / 2;
	for (unsigned i = 0; i < 10; i++) {
		plan.pause_until_us = 24 * DAY + i * DAY / 3 + 4 * HOUR;
		plan.give_up_us = plan.pause_until_us + HOUR;
		open_one(d, MONTH, HOUR + i * MINUTE, &plan);
	}
	/* A window that has rested for a week must not have grown (quinn-rs/quinn#2749 met that in CUBIC). */
	plan = kinds[WEEK].client;
	plan.send = 2ull * WEEK_HALF;
	plan.receive = kinds[WEEK].server.send;
	plan.pause_after = WEEK_HALF;
	for (unsigned i = 0; i < 3; i++) {
		const uint64_t at = 8 * i * DAY + 4 * HOUR;
		plan.pause_until_us = at + 7 * DAY;
		plan.give_up_us = 7 * DAY + 4 * HOUR;
		open_one(d, WEEK, at, &plan);
	}
	plan = kinds[TRICKLE].client;
	plan.send = plan.receive = kinds[TRICKLE].server.send;
	plan.write_max = 1000;
	plan.write_pause_us = 4 * HOUR;
	open_one(d, TRICKLE, MINUTE, &plan);
	d->sure += 14;
	d->sure_server += 14;
}

static void expect_days(const struct days *d)
{
	struct sim *sim = d->sim;
	struct stack_usage usage;

	if (!sim->failed && (d->p.app[0].first || d->p.app[1].first))
		sim_fail(sim, "nothing is left to happen, and a connection is still open");
	if (!sim->failed && (d->p.app[0].finished != d->opened || d->p.app[0].complete < d->sure ||
			     d->p.app[1].complete < d->sure_server))
		sim_fail(sim,
			 "%u of %u connections are over; %u and %u complete, expected %u and %u",
			 d->p.app[0].finished, d->opened, d->p.app[0].complete,
			 d->p.app[1].complete, d->sure, d->sure_server);
	sim_expect_clean(sim);
	stack_get_usage(sim->host[1].stack, &usage);
	snprintf(sim->note, sizeof sim->note,
		 "%u connections, %u of them sure to get all they asked for; after %llu days %u "
		 "connections, %zu bytes",
		 d->opened, d->sure, (unsigned long long)(sim->now_us / DAY), usage.connections,
		 usage.memory);
}

static void run_days(struct sim *sim, unsigned index)
{
	/* Equal initial numbers would make a port that is used again look like its last connection. */
	const bool wraps = index == 1;
	struct days d = {.sim = sim, .ports = wraps ? 2000 : 500};

	sim_pair_init(&d.p, sim);
	sim->max_us = (DAYS + 1) * DAY;
	sim->max_events = 100000000;
	for (unsigned i = 0; i < 2; i++) {
		sim_set_isn(&d.p.cfg[i], wraps ? 2 : 3);
		sim_host_start(sim, i, &d.p.cfg[i], sim_streams_app(&d.p.app[i]));
	}
	for (unsigned k = 0; k < KINDS && !sim->failed; k++) {
		listen_for(&d, k);
		open_kind(&d, k);
	}
	open_long_lives(&d);
	for (unsigned i = 0; i < sizeof blackout_day / sizeof *blackout_day; i++) {
		sim_at(sim, blackout_from(i), darken, &d, &d);
		sim_at(sim, blackout_from(i) + BLACKOUT, darken, &d, NULL);
	}
	sim_at(sim, 0, change_weather, &d, NULL);
	snprintf(sim->about, sizeof sim->about, "%u connections in %u days", d.opened, DAYS);
	sim_run(sim);
	expect_days(&d);
	sim_pair_free(&d.p);
}

/* ------------------------------------------------------------------ eight gibibytes */

/* Under sanitizers one wrap has to do. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_UNDEFINED__)
#define WRAP_BYTES (300ull << 20)
#else
#define WRAP_BYTES ((8ull << 30) + 12345)
#endif

/* One connection carries so much that its sequence numbers wrap more than once. Super segments arrive whole, as from
 * a TUN device; one in ten thousand is lost, so that SACK blocks lie across the wrap as well. */
static void run_wrap(struct sim *sim, unsigned index)
{
	struct sim_pair p;

	sim_pair_init(&p, sim);
	sim->max_us = HOUR;
	sim->max_events = 100000000;
	sim_set_delay(sim, SIM_MS);
	for (unsigned i = 0; i < 2; i++) {
		sim_set_isn(&p.cfg[i], 2);
		p.cfg[i].tso = p.cfg[i].checksum_offload = true;
		p.cfg[i].send_buffer_max = p.cfg[i].recv_buffer_max = 4u << 20;
		sim->link[i].cfg.coalesced = true;
		sim->link[i].cfg.rate = 1250000000;
		sim->link[i].cfg.loss_ppm = 100;
	}
	p.plan[index].send = WRAP_BYTES;
	snprintf(sim->about, sizeof sim->about, "%llu bytes", (unsigned long long)WRAP_BYTES);
	sim_pair_once(&p);
	snprintf(sim->note, sizeof sim->note, "%llu bytes in %llu ms, %llu super segments lost",
		 (unsigned long long)WRAP_BYTES, (unsigned long long)(sim->now_us / SIM_MS),
		 (unsigned long long)sim->link[index].counts.lost);
}

const struct sim_group sim_days_groups[] = {
	{"days", "thirty days of mixed traffic, weather and blackouts", 2, 0, run_days},
	{"wrap", "8 GiB: sequence numbers wrap twice", 1, 0, run_wrap},
	{0},
};
