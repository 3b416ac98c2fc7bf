/* SPDX-License-Identifier: Apache-2.0 */
/* options_files.c — the kinds of values that the options about files have. */
#include "server/options_files.h"

#include "server/options_table.h"

#define ENTRIES_MAX 1000000
#define DESCRIPTORS_MAX 100000

static bool parse_count(const char *text, unsigned long min, unsigned long max, void *field)
{
	unsigned long n;

	if (!value_number(text, min, max, &n))
		return false;
	*(unsigned *)field = (unsigned)n;
	return true;
}

static bool parse_entries(const char *text, void *field)
{
	return parse_count(text, 1, ENTRIES_MAX, field);
}

static bool parse_descriptors(const char *text, void *field)
{
	return parse_count(text, 0, DESCRIPTORS_MAX, field);
}

static bool parse_memory(const char *text, void *field)
{
	return value_size(text, 64 * 1024, 1ull << 40, field);
}

static bool parse_small(const char *text, void *field)
{
	return value_size(text, 0, 16 * 1024 * 1024, field);
}

const struct option_kind option_kind_cache_entries = {.parse = parse_entries,
						      .allowed = "1 to 1000000"};
const struct option_kind option_kind_cache_descriptors = {.parse = parse_descriptors,
							  .allowed = "0 to 100000"};
const struct option_kind option_kind_cache_memory = {
	.parse = parse_memory, .allowed = "bytes from 64k to 1024g, such as 32m"};
const struct option_kind option_kind_cache_small = {.parse = parse_small,
						    .allowed = "bytes up to 16m, such as 64k"};
