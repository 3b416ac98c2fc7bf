/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certs.h — the local certificate authority: what a first start needs to speak TLS that curl and browsers
 * can be told to trust, and `tunhttpd certs`, which is the same as a tool. X.509 by mbedTLS's x509write.
 *
 * Calls psa_crypto_init(): run it in a process of its own, not in the parent of the workers
 * (CVE-2026-25835).
 */
#ifndef CERTS_CERTS_H
#define CERTS_CERTS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define CERTS_ERROR_SIZE 512

/* File names within the directory of the authority. */
#define CERTS_CA_FILE "ca.pem"                     /* the root to trust; safe to hand out     */
#define CERTS_CA_KEY_FILE "ca-key.pem"             /* 0600; needed for new intermediates only */
#define CERTS_INTERMEDIATE_FILE "intermediate.pem" /* signs the leaves                        */
#define CERTS_INTERMEDIATE_KEY_FILE \
	"intermediate-key.pem"               /* 0600                                    */
#define CERTS_LEAF_FILE "server.pem"         /* the leaf, then what leads to the root   */
#define CERTS_LEAF_KEY_FILE "server-key.pem" /* 0600                                    */

struct certs_made {
	bool ca;   /* a new root was made                                                        */
	bool leaf; /* a new leaf was made: there was none, it lacked a name or its time was over */
};

/* Makes sure that `dir` (created 0700 if missing) holds a root and a leaf which is valid at `now` for at
 * least a third of its life and covers every entry of `names` (DNS names and IPv4 or IPv6 addresses as
 * text, NULL-terminated). Keeps what is good: the root is never replaced silently; a root that is there
 * but unreadable or expired is an error. Files appear whole or not at all (written beside, fsync, rename).
 * Returns 0, or -1 with one line in `error`. `made` may be NULL. */
int certs_ensure_local(const char *dir, const char *const *names, time_t now,
		       struct certs_made *made, char error[CERTS_ERROR_SIZE]);

/* `tunhttpd certs ...`: the arguments behind that word. `default_dir` is the directory unless --dir names one; NULL
 * when there is no default. Returns the exit status. */
int certs_command(int argc, char *argv[], const char *default_dir);

#endif
