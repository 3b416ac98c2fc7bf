/* SPDX-License-Identifier: Apache-2.0 */
/*
 * icmp.h — ICMP for IPv4 (RFC 792): answers echo requests, tells of what we do not offer, and takes errors to the
 * connection whose packet they quote (tcp_icmp.h).
 */
#ifndef STACK_ICMP_H
#define STACK_ICMP_H

#include "stack/ip.h"
#include "stack/tcp_icmp.h"

void icmp_input(struct stack *s, const struct ip_packet *ip);

#define ICMP_UNREACHABLE 3
#define ICMP_UNREACHABLE_PROTOCOL 2
#define ICMP_UNREACHABLE_PORT 3
#define ICMP_TIME_EXCEEDED 11

/* Tells the sender of `ip` what became of it (RFC 1122 3.2.2): its header and the first eight bytes
 * behind it come along. Never about an error, and within the rate limit. */
void icmp_send_error(struct stack *s, const struct ip_packet *ip, uint8_t type, uint8_t code,
		     const char *why);

/* An error came in: takes it to the connection whose packet it quotes, behind the header of eight bytes that both
 * versions have. */
#define ICMP_HEADER_LEN 8
void icmp_take_error(struct stack *s, const struct ip_packet *ip, enum tcp_icmp_kind kind,
		     uint32_t mtu);

/* One more error message of ours, of either version, within this second's limit? (RFC 4443 2.4 (f),
 * RFC 1812 4.3.2.8) */
bool icmp_error_allowed(struct stack *s);

#endif
