/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve.h — what of a site answers for a path: a file, another address, a directory, nothing.
 *
 * static.h opens names; here it is decided which names are tried, and in what order:
 *
 *     /a/b     the file b; with clean URLs b.html; the directory b, at the address /a/b/
 *     /a/b/    the index of the directory; the directory itself, where those are listed
 *     neither  the site's fallback page, for a navigation to what looks like no file
 *
 * So a file wins over a directory of the same name, which keeps its own address, with the slash. A
 * redirect is only given when what it leads to was found, so none can lead back.
 */
#ifndef HTTP_RESOLVE_H
#define HTTP_RESOLVE_H

#include <stdbool.h>

#include "http/path.h"
#include "http/site.h"

enum http_answer {
	HTTP_ANSWER_FILE,      /* `file` is open; `path` is its name                     */
	HTTP_ANSWER_REDIRECT,  /* `path` is its right address; `text` says why           */
	HTTP_ANSWER_DIRECTORY, /* `path` is a directory without an index, to be listed   */
	HTTP_ANSWER_ERROR,     /* `status`, and `text` for its page, NULL: its usual one */
};

struct http_resolved {
	enum http_answer answer;
	struct http_file file; /* the caller closes it */
	int status;
	const char *text;
	bool fallback; /* the file is the fallback page                                */
	bool varies;   /* whether it is a navigation made a difference                 */
	char path[HTTP_PATH_SIZE];
};

/* `path` comes from http_path_decode. `navigation`: see accept.h. */
void http_resolve(const struct http_site *site, const char *path, bool navigation,
		  struct http_resolved *out);

/* The status of an error for what was found instead of a file. */
int http_find_status(enum http_find found);

#endif
