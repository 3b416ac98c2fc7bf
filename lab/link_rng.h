/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_rng.h — the emulated link's chance: splitmix64 (Steele, Lea and Flood, 2014), which needs eight bytes
 * of state, takes any seed and is the same on every machine.
 */
#ifndef LAB_LINK_RNG_H
#define LAB_LINK_RNG_H

#include <stdbool.h>
#include <stdint.h>

#define LINK_PPM 1000000u /* probabilities are integers, parts per million */

struct link_rng {
	uint64_t state;
};

static inline uint64_t link_rng_next(struct link_rng *r)
{
	uint64_t x = r->state += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* Generator number `index` of `seed`. Neighbouring seeds and indices have nothing in common: the state is
 * what the seed's own generator gives after being moved by the index. */
static inline struct link_rng link_rng_make(uint64_t seed, uint64_t index)
{
	struct link_rng r = {seed};

	r.state = link_rng_next(&r) + index * 0xd1342543de82ef95u;
	r.state = link_rng_next(&r);
	return r;
}

/* 0 .. n-1; 0 for n == 0. The bias of the remainder is nothing against 2^64. */
static inline uint64_t link_rng_below(struct link_rng *r, uint64_t n)
{
	return n ? link_rng_next(r) % n : 0;
}

/* True with a probability of `ppm` parts per million. */
static inline bool link_rng_chance(struct link_rng *r, uint32_t ppm)
{
	return ppm && link_rng_below(r, LINK_PPM) < ppm;
}

#endif
