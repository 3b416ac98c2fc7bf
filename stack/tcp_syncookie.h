/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_syncookie.h — the answer to a SYN for which nothing can be kept (RFC 4987 3.6; Bernstein, 1996): what
 * an entry of the SYN cache would hold travels to the client and back. tcp_syncache.c comes here when the
 * cache, or one of its buckets, is full or memory is short.
 *
 * The cookie is our initial sequence number:
 *
 *     31             18  17              4   3   2   0
 *     ┌────────────────┬─────────────────┬───┬───────┐
 *     │ MAC, 14 bits   │ MAC, 14 bits    │ p │  MSS  │
 *     └────────────────┴─────────────────┴───┴───────┘
 *
 * MSS is an index into a table of eight, p the lowest bit of the number of the period of 64 s in which the
 * cookie was made. The first MAC is SipHash over the 4-tuple, the whole number of the period, the index and the
 * options below, the second over the client's initial number as well. Both have to be right. When only the first is,
 * the ACK is for a cookie of ours but not at the stream's beginning: what went before got lost, and in place of
 * a RST there is silence until it comes again. So a cookie holds for one client, port, IP version and SYN, from 64 to
 * 128 s, and a blind guess is right once in 2^28; where timestamps are used the echo must be one of ours of that
 * time as well, which is 2^15 harder still.
 *
 * There is one key, and no second one that takes turns with it. Secrets rotate so that old cookies expire and so
 * that none is used long enough to be found out; here the period under the MAC makes every cookie of yesterday
 * wrong, and the 128 bits of a key for SipHash are not found out. It lives as long as the stack.
 *
 * Timestamps carry what else the SYN offered. The six lowest bits of TSval, which comes back in the ACK's TSecr:
 *
 *     5     4      3     0
 *     ┌─────┬──────┬──────┐
 *     │ ECN │ SACK │ scale│     scale 15: no window scale
 *     └─────┴──────┴──────┘
 *
 * TSval is the latest time, not later than now, that ends in these bits: up to 63 ms old, never from the future,
 * and the same or later when the same SYN comes again, so that PAWS (RFC 7323 5) holds within the connection.
 * The echo of it is no measure of the round trip; the first data are. Without timestamps there is neither
 * window scale nor SACK nor ECN. Who asks for the feedback of RFC 9768 gets that of RFC 3168: there is one bit.
 *
 * What is lost against an entry: the SYN-ACK is not sent again on our account, the client's SYN comes again for
 * that. When the client's ACK gets lost the first segment of its request is as good; a client that waits for us
 * to speak first would wait in vain. The initial number does not follow the clock of RFC 6528, so a SYN that ends
 * TIME-WAIT, which is promised a number beyond the old ones, always gets an entry. And an ACK that comes twice,
 * the second time after its connection has come and gone, opens another one.
 */
#ifndef STACK_TCP_SYNCOOKIE_H
#define STACK_TCP_SYNCOOKIE_H

#include <stdbool.h>
#include <stdint.h>

struct stack;
struct syncache_entry;
struct tcp_listener;
struct tcp_segment;

#define TCP_SYNCOOKIE_PERIOD_US (64ull * 1000000)

struct tcp_syncookies {
	uint8_t key[16];
	bool sent;        /* ever                      */
	uint64_t sent_us; /* when the last one was sent */
};

/* Answers a SYN for a listener with a cookie and keeps nothing. `why` is for the trace. */
void tcp_syncookie_send(struct stack *s, const struct tcp_segment *syn, const char *why);
/* An ACK for listener `l` that met no other endpoint, or `entry`, which has not sent what it acknowledges: the client's
 * SYN came again once there was room for it, and the cookie was still under way. True when it answers a cookie. Then
 * either there is a connection in the accept queue that equals one made from an entry, and `entry` is gone; or
 * there is no room for one, or the beginning is missing, and the ACK was dropped as if it had got lost. Costs
 * one comparison while no cookies were sent in the last two periods. */
bool tcp_syncookie_input(struct stack *s, struct tcp_listener *l, struct syncache_entry *entry,
			 const struct tcp_segment *ack);

#endif
