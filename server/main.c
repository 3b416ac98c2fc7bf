/* SPDX-License-Identifier: Apache-2.0 */
/* main.c — the commands: serve, certs, healthcheck, link, help, version. */
#include <fcntl.h>
#include <nghttp2/nghttp2.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs/certs.h"
#include "lab/link.h"
#include "server/healthcheck.h"
#include "server/log.h"
#include "server/master.h"
#include "server/options.h"
#include "server/startup.h"
#include "server/suggest.h"
#include "tls/tls.h"

/* http_parser.h says: major << 16 | minor << 8 | patch. */
unsigned long http_parser_version(void);

static int print_version(void)
{
	const unsigned long v = http_parser_version();

	printf("tunhttpd %s\n%s\nhttp-parser %lu.%lu.%lu\nnghttp2 %s\n", TUNHTTPD_VERSION,
	       tls_library_version(), v >> 16 & 255, v >> 8 & 255, v & 255,
	       nghttp2_version(0)->version_str);
	return 0;
}

static int print_help(void)
{
	options_print_help(stdout);
	return 0;
}

/* logrotate does not know that the server has only just been started: what it says then waits for the master. */
static void hold_back(int signal_number)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, signal_number);
	sigprocmask(SIG_BLOCK, &mask, NULL);
}

static int serve_with(const struct options *o)
{
	struct startup s;

	hold_back(SIGUSR1);
	if (o->print_config) {
		options_print(o, stdout);
		if (!o->check)
			return 0;
	}
	int status = startup_check(&s, o);
	if (status == 0 && o->check)
		fprintf(stderr, "the configuration is good\n");
	else if (status == 0 && (status = startup_link(&s)) == 0)
		status = master_run(&s);
	startup_free(&s);
	return status;
}

static int serve(int argc, char *argv[])
{
	struct options o;
	char error[OPTIONS_ERROR_SIZE];
	int status = options_parse(&o, argc, argv, environ, error);

	if (status != 0)
		log_error("%s", error);
	else if (o.help)
		status = print_help();
	else if (o.version)
		status = print_version();
	else
		status = serve_with(&o);
	options_free(&o);
	return status;
}

/* --dir, or what --state of `serve` would be. */
static int certs(int argc, char *argv[])
{
	const char *state = getenv("TUNHTTPD_STATE");
	char *usual;

	if (!options_default_state(environ, &usual)) {
		log_error("out of memory");
		return EXIT_RUNTIME;
	}
	const int status = certs_command(argc, argv, state && state[0] ? state : usual);
	free(usual);
	return status;
}

static int unknown_command(const char *word)
{
	struct suggestion near = {.word = word};

	suggest_consider(&near, "serve");
	suggest_consider(&near, "certs");
	suggest_consider(&near, "healthcheck");
	suggest_consider(&near, "link");
	suggest_consider(&near, "help");
	suggest_consider(&near, "version");
	if (near.best)
		log_error("unknown command %s; did you mean tunhttpd %s?", word, near.best);
	else
		log_error("unknown command %s; see tunhttpd --help", word);
	return EXIT_USAGE;
}

/* What we inherit is not ours to trust. Were a standard descriptor closed, the TUN device would get its number and
 * the log would be sent as packets; were SIGCHLD ignored, no child could be waited for. */
static bool sane_process(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			return false;
	} while (fd <= STDERR_FILENO);
	close(fd);
	return signal(SIGCHLD, SIG_DFL) != SIG_ERR;
}

int main(int argc, char *argv[])
{
	if (!sane_process())
		return EXIT_RUNTIME;
	if (argc < 2) {
		fputs("usage: tunhttpd serve [DIR] [OPTION]...; see tunhttpd --help\n", stderr);
		return EXIT_USAGE;
	}
	const char *command = argv[1];
	if (strcmp(command, "serve") == 0)
		return serve(argc - 2, argv + 2);
	if (strcmp(command, "certs") == 0)
		return certs(argc - 2, argv + 2);
	if (strcmp(command, "healthcheck") == 0)
		return healthcheck_command(argc - 2, argv + 2);
	if (strcmp(command, "link") == 0)
		return link_command(argc - 2, argv + 2);
	if (strcmp(command, "help") == 0 || strcmp(command, "--help") == 0 ||
	    strcmp(command, "-h") == 0)
		return print_help();
	if (strcmp(command, "version") == 0 || strcmp(command, "--version") == 0 ||
	    strcmp(command, "-V") == 0)
		return print_version();
	/* An option before the command belongs behind it. */
	if (command[0] == '-')
		log_error("%s: a command comes first: tunhttpd serve [DIR] [OPTION]...", command);
	else
		return unknown_command(command);
	return EXIT_USAGE;
}
