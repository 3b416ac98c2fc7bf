/* SPDX-License-Identifier: Apache-2.0 */
/* Small parts: the table of media types, status phrases, refusals, lists, numbers, the growing
 * string. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/buf.h"
#include "http/http.h"
#include "http/mime.h"
#include "http/status.h"
#include "http/str.h"

static void test_media_types(void **state)
{
	static const char *const cases[][2] = {
		{"/index.html", "text/html; charset=utf-8"},
		{"/A.HTM", "text/html; charset=utf-8"},
		{"/a.js", "text/javascript; charset=utf-8"},
		{"/a.mjs", "text/javascript; charset=utf-8"},
		{"/a.css", "text/css; charset=utf-8"},
		{"/a.json", "application/json; charset=utf-8"},
		{"/a.svg", "image/svg+xml; charset=utf-8"},
		{"/a.txt", "text/plain; charset=utf-8"},
		{"/a.png", "image/png"},
		{"/a.JPeG", "image/jpeg"},
		{"/a.woff2", "font/woff2"},
		{"/a.wasm", "application/wasm"},
		{"/a.mp4", "video/mp4"},
		{"/a.tar.gz", "application/gzip"},
		{"/a.pdf", "application/pdf"},
		{"/a", HTTP_MIME_DEFAULT},
		{"/a.", HTTP_MIME_DEFAULT},
		{"/dir.html/a", HTTP_MIME_DEFAULT},
		{"/.html", HTTP_MIME_DEFAULT}, /* a name, not an extension */
		{"/a.unknownextension", HTTP_MIME_DEFAULT},
		{"/a.htmlx", HTTP_MIME_DEFAULT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(http_mime_type(NULL, cases[i][0]), cases[i][1]);
}

static void test_every_media_type_is_found(void **state)
{
	const struct http_mime *e, *before = NULL;
	size_t count = 0;
	char name[64];

	(void)state;
	for (; (e = http_mime_entry(count)) != NULL; before = e, count++) {
		if (before)
			assert_true(strcmp(before->extension, e->extension) < 0);
		snprintf(name, sizeof(name), "/x.%s", e->extension);
		assert_ptr_equal(http_mime_type(NULL, name), e->type);
		/* text without a charset would be guessed at */
		if (!strncmp(e->type, "text/", 5))
			assert_non_null(strstr(e->type, "; charset=utf-8"));
	}
	assert_true(count >= 80);
}

static void test_every_refusal_has_a_status_and_a_sentence(void **state)
{
	(void)state;
	for (int i = HTTP_REFUSE_NONE + 1; i < HTTP_REFUSAL_COUNT; i++) {
		enum http_refusal r = (enum http_refusal)i;

		assert_true(http_refusal_status(r) >= 400);
		assert_string_not_equal(http_status_phrase(http_refusal_status(r)), "Unknown");
		assert_non_null(http_status_sentence(http_refusal_status(r)));
		assert_true(strlen(http_refusal_text(r)) > 10);
	}
	assert_string_equal(http_status_phrase(404), "Not Found");
	assert_string_equal(http_status_phrase(299), "Unknown");
}

/* RFC 9110 5.6.1.2: empty elements are skipped, whitespace is trimmed. */
static void test_lists(void **state)
{
	struct http_str rest = {" , a ,\t,b c,,d", 14}, item;

	(void)state;
	assert_true(http_list_next(&rest, &item));
	assert_true(http_str_equal(item, "a"));
	assert_true(http_list_next(&rest, &item));
	assert_true(http_str_equal(item, "b c"));
	assert_true(http_list_next(&rest, &item));
	assert_true(http_str_equal(item, "d"));
	assert_false(http_list_next(&rest, &item));
	rest = (struct http_str){" ,, ", 4};
	assert_false(http_list_next(&rest, &item));
}

static void test_numbers(void **state)
{
	uint64_t v = 0;

	(void)state;
	assert_true(http_str_number((struct http_str){"0", 1}, &v));
	assert_int_equal(v, 0);
	assert_true(http_str_number((struct http_str){"18446744073709551615", 20}, &v));
	assert_true(v == UINT64_MAX);
	assert_false(http_str_number((struct http_str){"18446744073709551616", 20}, &v));
	assert_false(http_str_number((struct http_str){"99999999999999999999", 20}, &v));
	assert_false(http_str_number((struct http_str){"", 0}, &v));
	assert_false(http_str_number((struct http_str){"+1", 2}, &v));
	assert_false(http_str_number((struct http_str){"1 ", 2}, &v));
}

static void test_buffer_grows_and_escapes(void **state)
{
	struct http_buf b = {0};
	char *expected = malloc(100000);

	(void)state;
	for (int i = 0; i < 100000; i++) {
		expected[i] = (char)('a' + i % 26);
		http_buf_append(&b, &expected[i], 1);
	}
	assert_false(b.failed);
	assert_int_equal(b.len, 100000);
	assert_memory_equal(b.data, expected, 100000);
	free(expected);
	http_buf_free(&b);
	assert_null(b.data);

	http_buf_number(&b, 0);
	http_buf_text(&b, " ");
	http_buf_number(&b, UINT64_MAX);
	http_buf_text(&b, " ");
	http_buf_html(&b, "<a href=\"x\">&'", 14);
	http_buf_append(&b, "", 1);
	assert_string_equal(b.data,
			    "0 18446744073709551615 &lt;a href=&quot;x&quot;&gt;&amp;&#39;");
	http_buf_free(&b);
}

/* An impossible size is remembered, and nothing is appended behind the gap. */
static void test_buffer_remembers_failure(void **state)
{
	struct http_buf b = {0};

	(void)state;
	http_buf_text(&b, "abc");
	http_buf_append(&b, "", SIZE_MAX / 2);
	assert_true(b.failed);
	http_buf_text(&b, "def");
	assert_int_equal(b.len, 3);
	http_buf_free(&b);
}

static void test_plain_http_on_the_tls_port(void **state)
{
	struct http_time now = {.wall = 784111777};
	uint8_t out[2048];
	size_t len = http_plain_on_tls_response(out, sizeof(out) - 1, now);
	const char *text = (const char *)out, *body;

	(void)state;
	assert_true(len > 0 && len < sizeof(out));
	out[len] = '\0';
	assert_memory_equal(text, "HTTP/1.1 400 Bad Request\r\n", 26);
	assert_non_null(strstr(text, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
	assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
	assert_non_null(strstr(text, "https://"));
	body = strstr(text, "\r\n\r\n") + 4;
	assert_int_equal(strtoul(strstr(text, "Content-Length: ") + 16, NULL, 10), strlen(body));
	/* all or nothing */
	assert_int_equal(http_plain_on_tls_response(out, len - 1, now), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_media_types),
		cmocka_unit_test(test_every_media_type_is_found),
		cmocka_unit_test(test_every_refusal_has_a_status_and_a_sentence),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_buffer_grows_and_escapes),
		cmocka_unit_test(test_buffer_remembers_failure),
		cmocka_unit_test(test_plain_http_on_the_tls_port),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
