/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a request to its response: method, path, file, preconditions, range, in this order. A failed
 * precondition counts only where the answer would otherwise be a success (RFC 9110 13.2.1).
 */
#include "http/serve.h"

#include "http/accept.h"
#include "http/error_page.h"
#include "http/resolve.h"
#include "http/serve_file.h"
#include "http/serve_listing.h"
#include "http/serve_site.h"

static bool is_get_or_head(const struct http_request *r)
{
	return r->method_id == HTTP_METHOD_GET || r->method_id == HTTP_METHOD_HEAD;
}

int http_serve_early(const struct http_request *r)
{
	if (!is_get_or_head(r) && r->method_id != HTTP_METHOD_OPTIONS)
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

void http_serve_page(struct http_response *s, const struct http_reply *reply, int status,
		     const char *text)
{
	http_response_begin(s, reply, status);
	if (status == 405)
		http_response_field(s, "Allow", HTTP_ALLOW); /* RFC 9110 15.5.6: MUST */
	if (status == 503 || status == 429)                  /* RFC 9110 10.2.3, RFC 6585 4 */
		http_response_number(s, "Retry-After", reply->retry_after ? reply->retry_after : 1);
	http_error_page(s, reply, text);
}

/* RFC 9110 9.3.7. The methods are the same for every target, so none is looked up. */
static void serve_options(struct http_response *s, const struct http_reply *reply)
{
	http_response_begin(s, reply, 200);
	http_response_field(s, "Allow", HTTP_ALLOW);
	http_response_end(s, reply, 0);
}

/* To another path of the site, as a reference without scheme and host: how the client reached us is not
 * ours to guess. The path cannot begin with "//" (which would name another host): empty segments are
 * gone. The query goes along as it came; the gate has seen to it that it holds no line break. */
static void serve_redirect(struct http_response *s, const struct http_reply *reply,
			   const struct http_request *r, const char *path, const char *text)
{
	struct http_buf location = {0};
	struct http_str query = http_request_piece(r, r->query);

	http_path_encode(&location, path);
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
		http_response_page(s, reply, text, location.data);
	}
	http_buf_free(&location);
}

/* ------------------------------------------------------------------ files */

static void serve_path(struct http_response *s, struct http_reply *reply,
		       const struct http_request *r, const char *path)
{
	struct http_resolved found;

	http_resolve(reply->site, path, reply->site->fallback && http_is_navigation(r), &found);
	if (found.varies)
		reply->vary = HTTP_NAVIGATION_VARY;
	/* The shell of an application names the files of its present version. */
	reply->no_cache = found.fallback;
	switch (found.answer) {
	case HTTP_ANSWER_FILE:
		/* An index, or the fallback page, may be for fewer than its address is. */
		if (strcmp(found.path, path) != 0 && http_serve_auth(s, reply, r, found.path)) {
			struct http_source source = http_file_source(&found.file);
			http_source_release(&source);
			break;
		}
		reply->cache = http_cache_value(&reply->site->cache_rules,
						reply->site->cache_hashed, found.path);
		http_serve_file(s, reply, r, found.path, &found.file);
		break;
	case HTTP_ANSWER_REDIRECT:
		serve_redirect(s, reply, r, found.path, found.text);
		break;
	case HTTP_ANSWER_DIRECTORY:
		http_serve_listing(s, reply, r, found.path);
		break;
	case HTTP_ANSWER_ERROR:
		http_serve_page(s, reply, found.status, found.text);
		break;
	}
}

/* False when nobody answers for this host (RFC 9110 15.5.20). A client of HTTP/1.0 that names none is
 * served by the first site. */
static bool choose_site(struct http_reply *reply, struct http_str host)
{
	const struct http_server *server = reply->server;
	const struct http_site *site = http_hosts_find(&server->hosts, host);

	reply->site = site ? site : server->cfg.sites;
	return site || !host.at || !server->cfg.strict_hosts;
}

static int admit(struct http_reply *reply)
{
	const struct http_server_config *cfg = &reply->server->cfg;

	if (!cfg->admit)
		return 0;
	return cfg->admit(cfg->admit_ctx, reply->user, (size_t)(reply->site - cfg->sites),
			  &reply->retry_after);
}

void http_serve(struct http_response *s, struct http_reply *reply, const struct http_request *r)
{
	char path[HTTP_PATH_SIZE];
	enum http_refusal refusal;
	int early;

	if (reply->server->files)
		http_file_cache_set_time(reply->server->files, reply->now);
	reply->head_only = r->method_id == HTTP_METHOD_HEAD;
	reply->own_pages = is_get_or_head(r);
	const bool known = choose_site(reply, http_request_host(r));
	if (known)
		http_serve_site_begin(reply, r);
	early = admit(reply);
	if (early == 0)
		early = known ? http_serve_early(r) : 421;
	if (early != 0) {
		/* What follows a CONNECT would be the tunnel's. */
		if (r->method_id == HTTP_METHOD_CONNECT)
			reply->close = true;
		http_serve_page(s, reply, early, NULL);
		return;
	}
	/* The target "*", or one without a path (RFC 9112 3.2.4). */
	if (r->path.len == 0 && r->method_id == HTTP_METHOD_OPTIONS) {
		serve_options(s, reply);
		return;
	}
	switch (http_path_decode(http_request_piece(r, r->path), path, &refusal)) {
	case HTTP_PATH_REFUSED:
		http_serve_refusal(s, reply, refusal);
		break;
	case HTTP_PATH_TOO_LONG:
		http_serve_page(s, reply, 404, NULL);
		break;
	case HTTP_PATH_OK:
		if (http_serve_site(s, reply, r, path))
			break;
		if (r->method_id == HTTP_METHOD_OPTIONS)
			serve_options(s, reply);
		else
			serve_path(s, reply, r, path);
		break;
	}
}
