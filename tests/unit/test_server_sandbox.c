/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a locked-in worker can and cannot ask of the kernel. Each question is put by a process of its own, since
 * nobody comes back from there; its answer is 0, or the errno, or how the process ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/listing.h"
#include "http/static.h"
#include "server/sandbox.h"
#include "server/sanitizers.h"

struct place {
	char dir[64];
	struct http_site site;
	int socket[2], inotify;
	char no_files[SANDBOX_ERROR_SIZE],
		no_calls[SANDBOX_ERROR_SIZE]; /* what this kernel does not have */
	char said[512];                       /* on standard error, by the last one asked */
	void (*before_the_filter)(struct place *p);
	pthread_t thread;
	int go[2]; /* pipe: a thread may go on */
};

typedef int question(struct place *p);

/* ------------------------------------------------------------------ asking */

static int errno_of(long result)
{
	return result < 0 ? errno : 0;
}

static bool lock_in(struct place *p, char no_files[SANDBOX_ERROR_SIZE],
		    char no_calls[SANDBOX_ERROR_SIZE])
{
	char error[SANDBOX_ERROR_SIZE];

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       sandbox_files(&p->site, 1, no_files, error) && sandbox_calls(no_calls, error);
}

static void be_asked(struct place *p, question *ask, int out)
{
	dup2(out, STDERR_FILENO);
	if (p->before_the_filter)
		p->before_the_filter(p);
	if (!lock_in(p, p->no_files, p->no_calls))
		_exit(255);
	_exit(ask(p));
}

/* The errno, 0 for success, or SANDBOX_EXIT + 1000. */
#define CAUGHT (SANDBOX_EXIT + 1000)
static int answer(struct place *p, question *ask)
{
	int out[2], status;
	size_t len = 0;
	ssize_t n;

	assert_int_equal(pipe(out), 0);
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		be_asked(p, ask, out[1]);
	close(out[1]);
	while ((n = read(out[0], p->said + len, sizeof p->said - 1 - len)) > 0)
		len += (size_t)n;
	p->said[len] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status))
		fail_msg("ended by signal %d, having said: %s", WTERMSIG(status), p->said);
	if (WEXITSTATUS(status) == 255)
		fail_msg("the sandbox did not close: %s", p->said);
	return strstr(p->said, "asked for system call") ? WEXITSTATUS(status) + 1000
							: WEXITSTATUS(status);
}

static void assert_answer(struct place *p, const char *what, question *ask, int expected)
{
	const int got = answer(p, ask);

	if (got != expected)
		fail_msg("%s: got %d (%s), expected %d; it said: %s", what, got, strerror(got),
			 expected, p->said);
}
#define ASK(ask, expected) assert_answer(*state, #ask, ask, expected)

/* ------------------------------------------------------------------ serving */

static int find_file(struct place *p)
{
	static const char *const index[] = {"index.html", NULL};
	struct http_site site = p->site;
	struct http_file file;
	const char *name;
	char text[8] = "";

	if (http_resolver_probe(site.root_fd, &site.resolver) != 0)
		return 1;
	if (http_static_find(http_site_root(&site), "/sub/", index, &file, &name) != HTTP_FIND_FILE)
		return 2;
	if (pread(file.fd, text, 5, 0) != 5 || strcmp(text, "hello") != 0)
		return 3;
	void *map = mmap(NULL, 5, PROT_READ, MAP_SHARED | MAP_POPULATE, file.fd, 0);
	if (map == MAP_FAILED || memcmp(map, "hello", 5) != 0)
		return 4;
	http_file_close(&file);
	return 0;
}

static int list_directory(struct place *p)
{
	struct http_listing listing;

	if (http_listing_read(&listing, &p->site, "/", 100) != HTTP_FIND_FILE)
		return 1;
	http_listing_sort(&listing, HTTP_LISTING_NAME, false);
	return listing.count == 2 ? 0 : 2; /* sub, inside; outside leads nowhere */
}

static int watch_directory(struct place *p)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", p->site.root_fd);
	return errno_of(inotify_add_watch(p->inotify, path, IN_MODIFY));
}

static int take_memory(struct place *p)
{
	(void)p;
	for (size_t size = 1; size < (size_t)64 << 20; size *= 2) {
		char *at = malloc(size);
		if (!at)
			return 1;
		memset(at, 1, size);
		at = realloc(at, 2 * size);
		if (!at)
			return 2;
		free(at);
	}
	return 0;
}

static int write_to_the_socket(struct place *p)
{
	return errno_of(send(p->socket[0], "word", 4, MSG_NOSIGNAL));
}

static void test_serving_is_not_in_the_way(void **state)
{
	ASK(find_file, 0);
	ASK(list_directory, 0);
	ASK(watch_directory, 0);
	ASK(take_memory, 0);
	ASK(write_to_the_socket, 0);
}

/* Where a lock is not to be had nothing can be said about it; a container's profile may forbid it. */
static void need(const char *gap)
{
	if (gap[0] == '\0')
		return;
	print_message("%s\n", gap);
	skip();
}

/* ------------------------------------------------------------------ files */

static int open_passwd(struct place *p)
{
	(void)p;
	return errno_of(open("/etc/passwd", O_RDONLY));
}

static int climb_out(struct place *p)
{
	return errno_of(openat(p->site.root_fd, "../../../../../../etc/passwd", O_RDONLY));
}

static int follow_the_link(struct place *p)
{
	return errno_of(openat(p->site.root_fd, "outside", O_RDONLY));
}

static int open2(int dir, const char *name, int flags)
{
	struct open_how how = {.flags = (unsigned)flags, .mode = flags & O_CREAT ? 0644 : 0};

	return errno_of(syscall(SYS_openat2, dir, name, &how, sizeof how));
}

static int open2_passwd(struct place *p)
{
	(void)p;
	return open2(AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static int open2_a_file_to_write(struct place *p)
{
	return open2(p->site.root_fd, "inside", O_WRONLY);
}

static int open2_to_cut_a_file(struct place *p)
{
	return open2(p->site.root_fd, "inside", O_RDONLY | O_TRUNC);
}

static int open2_to_make_a_file(struct place *p)
{
	return open2(p->site.root_fd, "new", O_WRONLY | O_CREAT);
}

static void test_files_outside_cannot_be_read(void **state)
{
	struct place *p = *state;

	need(p->no_files);
	ASK(open_passwd, EACCES);
	ASK(climb_out, EACCES);
	ASK(follow_the_link, EACCES);
	ASK(open2_passwd, EACCES);
}

static void test_nothing_is_written_by_openat2(void **state)
{
	struct place *p = *state;

	need(p->no_files);
	ASK(open2_a_file_to_write, EACCES);
	ASK(open2_to_cut_a_file, EACCES);
	ASK(open2_to_make_a_file, EACCES);
}

static int open_to_write(struct place *p)
{
	return errno_of(openat(p->site.root_fd, "inside", O_WRONLY));
}

static int open_to_write_too(struct place *p)
{
	return errno_of(openat(p->site.root_fd, "inside", O_RDWR));
}

static int open_to_cut(struct place *p)
{
	return errno_of(openat(p->site.root_fd, "inside", O_RDONLY | O_TRUNC));
}

static int open_without_a_name(struct place *p)
{
	return errno_of(openat(p->site.root_fd, ".", O_TMPFILE | O_RDWR, 0600));
}

static int delete_a_file(struct place *p)
{
	return errno_of(unlinkat(p->site.root_fd, "inside", 0));
}

static int rename_a_file(struct place *p)
{
	return errno_of(renameat(p->site.root_fd, "inside", p->site.root_fd, "other"));
}

static int change_a_mode(struct place *p)
{
	return errno_of(fchmod(p->site.root_fd, 0777));
}

/* ------------------------------------------------------------------ calls with a limit on arguments */

static int make_a_page_a_program(struct place *p)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)p;
	return page == MAP_FAILED ? 1 : errno_of(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int map_a_program(struct place *p)
{
	(void)p;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? errno
		       : 0;
}

static int send_elsewhere(struct place *p)
{
	const struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};

	return errno_of(sendto(p->socket[0], "x", 1, MSG_NOSIGNAL, (const struct sockaddr *)&addr,
			       sizeof addr));
}

static int raise_a_limit(struct place *p)
{
	const struct rlimit none = {0, 0};

	(void)p;
	return errno_of(setrlimit(RLIMIT_NOFILE, &none));
}

static int change_the_lock(struct place *p)
{
	struct sigaction act = {.sa_handler = SIG_IGN};

	(void)p;
	return errno_of(sigaction(SIGSYS, &act, NULL));
}

static int make_a_process(struct place *p)
{
	(void)p;
	const pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return errno_of(pid);
}

static void *do_nothing(void *arg)
{
	return arg;
}

static int make_a_thread(struct place *p)
{
	return pthread_create(&p->thread, NULL, do_nothing, NULL);
}

static int end_the_parent(struct place *p)
{
	(void)p;
	return errno_of(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int ask_the_terminal(struct place *p)
{
	char window[64];

	(void)p;
	return errno_of(syscall(SYS_ioctl, 0, 0x5413, window));
}

static int change_the_process(struct place *p)
{
	(void)p;
	return errno_of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int become_root(struct place *p)
{
	(void)p;
	return errno_of(syscall(SYS_setresuid, 0, 0, 0));
}

static void test_what_is_not_on_the_list_is_refused(void **state)
{
	need(((struct place *)*state)->no_calls);
	ASK(delete_a_file, ENOSYS);
	ASK(rename_a_file, ENOSYS);
	ASK(change_a_mode, ENOSYS);
	ASK(make_a_page_a_program, ENOSYS);
	ASK(map_a_program, ENOSYS);
	ASK(send_elsewhere, ENOSYS);
	ASK(become_root, ENOSYS);
}

/* The run time of AddressSanitizer needs these itself. */
static void test_what_sanitizers_need_is_refused_without_them(void **state)
{
	need(((struct place *)*state)->no_calls);
	if (BUILT_WITH_ASAN)
		skip();
	ASK(open_to_write, ENOSYS);
	ASK(open_to_write_too, ENOSYS);
	ASK(open_to_cut, ENOSYS);
	ASK(open_without_a_name, ENOSYS);
	ASK(raise_a_limit, ENOSYS);
	ASK(change_the_lock, ENOSYS);
	ASK(make_a_process, ENOSYS);
	ASK(make_a_thread, ENOSYS);
	ASK(end_the_parent, ENOSYS);
	ASK(ask_the_terminal, ENOSYS);
	ASK(change_the_process, ENOSYS);
}

/* ------------------------------------------------------------------ intruders */

static int make_a_socket(struct place *p)
{
	(void)p;
	return errno_of(socket(AF_INET, SOCK_STREAM, 0));
}

static int connect_a_socket(struct place *p)
{
	const struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};

	return errno_of(connect(p->socket[0], (const struct sockaddr *)&addr, sizeof addr));
}

static int run_a_program(struct place *p)
{
	char *argv[] = {(char *)(uintptr_t) "/bin/true", NULL};

	(void)p;
	return errno_of(execve(argv[0], argv, argv + 1));
}

static int trace_the_parent(struct place *p)
{
	(void)p;
	return errno_of(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static void *socket_in_a_thread(void *arg)
{
	struct place *p = arg;
	char word;

	if (read(p->go[0], &word, 1) == 1)
		(void)socket(AF_INET, SOCK_STREAM, 0);
	return NULL;
}

static void start_a_thread(struct place *p)
{
	if (pipe(p->go) != 0 || pthread_create(&p->thread, NULL, socket_in_a_thread, p) != 0)
		_exit(255);
}

static int let_the_thread_make_a_socket(struct place *p)
{
	if (write(p->go[1], "g", 1) != 1)
		return 1;
	return pthread_join(p->thread, NULL) == 0 ? 0 : 2;
}

static int make_a_socket_with_the_signal_blocked(struct place *p)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	return make_a_socket(p);
}

static void assert_caught(void **state, const char *what, question *ask, long call)
{
	struct place *p = *state;
	char number[32];

	assert_answer(p, what, ask, CAUGHT);
	snprintf(number, sizeof number, "system call %ld, ", call);
	if (!strstr(p->said, number) || p->said[strlen(p->said) - 1] != '\n')
		fail_msg("expected a line with \"%s\", got: %s", number, p->said);
}

static void test_an_intruder_ends_the_worker_with_a_line(void **state)
{
	need(((struct place *)*state)->no_calls);
	assert_caught(state, "make_a_socket", make_a_socket, SYS_socket);
	assert_caught(state, "connect_a_socket", connect_a_socket, SYS_connect);
	assert_caught(state, "run_a_program", run_a_program, SYS_execve);
	if (!BUILT_WITH_ASAN)
		assert_caught(state, "trace_the_parent", trace_the_parent, SYS_ptrace);
}

static void test_threads_that_were_there_are_locked_in_too(void **state)
{
	struct place *p = *state;

	need(p->no_calls);
	p->before_the_filter = start_a_thread;
	assert_caught(state, "in a thread", let_the_thread_make_a_socket, SYS_socket);
}

/* Then there is no line; but the call is not made either. */
static void test_an_intruder_who_blocks_the_signal_is_killed(void **state)
{
	struct place *p = *state;
	int status;

	need(p->no_calls);
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		be_asked(p, make_a_socket_with_the_signal_blocked, STDERR_FILENO);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

/* ------------------------------------------------------------------ */

static void write_file(const char *dir, const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs("hello", f);
	fclose(f);
}

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof *p);
	char path[128];
	struct place *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	strcpy(p->dir, "/tmp/tunhttpd-sandbox-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(path, sizeof path, "%s/sub", p->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	write_file(p->dir, "sub/index.html");
	write_file(p->dir, "inside");
	snprintf(path, sizeof path, "%s/outside", p->dir);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	http_site_default(&p->site);
	p->site.root_fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p->site.root_fd >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, p->socket), 0);
	p->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	assert_true(p->inotify >= 0);
	const pid_t pid = fork();
	if (pid == 0)
		_exit(lock_in(p, shared->no_files, shared->no_calls) ? 0 : 1);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	memcpy(p->no_files, shared->no_files, sizeof p->no_files);
	memcpy(p->no_calls, shared->no_calls, sizeof p->no_calls);
	munmap(shared, sizeof *shared);
	*state = p;
	return 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;

	assert_int_equal(unlinkat(p->site.root_fd, "sub/index.html", 0), 0);
	assert_int_equal(unlinkat(p->site.root_fd, "sub", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(p->site.root_fd, "inside", 0), 0);
	assert_int_equal(unlinkat(p->site.root_fd, "outside", 0), 0);
	assert_int_equal(rmdir(p->dir), 0);
	close(p->site.root_fd);
	close(p->inotify);
	close(p->socket[0]);
	close(p->socket[1]);
	free(p);
	return 0;
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(test_serving_is_not_in_the_way),
		IN_PLACE(test_files_outside_cannot_be_read),
		IN_PLACE(test_nothing_is_written_by_openat2),
		IN_PLACE(test_what_is_not_on_the_list_is_refused),
		IN_PLACE(test_what_sanitizers_need_is_refused_without_them),
		IN_PLACE(test_an_intruder_ends_the_worker_with_a_line),
		IN_PLACE(test_threads_that_were_there_are_locked_in_too),
		IN_PLACE(test_an_intruder_who_blocks_the_signal_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
