/* SPDX-License-Identifier: Apache-2.0 */
/* The file of --keylog: who may have it, and how it is written. */
#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/keylog.h"

struct place {
	char dir[64], path[96];
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof *p);

	strcpy(p->dir, "/tmp/tunhttpd-test-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof p->path, "%s/keys", p->dir);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	unlink(p->path);
	rmdir(p->path);
	rmdir(p->dir);
	free(p);
	return 0;
}

static void test_the_file_is_made_for_its_owner_alone(void **state)
{
	const struct place *p = *state;
	char error[KEYLOG_ERROR_SIZE];
	struct stat st;
	const mode_t mask = umask(0);
	const int fd = keylog_open(p->path, error);

	umask(mask);
	assert_true(fd >= 0);
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

static void test_lines_are_appended(void **state)
{
	const struct place *p = *state;
	char error[KEYLOG_ERROR_SIZE], text[64] = "";

	for (int i = 0; i < 2; i++) {
		const int fd = keylog_open(p->path, error);
		const int other = keylog_open(p->path, error);
		keylog_write(fd, "one\n", 4);
		keylog_write(other, "two\n", 4);
		keylog_write(fd, "three\n", 6);
		close(fd);
		close(other);
	}
	const int fd = open(p->path, O_RDONLY);
	assert_int_equal(read(fd, text, sizeof text - 1), 28);
	assert_string_equal(text, "one\ntwo\nthree\none\ntwo\nthree\n");
	close(fd);
}

static void expect_refused(const char *path, const char *why)
{
	char error[KEYLOG_ERROR_SIZE] = "";

	assert_int_equal(keylog_open(path, error), -1);
	assert_non_null(strstr(error, "--keylog: "));
	assert_non_null(strstr(error, path));
	if (!strstr(error, why))
		fail_msg("%s: %s", error, why);
}

static void test_a_file_that_others_may_read_or_write_is_refused(void **state)
{
	static const mode_t modes[] = {0644, 0640, 0620, 0602};
	const struct place *p = *state;

	close(open(p->path, O_WRONLY | O_CREAT, 0600));
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		assert_int_equal(chmod(p->path, modes[i]), 0);
		expect_refused(p->path, "chmod 600");
	}
}

static void test_what_is_no_file_is_refused(void **state)
{
	const struct place *p = *state;
	char missing[128];

	snprintf(missing, sizeof missing, "%s/none/keys", p->dir);
	expect_refused(missing, "No such file");
	assert_int_equal(symlink("/dev/null", p->path), 0);
	expect_refused(p->path, "symbolic links");
	unlink(p->path);
	assert_int_equal(mkfifo(p->path, 0600), 0);
	expect_refused(p->path, "No such device or address"); /* nobody reads it */
	const int reader = open(p->path, O_RDONLY | O_NONBLOCK);
	expect_refused(p->path, "not a regular file");
	close(reader);
	unlink(p->path);
	assert_int_equal(mkdir(p->path, 0700), 0);
	expect_refused(p->path, "Is a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_file_is_made_for_its_owner_alone, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_lines_are_appended, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_file_that_others_may_read_or_write_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_no_file_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
