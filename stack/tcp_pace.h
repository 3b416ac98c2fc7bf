/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_pace.h — pacing of bursts (RFC 9002 7.7; RFC 9406 4.3 and RFC 7661 4.4.2 ask for it): the network is spared
 * bursts that are larger than it can queue. They come from stretch ACKs, where one ACK covers a super segment of
 * 64 KiB, from slow start, where each ACK lets out twice what it covers, and from data after a pause.
 *
 * The rate is 2 * cwnd / SRTT while the pipe fills, in slow start or with less than three quarters of the window
 * in flight, and 1.2 * cwnd / SRTT otherwise: above what the window lets through in a round trip, so that pacing
 * spreads the window and never limits it. A quantum, about a millisecond of the rate, 2 segments to 64 KiB,
 * leaves back to back, so that TSO stays worth its while. After a pause it may be as much as the initial window
 * of RFC 6928, and what fits into that together with all that is in flight never waits. A timer that fires late is
 * made up for.
 *
 * Not paced: a connection whose SRTT is not known; one that would send its whole window within the
 * millisecond anyway, which are round trips below 2 ms while the pipe fills and 1.2 ms otherwise; what goes out in
 * fast recovery, which PRR spreads (RFC 9937).
 */
#ifndef STACK_TCP_PACE_H
#define STACK_TCP_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/timer_wheel.h"

struct tcp_conn;

struct tcp_pace {
	struct timer timer; /* armed exactly while `waiting`                              */
	bool waiting;       /* data that the windows allow wait for the rate              */
	uint64_t next_ns;   /* when all that was sent is paid for; in the past: what was saved */
	uint64_t seen_us;   /* the turn in which savings still count                      */
};

void tcp_pace_init(struct tcp_conn *c);
/* How many of the next `len` bytes may leave now, in full segments or all of them; `all` is what the windows allow
 * beside them, too. 0: the timer says when. */
uint32_t tcp_pace_limit(struct tcp_conn *c, uint32_t len, uint32_t all);
/* `len` bytes were sent, paced or not. */
void tcp_pace_sent(struct tcp_conn *c, uint32_t len);
void tcp_pace_fired(struct tcp_conn *c);
void tcp_pace_stop(struct tcp_conn *c);
/* Bytes a second, 0 while the connection is not paced. */
uint64_t tcp_pace_rate(const struct tcp_conn *c);

#endif
