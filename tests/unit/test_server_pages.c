/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a site's pages: which values are taken, what a section inherits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/options.h"

static int parse(struct options *o, const char *option, const char *value)
{
	char name[64], error[OPTIONS_ERROR_SIZE], text[8192];
	char *args[] = {name, text, NULL}, *env[] = {(char *)"HOME=/home/me", NULL};

	snprintf(name, sizeof name, "--%s", option);
	snprintf(text, sizeof text, "%s", value);
	const int status = options_parse(o, 2, args, env, error);
	if (status != 0 && !strstr(error, option))
		fail_msg("%s: %s", option, error);
	return status;
}

static void test_values(void **state)
{
	static const struct {
		const char *option, *value;
		bool good;
	} cases[] = {
		{"index", "index.html", true},
		{"index", "a,b, c ,d,e,f,g,h", true},
		{"index", "a,b,c,d,e,f,g,h,i", false},
		{"index", "", false},
		{"index", "a,,b", false},
		{"index", "sub/index.html", false},
		{"index", ".index.html", false},
		{"index", "..", false},
		{"fallback", "/index.html", true},
		{"fallback", "/a b/c.html", true},
		{"fallback", "off", true},
		{"fallback", "index.html", false},
		{"fallback", "/", false},
		{"fallback", "/sub/", false},
		{"fallback", "//index.html", false},
		{"fallback", "/../index.html", false},
		{"fallback", "/a/./index.html", false},
		{"fallback", "/.hidden/index.html", false},
		{"fallback", "on", false},
		{"error-page", "404 /404.html", true},
		{"error-page", "404,410 \t /gone page.html ", true},
		{"error-page", "400 /a;599 /b", true},
		{"error-page", " 404 /a ; 500 /b ", true},
		{"error-page", "off", true},
		{"error-page", "", false},
		{"error-page", "404", false},
		{"error-page", "404 ", false},
		{"error-page", "/404.html", false},
		{"error-page", ", /404.html", false},
		{"error-page", "404 404.html", false},
		{"error-page", "399 /a", false},
		{"error-page", "600 /a", false},
		{"error-page", "40x /a", false},
		{"error-page", "404 /../a", false},
		{"error-page", "404 /a;", false},
		{"error-page", "404 /a;off", false},
		{"symlinks", "beneath", true},
		{"symlinks", "none", true},
		{"symlinks", "any", false},
		{"symlinks", "on", false},
		{"dotfiles", "on", true},
		{"dotfiles", "yes", false},
		{"clean-urls", "on", true},
		{"listing", "on", true},
		{"listing", "json", false},
		{"listing-max", "1", true},
		{"listing-max", "1000000", true},
		{"listing-max", "0", false},
		{"listing-max", "1000001", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct options o;
		const int status = parse(&o, cases[i].option, cases[i].value);

		if ((status == 0) != cases[i].good)
			fail_msg("--%s \"%s\": status %d", cases[i].option, cases[i].value, status);
		options_free(&o);
	}
}

static void test_at_most_32_error_pages(void **state)
{
	char text[8192] = "";
	struct options o;

	(void)state;
	for (int i = 0; i < ERROR_PAGES_MAX; i++)
		sprintf(text + strlen(text), "%s%d", i ? "," : "", 400 + i);
	strcat(text, " /e.html");
	assert_int_equal(parse(&o, "error-page", text), 0);
	assert_int_equal(o.site.error_pages.count, ERROR_PAGES_MAX);
	assert_int_equal(o.site.error_pages.list[ERROR_PAGES_MAX - 1].status, 431);
	assert_string_equal(o.site.error_pages.list[ERROR_PAGES_MAX - 1].path, "/e.html");
	options_free(&o);
	strcat(text, ";500 /f.html");
	assert_int_not_equal(parse(&o, "error-page", text), 0);
	options_free(&o);
}

static void test_defaults(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, "listing", "off"), 0);
	assert_string_equal(o.site.index.list[0], "index.html");
	assert_int_equal(o.site.index.count, 1);
	assert_int_equal(o.site.symlinks, HTTP_SYMLINKS_BENEATH);
	assert_false(o.site.dotfiles);
	assert_false(o.site.clean_urls);
	assert_false(o.site.listing);
	assert_int_equal(o.site.listing_max, 10000);
	assert_string_equal(o.site.fallback, "off");
	assert_int_equal(o.site.error_pages.count, 0);
	options_free(&o);
}

static void expect_page(const struct error_page_list *pages, size_t i, int status, const char *path)
{
	assert_true(i < pages->count);
	assert_int_equal(pages->list[i].status, status);
	assert_string_equal(pages->list[i].path, path);
}

/* A section has what it says; the rest is the default site's, whose pages it can also do without. */
static void test_sections(void **state)
{
	static const char content[] =
		"error-page = 404 /404.html\nerror-page = 500,503 /50x.html\n"
		"fallback = /index.html\nlisting = on\n"
		"[site a.test]\nindex = a.html,b.html\nclean-urls = on\n"
		"[site b.test]\nerror-page = 403 /b 403.html\nfallback = off\n"
		"[site c.test]\nerror-page = off\nlisting = off\n";
	char path[] = "/tmp/tunhttpd-test-XXXXXX", error[OPTIONS_ERROR_SIZE];
	char *args[] = {(char *)"--config", path, NULL}, *env[] = {(char *)"HOME=/home/me", NULL};
	const int fd = mkstemp(path);
	struct options o;

	(void)state;
	assert_int_equal(write(fd, content, sizeof content - 1), sizeof content - 1);
	close(fd);
	if (options_parse(&o, 2, args, env, error) != 0)
		fail_msg("%s", error);
	unlink(path);
	const struct site_options *a = &o.section[0].site, *b = &o.section[1].site,
				  *c = &o.section[2].site;
	assert_int_equal(o.site.error_pages.count, 3);
	expect_page(&a->error_pages, 0, 404, "/404.html");
	expect_page(&a->error_pages, 1, 500, "/50x.html");
	expect_page(&a->error_pages, 2, 503, "/50x.html");
	assert_string_equal(a->fallback, "/index.html");
	assert_string_equal(a->index.list[1], "b.html");
	assert_true(a->clean_urls && a->listing && !b->clean_urls && b->listing && !c->listing);
	assert_int_equal(b->error_pages.count, 1);
	expect_page(&b->error_pages, 0, 403, "/b 403.html");
	assert_string_equal(b->fallback, "off");
	assert_string_equal(b->index.list[0], "index.html");
	assert_int_equal(c->error_pages.count, 0);
	options_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_at_most_32_error_pages),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_sections),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
