/* SPDX-License-Identifier: Apache-2.0 */
/* Paths: RFC 3986 2.1 (escapes), 5.2.4 (dot segments); what is served and what is hidden. */
#include <stdlib.h>
#include <string.h>

#include "http/path.h"

static enum http_path_result decode(const char *raw, char out[HTTP_PATH_SIZE],
				    enum http_refusal *refusal)
{
	return http_path_decode((struct http_str){raw, strlen(raw)}, out, refusal);
}

static void test_decodes_once_and_normalises(void **state)
{
	static const char *const cases[][2] = {
		{"", "/"},
		{"/", "/"},
		{"/a", "/a"},
		{"/a/", "/a/"},
		{"/a/b.html", "/a/b.html"},
		{"//a", "/a"},
		{"/a//b", "/a/b"},
		{"/a///", "/a/"},
		{"/.", "/"},
		{"/./a", "/a"},
		{"/a/.", "/a/"},
		{"/a/./b", "/a/b"},
		{"/a/..", "/"},
		{"/a/../", "/"},
		{"/a/../b", "/b"},
		{"/a/b/../../c", "/c"},
		{"/a/b/..", "/a/"},
		{"/a//../b", "/b"},
		{"/...", "/..."},
		{"/..a", "/..a"},
		{"/a..", "/a.."},
		{"/a/..b/c", "/a/..b/c"},
		{"/%61", "/a"},
		{"/%2e", "/"},
		{"/a/%2e%2e/b", "/b"},
		{"/a/.%2E/b", "/b"},
		{"/a%20b", "/a b"},
		{"/a+b", "/a+b"},
		{"/%25", "/%"},
		{"/%252e%252e/x", "/%2e%2e/x"},
		{"/%252f", "/%2f"},
		{"/caf%C3%a9", "/caf\xc3\xa9"},
		{"/a\\..\\b", "/a\\..\\b"},
		{"/%5c..%5cb", "/\\..\\b"},
		{"/%0a", "/\n"},
	};
	char out[HTTP_PATH_SIZE];
	enum http_refusal refusal;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(decode(cases[i][0], out, &refusal), HTTP_PATH_OK);
		assert_string_equal(out, cases[i][1]);
	}
}

static void test_refuses(void **state)
{
	static const struct {
		const char *raw;
		enum http_refusal refusal;
	} cases[] = {
		{"/%", HTTP_REFUSE_BAD_ESCAPE},
		{"/%4", HTTP_REFUSE_BAD_ESCAPE},
		{"/%zz", HTTP_REFUSE_BAD_ESCAPE},
		{"/%4g", HTTP_REFUSE_BAD_ESCAPE},
		{"/%%41", HTTP_REFUSE_BAD_ESCAPE},
		{"/a%00", HTTP_REFUSE_ESCAPED_NUL},
		{"/a%00.html", HTTP_REFUSE_ESCAPED_NUL},
		{"/a%2fb", HTTP_REFUSE_ESCAPED_SLASH},
		{"/a%2Fb", HTTP_REFUSE_ESCAPED_SLASH},
		{"/..%2f..%2fetc/passwd", HTTP_REFUSE_ESCAPED_SLASH},
		{"/..", HTTP_REFUSE_ABOVE_ROOT},
		{"/../", HTTP_REFUSE_ABOVE_ROOT},
		{"/../a", HTTP_REFUSE_ABOVE_ROOT},
		{"/a/../..", HTTP_REFUSE_ABOVE_ROOT},
		{"/a/../../a", HTTP_REFUSE_ABOVE_ROOT},
		{"/%2e%2e/a", HTTP_REFUSE_ABOVE_ROOT},
		{"/.%2e", HTTP_REFUSE_ABOVE_ROOT},
		{"//..//etc/passwd", HTTP_REFUSE_ABOVE_ROOT},
		{"/./../a", HTTP_REFUSE_ABOVE_ROOT},
	};
	char out[HTTP_PATH_SIZE];
	enum http_refusal refusal;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(decode(cases[i].raw, out, &refusal), HTTP_PATH_REFUSED);
		assert_int_equal(refusal, cases[i].refusal);
	}
}

/* No parser of requests lets one through, but the path would end there. */
static void test_refuses_a_nul_that_is_not_escaped(void **state)
{
	char out[HTTP_PATH_SIZE];
	enum http_refusal refusal;

	(void)state;
	assert_int_equal(http_path_decode((struct http_str){"/a\0b", 4}, out, &refusal),
			 HTTP_PATH_REFUSED);
	assert_int_equal(refusal, HTTP_REFUSE_CONTROL_BYTE);
}

static void test_length_is_bounded(void **state)
{
	static char raw[3 * HTTP_PATH_SIZE + 1];
	char out[HTTP_PATH_SIZE];
	enum http_refusal refusal;

	(void)state;
	memset(raw, 'a', sizeof(raw));
	raw[0] = '/';
	for (size_t len = HTTP_PATH_SIZE - 4; len <= HTTP_PATH_SIZE + 4; len++) {
		enum http_path_result want =
			len < HTTP_PATH_SIZE - 1 ? HTTP_PATH_OK : HTTP_PATH_TOO_LONG;

		assert_int_equal(http_path_decode((struct http_str){raw, len}, out, &refusal),
				 want);
		if (want == HTTP_PATH_OK)
			assert_int_equal(strlen(out), len);
	}
	/* what is removed does not count */
	for (size_t i = 0; i + 1 < sizeof(raw); i += 2)
		memcpy(raw + i, "/.", 2);
	assert_int_equal(http_path_decode((struct http_str){raw, sizeof(raw) - 1}, out, &refusal),
			 HTTP_PATH_OK);
	assert_string_equal(out, "/");
}

static void test_hidden(void **state)
{
	static const char *const hidden[] = {
		"/.git",           "/.git/config",  "/a/.b",           "/...", "/..a", "/a/.b/c",
		"/.well-known/.x", "/.well-knownx", "/a/.well-known/b"};
	static const char *const seen[] = {"/",
					   "/a",
					   "/a.b",
					   "/.well-known",
					   "/.well-known/",
					   "/.well-known/acme-challenge/x",
					   "/a./b"};

	(void)state;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (!http_path_hidden(hidden[i]))
			fail_msg("not hidden: %s", hidden[i]);
	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
		if (http_path_hidden(seen[i]))
			fail_msg("hidden: %s", seen[i]);
}

static void test_encoding_undoes_decoding(void **state)
{
	char every[256], out[HTTP_PATH_SIZE];
	enum http_refusal refusal;
	struct http_buf b = {0};

	(void)state;
	every[0] = '/';
	for (int i = 1; i < 255; i++)
		every[i] = (char)(i == '/' ? 'x' : i);
	every[255] = '\0';
	http_path_encode(&b, every);
	assert_false(b.failed);
	for (size_t i = 0; i < b.len; i++)
		assert_true(b.data[i] > 0x20 && b.data[i] < 0x7f && !strchr("\"<>#?\\", b.data[i]));
	assert_int_equal(http_path_decode((struct http_str){b.data, b.len}, out, &refusal),
			 HTTP_PATH_OK);
	assert_string_equal(out, every);
	http_buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decodes_once_and_normalises),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_refuses_a_nul_that_is_not_escaped),
		cmocka_unit_test(test_length_is_bounded),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_encoding_undoes_decoding),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
