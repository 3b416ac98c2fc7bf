/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The symmetric half of the PSA driver over libcrypto (tls/psa_libcrypto.h): vectors of NIST and the RFCs through
 * the PSA API, and each accelerated algorithm against Mbed TLS's own code on the same inputs. With
 * CRYPTO=builtin the same tests hold Mbed TLS to the same vectors.
 */
#include <mbedtls/chachapoly.h>
#include <mbedtls/gcm.h>
#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>

#include "tests/unit/tls_psa.h"

#define BIG 16384u
#define CRYPT (PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT)

/* ------------------------------------------------------------------ AEAD */

static void check_aead(psa_key_type_t type, psa_algorithm_t alg, const char *key_hex,
		       const char *nonce_hex, const char *ad_hex, const char *plain_hex,
		       const char *sealed_hex)
{
	uint8_t key[32], nonce[12], ad[64], plain[256], sealed[256], out[256];
	size_t got;
	const size_t key_len = unhex(key_hex, key), ad_len = unhex(ad_hex, ad);
	const size_t len = unhex(plain_hex, plain);

	unhex(nonce_hex, nonce);
	assert_int_equal(unhex(sealed_hex, sealed), len + 16);
	const psa_key_id_t id = import_key(type, key_len * 8, alg, CRYPT, key, key_len);
	assert_int_equal(psa_aead_encrypt(id, alg, nonce, 12, ad, ad_len, plain, len, out,
					  sizeof out, &got),
			 PSA_SUCCESS);
	assert_int_equal(got, len + 16);
	assert_memory_equal(out, sealed, got);
	assert_int_equal(psa_aead_decrypt(id, alg, nonce, 12, ad, ad_len, sealed, len + 16, out,
					  sizeof out, &got),
			 PSA_SUCCESS);
	assert_int_equal(got, len);
	assert_memory_equal(out, plain, len);
	psa_destroy_key(id);
}

/* McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 1, 2, 4, 14 and 16. */
static void test_aes_gcm_vectors(void **state)
{
	(void)state;
	check_aead(PSA_KEY_TYPE_AES, PSA_ALG_GCM, "00000000000000000000000000000000",
		   "000000000000000000000000", "", "", "58e2fccefa7e3061367f1d57a4e7455a");
	check_aead(PSA_KEY_TYPE_AES, PSA_ALG_GCM, "00000000000000000000000000000000",
		   "000000000000000000000000", "", "00000000000000000000000000000000",
		   "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf");
	check_aead(PSA_KEY_TYPE_AES, PSA_ALG_GCM, "feffe9928665731c6d6a8f9467308308",
		   "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		   "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		   "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		   "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
		   "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
		   "5bc94fbc3221a5db94fae95ae7121a47");
	check_aead(PSA_KEY_TYPE_AES, PSA_ALG_GCM,
		   "0000000000000000000000000000000000000000000000000000000000000000",
		   "000000000000000000000000", "", "00000000000000000000000000000000",
		   "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
	check_aead(PSA_KEY_TYPE_AES, PSA_ALG_GCM,
		   "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
		   "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		   "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		   "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		   "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
		   "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
		   "76fc6ece0f4e1768cddf8853bb2d551b");
}

/* RFC 8439 2.8.2 */
static void test_chacha20_poly1305_vector(void **state)
{
	(void)state;
	check_aead(PSA_KEY_TYPE_CHACHA20, PSA_ALG_CHACHA20_POLY1305,
		   "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
		   "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
		   "4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
		   "73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
		   "6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
		   "637265656e20776f756c642062652069742e",
		   "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
		   "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
		   "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
		   "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691");
}

static const size_t lengths[] = {0, 1, 15, 16, 17, 31, 100, 255, 1460, 4096, BIG};

static void own_gcm(const uint8_t *key, size_t key_len, const uint8_t *nonce, const uint8_t *in,
		    size_t len, uint8_t *out)
{
	mbedtls_gcm_context gcm;

	mbedtls_gcm_init(&gcm);
	assert_int_equal(
		mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key, (unsigned)key_len * 8), 0);
	assert_int_equal(mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, len, nonce, 12, key,
						   5, in, out, 16, out + len),
			 0);
	mbedtls_gcm_free(&gcm);
}

/* In place, as TLS seals its records; two keys take turns, so that no context is the other's. */
static void test_aes_gcm_equals_mbed_tls(void **state)
{
	static uint8_t plain[BIG], own[BIG + 16], out[BIG + 16];
	uint8_t key[2][32], nonce[12] = {0};
	size_t got;

	(void)state;
	for (size_t i = 0; i < BIG; i++)
		plain[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t key_len = 16; key_len <= 32; key_len += 8) {
		psa_key_id_t id[2];
		for (unsigned k = 0; k < 2; k++) {
			psa_generate_random(key[k], key_len);
			id[k] = import_key(PSA_KEY_TYPE_AES, key_len * 8, PSA_ALG_GCM, CRYPT,
					   key[k], key_len);
		}
		for (size_t i = 0; i < 2 * sizeof lengths / sizeof *lengths; i++) {
			const unsigned k = i & 1;
			const size_t len = lengths[i / 2];
			nonce[11]++;
			own_gcm(key[k], key_len, nonce, plain, len, own);
			memcpy(out, plain, len);
			assert_int_equal(psa_aead_encrypt(id[k], PSA_ALG_GCM, nonce, 12, key[k], 5,
							  out, len, out, sizeof out, &got),
					 PSA_SUCCESS);
			assert_memory_equal(out, own, len + 16);
			assert_int_equal(psa_aead_decrypt(id[k], PSA_ALG_GCM, nonce, 12, key[k], 5,
							  out, len + 16, out, sizeof out, &got),
					 PSA_SUCCESS);
			assert_int_equal(got, len);
			assert_memory_equal(out, plain, len);
		}
		psa_destroy_key(id[0]);
		psa_destroy_key(id[1]);
	}
}

static void test_chacha20_poly1305_equals_mbed_tls(void **state)
{
	static uint8_t plain[BIG], own[BIG + 16], out[BIG + 16];
	uint8_t key[32], nonce[12] = {1};
	mbedtls_chachapoly_context c;
	size_t got;

	(void)state;
	psa_generate_random(key, sizeof key);
	psa_generate_random(plain, sizeof plain);
	const psa_key_id_t id = import_key(PSA_KEY_TYPE_CHACHA20, 256, PSA_ALG_CHACHA20_POLY1305,
					   CRYPT, key, sizeof key);
	mbedtls_chachapoly_init(&c);
	mbedtls_chachapoly_setkey(&c, key);
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		nonce[0]++;
		assert_int_equal(mbedtls_chachapoly_encrypt_and_tag(&c, lengths[i], nonce, key, 13,
								    plain, own, own + lengths[i]),
				 0);
		assert_int_equal(psa_aead_encrypt(id, PSA_ALG_CHACHA20_POLY1305, nonce, 12, key, 13,
						  plain, lengths[i], out, sizeof out, &got),
				 PSA_SUCCESS);
		assert_memory_equal(out, own, lengths[i] + 16);
	}
	mbedtls_chachapoly_free(&c);
	psa_destroy_key(id);
}

/* Every byte of a record, its tag and its header matters, and nothing of a forged one is seen. */
static void test_a_forged_record_is_refused_and_not_shown(void **state)
{
	static const struct {
		psa_key_type_t type;
		psa_algorithm_t alg;
	} kind[] = {{PSA_KEY_TYPE_AES, PSA_ALG_GCM},
		    {PSA_KEY_TYPE_CHACHA20, PSA_ALG_CHACHA20_POLY1305}};
	uint8_t key[32] = {3}, nonce[12] = {0}, ad[5] = {23, 3, 3, 0, 64}, out[64], zero[48] = {0};
	size_t got;

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		uint8_t sealed[64], plain[48] = "what nobody may see unless it is authentic";
		const psa_key_id_t id =
			import_key(kind[k].type, 256, kind[k].alg, CRYPT, key, sizeof key);
		assert_int_equal(psa_aead_encrypt(id, kind[k].alg, nonce, 12, ad, 5, plain, 48,
						  sealed, sizeof sealed, &got),
				 PSA_SUCCESS);
		for (size_t i = 0; i < sizeof sealed; i++) {
			sealed[i] ^= 0x40;
			memset(out, 0xee, sizeof out);
			assert_int_equal(psa_aead_decrypt(id, kind[k].alg, nonce, 12, ad, 5, sealed,
							  64, out, sizeof out, &got),
					 PSA_ERROR_INVALID_SIGNATURE);
			assert_memory_not_equal(out, plain, 40);
			assert_memory_equal(out, zero, 48);
			sealed[i] ^= 0x40;
		}
		ad[4] ^= 1;
		assert_int_equal(psa_aead_decrypt(id, kind[k].alg, nonce, 12, ad, 5, sealed, 64,
						  out, sizeof out, &got),
				 PSA_ERROR_INVALID_SIGNATURE);
		ad[4] ^= 1;
		for (size_t len = 0; len < sizeof sealed; len++)
			assert_int_not_equal(psa_aead_decrypt(id, kind[k].alg, nonce, 12, ad, 5,
							      sealed, len, out, sizeof out, &got),
					     PSA_SUCCESS);
		assert_int_equal(psa_aead_encrypt(id, kind[k].alg, nonce, 12, ad, 5, plain, 48, out,
						  63, &got),
				 PSA_ERROR_BUFFER_TOO_SMALL);
		psa_destroy_key(id);
	}
}

/* A destroyed key's place in memory is likely the next key's: its context must not be. More keys live than contexts
 * are kept. */
static void test_many_keys_come_and_go(void **state)
{
	enum {
		LIVE = 700
	};
	static psa_key_id_t id[LIVE];
	static uint8_t key[LIVE][16];
	uint8_t nonce[12] = {0}, out[32], own[32], plain[16] = "sixteen letters";
	size_t got;

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < LIVE; i++) {
			psa_generate_random(key[i], 16);
			id[i] = import_key(PSA_KEY_TYPE_AES, 128, PSA_ALG_GCM, CRYPT, key[i], 16);
		}
		for (unsigned pass = 0; pass < 2; pass++) {
			for (unsigned i = 0; i < LIVE; i++) {
				nonce[0] = (uint8_t)pass;
				own_gcm(key[i], 16, nonce, plain, 16, own);
				assert_int_equal(psa_aead_encrypt(id[i], PSA_ALG_GCM, nonce, 12,
								  key[i], 5, plain, 16, out,
								  sizeof out, &got),
						 PSA_SUCCESS);
				assert_memory_equal(out, own, 32);
			}
		}
		for (unsigned i = 0; i < LIVE; i++)
			psa_destroy_key(id[i]);
	}
}

/* ------------------------------------------------------------------ hash, HMAC, HKDF */

static void check_hash(psa_algorithm_t alg, const char *text, const char *hex)
{
	uint8_t want[64], got[64];
	size_t len;
	const size_t want_len = unhex(hex, want);

	assert_int_equal(psa_hash_compute(alg, (const uint8_t *)text, strlen(text), got, sizeof got,
					  &len),
			 PSA_SUCCESS);
	assert_int_equal(len, want_len);
	assert_memory_equal(got, want, len);
}

/* FIPS 180-4's examples. */
static void test_hash_vectors(void **state)
{
	(void)state;
	check_hash(PSA_ALG_SHA_1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
	check_hash(PSA_ALG_SHA_224, "abc",
		   "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7");
	check_hash(PSA_ALG_SHA_256, "abc",
		   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check_hash(PSA_ALG_SHA_256, "",
		   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	check_hash(PSA_ALG_SHA_384, "abc",
		   "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
		   "8086072ba1e7cc2358baeca134c825a7");
	check_hash(PSA_ALG_SHA_512, "abc",
		   "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
		   "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

/* As the transcript of a handshake is hashed: in pieces, with copies taken on the way. */
static void test_hash_in_pieces_equals_mbed_tls(void **state)
{
	uint8_t data[300], own[64], out[64];
	size_t len;

	(void)state;
	psa_generate_random(data, sizeof data);
	for (size_t cut = 0; cut <= sizeof data; cut++) {
		psa_hash_operation_t op = PSA_HASH_OPERATION_INIT, copy = PSA_HASH_OPERATION_INIT;
		assert_int_equal(psa_hash_setup(&op, cut & 1 ? PSA_ALG_SHA_384 : PSA_ALG_SHA_256),
				 PSA_SUCCESS);
		assert_int_equal(psa_hash_update(&op, data, cut), PSA_SUCCESS);
		assert_int_equal(psa_hash_clone(&op, &copy), PSA_SUCCESS);
		assert_int_equal(psa_hash_update(&op, data + cut, sizeof data - cut), PSA_SUCCESS);
		assert_int_equal(psa_hash_finish(&op, out, sizeof out, &len), PSA_SUCCESS);
		if (cut & 1)
			mbedtls_sha512(data, sizeof data, own, 1);
		else
			mbedtls_sha256(data, sizeof data, own, 0);
		assert_int_equal(len, cut & 1 ? 48 : 32);
		assert_memory_equal(out, own, len);
		assert_int_equal(psa_hash_finish(&copy, out, sizeof out, &len), PSA_SUCCESS);
		if (cut & 1)
			mbedtls_sha512(data, cut, own, 1);
		else
			mbedtls_sha256(data, cut, own, 0);
		assert_memory_equal(out, own, len);
	}
}

static void test_hashes_can_be_given_up(void **state)
{
	psa_hash_operation_t op[100];
	uint8_t out[32];
	size_t len;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		op[i] = psa_hash_operation_init();
		assert_int_equal(psa_hash_setup(&op[i], PSA_ALG_SHA_256), PSA_SUCCESS);
	}
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(psa_hash_abort(&op[i]), PSA_SUCCESS);
	assert_int_equal(psa_hash_setup(&op[0], PSA_ALG_SHA_256), PSA_SUCCESS);
	assert_int_equal(psa_hash_finish(&op[0], out, sizeof out - 1, &len),
			 PSA_ERROR_BUFFER_TOO_SMALL);
	psa_hash_abort(&op[0]);
}

/* RFC 4231 4.3 and RFC 5869 A.1 */
static void test_hmac_and_hkdf_vectors(void **state)
{
	const psa_algorithm_t hmac = PSA_ALG_HMAC(PSA_ALG_SHA_256);
	psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
	uint8_t want[64], out[64], ikm[22], salt[13], info[10];
	size_t len;

	(void)state;
	psa_key_id_t id = import_key(PSA_KEY_TYPE_HMAC, 32, hmac, PSA_KEY_USAGE_SIGN_MESSAGE,
				     (const uint8_t *)"Jefe", 4);
	assert_int_equal(psa_mac_compute(id, hmac, (const uint8_t *)"what do ya want for nothing?",
					 28, out, sizeof out, &len),
			 PSA_SUCCESS);
	unhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", want);
	assert_int_equal(len, 32);
	assert_memory_equal(out, want, 32);
	psa_destroy_key(id);

	memset(ikm, 0x0b, sizeof ikm);
	unhex("000102030405060708090a0b0c", salt);
	unhex("f0f1f2f3f4f5f6f7f8f9", info);
	assert_int_equal(psa_key_derivation_setup(&op, PSA_ALG_HKDF(PSA_ALG_SHA_256)), PSA_SUCCESS);
	assert_int_equal(psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_SALT, salt,
							sizeof salt),
			 PSA_SUCCESS);
	assert_int_equal(psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_SECRET, ikm,
							sizeof ikm),
			 PSA_SUCCESS);
	assert_int_equal(psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_INFO, info,
							sizeof info),
			 PSA_SUCCESS);
	assert_int_equal(psa_key_derivation_output_bytes(&op, out, 42), PSA_SUCCESS);
	psa_key_derivation_abort(&op);
	unhex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
	      "34007208d5b887185865",
	      want);
	assert_memory_equal(out, want, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aes_gcm_vectors),
		cmocka_unit_test(test_chacha20_poly1305_vector),
		cmocka_unit_test(test_aes_gcm_equals_mbed_tls),
		cmocka_unit_test(test_chacha20_poly1305_equals_mbed_tls),
		cmocka_unit_test(test_a_forged_record_is_refused_and_not_shown),
		cmocka_unit_test(test_many_keys_come_and_go),
		cmocka_unit_test(test_hash_vectors),
		cmocka_unit_test(test_hash_in_pieces_equals_mbed_tls),
		cmocka_unit_test(test_hashes_can_be_given_up),
		cmocka_unit_test(test_hmac_and_hkdf_vectors),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
