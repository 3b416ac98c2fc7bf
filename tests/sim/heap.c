/* SPDX-License-Identifier: Apache-2.0 */
/* heap.c — see heap.h. */
#include "tests/sim/heap.h"

#include <stdio.h>
#include <stdlib.h>

void *sim_alloc(size_t len)
{
	void *p = calloc(1, len ? len : 1);

	if (!p) {
		fprintf(stderr, "sim: out of memory (%zu bytes)\n", len);
		exit(2);
	}
	return p;
}

static bool earlier(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void swap(struct sim_event *a, struct sim_event *b)
{
	const struct sim_event t = *a;

	*a = *b;
	*b = t;
}

void sim_heap_push(struct sim_heap *h, struct sim_event e)
{
	if (h->count == h->cap) {
		h->cap = h->cap ? 2 * h->cap : 64;
		h->event = realloc(h->event, h->cap * sizeof *h->event);
		if (!h->event) {
			fprintf(stderr, "sim: out of memory (%zu events)\n", h->cap);
			exit(2);
		}
	}
	e.order = h->order++;
	size_t i = h->count++;
	h->event[i] = e;
	while (i > 0 && earlier(&h->event[i], &h->event[(i - 1) / 2])) {
		swap(&h->event[i], &h->event[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

uint64_t sim_heap_next(const struct sim_heap *h)
{
	return h->count ? h->event[0].at_us : UINT64_MAX;
}

bool sim_heap_pop(struct sim_heap *h, struct sim_event *out)
{
	if (h->count == 0)
		return false;
	*out = h->event[0];
	h->event[0] = h->event[--h->count];
	for (size_t i = 0;;) {
		size_t least = i;
		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < h->count; child++)
			if (earlier(&h->event[child], &h->event[least]))
				least = child;
		if (least == i)
			return true;
		swap(&h->event[i], &h->event[least]);
		i = least;
	}
}

void sim_heap_free(struct sim_heap *h)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->event[i].drop)
			h->event[i].drop(h->event[i].arg);
	free(h->event);
	*h = (struct sim_heap){0};
}
