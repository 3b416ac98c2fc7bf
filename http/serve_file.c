/* SPDX-License-Identifier: Apache-2.0 */
/* Files as responses: see serve_file.h. */
#include "http/serve_file.h"

#include <stdio.h>

#include "http/conditional.h"
#include "http/error_page.h"
#include "http/range.h"
#include "http/represent.h"
#include "http/serve.h"

#define HTTP_BOUNDARY_SIZE 17

/* What is to be sent, of which the request may want a part. */
struct http_content {
	struct http_representation *of;
	struct http_validators validators;
};

/* RFC 9110 12.5.5: wherever the choice of the representation shows, in 304 and 206 as in 200. */
static void write_vary(struct http_response *s, const struct http_representation *of)
{
	if (of->vary)
		http_response_field(s, "Vary", "Accept-Encoding");
}

static void write_validators(struct http_response *s, const struct http_content *c)
{
	char date[HTTP_DATE_SIZE];

	if (http_date_format(c->validators.mtime, date))
		http_response_field(s, "Last-Modified", date);
	http_response_field(s, "ETag", c->validators.etag);
	write_vary(s, c->of);
}

/* What 200 and 206 say of the content. */
static void write_content(struct http_response *s, const struct http_content *c, const char *type)
{
	http_response_field(s, "Content-Type", type);
	if (c->of->coding != HTTP_CODING_IDENTITY)
		http_response_field(s, "Content-Encoding", http_coding_name(c->of->coding));
	write_validators(s, c);
	http_response_field(s, "Accept-Ranges", "bytes");
}

/* RFC 9110 15.4.5: the fields that would have changed what a cache knows, and no others. */
static void serve_not_modified(struct http_response *s, const struct http_reply *reply,
			       const struct http_content *c)
{
	http_response_begin(s, reply, 304);
	write_validators(s, c);
	http_response_end(s, reply, -1);
}

static void write_content_range(struct http_buf *b, const struct http_range *range, uint64_t size)
{
	http_buf_text(b, "Content-Range: bytes ");
	if (range) {
		http_buf_number(b, range->first);
		http_buf_text(b, "-");
		http_buf_number(b, range->last);
	} else {
		http_buf_text(b, "*");
	}
	http_buf_text(b, "/");
	http_buf_number(b, size);
	http_buf_text(b, "\r\n");
}

static void serve_unsatisfiable(struct http_response *s, const struct http_reply *reply,
				const struct http_representation *of)
{
	http_response_begin(s, reply, 416);
	write_vary(s, of);
	write_content_range(&s->buf, NULL, of->size);
	http_error_page(s, reply, NULL);
}

/* 200 with all of the file, or 206 with one part of it. Takes the source. */
static void serve_content(struct http_response *s, const struct http_reply *reply,
			  const struct http_content *c, const struct http_range *part)
{
	const uint64_t offset = part ? part->first : 0;
	const uint64_t length = part ? part->last - part->first + 1 : c->of->size;

	http_response_begin(s, reply, part ? 206 : 200);
	write_content(s, c, c->of->type);
	if (part)
		write_content_range(&s->buf, part, c->of->size);
	http_response_end(s, reply, (int64_t)length);
	http_response_source(s, &c->of->source);
	if (!reply->head_only)
		http_response_extent(s, offset, length);
}

/* ------------------------------------------------------------------ several parts */

/* Sixteen digits that stand in no content but by accident: nobody who writes files knows the seed.
 * The same for the same file, so that the same request has the same answer. */
static void make_boundary(uint64_t seed, const char *etag, char out[HTTP_BOUNDARY_SIZE])
{
	uint64_t x = seed;

	for (; *etag; etag++) {
		x = (x ^ (unsigned char)*etag) * 0xbf58476d1ce4e5b9U;
		x ^= x >> 27;
	}
	x = (x ^ x >> 30) * 0x94d049bb133111ebU;
	snprintf(out, HTTP_BOUNDARY_SIZE, "%016llx", (unsigned long long)(x ^ x >> 31));
}

/* RFC 2046 5.1.1: what stands before a part. */
static void write_part_head(struct http_buf *b, const char *boundary, const struct http_content *c,
			    const struct http_range *part)
{
	http_buf_text(b, "\r\n--");
	http_buf_text(b, boundary);
	http_buf_text(b, "\r\nContent-Type: ");
	http_buf_text(b, c->of->type);
	http_buf_text(b, "\r\n");
	write_content_range(b, part, c->of->size);
	http_buf_text(b, "\r\n");
}

static void write_last_boundary(struct http_buf *b, const char *boundary)
{
	http_buf_text(b, "\r\n--");
	http_buf_text(b, boundary);
	http_buf_text(b, "--\r\n");
}

/* The length of the body, which its head has to tell: written once for measure. */
static uint64_t parts_length(struct http_response *s, const char *boundary,
			     const struct http_content *c, const struct http_ranges *ranges)
{
	struct http_buf text = {0};
	uint64_t length = 0;

	for (unsigned i = 0; i < ranges->count; i++) {
		write_part_head(&text, boundary, c, &ranges->range[i]);
		length += ranges->range[i].last - ranges->range[i].first + 1;
	}
	write_last_boundary(&text, boundary);
	length += text.len;
	s->buf.failed = s->buf.failed || text.failed;
	http_buf_free(&text);
	return length;
}

/* RFC 9110 15.3.7.2: multipart/byteranges. Takes the source. */
static void serve_parts(struct http_response *s, const struct http_reply *reply,
			const struct http_content *c, const struct http_ranges *ranges)
{
	char boundary[HTTP_BOUNDARY_SIZE], type[64];

	make_boundary(reply->server->cfg.seed, c->validators.etag, boundary);
	snprintf(type, sizeof(type), "multipart/byteranges; boundary=%s", boundary);
	http_response_begin(s, reply, 206);
	write_content(s, c, type);
	http_response_end(s, reply, (int64_t)parts_length(s, boundary, c, ranges));
	http_response_source(s, &c->of->source);
	for (unsigned i = 0; i < ranges->count; i++) {
		const struct http_range *part = &ranges->range[i];

		write_part_head(&s->buf, boundary, c, part);
		http_response_extent(s, part->first, part->last - part->first + 1);
	}
	write_last_boundary(&s->buf, boundary);
}

/* ------------------------------------------------------------------ decision */

static void serve_get(struct http_response *s, const struct http_reply *reply,
		      const struct http_request *r, const struct http_content *c)
{
	enum http_range_result result = HTTP_RANGE_WHOLE;
	struct http_ranges ranges;

	/* RFC 9110 14.2: Range is defined for GET only. */
	if (r->method_id == HTTP_METHOD_GET)
		result = http_ranges(r, &c->validators, c->of->size, reply->server->cfg.max_ranges,
				     &ranges);
	if (result == HTTP_RANGE_UNSATISFIABLE) {
		serve_unsatisfiable(s, reply, c->of);
		http_source_release(&c->of->source);
	} else if (result == HTTP_RANGE_PART && ranges.count > 1) {
		serve_parts(s, reply, c, &ranges);
	} else {
		serve_content(s, reply, c, result == HTTP_RANGE_PART ? &ranges.range[0] : NULL);
	}
}

/* RFC 9110 12.5.3: nothing that there is may be sent, not even the file as it is. */
static void serve_not_acceptable(struct http_response *s, const struct http_reply *reply,
				 const struct http_representation *of)
{
	http_response_begin(s, reply, 406);
	write_vary(s, of);
	http_error_page(s, reply, NULL);
}

void http_serve_file(struct http_response *s, const struct http_reply *reply,
		     const struct http_request *r, const char *name, struct http_file *file)
{
	struct http_representation of;

	if (!http_represent(reply, r, name, file, &of)) {
		serve_not_acceptable(s, reply, &of);
		return;
	}
	/* RFC 9110 8.8.2.1: a Last-Modified later than Date MUST NOT be sent. */
	const struct http_content c = {
		&of, {of.etag, of.mtime < reply->now ? of.mtime : reply->now, reply->now}};

	switch (http_precondition(r, &c.validators)) {
	case HTTP_PRECONDITION_NOT_MODIFIED:
		serve_not_modified(s, reply, &c);
		http_source_release(&of.source);
		break;
	case HTTP_PRECONDITION_FAILED:
		http_serve_page(s, reply, 412, NULL);
		http_source_release(&of.source);
		break;
	case HTTP_PRECONDITION_PASS:
		serve_get(s, reply, r, &c);
		break;
	}
}
