/* SPDX-License-Identifier: Apache-2.0 */
/* escape.h — a client's bytes made harmless for a log line and a terminal. */
#ifndef SERVER_ESCAPE_H
#define SERVER_ESCAPE_H

#include <stddef.h>

/* How, beside what is always done. */
#define ESCAPE_JSON 1u   /* each backslash is doubled, as a JSON string wants it  */
#define ESCAPE_BLANKS 2u /* blanks, too: for a field that ends at the first one   */

/* Appends `text` at out[len], at most `limit` bytes of result, never beyond `size`. Printable ASCII stays;
 * any other byte, the quotation mark and the backslash become \xHH, so a field never leaves its quotation
 * marks and the original can be had back. Text that does not fit is cut between two characters and
 * followed by "...". `how` is made of ESCAPE_…. NULL is "-".
 * Returns the new length. */
size_t escape_append(char *out, size_t len, size_t size, const char *text, size_t limit,
		     unsigned how);

#endif
