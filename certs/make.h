/* SPDX-License-Identifier: Apache-2.0 */
/* make.h — making keys and certificates. Certificates follow RFC 5280 and what browsers ask of them. */
#ifndef CERTS_MAKE_H
#define CERTS_MAKE_H

#include <stdbool.h>
#include <time.h>

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#define CERTS_PEM_SIZE 8192
#define CERTS_CA_DAYS 3650
/* Half of the root's life: one change of the intermediate while people trust one root. */
#define CERTS_INTERMEDIATE_DAYS 1825
#define CERTS_LEAF_DAYS 90      /* CA/Browser Forum's direction, and what browsers allow by far */
#define CERTS_LEAF_DAYS_MAX 825 /* Apple's systems take no longer ones, whoever is trusted      */
#define CERTS_DAY ((time_t)24 * 3600)
#define CERTS_HOUR ((time_t)3600)
#define CERTS_SUBJECT_SIZE 512

enum certs_key_type {
	CERTS_ECDSA, /* P-256    */
	CERTS_RSA,   /* 2048 bit */
};
enum certs_purpose {
	CERTS_CA,
	CERTS_SERVER,
	CERTS_CLIENT,
};

struct certs_request {
	enum certs_purpose purpose;
	int path_length; /* of a CA: how many CAs may follow; the last one is for servers and clients only */
	mbedtls_pk_context *key;
	const char *subject;      /* "O=tunhttpd,CN=..."                         */
	const char *const *names; /* DNS names and addresses; NULL for none      */
	time_t from, to;          /* cut to the life of who signs                */
};

/* Who signs; `crt` NULL: the certificate signs itself. */
struct certs_signer {
	const mbedtls_x509_crt *crt;
	mbedtls_pk_context *key;
};

/* Both return 0 or one of Mbed TLS's error codes. PEM comes back NUL-terminated. */

/* A fresh key. */
int certs_make_key(mbedtls_pk_context *key, enum certs_key_type type, char pem[CERTS_PEM_SIZE]);
int certs_make(const struct certs_request *request, const struct certs_signer *by,
	       char pem[CERTS_PEM_SIZE]);

/* "O=tunhttpd,CN=tunhttpd local WHAT on HOST 2026-11-24": tells one machine's root from another's in a trust store. */
void certs_ca_subject(const char *what, time_t now, char subject[CERTS_SUBJECT_SIZE]);
/* "O=tunhttpd,CN=NAME"; 0, or -1 when a common name cannot have that: at most 64 bytes (RFC 5280 ub-common-name) of UTF-8
 * without control characters. */
int certs_subject(const char *name, char subject[CERTS_SUBJECT_SIZE]);

/* Seconds since 1970 of a certificate's time. */
time_t certs_time(const mbedtls_x509_time *t);

#endif
