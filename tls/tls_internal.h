/* SPDX-License-Identifier: Apache-2.0 */
/* tls_internal.h — what the files of tls/ share. */
#ifndef TLS_TLS_INTERNAL_H
#define TLS_TLS_INTERNAL_H

#include <mbedtls/ssl.h>

#include "tls/tls.h"

struct tls_context {
	mbedtls_ssl_config conf;
	mbedtls_x509_crt chain; /* ours: leaf first */
	mbedtls_pk_context key;
	mbedtls_x509_crt trusted; /* a client's trust anchors */
	char *server_name;        /* a client's: whom it wants to talk to */
	const char **alpn;        /* a copy that the configuration points to */
};

#define TLS_SNI_MAX 255

struct tls_session {
	mbedtls_ssl_context ssl;
	struct tls_stream stream;
	int error; /* Mbed TLS's code of the failure, 0 before one */
	char error_text[TLS_ERROR_SIZE];
	size_t write_len;      /* of the write that must be repeated, 0 for none */
	enum tls_status ended; /* sticky: TLS_CLOSED, TLS_TRUNCATED, TLS_FAILED; else TLS_OK */
	bool established;
	bool close_notify_in, close_notify_out;
	char sni[TLS_SNI_MAX + 1];
};

/* One table of everything that may be negotiated, for server and test clients alike. */
void tls_policy_apply(mbedtls_ssl_config *conf);

/* Writes "what: Mbed TLS's words (-0xCODE)". */
void tls_error_format(char out[TLS_ERROR_SIZE], const char *what, const char *where, int code);

#endif
