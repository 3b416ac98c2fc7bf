/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options_sections.c — the sections of the configuration file, a site each: `[site example.org *.example.net]`.
 *
 * A section keeps what it says itself as it is read. The rest it gets at the end from the default site, whatever
 * source that has it from: flags and environment are stronger than the file, but a section is not the default site.
 */
#include <stdlib.h>
#include <string.h>

#include "server/options.h"
#include "server/options_table.h"

static const char separators[] = " \t,";

static const struct site_section *section_of(const struct options *o, const char *host)
{
	for (size_t i = 0; i < o->section_count; i++)
		for (size_t h = 0; h < o->section[i].hosts.count; h++)
			if (strcmp(o->section[i].hosts.list[h], host) == 0)
				return &o->section[i];
	return NULL;
}

/* Appends a host to the list of those that are being read. */
static bool add_host(struct reading *r, char **list, const char *word, const char *where)
{
	char host[VALUE_HOST_SIZE], *more = NULL;
	const struct site_section *other;

	if (!value_host(word, host))
		return options_fail(r, "%s: \"%s\" is no host name and no IP address", where, word);
	if ((other = section_of(r->o, host)) != NULL)
		return options_fail(r, "%s: %s is a host of the site at %s already", where, host,
				    other->where);
	if (asprintf(&more, "%s%s%s", *list ? *list : "", *list ? "," : "", host) < 0)
		return options_fail(r, "%s: out of memory", where);
	free(*list);
	*list = more;
	return true;
}

static bool read_hosts(struct reading *r, char *words, struct name_list *hosts, const char *where)
{
	char *list = NULL, *save;
	bool good = true;

	for (char *w = strtok_r(words, separators, &save); w && good;
	     w = strtok_r(NULL, separators, &save))
		good = add_host(r, &list, w, where);
	if (good && !list)
		good = options_fail(r, "%s: a site needs a host name: [site example.org]", where);
	else if (good && !value_names(list, hosts))
		good = options_fail(r, "%s: a site has %d hosts at most", where, VALUES_NAMES_MAX);
	free(list);
	return good;
}

static struct site_section *new_section(struct options *o)
{
	/* 1, 2, 4 …: full whenever the count is a power of two */
	if ((o->section_count & (o->section_count - 1)) == 0) {
		const size_t cap = o->section_count ? 2 * o->section_count : 1;
		struct site_section *more = realloc(o->section, cap * sizeof *more);
		if (!more)
			return NULL;
		o->section = more;
	}
	struct site_section *s = &o->section[o->section_count];
	memset(s, 0, sizeof *s);
	return s;
}

bool options_begin_section(struct reading *r, const char *words, const char *where)
{
	const size_t kind = strcspn(words, separators);
	struct options *o = r->o;
	char text[OPTIONS_ERROR_SIZE * 8];

	if (kind != 4 || memcmp(words, "site", 4) != 0)
		return options_fail(r, "%s: no section is called \"%.*s\"; did you mean [site %s]?",
				    where, (int)kind, words,
				    words[kind] ? words + kind + 1 : "example.org");
	if ((size_t)snprintf(text, sizeof text, "%s", words + kind) >= sizeof text ||
	    o->section_count == SECTIONS_MAX)
		return options_fail(r, "%s: more than %d sites", where, SECTIONS_MAX);
	struct site_section *s = new_section(o);
	if (!s || !(s->where = strdup(where)))
		return options_fail(r, "%s: out of memory", where);
	/* Counted only now: its own hosts are not to be found among the others'. */
	const bool good = read_hosts(r, text, &s->hosts, where);
	o->section_count++;
	r->section = s;
	return good;
}

static bool inherit_one(struct reading *r, struct site_section *s, const struct option_def *def)
{
	const struct option_setting *from = &r->o->set[def - option_table];
	void *field = option_field(r->o, s, def);
	const char *why;

	if (s->set[def - option_table].text || !from->text)
		return true;
	if (!option_parse(def, from->text, field, &why))
		return options_fail(r, "out of memory");
	if (option_is_text(def))
		*(const char **)field = from->text;
	return true;
}

/* A certificate goes with its key: of a pair a section says both or nothing. */
static bool is_pair(const struct option_def *def)
{
	return strcmp(def->name, "cert") == 0 || strcmp(def->name, "key") == 0;
}

bool options_inherit(struct reading *r)
{
	for (size_t i = 0; i < r->o->section_count; i++) {
		struct site_section *s = &r->o->section[i];
		s->own_pair = s->site.cert.count > 0 || s->site.key.count > 0;
		for (size_t n = 0; n < option_count; n++)
			if (option_table[n].site && !(s->own_pair && is_pair(&option_table[n])) &&
			    !inherit_one(r, s, &option_table[n]))
				return false;
	}
	return true;
}

void options_print_sections(const struct options *o, FILE *out)
{
	for (size_t i = 0; i < o->section_count; i++) {
		const struct site_section *s = &o->section[i];
		fprintf(out, "\n; file %s\n[site", s->where);
		for (size_t h = 0; h < s->hosts.count; h++)
			fprintf(out, " %s", s->hosts.list[h]);
		fprintf(out, "]\n");
		for (size_t n = 0; n < option_count; n++)
			if (s->set[n].text)
				option_print(&option_table[n], &s->set[n], out);
	}
}

void options_free_sections(struct options *o)
{
	for (size_t i = 0; i < o->section_count; i++) {
		struct site_section *s = &o->section[i];
		for (size_t n = 0; n < option_count; n++) {
			if (option_table[n].site && option_table[n].kind->free)
				option_table[n].kind->free(option_field(o, s, &option_table[n]));
			free(s->set[n].text);
			free(s->set[n].where);
		}
		name_list_free(&s->hosts);
		free(s->where);
	}
	free(o->section);
}
