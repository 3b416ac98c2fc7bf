/* SPDX-License-Identifier: Apache-2.0 */
/* mime_types.h — finding and reading the file of media types that --mime-types names. */
#ifndef SERVER_MIME_TYPES_H
#define SERVER_MIME_TYPES_H

#include <stdbool.h>

#include "http/mime_table.h"

/* "auto": the first of the system's own that is there, and none when there is none; "builtin": none; else a
 * file. *out may become NULL, which means none. False when a file that was named cannot be taken; then that has been
 * logged. */
bool mime_types_read(const char *option, struct http_mime_table **out);

#endif
