/* SPDX-License-Identifier: Apache-2.0 */
/* Sites: see site.h. */
#include "http/site.h"

#include "http/path.h"

void http_site_default(struct http_site *site)
{
	*site = (struct http_site){
		.name = "default", .root_fd = -1, .index = {"index.html"}, .listing_max = 10000};
}

struct http_root http_site_root(const struct http_site *site)
{
	return (struct http_root){
		.fd = site->root_fd,
		.resolver = site->resolver,
		.no_links = site->symlinks == HTTP_SYMLINKS_NONE,
		.cache = site->cache,
	};
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
