/* SPDX-License-Identifier: Apache-2.0 */
/* Responses: see response.h. */
#include "http/response.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/map.h"
#include "http/request_id.h"
#include "http/status.h"

static void release_cached(void *owner)
{
	http_cached_release(owner);
}

struct http_source http_file_source(struct http_file *file)
{
	const struct http_source source = {
		.fd = file->fd,
		.data = file->data,
		.watched = file->fd >= 0,
		.size = file->size,
		.mtime = file->mtime,
		.mtime_ns = file->mtime_ns,
		.release = file->cached ? release_cached : NULL,
		.owner = file->cached,
	};

	*file = (struct http_file){.fd = -1};
	return source;
}

void http_source_release(struct http_source *source)
{
	if (source->release)
		source->release(source->owner);
	else if (source->fd >= 0)
		close(source->fd);
	*source = (struct http_source){.fd = -1};
}

void http_response_init(struct http_response *s)
{
	*s = (struct http_response){.source.fd = -1};
}

void http_response_free(struct http_response *s)
{
	http_buf_free(&s->buf);
	free(s->user);
	http_source_release(&s->source);
	http_map_unref(s->map);
	free(s->extents);
	http_response_init(s);
}

/* ------------------------------------------------------------------ building */

void http_response_continue(struct http_response *s)
{
	http_buf_text(&s->buf, "HTTP/1.1 100 Continue\r\n\r\n");
}

void http_response_field_of(struct http_response *s, struct http_str name, struct http_str value)
{
	http_buf_append(&s->buf, name.at, name.len);
	http_buf_append(&s->buf, ": ", 2);
	http_buf_append(&s->buf, value.at, value.len);
	http_buf_append(&s->buf, "\r\n", 2);
}

void http_response_number(struct http_response *s, const char *name, uint64_t value)
{
	http_buf_text(&s->buf, name);
	http_buf_append(&s->buf, ": ", 2);
	http_buf_number(&s->buf, value);
	http_buf_append(&s->buf, "\r\n", 2);
}

/* The Fetch standard, 3.2.3. What does not depend on the request is among the site's fields. */
static void write_cors(struct http_response *s, const struct http_reply *reply)
{
	if (reply->origin.at) {
		http_buf_text(&s->buf, "Access-Control-Allow-Origin: ");
		http_buf_append(&s->buf, reply->origin.at, reply->origin.len);
		http_buf_text(&s->buf, "\r\n");
		if (reply->site->cors_credentials)
			http_response_field(s, "Access-Control-Allow-Credentials", "true");
	}
}

/* Of files, and what updates what a cache has of them. RFC 9111 3.5: what was given for a password stays with whom it
 * was given to, unless "public" says otherwise, which then has to be the user's word and not ours. */
static void write_cache_control(struct http_response *s, const struct http_reply *reply)
{
	if (reply->no_cache)
		http_response_field(s, "Cache-Control", "no-cache");
	else if (reply->cache && (s->status == 200 || s->status == 206 || s->status == 304))
		http_response_field(s, "Cache-Control",
				    reply->personal && reply->cache == http_cache_immutable
					    ? http_cache_immutable_personal
					    : reply->cache);
}

/* RFC 9110 6.2: the version is the server's own, also to an HTTP/1.0 client. RFC 9110 6.6.1:
 * Date, when there is a clock. */
void http_response_begin(struct http_response *s, const struct http_reply *reply, int status)
{
	const char *date = http_server_date(reply->server, reply->now);

	s->status = status;
	s->site = reply->site;
	s->request = ++reply->server->requests;
	if (!reply->fields_only) {
		http_buf_text(&s->buf, "HTTP/1.1 ");
		http_buf_number(&s->buf, (uint64_t)status);
		http_buf_append(&s->buf, " ", 1);
		http_buf_text(&s->buf, http_status_phrase(status));
		http_buf_append(&s->buf, "\r\n", 2);
	}
	s->fields_at = s->buf.len;
	if (reply->server->cfg.server_name)
		http_response_field(s, "Server", reply->server->cfg.server_name);
	if (date[0])
		http_response_field(s, "Date", date);
	if (reply->vary)
		http_response_field(s, "Vary", reply->vary);
	if (reply->site_fields)
		http_buf_text(&s->buf, reply->site_fields);
	write_cors(s, reply);
	write_cache_control(s, reply);
	if (reply->server->cfg.send_request_id) {
		char id[HTTP_REQUEST_ID_SIZE];
		http_request_id(reply->server->cfg.request_id_key, s->request, id);
		http_response_field(s, "X-Request-Id", id);
	}
}

void http_response_end(struct http_response *s, const struct http_reply *reply, int64_t length)
{
	if (length >= 0)
		http_response_number(s, "Content-Length", (uint64_t)length);
	if (reply->close && !reply->fields_only)
		http_response_field(s, "Connection", "close");
	else if (reply->keep_alive && !reply->fields_only)
		http_response_field(s, "Connection", "keep-alive");
	http_buf_append(&s->buf, "\r\n", 2);
	s->body_at = s->buf.len;
}

void http_response_text(struct http_response *s, const void *text, size_t len)
{
	http_buf_append(&s->buf, text, len);
}

void http_response_source(struct http_response *s, const struct http_source *source)
{
	s->source = *source;
}

static bool grow_extents(struct http_response *s)
{
	/* 1, 2, 4 …: full whenever the count is a power of two */
	if (s->extent_count & (s->extent_count - 1))
		return true;
	const size_t cap = s->extent_count ? 2 * (size_t)s->extent_count : 1;
	struct http_extent *grown = realloc(s->extents, cap * sizeof(*grown));
	if (!grown) {
		s->buf.failed = true;
		return false;
	}
	s->extents = grown;
	return true;
}

void http_response_extent(struct http_response *s, uint64_t offset, uint64_t length)
{
	const struct http_extent extent = {s->buf.len, offset, length};

	if (length == 0)
		return;
	if (s->extent.length == 0)
		s->extent = extent;
	else if (grow_extents(s))
		s->extents[s->extent_count++] = extent;
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
		http_response_text(s, page.data, page.len);
	s->buf.failed = s->buf.failed || page.failed;
	http_buf_free(&page);
}

/* ------------------------------------------------------------------ taking apart */

bool http_response_next_field(const struct http_response *s, size_t *at, struct http_str *name,
			      struct http_str *value)
{
	const char *line = s->buf.data + s->fields_at + *at;
	const char *end = memchr(line, '\r', s->body_at - s->fields_at - *at);
	const char *colon = end ? memchr(line, ':', (size_t)(end - line)) : NULL;

	if (!colon)
		return false;
	*name = (struct http_str){line, (size_t)(colon - line)};
	*value = (struct http_str){colon + 2, (size_t)(end - colon) - 2};
	*at += (size_t)(end - line) + 2;
	return true;
}

void http_response_skip_head(struct http_response *s)
{
	s->sent = s->body_at;
}

/* ------------------------------------------------------------------ producing */

static void next_extent(struct http_response *s)
{
	s->extent = s->extent_next < s->extent_count ? s->extents[s->extent_next++]
						     : (struct http_extent){0};
}

/* A file that is written to while it is sent would be sent as a mixture of old and new. Seen after the
 * read: so what was read is of one version. Not by the time of change (ctime), which moves as well when
 * another file takes the place of this one, and then this one can still be sent whole. */
static bool source_changed(const struct http_source *source)
{
	struct stat st;

	return source->watched &&
	       (fstat(source->fd, &st) != 0 || (uint64_t)st.st_size != source->size ||
		st.st_mtim.tv_sec != source->mtime ||
		(uint32_t)st.st_mtim.tv_nsec != source->mtime_ns);
}

static void source_taken(struct http_response *s, size_t len)
{
	s->extent.offset += len;
	s->extent.length -= len;
	s->source_bytes += len;
	if (s->extent.length == 0)
		next_extent(s);
}

static size_t read_source(struct http_response *s, uint8_t *out, size_t room)
{
	const size_t want = room < s->extent.length ? room : (size_t)s->extent.length;
	ssize_t got = (ssize_t)want;

	if (s->source.fd < 0) {
		memcpy(out, s->source.data + s->extent.offset, want);
	} else {
		do {
			got = pread(s->source.fd, out, want, (off_t)s->extent.offset);
		} while (got < 0 && errno == EINTR);
	}
	/* The head has promised a length: a file that shrank, or a failing disk, cannot be
	 * mended now. */
	if (got <= 0 || source_changed(&s->source)) {
		s->broken = true;
		return 0;
	}
	source_taken(s, (size_t)got);
	return (size_t)got;
}

/* The buffer as far as the next extent, or its end. */
static size_t read_text(struct http_response *s, uint8_t *out, size_t room)
{
	const size_t end = s->extent.length > 0 ? s->extent.at : s->buf.len;
	const size_t len = end - s->sent < room ? end - s->sent : room;

	if (len > 0)
		memcpy(out, s->buf.data + s->sent, len);
	s->sent += len;
	return len;
}

size_t http_response_produce(struct http_response *s, uint8_t *out, size_t room)
{
	size_t done = 0;

	while (done < room && http_response_pending(s)) {
		done += read_text(s, out + done, room - done);
		if (done < room && s->extent.length > 0)
			done += read_source(s, out + done, room - done);
	}
	return done;
}

/* Shorter pieces are as soon copied. As much stays at the end of an extent: it is copied, and then the file is looked
 * at once more. */
#define LEND_MIN (16u << 10)

/* Makes the window one in which at least LEND_MIN bytes lie ahead. */
static bool move_window(struct http_response *s)
{
	const uint64_t at = s->extent.offset;

	if (s->map && at >= s->map->offset && at + LEND_MIN <= s->map->offset + s->map->len)
		return true;
	http_map_unref(s->map);
	s->map = s->source.release == release_cached ? http_cached_map(s->source.owner) : NULL;
	if (!s->map)
		s->map = http_map_create(s->source.fd, at, s->extent.length);
	return s->map != NULL;
}

bool http_response_lend(struct http_response *s, size_t max, struct http_lent *out)
{
	/* A descriptor that is not watched is none of a plain file. */
	if (s->broken || s->sent != s->extent.at || s->extent.length < 4 * LEND_MIN ||
	    max < LEND_MIN || !s->source.watched || source_changed(&s->source) || !move_window(s))
		return false;
	const uint64_t skip = s->extent.offset - s->map->offset;
	size_t len = s->map->len - (size_t)skip;
	if (len > s->extent.length - LEND_MIN)
		len = (size_t)s->extent.length - LEND_MIN;
	if (len > max)
		len = max;
	if (len < LEND_MIN)
		return false;
	*out = (struct http_lent){s->map->base + skip, len, http_map_unref, http_map_ref(s->map)};
	return true;
}

void http_response_lent(struct http_response *s, size_t len)
{
	source_taken(s, len);
}

bool http_response_pending(const struct http_response *s)
{
	return !s->broken && (s->sent < s->buf.len || s->extent.length > 0);
}

uint64_t http_response_left(const struct http_response *s)
{
	uint64_t left = s->buf.len - s->sent + s->extent.length;

	for (unsigned i = s->extent_next; i < s->extent_count; i++)
		left += s->extents[i].length;
	return left;
}

uint64_t http_response_body_bytes(const struct http_response *s)
{
	return s->source_bytes +
	       (s->status != 0 && s->sent > s->body_at ? s->sent - s->body_at : 0);
}

uint64_t http_response_bytes(const struct http_response *s)
{
	return s->source_bytes + s->sent;
}
