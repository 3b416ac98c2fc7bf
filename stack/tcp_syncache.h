/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_syncache.h — SYN-RECEIVED of a passive open, without a connection: an entry of a few hundred bytes that
 * lives from the SYN to the ACK that completes the handshake (Lemon, "Resisting SYN flood DoS attacks
 * with a SYN cache", 2002). No control block, no buffer, nothing for the application before that.
 *
 * When the cache is full a SYN is answered with a cookie and nothing is kept (tcp_syncookie.h). The entries that
 * there are stay: they are good for more than a cookie is, and a flood must not be able to turn them out.
 *
 * Entries stand in buckets by the client's address, for IPv6 by its /64, which is what one host can choose from.
 * A bucket holds at most a quarter of the cache. FreeBSD's buckets bound the length of its hash chains and drop
 * their oldest; our table has no such need, so ours bound what one place can take: a flood from one address
 * gets cookies and leaves the cache to the others, and so do that address's honest clients, who lose little
 * by it. Spoofed addresses fill all buckets, and then everybody gets cookies.
 *
 * With stack_config.syn_cookies off, the oldest entry makes room: of the bucket if that is full, else of all.
 * So it does in any case for a SYN that ends TIME-WAIT, whose initial number no cookie can be; there are no more
 * of these than there were TIME-WAIT records.
 */
#ifndef STACK_TCP_SYNCACHE_H
#define STACK_TCP_SYNCACHE_H

#include "stack/tcp_types.h"

#define SYNCACHE_BUCKETS 256u

struct syncache_bucket {
	struct list entries; /* oldest first */
	uint32_t count;
};

struct syncache_entry {
	struct tcp_node node;
	struct list link; /* in stack.syncache, oldest first */
	struct list bucket_link;
	struct syncache_bucket *bucket;
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
	bool fastopen;  /* the first SYN-ACK brings a cookie for Fast Open */
};

/* A SYN for a listener, that met no other endpoint. `iss_floor`, unless NULL, is a number that the new
 * initial sequence number must lie beyond (RFC 9293 3.6.1, reopening TIME-WAIT). */
void tcp_syncache_add(struct stack *s, const struct tcp_segment *seg, const uint32_t *iss_floor);
/* A segment for a half-open entry: RFC 9293 3.10.7.4 in state SYN-RECEIVED. */
void tcp_syncache_input(struct syncache_entry *e, const struct tcp_segment *seg);
void tcp_syncache_timer(struct syncache_entry *e);
void tcp_syncache_free(struct syncache_entry *e);

/* For those who open connections without an entry in the cache; the entry is then the caller's. */

/* What a SYN tells, and what we shall offer, without an initial number: the entry is in no list. */
void tcp_syncache_fill(struct syncache_entry *e, struct stack *s, const struct tcp_segment *syn);
struct tcp_segment tcp_syncache_syn_ack(const struct syncache_entry *e);
/* NULL when a connection can be made for this listener; otherwise why not, and it has been counted. */
const char *tcp_syncache_refuses(struct stack *s, const struct tcp_listener *l);
/* A connection in SYN-RECEIVED whose SYN-ACK has been sent, at the end of the accept queue. NULL when memory is
 * short after all. */
struct tcp_conn *tcp_syncache_open(const struct syncache_entry *e, struct tcp_listener *l);

#endif
