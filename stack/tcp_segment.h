/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_segment.h — the wire format of TCP (RFC 9293 3.1, 3.2): parsing a received segment into host-order
 * fields, and writing headers and options.
 */
#ifndef STACK_TCP_SEGMENT_H
#define STACK_TCP_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/seq.h"
#include "stack/stack.h"

#define IP_PROTO_TCP 6
#define TCP_HEADER_MIN 20
#define TCP_OPTIONS_MAX 40
#define TCP_HEADER_MAX (TCP_HEADER_MIN + TCP_OPTIONS_MAX)
#define TCP_CHECKSUM_OFFSET 16
#define TCP_TIMESTAMP_LEN 12 /* with its two NOPs */

enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
};

enum {
	TCP_OPT_END = 0,
	TCP_OPT_NOP = 1,
	TCP_OPT_MSS = 2,
	TCP_OPT_WSCALE = 3,
	TCP_OPT_SACK_PERMITTED = 4,
	TCP_OPT_SACK = 5,
	TCP_OPT_TIMESTAMP = 8,
	TCP_OPT_USER_TIMEOUT = 28, /* RFC 5482 */
	TCP_OPT_FASTOPEN = 34,
};

#define TCP_WSCALE_MAX 14  /* RFC 7323 2.3 */
#define TCP_FASTOPEN_MIN 4 /* bytes of a cookie (RFC 7413 4.1.1) */
#define TCP_FASTOPEN_MAX 16
#define TCP_SACK_MAX 4 /* blocks that fit into the options (RFC 2018 3) */

struct tcp_options {
	bool has_mss, has_wscale, has_timestamp, sack_permitted;
	uint16_t mss;
	uint8_t wscale; /* as sent; larger than 14 counts as 14 */
	uint32_t ts_val, ts_ecr;
	bool has_user_timeout;
	uint16_t user_timeout; /* as on the wire: granularity bit and 15 bits */
	uint8_t sack_count;
	struct seq_range sack[TCP_SACK_MAX]; /* as on the wire: not checked, in no order */
	bool has_fastopen;
	uint8_t fastopen_len; /* of the cookie; 0: one is asked for. Written: a multiple of 4 */
	uint8_t fastopen[TCP_FASTOPEN_MAX];
};

struct tcp_segment {
	struct ip_addr src, dst;
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	uint16_t wnd; /* as in the header, unscaled */
	uint8_t flags;
	bool ae;     /* accurate ECN, the ninth flag (RFC 9768 3.1.1) */
	uint8_t ecn; /* enum ip_ecn, of what has arrived */
	struct tcp_options opt;
	const uint8_t *payload;
	uint32_t len;          /* payload bytes */
	uint16_t gso_size;     /* non-zero: the link coalesced pieces of this size */
	const uint8_t *packet; /* the whole IP packet, for the trace */
	size_t packet_len;
};

/* AE, CWR and ECE as one number (RFC 9768 3.1.1). */
static inline uint8_t tcp_segment_ace(const struct tcp_segment *seg)
{
	return (uint8_t)(seg->ae << 2 | ((seg->flags & TCP_CWR) != 0) << 1 |
			 ((seg->flags & TCP_ECE) != 0));
}

static inline void tcp_segment_set_ace(struct tcp_segment *seg, uint8_t ace)
{
	seg->ae = ace & 4;
	seg->flags |= (uint8_t)((ace & 2 ? TCP_CWR : 0) | (ace & 1 ? TCP_ECE : 0));
}

/* Bytes that a SACK option with so many blocks takes, with its two NOPs. */
static inline uint32_t tcp_sack_option_len(unsigned blocks)
{
	return blocks ? 4 + 8 * blocks : 0;
}

/* The length in sequence space: payload, SYN and FIN (SEG.LEN). */
static inline uint32_t segment_space(const struct tcp_segment *seg)
{
	return seg->len + ((seg->flags & TCP_SYN) != 0) + ((seg->flags & TCP_FIN) != 0);
}

/* Parses `len` bytes from the TCP header on; src, dst and packet are the caller's to fill. Returns false
 * when the header does not fit. Malformed options end the parsing of options, as if they ended there:
 * what stood before still counts. The checksum is not looked at. */
bool tcp_segment_parse(struct tcp_segment *seg, const uint8_t *data, size_t len);

/* Writes header and options at `out` (TCP_HEADER_MAX bytes), checksum 0. Returns the header's length, a
 * multiple of four. */
size_t tcp_segment_write(uint8_t *out, const struct tcp_segment *seg);

/* The checksum over pseudo-header, header and `count` slices of payload, as a field value. */
uint16_t tcp_checksum(const struct ip_addr *src, const struct ip_addr *dst, const uint8_t *header,
		      size_t header_len, const struct slice *payload, size_t count);

#endif
