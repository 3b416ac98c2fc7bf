/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9850: which lines a session gives, and that both ends give the same. */

#include "tests/unit/tls_pair.h"

struct lines {
	char text[16][512];
	size_t count;
};

static void on_line(void *ctx, const char *line, size_t len)
{
	struct lines *lines = ctx;

	assert_true(lines->count < COUNT(lines->text) && len < sizeof lines->text[0]);
	assert_int_equal(line[len - 1], '\n');
	assert_null(memchr(line, '\n', len - 1));
	memcpy(lines->text[lines->count], line, len - 1);
	lines->text[lines->count][len - 1] = '\0';
	lines->count++;
}

static struct pair *logged_pair(enum tls_version version, struct lines *server,
				struct lines *client)
{
	struct pair *p = pair_of_version(version);

	server->count = client->count = 0;
	tls_context_set_keylog(p->server_context, &(struct tls_keylog){on_line, server});
	tls_context_set_keylog(p->client_context, &(struct tls_keylog){on_line, client});
	pair_establish(p);
	return p;
}

static bool has(const struct lines *lines, const char *line)
{
	for (size_t i = 0; i < lines->count; i++)
		if (strcmp(lines->text[i], line) == 0)
			return true;
	return false;
}

/* label, the random of the ClientHello, a secret of `len` bytes; all in lower case. */
static void expect_line(const struct lines *lines, const struct pair *p, const char *label,
			size_t len)
{
	char start[128];
	int n = snprintf(start, sizeof start, "%s ", label);

	for (size_t i = 0; i < 32;
	     i++) /* behind the headers of record and message, and the version */
		n += snprintf(start + n, sizeof start - (size_t)n, "%02x",
			      p->up.data[5 + 4 + 2 + i]);
	snprintf(start + n, sizeof start - (size_t)n, " ");
	for (size_t i = 0; i < lines->count; i++) {
		const char *line = lines->text[i];
		if (strncmp(line, start, strlen(start)) != 0)
			continue;
		assert_int_equal(strlen(line + strlen(start)), 2 * len);
		assert_int_equal(strspn(line + strlen(start), "0123456789abcdef"), 2 * len);
		return;
	}
	fail_msg("no line begins with %s", start);
}

static void test_tls_1_3_has_five_secrets(void **state)
{
	static const char *const labels[] = {"CLIENT_HANDSHAKE_TRAFFIC_SECRET",
					     "SERVER_HANDSHAKE_TRAFFIC_SECRET",
					     "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0",
					     "EXPORTER_SECRET"};
	struct lines server, client;
	struct pair *p = logged_pair(TLS_VERSION_1_3, &server, &client);

	(void)state;
	assert_int_equal(server.count, COUNT(labels));
	for (size_t i = 0; i < COUNT(labels); i++)
		expect_line(&server, p, labels[i], 32);
	assert_int_equal(client.count, server.count);
	for (size_t i = 0; i < server.count; i++) {
		assert_true(has(&client, server.text[i]));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(strrchr(server.text[i], ' '),
						strrchr(server.text[j], ' '));
	}
	pair_free(p);
}

static void test_tls_1_2_has_its_master_secret(void **state)
{
	struct lines server, client;
	struct pair *p = logged_pair(TLS_VERSION_1_2, &server, &client);

	(void)state;
	assert_int_equal(server.count, 1);
	expect_line(&server, p, "CLIENT_RANDOM", 48);
	assert_int_equal(client.count, 1);
	assert_string_equal(client.text[0], server.text[0]);
	pair_free(p);
}

static void test_sha_384_makes_longer_secrets(void **state)
{
	static const int suites[] = {0x1302, 0};
	const struct tls_client_config cfg = {.ca = blob(fixture_root, "root.pem"),
					      .server_name = "site.test",
					      .version = TLS_VERSION_1_3,
					      .ciphersuites = suites};
	struct lines server = {.count = 0};
	struct pair *p = pair_new_client(&cfg);

	(void)state;
	tls_context_set_keylog(p->server_context, &(struct tls_keylog){on_line, &server});
	pair_establish(p);
	expect_line(&server, p, "CLIENT_TRAFFIC_SECRET_0", 48);
	expect_line(&server, p, "EXPORTER_SECRET", 48);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls_1_3_has_five_secrets),
		cmocka_unit_test(test_tls_1_2_has_its_master_secret),
		cmocka_unit_test(test_sha_384_makes_longer_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
