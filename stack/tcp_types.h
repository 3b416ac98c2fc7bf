/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_types.h — what TCP keeps: the transmission control block, the half-open entry, the TIME-WAIT record
 * and the listener. Variables have the names of RFC 9293 3.3.1. The three kinds of endpoint that a
 * segment can meet begin with a struct tcp_node, which is what the demultiplexing table holds.
 */
#ifndef STACK_TCP_TYPES_H
#define STACK_TCP_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/list.h"
#include "stack/pressure.h"
#include "stack/ring.h"
#include "stack/sendq.h"
#include "stack/seq.h"
#include "stack/stack.h"
#include "stack/tcp_cc.h"
#include "stack/tcp_chrono.h"
#include "stack/tcp_delack.h"
#include "stack/tcp_ecn.h"
#include "stack/tcp_fastopen.h"
#include "stack/tcp_keepalive.h"
#include "stack/tcp_metrics.h"
#include "stack/tcp_pace.h"
#include "stack/tcp_pmtu.h"
#include "stack/tcp_prr.h"
#include "stack/tcp_rack.h"
#include "stack/tcp_rate.h"
#include "stack/tcp_rcvbuf.h"
#include "stack/tcp_scoreboard.h"
#include "stack/tcp_segment.h"
#include "stack/tcp_tlp.h"
#include "stack/tcp_undo.h"
#include "stack/tcp_user_timeout.h"
#include "stack/timer_wheel.h"

/* ------------------------------------------------------------------ constants */

/* RFC 9293 3.7.1: assumed when the peer sends no MSS option. */
#define TCP_MSS_DEFAULT 536
#define TCP_MSS_DEFAULT_IPV6 1220
#define TCP_MSS_MIN 48 /* a peer that asks for less gets this: no segment storm (CVE-2019-11479) */
#define TCP_OOO_MAX 4096            /* gaps that are remembered per connection                    */
#define TCP_DUPACK_THRESHOLD 3      /* RFC 5681 3.2                                         */
#define TCP_RTO_INITIAL_US 1000000u /* RFC 6298 2.1                                         */
#define TCP_RTO_AFTER_LOST_SYN_US 3000000u /* RFC 6298 5.7 */
/* RFC 6298 2.4 asks for one second; like Linux and FreeBSD we use less, which RTTVAR with its own floor
 * makes safe against delayed ACKs of up to 200 ms. */
#define TCP_RTO_MIN_US 200000u
#define TCP_RTO_MAX_US 60000000u
#define TCP_DELACK_US 40000u  /* RFC 9293 3.8.6.3: below 500 ms                          */
#define TCP_QUICKACKS 16      /* segments acknowledged at once when a connection is young */
#define TCP_CHALLENGE_ACKS 10 /* at most, per connection and second (RFC 5961 7)         */
#define TCP_SYNACK_RETRIES 5
#define TCP_PAWS_IDLE_US \
	(24ull * 24 * 3600 * 1000000) /* RFC 7323 5.5: TS.Recent is stale after 24 days */
#define TCP_ORPHAN_TIMEOUTS \
	8 /* user timeouts that a connection without a handle lives, come what may */
#define TCP_SEGMENT_MAX 65535u /* of an IP packet with a super segment                    */

/* ------------------------------------------------------------------ demultiplexing */

struct tcp_tuple {
	uint8_t local[16], remote[16]; /* IPv4 in the first four bytes, the rest zero */
	uint16_t local_port, remote_port;
	uint8_t version;
	uint8_t zero[3]; /* no padding: the tuple is hashed and compared as bytes */
};

enum tcp_node_kind {
	TCP_NODE_CONN,
	TCP_NODE_SYNCACHE,
	TCP_NODE_TIMEWAIT,
};

struct tcp_node {
	struct tcp_node *next; /* in its hash bucket */
	uint32_t hash;
	uint8_t kind;
	struct tcp_tuple tuple;
};

/* ------------------------------------------------------------------ timers */

/* What struct timer's `kind` says: in which object it lies, and so what firing means. */
enum tcp_timer_kind {
	TCP_TIMER_XMIT,     /* tcp_conn.xmit_timer: see tcp_conn.xmit_mode */
	TCP_TIMER_DELACK,   /* tcp_conn.delack_timer                       */
	TCP_TIMER_APP,      /* tcp_conn.app_timer                          */
	TCP_TIMER_SYNCACHE, /* syncache_entry.timer                        */
	TCP_TIMER_TIMEWAIT, /* timewait.timer                              */
	TCP_TIMER_REASS,    /* ip_reass.timer                              */
	TCP_TIMER_PACE,     /* tcp_conn.pace.timer                         */
	TCP_TIMER_PMTU,     /* stack.pmtu_timer                            */
};

/* The timers that exclude each other are one tagged value, so that two of them cannot run. */
enum tcp_xmit_mode {
	TCP_XMIT_NONE,
	TCP_XMIT_RETRANSMIT, /* something is unacknowledged                       */
	TCP_XMIT_REORDER,    /* … and overdue, if it is not just out of order     */
	TCP_XMIT_LOSS_PROBE, /* … and a probe asks for it before the time-out     */
	TCP_XMIT_PERSIST,    /* something to send, nothing in flight, window shut */
	TCP_XMIT_FIN_WAIT_2, /* an orphan waits for the peer's FIN                */
	TCP_XMIT_ECN_HOLD,   /* marked at a window of one segment (RFC 3168 6.1.2) */
	TCP_XMIT_KEEPALIVE,  /* nothing to do but to ask whether the peer lives   */
};

/* ------------------------------------------------------------------ the connection */

struct tcp_conn {
	struct tcp_node node;
	struct stack *stack;
	struct tcp_listener *listener; /* while it waits in the accept queue        */
	struct list link;              /* in stack.conns                            */
	struct list accept_link;       /* in listener.queue                         */
	struct list output_link;       /* in stack.output while it may have packets */
	struct list event_link;        /* in stack.events while events is not 0     */
	struct list starved_link;      /* in stack.starved while memory is short    */
	uint64_t id;
	void *user;

	enum tcp_state state;
	bool attached;      /* the application holds the handle, or will get it     */
	bool accepted;      /* events may be delivered                              */
	bool dead;          /* no longer in the table: only the handle is left      */
	bool fin_queued;    /* our FIN follows the last byte of the send ring       */
	bool ack_now;       /* an ACK goes out with the next output pass            */
	bool corked;        /* the last commit said that more follows               */
	bool probe;         /* a zero-window probe goes out with the next pass      */
	bool retransmit;    /* the segment at snd_una goes out again (fast)         */
	bool in_recovery;   /* fast recovery: RFC 6675 with SACK, RFC 6582 without  */
	bool cwnd_limited;  /* the window, not the data, has limited us             */
	bool want_space;    /* tcp_send_reserve came up short                       */
	bool want_sent;     /* tcp_notify_sent                                      */
	bool has_peer_fin;  /* a FIN at peer_fin_seq is known, in order or not      */
	bool peer_fin_seen; /* … and everything before it has arrived               */
	bool ts_ok, wscale_ok;
	bool sack_ok; /* both SYNs had SACK-permitted (RFC 2018)              */
	bool rtt_timing;
	bool unreachable; /* ICMP has said so since the peer last acknowledged something */
	bool syn_cookie;  /* there was no entry: when our SYN-ACK was sent is not known  */
	uint8_t snd_wscale, rcv_wscale;
	uint8_t xmit_mode; /* enum tcp_xmit_mode */
	uint8_t backoff;   /* doublings of the RTO */
	uint8_t quickacks;
	uint16_t ooo_count, ooo_cap;
	uint8_t dupacks;
	uint16_t ip_id;
	enum tcp_close_reason close_reason;
	uint32_t events; /* bit (1 << enum stack_event_type) */

	/* Send sequence space */
	uint32_t iss, snd_una, snd_nxt, snd_max;
	uint32_t snd_wnd, snd_wl1, snd_wl2;
	uint32_t snd_wnd_max;  /* largest window the peer has offered (RFC 9293 3.8.6.2.1) */
	uint16_t snd_mss;      /* payload of a full segment, options taken off */
	uint16_t peer_mss;     /* as the option said, floored */
	uint32_t snd_ring_max; /* stack_config.send_buffer_max */
	struct sendq snd;      /* first byte: sequence number snd_data_una() */

	/* Receive sequence space */
	uint32_t irs, rcv_nxt;
	uint32_t rcv_adv; /* right edge that we have advertised: never moves left */
	uint32_t last_ack_sent;
	uint32_t rcv_unacked; /* bytes received since the last ACK */
	uint32_t peer_fin_seq;
	uint16_t rcv_mss;      /* estimate of the peer's full segment */
	struct ring rcv;       /* first byte: rcv_nxt - rcv.len */
	struct seq_range *ooo; /* sorted, disjoint, all beyond rcv_nxt; NULL while there is none */
	uint32_t sack_recent[TCP_SACK_MAX]; /* where data out of order has arrived, newest first */
	uint8_t sack_recent_count;
	struct seq_range dsack; /* arrived twice and to be reported, empty for nothing */

	/* Timestamps, RFC 7323 */
	uint32_t ts_recent, ts_offset;
	uint64_t ts_recent_us;

	/* Round-trip time, RFC 6298 */
	uint32_t rtt_seq; /* the ACK that covers this ends the measurement */
	uint64_t rtt_sent_us;
	uint64_t srtt_us, rttvar_us, rto_us, min_rtt_us;
	uint64_t latest_rtt_us; /* of the ACK that is being processed, 0 for none */

	/* Congestion control */
	const struct tcp_cc_ops *cc_ops;
	struct tcp_cc cc;
	uint32_t
		recover; /* RFC 6582: snd_max when recovery was entered; RecoveryPoint of RFC 6675 */
	struct tcp_scoreboard board;
	struct tcp_prr prr;
	struct tcp_rack rack;
	struct tcp_tlp tlp;
	struct tcp_undo undo;
	struct tcp_pace pace;
	struct tcp_rate rate;
	struct tcp_delack delack;
	struct tcp_chrono chrono;
	struct tcp_metrics metrics;
	struct tcp_pmtu pmtu;
	struct tcp_ecn ecn;
	struct tcp_fastopen fastopen;
	uint64_t dsacks_in, timeouts;

	struct timer xmit_timer, delack_timer, app_timer;
	uint64_t rto_at_us; /* the retransmission time-out, also while something comes before it */
	struct tcp_held held;
	struct tcp_rcvbuf rcvbuf;
	struct tcp_keepalive keepalive;
	struct tcp_user_timeout user_timeout;
	uint64_t opened_us, established_us;
	uint64_t orphaned_us; /* when the handle was given back, 0 before          */
	uint64_t progress_us; /* when the peer last showed that it lives, see tcp_timer.c */
	uint64_t last_send_us;
	uint64_t challenge_us; /* start of the second that challenge_count counts in */
	uint8_t challenge_count;

	uint64_t bytes_in, bytes_out, segs_in, segs_out;
	uint64_t retransmits, dup_acks_in, out_of_order_in, probes_out;
};

struct tcp_listener {
	struct list link;
	struct stack *stack;
	struct ip_endpoint local;
	unsigned backlog;
	unsigned queued;
	struct list queue; /* connections that wait for tcp_accept */
	bool event;        /* STACK_EVENT_ACCEPT is due */
	struct tcp_fastopen_queue fastopen;
};

/* ------------------------------------------------------------------ small predicates */

/* In these states the sequence number of our SYN is still unacknowledged. */
static inline bool tcp_syn_outstanding(const struct tcp_conn *c)
{
	return c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED;
}

/* Sequence number of the first byte in the send ring. */
static inline uint32_t tcp_snd_data_una(const struct tcp_conn *c)
{
	return c->snd_una + tcp_syn_outstanding(c);
}

/* One past everything the application has given us, FIN included. */
static inline uint32_t tcp_snd_end(const struct tcp_conn *c)
{
	return tcp_snd_data_una(c) + c->snd.len + c->fin_queued;
}

/* The rules of RFC 6675 hold, and not NewReno's. */
static inline bool tcp_uses_sack(const struct tcp_conn *c)
{
	return c->sack_ok && !c->board.off;
}

/* Does the retransmission time-out run? */
static inline bool tcp_rto_runs(const struct tcp_conn *c)
{
	return c->xmit_mode == TCP_XMIT_RETRANSMIT || c->xmit_mode == TCP_XMIT_REORDER ||
	       c->xmit_mode == TCP_XMIT_LOSS_PROBE;
}

/* Bytes that the network holds: `pipe` of RFC 6675, FlightSize without SACK. */
static inline uint32_t tcp_pipe(const struct tcp_conn *c)
{
	return c->snd_nxt - c->snd_una - (tcp_uses_sack(c) ? c->board.sacked + c->board.lost : 0);
}

static inline bool tcp_has_unsent(const struct tcp_conn *c)
{
	return c->snd_nxt != tcp_snd_end(c);
}

/* Everything we have sent, the FIN included, is acknowledged, and the FIN was queued. */
static inline bool tcp_fin_acked(const struct tcp_conn *c)
{
	return c->state == TCP_FIN_WAIT_2 || c->state == TCP_TIME_WAIT;
}

/* A partial segment waits for what the application has promised: not behind a FIN, and not when it waits for
 * us in turn because the ring is full. */
static inline bool tcp_corked(const struct tcp_conn *c)
{
	return c->corked && !c->fin_queued && !c->want_space;
}

/* The sequence number for a segment without text that the peer will accept: the highest we have used, since
 * snd_nxt goes back after a time-out, but not beyond the peer's window, where a probe may have gone. */
static inline uint32_t tcp_acceptable_seq(const struct tcp_conn *c)
{
	const uint32_t edge = c->snd_una + c->snd_wnd;

	return seq_lt(edge, c->snd_max) ? edge : c->snd_max;
}

#define TCP_SEND_LIMIT_MIN (64u << 10)

/* How much the send ring may hold now: twice what the peer and the network take at a time, so that the pipe never
 * runs dry and a client that reads slowly does not make us keep a megabyte for it. */
static inline uint32_t tcp_send_limit(const struct tcp_conn *c)
{
	const uint32_t wnd = c->snd_wnd < c->cc.cwnd ? c->snd_wnd : c->cc.cwnd;
	const uint32_t max = c->snd_ring_max;
	const uint32_t twice = wnd > TCP_SEND_LIMIT_MIN / 2 ? wnd * 2 : TCP_SEND_LIMIT_MIN;

	return wnd >= max / 2 || twice > max ? max : twice;
}

/* May the application still give us bytes? */
static inline bool tcp_can_send(const struct tcp_conn *c)
{
	return !c->dead && !c->fin_queued &&
	       (c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT ||
		tcp_syn_outstanding(c));
}

#endif
