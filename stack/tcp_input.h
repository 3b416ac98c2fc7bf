/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_input.h — SEGMENT ARRIVES (RFC 9293 3.10.7): one function per step of the RFC. Input changes the
 * control block and programs what has to be sent; it sends nothing itself.
 */
#ifndef STACK_TCP_INPUT_H
#define STACK_TCP_INPUT_H

#include "stack/ip.h"
#include "stack/tcp_types.h"

/* A TCP packet that was addressed to us: checks it and finds its endpoint. */
void tcp_input(struct stack *s, const struct ip_packet *ip, struct packet_meta meta);
/* A segment for this connection. `c` may be gone when this returns. */
void tcp_conn_input(struct tcp_conn *c, const struct tcp_segment *seg);

/* May one more answer be given to a segment that an attacker could have made (RFC 5961 7)? Counts at most
 * TCP_CHALLENGE_ACKS a second, per endpoint: a limit shared by all would tell one peer about another
 * (CVE-2016-5696). */
bool tcp_challenge_allowed(struct stack *s, uint64_t *second_us, uint8_t *count);

#endif
