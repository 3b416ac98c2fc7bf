/* SPDX-License-Identifier: Apache-2.0 */
/* authority.c — the local certificate authority on disk: see certs.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/error.h>
#include <mbedtls/psa_util.h>
#include <psa/crypto.h>

#include "certs/certs.h"
#include "certs/files.h"
#include "certs/make.h"

struct authority {
	const char *dir;
	time_t now;
	char *error; /* CERTS_ERROR_SIZE */
	mbedtls_x509_crt root;
	mbedtls_pk_context root_key;
};

static int fail(const struct authority *a, const char *what, const char *file, int code)
{
	char words[128];

	mbedtls_strerror(code, words, sizeof words);
	snprintf(a->error, CERTS_ERROR_SIZE, "%s %s/%s: %s (-0x%04X)", what, a->dir, file, words,
		 (unsigned)-code);
	return -1;
}

/* 0: loaded; 1: no such file; -1: unusable. */
static int load_cert(const struct authority *a, const char *file, mbedtls_x509_crt *crt)
{
	uint8_t *data;
	size_t len;

	const int got = certs_file_read(a->dir, file, &data, &len, a->error);
	if (got)
		return got;
	const int err = mbedtls_x509_crt_parse(crt, data, len + 1);
	free(data);
	/* More than 0 is a count: so many of its certificates are broken. */
	return err ? fail(a, "cannot use", file, err > 0 ? MBEDTLS_ERR_X509_INVALID_FORMAT : err)
		   : 0;
}

static int load_key(const struct authority *a, const char *file, mbedtls_pk_context *key)
{
	uint8_t *data;
	size_t len;

	const int got = certs_file_read(a->dir, file, &data, &len, a->error);
	if (got)
		return got;
	const int err = mbedtls_pk_parse_key(key, data, len + 1, NULL, 0, mbedtls_psa_get_random,
					     MBEDTLS_PSA_RANDOM_STATE);
	explicit_bzero(data, len);
	free(data);
	return err ? fail(a, "cannot use", file, err) : 0;
}

static int make_root(struct authority *a)
{
	char key_pem[CERTS_PEM_SIZE], pem[CERTS_PEM_SIZE];

	int err = certs_make_key(&a->root_key, key_pem);
	if (!err)
		err = certs_make_root(&a->root_key, a->now, pem);
	if (!err)
		err = mbedtls_x509_crt_parse(&a->root, (unsigned char *)pem, strlen(pem) + 1);
	if (err) {
		explicit_bzero(key_pem, sizeof key_pem);
		return fail(a, "cannot make", CERTS_CA_FILE, err);
	}
	/* The key first: a root without its key would be of no use. */
	const int written =
		certs_file_write(a->dir, CERTS_CA_KEY_FILE, 0600, key_pem, strlen(key_pem),
				 a->error) ||
		certs_file_write(a->dir, CERTS_CA_FILE, 0644, pem, strlen(pem), a->error);
	explicit_bzero(key_pem, sizeof key_pem);
	return written ? -1 : 0;
}

/* A root that people trust is never replaced behind their backs. */
static int check_root(struct authority *a)
{
	const char *problem = NULL;

	if (mbedtls_pk_check_pair(&a->root.pk, &a->root_key, mbedtls_psa_get_random,
				  MBEDTLS_PSA_RANDOM_STATE))
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

static int ensure_root(struct authority *a, bool *made)
{
	const int cert = load_cert(a, CERTS_CA_FILE, &a->root);
	if (cert < 0)
		return -1;
	const int key = load_key(a, CERTS_CA_KEY_FILE, &a->root_key);
	if (key < 0)
		return -1;
	/* A key without a certificate is what a crash between the two files leaves. */
	if (cert == 1 && key == 1) {
		*made = true;
		return make_root(a);
	}
	if (cert == 1) {
		mbedtls_pk_free(&a->root_key);
		mbedtls_pk_init(&a->root_key);
		*made = true;
		return make_root(a);
	}
	if (key == 1) {
		snprintf(a->error, CERTS_ERROR_SIZE,
			 "local CA: %s/%s is there but %s is not; bring it back, or move the "
			 "directory away",
			 a->dir, CERTS_CA_FILE, CERTS_CA_KEY_FILE);
		return -1;
	}
	return check_root(a);
}

/* Is the leaf that is there good for another third of its life, for all names, from our root? */
static bool leaf_good(struct authority *a, const char *const *names)
{
	mbedtls_x509_crt leaf;
	mbedtls_pk_context key;
	uint32_t flags;
	bool good = false;

	mbedtls_x509_crt_init(&leaf);
	mbedtls_pk_init(&key);
	if (load_cert(a, CERTS_LEAF_FILE, &leaf) == 0 &&
	    load_key(a, CERTS_LEAF_KEY_FILE, &key) == 0) {
		const time_t from = certs_time(&leaf.valid_from), to = certs_time(&leaf.valid_to);
		good = from <= a->now && to - a->now >= (to - from) / 3 &&
		       certs_leaf_covers(&leaf, names) &&
		       mbedtls_pk_check_pair(&leaf.pk, &key, mbedtls_psa_get_random,
					     MBEDTLS_PSA_RANDOM_STATE) == 0;
		if (good &&
		    mbedtls_x509_crt_verify(&leaf, &a->root, NULL, NULL, &flags, NULL, NULL))
			/* Times are judged above, by the caller's clock. */
			good = (flags & ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED |
						    MBEDTLS_X509_BADCERT_FUTURE)) == 0;
	}
	mbedtls_x509_crt_free(&leaf);
	mbedtls_pk_free(&key);
	return good;
}

static int make_leaf(struct authority *a, const char *const *names)
{
	char key_pem[CERTS_PEM_SIZE], pem[CERTS_PEM_SIZE];
	mbedtls_pk_context key;

	if (!names[0]) {
		snprintf(a->error, CERTS_ERROR_SIZE, "a certificate needs at least one name");
		return -1;
	}
	mbedtls_pk_init(&key);
	int err = certs_make_key(&key, key_pem);
	if (!err)
		err = certs_make_leaf(&key, &a->root, &a->root_key, names, a->now, pem);
	mbedtls_pk_free(&key);
	int result = err ? fail(a, "cannot make", CERTS_LEAF_FILE, err) : 0;
	if (!result)
		result = certs_file_write(a->dir, CERTS_LEAF_KEY_FILE, 0600, key_pem,
					  strlen(key_pem), a->error);
	if (!result)
		result =
			certs_file_write(a->dir, CERTS_LEAF_FILE, 0644, pem, strlen(pem), a->error);
	explicit_bzero(key_pem, sizeof key_pem);
	return result;
}

int certs_ensure_local(const char *dir, const char *const *names, time_t now,
		       struct certs_made *made, char error[CERTS_ERROR_SIZE])
{
	struct authority a = {.dir = dir, .now = now, .error = error};
	struct certs_made done = {0};

	if (certs_dir_make(dir, error))
		return -1;
	if (psa_crypto_init() != PSA_SUCCESS) {
		snprintf(error, CERTS_ERROR_SIZE, "the crypto library does not start");
		return -1;
	}
	mbedtls_x509_crt_init(&a.root);
	mbedtls_pk_init(&a.root_key);
	int result = ensure_root(&a, &done.ca);
	if (!result && (done.ca || !leaf_good(&a, names))) {
		result = make_leaf(&a, names);
		done.leaf = result == 0;
	}
	mbedtls_x509_crt_free(&a.root);
	mbedtls_pk_free(&a.root_key);
	if (made)
		*made = done;
	return result;
}
