/* SPDX-License-Identifier: Apache-2.0 */
/* psa_libcrypto.c — the driver's symmetric half: AEAD and hashes. See psa_libcrypto.h. */
#include "tls/psa_libcrypto.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "tls/psa_libcrypto_internal.h"

#define NONCE_LEN 12u
#define TAG_LEN 16u
#define KEY_MAX 32u
#define AEAD_CACHE 512u /* contexts, each of one key and direction; about 1 KiB each */
#define MD_CACHE 32u    /* digest contexts that wait for reuse                       */

/* ------------------------------------------------------------------ AEAD */

/* One key's schedule, ready for any nonce. */
struct aead_slot {
	EVP_CIPHER_CTX *ctx;
	const uint8_t *address; /* of the PSA key; NULL: the slot is free */
	const EVP_CIPHER *cipher;
	uint8_t key[KEY_MAX];
	uint8_t key_len;
};

static struct aead_slot aead_cache[2][AEAD_CACHE]; /* decrypt, encrypt */

static const EVP_CIPHER *fetched(const EVP_CIPHER **cache, const char *name)
{
	if (!*cache)
		*cache = EVP_CIPHER_fetch(NULL, name, NULL);
	return *cache;
}

/* NULL for what is left to Mbed TLS. */
static const EVP_CIPHER *cipher_of(const psa_key_attributes_t *attributes, psa_algorithm_t alg,
				   size_t key_len, size_t nonce_len)
{
	static const EVP_CIPHER *gcm128, *gcm192, *gcm256, *chacha;
	const psa_key_type_t type = psa_get_key_type(attributes);

	if (nonce_len != NONCE_LEN)
		return NULL;
	if (alg == PSA_ALG_CHACHA20_POLY1305 && type == PSA_KEY_TYPE_CHACHA20 && key_len == 32)
		return fetched(&chacha, "ChaCha20-Poly1305");
	if (alg != PSA_ALG_GCM || type != PSA_KEY_TYPE_AES)
		return NULL;
	if (key_len == 16)
		return fetched(&gcm128, "AES-128-GCM");
	if (key_len == 24)
		return fetched(&gcm192, "AES-192-GCM");
	return key_len == 32 ? fetched(&gcm256, "AES-256-GCM") : NULL;
}

static size_t aead_index(const uint8_t *key)
{
	/* Addresses of allocations: the low four bits are equal. */
	const uint64_t spread = ((uintptr_t)key >> 4) * 0x9e3779b97f4a7c15ull;

	return (size_t)(spread >> 40) % AEAD_CACHE;
}

static void aead_clear(struct aead_slot *slot)
{
	if (slot->ctx)
		EVP_CIPHER_CTX_reset(slot->ctx);
	slot->address = NULL;
	OPENSSL_cleanse(slot->key, sizeof slot->key);
}

/* A context that holds the key's schedule; NULL when memory is short. */
static EVP_CIPHER_CTX *aead_context(const EVP_CIPHER *cipher, const uint8_t *key, size_t key_len,
				    bool encrypt)
{
	struct aead_slot *slot = &aead_cache[encrypt][aead_index(key)];

	if (slot->address == key && slot->cipher == cipher && memcmp(slot->key, key, key_len) == 0)
		return slot->ctx;
	aead_clear(slot);
	if (!slot->ctx)
		slot->ctx = EVP_CIPHER_CTX_new();
	if (!slot->ctx ||
	    EVP_CipherInit_ex2(slot->ctx, cipher, key, NULL, encrypt ? 1 : 0, NULL) != 1)
		return NULL;
	slot->address = key;
	slot->cipher = cipher;
	slot->key_len = (uint8_t)key_len;
	memcpy(slot->key, key, key_len);
	return slot->ctx;
}

psa_status_t libcrypto_aead_encrypt(const psa_key_attributes_t *attributes, const uint8_t *key,
				    size_t key_len, psa_algorithm_t alg, const uint8_t *nonce,
				    size_t nonce_len, const uint8_t *ad, size_t ad_len,
				    const uint8_t *in, size_t in_len, uint8_t *out, size_t out_size,
				    size_t *out_len)
{
	const EVP_CIPHER *cipher = cipher_of(attributes, alg, key_len, nonce_len);
	int n = 0, last = 0;

	if (!cipher || in_len > INT_MAX || ad_len > INT_MAX)
		return PSA_ERROR_NOT_SUPPORTED;
	if (out_size < TAG_LEN || out_size - TAG_LEN < in_len)
		return PSA_ERROR_BUFFER_TOO_SMALL;
	EVP_CIPHER_CTX *ctx = aead_context(cipher, key, key_len, true);
	if (!ctx)
		return PSA_ERROR_INSUFFICIENT_MEMORY;
	if (EVP_EncryptInit_ex2(ctx, NULL, NULL, nonce, NULL) != 1 ||
	    (ad_len > 0 && EVP_EncryptUpdate(ctx, NULL, &n, ad, (int)ad_len) != 1))
		return PSA_ERROR_GENERIC_ERROR;
	n = 0;
	if ((in_len > 0 && EVP_EncryptUpdate(ctx, out, &n, in, (int)in_len) != 1) ||
	    EVP_EncryptFinal_ex(ctx, out + n, &last) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, out + in_len) != 1)
		return PSA_ERROR_GENERIC_ERROR;
	*out_len = in_len + TAG_LEN;
	return PSA_SUCCESS;
}

psa_status_t libcrypto_aead_decrypt(const psa_key_attributes_t *attributes, const uint8_t *key,
				    size_t key_len, psa_algorithm_t alg, const uint8_t *nonce,
				    size_t nonce_len, const uint8_t *ad, size_t ad_len,
				    const uint8_t *in, size_t in_len, uint8_t *out, size_t out_size,
				    size_t *out_len)
{
	const EVP_CIPHER *cipher = cipher_of(attributes, alg, key_len, nonce_len);
	uint8_t tag[TAG_LEN];
	int n = 0, last = 0;

	if (!cipher || in_len > INT_MAX || ad_len > INT_MAX)
		return PSA_ERROR_NOT_SUPPORTED;
	if (in_len < TAG_LEN)
		return PSA_ERROR_INVALID_ARGUMENT;
	const size_t len = in_len - TAG_LEN;
	if (out_size < len)
		return PSA_ERROR_BUFFER_TOO_SMALL;
	EVP_CIPHER_CTX *ctx = aead_context(cipher, key, key_len, false);
	if (!ctx)
		return PSA_ERROR_INSUFFICIENT_MEMORY;
	memcpy(tag, in + len, TAG_LEN);
	if (EVP_DecryptInit_ex2(ctx, NULL, NULL, nonce, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) != 1 ||
	    (ad_len > 0 && EVP_DecryptUpdate(ctx, NULL, &n, ad, (int)ad_len) != 1))
		return PSA_ERROR_GENERIC_ERROR;
	n = 0;
	if (len > 0 && EVP_DecryptUpdate(ctx, out, &n, in, (int)len) != 1)
		return PSA_ERROR_GENERIC_ERROR;
	if (EVP_DecryptFinal_ex(ctx, out + n, &last) != 1) {
		OPENSSL_cleanse(out, len); /* nobody may see what is not authentic */
		return PSA_ERROR_INVALID_SIGNATURE;
	}
	*out_len = len;
	return PSA_SUCCESS;
}

/* ------------------------------------------------------------------ hash */

static EVP_MD_CTX *md_cache[MD_CACHE];
static unsigned md_cached;

const EVP_MD *libcrypto_md(psa_algorithm_t alg)
{
	static const struct {
		psa_algorithm_t alg;
		const char *name;
	} known[] = {
		{PSA_ALG_SHA_256, "SHA2-256"}, {PSA_ALG_SHA_384, "SHA2-384"},
		{PSA_ALG_SHA_512, "SHA2-512"}, {PSA_ALG_SHA_1, "SHA1"},
		{PSA_ALG_SHA_224, "SHA2-224"},
	};
	static EVP_MD *md[sizeof known / sizeof *known];

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (known[i].alg != alg)
			continue;
		if (!md[i])
			md[i] = EVP_MD_fetch(NULL, known[i].name, NULL);
		return md[i];
	}
	return NULL;
}

static EVP_MD_CTX *md_get(void)
{
	return md_cached > 0 ? md_cache[--md_cached] : EVP_MD_CTX_new();
}

/* Wiped: HMAC's states are as good as its key. */
static void md_put(EVP_MD_CTX *ctx)
{
	if (!ctx)
		return;
	if (md_cached == MD_CACHE || EVP_MD_CTX_reset(ctx) != 1) {
		EVP_MD_CTX_free(ctx);
		return;
	}
	md_cache[md_cached++] = ctx;
}

psa_status_t libcrypto_hash_compute(psa_algorithm_t alg, const uint8_t *in, size_t in_len,
				    uint8_t *hash, size_t hash_size, size_t *hash_len)
{
	libcrypto_hash_operation_t op = {NULL};
	psa_status_t status = libcrypto_hash_setup(&op, alg);

	if (status == PSA_SUCCESS)
		status = libcrypto_hash_update(&op, in, in_len);
	if (status == PSA_SUCCESS)
		status = libcrypto_hash_finish(&op, hash, hash_size, hash_len);
	libcrypto_hash_abort(&op);
	return status;
}

psa_status_t libcrypto_hash_setup(libcrypto_hash_operation_t *op, psa_algorithm_t alg)
{
	const EVP_MD *md = libcrypto_md(alg);

	op->md = NULL;
	if (!md)
		return PSA_ERROR_NOT_SUPPORTED;
	EVP_MD_CTX *ctx = md_get();
	if (!ctx)
		return PSA_ERROR_INSUFFICIENT_MEMORY;
	if (EVP_DigestInit_ex2(ctx, md, NULL) != 1) {
		EVP_MD_CTX_free(ctx);
		return PSA_ERROR_INSUFFICIENT_MEMORY;
	}
	op->md = ctx;
	return PSA_SUCCESS;
}

psa_status_t libcrypto_hash_clone(const libcrypto_hash_operation_t *from,
				  libcrypto_hash_operation_t *to)
{
	EVP_MD_CTX *ctx = md_get();

	to->md = NULL;
	if (!ctx)
		return PSA_ERROR_INSUFFICIENT_MEMORY;
	if (EVP_MD_CTX_copy_ex(ctx, from->md) != 1) {
		EVP_MD_CTX_free(ctx);
		return PSA_ERROR_INSUFFICIENT_MEMORY;
	}
	to->md = ctx;
	return PSA_SUCCESS;
}

psa_status_t libcrypto_hash_update(libcrypto_hash_operation_t *op, const uint8_t *in, size_t in_len)
{
	return EVP_DigestUpdate(op->md, in, in_len) == 1 ? PSA_SUCCESS : PSA_ERROR_GENERIC_ERROR;
}

psa_status_t libcrypto_hash_finish(libcrypto_hash_operation_t *op, uint8_t *hash, size_t hash_size,
				   size_t *hash_len)
{
	const size_t len = (size_t)EVP_MD_CTX_get_size(op->md);

	if (hash_size < len)
		return PSA_ERROR_BUFFER_TOO_SMALL;
	if (EVP_DigestFinal_ex(op->md, hash, NULL) != 1)
		return PSA_ERROR_GENERIC_ERROR;
	*hash_len = len;
	return PSA_SUCCESS;
}

psa_status_t libcrypto_hash_abort(libcrypto_hash_operation_t *op)
{
	md_put(op->md);
	op->md = NULL;
	return PSA_SUCCESS;
}

/* ------------------------------------------------------------------ the end of keys */

void libcrypto_forget_key(const uint8_t *key, size_t key_len)
{
	if (!key)
		return;
	for (unsigned encrypt = 0; encrypt < 2; encrypt++) {
		struct aead_slot *slot = &aead_cache[encrypt][aead_index(key)];
		if (slot->address == key)
			aead_clear(slot);
	}
	libcrypto_pkey_forget(key, key_len);
}

void libcrypto_free(void)
{
	for (unsigned encrypt = 0; encrypt < 2; encrypt++) {
		for (unsigned i = 0; i < AEAD_CACHE; i++) {
			struct aead_slot *slot = &aead_cache[encrypt][i];
			aead_clear(slot);
			EVP_CIPHER_CTX_free(slot->ctx);
			slot->ctx = NULL;
		}
	}
	while (md_cached > 0)
		EVP_MD_CTX_free(md_cache[--md_cached]);
	libcrypto_pkey_free();
}
