/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pmtu_cache.h — the path MTU to other hosts, as connections have found it to be less than the link's, so that
 * the next connection to the same host starts right (RFC 1191 6.1, RFC 8201 5.2).
 *
 * A cache of PMTU_CACHE_ENTRIES in sets of four, found by a keyed hash, so that nobody can choose which
 * others an entry drives out: of a full set the one goes that would end first. An entry is forgotten
 * PMTU_CACHE_US after it was last confirmed, which is also how a path that has become better is found out
 * (RFC 1191 6.3). The table is made for the first entry, charged to the
 * account, and freed when the last one has ended.
 */
#ifndef STACK_PMTU_CACHE_H
#define STACK_PMTU_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/stack.h"

#define PMTU_CACHE_ENTRIES 256u
#define PMTU_CACHE_US (600ull * 1000000) /* RFC 1191 6.3, RFC 8201 5.3: ten minutes */

struct pmtu_entry {
	struct ip_addr addr; /* version 0 for a free entry */
	bool silent;         /* found without ICMP: larger packets just vanish (RFC 2923 2.1) */
	uint32_t mtu;
	uint64_t until_us;
};

/* What is known of the path to `addr`, or NULL. Valid until the next call. */
const struct pmtu_entry *pmtu_cache_find(const struct stack *s, const struct ip_addr *addr);
/* Packets to `addr` may have `mtu` bytes. With no memory, nothing is remembered. */
void pmtu_cache_put(struct stack *s, const struct ip_addr *addr, uint32_t mtu, bool silent);
/* The path to `addr` carries whatever the link does. */
void pmtu_cache_forget(struct stack *s, const struct ip_addr *addr);
/* Every entry has ended. */
void pmtu_cache_timer(struct stack *s);
void pmtu_cache_free(struct stack *s);
/* Bytes charged to the account. */
size_t pmtu_cache_memory(const struct stack *s);

#endif
