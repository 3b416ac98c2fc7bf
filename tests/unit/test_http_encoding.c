/* SPDX-License-Identifier: Apache-2.0 */
/* Which content coding a client gets (RFC 9110 12.5.3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/encoding.h"

#define ALL                                                                    \
	(HTTP_CODING_BIT(HTTP_CODING_BR) | HTTP_CODING_BIT(HTTP_CODING_ZSTD) | \
	 HTTP_CODING_BIT(HTTP_CODING_GZIP) | PLAIN)
#define GZ (HTTP_CODING_BIT(HTTP_CODING_GZIP) | PLAIN)
#define PLAIN HTTP_CODING_BIT(HTTP_CODING_IDENTITY)

static const char *name_of(enum http_coding coding)
{
	if (coding == HTTP_CODING_NONE)
		return "none";
	return http_coding_name(coding) ? http_coding_name(coding) : "identity";
}

static void test_the_best_acceptable_coding(void **state)
{
	static const struct {
		const char *list;
		unsigned available;
		const char *expected;
	} cases[] = {
		/* what browsers and tools send */
		{"gzip, deflate, br, zstd", ALL, "br"},
		{"gzip, deflate, br, zstd", GZ, "gzip"},
		{"gzip, deflate, br, zstd", PLAIN, "identity"},
		{"deflate, gzip", ALL, "gzip"},
		{"gzip", ALL, "gzip"},
		{"zstd,gzip", ALL, "zstd"},
		/* item 2: an empty list asks for none */
		{"", ALL, "identity"},
		{" , ,", ALL, "identity"},
		{"identity", ALL, "identity"},
		{"deflate", ALL, "identity"},
		{"unheard-of", ALL, "identity"},
		/* weights */
		{"br;q=0.5, gzip;q=0.8", ALL, "gzip"},
		{"br;q=0.799, gzip;q=0.8", ALL, "gzip"},
		{"br;q=0.80, gzip;q=0.8", ALL, "br"},
		{"br;q=1.000, gzip;q=1", ALL, "br"},
		{"br;q=0.001", ALL, "br"},
		{"br;q=0.000", ALL, "identity"},
		{"br;q=0.", ALL, "identity"},
		{"br;q=1.", ALL, "br"},
		{"br;q=0, gzip", ALL, "gzip"},
		{"gzip;q=0.5, identity", ALL, "identity"},
		{"gzip;q=0.5, identity;q=0.4", ALL, "gzip"},
		{"gzip;q=0.5, identity;q=0.5", ALL, "gzip"},
		{"gzip ; q=0.5\t,\tbr\t;\tQ=0.4", ALL, "gzip"},
		/* names in any case, and the old one */
		{"GZip", ALL, "gzip"},
		{"x-gzip", ALL, "gzip"},
		{"X-GZIP;q=0", GZ, "identity"},
		{"x-br", ALL, "identity"},
		/* "*" */
		{"*", ALL, "br"},
		{"*", PLAIN, "identity"},
		{"*;q=0.5", ALL, "br"},
		{"gzip, *;q=0.5", ALL, "gzip"},
		{"br;q=0, *", ALL, "zstd"},
		{"identity, *;q=0.5", ALL, "identity"},
		/* nothing is acceptable: items 3 and 4 */
		{"identity;q=0", PLAIN, "none"},
		{"identity;q=0", ALL, "none"},
		{"*;q=0", ALL, "none"},
		{"gzip, *;q=0", PLAIN, "none"},
		{"gzip, *;q=0", GZ, "gzip"},
		{"gzip, identity;q=0", PLAIN, "none"},
		{"*;q=0, identity", ALL, "identity"},
		{"*;q=0, identity;q=0.1", ALL, "identity"},
		/* identity;q=0 beside "*": the more specific one counts */
		{"*, identity;q=0", ALL, "br"},
		{"*, identity;q=0", PLAIN, "none"},
		/* malformed elements count as not there, the others stay */
		{"br;q=1.001, gzip", ALL, "gzip"},
		{"br;q=2, gzip", ALL, "gzip"},
		{"br;q=0.1234, gzip", ALL, "gzip"},
		{"br;q=-1, gzip", ALL, "gzip"},
		{"br;q=.5, gzip", ALL, "gzip"},
		{"br;q=0,5, gzip;q=0.4", ALL, "gzip"},
		{"br;q=, gzip", ALL, "gzip"},
		{"br;q, gzip", ALL, "gzip"},
		{"br;, gzip", ALL, "gzip"},
		{"br;x=1, gzip", ALL, "gzip"},
		{"br;q=1;x, gzip", ALL, "gzip"},
		{"br q=1, gzip", ALL, "gzip"},
		{"br;q =1, gzip", ALL, "gzip"},
		{"br;q=1x, gzip", ALL, "gzip"},
		{"br;q=1.1, gzip", ALL, "gzip"},
		{"br;q=00, gzip", ALL, "gzip"},
		{";q=1, gzip", ALL, "gzip"},
		{"identity;q=nonsense", ALL, "identity"},
		/* the first that names a coding counts; a malformed one names none */
		{"br;q=0, br;q=1", ALL, "identity"},
		{"br;q=x, br;q=0.5", ALL, "br"},
		{"gzip;q=0, x-gzip", GZ, "identity"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_accepted accepted;
		const struct http_str list = {cases[i].list, strlen(cases[i].list)};

		http_encoding_read_list(list, &accepted);
		const char *got = name_of(http_encoding_choose(&accepted, cases[i].available));
		if (strcmp(got, cases[i].expected) != 0)
			fail_msg("\"%s\" of %x: %s, expected %s", cases[i].list, cases[i].available,
				 got, cases[i].expected);
	}
}

static const char *chosen(const char *first, const char *second, unsigned available)
{
	char text[256] = "";
	struct http_field fields[2] = {{.id = HTTP_FIELD_ACCEPT_ENCODING},
				       {.id = HTTP_FIELD_ACCEPT_ENCODING}};
	struct http_request r = {.base = text, .fields = fields};
	struct http_accepted accepted;

	for (const char *value = first; value; value = value == first ? second : NULL) {
		const struct http_piece piece = {(uint16_t)strlen(text), (uint16_t)strlen(value)};

		fields[r.field_count++].value = piece;
		strcat(text, value);
	}
	http_encoding_read(&r, &accepted);
	return name_of(http_encoding_choose(&accepted, available));
}

/* RFC 9110 5.3: several fields are one list. */
static void test_fields_of_a_request(void **state)
{
	(void)state;
	assert_string_equal(chosen(NULL, NULL, ALL), "identity");
	assert_string_equal(chosen("", NULL, ALL), "identity");
	assert_string_equal(chosen("br", NULL, ALL), "br");
	assert_string_equal(chosen("gzip", "br", ALL), "br");
	assert_string_equal(chosen("br;q=0", "br, gzip", ALL), "gzip");
	assert_string_equal(chosen("identity;q=0", "gzip", PLAIN), "none");
	assert_string_equal(chosen("", "gzip", ALL), "gzip");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_best_acceptable_coding),
		cmocka_unit_test(test_fields_of_a_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
