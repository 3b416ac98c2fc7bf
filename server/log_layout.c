/* SPDX-License-Identifier: Apache-2.0 */
/* log_layout.c — see log_layout.h. */
#include "server/log_layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/log_variables.h"
#include "server/suggest.h"

static const char combined[] =
	"$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent "
	"\"$http_referer\" \"$http_user_agent\"";

/* One who reads the access log by the combined format's rules stumbles over no word of it: it has keys. */
static const char connections[] =
	"connection=$connection time=$time_iso8601 client=$remote_addr port=$remote_port "
	"local_port=$local_port tls=$ssl_protocol cipher=$ssl_cipher name=\"$ssl_server_name\" "
	"alpn=\"$ssl_alpn_protocol\" resumed=$ssl_session_reused user=$remote_user "
	"requests=$connection_requests in=$bytes_received out=$bytes_sent "
	"duration=$connection_time rtt_us=$tcp_rtt_us rttvar_us=$tcp_rttvar_us "
	"retransmits=$tcp_retransmits closed=$close_reason";

/* A piece of the layout: text as it is, or a variable. */
struct item {
	const struct log_variable *variable; /* NULL: text */
	const char *text;
	size_t len;
};

struct log_layout {
	enum log_subject subject;
	bool json;   /* of our own making                 */
	bool braces; /* the user's, which looks like JSON */
	unsigned needs;
	char *text; /* what items point into             */
	struct item *items;
	size_t count;
	struct log_clock clock;
};

/* ------------------------------------------------------------------ reading a layout */

static const struct log_variable *find(enum log_subject subject, const char *name, size_t len)
{
	for (size_t i = 0; i < log_variable_count; i++) {
		const struct log_variable *v = &log_variables[i];
		if (v->name && (v->subjects & subject) && strlen(v->name) == len &&
		    memcmp(v->name, name, len) == 0)
			return v;
	}
	return NULL;
}

static void unknown(enum log_subject subject, const char *name, size_t len,
		    char error[LOG_LAYOUT_ERROR_SIZE])
{
	char word[SUGGEST_WORD_MAX + 1];
	struct suggestion near = {.word = word};

	snprintf(word, sizeof word, "%.*s", (int)len, name);
	for (size_t i = 0; i < log_variable_count; i++)
		if (log_variables[i].name && (log_variables[i].subjects & subject))
			suggest_consider(&near, log_variables[i].name);
	if (near.best)
		snprintf(error, LOG_LAYOUT_ERROR_SIZE,
			 "no variable is called $%s; did you mean $%s?", word, near.best);
	else
		snprintf(error, LOG_LAYOUT_ERROR_SIZE, "no variable is called $%s", word);
}

static void add_text(struct log_layout *layout, const char *text, size_t len)
{
	if (len > 0)
		layout->items[layout->count++] = (struct item){.text = text, .len = len};
}

/* What follows a dollar sign: another one, a name, or a name in braces. Returns where the text goes on, NULL when it is
 * none of these. */
static const char *read_variable(struct log_layout *layout, const char *at,
				 char error[LOG_LAYOUT_ERROR_SIZE])
{
	if (*at == '$') {
		add_text(layout, at, 1);
		return at + 1;
	}
	const bool braces = *at == '{';
	const char *name = at + braces;
	const size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
	if (len == 0 || (braces && name[len] != '}')) {
		snprintf(error, LOG_LAYOUT_ERROR_SIZE,
			 len == 0 ? "a $ is not followed by a name: for the sign itself write $$"
				  : "a ${ is not followed by a name and }");
		return NULL;
	}
	const struct log_variable *v = find(layout->subject, name, len);
	if (!v) {
		unknown(layout->subject, name, len, error);
		return NULL;
	}
	layout->needs |= log_variable_needs(v);
	layout->items[layout->count++] = (struct item){.variable = v};
	return name + len + braces;
}

static bool read_layout(struct log_layout *layout, char error[LOG_LAYOUT_ERROR_SIZE])
{
	for (const char *at = layout->text; *at;) {
		const size_t len = strcspn(at, "$");
		add_text(layout, at, len);
		at += len;
		if (*at != '$')
			break;
		at = read_variable(layout, at + 1, error);
		if (!at)
			return false;
	}
	return true;
}

static bool is_printable(const char *text, char error[LOG_LAYOUT_ERROR_SIZE])
{
	for (; *text; text++) {
		if ((unsigned char)*text >= 0x20 && *text != 0x7f)
			continue;
		snprintf(error, LOG_LAYOUT_ERROR_SIZE,
			 "the format holds a control character: a line stays one line");
		return false;
	}
	return true;
}

static bool compile(struct log_layout *layout, const char *text, char error[LOG_LAYOUT_ERROR_SIZE])
{
	size_t dollars = 0;

	if (!is_printable(text, error))
		return false;
	for (const char *p = text; *p; p++)
		dollars += *p == '$';
	layout->braces = text[0] == '{';
	layout->text = strdup(text);
	layout->items = calloc(2 * dollars + 1, sizeof *layout->items);
	if (layout->text && layout->items)
		return read_layout(layout, error);
	snprintf(error, LOG_LAYOUT_ERROR_SIZE, "out of memory");
	return false;
}

struct log_layout *log_layout_create(const char *text, enum log_subject subject,
				     char error[LOG_LAYOUT_ERROR_SIZE])
{
	struct log_layout *layout = calloc(1, sizeof *layout);

	if (!layout) {
		snprintf(error, LOG_LAYOUT_ERROR_SIZE, "out of memory");
		return NULL;
	}
	layout->subject = subject;
	layout->json = strcmp(text, "json") == 0;
	if (layout->json) {
		layout->needs = LOG_NEEDS_TLS | LOG_NEEDS_TCP;
		return layout;
	}
	if (strcmp(text, "combined") == 0)
		text = subject == LOG_CONNECTION ? connections : combined;
	if (compile(layout, text, error))
		return layout;
	log_layout_destroy(layout);
	return NULL;
}

void log_layout_destroy(struct log_layout *layout)
{
	if (!layout)
		return;
	free(layout->text);
	free(layout->items);
	free(layout);
}

unsigned log_layout_needs(const struct log_layout *layout)
{
	return layout->needs;
}

/* ------------------------------------------------------------------ writing a line */

static bool is_text(const struct log_variable *v)
{
	return v->type == TYPE_TEXT || v->type == TYPE_WORD;
}

static bool in_quotes(const struct log_variable *v)
{
	return is_text(v) || v->type == TYPE_MADE || v->type == TYPE_ADDRESS;
}

/* ,"key":"" */
static size_t syntax_of(const struct log_variable *v)
{
	return strlen(v->key) + sizeof(",\"\":null") - 1;
}

static void put_member(struct log_layout *layout, const struct log_variable *v, struct log_line *l,
		       const struct log_facts *f)
{
	log_put(l, l->len > 0 ? ",\"" : "{\"", 2);
	log_put_text(l, v->key);
	log_put(l, "\":", 2);
	if (!log_variable_known(v, f)) {
		log_put(l, "null", 4);
		return;
	}
	if (in_quotes(v))
		log_put(l, "\"", 1);
	log_variable_put(v, l, f, &layout->clock);
	if (in_quotes(v))
		log_put(l, "\"", 1);
}

/* Texts come last, because they may be long: each leaves room for the syntax of those behind it. */
static void put_json(struct log_layout *layout, struct log_line *l, const struct log_facts *f)
{
	const struct log_variable *end = log_variables + log_variable_count;

	l->reserve = 1; /* the closing brace */
	for (const struct log_variable *v = log_variables; v < end; v++) {
		if (!v->key || !(v->subjects & layout->subject))
			continue;
		if (is_text(v))
			l->reserve += syntax_of(v);
		else
			put_member(layout, v, l, f);
	}
	for (const struct log_variable *v = log_variables; v < end; v++) {
		if (!v->key || !(v->subjects & layout->subject) || !is_text(v))
			continue;
		put_member(layout, v, l, f);
		l->reserve -= syntax_of(v);
	}
	log_put(l, "}", 1);
}

size_t log_layout_line(struct log_layout *layout, const struct log_facts *facts,
		       char out[LOG_LINE_MAX])
{
	struct log_line l = {.text = out, .json = layout->json || layout->braces};

	if (layout->json)
		put_json(layout, &l, facts);
	for (size_t i = 0; i < layout->count; i++) {
		const struct item *item = &layout->items[i];
		if (item->variable)
			log_variable_put(item->variable, &l, facts, &layout->clock);
		else
			log_put(&l, item->text, item->len);
	}
	out[l.len++] = '\n';
	return l.len;
}
