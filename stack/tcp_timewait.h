/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_timewait.h — TIME-WAIT as a record of what is needed to answer a repeated FIN and to recognise old
 * segments, not as a connection (RFC 9293 3.6.1). A RST does not end it (RFC 1337); a new SYN that is
 * provably newer reopens it (RFC 1122 4.2.2.13, RFC 6191).
 */
#ifndef STACK_TCP_TIMEWAIT_H
#define STACK_TCP_TIMEWAIT_H

#include "stack/tcp_types.h"

struct timewait {
	struct tcp_node node;
	struct list link; /* in stack.timewait, oldest first */
	struct timer timer;
	struct stack *stack;
	uint64_t id;
	uint64_t challenge_us; /* see tcp_challenge_allowed */
	uint32_t snd_nxt, rcv_nxt, rcv_wnd;
	uint32_t ts_offset, ts_recent;
	uint16_t wnd_field;
	uint8_t challenge_count;
	uint8_t ace; /* what our ACKs say of ECN */
	bool ts_ok;
};

/* Turns a connection whose close is complete into a record, and ends it. */
void tcp_timewait_enter(struct tcp_conn *c, const struct tcp_segment *seg, enum tcp_state before,
			const char *why);
void tcp_timewait_input(struct timewait *tw, const struct tcp_segment *seg);
void tcp_timewait_timer(struct timewait *tw);
void tcp_timewait_free(struct timewait *tw);

#endif
