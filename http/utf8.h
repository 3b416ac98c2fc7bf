/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h — names of files as text that a reader can see (RFC 3629). */
#ifndef HTTP_UTF8_H
#define HTTP_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "http/buf.h"

/* The length of the well-formed sequence that `text` begins with, and its code point; 0 when there is
 * none: overlong forms, surrogates and what lies beyond U+10FFFF are not well-formed. */
size_t http_utf8_next(const char *text, size_t len, uint32_t *code);

/* Appends a file's name as HTML text in UTF-8. Control characters become their pictures (U+2400 …), what
 * is not UTF-8 or no character becomes U+FFFD. */
void http_utf8_html(struct http_buf *b, const char *name);
/* Appends it as a JSON string, with its quotes (RFC 8259 7); what is not UTF-8 becomes U+FFFD. */
void http_utf8_json(struct http_buf *b, const char *name);

#endif
