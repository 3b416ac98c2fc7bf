/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_cases.h — a request, the section of the RFC that decides about it, and what comes back.
 *
 * Each case runs whole, byte by byte, and in pieces of seven with seven bytes of room for the
 * output. The three must give the same bytes: how a request was cut into segments is no business of
 * its meaning. Besides what a case says, every response must be one: a Date, a Server, a
 * Content-Length that is true, and Connection: close exactly when the connection closes.
 */
#ifndef TESTS_UNIT_HTTP_CASES_H
#define TESTS_UNIT_HTTP_CASES_H

#include "tests/unit/http_harness.h"

enum fate {
	OPEN,
	CLOSED
};

struct http_case {
	const char *name; /* what, and the section that says so */
	const char *request;
	size_t len;
	const char *statuses; /* of all responses, in order: "100 200" */
	enum fate fate;
	const char *has[4];   /* must be in the output; @E is the entity-tag of hello.txt */
	const char *lacks[2]; /* must not be */
	bool to_head;         /* the last response answers a HEAD */
};

/* A line of a table: CASE(name, request, statuses, fate, then HAS, LACKS and TO_HEAD as needed).
 * The length is that of the literal, for some hold a NUL. */
#define CASE(case_name, literal, want, end, ...)                                   \
	{                                                                          \
		.name = case_name, .request = literal, .len = sizeof(literal) - 1, \
		.statuses = want, .fate = end, __VA_ARGS__                         \
	}
#define HAS(...) .has = {__VA_ARGS__}
#define LACKS(...) .lacks = {__VA_ARGS__}
#define TO_HEAD .to_head = true

/* Replaces @E in `text` with the entity-tag. */
static char *expand(const struct site *s, const char *text, size_t len, size_t *out_len)
{
	char *out = malloc(len + 256);
	size_t n = 0;

	assert_non_null(out);
	for (size_t i = 0; i < len;) {
		if (i + 1 < len && text[i] == '@' && text[i + 1] == 'E') {
			n += (size_t)sprintf(out + n, "%s", s->hello_etag);
			i += 2;
		} else {
			out[n++] = text[i++];
		}
	}
	out[n] = '\0';
	*out_len = n;
	return out;
}

static bool output_has(const struct site *s, const struct output *o, const char *text)
{
	size_t len;
	char *wanted = expand(s, text, strlen(text), &len);
	bool found = memmem(o->data, o->len, wanted, len) != NULL;

	free(wanted);
	return found;
}

/* What holds for every response of this server. */
static void check_reply(const struct http_case *c, const struct reply *r, bool last, bool open)
{
	const char *connection = reply_field(r, "Connection");
	bool says_close = connection && !strcmp(connection, "close");
	const char *date, *server;

	if (r->status == 100) {
		assert_string_equal(reply_field(r, "Date") ? "fields" : "none", "none");
		return;
	}
	if (says_close != (last && !open))
		fail_msg("%s: Connection: close %s", c->name,
			 says_close ? "but open" : "is missing");
	date = reply_field(r, "Date");
	if (!date || strcmp(date, NOW_TEXT))
		fail_msg("%s: Date is %s", c->name, date ? date : "missing");
	server = reply_field(r, "Server");
	if (!server || strcmp(server, "tunhttpd"))
		fail_msg("%s: Server is %s", c->name, server ? server : "missing");
	if ((reply_field(r, "Content-Length") == NULL) != (r->status == 304))
		fail_msg("%s: Content-Length in a %d", c->name, r->status);
	if (r->status == 405 && !reply_field(r, "Allow"))
		fail_msg("%s: 405 without Allow", c->name);
	if (r->status >= 400 && r->body_len > 0 && !strstr(r->body, "<h1>"))
		fail_msg("%s: an error without a page", c->name);
}

static void check_output(const struct site *s, const struct http_case *c, const struct output *o,
			 bool open)
{
	const char *at = (const char *)o->data, *end = at + o->len;
	char statuses[64] = "";
	struct reply r;

	while (at < end) {
		bool to_head =
			c->to_head && !memmem(at + 1, (size_t)(end - at - 1), "HTTP/1.1 ", 9);

		if (!take_reply(&at, end, to_head, &r))
			fail_msg("%s: not a response: %s", c->name, at);
		check_reply(c, &r, at == end, open);
		sprintf(statuses + strlen(statuses), "%s%d", statuses[0] ? " " : "", r.status);
		assert_true(strlen(statuses) < 50);
	}
	if (strcmp(statuses, c->statuses))
		fail_msg("%s: got \"%s\", want \"%s\"\n%s", c->name, statuses, c->statuses,
			 o->data);
	if (open != (c->fate == OPEN))
		fail_msg("%s: the connection %s", c->name, open ? "stays open" : "closes");
	for (size_t i = 0; i < 4 && c->has[i]; i++)
		if (!output_has(s, o, c->has[i]))
			fail_msg("%s: lacks \"%s\"\n%s", c->name, c->has[i], o->data);
	for (size_t i = 0; i < 2 && c->lacks[i]; i++)
		if (output_has(s, o, c->lacks[i]))
			fail_msg("%s: has \"%s\"\n%s", c->name, c->lacks[i], o->data);
}

static void run_case(const struct site *s, struct http_server *server, const struct http_case *c)
{
	static const size_t steps[3][2] = {{SIZE_MAX, 65536}, {1, 65536}, {7, 7}};
	struct output whole = {0};
	size_t len;
	char *request = expand(s, c->request, c->len, &len);

	for (int i = 0; i < 3; i++) {
		struct output o;
		bool open = converse(server, request, len, steps[i][0], steps[i][1], &o);

		check_output(s, c, &o, open);
		if (i == 0) {
			whole = o;
			continue;
		}
		if (o.len != whole.len || memcmp(o.data, whole.data, o.len) != 0)
			fail_msg("%s: in steps of %zu the output differs:\n%s\nwhole:\n%s", c->name,
				 steps[i][0], o.data, whole.data);
		free(o.data);
	}
	free(whole.data);
	free(request);
}

static UNUSED void run_cases(void **state, const struct http_case *cases, size_t count)
{
	const struct site *s = *state;
	struct http_server *server = site_server(s);

	for (size_t i = 0; i < count; i++)
		run_case(s, server, &cases[i]);
	print_message("           %zu cases, each in 3 segmentations\n", count);
	http_server_destroy(server);
}

/* The same of another site in the same directory. */
static UNUSED void run_cases_on(void **state, const struct http_site *site,
				const struct http_case *cases, size_t count)
{
	struct site s = *(struct site *)*state;
	void *changed = &s;

	s.files = *site;
	run_cases(&changed, cases, count);
}

#define RUN_ON(state, site, cases) \
	run_cases_on(state, site, cases, sizeof(cases) / sizeof((cases)[0]))
#define RUN_CASES(state, cases) run_cases(state, cases, sizeof(cases) / sizeof((cases)[0]))

#endif
