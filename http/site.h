/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site.h — one site: the host names it answers to, its files, and how they are served.
 *
 * A server has one or more; the first answers for every name that no other has, unless the server is
 * strict. The owner fills the structures and keeps whatever they point to for as long as the server
 * lives.
 */
#ifndef HTTP_SITE_H
#define HTTP_SITE_H

#include <stdbool.h>
#include <stddef.h>

#include "http/auth.h"
#include "http/cache_rule.h"
#include "http/cors.h"
#include "http/redirect.h"
#include "http/site_fields.h"
#include "http/static.h"
#include "http/str.h"

/* The longest list of index files. */
#define HTTP_INDEX_MAX 8

/* There is no third that follows links out of the root: that nothing beyond it is ever read is a
 * promise, and a bind mount does the same where somebody wants it. Who owns a link does not matter. */
enum http_symlinks {
	HTTP_SYMLINKS_BENEATH, /* followed as long as they stay beneath the root */
	HTTP_SYMLINKS_NONE,    /* as if they were not there                      */
};

/* The page that a client sees with an error. */
struct http_error_page {
	int status;       /* 400 to 599                  */
	const char *path; /* of the file, below the root */
};

struct http_site {
	const char *name; /* for the log and for errors; not NULL */
	/* Host names in lower case, without ports, NULL at the end; "*.example.org" is every name one
	 * label below. IP addresses as inet_ntop writes them, without brackets. NULL: only as the
	 * first site. */
	const char *const *hosts;
	/* Sites with the same number have the same certificates: one connection may ask all of them. */
	unsigned certificates;
	int root_fd;                           /* an open directory                               */
	const char *index[HTTP_INDEX_MAX + 1]; /* names tried for a directory, NULL at the end */
	enum http_symlinks symlinks;
	bool dotfiles; /* names that begin with a dot are served, too            */
	/* /about is about.html, and /about.html is redirected there, as /dir/index.html is to /dir/ */
	bool clean_urls;
	/* The path of the page that answers navigations to what is not there; NULL: none */
	const char *fallback;
	bool listing;         /* directories without an index are listed               */
	unsigned listing_max; /* names of one that are looked at, at most              */
	const struct http_error_page *error_pages; /* the first of a status counts */
	size_t error_page_count;

	bool redirect_https; /* http is answered by a redirect to https                  */
	struct http_redirects redirects;
	struct http_hsts hsts;
	bool security_headers;     /* site_fields.c says which                             */
	struct http_fields fields; /* more for every response                              */
	struct http_cache_rules cache_rules;
	bool cache_hashed; /* files with a hash in their name never change               */
	struct http_cors cors;
	const char *cors_headers; /* request fields that foreign pages may set; NULL: none */
	uint32_t cors_max_age;    /* seconds; 0: not said                                  */
	bool cors_credentials;    /* foreign pages may come with cookies and passwords     */

	const struct http_auth *auth; /* paths for those who know a password               */
	size_t auth_count;
	bool auth_over_http; /* passwords are asked for without TLS, too                   */

	/* Found out by http_server_create. */
	enum http_resolver resolver;
	struct http_file_cache *cache;
	char *fields_plain, *fields_secure; /* site_fields.h                              */
};

/* What a site is unless told otherwise. */
void http_site_default(struct http_site *site);

/* Where its files are, and how paths below are opened. */
struct http_root http_site_root(const struct http_site *site);
/* Is a decoded path one that the site keeps to itself, for a name in it begins with a dot? */
bool http_site_hides(const struct http_site *site, const char *path);

/* The path of the page for a status, NULL when the site has none. */
const char *http_site_error_page(const struct http_site *site, int status);

#endif
