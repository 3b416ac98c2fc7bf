/* SPDX-License-Identifier: Apache-2.0 */
/*
 * renewal.h — certificates and ticket keys change while the server runs: files that are replaced, keys that get
 * old. The master asks here what is new, and hands it to the workers.
 *
 * Files are looked at every two seconds by name, which notices a rename, a symbolic link that points elsewhere
 * (as Kubernetes does it) and a file written in place alike. A pair that cannot be used is refused with one
 * line, and the last good one stays in use.
 */
#ifndef SERVER_RENEWAL_H
#define SERVER_RENEWAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "server/secrets.h"
#include "server/startup.h"

/* What tells one state of a file from another. */
struct file_mark {
	bool there;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct renewal {
	struct startup *startup;
	struct secrets secrets; /* what the workers shall have                   */
	bool owned;             /* the identities in it, which startup's else are */
	struct file_mark cert[IDENTITIES_MAX], key[IDENTITIES_MAX], client_ca, tickets;
	uint64_t look_us, rotate_us, authority_us; /* when next, on the monotonic clock   */
};

enum renewal_news {
	RENEWAL_NOTHING,
	RENEWAL_TICKETS,
	RENEWAL_IDENTITIES,
};

/* False when the ticket keys cannot be had; then the reason has been logged. */
bool renewal_init(struct renewal *r, struct startup *s, uint64_t now_us);
/* What is new since the last call. `at_once` looks at the files although it is not time (SIGHUP). */
enum renewal_news renewal_look(struct renewal *r, uint64_t now_us, bool at_once);
/* When to look next; UINT64_MAX for never. */
uint64_t renewal_next(const struct renewal *r);
void renewal_free(struct renewal *r);

#endif
