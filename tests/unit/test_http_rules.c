/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a site, by themselves: what is one, and what it does. */
#include <stdlib.h>

#include "http/cache_rule.h"
#include "http/cors.h"
#include "http/redirect.h"
#include "http/site.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void expect_why(const char *line, bool good, const char *why, const char *word)
{
	if (good != !word)
		fail_msg("\"%s\": %s", line, good ? "was taken" : why);
	if (word && !strstr(why, word))
		fail_msg("\"%s\": \"%s\" is not in \"%s\"", line, word, why);
}

/* ------------------------------------------------------------------ redirects */

static void test_redirect_rules_are_read(void **state)
{
	static const char *const cases[][2] = {
		/* rule, a word of the reason; NULL: it is good */
		{"/a /b", NULL},
		{"/a\t/b  308", NULL},
		{"/a https://b.test", NULL},
		{"/a http://b.test:8080/x?y#z", NULL},
		{"/a%20b /c%20d", NULL},
		{"/a/* /b/*", NULL},
		{"/* https://b.test/*", NULL},
		{"/a* https://[fd00::1]/*", NULL},
		{"/a/* /b", NULL},
		{"/a /b?c=d", NULL},
		{"", "FROM TO"},
		{"/a", "FROM TO"},
		{"/a /b 301 x", "more follows"},
		{"a /b", "FROM is a path"},
		{"https://a.test/ /b", "FROM is a path"},
		{"/a?b /c", "FROM is a path"},
		{"/a*b /c", "FROM is a path"},
		{"/a%2fb /c", "FROM is a path"},
		{"/../a /c", "FROM is a path"},
		{"/a b", "TO is a path"},
		{"/a //b.test/", "TO is a path"},
		{"/a ftp://b.test/", "TO is a path"},
		{"/a https://", "TO is a path"},
		{"/a https:///b", "TO is a path"},
		{"/a https://u@b.test/", "TO is a path"},
		{"/a javascript:alert(1)", "TO is a path"},
		{"/a /b\"c", "TO is a path"},
		{"/a /b\r\nX:y", "TO is a path"},
		{"/a /b\xc3\xa9", "TO is a path"},
		{"/a /b%2", "TO is a path"},
		{"/a /b%zz", "TO is a path"},
		{"/a /b/*", "FROM does not"},
		/* The client would write the end of the host's name. */
		{"/* https://b.test*", "needs a /"},
		{"/* https://b.test:8*", "TO is a path"},
		{"/a/* /b?c=*", "query"},
		{"/a /b 300", "STATUS"},
		{"/a /b 3010", "STATUS"},
		{"/a /b x", "STATUS"},
		{"/a /a", "circles"},
		{"/a /%61", "circles"},
		{"/a /b/../a?x", "circles"},
		{"/a/* /a/b/*", "circles"},
		{"/* /b", "circles"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_redirects list = {0};
		const char *why = "";
		const bool good = http_redirects_add(&list, cases[i][0], &why);

		expect_why(cases[i][0], good, why, cases[i][1]);
		http_redirects_free(&list);
	}
}

static void test_redirects_in_circles_of_several_rules(void **state)
{
	struct http_redirects list = {0};
	const char *why = NULL;

	(void)state;
	assert_true(http_redirects_add(&list, "/a /b", &why));
	assert_true(http_redirects_add(&list, "/b /c", &why));
	assert_true(http_redirects_add(&list, "/d/* /a", &why));
	assert_false(http_redirects_add(&list, "/c /d/x", &why));
	http_redirects_free(&list);
}

static void test_redirects_lead_somewhere(void **state)
{
	static const char *const rules[] = {"/old /new 302",
					    "/b%20c /d",
					    "/x/* /y/*",
					    "/one/* /first",
					    "/far/* https://b.test/base/* 308",
					    "/flat* /*",
					    "/q /r?fixed=1",
					    "/f /g#part",
					    "/root/* https://b.test/*"};
	static const struct {
		const char *path, *query, *location;
		int status;
	} cases[] = {
		{"/old", NULL, "/new", 302},
		{"/old", "a=b&c", "/new?a=b&c", 302},
		{"/old", "", "/new?", 302},
		{"/old/", NULL, NULL, 0},
		{"/older", NULL, NULL, 0},
		{"/b c", NULL, "/d", 301},
		{"/x/", NULL, "/y/", 301},
		{"/x", NULL, NULL, 0},
		{"/x/a b/\xc3\xa9.html", "q", "/y/a%20b/%C3%A9.html?q", 301},
		{"/x/a?b", NULL, "/y/a%3Fb", 301},
		{"/x/a\r\nSet-Cookie: x", NULL, "/y/a%0D%0ASet-Cookie:%20x", 301},
		{"/one/two/three", NULL, "/first", 301},
		{"/far/a", "b", "https://b.test/base/a?b", 308},
		{"/flat/evil.test/x", NULL, "/evil.test/x", 301},
		{"/q", "x=y", "/r?fixed=1", 301},
		{"/f", "x=y", "/g?x=y#part", 301},
		{"/root/.evil.test", NULL, "https://b.test/.evil.test", 301},
	};
	struct http_redirects list = {0};
	const char *why;

	(void)state;
	for (size_t i = 0; i < COUNT(rules); i++)
		assert_true(http_redirects_add(&list, rules[i], &why));
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct http_redirect *rule = http_redirects_find(&list, cases[i].path);
		struct http_buf out = {0};

		assert_true(!rule == !cases[i].location);
		if (!rule)
			continue;
		const char *query = cases[i].query ? cases[i].query : "";
		http_redirect_write(&out, rule, cases[i].path, cases[i].query != NULL,
				    (struct http_str){query, strlen(query)});
		http_buf_append(&out, "", 1);
		assert_string_equal(out.data, cases[i].location);
		assert_int_equal(rule->status, cases[i].status);
		http_buf_free(&out);
	}
	http_redirects_free(&list);
}

/* ------------------------------------------------------------------ Cache-Control */

static void test_cache_rules_are_read(void **state)
{
	static const char *const cases[][2] = {
		{"*.html no-cache", NULL},
		{"* public,max-age=3600", NULL},
		{"/a/** private, max-age=0 , must-revalidate", NULL},
		{"* max-age=60, stale-while-revalidate=30, stale-if-error=86400", NULL},
		{"* s-maxage=2147483648", NULL},
		{"* private=\"x-a, x-b\"", "PATTERN"}, /* a list within a list is not known here */
		{"* no-cache=\"x\"", NULL},
		{"* something-new=1", NULL},
		{"", "PATTERN"},
		{"*.html", "PATTERN"},
		{"* max-age", "PATTERN"},
		{"* max-age=", "PATTERN"},
		{"* max-age=-1", "PATTERN"},
		{"* max-age=1h", "PATTERN"},
		{"* max-age=\"1\"", "PATTERN"},
		{"* max-age=2147483649", "PATTERN"},
		{"* max-age = 1", "PATTERN"},
		{"* no cache", "PATTERN"},
		{"* a\r\nb", "PATTERN"},
		{"* a=\"b", "PATTERN"},
		{"* ,", "PATTERN"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_cache_rules list = {0};
		const char *why = "";
		const bool good = http_cache_rules_add(&list, cases[i][0], &why);

		expect_why(cases[i][0], good, why, cases[i][1]);
		http_cache_rules_free(&list);
	}
}

static void test_patterns(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool fits;
	} cases[] = {
		{"", "", true},
		{"", "a", false},
		{"a", "a", true},
		{"a", "A", false},
		{"*", "", true},
		{"*", "abc", true},
		{"*", "a/b", false},
		{"**", "a/b", true},
		{"*.html", "a.html", true},
		{"*.html", "a.htm", false},
		{"*.html", ".html", true},
		{"*.html", "a.html.gz", false},
		{"a*b*c", "aXbYc", true},
		{"a*b*c", "abbbcbc", true},
		{"a*b*c", "acb", false},
		{"?", "a", true},
		{"?", "", false},
		{"?", "/", false},
		{"/a/*", "/a/b", true},
		{"/a/*", "/a/b/c", false},
		{"/a/**", "/a/b/c", true},
		{"/a/**", "/a/", true},
		{"/a/**", "/a", false},
		{"/**/b", "/a/b", true},
		{"/**/b", "/b", false},
		{"/**/b/*", "/a/b/c/b/d", true},
		{"/**/b/*", "/a/b/c", true},
		{"/**/b/*", "/a/b/c/d", false},
		{"/*/b/**/c", "/a/b/x/y/c", true},
		{"/*/b/**/c", "/a/a/b/x/c", false},
		{"***", "a/b", true},
		{"*a*", "bab", true},
		{"/**.js", "/x/y.js", true},
		{"/**.js", "/x/y.js/z", false},
		{"a**b*c", "a/b/bxc", true},
		{"a**b*c", "a/b/c", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (http_glob(cases[i].pattern, cases[i].text) != cases[i].fits)
			fail_msg("%s %s %s", cases[i].pattern,
				 cases[i].fits ? "fits" : "does not fit", cases[i].text);
}

/* The work is bounded: this would take for ever if stars were tried in every way. */
static void test_patterns_of_many_stars(void **state)
{
	char pattern[402], text[4001];

	(void)state;
	for (size_t i = 0; i < 400; i += 4)
		memcpy(pattern + i, i % 8 ? "*a*b" : "**ab", 4);
	strcpy(pattern + 400, "c");
	memset(text, 'a', 4000);
	text[4000] = '\0';
	assert_false(http_glob(pattern, text));
}

static void test_hashed_names(void **state)
{
	static const struct {
		const char *name;
		bool hashed;
	} cases[] = {
		{"/app.3f2a91bc.js", true},
		{"/x/y/main.8e1f00aa.chunk.css", false}, /* the hash is not the last part */
		{"/app.0123456789abcdef0123.css", true},
		{"/index-BXcZ1k2p.css", true},
		{"/app-NZRW4ABC.js", true},
		{"/app.3f2a91b.js", false}, /* seven */
		{"/app.production.js", false},
		{"/report-20240131.pdf", false},
		{"/report.2024final.pdf", false},
		{"/jquery-3.7.1.min.js", false},
		{"/3f2a91bc.js", false}, /* nothing before it */
		{".3f2a91bc.js", false},
		{"/app_3f2a91bc.js", false},
		{"/app.3f2a91bc", false},
		{"/app.3f2a91bc.", false},
		{"/app.DEADBEEF.js", false}, /* no digit */
		{"/app.deadbeef.js", false},
		{"/3f2a91bc/app.js", false},
		{"/a.3f2a91bc/app.js", false},
		{"/", false},
		{"/x", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (http_name_is_hashed(cases[i].name) != cases[i].hashed)
			fail_msg("%s", cases[i].name);
}

static void test_first_cache_rule_that_fits(void **state)
{
	struct http_cache_rules list = {0};
	const char *why;

	(void)state;
	assert_true(http_cache_rules_add(&list, "*.html no-cache", &why));
	assert_true(http_cache_rules_add(&list, "/img/** max-age=60", &why));
	assert_true(http_cache_rules_add(&list, "*.png  max-age=1,  public ", &why));
	assert_string_equal(http_cache_value(&list, false, "/img/a.html"), "no-cache");
	assert_string_equal(http_cache_value(&list, false, "/img/x/a.png"), "max-age=60");
	assert_string_equal(http_cache_value(&list, false, "/x/a.png"), "max-age=1,  public");
	assert_string_equal(http_cache_value(&list, true, "/img/a.3f2a91bc.png"), "max-age=60");
	assert_string_equal(http_cache_value(&list, true, "/a.3f2a91bc.js"), http_cache_immutable);
	assert_null(http_cache_value(&list, false, "/a.3f2a91bc.js"));
	assert_null(http_cache_value(&list, true, "/a.js"));
	http_cache_rules_free(&list);
}

/* ------------------------------------------------------------------ CORS */

static void test_origins_are_read(void **state)
{
	static const char *const cases[][2] = {
		{"*", NULL},
		{"https://a.test", NULL},
		{"https://a.test http://b.test:8080 https://[fd00::1]:8443 http://10.0.0.1", NULL},
		{"http://a.test:443", NULL},
		{"", "it takes"},
		{"null", "it takes"},
		{"a.test", "it takes"},
		{"https://A.test", "it takes"},
		{"HTTPS://a.test", "it takes"},
		{"https://a.test/", "it takes"},
		{"https://a.test/x", "it takes"},
		{"https://a.test:443", "it takes"},
		{"http://a.test:80", "it takes"},
		{"https://a.test:", "it takes"},
		{"https://a.test:99999", "it takes"},
		{"https://", "it takes"},
		{"ftp://a.test", "it takes"},
		{"https://u@a.test", "it takes"},
		{"https://a.test,https://b.test", "it takes"},
		{"* https://a.test", "exclude each other"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_cors cors = {0};
		const char *why = "";
		const bool good = http_cors_add(&cors, cases[i][0], &why);

		expect_why(cases[i][0], good, why, cases[i][1]);
		http_cors_free(&cors);
	}
	assert_true(http_cors_headers_valid("X-A, x-b"));
	assert_true(http_cors_headers_valid("*"));
	assert_false(http_cors_headers_valid(""));
	assert_false(http_cors_headers_valid("a b"));
	assert_false(http_cors_headers_valid("a\r\nb"));
}

/* ------------------------------------------------------------------ fields of every response */

static void test_hsts_values(void **state)
{
	static const struct {
		const char *text, *line; /* NULL: it is none; "": off */
	} cases[] = {
		{"off", ""},
		{"0", "Strict-Transport-Security: max-age=0\r\n"},
		{"31536000", "Strict-Transport-Security: max-age=31536000\r\n"},
		{"63072000, includesubdomains,PRELOAD",
		 "Strict-Transport-Security: max-age=63072000; includeSubDomains; preload\r\n"},
		{"300, preload", "Strict-Transport-Security: max-age=300; preload\r\n"},
		{"", NULL},
		{"on", NULL},
		{"1y", NULL},
		{"-1", NULL},
		{"1.5", NULL},
		{"max-age=1", NULL},
		{"315360001", NULL},
		{"99999999999999999999", NULL},
		{"includeSubDomains, 1", NULL},
		{"1, preload, preload", NULL},
		{"1; includeSubDomains", NULL},
		{"1, subdomains", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_site site = {0};
		struct http_buf out = {0};
		const char *why = NULL;
		const bool good = http_hsts_parse(cases[i].text, &site.hsts, &why);

		if (good != !!cases[i].line)
			fail_msg("%s: %s", cases[i].text, good ? "was taken" : why);
		if (!good)
			continue;
		http_site_fields_write(&out, &site, false);
		assert_int_equal(out.len, 0); /* RFC 6797 7.2 */
		http_site_fields_write(&out, &site, true);
		http_buf_append(&out, "", 1);
		assert_string_equal(out.data, cases[i].line);
		http_buf_free(&out);
	}
}

static void test_what_preload_asks_for(void **state)
{
	struct http_hsts hsts = {.on = true, .max_age = 300};

	(void)state;
	assert_null(http_hsts_preload_obstacle(&hsts, false));
	hsts.preload = true;
	assert_non_null(strstr(http_hsts_preload_obstacle(&hsts, true), "31536000"));
	hsts.max_age = 31536000;
	assert_string_equal(http_hsts_preload_obstacle(&hsts, true), "includeSubDomains");
	hsts.subdomains = true;
	assert_non_null(http_hsts_preload_obstacle(&hsts, false));
	assert_null(http_hsts_preload_obstacle(&hsts, true));
}

static void test_header_lines(void **state)
{
	static const char *const cases[][2] = {
		{"X-A: b", NULL},
		{"X-A:b", NULL},
		{"x-a:  b, c; d=\"e\" ", NULL},
		{"Content-Security-Policy: default-src 'self'; img-src *", NULL},
		{"Vary: X-A", NULL},
		{"", "NAME: VALUE"},
		{"X-A", "NAME: VALUE"},
		{"X-A:", "NAME: VALUE"},
		{"X-A:  ", "NAME: VALUE"},
		{": b", "NAME: VALUE"},
		{"X A: b", "NAME: VALUE"},
		{"X-A : b", "NAME: VALUE"},
		{"X-A: b\r\nX-B: c", "NAME: VALUE"},
		{"X-A: b\nc", "NAME: VALUE"},
		{"X-A: \x01", "NAME: VALUE"},
		{"X-A: \xc3\xa9", "NAME: VALUE"},
		{"connection: close", "7.6.1"},
		{"Transfer-Encoding: chunked", "9112"},
		{"content-length: 5", "9112"},
		{"TRAILER: x", "9112"},
		{"Date: now", "6.6.1"},
		{"Cache-Control: no-store", "see cache"},
		{"Strict-Transport-Security: max-age=1", "see hsts"},
		{"Access-Control-Allow-Origin: *", "see cors"},
		{"Content-Type: text/html", "each file"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_fields list = {0};
		const char *why = "";
		const bool good = http_fields_add(&list, cases[i][0], &why);

		expect_why(cases[i][0], good, why, cases[i][1]);
		http_fields_free(&list);
	}
}

static void test_lines_of_a_site(void **state)
{
	struct http_site site = {.security_headers = true};
	struct http_buf out = {0};
	const char *why;

	(void)state;
	http_site_fields_write(&out, &site, false);
	http_buf_append(&out, "", 1);
	assert_string_equal(out.data,
			    "X-Content-Type-Options: nosniff\r\n"
			    "X-Frame-Options: SAMEORIGIN\r\n"
			    "Content-Security-Policy: frame-ancestors 'self'\r\n"
			    "Referrer-Policy: strict-origin-when-cross-origin\r\n"
			    "Permissions-Policy: camera=(), geolocation=(), microphone=()\r\n"
			    "Cross-Origin-Opener-Policy: same-origin\r\n");
	http_buf_free(&out);
	/* What the user says takes the place of ours. */
	assert_true(http_fields_add(&site.fields, "content-security-policy: default-src *", &why));
	assert_true(http_fields_add(&site.fields, "X-Frame: y", &why));
	assert_true(http_fields_add(&site.fields, "X-Frame:   z ", &why));
	assert_true(http_cors_add(&site.cors, "https://a.test", &why));
	out = (struct http_buf){0};
	http_site_fields_write(&out, &site, true);
	http_buf_append(&out, "", 1);
	assert_null(strstr(out.data, "frame-ancestors"));
	assert_non_null(strstr(out.data, "\r\ncontent-security-policy: default-src *\r\n"
					 "X-Frame: y\r\nX-Frame: z\r\nVary: Origin\r\n"));
	http_buf_free(&out);
	http_fields_free(&site.fields);
	http_cors_free(&site.cors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_redirect_rules_are_read),
		cmocka_unit_test(test_redirects_in_circles_of_several_rules),
		cmocka_unit_test(test_redirects_lead_somewhere),
		cmocka_unit_test(test_cache_rules_are_read),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_patterns_of_many_stars),
		cmocka_unit_test(test_hashed_names),
		cmocka_unit_test(test_first_cache_rule_that_fits),
		cmocka_unit_test(test_origins_are_read),
		cmocka_unit_test(test_hsts_values),
		cmocka_unit_test(test_what_preload_asks_for),
		cmocka_unit_test(test_header_lines),
		cmocka_unit_test(test_lines_of_a_site),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
