/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_error.c — Mbed TLS's error codes: as text for people, as alerts for the peer.
 *
 * Mbed TLS sends an alert for most failures of the handshake and for a bad MAC, and none for
 * others, such as a record of unknown type or a malformed key share. RFC 8446 6.2 wants one for
 * each, so the session sends what the table below says when the library was silent.
 */
#include <stdio.h>

#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>

#include "tls/tls_internal.h"

void tls_error_format(char out[TLS_ERROR_SIZE], const char *what, const char *where, int code)
{
	char words[128];

	mbedtls_strerror(code, words, sizeof words);
	snprintf(out, TLS_ERROR_SIZE, "%s%s%s: %s (-0x%04X)", what, where ? " " : "",
		 where ? where : "", words, (unsigned)-code);
}

static bool record_too_long(const struct tls_record_scan *last)
{
	const size_t length = (size_t)last->header[3] << 8 | last->header[4];

	return last->have == TLS_RECORD_HEADER && length > MBEDTLS_SSL_IN_CONTENT_LEN;
}

/* A record that cannot be: of unknown type, too long, or with content that its type forbids. */
static int invalid_record_alert(const struct tls_record_scan *last)
{
	if (last->have < TLS_RECORD_HEADER)
		return MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR;
	if (last->header[0] < MBEDTLS_SSL_MSG_CHANGE_CIPHER_SPEC ||
	    last->header[0] > MBEDTLS_SSL_MSG_APPLICATION_DATA)
		return MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE; /* RFC 8446 5.1 */
	if (record_too_long(last))
		return MBEDTLS_SSL_ALERT_MSG_RECORD_OVERFLOW; /* RFC 8446 5.1, 5.2 */
	if (last->header[1] != 3)
		return MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION;
	if (last->header[0] == MBEDTLS_SSL_MSG_CHANGE_CIPHER_SPEC)
		return MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE; /* RFC 8446 5 */
	return MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR;
}

int tls_error_alert(int code, const struct tls_record_scan *last)
{
	static const struct {
		int code, alert;
	} table[] = {
		{MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE},
		{MBEDTLS_ERR_SSL_UNEXPECTED_RECORD, MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE},
		{MBEDTLS_ERR_SSL_INVALID_MAC, MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC},
		{MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE, MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE},
		/* RFC 5246 7.4.6; TLS 1.3's certificate_required is the library's. */
		{MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE, MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE},
		{MBEDTLS_ERR_SSL_BAD_CERTIFICATE, MBEDTLS_SSL_ALERT_MSG_BAD_CERT},
		{MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER, MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER},
		{MBEDTLS_ERR_SSL_DECODE_ERROR, MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR},
		{MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION, MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION},
		{MBEDTLS_ERR_SSL_UNSUPPORTED_EXTENSION, MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_EXT},
		{MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL,
		 MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL},
		{MBEDTLS_ERR_SSL_UNRECOGNIZED_NAME, MBEDTLS_SSL_ALERT_MSG_UNRECOGNIZED_NAME},
		{MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE, TLS_NO_ALERT},
		{MBEDTLS_ERR_SSL_CONN_EOF, TLS_NO_ALERT},
		{MBEDTLS_ERR_NET_CONN_RESET, TLS_NO_ALERT},
	};

	if (code == MBEDTLS_ERR_SSL_INVALID_RECORD)
		return invalid_record_alert(last);
	if (code == MBEDTLS_ERR_SSL_INVALID_MAC && tls_record_is_plain_alert(last))
		return TLS_NO_ALERT;
	/* How Mbed TLS says that a record is longer than its buffer. */
	if (code == MBEDTLS_ERR_SSL_BAD_INPUT_DATA && record_too_long(last))
		return MBEDTLS_SSL_ALERT_MSG_RECORD_OVERFLOW;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].code == code)
			return table[i].alert;
	return MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR;
}

const char *tls_alert_name(unsigned alert)
{
	/* The registry of TLS alerts at IANA. */
	static const struct {
		unsigned alert;
		const char *name;
	} names[] = {
		{0, "close_notify"},
		{10, "unexpected_message"},
		{20, "bad_record_mac"},
		{22, "record_overflow"},
		{40, "handshake_failure"},
		{42, "bad_certificate"},
		{43, "unsupported_certificate"},
		{44, "certificate_revoked"},
		{45, "certificate_expired"},
		{46, "certificate_unknown"},
		{47, "illegal_parameter"},
		{48, "unknown_ca"},
		{49, "access_denied"},
		{50, "decode_error"},
		{51, "decrypt_error"},
		{70, "protocol_version"},
		{71, "insufficient_security"},
		{80, "internal_error"},
		{86, "inappropriate_fallback"},
		{90, "user_canceled"},
		{100, "no_renegotiation"},
		{109, "missing_extension"},
		{110, "unsupported_extension"},
		{112, "unrecognized_name"},
		{113, "bad_certificate_status_response"},
		{115, "unknown_psk_identity"},
		{116, "certificate_required"},
		{120, "no_application_protocol"},
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].alert == alert)
			return names[i].name;
	return "an alert without a name";
}
