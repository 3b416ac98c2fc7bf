/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_chain.h — certificates and keys as they come: PEM or DER, CRLF, text around, more than is needed, in any order.
 *
 * Call psa_crypto_init() first.
 */
#ifndef TLS_TLS_CHAIN_H
#define TLS_TLS_CHAIN_H

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include "tls/tls.h"

/* Appends every certificate in `blob` to `all`, in the file's order. Critical extensions that Mbed TLS does not know,
 * such as the name constraints of a company's CA, are no obstacle: it is the client who judges. Returns 0, or -1 with
 * one line: what the file is instead, if that can be told. `what` is what it is called there. */
int tls_chain_read(mbedtls_x509_crt *all, const struct tls_blob *blob, const char *what,
		   char error[TLS_ERROR_SIZE]);

/* The certificate of this key, the first of `all` if there are more; NULL for none. */
const mbedtls_x509_crt *tls_chain_find(const mbedtls_x509_crt *all, const mbedtls_pk_context *key);

/* Fills `chain`, which is empty, with copies: `leaf`, then what of `all` signed it, then who signed that (RFC 5246 7.4.2,
 * RFC 8446 4.4.2), each once. Of several signers of one certificate those go first that are not self-signed: they
 * lead on. What does not lead up from the leaf is left out. Returns 0 or one of Mbed TLS's codes. */
int tls_chain_order(mbedtls_x509_crt *chain, const mbedtls_x509_crt *all,
		    const mbedtls_x509_crt *leaf);

/* Has `issuer` the name that `crt` says it was issued by, and the key that signed it? */
bool tls_chain_signed_by(const mbedtls_x509_crt *crt, const mbedtls_x509_crt *issuer);

/* A private key: PKCS#8, SEC1 or PKCS#1; with certificates around, too. 0, or -1 with one line. */
int tls_key_read(mbedtls_pk_context *key, const struct tls_blob *blob, char error[TLS_ERROR_SIZE]);

#endif
