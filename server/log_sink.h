/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_sink.h — where lines of the access log go: a standard stream, a file, the system's log.
 *
 * The master opens it, while it still may; workers write. Whatever it is, nobody waits for it: what it does not take
 * now is offered again.
 */
#ifndef SERVER_LOG_SINK_H
#define SERVER_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define LOG_SINK_ERROR_SIZE 512

enum log_target_kind {
	LOG_TO_STDOUT,
	LOG_TO_STDERR,
	LOG_TO_FILE,
	LOG_TO_SYSLOG
};

struct log_target {
	enum log_target_kind kind;
	const char *path; /* of the file, or of the socket: points into what was parsed */
	int facility;     /* of syslog, 0 … 23 (RFC 5424 6.2.1)                         */
};

/* "-", "stderr", "syslog[:FACILITY][:SOCKET]" with a path that begins with /, or the path of a file. */
bool log_target_parse(const char *text, struct log_target *out);

/* Opens it. A file is made if it is not there, mode 0640. -1 with one line in `error`. */
int log_target_open(const struct log_target *target, char error[LOG_SINK_ERROR_SIZE]);
/* Could it be opened? Makes nothing. */
bool log_target_check(const struct log_target *target, char error[LOG_SINK_ERROR_SIZE]);

enum log_sink_result {
	LOG_SINK_OK,
	LOG_SINK_FULL,   /* not now: wait until it can be written              */
	LOG_SINK_FAILED, /* errno says why; later, perhaps                     */
	LOG_SINK_LOST,   /* errno says why; through another descriptor, perhaps: log_target_open */
	LOG_SINK_GONE,   /* nobody will ever read it                           */
};

struct log_sink {
	const struct log_target *target;
	int fd;
	bool is_file, is_socket;
	bool may_block; /* so it is asked first, whether it has room  */
	time_t header_second;
	char header[64]; /* of syslog, for that second                 */
};

void log_sink_init(struct log_sink *sink, const struct log_target *target, int fd);
/* Writes some of `text`, which is whole lines, or the rest of one and whole lines; *taken says how much of it. */
enum log_sink_result log_sink_write(struct log_sink *sink, time_t now, const char *text, size_t len,
				    size_t *taken);

#endif
