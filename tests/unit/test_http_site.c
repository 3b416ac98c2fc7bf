/* SPDX-License-Identifier: Apache-2.0 */
/* What a site does with requests before any file is looked for, and what it adds to responses. */
#include "http_harness.h"

/* Three sites: the default one, "one.test" with rules of every kind, "cors.test". */
struct world {
	struct site files;
	struct http_site sites[3];
	struct http_server *server;
};

static const char *const one_hosts[] = {"one.test", "[ignored]", NULL};
static const char *const cors_hosts[] = {"cors.test", NULL};

static void add_rules(struct world *w)
{
	struct http_site *one = &w->sites[1], *cors = &w->sites[2];
	const char *why;

	assert_true(http_redirects_add(&one->redirects, "/old/* /sub/* 308", &why));
	assert_true(http_redirects_add(&one->redirects, "/moved https://two.test/x 302", &why));
	assert_true(http_cache_rules_add(&one->cache_rules, "*.html no-cache", &why));
	assert_true(http_cache_rules_add(&one->cache_rules, "/sub/** max-age=5", &why));
	assert_true(http_fields_add(&one->fields, "X-Site: one", &why));
	assert_true(http_hsts_parse("300", &one->hsts, &why));
	one->cache_hashed = true;
	assert_true(http_cors_add(&w->sites[0].cors, "*", &why));
	assert_true(http_cors_add(&cors->cors, "https://a.test http://b.test:8080", &why));
	cors->cors_headers = "X-A, X-B";
	cors->cors_max_age = 600;
	cors->cors_credentials = true;
}

static int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct http_server_config cfg;

	site_create(&w->files);
	write_text(w->files.root_fd, "app.3f2a91bc.js", "x\n");
	for (size_t i = 0; i < 3; i++)
		w->sites[i] = w->files.files;
	w->sites[1].hosts = one_hosts;
	w->sites[2].hosts = cors_hosts;
	add_rules(w);
	http_server_config_default(&cfg);
	cfg.sites = w->sites;
	cfg.site_count = 3;
	w->server = http_server_create(&cfg);
	assert_non_null(w->server);
	*state = w;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *w = *state;

	http_server_destroy(w->server);
	for (size_t i = 0; i < 3; i++) {
		http_redirects_free(&w->sites[i].redirects);
		http_cache_rules_free(&w->sites[i].cache_rules);
		http_fields_free(&w->sites[i].fields);
		http_cors_free(&w->sites[i].cors);
	}
	site_destroy(&w->files);
	free(w);
	return 0;
}

/* One request, its lines parted by '|'; the response is freed by the caller. */
static char *ask(struct http_server *server, const char *lines, bool secure)
{
	struct http_conn *c = http_conn_create(server, at_us(0), HTTP_PROTOCOL_1, secure, NULL);
	char request[2048];
	size_t n = 0;

	for (const char *p = lines; *p; p++) {
		if (*p == '|')
			request[n++] = '\r';
		request[n++] = *p == '|' ? '\n' : *p;
	}
	memcpy(request + n, "\r\n\r\n", 5);
	send_text(c, at_us(0), request);
	char *answer = receive(c, at_us(0));
	http_conn_destroy(c);
	return answer;
}

struct exchange {
	const char *request;
	int status;
	const char *has[4];   /* lines of the response            */
	const char * not [3]; /* what is not in it                */
};

static void exchange(struct http_server *server, const struct exchange *e, bool secure)
{
	char *answer = ask(server, e->request, secure), line[256];
	int status = 0;

	assert_int_equal(sscanf(answer, "HTTP/1.1 %3d", &status), 1);
	if (status != e->status)
		fail_msg("%s: %d, not %d", e->request, status, e->status);
	for (size_t i = 0; i < 4 && e->has[i]; i++) {
		snprintf(line, sizeof(line), "\r\n%s\r\n", e->has[i]);
		if (!strstr(answer, line))
			fail_msg("%s: no \"%s\" in\n%s", e->request, e->has[i], answer);
	}
	for (size_t i = 0; i < 3 && e->not [i]; i++)
		if (strstr(answer, e->not [i]))
			fail_msg("%s: \"%s\" in\n%s", e->request, e->not [i], answer);
	free(answer);
}

static void exchange_all(struct http_server *server, const struct exchange *e, size_t count,
			 bool secure)
{
	for (size_t i = 0; i < count; i++)
		exchange(server, &e[i], secure);
}

#define EXCHANGE_ALL(server, cases, secure) \
	exchange_all(server, cases, sizeof(cases) / sizeof((cases)[0]), secure)

static void test_redirects(void **state)
{
	static const struct exchange cases[] = {
		{"GET /old/a%20b?q HTTP/1.1|Host: one.test",
		 308,
		 {"Location: /sub/a%20b?q", "X-Site: one",
		  "Content-Type: text/html; charset=utf-8"},
		 {"Cache-Control"}},
		{"GET /old/x/..//y HTTP/1.1|Host: one.test", 308, {"Location: /sub/y"}, {0}},
		{"HEAD /moved HTTP/1.1|Host: one.test",
		 302,
		 {"Location: https://two.test/x"},
		 {"<html"}},
		{"GET /moved/ HTTP/1.1|Host: one.test", 404, {"X-Site: one"}, {0}},
		{"GET /moved HTTP/1.1|Host: other.test", 404, {0}, {"X-Site"}},
		{"POST /moved HTTP/1.1|Host: one.test|Content-Length: 0",
		 405,
		 {"X-Site: one"},
		 {"Location"}},
		{"GET /%2e%2e/x HTTP/1.1|Host: one.test", 400, {"X-Site: one"}, {0}},
	};
	struct world *w = *state;

	EXCHANGE_ALL(w->server, cases, false);
}

/* A request that is none has no site: another one's fields are not for it, least of all HSTS. */
static void test_fields_of_the_site(void **state)
{
	static const struct exchange plain[] = {
		{"GET / HTTP/1.1|Host: one.test", 200, {"X-Site: one"}, {"Strict-Transport"}},
	};
	static const struct exchange secure[] = {
		{"GET / HTTP/1.1|Host: one.test",
		 200,
		 {"X-Site: one", "Strict-Transport-Security: max-age=300"},
		 {0}},
		{"GET /nothing HTTP/1.1|Host: one.test",
		 404,
		 {"X-Site: one", "Strict-Transport-Security: max-age=300"},
		 {0}},
		{"GET / HTTP/1.1|Host: else.test",
		 200,
		 {"Access-Control-Allow-Origin: *"},
		 {"X-Site", "Strict"}},
		{"GET / HTTP/1.1|Host: one.test|Host: one.test",
		 400,
		 {0},
		 {"X-Site", "Strict", "Access-Control"}},
	};
	struct world *w = *state;

	EXCHANGE_ALL(w->server, plain, false);
	EXCHANGE_ALL(w->server, secure, true);
}

static void test_cache_control(void **state)
{
	static const struct exchange cases[] = {
		{"GET / HTTP/1.1|Host: one.test", 200, {"Cache-Control: no-cache"}, {0}},
		{"GET /sub/ HTTP/1.1|Host: one.test",
		 200,
		 {"Cache-Control: no-cache"},
		 {"max-age"}},
		{"HEAD /index.html HTTP/1.1|Host: one.test", 200, {"Cache-Control: no-cache"}, {0}},
		{"GET /app.3f2a91bc.js HTTP/1.1|Host: one.test",
		 200,
		 {"Cache-Control: public, max-age=31536000, immutable"},
		 {0}},
		{"GET /app.3f2a91bc.js HTTP/1.1|Host: one.test|Range: bytes=0-0",
		 206,
		 {"Cache-Control: public, max-age=31536000, immutable"},
		 {0}},
		{"GET /app.3f2a91bc.js HTTP/1.1|Host: one.test|If-Modified-Since: " NOW_TEXT,
		 304,
		 {"Cache-Control: public, max-age=31536000, immutable"},
		 {0}},
		{"GET /app.3f2a91bc.js HTTP/1.1|Host: one.test|Range: bytes=9-",
		 416,
		 {0},
		 {"Cache-Control"}},
		{"GET /app.3f2a91bc.js HTTP/1.1|Host: one.test|If-Match: \"x\"",
		 412,
		 {0},
		 {"Cache-Control"}},
		{"GET /sub/none HTTP/1.1|Host: one.test", 404, {0}, {"Cache-Control"}},
		{"GET /hello.txt HTTP/1.1|Host: one.test", 200, {0}, {"Cache-Control"}},
		{"GET /app.3f2a91bc.js HTTP/1.1|Host: else.test", 200, {0}, {"Cache-Control"}},
	};
	struct world *w = *state;

	EXCHANGE_ALL(w->server, cases, false);
}

#define PREFLIGHT "OPTIONS /hello.txt HTTP/1.1|Host: cors.test|Access-Control-Request-Method: GET|"

/* The Fetch standard, 3.2. */
static void test_cors(void **state)
{
	static const struct exchange cases[] = {
		{"GET /hello.txt HTTP/1.1|Host: cors.test|Origin: https://a.test",
		 200,
		 {"Access-Control-Allow-Origin: https://a.test",
		  "Access-Control-Allow-Credentials: true", "Vary: Origin"},
		 {"Allow-Methods", "Max-Age"}},
		{"GET /none HTTP/1.1|Host: cors.test|Origin: http://b.test:8080",
		 404,
		 {"Access-Control-Allow-Origin: http://b.test:8080", "Vary: Origin"},
		 {0}},
		{"GET /hello.txt HTTP/1.1|Host: cors.test",
		 200,
		 {"Vary: Origin"},
		 {"Access-Control"}},
		{"GET /hello.txt HTTP/1.1|Host: cors.test|If-Modified-Since: " NOW_TEXT,
		 304,
		 {"Vary: Origin"},
		 {"Access-Control"}},
		{"GET /hello.txt HTTP/1.1|Host: cors.test|Origin: https://c.test",
		 200,
		 {"Vary: Origin"},
		 {"Access-Control"}},
		{"GET /hello.txt HTTP/1.1|Host: cors.test|Origin: https://A.test",
		 200,
		 {"Vary: Origin"},
		 {"Access-Control"}},
		{"GET /hello.txt HTTP/1.1|Host: cors.test|Origin: null",
		 200,
		 {"Vary: Origin"},
		 {"Access-Control"}},
		{"GET /hello.txt HTTP/1.1|Host: cors.test|Origin: https://a.test|Origin: "
		 "https://a.test",
		 200,
		 {0},
		 {"Access-Control"}},
		{PREFLIGHT "Origin: https://a.test|Access-Control-Request-Headers: x-a",
		 204,
		 {"Access-Control-Allow-Origin: https://a.test",
		  "Access-Control-Allow-Methods: GET, HEAD, OPTIONS",
		  "Access-Control-Allow-Headers: X-A, X-B", "Access-Control-Max-Age: 600"},
		 {"Content-Length"}},
		{PREFLIGHT "Origin: https://a.test",
		 204,
		 {"Access-Control-Allow-Credentials: true", "Vary: Origin"},
		 {0}},
		{PREFLIGHT "Origin: https://c.test", 200, {"Vary: Origin"}, {"Access-Control"}},
		{PREFLIGHT "X: y", 200, {"Allow: GET, HEAD, OPTIONS"}, {"Access-Control"}},
		{"OPTIONS /hello.txt HTTP/1.1|Host: cors.test|Origin: https://a.test",
		 200,
		 {"Access-Control-Allow-Origin: https://a.test"},
		 {"Allow-Methods"}},
		{"PUT /hello.txt HTTP/1.1|Host: cors.test|Origin: https://a.test|Content-Length: 0",
		 405,
		 {"Access-Control-Allow-Origin: https://a.test"},
		 {0}},
		/* For all the same: nothing varies. */
		{"GET /hello.txt HTTP/1.1|Host: any.test|Origin: https://c.test",
		 200,
		 {"Access-Control-Allow-Origin: *"},
		 {"Vary: Origin", "Credentials"}},
		{"GET /hello.txt HTTP/1.1|Host: any.test",
		 200,
		 {"Access-Control-Allow-Origin: *"},
		 {"Vary: Origin"}},
		{"OPTIONS / HTTP/1.1|Host: any.test|Origin: null|Access-Control-Request-Method: "
		 "GET",
		 204,
		 {"Access-Control-Allow-Origin: *",
		  "Access-Control-Allow-Methods: GET, HEAD, OPTIONS"},
		 {"Allow-Headers", "Max-Age", "Credentials"}},
	};
	struct world *w = *state;

	EXCHANGE_ALL(w->server, cases, false);
}

static void test_http_becomes_https(void **state)
{
	static const struct exchange plain[] = {
		{"GET /a%20b/../c?q=1&r HTTP/1.1|Host: one.test",
		 301,
		 {"Location: https://one.test:8443/a%20b/../c?q=1&r"},
		 {"Strict-Transport"}},
		{"HEAD / HTTP/1.1|Host: ONE.test:80",
		 301,
		 {"Location: https://ONE.test:8443/"},
		 {0}},
		{"GET / HTTP/1.1|Host: one.test.", 301, {"Location: https://one.test.:8443/"}, {0}},
		{"GET http://one.test/x? HTTP/1.1|Host: one.test",
		 301,
		 {"Location: https://one.test:8443/x?"},
		 {0}},
		{"GET http://one.test HTTP/1.1|Host: one.test",
		 301,
		 {"Location: https://one.test:8443/"},
		 {0}},
		{"OPTIONS /x HTTP/1.1|Host: one.test",
		 308,
		 {"Location: https://one.test:8443/x"},
		 {0}},
		{"OPTIONS * HTTP/1.1|Host: one.test", 200, {"Allow: GET, HEAD, OPTIONS"}, {0}},
		/* Before the site's other redirects, which https will see. */
		{"GET /moved HTTP/1.1|Host: one.test",
		 301,
		 {"Location: https://one.test:8443/moved"},
		 {0}},
		{"GET /.well-known/acme-challenge/x HTTP/1.1|Host: one.test",
		 404,
		 {0},
		 {"Location"}},
		{"GET /.well-known/acme-challenge/../x HTTP/1.1|Host: one.test", 301, {0}, {0}},
		{"GET /.well-known/security.txt HTTP/1.1|Host: one.test", 301, {0}, {0}},
		{"GET /%00 HTTP/1.1|Host: one.test", 400, {0}, {"Location"}},
		{"POST / HTTP/1.1|Host: one.test|Content-Length: 0", 405, {0}, {"Location"}},
		{"GET / HTTP/1.1|Host: cors.test", 200, {0}, {0}},
	};
	static const struct exchange secure[] = {{"GET / HTTP/1.1|Host: one.test", 200, {0}, {0}}};
	struct world *w = *state;
	struct http_server_config cfg;

	w->sites[0].redirect_https = w->sites[1].redirect_https = true;
	http_server_config_default(&cfg);
	cfg.sites = w->sites;
	cfg.site_count = 3;
	cfg.https_port = 8443;
	struct http_server *server = http_server_create(&cfg);
	EXCHANGE_ALL(server, plain, false);
	EXCHANGE_ALL(server, secure, true);
	const struct exchange nameless = {"GET / HTTP/1.0", 400, {0}, {"Location"}};
	exchange(server, &nameless, false);
	const struct exchange ip6 = {"GET / HTTP/1.1|Host: [fd00::1]:80",
				     301,
				     {"Location: https://[fd00::1]:8443/"},
				     {0}};
	exchange(server, &ip6, false);
	http_server_destroy(server);

	cfg.https_port = 443;
	server = http_server_create(&cfg);
	const struct exchange usual = {
		"GET / HTTP/1.1|Host: one.test", 301, {"Location: https://one.test/"}, {0}};
	exchange(server, &usual, false);
	http_server_destroy(server);
}

static void test_strict_hosts(void **state)
{
	static const struct exchange cases[] = {
		{"GET / HTTP/1.1|Host: one.test:80", 200, {"X-Site: one"}, {0}},
		{"GET / HTTP/1.1|Host: else.test", 421, {0}, {"Access-Control"}},
		{"GET http://one.test/ HTTP/1.1|Host: one.test", 200, {"X-Site: one"}, {0}},
		{"OPTIONS * HTTP/1.1|Host: else.test", 421, {0}, {0}},
		{"GET / HTTP/1.0", 200, {0}, {"X-Site"}},
	};
	struct world *w = *state;
	struct http_server_config cfg;

	http_server_config_default(&cfg);
	cfg.sites = w->sites;
	cfg.site_count = 3;
	cfg.strict_hosts = true;
	struct http_server *server = http_server_create(&cfg);
	EXCHANGE_ALL(server, cases, false);
	http_server_destroy(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_redirects, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_fields_of_the_site, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_cache_control, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_cors, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_http_becomes_https, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_strict_hosts, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
