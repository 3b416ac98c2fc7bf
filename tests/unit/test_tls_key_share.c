/* SPDX-License-Identifier: Apache-2.0 */
/* A client's public key that is none gets illegal_parameter, in the clear and before anything else of ours: RFC 8446
 * 4.2.8.2 and 7.4.2, RFC 7748 6.1, RFC 8422 5.11. */
#include "tests/unit/tls_pair.h"
#ifdef TUNHTTPD_PSA_LIBCRYPTO
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "tls/psa_libcrypto.h"
#endif
#include "tls/tls_internal.h"

enum {
	X25519 = 29,
	P256 = 23,
	P384 = 24,
	HYBRID = 0x11EC, /* X25519MLKEM768 */
	HYBRID_LEN = 1216,
	SHARE_MAX = 1300
};

/* The generator of P-256: x, y. */
static const uint8_t base_point[64] = {0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc,
				       0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81,
				       0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98,
				       0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b,
				       0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce,
				       0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68,
				       0x37, 0xbf, 0x51, 0xf5};

/* Two of the points of small order on Curve25519, beside 0, 1 and -1. */
static const uint8_t order_8[2][32] = {
	{0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
	 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
	 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
	{0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
	 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
	 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
};

struct share {
	uint16_t group;
	size_t len;
	uint8_t key[SHARE_MAX];
};

/* The P-256 point of base_point in the form that `form` says. */
static struct share p256_share(uint8_t form, size_t len)
{
	struct share s = {.group = P256, .len = len, .key = {form}};

	memcpy(s.key + 1, base_point, sizeof base_point);
	return s;
}

/* Sends a ClientHello of TLS 1.3 with this one share; returns what the server says to it. */
static enum tls_status say_hello(struct pair *p, const struct share *s)
{
	const uint8_t extensions[] = {
		0,
		43,
		0,
		3,
		2,
		3,
		4, /* supported_versions   */
		0,
		13,
		0,
		4,
		0,
		2,
		4,
		3, /* signature_algorithms */
		0,
		10,
		0,
		4,
		0,
		2,
		(uint8_t)(s->group >> 8),
		(uint8_t)s->group, /* supported_groups */
	};
	const size_t key_share = 2 + 4 + s->len;
	const size_t all = sizeof extensions + 4 + key_share;
	const size_t body = 2 + 32 + 1 + 4 + 2 + 2 + all;
	uint8_t hello[SHARE_MAX + 200] = {22,
					  3,
					  1,
					  (uint8_t)((body + 4) >> 8),
					  (uint8_t)(body + 4),
					  1,
					  0,
					  (uint8_t)(body >> 8),
					  (uint8_t)body,
					  3,
					  3};
	size_t n = 11 + 32;

	const uint8_t middle[] = {0, 0, 2, 0x13, 0x01, 1, 0, (uint8_t)(all >> 8), (uint8_t)all};
	memcpy(hello + n, middle, sizeof middle);
	n += sizeof middle;
	memcpy(hello + n, extensions, sizeof extensions);
	n += sizeof extensions;
	const uint8_t head[] = {0,
				51,
				(uint8_t)(key_share >> 8),
				(uint8_t)key_share,
				(uint8_t)((key_share - 2) >> 8),
				(uint8_t)(key_share - 2),
				(uint8_t)(s->group >> 8),
				(uint8_t)s->group,
				(uint8_t)(s->len >> 8),
				(uint8_t)s->len};
	memcpy(hello + n, head, sizeof head);
	n += sizeof head;
	memcpy(hello + n, s->key, s->len);
	n += s->len;
	assert_int_equal(n, 9 + body);
	pipe_append(&p->up, hello, n);
	return tls_session_handshake(p->server);
}

/* `at` in what the server sends there is one alert in the clear and nothing more. */
static void expect_plain_alert(const struct pair *p, size_t at, uint8_t alert)
{
	const uint8_t record[] = {21, 3, 3, 0, 2, 2, alert};

	assert_int_equal(p->down.len - at, sizeof record);
	assert_memory_equal(p->down.data + at, record, sizeof record);
	assert_int_equal(tls_session_handshake(p->server), TLS_FAILED);
	assert_int_equal(p->down.len - at, sizeof record);
}

static void expect_refused(const struct share *s)
{
	struct pair *p = pair_of_version(TLS_VERSION_ANY);

	assert_int_equal(say_hello(p, s), TLS_FAILED);
	expect_plain_alert(p, 0, MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER);
	pair_free(p);
}

/* The hellos of this file would do with a good key. */
static void test_good_shares_are_taken(void **state)
{
	const struct share good[] = {{.group = X25519, .len = 32, .key = {9}}, p256_share(4, 65)};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct pair *p = pair_of_version(TLS_VERSION_ANY);

		assert_int_equal(say_hello(p, &good[i]), TLS_WANT_READ);
		assert_int_equal(p->down.data[0], 22);
		assert_int_equal(p->down.data[5], 2);
		pair_free(p);
	}
}

static void test_x25519_without_a_secret(void **state)
{
	struct share s = {.group = X25519, .len = 32};

	(void)state;
	expect_refused(&s); /* all zero */
	s.key[0] = 1;
	expect_refused(&s);
	memset(s.key, 0xff, 32); /* p - 1 */
	s.key[0] = 0xec;
	s.key[31] = 0x7f;
	expect_refused(&s);
	for (size_t i = 0; i < COUNT(order_8); i++) {
		memcpy(s.key, order_8[i], 32);
		expect_refused(&s);
	}
}

static void test_p256_points_that_are_none(void **state)
{
	struct share s = p256_share(4, 65);

	(void)state;
	s.key[64] ^= 1; /* not on the curve */
	expect_refused(&s);
	s = (struct share){.group = P256, .len = 65, .key = {4}};
	expect_refused(&s);
	memset(s.key + 1, 0xff, 64); /* not in the field */
	expect_refused(&s);
}

/* RFC 8446 4.2.8.2: legacy_form is 4. The parity of the other forms is right. */
static void test_p256_points_in_other_forms(void **state)
{
	const struct share others[] = {p256_share(3, 33), p256_share(2, 33), p256_share(7, 65),
				       p256_share(6, 65), p256_share(0, 1),  p256_share(0, 65)};

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++)
		expect_refused(&others[i]);
}

static void test_keys_of_the_wrong_length(void **state)
{
	static const size_t x25519[] = {1, 31, 33, 64, 97, 98, 200};
	static const size_t p256[] = {1, 2, 64, 66, 97, 98, 200};

	(void)state;
	for (size_t i = 0; i < COUNT(x25519); i++) {
		struct share s = {.group = X25519, .len = x25519[i], .key = {9}};
		expect_refused(&s);
	}
	for (size_t i = 0; i < COUNT(p256); i++) {
		struct share s = p256_share(4, p256[i]);
		expect_refused(&s);
		s.group = P384;
		expect_refused(&s);
	}
}

/* ------------------------------------------------------------------ X25519MLKEM768 */

#ifdef TUNHTTPD_PSA_LIBCRYPTO

/* A client's key and its share. */
static EVP_PKEY *hybrid_key(struct share *s)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519MLKEM768");

	assert_non_null(key);
	s->group = HYBRID;
	assert_int_equal(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
							 s->key, sizeof s->key, &s->len),
			 1);
	assert_int_equal(s->len, HYBRID_LEN);
	return key;
}

static void test_hybrid_secret_is_the_clients(void **state)
{
	uint8_t share[LIBCRYPTO_HYBRID_SHARE], ours[LIBCRYPTO_HYBRID_SECRET];
	uint8_t theirs[LIBCRYPTO_HYBRID_SECRET];
	size_t len = sizeof theirs;
	struct share s;

	(void)state;
	if (!libcrypto_has_x25519mlkem768())
		skip();
	EVP_PKEY *key = hybrid_key(&s);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	assert_int_equal(libcrypto_encapsulate(s.key, s.len, share, ours), PSA_SUCCESS);
	assert_int_equal(EVP_PKEY_decapsulate_init(ctx, NULL), 1);
	assert_int_equal(EVP_PKEY_decapsulate(ctx, theirs, &len, share, sizeof share), 1);
	assert_int_equal(len, sizeof theirs);
	assert_memory_equal(ours, theirs, len);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
}

static void test_hybrid_share_is_answered(void **state)
{
	struct share s;

	(void)state;
	if (!libcrypto_has_x25519mlkem768())
		skip();
	EVP_PKEY_free(hybrid_key(&s));
	struct pair *p = pair_of_version(TLS_VERSION_ANY);
	assert_int_equal(say_hello(p, &s), TLS_WANT_READ);
	const uint8_t answer[] = {0, 51, 0x04, 0x64, 0x11, 0xec, 0x04, 0x60};
	assert_non_null(memmem(p->down.data, 100, answer, sizeof answer));
	pair_free(p);
}

static void test_hybrid_shares_that_are_none(void **state)
{
	static const size_t lengths[] = {1, 32, 1184, HYBRID_LEN - 1, HYBRID_LEN + 1, SHARE_MAX};
	struct share good, bad;

	(void)state;
	if (!libcrypto_has_x25519mlkem768())
		skip();
	EVP_PKEY_free(hybrid_key(&good));
	for (size_t i = 0; i < COUNT(lengths); i++) {
		bad = good;
		bad.len = lengths[i];
		expect_refused(&bad);
	}
	bad = good;
	memset(bad.key, 0xff, 3); /* coefficients beyond the modulus: FIPS 203 7.2 */
	expect_refused(&bad);
	bad = good;
	memset(bad.key + 1184, 0, 32); /* X25519 without a secret */
	expect_refused(&bad);
}

#endif

/* A libcrypto that has no ML-KEM: the group is one that we do not know. */
static void test_hybrid_that_we_do_not_have(void **state)
{
	const struct share s = {.group = HYBRID, .len = HYBRID_LEN};

	(void)state;
#ifdef TUNHTTPD_PSA_LIBCRYPTO
	if (libcrypto_has_x25519mlkem768())
		skip();
#endif
	struct pair *p = pair_of_version(TLS_VERSION_ANY);
	assert_int_equal(say_hello(p, &s), TLS_FAILED);
	expect_plain_alert(p, 0, MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE);
	pair_free(p);
}

/* ------------------------------------------------------------------ TLS 1.2 */

/* A client that waits for us to look at its ClientKeyExchange, which is at the offset returned. */
static struct pair *with_key_exchange(size_t *at)
{
	struct pair *p = pair_of_version(TLS_VERSION_1_2);

	assert_int_equal(tls_session_handshake(p->client), TLS_WANT_READ);
	assert_int_equal(tls_session_handshake(p->server), TLS_WANT_READ);
	*at = p->up.len;
	assert_int_equal(tls_session_handshake(p->client), TLS_WANT_READ);
	const uint8_t head[] = {22, 3, 3, 0, 37, 16, 0, 0, 33, 32};
	assert_memory_equal(p->up.data + *at, head, sizeof head);
	return p;
}

static void test_tls_1_2_key_exchange_without_a_secret(void **state)
{
	size_t at;
	struct pair *p = with_key_exchange(&at);
	const size_t said = p->down.len;

	(void)state;
	memset(p->up.data + at + 10, 0, 32);
	assert_int_equal(tls_session_handshake(p->server), TLS_FAILED);
	expect_plain_alert(p, said, MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER);
	pair_free(p);
}

/* The length within the message says something else than the message's own. */
static void test_tls_1_2_key_exchange_of_another_length(void **state)
{
	static const uint8_t lengths[] = {0, 1, 31, 33, 255};

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		size_t at;
		struct pair *p = with_key_exchange(&at);
		const size_t said = p->down.len;

		p->up.data[at + 9] = lengths[i];
		assert_int_equal(tls_session_handshake(p->server), TLS_FAILED);
		expect_plain_alert(p, said, MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR);
		pair_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_shares_are_taken),
		cmocka_unit_test(test_x25519_without_a_secret),
		cmocka_unit_test(test_p256_points_that_are_none),
		cmocka_unit_test(test_p256_points_in_other_forms),
		cmocka_unit_test(test_keys_of_the_wrong_length),
#ifdef TUNHTTPD_PSA_LIBCRYPTO
		cmocka_unit_test(test_hybrid_secret_is_the_clients),
		cmocka_unit_test(test_hybrid_share_is_answered),
		cmocka_unit_test(test_hybrid_shares_that_are_none),
#endif
		cmocka_unit_test(test_hybrid_that_we_do_not_have),
		cmocka_unit_test(test_tls_1_2_key_exchange_without_a_secret),
		cmocka_unit_test(test_tls_1_2_key_exchange_of_another_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
