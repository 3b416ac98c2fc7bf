/* SPDX-License-Identifier: Apache-2.0 */
/*
 * healthcheck.h — `tunhttpd healthcheck`: does the server answer? For container engines, whose images have no curl.
 *
 * It asks through the kernel's TCP, as any client on this host would: http by a request, of which any answer below 500 is
 * good; https by a ClientHello, of which a ServerHello is good, so that a worker has taken part and no certificate has to
 * be trusted.
 */
#ifndef SERVER_HEALTHCHECK_H
#define SERVER_HEALTHCHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEALTHCHECK_URL_SIZE 512

struct health_url {
	bool tls;
	char host[256]; /* without brackets */
	char port[6];
	char path[HEALTHCHECK_URL_SIZE]; /* with the query; "/" when there is none */
};

/* http or https, RFC 9110 4.2. A name or an address, no user. False for anything else. */
bool health_url_parse(const char *text, struct health_url *out);

/* The status of a response that has begun, of "HTTP/1.1 200 …" (RFC 9112 4); 0 when it is no such thing, or shorter. */
unsigned health_status(const char *text, size_t len);

/* A ClientHello (RFC 5246 7.4.1.2, RFC 8446 4.1.2) for TLS 1.2, as one record. Returns its length. */
#define HEALTH_HELLO_SIZE 128
size_t health_hello(uint8_t out[HEALTH_HELLO_SIZE], const uint8_t random[32]);

/* The arguments after the command: [--timeout SECONDS] [URL], or options of `serve`, of which the server's address and
 * ports are taken. Returns the exit status, 0 or 1, or EXIT_USAGE; prints one line. */
int healthcheck_command(int argc, char *argv[]);

#endif
