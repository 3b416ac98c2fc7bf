/* SPDX-License-Identifier: Apache-2.0 */
/* ip.c — see ip.h: addresses, and the choice between the two versions. */
#include "stack/ip.h"

#include <stdio.h>
#include <string.h>

#include "stack/bytes.h"
#include "stack/checksum.h"
#include "stack/stack_internal.h"

#define IPV4_DF 0x4000

struct ip_addr ip_addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct ip_addr){.version = 4, .bytes = {a, b, c, d}};
}

struct ip_addr ip_addr_v6(const uint8_t bytes[16])
{
	struct ip_addr a = {.version = 6};

	memcpy(a.bytes, bytes, sizeof a.bytes);
	return a;
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
	static const uint8_t zero[12] = {0}, mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (a->version == 4)
		return a->bytes[0] != 0 && a->bytes[0] != 127 && a->bytes[0] < 224;
	return a->version == 6 && a->bytes[0] != 0xff && memcmp(a->bytes, zero, 12) != 0 &&
	       memcmp(a->bytes, mapped, 12) != 0;
}

enum ip_verdict ip_parse(const struct stack *s, const uint8_t *pkt, size_t len,
			 struct ip_packet *out)
{
	*out = (struct ip_packet){.packet = pkt, .packet_len = len};
	return len > 0 && pkt[0] >> 4 == 6 ? ip6_parse(s, pkt, len, out)
					   : ip4_parse(s, pkt, len, out);
}

static void write_ipv4_checksum(uint8_t *header, size_t len)
{
	put_be16(header + 10, 0);
	put_be16(header + 10, (uint16_t)~checksum_fold(checksum_add(0, header, len)));
}

void ip_set_ecn(uint8_t *header, enum ip_ecn ecn)
{
	if (header[0] >> 4 == 6) { /* version, class and flow label have 4, 8 and 20 bits */
		header[1] = (uint8_t)((header[1] & 0xcf) | (unsigned)ecn << 4);
		return;
	}
	header[1] = (uint8_t)((header[1] & 0xfc) | (unsigned)ecn);
	write_ipv4_checksum(header, (size_t)(header[0] & 0x0f) * 4);
}

static size_t write_ipv4(uint8_t *out, const struct ip_addr *src, const struct ip_addr *dst,
			 uint8_t protocol, size_t payload_len, uint16_t id)
{
	out[0] = 0x45;
	out[1] = 0;
	put_be16(out + 2, (uint16_t)(IPV4_HEADER_MIN + payload_len));
	put_be16(out + 4, id);
	put_be16(out + 6, IPV4_DF);
	out[8] = IP_TTL;
	out[9] = protocol;
	memcpy(out + 12, src->bytes, 4);
	memcpy(out + 16, dst->bytes, 4);
	write_ipv4_checksum(out, IPV4_HEADER_MIN);
	return IPV4_HEADER_MIN;
}

static size_t write_ipv6(uint8_t *out, const struct ip_addr *src, const struct ip_addr *dst,
			 uint8_t protocol, size_t payload_len)
{
	put_be32(out, 6u << 28); /* traffic class and flow label 0 */
	put_be16(out + 4, (uint16_t)payload_len);
	out[6] = protocol;
	out[7] = IP_TTL;
	memcpy(out + 8, src->bytes, 16);
	memcpy(out + 24, dst->bytes, 16);
	return IPV6_HEADER_LEN;
}

size_t ip_write_header(uint8_t *out, const struct ip_addr *src, const struct ip_addr *dst,
		       uint8_t protocol, size_t payload_len, uint16_t id)
{
	return src->version == 4 ? write_ipv4(out, src, dst, protocol, payload_len, id)
				 : write_ipv6(out, src, dst, protocol, payload_len);
}
