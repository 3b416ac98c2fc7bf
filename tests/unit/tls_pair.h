/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_pair.h — a client and a server session joined by two pipes in memory, for the tests of tls/.
 *
 * The pipes can be made difficult: little room, every offer refused once, bytes handed out in
 * crumbs with a dry spell before each.
 */
#ifndef TESTS_UNIT_TLS_PAIR_H
#define TESTS_UNIT_TLS_PAIR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"
#include "tests/unit/tls_fixtures.h"
#include "tls/tls.h"
#include "tls/tls_client.h"

struct pipe {
	uint8_t *data;
	size_t len, cap;
	size_t room;  /* at most so many bytes are on their way               */
	size_t crumb; /* most that a read gets, after a dry one; 0: no limit  */
	bool refuse;  /* every offer of bytes is refused once                 */
	bool refused; /* the last offer was                                   */
	bool dry;     /* the last read of crumbs got nothing                  */
	bool fin;     /* the writer has closed                                */
	bool broken;  /* the reader is gone: writes fail                      */
	size_t offers_refused, sends, total;
};

struct pair {
	struct pipe c2s, s2c;
	struct tls_context *server_context, *client_context;
	struct tls_session *server, *client;
	struct link {
		struct pipe *in, *out;
	} server_link, client_link;
};

static inline long pipe_send(void *ctx, const uint8_t *data, size_t len)
{
	struct pipe *p = ((struct link *)ctx)->out;

	if (p->broken)
		return -1;
	const bool refuse = p->len + len > p->room || (p->refuse && !p->refused);
	p->refused = refuse;
	if (refuse) {
		p->offers_refused++;
		return 0;
	}
	if (p->len + len > p->cap) {
		p->cap = (p->len + len) * 2;
		p->data = realloc(p->data, p->cap);
		assert_non_null(p->data);
	}
	memcpy(p->data + p->len, data, len);
	p->len += len;
	p->total += len;
	p->sends++;
	return (long)len;
}

static inline long pipe_recv(void *ctx, uint8_t *buf, size_t len)
{
	struct pipe *p = ((struct link *)ctx)->in;

	if (p->len == 0)
		return p->fin ? -1 : 0;
	if (p->crumb) {
		p->dry = !p->dry;
		if (p->dry)
			return 0;
		len = len < p->crumb ? len : p->crumb;
	}
	len = len < p->len ? len : p->len;
	memcpy(buf, p->data, len);
	p->len -= len;
	memmove(p->data, p->data + len, p->len);
	return (long)len;
}

static inline struct tls_blob blob(const char *pem, const char *name)
{
	return (struct tls_blob){(const uint8_t *)pem, strlen(pem), name};
}

static const char *const alpn_http[] = {"h2", "http/1.1", NULL};

/* `cert` and `key` NULL: the P-256 leaf; with the intermediate behind it. */
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

/* Joins the contexts, which the pair then owns; NULL for plain ones. */
static inline struct pair *pair_new(struct tls_context *server, struct tls_context *client)
{
	struct pair *p = calloc(1, sizeof *p);
	char error[TLS_ERROR_SIZE] = "";

	assert_non_null(p);
	p->c2s.room = p->s2c.room = SIZE_MAX;
	p->server_link = (struct link){&p->c2s, &p->s2c};
	p->client_link = (struct link){&p->s2c, &p->c2s};
	p->server_context = server ? server : server_context(NULL, NULL, NULL);
	if (!client) {
		const struct tls_client_config cfg = {.ca = blob(fixture_root, "root.pem"),
						      .server_name = "site.test"};

		client = tls_context_create_client(&cfg, error);
		assert_string_equal(error, "");
	}
	p->client_context = client;
	const struct tls_stream ss = {&p->server_link, pipe_send, pipe_recv};
	const struct tls_stream cs = {&p->client_link, pipe_send, pipe_recv};
	p->server = tls_session_create(p->server_context, &ss);
	p->client = tls_session_create(p->client_context, &cs);
	assert_non_null(p->server);
	assert_non_null(p->client);
	return p;
}

static inline struct pair *pair_new_client(const struct tls_client_config *cfg)
{
	char error[TLS_ERROR_SIZE] = "";
	struct tls_context *client = tls_context_create_client(cfg, error);

	assert_string_equal(error, "");
	return pair_new(NULL, client);
}

static inline void pair_free(struct pair *p)
{
	tls_session_destroy(p->server);
	tls_session_destroy(p->client);
	tls_context_destroy(p->server_context);
	tls_context_destroy(p->client_context);
	free(p->c2s.data);
	free(p->s2c.data);
	free(p);
}

static inline bool waits(enum tls_status status)
{
	return status == TLS_WANT_READ || status == TLS_WANT_WRITE;
}

/* Drives both handshakes until neither waits, or neither can go on. */
static inline void pair_handshake(struct pair *p, enum tls_status *server, enum tls_status *client)
{
	*server = *client = TLS_WANT_READ;
	for (int turn = 0; turn < 100000 && (waits(*server) || waits(*client)); turn++) {
		if (waits(*client))
			*client = tls_session_handshake(p->client);
		if (waits(*server))
			*server = tls_session_handshake(p->server);
		if (*client == TLS_FAILED || *client == TLS_CLOSED)
			p->c2s.fin = true;
		if (*server == TLS_FAILED || *server == TLS_CLOSED)
			p->s2c.fin = true;
	}
}

static inline void pair_connect(struct pair *p)
{
	enum tls_status server, client;

	pair_handshake(p, &server, &client);
	assert_string_equal(tls_session_error(p->server), "");
	assert_string_equal(tls_session_error(p->client), "");
	assert_int_equal(server, TLS_OK);
	assert_int_equal(client, TLS_OK);
	assert_true(tls_session_established(p->server));
	assert_true(tls_session_established(p->client));
}

/* A connection that both ends have set up, in the given version. */
static inline struct pair *pair_connected(enum tls_version version)
{
	const struct tls_client_config cfg = {
		.ca = blob(fixture_root, "root.pem"),
		.server_name = "site.test",
		.version = version,
	};
	struct pair *p = pair_new_client(&cfg);

	pair_connect(p);
	return p;
}

/* Byte `i` of the test pattern. */
static inline uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 131 + (i >> 8) * 17 + (i >> 16));
}

/* Moves `total` bytes of the pattern from one session to the other and checks each of them. */
static inline void transfer(struct tls_session *from, struct tls_session *to, size_t total,
			    size_t piece)
{
	size_t written = 0, read = 0;
	uint8_t *out = malloc(piece), in[20000];
	enum tls_status status;
	size_t n;

	assert_non_null(out);
	for (size_t turn = 0; read < total; turn++) {
		assert_true(turn < total * 8 + 1000);
		if (written < total) {
			const size_t len = total - written < piece ? total - written : piece;

			for (size_t i = 0; i < len; i++)
				out[i] = pattern(written + i);
			status = tls_session_write(from, out, len, &n);
			assert_true(status == TLS_OK || status == TLS_WANT_WRITE);
			assert_true(status == TLS_OK ? n > 0 && n <= len : n == 0);
			written += n;
		}
		while ((status = tls_session_read(to, in, sizeof in, &n)) == TLS_OK) {
			assert_true(n > 0);
			for (size_t i = 0; i < n; i++)
				if (in[i] != pattern(read + i))
					fail_msg("byte %zu is %u, not %u", read + i, in[i],
						 pattern(read + i));
			read += n;
		}
		assert_int_equal(status, TLS_WANT_READ);
	}
	free(out);
	assert_int_equal(read, total);
	assert_int_equal(written, total);
}

static inline enum tls_status read_status(struct tls_session *t)
{
	uint8_t buf[64];
	size_t n;

	return tls_session_read(t, buf, sizeof buf, &n);
}

/* Puts raw bytes on the way to the server. */
static inline void inject(struct pair *p, const void *data, size_t len)
{
	assert_int_equal(pipe_send(&p->client_link, data, len), (long)len);
}

/* Records in `data`; with `alerts` only those that are alerts, or protected and as long as one. */
static inline size_t count_records(const uint8_t *data, size_t len, bool alerts)
{
	size_t n = 0;

	while (len >= 5) {
		const size_t body = (size_t)data[3] << 8 | data[4];

		assert_true(len - 5 >= body);
		n += !alerts || data[0] == 21 || (data[0] == 23 && body == 2 + 1 + 16);
		data += 5 + body;
		len -= 5 + body;
	}
	assert_int_equal(len, 0);
	return n;
}

#endif
