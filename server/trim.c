/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trim.c — see trim.h. Buffers of a burst of connections lie between what outlives them, so malloc keeps their pages:
 * free() gives back only what is at the end of the heap. How much that is, is looked at every few seconds while
 * there is work, and once after it; an idle worker sleeps.
 */
#include "server/trim.h"

#include <malloc.h>

#define LOOK_US 4000000u
/* Less is needed again soon. */
#define KEEP_BYTES ((size_t)4 << 20)

void trim_init(struct trim *t)
{
	t->due_us = UINT64_MAX;
}

void trim_note(struct trim *t, uint64_t now_us)
{
	if (t->due_us == UINT64_MAX)
		t->due_us = now_us + LOOK_US;
}

bool trim_run(struct trim *t, uint64_t now_us)
{
	if (now_us < t->due_us)
		return false;
	t->due_us = UINT64_MAX;
	return mallinfo2().fordblks > KEEP_BYTES && malloc_trim(0) != 0;
}
