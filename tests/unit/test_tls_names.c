/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificate a client gets: by the name that it asks for, and by what it can verify. */
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>

#include "tests/unit/tls_pki.h"
#include "tls/tls_internal.h"

enum {
	ROOT,
	A_EC,
	A_RSA,
	WILD,
	MANY,
	MADE
};

static struct made *made;

static int setup(void **state)
{
	(void)state;
	made = made_new(MADE, A_RSA);
	certify(&made[ROOT], "root", "", -1, 30, NULL);
	certify(&made[A_EC], "a-ec", "a.test www.a.test", -1, 30, &made[ROOT]);
	certify(&made[A_RSA], "a-rsa", "www.a.test a.test", -1, 30, &made[ROOT]);
	certify(&made[WILD], "wild", "*.b.test b.test", -1, 30, &made[ROOT]);
	certify(&made[MANY], "many", "c.test Mixed.Case.TEST x.b.test", -1, 30, &made[ROOT]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	made_free(made, MADE);
	return 0;
}

static struct tls_context *server(bool strict)
{
	const struct tls_pair pairs[] = {pair_of(&made[A_EC]), pair_of(&made[A_RSA]),
					 pair_of(&made[WILD]), pair_of(&made[MANY])};
	const struct tls_config cfg = {.pair = pairs, .pair_count = 4, .strict_names = strict};
	char error[TLS_ERROR_SIZE] = "";
	struct tls_context *ctx = tls_context_create(&cfg, error);

	assert_string_equal(error, "");
	return ctx;
}

/* The subject of the certificate that a client of this kind gets; NULL for a handshake that failed. */
static const char *presented(const char *name, enum tls_version version, bool rsa_only, bool strict,
			     enum tls_status *server_status, char error[TLS_ERROR_SIZE])
{
	static const int rsa_suites[] = {MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, 0};
	static const uint16_t rsa_signatures[] = {MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,
						  MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
						  MBEDTLS_TLS1_3_SIG_NONE};
	static char subject[128];
	const struct tls_client_config cfg = {
		.server_name = name,
		.version = version,
		.ciphersuites = rsa_only && version == TLS_VERSION_1_2 ? rsa_suites : NULL,
	};
	struct tls_context *client = tls_context_create_client(&cfg, error);
	assert_non_null(client);
	if (rsa_only)
		mbedtls_ssl_conf_sig_algs(&client->conf, rsa_signatures);
	struct pair *p = pair_new(server(strict), client);
	const struct outcome out = pair_handshake(p);
	*server_status = out.server;
	snprintf(error, TLS_ERROR_SIZE, "%s", tls_session_error(p->client));
	const char *result = NULL;
	if (out.client == TLS_OK && out.server == TLS_OK) {
		const mbedtls_x509_crt *crt = mbedtls_ssl_get_peer_cert(&p->client->ssl);
		assert_non_null(crt);
		assert_true(mbedtls_x509_dn_gets(subject, sizeof subject, &crt->subject) > 0);
		result = subject;
	}
	pair_free(p);
	return result;
}

static void expect(const char *name, bool rsa_only, const char *subject)
{
	static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};

	for (unsigned v = 0; v < 2; v++) {
		char error[TLS_ERROR_SIZE] = "";
		enum tls_status status;
		const char *got = presented(name, versions[v], rsa_only, false, &status, error);
		if (!got)
			fail_msg("%s: %s", name ? name : "no name", error);
		assert_string_equal(got, subject);
	}
}

static void test_a_name_gets_the_certificate_that_has_it(void **state)
{
	(void)state;
	expect("a.test", false, "CN=a-ec");
	expect("www.a.test", false, "CN=a-ec");
	expect("b.test", false, "CN=wild");
	expect("c.test", false, "CN=many");
}

static void test_names_have_no_case_and_perhaps_a_dot(void **state)
{
	(void)state;
	expect("C.TEST", false, "CN=many");
	expect("mixed.case.test", false, "CN=many");
	expect("c.test.", false, "CN=many");
}

/* RFC 9525 6.3: for one whole label, and after the name itself. */
static void test_a_wildcard_stands_for_one_label(void **state)
{
	(void)state;
	expect("y.b.test", false, "CN=wild");
	expect("x.b.test", false, "CN=many");
	expect("z.y.b.test", false, "CN=a-ec");
	expect(".b.test", false, "CN=a-ec");
}

static void test_a_client_that_knows_only_rsa_gets_the_rsa_certificate(void **state)
{
	(void)state;
	expect("a.test", true, "CN=a-rsa");
	expect(NULL, true, "CN=a-rsa");
	expect("unknown.test", true, "CN=a-rsa");
}

static void test_who_asks_for_no_name_or_an_unknown_one_gets_the_first(void **state)
{
	(void)state;
	expect(NULL, false, "CN=a-ec");
	expect("unknown.test", false, "CN=a-ec");
	expect("test", false, "CN=a-ec");
}

static void test_strict_names_refuse_the_unknown_with_an_alert(void **state)
{
	static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};

	(void)state;
	for (unsigned v = 0; v < 2; v++) {
		char error[TLS_ERROR_SIZE] = "";
		enum tls_status status;
		assert_null(presented("unknown.test", versions[v], false, true, &status, error));
		assert_int_equal(status, TLS_FAILED);
		assert_non_null(strstr(error, "unrecognized_name (112)"));
		assert_string_equal(presented("y.b.test", versions[v], false, true, &status, error),
				    "CN=wild");
		assert_string_equal(presented(NULL, versions[v], false, true, &status, error),
				    "CN=a-ec");
	}
}

static void test_the_second_pair_that_is_wrong_is_named(void **state)
{
	struct tls_pair pairs[] = {pair_of(&made[A_EC]), pair_of(&made[WILD])};
	const struct tls_config cfg = {.pair = pairs, .pair_count = 2};
	char error[TLS_ERROR_SIZE] = "";

	(void)state;
	pairs[1].key = blob(made[A_EC].pem_key, "other.key");
	assert_null(tls_context_create(&cfg, error));
	assert_non_null(strstr(error, "key other.key does not belong"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_name_gets_the_certificate_that_has_it),
		cmocka_unit_test(test_names_have_no_case_and_perhaps_a_dot),
		cmocka_unit_test(test_a_wildcard_stands_for_one_label),
		cmocka_unit_test(test_a_client_that_knows_only_rsa_gets_the_rsa_certificate),
		cmocka_unit_test(test_who_asks_for_no_name_or_an_unknown_one_gets_the_first),
		cmocka_unit_test(test_strict_names_refuse_the_unknown_with_an_alert),
		cmocka_unit_test(test_the_second_pair_that_is_wrong_is_named),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
