/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_cc.h — congestion control behind a vtable. The machinery that all algorithms share (detecting loss,
 * fast recovery, the retransmission time-out, idle restart) is in tcp_recovery.c and tcp_timer.c; an
 * algorithm only says how the window grows and to what it falls. Everything is in bytes.
 */
#ifndef STACK_TCP_CC_H
#define STACK_TCP_CC_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/stack.h"

/* Slow start that ends before the queue overflows, RFC 9406: see cc_hystart.c. */
struct tcp_hystart {
	bool running;               /* a round has begun                             */
	bool css;                   /* conservative slow start                       */
	uint8_t samples;            /* in this round, no more than are needed        */
	uint8_t css_rounds;         /* rounds in conservative slow start             */
	uint32_t window_end;        /* the round ends when this is acknowledged      */
	uint32_t last_us, round_us; /* smallest RTT of a round, UINT32_MAX before a sample */
	uint32_t current_us;        /* of the round or, when paced, of the latest samples   */
	uint32_t baseline_us;
};

/* RFC 9438 4.1, with its names: see cc_cubic.c. */
struct tcp_cubic {
	uint32_t w_max, cwnd_prior, w_est; /* bytes                        */
	uint32_t k_ms;
	uint64_t epoch_us, acked_us;      /* epoch_us is 0 before a stage begins */
	uint64_t cwnd_credit, est_credit; /* what divisions have left over       */
	struct tcp_hystart hystart;
};

struct tcp_cc {
	uint32_t cwnd;     /* congestion window, bytes          */
	uint32_t ssthresh; /* slow start threshold, bytes       */
	uint32_t mss;      /* payload of a full segment, bytes  */
	union {            /* the algorithm's own, zero at init */
		uint64_t priv[8];
		struct tcp_cubic cubic;
	};
};

#define TCP_CWND_MAX (1u << 30) /* the largest window that RFC 7323 can express */

struct tcp_cc_ack {
	uint32_t bytes; /* newly acknowledged by this segment           */
	uint64_t now_us;
	uint64_t srtt_us; /* 0 before the first sample                    */
	uint64_t rtt_us;  /* measured with this segment, 0 for none       */
	uint32_t snd_una, snd_nxt;
	bool paced; /* what leaves is spread over the round trip            */
};

struct tcp_cc_ops {
	const char *name;
	/* The connection is established: sets cwnd and ssthresh. May be NULL. */
	void (*init)(struct tcp_cc *cc);
	/* New data was acknowledged outside recovery while the window was in full use. */
	void (*acked)(struct tcp_cc *cc, const struct tcp_cc_ack *ack);
	/* Loss was detected with `flight` bytes outstanding: returns the new ssthresh. */
	uint32_t (*loss)(struct tcp_cc *cc, uint32_t flight, uint64_t now_us);
	/* The same for a mark (ECN): nothing is lost, and a queue that marks is a short one, so the window may fall by less
	 * (RFC 8511). May be NULL: as for a loss. */
	uint32_t (*ecn)(struct tcp_cc *cc, uint32_t flight, uint64_t now_us);
};

/* RFC 6928: the initial window. */
uint32_t tcp_cc_initial_window(uint32_t mss);
/* RFC 5681 3.1: by how much `bytes` let the window grow in slow start, ssthresh not exceeded. */
uint32_t tcp_cc_slow_start(const struct tcp_cc *cc, uint32_t bytes);

/* RFC 9406 4.2, for an ACK in the first slow start. Returns by how much the window grows; when slow start is over
 * ssthresh has become the window. */
uint32_t tcp_hystart_acked(struct tcp_cc *cc, struct tcp_hystart *h, const struct tcp_cc_ack *ack);

#endif
