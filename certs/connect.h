/* SPDX-License-Identifier: Apache-2.0 */
/* connect.h — a TLS client of a few lines, over the host's own sockets: to see what a server shows. */
#ifndef CERTS_CONNECT_H
#define CERTS_CONNECT_H

#include <mbedtls/x509_crt.h>

#include "certs/certs.h"

#define CERTS_CONNECT_SECONDS 10

struct certs_peer {
	mbedtls_x509_crt
		chain;    /* as the server sends it                                            */
	char address[64]; /* that was connected to                                             */
	char version[16]; /* "TLSv1.3"; empty when the handshake did not come to an end        */
	char suite[64];   /* IANA's name                                                       */
	char note
		[CERTS_ERROR_SIZE]; /* why the handshake did not come to an end, though there is a chain */
};

/* Shakes hands with HOST:PORT without verifying anything, asking for the name HOST unless it is an address. Returns 0 with a
 * chain, or -1 with one line. certs_peer_free in any case. */
int certs_connect(const char *host, const char *port, struct certs_peer *peer,
		  char error[CERTS_ERROR_SIZE]);
void certs_peer_free(struct certs_peer *peer);

#endif
