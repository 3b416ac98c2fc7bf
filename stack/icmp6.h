/* SPDX-License-Identifier: Apache-2.0 */
/*
 * icmp6.h — ICMPv6 (RFC 4443): answers echo requests, tells of what we do not take, and takes errors to the
 * connection whose packet they quote (tcp_icmp.h). A TUN device has no link-layer addresses, so there is no
 * neighbour discovery: the kernel's messages of RFC 4861 and of group reports (RFC 3810) are counted and
 * otherwise ignored.
 */
#ifndef STACK_ICMP6_H
#define STACK_ICMP6_H

#include "stack/ip.h"

#define ICMP6_UNREACHABLE 1
#define ICMP6_UNREACHABLE_PORT 4
#define ICMP6_TIME_EXCEEDED 3
#define ICMP6_PARAMETER_PROBLEM 4

void icmp6_input(struct stack *s, const struct ip_packet *ip);

/* Tells the sender of `ip`, of which only `packet` and `packet_len` need be the whole truth about headers,
 * what was wrong: as much of the packet as fits, within the rate limit, and never about an error
 * (RFC 4443 2.4 (c), (e), (f)). `value` is the second word of the message. */
void icmp6_send_error(struct stack *s, const struct ip_packet *ip, uint8_t type, uint8_t code,
		      uint32_t value, const char *why);

#endif
