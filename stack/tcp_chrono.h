/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_chrono.h — for how long the connection had something to send, and how much of that it stood still for want
 * of the peer's window or of room in our own send buffer (RFC 4898 tcpEStatsPerfSndLimTimeRwin, …Snd). What is
 * left of the busy time was the network's and ours.
 */
#ifndef STACK_TCP_CHRONO_H
#define STACK_TCP_CHRONO_H

#include <stdint.h>

struct tcp_conn;

enum tcp_chrono_kind {
	TCP_CHRONO_NONE, /* nothing unsent, nothing unacknowledged                                */
	TCP_CHRONO_BUSY,
	TCP_CHRONO_RWND, /* busy, and the peer's window is what holds the next segment back       */
	TCP_CHRONO_SNDBUF, /* busy, all is sent, and the application had more than the buffer takes */
	TCP_CHRONO_COUNT,
};

struct tcp_chrono {
	uint64_t since_us;
	uint64_t total_us[TCP_CHRONO_COUNT];
	uint8_t now; /* enum tcp_chrono_kind */
};

/* Output has nothing more to send: what does the connection wait for? */
void tcp_chrono_update(struct tcp_conn *c);
/* The time in a state, with what is not over yet. Busy includes the two that are limited. */
uint64_t tcp_chrono_us(const struct tcp_conn *c, enum tcp_chrono_kind kind);

#endif
