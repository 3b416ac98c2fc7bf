/* SPDX-License-Identifier: Apache-2.0 */
/* When memory goes back to the system: server/trim.c. */
#include <stdlib.h>
#include <string.h>

#include "server/trim.h"

#define SECOND 1000000u
#define BLOCKS 1000

static void test_it_is_due_once_after_something_happened(void **state)
{
	struct trim t;

	(void)state;
	trim_init(&t);
	assert_int_equal(t.due_us, UINT64_MAX);
	assert_false(trim_run(&t, 100 * SECOND));
	trim_note(&t, 100 * SECOND);
	const uint64_t due = t.due_us;
	assert_in_range(due, 101 * SECOND, 110 * SECOND);
	trim_note(&t, 101 * SECOND); /* more work does not put it off */
	assert_int_equal(t.due_us, due);
	assert_false(trim_run(&t, due - 1));
	assert_int_equal(t.due_us, due);
	trim_run(&t, due);
	assert_int_equal(t.due_us, UINT64_MAX);
	assert_false(trim_run(&t, due + SECOND));
}

/* Blocks between others that stay: free() alone would keep their pages. */
static void test_pages_of_freed_blocks_go_back(void **state)
{
#if defined(__SANITIZE_ADDRESS__)
	(void)state;
	skip(); /* it has an allocator of its own */
#else
	void *gone[BLOCKS], *stays[BLOCKS];
	struct trim t;

	(void)state;
	trim_init(&t);
	for (int i = 0; i < BLOCKS; i++) {
		gone[i] = calloc(1, 17000);
		stays[i] = calloc(1, 500);
		assert_true(gone[i] && stays[i]);
	}
	for (int i = 0; i < BLOCKS; i++)
		free(gone[i]);
	trim_note(&t, 0);
	assert_true(trim_run(&t, t.due_us));
	for (int i = 0; i < BLOCKS; i++)
		free(stays[i]);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_is_due_once_after_something_happened),
		cmocka_unit_test(test_pages_of_freed_blocks_go_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
