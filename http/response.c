/* SPDX-License-Identifier: Apache-2.0 */
/* Responses: see response.h. */
#include "http/response.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "http/status.h"

void http_response_init(struct http_response *s)
{
	*s = (struct http_response){.fd = -1};
}

void http_response_free(struct http_response *s)
{
	http_buf_free(&s->buf);
	if (s->fd >= 0)
		close(s->fd);
	http_response_init(s);
}

/* ------------------------------------------------------------------ building */

void http_response_continue(struct http_response *s)
{
	http_buf_text(&s->buf, "HTTP/1.1 100 Continue\r\n\r\n");
}

void http_response_field(struct http_response *s, const char *name, const char *value)
{
	http_buf_text(&s->buf, name);
	http_buf_append(&s->buf, ": ", 2);
	http_buf_text(&s->buf, value);
	http_buf_append(&s->buf, "\r\n", 2);
}

void http_response_number(struct http_response *s, const char *name, uint64_t value)
{
	http_buf_text(&s->buf, name);
	http_buf_append(&s->buf, ": ", 2);
	http_buf_number(&s->buf, value);
	http_buf_append(&s->buf, "\r\n", 2);
}

/* RFC 9110 6.2: the version is the server's own, also to an HTTP/1.0 client. RFC 9110 6.6.1:
 * Date, when there is a clock. */
void http_response_begin(struct http_response *s, const struct http_reply *reply, int status)
{
	const char *date = http_server_date(reply->server, reply->now);

	s->status = status;
	http_buf_text(&s->buf, "HTTP/1.1 ");
	http_buf_number(&s->buf, (uint64_t)status);
	http_buf_append(&s->buf, " ", 1);
	http_buf_text(&s->buf, http_status_phrase(status));
	http_buf_append(&s->buf, "\r\n", 2);
	if (reply->server->cfg.server_name)
		http_response_field(s, "Server", reply->server->cfg.server_name);
	if (date[0])
		http_response_field(s, "Date", date);
}

void http_response_end(struct http_response *s, const struct http_reply *reply, int64_t length)
{
	if (length >= 0)
		http_response_number(s, "Content-Length", (uint64_t)length);
	if (reply->close)
		http_response_field(s, "Connection", "close");
	else if (reply->keep_alive)
		http_response_field(s, "Connection", "keep-alive");
	http_buf_append(&s->buf, "\r\n", 2);
	s->body_at = s->buf.len;
}

void http_response_file(struct http_response *s, int fd, uint64_t offset, uint64_t length)
{
	s->fd = fd;
	s->offset = offset;
	s->left = length;
}

void http_response_page(struct http_response *s, const struct http_reply *reply, const char *text,
			const char *link)
{
	struct http_buf page = {0};
	const char *phrase = http_status_phrase(s->status);

	if (!text)
		text = http_status_sentence(s->status);
	for (int twice = 0; twice < 2; twice++) {
		http_buf_text(&page, twice ? "</title>\n</head>\n<body>\n<h1>"
					   : "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
					     "<meta charset=\"utf-8\">\n<title>");
		http_buf_number(&page, (uint64_t)s->status);
		http_buf_text(&page, " ");
		http_buf_text(&page, phrase);
	}
	http_buf_text(&page, "</h1>\n<p>");
	if (text)
		http_buf_html(&page, text, strlen(text));
	if (link) {
		http_buf_text(&page, " <a href=\"");
		http_buf_html(&page, link, strlen(link));
		http_buf_text(&page, "\">");
		http_buf_html(&page, link, strlen(link));
		http_buf_text(&page, "</a>");
	}
	http_buf_text(&page, "</p>\n</body>\n</html>\n");

	http_response_field(s, "Content-Type", "text/html; charset=utf-8");
	http_response_end(s, reply, (int64_t)page.len);
	if (!reply->head_only)
		http_buf_append(&s->buf, page.data, page.len);
	s->buf.failed = s->buf.failed || page.failed;
	http_buf_free(&page);
}

/* ------------------------------------------------------------------ producing */

static size_t read_file(struct http_response *s, uint8_t *out, size_t room)
{
	size_t want = room < s->left ? room : (size_t)s->left;
	ssize_t got;

	do {
		got = pread(s->fd, out, want, (off_t)s->offset);
	} while (got < 0 && errno == EINTR);
	/* The head has promised a length: a file that shrank, or a failing disk, cannot be
	 * mended now. */
	if (got <= 0) {
		s->broken = true;
		return 0;
	}
	s->offset += (uint64_t)got;
	s->left -= (uint64_t)got;
	s->file_bytes += (uint64_t)got;
	return (size_t)got;
}

size_t http_response_produce(struct http_response *s, uint8_t *out, size_t room)
{
	size_t done = s->buf.len - s->sent;

	if (done > room)
		done = room;
	if (done > 0) {
		memcpy(out, s->buf.data + s->sent, done);
		s->sent += done;
	}
	while (done < room && s->left > 0 && !s->broken)
		done += read_file(s, out + done, room - done);
	return done;
}

bool http_response_pending(const struct http_response *s)
{
	return !s->broken && (s->sent < s->buf.len || s->left > 0);
}

uint64_t http_response_body_bytes(const struct http_response *s)
{
	return s->file_bytes + (s->status != 0 && s->sent > s->body_at ? s->sent - s->body_at : 0);
}
