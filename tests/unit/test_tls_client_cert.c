/* SPDX-License-Identifier: Apache-2.0 */
/* Client certificates: off, wanted, required; good, from a stranger, out of date, missing. */
#include <mbedtls/ssl.h>

#include "tests/unit/tls_pki.h"
#include "tls/tls_internal.h"

enum {
	ROOT,
	SERVER,
	GOOD,
	EXPIRED,
	EARLY,
	STRANGER_ROOT,
	STRANGER,
	MADE
};

static struct made *made;

static int setup(void **state)
{
	(void)state;
	made = made_new(MADE, NO_RSA);
	certify(&made[ROOT], "root", "", -100, 30, NULL);
	certify(&made[SERVER], "server", "site.test", -1, 30, &made[ROOT]);
	certify(&made[GOOD], "Erika Mustermann", "", -1, 30, &made[ROOT]);
	certify(&made[EXPIRED], "late", "", -60, -30, &made[ROOT]);
	certify(&made[EARLY], "early", "", 10, 30, &made[ROOT]);
	certify(&made[STRANGER_ROOT], "stranger root", "", -1, 30, NULL);
	certify(&made[STRANGER], "stranger", "", -1, 30, &made[STRANGER_ROOT]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	made_free(made, MADE);
	return 0;
}

struct visit {
	enum tls_status server;
	bool refused;               /* the client has seen an alert */
	char alert[TLS_ERROR_SIZE]; /* … which said this            */
	char client[128];           /* whom the server sees, "" for nobody */
	bool tickets;
};

/* A client with certificate `who`, -1 for none. */
static struct visit visit(enum tls_client_auth auth, int who, enum tls_version version)
{
	const struct tls_pair pair = pair_of(&made[SERVER]);
	const struct tls_config server = {.pair = &pair,
					  .pair_count = 1,
					  .client_auth = auth,
					  .client_ca = blob(made[ROOT].cert, "clients.pem")};
	const struct tls_client_config client = {.ca = blob(made[ROOT].cert, "root.pem"),
						 .server_name = "site.test",
						 .version = version};
	const struct tls_ticket_keys keys = {.current = {"a", {1}}, .lifetime_s = 60};
	struct visit v = {0};
	char error[TLS_ERROR_SIZE] = "";
	enum tls_status status;
	mbedtls_x509_crt crt;
	struct tls_info info;

	struct pair *p = pair_new(tls_context_create(&server, error),
				  tls_context_create_client(&client, error));
	assert_int_equal(tls_context_set_ticket_keys(p->server_context, &keys, error), 0);
	v.tickets = p->server_context->has_tickets;
	mbedtls_x509_crt_init(&crt);
	if (who >= 0) {
		assert_int_equal(mbedtls_x509_crt_parse(&crt, (const uint8_t *)made[who].cert,
							strlen(made[who].cert) + 1),
				 0);
		assert_int_equal(mbedtls_ssl_conf_own_cert(&p->client_context->conf, &crt,
							   &made[who].key),
				 0);
	}
	const struct outcome out = pair_handshake(p);
	v.server = out.server;
	status = out.client;
	/* In TLS 1.3 the client is done before the server has seen its certificate. */
	if (status == TLS_OK)
		status = read_status(p->client);
	v.refused = status == TLS_FAILED;
	snprintf(v.alert, sizeof v.alert, "%s", tls_session_error(p->client));
	tls_session_info(p->server, &info);
	snprintf(v.client, sizeof v.client, "%s", info.client ? info.client : "");
	pair_free(p);
	mbedtls_x509_crt_free(&crt);
	return v;
}

static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};

#define EACH_VERSION for (unsigned v = 0; v < 2; v++)

static void expect_served(enum tls_client_auth auth, int who, const char *subject)
{
	EACH_VERSION
	{
		const struct visit got = visit(auth, who, versions[v]);
		assert_int_equal(got.server, TLS_OK);
		assert_false(got.refused);
		assert_string_equal(got.client, subject);
	}
}

static void expect_refused(enum tls_client_auth auth, int who, const char *alert)
{
	EACH_VERSION
	{
		const struct visit got = visit(auth, who, versions[v]);
		assert_int_equal(got.server, TLS_FAILED);
		assert_true(got.refused);
		if (!strstr(got.alert, alert))
			fail_msg("the client was told \"%s\", not %s", got.alert, alert);
		assert_string_equal(got.client, "");
	}
}

static void test_off_asks_nobody(void **state)
{
	(void)state;
	expect_served(TLS_CLIENT_OFF, -1, "");
	expect_served(TLS_CLIENT_OFF, GOOD, "");
	expect_served(TLS_CLIENT_OFF, STRANGER, "");
}

static void test_a_good_certificate_is_let_in_by_name(void **state)
{
	(void)state;
	expect_served(TLS_CLIENT_WANTED, GOOD, "CN=Erika Mustermann");
	expect_served(TLS_CLIENT_REQUIRED, GOOD, "CN=Erika Mustermann");
}

static void test_without_a_certificate(void **state)
{
	(void)state;
	expect_served(TLS_CLIENT_WANTED, -1, "");
	EACH_VERSION
	{
		const struct visit got = visit(TLS_CLIENT_REQUIRED, -1, versions[v]);
		assert_int_equal(got.server, TLS_FAILED);
		assert_true(got.refused);
		/* RFC 8446 4.4.2.4; TLS 1.2 has no alert of its own for this. */
		assert_non_null(strstr(got.alert, versions[v] == TLS_VERSION_1_3
							  ? "certificate_required (116)"
							  : "handshake_failure (40)"));
	}
}

static void test_a_bad_certificate_is_refused_also_where_none_would_do(void **state)
{
	(void)state;
	for (enum tls_client_auth auth = TLS_CLIENT_WANTED; auth <= TLS_CLIENT_REQUIRED; auth++) {
		expect_refused(auth, STRANGER, "unknown_ca (48)");
		expect_refused(auth, EXPIRED, "certificate_expired (45)");
		expect_refused(auth, EARLY, "certificate");
	}
}

static void test_no_tickets_where_certificates_count(void **state)
{
	(void)state;
	assert_true(visit(TLS_CLIENT_OFF, -1, TLS_VERSION_ANY).tickets);
	assert_false(visit(TLS_CLIENT_WANTED, -1, TLS_VERSION_ANY).tickets);
	assert_false(visit(TLS_CLIENT_REQUIRED, GOOD, TLS_VERSION_ANY).tickets);
}

static void test_an_authority_that_cannot_be_read_is_an_error(void **state)
{
	const struct tls_pair pair = pair_of(&made[SERVER]);
	struct tls_config cfg = {.pair = &pair,
				 .pair_count = 1,
				 .client_auth = TLS_CLIENT_REQUIRED,
				 .client_ca = blob("no certificate", "clients.pem")};
	char error[TLS_ERROR_SIZE] = "";

	(void)state;
	assert_null(tls_context_create(&cfg, error));
	assert_non_null(strstr(error, "CA clients.pem"));
	cfg.client_ca = (struct tls_blob){NULL, 0, "nothing.pem"};
	assert_null(tls_context_create(&cfg, error));
	assert_non_null(strstr(error, "CA nothing.pem"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_off_asks_nobody),
		cmocka_unit_test(test_a_good_certificate_is_let_in_by_name),
		cmocka_unit_test(test_without_a_certificate),
		cmocka_unit_test(test_a_bad_certificate_is_refused_also_where_none_would_do),
		cmocka_unit_test(test_no_tickets_where_certificates_count),
		cmocka_unit_test(test_an_authority_that_cannot_be_read_is_an_error),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
