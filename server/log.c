/* SPDX-License-Identifier: Apache-2.0 */
/* log.c — see log.h. */
#include "server/log.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/escape.h"

#define NOTICES_PER_SECOND 10u
#define RETRY_US \
	1000000u /* after a failure that may pass: a full disk, a daemon that starts anew */
#define LOST_SAY_US \
	1000000u /* at most so often it is said that lines are lost                     */

/* ------------------------------------------------------------------ the buffer */

void log_init(struct log *log, struct log_layout *requests, struct log_layout *connections,
	      const struct log_target *target, int fd)
{
	memset(log, 0, offsetof(struct log, buf));
	log->requests = requests;
	log->connections = connections;
	log_sink_init(&log->sink, target, fd);
}

static size_t lines_in(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

static void lose(struct log *log, size_t lines)
{
	log->lost += lines;
	log->lost_in_all += lines;
}

static void forget_all(struct log *log)
{
	lose(log, lines_in(log->buf, log->len));
	log->len = 0;
	log->inside_line = false;
}

static void say_lost(struct log *log)
{
	if (log->lost > 0)
		log_error("%" PRIu64 " lines of the access log were lost", log->lost);
	log->lost = 0;
}

static void on_failure(struct log *log, struct http_time now)
{
	log->retry_us = now.mono_us + RETRY_US;
	if (!log->failing)
		log_error("the access log cannot be written: %m; trying again");
	log->failing = true;
}

/* Offers the buffer to the sink. Returns how much it took. */
static size_t offer(struct log *log, struct http_time now)
{
	size_t done = 0, taken;

	while (done < log->len) {
		switch (log_sink_write(&log->sink, now.wall, log->buf + done, log->len - done,
				       &taken)) {
		case LOG_SINK_OK:
			done += taken;
			log->failing = false;
			break;
		case LOG_SINK_FULL:
			log->full = true;
			return done;
		case LOG_SINK_FAILED:
			on_failure(log, now);
			return done;
		case LOG_SINK_LOST:
			on_failure(log, now);
			log->wants_sink = true;
			return done;
		case LOG_SINK_GONE:
			log_error("the access log cannot be written: %m; going on without it");
			log->broken = true;
			return log->len;
		}
	}
	return done;
}

void log_flush(struct log *log, struct http_time now)
{
	if (log->retry_us > now.mono_us)
		return;
	log->retry_us = 0;
	log->full = false;
	const size_t done = offer(log, now);
	if (done > 0) {
		log->inside_line = log->buf[done - 1] != '\n';
		log->len -= done;
		memmove(log->buf, log->buf + done, log->len);
	}
	if (log->lost > 0 && log->len == 0 && now.mono_us >= log->lost_said_us + LOST_SAY_US) {
		say_lost(log);
		log->lost_said_us = now.mono_us;
	}
}

uint64_t log_retry_at(const struct log *log)
{
	if (log->retry_us > 0)
		return log->retry_us;
	return log->lost > 0 && !log->full ? log->lost_said_us + LOST_SAY_US : UINT64_MAX;
}

bool log_waits_for_room(const struct log *log)
{
	return log->full && !log->broken && log->retry_us == 0;
}

/* Room for one more line; counted when there is none. */
static bool has_room(struct log *log, struct http_time now)
{
	if (sizeof log->buf - log->len >= LOG_LINE_MAX)
		return true;
	if (!log->full && log->retry_us == 0)
		log_flush(log, now);
	if (sizeof log->buf - log->len >= LOG_LINE_MAX)
		return true;
	lose(log, 1);
	return false;
}

void log_reopen(struct log *log, struct http_time now, int fd)
{
	const struct log_target *target = log->sink.target;

	log->retry_us = 0;
	log_flush(log, now);
	if (log->inside_line && log->len > 0) {
		/* Its beginning is in the old file, on a full disk. */
		const size_t rest =
			(size_t)((char *)memchr(log->buf, '\n', log->len) - log->buf) + 1;
		lose(log, 1);
		log->len -= rest;
		memmove(log->buf, log->buf + rest, log->len);
	}
	close(log->sink.fd);
	log_sink_init(&log->sink, target, fd);
	log->broken = log->full = log->failing = log->inside_line = log->wants_sink = false;
	log->retry_us = 0;
}

bool log_wants_sink(struct log *log)
{
	const bool wants = log->wants_sink;

	log->wants_sink = false;
	return wants;
}

static uint64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void log_end(struct log *log, struct http_time now)
{
	const uint64_t end_us = clock_us() + LOG_END_MS * 1000u;

	log->retry_us = 0;
	log_flush(log, now);
	while (log_waits_for_room(log)) {
		struct pollfd p = {.fd = log->sink.fd, .events = POLLOUT};
		const uint64_t time = clock_us();
		if (time >= end_us || poll(&p, 1, (int)((end_us - time) / 1000) + 1) < 0)
			break;
		log_flush(log, now);
	}
	forget_all(log);
	say_lost(log);
	log_layout_destroy(log->requests);
	log_layout_destroy(log->connections);
	close(log->sink.fd);
}

/* ------------------------------------------------------------------ lines */

static void add_line(struct log *log, struct log_layout *layout, struct log_facts facts)
{
	const unsigned needs = log_layout_needs(layout);
	struct tls_info tls;
	struct tcp_info tcp;

	if (log->broken || !has_room(log, facts.time))
		return;
	if ((needs & LOG_NEEDS_TLS) && facts.client->tls) {
		tls_session_info(facts.client->tls, &tls);
		facts.tls = &tls;
	}
	if ((needs & LOG_NEEDS_TCP) && facts.client->tcp) {
		tcp_get_info(facts.client->tcp, &tcp);
		facts.tcp = &tcp;
	}
	log->len += log_layout_line(layout, &facts, log->buf + log->len);
}

void log_access(struct log *log, const struct http_log_entry *entry)
{
	const struct log_facts facts = {.time = entry->time, .client = entry->user, .entry = entry};

	if (log->requests)
		add_line(log, log->requests, facts);
}

void log_connection(struct log *log, struct http_time now, const struct app_client *client,
		    const struct app_ending *ending)
{
	const struct log_facts facts = {.time = now, .client = client, .ending = ending};

	if (log->connections)
		add_line(log, log->connections, facts);
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
