/* SPDX-License-Identifier: Apache-2.0 */
/* tls_mac.c — see tls_mac.h. */
#include "tls/tls_mac.h"

#include <psa/crypto.h>

bool tls_mac(const uint8_t key[TLS_MAC_SIZE], const void *data, size_t len,
	     uint8_t out[TLS_MAC_SIZE])
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	psa_key_id_t id;
	size_t got;

	psa_set_key_type(&attributes, PSA_KEY_TYPE_HMAC);
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE);
	psa_set_key_algorithm(&attributes, PSA_ALG_HMAC(PSA_ALG_SHA_256));
	if (psa_crypto_init() != PSA_SUCCESS ||
	    psa_import_key(&attributes, key, TLS_MAC_SIZE, &id) != PSA_SUCCESS)
		return false;
	const psa_status_t status = psa_mac_compute(id, PSA_ALG_HMAC(PSA_ALG_SHA_256), data, len,
						    out, TLS_MAC_SIZE, &got);
	psa_destroy_key(id);
	return status == PSA_SUCCESS && got == TLS_MAC_SIZE;
}
