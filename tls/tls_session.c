/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_session.c — one connection: Mbed TLS's return codes become the few states of tls.h.
 *
 * Three rules keep that honest.
 * - The stream takes a flight of records whole or not at all. Mbed TLS keeps what was refused
 *   (`blocked`) and offers it again at its next flush; mbedtls_ssl_write would then report new data
 *   as written that it never looked at, so a session flushes before it does anything else.
 * - A connection that fails sends one fatal alert and nothing after it. Mbed TLS sends most of them
 *   itself, can repeat one after WANT_WRITE, and forgets some; the session sees alerts pass in
 *   bio_send, fills in a missing one and swallows a second.
 * - Failure, and the end of reading, are final: later calls give the same answer.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/net_sockets.h>

#include "tls/tls_internal.h"

/* ------------------------------------------------------------------ the stream for Mbed TLS */

static int bio_send(void *ctx, const unsigned char *data, size_t len)
{
	struct tls_session *t = ctx;
	const bool pending_write = t->write_len != 0 && !t->write_sent;
	const bool alert = t->alerting && !pending_write && tls_records_hold_alert(data, len);

	/* Behind close_notify comes nothing (RFC 8446 6.1). */
	if (t->closing && !t->blocked)
		return (int)len;
	/* Neither a second alert, nor an answer to the peer's: see describe(). */
	if (alert && (t->alert_sent || tls_record_is_plain_alert(&t->in))) {
		t->blocked = false;
		return (int)len;
	}
	const long n = t->stream.send(t->stream.ctx, data, len);
	t->blocked = n == 0;
	if (n < 0) {
		t->gone = true;
		return MBEDTLS_ERR_NET_CONN_RESET;
	}
	if (n == 0)
		return MBEDTLS_ERR_SSL_WANT_WRITE;
	if (pending_write)
		t->write_sent = true;
	if (alert)
		t->alert_sent = true;
	return (int)len;
}

static int bio_recv(void *ctx, unsigned char *buf, size_t len)
{
	struct tls_session *t = ctx;
	const long n = t->stream.recv(t->stream.ctx, buf, len);

	t->starved = n == 0;
	if (n == 0)
		return MBEDTLS_ERR_SSL_WANT_READ;
	if (n < 0) {
		t->at_eof = true;
		return 0;
	}
	/* An alert sent before was a warning, or the connection would not be read any more. */
	t->alert_sent = false;
	tls_record_scan(&t->in, buf, (size_t)n);
	return (int)n;
}

/* ------------------------------------------------------------------ failure */

static void describe(struct tls_session *t, const char *doing, int code)
{
	int alert = TLS_NO_ALERT;

	/* Mbed TLS 4 has mbedtls_ssl_get_fatal_alert for this; 3.6 leaves the alert in its
	 * buffer. */
	if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
		alert = t->ssl.MBEDTLS_PRIVATE(in_msg)[1];
	/* A client that does not like our certificate may say so before it has begun to encrypt, as
	 * OpenSSL does in middlebox compatibility mode (RFC 8446 D.4). To Mbed TLS that is a record
	 * with a bad MAC. */
	if (code == MBEDTLS_ERR_SSL_INVALID_MAC && tls_record_is_plain_alert(&t->in))
		alert = t->in.content[1];

	if (alert != TLS_NO_ALERT)
		snprintf(t->error, sizeof t->error, "%s: the peer refused with the alert %s (%d)",
			 doing, tls_alert_name((unsigned)alert), alert);
	else if (code == MBEDTLS_ERR_NET_CONN_RESET)
		snprintf(t->error, sizeof t->error, "%s: the connection is gone", doing);
	else
		tls_error_format(t->error, doing, NULL, code);
}

/* Gets the alert out that is owed to the peer, behind whatever was refused before it. */
static enum tls_status send_last_alert(struct tls_session *t)
{
	t->alerting = true;
	/* While the library holds unsent bytes a call only flushes them: at most one flight and one
	 * alert. */
	for (int calls = 0; calls < 3 && t->alert != TLS_NO_ALERT && !t->alert_sent && !t->gone;
	     calls++) {
		const int err = mbedtls_ssl_send_alert_message(
			&t->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, (unsigned char)t->alert);
		if (err == MBEDTLS_ERR_SSL_WANT_WRITE)
			return TLS_WANT_WRITE;
		if (err)
			break;
	}
	t->failing = false;
	t->ended = TLS_FAILED;
	return TLS_FAILED;
}

static enum tls_status fail(struct tls_session *t, const char *doing, int code)
{
	describe(t, doing, code);
	t->failing = true;
	t->alert = t->started && !t->closing ? tls_error_alert(code, &t->in) : TLS_NO_ALERT;
	return send_last_alert(t);
}

/* What a negative return code, or the 0 of mbedtls_ssl_read, means. */
static enum tls_status settle(struct tls_session *t, const char *doing, int code)
{
	switch (code) {
	case MBEDTLS_ERR_SSL_WANT_READ:
		return TLS_WANT_READ;
	case MBEDTLS_ERR_SSL_WANT_WRITE:
		return TLS_WANT_WRITE;
	case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
		t->close_notify_in = true;
		t->ended = TLS_CLOSED;
		return t->ended;
	case MBEDTLS_ERR_SSL_CONN_EOF:
		t->ended = TLS_TRUNCATED;
		return t->ended;
	default:
		return fail(t, doing, code);
	}
}

/* Offers the stream again what it refused. */
static int flush(struct tls_session *t)
{
	/* The public call that flushes and, while there is something to flush, does nothing
	 * else. */
	return t->blocked ? mbedtls_ssl_send_alert_message(&t->ssl, MBEDTLS_SSL_ALERT_LEVEL_WARNING,
							   MBEDTLS_SSL_ALERT_MSG_CLOSE_NOTIFY)
			  : 0;
}

/* ------------------------------------------------------------------ life */

struct tls_session *tls_session_create(struct tls_context *ctx, const struct tls_stream *stream)
{
	struct tls_session *t = tls_pool_take(ctx);

	if (!t) {
		t = calloc(1, sizeof *t);
		if (!t)
			return NULL;
		t->context = ctx;
		mbedtls_ssl_init(&t->ssl);
	}
	ctx->sessions++;
	t->stream = *stream;
	t->alert = TLS_NO_ALERT;
	return t;
}

void tls_session_destroy(struct tls_session *t)
{
	if (!t)
		return;
	struct tls_context *ctx = t->context;
	if (!tls_pool_give(t)) {
		mbedtls_ssl_free(&t->ssl);
		free(t->client);
		free(t);
	}
	if (--ctx->sessions == 0 && ctx->condemned)
		tls_context_destroy(ctx);
}

/* The record buffers take 33 KiB: a connection that never says anything must not cost them. */
static int start(struct tls_session *t)
{
	int err = 0;

	if (!t->pooled)
		err = mbedtls_ssl_setup(&t->ssl, &t->context->conf);
	else if (!tls_session_wake(t))
		err = MBEDTLS_ERR_SSL_ALLOC_FAILED;
	t->pooled = t->pooled && err != 0;
	/* A name has to be set, be it none, before a client may verify a certificate. */
	if (!err && mbedtls_ssl_conf_get_endpoint(&t->context->conf) == MBEDTLS_SSL_IS_CLIENT)
		err = mbedtls_ssl_set_hostname(&t->ssl, t->context->server_name);
	if (err)
		return err;
	mbedtls_ssl_set_user_data_p(&t->ssl, t);
	tls_keylog_begin(t);
	mbedtls_ssl_set_bio(&t->ssl, t, bio_send, bio_recv, NULL);
	t->started = true;
	return 0;
}

/* mbedtls_ssl_handshake, with an eye on the way that it takes. Tickets are states beyond HANDSHAKE_OVER, from where
 * it comes back. */
static int step_to_the_end(struct tls_session *t)
{
	int err = 0;

	while (err == 0 && t->ssl.MBEDTLS_PRIVATE(state) != MBEDTLS_SSL_HANDSHAKE_OVER) {
		t->certified = t->certified ||
			       t->ssl.MBEDTLS_PRIVATE(state) == MBEDTLS_SSL_SERVER_CERTIFICATE;
		err = mbedtls_ssl_handshake_step(&t->ssl);
	}
	return err;
}

/* The handshake is complete. Where a certificate is only wanted Mbed TLS takes any: a client that shows a bad one
 * shall not be mistaken for one that showed none. */
static enum tls_status judge_client(struct tls_session *t)
{
	const mbedtls_x509_crt *cert = mbedtls_ssl_get_peer_cert(&t->ssl);
	const uint32_t flags = mbedtls_ssl_get_verify_result(&t->ssl);
	char subject[512];

	if (t->context->client_auth == TLS_CLIENT_OFF || !cert) {
		t->established = true;
		return TLS_OK;
	}
	if (flags != 0) {
		describe(t, "TLS client certificate", MBEDTLS_ERR_X509_CERT_VERIFY_FAILED);
		t->failing = true;
		t->alert =
			flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED ? MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA
			: flags & MBEDTLS_X509_BADCERT_EXPIRED ? MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED
							       : MBEDTLS_SSL_ALERT_MSG_BAD_CERT;
		return send_last_alert(t);
	}
	if (mbedtls_x509_dn_gets(subject, sizeof subject, &cert->subject) > 0)
		t->client = strdup(subject);
	t->established = true;
	return TLS_OK;
}

enum tls_status tls_session_handshake(struct tls_session *t)
{
	int err = 0;

	if (t->failing)
		return send_last_alert(t);
	if (t->established)
		return TLS_OK;
	if (t->ended)
		return t->ended;
	if (!t->started)
		err = start(t);
	t->alerting = true;
	if (!err) {
		/* WANT_READ can also mean that a record was swallowed while more wait in the
		 * stream. */
		do {
			t->starved = false;
			err = step_to_the_end(t);
		} while (err == MBEDTLS_ERR_SSL_WANT_READ && !t->starved);
	}
	if (err)
		return settle(t, "TLS handshake", err);
	return judge_client(t);
}

bool tls_session_established(const struct tls_session *t)
{
	return t->established;
}

/* ------------------------------------------------------------------ data */

/* Memory was short when record buffers were needed again. No alert can be made without them. */
static enum tls_status fail_to_wake(struct tls_session *t)
{
	tls_error_format(t->error, "TLS", NULL, MBEDTLS_ERR_SSL_ALLOC_FAILED);
	t->ended = TLS_FAILED;
	return t->ended;
}

enum tls_status tls_session_read(struct tls_session *t, uint8_t *buf, size_t cap, size_t *got)
{
	int n;

	assert(cap > 0);
	*got = 0;
	if (t->failing)
		return send_last_alert(t);
	if (t->ended)
		return t->ended;
	if (!t->established) {
		const enum tls_status status = tls_session_handshake(t);

		if (status != TLS_OK)
			return status;
	}
	if (!tls_session_wake(t))
		return fail_to_wake(t);
	t->alerting = true;
	/* 0 is the end of the stream, or only an empty record. */
	do {
		t->starved = false;
		n = mbedtls_ssl_read(&t->ssl, buf, cap);
	} while ((n == MBEDTLS_ERR_SSL_WANT_READ && !t->starved) || (n == 0 && !t->at_eof));
	if (n > 0) {
		*got = (size_t)n;
		return TLS_OK;
	}
	return settle(t, "TLS read", n == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : n);
}

bool tls_session_pending(const struct tls_session *t)
{
	return t->started && !t->ended &&
	       (mbedtls_ssl_check_pending(&t->ssl) || mbedtls_ssl_get_bytes_avail(&t->ssl) > 0);
}

enum tls_status tls_session_write(struct tls_session *t, const uint8_t *data, size_t len,
				  size_t *taken)
{
	int n;

	assert(len > 0 && len >= t->write_len);
	*taken = 0;
	if (t->failing)
		return send_last_alert(t);
	if (t->ended == TLS_FAILED || !t->established || t->closing)
		return TLS_FAILED;
	if (!tls_session_wake(t))
		return fail_to_wake(t);
	t->alerting = false;
	if (t->write_len == 0) {
		const int err = flush(t);

		if (err)
			return settle(t, "TLS write", err);
		t->write_sent = false;
		n = mbedtls_ssl_write(&t->ssl, data, len);
		if (n == MBEDTLS_ERR_SSL_WANT_WRITE) {
			const size_t max = tls_session_max_write(t);

			t->write_len = len < max ? len : max;
		}
	} else if (t->write_sent) {
		n = (int)t->write_len;
	} else {
		n = mbedtls_ssl_write(&t->ssl, data, t->write_len);
	}
	if (n < 0)
		return settle(t, "TLS write", n);
	t->write_len = 0;
	*taken = (size_t)n;
	return TLS_OK;
}

size_t tls_session_max_write(const struct tls_session *t)
{
	const int max = t->started ? mbedtls_ssl_get_max_out_record_payload(&t->ssl) : 0;

	return max > 0 ? (size_t)max : MBEDTLS_SSL_OUT_CONTENT_LEN;
}

size_t tls_session_wire_size(const struct tls_session *t, size_t len)
{
	const size_t max = tls_session_max_write(t);
	const int expansion = t->started ? mbedtls_ssl_get_record_expansion(&t->ssl) : 0;

	/* Mbed TLS's number holds header, nonce, tag and the type that TLS 1.3 puts behind the
	 * content. */
	return (len < max ? len : max) + (expansion > 0 ? (size_t)expansion : TLS_RECORD_HEADER);
}

/* Before the handshake is over there is nothing to end in order: then this sends nothing. */
enum tls_status tls_session_close_notify(struct tls_session *t)
{
	if (t->failing)
		return send_last_alert(t);
	if (t->ended == TLS_FAILED)
		return TLS_FAILED;
	if (t->close_notify_out || !t->established)
		return TLS_OK;
	if (!tls_session_wake(t))
		return fail_to_wake(t);
	t->alerting = false;
	int err = flush(t);
	if (!err && !t->closing) {
		err = mbedtls_ssl_close_notify(&t->ssl);
		/* Once the library has sealed the alert, a flush sends it. */
		t->closing = !err || err == MBEDTLS_ERR_SSL_WANT_WRITE;
	}
	if (err)
		return settle(t, "TLS close_notify", err);
	t->close_notify_out = true;
	return TLS_OK;
}

/* ------------------------------------------------------------------ what there is to know */

const char *tls_session_error(const struct tls_session *t)
{
	return t->error;
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
	info->client = t->client;
	info->resumed = !t->certified;
	info->version = mbedtls_ssl_get_version(&t->ssl);
	info->ciphersuite = tls_policy_suite_name(mbedtls_ssl_get_ciphersuite_id_from_ssl(&t->ssl));
	info->alpn = mbedtls_ssl_get_alpn_protocol(&t->ssl);
}
