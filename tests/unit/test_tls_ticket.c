/* SPDX-License-Identifier: Apache-2.0 */
/* Session tickets: what is resumed, what is not, and whose keys open what. The client is Mbed TLS itself, because
 * the server's own sessions never ask for a ticket. */
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>

#include "tests/unit/tls_pair.h"
#include "tls/tls_internal.h"

struct resumer {
	struct pair *p;
	mbedtls_ssl_context ssl;
	unsigned tickets; /* that have come */
	bool has_session;
	mbedtls_ssl_session session;
};

static const struct tls_ticket_keys keys_a = {
	.current = {"aaaa", {1, 2, 3}}, .previous = {"bbbb", {4, 5, 6}}, .lifetime_s = 3600};

static int raw_send(void *ctx, const unsigned char *data, size_t len)
{
	return (int)up_send(ctx, data, len);
}

static int raw_recv(void *ctx, unsigned char *buf, size_t len)
{
	const long n = down_recv(ctx, buf, len);

	return n > 0 ? (int)n : n == 0 ? MBEDTLS_ERR_SSL_WANT_READ : 0;
}

static struct tls_context *client_of(enum tls_version version)
{
	const struct tls_client_config cfg = {.ca = blob(fixture_root, "root.pem"),
					      .server_name = "site.test",
					      .version = version};
	char error[TLS_ERROR_SIZE] = "";
	struct tls_context *ctx = tls_context_create_client(&cfg, error);

	assert_non_null(ctx);
	mbedtls_ssl_conf_session_tickets(&ctx->conf, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
	mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
		&ctx->conf, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
	return ctx;
}

static void give_keys(struct tls_context *server, const struct tls_ticket_keys *keys)
{
	char error[TLS_ERROR_SIZE] = "";

	assert_int_equal(tls_context_set_ticket_keys(server, keys, error), 0);
	assert_string_equal(error, "");
}

/* A connection to a new server with these keys, NULL for none; `before` is an earlier visit or NULL. Says what the
 * client gets to know; the server's view is checked to be the same. */
static struct resumer *visit(enum tls_version version, const struct tls_ticket_keys *keys,
			     struct resumer *before)
{
	struct resumer *r = calloc(1, sizeof *r);
	enum tls_status server = TLS_WANT_READ;
	int client = MBEDTLS_ERR_SSL_WANT_READ;
	uint8_t buf[16];

	assert_non_null(r);
	r->p = pair_new(NULL, client_of(version));
	if (keys)
		give_keys(r->p->server_context, keys);
	mbedtls_ssl_init(&r->ssl);
	mbedtls_ssl_session_init(&r->session);
	assert_int_equal(mbedtls_ssl_setup(&r->ssl, &r->p->client_context->conf), 0);
	assert_int_equal(mbedtls_ssl_set_hostname(&r->ssl, "site.test"), 0);
	mbedtls_ssl_set_bio(&r->ssl, r->p, raw_send, raw_recv, NULL);
	if (before && before->has_session)
		assert_int_equal(mbedtls_ssl_set_session(&r->ssl, &before->session), 0);
	for (int turn = 0; turn < 50 && (client || server == TLS_WANT_READ); turn++) {
		if (client)
			client = mbedtls_ssl_handshake(&r->ssl);
		if (server == TLS_WANT_READ)
			server = tls_session_handshake(r->p->server);
	}
	assert_int_equal(client, 0);
	assert_int_equal(server, TLS_OK);
	/* Mbed TLS takes a ticket in with one call, as WANT_READ, and tells of it with the next. */
	for (unsigned quiet = 0; quiet < 2 || in_flight(&r->p->down) > 0;) {
		client = mbedtls_ssl_read(&r->ssl, buf, sizeof buf);
		quiet = client == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET ? 0 : quiet + 1;
		r->tickets += quiet == 0;
	}
	assert_int_equal(client, MBEDTLS_ERR_SSL_WANT_READ);
	/* In TLS 1.2 the ticket is part of the handshake. */
	r->has_session = mbedtls_ssl_get_version_number(&r->ssl) == MBEDTLS_SSL_VERSION_TLS1_2 ||
			 r->tickets > 0;
	if (r->has_session)
		assert_int_equal(mbedtls_ssl_get_session(&r->ssl, &r->session), 0);
	return r;
}

static bool resumed(const struct resumer *r)
{
	struct tls_info info;

	tls_session_info(r->p->server, &info);
	return info.resumed;
}

static void leave(struct resumer *r)
{
	mbedtls_ssl_session_free(&r->session);
	mbedtls_ssl_free(&r->ssl);
	pair_free(r->p);
	free(r);
}

static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};

#define EACH_VERSION for (unsigned v = 0; v < sizeof versions / sizeof *versions; v++)

static void test_without_keys_nothing_is_resumed(void **state)
{
	(void)state;
	EACH_VERSION
	{
		struct resumer *first = visit(versions[v], NULL, NULL);
		assert_int_equal(first->tickets, 0);
		assert_false(resumed(first));
		struct resumer *second = visit(versions[v], NULL, first);
		assert_false(resumed(second));
		leave(second);
		leave(first);
	}
}

/* Each visit is to a server of its own: what they share are the keys, as workers and replicas do. */
static void test_a_ticket_opens_at_every_server_with_the_keys(void **state)
{
	(void)state;
	EACH_VERSION
	{
		struct resumer *first = visit(versions[v], &keys_a, NULL);
		assert_false(resumed(first));
		assert_int_equal(first->tickets, versions[v] == TLS_VERSION_1_3 ? 2 : 0);
		struct resumer *second = visit(versions[v], &keys_a, first);
		assert_true(resumed(second));
		struct resumer *third = visit(versions[v], &keys_a, second);
		assert_true(resumed(third));
		leave(third);
		leave(second);
		leave(first);
	}
}

static void test_the_previous_key_still_opens_and_the_one_before_not(void **state)
{
	struct tls_ticket_keys next = keys_a, after = keys_a;

	(void)state;
	next.previous = keys_a.current;
	next.current = (struct tls_ticket_key){"cccc", {7}};
	after.previous = next.current;
	after.current = (struct tls_ticket_key){"dddd", {8}};
	EACH_VERSION
	{
		struct resumer *first = visit(versions[v], &keys_a, NULL);
		struct resumer *second = visit(versions[v], &next, first);
		assert_true(resumed(second));
		struct resumer *third = visit(versions[v], &after, first);
		assert_false(resumed(third));
		/* It has got a ticket under the newest key meanwhile. */
		struct resumer *fourth = visit(versions[v], &after, third);
		assert_true(resumed(fourth));
		leave(fourth);
		leave(third);
		leave(second);
		leave(first);
	}
}

/* The same name over another secret must not open, nor break the handshake. */
static void test_a_ticket_under_foreign_keys_is_a_full_handshake(void **state)
{
	struct tls_ticket_keys foreign = keys_a;

	(void)state;
	foreign.current.secret[31] ^= 1;
	EACH_VERSION
	{
		struct resumer *first = visit(versions[v], &foreign, NULL);
		struct resumer *second = visit(versions[v], &keys_a, first);
		assert_false(resumed(second));
		leave(second);
		leave(first);
	}
}

/* Keys change under the sessions of a context: those that are under way go on. */
static void test_keys_can_change_while_sessions_live(void **state)
{
	struct tls_ticket_keys next = keys_a;

	(void)state;
	next.previous = keys_a.current;
	next.current = (struct tls_ticket_key){"cccc", {7}};
	EACH_VERSION
	{
		uint8_t buf[8];
		size_t n;
		struct resumer *first = visit(versions[v], &keys_a, NULL);
		give_keys(first->p->server_context, &next);
		give_keys(first->p->server_context, &next);
		assert_int_equal(mbedtls_ssl_write(&first->ssl, (const uint8_t *)"still", 5), 5);
		assert_int_equal(tls_session_read(first->p->server, buf, sizeof buf, &n), TLS_OK);
		assert_int_equal(n, 5);
		struct resumer *second = visit(versions[v], &next, first);
		assert_true(resumed(second));
		leave(second);
		leave(first);
	}
}

static void test_a_lifetime_that_the_rfc_forbids_is_refused(void **state)
{
	struct tls_ticket_keys keys = keys_a;
	struct tls_context *ctx = server_context(NULL, NULL, NULL);
	char error[TLS_ERROR_SIZE] = "";

	(void)state;
	keys.lifetime_s = TLS_TICKET_LIFETIME_MAX_S + 1;
	assert_int_equal(tls_context_set_ticket_keys(ctx, &keys, error), -1);
	assert_non_null(strstr(error, "seven days"));
	keys.lifetime_s = 0;
	assert_int_equal(tls_context_set_ticket_keys(ctx, &keys, error), -1);
	tls_context_destroy(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_keys_nothing_is_resumed),
		cmocka_unit_test(test_a_ticket_opens_at_every_server_with_the_keys),
		cmocka_unit_test(test_the_previous_key_still_opens_and_the_one_before_not),
		cmocka_unit_test(test_a_ticket_under_foreign_keys_is_a_full_handshake),
		cmocka_unit_test(test_keys_can_change_while_sessions_live),
		cmocka_unit_test(test_a_lifetime_that_the_rfc_forbids_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
