/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 clients that do not behave, frame by frame: each has its end, its error code and its reason. */
#include "tests/unit/h2_harness.h"

/* ------------------------------------------------------------------ frames */

static void put_frame(struct output *o, uint8_t type, uint8_t flags, uint32_t id,
		      const void *payload, size_t len)
{
	const uint8_t head[H2_FRAME_HEAD] = {
		(uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len,       type,        flags,
		(uint8_t)(id >> 24),  (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id,
	};

	output_add(o, head, sizeof head);
	output_add(o, payload, len);
}

static void put_number(struct output *o, uint8_t type, uint32_t id, uint32_t number)
{
	const uint8_t be[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
			       (uint8_t)(number >> 8), (uint8_t)number};

	put_frame(o, type, 0, id, be, sizeof be);
}

static void put_preface(struct output *o)
{
	output_add(o, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
	put_frame(o, NGHTTP2_SETTINGS, 0, 0, "", 0);
	put_frame(o, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "", 0);
}

/* GET / of h, indexed as far as it goes. */
static const uint8_t get_root[] = {0x82, 0x86, 0x84, 0x41, 0x01, 'h'};
#define END_HEADERS NGHTTP2_FLAG_END_HEADERS
#define END_BOTH (NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM)

static void put_get(struct output *o, uint32_t id, uint8_t flags)
{
	put_frame(o, NGHTTP2_HEADERS, flags, id, get_root, sizeof get_root);
}

/* All that the connection has to say, looked through for GOAWAYs and RST_STREAMs. */
static void hear(struct h2_peer *p)
{
	uint8_t buf[65536];
	size_t len;

	while ((len = http_conn_produce(p->c, p->now, buf, sizeof buf)) > 0)
		watch_frames(p, buf, len);
	assert_false(http_conn_has_output(p->c));
}

/* Says it all, and hears the answers in between. */
static void play(struct h2_peer *p, const struct output *o)
{
	size_t at = 0, taken;

	do {
		taken = give(p, o->data + at, o->len - at < 1000 ? o->len - at : 1000);
		at += taken;
		hear(p);
	} while (at < o->len && taken > 0);
}

/* ------------------------------------------------------------------ floods */

static void rapid_reset(struct output *o, uint32_t i)
{
	put_get(o, 2 * i + 1, END_BOTH);
	put_number(o, NGHTTP2_RST_STREAM, 2 * i + 1, NGHTTP2_CANCEL);
}

/* CVE-2025-8671: the client makes us reset what it has asked for. */
static void provoked_reset(struct output *o, uint32_t i)
{
	put_get(o, 2 * i + 1, END_HEADERS);
	put_number(o, NGHTTP2_WINDOW_UPDATE, 2 * i + 1, INT32_MAX); /* more than a window can be */
}

static void malformed(struct output *o, uint32_t i)
{
	put_frame(o, NGHTTP2_HEADERS, END_BOTH, 2 * i + 1, get_root, 3); /* without a host */
}

static void ping(struct output *o, uint32_t i)
{
	(void)i;
	put_frame(o, NGHTTP2_PING, 0, 0, "12345678", 8);
}

static void ping_ack(struct output *o, uint32_t i)
{
	(void)i;
	put_frame(o, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "12345678", 8);
}

static void settings(struct output *o, uint32_t i)
{
	(void)i;
	put_frame(o, NGHTTP2_SETTINGS, 0, 0, "\0\4\0\0\xff\xff", 6);
}

static void priority(struct output *o, uint32_t i)
{
	put_frame(o, NGHTTP2_PRIORITY, 0, 2 * i + 1, "\0\0\0\0\20", 5);
}

static void priority_update(struct output *o, uint32_t i)
{
	(void)i;
	put_frame(o, NGHTTP2_PRIORITY_UPDATE, 0, 0, "\0\0\0\1u=1", 7);
}

static void window_update(struct output *o, uint32_t i)
{
	(void)i;
	put_number(o, NGHTTP2_WINDOW_UPDATE, 0, 1);
}

static void empty_data(struct output *o, uint32_t i)
{
	if (i == 0)
		put_get(o, 1, END_HEADERS);
	put_frame(o, NGHTTP2_DATA, 0, 1, "", 0);
}

static void padded_data(struct output *o, uint32_t i)
{
	if (i == 0)
		put_get(o, 1, END_HEADERS);
	put_frame(o, NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, "\5\0\0\0\0\0", 6);
}

/* A few are borne with, thousands are not. */
static void test_floods(void **state)
{
	static const struct {
		const char *name;
		void (*put)(struct output *o, uint32_t i);
		uint32_t borne;
		enum http_end end;
	} cases[] = {
		{"rapid reset", rapid_reset, 500, HTTP_END_RESETS},
		{"provoked resets", provoked_reset, 500, HTTP_END_RESETS},
		{"malformed requests", malformed, 500, HTTP_END_RESETS},
		{"PING", ping, 900, HTTP_END_FLOOD},
		{"PING that nobody asked", ping_ack, 900, HTTP_END_FLOOD},
		{"SETTINGS", settings, 900, HTTP_END_FLOOD},
		{"PRIORITY", priority, 900, HTTP_END_FLOOD},
		{"PRIORITY_UPDATE", priority_update, 900, HTTP_END_FLOOD},
		{"WINDOW_UPDATE", window_update, 900, HTTP_END_FLOOD},
		{"empty DATA", empty_data, 900, HTTP_END_FLOOD},
		{"DATA of padding", padded_data, 900, HTTP_END_FLOOD},
	};
	struct http_server *server = site_server(*state);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct h2_peer *p = peer_new(server);
		struct output few = {0}, many = {0};

		put_preface(&few);
		for (uint32_t j = 0; j < cases[i].borne; j++)
			cases[i].put(&few, j);
		play(p, &few);
		if (p->goaways > 0 || http_conn_finished(p->c))
			fail_msg("%s: a few are too many", cases[i].name);
		for (uint32_t j = cases[i].borne; j < 3000; j++)
			cases[i].put(&many, j);
		play(p, &many);
		if (p->goaways != 1 || p->goaway_error != NGHTTP2_ENHANCE_YOUR_CALM ||
		    !http_conn_finished(p->c) || http_conn_end(p->c) != cases[i].end)
			fail_msg("%s: %u GOAWAY, error %u, finished %d, end %d", cases[i].name,
				 p->goaways, p->goaway_error, http_conn_finished(p->c),
				 http_conn_end(p->c));
		free(few.data);
		free(many.data);
		peer_free(p);
	}
	http_server_destroy(server);
}

/* The buckets fill with time: who stays below the rate is never sent away. */
static void test_as_much_over_time_is_no_flood(void **state)
{
	static void (*const put[])(struct output *, uint32_t) = {ping, window_update};
	struct http_server *server = site_server(*state);

	for (size_t i = 0; i < sizeof put / sizeof put[0]; i++) {
		struct h2_peer *p = peer_new(server);
		struct output o = {0};
		put_preface(&o);
		play(p, &o);
		for (uint32_t j = 0; j < 5000; j++) {
			p->now = at_us(j * 10000ull); /* 100 a second */
			o.len = 0;
			put[i](&o, j);
			play(p, &o);
		}
		assert_int_equal(p->goaways, 0);
		free(o.data);
		peer_free(p);
	}
	http_server_destroy(server);
}

/* Whoever asks and takes the answers back, but for each that it takes back is given another whole. */
static void test_every_second_request_taken_back_is_no_flood(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);
	struct output o = {0};

	put_preface(&o);
	for (uint32_t i = 0; i < 450; i++) {
		put_get(&o, 4 * i + 1, END_BOTH);
		put_get(&o, 4 * i + 3, END_BOTH);
		put_number(&o, NGHTTP2_RST_STREAM, 4 * i + 3, NGHTTP2_CANCEL);
	}
	play(p, &o);
	assert_int_equal(p->goaways, 0);
	free(o.data);
	peer_free(p);
	http_server_destroy(server);
}

/* Nobody takes the acknowledgements: then nothing more is read, and memory stays what it is. */
static void test_answers_that_nobody_takes_stop_the_reading(void **state)
{
	static void (*const put[])(struct output *, uint32_t) = {ping, settings, rapid_reset};
	struct http_server *server = site_server(*state);

	for (size_t i = 0; i < sizeof put / sizeof put[0]; i++) {
		struct h2_peer *p = peer_new(server);
		struct output o = {0};
		p->step = 100;
		put_preface(&o);
		for (uint32_t j = 0; j < 400; j++)
			put[i](&o, j);
		const size_t taken = give(p, o.data, o.len);
		if (i < 2)
			assert_in_range(taken, 256 * H2_FRAME_HEAD, 300 * 17);
		else
			assert_true(taken > 0);
		hear(p);
		assert_int_equal(give(p, o.data + taken, o.len - taken), o.len - taken);
		hear(p);
		if (p->goaways > 0)
			fail_msg("case %zu: error %u, end %d", i, p->goaway_error,
				 http_conn_end(p->c));
		free(o.data);
		peer_free(p);
	}
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ field sections */

static void test_continuation_without_end(void **state)
{
	struct http_server *server = site_server(*state);

	for (int empty = 0; empty < 2; empty++) {
		struct h2_peer *p = peer_new(server);
		struct output o = {0};
		put_preface(&o);
		put_get(&o, 1, NGHTTP2_FLAG_END_STREAM);
		for (int i = 0; i < 100; i++)
			put_frame(&o, NGHTTP2_CONTINUATION, 0, 1, "\0\1a\1b", empty ? 0 : 5);
		play(p, &o);
		assert_int_equal(p->goaways, 1);
		assert_int_equal(p->goaway_error, NGHTTP2_ENHANCE_YOUR_CALM);
		assert_true(http_conn_finished(p->c));
		assert_int_equal(http_conn_end(p->c), HTTP_END_HEAD_TOO_LARGE);
		free(o.data);
		peer_free(p);
	}
	http_server_destroy(server);
}

/* One field of 3,000 bytes in the table, named by a byte each time: 14 KiB stand for 42 MB. */
static void put_bomb(struct output *o, uint32_t id, size_t times)
{
	struct output block = {0};
	static char value[3000];

	memset(value, 'v', sizeof value);
	output_add(&block, get_root, sizeof get_root);
	output_add(&block, "\x40\1x\x7f\xb9\x16", 6); /* 3000 = 127 + 0x39 + 0x16 × 128 */
	output_add(&block, value, sizeof value);
	for (size_t i = 0; i < times; i++)
		output_add(&block, "\xbe", 1); /* the newest entry */
	put_frame(o, NGHTTP2_HEADERS, END_BOTH, id, block.data, block.len);
	free(block.data);
}

static void test_hpack_bomb(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);
	struct output o = {0};

	put_preface(&o);
	put_bomb(&o, 1, 0);  /* 3 kB: an answer   */
	put_bomb(&o, 3, 10); /* 33 kB: 431        */
	play(p, &o);
	assert_int_equal(p->goaways, 0);
	assert_int_equal(http_conn_requests(p->c), 2);
	o.len = 0;
	put_bomb(&o, 5, 13000);
	play(p, &o);
	assert_int_equal(p->goaways, 1);
	assert_int_equal(p->goaway_error, NGHTTP2_ENHANCE_YOUR_CALM);
	assert_true(http_conn_finished(p->c));
	assert_int_equal(http_conn_end(p->c), HTTP_END_HEAD_TOO_LARGE);
	free(o.data);
	peer_free(p);
	http_server_destroy(server);
}

/* RFC 9218 7.1: priorities for streams to come take memory, so there are at most as many as may be open. */
static void test_priorities_of_streams_that_never_come(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);
	struct output o = {0};
	uint8_t payload[] = {0, 0, 0, 0, 'u', '=', '0'};

	put_preface(&o);
	for (uint32_t i = 0; i < 200; i++) {
		payload[2] = (uint8_t)((2 * i + 1) >> 8);
		payload[3] = (uint8_t)(2 * i + 1);
		put_frame(&o, NGHTTP2_PRIORITY_UPDATE, 0, 0, payload, sizeof payload);
		if (i == 127) {
			play(p, &o);
			assert_int_equal(p->goaways, 0);
			o.len = 0;
		}
	}
	play(p, &o);
	assert_int_equal(p->goaways, 1);
	assert_true(http_conn_finished(p->c));
	free(o.data);
	peer_free(p);
	http_server_destroy(server);
}

static void test_trailers_are_no_way_around(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);
	struct output o = {0}, block = {0};
	static char value[3000];

	put_preface(&o);
	put_get(&o, 1, END_HEADERS);
	memset(value, 'v', sizeof value);
	output_add(&block, "\x40\1x\x7f\xb9\x16", 6);
	output_add(&block, value, sizeof value);
	for (int i = 0; i < 100; i++)
		output_add(&block, "\xbe", 1);
	put_frame(&o, NGHTTP2_HEADERS, END_BOTH, 1, block.data, block.len);
	play(p, &o);
	assert_int_equal(p->goaways, 1);
	assert_int_equal(http_conn_end(p->c), HTTP_END_HEAD_TOO_LARGE);
	free(o.data);
	free(block.data);
	peer_free(p);
	http_server_destroy(server);
}

static void test_a_field_section_that_never_ends(void **state)
{
	struct http_server *server = site_server(*state);

	for (size_t cut = 0; cut < 2; cut++) {
		struct h2_peer *p = peer_new(server);
		struct output o = {0};
		put_preface(&o);
		put_get(&o, 1, NGHTTP2_FLAG_END_STREAM); /* and no CONTINUATION */
		o.len -= cut;                            /* nor all of it       */
		play(p, &o);
		assert_false(http_conn_idle(p->c));
		assert_int_equal(http_conn_deadline(p->c), 20 * SECOND);
		advance_to(p, 20 * SECOND);
		hear(p);
		assert_int_equal(p->goaways, 1);
		assert_true(http_conn_finished(p->c));
		assert_int_equal(http_conn_end(p->c), HTTP_END_HEAD_TIMEOUT);
		free(o.data);
		peer_free(p);
	}
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ what no client says */

static void test_errors_of_the_connection(void **state)
{
	static const struct {
		const char *name;
		const char *bytes;
		size_t len;
		uint32_t error;
	} cases[] = {
#define CASE(name, bytes, error) {name, bytes, sizeof(bytes) - 1, error}
		CASE("DATA on an idle stream (5.1)", "\0\0\1\0\0\0\0\0\1x", NGHTTP2_PROTOCOL_ERROR),
		CASE("DATA on stream 0 (6.1)", "\0\0\1\0\0\0\0\0\0x", NGHTTP2_PROTOCOL_ERROR),
		CASE("HEADERS on stream 0 (6.2)", "\0\0\1\1\5\0\0\0\0\x82", NGHTTP2_PROTOCOL_ERROR),
		CASE("an even stream (5.1.1)", "\0\0\1\1\5\0\0\0\2\x82", NGHTTP2_PROTOCOL_ERROR),
		CASE("RST_STREAM of an idle stream (6.4)", "\0\0\4\3\0\0\0\0\1\0\0\0\0",
		     NGHTTP2_PROTOCOL_ERROR),
		CASE("RST_STREAM of 3 bytes (6.4)", "\0\0\3\3\0\0\0\0\1\0\0\0",
		     NGHTTP2_FRAME_SIZE_ERROR),
		CASE("SETTINGS of 5 bytes (6.5)", "\0\0\5\4\0\0\0\0\0\0\0\0\0\0",
		     NGHTTP2_FRAME_SIZE_ERROR),
		CASE("SETTINGS on a stream (6.5)", "\0\0\0\4\0\0\0\0\1", NGHTTP2_PROTOCOL_ERROR),
		CASE("an acknowledgement with content (6.5)", "\0\0\6\4\1\0\0\0\0\0\1\0\0\0\0",
		     NGHTTP2_FRAME_SIZE_ERROR),
		CASE("ENABLE_PUSH of 2 (6.5.2)", "\0\0\6\4\0\0\0\0\0\0\2\0\0\0\2",
		     NGHTTP2_PROTOCOL_ERROR),
		CASE("INITIAL_WINDOW_SIZE of 2^31 (6.5.2)", "\0\0\6\4\0\0\0\0\0\0\4\x80\0\0\0",
		     NGHTTP2_FLOW_CONTROL_ERROR),
		CASE("MAX_FRAME_SIZE of 1 (6.5.2)", "\0\0\6\4\0\0\0\0\0\0\5\0\0\0\1",
		     NGHTTP2_PROTOCOL_ERROR),
		CASE("PUSH_PROMISE (8.4)", "\0\0\5\5\4\0\0\0\1\0\0\0\2\x82",
		     NGHTTP2_PROTOCOL_ERROR),
		CASE("PING of 7 bytes (6.7)",
		     "\0\0\7\6\0\0\0\0\0"
		     "1234567",
		     NGHTTP2_FRAME_SIZE_ERROR),
		CASE("PING on a stream (6.7)",
		     "\0\0\10\6\0\0\0\0\1"
		     "12345678",
		     NGHTTP2_PROTOCOL_ERROR),
		CASE("WINDOW_UPDATE by 0 (6.9)", "\0\0\4\10\0\0\0\0\0\0\0\0\0",
		     NGHTTP2_PROTOCOL_ERROR),
		CASE("a window above 2^31-1 (6.9.1)", "\0\0\4\10\0\0\0\0\0\x7f\xff\xff\xff",
		     NGHTTP2_FLOW_CONTROL_ERROR),
		CASE("CONTINUATION of nothing (6.10)", "\0\0\1\11\4\0\0\0\1\x82",
		     NGHTTP2_PROTOCOL_ERROR),
		CASE("another frame within a field section (6.10)",
		     "\0\0\1\1\0\0\0\0\1\x82\0\0\10\6\0\0\0\0\0"
		     "12345678",
		     NGHTTP2_PROTOCOL_ERROR),
		CASE("a frame of 16,385 bytes (4.2)", "\0\x40\1\0\0\0\0\0\1",
		     NGHTTP2_FRAME_SIZE_ERROR),
		CASE("an index of HPACK that is none", "\0\0\1\1\5\0\0\0\1\xff",
		     NGHTTP2_COMPRESSION_ERROR),
		CASE("more padding than there is (6.2)", "\0\0\2\1\15\0\0\0\1\x50\x82",
		     NGHTTP2_PROTOCOL_ERROR),
#undef CASE
	};
	struct http_server *server = site_server(*state);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t step = 1; step < 1000; step += 998) {
			struct h2_peer *p = peer_new(server);
			struct output o = {0};
			p->step = step;
			put_preface(&o);
			output_add(&o, cases[i].bytes, cases[i].len);
			play(p, &o);
			if (p->goaways != 1 || p->goaway_error != cases[i].error ||
			    !http_conn_finished(p->c) || http_conn_end(p->c) != HTTP_END_REFUSED)
				fail_msg("%s: %u GOAWAY, error %u, finished %d, end %d",
					 cases[i].name, p->goaways, p->goaway_error,
					 http_conn_finished(p->c), http_conn_end(p->c));
			free(o.data);
			peer_free(p);
		}
	}
	http_server_destroy(server);
}

static void test_a_preface_that_is_none(void **state)
{
	static const char *const cases[] = {
		"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\rx",
		"\x16\x03\x01\x02\x01",
	};
	struct http_server *server = site_server(*state);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct h2_peer *p = peer_new(server);
		give(p, (const uint8_t *)cases[i], strlen(cases[i]));
		hear(p);
		assert_int_equal(p->goaways, 1);
		assert_int_equal(p->goaway_error, NGHTTP2_PROTOCOL_ERROR);
		assert_true(http_conn_finished(p->c));
		assert_int_equal(http_conn_end(p->c), HTTP_END_REFUSED);
		peer_free(p);
	}
	http_server_destroy(server);
}

/* RFC 9113 5.1.2: one stream more than we have announced, while all others wait for their windows. */
static void test_the_129th_stream(void **state)
{
	struct http_server *server = site_server(*state);

	for (int acked = 0; acked < 2; acked++) {
		struct h2_peer *p = peer_new(server);
		struct output o = {0};
		output_add(&o, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
		put_frame(&o, NGHTTP2_SETTINGS, 0, 0, "\0\4\0\0\0\0", 6); /* windows of 0 */
		if (acked)
			put_frame(&o, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "", 0);
		for (uint32_t i = 0; i < 128; i++)
			put_get(&o, 2 * i + 1, END_BOTH);
		play(p, &o);
		assert_int_equal(http_conn_requests(p->c), 128);
		assert_int_equal(p->goaways, 0);
		o.len = 0;
		put_get(&o, 257, END_BOTH);
		play(p, &o);
		/* It cannot know before our SETTINGS have reached it. */
		assert_int_equal(p->goaways, acked);
		assert_int_equal(http_conn_requests(p->c), 128);
		free(o.data);
		peer_free(p);
	}
	http_server_destroy(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_as_much_over_time_is_no_flood),
		cmocka_unit_test(test_every_second_request_taken_back_is_no_flood),
		cmocka_unit_test(test_answers_that_nobody_takes_stop_the_reading),
		cmocka_unit_test(test_continuation_without_end),
		cmocka_unit_test(test_hpack_bomb),
		cmocka_unit_test(test_priorities_of_streams_that_never_come),
		cmocka_unit_test(test_trailers_are_no_way_around),
		cmocka_unit_test(test_a_field_section_that_never_ends),
		cmocka_unit_test(test_errors_of_the_connection),
		cmocka_unit_test(test_a_preface_that_is_none),
		cmocka_unit_test(test_the_129th_stream),
	};

	return cmocka_run_group_tests(tests, site_setup, site_teardown);
}
