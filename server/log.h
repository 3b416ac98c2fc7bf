/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h — what the program says: lines about itself on standard error, the access log on standard output.
 *
 * Access lines are gathered and written once per turn of the loop, in pieces of whole lines of at most
 * PIPE_BUF bytes: then lines of several workers never mix (pipe(7)), and a reader that does not keep up
 * costs log lines, which are counted, and never holds up the server.
 */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include "server/app.h"
#include "server/values.h"

#define LOG_BUFFER_SIZE 65536
#define LOG_LINE_MAX 4096 /* PIPE_BUF of Linux; longer lines are cut, field by field */

struct log {
	enum log_format format;
	int fd;
	bool broken;   /* nobody reads any more                    */
	uint64_t lost; /* lines, since the last time it was said   */
	time_t notice_second;
	unsigned notices; /* of notice_second                         */
	size_t len;
	char buf[LOG_BUFFER_SIZE];
};

void log_init(struct log *log, enum log_format format, int fd);
/* One access line. */
void log_access(struct log *log, const struct app_client *client,
		const struct http_log_entry *entry);
void log_flush(struct log *log);

/* Makes one line, newline included, of at most LOG_LINE_MAX bytes; returns its length. */
size_t log_format_line(enum log_format format, const struct app_client *client,
		       const struct http_log_entry *entry, char out[LOG_LINE_MAX]);

/* "tunhttpd: …" and a newline on standard error, in one write. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same about one client; at most ten in a second, because clients cause them. */
void log_client(struct log *log, time_t now, const struct app_client *client, const char *what);

#endif
