/* SPDX-License-Identifier: Apache-2.0 */
/* What a client would say to a chain: each fault by itself, and chains without one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/psa_util.h>
#include <mbedtls/rsa.h>
#include <psa/crypto.h>

#include "certs/judge.h"
#include "certs/make.h"
#include "tests/unit/tls_fixtures.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define RNG mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE

static const time_t now = 1900000000; /* 2030-03-17 */
static const char *const names[] = {"a.test", "*.b.test", "10.0.0.1", NULL};

struct pki {
	mbedtls_pk_context key[4]; /* root, intermediate, leaf, and one more */
	mbedtls_x509_crt root, chain;
};

enum {
	ROOT,
	MIDDLE,
	LEAF,
	OTHER
};

/* Puts one more certificate behind `list`. */
static void add(mbedtls_x509_crt *list, const struct certs_request *request,
		const mbedtls_x509_crt *issuer, mbedtls_pk_context *issuer_key)
{
	char pem[CERTS_PEM_SIZE];

	assert_int_equal(certs_make(request, &(struct certs_signer){issuer, issuer_key}, pem), 0);
	assert_int_equal(mbedtls_x509_crt_parse(list, (unsigned char *)pem, strlen(pem) + 1), 0);
}

static struct certs_request ca(struct pki *p, int key, const char *subject, int path_length)
{
	return (struct certs_request){.purpose = CERTS_CA,
				      .path_length = path_length,
				      .key = &p->key[key],
				      .subject = subject,
				      .from = now - 100 * CERTS_DAY,
				      .to = now + 1000 * CERTS_DAY};
}

static struct certs_request leaf(struct pki *p)
{
	return (struct certs_request){.purpose = CERTS_SERVER,
				      .key = &p->key[LEAF],
				      .subject = "CN=leaf",
				      .names = names,
				      .from = now - 10 * CERTS_DAY,
				      .to = now + 20 * CERTS_DAY};
}

static int setup(void **state)
{
	struct pki *p = calloc(1, sizeof *p);
	char pem[CERTS_PEM_SIZE];

	assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
	for (size_t i = 0; i < COUNT(p->key); i++) {
		mbedtls_pk_init(&p->key[i]);
		assert_int_equal(certs_make_key(&p->key[i], CERTS_ECDSA, pem), 0);
	}
	mbedtls_x509_crt_init(&p->root);
	mbedtls_x509_crt_init(&p->chain);
	const struct certs_request root = ca(p, ROOT, "CN=root", 1);
	add(&p->root, &root, NULL, &p->key[ROOT]);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pki *p = *state;

	for (size_t i = 0; i < COUNT(p->key); i++)
		mbedtls_pk_free(&p->key[i]);
	mbedtls_x509_crt_free(&p->root);
	mbedtls_x509_crt_free(&p->chain);
	free(p);
	return 0;
}

/* Leaf and intermediate. */
static void usual_chain(struct pki *p, const struct certs_request *leaf_request)
{
	mbedtls_x509_crt middle;
	const struct certs_request request = ca(p, MIDDLE, "CN=middle", 0);

	mbedtls_x509_crt_init(&middle);
	add(&middle, &request, &p->root, &p->key[ROOT]);
	add(&p->chain, leaf_request, &middle, &p->key[MIDDLE]);
	assert_int_equal(mbedtls_x509_crt_parse_der(&p->chain, middle.raw.p, middle.raw.len), 0);
	mbedtls_x509_crt_free(&middle);
}

static struct certs_verdict v;

static void judge_at(const struct pki *p, const char *name, time_t when, bool trusting)
{
	const struct certs_store store = {"here", &p->root};
	const struct certs_question q = {.chain = &p->chain,
					 .name = name,
					 .now = when,
					 .store = &store,
					 .stores = trusting ? 1 : 0};

	certs_judge(&q, &v);
}

static void expect_said(const char *words)
{
	for (size_t i = 0; i < v.count; i++)
		if (strcmp(v.words[i], words) == 0)
			return;
	for (size_t i = 0; i < v.count; i++)
		print_message("said: %s\n", v.words[i]);
	fail_msg("not said: %s", words);
}

/* Refused, and of the lines that say so there is one. */
static void expect_only_refusal(const char *words)
{
	size_t refusals = 0;

	expect_said(words);
	assert_true(v.refused);
	for (size_t i = 0; i < v.count; i++)
		refusals += strncmp(v.words[i], "refused: ", 9) == 0;
	if (refusals != 1)
		fail_msg("%zu refusals", refusals);
}

/* ------------------------------------------------------------------ */

static void test_a_good_chain_is_taken(void **state)
{
	static const char *const taken[] = {"a.test", "x.b.test", "10.0.0.1", NULL};
	struct pki *p = *state;
	const struct certs_request request = leaf(p);

	usual_chain(p, &request);
	for (size_t i = 0; i < COUNT(taken); i++) { /* NULL: no name was asked for */
		judge_at(p, taken[i], now, true);
		assert_false(v.refused);
		assert_int_equal(v.count, 1);
		expect_said("trusted here: CN=root");
	}
}

static void test_names(void **state)
{
	struct pki *p = *state;
	struct certs_request request = leaf(p);

	usual_chain(p, &request);
	judge_at(p, "b.test", now, true);
	expect_only_refusal("refused: it is not for b.test");
	judge_at(p, "10.0.0.2", now, true);
	expect_only_refusal("refused: it is not for 10.0.0.2");
	mbedtls_x509_crt_free(&p->chain);
	mbedtls_x509_crt_init(&p->chain);
	request.names = NULL;
	request.subject = "CN=a.test";
	usual_chain(p, &request);
	judge_at(p, "a.test", now, true);
	expect_only_refusal(
		"refused: it has no subjectAltName, and clients take the common name for nothing");
}

static void test_times(void **state)
{
	struct pki *p = *state;
	const struct certs_request request = leaf(p);

	usual_chain(p, &request);
	judge_at(p, NULL, now + 23 * CERTS_DAY, true);
	expect_only_refusal("refused: it has expired, 3 days ago");
	judge_at(p, NULL, now - 15 * CERTS_DAY, true);
	expect_only_refusal("refused: it is not valid yet, for 5 days more: is the clock right?");
	judge_at(p, NULL, now + 1001 * CERTS_DAY, true);
	expect_said("refused: it has expired, 981 days ago");
	expect_said("refused: CN=middle has expired, 1 days ago");
	expect_said("refused: CN=root has expired, 1 days ago");
}

static void test_an_unknown_root(void **state)
{
	struct pki *p = *state;
	const struct certs_request request = leaf(p);

	usual_chain(p, &request);
	judge_at(p, NULL, now, false);
	expect_only_refusal(
		"refused: CN=root signed the last of it and is neither in the chain nor trusted "
		"here: an intermediate certificate is missing, or its root is unknown");
	assert_int_equal(mbedtls_x509_crt_parse_der(&p->chain, p->root.raw.p, p->root.raw.len), 0);
	judge_at(p, NULL, now, false);
	expect_only_refusal("refused: CN=root signed itself and nobody here trusts it");
}

static void test_a_missing_intermediate(void **state)
{
	struct pki *p = *state;
	const struct certs_request request = leaf(p);

	usual_chain(p, &request);
	mbedtls_x509_crt *rest = p->chain.next;
	p->chain.next = NULL;
	judge_at(p, NULL, now, true);
	p->chain.next = rest;
	expect_only_refusal(
		"refused: CN=middle signed the first of it and is neither in the chain nor "
		"trusted here: an intermediate certificate is missing, or its root is unknown");
}

static void test_a_self_signed_leaf(void **state)
{
	struct pki *p = *state;
	const struct certs_request request = leaf(p);

	add(&p->chain, &request, NULL, &p->key[LEAF]);
	judge_at(p, "a.test", now, true);
	expect_only_refusal("refused: CN=leaf signed itself and nobody here trusts it");
	/* ... unless somebody was told to. */
	mbedtls_x509_crt_free(&p->root);
	mbedtls_x509_crt_init(&p->root);
	assert_int_equal(mbedtls_x509_crt_parse_der(&p->root, p->chain.raw.p, p->chain.raw.len), 0);
	judge_at(p, "a.test", now, true);
	assert_false(v.refused);
	expect_said("trusted here: CN=leaf");
}

static void test_purposes(void **state)
{
	struct pki *p = *state;
	struct certs_request request = leaf(p);

	request.purpose = CERTS_CLIENT;
	usual_chain(p, &request);
	judge_at(p, "a.test", now, true);
	expect_only_refusal("refused: it is not for servers");
	/* By itself it is a client's, and good. */
	judge_at(p, NULL, now, true);
	assert_false(v.refused);
}

static void test_a_signer_that_is_no_ca(void **state)
{
	struct pki *p = *state;
	const struct certs_request request = leaf(p);
	struct certs_request middle = ca(p, MIDDLE, "CN=middle", 0);
	mbedtls_x509_crt crt;

	middle.purpose = CERTS_SERVER;
	mbedtls_x509_crt_init(&crt);
	add(&crt, &middle, &p->root, &p->key[ROOT]);
	add(&p->chain, &request, &crt, &p->key[MIDDLE]);
	assert_int_equal(mbedtls_x509_crt_parse_der(&p->chain, crt.raw.p, crt.raw.len), 0);
	mbedtls_x509_crt_free(&crt);
	judge_at(p, NULL, now, true);
	expect_only_refusal("refused: CN=middle is not a CA and signed another one all the same");
}

/* RFC 5280 4.2.1.9 */
static void test_a_path_longer_than_allowed(void **state)
{
	struct pki *p = *state;
	const struct certs_request request = leaf(p);
	const struct certs_request root = ca(p, ROOT, "CN=root", 0);

	mbedtls_x509_crt_free(&p->root);
	mbedtls_x509_crt_init(&p->root);
	add(&p->root, &root, NULL, &p->key[ROOT]);
	usual_chain(p, &request);
	judge_at(p, NULL, now, true);
	expect_only_refusal("refused: CN=root allows 0 CAs below it, and there are 1");
}

static void test_a_short_rsa_key(void **state)
{
	struct pki *p = *state;
	const struct certs_request request = leaf(p);

	mbedtls_pk_free(&p->key[LEAF]);
	mbedtls_pk_init(&p->key[LEAF]);
	assert_int_equal(mbedtls_pk_setup(&p->key[LEAF], mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)),
			 0);
	assert_int_equal(mbedtls_rsa_gen_key(mbedtls_pk_rsa(p->key[LEAF]), RNG, 1024, 65537), 0);
	usual_chain(p, &request);
	judge_at(p, NULL, now, true);
	expect_only_refusal("refused: it is too weak: its RSA key is shorter than 2048 bits");
}

static void test_a_life_too_long_for_apple(void **state)
{
	struct pki *p = *state;
	struct certs_request request = leaf(p);

	request.to = now + 900 * CERTS_DAY;
	usual_chain(p, &request);
	judge_at(p, NULL, now, true);
	assert_false(v.refused);
	expect_said("refused by Apple's systems: it is valid for 910 days, more than 825");
}

/* The order is the server's fault, and clients cope (RFC 8446 4.4.2). */
static void test_strangers_in_the_chain_are_overlooked(void **state)
{
	struct pki *p = *state;
	const struct certs_request request = leaf(p), stranger = ca(p, OTHER, "CN=middle", 0);

	usual_chain(p, &request);
	add(&p->chain, &stranger, NULL, &p->key[OTHER]);
	judge_at(p, "a.test", now, true);
	assert_false(v.refused);
}

/* Two that signed each other: the path has an end all the same. */
static void test_a_circle_ends(void **state)
{
	struct pki *p = *state;
	const struct certs_request request = leaf(p), a = ca(p, MIDDLE, "CN=a", 5),
				   b = ca(p, OTHER, "CN=b", 5);
	mbedtls_x509_crt self[2], crt;

	for (int i = 0; i < 2; i++) {
		mbedtls_x509_crt_init(&self[i]);
		add(&self[i], i ? &b : &a, NULL, &p->key[i ? OTHER : MIDDLE]);
	}
	mbedtls_x509_crt_init(&crt);
	add(&p->chain, &request, &self[0], &p->key[MIDDLE]);
	add(&p->chain, &a, &self[1], &p->key[OTHER]);
	add(&p->chain, &b, &self[0], &p->key[MIDDLE]);
	judge_at(p, NULL, now, true);
	assert_true(v.refused);
	mbedtls_x509_crt_free(&self[0]);
	mbedtls_x509_crt_free(&self[1]);
}

/* Every store says so that has the root. */
static void test_two_stores(void **state)
{
	struct pki *p = *state;
	const struct certs_request request = leaf(p);
	mbedtls_x509_crt other;

	mbedtls_x509_crt_init(&other);
	assert_int_equal(mbedtls_x509_crt_parse(&other, (const unsigned char *)fixture_root,
						sizeof fixture_root),
			 0);
	usual_chain(p, &request);
	const struct certs_store stores[] = {
		{"by one", &p->root}, {"by another", &other}, {"by a third", &p->root}};
	const struct certs_question q = {
		.chain = &p->chain, .now = now, .store = stores, .stores = COUNT(stores)};
	certs_judge(&q, &v);
	assert_false(v.refused);
	assert_int_equal(v.count, 2);
	expect_said("trusted by one: CN=root");
	expect_said("trusted by a third: CN=root");
	mbedtls_x509_crt_free(&other);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_good_chain_is_taken),
		TEST(test_names),
		TEST(test_times),
		TEST(test_an_unknown_root),
		TEST(test_a_missing_intermediate),
		TEST(test_a_self_signed_leaf),
		TEST(test_purposes),
		TEST(test_a_signer_that_is_no_ca),
		TEST(test_a_path_longer_than_allowed),
		TEST(test_a_short_rsa_key),
		TEST(test_a_life_too_long_for_apple),
		TEST(test_strangers_in_the_chain_are_overlooked),
		TEST(test_a_circle_ends),
		TEST(test_two_stores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
