/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_keepalive.h — asks an idle peer whether it is still there (RFC 9293 3.8.4, RFC 1122 4.2.3.6).
 *
 * A probe is a segment without text whose number lies one below SND.NXT: it is outside the window of every
 * peer, so that every peer answers it with an ACK, and there is no byte that one of them could take for
 * data. Probing begins when nothing acceptable has come for idle_us; the first segment that does come ends
 * it. After probes_max of them, interval_us apart, the connection is reset, as it is when the
 * application's own user timeout is over, which then decides alone (as in Linux).
 *
 * Keepalive is one more use of the exclusive timer: while something is outstanding or unsent, that is
 * retransmitted or the window probed, and the user timeout sees to a silent peer. It is for connections that
 * an application holds: what it has given back is under the limits of tcp_timer.h, and no answer to a
 * probe prolongs those.
 */
#ifndef STACK_TCP_KEEPALIVE_H
#define STACK_TCP_KEEPALIVE_H

#include <stdbool.h>
#include <stdint.h>

#define TCP_KEEPALIVE_PROBES_MAX 255u

struct stack_config;
struct tcp_conn;

struct tcp_keepalive {
	uint64_t idle_us;     /* 0: off                                                 */
	uint64_t interval_us; /* between probes that are not answered                   */
	uint64_t heard_us;    /* when the peer's last acceptable segment came           */
	uint8_t probes_max;
	uint8_t probes; /* sent since then                                        */
	bool probe;     /* one goes out with the next pass                         */
};

/* Takes what the configuration says. */
void tcp_keepalive_init(struct tcp_conn *c);
/* The connection waits for nothing of the peer: the timer probes from now on, or rests. */
void tcp_keepalive_settle(struct tcp_conn *c);
/* The settings have changed. */
void tcp_keepalive_changed(struct tcp_conn *c);
/* An acceptable segment has come. */
void tcp_keepalive_heard(struct tcp_conn *c);
/* The timer fired in mode TCP_XMIT_KEEPALIVE. `c` may be gone when this returns. */
void tcp_keepalive_fired(struct tcp_conn *c);
/* Is a probe to be sent now? Asked once for each. */
bool tcp_keepalive_take_probe(struct tcp_conn *c);
/* NULL, or what is broken: for stack_check. */
const char *tcp_keepalive_check(const struct tcp_conn *c);

#endif
