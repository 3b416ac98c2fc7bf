/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sendq.h — the send queue of a connection: bytes from SND.UNA on that are kept until the peer has acknowledged
 * them.
 *
 * Most were copied into a ring. Others are lent: they stay where the application has them, and it is told when they
 * are needed no longer. In the order of the stream: `before` bytes of the ring and the first loan, as many of the next
 * and the second, and behind the last loan what else the ring has.
 */
#ifndef STACK_SENDQ_H
#define STACK_SENDQ_H

#include "stack/ring.h"

/* What a connection can have at once: consecutive loans of one piece of memory are one. */
#define SENDQ_LOANS_MAX 16

struct sendq_loan {
	struct tcp_loan what; /* what.len shrinks from the front as it is acknowledged */
	uint32_t before;      /* bytes of the ring between the loan in front and this  */
};

struct sendq {
	struct ring ring;
	uint32_t len;            /* bytes in all                                   */
	struct sendq_loan *loan; /* SENDQ_LOANS_MAX of them; NULL: none is lent    */
	uint32_t lent_behind;    /* bytes of the ring that have a loan behind them */
	uint16_t first, count;   /* loan[first], and how many follow, circular     */
};

/* `len` bytes were written behind the ring's last one. */
void sendq_committed(struct sendq *q, uint32_t len);
/* Takes the loan over, or returns false: too many, or memory is short. */
bool sendq_lend(struct stack *s, struct sendq *q, const struct tcp_loan *loan);
/* Drops the first `len` bytes; gives back what is no longer of use. */
void sendq_consume(struct stack *s, struct sendq *q, uint32_t len);
/* The bytes [offset, offset + len), at most 65535, in order; returns how many slices they are. */
size_t sendq_slices(const struct sendq *q, uint32_t offset, uint32_t len,
		    struct slice out[PACKET_SLICES_MAX]);
/* Gives everything back; the queue is empty afterwards. */
void sendq_release(struct stack *s, struct sendq *q);
/* What is wrong, or NULL: for stack_check. */
const char *sendq_check(const struct sendq *q);
/* Bytes of the account that it holds. */
size_t sendq_memory(const struct sendq *q);

#endif
