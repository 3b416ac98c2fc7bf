/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish.h — the addresses of this host, or container, as addresses of the server: packets for its ports that come in by
 * the interfaces of --publish are translated (nf_tables) to the address of the stack. Clients keep their own addresses:
 * only the destination changes, and the answers come back through the same device.
 */
#ifndef SERVER_PUBLISH_H
#define SERVER_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "server/values.h"

#define PUBLISH_ERROR_SIZE 512
#define PUBLISH_TABLE_SIZE 32

struct publish_config {
	const struct name_list *interfaces; /* "auto" alone: all but loopback and the TUN device  */
	const char *tun;
	uint16_t port[2]; /* http, https; 0: none                      */
	const struct link_address *address,
		*address6; /* the latter's version 0: no IPv6           */
};

struct publish {
	struct publish_config cfg;
	char table[PUBLISH_TABLE_SIZE];
	int fd;       /* of nf_tables; -1: nothing is published                                */
	int watch_fd; /* readable when addresses have changed; -1: none                        */
	bool owned;   /* the table goes with fd, whoever ends                                   */
	bool v6;      /* IPv6 is published, too                                                */
	bool no_v6;   /* why it is not has been told                                           */
};

/* Is the list the word auto? */
bool publish_is_auto(const struct name_list *interfaces);
/* Do the interfaces exist? False with one line in `error`. */
bool publish_check(const struct name_list *interfaces, char error[PUBLISH_ERROR_SIZE]);
/* Lets the kernel pass packets on, and makes the table; one of a server that was killed is replaced. `cfg` and what it
 * points to is kept. False with one line in `error`; then there is nothing to stop. */
bool publish_start(struct publish *p, const struct publish_config *cfg,
		   char error[PUBLISH_ERROR_SIZE]);
/* Addresses have changed: the table is replaced, in one step. */
void publish_refresh(struct publish *p);
/* Removes the table. Forwarding that was switched on stays so: by now others may need it. */
void publish_stop(struct publish *p);
/* In a worker: closes what belongs to the master. */
void publish_forget(struct publish *p);

#endif
