/* SPDX-License-Identifier: Apache-2.0 */
/* What is UTF-8, and what of it is shown. */
#include <string.h>

#include "http/utf8.h"

static void test_utf8(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		uint32_t code;
	} cases[] = {
		{"a", 1, 'a'},
		{"\x7f", 1, 0x7f},
		{"\xc2\x80", 2, 0x80},
		{"\xdf\xbf", 2, 0x7ff},
		{"\xe0\xa0\x80", 3, 0x800},
		{"\xed\x9f\xbf", 3, 0xd7ff},
		{"\xee\x80\x80", 3, 0xe000},
		{"\xef\xbf\xbf", 3, 0xffff},
		{"\xf0\x90\x80\x80", 4, 0x10000},
		{"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
		{"", 0, 0},
		{"\x80", 0, 0},
		{"\xbf", 0, 0},
		{"\xc0\x80", 0, 0},
		{"\xc1\xbf", 0, 0},
		{"\xe0\x9f\xbf", 0, 0},
		{"\xed\xa0\x80", 0, 0},
		{"\xed\xbf\xbf", 0, 0},
		{"\xf0\x8f\xbf\xbf", 0, 0},
		{"\xf4\x90\x80\x80", 0, 0},
		{"\xf5\x80\x80\x80", 0, 0},
		{"\xff", 0, 0},
		{"\xc2", 0, 0},
		{"\xc2"
		 "a",
		 0, 0},
		{"\xe2\x82", 0, 0},
		{"\xe2\x82"
		 "a",
		 0, 0},
		{"\xf0\x9f\x98", 0, 0},
	};
	uint32_t code;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		code = 0;
		const size_t len = http_utf8_next(cases[i].text, strlen(cases[i].text), &code);
		if (len != cases[i].len || (len > 0 && code != cases[i].code))
			fail_msg("case %zu: length %zu, U+%04X", i, len, code);
	}
}

static void expect(void (*write)(struct http_buf *b, const char *name), const char *name,
		   const char *wanted)
{
	struct http_buf b = {0};

	write(&b, name);
	http_buf_append(&b, "", 1);
	assert_string_equal(b.data, wanted);
	http_buf_free(&b);
}

static void test_text(void **state)
{
	(void)state;
	expect(http_utf8_html, "", "");
	expect(http_utf8_html, "a<b>&\"c'", "a&lt;b&gt;&amp;&quot;c&#39;");
	expect(http_utf8_html, "\x01\x1f\x7f", "\xe2\x90\x81\xe2\x90\x9f\xe2\x90\xa1");
	expect(http_utf8_html, "x\xc2\x9fy", "x\xef\xbf\xbdy");
	expect(http_utf8_html, "\xc2\xa0", "\xc2\xa0");
	expect(http_utf8_html, "\xef\xbf\xbe\xef\xb7\x90", "\xef\xbf\xbd\xef\xbf\xbd");
	expect(http_utf8_html, "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd");
	expect(http_utf8_json, "", "\"\"");
	expect(http_utf8_json, "a\"\\/\x01\x7f", "\"a\\\"\\\\/\\u0001\x7f\"");
	expect(http_utf8_json, "\xff\xc3\xa9", "\"\xef\xbf\xbd\xc3\xa9\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
