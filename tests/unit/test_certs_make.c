/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates that certs/make.c makes, field by field, and how it judges names. */
#include <string.h>
#include <time.h>

#include <mbedtls/oid.h>
#include <mbedtls/psa_util.h>
#include <psa/crypto.h>

#include "certs/make.h"
#include "certs/names.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define DAY (24 * 3600)

static const char *const names[] = {"tunhttpd.test", "*.tunhttpd.test", "10.77.0.2", "fd77::2",
				    NULL};
static const time_t now = 1900000000; /* 2030-03-17 */

struct made {
	mbedtls_pk_context root_key, intermediate_key, key;
	mbedtls_x509_crt root, intermediate, leaf;
};

static void reparse(mbedtls_x509_crt *crt, const char *pem)
{
	mbedtls_x509_crt_free(crt);
	mbedtls_x509_crt_init(crt);
	assert_int_equal(mbedtls_x509_crt_parse(crt, (const unsigned char *)pem, strlen(pem) + 1),
			 0);
}

static void make(mbedtls_x509_crt *crt, const struct certs_request *request,
		 const struct certs_signer *by)
{
	char pem[CERTS_PEM_SIZE];

	assert_int_equal(certs_make(request, by, pem), 0);
	reparse(crt, pem);
}

static void make_leaf_for(struct made *m, enum certs_purpose purpose, const char *const *wanted)
{
	const struct certs_request request = {.purpose = purpose,
					      .key = &m->key,
					      .subject = "O=tunhttpd,CN=tunhttpd",
					      .names = wanted,
					      .from = now - CERTS_HOUR,
					      .to = now + CERTS_LEAF_DAYS * CERTS_DAY};

	make(&m->leaf, &request, &(struct certs_signer){&m->intermediate, &m->intermediate_key});
}

static void make_leaf(struct made *m, const char *const *wanted)
{
	make_leaf_for(m, CERTS_SERVER, wanted);
}

static int setup(void **state)
{
	static struct made m;
	char pem[CERTS_PEM_SIZE], subject[CERTS_SUBJECT_SIZE];
	mbedtls_pk_context *const keys[] = {&m.root_key, &m.intermediate_key, &m.key};

	assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
	mbedtls_x509_crt_init(&m.root);
	mbedtls_x509_crt_init(&m.intermediate);
	mbedtls_x509_crt_init(&m.leaf);
	for (size_t i = 0; i < COUNT(keys); i++) {
		mbedtls_pk_init(keys[i]);
		assert_int_equal(certs_make_key(keys[i], CERTS_ECDSA, pem), 0);
	}
	struct certs_request request = {.purpose = CERTS_CA,
					.path_length = 1,
					.key = &m.root_key,
					.subject = subject,
					.from = now - CERTS_HOUR,
					.to = now + CERTS_CA_DAYS * CERTS_DAY};
	certs_ca_subject("CA", now, subject);
	make(&m.root, &request, &(struct certs_signer){NULL, &m.root_key});
	certs_ca_subject("intermediate", now, subject);
	request.path_length = 0;
	request.key = &m.intermediate_key;
	make(&m.intermediate, &request, &(struct certs_signer){&m.root, &m.root_key});
	make_leaf(&m, names);
	*state = &m;
	return 0;
}

static int teardown(void **state)
{
	struct made *m = *state;

	mbedtls_pk_free(&m->root_key);
	mbedtls_pk_free(&m->intermediate_key);
	mbedtls_pk_free(&m->key);
	mbedtls_x509_crt_free(&m->root);
	mbedtls_x509_crt_free(&m->intermediate);
	mbedtls_x509_crt_free(&m->leaf);
	return 0;
}

/* ------------------------------------------------------------------ fields */

static bool has_usage(const mbedtls_x509_crt *crt, const char *oid, size_t len)
{
	return mbedtls_x509_crt_check_extended_key_usage(crt, oid, len) == 0;
}
#define USAGE(crt, name) has_usage(crt, MBEDTLS_OID_##name, MBEDTLS_OID_SIZE(MBEDTLS_OID_##name))

/* RFC 5280 4.2.1.2, 4.2.1.3, 4.2.1.9: what a CA says, and for how many CAs below it. */
static void expect_ca(const mbedtls_x509_crt *crt, int path_length)
{
	assert_int_equal(crt->version, 3);
	assert_int_equal(mbedtls_x509_crt_get_ca_istrue(crt), 1);
	/* The library keeps the length of the path plus one, so that 0 can say that none was given. */
	assert_int_equal(crt->MBEDTLS_PRIVATE(max_pathlen), path_length + 1);
	assert_int_equal(crt->MBEDTLS_PRIVATE(key_usage),
			 MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN);
	assert_int_equal(crt->subject_key_id.len, 20);
}

/* RFC 5280 4.1.2.4, 4.2.1.1 */
static void expect_points_to(const mbedtls_x509_crt *crt, const mbedtls_x509_crt *issuer)
{
	assert_int_equal(crt->authority_key_id.keyIdentifier.len, issuer->subject_key_id.len);
	assert_memory_equal(crt->authority_key_id.keyIdentifier.p, issuer->subject_key_id.p,
			    issuer->subject_key_id.len);
	assert_int_equal(crt->issuer_raw.len, issuer->subject_raw.len);
	assert_memory_equal(crt->issuer_raw.p, issuer->subject_raw.p, issuer->subject_raw.len);
}

static void test_the_root_may_sign_one_level_of_intermediates(void **state)
{
	const struct made *m = *state;

	expect_ca(&m->root, 1);
	expect_points_to(&m->root, &m->root);
	assert_int_equal(m->root.ext_key_usage.buf.len, 0);
}

/* RFC 5280 4.2.1.12: what it signs is good for TLS and nothing else. */
static void test_the_intermediate_may_sign_leaves_for_tls_only(void **state)
{
	const struct made *m = *state;

	expect_ca(&m->intermediate, 0);
	expect_points_to(&m->intermediate, &m->root);
	assert_true(USAGE(&m->intermediate, SERVER_AUTH));
	assert_true(USAGE(&m->intermediate, CLIENT_AUTH));
	assert_false(USAGE(&m->intermediate, CODE_SIGNING));
}

/* RFC 5280 4.2.1.3, 4.2.1.12. */
static void test_leaves_are_for_servers_or_for_clients(void **state)
{
	struct made *m = *state;

	for (int client = 0; client < 2; client++) {
		const mbedtls_x509_crt *leaf = &m->leaf;

		make_leaf_for(m, client ? CERTS_CLIENT : CERTS_SERVER, client ? NULL : names);
		assert_int_equal(leaf->version, 3);
		assert_int_equal(mbedtls_x509_crt_get_ca_istrue(leaf), 0);
		assert_int_equal(leaf->MBEDTLS_PRIVATE(key_usage),
				 MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
		assert_int_equal(USAGE(leaf, SERVER_AUTH), !client);
		assert_int_equal(USAGE(leaf, CLIENT_AUTH), client);
		expect_points_to(leaf, &m->intermediate);
	}
}

static void test_an_rsa_key_has_2048_bits_and_signs(void **state)
{
	struct made *m = *state;
	char pem[CERTS_PEM_SIZE];

	mbedtls_pk_free(&m->key);
	mbedtls_pk_init(&m->key);
	assert_int_equal(certs_make_key(&m->key, CERTS_RSA, pem), 0);
	make_leaf(m, names);
	assert_true(mbedtls_pk_can_do(&m->leaf.pk, MBEDTLS_PK_RSA));
	assert_int_equal(mbedtls_pk_get_bitlen(&m->leaf.pk), 2048);
	assert_int_equal(mbedtls_pk_check_pair(&m->leaf.pk, &m->key, mbedtls_psa_get_random,
					       MBEDTLS_PSA_RANDOM_STATE),
			 0);
}

/* Somebody else's root may be of RSA. */
static void test_an_rsa_key_signs_certificates(void **state)
{
	struct made *m = *state;
	char pem[CERTS_PEM_SIZE];
	uint32_t flags;

	mbedtls_pk_free(&m->root_key);
	mbedtls_pk_init(&m->root_key);
	assert_int_equal(certs_make_key(&m->root_key, CERTS_RSA, pem), 0);
	struct certs_request request = {.purpose = CERTS_CA,
					.path_length = 1,
					.key = &m->root_key,
					.subject = "CN=rsa root",
					.from = time(NULL) - CERTS_DAY,
					.to = time(NULL) + CERTS_DAY};
	make(&m->root, &request, &(struct certs_signer){NULL, &m->root_key});
	request.key = &m->key;
	request.subject = "CN=leaf";
	request.purpose = CERTS_SERVER;
	make(&m->leaf, &request, &(struct certs_signer){&m->root, &m->root_key});
	assert_int_equal(
		mbedtls_x509_crt_verify(&m->leaf, &m->root, NULL, NULL, &flags, NULL, NULL), 0);
}

static void test_keys_are_p256_and_signatures_sha256(void **state)
{
	struct made *m = *state;
	mbedtls_x509_crt *const crts[] = {&m->root, &m->intermediate, &m->leaf};

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

/* A certificate is of no use before and after the one that vouches for it. */
static void test_no_certificate_outlives_who_signed_it(void **state)
{
	struct made *m = *state;
	const struct certs_request request = {.purpose = CERTS_SERVER,
					      .key = &m->key,
					      .subject = "CN=long",
					      .from = now - 400 * CERTS_DAY,
					      .to = now + 2 * CERTS_CA_DAYS * CERTS_DAY};

	make(&m->leaf, &request, &(struct certs_signer){&m->root, &m->root_key});
	assert_int_equal(certs_time(&m->leaf.valid_from), certs_time(&m->root.valid_from));
	assert_int_equal(certs_time(&m->leaf.valid_to), certs_time(&m->root.valid_to));
}

static void test_subjects_are_escaped_and_limited(void **state)
{
	static const struct {
		const char *name, *subject; /* NULL: refused */
	} cases[] = {
		{"erika", "O=tunhttpd,CN=erika"},
		{"Erika M. (laptop)", "O=tunhttpd,CN=Erika M. (laptop)"},
		{"a,b=c+d\"e\\f#", "O=tunhttpd,CN=a\\2Cb\\3Dc\\2Bd\\22e\\5Cf\\23"},
		{"J\xc3\xb6rg", "O=tunhttpd,CN=J\\C3\\B6rg"},
		{"", NULL},
		{" a", NULL},
		{"a ", NULL},
		{"a\nb", NULL},
		{"0123456789012345678901234567890123456789012345678901234567890123",
		 "O=tunhttpd,CN=0123456789012345678901234567890123456789012345678901234567890123"},
		{"01234567890123456789012345678901234567890123456789012345678901234", NULL},
		{"\xff", NULL},
		{"\xc3", NULL},
	};
	struct made *m = *state;
	char subject[CERTS_SUBJECT_SIZE];

	for (size_t i = 0; i < COUNT(cases); i++) {
		const int result = certs_subject(cases[i].name, subject);

		assert_int_equal(result, cases[i].subject ? 0 : -1);
		if (!cases[i].subject)
			continue;
		assert_string_equal(subject, cases[i].subject);
		/* ... and it arrives in the certificate as it was said. */
		const struct certs_request request = {.purpose = CERTS_CLIENT,
						      .key = &m->key,
						      .subject = subject,
						      .from = now,
						      .to = now + CERTS_DAY};
		make(&m->leaf, &request, &(struct certs_signer){&m->root, &m->root_key});
		const mbedtls_x509_name *cn = &m->leaf.subject;
		while (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &cn->oid) != 0)
			cn = cn->next;
		assert_int_equal(cn->val.len, strlen(cases[i].name));
		assert_memory_equal(cn->val.p, cases[i].name, cn->val.len);
	}
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
/* RFC 9525 6.3: a star is for one label. */
static void test_a_client_takes_names_under_a_star(void **state)
{
	static const struct {
		const char *name;
		bool taken;
	} cases[] = {
		{"tunhttpd.test", true},
		{"www.tunhttpd.test", true},
		{"WWW.Tunhttpd.TEST", true},
		{"a.b.tunhttpd.test", false},
		{".tunhttpd.test", false},
		{"xtunhttpd.test", false},
		{"test", false},
		{"10.77.0.2", true},
		{"fd77:0::2", true},
		{"10.77.0.3", false},
		{"", false},
	};
	const struct made *m = *state;

	for (size_t i = 0; i < COUNT(cases); i++)
		if (certs_leaf_matches(&m->leaf, cases[i].name) != cases[i].taken)
			fail_msg("\"%s\"", cases[i].name);
}

static void test_names_come_back_as_text(void **state)
{
	static struct certs_names got;
	const struct made *m = *state;

	certs_names_of(&m->leaf, &got);
	assert_int_equal(got.count, COUNT(names) - 1);
	assert_int_equal(got.left_out, 0);
	for (size_t i = 0; i < got.count; i++)
		assert_string_equal(got.list[i], names[i]);
	assert_null(got.list[got.count]);
	certs_names_of(&m->root, &got);
	assert_int_equal(got.count, 0);
	assert_int_equal(got.left_out, 0);
}

static void test_what_may_stand_in_a_certificate(void **state)
{
	static const char *const good[] = {"localhost",         "a.b",     "*.example.org",
					   "10.0.0.1",          "fd77::1", "_x.y-z.1a",
					   "xn--bcher-kva.test"};
	static const struct {
		const char *name, *problem;
	} bad[] = {
		{"", "nothing between"},
		{"a..b", "nothing between"},
		{"a.", "nothing between"},
		{".a", "nothing between"},
		{"*.", "nothing between"},
		{"*", "a star"},
		{"a.*.b", "a star"},
		{"w*.b", "a star"},
		{"-a.b", "hyphen"},
		{"a-.b", "hyphen"},
		{"a b", "no DNS name has"},
		{"a/b", "no DNS name has"},
		{"https://a", "no DNS name has"},
		{"b\xc3\xbc"
		 "cher.test",
		 "xn--"},
		{"10.0.0.256", "neither a name nor an address"},
		{"10.0.0", "neither a name nor an address"},
		{"a23456789012345678901234567890123456789012345678901234567890123.b", NULL},
		{"a234567890123456789012345678901234567890123456789012345678901234.b", "63"},
	};
	char name[300];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_null(certs_name_problem(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++) {
		const char *problem = certs_name_problem(bad[i].name);

		if (!bad[i].problem)
			assert_null(problem);
		else if (!problem || !strstr(problem, bad[i].problem))
			fail_msg("\"%s\": %s", bad[i].name, problem ? problem : "taken");
	}
	for (size_t i = 0; i < sizeof name; i++)
		name[i] = i % 50 == 49 ? '.' : 'n';
	name[253] = '\0';
	assert_null(certs_name_problem(name));
	name[253] = 'n';
	name[254] = '\0';
	assert_non_null(strstr(certs_name_problem(name), "253"));
}

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
		MADE_TEST(test_the_root_may_sign_one_level_of_intermediates),
		MADE_TEST(test_the_intermediate_may_sign_leaves_for_tls_only),
		MADE_TEST(test_leaves_are_for_servers_or_for_clients),
		MADE_TEST(test_an_rsa_key_has_2048_bits_and_signs),
		MADE_TEST(test_an_rsa_key_signs_certificates),
		MADE_TEST(test_keys_are_p256_and_signatures_sha256),
		MADE_TEST(test_validity),
		MADE_TEST(test_no_certificate_outlives_who_signed_it),
		MADE_TEST(test_subjects_are_escaped_and_limited),
		MADE_TEST(test_serials_are_long_positive_and_differ),
		MADE_TEST(test_the_leaf_covers_its_names),
		MADE_TEST(test_names_are_compared_by_meaning),
		MADE_TEST(test_a_client_takes_names_under_a_star),
		MADE_TEST(test_names_come_back_as_text),
		MADE_TEST(test_what_may_stand_in_a_certificate),
		MADE_TEST(test_an_address_and_a_name_are_different_things),
		MADE_TEST(test_a_leaf_without_names_covers_none),
		MADE_TEST(test_what_is_an_address_and_what_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
