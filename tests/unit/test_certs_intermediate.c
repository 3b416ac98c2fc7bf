/* SPDX-License-Identifier: Apache-2.0 */
/* The intermediate of the local authority: made, kept, made anew; and a root that allows none. */
#include "tests/unit/certs_place.h"

/* ------------------------------------------------------------------ the intermediate */

/* Root, intermediate, leaf: the file of the leaf holds what leads to the root. */
static void test_the_leaf_comes_with_the_intermediate(void **state)
{
	const struct place *at = *state;
	mbedtls_x509_crt leaf, intermediate;

	ensure_fresh(at);
	parse(at, CERTS_LEAF_FILE, &leaf);
	parse(at, CERTS_INTERMEDIATE_FILE, &intermediate);
	assert_non_null(leaf.next);
	assert_null(leaf.next->next);
	assert_int_equal(leaf.next->raw.len, intermediate.raw.len);
	assert_memory_equal(leaf.next->raw.p, intermediate.raw.p, intermediate.raw.len);
	mbedtls_x509_crt_free(&leaf);
	mbedtls_x509_crt_free(&intermediate);
}

/* So it may be kept where no server runs. */
static void test_the_roots_key_is_not_needed_while_the_intermediate_lasts(void **state)
{
	const struct place *at = *state;
	static const char *const more[] = {"tunhttpd.test", "new.test", NULL};

	ensure_fresh(at);
	assert_int_equal(unlink(path_of(at, CERTS_CA_KEY_FILE)), 0);
	ensure(at, names, at->now, false, false);
	ensure(at, more, at->now, false, true);
	assert_int_equal(verify_as(at, "new.test"), 0);
	/* Not to be made anew, it is used to its very end. */
	ensure(at, more, at->now + (CERTS_INTERMEDIATE_DAYS - 1) * CERTS_DAY, false, true);
	expect_refusal(at, at->now + CERTS_INTERMEDIATE_DAYS * CERTS_DAY, "bring it back");
}

/* Nobody trusts it by itself: one that cannot be used is replaced with the next leaf, not before. */
static void test_an_intermediate_that_cannot_be_used_is_made_again(void **state)
{
	const struct place *at = *state;

	for (size_t i = ALL_INTERMEDIATE; i < COUNT(all_files); i++)
		for (int missing = 0; missing < 2; missing++) {
			struct snapshot before, after;

			ensure(at, names, at->now, i == ALL_INTERMEDIATE && !missing,
			       i == ALL_INTERMEDIATE && !missing);
			before = take(at);
			if (missing)
				assert_int_equal(unlink(path_of(at, all_files[i])), 0);
			else
				spill(at, all_files[i], before.files[i].data,
				      before.files[i].len / 2);
			ensure(at, names, at->now, false, false);
			assert_int_equal(unlink(path_of(at, CERTS_LEAF_FILE)), 0);
			ensure(at, names, at->now, false, true);
			after = take(at);
			expect_changed(&before, &after, "..xxxx");
			assert_int_equal(verify_as(at, names[0]), 0);
		}
}

static void test_an_intermediate_of_another_root_is_replaced(void **state)
{
	const struct place *at = *state;
	struct place other = *at;
	struct snapshot theirs, before, after;

	snprintf(other.dir, sizeof other.dir, "%s/other", at->base);
	theirs = ensure_fresh(&other);
	ensure_fresh(at);
	for (size_t i = ALL_INTERMEDIATE; i < COUNT(all_files); i++)
		spill(at, all_files[i], theirs.files[i].data, theirs.files[i].len);
	assert_int_equal(unlink(path_of(at, CERTS_LEAF_FILE)), 0);
	before = take(at);
	ensure(at, names, at->now, false, true);
	after = take(at);
	expect_changed(&before, &after, "..xxxx");
	assert_int_equal(verify_as(at, names[0]), 0);
}

/* A leaf never outlives who signed it. */
static void test_an_intermediate_too_short_for_the_leaf_is_replaced(void **state)
{
	const struct place *at = *state;
	const time_t last = at->now + (CERTS_INTERMEDIATE_DAYS - CERTS_LEAF_DAYS) * CERTS_DAY;
	struct snapshot before = ensure_fresh(at), after;

	ensure(at, names, last, false, true);
	after = take(at);
	expect_changed(&before, &after, "..xx..");
	assert_int_equal(unlink(path_of(at, CERTS_LEAF_FILE)), 0);
	ensure(at, names, last + 1, false, true);
	before = after;
	after = take(at);
	expect_changed(&before, &after, "..xxxx");
}

static void test_the_last_leaf_ends_with_the_root(void **state)
{
	const struct place *at = *state;
	const time_t end = at->now + CERTS_CA_DAYS * CERTS_DAY;
	mbedtls_x509_crt leaf;

	ensure_fresh(at);
	ensure(at, names, end - 10 * CERTS_DAY, false, true);
	parse(at, CERTS_LEAF_FILE, &leaf);
	assert_int_equal(certs_time(&leaf.valid_to), end);
	assert_int_equal(certs_time(&leaf.next->valid_to), end);
	mbedtls_x509_crt_free(&leaf);
}

/* ------------------------------------------------------------------ an authority of an earlier version */

/* Its root allows no intermediate: pathLenConstraint 0 (RFC 5280 4.2.1.9). */
static void make_two_levels(const struct place *at)
{
	char pem[CERTS_PEM_SIZE], key_pem[CERTS_PEM_SIZE], subject[CERTS_SUBJECT_SIZE];
	mbedtls_pk_context key;

	assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
	mbedtls_pk_init(&key);
	certs_ca_subject("CA", at->now, subject);
	const struct certs_request request = {.purpose = CERTS_CA,
					      .path_length = 0,
					      .key = &key,
					      .subject = subject,
					      .from = at->now - CERTS_HOUR,
					      .to = at->now + CERTS_CA_DAYS * CERTS_DAY};
	const struct certs_signer self = {NULL, &key};
	assert_int_equal(mkdir(at->dir, 0700), 0);
	assert_int_equal(certs_make_key(&key, CERTS_ECDSA, key_pem), 0);
	assert_int_equal(certs_make(&request, &self, pem), 0);
	spill(at, CERTS_CA_FILE, pem, strlen(pem));
	spill(at, CERTS_CA_KEY_FILE, key_pem, strlen(key_pem));
	mbedtls_pk_free(&key);
}

static void test_a_root_that_allows_no_intermediate_signs_the_leaf_itself(void **state)
{
	const struct place *at = *state;
	mbedtls_x509_crt leaf;

	make_two_levels(at);
	ensure(at, names, at->now, false, true);
	ensure(at, names, at->now, false, false);
	assert_int_equal(access(path_of(at, CERTS_INTERMEDIATE_FILE), F_OK), -1);
	parse(at, CERTS_LEAF_FILE, &leaf);
	assert_null(leaf.next);
	mbedtls_x509_crt_free(&leaf);
	assert_int_equal(verify_as(at, names[0]), 0);
	assert_int_equal(unlink(path_of(at, CERTS_CA_KEY_FILE)), 0);
	expect_refusal(at, at->now, "bring it back");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(test_the_leaf_comes_with_the_intermediate),
		PLACE_TEST(test_the_roots_key_is_not_needed_while_the_intermediate_lasts),
		PLACE_TEST(test_an_intermediate_that_cannot_be_used_is_made_again),
		PLACE_TEST(test_an_intermediate_of_another_root_is_replaced),
		PLACE_TEST(test_an_intermediate_too_short_for_the_leaf_is_replaced),
		PLACE_TEST(test_the_last_leaf_ends_with_the_root),
		PLACE_TEST(test_a_root_that_allows_no_intermediate_signs_the_leaf_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
