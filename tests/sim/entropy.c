/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entropy.c — the randomness and the time of day that the TLS library sees. It asks the system for
 * both, so the same seed would give other packets each time. The simulator is linked with
 * --wrap=syscall and --wrap=time: what the program calls by these names comes here instead. libcrypto, a shared
 * library, is given a method of its own (deprecated since 3.0, but there is no other of a few lines). The one
 * piece of global state of the simulator is here, because the C library's functions have no
 * context.
 */
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>

#ifdef TUNHTTPD_PSA_LIBCRYPTO
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/rand.h>
#endif
#include <psa/crypto.h>

#include "tests/sim/rng.h"
#include "tests/sim/site.h"

static struct sim_rng entropy;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
time_t __wrap_time(time_t *out);

long __wrap_syscall(long number, ...)
{
	long arg[6];
	va_list ap;

	va_start(ap, number);
	for (unsigned i = 0; i < 6; i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);
	if (number != SYS_getrandom)
		return __real_syscall(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	uint8_t *out = (void *)arg[0];
	for (long i = 0; i < arg[1]; i++)
		out[i] = (uint8_t)sim_rng_next(&entropy);
	return arg[1];
}

time_t __wrap_time(time_t *out)
{
	if (out)
		*out = SITE_WALL_CLOCK;
	return SITE_WALL_CLOCK;
}

#ifdef TUNHTTPD_PSA_LIBCRYPTO
static int random_bytes(unsigned char *out, int len)
{
	for (int i = 0; i < len; i++)
		out[i] = (uint8_t)sim_rng_next(&entropy);
	return 1;
}

static int seeded(void)
{
	return 1;
}

static const RAND_METHOD seeded_method = {
	.bytes = random_bytes,
	.pseudorand = random_bytes,
	.status = seeded,
};
#endif

void site_seed_tls(uint64_t seed)
{
#ifdef TUNHTTPD_PSA_LIBCRYPTO
	RAND_set_rand_method(&seeded_method);
#endif
	mbedtls_psa_crypto_free();
	sim_rng_seed(&entropy, seed);
}
