/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ip_reass.h — bounded reassembly of IPv4 (RFC 791 3.2) and IPv6 (RFC 8200 4.5).
 *
 * A datagram is a short sorted list of its fragments, each in a piece of memory of its own and charged to
 * the account; with the last one they are copied together. What makes it safe is what it refuses:
 * fragments that overlap take the whole datagram with them, what has come and what is yet to come
 * (RFC 5722 4, for IPv4 too); so nothing can be written over, and the order of arrival decides nothing.
 * Exact duplicates are let pass. Datagrams, fragments of each, bytes and time are limited; when there
 * are too many, the oldest goes.
 */
#ifndef STACK_IP_REASS_H
#define STACK_IP_REASS_H

#include "stack/ip.h"
#include "stack/list.h"
#include "stack/timer_wheel.h"

#define IP_REASS_DATAGRAMS_MAX 64
#define IP_REASS_FRAGMENTS_MAX 128 /* of one datagram: 64 KiB over links of 576 bytes */
#define IP_REASS_BYTES_MAX (1u << 20)
/* Longer than the IPv4 identification takes to come round again it may not be: 30 s, as Linux and FreeBSD
 * have it, where RFC 1122 3.3.2 says 60 to 120. RFC 8200 4.5 says 60. */
#define IP_REASS_IPV4_US 30000000u
#define IP_REASS_IPV6_US 60000000u

struct ip_reass {
	struct list link; /* in stack.reass, the oldest first */
	struct stack *stack;
	struct timer timer;
	struct ip_addr src, dst;
	uint32_t id;
	uint8_t ecn;       /* bits 1 << enum ip_ecn: what the fragments had                     */
	uint8_t protocol;  /* IPv4 only: IPv6 does not tell datagrams apart by it (RFC 8200 4.5) */
	bool refused;      /* overlaps: what is yet to come is dropped                          */
	struct list frags; /* sorted, disjoint                                                  */
	unsigned count;    /* of them                                                           */
	uint32_t received; /* bytes in them                                                     */
	uint32_t total;    /* bytes of the whole, 0 as long as the last fragment is missing     */
	size_t memory;     /* charged, this block included                                      */
};

/* Takes one fragment. When it was the one that was missing, returns the whole packet, from its IP header
 * on, with *len: it is the caller's, to be given back with account_free. NULL otherwise. */
uint8_t *ip_reass_input(struct stack *s, const struct ip_packet *ip, size_t *len);

/* Its time is over. */
void ip_reass_timer(struct ip_reass *r);
void ip_reass_free(struct ip_reass *r);
/* Memory is short: false when there is no datagram to give up. */
bool ip_reass_evict_oldest(struct stack *s);
/* For stack_check: the bytes that are charged for reassembly, by counting; NULL or what is wrong. */
const char *ip_reass_check(const struct stack *s, size_t *memory);

#endif
