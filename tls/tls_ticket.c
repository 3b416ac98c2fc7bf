/* SPDX-License-Identifier: Apache-2.0 */
/* tls_ticket.c — session tickets: see tls.h. */
#include <stdio.h>

#include <mbedtls/psa_util.h>
#include <mbedtls/ssl_ticket.h>

#include "tls/tls_internal.h"

/* A client uses a ticket once, lest its connections can be linked (RFC 8446 C.4); browsers open two at a time. */
#define TICKETS_PER_HANDSHAKE 2

void tls_ticket_init(struct tls_context *ctx)
{
	mbedtls_ssl_ticket_init(&ctx->tickets);
	/* No callbacks are set yet, so TLS 1.2 offers no ticket; this is for TLS 1.3. */
	mbedtls_ssl_conf_new_session_tickets(&ctx->conf, 0);
}

void tls_ticket_free(struct tls_context *ctx)
{
	mbedtls_ssl_ticket_free(&ctx->tickets);
}

static int rotate(struct tls_context *ctx, const struct tls_ticket_key *key, uint32_t lifetime_s)
{
	return mbedtls_ssl_ticket_rotate(&ctx->tickets, key->name, sizeof key->name, key->secret,
					 sizeof key->secret, lifetime_s);
}

int tls_context_set_ticket_keys(struct tls_context *ctx, const struct tls_ticket_keys *keys,
				char error[TLS_ERROR_SIZE])
{
	int err = 0;

	/* A ticket would pass by the client's certificate, and outlive its end. */
	if (ctx->client_auth != TLS_CLIENT_OFF)
		return 0;
	if (keys->lifetime_s == 0 || keys->lifetime_s > TLS_TICKET_LIFETIME_MAX_S) {
		snprintf(error, TLS_ERROR_SIZE,
			 "session tickets: a lifetime of %u s; it must be from one second to seven "
			 "days (RFC 8446 4.6.1)",
			 (unsigned)keys->lifetime_s);
		return -1;
	}
	if (!ctx->has_tickets)
		err = mbedtls_ssl_ticket_setup(&ctx->tickets, mbedtls_psa_get_random,
					       MBEDTLS_PSA_RANDOM_STATE, MBEDTLS_CIPHER_AES_256_GCM,
					       keys->lifetime_s);
	/* Each takes the place of the older one, so the second is the current. */
	if (!err)
		err = rotate(ctx, &keys->previous, keys->lifetime_s);
	if (!err)
		err = rotate(ctx, &keys->current, keys->lifetime_s);
	if (err) {
		tls_error_format(error, "session tickets", NULL, err);
		return -1;
	}
	ctx->has_tickets = true;
	mbedtls_ssl_conf_session_tickets_cb(&ctx->conf, mbedtls_ssl_ticket_write,
					    mbedtls_ssl_ticket_parse, &ctx->tickets);
	mbedtls_ssl_conf_new_session_tickets(&ctx->conf, TICKETS_PER_HANDSHAKE);
	return 0;
}
