/* SPDX-License-Identifier: Apache-2.0 */
/* describe.h — certificates and keys in plain words. */
#ifndef CERTS_DESCRIBE_H
#define CERTS_DESCRIBE_H

#include <stdio.h>
#include <time.h>

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

/* A paragraph for each of `chain`, numbered. */
void certs_describe_chain(FILE *out, const mbedtls_x509_crt *chain, time_t now);
/* "ECDSA P-256", "RSA 2048 bit" */
const char *certs_describe_key(const mbedtls_pk_context *key, char text[48]);
/* "AB:CD:..." of the DER (SHA-256): what trust stores show. */
void certs_fingerprint(const mbedtls_x509_crt *crt, char text[96]);

#endif
