/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_conn.h — the inside of a connection that speaks HTTP/2 (RFC 9113), of its streams and of what its
 * files say to each other.
 *
 * h2_conn.c    the calls of conn.h: bytes in, bytes out, deadlines, the end
 * h2_input.c   what nghttp2 tells of the client's frames
 * h2_stream.c  one stream: its request, its answer, its line in the log
 */
#ifndef HTTP_H2_CONN_H
#define HTTP_H2_CONN_H

#include <nghttp2/nghttp2.h>
#include <sys/queue.h>

#include "http/conn.h"
#include "http/h2_calm.h"
#include "http/h2_request.h"
#include "http/response.h"

/* What we announce. A connection has at most so many requests under way, each with a file, its words and fields (at
 * most max_head) and the head of its response. */
#define H2_MAX_STREAMS 128u
/* Frames of ours that wait to be sent, DATA aside. Above it nothing more is read. */
#define H2_QUEUE_MAX 256u
/* Below this room no frame is begun, but for a caller who never has more. */
#define H2_ROOM_MIN 128u
#define H2_FRAME_HEAD 9u
#define H2_GOAWAY_SIZE (H2_FRAME_HEAD + 8)
/* The largest DATA frame, whatever larger ones the client takes: others shall have their turn. */
#define H2_DATA_MAX 16384u

enum h2_stream_state {
	H2_STREAM_HEAD,   /* its field section is being read                       */
	H2_STREAM_BODY,   /* its content is being read, to be dropped              */
	H2_STREAM_ANSWER, /* its response is under way; content is no longer taken */
	H2_STREAM_LINGER, /* its response is sent, and the client has not ended its request */
};

struct h2_stream {
	TAILQ_ENTRY(h2_stream) link; /* reading or sending, the one that waits longest first */
	struct h2_conn *conn;
	int32_t id;
	enum h2_stream_state state;
	struct h2_request req;
	struct http_response resp;
	uint64_t content;      /* bytes of it so far                                   */
	uint64_t started_us;   /* when its HEADERS came                                */
	uint64_t waits_us;     /* since when the client has been waited for            */
	struct http_rate rate; /* of its content                                       */
	bool ended;            /* END_STREAM of ours was sent                          */
};
TAILQ_HEAD(h2_streams, h2_stream);

enum h2_phase {
	H2_OPEN,
	H2_NOTICED, /* GOAWAY was announced: requests on their way to us are still taken (RFC 9113 6.8) */
	H2_LAST, /* the last GOAWAY was given out: what is under way is finished                 */
	H2_CLOSED, /* nothing is read any more; `goaway` is our last word                   */
};

struct h2_conn {
	struct http_conn base;
	nghttp2_session *ng;
	enum h2_phase phase;
	bool input_ended;
	bool settings_acked;
	enum http_end abuse;    /* found in a callback: the connection is ended behind it */
	struct h2_stream *head; /* whose field section is being read, NULL: none's        */
	/* All streams, by their state. `heads` may hold others than `head`: malformed ones, until the
	 * RST_STREAM has left. */
	struct h2_streams heads, reading, sending, lingering;
	unsigned stream_count;
	struct h2_bucket control, resets;
	struct http_rate rate; /* of all responses, while the client's windows hold them back */

	uint8_t *in; /* of H2_INPUT bytes; NULL while nobody is served */

	/* Made and not taken yet, in this order: what was made for a caller without room, of `stage`; the rest of
	 * a frame, nghttp2's; our last word. */
	const uint8_t *staged, *pending;
	size_t staged_len, pending_len;
	uint8_t stage[H2_ROOM_MIN];
	uint8_t goaway[H2_GOAWAY_SIZE];
	bool goaway_due;
	/* Where produce puts frames at present. */
	uint8_t *out;
	size_t out_room, out_len;

	uint64_t created_us, idle_us, noticed_us;
};

/* ------------------------------------------------------------------ h2_conn.c */

/* Ends the connection with a GOAWAY of this code, once what is in `pending` was sent. Not within a callback
 * of nghttp2: there h2_abuse does. */
void h2_close(struct h2_conn *c, uint32_t error, enum http_end why);
/* What a callback returns that has found the client out. */
int h2_abuse(struct h2_conn *c, enum http_end why);
/* No further requests, those on their way excepted. */
void h2_shutdown(struct h2_conn *c, enum http_end why);
/* The client has answered the PING that went with it: now none is on its way. */
void h2_shutdown_last(struct h2_conn *c);

/* DATA has left, so many bytes of it. */
void h2_sent(struct h2_conn *c, size_t len);

/* ------------------------------------------------------------------ h2_input.c */

/* A session of the server's side with our limits; NULL when memory is short. */
nghttp2_session *h2_session_new(struct h2_conn *c);
/* What goes along with PING, to know it again. */
extern const uint8_t h2_shutdown_ping[8];

/* ------------------------------------------------------------------ h2_stream.c */

struct h2_stream *h2_stream_new(struct h2_conn *c, int32_t id);
/* Logs it when a response was begun, or else what there is of a request that the client or we have ended
 * (`reset`). */
void h2_stream_free(struct h2_stream *s, bool reset);
/* The client is waited for from now on. */
void h2_stream_waits(struct h2_stream *s);
/* Its field section is whole. `end`: so is the request. */
void h2_stream_take_head(struct h2_stream *s, bool end);
void h2_stream_take_content(struct h2_stream *s, size_t len);
/* Its response was sent whole. */
void h2_stream_end(struct h2_stream *s);
/* The request is whole: answer it. */
void h2_stream_respond(struct h2_stream *s);
void h2_stream_refuse(struct h2_stream *s, enum http_refusal refusal);
/* nghttp2's: writes a DATA frame to the connection's `out`. */
int h2_stream_send_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head, size_t len,
			nghttp2_data_source *source, void *user);

#endif
