/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_user_timeout.h — how long what we have sent may stay unacknowledged: of the connection (RFC 9293 3.8.3,
 * the USER TIMEOUT of its OPEN and SEND calls), and as an option on the wire (RFC 5482).
 *
 * A value that the application has set holds against everything: an answered zero-window probe does not
 * prolong it, nor does an answered handshake, and no peer changes it. After tcp_close it holds only as far as
 * it is below the configuration's, so that nobody is left behind for longer than the owner has said.
 *
 * The option is advice, and a peer that gives it makes us keep a connection for longer: RFC 5482 6 names
 * the exhaustion of memory. So it is off unless the owner switches it on for a connection, it is taken
 * from acceptable segments only, and what is taken lies within the limits of RFC 5482 3.1. It is sent once
 * after it was switched on or changed, with the SYN of an active open and with the next segment that
 * has room for it. That is not reliable, which RFC 5482 3.3 allows.
 */
#ifndef STACK_TCP_USER_TIMEOUT_H
#define STACK_TCP_USER_TIMEOUT_H

#include <stdbool.h>
#include <stdint.h>

#define TCP_UTO_LOWER_US (100ull * 1000000)  /* L_LIMIT: R2 of RFC 1122 4.2.3.5  */
#define TCP_UTO_UPPER_US (3600ull * 1000000) /* U_LIMIT                          */
#define TCP_UTO_MINUTES 0x8000u              /* G bit: what follows are minutes  */
#define TCP_UTO_LEN 4

struct tcp_conn;

struct tcp_user_timeout {
	uint64_t us;    /* 0: the configuration's                                       */
	bool fixed;     /* the application has set it: not CHANGEABLE (RFC 5482 3.1)     */
	bool exchange;  /* ENABLED of RFC 5482 3.1: told to the peer, and taken from it  */
	bool advertise; /* the option goes out with the next segment that has room       */
};

/* How long the peer may be silent while it owes us something. */
uint64_t tcp_user_timeout_us(const struct tcp_conn *c);
/* The application's calls: 0 for the configuration's again. */
void tcp_user_timeout_set(struct tcp_conn *c, uint64_t us);
void tcp_user_timeout_exchange(struct tcp_conn *c, bool on);
/* The peer's option, as on the wire, in an acceptable segment. */
void tcp_user_timeout_take(struct tcp_conn *c, uint16_t field);
/* Our own as on the wire, when the segment with so many bytes of text and so many SACK blocks is to carry
 * it, otherwise 0, which is never sent (RFC 5482 3.3). */
uint16_t tcp_user_timeout_field(struct tcp_conn *c, bool syn, uint32_t text, unsigned blocks);

#endif
