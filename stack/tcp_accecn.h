/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_accecn.h — more accurate ECN feedback (RFC 9768), without its TCP option: the receiver of data counts the
 * packets that arrive with CE, and every segment carries the count modulo eight. What the sender does about
 * marks is in tcp_ecn.c, as with RFC 3168: the window falls once for a window of data.
 */
#ifndef STACK_TCP_ACCECN_H
#define STACK_TCP_ACCECN_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/tcp_ecn.h"

/* RFC 9768 3.2.1: where both counts begin: neither all ones nor all zeros, and not like the handshake's. */
#define TCP_ACE_INITIAL 5u

/* RFC 9768 table 3: ACE of a SYN-ACK, or of the ACK of one, says with which field of the IP header the
 * segment before it has come. */
uint8_t tcp_accecn_reflect(uint8_t ecn);
/* Both have agreed on it. The mark of a SYN is told by its SYN-ACK and counts no more; that of a SYN-ACK does. */
void tcp_accecn_begin(struct tcp_ecn *e, bool syn_ack_marked);
/* As in tcp_ecn_arrived. */
bool tcp_accecn_arrived(struct tcp_ecn *e, const struct tcp_segment *seg);
/* ACE of a segment that is no SYN. */
uint8_t tcp_accecn_ace(struct tcp_ecn *e, uint32_t len);
/* Packets of ours that were marked, by an ACK that delivers `packets`. */
uint32_t tcp_accecn_marks(struct tcp_conn *c, const struct tcp_segment *seg, uint32_t packets);

#endif
