/* SPDX-License-Identifier: Apache-2.0 */
/* Framing of a request's content: see body.h. Decides at the first wrong byte, as the gate does. */
#include "http/body.h"

#include <assert.h>

#include "http/str.h"

void http_body_init_length(struct http_body *b, uint64_t length)
{
	assert(length > 0);
	*b = (struct http_body){.state = HTTP_BODY_DATA, .left = length};
}

void http_body_init_chunked(struct http_body *b, uint64_t max,
			    const struct http_gate_limits *trailer)
{
	*b = (struct http_body){.chunked = true, .state = HTTP_BODY_SIZE, .max = max};
	http_gate_init_trailer(&b->trailer, trailer);
}

/* chunk-size = 1*HEXDIG. Whitespace after it is "bad whitespace" that a recipient may take; ours
 * does not. */
static enum http_refusal step_size(struct http_body *b, uint8_t c)
{
	int value = http_hex_value((char)c);

	if (value >= 0) {
		if (++b->digits > 16)
			return HTTP_REFUSE_BAD_CHUNK_SIZE;
		b->left = b->left << 4 | (unsigned)value;
		/* At the digit that is too many, so that http-parser never meets a number it
		 * cannot hold. */
		return b->left > b->max - b->total ? HTTP_REFUSE_BODY_TOO_LARGE : HTTP_REFUSE_NONE;
	}
	if (b->digits == 0)
		return HTTP_REFUSE_BAD_CHUNK_SIZE;
	if (c == '\r')
		b->state = HTTP_BODY_SIZE_LF;
	else if (c == ';')
		b->state = HTTP_BODY_EXTENSION;
	else
		return c == '\n' ? HTTP_REFUSE_BARE_LF : HTTP_REFUSE_BAD_CHUNK_SIZE;
	return HTTP_REFUSE_NONE;
}

/* RFC 9112 7.1.1: a recipient MUST ignore unrecognized extensions, and ought to limit their
 * length. */
static enum http_refusal step_extension(struct http_body *b, uint8_t c)
{
	if (c == '\r') {
		b->state = HTTP_BODY_SIZE_LF;
		return HTTP_REFUSE_NONE;
	}
	if (c == '\n')
		return HTTP_REFUSE_BARE_LF;
	if ((c < 0x20 && c != '\t') || c == 0x7f)
		return HTTP_REFUSE_BAD_CHUNK_EXT;
	if (++b->extension > HTTP_CHUNK_EXT_MAX)
		return HTTP_REFUSE_LONG_CHUNK_EXT;
	return HTTP_REFUSE_NONE;
}

/* The end of the line that gives a chunk's size. Size 0 is the last chunk: the trailer section
 * follows. */
static enum http_refusal step_size_lf(struct http_body *b, uint8_t c)
{
	if (c != '\n')
		return HTTP_REFUSE_BARE_CR;
	b->total += b->left;
	b->state = b->left > 0 ? HTTP_BODY_DATA : HTTP_BODY_TRAILER;
	return HTTP_REFUSE_NONE;
}

static enum http_refusal step_data_end(struct http_body *b, uint8_t c)
{
	if (b->state == HTTP_BODY_DATA_CR) {
		b->state = HTTP_BODY_DATA_LF;
		return c == '\r' ? HTTP_REFUSE_NONE : HTTP_REFUSE_BAD_CHUNK_END;
	}
	b->state = HTTP_BODY_SIZE;
	b->digits = 0;
	b->left = 0;
	return c == '\n' ? HTTP_REFUSE_NONE : HTTP_REFUSE_BAD_CHUNK_END;
}

/* RFC 9110 6.5.1: fields for framing, routing and the like MUST NOT be in a trailer. The others
 * are dropped. */
static bool trailer_forbidden(const struct http_body *b)
{
	static const char *const forbidden[] = {"content-length", "transfer-encoding", "host"};
	struct http_str name = {b->name, b->name_len};

	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		if (http_str_equal(name, forbidden[i]))
			return true;
	return false;
}

static enum http_refusal step_trailer(struct http_body *b, uint8_t c)
{
	enum http_gate_state before = b->trailer.state;
	size_t used;

	switch (http_gate_feed(&b->trailer, &c, 1, &used)) {
	case HTTP_FEED_REFUSED:
		return b->trailer.refusal;
	case HTTP_FEED_DONE:
		b->state = HTTP_BODY_DONE;
		return HTTP_REFUSE_NONE;
	case HTTP_FEED_MORE:
		break;
	}
	if (before == HTTP_GATE_FIELD_START)
		b->name_len = 0;
	if (b->trailer.state == HTTP_GATE_FIELD_NAME && b->name_len < sizeof(b->name))
		b->name[b->name_len++] = http_lower((char)c);
	if (before == HTTP_GATE_FIELD_NAME && c == ':' && trailer_forbidden(b))
		return HTTP_REFUSE_BAD_TRAILER;
	return HTTP_REFUSE_NONE;
}

static enum http_refusal step(struct http_body *b, uint8_t c)
{
	switch (b->state) {
	case HTTP_BODY_SIZE:
		return step_size(b, c);
	case HTTP_BODY_EXTENSION:
		return step_extension(b, c);
	case HTTP_BODY_SIZE_LF:
		return step_size_lf(b, c);
	case HTTP_BODY_DATA_CR:
	case HTTP_BODY_DATA_LF:
		return step_data_end(b, c);
	case HTTP_BODY_TRAILER:
		return step_trailer(b, c);
	case HTTP_BODY_DATA:
	case HTTP_BODY_DONE:
		break;
	}
	assert(false); /* data is skipped, and nothing is fed after the end */
	return HTTP_REFUSE_NOT_PARSED;
}

enum http_feed http_body_feed(struct http_body *b, const uint8_t *data, size_t len, size_t *used)
{
	size_t i = 0;

	while (i < len && b->state != HTTP_BODY_DONE) {
		if (b->state == HTTP_BODY_DATA) {
			uint64_t take = len - i < b->left ? len - i : b->left;

			i += (size_t)take;
			b->left -= take;
			if (b->left == 0)
				b->state = b->chunked ? HTTP_BODY_DATA_CR : HTTP_BODY_DONE;
			continue;
		}
		b->refusal = step(b, data[i]);
		if (b->refusal != HTTP_REFUSE_NONE) {
			*used = i;
			return HTTP_FEED_REFUSED;
		}
		i++;
	}
	*used = i;
	return b->state == HTTP_BODY_DONE ? HTTP_FEED_DONE : HTTP_FEED_MORE;
}
