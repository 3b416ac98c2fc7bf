/* SPDX-License-Identifier: Apache-2.0 */
/* ring.c — see ring.h. */
#include "stack/ring.h"

#include <assert.h>
#include <string.h>

#include "stack/stack_internal.h"

bool ring_grow(struct stack *s, struct ring *r, uint32_t need, uint32_t extent, uint32_t max)
{
	uint32_t cap = r->cap ? r->cap : BUFFER_MIN;

	if (need <= r->cap)
		return true;
	if (need > max)
		return false;
	while (cap < need)
		cap *= 2;
	uint8_t *data = buffer_get(s, cap);
	if (!data)
		return false;
	if (r->data) {
		struct slice old[2];
		const size_t n = ring_slices(r, 0, extent, old);
		size_t at = 0;
		for (size_t i = 0; i < n; i++) {
			memcpy(data + at, old[i].data, old[i].len);
			at += old[i].len;
		}
		buffer_put(s, r->data, r->cap);
	}
	r->data = data;
	r->cap = cap;
	r->head = 0;
	return true;
}

void ring_shrink(struct stack *s, struct ring *r)
{
	struct ring small = {.cap = BUFFER_MIN, .len = r->len};
	struct slice in[2];

	if (r->len == 0) {
		ring_release(s, r);
		return;
	}
	while (small.cap < r->len)
		small.cap *= 2;
	if (small.cap >= r->cap)
		return;
	small.data = buffer_get_smaller(s, small.cap);
	if (!small.data)
		return;
	const size_t n = ring_slices(r, 0, r->len, in);
	for (size_t i = 0, at = 0; i < n; at += in[i++].len)
		memcpy(small.data + at, in[i].data, in[i].len);
	ring_release(s, r);
	*r = small;
}

void ring_release(struct stack *s, struct ring *r)
{
	if (r->data)
		buffer_put(s, r->data, r->cap);
	*r = (struct ring){0};
}

size_t ring_slices_mut(struct ring *r, uint32_t offset, uint32_t len, struct slice_mut out[2])
{
	if (len == 0)
		return 0;
	assert(offset <= r->cap && len <= r->cap - offset);
	const uint32_t at = (r->head + offset) & (r->cap - 1);
	const uint32_t first = len < r->cap - at ? len : r->cap - at;
	out[0] = (struct slice_mut){r->data + at, first};
	if (first == len)
		return 1;
	out[1] = (struct slice_mut){r->data, len - first};
	return 2;
}

size_t ring_slices(const struct ring *r, uint32_t offset, uint32_t len, struct slice out[2])
{
	struct slice_mut m[2];
	struct ring view = *r;
	const size_t n = ring_slices_mut(&view, offset, len, m);

	for (size_t i = 0; i < n; i++)
		out[i] = (struct slice){m[i].data, m[i].len};
	return n;
}

void ring_write(struct ring *r, uint32_t offset, const uint8_t *data, uint32_t len)
{
	struct slice_mut m[2];
	const size_t n = ring_slices_mut(r, offset, len, m);

	for (size_t i = 0; i < n; i++) {
		memcpy(m[i].data, data, m[i].len);
		data += m[i].len;
	}
}

void ring_consume(struct ring *r, uint32_t len)
{
	assert(len <= r->len);
	if (r->cap)
		r->head = (r->head + len) & (r->cap - 1);
	r->len -= len;
}
