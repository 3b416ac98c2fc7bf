/* SPDX-License-Identifier: Apache-2.0 */
/* Paths for those who know a password: RFC 7617. The passwords themselves are a function of the test's. */
#include "http_harness.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ------------------------------------------------------------------ rules and credentials */

static void test_rules_are_read(void **state)
{
	static const struct {
		const char *line, *path, *file,
			*realm; /* path NULL: it is none, and `realm` is in the reason */
	} cases[] = {
		{"/a /etc/pw \"The realm\"", "/a", "/etc/pw", "The realm"},
		{"/a/ \"/etc/a b\" x", "/a", "/etc/a b", "x"},
		{"/ pw r", "", "pw", "r"},
		{"/a%20b/./c/ pw r", "/a b/c", "pw", "r"},
		{"", NULL, NULL, "it takes"},
		{"/a", NULL, NULL, "it takes"},
		{"/a pw", NULL, NULL, "it takes"},
		{"/a pw \"open", NULL, NULL, "it takes"},
		{"/a \"\" r", NULL, NULL, "it takes"},
		{"/a pw r more", NULL, NULL, "it takes"},
		{"a pw r", NULL, NULL, "PATH"},
		{"/a* pw r", NULL, NULL, "PATH"},
		{"/a?b pw r", NULL, NULL, "PATH"},
		{"/../a pw r", NULL, NULL, "PATH"},
		{"/a pw \"\"", NULL, NULL, "REALM"},
		{"/a pw \"a\\b\"", NULL, NULL, "REALM"},
		{"/a pw caf\xc3\xa9", NULL, NULL, "REALM"},
		{"/a pw \"a\r\nb\"", NULL, NULL, "REALM"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_auth_rules list = {0};
		const char *why = NULL;

		if (http_auth_rules_add(&list, cases[i].line, &why) != !!cases[i].path)
			fail_msg("%s: %s", cases[i].line, why);
		if (!cases[i].path) {
			assert_non_null(strstr(why, cases[i].realm));
			continue;
		}
		assert_string_equal(list.rule[0].path, cases[i].path);
		assert_string_equal(list.rule[0].file, cases[i].file);
		assert_string_equal(list.rule[0].realm, cases[i].realm);
		assert_false(http_auth_rules_add(&list, cases[i].line, &why));
		http_auth_rules_free(&list);
	}
}

static void test_credentials_are_read(void **state)
{
	static const struct {
		const char *value, *name, *password; /* name NULL: they are none */
	} cases[] = {
		{"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"}, /* RFC 7617 2 */
		{"basic   QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"},
		{"BASIC QWxhZGRpbjpvcGVuIHNlc2FtZQ", "Aladdin", "open sesame"},
		{"Basic dGVzdDoxMjPCow==", "test", "123\xc2\xa3"}, /* RFC 7617 2.1 */
		{"Basic YTpiOmM=", "a", "b:c"},
		{"Basic Og==", "", ""},
		{"Basic YTo=", "a", ""},
		{"Basic", NULL, NULL},
		{"Basic ", NULL, NULL},
		{"", NULL, NULL},
		{"Bearer YTpi", NULL, NULL},
		{"Basic YWI=", NULL, NULL},  /* no colon            */
		{"Basic YTpiY", NULL, NULL}, /* a single character  */
		{"Basic YTp*", NULL, NULL},
		{"Basic YT pi", NULL, NULL},
		{"Basic YTpiYx==", NULL, NULL}, /* bits behind the end */
		{"Basic YQA6Yg==", NULL, NULL}, /* a NUL               */
		{"Basic YTpiCg==", NULL, NULL}, /* a line break        */
		{"Basic YTpi====", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_credentials c;
		const bool good = http_credentials_read(
			(struct http_str){cases[i].value, strlen(cases[i].value)}, &c);

		if (good != !!cases[i].name)
			fail_msg("%s", cases[i].value);
		if (good && cases[i].name) {
			assert_string_equal(c.name, cases[i].name);
			assert_string_equal(c.password, cases[i].password);
		}
	}
}

static void test_long_credentials_are_none(void **state)
{
	struct http_credentials c;
	char value[2048] = "Basic YTpi";
	size_t len = 10;

	(void)state;
	/* "a:b" and then three more bytes with each four characters */
	for (size_t size = 3; size + 3 < HTTP_CREDENTIALS_SIZE; size += 3, len += 4)
		memcpy(value + len, "YWFh", 4);
	assert_true(http_credentials_read((struct http_str){value, len}, &c));
	assert_int_equal(strlen(c.password), HTTP_CREDENTIALS_SIZE - 4);
	memcpy(value + len, "YWFhYWFh", 8);
	assert_false(http_credentials_read((struct http_str){value, len + 8}, &c));
}

static void test_longest_path_counts(void **state)
{
	struct http_auth_rules rules = {0};
	struct http_auth auth[3] = {0};
	static const struct {
		const char *path;
		int rule; /* -1: none */
	} cases[] = {
		{"/a", 0},       {"/a/", 0},  {"/a/x", 0},   {"/ab", -1},     {"/", -1},
		{"/b/a", -1},    {"/a/b", 1}, {"/a/b/", 1},  {"/a/b/c/d", 1}, {"/a/bc", 0},
		{"/a.html", -1}, {"/x y", 2}, {"/x y/z", 2}, {"/x%20y", -1},
	};
	const char *why;

	(void)state;
	assert_true(http_auth_rules_add(&rules, "/a pw r", &why));
	assert_true(http_auth_rules_add(&rules, "/a/b/ pw r", &why));
	assert_true(http_auth_rules_add(&rules, "/x%20y pw r", &why));
	for (size_t i = 0; i < 3; i++)
		auth[i].rule = &rules.rule[i];
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct http_auth *found = http_auth_find(auth, 3, cases[i].path);
		if (found != (cases[i].rule < 0 ? NULL : &auth[cases[i].rule]))
			fail_msg("%s", cases[i].path);
	}
	http_auth_rules_free(&rules);
}

/* ------------------------------------------------------------------ requests */

struct door {
	struct site files;
	struct http_auth_rules rules;
	struct http_auth auth[3];
	struct http_redirects redirects;
	struct http_server *server;
	unsigned asked; /* for passwords */
	char logged[64];
};

/* The password is the name, and who is called "busy" has to wait. The rule for /sub is Bob's alone. */
static enum http_password check(void *ctx, const struct http_auth *auth,
				const struct http_credentials *who, time_t now)
{
	struct door *d = ctx;

	d->asked++;
	assert_int_equal(now, NOW_WALL);
	if (strcmp(who->name, "busy") == 0)
		return HTTP_PASSWORD_BUSY;
	if (strcmp(auth->rule->path, "/sub") == 0 && strcmp(who->name, "bob") != 0)
		return HTTP_PASSWORD_WRONG;
	return strcmp(who->name, who->password) == 0 ? HTTP_PASSWORD_RIGHT : HTTP_PASSWORD_WRONG;
}

static void note(void *ctx, const struct http_log_entry *entry)
{
	struct door *d = ctx;

	snprintf(d->logged, sizeof(d->logged), "%s", entry->remote_user ? entry->remote_user : "-");
}

static void open_door(struct door *d, bool over_http)
{
	static const char *const lines[] = {"/noindex pw \"A realm\"", "/sub pw Sub",
					    "/index.html pw Index"};
	struct http_server_config cfg;
	const char *why;

	for (size_t i = 0; i < 3 && d->rules.count < 3; i++)
		assert_true(http_auth_rules_add(&d->rules, lines[i], &why));
	for (size_t i = 0; i < 3; i++)
		d->auth[i].rule = &d->rules.rule[i];
	d->files.files.auth = d->auth;
	d->files.files.auth_count = 3;
	d->files.files.auth_over_http = over_http;
	d->files.files.redirects = d->redirects;
	d->files.files.cache_hashed = true;
	http_server_config_default(&cfg);
	cfg.sites = &d->files.files;
	cfg.site_count = 1;
	cfg.check_password = check;
	cfg.password_ctx = cfg.log_ctx = d;
	cfg.log = note;
	d->server = http_server_create(&cfg);
	assert_non_null(d->server);
}

static int door_setup(void **state)
{
	struct door *d = calloc(1, sizeof(*d));
	const char *why;

	site_create(&d->files);
	write_text(d->files.root_fd, "noindex/app.3f2a91bc.js", "x\n");
	assert_true(http_redirects_add(&d->redirects, "/noindex/old /hello.txt", &why));
	open_door(d, false);
	*state = d;
	return 0;
}

static int door_teardown(void **state)
{
	struct door *d = *state;

	http_server_destroy(d->server);
	http_auth_rules_free(&d->rules);
	http_redirects_free(&d->redirects);
	site_destroy(&d->files);
	free(d);
	return 0;
}

#define ANNA "Authorization: Basic YW5uYTphbm5h\r\n" /* anna:anna */
#define BOB "Authorization: Basic Ym9iOmJvYg==\r\n"
#define WRONG "Authorization: Basic YW5uYTpib2I=\r\n"
#define BUSY "Authorization: Basic YnVzeTpidXN5\r\n"

static const struct {
	const char *line, *field;
	int status;
	const char *has, *user;
} requests[] = {
	{"GET /noindex/file.txt", "", 401,
	 "WWW-Authenticate: Basic realm=\"A realm\", charset=\"UTF-8\"\r\n", "-"},
	{"HEAD /noindex/file.txt", "", 401, "WWW-Authenticate: Basic ", "-"},
	{"GET /noindex/file.txt", ANNA, 200, "\r\n\r\nfile\n", "anna"},
	{"GET /noindex/file.txt", WRONG, 401, "realm=\"A realm\"", "-"},
	{"GET /noindex/file.txt", BUSY, 503, "Retry-After: 1\r\n", "-"},
	{"GET /noindex/file.txt", ANNA ANNA, 401, "", "-"},
	{"GET /noindex/file.txt", "Authorization: Bearer x\r\n", 401, "", "-"},
	/* However the path is written, and whether there is something or not. */
	{"GET /%6eoindex/file.txt", "", 401, "", "-"},
	{"GET /x/..//noindex/./file.txt", "", 401, "", "-"},
	{"GET /noindex", "", 401, "", "-"},
	{"GET /noindex/", "", 401, "", "-"},
	{"GET /noindex/nothing", "", 401, "", "-"},
	{"GET /noindex/old", "", 401, "", "-"},
	{"OPTIONS /noindex/file.txt", "", 401, "", "-"},
	{"GET /noindex/nothing", ANNA, 404, "", "anna"},
	{"GET /noindex/old", ANNA, 301, "Location: /hello.txt\r\n", "anna"},
	{"GET /noindex", ANNA, 301, "Location: /noindex/\r\n", "anna"},
	/* No shared cache may keep what was given for a password. */
	{"GET /noindex/app.3f2a91bc.js", ANNA, 200,
	 "Cache-Control: private, max-age=31536000, immutable\r\n", "anna"},
	/* Each rule for itself. */
	{"GET /sub/page.html", ANNA, 401, "realm=\"Sub\"", "-"},
	{"GET /sub/page.html", BOB, 200, "", "bob"},
	{"GET /hello.txt", "", 200, "", "-"},
	{"GET /hello.txt", ANNA, 200, "", "-"},
	{"GET /noindexed", "", 404, "", "-"},
	/* The index is behind a password by its own name. */
	{"GET /index.html", "", 401, "realm=\"Index\"", "-"},
	{"GET /", "", 401, "realm=\"Index\"", "-"},
	{"GET /", ANNA, 200, "", "anna"},
	{"POST /noindex/file.txt", "Content-Length: 0\r\n", 405, "", "-"},
};

static char *ask(struct door *d, const char *line, const char *field, bool secure)
{
	struct http_conn *c = http_conn_create(d->server, at_us(0), HTTP_PROTOCOL_1, secure, NULL);
	char request[512];

	snprintf(request, sizeof(request), "%s HTTP/1.1\r\nHost: x\r\n%s\r\n", line, field);
	send_text(c, at_us(0), request);
	char *answer = receive(c, at_us(0));
	http_conn_destroy(c);
	return answer;
}

static void expect_all(struct door *d, bool secure)
{
	for (size_t i = 0; i < COUNT(requests); i++) {
		char *answer = ask(d, requests[i].line, requests[i].field, secure);

		if (atoi(answer + 9) != requests[i].status || !strstr(answer, requests[i].has) ||
		    strcmp(d->logged, requests[i].user) != 0)
			fail_msg("%s %s: user %s\n%s", requests[i].line, requests[i].field,
				 d->logged, answer);
		free(answer);
	}
}

static void test_passwords_are_asked_for(void **state)
{
	expect_all(*state, true);
}

static void test_not_without_tls_unless_allowed(void **state)
{
	struct door *d = *state;

	for (size_t i = 0; i < COUNT(requests); i++) {
		char *answer = ask(d, requests[i].line, requests[i].field, false);
		const bool open = strstr(requests[i].line, "hello.txt") ||
				  requests[i].status == 405 ||
				  strstr(requests[i].line, "noindexed");
		assert_int_equal(atoi(answer + 9), open ? requests[i].status : 403);
		assert_null(strstr(answer, "WWW-Authenticate"));
		free(answer);
	}
	assert_int_equal(d->asked, 0);
	http_server_destroy(d->server);
	open_door(d, true);
	expect_all(d, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_are_read),
		cmocka_unit_test(test_credentials_are_read),
		cmocka_unit_test(test_long_credentials_are_none),
		cmocka_unit_test(test_longest_path_counts),
		cmocka_unit_test_setup_teardown(test_passwords_are_asked_for, door_setup,
						door_teardown),
		cmocka_unit_test_setup_teardown(test_not_without_tls_unless_allowed, door_setup,
						door_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
