/* SPDX-License-Identifier: Apache-2.0 */
/* certs_tool.h — runs `tunhttpd certs` within a test, in a directory of its own, and keeps what it prints. */
#ifndef TESTS_UNIT_CERTS_TOOL_H
#define TESTS_UNIT_CERTS_TOOL_H

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "certs/certs.h"
#include "tests/unit/cmocka_all.h"

#define TOOL_TEXT_SIZE 65536

struct tool {
	char base[64]; /* of our own, removed at the end */
	char dir[80];  /* base/local: the authority      */
	char out[TOOL_TEXT_SIZE], err[TOOL_TEXT_SIZE];
};

static inline int tool_setup(void **state)
{
	struct tool *t = calloc(1, sizeof *t);

	assert_non_null(t);
	snprintf(t->base, sizeof t->base, "/tmp/test_certs.XXXXXX");
	assert_non_null(mkdtemp(t->base));
	snprintf(t->dir, sizeof t->dir, "%s/local", t->base);
	*state = t;
	return 0;
}

static inline int tool_teardown(void **state)
{
	struct tool *t = *state;
	char command[128];

	snprintf(command, sizeof command, "rm -rf '%s'", t->base);
	assert_int_equal(system(command), 0);
	free(t);
	return 0;
}

static inline void tool_read(FILE *f, char text[TOOL_TEXT_SIZE])
{
	rewind(f);
	const size_t len = fread(text, 1, TOOL_TEXT_SIZE - 1, f);
	text[len] = '\0';
	fclose(f);
}

/* The words of the command line with spaces between; a word cannot hold one. Returns the exit status. */
static inline int tool_run(struct tool *t, const char *format, ...)
{
	char line[4096], *argv[200];
	int argc = 0;
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	for (char *w = strtok(line, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	argv[argc] = NULL;
	FILE *out = tmpfile(), *err = tmpfile();
	assert_non_null(out);
	assert_non_null(err);
	fflush(NULL);
	const int saved[] = {dup(1), dup(2)};
	dup2(fileno(out), 1);
	dup2(fileno(err), 2);
	const int status = certs_command(argc, argv, t->dir);
	fflush(NULL);
	dup2(saved[0], 1);
	dup2(saved[1], 2);
	close(saved[0]);
	close(saved[1]);
	tool_read(out, t->out);
	tool_read(err, t->err);
	return status;
}

static inline void tool_expect(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

/* Fails with this status and exactly one line, which holds `part`. */
#define tool_expect_error(t, wanted, part, ...)                                            \
	do {                                                                               \
		assert_int_equal(tool_run(t, __VA_ARGS__), wanted);                        \
		tool_expect((t)->err, part);                                               \
		assert_ptr_equal(strchr((t)->err, '\n'), (t)->err + strlen((t)->err) - 1); \
		tool_expect((t)->err, "tunhttpd: ");                                       \
	} while (0)

static inline void tool_ok(struct tool *t, int status)
{
	if (status != 0 || t->err[0])
		fail_msg("status %d: %s", status, t->err);
}

static inline const char *tool_path(const struct tool *t, const char *file)
{
	static char path[4][256];
	static unsigned turn;
	char *to = path[turn++ % 4];

	snprintf(to, sizeof path[0], "%s/%s", t->dir, file);
	return to;
}

static inline char *tool_slurp(const struct tool *t, const char *file)
{
	char *data = calloc(1, TOOL_TEXT_SIZE);
	FILE *f = fopen(tool_path(t, file), "r");

	assert_non_null(f);
	assert_true(fread(data, 1, TOOL_TEXT_SIZE - 1, f) < TOOL_TEXT_SIZE - 1);
	fclose(f);
	return data;
}

static inline void tool_spill(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

#endif
