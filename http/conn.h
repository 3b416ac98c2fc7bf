/* SPDX-License-Identifier: Apache-2.0 */
/* conn.h — the inside of struct http_conn. */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include "http/body.h"
#include "http/gate.h"
#include "http/http.h"
#include "http/request.h"
#include "http/response.h"

enum http_conn_state {
	HTTP_CONN_HEAD,     /* between requests, or reading a head                 */
	HTTP_CONN_BODY,     /* reading the content of a request, to drop it        */
	HTTP_CONN_RESPONSE, /* a response is being produced; nothing is read       */
	HTTP_CONN_CLOSED,   /* nothing more in either direction                    */
};

struct http_conn {
	struct http_server *server;
	void *user;
	enum http_conn_state state;
	bool secure;
	bool input_ended; /* the peer will send no more                          */
	bool closing;     /* the response under way is the last                  */
	bool log_due;     /* a response was begun and has not been logged        */
	unsigned served;  /* requests so far                                     */

	/* [0, in_pos) has been read: the head, which stays until its response is done (the
	 * request's pieces and the log's strings are in it), and what of its content is still
	 * here. [in_pos, in_len) are the requests behind it. NULL while the connection is idle. */
	uint8_t *in;
	size_t in_len, in_pos, in_cap;
	size_t head_len;

	struct http_gate gate;
	struct http_request req;
	struct http_body body;
	struct http_response resp;

	uint64_t deadline;     /* mono_us */
	uint64_t started_us;   /* when the first byte of the request came */
	struct http_time seen; /* the time of the last call               */
};

#endif
