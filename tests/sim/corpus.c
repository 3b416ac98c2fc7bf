/* SPDX-License-Identifier: Apache-2.0 */
/* corpus.c — see corpus.h. The record is that of fuzz_stack_input.c: hints, length (2), packet. */
#include "tests/sim/corpus.h"

#include <stdio.h>
#include <string.h>

#include "tests/sim/sim.h"
#include "tests/sim/watch.h"

#define HINT_IP 0x01u
#define HINT_TRUSTED 0x04u
#define HINT_GSO 0x08u
#define HINT_OUTPUT 0x80u
#define PAYLOAD_MAX 1400u /* of a super segment: a record holds no more */
#define OPTIONS 40u       /* where TCP's options begin in an IPv4 packet without any of its own */
#define OPTION_SACK 5u

static void put32(uint8_t *p, uint32_t x)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(x >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The blocks count as the acknowledgment does: they lie in the same stream. */
static void move_blocks(uint8_t *bytes, size_t end, uint32_t by)
{
	for (size_t i = OPTIONS; i + 1 < end && bytes[i] != 0;) {
		const size_t len = bytes[i] == 1 ? 1 : bytes[i + 1];
		if (len == 0 || i + len > end)
			return;
		for (size_t k = 2; bytes[i] == OPTION_SACK && k + 4 <= len; k += 4)
			put32(bytes + i + k, get32(bytes + i + k) - by);
		i += len;
	}
}

/* The time since the packet before, as one of the four steps that a record can say. */
static unsigned pause_of(uint64_t us)
{
	if (us < 500)
		return 0;
	return us < 100 * SIM_MS ? 1 : us < 10 * SIM_SECOND ? 2 : 3;
}

void sim_corpus_add(struct sim_corpus *c, const struct sim *sim, const struct sim_packet *p)
{
	const unsigned pause = pause_of(sim->now_us - c->last_us);
	struct sim_segment seg;
	uint8_t *out = c->bytes + c->len;
	size_t len = p->len;
	uint32_t seq, ack;

	/* A record says how much time goes by behind it: the first one cannot say what was before. */
	if (c->len >= 3 && pause > 0 && c->last_us > 0) {
		if (c->len + 3 > SIM_CORPUS_MAX)
			return;
		/* An empty packet, for the pause. */
		out[0] = (uint8_t)(HINT_OUTPUT | pause << 5);
		out[1] = out[2] = 0;
		c->len += 3;
		out += 3;
	}
	const bool sound = p->len >= SIM_IP_HEADER + SIM_TCP_HEADER && !sim_packet_parse(p, &seg);
	if (sound && p->gso_size) /* its length follows from the hint */
		len = seg.header_len + PAYLOAD_MAX;
	if (len > 1600 || c->len + 3 + len > SIM_CORPUS_MAX)
		return;
	out[0] = (uint8_t)(HINT_TRUSTED | HINT_OUTPUT | (p->gso_size ? HINT_GSO : 0) |
			   (sound ? HINT_IP : 0));
	out[1] = (uint8_t)(len >> 8);
	out[2] = (uint8_t)len;
	memcpy(out + 3, p->bytes, len);
	if (sound) {
		sim_watch_relative(sim->watch, 0, &seg, &seq, &ack);
		put32(out + 3 + 28, ack);
		move_blocks(out + 3, seg.header_len, seg.ack - ack);
	}
	c->len += 3 + len;
	c->last_us = sim->now_us;
}

bool sim_corpus_write(const struct sim_corpus *c, const char *dir, const char *name)
{
	char path[512];

	if (c->len == 0)
		return true;
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "wb");
	if (!f)
		return false;
	const bool written = fwrite(c->bytes, 1, c->len, f) == c->len;
	return fclose(f) == 0 && written;
}
