/* SPDX-License-Identifier: Apache-2.0 */
/* Listings of directories: what is in them, in which order, as which text, with which fields. */
#include "tests/unit/http_cases.h"

#include <sys/wait.h>

#include "http/listing.h"

#define REQUEST(target) "GET " target " HTTP/1.1\r\nHost: h\r\n"
#define GET(target) REQUEST(target) "\r\n"
#define JSON(target) REQUEST(target) "Accept: application/json\r\n\r\n"

/* Every file has a size and a time of its own, and orders by them differ from that by name. */
static void write_sized(const struct site *s, const char *name, size_t size, int64_t mtime)
{
	const struct timespec times[2] = {{mtime, 0}, {mtime, 0}};
	char *data = calloc(1, size + 1);

	write_file(s->root_fd, name, data, size);
	assert_int_equal(utimensat(s->root_fd, name, times, 0), 0);
	free(data);
}

static int setup(void **state)
{
	struct site *s;

	site_setup(state);
	s = *state;
	s->files.listing = true;
	assert_int_equal(mkdirat(s->root_fd, "list", 0755), 0);
	assert_int_equal(mkdirat(s->root_fd, "list/Zoo", 0755), 0);
	assert_int_equal(mkdirat(s->root_fd, "list/ant", 0755), 0);
	set_mtime(s->root_fd, "list/ant");
	set_mtime(s->root_fd, "list/Zoo");
	write_sized(s, "list/b.txt", 1434, 300);
	write_sized(s, "list/B", 5, 200);
	write_sized(s, "list/a", 1, 400);
	write_sized(s, "list/c", 5, 100);
	assert_int_equal(mkdirat(s->root_fd, "odd", 0755), 0);
	assert_int_equal(mkdirat(s->root_fd, "links", 0755), 0);
	assert_int_equal(mkdirat(s->root_fd, "hollow", 0755), 0);
	return 0;
}

/* The JSON listing of a directory, as a string that the caller frees. */
static char *listing_json(struct http_server *server, const char *target)
{
	struct output out;
	char request[512], *body;

	snprintf(request, sizeof(request), JSON("%s"), target);
	converse_text(server, request, &out);
	assert_memory_equal(out.data, "HTTP/1.1 200 ", 13);
	body = strdup(strstr((char *)out.data, "\r\n\r\n") + 4);
	free(out.data);
	return body;
}

/* The names in it, with commas between. */
static void names_of(const char *json, char *out)
{
	*out = '\0';
	for (const char *at = json; (at = strstr(at, "{\"name\":\"")); at++) {
		const char *name = at + 9;
		sprintf(out + strlen(out), "%s%.*s", *out ? "," : "",
			(int)(strstr(name, "\",\"href") - name), name);
	}
}

static void expect_names(struct http_server *server, const char *target, const char *wanted)
{
	char *json = listing_json(server, target), names[4096];

	names_of(json, names);
	if (strcmp(names, wanted) != 0)
		fail_msg("%s: got %s, want %s\n%s", target, names, wanted, json);
	free(json);
}

/* ------------------------------------------------------------------ order and content */

static void test_orders(void **state)
{
	static const char *const cases[][2] = {
		{"/list/", "ant,Zoo,a,B,b.txt,c"},
		{"/list/?sort=name&order=asc", "ant,Zoo,a,B,b.txt,c"},
		{"/list/?sort=name&order=desc", "Zoo,ant,c,b.txt,B,a"},
		{"/list/?order=desc", "Zoo,ant,c,b.txt,B,a"},
		{"/list/?sort=size", "ant,Zoo,a,B,c,b.txt"},
		{"/list/?sort=size&order=desc", "ant,Zoo,b.txt,B,c,a"},
		{"/list/?sort=time", "ant,Zoo,c,B,b.txt,a"},
		{"/list/?order=desc&sort=time", "ant,Zoo,a,b.txt,B,c"},
		/* what is not known changes nothing */
		{"/list/?sort=colour&order=up", "ant,Zoo,a,B,b.txt,c"},
		{"/list/?", "ant,Zoo,a,B,b.txt,c"},
		{"/list/?&&=&sort&sort=&=size&order", "ant,Zoo,a,B,b.txt,c"},
		{"/list/?SORT=size", "ant,Zoo,a,B,b.txt,c"},
		{"/list/?sort=siz%65", "ant,Zoo,a,B,b.txt,c"},
	};
	struct http_server *server = site_server(*state);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_names(server, cases[i][0], cases[i][1]);
	http_server_destroy(server);
}

static void test_json(void **state)
{
	struct http_server *server = site_server(*state);
	char *json = listing_json(server, "/list/");

	assert_string_equal(
		json, "{\"path\":\"/list/\",\"limit\":10000,\"truncated\":false,\"entries\":[\n"
		      "{\"name\":\"ant\",\"href\":\"./ant/\",\"type\":\"directory\","
		      "\"modified\":\"1994-11-06T08:49:37Z\"},\n"
		      "{\"name\":\"Zoo\",\"href\":\"./Zoo/\",\"type\":\"directory\","
		      "\"modified\":\"1994-11-06T08:49:37Z\"},\n"
		      "{\"name\":\"a\",\"href\":\"./a\",\"type\":\"file\",\"size\":1,"
		      "\"modified\":\"1970-01-01T00:06:40Z\"},\n"
		      "{\"name\":\"B\",\"href\":\"./B\",\"type\":\"file\",\"size\":5,"
		      "\"modified\":\"1970-01-01T00:03:20Z\"},\n"
		      "{\"name\":\"b.txt\",\"href\":\"./b.txt\",\"type\":\"file\",\"size\":1434,"
		      "\"modified\":\"1970-01-01T00:05:00Z\"},\n"
		      "{\"name\":\"c\",\"href\":\"./c\",\"type\":\"file\",\"size\":5,"
		      "\"modified\":\"1970-01-01T00:01:40Z\"}\n"
		      "]}\n");
	free(json);
	json = listing_json(server, "/hollow/");
	assert_string_equal(json, "{\"path\":\"/hollow/\",\"limit\":10000,\"truncated\":false,"
				  "\"entries\":[\n]}\n");
	free(json);
	http_server_destroy(server);
}

static const struct http_case html_cases[] = {
	CASE("a page", GET("/list/"), "200", OPEN,
	     HAS("<title>/list/</title>", "<p><a href=\"../\">Parent directory</a></p>",
		 "<caption>2 directories, 4 files</caption>",
		 "<tr><th scope=\"row\"><a href=\"./ant/\"><bdi>ant/</bdi></a></th><td></td>")),
	CASE("its rows", GET("/list/"), "200", OPEN,
	     HAS("<bdi>b.txt</bdi></a></th><td><data value=\"1434\" title=\"1434 bytes\">1.4 "
		 "KiB</data></td>"
		 "<td><time datetime=\"1970-01-01T00:05:00Z\">1970-01-01 00:05:00</time></td></tr>",
		 "title=\"1 byte\">1 B<")),
	CASE("its fields", GET("/list/"), "200", OPEN,
	     HAS("\r\nContent-Type: text/html; charset=utf-8\r\n", "\r\nVary: Accept\r\n",
		 "\r\nCache-Control: no-cache\r\n",
		 "\r\nContent-Security-Policy: default-src 'none'; style-src 'sha256-"),
	     LACKS("Last-Modified", "Accept-Ranges")),
	CASE("the head of its table", GET("/list/"), "200", OPEN,
	     HAS("<th scope=\"col\" aria-sort=\"ascending\"><a href=\"?sort=name&amp;order=desc\">",
		 "<th scope=\"col\"><a href=\"?sort=size&amp;order=asc\">")),
	CASE("the same of another order", GET("/list/?sort=size&order=desc"), "200", OPEN,
	     HAS("<th scope=\"col\" aria-sort=\"descending\"><a "
		 "href=\"?sort=size&amp;order=asc\">",
		 "<th scope=\"col\"><a href=\"?sort=name&amp;order=asc\">")),
	CASE("nothing of the query is repeated", GET("/list/?sort=%22%3E<script>"), "200", OPEN,
	     LACKS("script")),
	CASE("an empty directory", GET("/hollow/"), "200", OPEN,
	     HAS("<caption>0 directories, 0 files</caption>")),
	CASE("HEAD", "HEAD /list/ HTTP/1.1\r\nHost: h\r\n\r\n", "200", OPEN,
	     HAS("\r\nETag: \"", "\r\nContent-Length: "), LACKS("<table"), TO_HEAD),
	CASE("two in a row", GET("/list/") GET("/hello.txt"), "200 200", OPEN, HAS(HELLO)),
	CASE("an index is given first", GET("/sub/"), "200", OPEN, HAS("<p>sub</p>"),
	     LACKS("<table")),
	CASE("the slash comes first", GET("/list"), "301", OPEN, HAS("Location: /list/\r\n")),
	CASE("no directory", GET("/nowhere/"), "404", OPEN, LACKS("<table")),
	CASE("a file", GET("/hello.txt/"), "404", OPEN),
	CASE("a hidden directory", GET("/sub/.git/"), "404", OPEN),
	CASE("through a link out of the root", GET("/link-up/"), "404", OPEN, LACKS("outside")),
};

static void test_html(void **state)
{
	RUN_CASES(state, html_cases);
}

static const struct http_case root_cases[] = {
	CASE("the root has no parent", GET("/"), "200", OPEN,
	     HAS("<title>/</title>", "<bdi>hello.txt</bdi>", "href=\"./sub/\""),
	     LACKS("Parent", "../")),
	CASE("nor is what it hides in it", GET("/"), "200", OPEN, LACKS(".secret", ".well-known")),
};

static const struct http_case hidden_cases[] = {
	CASE("what is served is listed", GET("/"), "200", OPEN,
	     HAS("href=\"./.secret\"", "href=\"./.well-known/\"")),
};

static void test_the_root(void **state)
{
	struct http_site site = ((const struct site *)*state)->files;

	site.index[0] = NULL;
	RUN_ON(state, &site, root_cases);
	site.dotfiles = true;
	RUN_ON(state, &site, hidden_cases);
}

static const struct http_case off_cases[] = {
	CASE("off by default", GET("/list/"), "403", OPEN, HAS("no index file"), LACKS("<table")),
};

static void test_listings_are_off_by_default(void **state)
{
	struct http_site site = ((const struct site *)*state)->files;

	site.listing = false;
	RUN_ON(state, &site, off_cases);
}

/* ------------------------------------------------------------------ negotiation, conditions */

#define IS_JSON "\r\nContent-Type: application/json\r\n"
#define IS_HTML "\r\nContent-Type: text/html; charset=utf-8\r\n"
#define ACCEPT(value) REQUEST("/list/") "Accept: " value "\r\n\r\n"

static const struct http_case negotiation_cases[] = {
	CASE("JSON", ACCEPT("application/json"), "200", OPEN, HAS(IS_JSON, "\r\nVary: Accept\r\n"),
	     LACKS("Content-Security-Policy")),
	CASE("JSON, or anything", ACCEPT("application/json, text/plain, */*"), "200", OPEN,
	     HAS(IS_JSON)),
	CASE("HTML is liked better", ACCEPT("text/html, application/json;q=0.9"), "200", OPEN,
	     HAS(IS_HTML)),
	CASE("JSON is", ACCEPT("text/html;q=0.8, application/json"), "200", OPEN, HAS(IS_JSON)),
	CASE("both alike", ACCEPT("text/html, application/json"), "200", OPEN, HAS(IS_HTML)),
	CASE("anything", ACCEPT("*/*"), "200", OPEN, HAS(IS_HTML)),
	CASE("neither", ACCEPT("image/png"), "200", OPEN, HAS(IS_HTML)),
	CASE("anything but JSON", ACCEPT("application/json;q=0, */*;q=0.1"), "200", OPEN,
	     HAS(IS_HTML)),
	CASE("the query decides alone", REQUEST("/list/?format=json") "Accept: text/html\r\n\r\n",
	     "200", OPEN, HAS(IS_JSON), LACKS("Vary")),
	CASE("for HTML, too", REQUEST("/list/?format=html") "Accept: application/json\r\n\r\n",
	     "200", OPEN, HAS(IS_HTML), LACKS("Vary")),
	CASE("a format that there is not", JSON("/list/?format=xml"), "200", OPEN,
	     HAS(IS_JSON, "\r\nVary: Accept\r\n")),
};

static void test_negotiation(void **state)
{
	RUN_CASES(state, negotiation_cases);
}

static const struct http_case condition_cases[] = {
	CASE("any that there is", REQUEST("/list/") "If-None-Match: *\r\n\r\n", "304", OPEN,
	     HAS("\r\nETag: \"", "\r\nVary: Accept\r\n", "\r\nCache-Control: no-cache\r\n")),
	CASE("another", REQUEST("/list/") "If-Match: \"x\"\r\n\r\n", "412", OPEN),
	CASE("no date is known (9110 13.1.3)",
	     REQUEST("/list/") "If-Modified-Since: " NOW_TEXT "\r\n\r\n", "200", OPEN),
	CASE("neither way (9110 13.1.4)",
	     REQUEST("/list/") "If-Unmodified-Since: " FILE_MTIME_TEXT "\r\n\r\n", "200", OPEN),
	CASE("there are no ranges", REQUEST("/list/") "Range: bytes=0-1\r\n\r\n", "200", OPEN),
};

static void entity_tag(struct http_server *server, const char *request, char out[64])
{
	struct output o;
	const char *at, *end;
	struct reply r;

	converse_text(server, request, &o);
	at = (const char *)o.data;
	end = at + o.len;
	assert_true(take_reply(&at, end, false, &r));
	assert_non_null(reply_field(&r, "ETag"));
	snprintf(out, 64, "%s", reply_field(&r, "ETag"));
	free(o.data);
}

/* A tag of its own for each text; the same when nothing has changed. */
static void test_conditions(void **state)
{
	const struct site *s = *state;
	struct http_server *server = site_server(s);
	char a[64], b[64], request[256];
	struct output o;

	RUN_CASES(state, condition_cases);
	entity_tag(server, GET("/list/"), a);
	entity_tag(server, GET("/list/"), b);
	assert_string_equal(a, b);
	entity_tag(server, JSON("/list/"), b);
	assert_string_not_equal(a, b);
	entity_tag(server, GET("/list/?order=desc"), b);
	assert_string_not_equal(a, b);
	snprintf(request, sizeof(request), REQUEST("/list/") "If-None-Match: %s\r\n\r\n", a);
	converse_text(server, request, &o);
	assert_memory_equal(o.data, "HTTP/1.1 304 ", 13);
	free(o.data);
	/* the directory itself keeps its time when a file in it grows */
	write_sized(s, "list/c", 6, 100);
	converse_text(server, request, &o);
	assert_memory_equal(o.data, "HTTP/1.1 200 ", 13);
	free(o.data);
	write_sized(s, "list/c", 5, 100);
	http_server_destroy(server);
}

/* RFC 9110 9.3.2, to the byte. */
static void test_head_has_the_fields_of_get(void **state)
{
	static const char *const fields[] = {"", "Accept: application/json\r\n"};
	struct http_server *server = site_server(*state);

	for (size_t i = 0; i < 2; i++) {
		struct output get, head;
		char request[256];

		snprintf(request, sizeof(request), REQUEST("/list/") "%s\r\n", fields[i]);
		converse_text(server, request, &get);
		snprintf(request, sizeof(request), "HEAD /list/ HTTP/1.1\r\nHost: h\r\n%s\r\n",
			 fields[i]);
		converse_text(server, request, &head);
		assert_true(get.len > head.len);
		assert_string_equal((char *)head.data + head.len - 4, "\r\n\r\n");
		assert_memory_equal(get.data, head.data, head.len);
		free(get.data);
		free(head.data);
	}
	http_server_destroy(server);
}

/* ------------------------------------------------------------------ odd names, odd files */

static const struct {
	const char *name, *href, *html, *json;
} odd_names[] = {
	{"a b", "./a%20b", "a b", "a b"},
	{"\"q\"'s&", "./%22q%22&#39;s&amp;", "&quot;q&quot;&#39;s&amp;", "\\\"q\\\"'s&"},
	{"<script>", "./%3Cscript%3E", "&lt;script&gt;", "<script>"},
	{"javascript:x", "./javascript:x", "javascript:x", "javascript:x"},
	{"x?y#z", "./x%3Fy%23z", "x?y#z", "x?y#z"},
	{"%41", "./%2541", "%41", "%41"},
	{"b\\s", "./b%5Cs", "b\\s", "b\\\\s"},
	{"n\nl\tt\x7f", "./n%0Al%09t%7F", "n\xe2\x90\x8al\xe2\x90\x89t\xe2\x90\xa1",
	 "n\\u000al\\u0009t\x7f"},
	{"caf\xc3\xa9", "./caf%C3%A9", "caf\xc3\xa9", "caf\xc3\xa9"},
	{"bad\xff\xc3", "./bad%FF%C3", "bad\xef\xbf\xbd\xef\xbf\xbd",
	 "bad\xef\xbf\xbd\xef\xbf\xbd"},
	{"over\xc0\xaf", "./over%C0%AF", "over\xef\xbf\xbd\xef\xbf\xbd",
	 "over\xef\xbf\xbd\xef\xbf\xbd"},
	{"\xe2\x80\xaegpj", "./%E2%80%AEgpj", "\xe2\x80\xaegpj", "\xe2\x80\xaegpj"},
	{"\xf0\x9f\x98\x80", "./%F0%9F%98%80", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
	{"c1\xc2\x85", "./c1%C2%85", "c1\xef\xbf\xbd", "c1\xc2\x85"},
	{"~$!*(),;=@", "./~$!*(),;=@", "~$!*(),;=@", "~$!*(),;=@"},
	{"-rf", "./-rf", "-rf", "-rf"},
};

/* Every name can be read, and every reference leads to its file. */
static void test_odd_names(void **state)
{
	const struct site *s = *state;
	struct http_server *server = site_server(s);
	char path[300], wanted[1024];
	struct output html, file;
	char *json;

	for (size_t i = 0; i < sizeof(odd_names) / sizeof(odd_names[0]); i++) {
		snprintf(path, sizeof(path), "odd/%s", odd_names[i].name);
		write_text(s->root_fd, path, odd_names[i].name);
	}
	converse_text(server, GET("/odd/"), &html);
	json = listing_json(server, "/odd/");
	for (size_t i = 0; i < sizeof(odd_names) / sizeof(odd_names[0]); i++) {
		const char *href =
			strstr(odd_names[i].href, "&#39;") ? "./%22q%22's&" : odd_names[i].href;

		snprintf(wanted, sizeof(wanted), "<a href=\"%s\"><bdi>%s</bdi></a>",
			 odd_names[i].href, odd_names[i].html);
		if (!strstr((char *)html.data, wanted))
			fail_msg("no %s in\n%s", wanted, html.data);
		snprintf(wanted, sizeof(wanted), "{\"name\":\"%s\",\"href\":\"%s\",",
			 odd_names[i].json, href);
		if (!strstr(json, wanted))
			fail_msg("no %s in\n%s", wanted, json);
		snprintf(wanted, sizeof(wanted), GET("/odd/%s"), href);
		converse_text(server, wanted, &file);
		assert_memory_equal(file.data, "HTTP/1.1 200 ", 13);
		assert_string_equal(strstr((char *)file.data, "\r\n\r\n") + 4, odd_names[i].name);
		free(file.data);
	}
	free(html.data);
	free(json);
	http_server_destroy(server);
}

static void test_only_what_is_served_is_listed(void **state)
{
	struct site s = *(struct site *)*state;
	struct http_server *server;

	assert_int_equal(symlinkat("../hello.txt", s.root_fd, "links/file"), 0);
	assert_int_equal(symlinkat("../list", s.root_fd, "links/directory"), 0);
	assert_int_equal(symlinkat("../../outside.txt", s.root_fd, "links/out"), 0);
	assert_int_equal(symlinkat("../..", s.root_fd, "links/up"), 0);
	assert_int_equal(symlinkat("/etc/passwd", s.root_fd, "links/absolute"), 0);
	assert_int_equal(symlinkat("nowhere", s.root_fd, "links/dangling"), 0);
	assert_int_equal(symlinkat("loop", s.root_fd, "links/loop"), 0);
	assert_int_equal(symlinkat("../fifo", s.root_fd, "links/pipe"), 0);
	assert_int_equal(mkfifoat(s.root_fd, "links/fifo", 0644), 0);
	write_text(s.root_fd, "links/plain", "plain\n");
	write_text(s.root_fd, "links/.hidden", "secret\n");

	server = site_server(&s);
	expect_names(server, "/links/", "directory,file,plain");
	http_server_destroy(server);
	s.files.symlinks = HTTP_SYMLINKS_NONE;
	server = site_server(&s);
	expect_names(server, "/links/", "plain");
	http_server_destroy(server);
}

/* Where openat2 is missing. */
static void test_without_openat2_the_same_is_listed(void **state)
{
	struct http_site site = ((const struct site *)*state)->files;
	struct http_listing l;

	site.resolver = HTTP_RESOLVE_WALK;
	assert_int_equal(http_listing_read(&l, &site, "/list/", 100), HTTP_FIND_FILE);
	assert_int_equal(l.count, 6);
	http_listing_free(&l);
	assert_int_equal(http_listing_read(&l, &site, "/", 100), HTTP_FIND_FILE);
	for (size_t i = 0; i < l.count; i++)
		assert_int_not_equal(strncmp(http_listing_name(&l, i), "link-", 5), 0);
	http_listing_free(&l);
	assert_int_equal(http_listing_read(&l, &site, "/link-dir/", 100), HTTP_FIND_NOTHING);
	http_listing_free(&l);
	assert_int_equal(http_listing_read(&l, &site, "/hello.txt/", 100), HTTP_FIND_NOTHING);
	http_listing_free(&l);
}

/* As a user of its own, in a child: a real identity does not come back. */
static void test_what_may_not_be_read_is_not_listed(void **state)
{
	const struct site *s = *state;
	int status;
	pid_t child;

	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdirat(s->root_fd, "mixed", 0755), 0);
	assert_int_equal(mkdirat(s->root_fd, "mixed/closed", 0700), 0);
	assert_int_equal(mkdirat(s->root_fd, "mixed/open", 0755), 0);
	write_text(s->root_fd, "mixed/private", "secret\n");
	assert_int_equal(fchmodat(s->root_fd, "mixed/private", 0600, 0), 0);
	assert_int_equal(symlinkat("private", s->root_fd, "mixed/link"), 0);
	assert_int_equal(symlinkat("closed", s->root_fd, "mixed/way"), 0);
	write_text(s->root_fd, "mixed/public", "public\n");
	child = fork();
	if (child == 0) {
		struct output out;
		struct http_server *server;
		char names[4096];

		if (setresuid(65534, 65534, 65534) != 0)
			_exit(1);
		server = site_server(s);
		converse_text(server, JSON("/mixed/"), &out);
		names_of((char *)out.data, names);
		if (strcmp(names, "open,public") != 0) {
			fprintf(stderr, "%s\n", names);
			_exit(2);
		}
		converse_text(server, GET("/mixed/closed/"), &out);
		_exit(strncmp((char *)out.data, "HTTP/1.1 403 ", 13) == 0 ? 0 : 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* Of a directory with too many names some are listed, and the reader is told. */
static void test_large_directories_are_cut(void **state)
{
	struct site s = *(struct site *)*state;
	struct http_server *server;
	struct output out;
	char *json, name[64];

	assert_int_equal(mkdirat(s.root_fd, "many", 0755), 0);
	for (int i = 0; i < 25; i++) {
		snprintf(name, sizeof(name), "many/%02d", i);
		write_text(s.root_fd, name, "");
	}
	s.files.listing_max = 24;
	server = site_server(&s);
	json = listing_json(server, "/many/");
	assert_non_null(strstr(json, "\"limit\":24,\"truncated\":true,"));
	char names[4096];
	names_of(json, names);
	assert_int_equal(strlen(names), 24 * 3 - 1);
	free(json);
	converse_text(server, GET("/many/"), &out);
	assert_non_null(strstr((char *)out.data, "more than 24 names"));
	assert_non_null(strstr((char *)out.data, "<caption>0 directories, 24 files</caption>"));
	free(out.data);
	http_server_destroy(server);

	s.files.listing_max = 25;
	server = site_server(&s);
	json = listing_json(server, "/many/");
	assert_non_null(strstr(json, "\"truncated\":false,"));
	free(json);
	converse_text(server, GET("/many/"), &out);
	assert_null(strstr((char *)out.data, "more than"));
	free(out.data);
	http_server_destroy(server);
}

static void test_sizes(void **state)
{
	static const struct {
		uint64_t size;
		const char *text;
	} cases[] = {
		{0, ">0 B<"},
		{1023, ">1023 B<"},
		{1024, ">1.0 KiB<"},
		{1024 * 1024 - 1, ">1023.9 KiB<"},
		{1024 * 1024, ">1.0 MiB<"},
		{1ULL << 40, ">1.0 TiB<"},
		{INT64_MAX, ">7.9 EiB<"},
		{UINT64_MAX, ">15.9 EiB<"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_entry entry = {.name = 0, .size = cases[i].size};
		struct http_listing l = {.entries = &entry, .count = 1};
		struct http_buf b = {0};

		http_buf_append(&l.names, "x", 2);
		http_listing_html(&b, &l, "/", HTTP_LISTING_NAME, false);
		http_buf_append(&b, "", 1);
		if (!strstr(b.data, cases[i].text))
			fail_msg("no %s in\n%s", cases[i].text, b.data);
		http_buf_free(&b);
		http_buf_free(&l.names);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_html),
		cmocka_unit_test(test_the_root),
		cmocka_unit_test(test_listings_are_off_by_default),
		cmocka_unit_test(test_negotiation),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_head_has_the_fields_of_get),
		cmocka_unit_test(test_odd_names),
		cmocka_unit_test(test_only_what_is_served_is_listed),
		cmocka_unit_test(test_without_openat2_the_same_is_listed),
		cmocka_unit_test(test_what_may_not_be_read_is_not_listed),
		cmocka_unit_test(test_large_directories_are_cut),
		cmocka_unit_test(test_sizes),
	};
	return cmocka_run_group_tests(tests, setup, site_teardown);
}
