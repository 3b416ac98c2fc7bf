/* SPDX-License-Identifier: Apache-2.0 */
/* `tunhttpd certs trust`: which system this is, and what is printed. What --install does is for the end-to-end tests, in
 * a mount namespace: nothing here may touch the machine's own store. */
#include "certs/system.h"
#include "tests/unit/certs_tool.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void test_systems_are_told_by_os_release(void **state)
{
	static const struct {
		const char *text, *anchors; /* NULL: unknown */
	} cases[] = {
		{"PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\nVERSION_ID=\"12\"\n",
		 "/usr/local/share/ca-certificates"},
		{"NAME=Ubuntu\nID=ubuntu\nID_LIKE=debian\n", "/usr/local/share/ca-certificates"},
		{"ID=linuxmint\nID_LIKE=\"ubuntu debian\"", "/usr/local/share/ca-certificates"},
		{"ID=fedora\n", "/etc/pki/ca-trust/source/anchors"},
		{"ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n",
		 "/etc/pki/ca-trust/source/anchors"},
		{"ID='amzn'\nID_LIKE='centos rhel fedora'\n", "/etc/pki/ca-trust/source/anchors"},
		{"ID=alpine\n", "/usr/local/share/ca-certificates"},
		{"ID=arch\n", "/etc/ca-certificates/trust-source/anchors"},
		{"ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", "/etc/pki/trust/anchors"},
		{"ID=nixos\n", NULL},
		{"VARIANT_ID=debian\nMY_ID=debian\n", NULL},
		{"ID=deb\nID_LIKE=\n", NULL},
		{"ID=\nID_LIKE=\"  \"\n", NULL},
		{"", NULL},
		{"\n\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct certs_system *s = certs_system_of(cases[i].text);

		if ((s && !cases[i].anchors) || (!s && cases[i].anchors) ||
		    (s && strcmp(s->anchors, cases[i].anchors) != 0))
			fail_msg("\"%s\" is taken for %s", cases[i].text, s ? s->title : "unknown");
	}
}

/* They take a root where there is a file of this kind only. */
static void test_every_system_has_all_that_is_needed(void **state)
{
	(void)state;
	for (size_t i = 0; i < certs_system_count; i++) {
		const struct certs_system *s = &certs_systems[i];

		assert_int_equal(s->anchors[0], '/');
		assert_int_equal(s->extension[0], '.');
		assert_non_null(s->update[0]);
		assert_non_null(s->remove[0]);
		assert_null(s->update[3]);
		assert_null(s->remove[3]);
	}
}

static void test_it_prints_what_each_system_needs(void **state)
{
	static const char *const parts[] = {
		"update-ca-certificates\n",
		"update-ca-trust extract\n",
		"security add-trusted-cert",
		"certutil -addstore -f ROOT",
		"certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n tunhttpd-",
		"~/.mozilla/firefox",
		"keytool -importcert -cacerts",
		"curl --cacert '/",
		"export SSL_CERT_FILE='/",
		"export NODE_EXTRA_CA_CERTS='/",
		"export REQUESTS_CA_BUNDLE='/",
		"SHA-256 ",
	};
	struct tool *t = *state;

	tool_ok(t, tool_run(t, "init"));
	tool_ok(t, tool_run(t, "trust"));
	for (size_t i = 0; i < COUNT(parts); i++)
		tool_expect(t->out, parts[i]);
	/* Each with the whole path, so that it can be run from anywhere. */
	tool_expect(t->out, tool_path(t, CERTS_CA_FILE));
}

static void test_there_has_to_be_a_root(void **state)
{
	struct tool *t = *state;

	tool_expect_error(t, 78, "there is no authority in ", "trust");
	tool_expect_error(t, 78, "there is no authority in ", "trust --install");
	tool_ok(t, tool_run(t, "init"));
	tool_spill(tool_path(t, CERTS_CA_FILE), "nonsense", 8);
	tool_expect_error(t, 78, CERTS_CA_FILE, "trust");
}

static void test_install_and_uninstall_exclude_each_other(void **state)
{
	struct tool *t = *state;

	tool_expect_error(t, 2, "exclude each other", "trust --install --uninstall");
}

static void test_only_root_changes_the_system(void **state)
{
	struct tool *t = *state;
	const bool root = geteuid() == 0;

	if (!certs_system_here())
		skip();
	tool_ok(t, tool_run(t, "init"));
	assert_int_equal(chmod(t->base, 0755), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	const int installed = tool_run(t, "trust --install");
	char said[TOOL_TEXT_SIZE];
	snprintf(said, sizeof said, "%s", t->err);
	const int removed = tool_run(t, "trust --uninstall");
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(installed, 1);
	assert_int_equal(removed, 1);
	tool_expect(said, "sudo tunhttpd certs trust --install --dir '/");
	tool_expect(t->err, "sudo tunhttpd certs trust --uninstall --dir '/");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, tool_setup, tool_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_systems_are_told_by_os_release),
		TEST(test_every_system_has_all_that_is_needed),
		TEST(test_it_prints_what_each_system_needs),
		TEST(test_there_has_to_be_a_root),
		TEST(test_install_and_uninstall_exclude_each_other),
		TEST(test_only_root_changes_the_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
