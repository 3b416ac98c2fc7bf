/* SPDX-License-Identifier: Apache-2.0 */
/* tls_pki.h — certificates made afresh: an authority, servers with the names that a test wants, clients. */
#ifndef TESTS_UNIT_TLS_PKI_H
#define TESTS_UNIT_TLS_PKI_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#include "tests/unit/tls_pair.h"

#define RNG mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE
#define DAY 86400

struct made {
	mbedtls_pk_context key;
	char subject[64];
	char cert[4096], pem_key[4096];
};

/* RSA keys take long to make: the fixture's. */
static inline void make_key(struct made *m, bool rsa)
{
	mbedtls_pk_init(&m->key);
	if (rsa) {
		assert_int_equal(mbedtls_pk_parse_key(&m->key, (const uint8_t *)fixture_rsa_key,
						      sizeof fixture_rsa_key, NULL, 0, RNG),
				 0);
		return;
	}
	assert_int_equal(mbedtls_pk_setup(&m->key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), 0);
	assert_int_equal(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(m->key), RNG),
			 0);
}

#define NO_RSA SIZE_MAX

/* So many fresh keys, of which the one at `rsa` is RSA: for a test program's setup. */
static inline struct made *made_new(size_t count, size_t rsa)
{
	struct made *made = calloc(count, sizeof *made);

	assert_non_null(made);
	assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
	for (size_t i = 0; i < count; i++)
		make_key(&made[i], i == rsa);
	return made;
}

static inline void made_free(struct made *made, size_t count)
{
	for (size_t i = 0; i < count; i++)
		mbedtls_pk_free(&made[i].key);
	free(made);
}

/* Certifies m->key as CN=`name` for the DNS names in `names` (with spaces between), valid for the days from `from` to
 * `to` as seen from today; by `issuer`, or by itself when that is NULL. */
static inline void certify(struct made *m, const char *name, const char *names, int from, int to,
			   struct made *issuer)
{
	static unsigned char serial;
	struct made *by = issuer ? issuer : m;
	mbedtls_x509_san_list san[8];
	char copy[256], text[2][16];
	size_t n = 0;
	mbedtls_x509write_cert crt;

	snprintf(m->subject, sizeof m->subject, "CN=%s", name);
	snprintf(copy, sizeof copy, "%s", names);
	memset(san, 0, sizeof san);
	for (char *at = strtok(copy, " "); at; at = strtok(NULL, " ")) {
		san[n].node.type = MBEDTLS_X509_SAN_DNS_NAME;
		san[n].node.san.unstructured_name.p = (unsigned char *)at;
		san[n].node.san.unstructured_name.len = strlen(at);
		if (n > 0)
			san[n - 1].next = &san[n];
		n++;
	}
	for (int i = 0; i < 2; i++) {
		const time_t t = time(NULL) + (time_t)(i ? to : from) * DAY;
		struct tm tm;
		strftime(text[i], sizeof text[i], "%Y%m%d%H%M%S", gmtime_r(&t, &tm));
	}
	serial++;
	mbedtls_x509write_crt_init(&crt);
	mbedtls_x509write_crt_set_version(&crt, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(&crt, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(&crt, &m->key);
	mbedtls_x509write_crt_set_issuer_key(&crt, &by->key);
	assert_int_equal(mbedtls_x509write_crt_set_validity(&crt, text[0], text[1]), 0);
	assert_int_equal(mbedtls_x509write_crt_set_serial_raw(&crt, &serial, 1), 0);
	assert_int_equal(mbedtls_x509write_crt_set_subject_name(&crt, m->subject), 0);
	assert_int_equal(mbedtls_x509write_crt_set_issuer_name(&crt, by->subject), 0);
	assert_int_equal(mbedtls_x509write_crt_set_basic_constraints(&crt, !issuer, -1), 0);
	if (n > 0)
		assert_int_equal(mbedtls_x509write_crt_set_subject_alternative_name(&crt, san), 0);
	assert_int_equal(
		mbedtls_x509write_crt_pem(&crt, (unsigned char *)m->cert, sizeof m->cert, RNG), 0);
	assert_int_equal(mbedtls_pk_write_key_pem(&m->key, (unsigned char *)m->pem_key,
						  sizeof m->pem_key),
			 0);
	mbedtls_x509write_crt_free(&crt);
}

static inline struct tls_pair pair_of(const struct made *m)
{
	return (struct tls_pair){blob(m->cert, "cert.pem"), blob(m->pem_key, "key.pem")};
}

#endif
