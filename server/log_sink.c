/* SPDX-License-Identifier: Apache-2.0 */
/* log_sink.c — see log_sink.h. */
#include "server/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/log_line.h"

#define SYSLOG_SOCKET "/dev/log"
#define SYSLOG_INFO 6   /* severity */
#define SYSLOG_USUAL 23 /* local7 */

_Static_assert(LOG_LINE_MAX <= PIPE_BUF, "a line is written whole or not at all");

/* ------------------------------------------------------------------ what was asked for */

static int facility_of(const char *name, size_t len)
{
	/* RFC 5424 6.2.1, in its order; those between cron and local0 have no name of their own. */
	static const char *const names[24] = {
		"kern",   "user",   "mail",   "daemon",   "auth",   "syslog",        "lpr",
		"news",   "uucp",   "cron",   "authpriv", "ftp",    [16] = "local0", "local1",
		"local2", "local3", "local4", "local5",   "local6", "local7"};

	for (int i = 0; i < 24; i++)
		if (names[i] && strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return i;
	return -1;
}

/* What follows "syslog": nothing, or [:FACILITY][:SOCKET]. */
static bool parse_syslog(const char *rest, struct log_target *out)
{
	*out = (struct log_target){
		.kind = LOG_TO_SYSLOG, .path = SYSLOG_SOCKET, .facility = SYSLOG_USUAL};
	if (*rest == '\0')
		return true;
	rest++;
	if (*rest != '/') {
		const size_t len = strcspn(rest, ":");
		out->facility = facility_of(rest, len);
		rest += len;
		if (out->facility < 0 || *rest == '\0')
			return out->facility >= 0;
		rest++;
	}
	out->path = rest;
	return *rest == '/' && strlen(rest) < sizeof((struct sockaddr_un *)NULL)->sun_path;
}

bool log_target_parse(const char *text, struct log_target *out)
{
	*out = (struct log_target){.kind = LOG_TO_FILE, .path = text};
	if (strcmp(text, "-") == 0)
		out->kind = LOG_TO_STDOUT;
	else if (strcmp(text, "stderr") == 0)
		out->kind = LOG_TO_STDERR;
	else if (strncmp(text, "syslog", 6) == 0 && (text[6] == '\0' || text[6] == ':'))
		return parse_syslog(text + 6, out);
	return *text != '\0';
}

/* ------------------------------------------------------------------ opening */

static int connect_syslog(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	memcpy(addr.sun_path, path,
	       strlen(path)); /* log_target_parse has seen to it that it fits */
	if (connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0)
		return fd;
	const int err = errno;
	close(fd);
	errno = err;
	return -1;
}

/* A pipe or a terminal is shared with others, who may not want it to be non-blocking, so it is opened anew where that is
 * possible. */
static int open_standard(int fd)
{
	char path[32];
	struct stat st;

	if (fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		const int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (own >= 0)
			return own;
	}
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

#define FILE_FLAGS (O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

int log_target_open(const struct log_target *target, char error[LOG_SINK_ERROR_SIZE])
{
	int fd = -1;

	switch (target->kind) {
	case LOG_TO_STDOUT:
	case LOG_TO_STDERR:
		fd = open_standard(target->kind == LOG_TO_STDERR ? STDERR_FILENO : STDOUT_FILENO);
		if (fd < 0)
			snprintf(error, LOG_SINK_ERROR_SIZE, "cannot open the access log: %m");
		break;
	case LOG_TO_FILE:
		fd = open(target->path, FILE_FLAGS | O_CREAT, 0640);
		if (fd < 0)
			snprintf(error, LOG_SINK_ERROR_SIZE, "cannot open the access log %s: %m",
				 target->path);
		break;
	case LOG_TO_SYSLOG:
		fd = connect_syslog(target->path);
		if (fd < 0)
			snprintf(error, LOG_SINK_ERROR_SIZE,
				 "cannot reach the system's log at %s: %m", target->path);
		break;
	}
	return fd;
}

static bool may_make(const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (!slash)
		return access(".", W_OK | X_OK) == 0;
	snprintf(dir, sizeof dir, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	return access(dir, W_OK | X_OK) == 0;
}

bool log_target_check(const struct log_target *target, char error[LOG_SINK_ERROR_SIZE])
{
	int fd;

	if (target->kind == LOG_TO_FILE) {
		fd = open(target->path, FILE_FLAGS);
		if (fd < 0 && errno == ENOENT && may_make(target->path))
			return true;
		if (fd < 0)
			snprintf(error, LOG_SINK_ERROR_SIZE, "cannot open the access log %s: %m",
				 target->path);
	} else {
		fd = log_target_open(target, error);
	}
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* ------------------------------------------------------------------ writing */

void log_sink_init(struct log_sink *sink, const struct log_target *target, int fd)
{
	struct stat st;

	*sink = (struct log_sink){.target = target, .fd = fd, .header_second = -1};
	if (fstat(fd, &st) != 0)
		return;
	sink->is_file = S_ISREG(st.st_mode);
	sink->is_socket = S_ISSOCK(st.st_mode);
	sink->may_block = !sink->is_file && !sink->is_socket && !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static enum log_sink_result result_of(int err)
{
	switch (err) {
	case EAGAIN:
#if EWOULDBLOCK != EAGAIN
	case EWOULDBLOCK:
#endif
	case EINTR:
	case ENOBUFS:
		return LOG_SINK_FULL;
	case EPIPE:
		return LOG_SINK_GONE;
	default:
		return LOG_SINK_FAILED;
	}
}

/* The most whole lines that one write may carry. More than PIPE_BUF bytes could mix with other workers' lines in a pipe;
 * a file that is appended to takes any number at once. */
static size_t whole_lines(const struct log_sink *sink, const char *text, size_t len)
{
	if (sink->is_file || len <= LOG_LINE_MAX)
		return len;
	len = LOG_LINE_MAX;
	while (text[len - 1] != '\n')
		len--;
	return len;
}

static enum log_sink_result write_lines(struct log_sink *sink, const char *text, size_t len,
					size_t *taken)
{
	struct pollfd p = {.fd = sink->fd, .events = POLLOUT};

	len = whole_lines(sink, text, len);
	/* POLLOUT promises room for PIPE_BUF bytes, unless another worker takes it first. */
	if (sink->may_block && poll(&p, 1, 0) == 0)
		return LOG_SINK_FULL;
	const ssize_t n = sink->is_socket ? send(sink->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL)
					  : write(sink->fd, text, len);
	if (n < 0)
		return result_of(errno);
	*taken = (size_t)n;
	return LOG_SINK_OK;
}

/* <priority>Mmm dd hh:mm:ss tag[pid]: as syslog(3) of the C library writes it, which is what listens at /dev/log everywhere
 * understands. */
static void make_header(struct log_sink *sink, time_t now)
{
	char time[32] = "";
	struct tm tm;

	if (sink->header_second == now)
		return;
	sink->header_second = now;
	if (localtime_r(&now, &tm))
		strftime(time, sizeof time, "%b %e %H:%M:%S ", &tm);
	snprintf(sink->header, sizeof sink->header,
		 "<%d>%stunhttpd[%d]: ", sink->target->facility * 8 + SYSLOG_INFO, time,
		 (int)getpid());
}

/* In one piece: sendmsg would be one more system call that workers may make, and one that takes any address. */
static bool send_datagram(const struct log_sink *sink, const char *text, size_t len)
{
	char datagram[sizeof sink->header + LOG_LINE_MAX];
	const size_t head = strlen(sink->header);

	if (len > LOG_LINE_MAX)
		len = LOG_LINE_MAX;
	memcpy(datagram, sink->header, head);
	memcpy(datagram + head, text, len);
	return send(sink->fd, datagram, head + len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* One line is one datagram. A daemon that was started anew has another socket. */
static enum log_sink_result write_syslog(struct log_sink *sink, time_t now, const char *text,
					 size_t len, size_t *taken)
{
	const char *end = memchr(text, '\n', len);
	const size_t line = end ? (size_t)(end - text) : len;

	make_header(sink, now);
	if (!send_datagram(sink, text, line))
		return result_of(errno) == LOG_SINK_FULL ? LOG_SINK_FULL : LOG_SINK_LOST;
	*taken = line + (end != NULL);
	return LOG_SINK_OK;
}

enum log_sink_result log_sink_write(struct log_sink *sink, time_t now, const char *text, size_t len,
				    size_t *taken)
{
	*taken = 0;
	return sink->target->kind == LOG_TO_SYSLOG ? write_syslog(sink, now, text, len, taken)
						   : write_lines(sink, text, len, taken);
}
