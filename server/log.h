/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h — what the program says: lines about itself on standard error, and the access log where --log-file says.
 *
 * Access lines are gathered and written once per turn of the loop, in pieces of whole lines of at most PIPE_BUF bytes:
 * then lines of several workers never mix (pipe(7)). What a reader does not take now stays in the buffer; when that is
 * full further lines are lost, and counted. So a reader that does not keep up never holds up the server.
 */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include "server/app.h"
#include "server/log_layout.h"
#include "server/log_sink.h"
#include "server/values.h"

#define LOG_BUFFER_SIZE 65536
#define LOG_END_MS 500 /* how long a log that ends waits for its reader */

struct log {
	struct log_layout *requests;    /* NULL: no such lines */
	struct log_layout *connections; /* NULL: no such lines */
	struct log_sink sink;
	bool broken;       /* nobody reads any more                              */
	bool full;         /* the sink takes nothing: wait until it can be written */
	uint64_t retry_us; /* it failed: when to try again, 0: it did not         */
	bool failing;      /* and that was said                                   */
	bool wants_sink;   /* what the sink has open leads nowhere any more       */
	uint64_t lost;     /* lines, since the last time it was said              */
	uint64_t lost_in_all;
	uint64_t lost_said_us;
	bool inside_line; /* the buffer begins with the rest of a line whose beginning was written */
	time_t notice_second;
	unsigned notices; /* of notice_second                                       */
	size_t len;
	char buf[LOG_BUFFER_SIZE];
};

/* The layouts are the log's from now on, and the descriptor. */
void log_init(struct log *log, struct log_layout *requests, struct log_layout *connections,
	      const struct log_target *target, int fd);
/* One line about a request, or about a connection that is over. */
void log_access(struct log *log, const struct http_log_entry *entry);
void log_connection(struct log *log, struct http_time now, const struct app_client *client,
		    const struct app_ending *ending);
void log_flush(struct log *log, struct http_time now);
/* When log_flush has to be called again if nothing else happens, mono_us; UINT64_MAX for never. And whether it has to be
 * called when log->sink.fd can be written. */
uint64_t log_retry_at(const struct log *log);
bool log_waits_for_room(const struct log *log);
/* What is there goes to the old file, everything else to `fd`. */
void log_reopen(struct log *log, struct http_time now, int fd);
/* Does it need a new descriptor of its target, by log_reopen? True once for each failure: it is asked for every second. */
bool log_wants_sink(struct log *log);
/* Waits for the reader, for LOG_END_MS at most, says what was lost, and closes everything. */
void log_end(struct log *log, struct http_time now);

/* "tunhttpd: …" and a newline on standard error, in one write. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same about one client; at most ten in a second, because clients cause them. */
void log_client(struct log *log, time_t now, const struct app_client *client, const char *what);

#endif
