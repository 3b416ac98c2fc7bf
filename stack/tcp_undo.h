/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_undo.h — taking back a reduction of the window that was a mistake: nothing was lost, it was late. Two
 * proofs count. The first ACK of the oldest segment after it was sent again echoes a timestamp from before that,
 * so it answers the original (Eifel, RFC 3522, response after RFC 4015). Or every byte that was sent again
 * is reported as arrived twice (RFC 2883, RFC 3708). Timestamps serve connections without SACK too.
 */
#ifndef STACK_TCP_UNDO_H
#define STACK_TCP_UNDO_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/seq.h"
#include "stack/tcp_cc.h"

struct tcp_conn;
struct tcp_segment;
struct tcp_delivery;

struct tcp_undo {
	bool armed;
	bool first_ack; /* the next ACK that moves SND.UNA is the first of what was sent again */
	uint32_t until; /* beyond this it is too late to say                    */
	uint32_t ts;    /* TSval of the first retransmission                    */
	uint32_t again; /* bytes sent again since                               */
	struct seq_range hull; /* where they lie                                 */
	uint32_t twice;        /* bytes reported as arrived twice                      */
	struct tcp_cc cc;
};

/* The window is about to be reduced. A reduction within another keeps what was saved first. */
void tcp_undo_arm(struct tcp_conn *c);
/* [start, end) was sent again. */
void tcp_undo_sent_again(struct tcp_conn *c, uint32_t start, uint32_t end);
/* Was it all a mistake? Then the window is as it was. `acked` says by how much SND.UNA moved, `dsack` what
 * arrived twice. */
bool tcp_undo_check(struct tcp_conn *c, const struct tcp_segment *seg, uint32_t acked,
		    struct seq_range dsack);

#endif
