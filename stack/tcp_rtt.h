/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_rtt.h — round-trip time and retransmission time-out (RFC 6298, Jacobson and Karels).
 *
 * One segment at a time is timed in microseconds; never one that was sent again (Karn's algorithm).
 * Where that gives no sample, the timestamp option does, in milliseconds (RFC 7323 4.1).
 */
#ifndef STACK_TCP_RTT_H
#define STACK_TCP_RTT_H

#include "stack/tcp_types.h"

/* Feeds one sample: updates SRTT, RTTVAR, RTO. */
void tcp_rtt_sample(struct tcp_conn *c, uint64_t rtt_us);
/* A segment whose sequence space ends at `end` was sent for the first time. */
void tcp_rtt_sent(struct tcp_conn *c, uint32_t end);
/* Something was sent again: the measurement under way says nothing any more. */
void tcp_rtt_cancel(struct tcp_conn *c);
/* `seg` acknowledged new data. */
void tcp_rtt_acked(struct tcp_conn *c, const struct tcp_segment *seg);
/* The time-out with its exponential back-off (RFC 6298 5.5), capped. */
uint64_t tcp_rtt_timeout(const struct tcp_conn *c);

#endif
