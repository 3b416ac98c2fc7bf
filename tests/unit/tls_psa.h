/* SPDX-License-Identifier: Apache-2.0 */
/* tls_psa.h — what the tests of the PSA driver share. */
#ifndef TESTS_UNIT_TLS_PSA_H
#define TESTS_UNIT_TLS_PSA_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <psa/crypto.h>

static inline size_t unhex(const char *text, uint8_t *out)
{
	size_t n = 0;

	for (; *text; text++) {
		if (*text == ' ')
			continue;
		unsigned byte;
		assert_int_equal(sscanf(text, "%2x", &byte), 1);
		out[n++] = (uint8_t)byte;
		text++;
	}
	return n;
}

static inline psa_key_attributes_t attributes_of(psa_key_type_t type, size_t bits,
						 psa_algorithm_t alg, psa_key_usage_t usage)
{
	psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

	psa_set_key_type(&a, type);
	psa_set_key_bits(&a, bits);
	psa_set_key_algorithm(&a, alg);
	psa_set_key_usage_flags(&a, usage);
	return a;
}

static inline psa_key_id_t import_key(psa_key_type_t type, size_t bits, psa_algorithm_t alg,
				      psa_key_usage_t usage, const uint8_t *data, size_t len)
{
	const psa_key_attributes_t a = attributes_of(type, bits, alg, usage);
	psa_key_id_t id = 0;

	assert_int_equal(psa_import_key(&a, data, len, &id), PSA_SUCCESS);
	return id;
}

static inline psa_key_id_t new_key(psa_key_type_t type, size_t bits, psa_algorithm_t alg,
				   psa_key_usage_t usage)
{
	const psa_key_attributes_t a = attributes_of(type, bits, alg, usage);
	psa_key_id_t id = 0;

	assert_int_equal(psa_generate_key(&a, &id), PSA_SUCCESS);
	return id;
}

static inline int setup(void **state)
{
	(void)state;
	return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static inline int teardown(void **state)
{
	(void)state;
	mbedtls_psa_crypto_free();
	return 0;
}

#endif
