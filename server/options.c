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

bool options_fail(struct reading *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->error, OPTIONS_ERROR_SIZE, format, args);
	va_end(args);
	return false;
}

/* ------------------------------------------------------------------ one value */

const struct option_def *option_find(const char *name, size_t len)
{
	for (size_t i = 0; i < option_count; i++)
		if (strlen(option_table[i].name) == len &&
		    memcmp(option_table[i].name, name, len) == 0)
			return &option_table[i];
	return NULL;
}

bool option_is_text(const struct option_def *def)
{
	return def->kind == &option_kind_text || def->kind == &option_kind_interface ||
	       def->kind == &option_kind_cors_headers || def->kind == &option_kind_page;
}

void *option_field(struct options *o, struct site_section *section, const struct option_def *def)
{
	char *base = section ? (char *)&section->site : def->site ? (char *)&o->site : (char *)o;

	return base + def->offset;
}

bool option_parse(const struct option_def *def, const char *text, void *field, const char **why)
{
	*why = NULL;
	return def->kind->parse ? def->kind->parse(text, field)
				: def->kind->parse_why(text, field, why);
}

bool option_is_switch(const struct option_def *def)
{
	return !def->kind->parse && !def->kind->parse_why;
}

/* Sets an option of the default site, or of the section that is being read. `name` is how an error calls it:
 * "--http", "TUNHTTPD_HTTP", "file:3: http"; `where` is "file:3", or NULL. */
static bool set(struct reading *r, const struct option_def *def, const char *text,
		enum option_source source, const char *name, const char *where)
{
	struct option_setting *setting =
		(r->section ? r->section->set : r->o->set) + (def - option_table);
	void *field = option_field(r->o, r->section, def);
	const char *why;
	struct option_setting fresh = {.source = source, .where = where ? strdup(where) : NULL};

	if (!def->kind->joint || !setting->text || setting->source != source)
		fresh.text = strdup(text);
	else if (asprintf(&fresh.text, "%s%c%s", setting->text, def->kind->joint, text) < 0)
		fresh.text = NULL;
	bool good = fresh.text && (fresh.where || !where);
	if (!good)
		options_fail(r, "%s: out of memory", name);
	else if (!(good = option_parse(def, fresh.text, field, &why)))
		options_fail(r, why ? "%s: \"%s\": %s" : "%s: \"%s\" is not allowed, it takes %s",
			     name, text, why ? why : def->kind->allowed);
	if (!good) {
		free(fresh.text);
		free(fresh.where);
		return false;
	}
	free(setting->text);
	free(setting->where);
	*setting = fresh;
	if (option_is_text(def))
		*(const char **)field = fresh.text;
	return true;
}

/* ------------------------------------------------------------------ defaults, file, environment */

static bool read_defaults(struct reading *r)
{
	for (size_t i = 0; i < option_count; i++)
		if (option_table[i].default_text &&
		    !set(r, &option_table[i], option_table[i].default_text, SOURCE_DEFAULT,
			 option_table[i].name, NULL))
			return false;
	return true;
}

/* May the file say it, here? */
static bool is_key(const struct reading *r, const struct option_def *def)
{
	return !option_is_switch(def) && !def->no_file && (def->site || !r->section);
}

static bool take_pair(void *ctx, const char *key, const char *value, const char *where)
{
	struct reading *r = ctx;
	const struct option_def *def = option_find(key, strlen(key));
	struct suggestion near = {.word = key};
	char name[OPTIONS_ERROR_SIZE];

	if (def && is_key(r, def)) {
		snprintf(name, sizeof name, "%s: %s", where, key);
		return set(r, def, value, SOURCE_FILE, name, where);
	}
	if (def && r->section && !option_is_switch(def) && !def->no_file)
		return options_fail(
			r, "%s: %s is for the whole server: it goes before the first section",
			where, key);
	for (size_t i = 0; i < option_count; i++)
		if (is_key(r, &option_table[i]))
			suggest_consider(&near, option_table[i].name);
	const char *what = r->section ? "no option of a site" : "no option";
	return near.best ? options_fail(r, "%s: %s is called \"%s\"; did you mean %s?", where, what,
					key, near.best)
			 : options_fail(r, "%s: %s is called \"%s\"", where, what, key);
}

static bool take_section(void *ctx, const char *words, const char *where)
{
	return options_begin_section(ctx, words, where);
}

static bool read_file(struct reading *r, const char *path)
{
	const struct config_sink sink = {.pair = take_pair, .section = take_section, .ctx = r};
	const bool good = config_file_read(path, &sink, r->error);

	r->section = NULL;
	return good;
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
		if (option_is_switch(&option_table[i]))
			continue;
		env_name(&option_table[i], name);
		const char *value = env_value(env, name);
		if (value && !set(r, &option_table[i], value, SOURCE_ENV, name, NULL))
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
		return options_fail(r, "unknown option --%s; did you mean --%s?", word, near.best);
	return options_fail(r, "unknown option --%s; see tunhttpd --help", word);
}

/* The option that argv[i] names and its value, if it stands in the same word. */
static const struct option_def *match(struct reading *r, const char *arg, const char **value)
{
	*value = NULL;
	if (arg[1] == '-') {
		const size_t len = strcspn(arg + 2, "=");
		const struct option_def *def = option_find(arg + 2, len);
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
	options_fail(r, "unknown option -%c; see tunhttpd --help", arg[1]);
	return NULL;
}

static bool take_switch(struct reading *r, const struct option_def *def, const char *value)
{
	if (value)
		return options_fail(r, "--%s takes no value, but was given \"%s\"", def->name,
				    value);
	*(bool *)((char *)r->o + def->offset) = true;
	return true;
}

/* Calls for each argument of interest: with `only` set for that option alone, and without storing
 * anything of the others, so that --config can be found before the file is read. */
static bool read_flags(struct reading *r, int argc, char *const argv[], const char *only)
{
	bool options_end = false, root_seen = false;

	for (int i = 0; i < argc; i++) {
		const struct option_def *def = option_find("root", 4);
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
			if (!option_is_switch(def) && !value && i + 1 == argc)
				return options_fail(r, "--%s needs a value: %s", def->name,
						    def->kind->allowed);
			if (!option_is_switch(def) && !value)
				value = argv[++i];
		} else if (root_seen) {
			return options_fail(r, "one DIR is served, but \"%s\" is a second",
					    argv[i]);
		} else {
			root_seen = true;
		}
		if (option_is_switch(def)) {
			if (!take_switch(r, def, value))
				return false;
			continue;
		}
		if (only && strcmp(def->name, only) != 0)
			continue;
		snprintf(where, sizeof where, "--%s", def->name);
		if (!set(r, def, value, SOURCE_FLAG, where, NULL))
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

	if (o->state || options_have_certificate(o) || o->https == 0)
		return true;
	if (!options_default_state(env, &o->state_default))
		return options_fail(r, "out of memory");
	if (!o->state_default)
		return options_fail(
			r, "neither HOME nor XDG_DATA_HOME is set: say with --state DIR where "
			   "the local certificate authority lives");
	o->state = o->state_default;
	return true;
}

/* What the lines look like is read once here, so that it is known to be good. */
static bool check_log(struct reading *r)
{
	struct options *o = r->o;
	char error[LOG_LAYOUT_ERROR_SIZE];

	o->log_text = o->set[option_find("log", 3) - option_table].text;
	if (o->log != LOG_LAYOUT)
		return true;
	struct log_layout *layout = log_layout_create(o->log_text, LOG_REQUEST, error);
	log_layout_destroy(layout);
	return layout ? true : options_fail(r, "--log: %s", error);
}

bool options_have_certificate(const struct options *o)
{
	size_t count = o->site.cert.count;

	for (size_t i = 0; i < o->section_count; i++)
		count += o->section[i].site.cert.count;
	return count > 0;
}

/* `where` a section begins; NULL: the default site, of which options have flags. */
static bool pairs_make_sense(struct reading *r, const struct site_options *site, const char *where)
{
	const size_t certs = site->cert.count, keys = site->key.count;
	const char *colon = where ? ": " : "", *dashes = where ? "" : "--";

	if (!where)
		where = "";
	if (!certs != !keys)
		return options_fail(
			r, "%s%s%s%s is given without %s%s: a certificate and its key go together",
			where, colon, dashes, certs ? "cert" : "key", dashes,
			certs ? "key" : "cert");
	if (certs != keys)
		return options_fail(
			r,
			"%s%s%scert names %zu files and %skey %zu: each certificate needs its key",
			where, colon, dashes, certs, dashes, keys);
	return true;
}

/* What a section inherits may be where it is wrong: then that is told of the section. */
static bool site_makes_sense(struct reading *r, const struct site_options *site, const char *where)
{
	const char *place = where ? where : "", *colon = where ? ": " : "";

	if (!pairs_make_sense(r, site, where))
		return false;
	/* The Fetch standard, 3.2.5: browsers refuse these. */
	if (site->cors_credentials && site->cors.any)
		return options_fail(r, "%s%scors-credentials is on and cors is *: name the origins",
				    place, colon);
	if (site->cors_credentials && site->cors_headers && strchr(site->cors_headers, '*'))
		return options_fail(
			r, "%s%scors-credentials is on and cors-headers is *: name the fields",
			place, colon);
	if (site->redirect_https && r->o->https == 0)
		return options_fail(r, "%s%sredirect-https is on, and https is off", place, colon);
	return true;
}

static bool make_sense(struct reading *r, char *const env[])
{
	struct options *o = r->o;

	if (!site_makes_sense(r, &o->site, NULL))
		return false;
	for (size_t i = 0; i < o->section_count; i++)
		if (!site_makes_sense(r, &o->section[i].site, o->section[i].where))
			return false;
	if ((o->client_auth != TLS_CLIENT_OFF) != (o->client_ca != NULL))
		return options_fail(
			r, "--client-%s is given without --client-%s: the one needs the other",
			o->client_ca ? "ca" : "cert", o->client_ca ? "cert" : "ca");
	if (o->http == 0 && o->https == 0)
		return options_fail(r, "--http and --https are both off: nothing would be served");
	if (o->http == o->https)
		return options_fail(r, "--http and --https are both %u: they need a port each",
				    (unsigned)o->http);
	o->address6_given =
		o->set[option_find("address6", 8) - option_table].source != SOURCE_DEFAULT;
	o->user_given = o->set[option_find("user", 4) - option_table].source != SOURCE_DEFAULT;
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
	env_name(option_find("config", 6), name);
	const char *file = o->config ? o->config : env_value(env, name);
	if (file && !read_file(&r, file))
		return EXIT_CONFIG;
	if (!read_env(&r, env))
		return EXIT_CONFIG;
	if (!read_flags(&r, argc, argv, NULL))
		return EXIT_USAGE;
	return options_inherit(&r) && make_sense(&r, env) ? 0 : EXIT_CONFIG;
}

void options_free(struct options *o)
{
	options_free_sections(o);
	for (size_t i = 0; i < option_count; i++) {
		if (option_table[i].kind->free)
			option_table[i].kind->free(option_field(o, NULL, &option_table[i]));
		free(o->set[i].text);
		free(o->set[i].where);
	}
	free(o->state_default);
	*o = (struct options){0};
}

/* ------------------------------------------------------------------ as text */

void options_print_help(FILE *out)
{
	fputs("usage: tunhttpd serve [DIR] [OPTION]...\n"
	      "       tunhttpd healthcheck [--timeout SECONDS] [URL]   does the server answer?\n"
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
		fprintf(out, "%c %-32s %s", def->site ? '*' : ' ', flag, def->help);
		if (def->default_text || def->default_words)
			fprintf(out, " (%s)",
				def->default_words ? def->default_words : def->default_text);
		fputc('\n', out);
	}
	fputs("\nEach option with a value is also an environment variable, " ENV_PREFIX
	      "GRACE for --grace, and a line of the\nconfiguration file, grace = 10. A flag beats "
	      "the environment, that beats the file.\n"
	      "What begins with * each site has for itself: in the file, in sections [site "
	      "NAME...].\n"
	      "\nExit status: 0 after an orderly stop, 1 when serving failed, 2 for a wrong "
	      "command line, 78 for a wrong\nconfiguration.\n",
	      out);
}

void option_print(const struct option_def *def, const struct option_setting *setting, FILE *out)
{
	static const char *const words[] = {[SOURCE_DEFAULT] = "default",
					    [SOURCE_FILE] = "file",
					    [SOURCE_ENV] = "environment",
					    [SOURCE_FLAG] = "flag"};

	fprintf(out, "; %s%s%s\n", words[setting->source], setting->where ? " " : "",
		setting->where ? setting->where : "");
	/* What was said in several lines is printed so. */
	for (const char *line = setting->text; line;) {
		const size_t len = strcspn(line, "\n");
		/* A blank before ";" would make a comment of it. */
		fprintf(out, "%s =%s%.*s\n", def->name, line[0] == ';' ? "" : " ", (int)len, line);
		line = line[len] ? line + len + 1 : NULL;
	}
}

void options_print(const struct options *o, FILE *out)
{
	for (size_t i = 0; i < option_count; i++)
		if (o->set[i].text && !option_table[i].no_file)
			option_print(&option_table[i], &o->set[i], out);
	if (o->state_default)
		fprintf(out, "; default\nstate = %s\n", o->state_default);
	options_print_sections(o, out);
}
