/* SPDX-License-Identifier: Apache-2.0 */
/* authority.c — the authority on disk: see authority.h. */
#include "certs/authority.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/error.h>
#include <mbedtls/pem.h>
#include <mbedtls/psa_util.h>
#include <psa/crypto.h>

#include "certs/files.h"
#include "tls/tls_chain.h"

#define RNG mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE
#define FILE_NAME_SIZE 320

static int fail(const struct certs_authority *a, const char *what, const char *file, int code)
{
	char words[128];

	mbedtls_strerror(code, words, sizeof words);
	snprintf(a->error, CERTS_ERROR_SIZE, "%s %s/%s: %s (-0x%04X)", what, a->dir, file, words,
		 (unsigned)-code);
	return -1;
}

/* ------------------------------------------------------------------ loading */

int certs_load_chain(const struct certs_authority *a, const char *file, mbedtls_x509_crt *chain)
{
	uint8_t *data;
	size_t len;

	const int got = certs_file_read(a->dir, file, &data, &len, a->error);
	if (got)
		return got;
	const int err = mbedtls_x509_crt_parse(chain, data, len + 1);
	free(data);
	if (!err)
		return 0;
	/* More than 0 is a count: so many of its certificates are broken. */
	fail(a, "cannot use", file, err > 0 ? MBEDTLS_ERR_X509_INVALID_FORMAT : err);
	return 2;
}

int certs_load_key(const struct certs_authority *a, const char *file, mbedtls_pk_context *key)
{
	uint8_t *data;
	size_t len;

	const int got = certs_file_read(a->dir, file, &data, &len, a->error);
	if (got)
		return got;
	const int err = mbedtls_pk_parse_key(key, data, len + 1, NULL, 0, RNG);
	explicit_bzero(data, len);
	free(data);
	if (!err)
		return 0;
	fail(a, "cannot use", file, err);
	return 2;
}

static void forget_root(struct certs_authority *a)
{
	mbedtls_x509_crt_free(&a->root);
	mbedtls_pk_free(&a->root_key);
	mbedtls_x509_crt_init(&a->root);
	mbedtls_pk_init(&a->root_key);
	a->has_root_key = false;
}

static void forget_intermediate(struct certs_authority *a)
{
	mbedtls_x509_crt_free(&a->intermediate);
	mbedtls_pk_free(&a->intermediate_key);
	mbedtls_x509_crt_init(&a->intermediate);
	mbedtls_pk_init(&a->intermediate_key);
	a->has_intermediate = false;
}

/* ------------------------------------------------------------------ the root */

/* RFC 5280 4.2.1.9. Mbed TLS keeps the path length plus one, and 0 for none given. */
static bool may_have_intermediate(const mbedtls_x509_crt *root)
{
	return root->MBEDTLS_PRIVATE(max_pathlen) != 1;
}

/* A root that people trust is never replaced behind their backs. */
static int check_root(const struct certs_authority *a)
{
	const char *problem = NULL;

	if (a->has_root_key && mbedtls_pk_check_pair(&a->root.pk, &a->root_key, RNG))
		problem = "its key does not belong to it";
	else if (certs_time(&a->root.valid_to) <= a->now)
		problem = "it has expired";
	else if (certs_time(&a->root.valid_from) > a->now)
		problem = "it is not valid yet: is the clock right?";
	if (!problem)
		return 0;
	snprintf(
		a->error, CERTS_ERROR_SIZE,
		"local CA %s/%s: %s; move that directory away and a new one is made, which clients "
		"must then trust",
		a->dir, CERTS_CA_FILE, problem);
	return -1;
}

static int root_key_is_missing(const struct certs_authority *a)
{
	snprintf(
		a->error, CERTS_ERROR_SIZE,
		"local CA: %s/%s is there but %s is not; bring it back, or move the directory away",
		a->dir, CERTS_CA_FILE, CERTS_CA_KEY_FILE);
	return -1;
}

/* 0: there is a root and it is good; 1: there is none; -1. */
static int open_root(struct certs_authority *a)
{
	const int cert = certs_load_chain(a, CERTS_CA_FILE, &a->root);
	if (cert < 0 || cert == 2)
		return -1;
	const int key = certs_load_key(a, CERTS_CA_KEY_FILE, &a->root_key);
	if (key < 0 || key == 2)
		return -1;
	/* A key without a certificate is what a crash between the two files leaves. */
	if (cert == 1) {
		forget_root(a);
		return 1;
	}
	a->has_root_key = key == 0;
	return check_root(a);
}

/* Writes a key and its certificate, the key first: without it the other is of no use. Wipes the key. */
static int write_pair(const struct certs_authority *a, const char *key_file, char *key_pem,
		      const char *file, const char *pem, bool replace)
{
	const int written =
		certs_file_write(a->dir, key_file, 0600, key_pem, strlen(key_pem), replace,
				 a->error) ||
		certs_file_write(a->dir, file, 0644, pem, strlen(pem), replace, a->error);

	explicit_bzero(key_pem, strlen(key_pem));
	return written ? -1 : 0;
}

int certs_authority_make_root(struct certs_authority *a, int days, enum certs_key_type type)
{
	char key_pem[CERTS_PEM_SIZE], pem[CERTS_PEM_SIZE], subject[CERTS_SUBJECT_SIZE];
	struct certs_request request = {.purpose = CERTS_CA,
					.path_length = 1,
					.key = &a->root_key,
					.subject = subject,
					.from = a->now - CERTS_HOUR, /* clocks differ */
					.to = a->now + days * CERTS_DAY};

	forget_root(a);
	forget_intermediate(a);
	certs_ca_subject("CA", a->now, subject);
	int err = certs_make_key(&a->root_key, type, key_pem);
	if (!err)
		err = certs_make(&request, &(struct certs_signer){NULL, &a->root_key}, pem);
	if (!err)
		err = mbedtls_x509_crt_parse(&a->root, (unsigned char *)pem, strlen(pem) + 1);
	if (err) {
		explicit_bzero(key_pem, sizeof key_pem);
		return fail(a, "cannot make", CERTS_CA_FILE, err);
	}
	a->has_root_key = true;
	return write_pair(a, CERTS_CA_KEY_FILE, key_pem, CERTS_CA_FILE, pem, true);
}

/* ------------------------------------------------------------------ the intermediate */

/* One that is broken, of another root or over is as good as none: nobody trusts it by itself. */
static int open_intermediate(struct certs_authority *a)
{
	const int cert = certs_load_chain(a, CERTS_INTERMEDIATE_FILE, &a->intermediate);
	const int key =
		cert ? 0 : certs_load_key(a, CERTS_INTERMEDIATE_KEY_FILE, &a->intermediate_key);

	if (cert < 0 || key < 0)
		return -1;
	a->has_intermediate =
		cert == 0 && key == 0 &&
		mbedtls_pk_check_pair(&a->intermediate.pk, &a->intermediate_key, RNG) == 0 &&
		tls_chain_signed_by(&a->intermediate, &a->root) &&
		certs_time(&a->intermediate.valid_from) <= a->now &&
		certs_time(&a->intermediate.valid_to) > a->now;
	if (!a->has_intermediate)
		forget_intermediate(a);
	return 0;
}

static int make_intermediate(struct certs_authority *a)
{
	char key_pem[CERTS_PEM_SIZE], pem[CERTS_PEM_SIZE], subject[CERTS_SUBJECT_SIZE];
	const struct certs_signer root = {&a->root, &a->root_key};
	struct certs_request request = {.purpose = CERTS_CA,
					.key = &a->intermediate_key,
					.subject = subject,
					.from = a->now - CERTS_HOUR,
					.to = a->now + CERTS_INTERMEDIATE_DAYS * CERTS_DAY};

	forget_intermediate(a);
	certs_ca_subject("intermediate", a->now, subject);
	int err = certs_make_key(&a->intermediate_key, CERTS_ECDSA, key_pem);
	if (!err)
		err = certs_make(&request, &root, pem);
	if (!err)
		err = mbedtls_x509_crt_parse(&a->intermediate, (unsigned char *)pem,
					     strlen(pem) + 1);
	if (err) {
		explicit_bzero(key_pem, sizeof key_pem);
		return fail(a, "cannot make", CERTS_INTERMEDIATE_FILE, err);
	}
	a->has_intermediate = true;
	return write_pair(a, CERTS_INTERMEDIATE_KEY_FILE, key_pem, CERTS_INTERMEDIATE_FILE, pem,
			  true);
}

/* ------------------------------------------------------------------ open, close */

int certs_authority_open(struct certs_authority *a, const char *dir, time_t now,
			 char error[CERTS_ERROR_SIZE])
{
	*a = (struct certs_authority){.dir = dir, .now = now, .error = error};
	mbedtls_x509_crt_init(&a->root);
	mbedtls_x509_crt_init(&a->intermediate);
	mbedtls_pk_init(&a->root_key);
	mbedtls_pk_init(&a->intermediate_key);
	if (psa_crypto_init() != PSA_SUCCESS) {
		snprintf(error, CERTS_ERROR_SIZE, "the crypto library does not start");
		return -1;
	}
	const int root = open_root(a);
	if (root)
		return root;
	if (may_have_intermediate(&a->root) && open_intermediate(a))
		return -1;
	return a->has_root_key || a->has_intermediate ? 0 : root_key_is_missing(a);
}

void certs_authority_close(struct certs_authority *a)
{
	forget_root(a);
	forget_intermediate(a);
}

/* ------------------------------------------------------------------ issuing */

int certs_authority_signer(struct certs_authority *a, time_t until, struct certs_signer *signer)
{
	const time_t root_end = certs_time(&a->root.valid_to);
	const time_t wanted = until < root_end ? until : root_end;

	if (!may_have_intermediate(&a->root)) {
		*signer = (struct certs_signer){&a->root, &a->root_key};
		return 0;
	}
	/* Without the root's key the one at hand has to do, and what it signs ends with it. */
	const bool short_lived =
		a->has_intermediate && certs_time(&a->intermediate.valid_to) < wanted;
	if ((!a->has_intermediate || (short_lived && a->has_root_key)) && make_intermediate(a))
		return -1;
	*signer = (struct certs_signer){&a->intermediate, &a->intermediate_key};
	return 0;
}

/* PEM of a certificate, behind what is there. */
static int append_pem(const mbedtls_x509_crt *crt, char pem[2 * CERTS_PEM_SIZE])
{
	const size_t len = strlen(pem);
	size_t used;

	return mbedtls_pem_write_buffer("-----BEGIN CERTIFICATE-----\n",
					"-----END CERTIFICATE-----\n", crt->raw.p, crt->raw.len,
					(unsigned char *)pem + len, 2 * CERTS_PEM_SIZE - len,
					&used);
}

/* Neither file may be there: a key of its own beside an old certificate would break both. */
static int check_absent(const struct certs_authority *a, const char *file)
{
	if (!certs_file_exists(a->dir, file))
		return 0;
	snprintf(a->error, CERTS_ERROR_SIZE,
		 "%.140s/%.60s is there already; --force replaces it, --out NAME makes another",
		 a->dir, file);
	return -1;
}

int certs_authority_issue(struct certs_authority *a, const struct certs_issue *issue, time_t *until)
{
	char key_pem[CERTS_PEM_SIZE], pem[2 * CERTS_PEM_SIZE];
	char file[FILE_NAME_SIZE], key_file[FILE_NAME_SIZE];
	struct certs_signer signer;
	mbedtls_pk_context key;

	snprintf(file, sizeof file, "%s.pem", issue->file);
	snprintf(key_file, sizeof key_file, "%s-key.pem", issue->file);
	if (!issue->replace && (check_absent(a, file) || check_absent(a, key_file)))
		return -1;
	if (certs_authority_signer(a, a->now + issue->life, &signer))
		return -1;
	mbedtls_pk_init(&key);
	const struct certs_request request = {.purpose = issue->purpose,
					      .key = &key,
					      .subject = issue->subject,
					      .names = issue->names,
					      .from = a->now - CERTS_HOUR,
					      .to = a->now + issue->life};
	const time_t signer_end = certs_time(&signer.crt->valid_to);
	if (until)
		*until = request.to < signer_end ? request.to : signer_end;
	int err = certs_make_key(&key, issue->key_type, key_pem);
	if (!err)
		err = certs_make(&request, &signer, pem);
	if (!err && signer.crt != &a->root)
		err = append_pem(signer.crt, pem);
	mbedtls_pk_free(&key);
	if (err) {
		explicit_bzero(key_pem, sizeof key_pem);
		return fail(a, "cannot make", file, err);
	}
	return write_pair(a, key_file, key_pem, file, pem, issue->replace);
}

bool certs_authority_signed(const struct certs_authority *a, mbedtls_x509_crt *chain)
{
	mbedtls_x509_crt *root = (mbedtls_x509_crt *)(uintptr_t)&a->root;
	uint32_t flags = 0;

	if (mbedtls_x509_crt_verify(chain, root, NULL, NULL, &flags, NULL, NULL) == 0)
		return true;
	/* Times are for the caller to judge, by its clock. */
	return (flags & ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)) ==
	       0;
}
