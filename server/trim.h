/* SPDX-License-Identifier: Apache-2.0 */
/* trim.h — memory that connections have given back goes to the system, some seconds after the last packet at most. */
#ifndef SERVER_TRIM_H
#define SERVER_TRIM_H

#include <stdbool.h>
#include <stdint.h>

struct trim {
	uint64_t due_us; /* UINT64_MAX: nothing has happened since the last time */
};

void trim_init(struct trim *t);
/* Something happened that may have freed memory. */
void trim_note(struct trim *t, uint64_t now_us);
/* To be called at `due_us` or later: true when memory was given back. */
bool trim_run(struct trim *t, uint64_t now_us);

#endif
