/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_fastopen.h — TCP Fast Open, the server's side (RFC 7413): a client that was here before puts its request into
 * the SYN, with a cookie that shows that its address is its own, and is answered a round trip earlier.
 *
 * The cookie is SipHash over the client's address under a key that changes each day: the number of the day is
 * hashed along, and that of the day before is good as well (RFC 7413 4.1.2). All who have stack_config.fastopen_key
 * and the same clock, such as the workers of one machine, take one another's cookies.
 *
 * A SYN with a valid cookie makes a connection in SYN-RECEIVED at once: it goes to the accept queue, its data can be
 * read, and what the application answers is sent before the handshake is complete, after the SYN-ACK that
 * acknowledges the data. It is the one kind of passive open that costs more than an entry of the SYN cache
 * before the client has shown that it answers. So at most stack_config.fastopen_pending of them are under way
 * for a listener (RFC 7413 5.1); what is beyond that, or has no valid cookie, is an ordinary handshake, whose
 * SYN-ACK brings a fresh cookie to those who need one. A connection that its alleged client resets stays
 * counted for one to two minutes, or resets would make room for the next forgeries (RFC 7413 5.1).
 *
 * Once the SYN-ACK's timer has fired the old way is taken: SYN-ACKs with neither data nor option (RFC 7413 4.2.2),
 * and data only when their ACK has come. After TCP_SYNACK_RETRIES of them the connection is given up.
 *
 * A SYN that the network doubles may be served twice, when the first connection has gone by then: only for
 * applications that bear that (RFC 7413 2.1), as GET and TLS do. Off by default.
 */
#ifndef STACK_TCP_FASTOPEN_H
#define STACK_TCP_FASTOPEN_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/list.h"

struct stack;
struct tcp_conn;
struct tcp_listener;
struct tcp_segment;

#define TCP_FASTOPEN_KEY_US (24ull * 3600 * 1000000)

/* Of a connection. */
struct tcp_fastopen {
	struct tcp_listener *listener; /* while its SYN is unacknowledged                         */
	struct list link;              /* in listener->fastopen.pending meanwhile                 */
	bool opened;                   /* by a SYN with a valid cookie                            */
	bool fresh;                    /* the cookie was yesterday's: the SYN-ACK brings another  */
	bool repeat;                   /* the SYN has come again: so does the SYN-ACK             */
};

/* Of a listener. */
struct tcp_fastopen_queue {
	struct list pending;
	uint32_t count;
	uint64_t minute;    /* since the stack's time began          */
	uint32_t resets[2]; /* in this minute, in the one before */
};

/* A SYN for a listener, that met no other endpoint. True when it has become a connection; when not, the ordinary
 * handshake is to follow. */
bool tcp_fastopen_open(struct stack *s, struct tcp_listener *l, const struct tcp_segment *syn);
/* Shall the SYN-ACK to this one, which did not open a connection, bring a cookie? */
bool tcp_fastopen_wants_cookie(const struct stack *s, const struct tcp_segment *syn);
/* Adds the client's cookie of today to a SYN-ACK. */
void tcp_fastopen_put_cookie(const struct stack *s, struct tcp_segment *syn_ack);

/* In SYN-RECEIVED: the connection's SYN once more? Then the SYN-ACK will be repeated. */
bool tcp_fastopen_syn_again(struct tcp_conn *c, const struct tcp_segment *seg);
/* May data go before the handshake is complete? */
bool tcp_fastopen_may_send(const struct tcp_conn *c);
/* The SYN-ACK's timer has fired: what was sent behind it goes again when the client has answered. */
void tcp_fastopen_timeout(struct tcp_conn *c);
bool tcp_fastopen_gives_up(const struct tcp_conn *c);

/* Its SYN is acknowledged. */
void tcp_fastopen_established(struct tcp_conn *c);
/* It ends, or has ended; nothing happens when its SYN was acknowledged before. */
void tcp_fastopen_ended(struct tcp_conn *c, bool reset_by_peer);
void tcp_fastopen_listen(struct tcp_listener *l);
void tcp_fastopen_unlisten(struct tcp_listener *l);

#endif
