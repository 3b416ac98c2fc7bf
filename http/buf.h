/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.h — a byte string that grows: the head of a response and its short bodies are written into
 * one.
 *
 * A failed allocation is remembered, and every later append does nothing, so that the writer checks
 * `failed` once at the end instead of after each line.
 */
#ifndef HTTP_BUF_H
#define HTTP_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct http_buf {
	char *data;
	size_t len, cap;
	bool failed; /* memory was short: the content is not whole */
};

void http_buf_free(struct http_buf *b);
void http_buf_append(struct http_buf *b, const void *data, size_t len);
/* Inline: the length of a literal is known then. */
static inline void http_buf_text(struct http_buf *b, const char *text)
{
	http_buf_append(b, text, strlen(text));
}
/* In decimal. */
void http_buf_number(struct http_buf *b, uint64_t value);
/* Appends text for use as HTML, in an element or in a double-quoted attribute. */
void http_buf_html(struct http_buf *b, const char *text, size_t len);

#endif
