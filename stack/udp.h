/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp.h — UDP as a host has it that offers no port of it: whoever sends a sound datagram is told that there is
 * nothing (RFC 1122 4.1.3.1, RFC 4443 3.1), so that a client of HTTP/3 or a resolver goes on without waiting.
 */
#ifndef STACK_UDP_H
#define STACK_UDP_H

#include "stack/ip.h"

#define IP_PROTO_UDP 17
#define UDP_HEADER_LEN 8

void udp_input(struct stack *s, const struct ip_packet *ip, struct packet_meta meta);

#endif
