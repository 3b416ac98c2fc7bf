/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_layout.h — what a line of the log looks like: "combined", "json", or a text with variables such as $status, which is
 * read once. log_variables.c has the variables.
 *
 * Whatever a client can choose is escaped (escape.h): a value never holds a quotation mark, a line break or anything else
 * that is not printable ASCII. A layout that begins with { is taken for JSON: there backslashes are doubled as well.
 */
#ifndef SERVER_LOG_LAYOUT_H
#define SERVER_LOG_LAYOUT_H

#include "server/app.h"
#include "server/log_line.h"

#define LOG_LAYOUT_ERROR_SIZE 160

/* What a line is about. */
enum log_subject {
	LOG_REQUEST = 1,
	LOG_CONNECTION = 2
};

/* What a layout has to be told beside the entry. */
#define LOG_NEEDS_TLS 1u
#define LOG_NEEDS_TCP 2u

/* What one line is made of. */
struct log_facts {
	struct http_time time;
	const struct app_client *client;
	const struct http_log_entry *entry; /* of a request     */
	const struct app_ending *ending;    /* of a connection  */
	const struct tls_info *tls;         /* NULL without TLS */
	const struct tcp_info *tcp;
};

struct log_layout;

/* `text` is "combined", "json" or a layout. NULL with one line in `error`, which names the nearest variable when one is
 * not known. */
struct log_layout *log_layout_create(const char *text, enum log_subject subject,
				     char error[LOG_LAYOUT_ERROR_SIZE]);
void log_layout_destroy(struct log_layout *layout);

/* LOG_NEEDS_…: what else is not needed in the facts. */
unsigned log_layout_needs(const struct log_layout *layout);
/* Makes one line, newline included, of at most LOG_LINE_MAX bytes; returns its length. */
size_t log_layout_line(struct log_layout *layout, const struct log_facts *facts,
		       char out[LOG_LINE_MAX]);

#endif
