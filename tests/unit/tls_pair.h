/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_pair.h — a client and a server session joined by two pipes in memory, for the tests of tls/.
 *
 * A pipe keeps every byte that ever passed, so that a test can read the records off it, and it can be made difficult:
 * little room, every send refused once, bytes delivered in portions or in crumbs with a dry spell before each.
 */
#ifndef TESTS_UNIT_TLS_PAIR_H
#define TESTS_UNIT_TLS_PAIR_H

#include "tests/unit/cmocka_all.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/ssl.h>

#include "tests/unit/tls_fixtures.h"
#include "tls/tls.h"
#include "tls/tls_client.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define HEADER_LEN 5

/* ------------------------------------------------------------------ pipes */

#define NO_LIMIT SIZE_MAX

struct pipe {
	uint8_t *data; /* everything that was ever sent                        */
	size_t len, cap;
	size_t taken;    /* of it, by the reader                                 */
	size_t room;     /* at most so many bytes are on their way               */
	size_t readable; /* bytes that the reader may still take                 */
	size_t crumb;    /* most that a read gets, after a dry one; 0: no limit  */
	size_t refused;  /* length of the last send when it was refused, or 0    */
	size_t refusals, sends;
	bool stubborn; /* refuses each send once                               */
	bool dry;      /* the last read of crumbs got nothing                  */
	bool fin;      /* the reader finds the end behind the data             */
	bool broken;   /* takes nothing ever more                              */
};

/* What the reader has not taken yet. */
static inline size_t in_flight(const struct pipe *p)
{
	return p->len - p->taken;
}

static inline uint8_t *next_of(const struct pipe *p)
{
	return p->data + p->taken;
}

static inline void pipe_append(struct pipe *p, const void *data, size_t len)
{
	if (p->cap - p->len < len) {
		p->cap = 2 * p->cap + len + 4096;
		p->data = realloc(p->data, p->cap);
		assert_non_null(p->data);
	}
	memcpy(p->data + p->len, data, len);
	p->len += len;
}

static inline long pipe_send(struct pipe *p, const uint8_t *data, size_t len)
{
	assert_true(len > 0);
	if (p->broken)
		return -1;
	if (p->room < in_flight(p) || p->room - in_flight(p) < len ||
	    (p->stubborn && !p->refused)) {
		p->refused = len;
		p->refusals++;
		return 0;
	}
	p->refused = 0;
	p->sends++;
	pipe_append(p, data, len);
	return (long)len;
}

static inline long pipe_recv(struct pipe *p, uint8_t *buf, size_t len)
{
	size_t n = in_flight(p);

	assert_true(len > 0);
	if (n == 0)
		return p->fin ? -1 : 0;
	if (n > p->readable)
		n = p->readable;
	if (n > len)
		n = len;
	if (p->crumb) {
		p->dry = !p->dry;
		if (p->dry)
			return 0;
		n = n < p->crumb ? n : p->crumb;
	}
	if (p->readable != NO_LIMIT)
		p->readable -= n;
	memcpy(buf, next_of(p), n);
	p->taken += n;
	return (long)n;
}

/* ------------------------------------------------------------------ contexts */

static inline struct tls_blob blob(const char *pem, const char *name)
{
	return (struct tls_blob){(const uint8_t *)pem, strlen(pem), name};
}

static const char *const alpn_http[] = {"h2", "http/1.1", NULL};

/* `cert` and `key` NULL: the P-256 leaf for site.test; with the intermediate behind it. */
static inline struct tls_context *server_context(const char *cert, const char *key,
						 const char *const *alpn)
{
	char chain[8192], error[TLS_ERROR_SIZE] = "";

	snprintf(chain, sizeof chain, "%s%s", cert ? cert : fixture_p256_cert,
		 fixture_intermediate);
	const struct tls_pair pem = {
		.cert = blob(chain, "chain.pem"),
		.key = blob(key ? key : fixture_p256_key, "key.pem"),
	};
	const struct tls_config cfg = {.pair = &pem, .pair_count = 1, .alpn = alpn};
	struct tls_context *ctx = tls_context_create(&cfg, error);
	assert_string_equal(error, "");
	assert_non_null(ctx);
	return ctx;
}

/* ------------------------------------------------------------------ the pair */

struct pair {
	struct tls_context *server_context, *client_context;
	struct tls_session *server, *client;
	struct pipe up, down; /* to the server, to the client */
	bool grant_room;      /* after each round there is just room for what was refused   */
	size_t grant_bytes;   /* after each round, so many more bytes are delivered; or 0   */
};

static inline long up_send(void *ctx, const uint8_t *data, size_t len)
{
	return pipe_send(&((struct pair *)ctx)->up, data, len);
}

static inline long up_recv(void *ctx, uint8_t *buf, size_t len)
{
	return pipe_recv(&((struct pair *)ctx)->up, buf, len);
}

static inline long down_send(void *ctx, const uint8_t *data, size_t len)
{
	return pipe_send(&((struct pair *)ctx)->down, data, len);
}

static inline long down_recv(void *ctx, uint8_t *buf, size_t len)
{
	return pipe_recv(&((struct pair *)ctx)->down, buf, len);
}

/* Fresh sessions on empty pipes. */
static inline void pair_begin(struct pair *p)
{
	const struct tls_stream at_server = {p, down_send, up_recv};
	const struct tls_stream at_client = {p, up_send, down_recv};

	p->up = (struct pipe){.room = NO_LIMIT, .readable = NO_LIMIT};
	p->down = p->up;
	p->server = tls_session_create(p->server_context, &at_server);
	p->client = tls_session_create(p->client_context, &at_client);
	assert_non_null(p->server);
	assert_non_null(p->client);
}

/* The contexts stay. */
static inline void pair_end(struct pair *p)
{
	tls_session_destroy(p->server);
	tls_session_destroy(p->client);
	free(p->up.data);
	free(p->down.data);
	p->up.data = p->down.data = NULL;
}

/* Joins the contexts, which the pair then owns; NULL for plain ones. */
static inline struct pair *pair_new(struct tls_context *server, struct tls_context *client)
{
	struct pair *p = calloc(1, sizeof *p);
	char error[TLS_ERROR_SIZE] = "";

	assert_non_null(p);
	p->server_context = server ? server : server_context(NULL, NULL, NULL);
	if (!client) {
		const struct tls_client_config cfg = {.ca = blob(fixture_root, "root.pem"),
						      .server_name = "site.test"};

		client = tls_context_create_client(&cfg, error);
		assert_string_equal(error, "");
	}
	p->client_context = client;
	pair_begin(p);
	return p;
}

static inline void pair_free(struct pair *p)
{
	pair_end(p);
	tls_context_destroy(p->server_context);
	tls_context_destroy(p->client_context);
	free(p);
}

static inline struct pair *pair_new_client(const struct tls_client_config *cfg)
{
	char error[TLS_ERROR_SIZE] = "";
	struct tls_context *client = tls_context_create_client(cfg, error);

	assert_string_equal(error, "");
	return pair_new(NULL, client);
}

/* A client that knows the root and speaks this version. */
static inline struct pair *pair_of_version(enum tls_version version)
{
	const struct tls_client_config cfg = {
		.ca = blob(fixture_root, "root.pem"),
		.server_name = "site.test",
		.version = version,
	};

	return pair_new_client(&cfg);
}

static inline void grant(struct pair *p)
{
	struct pipe *const pipes[] = {&p->up, &p->down};

	for (size_t i = 0; i < COUNT(pipes); i++) {
		if (p->grant_room && pipes[i]->refused)
			pipes[i]->room = in_flight(pipes[i]) + pipes[i]->refused;
		if (p->grant_bytes)
			pipes[i]->readable = p->grant_bytes;
	}
}

/* Changes as long as anything moves, or may move after a grant. */
static inline size_t pair_progress(const struct pair *p)
{
	return p->up.len + p->up.taken + p->up.refusals + p->down.len + p->down.taken +
	       p->down.refusals;
}

struct outcome {
	enum tls_status client, server;
};

/* Until both are done, have failed, or nothing moves any more. */
static inline struct outcome pair_handshake(struct pair *p)
{
	struct outcome out;

	for (size_t quiet = 0; quiet < 4;) {
		const size_t before = pair_progress(p);

		out.client = tls_session_handshake(p->client);
		out.server = tls_session_handshake(p->server);
		if (out.client == TLS_OK && out.server == TLS_OK)
			break;
		grant(p);
		quiet = pair_progress(p) == before ? quiet + 1 : 0;
	}
	return out;
}

static inline void pair_establish(struct pair *p)
{
	const struct outcome out = pair_handshake(p);

	if (out.client != TLS_OK || out.server != TLS_OK)
		fail_msg("client %d (%s), server %d (%s)", out.client, tls_session_error(p->client),
			 out.server, tls_session_error(p->server));
	assert_true(tls_session_established(p->client));
	assert_true(tls_session_established(p->server));
}

static inline struct pair *pair_established(enum tls_version version)
{
	struct pair *p = pair_of_version(version);

	pair_establish(p);
	return p;
}

/* Puts raw bytes on the way to the server. */
static inline void inject(struct pair *p, const void *data, size_t len)
{
	pipe_append(&p->up, data, len);
}

/* ------------------------------------------------------------------ data */

/* Byte i of a transfer: no period that a lost or doubled record could hide behind. */
static inline uint8_t pattern(size_t i)
{
	return (uint8_t)((i * 2654435761U) >> 11);
}

/* Sends `total` bytes in writes of `piece`; all of them arrive, once and in order. */
static inline void pair_transfer(struct pair *p, struct tls_session *from, struct tls_session *to,
				 size_t total, size_t piece)
{
	uint8_t *out = malloc(piece), in[9000];
	size_t sent = 0, got = 0, quiet = 0;

	assert_non_null(out);
	while (got < total) {
		const size_t before = pair_progress(p);
		size_t n = piece < total - sent ? piece : total - sent;

		for (size_t i = 0; i < n; i++)
			out[i] = pattern(sent + i);
		if (n > 0 && tls_session_write(from, out, n, &n) == TLS_OK) {
			assert_true(n > 0);
			sent += n;
		} else {
			assert_int_equal(n, 0);
			assert_string_equal(tls_session_error(from), "");
		}
		while (tls_session_read(to, in, sizeof in, &n) == TLS_OK) {
			for (size_t i = 0; i < n; i++, got++)
				if (in[i] != pattern(got))
					fail_msg("byte %zu is %02x, not %02x", got, in[i],
						 pattern(got));
		}
		assert_int_equal(n, 0);
		grant(p);
		quiet = pair_progress(p) == before ? quiet + 1 : 0;
		if (quiet > 4)
			fail_msg("stuck after %zu sent, %zu received: %s / %s", sent, got,
				 tls_session_error(from), tls_session_error(to));
	}
	assert_int_equal(sent, total);
	assert_int_equal(got, total);
	assert_int_equal(tls_session_read(to, in, sizeof in, &(size_t){0}), TLS_WANT_READ);
	free(out);
}

static inline void write_text(struct tls_session *t, const char *text)
{
	size_t taken;

	assert_int_equal(tls_session_write(t, (const uint8_t *)text, strlen(text), &taken), TLS_OK);
	assert_int_equal(taken, strlen(text));
}

static inline void expect_text(struct tls_session *t, const char *text)
{
	char buf[256];
	size_t got;

	assert_int_equal(tls_session_read(t, (uint8_t *)buf, sizeof buf - 1, &got), TLS_OK);
	buf[got] = '\0';
	assert_string_equal(buf, text);
}

static inline enum tls_status read_status(struct tls_session *t)
{
	uint8_t buf[256];
	size_t got;
	const enum tls_status status = tls_session_read(t, buf, sizeof buf, &got);

	assert_true(status == TLS_OK || got == 0);
	return status;
}

/* ------------------------------------------------------------------ records on the wire */

static inline size_t record_len(const uint8_t *header)
{
	return HEADER_LEN + (size_t)(header[3] << 8 | header[4]);
}

/* Records from byte `mark` of the pipe on, which must all be whole; with `alerts` only those that are alerts. One that is protected
 * is known by its length: tests that count alerts send no 2 bytes of data. */
static inline size_t records_since(const struct pipe *p, size_t mark, bool alerts)
{
	size_t count = 0;

	while (mark < p->len) {
		const uint8_t *header = p->data + mark;

		assert_true(p->len - mark >= HEADER_LEN);
		assert_true(p->len - mark >= record_len(header));
		count += !alerts || header[0] == MBEDTLS_SSL_MSG_ALERT ||
			 (header[0] == MBEDTLS_SSL_MSG_APPLICATION_DATA &&
			  record_len(header) == HEADER_LEN + 2 + 1 + 16);
		mark += record_len(header);
	}
	return count;
}

static inline size_t alerts_since(const struct pipe *p, size_t mark)
{
	return records_since(p, mark, true);
}

static inline void expect_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

#endif
