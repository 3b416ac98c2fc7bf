/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.h — a byte ring that grows on demand and gives its memory back when it is empty: the send and the
 * receive queue of a connection. An idle connection holds no buffer.
 *
 * The ring has `len` bytes in order from `head`. Bytes may also be written beyond `len` (out-of-order
 * segments); the caller knows which of them are valid and passes how far they reach as `extent`.
 * Memory comes from the stack's buffer cache and is charged to its account, see stack_internal.h.
 */
#ifndef STACK_RING_H
#define STACK_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/stack.h"

struct stack;

struct ring {
	uint8_t *data;
	uint32_t cap;  /* 0 or a power of two */
	uint32_t head; /* index of the first byte */
	uint32_t len;  /* bytes in order */
};

/* Makes sure that the ring can hold `need` bytes from its head, keeping the first `extent`. At most
 * `max` bytes (a power of two). False when that is more than max, or memory is short. */
bool ring_grow(struct stack *s, struct ring *r, uint32_t need, uint32_t extent, uint32_t max);
/* Moves what is in order to the smallest buffer that takes it, as far as memory can be had. */
void ring_shrink(struct stack *s, struct ring *r);
/* Gives the memory back; the ring is empty afterwards. */
void ring_release(struct stack *s, struct ring *r);
/* The bytes [offset, offset + len) from the head, as one or two slices; returns how many slices. They
 * must lie within cap. */
size_t ring_slices(const struct ring *r, uint32_t offset, uint32_t len, struct slice out[2]);
size_t ring_slices_mut(struct ring *r, uint32_t offset, uint32_t len, struct slice_mut out[2]);
void ring_write(struct ring *r, uint32_t offset, const uint8_t *data, uint32_t len);
/* Drops the first `len` bytes; the caller releases the ring when nothing of it is in use. */
void ring_consume(struct ring *r, uint32_t len);

#endif
