/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges (RFC 9110 14.1.2), hosts (RFC 9110 7.2), preconditions in all their combinations (RFC
 * 9110 13). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/h1_request.h"
#include "http/range.h"

#define ETAG "\"abc\""
#define MTIME 784111777
#define SAME "Sun, 06 Nov 1994 08:49:37 GMT"
#define EARLIER "Sun, 06 Nov 1994 08:49:36 GMT"
#define LATER "Sun, 06 Nov 1994 08:49:38 GMT"

static void test_range_specs(void **state)
{
	static const struct {
		const char *value;
		uint64_t size;
		enum http_range_result result;
		uint64_t first, last;
	} cases[] = {
		{"bytes=0-0", 10, HTTP_RANGE_PART, 0, 0},
		{"bytes=0-9", 10, HTTP_RANGE_PART, 0, 9},
		{"bytes=2-5", 10, HTTP_RANGE_PART, 2, 5},
		{"bytes=9-9", 10, HTTP_RANGE_PART, 9, 9},
		{"bytes=5-", 10, HTTP_RANGE_PART, 5, 9},
		{"bytes=5-100", 10, HTTP_RANGE_PART, 5, 9},
		{"bytes=0-99999999999999999999999", 10, HTTP_RANGE_PART, 0, 9},
		{"bytes=-1", 10, HTTP_RANGE_PART, 9, 9},
		{"bytes=-10", 10, HTTP_RANGE_PART, 0, 9},
		{"bytes=-11", 10, HTTP_RANGE_PART, 0, 9},
		{"bytes=-99999999999999999999999", 10, HTTP_RANGE_PART, 0, 9},
		{"Bytes=1-1", 10, HTTP_RANGE_PART, 1, 1},
		{"bytes= 1-1 ", 10, HTTP_RANGE_PART, 1, 1},
		{"bytes=,1-1,", 10, HTTP_RANGE_PART, 1, 1},
		{"bytes=10-", 10, HTTP_RANGE_UNSATISFIABLE, 0, 0},
		{"bytes=10-20", 10, HTTP_RANGE_UNSATISFIABLE, 0, 0},
		{"bytes=99999999999999999999999-", 10, HTTP_RANGE_UNSATISFIABLE, 0, 0},
		{"bytes=-0", 10, HTTP_RANGE_UNSATISFIABLE, 0, 0},
		{"bytes=0-0", 0, HTTP_RANGE_UNSATISFIABLE, 0, 0},
		{"bytes=0-", 0, HTTP_RANGE_UNSATISFIABLE, 0, 0},
		{"bytes=-5", 0, HTTP_RANGE_WHOLE, 0, 0},
		{"bytes=5-2", 10, HTTP_RANGE_WHOLE, 0, 0},
		{"bytes=0-0,2-3", 10, HTTP_RANGE_PART, 0, 3}, /* close together */
		{"bytes=0-0,10-", 10, HTTP_RANGE_PART, 0, 0},
		{"bytes=10-,20-", 10, HTTP_RANGE_UNSATISFIABLE, 0, 0},
		{"bytes=0-0,x", 10, HTTP_RANGE_WHOLE, 0, 0},
		{"bytes=0-0,1-1,2-2,3-3", 10, HTTP_RANGE_PART, 0, 3},
		{"bytes=0-0,1-1,2-2,3-3,4-4", 10, HTTP_RANGE_WHOLE, 0, 0}, /* too many */
		{"bytes=", 10, HTTP_RANGE_WHOLE, 0, 0},
		{"bytes=-", 10, HTTP_RANGE_WHOLE, 0, 0},
		{"bytes=1", 10, HTTP_RANGE_WHOLE, 0, 0},
		{"bytes=a-b", 10, HTTP_RANGE_WHOLE, 0, 0},
		{"bytes=1-2x", 10, HTTP_RANGE_WHOLE, 0, 0},
		{"bytes=+1-2", 10, HTTP_RANGE_WHOLE, 0, 0},
		{"bytes=1--2", 10, HTTP_RANGE_WHOLE, 0, 0},
		{"bytes=--1", 10, HTTP_RANGE_WHOLE, 0, 0},
		{"bytes 1-2", 10, HTTP_RANGE_WHOLE, 0, 0},
		{"items=1-2", 10, HTTP_RANGE_WHOLE, 0, 0},
		{"", 10, HTTP_RANGE_WHOLE, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_ranges ranges;
		enum http_range_result result =
			http_ranges_parse((struct http_str){cases[i].value, strlen(cases[i].value)},
					  cases[i].size, 4, &ranges);

		if (result != cases[i].result)
			fail_msg("\"%s\" of %d: result %d", cases[i].value, (int)cases[i].size,
				 result);
		if (result == HTTP_RANGE_PART) {
			assert_int_equal(ranges.count, 1);
			assert_int_equal(ranges.range[0].first, cases[i].first);
			assert_int_equal(ranges.range[0].last, cases[i].last);
		}
	}
}

/* Which parts are left of several, in which order: first and last of each. */
static void test_several_ranges(void **state)
{
	static const struct {
		const char *value;
		unsigned count;
		uint64_t parts[6];
	} cases[] = {
		{"bytes=0-0,1000-1009", 2, {0, 0, 1000, 1009}},
		{"bytes=1000-1009,0-0", 2, {1000, 1009, 0, 0}},
		{"bytes=0-0,-1", 2, {0, 0, 9999, 9999}},
		{"bytes=0-0,10000-,-1", 2, {0, 0, 9999, 9999}},
		/* the gap is worth a part of its own from HTTP_RANGE_GAP on */
		{"bytes=0-0,128-128", 1, {0, 128}},
		{"bytes=0-0,129-129", 2, {0, 0, 129, 129}},
		{"bytes=129-129,0-0", 2, {129, 129, 0, 0}},
		/* overlaps, and what they bring together */
		{"bytes=0-499,400-600", 1, {0, 600}},
		{"bytes=5000-,0-9,1000-9999", 2, {1000, 9999, 0, 9}},
		{"bytes=0-0,2000-2000,4000-4000,100-3900", 1, {0, 4000}},
		{"bytes=2000-2000,0-0,4000-4000,100-3900", 1, {0, 4000}},
		{"bytes=0-,0-,0-,0-", 1, {0, 9999}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_str value = {cases[i].value, strlen(cases[i].value)};
		struct http_ranges ranges;

		assert_int_equal(http_ranges_parse(value, 10000, 4, &ranges), HTTP_RANGE_PART);
		if (ranges.count != cases[i].count)
			fail_msg("%s: %u parts", cases[i].value, ranges.count);
		for (unsigned k = 0; k < ranges.count; k++)
			if (ranges.range[k].first != cases[i].parts[2 * k] ||
			    ranges.range[k].last != cases[i].parts[2 * k + 1])
				fail_msg("%s: part %u is %d-%d", cases[i].value, k,
					 (int)ranges.range[k].first, (int)ranges.range[k].last);
	}
}

static void test_hosts(void **state)
{
	static const char *const good[] = {
		"a",     "example.org", "EXAMPLE.org.",    "10.77.0.2",
		"a:80",  "a:",          "a:65535",         "a:0",
		"[::1]", "[::1]:443",   "[2001:db8::1]:",  "xn--caf-dma.example",
		"a_b",   "a%20b",       "[::ffff:1.2.3.4]"};
	static const char *const bad[] = {
		"",       ":80",   "a b",        "a:65536", "a:x",   "a:-1", "a:1:2",
		"[::1",   "::1",   "[::1]x",     "[]",      "[::g]", "a/b",  "a@b",
		"a?b",    "a%2",   "a%zz",       "a\\b",    "<a>",   "a\"b", "[fe80::1%25eth0]",
		"[v1.x]", "a,b:x", "caf\xc3\xa9"};
	char long_name[300];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!http_host_valid((struct http_str){good[i], strlen(good[i])}))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (http_host_valid((struct http_str){bad[i], strlen(bad[i])}))
			fail_msg("accepted: %s", bad[i]);
	memset(long_name, 'a', sizeof(long_name));
	assert_true(http_host_valid((struct http_str){long_name, 255}));
	assert_false(http_host_valid((struct http_str){long_name, 256}));
}

/* ------------------------------------------------------------------ preconditions */

static void parse(struct h1_request *r, const char *fields, char *buf, size_t size)
{
	const struct http_gate_limits limits = {4096, 4096, 50};
	enum http_refusal refusal;
	struct http_gate g;
	size_t used;

	snprintf(buf, size, "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", fields);
	http_gate_init(&g, &limits);
	assert_int_equal(http_gate_feed(&g, (const uint8_t *)buf, strlen(buf), &used),
			 HTTP_FEED_DONE);
	assert_true(h1_request_parse(r, buf, &g, &refusal));
	assert_int_equal(refusal, HTTP_REFUSE_NONE);
}

static void test_preconditions(void **state)
{
	static const struct {
		const char *fields;
		enum http_precondition want;
	} cases[] = {
		{"", HTTP_PRECONDITION_PASS},
		/* 13.1.1 */
		{"If-Match: *\r\n", HTTP_PRECONDITION_PASS},
		{"If-Match: " ETAG "\r\n", HTTP_PRECONDITION_PASS},
		{"If-Match: \"x\", " ETAG "\r\n", HTTP_PRECONDITION_PASS},
		{"If-Match: \"x\"\r\nIf-Match: " ETAG "\r\n", HTTP_PRECONDITION_PASS},
		{"If-Match: \"a,b\",," ETAG "\r\n", HTTP_PRECONDITION_PASS},
		{"If-Match: \"x\"\r\n", HTTP_PRECONDITION_FAILED},
		{"If-Match: W/" ETAG "\r\n", HTTP_PRECONDITION_FAILED}, /* strong comparison */
		{"If-Match: abc\r\n", HTTP_PRECONDITION_FAILED},
		{"If-Match: " ETAG "x\r\n", HTTP_PRECONDITION_FAILED},
		{"If-Match: \"abc\r\n", HTTP_PRECONDITION_FAILED},
		{"If-Match:\r\n", HTTP_PRECONDITION_FAILED},
		/* 13.1.4 */
		{"If-Unmodified-Since: " SAME "\r\n", HTTP_PRECONDITION_PASS},
		{"If-Unmodified-Since: " LATER "\r\n", HTTP_PRECONDITION_PASS},
		{"If-Unmodified-Since: " EARLIER "\r\n", HTTP_PRECONDITION_FAILED},
		{"If-Unmodified-Since: yesterday\r\n", HTTP_PRECONDITION_PASS},
		{"If-Match: " ETAG "\r\nIf-Unmodified-Since: " EARLIER "\r\n",
		 HTTP_PRECONDITION_PASS},
		/* 13.1.2 */
		{"If-None-Match: *\r\n", HTTP_PRECONDITION_NOT_MODIFIED},
		{"If-None-Match: " ETAG "\r\n", HTTP_PRECONDITION_NOT_MODIFIED},
		{"If-None-Match: W/" ETAG "\r\n",
		 HTTP_PRECONDITION_NOT_MODIFIED}, /* weak comparison */
		{"If-None-Match: \"x\" , W/\"y\"," ETAG "\r\n", HTTP_PRECONDITION_NOT_MODIFIED},
		{"If-None-Match: \"x\"\r\nIf-None-Match: " ETAG "\r\n",
		 HTTP_PRECONDITION_NOT_MODIFIED},
		{"If-None-Match: \"x\"\r\n", HTTP_PRECONDITION_PASS},
		{"If-None-Match: w/" ETAG "\r\n", HTTP_PRECONDITION_PASS}, /* W is upper case */
		{"If-None-Match: junk, " ETAG "\r\n", HTTP_PRECONDITION_PASS},
		/* 13.1.3 */
		{"If-Modified-Since: " SAME "\r\n", HTTP_PRECONDITION_NOT_MODIFIED},
		{"If-Modified-Since: " LATER "\r\n", HTTP_PRECONDITION_NOT_MODIFIED},
		{"If-Modified-Since: " EARLIER "\r\n", HTTP_PRECONDITION_PASS},
		{"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n",
		 HTTP_PRECONDITION_NOT_MODIFIED},
		{"If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n", HTTP_PRECONDITION_NOT_MODIFIED},
		{"If-Modified-Since: never\r\n", HTTP_PRECONDITION_PASS},
		{"If-Modified-Since: " SAME "\r\nIf-Modified-Since: " SAME "\r\n",
		 HTTP_PRECONDITION_PASS},
		{"If-None-Match: \"x\"\r\nIf-Modified-Since: " SAME "\r\n", HTTP_PRECONDITION_PASS},
		/* 13.2.2: 412 comes before 304 */
		{"If-Match: \"x\"\r\nIf-None-Match: " ETAG "\r\n", HTTP_PRECONDITION_FAILED},
		{"If-Match: " ETAG "\r\nIf-None-Match: " ETAG "\r\n",
		 HTTP_PRECONDITION_NOT_MODIFIED},
		{"If-Unmodified-Since: " SAME "\r\nIf-Modified-Since: " SAME "\r\n",
		 HTTP_PRECONDITION_NOT_MODIFIED},
	};
	const struct http_validators v = {ETAG, MTIME, 1700000000};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct h1_request r;
		char buf[1024];

		parse(&r, cases[i].fields, buf, sizeof(buf));
		enum http_precondition got = http_precondition(&r.r, &v);
		if (got != cases[i].want)
			fail_msg("%s→ %d", cases[i].fields, got);
		http_request_free(&r.r);
	}
}

static void test_if_range(void **state)
{
	static const struct {
		const char *fields;
		int64_t now;
		enum http_range_result want;
	} cases[] = {
		{"Range: bytes=1-2\r\n", MTIME + 1, HTTP_RANGE_PART},
		{"Range: bytes=1-2\r\nIf-Range: " ETAG "\r\n", MTIME, HTTP_RANGE_PART},
		{"Range: bytes=1-2\r\nIf-Range: \"x\"\r\n", MTIME + 1, HTTP_RANGE_WHOLE},
		{"Range: bytes=1-2\r\nIf-Range: W/" ETAG "\r\n", MTIME + 1, HTTP_RANGE_WHOLE},
		{"Range: bytes=1-2\r\nIf-Range: " ETAG ", \"x\"\r\n", MTIME + 1, HTTP_RANGE_WHOLE},
		{"Range: bytes=1-2\r\nIf-Range: " SAME "\r\n", MTIME + 1, HTTP_RANGE_PART},
		{"Range: bytes=1-2\r\nIf-Range: " SAME "\r\n", MTIME,
		 HTTP_RANGE_WHOLE}, /* still weak */
		{"Range: bytes=1-2\r\nIf-Range: " LATER "\r\n", MTIME + 9,
		 HTTP_RANGE_WHOLE}, /* exact */
		{"Range: bytes=1-2\r\nIf-Range: junk\r\n", MTIME + 1, HTTP_RANGE_WHOLE},
		{"Range: bytes=99-\r\nIf-Range: \"x\"\r\n", MTIME + 1, HTTP_RANGE_WHOLE},
		{"Range: bytes=99-\r\nIf-Range: " ETAG "\r\n", MTIME + 1, HTTP_RANGE_UNSATISFIABLE},
		{"If-Range: \"x\"\r\n", MTIME + 1, HTTP_RANGE_WHOLE},
		{"Range: bytes=1-2\r\nRange: bytes=1-2\r\n", MTIME + 1, HTTP_RANGE_WHOLE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_validators v = {ETAG, MTIME, cases[i].now};
		struct http_ranges ranges;
		struct h1_request r;
		char buf[1024];

		parse(&r, cases[i].fields, buf, sizeof(buf));
		enum http_range_result got = http_ranges(&r.r, &v, 10, 4, &ranges);
		if (got != cases[i].want)
			fail_msg("%s→ %d", cases[i].fields, got);
		http_request_free(&r.r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range_specs), cmocka_unit_test(test_several_ranges),
		cmocka_unit_test(test_hosts),       cmocka_unit_test(test_preconditions),
		cmocka_unit_test(test_if_range),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
