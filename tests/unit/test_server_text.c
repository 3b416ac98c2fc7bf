/* SPDX-License-Identifier: Apache-2.0 */
/* What the program writes: suggestions, escaping. */
#include <stdlib.h>
#include <string.h>

#include "server/escape.h"
#include "server/suggest.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ------------------------------------------------------------------ suggestions */

static void test_distance_counts_insertions_deletions_and_replacements(void **state)
{
	(void)state;
	assert_int_equal(suggest_distance("", ""), 0);
	assert_int_equal(suggest_distance("", "abc"), 3);
	assert_int_equal(suggest_distance("abc", ""), 3);
	assert_int_equal(suggest_distance("https", "https"), 0);
	assert_int_equal(suggest_distance("htps", "https"), 1);
	assert_int_equal(suggest_distance("httpss", "https"), 1);
	assert_int_equal(suggest_distance("hpttps", "https"), 1);
	assert_int_equal(suggest_distance("kitten", "sitting"), 3);
	assert_int_equal(suggest_distance("serev", "serve"), 2);
}

static void test_distance_of_a_very_long_word_is_infinite(void **state)
{
	char word[SUGGEST_WORD_MAX + 2];

	(void)state;
	memset(word, 'a', sizeof word);
	word[SUGGEST_WORD_MAX] = '\0';
	assert_int_equal(suggest_distance(word, "a"), SUGGEST_WORD_MAX - 1);
	word[SUGGEST_WORD_MAX] = 'a';
	word[SUGGEST_WORD_MAX + 1] = '\0';
	assert_true(suggest_distance(word, "a") == SIZE_MAX);
	assert_true(suggest_distance("a", word) == SIZE_MAX);
}

static void test_the_nearest_word_is_suggested_and_a_far_one_not(void **state)
{
	struct suggestion s = {.word = "htps"};

	(void)state;
	suggest_consider(&s, "help");
	suggest_consider(&s, "https");
	suggest_consider(&s, "http");
	assert_string_equal(s.best, "https");
	s = (struct suggestion){.word = "quux"};
	suggest_consider(&s, "https");
	suggest_consider(&s, "serve");
	assert_null(s.best);
}

/* ------------------------------------------------------------------ escaping */

static void test_escaping(void **state)
{
	static const struct {
		const char *text;
		size_t limit;
		unsigned how;
		const char *expected;
	} cases[] = {
		{NULL, 100, 0, "-"},
		{"", 100, 0, ""},
		{"/a?b=c~ d", 100, 0, "/a?b=c~ d"},
		{"a\"b\\c", 100, 0, "a\\x22b\\x5cc"},
		{"\r\n\t\x1b[31m\x7f", 100, 0, "\\x0d\\x0a\\x09\\x1b[31m\\x7f"},
		{"\xc3\xa4\xff", 100, 0, "\\xc3\\xa4\\xff"},
		{"a\"b\n", 100, ESCAPE_JSON, "a\\\\x22b\\\\x0a"},
		{"a b", 100, ESCAPE_BLANKS, "a\\x20b"},
		{" ", 100, ESCAPE_BLANKS | ESCAPE_JSON, "\\\\x20"},
		/* cut between characters, never within an escape */
		{"abcdefgh", 8, 0, "abcdefgh"},
		{"abcdefghi", 8, 0, "abcde..."},
		{"abcd\nxyz", 8, 0, "abcd..."},
		{"ab\n\n\n", 8, 0, "ab..."},
		{"\n\n\n", 7, 0, "\\x0a..."},
		{"abcdef", 3, 0, "..."},
		{"abcdef", 2, 0, ""},
		{"ab", 2, 0, "ab"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char out[128] = "<";
		const size_t len = escape_append(out, 1, sizeof out - 1, cases[i].text,
						 cases[i].limit, cases[i].how);
		out[len] = '\0';
		assert_string_equal(out + 1, cases[i].expected);
	}
}

static void test_escaping_never_leaves_its_buffer(void **state)
{
	char text[64];

	(void)state;
	for (size_t n = 0; n < sizeof text; n++) {
		for (size_t size = 0; size < 40; size++) {
			char *out = malloc(size + 1); /* so that a sanitizer sees one byte more */
			memset(text, n % 2 ? '\n' : 'a', n);
			text[n] = '\0';
			assert_true(escape_append(out, 0, size, text, 1000, n % 3 == 0) <= size);
			free(out);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance_counts_insertions_deletions_and_replacements),
		cmocka_unit_test(test_distance_of_a_very_long_word_is_infinite),
		cmocka_unit_test(test_the_nearest_word_is_suggested_and_a_far_one_not),
		cmocka_unit_test(test_escaping),
		cmocka_unit_test(test_escaping_never_leaves_its_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
