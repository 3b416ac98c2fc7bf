/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.h — reads and writes integers in network byte order at any alignment. */
#ifndef STACK_BYTES_H
#define STACK_BYTES_H

#include <stdint.h>

static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void put_be16(uint8_t *p, uint16_t x)
{
	p[0] = (uint8_t)(x >> 8);
	p[1] = (uint8_t)x;
}

static inline void put_be32(uint8_t *p, uint32_t x)
{
	put_be16(p, (uint16_t)(x >> 16));
	put_be16(p + 2, (uint16_t)x);
}

#endif
