/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_calls.c — the seccomp filter: see sandbox.h, seccomp(2), and the table in ARCHITECTURE.md for why each call is here.
 *
 * A call that is not on the list fails as if the kernel were too old to know it (ENOSYS), which is what C libraries are
 * prepared for: a newer one that tries something newer first goes on with the old. The kernel logs it (auditd, or dmesg). A call that
 * no worker could have a reason for raises SIGSYS, and ends the worker with a line that says which.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/sandbox.h"
#include "server/sanitizers.h"

/* ------------------------------------------------------------------ the lists */

static const int allowed[] = {
	/* packets, files, the log, words with the master */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(recvmsg),
	/* files: opened beneath a root, examined, listed, watched */
	SCMP_SYS(openat2), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx),
	SCMP_SYS(getdents64), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(inotify_add_watch), SCMP_SYS(inotify_rm_watch),
	/* waiting, and the time where the vDSO does not have it */
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(restart_syscall),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	/* memory; mmap and mprotect are below */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(sysinfo),
	/* the thread beside the loop, which may only be about to begin */
	SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_setscheduler),
	/* ourselves, and the end */
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getrandom), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(exit), SCMP_SYS(exit_group)};

/* The beginnings of a way out. */
static const int intruders[] = {SCMP_SYS(socket),
				SCMP_SYS(socketpair),
				SCMP_SYS(connect),
				SCMP_SYS(bind),
				SCMP_SYS(listen),
				SCMP_SYS(accept),
				SCMP_SYS(accept4),
				SCMP_SYS(execve),
				SCMP_SYS(execveat),
				SCMP_SYS(ptrace),
				SCMP_SYS(process_vm_readv),
				SCMP_SYS(process_vm_writev),
				SCMP_SYS(kill),
				SCMP_SYS(tkill),
				SCMP_SYS(unshare),
				SCMP_SYS(setns),
				SCMP_SYS(mount),
				SCMP_SYS(bpf),
				SCMP_SYS(io_uring_setup),
				SCMP_SYS(userfaultfd),
				SCMP_SYS(perf_event_open),
				SCMP_SYS(init_module),
				SCMP_SYS(finit_module),
				SCMP_SYS(keyctl),
				SCMP_SYS(open_by_handle_at)};

/* The leak check forks, and traces its parent; reports look at files. */
static const int sanitizers[] = {
	SCMP_SYS(clone),        SCMP_SYS(wait4),       SCMP_SYS(ptrace),
	SCMP_SYS(prctl),        SCMP_SYS(sigaltstack), SCMP_SYS(open),
	SCMP_SYS(stat),         SCMP_SYS(readlink),    SCMP_SYS(readlinkat),
	SCMP_SYS(getppid),      SCMP_SYS(pipe),        SCMP_SYS(pipe2),
	SCMP_SYS(getrusage),    SCMP_SYS(uname),       SCMP_SYS(getuid),
	SCMP_SYS(geteuid),      SCMP_SYS(dup),         SCMP_SYS(dup2),
	SCMP_SYS(rt_sigaction), SCMP_SYS(tgkill),      SCMP_SYS(kill),
	SCMP_SYS(prlimit64),    SCMP_SYS(arch_prctl),  SCMP_SYS(openat),
	SCMP_SYS(access),       SCMP_SYS(ioctl),       SCMP_SYS(process_vm_readv),
	SCMP_SYS(getdents)};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static bool among(const int *list, size_t count, int call)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == call)
			return true;
	return false;
}

static bool for_sanitizers(int call)
{
	return BUILT_WITH_ASAN && among(sanitizers, COUNT(sanitizers), call);
}

/* ------------------------------------------------------------------ the filter */

/* Allows `call` where its argument number `arg` compares so. Returns 0 or a negative errno. */
static int allow_if(scmp_filter_ctx filter, int call, unsigned arg, enum scmp_compare op,
		    scmp_datum_t a, scmp_datum_t b)
{
	const struct scmp_arg_cmp compare = {.arg = arg, .op = op, .datum_a = a, .datum_b = b};

	return for_sanitizers(call)
		       ? 0
		       : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &compare);
}

static int allow_equal(scmp_filter_ctx filter, int call, unsigned arg, scmp_datum_t value)
{
	return allow_if(filter, call, arg, SCMP_CMP_EQ, value, 0);
}

static int allow_without(scmp_filter_ctx filter, int call, unsigned arg, scmp_datum_t bits)
{
	return allow_if(filter, call, arg, SCMP_CMP_MASKED_EQ, bits, 0);
}

/* Opening to write or to make something, by any name; openat2 is Landlock's. __O_TMPFILE is the bit of O_TMPFILE
 * that is not O_DIRECTORY. */
#define OPEN_FORBIDDEN \
	((unsigned)(O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY)))

static int allow_some(scmp_filter_ctx f)
{
	static const unsigned fcntls[] = {F_GETFD, F_SETFD, F_GETFL, F_GET_SEALS, F_DUPFD_CLOEXEC};
	int err = allow_without(f, SCMP_SYS(openat), 2, OPEN_FORBIDDEN);

	for (size_t i = 0; i < COUNT(fcntls) && !err; i++)
		err = allow_equal(f, SCMP_SYS(fcntl), 1, fcntls[i]);
	/* No page becomes a program. */
	if (!err)
		err = allow_without(f, SCMP_SYS(mmap), 2, PROT_EXEC);
	if (!err)
		err = allow_without(f, SCMP_SYS(mprotect), 2, PROT_EXEC);
	/* To whom the socket is connected, and nobody else. */
	if (!err)
		err = allow_equal(f, SCMP_SYS(sendto), 4, 0);
	/* Limits are asked for and not set. */
	if (!err)
		err = allow_equal(f, SCMP_SYS(prlimit64), 2, 0);
	/* abort(3) */
	if (!err)
		err = allow_equal(f, SCMP_SYS(tgkill), 0, (unsigned)getpid());
	if (!err)
		err = allow_if(f, SCMP_SYS(rt_sigaction), 0, SCMP_CMP_NE, SIGSYS, 0);
	return err;
}

static int add_list(scmp_filter_ctx filter, uint32_t action, const int *list, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++)
		if (action == SCMP_ACT_ALLOW || !for_sanitizers(list[i]))
			err = seccomp_rule_add(filter, action, list[i], 0);
	return err;
}

static int make_filter(scmp_filter_ctx filter)
{
	int err = add_list(filter, SCMP_ACT_ALLOW, allowed, COUNT(allowed));

	if (!err)
		err = allow_some(filter);
	if (!err)
		err = add_list(filter, SCMP_ACT_TRAP, intruders, COUNT(intruders));
	if (!err && BUILT_WITH_ASAN)
		err = add_list(filter, SCMP_ACT_ALLOW, sanitizers, COUNT(sanitizers));
	/* Another architecture's numbers are other calls. */
	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* Whatever threads there are by now. */
	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	/* Niceties that an old kernel may not have: a line in its log, and a search in place of a walk. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return err;
}

/* ------------------------------------------------------------------ who is caught */

static size_t put_text(char *line, size_t at, const char *text)
{
	const size_t len = strlen(text);

	memcpy(line + at, text, len);
	return at + len;
}

static size_t put_number(char *line, size_t at, unsigned n)
{
	char digits[3 * sizeof n];
	size_t i = sizeof digits;

	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	memcpy(line + at, digits + i, sizeof digits - i);
	return at + sizeof digits - i;
}

/* Nothing here that a signal handler may not call. */
static void on_sigsys(int number, siginfo_t *info, void *context)
{
	char line[160];
	size_t len = put_text(line, 0, "tunhttpd: worker ");

	(void)number;
	(void)context;
	len = put_number(line, len, (unsigned)getpid());
	len = put_text(line, len, " asked for system call ");
	len = put_number(line, len, (unsigned)info->si_syscall);
	len = put_text(line, len, ", which no worker may: a bug, or somebody has broken in\n");
	if (write(STDERR_FILENO, line, len) < 0)
		_exit(SANDBOX_EXIT);
	_exit(SANDBOX_EXIT);
}

static bool take_signal(void)
{
	struct sigaction act = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};

	sigfillset(&act.sa_mask);
	return sigaction(SIGSYS, &act, NULL) == 0;
}

/* A filter from nowhere: the kernel complains of the address (EFAULT) if it would take one. libseccomp would say EINVAL of
 * something else. */
static bool kernel_has_it(void)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, NULL) < 0 &&
	       errno == EFAULT;
}

static bool say_gap(char gap[SANDBOX_ERROR_SIZE], int err)
{
	snprintf(gap, SANDBOX_ERROR_SIZE,
		 "seccomp cannot be had here (%s): workers may make every system call",
		 strerror(err));
	return true;
}

bool sandbox_calls(char gap[SANDBOX_ERROR_SIZE], char error[SANDBOX_ERROR_SIZE])
{
	gap[0] = '\0';
	if (!kernel_has_it())
		return say_gap(gap, errno);
	const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int err = filter ? make_filter(filter) : -ENOMEM;

	if (err || !take_signal()) {
		snprintf(error, SANDBOX_ERROR_SIZE, "cannot make the filter of system calls: %s",
			 strerror(err ? -err : errno));
		seccomp_release(filter);
		return false;
	}
	err = seccomp_load(filter);
	if (err)
		say_gap(gap, -err);
	seccomp_release(filter);
	return true;
}
