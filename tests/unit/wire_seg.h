/* SPDX-License-Identifier: Apache-2.0 */
/* wire_seg.h — what wire.c needs of wire_seg.c: packets and the notation. Not for tests. */
#ifndef TESTS_UNIT_WIRE_SEG_H
#define TESTS_UNIT_WIRE_SEG_H

#include "tests/unit/wire.h"

static inline void wire_put16(uint8_t *p, uint32_t x)
{
	p[0] = (uint8_t)(x >> 8);
	p[1] = (uint8_t)x;
}

static inline void wire_put32(uint8_t *p, uint32_t x)
{
	wire_put16(p, x >> 16);
	wire_put16(p + 2, x);
}

static inline uint32_t wire_get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t wire_get32(const uint8_t *p)
{
	return wire_get16(p) << 16 | wire_get16(p + 2);
}

/* Payload's place in the stream: its first byte, relative to the sender's initial number. */
static inline uint8_t wire_stream_byte(uint32_t isn, uint32_t seq)
{
	return wire_pattern(seq - isn);
}

enum wire_when {
	WHEN_EXACT,
	WHEN_ABOUT,
	WHEN_AFTER,
	WHEN_ANY,
	WHEN_PLUS
};

/* A line of a script. */
struct wire_line {
	enum wire_when when;
	uint64_t at_us; /* since the start; with WHEN_PLUS from now */
	struct seg seg;
	bool has_ack, has_win, has_options, any_ts_val, any_fo;
};

/* The sum of RFC 9293's pseudo-header, not folded. */
uint32_t wire_pseudo_sum(const uint8_t *packet, size_t header_len, size_t len);
/* NULL, or what is wrong with it. */
const char *wire_decode_ip(const uint8_t *packet, size_t len);
void wire_print_seg(const struct wire *w, const struct seg *g, bool from_peer, char *out,
		    size_t size);
struct wire_line wire_parse_line(const struct wire *w, const char *text, bool from_peer);
/* As a link does it: finishes the checksum that was left to it. NULL, or what is wrong. */
const char *wire_finish_checksum(struct wire_packet *p, const struct packet_out *out);
/* Everything that wire.h promises of each packet. NULL, or what is wrong with it. */
const char *wire_check_packet(struct wire *w, const struct wire_packet *p, const struct seg *g);
void wire_note_peer_window(struct wire *w, const struct seg *from_peer);

#endif
