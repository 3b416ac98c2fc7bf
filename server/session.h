/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h — one accepted connection: TCP below, HTTP above, TLS between them or not.
 *
 * A session only moves bytes, as far as they go now; it never waits. The app calls session_run after
 * everything that happened to the connection. Internal to server/app.c.
 */
#ifndef SERVER_SESSION_H
#define SERVER_SESSION_H

#include <sys/queue.h>

#include "server/app.h"
#include "server/handshakes.h"
#include "server/progress.h"

enum session_phase {
	SESSION_SNIFF,        /* TLS port: what are the first bytes?                              */
	SESSION_HANDSHAKE,    /* of TLS                                                           */
	SESSION_OPEN,         /* requests and responses                                           */
	SESSION_CLOSE_NOTIFY, /* everything was produced; TLS says goodbye                        */
	SESSION_LINGER,       /* our FIN is queued; input is discarded until the peer's FIN       */
	SESSION_OVER,         /* the TCP handle was given back; to be freed                       */
};

/* What sessions of an app share. */
struct session_env {
	struct app_config cfg;
	struct handshakes handshakes;
	unsigned steps;         /* of TLS handshakes in this turn of the app        */
	uint8_t scratch[16384]; /* plaintext of the record being made */
};

struct session {
	TAILQ_ENTRY(session) link;  /* all sessions of the app                      */
	TAILQ_ENTRY(session) ready; /* the `busy` ones, or a list of handshakes.h   */
	struct session_env *env;
	struct tcp_conn *tcp;
	struct tls_session *tls; /* NULL without TLS                     */
	struct http_conn *http;  /* NULL before SESSION_OPEN             */
	struct app_client client;
	enum session_phase phase;
	enum close_reason reason; /* the first that was noted                                 */
	bool idle;        /* nobody would miss it: in the app's list                              */
	bool busy;        /* its share of this turn was used up                             */
	bool blocked;     /* the send ring came up short: wait for WRITABLE                 */
	bool more;        /* further bytes follow the ones being sent                       */
	bool corked;      /* so it was said of the last ones                                */
	bool input_ended; /* http_conn_input_end was called                                 */
	size_t budget;    /* bytes left of this turn                                        */
	uint8_t *held;    /* plaintext that TLS must be offered again, held_len bytes       */
	size_t held_len;
	enum handshake_place place;
	uint64_t place_since;     /* PLACE_HELD: when it began                                 */
	struct progress progress; /* of what it is sent                                 */
	uint64_t
		phase_deadline; /* handshake or linger                                            */
};

/* Who is at the other end. */
void session_client(const struct tcp_conn *tcp, bool secure, struct app_client *client);
/* Takes over `tcp`, which it gives back in any case. NULL when memory is short. */
struct session *session_create(struct session_env *env, struct tcp_conn *tcp,
			       const struct app_client *client, struct http_time now);
/* Resets the connection if it is still there. */
void session_destroy(struct session *s);

/* Moves bytes as far as they go. Afterwards the session is OVER, or busy, or waits for an event for
 * which a timer stands in. */
void session_run(struct session *s, struct http_time now);

/* The events of the stack, each before session_run. */
void session_on_writable(struct session *s);
void session_on_sent(struct session *s, struct http_time now);
void session_on_timer(struct session *s, struct http_time now);
/* The stack is done with the connection. */
void session_on_closed(struct session *s, enum tcp_close_reason why);
/* Its place among the handshakes is another's: the connection is reset. Afterwards it is OVER. */
void session_give_way(struct session *s);
/* Is nothing under way that a client would miss? After session_run. */
bool session_is_idle(const struct session *s);
/* Ends an idle one in order, for another is to have its place; afterwards it is OVER. False when bytes of the client
 * wait to be read: then it is not idle any more. */
bool session_make_room(struct session *s, struct http_time now);
/* The server drains: what has not come as far as a request is closed. */
void session_on_drain(struct session *s);

#endif
