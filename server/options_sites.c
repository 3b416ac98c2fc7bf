/* SPDX-License-Identifier: Apache-2.0 */
/* options_sites.c — kinds of values that sites have. The rules are read by http/, which uses them. */
#include "server/options_sites.h"

#include <stdlib.h>
#include <string.h>

#include "server/options_table.h"

/* Reads rules, a line each, into `list`, which is empty; the reason why not is in *why. */
static bool add_lines(const char *text, void *list,
		      bool (*add)(void *list, const char *line, const char **why), const char **why)
{
	char *lines = strdup(text), *rest = lines;
	bool good = lines != NULL;

	*why = "out of memory";
	while (good && rest) {
		char *line = strsep(&rest, "\n");
		good = add(list, line, why);
	}
	free(lines);
	return good;
}

/* A kind of rules: type and name of the list, and the functions that make and free one. */
#define RULES(name, type, add_one, free_all, form)                                \
	static bool add_##name(void *list, const char *line, const char **why)    \
	{                                                                         \
		return add_one(list, line, why);                                  \
	}                                                                         \
	static void free_##name(void *field)                                      \
	{                                                                         \
		free_all(field);                                                  \
	}                                                                         \
	static bool parse_##name(const char *text, void *field, const char **why) \
	{                                                                         \
		type fresh = {0};                                                 \
		if (!add_lines(text, &fresh, add_##name, why)) {                  \
			free_all(&fresh);                                         \
			return false;                                             \
		}                                                                 \
		free_all(field);                                                  \
		*(type *)field = fresh;                                           \
		return true;                                                      \
	}                                                                         \
	const struct option_kind option_kind_##name = {                           \
		.parse_why = parse_##name, .allowed = form, .joint = '\n', .free = free_##name}

RULES(redirects, struct http_redirects, http_redirects_add, http_redirects_free,
      "FROM TO [STATUS]");
RULES(headers, struct http_fields, http_fields_add, http_fields_free, "NAME: VALUE");
RULES(cache, struct http_cache_rules, http_cache_rules_add, http_cache_rules_free, "PATTERN VALUE");
RULES(cors, struct http_cors, http_cors_add, http_cors_free,
      "*, or origins such as https://app.example.org");

RULES(auth, struct http_auth_rules, http_auth_rules_add, http_auth_rules_free,
      "PATH FILE \"REALM\"");

static bool parse_hsts(const char *text, void *field, const char **why)
{
	return http_hsts_parse(text, field, why);
}

const struct option_kind option_kind_hsts = {
	.parse_why = parse_hsts, .allowed = "off, or SECONDS[, includeSubDomains][, preload]"};

static bool parse_cors_headers(const char *text, void *field)
{
	(void)field;
	return http_cors_headers_valid(text);
}

const struct option_kind option_kind_cors_headers = {
	.parse = parse_cors_headers, .allowed = "names of header fields with commas between, or *"};
