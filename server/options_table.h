/* SPDX-License-Identifier: Apache-2.0 */
/* options_table.h — the rows that options.c works through. Internal to the options. */
#ifndef SERVER_OPTIONS_TABLE_H
#define SERVER_OPTIONS_TABLE_H

#include <stddef.h>

#include "server/options.h"

/* A kind of value: how its text is read into the field, and what to say when it cannot be. A kind without
 * parsers is a switch: it takes no argument and exists on the command line only. */
struct option_kind {
	bool (*parse)(const char *text, void *field);
	/* In its place, with a reason of its own. */
	bool (*parse_why)(const char *text, void *field, const char **why);
	const char *allowed;
	char joint;                /* given again it adds, with this between; 0: it replaces */
	void (*free)(void *field); /* what parse has made; NULL: nothing      */
};

struct option_def {
	const char *name; /* --name, key of the file, and TUNHTTPD_NAME with _ for - */
	char letter;      /* -l, or 0                                                */
	const struct option_kind *kind;
	bool site;                 /* each site has its own              */
	size_t offset;             /* of the field in struct options, or site_options */
	const char *default_text;  /* NULL: none, see `default_words`    */
	const char *default_words; /* for --help, where default_text does not say it */
	const char *argument;      /* its name in --help                 */
	const char *help;
	bool no_file; /* makes no sense as a key of the file         */
};

extern const struct option_def option_table[];
extern const size_t option_count;

/* What one call of options_parse works with. */
struct reading {
	struct options *o;
	struct site_section *section; /* of the file, while it is read; NULL: the default site */
	char *error;
};

/* Puts one line into the caller's error. Returns false. */
bool options_fail(struct reading *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
const struct option_def *option_find(const char *name, size_t len);
/* Where an option's value is kept. */
void *option_field(struct options *o, struct site_section *section, const struct option_def *def);
/* *why: NULL, or the reason. */
bool option_parse(const struct option_def *def, const char *text, void *field, const char **why);
bool option_is_switch(const struct option_def *def);
/* Is the field a pointer to the setting's text? */
bool option_is_text(const struct option_def *def);

/* options_sections.c: the sections of the file. */
bool options_begin_section(struct reading *r, const char *words, const char *where);
/* Gives every section what it has not said itself, when all sources have been read. */
bool options_inherit(struct reading *r);
void options_free_sections(struct options *o);
void options_print_sections(const struct options *o, FILE *out);
void option_print(const struct option_def *def, const struct option_setting *setting, FILE *out);

/* A text kept as it is: options.c points such fields at the setting's own copy. */
extern const struct option_kind option_kind_text;
extern const struct option_kind option_kind_interface;
/* options_sites.c */
extern const struct option_kind option_kind_redirects, option_kind_headers, option_kind_cache,
	option_kind_cors, option_kind_auth, option_kind_hsts, option_kind_cors_headers;
/* page_values.c: those of a site's pages. A page is a text, too. */
extern const struct option_kind option_kind_index, option_kind_symlinks, option_kind_listing_max,
	option_kind_page, option_kind_error_pages;
/* options_limits.c */
extern const struct option_kind option_kind_head_size, option_kind_target_size,
	option_kind_body_size, option_kind_fields, option_kind_requests, option_kind_ranges,
	option_kind_rate, option_kind_connections, option_kind_client_connections,
	option_kind_limit, option_kind_prefixes;
/* options_files.c */
extern const struct option_kind option_kind_cache_entries, option_kind_cache_descriptors,
	option_kind_cache_memory, option_kind_cache_small;

#endif
