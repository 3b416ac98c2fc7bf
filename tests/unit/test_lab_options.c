/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `tunhttpd link`: values with their edges, sides, directions, what makes no sense. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/link_options.h"
#include "lab/link_values.h"
#include "server/options.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ARGS_MAX 32

/* ------------------------------------------------------------------ values */

static void test_times(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {{"0ms", 0},           {"20ms", 20000000},
		    {"1.5s", 1500000000}, {"300us", 300000},
		    {"50ns", 50},         {"0.000000001s", 1},
		    {"0.001us", 1},       {"3600s", 3600000000000},
		    {"007ms", 7000000}};
	static const char *const bad[] = {"",
					  "1",
					  "ms",
					  "-1ms",
					  "1 ms",
					  "1m",
					  "1.ms",
					  ".5ms",
					  "0.5ns",
					  "3601s",
					  "1ms ",
					  "1e3ms",
					  "1.2.3s",
					  "0.0000000001s",
					  "1min",
					  "99999999999999999999ns",
					  "3600.000000001s",
					  "+1ms"};
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		if (!link_value_time(good[i].text, &ns) || ns != good[i].ns)
			fail_msg("%s", good[i].text);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (link_value_time(bad[i], &ns))
			fail_msg("\"%s\" was taken", bad[i]);
}

static void test_rates(void **state)
{
	static const char *const bad[] = {"",        "100",        "0mbit",    "999bit",
					  "100Mbit", "1tbit",      "1001gbit", "100mbit/s",
					  "mbit",    "1.0001kbit", "-1mbit",   "100mb"};
	uint64_t rate;

	(void)state;
	assert_true(link_value_rate("100mbit", &rate) && rate == 100000000);
	assert_true(link_value_rate("1.5gbit", &rate) && rate == 1500000000);
	assert_true(link_value_rate("1kbit", &rate) && rate == 1000);
	assert_true(link_value_rate("9600bit", &rate) && rate == 9600);
	assert_true(link_value_rate("1000gbit", &rate) && rate == 1000000000000);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (link_value_rate(bad[i], &rate))
			fail_msg("\"%s\" was taken", bad[i]);
}

static void test_shares(void **state)
{
	static const char *const bad[] = {"",    "%",   "101",  "100.0001%", "-1", "0.00001",
					  "1%%", "1 %", "1e-3", "one",       "1,5"};
	uint32_t ppm;

	(void)state;
	assert_true(link_value_share("0", &ppm) && ppm == 0);
	assert_true(link_value_share("1%", &ppm) && ppm == 10000);
	assert_true(link_value_share("0.0001%", &ppm) && ppm == 1);
	assert_true(link_value_share("0.00010", &ppm) && ppm == 1);
	assert_true(link_value_share("33.3333", &ppm) && ppm == 333333);
	assert_true(link_value_share("100", &ppm) && ppm == 1000000);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (link_value_share(bad[i], &ppm))
			fail_msg("\"%s\" was taken", bad[i]);
}

static void test_bursts(void **state)
{
	static const char *const bad[] = {"",
					  "1",
					  "1:",
					  ":1",
					  "0:1",
					  "1:0",
					  "1:2:",
					  "1:2:3:4",
					  "1::2",
					  "1:2:101",
					  "1:0.000000000000000001"};
	uint32_t enter, leave, loss;

	(void)state;
	assert_true(link_value_burst("1:25", &enter, &leave, &loss));
	assert_true(enter == 10000 && leave == 250000 && loss == 1000000);
	assert_true(link_value_burst("0.5%:100%:80%", &enter, &leave, &loss));
	assert_true(enter == 5000 && leave == 1000000 && loss == 800000);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (link_value_burst(bad[i], &enter, &leave, &loss))
			fail_msg("\"%s\" was taken", bad[i]);
}

static void test_queues(void **state)
{
	static const char *const bad[] = {"", "0", "0b", "1000001", "1.5", "64KB", "1001mb", "-1"};
	uint64_t packets, bytes;

	(void)state;
	assert_true(link_value_queue("100", &packets, &bytes) && packets == 100 && bytes == 0);
	assert_true(link_value_queue("64kb", &packets, &bytes) && packets == 0 && bytes == 64000);
	assert_true(link_value_queue("1.5mb", &packets, &bytes) && packets == 0 &&
		    bytes == 1500000);
	assert_true(link_value_queue("3000b", &packets, &bytes) && bytes == 3000);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (link_value_queue(bad[i], &packets, &bytes))
			fail_msg("\"%s\" was taken", bad[i]);
}

static void test_seeds(void **state)
{
	static const char *const bad[] = {
		"",    "0x", "18446744073709551616", "0x10000000000000000", "a", "-1", "1 ",
		"0xG", "0X1"};
	uint64_t seed;

	(void)state;
	assert_true(link_value_seed("0", &seed) && seed == 0);
	assert_true(link_value_seed("18446744073709551615", &seed) && seed == UINT64_MAX);
	assert_true(link_value_seed("0xffffffffffffffff", &seed) && seed == UINT64_MAX);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (link_value_seed(bad[i], &seed))
			fail_msg("\"%s\" was taken", bad[i]);
}

/* ------------------------------------------------------------------ the command line */

/* Parses words with blanks between. */
static int parse(struct link_options *o, const char *words, char error[LINK_ERROR_SIZE])
{
	char *copy = strdup(words), *argv[ARGS_MAX], *rest = NULL;
	int argc = 0;

	for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
		assert_true(argc < ARGS_MAX);
		argv[argc++] = w;
	}
	const int status = link_options_parse(o, argc, argv, error);
	free(copy);
	return status;
}

static void parse_well(struct link_options *o, const char *words)
{
	char error[LINK_ERROR_SIZE];

	if (parse(o, words, error) != 0)
		fail_msg("%s: %s", words, error);
	assert_string_equal(error, "");
}

static void test_defaults_are_a_wire(void **state)
{
	static const struct link_config wire;
	struct link_options o;

	(void)state;
	parse_well(&o, "--left a --right b");
	assert_string_equal(o.side[0].netns, "a");
	assert_string_equal(o.side[0].device, "tunlink0");
	assert_string_equal(o.side[1].netns, "b");
	assert_string_equal(o.side[1].device, "tunlink1");
	assert_int_equal(o.side[0].address_count + o.side[1].address_count, 0);
	assert_memory_equal(&o.path[0], &wire, sizeof wire);
	assert_memory_equal(&o.path[1], &wire, sizeof wire);
	assert_int_equal(o.device_mtu, 1500);
	assert_true(o.offload && !o.seed_given && !o.help);
}

static void check_address(const struct link_address_option *a, const char *text, unsigned len)
{
	char got[IP_ADDR_TEXT_SIZE];

	assert_string_equal(ip_addr_text(&a->addr, got), text);
	assert_int_equal(a->prefix_len, len);
}

static void test_sides(void **state)
{
	struct link_options o;

	(void)state;
	parse_well(&o, "--left=/proc/1/ns/net:left0:10.9.0.1/24,fd99::1/64 --right ::fd99::2/64");
	assert_string_equal(o.side[0].netns, "/proc/1/ns/net");
	assert_string_equal(o.side[0].device, "left0");
	assert_int_equal(o.side[0].address_count, 2);
	check_address(&o.side[0].address[0], "10.9.0.1", 24);
	check_address(&o.side[0].address[1], "fd99::1", 64);
	assert_string_equal(o.side[1].netns, "");
	assert_string_equal(o.side[1].device, "tunlink1");
	assert_int_equal(o.side[1].address_count, 1);
	check_address(&o.side[1].address[0], "fd99::2", 64);
	parse_well(&o, "--left= --right :other");
	assert_string_equal(o.side[1].device, "other");
}

static void test_options_are_for_the_direction_before_them(void **state)
{
	struct link_options o;

	(void)state;
	parse_well(&o, "--left a --right b --delay 10ms --left-to-right --loss 1% --delay 20ms "
		       "--right-to-left --rate 1mbit --queue=20 --both --mtu 1400 --mtu-reply");
	assert_int_equal(o.path[0].delay_ns, 20000000);
	assert_int_equal(o.path[1].delay_ns, 10000000);
	assert_int_equal(o.path[0].loss_ppm, 10000);
	assert_int_equal(o.path[1].loss_ppm, 0);
	assert_int_equal(o.path[0].rate, 0);
	assert_int_equal(o.path[1].rate, 1000000);
	assert_int_equal(o.path[1].queue_packets, 20);
	for (unsigned i = 0; i < 2; i++)
		assert_true(o.path[i].mtu == 1400 && o.path[i].mtu_reply);
}

static void test_cutting_is_on_where_it_is_needed(void **state)
{
	static const struct {
		const char *words;
		bool segment;
	} cases[] = {
		{"--delay 1ms --jitter 1ms --rate 1gbit --mtu 1000", false},
		{"--loss 1", true},
		{"--burst 1:50", true},
		{"--reorder 1", true},
		{"--duplicate 1", true},
		{"--corrupt 1", true},
		{"--rate 1gbit --queue 100", true},
		{"--rate 1gbit --mark 100", true},
		{"--loss 0", false},
		{"--segment on", true},
		{"--loss 1 --segment off", false},
		{"--segment off --loss 1", false},
		{"--segment off --loss 1 --segment auto", true},
	};
	struct link_options o;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char words[200];
		snprintf(words, sizeof words, "--left a --right b --right-to-left %s",
			 cases[i].words);
		parse_well(&o, words);
		if (o.path[1].segment != cases[i].segment || o.path[0].segment)
			fail_msg("%s", words);
	}
}

static void test_what_is_not_said_has_a_default(void **state)
{
	struct link_options o;

	(void)state;
	parse_well(&o, "--left a --right b --rate 1mbit --reorder 1");
	assert_int_equal(o.path[0].queue_packets, 1000);
	assert_int_equal(o.path[0].reorder_ns, 5000000);
	parse_well(&o, "--left a --right b --rate 1mbit --queue 1kb --reorder 1 --reorder-by 1ms");
	assert_int_equal(o.path[0].queue_packets, 0);
	assert_int_equal(o.path[0].queue_bytes, 1000);
	assert_int_equal(o.path[0].reorder_ns, 1000000);
	parse_well(&o, "--left a --right b --rate 1mbit --mark 20");
	assert_int_equal(o.path[0].mark_packets, 20);
	assert_int_equal(o.path[0].queue_packets, 1000);
	parse_well(&o, "--left a --right b --seed 0x10 --device-mtu 9000 --offload off");
	assert_true(o.seed_given && o.seed == 16 && o.device_mtu == 9000 && !o.offload);
}

/* Each is refused with one line that contains the second text. */
static void test_errors_are_one_line_that_names_the_cause(void **state)
{
	static const char *const cases[][2] = {
		{"", "--left is missing"},
		{"--left a", "--right is missing"},
		{"--right a", "--left is missing"},
		{"--left a --right a:tunlink0", "both the device tunlink0"},
		{"--left a:toolongtobeadevice --right b", "--left: \"a:toolong"},
		{"--left a:b/c --right b", "--left"},
		{"--left a::10.0.0.1 --right b", "ADDR/LEN"},
		{"--left a::10.0.0.1/33 --right b", "ADDR/LEN"},
		{"--left a::10.0.0.1/0 --right b", "ADDR/LEN"},
		{"--left a::10.0.0.256/24 --right b", "ADDR/LEN"},
		{"--left a::224.0.0.1/24 --right b", "ADDR/LEN"},
		{"--left a::0.0.0.1/24 --right b", "ADDR/LEN"},
		{"--left a::ff02::1/64 --right b", "ADDR/LEN"},
		{"--left a::::/64 --right b", "ADDR/LEN"},
		{"--left a::fd99::1/129 --right b", "ADDR/LEN"},
		{"--left a::fd99:::1/64 --right b", "ADDR/LEN"},
		{"--left a::10.0.0.1/24, --right b", "ADDR/LEN"},
		{"--left a::1.0.0.1/8,2.0.0.1/8,3.0.0.1/8,4.0.0.1/8,5.0.0.1/8 --right b",
		 "up to 4"},
		{"--left a --right b --los 1", "did you mean --loss?"},
		{"--left a --right b --zzzzzzzzzzzz 1", "see tunhttpd link --help"},
		{"--left a --right b stray", "stray is not an option"},
		{"--left a --right b -d 1ms", "-d is not an option"},
		{"--left a --right b --", "-- is not an option"},
		{"--left a --right b --delay", "--delay needs a value"},
		{"--left a --right b --delay 10", "--delay: \"10\" is not allowed"},
		{"--left a --right b --both=1", "--both takes no value"},
		{"--left a --right b --loss 200", "percent from 0 to 100"},
		{"--left a --right b --mtu 67", "bytes from 68"},
		{"--left a --right b --device-mtu 500", "bytes from 576"},
		{"--left a --right b --segment maybe", "on, off or auto"},
		{"--left a --right b --seed -1", "64 bits"},
		{"--left a --right b --reorder-by 0ms", "--reorder-by"},
		{"--left a --right b --right-to-left --queue 9", "right to left: --queue without"},
		{"--left a --right b --mark 9", "left to right: --mark without"},
		{"--left a --right b --rate 1mbit --mark 0", "--mark: \"0\" is not allowed"},
		{"--left a --right b --reorder-by 1ms", "without --reorder"},
		{"--left a --right b --repair", "left to right: --repair without"},
		{"--left a --right b --mtu-reply", "without --mtu"},
		{"--left a --right b --corrupt 1 --segment off", "--segment off"},
	};
	struct link_options o;
	char error[LINK_ERROR_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (parse(&o, cases[i][0], error) != EXIT_USAGE)
			fail_msg("\"%s\" was taken", cases[i][0]);
		if (!strstr(error, cases[i][1]) || strchr(error, '\n'))
			fail_msg("%s: the error is \"%s\"", cases[i][0], error);
	}
}

static void test_long_names_do_not_overflow(void **state)
{
	char words[2000] = "--left ", error[LINK_ERROR_SIZE];
	struct link_options o;

	(void)state;
	memset(words + 7, 'n', sizeof words - 8);
	assert_int_equal(parse(&o, words, error), EXIT_USAGE);
	memset(words, '-', 2);
	memset(words + 2, 'n', sizeof words - 3);
	assert_int_equal(parse(&o, words, error), EXIT_USAGE);
	assert_true(strlen(error) < LINK_ERROR_SIZE);
}

static void test_help_wins(void **state)
{
	struct link_options o;

	(void)state;
	parse_well(&o, "--help");
	assert_true(o.help);
	parse_well(&o, "-h --nonsense");
	assert_true(o.help);
}

/* What a function prints, in a buffer that the caller frees. */
static char *printed(void (*print)(FILE *), const struct link_config *cfg)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (print)
		print(f);
	else
		link_config_print(cfg, f);
	fclose(f);
	return text;
}

static void test_help_names_every_option_and_exit_status(void **state)
{
	static const char *const words[] = {
		"--left SIDE",  "--right SIDE",  "--left-to-right", "--right-to-left", "--both",
		"--delay TIME", "--jitter TIME", "--rate RATE",     "--queue ",        "--loss ",
		"--burst ",     "--reorder ",    "--reorder-by ",   "--duplicate ",    "--corrupt ",
		"--repair",     "--mtu BYTES",   "--mtu-reply",     "--segment ",      "--seed N",
		"--device-mtu", "--mark ",       "--offload",       "--help",          "78"};
	char *text = printed(link_options_print_help, NULL);

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++)
		if (!strstr(text, words[i]))
			fail_msg("--help does not say %s", words[i]);
	free(text);
}

static void test_settings_as_text(void **state)
{
	struct link_options o;
	char *text;

	(void)state;
	parse_well(&o, "--left a --right b --left-to-right --delay 10ms --jitter 1.5ms --rate "
		       "100mbit --queue 64kb --mark 30kb --loss 0.5 --burst 1:25 --reorder 2 "
		       "--duplicate 3 "
		       "--corrupt 4 --repair --mtu 1400 --mtu-reply");
	text = printed(NULL, &o.path[0]);
	assert_string_equal(text, "delay 10 ms, jitter 1.5 ms, rate 100 Mbit/s, queue 64000 bytes, "
				  "marks above 30000 bytes, loss 0.5%, burst 1%:25%:100%, reorder "
				  "2% by 5 ms, duplicate 3%, "
				  "corrupt 4% with repaired checksum, MTU 1400 with reply, super "
				  "segments cut");
	free(text);
	text = printed(NULL, &o.path[1]);
	assert_string_equal(text, "nothing");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_queues),
		cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_defaults_are_a_wire),
		cmocka_unit_test(test_sides),
		cmocka_unit_test(test_options_are_for_the_direction_before_them),
		cmocka_unit_test(test_cutting_is_on_where_it_is_needed),
		cmocka_unit_test(test_what_is_not_said_has_a_default),
		cmocka_unit_test(test_errors_are_one_line_that_names_the_cause),
		cmocka_unit_test(test_long_names_do_not_overflow),
		cmocka_unit_test(test_help_wins),
		cmocka_unit_test(test_help_names_every_option_and_exit_status),
		cmocka_unit_test(test_settings_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
