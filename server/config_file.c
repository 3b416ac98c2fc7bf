/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_file.c — see config_file.h. libinih reads through read_line, so the number of the line is known
 * while a value is taken (its handler is not told), and a line longer than its buffer is an error here
 * instead of being cut in two.
 */
#include "server/config_file.h"

#include <errno.h>
#include <ini.h>
#include <string.h>

struct config_file {
	FILE *in;
	const char *path;
	int line;
	bool failed;
	bool (*take)(void *ctx, const char *key, const char *value, const char *where);
	void *ctx;
	char *error;
};

static void fail_at(struct config_file *f, const char *what)
{
	if (!f->failed)
		snprintf(f->error, OPTIONS_ERROR_SIZE, "%s:%d: %s", f->path, f->line, what);
	f->failed = true;
}

/* fgets for libinih; no more lines once something is wrong. */
static char *read_line(char *str, int num, void *stream)
{
	struct config_file *f = stream;

	if (f->failed || !fgets(str, num, f->in))
		return NULL;
	f->line++;
	if (strlen(str) == (size_t)num - 1 && str[num - 2] != '\n' && !feof(f->in)) {
		fail_at(f, "the line is too long");
		return NULL;
	}
	/* An indented line would go on with the value before it (ini_allow_multiline), unseen. */
	if ((str[0] == ' ' || str[0] == '\t') && str[strspn(str, " \t\r\n")] != '\0') {
		fail_at(f, "the line begins with a space; a name begins at the margin");
		return NULL;
	}
	return str;
}

static int take_pair(void *user, const char *section, const char *name, const char *value)
{
	struct config_file *f = user;
	char where[256];

	if (f->failed)
		return 0;
	if (section[0] != '\0') {
		fail_at(f, "sections are not known; every line is name = value");
		return 0;
	}
	snprintf(where, sizeof where, "%s:%d", f->path, f->line);
	if (f->take(f->ctx, name, value, where))
		return 1;
	f->failed = true;
	return 0;
}

bool config_file_read(const char *path,
		      bool (*take)(void *ctx, const char *key, const char *value,
				   const char *where),
		      void *ctx, char error[OPTIONS_ERROR_SIZE])
{
	struct config_file f = {
		.in = fopen(path, "re"), .path = path, .take = take, .ctx = ctx, .error = error};

	if (!f.in) {
		snprintf(error, OPTIONS_ERROR_SIZE, "cannot read the configuration file %s: %s",
			 path, strerror(errno));
		return false;
	}
	const int line = ini_parse_stream(read_line, &f, take_pair, &f);
	if (ferror(f.in) && !f.failed) {
		snprintf(error, OPTIONS_ERROR_SIZE, "cannot read the configuration file %s: %s",
			 path, strerror(errno));
		f.failed = true;
	}
	fclose(f.in);
	if (f.failed)
		return false;
	if (line != 0) {
		/* libinih's own complaint: neither a pair, nor a section, nor a comment. */
		f.line = line;
		fail_at(&f, "this is not of the form name = value");
		return false;
	}
	return true;
}
