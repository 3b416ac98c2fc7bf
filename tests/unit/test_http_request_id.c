/* SPDX-License-Identifier: Apache-2.0 */
/* Names of requests: none twice, and none taken from a client. */
#include "tests/unit/http_harness.h"

#include "http/request_id.h"

#define NAMES 20000

static const uint64_t key[3] = {0x0123456789abcdef, 77, 1234567890123456789u};

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void test_no_two_are_equal(void **state)
{
	static char names[NAMES][HTTP_REQUEST_ID_SIZE];

	(void)state;
	for (uint64_t n = 0; n < NAMES; n++) {
		http_request_id(key, n, names[n]);
		assert_int_equal(strlen(names[n]), 32);
		assert_int_equal(strspn(names[n], "0123456789abcdef"), 32);
		assert_memory_equal(names[n], "0123456789abcdef", 16);
	}
	qsort(names, NAMES, sizeof names[0], compare);
	for (size_t n = 1; n < NAMES; n++)
		assert_string_not_equal(names[n - 1], names[n]);
}

static void test_another_key_gives_other_names(void **state)
{
	const uint64_t other[3] = {key[0] + 1, key[1], key[2]};
	char a[HTTP_REQUEST_ID_SIZE], b[HTTP_REQUEST_ID_SIZE];

	(void)state;
	http_request_id(key, 1, a);
	http_request_id(other, 1, b);
	assert_string_not_equal(a, b);
}

struct journal {
	char id[8][HTTP_REQUEST_ID_SIZE];
	unsigned requests[8];
	uint64_t bytes[8];
	int count;
};

static void record(void *ctx, const struct http_log_entry *e)
{
	struct journal *j = ctx;

	assert_true(j->count < 8);
	snprintf(j->id[j->count], HTTP_REQUEST_ID_SIZE, "%s", e->request_id);
	j->requests[j->count] = e->requests;
	j->bytes[j->count++] = e->bytes;
}

static struct http_server *named_server(const struct site *s, struct journal *j, bool send)
{
	struct http_server_config cfg;
	struct http_site site;

	http_site_default(&site);
	http_server_config_default(&cfg);
	site.root_fd = s->root_fd;
	cfg.sites = &site;
	cfg.site_count = 1;
	cfg.log = record;
	cfg.log_ctx = j;
	memcpy(cfg.request_id_key, key, sizeof key);
	cfg.send_request_id = send;
	struct http_server *server = http_server_create(&cfg);
	assert_non_null(server);
	return server;
}

#define THREE                                                                     \
	"GET /hello.txt HTTP/1.1\r\nHost: h\r\nX-Request-Id: of-a-client\r\n\r\n" \
	"GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n"                                \
	"GET /a\n"

/* The response and the log say the same, whatever the answer is; what the client calls its request does not matter. */
static void test_sent_and_logged(void **state)
{
	struct journal j = {0};
	struct http_server *server = named_server(*state, &j, true);
	struct output out;
	const char *at;

	converse_text(server, THREE, &out);
	assert_int_equal(j.count, 3);
	at = (const char *)out.data;
	uint64_t total = 0;
	for (int i = 0; i < 3; i++) {
		at = strstr(at, "\r\nX-Request-Id: ");
		assert_non_null(at);
		at += strlen("\r\nX-Request-Id: ");
		assert_memory_equal(at, j.id[i], 32);
		assert_memory_equal(at + 32, "\r\n", 2);
		assert_memory_equal(at, "0123456789abcdef", 16);
		assert_int_equal(j.requests[i], i + 1);
		total += j.bytes[i];
	}
	assert_int_equal(total, out.len);
	assert_null(strstr((const char *)out.data, "of-a-client"));
	free(out.data);
	http_server_destroy(server);
}

static void test_not_sent_unless_asked_for(void **state)
{
	struct journal j = {0};
	struct http_server *server = named_server(*state, &j, false);
	struct output out;

	converse_text(server, THREE, &out);
	assert_int_equal(j.count, 3);
	assert_null(strstr((const char *)out.data, "X-Request-Id"));
	assert_string_not_equal(j.id[0], j.id[1]);
	free(out.data);
	http_server_destroy(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_two_are_equal),
		cmocka_unit_test(test_another_key_gives_other_names),
		cmocka_unit_test(test_sent_and_logged),
		cmocka_unit_test(test_not_sent_unless_asked_for),
	};
	return cmocka_run_group_tests(tests, site_setup, site_teardown);
}
