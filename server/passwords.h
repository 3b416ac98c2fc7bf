/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passwords.h — is this the password? By libcrypt, which takes its time on purpose: for a tenth of a second, with bcrypt of
 * cost 10, a worker does nothing else.
 *
 * So what has once been right is remembered, as a MAC under a key of this worker, and costs nothing from then on; and no
 * more than a few others are checked in a second, so that guessing takes a share of the worker and not all of it.
 */
#ifndef SERVER_PASSWORDS_H
#define SERVER_PASSWORDS_H

#include <time.h>

#include "http/auth.h"
#include "tls/tls_mac.h"

#define PASSWORDS_PER_SECOND 2
#define PASSWORDS_BURST 4
#define PASSWORDS_KEPT 256

struct crypt_data;

struct passwords {
	uint8_t key[TLS_MAC_SIZE];
	uint8_t kept[PASSWORDS_KEPT][TLS_MAC_SIZE]; /* a ring of those that were right */
	size_t kept_count, next;
	time_t second; /* up to which `budget` was filled          */
	unsigned budget;
	struct crypt_data *crypt;
	uint64_t checked; /* by libcrypt, ever */
};

/* False when there is no memory or no randomness. */
bool passwords_init(struct passwords *p);
void passwords_free(struct passwords *p);
/* check_password of http.h; its context is a struct passwords. For a user that there is not, a check of another one is made for nothing, so that the time it takes does not tell.
 * `now` in seconds. */
enum http_password passwords_check(void *passwords, const struct http_auth *auth,
				   const struct http_credentials *who, time_t now);

#endif
