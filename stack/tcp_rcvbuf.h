/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_rcvbuf.h — how much the peer may send ahead of the application: dynamic right-sizing (Fisk and Feng, 2001),
 * as Linux and FreeBSD do it.
 *
 * The window is made of `limit`. It begins with stack_config.recv_buffer_initial, and grows when the
 * application has read so much within a round trip that the window may have been what held the peer back:
 * to twice that, so that the peer's congestion window may double, and to four times while what is read grows
 * that fast itself. An application that does not read, or a peer that sends little, gets no more than it
 * began with, so a large recv_buffer_max costs nothing until it is of use. The limit never falls, since the
 * edge that was promised may not (RFC 9293 3.8.6); while memory is short it does not grow.
 *
 * A receiver sees the round trip as the time from an ACK to the first data that were sent on account of it:
 * those that echo its timestamp, or without timestamps those beyond the edge that it had offered. The first is
 * too long when the peer pauses, the second when it does not fill the window: so it begins with the handshake's,
 * one that is longer counts for little, and without timestamps the shortest counts.
 */
#ifndef STACK_TCP_RCVBUF_H
#define STACK_TCP_RCVBUF_H

#include <stdbool.h>
#include <stdint.h>

struct stack;
struct tcp_conn;
struct tcp_segment;

struct tcp_rcvbuf {
	uint32_t limit;    /* bytes                                                     */
	uint32_t consumed; /* read since epoch_us                                       */
	uint32_t before;   /* … and in the round trip before                            */
	uint32_t mark;     /* the TSval or the edge that the measurement waits for      */
	uint32_t ts_sent;  /* TSval of our last segment                                 */
	bool timing;
	uint64_t mark_us;
	uint64_t epoch_us;
	uint64_t rtt_us; /* as the receiver sees it, 0 before the first measurement   */
};

/* What a connection begins with. */
uint32_t tcp_rcvbuf_initial(const struct stack *s);
void tcp_rcvbuf_init(struct tcp_conn *c);
/* An ACK has been made. */
void tcp_rcvbuf_acked(struct tcp_conn *c);
/* RCV.NXT has moved because of this segment. */
void tcp_rcvbuf_arrived(struct tcp_conn *c, const struct tcp_segment *seg);
/* The application has read so many bytes. */
void tcp_rcvbuf_consumed(struct tcp_conn *c, uint32_t bytes);

#endif
