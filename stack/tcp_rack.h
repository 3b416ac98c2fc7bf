/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_rack.h — finding losses by time (RACK, RFC 8985 section 6): what was sent before something that has
 * arrived, and a round trip and a reordering window ago, is lost, whether it went out for the first time or
 * again. The variables have the RFC's names.
 *
 * "Sent before" is not read from the clock: the scoreboard numbers what it sends (tcp_sent.order), so that
 * the order holds within a tick, too, and among ranges whose send times were joined. The clock only says for
 * how long something has been overdue.
 *
 * The reordering timer is one of the modes of the connection's exclusive timer; behind it, as behind a loss
 * probe, the retransmission time-out goes on running (tcp_conn.rto_at_us).
 */
#ifndef STACK_TCP_RACK_H
#define STACK_TCP_RACK_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_conn;
struct tcp_sent;
struct tcp_delivery;

#define TCP_RACK_PERSIST 16            /* recoveries that an enlarged window lasts (6.2 step 4)  */
#define TCP_RACK_MIN_RTT_US 150000000u /* half of the window over which min_RTT is taken (step 1) */

struct tcp_rack {
	bool seen;               /* something was delivered, so that the next four are known      */
	uint32_t order, end_seq; /* RACK.segment: the one sent last of all that were delivered    */
	uint64_t xmit_us, rtt_us;

	uint64_t min_rtt_us,
		min_rtt_before_us; /* of this half of the window and of the last; 0: none */
	uint64_t min_rtt_half;     /* which one it is */

	uint32_t fack;        /* highest sequence number delivered               */
	bool reordering_seen; /* something arrived after what was sent behind it */
	bool in_dsack_round;  /* until SND.UNA reaches dsack_round               */
	uint8_t reo_wnd_mult, reo_wnd_persist;
	uint32_t dsack_round;
	uint64_t reo_wnd_us; /* as of the last look */

	uint32_t lowered; /* tcp_scoreboard.order when the window was last lowered */
};

/* What a look for losses has found. */
struct tcp_rack_losses {
	bool any;
	bool oldest; /* the segment at SND.UNA is among them                                    */
	bool again;  /* a retransmission was lost that was sent since the window was last lowered */
	uint64_t
		due_us; /* when to look again, 0 for never                                         */
};

/* The connection is new. */
void tcp_rack_init(struct tcp_conn *c);
/* Nothing was in flight and something is sent now. */
void tcp_rack_flight_begins(struct tcp_conn *c);
/* Steps 1 and 2, for each range that an ACK newly acknowledges or SACKs; notes for step 3 in `d`. */
void tcp_rack_delivered(struct tcp_conn *c, const struct tcp_sent *r, struct tcp_delivery *d);
/* Steps 3 and 4, once the whole ACK has been read. `exited` says that it ends a recovery. */
void tcp_rack_update(struct tcp_conn *c, const struct tcp_delivery *d, bool exited);
/* Step 5: marks what is lost. */
struct tcp_rack_losses tcp_rack_detect(struct tcp_conn *c);
/* The window was lowered now: what was sent until here has had its effect. */
void tcp_rack_lowered(struct tcp_conn *c);
/* What was taken for lost was only late. */
void tcp_rack_was_reordered(struct tcp_conn *c);
/* What was sent until then is overdue when the retransmission timer fires (6.3). */
uint64_t tcp_rack_overdue_us(const struct tcp_conn *c);

#endif
