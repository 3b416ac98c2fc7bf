/* SPDX-License-Identifier: Apache-2.0 */
/* encoding.h — content codings, and which of them a client takes (RFC 9110 8.4.1 and 12.5.3). */
#ifndef HTTP_ENCODING_H
#define HTTP_ENCODING_H

#include <stdint.h>

#include "http/request.h"

/* In the order in which they are preferred where the client does not care. */
enum http_coding {
	HTTP_CODING_BR,
	HTTP_CODING_ZSTD,
	HTTP_CODING_GZIP,
	HTTP_CODING_IDENTITY,
	HTTP_CODING_COUNT
};
#define HTTP_CODING_NONE HTTP_CODING_COUNT
#define HTTP_CODING_BIT(coding) (1u << (coding))

/* What a client takes: a weight for each coding, the more the better; 0 is what it does not take. */
struct http_accepted {
	uint16_t weight[HTTP_CODING_COUNT];
};

/* Reads every Accept-Encoding field of a request. Where there is none any coding would do (RFC 9110
 * 12.5.3, item 1), but who does not ask may not understand: then it is identity alone. */
void http_encoding_read(const struct http_request *r, struct http_accepted *out);
/* Reads one list, which may be empty. Elements that are malformed count as not there; of elements
 * that name the same coding the first counts. */
void http_encoding_read_list(struct http_str list, struct http_accepted *out);

/* The best of the codings in `available`, a set of HTTP_CODING_BIT; HTTP_CODING_NONE when none of
 * them is acceptable. */
enum http_coding http_encoding_choose(const struct http_accepted *accepted, unsigned available);

/* The name for Content-Encoding; NULL for identity. */
const char *http_coding_name(enum http_coding coding);
/* The end of a file's name that says it is compressed, ".br"; "" for identity. */
const char *http_coding_suffix(enum http_coding coding);

#endif
