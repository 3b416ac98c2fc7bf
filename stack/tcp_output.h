/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_output.h — the output pass: looks at what input, timers and the application have programmed and
 * makes the next segment of it. Everything that is sent carries the newest ACK, so ACKs coalesce.
 */
#ifndef STACK_TCP_OUTPUT_H
#define STACK_TCP_OUTPUT_H

#include "stack/tcp_types.h"

/* Makes the next packet of this connection. False when there is nothing to send now; then the timers are
 * set to whatever the connection waits for. */
bool tcp_output_next(struct tcp_conn *c, struct packet_out *out);
/* The window to advertise now (bytes, unscaled): never moves the right edge left, and avoids the silly
 * window syndrome (RFC 9293 3.8.6.2.2). */
uint32_t tcp_receive_window(const struct tcp_conn *c);
/* The application has read: tells the peer if that is worth a segment. */
void tcp_output_window_update(struct tcp_conn *c);

#endif
