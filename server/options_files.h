/* SPDX-License-Identifier: Apache-2.0 */
/* options_files.h — how files are kept and represented: the options for it as values. */
#ifndef SERVER_OPTIONS_FILES_H
#define SERVER_OPTIONS_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "http/http.h"

/* Sizes are bytes, and for one worker. http/http.h says what each is for. */
struct option_files {
	const char *mime_types; /* "auto", "builtin", or a file */
	bool precompressed;
	bool cache, compress;
	unsigned cache_entries, cache_descriptors;
	uint64_t cache_memory, cache_small, compress_memory;
};

/* Makes them the server's; to be called by the worker, whose limit of descriptors counts. */
void option_files_apply(const struct option_files *f, struct http_server_config *cfg);

#endif
