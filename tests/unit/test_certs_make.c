/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates that certs/make.c makes, field by field, and how it judges names. */
#include <string.h>
#include <time.h>

#include <mbedtls/oid.h>
#include <psa/crypto.h>

#include "certs/make.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define DAY (24 * 3600)

static const char *const names[] = {"tunhttpd.test", "*.tunhttpd.test", "10.77.0.2", "fd77::2",
				    NULL};
static const time_t now = 1900000000; /* 2030-03-17 */

struct made {
	mbedtls_pk_context root_key, key;
	mbedtls_x509_crt root, leaf;
};

static void reparse(mbedtls_x509_crt *crt, const char *pem)
{
	mbedtls_x509_crt_free(crt);
	mbedtls_x509_crt_init(crt);
	assert_int_equal(mbedtls_x509_crt_parse(crt, (const unsigned char *)pem, strlen(pem) + 1),
			 0);
}

static void make_leaf(struct made *m, const char *const *wanted)
{
	char pem[CERTS_PEM_SIZE];

	assert_int_equal(certs_make_leaf(&m->key, &m->root, &m->root_key, wanted, now, pem), 0);
	reparse(&m->leaf, pem);
}

static int setup(void **state)
{
	static struct made m;
	char pem[CERTS_PEM_SIZE];

	assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
	mbedtls_pk_init(&m.root_key);
	mbedtls_pk_init(&m.key);
	mbedtls_x509_crt_init(&m.root);
	mbedtls_x509_crt_init(&m.leaf);
	assert_int_equal(certs_make_key(&m.root_key, pem), 0);
	assert_int_equal(certs_make_key(&m.key, pem), 0);
	assert_int_equal(certs_make_root(&m.root_key, now, pem), 0);
	reparse(&m.root, pem);
	make_leaf(&m, names);
	*state = &m;
	return 0;
}

static int teardown(void **state)
{
	struct made *m = *state;

	mbedtls_pk_free(&m->root_key);
	mbedtls_pk_free(&m->key);
	mbedtls_x509_crt_free(&m->root);
	mbedtls_x509_crt_free(&m->leaf);
	return 0;
}

/* ------------------------------------------------------------------ fields */

/* RFC 5280 4.2.1.2, 4.2.1.3, 4.2.1.9. */
static void test_the_root_may_sign_leaves_and_nothing_else(void **state)
{
	const struct made *m = *state;
	const mbedtls_x509_crt *root = &m->root;

	assert_int_equal(root->version, 3);
	assert_int_equal(mbedtls_x509_crt_get_ca_istrue(root), 1);
	/* The library keeps the length of the path plus one, so that 0 can say that none was given. */
	assert_int_equal(root->MBEDTLS_PRIVATE(max_pathlen), 1);
	assert_int_equal(root->MBEDTLS_PRIVATE(key_usage),
			 MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN);
	assert_int_equal(root->subject_key_id.len, 20);
	assert_int_equal(root->subject_raw.len, root->issuer_raw.len);
	assert_memory_equal(root->subject_raw.p, root->issuer_raw.p, root->subject_raw.len);
}

/* RFC 5280 4.2.1.1, 4.2.1.3, 4.2.1.12. */
static void test_the_leaf_is_for_servers_and_points_to_the_root(void **state)
{
	const struct made *m = *state;
	const mbedtls_x509_crt *leaf = &m->leaf;

	assert_int_equal(leaf->version, 3);
	assert_int_equal(mbedtls_x509_crt_get_ca_istrue(leaf), 0);
	assert_int_equal(leaf->MBEDTLS_PRIVATE(key_usage), MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
	assert_int_equal(mbedtls_x509_crt_check_extended_key_usage(
				 leaf, MBEDTLS_OID_SERVER_AUTH,
				 MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)),
			 0);
	assert_int_not_equal(mbedtls_x509_crt_check_extended_key_usage(
				     leaf, MBEDTLS_OID_CLIENT_AUTH,
				     MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH)),
			     0);
	assert_int_equal(leaf->authority_key_id.keyIdentifier.len, m->root.subject_key_id.len);
	assert_memory_equal(leaf->authority_key_id.keyIdentifier.p, m->root.subject_key_id.p,
			    m->root.subject_key_id.len);
	assert_int_equal(leaf->issuer_raw.len, m->root.subject_raw.len);
	assert_memory_equal(leaf->issuer_raw.p, m->root.subject_raw.p, m->root.subject_raw.len);
}

static void test_keys_are_p256_and_signatures_sha256(void **state)
{
	struct made *m = *state;
	mbedtls_x509_crt *const crts[] = {&m->root, &m->leaf};

	for (size_t i = 0; i < COUNT(crts); i++) {
		assert_true(mbedtls_pk_can_do(&crts[i]->pk, MBEDTLS_PK_ECDSA));
		assert_int_equal(mbedtls_pk_get_bitlen(&crts[i]->pk), 256);
		assert_int_equal(crts[i]->MBEDTLS_PRIVATE(sig_md), MBEDTLS_MD_SHA256);
	}
}

/* Valid from an hour ago, for clocks that are behind. */
static void test_validity(void **state)
{
	const struct made *m = *state;

	assert_int_equal(certs_time(&m->root.valid_from), now - 3600);
	assert_int_equal(certs_time(&m->root.valid_to), now + (time_t)CERTS_CA_DAYS * DAY);
	assert_int_equal(certs_time(&m->leaf.valid_from), now - 3600);
	assert_int_equal(certs_time(&m->leaf.valid_to), now + (time_t)CERTS_LEAF_DAYS * DAY);
}

/* RFC 5280 4.1.2.2: positive and unique for the issuer; here 126 bits of chance. */
static void test_serials_are_long_positive_and_differ(void **state)
{
	struct made *m = *state;
	unsigned char seen[20][16];

	for (size_t i = 0; i < COUNT(seen); i++) {
		const mbedtls_x509_crt *crt = i == 0 ? &m->root : &m->leaf;

		if (i > 0)
			make_leaf(m, names);
		assert_int_equal(crt->serial.len, sizeof seen[i]);
		assert_in_range(crt->serial.p[0], 0x40, 0x7f);
		memcpy(seen[i], crt->serial.p, sizeof seen[i]);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(seen[i], seen[k], sizeof seen[i]);
	}
}

/* ------------------------------------------------------------------ names */

static void test_the_leaf_covers_its_names(void **state)
{
	static const char *const none[] = {NULL};
	static const char *const others[] = {
		"tunhttpd.tes", "tunhttpd.test.",   "xtunhttpd.test",    "10.77.0.3",
		"fd77::3",      "10.77.0",          "www.tunhttpd.test", "",
		"10.77.0.2\n",  "::ffff:10.77.0.2",
	};
	const struct made *m = *state;

	assert_true(certs_leaf_covers(&m->leaf, names));
	assert_true(certs_leaf_covers(&m->leaf, none));
	for (size_t i = 0; i < COUNT(others); i++) {
		const char *const list[] = {"tunhttpd.test", others[i], NULL};

		if (certs_leaf_covers(&m->leaf, list))
			fail_msg("\"%s\" is taken for covered", others[i]);
	}
}

/* RFC 5280 7.2, RFC 4291 2.2: names ignore case, an address can be written in several ways. */
static void test_names_are_compared_by_meaning(void **state)
{
	static const char *const same[] = {"TUNHTTPD.Test", "fd77:0:0:0:0:0:0:2", "FD77::0002",
					   NULL};
	const struct made *m = *state;

	assert_true(certs_leaf_covers(&m->leaf, same));
}

/* An address is no DNS name, even when a certificate says so. */
static void test_an_address_and_a_name_are_different_things(void **state)
{
	static const char *const four_letters[] = {"abcd", NULL};
	static const char *const their_bytes[] = {"97.98.99.100", NULL};
	struct made *m = *state;

	make_leaf(m, four_letters);
	assert_true(certs_leaf_covers(&m->leaf, four_letters));
	assert_false(certs_leaf_covers(&m->leaf, their_bytes));
	make_leaf(m, their_bytes);
	assert_true(certs_leaf_covers(&m->leaf, their_bytes));
	assert_false(certs_leaf_covers(&m->leaf, four_letters));
}

static void test_a_leaf_without_names_covers_none(void **state)
{
	static const char *const none[] = {NULL};
	struct made *m = *state;

	make_leaf(m, none);
	assert_true(certs_leaf_covers(&m->leaf, none));
	assert_false(certs_leaf_covers(&m->leaf, names));
}

static void test_what_is_an_address_and_what_a_name(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} cases[] = {
		{"10.77.0.2", 4},  {"255.255.255.255", 4}, {"::", 16},       {"fd77::2", 16},
		{"::1.2.3.4", 16}, {"localhost", 0},       {"10.77.0", 0},   {"10.77.0.256", 0},
		{"10.77.0.2.", 0}, {"fd77::2%eth0", 0},    {"[fd77::2]", 0}, {"", 0},
	};
	unsigned char bytes[16];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (certs_parse_ip(cases[i].text, bytes) != cases[i].len)
			fail_msg("\"%s\" is not taken for %zu bytes", cases[i].text, cases[i].len);
	assert_int_equal(certs_parse_ip("10.77.0.2", bytes), 4);
	assert_memory_equal(bytes, "\x0a\x4d\x00\x02", 4);
}

#define MADE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MADE_TEST(test_the_root_may_sign_leaves_and_nothing_else),
		MADE_TEST(test_the_leaf_is_for_servers_and_points_to_the_root),
		MADE_TEST(test_keys_are_p256_and_signatures_sha256),
		MADE_TEST(test_validity),
		MADE_TEST(test_serials_are_long_positive_and_differ),
		MADE_TEST(test_the_leaf_covers_its_names),
		MADE_TEST(test_names_are_compared_by_meaning),
		MADE_TEST(test_an_address_and_a_name_are_different_things),
		MADE_TEST(test_a_leaf_without_names_covers_none),
		MADE_TEST(test_what_is_an_address_and_what_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
