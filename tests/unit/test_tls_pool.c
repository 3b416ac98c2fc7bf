/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts of Mbed TLS that serve one client after another: tls/tls_pool.c. */
#include "tests/unit/cmocka_all.h"

#include "tests/unit/tls_pair.h"
#include "tls/tls_internal.h"

static const enum tls_version versions[] = {TLS_VERSION_1_3, TLS_VERSION_1_2};

static struct tls_context *client_of(enum tls_version version, const char *name)
{
	const struct tls_client_config cfg = {
		.ca = blob(fixture_root, "root.pem"),
		.server_name = name,
		.version = version,
	};
	char error[TLS_ERROR_SIZE] = "";
	struct tls_context *client = tls_context_create_client(&cfg, error);

	assert_string_equal(error, "");
	return client;
}

/* In each order of the versions: nothing of the first client shows in what the second gets. */
static void test_a_context_begins_anew(void **state)
{
	const struct tls_ticket_keys keys = {.current = {"a", {1}}, .lifetime_s = 60};
	char error[TLS_ERROR_SIZE];

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct pair *p = pair_of_version(versions[i & 1]);
		struct tls_info info;

		if (i & 4)
			assert_int_equal(
				tls_context_set_ticket_keys(p->server_context, &keys, error), 0);
		pair_establish(p);
		pair_transfer(p, p->client, p->server, 40000, 1000);
		pair_transfer(p, p->server, p->client, 40000, 1000);
		const struct tls_session *first = p->server;
		pair_end(p);
		assert_int_equal(p->server_context->pooled, 1);

		tls_context_destroy(p->client_context);
		p->client_context = client_of(versions[i >> 1 & 1], "site.test");
		pair_begin(p);
		assert_ptr_equal(p->server, first);
		assert_int_equal(p->server_context->pooled, 0);
		tls_session_info(p->server, &info);
		assert_null(info.version);
		assert_null(info.sni);
		assert_null(info.alpn);
		assert_false(info.resumed || info.close_notify_in || info.close_notify_out);
		assert_false(tls_session_established(p->server));
		pair_establish(p);
		tls_session_info(p->server, &info);
		assert_string_equal(info.version, i >> 1 & 1 ? "TLSv1.2" : "TLSv1.3");
		assert_string_equal(info.sni, "site.test");
		pair_transfer(p, p->client, p->server, 40000, 1000);
		pair_transfer(p, p->server, p->client, 40000, 1000);
		pair_free(p);
	}
}

static void test_what_waits_has_no_keys_and_no_buffers(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_of_version(versions[v]);

		pair_establish(p);
		pair_transfer(p, p->client, p->server, 100, 100);
		pair_end(p);
		const struct tls_session *t = p->server_context->pool;
		assert_non_null(t);
		assert_null(t->ssl.MBEDTLS_PRIVATE(session));
		assert_null(t->ssl.MBEDTLS_PRIVATE(transform));
		assert_null(t->ssl.MBEDTLS_PRIVATE(transform_application));
		assert_null(t->ssl.MBEDTLS_PRIVATE(in_buf));
		assert_null(t->ssl.MBEDTLS_PRIVATE(out_buf));
		assert_null(t->client);
		pair_begin(p);
		pair_free(p); /* not begun: it is thrown away */
	}
}

static void test_what_failed_is_thrown_away(void **state)
{
	struct pair *p = pair_established(TLS_VERSION_1_3);

	(void)state;
	inject(p, "\x17\x03\x03\x00\x20this was never encrypted by us..", 37);
	assert_int_equal(read_status(p->server), TLS_FAILED);
	pair_end(p);
	assert_int_equal(p->server_context->pooled, 0);
	pair_begin(p);
	pair_establish(p);
	pair_free(p);
}

static void test_the_pool_has_an_end(void **state)
{
	struct pair *p = pair_of_version(TLS_VERSION_1_3);
	struct tls_session *held[TLS_POOL_MAX + 3];

	(void)state;
	for (size_t i = 0; i < COUNT(held); i++) {
		pair_establish(p);
		held[i] = p->server;
		tls_session_destroy(p->client);
		free(p->up.data);
		free(p->down.data);
		pair_begin(p);
	}
	for (size_t i = 0; i < COUNT(held); i++)
		tls_session_destroy(held[i]);
	assert_int_equal(p->server_context->pooled, TLS_POOL_MAX);
	pair_establish(p);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_context_begins_anew),
		cmocka_unit_test(test_what_waits_has_no_keys_and_no_buffers),
		cmocka_unit_test(test_what_failed_is_thrown_away),
		cmocka_unit_test(test_the_pool_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
