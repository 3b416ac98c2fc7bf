/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_conn.h — the life of a connection's control block: made, announced, taken down, freed. */
#ifndef STACK_TCP_CONN_H
#define STACK_TCP_CONN_H

#include "stack/tcp_types.h"

/* A new control block in state CLOSED, in the table under `tuple`. NULL when a limit is reached. */
struct tcp_conn *tcp_conn_new(struct stack *s, const struct tcp_tuple *tuple, uint64_t id);
/* Works out segment size and congestion control from the handshake's options. */
void tcp_conn_negotiated(struct tcp_conn *c, const struct tcp_options *peer);

/* Asks for an output pass over this connection. */
void tcp_conn_wants_output(struct tcp_conn *c);
void tcp_conn_event(struct tcp_conn *c, enum stack_event_type type);
/* Hands an accepted connection's events, which have gathered meanwhile, to the application. */
void tcp_conn_deliver_events(struct tcp_conn *c);

/* The end of the connection: takes it out of the table and stops everything. The application, if it
 * holds the handle, is told; otherwise the block is freed. `c` may be gone when this returns. */
void tcp_conn_end(struct tcp_conn *c, enum tcp_close_reason reason);
/* Sends a RST for a synchronized connection (RFC 9293 3.10.5), then ends it. */
void tcp_conn_reset(struct tcp_conn *c, enum tcp_close_reason reason, const char *why);
/* Frees the block at once, whatever its state. */
void tcp_conn_free(struct tcp_conn *c);

/* Bytes that are charged for it: the block, its rings with what lies in them out of order, its scoreboard. */
size_t tcp_conn_memory(const struct tcp_conn *c);

/* Payload that fits into one segment to this peer with today's options. */
uint16_t tcp_our_mss(const struct stack *s, uint8_t version);

#endif
