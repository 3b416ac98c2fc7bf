/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sites.h — from the options of the sites to what HTTP serves: directories are opened, rules are read.
 *
 * All of it is done by the master before it gives up anything; workers have it from the fork.
 */
#ifndef SERVER_SITES_H
#define SERVER_SITES_H

#include <stdbool.h>
#include <stddef.h>

#include "http/site.h"
#include "server/options.h"

struct sites {
	struct http_site *site; /* the default one, then one for each section of the options */
	size_t count;
	/* What the default site answers to by itself, NULL at the end. */
	const char **default_hosts;
	char (*host_text)[VALUE_HOST_SIZE];
};

/* Opens every directory. False when one cannot be served; then that has been logged. sites_free in any case; `o`
 * has to outlive it. */
bool sites_open(struct sites *s, const struct options *o);
/* The same question as whom the workers are: may they read the directories? Logged when not. */
bool sites_try(const struct sites *s, const struct options *o, const char *user);
void sites_free(struct sites *s);
/* Logs what is allowed and will not do what is hoped for. */
void sites_warn(const struct options *o);

/* What was said of the n-th site. */
const struct site_options *sites_options(const struct options *o, size_t n);
/* The directory of the n-th site, as the user wrote it. */
const char *sites_root(const struct options *o, size_t n);

#endif
