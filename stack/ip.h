/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ip.h — IPv4 (RFC 791): what a host must check of a packet before anything above may look at it, and the
 * header of what it sends. Fragments are dropped and options skipped.
 */
#ifndef STACK_IP_H
#define STACK_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/stack.h"

#define IP_PROTO_ICMP 1
#define IPV4_HEADER_MIN 20

struct ip_packet {
	struct ip_addr src, dst;
	uint8_t protocol;
	uint8_t ttl;
	const uint8_t *payload;
	size_t payload_len;
	const uint8_t *packet; /* from the IP header on */
	size_t packet_len;     /* as its header says: link padding is cut off */
};

enum ip_verdict {
	IP_OK,
	IP_BAD_HEADER,  /* version, lengths or checksum: RFC 1122 3.2.1 */
	IP_BAD_ADDRESS, /* not for us, or a source that no host may have */
	IP_FRAGMENT,
};

/* Checks and takes apart one packet. */
enum ip_verdict ip_parse(const struct stack *s, const uint8_t *pkt, size_t len,
			 struct ip_packet *out);

/* Is `a` one of the stack's own addresses? */
bool ip_addr_is_local(const struct stack *s, const struct ip_addr *a);
/* Can `a` be the address of a single host: not 0.0.0.0/8, multicast, broadcast or loopback? */
bool ip_addr_is_unicast(const struct ip_addr *a);

/* Writes a header at `out` for `payload_len` bytes of `protocol`; returns its length. DF is set: TCP does
 * path MTU discovery, and an atomic datagram's identification means nothing (RFC 6864). */
size_t ip_write_header(uint8_t *out, const struct ip_addr *src, const struct ip_addr *dst,
		       uint8_t protocol, size_t payload_len, uint16_t id);

#endif
