/* SPDX-License-Identifier: Apache-2.0 */
/* words.h — the values of a site's rules: words with blanks between. */
#ifndef HTTP_WORDS_H
#define HTTP_WORDS_H

#include "http/str.h"

/* Takes the next word off *rest. False when none is left. */
static inline bool http_word_next(struct http_str *rest, struct http_str *word)
{
	size_t len = 0;

	*rest = http_str_trim(*rest);
	while (len < rest->len && !http_is_ows(rest->at[len]))
		len++;
	*word = (struct http_str){rest->at, len};
	rest->at += len;
	rest->len -= len;
	return len > 0;
}

/* RFC 9110 5.6.2. */
static inline bool http_is_tchar(char c)
{
	return http_is_alpha(c) || http_is_digit(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static inline bool http_is_token(struct http_str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!http_is_tchar(s.at[i]))
			return false;
	return s.len > 0;
}

#endif
