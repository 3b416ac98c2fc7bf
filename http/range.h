/* SPDX-License-Identifier: Apache-2.0 */
/* range.h — which parts of a file a request asks for (RFC 9110 14). */
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include "http/conditional.h"

enum http_range_result {
	HTTP_RANGE_WHOLE,         /* no range, or one that is to be ignored: 200 */
	HTTP_RANGE_PART,          /* 206, of one part or of several              */
	HTTP_RANGE_UNSATISFIABLE, /* 416 */
};

struct http_range {
	uint64_t first, last; /* offsets of bytes, both within the part */
};

/* What stands between two parts of a multipart response takes about as much: parts that are closer
 * together than this are sent as one (RFC 9110 15.3.7.2). */
#define HTTP_RANGE_GAP 128

/* Parts in the order in which they were asked for; none touches another. */
#define HTTP_RANGES_MAX 64
struct http_ranges {
	unsigned count;
	struct http_range range[HTTP_RANGES_MAX];
};

/* Evaluates Range and If-Range (RFC 9110 13.2.2, item 5) for a GET of a file of `size` bytes. With
 * more than `max` ranges the field is ignored (RFC 9110 14.2: many small ones are an attack, or a
 * client that wants everything); `max` is at most HTTP_RANGES_MAX, and 0 ignores every range. */
enum http_range_result http_ranges(const struct http_request *r, const struct http_validators *v,
				   uint64_t size, unsigned max, struct http_ranges *out);
/* The value of a Range field alone. */
enum http_range_result http_ranges_parse(struct http_str value, uint64_t size, unsigned max,
					 struct http_ranges *out);

#endif
