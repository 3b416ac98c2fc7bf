/* SPDX-License-Identifier: Apache-2.0 */
/* Rules for Cache-Control: see cache_rule.h. */
#include "http/cache_rule.h"

#include <stdlib.h>

#include "http/words.h"

#define HASH_MIN 8
#define HASH_MAX 64

const char http_cache_immutable[] = "public, max-age=31536000, immutable";
const char http_cache_immutable_personal[] = "private, max-age=31536000, immutable";

/* ------------------------------------------------------------------ values */

/* Those with a number of seconds behind them (RFC 9111 5.2.2, RFC 5861). */
static bool has_seconds(struct http_str name)
{
	return http_str_is(name, "max-age") || http_str_is(name, "s-maxage") ||
	       http_str_is(name, "stale-while-revalidate") || http_str_is(name, "stale-if-error");
}

static bool is_quoted(struct http_str s)
{
	if (s.len < 2 || s.at[0] != '"' || s.at[s.len - 1] != '"')
		return false;
	for (size_t i = 1; i < s.len - 1; i++)
		if (s.at[i] == '"' || s.at[i] == '\\' || s.at[i] < 0x20 || s.at[i] > 0x7e)
			return false;
	return true;
}

/* RFC 9111 5.2: token [ "=" ( token / quoted-string ) ]. */
static bool directive_valid(struct http_str d)
{
	const char *equals = memchr(d.at, '=', d.len);
	struct http_str name = {d.at, equals ? (size_t)(equals - d.at) : d.len};
	struct http_str value = {equals ? equals + 1 : NULL, equals ? d.len - name.len - 1 : 0};
	uint64_t seconds;

	if (!http_is_token(name))
		return false;
	if (has_seconds(name))
		return equals && http_str_number(value, &seconds) && seconds <= 2147483648U;
	return !equals || http_is_token(value) || is_quoted(value);
}

static bool value_valid(struct http_str rest)
{
	struct http_str item;
	unsigned count = 0;

	for (; http_list_next(&rest, &item); count++)
		if (!directive_valid(item))
			return false;
	return count > 0;
}

bool http_cache_rules_add(struct http_cache_rules *list, const char *line, const char **why)
{
	struct http_str rest = {line, strlen(line)}, pattern;
	struct http_cache_rule *grown;

	http_word_next(&rest, &pattern);
	rest = http_str_trim(rest);
	if (!value_valid(rest)) {
		*why = "it takes PATTERN VALUE, where VALUE is for Cache-Control, such as no-cache "
		       "or "
		       "max-age=3600";
		return false;
	}
	*why = "out of memory";
	grown = realloc(list->rule, (list->count + 1) * sizeof(*grown));
	if (!grown)
		return false;
	list->rule = grown;
	grown[list->count++] = (struct http_cache_rule){strndup(pattern.at, pattern.len),
							strndup(rest.at, rest.len)};
	return grown[list->count - 1].pattern && grown[list->count - 1].value;
}

void http_cache_rules_free(struct http_cache_rules *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->rule[i].pattern);
		free(list->rule[i].value);
	}
	free(list->rule);
	*list = (struct http_cache_rules){0};
}

/* ------------------------------------------------------------------ patterns */

/* A star that was met: where the pattern goes on behind it, and how far it has reached. */
struct star {
	const char *pattern, *text; /* pattern NULL: none was met */
	bool deep;                  /* `**`: over slashes, too    */
};

/* Lets a star take one byte more. False when it may not. */
static bool take_more(struct star *s, const char **pattern, const char **text)
{
	if (!s->pattern || *s->text == '\0' || (!s->deep && *s->text == '/'))
		return false;
	*pattern = s->pattern;
	*text = ++s->text;
	return true;
}

/* What stands between two `**` is found at its first place, and a `*` that cannot reach farther hands back to the
 * `**` before it: so the work is at most the product of the lengths, twice. */
bool http_glob(const char *pattern, const char *text)
{
	struct star any = {0}, one = {0};

	for (;;) {
		if (pattern[0] == '*') {
			const bool deep = pattern[1] == '*';
			pattern += strspn(pattern, "*");
			*(deep ? &any : &one) = (struct star){pattern, text, deep};
			if (deep)
				one.pattern = NULL;
			continue;
		}
		if (*text == '\0' && *pattern == '\0')
			return true;
		if (*text != '\0' && (*pattern == *text || (*pattern == '?' && *text != '/'))) {
			pattern++;
			text++;
			continue;
		}
		if (take_more(&one, &pattern, &text))
			continue;
		one.pattern = NULL;
		if (!take_more(&any, &pattern, &text))
			return false;
	}
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool http_name_is_hashed(const char *path)
{
	const char *name = name_of(path), *end = strrchr(name, '.'), *at = end;
	bool digit = false, small = false, big = false, hex = true;

	if (!end || end[1] == '\0')
		return false;
	while (at > name && (http_is_alpha(at[-1]) || http_is_digit(at[-1]))) {
		const char c = *--at;

		digit = digit || http_is_digit(c);
		small = small || (c >= 'a' && c <= 'z');
		big = big || (c >= 'A' && c <= 'Z');
		hex = hex && http_hex_value(c) >= 0;
	}
	/* Something is before it, and parted from it. */
	if (at - name < 2 || (at[-1] != '.' && at[-1] != '-') || end - at < HASH_MIN ||
	    end - at > HASH_MAX)
		return false;
	return digit && ((hex && small && !big) || big);
}

const char *http_cache_value(const struct http_cache_rules *list, bool hashed, const char *path)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *pattern = list->rule[i].pattern;

		if (http_glob(pattern, pattern[0] == '/' ? path : name_of(path)))
			return list->rule[i].value;
	}
	return hashed && http_name_is_hashed(path) ? http_cache_immutable : NULL;
}
