/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.c — the global account. Everything that a peer can make us keep is allocated here, charged
 * against stack_config.memory_limit, and given back here. Ring buffers are cached by size, so that a
 * connection which wakes up for one request does not go to malloc. What is cached is not charged, since it
 * is given up for whoever asks, but charged and cached together never exceed the limit.
 */
#include <assert.h>
#include <stdlib.h>

#include "stack/stack_internal.h"
#include "stack/trace.h"

size_t memory_mark(const struct stack *s, enum memory_use use)
{
	const size_t limit = s->cfg.memory_limit;

	switch (use) {
	case MEMORY_LOW:
		return limit - limit / 4;
	case MEMORY_GROWTH:
		return limit - limit / 8;
	case MEMORY_DATA:
		return limit - limit / 16;
	case MEMORY_RECORD:
		return limit - limit / 32;
	case MEMORY_ANSWER:
		break;
	}
	return limit;
}

/* The largest free buffer goes. */
static void drop_cached(struct stack *s)
{
	for (unsigned i = BUFFER_CLASSES; i-- > 0;) {
		struct free_buffer *b = s->buffers[i];
		if (b) {
			s->buffers[i] = b->next;
			s->buffers_cached -= BUFFER_MIN << i;
			free(b);
			return;
		}
	}
}

static bool account_charge(struct stack *s, size_t len, enum memory_use use)
{
	struct pressure *p = &s->pressure;
	const size_t mark = memory_mark(s, use);

	if (len > mark || s->memory > mark - len) {
		/* What cannot be had anyhow, or is for comfort only, is no reason to take it from others. */
		if (use != MEMORY_GROWTH && len <= mark)
			p->starved = p->due = true;
		return false;
	}
	while (s->buffers_cached > 0 && s->memory + s->buffers_cached > s->cfg.memory_limit - len)
		drop_cached(s);
	s->memory += len;
	if (!p->on && s->memory > memory_mark(s, MEMORY_GROWTH)) {
		p->on = p->due = true;
		s->counters.tcp_memory_pressures++;
		trace_memory(s, NULL, "memory is short: free buffers go, nothing grows any more");
		buffer_free_cache(s);
	}
	return true;
}

static void account_discharge(struct stack *s, size_t len)
{
	assert(s->memory >= len);
	s->memory -= len;
	s->memory_freed = true;
	if (s->pressure.on && s->memory < memory_mark(s, MEMORY_LOW)) {
		s->pressure.on = s->pressure.starved = false;
		trace_memory(s, NULL, "memory is no longer short");
	}
}

static void *account_take(struct stack *s, size_t len, enum memory_use use)
{
	if (!account_charge(s, len, use))
		return NULL;
	void *p = malloc(len);
	if (!p)
		account_discharge(s, len);
	return p;
}

void *account_alloc(struct stack *s, size_t len)
{
	return account_take(s, len, MEMORY_RECORD);
}

void *account_alloc_answer(struct stack *s, size_t len)
{
	return account_take(s, len, MEMORY_ANSWER);
}

bool account_has(struct stack *s, size_t len)
{
	const size_t mark = memory_mark(s, MEMORY_RECORD);

	if (len <= mark && s->memory <= mark - len)
		return true;
	s->pressure.starved = s->pressure.due = true;
	return false;
}

void account_free(struct stack *s, void *p, size_t len)
{
	account_discharge(s, len);
	free(p);
}

static unsigned buffer_class(uint32_t cap)
{
	return (unsigned)__builtin_ctz(cap / BUFFER_MIN);
}

uint8_t *buffer_get(struct stack *s, uint32_t cap)
{
	struct free_buffer **head = &s->buffers[buffer_class(cap)];
	const enum memory_use use = cap > PRESSURE_RING ? MEMORY_GROWTH : MEMORY_DATA;

	if (*head && s->memory + cap <= memory_mark(s, use)) {
		/* Taken out before it is charged: it must not be what is given up for it. */
		struct free_buffer *b = *head;
		*head = b->next;
		s->buffers_cached -= cap;
		if (account_charge(s, cap, use))
			return (uint8_t *)b;
		free(b);
		return NULL;
	}
	return account_take(s, cap, use);
}

uint8_t *buffer_get_smaller(struct stack *s, uint32_t cap)
{
	return account_take(s, cap, MEMORY_ANSWER);
}

void buffer_put(struct stack *s, uint8_t *data, uint32_t cap)
{
	account_discharge(s, cap);
	if (s->pressure.on || s->buffers_cached + cap > BUFFER_CACHE_MAX) {
		free(data);
		return;
	}
	struct free_buffer *b = (void *)data;
	b->next = s->buffers[buffer_class(cap)];
	s->buffers[buffer_class(cap)] = b;
	s->buffers_cached += cap;
}

void buffer_free_cache(struct stack *s)
{
	for (unsigned i = 0; i < BUFFER_CLASSES; i++) {
		while (s->buffers[i]) {
			struct free_buffer *b = s->buffers[i];
			s->buffers[i] = b->next;
			free(b);
		}
	}
	s->buffers_cached = 0;
}
