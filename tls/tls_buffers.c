/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_buffers.c — record buffers for those who speak, none for those who wait.
 *
 * Mbed TLS makes two buffers of 16 KiB and more with a connection and keeps them for its life. Between records they
 * hold nothing but the number of the next record to be read: that is put aside here, the buffers go to the
 * context's few spare ones, and the next call takes the pair that went there last, which is still in the cache.
 * Everything else that points into them the library sets anew with every record, except where the content of ours
 * begins: behind the explicit nonce in TLS 1.2, which no later record changes.
 */
#include <stdlib.h>
#include <string.h>

#include "tls/tls_internal.h"

/* Mbed TLS's field of that name. */
#define SSL(t, field) ((t)->ssl.MBEDTLS_PRIVATE(field))
#define COUNTER MBEDTLS_SSL_SEQUENCE_NUMBER_LEN

/* A spare buffer's first bytes. */
struct tls_spare {
	struct tls_spare *next;
};

static uint8_t *take(struct tls_spares *spares)
{
	struct tls_spare *spare = spares->first;

	if (!spare)
		return calloc(1, TLS_RECORD_BUFFER);
	spares->first = spare->next;
	spares->count--;
	return (uint8_t *)spare;
}

static void give(struct tls_spares *spares, uint8_t *buf)
{
	if (spares->count >= TLS_SPARES_MAX) {
		free(buf);
		return;
	}
	struct tls_spare *spare = (struct tls_spare *)(void *)buf;
	spare->next = spares->first;
	spares->first = spare;
	spares->count++;
}

void tls_spares_free(struct tls_spares *spares)
{
	while (spares->first)
		free(take(spares));
}

/* Nothing of a record is in them: neither a part of one, nor content that was not read, nor what the stream refused.
 * Only then does nobody miss them. */
static bool idle(const struct tls_session *t)
{
	return t->established && !t->failing && !t->blocked && t->write_len == 0 &&
	       SSL(t, in_left) == 0 && SSL(t, out_left) == 0 &&
	       SSL(t, badmac_seen_or_in_hsfraglen) == 0 && !mbedtls_ssl_check_pending(&t->ssl);
}

void tls_session_rest(struct tls_session *t)
{
	if (!t->resting && idle(t))
		tls_session_put_aside(t);
}

void tls_session_put_aside(struct tls_session *t)
{
	struct tls_spares *spares = &t->context->spares;

	memcpy(t->in_counter, SSL(t, in_ctr), COUNTER);
	t->out_content = (size_t)(SSL(t, out_msg) - SSL(t, out_buf));
	/* What was decrypted is nobody else's: the library wipes it as it is read. */
	give(spares, SSL(t, out_buf));
	give(spares, SSL(t, in_buf));
	SSL(t, in_buf) = SSL(t, in_ctr) = SSL(t, in_hdr) = SSL(t, in_len) = NULL;
	SSL(t, in_iv) = SSL(t, in_msg) = NULL;
	SSL(t, out_buf) = SSL(t, out_ctr) = SSL(t, out_hdr) = SSL(t, out_len) = NULL;
	SSL(t, out_iv) = SSL(t, out_msg) = NULL;
	t->resting = true;
}

bool tls_session_wake(struct tls_session *t)
{
	if (!t->resting)
		return true;
	uint8_t *in = take(&t->context->spares), *out = take(&t->context->spares);
	if (!in || !out) {
		free(in);
		free(out);
		return false;
	}
	memcpy(in, t->in_counter, COUNTER);
	SSL(t, in_buf) = SSL(t, in_ctr) = in;
	SSL(t, in_hdr) = in + COUNTER;
	SSL(t, in_len) = SSL(t, in_hdr) + 3;
	SSL(t, in_iv) = SSL(t, in_msg) = SSL(t, in_hdr) + TLS_RECORD_HEADER;
	SSL(t, out_buf) = SSL(t, out_ctr) = out;
	SSL(t, out_hdr) = out + COUNTER;
	SSL(t, out_len) = SSL(t, out_hdr) + 3;
	SSL(t, out_iv) = SSL(t, out_hdr) + TLS_RECORD_HEADER;
	SSL(t, out_msg) = out + t->out_content;
	t->resting = false;
	return true;
}
