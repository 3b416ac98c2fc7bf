/* SPDX-License-Identifier: Apache-2.0 */
/* After the handshake: records, streams without room, and every way that a connection can end. */
#include "tests/unit/tls_pair.h"

static const enum tls_version versions[] = {TLS_VERSION_1_3, TLS_VERSION_1_2};

static void test_large_transfer(void **state)
{
	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct pair *p = pair_established(versions[v]);

		pair_transfer(p, p->server, p->client, 5000000, 65536);
		pair_transfer(p, p->client, p->server, 1000000, 16384);
		pair_free(p);
	}
}

/* Room for one record at a time, and never at the first attempt. */
static void test_large_transfer_through_a_narrow_stream(void **state)
{
	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct pair *p = pair_established(versions[v]);

		p->down.stubborn = true;
		p->down.crumb = 1000;
		p->down.room = 16384 + 5 + 8 + 16 + 1;
		pair_transfer(p, p->server, p->client, 1000000, 20000);
		assert_true(p->down.refusals > 60);
		pair_free(p);
	}
}

static void test_small_writes(void **state)
{
	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct pair *p = pair_established(versions[v]);

		/* A protected record of 2 bytes is as long as an alert. */
		for (size_t piece = 1; piece < 5; piece++)
			pair_transfer(p, p->server, p->client, 100, piece);
		p->down.stubborn = true;
		for (size_t piece = 1; piece < 5; piece++)
			pair_transfer(p, p->server, p->client, 100, piece);
		pair_free(p);
	}
}

static void test_wire_size_is_enough_and_exact(void **state)
{
	static const size_t sizes[] = {1, 2, 15, 16, 17, 1000, 16000, 16383, 16384, 100000};

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct pair *p = pair_established(versions[v]);
		uint8_t *data = calloc(1, 100000);

		assert_non_null(data);
		assert_int_equal(tls_session_max_write(p->server), v == 0 ? 16383 : 16384);
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			const size_t wire = tls_session_wire_size(p->server, sizes[i]);
			size_t taken;

			/* One byte less does not take it, exactly as much does. */
			p->down.taken = p->down.len;
			p->down.room = wire - 1;
			assert_int_equal(tls_session_write(p->server, data, sizes[i], &taken),
					 TLS_WANT_WRITE);
			assert_int_equal(taken, 0);
			assert_int_equal(in_flight(&p->down), 0);
			p->down.room = wire;
			assert_int_equal(tls_session_write(p->server, data, sizes[i], &taken),
					 TLS_OK);
			assert_int_equal(in_flight(&p->down), wire);
			assert_true(taken == sizes[i] || taken == tls_session_max_write(p->server));
			assert_int_equal(records_since(&p->down, p->down.taken, false), 1);
		}
		free(data);
		pair_free(p);
	}
}

/* RFC 8449 4: in TLS 1.3 the limit is for what a protected record holds, the type included, be it handshake or data. The client's
 * library asks for 16,384 bytes: that is changed on the way, so the client can make nothing of the answer. */
static void test_a_clients_record_size_limit_is_kept_in_the_handshake(void **state)
{
	static const uint8_t asked[] = {0, 28, 0, 2, 0x40, 0};
	static const size_t limits[] = {64, 65, 100, 256, 511, 512, 1000, 4096, 16384};

	(void)state;
	for (size_t i = 0; i < COUNT(limits); i++) {
		struct pair *p = pair_of_version(TLS_VERSION_1_3);
		size_t records = 0, largest = 0;

		assert_int_equal(tls_session_handshake(p->client), TLS_WANT_READ);
		uint8_t *at = memmem(p->up.data, p->up.len, asked, sizeof asked);
		assert_non_null(at);
		at[4] = (uint8_t)(limits[i] >> 8);
		at[5] = (uint8_t)limits[i];
		assert_int_equal(tls_session_handshake(p->server), TLS_WANT_READ);
		for (size_t mark = 0; mark < p->down.len; mark += record_len(p->down.data + mark)) {
			const uint8_t *header = p->down.data + mark;

			if (header[0] != MBEDTLS_SSL_MSG_APPLICATION_DATA)
				continue;
			const size_t inner = record_len(header) - HEADER_LEN - 16;
			assert_in_range(inner, 4, limits[i]);
			largest = inner > largest ? inner : largest;
			records++;
		}
		/* The certificates, 897 bytes here, go in one record where that is allowed. */
		assert_true(largest > 800 || largest > limits[i] * 3 / 4);
		assert_true(limits[i] >= 1000 ? records == 4 : records > 4);
		pair_free(p);
	}
}

static void test_read_in_small_pieces_reports_pending(void **state)
{
	struct pair *p = pair_established(TLS_VERSION_1_3);
	const uint8_t data[100] = {1, 2, 3};
	uint8_t buf[40];
	size_t n;

	(void)state;
	assert_int_equal(tls_session_write(p->client, data, sizeof data, &n), TLS_OK);
	assert_false(tls_session_pending(p->server));
	assert_int_equal(tls_session_read(p->server, buf, 40, &n), TLS_OK);
	assert_int_equal(n, 40);
	assert_int_equal(in_flight(&p->up), 0);
	assert_true(tls_session_pending(p->server));
	assert_int_equal(tls_session_read(p->server, buf, 40, &n), TLS_OK);
	assert_int_equal(n, 40);
	assert_true(tls_session_pending(p->server));
	assert_int_equal(tls_session_read(p->server, buf, 40, &n), TLS_OK);
	assert_int_equal(n, 20);
	assert_false(tls_session_pending(p->server));
	assert_int_equal(tls_session_read(p->server, buf, 40, &n), TLS_WANT_READ);
	pair_free(p);
}

static void test_close_notify_from_the_client_first(void **state)
{
	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct pair *p = pair_established(versions[v]);
		struct tls_info info;

		assert_int_equal(tls_session_close_notify(p->client), TLS_OK);
		assert_int_equal(read_status(p->server), TLS_CLOSED);
		assert_int_equal(read_status(p->server), TLS_CLOSED);
		assert_false(tls_session_pending(p->server));
		/* RFC 8446 6.1: our direction stays open. */
		pair_transfer(p, p->server, p->client, 50000, 10000);
		assert_int_equal(tls_session_close_notify(p->server), TLS_OK);
		assert_int_equal(read_status(p->client), TLS_CLOSED);
		tls_session_info(p->server, &info);
		assert_true(info.close_notify_in);
		assert_true(info.close_notify_out);
		pair_free(p);
	}
}

static void test_close_notify_from_the_server_first(void **state)
{
	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct pair *p = pair_established(versions[v]);
		size_t sends;

		sends = p->down.sends;
		assert_int_equal(tls_session_close_notify(p->server), TLS_OK);
		assert_int_equal(tls_session_close_notify(p->server), TLS_OK);
		assert_int_equal(p->down.sends, sends + 1); /* once */
		assert_int_equal(read_status(p->client), TLS_CLOSED);
		pair_transfer(p, p->client, p->server, 1000, 100);
		assert_int_equal(tls_session_close_notify(p->client), TLS_OK);
		p->up.fin = true;
		assert_int_equal(read_status(p->server), TLS_CLOSED);
		pair_free(p);
	}
}

static void test_close_notify_without_room(void **state)
{
	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct pair *p = pair_established(versions[v]);
		struct tls_info info;

		p->down.room = in_flight(&p->down);
		assert_int_equal(tls_session_close_notify(p->server), TLS_WANT_WRITE);
		assert_int_equal(tls_session_close_notify(p->server), TLS_WANT_WRITE);
		tls_session_info(p->server, &info);
		assert_false(info.close_notify_out);
		p->down.room = SIZE_MAX;
		assert_int_equal(tls_session_close_notify(p->server), TLS_OK);
		tls_session_info(p->server, &info);
		assert_true(info.close_notify_out);
		assert_int_equal(tls_session_close_notify(p->server), TLS_OK);
		assert_int_equal(records_since(&p->down, p->down.taken, false), 1);
		assert_int_equal(read_status(p->client), TLS_CLOSED);
		pair_free(p);
	}
}

/* The record that was refused goes first; then the alert, each whole. */
static void test_close_notify_behind_a_refused_write(void **state)
{
	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct pair *p = pair_established(versions[v]);
		uint8_t data[1000] = {7}, buf[2000];
		size_t n;

		p->down.room = in_flight(&p->down);
		assert_int_equal(tls_session_write(p->server, data, sizeof data, &n),
				 TLS_WANT_WRITE);
		assert_int_equal(tls_session_close_notify(p->server), TLS_WANT_WRITE);
		p->down.room = SIZE_MAX;
		assert_int_equal(tls_session_close_notify(p->server), TLS_OK);
		assert_int_equal(tls_session_read(p->client, buf, sizeof buf, &n), TLS_OK);
		assert_int_equal(n, sizeof data);
		assert_memory_equal(buf, data, sizeof data);
		assert_int_equal(read_status(p->client), TLS_CLOSED);
		pair_free(p);
	}
}

static void test_truncation_between_records(void **state)
{
	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct pair *p = pair_established(versions[v]);
		struct tls_info info;
		size_t n;

		assert_int_equal(tls_session_write(p->client, (const uint8_t *)"GET", 3, &n),
				 TLS_OK);
		p->up.fin = true;
		assert_int_equal(read_status(p->server), TLS_OK); /* what came before counts */
		assert_int_equal(read_status(p->server), TLS_TRUNCATED);
		assert_int_equal(read_status(p->server), TLS_TRUNCATED);
		tls_session_info(p->server, &info);
		assert_false(info.close_notify_in);
		/* A peer that only closed its half still gets its answer. */
		pair_transfer(p, p->server, p->client, 30000, 9000);
		assert_int_equal(tls_session_close_notify(p->server), TLS_OK);
		assert_int_equal(read_status(p->client), TLS_CLOSED);
		pair_free(p);
	}
}

static void test_truncation_within_a_record(void **state)
{
	struct pair *p = pair_established(TLS_VERSION_1_3);
	uint8_t data[500] = {0};
	size_t n;

	(void)state;
	assert_int_equal(tls_session_write(p->client, data, sizeof data, &n), TLS_OK);
	p->up.len -= 10;
	assert_int_equal(read_status(p->server), TLS_WANT_READ);
	p->up.fin = true;
	assert_int_equal(read_status(p->server), TLS_TRUNCATED);
	pair_free(p);
}

static void test_stream_that_breaks(void **state)
{
	struct pair *p = pair_established(TLS_VERSION_1_3);
	size_t n;

	(void)state;
	p->down.broken = true;
	assert_int_equal(tls_session_write(p->server, (const uint8_t *)"x", 1, &n), TLS_FAILED);
	assert_string_equal(tls_session_error(p->server), "TLS write: the connection is gone");
	assert_int_equal(tls_session_write(p->server, (const uint8_t *)"x", 1, &n), TLS_FAILED);
	assert_int_equal(read_status(p->server), TLS_FAILED);
	assert_int_equal(tls_session_close_notify(p->server), TLS_FAILED);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_large_transfer),
		cmocka_unit_test(test_large_transfer_through_a_narrow_stream),
		cmocka_unit_test(test_small_writes),
		cmocka_unit_test(test_wire_size_is_enough_and_exact),
		cmocka_unit_test(test_a_clients_record_size_limit_is_kept_in_the_handshake),
		cmocka_unit_test(test_read_in_small_pieces_reports_pending),
		cmocka_unit_test(test_close_notify_from_the_client_first),
		cmocka_unit_test(test_close_notify_from_the_server_first),
		cmocka_unit_test(test_close_notify_without_room),
		cmocka_unit_test(test_close_notify_behind_a_refused_write),
		cmocka_unit_test(test_truncation_between_records),
		cmocka_unit_test(test_truncation_within_a_record),
		cmocka_unit_test(test_stream_that_breaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
