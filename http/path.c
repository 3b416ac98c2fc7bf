/* SPDX-License-Identifier: Apache-2.0 */
/* Paths: see path.h. */
#include "http/path.h"

#include <string.h>

/* One byte of the path, decoded, from *at on. */
static enum http_refusal next_byte(struct http_str raw, size_t *at, char *byte)
{
	char c = raw.at[(*at)++];

	if (c != '%') {
		/* The parsers of requests let none through; but here it would cut the path short. */
		*byte = c;
		return c == '\0' ? HTTP_REFUSE_CONTROL_BYTE : HTTP_REFUSE_NONE;
	}
	if (raw.len - *at < 2)
		return HTTP_REFUSE_BAD_ESCAPE;
	int high = http_hex_value(raw.at[*at]), low = http_hex_value(raw.at[*at + 1]);
	if (high < 0 || low < 0)
		return HTTP_REFUSE_BAD_ESCAPE;
	*at += 2;
	unsigned value = (unsigned)high << 4 | (unsigned)low;
	if (value == 0)
		return HTTP_REFUSE_ESCAPED_NUL;
	if (value == '/')
		return HTTP_REFUSE_ESCAPED_SLASH;
	*byte = (char)(unsigned char)value;
	return HTTP_REFUSE_NONE;
}

/* out[0, *len) ends with a segment that begins at `start`, which its slash or the end of the
 * path follows. Removes it again when it is ".", and with its parent when it is "..". False
 * above the root. */
static bool settle_segment(char *out, size_t *len, size_t start)
{
	size_t segment = *len - start;

	if (segment == 1 && out[start] == '.') {
		*len = start;
	} else if (segment == 2 && out[start] == '.' && out[start + 1] == '.') {
		if (start == 1)
			return false;
		*len = start - 1; /* the slash before ".." */
		while (out[*len - 1] != '/')
			(*len)--;
	}
	return true;
}

enum http_path_result http_path_decode(struct http_str raw, char out[HTTP_PATH_SIZE],
				       enum http_refusal *refusal)
{
	size_t len = 1, start = 1; /* of the output, and where its last segment begins */

	out[0] = '/';
	*refusal = HTTP_REFUSE_NONE;
	for (size_t at = 0; at <= raw.len;) {
		char c = '\0';
		bool literal_slash = at < raw.len && raw.at[at] == '/';

		if (at == raw.len || literal_slash) {
			at++;
			if (!settle_segment(out, &len, start)) {
				*refusal = HTTP_REFUSE_ABOVE_ROOT;
				return HTTP_PATH_REFUSED;
			}
			if (literal_slash && out[len - 1] != '/')
				out[len++] = '/';
			start = len;
		} else {
			*refusal = next_byte(raw, &at, &c);
			if (*refusal != HTTP_REFUSE_NONE)
				return HTTP_PATH_REFUSED;
			out[len++] = c;
		}
		if (len >= HTTP_PATH_SIZE - 1)
			return HTTP_PATH_TOO_LONG;
	}
	out[len] = '\0';
	return HTTP_PATH_OK;
}

bool http_path_hidden(const char *path)
{
	static const char well_known[] = "/.well-known/";

	if (strncmp(path, well_known, sizeof(well_known) - 1) == 0)
		path += sizeof(well_known) - 2;
	else if (strcmp(path, "/.well-known") == 0)
		return false;
	return strstr(path, "/.") != NULL;
}

void http_path_encode(struct http_buf *out, const char *path)
{
	static const char kept[] = "/-._~!$&'()*+,;=:@";
	static const char hex[] = "0123456789ABCDEF";

	while (*path) {
		const char *from = path;

		while (*path &&
		       (http_is_alpha(*path) || http_is_digit(*path) || strchr(kept, *path)))
			path++;
		http_buf_append(out, from, (size_t)(path - from));
		if (*path) {
			const unsigned char c = (unsigned char)*path++;
			const char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};
			http_buf_append(out, escaped, sizeof(escaped));
		}
	}
}
