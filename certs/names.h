/* SPDX-License-Identifier: Apache-2.0 */
/* names.h — DNS names and addresses: what may stand in a certificate, what does, and what that stands for. */
#ifndef CERTS_NAMES_H
#define CERTS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include <mbedtls/x509_crt.h>

#define CERTS_NAME_SIZE 256
#define CERTS_NAMES_MAX 128

/* Is `text` an address? Then its bytes go to `bytes`, and 4 or 16 comes back; 0 for a name. */
size_t certs_parse_ip(const char *text, unsigned char bytes[16]);

/* NULL when `name` may stand in a server's certificate: an address, a DNS name (RFC 1034 3.5, and underscores), or one
 * with a star for its first label (RFC 9525 6.3). Else the reason why not. */
const char *certs_name_problem(const char *name);

/* Does the leaf's subjectAltName hold every one of `names`, literally? */
bool certs_leaf_covers(const mbedtls_x509_crt *leaf, const char *const *names);

/* May a client that wants `name` take this leaf? As RFC 9525 has it: names without case, a star for one label,
 * addresses by their bytes, and the common name for nothing. */
bool certs_leaf_matches(const mbedtls_x509_crt *leaf, const char *name);

/* The names of a certificate as text. */
struct certs_names {
	char text[CERTS_NAMES_MAX][CERTS_NAME_SIZE];
	const char *list[CERTS_NAMES_MAX + 1]; /* NULL-terminated                   */
	size_t count;
	size_t left_out; /* that are neither DNS names nor addresses, or one too many */
};
void certs_names_of(const mbedtls_x509_crt *crt, struct certs_names *names);

#endif
