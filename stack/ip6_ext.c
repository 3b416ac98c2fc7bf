/* SPDX-License-Identifier: Apache-2.0 */
/* ip6_ext.c — see ip6_ext.h. */
#include "stack/ip6_ext.h"

#include "stack/bytes.h"
#include "stack/tcp_segment.h"
#include "stack/udp.h"

enum {
	EXT_HOP_BY_HOP = 0,
	EXT_ROUTING = 43,
	EXT_FRAGMENT = 44,
	EXT_ESP = 50,
	EXT_AH = 51,
	EXT_NO_NEXT = 59,
	EXT_DESTINATION = 60,
};

enum {
	OPTION_PAD1 = 0,
	OPTION_PADN = 1,
};

/* Codes of a Parameter Problem: RFC 4443 3.4, RFC 7112 5, RFC 8883 2. */
enum {
	PROBLEM_FIELD = 0,
	PROBLEM_NEXT_HEADER = 1,
	PROBLEM_OPTION = 2,
	PROBLEM_FIRST_FRAGMENT = 3,
	PROBLEM_TOO_MANY_HEADERS = 8,
};

#define EXT_UNIT 8 /* headers are counted in these */
#define FRAGMENT_LEN 8
#define ICMPV6_HEADER_LEN 8

static enum ip_verdict problem(struct ip_packet *ip, uint8_t code, size_t at)
{
	ip->problem_code = code;
	ip->problem_at = (uint32_t)at;
	return IP_PROBLEM;
}

/* The length of the header at `at`, 0 when the packet ends before it does. */
static size_t ext_len(const uint8_t *pkt, size_t len, size_t at, uint8_t kind)
{
	if (len - at < EXT_UNIT)
		return 0;
	const size_t n = kind == EXT_FRAGMENT ? FRAGMENT_LEN : ((size_t)pkt[at + 1] + 1) * EXT_UNIT;
	return n <= len - at ? n : 0;
}

static bool is_ext(uint8_t kind)
{
	return kind == EXT_HOP_BY_HOP || kind == EXT_ROUTING || kind == EXT_FRAGMENT ||
	       kind == EXT_DESTINATION;
}

static bool find_upper(const uint8_t *pkt, size_t len, uint8_t *protocol, size_t *at)
{
	while (is_ext(*protocol)) {
		const size_t n = ext_len(pkt, len, *at, *protocol);
		if (n == 0)
			return false;
		*protocol = pkt[*at];
		*at += n;
	}
	return true;
}

bool ip6_ext_find_upper(const uint8_t *pkt, size_t len, uint8_t *protocol, size_t *at)
{
	*protocol = pkt[6];
	*at = IPV6_HEADER_LEN;
	return find_upper(pkt, len, protocol, at);
}

/* RFC 8200 4.2: we know no option but the paddings; the highest two bits of another say what that means. */
static enum ip_verdict check_options(struct ip_packet *ip, size_t at, size_t end)
{
	const uint8_t *p = ip->packet;

	while (at < end) {
		if (p[at] == OPTION_PAD1) {
			at++;
			continue;
		}
		if (end - at < 2 || p[at + 1] > end - at - 2)
			return IP_BAD_HEADER;
		if (p[at] != OPTION_PADN && p[at] >> 6 == 1)
			return IP_BAD_HEADER;
		if (p[at] >> 6 > 1)
			return problem(ip, PROBLEM_OPTION, at);
		at += 2u + p[at + 1];
	}
	return IP_OK;
}

/* RFC 8200 4.4: of a routing type that we do not know, and with RFC 5095 that is every type, type 0 too,
 * the header is ignored when it has done its work and refused when it has not. */
static enum ip_verdict check_routing(struct ip_packet *ip, size_t at)
{
	return ip->packet[at + 3] == 0 ? IP_OK : problem(ip, PROBLEM_FIELD, at + 2);
}

/* RFC 7112 5: the first fragment holds every header up to the one of the upper layer, whole. */
static bool first_fragment_complete(const struct ip_packet *ip, size_t at, uint8_t protocol)
{
	if (!find_upper(ip->packet, ip->packet_len, &protocol, &at))
		return false;
	const size_t left = ip->packet_len - at;
	return left >= (protocol == IP_PROTO_TCP      ? TCP_HEADER_MIN
			: protocol == IP_PROTO_ICMPV6 ? ICMPV6_HEADER_LEN
			: protocol == IP_PROTO_UDP    ? UDP_HEADER_LEN
						      : 0u);
}

/* RFC 8200 4.5. */
static enum ip_verdict take_fragment(struct ip_packet *ip, size_t at, size_t next_at)
{
	const uint8_t *p = ip->packet + at;
	const uint16_t field = get_be16(p + 2);

	ip->protocol = p[0];
	ip->payload = p + FRAGMENT_LEN;
	ip->payload_len = ip->packet_len - at - FRAGMENT_LEN;
	ip->frag = (struct ip_fragment){.id = get_be32(p + 4),
					.offset = field & 0xfff8u,
					.more = field & 1,
					.header_len = at,
					.next_at = next_at};
	if (ip->frag.more && ip->payload_len % EXT_UNIT != 0)
		return problem(ip, PROBLEM_FIELD, 4); /* the payload length */
	if (at - IPV6_HEADER_LEN + ip->frag.offset + ip->payload_len > UINT16_MAX)
		return problem(ip, PROBLEM_FIELD, at + 2); /* the fragment offset */
	if (ip->frag.offset == 0 && !first_fragment_complete(ip, at + FRAGMENT_LEN, p[0]))
		return problem(ip, PROBLEM_FIRST_FRAGMENT, 0);
	return IP_FRAGMENT;
}

static bool is_atomic(const uint8_t *fragment)
{
	return (get_be16(fragment + 2) & 0xfff9u) == 0;
}

/* The chain has come to something that is no header of it. */
static enum ip_verdict end_of_chain(struct ip_packet *ip, uint8_t next, size_t next_at, size_t at)
{
	ip->protocol = next;
	ip->payload = ip->packet + at;
	ip->payload_len = ip->packet_len - at;
	switch (next) {
	case IP_PROTO_TCP:
	case IP_PROTO_ICMPV6:
	case IP_PROTO_UDP:
		return IP_OK;
	case EXT_NO_NEXT:
		return IP_NO_NEXT;
	case EXT_AH:
	case EXT_ESP:
		return IP_SECURED;
	default: /* RFC 8200 4, and for a hop-by-hop header that is not the first */
		return problem(ip, PROBLEM_NEXT_HEADER, next_at);
	}
}

enum ip_verdict ip6_ext_walk(struct ip_packet *ip)
{
	const uint8_t *pkt = ip->packet;
	size_t at = IPV6_HEADER_LEN, next_at = 6;

	for (unsigned count = 0;; count++) {
		const uint8_t kind = pkt[next_at];
		enum ip_verdict verdict = IP_OK;
		if (!is_ext(kind) || (kind == EXT_HOP_BY_HOP && count > 0))
			return end_of_chain(ip, kind, next_at, at);
		const size_t n = ext_len(pkt, ip->packet_len, at, kind);
		if (n == 0)
			return IP_BAD_HEADER;
		if (count == IP6_EXT_MAX)
			return problem(ip, PROBLEM_TOO_MANY_HEADERS, at);
		if (kind == EXT_ROUTING)
			verdict = check_routing(ip, at);
		else if (kind != EXT_FRAGMENT)
			verdict = check_options(ip, at + 2, at + n);
		else if (!is_atomic(pkt + at)) /* RFC 6946: an atomic one is no fragment */
			return take_fragment(ip, at, next_at);
		if (verdict != IP_OK)
			return verdict;
		next_at = at;
		at += n;
	}
}
