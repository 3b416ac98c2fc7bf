/* SPDX-License-Identifier: Apache-2.0 */
/* conditional.h — preconditions (RFC 9110 13) of a request for a file. */
#ifndef HTTP_CONDITIONAL_H
#define HTTP_CONDITIONAL_H

#include <stdbool.h>
#include <stdint.h>

#include "http/request.h"

/* A date that is not known: conditions that compare with it are ignored (RFC 9110 13.1.3, 13.1.4). */
#define HTTP_NO_MTIME INT64_MIN

/* What the file is at present. */
struct http_validators {
	const char *etag; /* strong, with its quotes                   */
	int64_t mtime;    /* as Last-Modified says it, or HTTP_NO_MTIME */
	int64_t now;      /* of the Date field                         */
};

enum http_precondition {
	HTTP_PRECONDITION_PASS,
	HTTP_PRECONDITION_NOT_MODIFIED, /* 304 */
	HTTP_PRECONDITION_FAILED,       /* 412 */
};

/* Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of
 * RFC 9110 13.2.2, for a GET or HEAD that would otherwise be answered with 200. */
enum http_precondition http_precondition(const struct http_request *r,
					 const struct http_validators *v);

/* RFC 9110 13.1.5: may a Range be applied? True without If-Range. */
bool http_if_range_holds(const struct http_request *r, const struct http_validators *v);

#endif
