/* SPDX-License-Identifier: Apache-2.0 */
/* What a session holds while nothing happens: tls/tls_buffers.c. */
#include "tests/unit/cmocka_all.h"

#include <malloc.h>

#include "tests/unit/tls_pair.h"
#include "tls/tls_internal.h"

/* The sanitizer has an allocator of its own. */
#if defined(__SANITIZE_ADDRESS__)
#define OUR_MALLOC false
static bool memory_is_short;
#else
#define OUR_MALLOC true
static bool memory_is_short;
extern void *__libc_calloc(size_t n, size_t size);

void *calloc(size_t n, size_t size)
{
	return memory_is_short ? NULL : __libc_calloc(n, size);
}
#endif

static const enum tls_version versions[] = {TLS_VERSION_1_3, TLS_VERSION_1_2};

static void rest_both(struct pair *p)
{
	tls_session_rest(p->server);
	tls_session_rest(p->client);
}

static void expect_resting(const struct tls_session *t, bool resting)
{
	assert_int_equal(t->resting, resting);
	assert_int_equal(t->ssl.MBEDTLS_PRIVATE(in_buf) == NULL, resting);
	assert_int_equal(t->ssl.MBEDTLS_PRIVATE(out_buf) == NULL, resting);
}

static void test_an_idle_session_holds_no_record_buffers(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_established(versions[v]);

		pair_transfer(p, p->client, p->server, 1000, 100);
		rest_both(p);
		expect_resting(p->server, true);
		expect_resting(p->client, true);
		pair_free(p);
	}
}

/* A server's, with or without tickets, at once; a client keeps it for the tickets of TLS 1.3. */
static void test_the_handshakes_state_goes_with_its_last_message(void **state)
{
	const struct tls_ticket_keys keys = {.current = {"a", {1}}, .lifetime_s = 60};
	char error[TLS_ERROR_SIZE];

	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++)
		for (int tickets = 0; tickets < 2; tickets++) {
			struct pair *p = pair_of_version(versions[v]);

			if (tickets)
				assert_int_equal(tls_context_set_ticket_keys(p->server_context,
									     &keys, error),
						 0);
			while (!tls_session_established(p->server)) {
				tls_session_handshake(p->client);
				const enum tls_status status = tls_session_handshake(p->server);
				assert_true(status == TLS_OK || status == TLS_WANT_READ);
				assert_int_equal(p->server->ssl.MBEDTLS_PRIVATE(handshake) == NULL,
						 status == TLS_OK);
			}
			pair_establish(p);
			pair_transfer(p, p->client, p->server, 100, 100);
			pair_free(p);
		}
}

/* The buffers that Mbed TLS has made are used again by us, and ours are wiped by it. */
static void test_our_buffers_are_as_large_as_the_librarys(void **state)
{
	struct pair *p = pair_established(TLS_VERSION_1_3);
	mbedtls_ssl_context *ssl = &p->server->ssl;

	(void)state;
	assert_in_range(malloc_usable_size(ssl->MBEDTLS_PRIVATE(in_buf)), 16384, TLS_RECORD_BUFFER);
	assert_in_range(malloc_usable_size(ssl->MBEDTLS_PRIVATE(out_buf)), 16384,
			TLS_RECORD_BUFFER);
	pair_free(p);
}

static void test_data_goes_both_ways_between_rests(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_established(versions[v]);

		for (int i = 0; i < 20; i++) {
			rest_both(p);
			pair_transfer(p, p->client, p->server, 100000, 40000);
			rest_both(p);
			pair_transfer(p, p->server, p->client, 100000, 1 + (size_t)i);
		}
		rest_both(p);
		assert_int_equal(tls_session_close_notify(p->server), TLS_OK);
		rest_both(p);
		assert_int_equal(read_status(p->client), TLS_CLOSED);
		pair_free(p);
	}
}

/* Sessions of one context take each other's buffers. */
static void test_many_sessions_share_few_buffers(void **state)
{
	struct pair *p = pair_of_version(TLS_VERSION_1_3);
	struct pair more[TLS_SPARES_MAX + 3];

	(void)state;
	for (size_t i = 0; i < COUNT(more); i++) {
		more[i] = (struct pair){.server_context = p->server_context,
					.client_context = p->client_context};
		pair_begin(&more[i]);
		pair_establish(&more[i]);
	}
	for (size_t i = 0; i < COUNT(more); i++)
		rest_both(&more[i]);
	assert_int_equal(p->server_context->spares.count, TLS_SPARES_MAX);
	for (size_t i = 0; i < COUNT(more); i++) {
		pair_transfer(&more[i], more[i].client, more[i].server, 20000 + i, 7000);
		rest_both(&more[i]);
	}
	assert_int_equal(p->server_context->spares.count, TLS_SPARES_MAX);
	for (size_t i = 0; i < COUNT(more); i++)
		pair_end(&more[i]);
	pair_free(p);
}

static void test_a_session_with_something_in_its_buffers_keeps_them(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_of_version(versions[v]);
		uint8_t byte;
		size_t got;

		rest_both(p); /* not begun */
		assert_int_equal(tls_session_handshake(p->client), TLS_WANT_READ);
		tls_session_rest(p->client); /* in the middle of its handshake */
		expect_resting(p->client, false);
		pair_establish(p);

		write_text(p->client, "ab"); /* content that was not read yet */
		assert_int_equal(tls_session_read(p->server, &byte, 1, &got), TLS_OK);
		tls_session_rest(p->server);
		expect_resting(p->server, false);
		assert_int_equal(tls_session_read(p->server, &byte, 1, &got), TLS_OK);
		assert_int_equal(byte, 'b');

		for (size_t part = 1; part < 24; part++) { /* a part of a record */
			p->up.readable = part;
			write_text(p->client, "cd");
			assert_int_equal(read_status(p->server), TLS_WANT_READ);
			tls_session_rest(p->server);
			expect_resting(p->server, false);
			p->up.readable = NO_LIMIT;
			expect_text(p->server, "cd");
		}

		p->down.room = 0; /* a record that the stream refused */
		assert_int_equal(tls_session_write(p->server, (const uint8_t *)"ef", 2, &got),
				 TLS_WANT_WRITE);
		tls_session_rest(p->server);
		expect_resting(p->server, false);
		p->down.room = NO_LIMIT;
		assert_int_equal(tls_session_write(p->server, (const uint8_t *)"ef", 2, &got),
				 TLS_OK);
		expect_text(p->client, "ef");
		rest_both(p);
		expect_resting(p->server, true);
		pair_free(p);
	}
}

static void test_a_spare_buffer_tells_nothing_of_what_was_read(void **state)
{
	struct pair *p = pair_established(TLS_VERSION_1_3);

	(void)state;
	const char *const secret = "a secret of this very client";
	const uint8_t *in = p->server->ssl.MBEDTLS_PRIVATE(in_buf);
	uint8_t byte;
	size_t got;

	write_text(p->client, secret);
	assert_int_equal(tls_session_read(p->server, &byte, 1, &got), TLS_OK);
	assert_non_null(memmem(in, 16384, secret + 1, strlen(secret) - 1));
	expect_text(p->server, secret + 1);
	tls_session_rest(p->server);
	for (size_t i = 0; i + 4 <= strlen(secret); i++)
		assert_null(memmem(in, 16384, secret + i, 4));
	pair_free(p);
}

/* A record that was altered ends the session with one alert whether it rested or not. */
static void test_a_failure_after_a_rest_sends_its_alert(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_established(versions[v]);
		const size_t mark = p->down.len;

		rest_both(p);
		write_text(p->client, "altered on its way");
		p->up.data[p->up.len - 1] ^= 1;
		assert_int_equal(read_status(p->server), TLS_FAILED);
		assert_true(p->down.len > mark);
		tls_session_rest(p->server); /* changes nothing any more */
		assert_int_equal(read_status(p->server), TLS_FAILED);
		assert_int_equal(read_status(p->client), TLS_FAILED);
		pair_free(p);
	}
}

/* Nothing can be sealed without buffers, so no alert either. */
static void test_a_session_that_gets_no_buffers_fails(void **state)
{
	struct pair *p;

	(void)state;
	if (!OUR_MALLOC)
		skip();
	for (int call = 0; call < 3; call++) {
		size_t n;
		enum tls_status status;

		p = pair_established(TLS_VERSION_1_3);
		rest_both(p);
		tls_spares_free(&p->server_context->spares);
		const size_t mark = p->down.len;
		memory_is_short = true;
		if (call == 0)
			status = read_status(p->server);
		else if (call == 1)
			status = tls_session_write(p->server, (const uint8_t *)"x", 1, &n);
		else
			status = tls_session_close_notify(p->server);
		memory_is_short = false;
		assert_int_equal(status, TLS_FAILED);
		assert_string_equal(tls_session_error(p->server),
				    "TLS: SSL - Memory allocation failed (-0x7F00)");
		assert_int_equal(read_status(p->server), TLS_FAILED);
		assert_int_equal(tls_session_write(p->server, (const uint8_t *)"x", 1, &n),
				 TLS_FAILED);
		assert_int_equal(tls_session_close_notify(p->server), TLS_FAILED);
		assert_false(tls_session_pending(p->server));
		assert_int_equal(p->down.len, mark);
		pair_free(p);
	}
}

/* All of it counts: the library's session, keys, libcrypto's contexts of both directions. */
static void test_an_idle_session_costs_at_most_six_kib(void **state)
{
	struct pair many[TLS_POOL_MAX + 32], *p;
	size_t total = 0, before;
	const size_t measured = COUNT(many) - TLS_POOL_MAX;

	(void)state;
	if (!OUR_MALLOC)
		skip();
	p = pair_of_version(TLS_VERSION_1_3);
	for (size_t i = 0; i < COUNT(many); i++) {
		many[i] = (struct pair){.server_context = p->server_context,
					.client_context = p->client_context};
		pair_begin(&many[i]);
		pair_establish(&many[i]);
		pair_transfer(&many[i], many[i].server, many[i].client, 100, 100);
		rest_both(&many[i]);
	}
	/* The first ones go to the pool, which is full then. */
	for (size_t i = 0; i < TLS_POOL_MAX; i++) {
		tls_session_destroy(many[i].server);
		many[i].server = NULL;
	}
	assert_int_equal(p->server_context->pooled, TLS_POOL_MAX);
	for (size_t i = TLS_POOL_MAX; i < COUNT(many); i++) {
		before = mallinfo2().uordblks;
		tls_session_destroy(many[i].server);
		many[i].server = NULL;
		total += before - mallinfo2().uordblks;
	}
	if (total / measured > 6144)
		fail_msg("an idle session holds %zu bytes", total / measured);
	print_message("%zu bytes each, of which Mbed TLS's context %zu and ours %zu\n",
		      total / measured, sizeof many[0].client->ssl, sizeof *many[0].client);
	for (size_t i = 0; i < COUNT(many); i++)
		pair_end(&many[i]);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_idle_session_holds_no_record_buffers),
		cmocka_unit_test(test_the_handshakes_state_goes_with_its_last_message),
		cmocka_unit_test(test_our_buffers_are_as_large_as_the_librarys),
		cmocka_unit_test(test_data_goes_both_ways_between_rests),
		cmocka_unit_test(test_many_sessions_share_few_buffers),
		cmocka_unit_test(test_a_session_with_something_in_its_buffers_keeps_them),
		cmocka_unit_test(test_a_spare_buffer_tells_nothing_of_what_was_read),
		cmocka_unit_test(test_a_failure_after_a_rest_sends_its_alert),
		cmocka_unit_test(test_a_session_that_gets_no_buffers_fails),
		cmocka_unit_test(test_an_idle_session_costs_at_most_six_kib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
