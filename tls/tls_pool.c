/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_pool.c — contexts of Mbed TLS for the next clients: reset, with the state of a handshake to come, and without
 * record buffers.
 *
 * Only those of connections that were established and did not fail: what went wrong is thrown away.
 */
#include <stdlib.h>

#include "tls/tls_internal.h"

bool tls_pool_give(struct tls_session *t)
{
	struct tls_context *ctx = t->context;

	if (!t->established || t->failing || t->ended == TLS_FAILED || ctx->condemned ||
	    ctx->pooled == TLS_POOL_MAX ||
	    mbedtls_ssl_conf_get_endpoint(&ctx->conf) == MBEDTLS_SSL_IS_CLIENT)
		return false;
	/* Wipes the session and its keys. The buffers are wiped, too. */
	if (!tls_session_wake(t) || mbedtls_ssl_session_reset(&t->ssl) != 0)
		return false;
	free(t->client);
	/* Where it lies, Mbed TLS's context stays. */
	*t = (struct tls_session){.context = ctx, .ssl = t->ssl};
	tls_session_put_aside(t);
	t->next = ctx->pool;
	ctx->pool = t;
	ctx->pooled++;
	return true;
}

struct tls_session *tls_pool_take(struct tls_context *ctx)
{
	struct tls_session *t = ctx->pool;

	if (!t)
		return NULL;
	ctx->pool = t->next;
	ctx->pooled--;
	t->next = NULL;
	t->pooled = true;
	return t;
}

void tls_pool_free(struct tls_context *ctx)
{
	struct tls_session *t;

	while ((t = tls_pool_take(ctx)) != NULL) {
		mbedtls_ssl_free(&t->ssl);
		free(t);
	}
}
