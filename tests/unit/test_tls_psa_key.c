/* SPDX-License-Identifier: Apache-2.0 */
/* The asymmetric half of the PSA driver over libcrypto, tested as test_tls_psa.c does the symmetric one. */
#include <mbedtls/ecdh.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/rsa.h>

#include "tests/unit/tls_fixtures.h"
#include "tests/unit/tls_psa.h"

/* ------------------------------------------------------------------ key agreement */

static void check_agreement(psa_ecc_family_t family, size_t bits, const char *key_hex,
			    const char *public_hex, const char *peer_hex, const char *secret_hex)
{
	uint8_t key[66], public[133], peer[133], secret[66], out[133];
	size_t len;
	const size_t key_len = unhex(key_hex, key), public_len = unhex(public_hex, public);
	const size_t peer_len = unhex(peer_hex, peer), secret_len = unhex(secret_hex, secret);
	const psa_key_id_t id = import_key(PSA_KEY_TYPE_ECC_KEY_PAIR(family), bits, PSA_ALG_ECDH,
					   PSA_KEY_USAGE_DERIVE, key, key_len);

	assert_int_equal(psa_export_public_key(id, out, sizeof out, &len), PSA_SUCCESS);
	assert_int_equal(len, public_len);
	assert_memory_equal(out, public, len);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(psa_raw_key_agreement(PSA_ALG_ECDH, id, peer, peer_len, out,
						       sizeof out, &len),
				 PSA_SUCCESS);
		assert_int_equal(len, secret_len);
		assert_memory_equal(out, secret, len);
	}
	psa_destroy_key(id);
}

/* RFC 7748 6.1 and RFC 5903 8.1 */
static void test_key_agreement_vectors(void **state)
{
	(void)state;
	check_agreement(PSA_ECC_FAMILY_MONTGOMERY, 255,
			"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
			"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
			"de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
			"4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
	check_agreement(PSA_ECC_FAMILY_SECP_R1, 256,
			"C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433",
			"04 DAD0B65394221CF9B051E1FECA5787D098DFE637FC90B9EF945D0C3772581180"
			"5271A0461CDB8252D61F1C456FA3E59AB1F45B33ACCF5F58389E0577B8990BB3",
			"04 D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63"
			"56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB",
			"D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE");
}

/* The same secret by Mbed TLS's own arithmetic. */
static void own_secret(mbedtls_ecp_group_id gid, const uint8_t *key, size_t key_len,
		       const uint8_t *peer, size_t peer_len, uint8_t *secret)
{
	mbedtls_ecp_group grp;
	mbedtls_ecp_point q;
	mbedtls_mpi d, z;

	mbedtls_ecp_group_init(&grp);
	mbedtls_ecp_point_init(&q);
	mbedtls_mpi_init(&d);
	mbedtls_mpi_init(&z);
	assert_int_equal(mbedtls_ecp_group_load(&grp, gid), 0);
	assert_int_equal(mbedtls_mpi_read_binary(&d, key, key_len), 0);
	assert_int_equal(mbedtls_ecp_point_read_binary(&grp, &q, peer, peer_len), 0);
	assert_int_equal(mbedtls_ecdh_compute_shared(&grp, &z, &q, &d, mbedtls_psa_get_random,
						     MBEDTLS_PSA_RANDOM_STATE),
			 0);
	assert_int_equal(mbedtls_mpi_write_binary(&z, secret, key_len), 0);
	mbedtls_mpi_free(&z);
	mbedtls_mpi_free(&d);
	mbedtls_ecp_point_free(&q);
	mbedtls_ecp_group_free(&grp);
}

#define EXPORTABLE (PSA_KEY_USAGE_DERIVE | PSA_KEY_USAGE_EXPORT)

static void test_agreement_of_generated_keys_equals_mbed_tls(void **state)
{
	static const struct {
		size_t bits;
		mbedtls_ecp_group_id gid;
	} curve[] = {{256, MBEDTLS_ECP_DP_SECP256R1}, {384, MBEDTLS_ECP_DP_SECP384R1}};
	const psa_key_type_t type = PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1);

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		uint8_t mine[66], peer[133], secret[66], own[66];
		size_t mine_len, peer_len, len;
		const size_t bits = curve[i & 1].bits;
		const psa_key_id_t a = new_key(type, bits, PSA_ALG_ECDH, EXPORTABLE);
		const psa_key_id_t b = new_key(type, bits, PSA_ALG_ECDH, EXPORTABLE);
		assert_int_equal(psa_export_key(a, mine, sizeof mine, &mine_len), PSA_SUCCESS);
		assert_int_equal(psa_export_public_key(b, peer, sizeof peer, &peer_len),
				 PSA_SUCCESS);
		assert_int_equal(psa_raw_key_agreement(PSA_ALG_ECDH, a, peer, peer_len, secret,
						       sizeof secret, &len),
				 PSA_SUCCESS);
		own_secret(curve[i & 1].gid, mine, mine_len, peer, peer_len, own);
		assert_int_equal(len, bits / 8);
		assert_memory_equal(secret, own, len);
		psa_destroy_key(a);
		psa_destroy_key(b);
	}
}

/* More pairs alive than are kept: both sides of each still agree. */
static void test_many_pairs_at_once(void **state)
{
	enum {
		PAIRS = 40
	};
	static const struct {
		psa_ecc_family_t family;
		size_t bits;
	} curve[] = {{PSA_ECC_FAMILY_MONTGOMERY, 255}, {PSA_ECC_FAMILY_SECP_R1, 256}};
	psa_key_id_t id[2 * PAIRS];

	(void)state;
	for (unsigned i = 0; i < 2 * PAIRS; i++)
		id[i] = new_key(PSA_KEY_TYPE_ECC_KEY_PAIR(curve[i / 2 & 1].family),
				curve[i / 2 & 1].bits, PSA_ALG_ECDH, PSA_KEY_USAGE_DERIVE);
	for (unsigned i = 0; i < 2 * PAIRS; i += 2) {
		uint8_t public[2][65], secret[2][32];
		size_t public_len[2], len;
		for (unsigned k = 0; k < 2; k++)
			assert_int_equal(psa_export_public_key(id[i + k], public[k],
							       sizeof public[k], &public_len[k]),
					 PSA_SUCCESS);
		for (unsigned k = 0; k < 2; k++)
			assert_int_equal(psa_raw_key_agreement(PSA_ALG_ECDH, id[i + k], public[!k],
							       public_len[!k], secret[k],
							       sizeof secret[k], &len),
					 PSA_SUCCESS);
		assert_memory_equal(secret[0], secret[1], 32);
	}
	for (unsigned i = 0; i < 2 * PAIRS; i++)
		psa_destroy_key(id[i]);
}

static void test_bad_public_keys_are_refused(void **state)
{
	uint8_t point[65], out[32];
	const uint8_t zero[32] = {0};
	size_t len;
	const psa_key_id_t x = new_key(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_MONTGOMERY), 255,
				       PSA_ALG_ECDH, PSA_KEY_USAGE_DERIVE);
	const psa_key_id_t p = new_key(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256,
				       PSA_ALG_ECDH, PSA_KEY_USAGE_DERIVE);

	(void)state;
	/* RFC 8446 7.4.2: the all-zero secret; RFC 8446 4.2.8.2: points off the curve, and infinity. */
	assert_int_not_equal(psa_raw_key_agreement(PSA_ALG_ECDH, x, zero, 32, out, sizeof out,
						   &len),
			     PSA_SUCCESS);
	assert_int_not_equal(psa_raw_key_agreement(PSA_ALG_ECDH, x, zero, 31, out, sizeof out,
						   &len),
			     PSA_SUCCESS);
	assert_int_equal(psa_export_public_key(p, point, sizeof point, &len), PSA_SUCCESS);
	for (size_t bad = 0; bad < 65; bad++)
		assert_int_not_equal(psa_raw_key_agreement(PSA_ALG_ECDH, p, point, bad, out,
							   sizeof out, &len),
				     PSA_SUCCESS);
	for (size_t i = 0; i < 65; i++) {
		point[i] ^= 1;
		assert_int_not_equal(psa_raw_key_agreement(PSA_ALG_ECDH, p, point, 65, out,
							   sizeof out, &len),
				     PSA_SUCCESS);
		point[i] ^= 1;
	}
	assert_int_equal(psa_raw_key_agreement(PSA_ALG_ECDH, p, point, 65, out, sizeof out, &len),
			 PSA_SUCCESS);
	psa_destroy_key(x);
	psa_destroy_key(p);
}

/* ------------------------------------------------------------------ signatures */

#define SIGNING (PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_VERIFY_HASH | PSA_KEY_USAGE_EXPORT)

/* RFC 6979 A.2.5: P-256, SHA-256, message "sample". */
static void test_ecdsa_vector(void **state)
{
	uint8_t public[65], sig[64], hash[32], key[32], out[64];
	size_t len;

	(void)state;
	unhex("04 60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
	      "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
	      public);
	unhex("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
	      "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
	      sig);
	unhex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721", key);
	assert_int_equal(psa_hash_compute(PSA_ALG_SHA_256, (const uint8_t *)"sample", 6, hash,
					  sizeof hash, &len),
			 PSA_SUCCESS);
	psa_key_id_t id = import_key(PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1), 256,
				     PSA_ALG_ECDSA(PSA_ALG_SHA_256), PSA_KEY_USAGE_VERIFY_HASH,
				     public, sizeof public);
	for (size_t i = 0; i < sizeof sig; i++) {
		sig[i] ^= 1;
		assert_int_equal(psa_verify_hash(id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, 32, sig,
						 64),
				 PSA_ERROR_INVALID_SIGNATURE);
		sig[i] ^= 1;
	}
	assert_int_equal(psa_verify_hash(id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, 32, sig, 63),
			 PSA_ERROR_INVALID_SIGNATURE);
	assert_int_equal(psa_verify_hash(id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, 32, sig, 64),
			 PSA_SUCCESS);
	psa_destroy_key(id);
	/* The deterministic form is exact: it is Mbed TLS's, with or without the driver. */
	id = import_key(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256,
			PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_256), SIGNING, key, sizeof key);
	assert_int_equal(psa_sign_hash(id, PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_256), hash, 32,
				       out, sizeof out, &len),
			 PSA_SUCCESS);
	assert_int_equal(len, 64);
	assert_memory_equal(out, sig, 64);
	psa_destroy_key(id);
}

/* Mbed TLS's own check of a raw signature. */
static int own_verify(mbedtls_ecp_group_id gid, const uint8_t *point, size_t point_len,
		      const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t len)
{
	mbedtls_ecp_group grp;
	mbedtls_ecp_point q;
	mbedtls_mpi r, s;

	mbedtls_ecp_group_init(&grp);
	mbedtls_ecp_point_init(&q);
	mbedtls_mpi_init(&r);
	mbedtls_mpi_init(&s);
	assert_int_equal(mbedtls_ecp_group_load(&grp, gid), 0);
	assert_int_equal(mbedtls_ecp_point_read_binary(&grp, &q, point, point_len), 0);
	assert_int_equal(mbedtls_mpi_read_binary(&r, sig, len / 2), 0);
	assert_int_equal(mbedtls_mpi_read_binary(&s, sig + len / 2, len / 2), 0);
	const int err = mbedtls_ecdsa_verify(&grp, hash, hash_len, &q, &r, &s);
	mbedtls_mpi_free(&s);
	mbedtls_mpi_free(&r);
	mbedtls_ecp_point_free(&q);
	mbedtls_ecp_group_free(&grp);
	return err;
}

static void test_ecdsa_signatures_satisfy_mbed_tls(void **state)
{
	static const struct {
		size_t bits;
		mbedtls_ecp_group_id gid;
		psa_algorithm_t alg;
	} kind[] = {{256, MBEDTLS_ECP_DP_SECP256R1, PSA_ALG_ECDSA(PSA_ALG_SHA_256)},
		    {384, MBEDTLS_ECP_DP_SECP384R1, PSA_ALG_ECDSA(PSA_ALG_SHA_384)}};
	const psa_key_type_t type = PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1);

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		uint8_t hash[48], sig[96], point[97];
		size_t len, point_len;
		const unsigned k = i & 1;
		const size_t hash_len = kind[k].bits / 8;
		const psa_key_id_t id = new_key(type, kind[k].bits, kind[k].alg, SIGNING);
		psa_generate_random(hash, sizeof hash);
		assert_int_equal(psa_export_public_key(id, point, sizeof point, &point_len),
				 PSA_SUCCESS);
		assert_int_equal(psa_sign_hash(id, kind[k].alg, hash, hash_len, sig, sizeof sig,
					       &len),
				 PSA_SUCCESS);
		assert_int_equal(len, 2 * hash_len);
		assert_int_equal(
			own_verify(kind[k].gid, point, point_len, hash, hash_len, sig, len), 0);
		assert_int_equal(psa_verify_hash(id, kind[k].alg, hash, hash_len, sig, len),
				 PSA_SUCCESS);
		assert_int_equal(psa_sign_hash(id, kind[k].alg, hash, hash_len, sig, len - 1, &len),
				 PSA_ERROR_BUFFER_TOO_SMALL);
		psa_destroy_key(id);
	}
}

/* Both paddings both ways, with every hash that TLS may ask for. */
static void test_rsa_signatures_agree_with_mbed_tls(void **state)
{
	static const struct {
		psa_algorithm_t hash;
		mbedtls_md_type_t md;
		size_t len;
	} kind[] = {{PSA_ALG_SHA_256, MBEDTLS_MD_SHA256, 32},
		    {PSA_ALG_SHA_384, MBEDTLS_MD_SHA384, 48},
		    {PSA_ALG_SHA_512, MBEDTLS_MD_SHA512, 64}};
	const psa_algorithm_t v15 = PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_ANY_HASH);
	const psa_algorithm_t pss = PSA_ALG_RSA_PSS(PSA_ALG_ANY_HASH);
	psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
	mbedtls_pk_context pk;
	psa_key_id_t id = 0;
	uint8_t hash[64], sig[512];
	size_t len;

	(void)state;
	mbedtls_pk_init(&pk);
	assert_int_equal(mbedtls_pk_parse_key(&pk, (const uint8_t *)fixture_rsa_key,
					      sizeof fixture_rsa_key, NULL, 0,
					      mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE),
			 0);
	mbedtls_rsa_context *rsa = mbedtls_pk_rsa(pk);
	assert_int_equal(mbedtls_pk_get_psa_attributes(&pk, PSA_KEY_USAGE_SIGN_HASH, &a), 0);
	psa_set_key_usage_flags(&a, SIGNING);
	psa_set_key_algorithm(&a, v15);
	psa_set_key_enrollment_algorithm(&a, pss);
	assert_int_equal(mbedtls_pk_import_into_psa(&pk, &a, &id), 0);
	for (unsigned i = 0; i < 12; i++) {
		const unsigned k = i % 3;
		const bool is_pss = i / 3 & 1;
		const psa_algorithm_t alg = is_pss ? PSA_ALG_RSA_PSS(kind[k].hash)
						   : PSA_ALG_RSA_PKCS1V15_SIGN(kind[k].hash);
		mbedtls_rsa_set_padding(rsa, is_pss ? MBEDTLS_RSA_PKCS_V21 : MBEDTLS_RSA_PKCS_V15,
					is_pss ? kind[k].md : MBEDTLS_MD_NONE);
		psa_generate_random(hash, sizeof hash);
		assert_int_equal(psa_sign_hash(id, alg, hash, kind[k].len, sig, sizeof sig, &len),
				 PSA_SUCCESS);
		assert_int_equal(len, mbedtls_rsa_get_len(rsa));
		assert_int_equal(mbedtls_rsa_pkcs1_verify(rsa, kind[k].md, (unsigned)kind[k].len,
							  hash, sig),
				 0);
		assert_int_equal(mbedtls_rsa_pkcs1_sign(rsa, mbedtls_psa_get_random,
							MBEDTLS_PSA_RANDOM_STATE, kind[k].md,
							(unsigned)kind[k].len, hash, sig),
				 0);
		assert_int_equal(psa_verify_hash(id, alg, hash, kind[k].len, sig, len),
				 PSA_SUCCESS);
		sig[i] ^= 1;
		assert_int_equal(psa_verify_hash(id, alg, hash, kind[k].len, sig, len),
				 PSA_ERROR_INVALID_SIGNATURE);
		assert_int_not_equal(psa_sign_hash(id, alg, hash, kind[k].len - 1, sig, sizeof sig,
						   &len),
				     PSA_SUCCESS);
	}
	psa_destroy_key(id);
	mbedtls_pk_free(&pk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_agreement_vectors),
		cmocka_unit_test(test_agreement_of_generated_keys_equals_mbed_tls),
		cmocka_unit_test(test_many_pairs_at_once),
		cmocka_unit_test(test_bad_public_keys_are_refused),
		cmocka_unit_test(test_ecdsa_vector),
		cmocka_unit_test(test_ecdsa_signatures_satisfy_mbed_tls),
		cmocka_unit_test(test_rsa_signatures_agree_with_mbed_tls),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
