/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer_wheel.h — a hierarchical timing wheel (Varghese and Lauck, 1987): arming, moving and stopping a
 * timer are O(1) for any number of them.
 *
 * Time is cut into ticks of 256 µs; a timer fires at the first tick not before its deadline, so late by
 * less than a tick and never early. Ten levels of 64 slots reach every 64-bit time, so there is no
 * special case far away. A timer goes to the level of the highest group of six bits in which its tick differs from the current one; when the wheel gets to
 * that slot, its timers move to lower levels.
 *
 * Pushing a deadline back, which is what every ACK does to a retransmission timer, only writes the new
 * deadline: the timer stays where it is and is moved when its old slot comes up.
 */
#ifndef STACK_TIMER_WHEEL_H
#define STACK_TIMER_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/list.h"

#define TIMER_TICK_SHIFT 8 /* log2 of a tick in microseconds */
#define TIMER_LEVELS 10    /* of six bits each: all 56 bits of a tick */
#define TIMER_SLOT_BITS 6
#define TIMER_SLOTS (1 << TIMER_SLOT_BITS)

/* Lies inside the object that it belongs to. */
struct timer {
	struct list link;
	uint64_t deadline_us; /* UINT64_MAX when not armed                          */
	uint64_t tick;        /* of the slot it lies in, at or before its deadline  */
	uint8_t level;
	uint8_t kind; /* for the owner: says what to do, and in what it lies */
};

struct timer_wheel {
	uint64_t tick; /* everything up to this tick has fired */
	uint64_t occupied[TIMER_LEVELS];
	struct list slot[TIMER_LEVELS][TIMER_SLOTS];
	struct list due; /* armed for a tick that has gone by, or expired and not yet popped */
};

void timer_wheel_init(struct timer_wheel *w, uint64_t now_us);
void timer_init(struct timer *t, uint8_t kind);
void timer_set(struct timer_wheel *w, struct timer *t, uint64_t deadline_us);
void timer_stop(struct timer_wheel *w, struct timer *t);
bool timer_armed(const struct timer *t);

/* The next timer whose time has come by `now_us`, disarmed; NULL when there is none. */
struct timer *timer_wheel_pop(struct timer_wheel *w, uint64_t now_us);
/* A time not after the earliest deadline's tick, UINT64_MAX when no timer is armed. */
uint64_t timer_wheel_next(const struct timer_wheel *w);

#endif
