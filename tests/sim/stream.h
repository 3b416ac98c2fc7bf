/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h — applications on plain byte streams: each connection follows a plan of what to send,
 * how to read and how to close, and compares every byte that it gets.
 */
#ifndef TESTS_SIM_STREAM_H
#define TESTS_SIM_STREAM_H

#include "tests/sim/sim.h"

/* How a side ends its part. */
enum sim_close {
	SIM_CLOSE_FIRST,   /* shuts its direction down behind its last byte, reads to the end */
	SIM_CLOSE_SECOND,  /* the same, but only after the peer's FIN                         */
	SIM_CLOSE_DONE,    /* the same, once it has also received all that it expects         */
	SIM_CLOSE_SENT,    /* as FIRST, and waits for STACK_EVENT_SENT                        */
	SIM_CLOSE_AT_ONCE, /* gives the handle back behind the last byte of both directions   */
	SIM_CLOSE_ABORT,   /* resets the connection at that point                             */
	SIM_CLOSE_NEVER,   /* keeps it open; only the end of its time ends it                 */
};

struct sim_plan {
	uint64_t send;
	uint64_t receive;        /* what the peer sends before its FIN                            */
	uint32_t write_max;      /* bytes in one commit, 0: as many as fit                        */
	uint32_t read_max;       /* bytes in one read, 0: all that is there                       */
	uint64_t write_from_us;  /* no writing before this time                                   */
	uint64_t write_pause_us; /* between two commits                                         */
	uint64_t pause_after;    /* behind so many bytes nothing is written before pause_until_us */
	uint64_t pause_until_us;
	uint64_t read_pause_us; /* between two reads                                             */
	uint64_t read_from_us;  /* no reading before this time; UINT64_MAX: never                */
	bool echo;              /* sends what it receives; `send` is then what it must get       */
	bool echoed;            /* the peer does: what comes back is what was sent               */
	bool more_hints;        /* commits say at random that more follows                       */
	enum sim_close close;
	uint64_t give_up_us; /* aborts when it is still open after so long; 0: never            */
	unsigned reasons;    /* besides ORDERLY: bits 1 << tcp_close_reason that may end it     */
	const struct tcp_cc_ops *cc; /* of this connection, NULL: as the stack is configured     */
	bool blank;     /* sends what the ring happens to hold: with an unchecked peer      */
	bool unchecked; /* takes whatever bytes come: the peer sends garbage                */
	bool may_miss;  /* may end before all bytes and the FIN have come                  */
};

struct sim_stream;

/* A port that a host listens on, and the plan of the connections that it accepts there. */
struct sim_service {
	struct tcp_listener *listener;
	struct sim_plan plan;
};

#define SIM_SERVICES_MAX 16u

/* The applications of one host. */
struct sim_streams {
	struct sim *sim;
	unsigned host;
	struct sim_service service[SIM_SERVICES_MAX];
	unsigned services;
	struct sim_stream *first;
	unsigned opened, finished, complete, closed_for[16]; /* by tcp_close_reason */
	uint64_t complete_us; /* when a stream last got its last byte */
	uint8_t *scratch;
};

/* The key of what `host` sends on the connection between these ports of host 0 and host 1. */
uint64_t sim_stream_key(const struct sim *sim, uint16_t port0, uint16_t port1, unsigned host);

void sim_streams_init(struct sim_streams *s, struct sim *sim, unsigned host);
void sim_streams_free(struct sim_streams *s);
struct sim_app sim_streams_app(struct sim_streams *s);
void sim_streams_listen(struct sim_streams *s, uint16_t port, unsigned backlog,
			const struct sim_plan *plan);
/* Connects at `at_us`; local_port 0 chooses one. */
void sim_streams_connect(struct sim_streams *s, uint64_t at_us, uint16_t local_port,
			 uint16_t remote_port, const struct sim_plan *plan);
/* At the end: `count` streams were opened, all have finished, and `complete` of them got
 * everything that they expected. */
void sim_streams_expect(struct sim_streams *s, unsigned count, unsigned complete);

#endif
