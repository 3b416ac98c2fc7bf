/* SPDX-License-Identifier: Apache-2.0 */
/* log_line.h — one line of a log being written: appends that never leave it. Internal to the log. */
#ifndef SERVER_LOG_LINE_H
#define SERVER_LOG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define LOG_LINE_MAX \
	4096 /* PIPE_BUF of Linux, newline included; longer lines are cut, field by field */

struct log_line {
	char *text; /* LOG_LINE_MAX bytes */
	size_t len;
	bool json;      /* escapes as a JSON string wants them     */
	size_t reserve; /* kept free for what has to follow        */
};

/* The texts of a second, made once for all of its lines. */
struct log_clock {
	time_t wall;
	bool valid;
	char local[32]; /* 14/Nov/2023:22:13:20 +0000 */
	char iso[24];   /* 2023-11-14T22:13:20        */
};

/* As it is: for what we have made ourselves. What does not fit is left out. */
void log_put(struct log_line *l, const char *text, size_t len);
void log_put_text(struct log_line *l, const char *text);
void log_put_number(struct log_line *l, uint64_t n);
/* With at least so many digits. */
void log_put_padded(struct log_line *l, uint64_t n, unsigned digits);
/* What a client may have chosen, as at most `limit` characters: see escape.h. NULL is "-". */
void log_put_escaped(struct log_line *l, const char *text, size_t limit);
/* The same, with its blanks escaped as well: a field that ends at the first blank. */
void log_put_word(struct log_line *l, const char *text, size_t limit);

#endif
