/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listings as responses: see serve_listing.h.
 *
 * A directory's time does not change with the sizes and times of its files, so a listing has no
 * Last-Modified. Its entity-tag is made of its bytes.
 */
#include "http/serve_listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/accept.h"
#include "http/conditional.h"
#include "http/listing.h"
#include "http/resolve.h"
#include "http/serve.h"

struct wish {
	enum http_listing_order order;
	bool descending;
	bool json;
	bool format_given; /* then Accept is not looked at */
};

/* Takes what stands before the next '&' off *rest. */
static bool next_pair(struct http_str *rest, struct http_str *name, struct http_str *value)
{
	const char *amp = rest->len > 0 ? memchr(rest->at, '&', rest->len) : NULL;
	const size_t len = amp ? (size_t)(amp - rest->at) : rest->len;
	const char *equals = rest->len > 0 ? memchr(rest->at, '=', len) : NULL;

	if (rest->len == 0)
		return false;
	name->at = rest->at;
	name->len = equals ? (size_t)(equals - rest->at) : len;
	value->at = equals ? equals + 1 : rest->at + len;
	value->len = equals ? len - name->len - 1 : 0;
	rest->at += amp ? len + 1 : len;
	rest->len -= amp ? len + 1 : len;
	return true;
}

/* What is not known is ignored: queries are for everybody. */
static struct wish read_query(struct http_str query)
{
	struct wish w = {HTTP_LISTING_NAME, false, false, false};
	struct http_str name, value;

	while (next_pair(&query, &name, &value)) {
		for (unsigned i = 0; i < 3 && http_str_equal(name, "sort"); i++)
			if (http_str_equal(value, http_listing_orders[i]))
				w.order = (enum http_listing_order)i;
		if (http_str_equal(name, "order"))
			w.descending = http_str_equal(value, "desc");
		if (http_str_equal(name, "format") &&
		    (http_str_equal(value, "json") || http_str_equal(value, "html"))) {
			w.format_given = true;
			w.json = http_str_equal(value, "json");
		}
	}
	return w;
}

/* Who names JSON and not HTML wants it, whatever wildcards there are; else the weights decide. */
static bool likes_json(const struct http_request *r)
{
	const struct http_preference html = http_accept(r, "text/html");
	const struct http_preference json = http_accept(r, "application/json");

	return json.named && json.weight > 0 && (!html.named || json.weight > html.weight);
}

/* Not cryptography: who can choose the names of files has no use for two listings with one tag. */
static void format_etag(const struct http_buf *body, char out[HTTP_ETAG_SIZE])
{
	uint64_t x = 0xcbf29ce484222325U;

	for (size_t i = 0; i < body->len; i++)
		x = (x ^ (unsigned char)body->data[i]) * 0x100000001b3U;
	snprintf(out, HTTP_ETAG_SIZE, "\"%zx-%016llx\"", body->len, (unsigned long long)x);
}

/* Sends the body from where it was written. Takes it. */
static void write_body(struct http_response *s, const struct http_reply *reply,
		       struct http_buf *body)
{
	const struct http_source source = {.fd = -1,
					   .data = (const uint8_t *)body->data,
					   .release = free,
					   .owner = body->data};

	http_response_source(s, &source);
	if (!reply->head_only)
		http_response_extent(s, 0, body->len);
	*body = (struct http_buf){0};
}

static void write_response(struct http_response *s, const struct http_reply *reply,
			   const struct http_request *r, const struct wish *w,
			   struct http_buf *body)
{
	char etag[HTTP_ETAG_SIZE];
	const struct http_validators v = {etag, HTTP_NO_MTIME, reply->now};

	format_etag(body, etag);
	switch (http_precondition(r, &v)) {
	case HTTP_PRECONDITION_FAILED:
		http_serve_page(s, reply, 412, NULL);
		break;
	case HTTP_PRECONDITION_NOT_MODIFIED:
		http_response_begin(s, reply, 304);
		http_response_field(s, "ETag", etag);
		http_response_end(s, reply, -1);
		break;
	case HTTP_PRECONDITION_PASS:
		http_response_begin(s, reply, 200);
		http_response_field(s, "Content-Type",
				    w->json ? "application/json" : "text/html; charset=utf-8");
		http_response_field(s, "ETag", etag);
		if (!w->json)
			http_response_field(s, "Content-Security-Policy", http_listing_policy);
		http_response_end(s, reply, (int64_t)body->len);
		write_body(s, reply, body);
		break;
	}
}

void http_serve_listing(struct http_response *s, struct http_reply *reply,
			const struct http_request *r, const char *path)
{
	struct wish w = read_query(http_request_piece(r, r->query));
	struct http_buf body = {0};
	struct http_listing l = {0};
	const enum http_find found =
		http_listing_read(&l, reply->site, path, reply->site->listing_max);

	if (!w.format_given) {
		w.json = likes_json(r);
		reply->vary = "Accept";
	}
	if (found != HTTP_FIND_FILE) {
		http_serve_page(s, reply, http_find_status(found), NULL);
		goto out;
	}
	http_listing_sort(&l, w.order, w.descending);
	if (w.json)
		http_listing_json(&body, &l, path);
	else
		http_listing_html(&body, &l, path, w.order, w.descending);
	s->buf.failed = s->buf.failed || body.failed;
	reply->no_cache = true;
	if (!body.failed)
		write_response(s, reply, r, &w, &body);
out:
	http_buf_free(&body);
	http_listing_free(&l);
}
