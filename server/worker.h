/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h — a process that serves one queue of the TUN device: its own stack, TLS context and HTTP server,
 * nothing shared with the others.
 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "server/options.h"
#include "server/privileges.h"
#include "server/sandbox.h"
#include "server/secrets.h"
#include "server/sites.h"
#include "tls/tls.h"

/* What master and worker say through the control socket. The master's end closing means: end at once. */
#define WORKER_CONTROL_DRAIN 'd' /* master: no new connections, finish what is under way          */
#define WORKER_CONTROL_SECRETS 's' /* master: new secrets, which come along (secrets.h)  */
#define WORKER_CONTROL_LOG 'l'     /* master: the access log has a new file, which comes along */
#define WORKER_CONTROL_DRAINED \
	'n' /* worker: nothing is under way; it goes on refusing connections */
#define WORKER_CONTROL_SYSLOG \
	'y' /* worker: the socket of syslog leads nowhere; WORKER_CONTROL_LOG brings one */
/* What a worker says through the ready pipe once it serves. */
#define WORKER_READY 'r'

/* Exit statuses, beside 0 and EXIT_RUNTIME. */
#define WORKER_EXIT_LINK_GONE 4 /* no worker can serve any more */
#define WORKER_EXIT_SANDBOX SANDBOX_EXIT

struct worker_config {
	const struct options *options;
	struct ip_addr address6;       /* version 0: none                                        */
	unsigned mtu;                  /* the device's, bytes                                    */
	int tun_fd;                    /* its queue                                              */
	bool offload;                  /* of the device                                          */
	const struct sites *sites;     /* what is served                                         */
	int control_fd;                /* the worker's end of the control socket                 */
	int ready_fd;                  /* writing end, -1: nobody waits                          */
	const struct secrets *secrets; /* as they were at the fork                            */
	struct identity identity;      /* whom to become                                         */
	const uint8_t *fastopen;       /* key of Fast Open's cookies, 16 bytes, every worker's   */
	int keylog_fd;                 /* for the secrets of TLS, -1: none                       */
	int log_fd;                    /* for the access log                                     */
	const struct http_mime_table *mime; /* NULL: what is built in                        */
	struct limits_table *limits; /* shared by all workers                                  */
	unsigned number;             /* of this worker, from 0                                 */
	pid_t master;
};

/* Runs until told to end. Returns the exit status; an error has been printed. Call in the child. */
int worker_run(const struct worker_config *cfg);

#endif
