/* SPDX-License-Identifier: Apache-2.0 */
/* command.c — `tunhttpd certs`: reads the command line from a table and calls the command. */
#include "certs/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/certs.h"

enum {
	OPT_DIR = 1,
	OPT_DAYS = 2,
	OPT_KEY_TYPE = 4,
	OPT_OUT = 8,
	OPT_FORCE = 16,
	OPT_ALL = 32,
	OPT_INSTALL = 64,
	OPT_UNINSTALL = 128,
};

static const struct option_row {
	unsigned bit;
	const char *name, *argument, *help;
} option_rows[] = {
	{OPT_DIR, "dir", "DIR", "where the authority lives (as serve's --state)"},
	{OPT_DAYS, "days", "N", "how long it is valid"},
	{OPT_KEY_TYPE, "key-type", "TYPE", "ecdsa (P-256, the default) or rsa (2048 bit)"},
	{OPT_OUT, "out", "NAME", "make NAME.pem and NAME-key.pem"},
	{OPT_FORCE, "force", NULL, "replace what is there"},
	{OPT_ALL, "all", NULL, "also those that have time left"},
	{OPT_INSTALL, "install", NULL, "do it for this system; needs root"},
	{OPT_UNINSTALL, "uninstall", NULL, "take it back; needs root"},
};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct command {
	const char *name, *words, *summary, *help;
	unsigned options;
	size_t words_min, words_max;
	int (*run)(const struct certs_options *o);
} commands[] = {
	{"init", "", "make the authority: a root for ten years, an intermediate for five",
	 "Makes ca.pem, the root that clients are told to trust, and intermediate.pem, which "
	 "signs\n"
	 "everything else. The other commands do it by themselves when there is no authority.\n"
	 "ca-key.pem may be kept elsewhere afterwards: it is needed again when the intermediate "
	 "ends.",
	 OPT_DIR | OPT_DAYS | OPT_KEY_TYPE | OPT_FORCE, 0, 0, certs_init},
	{"issue", "NAME|IP...", "a certificate for a server, 90 days",
	 "Makes NAME.pem, the certificate and what leads to the root, and NAME-key.pem, its key.\n"
	 "NAME is a DNS name, *.DOMAIN for every name one level below, or an IPv4 or IPv6 address.",
	 OPT_DIR | OPT_DAYS | OPT_KEY_TYPE | OPT_OUT | OPT_FORCE, 1, CERTS_NAMES_MAX, certs_issue},
	{"client", "NAME", "a certificate for a client, 90 days",
	 "Makes NAME.pem and NAME-key.pem for somebody who connects to a server that asks for a\n"
	 "certificate: tunhttpd serve --client-cert required --client-ca DIR/ca.pem",
	 OPT_DIR | OPT_DAYS | OPT_KEY_TYPE | OPT_OUT | OPT_FORCE, 1, 1, certs_client},
	{"renew", "", "make those anew that have less than a third of their time left",
	 "Looks at every certificate of this authority in DIR. A new one has a new key, and name, "
	 "kind\n"
	 "and length of life of the old one.",
	 OPT_DIR | OPT_DAYS | OPT_ALL, 0, 0, certs_renew},
	{"show", "FILE|HOST[:PORT]", "a chain in plain words, and what a client would say to it",
	 "FILE is PEM or DER with certificates or keys in any order. HOST is connected to over "
	 "the\n"
	 "host's own network, for 10 seconds at most; the port is 443 unless one is given.\n"
	 "The status is 1 when a client of this system, or one that trusts ca.pem, would refuse "
	 "it.",
	 OPT_DIR, 1, 1, certs_show},
	{"trust", "", "what this and other systems need to trust the root",
	 "Prints it; with --install does it here, with --uninstall takes it back.",
	 OPT_DIR | OPT_INSTALL | OPT_UNINSTALL, 0, 0, certs_trust},
};

int certs_complain(int status, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("tunhttpd: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

/* ------------------------------------------------------------------ help */

static void print_help(void)
{
	puts("usage: tunhttpd certs COMMAND [OPTION]...\n\n"
	     "The local certificate authority, for servers and clients that know each other.\n");
	for (size_t i = 0; i < COUNT(commands); i++)
		printf("  %s %-*s %s\n", commands[i].name, 24 - (int)strlen(commands[i].name),
		       commands[i].words, commands[i].summary);
	puts("\nSee tunhttpd certs COMMAND --help. Exit status: 0; 1 when it did not work, 2 for a "
	     "wrong "
	     "command line,\n78 for a file that cannot be used.");
}

static void print_command_help(const struct command *c)
{
	printf("usage: tunhttpd certs %s%s%s [OPTION]...\n\n%s\n\n", c->name,
	       c->words[0] ? " " : "", c->words, c->help);
	for (size_t i = 0; i < COUNT(option_rows); i++) {
		const struct option_row *row = &option_rows[i];
		char flag[32];

		if (!(c->options & row->bit))
			continue;
		snprintf(flag, sizeof flag, "--%s%s%s", row->name, row->argument ? " " : "",
			 row->argument ? row->argument : "");
		printf("  %-18s %s\n", flag, row->help);
	}
}

/* ------------------------------------------------------------------ reading */

static const struct option_row *find_option(const struct command *c, const char *name, size_t len)
{
	for (size_t i = 0; i < COUNT(option_rows); i++)
		if ((c->options & option_rows[i].bit) && strlen(option_rows[i].name) == len &&
		    memcmp(option_rows[i].name, name, len) == 0)
			return &option_rows[i];
	return NULL;
}

static int set_days(struct certs_options *o, const char *value, int max)
{
	char *end;
	const long n = strtol(value, &end, 10);

	if (value[0] < '0' || value[0] > '9' || *end || n < 1 || n > max)
		return certs_complain(
			CERTS_USAGE, "--days %s: it takes 1 to %d%s", value, max,
			max == CERTS_LEAF_DAYS_MAX ? "; Apple's systems refuse longer lives" : "");
	o->days = (int)n;
	return 0;
}

static int set_option(const struct command *c, struct certs_options *o,
		      const struct option_row *row, const char *value)
{
	switch (row->bit) {
	case OPT_DIR:
		o->dir = value;
		return value[0] ? 0 : certs_complain(CERTS_USAGE, "--dir: it takes a directory");
	case OPT_DAYS:
		return set_days(o, value,
				c->run == certs_init ? 2 * CERTS_CA_DAYS : CERTS_LEAF_DAYS_MAX);
	case OPT_KEY_TYPE:
		o->key_type = strcmp(value, "rsa") == 0 ? CERTS_RSA : CERTS_ECDSA;
		if (o->key_type == CERTS_RSA || strcmp(value, "ecdsa") == 0)
			return 0;
		return certs_complain(CERTS_USAGE, "--key-type %s: it takes ecdsa or rsa", value);
	case OPT_OUT:
		o->out = value;
		if (certs_file_problem(value))
			return certs_complain(CERTS_USAGE, "--out %s: %s", value,
					      certs_file_problem(value));
		return 0;
	case OPT_FORCE:
		o->force = true;
		return 0;
	case OPT_ALL:
		o->all = true;
		return 0;
	case OPT_INSTALL:
		o->install = true;
		return 0;
	default:
		o->uninstall = true;
		return 0;
	}
}

/* One word of the command line, and the next one if it is this one's value. */
static int read_word(const struct command *c, struct certs_options *o, int argc, char *argv[],
		     int *at)
{
	const char *word = argv[*at];
	const char *equals = strchr(word, '=');

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		o->help = true;
		return 0;
	}
	if (word[0] != '-') {
		if (o->words == c->words_max)
			return certs_complain(CERTS_USAGE,
					      "%s is one word too many; see tunhttpd certs %s "
					      "--help",
					      word, c->name);
		o->word[o->words++] = word;
		return 0;
	}
	const size_t len =
		word[1] == '-' ? (equals ? (size_t)(equals - word) : strlen(word)) - 2 : 0;
	const struct option_row *row = len ? find_option(c, word + 2, len) : NULL;
	if (!row)
		return certs_complain(CERTS_USAGE,
				      "unknown option %s; see tunhttpd certs %s --help", word,
				      c->name);
	if (!row->argument != !equals && !row->argument)
		return certs_complain(CERTS_USAGE, "--%s takes no value", row->name);
	if (!row->argument || equals)
		return set_option(c, o, row, equals ? equals + 1 : "");
	if (*at + 1 == argc)
		return certs_complain(CERTS_USAGE, "--%s needs a value: %s", row->name, row->help);
	return set_option(c, o, row, argv[++*at]);
}

static int run(const struct command *c, int argc, char *argv[], const char *default_dir)
{
	struct certs_options o = {.dir = default_dir};
	int status = 0;

	for (int i = 0; i < argc && !status; i++)
		status = read_word(c, &o, argc, argv, &i);
	if (o.help) {
		print_command_help(c);
		return 0;
	}
	if (status)
		return status;
	if (o.words < c->words_min)
		return certs_complain(CERTS_USAGE, "usage: tunhttpd certs %s %s", c->name,
				      c->words);
	if (!o.dir)
		return certs_complain(
			CERTS_USAGE,
			"neither HOME nor XDG_DATA_HOME is set: say with --dir DIR where "
			"the authority lives");
	status = c->run(&o);
	if (fflush(stdout) != 0 && status == 0)
		return certs_complain(CERTS_FAILED, "cannot write to standard output");
	return status;
}

int certs_command(int argc, char *argv[], const char *default_dir)
{
	if (argc < 1)
		return certs_complain(CERTS_USAGE, "usage: tunhttpd certs COMMAND [OPTION]...; see "
						   "tunhttpd certs --help");
	if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 ||
	    strcmp(argv[0], "help") == 0) {
		print_help();
		return 0;
	}
	for (size_t i = 0; i < COUNT(commands); i++)
		if (strcmp(argv[0], commands[i].name) == 0)
			return run(&commands[i], argc - 1, argv + 1, default_dir);
	return certs_complain(CERTS_USAGE, "unknown command certs %s; see tunhttpd certs --help",
			      argv[0]);
}
