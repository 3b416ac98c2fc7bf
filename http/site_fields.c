/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of every response: see site_fields.h. */
#include "http/site_fields.h"

#include <stdlib.h>

#include "http/site.h"
#include "http/words.h"

/* ------------------------------------------------------------------ HSTS */

#define YEAR 31536000U
#define MAX_AGE_MAX (10U * YEAR) /* who says more has slipped */

bool http_hsts_parse(const char *text, struct http_hsts *out, const char **why)
{
	struct http_str rest = {text, strlen(text)}, item;
	struct http_hsts hsts = {.on = true};

	*out = (struct http_hsts){0};
	if (strcmp(text, "off") == 0)
		return true;
	*why = "it takes off, or seconds up to 315360000 (ten years), perhaps with "
	       "\", includeSubDomains\" and \", preload\" behind them";
	if (!http_list_next(&rest, &item) || !http_str_number(item, &hsts.max_age) ||
	    hsts.max_age > MAX_AGE_MAX)
		return false;
	while (http_list_next(&rest, &item)) {
		bool *flag = http_str_is(item, "includeSubDomains") ? &hsts.subdomains
			     : http_str_is(item, "preload")         ? &hsts.preload
								    : NULL;

		if (!flag || *flag) /* RFC 6797 6.1: none twice */
			return false;
		*flag = true;
	}
	*out = hsts;
	return true;
}

const char *http_hsts_preload_obstacle(const struct http_hsts *hsts, bool redirects_to_https)
{
	if (!hsts->preload)
		return NULL;
	if (hsts->max_age < YEAR)
		return "a max-age of at least 31536000";
	if (!hsts->subdomains)
		return "includeSubDomains";
	return redirects_to_https ? NULL : "redirect-https = on";
}

/* ------------------------------------------------------------------ the user's */

/* Fields that say how a message is framed or what is in it, and those with an option of their own. */
static const struct {
	const char *name, *why;
} reserved[] = {
	{"Connection", "it is about the connection (RFC 9110 7.6.1), and that is the server's"},
	{"Keep-Alive", "it is about the connection (RFC 9110 7.6.1), and that is the server's"},
	{"Proxy-Connection",
	 "it is about the connection (RFC 9110 7.6.1), and that is the server's"},
	{"TE", "it is about the connection (RFC 9110 7.6.1), and that is the server's"},
	{"Upgrade", "it is about the connection (RFC 9110 7.6.1), and that is the server's"},
	{"Transfer-Encoding", "it frames the message (RFC 9112 6), and that is the server's"},
	{"Content-Length", "it frames the message (RFC 9112 6), and that is the server's"},
	{"Trailer", "it frames the message (RFC 9112 6), and that is the server's"},
	{"Date", "the server says it itself (RFC 9110 6.6.1)"},
	{"Server", "the server says it itself (RFC 9110 10.2.4)"},
	{"Content-Type", "the server knows it of each file"},
	{"Content-Encoding", "the server knows it of each file"},
	{"Content-Range", "the server knows it of each response"},
	{"Accept-Ranges", "the server knows it of each file"},
	{"ETag", "the server knows it of each file"},
	{"Last-Modified", "the server knows it of each file"},
	{"Location", "the server knows it of each response; see redirect"},
	{"Allow", "the server says it itself (RFC 9110 10.2.1)"},
	{"Retry-After", "the server says it itself (RFC 9110 10.2.3)"},
	{"WWW-Authenticate", "the server says it itself; see auth"},
	{"Cache-Control", "it is not for every response; see cache"},
	{"Strict-Transport-Security", "it is for TLS alone; see hsts"},
	{"Access-Control-Allow-Origin", "it depends on the request; see cors"},
	{"Access-Control-Allow-Credentials", "it depends on the request; see cors-credentials"},
	{"Access-Control-Allow-Headers", "it is for preflights; see cors-headers"},
	{"Access-Control-Allow-Methods", "it is for preflights, and the server says it itself"},
	{"Access-Control-Max-Age", "it is for preflights; see cors-max-age"},
};

/* RFC 9110 5.5: visible characters, with blanks within; and nothing beyond ASCII, which means nothing there. */
static bool field_value_valid(struct http_str value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] != '\t' && (value.at[i] < 0x20 || value.at[i] > 0x7e))
			return false;
	return value.len > 0;
}

static const char *field_wrong(struct http_str name, struct http_str value)
{
	if (!http_is_token(name) || !field_value_valid(value))
		return "it takes NAME: VALUE (RFC 9110 5)";
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (http_str_is(name, reserved[i].name))
			return reserved[i].why;
	return NULL;
}

bool http_fields_add(struct http_fields *list, const char *line, const char **why)
{
	const char *colon = strchr(line, ':');
	struct http_str name = {line, colon ? (size_t)(colon - line) : 0};
	struct http_str value = {colon ? colon + 1 : line, colon ? strlen(colon + 1) : 0};
	char **grown, *text;

	value = http_str_trim(value);
	*why = field_wrong(name, value);
	if (*why)
		return false;
	*why = "out of memory";
	grown = realloc(list->line, (list->count + 1) * sizeof(*grown));
	if (!grown)
		return false;
	list->line = grown;
	text = malloc(name.len + 2 + value.len + 1);
	if (!text)
		return false;
	memcpy(text, name.at, name.len);
	memcpy(text + name.len, ": ", 2);
	memcpy(text + name.len + 2, value.at, value.len);
	text[name.len + 2 + value.len] = '\0';
	list->line[list->count++] = text;
	return true;
}

void http_fields_free(struct http_fields *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->line[i]);
	free(list->line);
	*list = (struct http_fields){0};
}

static bool has_field(const struct http_fields *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (http_str_is((struct http_str){list->line[i], strcspn(list->line[i], ":")},
				name))
			return true;
	return false;
}

/* ------------------------------------------------------------------ writing */

/* What does no harm to most sites that were not written for it: what a page loads is left alone. It cannot be
 * framed by other sites, nor share its window with them, nor ask for camera, microphone and place. */
static const struct {
	const char *name, *value;
} security[] = {
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "SAMEORIGIN"},
	{"Content-Security-Policy", "frame-ancestors 'self'"},
	{"Referrer-Policy", "strict-origin-when-cross-origin"},
	{"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
};

static void write_line(struct http_buf *out, const char *name, const char *value)
{
	http_buf_text(out, name);
	http_buf_text(out, ": ");
	http_buf_text(out, value);
	http_buf_text(out, "\r\n");
}

static void write_hsts(struct http_buf *out, const struct http_hsts *hsts)
{
	http_buf_text(out, "Strict-Transport-Security: max-age=");
	http_buf_number(out, hsts->max_age);
	if (hsts->subdomains)
		http_buf_text(out, "; includeSubDomains");
	if (hsts->preload)
		http_buf_text(out, "; preload");
	http_buf_text(out, "\r\n");
}

void http_site_fields_write(struct http_buf *out, const struct http_site *site, bool secure)
{
	/* RFC 6797 7.2: never without TLS. */
	if (secure && site->hsts.on)
		write_hsts(out, &site->hsts);
	for (size_t i = 0; site->security_headers && i < sizeof(security) / sizeof(security[0]);
	     i++)
		if (!has_field(&site->fields, security[i].name))
			write_line(out, security[i].name, security[i].value);
	for (size_t i = 0; i < site->fields.count; i++) {
		http_buf_text(out, site->fields.line[i]);
		http_buf_text(out, "\r\n");
	}
	if (site->cors.any)
		write_line(out, "Access-Control-Allow-Origin", "*");
	else if (site->cors.count > 0)
		write_line(out, "Vary", "Origin");
}
