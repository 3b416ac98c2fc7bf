/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood.c — a million SYNs from as many addresses, none of which will ever answer, while a client asks the whole
 * server for files, one connection after the other. The memory that the server holds does not grow with the flood, and
 * the client is served throughout (RFC 4987 3.3, 3.6).
 */
#include <stdio.h>
#include <string.h>

#include "tests/sim/web.h"

/* Under sanitizers a tenth has to do. */
#if defined(__SANITIZE_ADDRESS__)
#define SYNS 100000u
#else
#define SYNS 1000000u
#endif

#define TICK SIM_MS
/* The server's table of 4,096 half-open connections turns over in 41 ms, or in 4: then no handshake of the
 * client's is fast enough. */
#define SYNS_A_TICK 100u
#define SYNS_A_TICK_FAST 1000u
#define CLIENT_RTT (10 * SIM_MS)
#define SYNS_A_REQUEST 5000u /* the client begins its next request behind so many */
#define LATENCY_MAX (200 * SIM_MS)
#define MEMORY_MAX (4u << 20)
#define CLIENT_MEMORY (512u << 10) /* what one request may take for its time */

struct syn_flood {
	struct web web;
	unsigned syns_a_tick, sent, requests;
	uint64_t asked_us; /* when the running request began, 0: none runs */
	uint64_t worst_us;
	size_t before, tenth, most; /* memory: before, at most in the first tenth, at most at all */
};

static void send_syn(struct syn_flood *f)
{
	struct sim *sim = f->web.sim;
	const struct ip_addr to = sim_host_addr(1);
	const uint64_t draw = sim_rng_next(&sim->rng);
	struct sim_segment seg = {
		.src = {11, (uint8_t)(f->sent >> 16), (uint8_t)(f->sent >> 8), (uint8_t)f->sent},
		.src_port = (uint16_t)(1024 + (draw >> 32) % 28000), /* none of the client's */
		.dst_port = f->web.secure ? 443 : 80,
		.seq = (uint32_t)draw,
		.flags = SIM_SYN,
		.wnd = 64240,
		.has_mss = true,
		.mss = 1460,
		.sack_permitted = true,
		.has_wscale = true,
		.wscale = 7,
		.has_ts = true,
		.ts_val = (uint32_t)(draw >> 16)};

	memcpy(seg.dst, to.bytes, 4);
	sim_deliver_at(sim, 1, sim_packet_from_segment(&seg), sim->now_us);
	f->sent++;
}

static void look_at_memory(struct syn_flood *f)
{
	struct sim *sim = f->web.sim;
	struct stack_usage usage;

	stack_get_usage(sim->host[1].stack, &usage);
	if (usage.memory > f->most)
		f->most = usage.memory;
	if (f->sent <= SYNS / 10)
		f->tenth = f->most;
	if (f->most > MEMORY_MAX || f->most > f->tenth + CLIENT_MEMORY)
		sim_fail(sim,
			 "%u SYNs: the server holds %zu bytes; at most %zu in the first tenth of "
			 "the flood",
			 f->sent, usage.memory, f->tenth);
}

static void look_at_client(struct syn_flood *f)
{
	static const struct web_plan plan = {
		.count = 1, .request = {{.file = 4}}, .server_first = true};
	struct sim *sim = f->web.sim;

	if (f->asked_us && f->web.clients.finished == f->requests) {
		const uint64_t took = sim->now_us - f->asked_us;
		if (took > f->worst_us)
			f->worst_us = took;
		f->asked_us = 0;
	}
	if (f->asked_us && sim->now_us - f->asked_us > LATENCY_MAX)
		sim_fail(sim, "request %u waits for longer than %llu ms", f->requests,
			 (unsigned long long)(LATENCY_MAX / SIM_MS));
	if (f->asked_us || f->sent == SYNS || f->sent / SYNS_A_REQUEST <= f->requests)
		return;
	web_clients_connect(&f->web.clients, sim->now_us,
			    (uint16_t)(WEB_CLIENT_PORT + f->requests++), &plan);
	f->asked_us = sim->now_us;
}

static void tick(void *ctx, void *arg)
{
	struct syn_flood *f = ctx;

	for (unsigned i = 0; i < f->syns_a_tick && f->sent < SYNS; i++)
		send_syn(f);
	look_at_memory(f);
	look_at_client(f);
	if (f->sent < SYNS || f->asked_us)
		sim_at(f->web.sim, f->web.sim->now_us + TICK, tick, ctx, arg);
}

/* With SYN cookies (RFC 4987 3.6) a handshake is completed without an entry. */
static bool has_cookies(void)
{
	static const char *const counter[] = {
#define X(name) #name,
		STACK_COUNTERS(X)
#undef X
	};

	for (size_t i = 0; i < sizeof counter / sizeof *counter; i++)
		if (strstr(counter[i], "syn_cookie"))
			return true;
	return false;
}

static void run_syn_flood(struct sim *sim, unsigned index)
{
	const bool fast = index >= 2;
	struct syn_flood f = {.syns_a_tick = fast ? SYNS_A_TICK_FAST : SYNS_A_TICK};
	const unsigned least = SYNS / SYNS_A_REQUEST / (fast ? 10 : 2);
	struct stack_usage usage;

	if (fast && !has_cookies()) {
		snprintf(sim->note, sizeof sim->note,
			 "left out: without SYN cookies nobody is served in such a flood");
		return;
	}
	web_init(&f.web, sim);
	f.web.secure = index % 2;
	f.web.version = TLS_VERSION_1_3;
	sim_set_delay(sim, CLIENT_RTT);
	sim->host[1].batch_us = TICK / 2; /* a tick's SYNs are taken in together */
	sim->max_events = 100000000;
	snprintf(sim->about, sizeof sim->about,
		 "%u SYNs from as many addresses, %u a millisecond; %s", SYNS, f.syns_a_tick,
		 f.web.secure ? "https" : "http");
	if (web_start(&f.web)) {
		stack_get_usage(sim->host[1].stack, &usage);
		f.before = usage.memory;
		sim_at(sim, 0, tick, &f, NULL);
		sim_run(sim);
		web_expect_served(&f.web, f.requests);
		stack_get_usage(sim->host[1].stack, &usage);
		if (!sim->failed && (f.requests < least || usage.memory != f.before))
			sim_fail(sim, "%u requests; %zu bytes before and %zu after", f.requests,
				 f.before, usage.memory);
		snprintf(sim->note, sizeof sim->note,
			 "%u SYNs; %zu bytes before, %zu at most, %zu after; %u requests, the "
			 "slowest %llu ms",
			 f.sent, f.before, f.most, usage.memory, f.requests,
			 (unsigned long long)(f.worst_us / SIM_MS));
	}
	web_stop(&f.web);
}

const struct sim_group sim_flood_groups[] = {
	{"syn-flood", "a million SYNs, and a client that is served", 4, 0, run_syn_flood},
	{0},
};
