/* SPDX-License-Identifier: Apache-2.0 */
/* Which site a request is for: see hosts.h. */
#include "http/hosts.h"

#include <arpa/inet.h>
#include <stdlib.h>

/* RFC 1035 2.3.4; longer ones are no site's. */
#define NAME_SIZE 256

/* ------------------------------------------------------------------ the table */

static int compare_hosts(const void *a, const void *b)
{
	const struct http_host *x = a, *y = b;
	const int order = strcmp(x->name, y->name);

	return order != 0 ? order : (x->site > y->site) - (x->site < y->site);
}

bool http_hosts_init(struct http_hosts *t, const struct http_site *sites, size_t count)
{
	size_t max = 0, kept = 0;

	for (size_t i = 0; i < count; i++)
		for (const char *const *h = sites[i].hosts; h && *h; h++)
			max++;
	*t = (struct http_hosts){.host = calloc(max + 1, sizeof(*t->host))};
	if (!t->host)
		return false;
	for (size_t i = 0; i < count; i++)
		for (const char *const *h = sites[i].hosts; h && *h; h++)
			t->host[t->count++] = (struct http_host){*h, &sites[i]};
	qsort(t->host, t->count, sizeof(*t->host), compare_hosts);
	for (size_t i = 0; i < t->count; i++)
		if (kept == 0 || strcmp(t->host[kept - 1].name, t->host[i].name) != 0)
			t->host[kept++] = t->host[i];
	t->count = kept;
	return true;
}

void http_hosts_free(struct http_hosts *t)
{
	free(t->host);
	*t = (struct http_hosts){0};
}

static int compare_name(const void *key, const void *entry)
{
	return strcmp(key, ((const struct http_host *)entry)->name);
}

static const struct http_site *look_up(const struct http_hosts *t, const char *name)
{
	const struct http_host *h =
		bsearch(name, t->host, t->count, sizeof(*t->host), compare_name);

	return h ? h->site : NULL;
}

/* ------------------------------------------------------------------ the name */

/* The host in the form that the table has: without the port, in lower case, without the dot that may
 * end a name (RFC 3986 3.2.2), an IPv6 address in its one usual form. False when it is too long. */
static bool usual_form(struct http_str host, char out[NAME_SIZE])
{
	const bool literal = host.len > 0 && host.at[0] == '[';
	const char *end = memchr(host.at, literal ? ']' : ':', host.len);
	struct in6_addr address;

	if (end)
		host.len = (size_t)(end - host.at);
	if (literal) {
		host.at++;
		host.len--;
	} else if (host.len > 1 && host.at[host.len - 1] == '.') {
		host.len--;
	}
	if (host.len >= NAME_SIZE)
		return false;
	for (size_t i = 0; i < host.len; i++)
		out[i] = http_lower(host.at[i]);
	out[host.len] = '\0';
	return !literal || (inet_pton(AF_INET6, out, &address) == 1 &&
			    inet_ntop(AF_INET6, &address, out, NAME_SIZE) != NULL);
}

const struct http_site *http_hosts_find(const struct http_hosts *t, struct http_str host)
{
	char name[NAME_SIZE];
	const struct http_site *site;
	char *dot;

	if (t->count == 0 || !host.at || !usual_form(host, name))
		return NULL;
	site = look_up(t, name);
	dot = strchr(name, '.');
	if (site || !dot || dot == name)
		return site;
	/* "*.example.org": the first label can be any. */
	dot[-1] = '*';
	return look_up(t, dot - 1);
}
