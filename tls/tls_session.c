/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_session.c — one TLS connection over a stream, see tls.h.
 *
 * What the stream promises makes the rest simple: it takes a whole record or nothing, so a record is never torn
 * and what Mbed TLS believes it has sent is sent. Once a session has ended, for whatever reason, every later
 * call says so again and nothing more is read or written.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/ssl_ciphersuites.h>

#include "tls/tls_internal.h"

static int bio_send(void *ctx, const unsigned char *buf, size_t len)
{
	const struct tls_session *t = ctx;
	const long n = t->stream.send(t->stream.ctx, buf, len);

	assert(n <= 0 || (size_t)n == len);
	if (n == 0)
		return MBEDTLS_ERR_SSL_WANT_WRITE;
	return n < 0 ? MBEDTLS_ERR_SSL_CONN_EOF : (int)len;
}

static int bio_recv(void *ctx, unsigned char *buf, size_t len)
{
	const struct tls_session *t = ctx;
	const long n = t->stream.recv(t->stream.ctx, buf, len);

	if (n == 0)
		return MBEDTLS_ERR_SSL_WANT_READ;
	return n < 0 ? 0 : (int)n; /* 0 means the end of the stream to Mbed TLS */
}

struct tls_session *tls_session_create(struct tls_context *ctx, const struct tls_stream *stream)
{
	struct tls_session *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->stream = *stream;
	mbedtls_ssl_init(&t->ssl);
	if (mbedtls_ssl_setup(&t->ssl, &ctx->conf) ||
	    (ctx->server_name && mbedtls_ssl_set_hostname(&t->ssl, ctx->server_name))) {
		tls_session_destroy(t);
		return NULL;
	}
	mbedtls_ssl_set_user_data_p(&t->ssl, t);
	mbedtls_ssl_set_bio(&t->ssl, t, bio_send, bio_recv, NULL);
	return t;
}

void tls_session_destroy(struct tls_session *t)
{
	if (!t)
		return;
	mbedtls_ssl_free(&t->ssl);
	free(t);
}

/* Turns Mbed TLS's code into a status; what ends the session sticks. */
static enum tls_status status_of(struct tls_session *t, int err, const char *doing)
{
	switch (err) {
	case MBEDTLS_ERR_SSL_WANT_READ:
		return TLS_WANT_READ;
	case MBEDTLS_ERR_SSL_WANT_WRITE:
		return TLS_WANT_WRITE;
	case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
		t->close_notify_in = true;
		t->ended = TLS_CLOSED;
		return TLS_CLOSED;
	case MBEDTLS_ERR_SSL_CONN_EOF:
	case 0:
		t->ended = TLS_TRUNCATED;
		return TLS_TRUNCATED;
	case MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE:
		/* The one failure after the handshake for which Mbed TLS sends no alert of its own
		 * (RFC 8446 5, 6.2). During the handshake it has sent one: never two. */
		if (t->established)
			mbedtls_ssl_send_alert_message(&t->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
						       MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
		break;
	default:
		break;
	}
	t->error = err;
	t->ended = TLS_FAILED;
	tls_error_format(t->error_text, doing, NULL, err);
	return TLS_FAILED;
}

enum tls_status tls_session_handshake(struct tls_session *t)
{
	if (t->ended)
		return t->ended;
	if (t->established)
		return TLS_OK;
	const int err = mbedtls_ssl_handshake(&t->ssl);
	if (err)
		return status_of(t, err, "handshake");
	t->established = true;
	return TLS_OK;
}

bool tls_session_established(const struct tls_session *t)
{
	return t->established;
}

enum tls_status tls_session_read(struct tls_session *t, uint8_t *buf, size_t cap, size_t *got)
{
	*got = 0;
	if (t->ended)
		return t->ended;
	const int n = mbedtls_ssl_read(&t->ssl, buf, cap);
	if (n <= 0)
		return status_of(t, n, "read");
	*got = (size_t)n;
	return TLS_OK;
}

bool tls_session_pending(const struct tls_session *t)
{
	return !t->ended && mbedtls_ssl_check_pending(&t->ssl);
}

size_t tls_session_max_write(const struct tls_session *t)
{
	const int max = mbedtls_ssl_get_max_out_record_payload(&t->ssl);

	return max > 0 ? (size_t)max : 0;
}

size_t tls_session_wire_size(const struct tls_session *t, size_t len)
{
	const int expansion = mbedtls_ssl_get_record_expansion(&t->ssl);
	const size_t each = expansion > 0 ? (size_t)expansion : 64;
	const size_t max = tls_session_max_write(t);

	return len + each * (max ? (len + max - 1) / max : 1);
}

enum tls_status tls_session_write(struct tls_session *t, const uint8_t *data, size_t len,
				  size_t *taken)
{
	*taken = 0;
	/* The peer's close_notify ends its direction only (RFC 8446 6.1). */
	if (t->ended && t->ended != TLS_CLOSED)
		return t->ended;
	if (t->close_notify_out || len == 0)
		return TLS_FAILED;
	const size_t max = tls_session_max_write(t);
	if (len > max)
		len = max;
	/* After WANT_WRITE the length must be the same, or what it returns is a lie. */
	if (t->write_len)
		len = t->write_len;
	const int n = mbedtls_ssl_write(&t->ssl, data, len);
	if (n == MBEDTLS_ERR_SSL_WANT_WRITE || n == MBEDTLS_ERR_SSL_WANT_READ)
		t->write_len = len;
	else
		t->write_len = 0;
	if (n < 0)
		return status_of(t, n, "write");
	*taken = (size_t)n;
	return TLS_OK;
}

enum tls_status tls_session_close_notify(struct tls_session *t)
{
	if (t->close_notify_out)
		return TLS_OK;
	if (t->ended == TLS_FAILED)
		return TLS_FAILED; /* a fatal alert was the last word */
	const int err = mbedtls_ssl_close_notify(&t->ssl);
	if (err == MBEDTLS_ERR_SSL_WANT_WRITE)
		return TLS_WANT_WRITE;
	if (err)
		return status_of(t, err, "close_notify");
	t->close_notify_out = true;
	return TLS_OK;
}

const char *tls_session_error(const struct tls_session *t)
{
	return t->error ? t->error_text : "no error";
}

bool tls_looks_like_http(const uint8_t *data, size_t len)
{
	/* A TLS record begins with its type, 20 to 24; a request with a method in capitals. */
	const size_t look = len < 3 ? len : 3;

	for (size_t i = 0; i < look; i++)
		if (data[i] < 'A' || data[i] > 'Z')
			return false;
	return look > 0;
}

void tls_session_info(const struct tls_session *t, struct tls_info *info)
{
	*info = (struct tls_info){
		.sni = t->sni[0] ? t->sni : NULL,
		.close_notify_in = t->close_notify_in,
		.close_notify_out = t->close_notify_out,
	};
	if (!t->established)
		return;
	const int id = mbedtls_ssl_get_ciphersuite_id_from_ssl(&t->ssl);
	const mbedtls_ssl_ciphersuite_t *suite = mbedtls_ssl_ciphersuite_from_id(id);
	info->version = mbedtls_ssl_get_version(&t->ssl);
	info->ciphersuite = suite ? mbedtls_ssl_ciphersuite_get_name(suite) : NULL;
	info->alpn = mbedtls_ssl_get_alpn_protocol(&t->ssl);
}
