/* SPDX-License-Identifier: Apache-2.0 */
/* psa_libcrypto_internal.h — between the driver's files: one for symmetric, one for asymmetric algorithms. */
#ifndef TLS_PSA_LIBCRYPTO_INTERNAL_H
#define TLS_PSA_LIBCRYPTO_INTERNAL_H

#include <stdbool.h>

#include <openssl/evp.h>

#include "tls/psa_libcrypto.h"

/* The digest of a PSA hash algorithm, fetched once; NULL for one that we do not have. */
const EVP_MD *libcrypto_md(psa_algorithm_t hash_alg);

void libcrypto_pkey_forget(const uint8_t *key, size_t key_len);
void libcrypto_pkey_free(void);

#endif
