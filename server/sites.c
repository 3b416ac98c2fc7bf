/* SPDX-License-Identifier: Apache-2.0 */
/* sites.c — see sites.h. */
#include "server/sites.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/htpasswd.h"
#include "server/log.h"

const struct site_options *sites_options(const struct options *o, size_t n)
{
	return n == 0 ? &o->site : &o->section[n - 1].site;
}

/* "file:12: " before what is said of a section's site. */
static void place_of(const struct options *o, size_t n, char out[OPTIONS_ERROR_SIZE])
{
	out[0] = '\0';
	if (n > 0)
		snprintf(out, OPTIONS_ERROR_SIZE, "%s: ", o->section[n - 1].where);
}

const char *sites_root(const struct options *o, size_t n)
{
	return sites_options(o, n)->root;
}

/* ------------------------------------------------------------------ hosts */

static bool is_section_host(const struct options *o, const char *host)
{
	for (size_t i = 0; i < o->section_count; i++)
		for (size_t h = 0; h < o->section[i].hosts.count; h++)
			if (strcmp(o->section[i].hosts.list[h], host) == 0)
				return true;
	return false;
}

static void add_default_host(struct sites *s, const struct options *o, size_t *count,
			     const char *host)
{
	char *text = s->host_text[*count];

	if (value_host(host, text) && !is_section_host(o, text))
		s->default_hosts[(*count)++] = text;
}

/* The server's addresses, localhost, and the names of the certificate, unless a section wants them. */
static bool name_default(struct sites *s, const struct options *o)
{
	const size_t max = o->names.count + 3;
	char address[IP_ADDR_TEXT_SIZE];
	size_t count = 0;

	s->default_hosts = calloc(max + 1, sizeof *s->default_hosts);
	s->host_text = calloc(max, sizeof *s->host_text);
	if (!s->default_hosts || !s->host_text)
		return false;
	add_default_host(s, o, &count, ip_addr_text(&o->address.stack, address));
	if (o->address6.stack.version == 6)
		add_default_host(s, o, &count, ip_addr_text(&o->address6.stack, address));
	add_default_host(s, o, &count, "localhost");
	for (size_t i = 0; i < o->names.count; i++)
		add_default_host(s, o, &count, o->names.list[i]);
	return true;
}

/* ------------------------------------------------------------------ one site */

/* What has been read stays the options'. */
static void take_options(struct http_site *site, const struct site_options *o)
{
	site->redirect_https = o->redirect_https;
	site->redirects = o->redirects;
	site->hsts = o->hsts;
	site->security_headers = o->security_headers;
	site->fields = o->fields;
	site->cache_rules = o->cache;
	site->cache_hashed = o->cache_hashed;
	site->cors = o->cors;
	site->cors_headers = o->cors_headers;
	site->cors_max_age = (uint32_t)(o->cors_max_age_us / 1000000);
	site->cors_credentials = o->cors_credentials;
	site->auth_over_http = o->auth_over_http;
}

static void take_pages(struct http_site *site, const struct site_options *from)
{
	memcpy(site->index, from->index.list, sizeof site->index); /* with the NULL at its end */
	site->symlinks = from->symlinks;
	site->dotfiles = from->dotfiles;
	site->clean_urls = from->clean_urls;
	site->listing = from->listing;
	site->listing_max = from->listing_max;
	site->fallback = strcmp(from->fallback, "off") != 0 ? from->fallback : NULL;
	site->error_pages = from->error_pages.list;
	site->error_page_count = from->error_pages.count;
}

static bool same_names(const struct name_list *a, const struct name_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->list[i], b->list[i]) != 0)
			return false;
	return true;
}

/* The number of the first site that names the same files, in which order does matter. */
static unsigned certificates_of(const struct options *o, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (same_names(&sites_options(o, i)->cert, &sites_options(o, n)->cert))
			return (unsigned)i;
	return (unsigned)n;
}

/* Whom each rule is for. A file that several rules name is read for each of them. */
static bool read_users(struct http_site *site, const struct options *o, size_t n)
{
	const struct http_auth_rules *rules = &sites_options(o, n)->auth;
	struct http_auth *auth = calloc(rules->count + 1, sizeof *auth);
	char error[HTPASSWD_ERROR_SIZE];

	site->auth = auth;
	if (!auth) {
		log_error("out of memory");
		return false;
	}
	for (size_t i = 0; i < rules->count; i++) {
		auth[i].rule = &rules->rule[i];
		site->auth_count++;
		if (!htpasswd_read(rules->rule[i].file, &auth[i].users, error)) {
			log_error("%s", error);
			return false;
		}
	}
	return true;
}

static bool open_site(struct http_site *site, const struct options *o, size_t n)
{
	char place[OPTIONS_ERROR_SIZE];

	http_site_default(site);
	take_options(site, sites_options(o, n));
	take_pages(site, sites_options(o, n));
	if (n > 0) {
		site->name = o->section[n - 1].hosts.list[0];
		site->hosts = o->section[n - 1].hosts.list;
	}
	site->certificates = certificates_of(o, n);
	site->root_fd = open(sites_root(o, n), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (site->root_fd >= 0)
		return read_users(site, o, n);
	place_of(o, n, place);
	log_error("%scannot serve %s: %m", place, sites_root(o, n));
	return false;
}

bool sites_open(struct sites *s, const struct options *o)
{
	*s = (struct sites){.site = calloc(o->section_count + 1, sizeof *s->site)};
	if (!s->site || !name_default(s, o)) {
		log_error("out of memory");
		return false;
	}
	for (size_t n = 0; n <= o->section_count; n++) {
		s->count++;
		if (!open_site(&s->site[n], o, n))
			return false;
	}
	s->site[0].hosts = s->default_hosts;
	return true;
}

/* A page that cannot be read makes nothing worse than it is without one: said once, and gone on. */
static void try_page(const struct http_site *site, const char *place, const char *option,
		     const char *path)
{
	const char *index_name;
	struct http_file file;

	if (http_static_find(http_site_root(site), path, site->index, &file, &index_name) ==
	    HTTP_FIND_FILE)
		http_file_close(&file);
	else
		log_error("%swarning: %s %s is no file below the directory that can be read", place,
			  option, path);
}

static void try_pages(const struct http_site *from, const char *place)
{
	struct http_site site = *from;

	if (http_resolver_probe(site.root_fd, &site.resolver) != 0)
		return; /* http_server_create will say so */
	if (site.fallback)
		try_page(&site, place, "fallback", site.fallback);
	for (size_t i = 0; i < site.error_page_count; i++)
		try_page(&site, place, "error-page", site.error_pages[i].path);
}

bool sites_try(const struct sites *s, const struct options *o, const char *user)
{
	char place[OPTIONS_ERROR_SIZE];

	for (size_t n = 0; n < s->count; n++) {
		const int fd = openat(s->site[n].root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		place_of(o, n, place);
		if (fd < 0) {
			log_error("%suser %s cannot read the directory %s: %m; chmod it, or choose "
				  "another user with --user",
				  place, user, sites_root(o, n));
			return false;
		}
		close(fd);
		try_pages(&s->site[n], place);
	}
	return true;
}

/* Whoever knows its name could fetch it. */
static bool is_below(const char *file, const char *directory)
{
	char *a = realpath(file, NULL), *b = realpath(directory, NULL);
	const size_t len = b ? strlen(b) : 0;
	const bool below = a && b && strncmp(a, b, len) == 0 && (a[len] == '/' || len == 1);

	free(a);
	free(b);
	return below;
}

static void warn_of_passwords(const struct options *o, const char *file)
{
	for (size_t n = 0; n <= o->section_count; n++) {
		if (!is_below(file, sites_root(o, n)))
			continue;
		log_error("warning: the passwords in %s are below %s, which is served: move them",
			  file, sites_root(o, n));
		return;
	}
}

void sites_warn(const struct options *o)
{
	char place[OPTIONS_ERROR_SIZE];

	for (size_t n = 0; n <= o->section_count; n++) {
		const struct site_options *site = sites_options(o, n);
		const char *lacks = http_hsts_preload_obstacle(&site->hsts, site->redirect_https);
		place_of(o, n, place);
		if (lacks)
			log_error(
				"warning: %shsts says preload, for which browsers also ask for %s",
				place, lacks);
		for (size_t i = 0; i < site->auth.count; i++)
			warn_of_passwords(o, site->auth.rule[i].file);
	}
}

void sites_free(struct sites *s)
{
	for (size_t n = 0; n < s->count; n++) {
		struct http_auth *auth = (struct http_auth *)(uintptr_t)s->site[n].auth;
		if (s->site[n].root_fd >= 0)
			close(s->site[n].root_fd);
		for (size_t i = 0; i < s->site[n].auth_count; i++)
			htpasswd_free(&auth[i].users);
		free(auth);
	}
	free(s->site);
	free(s->default_hosts);
	free(s->host_text);
	*s = (struct sites){0};
}
