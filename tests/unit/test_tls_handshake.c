/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes: each version, suite, group and kind of certificate; names, ALPN, difficult streams,
 * refusals. */
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>

#include "tests/unit/tls_pair.h"

#define VERIFIED .ca = blob(fixture_root, "root.pem"), .server_name = "site.test"

static const struct certificate {
	const char *cert, *key;
	bool rsa;
} certificates[] = {
	{fixture_p256_cert, fixture_p256_key, false},
	{fixture_p384_cert, fixture_p384_key, false},
	{fixture_rsa_cert, fixture_rsa_key, true},
};
static const uint16_t all_groups[] = {
	MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
	MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
	MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
};

static struct pair *pair_of(const struct certificate *c, const char *const *alpn,
			    const struct tls_client_config *cfg)
{
	char error[TLS_ERROR_SIZE] = "";
	struct tls_context *client = tls_context_create_client(cfg, error);

	assert_string_equal(error, "");
	return pair_new(server_context(c->cert, c->key, alpn), client);
}

static void check_suite(const struct certificate *c, int suite, const char *name,
			enum tls_version version, uint16_t group)
{
	const int suites[] = {suite, 0};
	const uint16_t groups[] = {group, 0};
	const struct tls_client_config cfg = {
		VERIFIED,
		.version = version,
		.groups = groups,
		.ciphersuites = suites,
	};
	struct pair *p = pair_of(c, NULL, &cfg);
	struct tls_info info;

	pair_establish(p);
	tls_session_info(p->server, &info);
	assert_string_equal(info.version, version == TLS_VERSION_1_3 ? "TLSv1.3" : "TLSv1.2");
	assert_string_equal(info.ciphersuite, name);
	pair_transfer(p, p->client, p->server, 3000, 1000);
	pair_transfer(p, p->server, p->client, 3000, 1000);
	pair_free(p);
}

static void test_every_suite_group_and_certificate_of_tls_1_3(void **state)
{
	static const struct {
		int id;
		const char *name;
	} suites[] = {
		{MBEDTLS_TLS1_3_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256"},
		{MBEDTLS_TLS1_3_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384"},
		{MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256"},
	};

	(void)state;
	for (size_t c = 0; c < 3; c++)
		for (size_t s = 0; s < 3; s++)
			for (size_t g = 0; g < 3; g++)
				check_suite(&certificates[c], suites[s].id, suites[s].name,
					    TLS_VERSION_1_3, all_groups[g]);
}

static void test_every_suite_and_group_of_tls_1_2(void **state)
{
	static const struct {
		int id;
		const char *name;
		size_t certificate;
	} suites[] = {
		{0xC02B, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0},
		{0xC02C, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0},
		{0xCCA9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 0},
		{0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 2},
		{0xC030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 2},
		{0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 2},
	};

	(void)state;
	for (size_t s = 0; s < sizeof suites / sizeof *suites; s++)
		for (size_t g = 0; g < 3; g++) {
			/* RFC 8422 5.1.1: in TLS 1.2 the groups must include the certificate's. */
			const uint16_t group = all_groups[g];

			if (suites[s].certificate == 0 &&
			    group != MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1)
				continue;
			check_suite(&certificates[suites[s].certificate], suites[s].id,
				    suites[s].name, TLS_VERSION_1_2, group);
		}
}

static void test_default_client_gets_the_best(void **state)
{
	struct pair *p = pair_new(NULL, NULL);
	struct tls_info info;

	(void)state;
	tls_session_info(p->server, &info);
	assert_null(info.version);
	assert_null(info.ciphersuite);
	assert_null(info.sni);
	pair_establish(p);
	tls_session_info(p->server, &info);
	assert_string_equal(info.version, "TLSv1.3");
	assert_string_equal(info.ciphersuite, "TLS_AES_128_GCM_SHA256");
	assert_string_equal(info.sni, "site.test");
	assert_null(info.alpn);
	assert_false(info.close_notify_in);
	assert_false(info.close_notify_out);
	pair_free(p);
}

/* The server's order of preference counts in TLS 1.2. In TLS 1.3 Mbed TLS goes by the client's, so
 * a client without AES in hardware gets the ChaCha20 that it prefers. */
static void test_whose_preference_counts(void **state)
{
	const int suites[] = {
		MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
		MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
		MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		0,
	};
	static const char *const wanted[] = {
		"TLS_CHACHA20_POLY1305_SHA256",
		"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
	};

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		const struct tls_client_config cfg = {
			VERIFIED,
			.ciphersuites = suites,
			.version = v == 0 ? TLS_VERSION_1_3 : TLS_VERSION_1_2,
		};
		struct pair *p = pair_new_client(&cfg);
		struct tls_info info;

		pair_establish(p);
		tls_session_info(p->server, &info);
		assert_string_equal(info.ciphersuite, wanted[v]);
		pair_free(p);
	}
}

static void check_alpn(const char *const *server, const char *const *client, const char *wanted)
{
	const enum tls_version versions[] = {TLS_VERSION_1_3, TLS_VERSION_1_2};

	for (size_t v = 0; v < 2; v++) {
		const struct tls_client_config cfg = {VERIFIED, .alpn = client,
						      .version = versions[v]};
		struct pair *p = pair_of(&certificates[0], server, &cfg);
		struct tls_info si, ci;

		pair_establish(p);
		tls_session_info(p->server, &si);
		tls_session_info(p->client, &ci);
		if (wanted) {
			assert_string_equal(si.alpn, wanted);
			assert_string_equal(ci.alpn, wanted);
		} else {
			assert_null(si.alpn);
			assert_null(ci.alpn);
		}
		pair_free(p);
	}
}

static void test_alpn(void **state)
{
	static const char *const http1[] = {"http/1.1", NULL};
	static const char *const reversed[] = {"spdy/3", "http/1.1", "h2", NULL};

	(void)state;
	check_alpn(http1, alpn_http, "http/1.1");
	check_alpn(alpn_http, reversed, "h2"); /* the server's order */
	check_alpn(alpn_http, NULL, NULL);
	check_alpn(NULL, alpn_http, NULL);
}

/* RFC 7301 3.2. */
static void test_alpn_without_overlap_is_refused(void **state)
{
	static const char *const http1[] = {"http/1.1", NULL};
	static const char *const other[] = {"imap", "h2", NULL};
	const enum tls_version versions[] = {TLS_VERSION_1_3, TLS_VERSION_1_2};

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		const struct tls_client_config cfg = {VERIFIED, .alpn = other,
						      .version = versions[v]};
		struct pair *p = pair_of(&certificates[0], http1, &cfg);
		const struct outcome out = pair_handshake(p);

		assert_int_equal(out.server, TLS_FAILED);
		assert_int_equal(out.client, TLS_FAILED);
		assert_non_null(
			strstr(tls_session_error(p->client), "no_application_protocol (120)"));
		pair_free(p);
	}
}

static void test_server_name(void **state)
{
	static const char *const names[] = {"site.test", "a-very-long-label.with.many.dots.example",
					    NULL};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const struct tls_client_config cfg = {.server_name = names[i]};
		struct pair *p = pair_new_client(&cfg);
		struct tls_info info;

		pair_establish(p);
		tls_session_info(p->server, &info);
		if (names[i])
			assert_string_equal(info.sni, names[i]);
		else
			assert_null(info.sni);
		pair_free(p);
	}
}

static void test_server_name_cannot_forge_a_log_line(void **state)
{
	const struct tls_client_config cfg = {.server_name = "a\nb\x1b[2J \xc3\xa9"};
	struct pair *p = pair_new_client(&cfg);
	struct tls_info info;

	(void)state;
	pair_establish(p);
	tls_session_info(p->server, &info);
	assert_string_equal(info.sni, "a?b?[2J???");
	pair_free(p);
}

static void check_client_refuses(const struct tls_client_config *cfg, const char *client_says,
				 const char *server_says)
{
	struct pair *p = pair_new_client(cfg);
	struct outcome out = pair_handshake(p);

	assert_int_equal(out.client, TLS_FAILED);
	if (!strstr(tls_session_error(p->client), client_says))
		fail_msg("client: \"%s\"", tls_session_error(p->client));
	/* In TLS 1.3 the server may be through by then and reads the alert in place of data. */
	if (out.server == TLS_OK)
		out.server = read_status(p->server);
	assert_int_equal(out.server, TLS_FAILED);
	if (!strstr(tls_session_error(p->server), server_says))
		fail_msg("server: \"%s\"", tls_session_error(p->server));
	assert_int_equal(tls_session_handshake(p->client), TLS_FAILED);
	assert_int_equal(records_since(&p->down, p->down.taken, true),
			 0); /* an alert is not answered */
	pair_free(p);
}

static void test_client_that_does_not_trust_us(void **state)
{
	const enum tls_version versions[] = {TLS_VERSION_1_3, TLS_VERSION_1_2};

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		const struct tls_client_config stranger = {
			.ca = blob(fixture_p384_cert, "other.pem"),
			.server_name = "site.test",
			.version = versions[v],
		};
		const struct tls_client_config other_name = {
			.ca = blob(fixture_root, "root.pem"),
			.server_name = "elsewhere.test",
			.version = versions[v],
		};

		check_client_refuses(&stranger, "verification failed", "the alert unknown_ca (48)");
		check_client_refuses(&other_name, "verification failed",
				     "the alert bad_certificate (42)");
	}
}

static void difficult(enum tls_version version, bool refuse, size_t crumb, size_t room)
{
	static const char *const alpn[] = {"http/1.1", NULL};
	const struct tls_client_config cfg = {VERIFIED, .version = version, .alpn = alpn};
	struct pair *p = pair_of(&certificates[2], alpn, &cfg);

	p->up.stubborn = p->down.stubborn = refuse;
	p->up.crumb = p->down.crumb = crumb;
	p->up.room = p->down.room = room;
	pair_establish(p);
	if (refuse) {
		assert_int_equal(p->down.refusals, p->down.sends);
		assert_int_equal(p->up.refusals, p->up.sends);
	}
	pair_transfer(p, p->client, p->server, 40000, 4000);
	pair_transfer(p, p->server, p->client, 40000, 4000);
	pair_free(p);
}

static void test_byte_by_byte(void **state)
{
	(void)state;
	difficult(TLS_VERSION_1_3, false, 1, SIZE_MAX);
	difficult(TLS_VERSION_1_2, false, 1, SIZE_MAX);
	difficult(TLS_VERSION_1_3, false, 7, SIZE_MAX);
}

static void test_no_room_at_every_step(void **state)
{
	(void)state;
	difficult(TLS_VERSION_1_3, true, 0, SIZE_MAX);
	difficult(TLS_VERSION_1_2, true, 0, SIZE_MAX);
	difficult(TLS_VERSION_1_3, true, 1, SIZE_MAX);
	difficult(TLS_VERSION_1_2, true, 3, SIZE_MAX);
}

/* Just enough for the largest record of the handshake, the certificates. */
static void test_little_room(void **state)
{
	(void)state;
	difficult(TLS_VERSION_1_3, false, 0, 4200);
	difficult(TLS_VERSION_1_2, false, 0, 4200);
	difficult(TLS_VERSION_1_3, true, 100, 4200);
}

/* Each holds several keys in the PSA key store, which must not run out. */
static void test_many_connections_at_once(void **state)
{
	enum {
		COUNT = 100
	};
	struct tls_context *server = server_context(NULL, NULL, NULL);
	struct pair *pairs[COUNT];

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		pairs[i] = pair_new(NULL, NULL);
		pair_establish(pairs[i]);
	}
	for (size_t i = 0; i < COUNT; i++) {
		pair_transfer(pairs[i], pairs[i]->client, pairs[i]->server, 100, 100);
		pair_transfer(pairs[i], pairs[i]->server, pairs[i]->client, 100, 100);
	}
	for (size_t i = 0; i < COUNT; i++)
		pair_free(pairs[i]);
	tls_context_destroy(server);
}

static void test_session_that_never_speaks(void **state)
{
	struct pair *p = pair_new(NULL, NULL);
	uint8_t buf[8];
	size_t got;

	(void)state;
	assert_false(tls_session_pending(p->server));
	assert_int_equal(tls_session_max_write(p->server), 16384);
	assert_int_equal(tls_session_close_notify(p->server), TLS_OK);
	assert_int_equal(tls_session_handshake(p->server), TLS_WANT_READ);
	assert_int_equal(tls_session_read(p->server, buf, sizeof buf, &got), TLS_WANT_READ);
	assert_int_equal(p->down.len, 0);
	p->up.fin = true;
	assert_int_equal(tls_session_handshake(p->server), TLS_TRUNCATED);
	assert_int_equal(tls_session_handshake(p->server), TLS_TRUNCATED);
	assert_int_equal(p->down.len, 0);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_suite_group_and_certificate_of_tls_1_3),
		cmocka_unit_test(test_every_suite_and_group_of_tls_1_2),
		cmocka_unit_test(test_default_client_gets_the_best),
		cmocka_unit_test(test_whose_preference_counts),
		cmocka_unit_test(test_alpn),
		cmocka_unit_test(test_alpn_without_overlap_is_refused),
		cmocka_unit_test(test_server_name),
		cmocka_unit_test(test_server_name_cannot_forge_a_log_line),
		cmocka_unit_test(test_client_that_does_not_trust_us),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_no_room_at_every_step),
		cmocka_unit_test(test_little_room),
		cmocka_unit_test(test_many_connections_at_once),
		cmocka_unit_test(test_session_that_never_speaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
