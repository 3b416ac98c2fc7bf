/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim.h — the simulated world: two hosts, the link between them, virtual time, and the judge that
 * looks on after every event.
 *
 * One thread; events in the order of (time, insertion); nothing reads a clock. The same seed therefore gives
 * the same packets at the same times, which sim->hash sums up. Host 0 has the address 10.0.0.1, host 1 has
 * 10.0.0.2; with half of the seeds the stacks speak IPv6 instead, which shows at their doors only. A host is
 * either a stack with an application above it, or a scripted peer that does what it likes.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/stack.h"
#include "tests/sim/heap.h"
#include "tests/sim/link.h"
#include "tests/sim/packet.h"
#include "tests/sim/rng.h"

#define SIM_SECOND 1000000ull
#define SIM_MS 1000ull
#define SIM_TRACE_LINES 60
#define SIM_FAILURE_SIZE 256

enum sim_fate {
	SIM_FATE_SENT,
	SIM_FATE_LOST,
	SIM_FATE_OVERFLOW,
	SIM_FATE_TOO_LARGE,
	SIM_FATE_RULED,
	SIM_FATE_CORRUPTED, /* arrives, damaged */
};

struct sim_corpus;
struct sim_watch;
struct site;

/* What stands above a stack. Called in every turn of the host, between input and output. */
struct sim_app {
	void (*run)(void *ctx, struct sim *sim);
	void *ctx;
};

/* A peer that is no stack. The packet is good (or damaged by the link, then `damaged`). */
struct sim_peer {
	void (*packet)(void *ctx, const struct sim_segment *seg);
	void *ctx;
};

struct sim_host {
	struct sim *sim;
	unsigned index;
	const char *name;
	struct stack *stack; /* NULL for a scripted peer */
	uint32_t mtu;
	struct sim_app app;
	struct sim_peer peer;
	uint64_t batch_us; /* packets that arrive within this time are taken in together */
	bool turn_planned;
	struct sim_packet **rx;
	size_t rx_count, rx_cap;
	const char *why; /* what the stack's trace said last of a packet that it sent */
	unsigned stuck;  /* turns in a row for a timeout that did not go away */
};

struct sim_line {
	uint64_t at_us;
	unsigned from;
	enum sim_fate fate;
	uint16_t gso_size;
	struct sim_segment seg;
	uint32_t seq, ack; /* relative to the flow's initial numbers */
	const char *why;
};

struct sim {
	uint64_t seed;
	bool ipv6; /* the hosts speak IPv6; scripted peers always speak IPv4 */
	uint64_t now_us;
	uint64_t events, max_events;
	uint64_t max_us; /* the virtual time by which all must be over */
	struct sim_heap heap;
	struct sim_host host[2];
	struct sim_link link[2]; /* link[i]: from host i to the other */
	struct sim_rng rng;      /* the scenario's own */
	struct sim_watch *watch;
	const struct site *site;   /* for the HTTP scenarios */
	struct sim_corpus *corpus; /* NULL: none is wanted */
	uint64_t hash;
	bool verbose;
	bool unjudged; /* nobody looks on, nothing is hashed: for tables, which are figures only */
	bool failed;
	char failure[SIM_FAILURE_SIZE];
	char about[SIM_FAILURE_SIZE]; /* the scenario's parameters, in words */
	char note[SIM_FAILURE_SIZE];  /* what it has measured; printed when it is not empty */
	struct sim_line line[SIM_TRACE_LINES];
	uint64_t lines;
	uint64_t work; /* bytes that applications have received and compared */
};

void sim_init(struct sim *sim, uint64_t seed, bool verbose);
void sim_free(struct sim *sim);

/* The configuration from which a scenario starts: stack_config_default, the host's address, a
 * seed from the simulation's. Then sim_host_start creates the stack. */
void sim_stack_config(struct sim *sim, unsigned host, struct stack_config *cfg);
void sim_host_start(struct sim *sim, unsigned host, const struct stack_config *cfg,
		    struct sim_app app);
void sim_host_script(struct sim *sim, unsigned host, struct sim_peer peer);
struct ip_addr sim_host_addr(unsigned host);
/* The same in the version that the hosts speak: for their connections. */
struct ip_addr sim_spoken_addr(const struct sim *sim, unsigned host);

/* Plans a call at `at_us`. */
void sim_at(struct sim *sim, uint64_t at_us, void (*fn)(void *ctx, void *arg), void *ctx,
	    void *arg);
/* Plans a turn of the host now: its application has something to do that no packet and no timer
 * announces. */
void sim_wake(struct sim *sim, unsigned host);
/* Sends a packet of a scripted peer. */
void sim_peer_send(struct sim *sim, unsigned host, const struct sim_segment *seg);
void sim_peer_send_raw(struct sim *sim, unsigned host, struct sim_packet *p);

/* Runs until nothing is left to happen, a limit is reached or something is wrong. */
void sim_run(struct sim *sim);
/* The next event only; false when there is none, or the run is over. */
bool sim_step(struct sim *sim);
/* Until nothing is left to happen at this host, or to it. */
void sim_run_until_idle(struct sim *sim, unsigned host);
/* At the end: every connection, record and byte of both stacks must be gone. */
void sim_expect_clean(struct sim *sim);
void sim_expect_host_clean(struct sim *sim, unsigned host);

/* The first failure counts; the run then stops. */
void sim_fail(struct sim *sim, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_print_trace(const struct sim *sim);

/* For link.c. */
void sim_trace_packet(struct sim *sim, unsigned from, const struct sim_packet *p,
		      enum sim_fate fate);
void sim_deliver_at(struct sim *sim, unsigned to, struct sim_packet *p, uint64_t at_us);

#endif
