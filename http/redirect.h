/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redirect.h — paths of a site that are elsewhere now.
 *
 * A rule is "FROM TO [STATUS]". FROM is a path, or with `*` at its end every path that begins so. TO is a path of the
 * same site or an http or https URI; with `*` at its end, what the `*` of FROM stood for is put there. The first
 * rule that fits is taken.
 */
#ifndef HTTP_REDIRECT_H
#define HTTP_REDIRECT_H

#include "http/buf.h"
#include "http/str.h"

struct http_redirect {
	char *from; /* decoded, as http_path_decode makes paths               */
	char *to;   /* a URI reference, without the `*`                       */
	bool prefix, append;
	int status; /* 301, 302, 303, 307, 308                                */
};

struct http_redirects {
	struct http_redirect *rule;
	size_t count;
};

/* Reads one rule and appends it. False, with the reason in *why, when it is none, or when with the rules before it a
 * client would be led round in circles. */
bool http_redirects_add(struct http_redirects *list, const char *line, const char **why);
void http_redirects_free(struct http_redirects *list);

/* The rule for a decoded path; NULL for none. */
const struct http_redirect *http_redirects_find(const struct http_redirects *list,
						const char *path);
/* Appends where `path` is now. The request's query goes along, unless TO has one. */
void http_redirect_write(struct http_buf *out, const struct http_redirect *rule, const char *path,
			 bool has_query, struct http_str query);

#endif
