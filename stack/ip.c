/* SPDX-License-Identifier: Apache-2.0 */
/* ip.c — see ip.h. */
#include "stack/ip.h"

#include <stdio.h>
#include <string.h>

#include "stack/bytes.h"
#include "stack/checksum.h"
#include "stack/stack_internal.h"

#define IPV4_DF 0x4000
#define IPV4_MF 0x2000
#define IPV4_OFFSET_MASK 0x1fff
#define IPV4_TTL 64

struct ip_addr ip_addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct ip_addr){.version = 4, .bytes = {a, b, c, d}};
}

bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->version == b->version &&
	       memcmp(a->bytes, b->bytes, a->version == 4 ? 4 : 16) == 0;
}

/* RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as "::". */
static void ipv6_text(const uint8_t *bytes, char text[IP_ADDR_TEXT_SIZE])
{
	unsigned group[8], best = 8, best_len = 1, at = 0;

	for (unsigned i = 0; i < 8; i++)
		group[i] = get_be16(bytes + 2 * (size_t)i);
	for (unsigned i = 0; i < 8; i++) {
		unsigned n = 0;
		while (i + n < 8 && group[i + n] == 0)
			n++;
		if (n > best_len) {
			best = i;
			best_len = n;
		}
	}
	for (unsigned i = 0; i < 8; i++) {
		if (i == best) {
			at += (unsigned)snprintf(text + at, IP_ADDR_TEXT_SIZE - at, "::");
			i += best_len - 1;
			continue;
		}
		const bool colon = i > 0 && i != best + best_len;
		at += (unsigned)snprintf(text + at, IP_ADDR_TEXT_SIZE - at, "%s%x",
					 colon ? ":" : "", group[i]);
	}
}

const char *ip_addr_text(const struct ip_addr *a, char text[IP_ADDR_TEXT_SIZE])
{
	const uint8_t *b = a->bytes;

	if (a->version == 4)
		snprintf(text, IP_ADDR_TEXT_SIZE, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
	else if (a->version == 6)
		ipv6_text(b, text);
	else
		snprintf(text, IP_ADDR_TEXT_SIZE, "*");
	return text;
}

bool ip_addr_is_local(const struct stack *s, const struct ip_addr *a)
{
	for (size_t i = 0; i < s->cfg.addr_count; i++)
		if (ip_addr_equal(&s->cfg.addr[i], a))
			return true;
	return false;
}

bool ip_addr_is_unicast(const struct ip_addr *a)
{
	/* RFC 1122 3.2.1.3: 0/8, 127/8, class D and E (with 255.255.255.255) are no source. */
	return a->version == 4 && a->bytes[0] != 0 && a->bytes[0] != 127 && a->bytes[0] < 224;
}

enum ip_verdict ip_parse(const struct stack *s, const uint8_t *pkt, size_t len,
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
	if (get_be16(pkt + 6) & (IPV4_MF | IPV4_OFFSET_MASK))
		return IP_FRAGMENT;
	out->protocol = pkt[9];
	out->ttl = pkt[8];
	out->payload = pkt + header_len;
	out->payload_len = total_len - header_len;
	out->packet = pkt;
	out->packet_len = total_len;
	return IP_OK;
}

size_t ip_write_header(uint8_t *out, const struct ip_addr *src, const struct ip_addr *dst,
		       uint8_t protocol, size_t payload_len, uint16_t id)
{
	out[0] = 0x45;
	out[1] = 0;
	put_be16(out + 2, (uint16_t)(IPV4_HEADER_MIN + payload_len));
	put_be16(out + 4, id);
	put_be16(out + 6, IPV4_DF);
	out[8] = IPV4_TTL;
	out[9] = protocol;
	put_be16(out + 10, 0);
	memcpy(out + 12, src->bytes, 4);
	memcpy(out + 16, dst->bytes, 4);
	put_be16(out + 10, (uint16_t)~checksum_fold(checksum_add(0, out, IPV4_HEADER_MIN)));
	return IPV4_HEADER_MIN;
}
