/* SPDX-License-Identifier: Apache-2.0 */
/* log_line.c — see log_line.h. */
#include "server/log_line.h"

#include <string.h>

#include "server/escape.h"

/* How far the line may go now. One byte stays for the newline. */
static size_t end_of(const struct log_line *l)
{
	const size_t kept = l->reserve + 1;

	return kept < LOG_LINE_MAX ? LOG_LINE_MAX - kept : 0;
}

void log_put(struct log_line *l, const char *text, size_t len)
{
	const size_t room = LOG_LINE_MAX - 1 - l->len;

	if (len > room)
		len = room;
	memcpy(l->text + l->len, text, len);
	l->len += len;
}

void log_put_text(struct log_line *l, const char *text)
{
	log_put(l, text, strlen(text));
}

void log_put_padded(struct log_line *l, uint64_t n, unsigned digits)
{
	char text[20];
	size_t at = sizeof text;

	do {
		text[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	while (sizeof text - at < digits && at > 0)
		text[--at] = '0';
	log_put(l, text + at, sizeof text - at);
}

void log_put_number(struct log_line *l, uint64_t n)
{
	log_put_padded(l, n, 1);
}

static void put_escaped(struct log_line *l, const char *text, size_t limit, unsigned how)
{
	if (l->len < end_of(l))
		l->len = escape_append(l->text, l->len, end_of(l), text, limit,
				       how | (l->json ? ESCAPE_JSON : 0));
}

void log_put_escaped(struct log_line *l, const char *text, size_t limit)
{
	put_escaped(l, text, limit, 0);
}

void log_put_word(struct log_line *l, const char *text, size_t limit)
{
	put_escaped(l, text, limit, ESCAPE_BLANKS);
}
