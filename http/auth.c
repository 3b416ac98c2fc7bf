/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords: see auth.h. */
#include "http/auth.h"

#include <stdlib.h>

#include "http/path.h"
#include "http/words.h"

static const char usage[] = "it takes PATH FILE \"REALM\"";
static const char no_memory[] = "out of memory";

/* ------------------------------------------------------------------ rules */

/* A word, or what stands between double quotes. */
static bool next_quoted(struct http_str *rest, struct http_str *word)
{
	const char *end;

	*rest = http_str_trim(*rest);
	if (rest->len == 0 || rest->at[0] != '"')
		return http_word_next(rest, word);
	end = memchr(rest->at + 1, '"', rest->len - 1);
	if (!end)
		return false;
	*word = (struct http_str){rest->at + 1, (size_t)(end - rest->at) - 1};
	rest->len -= word->len + 2;
	rest->at = end + 1;
	return true;
}

/* Without its slash at the end: the path itself, and the directory, are behind the password. */
static char *read_path(struct http_str word)
{
	char path[HTTP_PATH_SIZE];
	enum http_refusal refusal;

	if (word.len == 0 || word.at[0] != '/' || memchr(word.at, '*', word.len) ||
	    memchr(word.at, '?', word.len) ||
	    http_path_decode(word, path, &refusal) != HTTP_PATH_OK)
		return NULL;
	if (path[strlen(path) - 1] == '/')
		path[strlen(path) - 1] = '\0';
	return strdup(path);
}

/* It goes into a quoted-string (RFC 9110 5.6.4) as it is. */
static bool realm_valid(struct http_str realm)
{
	for (size_t i = 0; i < realm.len; i++)
		if (realm.at[i] < 0x20 || realm.at[i] > 0x7e || realm.at[i] == '"' ||
		    realm.at[i] == '\\')
			return false;
	return realm.len > 0;
}

static const char *read_rule(const char *line, struct http_auth_rule *rule)
{
	struct http_str rest = {line, strlen(line)}, path, file, realm;

	if (!http_word_next(&rest, &path) || !next_quoted(&rest, &file) || file.len == 0 ||
	    !next_quoted(&rest, &realm) || http_str_trim(rest).len > 0)
		return usage;
	rule->path = read_path(path);
	if (!rule->path)
		return "PATH begins with /, and has no * or ?";
	if (!realm_valid(realm))
		return "REALM is text of ASCII without \" and \\";
	rule->file = strndup(file.at, file.len);
	rule->realm = strndup(realm.at, realm.len);
	return rule->file && rule->realm ? NULL : no_memory;
}

static void free_rule(struct http_auth_rule *rule)
{
	free(rule->path);
	free(rule->file);
	free(rule->realm);
}

bool http_auth_rules_add(struct http_auth_rules *list, const char *line, const char **why)
{
	struct http_auth_rule rule = {0}, *grown;

	*why = read_rule(line, &rule);
	for (size_t i = 0; !*why && i < list->count; i++)
		if (strcmp(list->rule[i].path, rule.path) == 0)
			*why = "there is a rule for this PATH already";
	grown = *why ? NULL : realloc(list->rule, (list->count + 1) * sizeof(*grown));
	if (!grown) {
		*why = *why ? *why : no_memory;
		free_rule(&rule);
		return false;
	}
	list->rule = grown;
	list->rule[list->count++] = rule;
	return true;
}

void http_auth_rules_free(struct http_auth_rules *list)
{
	for (size_t i = 0; i < list->count; i++)
		free_rule(&list->rule[i]);
	free(list->rule);
	*list = (struct http_auth_rules){0};
}

const struct http_auth *http_auth_find(const struct http_auth *auth, size_t count, const char *path)
{
	const struct http_auth *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; i < count; i++) {
		const char *prefix = auth[i].rule->path;
		const size_t len = strlen(prefix);

		if (strncmp(path, prefix, len) == 0 && (path[len] == '/' || path[len] == '\0') &&
		    (!best || len > best_len)) {
			best = &auth[i];
			best_len = len;
		}
	}
	return best;
}

/* ------------------------------------------------------------------ credentials */

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648 4, with the padding or without it. False when it is none, or longer than `size`. */
static bool base64_decode(struct http_str in, char *out, size_t size, size_t *len)
{
	unsigned bits = 0, count = 0;

	*len = 0;
	for (unsigned pads = 0; in.len > 0 && in.at[in.len - 1] == '=' && pads < 2; pads++)
		in.len--;
	if (in.len % 4 == 1)
		return false;
	for (size_t i = 0; i < in.len; i++) {
		const int value = base64_value(in.at[i]);

		if (value < 0 || *len == size)
			return false;
		bits = bits << 6 | (unsigned)value;
		count += 6;
		if (count >= 8) {
			count -= 8;
			out[(*len)++] = (char)(unsigned char)(bits >> count);
		}
	}
	return (bits & ((1U << count) - 1)) == 0;
}

bool http_credentials_read(struct http_str value, struct http_credentials *out)
{
	struct http_str scheme;
	char text[HTTP_CREDENTIALS_SIZE];
	const char *colon;
	size_t len;

	if (!http_word_next(&value, &scheme) || !http_str_is(scheme, "Basic") ||
	    !base64_decode(http_str_trim(value), text, sizeof(text) - 1, &len))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	text[len] = '\0';
	colon = strchr(text, ':');
	if (colon) {
		memcpy(out->name, text, (size_t)(colon - text));
		out->name[colon - text] = '\0';
		strcpy(out->password, colon + 1);
	}
	explicit_bzero(text, sizeof(text));
	return colon != NULL;
}
