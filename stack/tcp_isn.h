/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_isn.h — numbers that must not be guessed: initial sequence numbers, timestamp offsets, ports. */
#ifndef STACK_TCP_ISN_H
#define STACK_TCP_ISN_H

#include "stack/tcp_types.h"

/* RFC 6528 3: M + F(tuple, secret), where M ticks every 4 µs. */
uint32_t tcp_isn(const struct stack *s, const struct tcp_tuple *tuple);
/* The current value of the timestamp clock, 1 ms a tick. */
uint32_t tcp_ts_now(const struct stack *s, uint32_t offset);
/* RFC 7323 5.4: a random offset, the same for every connection between the two hosts' tuple, so that
 * uptime stays private and PAWS and RFC 6191 still work. */
uint32_t tcp_ts_offset(const struct stack *s, const struct tcp_tuple *tuple);
/* RFC 6056 3.3.3: an ephemeral port that is free for this remote endpoint; 0 when there is none. */
uint16_t tcp_ephemeral_port(struct stack *s, const struct ip_addr *local,
			    const struct ip_endpoint *remote);

#endif
