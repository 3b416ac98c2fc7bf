/* SPDX-License-Identifier: Apache-2.0 */
/* options_files.c — the options about files: the kinds of their values, and what they mean to the server. */
#include "server/options_files.h"

#include <sys/resource.h>

#include "server/options_table.h"

#define WATCHES 1024 /* directories of cached files under inotify */
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

/* Most descriptors are for files that are being sent: of those that are kept open there must never be too
 * many. */
static unsigned spare_descriptors(unsigned wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 4 < wanted)
		return (unsigned)(limit.rlim_cur / 4);
	return wanted;
}

void option_files_apply(const struct option_files *f, struct http_server_config *cfg)
{
	cfg->precompressed = f->precompressed;
	if (f->compress)
		cfg->compress_memory = f->compress_memory;
	if (!f->cache)
		return;
	cfg->file_cache = (struct http_file_cache_config){
		.entries = f->cache_entries,
		.bytes = f->cache_memory,
		.descriptors = spare_descriptors(f->cache_descriptors),
		.small = f->cache_small,
		.watches = WATCHES,
	};
}
