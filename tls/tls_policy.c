/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_policy.c — what may be negotiated, in one place and in order of preference: TLS 1.3 and 1.2,
 * ephemeral key agreement, AEAD. What mbedtls_config.h does not compile in cannot be added here.
 */
#include <mbedtls/ssl_ciphersuites.h>

#ifdef TUNHTTPD_PSA_LIBCRYPTO
#include "tls/psa_libcrypto.h"
#endif
#include "tls/tls_internal.h"

/* AES-128 before AES-256: no practical difference in strength, a third less work. */
#define SUITES(X)                                                                             \
	X(TLS1_3_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256")                                \
	X(TLS1_3_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384")                                \
	X(TLS1_3_CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256")                    \
	X(TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256") \
	X(TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")     \
	X(TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384") \
	X(TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")     \
	X(TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,                                      \
	  "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256")                                    \
	X(TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,                                        \
	  "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256")

static const int ciphersuites[] = {
#define X(id, iana) MBEDTLS_##id,
	SUITES(X)
#undef X
		0,
};

const char *tls_policy_suite_name(int id)
{
	switch (id) {
#define X(suite, iana)        \
	case MBEDTLS_##suite: \
		return iana;
		SUITES(X)
#undef X
	default:
		return NULL;
	}
}

static const uint16_t groups[] = {
	MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
	MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
	MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
	MBEDTLS_SSL_IANA_TLS_GROUP_NONE,
};

#if defined(TUNHTTPD_PSA_LIBCRYPTO)
/* A server's, where libcrypto has the hybrid. In TLS 1.3 the client's order of key shares counts. */
static const uint16_t groups_with_hybrid[] = {
	LIBCRYPTO_X25519MLKEM768,
	MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
	MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
	MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
	MBEDTLS_SSL_IANA_TLS_GROUP_NONE,
};
#endif

static const uint16_t *groups_of(const mbedtls_ssl_config *conf)
{
#if defined(TUNHTTPD_PSA_LIBCRYPTO)
	if (mbedtls_ssl_conf_get_endpoint(conf) == MBEDTLS_SSL_IS_SERVER &&
	    libcrypto_has_x25519mlkem768())
		return groups_with_hybrid;
#else
	(void)conf;
#endif
	return groups;
}

/* No SHA-1 and no MD5 (RFC 9155). PKCS#1 v1.5 is for TLS 1.2 only (RFC 8446 4.2.3). */
static const uint16_t signatures[] = {
	MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
	MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
	MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,
	MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
	MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512,
	MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
	MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,
	MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
	MBEDTLS_TLS1_3_SIG_NONE,
};

void tls_policy_apply(mbedtls_ssl_config *conf)
{
	mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_max_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_3);
	mbedtls_ssl_conf_ciphersuites(conf, ciphersuites);
	mbedtls_ssl_conf_groups(conf, groups_of(conf));
	mbedtls_ssl_conf_sig_algs(conf, signatures);
	mbedtls_ssl_conf_preference_order(conf, MBEDTLS_SSL_SRV_CIPHERSUITE_ORDER_SERVER);
	/* A ticket saves the certificate, never the key exchange: psk_dhe_ke, not psk_ke (RFC 8446 4.2.9). */
	mbedtls_ssl_conf_tls13_key_exchange_modes(
		conf, MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ALL);
}
