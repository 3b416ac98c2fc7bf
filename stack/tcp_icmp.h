/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_icmp.h — what an ICMP error means to the connection whose packet it quotes.
 *
 * Anybody can send one, so it counts only when the sequence number that it quotes is in flight, SND.UNA <=
 * SEG.SEQ < SND.MAX (RFC 5927 4; what we have sent at most is SND.MAX, as SND.NXT goes back after a
 * time-out). And even then it ends no synchronized connection (RFC 5927 5.2, RFC 1122 4.2.3.9 for soft
 * errors): whether the peer still answers is found out by asking it. Unreachable is remembered, and is the
 * reason when the connection times out.
 *
 * One exception is a connection in SYN-SENT: that no such protocol or port is there comes from the peer's
 * host itself and quotes the initial sequence number of our SYN, a guess of one in 2^32. It refuses the
 * connection as a RST would (RFC 1122 4.2.3.9, RFC 5461 3.2); to wait three minutes for the time-out helps nobody.
 * Everything else in SYN-SENT, no route to the host for one, may pass (RFC 5461 2), so it is soft there too. A
 * half-open entry lives by its own timer and takes no notice.
 */
#ifndef STACK_TCP_ICMP_H
#define STACK_TCP_ICMP_H

#include "stack/icmp_quote.h"

struct stack;

enum tcp_icmp_kind {
	TCP_ICMP_IGNORED,     /* says nothing to TCP: a redirect, a source quench (RFC 6633)  */
	TCP_ICMP_UNREACHABLE, /* net, host, time exceeded: may pass                             */
	TCP_ICMP_REFUSED,     /* no such protocol or port there                                */
	TCP_ICMP_TOO_BIG,     /* the packet did not fit through a link                         */
};

struct tcp_icmp_error {
	enum tcp_icmp_kind kind;
	uint32_t mtu; /* with TOO_BIG: of the link, 0 from a router older than RFC 1191 */
	struct icmp_quote quote;
};

/* Takes the error to its connection, which may be gone when this returns. Returns what was made of it, for
 * the trace. */
const char *tcp_icmp_input(struct stack *s, const struct tcp_icmp_error *e);

#endif
