/* SPDX-License-Identifier: Apache-2.0 */
/* Chains and keys as people have them: any order, too much, CRLF, text around; and what is refused, with the reason. */
#include <mbedtls/pem.h>

#include "tests/unit/tls_pki.h"
#include "tls/tls_chain.h"
#include "tls/tls_internal.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define TEXT_SIZE 65536

/* With a critical extension that Mbed TLS does not know: name constraints. Valid until 2126. */
static const char constrained_cert[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBvDCCAWKgAwIBAgIURjAR/F25inHwH7pEzrAkkOCVMr4wCgYIKoZIzj0EAwIw\n"
	"FjEUMBIGA1UEAwwLY29uc3RyYWluZWQwIBcNMjYxMTI2MTEwNDI3WhgPMjEyNjEx\n"
	"MDIxMTA0MjdaMBYxFDASBgNVBAMMC2NvbnN0cmFpbmVkMFkwEwYHKoZIzj0CAQYI\n"
	"KoZIzj0DAQcDQgAEDcISuNuqDWfJrIgiBFedcoqDsRtp5kVRn88p/FcGRy9fvUSw\n"
	"9lJ8o1QQwtDiFawTzWKHXiQYZLwP5OE644jnwKOBizCBiDAdBgNVHQ4EFgQUpqgh\n"
	"hkONdJhocZbYUKwtLNmB3+wwHwYDVR0jBBgwFoAUpqghhkONdJhocZbYUKwtLNmB\n"
	"3+wwDwYDVR0TAQH/BAUwAwEB/zAbBgNVHR4BAf8EETAPoA0wC4IJY29ycC50ZXN0\n"
	"MBgGA1UdEQQRMA+CDXd3dy5jb3JwLnRlc3QwCgYIKoZIzj0EAwIDSAAwRQIhANFv\n"
	"gGWRSxgaT8p51gZ+VrJ42vlelgXIiZHVZ3tmZWukAiBgI1RtW9JWUoSSKuIwmUaX\n"
	"E3ixJ3A7MRfb9+RbX7/4HA==\n"
	"-----END CERTIFICATE-----\n";
static const char constrained_key[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgYVN5hFHPICMXfVbr\n"
	"uK3nKuSxiLmPFZx+IUrkByUtil2hRANCAAQNwhK426oNZ8msiCIEV51yioOxG2nm\n"
	"RVGfzyn8VwZHL1+9RLD2UnyjVBDC0OIVrBPNYodeJBhkvA/k4TrjiOfA\n"
	"-----END PRIVATE KEY-----\n";

static const char ed25519_cert[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBLjCB4aADAgECAhQYq5bve9MbC0HTDiQh/f9DfC2TNDAFBgMrZXAwDTELMAkG\n"
	"A1UEAwwCZWQwHhcNMjYxMTI2MTEyNzMwWhcNMjYxMjI2MTEyNzMwWjANMQswCQYD\n"
	"VQQDDAJlZDAqMAUGAytlcAMhAP2T2cVS3dI+/2EfXmmQxnhbPFmo4+R6ABhuUbkf\n"
	"qyBYo1MwUTAdBgNVHQ4EFgQUapHMnyps2k30Bv//1cxz6F0Cuz0wHwYDVR0jBBgw\n"
	"FoAUapHMnyps2k30Bv//1cxz6F0Cuz0wDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXAD\n"
	"QQAF3+SAmy9GLJbrCQeB4YOvmxvxA+OwOU7IWm92dNIsqpeA+rpgULHrxCf7XwRK\n"
	"C1x37sCa+YQO9uLpZHFRtqQN\n"
	"-----END CERTIFICATE-----\n";
static const char ed25519_key[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEIFKDjjKcDdaoVBZwSWKFyiKEgnYsWJQTTAwCgkp5eeTa\n"
	"-----END PRIVATE KEY-----\n";
static const char p521_cert[] = "-----BEGIN CERTIFICATE-----\n"
				"MIIB+jCCAVygAwIBAgIUYJiHC/ma/XcBf+NksclEQIwSx7AwCgYIKoZIzj0EAwIw\n"
				"DzENMAsGA1UEAwwEcDUyMTAeFw0yNjExMjYxMTI3MzBaFw0yNjEyMjYxMTI3MzBa\n"
				"MA8xDTALBgNVBAMMBHA1MjEwgZswEAYHKoZIzj0CAQYFK4EEACMDgYYABACbVxyT\n"
				"jDl31csjyOXuIFvOBhjFU61oM+n+7FGp82x7ywIt00o9fDv7LHPXEk76Ml/x3gPZ\n"
				"CYRPAPplpcCw6hY2sQFFtYssbE02QfdjePlTYykjW5h4DDH1DQBSHq+vSbHnowIO\n"
				"Smy7ej3sBVrHffnMRXe+xK7wIr9ukhXT3pL6TJmBdaNTMFEwHQYDVR0OBBYEFOKu\n"
				"2C/pJqpHSa0VEA53u0cArM9YMB8GA1UdIwQYMBaAFOKu2C/pJqpHSa0VEA53u0cA\n"
				"rM9YMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDgYsAMIGHAkIBF7QW+uPi\n"
				"MYN8qOyz6mtx+AL5KcDFy1YFUP36qTqFhOnH43oLQx2aGJs+65Yref6o32+qqRwK\n"
				"BYXTXhYxkfCir7YCQTEmfvtl1fYuao15CNqzSVfsVNwhpj+M/f5xc0fkJEdiO1aO\n"
				"9f/gPc/6Q7PD3thp2XXmrm9yxdN2laHGarj1VlRW\n"
				"-----END CERTIFICATE-----\n";
static const char p521_key[] = "-----BEGIN PRIVATE KEY-----\n"
			       "MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIB/bW1Z+RfU109jCym\n"
			       "PE0Cqsxqz4O2OBMaCcETQctZNKAsfH0I1zSpyalvMIFLA8BeJPwKEZCNXXLvWUSa\n"
			       "WT5hYVuhgYkDgYYABACbVxyTjDl31csjyOXuIFvOBhjFU61oM+n+7FGp82x7ywIt\n"
			       "00o9fDv7LHPXEk76Ml/x3gPZCYRPAPplpcCw6hY2sQFFtYssbE02QfdjePlTYykj\n"
			       "W5h4DDH1DQBSHq+vSbHnowIOSmy7ej3sBVrHffnMRXe+xK7wIr9ukhXT3pL6TJmB\n"
			       "dQ==\n"
			       "-----END PRIVATE KEY-----\n";

static int setup(void **state)
{
	(void)state;
	return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static struct tls_context *load_blobs(struct tls_blob cert, struct tls_blob key,
				      char error[TLS_ERROR_SIZE])
{
	const struct tls_pair pair = {cert, key};
	const struct tls_config cfg = {.pair = &pair, .pair_count = 1};

	error[0] = '\0';
	return tls_context_create(&cfg, error);
}

static struct tls_context *load(const char *cert, const char *key)
{
	char error[TLS_ERROR_SIZE];
	struct tls_context *ctx = load_blobs(blob(cert, "site.pem"), blob(key, "site.key"), error);

	assert_string_equal(error, "");
	assert_non_null(ctx);
	return ctx;
}

/* The server would send exactly these certificates, in this order. */
static void expect_sent(const char *cert, const char *key, const char *const *wanted)
{
	struct tls_context *ctx = load(cert, key);
	const mbedtls_x509_crt *at = &ctx->identity[0].chain;

	for (; *wanted; wanted++, at = at->next) {
		mbedtls_x509_crt one;
		mbedtls_x509_crt_init(&one);
		assert_int_equal(tls_chain_read(&one,
						&(struct tls_blob){(const uint8_t *)*wanted,
								   strlen(*wanted), "x"},
						"certificate", (char[TLS_ERROR_SIZE]){0}),
				 0);
		assert_non_null(at);
		assert_int_equal(at->raw.len, one.raw.len);
		assert_memory_equal(at->raw.p, one.raw.p, one.raw.len);
		mbedtls_x509_crt_free(&one);
	}
	assert_null(at);
	tls_context_destroy(ctx);
}

static void expect_refused(struct tls_blob cert, struct tls_blob key, const char *part)
{
	char error[TLS_ERROR_SIZE];

	assert_null(load_blobs(cert, key, error));
	if (!strstr(error, part))
		fail_msg("\"%s\" does not contain \"%s\"", error, part);
	assert_null(strchr(error, '\n'));
}

static const char *join(const char *const *parts, size_t n)
{
	static char text[TEXT_SIZE];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s", parts[i]);
	assert_true(len < sizeof text);
	return text;
}

/* ------------------------------------------------------------------ order */

/* RFC 5246 7.4.2: the sender's certificate first, each following one certifies the one before. */
static void test_every_order_of_a_chain_is_sent_leaf_first(void **state)
{
	static const char *const sent[] = {fixture_p256_cert, fixture_intermediate, fixture_root,
					   NULL};
	static const unsigned char orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
						  {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	(void)state;
	for (size_t i = 0; i < COUNT(orders); i++) {
		const char *const parts[] = {sent[orders[i][0]], sent[orders[i][1]],
					     sent[orders[i][2]]};
		expect_sent(join(parts, 3), fixture_p256_key, sent);
	}
}

static void test_duplicates_are_sent_once(void **state)
{
	static const char *const parts[] = {fixture_intermediate, fixture_p256_cert,
					    fixture_intermediate, fixture_p256_cert};
	static const char *const sent[] = {fixture_p256_cert, fixture_intermediate, NULL};

	(void)state;
	expect_sent(join(parts, COUNT(parts)), fixture_p256_key, sent);
}

/* One file for several keys: each gets its own chain out of it. */
static void test_strangers_are_left_out(void **state)
{
	static const char *const parts[] = {constrained_cert, fixture_rsa_cert, fixture_p384_cert,
					    fixture_intermediate, fixture_p256_cert};
	static const char *const p256[] = {fixture_p256_cert, fixture_intermediate, NULL};
	static const char *const rsa[] = {fixture_rsa_cert, fixture_intermediate, NULL};

	(void)state;
	expect_sent(join(parts, COUNT(parts)), fixture_p256_key, p256);
	expect_sent(join(parts, COUNT(parts)), fixture_rsa_key, rsa);
}

/* Nobody can use the root without what is between; the leaf works for who knows the intermediate. */
static void test_a_chain_with_a_gap_ends_before_it(void **state)
{
	static const char *const parts[] = {fixture_root, fixture_p256_cert};
	static const char *const sent[] = {fixture_p256_cert, NULL};

	(void)state;
	expect_sent(join(parts, COUNT(parts)), fixture_p256_key, sent);
}

/* A name proves nothing: an authority that was made anew under its old name signed other certificates. */
static void test_a_namesake_of_the_signer_is_no_signer(void **state)
{
	static struct made old_root, new_root, leaf;

	(void)state;
	make_key(&old_root, false);
	make_key(&new_root, false);
	make_key(&leaf, false);
	certify(&old_root, "root", "", -1, 30, NULL);
	certify(&new_root, "root", "", -1, 30, NULL);
	certify(&leaf, "leaf", "a.test", -1, 30, &new_root);
	const char *const parts[] = {old_root.cert, new_root.cert, leaf.cert};
	const char *const sent[] = {leaf.cert, new_root.cert, NULL};
	expect_sent(join(parts, 3), leaf.pem_key, sent);
	mbedtls_pk_free(&old_root.key);
	mbedtls_pk_free(&new_root.key);
	mbedtls_pk_free(&leaf.key);
}

/* A root that a second one vouches for: the certificate that leads on goes before the one that ends the path. */
static void test_a_cross_signed_root_leads_on(void **state)
{
	static struct made older, root, crossed, leaf;

	(void)state;
	make_key(&older, false);
	make_key(&root, false);
	make_key(&leaf, false);
	certify(&older, "older", "", -1, 30, NULL);
	certify(&root, "root", "", -1, 30, NULL);
	crossed = root; /* the same key and name */
	certify(&crossed, "root", "", -1, 30, &older);
	certify(&leaf, "leaf", "a.test", -1, 30, &root);
	const char *const parts[] = {older.cert, root.cert, crossed.cert, leaf.cert};
	const char *const sent[] = {leaf.cert, crossed.cert, root.cert, older.cert, NULL};
	expect_sent(join(parts, 4), leaf.pem_key, sent);
	mbedtls_pk_free(&older.key);
	mbedtls_pk_free(&root.key);
	mbedtls_pk_free(&leaf.key);
}

/* What is ours to send is for clients to judge. */
static void test_an_unknown_critical_extension_is_no_obstacle(void **state)
{
	static const char *const sent[] = {constrained_cert, NULL};

	(void)state;
	expect_sent(constrained_cert, constrained_key, sent);
}

/* ... but whom we trust we have to understand. */
static void test_a_client_ca_with_an_unknown_critical_extension_is_refused(void **state)
{
	const struct tls_pair pair = {blob(fixture_p256_cert, "site.pem"),
				      blob(fixture_p256_key, "site.key")};
	const struct tls_config cfg = {.pair = &pair,
				       .pair_count = 1,
				       .client_auth = TLS_CLIENT_REQUIRED,
				       .client_ca = blob(constrained_cert, "clients.pem")};
	char error[TLS_ERROR_SIZE] = "";

	(void)state;
	assert_null(tls_context_create(&cfg, error));
	assert_non_null(strstr(error, "CA clients.pem"));
}

/* ------------------------------------------------------------------ form */

static const char *with_crlf(const char *text)
{
	static char out[2][TEXT_SIZE];
	static unsigned turn;
	char *to = out[turn++ % 2], *at = to;

	for (; *text; text++) {
		if (*text == '\n')
			*at++ = '\r';
		*at++ = *text;
	}
	*at = '\0';
	return to;
}

static void test_crlf_line_ends(void **state)
{
	static const char *const parts[] = {fixture_intermediate, fixture_p256_cert};
	static const char *const sent[] = {fixture_p256_cert, fixture_intermediate, NULL};

	(void)state;
	expect_sent(with_crlf(join(parts, 2)), with_crlf(fixture_p256_key), sent);
}

static void test_text_and_a_byte_order_mark_around_the_pem(void **state)
{
	static const char *const cert[] = {"\xef\xbb\xbf"
					   "Certificate:\n    Data:\n        Version: 3 (0x2)\n",
					   fixture_p256_cert,
					   "subject=CN = fixture intermediate\n\n",
					   fixture_intermediate, "\n# the end"};
	static const char *const sent[] = {fixture_p256_cert, fixture_intermediate, NULL};
	static char key[TEXT_SIZE];

	(void)state;
	snprintf(key, sizeof key,
		 "\xef\xbb\xbf"
		 "Bag Attributes\n    friendlyName: x\n%s\n",
		 fixture_p256_key);
	expect_sent(join(cert, COUNT(cert)), key, sent);
}

/* haproxy's way: one file with all. It serves as both. */
static void test_key_and_certificates_in_one_file(void **state)
{
	static const char *const orders[][3] = {
		{fixture_p256_key, fixture_p256_cert, fixture_intermediate},
		{fixture_intermediate, fixture_p256_key_sec1, fixture_p256_cert},
		{fixture_p256_cert, fixture_intermediate, fixture_p256_key},
	};
	static const char *const sent[] = {fixture_p256_cert, fixture_intermediate, NULL};

	(void)state;
	for (size_t i = 0; i < COUNT(orders); i++) {
		const char *all = join(orders[i], 3);
		expect_sent(all, all, sent);
		expect_sent(all, fixture_p256_key, sent);
		expect_sent(fixture_p256_cert, all, (const char *const[]){sent[0], NULL});
	}
}

static struct tls_blob der(mbedtls_pem_context *pem, const char *text, const char *kind)
{
	char begin[64], end[64];
	size_t used, len;

	snprintf(begin, sizeof begin, "-----BEGIN %s-----", kind);
	snprintf(end, sizeof end, "-----END %s-----", kind);
	mbedtls_pem_init(pem);
	assert_int_equal(mbedtls_pem_read_buffer(pem, begin, end, (const unsigned char *)text, NULL,
						 0, &used),
			 0);
	const unsigned char *data = mbedtls_pem_get_buffer(pem, &len);
	return (struct tls_blob){data, len, "file.der"};
}

static void test_keys_of_every_form_as_pem_and_der(void **state)
{
	static const struct {
		const char *cert, *key, *kind;
	} cases[] = {
		{fixture_p256_cert, fixture_p256_key, "PRIVATE KEY"},
		{fixture_p256_cert, fixture_p256_key_sec1, "EC PRIVATE KEY"},
		{fixture_p384_cert, fixture_p384_key, "PRIVATE KEY"},
		{fixture_rsa_cert, fixture_rsa_key, "PRIVATE KEY"},
		{fixture_rsa_cert, fixture_rsa_key_pkcs1, "RSA PRIVATE KEY"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		mbedtls_pem_context cert, key;
		char error[TLS_ERROR_SIZE];
		struct tls_context *ctx = load_blobs(der(&cert, cases[i].cert, "CERTIFICATE"),
						     der(&key, cases[i].key, cases[i].kind), error);
		assert_string_equal(error, "");
		tls_context_destroy(ctx);
		mbedtls_pem_free(&cert);
		mbedtls_pem_free(&key);
		tls_context_destroy(load(cases[i].cert, cases[i].key));
	}
}

/* ------------------------------------------------------------------ what is refused */

static void test_encrypted_keys_are_refused_with_what_decrypts_them(void **state)
{
	static const char traditional[] = "-----BEGIN EC PRIVATE KEY-----\n"
					  "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n"
					  "AAAA\n-----END EC PRIVATE KEY-----\n";
	const struct tls_blob cert = blob(fixture_p256_cert, "site.pem");
	mbedtls_pem_context pem;

	(void)state;
	expect_refused(cert, blob(fixture_p256_key_encrypted, "site.key"),
		       "openssl pkey -in site.key -out NEW");
	expect_refused(cert, blob(traditional, "site.key"), "openssl pkey -in site.key -out NEW");
	expect_refused(cert, der(&pem, fixture_p256_key_encrypted, "ENCRYPTED PRIVATE KEY"),
		       "openssl pkey -in file.der -out NEW");
	mbedtls_pem_free(&pem);
}

static void test_files_of_another_kind_are_refused_with_what_they_are(void **state)
{
	static const struct {
		const char *content, *as_cert, *as_key;
	} cases[] = {
		{"", "the file is empty", "the file is empty"},
		{"\xff\xfe-", "UTF-16", "UTF-16"},
		{"\x30\x82\x0a\x0a\x02\x01\x03\x30\x82", "openssl pkcs12", "openssl pkcs12"},
		{"-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n", "openssl pkcs7",
		 "key site.pem"},
		{"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
		 "certificate request", "key site.pem"},
		{"-----BEGIN TRUSTED CERTIFICATE-----\nAA==\n-----END TRUSTED CERTIFICATE-----\n",
		 "openssl x509", "key site.pem"},
		{"-----BEGIN OPENSSH PRIVATE KEY-----\nAA==\n-----END OPENSSH PRIVATE KEY-----\n",
		 "a key and no certificate", "ssh-keygen -p"},
		{"-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n",
		 "certificate site.pem", "public key"},
		{fixture_p256_key, "a key and no certificate", NULL},
		{fixture_p256_cert, NULL, "a certificate and no key"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (cases[i].as_cert)
			expect_refused(blob(cases[i].content, "site.pem"),
				       blob(fixture_p256_key, "site.key"), cases[i].as_cert);
		if (cases[i].as_key)
			expect_refused(blob(fixture_p256_cert, "cert.pem"),
				       blob(cases[i].content, "site.pem"), cases[i].as_key);
	}
}

static void test_a_key_of_none_of_them_is_refused(void **state)
{
	static const char *const parts[] = {fixture_p256_cert, fixture_intermediate};

	(void)state;
	expect_refused(blob(join(parts, 2), "site.pem"), blob(fixture_other_key, "site.key"),
		       "key site.key does not belong to any certificate in site.pem");
	expect_refused(blob(fixture_p256_cert, "site.pem"), blob(fixture_other_key, "site.key"),
		       "key site.key does not belong to the certificate in site.pem");
}

static void test_kinds_of_keys_that_are_not_supported_are_named(void **state)
{
	static const char *const parts[] = {fixture_p256_cert, p521_cert};
	static const char *const foreign[][2] = {{ed25519_cert, ed25519_key},
						 {p521_cert, p521_key}};
	const struct tls_blob cert = blob(fixture_p256_cert, "site.pem"),
			      key = blob(fixture_p256_key, "site.key");

	(void)state;
	for (size_t i = 0; i < COUNT(foreign); i++) {
		expect_refused(blob(foreign[i][0], "site.pem"), key,
			       "certificate site.pem: a kind of key that is not supported; ECDSA "
			       "P-256, P-384 and RSA are");
		expect_refused(cert, blob(foreign[i][1], "site.key"),
			       "key site.key: a kind of key that is not supported");
	}
	expect_refused(blob(join(parts, 2), "site.pem"), key,
		       "1 of its certificates cannot be read: a kind of key that is not supported");
}

static void test_broken_blocks_are_refused(void **state)
{
	static char text[TEXT_SIZE];
	static const char *const parts[] = {fixture_p256_cert, fixture_intermediate, fixture_root};

	(void)state;
	/* Not base64; then base64 that is no certificate. */
	snprintf(text, sizeof text, "%s", join(parts, 3));
	text[strlen(fixture_p256_cert) + 100] = '!';
	expect_refused(blob(text, "site.pem"), blob(fixture_p256_key, "site.key"),
		       "1 of its certificates cannot be read");
	snprintf(text, sizeof text,
		 "%s-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		 fixture_p256_cert);
	expect_refused(blob(text, "site.pem"), blob(fixture_p256_key, "site.key"),
		       "1 of its certificates cannot be read");
	/* The end is missing. */
	snprintf(text, sizeof text, "%.300s", fixture_p256_cert);
	expect_refused(blob(text, "site.pem"), blob(fixture_p256_key, "site.key"), "site.pem");
}

/* It would break every handshake, so it is refused when it is loaded. */
static void test_a_chain_too_long_to_be_sent_is_refused(void **state)
{
	static struct made signer[2];
	static char all[TEXT_SIZE], key[4096], names[256];
	size_t len = 0;

	(void)state;
	for (size_t i = 0; i + 10 < sizeof names; i++)
		names[i] = i % 60 == 59 ? ' ' : 'n';
	make_key(&signer[0], false);
	make_key(&signer[1], false);
	certify(&signer[0], "0", names, -1, 30, NULL);
	for (int i = 1; i <= 40; i++) {
		char name[16];
		struct made *m = &signer[i & 1];

		snprintf(name, sizeof name, "%d", i);
		certify(m, name, names, -1, 30, &signer[~i & 1]);
		len += (size_t)snprintf(all + len, sizeof all - len, "%s", m->cert);
		snprintf(key, sizeof key, "%s", m->pem_key);
	}
	/* Both certificates of a key belong to it: the newest, which leads through all others, has to be first. */
	memmove(all + strlen(signer[0].cert), all, len + 1);
	memcpy(all, signer[0].cert, strlen(signer[0].cert));
	expect_refused(blob(all, "site.pem"), blob(key, "site.key"), "longer than 16384 bytes");
	mbedtls_pk_free(&signer[0].key);
	mbedtls_pk_free(&signer[1].key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_order_of_a_chain_is_sent_leaf_first),
		cmocka_unit_test(test_duplicates_are_sent_once),
		cmocka_unit_test(test_strangers_are_left_out),
		cmocka_unit_test(test_a_chain_with_a_gap_ends_before_it),
		cmocka_unit_test(test_a_namesake_of_the_signer_is_no_signer),
		cmocka_unit_test(test_a_cross_signed_root_leads_on),
		cmocka_unit_test(test_an_unknown_critical_extension_is_no_obstacle),
		cmocka_unit_test(test_a_client_ca_with_an_unknown_critical_extension_is_refused),
		cmocka_unit_test(test_crlf_line_ends),
		cmocka_unit_test(test_text_and_a_byte_order_mark_around_the_pem),
		cmocka_unit_test(test_key_and_certificates_in_one_file),
		cmocka_unit_test(test_keys_of_every_form_as_pem_and_der),
		cmocka_unit_test(test_encrypted_keys_are_refused_with_what_decrypts_them),
		cmocka_unit_test(test_files_of_another_kind_are_refused_with_what_they_are),
		cmocka_unit_test(test_a_key_of_none_of_them_is_refused),
		cmocka_unit_test(test_kinds_of_keys_that_are_not_supported_are_named),
		cmocka_unit_test(test_broken_blocks_are_refused),
		cmocka_unit_test(test_a_chain_too_long_to_be_sent_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
