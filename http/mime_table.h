/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mime_table.h — media types from a file, beside those that are built in.
 *
 * Two formats are read, and may be mixed: mime.types, "type/subtype ext ext …", and shared-mime-info's globs2,
 * "weight:type/subtype:*.ext[:flags]". Globs that are more than an extension, and those that ask for the case of
 * letters, are passed over: extensions are compared without case. Of several lines for one extension the
 * first counts; globs2 has the weightiest first.
 */
#ifndef HTTP_MIME_TABLE_H
#define HTTP_MIME_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/* The longest extension, with its NUL. */
#define HTTP_EXTENSION_SIZE 16
#define HTTP_MIME_TABLE_MAX 65536 /* extensions */

struct http_mime_table;

/* `overrides`: the table's types go before those that are built in, else behind. NULL when memory is short. */
struct http_mime_table *http_mime_table_create(bool overrides);
void http_mime_table_free(struct http_mime_table *t);

/* Reads the text of a file into an empty table. Text gets "; charset=utf-8" unless it has parameters. Returns the
 * number of the first line that is not understood, 0 when there is none; such lines are passed over. Negative:
 * memory is short, or there are too many extensions. */
long http_mime_table_read(struct http_mime_table *t, const char *text, size_t len);

/* The type for an extension in lower case; NULL: not here. */
const char *http_mime_table_find(const struct http_mime_table *t, const char *extension);
bool http_mime_table_overrides(const struct http_mime_table *t);
size_t http_mime_table_count(const struct http_mime_table *t);

#endif
