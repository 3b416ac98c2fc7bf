/* SPDX-License-Identifier: Apache-2.0 */
/* options_table.h — the rows that options.c works through. Internal to the options. */
#ifndef SERVER_OPTIONS_TABLE_H
#define SERVER_OPTIONS_TABLE_H

#include <stddef.h>

#include "server/options.h"

/* A kind of value: how its text is read into the field, and what to say when it cannot be. A kind without
 * `parse` is a switch: it takes no argument and exists on the command line only. */
struct option_kind {
	bool (*parse)(const char *text, void *field);
	const char *allowed;
	bool repeats; /* given again it adds, with a comma */
};

struct option_def {
	const char *name; /* --name, key of the file, and TUNHTTPD_NAME with _ for - */
	char letter;      /* -l, or 0                                                */
	const struct option_kind *kind;
	size_t offset;             /* of the field in struct options     */
	const char *default_text;  /* NULL: none, see `default_words`    */
	const char *default_words; /* for --help, where default_text does not say it */
	const char *argument;      /* its name in --help                 */
	const char *help;
	bool no_file; /* makes no sense as a key of the file         */
};

extern const struct option_def option_table[];
extern const size_t option_count;

/* A text kept as it is: options.c points such fields at the setting's own copy. */
extern const struct option_kind option_kind_text;
extern const struct option_kind option_kind_interface;
/* options_limits.c */
extern const struct option_kind option_kind_head_size, option_kind_target_size, option_kind_rate,
	option_kind_fields, option_kind_body_size, option_kind_requests, option_kind_ranges;

#endif
