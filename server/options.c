/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.c — see options.h. The sources are applied from the weakest to the strongest, each value is read
 * as soon as it is seen, so a wrong one is an error even where a stronger source overrides it.
 */
#include "server/options.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/config_file.h"
#include "server/log_layout.h"
#include "server/options_table.h"
#include "server/suggest.h"

#define ENV_PREFIX "TUNHTTPD_"

/* What one call of options_parse works with. */
struct reading {
	struct options *o;
	char *error;
};

static bool fail(struct reading *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct reading *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->error, OPTIONS_ERROR_SIZE, format, args);
	va_end(args);
	return false;
}

/* ------------------------------------------------------------------ one value */

static const struct option_def *find(const char *name, size_t len)
{
	for (size_t i = 0; i < option_count; i++)
		if (strlen(option_table[i].name) == len &&
		    memcmp(option_table[i].name, name, len) == 0)
			return &option_table[i];
	return NULL;
}

static bool is_text(const struct option_def *def)
{
	return def->kind == &option_kind_text || def->kind == &option_kind_interface;
}

/* Sets an option. `where` is how the error calls it: "--http", "TUNHTTPD_HTTP", "file:3: http". */
static bool set(struct reading *r, const struct option_def *def, const char *text,
		enum option_source source, const char *where)
{
	struct option_setting *setting = &r->o->set[def - option_table];
	void *field = (char *)r->o + def->offset;
	char *copy = NULL;

	if (def->kind->repeats && setting->text && setting->source == source) {
		if (asprintf(&copy, "%s,%s", setting->text, text) < 0)
			copy = NULL;
	} else {
		copy = strdup(text);
	}
	if (!copy)
		return fail(r, "%s: out of memory", where);
	if (!def->kind->parse(copy, field)) {
		free(copy);
		return fail(r, "%s: \"%s\" is not allowed, it takes %s", where, text,
			    def->kind->allowed);
	}
	free(setting->text);
	*setting = (struct option_setting){.text = copy, .source = source};
	if (is_text(def))
		*(const char **)field = copy;
	return true;
}

/* ------------------------------------------------------------------ defaults, file, environment */

static bool read_defaults(struct reading *r)
{
	for (size_t i = 0; i < option_count; i++)
		if (option_table[i].default_text &&
		    !set(r, &option_table[i], option_table[i].default_text, SOURCE_DEFAULT,
			 option_table[i].name))
			return false;
	return true;
}

static bool take_key(void *ctx, const char *key, const char *value, const char *where)
{
	struct reading *r = ctx;
	const struct option_def *def = find(key, strlen(key));
	char name[OPTIONS_ERROR_SIZE];

	if (!def || !def->kind->parse || def->no_file) {
		struct suggestion near = {.word = key};
		for (size_t i = 0; i < option_count; i++)
			if (option_table[i].kind->parse && !option_table[i].no_file)
				suggest_consider(&near, option_table[i].name);
		return near.best ? fail(r, "%s: no option is called \"%s\"; did you mean %s?",
					where, key, near.best)
				 : fail(r, "%s: no option is called \"%s\"", where, key);
	}
	snprintf(name, sizeof name, "%s: %s", where, key);
	return set(r, def, value, SOURCE_FILE, name);
}

static void env_name(const struct option_def *def, char name[64])
{
	size_t n = (size_t)snprintf(name, 64, ENV_PREFIX "%s", def->name);

	for (size_t i = 0; i < n; i++)
		name[i] = name[i] == '-'                     ? '_'
			  : name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 'a' + 'A')
							     : name[i];
}

static const char *env_value(char *const env[], const char *name)
{
	const size_t len = strlen(name);

	for (; *env; env++)
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

static bool read_env(struct reading *r, char *const env[])
{
	for (size_t i = 0; i < option_count; i++) {
		char name[64];
		if (!option_table[i].kind->parse)
			continue;
		env_name(&option_table[i], name);
		const char *value = env_value(env, name);
		if (value && !set(r, &option_table[i], value, SOURCE_ENV, name))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------ command line */

static bool unknown_flag(struct reading *r, const char *arg, size_t len)
{
	char word[SUGGEST_WORD_MAX + 2];
	struct suggestion near = {.word = word};

	if (len >= sizeof word)
		len = sizeof word - 1;
	memcpy(word, arg, len);
	word[len] = '\0';
	for (size_t i = 0; i < option_count; i++)
		suggest_consider(&near, option_table[i].name);
	if (near.best)
		return fail(r, "unknown option --%s; did you mean --%s?", word, near.best);
	return fail(r, "unknown option --%s; see tunhttpd --help", word);
}

/* The option that argv[i] names and its value, if it stands in the same word. */
static const struct option_def *match(struct reading *r, const char *arg, const char **value)
{
	*value = NULL;
	if (arg[1] == '-') {
		const size_t len = strcspn(arg + 2, "=");
		const struct option_def *def = find(arg + 2, len);
		if (!def)
			unknown_flag(r, arg + 2, len);
		else if (arg[2 + len] == '=')
			*value = arg + 2 + len + 1;
		return def;
	}
	for (size_t i = 0; i < option_count; i++) {
		if (option_table[i].letter != arg[1])
			continue;
		if (arg[2] != '\0')
			*value = arg + 2;
		return &option_table[i];
	}
	fail(r, "unknown option -%c; see tunhttpd --help", arg[1]);
	return NULL;
}

static bool take_switch(struct reading *r, const struct option_def *def, const char *value)
{
	if (value)
		return fail(r, "--%s takes no value, but was given \"%s\"", def->name, value);
	*(bool *)((char *)r->o + def->offset) = true;
	return true;
}

/* Calls for each argument of interest: with `only` set for that option alone, and without storing
 * anything of the others, so that --config can be found before the file is read. */
static bool read_flags(struct reading *r, int argc, char *const argv[], const char *only)
{
	bool options_end = false, root_seen = false;

	for (int i = 0; i < argc; i++) {
		const struct option_def *def = find("root", 4);
		const char *value = argv[i];
		char where[80];

		if (!options_end && strcmp(argv[i], "--") == 0) {
			options_end = true;
			continue;
		}
		if (!options_end && argv[i][0] == '-' && argv[i][1] != '\0') {
			def = match(r, argv[i], &value);
			if (!def)
				return false;
			if (def->kind->parse && !value && i + 1 == argc)
				return fail(r, "--%s needs a value: %s", def->name,
					    def->kind->allowed);
			if (def->kind->parse && !value)
				value = argv[++i];
		} else if (root_seen) {
			return fail(r, "one DIR is served, but \"%s\" is a second", argv[i]);
		} else {
			root_seen = true;
		}
		if (!def->kind->parse) {
			if (!take_switch(r, def, value))
				return false;
			continue;
		}
		if (only && strcmp(def->name, only) != 0)
			continue;
		snprintf(where, sizeof where, "--%s", def->name);
		if (!set(r, def, value, SOURCE_FLAG, where))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------ all of it */

bool options_default_state(char *const env[], char **path)
{
	const char *data = env_value(env, "XDG_DATA_HOME"), *home = env_value(env, "HOME");
	int n;

	*path = NULL;
	if (data && data[0] == '/')
		n = asprintf(path, "%s/tunhttpd", data);
	else if (home && home[0] == '/')
		n = asprintf(path, "%s/.local/share/tunhttpd", home);
	else if (geteuid() == 0)
		n = asprintf(path, "/var/lib/tunhttpd");
	else
		return true;
	if (n < 0)
		*path = NULL;
	return n >= 0;
}

/* Where the local authority lives unless --state says it. */
static bool default_state(struct reading *r, char *const env[])
{
	struct options *o = r->o;

	if (o->state || o->cert.count > 0 || o->https == 0)
		return true;
	if (!options_default_state(env, &o->state_default))
		return fail(r, "out of memory");
	if (!o->state_default)
		return fail(r, "neither HOME nor XDG_DATA_HOME is set: say with --state DIR where "
			       "the local certificate authority lives");
	o->state = o->state_default;
	return true;
}

/* What the lines look like is read once here, so that it is known to be good. */
static bool check_log(struct reading *r)
{
	struct options *o = r->o;
	char error[LOG_LAYOUT_ERROR_SIZE];

	o->log_text = o->set[find("log", 3) - option_table].text;
	if (o->log != LOG_LAYOUT)
		return true;
	struct log_layout *layout = log_layout_create(o->log_text, LOG_REQUEST, error);
	log_layout_destroy(layout);
	return layout ? true : fail(r, "--log: %s", error);
}

static bool make_sense(struct reading *r, char *const env[])
{
	struct options *o = r->o;

	if (!o->cert.count != !o->key.count)
		return fail(r, "--%s is given without --%s: a certificate and its key go together",
			    o->cert.count ? "cert" : "key", o->cert.count ? "key" : "cert");
	if (o->cert.count != o->key.count)
		return fail(r,
			    "--cert names %zu files and --key %zu: each certificate needs its key",
			    o->cert.count, o->key.count);
	if ((o->client_auth != TLS_CLIENT_OFF) != (o->client_ca != NULL))
		return fail(r, "--client-%s is given without --client-%s: the one needs the other",
			    o->client_ca ? "ca" : "cert", o->client_ca ? "cert" : "ca");
	if (o->http == 0 && o->https == 0)
		return fail(r, "--http and --https are both off: nothing would be served");
	if (o->http == o->https)
		return fail(r, "--http and --https are both %u: they need a port each",
			    (unsigned)o->http);
	o->address6_given = o->set[find("address6", 8) - option_table].source != SOURCE_DEFAULT;
	o->user_given = o->set[find("user", 4) - option_table].source != SOURCE_DEFAULT;
	return check_log(r) && default_state(r, env);
}

int options_parse(struct options *o, int argc, char *const argv[], char *const env[],
		  char error[OPTIONS_ERROR_SIZE])
{
	struct reading r = {.o = o, .error = error};
	char name[64];

	*o = (struct options){0};
	error[0] = '\0';
	/* Usage errors come first, and what asks for help gets it. */
	if (!read_flags(&r, argc, argv, "config"))
		return EXIT_USAGE;
	if (o->help || o->version)
		return 0;
	if (!read_defaults(&r))
		return EXIT_CONFIG;
	env_name(find("config", 6), name);
	const char *file = o->config ? o->config : env_value(env, name);
	if (file && !config_file_read(file, take_key, &r, error))
		return EXIT_CONFIG;
	if (!read_env(&r, env))
		return EXIT_CONFIG;
	if (!read_flags(&r, argc, argv, NULL))
		return EXIT_USAGE;
	return make_sense(&r, env) ? 0 : EXIT_CONFIG;
}

void options_free(struct options *o)
{
	for (size_t i = 0; i < OPTIONS_MAX; i++)
		free(o->set[i].text);
	name_list_free(&o->names);
	name_list_free(&o->cert);
	name_list_free(&o->key);
	free(o->state_default);
	*o = (struct options){0};
}

/* ------------------------------------------------------------------ as text */

void options_print_help(FILE *out)
{
	fputs("usage: tunhttpd serve [DIR] [OPTION]...\n"
	      "       tunhttpd link ...    emulates a network; see tunhttpd link --help\n"
	      "       tunhttpd certs ...   the local certificate authority; see tunhttpd certs "
	      "--help\n"
	      "\n"
	      "Serves the files below DIR (the current directory) over http and https, on a TCP/IP "
	      "stack of its own\nbehind a TUN device.\n\n",
	      out);
	for (size_t i = 0; i < option_count; i++) {
		const struct option_def *def = &option_table[i];
		char flag[64];
		const char letter[] = {'-', def->letter, ',', ' ', '\0'};

		snprintf(flag, sizeof flag, "%s--%s%s%s", def->letter ? letter : "    ", def->name,
			 def->argument ? " " : "", def->argument ? def->argument : "");
		fprintf(out, "  %-32s %s", flag, def->help);
		if (def->default_text || def->default_words)
			fprintf(out, " (%s)",
				def->default_words ? def->default_words : def->default_text);
		fputc('\n', out);
	}
	fputs("\nEach option with a value is also an environment variable, " ENV_PREFIX
	      "GRACE for --grace, and a line of the\nconfiguration file, grace = 10. A flag beats "
	      "the environment, that beats the file.\n"
	      "\nExit status: 0 after an orderly stop, 1 when serving failed, 2 for a wrong "
	      "command line, 78 for a wrong\nconfiguration.\n",
	      out);
}

void options_print(const struct options *o, FILE *out)
{
	static const char *const words[] = {[SOURCE_DEFAULT] = "default",
					    [SOURCE_FILE] = "file",
					    [SOURCE_ENV] = "environment",
					    [SOURCE_FLAG] = "flag"};

	for (size_t i = 0; i < option_count; i++) {
		const struct option_setting *setting = &o->set[i];
		if (!setting->text || option_table[i].no_file)
			continue;
		fprintf(out, "; %s\n%s = %s\n", words[setting->source], option_table[i].name,
			setting->text);
	}
	if (o->state_default)
		fprintf(out, "; default\nstate = %s\n", o->state_default);
}
