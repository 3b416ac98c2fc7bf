/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_range.c — arbitrary Range fields, for files of any size. The parts that are left must lie within the file,
 * apart from one another, and hold every byte that a range of the field asks for, as a reader of our own sees it.
 *
 * The first eight bytes of the input are the file's size (each length of it as likely as any other), the ninth how many
 * ranges are taken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/range.h"
#include "tests/fuzz/fuzz.h"

static void __attribute__((noreturn)) found(const char *what)
{
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

static void check_parts(const struct http_ranges *r, uint64_t size, unsigned max)
{
	if (r->count == 0 || r->count > max)
		found("too few or too many parts");
	for (unsigned i = 0; i < r->count; i++) {
		if (r->range[i].first > r->range[i].last || r->range[i].last >= size)
			found("a part that is not in the file");
		for (unsigned k = 0; k < i; k++) {
			const struct http_range *low = &r->range[i], *high = &r->range[k];
			if (low->first > high->first) {
				low = &r->range[k];
				high = &r->range[i];
			}
			if (high->first <= low->last || high->first - low->last <= HTTP_RANGE_GAP)
				found("two parts that ought to be one");
		}
	}
}

static bool held(const struct http_ranges *r, uint64_t at)
{
	for (unsigned i = 0; i < r->count; i++)
		if (at >= r->range[i].first && at <= r->range[i].last)
			return true;
	return false;
}

/* The plain kind of element, "12-34" or "12-": its first byte has to be sent, and its last. */
static void check_asked(const char *text, const struct http_ranges *r, uint64_t size)
{
	unsigned long long first, last;
	char end;

	for (const char *p = text; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
		if (strspn(p, "0123456789") == 0 || strspn(p, "0123456789") > 18)
			continue;
		const int n = sscanf(p, "%18llu-%18llu%c", &first, &last, &end);
		if (n < 2 || (n == 3 && end != ','))
			continue;
		if (first <= last && first < size &&
		    (!held(r, first) || (last < size && !held(r, last))))
			found("a byte that was asked for is missing");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char unit[] = "bytes=";
	struct http_ranges ranges;
	uint64_t file;

	if (size < 9 || size > 4096)
		return 0;
	memcpy(&file, data, sizeof file);
	file >>= data[0] & 63;
	const unsigned max = data[8] % (HTTP_RANGES_MAX + 1);
	char *text = malloc(sizeof unit + size);
	memcpy(text, unit, sizeof unit - 1);
	memcpy(text + sizeof unit - 1, data + 9, size - 9);
	text[sizeof unit - 1 + size - 9] = '\0';
	const struct http_str value = {text, sizeof unit - 1 + size - 9};
	switch (http_ranges_parse(value, file, max, &ranges)) {
	case HTTP_RANGE_PART:
		check_parts(&ranges, file, max);
		if (strlen(text) == value.len)
			check_asked(text + sizeof unit - 1, &ranges, file);
		break;
	case HTTP_RANGE_UNSATISFIABLE:
		if (ranges.count != 0)
			found("parts of what cannot be satisfied");
		break;
	case HTTP_RANGE_WHOLE:
		break;
	}
	free(text);
	return 0;
}
