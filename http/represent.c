/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of a representation: see represent.h. */
#include "http/represent.h"

#include <stdio.h>
#include <string.h>

#include "http/file_cache.h"
#include "http/mime.h"
#include "http/path.h"

/* Opens the sibling of this coding, if there is one that counts. */
static bool open_sibling(struct http_root root, const char *name, enum http_coding coding,
			 const struct http_file *file, struct http_file *sibling)
{
	static const char *const no_index[] = {NULL};
	char path[HTTP_PATH_SIZE];
	const char *index_name;
	int len;

	if (file->cached && http_cached_lacks(file->cached, coding))
		return false;
	len = snprintf(path, sizeof(path), "%s%s", name, http_coding_suffix(coding));

	if (len > 0 && (size_t)len < sizeof(path) &&
	    http_static_find(root, path, no_index, sibling, &index_name) == HTTP_FIND_FILE) {
		if (sibling->mtime >= file->mtime)
			return true;
		http_file_close(sibling);
	}
	if (file->cached)
		http_cached_set_lacks(file->cached, coding);
	return false;
}

/* The best of the siblings that the client would rather have than the file itself. */
static enum http_coding find_sibling(struct http_root root, const char *name,
				     const struct http_accepted *accepted,
				     const struct http_file *file, struct http_file *sibling)
{
	unsigned left = HTTP_CODING_BIT(HTTP_CODING_COUNT) - 1;

	for (;;) {
		const enum http_coding coding = http_encoding_choose(accepted, left);

		if (coding == HTTP_CODING_IDENTITY || coding == HTTP_CODING_NONE ||
		    open_sibling(root, name, coding, file, sibling))
			return coding;
		left &= ~HTTP_CODING_BIT(coding);
	}
}

static void fill(struct http_representation *out, enum http_coding coding, struct http_file *file)
{
	out->coding = coding;
	out->size = file->size;
	out->mtime = file->mtime;
	if (file->cached)
		memcpy(out->etag, http_cached_etag(file->cached), sizeof(out->etag));
	else
		http_etag_format(file, out->etag);
	if (coding != HTTP_CODING_IDENTITY)
		http_etag_add(out->etag, http_coding_name(coding));
	out->source = http_file_source(file);
}

bool http_represent(const struct http_reply *reply, const struct http_request *r, const char *name,
		    struct http_file *file, struct http_representation *out)
{
	enum http_coding coding = HTTP_CODING_IDENTITY;
	struct http_accepted accepted;
	struct http_file sibling;

	*out = (struct http_representation){.type = http_mime_type(name), .source.fd = -1};
	http_encoding_read(r, &accepted);
	out->vary = reply->server->cfg.precompressed && !http_mime_packed(name, out->type);
	if (out->vary)
		coding = find_sibling(http_site_root(reply->site), name, &accepted, file, &sibling);
	else
		coding = http_encoding_choose(&accepted, HTTP_CODING_BIT(HTTP_CODING_IDENTITY));
	if (coding == HTTP_CODING_IDENTITY) {
		fill(out, coding, file);
		return true;
	}
	http_file_close(file);
	if (coding != HTTP_CODING_NONE)
		fill(out, coding, &sibling);
	return coding != HTTP_CODING_NONE;
}
