/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_ecn.h — explicit congestion notification (RFC 3168): routers mark packets with CE instead of dropping
 * them. What is agreed on in the handshake; as the receiver of data, the echo of marks (ECE) until the
 * sender has answered (CWR); as its sender, ECT(0) on new data, and the window that falls once for each
 * window of data that was marked.
 *
 * It asks nothing of a path that does not bear it: SYNs go without it after two attempts, and a
 * connection whose marked packets never arrive, or all arrive marked, goes on without ECT.
 */
#ifndef STACK_TCP_ECN_H
#define STACK_TCP_ECN_H

#include <stdbool.h>
#include <stdint.h>

struct stack;
struct tcp_conn;
struct tcp_delivery;
struct tcp_segment;

/* RFC 3168 6.1.1.1: a SYN or SYN-ACK asks for ECN in its first transmissions; the repetition with this
 * number, and those after it, go without. */
#define TCP_ECN_HANDSHAKE_TRIES 2
/* Reductions with not one ACK between them free of ECE: then the path marks everything. */
#define TCP_ECN_MANGLED_AFTER 4

struct tcp_ecn {
	bool on;  /* both have agreed: CE is echoed, ECE is heeded                     */
	bool ect; /* new data leaves as ECT(0)                                         */

	/* The handshake of an active open. */
	bool asked; /* a SYN of ours was an ECN-setup SYN …                            */
	bool plain; /* … and another one was not: nothing may leave as ECT (RFC 3168 6.1.1) */

	/* The receiver of data. */
	bool seen; /* ECT or CE has arrived                                            */
	bool echo; /* CE has arrived: ECE on every ACK until CWR comes                 */

	/* The sender of data. */
	bool ece_now;   /* the ACK that is being processed has ECE                      */
	bool cwr;       /* the next new data says that the window has fallen            */
	bool reduced;   /* until SND.UNA is past `until` the window does not fall again … */
	bool marked;    /* … as it did for a mark, not for a loss                       */
	bool hold;      /* marked at one segment: the timer lets the next one out       */
	bool resent;    /* data was sent again                                          */
	bool proven;    /* what left as ECT has arrived                                 */
	bool clean;     /* an ACK of new data had no ECE                                */
	uint32_t until; /* SND.MAX when the window fell                                */
	uint64_t reductions, delivered_ce, ce_in;
};

/* ------------------------------------------------------------------ the handshake, RFC 3168 6.1.1 */

/* Is this SYN an ECN-setup SYN, and do we grant it? */
bool tcp_ecn_granted(const struct stack *s, const struct tcp_segment *syn);
/* The handshake of a passive open is complete. `ect`: our SYN-ACKs have all said that it is granted. */
void tcp_ecn_accepted(struct tcp_conn *c, bool granted, bool ect);
/* The flags of our next SYN, or of the SYN-ACK of a simultaneous open. */
uint8_t tcp_ecn_syn_flags(struct tcp_conn *c);
/* The peer's SYN or SYN-ACK has come while our SYN was out, or its SYN-ACK after its SYN. */
void tcp_ecn_peer_syn(struct tcp_conn *c, const struct tcp_segment *seg);

/* ------------------------------------------------------------------ the receiver, RFC 3168 6.1.3 */

/* Data within the window has come. True when it is to be acknowledged at once. */
bool tcp_ecn_data(struct tcp_conn *c, const struct tcp_segment *seg);

/* ------------------------------------------------------------------ the sender, RFC 3168 6.1.2 */

/* A valid ACK, whose news are in `d`; `duplicate` as in tcp_recovery_ack, which comes after this. */
void tcp_ecn_ack(struct tcp_conn *c, const struct tcp_segment *seg, const struct tcp_delivery *d,
		 bool duplicate);
/* The window has fallen for a loss: CWR says so, and ECE for the same flight means nothing. */
void tcp_ecn_reduced(struct tcp_conn *c);
/* The retransmission timer has fired: so it has, and perhaps ECT is why. */
void tcp_ecn_timeout(struct tcp_conn *c);
/* The next new data must carry CWR, in a segment of its own. */
bool tcp_ecn_owes_cwr(const struct tcp_conn *c);
/* ECE and CWR for a segment that leaves now with these flags; `fresh` says that it has new data and nothing
 * else. Counts CWR as sent. */
uint8_t tcp_ecn_flags(struct tcp_conn *c, uint8_t flags, bool fresh);
/* Data was sent again. */
void tcp_ecn_resent(struct tcp_conn *c);

#endif
