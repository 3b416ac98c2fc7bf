/* SPDX-License-Identifier: Apache-2.0 */
/* server.h — the inside of struct http_server: what the connections of one worker share. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/date.h"
#include "http/file_cache.h"
#include "http/gate.h"
#include "http/hosts.h"
#include "http/http.h"
#include "http/site.h"

struct http_server {
	struct http_server_config cfg; /* server_name and sites are our copies */
	struct http_site *sites;       /* the same as cfg.sites                */
	struct http_hosts hosts;       /* theirs                               */
	struct http_gate_limits limits;
	struct http_file_cache *files;  /* NULL: none */
	struct http_variants *variants; /* NULL: none */
	int events_fd;                  /* epoll of what these two wait for; -1: nothing  */
	bool draining;
	uint64_t requests; /* so far: the number that request_id.h makes a name of */
	/* The Date of the present second: written once, sent many times. */
	time_t date_at;
	char date[HTTP_DATE_SIZE];
};

/* The text for the Date field; "" when the clock is outside of what it can say. */
const char *http_server_date(struct http_server *server, time_t wall);

#endif
