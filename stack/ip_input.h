/* SPDX-License-Identifier: Apache-2.0 */
/* ip_input.h — what becomes of a packet that has arrived: dropped, reassembled, or given to TCP or ICMP. */
#ifndef STACK_IP_INPUT_H
#define STACK_IP_INPUT_H

#include "stack/stack.h"

void ip_input(struct stack *s, const uint8_t *pkt, size_t len, struct packet_meta meta);

#endif
