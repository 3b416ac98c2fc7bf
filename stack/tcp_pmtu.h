/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_pmtu.h — the path MTU of a connection: how large its packets may be.
 *
 * It begins as the link's MTU, or what the peer's MSS leaves of it, or what pmtu_cache.h knows, and every
 * packet has DF. From there:
 *
 * - A router says that a packet was too big (RFC 1191, RFC 8201). The quoted sequence number is in flight,
 *   tcp_icmp.c has seen to that; still it may be forged, so (RFC 5927 7.2): while nothing larger than the new size
 *   was ever acknowledged, which is path MTU discovery proper, it is believed at once. When larger packets have
 *   been acknowledged, the path has changed or the message is a lie; it is noted, and believed when the
 *   retransmission timer says that data got lost, or forgotten when the quoted segment is acknowledged. That
 *   costs one time-out when a path changes. A believed message sends what was in flight again, in smaller
 *   pieces, and is no sign of congestion (RFC 1191 6.5, RFC 8201 5.4). Later messages about the same flight do
 *   not repeat that: their packets are larger than the estimate of now, so they too are only noted. And no
 *   forger gets the size below what real paths have, 552 bytes over IPv4 (RFC 8200's 1,280 over IPv6).
 *
 * - Nobody says anything, and large packets vanish: a black hole (RFC 2923 2.1). When a full segment has timed out
 *   twice, and nothing as large behind it was SACKed, the size falls to 1,024 bytes of payload, after two more
 *   time-outs to 536 (IPv6: 1,220); when that does not help either, size was not the matter and it is as
 *   before (RFC 4821 7.7; FreeBSD has the same steps).
 *
 * - Upwards it goes by probes (RFC 4821 7), see tcp_pmtu_probe_len: one segment of new data that is larger
 *   than the estimate. Its loss is no sign of congestion. A path that a router has spoken for is probed after
 *   ten minutes (RFC 1191 6.3), one with a black hole after a second, because it may have been an outage. Only
 *   with SACK, which says that it was the probe and nothing else that got lost (RFC 4821 4.4).
 *
 * Sizes are whole IP packets, in bytes.
 */
#ifndef STACK_TCP_PMTU_H
#define STACK_TCP_PMTU_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_conn;

/* As Linux's min_pmtu: smaller MTUs have been seen in forgeries only. */
#define TCP_PMTU_MIN_V4 552u
#define TCP_PMTU_STEPS_MAX 8 /* messages believed at once until something is acknowledged */

struct tcp_pmtu {
	uint32_t mtu; /* of the packets we send; what the peer's MSS leaves, at most */
	uint32_t max; /* the same if the path were as good as the link               */

	/* What has got through. */
	uint32_t acked_size; /* the largest packet that was acknowledged, 0 for none    */
	uint32_t timed_size; /* a larger one that is in flight, 0 for none              */
	uint32_t timed_end;  /* where its payload ends                                  */

	/* A message that is not believed yet. */
	uint32_t pending_mtu; /* 0 for none                                             */
	uint32_t pending_seq;
	uint8_t steps; /* messages believed since SND.UNA last moved                   */

	/* Black holes. */
	uint8_t shrunk;  /* steps down since SND.UNA last moved                         */
	uint32_t before; /* the size at the first of them, until the next ACK           */
	bool passing;    /* segments as large as the one that timed out have arrived    */
	bool blackhole;  /* steps down have helped: larger packets just vanish          */

	/* The search upwards. */
	uint32_t probe_size; /* of the probe in flight, 0 for none                      */
	uint32_t probe_start, probe_end;
	bool probe_lost;    /* what is lost of [probe_start, probe_end) is no congestion */
	bool high_first;    /* `high` is likely to be right: try it first               */
	uint32_t high;      /* the largest size that may still work, 0: search anew     */
	uint64_t search_us; /* no probe before                                          */
	uint64_t probes_ok, probes_failed;
};

/* The handshake has told the peer's MSS: sets the size to start with. Returns the payload of a full
 * segment without options. */
uint16_t tcp_pmtu_start(struct tcp_conn *c);
/* A router says that a packet with `seq`, in flight, of `len` bytes did not fit its next link, which has
 * `mtu` (0 if it does not say). Returns what was made of it, for the trace. */
const char *tcp_pmtu_too_big(struct tcp_conn *c, uint32_t seq, uint32_t mtu, uint32_t len);
/* New data from `seq` on was sent in packets of `size` with `piece` bytes of payload. */
void tcp_pmtu_sent(struct tcp_conn *c, uint32_t seq, uint32_t piece, uint32_t size);
/* SND.UNA has moved. */
void tcp_pmtu_acked(struct tcp_conn *c);
/* The retransmission timer has fired, after c->backoff times without an answer. True when the reason is known,
 * the size is right now, and what was in flight has been marked to be sent again: it is not congestion. */
bool tcp_pmtu_timeout(struct tcp_conn *c);

/* The time-outs were a mistake (tcp_undo.h): a black hole that was seen in them is none. */
void tcp_pmtu_undo(struct tcp_conn *c);

/* Is it time for a probe, and is there what it takes? The payload that it would have without options, 0 for no. */
uint32_t tcp_pmtu_probe_len(const struct tcp_conn *c);
/* The probe [start, end) is on its way, in a packet of `size`. */
void tcp_pmtu_probe_sent(struct tcp_conn *c, uint32_t start, uint32_t end, uint32_t size);
/* The scoreboard shows something as lost. True when it is a probe and nothing else. */
bool tcp_pmtu_probe_excuses(struct tcp_conn *c);

/* NULL, or a sentence on what is broken: for stack_check. */
const char *tcp_pmtu_check(const struct tcp_conn *c);

/* Between tcp_pmtu.c and tcp_pmtu_search.c. */
/* Packets may have `mtu` bytes from now on. */
void tcp_pmtu_set(struct tcp_conn *c, uint32_t mtu);
/* The probe in flight was too large. Sizes up to `high` may still work; `high_first`: a router says that one does. */
void tcp_pmtu_probe_failed(struct tcp_conn *c, uint32_t high, bool high_first);
void tcp_pmtu_probe_acked(struct tcp_conn *c);
void tcp_pmtu_blackhole_timeout(struct tcp_conn *c);
void tcp_pmtu_blackhole_acked(struct tcp_conn *c);

#endif
