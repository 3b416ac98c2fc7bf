/* SPDX-License-Identifier: Apache-2.0 */
/* What a site answers for a path beyond its files: clean addresses, a fallback page, error pages,
 * dotfiles, index lists; and what Accept says. */
#include "tests/unit/http_cases.h"

#include "http/accept.h"

#define REQUEST(target) "GET " target " HTTP/1.1\r\nHost: h\r\n"
#define GET(target) REQUEST(target) "\r\n"
#define GOES(target) REQUEST(target) "Sec-Fetch-Mode: navigate\r\n\r\n"
#define VARY "\r\nVary: Sec-Fetch-Mode, Accept\r\n"
#define NO_CACHE "\r\nCache-Control: no-cache\r\n"
/* What Firefox and Chromium send when they go somewhere. */
#define BROWSER \
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n"

static struct http_site site_of(void **state)
{
	return ((const struct site *)*state)->files;
}

static int setup(void **state)
{
	static const char *const directories[] = {"both",  "plain",  "docs",
						  ".data", "routes", "errors"};
	struct site *s;

	site_setup(state);
	s = *state;
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		assert_int_equal(mkdirat(s->root_fd, directories[i], 0755), 0);
	write_text(s->root_fd, "about.html", "<p>about</p>\n");
	write_text(s->root_fd, "both.html", "<p>both, the page</p>\n");
	write_text(s->root_fd, "both/index.html", "<p>both, the directory</p>\n");
	write_text(s->root_fd, "bare", "bare\n");
	write_text(s->root_fd, "bare.html", "<p>bare.html</p>\n");
	write_text(s->root_fd, "docs/index.htm", "<p>htm</p>\n");
	write_text(s->root_fd, "docs/index.html", "<p>html</p>\n");
	write_text(s->root_fd, "plain/a.html.html", "<p>twice</p>\n");
	write_text(s->root_fd, "plain/.html", "<p>only the suffix</p>\n");
	write_text(s->root_fd, ".data/page.html", "<p>data</p>\n");
	write_text(s->root_fd, "errors/404.html", "<h1>own 404</h1>\n");
	write_text(s->root_fd, "errors/403.json", "{\"<h1>\":403}\n");
	assert_int_equal(symlinkat(".data/page.html", s->root_fd, "mounted.html"), 0);
	return 0;
}

/* ------------------------------------------------------------------ clean URLs */

static const struct http_case clean_cases[] = {
	CASE("a page without its suffix", GET("/about"), "200", OPEN,
	     HAS("<p>about</p>", "Content-Type: text/html")),
	CASE("HEAD of it", "HEAD /about HTTP/1.1\r\nHost: h\r\n\r\n", "200", OPEN,
	     HAS("Content-Length: 13\r\n"), TO_HEAD),
	CASE("its other address leads there, with the query", GET("/about.html?a=b"), "301", OPEN,
	     HAS("\r\nLocation: /about?a=b\r\n", "shorter address")),
	CASE("one below", GET("/sub/page.html"), "301", OPEN, HAS("\r\nLocation: /sub/page\r\n")),
	CASE("an index", GET("/sub/index.html?x"), "301", OPEN, HAS("\r\nLocation: /sub/?x\r\n")),
	CASE("the index of the root", GET("/index.html"), "301", OPEN, HAS("\r\nLocation: /\r\n")),
	CASE("the index without its suffix is a page like any other", GET("/sub/index"), "200",
	     OPEN, HAS("<p>sub</p>")),
	CASE("with a slash behind it", GET("/about/?q"), "301", OPEN,
	     HAS("\r\nLocation: /about?q\r\n")),
	CASE("but not to a file of just that name", GET("/bare/"), "404", OPEN),
	CASE("below it there is nothing", GET("/about/x"), "404", OPEN),
	CASE("a page and a directory: without a slash the page", GET("/both"), "200", OPEN,
	     HAS("the page")),
	CASE("with it the directory", GET("/both/"), "200", OPEN, HAS("the directory")),
	CASE("and the page is redirected to its own address", GET("/both.html"), "301", OPEN,
	     HAS("\r\nLocation: /both\r\n")),
	CASE("a file that has the clean name already wins", GET("/bare"), "200", OPEN,
	     HAS("bare\n"), LACKS("<p>")),
	CASE("then the page keeps its suffix", GET("/bare.html"), "200", OPEN,
	     HAS("<p>bare.html</p>")),
	CASE("a directory alone", GET("/noindex"), "301", OPEN, HAS("\r\nLocation: /noindex/\r\n")),
	CASE("the suffix twice", GET("/plain/a.html.html"), "301", OPEN,
	     HAS("\r\nLocation: /plain/a.html\r\n")),
	CASE("leads to the file", GET("/plain/a.html"), "200", OPEN, HAS("<p>twice</p>")),
	CASE("nothing", GET("/missing"), "404", OPEN),
	CASE("nothing with a suffix", GET("/missing.html"), "404", OPEN),
	CASE("nothing with a slash", GET("/missing/"), "404", OPEN),
	CASE("other types keep theirs", GET("/hello.txt"), "200", OPEN, HAS(HELLO)),
	CASE("only .html is left out", GET("/hello"), "404", OPEN),
	CASE("the first of two indexes", GET("/docs/index.htm"), "301", OPEN,
	     HAS("\r\nLocation: /docs/\r\n")),
	CASE("the second is a page", GET("/docs/index.html"), "301", OPEN,
	     HAS("\r\nLocation: /docs/index\r\n")),
	CASE("that keeps its content", GET("/docs/index"), "200", OPEN, HAS("<p>html</p>")),
	CASE("a hidden page", GET("/.data/page"), "404", OPEN),
};

static void test_clean_urls(void **state)
{
	struct http_site site = site_of(state);

	site.clean_urls = true;
	site.index[0] = "index.htm";
	site.index[1] = "index.html";
	RUN_ON(state, &site, clean_cases);
}

static const struct http_case clean_dot_cases[] = {
	CASE("nothing but a suffix has no shorter address", GET("/plain/.html"), "200", OPEN,
	     HAS("only the suffix")),
	CASE("nor does a slash ask for it", GET("/plain//"), "403", OPEN),
};

static void test_a_page_named_by_its_suffix_alone(void **state)
{
	struct http_site site = site_of(state);

	site.clean_urls = site.dotfiles = true;
	RUN_ON(state, &site, clean_dot_cases);
}

static const struct http_case unclean_cases[] = {
	CASE("off by default", GET("/about"), "404", OPEN),
	CASE("pages have their names", GET("/about.html"), "200", OPEN, HAS("<p>about</p>")),
	CASE("and indexes theirs", GET("/sub/index.html"), "200", OPEN, HAS("<p>sub</p>")),
};

static void test_clean_urls_are_off_by_default(void **state)
{
	struct http_site site = site_of(state);

	RUN_ON(state, &site, unclean_cases);
}

/* Where a redirect leads there is no other one. */
static void test_redirects_do_not_lead_to_redirects(void **state)
{
	static const char *const paths[] = {"/about.html",       "/about/",
					    "/both.html",        "/index.html",
					    "/docs/index.html",  "/docs/index.htm",
					    "/noindex",          "/sub/index.html",
					    "/plain/a.html.html"};
	struct site s = *(struct site *)*state;
	struct http_server *server;

	s.files.clean_urls = true;
	s.files.index[0] = "index.htm";
	s.files.index[1] = "index.html";
	server = site_server(&s);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char request[256], target[128];
		struct output out;
		const char *at, *end;
		struct reply r;

		snprintf(target, sizeof(target), "%s", paths[i]);
		for (int hop = 0; hop < 2; hop++) {
			snprintf(request, sizeof(request), GET("%s"), target);
			converse_text(server, request, &out);
			at = (const char *)out.data;
			end = at + out.len;
			assert_true(take_reply(&at, end, false, &r));
			if ((r.status == 301) != (hop == 0))
				fail_msg("%s: %d at %s", paths[i], r.status, target);
			if (r.status == 301)
				snprintf(target, sizeof(target), "%s", reply_field(&r, "Location"));
			free(out.data);
		}
	}
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ fallback */

static const struct http_case fallback_cases[] = {
	CASE("a navigation to what is not there", GOES("/users/42"), "200", OPEN,
	     HAS("<p>index</p>", VARY, NO_CACHE, "Content-Type: text/html")),
	CASE("HEAD of it", "HEAD /users/42 HTTP/1.1\r\nHost: h\r\nSec-Fetch-Mode: navigate\r\n\r\n",
	     "200", OPEN, HAS(VARY, NO_CACHE), LACKS("<p>"), TO_HEAD),
	CASE("with a slash", GOES("/users/"), "200", OPEN, HAS("<p>index</p>", VARY, NO_CACHE)),
	CASE("with a query", GOES("/users?x=1.2"), "200", OPEN, HAS("<p>index</p>")),
	CASE("it is confirmed with the same fields",
	     REQUEST("/users") "Sec-Fetch-Mode: navigate\r\nIf-None-Match: *\r\n\r\n", "304", OPEN,
	     HAS(VARY, NO_CACHE)),
	CASE("a fetch gets the truth", REQUEST("/users/42") "Sec-Fetch-Mode: cors\r\n\r\n", "404",
	     OPEN, HAS(VARY), LACKS("<p>index</p>", "no-cache")),
	CASE("a fetch that likes pages, too",
	     REQUEST("/users/42") "Sec-Fetch-Mode: cors\r\n" BROWSER "\r\n", "404", OPEN),
	CASE("a browser that speaks of no mode", REQUEST("/users/42") BROWSER "\r\n", "200", OPEN,
	     HAS("<p>index</p>", VARY, NO_CACHE)),
	CASE("a client that takes anything", REQUEST("/users/42") "Accept: */*\r\n\r\n", "404",
	     OPEN, HAS(VARY)),
	CASE("a client that says nothing", GET("/users/42"), "404", OPEN, HAS(VARY)),
	CASE("a client that likes JSON better",
	     REQUEST("/users/42") "Accept: text/html;q=0.5, application/json\r\n\r\n", "404", OPEN),
	CASE("what looks like a file", GOES("/app.3f2a.js"), "404", OPEN,
	     LACKS("<p>index</p>", "Vary: Sec")),
	CASE("only its last segment counts", GOES("/v1.2/users"), "200", OPEN),
	CASE("what programs ask for (8615)", GOES("/.well-known/change-password"), "404", OPEN,
	     LACKS("<p>index</p>")),
	CASE("a name that only begins so", GOES("/x.well-known/a"), "200", OPEN),
	CASE("a hidden name", GOES("/.git/config"), "404", OPEN, LACKS("<p>index</p>")),
	CASE("a hidden name within", GOES("/a/.env/b"), "404", OPEN, LACKS("<p>index</p>")),
	CASE("a directory that gives nothing", GOES("/noindex/"), "200", OPEN,
	     HAS("<p>index</p>", VARY, NO_CACHE)),
	CASE("but not to a fetch", REQUEST("/noindex/") "Sec-Fetch-Mode: cors\r\n\r\n", "403", OPEN,
	     HAS(VARY)),
	CASE("what is there", GOES("/sub/"), "200", OPEN, HAS("<p>sub</p>"),
	     LACKS("Vary: Sec", "Cache-Control")),
	CASE("the page by its own name", GOES("/index.html"), "200", OPEN, HAS("<p>index</p>"),
	     LACKS("Vary: Sec")),
	CASE("other methods",
	     "POST /users HTTP/1.1\r\nHost: h\r\nSec-Fetch-Mode: navigate\r\n"
	     "Content-Length: 0\r\n\r\n",
	     "405", OPEN),
};

static void test_fallback(void **state)
{
	struct http_site site = site_of(state);

	site.fallback = "/index.html";
	RUN_ON(state, &site, fallback_cases);
}

static const struct http_case no_fallback_cases[] = {
	CASE("without one nothing varies", GOES("/users/42"), "404", OPEN, LACKS("Vary")),
};

static const struct http_case lost_fallback_cases[] = {
	CASE("one that is not there", GOES("/users/42"), "404", OPEN, HAS(VARY)),
};

static void test_fallback_is_off_by_default_and_may_be_missing(void **state)
{
	struct http_site site = site_of(state);

	RUN_ON(state, &site, no_fallback_cases);
	site.fallback = "/nowhere.html";
	RUN_ON(state, &site, lost_fallback_cases);
}

static void test_permissions_are_no_reason_to_fall_back(void **state)
{
	static const struct http_case cases[] = {
		CASE("denied", GOES("/bare"), "403", OPEN, LACKS("<p>index</p>")),
	};
	const struct site *s = *state;
	struct http_site site = site_of(state);

	if (geteuid() != 0)
		skip();
	site.fallback = "/index.html";
	assert_int_equal(fchmodat(s->root_fd, "bare", 0600, 0), 0);
	assert_int_equal(seteuid(65534), 0);
	RUN_ON(state, &site, cases);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(fchmodat(s->root_fd, "bare", 0644, 0), 0);
}

/* ------------------------------------------------------------------ error pages */

static const struct http_case error_cases[] = {
	CASE("the site's page", GET("/missing"), "404", OPEN,
	     HAS("<h1>own 404</h1>\n", "Content-Type: text/html; charset=utf-8\r\n",
		 "Content-Length: 17\r\n"),
	     LACKS("ETag", "Last-Modified")),
	CASE("no part of it", REQUEST("/missing") "Range: bytes=0-3\r\n\r\n", "404", OPEN,
	     HAS("<h1>own 404</h1>\n"), LACKS("Accept-Ranges", "Content-Range")),
	CASE("no condition counts (9110 13.2.1)", REQUEST("/missing") "If-None-Match: *\r\n\r\n",
	     "404", OPEN, HAS("<h1>own 404</h1>\n")),
	CASE("HEAD", "HEAD /missing HTTP/1.1\r\nHost: h\r\n\r\n", "404", OPEN,
	     HAS("Content-Length: 17\r\n"), LACKS("<h1>"), TO_HEAD),
	CASE("two in a row", GET("/missing") GET("/missing"), "404 404", OPEN),
	CASE("by its own name it is a page", GET("/errors/404.html"), "200", OPEN,
	     HAS("<h1>own 404</h1>\n", "ETag")),
	CASE("another type", GET("/noindex/"), "403", OPEN,
	     HAS("{\"<h1>\":403}", "Content-Type: application/json")),
	CASE("an empty page", REQUEST("/hello.txt") "If-Match: \"no\"\r\n\r\n", "412", OPEN,
	     HAS("Content-Length: 0\r\n")),
	CASE("with what the status requires", REQUEST("/hello.txt") "Range: bytes=99-\r\n\r\n",
	     "416", OPEN, HAS("Content-Range: bytes */14\r\n", "<h1>own 404</h1>\n")),
	CASE("methods for no page get the plain one",
	     "POST /hello.txt HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "405", OPEN,
	     HAS("<h1>405 Method Not Allowed</h1>", "\r\nAllow: GET, HEAD, OPTIONS\r\n")),
	CASE("one that is not there", REQUEST("/hello.txt") "Expect: tea\r\n\r\n", "417", OPEN,
	     HAS("<h1>417 Expectation Failed</h1>")),
	CASE("what is no request gets the plain one", "GET / HTTP/1.1\n\n", "400", CLOSED,
	     HAS("<h1>400 Bad Request</h1>")),
	CASE("a path that is none, too", GET("/%zz"), "400", CLOSED,
	     HAS("<h1>400 Bad Request</h1>")),
};

static void test_error_pages(void **state)
{
	static const struct http_error_page pages[] = {
		{404, "/errors/404.html"}, {403, "/errors/403.json"},  {416, "/errors/404.html"},
		{412, "/empty.txt"},       {417, "/errors/none.html"}, {405, "/errors/404.html"},
		{400, "/errors/404.html"}, {404, "/hello.txt"},
	};
	struct http_site site = site_of(state);

	site.error_pages = pages;
	site.error_page_count = sizeof(pages) / sizeof(pages[0]);
	RUN_ON(state, &site, error_cases);
}

static const struct http_case error_and_fallback_cases[] = {
	CASE("a fetch sees the error page, which varies", GET("/users"), "404", OPEN,
	     HAS("<h1>own 404</h1>\n", VARY)),
	CASE("a person the fallback page", GOES("/users"), "200", OPEN, HAS("<p>index</p>")),
};

static void test_error_page_beside_a_fallback(void **state)
{
	static const struct http_error_page page = {404, "/errors/404.html"};
	struct http_site site = site_of(state);

	site.error_pages = &page;
	site.error_page_count = 1;
	site.fallback = "/index.html";
	RUN_ON(state, &site, error_and_fallback_cases);
}

/* ------------------------------------------------------------------ dotfiles, links, indexes */

static const struct http_case dot_cases[] = {
	CASE("a dotfile", GET("/.secret"), "200", OPEN, HAS("secret\n")),
	CASE("in a hidden directory", GET("/sub/.git/config"), "200", OPEN, HAS("secret\n")),
};

static void test_dotfiles_may_be_served(void **state)
{
	struct http_site site = site_of(state);

	site.dotfiles = true;
	RUN_ON(state, &site, dot_cases);
}

/* What a container's volume is made of: what counts is the name that is asked for. */
static const struct http_case link_cases[] = {
	CASE("a link to what lies in a hidden directory", GET("/mounted.html"), "200", OPEN,
	     HAS("<p>data</p>")),
};

static const struct http_case no_link_cases[] = {
	CASE("no links: none to a file", GET("/link-in"), "404", OPEN),
	CASE("none to a directory", GET("/link-dir"), "404", OPEN),
	CASE("none on the way", GET("/link-dir/page.html"), "404", OPEN),
	CASE("files are as before", GET("/sub/page.html"), "200", OPEN),
};

static void test_links_by_policy(void **state)
{
	struct http_site site = site_of(state);

	RUN_ON(state, &site, link_cases);
	site.symlinks = HTTP_SYMLINKS_NONE;
	RUN_ON(state, &site, no_link_cases);
}

static const struct http_case index_cases[] = {
	CASE("the second name, for the first is not there", GET("/sub/"), "200", OPEN,
	     HAS("<p>sub</p>", "Content-Type: text/html")),
	CASE("the first of both", GET("/docs/"), "200", OPEN, HAS("<p>htm</p>")),
	CASE("the third", GET("/noindex/"), "200", OPEN, HAS("file\n", "Content-Type: text/plain")),
	CASE("none", GET("/routes/"), "403", OPEN),
};

static void test_index_lists(void **state)
{
	struct http_site site = site_of(state);

	site.index[0] = "index.htm";
	site.index[1] = "index.html";
	site.index[2] = "file.txt";
	RUN_ON(state, &site, index_cases);
}

/* ------------------------------------------------------------------ Accept */

/* A request that has nothing but these fields; `mode` may be NULL, and so may `accept`. */
static struct http_request request_with(const char *accept, const char *mode,
					struct http_field fields[2], char text[512])
{
	struct http_request r = {.base = text, .fields = fields, .field_max = 2};
	const size_t len = accept ? strlen(accept) : 0;

	snprintf(text, 512, "%s%s", accept ? accept : "", mode ? mode : "");
	if (accept)
		fields[r.field_count++] =
			(struct http_field){{0, (uint16_t)len}, HTTP_FIELD_ACCEPT};
	if (mode)
		fields[r.field_count++] = (struct http_field){
			{(uint16_t)len, (uint16_t)strlen(mode)}, HTTP_FIELD_SEC_FETCH_MODE};
	return r;
}

static void test_accept(void **state)
{
	static const struct {
		const char *accept;
		unsigned html, json;
		bool html_named, json_named;
	} cases[] = {
		{NULL, 1000, 1000, false, false},
		{"", 0, 0, false, false},
		{"text/html", 1000, 0, true, false},
		{"TEXT/HTML", 1000, 0, true, false},
		{"*/*", 1000, 1000, false, false},
		{"text/*", 1000, 0, false, false},
		{"text/*;q=0.3, */*;q=0.7", 300, 700, false, false},
		{"text/*;q=0.3, text/html;q=0.7", 700, 0, true, false},
		{"text/html;q=0, */*", 0, 1000, true, false},
		{"application/json, */*;q=0.1", 100, 1000, false, true},
		{"application/json;charset=utf-8;q=0.5", 0, 500, false, true},
		{"text/html ; Q=0.123", 123, 0, true, false},
		{"text/html;q=1.000", 1000, 0, true, false},
		{"text/html;q=1.001", 0, 0, true, false},
		{"text/html;q=0.1234", 0, 0, true, false},
		{"text/html;q=", 0, 0, true, false},
		{"text/html;q=x", 0, 0, true, false},
		{"text/html;q=2", 0, 0, true, false},
		{"text/html;q=0x5", 0, 0, true, false},
		{"text/html;;q=0.5;", 500, 0, true, false},
		{"text/htm, html, text/html5, text", 0, 0, false, false},
		{"texts/*, tex/*, text/", 0, 0, false, false},
		{", ,;q=0.1,", 0, 0, false, false},
		{"text/html;q=0.1, text/html;q=0.9", 900, 0, true, false},
	};
	struct http_field fields[2];
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_request r = request_with(cases[i].accept, NULL, fields, text);
		const struct http_preference html = http_accept(&r, "text/html");
		const struct http_preference json = http_accept(&r, "application/json");

		if (html.weight != cases[i].html || json.weight != cases[i].json ||
		    html.named != cases[i].html_named || json.named != cases[i].json_named)
			fail_msg("\"%s\": html %u %d, json %u %d",
				 cases[i].accept ? cases[i].accept : "-", html.weight, html.named,
				 json.weight, json.named);
	}
}

static void test_navigations(void **state)
{
	static const struct {
		const char *accept, *mode;
		bool navigation;
	} cases[] = {
		{NULL, "navigate", true},
		{"*/*", "navigate", true},
		{"text/html", "no-cors", false},
		{"text/html", "cors", false},
		{"text/html", "websocket", false},
		{"text/html", "Navigate", false},
		{"text/html", "", false},
		{"text/html", NULL, true},
		{"text/html,application/xhtml+xml,*/*;q=0.8", NULL, true},
		{"*/*, text/html", NULL, true},
		{"text/html;q=0.9, */*", NULL, false},
		{"text/html;q=0", NULL, false},
		{"text/html;q=0, */*;q=0", NULL, false},
		{"text/*", NULL, false},
		{"*/*", NULL, false},
		{NULL, NULL, false},
	};
	struct http_field fields[2];
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_request r =
			request_with(cases[i].accept, cases[i].mode, fields, text);

		if (http_is_navigation(&r) != cases[i].navigation)
			fail_msg("\"%s\", \"%s\"", cases[i].accept ? cases[i].accept : "-",
				 cases[i].mode ? cases[i].mode : "-");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean_urls),
		cmocka_unit_test(test_a_page_named_by_its_suffix_alone),
		cmocka_unit_test(test_clean_urls_are_off_by_default),
		cmocka_unit_test(test_redirects_do_not_lead_to_redirects),
		cmocka_unit_test(test_fallback),
		cmocka_unit_test(test_fallback_is_off_by_default_and_may_be_missing),
		cmocka_unit_test(test_permissions_are_no_reason_to_fall_back),
		cmocka_unit_test(test_error_pages),
		cmocka_unit_test(test_error_page_beside_a_fallback),
		cmocka_unit_test(test_dotfiles_may_be_served),
		cmocka_unit_test(test_links_by_policy),
		cmocka_unit_test(test_index_lists),
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_navigations),
	};
	return cmocka_run_group_tests(tests, setup, site_teardown);
}
