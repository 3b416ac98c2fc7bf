/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_two.h — a client and a server session joined by two pipes in memory, for the tests of tls/.
 *
 * A pipe keeps every byte that ever passed, so that a test can read the records off it, and its room and its
 * delivery can be throttled. Certificates and keys are made afresh by the functions under "identities".
 */
#ifndef TESTS_UNIT_TLS_TWO_H
#define TESTS_UNIT_TLS_TWO_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#include "tls/tls.h"
#include "tls/tls_client.h"

#define UNUSED __attribute__((unused))
#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define SERVER_NAME "server.test"

/* ------------------------------------------------------------------ identities */

#define RNG mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE

struct identity {
	mbedtls_pk_context key;
	char subject[64];
	char cert_pem[4096];
	char key_pem[4096];
};

static UNUSED void make_ec_key(mbedtls_pk_context *key, mbedtls_ecp_group_id curve)
{
	mbedtls_pk_init(key);
	assert_int_equal(mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), 0);
	assert_int_equal(mbedtls_ecp_gen_key(curve, mbedtls_pk_ec(*key), RNG), 0);
}

static UNUSED void set_validity(mbedtls_x509write_cert *crt)
{
	char from[16], to[16];
	time_t t = time(NULL) - 3600;
	struct tm tm;

	strftime(from, sizeof from, "%Y%m%d%H%M%S", gmtime_r(&t, &tm));
	t += 30 * 24 * 3600;
	strftime(to, sizeof to, "%Y%m%d%H%M%S", gmtime_r(&t, &tm));
	assert_int_equal(mbedtls_x509write_crt_set_validity(crt, from, to), 0);
}

/* Certifies id->key, which must have been made, as `common_name`; signed by `issuer`, or by itself when that is
 * NULL. A leaf is valid for SERVER_NAME. */
static UNUSED void certify(struct identity *id, const char *common_name, bool ca,
			   struct identity *issuer)
{
	static unsigned char serial;
	struct identity *by = issuer ? issuer : id;
	mbedtls_x509_san_list san = {
		.node = {.type = MBEDTLS_X509_SAN_DNS_NAME,
			 .san.unstructured_name = {.p = (unsigned char *)SERVER_NAME,
						   .len = strlen(SERVER_NAME)}},
	};
	mbedtls_x509write_cert crt;

	snprintf(id->subject, sizeof id->subject, "CN=%s", common_name);
	serial++;
	mbedtls_x509write_crt_init(&crt);
	mbedtls_x509write_crt_set_version(&crt, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(&crt, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(&crt, &id->key);
	mbedtls_x509write_crt_set_issuer_key(&crt, &by->key);
	set_validity(&crt);
	assert_int_equal(mbedtls_x509write_crt_set_serial_raw(&crt, &serial, 1), 0);
	assert_int_equal(mbedtls_x509write_crt_set_subject_name(&crt, id->subject), 0);
	assert_int_equal(mbedtls_x509write_crt_set_issuer_name(&crt, by->subject), 0);
	assert_int_equal(mbedtls_x509write_crt_set_basic_constraints(&crt, ca, -1), 0);
	if (!ca)
		assert_int_equal(mbedtls_x509write_crt_set_subject_alternative_name(&crt, &san), 0);
	assert_int_equal(mbedtls_x509write_crt_pem(&crt, (unsigned char *)id->cert_pem,
						   sizeof id->cert_pem, RNG),
			 0);
	assert_int_equal(mbedtls_pk_write_key_pem(&id->key, (unsigned char *)id->key_pem,
						  sizeof id->key_pem),
			 0);
	mbedtls_x509write_crt_free(&crt);
}

/* What the tests of one program share. */
struct pki {
	struct identity root, ec; /* ec: a leaf of the root */
};

static UNUSED int pki_setup(void **state)
{
	struct pki *pki = calloc(1, sizeof *pki);

	assert_non_null(pki);
	assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
	make_ec_key(&pki->root.key, MBEDTLS_ECP_DP_SECP256R1);
	make_ec_key(&pki->ec.key, MBEDTLS_ECP_DP_SECP256R1);
	certify(&pki->root, "root", true, NULL);
	certify(&pki->ec, "ec", false, &pki->root);
	*state = pki;
	return 0;
}

static UNUSED int pki_teardown(void **state)
{
	struct pki *pki = *state;

	mbedtls_pk_free(&pki->root.key);
	mbedtls_pk_free(&pki->ec.key);
	free(pki);
	return 0;
}

static UNUSED struct tls_blob text_blob(const char *text, const char *name)
{
	return (struct tls_blob){(const uint8_t *)text, strlen(text), name};
}

/* ------------------------------------------------------------------ pipes */

#define NO_LIMIT SIZE_MAX

struct pipe {
	uint8_t *data; /* everything that was ever sent                      */
	size_t len, cap;
	size_t taken;    /* of it, by the reader                               */
	size_t room;     /* bytes that sends may still take                    */
	size_t readable; /* bytes that the reader may still take               */
	size_t refused;  /* length of the last send when it was refused, or 0  */
	size_t refusals;
	bool stubborn; /* refuses each send once                             */
	bool fin;      /* the reader finds the end behind the data           */
	bool reset;    /* takes nothing ever more                            */
};

static UNUSED void pipe_append(struct pipe *p, const void *data, size_t len)
{
	if (p->cap - p->len < len) {
		p->cap = 2 * p->cap + len + 4096;
		p->data = realloc(p->data, p->cap);
		assert_non_null(p->data);
	}
	memcpy(p->data + p->len, data, len);
	p->len += len;
}

static UNUSED long pipe_send(struct pipe *p, const uint8_t *data, size_t len)
{
	assert_true(len > 0);
	if (p->reset)
		return -1;
	if (len > p->room || (p->stubborn && !p->refused)) {
		p->refused = len;
		p->refusals++;
		return 0;
	}
	if (p->room != NO_LIMIT)
		p->room -= len;
	p->refused = 0;
	pipe_append(p, data, len);
	return (long)len;
}

static UNUSED long pipe_recv(struct pipe *p, uint8_t *buf, size_t len)
{
	size_t n = p->len - p->taken;

	assert_true(len > 0);
	if (n == 0 && p->fin)
		return -1;
	if (n > p->readable)
		n = p->readable;
	if (n > len)
		n = len;
	if (n == 0)
		return 0;
	if (p->readable != NO_LIMIT)
		p->readable -= n;
	memcpy(buf, p->data + p->taken, n);
	p->taken += n;
	return (long)n;
}

/* ------------------------------------------------------------------ the pair */

struct pair {
	struct tls_context *server_ctx, *client_ctx;
	struct tls_session *server, *client;
	struct pipe up, down; /* to the server, to the client */
	bool grant_room;      /* after each round there is just room for what was refused   */
	size_t grant_bytes;   /* after each round, so many more bytes are delivered; or 0   */
};

struct pair_config {
	const struct identity *server;   /* NULL: the EC leaf              */
	const char *chain;               /* PEM; NULL: the server's own    */
	struct tls_client_config client; /* `ca` is set by pair_open       */
};

static UNUSED long up_send(void *ctx, const uint8_t *data, size_t len)
{
	return pipe_send(&((struct pair *)ctx)->up, data, len);
}

static UNUSED long up_recv(void *ctx, uint8_t *buf, size_t len)
{
	return pipe_recv(&((struct pair *)ctx)->up, buf, len);
}

static UNUSED long down_send(void *ctx, const uint8_t *data, size_t len)
{
	return pipe_send(&((struct pair *)ctx)->down, data, len);
}

static UNUSED long down_recv(void *ctx, uint8_t *buf, size_t len)
{
	return pipe_recv(&((struct pair *)ctx)->down, buf, len);
}

/* Fresh sessions on empty pipes. */
static UNUSED void pair_connect(struct pair *p)
{
	const struct tls_stream at_server = {p, down_send, up_recv};
	const struct tls_stream at_client = {p, up_send, down_recv};

	p->up = (struct pipe){.room = NO_LIMIT, .readable = NO_LIMIT};
	p->down = p->up;
	p->server = tls_session_create(p->server_ctx, &at_server);
	p->client = tls_session_create(p->client_ctx, &at_client);
	assert_non_null(p->server);
	assert_non_null(p->client);
}

static UNUSED void pair_disconnect(struct pair *p)
{
	tls_session_destroy(p->server);
	tls_session_destroy(p->client);
	free(p->up.data);
	free(p->down.data);
	p->up.data = p->down.data = NULL;
}

static UNUSED struct pair *pair_open(const struct pki *pki, const struct pair_config *cfg)
{
	const struct identity *id = cfg->server ? cfg->server : &pki->ec;
	const struct tls_pair pem = {
		.cert = text_blob(cfg->chain ? cfg->chain : id->cert_pem, "server.pem"),
		.key = text_blob(id->key_pem, "server-key.pem"),
	};
	const struct tls_config server = {.pair = &pem, .pair_count = 1};
	struct tls_client_config client = cfg->client;
	struct pair *p = calloc(1, sizeof *p);
	char error[TLS_ERROR_SIZE] = "";

	assert_non_null(p);
	client.ca = text_blob(pki->root.cert_pem, "ca.pem");
	if (!client.server_name)
		client.server_name = SERVER_NAME;
	p->server_ctx = tls_context_create(&server, error);
	if (!p->server_ctx)
		fail_msg("server context: %s", error);
	p->client_ctx = tls_context_create_client(&client, error);
	if (!p->client_ctx)
		fail_msg("client context: %s", error);
	pair_connect(p);
	return p;
}

static UNUSED struct pair *pair_open_version(const struct pki *pki, enum tls_version version)
{
	const struct pair_config cfg = {.client.version = version};

	return pair_open(pki, &cfg);
}

static UNUSED void pair_close(struct pair *p)
{
	pair_disconnect(p);
	tls_context_destroy(p->server_ctx);
	tls_context_destroy(p->client_ctx);
	free(p);
}

static UNUSED void grant(struct pair *p)
{
	struct pipe *const pipes[] = {&p->up, &p->down};

	for (size_t i = 0; i < COUNT(pipes); i++) {
		if (p->grant_room && pipes[i]->refused)
			pipes[i]->room = pipes[i]->refused;
		if (p->grant_bytes)
			pipes[i]->readable = p->grant_bytes;
	}
}

/* Changes as long as anything moves, or may move after a grant. */
static UNUSED size_t pair_progress(const struct pair *p)
{
	return p->up.len + p->up.taken + p->up.refusals + p->down.len + p->down.taken +
	       p->down.refusals;
}

struct outcome {
	enum tls_status client, server;
};

/* Until both are done, have failed, or nothing moves any more. */
static UNUSED struct outcome pair_handshake(struct pair *p)
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

static UNUSED void pair_establish(struct pair *p)
{
	const struct outcome out = pair_handshake(p);

	if (out.client != TLS_OK || out.server != TLS_OK)
		fail_msg("client %d (%s), server %d (%s)", out.client, tls_session_error(p->client),
			 out.server, tls_session_error(p->server));
	assert_true(tls_session_established(p->client));
	assert_true(tls_session_established(p->server));
}

static UNUSED struct pair *pair_established(const struct pki *pki, enum tls_version version)
{
	struct pair *p = pair_open_version(pki, version);

	pair_establish(p);
	return p;
}

/* ------------------------------------------------------------------ data */

/* Byte i of a transfer: no period that a lost or doubled record could hide behind. */
static UNUSED uint8_t pattern(size_t i)
{
	return (uint8_t)((i * 2654435761U) >> 11);
}

/* Sends `total` bytes in writes of `piece`; all of them arrive, once and in order. */
static UNUSED void pair_transfer(struct pair *p, struct tls_session *from, struct tls_session *to,
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

static UNUSED void write_text(struct tls_session *t, const char *text)
{
	size_t taken;

	assert_int_equal(tls_session_write(t, (const uint8_t *)text, strlen(text), &taken), TLS_OK);
	assert_int_equal(taken, strlen(text));
}

static UNUSED void expect_text(struct tls_session *t, const char *text)
{
	char buf[256];
	size_t got;

	assert_int_equal(tls_session_read(t, (uint8_t *)buf, sizeof buf - 1, &got), TLS_OK);
	buf[got] = '\0';
	assert_string_equal(buf, text);
}

static UNUSED enum tls_status read_status(struct tls_session *t)
{
	uint8_t buf[256];
	size_t got;
	const enum tls_status status = tls_session_read(t, buf, sizeof buf, &got);

	assert_true(status == TLS_OK || got == 0);
	return status;
}

/* ------------------------------------------------------------------ records on the wire */

#define HEADER_LEN 5

static UNUSED size_t record_len(const uint8_t *header)
{
	return HEADER_LEN + (size_t)(header[3] << 8 | header[4]);
}

/* Alerts among the records from `mark` on, which must all be whole. A TLS 1.3 alert in protection is known by its
 * length of 19: tests that count alerts send no 2 bytes of data. */
static UNUSED size_t alerts_since(const struct pipe *p, size_t mark)
{
	size_t count = 0;

	while (mark < p->len) {
		const uint8_t *header = p->data + mark;

		assert_true(p->len - mark >= HEADER_LEN);
		assert_true(p->len - mark >= record_len(header));
		count += header[0] == MBEDTLS_SSL_MSG_ALERT ||
			 (header[0] == MBEDTLS_SSL_MSG_APPLICATION_DATA &&
			  record_len(header) == HEADER_LEN + 19);
		mark += record_len(header);
	}
	return count;
}

static UNUSED void expect_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

#endif
