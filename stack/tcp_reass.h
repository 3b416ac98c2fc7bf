/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_reass.h — the receive queue: segments go to their place in the receive ring whatever order they come
 * in, so that reassembly costs no memory of its own. A short sorted list remembers which stretches
 * beyond rcv_nxt are there. Its length is fixed, so the work per segment is bounded (CVE-2018-5390).
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

#endif
