/* SPDX-License-Identifier: Apache-2.0 */
/* tls_chain.c — certificates and keys as they come: see tls_chain.h. */
#include "tls/tls_chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <mbedtls/md.h>
#include <mbedtls/pem.h>
#include <mbedtls/psa_util.h>

#include "tls/tls_internal.h"

#define BEGIN_CERT "-----BEGIN CERTIFICATE-----"
#define END_CERT "-----END CERTIFICATE-----"
#define DN_SIZE 1024

/* memmem for a blob, which may be empty and then has no address either. */
static bool holds_bytes(const struct tls_blob *blob, const void *mark, size_t len)
{
	return blob->len > 0 && memmem(blob->data, blob->len, mark, len) != NULL;
}

static bool holds(const struct tls_blob *blob, const char *mark)
{
	return holds_bytes(blob, mark, strlen(mark));
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

/* ------------------------------------------------------------------ what it is instead */

static bool is_utf16(const struct tls_blob *blob)
{
	return blob->len > 1 && ((blob->data[0] == 0xff && blob->data[1] == 0xfe) ||
				 (blob->data[0] == 0xfe && blob->data[1] == 0xff));
}

/* RFC 7292 4: PFX ::= SEQUENCE { version INTEGER (3), ... */
static bool is_pkcs12(const struct tls_blob *blob)
{
	return blob->len > 8 && blob->data[0] == 0x30 && blob->data[1] == 0x82 &&
	       memcmp(blob->data + 4, "\x02\x01\x03", 3) == 0;
}

/* Both PEM headers say so; DER has the arc pkcs-5 near its beginning (RFC 8018). */
static bool is_encrypted(const struct tls_blob *key)
{
	static const uint8_t pkcs5[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05};
	const struct tls_blob head = {key->data, key->len < 40 ? key->len : 40, NULL};

	return holds(key, "ENCRYPTED") || holds_bytes(&head, pkcs5, sizeof pkcs5);
}

/* Why there is neither certificate nor key, as far as that can be seen; NULL for no idea. */
static const char *instead_of_pem(const struct tls_blob *blob)
{
	if (blob->len == 0)
		return "the file is empty";
	if (is_utf16(blob))
		return "it is UTF-16 text; save it as plain text";
	if (is_pkcs12(blob))
		return "it is PKCS#12; openssl pkcs12 -in FILE -nodes -out NEW makes PEM of it";
	return NULL;
}

static const char *instead_of_certificate(const struct tls_blob *blob)
{
	const char *why = instead_of_pem(blob);

	if (why)
		return why;
	if (holds(blob, "-----BEGIN PKCS7-----"))
		return "it is PKCS#7; openssl pkcs7 -in FILE -print_certs -out NEW makes PEM of it";
	if (holds(blob, "CERTIFICATE REQUEST-----"))
		return "it is a certificate request, which an authority has yet to sign";
	if (holds(blob, "-----BEGIN TRUSTED CERTIFICATE-----"))
		return "it is OpenSSL's own form; openssl x509 -in FILE -out NEW makes PEM of it";
	if (holds(blob, "PRIVATE KEY-----"))
		return "it holds a key and no certificate";
	return NULL;
}

static const char *instead_of_key(const struct tls_blob *blob)
{
	const char *why = instead_of_pem(blob);

	if (why)
		return why;
	if (holds(blob, "OPENSSH PRIVATE KEY-----"))
		return "it is a key for SSH; ssh-keygen -p -m PEM -f FILE makes PEM of it";
	if (holds(blob, "PRIVATE KEY-----"))
		return NULL;
	if (holds(blob, "-----BEGIN PUBLIC KEY-----"))
		return "it is a public key; the private one is needed";
	if (holds(blob, BEGIN_CERT))
		return "it holds a certificate and no key";
	return NULL;
}

/* Ed25519, P-521 and the like: Mbed TLS knows them not, or is built without them. */
#define UNSUPPORTED "a kind of key that is not supported; ECDSA P-256, P-384 and RSA are"

static bool is_unsupported(int err)
{
	/* The low seven bits may name a second cause. */
	switch (-(int)((unsigned)-err & 0xff80u)) {
	case MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG:
	case MBEDTLS_ERR_PK_UNKNOWN_PK_ALG:
	case MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE:
		return true;
	default:
		return false;
	}
}

/* ------------------------------------------------------------------ reading */

/* Takes whatever extension is unknown. */
static int accept_extension(void *ctx, const mbedtls_x509_crt *crt, const mbedtls_x509_buf *oid,
			    int critical, const unsigned char *p, const unsigned char *end)
{
	(void)ctx, (void)crt, (void)oid, (void)critical, (void)p, (void)end;
	return 0;
}

static int add_der(mbedtls_x509_crt *all, const uint8_t *der, size_t len)
{
	return mbedtls_x509_crt_parse_der_with_ext_cb(all, der, len, 1, accept_extension, NULL);
}

/* The blocks of a PEM text; counts those that are broken, *err is why the first one is. */
static int add_pem(mbedtls_x509_crt *all, const uint8_t *text, unsigned *good, int *err)
{
	int broken = 0;

	for (;;) {
		mbedtls_pem_context pem;
		size_t used = 0, len;
		mbedtls_pem_init(&pem);
		int result =
			mbedtls_pem_read_buffer(&pem, BEGIN_CERT, END_CERT, text, NULL, 0, &used);
		if (result == MBEDTLS_ERR_PEM_NO_HEADER_FOOTER_PRESENT) {
			mbedtls_pem_free(&pem);
			return broken;
		}
		if (result == 0) {
			const uint8_t *der = mbedtls_pem_get_buffer(&pem, &len);
			result = add_der(all, der, len);
		}
		mbedtls_pem_free(&pem);
		if (result == 0) {
			++*good;
		} else {
			*err = broken++ ? *err : result;
		}
		if (used == 0)
			return broken; /* out of memory, before the block's end was found */
		text += used;
	}
}

int tls_chain_read(mbedtls_x509_crt *all, const struct tls_blob *blob, const char *what,
		   char error[TLS_ERROR_SIZE])
{
	size_t len;
	uint8_t *copy = parseable(blob, &len);
	unsigned good = 0;
	int err = MBEDTLS_ERR_X509_INVALID_FORMAT, broken = 0;

	if (!copy) {
		snprintf(error, TLS_ERROR_SIZE, "%s %s: out of memory", what, blob->name);
		return -1;
	}
	if (len > blob->len)
		broken = add_pem(all, copy, &good, &err);
	else if ((err = add_der(all, copy, len)) == 0)
		good = 1;
	free(copy);
	if (good > 0 && broken == 0)
		return 0;
	const char *instead = broken ? NULL : instead_of_certificate(blob);
	const bool foreign = is_unsupported(err);
	if (instead)
		snprintf(error, TLS_ERROR_SIZE, "%s %s: %s", what, blob->name, instead);
	else if (broken > 0 && good > 0)
		snprintf(error, TLS_ERROR_SIZE, "%s %s: %d of its certificates cannot be read%s%s",
			 what, blob->name, broken, foreign ? ": " : "", foreign ? UNSUPPORTED : "");
	else if (foreign)
		snprintf(error, TLS_ERROR_SIZE, "%s %s: %s", what, blob->name, UNSUPPORTED);
	else
		tls_error_format(error, what, blob->name, err);
	return -1;
}

int tls_key_read(mbedtls_pk_context *key, const struct tls_blob *blob, char error[TLS_ERROR_SIZE])
{
	size_t len;
	uint8_t *copy = parseable(blob, &len);

	if (!copy) {
		snprintf(error, TLS_ERROR_SIZE, "key %s: out of memory", blob->name);
		return -1;
	}
	const int err = mbedtls_pk_parse_key(key, copy, len, NULL, 0, mbedtls_psa_get_random,
					     MBEDTLS_PSA_RANDOM_STATE);
	explicit_bzero(copy, len);
	free(copy);
	if (!err)
		return 0;
	const char *instead = instead_of_key(blob);
	/* What opens encrypted keys is not compiled in: a server has nobody to ask. */
	if (is_encrypted(blob))
		snprintf(error, TLS_ERROR_SIZE,
			 "key %s is encrypted; decrypt it first: openssl pkey -in %s -out NEW",
			 blob->name, blob->name);
	else if (instead || is_unsupported(err))
		snprintf(error, TLS_ERROR_SIZE, "key %s: %s", blob->name,
			 instead ? instead : UNSUPPORTED);
	else
		tls_error_format(error, "key", blob->name, err);
	return -1;
}

/* ------------------------------------------------------------------ order */

const mbedtls_x509_crt *tls_chain_find(const mbedtls_x509_crt *all, const mbedtls_pk_context *key)
{
	for (; all && all->raw.len > 0; all = all->next)
		if (mbedtls_pk_check_pair(&all->pk, key, mbedtls_psa_get_random,
					  MBEDTLS_PSA_RANDOM_STATE) == 0)
			return all;
	return NULL;
}

/* Names are compared as text: one may have its strings encoded otherwise (RFC 5280 7.1). */
static bool issued_in_name_of(const mbedtls_x509_crt *crt, const mbedtls_x509_crt *issuer)
{
	char wanted[DN_SIZE], name[DN_SIZE];

	return mbedtls_x509_dn_gets(wanted, sizeof wanted, &crt->issuer) > 0 &&
	       mbedtls_x509_dn_gets(name, sizeof name, &issuer->subject) > 0 &&
	       strcasecmp(wanted, name) == 0;
}

bool tls_chain_signed_by(const mbedtls_x509_crt *crt, const mbedtls_x509_crt *issuer)
{
	const mbedtls_md_type_t type = crt->MBEDTLS_PRIVATE(sig_md);
	const mbedtls_md_info_t *md = mbedtls_md_info_from_type(type);
	unsigned char hash[MBEDTLS_MD_MAX_SIZE];

	if (!issued_in_name_of(crt, issuer) || !md ||
	    mbedtls_md(md, crt->tbs.p, crt->tbs.len, hash) != 0)
		return false;
	/* Verifying changes nothing in the key, though Mbed TLS does not promise it. */
	mbedtls_pk_context *pk = (mbedtls_pk_context *)(uintptr_t)&issuer->pk;
	return mbedtls_pk_verify_ext(crt->MBEDTLS_PRIVATE(sig_pk), crt->MBEDTLS_PRIVATE(sig_opts),
				     pk, type, hash, mbedtls_md_get_size(md),
				     crt->MBEDTLS_PRIVATE(sig).p,
				     crt->MBEDTLS_PRIVATE(sig).len) == 0;
}

static bool same(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
	return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

static bool in_chain(const mbedtls_x509_crt *chain, const mbedtls_x509_crt *crt)
{
	for (; chain; chain = chain->next)
		if (same(&chain->raw, &crt->raw))
			return true;
	return false;
}

/* Appends those who signed `crt`: the self-signed ones, or the others. */
static int add_signers(mbedtls_x509_crt *chain, const mbedtls_x509_crt *all,
		       const mbedtls_x509_crt *crt, bool self_signed)
{
	int err = 0;

	for (; all && !err; all = all->next) {
		if (same(&all->subject_raw, &all->issuer_raw) != self_signed ||
		    in_chain(chain, all) || !tls_chain_signed_by(crt, all))
			continue;
		err = add_der(chain, all->raw.p, all->raw.len);
	}
	return err;
}

int tls_chain_order(mbedtls_x509_crt *chain, const mbedtls_x509_crt *all,
		    const mbedtls_x509_crt *leaf)
{
	int err = add_der(chain, leaf->raw.p, leaf->raw.len);

	/* The chain grows while we walk along it. */
	for (const mbedtls_x509_crt *at = chain; at && !err; at = at->next) {
		err = add_signers(chain, all, at, false);
		if (!err)
			err = add_signers(chain, all, at, true);
	}
	return err;
}
