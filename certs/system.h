/* SPDX-License-Identifier: Apache-2.0 */
/* system.h — where Linux systems keep the roots that their administrators add, and what has to run afterwards. */
#ifndef CERTS_SYSTEM_H
#define CERTS_SYSTEM_H

#include <stddef.h>

struct certs_system {
	const char *title;
	const char *ids;     /* of /etc/os-release, ID and ID_LIKE, with spaces around each */
	const char *anchors; /* directory                                                   */
	const char *extension;
	const char *update[4], *remove[4]; /* NULL-terminated: after a root came, after it went */
};

extern const struct certs_system certs_systems[];
extern const size_t certs_system_count;

/* By the text of os-release(5): ID, then each word of ID_LIKE. NULL for none that we know. */
const struct certs_system *certs_system_of(const char *os_release);
/* That of this machine, or NULL. */
const struct certs_system *certs_system_here(void);

#endif
