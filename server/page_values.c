/* SPDX-License-Identifier: Apache-2.0 */
/* page_values.c — see page_values.h; and the kinds of these options. */
#include "server/page_values.h"

#include <stdlib.h>
#include <string.h>

#include "http/path.h"
#include "server/options_table.h"

static const char spaces[] = " \t";

/* ------------------------------------------------------------------ values */

bool value_page_path(const char *path)
{
	const size_t len = strlen(path);

	/* What begins with a dot is hidden, dot segments among it. */
	return path[0] == '/' && len < HTTP_PATH_SIZE && path[len - 1] != '/' &&
	       !strstr(path, "//") && !strstr(path, "/.");
}

/* "404,410", each with the path. */
static bool take_statuses(char *words, const char *path, struct error_page_list *out)
{
	char *save;

	for (char *w = strtok_r(words, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		unsigned long status;

		if (!value_number(w, 400, 599, &status) || out->count == ERROR_PAGES_MAX)
			return false;
		out->list[out->count++] = (struct http_error_page){(int)status, path};
	}
	return true;
}

/* One page; `text` is cut into pieces. */
static bool take_page(char *text, struct error_page_list *out)
{
	char *words = text + strspn(text, spaces), *path = words + strcspn(words, spaces);
	const size_t before = out->count;

	if (*path == '\0')
		return false;
	*path++ = '\0';
	path += strspn(path, spaces);
	for (size_t n = strlen(path); n > 0 && strchr(spaces, path[n - 1]); n--)
		path[n - 1] = '\0';
	return value_page_path(path) && take_statuses(words, path, out) && out->count > before;
}

bool value_error_pages(const char *text, struct error_page_list *out)
{
	struct error_page_list fresh = {0};
	bool good = true;

	if (strcmp(text, "off") != 0) {
		fresh.text = strdup(text);
		good = fresh.text != NULL;
		for (char *page = fresh.text, *next; good && page; page = next) {
			next = strchr(page, ';');
			if (next)
				*next++ = '\0';
			good = take_page(page, &fresh);
		}
	}
	if (!good) {
		error_page_list_free(&fresh);
		return false;
	}
	error_page_list_free(out);
	*out = fresh;
	return true;
}

void error_page_list_free(struct error_page_list *pages)
{
	free(pages->text);
	*pages = (struct error_page_list){0};
}

bool value_symlinks(const char *text, enum http_symlinks *out)
{
	const bool beneath = strcmp(text, "beneath") == 0;

	*out = beneath ? HTTP_SYMLINKS_BENEATH : HTTP_SYMLINKS_NONE;
	return beneath || strcmp(text, "none") == 0;
}

/* ------------------------------------------------------------------ kinds */

static bool parse_index(const char *text, void *field)
{
	struct name_list *names = field, fresh = {0};
	bool good = value_files(text, &fresh) && fresh.count <= HTTP_INDEX_MAX;

	for (size_t i = 0; i < fresh.count; i++)
		good = good && !strchr(fresh.list[i], '/') && fresh.list[i][0] != '.' &&
		       strlen(fresh.list[i]) < 256;
	if (!good) {
		name_list_free(&fresh);
		return false;
	}
	name_list_free(names);
	*names = fresh;
	return true;
}

static void free_index(void *field)
{
	name_list_free(field);
}

static bool parse_symlinks(const char *text, void *field)
{
	return value_symlinks(text, field);
}

static bool parse_listing_max(const char *text, void *field)
{
	unsigned long n;

	if (!value_number(text, 1, 1000000, &n))
		return false;
	*(unsigned *)field = (unsigned)n;
	return true;
}

static bool parse_page(const char *text, void *field)
{
	(void)field;
	return strcmp(text, "off") == 0 || value_page_path(text);
}

static bool parse_error_pages(const char *text, void *field)
{
	return value_error_pages(text, field);
}

static void free_error_pages(void *field)
{
	error_page_list_free(field);
}

const struct option_kind option_kind_index = {
	.parse = parse_index,
	.allowed = "names of files with commas between, up to 8, none of them with a dot first",
	.joint = ',',
	.free = free_index};
const struct option_kind option_kind_symlinks = {.parse = parse_symlinks,
						 .allowed = "beneath or none"};
const struct option_kind option_kind_listing_max = {.parse = parse_listing_max,
						    .allowed = "1 to 1000000"};
const struct option_kind option_kind_page = {
	.parse = parse_page,
	.allowed = "the path of a file below the directory, such as /index.html, or off"};
const struct option_kind option_kind_error_pages = {
	.parse = parse_error_pages,
	.allowed = "statuses from 400 to 599 and the path of a file below the directory, such as "
		   "404,410 /gone.html, up to 32, or off",
	.joint = ';',
	.free = free_error_pages};
