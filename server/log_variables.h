/* SPDX-License-Identifier: Apache-2.0 */
/* log_variables.h — the table of what a line of the log can say. Internal to the log. */
#ifndef SERVER_LOG_VARIABLES_H
#define SERVER_LOG_VARIABLES_H

#include "server/log_layout.h"

/* Where a value comes from, … */
enum log_source {
	FROM_CLIENT,
	FROM_ENTRY,
	FROM_ENDING,
	FROM_TLS,
	FROM_TCP,
	FROM_USER, /* who has shown a password, or else a certificate */
	FROM_ALL,  /* made */
};

/* … and what it is there. */
enum log_type {
	TYPE_U64,
	TYPE_UNSIGNED,
	TYPE_STATUS, /* int */
	TYPE_PORT,   /* uint16_t */
	TYPE_BOOL,
	TYPE_ADDRESS,
	TYPE_TEXT, /* const char *, escaped, at most `limit` characters */
	TYPE_WORD, /* a TYPE_TEXT without blanks                        */
	TYPE_MADE, /* text that a function makes                        */
	TYPE_MADE_NUMBER,
};

struct log_variable {
	const char *name; /* as $name; NULL: only in JSON  */
	const char *key;  /* in JSON; NULL: not there      */
	uint8_t subjects; /* enum log_subject, or both     */
	uint8_t source;
	uint8_t type;
	uint16_t offset;
	uint16_t limit;
	void (*made)(struct log_line *l, const struct log_facts *f, struct log_clock *clock);
};

extern const struct log_variable log_variables[];
extern const size_t log_variable_count;

/* LOG_NEEDS_… of this one. */
unsigned log_variable_needs(const struct log_variable *v);
/* Is there a value? */
bool log_variable_known(const struct log_variable *v, const struct log_facts *f);
/* Appends the value; "-" when there is none. */
void log_variable_put(const struct log_variable *v, struct log_line *l, const struct log_facts *f,
		      struct log_clock *clock);

#endif
