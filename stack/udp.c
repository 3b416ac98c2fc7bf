/* SPDX-License-Identifier: Apache-2.0 */
/* udp.c — see udp.h. */
#include "stack/udp.h"

#include "stack/bytes.h"
#include "stack/checksum.h"
#include "stack/icmp.h"
#include "stack/icmp6.h"
#include "stack/stack_internal.h"
#include "stack/trace.h"

/* RFC 768, RFC 8200 8.1: the length fits, and the checksum is right, or left out, which IPv4 allows. */
static bool sound(const struct ip_packet *ip, bool checksum_trusted)
{
	const uint8_t *udp = ip->payload;

	if (ip->payload_len < UDP_HEADER_LEN)
		return false;
	const size_t len = get_be16(udp + 4);
	if (len < UDP_HEADER_LEN || len > ip->payload_len)
		return false;
	if (get_be16(udp + 6) == 0)
		return ip->src.version == 4;
	const uint64_t sum =
		checksum_add_pseudo(0, &ip->src, &ip->dst, IP_PROTO_UDP, (uint32_t)len);
	return checksum_trusted || checksum_fold(checksum_add(sum, udp, len)) == 0xffff;
}

void udp_input(struct stack *s, const struct ip_packet *ip, struct packet_meta meta)
{
	if (!sound(ip, meta.checksum_trusted)) {
		s->counters.udp_in_errors++;
		trace_drop(s, ip->packet, ip->packet_len,
			   "UDP length or checksum wrong (RFC 768, RFC 1122 4.1.3.4)");
		return;
	}
	s->counters.udp_no_ports++;
	trace_drop(s, ip->packet, ip->packet_len, "UDP: no such port (RFC 1122 4.1.3.1)");
	if (ip->src.version == 4)
		icmp_send_error(s, ip, ICMP_UNREACHABLE, ICMP_UNREACHABLE_PORT,
				"Port Unreachable (RFC 1122 4.1.3.1)");
	else
		icmp6_send_error(s, ip, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_PORT, 0,
				 "Port Unreachable (RFC 4443 3.1)");
}
