/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_encoding.c — arbitrary Accept-Encoding fields. What is chosen must be available and accepted; it
 * must not depend on the case of letters, on blanks around elements, or on how a list is cut into fields.
 *
 * The first byte of the input is the set of codings that are available; line feeds divide fields.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/encoding.h"
#include "tests/fuzz/fuzz.h"

#define FIELDS_MAX 16

static void __attribute__((noreturn)) found(const char *what)
{
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

static void expect_same(const struct http_accepted *a, const struct http_accepted *b,
			const char *what)
{
	if (memcmp(a, b, sizeof *a) != 0)
		found(what);
}

static void check_choices(const struct http_accepted *accepted, unsigned available)
{
	const enum http_coding best = http_encoding_choose(accepted, available);

	for (enum http_coding i = 0; i < HTTP_CODING_COUNT; i++) {
		if (accepted->weight[i] > 1001)
			found("a weight above 1");
		if (available & HTTP_CODING_BIT(i) && accepted->weight[i] > 0 &&
		    (best == HTTP_CODING_NONE || accepted->weight[best] < accepted->weight[i]))
			found("there is a better one");
	}
	if (best != HTTP_CODING_NONE &&
	    (!(available & HTTP_CODING_BIT(best)) || accepted->weight[best] == 0))
		found("what was chosen is not to be had");
}

/* The same elements with blanks around, and the letters' case turned. */
static char *disguise(const char *list, size_t len, size_t *out_len)
{
	char *out = malloc(3 * len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = list[i];
		if (c == ',')
			out[n++] = '\t';
		out[n++] = http_is_alpha(c) ? (char)(c ^ 0x20) : c;
		if (c == ',')
			out[n++] = ' ';
	}
	*out_len = n;
	return out;
}

static void read_fields(const char *text, size_t len, struct http_accepted *out)
{
	struct http_field fields[FIELDS_MAX];
	struct http_request r = {.base = text, .fields = fields};
	size_t at = 0;

	while (r.field_count < FIELDS_MAX) {
		const char *end = memchr(text + at, '\n', len - at);
		const size_t n = r.field_count + 1 < FIELDS_MAX && end ? (size_t)(end - text) - at
								       : len - at;

		fields[r.field_count++] = (struct http_field){.id = HTTP_FIELD_ACCEPT_ENCODING,
							      .value = {(uint16_t)at, (uint16_t)n}};
		at += n + 1;
		if (at > len)
			break;
	}
	http_encoding_read(&r, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_accepted whole, other;
	size_t len;

	if (size == 0 || size > 16384)
		return 0;
	/* an allocation of its own, so that reading beyond its end is noticed */
	char *list = malloc(size);
	memcpy(list, data + 1, size - 1);

	read_fields(list, size - 1, &other);
	check_choices(&other, data[0]);
	unsigned divided = 0;
	for (size_t i = 0; i + 1 < size; i++)
		if (list[i] == '\n') {
			list[i] = ',';
			divided++;
		}
	http_encoding_read_list((struct http_str){list, size - 1}, &whole);
	check_choices(&whole, data[0]);
	if (divided < FIELDS_MAX)
		expect_same(&whole, &other, "fields are not read like a list");

	char *disguised = disguise(list, size - 1, &len);
	http_encoding_read_list((struct http_str){disguised, len}, &other);
	expect_same(&whole, &other, "case or blanks matter");
	free(disguised);
	free(list);
	return 0;
}
