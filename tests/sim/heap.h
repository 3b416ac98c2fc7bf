/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap.h — what is going to happen: a binary heap ordered by (time, order of insertion), so that events of
 * the same microsecond happen in the order in which they were decided.
 */
#ifndef TESTS_SIM_HEAP_H
#define TESTS_SIM_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_event {
	uint64_t at_us;
	uint64_t order;
	void (*fn)(void *ctx, void *arg);
	void *ctx;
	void *arg;
	void (*drop)(void *arg); /* frees `arg` of an event that never happens; may be NULL */
};

struct sim_heap {
	struct sim_event *event;
	size_t count, cap;
	uint64_t order;
};

/* `e->order` is filled in. */
void sim_heap_push(struct sim_heap *h, struct sim_event e);
/* The earliest event's time, UINT64_MAX when there is none. */
uint64_t sim_heap_next(const struct sim_heap *h);
bool sim_heap_pop(struct sim_heap *h, struct sim_event *out);
void sim_heap_free(struct sim_heap *h);

/* malloc and calloc that end the program when memory is out: a test has nothing better to do. */
void *sim_alloc(size_t len);

#endif
