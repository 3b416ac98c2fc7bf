/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets.h — what the workers need and may not read themselves: certificate, private key, ticket keys. A worker
 * has them from the fork; when they change the master sends the new ones as a sealed file in memory, whose
 * descriptor goes through the control socket.
 */
#ifndef SERVER_SECRETS_H
#define SERVER_SECRETS_H

#include <stdbool.h>

#include "server/options.h"
#include "tls/tls.h"

/* Certificates with their keys, of all sites together. */
#define IDENTITIES_MAX 256

/* Who the server is, and whose clients it believes: files in memory. */
struct identities {
	struct tls_pair pair[IDENTITIES_MAX];
	size_t count;              /* 0: no https                    */
	struct tls_blob client_ca; /* empty: clients show nothing    */
};

/* As tls_context_create wants them; `cfg` points into `identities`. */
void identities_config(const struct identities *identities, const struct options *o,
		       struct tls_config *cfg);
void identities_free(struct identities *identities);

struct secrets {
	struct identities identities;
	struct tls_ticket_keys tickets;
	bool has_tickets;
	bool same_identities; /* when sent: only the ticket keys have changed */
};

/* Sends one byte, `word`, and with it the secrets. False with errno. */
bool secrets_send(const struct secrets *s, int socket, char word);
/* Reads them from a received descriptor, which it closes. The identities are the caller's to free. False when the
 * descriptor holds no such thing or memory is short. */
bool secrets_receive(struct secrets *s, int fd);

#endif
