/* SPDX-License-Identifier: Apache-2.0 */
/* Media types from a file: see mime_table.h. */
#include "http/mime_table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/buf.h"
#include "http/str.h"

struct entry {
	char extension[HTTP_EXTENSION_SIZE];
	uint32_t type; /* where in `types`         */
	uint32_t line; /* for the order in the file */
};

struct http_mime_table {
	bool overrides, failed;
	size_t count, cap;
	struct entry *entries;
	struct http_buf types; /* strings, each with its NUL */
};

struct http_mime_table *http_mime_table_create(bool overrides)
{
	struct http_mime_table *t = calloc(1, sizeof(*t));

	if (t)
		t->overrides = overrides;
	return t;
}

void http_mime_table_free(struct http_mime_table *t)
{
	if (!t)
		return;
	free(t->entries);
	http_buf_free(&t->types);
	free(t);
}

/* ------------------------------------------------------------------ words */

static struct http_str take_until(struct http_str *rest, const char *ends)
{
	struct http_str word = {rest->at, 0};

	while (word.len < rest->len && !memchr(ends, rest->at[word.len], strlen(ends)))
		word.len++;
	const size_t step = word.len < rest->len ? word.len + 1 : word.len;
	rest->at += step;
	rest->len -= step;
	return word;
}

/* RFC 6838 4.2: restricted-name; the same for what a parameter's name and value may be here. */
static bool is_name(struct http_str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!http_is_alpha(s.at[i]) && !http_is_digit(s.at[i]) &&
		    !memchr("!#$&-^_.+", s.at[i], 9))
			return false;
	return s.len > 0 && s.len <= 127;
}

/* type/subtype, and ";name=value" any number of times. */
static bool is_type(struct http_str s)
{
	struct http_str whole = take_until(&s, ";");
	struct http_str type = take_until(&whole, "/");

	if (!is_name(type) || !is_name(whole))
		return false;
	while (s.len > 0) {
		struct http_str parameter = take_until(&s, ";");
		struct http_str name = take_until(&parameter, "=");
		if (!is_name(name) || !is_name(parameter))
			return false;
	}
	return true;
}

static bool is_extension(struct http_str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!http_is_alpha(s.at[i]) && !http_is_digit(s.at[i]) &&
		    !memchr("+-_~!#$%&@", s.at[i], 10))
			return false;
	return s.len > 0;
}

/* ------------------------------------------------------------------ building */

static bool ends_with(struct http_str s, const char *end)
{
	const size_t len = strlen(end);

	return s.len > len && memcmp(s.at + s.len - len, end, len) == 0;
}

static bool is_text(struct http_str type)
{
	return !memchr(type.at, ';', type.len) &&
	       ((type.len > 5 && memcmp(type.at, "text/", 5) == 0) || ends_with(type, "+xml") ||
		http_str_equal(type, "application/xml"));
}

static uint32_t add_type(struct http_mime_table *t, struct http_str type)
{
	const size_t at = t->types.len;

	http_buf_append(&t->types, type.at, type.len);
	if (is_text(type))
		http_buf_text(&t->types, "; charset=utf-8");
	http_buf_append(&t->types, "", 1);
	return (uint32_t)at;
}

/* Longer ones than any file has are passed over. */
static void add_extension(struct http_mime_table *t, struct http_str extension, uint32_t type,
			  uint32_t line)
{
	if (extension.len >= HTTP_EXTENSION_SIZE || t->failed)
		return;
	if (t->count == t->cap) {
		const size_t cap = t->cap ? t->cap * 2 : 512;
		struct entry *grown = cap <= HTTP_MIME_TABLE_MAX
					      ? realloc(t->entries, cap * sizeof(*grown))
					      : NULL;
		if (!grown) {
			t->failed = true;
			return;
		}
		t->entries = grown;
		t->cap = cap;
	}
	struct entry *entry = &t->entries[t->count++];
	*entry = (struct entry){.type = type, .line = line};
	for (size_t i = 0; i < extension.len; i++)
		entry->extension[i] = http_lower(extension.at[i]);
}

/* ------------------------------------------------------------------ lines */

static bool is_number(struct http_str s)
{
	uint64_t value;

	return http_str_number(s, &value);
}

/* weight:type:glob[:flags]. "__NOGLOBS__" in place of a glob takes those of other files back: there are
 * no others. */
static bool read_glob(struct http_mime_table *t, struct http_str line, uint32_t number)
{
	struct http_str rest = line;
	const struct http_str weight = take_until(&rest, ":"), type = take_until(&rest, ":");
	struct http_str glob = take_until(&rest, ":");

	if (!is_number(weight) || !is_type(type) || glob.len == 0)
		return false;
	if (glob.len < 3 || glob.at[0] != '*' || glob.at[1] != '.' || rest.len > 0)
		return true;
	glob.at += 2;
	glob.len -= 2;
	if (is_extension(glob))
		add_extension(t, glob, add_type(t, type), number);
	return true;
}

static bool read_types(struct http_mime_table *t, struct http_str line, uint32_t number)
{
	const struct http_str type = take_until(&line, " \t");
	bool understood = is_type(type);
	uint32_t at = 0;
	bool added = false;

	while (understood && line.len > 0) {
		const struct http_str word = take_until(&line, " \t");
		if (word.len == 0)
			continue;
		/* some have extensions of two parts, which are never looked up */
		if (memchr(word.at, '.', word.len))
			continue;
		understood = is_extension(word);
		if (understood && !added)
			at = add_type(t, type);
		added = added || understood;
		if (understood)
			add_extension(t, word, at, number);
	}
	return understood;
}

static int compare(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	const int order = strcmp(left->extension, right->extension);

	return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

long http_mime_table_read(struct http_mime_table *t, const char *text, size_t len)
{
	struct http_str rest = {text, len};
	uint32_t number = 0;
	long wrong = 0;
	size_t kept = 0;

	while (rest.len > 0) {
		struct http_str line = take_until(&rest, "\n");

		number++;
		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		line = http_str_trim(line);
		if (line.len == 0 || line.at[0] == '#')
			continue;
		const bool understood = http_is_digit(line.at[0]) ? read_glob(t, line, number)
								  : read_types(t, line, number);
		if (!understood && wrong == 0)
			wrong = number;
	}
	if (t->failed || t->types.failed)
		return -1;
	if (t->count == 0)
		return wrong;
	qsort(t->entries, t->count, sizeof(*t->entries), compare);
	for (size_t i = 0; i < t->count; i++)
		if (kept == 0 ||
		    strcmp(t->entries[kept - 1].extension, t->entries[i].extension) != 0)
			t->entries[kept++] = t->entries[i];
	t->count = kept;
	return wrong;
}

/* ------------------------------------------------------------------ looking up */

static int compare_extension(const void *key, const void *entry)
{
	const struct entry *e = entry;

	return strcmp(key, e->extension);
}

const char *http_mime_table_find(const struct http_mime_table *t, const char *extension)
{
	const struct entry *found = t->count == 0 ? NULL
						  : bsearch(extension, t->entries, t->count,
							    sizeof(*t->entries), compare_extension);

	return found ? t->types.data + found->type : NULL;
}

bool http_mime_table_overrides(const struct http_mime_table *t)
{
	return t->overrides;
}

size_t http_mime_table_count(const struct http_mime_table *t)
{
	return t->count;
}
