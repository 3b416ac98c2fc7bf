/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timing wheel on its own, and the stack's timers as its owner sees them: never early, late by
 * less than a tick, and stack_next_timeout never after what is due.
 */
#include <stdlib.h>

#include "stack/timer_wheel.h"
#include "tests/unit/wire.h"

#define TICK_US ((uint64_t)1 << TIMER_TICK_SHIFT)
#define DAY_US (24 * 3600 * UINT64_C(1000000))

/* Turns the wheel in the steps that it asks for; returns when the first timer fires, UINT64_MAX
 * if none does until `limit_us`. */
static uint64_t first_fire(struct timer_wheel *wheel, uint64_t now_us, uint64_t limit_us)
{
	for (unsigned steps = 0; steps < 10000; steps++) {
		const uint64_t next = timer_wheel_next(wheel);
		if (next > limit_us)
			return UINT64_MAX;
		if (next > now_us)
			now_us = next;
		if (timer_wheel_pop(wheel, now_us))
			return now_us;
	}
	fail_msg("the wheel asks to be turned again and again");
	return UINT64_MAX;
}

static void test_timer_fires_within_a_tick_of_its_deadline(void **state)
{
	static const uint64_t starts[] = {0, 1, 255, 256, 16383 * 256, 1000000007, 12345678901234};
	(void)state;

	for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
		for (uint64_t delay = 1; delay < 100 * DAY_US; delay = delay * 3 / 2 + 1) {
			struct timer_wheel wheel;
			struct timer t;
			timer_wheel_init(&wheel, starts[i]);
			timer_init(&t, 7);
			timer_set(&wheel, &t, starts[i] + delay);
			assert_true(timer_armed(&t));
			assert_null(timer_wheel_pop(&wheel, starts[i]));
			const uint64_t at = first_fire(&wheel, starts[i], UINT64_MAX - 1);
			assert_in_range(at, starts[i] + delay, starts[i] + delay + TICK_US - 1);
			assert_false(timer_armed(&t));
			assert_true(timer_wheel_next(&wheel) == UINT64_MAX);
		}
	}
}

/* The clock is the time since the machine started: it must go on after 2^36 ticks, 203 days. */
static void test_wheel_goes_beyond_its_reach(void **state)
{
	const uint64_t reach = TICK_US << (TIMER_LEVELS * TIMER_SLOT_BITS);
	(void)state;

	for (uint64_t start = reach - 1000000; start < reach + 600000; start += 199999) {
		struct timer_wheel wheel;
		struct timer t;
		timer_wheel_init(&wheel, start);
		timer_init(&t, 7);
		timer_set(&wheel, &t, start + 500000);
		const uint64_t at = first_fire(&wheel, start, start + DAY_US);
		assert_in_range(at, start + 500000, start + 500000 + TICK_US - 1);
	}
}

/* A wheel that was made at time 0 on a machine that has run for a year. */
static void test_wheel_is_started_late(void **state)
{
	(void)state;

	for (uint64_t start = 100 * DAY_US; start < 1000 * DAY_US; start += 37 * DAY_US + 12345) {
		struct timer_wheel wheel;
		struct timer t;
		timer_wheel_init(&wheel, 0);
		timer_init(&t, 7);
		timer_set(&wheel, &t, start + 500000);
		assert_null(timer_wheel_pop(&wheel, start));
		const uint64_t at = first_fire(&wheel, start, start + DAY_US);
		assert_in_range(at, start + 500000, start + 500000 + TICK_US - 1);
	}
}

static void test_stopped_timer_does_not_fire(void **state)
{
	struct timer_wheel wheel;
	struct timer t;
	(void)state;

	timer_wheel_init(&wheel, 1000);
	timer_init(&t, 7);
	timer_stop(&wheel, &t); /* not armed: nothing happens */
	timer_set(&wheel, &t, 5000);
	timer_stop(&wheel, &t);
	assert_false(timer_armed(&t));
	assert_true(timer_wheel_next(&wheel) == UINT64_MAX);
	assert_null(timer_wheel_pop(&wheel, 100000));
	timer_set(&wheel, &t, 200000);
	timer_set(&wheel, &t, UINT64_MAX); /* the same as stopping it */
	assert_null(timer_wheel_pop(&wheel, 1000000));
}

static void test_timer_may_be_moved_both_ways(void **state)
{
	struct timer_wheel wheel;
	struct timer t;
	(void)state;

	timer_wheel_init(&wheel, 0);
	timer_init(&t, 7);
	timer_set(&wheel, &t, 1000000);
	timer_set(&wheel, &t, 9000000); /* later: stays in its slot for now */
	timer_set(&wheel, &t, 5000000); /* earlier again */
	assert_in_range(first_fire(&wheel, 0, DAY_US), 5000000, 5000000 + TICK_US - 1);
	timer_set(&wheel, &t, 6000000);
	timer_set(&wheel, &t, 4000000); /* in the past: due at once */
	assert_ptr_equal(timer_wheel_pop(&wheel, 5000256), &t);
	timer_set(&wheel, &t, 4000000);
	timer_set(&wheel, &t, 8000000); /* was due, and then put off */
	assert_null(timer_wheel_pop(&wheel, 7999000));
	assert_ptr_equal(timer_wheel_pop(&wheel, 8000256), &t);
}

struct item {
	struct timer timer;
	uint64_t deadline_us; /* UINT64_MAX when off */
};

/* Against a plain array: 200,000 random calls over hours of virtual time. */
static void test_wheel_agrees_with_a_list(void **state)
{
	static struct item items[300];
	struct timer_wheel wheel;
	uint64_t now = 987654321, seed = 42;
	(void)state;

	timer_wheel_init(&wheel, now);
	for (size_t i = 0; i < 300; i++) {
		timer_init(&items[i].timer, 7);
		items[i].deadline_us = UINT64_MAX;
	}
	for (unsigned step = 0; step < 200000; step++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		struct item *it = &items[(seed >> 33) % 300];
		const uint64_t span = UINT64_C(1) << (8 + (seed >> 20) % 26);
		const unsigned what = (unsigned)(seed >> 60);
		if (what < 8) {
			it->deadline_us = now + (seed >> 10) % span;
			timer_set(&wheel, &it->timer, it->deadline_us);
		} else if (what < 10) {
			it->deadline_us = UINT64_MAX;
			timer_stop(&wheel, &it->timer);
		} else {
			now += (seed >> 10) % (span < 5000000 ? span : 5000000);
			for (struct timer *t; (t = timer_wheel_pop(&wheel, now)) != NULL;) {
				struct item *f = list_entry(t, struct item, timer);
				assert_true(f->deadline_us <= now);
				f->deadline_us = UINT64_MAX;
			}
		}
		if (step % 64 == 0) {
			uint64_t earliest = UINT64_MAX;
			for (size_t i = 0; i < 300; i++) {
				assert_true(timer_armed(&items[i].timer) ==
					    (items[i].deadline_us != UINT64_MAX));
				if (items[i].deadline_us < earliest)
					earliest = items[i].deadline_us;
			}
			const uint64_t next = timer_wheel_next(&wheel);
			/* In ticks: a deadline inside a tick belongs to the tick's end. */
			assert_true(earliest == UINT64_MAX ? next == UINT64_MAX
							   : next <= earliest + TICK_US - 1);
			assert_true(earliest == UINT64_MAX || earliest + TICK_US > now);
		}
	}
}

/* ------------------------------------------------------------------ through the stack */

static void test_idle_stack_has_no_timeout(void **state)
{
	struct wire *w = *state;

	check(w, stack_next_timeout(w->s) == UINT64_MAX);
	wire_establish(w, "win 65535 <mss 1460>");
	check(w, stack_next_timeout(w->s) == UINT64_MAX);
}

static void test_application_timer(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 1460>");
	tcp_set_timer(w->c, w->now_us + 5000000);
	expect_none(w, "4.999");
	check_equal(w, wire_events(w, STACK_EVENT_TIMER), 0);
	expect_none(w, "5.001");
	check_equal(w, wire_events(w, STACK_EVENT_TIMER), 1);
	expect_none(w, "20");
	check_equal(w, wire_events(w, STACK_EVENT_TIMER), 1);
	tcp_set_timer(w->c, w->now_us + 1000000);
	tcp_set_timer(w->c, w->now_us + 3000000);
	tcp_set_timer(w->c, UINT64_MAX);
	expect_none(w, "40");
	check_equal(w, wire_events(w, STACK_EVENT_TIMER), 1);
	tcp_set_timer(w->c, w->now_us + 1000000);
	wire_close(w); /* the handle is given back: no more events, no more timers of its */
	drain(w);
	inject(w, "40.1 F. 1:1(0) ack 2");
	drain(w);
	advance_us(w, 2000000);
	check_equal(w, wire_events(w, STACK_EVENT_TIMER), 1);
}

/* The event was due, and the deadline is moved before anybody has seen it. */
static void test_moved_application_timer_takes_its_event_back(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 1460>");
	tcp_set_timer(w->c, w->now_us + 1000);
	w->now_us += 2000;
	stack_advance(w->s, w->now_us);
	tcp_set_timer(w->c, w->now_us + 5000);
	advance_us(w, 4000);
	check_equal(w, wire_events(w, STACK_EVENT_TIMER), 0);
	advance_us(w, 2000);
	check_equal(w, wire_events(w, STACK_EVENT_TIMER), 1);
}

/* A long-lived server: everything works across 203 days of uptime, where the wheel's reach ends. */
static void test_stack_lives_for_a_thousand_days(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	for (unsigned i = 0; i < 100; i++) {
		w->rport++;
		inject(w, "+0 S 0:0(0) win 65535 <mss 1460>");
		expect(w, "* S. 0:0(0) ack 1");
		inject(w, "+0 . 1:1(0) ack 1");
		wire_accept(w);
		send_bytes(w, 100);
		expect(w, "* P. 1:101(100) ack 1");
		const uint64_t sent = w->now_us;
		expect(w, "* P. 1:101(100) ack 1");
		check(w, w->now_us - sent >= 200000 && w->now_us - sent < 210000);
		inject(w, "+0 . 1:1(0) ack 101");
		wire_close(w);
		expect(w, "* F. 101:101(0) ack 1");
		inject(w, "+0 F. 1:1(0) ack 102");
		expect(w, "* . 102:102(0) ack 2");
		advance_us(w, 10 * DAY_US);
		check_equal(w, wire_usage(w).time_wait, 0);
	}
}

/* The owner may come late: everything that was due then happens, once. */
static void test_late_owner(void **state)
{
	struct wire *w = *state;

	wire_establish(w, "win 65535 <mss 1460>");
	send_bytes(w, 100);
	expect(w, "* P. 1:101(100) ack 1");
	w->now_us += 3000000;
	advance_us(w, 0);
	check_equal(w, wire_waiting(w), 1);
	expect(w, "* P. 1:101(100) ack 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timer_fires_within_a_tick_of_its_deadline),
		cmocka_unit_test(test_wheel_goes_beyond_its_reach),
		cmocka_unit_test(test_wheel_is_started_late),
		cmocka_unit_test(test_stopped_timer_does_not_fire),
		cmocka_unit_test(test_timer_may_be_moved_both_ways),
		cmocka_unit_test(test_wheel_agrees_with_a_list),
		WIRE_TEST_ONCE(test_idle_stack_has_no_timeout),
		WIRE_TEST_ONCE(test_application_timer),
		WIRE_TEST_ONCE(test_moved_application_timer_takes_its_event_back),
		WIRE_TEST_ONCE(test_stack_lives_for_a_thousand_days),
		WIRE_TEST_ONCE(test_late_owner),
	};

	return cmocka_run_group_tests_name("stack: timers", tests, NULL, NULL);
}
