/* SPDX-License-Identifier: Apache-2.0 */
/*
 * primitives.c — how fast each primitive that TLS needs is through the PSA API, as the server calls it. Linked with
 * the driver over libcrypto or without (CRYPTO=builtin); bench/primitives.sh prints both beside
 * `openssl speed`. One line each: name, operations or MB per second of this thread's CPU time.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <psa/crypto.h>

#define RECORD 16384u
#define BATCH_MAX (1u << 20)

static double run_for;

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(psa_status_t status, const char *what)
{
	if (status == PSA_SUCCESS)
		return;
	fprintf(stderr, "primitives: %s: PSA error %d\n", what, (int)status);
	exit(1);
}

/* Calls `fn` for a second, in batches that grow; returns the calls per second. */
static double rate(void (*fn)(void *), void *ctx)
{
	uint64_t calls = 0;
	unsigned batch = 1;
	double spent = 0;

	fn(ctx);
	const double start = cpu_seconds();
	while (spent < run_for) {
		for (unsigned i = 0; i < batch; i++)
			fn(ctx);
		calls += batch;
		spent = cpu_seconds() - start;
		if (spent < run_for / 10 && batch < BATCH_MAX)
			batch *= 2;
	}
	return (double)calls / spent;
}

static psa_key_id_t import(psa_key_type_t type, psa_algorithm_t alg, psa_key_usage_t usage,
			   const uint8_t *data, size_t len)
{
	psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
	psa_key_id_t id;

	psa_set_key_type(&a, type);
	psa_set_key_algorithm(&a, alg);
	psa_set_key_usage_flags(&a, usage);
	must(psa_import_key(&a, data, len, &id), "import");
	return id;
}

static psa_key_id_t generate(psa_key_type_t type, size_t bits, psa_algorithm_t alg,
			     psa_key_usage_t usage)
{
	psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
	psa_key_id_t id;

	psa_set_key_type(&a, type);
	psa_set_key_bits(&a, bits);
	psa_set_key_algorithm(&a, alg);
	psa_set_key_usage_flags(&a, usage);
	must(psa_generate_key(&a, &id), "generate");
	return id;
}

/* ------------------------------------------------------------------ AEAD */

struct aead {
	psa_key_id_t key;
	psa_algorithm_t alg;
	size_t len;
	uint8_t nonce[12], ad[5];
	uint8_t buf[RECORD + 16];
};

/* In place, with a new nonce each time, as records are. */
static void seal(void *ctx)
{
	struct aead *a = ctx;
	size_t got;

	a->nonce[11]++;
	must(psa_aead_encrypt(a->key, a->alg, a->nonce, sizeof a->nonce, a->ad, sizeof a->ad,
			      a->buf, a->len, a->buf, sizeof a->buf, &got),
	     "encrypt");
}

static void bench_aead(const char *name, psa_key_type_t type, psa_algorithm_t alg, size_t key_len,
		       size_t len)
{
	static struct aead a;
	static const uint8_t key[32] = {1, 2, 3};

	a.key = import(type, alg, PSA_KEY_USAGE_ENCRYPT, key, key_len);
	a.alg = alg;
	a.len = len;
	printf("%s %zu\t%.1f\tMB/s\n", name, len, rate(seal, &a) * (double)len / 1e6);
	psa_destroy_key(a.key);
}

/* ------------------------------------------------------------------ hash, HMAC */

struct digest {
	psa_key_id_t key;
	psa_algorithm_t alg;
	size_t len;
	uint8_t buf[RECORD];
};

static void hash(void *ctx)
{
	struct digest *d = ctx;
	uint8_t out[64];
	size_t got;

	must(psa_hash_compute(d->alg, d->buf, d->len, out, sizeof out, &got), "hash");
}

static void hmac(void *ctx)
{
	struct digest *d = ctx;
	uint8_t out[64];
	size_t got;

	must(psa_mac_compute(d->key, d->alg, d->buf, d->len, out, sizeof out, &got), "mac");
}

static void bench_digest(const char *name, psa_algorithm_t alg, size_t len)
{
	static struct digest d;

	d.alg = alg;
	d.len = len;
	printf("%s %zu\t%.1f\tMB/s\n", name, len, rate(hash, &d) * (double)len / 1e6);
}

static void bench_hmac(const char *name, psa_algorithm_t hash_alg, size_t len)
{
	static struct digest d;
	static const uint8_t key[32] = {7};

	d.alg = PSA_ALG_HMAC(hash_alg);
	d.len = len;
	d.key = import(PSA_KEY_TYPE_HMAC, d.alg, PSA_KEY_USAGE_SIGN_MESSAGE, key, sizeof key);
	printf("%s %zu\t%.0f\t/s\n", name, len, rate(hmac, &d));
	psa_destroy_key(d.key);
}

/* ------------------------------------------------------------------ key agreement */

struct ecdh {
	psa_key_type_t type;
	size_t bits;
	psa_key_id_t key;
	uint8_t peer[133];
	size_t peer_len;
};

static void agree(void *ctx)
{
	struct ecdh *e = ctx;
	uint8_t secret[66];
	size_t got;

	must(psa_raw_key_agreement(PSA_ALG_ECDH, e->key, e->peer, e->peer_len, secret,
				   sizeof secret, &got),
	     "agree");
}

/* What a server does for each full handshake: a new pair, its public key, one agreement. */
static void ephemeral(void *ctx)
{
	struct ecdh *e = ctx;
	uint8_t public[133];
	size_t got;

	e->key = generate(e->type, e->bits, PSA_ALG_ECDH, PSA_KEY_USAGE_DERIVE);
	must(psa_export_public_key(e->key, public, sizeof public, &got), "public key");
	agree(e);
	psa_destroy_key(e->key);
}

static void bench_ecdh(const char *name, psa_ecc_family_t family, size_t bits)
{
	struct ecdh e = {.type = PSA_KEY_TYPE_ECC_KEY_PAIR(family), .bits = bits};
	const psa_key_id_t peer = generate(e.type, bits, PSA_ALG_ECDH, PSA_KEY_USAGE_DERIVE);

	must(psa_export_public_key(peer, e.peer, sizeof e.peer, &e.peer_len), "public key");
	e.key = generate(e.type, bits, PSA_ALG_ECDH, PSA_KEY_USAGE_DERIVE);
	printf("%s agree\t%.0f\t/s\n", name, rate(agree, &e));
	psa_destroy_key(e.key);
	printf("%s ephemeral\t%.0f\t/s\n", name, rate(ephemeral, &e));
	psa_destroy_key(peer);
}

/* ------------------------------------------------------------------ signatures */

struct signer {
	psa_key_id_t key;
	psa_algorithm_t alg;
	uint8_t hash[48];
	size_t hash_len;
	uint8_t sig[512];
	size_t sig_len;
};

static void sign(void *ctx)
{
	struct signer *s = ctx;

	must(psa_sign_hash(s->key, s->alg, s->hash, s->hash_len, s->sig, sizeof s->sig,
			   &s->sig_len),
	     "sign");
}

static void verify(void *ctx)
{
	struct signer *s = ctx;

	must(psa_verify_hash(s->key, s->alg, s->hash, s->hash_len, s->sig, s->sig_len), "verify");
}

static void run_signer(const char *name, struct signer *s)
{
	printf("%s sign\t%.0f\t/s\n", name, rate(sign, s));
	printf("%s verify\t%.0f\t/s\n", name, rate(verify, s));
	psa_destroy_key(s->key);
}

static void bench_sign(const char *name, psa_key_type_t type, size_t bits, psa_algorithm_t alg,
		       size_t hash_len)
{
	struct signer s = {.alg = alg, .hash = {1}, .hash_len = hash_len};

	s.key = generate(type, bits, alg, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_VERIFY_HASH);
	run_signer(name, &s);
}

/* RSA keys are not generated by what we compile in: this one comes from a file, in DER. */
static void bench_rsa(const char *name, const char *path, psa_algorithm_t alg)
{
	struct signer s = {.alg = alg, .hash = {1}, .hash_len = 32};
	uint8_t der[4096];
	FILE *f = fopen(path, "rb");

	if (!f) {
		perror(path);
		exit(1);
	}
	const size_t len = fread(der, 1, sizeof der, f);
	fclose(f);
	s.key = import(PSA_KEY_TYPE_RSA_KEY_PAIR, alg,
		       PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_VERIFY_HASH, der, len);
	run_signer(name, &s);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: primitives SECONDS RSA-KEY.der\n");
		return 2;
	}
	run_for = atof(argv[1]);
	must(psa_crypto_init(), "init");
	bench_aead("aes-128-gcm", PSA_KEY_TYPE_AES, PSA_ALG_GCM, 16, RECORD);
	bench_aead("aes-256-gcm", PSA_KEY_TYPE_AES, PSA_ALG_GCM, 32, RECORD);
	bench_aead("chacha20-poly1305", PSA_KEY_TYPE_CHACHA20, PSA_ALG_CHACHA20_POLY1305, 32,
		   RECORD);
	bench_aead("aes-128-gcm", PSA_KEY_TYPE_AES, PSA_ALG_GCM, 16, 1024);
	bench_digest("sha256", PSA_ALG_SHA_256, RECORD);
	bench_digest("sha384", PSA_ALG_SHA_384, RECORD);
	bench_digest("sha256", PSA_ALG_SHA_256, 64);
	bench_hmac("hmac-sha256", PSA_ALG_SHA_256, 64);
	bench_ecdh("x25519", PSA_ECC_FAMILY_MONTGOMERY, 255);
	bench_ecdh("p-256", PSA_ECC_FAMILY_SECP_R1, 256);
	bench_ecdh("p-384", PSA_ECC_FAMILY_SECP_R1, 384);
	bench_sign("ecdsa-p256", PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256,
		   PSA_ALG_ECDSA(PSA_ALG_SHA_256), 32);
	bench_sign("ecdsa-p384", PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 384,
		   PSA_ALG_ECDSA(PSA_ALG_SHA_384), 48);
	bench_rsa("rsa-2048-pss", argv[2], PSA_ALG_RSA_PSS(PSA_ALG_SHA_256));
	bench_rsa("rsa-2048", argv[2], PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256));
	mbedtls_psa_crypto_free();
	return 0;
}
