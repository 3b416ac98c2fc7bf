/* SPDX-License-Identifier: Apache-2.0 */
/* ip6.c — the IPv6 header of what arrives (RFC 8200 3). What may follow it is in ip6_ext.c. See ip.h. */
#include "stack/bytes.h"
#include "stack/ip.h"
#include "stack/ip6_ext.h"
#include "stack/stack_internal.h"

enum ip_verdict ip6_parse(const struct stack *s, const uint8_t *pkt, size_t len,
			  struct ip_packet *out)
{
	if (len < IPV6_HEADER_LEN || pkt[0] >> 4 != 6)
		return IP_BAD_HEADER;
	/* Jumbograms (RFC 2675) have length 0 here and end at the option that we do not know. */
	const size_t total_len = IPV6_HEADER_LEN + (size_t)get_be16(pkt + 4);
	if (total_len > len)
		return IP_BAD_HEADER;
	out->src = ip_addr_v6(pkt + 8);
	out->dst = ip_addr_v6(pkt + 24);
	out->ttl = pkt[7];
	out->ecn = pkt[1] >> 4 & 3;
	out->packet_len = total_len;
	if (out->dst.bytes[0] == 0xff)
		return IP_MULTICAST;
	/* As with IPv4, a source that is our own address is a LAND attack. */
	if (!ip_addr_is_local(s, &out->dst) || !ip_addr_is_unicast(&out->src) ||
	    ip_addr_is_local(s, &out->src))
		return IP_BAD_ADDRESS;
	return ip6_ext_walk(out);
}
