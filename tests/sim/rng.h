/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rng.h — the simulator's random numbers: xoshiro256** (Blackman and Vigna, 2018), seeded through
 * splitmix64. Everything that the simulator decides by chance comes from generators with seeds of their
 * own (one per link direction, one per scenario), so one more draw in one place changes nothing elsewhere.
 */
#ifndef TESTS_SIM_RNG_H
#define TESTS_SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_PPM 1000000u /* probabilities are integers, parts per million */

struct sim_rng {
	uint64_t s[4];
};

/* The finalizer of splitmix64: a good mix of 64 bits, also used as a hash. */
static inline uint64_t sim_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static inline void sim_rng_seed(struct sim_rng *r, uint64_t seed)
{
	for (unsigned i = 0; i < 4; i++)
		r->s[i] = seed = sim_mix(seed + i);
}

static inline uint64_t sim_rotl(uint64_t x, unsigned k)
{
	return (x << k) | (x >> (64 - k));
}

static inline uint64_t sim_rng_next(struct sim_rng *r)
{
	uint64_t *s = r->s;
	const uint64_t result = sim_rotl(s[1] * 5, 7) * 9;
	const uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = sim_rotl(s[3], 45);
	return result;
}

/* 0 .. n-1; 0 for n == 0. The bias of the remainder is nothing against 2^64. */
static inline uint64_t sim_rng_below(struct sim_rng *r, uint64_t n)
{
	return n ? sim_rng_next(r) % n : 0;
}

static inline uint64_t sim_rng_between(struct sim_rng *r, uint64_t low, uint64_t high)
{
	return low + sim_rng_below(r, high - low + 1);
}

/* True with a probability of `ppm` parts per million. Draws nothing when that is zero. */
static inline bool sim_rng_chance(struct sim_rng *r, uint32_t ppm)
{
	return ppm && sim_rng_below(r, SIM_PPM) < ppm;
}

/* A number between low and high whose logarithm is evenly spread: RTTs and sizes of all magnitudes. */
static inline uint64_t sim_rng_magnitude(struct sim_rng *r, uint64_t low, uint64_t high)
{
	unsigned steps = 0;

	while (low << (steps + 1) <= high)
		steps++;
	const uint64_t base = low << sim_rng_below(r, steps + 1u);
	const uint64_t top = 2 * base - 1 < high ? 2 * base - 1 : high;
	return sim_rng_between(r, base, top);
}

#endif
