/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_demux.h — finds the endpoint of a segment: one hash table, keyed with a secret so that nobody can
 * make collisions, for connections, half-open entries and TIME-WAIT records alike. At most one node
 * exists for a tuple, so a segment meets exactly one of them, or a listener, or nothing.
 */
#ifndef STACK_TCP_DEMUX_H
#define STACK_TCP_DEMUX_H

#include "stack/tcp_types.h"

struct stack;

bool tcp_table_init(struct stack *s);
void tcp_table_free(struct stack *s);
struct tcp_node *tcp_table_find(const struct stack *s, const struct tcp_tuple *tuple);
/* The tuple must not be in the table. */
void tcp_table_insert(struct stack *s, struct tcp_node *node);
void tcp_table_remove(struct stack *s, struct tcp_node *node);

/* The tuple of the endpoint that `seg` was sent to. */
void tcp_tuple_of_segment(struct tcp_tuple *t, const struct tcp_segment *seg);
void tcp_tuple_of_endpoints(struct tcp_tuple *t, const struct ip_endpoint *local,
			    const struct ip_endpoint *remote);
struct ip_endpoint tcp_tuple_local(const struct tcp_tuple *t);
struct ip_endpoint tcp_tuple_remote(const struct tcp_tuple *t);
/* Addresses and ports for a segment from this tuple to the peer; the rest is zero. */
struct tcp_segment tcp_segment_from(const struct tcp_tuple *t);

/* The listener for a destination: an exact address before a wildcard. NULL when the port is closed. */
struct tcp_listener *tcp_find_listener(const struct stack *s, const struct ip_addr *addr,
				       uint16_t port);

#endif
