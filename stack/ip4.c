/* SPDX-License-Identifier: Apache-2.0 */
/* ip4.c — the IPv4 header of what arrives (RFC 791 3.1, RFC 1122 3.2.1). Options are skipped. See ip.h. */
#include "stack/bytes.h"
#include "stack/checksum.h"
#include "stack/ip.h"
#include "stack/stack_internal.h"

#define IPV4_MF 0x2000
#define IPV4_OFFSET_MASK 0x1fff

enum ip_verdict ip4_parse(const struct stack *s, const uint8_t *pkt, size_t len,
			  struct ip_packet *out)
{
	if (len < IPV4_HEADER_MIN || pkt[0] >> 4 != 4)
		return IP_BAD_HEADER;
	const size_t header_len = (size_t)(pkt[0] & 0x0f) * 4;
	const size_t total_len = get_be16(pkt + 2);
	if (header_len < IPV4_HEADER_MIN || total_len < header_len || total_len > len)
		return IP_BAD_HEADER;
	if (checksum_fold(checksum_add(0, pkt, header_len)) != 0xffff)
		return IP_BAD_HEADER;
	out->src = ip_addr_v4(pkt[12], pkt[13], pkt[14], pkt[15]);
	out->dst = ip_addr_v4(pkt[16], pkt[17], pkt[18], pkt[19]);
	/* A source that is our own address is a LAND attack: nothing of ours travels the link. */
	if (!ip_addr_is_local(s, &out->dst) || !ip_addr_is_unicast(&out->src) ||
	    ip_addr_is_local(s, &out->src))
		return IP_BAD_ADDRESS;
	out->protocol = pkt[9];
	out->ttl = pkt[8];
	out->ecn = pkt[1] & 3;
	out->payload = pkt + header_len;
	out->payload_len = total_len - header_len;
	out->packet_len = total_len;
	const uint16_t field = get_be16(pkt + 6);
	if (!(field & (IPV4_MF | IPV4_OFFSET_MASK)))
		return IP_OK;
	out->frag = (struct ip_fragment){.id = get_be16(pkt + 4),
					 .offset = (field & IPV4_OFFSET_MASK) * 8u,
					 .more = (field & IPV4_MF) != 0,
					 .header_len = header_len};
	return IP_FRAGMENT;
}
