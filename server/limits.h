/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.h — how many connections and requests one client may have, in all workers together.
 *
 * A client is an IPv4 address, or an IPv6 /64: that much is one customer's. No list of clients is kept, so there is none that
 * could grow, and none from which somebody could be pushed. Instead each client has four counters, one in each of four rows, at
 * places that a keyed hash chooses; others may share one of them, hardly all four, and the lowest is what counts (a count-min
 * sketch). A client can so be taken for busier than it is, never for less busy; how unlikely that is, and what it would take to
 * bring it about: ARCHITECTURE.md.
 *
 * The counters lie in memory that the master shares with its workers. Nothing is locked: connections are counted by each worker
 * in rows of its own, of which the others only read, so the successor of a worker that died just clears them. For requests a counter is a
 * time (GCRA, a token bucket without tokens), which needs no tidying: a client that rests for a while is as new.
 */
#ifndef SERVER_LIMITS_H
#define SERVER_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/stack.h"

/* Events at a steady pace, and so many ahead of it. */
struct limits_rate {
	uint64_t interval_ns; /* from one to the next; 0: no limit */
	uint32_t burst;       /* at once, after a rest; at least 1 */
};

#define LIMITS_PREFIXES_MAX 64
struct ip_prefix {
	struct ip_addr addr;
	uint8_t len; /* bits */
};
struct prefix_list {
	struct ip_prefix list[LIMITS_PREFIXES_MAX];
	size_t count;
};
bool prefix_list_has(const struct prefix_list *prefixes, const struct ip_addr *addr);

/* The shared memory. */
struct limits_table;
/* For so many workers; NULL when memory is short. Call before they are forked. `key` is secret and random. */
struct limits_table *limits_table_create(unsigned workers, const uint8_t key[16]);
void limits_table_destroy(struct limits_table *table);

/* One worker's view of it. */
struct limits {
	struct limits_table *table;
	unsigned worker;             /* 0 … workers - 1                          */
	uint32_t client_connections; /* at once; 0: no limit                     */
	struct prefix_list exempt;   /* clients without limits                   */
};
/* Forgets what a worker of the same number has left behind. Call before anything else. */
void limits_begin(struct limits *l);

/* True when the client may have one more connection; then it has been counted, and limits_disconnect is due in the
 * end. Workers that ask at the same moment may both be told yes. */
bool limits_connect(struct limits *l, const struct ip_addr *client);
void limits_disconnect(struct limits *l, const struct ip_addr *client);

/* 0 when the client may have an answer, else the seconds after which it may. What is refused costs nothing. Different
 * scopes, which are small numbers, are different accounts. */
unsigned limits_request(struct limits *l, const struct ip_addr *client, uint32_t scope,
			const struct limits_rate *rate, uint64_t now_us);

#endif
