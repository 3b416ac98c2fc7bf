/* SPDX-License-Identifier: Apache-2.0 */
/* privileges.c — see privileges.h, capabilities(7), prctl(2). */
#include "server/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/sanitizers.h"

#define CAP_WORDS _LINUX_CAPABILITY_U32S_3

/* LeakSanitizer traces its own process, which one that is not dumpable does not allow. */
#define DUMPABLE (BUILT_WITH_ASAN ? 1ul : 0ul)

static bool fail(char error[PRIVILEGES_ERROR_SIZE], const char *what)
{
	snprintf(error, PRIVILEGES_ERROR_SIZE, "cannot give up privileges: %s: %s", what,
		 strerror(errno));
	return false;
}

/* glibc has no wrappers for these two. */
static int get_capabilities(struct __user_cap_data_struct data[CAP_WORDS])
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

	return (int)syscall(SYS_capget, &head, data);
}

static int set_capabilities(const struct __user_cap_data_struct data[CAP_WORDS])
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

	return (int)syscall(SYS_capset, &head, data);
}

static int clear_capabilities(void)
{
	const struct __user_cap_data_struct none[CAP_WORDS] = {0};

	return set_capabilities(none);
}

static bool has_capability(unsigned cap)
{
	struct __user_cap_data_struct data[CAP_WORDS];

	return get_capabilities(data) == 0 &&
	       (data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap));
}

bool privileges_identity(struct identity *id, const char *user, bool required,
			 char error[PRIVILEGES_ERROR_SIZE])
{
	const bool able = has_capability(CAP_SETUID) && has_capability(CAP_SETGID);

	*id = (struct identity){.name = user, .uid = geteuid(), .gid = getegid()};
	if (!able && !required)
		return true;
	errno = 0;
	const struct passwd *pw = getpwnam(user);
	if (!pw) {
		snprintf(error, PRIVILEGES_ERROR_SIZE,
			 "there is no user %s%s%s: choose another with --user", user,
			 errno ? ": " : "", errno ? strerror(errno) : "");
		return false;
	}
	if (!able && pw->pw_uid != id->uid) {
		snprintf(
			error, PRIVILEGES_ERROR_SIZE,
			"may not become user %s: run it as root with CAP_SETUID and CAP_SETGID, or "
			"without --user",
			user);
		return false;
	}
	id->uid = pw->pw_uid;
	id->gid = pw->pw_gid;
	id->change = able;
	return true;
}

/* Empties the bounding set, while we may: no later exec can bring a capability back. */
static void drop_bounding_set(void)
{
	for (unsigned cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

static bool become(const struct identity *id, char error[PRIVILEGES_ERROR_SIZE])
{
	if (!id->change)
		return true;
	if (setgroups(0, NULL) != 0)
		return fail(error, "setgroups");
	if (setresgid(id->gid, id->gid, id->gid) != 0)
		return fail(error, "setresgid");
	if (setresuid(id->uid, id->uid, id->uid) != 0)
		return fail(error, "setresuid");
	return true;
}

/* What must hold now, asked of the kernel and not of our memory. */
static bool verify(const struct identity *id, char error[PRIVILEGES_ERROR_SIZE])
{
	struct __user_cap_data_struct data[CAP_WORDS];
	uid_t r, e, s;
	const char *wrong = NULL;

	if (get_capabilities(data) != 0)
		return fail(error, "capget");
	for (unsigned i = 0; i < CAP_WORDS; i++)
		if (data[i].effective | data[i].permitted | data[i].inheritable)
			wrong = "capabilities are left";
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		wrong = "no_new_privs is not set";
	if (getresuid(&r, &e, &s) != 0 || r != id->uid || e != id->uid || s != id->uid)
		wrong = "the user is not the one it should be";
	if (id->change && id->uid != 0 && setuid(0) == 0)
		wrong = "root can be had back";
	if (wrong)
		snprintf(error, PRIVILEGES_ERROR_SIZE, "cannot give up privileges: %s", wrong);
	return !wrong;
}

/* No core, no tracer, no program that may more than we. */
static bool seal(char error[PRIVILEGES_ERROR_SIZE])
{
	const struct rlimit no_core = {0, 0};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fail(error, "no_new_privs");
	if (prctl(PR_SET_DUMPABLE, DUMPABLE, 0, 0, 0) != 0)
		return fail(error, "dumpable");
	if (setrlimit(RLIMIT_CORE, &no_core) != 0)
		return fail(error, "RLIMIT_CORE");
	return true;
}

bool privileges_drop(const struct identity *id, char error[PRIVILEGES_ERROR_SIZE])
{
	drop_bounding_set();
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (!become(id, error))
		return false;
	if (clear_capabilities() != 0)
		return fail(error, "capset");
	return seal(error) && verify(id, error);
}

bool privileges_keep(uint64_t keep, char error[PRIVILEGES_ERROR_SIZE])
{
	struct __user_cap_data_struct data[CAP_WORDS];

	drop_bounding_set();
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (get_capabilities(data) != 0)
		return fail(error, "capget");
	for (unsigned i = 0; i < CAP_WORDS; i++) {
		data[i].permitted &= (uint32_t)(keep >> 32 * i);
		data[i].effective &= data[i].permitted;
		data[i].inheritable = 0;
	}
	if (set_capabilities(data) != 0)
		return fail(error, "capset");
	return seal(error);
}
