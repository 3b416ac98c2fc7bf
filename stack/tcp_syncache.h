/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_syncache.h — SYN-RECEIVED of a passive open, without a connection: an entry of a few hundred bytes that
 * lives from the SYN to the ACK that completes the handshake (Lemon, "Resisting SYN flood DoS attacks
 * with a SYN cache", 2002). No control block, no buffer, nothing for the application before that.
 *
 * When the cache is full the oldest entry makes room: under a flood of SYNs that nobody will complete,
 * a real client has as long as it takes to fill the cache once.
 */
#ifndef STACK_TCP_SYNCACHE_H
#define STACK_TCP_SYNCACHE_H

#include "stack/tcp_types.h"

struct syncache_entry {
	struct tcp_node node;
	struct list link; /* in stack.syncache, oldest first */
	struct timer timer;
	struct stack *stack;
	uint64_t id;
	uint64_t opened_us, sent_us;
	uint32_t iss, irs;
	uint32_t rcv_wnd; /* as our SYN-ACK offers it */
	uint32_t ts_offset, ts_recent;
	uint16_t snd_wnd; /* the SYN's window */
	uint16_t mss;
	uint8_t wscale;
	uint8_t retries;
	uint8_t acks; /* answers to bad segments, bounded */
	bool has_mss, has_wscale, has_timestamp, sack_permitted;
	uint8_t syn_ecn;       /* the IP header's field of the SYN: enum ip_ecn               */
	enum tcp_ecn_mode ecn; /* what every SYN has asked for, and we grant                  */
	bool ecn_plain; /* a SYN-ACK went without: nothing may leave as ECT (RFC 3168 6.1.1) */
};

/* A SYN for a listener, that met no other endpoint. `iss_floor`, unless NULL, is a number that the new
 * initial sequence number must lie beyond (RFC 9293 3.6.1, reopening TIME-WAIT). */
void tcp_syncache_add(struct stack *s, const struct tcp_segment *seg, const uint32_t *iss_floor);
/* A segment for a half-open entry: RFC 9293 3.10.7.4 in state SYN-RECEIVED. */
void tcp_syncache_input(struct syncache_entry *e, const struct tcp_segment *seg);
void tcp_syncache_timer(struct syncache_entry *e);
void tcp_syncache_free(struct syncache_entry *e);

#endif
