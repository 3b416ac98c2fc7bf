/* SPDX-License-Identifier: Apache-2.0 */
/* psa_libcrypto_key.c — the driver's asymmetric half: key agreement and signatures. See psa_libcrypto.h. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "tls/psa_libcrypto_internal.h"

#define PKEY_CACHE 16u
#define SCALAR_MAX 48u                   /* P-384 */
#define POINT_MAX (1u + 2u * SCALAR_MAX) /* uncompressed */

/* ------------------------------------------------------------------ which curve */

struct curve {
	psa_ecc_family_t family;
	uint16_t bits;
	uint8_t scalar_len; /* of a private key and of the shared secret */
	uint8_t point_len;  /* of a public key                           */
	const char *name;
	int nid;
};

static const struct curve curves[] = {
	{PSA_ECC_FAMILY_MONTGOMERY, 255, 32, 32, "X25519", NID_X25519},
	{PSA_ECC_FAMILY_SECP_R1, 256, 32, 65, "P-256", NID_X9_62_prime256v1},
	{PSA_ECC_FAMILY_SECP_R1, 384, 48, 97, "P-384", NID_secp384r1},
};
/* A key of each, made when it is first needed: only its parameters are of use. */
static EVP_PKEY *parameters[sizeof curves / sizeof *curves];

static const struct curve *curve_of(const psa_key_attributes_t *attributes)
{
	const psa_key_type_t type = psa_get_key_type(attributes);

	if (!PSA_KEY_TYPE_IS_ECC(type))
		return NULL;
	for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
		if (curves[i].family == PSA_KEY_TYPE_ECC_GET_FAMILY(type) &&
		    curves[i].bits == psa_get_key_bits(attributes))
			return &curves[i];
	return NULL;
}

static bool is_x25519(const struct curve *curve)
{
	return curve->nid == NID_X25519;
}

/* ------------------------------------------------------------------ the keys that are kept */

struct pkey_slot {
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *sign; /* ready to sign with sign_alg; NULL before the first signature */
	psa_algorithm_t sign_alg;
	const uint8_t *address; /* of the PSA key; NULL: the slot is free */
	uint8_t *bytes;         /* a copy of it                           */
	size_t len;
	uint64_t used;
};

static struct pkey_slot pkey_cache[PKEY_CACHE];
static uint64_t pkey_clock;

static void pkey_clear(struct pkey_slot *slot)
{
	EVP_PKEY_CTX_free(slot->sign);
	EVP_PKEY_free(slot->pkey);
	if (slot->bytes)
		OPENSSL_clear_free(slot->bytes, slot->len);
	*slot = (struct pkey_slot){0};
}

static struct pkey_slot *pkey_find(const uint8_t *key, size_t len)
{
	for (unsigned i = 0; i < PKEY_CACHE; i++) {
		struct pkey_slot *slot = &pkey_cache[i];
		if (slot->address == key && slot->len == len && memcmp(slot->bytes, key, len) == 0)
			return slot;
	}
	return NULL;
}

/* Takes `pkey`, also when it fails. The key that was not used for longest makes room. */
static struct pkey_slot *pkey_keep(const uint8_t *key, size_t len, EVP_PKEY *pkey)
{
	struct pkey_slot *slot = &pkey_cache[0];

	for (unsigned i = 1; i < PKEY_CACHE; i++)
		if (pkey_cache[i].used < slot->used)
			slot = &pkey_cache[i];
	pkey_clear(slot);
	slot->bytes = OPENSSL_memdup(key, len);
	if (!slot->bytes || !pkey) {
		EVP_PKEY_free(pkey);
		OPENSSL_free(slot->bytes);
		slot->bytes = NULL;
		return NULL;
	}
	slot->pkey = pkey;
	slot->address = key;
	slot->len = len;
	slot->used = ++pkey_clock;
	return slot;
}

void libcrypto_pkey_forget(const uint8_t *key, size_t key_len)
{
	(void)key_len;
	for (unsigned i = 0; i < PKEY_CACHE; i++)
		if (pkey_cache[i].address == key)
			pkey_clear(&pkey_cache[i]);
}

void libcrypto_pkey_free(void)
{
	for (unsigned i = 0; i < PKEY_CACHE; i++)
		pkey_clear(&pkey_cache[i]);
	for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
		EVP_PKEY_free(parameters[i]);
		parameters[i] = NULL;
	}
}

/* ------------------------------------------------------------------ from PSA's bytes to an EVP_PKEY */

static EVP_PKEY *ec_from_params(const struct curve *curve, const uint8_t *point, size_t point_len,
				const BIGNUM *scalar)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;

	if (build && ctx &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve->name, 0) &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, point_len) &&
	    (!scalar || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar)))
		params = OSSL_PARAM_BLD_to_param(build);
	if (params &&
	    (EVP_PKEY_fromdata_init(ctx) != 1 ||
	     EVP_PKEY_fromdata(ctx, &pkey, scalar ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
			       params) != 1))
		pkey = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_BLD_free(build);
	return pkey;
}

/* An EVP_PKEY wants the public key too: it is worked out once and kept. */
static EVP_PKEY *ec_private(const struct curve *curve, const uint8_t *key)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(curve->nid);
	EC_POINT *point = group ? EC_POINT_new(group) : NULL;
	BIGNUM *scalar = BN_secure_new();
	uint8_t bytes[POINT_MAX];
	EVP_PKEY *pkey = NULL;

	if (point && scalar && BN_bin2bn(key, curve->scalar_len, scalar)) {
		BN_set_flags(scalar, BN_FLG_CONSTTIME);
		if (EC_POINT_mul(group, point, scalar, NULL, NULL, NULL) == 1 &&
		    EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, bytes,
				       sizeof bytes, NULL) == curve->point_len)
			pkey = ec_from_params(curve, bytes, curve->point_len, scalar);
	}
	BN_clear_free(scalar);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	return pkey;
}

/* A key's parameters are parsed once per curve and copied after that: half of the cost of a public key. */
static EVP_PKEY *ec_public(const struct curve *curve, const uint8_t *point)
{
	EVP_PKEY **from = &parameters[curve - curves];
	EVP_PKEY *pkey = EVP_PKEY_new();

	if (!*from)
		*from = EVP_EC_gen(curve->name);
	if (pkey && *from && EVP_PKEY_copy_parameters(pkey, *from) == 1 &&
	    EVP_PKEY_set1_encoded_public_key(pkey, point, curve->point_len) == 1)
		return pkey;
	EVP_PKEY_free(pkey);
	return NULL;
}

static EVP_PKEY *ecc_public(const struct curve *curve, const uint8_t *point, size_t len)
{
	if (len != curve->point_len)
		return NULL;
	if (is_x25519(curve))
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, point, len);
	/* libcrypto also takes the hybrid form; RFC 8446 4.2.8.2 and RFC 8422 5.4 have this one only. */
	return point[0] == 4 ? ec_public(curve, point) : NULL;
}

static EVP_PKEY *ecc_private(const struct curve *curve, const uint8_t *key, size_t len)
{
	if (len != curve->scalar_len)
		return NULL;
	return is_x25519(curve) ? EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, key, len)
				: ec_private(curve, key);
}

/* The kept form of a key pair, made at its first use. NULL: left to Mbed TLS. */
static struct pkey_slot *key_pair(const psa_key_attributes_t *attributes, const uint8_t *key,
				  size_t len)
{
	const struct curve *curve = curve_of(attributes);
	struct pkey_slot *slot = pkey_find(key, len);
	EVP_PKEY *pkey = NULL;

	if (slot) {
		slot->used = ++pkey_clock;
		return slot;
	}
	if (curve) {
		pkey = ecc_private(curve, key, len);
	} else if (psa_get_key_type(attributes) == PSA_KEY_TYPE_RSA_KEY_PAIR) {
		const uint8_t *at = key;
		pkey = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &at, (long)len);
	}
	return pkey ? pkey_keep(key, len, pkey) : NULL;
}

/* ------------------------------------------------------------------ key agreement */

psa_status_t libcrypto_generate_key(const psa_key_attributes_t *attributes, uint8_t *key,
				    size_t key_size, size_t *key_len)
{
	const struct curve *curve = curve_of(attributes);
	BIGNUM *scalar = NULL;
	bool ok;

	if (!curve || !PSA_KEY_TYPE_IS_ECC_KEY_PAIR(psa_get_key_type(attributes)))
		return PSA_ERROR_NOT_SUPPORTED;
	size_t len = curve->scalar_len;
	if (key_size < len)
		return PSA_ERROR_BUFFER_TOO_SMALL;
	EVP_PKEY *pkey = is_x25519(curve) ? EVP_PKEY_Q_keygen(NULL, NULL, curve->name)
					  : EVP_EC_gen(curve->name);
	if (!pkey)
		return PSA_ERROR_INSUFFICIENT_ENTROPY;
	if (is_x25519(curve))
		ok = EVP_PKEY_get_raw_private_key(pkey, key, &len) == 1;
	else
		ok = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &scalar) == 1 &&
		     BN_bn2binpad(scalar, key, curve->scalar_len) == curve->scalar_len;
	BN_clear_free(scalar);
	if (!ok) {
		EVP_PKEY_free(pkey);
		return PSA_ERROR_GENERIC_ERROR;
	}
	*key_len = len;
	pkey_keep(key, len, pkey);
	return PSA_SUCCESS;
}

psa_status_t libcrypto_export_public_key(const psa_key_attributes_t *attributes, const uint8_t *key,
					 size_t key_len, uint8_t *data, size_t data_size,
					 size_t *data_len)
{
	const struct curve *curve = curve_of(attributes);

	if (!curve || !PSA_KEY_TYPE_IS_ECC_KEY_PAIR(psa_get_key_type(attributes)))
		return PSA_ERROR_NOT_SUPPORTED;
	if (data_size < curve->point_len)
		return PSA_ERROR_BUFFER_TOO_SMALL;
	const struct pkey_slot *slot = key_pair(attributes, key, key_len);
	if (!slot)
		return PSA_ERROR_NOT_SUPPORTED;
	const bool ok =
		is_x25519(curve)
			? EVP_PKEY_get_raw_public_key(slot->pkey, data, &data_size) == 1
			: EVP_PKEY_get_octet_string_param(slot->pkey,
							  OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, data,
							  data_size, &data_size) == 1;
	*data_len = ok ? data_size : 0;
	return ok ? PSA_SUCCESS : PSA_ERROR_GENERIC_ERROR;
}

psa_status_t libcrypto_key_agreement(const psa_key_attributes_t *attributes, const uint8_t *key,
				     size_t key_len, psa_algorithm_t alg, const uint8_t *peer,
				     size_t peer_len, uint8_t *secret, size_t secret_size,
				     size_t *secret_len)
{
	const struct curve *curve = curve_of(attributes);

	if (!curve || !PSA_ALG_IS_ECDH(alg))
		return PSA_ERROR_NOT_SUPPORTED;
	if (secret_size < curve->scalar_len)
		return PSA_ERROR_BUFFER_TOO_SMALL;
	struct pkey_slot *slot = key_pair(attributes, key, key_len);
	if (!slot)
		return PSA_ERROR_NOT_SUPPORTED;
	/* A point that is not on the curve is refused here: with the cofactor 1 of P-256 and P-384 that is all
	 * there is to check (SP 800-56A 5.6.2.3.4), so the peer need not be multiplied by the order. An all-zero
	 * secret of X25519 is refused below (RFC 7748 6.1). */
	EVP_PKEY *theirs = ecc_public(curve, peer, peer_len);
	EVP_PKEY_CTX *ctx = theirs ? EVP_PKEY_CTX_new_from_pkey(NULL, slot->pkey, NULL) : NULL;
	size_t len = secret_size;
	const bool ok = ctx && EVP_PKEY_derive_init(ctx) == 1 &&
			EVP_PKEY_derive_set_peer_ex(ctx, theirs, 0) == 1 &&
			EVP_PKEY_derive(ctx, secret, &len) == 1 && len == curve->scalar_len;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(theirs);
	if (!ok) {
		OPENSSL_cleanse(secret, secret_size);
		return PSA_ERROR_INVALID_ARGUMENT;
	}
	*secret_len = len;
	return PSA_SUCCESS;
}

/* ------------------------------------------------------------------ signatures */

/* The hash within the algorithm, NULL for one that we do not have. */
static const EVP_MD *md_of(psa_algorithm_t alg, size_t hash_len)
{
	const EVP_MD *md = libcrypto_md(PSA_ALG_SIGN_GET_HASH(alg));

	return md && (size_t)EVP_MD_get_size(md) == hash_len ? md : NULL;
}

/* RSA's padding. EVP wants to know the hash for PSS and for the DigestInfo of version 1.5. */
static bool set_padding(EVP_PKEY_CTX *ctx, psa_algorithm_t alg, const EVP_MD *md)
{
	const bool pss = PSA_ALG_IS_RSA_PSS(alg);

	return EVP_PKEY_CTX_set_rsa_padding(ctx, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) ==
		       1 &&
	       EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
	       (!pss || EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static bool rsa_supported(psa_key_type_t type, psa_algorithm_t alg)
{
	return PSA_KEY_TYPE_IS_RSA(type) && alg != PSA_ALG_RSA_PKCS1V15_SIGN_RAW &&
	       (PSA_ALG_IS_RSA_PKCS1V15_SIGN(alg) || PSA_ALG_IS_RSA_PSS_STANDARD_SALT(alg));
}

static const struct curve *ecdsa_curve(const psa_key_attributes_t *attributes, psa_algorithm_t alg)
{
	const struct curve *curve = curve_of(attributes);

	return curve && !is_x25519(curve) && PSA_ALG_IS_ECDSA(alg) ? curve : NULL;
}

/* RFC 3279 2.2.3 to PSA's form: r and s, each as long as the order. */
static bool der_to_raw(const uint8_t *der, size_t len, uint8_t *raw, int scalar_len)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
	const bool ok =
		sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, scalar_len) == scalar_len &&
		BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + scalar_len, scalar_len) == scalar_len;

	ECDSA_SIG_free(sig);
	return ok;
}

/* 0: cannot be. */
static size_t raw_to_der(const uint8_t *raw, int scalar_len, uint8_t *der, size_t size)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, scalar_len, NULL);
	BIGNUM *s = BN_bin2bn(raw + scalar_len, scalar_len, NULL);
	int len = -1;

	if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* its own now */
		len = i2d_ECDSA_SIG(sig, NULL);
		if (len > 0 && (size_t)len <= size)
			len = i2d_ECDSA_SIG(sig, &der);
		else
			len = -1;
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return len > 0 ? (size_t)len : 0;
}

#define DER_MAX (2u * SCALAR_MAX + 16u)

/* A context that is ready to sign; kept with the key, since all of a server's signatures are alike. */
static EVP_PKEY_CTX *sign_context(struct pkey_slot *slot, psa_algorithm_t alg, const EVP_MD *md)
{
	if (slot->sign && slot->sign_alg == alg)
		return slot->sign;
	EVP_PKEY_CTX_free(slot->sign);
	slot->sign = EVP_PKEY_CTX_new_from_pkey(NULL, slot->pkey, NULL);
	slot->sign_alg = alg;
	if (slot->sign && EVP_PKEY_sign_init(slot->sign) == 1 &&
	    (PSA_ALG_IS_ECDSA(alg) || set_padding(slot->sign, alg, md)))
		return slot->sign;
	EVP_PKEY_CTX_free(slot->sign);
	slot->sign = NULL;
	return NULL;
}

psa_status_t libcrypto_sign_hash(const psa_key_attributes_t *attributes, const uint8_t *key,
				 size_t key_len, psa_algorithm_t alg, const uint8_t *hash,
				 size_t hash_len, uint8_t *signature, size_t signature_size,
				 size_t *signature_len)
{
	const struct curve *curve = ecdsa_curve(attributes, alg);
	const EVP_MD *md = curve ? NULL : md_of(alg, hash_len);
	uint8_t der[DER_MAX];
	size_t len;

	/* Deterministic ECDSA (RFC 6979) is Mbed TLS's. */
	if (curve ? PSA_ALG_IS_DETERMINISTIC_ECDSA(alg)
		  : !md || !rsa_supported(psa_get_key_type(attributes), alg))
		return PSA_ERROR_NOT_SUPPORTED;
	struct pkey_slot *slot = key_pair(attributes, key, key_len);
	if (!slot)
		return PSA_ERROR_NOT_SUPPORTED;
	const size_t size = curve ? 2u * curve->scalar_len : (size_t)EVP_PKEY_get_size(slot->pkey);
	if (signature_size < size)
		return PSA_ERROR_BUFFER_TOO_SMALL;
	EVP_PKEY_CTX *ctx = sign_context(slot, alg, md);
	len = curve ? sizeof der : signature_size;
	if (!ctx || EVP_PKEY_sign(ctx, curve ? der : signature, &len, hash, hash_len) != 1 ||
	    (curve && !der_to_raw(der, len, signature, curve->scalar_len)))
		return PSA_ERROR_GENERIC_ERROR;
	*signature_len = size;
	return PSA_SUCCESS;
}

/* For verifying the public half will do, and it is not kept: certificates of others are seen once. */
static EVP_PKEY *verify_key(const psa_key_attributes_t *attributes, const uint8_t *key, size_t len)
{
	const psa_key_type_t type = psa_get_key_type(attributes);
	const struct curve *curve = curve_of(attributes);
	const uint8_t *at = key;

	if (type == PSA_KEY_TYPE_RSA_PUBLIC_KEY)
		return d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)len);
	if (curve && PSA_KEY_TYPE_IS_ECC_PUBLIC_KEY(type))
		return ecc_public(curve, key, len);
	const struct pkey_slot *slot = key_pair(attributes, key, len);
	if (!slot || EVP_PKEY_up_ref(slot->pkey) != 1)
		return NULL;
	return slot->pkey;
}

psa_status_t libcrypto_verify_hash(const psa_key_attributes_t *attributes, const uint8_t *key,
				   size_t key_len, psa_algorithm_t alg, const uint8_t *hash,
				   size_t hash_len, const uint8_t *signature, size_t signature_len)
{
	const struct curve *curve = ecdsa_curve(attributes, alg);
	const EVP_MD *md = curve ? NULL : md_of(alg, hash_len);
	uint8_t der[DER_MAX];

	if (!curve && (!md || !rsa_supported(psa_get_key_type(attributes), alg)))
		return PSA_ERROR_NOT_SUPPORTED;
	EVP_PKEY *pkey = verify_key(attributes, key, key_len);
	if (!pkey)
		return PSA_ERROR_NOT_SUPPORTED;
	if (curve) {
		signature_len = signature_len == 2u * curve->scalar_len
					? raw_to_der(signature, curve->scalar_len, der, sizeof der)
					: 0;
		signature = der;
	}
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	const bool ok = ctx && signature_len > 0 && EVP_PKEY_verify_init(ctx) == 1 &&
			(curve || set_padding(ctx, alg, md)) &&
			EVP_PKEY_verify(ctx, signature, signature_len, hash, hash_len) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return ok ? PSA_SUCCESS : PSA_ERROR_INVALID_SIGNATURE;
}
