/* SPDX-License-Identifier: Apache-2.0 */
/* show.c — `tunhttpd certs show`: what is in a file or what a server shows, and what a client would say to it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <psa/crypto.h>

#include "certs/certs.h"
#include "certs/command.h"
#include "certs/connect.h"
#include "certs/describe.h"
#include "certs/files.h"
#include "certs/judge.h"
#include "tls/tls_chain.h"

/* ------------------------------------------------------------------ whom clients trust */

/* Where OpenSSL, and so curl, looks on Debian, Alpine and Arch; on Fedora; on SUSE. SSL_CERT_FILE goes before. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
};

struct trust {
	mbedtls_x509_crt system, local;
	char system_name[256], local_name[256];
	struct certs_store store[2];
	size_t stores;
};

static bool load_roots(struct trust *t, mbedtls_x509_crt *roots, const char *path, char name[256],
		       const char *format)
{
	/* Some roots may be of kinds that we do not know: then these are not taken, the others are. */
	if (mbedtls_x509_crt_parse_file(roots, path) < 0)
		return false;
	snprintf(name, 256, format, path);
	t->store[t->stores++] = (struct certs_store){name, roots};
	return true;
}

static void load_trust(struct trust *t, const struct certs_options *o)
{
	const char *given = getenv("SSL_CERT_FILE");
	char path[512];
	bool found = false;

	*t = (struct trust){.stores = 0};
	mbedtls_x509_crt_init(&t->system);
	mbedtls_x509_crt_init(&t->local);
	snprintf(path, sizeof path, "%s/" CERTS_CA_FILE, o->dir);
	load_roots(t, &t->local, path, t->local_name, "where %.200s is trusted");
	if (given && given[0])
		found = load_roots(t, &t->system, given, t->system_name, "by this system (%.200s)");
	for (size_t i = 0; i < sizeof bundles / sizeof *bundles && !found; i++)
		found = load_roots(t, &t->system, bundles[i], t->system_name,
				   "by this system (%.200s)");
}

static void free_trust(struct trust *t)
{
	mbedtls_x509_crt_free(&t->system);
	mbedtls_x509_crt_free(&t->local);
}

/* What a client that wants `name` would say; an exit status. */
static int print_verdict(const mbedtls_x509_crt *chain, const char *name,
			 const struct certs_options *o)
{
	static struct certs_verdict v; /* large */
	struct trust trust;

	load_trust(&trust, o);
	const struct certs_question q = {.chain = chain,
					 .name = name,
					 .now = time(NULL),
					 .store = trust.store,
					 .stores = trust.stores};
	certs_judge(&q, &v);
	printf("\na %s would %s it:\n",
	       certs_is_ca(chain) || certs_is_for_servers(chain) ? "client" : "server",
	       v.refused ? "refuse" : "take");
	for (size_t i = 0; i < v.count; i++)
		printf("  %s\n", v.words[i]);
	free_trust(&trust);
	return v.refused ? CERTS_FAILED : 0;
}

/* ------------------------------------------------------------------ a file */

/* Of several certificates the one that signed none of the others. */
static const mbedtls_x509_crt *find_leaf(const mbedtls_x509_crt *all)
{
	for (const mbedtls_x509_crt *at = all; at; at = at->next) {
		bool signed_one = false;
		for (const mbedtls_x509_crt *other = all; other && !signed_one; other = other->next)
			signed_one = other != at && tls_chain_signed_by(other, at);
		if (!signed_one)
			return at;
	}
	return all;
}

static size_t count(const mbedtls_x509_crt *chain)
{
	size_t n = 0;

	for (; chain && chain->raw.len > 0; chain = chain->next)
		n++;
	return n;
}

static int show_chain(const mbedtls_x509_crt *all, const mbedtls_pk_context *key,
		      const struct certs_options *o)
{
	const mbedtls_x509_crt *leaf = key ? tls_chain_find(all, key) : find_leaf(all);
	mbedtls_x509_crt chain;
	char text[48];

	if (key)
		printf("a private key, %s; it belongs to %s\n", certs_describe_key(key, text),
		       leaf ? "certificate 1" : "none of the certificates");
	if (!leaf)
		leaf = find_leaf(all);
	mbedtls_x509_crt_init(&chain);
	if (tls_chain_order(&chain, all, leaf)) {
		mbedtls_x509_crt_free(&chain);
		return certs_complain(CERTS_FAILED, "out of memory");
	}
	certs_describe_chain(stdout, &chain, time(NULL));
	if (count(&chain) < count(all))
		printf("\n%zu more in the file: the same again, or not on the way up from 1\n",
		       count(all) - count(&chain));
	const int status = print_verdict(&chain, NULL, o);
	mbedtls_x509_crt_free(&chain);
	return status;
}

static int show_blob(const struct tls_blob *blob, const struct certs_options *o)
{
	char cert_error[TLS_ERROR_SIZE], key_error[TLS_ERROR_SIZE], text[48];
	mbedtls_x509_crt all;
	mbedtls_pk_context key;
	int status = 0;

	mbedtls_x509_crt_init(&all);
	mbedtls_pk_init(&key);
	const bool has_cert = tls_chain_read(&all, blob, "certificate", cert_error) == 0;
	const bool says_key =
		blob->len > 0 && memmem(blob->data, blob->len, "PRIVATE KEY-----", 16) != NULL;
	const bool has_key = tls_key_read(&key, blob, key_error) == 0;
	if (has_cert)
		status = show_chain(&all, has_key ? &key : NULL, o);
	else if (has_key)
		printf("a private key, %s\n", certs_describe_key(&key, text));
	else
		status = certs_complain(CERTS_BAD_FILE, "%s", says_key ? key_error : cert_error);
	mbedtls_x509_crt_free(&all);
	mbedtls_pk_free(&key);
	return status;
}

static int show_file(const struct certs_options *o, const char *path)
{
	char error[CERTS_ERROR_SIZE];
	const char *slash = strrchr(path, '/');
	uint8_t *data;
	size_t len;

	if (psa_crypto_init() != PSA_SUCCESS)
		return certs_complain(CERTS_FAILED, "the crypto library does not start");
	char *dir = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
	if (!dir)
		return certs_complain(CERTS_FAILED, "out of memory");
	const int got = certs_file_read(dir, slash ? slash + 1 : path, &data, &len, error);
	free(dir);
	if (got)
		return got < 0 ? certs_complain(CERTS_BAD_FILE, "%s", error)
			       : certs_complain(CERTS_BAD_FILE, "there is no file %s", path);
	const int status = show_blob(&(struct tls_blob){data, len, path}, o);
	explicit_bzero(data, len);
	free(data);
	return status;
}

/* ------------------------------------------------------------------ a host */

/* "host", "host:443", "10.0.0.1:443", "fd77::2", "[fd77::2]:443", and URLs of them. False for what is none of these. */
static bool split_host(const char *word, char host[CERTS_NAME_SIZE], char port[8])
{
	unsigned char ip[16];
	const char *colon;

	snprintf(port, 8, "443");
	if (strncmp(word, "https://", 8) == 0)
		word += 8;
	size_t len = strcspn(word, "/");
	if (len == 0 || len >= CERTS_NAME_SIZE)
		return false;
	memcpy(host, word, len);
	host[len] = '\0';
	if (host[0] == '[') {
		char *end = strchr(host, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		colon = end[1] ? end + 1 : NULL;
		*end = '\0';
		len = (size_t)(end - host);
	} else {
		colon = certs_parse_ip(host, ip) == 16 ? NULL : strrchr(host, ':');
		len = colon ? (size_t)(colon - host) : len;
	}
	if (colon) {
		const size_t digits = strspn(colon + 1, "0123456789");
		if (digits == 0 || digits > 5 || colon[1 + digits] ||
		    strtol(colon + 1, NULL, 10) > 65535)
			return false;
		memcpy(port, colon + 1, digits + 1);
	}
	host[len] = '\0';
	if (host[0] == '[')
		memmove(host, host + 1, len);
	return host[0] != '\0';
}

static int show_host(const struct certs_options *o, const char *word)
{
	char host[CERTS_NAME_SIZE], port[8], error[CERTS_ERROR_SIZE];
	struct certs_peer peer;
	int status;

	if (!split_host(word, host, port))
		return certs_complain(
			CERTS_USAGE, "%s: neither a file nor HOST, HOST:PORT or [IPV6]:PORT", word);
	if (certs_connect(host, port, &peer, error)) {
		status = certs_complain(CERTS_FAILED, "%s", error);
	} else {
		printf("%s port %s (%s)%s%s%s%s\n", host, port, peer.address,
		       peer.version[0] ? ": " : "", peer.version, peer.version[0] ? ", " : "",
		       peer.suite);
		if (peer.note[0])
			printf("%s; but it showed this before\n", peer.note);
		certs_describe_chain(stdout, &peer.chain, time(NULL));
		status = print_verdict(&peer.chain, host, o);
	}
	certs_peer_free(&peer);
	return status;
}

/* ------------------------------------------------------------------ which of them */

/* A file that is not there is meant all the same when its name looks like one. */
static bool looks_like_file(const char *word)
{
	static const char *const ends[] = {".pem", ".crt", ".cer", ".der", ".key"};
	const size_t len = strlen(word);

	if (strncmp(word, "https://", 8) == 0)
		return false;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (len > 4 && strcmp(word + len - 4, ends[i]) == 0)
			return true;
	return strchr(word, '/') != NULL;
}

int certs_show(const struct certs_options *o)
{
	const char *word = o->word[0];
	struct stat st;

	if (stat(word, &st) == 0 || looks_like_file(word))
		return show_file(o, word);
	return show_host(o, word);
}
