/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_mime.c — arbitrary files of media types. What is found in them goes into a header as it is, so it must be
 * a media type; and an extension found once is found again by a name that ends with it.
 *
 * The first byte says whether the table goes before what is built in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/mime.h"
#include "tests/fuzz/fuzz.h"

static void __attribute__((noreturn)) found(const char *what)
{
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

static void check_type(const char *type)
{
	static const char charset[] = "; charset=utf-8";
	const size_t len = strlen(type), end = sizeof charset - 1;
	const bool added = len > end && strcmp(type + len - end, charset) == 0;
	const char *slash = strchr(type, '/');

	if (!slash || slash == type || slash[1] == '\0')
		found("no media type");
	for (size_t i = 0; i < len - (added ? end : 0); i++)
		if (type[i] <= 0x20 || type[i] >= 0x7f || strchr("\"(),:<>?@[\\]{}", type[i]))
			found("a character that no media type has");
}

static void check_name(const struct http_mime_table *t, bool overrides, const char *word,
		       size_t len)
{
	char path[64] = "/name.";
	char extension[HTTP_EXTENSION_SIZE] = "";

	if (len == 0 || len >= sizeof extension || memchr(word, '\0', len))
		return;
	for (size_t i = 0; i < len; i++)
		extension[i] = (char)(word[i] >= 'A' && word[i] <= 'Z' ? word[i] + 32 : word[i]);
	const char *type = http_mime_table_find(t, extension);
	if (!type)
		return;
	check_type(type);
	strcat(path, extension);
	const char *got = http_mime_type(t, path);
	if (overrides && got != type && !strchr(extension, '.') && !strchr(extension, '/'))
		found("the table does not go first");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	const bool overrides = data[0] & 1;
	struct http_mime_table *t = http_mime_table_create(overrides);
	/* an allocation of its own, so that reading beyond its end is noticed */
	char *text = malloc(size);
	memcpy(text, data + 1, size - 1);
	if (http_mime_table_read(t, text, size - 1) >= 0) {
		size_t from = 0;

		for (size_t i = 0; i < size; i++) {
			if (i < size - 1 && !strchr(" \t\r\n:.", text[i]))
				continue;
			check_name(t, overrides, text + from, i - from);
			from = i + 1;
		}
	}
	free(text);
	http_mime_table_free(t);
	return 0;
}
