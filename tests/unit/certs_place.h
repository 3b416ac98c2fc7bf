/* SPDX-License-Identifier: Apache-2.0 */
/* certs_place.h — an authority in a directory of the test's own: what is in its files, and what changed in them. */
#ifndef TESTS_UNIT_CERTS_PLACE_H
#define TESTS_UNIT_CERTS_PLACE_H

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
#include "tests/unit/cmocka_all.h"
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

static inline int place_setup(void **state)
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

static inline int place_teardown(void **state)
{
	struct place *at = *state;
	char command[128];

	snprintf(command, sizeof command, "rm -rf '%s'", at->base);
	assert_int_equal(system(command), 0);
	free(at);
	return 0;
}

static inline const char *path_of(const struct place *at, const char *file)
{
	static char path[160];

	snprintf(path, sizeof path, "%s/%s", at->dir, file);
	return path;
}

struct content {
	char data[8192]; /* ends in NUL */
	size_t len;
};

static inline struct content slurp(const struct place *at, const char *file)
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

static inline void spill(const struct place *at, const char *file, const char *data, size_t len)
{
	FILE *f = fopen(path_of(at, file), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

struct snapshot {
	struct content files[COUNT(all_files)];
};

static inline struct snapshot take(const struct place *at)
{
	struct snapshot s;

	for (size_t i = 0; i < COUNT(all_files); i++)
		s.files[i] = slurp(at, all_files[i]);
	return s;
}

/* Each of the files is as it was, or not, as `changed` says in the order of all_files: "..xx..". */
static inline void expect_changed(const struct snapshot *before, const struct snapshot *after,
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

static inline void ensure(const struct place *at, const char *const *wanted, time_t now, bool ca,
			  bool leaf)
{
	char error[CERTS_ERROR_SIZE] = "";
	struct certs_made made = {true, true};

	if (certs_ensure_local(at->dir, wanted, now, &made, error))
		fail_msg("failed: %s", error);
	assert_int_equal(made.ca, ca);
	assert_int_equal(made.leaf, leaf);
}

static inline struct snapshot ensure_fresh(const struct place *at)
{
	ensure(at, names, at->now, true, true);
	return take(at);
}

/* Fails with one line that holds `part`, and changes nothing. */
static inline void expect_refusal(const struct place *at, time_t now, const char *part)
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

static inline void parse(const struct place *at, const char *file, mbedtls_x509_crt *crt)
{
	const struct content c = slurp(at, file);

	mbedtls_x509_crt_init(crt);
	assert_int_equal(mbedtls_x509_crt_parse(crt, (const unsigned char *)c.data, c.len + 1), 0);
}

/* What a client that trusts our root finds wrong with the leaf. */
static inline uint32_t verify_as(const struct place *at, const char *name)
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

#define PLACE_TEST(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

#endif
