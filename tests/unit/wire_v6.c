/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_v6.c — how wire.h runs a script over IPv6: it changes headers at the stack's door, both ways. The
 * prefix of the addresses is neutral to the checksum, as RFC 6052 4.1 has it, and the rest of the
 * pseudo-headers sums up to the same; so a checksum that is right stays right, and one that a test has
 * spoilt stays spoilt. wire.c includes this file.
 */
#include "tests/unit/wire_seg.h"

#include <string.h>

/* 0xfd00 + 0x02ff = 0xffff, which is nothing in one's complement. */
static const uint8_t wire_prefix[12] = {0xfd, 0x00, 0x02, 0xff};

static struct ip_addr map_address(uint32_t v4)
{
	struct ip_addr a = {.version = 6};

	memcpy(a.bytes, wire_prefix, sizeof wire_prefix);
	wire_put32(a.bytes + 12, v4);
	return a;
}

static struct ip_addr address_of(const struct wire *w, uint32_t v4)
{
	return w->version == 6 ? map_address(v4)
			       : ip_addr_v4((uint8_t)(v4 >> 24), (uint8_t)(v4 >> 16),
					    (uint8_t)(v4 >> 8), (uint8_t)v4);
}

struct ip_addr wire_host_addr(const struct wire *w)
{
	return address_of(w, WIRE_HOST);
}

struct ip_addr wire_peer_addr(const struct wire *w)
{
	return address_of(w, WIRE_PEER);
}

uint32_t wire_pseudo_sum_v6(const uint8_t *packet, uint8_t protocol, size_t len)
{
	uint32_t sum = protocol + (uint32_t)(len >> 16) + (uint32_t)(len & 0xffff);

	for (size_t i = 8; i < 40; i += 2)
		sum += wire_get16(packet + i);
	return sum;
}

size_t wire_to_v6(const uint8_t *packet, size_t len, uint8_t *v6)
{
	memset(v6, 0, 40);
	v6[0] = (uint8_t)(0x60 | packet[1] >> 4);
	v6[1] = (uint8_t)(packet[1] << 4);
	wire_put16(v6 + 4, wire_get16(packet + 2) - 20);
	v6[6] = packet[9];
	v6[7] = packet[8];
	memcpy(v6 + 8, wire_prefix, sizeof wire_prefix);
	memcpy(v6 + 20, packet + 12, 4);
	memcpy(v6 + 24, wire_prefix, sizeof wire_prefix);
	memcpy(v6 + 36, packet + 16, 4);
	memcpy(v6 + 40, packet + 20, len - 20);
	return len + 20;
}

const char *wire_decode_ip6(const uint8_t *packet, size_t len)
{
	if (len < 40 || (wire_get32(packet) & 0xffcfffff) != 0x60000000 ||
	    wire_get16(packet + 4) != len - 40)
		return "the IPv6 header is wrong: version, class, flow label or length";
	if (packet[7] < 32 || (packet[6] != 6 && packet[6] != 58))
		return "the IPv6 header is wrong: hop limit, or what follows";
	if (memcmp(packet + 8, wire_prefix, 12) != 0 || memcmp(packet + 24, wire_prefix, 12) != 0)
		return "the IPv6 header is wrong: addresses";
	return NULL;
}

/* In place, for what the stack has sent; checked before. */
static void wire_to_v4(struct wire_packet *p)
{
	uint8_t head[20] = {0x45, p->bytes[1] >> 4, [6] = 0x40};

	wire_put16(head + 2, (uint32_t)p->len - 20);
	head[8] = p->bytes[7];
	head[9] = p->bytes[6];
	memcpy(head + 12, p->bytes + 20, 4);
	memcpy(head + 16, p->bytes + 36, 4);
	wire_put16(head + 10, wire_checksum(head, 20, 0));
	memmove(p->bytes + 20, p->bytes + 40, p->len - 40);
	memcpy(p->bytes, head, 20);
	p->len -= 20;
}
