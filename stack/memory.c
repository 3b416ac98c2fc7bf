/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.c — the global account. Everything that a peer can make us keep is allocated here, charged
 * against stack_config.memory_limit, and given back here. Ring buffers are cached by size, so that a
 * connection which wakes up for one request does not go to malloc.
 */
#include <assert.h>
#include <stdlib.h>

#include "stack/stack_internal.h"

static bool account_charge(struct stack *s, size_t len, size_t limit)
{
	if (len > limit || s->memory > limit - len)
		return false;
	s->memory += len;
	return true;
}

void *account_alloc(struct stack *s, size_t len)
{
	if (!account_charge(s, len, s->cfg.memory_limit))
		return NULL;
	void *p = malloc(len);
	if (!p)
		s->memory -= len;
	return p;
}

void account_free(struct stack *s, void *p, size_t len)
{
	assert(s->memory >= len);
	s->memory -= len;
	s->memory_freed = true;
	free(p);
}

static unsigned buffer_class(uint32_t cap)
{
	return (unsigned)__builtin_ctz(cap / BUFFER_MIN);
}

uint8_t *buffer_get(struct stack *s, uint32_t cap)
{
	struct free_buffer **head = &s->buffers[buffer_class(cap)];

	/* Data is refused first: a sixteenth is kept back for handshakes, closes and answers, so that many slow
	 * connections do not lock the others out. */
	if (!account_charge(s, cap, s->cfg.memory_limit - s->cfg.memory_limit / 16))
		return NULL;
	void *p = *head;
	if (p) {
		*head = (*head)->next;
		s->buffers_cached -= cap;
	} else {
		p = malloc(cap);
		if (!p)
			s->memory -= cap;
	}
	return p;
}

void buffer_put(struct stack *s, uint8_t *data, uint32_t cap)
{
	assert(s->memory >= cap);
	s->memory -= cap;
	s->memory_freed = true;
	if (s->buffers_cached + cap > BUFFER_CACHE_MAX) {
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
