/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_timer.h — what a connection's timers do when they fire, and how long a silent peer is borne with.
 *
 * progress_us is when the peer last showed that it lives: it acknowledged something, or answered a probe of
 * its window. The user timeout (tcp_user_timeout.h) after that a connection with something outstanding is given up (RFC 9293 3.8.3,
 * RFC 5482). For a connection whose handle was given back, answered probes do not count, so a peer
 * that keeps its window shut cannot hold it for ever (RFC 9293 3.8.6.1 leaves that to the application,
 * which has gone).
 */
#ifndef STACK_TCP_TIMER_H
#define STACK_TCP_TIMER_H

#include "stack/tcp_types.h"

/* (Re)starts the exclusive timer. Coming from another mode starts the user time-out anew. */
void tcp_timer_set_xmit(struct tcp_conn *c, enum tcp_xmit_mode mode);
void tcp_timer_stop_xmit(struct tcp_conn *c);
/* While the retransmission time-out runs: something else comes first, at `at_us` if that is not after it. */
void tcp_timer_before_rto(struct tcp_conn *c, enum tcp_xmit_mode mode, uint64_t at_us);
/* It does not, after all. */
void tcp_timer_back_to_rto(struct tcp_conn *c);
/* The user timeout has changed: the timer fires no later than that says. */
void tcp_timer_limit_xmit(struct tcp_conn *c);
/* The peer has shown that it lives. */
void tcp_timer_progress(struct tcp_conn *c);
/* One of the connection's timers fired. `c` may be gone when this returns. */
void tcp_timer_fired(struct tcp_conn *c, enum tcp_timer_kind kind);
const char *tcp_timer_name(const struct tcp_conn *c);

#endif
