/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site.h — what the HTTP scenarios serve: a temporary directory with files of many sizes and a certificate for
 * them, and the randomness and the time of day that TLS sees.
 */
#ifndef TESTS_SIM_SITE_H
#define TESTS_SIM_SITE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "tls/tls.h"
#include "tls/tls_client.h"

#define SITE_NAME "sim.test"
#define SITE_FILES 12u
#define SITE_WALL_CLOCK ((time_t)1798761600) /* of virtual time 0: 2027-01-01 */

struct site {
	bool ready;
	char dir[64];
	int root_fd;
	struct tls_blob ca, cert, key;
};

/* Makes it in a new temporary directory; false with a line on standard error. */
bool site_create(struct site *site);
void site_destroy(struct site *site);

uint64_t site_file_size(unsigned file);
/* The key of the pattern that a file consists of. */
uint64_t site_file_key(unsigned file);

/* From here on getrandom() gives the bytes that follow from `seed`. Call it when no TLS context exists: the
 * library's generator is thrown away and is seeded anew by the next context. */
void site_seed_tls(uint64_t seed);

#endif
