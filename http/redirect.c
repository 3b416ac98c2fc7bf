/* SPDX-License-Identifier: Apache-2.0 */
/* Redirect rules: see redirect.h. */
#include "http/redirect.h"

#include <stdlib.h>

#include "http/path.h"
#include "http/request.h"
#include "http/words.h"

static const char no_memory[] = "out of memory";

/* ------------------------------------------------------------------ reading */

static bool read_from(struct http_redirect *rule, struct http_str word, const char **why)
{
	char path[HTTP_PATH_SIZE];
	enum http_refusal refusal;

	rule->prefix = word.len > 0 && word.at[word.len - 1] == '*';
	if (rule->prefix)
		word.len--;
	if (word.len == 0 || word.at[0] != '/' || memchr(word.at, '*', word.len) ||
	    memchr(word.at, '?', word.len) || memchr(word.at, '#', word.len) ||
	    http_path_decode(word, path, &refusal) != HTTP_PATH_OK) {
		*why = "FROM is a path that begins with /, perhaps with * at its end";
		return false;
	}
	rule->from = strdup(path);
	if (!rule->from)
		*why = no_memory;
	return rule->from != NULL;
}

/* The characters of RFC 3986: unreserved, reserved, and % with two digits. */
static bool is_uri(struct http_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		const char c = s.at[i];

		if (c == '%' && (s.len - i < 3 || http_hex_value(s.at[i + 1]) < 0 ||
				 http_hex_value(s.at[i + 2]) < 0))
			return false;
		if (!http_is_alpha(c) && !http_is_digit(c) &&
		    (c == '\0' || !strchr("-._~:/?#[]@!$&'()*+,;=%", c)))
			return false;
	}
	return true;
}

static bool begins_with(struct http_str s, const char *text)
{
	const size_t len = strlen(text);

	return s.len > len &&
	       http_str_equal_nocase((struct http_str){s.at, len}, (struct http_str){text, len});
}

/* The part of an http or https URI that names the host, with its port; `at` is NULL when it is no such URI. */
static struct http_str authority_of(struct http_str uri)
{
	const size_t scheme = begins_with(uri, "https://")  ? 8
			      : begins_with(uri, "http://") ? 7
							    : 0;
	size_t len = 0;

	if (scheme == 0)
		return (struct http_str){NULL, 0};
	while (scheme + len < uri.len && !strchr("/?#", uri.at[scheme + len]))
		len++;
	return (struct http_str){uri.at + scheme, len};
}

static bool read_to(struct http_redirect *rule, struct http_str word, const char **why)
{
	const bool path = word.len > 0 && word.at[0] == '/' && (word.len == 1 || word.at[1] != '/');

	struct http_str host = {NULL, 0};

	if (is_uri(word))
		host = authority_of(word);
	if (!is_uri(word) || (!path && (!host.at || !http_host_valid(host)))) {
		*why = "TO is a path that begins with /, or an http or https URI, as RFC 3986 "
		       "spells them";
		return false;
	}
	rule->append = word.at[word.len - 1] == '*';
	if (rule->append && !rule->prefix) {
		*why = "TO ends with *, and FROM does not";
		return false;
	}
	if (rule->append)
		word.len--;
	/* Or what the client sends could become the end of the host's name. */
	if (rule->append && host.at && host.at + host.len > word.at + word.len) {
		*why = "TO needs a / between its host and *";
		return false;
	}
	if (rule->append && (memchr(word.at, '?', word.len) || memchr(word.at, '#', word.len))) {
		*why = "TO has a query or a fragment before its *";
		return false;
	}
	rule->to = strndup(word.at, word.len);
	if (!rule->to)
		*why = no_memory;
	return rule->to != NULL;
}

static bool read_status(struct http_redirect *rule, struct http_str word, const char **why)
{
	static const int known[] = {301, 302, 303, 307, 308};
	uint64_t number = 0;

	rule->status = 301;
	if (word.len == 0)
		return true;
	for (size_t i = 0; http_str_number(word, &number) && i < sizeof(known) / sizeof(*known);
	     i++) {
		rule->status = known[i];
		if (number == (uint64_t)known[i])
			return true;
	}
	*why = "STATUS is 301, 302, 303, 307 or 308";
	return false;
}

static void free_rule(struct http_redirect *rule)
{
	free(rule->from);
	free(rule->to);
}

/* ------------------------------------------------------------------ circles */

/* Where a rule leads to, if that is a path of this site: decoded, without the query. */
static bool next_path(const struct http_redirect *rule, char out[HTTP_PATH_SIZE])
{
	enum http_refusal refusal;
	const struct http_str to = {rule->to, strcspn(rule->to, "?#")};

	return rule->to[0] == '/' && http_path_decode(to, out, &refusal) == HTTP_PATH_OK;
}

/* Follows the rules from where the last one leads to. Whatever a `*` stands for is left out: it would be left out
 * again wherever the walk comes by. */
static bool leads_in_circles(const struct http_redirects *list)
{
	const struct http_redirect *rule = &list->rule[list->count - 1];
	char path[HTTP_PATH_SIZE];

	for (size_t steps = 0; rule && next_path(rule, path); steps++) {
		if (steps > list->count)
			return true;
		rule = http_redirects_find(list, path);
	}
	return false;
}

bool http_redirects_add(struct http_redirects *list, const char *line, const char **why)
{
	struct http_str rest = {line, strlen(line)}, from, to, status = {NULL, 0}, more;
	struct http_redirect rule = {0}, *grown;

	if (!http_word_next(&rest, &from) || !http_word_next(&rest, &to)) {
		*why = "it takes FROM TO [STATUS]";
		return false;
	}
	http_word_next(&rest, &status);
	if (http_word_next(&rest, &more)) {
		*why = "more follows than FROM TO [STATUS]";
		return false;
	}
	if (!read_from(&rule, from, why) || !read_to(&rule, to, why) ||
	    !read_status(&rule, status, why)) {
		free_rule(&rule);
		return false;
	}
	grown = realloc(list->rule, (list->count + 1) * sizeof(*grown));
	if (!grown) {
		free_rule(&rule);
		*why = no_memory;
		return false;
	}
	list->rule = grown;
	list->rule[list->count++] = rule;
	if (!leads_in_circles(list))
		return true;
	*why = "it leads round in circles";
	return false;
}

void http_redirects_free(struct http_redirects *list)
{
	for (size_t i = 0; i < list->count; i++)
		free_rule(&list->rule[i]);
	free(list->rule);
	*list = (struct http_redirects){0};
}

/* ------------------------------------------------------------------ use */

const struct http_redirect *http_redirects_find(const struct http_redirects *list, const char *path)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct http_redirect *rule = &list->rule[i];

		if (rule->prefix ? strncmp(path, rule->from, strlen(rule->from)) == 0
				 : strcmp(path, rule->from) == 0)
			return rule;
	}
	return NULL;
}

void http_redirect_write(struct http_buf *out, const struct http_redirect *rule, const char *path,
			 bool has_query, struct http_str query)
{
	const size_t to_len = strlen(rule->to), fragment = strcspn(rule->to, "#");

	http_buf_append(out, rule->to, fragment);
	if (rule->append) {
		const char *more = path + strlen(rule->from);
		/* No "//", which would name a host. */
		if (to_len > 0 && rule->to[to_len - 1] == '/')
			more += strspn(more, "/");
		http_path_encode(out, more);
	}
	if (has_query && !memchr(rule->to, '?', fragment)) {
		http_buf_text(out, "?");
		http_buf_append(out, query.at, query.len);
	}
	http_buf_text(out, rule->to + fragment);
}
