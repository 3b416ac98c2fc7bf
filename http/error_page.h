/* SPDX-License-Identifier: Apache-2.0 */
/* error_page.h — the body of an error: a page of the site's own, or a plain one. */
#ifndef HTTP_ERROR_PAGE_H
#define HTTP_ERROR_PAGE_H

#include "http/response.h"

/* Ends a response that was begun with an error's status. The site's page for that status is taken
 * where the request was one for a page (reply->own_pages) and the file can be opened; else, so that an
 * error cannot lead to another one, a plain page. `text` is for that one: see http_response_page. */
void http_error_page(struct http_response *s, const struct http_reply *reply, const char *text);

#endif
