/* SPDX-License-Identifier: Apache-2.0 */
/* escape.h — a client's bytes made harmless for a log line and a terminal. */
#ifndef SERVER_ESCAPE_H
#define SERVER_ESCAPE_H

#include <stddef.h>

/* Appends `text` at out[len], at most `limit` bytes of result, never beyond `size`. Printable ASCII stays;
 * any other byte, the quotation mark and the backslash become \xHH, so a field never leaves its quotation
 * marks and the original can be had back. Text that does not fit is cut between two characters and
 * followed by "...". With `json` each backslash is doubled, as a JSON string wants it. NULL is "-".
 * Returns the new length. */
size_t escape_append(char *out, size_t len, size_t size, const char *text, size_t limit, int json);

#endif
