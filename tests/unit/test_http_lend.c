/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are sent from where they are (http_conn_lend): the same bytes as when they are copied. */
#include "tests/unit/http_harness.h"

#define H "Host: h\r\n"
#define LONG_SIZE (3u * 1024 * 1024 + 17)

struct taken {
	struct output o;
	size_t lent, loans;
	struct http_lent held[64]; /* not released yet */
};

static void write_long(const struct site *s)
{
	uint8_t *data = malloc(LONG_SIZE);

	assert_non_null(data);
	for (size_t i = 0; i < LONG_SIZE; i++)
		data[i] = big_byte(i);
	write_file(s->root_fd, "long.bin", data, LONG_SIZE);
	free(data);
}

/* Takes what the connection has to say: lent where it can be, at most `max` at a time, else produced. */
static void take_all(struct http_conn *c, size_t max, struct taken *t)
{
	uint8_t buf[20000];
	struct http_lent lent;

	while (http_conn_has_output(c)) {
		if (t->loans < 64 && http_conn_lend(c, max, &lent)) {
			assert_true(lent.len > 0 && lent.len <= max);
			output_add(&t->o, lent.data, lent.len);
			http_conn_lent(c, at_us(0), lent.len);
			t->lent += lent.len;
			t->held[t->loans++] = lent;
			continue;
		}
		const size_t n = http_conn_produce(c, at_us(0), buf, sizeof buf);
		if (n == 0)
			break;
		output_add(&t->o, buf, n);
	}
}

static void release_all(struct taken *t)
{
	for (size_t i = 0; i < t->loans; i++)
		t->held[i].release(t->held[i].owner);
	free(t->o.data);
	*t = (struct taken){0};
}

static void ask(struct http_conn *c, const char *request)
{
	uint8_t *buf;
	const size_t len = strlen(request);

	assert_true(http_conn_reserve(c, &buf) >= len);
	memcpy(buf, request, len);
	http_conn_commit(c, at_us(0), len);
}

static const char *body_of(const struct taken *t, size_t *len)
{
	const char *at = memmem(t->o.data, t->o.len, "\r\n\r\n", 4);

	assert_non_null(at);
	*len = t->o.len - (size_t)(at + 4 - (const char *)t->o.data);
	return at + 4;
}

static void check_file(const struct taken *t, size_t from, size_t want)
{
	size_t len;
	const char *body = body_of(t, &len);

	assert_int_equal(len, want);
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)body[i] != big_byte(from + i))
			fail_msg("byte %zu is wrong", i);
}

static void test_a_file_is_lent(void **state)
{
	static const size_t most[] = {16384, 20000, 100000, SIZE_MAX};
	const struct site *s = *state;
	struct http_server *server = site_server(s);

	write_long(s);
	for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) {
		struct http_conn *c =
			http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
		struct taken t = {0};

		/* twice on one connection: the second response begins with nothing of the first */
		for (int twice = 0; twice < 2; twice++) {
			ask(c, "GET /long.bin HTTP/1.1\r\n" H "\r\n");
			take_all(c, most[i], &t);
			check_file(&t, 0, LONG_SIZE);
			assert_true(t.lent > 900000);
			if (most[i] > 100000) /* all but what stays to be copied at both ends */
				assert_true(t.lent > LONG_SIZE - 60000);
			if (twice)
				http_conn_destroy(c); /* the loans live on */
			release_all(&t);
		}
	}
	http_server_destroy(server);
}

static void test_a_range_is_lent(void **state)
{
	const struct site *s = *state;
	struct http_server *server = site_server(s);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	struct taken t = {0};

	write_long(s);
	ask(c, "GET /long.bin HTTP/1.1\r\n" H "Range: bytes=1000001-2000000\r\n\r\n");
	take_all(c, SIZE_MAX, &t);
	check_file(&t, 1000001, 1000000);
	assert_true(t.lent > 900000);
	release_all(&t);
	http_conn_destroy(c);
	http_server_destroy(server);
}

static void test_short_files_and_heads_are_copied(void **state)
{
	static const char *const requests[] = {"GET /hello.txt HTTP/1.1\r\n" H "\r\n",
					       "HEAD /long.bin HTTP/1.1\r\n" H "\r\n",
					       "GET /none HTTP/1.1\r\n" H "\r\n",
					       "GET /long.bin HTTP/1.1\r\n" H
					       "Range: bytes=0-9999\r\n\r\n"};
	const struct site *s = *state;
	struct http_server *server = site_server(s);

	write_long(s);
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		struct http_conn *c =
			http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
		struct taken t = {0};

		ask(c, requests[i]);
		take_all(c, SIZE_MAX, &t);
		assert_int_equal(t.loans, 0);
		assert_true(t.o.len > 0);
		release_all(&t);
		http_conn_destroy(c);
	}
	http_server_destroy(server);
}

/* Looked at before each loan, and when the last bytes are copied. */
static void test_a_file_that_changes_breaks_off(void **state)
{
	const struct site *s = *state;
	struct http_server *server = site_server(s);
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, false, NULL);
	struct http_lent lent;
	struct taken t = {0};
	uint8_t head[4096];

	write_long(s);
	ask(c, "GET /long.bin HTTP/1.1\r\n" H "\r\n");
	assert_true(http_conn_produce(c, at_us(0), head, sizeof head) == sizeof head);
	assert_true(http_conn_lend(c, 100000, &lent));
	http_conn_lent(c, at_us(0), lent.len);
	int fd = openat(s->root_fd, "long.bin", O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "new", 3, 2000000), 3);
	close(fd);
	take_all(c, SIZE_MAX, &t);
	assert_int_equal(t.lent, 0);
	assert_true(http_conn_broken(c));
	lent.release(lent.owner);
	release_all(&t);
	http_conn_destroy(c);
	http_server_destroy(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file_is_lent),
		cmocka_unit_test(test_a_range_is_lent),
		cmocka_unit_test(test_short_files_and_heads_are_copied),
		cmocka_unit_test(test_a_file_that_changes_breaks_off),
	};

	return cmocka_run_group_tests_name("http: lent files", tests, site_setup, site_teardown);
}
