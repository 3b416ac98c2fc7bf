/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and their answers over HTTP/2: the same as over HTTP/1, many at once, in any pieces. */
#include "tests/unit/h2_harness.h"

/* ------------------------------------------------------------------ as over HTTP/1 */

/* The field lines of a head, as h2_harness.h has them: without what is about the connection. */
static void fields_of(const char *head, char *out, size_t size)
{
	const char *line = strstr(head, "\r\n") + 2;

	out[0] = '\0';
	while (*line != '\r') {
		const char *end = strstr(line, "\r\n");
		const char *colon = strchr(line, ':');
		const size_t at = strlen(out);

		if (strncmp(line, "Connection:", 11) != 0)
			snprintf(out + at, size - at, "%.*s\n", (int)(end - line), line);
		for (size_t i = 0; at + i < strlen(out) && line + i < colon; i++)
			out[at + i] = http_lower(out[at + i]);
		line = end + 2;
	}
}

/* Method, target and field lines as a request of HTTP/1. */
static void request_text(const char *const parts[3], char *out, size_t size)
{
	size_t at =
		(size_t)snprintf(out, size, "%s %s HTTP/1.1\r\nHost: h\r\n", parts[0], parts[1]);

	for (const char *line = parts[2]; *line; line += strcspn(line, "\n") + 1)
		at += (size_t)snprintf(out + at, size - at, "%.*s\r\n", (int)strcspn(line, "\n"),
				       line);
	snprintf(out + at, size - at, "\r\n");
}

static void test_answers_are_those_of_http_1(void **state)
{
	static const char *const cases[][3] = {
		{"GET", "/", ""},
		{"GET", "/hello.txt", ""},
		{"HEAD", "/hello.txt", ""},
		{"GET", "/empty.txt", ""},
		{"HEAD", "/", ""},
		{"GET", "/sub", ""},
		{"GET", "/sub?a=b", ""},
		{"GET", "/nothing", ""},
		{"HEAD", "/nothing", ""},
		{"GET", "/noindex/", ""},
		{"GET", "/big.bin", ""},
		{"GET", "/big.bin", "range: bytes=5-99\n"},
		{"GET", "/big.bin", "range: bytes=-7\n"},
		{"GET", "/big.bin", "range: bytes=0-0,100-199,5000-\n"},
		{"GET", "/hello.txt", "range: bytes=100-\n"},
		{"GET", "/hello.txt", "if-modified-since: " FILE_MTIME_TEXT "\n"},
		{"GET", "/hello.txt", "if-match: \"other\"\n"},
		{"POST", "/hello.txt", ""},
		{"DELETE", "/hello.txt", ""},
		{"BREW", "/hello.txt", ""},
		{"OPTIONS", "/hello.txt", ""},
		{"OPTIONS", "*", ""},
		{"GET", "/%zz", ""},
		{"GET", "/a%2fb", ""},
		{"GET", "/../x", ""},
		{"GET", "/a%20b.txt", ""},
		{"GET", "/hello.txt", "expect: magic\n"},
		{"GET", "/hello.txt", "user-agent: x\nreferer: y\nx-other: z\n"},
	};
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char request[512], head[4096], fields[2048];
		struct output out;

		request_text(cases[i], request, sizeof request);
		converse_text(server, request, &out);
		const char *end = strstr((char *)out.data, "\r\n\r\n");
		assert_non_null(end);
		const size_t head_len = (size_t)(end - (char *)out.data) + 4;
		memcpy(head, out.data, head_len);
		head[head_len] = '\0';
		fields_of(head, fields, sizeof fields);

		const struct answer *a = fetch_answer(p, cases[i][0], cases[i][1], cases[i][2]);
		assert_int_equal(a->status, atoi(head + 9));
		if (!strstr(fields, "multipart/")) { /* whose boundary is another each time */
			assert_string_equal(a->fields, fields);
			assert_int_equal(a->body.len, out.len - head_len);
			assert_memory_equal(a->body.data, out.data + head_len, a->body.len);
		} else {
			assert_int_equal(a->body.len, out.len - head_len);
		}
		free(out.data);
	}
	assert_int_equal(p->goaways, 0);
	peer_free(p);
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ many at once */

static void test_a_hundred_streams_at_once(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_new(server);
	int32_t ids[100];

	pump(p); /* the server's SETTINGS */
	assert_int_equal(p->max_streams, 128);
	assert_int_equal(p->header_list, 16384);
	assert_int_equal(p->no_rfc7540, 1);
	for (int i = 0; i < 100; i++)
		ids[i] = ask(p, "GET", i % 10 ? "/hello.txt" : "/big.bin", "");
	pump(p);
	for (int i = 0; i < 100; i++) {
		struct answer *a = answer_of(p, ids[i]);
		assert_true(a->closed && a->error == 0 && a->status == 200);
		if (i % 10 == 0)
			expect_big(a, 0, BIG_SIZE);
		else
			assert_string_equal((char *)a->body.data, HELLO);
	}
	assert_int_equal(http_conn_requests(p->c), 100);
	assert_true(http_conn_idle(p->c));
	assert_false(http_conn_finished(p->c));
	peer_free(p);
	http_server_destroy(server);
}

static void test_tiny_windows(void **state)
{
	static const uint32_t windows[] = {1, 2, 7, 1000};
	struct http_server *server = site_server(*state);

	for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
		struct h2_peer *p = peer_with(server, HTTP_PROTOCOL_2, windows[i]);
		const int32_t text = ask(p, "GET", "/hello.txt", ""),
			      part = ask(p, "GET", "/big.bin", "range: bytes=100-1099\n");
		pump(p);
		assert_string_equal((char *)answer_of(p, text)->body.data, HELLO);
		expect_big(answer_of(p, part), 100, 1100);
		assert_int_equal(p->goaways, 0);
		peer_free(p);
	}
	http_server_destroy(server);
}

/* No DATA is made before there is room for it, nor beyond the window. */
static void test_windows_and_room_bound_what_is_made(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_with(server, HTTP_PROTOCOL_2, 0);
	const int32_t id = ask(p, "GET", "/big.bin", "");

	pump(p);
	assert_int_equal(answer_of(p, id)->status, 200);
	assert_int_equal(answer_of(p, id)->body.len, 0);
	assert_false(http_conn_has_output(p->c));
	assert_int_equal(nghttp2_submit_window_update(p->ng, NGHTTP2_FLAG_NONE, id, 50000), 0);
	speak(p);
	assert_true(http_conn_has_output(p->c));
	assert_true(fetch(p, 1000));
	assert_in_range(answer_of(p, id)->body.len, 900, 991);
	while (http_conn_has_output(p->c))
		assert_true(fetch(p, 1000));
	assert_int_equal(answer_of(p, id)->body.len, 50000);
	peer_free(p);
	http_server_destroy(server);
}

/* Every cut of what the client says, and every room for what it is told, leads to the same. */
static void test_pieces_of_every_size(void **state)
{
	static const size_t sizes[] = {1, 2, 3, 9, 10, 17, 100, 127, 128, 129, 4096};
	struct http_server *server = site_server(*state);

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		for (int way = 0; way < 3; way++) {
			struct content content = {.left = 3000, .trailer = way == 2};
			struct h2_peer *p = peer_new(server);
			p->step = way != 1 ? sizes[i] : SIZE_MAX;
			p->room = way != 0 ? sizes[i] : SIZE_MAX;
			const int32_t get = ask(p, "GET", "/hello.txt", "user-agent: somebody\n"),
				      part = ask(p, "GET", "/big.bin", "range: bytes=7-20006\n"),
				      head = ask(p, "HEAD", "/big.bin", ""),
				      none = ask(p, "GET", "/none", ""),
				      post = upload(p, "POST", "/hello.txt", "", &content);
			pump(p);
			assert_string_equal((char *)answer_of(p, get)->body.data, HELLO);
			expect_big(answer_of(p, part), 7, 20007);
			assert_true(answer_of(p, head)->ended);
			assert_int_equal(answer_of(p, head)->body.len, 0);
			assert_int_equal(answer_of(p, none)->status, 404);
			assert_int_equal(answer_of(p, post)->status, 405);
			assert_true(answer_of(p, post)->closed);
			assert_int_equal(p->goaways, 0);
			peer_free(p);
		}
	}
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ priorities */

/* RFC 9218 4.1: urgency first; 10: among equals that are not incremental, one after the other. */
static void test_urgent_answers_come_first(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_with(server, HTTP_PROTOCOL_2, 4 << 20);

	assert_int_equal(
		nghttp2_session_set_local_window_size(p->ng, NGHTTP2_FLAG_NONE, 0, 64 << 20), 0);
	const int32_t later = ask(p, "GET", "/big.bin", "priority: u=7\n"),
		      first = ask(p, "GET", "/big.bin", "priority: u=1\n"),
		      second = ask(p, "GET", "/big.bin", "priority: u=2\n"),
		      usual = ask(p, "GET", "/big.bin", "");
	pump(p);
	assert_int_equal(answer_of(p, first)->order, 1);
	assert_int_equal(answer_of(p, second)->order, 2);
	assert_int_equal(answer_of(p, usual)->order, 3);
	assert_int_equal(answer_of(p, later)->order, 4);
	peer_free(p);
	http_server_destroy(server);
}

static void test_incremental_answers_share(void **state)
{
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_with(server, HTTP_PROTOCOL_2, 4 << 20);

	assert_int_equal(
		nghttp2_session_set_local_window_size(p->ng, NGHTTP2_FLAG_NONE, 0, 64 << 20), 0);
	const int32_t a = ask(p, "GET", "/big.bin", "priority: i\n"),
		      b = ask(p, "GET", "/big.bin", "priority: i\n");
	speak(p);
	for (int i = 0; i < 10; i++)
		fetch(p, 65536);
	assert_true(answer_of(p, a)->body.len > 200000 && answer_of(p, b)->body.len > 200000);
	peer_free(p);
	http_server_destroy(server);
}

/* RFC 9218 7.1: a frame changes the urgency of a stream that is under way. */
static void test_priority_update(void **state)
{
	static uint8_t urgent[] = "u=0";
	struct http_server *server = site_server(*state);
	struct h2_peer *p = peer_with(server, HTTP_PROTOCOL_2, 4 << 20);

	assert_int_equal(
		nghttp2_session_set_local_window_size(p->ng, NGHTTP2_FLAG_NONE, 0, 64 << 20), 0);
	const int32_t a = ask(p, "GET", "/big.bin", ""), b = ask(p, "GET", "/big.bin", "");
	speak(p);
	fetch(p, 65536);
	assert_true(answer_of(p, a)->body.len > 0 && answer_of(p, b)->body.len == 0);
	assert_int_equal(nghttp2_submit_priority_update(p->ng, NGHTTP2_FLAG_NONE, b, urgent, 3), 0);
	pump(p);
	assert_int_equal(answer_of(p, b)->order, 1);
	assert_int_equal(answer_of(p, a)->order, 2);
	peer_free(p);
	http_server_destroy(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_are_those_of_http_1),
		cmocka_unit_test(test_a_hundred_streams_at_once),
		cmocka_unit_test(test_tiny_windows),
		cmocka_unit_test(test_windows_and_room_bound_what_is_made),
		cmocka_unit_test(test_pieces_of_every_size),
		cmocka_unit_test(test_urgent_answers_come_first),
		cmocka_unit_test(test_incremental_answers_share),
		cmocka_unit_test(test_priority_update),
	};

	return cmocka_run_group_tests(tests, site_setup, site_teardown);
}
