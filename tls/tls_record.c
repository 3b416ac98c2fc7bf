/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_record.c — what record headers tell without keys. Mbed TLS reports neither which record it
 * refused nor whether it has sent an alert; both can be read off the records as they pass.
 */
#include <string.h>

#include "tls/tls_internal.h"

static size_t record_length(const uint8_t *header)
{
	return (size_t)header[3] << 8 | header[4];
}

void tls_record_scan(struct tls_record_scan *scan, const uint8_t *data, size_t len)
{
	while (len > 0) {
		const bool in_header = scan->have < TLS_RECORD_HEADER;
		const size_t want = in_header ? TLS_RECORD_HEADER - scan->have : scan->body;
		const size_t n = len < want ? len : want;

		if (in_header) {
			memcpy(scan->header + scan->have, data, n);
			scan->have += n;
			if (scan->have == TLS_RECORD_HEADER)
				scan->body = record_length(scan->header);
		} else if (n > 0) {
			const size_t at = record_length(scan->header) - scan->body;

			for (size_t i = at; i < sizeof scan->content && i < at + n; i++)
				scan->content[i] = data[i - at];
			scan->body -= n;
		} else {
			scan->have = 0; /* the record is complete: the next header follows */
		}
		data += n;
		len -= n;
	}
}

/* A protected alert is longer by its tag. */
bool tls_record_is_plain_alert(const struct tls_record_scan *scan)
{
	return scan->have == TLS_RECORD_HEADER && scan->body == 0 &&
	       scan->header[0] == MBEDTLS_SSL_MSG_ALERT && record_length(scan->header) == 2;
}

/* A protected TLS 1.3 record hides its type. Its alert is 2 bytes, the type and a tag of 16; no
 * handshake message is that short, and records are not padded (mbedtls_config.h). */
#define PROTECTED_ALERT_LENGTH (2 + 1 + 16)

bool tls_records_hold_alert(const uint8_t *data, size_t len)
{
	while (len >= TLS_RECORD_HEADER) {
		const size_t body = record_length(data);

		if (data[0] == MBEDTLS_SSL_MSG_ALERT)
			return true;
		if (data[0] == MBEDTLS_SSL_MSG_APPLICATION_DATA && body == PROTECTED_ALERT_LENGTH)
			return true;
		if (len - TLS_RECORD_HEADER < body)
			return false;
		data += TLS_RECORD_HEADER + body;
		len -= TLS_RECORD_HEADER + body;
	}
	return false;
}

/* A TLS record begins with a byte of 20 to 23; a request line begins with a method (RFC 9110 9.1,
 * 9113 3.4). */
bool tls_looks_like_http(const uint8_t *data, size_t len)
{
	static const char *const methods[] = {
		"GET ",     "HEAD ",    "POST ",  "PUT ",   "DELETE ",
		"CONNECT ", "OPTIONS ", "TRACE ", "PATCH ", "PRI ",
	};

	if (len == 0)
		return false;
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		const size_t n = strlen(methods[i]);

		if (memcmp(data, methods[i], len < n ? len : n) == 0)
			return true;
	}
	return false;
}
