/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_tls.c — what a client can do to a server's session.
 *
 * The first byte chooses: bytes without keys to a session that has just begun; or a handshake with a client of ours,
 * whose flights are edited on the way; or a whole handshake and then operations: records of any type sealed by the
 * client's keys, raw records, bits flipped, key updates, a stream that is full or gone, an end at any point. The
 * library's randomness and clock are tests/sim/entropy.c's, anew for each input.
 *
 * What must hold: no crash; the server sends whole records; at most one alert after each thing that it has read, and one
 * in all in TLS 1.3; nothing once it has failed, and its verdict stays; who has no keys establishes nothing; what is read
 * is a prefix of what the client has sealed; no key is left behind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <psa/crypto.h>

#include "tests/sim/site.h"
#include "tests/unit/tls_fixtures.h"
#include "tls/tls_client.h"
#include "tls/tls_internal.h"

/* Within Mbed TLS: sends whatever record has been laid into the context. */
int mbedtls_ssl_write_record(mbedtls_ssl_context *ssl, int force_flush);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROUNDS_MAX 8000u
#define PIPE_MAX (1u << 20)
#define SEALED_MAX 4096u

enum {
	KIND_RAW,
	KIND_EDITED,
	KIND_ESTABLISHED,
	KINDS
};

struct input {
	const uint8_t *at;
	size_t left;
};

struct pipe {
	uint8_t *data;
	size_t len, taken;
	size_t room;  /* how much more it takes      */
	size_t crumb; /* most that a read gets; 0: all */
	bool dry;     /* the next read of crumbs gets nothing */
	bool fin, gone;
};

struct world {
	struct tls_context *server_ctx, *client_ctx;
	struct tls_session *server, *client;
	struct pipe up, down;
	bool v12;
	size_t alerts;       /* of the server, in all                   */
	size_t alerts_since; /* since it has read something             */
	bool failed;         /* the server has said so: it is to be silent */
	uint8_t *sealed;     /* what the client has sealed as content   */
	size_t sealed_len, read_len;
	size_t owed; /* of a write that has to be repeated */
	bool ended;
	enum tls_status end;
};

static void __attribute__((noreturn)) found(const char *what)
{
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

static const uint8_t page[600] = "what the server has to say";

static uint8_t next(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

/* At most `max` of the bytes that are left. */
static size_t next_bytes(struct input *in, size_t max, const uint8_t **bytes)
{
	const size_t n = max < in->left ? max : in->left;

	*bytes = in->at;
	in->at += n;
	in->left -= n;
	return n;
}

/* ------------------------------------------------------------------ the stream */

static long put(struct pipe *p, const uint8_t *data, size_t len)
{
	if (p->gone)
		return -1;
	if (len > p->room || len > PIPE_MAX - p->len)
		return 0;
	if (p->room != SIZE_MAX)
		p->room -= len;
	memcpy(p->data + p->len, data, len);
	p->len += len;
	return (long)len;
}

static long get(struct pipe *p, uint8_t *buf, size_t len)
{
	size_t n = p->len - p->taken;

	if (n == 0)
		return p->fin ? -1 : 0;
	if (p->crumb) {
		p->dry = !p->dry;
		if (p->dry)
			return 0;
		n = n < p->crumb ? n : p->crumb;
	}
	n = n < len ? n : len;
	memcpy(buf, p->data + p->taken, n);
	p->taken += n;
	return (long)n;
}

/* What the server sends is made of whole records, and seldom of alerts. */
static void watch(struct world *w, const uint8_t *data, size_t len)
{
	if (w->failed)
		found("the server sends although it has failed");
	while (len > 0) {
		const size_t body = len < 5 ? 0 : (size_t)data[3] << 8 | data[4];

		if (len < 5 || body > len - 5 || body == 0 || data[0] < 20 || data[0] > 23)
			found("the server does not send whole records");
		if (tls_records_hold_alert(data, 5 + body)) {
			w->alerts++;
			w->alerts_since++;
		}
		data += 5 + body;
		len -= 5 + body;
	}
	if (w->alerts_since > 1 || (w->alerts > 1 && !w->v12))
		found("the server sends more than one alert");
}

static long server_send(void *ctx, const uint8_t *data, size_t len)
{
	struct world *w = ctx;
	const long n = put(&w->down, data, len);

	if (n > 0)
		watch(w, data, len);
	return n;
}

static long server_recv(void *ctx, uint8_t *buf, size_t len)
{
	struct world *w = ctx;
	const long n = get(&w->up, buf, len);

	if (n > 0)
		w->alerts_since = 0;
	return n;
}

static long client_send(void *ctx, const uint8_t *data, size_t len)
{
	return put(&((struct world *)ctx)->up, data, len);
}

static long client_recv(void *ctx, uint8_t *buf, size_t len)
{
	return get(&((struct world *)ctx)->down, buf, len);
}

/* ------------------------------------------------------------------ the two sessions */

static struct tls_blob text(const char *pem)
{
	return (struct tls_blob){(const uint8_t *)pem, strlen(pem), "fixture"};
}

static void create_contexts(struct world *w, bool both, bool tickets)
{
	static const char *const alpn[] = {"http/1.1", NULL};
	const struct tls_pair pairs[] = {
		{text(fixture_p256_cert), text(fixture_p256_key)},
		{text(fixture_rsa_cert), text(fixture_rsa_key)},
	};
	const struct tls_config server = {.pair = pairs, .pair_count = both ? 2 : 1, .alpn = alpn};
	const struct tls_client_config client = {
		.server_name = "site.test",
		.version = w->v12 ? TLS_VERSION_1_2 : TLS_VERSION_1_3,
	};
	const struct tls_ticket_keys keys = {
		.current = {{1}, {2}}, .previous = {{3}, {4}}, .lifetime_s = 3600};
	char error[TLS_ERROR_SIZE];

	w->server_ctx = tls_context_create(&server, error);
	w->client_ctx = tls_context_create_client(&client, error);
	if (!w->server_ctx || !w->client_ctx)
		found("no contexts");
	if (tickets && tls_context_set_ticket_keys(w->server_ctx, &keys, error) != 0)
		found("no tickets");
}

static void create(struct world *w, uint8_t how)
{
	const struct tls_stream at_server = {w, server_send, server_recv};
	const struct tls_stream at_client = {w, client_send, client_recv};

	*w = (struct world){.v12 = how & 4};
	w->up.data = malloc(PIPE_MAX);
	w->down.data = malloc(PIPE_MAX);
	w->sealed = malloc(PIPE_MAX);
	w->up.room = w->down.room = SIZE_MAX;
	w->up.crumb = how & 8 ? 1 + (how >> 4) % 4 * 7u : 0;
	create_contexts(w, how & 128, how & 64);
	w->server = tls_session_create(w->server_ctx, &at_server);
	w->client = tls_session_create(w->client_ctx, &at_client);
	if (!w->up.data || !w->down.data || !w->sealed || !w->server || !w->client)
		found("out of memory");
}

static void destroy(struct world *w)
{
	tls_session_destroy(w->server);
	tls_session_destroy(w->client);
	tls_context_destroy(w->server_ctx);
	tls_context_destroy(w->client_ctx);
	free(w->up.data);
	free(w->down.data);
	free(w->sealed);
	mbedtls_psa_stats_t stats;
	mbedtls_psa_get_stats(&stats);
	if (stats.MBEDTLS_PRIVATE(volatile_slots) != 0)
		found("keys are left behind");
}

/* ------------------------------------------------------------------ the server's turn */

static bool final(enum tls_status status)
{
	return status == TLS_CLOSED || status == TLS_TRUNCATED || status == TLS_FAILED;
}

static void note(struct world *w, enum tls_status status)
{
	if (w->ended && status != w->end && status != TLS_FAILED)
		found("an end is not final");
	if (final(status)) {
		w->ended = true;
		w->end = status;
	}
	if (status == TLS_FAILED)
		w->failed = true;
}

/* Reads what there is, and holds it against what the client has sealed. */
static void serve(struct world *w)
{
	uint8_t buf[700];
	size_t got;
	enum tls_status status;

	for (unsigned dry = 0, round = 0; dry < 3 && round < PIPE_MAX; round++) {
		status = tls_session_read(w->server, buf, sizeof buf, &got);
		note(w, status);
		if (status != TLS_OK) {
			/* With crumbs every other read finds nothing. */
			dry = w->up.taken == w->up.len || final(status) || status == TLS_WANT_WRITE
				      ? 3
				      : dry + 1;
			if (got != 0)
				found("bytes without TLS_OK");
			continue;
		}
		dry = 0;
		if (got == 0 || got > sizeof buf || got > w->sealed_len - w->read_len ||
		    memcmp(buf, w->sealed + w->read_len, got) != 0)
			found("the server reads what nobody has sealed");
		w->read_len += got;
	}
	if (w->failed != (tls_session_error(w->server)[0] != '\0') && w->failed)
		found("a failure without a word");
}

/* Its end is the end: whatever is called, it neither sends nor changes its mind. */
static void finish(struct world *w)
{
	const size_t sent = w->down.len;
	size_t n;

	if (!w->failed)
		return;
	note(w, tls_session_handshake(w->server) == TLS_OK ? w->end : TLS_FAILED);
	if (tls_session_write(w->server, page, w->server->write_len ? w->owed : 3, &n) !=
	    TLS_FAILED)
		found("a failed session writes");
	if (tls_session_close_notify(w->server) != TLS_FAILED)
		found("a failed session says goodbye");
	serve(w);
	if (w->down.len != sent)
		found("a failed session sends");
}

/* ------------------------------------------------------------------ what is done to it */

static void raw(struct world *w, struct input *in)
{
	while (in->left > 0) {
		const uint8_t *bytes;
		const size_t n = next_bytes(in, w->up.crumb ? 1 + next(in) : in->left, &bytes);

		put(&w->up, bytes, n);
		serve(w);
	}
	w->up.fin = true;
	serve(w);
	if (tls_session_established(w->server))
		found("a handshake without keys");
}

/* Both sides' handshake; each edit is a position in all that the client sends, and what to change there. */
static void shake(struct world *w, struct input *in, bool edits)
{
	size_t at = edits ? (size_t)next(in) << 3 : SIZE_MAX;

	for (unsigned i = 0; i < ROUNDS_MAX; i++) {
		const size_t before = w->up.len + w->down.len + w->up.taken + w->down.taken;

		tls_session_handshake(w->client);
		while (at < w->up.len && in->left > 0) {
			if (at >= w->up.taken)
				w->up.data[at] ^= next(in);
			at += 1 + next(in);
		}
		const enum tls_status status = tls_session_handshake(w->server);
		note(w, status);
		if (w->up.len + w->down.len + w->up.taken + w->down.taken == before && !w->up.dry)
			break;
	}
	if (!edits && (!tls_session_established(w->server) || !tls_session_established(w->client)))
		found("a plain handshake fails");
}

/* A record of any type under the client's keys. */
static void seal(struct world *w, struct input *in)
{
	mbedtls_ssl_context *ssl = &w->client->ssl;
	const uint8_t type = 20 + next(in) % 5;
	const uint8_t *bytes;
	const size_t n = next_bytes(in, next(in), &bytes);

	if (!tls_session_wake(w->client) || ssl->MBEDTLS_PRIVATE(out_left) != 0 || w->up.gone)
		return;
	ssl->MBEDTLS_PRIVATE(out_msgtype) = type;
	ssl->MBEDTLS_PRIVATE(out_msglen) = n;
	memcpy(ssl->MBEDTLS_PRIVATE(out_msg), bytes, n);
	if (mbedtls_ssl_write_record(ssl, 1) == 0 && type == MBEDTLS_SSL_MSG_APPLICATION_DATA) {
		memcpy(w->sealed + w->sealed_len, bytes, n);
		w->sealed_len += n;
	}
}

static void client_writes(struct world *w, size_t len)
{
	uint8_t *at = w->sealed + w->sealed_len;
	size_t n;

	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)(i * 7 + len);
	if (tls_session_write(w->client, at, len, &n) == TLS_OK)
		w->sealed_len += n;
}

/* The server asks for new keys, which it has no reason to: so the client changes those that it seals with. */
static void ask_for_keys(struct world *w)
{
	static const uint8_t message[] = {24, 0, 0, 1, 1};
	mbedtls_ssl_context *ssl = &w->server->ssl;

	if (w->v12 || w->ended || w->down.room != SIZE_MAX || !tls_session_wake(w->server) ||
	    ssl->MBEDTLS_PRIVATE(out_left) != 0)
		return;
	ssl->MBEDTLS_PRIVATE(out_msgtype) = MBEDTLS_SSL_MSG_HANDSHAKE;
	ssl->MBEDTLS_PRIVATE(out_msglen) = sizeof message;
	memcpy(ssl->MBEDTLS_PRIVATE(out_msg), message, sizeof message);
	mbedtls_ssl_write_record(ssl, 1);
}

static void server_writes(struct world *w, struct input *in)
{
	const size_t len = 3 + (size_t)next(in) * 2;
	size_t n;

	w->owed = w->server->write_len ? w->owed : len;
	const enum tls_status status = tls_session_write(w->server, page, w->owed, &n);
	if (status == TLS_FAILED && !w->ended && !w->server->closing)
		w->failed = true;
	if (status == TLS_OK && (n == 0 || n > w->owed))
		found("a write of nothing");
}

static void client_reads(struct world *w)
{
	uint8_t buf[700];
	size_t got;

	while (tls_session_read(w->client, buf, sizeof buf, &got) == TLS_OK) {
	}
}

static void operate(struct world *w, struct input *in)
{
	const uint8_t op = next(in);
	const uint8_t *bytes;
	uint8_t header[5] = {0, 3, 3, 0, 0};
	size_t n;

	switch (op % 13) {
	case 0:
		client_writes(w, 1 + (size_t)next(in) * 16);
		break;
	case 1:
		seal(w, in);
		break;
	case 2: /* a record in the clear */
		header[0] = 20 + next(in) % 5;
		n = next_bytes(in, next(in), &bytes);
		header[4] = (uint8_t)n;
		put(&w->up, header, sizeof header);
		put(&w->up, bytes, n);
		break;
	case 3: /* a bit of what is on its way */
		n = w->up.len - w->up.taken;
		if (n > 0)
			w->up.data[w->up.taken + next(in) % n] ^= (uint8_t)(1 << next(in) % 8);
		break;
	case 4:
		server_writes(w, in);
		break;
	case 5:
		tls_session_rest(w->server);
		break;
	case 6:
		if (tls_session_close_notify(w->server) == TLS_FAILED)
			w->failed = true;
		break;
	case 7:
		w->up.fin = true;
		break;
	case 8: /* room for so much, or for all */
		n = next(in);
		w->down.room = n > 127 ? SIZE_MAX : n;
		break;
	case 9:
		client_reads(w);
		break;
	case 10:
		ask_for_keys(w);
		break;
	case 11:
		w->down.gone = w->down.gone || next(in) == 255;
		break;
	case 12:
		tls_session_close_notify(w->client);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct world w;
	uint8_t how;

	if (size < 2 || size > SEALED_MAX)
		return 0;
	site_seed_tls(1);
	how = next(&in);
	create(&w, how);
	switch (how % 4 % KINDS) {
	case KIND_RAW:
		raw(&w, &in);
		break;
	case KIND_EDITED:
		shake(&w, &in, true);
		serve(&w);
		break;
	case KIND_ESTABLISHED:
		shake(&w, &in, false);
		while (in.left > 0) {
			operate(&w, &in);
			/* Some things happen together. */
			if (in.left == 0 || in.at[0] < 128)
				serve(&w);
		}
		w.down.room = SIZE_MAX;
		serve(&w);
		break;
	}
	finish(&w);
	destroy(&w);
	return 0;
}
