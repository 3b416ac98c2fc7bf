/* SPDX-License-Identifier: Apache-2.0 */
/* accept.h — what a client would rather have (RFC 9110 12.5.1), and whether a person goes there. */
#ifndef HTTP_ACCEPT_H
#define HTTP_ACCEPT_H

#include <stdbool.h>

#include "http/request.h"
#include "http/str.h"

#define HTTP_WEIGHT_MAX 1000

/* An element of a weighted list without its parameters. *weight is its q in thousandths: 1000 without
 * one, 0 for one that is none (RFC 9110 12.4.2). */
struct http_str http_weighted(struct http_str element, unsigned *weight);

struct http_preference {
	unsigned weight; /* 0: not acceptable                          */
	bool named;      /* the type itself stands there, no wildcard  */
};
/* What Accept says of a media type, given in lower case without parameters. The most specific range
 * counts; parameters of ranges are not looked at. Without the field everything is welcome. */
struct http_preference http_accept(const struct http_request *r, const char *type);

/* Does a browser go to the address, in contrast to fetching something for a page? Sec-Fetch-Mode says so
 * (W3C Fetch Metadata 2.2). Browsers send it to trustworthy origins only, so over http Accept decides:
 * text/html itself is in it, and nothing is liked better. */
bool http_is_navigation(const struct http_request *r);
/* The request fields that http_is_navigation reads, for Vary. */
#define HTTP_NAVIGATION_VARY "Sec-Fetch-Mode, Accept"

#endif
