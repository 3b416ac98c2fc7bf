/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a request to its response: method, path, file, preconditions, range, in this order. A failed
 * precondition counts only where the answer would otherwise be a success (RFC 9110 13.2.1).
 */
#include "http/serve.h"

#include <unistd.h>

#include "http/conditional.h"
#include "http/mime.h"
#include "http/path.h"

static bool is_get_or_head(const struct http_request *r)
{
	return r->parser.method == HTTP_GET || r->parser.method == HTTP_HEAD;
}

int http_serve_early(const struct http_request *r)
{
	if (!is_get_or_head(r) && r->parser.method != HTTP_OPTIONS)
		return 405;
	return r->expect == HTTP_EXPECT_UNKNOWN ? 417 : 0;
}

void http_serve_refusal(struct http_response *s, struct http_reply *reply,
			enum http_refusal refusal)
{
	reply->close = true;
	http_response_begin(s, reply, http_refusal_status(refusal));
	http_response_page(s, reply, http_refusal_text(refusal), NULL);
}

static void serve_page(struct http_response *s, const struct http_reply *reply, int status,
		       const char *text)
{
	http_response_begin(s, reply, status);
	if (status == 405)
		http_response_field(s, "Allow", HTTP_ALLOW); /* RFC 9110 15.5.6: MUST */
	if (status == 503)
		http_response_field(s, "Retry-After", "1");
	http_response_page(s, reply, text, NULL);
}

/* RFC 9110 9.3.7. The methods are the same for every target, so none is looked up. */
static void serve_options(struct http_response *s, const struct http_reply *reply)
{
	http_response_begin(s, reply, 200);
	http_response_field(s, "Allow", HTTP_ALLOW);
	http_response_end(s, reply, 0);
}

/* The directory's address with its slash, as a reference without scheme and host: how the client
 * reached us is not ours to guess. The path cannot begin with "//" (which would name another
 * host): empty segments are gone. The query goes along as it came; the gate has seen to it that
 * it holds no line break. */
static void serve_redirect(struct http_response *s, const struct http_reply *reply,
			   const struct http_request *r, const char *path)
{
	struct http_buf location = {0};
	struct http_str query = http_request_piece(r, r->query);

	http_path_encode(&location, path);
	http_buf_text(&location, "/");
	if (r->has_query) {
		http_buf_text(&location, "?");
		http_buf_append(&location, query.at, query.len);
	}
	http_buf_append(&location, "", 1);
	if (location.failed) {
		s->buf.failed = true;
	} else {
		http_response_begin(s, reply, 301);
		http_response_field(s, "Location", location.data);
		http_response_page(s, reply, NULL, location.data);
	}
	http_buf_free(&location);
}

/* ------------------------------------------------------------------ files */

static void write_validators(struct http_response *s, const struct http_validators *v)
{
	char date[HTTP_DATE_SIZE];

	if (http_date_format(v->mtime, date))
		http_response_field(s, "Last-Modified", date);
	http_response_field(s, "ETag", v->etag);
}

/* RFC 9110 15.4.5: the fields that would have changed what a cache knows, and no others. */
static void serve_not_modified(struct http_response *s, const struct http_reply *reply,
			       const struct http_validators *v)
{
	http_response_begin(s, reply, 304);
	write_validators(s, v);
	http_response_end(s, reply, -1);
}

static void write_content_range(struct http_response *s, const struct http_range *range,
				uint64_t size)
{
	http_buf_text(&s->buf, "Content-Range: bytes ");
	if (range) {
		http_buf_number(&s->buf, range->first);
		http_buf_text(&s->buf, "-");
		http_buf_number(&s->buf, range->last);
	} else {
		http_buf_text(&s->buf, "*");
	}
	http_buf_text(&s->buf, "/");
	http_buf_number(&s->buf, size);
	http_buf_text(&s->buf, "\r\n");
}

static void serve_unsatisfiable(struct http_response *s, const struct http_reply *reply,
				uint64_t size)
{
	http_response_begin(s, reply, 416);
	write_content_range(s, NULL, size);
	http_response_page(s, reply, NULL, NULL);
}

/* 200 with all of the file, or 206 with `part` of it. Takes the file's descriptor. */
static void serve_content(struct http_response *s, const struct http_reply *reply, const char *type,
			  const struct http_validators *v, const struct http_file *file,
			  const struct http_range *part)
{
	uint64_t offset = part ? part->first : 0;
	uint64_t length = part ? part->last - part->first + 1 : file->size;

	http_response_begin(s, reply, part ? 206 : 200);
	http_response_field(s, "Content-Type", type);
	write_validators(s, v);
	http_response_field(s, "Accept-Ranges", "bytes");
	if (part)
		write_content_range(s, part, file->size);
	http_response_end(s, reply, (int64_t)length);
	if (reply->head_only || length == 0)
		close(file->fd);
	else
		http_response_file(s, file->fd, offset, length);
}

static void serve_file(struct http_response *s, const struct http_reply *reply,
		       const struct http_request *r, const char *path, const struct http_file *file)
{
	char etag[HTTP_ETAG_SIZE];
	/* RFC 9110 8.8.2.1: a Last-Modified later than Date MUST NOT be sent. */
	struct http_validators v = {etag, file->mtime < reply->now ? file->mtime : reply->now,
				    reply->now};
	const char *type = http_mime_type(path[strlen(path) - 1] == '/' ? "index.html" : path);
	enum http_range_result result = HTTP_RANGE_WHOLE;
	struct http_range part;

	http_etag_format(file, etag);
	switch (http_precondition(r, &v)) {
	case HTTP_PRECONDITION_NOT_MODIFIED:
		serve_not_modified(s, reply, &v);
		close(file->fd);
		return;
	case HTTP_PRECONDITION_FAILED:
		serve_page(s, reply, 412, NULL);
		close(file->fd);
		return;
	case HTTP_PRECONDITION_PASS:
		break;
	}
	/* RFC 9110 14.2: Range is defined for GET only. */
	if (r->parser.method == HTTP_GET)
		result = http_range(r, &v, file->size, &part);
	if (result == HTTP_RANGE_UNSATISFIABLE) {
		serve_unsatisfiable(s, reply, file->size);
		close(file->fd);
		return;
	}
	serve_content(s, reply, type, &v, file, result == HTTP_RANGE_PART ? &part : NULL);
}

static void serve_path(struct http_response *s, const struct http_reply *reply,
		       const struct http_request *r, const char *path)
{
	const struct http_server *server = reply->server;
	struct http_file file;

	if (http_path_hidden(path)) {
		serve_page(s, reply, 404, NULL);
		return;
	}
	switch (http_static_find(server->cfg.root_fd, server->resolver, path, &file)) {
	case HTTP_FIND_FILE:
		serve_file(s, reply, r, path, &file);
		break;
	case HTTP_FIND_DIRECTORY:
		serve_redirect(s, reply, r, path);
		break;
	case HTTP_FIND_NO_INDEX:
		serve_page(s, reply, 403,
			   "This directory has no index.html, and directories are not listed.");
		break;
	case HTTP_FIND_NOTHING:
		serve_page(s, reply, 404, NULL);
		break;
	case HTTP_FIND_DENIED:
		serve_page(s, reply, 403, NULL);
		break;
	case HTTP_FIND_BUSY:
		serve_page(s, reply, 503, NULL);
		break;
	case HTTP_FIND_FAILED:
		serve_page(s, reply, 500, NULL);
		break;
	}
}

void http_serve(struct http_response *s, struct http_reply *reply, const struct http_request *r)
{
	char path[HTTP_PATH_SIZE];
	enum http_refusal refusal;
	int early = http_serve_early(r);

	reply->head_only = r->parser.method == HTTP_HEAD;
	if (early != 0) {
		/* What follows a CONNECT would be the tunnel's. */
		if (r->parser.method == HTTP_CONNECT)
			reply->close = true;
		serve_page(s, reply, early, NULL);
		return;
	}
	/* The target "*", or one without a path (RFC 9112 3.2.4). */
	if (r->path.len == 0 && r->parser.method == HTTP_OPTIONS) {
		serve_options(s, reply);
		return;
	}
	switch (http_path_decode(http_request_piece(r, r->path), path, &refusal)) {
	case HTTP_PATH_REFUSED:
		http_serve_refusal(s, reply, refusal);
		break;
	case HTTP_PATH_TOO_LONG:
		serve_page(s, reply, 404, NULL);
		break;
	case HTTP_PATH_OK:
		if (r->parser.method == HTTP_OPTIONS)
			serve_options(s, reply);
		else
			serve_path(s, reply, r, path);
		break;
	}
}
