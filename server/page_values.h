/* SPDX-License-Identifier: Apache-2.0 */
/* page_values.h — the options of a site that name its pages, as values. */
#ifndef SERVER_PAGE_VALUES_H
#define SERVER_PAGE_VALUES_H

#include <stdbool.h>
#include <stddef.h>

#include "http/site.h"

#define ERROR_PAGES_MAX 32
struct error_page_list {
	char *text; /* what the paths point into */
	struct http_error_page list[ERROR_PAGES_MAX];
	size_t count;
};

/* "404,410 /gone.html": statuses from 400 to 599 and the path of their page; more of them behind ';', or
 * "off" for none. Replaces the list, which owns its text. */
bool value_error_pages(const char *text, struct error_page_list *out);
void error_page_list_free(struct error_page_list *pages);
/* A path below the root, as it is found there: "/app/index.html". No name in it begins with a dot. */
bool value_page_path(const char *path);
/* "beneath", "none". */
bool value_symlinks(const char *text, enum http_symlinks *out);

#endif
