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
	struct http_spare *spares; /* input buffers of HTTP/1, for the next requests */
	unsigned spare_count;
	uint64_t requests; /* so far: the number that request_id.h makes a name of */
	/* The Date of the present second: written once, sent many times. */
	time_t date_at;
	char date[HTTP_DATE_SIZE];
};

/* An input buffer of HTTP_INPUT_FIRST bytes; NULL when memory is short. Every request takes one and gives it back, so a
 * few are kept. */
#define HTTP_INPUT_FIRST 4096
uint8_t *http_server_take_input(struct http_server *server);
void http_server_put_input(struct http_server *server, uint8_t *buf);

/* The text for the Date field; "" when the clock is outside of what it can say. */
const char *http_server_date(struct http_server *server, time_t wall);

#endif
