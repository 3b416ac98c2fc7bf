/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP dates: RFC 9110 5.6.7. */
#include <string.h>

#include "http/date.h"

#define NOW 1700000000 /* 2023-11-14 */

static struct http_str str(const char *text)
{
	return (struct http_str){text, strlen(text)};
}

static void test_formats_imf_fixdate(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {
		{0, "Thu, 01 Jan 1970 00:00:00 GMT"},
		{784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
		{951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
		{951868799, "Tue, 29 Feb 2000 23:59:59 GMT"},
		{1709251199, "Thu, 29 Feb 2024 23:59:59 GMT"},
		{4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
		{2147483648, "Tue, 19 Jan 2038 03:14:08 GMT"},
		{-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
		{-86400, "Wed, 31 Dec 1969 00:00:00 GMT"},
		{253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
		{-62135596800, "Mon, 01 Jan 0001 00:00:00 GMT"},
	};
	char out[HTTP_DATE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(http_date_format(cases[i].seconds, out));
		assert_string_equal(out, cases[i].text);
	}
}

static void test_formats_rfc3339(void **state)
{
	char out[HTTP_DATE_SIZE];

	(void)state;
	assert_true(http_date_iso(784111777, out));
	assert_string_equal(out, "1994-11-06T08:49:37Z");
	assert_true(http_date_iso(-1, out));
	assert_string_equal(out, "1969-12-31T23:59:59Z");
	assert_true(http_date_iso(951782400, out));
	assert_string_equal(out, "2000-02-29T00:00:00Z");
	assert_false(http_date_iso(INT64_MAX, out));
	assert_string_equal(out, "");
}

static void test_refuses_years_that_do_not_fit(void **state)
{
	char out[HTTP_DATE_SIZE] = "x";

	(void)state;
	assert_false(http_date_format(253402300800, out));
	assert_string_equal(out, "");
	assert_false(http_date_format(INT64_MAX, out));
	assert_false(http_date_format(INT64_MIN, out));
}

static void test_reads_the_three_forms(void **state)
{
	static const char *const same[] = {
		"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
		" Sun, 06 Nov 1994 08:49:37 GMT\t",
	};
	int64_t seconds;

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		seconds = 0;
		assert_true(http_date_parse(str(same[i]), NOW, &seconds));
		assert_int_equal(seconds, 784111777);
	}
	assert_true(http_date_parse(str("Wed Nov 16 08:49:37 1994"), NOW, &seconds));
	assert_int_equal(seconds, 784111777 + 10 * 86400);
	/* a leap second */
	assert_true(http_date_parse(str("Sat, 31 Dec 2016 23:59:60 GMT"), NOW, &seconds));
	assert_int_equal(seconds, 1483228800);
}

/* RFC 9110 5.6.7: more than 50 years ahead is the past. Now is 2023. */
static void test_century_of_rfc850_dates(void **state)
{
	int64_t seconds;

	(void)state;
	assert_true(http_date_parse(str("Friday, 01-Jan-73 00:00:00 GMT"), NOW, &seconds));
	assert_int_equal(seconds, 3250454400); /* 2073 */
	assert_true(http_date_parse(str("Tuesday, 01-Jan-74 00:00:00 GMT"), NOW, &seconds));
	assert_int_equal(seconds, 126230400); /* 1974 */
	assert_true(http_date_parse(str("Saturday, 01-Jan-00 00:00:00 GMT"), NOW, &seconds));
	assert_int_equal(seconds, 946684800); /* 2000 */
}

static void test_refuses_what_is_no_date(void **state)
{
	static const char *const bad[] = {
		"",
		"0",
		"Sun",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 GMT+1",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 nov 1994 08:49:37 GMT",
		"sun, 06 Nov 1994 08:49:37 GMT",
		"Sun,06 Nov 1994 08:49:37 GMT",
		"Son, 06 Nov 1994 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 31 Nov 1994 08:49:37 GMT",
		"Wed, 29 Feb 2023 00:00:00 GMT",
		"Mon, 29 Feb 2100 00:00:00 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, 06 Nov 994 08:49:37 GMT",
		"Sunday, 06-Nov-1994 08:49:37 GMT",
		"Sun Nov 06 08:49:37 1994 GMT",
		"Sun Nov  6 08:49:37 94",
		"1994-11-06T08:49:37Z",
	};
	int64_t seconds;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (http_date_parse(str(bad[i]), NOW, &seconds))
			fail_msg("taken for a date: \"%s\"", bad[i]);
	}
}

static void test_reading_undoes_writing(void **state)
{
	char out[HTTP_DATE_SIZE];
	int64_t seconds;

	(void)state;
	/* steps of about 29 days, through every month and many leap years */
	for (int64_t t = -62167219200; t < 253402300799; t += 2500003) {
		assert_true(http_date_format(t, out));
		assert_true(http_date_parse(str(out), NOW, &seconds));
		assert_int_equal(seconds, t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats_imf_fixdate),
		cmocka_unit_test(test_formats_rfc3339),
		cmocka_unit_test(test_refuses_years_that_do_not_fit),
		cmocka_unit_test(test_reads_the_three_forms),
		cmocka_unit_test(test_century_of_rfc850_dates),
		cmocka_unit_test(test_refuses_what_is_no_date),
		cmocka_unit_test(test_reading_undoes_writing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
