/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_files.c — Landlock: see sandbox.h, and Documentation/userspace-api/landlock.rst of the kernel.
 *
 * What an ABI of Landlock can forbid is forbidden; what is newer than the headers we were built with has its number here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/sandbox.h"
#include "server/sanitizers.h"

#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1

#define FS_READ_FILE (1ull << 2)
#define FS_READ_DIR (1ull << 3)
#define FS_ALL_1 ((1ull << 13) - 1)       /* ABI 1, Linux 5.13: execute … make symbolic links */
#define FS_REFER (1ull << 13)             /* ABI 2, Linux 5.19                                */
#define FS_TRUNCATE (1ull << 14)          /* ABI 3, Linux 6.2                                 */
#define FS_IOCTL_DEV (1ull << 15)         /* ABI 5, Linux 6.10                                */
#define NET_TCP 3ull                      /* ABI 4, Linux 6.7: bind, connect                  */
#define SCOPE_ABSTRACT_SOCKET_SIGNAL 3ull /* ABI 6, Linux 6.12                                */

/* struct landlock_ruleset_attr as it has grown; an older kernel takes what is longer as long as the rest is 0. */
struct ruleset {
	uint64_t fs, net, scoped;
};

/* struct landlock_path_beneath_attr */
struct beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

static bool fail(char error[SANDBOX_ERROR_SIZE], const char *what)
{
	snprintf(error, SANDBOX_ERROR_SIZE, "cannot lock in the worker: %s: %s", what,
		 strerror(errno));
	return false;
}

static struct ruleset everything(long abi)
{
	struct ruleset r = {.fs = FS_ALL_1};

	if (abi >= 2)
		r.fs |= FS_REFER;
	if (abi >= 3)
		r.fs |= FS_TRUNCATE;
	if (abi >= 4)
		r.net = NET_TCP;
	if (abi >= 5)
		r.fs |= FS_IOCTL_DEV;
	if (abi >= 6)
		r.scoped = SCOPE_ABSTRACT_SOCKET_SIGNAL;
	return r;
}

static bool may_read(int ruleset, int dir)
{
	const struct beneath b = {.allowed = FS_READ_FILE | FS_READ_DIR, .fd = dir};

	return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &b, 0u) == 0;
}

/* The leak check looks through its own process, and a report names functions. */
static bool sanitizers_may_read(int ruleset)
{
	static const char *const dirs[] = {"/proc", "/usr"};
	bool ok = true;

	for (size_t i = 0; i < sizeof dirs / sizeof dirs[0] && BUILT_WITH_ASAN && ok; i++) {
		const int fd = open(dirs[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		ok = fd >= 0 && may_read(ruleset, fd);
		if (fd >= 0)
			close(fd);
	}
	return ok;
}

bool sandbox_files(const struct http_site *sites, size_t count, char gap[SANDBOX_ERROR_SIZE],
		   char error[SANDBOX_ERROR_SIZE])
{
	const long abi =
		syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, CREATE_RULESET_VERSION);

	gap[0] = '\0';
	/* ENOSYS: not built, EOPNOTSUPP: not among the modules of this boot, EPERM: a container's profile. */
	if (abi < 1) {
		snprintf(gap, SANDBOX_ERROR_SIZE,
			 "Landlock cannot be had here (%s): workers are kept to the served "
			 "directories by path resolution and permissions alone",
			 strerror(errno));
		return true;
	}
	const struct ruleset r = everything(abi);
	const int fd = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof r, 0u);
	if (fd < 0)
		return fail(error, "landlock_create_ruleset");
	bool ok = sanitizers_may_read(fd);
	for (size_t i = 0; i < count && ok; i++)
		ok = may_read(fd, sites[i].root_fd);
	if (!ok)
		fail(error, "landlock_add_rule");
	else if (syscall(SYS_landlock_restrict_self, fd, 0u) != 0)
		ok = fail(error, "landlock_restrict_self");
	close(fd);
	return ok;
}
