/* SPDX-License-Identifier: Apache-2.0 */
/* privileges.h — what a worker gives up before the first packet, and the master after the last of its set-up, for good. */
#ifndef SERVER_PRIVILEGES_H
#define SERVER_PRIVILEGES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PRIVILEGES_ERROR_SIZE 256

struct identity {
	const char *name;
	uid_t uid;
	gid_t gid;
	bool change; /* false: stay who we are, but give up every capability all the same */
};

/* Looks the user up. As another user than root nothing can be changed; then, and when root may not
 * change either (a container without CAP_SETUID), the identity stays, unless `required`. False with one
 * line in `error`. */
bool privileges_identity(struct identity *id, const char *user, bool required,
			 char error[PRIVILEGES_ERROR_SIZE]);

/* Becomes `id` without groups, capabilities, core dumps, or a way to new privileges, and checks that it
 * is so. False with one line in `error`: then the process must end. */
bool privileges_drop(const struct identity *id, char error[PRIVILEGES_ERROR_SIZE]);

/* For who goes on with a part: keeps of the capabilities those in `keep` (1 << CAP_KILL, say) that there are, and nobody
 * may add one later. False with one line in `error`. */
bool privileges_keep(uint64_t keep, char error[PRIVILEGES_ERROR_SIZE]);

#endif
