/* SPDX-License-Identifier: Apache-2.0 */
/* connect.c — a TLS client that looks and does not judge: see connect.h. */
#include "certs/connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>
#include <psa/crypto.h>

#include "certs/names.h"
#include "tls/tls_chain.h"
#include "tls/tls_internal.h"

struct client {
	int fd;
	int64_t end_ms; /* on the monotonic clock */
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config conf;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until the socket is ready: 0, or -1 with errno. */
static int await(const struct client *c, short events, int64_t end_ms)
{
	struct pollfd p = {.fd = c->fd, .events = events};
	const int64_t left = end_ms - now_ms();
	const int ready = left > 0 ? poll(&p, 1, (int)left) : 0;

	if (ready == 0)
		errno = ETIMEDOUT;
	return ready > 0 ? 0 : -1;
}

/* ------------------------------------------------------------------ TCP */

static int connect_to(struct client *c, const struct addrinfo *a)
{
	const int64_t left = c->end_ms - now_ms();
	/* One address that does not answer leaves the others half of the time. */
	const int64_t end = a->ai_next ? c->end_ms - left / 2 : c->end_ms;
	int err = 0;
	socklen_t len = sizeof err;

	c->fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
	if (c->fd < 0)
		return -1;
	if (connect(c->fd, a->ai_addr, a->ai_addrlen) == 0)
		return 0;
	if (errno == EINPROGRESS && await(c, POLLOUT, end) == 0 &&
	    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0) {
		if (err == 0)
			return 0;
		errno = err;
	}
	const int saved = errno;
	close(c->fd);
	c->fd = -1;
	errno = saved;
	return -1;
}

static int connect_host(struct client *c, const char *host, const char *port,
			struct certs_peer *peer, char error[CERTS_ERROR_SIZE])
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	const int err = getaddrinfo(host, port, &hints, &list);

	if (err) {
		snprintf(error, CERTS_ERROR_SIZE, "%.200s: %s", host, gai_strerror(err));
		return -1;
	}
	errno = ETIMEDOUT;
	for (const struct addrinfo *a = list; a && c->fd < 0; a = a->ai_next)
		if (connect_to(c, a) == 0)
			getnameinfo(a->ai_addr, a->ai_addrlen, peer->address, sizeof peer->address,
				    NULL, 0, NI_NUMERICHOST);
	const int saved = errno;
	freeaddrinfo(list);
	if (c->fd >= 0)
		return 0;
	snprintf(error, CERTS_ERROR_SIZE, "cannot connect to %.200s port %.16s: %s", host, port,
		 strerror(saved));
	return -1;
}

/* ------------------------------------------------------------------ TLS */

static int bio_send(void *ctx, const unsigned char *data, size_t len)
{
	const struct client *c = ctx;
	ssize_t n;

	while ((n = send(c->fd, data, len, MSG_NOSIGNAL)) < 0 &&
	       (errno == EAGAIN || errno == EINTR))
		if (await(c, POLLOUT, c->end_ms))
			return MBEDTLS_ERR_SSL_TIMEOUT;
	return n < 0 ? MBEDTLS_ERR_NET_CONN_RESET : (int)n;
}

static int bio_recv(void *ctx, unsigned char *data, size_t len)
{
	const struct client *c = ctx;
	ssize_t n;

	while ((n = recv(c->fd, data, len, 0)) < 0 && (errno == EAGAIN || errno == EINTR))
		if (await(c, POLLIN, c->end_ms))
			return MBEDTLS_ERR_SSL_TIMEOUT;
	return n < 0 ? MBEDTLS_ERR_NET_CONN_RESET : (int)n;
}

static int prepare(struct client *c, const char *host)
{
	unsigned char ip[16];
	int err = mbedtls_ssl_config_defaults(&c->conf, MBEDTLS_SSL_IS_CLIENT,
					      MBEDTLS_SSL_TRANSPORT_STREAM,
					      MBEDTLS_SSL_PRESET_DEFAULT);

	if (err)
		return err;
	mbedtls_ssl_conf_rng(&c->conf, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
	tls_policy_apply(&c->conf);
	mbedtls_ssl_conf_authmode(&c->conf, MBEDTLS_SSL_VERIFY_NONE);
	err = mbedtls_ssl_setup(&c->ssl, &c->conf);
	/* RFC 6066 3: no addresses in the extension server_name. */
	if (!err)
		err = mbedtls_ssl_set_hostname(&c->ssl, certs_parse_ip(host, ip) ? NULL : host);
	mbedtls_ssl_set_bio(&c->ssl, c, bio_send, bio_recv, NULL);
	return err;
}

/* Why the handshake failed, as somebody who did not write it wants to hear it. */
static void explain(const struct client *c, int err, char text[CERTS_ERROR_SIZE])
{
	char words[128];

	if (err == MBEDTLS_ERR_SSL_TIMEOUT)
		snprintf(text, CERTS_ERROR_SIZE, "no answer within %d s", CERTS_CONNECT_SECONDS);
	else if (err == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE && c->ssl.MBEDTLS_PRIVATE(in_msg))
		snprintf(text, CERTS_ERROR_SIZE, "the server ended the handshake with the alert %s",
			 tls_alert_name(c->ssl.MBEDTLS_PRIVATE(in_msg)[1]));
	else if (err == MBEDTLS_ERR_SSL_CONN_EOF || err == MBEDTLS_ERR_NET_CONN_RESET)
		snprintf(text, CERTS_ERROR_SIZE, "the server closed the connection");
	else if (err == MBEDTLS_ERR_SSL_INVALID_RECORD)
		snprintf(text, CERTS_ERROR_SIZE, "what answers there does not speak TLS");
	else if (err == MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION)
		snprintf(text, CERTS_ERROR_SIZE, "the server speaks neither TLS 1.3 nor 1.2");
	else {
		mbedtls_strerror(err, words, sizeof words);
		snprintf(text, CERTS_ERROR_SIZE, "the handshake failed: %s (-0x%04X)", words,
			 (unsigned)-err);
	}
}

/* The certificates are Mbed TLS's until the connection ends: copies. */
static int keep_chain(struct certs_peer *peer, const mbedtls_x509_crt *crt)
{
	char error[TLS_ERROR_SIZE];
	int result = crt ? 0 : -1;

	for (; crt && crt->raw.len > 0 && !result; crt = crt->next) {
		const struct tls_blob der = {crt->raw.p, crt->raw.len, "of the server"};
		result = tls_chain_read(&peer->chain, &der, "certificate", error);
	}
	return result;
}

static int shake_hands(struct client *c, const char *host, struct certs_peer *peer,
		       char error[CERTS_ERROR_SIZE])
{
	int err = prepare(c, host);
	const mbedtls_x509_crt *chain;

	while (!err) {
		err = mbedtls_ssl_handshake(&c->ssl);
		if (err != MBEDTLS_ERR_SSL_WANT_READ && err != MBEDTLS_ERR_SSL_WANT_WRITE)
			break;
		err = 0;
	}
	if (!err) {
		const char *suite =
			tls_policy_suite_name(mbedtls_ssl_get_ciphersuite_id_from_ssl(&c->ssl));
		snprintf(peer->version, sizeof peer->version, "%s",
			 mbedtls_ssl_get_version(&c->ssl));
		snprintf(peer->suite, sizeof peer->suite, "%s", suite ? suite : "unknown suite");
		chain = mbedtls_ssl_get_peer_cert(&c->ssl);
	} else {
		/* It may have come before the handshake failed, as when we have no certificate to show. */
		const mbedtls_ssl_session *session = c->ssl.MBEDTLS_PRIVATE(session_negotiate);
		explain(c, err, peer->note);
		chain = session ? session->MBEDTLS_PRIVATE(peer_cert) : NULL;
	}
	if (keep_chain(peer, chain) == 0)
		return 0;
	snprintf(error, CERTS_ERROR_SIZE, "%.200s: %.250s", host,
		 peer->note[0] ? peer->note : "the server shows no certificate");
	return -1;
}

int certs_connect(const char *host, const char *port, struct certs_peer *peer,
		  char error[CERTS_ERROR_SIZE])
{
	struct client c = {.fd = -1, .end_ms = now_ms() + CERTS_CONNECT_SECONDS * 1000};
	int result = -1;

	*peer = (struct certs_peer){0};
	mbedtls_x509_crt_init(&peer->chain);
	mbedtls_ssl_init(&c.ssl);
	mbedtls_ssl_config_init(&c.conf);
	if (psa_crypto_init() != PSA_SUCCESS)
		snprintf(error, CERTS_ERROR_SIZE, "the crypto library does not start");
	else if (connect_host(&c, host, port, peer, error) == 0)
		result = shake_hands(&c, host, peer, error);
	if (result == 0 && peer->version[0])
		mbedtls_ssl_close_notify(&c.ssl);
	mbedtls_ssl_free(&c.ssl);
	mbedtls_ssl_config_free(&c.conf);
	if (c.fd >= 0)
		close(c.fd);
	return result;
}

void certs_peer_free(struct certs_peer *peer)
{
	mbedtls_x509_crt_free(&peer->chain);
}
