/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_client.h — an HTTP/1.1 client for the scenarios, over plain TCP or TLS. Each connection asks for a list
 * of files, one after the other or all at once, checks status, length and every byte of each answer, and
 * then closes or waits to be closed.
 */
#ifndef TESTS_SIM_WEB_CLIENT_H
#define TESTS_SIM_WEB_CLIENT_H

#include "tests/sim/scenario.h"
#include "tests/sim/site.h"

#define WEB_REQUESTS_MAX 16u

enum web_kind {
	WEB_GET,
	WEB_HEAD,
	WEB_RANGE,   /* bytes=from-to                   */
	WEB_MISSING, /* a name that is not there        */
	WEB_BAD,     /* no HTTP at all: 400, and closed */
};

struct web_request {
	enum web_kind kind;
	unsigned file;
	uint64_t from, to; /* of WEB_RANGE, both inclusive */
};

struct web_plan {
	struct web_request request[WEB_REQUESTS_MAX];
	unsigned count;
	bool pipelined;    /* all requests at once                                       */
	bool server_first; /* the last request says Connection: close                    */
	bool half_close;   /* a FIN right behind the requests (plain TCP only)           */
	bool by_bytes;     /* requests are written a byte at a time                      */
	uint32_t read_max; /* bytes in one read of plain TCP, 0: all                     */
	uint64_t read_pause_us;
};

struct web_conn;

struct web_clients {
	struct sim *sim;
	struct tls_context *tls; /* NULL: plain */
	uint16_t port;           /* of the server */
	struct web_conn *first;
	unsigned opened, finished;
	bool may_fail;           /* connections may break before the last answer */
	uint64_t begun, answers; /* heads and whole answers that have come */
};

void web_clients_init(struct web_clients *w, struct sim *sim, struct tls_context *tls,
		      uint16_t port);
void web_clients_free(struct web_clients *w);
/* The application of host 0. */
struct sim_app web_clients_app(struct web_clients *w);
/* Connects at `at_us` from `local_port`. */
void web_clients_connect(struct web_clients *w, uint64_t at_us, uint16_t local_port,
			 const struct web_plan *plan);

#endif
