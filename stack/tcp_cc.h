/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_cc.h — congestion control behind a vtable. The machinery that all algorithms share (detecting loss,
 * fast recovery, the retransmission time-out, idle restart) is in tcp_recovery.c and tcp_timer.c; an
 * algorithm only says how the window grows and to what it falls. Everything is in bytes.
 */
#ifndef STACK_TCP_CC_H
#define STACK_TCP_CC_H

#include <stdint.h>

struct tcp_cc {
	uint32_t cwnd;     /* congestion window, bytes          */
	uint32_t ssthresh; /* slow start threshold, bytes       */
	uint32_t mss;      /* payload of a full segment, bytes  */
	uint64_t priv[8];  /* the algorithm's own, zero at init */
};

struct tcp_cc_ack {
	uint32_t bytes; /* newly acknowledged by this segment           */
	uint64_t now_us;
	uint64_t srtt_us; /* 0 before the first sample                    */
};

struct tcp_cc_ops {
	const char *name;
	/* The connection is established: sets cwnd and ssthresh. May be NULL. */
	void (*init)(struct tcp_cc *cc);
	/* New data was acknowledged outside recovery while the window was in full use. */
	void (*acked)(struct tcp_cc *cc, const struct tcp_cc_ack *ack);
	/* Loss was detected with `flight` bytes outstanding: returns the new ssthresh. */
	uint32_t (*loss)(struct tcp_cc *cc, uint32_t flight, uint64_t now_us);
};

/* RFC 5681 with appropriate byte counting (RFC 3465). */
extern const struct tcp_cc_ops tcp_cc_newreno;

/* RFC 6928: the initial window. */
uint32_t tcp_cc_initial_window(uint32_t mss);

#endif
