/* SPDX-License-Identifier: Apache-2.0 */
/* link_packet.c — see link_packet.h. RFC 791, RFC 8200, RFC 1071. */
#include "lab/link_packet.h"

#include <stdlib.h>
#include <string.h>

#include "stack/bytes.h"
#include "stack/checksum.h"

#define IPV4_HEADER_MIN 20u
#define IPV6_HEADER 40u
#define TCP_HEADER_MIN 20u
#define UDP_HEADER 8u
#define ICMP_HEADER 8u
#define REPLY_TTL 64

enum {
	PROTO_HOP_BY_HOP = 0,
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_ICMPV6 = 58,
	PROTO_DESTINATION = 60,
};

enum {
	FIN_PSH = 0x09,
	CWR = 0x80,
	ECN_CE = 3, /* of the IP header, RFC 3168 5 */
};

/* Where the parts of a packet are. A link does not judge: what it cannot read it carries as it is. */
struct layout {
	bool known; /* an IP header that is all there */
	uint8_t version;
	uint8_t protocol; /* of what follows the IP header and its extensions                */
	bool fragment;    /* and so without a transport header, or without the rest after it */
	bool later_fragment;
	size_t transport; /* offset, at most `end` */
	size_t end;       /* as the IP header says, at most the packet's length */
};

static void skip_extensions(struct layout *l, const uint8_t *b)
{
	while (l->protocol == PROTO_HOP_BY_HOP || l->protocol == PROTO_ROUTING ||
	       l->protocol == PROTO_DESTINATION || l->protocol == PROTO_FRAGMENT) {
		const uint8_t *ext = b + l->transport;
		if (l->end - l->transport < 8)
			return;
		const bool fragment = l->protocol == PROTO_FRAGMENT;
		const size_t len = fragment ? 8 : (ext[1] + 1u) * 8u;
		if (len > l->end - l->transport)
			return;
		if (fragment) {
			const uint16_t field = get_be16(ext + 2);
			l->fragment |= (field & 0xfff9) != 0; /* offset or M */
			l->later_fragment |= (field & 0xfff8) != 0;
		}
		l->protocol = ext[0];
		l->transport += len;
		if (l->later_fragment)
			return;
	}
}

static struct layout layout_of(const uint8_t *b, size_t len)
{
	struct layout l = {0};

	if (len >= IPV4_HEADER_MIN && b[0] >> 4 == 4) {
		const size_t header = (b[0] & 15u) * 4u, total = get_be16(b + 2);
		const uint16_t field = get_be16(b + 6);
		if (header < IPV4_HEADER_MIN || total < header || total > len)
			return l;
		l = (struct layout){.known = true,
				    .version = 4,
				    .protocol = b[9],
				    .fragment = (field & 0x3fff) != 0, /* offset or MF */
				    .later_fragment = (field & 0x1fff) != 0,
				    .transport = header,
				    .end = total};
	} else if (len >= IPV6_HEADER && b[0] >> 4 == 6) {
		const size_t total = IPV6_HEADER + get_be16(b + 4);
		if (total > len)
			return l;
		l = (struct layout){.known = true,
				    .version = 6,
				    .protocol = b[6],
				    .transport = IPV6_HEADER,
				    .end = total};
		skip_extensions(&l, b);
	}
	return l;
}

/* IP and TCP header of a TCP segment; 0 when it is none, or not whole. */
static size_t tcp_headers(const struct layout *l, const uint8_t *b)
{
	if (!l->known || l->fragment || l->protocol != PROTO_TCP ||
	    l->end - l->transport < TCP_HEADER_MIN)
		return 0;
	const size_t header = (b[l->transport + 12] >> 4) * 4u;
	if (header < TCP_HEADER_MIN || header > l->end - l->transport)
		return 0;
	return l->transport + header;
}

/* ------------------------------------------------------------------ life */

struct link_packet *link_packet_new(const uint8_t *bytes, size_t len)
{
	struct link_packet *p = malloc(sizeof *p + len);

	if (!p)
		return NULL;
	*p = (struct link_packet){
		.len = (uint32_t)len, .wire_packets = 1, .wire_bytes = (uint32_t)len};
	memcpy(p->bytes, bytes, len);
	return p;
}

struct link_packet *link_packet_copy(const struct link_packet *p)
{
	struct link_packet *copy = malloc(sizeof *p + p->len);

	if (copy)
		memcpy(copy, p, sizeof *p + p->len);
	return copy;
}

void link_packet_free(struct link_packet *p)
{
	free(p);
}

/* ------------------------------------------------------------------ super segments */

void link_packet_measure(struct link_packet *p)
{
	const struct layout l = layout_of(p->bytes, p->len);
	const size_t headers = tcp_headers(&l, p->bytes);

	p->wire_packets = 1;
	p->wire_bytes = p->len;
	if (p->checksum_partial && (size_t)p->csum_start + p->csum_offset + 2 > p->len)
		p->checksum_partial = false;
	if (p->gso_size == 0)
		return;
	if (headers == 0 || l.end != p->len || p->len - headers <= p->gso_size) {
		p->gso_size = 0;
		return;
	}
	const uint32_t payload = p->len - (uint32_t)headers;
	p->wire_packets = (payload + p->gso_size - 1u) / p->gso_size;
	p->wire_bytes += (p->wire_packets - 1) * (uint32_t)headers;
}

uint32_t link_packet_largest(const struct link_packet *p)
{
	if (p->gso_size == 0)
		return p->len;
	const struct layout l = layout_of(p->bytes, p->len);
	return (uint32_t)tcp_headers(&l, p->bytes) + p->gso_size;
}

void link_packet_finish(struct link_packet *p)
{
	if (!p->checksum_partial)
		return;
	p->checksum_partial = false;
	/* The field is part of the sum and brings the pseudo-header's share along. */
	const uint64_t sum = checksum_add(0, p->bytes + p->csum_start, p->len - p->csum_start);
	const uint16_t value = (uint16_t)~checksum_fold(sum);
	/* RFC 768: zero would say that there is none; all ones is the same number. */
	put_be16(p->bytes + p->csum_start + p->csum_offset, value ? value : 0xffff);
}

static struct ip_addr address(uint8_t version, const uint8_t *b)
{
	struct ip_addr a = {.version = version};

	memcpy(a.bytes, b, version == 4 ? 4 : 16);
	return a;
}

static uint64_t pseudo_header(const struct layout *l, const uint8_t *b)
{
	const size_t at = l->version == 4 ? 12 : 8, addr_len = l->version == 4 ? 4 : 16;
	const struct ip_addr src = address(l->version, b + at);
	const struct ip_addr dst = address(l->version, b + at + addr_len);

	return checksum_add_pseudo(0, &src, &dst, l->protocol, (uint32_t)(l->end - l->transport));
}

static void write_ipv4_checksum(uint8_t *b, size_t header)
{
	put_be16(b + 10, 0);
	put_be16(b + 10, (uint16_t)~checksum_fold(checksum_add(0, b, header)));
}

/* The checksum of TCP or ICMPv6, whose field is `at` bytes into the transport header. */
static void write_transport_checksum(uint8_t *b, const struct layout *l, size_t at)
{
	put_be16(b + l->transport + at, 0);
	const uint64_t sum =
		checksum_add(pseudo_header(l, b), b + l->transport, l->end - l->transport);
	put_be16(b + l->transport + at, (uint16_t)~checksum_fold(sum));
}

/* The IP header's length, and an identification of its own as the kernel gives it: RFC 6864 asks for that
 * only where a fragment could be made of it. */
static void write_piece_length(struct link_packet *piece, uint8_t version, uint32_t i)
{
	uint8_t *b = piece->bytes;

	if (version == 6) {
		put_be16(b + 4, (uint16_t)(piece->len - IPV6_HEADER));
		return;
	}
	put_be16(b + 2, (uint16_t)piece->len);
	put_be16(b + 4, (uint16_t)(get_be16(b + 4) + i));
	write_ipv4_checksum(b, (b[0] & 15u) * 4u);
}

struct link_packet *link_packet_cut(const struct link_packet *p, uint32_t i)
{
	struct layout l = layout_of(p->bytes, p->len);
	const size_t headers = tcp_headers(&l, p->bytes);
	const size_t from = headers + (size_t)i * p->gso_size;
	const size_t left = p->len - from;
	const bool last = left <= p->gso_size;
	const size_t payload = last ? left : p->gso_size;
	struct link_packet *piece = malloc(sizeof *piece + headers + payload);

	if (!piece)
		return NULL;
	*piece = (struct link_packet){.len = (uint32_t)(headers + payload), .wire_packets = 1};
	piece->wire_bytes = piece->len;
	memcpy(piece->bytes, p->bytes, headers);
	memcpy(piece->bytes + headers, p->bytes + from, payload);
	write_piece_length(piece, l.version, i);
	uint8_t *tcp = piece->bytes + l.transport;
	put_be32(tcp + 4, get_be32(tcp + 4) + i * p->gso_size);
	if (!last)
		tcp[13] &= (uint8_t)~FIN_PSH;
	if (i > 0 && p->ecn)
		tcp[13] &= (uint8_t)~CWR;
	l.end = piece->len;
	write_transport_checksum(piece->bytes, &l, 16);
	return piece;
}

/* ------------------------------------------------------------------ marks */

bool link_packet_mark(struct link_packet *p)
{
	const struct layout l = layout_of(p->bytes, p->len);
	/* The last two bits of the TOS octet; the traffic class begins four bits into the header. */
	const unsigned shift = l.version == 6 ? 4 : 0;

	if (!l.known || (p->bytes[1] >> shift & ECN_CE) == 0)
		return false;
	p->bytes[1] |= (uint8_t)(ECN_CE << shift);
	if (l.version == 4)
		write_ipv4_checksum(p->bytes, (p->bytes[0] & 15u) * 4u);
	return true;
}

/* ------------------------------------------------------------------ damage */

void link_packet_flip(struct link_packet *p, uint64_t bit)
{
	p->bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
}

/* The offset of the transport checksum; 0 when there is none. */
static size_t checksum_at(const struct link_packet *p, const struct layout *l, size_t *payload)
{
	const size_t headers = tcp_headers(l, p->bytes);

	if (headers) {
		*payload = headers;
		return l->transport + 16;
	}
	/* RFC 768: a sender over IPv4 may leave it out. */
	if (!l->known || l->fragment || l->protocol != PROTO_UDP ||
	    l->end - l->transport < UDP_HEADER || get_be16(p->bytes + l->transport + 6) == 0)
		return 0;
	*payload = l->transport + UDP_HEADER;
	return l->transport + 6;
}

size_t link_packet_payload(const struct link_packet *p, size_t *start)
{
	const struct layout l = layout_of(p->bytes, p->len);

	return checksum_at(p, &l, start) ? l.end - *start : 0;
}

void link_packet_flip_repaired(struct link_packet *p, uint64_t bit)
{
	const struct layout l = layout_of(p->bytes, p->len);
	size_t payload = 0;
	const size_t field = checksum_at(p, &l, &payload);
	const size_t at = payload + bit / 8;
	/* The 16-bit word that holds it; the last one may be half a word. */
	const size_t word = at - (at - l.transport) % 2;
	uint8_t before[2] = {0}, after[2] = {0};
	const size_t n = l.end - word < 2 ? 1 : 2;

	memcpy(before, p->bytes + word, n);
	link_packet_flip(p, (uint64_t)payload * 8 + bit);
	memcpy(after, p->bytes + word, n);
	uint32_t sum = (uint16_t)~get_be16(p->bytes + field);
	sum += (uint16_t)~get_be16(before);
	sum += get_be16(after);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	const uint16_t value = (uint16_t)~sum;
	put_be16(p->bytes + field, value || l.protocol == PROTO_TCP ? value : 0xffff);
}

/* ------------------------------------------------------------------ too big */

static bool is_icmp_error(const struct layout *l, const uint8_t *b)
{
	if (l->end == l->transport)
		return l->protocol == PROTO_ICMP || l->protocol == PROTO_ICMPV6;
	const uint8_t type = b[l->transport];
	if (l->protocol == PROTO_ICMP) /* all but the queries of RFC 792 and their answers */
		return type != 0 && type != 8 && (type < 13 || type > 18);
	return l->protocol == PROTO_ICMPV6 && type < 128; /* RFC 4443 2.1 */
}

static bool one_host_v4(const uint8_t *a)
{
	return a[0] != 0 && a[0] != 127 && a[0] < 224;
}

static bool one_host_v6(const uint8_t *a)
{
	static const uint8_t zero[16];

	return a[0] != 0xff && memcmp(a, zero, 16) != 0;
}

static bool deserves_reply(const struct layout *l, const uint8_t *b)
{
	if (!l->known || l->later_fragment || is_icmp_error(l, b))
		return false;
	if (l->version == 4)
		return one_host_v4(b + 12) && one_host_v4(b + 16);
	/* RFC 4443 2.4 (e.3) would answer to a multicast address; but then whom would it come from? */
	return one_host_v6(b + 8) && one_host_v6(b + 24);
}

static struct link_packet *too_big_v4(const struct link_packet *p, uint32_t mtu)
{
	/* RFC 1812 4.3.2.3: as much of the packet as makes 576 bytes. */
	const size_t headers = IPV4_HEADER_MIN + ICMP_HEADER, quote_max = 576 - headers;
	const size_t quote = p->len < quote_max ? p->len : quote_max;
	uint8_t b[576] = {0x45};

	put_be16(b + 2, (uint16_t)(headers + quote));
	b[8] = REPLY_TTL;
	b[9] = PROTO_ICMP;
	memcpy(b + 12, p->bytes + 16, 4);
	memcpy(b + 16, p->bytes + 12, 4);
	write_ipv4_checksum(b, IPV4_HEADER_MIN);
	uint8_t *icmp = b + IPV4_HEADER_MIN;
	icmp[0] = 3;
	icmp[1] = 4;
	put_be16(icmp + 6, (uint16_t)mtu);
	memcpy(icmp + ICMP_HEADER, p->bytes, quote);
	put_be16(icmp + 2, (uint16_t)~checksum_fold(checksum_add(0, icmp, ICMP_HEADER + quote)));
	return link_packet_new(b, headers + quote);
}

static struct link_packet *too_big_v6(const struct link_packet *p, uint32_t mtu)
{
	/* RFC 4443 3.2: as much of the packet as makes the minimum MTU. */
	const size_t headers = IPV6_HEADER + ICMP_HEADER, quote_max = 1280 - headers;
	const size_t quote = p->len < quote_max ? p->len : quote_max;
	uint8_t b[1280] = {0x60};
	const struct layout l = {.version = 6,
				 .protocol = PROTO_ICMPV6,
				 .transport = IPV6_HEADER,
				 .end = headers + quote};

	put_be16(b + 4, (uint16_t)(ICMP_HEADER + quote));
	b[6] = PROTO_ICMPV6;
	b[7] = REPLY_TTL;
	memcpy(b + 8, p->bytes + 24, 16);
	memcpy(b + 24, p->bytes + 8, 16);
	uint8_t *icmp = b + IPV6_HEADER;
	icmp[0] = 2;
	put_be32(icmp + 4, mtu);
	memcpy(icmp + ICMP_HEADER, p->bytes, quote);
	write_transport_checksum(b, &l, 2);
	return link_packet_new(b, headers + quote);
}

struct link_packet *link_packet_too_big(const struct link_packet *p, uint32_t mtu)
{
	const struct layout l = layout_of(p->bytes, p->len);
	struct link_packet *first = NULL, *reply;

	if (!deserves_reply(&l, p->bytes))
		return NULL;
	/* The message quotes a packet that could have been on the wire. */
	if (p->gso_size) {
		first = link_packet_cut(p, 0);
		if (!first)
			return NULL;
		p = first;
	}
	reply = l.version == 4 ? too_big_v4(p, mtu) : too_big_v6(p, mtu);
	link_packet_free(first);
	return reply;
}
