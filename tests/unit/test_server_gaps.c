/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the kernel, or the profile of a container, does not let a worker lock itself in: it goes on, and that is said. Such a
 * profile is made here, as an outer filter.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/site.h"
#include "server/sandbox.h"

struct outcome {
	bool files, calls;
	char no_files[SANDBOX_ERROR_SIZE], no_calls[SANDBOX_ERROR_SIZE], error[SANDBOX_ERROR_SIZE];
};

#define CALLS_MAX 3

/* Answers `calls` with `err`, and prctl(2) too where it is about filters. Without libseccomp, which remembers what it has
 * found the kernel to have. */
static bool forbid(const unsigned *calls, size_t count, int err)
{
	struct sock_filter code[2 * CALLS_MAX + 8];
	const unsigned refuse = SECCOMP_RET_ERRNO | (unsigned)err;
	unsigned short n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < count; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, refuse);
	}
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, args[0]));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 0, 1);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, refuse);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	const struct sock_fprog program = {.len = n, .filter = code};
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

/* What becomes of a process that locks itself in under such a profile. */
static struct outcome lock_in_under(const unsigned *calls, size_t count, int err)
{
	struct outcome *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	assert_true(shared != MAP_FAILED);
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (!forbid(calls, count, err))
			_exit(1);
		shared->files = sandbox_files(NULL, 0, shared->no_files, shared->error);
		shared->calls = shared->files && sandbox_calls(shared->no_calls, shared->error);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	const struct outcome o = *shared;
	munmap(shared, sizeof *shared);
	if (status != 0)
		skip(); /* no filter can be made here at all */
	return o;
}

static void assert_says(const char *line, const char *what, const char *why)
{
	if (!strstr(line, what) || !strstr(line, why))
		fail_msg("expected \"%s … (%s)\", got: %s", what, why, line);
}

static void test_profile_without_seccomp(void **state)
{
	static const unsigned calls[] = {SYS_seccomp};
	static const int errors[] = {EPERM, ENOSYS};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct outcome o = lock_in_under(calls, 1, errors[i]);
		if (!o.files || !o.calls)
			fail_msg("it did not go on: %s", o.error);
		assert_says(o.no_calls, "seccomp cannot be had here", strerror(errors[i]));
	}
}

static void test_profile_without_landlock(void **state)
{
	static const unsigned calls[] = {SYS_landlock_create_ruleset, SYS_landlock_add_rule,
					 SYS_landlock_restrict_self};
	static const int errors[] = {EPERM, ENOSYS, EOPNOTSUPP};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const struct outcome o = lock_in_under(calls, 3, errors[i]);
		if (!o.files || !o.calls)
			fail_msg("it did not go on: %s", o.error);
		assert_says(o.no_files, "Landlock cannot be had here", strerror(errors[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_profile_without_seccomp),
		cmocka_unit_test(test_profile_without_landlock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
