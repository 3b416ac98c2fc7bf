/* SPDX-License-Identifier: Apache-2.0 */
/* Which site answers for which Host. */
#include "http/hosts.h"

static const char *const one[] = {"one.test", "www.one.test", "*.one.test", NULL};
static const char *const two[] = {"two.test", "a.one.test", "10.0.0.9",
				  "fd77::2",  "one.test",   NULL};
static const char *const org[] = {"*.org", "localhost", NULL};

static void test_hosts(void **state)
{
	const struct http_site sites[] = {{.name = "default"},
					  {.name = "one", .hosts = one},
					  {.name = "two", .hosts = two},
					  {.name = "org", .hosts = org}};
	static const struct {
		const char *host, *site; /* NULL: nobody */
	} cases[] = {
		{"one.test", "one"},
		{"ONE.Test", "one"},
		{"one.test:8080", "one"},
		{"one.test:", "one"},
		{"one.test.", "one"}, /* RFC 3986 3.2.2 */
		{"one.test.:80", "one"},
		{"one.test..", NULL},
		{"www.one.test", "one"},
		{"x.one.test", "one"},
		{"a.one.test", "two"}, /* the name itself comes before a wildcard */
		{"a.b.one.test", NULL},
		{".one.test", NULL},
		{"xone.test", NULL},
		{"two.test", "two"},
		{"10.0.0.9", "two"},
		{"10.0.0.9:443", "two"},
		{"10.0.0.90", NULL},
		{"[fd77::2]", "two"},
		{"[fd77::2]:443", "two"},
		{"[FD77:0:0::0002]:443", "two"},
		{"[fd77::3]", NULL},
		{"fd77::2", NULL}, /* not without brackets: "fd77" with a port */
		{"[fd77::2", "two"},
		{"[]", NULL},
		{"example.org", "org"},
		{"www.example.org", NULL},
		{"org", NULL},
		{"localhost:8443", "org"},
		{"", NULL},
		{":80", NULL},
	};
	struct http_hosts t;
	char longest[600];

	(void)state;
	assert_true(http_hosts_init(&t, sites, 4));
	assert_int_equal(t.count, 9); /* one.test is the first one's */
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_site *s = http_hosts_find(
			&t, (struct http_str){cases[i].host, strlen(cases[i].host)});
		if (!s != !cases[i].site || (s && strcmp(s->name, cases[i].site) != 0))
			fail_msg("%s: want %s, got %s", cases[i].host, cases[i].site,
				 s ? s->name : "nobody");
	}
	assert_null(http_hosts_find(&t, (struct http_str){NULL, 0}));
	memset(longest, 'a', sizeof(longest));
	assert_null(http_hosts_find(&t, (struct http_str){longest, sizeof(longest)}));
	http_hosts_free(&t);
}

static void test_no_hosts_at_all(void **state)
{
	const struct http_site site = {.name = "default"};
	struct http_hosts t;

	(void)state;
	assert_true(http_hosts_init(&t, &site, 1));
	assert_null(http_hosts_find(&t, (struct http_str){"a", 1}));
	http_hosts_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_no_hosts_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
