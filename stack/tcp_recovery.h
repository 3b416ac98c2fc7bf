/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_recovery.h — finding out that a segment was lost, and recovering: duplicate ACKs, limited transmit
 * (RFC 3042), fast retransmit and NewReno's fast recovery (RFC 5681 3.2, RFC 6582); with SACK the scoreboard
 * of RFC 6675, RACK and the tail loss probe (RFC 8985) to find losses, with the window after RFC 9937; the
 * time-out; and taking back what was a mistake.
 */
#ifndef STACK_TCP_RECOVERY_H
#define STACK_TCP_RECOVERY_H

#include "stack/tcp_types.h"

/* An ACK has come: `d` says what it delivers, `duplicate` whether it only repeats snd_una while data is
 * outstanding (RFC 5681 2). */
void tcp_recovery_ack(struct tcp_conn *c, const struct tcp_segment *seg, struct tcp_delivery *d,
		      bool duplicate);
/* The reordering timer fired: what was overdue then is lost (RFC 8985 6.2 step 5). */
void tcp_recovery_reorder_timer(struct tcp_conn *c);
/* The retransmission timer fired: go back to snd_una with one segment (RFC 5681 3.1, RFC 6582 4). */
void tcp_recovery_timeout(struct tcp_conn *c);
/* The path takes no packets as large as those in flight: what may have been too large for c->snd_mss goes
 * again, and the window stays (RFC 1191 6.5, RFC 8201 5.4). When it was found out by a time-out, everything goes
 * again from an initial window on. */
void tcp_recovery_too_large(struct tcp_conn *c, bool timed_out);
/* The congestion window that counts now, limited transmit included. */
uint32_t tcp_recovery_window(const struct tcp_conn *c);

#endif
