/* SPDX-License-Identifier: Apache-2.0 */
/* timer_wheel.c — see timer_wheel.h. */
#include "stack/timer_wheel.h"

#define TICK_US ((uint64_t)1 << TIMER_TICK_SHIFT)
#define SLOT_MASK ((uint64_t)TIMER_SLOTS - 1)

static uint64_t tick_of(uint64_t deadline_us)
{
	const uint64_t last = UINT64_MAX >> TIMER_TICK_SHIFT;
	const uint64_t tick = deadline_us >> TIMER_TICK_SHIFT;

	return tick < last && (deadline_us & (TICK_US - 1)) ? tick + 1 : tick;
}

static unsigned slot_of(uint64_t tick, unsigned level)
{
	return (unsigned)(tick >> (level * TIMER_SLOT_BITS) & SLOT_MASK);
}

void timer_wheel_init(struct timer_wheel *w, uint64_t now_us)
{
	w->tick = now_us >> TIMER_TICK_SHIFT;
	for (unsigned level = 0; level < TIMER_LEVELS; level++) {
		w->occupied[level] = 0;
		for (unsigned i = 0; i < TIMER_SLOTS; i++)
			list_init(&w->slot[level][i]);
	}
	list_init(&w->due);
}

void timer_init(struct timer *t, uint8_t kind)
{
	list_init(&t->link);
	t->deadline_us = UINT64_MAX;
	t->tick = 0;
	t->level = 0;
	t->kind = kind;
}

bool timer_armed(const struct timer *t)
{
	return t->deadline_us != UINT64_MAX;
}

static void insert(struct timer_wheel *w, struct timer *t)
{
	const uint64_t tick = tick_of(t->deadline_us);

	if (tick <= w->tick) {
		t->tick = tick;
		t->level = TIMER_LEVELS;
		list_append(&w->due, &t->link);
		return;
	}
	const unsigned level = (63u - (unsigned)__builtin_clzll(tick ^ w->tick)) / TIMER_SLOT_BITS;
	t->tick = tick;
	t->level = (uint8_t)level;
	w->occupied[level] |= (uint64_t)1 << slot_of(tick, level);
	list_append(&w->slot[level][slot_of(tick, level)], &t->link);
}

static void unlink_timer(struct timer_wheel *w, struct timer *t)
{
	list_remove(&t->link);
	if (t->level < TIMER_LEVELS) {
		const unsigned slot = slot_of(t->tick, t->level);
		if (list_empty(&w->slot[t->level][slot]))
			w->occupied[t->level] &= ~((uint64_t)1 << slot);
	}
}

void timer_set(struct timer_wheel *w, struct timer *t, uint64_t deadline_us)
{
	if (deadline_us == UINT64_MAX) {
		timer_stop(w, t);
		return;
	}
	const bool linked = list_linked(&t->link);
	t->deadline_us = deadline_us;
	if (linked && tick_of(deadline_us) >= t->tick && t->level < TIMER_LEVELS)
		return;
	if (linked)
		unlink_timer(w, t);
	insert(w, t);
}

void timer_stop(struct timer_wheel *w, struct timer *t)
{
	if (list_linked(&t->link))
		unlink_timer(w, t);
	t->deadline_us = UINT64_MAX;
}

/* The tick at which the wheel next has something to do, UINT64_MAX for none. The lowest level that is
 * occupied holds the earliest: its slots all come before the next slot of the level above. */
static uint64_t next_tick(const struct timer_wheel *w, unsigned *level_out)
{
	for (unsigned level = 0; level < TIMER_LEVELS; level++) {
		if (!w->occupied[level])
			continue;
		const unsigned slot = (unsigned)__builtin_ctzll(w->occupied[level]);
		const unsigned shift = level * TIMER_SLOT_BITS;
		const uint64_t base = w->tick >> shift & ~SLOT_MASK;
		*level_out = level;
		return (base | slot) << shift;
	}
	return UINT64_MAX;
}

/* Moves the wheel to the next tick that has something, at most to `target`. Timers found there go to
 * `due` or to lower levels. Returns false when it has arrived at `target`. */
static bool turn(struct timer_wheel *w, uint64_t target)
{
	unsigned level = 0;
	const uint64_t tick = next_tick(w, &level);

	if (tick > target) {
		/* Crossing into another group of a level would misplace nothing: every occupied slot
		 * lies ahead of `target`, and slots are found by their absolute tick. */
		if (target > w->tick)
			w->tick = target;
		return false;
	}
	w->tick = tick;
	const unsigned slot = slot_of(tick, level);
	struct list moved;
	list_init(&moved);
	while (!list_empty(&w->slot[level][slot])) {
		struct list *node = w->slot[level][slot].next;
		list_remove(node);
		list_append(&moved, node);
	}
	w->occupied[level] &= ~((uint64_t)1 << slot);
	while (!list_empty(&moved)) {
		struct timer *t = list_entry(moved.next, struct timer, link);
		list_remove(&t->link);
		insert(w, t);
	}
	return true;
}

struct timer *timer_wheel_pop(struct timer_wheel *w, uint64_t now_us)
{
	const uint64_t target = now_us >> TIMER_TICK_SHIFT;

	while (list_empty(&w->due) && turn(w, target))
		;
	if (list_empty(&w->due))
		return NULL;
	struct timer *t = list_entry(w->due.next, struct timer, link);
	timer_stop(w, t);
	return t;
}

uint64_t timer_wheel_next(const struct timer_wheel *w)
{
	unsigned level;

	if (!list_empty(&w->due))
		return w->tick << TIMER_TICK_SHIFT;
	const uint64_t tick = next_tick(w, &level);
	return tick == UINT64_MAX ? UINT64_MAX : tick << TIMER_TICK_SHIFT;
}
