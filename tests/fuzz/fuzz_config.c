/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_config.c — arbitrary bytes as a configuration file. What is refused is refused in one line that names the file.
 * What is taken is printed, and what is printed has to be taken again and mean the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/config_file.h"
#include "server/options.h"
#include "tests/fuzz/fuzz.h"

static void __attribute__((noreturn)) found(const char *what, const char *text)
{
	fprintf(stderr, "fuzz: %s\n%s\n", what, text);
	abort();
}

static int parse(struct options *o, const void *text, size_t len, char error[OPTIONS_ERROR_SIZE])
{
	const int fd = memfd_create("config", MFD_CLOEXEC);
	char path[64], config[] = "--config";
	/* Said in the environment, so that it is in the same place both times. */
	char *argv[] = {config, path, NULL}, state[] = "TUNHTTPD_STATE=/s", *env[] = {state, NULL};

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	const int status = options_parse(o, 2, argv, env, error);
	if (status != 0 && (error[0] == '\0' || strchr(error, '\n')))
		found("an error is one line", error);
	close(fd);
	return status;
}

/* Without what says where values come from, which does change. */
static char *print(const struct options *o, size_t *len)
{
	char *text = NULL, *to;
	FILE *out = open_memstream(&text, len);

	options_print(o, out);
	fclose(out);
	to = text;
	for (char *line = text; *line;) {
		const size_t n = strcspn(line, "\n") + 1;
		if (*line != ';') {
			memmove(to, line, n);
			to += n;
		}
		line += n;
	}
	*len = (size_t)(to - text);
	*to = '\0';
	return text;
}

/* Values of several lines are joined where that means the same, which can make a line too long. */
static bool has_long_line(const char *text)
{
	for (size_t n; *text; text += n) {
		n = strcspn(text, "\n") + 1;
		if (n >= CONFIG_LINE_MAX)
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct options first, second;
	char error[OPTIONS_ERROR_SIZE];
	size_t len, again_len;

	if (parse(&first, data, size, error) == 0) {
		char *text = print(&first, &len);
		if (!has_long_line(text)) {
			if (parse(&second, text, len, error) != 0)
				found(error, text);
			char *again = print(&second, &again_len);
			if (len != again_len || memcmp(text, again, len) != 0)
				found("what is printed means something else", text);
			free(again);
			options_free(&second);
		}
		free(text);
	}
	options_free(&first);
	return 0;
}
