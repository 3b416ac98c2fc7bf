/* SPDX-License-Identifier: Apache-2.0 */
/* make.h — making keys and certificates; judging the ones that are there. */
#ifndef CERTS_MAKE_H
#define CERTS_MAKE_H

#include <stdbool.h>
#include <time.h>

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#define CERTS_PEM_SIZE 8192
#define CERTS_CA_DAYS 3650
#define CERTS_LEAF_DAYS 90 /* CA/Browser Forum's direction, and what browsers allow by far */

/* All return 0 or one of Mbed TLS's error codes. PEM comes back NUL-terminated. */

/* A fresh ECDSA P-256 key, also as PKCS#8-compatible PEM. */
int certs_make_key(mbedtls_pk_context *key, char pem[CERTS_PEM_SIZE]);
/* A self-signed root (RFC 5280 4.2.1.9: CA, at most leaves below). */
int certs_make_root(mbedtls_pk_context *key, time_t now, char pem[CERTS_PEM_SIZE]);
/* A leaf for `names`, signed by the root. */
int certs_make_leaf(mbedtls_pk_context *key, const mbedtls_x509_crt *root,
		    mbedtls_pk_context *root_key, const char *const *names, time_t now,
		    char pem[CERTS_PEM_SIZE]);

/* Does the leaf's subjectAltName hold every one of `names`? */
bool certs_leaf_covers(const mbedtls_x509_crt *leaf, const char *const *names);
/* Seconds since 1970 of a certificate's time. */
time_t certs_time(const mbedtls_x509_time *t);
/* Is `text` an address? Then its bytes go to `bytes`, and 4 or 16 comes back; 0 for a name. */
size_t certs_parse_ip(const char *text, unsigned char bytes[16]);

#endif
