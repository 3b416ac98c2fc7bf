/* SPDX-License-Identifier: Apache-2.0 */
/* The gate over a request's head and the one over its content, without a connection around them. */
#include <stdio.h>
#include <string.h>

#include "http/body.h"
#include "http/gate.h"

static const struct http_gate_limits limits = {.max_head = 256, .max_target = 64, .max_fields = 4};

static enum http_feed feed_text(struct http_gate *g, const char *text, size_t *used)
{
	return http_gate_feed(g, (const uint8_t *)text, strlen(text), used);
}

static void test_words_and_end_are_found(void **state)
{
	static const char head[] = "GET /x?y HTTP/1.1\r\nHost: h\r\nA:\r\n\r\n";
	struct http_gate g;
	size_t used;
	char text[128];

	(void)state;
	http_gate_init(&g, &limits);
	assert_false(http_gate_started(&g));
	snprintf(text, sizeof(text), "\r\n%sGET /next", head);
	assert_int_equal(feed_text(&g, text, &used), HTTP_FEED_DONE);
	assert_int_equal(used, 2 + sizeof(head) - 1); /* the next request is left alone */
	assert_int_equal(g.pos, used);
	assert_memory_equal(text + g.method_at, "GET", g.method_len);
	assert_int_equal(g.method_len, 3);
	assert_memory_equal(text + g.target_at, "/x?y", g.target_len);
	assert_int_equal(g.target_len, 4);
	assert_memory_equal(text + g.version_at, "HTTP/1.1", g.version_len);
	assert_int_equal(g.major, 1);
	assert_int_equal(g.minor, 1);
	assert_int_equal(g.fields, 2);
}

/* Every byte value in every place: what is let through is exactly the grammar. */
static void test_every_byte_in_every_place(void **state)
{
	static const char tchar[] = "!#$%&'*+-.^_`|~0123456789"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	static const char *const around[][2] = {
		{"G", "T / HTTP/1.1\r\n\r\n"},           /* method       */
		{"GET /a", "b HTTP/1.1\r\n\r\n"},        /* target       */
		{"GET / HTTP/1.", "\r\n\r\n"},           /* minor digit  */
		{"GET / HTTP/1.1\r\nA", "b: c\r\n\r\n"}, /* field name   */
		{"GET / HTTP/1.1\r\nA: b", "c\r\n\r\n"}, /* field value  */
		{"GET / HTTP/1.1\r\nA: b\r", "\r\n"},    /* after a CR   */
		{"GET / HTTP/1.1\r\nA: b\r\n\r", ""},    /* the last LF  */
	};

	(void)state;
	for (size_t place = 0; place < sizeof(around) / sizeof(around[0]); place++) {
		for (int c = 0; c < 256; c++) {
			bool token = c != 0 && strchr(tchar, c);
			bool visible = c > 0x20 && c < 0x7f;
			bool want = place == 0
					    ? token || c == ' ' /* "G T / HTTP/1.1" fails later */
				    : place == 1 ? visible && c != '#'
				    : place == 2 ? c >= '0' && c <= '9'
				    : place == 3 ? token || c == ':'
				    : place == 4 ? visible || c >= 0x80 || c == ' ' || c == '\t'
						 : c == '\n';
			uint8_t request[64];
			size_t before = strlen(around[place][0]), after = strlen(around[place][1]),
			       used;
			struct http_gate g;

			if (place == 0 && c == ' ')
				want = false;
			memcpy(request, around[place][0], before);
			request[before] = (uint8_t)c;
			memcpy(request + before + 1, around[place][1], after);
			http_gate_init(&g, &limits);
			enum http_feed got = http_gate_feed(&g, request, before + 1 + after, &used);
			if (got != (want ? HTTP_FEED_DONE : HTTP_FEED_REFUSED))
				fail_msg("place %zu, byte 0x%02x: got %d", place, (unsigned)c, got);
		}
	}
}

/* The verdict comes at the first wrong byte, not when more has arrived. */
static void test_refusal_comes_at_the_wrong_byte(void **state)
{
	static const struct {
		const char *sent;
		enum http_refusal refusal;
	} cases[] = {
		{"\n", HTTP_REFUSE_BARE_LF},
		{"\rG", HTTP_REFUSE_BARE_CR},
		{"\r\n\r", HTTP_REFUSE_EMPTY_LINES},
		{" ", HTTP_REFUSE_BAD_METHOD},
		{"\x16", HTTP_REFUSE_CONTROL_BYTE}, /* a TLS ClientHello */
		{"GET\n", HTTP_REFUSE_BARE_LF},
		{"GET\r", HTTP_REFUSE_BAD_METHOD},
		{"AAAAAAAABBBBBBBBCCCCCCCCDDDDDDDDE", HTTP_REFUSE_METHOD_TOO_LONG},
		{"GET  ", HTTP_REFUSE_REQUEST_LINE},
		{"GET /\r", HTTP_REFUSE_NO_VERSION},
		{"GET /\n", HTTP_REFUSE_BARE_LF},
		{"GET /#", HTTP_REFUSE_FRAGMENT},
		{"GET /\x80", HTTP_REFUSE_BAD_TARGET},
		{"GET /\x7f", HTTP_REFUSE_BAD_TARGET},
		{"GET /\t", HTTP_REFUSE_BAD_TARGET},
		{"GET /  ", HTTP_REFUSE_REQUEST_LINE},
		{"GET / h", HTTP_REFUSE_BAD_VERSION},
		{"GET / HTTP/1.1 ", HTTP_REFUSE_BAD_VERSION},
		{"GET / HTTP/1.11", HTTP_REFUSE_BAD_VERSION},
		{"GET / HTTP/1.1\n", HTTP_REFUSE_BARE_LF},
		{"GET / HTTP/1.1\r\r", HTTP_REFUSE_BARE_CR},
		{"GET / HTTP/1.1\r\n ", HTTP_REFUSE_LEADING_SPACE},
		{"GET / HTTP/1.1\r\n\t", HTTP_REFUSE_LEADING_SPACE},
		{"GET / HTTP/1.1\r\n:", HTTP_REFUSE_BAD_FIELD_NAME},
		{"GET / HTTP/1.1\r\n\n", HTTP_REFUSE_BARE_LF},
		{"GET / HTTP/1.1\r\nA ", HTTP_REFUSE_SPACE_BEFORE_COLON},
		{"GET / HTTP/1.1\r\nA\r", HTTP_REFUSE_NO_COLON},
		{"GET / HTTP/1.1\r\nA(", HTTP_REFUSE_BAD_FIELD_NAME},
		{"GET / HTTP/1.1\r\nA: b\n", HTTP_REFUSE_BARE_LF},
		{"GET / HTTP/1.1\r\nA: b\rc", HTTP_REFUSE_BARE_CR},
		{"GET / HTTP/1.1\r\nA: b\r\n ", HTTP_REFUSE_OBS_FOLD},
		{"GET / HTTP/1.1\r\nA: b\r\n\t", HTTP_REFUSE_OBS_FOLD},
		{"GET / HTTP/1.1\r\nA: \x01", HTTP_REFUSE_CONTROL_BYTE},
		{"GET / HTTP/1.1\r\nA: \x7f", HTTP_REFUSE_CONTROL_BYTE},
		{"GET / HTTP/1.1\r\nA:\r\nB:\r\nC:\r\nD:\r\nE", HTTP_REFUSE_TOO_MANY_FIELDS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].sent), used;
		struct http_gate g;

		http_gate_init(&g, &limits);
		for (size_t at = 0; at < len; at++) {
			enum http_feed want = at + 1 < len ? HTTP_FEED_MORE : HTTP_FEED_REFUSED;
			uint8_t byte = (uint8_t)cases[i].sent[at];

			if (http_gate_feed(&g, &byte, 1, &used) != want)
				fail_msg("case %zu, byte %zu", i, at);
		}
		assert_int_equal(g.refusal, cases[i].refusal);
	}
}

static void test_limits_are_exact(void **state)
{
	char head[512];
	struct http_gate g;
	size_t used;

	(void)state;
	for (size_t n = 63; n <= 65; n++) {
		memset(head, 'a', sizeof(head));
		memcpy(head, "GET /", 5);
		strcpy(head + 4 + n, " HTTP/1.1\r\n\r\n");
		http_gate_init(&g, &limits);
		feed_text(&g, head, &used);
		assert_int_equal(g.refusal,
				 n <= 64 ? HTTP_REFUSE_NONE : HTTP_REFUSE_TARGET_TOO_LONG);
	}
	for (size_t n = 255; n <= 257; n++) {
		memset(head, 'a', sizeof(head));
		memcpy(head, "GET / HTTP/1.1\r\nA:", 18);
		strcpy(head + n - 4, "\r\n\r\n");
		http_gate_init(&g, &limits);
		feed_text(&g, head, &used);
		assert_int_equal(g.refusal,
				 n <= 256 ? HTTP_REFUSE_NONE : HTTP_REFUSE_HEAD_TOO_LARGE);
	}
}

static void test_rebase_after_an_empty_line(void **state)
{
	struct http_gate g;
	size_t used;

	(void)state;
	http_gate_init(&g, &limits);
	assert_int_equal(feed_text(&g, "\r", &used), HTTP_FEED_MORE);
	http_gate_rebase(&g);
	assert_int_equal(feed_text(&g, "\n", &used), HTTP_FEED_MORE);
	assert_false(http_gate_started(&g));
	http_gate_rebase(&g);
	assert_int_equal(feed_text(&g, "GET / HTTP/1.1\r\n\r\n", &used), HTTP_FEED_DONE);
	assert_int_equal(g.method_at, 0);
	assert_int_equal(g.pos, 18);
}

/* ------------------------------------------------------------------ content */

/* Feeds in steps of every size; all must agree. Returns the bytes taken until the end or the
 * refusal. */
static size_t feed_body(const char *data, size_t len, enum http_feed *result,
			enum http_refusal *refusal)
{
	size_t first = 0;

	for (size_t step = len; step > 0; step = step > 1 ? step / 2 : 0) {
		struct http_body b;
		enum http_feed r = HTTP_FEED_MORE;
		size_t at = 0, used;

		http_body_init_chunked(&b, 100, &limits);
		while (r == HTTP_FEED_MORE && at < len) {
			size_t n = step < len - at ? step : len - at;

			r = http_body_feed(&b, (const uint8_t *)data + at, n, &used);
			at += used;
		}
		if (step == len) {
			first = at;
			*result = r;
			*refusal = b.refusal;
		}
		assert_int_equal(at, first);
		assert_int_equal(r, *result);
		assert_int_equal(b.refusal, *refusal);
	}
	return first;
}

static void test_chunked_content_ends_where_it_says(void **state)
{
	static const char *const bodies[] = {
		"0\r\n\r\n",
		"00\r\n\r\n",
		"5\r\nhello\r\n0\r\n\r\n",
		"5;a=b\r\nhello\r\n0;x\r\n\r\n",
		"5;a=\"q ;\"\r\nhello\r\n0\r\n\r\n",
		"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
		"3\r\n\r\n\r\r\n0\r\n\r\n",
		"0000000000000001\r\nx\r\n0\r\n\r\n",
		"0\r\nTrailer: dropped\r\nX-Content-Length: 4\r\n\r\n",
		"0\r\nContent-Lengths: 4\r\nTransfer-Encoding-And-More: x\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		char data[256];
		enum http_refusal refusal;
		enum http_feed result;

		snprintf(data, sizeof(data), "%sGET /", bodies[i]);
		size_t used = feed_body(data, strlen(data), &result, &refusal);
		if (result != HTTP_FEED_DONE || used != strlen(bodies[i]))
			fail_msg("body %zu: result %d after %zu", i, result, used);
	}
}

static void test_chunked_content_is_refused(void **state)
{
	static const struct {
		const char *body;
		enum http_refusal refusal;
	} cases[] = {
		{"\r\n", HTTP_REFUSE_BAD_CHUNK_SIZE},
		{"x", HTTP_REFUSE_BAD_CHUNK_SIZE},
		{"-1\r\n", HTTP_REFUSE_BAD_CHUNK_SIZE},
		{"+1\r\n", HTTP_REFUSE_BAD_CHUNK_SIZE},
		{"0x1\r\n", HTTP_REFUSE_BAD_CHUNK_SIZE},
		{" 3\r\n", HTTP_REFUSE_BAD_CHUNK_SIZE},
		{"3 \r\nabc\r\n", HTTP_REFUSE_BAD_CHUNK_SIZE},
		{"3\t;x\r\n", HTTP_REFUSE_BAD_CHUNK_SIZE},
		{"00000000000000001\r\n", HTTP_REFUSE_BAD_CHUNK_SIZE},
		{"3\nabc\r\n", HTTP_REFUSE_BARE_LF},
		{"3\rabc", HTTP_REFUSE_BARE_CR},
		{"3;a\nabc", HTTP_REFUSE_BARE_LF},
		{"3;a\x01\r\n", HTTP_REFUSE_BAD_CHUNK_EXT},
		{"3\r\nabcd\r\n", HTTP_REFUSE_BAD_CHUNK_END},
		{"3\r\nabc\n", HTTP_REFUSE_BAD_CHUNK_END},
		{"3\r\nabc\rX", HTTP_REFUSE_BAD_CHUNK_END},
		{"65\r\n", HTTP_REFUSE_BODY_TOO_LARGE}, /* 101 of 100 */
		{"ffff", HTTP_REFUSE_BODY_TOO_LARGE},   /* at the third digit */
		{"1\r\nx\r\n64\r\n", HTTP_REFUSE_BODY_TOO_LARGE},
		{"0\r\nContent-Length: 4\r\n\r\n", HTTP_REFUSE_BAD_TRAILER},
		{"0\r\nA: b\r\ntransfer-ENCODING: x\r\n\r\n", HTTP_REFUSE_BAD_TRAILER},
		{"0\r\nHost: x\r\n\r\n", HTTP_REFUSE_BAD_TRAILER},
		{"0\r\nA: b\r\n c\r\n\r\n", HTTP_REFUSE_OBS_FOLD},
		{"0\r\n A: b\r\n\r\n", HTTP_REFUSE_LEADING_SPACE},
		{"0\r\nA : b\r\n\r\n", HTTP_REFUSE_SPACE_BEFORE_COLON},
		{"0\r\nA: b\n\r\n", HTTP_REFUSE_BARE_LF},
		{"0\r\nA: b\r\n\n", HTTP_REFUSE_BARE_LF},
		{"0\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\n\r\n", HTTP_REFUSE_TOO_MANY_FIELDS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum http_refusal refusal;
		enum http_feed result;

		feed_body(cases[i].body, strlen(cases[i].body), &result, &refusal);
		if (result != HTTP_FEED_REFUSED || refusal != cases[i].refusal)
			fail_msg("body %zu: result %d, refusal %d", i, result, refusal);
	}
}

/* Extensions of all chunks count together: one byte of content a kilobyte is no way to send 1
 * MiB. */
static void test_chunk_extensions_are_bounded(void **state)
{
	struct http_body b;
	size_t used, rounds = 0;
	enum http_feed r = HTTP_FEED_MORE;

	(void)state;
	http_body_init_chunked(&b, 1 << 20, &limits);
	while (r == HTTP_FEED_MORE && ++rounds < 1000)
		r = http_body_feed(&b, (const uint8_t *)"1;0123456789abcde\r\nx\r\n", 22, &used);
	assert_int_equal(r, HTTP_FEED_REFUSED);
	assert_int_equal(b.refusal, HTTP_REFUSE_LONG_CHUNK_EXT);
	assert_int_equal(rounds, HTTP_CHUNK_EXT_MAX / 15 + 1);
}

static void test_content_of_known_length(void **state)
{
	struct http_body b;
	size_t used;

	(void)state;
	http_body_init_length(&b, 10);
	assert_int_equal(http_body_feed(&b, (const uint8_t *)"0123456", 7, &used), HTTP_FEED_MORE);
	assert_int_equal(used, 7);
	assert_int_equal(http_body_feed(&b, (const uint8_t *)"789GET", 6, &used), HTTP_FEED_DONE);
	assert_int_equal(used, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_and_end_are_found),
		cmocka_unit_test(test_every_byte_in_every_place),
		cmocka_unit_test(test_refusal_comes_at_the_wrong_byte),
		cmocka_unit_test(test_limits_are_exact),
		cmocka_unit_test(test_rebase_after_an_empty_line),
		cmocka_unit_test(test_chunked_content_ends_where_it_says),
		cmocka_unit_test(test_chunked_content_is_refused),
		cmocka_unit_test(test_chunk_extensions_are_bounded),
		cmocka_unit_test(test_content_of_known_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
