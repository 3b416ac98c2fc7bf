/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_ecn.h — explicit congestion notification: routers mark packets with CE instead of dropping them. What is
 * agreed on in the handshake; as the receiver of data, what is said of marks; as its sender, ECT(0) on new
 * data, and the window that falls once for each window of data that was marked.
 *
 * Two ways to speak of marks. RFC 3168: the receiver echoes with ECE until the sender has answered with CWR.
 * RFC 9768 (AccECN): three flags, together ACE, are the low bits of the receiver's count of marked packets;
 * that is in tcp_accecn.c.
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

/* RFC 3168 6.1.1.1, RFC 9768 3.1.4: a SYN or SYN-ACK asks for ECN in its first transmissions; the repetition
 * with this number, and those after it, go without. */
#define TCP_ECN_HANDSHAKE_TRIES 2
/* Reductions with not one ACK between them free of marks: then the path marks everything. */
#define TCP_ECN_MANGLED_AFTER 4

enum tcp_ecn_mode {
	TCP_ECN_NONE,
	TCP_ECN_CLASSIC,  /* RFC 3168 */
	TCP_ECN_ACCURATE, /* RFC 9768 */
};

/* The three flags as one number, ACE: AE, CWR, ECE (RFC 9768 3.1.1). */
#define TCP_ACE_AE 4u
#define TCP_ACE_CWR 2u
#define TCP_ACE_ECE 1u
#define TCP_ACE_CLASSIC_SYN (TCP_ACE_CWR | TCP_ACE_ECE)
#define TCP_ACE_ACCURATE_SYN 7u

struct tcp_ecn {
	uint8_t mode; /* enum tcp_ecn_mode: what both have agreed on  */
	bool ect;     /* new data leaves as ECT(0)                    */

	/* The handshake of an active open. */
	uint8_t asked; /* what a SYN of ours has asked for … */
	bool plain; /* … and another one has asked for nothing: nothing may leave as ECT (RFC 3168 6.1.1) */

	/* The receiver of data. */
	bool seen; /* ECT or CE has arrived                              */
	bool echo; /* CE has arrived: ECE on every ACK until CWR comes   */

	/* The sender of data. */
	bool marked_now; /* the ACK that is being processed tells of marks                   */
	bool cwr;        /* the next new data says that the window has fallen                */
	bool reduced;    /* until SND.UNA is past `until` the window does not fall again …   */
	bool marked;     /* … as it did for a mark, not for a loss                           */
	bool resent;     /* data was sent again                                              */
	bool proven;     /* what left as ECT has arrived                                     */
	bool clean;      /* an ACK of new data told of no mark                               */
	uint32_t until;  /* SND.MAX when the window fell                                     */

	/* RFC 9768 3.2 */
	bool ace_seen;         /* a segment of the peer after the handshake has had ACE         */
	bool ace_handshake;    /* our ACK of its SYN-ACK is due, which tells of that one's field */
	bool last_ce;          /* the last data was marked                                      */
	uint8_t syn_ecn;       /* enum ip_ecn: of the peer's SYN or SYN-ACK                     */
	uint32_t unsaid;       /* marks that arrived since our last ACK                         */
	uint32_t r_cep, s_cep; /* marked packets: that we have received, that the peer says  */

	uint64_t hold_until_us; /* marked at one segment: no new data before, see tcp_ecn_holds */
	uint64_t reductions, delivered_ce, ce_in;
};

/* ------------------------------------------------------------------ the handshake, RFC 3168 6.1.1, RFC 9768 3.1 */

/* What does this SYN ask for, of what we grant? */
enum tcp_ecn_mode tcp_ecn_granted(const struct stack *s, const struct tcp_segment *syn);
/* … when one bit is all that can be remembered of it: RFC 3168's, which a client of RFC 9768 takes too. */
enum tcp_ecn_mode tcp_ecn_without_memory(enum tcp_ecn_mode granted, const struct tcp_segment *syn);
/* ACE of the SYN-ACK that grants it; `syn_ecn` is the IP header's field of the SYN. */
uint8_t tcp_ecn_syn_ack(enum tcp_ecn_mode granted, uint8_t syn_ecn);
/* The handshake of a passive open is complete. `ect`: our SYN-ACKs have all said that it is granted. */
void tcp_ecn_accepted(struct tcp_conn *c, enum tcp_ecn_mode granted, bool ect);
/* ACE of our next SYN, or of the SYN-ACK of a simultaneous open. */
uint8_t tcp_ecn_syn(struct tcp_conn *c);
/* The SYN of a connection that was made from it has come again, and must not ask for less (RFC 7413). */
void tcp_ecn_syn_again(struct tcp_conn *c, const struct tcp_segment *syn);
/* The peer's SYN or SYN-ACK has come while our SYN was out, or its SYN-ACK after its SYN. */
void tcp_ecn_peer_syn(struct tcp_conn *c, const struct tcp_segment *seg);

/* ------------------------------------------------------------------ the receiver, RFC 3168 6.1.3, RFC 9768 3.2.2 */

/* A segment within the window has come, with a valid ACK. True when it is to be acknowledged at once. */
bool tcp_ecn_arrived(struct tcp_conn *c, const struct tcp_segment *seg);

/* ------------------------------------------------------------------ the sender, RFC 3168 6.1.2 */

/* A valid ACK, whose news are in `d`; `duplicate` as in tcp_recovery_ack, which comes after this. */
void tcp_ecn_ack(struct tcp_conn *c, const struct tcp_segment *seg, const struct tcp_delivery *d,
		 bool duplicate);
/* The window has fallen for a loss: CWR says so, and marks in the same flight mean nothing. */
void tcp_ecn_reduced(struct tcp_conn *c);
/* … and that was a mistake, see tcp_undo.h: a mark in that flight counts after all. */
void tcp_ecn_undone(struct tcp_conn *c);
/* The retransmission timer has fired: so it has, and perhaps ECT is why. */
void tcp_ecn_timeout(struct tcp_conn *c);
/* Something was lost. When nothing that left as ECT has arrived yet, a path that drops ECT is the likely reason, and what
 * gets through are the retransmissions: then nothing leaves as ECT any more. */
void tcp_ecn_lost(struct tcp_conn *c);
/* RFC 3168 6.1.2: marked at a window of one segment, so the next one waits for a timer. */
bool tcp_ecn_holds(const struct tcp_conn *c);
/* That timer has fired. */
void tcp_ecn_release(struct tcp_conn *c);
/* CWR would be on the next segment, so it must be no super segment (`fresh` as below): some devices copy it to all pieces, others leave
 * it to the first one (virtio_net_hdr has VIRTIO_NET_HDR_GSO_ECN to say which). Neither is right for both RFCs. */
bool tcp_ecn_needs_single(const struct tcp_conn *c, bool fresh);
/* ACE for a segment that leaves now with these flags and `len` bytes; `fresh` says that they are new data and
 * nothing else. Counts as said what it says. */
uint8_t tcp_ecn_ace(struct tcp_conn *c, uint8_t flags, uint32_t len, bool fresh);
/* Data was sent again. */
void tcp_ecn_resent(struct tcp_conn *c);

/* ------------------------------------------------------------------ for tcp_accecn.c */

/* This way of using it brings more harm than good: routers may drop what they would have marked. */
void tcp_ecn_give_up_ect(struct tcp_conn *c);

#endif
