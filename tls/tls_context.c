/* SPDX-License-Identifier: Apache-2.0 */
/* tls_context.c — what sessions share: certificate, key, policy. See tls.h and tls_client.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/psa_util.h>
#include <mbedtls/version.h>
#include <psa/crypto.h>

#include "tls/tls_client.h"
#include "tls/tls_internal.h"

const char *tls_library_version(void)
{
	return MBEDTLS_VERSION_STRING_FULL;
}

/* The name that a client asks for, kept for people to read: nothing in it may harm a log line. */
static int note_server_name(void *ctx, mbedtls_ssl_context *ssl, const unsigned char *name,
			    size_t len)
{
	struct tls_session *t = mbedtls_ssl_get_user_data_p(ssl);

	(void)ctx;
	if (len > TLS_SNI_MAX)
		len = TLS_SNI_MAX;
	for (size_t i = 0; i < len; i++)
		t->sni[i] = name[i] > ' ' && name[i] < 0x7f ? (char)name[i] : '?';
	t->sni[len] = '\0';
	return 0; /* there is one certificate: every name gets it */
}

/* memmem for a blob, which may be empty and then has no address either. */
static bool holds(const struct tls_blob *blob, const char *mark)
{
	return blob->len > 0 && memmem(blob->data, blob->len, mark, strlen(mark)) != NULL;
}

/* PEM must end in NUL for Mbed TLS, DER must not. Returns a copy, to be freed, or NULL. */
static uint8_t *parseable(const struct tls_blob *blob, size_t *len)
{
	uint8_t *copy = malloc(blob->len + 1);

	if (!copy)
		return NULL;
	if (blob->len > 0)
		memcpy(copy, blob->data, blob->len);
	copy[blob->len] = '\0';
	*len = holds(blob, "-----BEGIN ") ? blob->len + 1 : blob->len;
	return copy;
}

static int load_chain(mbedtls_x509_crt *chain, const struct tls_blob *blob, const char *what,
		      char error[TLS_ERROR_SIZE])
{
	size_t len;
	uint8_t *copy = parseable(blob, &len);

	if (!copy) {
		snprintf(error, TLS_ERROR_SIZE, "%s %s: out of memory", what, blob->name);
		return -1;
	}
	const int err = mbedtls_x509_crt_parse(chain, copy, len);
	free(copy);
	if (err > 0)
		snprintf(error, TLS_ERROR_SIZE, "%s %s: %d of its certificates cannot be read",
			 what, blob->name, err);
	else if (err < 0)
		tls_error_format(error, what, blob->name, err);
	return err ? -1 : 0;
}

/* PKCS#8 and the older PEM header both say so; what opens them is not compiled in. */
static bool is_encrypted(const struct tls_blob *key)
{
	return holds(key, "ENCRYPTED");
}

static int load_key(struct tls_context *ctx, const struct tls_config *cfg,
		    char error[TLS_ERROR_SIZE])
{
	size_t len;
	uint8_t *copy = parseable(&cfg->key, &len);

	if (!copy) {
		snprintf(error, TLS_ERROR_SIZE, "key %s: out of memory", cfg->key.name);
		return -1;
	}
	const int err = mbedtls_pk_parse_key(&ctx->key, copy, len, NULL, 0, mbedtls_psa_get_random,
					     MBEDTLS_PSA_RANDOM_STATE);
	explicit_bzero(copy, len);
	free(copy);
	if (err && is_encrypted(&cfg->key)) {
		snprintf(error, TLS_ERROR_SIZE,
			 "key %s is encrypted; decrypt it first: openssl pkey -in %s -out NEW",
			 cfg->key.name, cfg->key.name);
		return -1;
	}
	if (err) {
		tls_error_format(error, "key", cfg->key.name, err);
		return -1;
	}
	if (mbedtls_pk_check_pair(&ctx->chain.pk, &ctx->key, mbedtls_psa_get_random,
				  MBEDTLS_PSA_RANDOM_STATE) != 0) {
		snprintf(error, TLS_ERROR_SIZE,
			 "key %s does not belong to the first certificate in %s; the leaf must "
			 "come first",
			 cfg->key.name, cfg->cert.name);
		return -1;
	}
	return 0;
}

/* Moves the key into PSA's store, once: a key outside it would be parsed and checked anew for every
 * signature. RSA signs by PKCS #1 v1.5 in TLS 1.2 and by PSS in TLS 1.3 (RFC 8446 4.2.3). */
static int import_key(struct tls_context *ctx)
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	int err = mbedtls_pk_get_psa_attributes(&ctx->key, PSA_KEY_USAGE_SIGN_HASH, &attributes);

	if (err)
		return err;
	if (PSA_KEY_TYPE_IS_RSA(psa_get_key_type(&attributes))) {
		psa_set_key_algorithm(&attributes, PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_ANY_HASH));
		psa_set_key_enrollment_algorithm(&attributes, PSA_ALG_RSA_PSS(PSA_ALG_ANY_HASH));
	} else {
		psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
	}
	err = mbedtls_pk_import_into_psa(&ctx->key, &attributes, &ctx->key_id);
	if (err)
		return err;
	mbedtls_pk_free(&ctx->key);
	mbedtls_pk_init(&ctx->key);
	return mbedtls_pk_setup_opaque(&ctx->key, ctx->key_id);
}

static int set_alpn(struct tls_context *ctx, const char *const *alpn)
{
	size_t n = 0;

	if (!alpn)
		return 0;
	while (alpn[n])
		n++;
	ctx->alpn = calloc(n + 1, sizeof *ctx->alpn);
	if (!ctx->alpn)
		return MBEDTLS_ERR_SSL_ALLOC_FAILED;
	for (size_t i = 0; i < n; i++) {
		ctx->alpn[i] = strdup(alpn[i]);
		if (!ctx->alpn[i])
			return MBEDTLS_ERR_SSL_ALLOC_FAILED;
	}
	return mbedtls_ssl_conf_alpn_protocols(&ctx->conf, ctx->alpn);
}

static struct tls_context *context_new(int endpoint, char error[TLS_ERROR_SIZE])
{
	struct tls_context *ctx = calloc(1, sizeof *ctx);

	if (!ctx) {
		snprintf(error, TLS_ERROR_SIZE, "TLS: out of memory");
		return NULL;
	}
	mbedtls_ssl_config_init(&ctx->conf);
	mbedtls_x509_crt_init(&ctx->chain);
	mbedtls_x509_crt_init(&ctx->trusted);
	mbedtls_pk_init(&ctx->key);
	const psa_status_t psa = psa_crypto_init();
	if (psa != PSA_SUCCESS) {
		snprintf(error, TLS_ERROR_SIZE, "TLS: the crypto library does not start (PSA %d)",
			 (int)psa);
		goto fail;
	}
	const int err = mbedtls_ssl_config_defaults(
		&ctx->conf, endpoint, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
	if (err) {
		tls_error_format(error, "TLS", NULL, err);
		goto fail;
	}
	mbedtls_ssl_conf_rng(&ctx->conf, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
	tls_policy_apply(&ctx->conf);
	return ctx;
fail:
	tls_context_destroy(ctx);
	return NULL;
}

struct tls_context *tls_context_create(const struct tls_config *cfg, char error[TLS_ERROR_SIZE])
{
	struct tls_context *ctx = context_new(MBEDTLS_SSL_IS_SERVER, error);

	if (!ctx)
		return NULL;
	if (load_chain(&ctx->chain, &cfg->cert, "certificate", error) || load_key(ctx, cfg, error))
		goto fail;
	int err = import_key(ctx);
	if (!err)
		err = mbedtls_ssl_conf_own_cert(&ctx->conf, &ctx->chain, &ctx->key);
	if (!err)
		err = set_alpn(ctx, cfg->alpn);
	if (err) {
		tls_error_format(error, "certificate", cfg->cert.name, err);
		goto fail;
	}
	mbedtls_ssl_conf_sni(&ctx->conf, note_server_name, NULL);
	tls_ticket_init(ctx);
	return ctx;
fail:
	tls_context_destroy(ctx);
	return NULL;
}

struct tls_context *tls_context_create_client(const struct tls_client_config *cfg,
					      char error[TLS_ERROR_SIZE])
{
	struct tls_context *ctx = context_new(MBEDTLS_SSL_IS_CLIENT, error);
	mbedtls_ssl_config *conf = ctx ? &ctx->conf : NULL;

	if (!ctx)
		return NULL;
	mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_NONE);
	if (cfg->ca.data) {
		if (load_chain(&ctx->trusted, &cfg->ca, "CA", error))
			goto fail;
		mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_REQUIRED);
		mbedtls_ssl_conf_ca_chain(conf, &ctx->trusted, NULL);
	}
	if (cfg->version == TLS_VERSION_1_2)
		mbedtls_ssl_conf_max_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
	if (cfg->version == TLS_VERSION_1_3)
		mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_3);
	if (cfg->groups)
		mbedtls_ssl_conf_groups(conf, cfg->groups);
	if (cfg->ciphersuites)
		mbedtls_ssl_conf_ciphersuites(conf, cfg->ciphersuites);
	ctx->server_name = cfg->server_name ? strdup(cfg->server_name) : NULL;
	if (set_alpn(ctx, cfg->alpn) || (cfg->server_name && !ctx->server_name)) {
		snprintf(error, TLS_ERROR_SIZE, "TLS client: out of memory");
		goto fail;
	}
	return ctx;
fail:
	tls_context_destroy(ctx);
	return NULL;
}

void tls_context_destroy(struct tls_context *ctx)
{
	if (!ctx)
		return;
	ctx->condemned = true;
	if (ctx->sessions > 0)
		return;
	mbedtls_ssl_config_free(&ctx->conf);
	mbedtls_x509_crt_free(&ctx->chain);
	mbedtls_x509_crt_free(&ctx->trusted);
	mbedtls_pk_free(&ctx->key);
	tls_ticket_free(ctx);
	psa_destroy_key(ctx->key_id);
	for (size_t i = 0; ctx->alpn && ctx->alpn[i]; i++)
		free((void *)(uintptr_t)ctx->alpn[i]);
	free(ctx->alpn);
	free(ctx->server_name);
	free(ctx);
}
