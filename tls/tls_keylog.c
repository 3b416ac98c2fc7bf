/* SPDX-License-Identifier: Apache-2.0 */
/* tls_keylog.c — the secrets of a connection as lines of text (RFC 9850), for those who have to see what was said. */
#include <stdio.h>
#include <string.h>

#include <mbedtls/platform_util.h>

#include "tls/tls_internal.h"

#define RANDOM_LEN 32
#define SECRET_MAX 64

static char *put_hex(char *at, const unsigned char *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*at++ = digits[bytes[i] >> 4];
		*at++ = digits[bytes[i] & 15];
	}
	return at;
}

/* RFC 9850 2: label, the ClientHello's random, the secret. */
static void write_line(const struct tls_keylog *log, const char *label, const unsigned char *random,
		       const unsigned char *secret, size_t len)
{
	char line[40 + 2 * RANDOM_LEN + 2 * SECRET_MAX];
	char *at = line;

	if (len > SECRET_MAX)
		return;
	at += sprintf(at, "%s ", label);
	at = put_hex(at, random, RANDOM_LEN);
	*at++ = ' ';
	at = put_hex(at, secret, len);
	*at++ = '\n';
	log->write(log->ctx, line, (size_t)(at - line));
	mbedtls_platform_zeroize(line, sizeof line);
}

static const char *label_of(mbedtls_ssl_key_export_type type)
{
	switch (type) {
	case MBEDTLS_SSL_KEY_EXPORT_TLS12_MASTER_SECRET:
		return "CLIENT_RANDOM";
	case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_HANDSHAKE_TRAFFIC_SECRET:
		return "CLIENT_HANDSHAKE_TRAFFIC_SECRET";
	case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_HANDSHAKE_TRAFFIC_SECRET:
		return "SERVER_HANDSHAKE_TRAFFIC_SECRET";
	case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_APPLICATION_TRAFFIC_SECRET:
		return "CLIENT_TRAFFIC_SECRET_0";
	case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_APPLICATION_TRAFFIC_SECRET:
		return "SERVER_TRAFFIC_SECRET_0";
	default: /* of early data, which nobody gets */
		return NULL;
	}
}

static void on_secret(void *ctx, mbedtls_ssl_key_export_type type, const unsigned char *secret,
		      size_t len, const unsigned char client_random[RANDOM_LEN],
		      const unsigned char server_random[RANDOM_LEN], mbedtls_tls_prf_types prf)
{
	const struct tls_session *t = ctx;
	const struct tls_keylog *log = &t->context->keylog;
	const char *label = label_of(type);

	(void)server_random;
	(void)prf;
	if (label)
		write_line(log, label, client_random, secret, len);
	/* The library has just derived this one, too, and does not tell. */
	const mbedtls_ssl_session *s = t->ssl.MBEDTLS_PRIVATE(session_negotiate);
	if (type == MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_APPLICATION_TRAFFIC_SECRET && s)
		write_line(log, "EXPORTER_SECRET", client_random,
			   s->MBEDTLS_PRIVATE(app_secrets).exporter_master_secret, len);
}

void tls_keylog_begin(struct tls_session *t)
{
	if (t->context->keylog.write)
		mbedtls_ssl_set_export_keys_cb(&t->ssl, on_secret, t);
}
