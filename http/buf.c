/* SPDX-License-Identifier: Apache-2.0 */
/* The growing byte string of buf.h. */
#include "http/buf.h"

#include <stdlib.h>
#include <string.h>

/* A response's head is some 250 bytes, an error page as much again: one allocation is the rule. */
#define FIRST_CAPACITY 512

void http_buf_free(struct http_buf *b)
{
	free(b->data);
	*b = (struct http_buf){0};
}

static bool buf_room(struct http_buf *b, size_t len)
{
	if (b->failed)
		return false;
	if (len <= b->cap - b->len)
		return true;
	if (len > SIZE_MAX / 4 || b->len > SIZE_MAX / 4) {
		b->failed = true;
		return false;
	}

	size_t cap = b->cap ? b->cap : FIRST_CAPACITY;
	while (cap < b->len + len)
		cap *= 2;
	char *grown = realloc(b->data, cap);
	if (!grown) {
		b->failed = true;
		return false;
	}
	b->data = grown;
	b->cap = cap;
	return true;
}

void http_buf_append(struct http_buf *b, const void *data, size_t len)
{
	if (len == 0 || !buf_room(b, len))
		return;
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

void http_buf_number(struct http_buf *b, uint64_t value)
{
	char digits[20]; /* 2^64 has 20 */
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	http_buf_append(b, digits + at, sizeof(digits) - at);
}

static const char *html_escape(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void http_buf_html(struct http_buf *b, const char *text, size_t len)
{
	size_t plain = 0; /* where what needs no escape begins */

	for (size_t i = 0; i < len; i++) {
		const char *escape = html_escape(text[i]);

		if (!escape)
			continue;
		http_buf_append(b, text + plain, i - plain);
		http_buf_text(b, escape);
		plain = i + 1;
	}
	http_buf_append(b, text + plain, len - plain);
}
