/* SPDX-License-Identifier: Apache-2.0 */
/* tls_identity.c — a certificate chain with its key, read from PEM or DER. See tls_internal.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/psa_util.h>
#include <psa/crypto.h>

#include "tls/tls_internal.h"

/* memmem for a blob, which may be empty and then has no address either. */
static bool holds(const struct tls_blob *blob, const char *mark)
{
	return blob->len > 0 && memmem(blob->data, blob->len, mark, strlen(mark)) != NULL;
}

/* PEM must end in NUL for Mbed TLS, DER must not. Returns a copy, to be freed, or NULL. */
static uint8_t *parseable(const struct tls_blob *blob, size_t *len)
{
	uint8_t *copy = malloc(blob->len + 1);

	if (!copy)
		return NULL;
	if (blob->len > 0)
		memcpy(copy, blob->data, blob->len);
	copy[blob->len] = '\0';
	*len = holds(blob, "-----BEGIN ") ? blob->len + 1 : blob->len;
	return copy;
}

int tls_chain_load(mbedtls_x509_crt *chain, const struct tls_blob *blob, const char *what,
		   char error[TLS_ERROR_SIZE])
{
	size_t len;
	uint8_t *copy = parseable(blob, &len);

	if (!copy) {
		snprintf(error, TLS_ERROR_SIZE, "%s %s: out of memory", what, blob->name);
		return -1;
	}
	const int err = mbedtls_x509_crt_parse(chain, copy, len);
	free(copy);
	if (err > 0)
		snprintf(error, TLS_ERROR_SIZE, "%s %s: %d of its certificates cannot be read",
			 what, blob->name, err);
	else if (err < 0)
		tls_error_format(error, what, blob->name, err);
	return err ? -1 : 0;
}

/* PKCS#8 and the older PEM header both say so; what opens them is not compiled in. */
static bool is_encrypted(const struct tls_blob *key)
{
	return holds(key, "ENCRYPTED");
}

static int load_key(struct tls_identity *id, const struct tls_pair *pair,
		    char error[TLS_ERROR_SIZE])
{
	size_t len;
	uint8_t *copy = parseable(&pair->key, &len);

	if (!copy) {
		snprintf(error, TLS_ERROR_SIZE, "key %s: out of memory", pair->key.name);
		return -1;
	}
	const int err = mbedtls_pk_parse_key(&id->key, copy, len, NULL, 0, mbedtls_psa_get_random,
					     MBEDTLS_PSA_RANDOM_STATE);
	explicit_bzero(copy, len);
	free(copy);
	if (err && is_encrypted(&pair->key)) {
		snprintf(error, TLS_ERROR_SIZE,
			 "key %s is encrypted; decrypt it first: openssl pkey -in %s -out NEW",
			 pair->key.name, pair->key.name);
		return -1;
	}
	if (err) {
		tls_error_format(error, "key", pair->key.name, err);
		return -1;
	}
	if (mbedtls_pk_check_pair(&id->chain.pk, &id->key, mbedtls_psa_get_random,
				  MBEDTLS_PSA_RANDOM_STATE) != 0) {
		snprintf(error, TLS_ERROR_SIZE,
			 "key %s does not belong to the first certificate in %s; the leaf must "
			 "come first",
			 pair->key.name, pair->cert.name);
		return -1;
	}
	return 0;
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
	if (tls_chain_load(&id->chain, &pair->cert, "certificate", error) != 0 ||
	    load_key(id, pair, error) != 0)
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
