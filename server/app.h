/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app.h — the server without the system: joins one stack, the TLS context and the HTTP server.
 *
 * It listens on the stack, makes a session (server/session.h) of every accepted connection and moves bytes
 * between TCP, TLS and HTTP. No system call is made here and no clock read (file reads are http/'s), so
 * the same code runs in a worker over a TUN device and in the simulator over virtual links.
 *
 * The owner's turn:
 *
 *     stack_input …; stack_advance(s, now);
 *     more = app_run(app, now);
 *     while (stack_output(s, now, &out)) …
 *     sleep until stack_next_timeout(s) or a packet; not at all when `more` was true
 */
#ifndef SERVER_APP_H
#define SERVER_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/http.h"
#include "server/close_reason.h"
#include "server/limits.h"
#include "stack/stack.h"
#include "tls/tls.h"

struct app;

/* One client, as the log hooks see it. It is what http_log_entry.user points to, as
 * `const struct app_client *`, while the entry's callback runs. */
struct app_client {
	struct ip_endpoint remote;
	struct ip_endpoint local;
	bool secure;
	uint64_t conn_id; /* tcp_info.id */
	/* For what else somebody wants to know: tcp_get_info, tls_session_info (NULL without TLS). */
	const struct tcp_conn *tcp;
	const struct tls_session *tls;
};

/* How a connection has ended. */
struct app_ending {
	enum close_reason reason;
	unsigned requests; /* that were answered, or whose answer was begun */
};

/* Fill with app_config_default(), then set what is NULL. */
struct app_config {
	struct stack *stack;      /* all of its events are the app's from now on              */
	struct http_server *http; /* stays the caller's; outlives the app                     */
	struct tls_context *tls;  /* the same; may be NULL when https_port is 0               */
	uint16_t http_port;       /* 0: off                                                   */
	uint16_t https_port;      /* 0: off                                                   */
	bool http2_clear;         /* HTTP/2 with prior knowledge on http_port                 */
	bool lend;        /* the stack leaves checksums to the link, so that files can be sent from
	                             where they are: stack.h, tcp_send_loan              */
	unsigned backlog; /* connections waiting for the next app_run, per port       */
	size_t max_handshakes; /* of TLS under way at once: server/handshakes.h       */
	/* Sessions at once. For one more the longest idle one is closed, or else the new one is refused. */
	size_t max_connections;
	struct limits
		*limits; /* what one client may have; NULL: anything. Stays the caller's      */
	uint64_t handshake_timeout_us; /* from accept to the end of the TLS handshake          */
	uint64_t send_timeout_us;      /* without one byte acknowledged while some wait         */
	struct http_rate_min
		min_send;           /* at which bytes are to be acknowledged: server/progress.h */
	uint64_t linger_timeout_us; /* from our FIN's ACK to the peer's FIN                 */
	/* A TLS connection failed: one line why. NULL: nobody cares. */
	void (*tls_failed)(void *ctx, const struct app_client *client, const char *why);
	/* A connection is over: once for each that was accepted, after the last entry of its requests. NULL: nobody
	 * cares. */
	void (*closed)(void *ctx, const struct app_client *client, const struct app_ending *ending);
	void *ctx;
};
void app_config_default(struct app_config *cfg);

/* Starts to listen. `cfg` is copied. Returns NULL when a port cannot be had or memory is short. With TLS
 * the stack's send buffer must hold a handshake message whole: 16 KiB do for any usual certificate. */
struct app *app_create(const struct app_config *cfg);
/* Resets what is still open; the resets leave with the next stack_output. */
void app_destroy(struct app *app);

/* Handles every event of the stack. Returns true when a session has more to do at once, because its
 * share of this turn was used up: then call again after sending, without waiting. */
bool app_run(struct app *app, struct http_time now);

/* Connections that come from now on use this context; the others keep theirs. */
void app_set_tls(struct app *app, struct tls_context *tls);

/* Stops listening, closes idle connections, lets responses under way finish. Idempotent. */
void app_drain(struct app *app, struct http_time now);
/* True once no byte of ours and no FIN is unacknowledged and no response is under way: nobody loses
 * anything if the program ends now. Meant for after app_drain. */
bool app_drained(const struct app *app);

/* Sessions at present: from accept until the TCP handle is given back. */
size_t app_connections(const struct app *app);

/* TLS handshakes under way, those that wait to begin, and how many ever had to, or lost their place. */
struct app_handshakes {
	size_t under_way, waiting;
	uint64_t waited, gave_way;
};
void app_get_handshakes(const struct app *app, struct app_handshakes *out);

#endif
