/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing.h — what a directory holds, as far as the site would serve it.
 *
 * A name is in the listing when a request for it would find a file or a directory: hidden names, links that
 * lead out of the root, pipes, and what the workers may not read are left out. The directory is
 * read in one go, so at most `max` names of it are looked at: that bounds the time for which the
 * worker's other connections wait, and the memory.
 */
#ifndef HTTP_LISTING_H
#define HTTP_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/buf.h"
#include "http/site.h"

enum http_listing_order {
	HTTP_LISTING_NAME, /* ASCII letters in any case the same */
	HTTP_LISTING_SIZE,
	HTTP_LISTING_TIME,
};

struct http_entry {
	size_t name; /* offset in `names` */
	uint64_t size;
	int64_t mtime; /* seconds since 1970 */
	bool directory;
};

struct http_listing {
	struct http_entry *entries;
	size_t count, room;
	size_t directories;    /* of the entries                                        */
	struct http_buf names; /* terminated, one after another                         */
	bool cut;              /* the directory has more names than were looked at      */
	unsigned max;
};

/* Reads the directory of a decoded path that ends with '/'. HTTP_FIND_FILE when it was read;
 * http_listing_free in any case. */
enum http_find http_listing_read(struct http_listing *l, const struct http_site *site,
				 const char *path, unsigned max);
void http_listing_free(struct http_listing *l);
/* Directories first; what is equal goes by name. */
void http_listing_sort(struct http_listing *l, enum http_listing_order order, bool descending);
const char *http_listing_name(const struct http_listing *l, size_t i);

/* listing_text.c: the listing of `path`, sorted as it says, as a whole document. */
void http_listing_html(struct http_buf *b, const struct http_listing *l, const char *path,
		       enum http_listing_order order, bool descending);
void http_listing_json(struct http_buf *b, const struct http_listing *l, const char *path);
/* The Content-Security-Policy that lets the document have its own style and nothing else. */
extern const char http_listing_policy[];
/* The names of the orders, as a query says them: "name", "size", "time". */
extern const char *const http_listing_orders[3];

#endif
