/* SPDX-License-Identifier: Apache-2.0 */
/* The options: where a value may come from, who wins, and what is said about what is wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/config_file.h"
#include "server/options.h"
#include "server/options_table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WORDS_MAX 16

/* One call of options_parse from lines of words: "--http 8080 www". */
struct call {
	struct options o;
	char error[OPTIONS_ERROR_SIZE];
	int status;
	char args_text[1024], env_text[1024];
	char *args[WORDS_MAX], *env[WORDS_MAX];
};

static int split(char *text, char *words[WORDS_MAX])
{
	int n = 0;

	for (char *save, *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
		for (words[n++] = w; *w; w++)
			*w = *w == '~' ? ' ' : *w; /* a blank within a word */
	words[n] = NULL;
	return n;
}

static void parse(struct call *c, const char *args, const char *env)
{
	snprintf(c->args_text, sizeof c->args_text, "%s", args);
	snprintf(c->env_text, sizeof c->env_text, "%s", env);
	const int argc = split(c->args_text, c->args);
	split(c->env_text, c->env);
	c->status = options_parse(&c->o, argc, c->args, c->env, c->error);
}

static void parse_good(struct call *c, const char *args, const char *env)
{
	parse(c, args, env);
	if (c->status != 0)
		fail_msg("%s [%s]: %s", args, env, c->error);
	assert_string_equal(c->error, "");
}

/* A file with this content in a fresh place; the caller frees and unlinks. */
static char *config_with(const char *content)
{
	char *path = strdup("/tmp/tunhttpd-test-XXXXXX");
	const int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	close(fd);
	return path;
}

/* ------------------------------------------------------------------ values */

/* A value that the option takes, with ~ for blanks. */
static const char *sample_of(const struct option_def *def)
{
	static const char *const samples[][2] = {
		{"redirect", "/old/*~/new/*~308"},  {"header", "X-Name:~a~value"},
		{"cache", "*.html~no-cache"},       {"cors", "https://app.example.org"},
		{"auth", "/a~/etc/pw~\"A~realm\""}, {"limit-exempt", "192.0.2.0/24"}};

	for (size_t i = 0; i < COUNT(samples); i++)
		if (strcmp(samples[i][0], def->name) == 0)
			return samples[i][1];
	return def->default_text ? def->default_text : "some";
}

static void test_defaults_are_those_of_the_table(void **state)
{
	struct call c;
	char address[IP_ADDR_TEXT_SIZE];

	(void)state;
	parse_good(&c, "", "HOME=/home/me");
	assert_string_equal(c.o.site.root, ".");
	assert_string_equal(ip_addr_text(&c.o.address.stack, address), "10.77.0.2");
	assert_string_equal(ip_addr_text(&c.o.address.host, address), "10.77.0.1");
	assert_string_equal(ip_addr_text(&c.o.address6.stack, address), "fd77:7475:6e00::2");
	assert_string_equal(ip_addr_text(&c.o.address6.host, address), "fd77:7475:6e00::1");
	assert_false(c.o.address6_given);
	assert_int_equal(c.o.http, 80);
	assert_int_equal(c.o.https, 443);
	assert_int_equal(c.o.site.cert.count, 0);
	assert_int_equal(c.o.site.key.count, 0);
	assert_string_equal(c.o.state, "/home/me/.local/share/tunhttpd");
	assert_int_equal(c.o.names.count, 0);
	assert_string_equal(c.o.tun, "tunhttpd0");
	assert_int_equal(c.o.mtu, 1500);
	assert_int_equal(c.o.workers, 0);
	assert_string_equal(c.o.user, "nobody");
	assert_false(c.o.user_given);
	assert_true(c.o.offload);
	assert_int_equal(c.o.ecn, STACK_ECN_ANSWER);
	assert_false(c.o.fast_open);
	assert_int_equal(c.o.log, LOG_COMBINED);
	assert_int_equal(c.o.grace_us, 10000000);
	assert_int_equal(c.o.tcp_keepalive_us, 0);
	options_free(&c.o);
}

static void test_every_option_comes_by_flag_environment_and_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < option_count; i++) {
		const struct option_def *def = &option_table[i];
		const char *value = sample_of(def);
		char text[256], name[64], spaced[64];
		struct call c;

		if (option_is_switch(def) || def->no_file)
			continue;
		/* cert and key go together, and who asks for certificates says whose */
		const char *also = strcmp(def->name, "cert") == 0        ? "--key k"
				   : strcmp(def->name, "key") == 0       ? "--cert c"
				   : strcmp(def->name, "client-ca") == 0 ? "--client-cert wanted"
									 : "";
		snprintf(spaced, sizeof spaced, "%s", value);
		for (char *p = spaced; *p; p++)
			*p = *p == '~' ? ' ' : *p;
		snprintf(text, sizeof text, "--%s %s %s", def->name, value, also);
		parse_good(&c, text, "HOME=/h");
		assert_int_equal(c.o.set[i].source, SOURCE_FLAG);
		assert_string_equal(c.o.set[i].text, spaced);
		options_free(&c.o);

		snprintf(text, sizeof text, "--%s=%s %s", def->name, value, also);
		parse_good(&c, text, "HOME=/h");
		assert_int_equal(c.o.set[i].source, SOURCE_FLAG);
		options_free(&c.o);

		size_t n = (size_t)snprintf(name, sizeof name, "TUNHTTPD_%s", def->name);
		for (size_t j = 0; j < n; j++)
			name[j] = name[j] == '-'
					  ? '_'
					  : (char)((name[j] >= 'a' && name[j] <= 'z') ? name[j] - 32
										      : name[j]);
		snprintf(text, sizeof text, "HOME=/h %s=%s", name, value);
		parse_good(&c, also, text);
		assert_int_equal(c.o.set[i].source, SOURCE_ENV);
		options_free(&c.o);

		snprintf(text, sizeof text, "# a comment\n%s = %s\n", def->name, spaced);
		char *path = config_with(text);
		snprintf(text, sizeof text, "--config %s %s", path, also);
		parse_good(&c, text, "HOME=/h");
		assert_int_equal(c.o.set[i].source, SOURCE_FILE);
		assert_string_equal(c.o.set[i].text, spaced);
		options_free(&c.o);
		unlink(path);
		free(path);
	}
}

static void test_fast_open_is_switched_on(void **state)
{
	struct call c;

	(void)state;
	parse_good(&c, "--fast-open on", "HOME=/h");
	assert_true(c.o.fast_open);
	options_free(&c.o);
	parse_good(&c, "--fast-open off", "HOME=/h TUNHTTPD_FAST_OPEN=on");
	assert_false(c.o.fast_open);
	options_free(&c.o);
}

static void test_flag_beats_environment_beats_file_beats_default(void **state)
{
	char *path = config_with("http = 8001\nhttps = 8002\ngrace = 3\n");
	char args[128], env[128];
	struct call c;

	(void)state;
	snprintf(args, sizeof args, "--http 8021");
	snprintf(env, sizeof env,
		 "HOME=/h TUNHTTPD_HTTP=8011 TUNHTTPD_HTTPS=8012 TUNHTTPD_CONFIG=%s", path);
	parse_good(&c, args, env);
	assert_int_equal(c.o.http, 8021);
	assert_int_equal(c.o.https, 8012);
	assert_int_equal(c.o.grace_us, 3000000);
	assert_int_equal(c.o.mtu, 1500);
	options_free(&c.o);
	unlink(path);
	free(path);
}

static void test_names_add_up_within_one_source(void **state)
{
	struct call c;

	(void)state;
	parse_good(&c, "--name a.org --name b.org,10.0.0.9", "HOME=/h TUNHTTPD_NAME=c.org,d.org");
	assert_int_equal(c.o.names.count, 3);
	assert_string_equal(c.o.names.list[0], "a.org");
	assert_string_equal(c.o.names.list[2], "10.0.0.9");
	options_free(&c.o);
	parse_good(&c, "", "HOME=/h TUNHTTPD_NAME=c.org,d.org");
	assert_int_equal(c.o.names.count, 2);
	options_free(&c.o);
}

static void test_directory_is_the_one_bare_word(void **state)
{
	struct call c;

	(void)state;
	parse_good(&c, "site --http 8080", "HOME=/h");
	assert_string_equal(c.o.site.root, "site");
	options_free(&c.o);
	parse_good(&c, "--http 8080 -- --site", "HOME=/h");
	assert_string_equal(c.o.site.root, "--site");
	options_free(&c.o);
	parse(&c, "one two", "HOME=/h");
	assert_int_equal(c.status, EXIT_USAGE);
	assert_non_null(strstr(c.error, "\"two\""));
	options_free(&c.o);
}

static void test_state_directory_follows_the_environment(void **state)
{
	struct call c;

	(void)state;
	parse_good(&c, "", "HOME=/h XDG_DATA_HOME=/data");
	assert_string_equal(c.o.state, "/data/tunhttpd");
	options_free(&c.o);
	parse_good(&c, "--state here", "HOME=/h XDG_DATA_HOME=/data");
	assert_string_equal(c.o.state, "here");
	options_free(&c.o);
	/* Relative ones are to be ignored (XDG Base Directory Specification). */
	parse_good(&c, "", "HOME=/h XDG_DATA_HOME=data");
	assert_string_equal(c.o.state, "/h/.local/share/tunhttpd");
	options_free(&c.o);
	parse(&c, "", "");
	if (geteuid() == 0) {
		assert_int_equal(c.status, 0);
		assert_string_equal(c.o.state, "/var/lib/tunhttpd");
	} else {
		assert_int_equal(c.status, EXIT_CONFIG);
		assert_non_null(strstr(c.error, "--state"));
	}
	options_free(&c.o);
	/* Who brings a certificate needs none. */
	parse_good(&c, "--cert c --key k", "");
	assert_null(c.o.state);
	options_free(&c.o);
}

static void test_help_and_version_need_nothing_else(void **state)
{
	struct call c;

	(void)state;
	parse_good(&c, "--help", "TUNHTTPD_HTTP=nonsense");
	assert_true(c.o.help);
	options_free(&c.o);
	parse_good(&c, "www -V", "TUNHTTPD_CONFIG=/nowhere");
	assert_true(c.o.version);
	options_free(&c.o);
}

/* ------------------------------------------------------------------ what is wrong */

static void test_each_error_says_what_where_and_what_is_allowed(void **state)
{
	static const struct {
		const char *args, *env;
		int status;
		const char *words[3]; /* that the line must contain */
	} cases[] = {
		{"--http 99999", "", EXIT_USAGE, {"--http", "99999", "1 to 65535"}},
		{"--http=", "", EXIT_USAGE, {"--http", "\"\"", "1 to 65535"}},
		{"--http", "", EXIT_USAGE, {"--http needs a value", "1 to 65535"}},
		{"-c", "", EXIT_USAGE, {"--config needs a value"}},
		{"-x", "", EXIT_USAGE, {"unknown option -x", "--help"}},
		{"--htps 1", "", EXIT_USAGE, {"unknown option --htps", "did you mean --https"}},
		{"--adress=10.0.0.2/8", "", EXIT_USAGE, {"--adress;", "did you mean --address"}},
		{"--zzzzzzzz", "", EXIT_USAGE, {"unknown option --zzzzzzzz", "--help"}},
		{"--check=yes", "", EXIT_USAGE, {"--check takes no value", "yes"}},
		{"--address6 fd00::/64", "", EXIT_USAGE, {"--address6", "fd77:7475:6e00::2/64"}},
		{"--address 10.77.0.0/24", "", EXIT_USAGE, {"--address", "10.77.0.2/24"}},
		{"--workers 0", "", EXIT_USAGE, {"--workers", "1 to 64, or auto"}},
		{"--workers 65", "", EXIT_USAGE, {"--workers", "1 to 64, or auto"}},
		{"--mtu 575", "", EXIT_USAGE, {"--mtu", "576 to 65535"}},
		{"--grace -1", "", EXIT_USAGE, {"--grace", "\"-1\"", "seconds"}},
		{"--idle-timeout 0", "", EXIT_USAGE, {"--idle-timeout", "above 0"}},
		{"--tcp-keepalive 0.9", "", EXIT_USAGE, {"--tcp-keepalive", "0 for off"}},
		{"--log xml", "", EXIT_USAGE, {"--log", "combined, json, off, or a text"}},
		{"--log $statsu", "", EXIT_CONFIG, {"--log:", "did you mean $status?"}},
		{"--log-file syslog:x", "", EXIT_USAGE, {"--log-file", "syslog[:FACILITY]"}},
		{"--log-connections yes", "", EXIT_USAGE, {"--log-connections", "on or off"}},
		{"--request-id yes", "", EXIT_USAGE, {"--request-id", "on or off"}},
		{"--offload auto", "", EXIT_USAGE, {"--offload", "on or off"}},
		{"--fast-open yes", "", EXIT_USAGE, {"--fast-open", "on or off"}},
		{"--tun a/b", "", EXIT_USAGE, {"--tun", "network interface"}},
		{"--name a..b", "", EXIT_USAGE, {"--name", "DNS names"}},
		{"--redirect /a", "", EXIT_USAGE, {"--redirect: \"/a\"", "FROM TO"}},
		{"--redirect", "", EXIT_USAGE, {"--redirect needs a value", "FROM TO [STATUS]"}},
		{"--redirect /a~/b --redirect b~/c",
		 "",
		 EXIT_USAGE,
		 {"--redirect: \"b /c\"", "FROM"}},
		{"--redirect /a~/b --redirect /b~/a", "", EXIT_USAGE, {"\"/b /a\"", "circles"}},
		{"--hsts 1y", "", EXIT_USAGE, {"--hsts", "seconds"}},
		{"--header Content-Length:1", "", EXIT_USAGE, {"--header", "frames the message"}},
		{"--cache *.html~max-age=x", "", EXIT_USAGE, {"--cache", "PATTERN VALUE"}},
		{"--cors https://a.test/", "", EXIT_USAGE, {"--cors", "without a path"}},
		{"--cors *~https://a.test", "", EXIT_USAGE, {"--cors", "exclude each other"}},
		{"--cors * --cors-credentials on",
		 "",
		 EXIT_CONFIG,
		 {"cors-credentials is on and cors is *"}},
		{"--cors-headers a,* --cors-credentials on",
		 "",
		 EXIT_CONFIG,
		 {"cors-headers is *"}},
		{"--redirect-https on --https off",
		 "",
		 EXIT_CONFIG,
		 {"redirect-https", "https is off"}},
		{"", "TUNHTTPD_HTTP=x", EXIT_CONFIG, {"TUNHTTPD_HTTP:", "\"x\"", "1 to 65535"}},
		{"", "TUNHTTPD_IDLE_TIMEOUT=x", EXIT_CONFIG, {"TUNHTTPD_IDLE_TIMEOUT:"}},
		/* Overridden, but wrong all the same. */
		{"--http 80", "TUNHTTPD_HTTP=x", EXIT_CONFIG, {"TUNHTTPD_HTTP:"}},
		{"--cert c", "", EXIT_CONFIG, {"--cert is given without --key"}},
		{"--key k", "", EXIT_CONFIG, {"--key is given without --cert"}},
		{"--cert a,b --key a", "", EXIT_CONFIG, {"--cert names 2 files and --key 1"}},
		{"--cert a, --key a", "", EXIT_USAGE, {"--cert", "paths of files"}},
		{"--client-cert maybe",
		 "",
		 EXIT_USAGE,
		 {"--client-cert", "off, wanted or required"}},
		{"--client-cert wanted",
		 "",
		 EXIT_CONFIG,
		 {"--client-cert is given without --client-ca"}},
		{"--client-ca f", "", EXIT_CONFIG, {"--client-ca is given without --client-cert"}},
		{"--max-connections 0", "", EXIT_USAGE, {"--max-connections", "1 to 1000000"}},
		{"--max-connections-per-client 0", "", EXIT_USAGE, {"per-client", "or off"}},
		{"--limit-requests 5", "", EXIT_USAGE, {"--limit-requests", "20/s"}},
		{"--limit-exempt localhost", "", EXIT_USAGE, {"--limit-exempt", "10.0.0.0/8"}},
		{"--max-header-size 511", "", EXIT_USAGE, {"--max-header-size", "512 to 65535"}},
		{"--max-header-size 64k", "", EXIT_USAGE, {"--max-header-size", "16k"}},
		{"--max-target-size 63", "", EXIT_USAGE, {"--max-target-size", "64 to 65535"}},
		{"--max-body-size 1025g", "", EXIT_USAGE, {"--max-body-size", "1024g"}},
		{"--max-header-fields 0", "", EXIT_USAGE, {"--max-header-fields", "1 to 10000"}},
		{"--max-requests 0", "", EXIT_USAGE, {"--max-requests", "1 to"}},
		{"--max-pipeline 0", "", EXIT_USAGE, {"--max-pipeline", "1 to"}},
		{"--max-ranges 65", "", EXIT_USAGE, {"--max-ranges", "0 to 64"}},
		{"--min-send-rate 0", "", EXIT_USAGE, {"--min-send-rate", "or off"}},
		{"--min-receive-rate 1000001", "", EXIT_USAGE, {"--min-receive-rate", "1000000"}},
		{"--rate-window 0", "", EXIT_USAGE, {"--rate-window", "above 0"}},
		{"--body-timeout 0", "", EXIT_USAGE, {"--body-timeout", "above 0"}},
		{"--ticket-lifetime 90000", "", EXIT_USAGE, {"--ticket-lifetime", "86400"}},
		{"--http off --https off", "", EXIT_CONFIG, {"--http and --https are both off"}},
		{"--http 443", "", EXIT_CONFIG, {"both 443"}},
		{"--config /nonexistent/file",
		 "",
		 EXIT_CONFIG,
		 {"/nonexistent/file", "No such file"}},
		{"--config /",
		 "",
		 EXIT_CONFIG,
		 {"cannot read the configuration file /", "directory"}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char env[256];
		struct call c;
		snprintf(env, sizeof env, "HOME=/h %s", cases[i].env);
		parse(&c, cases[i].args, env);
		if (c.status != cases[i].status)
			fail_msg("%s [%s]: status %d: %s", cases[i].args, env, c.status, c.error);
		assert_null(strchr(c.error, '\n'));
		for (size_t w = 0; w < COUNT(cases[i].words) && cases[i].words[w]; w++)
			if (!strstr(c.error, cases[i].words[w]))
				fail_msg("%s: \"%s\" is not in: %s", cases[i].args,
					 cases[i].words[w], c.error);
		options_free(&c.o);
	}
}

static void test_errors_of_the_file_name_the_line(void **state)
{
	static const struct {
		const char *content;
		const char *words[2]; /* the path goes before the first */
	} cases[] = {
		{"http = 80\nhttps = x\n", {":2: https", "\"x\""}},
		{"; c\n\n# c\nhtps = 1\n", {":4: ", "did you mean https"}},
		{"[site]\nroot = x\n", {":1: ", "needs a host name"}},
		{"[server]\nroot = x\n", {":1: ", "did you mean [site"}},
		{"[sites a.test]\n", {":1: ", "did you mean [site a.test]"}},
		{"[site a.test\nroot = x\n", {":1: ", "in brackets"}},
		{"[site a.test] root = x\n", {":1: ", "in brackets"}},
		{"[site a..test]\n", {":1: ", "\"a..test\" is no host name"}},
		{"[site a.test b/c]\n", {":1: ", "\"b/c\" is no host name"}},
		{"[site a.test]\nrot = x\n", {":2: ", "did you mean root?"}},
		{"[site a.test]\nmtu = 1400\n", {":2: mtu", "before the first section"}},
		{"[site a.test]\n\nhttps = off\n", {":3: https", "before the first section"}},
		{"[site a.test]\nmtuu = 1400\n", {":2: ", "no option of a site"}},
		{"[site a.test]\ncert = c\n", {":1: cert", "without key"}},
		{"[site a.test]\ncert = a,b\nkey = k\n", {":1: cert", "names 2 files and key 1"}},
		{"[site a.test]\n[site b.test A.test.]\n", {":2: a.test", ":1 already"}},
		{"[site [FD77::02]]\n[site fd77:0::2]\n", {":2: fd77::2", ":1 already"}},
		{"[site a.test]\nroot =\n", {":2: root", "\"\""}},
		{"[site a.test]\nheader = Date: x\n", {":2: header: \"Date: x\"", "9110"}},
		{"[site a.test]\ncache = *.x y\ncache = *.x y=\n",
		 {":3: cache: \"*.x y=\"", "PATTERN"}},
		{"cors = *\n[site a.test]\ncors-credentials = on\n",
		 {":2: cors-credentials", "cors is *"}},
		{"http = 80\nthis is no pair\nhttps = 443\n", {":2: ", "name = value"}},
		{"http = 80\n https = 443\n", {":2: ", "space"}},
		{"config = other\n", {":1: ", "no option is called \"config\""}},
		{"help = yes\n", {":1: ", "no option is called \"help\""}},
		{"= 5\n", {":1: ", "no option is called \"\""}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *path = config_with(cases[i].content);
		char args[128], expected[256];
		struct call c;
		snprintf(args, sizeof args, "--config %s", path);
		parse(&c, args, "HOME=/h");
		assert_int_equal(c.status, EXIT_CONFIG);
		snprintf(expected, sizeof expected, "%s%s", path, cases[i].words[0]);
		if (!strstr(c.error, expected) ||
		    (cases[i].words[1] && !strstr(c.error, cases[i].words[1])))
			fail_msg("\"%s\" \"%s\" is not in: %s", expected, cases[i].words[1],
				 c.error);
		options_free(&c.o);
		unlink(path);
		free(path);
	}
}

static void test_long_line_of_the_file_is_an_error(void **state)
{
	char content[8192], args[128];
	struct call c;

	(void)state;
	memset(content, 'x', sizeof content);
	memcpy(content, "http = 80\nroot = ", 17);
	content[sizeof content - 1] = '\0';
	char *path = config_with(content);
	snprintf(args, sizeof args, "--config %s", path);
	parse(&c, args, "HOME=/h");
	assert_int_equal(c.status, EXIT_CONFIG);
	assert_non_null(strstr(c.error, ":2: the line is too long"));
	options_free(&c.o);
	unlink(path);
	free(path);
}

/* ------------------------------------------------------------------ sections */

static void parse_file(struct call *c, const char *content, const char *more, const char *env)
{
	char *path = config_with(content);
	char args[256];

	snprintf(args, sizeof args, "--config %s %s", path, more);
	parse_good(c, args, env);
	unlink(path);
	free(path);
}

static void test_sections_are_sites(void **state)
{
	struct call c;

	(void)state;
	parse_file(&c,
		   "\xef\xbb\xbfroot = /default\ncert = d\nkey = dk\n"
		   "[site One.Test *.one.test]  ; the first\nroot = /one\n"
		   "[ site two.test. 10.0.0.9, [fd77:0:0::2] ]\ncert = a\ncert = b\nkey = "
		   "x,y\n[site three.test]\n",
		   "", "HOME=/h");
	assert_int_equal(c.o.section_count, 3);
	const struct site_section *s = c.o.section;
	assert_string_equal(s[0].hosts.list[0], "one.test");
	assert_string_equal(s[0].hosts.list[1], "*.one.test");
	assert_int_equal(s[0].hosts.count, 2);
	assert_string_equal(s[0].site.root, "/one");
	assert_string_equal(s[0].site.cert.list[0], "d");
	assert_false(s[0].own_pair);
	assert_string_equal(s[1].hosts.list[0], "two.test");
	assert_string_equal(s[1].hosts.list[1], "10.0.0.9");
	assert_string_equal(s[1].hosts.list[2], "fd77::2");
	assert_string_equal(s[1].site.root, "/default");
	assert_int_equal(s[1].site.cert.count, 2);
	assert_string_equal(s[1].site.key.list[1], "y");
	assert_true(s[1].own_pair);
	assert_string_equal(s[2].site.root, "/default");
	assert_null(c.o.state); /* there are certificates */
	options_free(&c.o);
}

/* A section is weaker than nobody: flags and environment are for the default site. */
static void test_sections_keep_what_they_say(void **state)
{
	struct call c;

	(void)state;
	parse_file(&c, "root = /file\n[site a.test]\nroot = /a\n[site b.test]\n", "--root /flag",
		   "HOME=/h TUNHTTPD_ROOT=/env");
	assert_string_equal(c.o.site.root, "/flag");
	assert_string_equal(c.o.section[0].site.root, "/a");
	assert_string_equal(c.o.section[1].site.root, "/flag");
	options_free(&c.o);
}

static void test_many_sections(void **state)
{
	char *content = NULL;
	size_t len;
	FILE *out = open_memstream(&content, &len);
	struct call c;

	(void)state;
	for (int i = 0; i < SECTIONS_MAX; i++)
		fprintf(out, "[site h%d.test]\nroot = /%d\n", i, i);
	fflush(out);
	parse_file(&c, content, "", "HOME=/h");
	assert_int_equal(c.o.section_count, SECTIONS_MAX);
	assert_string_equal(c.o.section[777].site.root, "/777");
	options_free(&c.o);
	fprintf(out, "[site more.test]\n");
	fclose(out);
	char *path = config_with(content), args[64];
	snprintf(args, sizeof args, "--config %s", path);
	parse(&c, args, "HOME=/h");
	assert_int_equal(c.status, EXIT_CONFIG);
	assert_non_null(strstr(c.error, ":2049: more than 1024 sites"));
	options_free(&c.o);
	unlink(path);
	free(path);
	free(content);
}

/* libinih's buffers hold 199 bytes of a line and 49 of a section. */
static void test_long_lines_are_taken_whole(void **state)
{
	struct call c;

	(void)state;
	for (size_t len = 150; len < 3900; len += len < 250 ? 1 : 577) {
		char content[CONFIG_LINE_MAX + 64], value[CONFIG_LINE_MAX];
		memset(value, 'v', len);
		memcpy(value, "/a=b:c;d", 8);
		value[len] = '\0';
		snprintf(content, sizeof content, "root  =  %s  ; a comment\ngrace = 3\n", value);
		parse_file(&c, content, "", "HOME=/h");
		assert_string_equal(c.o.site.root, value);
		assert_int_equal(c.o.grace_us, 3000000);
		options_free(&c.o);
	}
	parse_file(&c,
		   "[site a-name-of-some-length.example.org another-name-of-length.example.org "
		   "*.example.net]\n",
		   "", "HOME=/h");
	assert_int_equal(c.o.section[0].hosts.count, 3);
	assert_string_equal(c.o.section[0].hosts.list[2], "*.example.net");
	options_free(&c.o);
}

/* ------------------------------------------------------------------ as text */

static char *printed(void (*print)(const struct options *o, FILE *out), const struct options *o)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	print(o, out);
	fclose(out);
	return text;
}

static void print_help(const struct options *o, FILE *out)
{
	(void)o;
	options_print_help(out);
}

static void test_help_names_every_option_and_its_default(void **state)
{
	char *help = printed(print_help, NULL);

	(void)state;
	for (size_t i = 0; i < option_count; i++) {
		const struct option_def *def = &option_table[i];
		char text[128];
		snprintf(text, sizeof text, "--%s%s%s", def->name, def->argument ? " " : "",
			 def->argument ? def->argument : "");
		assert_non_null(strstr(help, text));
		assert_non_null(strstr(help, def->help));
		snprintf(text, sizeof text, "(%s)", def->default_text ? def->default_text : "");
		if (def->default_text)
			assert_non_null(strstr(help, text));
	}
	free(help);
}

static void test_printed_configuration_is_a_configuration_file(void **state)
{
	struct call c, again;

	(void)state;
	parse_good(&c, "site --http 8080 --name a.org --name b.org --grace 0.5", "HOME=/h");
	char *text = printed(options_print, &c.o);
	char *path = config_with(text);
	char args[128];
	snprintf(args, sizeof args, "--config %s", path);
	parse_good(&again, args, "");
	assert_string_equal(again.o.site.root, "site");
	assert_int_equal(again.o.http, 8080);
	assert_int_equal(again.o.names.count, 2);
	assert_int_equal(again.o.grace_us, 500000);
	assert_string_equal(again.o.state, "/h/.local/share/tunhttpd");
	options_free(&c.o);
	options_free(&again.o);
	unlink(path);
	free(path);
	free(text);
}

/* libinih takes a ";" behind a blank for a comment, so no blank is printed before one. */
static void test_a_value_that_begins_like_a_comment(void **state)
{
	struct call c;

	(void)state;
	parse_file(&c, "root =;odd\n", "", "HOME=/h");
	assert_string_equal(c.o.site.root, ";odd");
	char *text = printed(options_print, &c.o);
	options_free(&c.o);
	parse_file(&c, text, "", "HOME=/h");
	assert_string_equal(c.o.site.root, ";odd");
	options_free(&c.o);
	free(text);
}

/* What --print-config says of a file with sections, to the byte. */
static void test_printed_sections(void **state)
{
	char expected[1024];
	struct call c;

	(void)state;
	char *path = config_with("strict-hosts = on\n[site A.test *.a.test]\nroot = /a\n\n"
				 "[site b.test]\ncert = b\ncert = c\nkey = k,l\n");
	char args[64];
	snprintf(args, sizeof args, "--config %s", path);
	parse_good(&c, args, "HOME=/h TUNHTTPD_ROOT=/r");
	char *text = printed(options_print, &c.o);
	snprintf(expected, sizeof expected,
		 "\n; file %s:2\n[site a.test *.a.test]\n; file %s:3\nroot = /a\n"
		 "\n; file %s:5\n[site b.test]\n; file %s:7\ncert = b,c\n; file %s:8\nkey = k,l\n",
		 path, path, path, path, path);
	const char *sections = strstr(text, "\n\n");
	assert_non_null(sections);
	assert_string_equal(sections + 1, expected);
	snprintf(expected, sizeof expected, "; file %s:1\nstrict-hosts = on\n", path);
	assert_non_null(strstr(text, expected));
	assert_non_null(strstr(text, "; environment\nroot = /r\n"));
	options_free(&c.o);
	unlink(path);
	free(path);
	/* And it is a file that says the same. */
	parse_file(&c, text, "", "HOME=/h");
	assert_int_equal(c.o.section_count, 2);
	assert_string_equal(c.o.section[0].site.root, "/a");
	assert_string_equal(c.o.section[1].site.root, "/r");
	assert_int_equal(c.o.section[1].site.key.count, 2);
	options_free(&c.o);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_are_those_of_the_table),
		cmocka_unit_test(test_every_option_comes_by_flag_environment_and_file),
		cmocka_unit_test(test_fast_open_is_switched_on),
		cmocka_unit_test(test_flag_beats_environment_beats_file_beats_default),
		cmocka_unit_test(test_names_add_up_within_one_source),
		cmocka_unit_test(test_directory_is_the_one_bare_word),
		cmocka_unit_test(test_state_directory_follows_the_environment),
		cmocka_unit_test(test_help_and_version_need_nothing_else),
		cmocka_unit_test(test_each_error_says_what_where_and_what_is_allowed),
		cmocka_unit_test(test_errors_of_the_file_name_the_line),
		cmocka_unit_test(test_long_line_of_the_file_is_an_error),
		cmocka_unit_test(test_help_names_every_option_and_its_default),
		cmocka_unit_test(test_printed_configuration_is_a_configuration_file),
		cmocka_unit_test(test_printed_sections),
		cmocka_unit_test(test_a_value_that_begins_like_a_comment),
		cmocka_unit_test(test_sections_are_sites),
		cmocka_unit_test(test_sections_keep_what_they_say),
		cmocka_unit_test(test_many_sections),
		cmocka_unit_test(test_long_lines_are_taken_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
