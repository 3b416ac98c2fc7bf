/* SPDX-License-Identifier: Apache-2.0 */
/* packet.c — see packet.h. RFC 791, RFC 9293 3.1, RFC 1071. */
#include "tests/sim/packet.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/heap.h"

#define TCP_AT SIM_IP_HEADER
#define CHECKSUM_AT (TCP_AT + 16)
#define IP_DONT_FRAGMENT 0x4000u

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

/* The plain algorithm of RFC 1071 4.1. */
static uint32_t sum(uint32_t acc, const uint8_t *p, size_t len)
{
	size_t i = 0;

	for (; i + 1 < len; i += 2) {
		acc += (uint32_t)(p[i] << 8 | p[i + 1]);
		if (acc >> 31)
			acc = (acc & 0xffff) + (acc >> 16);
	}
	if (i < len)
		acc += (uint32_t)p[i] << 8;
	return acc;
}

static uint16_t fold(uint32_t acc)
{
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return (uint16_t)acc;
}

static uint32_t pseudo_sum(const uint8_t *ip, size_t tcp_len)
{
	return sum(6u + (uint32_t)tcp_len, ip + 12, 8);
}

static void write_ip_checksum(uint8_t *ip)
{
	put16(ip + 10, 0);
	put16(ip + 10, (uint16_t)~fold(sum(0, ip, SIM_IP_HEADER)));
}

static void write_tcp_checksum(uint8_t *ip, size_t len)
{
	put16(ip + CHECKSUM_AT, 0);
	put16(ip + CHECKSUM_AT,
	      (uint16_t)~fold(sum(pseudo_sum(ip, len - TCP_AT), ip + TCP_AT, len - TCP_AT)));
}

uint32_t sim_segment_space(const struct sim_segment *seg)
{
	return seg->len + ((seg->flags & SIM_SYN) != 0) + ((seg->flags & SIM_FIN) != 0);
}

struct sim_packet *sim_packet_new(size_t len)
{
	struct sim_packet *p = malloc(sizeof *p + len);

	if (!p)
		abort();
	*p = (struct sim_packet){.len = len};
	return p;
}

struct sim_packet *sim_packet_copy(const struct sim_packet *p)
{
	struct sim_packet *copy = sim_packet_new(p->len);

	memcpy(copy, p, sizeof *p + p->len);
	return copy;
}

void sim_packet_free(void *p)
{
	free(p);
}

static const uint8_t ipv6_prefix[12] = {0xfd, 0, 0x02, 0xff}; /* 0xfd00 + 0x02ff = 0xffff */

struct ip_addr sim_packet_ipv6_addr(const uint8_t v4[4])
{
	struct ip_addr a = {.version = 6};

	memcpy(a.bytes, ipv6_prefix, sizeof ipv6_prefix);
	memcpy(a.bytes + 12, v4, 4);
	return a;
}

struct sim_packet *sim_packet_to_ipv6(struct sim_packet *p)
{
	if (p->len < SIM_IP_HEADER)
		return p;
	struct sim_packet *six = sim_packet_new(p->len + 20);
	uint8_t *ip = six->bytes;

	memset(ip, 0, 40);
	/* A header that the link has damaged: IPv6 has no checksum to find that by. */
	if (p->bytes[0] == 0x45 && fold(sum(0, p->bytes, SIM_IP_HEADER)) == 0xffff)
		ip[0] = (uint8_t)(0x60 | p->bytes[1] >> 4);
	ip[1] = (uint8_t)(p->bytes[1] << 4);
	put16(ip + 4, get16(p->bytes + 2) - SIM_IP_HEADER);
	ip[6] = p->bytes[9];
	ip[7] = p->bytes[8];
	memcpy(ip + 8, sim_packet_ipv6_addr(p->bytes + 12).bytes, 16);
	memcpy(ip + 24, sim_packet_ipv6_addr(p->bytes + 16).bytes, 16);
	memcpy(ip + 40, p->bytes + SIM_IP_HEADER, p->len - SIM_IP_HEADER);
	six->gso_size = p->gso_size;
	six->checksum_partial = p->checksum_partial;
	six->corrupted = p->corrupted;
	sim_packet_free(p);
	return six;
}

/* What is not as it should be stays as it is, and is then found fault with as IPv4. */
static void from_ipv6(struct sim_packet *p)
{
	uint8_t head[SIM_IP_HEADER] = {0x45, p->bytes[1] >> 4, [6] = 0x40};
	const uint8_t *ip = p->bytes;

	if (p->len < 40 || ip[0] != 0x60 || (ip[1] & 0xcf) != 0 || get16(ip + 4) != p->len - 40 ||
	    memcmp(ip + 8, ipv6_prefix, 12) != 0 || memcmp(ip + 24, ipv6_prefix, 12) != 0)
		return;
	put16(head + 2, (uint32_t)p->len - 20);
	head[8] = ip[7];
	head[9] = ip[6];
	memcpy(head + 12, ip + 20, 4);
	memcpy(head + 16, ip + 36, 4);
	write_ip_checksum(head);
	memmove(p->bytes + SIM_IP_HEADER, ip + 40, p->len - 40);
	memcpy(p->bytes, head, SIM_IP_HEADER);
	p->len -= 20;
}

struct sim_packet *sim_packet_from_out(const struct packet_out *out, size_t len)
{
	struct sim_packet *p = sim_packet_new(len);
	size_t at = out->header_len;

	memcpy(p->bytes, out->header, out->header_len);
	for (size_t i = 0; i < out->payload_count; i++) {
		memcpy(p->bytes + at, out->payload[i].data, out->payload[i].len);
		at += out->payload[i].len;
	}
	p->gso_size = out->gso_size;
	p->checksum_partial = out->needs_csum;
	if (out->ip_version == 6)
		from_ipv6(p);
	return p;
}

static size_t write_options(uint8_t *o, const struct sim_segment *seg)
{
	size_t n = 0;

	if (seg->has_mss) {
		o[n] = 2;
		o[n + 1] = 4;
		put16(o + n + 2, seg->mss);
		n += 4;
	}
	if (seg->has_wscale) {
		o[n] = 3;
		o[n + 1] = 3;
		o[n + 2] = seg->wscale;
		o[n + 3] = 1;
		n += 4;
	}
	if (seg->sack_permitted) {
		o[n] = 4;
		o[n + 1] = 2;
		o[n + 2] = o[n + 3] = 1;
		n += 4;
	}
	if (seg->has_ts) {
		o[n] = 1;
		o[n + 1] = 1;
		o[n + 2] = 8;
		o[n + 3] = 10;
		put32(o + n + 4, seg->ts_val);
		put32(o + n + 8, seg->ts_ecr);
		n += 12;
	}
	if (seg->sack_count) {
		o[n] = 1;
		o[n + 1] = 1;
		o[n + 2] = 5;
		o[n + 3] = (uint8_t)(2 + 8 * seg->sack_count);
		n += 4;
		for (unsigned i = 0; i < seg->sack_count; i++, n += 8) {
			put32(o + n, seg->sack[i][0]);
			put32(o + n + 4, seg->sack[i][1]);
		}
	}
	return n;
}

struct sim_packet *sim_packet_from_segment(const struct sim_segment *seg)
{
	uint8_t options[64];
	const size_t opt_len = write_options(options, seg);
	const size_t header = SIM_IP_HEADER + SIM_TCP_HEADER + opt_len;
	struct sim_packet *p = sim_packet_new(header + seg->len);
	uint8_t *ip = p->bytes, *tcp = p->bytes + TCP_AT;

	memset(ip, 0, header);
	ip[0] = 0x45;
	ip[1] = seg->ecn;
	put16(ip + 2, (uint32_t)p->len);
	put16(ip + 6, IP_DONT_FRAGMENT);
	ip[8] = 64;
	ip[9] = 6;
	memcpy(ip + 12, seg->src, 4);
	memcpy(ip + 16, seg->dst, 4);
	write_ip_checksum(ip);
	put16(tcp, seg->src_port);
	put16(tcp + 2, seg->dst_port);
	put32(tcp + 4, seg->seq);
	put32(tcp + 8, seg->ack);
	tcp[12] = (uint8_t)((SIM_TCP_HEADER + opt_len) / 4 << 4 | seg->flags >> 8);
	tcp[13] = (uint8_t)seg->flags;
	put16(tcp + 14, seg->wnd);
	put16(tcp + 18, seg->urgent);
	memcpy(tcp + SIM_TCP_HEADER, options, opt_len);
	if (seg->len)
		memcpy(p->bytes + header, seg->payload, seg->len);
	write_tcp_checksum(ip, p->len);
	return p;
}

/* ------------------------------------------------------------------ reading */

static const char *parse_option(struct sim_segment *seg, const uint8_t *o, size_t len)
{
	switch (o[0]) {
	case 2:
		if (len != 4 || !(seg->flags & SIM_SYN))
			return "an MSS option of the wrong length, or not in a SYN";
		seg->has_mss = true;
		seg->mss = get16(o + 2);
		return NULL;
	case 3:
		if (len != 3 || !(seg->flags & SIM_SYN) || o[2] > 14)
			return "a window scale option that is malformed, or not in a SYN";
		seg->has_wscale = true;
		seg->wscale = o[2];
		return NULL;
	case 4:
		if (len != 2 || !(seg->flags & SIM_SYN))
			return "a SACK-permitted option of the wrong length, or not in a SYN";
		seg->sack_permitted = true;
		return NULL;
	case 5:
		if (len < 10 || (len - 2) % 8 != 0 || (seg->flags & SIM_SYN))
			return "a malformed SACK option";
		if (len > 34)
			return "a SACK option that is too long";
		seg->sack_count = (uint8_t)((len - 2) / 8);
		for (unsigned i = 0; i < seg->sack_count; i++) {
			seg->sack[i][0] = get32(o + 2 + 8 * i);
			seg->sack[i][1] = get32(o + 6 + 8 * i);
		}
		return NULL;
	case 8:
		if (len != 10)
			return "a timestamps option of the wrong length";
		seg->has_ts = true;
		seg->ts_val = get32(o + 2);
		seg->ts_ecr = get32(o + 6);
		return NULL;
	case 28: /* RFC 5482: an application may have asked for it */
		return len == 4 ? NULL : "a user timeout option of the wrong length";
	case 34: /* RFC 7413: a client may have asked for a cookie */
		return (len == 2 || (len >= 6 && len <= 18 && len % 2 == 0)) &&
				       (seg->flags & SIM_SYN)
			       ? NULL
			       : "a malformed Fast Open option, or not in a SYN";
	default:
		return "an option that nobody has asked for";
	}
}

static const char *parse_options(struct sim_segment *seg, const uint8_t *o, size_t len)
{
	for (size_t i = 0; i < len;) {
		if (o[i] == 0)
			return NULL;
		if (o[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 >= len || o[i + 1] < 2 || i + o[i + 1] > len)
			return "an option that runs over the header's end";
		const char *wrong = parse_option(seg, o + i, o[i + 1]);
		if (wrong)
			return wrong;
		i += o[i + 1];
	}
	return NULL;
}

const char *sim_packet_check_sums(const struct sim_packet *p)
{
	const uint8_t *ip = p->bytes;
	const uint32_t pseudo = pseudo_sum(ip, p->len - TCP_AT);

	if (fold(sum(0, ip, SIM_IP_HEADER)) != 0xffff)
		return "the IP header's checksum is wrong";
	if (p->checksum_partial)
		return get16(ip + CHECKSUM_AT) == fold(pseudo)
			       ? NULL
			       : "the partial checksum is not the pseudo-header's sum";
	return fold(sum(pseudo, ip + TCP_AT, p->len - TCP_AT)) == 0xffff
		       ? NULL
		       : "the TCP checksum is wrong";
}

const char *sim_packet_parse(const struct sim_packet *p, struct sim_segment *seg)
{
	const uint8_t *ip = p->bytes, *tcp = p->bytes + TCP_AT;

	*seg = (struct sim_segment){0};
	if (p->len < SIM_IP_HEADER + SIM_TCP_HEADER || ip[0] != 0x45 || ip[9] != 6)
		return "not an IPv4 packet with TCP";
	if (get16(ip + 2) != p->len)
		return "the IP total length is not the packet's";
	if (get16(ip + 6) != IP_DONT_FRAGMENT || ip[8] == 0)
		return "DF is not set, it is a fragment, or its TTL is 0";
	if (ip[1] > SIM_CE)
		return "a differentiated services code point that nobody has asked for";
	seg->ecn = ip[1];
	const size_t tcp_header = (size_t)(tcp[12] >> 4) * 4;
	if (tcp_header < SIM_TCP_HEADER || TCP_AT + tcp_header > p->len)
		return "the TCP data offset is out of range";
	memcpy(seg->src, ip + 12, 4);
	memcpy(seg->dst, ip + 16, 4);
	seg->src_port = get16(tcp);
	seg->dst_port = get16(tcp + 2);
	seg->seq = get32(tcp + 4);
	seg->ack = get32(tcp + 8);
	seg->flags = (uint16_t)(tcp[13] | (tcp[12] & 1) << 8);
	seg->wnd = get16(tcp + 14);
	seg->urgent = get16(tcp + 18);
	seg->header_len = (uint32_t)(TCP_AT + tcp_header);
	seg->payload = p->bytes + seg->header_len;
	seg->len = (uint32_t)p->len - seg->header_len;
	return parse_options(seg, tcp + SIM_TCP_HEADER, tcp_header - SIM_TCP_HEADER);
}

/* ------------------------------------------------------------------ what the network card does */

static size_t header_of(const struct sim_packet *p)
{
	return TCP_AT + (size_t)(p->bytes[TCP_AT + 12] >> 4) * 4;
}

size_t sim_packet_pieces(const struct sim_packet *p)
{
	if (!p->gso_size)
		return 1;
	return (p->len - header_of(p) + p->gso_size - 1) / p->gso_size;
}

struct sim_packet *sim_packet_cut(const struct sim_packet *p, size_t i)
{
	const size_t header = header_of(p);
	const size_t payload = p->len - header;
	const size_t from = i * p->gso_size;
	const size_t len = payload - from < p->gso_size ? payload - from : p->gso_size;
	struct sim_packet *piece = sim_packet_new(header + len);
	uint8_t *ip = piece->bytes;

	memcpy(ip, p->bytes, header);
	memcpy(ip + header, p->bytes + header + from, len);
	put16(ip + 2, (uint32_t)(header + len));
	put16(ip + 4, get16(ip + 4) + (uint32_t)i);
	write_ip_checksum(ip);
	put32(ip + TCP_AT + 4, get32(ip + TCP_AT + 4) + (uint32_t)from);
	if (from + len < payload) /* FIN and PSH belong to the last */
		ip[TCP_AT + 13] &= (uint8_t) ~(SIM_FIN | SIM_PSH);
	write_tcp_checksum(ip, piece->len);
	return piece;
}

uint8_t sim_packet_ecn(const struct sim_packet *p)
{
	return p->bytes[1] & SIM_CE;
}

void sim_packet_set_ecn(struct sim_packet *p, uint8_t ecn)
{
	p->bytes[1] = (uint8_t)((p->bytes[1] & ~SIM_CE) | ecn);
	write_ip_checksum(p->bytes);
}

void sim_packet_finish(struct sim_packet *p)
{
	if (!p->checksum_partial)
		return;
	write_tcp_checksum(p->bytes, p->len);
	p->checksum_partial = false;
}
