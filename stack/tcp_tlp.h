/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_tlp.h — the tail loss probe (TLP, RFC 8985 section 7). The last segments of a flight have none behind
 * them whose SACK could tell that they were lost. So when ACKs are overdue one segment more goes out, a new
 * one or the last one again: what its ACK reports is then for RACK, and the time-out, which would shut the
 * congestion window, stays the last resort.
 */
#ifndef STACK_TCP_TLP_H
#define STACK_TCP_TLP_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_conn;
struct tcp_segment;
struct tcp_delivery;

/* A peer may hold back the ACK of less than two full segments (RFC 5681 4.2): what common systems do is 40 ms. */
#define TCP_TLP_MAX_ACK_DELAY_US 100000u
/* With round trips of microseconds, two of them are less than the time that a process may have to wait. */
#define TCP_TLP_SLACK_US 2000u

struct tcp_tlp {
	bool wanted;   /* new data was sent or acknowledged: the probe timer is to be set anew    */
	bool measured; /* there was a sample of the round-trip time since the last probe          */
	bool send;     /* the timer has fired: a probe goes out with the next output pass         */
	bool in_flight; /* TLP.end_seq is set                                                      */
	bool again; /* TLP.is_retrans                                                          */
	uint32_t start,
		end_seq; /* the probe; SND.NXT after it                                            */
	uint32_t
		flight; /* FlightSize when it went out                                            */
};

/* 7.2: sets the timer, when new data was sent or acknowledged since it was last asked and a probe may be sent. */
void tcp_tlp_schedule(struct tcp_conn *c);
/* 7.3: the timer has fired. The retransmission timer runs from now. */
void tcp_tlp_fired(struct tcp_conn *c);
/* The segment of the probe that is due: false when there is none. `len` is at most `mss`; it may be 0 where only the
 * FIN is left. */
bool tcp_tlp_segment(struct tcp_conn *c, uint32_t mss, uint32_t *seq, uint32_t *len);
/* New data went out: it will show as much as a probe that was due, and the next one is counted from here. */
void tcp_tlp_new_data(struct tcp_conn *c);
/* The probe went out, up to `end`; `again` says that it had been sent before. */
void tcp_tlp_sent(struct tcp_conn *c, uint32_t start, uint32_t end, bool again);
/* 7.4.2: what an ACK says of the probe. Returns true when the probe has repaired a loss that nothing else shows:
 * then the window must fall as after a fast recovery. */
bool tcp_tlp_acked(struct tcp_conn *c, const struct tcp_segment *seg, struct tcp_delivery *d);
/* A recovery or a time-out has begun: it says more than the probe. */
void tcp_tlp_cancel(struct tcp_conn *c);

#endif
