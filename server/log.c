/* SPDX-License-Identifier: Apache-2.0 */
/* log.c — see log.h. */
#include "server/log.h"

#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/escape.h"

#define NOTICES_PER_SECOND 10u
#define TARGET_MAX 1536u
#define FIELD_MAX 512u

_Static_assert(LOG_LINE_MAX <= PIPE_BUF, "a line is written whole or not at all");

/* ------------------------------------------------------------------ one line */

struct line {
	char *text;
	size_t len;
	bool json;
};

static void put(struct line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct line *l, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const int n = vsnprintf(l->text + l->len, LOG_LINE_MAX - l->len, format, args);
	va_end(args);
	if (n > 0)
		l->len += (size_t)n;
	if (l->len > LOG_LINE_MAX - 1)
		l->len = LOG_LINE_MAX - 1;
}

static void put_escaped(struct line *l, const char *before, const char *text, size_t limit,
			const char *after)
{
	put(l, "%s", before);
	/* One byte stays for the newline. */
	l->len = escape_append(l->text, l->len, LOG_LINE_MAX - 1, text, limit, l->json);
	put(l, "%s", after);
}

static void put_time(struct line *l, const char *format, time_t wall)
{
	struct tm tm;
	char text[40];

	if (gmtime_r(&wall, &tm) && strftime(text, sizeof text, format, &tm) > 0)
		put(l, "%s", text);
}

/* A field that ends at the first blank: the blanks within it are escaped. */
static void put_word(struct line *l, const char *text)
{
	char part[FIELD_MAX];

	if (!text) {
		put(l, "-");
		return;
	}
	while (*text) {
		const size_t len = strcspn(text, " ");
		snprintf(part, sizeof part, "%.*s", (int)len, text);
		if (len > 0)
			put_escaped(l, "", part, FIELD_MAX, "");
		text += len;
		for (; *text == ' '; text++)
			put(l, "\\x20");
	}
}

static void combined(struct line *l, const char *address, const struct app_client *client,
		     const struct http_log_entry *e)
{
	put(l, "%s - ", address);
	put_word(l, client->subject);
	put(l, " [");
	put_time(l, "%d/%b/%Y:%H:%M:%S +0000", e->time.wall);
	put_escaped(l, "] \"", e->method, 32, " ");
	put_escaped(l, "", e->target, TARGET_MAX, " ");
	put_escaped(l, "", e->version, 16, "\" ");
	put(l, "%d %" PRIu64, e->status, e->body_bytes);
	put_escaped(l, " \"", e->referer, FIELD_MAX, "\"");
	put_escaped(l, " \"", e->user_agent, FIELD_MAX, "\"");
}

static void json_field(struct line *l, const char *name, const char *text, size_t limit)
{
	put(l, ",\"%s\":", name);
	if (text)
		put_escaped(l, "\"", text, limit, "\"");
	else
		put(l, "null");
}

static void json(struct line *l, const char *address, const struct app_client *client,
		 const struct http_log_entry *e)
{
	put(l, "{\"time\":\"");
	put_time(l, "%Y-%m-%dT%H:%M:%SZ", e->time.wall);
	put(l, "\",\"client\":\"%s\",\"port\":%u,\"connection\":%" PRIu64 ",\"tls\":%s", address,
	    (unsigned)client->remote.port, client->conn_id, client->secure ? "true" : "false");
	json_field(l, "subject", client->subject, FIELD_MAX);
	json_field(l, "method", e->method, 64);
	json_field(l, "target", e->target, TARGET_MAX);
	json_field(l, "version", e->version, 32);
	json_field(l, "host", e->host, FIELD_MAX);
	put(l, ",\"status\":%d,\"bytes\":%" PRIu64 ",\"complete\":%s,\"duration_us\":%" PRIu64,
	    e->status, e->body_bytes, e->complete ? "true" : "false", e->duration_us);
	json_field(l, "referer", e->referer, FIELD_MAX);
	json_field(l, "user_agent", e->user_agent, FIELD_MAX);
	put(l, "}");
}

size_t log_format_line(enum log_format format, const struct app_client *client,
		       const struct http_log_entry *entry, char out[LOG_LINE_MAX])
{
	struct line l = {.text = out, .json = format == LOG_JSON};
	char address[IP_ADDR_TEXT_SIZE];

	ip_addr_text(&client->remote.addr, address);
	if (format == LOG_JSON)
		json(&l, address, client, entry);
	else
		combined(&l, address, client, entry);
	out[l.len++] = '\n';
	return l.len;
}

/* ------------------------------------------------------------------ many lines */

void log_init(struct log *log, enum log_format format, int fd)
{
	log->format = format;
	log->fd = fd;
	log->broken = false;
	log->lost = 0;
	log->notice_second = 0;
	log->notices = 0;
	log->len = 0;
}

static bool writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return poll(&p, 1, 0) == 1; /* or an error, which the write will find */
}

static size_t lines_in(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

/* The most whole lines that one write can carry: `len` of them or up to LOG_LINE_MAX bytes. */
static size_t whole_lines(const char *text, size_t len)
{
	if (len <= LOG_LINE_MAX)
		return len;
	len = LOG_LINE_MAX;
	while (text[len - 1] != '\n')
		len--;
	return len;
}

void log_flush(struct log *log)
{
	size_t done = 0;

	while (done < log->len && !log->broken) {
		const size_t n = whole_lines(log->buf + done, log->len - done);
		/* POLLOUT promises room for PIPE_BUF bytes, so this does not block. */
		if (!writable(log->fd))
			break;
		if (write(log->fd, log->buf + done, n) < 0) {
			log_error("the access log cannot be written: %m; going on without it");
			log->broken = true;
		}
		done += n;
	}
	if (!log->broken)
		log->lost += lines_in(log->buf + done, log->len - done);
	log->len = 0;
	if (log->lost > 0 && writable(log->fd)) {
		log_error("%" PRIu64 " lines of the access log were lost: its reader is too slow",
			  log->lost);
		log->lost = 0;
	}
}

void log_access(struct log *log, const struct app_client *client,
		const struct http_log_entry *entry)
{
	if (log->format == LOG_OFF || log->broken)
		return;
	if (sizeof log->buf - log->len < LOG_LINE_MAX)
		log_flush(log);
	log->len += log_format_line(log->format, client, entry, log->buf + log->len);
}

/* ------------------------------------------------------------------ about ourselves */

void log_error(const char *format, ...)
{
	char line[1024] = "tunhttpd: ";
	size_t len = strlen(line);
	va_list args;

	va_start(args, format);
	const int n = vsnprintf(line + len, sizeof line - len - 1, format, args);
	va_end(args);
	if (n > 0)
		len += (size_t)n;
	if (len > sizeof line - 2)
		len = sizeof line - 2;
	line[len++] = '\n';
	/* When standard error is gone there is nobody left to tell. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}

void log_client(struct log *log, time_t now, const struct app_client *client, const char *what)
{
	char address[IP_ADDR_TEXT_SIZE], text[600];

	if (now != log->notice_second) {
		log->notice_second = now;
		log->notices = 0;
	}
	if (log->notices++ >= NOTICES_PER_SECOND)
		return;
	text[escape_append(text, 0, sizeof text - 1, what, sizeof text - 1, 0)] = '\0';
	log_error("%s port %u: %s", ip_addr_text(&client->remote.addr, address),
		  (unsigned)client->remote.port, text);
}
