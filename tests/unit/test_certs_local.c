/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local certificate authority on disk (certs.h): what a first start makes, what later starts keep, and what
 * they refuse to touch.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <mbedtls/psa_util.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#include "certs/certs.h"
#include "certs/make.h"
#include "tls/tls.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define DAY (24 * 3600)

static const char *const all_files[] = {CERTS_CA_FILE,           CERTS_CA_KEY_FILE,
					CERTS_LEAF_FILE,         CERTS_LEAF_KEY_FILE,
					CERTS_INTERMEDIATE_FILE, CERTS_INTERMEDIATE_KEY_FILE};
#define ALL_LEAF 2 /* the leaf and its key within all_files */
#define ALL_INTERMEDIATE 4
static const char *const names[] = {"tunhttpd.test", "localhost", "10.77.0.2", "fd77::2", NULL};

/* ------------------------------------------------------------------ directories and files */

struct place {
	char base[64]; /* of our own, removed at the end */
	char dir[80];  /* base/local: the authority      */
	time_t now;
};

static int setup(void **state)
{
	struct place *at = calloc(1, sizeof *at);

	assert_non_null(at);
	snprintf(at->base, sizeof at->base, "/tmp/test_certs.XXXXXX");
	assert_non_null(mkdtemp(at->base));
	snprintf(at->dir, sizeof at->dir, "%s/local", at->base);
	at->now = time(NULL);
	*state = at;
	return 0;
}

static int teardown(void **state)
{
	struct place *at = *state;
	char command[128];

	snprintf(command, sizeof command, "rm -rf '%s'", at->base);
	assert_int_equal(system(command), 0);
	free(at);
	return 0;
}

static const char *path_of(const struct place *at, const char *file)
{
	static char path[160];

	snprintf(path, sizeof path, "%s/%s", at->dir, file);
	return path;
}

struct content {
	char data[8192]; /* ends in NUL */
	size_t len;
};

static struct content slurp(const struct place *at, const char *file)
{
	struct content c = {.len = 0};
	FILE *f = fopen(path_of(at, file), "r");

	if (!f)
		return c;
	c.len = fread(c.data, 1, sizeof c.data - 1, f);
	assert_true(c.len < sizeof c.data - 1);
	fclose(f);
	return c;
}

static void spill(const struct place *at, const char *file, const char *data, size_t len)
{
	FILE *f = fopen(path_of(at, file), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

struct snapshot {
	struct content files[COUNT(all_files)];
};

static struct snapshot take(const struct place *at)
{
	struct snapshot s;

	for (size_t i = 0; i < COUNT(all_files); i++)
		s.files[i] = slurp(at, all_files[i]);
	return s;
}

/* Each of the files is as it was, or not, as `changed` says in the order of all_files: "..xx..". */
static void expect_changed(const struct snapshot *before, const struct snapshot *after,
			   const char *changed)
{
	for (size_t i = 0; i < COUNT(all_files); i++) {
		const bool differs = before->files[i].len != after->files[i].len ||
				     memcmp(before->files[i].data, after->files[i].data,
					    after->files[i].len) != 0;
		if (differs != (changed[i] == 'x'))
			fail_msg("%s has %schanged", all_files[i], differs ? "" : "not ");
	}
}

/* ------------------------------------------------------------------ calls */

static void ensure(const struct place *at, const char *const *wanted, time_t now, bool ca,
		   bool leaf)
{
	char error[CERTS_ERROR_SIZE] = "";
	struct certs_made made = {true, true};

	if (certs_ensure_local(at->dir, wanted, now, &made, error))
		fail_msg("failed: %s", error);
	assert_int_equal(made.ca, ca);
	assert_int_equal(made.leaf, leaf);
}

static struct snapshot ensure_fresh(const struct place *at)
{
	ensure(at, names, at->now, true, true);
	return take(at);
}

/* Fails with one line that holds `part`, and changes nothing. */
static void expect_refusal(const struct place *at, time_t now, const char *part)
{
	const struct snapshot before = take(at);
	struct snapshot after;
	char error[CERTS_ERROR_SIZE] = "";
	struct certs_made made = {true, true};

	assert_int_equal(certs_ensure_local(at->dir, names, now, &made, error), -1);
	if (!strstr(error, part))
		fail_msg("\"%s\" does not contain \"%s\"", error, part);
	assert_null(strchr(error, '\n'));
	assert_false(made.leaf);
	after = take(at);
	expect_changed(&before, &after, "......");
}

static void parse(const struct place *at, const char *file, mbedtls_x509_crt *crt)
{
	const struct content c = slurp(at, file);

	mbedtls_x509_crt_init(crt);
	assert_int_equal(mbedtls_x509_crt_parse(crt, (const unsigned char *)c.data, c.len + 1), 0);
}

/* What a client that trusts our root finds wrong with the leaf. */
static uint32_t verify_as(const struct place *at, const char *name)
{
	mbedtls_x509_crt root, leaf;
	uint32_t flags = 0;

	parse(at, CERTS_CA_FILE, &root);
	parse(at, CERTS_LEAF_FILE, &leaf);
	mbedtls_x509_crt_verify(&leaf, &root, NULL, name, &flags, NULL, NULL);
	mbedtls_x509_crt_free(&root);
	mbedtls_x509_crt_free(&leaf);
	return flags;
}

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

#define PLACE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

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
		PLACE_TEST(test_the_leaf_comes_with_the_intermediate),
		PLACE_TEST(test_the_roots_key_is_not_needed_while_the_intermediate_lasts),
		PLACE_TEST(test_an_intermediate_that_cannot_be_used_is_made_again),
		PLACE_TEST(test_an_intermediate_of_another_root_is_replaced),
		PLACE_TEST(test_an_intermediate_too_short_for_the_leaf_is_replaced),
		PLACE_TEST(test_the_last_leaf_ends_with_the_root),
		PLACE_TEST(test_a_root_that_allows_no_intermediate_signs_the_leaf_itself),
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
