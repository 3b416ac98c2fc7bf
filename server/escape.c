/* SPDX-License-Identifier: Apache-2.0 */
/* escape.c — see escape.h. */
#include "server/escape.h"

#include <stdbool.h>
#include <string.h>

static const char cut[] = "...";
#define CUT_LEN (sizeof cut - 1)

/* One byte of a text as one to five characters; returns how many. */
static size_t escape_byte(unsigned char byte, unsigned how, char out[5])
{
	static const char hex[] = "0123456789abcdef";
	const bool plain = byte == ' ' ? !(how & ESCAPE_BLANKS)
				       : byte > 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
	size_t n = 0;

	if (plain) {
		out[n++] = (char)byte;
		return n;
	}
	out[n++] = '\\';
	if (how & ESCAPE_JSON)
		out[n++] = '\\';
	out[n++] = 'x';
	out[n++] = hex[byte >> 4];
	out[n++] = hex[byte & 15];
	return n;
}

size_t escape_append(char *out, size_t len, size_t size, const char *text, size_t limit,
		     unsigned how)
{
	if (!text)
		text = "-";
	if (limit > size - len)
		limit = size - len;
	size_t used = 0;
	size_t safe = 0; /* how far the text goes when the mark of the cut must follow */
	for (; *text; text++) {
		char piece[5];
		const size_t n = escape_byte((unsigned char)*text, how, piece);
		if (used + n > limit) {
			if (safe + CUT_LEN > limit)
				return len;
			memcpy(out + len + safe, cut, CUT_LEN);
			return len + safe + CUT_LEN;
		}
		memcpy(out + len + used, piece, n);
		used += n;
		if (used + CUT_LEN <= limit)
			safe = used;
	}
	return len + used;
}
