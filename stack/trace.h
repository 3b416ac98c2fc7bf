/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.h — tells the owner's callback what happened and why. With no callback each of these is one
 * predictable branch. `why` is a static sentence that ends with its RFC section.
 */
#ifndef STACK_TRACE_H
#define STACK_TRACE_H

#include "stack/stack_internal.h"

void trace_emit(struct stack *s, struct stack_trace_event *ev, const struct tcp_conn *c);
void trace_fill_tuple(struct stack_trace_event *ev, const struct tcp_tuple *tuple);

/* A packet that concerns no connection was taken in. */
static inline void trace_packet_in(struct stack *s, const uint8_t *pkt, size_t len, const char *why)
{
	if (s->cfg.trace) {
		struct stack_trace_event ev = {.kind = STACK_TRACE_PACKET_IN,
					       .why = why,
					       .packet = pkt,
					       .packet_len = len};
		trace_emit(s, &ev, NULL);
	}
}

static inline void trace_drop(struct stack *s, const uint8_t *pkt, size_t len, const char *why)
{
	if (s->cfg.trace) {
		struct stack_trace_event ev = {
			.kind = STACK_TRACE_DROP, .why = why, .packet = pkt, .packet_len = len};
		trace_emit(s, &ev, NULL);
	}
}

/* Memory pressure: what was given up, of a connection or, with NULL, of none. */
void trace_memory(struct stack *s, const struct tcp_conn *c, const char *why);
void trace_reply_out(struct stack *s, const struct reply *r);
/* A segment was processed by a connection that was in `before`. */
void trace_segment_in(struct tcp_conn *c, const struct tcp_segment *seg, enum tcp_state before,
		      const char *why);
void trace_segment_drop(struct tcp_conn *c, const struct tcp_segment *seg, const char *why);
void trace_segment_out(struct tcp_conn *c, const struct packet_out *out, size_t payload_len,
		       const char *why);
void trace_timer(struct tcp_conn *c, const char *why);
/* The state moved without a packet. */
void trace_state(struct tcp_conn *c, enum tcp_state before, const char *why);
/* Of an endpoint that is not a full connection: a half-open entry or a TIME-WAIT record. `seg` may be
 * NULL. */
void trace_node(struct stack *s, enum stack_trace_kind kind, const struct tcp_node *node,
		uint64_t conn_id, enum tcp_state before, enum tcp_state after,
		const struct tcp_segment *seg, const char *why);

#endif
