/* SPDX-License-Identifier: Apache-2.0 */
/* What `tunhttpd healthcheck` takes for a URL, for an answer, and what it sends as a ClientHello. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/healthcheck.h"

static void expect_url(const char *text, bool tls, const char *host, const char *port,
		       const char *path)
{
	struct health_url u;

	if (!health_url_parse(text, &u))
		fail_msg("%s was refused", text);
	assert_int_equal(u.tls, tls);
	assert_string_equal(u.host, host);
	assert_string_equal(u.port, port);
	assert_string_equal(u.path, path);
}

static void test_urls(void **state)
{
	(void)state;
	expect_url("http://10.77.0.2", false, "10.77.0.2", "80", "/");
	expect_url("https://10.77.0.2/", true, "10.77.0.2", "443", "/");
	expect_url("http://localhost:8080/ready?a=b#c", false, "localhost", "8080", "/ready?a=b");
	expect_url("http://[fd00::2]:81?x", false, "fd00::2", "81", "/?x");
	expect_url("https://[fd00::2]", true, "fd00::2", "443", "/");
}

static void test_what_is_no_url(void **state)
{
	static const char *const bad[] = {
		"",
		"http://",
		"ftp://a/",
		"http:///x",
		"http://a:/",
		"http://a:0/",
		"http://a:65536/",
		"http://a:80x/",
		"http://[fd00::2/",
		"http://[]/",
		"http://u@a/",
		"http://a/b c",
		"http://a/b\r\nX: y",
		"http://[::1]x/",
		"http://a:123456/",
	};
	struct health_url u;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (health_url_parse(bad[i], &u))
			fail_msg("%s was taken", bad[i]);
}

static void test_long_urls_are_refused(void **state)
{
	char text[2 * HEALTHCHECK_URL_SIZE];
	struct health_url u;

	(void)state;
	for (size_t len = HEALTHCHECK_URL_SIZE - 20; len < sizeof text; len++) {
		memset(text, 'x', sizeof text);
		memcpy(text, "http://a/", 9);
		text[len - 1] = '\0';
		const size_t path = len - 1 - 8;
		assert_int_equal(health_url_parse(text, &u), path + 2 <= HEALTHCHECK_URL_SIZE);
	}
}

static void test_answers(void **state)
{
	(void)state;
	assert_int_equal(health_status("HTTP/1.1 200 OK\r\n", 17), 200);
	assert_int_equal(health_status("HTTP/1.0 503 ", 13), 503);
	assert_int_equal(health_status("HTTP/1.1 20", 11), 0);
	assert_int_equal(health_status("HTTP/1.1 2x0", 12), 0);
	assert_int_equal(health_status("HTTP/2.0 200", 12), 0);
	assert_int_equal(health_status("\x15\x03\x03\0\x02\x02\x28zzzzz", 12), 0);
}

/* The lengths within it: record, message, suites, extensions and each of these. */
static void test_hello_is_well_formed(void **state)
{
	uint8_t random[32], hello[HEALTH_HELLO_SIZE];

	(void)state;
	memset(random, 0xaa, sizeof random);
	const size_t len = health_hello(hello, random);
	assert_true(len <= sizeof hello);
	assert_int_equal((size_t)(hello[3] << 8 | hello[4]), len - 5);
	assert_int_equal((size_t)(hello[7] << 8 | hello[8]), len - 9);
	assert_memory_equal(hello + 11, random, 32);
	size_t at = 43;
	at += 1u + hello[at];                                /* session id  */
	at += 2u + (size_t)(hello[at] << 8 | hello[at + 1]); /* suites      */
	at += 1u + hello[at];                                /* compression */
	assert_int_equal(at + 2u + (size_t)(hello[at] << 8 | hello[at + 1]), len);
	for (at += 2; at < len;)
		at += 4u + (size_t)(hello[at + 2] << 8 | hello[at + 3]);
	assert_int_equal(at, len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_what_is_no_url),
		cmocka_unit_test(test_long_urls_are_refused),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_hello_is_well_formed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
