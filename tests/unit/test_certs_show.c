/* SPDX-License-Identifier: Apache-2.0 */
/* `tunhttpd certs show FILE`: every form of certificates and keys, and what is said about them. */
#include <mbedtls/pem.h>

#include "tests/unit/certs_tool.h"
#include "tests/unit/tls_fixtures.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* A store of ours: what the machine trusts must not matter. */
static int setup(void **state)
{
	struct tool *t;

	tool_setup(state);
	t = *state;
	char file[100];
	snprintf(file, sizeof file, "%s/system.pem", t->base);
	tool_spill(file, fixture_root, strlen(fixture_root));
	assert_int_equal(setenv("SSL_CERT_FILE", file, 1), 0);
	return 0;
}

static const char *file_of(const struct tool *t, const char *name)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%s", t->base, name);
	return path;
}

static int show_text(struct tool *t, const char *text)
{
	tool_spill(file_of(t, "x.pem"), text, strlen(text));
	return tool_run(t, "show %s", file_of(t, "x.pem"));
}

static void expect_order(const char *text, const char *const *parts)
{
	for (; *parts; parts++) {
		const char *at = strstr(text, *parts);
		if (!at)
			fail_msg("\"%s\" is not behind the others in \"%s\"", *parts, text);
		text = at + strlen(*parts);
	}
}

static void test_a_chain_in_any_order_is_told_from_the_leaf_up(void **state)
{
	static const char *const parts[] = {"1  CN=site.test\n",
					    "is      for servers\n",
					    "names   site.test\n",
					    "signed  by 2\n",
					    "valid   2020-01-01 00:00 to 2120-01-01 00:00 UTC: ",
					    "days left",
					    "key     ECDSA P-256; signature ECDSA with SHA-256",
					    "2  CN=fixture intermediate\n",
					    "is      an intermediate CA; no CA may follow\n",
					    "signed  by 3\n",
					    "3  CN=fixture root\n",
					    "is      a root CA\n",
					    "signed  by itself\n",
					    "a client would take it:",
					    "refused by Apple's systems",
					    "trusted by this system (",
					    "): CN=fixture root",
					    NULL};
	struct tool *t = *state;
	char text[8192];

	snprintf(text, sizeof text, "%s%s%s", fixture_root, fixture_p256_cert,
		 fixture_intermediate);
	tool_ok(t, show_text(t, text));
	expect_order(t->out, parts);
}

static void test_what_does_not_belong_is_counted(void **state)
{
	struct tool *t = *state;
	char text[8192];

	snprintf(text, sizeof text, "%s%s%s", fixture_p256_cert, fixture_p256_cert,
		 fixture_intermediate);
	tool_ok(t, show_text(t, text));
	tool_expect(t->out, "1 more in the file");
}

static void test_a_chain_that_ends_nowhere_is_status_1(void **state)
{
	struct tool *t = *state;

	assert_int_equal(show_text(t, fixture_p256_cert), 1);
	tool_expect(t->out, "a client would refuse it:");
	tool_expect(t->out, "signed  by CN=fixture intermediate, who is not in the chain");
	tool_expect(t->out, "an intermediate certificate is missing");
	assert_string_equal(t->err, "");
}

static void test_keys_are_told(void **state)
{
	static const struct {
		const char *key, *words;
	} cases[] = {
		{fixture_p256_key, "a private key, ECDSA P-256\n"},
		{fixture_p256_key_sec1, "a private key, ECDSA P-256\n"},
		{fixture_p384_key, "a private key, ECDSA P-384\n"},
		{fixture_rsa_key, "a private key, RSA 2048 bit\n"},
		{fixture_rsa_key_pkcs1, "a private key, RSA 2048 bit\n"},
	};
	struct tool *t = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		tool_ok(t, show_text(t, cases[i].key));
		assert_string_equal(t->out, cases[i].words);
	}
}

static void test_key_and_certificate_in_one_file(void **state)
{
	struct tool *t = *state;
	char text[8192];

	snprintf(text, sizeof text, "%s%s%s%s", fixture_rsa_cert, fixture_p256_key,
		 fixture_intermediate, fixture_p256_cert);
	tool_ok(t, show_text(t, text));
	tool_expect(t->out, "a private key, ECDSA P-256; it belongs to certificate 1\n");
	tool_expect(t->out, "key     ECDSA P-256");
	snprintf(text, sizeof text, "%s%s%s", fixture_p256_cert, fixture_other_key,
		 fixture_intermediate);
	tool_ok(t, show_text(t, text));
	tool_expect(t->out, "it belongs to none of the certificates\n");
}

static void test_der(void **state)
{
	static const struct {
		const char *pem, *begin, *end, *words;
	} cases[] = {
		{fixture_root, "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----",
		 "1  CN=fixture root"},
		{fixture_p256_key, "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----",
		 "a private key, ECDSA P-256"},
	};
	struct tool *t = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		mbedtls_pem_context pem;
		size_t used, len;

		mbedtls_pem_init(&pem);
		assert_int_equal(mbedtls_pem_read_buffer(&pem, cases[i].begin, cases[i].end,
							 (const unsigned char *)cases[i].pem, NULL,
							 0, &used),
				 0);
		const unsigned char *der = mbedtls_pem_get_buffer(&pem, &len);
		tool_spill(file_of(t, "x.der"), der, len);
		mbedtls_pem_free(&pem);
		tool_ok(t, tool_run(t, "show %s", file_of(t, "x.der")));
		tool_expect(t->out, cases[i].words);
	}
}

static void test_files_that_cannot_be_used_are_status_78(void **state)
{
	static const struct {
		const char *text, *part;
	} cases[] = {
		{"", "the file is empty"},
		{"nonsense", "x.pem"},
		{fixture_p256_key_encrypted, "openssl pkey -in"},
		{"-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n", "openssl pkcs7"},
	};
	struct tool *t = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(show_text(t, cases[i].text), 78);
		tool_expect(t->err, cases[i].part);
		assert_string_equal(t->out, "");
	}
	tool_expect_error(t, 78, "there is no file nowhere.pem", "show nowhere.pem");
	tool_expect_error(t, 78, "there is no file ./nowhere", "show ./nowhere");
	tool_expect_error(t, 78, "is no file", "show %s", t->base);
}

static void test_our_own_are_trusted_where_the_root_is(void **state)
{
	struct tool *t = *state;

	tool_ok(t, tool_run(t, "issue a.test"));
	tool_ok(t, tool_run(t, "show %s", tool_path(t, "a.test.pem")));
	tool_expect(t->out, "a client would take it:\n  trusted where ");
	tool_expect(t->out, "/ca.pem is trusted: O=tunhttpd, CN=tunhttpd local CA on ");
	tool_ok(t, tool_run(t, "show %s", tool_path(t, "ca.pem")));
	tool_expect(t->out, "is      a root CA; 1 CA may follow\n");
	tool_ok(t, tool_run(t, "client erika"));
	tool_ok(t, tool_run(t, "show %s", tool_path(t, "erika.pem")));
	tool_expect(t->out, "a server would take it:");
	/* Another authority's directory knows nothing of it. */
	assert_int_equal(
		tool_run(t, "show --dir %s/elsewhere %s", t->base, tool_path(t, "a.test.pem")), 1);
}

static void test_what_is_neither_file_nor_host_is_a_usage_error(void **state)
{
	static const char *const words[] = {"a:b:c", "a:",       "a:65536", "a:0x1",   ":443",
					    "[::1",  "[::1]443", "[::1]:x", "https://"};
	struct tool *t = *state;

	for (size_t i = 0; i < COUNT(words); i++)
		tool_expect_error(t, 2, "neither a file nor HOST", "show %s", words[i]);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, tool_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_chain_in_any_order_is_told_from_the_leaf_up),
		TEST(test_what_does_not_belong_is_counted),
		TEST(test_a_chain_that_ends_nowhere_is_status_1),
		TEST(test_keys_are_told),
		TEST(test_key_and_certificate_in_one_file),
		TEST(test_der),
		TEST(test_files_that_cannot_be_used_are_status_78),
		TEST(test_our_own_are_trusted_where_the_root_is),
		TEST(test_what_is_neither_file_nor_host_is_a_usage_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
