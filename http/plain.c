/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to plain HTTP on the TLS port: the only words that client can read. */
#include <string.h>

#include "http/buf.h"
#include "http/date.h"
#include "http/http.h"

static const char page[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<title>400 Bad Request</title>\n</head>\n<body>\n<h1>400 Bad Request</h1>\n"
	"<p>This port speaks HTTPS, and the request came without TLS. Use the same address with "
	"https:// in front.</p>\n</body>\n</html>\n";

size_t http_plain_on_tls_response(uint8_t *out, size_t room, struct http_time now)
{
	struct http_buf b = {0};
	char date[HTTP_DATE_SIZE];
	size_t len = 0;

	http_buf_text(&b, "HTTP/1.1 400 Bad Request\r\n");
	if (http_date_format(now.wall, date)) {
		http_buf_text(&b, "Date: ");
		http_buf_text(&b, date);
		http_buf_text(&b, "\r\n");
	}
	http_buf_text(&b, "Content-Type: text/html; charset=utf-8\r\nContent-Length: ");
	http_buf_number(&b, sizeof(page) - 1);
	http_buf_text(&b, "\r\nConnection: close\r\n\r\n");
	http_buf_append(&b, page, sizeof(page) - 1);
	if (!b.failed && b.len <= room) {
		memcpy(out, b.data, b.len);
		len = b.len;
	}
	http_buf_free(&b);
	return len;
}
