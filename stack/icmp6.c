/* SPDX-License-Identifier: Apache-2.0 */
/* icmp6.c — see icmp6.h. */
#include "stack/icmp6.h"

#include <string.h>

#include "stack/bytes.h"
#include "stack/checksum.h"
#include "stack/icmp.h"
#include "stack/ip6_ext.h"
#include "stack/reply.h"
#include "stack/stack_internal.h"
#include "stack/tcp_icmp.h"
#include "stack/trace.h"

#define ICMP6_HEADER_LEN 8
#define ICMP6_PACKET_TOO_BIG 2
#define ICMP6_PROBLEM_NEXT_HEADER 1 /* RFC 4443 3.4 */
#define ICMP6_ECHO 128
#define ICMP6_ECHO_REPLY 129
#define ICMP6_LISTENER_FIRST 130 /* RFC 2710: query, report, done                           */
#define ICMP6_REDIRECT 137       /* RFC 4861: router and neighbour, 133 to 137              */
#define ICMP6_LISTENER_V2 143    /* RFC 3810                                                */

static uint16_t icmp6_checksum(const struct ip_addr *src, const struct ip_addr *dst,
			       const uint8_t *data, size_t len)
{
	uint64_t sum = checksum_add_pseudo(0, src, dst, IP_PROTO_ICMPV6, (uint32_t)len);

	return (uint16_t)~checksum_fold(checksum_add(sum, data, len));
}

/* RFC 4443 2.1: a message of `len` bytes from `src`, whose body is the caller's to fill. */
static struct reply *message_new(struct stack *s, const struct ip_addr *src,
				 const struct ip_addr *dst, size_t len)
{
	struct reply *r = reply_new(s, IPV6_HEADER_LEN + len);

	if (r)
		ip_write_header(r->bytes, src, dst, IP_PROTO_ICMPV6, len, 0);
	return r;
}

static void message_send(struct stack *s, struct reply *r, const struct ip_addr *src,
			 const struct ip_addr *dst, const char *why)
{
	uint8_t *icmp = r->bytes + IPV6_HEADER_LEN;

	put_be16(icmp + 2, 0);
	put_be16(icmp + 2, icmp6_checksum(src, dst, icmp, r->len - IPV6_HEADER_LEN));
	r->why = why;
	reply_send(s, r);
}

/* RFC 4443 4.2: the reply carries the request's data whole. */
static void send_echo_reply(struct stack *s, const struct ip_packet *ip)
{
	struct reply *r = message_new(s, &ip->dst, &ip->src, ip->payload_len);

	if (!r)
		return;
	memcpy(r->bytes + IPV6_HEADER_LEN, ip->payload, ip->payload_len);
	r->bytes[IPV6_HEADER_LEN] = ICMP6_ECHO_REPLY;
	message_send(s, r, &ip->dst, &ip->src, "echo reply (RFC 4443 4.2)");
	s->counters.icmp_out_echo_reps++;
}

void icmp6_send_error(struct stack *s, const struct ip_packet *ip, uint8_t type, uint8_t code,
		      uint32_t value, const char *why)
{
	size_t quoted = ip->packet_len, at;
	uint8_t protocol;

	/* RFC 4443 2.4 (e.1), (e.2): not about an error or a redirect. */
	if (ip6_ext_find_upper(ip->packet, ip->packet_len, &protocol, &at) &&
	    protocol == IP_PROTO_ICMPV6 &&
	    (at >= ip->packet_len || ip->packet[at] < ICMP6_ECHO ||
	     ip->packet[at] == ICMP6_REDIRECT))
		return;
	if (!icmp_error_allowed(s))
		return;
	if (quoted > IPV6_MTU_MIN - IPV6_HEADER_LEN - ICMP6_HEADER_LEN)
		quoted = IPV6_MTU_MIN - IPV6_HEADER_LEN - ICMP6_HEADER_LEN;
	struct reply *r = message_new(s, &ip->dst, &ip->src, ICMP6_HEADER_LEN + quoted);
	if (!r)
		return;
	uint8_t *icmp = r->bytes + IPV6_HEADER_LEN;
	icmp[0] = type;
	icmp[1] = code;
	put_be32(icmp + 4, value);
	memcpy(icmp + ICMP6_HEADER_LEN, ip->packet, quoted);
	message_send(s, r, &ip->dst, &ip->src, why);
	s->counters.icmp_out_errors_sent++;
}

static enum tcp_icmp_kind kind_of(uint8_t type, uint8_t code)
{
	switch (type) {
	case ICMP6_UNREACHABLE:
		return code == ICMP6_UNREACHABLE_PORT ? TCP_ICMP_REFUSED : TCP_ICMP_UNREACHABLE;
	case ICMP6_PACKET_TOO_BIG:
		return TCP_ICMP_TOO_BIG;
	case ICMP6_TIME_EXCEEDED:
		return TCP_ICMP_UNREACHABLE;
	case ICMP6_PARAMETER_PROBLEM: /* RFC 5461 3.2: what Protocol Unreachable is in IPv4 */
		return code == ICMP6_PROBLEM_NEXT_HEADER ? TCP_ICMP_REFUSED : TCP_ICMP_IGNORED;
	default:
		return TCP_ICMP_IGNORED;
	}
}

static bool neighbour_or_group(uint8_t type)
{
	return (type >= ICMP6_LISTENER_FIRST && type <= ICMP6_REDIRECT) ||
	       type == ICMP6_LISTENER_V2;
}

void icmp6_input(struct stack *s, const struct ip_packet *ip)
{
	s->counters.icmp_in_msgs++;
	if (ip->payload_len < ICMP6_HEADER_LEN ||
	    icmp6_checksum(&ip->src, &ip->dst, ip->payload, ip->payload_len) != 0) {
		s->counters.icmp_in_errors++;
		trace_drop(s, ip->packet, ip->packet_len,
			   "ICMPv6 too short or checksum wrong (RFC 4443 2.3)");
		return;
	}
	const uint8_t type = ip->payload[0];
	if (type == ICMP6_ECHO && ip->payload[1] == 0) {
		s->counters.icmp_in_echos++;
		trace_packet_in(s, ip->packet, ip->packet_len, "echo request (RFC 4443 4.1)");
		/* A reply larger than the link would need fragments, which we do not make. */
		if (IPV6_HEADER_LEN + ip->payload_len <= s->cfg.mtu)
			send_echo_reply(s, ip);
	} else if (type < ICMP6_ECHO) {
		icmp_take_error(s, ip, kind_of(type, ip->payload[1]), get_be32(ip->payload + 4));
	} else if (neighbour_or_group(type)) {
		s->counters.icmp_in_neighbour_ignored++;
		trace_drop(s, ip->packet, ip->packet_len,
			   "neighbour discovery, which this link does not need (RFC 4861)");
	} else {
		trace_drop(s, ip->packet, ip->packet_len,
			   "ICMPv6 message that a host need not answer (RFC 4443 2.4 (b))");
	}
}
