/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a site: see serve_site.h. */
#include "http/serve_site.h"

#include <stdlib.h>

#include "http/error_page.h"
#include "http/serve.h"

static const char elsewhere[] = "What was asked for is at another address.";

void http_serve_site_begin(struct http_reply *reply, const struct http_request *r)
{
	const struct http_site *site = reply->site;

	reply->site_fields = reply->secure ? site->fields_secure : site->fields_plain;
	reply->origin = http_cors_origin(&site->cors, r);
}

/* Ends `location` and sends the client there. Takes it over. */
static void redirect(struct http_response *s, const struct http_reply *reply, int status,
		     struct http_buf *location)
{
	http_buf_append(location, "", 1);
	if (location->failed) {
		s->buf.failed = true;
	} else {
		http_response_begin(s, reply, status);
		http_response_field(s, "Location", location->data);
		http_response_page(s, reply, elsewhere, location->data);
	}
	http_buf_free(location);
}

/* ------------------------------------------------------------------ to https */

/* RFC 8555 8.3: the challenge is asked for by http, and a certificate may be what is missing. */
static bool is_acme_challenge(const char *path)
{
	static const char folder[] = "/.well-known/acme-challenge/";

	return strncmp(path, folder, sizeof(folder) - 1) == 0;
}

static struct http_str without_port(struct http_str host)
{
	const char *end = memchr(host.at, host.at[0] == '[' ? ']' : ':', host.len);

	if (end)
		host.len = (size_t)(end - host.at) + (*end == ']');
	return host;
}

/* The same target by https, as it was written. GET and HEAD get 301, which every client knows; what else comes gets
 * 308, which cannot turn it into a GET (RFC 9110 15.4.2, 15.4.9). */
static void to_https(struct http_response *s, const struct http_reply *reply,
		     const struct http_request *r)
{
	const struct http_str host = http_request_host(r);
	const struct http_str path = http_request_piece(r, r->path);
	const struct http_str query = http_request_piece(r, r->query);
	const uint16_t port = reply->server->cfg.https_port;
	const bool get = r->method_id == HTTP_METHOD_GET || r->method_id == HTTP_METHOD_HEAD;
	struct http_buf location = {0};

	if (!host.at || host.len == 0) {
		http_serve_page(s, reply, 400,
				"The address by https cannot be told without a Host field.");
		return;
	}
	http_buf_text(&location, "https://");
	http_buf_append(&location, without_port(host).at, without_port(host).len);
	if (port != 443) {
		http_buf_text(&location, ":");
		http_buf_number(&location, port);
	}
	http_buf_append(&location, path.at, path.len);
	if (path.len == 0)
		http_buf_text(&location, "/");
	if (r->has_query) {
		http_buf_text(&location, "?");
		http_buf_append(&location, query.at, query.len);
	}
	redirect(s, reply, get ? 301 : 308, &location);
}

/* ------------------------------------------------------------------ CORS */

/* The Fetch standard, 3.2.2 and 4.8: what a page of this origin may do. Which of it the browser wants to do, it
 * compares itself. */
static void serve_preflight(struct http_response *s, const struct http_reply *reply)
{
	const struct http_site *site = reply->site;

	http_response_begin(s, reply, 204);
	http_response_field(s, "Allow", HTTP_ALLOW);
	http_response_field(s, "Access-Control-Allow-Methods", HTTP_ALLOW);
	if (site->cors_headers)
		http_response_field(s, "Access-Control-Allow-Headers", site->cors_headers);
	if (site->cors_max_age > 0)
		http_response_number(s, "Access-Control-Max-Age", site->cors_max_age);
	http_response_end(s, reply, -1);
}

/* ------------------------------------------------------------------ passwords */

/* RFC 7617 2 and 2.1. */
static void ask_for_password(struct http_response *s, const struct http_reply *reply,
			     const struct http_auth *auth)
{
	http_response_begin(s, reply, 401);
	http_buf_text(&s->buf, "WWW-Authenticate: Basic realm=\"");
	http_buf_text(&s->buf, auth->rule->realm);
	http_buf_text(&s->buf, "\", charset=\"UTF-8\"\r\n");
	http_error_page(s, reply, NULL);
}

static enum http_password check(const struct http_reply *reply, const struct http_request *r,
				const struct http_auth *auth, struct http_credentials *who)
{
	const struct http_server_config *cfg = &reply->server->cfg;

	if (http_request_field_count(r, HTTP_FIELD_AUTHORIZATION) != 1 || !cfg->check_password ||
	    !http_credentials_read(http_request_field(r, HTTP_FIELD_AUTHORIZATION), who))
		return HTTP_PASSWORD_WRONG;
	return cfg->check_password(cfg->password_ctx, auth, who, reply->now);
}

bool http_serve_auth(struct http_response *s, struct http_reply *reply,
		     const struct http_request *r, const char *path)
{
	const struct http_auth *auth =
		http_auth_find(reply->site->auth, reply->site->auth_count, path);
	struct http_credentials who;

	if (!auth || auth == reply->auth)
		return false;
	/* Asked for here, the password would travel in clear. */
	if (!reply->secure && !reply->site->auth_over_http) {
		http_serve_page(s, reply, 403, "This is to be had over https alone.");
		return true;
	}
	const enum http_password found = check(reply, r, auth, &who);
	if (found == HTTP_PASSWORD_RIGHT) {
		reply->auth = auth;
		reply->personal = true;
		free(s->user);
		s->user = strdup(who.name); /* for the log: without memory there is none */
	} else if (found == HTTP_PASSWORD_BUSY) {
		http_serve_page(
			s, reply, 503,
			"Too many passwords are being checked at present. Please try again.");
	} else {
		ask_for_password(s, reply, auth);
	}
	explicit_bzero(&who, sizeof(who));
	return found != HTTP_PASSWORD_RIGHT;
}

/* ------------------------------------------------------------------ all of it */

bool http_serve_site(struct http_response *s, struct http_reply *reply,
		     const struct http_request *r, const char *path)
{
	const struct http_site *site = reply->site;
	const struct http_redirect *rule;

	if (site->redirect_https && !reply->secure && reply->server->cfg.https_port != 0 &&
	    !is_acme_challenge(path)) {
		to_https(s, reply, r);
		return true;
	}
	if (http_cors_is_preflight(r) && (site->cors.any || reply->origin.at)) {
		serve_preflight(s, reply);
		return true;
	}
	if (http_serve_auth(s, reply, r, path))
		return true;
	rule = http_redirects_find(&site->redirects, path);
	if (rule) {
		struct http_buf location = {0};
		http_redirect_write(&location, rule, path, r->has_query,
				    http_request_piece(r, r->query));
		redirect(s, reply, rule->status, &location);
		return true;
	}
	return false;
}
