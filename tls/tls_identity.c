/* SPDX-License-Identifier: Apache-2.0 */
/* tls_identity.c — a certificate chain with its key: see tls_internal.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <psa/crypto.h>

#include "tls/tls_chain.h"
#include "tls/tls_internal.h"

/* Whom to trust: unlike our own chain, with nothing in it that we do not understand. */
int tls_chain_load(mbedtls_x509_crt *chain, const struct tls_blob *blob, const char *what,
		   char error[TLS_ERROR_SIZE])
{
	uint8_t *copy = malloc(blob->len + 1);

	if (!copy) {
		snprintf(error, TLS_ERROR_SIZE, "%s %s: out of memory", what, blob->name);
		return -1;
	}
	if (blob->len > 0)
		memcpy(copy, blob->data, blob->len);
	copy[blob->len] = '\0';
	/* PEM must end in NUL for Mbed TLS, DER must not. */
	const bool pem = blob->len > 0 && memmem(blob->data, blob->len, "-----BEGIN ", 11) != NULL;
	const int err = mbedtls_x509_crt_parse(chain, copy, blob->len + pem);
	free(copy);
	if (err > 0)
		snprintf(error, TLS_ERROR_SIZE, "%s %s: %d of its certificates cannot be read",
			 what, blob->name, err);
	else if (err < 0)
		tls_error_format(error, what, blob->name, err);
	return err ? -1 : 0;
}

/* The message Certificate has to fit into a record here: 24 bits and a context before the list, 24 bits before each
 * certificate and 16 behind it (RFC 8446 4.4.2). */
static bool fits(const mbedtls_x509_crt *chain)
{
	size_t len = 4 + 4;

	for (; chain; chain = chain->next)
		len += 3 + chain->raw.len + 2;
	return len <= MBEDTLS_SSL_OUT_CONTENT_LEN;
}

/* Finds the certificate of the key wherever it stands, and puts what leads up from it into order. */
static int choose_chain(struct tls_identity *id, const mbedtls_x509_crt *all,
			const struct tls_pair *pair, char error[TLS_ERROR_SIZE])
{
	const mbedtls_x509_crt *leaf = tls_chain_find(all, &id->key);

	if (!leaf) {
		snprintf(error, TLS_ERROR_SIZE, "key %s does not belong to %s certificate in %s",
			 pair->key.name, all->next ? "any" : "the", pair->cert.name);
		return -1;
	}
	const int err = tls_chain_order(&id->chain, all, leaf);
	if (err) {
		tls_error_format(error, "certificate", pair->cert.name, err);
		return -1;
	}
	if (fits(&id->chain))
		return 0;
	snprintf(error, TLS_ERROR_SIZE,
		 "certificate %s: the chain is longer than %d bytes and cannot be sent",
		 pair->cert.name, MBEDTLS_SSL_OUT_CONTENT_LEN);
	return -1;
}

/* Moves the key into PSA's store, once: a key outside it would be parsed and checked anew for every
 * signature. RSA signs by PKCS #1 v1.5 in TLS 1.2 and by PSS in TLS 1.3 (RFC 8446 4.2.3). */
static int import_key(struct tls_identity *id)
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	int err = mbedtls_pk_get_psa_attributes(&id->key, PSA_KEY_USAGE_SIGN_HASH, &attributes);

	if (err)
		return err;
	if (PSA_KEY_TYPE_IS_RSA(psa_get_key_type(&attributes))) {
		psa_set_key_algorithm(&attributes, PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_ANY_HASH));
		psa_set_key_enrollment_algorithm(&attributes, PSA_ALG_RSA_PSS(PSA_ALG_ANY_HASH));
	} else {
		psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
	}
	err = mbedtls_pk_import_into_psa(&id->key, &attributes, &id->key_id);
	if (err)
		return err;
	mbedtls_pk_free(&id->key);
	mbedtls_pk_init(&id->key);
	return mbedtls_pk_setup_opaque(&id->key, id->key_id);
}

void tls_identity_init(struct tls_identity *id)
{
	mbedtls_x509_crt_init(&id->chain);
	mbedtls_pk_init(&id->key);
	id->key_id = MBEDTLS_SVC_KEY_ID_INIT;
}

int tls_identity_load(struct tls_identity *id, const struct tls_pair *pair,
		      char error[TLS_ERROR_SIZE])
{
	mbedtls_x509_crt all;

	mbedtls_x509_crt_init(&all);
	const bool good = tls_chain_read(&all, &pair->cert, "certificate", error) == 0 &&
			  tls_key_read(&id->key, &pair->key, error) == 0 &&
			  choose_chain(id, &all, pair, error) == 0;
	mbedtls_x509_crt_free(&all);
	if (!good)
		return -1;
	const int err = import_key(id);
	if (err)
		tls_error_format(error, "key", pair->key.name, err);
	return err ? -1 : 0;
}

void tls_identity_free(struct tls_identity *id)
{
	mbedtls_x509_crt_free(&id->chain);
	mbedtls_pk_free(&id->key);
	psa_destroy_key(id->key_id);
}
