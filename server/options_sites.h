/* SPDX-License-Identifier: Apache-2.0 */
/* options_sites.h — what each site can be told. */
#ifndef SERVER_OPTIONS_SITES_H
#define SERVER_OPTIONS_SITES_H

#include "http/site.h"
#include "server/options_limits.h"
#include "server/page_values.h"
#include "server/values.h"

/* The rows of the table that are marked as a site's. http/site.h says what each is for. */
struct site_options {
	const char *root;            /* directory to be served                               */
	struct name_list cert, key;  /* files, a key for each                                */
	struct limits_rate requests; /* of one client                                      */
	bool redirect_https;
	struct http_redirects redirects;
	struct http_hsts hsts;
	bool security_headers;
	struct http_fields fields;
	struct http_cache_rules cache;
	bool cache_hashed;
	struct http_cors cors;
	const char *cors_headers; /* NULL: none */
	uint64_t cors_max_age_us;
	bool cors_credentials;
	struct http_auth_rules auth;
	bool auth_over_http;
	struct name_list index; /* names tried for a directory                              */
	enum http_symlinks symlinks;
	bool dotfiles, clean_urls, listing; /* see http/site.h                           */
	unsigned listing_max;
	const char *fallback; /* path of the page for navigations to nothing, or "off"  */
	struct error_page_list error_pages;
};

#endif
