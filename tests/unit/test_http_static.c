/* SPDX-License-Identifier: Apache-2.0 */
/* Which file a path opens, and that nothing beyond the root is ever opened, by either way of
 * resolving. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/unit/http_harness.h"

#include "http/path.h"
#include "http/server.h"

static enum http_find find_in(struct http_root root, const struct site *s, const char *path,
			      uint64_t *size)
{
	struct http_file file = {.fd = -1};
	const char *index_name;
	enum http_find found = http_static_find(root, path, s->files.index, &file, &index_name);

	*size = file.size;
	if (found == HTTP_FIND_FILE) {
		/* it does not leak into a child, and it is what was asked for */
		assert_true(fcntl(file.fd, F_GETFD) & FD_CLOEXEC);
		close(file.fd);
	} else {
		assert_int_equal(file.fd, -1);
	}
	return found;
}

static enum http_find find(const struct site *s, enum http_resolver resolver, const char *path,
			   uint64_t *size)
{
	return find_in((struct http_root){.fd = s->root_fd, .resolver = resolver}, s, path, size);
}

static void test_what_a_path_finds(void **state)
{
	static const struct {
		const char *path;
		enum http_find beneath, walk;
	} cases[] = {
		{"/", HTTP_FIND_FILE, HTTP_FIND_FILE},
		{"/hello.txt", HTTP_FIND_FILE, HTTP_FIND_FILE},
		{"/empty.txt", HTTP_FIND_FILE, HTTP_FIND_FILE},
		{"/sub/", HTTP_FIND_FILE, HTTP_FIND_FILE},
		{"/sub/page.html", HTTP_FIND_FILE, HTTP_FIND_FILE},
		{"/sub", HTTP_FIND_DIRECTORY, HTTP_FIND_DIRECTORY},
		{"/noindex/", HTTP_FIND_NO_INDEX, HTTP_FIND_NO_INDEX},
		{"/indexdir/", HTTP_FIND_NO_INDEX, HTTP_FIND_NO_INDEX},
		{"/missing", HTTP_FIND_NOTHING, HTTP_FIND_NOTHING},
		{"/missing/", HTTP_FIND_NOTHING, HTTP_FIND_NOTHING},
		{"/sub/missing/x", HTTP_FIND_NOTHING, HTTP_FIND_NOTHING},
		{"/hello.txt/", HTTP_FIND_NOTHING, HTTP_FIND_NOTHING},
		{"/hello.txt/x", HTTP_FIND_NOTHING, HTTP_FIND_NOTHING},
		/* opening these must not wait for anybody */
		{"/fifo", HTTP_FIND_NOTHING, HTTP_FIND_NOTHING},
		{"/socket", HTTP_FIND_NOTHING, HTTP_FIND_NOTHING},
		/* links that stay beneath are followed where the kernel can judge that */
		{"/link-in", HTTP_FIND_FILE, HTTP_FIND_NOTHING},
		{"/link-dir", HTTP_FIND_DIRECTORY, HTTP_FIND_NOTHING},
		{"/link-dir/", HTTP_FIND_FILE, HTTP_FIND_NOTHING},
		{"/link-dir/page.html", HTTP_FIND_FILE, HTTP_FIND_NOTHING},
		/* links that leave are not */
		{"/link-out", HTTP_FIND_NOTHING, HTTP_FIND_NOTHING},
		{"/link-abs", HTTP_FIND_NOTHING, HTTP_FIND_NOTHING},
		{"/link-up", HTTP_FIND_NOTHING, HTTP_FIND_NOTHING},
		{"/link-up/", HTTP_FIND_NOTHING, HTTP_FIND_NOTHING},
		{"/link-up/outside.txt", HTTP_FIND_NOTHING, HTTP_FIND_NOTHING},
		{"/link-loop", HTTP_FIND_NOTHING, HTTP_FIND_NOTHING},
	};
	const struct site *s = *state;
	uint64_t size;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum http_find beneath = find(s, HTTP_RESOLVE_BENEATH, cases[i].path, &size);
		enum http_find walk = find(s, HTTP_RESOLVE_WALK, cases[i].path, &size);
		/* With openat2 and without: a site that wants no links has none. */
		enum http_find none = find_in((struct http_root){.fd = s->root_fd,
								 .resolver = HTTP_RESOLVE_BENEATH,
								 .no_links = true},
					      s, cases[i].path, &size);
		enum http_find walk_none = find_in((struct http_root){.fd = s->root_fd,
								      .resolver = HTTP_RESOLVE_WALK,
								      .no_links = true},
						   s, cases[i].path, &size);

		if (none != cases[i].walk || walk_none != cases[i].walk)
			fail_msg("%s, no links: beneath %d, walk %d", cases[i].path, none,
				 walk_none);
		if (beneath != cases[i].beneath || walk != cases[i].walk)
			fail_msg("%s: beneath %d, walk %d", cases[i].path, beneath, walk);
	}
	assert_int_equal(find(s, HTTP_RESOLVE_BENEATH, "/hello.txt", &size), HTTP_FIND_FILE);
	assert_int_equal(size, strlen(HELLO));
}

/* ".." cannot come out of http_path_decode. The kernel holds by itself. */
static void test_the_kernel_is_the_second_fence(void **state)
{
	uint64_t size;

	assert_int_equal(find(*state, HTTP_RESOLVE_BENEATH, "/../outside.txt", &size),
			 HTTP_FIND_NOTHING);
	assert_int_equal(find(*state, HTTP_RESOLVE_BENEATH, "/sub/../../outside.txt", &size),
			 HTTP_FIND_NOTHING);
	assert_int_equal(find(*state, HTTP_RESOLVE_BENEATH, "//etc/passwd", &size),
			 HTTP_FIND_NOTHING);
}

static void test_overlong_names_are_not_found(void **state)
{
	char path[HTTP_PATH_SIZE];
	uint64_t size;

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(find(*state, HTTP_RESOLVE_BENEATH, path, &size), HTTP_FIND_NOTHING);
	assert_int_equal(find(*state, HTTP_RESOLVE_WALK, path, &size), HTTP_FIND_NOTHING);
	path[sizeof(path) - 2] = '/';
	assert_int_equal(find(*state, HTTP_RESOLVE_BENEATH, path, &size), HTTP_FIND_NOTHING);
	assert_int_equal(find(*state, HTTP_RESOLVE_WALK, path, &size), HTTP_FIND_NOTHING);
}

static void test_permissions_deny(void **state)
{
	const struct site *s = *state;
	uint64_t size;

	if (geteuid() != 0)
		skip();
	assert_int_equal(fchmodat(s->root_fd, "sub/page.html", 0600, 0), 0);
	assert_int_equal(fchmodat(s->root_fd, "noindex", 0700, 0), 0);
	assert_int_equal(seteuid(65534), 0);
	enum http_find file = find(s, HTTP_RESOLVE_BENEATH, "/sub/page.html", &size);
	enum http_find directory = find(s, HTTP_RESOLVE_BENEATH, "/noindex/file.txt", &size);
	enum http_find walked = find(s, HTTP_RESOLVE_WALK, "/noindex/file.txt", &size);
	assert_int_equal(seteuid(0), 0);
	fchmodat(s->root_fd, "sub/page.html", 0644, 0);
	fchmodat(s->root_fd, "noindex", 0755, 0);
	assert_int_equal(file, HTTP_FIND_DENIED);
	assert_int_equal(directory, HTTP_FIND_DENIED);
	assert_int_equal(walked, HTTP_FIND_DENIED);
}

static void test_no_descriptors_left_is_busy(void **state)
{
	struct rlimit limit, none;
	uint64_t size;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){0, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	enum http_find beneath = find(*state, HTTP_RESOLVE_BENEATH, "/hello.txt", &size);
	enum http_find walk = find(*state, HTTP_RESOLVE_WALK, "/sub/page.html", &size);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(beneath, HTTP_FIND_BUSY);
	assert_int_equal(walk, HTTP_FIND_BUSY);
}

static void test_walking_leaks_no_descriptor(void **state)
{
	static const char *const paths[] = {"/sub/page.html",    "/sub/",       "/noindex/",
					    "/sub/.git/missing", "/link-dir/x", "/sub/missing/x/y"};
	int before = dup(0);
	uint64_t size;

	close(before);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		find(*state, HTTP_RESOLVE_WALK, paths[i], &size);
		find(*state, HTTP_RESOLVE_BENEATH, paths[i], &size);
	}
	int after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

/* Forbids openat2 as a container's seccomp profile would. */
static void forbid_openat2(int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ((unsigned)error & SECCOMP_RET_DATA)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {sizeof(code) / sizeof(code[0]), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) != 0)
		_exit(77);
}

/* In a child, for a filter cannot be taken off again. */
static int serve_without_openat2(const struct site *s, int error)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct http_server_config cfg;
		struct http_server *server;
		struct output out = {0};
		int ok;

		forbid_openat2(error);
		http_server_config_default(&cfg);
		cfg.sites = &s->files;
		cfg.site_count = 1;
		server = http_server_create(&cfg);
		if (!server || server->sites[0].resolver != HTTP_RESOLVE_WALK)
			_exit(1);
		converse_text(server, "GET /sub/page.html HTTP/1.1\r\nHost: h\r\n\r\n", &out);
		ok = strstr((char *)out.data, " 200 OK") && strstr((char *)out.data, "<p>page</p>");
		free(out.data);
		converse_text(server, "GET /link-in HTTP/1.1\r\nHost: h\r\n\r\n", &out);
		ok = ok && strstr((char *)out.data, " 404 Not Found");
		free(out.data);
		http_server_destroy(server);
		_exit(ok ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_falls_back_when_openat2_is_forbidden(void **state)
{
	int eperm = serve_without_openat2(*state, EPERM);
	int enosys = serve_without_openat2(*state, ENOSYS);

	if (eperm == 77)
		skip(); /* no seccomp here */
	assert_int_equal(eperm, 0);
	assert_int_equal(enosys, 0);
}

static void test_a_root_that_is_no_directory_is_refused(void **state)
{
	const struct site *s = *state;
	struct http_server_config cfg;
	struct http_site site;
	int fd = openat(s->root_fd, "hello.txt", O_RDONLY | O_CLOEXEC);

	http_server_config_default(&cfg);
	http_site_default(&site);
	site.root_fd = fd;
	cfg.sites = &site;
	cfg.site_count = 1;
	errno = 0;
	assert_null(http_server_create(&cfg));
	assert_int_equal(errno, ENOTDIR);
	close(fd);
	site.root_fd = -1;
	assert_null(http_server_create(&cfg));
	assert_int_equal(errno, EBADF);
}

static void test_impossible_configurations_are_refused(void **state)
{
	const struct site *s = *state;
	struct http_server_config good, cfg;

	http_server_config_default(&good);
	good.sites = &s->files;
	good.site_count = 1;
	cfg = good;
	cfg.max_head = 0;
	assert_null(http_server_create(&cfg));
	assert_int_equal(errno, EINVAL);
	cfg = good;
	cfg.max_head = HTTP_HEAD_MAX + 1;
	assert_null(http_server_create(&cfg));
	cfg = good;
	cfg.max_fields = 0;
	assert_null(http_server_create(&cfg));
	cfg = good;
	cfg.max_requests = 0;
	assert_null(http_server_create(&cfg));
	cfg = good;
	cfg.server_name = "a\r\nSet-Cookie: x";
	assert_null(http_server_create(&cfg));
}

static void test_etag_changes_with_time_size_and_inode(void **state)
{
	const struct http_file base = {
		.fd = -1, .size = 10, .mtime = 1700000000, .mtime_ns = 5, .inode = 42};
	struct http_file other[4] = {base, base, base, base};
	char a[HTTP_ETAG_SIZE], b[HTTP_ETAG_SIZE];

	(void)state;
	other[0].size++;
	other[1].mtime++;
	other[2].mtime_ns++;
	other[3].inode++;
	http_etag_format(&base, a);
	assert_int_equal(a[0], '"');
	for (int i = 0; i < 4; i++) {
		http_etag_format(&other[i], b);
		assert_string_not_equal(a, b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_path_finds),
		cmocka_unit_test(test_the_kernel_is_the_second_fence),
		cmocka_unit_test(test_overlong_names_are_not_found),
		cmocka_unit_test(test_permissions_deny),
		cmocka_unit_test(test_no_descriptors_left_is_busy),
		cmocka_unit_test(test_walking_leaks_no_descriptor),
		cmocka_unit_test(test_falls_back_when_openat2_is_forbidden),
		cmocka_unit_test(test_a_root_that_is_no_directory_is_refused),
		cmocka_unit_test(test_impossible_configurations_are_refused),
		cmocka_unit_test(test_etag_changes_with_time_size_and_inode),
	};
	return cmocka_run_group_tests(tests, site_setup, site_teardown);
}
