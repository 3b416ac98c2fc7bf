/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions off the beaten track: calls in an unusual order, writes that are refused, either end closing at an
 * awkward moment (RFC 8446 6.1, RFC 5246 7.2.1), sessions that are dropped half-way.
 */
#include "tests/unit/tls_pair.h"

static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};

/* ------------------------------------------------------------------ handshakes */

static void test_handshake_is_idempotent_once_complete(void **state)
{
	struct pair *p = pair_established(TLS_VERSION_1_3);
	const size_t up = p->up.len, down = p->down.len;

	(void)state;
	assert_int_equal(tls_session_handshake(p->server), TLS_OK);
	assert_int_equal(tls_session_handshake(p->client), TLS_OK);
	assert_int_equal(p->up.len, up);
	assert_int_equal(p->down.len, down);
	pair_free(p);
}

static void test_reading_drives_the_handshake(void **state)
{
	struct pair *p = pair_of_version(TLS_VERSION_1_3);

	(void)state;
	for (int i = 0; i < 8; i++) {
		assert_int_equal(read_status(p->client), TLS_WANT_READ);
		assert_int_equal(read_status(p->server), TLS_WANT_READ);
	}
	assert_true(tls_session_established(p->client));
	assert_true(tls_session_established(p->server));
	pair_free(p);
}

/* With the certificate between leaf and root, the client finds its way; without it, it says whom it misses. */
static void test_the_chain_behind_the_leaf_is_sent(void **state)
{
	const struct tls_pair leaf = {blob(fixture_p256_cert, "leaf.pem"),
				      blob(fixture_p256_key, "key.pem")};
	const struct tls_config cut = {.pair = &leaf, .pair_count = 1};
	char error[TLS_ERROR_SIZE] = "";
	struct pair *p = pair_established(TLS_VERSION_ANY);

	(void)state;
	pair_free(p);
	p = pair_new(tls_context_create(&cut, error), NULL);
	assert_int_equal(pair_handshake(p).client, TLS_FAILED);
	assert_int_equal(read_status(p->server), TLS_FAILED);
	expect_contains(tls_session_error(p->server), "unknown_ca (48)");
	pair_free(p);
}

/* Cuts the one record in `pipe` into records with `size` bytes of content each. */
static void fragment(struct pipe *pipe, size_t size)
{
	uint8_t *whole = pipe->data;
	const size_t len = pipe->len;

	assert_int_equal(record_len(whole), len);
	*pipe = (struct pipe){.room = NO_LIMIT, .readable = pipe->readable};
	for (size_t at = HEADER_LEN; at < len; at += size) {
		const size_t n = size < len - at ? size : len - at;
		const uint8_t header[HEADER_LEN] = {whole[0], whole[1], whole[2], (uint8_t)(n >> 8),
						    (uint8_t)n};

		pipe_append(pipe, header, sizeof header);
		pipe_append(pipe, whole + at, n);
	}
	free(whole);
}

/* RFC 8446 5.1, RFC 5246 6.2.1: messages may be spread over records. The big hellos with post-quantum key shares
 * reach the server in several segments, too: here in crumbs of seven bytes. */
static void test_a_client_hello_in_many_records(void **state)
{
	static const size_t sizes[] = {1, 2, 3, 4, 5, 16, 100, 200};

	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++)
		for (size_t i = 0; i < COUNT(sizes); i++)
			for (size_t crumb = 0; crumb <= 7; crumb += 7) {
				struct pair *p = pair_of_version(versions[v]);

				p->grant_bytes = crumb;
				p->up.readable = crumb ? crumb : NO_LIMIT;
				assert_int_equal(tls_session_handshake(p->client), TLS_WANT_READ);
				fragment(&p->up, sizes[i]);
				pair_establish(p);
				pair_free(p);
			}
}

/* ------------------------------------------------------------------ refused writes */

static void test_a_refused_write_takes_nothing_and_keeps_its_length(void **state)
{
	static const uint8_t data[5000] = {1, 2, 3};

	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_established(versions[v]);
		const size_t mark = p->down.len;
		uint8_t in[sizeof data + 1];
		size_t n;

		p->down.room = 0;
		for (int i = 0; i < 3; i++) {
			assert_int_equal(tls_session_write(p->server, data, sizeof data, &n),
					 TLS_WANT_WRITE);
			assert_int_equal(n, 0);
		}
		p->down.room = p->down.refused - 1;
		assert_int_equal(tls_session_write(p->server, data, sizeof data, &n),
				 TLS_WANT_WRITE);
		assert_int_equal(p->down.len, mark);
		p->down.room = p->down.refused;
		assert_int_equal(tls_session_write(p->server, data, sizeof data, &n), TLS_OK);
		assert_int_equal(n, sizeof data);
		assert_int_equal(record_len(p->down.data + mark), p->down.len - mark);
		assert_int_equal(tls_session_read(p->client, in, sizeof in, &n), TLS_OK);
		assert_int_equal(n, sizeof data);
		assert_memory_equal(in, data, n);
		assert_int_equal(read_status(p->client), TLS_WANT_READ);
		pair_free(p);
	}
}

/* A write may be longer than a record; what was refused then is its first record. */
static void test_a_refused_write_longer_than_a_record(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_established(versions[v]);
		const size_t max = tls_session_max_write(p->server);
		uint8_t *data = calloc(1, 2 * max);
		size_t n;

		p->down.room = 0;
		assert_int_equal(tls_session_write(p->server, data, 2 * max, &n), TLS_WANT_WRITE);
		p->down.room = NO_LIMIT;
		assert_int_equal(tls_session_write(p->server, data, 2 * max, &n), TLS_OK);
		assert_int_equal(n, max);
		assert_int_equal(tls_session_write(p->server, data + max, max, &n), TLS_OK);
		assert_int_equal(n, max);
		free(data);
		pair_free(p);
	}
}

/* Reading goes on while a write waits; the record of the write leaves once, before the next. */
static void test_reading_between_a_refused_write_and_its_repetition(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_established(versions[v]);
		size_t n;

		p->down.room = 0;
		assert_int_equal(tls_session_write(p->server, (const uint8_t *)"answer", 6, &n),
				 TLS_WANT_WRITE);
		write_text(p->client, "question");
		expect_text(p->server, "question");
		p->down.room = NO_LIMIT;
		assert_int_equal(read_status(p->server), TLS_WANT_READ);
		assert_int_equal(tls_session_write(p->server, (const uint8_t *)"answer", 6, &n),
				 TLS_OK);
		assert_int_equal(n, 6);
		write_text(p->server, "more");
		expect_text(p->client, "answer");
		expect_text(p->client, "more");
		assert_int_equal(read_status(p->client), TLS_WANT_READ);
		pair_free(p);
	}
}

/* ------------------------------------------------------------------ close_notify */

static void expect_close_flags(const struct tls_session *t, bool in, bool out)
{
	struct tls_info info;

	tls_session_info(t, &info);
	assert_int_equal(info.close_notify_in, in);
	assert_int_equal(info.close_notify_out, out);
}

static void test_close_notify_in_both_orders(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++)
		for (int server_first = 0; server_first < 2; server_first++) {
			struct pair *p = pair_established(versions[v]);
			struct tls_session *first = server_first ? p->server : p->client;
			struct tls_session *second = server_first ? p->client : p->server;
			const size_t up = p->up.len, down = p->down.len;

			assert_int_equal(tls_session_close_notify(first), TLS_OK);
			expect_close_flags(first, false, true);
			assert_int_equal(read_status(second), TLS_CLOSED);
			assert_int_equal(read_status(second), TLS_CLOSED);
			expect_close_flags(second, true, false);
			assert_int_equal(read_status(first), TLS_WANT_READ);
			assert_int_equal(tls_session_close_notify(second), TLS_OK);
			assert_int_equal(read_status(first), TLS_CLOSED);
			expect_close_flags(first, true, true);
			expect_close_flags(second, true, true);
			assert_int_equal(alerts_since(&p->up, up), 1);
			assert_int_equal(alerts_since(&p->down, down), 1);
			pair_free(p);
		}
}

static void test_close_notify_of_both_at_once(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_established(versions[v]);

		assert_int_equal(tls_session_close_notify(p->server), TLS_OK);
		assert_int_equal(tls_session_close_notify(p->client), TLS_OK);
		assert_int_equal(read_status(p->server), TLS_CLOSED);
		assert_int_equal(read_status(p->client), TLS_CLOSED);
		pair_free(p);
	}
}

/* Reading goes on while the alert waits. */
static void test_reading_between_a_refused_close_notify_and_its_repetition(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_established(versions[v]);
		const size_t mark = p->down.len;

		p->down.room = 0;
		assert_int_equal(tls_session_close_notify(p->server), TLS_WANT_WRITE);
		write_text(p->client, "late");
		p->down.room = NO_LIMIT;
		expect_text(p->server, "late");
		assert_int_equal(tls_session_close_notify(p->server), TLS_OK);
		assert_int_equal(alerts_since(&p->down, mark), 1);
		assert_int_equal(read_status(p->client), TLS_CLOSED);
		pair_free(p);
	}
}

/* RFC 8446 6.1: data behind a closure alert is ignored, and so is the FIN that follows it. */
static void test_nothing_behind_the_peers_close_notify_is_read(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_established(versions[v]);
		const size_t mark = p->down.len;

		assert_int_equal(tls_session_close_notify(p->client), TLS_OK);
		pipe_append(&p->up, "\x17\x03\x03\x00\x03xyz", 8);
		p->up.fin = true;
		assert_int_equal(read_status(p->server), TLS_CLOSED);
		assert_int_equal(read_status(p->server), TLS_CLOSED);
		assert_false(tls_session_pending(p->server));
		assert_int_equal(p->down.len, mark);
		pair_free(p);
	}
}

static void test_close_notify_before_the_handshake_sends_nothing(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_of_version(versions[v]);

		assert_int_equal(tls_session_close_notify(p->server), TLS_OK);
		assert_int_equal(p->down.len, 0);
		pair_establish(p);
		expect_close_flags(p->server, false, false);
		pair_free(p);
	}
}

/* RFC 8446 6.1: after close_notify no more is sent, not even an alert about what the peer does then. */
static void test_nothing_is_sent_behind_close_notify(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_established(versions[v]);
		size_t mark;

		assert_int_equal(tls_session_close_notify(p->server), TLS_OK);
		mark = p->down.len;
		write_text(p->client, "altered on its way");
		p->up.data[p->up.len - 1] ^= 1;
		assert_int_equal(read_status(p->server), TLS_FAILED);
		assert_int_equal(p->down.len, mark);
		pair_free(p);
	}
}

/* ------------------------------------------------------------------ streams that end */

static void test_truncation_is_final_whatever_comes_later(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_established(versions[v]);

		p->up.fin = true;
		assert_int_equal(read_status(p->server), TLS_TRUNCATED);
		p->up.fin = false;
		write_text(p->client, "I am back");
		assert_int_equal(read_status(p->server), TLS_TRUNCATED);
		pair_free(p);
	}
}

/* The end may fall anywhere within a record: in its header, in its body. */
static void test_a_record_cut_anywhere_is_truncated(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++)
		for (size_t cut = 1; cut < 20; cut++) {
			struct pair *p = pair_established(versions[v]);

			write_text(p->client, "0123456789");
			p->up.len -= cut;
			p->up.fin = true;
			assert_int_equal(read_status(p->server), TLS_TRUNCATED);
			pair_free(p);
		}
}

static void test_a_stream_that_ends_during_the_handshake_is_truncated(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		size_t flight = 1;

		for (size_t at = 0; at <= flight; at += flight / 4 + 1) {
			struct pair *p = pair_of_version(versions[v]);

			assert_int_equal(tls_session_handshake(p->client), TLS_WANT_READ);
			flight = p->up.len;
			p->up.len = at < flight ? at : flight - 1;
			p->up.fin = true;
			assert_int_equal(tls_session_handshake(p->server), TLS_TRUNCATED);
			assert_int_equal(tls_session_handshake(p->server), TLS_TRUNCATED);
			assert_int_equal(read_status(p->server), TLS_TRUNCATED);
			assert_false(tls_session_established(p->server));
			assert_int_equal(p->down.len, 0);
			pair_free(p);
		}
	}
}

static void test_a_reset_fails_close_notify_and_the_handshake(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_established(versions[v]);

		p->down.broken = true;
		assert_int_equal(tls_session_close_notify(p->server), TLS_FAILED);
		expect_close_flags(p->server, false, false);
		pair_end(p);
		pair_begin(p);
		p->down.broken = true;
		assert_int_equal(tls_session_handshake(p->client), TLS_WANT_READ);
		assert_int_equal(tls_session_handshake(p->server), TLS_FAILED);
		assert_int_equal(tls_session_handshake(p->server), TLS_FAILED);
		pair_free(p);
	}
}

/* ------------------------------------------------------------------ altered on the way */

/* A flipped bit anywhere in what the client sends: no crash, no hang, one alert at most. Whoever fails stays so. */
static void flip_in_handshake(struct pair *p, size_t at)
{
	struct outcome out = {TLS_WANT_READ, TLS_WANT_READ};
	bool flipped = false;

	for (int i = 0; i < 8; i++) {
		out.client = tls_session_handshake(p->client);
		if (!flipped && p->up.len > at) {
			p->up.data[at] ^= 0x10;
			flipped = true;
		}
		out.server = tls_session_handshake(p->server);
	}
	assert_true(flipped);
	if (out.server != TLS_FAILED)
		return;
	assert_int_equal(tls_session_handshake(p->server), TLS_FAILED);
	if (strstr(tls_session_error(p->server), "the peer refused"))
		assert_int_equal(alerts_since(&p->down, 0), 0);
	else
		assert_int_equal(alerts_since(&p->down, 0), 1);
}

static void test_a_flipped_bit_in_a_handshake_ends_with_one_alert(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_established(versions[v]);
		const size_t len = p->up.len;

		for (size_t at = 0; at < len; at += 3) {
			pair_end(p);
			pair_begin(p);
			flip_in_handshake(p, at);
		}
		pair_free(p);
	}
}

/* A header says more than the cipher protects in TLS 1.2: nothing that it says may yield data. A longer length only
 * leaves the session waiting. */
static void test_an_altered_record_header_yields_no_data(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++)
		for (int bit = 0; bit < 8 * HEADER_LEN; bit++) {
			struct pair *p = pair_established(versions[v]);
			const size_t up = p->up.len, down = p->down.len;
			enum tls_status status;

			write_text(p->client, "never to be seen");
			p->up.data[up + (size_t)bit / 8] ^= (uint8_t)(1 << bit % 8);
			status = read_status(p->server);
			if (status != TLS_WANT_READ)
				assert_int_equal(status, TLS_FAILED);
			assert_int_equal(read_status(p->server), status);
			assert_int_equal(alerts_since(&p->down, down), status == TLS_FAILED);
			pair_free(p);
		}
}

static void test_a_plaintext_handshake_record_after_the_handshake(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_established(versions[v]);
		const size_t mark = p->down.len;

		pipe_append(&p->up, "\x16\x03\x03\x00\x04\x01\x00\x00\x00", 9);
		for (int i = 0; i < 3; i++)
			assert_int_equal(read_status(p->server), TLS_FAILED);
		assert_int_equal(alerts_since(&p->down, mark), 1);
		assert_int_equal(read_status(p->client), TLS_FAILED);
		expect_contains(tls_session_error(p->client), "the peer refused");
		pair_free(p);
	}
}

/* ------------------------------------------------------------------ leaving early */

static size_t keys_held(void)
{
	mbedtls_psa_stats_t stats;

	mbedtls_psa_get_stats(&stats);
	return stats.MBEDTLS_PRIVATE(volatile_slots);
}

/* Memory is watched by the sanitizer; keys live in a store that it does not see into. */
static void test_destroying_a_session_at_any_step_leaks_nothing(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct pair *p = pair_of_version(versions[v]);
		const size_t keys = keys_held();
		bool done = false;

		for (int steps = 0; !done; steps++) {
			pair_end(p);
			pair_begin(p);
			for (int i = 0; i < steps; i++) {
				struct tls_session *t = i % 2 ? p->server : p->client;

				done = tls_session_handshake(t) == TLS_OK && t == p->server;
			}
			p->up.room = p->down.room = 0;
			tls_session_handshake(p->client);
			tls_session_handshake(p->server);
			if (done)
				tls_session_write(p->server, (const uint8_t *)"x", 1, &(size_t){0});
		}
		pair_end(p);
		assert_int_equal(keys_held(), keys);
		pair_begin(p);
		pair_free(p);
	}
}

static void test_a_context_serves_one_session_after_another(void **state)
{
	struct pair *p = pair_of_version(TLS_VERSION_ANY);

	(void)state;
	for (int i = 0; i < 40; i++) {
		pair_establish(p);
		pair_transfer(p, p->client, p->server, 10, 10);
		pair_end(p);
		pair_begin(p);
	}
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshake_is_idempotent_once_complete),
		cmocka_unit_test(test_reading_drives_the_handshake),
		cmocka_unit_test(test_the_chain_behind_the_leaf_is_sent),
		cmocka_unit_test(test_a_client_hello_in_many_records),
		cmocka_unit_test(test_a_refused_write_takes_nothing_and_keeps_its_length),
		cmocka_unit_test(test_a_refused_write_longer_than_a_record),
		cmocka_unit_test(test_reading_between_a_refused_write_and_its_repetition),
		cmocka_unit_test(test_close_notify_in_both_orders),
		cmocka_unit_test(test_close_notify_of_both_at_once),
		cmocka_unit_test(test_reading_between_a_refused_close_notify_and_its_repetition),
		cmocka_unit_test(test_nothing_behind_the_peers_close_notify_is_read),
		cmocka_unit_test(test_close_notify_before_the_handshake_sends_nothing),
		cmocka_unit_test(test_nothing_is_sent_behind_close_notify),
		cmocka_unit_test(test_truncation_is_final_whatever_comes_later),
		cmocka_unit_test(test_a_record_cut_anywhere_is_truncated),
		cmocka_unit_test(test_a_stream_that_ends_during_the_handshake_is_truncated),
		cmocka_unit_test(test_a_reset_fails_close_notify_and_the_handshake),
		cmocka_unit_test(test_a_flipped_bit_in_a_handshake_ends_with_one_alert),
		cmocka_unit_test(test_an_altered_record_header_yields_no_data),
		cmocka_unit_test(test_a_plaintext_handshake_record_after_the_handshake),
		cmocka_unit_test(test_destroying_a_session_at_any_step_leaks_nothing),
		cmocka_unit_test(test_a_context_serves_one_session_after_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
