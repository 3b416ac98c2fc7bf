/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of a representation: see represent.h. */
#include "http/represent.h"

#include <stdio.h>
#include <string.h>

#include "http/file_cache.h"
#include "http/mime.h"
#include "http/path.h"
#include "http/variants.h"

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

static void fill(struct http_representation *out, struct http_file *file)
{
	out->size = file->size;
	out->mtime = file->mtime;
	if (file->cached)
		memcpy(out->etag, http_cached_etag(file->cached), sizeof(out->etag));
	else
		http_etag_format(file, out->etag);
	out->source = http_file_source(file);
}

static bool use_sibling(struct http_root root, const char *name, enum http_coding coding,
			const struct http_file *file, struct http_representation *out)
{
	struct http_file sibling;

	if (!open_sibling(root, name, coding, file, &sibling))
		return false;
	fill(out, &sibling);
	http_etag_add(out->etag, http_coding_name(coding));
	return true;
}

/* The variant that was made of the file: its dates are the file's. */
static bool use_variant(struct http_variants *variants, enum http_coding coding,
			const struct http_file *file, struct http_representation *out)
{
	char digest[HTTP_VARIANT_DIGEST_SIZE];

	if (!http_variants_get(variants, file, coding, &out->source, digest))
		return false;
	out->size = out->source.size;
	out->mtime = file->mtime;
	http_etag_format(file, out->etag);
	http_etag_add(out->etag, digest);
	http_etag_add(out->etag, http_coding_name(coding));
	return true;
}

/* The best that there is, in a coding that the client would rather have than the file itself. False when
 * there is none; *coding is then identity, or none. What would have been better still is asked for, unless
 * somebody has made a sibling by hand. */
static bool use_other(const struct http_reply *reply, struct http_variants *variants,
		      const char *name, const struct http_file *file,
		      const struct http_accepted *accepted, enum http_coding *coding,
		      struct http_representation *out)
{
	unsigned left = HTTP_CODING_BIT(HTTP_CODING_COUNT) - 1;
	const enum http_coding best = http_encoding_choose(accepted, left);
	bool sibling = false, variant = false;

	for (;;) {
		*coding = http_encoding_choose(accepted, left);
		if (*coding == HTTP_CODING_IDENTITY || *coding == HTTP_CODING_NONE)
			break;
		sibling = reply->server->cfg.precompressed &&
			  use_sibling(http_site_root(reply->site), name, *coding, file, out);
		variant = !sibling && variants && use_variant(variants, *coding, file, out);
		if (sibling || variant)
			break;
		left &= ~HTTP_CODING_BIT(*coding);
	}
	if (variants && !sibling && best != *coding)
		http_variants_want(variants, file, best);
	return sibling || variant;
}

bool http_represent(const struct http_reply *reply, const struct http_request *r, const char *name,
		    struct http_file *file, struct http_representation *out)
{
	struct http_variants *variants = reply->server->variants;
	enum http_coding coding;
	struct http_accepted accepted;

	*out = (struct http_representation){.type = http_mime_type(reply->server->cfg.mime, name),
					    .source.fd = -1};
	http_encoding_read(r, &accepted);
	if (variants && !http_mime_compressible(out->type))
		variants = NULL;
	out->vary = (reply->server->cfg.precompressed || variants) &&
		    !http_mime_packed(name, out->type);
	if (out->vary && use_other(reply, variants, name, file, &accepted, &coding, out)) {
		http_file_close(file);
		out->coding = coding;
		return true;
	}
	coding = http_encoding_choose(&accepted, HTTP_CODING_BIT(HTTP_CODING_IDENTITY));
	if (coding == HTTP_CODING_NONE) {
		http_file_close(file);
		return false;
	}
	fill(out, file);
	out->coding = coding;
	return true;
}
