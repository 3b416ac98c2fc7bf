/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which names are tried: see resolve.h. */
#include "http/resolve.h"

#include <string.h>

#define HTML ".html"

static void refuse(struct http_resolved *out, int status, const char *text)
{
	out->answer = HTTP_ANSWER_ERROR;
	out->status = status;
	out->text = text;
}

/* Every lookup goes through here. A file that is found gets its whole name, the index's included. */
static enum http_find find(const struct http_site *site, const char *path, struct http_file *file,
			   char name[HTTP_PATH_SIZE])
{
	const char *index_name;
	const enum http_find found =
		http_static_find(http_site_root(site), path, site->index, file, &index_name);
	const size_t len = strlen(path);

	if (found == HTTP_FIND_FILE) {
		memcpy(name, path, len + 1);
		if (index_name)
			memcpy(name + len, index_name, strlen(index_name) + 1);
	}
	return found;
}

/* `path`, its first `len` bytes, with `suffix` behind. False when that is too long for a name. */
static bool make_name(char out[HTTP_PATH_SIZE], const char *path, size_t len, const char *suffix)
{
	const size_t more = strlen(suffix);

	if (len + more >= HTTP_PATH_SIZE)
		return false;
	memmove(out, path, len);
	memcpy(out + len, suffix, more + 1);
	return true;
}

/* Finds `path` with a suffix; *out is changed only when there is such a file. */
static enum http_find find_with(const struct http_site *site, const char *path, size_t len,
				const char *suffix, struct http_resolved *out)
{
	char name[HTTP_PATH_SIZE];

	if (!make_name(name, path, len, suffix))
		return HTTP_FIND_NOTHING;
	return find(site, name, &out->file, out->path);
}

static void redirect(struct http_resolved *out, const char *path, size_t len, const char *suffix,
		     const char *text)
{
	if (!make_name(out->path, path, len, suffix)) {
		refuse(out, 404, NULL);
		return;
	}
	out->answer = HTTP_ANSWER_REDIRECT;
	out->text = text;
}

/* ------------------------------------------------------------------ clean URLs */

/* Is this file what its directory gives as its index? */
static bool is_index(const struct http_site *site, const char *path, size_t directory_len)
{
	char directory[HTTP_PATH_SIZE], name[HTTP_PATH_SIZE];
	struct http_file file;

	make_name(directory, path, directory_len, "");
	if (find(site, directory, &file, name) != HTTP_FIND_FILE)
		return false;
	http_file_close(&file);
	return strcmp(name, path) == 0;
}

/* The length of the part of a file's path that is its clean address; 0 when it has no other: the part
 * must lead to this very file. */
static size_t clean_length(const struct http_site *site, const char *path)
{
	const size_t len = strlen(path), suffix = sizeof(HTML) - 1;
	const size_t directory = (size_t)(strrchr(path, '/') - path) + 1;
	char stem[HTTP_PATH_SIZE], name[HTTP_PATH_SIZE];
	struct http_file file;

	if (is_index(site, path, directory))
		return directory;
	if (len <= directory + suffix || strcmp(path + len - suffix, HTML) != 0)
		return 0;
	make_name(stem, path, len - suffix, "");
	switch (find(site, stem, &file, name)) {
	case HTTP_FIND_FILE:
		http_file_close(&file);
		return 0;
	case HTTP_FIND_NOTHING:
	case HTTP_FIND_DIRECTORY:
		return len - suffix;
	default:
		return 0;
	}
}

/* Does the first `len` bytes of a path lead to the page whose suffix they lack, and to no file of just that
 * name? */
static bool is_clean_page(const struct http_site *site, const char *path, size_t len)
{
	struct http_resolved page = {.file.fd = -1};
	const enum http_find exact = find_with(site, path, len, "", &page);
	const bool found = exact != HTTP_FIND_FILE &&
			   find_with(site, path, len, HTML, &page) == HTTP_FIND_FILE;

	http_file_close(&page.file);
	return found;
}

/* ------------------------------------------------------------------ the two kinds of paths */

/* Both fill `out` when they find a file, or a reason to redirect. */
static enum http_find resolve_file(const struct http_site *site, const char *path,
				   struct http_resolved *out)
{
	enum http_find found = find(site, path, &out->file, out->path);
	const bool directory = found == HTTP_FIND_DIRECTORY;
	const size_t clean =
		found == HTTP_FIND_FILE && site->clean_urls ? clean_length(site, path) : 0;

	if (clean > 0) {
		http_file_close(&out->file);
		redirect(out, path, clean, "", "This page has a shorter address.");
		return HTTP_FIND_NOTHING;
	}
	if (site->clean_urls && (directory || found == HTTP_FIND_NOTHING))
		found = find_with(site, path, strlen(path), HTML, out);
	if (found == HTTP_FIND_DIRECTORY)
		found = HTTP_FIND_NOTHING;
	if (directory && found == HTTP_FIND_NOTHING)
		redirect(out, path, strlen(path), "/", NULL);
	return found;
}

static enum http_find resolve_directory(const struct http_site *site, const char *path,
					struct http_resolved *out)
{
	const enum http_find found = find(site, path, &out->file, out->path);
	const size_t len = strlen(path);

	/* A page that is asked for like a directory, and no such directory. */
	if (found == HTTP_FIND_NOTHING && site->clean_urls && len > 1 &&
	    is_clean_page(site, path, len - 1))
		redirect(out, path, len - 1, "",
			 "This page has its address without a slash at the end.");
	return found;
}

/* ------------------------------------------------------------------ fallback */

/* May the fallback page stand in for this path? Not for what looks like a file: a script that is
 * missing has to be missing, or the browser would run a page. Nor for what programs ask for (RFC 8615). */
static bool may_fall_back(const struct http_site *site, const char *path)
{
	static const char well_known[] = "/.well-known";
	const size_t len = sizeof(well_known) - 1;

	return site->fallback && !strchr(strrchr(path, '/'), '.') &&
	       !(strncmp(path, well_known, len) == 0 && (path[len] == '/' || path[len] == '\0'));
}

int http_find_status(enum http_find found)
{
	switch (found) {
	case HTTP_FIND_NO_INDEX:
	case HTTP_FIND_DENIED:
		return 403;
	case HTTP_FIND_BUSY:
		return 503;
	case HTTP_FIND_FAILED:
		return 500;
	default:
		return 404;
	}
}

static void conclude(struct http_resolved *out, enum http_find found)
{
	static const char no_index[] =
		"This directory has no index file, and directories are not listed.";

	if (found == HTTP_FIND_FILE)
		out->answer = HTTP_ANSWER_FILE;
	else
		refuse(out, http_find_status(found), found == HTTP_FIND_NO_INDEX ? no_index : NULL);
}

void http_resolve(const struct http_site *site, const char *path, bool navigation,
		  struct http_resolved *out)
{
	enum http_find found = HTTP_FIND_NOTHING;

	*out = (struct http_resolved){.answer = HTTP_ANSWER_ERROR, .file.fd = -1};
	if (http_site_hides(site, path)) {
		refuse(out, 404, NULL);
		return;
	}
	if (path[strlen(path) - 1] == '/')
		found = resolve_directory(site, path, out);
	else
		found = resolve_file(site, path, out);
	if (out->answer == HTTP_ANSWER_REDIRECT)
		return;
	if (found == HTTP_FIND_NO_INDEX && site->listing) {
		out->answer = HTTP_ANSWER_DIRECTORY;
		memcpy(out->path, path, strlen(path) + 1);
		return;
	}
	/* A directory that gives nothing is as good as none. */
	if ((found == HTTP_FIND_NOTHING || found == HTTP_FIND_NO_INDEX) &&
	    may_fall_back(site, path)) {
		out->varies = true;
		out->fallback = navigation &&
				find(site, site->fallback, &out->file, out->path) == HTTP_FIND_FILE;
		if (out->fallback)
			found = HTTP_FIND_FILE;
	}
	conclude(out, found);
}
