/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache_rule.h — what a site's files say about how long they may be kept (Cache-Control, RFC 9111 5.2).
 *
 * A rule is "PATTERN VALUE". In a pattern `*` is any text without a slash and `**` any text, `?` is one byte that is
 * no slash. One that begins with a slash is for the whole path, any other for the file's name alone.
 */
#ifndef HTTP_CACHE_RULE_H
#define HTTP_CACHE_RULE_H

#include "http/str.h"

struct http_cache_rule {
	char *pattern, *value;
};

struct http_cache_rules {
	struct http_cache_rule *rule;
	size_t count;
};

/* What is said of a file that never changes; and of one that a password was shown for. */
extern const char http_cache_immutable[], http_cache_immutable_personal[];

/* Reads one rule and appends it. False, with the reason in *why, when it is none. */
bool http_cache_rules_add(struct http_cache_rules *list, const char *line, const char **why);
void http_cache_rules_free(struct http_cache_rules *list);

/* The value for the file with this path below the root, of the first rule that fits; NULL for none. `hashed`: a file
 * that has a hash in its name, and no rule, never changes. */
const char *http_cache_value(const struct http_cache_rules *list, bool hashed, const char *path);

bool http_glob(const char *pattern, const char *text);
/* Is there a hash of the content before the ending, as bundlers write it: app.3f2a91bc.js, index-BXcZ1k2p.css? At
 * least eight hexadecimal digits, small letters and digits among them; or letters and digits, capitals among them. */
bool http_name_is_hashed(const char *path);

#endif
