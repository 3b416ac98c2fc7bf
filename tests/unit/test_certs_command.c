/* SPDX-License-Identifier: Apache-2.0 */
/* `tunhttpd certs`: its command line; init, issue, client and renew. */
#include <mbedtls/oid.h>
#include <psa/crypto.h>

#include "certs/authority.h"
#include "certs/names.h"
#include "tests/unit/certs_tool.h"
#include "tls/tls.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void parse(const struct tool *t, const char *file, mbedtls_x509_crt *crt)
{
	mbedtls_x509_crt_init(crt);
	assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
	assert_int_equal(mbedtls_x509_crt_parse_file(crt, tool_path(t, file)), 0);
}

/* What verifies against the root: the chain in the file is whole. */
static void expect_verifies(const struct tool *t, const char *file)
{
	mbedtls_x509_crt root, chain;
	uint32_t flags;

	parse(t, CERTS_CA_FILE, &root);
	parse(t, file, &chain);
	assert_int_equal(mbedtls_x509_crt_verify(&chain, &root, NULL, NULL, &flags, NULL, NULL), 0);
	mbedtls_x509_crt_free(&root);
	mbedtls_x509_crt_free(&chain);
}

static void expect_same(const struct tool *t, const char *file, const char *before, bool same)
{
	char *now = tool_slurp(t, file);

	if ((strcmp(before, now) == 0) != same)
		fail_msg("%s has %schanged", file, same ? "" : "not ");
	free(now);
}

/* ------------------------------------------------------------------ the command line */

static void test_help_lists_every_command(void **state)
{
	static const char *const words[] = {"init", "issue", "client", "renew", "show", "trust"};
	struct tool *t = *state;

	tool_ok(t, tool_run(t, "--help"));
	for (size_t i = 0; i < COUNT(words); i++)
		tool_expect(t->out, words[i]);
	for (size_t i = 0; i < COUNT(words); i++) {
		tool_ok(t, tool_run(t, "%s --help", words[i]));
		tool_expect(t->out, "--dir DIR");
		tool_expect(t->out, words[i]);
	}
	/* Help that was asked for comes, whatever else is wrong. */
	tool_ok(t, tool_run(t, "issue --days 1 a b -h"));
	assert_int_equal(access(t->dir, F_OK), -1);
}

static void test_a_wrong_command_line_is_refused_and_nothing_made(void **state)
{
	static const struct {
		const char *line, *part;
	} cases[] = {
		{"", "usage: tunhttpd certs COMMAND"},
		{"isue a", "unknown command certs isue"},
		{"init a", "a is one word too many"},
		{"client a b", "b is one word too many"},
		{"issue", "usage: tunhttpd certs issue NAME|IP..."},
		{"issue --frob a", "unknown option --frob"},
		{"issue -x a", "unknown option -x"},
		{"issue a --", "unknown option --"},
		{"init --out a", "unknown option --out"},
		{"issue a --days", "--days needs a value"},
		{"issue a --days 0", "--days 0: it takes 1 to 825"},
		{"issue a --days=826", "1 to 825"},
		{"issue a --days 1x", "1 to 825"},
		{"issue a --days -1", "1 to 825"},
		{"init --days 7301", "1 to 7300"},
		{"issue a --key-type dsa", "it takes ecdsa or rsa"},
		{"issue a --force=yes", "--force takes no value"},
		{"issue a --dir=", "--dir: it takes a directory"},
		{"issue a --out a/b", "has no slash"},
		{"issue a --out ca", "the authority's own"},
		{"issue a --out intermediate", "the authority's own"},
		{"issue a --out x-key", "that of a key"},
		{"issue a --out .x", "does not begin like that"},
		{"issue ca", "choose another name with --out"},
		{"issue a..b", "a..b: there is nothing between two dots"},
		{"issue a https://b", "no DNS name has"},
		{"client a\x01"
		 "b",
		 "control characters"},
	};
	struct tool *t = *state;

	for (size_t i = 0; i < COUNT(cases); i++)
		tool_expect_error(t, 2, cases[i].part, "%s", cases[i].line);
	assert_int_equal(access(t->dir, F_OK), -1);
}

static void test_without_a_directory_it_has_to_be_said(void **state)
{
	struct tool *t = *state;
	char *argv[] = {(char[]){"init"}, NULL};

	(void)t;
	assert_int_equal(certs_command(1, argv, NULL), 2);
}

/* ------------------------------------------------------------------ init */

static void test_init_makes_root_and_intermediate(void **state)
{
	struct tool *t = *state;
	mbedtls_x509_crt root;
	const mode_t mask = umask(0077);

	tool_ok(t, tool_run(t, "init --days 100"));
	umask(mask);
	tool_expect(t->out, t->dir);
	tool_expect(t->out, "tunhttpd certs trust");
	assert_int_equal(mode_of(tool_path(t, CERTS_CA_FILE)), 0644);
	assert_int_equal(mode_of(tool_path(t, CERTS_CA_KEY_FILE)), 0600);
	assert_int_equal(mode_of(tool_path(t, CERTS_INTERMEDIATE_FILE)), 0644);
	assert_int_equal(mode_of(tool_path(t, CERTS_INTERMEDIATE_KEY_FILE)), 0600);
	expect_verifies(t, CERTS_INTERMEDIATE_FILE);
	parse(t, CERTS_CA_FILE, &root);
	assert_int_equal(certs_time(&root.valid_to) - certs_time(&root.valid_from),
			 100 * CERTS_DAY + CERTS_HOUR);
	mbedtls_x509_crt_free(&root);
}

static void test_init_keeps_an_authority_unless_forced(void **state)
{
	struct tool *t = *state;

	tool_ok(t, tool_run(t, "init"));
	char *root = tool_slurp(t, CERTS_CA_FILE), *key = tool_slurp(t, CERTS_CA_KEY_FILE);
	tool_expect_error(t, 1, "--force makes a new one", "init");
	expect_same(t, CERTS_CA_FILE, root, true);
	expect_same(t, CERTS_CA_KEY_FILE, key, true);
	tool_ok(t, tool_run(t, "init --force --key-type rsa"));
	expect_same(t, CERTS_CA_FILE, root, false);
	expect_same(t, CERTS_CA_KEY_FILE, key, false);
	expect_verifies(t, CERTS_INTERMEDIATE_FILE);
	free(root);
	free(key);
}

static void test_init_keeps_a_root_key_without_its_root(void **state)
{
	struct tool *t = *state;

	tool_ok(t, tool_run(t, "init"));
	char *key = tool_slurp(t, CERTS_CA_KEY_FILE);
	assert_int_equal(unlink(tool_path(t, CERTS_CA_FILE)), 0);
	tool_expect_error(t, 1, "bring it back", "init");
	tool_expect_error(t, 1, "bring it back", "issue a.test");
	expect_same(t, CERTS_CA_KEY_FILE, key, true);
	free(key);
}

static void test_a_broken_authority_is_status_78(void **state)
{
	struct tool *t = *state;

	tool_ok(t, tool_run(t, "init"));
	tool_spill(tool_path(t, CERTS_CA_FILE), "nonsense", 8);
	tool_expect_error(t, 78, CERTS_CA_FILE, "init");
	tool_expect_error(t, 78, CERTS_CA_FILE, "issue a.test");
	tool_expect_error(t, 78, CERTS_CA_FILE, "renew");
	tool_ok(t, tool_run(t, "init --force"));
	tool_ok(t, tool_run(t, "issue a.test"));
}

static void test_a_directory_that_cannot_be_made_is_status_1(void **state)
{
	struct tool *t = *state;
	char file[100];

	snprintf(file, sizeof file, "%s/file", t->base);
	tool_spill(file, "", 0);
	tool_expect_error(t, 1, "Not a directory", "init --dir %s/sub", file);
	tool_expect_error(t, 1, "Not a directory", "issue a.test --dir %s/sub", file);
}

/* ------------------------------------------------------------------ issue */

static void test_issue_makes_chain_and_key(void **state)
{
	struct tool *t = *state;
	static const char *const names[] = {"a.test", "*.b.test", "10.1.2.3", "fd77::5", NULL};
	mbedtls_x509_crt chain;

	tool_ok(t, tool_run(t, "issue a.test *.b.test 10.1.2.3 fd77::5"));
	/* The authority came with it. */
	tool_expect(t->out, CERTS_CA_FILE);
	tool_expect(t->out, "a.test, *.b.test, 10.1.2.3, fd77::5");
	tool_expect(t->out, "tunhttpd serve --cert");
	assert_int_equal(mode_of(tool_path(t, "a.test.pem")), 0644);
	assert_int_equal(mode_of(tool_path(t, "a.test-key.pem")), 0600);
	expect_verifies(t, "a.test.pem");
	parse(t, "a.test.pem", &chain);
	assert_true(certs_leaf_covers(&chain, names));
	assert_non_null(chain.next);
	assert_null(chain.next->next);
	assert_true(mbedtls_pk_can_do(&chain.pk, MBEDTLS_PK_ECDSA));
	assert_int_equal(certs_time(&chain.valid_to) - certs_time(&chain.valid_from),
			 90 * CERTS_DAY + CERTS_HOUR);
	mbedtls_x509_crt_free(&chain);
}

static void test_the_server_takes_what_was_issued(void **state)
{
	struct tool *t = *state;

	tool_ok(t, tool_run(t, "issue a.test --key-type rsa --out site"));
	char *cert = tool_slurp(t, "site.pem"), *key = tool_slurp(t, "site-key.pem");
	const struct tls_pair pair = {
		.cert = {(const uint8_t *)cert, strlen(cert), "site.pem"},
		.key = {(const uint8_t *)key, strlen(key), "site-key.pem"},
	};
	const struct tls_config cfg = {.pair = &pair, .pair_count = 1};
	char error[TLS_ERROR_SIZE] = "";
	struct tls_context *ctx = tls_context_create(&cfg, error);

	assert_string_equal(error, "");
	tls_context_destroy(ctx);
	free(cert);
	free(key);
}

static void test_files_are_named_after_the_first_name(void **state)
{
	static const struct {
		const char *name, *file;
	} cases[] = {
		{"*.a.test", "_wildcard.a.test.pem"},
		{"fd77::1", "fd77--1.pem"},
		{"::1", "_-1.pem"},
		{"10.0.0.1", "10.0.0.1.pem"},
	};
	struct tool *t = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		tool_ok(t, tool_run(t, "issue %s", cases[i].name));
		assert_int_equal(access(tool_path(t, cases[i].file), F_OK), 0);
	}
	tool_ok(t, tool_run(t, "client m\xc3\xbcller(x)"));
	assert_int_equal(access(tool_path(t, "m__ller_x_.pem"), F_OK), 0);
}

static void test_nothing_is_overwritten_unless_forced(void **state)
{
	struct tool *t = *state;

	tool_ok(t, tool_run(t, "issue a.test"));
	char *cert = tool_slurp(t, "a.test.pem"), *key = tool_slurp(t, "a.test-key.pem");
	tool_expect_error(t, 1, "--force replaces it", "issue a.test");
	tool_expect_error(t, 1, "a.test.pem is there already", "client x --out a.test");
	/* One of the two is enough. */
	assert_int_equal(unlink(tool_path(t, "a.test.pem")), 0);
	tool_expect_error(t, 1, "a.test-key.pem is there already", "issue a.test");
	expect_same(t, "a.test-key.pem", key, true);
	assert_int_equal(access(tool_path(t, "a.test.pem"), F_OK), -1);
	tool_ok(t, tool_run(t, "issue a.test --force"));
	expect_same(t, "a.test.pem", cert, false);
	expect_same(t, "a.test-key.pem", key, false);
	expect_verifies(t, "a.test.pem");
	free(cert);
	free(key);
}

/* ------------------------------------------------------------------ client */

static void test_client_makes_a_certificate_for_clients(void **state)
{
	struct tool *t = *state;
	mbedtls_x509_crt chain;
	char subject[128];

	tool_ok(t, tool_run(t, "client erika@example.test --days 7"));
	tool_expect(t->out, "curl --cert");
	tool_expect(t->out, "--client-cert required --client-ca");
	expect_verifies(t, "erika@example.test.pem");
	parse(t, "erika@example.test.pem", &chain);
	assert_true(mbedtls_x509_dn_gets(subject, sizeof subject, &chain.subject) > 0);
	assert_string_equal(subject, "O=tunhttpd, CN=erika@example.test");
	assert_int_equal(mbedtls_x509_crt_check_extended_key_usage(
				 &chain, MBEDTLS_OID_CLIENT_AUTH,
				 MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH)),
			 0);
	assert_int_not_equal(mbedtls_x509_crt_check_extended_key_usage(
				     &chain, MBEDTLS_OID_SERVER_AUTH,
				     MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)),
			     0);
	mbedtls_x509_crt_free(&chain);
}

/* ------------------------------------------------------------------ renew */

/* A leaf that was made `days` ago for `life` days. */
static void issue_in_the_past(struct tool *t, const char *file, int days, int life,
			      enum certs_purpose purpose, enum certs_key_type type)
{
	static const char *const names[] = {"b.test", "10.0.0.7", NULL};
	struct certs_authority a;
	char error[CERTS_ERROR_SIZE] = "";
	const time_t then = time(NULL) - days * CERTS_DAY;
	const struct certs_issue issue = {.purpose = purpose,
					  .key_type = type,
					  .subject = "O=tunhttpd,CN=b\\2C c",
					  .names = purpose == CERTS_SERVER ? names : NULL,
					  .life = life * CERTS_DAY,
					  .file = file};

	int opened = certs_authority_open(&a, t->dir, then, error);
	if (opened == 1) {
		assert_int_equal(mkdir(t->dir, 0700), 0);
		opened = certs_authority_make_root(&a, CERTS_CA_DAYS, CERTS_ECDSA);
	}
	assert_int_equal(opened, 0);
	assert_int_equal(certs_authority_issue(&a, &issue, NULL), 0);
	certs_authority_close(&a);
}

static void test_renew_renews_what_is_in_its_last_third(void **state)
{
	struct tool *t = *state;
	static const char *const names[] = {"b.test", "10.0.0.7", NULL};
	mbedtls_x509_crt chain;
	char subject[128];

	issue_in_the_past(t, "fresh", 50, 90, CERTS_SERVER, CERTS_ECDSA);
	issue_in_the_past(t, "late", 35, 50, CERTS_SERVER, CERTS_RSA);
	issue_in_the_past(t, "over", 30, 20, CERTS_CLIENT, CERTS_ECDSA);
	char *fresh = tool_slurp(t, "fresh.pem"), *late = tool_slurp(t, "late-key.pem");
	tool_ok(t, tool_run(t, "renew"));
	tool_expect(t->out, "kept     fresh.pem until ");
	tool_expect(t->out, "renewed  late.pem until ");
	tool_expect(t->out, "renewed  over.pem until ");
	expect_same(t, "fresh.pem", fresh, true);
	expect_same(t, "late-key.pem", late, false);
	expect_verifies(t, "late.pem");
	expect_verifies(t, "over.pem");
	/* Names, subject, kind of key, length of life and purpose are what they were. */
	parse(t, "late.pem", &chain);
	assert_true(certs_leaf_covers(&chain, names));
	assert_true(mbedtls_x509_dn_gets(subject, sizeof subject, &chain.subject) > 0);
	assert_string_equal(subject, "O=tunhttpd, CN=b\\, c");
	assert_true(mbedtls_pk_can_do(&chain.pk, MBEDTLS_PK_RSA));
	assert_int_equal(certs_time(&chain.valid_to) - certs_time(&chain.valid_from),
			 50 * CERTS_DAY + CERTS_HOUR);
	mbedtls_x509_crt_free(&chain);
	parse(t, "over.pem", &chain);
	assert_int_equal(mbedtls_x509_crt_check_extended_key_usage(
				 &chain, MBEDTLS_OID_CLIENT_AUTH,
				 MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH)),
			 0);
	mbedtls_x509_crt_free(&chain);
	tool_ok(t, tool_run(t, "renew"));
	assert_null(strstr(t->out, "renewed"));
	tool_ok(t, tool_run(t, "renew --all --days 3"));
	expect_same(t, "fresh.pem", fresh, false);
	parse(t, "fresh.pem", &chain);
	assert_int_equal(certs_time(&chain.valid_to) - certs_time(&chain.valid_from),
			 3 * CERTS_DAY + CERTS_HOUR);
	mbedtls_x509_crt_free(&chain);
	free(fresh);
	free(late);
}

/* After a change of the root everything that the old one vouched for is of no use. */
static void test_renew_after_a_new_root_renews_everything(void **state)
{
	struct tool *t = *state;

	tool_ok(t, tool_run(t, "issue a.test"));
	tool_ok(t, tool_run(t, "init --force"));
	tool_ok(t, tool_run(t, "renew"));
	tool_expect(t->out, "renewed  a.test.pem");
	expect_verifies(t, "a.test.pem");
}

static void test_renew_leaves_alone_what_is_not_its_own(void **state)
{
	struct tool *t = *state;
	char *foreign;

	tool_ok(t, tool_run(t, "issue a.test"));
	tool_ok(t, tool_run(t, "issue b.test"));
	tool_ok(t, tool_run(t, "issue c.test"));
	assert_int_equal(unlink(tool_path(t, "b.test-key.pem")), 0);
	char *key = tool_slurp(t, "a.test-key.pem");
	tool_spill(tool_path(t, "c.test-key.pem"), key, strlen(key));
	tool_spill(tool_path(t, "broken.pem"), "nonsense", 8);
	tool_spill(tool_path(t, "notes.txt"), "nonsense", 8);
	tool_ok(t, tool_run(t, "renew --all"));
	tool_expect(t->out, "renewed  a.test.pem");
	tool_expect(t->out, "left     b.test.pem: its key is not here");
	tool_expect(t->out, "left     c.test.pem: its key does not belong to it");
	tool_expect(t->out, "left     broken.pem: cannot use");
	assert_null(strstr(t->out, "notes"));
	assert_null(strstr(t->out, "ca.pem"));
	assert_null(strstr(t->out, "intermediate"));
	foreign = tool_slurp(t, "broken.pem");
	assert_string_equal(foreign, "nonsense");
	free(foreign);
	free(key);
}

static void test_renew_without_an_authority_is_status_78(void **state)
{
	struct tool *t = *state;

	tool_expect_error(t, 78, "there is no authority", "renew");
}

#define TOOL_TEST(test) cmocka_unit_test_setup_teardown(test, tool_setup, tool_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TOOL_TEST(test_help_lists_every_command),
		TOOL_TEST(test_a_wrong_command_line_is_refused_and_nothing_made),
		TOOL_TEST(test_without_a_directory_it_has_to_be_said),
		TOOL_TEST(test_init_makes_root_and_intermediate),
		TOOL_TEST(test_init_keeps_an_authority_unless_forced),
		TOOL_TEST(test_init_keeps_a_root_key_without_its_root),
		TOOL_TEST(test_a_broken_authority_is_status_78),
		TOOL_TEST(test_a_directory_that_cannot_be_made_is_status_1),
		TOOL_TEST(test_issue_makes_chain_and_key),
		TOOL_TEST(test_the_server_takes_what_was_issued),
		TOOL_TEST(test_files_are_named_after_the_first_name),
		TOOL_TEST(test_nothing_is_overwritten_unless_forced),
		TOOL_TEST(test_client_makes_a_certificate_for_clients),
		TOOL_TEST(test_renew_renews_what_is_in_its_last_third),
		TOOL_TEST(test_renew_after_a_new_root_renews_everything),
		TOOL_TEST(test_renew_leaves_alone_what_is_not_its_own),
		TOOL_TEST(test_renew_without_an_authority_is_status_78),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
