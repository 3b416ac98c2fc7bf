/* SPDX-License-Identifier: Apache-2.0 */
/* conditional.h — preconditions (RFC 9110 13) and ranges (RFC 9110 14) of a request for a file. */
#ifndef HTTP_CONDITIONAL_H
#define HTTP_CONDITIONAL_H

#include <stdbool.h>
#include <stdint.h>

#include "http/request.h"

/* What the file is at present. */
struct http_validators {
	const char *etag; /* strong, with its quotes                   */
	int64_t mtime;    /* as Last-Modified says it                  */
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

enum http_range_result {
	HTTP_RANGE_WHOLE,         /* no range, one that is to be ignored, or several: 200 */
	HTTP_RANGE_PART,          /* 206 */
	HTTP_RANGE_UNSATISFIABLE, /* 416 */
};

struct http_range {
	uint64_t first, last; /* offsets of bytes, both within the part */
};

/* Evaluates Range and If-Range (RFC 9110 13.2.2, item 5) for a GET of a file of `size` bytes. */
enum http_range_result http_range(const struct http_request *r, const struct http_validators *v,
				  uint64_t size, struct http_range *range);
/* The value of a Range field alone. */
enum http_range_result http_range_parse(struct http_str value, uint64_t size,
					struct http_range *range);

#endif
