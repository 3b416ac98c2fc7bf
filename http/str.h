/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str.h — a counted piece of text that somebody else owns, and the few comparisons HTTP needs.
 *
 * A request is never copied: method, target and fields are pieces of the connection's input buffer,
 * and these are not terminated. ASCII only, no locale (RFC 9110 5.6.2: tokens are ASCII).
 */
#ifndef HTTP_STR_H
#define HTTP_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct http_str {
	const char *at; /* NULL: absent, which is not the same as empty */
	size_t len;
};

static inline bool http_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool http_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline char http_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* The value of a hexadecimal digit, -1 when it is none. */
static inline int http_hex_value(char c)
{
	if (http_is_digit(c))
		return c - '0';
	c = http_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 9110 5.6.3: optional whitespace is spaces and tabs. */
static inline bool http_is_ows(char c)
{
	return c == ' ' || c == '\t';
}

static inline struct http_str http_str_trim(struct http_str s)
{
	while (s.len > 0 && http_is_ows(s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len > 0 && http_is_ows(s.at[s.len - 1]))
		s.len--;
	return s;
}

static inline bool http_str_equal(struct http_str s, const char *text)
{
	return s.at && s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

static inline bool http_str_equal_nocase(struct http_str a, struct http_str b)
{
	if (!a.at || !b.at || a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (http_lower(a.at[i]) != http_lower(b.at[i]))
			return false;
	return true;
}

/* Is `s` the token `text`, whatever its case? */
static inline bool http_str_is(struct http_str s, const char *text)
{
	return http_str_equal_nocase(s, (struct http_str){text, strlen(text)});
}

/* RFC 9110 5.6.1.2: takes the next element of a comma-separated list off *rest. Elements are
 * trimmed, empty ones skipped. Quoted strings are not known here: only for lists of tokens and
 * the like. */
static inline bool http_list_next(struct http_str *rest, struct http_str *item)
{
	while (rest->len > 0) {
		const char *comma = memchr(rest->at, ',', rest->len);
		size_t len = comma ? (size_t)(comma - rest->at) : rest->len;
		size_t step = comma ? len + 1 : len;

		*item = http_str_trim((struct http_str){rest->at, len});
		rest->at += step;
		rest->len -= step;
		if (item->len > 0)
			return true;
	}
	return false;
}

/* Reads all of `s` as 1*DIGIT. False when it is not, or when it does not fit 64 bits. */
static inline bool http_str_number(struct http_str s, uint64_t *value)
{
	uint64_t v = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!http_is_digit(s.at[i]))
			return false;
		unsigned digit = (unsigned)(s.at[i] - '0');
		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*value = v;
	return true;
}

#endif
