/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_icmp.h — ICMP errors of either version about a segment of the stack's, for the tests of what TCP makes of
 * them. MTUs are given as for IPv4; over IPv6 20 bytes come on top, so that the segments are the same.
 */
#ifndef TESTS_UNIT_WIRE_ICMP_H
#define TESTS_UNIT_WIRE_ICMP_H

#include <string.h>

#include "tests/unit/wire.h"

enum wire_error {
	ERROR_TOO_BIG,
	ERROR_NO_ROUTE,
	ERROR_NO_HOST,
	ERROR_NO_PORT,
	ERROR_NO_PROTOCOL,
	ERROR_TOO_LONG_UNDER_WAY,
};

/* What an error says. The defaults of {0} with `seq` are a whole segment of 1,460 bytes from the router 10.0.0.1. */
struct wire_quote {
	uint32_t seq;        /* relative to the stack's initial number            */
	uint32_t len;        /* of the quoted packet, as for IPv4; 0 for 1,500    */
	uint16_t port;       /* the stack's, 0 for the current connection's       */
	uint8_t protocol;    /* 0 for TCP                                         */
	size_t cut;          /* bytes of the quoted packet that come along, 0 for all of 28 or 48 */
	const uint8_t *head; /* options or extension headers between IP header and TCP … */
	size_t head_len;
	uint8_t next; /* … over IPv6, what the IPv6 header says comes first */
	bool fragment;
};

static inline uint32_t wire_mtu(const struct wire *w, uint32_t mtu)
{
	return w->version == 6 ? mtu + 20 : mtu;
}

static inline void wire_icmp_put16(uint8_t *p, uint32_t x)
{
	p[0] = (uint8_t)(x >> 8);
	p[1] = (uint8_t)x;
}

static inline void wire_icmp_put32(uint8_t *p, uint32_t x)
{
	wire_icmp_put16(p, x >> 16);
	wire_icmp_put16(p + 2, x & 0xffff);
}

/* The head of the packet that is quoted; returns its length. */
static inline size_t wire_quoted(const struct wire *w, const struct wire_quote *q, uint8_t *out)
{
	static uint8_t v4[WIRE_PACKET_MAX];
	const uint32_t len = q->len ? q->len : 1500;
	struct seg g = {.src = WIRE_HOST,
			.dst = WIRE_PEER,
			.sport = q->port ? q->port : w->lport,
			.dport = w->rport,
			.seq = w->iss + q->seq,
			.flags = ACK,
			.len = len > 40 ? len - 40 : 0};
	const size_t ip = w->version == 6 ? 40 : 20;

	wire_build(w, &g, v4);
	if (w->version == 6)
		wire_to_v6(v4, 40, out);
	else
		memcpy(out, v4, 40);
	wire_icmp_put16(out + (w->version == 6 ? 4 : 2),
			(uint32_t)(w->version == 6 ? len - 20 + q->head_len : len + q->head_len));
	if (q->protocol)
		out[w->version == 6 ? 6 : 9] = q->protocol;
	if (q->next)
		out[6] = q->next;
	if (q->head_len) {
		memmove(out + ip + q->head_len, out + ip, 20);
		memcpy(out + ip, q->head, q->head_len);
	}
	if (w->version == 4) {
		out[0] = (uint8_t)(0x45 + q->head_len / 4);
		if (q->fragment)
			out[7] = 1; /* offset 8 */
	}
	return ip + q->head_len + 20;
}

/* The stack gets an ICMP message with this body. */
static inline void wire_inject_icmp(struct wire *w, uint8_t type, uint8_t code, uint32_t rest,
				    const uint8_t *body, size_t len)
{
	static const uint8_t v4[20] = {0x45, 0, 0,  0, 0, 0, 0x40, 0, 64, 1,
				       0,    0, 10, 0, 0, 1, 10,   0, 0,  2};
	static const uint8_t v6[40] = {
		0x60, [6] = 58, 64, 0xfd, 0,    2,         0xff, [20] = 10, 0, 0,
		1,    0xfd,     0,  2,    0xff, [36] = 10, 0,    0,         2};
	static uint8_t packet[WIRE_PACKET_MAX];
	const size_t head = w->version == 6 ? 40 : 20, total = head + 8 + len;
	uint8_t *icmp = packet + head;

	memcpy(packet, w->version == 6 ? v6 : v4, head);
	wire_icmp_put16(packet + (w->version == 6 ? 4 : 2),
			(uint32_t)(w->version == 6 ? 8 + len : total));
	memset(icmp, 0, 8);
	icmp[0] = type;
	icmp[1] = code;
	wire_icmp_put32(icmp + 4, rest);
	memcpy(icmp + 8, body, len);
	if (w->version == 6)
		wire_icmp_put16(icmp + 2, wire_checksum(icmp, 8 + len,
							wire_pseudo_sum_v6(packet, 58, 8 + len)));
	else
		wire_fix_checksums(packet, total);
	wire_inject_raw(w, packet, total);
}

static inline void wire_inject_error(struct wire *w, enum wire_error error, uint32_t rest,
				     const struct wire_quote *q)
{
	static const uint8_t v4[][2] = {{3, 4}, {3, 0}, {3, 1}, {3, 3}, {3, 2}, {11, 0}};
	static const uint8_t v6[][2] = {{2, 0}, {1, 0}, {1, 3}, {1, 4}, {4, 1}, {3, 0}};
	const uint8_t *kind = w->version == 6 ? v6[error] : v4[error];
	uint8_t quoted[256];
	size_t len =
		wire_quoted(w, q, quoted) - 12; /* up to the eight bytes that RFC 792 promises */

	if (q->cut)
		len = q->cut;
	wire_inject_icmp(w, kind[0], kind[1], rest, quoted, len);
}

/* "The packet with `seq` is too big for a link that takes `mtu`." */
static inline void too_big(struct wire *w, uint32_t seq, uint32_t mtu)
{
	const struct wire_quote q = {.seq = seq};

	wire_inject_error(w, ERROR_TOO_BIG, wire_mtu(w, mtu), &q);
}

/* The same about a packet of `len` bytes. */
static inline void too_big_of(struct wire *w, uint32_t seq, uint32_t mtu, uint32_t len)
{
	const struct wire_quote q = {.seq = seq, .len = len};

	wire_inject_error(w, ERROR_TOO_BIG, wire_mtu(w, mtu), &q);
}

static inline void other_error(struct wire *w, enum wire_error error, uint32_t seq)
{
	const struct wire_quote q = {.seq = seq};

	wire_inject_error(w, error, 0, &q);
}

/* Until then whatever comes is none of the test's business: a tail loss probe (RFC 8985 7), for one. */
static inline void quiet_until(struct wire *w, const char *time)
{
	advance_to(w, time);
	drain(w);
}

#endif
