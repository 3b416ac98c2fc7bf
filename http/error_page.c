/* SPDX-License-Identifier: Apache-2.0 */
/* A site's own error pages: see error_page.h. */
#include "http/error_page.h"

#include "http/mime.h"
#include "http/site.h"

/* The file is what stands in for a text: no validators and no ranges, which would be those of the
 * resource that was asked for (RFC 9110 8.8). */
static bool own_page(struct http_response *s, const struct http_reply *reply)
{
	const struct http_site *site = reply->site;
	const char *path = http_site_error_page(site, s->status), *index_name;
	struct http_source source;
	struct http_file file;

	if (!reply->own_pages || !path ||
	    http_static_find(http_site_root(site), path, site->index, &file, &index_name) !=
		    HTTP_FIND_FILE)
		return false;
	http_response_field(s, "Content-Type",
			    http_mime_type(reply->server->cfg.mime,
					   index_name ? index_name : path));
	http_response_end(s, reply, (int64_t)file.size);
	source = http_file_source(&file);
	http_response_source(s, &source);
	if (!reply->head_only)
		http_response_extent(s, 0, source.size);
	return true;
}

void http_error_page(struct http_response *s, const struct http_reply *reply, const char *text)
{
	if (!own_page(s, reply))
		http_response_page(s, reply, text, NULL);
}
