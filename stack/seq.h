/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seq.h — arithmetic on sequence numbers, modulo 2^32 (RFC 9293 3.4). Sequence numbers are compared
 * through these functions only. Two numbers are comparable while they are less than 2^31 apart.
 */
#ifndef STACK_SEQ_H
#define STACK_SEQ_H

#include <stdbool.h>
#include <stdint.h>

static inline int32_t seq_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static inline bool seq_lt(uint32_t a, uint32_t b)
{
	return seq_diff(a, b) < 0;
}

static inline bool seq_leq(uint32_t a, uint32_t b)
{
	return seq_diff(a, b) <= 0;
}

static inline bool seq_gt(uint32_t a, uint32_t b)
{
	return seq_diff(a, b) > 0;
}

static inline bool seq_geq(uint32_t a, uint32_t b)
{
	return seq_diff(a, b) >= 0;
}

static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
	return seq_gt(a, b) ? a : b;
}

static inline uint32_t seq_min(uint32_t a, uint32_t b)
{
	return seq_lt(a, b) ? a : b;
}

struct seq_range {
	uint32_t start, end; /* [start, end) */
};

/* Is `seq` in [start, start + len)? */
static inline bool seq_in_window(uint32_t seq, uint32_t start, uint32_t len)
{
	return seq - start < len;
}

#endif
