/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_delack.h — how soon data is acknowledged (RFC 9293 3.8.6.3, RFC 5681 4.2). At once:
 *
 *   - what is out of order or fills a gap;
 *   - two full segments' worth of bytes (bytes, because the link may have coalesced many segments into one);
 *   - the first TCP_QUICKACKS segments of a connection;
 *   - as many after the peer was silent for an RTO: it is in slow start again, and grows by what we acknowledge;
 *   - as many of a new request, that is after all that we had to say was said and acknowledged: its sender may hold
 *     back the rest until everything before it is acknowledged (Nagle, RFC 896), and our application cannot answer
 *     before it has the rest.
 *
 * Everything else waits TCP_DELACK_US. An answer given in the same turn of the owner's loop carries the ACK in any
 * of these cases, so between a client and a server that answers at once there is no pure ACK at all.
 */
#ifndef STACK_TCP_DELACK_H
#define STACK_TCP_DELACK_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_conn;

struct tcp_delack {
	uint64_t received_us; /* when data last arrived, 0 for never  */
	bool answered;        /* we have sent data since              */
};

/* Data was sent. */
void tcp_delack_sent(struct tcp_conn *c);
/* `advanced` bytes have arrived in order and are not acknowledged; true when they have to be now. */
bool tcp_delack_due(struct tcp_conn *c, uint32_t advanced);

#endif
