/* SPDX-License-Identifier: Apache-2.0 */
/* Which site a request is for: see site.h. */
#include "http/site.h"

#include "http/path.h"

void http_site_default(struct http_site *site)
{
	*site = (struct http_site){
		.name = "default", .root_fd = -1, .index = {"index.html"}, .listing_max = 10000};
}

struct http_root http_site_root(const struct http_site *site)
{
	return (struct http_root){site->root_fd, site->resolver,
				  site->symlinks == HTTP_SYMLINKS_NONE};
}

bool http_site_hides(const struct http_site *site, const char *path)
{
	return !site->dotfiles && http_path_hidden(path);
}

const char *http_site_error_page(const struct http_site *site, int status)
{
	for (size_t i = 0; i < site->error_page_count; i++)
		if (site->error_pages[i].status == status)
			return site->error_pages[i].path;
	return NULL;
}

/* Without the port, and without the dot that may end a name (RFC 3986 3.2.2). */
static struct http_str host_name(struct http_str host)
{
	const char *bracket =
		host.len > 0 && host.at[0] == '[' ? memchr(host.at, ']', host.len) : NULL;
	const char *from = bracket ? bracket : host.at;
	const char *colon = memchr(from, ':', host.len - (size_t)(from - host.at));

	if (colon)
		host.len = (size_t)(colon - host.at);
	if (host.len > 1 && host.at[host.len - 1] == '.')
		host.len--;
	return host;
}

/* "*.example.org": one label, then the rest. */
static bool wildcard_matches(const char *pattern, struct http_str name)
{
	const char *dot = name.len > 0 ? memchr(name.at, '.', name.len) : NULL;

	if (pattern[0] != '*' || !dot || dot == name.at)
		return false;
	return http_str_is((struct http_str){dot, name.len - (size_t)(dot - name.at)}, pattern + 1);
}

const struct http_site *http_site_find(const struct http_site *sites, size_t count,
				       struct http_str host)
{
	const struct http_site *wild = NULL;

	if (!host.at || count == 1)
		return sites;
	host = host_name(host);
	for (size_t i = 0; i < count; i++) {
		for (const char *const *h = sites[i].hosts; h && *h; h++) {
			if (http_str_is(host, *h))
				return &sites[i];
			if (!wild && wildcard_matches(*h, host))
				wild = &sites[i];
		}
	}
	return wild ? wild : sites;
}
