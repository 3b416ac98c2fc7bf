/* SPDX-License-Identifier: Apache-2.0 */
/* Media types from files, beside those that are built in; what is compressed of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/mime.h"

static struct http_mime_table *table_of(const char *text, bool overrides, long expected)
{
	struct http_mime_table *t = http_mime_table_create(overrides);
	const long wrong = http_mime_table_read(t, text, strlen(text));

	if (wrong != expected)
		fail_msg("line %ld, expected %ld, of: %s", wrong, expected, text);
	return t;
}

static void expect(const char *text, const char *extension, const char *type)
{
	struct http_mime_table *t = table_of(text, false, 0);
	const char *got = http_mime_table_find(t, extension);

	if ((got == NULL) != (type == NULL) || (got && strcmp(got, type) != 0))
		fail_msg("%s in \"%s\": %s, expected %s", extension, text, got ? got : "(none)",
			 type ? type : "(none)");
	http_mime_table_free(t);
}

static void test_mime_types(void **state)
{
	(void)state;
	expect("application/x-new new newer\n", "newer", "application/x-new");
	expect("application/x-new\t\tnew\tnewer", "new", "application/x-new");
	expect("# application/x-new new\n\n  \n", "new", NULL);
	expect("application/x-without-any\n", "any", NULL);
	expect("application/x-new NEW\r\n", "new", "application/x-new");
	expect("text/x-new new\n", "new", "text/x-new; charset=utf-8");
	expect("application/x+xml new\n", "new", "application/x+xml; charset=utf-8");
	expect("text/x-new;charset=iso-8859-1 new\n", "new", "text/x-new;charset=iso-8859-1");
	/* the first counts */
	expect("a/one x\na/two x y\n", "x", "a/one");
	expect("a/one x\na/two x y\n", "y", "a/two");
	/* what no name ends with */
	expect("a/one tar.gz x\n", "gz", NULL);
	expect("a/one tar.gz x\n", "x", "a/one");
	expect("a/one seventeen-letters x\n", "x", "a/one");
	expect("", "x", NULL);
}

static void test_globs2(void **state)
{
	(void)state;
	expect("50:application/x-new:*.new\n", "new", "application/x-new");
	expect("80:a/one:*.x\n50:a/two:*.x\n", "x", "a/one");
	expect("50:text/x-new:*.new\n", "new", "text/x-new; charset=utf-8");
	expect("50:text/x-c++src:*.C:cs\n50:text/x-csrc:*.c\n", "c", "text/x-csrc; charset=utf-8");
	expect("50:a/one:README*\n50:a/two:*.x\n50:a/three:__NOGLOBS__\n", "x", "a/two");
	expect("50:a/one:*.tar.x\n50:a/two:*.[0-9][0-9]\n", "x", NULL);
}

static void test_lines_that_are_not_understood(void **state)
{
	static const char *const wrong[] = {
		"nonsense\n",  "/x y\n",      "a/ y\n",          "a/b/c y\n",       "a/b x/y\n",
		"a b c\n",     "a/b;x y\n",   "a/b;x= y\n",      "a/b;=x y\n",      "a/\"b y\n",
		"a/b \"y\"\n", "a/b\x01 y\n", "50:nonsense:*.x", "50:a/b\n",        "x50:a/b:*.x\n",
		":a/b:*.x\n",  "50:a/b:\n",   "a/\xc3\xa9 y\n",  "a/b;c=\"d\" y\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char text[256];

		snprintf(text, sizeof(text), "# first\na/b good\n%s\n60:a/c:*.also\n", wrong[i]);
		struct http_mime_table *t = table_of(text, false, 3);
		/* the others count */
		assert_string_equal(http_mime_table_find(t, "good"), "a/b");
		assert_string_equal(http_mime_table_find(t, "also"), "a/c");
		http_mime_table_free(t);
	}
}

static void test_too_many(void **state)
{
	const size_t count = HTTP_MIME_TABLE_MAX + 1;
	char *text = malloc(count * 16), *at = text;
	struct http_mime_table *t = http_mime_table_create(false);

	(void)state;
	for (size_t i = 0; i < count; i++)
		at += sprintf(at, "a/b x%zu\n", i);
	assert_true(http_mime_table_read(t, text, (size_t)(at - text)) < 0);
	http_mime_table_free(t);
	free(text);
}

/* The system's file cannot break a site; one that somebody has named may do as it likes. */
static void test_which_goes_first(void **state)
{
	static const char text[] = "text/plain html js css wasm\napplication/x-new new\n";
	struct http_mime_table *behind = table_of(text, false, 0);
	struct http_mime_table *before = table_of(text, true, 0);

	(void)state;
	assert_string_equal(http_mime_type(behind, "/a/b.html"), "text/html; charset=utf-8");
	assert_string_equal(http_mime_type(behind, "/a/b.wasm"), "application/wasm");
	assert_string_equal(http_mime_type(behind, "/a/b.new"), "application/x-new");
	assert_string_equal(http_mime_type(before, "/a/b.html"), "text/plain; charset=utf-8");
	assert_string_equal(http_mime_type(before, "/a/b.NEW"), "application/x-new");
	assert_string_equal(http_mime_type(before, "/a/b.png"), "image/png");
	assert_string_equal(http_mime_type(NULL, "/a/b.new"), HTTP_MIME_DEFAULT);
	assert_string_equal(http_mime_type(behind, "/a.new/b"), HTTP_MIME_DEFAULT);
	assert_string_equal(http_mime_type(behind, "/a/.new"), HTTP_MIME_DEFAULT);
	http_mime_table_free(behind);
	http_mime_table_free(before);
}

static void test_what_is_compressed(void **state)
{
	static const char *const yes[] = {"a.html", "a.css",        "a.mjs", "a.json", "a.svg",
					  "a.wasm", "a.ttf",        "a.xml", "a.gltf", "a.txt",
					  "a.map",  "a.ico",        "a.bmp", "a.csv",  "a.mpd",
					  "a.rss",  "a.webmanifest"};
	static const char *const packed[] = {"a.png", "a.jpg",   "a.webp", "a.avif", "a.mp4",
					     "a.mp3", "a.woff2", "a.woff", "a.zip",  "a.gz",
					     "a.br",  "a.zst",   "a.7z",   "a.svgz", "a.epub"};
	static const char *const neither[] = {"a.bin", "a", "a.pdf", "a.tar", "a.sqlite"};

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		const char *type = http_mime_type(NULL, yes[i]);
		if (!http_mime_compressible(type) || http_mime_packed(yes[i], type))
			fail_msg("%s", yes[i]);
	}
	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++)
		if (!http_mime_packed(packed[i], http_mime_type(NULL, packed[i])))
			fail_msg("%s", packed[i]);
	for (size_t i = 0; i < sizeof(neither) / sizeof(neither[0]); i++) {
		const char *type = http_mime_type(NULL, neither[i]);
		if (http_mime_compressible(type) || http_mime_packed(neither[i], type))
			fail_msg("%s", neither[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mime_types),
		cmocka_unit_test(test_globs2),
		cmocka_unit_test(test_lines_that_are_not_understood),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_which_goes_first),
		cmocka_unit_test(test_what_is_compressed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
