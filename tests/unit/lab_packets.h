/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lab_packets.h — IP packets for the tests of the emulated link, and a second opinion on their checksums that
 * shares no code with the link.
 */
#ifndef TESTS_UNIT_LAB_PACKETS_H
#define TESTS_UNIT_LAB_PACKETS_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lab/link_packet.h"

#define TCP_OPTIONS 12u

static inline uint32_t be16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t be32(const uint8_t *p)
{
	return be16(p) << 16 | be16(p + 2);
}

static inline void to_be16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* RFC 1071 4.1, a 16-bit word at a time. */
static inline uint32_t plain_sum(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static inline size_t ip_header_len(const uint8_t *b)
{
	return b[0] >> 4 == 6 ? 40 : (b[0] & 15u) * 4u;
}

static inline uint32_t pseudo_sum(const uint8_t *b, uint32_t protocol, size_t len)
{
	const bool v6 = b[0] >> 4 == 6;
	uint32_t sum = plain_sum(protocol, b + (v6 ? 8 : 12), v6 ? 32 : 8);

	return plain_sum(sum + ((uint32_t)len & 0xffff) + ((uint32_t)len >> 16), NULL, 0);
}

static inline uint32_t protocol_of(const uint8_t *b)
{
	return b[0] >> 4 == 6 ? b[6] : b[9];
}

/* Are lengths and all checksums of an IPv4 or IPv6 packet without extensions right? */
static inline bool packet_is_sound(const struct link_packet *p)
{
	const uint8_t *b = p->bytes;
	const bool v6 = b[0] >> 4 == 6;
	const size_t header = ip_header_len(b);
	const uint32_t protocol = protocol_of(b);

	if (v6 ? be16(b + 4) + 40 != p->len : be16(b + 2) != p->len)
		return false;
	if (!v6 && plain_sum(0, b, header) != 0xffff)
		return false;
	const uint32_t pseudo = protocol == 1 ? 0 : pseudo_sum(b, protocol, p->len - header);
	return plain_sum(pseudo, b + header, p->len - header) == 0xffff;
}

static inline size_t write_ip(uint8_t *b, unsigned version, uint8_t protocol, size_t payload)
{
	static const uint8_t v6[] = {0xfd, 0, [15] = 1, 0xfd, 1, [31] = 2};
	static const uint8_t v4[] = {10, 9, 0, 1, 10, 9, 0, 2};

	if (version == 6) {
		memset(b, 0, 40);
		b[0] = 0x60;
		to_be16(b + 4, (uint32_t)payload);
		b[6] = protocol;
		b[7] = 64;
		memcpy(b + 8, v6, 32);
		return 40;
	}
	memset(b, 0, 20);
	b[0] = 0x45;
	to_be16(b + 2, (uint32_t)(20 + payload));
	to_be16(b + 4, 0xfffe); /* so that identifications wrap */
	b[6] = 0x40;
	b[8] = 64;
	b[9] = protocol;
	memcpy(b + 12, v4, 8);
	to_be16(b + 10, ~plain_sum(0, b, 20));
	return 20;
}

/* A TCP segment with timestamps, its checksum as a sender that offloads leaves it, or complete. */
static inline struct link_packet *tcp_packet(unsigned version, uint32_t seq, uint8_t flags,
					     size_t payload, bool partial)
{
	static uint8_t b[LINK_PACKET_MAX];
	static const uint8_t stamps[TCP_OPTIONS] = {1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9};
	const size_t len = 20 + TCP_OPTIONS + payload;
	const size_t ip = write_ip(b, version, 6, len);
	uint8_t *tcp = b + ip;

	memset(tcp, 0, 20);
	to_be16(tcp, 443);
	to_be16(tcp + 2, 50000);
	to_be16(tcp + 4, seq >> 16);
	to_be16(tcp + 6, seq);
	tcp[12] = (20 + TCP_OPTIONS) / 4 << 4;
	tcp[13] = flags;
	memcpy(tcp + 20, stamps, TCP_OPTIONS);
	for (size_t i = 0; i < payload; i++)
		tcp[20 + TCP_OPTIONS + i] = (uint8_t)(i * 7 + i / 251);
	to_be16(tcp + 16, pseudo_sum(b, 6, len));
	if (!partial)
		to_be16(tcp + 16, ~plain_sum(0, tcp, len));
	struct link_packet *p = link_packet_new(b, ip + len);
	p->checksum_partial = partial;
	p->csum_start = (uint16_t)ip;
	p->csum_offset = 16;
	return p;
}

static inline struct link_packet *udp_packet(unsigned version, size_t payload, bool partial)
{
	static uint8_t b[LINK_PACKET_MAX];
	const size_t len = 8 + payload;
	const size_t ip = write_ip(b, version, 17, len);
	uint8_t *udp = b + ip;

	memset(udp, 0, 8);
	to_be16(udp, 1000);
	to_be16(udp + 2, 53);
	to_be16(udp + 4, (uint32_t)len);
	memset(udp + 8, 0xa5, payload);
	to_be16(udp + 6, pseudo_sum(b, 17, len));
	if (!partial)
		to_be16(udp + 6, ~plain_sum(0, udp, len));
	struct link_packet *p = link_packet_new(b, ip + len);
	p->checksum_partial = partial;
	p->csum_start = (uint16_t)ip;
	p->csum_offset = 6;
	return p;
}

/* A super segment of so much payload in pieces of `gso_size`. */
static inline struct link_packet *super_packet(unsigned version, uint32_t seq, uint8_t flags,
					       size_t payload, uint16_t gso_size)
{
	struct link_packet *p = tcp_packet(version, seq, flags, payload, true);

	p->gso_size = gso_size;
	return p;
}

#endif
