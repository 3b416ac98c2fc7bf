/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request's head must satisfy as a whole, beyond its grammar: the framing of its content
 * (RFC 9112 6), the form of its target and its host (RFC 9112 3.2, RFC 9110 7.2), and what it asks
 * of the connection.
 */
#include "http/request.h"

#include <arpa/inet.h>

/* ------------------------------------------------------------------ framing */

/* RFC 9112 6.1 and 6.3. The only coding taken is "chunked", alone, in HTTP/1.1. */
static enum http_refusal check_coding(struct http_request *r)
{
	struct http_str value, item;
	unsigned index = 0, codings = 0;
	bool last_is_chunked = false, other = false, repeated = false;

	while (http_request_next_field(r, HTTP_FIELD_TRANSFER_ENCODING, &index, &value)) {
		while (http_list_next(&value, &item)) {
			codings++;
			repeated = repeated || last_is_chunked;
			last_is_chunked = http_str_is(item, "chunked");
			other = other || !last_is_chunked;
		}
	}
	/* "chunked" not last, or twice: the length cannot be determined reliably, which MUST be
	 * a 400. */
	if (codings == 0 || !last_is_chunked || repeated)
		return HTTP_REFUSE_CODING_NOT_CHUNKED;
	/* "gzip, chunked" could be framed; what it holds could not be read. SHOULD be a 501. */
	if (other)
		return HTTP_REFUSE_CODING_UNKNOWN;
	r->chunked = true;
	return HTTP_REFUSE_NONE;
}

static enum http_refusal check_framing(struct http_request *r)
{
	unsigned lengths = http_request_field_count(r, HTTP_FIELD_CONTENT_LENGTH);

	/* RFC 9112 6.3, item 5, lets equal values pass. Nobody honest repeats the field. */
	if (lengths > 1)
		return HTTP_REFUSE_MANY_LENGTHS;
	if (http_request_field_count(r, HTTP_FIELD_TRANSFER_ENCODING) > 0) {
		/* RFC 9112 6.1: a server MAY reject both together; it is what smuggling looks
		 * like. */
		if (lengths > 0)
			return HTTP_REFUSE_LENGTH_AND_CODING;
		/* RFC 9112 6.1: in HTTP/1.0 the framing MUST be treated as faulty. */
		if (r->minor == 0)
			return HTTP_REFUSE_CODING_IN_1_0;
		return check_coding(r);
	}
	if (lengths == 1 &&
	    !http_str_number(http_request_field(r, HTTP_FIELD_CONTENT_LENGTH), &r->content_length))
		return HTTP_REFUSE_BAD_LENGTH;
	return HTTP_REFUSE_NONE;
}

/* ------------------------------------------------------------------ host */

/* RFC 3986 3.2.2: IP-literal = "[" IPv6address "]". Zones and IPvFuture name no host of ours. */
static bool ip_literal_valid(struct http_str s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;

	if (s.len < 2 || s.len - 2 >= sizeof(text))
		return false;
	memcpy(text, s.at + 1, s.len - 2);
	text[s.len - 2] = '\0';
	return inet_pton(AF_INET6, text, &addr) == 1;
}

/* RFC 3986 3.2.2: reg-name = *( unreserved / pct-encoded / sub-delims ); an IPv4 address is one
 * too. */
static bool reg_name_valid(struct http_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (http_is_alpha(c) || http_is_digit(c) ||
		    (c != '\0' && strchr("-._~!$&'()*+,;=", c)))
			continue;
		if (c == '%' && s.len - i > 2 && http_hex_value(s.at[i + 1]) >= 0 &&
		    http_hex_value(s.at[i + 2]) >= 0) {
			i += 2;
			continue;
		}
		return false;
	}
	return s.len <= 255;
}

bool http_host_valid(struct http_str host)
{
	const char *end = host.at + host.len, *port;
	bool literal = host.len > 0 && host.at[0] == '[';
	uint64_t number;

	/* RFC 9110 4.2.1: an http URI with an empty host is invalid. */
	if (host.len == 0 || host.at[0] == ':')
		return false;
	if (literal) {
		const char *bracket = memchr(host.at, ']', host.len);

		if (!bracket)
			return false;
		port = bracket + 1;
		if (port != end && *port != ':')
			return false;
	} else {
		const char *colon = memchr(host.at, ':', host.len);

		port = colon ? colon : end;
	}
	struct http_str name = {host.at, (size_t)(port - host.at)};
	if (!(literal ? ip_literal_valid(name) : reg_name_valid(name)))
		return false;

	/* port = *DIGIT: "host:" is valid */
	struct http_str digits = {port + 1, port == end ? 0 : (size_t)(end - port) - 1};
	return digits.len == 0 || (http_str_number(digits, &number) && number <= 65535);
}

/* RFC 9112 3.2: an HTTP/1.1 request without Host, with two, or with an invalid one MUST be
 * answered with 400. RFC 9112 3.2.2: where an absolute-form target names another host, Host MUST be
 * ignored; http_request_host does so. */
static enum http_refusal check_host(const struct http_request *r)
{
	unsigned hosts = http_request_field_count(r, HTTP_FIELD_HOST);
	struct http_str host = http_request_field(r, HTTP_FIELD_HOST);

	if (hosts > 1)
		return HTTP_REFUSE_MANY_HOSTS;
	if (hosts == 0)
		return r->minor > 0 ? HTTP_REFUSE_NO_HOST : HTTP_REFUSE_NONE;
	return http_host_valid(host) ? HTTP_REFUSE_NONE : HTTP_REFUSE_BAD_HOST;
}

/* ------------------------------------------------------------------ target */

void http_request_set_path(struct http_request *r, size_t at, size_t end)
{
	const char *mark = memchr(r->base + at, '?', end - at);
	size_t path_end = mark ? (size_t)(mark - r->base) : end;

	r->path = (struct http_piece){(uint16_t)at, (uint16_t)(path_end - at)};
	if (mark) {
		r->has_query = true;
		r->query = (struct http_piece){(uint16_t)(path_end + 1),
					       (uint16_t)(end - path_end - 1)};
	}
}

/* RFC 9112 3.2.2. How the request came is the connection's to know. */
static enum http_refusal check_absolute_form(struct http_request *r, struct http_str target)
{
	size_t at = target.len > 7 && http_str_is((struct http_str){target.at, 7}, "http://") ? 7
		    : target.len > 8 && http_str_is((struct http_str){target.at, 8}, "https://")
			    ? 8
			    : 0;
	size_t end = at;

	if (at == 0)
		return HTTP_REFUSE_TARGET_FORM;
	r->https = at == 8;
	while (end < target.len && target.at[end] != '/' && target.at[end] != '?')
		end++;
	/* RFC 9110 4.2.4: userinfo is to be treated as an error, it hides the true host. */
	if (memchr(target.at + at, '@', end - at))
		return HTTP_REFUSE_USERINFO;
	if (!http_host_valid((struct http_str){target.at + at, end - at}))
		return HTTP_REFUSE_BAD_HOST;
	r->authority = (struct http_piece){(uint16_t)(r->target.at + at), (uint16_t)(end - at)};
	http_request_set_path(r, r->target.at + end, (size_t)r->target.at + r->target.len);
	return HTTP_REFUSE_NONE;
}

/* RFC 9112 3.2.3: host and port, both. */
static enum http_refusal check_authority_form(struct http_str target)
{
	if (memchr(target.at, '@', target.len))
		return HTTP_REFUSE_USERINFO;
	if (!http_is_digit(target.at[target.len - 1]) || !memchr(target.at, ':', target.len) ||
	    !http_host_valid(target))
		return HTTP_REFUSE_TARGET_FORM;
	return HTTP_REFUSE_NONE;
}

static enum http_refusal check_target(struct http_request *r)
{
	struct http_str target = http_request_piece(r, r->target);

	if (r->method_id == HTTP_METHOD_CONNECT)
		return check_authority_form(target);
	if (http_str_equal(target, "*"))
		return r->method_id == HTTP_METHOD_OPTIONS ? HTTP_REFUSE_NONE
							   : HTTP_REFUSE_TARGET_FORM;
	if (target.at[0] == '/') {
		http_request_set_path(r, r->target.at, (size_t)r->target.at + r->target.len);
		return HTTP_REFUSE_NONE;
	}
	return check_absolute_form(r, target);
}

/* ------------------------------------------------------------------ connection */

/* RFC 9112 9.3: HTTP/1.1 persists unless told otherwise, HTTP/1.0 only when it asks to. "close"
 * wins. */
static void read_connection(struct http_request *r)
{
	struct http_str value, item;
	unsigned index = 0;
	bool close = false, keep_alive = false;

	while (http_request_next_field(r, HTTP_FIELD_CONNECTION, &index, &value)) {
		while (http_list_next(&value, &item)) {
			close = close || http_str_is(item, "close");
			keep_alive = keep_alive || http_str_is(item, "keep-alive");
		}
	}
	r->keep_alive = !close && (r->minor > 0 || keep_alive);
}

/* RFC 9110 10.1.1: in an HTTP/1.0 request the expectation MUST be ignored. */
void http_request_read_expect(struct http_request *r)
{
	struct http_str value, item;
	unsigned index = 0;

	if (r->major == 1 && r->minor == 0)
		return;
	while (http_request_next_field(r, HTTP_FIELD_EXPECT, &index, &value)) {
		while (http_list_next(&value, &item)) {
			if (!http_str_is(item, "100-continue"))
				r->expect = HTTP_EXPECT_UNKNOWN;
			else if (r->expect == HTTP_EXPECT_NOTHING)
				r->expect = HTTP_EXPECT_CONTINUE;
		}
	}
}

enum http_refusal http_request_check(struct http_request *r)
{
	enum http_refusal refusal = check_framing(r);

	if (refusal == HTTP_REFUSE_NONE)
		refusal = check_target(r);
	if (refusal == HTTP_REFUSE_NONE)
		refusal = check_host(r);
	if (refusal != HTTP_REFUSE_NONE)
		return refusal;
	read_connection(r);
	http_request_read_expect(r);
	return HTTP_REFUSE_NONE;
}
