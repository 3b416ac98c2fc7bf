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
static void note_server_name(struct tls_session *t, const unsigned char *name, size_t len)
{
	if (len > TLS_SNI_MAX)
		len = TLS_SNI_MAX;
	for (size_t i = 0; i < len; i++)
		t->sni[i] = name[i] > ' ' && name[i] < 0x7f ? (char)name[i] : '?';
	t->sni[len] = '\0';
}

/* RFC 6066 3. The identities that have the name go before the default ones; which of them it will be is for what the
 * client can verify to decide. A value other than 0 becomes the alert unrecognized_name. */
static int on_server_name(void *arg, mbedtls_ssl_context *ssl, const unsigned char *name,
			  size_t len)
{
	struct tls_context *ctx = arg;
	size_t first, count;

	note_server_name(mbedtls_ssl_get_user_data_p(ssl), name, len);
	if (!tls_names_find(&ctx->names, name, len, &first, &count))
		return ctx->strict_names ? -1 : 0;
	for (size_t i = 0; i < count; i++) {
		struct tls_identity *id = &ctx->identity[ctx->names.entry[first + i].identity];
		const int err = mbedtls_ssl_set_hs_own_cert(ssl, &id->chain, &id->key);
		if (err)
			return err;
	}
	return 0;
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
	mbedtls_x509_crt_init(&ctx->trusted);
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

static int load_identities(struct tls_context *ctx, const struct tls_config *cfg,
			   char error[TLS_ERROR_SIZE])
{
	if (cfg->pair_count == 0) {
		snprintf(error, TLS_ERROR_SIZE, "certificate: a server needs one");
		return -1;
	}
	ctx->identity = calloc(cfg->pair_count, sizeof *ctx->identity);
	if (!ctx->identity) {
		snprintf(error, TLS_ERROR_SIZE, "certificate: out of memory");
		return -1;
	}
	for (size_t i = 0; i < cfg->pair_count; i++) {
		tls_identity_init(&ctx->identity[i]);
		ctx->identities++;
		if (tls_identity_load(&ctx->identity[i], &cfg->pair[i], error) != 0 ||
		    tls_names_add(&ctx->names, &ctx->identity[i].chain, i, error) != 0)
			return -1;
	}
	tls_names_sort(&ctx->names);
	return 0;
}

/* Who asks for no name, or for one that nobody has, gets the first identity, and with it those that are for the same
 * names: an RSA certificate beside an ECDSA one. */
static int set_default_identities(struct tls_context *ctx)
{
	int err = 0;

	for (size_t i = 0; i < ctx->identities && !err; i++) {
		struct tls_identity *id = &ctx->identity[i];
		if (i == 0 || tls_names_alike(&ctx->identity[0].chain, &id->chain))
			err = mbedtls_ssl_conf_own_cert(&ctx->conf, &id->chain, &id->key);
	}
	return err;
}

/* RFC 8446 4.3.2, RFC 5246 7.4.4 */
static int set_client_authority(struct tls_context *ctx, const struct tls_config *cfg,
				char error[TLS_ERROR_SIZE])
{
	ctx->client_auth = cfg->client_auth;
	mbedtls_ssl_conf_authmode(
		&ctx->conf, cfg->client_auth == TLS_CLIENT_REQUIRED ? MBEDTLS_SSL_VERIFY_REQUIRED
			    : cfg->client_auth == TLS_CLIENT_WANTED ? MBEDTLS_SSL_VERIFY_OPTIONAL
								    : MBEDTLS_SSL_VERIFY_NONE);
	if (cfg->client_auth == TLS_CLIENT_OFF)
		return 0;
	if (tls_chain_load(&ctx->trusted, &cfg->client_ca, "CA", error) != 0)
		return -1;
	mbedtls_ssl_conf_ca_chain(&ctx->conf, &ctx->trusted, NULL);
	return 0;
}

struct tls_context *tls_context_create(const struct tls_config *cfg, char error[TLS_ERROR_SIZE])
{
	struct tls_context *ctx = context_new(MBEDTLS_SSL_IS_SERVER, error);

	if (!ctx)
		return NULL;
	if (load_identities(ctx, cfg, error) != 0 || set_client_authority(ctx, cfg, error) != 0)
		goto fail;
	int err = set_default_identities(ctx);
	if (!err)
		err = set_alpn(ctx, cfg->alpn);
	if (err) {
		tls_error_format(error, "certificate", cfg->pair[0].cert.name, err);
		goto fail;
	}
	ctx->strict_names = cfg->strict_names;
	mbedtls_ssl_conf_sni(&ctx->conf, on_server_name, ctx);
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
		if (tls_chain_load(&ctx->trusted, &cfg->ca, "CA", error))
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

void tls_context_set_keylog(struct tls_context *ctx, const struct tls_keylog *keylog)
{
	ctx->keylog = *keylog;
}

void tls_context_destroy(struct tls_context *ctx)
{
	if (!ctx)
		return;
	ctx->condemned = true;
	if (ctx->sessions > 0)
		return;
	tls_pool_free(ctx);
	mbedtls_ssl_config_free(&ctx->conf);
	for (size_t i = 0; i < ctx->identities; i++)
		tls_identity_free(&ctx->identity[i]);
	free(ctx->identity);
	tls_names_free(&ctx->names);
	mbedtls_x509_crt_free(&ctx->trusted);
	tls_ticket_free(ctx);
	tls_spares_free(&ctx->spares);
	for (size_t i = 0; ctx->alpn && ctx->alpn[i]; i++)
		free((void *)(uintptr_t)ctx->alpn[i]);
	free(ctx->alpn);
	free(ctx->server_name);
	free(ctx);
}
