/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply.h — packets that belong to no connection: SYN-ACKs of half-open entries, resets, TIME-WAIT's
 * ACKs, echo replies. They are built whole when decided and wait in a bounded queue for stack_output.
 */
#ifndef STACK_REPLY_H
#define STACK_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "stack/list.h"
#include "stack/tcp_segment.h"

struct stack;
struct packet_out;

struct reply {
	struct list link;
	size_t len;
	const char *why; /* for the trace: the decision and its RFC section; never NULL */
	uint64_t conn_id;
	uint8_t bytes[]; /* from the IP header on, checksums complete */
};

/* NULL when the queue is full or memory is short: then the packet is simply not sent. */
struct reply *reply_new(struct stack *s, size_t len);
/* Queues it; the stack owns it from here. */
void reply_send(struct stack *s, struct reply *r);
/* Builds and queues a segment without payload. seg->src is ours. */
void reply_segment(struct stack *s, const struct tcp_segment *seg, uint64_t conn_id,
		   const char *why);
/* RFC 9293 3.10.7.1: the RST that answers a segment for which there is no connection. Never answers a
 * RST. */
void reply_reset(struct stack *s, const struct tcp_segment *in, const char *why);

/* Takes the next reply as an outgoing packet; 0 when there is none. */
size_t reply_output(struct stack *s, struct packet_out *out);
/* Frees the reply that reply_output lent out last: at the start of every call that takes the stack. */
void reply_release_out(struct stack *s);
void reply_free_all(struct stack *s);

#endif
