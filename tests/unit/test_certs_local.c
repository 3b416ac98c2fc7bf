/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local certificate authority on disk (certs.h): what a first start makes, what later starts keep, and what
 * they refuse to touch.
 */
#include "tests/unit/certs_place.h"

/* ------------------------------------------------------------------ a first start */

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void test_a_fresh_directory_gets_six_files_and_modes(void **state)
{
	const struct place *at = *state;
	const mode_t mask = umask(0);
	char command[160];

	ensure(at, names, at->now, true, true);
	umask(mask);
	assert_int_equal(mode_of(at->dir), 0700);
	assert_int_equal(mode_of(path_of(at, CERTS_CA_FILE)), 0644);
	assert_int_equal(mode_of(path_of(at, CERTS_CA_KEY_FILE)), 0600);
	assert_int_equal(mode_of(path_of(at, CERTS_LEAF_FILE)), 0644);
	assert_int_equal(mode_of(path_of(at, CERTS_LEAF_KEY_FILE)), 0600);
	assert_int_equal(mode_of(path_of(at, CERTS_INTERMEDIATE_FILE)), 0644);
	assert_int_equal(mode_of(path_of(at, CERTS_INTERMEDIATE_KEY_FILE)), 0600);
	/* ... and nothing else: no half-written file is left beside them. */
	snprintf(command, sizeof command, "test \"$(ls -A '%s' | wc -l)\" = 6", at->dir);
	assert_int_equal(system(command), 0);
}

static void test_modes_do_not_depend_on_the_umask(void **state)
{
	const struct place *at = *state;
	const mode_t mask = umask(0077);

	ensure(at, names, at->now, true, true);
	umask(mask);
	assert_int_equal(mode_of(path_of(at, CERTS_CA_FILE)), 0644);
	assert_int_equal(mode_of(path_of(at, CERTS_LEAF_FILE)), 0644);
}

static void test_missing_parents_are_made(void **state)
{
	const struct place *at = *state;
	struct place deep = *at;

	snprintf(deep.dir, sizeof deep.dir, "%s/a/b/local", at->base);
	ensure(&deep, names, at->now, true, true);
	assert_int_equal(mode_of(deep.dir), 0700);
}

static void test_the_leaf_verifies_for_every_name(void **state)
{
	const struct place *at = *state;

	ensure_fresh(at);
	for (size_t i = 0; names[i]; i++)
		if (verify_as(at, names[i]))
			fail_msg("%s: flags %08x", names[i], verify_as(at, names[i]));
	assert_int_equal(verify_as(at, "elsewhere.test"), MBEDTLS_X509_BADCERT_CN_MISMATCH);
	assert_int_equal(verify_as(at, "10.77.0.3"), MBEDTLS_X509_BADCERT_CN_MISMATCH);
	assert_int_equal(verify_as(at, "fd77::3"), MBEDTLS_X509_BADCERT_CN_MISMATCH);
}

static void test_the_server_takes_what_was_made(void **state)
{
	const struct place *at = *state;
	const struct snapshot s = ensure_fresh(at);
	const struct tls_pair pem = {
		.cert = {(const uint8_t *)s.files[2].data, s.files[2].len, CERTS_LEAF_FILE},
		.key = {(const uint8_t *)s.files[3].data, s.files[3].len, CERTS_LEAF_KEY_FILE},
	};
	const struct tls_config cfg = {.pair = &pem, .pair_count = 1};
	char error[TLS_ERROR_SIZE] = "";
	struct tls_context *ctx = tls_context_create(&cfg, error);

	assert_string_equal(error, "");
	assert_non_null(ctx);
	tls_context_destroy(ctx);
}

/* ------------------------------------------------------------------ later starts: what is kept */

static void test_a_second_call_changes_nothing(void **state)
{
	const struct place *at = *state;
	const struct snapshot before = ensure_fresh(at);
	struct snapshot after;

	for (int i = 0; i < 2; i++)
		ensure(at, names, at->now + i * DAY, false, false);
	after = take(at);
	expect_changed(&before, &after, "......");
}

static void test_made_may_be_null(void **state)
{
	const struct place *at = *state;
	char error[CERTS_ERROR_SIZE] = "";

	assert_int_equal(certs_ensure_local(at->dir, names, at->now, NULL, error), 0);
	assert_int_equal(certs_ensure_local(at->dir, names, at->now, NULL, error), 0);
}

static void test_other_order_case_or_fewer_names_keep_the_leaf(void **state)
{
	static const char *const kept[][5] = {
		{"fd77::2", "10.77.0.2", "localhost", "tunhttpd.test"},
		{"localhost"},
		{"TunHTTPd.Test"},            /* RFC 4343: names ignore case  */
		{"fd77:0:0::2", "localhost"}, /* one address, written otherwise */
		{NULL},
	};
	const struct place *at = *state;
	const struct snapshot before = ensure_fresh(at);
	struct snapshot after;

	for (size_t i = 0; i < COUNT(kept); i++)
		ensure(at, kept[i], at->now, false, false);
	after = take(at);
	expect_changed(&before, &after, "......");
}

/* ------------------------------------------------------------------ later starts: what is renewed */

static void test_an_added_name_renews_the_leaf_only(void **state)
{
	static const char *const added[][4] = {
		{"tunhttpd.test", "new.test"},
		{"tunhttpd.test", "10.77.0.3"},
		{"tunhttpd.test", "fd77::3"},
		{"localhos"}, /* a part of a name is another name */
	};
	const struct place *at = *state;

	ensure_fresh(at);
	for (size_t i = 0; i < COUNT(added); i++) {
		const struct snapshot before = take(at);
		struct snapshot after;

		ensure(at, added[i], at->now, false, true);
		after = take(at);
		expect_changed(&before, &after, "..xx..");
		for (size_t k = 0; added[i][k]; k++)
			assert_int_equal(verify_as(at, added[i][k]), 0);
		ensure(at, added[i], at->now, false, false);
	}
}

static void test_a_leaf_in_its_last_third_is_renewed(void **state)
{
	const struct place *at = *state;
	const struct snapshot before = ensure_fresh(at);
	const time_t life = (time_t)CERTS_LEAF_DAYS * DAY + 3600;
	const time_t last_good = at->now + (time_t)CERTS_LEAF_DAYS * DAY - life / 3;
	mbedtls_x509_crt leaf;
	struct snapshot after;

	ensure(at, names, last_good, false, false);
	ensure(at, names, last_good + 1, false, true);
	after = take(at);
	expect_changed(&before, &after, "..xx..");
	parse(at, CERTS_LEAF_FILE, &leaf);
	assert_int_equal(certs_time(&leaf.valid_to), last_good + 1 + (time_t)CERTS_LEAF_DAYS * DAY);
	mbedtls_x509_crt_free(&leaf);
}

static void test_an_expired_leaf_is_renewed(void **state)
{
	const struct place *at = *state;

	ensure_fresh(at);
	ensure(at, names, at->now + (time_t)(CERTS_LEAF_DAYS + 10) * DAY, false, true);
}

static void test_a_leaf_from_the_future_is_renewed(void **state)
{
	const struct place *at = *state;

	ensure_fresh(at);
	/* Made while the clock was a month ahead. */
	assert_int_equal(unlink(path_of(at, CERTS_LEAF_FILE)), 0);
	ensure(at, names, at->now + 30 * DAY, false, true);
	ensure(at, names, at->now, false, true);
	assert_int_equal(verify_as(at, names[0]), 0);
}

static void test_a_broken_or_missing_leaf_is_made_again(void **state)
{
	const struct place *at = *state;

	ensure_fresh(at);
	for (size_t i = ALL_LEAF; i < ALL_INTERMEDIATE; i++)
		for (int missing = 0; missing < 2; missing++) {
			const struct snapshot before = take(at);
			struct snapshot after;

			if (missing)
				assert_int_equal(unlink(path_of(at, all_files[i])), 0);
			else
				spill(at, all_files[i], before.files[i].data,
				      before.files[i].len / 2);
			ensure(at, names, at->now, false, true);
			after = take(at);
			expect_changed(&before, &after, "..xx..");
			assert_int_equal(verify_as(at, names[0]), 0);
		}
}

/* What a crash between the two files of a renewal leaves: the key of the next certificate. */
static void test_a_leaf_key_without_its_certificate_is_made_again(void **state)
{
	const struct place *at = *state;
	const struct snapshot before = ensure_fresh(at);
	struct snapshot after;

	assert_int_equal(unlink(path_of(at, CERTS_LEAF_FILE)), 0);
	ensure(at, names, at->now, false, true);
	spill(at, CERTS_LEAF_FILE, before.files[2].data, before.files[2].len);
	ensure(at, names, at->now, false, true); /* an old certificate beside a newer key */
	after = take(at);
	expect_changed(&before, &after, "..xx..");
}

/* Good in itself, but nobody who trusts our root would take it. */
static void test_a_leaf_of_another_authority_is_replaced(void **state)
{
	const struct place *at = *state;
	struct place other = *at;
	struct snapshot theirs, before, after;

	snprintf(other.dir, sizeof other.dir, "%s/other", at->base);
	theirs = ensure_fresh(&other);
	ensure_fresh(at);
	for (size_t i = ALL_LEAF; i < ALL_INTERMEDIATE; i++)
		spill(at, all_files[i], theirs.files[i].data, theirs.files[i].len);
	before = take(at);
	ensure(at, names, at->now, false, true);
	after = take(at);
	expect_changed(&before, &after, "..xx..");
	assert_int_equal(verify_as(at, names[0]), 0);
}

/* The root was moved away, the leaf was kept. */
static void test_a_new_root_gets_a_new_leaf(void **state)
{
	const struct place *at = *state;
	const struct snapshot before = ensure_fresh(at);
	struct snapshot after;

	assert_int_equal(unlink(path_of(at, CERTS_CA_FILE)), 0);
	assert_int_equal(unlink(path_of(at, CERTS_CA_KEY_FILE)), 0);
	ensure(at, names, at->now, true, true);
	after = take(at);
	expect_changed(&before, &after, "xxxxxx");
	assert_int_equal(verify_as(at, names[0]), 0);
}

/* A crash between the two files of a first start: no root was ever handed out. */
static void test_a_root_key_without_a_root_heals(void **state)
{
	const struct place *at = *state;
	const struct snapshot before = ensure_fresh(at);
	struct snapshot after;

	assert_int_equal(unlink(path_of(at, CERTS_CA_FILE)), 0);
	assert_int_equal(unlink(path_of(at, CERTS_LEAF_FILE)), 0);
	assert_int_equal(unlink(path_of(at, CERTS_LEAF_KEY_FILE)), 0);
	ensure(at, names, at->now, true, true);
	after = take(at);
	expect_changed(&before, &after, "xxxxxx");
	assert_int_equal(verify_as(at, names[0]), 0);
	ensure(at, names, at->now, false, false);
}

/* ------------------------------------------------------------------ what is refused */

static void test_a_root_without_its_key_is_an_error_that_names_the_file(void **state)
{
	const struct place *at = *state;

	ensure_fresh(at);
	assert_int_equal(unlink(path_of(at, CERTS_CA_KEY_FILE)), 0);
	assert_int_equal(unlink(path_of(at, CERTS_INTERMEDIATE_KEY_FILE)), 0);
	expect_refusal(at, at->now, CERTS_CA_KEY_FILE);
	expect_refusal(at, at->now, "bring it back");
	expect_refusal(at, at->now, at->dir);
}

static void test_a_corrupt_root_is_an_error(void **state)
{
	const struct place *at = *state;
	const struct snapshot good = ensure_fresh(at);

	for (size_t i = 0; i < 2; i++) {
		struct content bad = good.files[i];

		spill(at, all_files[i], bad.data, bad.len / 2);
		expect_refusal(at, at->now, all_files[i]);
		spill(at, all_files[i], "not PEM", 7);
		expect_refusal(at, at->now, all_files[i]);
		assert_int_equal(truncate(path_of(at, all_files[i]), 0), 0);
		expect_refusal(at, at->now, all_files[i]);
		spill(at, all_files[i], good.files[i].data, good.files[i].len);
		ensure(at, names, at->now, false, false);
	}
}

static void test_a_broken_certificate_behind_the_root_is_an_error(void **state)
{
	static const char broken[] =
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
	const struct place *at = *state;
	struct content c = ensure_fresh(at).files[0];

	assert_true(c.len + sizeof broken < sizeof c.data);
	memcpy(c.data + c.len, broken, sizeof broken);
	spill(at, CERTS_CA_FILE, c.data, c.len + sizeof broken - 1);
	expect_refusal(at, at->now, "/" CERTS_CA_FILE ": X509 - ");
}

static void test_a_root_with_the_key_of_another_is_an_error(void **state)
{
	const struct place *at = *state;
	const struct snapshot s = ensure_fresh(at);

	spill(at, CERTS_CA_KEY_FILE, s.files[3].data, s.files[3].len);
	expect_refusal(at, at->now, "its key does not belong to it");
}

static void test_an_expired_root_is_an_error_that_says_what_to_do(void **state)
{
	const struct place *at = *state;
	const time_t end = at->now + (time_t)CERTS_CA_DAYS * DAY;

	ensure_fresh(at);
	ensure(at, names, end - 1, false, true);
	expect_refusal(at, end, "it has expired");
	expect_refusal(at, end + 1000L * DAY, "move that directory away");
}

static void test_a_root_from_the_future_is_an_error(void **state)
{
	const struct place *at = *state;

	ensure_fresh(at);
	expect_refusal(at, at->now - 2 * 3600, "is the clock right?");
}

static void test_a_directory_in_the_place_of_a_file_is_an_error(void **state)
{
	const struct place *at = *state;
	char error[CERTS_ERROR_SIZE] = "";

	ensure_fresh(at);
	assert_int_equal(unlink(path_of(at, CERTS_CA_FILE)), 0);
	assert_int_equal(mkdir(path_of(at, CERTS_CA_FILE), 0700), 0);
	assert_int_equal(certs_ensure_local(at->dir, names, at->now, NULL, error), -1);
	assert_non_null(strstr(error, CERTS_CA_FILE));
}

/* A pipe would make the server wait for ever. */
static void test_a_pipe_in_the_place_of_a_file_is_an_error(void **state)
{
	const struct place *at = *state;
	char error[CERTS_ERROR_SIZE] = "";

	ensure_fresh(at);
	assert_int_equal(unlink(path_of(at, CERTS_CA_FILE)), 0);
	assert_int_equal(mkfifo(path_of(at, CERTS_CA_FILE), 0600), 0);
	assert_int_equal(certs_ensure_local(at->dir, names, at->now, NULL, error), -1);
	assert_non_null(strstr(error, CERTS_CA_FILE));
}

static void test_a_file_in_the_place_of_a_parent_is_an_error(void **state)
{
	const struct place *at = *state;
	char error[CERTS_ERROR_SIZE] = "", dir[128];
	FILE *f;

	snprintf(dir, sizeof dir, "%s/file", at->base);
	f = fopen(dir, "w");
	assert_non_null(f);
	fclose(f);
	snprintf(dir, sizeof dir, "%s/file/local", at->base);
	assert_int_equal(certs_ensure_local(dir, names, at->now, NULL, error), -1);
	assert_non_null(strstr(error, at->base));
	assert_non_null(strstr(error, strerror(ENOTDIR)));
	/* The directory itself may be a file, too. */
	snprintf(dir, sizeof dir, "%s/file", at->base);
	error[0] = '\0';
	assert_int_equal(certs_ensure_local(dir, names, at->now, NULL, error), -1);
	assert_non_null(strstr(error, dir));
}

/* Root may write anywhere: for a while we are somebody else. */
static int as_nobody(const struct place *at, const char *dir, char error[CERTS_ERROR_SIZE])
{
	const bool root = geteuid() == 0;
	int result;

	if (root)
		assert_int_equal(seteuid(65534), 0);
	result = certs_ensure_local(dir, names, at->now, NULL, error);
	if (root)
		assert_int_equal(seteuid(0), 0);
	return result;
}

static void test_an_unwritable_parent_is_an_error(void **state)
{
	const struct place *at = *state;
	char error[CERTS_ERROR_SIZE] = "";

	assert_int_equal(chmod(at->base, 0555), 0);
	assert_int_equal(as_nobody(at, at->dir, error), -1);
	assert_non_null(strstr(error, at->dir));
	assert_non_null(strstr(error, strerror(EACCES)));
	assert_int_equal(chmod(at->base, 0700), 0);
	assert_int_equal(access(at->dir, F_OK), -1);
}

static void test_an_unwritable_directory_is_an_error(void **state)
{
	const struct place *at = *state;
	char error[CERTS_ERROR_SIZE] = "";

	assert_int_equal(chmod(at->base, 0755), 0);
	assert_int_equal(mkdir(at->dir, 0555), 0);
	assert_int_equal(as_nobody(at, at->dir, error), -1);
	assert_non_null(strstr(error, at->dir));
	assert_non_null(strstr(error, strerror(EACCES)));
	assert_int_equal(take(at).files[1].len, 0);
	assert_int_equal(chmod(at->dir, 0700), 0);
}

static void test_an_unreadable_root_key_is_an_error(void **state)
{
	const struct place *at = *state;
	char error[CERTS_ERROR_SIZE] = "";
	struct snapshot before, after;

	ensure_fresh(at);
	before = take(at);
	assert_int_equal(chmod(at->base, 0755), 0);
	assert_int_equal(chmod(at->dir, 0777), 0);
	assert_int_equal(chmod(path_of(at, CERTS_CA_KEY_FILE), 0), 0);
	assert_int_equal(as_nobody(at, at->dir, error), -1);
	assert_non_null(strstr(error, CERTS_CA_KEY_FILE));
	assert_int_equal(chmod(path_of(at, CERTS_CA_KEY_FILE), 0600), 0);
	after = take(at);
	expect_changed(&before, &after, "......");
}

/* More than a certificate can hold: an error, and what is there stays. */
static void test_too_many_names_are_an_error(void **state)
{
	const struct place *at = *state;
	const struct snapshot before = ensure_fresh(at);
	static char text[600][32];
	const char *many[COUNT(text) + 1];
	char error[CERTS_ERROR_SIZE] = "";
	struct snapshot after;

	for (size_t i = 0; i < COUNT(text); i++) {
		snprintf(text[i], sizeof text[i], "name-%zu.tunhttpd.test", i);
		many[i] = text[i];
	}
	many[COUNT(text)] = NULL;
	assert_int_equal(certs_ensure_local(at->dir, many, at->now, NULL, error), -1);
	assert_non_null(strstr(error, CERTS_LEAF_FILE));
	after = take(at);
	expect_changed(&before, &after, "......");
	ensure(at, names, at->now, false, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(test_a_fresh_directory_gets_six_files_and_modes),
		PLACE_TEST(test_modes_do_not_depend_on_the_umask),
		PLACE_TEST(test_missing_parents_are_made),
		PLACE_TEST(test_the_leaf_verifies_for_every_name),
		PLACE_TEST(test_the_server_takes_what_was_made),
		PLACE_TEST(test_a_second_call_changes_nothing),
		PLACE_TEST(test_made_may_be_null),
		PLACE_TEST(test_other_order_case_or_fewer_names_keep_the_leaf),
		PLACE_TEST(test_an_added_name_renews_the_leaf_only),
		PLACE_TEST(test_a_leaf_in_its_last_third_is_renewed),
		PLACE_TEST(test_an_expired_leaf_is_renewed),
		PLACE_TEST(test_a_leaf_from_the_future_is_renewed),
		PLACE_TEST(test_a_broken_or_missing_leaf_is_made_again),
		PLACE_TEST(test_a_leaf_key_without_its_certificate_is_made_again),
		PLACE_TEST(test_a_leaf_of_another_authority_is_replaced),
		PLACE_TEST(test_a_new_root_gets_a_new_leaf),
		PLACE_TEST(test_a_root_key_without_a_root_heals),
		PLACE_TEST(test_a_root_without_its_key_is_an_error_that_names_the_file),
		PLACE_TEST(test_a_corrupt_root_is_an_error),
		PLACE_TEST(test_a_broken_certificate_behind_the_root_is_an_error),
		PLACE_TEST(test_a_root_with_the_key_of_another_is_an_error),
		PLACE_TEST(test_an_expired_root_is_an_error_that_says_what_to_do),
		PLACE_TEST(test_a_root_from_the_future_is_an_error),
		PLACE_TEST(test_a_directory_in_the_place_of_a_file_is_an_error),
		PLACE_TEST(test_a_pipe_in_the_place_of_a_file_is_an_error),
		PLACE_TEST(test_a_file_in_the_place_of_a_parent_is_an_error),
		PLACE_TEST(test_an_unwritable_parent_is_an_error),
		PLACE_TEST(test_an_unwritable_directory_is_an_error),
		PLACE_TEST(test_an_unreadable_root_key_is_an_error),
		PLACE_TEST(test_too_many_names_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
