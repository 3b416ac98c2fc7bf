/* SPDX-License-Identifier: Apache-2.0 */
/*
 * startup.h — everything between the options and the first worker: directory, user, certificate, link.
 * Whatever can be wrong is found here, before anything is served, and told in one line.
 */
#ifndef SERVER_STARTUP_H
#define SERVER_STARTUP_H

#include "http/mime_table.h"
#include "server/options.h"
#include "server/privileges.h"
#include "server/secrets.h"
#include "server/sites.h"
#include "server/tun.h"
#include "tls/tls.h"

struct startup {
	const struct options *options;
	struct sites sites;
	struct identity identity;
	/* With https: the files of the certificates and their keys, and what was in them. */
	char *cert_path[IDENTITIES_MAX], *key_path[IDENTITIES_MAX];
	size_t pairs; /* of them; 0 without https */
	struct identities identities;
	char *ca_path;                /* NULL: not from the local authority */
	struct http_mime_table *mime; /* NULL: what is built in */
	int keylog_fd;                /* -1: none */
	int log_fd;                   /* of the access log, -1 before it is open */
	struct tun_device tun;
	uint8_t fastopen_key[16];     /* the workers take one another's cookies */
	unsigned mtu;                 /* the device's              */
	struct link_address address6; /* what became of the option: version 0 is off */
};

/* Checks all that needs no network: directory, user, certificate and key, which are made first if they
 * are to be local. Returns 0, or an exit status; then the error has been printed. */
int startup_check(struct startup *s, const struct options *o);
/* Reads all files anew; the names of the blobs are startup's. False when one cannot be read; then that has been logged
 * and there is nothing to free. */
bool startup_read_identities(const struct startup *s, struct identities *out);
/* Would the workers take them? When not, the reason has been logged. Tried in a process of its own. */
bool startup_try_identities(const struct startup *s, const struct identities *identities);
/* Has the local authority issue a new leaf if the old one is near its end. */
void startup_renew_local(struct startup *s);
/* Makes and configures the link. The same return. */
int startup_link(struct startup *s);
/* Once all of that is done, and the workers are started: the master keeps the capabilities that it needs later. False: logged. */
bool startup_give_up(const struct startup *s);
/* Says on standard error what is served and how to try it. */
void startup_announce(const struct startup *s);
/* Closes the link, and with that removes the device. */
void startup_free(struct startup *s);

#endif
