/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of names as text: see utf8.h. */
#include "http/utf8.h"

#include <stdbool.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

size_t http_utf8_next(const char *text, size_t len, uint32_t *code)
{
	/* The smallest code point that a sequence of this length may say. */
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)text;
	size_t n;

	if (len == 0)
		return 0;
	if (p[0] < 0x80) {
		*code = p[0];
		return 1;
	}
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n > len)
		return 0;
	*code = p[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (p[i] & 0x3fU);
	}
	if (*code < least[n] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return n;
}

/* C1 controls and noncharacters: an HTML document may not hold them. */
static bool unprintable(uint32_t code)
{
	return (code >= 0x80 && code < 0xa0) || (code >= 0xfdd0 && code <= 0xfdef) ||
	       (code & 0xfffe) == 0xfffe;
}

/* How many characters of ASCII that are no controls stand first. */
static size_t plain_length(const char *name)
{
	size_t n = 0;

	while (name[n] >= 0x20 && name[n] < 0x7f)
		n++;
	return n;
}

void http_utf8_html(struct http_buf *b, const char *name)
{
	for (size_t len = strlen(name), n; len > 0; name += n, len -= n) {
		uint32_t code;

		n = plain_length(name);
		if (n > 0) {
			http_buf_html(b, name, n);
			continue;
		}
		n = http_utf8_next(name, len, &code);
		if (n == 0 || unprintable(code)) {
			http_buf_text(b, REPLACEMENT);
			n = n ? n : 1;
		} else if (code < 0x20 || code == 0x7f) {
			const uint32_t picture = code == 0x7f ? 0x21 : code;
			const char text[3] = {'\xe2', '\x90', (char)(0x80 | picture)};
			http_buf_append(b, text, sizeof(text));
		} else {
			http_buf_html(b, name, n);
		}
	}
}

void http_utf8_json(struct http_buf *b, const char *name)
{
	static const char hex[] = "0123456789abcdef";

	http_buf_text(b, "\"");
	for (size_t len = strlen(name), n; len > 0; name += n, len -= n) {
		uint32_t code;

		n = http_utf8_next(name, len, &code);
		if (n == 0) {
			http_buf_text(b, REPLACEMENT);
			n = 1;
		} else if (code < 0x20) {
			const char text[6] = {'\\', 'u', '0', '0', hex[code >> 4], hex[code & 15]};
			http_buf_append(b, text, sizeof(text));
		} else {
			if (code == '"' || code == '\\')
				http_buf_text(b, "\\");
			http_buf_append(b, name, n);
		}
	}
	http_buf_text(b, "\"");
}
