/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_reass.h — the receive queue: segments go to their place in the receive ring whatever order they come
 * in, so that reassembly copies once. A sorted list remembers which stretches beyond rcv_nxt are there. It lives while
 * there are any, is charged to the account, and has at most TCP_OOO_MAX of them: finding one is a binary search, so
 * the work per segment is bounded (CVE-2018-5390). A queue that overflows in slow start leaves hundreds of gaps; what
 * could not be remembered would have to be sent again although it has arrived.
 */
#ifndef STACK_TCP_REASS_H
#define STACK_TCP_REASS_H

#include "stack/tcp_types.h"

/* Stores `len` bytes at `seq`, which must lie within the receive window. Returns how far rcv_nxt moved;
 * 0 for bytes that wait for a gap to fill, or that were dropped because memory or the list is full (then
 * the peer sends them again). */
uint32_t tcp_reass_insert(struct tcp_conn *c, uint32_t seq, const uint8_t *data, uint32_t len);
/* Memory is short: drops everything out of order, and the ring as far as that has needed it. */
void tcp_reass_prune(struct tcp_conn *c);
/* The stream ends at `seq`: forgets what was kept beyond. */
void tcp_reass_cut(struct tcp_conn *c, uint32_t seq);
/* The stretch that holds `seq`, NULL for none. */
const struct seq_range *tcp_reass_range(const struct tcp_conn *c, uint32_t seq);
/* Forgets all stretches and frees the list. */
void tcp_reass_release(struct tcp_conn *c);
/* Bytes charged to the account. */
size_t tcp_reass_memory(const struct tcp_conn *c);

#endif
