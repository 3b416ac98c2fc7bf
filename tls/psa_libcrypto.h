/* SPDX-License-Identifier: Apache-2.0 */
/*
 * psa_libcrypto.h — a transparent PSA driver over libcrypto's EVP: Mbed TLS keeps protocol, policy and X.509, and
 * libcrypto, which has assembly for every CPU, does the arithmetic. The entry points are those of the PSA
 * driver interface (docs/proposed/psa-driver-interface.md in Mbed TLS); Mbed TLS's wrappers call them since
 * tls/patches/0001-psa-libcrypto-driver.patch. Each answers PSA_ERROR_NOT_SUPPORTED for what it does not
 * do, and then Mbed TLS's own code does it.
 *
 *   AEAD           AES-GCM and ChaCha20-Poly1305, 12-byte nonce, 16-byte tag
 *   hash           SHA-1, SHA-224, SHA-256, SHA-384, SHA-512; HMAC and HKDF of Mbed TLS are built on these
 *   key agreement  X25519, P-256, P-384: generate, public key, agree
 *   key exchange   X25519MLKEM768, where libcrypto has it; a call of its own
 *   signatures     ECDSA (randomized) on P-256 and P-384, RSA PKCS #1 v1.5 and PSS
 *
 * What libcrypto derives from a key (AES round keys, an EVP_PKEY) is kept beside the PSA key, since
 * PSA's calls are one-shot: found again by the address and the bytes of the key, bounded in number, and
 * wiped when PSA destroys the key. This state belongs to the process, as PSA's own does; nothing here
 * takes a lock, because a worker has one thread.
 *
 * Lengths are bytes; keys have PSA's export format. Built unless CRYPTO=builtin.
 */
#ifndef TLS_PSA_LIBCRYPTO_H
#define TLS_PSA_LIBCRYPTO_H

#include <stdbool.h>

#include <psa/crypto.h>

psa_status_t libcrypto_aead_encrypt(const psa_key_attributes_t *attributes, const uint8_t *key,
				    size_t key_len, psa_algorithm_t alg, const uint8_t *nonce,
				    size_t nonce_len, const uint8_t *ad, size_t ad_len,
				    const uint8_t *in, size_t in_len, uint8_t *out, size_t out_size,
				    size_t *out_len);
psa_status_t libcrypto_aead_decrypt(const psa_key_attributes_t *attributes, const uint8_t *key,
				    size_t key_len, psa_algorithm_t alg, const uint8_t *nonce,
				    size_t nonce_len, const uint8_t *ad, size_t ad_len,
				    const uint8_t *in, size_t in_len, uint8_t *out, size_t out_size,
				    size_t *out_len);

psa_status_t libcrypto_hash_compute(psa_algorithm_t alg, const uint8_t *in, size_t in_len,
				    uint8_t *hash, size_t hash_size, size_t *hash_len);
psa_status_t libcrypto_hash_setup(libcrypto_hash_operation_t *op, psa_algorithm_t alg);
psa_status_t libcrypto_hash_clone(const libcrypto_hash_operation_t *from,
				  libcrypto_hash_operation_t *to);
psa_status_t libcrypto_hash_update(libcrypto_hash_operation_t *op, const uint8_t *in,
				   size_t in_len);
psa_status_t libcrypto_hash_finish(libcrypto_hash_operation_t *op, uint8_t *hash, size_t hash_size,
				   size_t *hash_len);
psa_status_t libcrypto_hash_abort(libcrypto_hash_operation_t *op);

psa_status_t libcrypto_generate_key(const psa_key_attributes_t *attributes, uint8_t *key,
				    size_t key_size, size_t *key_len);
psa_status_t libcrypto_export_public_key(const psa_key_attributes_t *attributes, const uint8_t *key,
					 size_t key_len, uint8_t *data, size_t data_size,
					 size_t *data_len);
psa_status_t libcrypto_key_agreement(const psa_key_attributes_t *attributes, const uint8_t *key,
				     size_t key_len, psa_algorithm_t alg, const uint8_t *peer,
				     size_t peer_len, uint8_t *secret, size_t secret_size,
				     size_t *secret_len);
psa_status_t libcrypto_sign_hash(const psa_key_attributes_t *attributes, const uint8_t *key,
				 size_t key_len, psa_algorithm_t alg, const uint8_t *hash,
				 size_t hash_len, uint8_t *signature, size_t signature_size,
				 size_t *signature_len);
psa_status_t libcrypto_verify_hash(const psa_key_attributes_t *attributes, const uint8_t *key,
				   size_t key_len, psa_algorithm_t alg, const uint8_t *hash,
				   size_t hash_len, const uint8_t *signature, size_t signature_len);

/* X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem), for a server; no part of PSA, which has no KEM in Mbed TLS 3.6. libcrypto has it from
 * OpenSSL 3.5 on. */
#define LIBCRYPTO_X25519MLKEM768 0x11EC
#define LIBCRYPTO_HYBRID_SHARE 1120 /* the server's: ML-KEM-768 ciphertext, X25519 */
#define LIBCRYPTO_HYBRID_SECRET 64  /* of ML-KEM-768, of X25519 */

bool libcrypto_has_x25519mlkem768(void);
/* From the client's share, 1,216 bytes, ours and the secret. PSA_ERROR_INVALID_ARGUMENT for a share that is none. */
psa_status_t libcrypto_encapsulate(const uint8_t *client, size_t client_len,
				   uint8_t share[LIBCRYPTO_HYBRID_SHARE],
				   uint8_t secret[LIBCRYPTO_HYBRID_SECRET]);

/* PSA is about to wipe this key. */
void libcrypto_forget_key(const uint8_t *key, size_t key_len);
/* Wipes and frees all that is kept: mbedtls_psa_crypto_free. */
void libcrypto_free(void);

#endif
