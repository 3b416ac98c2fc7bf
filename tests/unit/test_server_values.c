/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of options as values: addresses, ports, seconds, names; each kind with its edges. */
#include <string.h>

#include "server/values.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void check_address(const char *text, const char *stack, const char *host, unsigned prefix)
{
	struct link_address a = {0};
	char got[IP_ADDR_TEXT_SIZE];

	if (!value_link_address(text, &a))
		fail_msg("%s was refused", text);
	assert_string_equal(ip_addr_text(&a.stack, got), stack);
	assert_string_equal(ip_addr_text(&a.host, got), host);
	assert_int_equal(a.prefix_len, prefix);
}

static void test_address_gives_the_host_the_first_other_one(void **state)
{
	(void)state;
	check_address("10.77.0.2/24", "10.77.0.2", "10.77.0.1", 24);
	check_address("10.77.0.1/24", "10.77.0.1", "10.77.0.2", 24);
	check_address("10.77.0.254/24", "10.77.0.254", "10.77.0.1", 24);
	check_address("192.168.5.9", "192.168.5.9", "192.168.5.1", 24);
	check_address("10.0.0.1/30", "10.0.0.1", "10.0.0.2", 30);
	check_address("10.0.0.6/30", "10.0.0.6", "10.0.0.5", 30);
	check_address("100.64.3.4/10", "100.64.3.4", "100.64.0.1", 10);
	check_address("126.0.0.9/1", "126.0.0.9", "0.0.0.1", 1);
}

static void test_address_that_no_host_can_have_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"/",
		"/24",
		"10.77.0.2/",
		"10.77.0.2/0",
		"10.77.0.2/31",
		"10.77.0.2/32",
		"10.77.0.2/24x",
		"10.77.0.2/ 24",
		"10.77.0.2/-1",
		"10.77.0.2/024000000000000000000",
		"10.77.0/24",
		"10.77.0.2.3/24",
		"10.77.0.256/24",
		"10.77.0.0/24",
		"10.77.0.255/24",
		"10.77.0.4/30",
		"10.77.0.7/30",
		"0.0.0.1/24",
		"127.0.0.2/24",
		"224.0.0.2/24",
		"255.255.255.254/24",
		"fd00::2/64",
		"ten",
		"111.111.111.1111111/24",
	};
	struct link_address a;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (value_link_address(bad[i], &a))
			fail_msg("%s was taken", bad[i]);
}

static void check_address6(const char *text, const char *stack, const char *host, unsigned prefix)
{
	struct link_address a = {0};
	char got[IP_ADDR_TEXT_SIZE];

	if (!value_link_address6(text, &a))
		fail_msg("%s was refused", text);
	assert_string_equal(ip_addr_text(&a.stack, got), stack);
	assert_string_equal(ip_addr_text(&a.host, got), host);
	assert_int_equal(a.prefix_len, prefix);
}

static void test_address6_gives_the_host_the_first_other_one(void **state)
{
	struct link_address off = {.prefix_len = 1};

	(void)state;
	check_address6("fd77:7475:6e00::2/64", "fd77:7475:6e00::2", "fd77:7475:6e00::1", 64);
	check_address6("fd77:7475:6e00::1/64", "fd77:7475:6e00::1", "fd77:7475:6e00::2", 64);
	check_address6("FD00::A", "fd00::a", "fd00::1", 64);
	check_address6("2001:db8::ffff:1/112", "2001:db8::ffff:1", "2001:db8::ffff:2", 112);
	check_address6("2001:db8::5:ffff/112", "2001:db8::5:ffff", "2001:db8::5:1", 112);
	check_address6("fd00::7/126", "fd00::7", "fd00::5", 126);
	check_address6("fd00::5/126", "fd00::5", "fd00::6", 126);
	check_address6("fd80:1::9/9", "fd80:1::9", "fd80::1", 9);
	check_address6("64:ff9b::10.0.0.9/96", "64:ff9b::a00:9", "64:ff9b::1", 96);
	assert_true(value_link_address6("off", &off));
	assert_int_equal(off.stack.version, 0);
	assert_int_equal(off.prefix_len, 0);
}

static void test_address6_that_no_host_can_have_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"/",
		"/64",
		"OFF",
		"off/64",
		"fd00::2/",
		"fd00::2/0",
		"fd00::2/127",
		"fd00::2/128",
		"fd00::2/64x",
		"fd00::2/-1",
		"fd00::2%lo/64",
		"[fd00::2]/64",
		"fd00::/64", /* the routers' */
		"fd00::8/125",
		"::/64",
		"::1/64",
		"::10.0.0.2/96",
		"::ffff:10.0.0.2/96",
		"ff02::1/64",
		"ff0e::2/64",
		"fe80::2/64", /* would need a scope */
		"febf:ffff::2/64",
		"10.77.0.2/24",
		"fd00:1:2:3:4:5:6:7:8/64",
		"fd00::1::2/64",
		"1111:2222:3333:4444:5555:6666:7777:888888888888/64",
	};
	struct link_address a;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (value_link_address6(bad[i], &a))
			fail_msg("%s was taken", bad[i]);
}

static void test_numbers_have_edges(void **state)
{
	static const char *const bad[] = {"",
					  "0",
					  "11",
					  "-1",
					  "+1",
					  " 1",
					  "1 ",
					  "1.0",
					  "0x1",
					  "18446744073709551617",
					  "99999999999999999999999"};
	unsigned long n;

	(void)state;
	assert_true(value_number("1", 1, 10, &n) && n == 1);
	assert_true(value_number("10", 1, 10, &n) && n == 10);
	assert_true(value_number("007", 1, 10, &n) && n == 7);
	assert_true(value_number("18446744073709551615", 0, ~0ul, &n) && n == ~0ul);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (value_number(bad[i], 1, 10, &n))
			fail_msg("\"%s\" was taken as %lu", bad[i], n);
}

static void test_ports(void **state)
{
	static const char *const bad[] = {
		"", "0", "65536", "-80", "80 ", "http", "OFF", "off ", "99999999999999999999"};
	uint16_t port = 7;

	(void)state;
	assert_true(value_port("80", &port) && port == 80);
	assert_true(value_port("65535", &port) && port == 65535);
	assert_true(value_port("off", &port) && port == 0);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (value_port(bad[i], &port))
			fail_msg("\"%s\" was taken as port %u", bad[i], port);
}

static void test_seconds_become_microseconds(void **state)
{
	static const char *const bad[] = {"",      ".",     "1.",       "-1",        "1s",
					  "1e3",   "86401", "86400.1",  "0.1234567", "1,5",
					  "1.5.5", "nan",   "99999999", " 1"};
	uint64_t us = 0;

	(void)state;
	assert_true(value_seconds("0", &us) && us == 0);
	assert_true(value_seconds("10", &us) && us == 10000000);
	assert_true(value_seconds("0.25", &us) && us == 250000);
	assert_true(value_seconds("0.000001", &us) && us == 1);
	assert_true(value_seconds("86400.000000", &us) && us == 86400000000ull);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (value_seconds(bad[i], &us))
			fail_msg("\"%s\" was taken as %llu us", bad[i], (unsigned long long)us);
}

static void test_sizes(void **state)
{
	static const char *const bad[] = {"",    "k",    "9",    "1025k",
					  "2m",  "1K",   "1kb",  "-1",
					  "1 k", "0x10", "1.5k", "99999999999999999g"};
	uint64_t size = 0;

	(void)state;
	assert_true(value_size("10", 10, 1 << 20, &size) && size == 10);
	assert_true(value_size("1k", 10, 1 << 20, &size) && size == 1024);
	assert_true(value_size("1024k", 10, 1 << 20, &size) && size == 1 << 20);
	assert_true(value_size("1m", 10, 1 << 20, &size) && size == 1 << 20);
	assert_true(value_size("17179869183g", 0, UINT64_MAX, &size) &&
		    size == UINT64_MAX >> 30 << 30);
	assert_false(value_size("17179869184g", 0, UINT64_MAX, &size));
	for (size_t i = 0; i < COUNT(bad); i++)
		if (value_size(bad[i], 10, 1 << 20, &size))
			fail_msg("\"%s\" was taken as %llu bytes", bad[i],
				 (unsigned long long)size);
}

static void test_limits_of_rates(void **state)
{
	static const char *const bad[] = {"",        "20",        "/s",         "20/",
					  "20/h",    "20/s,",     "20/sec",     "0/s",
					  "1.5/s",   "20/s,0",    "20/s50",     "-1/s",
					  "1/s,1,1", "1000001/s", "99999999/s", "20 /s"};
	struct limits_rate rate;

	(void)state;
	assert_true(value_limit("off", &rate) && rate.interval_ns == 0);
	assert_true(value_limit("20/s", &rate) && rate.interval_ns == 50000000 && rate.burst == 20);
	assert_true(value_limit("20/s,7", &rate) && rate.interval_ns == 50000000 &&
		    rate.burst == 7);
	assert_true(value_limit("6/m", &rate) && rate.interval_ns == 10000000000 &&
		    rate.burst == 6);
	assert_true(value_limit("1000000/s,1", &rate) && rate.interval_ns == 1000 &&
		    rate.burst == 1);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (value_limit(bad[i], &rate))
			fail_msg("\"%s\" was taken as a limit", bad[i]);
}

static void test_prefixes(void **state)
{
	static const char *const bad[] = {
		"",         ",",         "10.0.0.0/33",       "fd00::/129", "10.0.0.0/",
		"10.0.0/8", "10.0.0.1,", "10.0.0.1 10.0.0.2", "host"};
	const struct ip_addr a = ip_addr_v4(10, 9, 8, 7), b = ip_addr_v4(192, 0, 2, 7);
	struct prefix_list list;

	(void)state;
	assert_true(value_prefixes(" 10.0.0.0/8 , fd00::/8,192.0.2.7", &list) && list.count == 3);
	assert_true(prefix_list_has(&list, &a) && prefix_list_has(&list, &b));
	assert_int_equal(list.list[1].addr.version, 6);
	assert_int_equal(list.list[1].len, 8);
	assert_int_equal(list.list[2].len, 32);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (value_prefixes(bad[i], &list))
			fail_msg("\"%s\" was taken as prefixes", bad[i]);
	assert_int_equal(list.count, 3); /* an error leaves it alone */
}

static void test_words(void **state)
{
	enum log_format format;
	bool on;

	(void)state;
	assert_true(value_log_format("json", &format) && format == LOG_JSON);
	assert_true(value_log_format("off", &format) && format == LOG_OFF);
	assert_true(value_log_format("combined", &format) && format == LOG_COMBINED);
	assert_false(value_log_format("JSON", &format));
	assert_false(value_log_format("", &format));
	enum stack_ecn ecn;
	assert_true(value_ecn("off", &ecn) && ecn == STACK_ECN_OFF);
	assert_true(value_ecn("answer", &ecn) && ecn == STACK_ECN_ANSWER);
	assert_true(value_ecn("ask", &ecn) && ecn == STACK_ECN_ASK);
	assert_false(value_ecn("on", &ecn));
	assert_false(value_ecn("", &ecn));
	assert_true(value_on_off("on", &on) && on);
	assert_true(value_on_off("off", &on) && !on);
	assert_false(value_on_off("yes", &on));
}

static void test_interface_names(void **state)
{
	static const char *const good[] = {"tunhttpd0", "a", "eth0.5", "fifteen-chars-x"};
	static const char *const bad[] = {"",    ".",    "..",      "sixteen-chars-xx",
					  "a/b", "a b",  "a:b",     "a\n",
					  "a%d", "a\"b", "\xc3\xa4"};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		if (!value_interface(good[i]))
			fail_msg("\"%s\" was refused", good[i]);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (value_interface(bad[i]))
			fail_msg("\"%s\" was taken", bad[i]);
}

static void test_name_lists(void **state)
{
	static const char *const bad[] = {"",     ",",    "a,",   ",a",        "a,,b",
					  "a b",  "-a",   "a..b", ".a",        "a.",
					  "a*",   "*",    "*.",   "b.*.a",     "a/b",
					  "a:80", "\xc3", "a\nb", "1.2.3.4/24"};
	struct name_list names = {0};

	(void)state;
	assert_true(value_names("example.org, *.example.org ,fd00::2,10.0.0.9,my_host-1", &names));
	assert_int_equal(names.count, 5);
	assert_string_equal(names.list[0], "example.org");
	assert_string_equal(names.list[1], "*.example.org");
	assert_string_equal(names.list[2], "fd00::2");
	assert_string_equal(names.list[4], "my_host-1");
	assert_null(names.list[5]);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (value_names(bad[i], &names))
			fail_msg("\"%s\" was taken", bad[i]);
	/* What is refused leaves the list as it was; what is taken replaces it. */
	assert_int_equal(names.count, 5);
	assert_true(value_names("one", &names));
	assert_int_equal(names.count, 1);
	name_list_free(&names);
}

static void test_name_lists_have_a_limit(void **state)
{
	char text[VALUES_NAMES_MAX * 2 + 3] = "", label[70];
	struct name_list names = {0};

	(void)state;
	for (int i = 0; i < VALUES_NAMES_MAX; i++)
		strcat(text, i ? ",a" : "a");
	assert_true(value_names(text, &names));
	assert_int_equal(names.count, VALUES_NAMES_MAX);
	assert_null(names.list[VALUES_NAMES_MAX]);
	strcat(text, ",a");
	assert_false(value_names(text, &names));
	/* RFC 1035 2.3.4: a label has at most 63 octets. */
	memset(label, 'a', sizeof label);
	label[63] = '\0';
	assert_true(value_names(label, &names));
	label[63] = 'a';
	label[64] = '\0';
	assert_false(value_names(label, &names));
	name_list_free(&names);
}

static void test_interface_lists(void **state)
{
	struct name_list names = {0};

	(void)state;
	assert_true(value_interfaces("eth0, wg0,eth0.100", &names));
	assert_int_equal(names.count, 3);
	assert_string_equal(names.list[2], "eth0.100");
	assert_false(value_interfaces("eth0,,wg0", &names));
	assert_false(value_interfaces("eth0/1", &names));
	assert_false(value_interfaces("", &names));
	assert_int_equal(names.count, 3); /* what was refused has changed nothing */
	assert_true(value_interfaces("off", &names));
	assert_int_equal(names.count, 0);
	name_list_free(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address_gives_the_host_the_first_other_one),
		cmocka_unit_test(test_address_that_no_host_can_have_is_refused),
		cmocka_unit_test(test_address6_that_no_host_can_have_is_refused),
		cmocka_unit_test(test_address6_gives_the_host_the_first_other_one),
		cmocka_unit_test(test_numbers_have_edges),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_seconds_become_microseconds),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_limits_of_rates),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_interface_names),
		cmocka_unit_test(test_name_lists),
		cmocka_unit_test(test_interface_lists),
		cmocka_unit_test(test_name_lists_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
