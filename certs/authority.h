/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authority.h — the authority on disk: a root, an intermediate below it, and what that signs.
 *
 * An authority of an earlier version has a root that no intermediate may follow (path length 0): there the root goes
 * on signing leaves itself.
 */
#ifndef CERTS_AUTHORITY_H
#define CERTS_AUTHORITY_H

#include "certs/certs.h"
#include "certs/make.h"

struct certs_authority {
	const char *dir;
	time_t now;
	char *error; /* CERTS_ERROR_SIZE */
	mbedtls_x509_crt root, intermediate;
	mbedtls_pk_context root_key, intermediate_key;
	bool has_root_key;     /* it may be kept elsewhere                    */
	bool has_intermediate; /* of this root, with its key, valid at `now`  */
};

/* Opens what is in `dir`. Returns 0; 1 when there is no root; -1 with one line in `error`. certs_authority_close in any case.
 * Both strings must outlive it. */
int certs_authority_open(struct certs_authority *a, const char *dir, time_t now,
			 char error[CERTS_ERROR_SIZE]);
void certs_authority_close(struct certs_authority *a);

/* A new root for an authority that was opened; what was there of root and intermediate is replaced. 0 or -1. */
int certs_authority_make_root(struct certs_authority *a, int days, enum certs_key_type type);

/* Who signs what shall be valid until `until`: the intermediate, made anew when it would end before, or the root. 0 or -1. */
int certs_authority_signer(struct certs_authority *a, time_t until, struct certs_signer *signer);

struct certs_issue {
	enum certs_purpose purpose;
	enum certs_key_type key_type;
	const char *subject;
	const char *const *names; /* may be NULL for a client             */
	time_t life;              /* seconds from now                     */
	const char *file;         /* FILE.pem and FILE-key.pem are made   */
	bool replace;             /* also when there are such files       */
};
/* Makes a key and its certificate and writes them, the chain behind the certificate. *until, unless NULL, is when it
 * ends. 0 or -1. */
int certs_authority_issue(struct certs_authority *a, const struct certs_issue *issue,
			  time_t *until);

/* Does the first of `chain`, over the others, come from this authority's root? Whatever the time. */
bool certs_authority_signed(const struct certs_authority *a, mbedtls_x509_crt *chain);

/* A chain and its key in the directory. 0; 1: no such file; 2: it is broken; -1: it cannot be read. With all but 0 and 1
 * there is one line in a->error. */
int certs_load_chain(const struct certs_authority *a, const char *file, mbedtls_x509_crt *chain);
int certs_load_key(const struct certs_authority *a, const char *file, mbedtls_pk_context *key);

#endif
