/* SPDX-License-Identifier: Apache-2.0 */
/* local.c — the certificate that a server makes for itself: see certs.h. */
#include <stdio.h>

#include <mbedtls/psa_util.h>

#include "certs/authority.h"
#include "certs/files.h"
#include "certs/names.h"

/* Is the leaf that is there good for another third of its life, for all names, from our root? */
static bool leaf_good(const struct certs_authority *a, const char *const *names)
{
	mbedtls_x509_crt leaf;
	mbedtls_pk_context key;
	bool good = false;

	mbedtls_x509_crt_init(&leaf);
	mbedtls_pk_init(&key);
	if (certs_load_chain(a, CERTS_LEAF_FILE, &leaf) == 0 &&
	    certs_load_key(a, CERTS_LEAF_KEY_FILE, &key) == 0) {
		const time_t from = certs_time(&leaf.valid_from), to = certs_time(&leaf.valid_to);
		good = from <= a->now && to - a->now >= (to - from) / 3 &&
		       certs_leaf_covers(&leaf, names) &&
		       mbedtls_pk_check_pair(&leaf.pk, &key, mbedtls_psa_get_random,
					     MBEDTLS_PSA_RANDOM_STATE) == 0 &&
		       certs_authority_signed(a, &leaf);
	}
	mbedtls_x509_crt_free(&leaf);
	mbedtls_pk_free(&key);
	return good;
}

static int make_leaf(struct certs_authority *a, const char *const *names)
{
	const struct certs_issue issue = {.purpose = CERTS_SERVER,
					  .key_type = CERTS_ECDSA,
					  .subject = "O=tunhttpd,CN=tunhttpd",
					  .names = names,
					  .life = CERTS_LEAF_DAYS * CERTS_DAY,
					  .file = "server",
					  .replace = true};

	if (names[0])
		return certs_authority_issue(a, &issue, NULL);
	snprintf(a->error, CERTS_ERROR_SIZE, "a certificate needs at least one name");
	return -1;
}

int certs_ensure_local(const char *dir, const char *const *names, time_t now,
		       struct certs_made *made, char error[CERTS_ERROR_SIZE])
{
	struct certs_authority a;
	struct certs_made done = {0};

	if (certs_dir_make(dir, 0700, error))
		return -1;
	int result = certs_authority_open(&a, dir, now, error);
	if (result == 1) {
		done.ca = true;
		result = certs_authority_make_root(&a, CERTS_CA_DAYS, CERTS_ECDSA);
	}
	if (!result && (done.ca || !leaf_good(&a, names))) {
		result = make_leaf(&a, names);
		done.leaf = result == 0;
	}
	certs_authority_close(&a);
	if (made)
		*made = done;
	return result;
}
