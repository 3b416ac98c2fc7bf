/* SPDX-License-Identifier: Apache-2.0 */
/* h1_conn.h — the inside of a connection that speaks HTTP/1.1 or 1.0. */
#ifndef HTTP_H1_CONN_H
#define HTTP_H1_CONN_H

#include "http/body.h"
#include "http/conn.h"
#include "http/gate.h"
#include "http/h1_request.h"
#include "http/response.h"

enum h1_state {
	H1_HEAD,     /* between requests, or reading a head                 */
	H1_BODY,     /* reading the content of a request, to drop it        */
	H1_RESPONSE, /* a response is being produced; nothing is read       */
	H1_CLOSED,   /* nothing more in either direction                    */
};

struct h1_conn {
	struct http_conn base;
	enum h1_state state;
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
	struct h1_request req;
	struct http_body body;
	struct http_response resp;

	uint64_t deadline;     /* mono_us */
	struct http_rate rate; /* at which the request comes      */
	uint64_t started_us;   /* when the first byte of the request came */
};

#endif
