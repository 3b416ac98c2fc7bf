/* SPDX-License-Identifier: Apache-2.0 */
/* hosts.h — the names of all sites, and whose they are. */
#ifndef HTTP_HOSTS_H
#define HTTP_HOSTS_H

#include "http/site.h"

/* In order. */
struct http_host {
	const char *name;
	const struct http_site *site;
};
struct http_hosts {
	struct http_host *host;
	size_t count;
};
/* Every host of every site. Of a name that two have, the first one gets it. False when memory is short. */
bool http_hosts_init(struct http_hosts *t, const struct http_site *sites, size_t count);
void http_hosts_free(struct http_hosts *t);
/* The site for the value of a Host field, which may have a port. NULL when nobody has the name. */
const struct http_site *http_hosts_find(const struct http_hosts *t, struct http_str host);

#endif
