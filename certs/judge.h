/* SPDX-License-Identifier: Apache-2.0 */
/* judge.h — what a client would say to a chain. */
#ifndef CERTS_JUDGE_H
#define CERTS_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <mbedtls/x509_crt.h>

#define CERTS_WORDS_SIZE 640
#define CERTS_WORDS_MAX 24

/* Whom a client may trust. */
struct certs_store {
	const char *name; /* "by this system (/etc/ssl/...)" */
	const mbedtls_x509_crt *roots;
};

struct certs_question {
	const mbedtls_x509_crt *chain; /* the leaf first, the others as they come       */
	const char *name;              /* that the client wants; NULL: it does not say  */
	time_t now;
	const struct certs_store *store;
	size_t stores;
};

struct certs_verdict {
	bool refused; /* by every client here       */
	char words[CERTS_WORDS_MAX][CERTS_WORDS_SIZE];
	size_t count;
};

/* Follows the signatures up from the leaf, and says in a line each what a client objects to, what it may, and who trusts
 * where the path ends. Call psa_crypto_init() first. */
void certs_judge(const struct certs_question *q, struct certs_verdict *v);

/* Is the key of a kind and length that clients take? NULL, or why not. */
const char *certs_weak_key(const mbedtls_x509_crt *crt);

/* A leaf is for servers unless it says otherwise. */
bool certs_is_ca(const mbedtls_x509_crt *crt);
bool certs_is_for_servers(const mbedtls_x509_crt *crt);
bool certs_is_for_clients(const mbedtls_x509_crt *crt);
bool certs_is_self_signed(const mbedtls_x509_crt *crt);

#endif
