/* SPDX-License-Identifier: Apache-2.0 */
/* psa_libcrypto_kem.c — X25519MLKEM768, which libcrypto has as one key type from OpenSSL 3.5 on; older ones are asked, and have not. */
#include <openssl/err.h>
#include <openssl/evp.h>

#include "tls/psa_libcrypto.h"

#define NAME "X25519MLKEM768"
#define CLIENT_SHARE 1216 /* ML-KEM-768 encapsulation key, X25519 */

bool libcrypto_has_x25519mlkem768(void)
{
	EVP_KEM *kem = EVP_KEM_fetch(NULL, NAME, NULL);

	EVP_KEM_free(kem);
	ERR_clear_error();
	return kem != NULL;
}

/* What is no encapsulation key (FIPS 203 7.2) is refused when it is read, an X25519 secret of zeros when it is used. */
psa_status_t libcrypto_encapsulate(const uint8_t *client, size_t client_len,
				   uint8_t share[LIBCRYPTO_HYBRID_SHARE],
				   uint8_t secret[LIBCRYPTO_HYBRID_SECRET])
{
	size_t share_len = LIBCRYPTO_HYBRID_SHARE, secret_len = LIBCRYPTO_HYBRID_SECRET;

	if (client_len != CLIENT_SHARE)
		return PSA_ERROR_INVALID_ARGUMENT;
	EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key_ex(NULL, NAME, NULL, client, client_len);
	EVP_PKEY_CTX *ctx = theirs ? EVP_PKEY_CTX_new_from_pkey(NULL, theirs, NULL) : NULL;
	const bool ok = ctx && EVP_PKEY_encapsulate_init(ctx, NULL) == 1 &&
			EVP_PKEY_encapsulate(ctx, share, &share_len, secret, &secret_len) == 1 &&
			share_len == LIBCRYPTO_HYBRID_SHARE &&
			secret_len == LIBCRYPTO_HYBRID_SECRET;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(theirs);
	ERR_clear_error();
	return ok ? PSA_SUCCESS : PSA_ERROR_INVALID_ARGUMENT;
}
