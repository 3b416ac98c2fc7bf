/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_sack.h — selective acknowledgements (RFC 2018) and their extension for what arrives twice (DSACK, RFC
 * 2883), as the receiver of data writes them and as its sender reads them. What a sender makes of them
 * is in tcp_scoreboard.h.
 */
#ifndef STACK_TCP_SACK_H
#define STACK_TCP_SACK_H

#include "stack/tcp_types.h"

/* ------------------------------------------------------------------ the receiver */

/* Data out of order has arrived at `seq`: its block is the first to report (RFC 2018 4). */
void tcp_sack_note_arrival(struct tcp_conn *c, uint32_t seq);
/* [start, end) has arrived once more (RFC 2883 4). Only one such range is kept until the next ACK. */
void tcp_sack_note_duplicate(struct tcp_conn *c, uint32_t start, uint32_t end);
/* Writes the blocks that the next ACK carries: DSACK first, then the newest. Returns how many; as many as
 * fit beside the timestamps, and never so many that they crowd out the data. */
unsigned tcp_sack_blocks(const struct tcp_conn *c, struct seq_range blocks[TCP_SACK_MAX]);
/* An ACK with those blocks has left: a duplicate is reported once (RFC 2883 4). */
void tcp_sack_reported(struct tcp_conn *c);
/* Payload of a full segment beside the blocks that it must carry now. */
uint16_t tcp_sack_mss(const struct tcp_conn *c);

/* ------------------------------------------------------------------ the sender */

/* Takes the peer's blocks to the scoreboard; what cannot be true is ignored. */
void tcp_sack_read(struct tcp_conn *c, const struct tcp_segment *seg, struct tcp_delivery *d);

#endif
