/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ip6_ext.h — the extension headers of IPv6 (RFC 8200 4): the chain between the IPv6 header and what it
 * carries. Each step of the walk is checked against the packet's end and moves on by at least eight
 * bytes, and there are few steps, so no length of theirs can make it loop or leave the packet.
 */
#ifndef STACK_IP6_EXT_H
#define STACK_IP6_EXT_H

#include "stack/ip.h"

#define IP6_EXT_MAX 8 /* headers in a chain; RFC 8504 5.3 lets a host set such a limit */

/* Walks the chain of `ip`, whose addresses and packet are filled in, and fills in the rest of it. */
enum ip_verdict ip6_ext_walk(struct ip_packet *ip);

/* Finds what the chain ends with, whatever the headers of it say. False when the packet ends first. */
bool ip6_ext_find_upper(const uint8_t *pkt, size_t len, uint8_t *protocol, size_t *at);

#endif
