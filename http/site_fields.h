/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_fields.h — the header fields that a site adds to each of its responses, whatever their status: those of the
 * user, Strict-Transport-Security, the usual ones for security.
 *
 * They are the same every time, so they are made once, as the text that goes into the head.
 */
#ifndef HTTP_SITE_FIELDS_H
#define HTTP_SITE_FIELDS_H

#include "http/buf.h"
#include "http/str.h"

/* Strict-Transport-Security (RFC 6797). */
struct http_hsts {
	bool on, subdomains, preload;
	uint64_t max_age; /* seconds */
};
/* Reads "off" or "SECONDS[, includeSubDomains][, preload]". False, with the reason in *why, when it is neither. */
bool http_hsts_parse(const char *text, struct http_hsts *out, const char **why);
/* What keeps browsers from taking the host into the lists that they ship, as it asks them to (hstspreload.org); NULL
 * when nothing does, or when it does not ask. */
const char *http_hsts_preload_obstacle(const struct http_hsts *hsts, bool redirects_to_https);

/* Fields of the user, "Name: value" each. */
struct http_fields {
	char **line;
	size_t count;
};
/* Reads one and appends it. False, with the reason in *why, when it is none, or one that is not the user's. */
bool http_fields_add(struct http_fields *list, const char *line, const char **why);
void http_fields_free(struct http_fields *list);

struct http_site;
/* Appends the lines for responses through TLS, or without. */
void http_site_fields_write(struct http_buf *out, const struct http_site *site, bool secure);

#endif
