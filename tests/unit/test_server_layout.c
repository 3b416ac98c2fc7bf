/* SPDX-License-Identifier: Apache-2.0 */
/* What lines of the log look like: combined, JSON, layouts with variables; and that no client writes into them. */
#include <stdio.h>

#include "tests/unit/log_facts.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct example ex;

static int fresh(void **state)
{
	(void)state;
	make_example(&ex);
	return 0;
}

static void expect_line(const char *layout, const char *expected)
{
	char out[LOG_LINE_MAX];

	assert_string_equal(line_of(layout, LOG_REQUEST, &ex.facts, out), expected);
}

static void expect_error(const char *layout, const char *expected)
{
	char error[LOG_LAYOUT_ERROR_SIZE] = "";

	assert_null(log_layout_create(layout, LOG_REQUEST, error));
	assert_string_equal(error, expected);
}

/* ------------------------------------------------------------------ layouts */

static void test_combined(void **state)
{
	(void)state;
	expect_line("combined", "10.77.0.1 - - [14/Nov/2023:22:13:20 +0000] "
				"\"GET /a\\x22b\\x0a HTTP/1.1\" 200 1234567890123 \"-\" "
				"\"curl/8.0 \\x5co/\"");
}

static void test_every_variable(void **state)
{
	static const char *const cases[][2] = {
		{"$remote_addr $remote_port $local_addr $local_port",
		 "10.77.0.1 40123 10.77.0.2 443"},
		{"$time_iso8601", "2023-11-14T22:13:20+00:00"},
		{"$time_local", "14/Nov/2023:22:13:20 +0000"},
		{"$msec", "1700000000.007"},
		{"$request", "GET /a\\x22b\\x0a HTTP/1.1"},
		{"$request_method|$request_uri|$server_protocol", "GET|/a\\x22b\\x0a|HTTP/1.1"},
		{"$scheme $host $site", "https 10.77.0.2 default"},
		{"$status $body_bytes_sent $bytes_sent", "200 1234567890123 1234567890400"},
		{"$request_time $request_time_us $request_completion", "1.002 1002042 OK"},
		{"$http_referer|$http_user_agent", "-|curl/8.0 \\x5co/"},
		{"$request_id", "0123456789abcdef0123456789abcdef"},
		{"$connection $connection_requests $connection_time", "17 3 3.000"},
		{"$ssl_protocol $ssl_cipher", "TLSv1.3 TLS_AES_128_GCM_SHA256"},
		{"$ssl_server_name $ssl_alpn_protocol $ssl_session_reused",
		 "www.example.test http/1.1 r"},
		{"$ssl_client_s_dn $remote_user", "- -"},
		{"$tcp_rtt_us $tcp_rttvar_us $tcp_min_rtt_us", "1500 250 1400"},
		{"$tcp_retransmits $tcp_timeouts $tcp_cwnd", "2 1 14480"},
		{"$tcp_delivered $tcp_delivery_rate $tcp_pmtu", "99 1000000 1500"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		expect_line(cases[i][0], cases[i][1]);
}

static void test_syntax(void **state)
{
	(void)state;
	expect_line("${status}1", "2001");
	expect_line("a$status,b$status-${connection}x", "a200,b200-17x");
	expect_line("$$status costs 1$$", "$status costs 1$");
	expect_line("$$$status$$", "$200$");
	expect_line("no variable at all", "no variable at all");
	expect_line("", "");
	expect_line("100% %s %n {status} }", "100% %s %n {status} }");
}

static void test_errors_name_what_is_wrong(void **state)
{
	(void)state;
	expect_error("$statsu", "no variable is called $statsu; did you mean $status?");
	expect_error("a $remote_add b",
		     "no variable is called $remote_add; did you mean $remote_addr?");
	expect_error("${ssl_protocl}",
		     "no variable is called $ssl_protocl; did you mean $ssl_protocol?");
	expect_error("$status_", "no variable is called $status_; did you mean $status?");
	expect_error("$quite_unheard_of", "no variable is called $quite_unheard_of");
	expect_error("$close_reason",
		     "no variable is called $close_reason"); /* of connections only */
	expect_error("$status $", "a $ is not followed by a name: for the sign itself write $$");
	expect_error("$ status", "a $ is not followed by a name: for the sign itself write $$");
	expect_error("$Status", "a $ is not followed by a name: for the sign itself write $$");
	expect_error("${}", "a $ is not followed by a name: for the sign itself write $$");
	expect_error("${status", "a ${ is not followed by a name and }");
	expect_error("${status }", "a ${ is not followed by a name and }");
	expect_error("$status\n", "the format holds a control character: a line stays one line");
	expect_error("$status\x1b[1m",
		     "the format holds a control character: a line stays one line");
}

static void test_only_what_is_needed_is_asked_for(void **state)
{
	static const struct {
		const char *layout;
		unsigned needs;
	} cases[] = {
		{"$status $host", 0},
		{"$ssl_protocol", LOG_NEEDS_TLS},
		{"$tcp_rtt_us", LOG_NEEDS_TCP},
		{"$remote_user $tcp_cwnd", LOG_NEEDS_TLS | LOG_NEEDS_TCP},
		{"combined", LOG_NEEDS_TLS}, /* the user */
		{"json", LOG_NEEDS_TLS | LOG_NEEDS_TCP},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct log_layout *layout = layout_of(cases[i].layout, LOG_REQUEST);
		assert_int_equal(log_layout_needs(layout), cases[i].needs);
		log_layout_destroy(layout);
	}
}

static void test_what_is_not_known_is_a_dash(void **state)
{
	(void)state;
	ex.facts.tls = NULL;
	ex.facts.tcp = NULL;
	ex.entry.host = NULL;
	ex.entry.complete = false;
	ex.client.secure = false;
	expect_line(
		"$ssl_protocol $ssl_session_reused $remote_user $tcp_rtt_us $connection_time $host "
		"$request_completion $scheme",
		"- - - - - - - http");
	ex.facts.tls = &ex.tls;
	ex.tls = (struct tls_info){0}; /* a handshake that was not completed */
	expect_line("$ssl_protocol $ssl_session_reused $ssl_server_name", "- - -");
}

/* The same second costs one call of strftime; the next one is another. */
static void test_time_goes_on(void **state)
{
	struct log_layout *layout = layout_of("$time_local", LOG_REQUEST);
	static const char *const seconds[] = {"20", "20", "21", "20"};
	static const time_t walls[] = {WALL, WALL, WALL + 1, WALL};
	char out[LOG_LINE_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(walls); i++) {
		ex.facts.time.wall = walls[i];
		log_layout_line(layout, &ex.facts, out);
		assert_memory_equal(out, "14/Nov/2023:22:13:", 18);
		assert_memory_equal(out + 18, seconds[i], 2);
	}
	log_layout_destroy(layout);
}

/* ------------------------------------------------------------------ JSON */

/* Reads a string at *p: printable ASCII, and escapes that JSON knows (RFC 8259 7). */
static void skip_string(const char **p)
{
	assert_int_equal(*(*p)++, '"');
	for (; **p != '"'; (*p)++) {
		assert_true(**p >= 0x20 && **p < 0x7f);
		if (**p == '\\') {
			(*p)++;
			assert_non_null(strchr("\"\\/bfnrt", **p));
		}
	}
	(*p)++;
}

/* A flat object of strings, numbers, true, false and null, and nothing behind it; returns how many members. */
static size_t check_json(const char *text)
{
	const char *p = text;
	size_t members = 0;

	assert_int_equal(*p++, '{');
	for (;; p++) {
		skip_string(&p);
		assert_int_equal(*p++, ':');
		const size_t number = strspn(p, "0123456789.");
		if (*p == '"')
			skip_string(&p);
		else if (number > 0)
			p += number;
		else if (strncmp(p, "true", 4) == 0 || strncmp(p, "null", 4) == 0)
			p += 4;
		else if (strncmp(p, "false", 5) == 0)
			p += 5;
		else
			fail_msg("no value: %s", p);
		members++;
		if (*p != ',')
			break;
	}
	assert_string_equal(p, "}");
	return members;
}

static void test_json(void **state)
{
	char out[LOG_LINE_MAX];

	(void)state;
	line_of("json", LOG_REQUEST, &ex.facts, out);
	check_json(out);
	assert_string_equal(
		out,
		"{\"time\":\"2023-11-14T22:13:20.007Z\",\"event\":\"request\",\"client\":\"10.77.0."
		"1\","
		"\"port\":40123,\"local\":\"10.77.0.2\",\"local_port\":443,\"connection\":17,"
		"\"requests\":3,\"scheme\":\"https\",\"tls\":true,\"status\":200,"
		"\"bytes\":1234567890123,\"bytes_sent\":1234567890400,\"complete\":true,"
		"\"duration_us\":1002042,\"tls_resumed\":true,\"tcp_rtt_us\":1500,"
		"\"tcp_rttvar_us\":250,\"tcp_min_rtt_us\":1400,\"tcp_retransmits\":2,"
		"\"tcp_timeouts\":1,\"tcp_cwnd\":14480,\"tcp_delivered\":99,"
		"\"tcp_delivery_rate\":1000000,\"tcp_pmtu\":1500,"
		"\"request_id\":\"0123456789abcdef0123456789abcdef\",\"method\":\"GET\","
		"\"target\":\"/a\\\\x22b\\\\x0a\",\"version\":\"HTTP/1.1\",\"site\":\"default\","
		"\"host\":\"10.77.0.2\",\"user_agent\":\"curl/8.0 \\\\x5co/\",\"referer\":null,"
		"\"user\":null,\"subject\":null,\"tls_version\":\"TLSv1.3\","
		"\"tls_cipher\":\"TLS_AES_128_GCM_SHA256\",\"tls_alpn\":\"http/1.1\","
		"\"tls_sni\":\"www.example.test\"}");
}

static void test_json_without_tls(void **state)
{
	char out[LOG_LINE_MAX];

	(void)state;
	ex.facts.tls = NULL;
	line_of("json", LOG_REQUEST, &ex.facts, out);
	check_json(out);
	assert_non_null(strstr(out, "\"tls_resumed\":null"));
	assert_non_null(strstr(out, "\"tls_version\":null"));
}

/* ------------------------------------------------------------------ connections */

static void test_connections(void **state)
{
	char out[LOG_LINE_MAX];

	(void)state;
	ex.facts.entry = NULL;
	ex.facts.ending = &ex.ending;
	assert_string_equal(
		line_of("combined", LOG_CONNECTION, &ex.facts, out),
		"connection=17 time=2023-11-14T22:13:20+00:00 client=10.77.0.1 port=40123 "
		"local_port=443 tls=TLSv1.3 cipher=TLS_AES_128_GCM_SHA256 "
		"name=\"www.example.test\" alpn=\"http/1.1\" resumed=r user=- requests=3 in=321 "
		"out=654 duration=3.000 rtt_us=1500 rttvar_us=250 retransmits=2 closed=idle");
	line_of("json", LOG_CONNECTION, &ex.facts, out);
	check_json(out);
	assert_non_null(strstr(out, "\"event\":\"connection\""));
	assert_non_null(strstr(out, "\"closed\":\"idle\""));
	assert_non_null(strstr(out, "\"duration_us\":3000000"));
	assert_non_null(strstr(out, "\"bytes_received\":321,\"bytes_sent\":654"));
	assert_null(strstr(out, "\"status\""));
}

/* ------------------------------------------------------------------ what clients choose */

/* Every text that a client has a hand in. */
#define CLIENT_TEXTS(X)                           \
	X("request_method", ex.entry.method)      \
	X("request_uri", ex.entry.target)         \
	X("server_protocol", ex.entry.version)    \
	X("host", ex.entry.host)                  \
	X("http_referer", ex.entry.referer)       \
	X("http_user_agent", ex.entry.user_agent) \
	X("ssl_server_name", ex.tls.sni)          \
	X("ssl_alpn_protocol", ex.tls.alpn)       \
	X("ssl_client_s_dn", ex.tls.client)       \
	X("remote_user", ex.tls.client)

static void set_all(const char *text)
{
#define X(name, field) field = text;
	CLIENT_TEXTS(X)
#undef X
}

static void test_every_client_text_is_escaped(void **state)
{
	static const char *const names[] = {
#define X(name, field) name,
		CLIENT_TEXTS(X)
#undef X
	};
	static const char *const cases[][2] = {
		{"\r\n", "\\x0d\\x0a"},
		{"a\"b", "a\\x22b"},
		{"a\\b", "a\\x5cb"},
		{"\x1b[2J", "\\x1b[2J"},
		{"\xc3\xa4\xff\x80", "\\xc3\\xa4\\xff\\x80"},
		{"\x01\x7f\t", "\\x01\\x7f\\x09"},
		{"$status %s", "$status %s"},
	};
	char out[LOG_LINE_MAX], layout[64], expected[64];

	(void)state;
	for (size_t n = 0; n < COUNT(names); n++) {
		for (size_t i = 0; i < COUNT(cases); i++) {
			set_all(cases[i][0]);
			snprintf(layout, sizeof layout, "\"$%s\"", names[n]);
			snprintf(expected, sizeof expected, "\"%s\"", cases[i][1]);
			line_of(layout, LOG_REQUEST, &ex.facts, out);
			if (strcmp(names[n], "remote_user") == 0 && strchr(cases[i][0], ' '))
				assert_string_equal(out, "\"$status\\x20%s\"");
			else
				assert_string_equal(out, expected);
		}
	}
}

/* All bytes that a string can hold, in each of the layouts, also one that looks like JSON. */
static void test_no_byte_leaves_its_field(void **state)
{
	char out[LOG_LINE_MAX], text[2] = "";

	(void)state;
	for (int byte = 1; byte < 256; byte++) {
		text[0] = (char)byte;
		set_all(text);
		check_json(line_of("json", LOG_REQUEST, &ex.facts, out));
		check_json(line_of("{\"u\":\"$http_user_agent\",\"r\":\"$request\"}", LOG_REQUEST,
				   &ex.facts, out));
		line_of("combined", LOG_REQUEST, &ex.facts, out);
		size_t quotes = 0;
		for (const char *p = out; *p; p++) {
			assert_true(*p >= 0x20 && *p < 0x7f);
			quotes += *p == '"';
		}
		assert_int_equal(quotes, 6);
	}
}

static void test_subject_of_a_client_certificate(void **state)
{
	char out[LOG_LINE_MAX];

	(void)state;
	ex.tls.client = "CN=Erika  M\"x, O=\xc3\xa9 ";
	line_of("combined", LOG_REQUEST, &ex.facts, out);
	/* the third field is the user: a blank would end it */
	assert_non_null(
		strstr(out, "10.77.0.1 - CN=Erika\\x20\\x20M\\x22x,\\x20O=\\xc3\\xa9\\x20 ["));
	line_of("json", LOG_REQUEST, &ex.facts, out);
	assert_non_null(strstr(out, "\"subject\":\"CN=Erika  M\\\\x22x, O=\\\\xc3\\\\xa9 \","));
	/* Who has shown a password is that user. */
	ex.entry.remote_user = "an na\"";
	line_of("combined", LOG_REQUEST, &ex.facts, out);
	assert_non_null(strstr(out, "10.77.0.1 - an\\x20na\\x22 ["));
	line_of("json", LOG_REQUEST, &ex.facts, out);
	assert_non_null(strstr(out, "\"user\":\"an\\\\x20na\\\\x22\",\"subject\":\"CN=Erika"));
}

#define TEN(text) text text text text text text text text text text

static void test_longest_line_is_whole(void **state)
{
	static const char *const layouts[] = {"json", "combined", TEN("$http_user_agent")};
	char *huge = malloc(100001), out[LOG_LINE_MAX];
	size_t members = 0;

	(void)state;
	members = check_json(line_of("json", LOG_REQUEST, &ex.facts, out));
	for (size_t fill = 0; fill < 3; fill++) {
		memset(huge,
		       "\n\xff"
		       "a"[fill],
		       100000);
		huge[100000] = '\0';
		set_all(huge);
		ex.entry.body_bytes = ex.entry.bytes = ex.entry.duration_us = UINT64_MAX;
		ex.client.conn_id = ex.tcp.delivered = ex.tcp.srtt_us = UINT64_MAX;
		for (size_t i = 0; i < COUNT(layouts); i++) {
			line_of(layouts[i], LOG_REQUEST, &ex.facts, out);
			assert_non_null(strstr(out, "..."));
			if (i == 0)
				assert_int_equal(check_json(out), members);
		}
	}
	free(huge);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup(test, fresh)
	const struct CMUnitTest tests[] = {
		FRESH(test_combined),
		FRESH(test_every_variable),
		FRESH(test_syntax),
		FRESH(test_errors_name_what_is_wrong),
		FRESH(test_only_what_is_needed_is_asked_for),
		FRESH(test_what_is_not_known_is_a_dash),
		FRESH(test_time_goes_on),
		FRESH(test_json),
		FRESH(test_json_without_tls),
		FRESH(test_connections),
		FRESH(test_every_client_text_is_escaped),
		FRESH(test_no_byte_leaves_its_field),
		FRESH(test_subject_of_a_client_certificate),
		FRESH(test_longest_line_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
