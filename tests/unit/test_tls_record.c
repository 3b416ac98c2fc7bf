/* SPDX-License-Identifier: Apache-2.0 */
/* Reading record headers as they pass. */
#include "tests/unit/cmocka_all.h"
#include "tls/tls_internal.h"

#include <string.h>

/* Three records: 4 bytes, none, 2 bytes. */
static const uint8_t stream[] = {22, 3, 1, 0, 4, 9, 8, 7, 6, 23, 3, 3, 0, 0, 21, 3, 3, 0, 2, 2, 40};

static void test_scan_in_any_pieces(void **state)
{
	(void)state;
	for (size_t piece = 1; piece <= sizeof stream; piece++) {
		struct tls_record_scan scan = {0};

		for (size_t at = 0; at < sizeof stream; at += piece) {
			const size_t left = sizeof stream - at;

			tls_record_scan(&scan, stream + at, left < piece ? left : piece);
		}
		assert_int_equal(scan.have, TLS_RECORD_HEADER);
		assert_int_equal(scan.body, 0);
		assert_memory_equal(scan.header, stream + 14, TLS_RECORD_HEADER);
		assert_true(tls_record_is_plain_alert(&scan));
		assert_int_equal(scan.content[0], 2);
		assert_int_equal(scan.content[1], 40);
	}
}

static void test_plain_alert_only_when_all_of_it_is_there(void **state)
{
	struct tls_record_scan scan = {0};

	(void)state;
	for (size_t i = 0; i < sizeof stream; i++) {
		assert_false(tls_record_is_plain_alert(&scan));
		tls_record_scan(&scan, stream + i, 1);
	}
	assert_true(tls_record_is_plain_alert(&scan));
	tls_record_scan(&scan, stream, 1);
	assert_false(tls_record_is_plain_alert(&scan));
}

static void test_alerts_among_records(void **state)
{
	uint8_t sealed[5 + 19] = {23, 3, 3, 0, 19};
	uint8_t data[5 + 20] = {23, 3, 3, 0, 20};

	(void)state;
	assert_true(tls_records_hold_alert(stream, sizeof stream));
	assert_false(tls_records_hold_alert(stream, 14));
	assert_true(tls_records_hold_alert(sealed, sizeof sealed));
	assert_false(tls_records_hold_alert(data, sizeof data));
	assert_false(tls_records_hold_alert(data, 3));
	assert_false(tls_records_hold_alert(data, 0));
}

static bool looks(const char *text)
{
	return tls_looks_like_http((const uint8_t *)text, strlen(text));
}

static void test_looks_like_http(void **state)
{
	static const char *const yes[] = {
		"GET / HTTP/1.1\r\n", "POST /x",  "HEAD ", "OPTIONS * HTTP/1.1",
		"PRI * HTTP/2.0",     "DELETE /", "G",     "PATC"};
	static const char *const no[] = {
		"",        "\x16\x03\x01\x02", "GETTING",      "get / HTTP/1.1",
		"SSH-2.0", "EHLO x",           "\x80\x2e\x01", "Geh"};

	(void)state;
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		if (!looks(yes[i]))
			fail_msg("\"%s\" does not look like HTTP", yes[i]);
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		if (looks(no[i]))
			fail_msg("\"%s\" looks like HTTP", no[i]);
	/* No first byte of a TLS record can be mistaken. */
	for (unsigned type = 0; type < 'A'; type++)
		assert_false(tls_looks_like_http(&(uint8_t){(uint8_t)type}, 1));
}

static void test_alert_names(void **state)
{
	(void)state;
	assert_string_equal(tls_alert_name(48), "unknown_ca");
	assert_string_equal(tls_alert_name(70), "protocol_version");
	assert_string_equal(tls_alert_name(255), "an alert without a name");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan_in_any_pieces),
		cmocka_unit_test(test_plain_alert_only_when_all_of_it_is_there),
		cmocka_unit_test(test_alerts_among_records),
		cmocka_unit_test(test_looks_like_http),
		cmocka_unit_test(test_alert_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
