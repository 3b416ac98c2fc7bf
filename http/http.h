/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h — HTTP/1.1 and HTTP/2 (RFC 9110, RFC 9112, RFC 9113) static serving, as a machine of bytes in and bytes out.
 *
 * A struct http_server holds what connections share: the directory, the limits, the log callback. A
 * struct http_conn is one client connection, plain or inside TLS; it knows nothing of either. Its
 * owner moves bytes:
 *
 *     n = http_conn_reserve(c, &buf);  receive up to n bytes into buf;  http_conn_commit(c, now, got);
 *     got = http_conn_produce(c, now, out, room);      the next bytes of the responses, in order
 *
 * Responses are produced on demand from open files, so one larger than memory streams. Only file reads
 * touch the system; the network and the clock are the caller's. Single-threaded.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "http/auth.h"

#include "http/rate.h"

struct http_server;
struct http_site; /* site.h */
struct http_conn;
struct http_mime_table; /* mime_table.h */

struct http_time {
	uint64_t mono_us; /* monotonic: deadlines        */
	time_t wall;      /* UTC seconds: Date, the log  */
	unsigned wall_ms; /* of that second: the log     */
};

/* Why a connection comes to its end, as HTTP sees it. */
enum http_end {
	HTTP_END_NONE,          /* it does not yet                                        */
	HTTP_END_CLIENT,        /* the client's stream ended first                        */
	HTTP_END_REQUESTED,     /* the client asked for it: Connection: close, HTTP/1.0   */
	HTTP_END_REFUSED,       /* what came was no request, or one we do not go on after */
	HTTP_END_IDLE,          /* no request came in time                                */
	HTTP_END_HEAD_TIMEOUT,  /* its head did not                                       */
	HTTP_END_BODY_TIMEOUT,  /* its content did not                                    */
	HTTP_END_TOO_SLOW,      /* it came below min_receive                              */
	HTTP_END_TOO_SLOW_SEND, /* it let responses through below min_send             */
	HTTP_END_MAX_REQUESTS,  /* max_requests                                           */
	HTTP_END_DRAIN,         /* http_server_drain                                      */
	HTTP_END_FILE,          /* a file gave less than was promised                     */
	HTTP_END_NO_MEMORY,
	/* of HTTP/2 */
	HTTP_END_FLOOD,            /* too many frames that ask for nothing                   */
	HTTP_END_RESETS,           /* too many streams that ended before their time          */
	HTTP_END_HEAD_TOO_LARGE,   /* a field section that is not even worth a 431           */
	HTTP_END_STALLED,          /* the client's windows stayed shut: stall_timeout        */
	HTTP_END_SETTINGS_TIMEOUT, /* it never acknowledged our SETTINGS                      */
};

/* One line of the access log, given when a response was produced whole or its connection ended. All
 * strings are raw bytes of the client and must be escaped by whoever prints them. */
struct http_log_entry {
	struct http_time time;
	const char *method;                      /* as sent; "-" when unparsable     */
	const char *target;                      /* request-target as sent           */
	const char *version;                     /* "HTTP/1.1"                       */
	const char *host, *referer, *user_agent; /* NULL when absent */
	const char *remote_user; /* who has shown the password for it, NULL: nobody  */
	int status;
	const char *site;       /* its name                                  */
	const char *request_id; /* 32 hexadecimal digits, ours: request_id.h */
	unsigned requests;      /* of this connection, this one included     */
	uint64_t body_bytes;    /* of the body, as produced         */
	uint64_t bytes;         /* head and body, as produced       */
	bool complete;          /* the whole response was produced  */
	uint64_t duration_us;   /* first byte of the request to last byte of the response */
	void *user;             /* http_conn_create's `user`        */
};

/* What one worker keeps of the files that it serves. */
struct http_file_cache_config {
	unsigned entries;     /* 0: nothing is kept; the default                         */
	size_t bytes;         /* of memory                                               */
	unsigned descriptors; /* of files that are larger than `small`                   */
	uint64_t small;       /* bytes: up to here a file is kept in memory              */
	unsigned watches;     /* directories under inotify                               */
};

struct http_server_config {
	/* The first is the default. They are copied; directories and what they point to stay the
	 * caller's, and must live as long as the server. */
	const struct http_site *sites;
	size_t site_count;
	uint16_t https_port;     /* where sites redirect to; 0: nowhere; default 443            */
	bool strict_hosts;       /* a host that no site has: 421, instead of the first site's  */
	const char *server_name; /* the Server field; NULL sends none                          */
	size_t max_head;         /* request line and fields together: 431 above; default 16 KiB */
	size_t max_target;       /* request-target: 414 above; default 8 KiB                   */
	unsigned max_fields;     /* header fields: 431 above; default 100                      */
	uint64_t max_body;       /* drained from a request with a body: 413 above; default 1 MiB */
	uint64_t header_timeout_us; /* from the first byte of a request to the end of its head    */
	uint64_t body_timeout_us;   /* from one piece of a request's content to the next          */
	struct http_rate_min min_receive; /* of a request, head and content each: 408 below;
					     default 240 bytes a second over 60 s              */
	struct http_rate_min
		min_send; /* of responses, where the windows of HTTP/2 hold them back: what TCP
					  holds back is the owner's to judge; default as above */
	uint64_t idle_timeout_us;  /* between requests, and before the first                     */
	uint64_t stall_timeout_us; /* HTTP/2: how long a client may let no byte of a response
				       through its windows; default 60 s                       */
	unsigned max_requests;     /* of one connection, then Connection: close; default 1000    */
	unsigned
		max_pipeline; /* requests that are answered in one turn: http_conn_begin_turn; default 64 */
	uint64_t request_id_key[3]; /* random: no two workers give the same ids                 */
	bool send_request_id;       /* X-Request-Id in every response; default off               */
	unsigned max_ranges;        /* of one request, then all are ignored; 0: no ranges at all;
				       at most HTTP_RANGES_MAX; default 32                     */
	bool precompressed;         /* serve file.br, .zst and .gz in place of file; default on */
	const struct http_mime_table
		*mime; /* beside what is built in, the caller's; NULL: nothing   */
	struct http_file_cache_config file_cache;
	size_t compress_memory; /* bytes for compressed variants, made in the background; 0: none are
				   made; the default                                      */
	/* May this be answered, to the connection of this `user` and by the site of this number? 0, or 429 or 503, and then the
	 * seconds after which it may be tried again. NULL: yes. */
	int (*admit)(void *ctx, void *user, size_t site, unsigned *retry_after);
	void *admit_ctx;
	uint64_t seed; /* of what divides the parts of multipart responses          */
	/* Compares a password: `now` is of the wall clock. NULL: nobody's is right. */
	enum http_password (*check_password)(void *ctx, const struct http_auth *auth,
					     const struct http_credentials *who, time_t now);
	void *password_ctx;
	void (*log)(void *ctx,
		    const struct http_log_entry *entry); /* NULL: off                    */
	void *log_ctx;
};
void http_server_config_default(struct http_server_config *cfg);
struct http_server *http_server_create(const struct http_server_config *cfg);
void http_server_destroy(struct http_server *server);
/* From now on every response says Connection: close, and idle connections want to close. */
void http_server_drain(struct http_server *server);

/* A descriptor that is readable when http_server_refresh has something to do; -1: there is none. */
int http_server_event_fd(const struct http_server *server);
/* Do changes of cached files show at once? Else within a second. */
bool http_server_watches_files(const struct http_server *server);
/* Is there a thread that compresses? It is missing where the system gives none. */
bool http_server_compresses(const struct http_server *server);
/* Takes notice of files that have changed, and of what was compressed. To be called before requests are answered that came since the
 * last time: then no answer is older than its request. Never waits. */
void http_server_refresh(struct http_server *server);

enum http_protocol {
	HTTP_PROTOCOL_1,      /* HTTP/1.1 and 1.0 */
	HTTP_PROTOCOL_2,      /* HTTP/2 (RFC 9113): over TLS when ALPN says "h2" */
	HTTP_PROTOCOL_EITHER, /* as the first bytes say: HTTP/2 with prior knowledge (RFC 9113 3.3) */
};

/* `secure` is only told to handlers and the log. NULL when memory is short. */
struct http_conn *http_conn_create(struct http_server *server, struct http_time now,
				   enum http_protocol protocol, bool secure, void *user);
/* The name that the client asked for in its TLS handshake (SNI). Over HTTP/2 requests for a site with other certificates
 * get 421 then (RFC 9113 9.1.2). To be called before the first byte. */
void http_conn_set_name(struct http_conn *c, const char *name);
void http_conn_destroy(struct http_conn *c);

/* Room for input: sets *buf and returns how many bytes it may take. 0 means: not now, because a
 * response must be produced first, or never again, because the connection is closing. The buffer is
 * valid until the next call on `c`. */
size_t http_conn_reserve(struct http_conn *c, uint8_t **buf);
/* `len` bytes were received into the reserved buffer. Parses; may make responses available. When
 * none came after all, a commit of 0 gives the room back: an idle connection holds no buffer. */
void http_conn_commit(struct http_conn *c, struct http_time now, size_t len);
/* The peer will send no more. A response under way is still produced. */
void http_conn_input_end(struct http_conn *c, struct http_time now);

/* Writes the next bytes of the responses into `out`; returns how many, 0 when there are none now. May
 * also parse a pipelined request that waits in the input buffer. */
size_t http_conn_produce(struct http_conn *c, struct http_time now, uint8_t *out, size_t room);
/* The next bytes of the responses where they lie, if they can be had so: at most `max`, in *out, and true. They are
 * to be read by the kernel only (map.h), and stay until they were released. None are produced by this: if they were
 * taken, http_conn_lent says how many, else they are released. Never gives the last bytes of a response. */
struct http_lent {
	const uint8_t *data;
	size_t len;
	void (*release)(void *owner);
	void *owner;
};
bool http_conn_lend(struct http_conn *c, size_t max, struct http_lent *out);
void http_conn_lent(struct http_conn *c, struct http_time now, size_t len);
/* A client that sends its requests ahead of the answers shall not keep the others waiting. The owner says when a turn of
 * this connection begins; once max_pipeline responses were produced in it, it is over: produce stops there over HTTP/1, and
 * the owner should turn to others. Bytes of large responses are the owner's to count. */
void http_conn_begin_turn(struct http_conn *c);
bool http_conn_turn_is_over(const struct http_conn *c);
/* True between requests, and once the connection is closed: nobody waits for anything. */
bool http_conn_idle(const struct http_conn *c);
/* True while produce would give bytes; when it gives none after all, no longer. */
bool http_conn_has_output(const struct http_conn *c);
/* True once everything was produced and the connection is to be closed: after the last response, a
 * parse error, a deadline, a drain. Also true when it broke: ask http_conn_broken first. */
bool http_conn_finished(const struct http_conn *c);
/* True when a response broke in the middle (a file shrank, a read failed): close with a reset, so that
 * the client cannot take it for whole. */
bool http_conn_broken(const struct http_conn *c);

/* Why it is finished, broken or about to be. */
enum http_end http_conn_end(const struct http_conn *c);
/* How many responses were begun. */
unsigned http_conn_requests(const struct http_conn *c);

/* An idle connection is to end: what is left to produce says so to the client, where its version of HTTP has a word for
 * it. */
void http_conn_leave(struct http_conn *c, struct http_time now);

/* The next deadline of this connection, mono_us; UINT64_MAX for none. */
uint64_t http_conn_deadline(const struct http_conn *c);
/* Call when it has passed: answers 408 where RFC 9110 15.5.9 allows, or just finishes. */
void http_conn_expire(struct http_conn *c, struct http_time now);

/* Writes a complete, readable 400 for plain HTTP that was spoken to the TLS port ("use https://…"),
 * with Connection: close. Returns its length, 0 when `room` is too small (1 KiB is enough). */
size_t http_plain_on_tls_response(uint8_t *out, size_t room, struct http_time now);

#endif
