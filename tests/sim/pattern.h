/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern.h — the bytes that are transferred: a function of a key and the offset, so that a
 * receiver knows what must come without keeping it, and a byte that is out of place never looks
 * right.
 */
#ifndef TESTS_SIM_PATTERN_H
#define TESTS_SIM_PATTERN_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tests/sim/rng.h"

static inline void sim_pattern_fill(uint8_t *out, uint64_t key, uint64_t offset, size_t len)
{
	while (len > 0) {
		const uint64_t word = sim_mix(key ^ offset / 8);
		if (offset % 8 == 0 && len >= 8) {
			const uint64_t bytes = htole64(word);
			memcpy(out, &bytes, 8);
			out += 8;
			offset += 8;
			len -= 8;
			continue;
		}
		const size_t skip = offset % 8;
		const size_t n = len < 8 - skip ? len : 8 - skip;
		for (size_t i = 0; i < n; i++)
			out[i] = (uint8_t)(word >> (skip + i) * 8);
		out += n;
		offset += n;
		len -= n;
	}
}

/* True when `len` bytes at `data` are those of the pattern; else *wrong is the first offset that
 * is not. */
static inline bool sim_pattern_equal(const uint8_t *data, uint64_t key, uint64_t offset, size_t len,
				     uint64_t *wrong)
{
	uint8_t expect[256];

	for (size_t at = 0; at < len; at += sizeof expect) {
		const size_t n = len - at < sizeof expect ? len - at : sizeof expect;
		sim_pattern_fill(expect, key, offset + at, n);
		if (!memcmp(data + at, expect, n))
			continue;
		*wrong = offset + at;
		while (data[*wrong - offset] == expect[*wrong - offset - at])
			++*wrong;
		return false;
	}
	return true;
}

#endif
