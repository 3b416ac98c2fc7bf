/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hostile or broken peer gets: one fatal alert, the right one, and nothing after it.
 */
#include "tests/unit/tls_pair.h"
#include "tls/tls_internal.h"

enum {
	UNEXPECTED_MESSAGE = 10,
	BAD_RECORD_MAC = 20,
	RECORD_OVERFLOW = 22,
	HANDSHAKE_FAILURE = 40
};
enum {
	ILLEGAL_PARAMETER = 47,
	DECODE_ERROR = 50,
	PROTOCOL_VERSION = 70
};

/* Within Mbed TLS: sends whatever record has been laid into the context. */
int mbedtls_ssl_write_record(mbedtls_ssl_context *ssl, int force_flush);

/* Sends a record that the library's interface would not. */
static void send_record(struct tls_session *t, int type, const void *content, size_t len)
{
	t->ssl.MBEDTLS_PRIVATE(out_msgtype) = type;
	t->ssl.MBEDTLS_PRIVATE(out_msglen) = len;
	memcpy(t->ssl.MBEDTLS_PRIVATE(out_msg), content, len);
	assert_int_equal(mbedtls_ssl_write_record(&t->ssl, 1), 0);
}

/* The server has sent exactly one record, a fatal alert in the clear. */
static void assert_one_plain_alert(const struct pair *p, unsigned alert)
{
	assert_int_equal(in_flight(&p->down), 7);
	assert_int_equal(next_of(&p->down)[0], 21);
	assert_int_equal(next_of(&p->down)[1], 3);
	assert_int_equal(next_of(&p->down)[3] << 8 | next_of(&p->down)[4], 2);
	assert_int_equal(next_of(&p->down)[5], 2);
	assert_int_equal(next_of(&p->down)[6], alert);
}

/* Everything that may be called afterwards says the same and sends nothing. */
static void assert_dead(struct pair *p)
{
	const size_t sent = p->down.len;
	size_t n;

	assert_int_equal(tls_session_close_notify(p->server), TLS_FAILED);
	assert_int_equal(read_status(p->server), TLS_FAILED);
	if (tls_session_established(p->server))
		assert_int_equal(tls_session_write(p->server, (const uint8_t *)"x", 1, &n),
				 TLS_FAILED);
	else
		assert_int_equal(tls_session_handshake(p->server), TLS_FAILED);
	assert_false(tls_session_pending(p->server));
	assert_int_equal(p->down.len, sent);
	assert_true(strlen(tls_session_error(p->server)) > 10);
}

static void check_first_bytes(const void *data, size_t len, unsigned alert)
{
	/* With room for the alert at once, and only later. */
	for (int full = 0; full < 2; full++) {
		struct pair *p = pair_new(NULL, NULL);

		inject(p, data, len);
		if (full) {
			p->down.room = 6;
			assert_int_equal(tls_session_handshake(p->server), TLS_WANT_WRITE);
			assert_int_equal(tls_session_handshake(p->server), TLS_WANT_WRITE);
			p->down.room = 7;
		}
		assert_int_equal(tls_session_handshake(p->server), TLS_FAILED);
		assert_one_plain_alert(p, alert);
		assert_dead(p);
		pair_free(p);
	}
}

static void test_record_of_unknown_type(void **state)
{
	static const uint8_t types[] = {0, 19, 24, 0x47, 0x80, 0xff};

	(void)state;
	for (size_t i = 0; i < sizeof types; i++) {
		const uint8_t record[] = {types[i], 3, 1, 0, 4, 1, 2, 3, 4};

		check_first_bytes(record, sizeof record, UNEXPECTED_MESSAGE);
	}
}

static void test_record_too_long(void **state)
{
	static const uint8_t header[] = {22, 3, 1, 0x50, 0x00, 1};

	(void)state;
	check_first_bytes(header, sizeof header, RECORD_OVERFLOW);
}

static void test_record_of_another_protocol(void **state)
{
	static const uint8_t header[] = {22, 9, 1, 0, 4, 1, 0, 0, 0};

	(void)state;
	check_first_bytes(header, sizeof header, PROTOCOL_VERSION);
}

static void test_client_hello_that_is_cut_short(void **state)
{
	static const uint8_t hello[] = {22, 3, 1, 0, 8, 1, 0, 0, 4, 3, 3, 0, 0};

	(void)state;
	check_first_bytes(hello, sizeof hello, DECODE_ERROR);
}

static void test_message_that_is_no_client_hello(void **state)
{
	static const uint8_t finished[] = {22, 3, 3, 0, 4, 20, 0, 0, 0};
	static const uint8_t data[] = {23, 3, 3, 0, 4, 1, 2, 3, 4};

	(void)state;
	check_first_bytes(finished, sizeof finished, UNEXPECTED_MESSAGE);
	check_first_bytes(data, sizeof data, UNEXPECTED_MESSAGE);
}

/* A ClientHello without extensions but those given; returns its length. */
static size_t make_hello(uint8_t out[256], uint8_t minor, uint16_t suite, const uint8_t *extensions,
			 size_t extensions_len)
{
	static const uint8_t zero[32];
	size_t n = 0;
	const size_t body = 2 + 32 + 1 + 2 + 2 + 2 + 2 + extensions_len;
	const uint8_t head[] = {22, 3, 1, 0, (uint8_t)(body + 4), 1, 0, 0, (uint8_t)body, 3, minor};
	const uint8_t middle[] = {0, 0, 2, (uint8_t)(suite >> 8),  (uint8_t)suite,
				  1, 0, 0, (uint8_t)extensions_len};

	memcpy(out, head, sizeof head);
	n += sizeof head;
	memcpy(out + n, zero, 32);
	n += 32;
	memcpy(out + n, middle, sizeof middle);
	n += sizeof middle;
	memcpy(out + n, extensions, extensions_len);
	return n + extensions_len;
}

/* supported_groups P-256, point formats, signature_algorithms ECDSA with SHA-256 */
static const uint8_t old_extensions[] = {0, 10, 0, 4, 0,  2, 0, 23, 0, 11, 0,
					 2, 1,  0, 0, 13, 0, 4, 0,  2, 4,  3};

/* RFC 8996. */
static void test_tls_1_1_client(void **state)
{
	uint8_t hello[256];
	const size_t len = make_hello(hello, 2, 0xC013, old_extensions, sizeof old_extensions);

	(void)state;
	check_first_bytes(hello, len, PROTOCOL_VERSION);
}

static void test_client_with_no_suite_of_ours(void **state)
{
	static const uint16_t suites[] = {
		0x002F, /* TLS_RSA_WITH_AES_128_CBC_SHA: static RSA */
		0x009C, /* TLS_RSA_WITH_AES_128_GCM_SHA256 */
		0xC023, /* TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256 */
		0x009E, /* TLS_DHE_RSA_WITH_AES_128_GCM_SHA256 */
		0xC02F, /* TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: our key is ECDSA */
	};
	uint8_t hello[256];

	(void)state;
	for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
		const size_t len =
			make_hello(hello, 3, suites[i], old_extensions, sizeof old_extensions);

		check_first_bytes(hello, len, HANDSHAKE_FAILURE);
	}
}

static void test_alert_waits_for_room(void **state)
{
	static const char *const ours[] = {"http/1.1", NULL}, *const theirs[] = {"imap", NULL};
	const enum tls_version versions[] = {TLS_VERSION_1_3, TLS_VERSION_1_2};

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		const struct tls_client_config cfg = {.alpn = theirs, .version = versions[v]};
		char error[TLS_ERROR_SIZE];
		struct pair *p = pair_new(server_context(NULL, NULL, ours),
					  tls_context_create_client(&cfg, error));

		assert_int_equal(tls_session_handshake(p->client), TLS_WANT_READ);
		p->down.room = 0;
		for (int i = 0; i < 3; i++)
			assert_int_equal(tls_session_handshake(p->server), TLS_WANT_WRITE);
		p->down.room = SIZE_MAX;
		assert_int_equal(tls_session_handshake(p->server), TLS_FAILED);
		assert_one_plain_alert(p, 120);
		assert_dead(p);
		pair_free(p);
	}
}

static void test_alert_to_a_peer_that_is_gone(void **state)
{
	static const uint8_t record[] = {0, 3, 1, 0, 1, 1};
	struct pair *p = pair_new(NULL, NULL);

	(void)state;
	inject(p, record, sizeof record);
	p->down.broken = true;
	assert_int_equal(tls_session_handshake(p->server), TLS_FAILED);
	assert_non_null(strstr(tls_session_error(p->server), "invalid SSL record"));
	assert_dead(p);
	pair_free(p);
}

static const enum tls_version versions[] = {TLS_VERSION_1_3, TLS_VERSION_1_2};

/* Reads at both ends after the server has been handed something bad: one alert, which the client
 * understands. */
static void expect_alert(struct pair *p, const char *alert)
{
	assert_int_equal(read_status(p->server), TLS_FAILED);
	assert_int_equal(records_since(&p->down, p->down.taken, false), 1);
	assert_dead(p);
	assert_int_equal(read_status(p->client), TLS_FAILED);
	if (!strstr(tls_session_error(p->client), alert))
		fail_msg("client: \"%s\", wanted %s", tls_session_error(p->client), alert);
}

static void test_altered_record(void **state)
{
	uint8_t data[100] = {0};
	size_t n;

	(void)state;
	for (size_t v = 0; v < 2; v++)
		for (size_t at = 5; at < 5 + sizeof data; at += 13) {
			struct pair *p = pair_established(versions[v]);

			assert_int_equal(tls_session_write(p->client, data, sizeof data, &n),
					 TLS_OK);
			next_of(&p->up)[at] ^= 1;
			expect_alert(p, "bad_record_mac (20)");
			pair_free(p);
		}
}

static void test_garbage_after_the_handshake(void **state)
{
	static const uint8_t unknown[] = {99, 3, 3, 0, 1, 1}, huge[] = {23, 3, 3, 0xff, 0xff, 1};

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct pair *p = pair_established(versions[v]);

		inject(p, unknown, sizeof unknown);
		expect_alert(p, "unexpected_message (10)");
		pair_free(p);
		p = pair_established(versions[v]);
		inject(p, huge, sizeof huge);
		expect_alert(p, "record_overflow (22)");
		pair_free(p);
	}
}

/* RFC 8446 4.6.3 and 5.1; what a KeyUpdate that is none is told. */
static void test_bad_key_updates(void **state)
{
	static const struct {
		uint8_t bytes[16];
		size_t len;
		const char *alert;
	} cases[] = {
		{{24, 0, 0, 1, 2}, 5, "illegal_parameter (47)"},
		{{24, 0, 0, 1, 255}, 5, "illegal_parameter (47)"},
		{{24, 0, 0, 0}, 4, "decode_error (50)"},
		{{24, 0, 0, 2, 0, 0}, 6, "decode_error (50)"},
		{{24, 0, 0, 1, 0, 24, 0, 0, 1, 0}, 10, "unexpected_message (10)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct pair *p = pair_established(TLS_VERSION_1_3);
		send_record(p->client, MBEDTLS_SSL_MSG_HANDSHAKE, cases[i].bytes, cases[i].len);
		expect_alert(p, cases[i].alert);
		pair_free(p);
	}
}

/* The answer waits until what was written before it has gone. The client's library changes its keys for reading when
 * it comes, so what the server sends from then on shows that the server has changed its own. */
static void test_key_update_while_output_waits(void **state)
{
	static const uint8_t key_update[] = {24, 0, 0, 1, 1};
	struct pair *p = pair_established(TLS_VERSION_1_3);
	uint8_t data[100] = {1, 2, 3}, got[200];
	size_t n;

	(void)state;
	p->down.room = 0;
	assert_int_equal(tls_session_write(p->server, data, sizeof data, &n), TLS_WANT_WRITE);
	send_record(p->client, MBEDTLS_SSL_MSG_HANDSHAKE, key_update, sizeof key_update);
	assert_int_equal(read_status(p->server), TLS_WANT_WRITE);
	assert_int_equal(read_status(p->server), TLS_WANT_WRITE);
	p->down.room = SIZE_MAX;
	assert_int_equal(read_status(p->server), TLS_WANT_READ);
	assert_int_equal(tls_session_write(p->server, data, sizeof data, &n), TLS_OK);
	assert_int_equal(n, sizeof data);
	assert_int_equal(tls_session_read(p->client, got, sizeof got, &n), TLS_OK);
	assert_int_equal(n, sizeof data);
	assert_memory_equal(got, data, n);
	pair_transfer(p, p->server, p->client, 50000, 1000);
	pair_free(p);
}

/* RFC 8446 5.1: a message may be cut anywhere, within its first four bytes too. */
static void test_key_update_in_parts(void **state)
{
	static const uint8_t key_update[] = {24, 0, 0, 1, 1};

	(void)state;
	for (size_t part = 1; part < sizeof key_update; part++) {
		struct pair *p = pair_established(TLS_VERSION_1_3);

		p->client->alerting = false; /* two bytes would pass for an alert of ours */
		for (size_t at = 0; at < sizeof key_update; at += part) {
			const size_t left = sizeof key_update - at;

			/* The client's keys stay the same: it sends no more. */
			send_record(p->client, MBEDTLS_SSL_MSG_HANDSHAKE, key_update + at,
				    left < part ? left : part);
			assert_int_equal(read_status(p->server), TLS_WANT_READ);
			assert_int_equal(records_since(&p->down, p->down.taken, false),
					 left <= part);
		}
		pair_transfer(p, p->server, p->client, 50000, 1000);
		pair_free(p);
	}
}

/* RFC 5246 7.2.2: the answer is a warning, so the connection goes on; a later failure still has its
 * alert. */
static void test_renegotiation_is_declined(void **state)
{
	uint8_t hello[256];
	const size_t len = make_hello(hello, 3, 0xC02B, old_extensions, sizeof old_extensions);
	struct pair *p = pair_established(TLS_VERSION_1_2);
	const size_t sends = p->down.sends;

	(void)state;
	send_record(p->client, MBEDTLS_SSL_MSG_HANDSHAKE, hello + 5, len - 5);
	assert_int_equal(read_status(p->server), TLS_WANT_READ);
	assert_int_equal(p->down.sends, sends + 1);
	pair_transfer(p, p->client, p->server, 1000, 100);
	pair_transfer(p, p->server, p->client, 1000, 100);

	static const uint8_t unknown[] = {99, 3, 3, 0, 1, 1};
	inject(p, unknown, sizeof unknown);
	expect_alert(p, "unexpected_message (10)");
	pair_free(p);
}

/* The warning finds no room, then a write comes: what is reported as written must arrive. */
static void test_write_behind_a_refused_warning(void **state)
{
	uint8_t hello[256], buf[16];
	const size_t len = make_hello(hello, 3, 0xC02B, old_extensions, sizeof old_extensions);
	struct pair *p = pair_established(TLS_VERSION_1_2);
	size_t n;

	(void)state;
	send_record(p->client, MBEDTLS_SSL_MSG_HANDSHAKE, hello + 5, len - 5);
	p->down.room = 0;
	assert_int_equal(read_status(p->server), TLS_WANT_WRITE);
	assert_int_equal(tls_session_write(p->server, (const uint8_t *)"hello", 5, &n),
			 TLS_WANT_WRITE);
	p->down.room = SIZE_MAX;
	assert_int_equal(tls_session_write(p->server, (const uint8_t *)"hello", 5, &n), TLS_OK);
	assert_int_equal(n, 5);
	assert_int_equal(tls_session_read(p->client, buf, sizeof buf, &n), TLS_OK);
	assert_int_equal(n, 5);
	assert_memory_equal(buf, "hello", 5);
	pair_free(p);
}

/* The same the other way round: a call that only wants to send an alert takes the refused data
 * along. */
static void test_refused_write_that_another_call_flushes(void **state)
{
	uint8_t hello[256], buf[16];
	const size_t len = make_hello(hello, 3, 0xC02B, old_extensions, sizeof old_extensions);
	struct pair *p = pair_established(TLS_VERSION_1_2);
	size_t n;

	(void)state;
	p->down.room = 0;
	assert_int_equal(tls_session_write(p->server, (const uint8_t *)"hello", 5, &n),
			 TLS_WANT_WRITE);
	p->down.room = SIZE_MAX;
	send_record(p->client, MBEDTLS_SSL_MSG_HANDSHAKE, hello + 5, len - 5);
	assert_int_equal(read_status(p->server), TLS_WANT_READ);
	assert_int_equal(tls_session_write(p->server, (const uint8_t *)"hello", 5, &n), TLS_OK);
	assert_int_equal(n, 5);
	assert_int_equal(tls_session_write(p->server, (const uint8_t *)"!", 1, &n), TLS_OK);
	/* Once, and in order. */
	assert_int_equal(tls_session_read(p->client, buf, sizeof buf, &n), TLS_OK);
	assert_int_equal(n, 5);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(tls_session_read(p->client, buf, sizeof buf, &n), TLS_OK);
	assert_int_equal(n, 1);
	assert_int_equal(buf[0], '!');
	assert_int_equal(read_status(p->client), TLS_WANT_READ);
	pair_free(p);
}

/* Empty records of data are allowed (RFC 8446 5.1) and are no end of the stream; a flood of them is refused. */
static void test_empty_records(void **state)
{
	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct pair *p = pair_established(versions[v]);
		uint8_t buf[16];
		size_t n;

		for (int round = 0; round < 2; round++) {
			for (int i = 0; i < 32; i++)
				send_record(p->client, MBEDTLS_SSL_MSG_APPLICATION_DATA, "", 0);
			assert_int_equal(tls_session_write(p->client, (const uint8_t *)"data", 4,
							   &n),
					 TLS_OK);
			assert_int_equal(tls_session_read(p->server, buf, sizeof buf, &n), TLS_OK);
			assert_int_equal(n, 4);
		}
		for (int i = 0; i < 33; i++)
			send_record(p->client, MBEDTLS_SSL_MSG_APPLICATION_DATA, "", 0);
		expect_alert(p, "unexpected_message (10)");
		pair_free(p);
	}
}

/* RFC 8446 5.4. */
static void test_empty_records_of_other_types(void **state)
{
	static const int types[] = {MBEDTLS_SSL_MSG_HANDSHAKE, MBEDTLS_SSL_MSG_ALERT};

	(void)state;
	for (size_t v = 0; v < 2; v++)
		for (size_t i = 0; i < 2; i++) {
			struct pair *p = pair_established(versions[v]);

			send_record(p->client, types[i], "", 0);
			expect_alert(p, "unexpected_message (10)");
			pair_free(p);
		}
}

/* However far a handshake got, freeing it leaves nothing behind (for the sanitizers to see). */
static void test_sessions_can_be_dropped_at_any_step(void **state)
{
	(void)state;
	for (size_t v = 0; v < 2; v++)
		for (int steps = 0; steps < 12; steps++) {
			const struct tls_client_config cfg = {.version = versions[v]};
			struct pair *p = pair_new_client(&cfg);

			p->down.stubborn = p->up.stubborn = true;
			for (int i = 0; i < steps; i++) {
				tls_session_handshake(p->client);
				tls_session_handshake(p->server);
			}
			pair_free(p);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_of_unknown_type),
		cmocka_unit_test(test_record_too_long),
		cmocka_unit_test(test_record_of_another_protocol),
		cmocka_unit_test(test_client_hello_that_is_cut_short),
		cmocka_unit_test(test_message_that_is_no_client_hello),
		cmocka_unit_test(test_tls_1_1_client),
		cmocka_unit_test(test_client_with_no_suite_of_ours),
		cmocka_unit_test(test_alert_waits_for_room),
		cmocka_unit_test(test_alert_to_a_peer_that_is_gone),
		cmocka_unit_test(test_altered_record),
		cmocka_unit_test(test_garbage_after_the_handshake),
		cmocka_unit_test(test_bad_key_updates),
		cmocka_unit_test(test_key_update_while_output_waits),
		cmocka_unit_test(test_key_update_in_parts),
		cmocka_unit_test(test_renegotiation_is_declined),
		cmocka_unit_test(test_write_behind_a_refused_warning),
		cmocka_unit_test(test_refused_write_that_another_call_flushes),
		cmocka_unit_test(test_empty_records),
		cmocka_unit_test(test_empty_records_of_other_types),
		cmocka_unit_test(test_sessions_can_be_dropped_at_any_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
