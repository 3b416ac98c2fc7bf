/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of path MTUs itself: bounds, memory, forgetting. How connections use it is in test_stack_pmtu.c. */
#include "stack/pmtu_cache.h"
#include "tests/unit/wire.h"

static void test_cache_is_bounded(void **state)
{
	struct wire *w = *state;
	unsigned found = 0;

	pmtu_cache_put(w->s, &(struct ip_addr){.version = 4, .bytes = {192, 0, 2, 1}}, 1400, false);
	const size_t memory = wire_usage(w).memory;
	for (unsigned i = 0; i < 100000; i++) {
		struct ip_addr a =
			ip_addr_v4(172, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i);
		pmtu_cache_put(w->s, &a, 1000 + i % 400, false);
		const struct pmtu_entry *e = pmtu_cache_find(w->s, &a);
		check(w, e != NULL && e->mtu == 1000 + i % 400);
	}
	check_equal(w, wire_usage(w).memory, memory);
	check(w, stack_check(w->s) == NULL);
	for (unsigned i = 0; i < 100000; i++) {
		struct ip_addr a =
			ip_addr_v4(172, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i);
		found += pmtu_cache_find(w->s, &a) != NULL;
	}
	check_equal(w, found, PMTU_CACHE_ENTRIES);
	advance_us(w, PMTU_CACHE_US + 1000);
	check_equal(w, wire_usage(w).memory, w->empty_memory);
}

static void test_cache_forgets_what_is_taken_back(void **state)
{
	struct wire *w = *state;
	const struct ip_addr a = ip_addr_v4(192, 0, 2, 1), b = ip_addr_v4(192, 0, 2, 2);

	pmtu_cache_forget(w->s, &a);
	check(w, pmtu_cache_find(w->s, &a) == NULL);
	pmtu_cache_put(w->s, &a, 1400, true);
	pmtu_cache_put(w->s, &a, 1300, false);
	check_equal(w, pmtu_cache_find(w->s, &a)->mtu, 1300);
	check(w, !pmtu_cache_find(w->s, &a)->silent);
	pmtu_cache_forget(w->s, &b);
	check(w, pmtu_cache_find(w->s, &a) != NULL && pmtu_cache_find(w->s, &b) == NULL);
	pmtu_cache_forget(w->s, &a);
	check(w, pmtu_cache_find(w->s, &a) == NULL);
}

/* 10.0.0.1 and a00:1:: begin with the same bytes. */
static void test_versions_are_not_mixed_up(void **state)
{
	struct wire *w = *state;
	const struct ip_addr v4 = ip_addr_v4(10, 0, 0, 1);
	const struct ip_addr v6 = {.version = 6, .bytes = {10, 0, 0, 1}};

	pmtu_cache_put(w->s, &v4, 1400, false);
	check(w, pmtu_cache_find(w->s, &v6) == NULL);
	pmtu_cache_put(w->s, &v6, 1300, false);
	check_equal(w, pmtu_cache_find(w->s, &v4)->mtu, 1400);
	check_equal(w, pmtu_cache_find(w->s, &v6)->mtu, 1300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST_ONCE(test_cache_is_bounded),
		WIRE_TEST_ONCE(test_cache_forgets_what_is_taken_back),
		WIRE_TEST_ONCE(test_versions_are_not_mixed_up),
	};

	return cmocka_run_group_tests_name("stack: cache of path MTUs", tests, NULL, NULL);
}
