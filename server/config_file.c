/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_file.c — see config_file.h. libinih reads through read_line, so the number of the line is known
 * while a value is taken (its handler is not told). Its buffers are short, and what does not fit it cuts: so
 * the values of long lines are taken from the line itself, and sections, of which it keeps 49 characters, it
 * does not get to see at all.
 */
#include "server/config_file.h"

#include <errno.h>
#include <ini.h>
#include <string.h>

static const char byte_order_mark[] = "\xef\xbb\xbf";
static const char spaces[] = " \t\r\n\v\f"; /* isspace's, as libinih strips them */

struct config_file {
	FILE *in;
	const char *path;
	int line;
	bool failed;
	const struct config_sink *sink;
	char *error;
	char where[256];            /* "file:line"                            */
	char text[CONFIG_LINE_MAX]; /* the line at hand                       */
	bool cut;                   /* libinih has the beginning of it only   */
};

static void fail_at(struct config_file *f, const char *what)
{
	if (!f->failed)
		snprintf(f->error, OPTIONS_ERROR_SIZE, "%s:%d: %s", f->path, f->line, what);
	f->failed = true;
}

static void strip_end(char *text)
{
	for (size_t n = strlen(text); n > 0 && strchr(spaces, text[n - 1]); n--)
		text[n - 1] = '\0';
}

/* ------------------------------------------------------------------ sections */

/* The bracket behind which nothing but a comment follows. An IPv6 address may bring brackets of its own. */
static char *closing_bracket(char *text)
{
	for (char *p = strchr(text, ']'); p; p = strchr(p + 1, ']')) {
		const char *rest = p + 1 + strspn(p + 1, spaces);
		if (*rest == '\0' || *rest == ';' || *rest == '#')
			return p;
	}
	return NULL;
}

static void begin_section(struct config_file *f)
{
	char *words = f->text + 1, *end = closing_bracket(words);

	if (!end) {
		fail_at(f, "a section is named in brackets, alone in its line");
		return;
	}
	*end = '\0';
	strip_end(words);
	if (!f->sink->section(f->sink->ctx, words + strspn(words, spaces), f->where))
		f->failed = true;
}

/* ------------------------------------------------------------------ lines */

/* Reads the next line into f->text. */
static bool next_line(struct config_file *f)
{
	size_t len = 0;
	int c;

	if (f->failed || (c = getc(f->in)) == EOF)
		return false;
	f->line++;
	snprintf(f->where, sizeof f->where, "%s:%d", f->path, f->line);
	for (; c != EOF; c = getc(f->in)) {
		if (c == '\0' || len == sizeof f->text - 1) {
			fail_at(f,
				c == '\0' ? "there is a NUL in the line" : "the line is too long");
			return false;
		}
		f->text[len++] = (char)c;
		if (c == '\n')
			break;
	}
	f->text[len] = '\0';
	return true;
}

/* fgets for libinih; no more lines once something is wrong. */
static char *read_line(char *str, int num, void *stream)
{
	struct config_file *f = stream;

	if (!next_line(f))
		return NULL;
	if (f->line == 1 && memcmp(f->text, byte_order_mark, 3) == 0)
		memmove(f->text, f->text + 3, strlen(f->text + 3) + 1);
	/* An indented line would go on with the value before it (ini_allow_multiline), unseen. */
	if ((f->text[0] == ' ' || f->text[0] == '\t') && f->text[strspn(f->text, spaces)] != '\0') {
		fail_at(f, "the line begins with a space; a name begins at the margin");
		return NULL;
	}
	if (f->text[0] == '[') {
		begin_section(f);
		f->text[0] = '\0';
	}
	const size_t len = strlen(f->text);
	f->cut = len >= (size_t)num;
	memcpy(str, f->text, f->cut ? (size_t)num - 1 : len);
	str[f->cut ? (size_t)num - 1 : len] = '\0';
	return str;
}

/* The value of the line at hand, cut out as libinih does it: behind the first '=' or ':', up to a ';' with a
 * space before it. */
static const char *whole_value(struct config_file *f)
{
	char *value = f->text + strcspn(f->text, "=:") + 1;

	for (char *p = value; *p; p++) {
		if (*p == ';' && strchr(spaces, p[-1]) != NULL) {
			*p = '\0';
			break;
		}
	}
	strip_end(value);
	return value + strspn(value, spaces);
}

static int take_pair(void *user, const char *section, const char *name, const char *value)
{
	struct config_file *f = user;

	(void)section;
	if (f->failed)
		return 0;
	if (f->sink->pair(f->sink->ctx, name, f->cut ? whole_value(f) : value, f->where))
		return 1;
	f->failed = true;
	return 0;
}

bool config_stream_read(FILE *in, const char *path, const struct config_sink *sink,
			char error[OPTIONS_ERROR_SIZE])
{
	struct config_file f = {.in = in, .path = path, .sink = sink, .error = error};
	const int line = ini_parse_stream(read_line, &f, take_pair, &f);

	if (ferror(in) && !f.failed) {
		snprintf(error, OPTIONS_ERROR_SIZE, "cannot read the configuration file %s: %s",
			 path, strerror(errno));
		return false;
	}
	if (!f.failed && line != 0) {
		/* libinih's own complaint: neither a pair, nor a section, nor a comment. */
		f.line = line;
		fail_at(&f, "this is not of the form name = value");
	}
	return !f.failed;
}

bool config_file_read(const char *path, const struct config_sink *sink,
		      char error[OPTIONS_ERROR_SIZE])
{
	FILE *in = fopen(path, "re");

	if (!in) {
		snprintf(error, OPTIONS_ERROR_SIZE, "cannot read the configuration file %s: %s",
			 path, strerror(errno));
		return false;
	}
	const bool good = config_stream_read(in, path, sink, error);
	fclose(in);
	return good;
}
