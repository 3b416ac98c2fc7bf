/* SPDX-License-Identifier: Apache-2.0 */
/* Loading certificates and keys: every form that is allowed, and one clear line for each that is
 * not. */
#include <mbedtls/pem.h>

#include "tests/unit/tls_pair.h"

static struct tls_context *try_load(struct tls_blob cert, struct tls_blob key,
				    char error[TLS_ERROR_SIZE])
{
	const struct tls_pair pair = {cert, key};
	const struct tls_config cfg = {.pair = &pair, .pair_count = 1};

	error[0] = '\0';
	return tls_context_create(&cfg, error);
}

static void expect_error(const char *cert, const char *key, const char *wanted)
{
	char error[TLS_ERROR_SIZE];

	assert_null(try_load(blob(cert, "site.pem"), blob(key, "site.key"), error));
	if (!strstr(error, wanted))
		fail_msg("error is \"%s\", wanted \"%s\" in it", error, wanted);
	assert_null(strchr(error, '\n'));
}

static void expect_loads(const char *cert, const char *key)
{
	char error[TLS_ERROR_SIZE];
	struct tls_context *ctx = try_load(blob(cert, "site.pem"), blob(key, "site.key"), error);

	assert_string_equal(error, "");
	assert_non_null(ctx);
	tls_context_destroy(ctx);
}

static void test_key_formats(void **state)
{
	(void)state;
	expect_loads(fixture_p256_cert, fixture_p256_key);
	expect_loads(fixture_p256_cert, fixture_p256_key_sec1);
	expect_loads(fixture_p384_cert, fixture_p384_key);
	expect_loads(fixture_rsa_cert, fixture_rsa_key);
	expect_loads(fixture_rsa_cert, fixture_rsa_key_pkcs1);
}

/* Decodes one PEM block. */
static struct tls_blob der(mbedtls_pem_context *pem, const char *text, const char *begin,
			   const char *end)
{
	size_t used, len;

	mbedtls_pem_init(pem);
	assert_int_equal(mbedtls_pem_read_buffer(pem, begin, end, (const unsigned char *)text, NULL,
						 0, &used),
			 0);
	const unsigned char *data = mbedtls_pem_get_buffer(pem, &len);
	return (struct tls_blob){data, len, "file.der"};
}

static void test_der(void **state)
{
	mbedtls_pem_context cert, key;
	char error[TLS_ERROR_SIZE];
	const struct tls_blob cert_der =
		der(&cert, fixture_p256_cert, "-----BEGIN CERTIFICATE-----",
		    "-----END CERTIFICATE-----");
	const struct tls_blob key_der = der(&key, fixture_p256_key, "-----BEGIN PRIVATE KEY-----",
					    "-----END PRIVATE KEY-----");
	struct tls_context *ctx = try_load(cert_der, key_der, error);

	(void)state;
	assert_string_equal(error, "");
	assert_non_null(ctx);
	tls_context_destroy(ctx);
	mbedtls_pem_free(&cert);
	mbedtls_pem_free(&key);
}

/* Blobs are exactly as long as the file: a read beyond is what the sanitizers would see. */
static void test_pem_needs_no_terminating_nul(void **state)
{
	const size_t cert_len = strlen(fixture_p256_cert), key_len = strlen(fixture_p256_key);
	uint8_t *cert = malloc(cert_len), *key = malloc(key_len);
	char error[TLS_ERROR_SIZE];

	(void)state;
	assert_non_null(cert);
	assert_non_null(key);
	memcpy(cert, fixture_p256_cert, cert_len);
	memcpy(key, fixture_p256_key, key_len);
	struct tls_context *ctx = try_load((struct tls_blob){cert, cert_len, "site.pem"},
					   (struct tls_blob){key, key_len, "site.key"}, error);
	free(cert);
	free(key);
	assert_string_equal(error, "");
	assert_non_null(ctx);
	tls_context_destroy(ctx);
}

static void test_broken_certificate(void **state)
{
	char cut[sizeof fixture_p256_cert];

	(void)state;
	expect_error("", fixture_p256_key, "certificate site.pem");
	expect_error("this is not a certificate", fixture_p256_key, "certificate site.pem");
	expect_error(fixture_p256_key, fixture_p256_key, "certificate site.pem");
	memcpy(cut, fixture_p256_cert, sizeof cut);
	cut[sizeof cut / 2] = '\0';
	expect_error(cut, fixture_p256_key, "certificate site.pem");
}

static void test_one_broken_certificate_in_a_chain(void **state)
{
	char chain[4096];
	char *second;

	(void)state;
	snprintf(chain, sizeof chain, "%s%s", fixture_p256_cert, fixture_intermediate);
	second = chain + strlen(fixture_p256_cert);
	second[100] = '!';
	expect_error(chain, fixture_p256_key, "1 of its certificates cannot be read");
}

static void test_broken_key(void **state)
{
	(void)state;
	expect_error(fixture_p256_cert, "", "key site.key");
	expect_error(fixture_p256_cert, "nonsense", "key site.key");
	expect_error(fixture_p256_cert, fixture_p256_cert, "key site.key");
	expect_error(fixture_p256_cert, fixture_p256_key_encrypted, "is encrypted");
}

static void test_key_of_another_certificate(void **state)
{
	(void)state;
	expect_error(fixture_p256_cert, fixture_other_key, "does not belong");
	expect_error(fixture_p256_cert, fixture_rsa_key, "does not belong");
	expect_error(fixture_rsa_cert, fixture_p256_key, "does not belong");
}

static void test_client_with_a_broken_ca(void **state)
{
	char error[TLS_ERROR_SIZE] = "";
	const struct tls_client_config cfg = {.ca = blob("nothing", "ca.pem")};

	(void)state;
	assert_null(tls_context_create_client(&cfg, error));
	assert_non_null(strstr(error, "CA ca.pem"));
}

static void test_library_version(void **state)
{
	unsigned major, minor, patch;

	(void)state;
	assert_int_equal(sscanf(tls_library_version(), "Mbed TLS %u.%u.%u", &major, &minor, &patch),
			 3);
	assert_int_equal(major, 3);
	assert_int_equal(minor, 6);
	assert_true(patch >= 7); /* earlier ones have CVE-2026-25835, CVE-2026-54435 and others */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_formats),
		cmocka_unit_test(test_der),
		cmocka_unit_test(test_pem_needs_no_terminating_nul),
		cmocka_unit_test(test_broken_certificate),
		cmocka_unit_test(test_one_broken_certificate_in_a_chain),
		cmocka_unit_test(test_broken_key),
		cmocka_unit_test(test_key_of_another_certificate),
		cmocka_unit_test(test_client_with_a_broken_ca),
		cmocka_unit_test(test_library_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
