/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ip.h — the common door of IPv4 (RFC 791, ip4.c) and IPv6 (RFC 8200, ip6.c, ip6_ext.c): what a host must
 * check of a packet before anything above may look at it, and the headers of what it sends. Nothing above
 * knows which version it is, but for lengths and for ICMP.
 */
#ifndef STACK_IP_H
#define STACK_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/stack.h"

#define IP_PROTO_ICMP 1
#define IP_PROTO_ICMPV6 58
#define IPV4_HEADER_MIN 20
#define IPV6_HEADER_LEN 40
#define IP_TTL 64
/* RFC 3168 5, RFC 8311: the last two bits of the TOS octet, or of IPv6's traffic class. */
enum ip_ecn {
	IP_ECN_NOT_ECT = 0,
	IP_ECN_ECT1 = 1,
	IP_ECN_ECT0 = 2,
	IP_ECN_CE = 3,
};

#define IPV6_MTU_MIN 1280u /* RFC 8200 5: what every link of IPv6 carries whole */

/* Where a fragment belongs. */
struct ip_fragment {
	uint32_t id;
	uint32_t offset;   /* of the payload in the datagram, bytes                            */
	bool more;         /* fragments follow                                                 */
	size_t header_len; /* of what comes before the payload and stays: the IPv4 header, or
	                      IPv6's unfragmentable part                                       */
	size_t next_at;    /* IPv6: where the header before names the fragment header          */
};

struct ip_packet {
	struct ip_addr src, dst;
	uint8_t protocol; /* of a fragment: that of the fragmentable part */
	uint8_t ttl;
	uint8_t ecn; /* enum ip_ecn */
	const uint8_t *payload;
	size_t payload_len;
	const uint8_t *packet; /* from the IP header on */
	size_t packet_len;     /* as its header says: link padding is cut off */
	uint8_t problem_code;  /* with IP_PROBLEM: of the ICMPv6 Parameter Problem (RFC 4443 3.4) */
	uint32_t problem_at; /* … and the offset it points to                                    */
	struct ip_fragment
		frag; /* with IP_FRAGMENT                                                */
};

enum ip_verdict {
	IP_OK,
	IP_BAD_HEADER, /* version, lengths, checksum or an option that says so: RFC 1122 3.2.1, RFC 8200 */
	IP_BAD_ADDRESS, /* not for us, or a source that no host may have */
	IP_MULTICAST, /* IPv6 to a group: the kernel's neighbour discovery and group reports, not ours */
	IP_FRAGMENT, /* for ip_reass.c */
	IP_PROBLEM,  /* the sender is told with an ICMPv6 Parameter Problem */
	IP_NO_NEXT,  /* IPv6: nothing follows the headers (RFC 8200 4.7) */
	IP_SECURED,  /* IPv6: AH or ESP, which we do not do */
};

/* Checks and takes apart one packet of either version. */
enum ip_verdict ip_parse(const struct stack *s, const uint8_t *pkt, size_t len,
			 struct ip_packet *out);
enum ip_verdict ip4_parse(const struct stack *s, const uint8_t *pkt, size_t len,
			  struct ip_packet *out);
enum ip_verdict ip6_parse(const struct stack *s, const uint8_t *pkt, size_t len,
			  struct ip_packet *out);

/* Is `a` one of the stack's own addresses? */
bool ip_addr_is_local(const struct stack *s, const struct ip_addr *a);
/* Can `a` be the address of a single host? IPv4: not 0.0.0.0/8, multicast, broadcast or loopback
 * (RFC 1122 3.2.1.3). IPv6: not multicast, and nothing of ::/96 (unspecified, loopback) or of
 * ::ffff:0:0/96, the IPv4-mapped ones, which may not be on a wire (RFC 4291 2.5). */
bool ip_addr_is_unicast(const struct ip_addr *a);

/* The length of the header that ip_write_header writes for this version. */
static inline size_t ip_header_len(uint8_t version)
{
	return version == 4 ? IPV4_HEADER_MIN : IPV6_HEADER_LEN;
}

/* Sets the ECN field of a header that is written already; IPv4's checksum is right again after it. */
void ip_set_ecn(uint8_t *header, enum ip_ecn ecn);

/* Writes a header at `out` for `payload_len` bytes of `protocol`, of the version of `src`; returns its
 * length. IPv4: DF is set, as TCP does path MTU discovery and an atomic datagram's identification `id`
 * means nothing (RFC 6864). IPv6: flow label 0 (RFC 6437 2). */
size_t ip_write_header(uint8_t *out, const struct ip_addr *src, const struct ip_addr *dst,
		       uint8_t protocol, size_t payload_len, uint16_t id);

#endif
