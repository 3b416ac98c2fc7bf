/* SPDX-License-Identifier: Apache-2.0 */
/* What the program writes: suggestions, escaping, lines of the access log. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/escape.h"
#include "server/log.h"
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
		int json;
		const char *expected;
	} cases[] = {
		{NULL, 100, 0, "-"},
		{"", 100, 0, ""},
		{"/a?b=c~ d", 100, 0, "/a?b=c~ d"},
		{"a\"b\\c", 100, 0, "a\\x22b\\x5cc"},
		{"\r\n\t\x1b[31m\x7f", 100, 0, "\\x0d\\x0a\\x09\\x1b[31m\\x7f"},
		{"\xc3\xa4\xff", 100, 0, "\\xc3\\xa4\\xff"},
		{"a\"b\n", 100, 1, "a\\\\x22b\\\\x0a"},
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
						 cases[i].limit, cases[i].json);
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

/* ------------------------------------------------------------------ access log */

static const struct app_client client = {
	.remote = {.addr = {.version = 4, .bytes = {10, 77, 0, 1}}, .port = 40123},
	.secure = true,
	.conn_id = 17,
};

static const struct http_log_entry entry = {
	.time = {.mono_us = 5, .wall = 1700000000},
	.method = "GET",
	.target = "/a\"b\n",
	.version = "HTTP/1.1",
	.host = "10.77.0.2",
	.user_agent = "curl/8.0 \\o/",
	.status = 200,
	.body_bytes = 1234567890123ull,
	.complete = true,
	.duration_us = 42,
};

static void test_combined_line(void **state)
{
	char out[LOG_LINE_MAX];
	const size_t len = log_format_line(LOG_COMBINED, &client, &entry, out);

	(void)state;
	out[len] = '\0';
	assert_string_equal(out, "10.77.0.1 - - [14/Nov/2023:22:13:20 +0000] "
				 "\"GET /a\\x22b\\x0a HTTP/1.1\" 200 1234567890123 \"-\" "
				 "\"curl/8.0 \\x5co/\"\n");
}

static void test_json_line(void **state)
{
	char out[LOG_LINE_MAX];
	const size_t len = log_format_line(LOG_JSON, &client, &entry, out);

	(void)state;
	out[len] = '\0';
	assert_string_equal(
		out, "{\"time\":\"2023-11-14T22:13:20Z\",\"client\":\"10.77.0.1\",\"port\":40123,"
		     "\"connection\":17,\"tls\":true,\"subject\":null,\"method\":\"GET\","
		     "\"target\":\"/a\\\\x22b\\\\x0a\",\"version\":\"HTTP/1.1\","
		     "\"host\":\"10.77.0.2\",\"status\":200,\"bytes\":1234567890123,"
		     "\"complete\":true,\"duration_us\":42,\"referer\":null,"
		     "\"user_agent\":\"curl/8.0 \\\\x5co/\"}\n");
}

/* The third field of the combined format is the user: a blank would end it. */
static void test_subject_of_a_client_certificate(void **state)
{
	char out[LOG_LINE_MAX];
	struct app_client known = client;

	(void)state;
	known.subject = "CN=Erika  M\"x, O=\xc3\xa9 ";
	out[log_format_line(LOG_COMBINED, &known, &entry, out)] = '\0';
	assert_non_null(
		strstr(out, "10.77.0.1 - CN=Erika\\x20\\x20M\\x22x,\\x20O=\\xc3\\xa9\\x20 ["));
	out[log_format_line(LOG_JSON, &known, &entry, out)] = '\0';
	assert_non_null(strstr(out, "\"subject\":\"CN=Erika  M\\\\x22x, O=\\\\xc3\\\\xa9 \","));
}

static void test_longest_line_is_whole(void **state)
{
	struct app_client known = client;
	char *huge = malloc(100001);
	struct http_log_entry e = entry;

	(void)state;
	memset(huge, '\n', 100000);
	huge[100000] = '\0';
	e.method = e.target = e.version = e.host = e.referer = e.user_agent = huge;
	known.subject = huge;
	for (int json = 0; json < 2; json++) {
		char out[LOG_LINE_MAX];
		const size_t len = log_format_line(json ? LOG_JSON : LOG_COMBINED, &known, &e, out);
		assert_true(len < LOG_LINE_MAX);
		assert_int_equal(out[len - 1], '\n');
		assert_memory_equal(out + len - (json ? 3 : 2), json ? "\"}" : "\"", json ? 2 : 1);
		assert_null(memchr(out, '\n', len - 1));
	}
	free(huge);
}

/* A log into a pipe whose reader may be slow; the reading end is returned. */
static int log_into_pipe(struct log *log)
{
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
	log_init(log, LOG_COMBINED, fd[1]);
	return fd[0];
}

static size_t drain(int fd, size_t *lines)
{
	char buf[65536];
	size_t total = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof buf)) > 0) {
		total += (size_t)n;
		for (ssize_t i = 0; i < n; i++)
			*lines += buf[i] == '\n';
	}
	return total;
}

static void test_log_is_written_when_flushed(void **state)
{
	struct log *log = malloc(sizeof *log);
	const int fd = log_into_pipe(log);
	size_t lines = 0;

	(void)state;
	log_access(log, &client, &entry);
	log_access(log, &client, &entry);
	assert_int_equal(drain(fd, &lines), 0);
	log_flush(log);
	assert_true(drain(fd, &lines) > 0);
	assert_int_equal(lines, 2);
	close(fd);
	close(log->fd);
	free(log);
}

/* Standard error is put aside: losses are told there. */
static void test_slow_reader_costs_lines_and_never_blocks(void **state)
{
	struct log *log = malloc(sizeof *log);
	const int fd = log_into_pipe(log);
	const int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);
	size_t lines = 0;

	(void)state;
	dup2(null, STDERR_FILENO);
	for (int i = 0; i < 5000; i++)
		log_access(log, &client, &entry);
	log_flush(log);
	const uint64_t lost = log->lost;
	drain(fd, &lines);
	dup2(saved, STDERR_FILENO);
	assert_true(lost > 0);
	assert_int_equal(lines + lost, 5000); /* none is cut or counted twice */
	dup2(null, STDERR_FILENO);
	log_flush(log); /* now there is room again, and the loss was told */
	dup2(saved, STDERR_FILENO);
	assert_int_equal(log->lost, 0);
	close(fd);
	close(log->fd);
	close(saved);
	close(null);
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance_counts_insertions_deletions_and_replacements),
		cmocka_unit_test(test_distance_of_a_very_long_word_is_infinite),
		cmocka_unit_test(test_the_nearest_word_is_suggested_and_a_far_one_not),
		cmocka_unit_test(test_escaping),
		cmocka_unit_test(test_escaping_never_leaves_its_buffer),
		cmocka_unit_test(test_combined_line),
		cmocka_unit_test(test_json_line),
		cmocka_unit_test(test_subject_of_a_client_certificate),
		cmocka_unit_test(test_longest_line_is_whole),
		cmocka_unit_test(test_log_is_written_when_flushed),
		cmocka_unit_test(test_slow_reader_costs_lines_and_never_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
