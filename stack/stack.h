/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack.h — the one public header of libstack: a TCP/IP host as a pure state machine.
 *
 * The library does no I/O. It makes no system call, reads no clock, holds no global state and
 * draws no randomness of its own: packets and the time are handed in, packets are pulled out,
 * and everything random is derived from the 32-byte seed of the configuration. The same calls
 * with the same arguments therefore give the same packets, bit for bit.
 *
 * The turn of an owner's loop:
 *
 *     stack_input(s, now, pkt, len, meta);      for every packet that has arrived
 *     stack_advance(s, now);                    fire the timers that are due
 *     while (stack_next_event(s, &ev)) …        let the application act
 *     while (stack_output(s, now, &out)) …      send what has been decided, in one pass
 *     sleep until stack_next_timeout(s) or a packet
 *
 * Conventions: time is monotonic microseconds (uint64_t, `_us`); ports and lengths are in host
 * byte order; addresses are arrays of bytes as on the wire. One thread per struct stack.
 * No function blocks. Pointers stay the callee's unless the comment says otherwise.
 */
#ifndef STACK_STACK_H
#define STACK_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stack;        /* one host: its addresses, listeners, connections, timers, memory        */
struct tcp_listener; /* a local port in LISTEN                                                 */
struct tcp_conn;     /* one connection, as the application holds it                            */
struct tcp_cc_ops;   /* a congestion control algorithm, see tcp_cc.h                         */

/* ------------------------------------------------------------------ addresses */

struct ip_addr {
	uint8_t version;   /* 4 or 6; 0 means unspecified                     */
	uint8_t bytes[16]; /* network byte order; IPv4 fills the first 4, rest 0 */
};

struct ip_endpoint {
	struct ip_addr addr;
	uint16_t port; /* host byte order */
};

/* Builds an IPv4 address from its four parts: ip_addr_v4(10, 77, 0, 2). */
struct ip_addr ip_addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
/* From 16 bytes in network byte order. */
struct ip_addr ip_addr_v6(const uint8_t bytes[16]);
bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b);
/* Writes the text form (RFC 5952 for IPv6), always terminated; returns `text`. */
#define IP_ADDR_TEXT_SIZE 46
const char *ip_addr_text(const struct ip_addr *a, char text[IP_ADDR_TEXT_SIZE]);

/* ------------------------------------------------------------------ states and reasons */

/* RFC 9293 section 3.3.2, with the RFC's own names. */
#define TCP_STATES(X)                   \
	X(CLOSED, "CLOSED")             \
	X(LISTEN, "LISTEN")             \
	X(SYN_SENT, "SYN-SENT")         \
	X(SYN_RECEIVED, "SYN-RECEIVED") \
	X(ESTABLISHED, "ESTABLISHED")   \
	X(FIN_WAIT_1, "FIN-WAIT-1")     \
	X(FIN_WAIT_2, "FIN-WAIT-2")     \
	X(CLOSE_WAIT, "CLOSE-WAIT")     \
	X(CLOSING, "CLOSING")           \
	X(LAST_ACK, "LAST-ACK")         \
	X(TIME_WAIT, "TIME-WAIT")

enum tcp_state {
#define X(name, text) TCP_##name,
	TCP_STATES(X)
#undef X
	TCP_STATE_COUNT
};
const char *tcp_state_name(enum tcp_state state);

/* Why a connection ended: carried by STACK_EVENT_CLOSED. */
#define TCP_CLOSE_REASONS(X)                      \
	X(NONE, "still open")                     \
	X(ORDERLY, "both sides sent FIN")         \
	X(RESET, "reset by peer")                 \
	X(REFUSED, "connection refused")          \
	X(TIMEOUT, "peer stopped answering")      \
	X(ABORTED, "aborted here")                \
	X(UNREACHABLE, "destination unreachable") \
	X(NO_MEMORY, "out of memory")

enum tcp_close_reason {
#define X(name, text) TCP_CLOSE_##name,
	TCP_CLOSE_REASONS(X)
#undef X
};
const char *tcp_close_reason_text(enum tcp_close_reason reason);

enum stack_error {
	STACK_OK = 0,
	STACK_ERR_INVALID = -1,   /* an argument that can never be right                       */
	STACK_ERR_IN_USE = -2,    /* the port or the 4-tuple is taken                          */
	STACK_ERR_NO_MEMORY = -3, /* a limit of the configuration, or malloc, was reached      */
	STACK_ERR_STATE = -4,     /* the connection's state does not allow the call            */
};

/* ------------------------------------------------------------------ trace */

/* What the trace callback is told. The packet, where there is one, is valid during the call only. */
enum stack_trace_kind {
	STACK_TRACE_PACKET_IN,  /* a packet was processed; state_before → state_after  */
	STACK_TRACE_PACKET_OUT, /* a packet was handed to stack_output's caller        */
	STACK_TRACE_DROP,       /* a packet was dropped; `why` says for which reason   */
	STACK_TRACE_STATE,      /* the state moved with no packet: a call or a timer   */
	STACK_TRACE_TIMER,      /* a timer fired                                       */
	STACK_TRACE_MEMORY,     /* memory is short: something was given up             */
};

struct stack_trace_event {
	enum stack_trace_kind kind;
	uint64_t now_us;
	uint64_t conn_id;         /* 0 when no connection is concerned             */
	struct ip_endpoint local; /* version 0 when not known                      */
	struct ip_endpoint remote;
	enum tcp_state state_before;
	enum tcp_state state_after;
	const char *why;       /* static text with its RFC section; never NULL  */
	const uint8_t *packet; /* IP header onwards; NULL for STATE and TIMER   */
	size_t packet_len;     /* bytes at `packet` (for OUT: headers only)     */
	size_t payload_len;    /* TCP payload bytes                             */
	uint32_t snd_una, snd_nxt, snd_wnd, rcv_nxt, rcv_wnd, cwnd, ssthresh; /* 0 if no TCB */
};
typedef void (*stack_trace_fn)(void *ctx, const struct stack_trace_event *event);

/* ------------------------------------------------------------------ life of a stack */

#define STACK_MAX_ADDRS 8

/* Explicit congestion notification (RFC 3168, RFC 9768): is it agreed to, is it asked for? */
enum stack_ecn {
	STACK_ECN_OFF,
	STACK_ECN_ANSWER,       /* when the peer asks for it, of either kind: the default   */
	STACK_ECN_ASK,          /* and active opens ask for it, with the feedback of RFC 3168 */
	STACK_ECN_ASK_ACCURATE, /* … of RFC 9768, or else of RFC 3168                       */
};

/* Fill with stack_config_default(), then change what you must. */
struct stack_config {
	struct ip_addr addr[STACK_MAX_ADDRS]; /* the host's own, of either version    */
	size_t addr_count;
	uint8_t seed[32];            /* secret and random in production, fixed in tests      */
	uint32_t mtu;                /* of the link, bytes, 576..65535; with IPv6 from 1280  */
	bool checksum_offload;       /* leave TCP checksums partial in packet_out            */
	bool tso;                    /* emit segments of up to 64 KiB with gso_size set      */
	size_t memory_limit;         /* bytes that all buffers and records may take together */
	uint32_t max_connections;    /* full TCBs                                            */
	uint32_t max_half_open;      /* SYN-RECEIVED entries                                 */
	uint32_t max_time_wait;      /* TIME-WAIT records; the oldest goes first             */
	uint32_t send_buffer_max;    /* bytes per connection; rounded up to a power of two   */
	uint32_t recv_buffer_max;    /* bytes per connection; rounded up to a power of two   */
	uint64_t time_wait_us;       /* 2 MSL                                                */
	uint64_t fin_wait_2_us;      /* how long an orphan waits for the peer's FIN          */
	uint64_t user_timeout_us;    /* unanswered retransmission or probing gives up after  */
	uint64_t syn_timeout_us;     /* an unanswered handshake gives up after               */
	bool syn_cookies;            /* no room for an entry: a cookie (RFC 4987 3.6)        */
	bool fastopen;               /* data in SYNs may come twice (RFC 7413); default off  */
	uint32_t fastopen_pending;   /* per listener: so opened and not yet acknowledged     */
	uint8_t fastopen_key[16];    /* shared with whoever shares clients; 0: from the seed */
	const struct tcp_cc_ops *cc; /* NULL: tcp_cc_cubic                                   */
	bool pacing;                 /* spread bursts at about 2, then 1.2 cwnd / SRTT       */
	enum stack_ecn ecn;
	stack_trace_fn trace; /* NULL: off                                            */
	void *trace_ctx;
	bool fixed_isn; /* tests only: every initial number is isn, cookies apart  */
	uint32_t isn;

	/*
	 * When memory_limit comes near, this is given up, in this order and until no more than
	 * seven eighths of it are held:
	 *   1. free buffers that are kept for reuse, and fragments that wait for others
	 *   2. the growth of rings and windows; WRITABLE is put off (from seven eighths on)
	 *   3. half-open entries, the oldest first, beyond an eighth of the limit and 64
	 *   4. TIME-WAIT records, the oldest first, beyond a sixteenth
	 *   5. data that came out of order: without SACK first, then SACKed (RFC 2018 8)
	 *   6. connections without a handle of which the peer has taken next to nothing for five
	 *      seconds, the longest first: RST
	 *   7. connections whose peer does the same with data that it was sent, or keeps its window shut: RST,
	 *      CLOSED{NO_MEMORY}
	 * When that is not enough, data are dropped as if lost, SYNs and new connections are refused.
	 * Everything held for peers counts, buffers kept for reuse too; not the hash table, 16 bytes for each
	 * connection, entry and record at most, nor malloc's own.
	 * The other limit is for one connection: its block, rings and scoreboard; 0 for none beyond the sizes of
	 * its buffers. Its rings stop growing there.
	 */
	size_t connection_memory_limit;
	/* The window that a connection begins with: grows to recv_buffer_max with the need, see tcp_rcvbuf.h. */
	uint32_t recv_buffer_initial;
	/* What a connection's TCP_OPTION_KEEPALIVE_… are before tcp_set_option. */
	uint64_t keepalive_us, keepalive_interval_us;
	uint32_t keepalive_probes;
};
/* What stack_config.cc can be: CUBIC with HyStart++ (RFC 9438, RFC 9406), NewReno (RFC 5681, RFC 3465). */
extern const struct tcp_cc_ops tcp_cc_cubic, tcp_cc_newreno;
void stack_config_default(struct stack_config *cfg);

/* Returns NULL when the configuration is invalid or memory is short. `cfg` is copied. */
struct stack *stack_create(const struct stack_config *cfg);
/* Frees everything, sends nothing: handles held by the application become invalid. */
void stack_destroy(struct stack *s);

/* ------------------------------------------------------------------ packets in and out */

struct packet_meta {
	bool checksum_trusted; /* the link vouches for the TCP checksum, or it is still partial  */
	uint16_t gso_size;     /* non-zero: a coalesced segment; its pieces had this many bytes  */
};

/* Processes one IP packet. `pkt` is read during the call only; nothing is sent from here. */
void stack_input(struct stack *s, uint64_t now_us, const uint8_t *pkt, size_t len,
		 struct packet_meta meta);

struct slice {
	const uint8_t *data;
	size_t len;
};

#define PACKET_HEADER_MAX 128
/* A loan has at least TCP_LOAN_MIN bytes, so 64 KiB touch five of them, and six pieces of the ring around them, one
 * of which may be in two. */
#define PACKET_SLICES_MAX 12

struct packet_out {
	uint8_t header[PACKET_HEADER_MAX]; /* IP and TCP header (or the head of an ICMP packet)  */
	size_t header_len;
	struct slice payload[PACKET_SLICES_MAX]; /* into the send queue: valid until the next call
	                                      that takes this stack                              */
	size_t payload_count;
	uint8_t ip_version;   /* 4 or 6                                             */
	bool needs_csum;      /* the checksum at csum_start + csum_offset holds only
	                                      the pseudo-header sum; the link must finish it     */
	uint16_t csum_start;  /* offset of the TCP header from the IP header        */
	uint16_t csum_offset; /* offset of the checksum field in the TCP header     */
	uint16_t gso_size;    /* non-zero: the link must cut the payload into pieces
	                                      of this size (TSO)                                 */
};

/* Pulls the next packet. Returns its total length, 0 when there is nothing to send. */
size_t stack_output(struct stack *s, uint64_t now_us, struct packet_out *out);

/* When stack_advance is next needed: absolute time, UINT64_MAX for never. May be early, never late. */
uint64_t stack_next_timeout(const struct stack *s);
void stack_advance(struct stack *s, uint64_t now_us);

/* ------------------------------------------------------------------ events */

enum stack_event_type {
	STACK_EVENT_ACCEPT,    /* `listener` has a connection for tcp_accept                  */
	STACK_EVENT_CONNECTED, /* tcp_connect's handshake is complete                         */
	STACK_EVENT_READABLE,  /* new bytes in the receive ring                               */
	STACK_EVENT_WRITABLE,  /* room again after tcp_send_reserve came up short             */
	STACK_EVENT_PEER_FIN,  /* all the peer's bytes are in the ring; it will send no more  */
	STACK_EVENT_SENT,      /* everything committed so far, FIN included, is acknowledged;
	                          only after tcp_notify_sent                                  */
	STACK_EVENT_TIMER,     /* the time of tcp_set_timer has come                          */
	STACK_EVENT_CLOSED,    /* the connection is no more; `reason` says why. The last event */
};

struct stack_event {
	enum stack_event_type type;
	struct tcp_conn *conn;         /* NULL for ACCEPT                                     */
	struct tcp_listener *listener; /* ACCEPT only                                         */
	enum tcp_close_reason reason;  /* CLOSED only                                         */
};

/* Takes the oldest event; false when there is none. Repeated events of one type on one
 * connection are merged. A handle given back (tcp_close, tcp_abort) yields no more events. */
bool stack_next_event(struct stack *s, struct stack_event *event);

/* ------------------------------------------------------------------ TCP: the application's calls */
/*
 * Ownership: a handle comes from tcp_accept or tcp_connect and is given back by exactly one
 * tcp_close or tcp_abort, also after STACK_EVENT_CLOSED. Until then it stays valid.
 */

/* RFC 9293 3.9.1 OPEN, passive. `local->addr` of version 0 listens on every address. */
int tcp_listen(struct stack *s, const struct ip_endpoint *local, unsigned backlog,
	       struct tcp_listener **out);
/* Stops listening. Connections already accepted live on; queued ones are reset. */
void tcp_unlisten(struct tcp_listener *l);
/* The next connection of the queue, or NULL. With stack_config.fastopen it may be in SYN-RECEIVED: it can be used as any
 * other, and may end in CLOSED with TCP_CLOSE_REFUSED or TCP_CLOSE_TIMEOUT. */
struct tcp_conn *tcp_accept(struct tcp_listener *l);

/* OPEN, active. `local` may be NULL or have port 0: an ephemeral port is chosen (RFC 6056). */
int tcp_connect(struct stack *s, uint64_t now_us, const struct ip_endpoint *local,
		const struct ip_endpoint *remote, struct tcp_conn **out);

/* RECEIVE without copying. Fills up to two slices with what is in order and returns their total
 * length. They stay valid until the next stack_input, stack_advance or tcp_recv_consume. */
size_t tcp_recv_peek(const struct tcp_conn *c, struct slice slices[2]);
/* Drops `len` bytes from the front (at most what peek returned) and opens the window. */
void tcp_recv_consume(struct tcp_conn *c, size_t len);
/* True when the peer's FIN has arrived and every byte before it was consumed. */
bool tcp_recv_finished(const struct tcp_conn *c);

struct slice_mut {
	uint8_t *data;
	size_t len;
};
/* SEND without copying. Asks for up to `want` writable bytes at the end of the send ring as one or
 * two slices; returns their total length (0: full, or no longer allowed to send). When it is less
 * than `want`, WRITABLE follows once there is worthwhile room. */
size_t tcp_send_reserve(struct tcp_conn *c, size_t want, struct slice_mut slices[2]);
/* Hands over the first `len` of the reserved bytes. `more` says that further bytes follow at once,
 * so a partial last segment may wait for them (instead of Nagle's algorithm). A later commit with
 * more == false, of length 0 too, or tcp_shutdown, releases it. */
void tcp_send_commit(struct tcp_conn *c, size_t len, bool more);
/* Convenience: reserve, copy, commit. All or nothing: returns len, or 0 without effect. */
size_t tcp_send_all(struct tcp_conn *c, const uint8_t *data, size_t len, bool more);
/* SEND without copying and without the ring: `len` bytes stay where they are, unchanged, until `release(owner)` is
 * called, once for each loan that was taken: when the last of them is acknowledged, or the connection is over. It must
 * not call the stack. With stack_config.checksum_offload the stack never reads them itself. */
struct tcp_loan {
	const uint8_t *data;
	size_t len;
	void (*release)(void *owner);
	void *owner;
};
#define TCP_LOAN_MIN 16384
/* Takes a loan, all of it: true. False without effect when it is shorter than TCP_LOAN_MIN (unless it goes on where the
 * last one ended), longer than tcp_send_space, or one too many: then tcp_send_reserve is the way. `more`: see
 * tcp_send_commit. */
bool tcp_send_loan(struct tcp_conn *c, const struct tcp_loan *loan, bool more);
/* The link found that it cannot read the payload of the packet that stack_output gave last: a mapped file is shorter
 * now. The connection is reset. */
void stack_output_unreadable(struct stack *s);
/* Bytes that tcp_send_reserve could give now. */
size_t tcp_send_space(const struct tcp_conn *c);
/* Bytes committed and not yet acknowledged by the peer. */
size_t tcp_send_pending(const struct tcp_conn *c);
/* Asks for one STACK_EVENT_SENT once tcp_send_pending is 0 (and the FIN, if queued, is acked). */
void tcp_notify_sent(struct tcp_conn *c);

/* RFC 9293 3.10.4 CLOSE of our direction: queues a FIN behind the data. Receiving goes on and the
 * handle stays. The state moves now, when the FIN is queued. */
int tcp_shutdown(struct tcp_conn *c);
/* Gives the handle back. Queues a FIN if there was none; the stack finishes the close by itself
 * within the limits of the configuration. Unread data makes it a RST (RFC 2525 2.17, RFC 1122
 * 4.2.2.13), because then the peer's bytes are lost. */
void tcp_close(struct tcp_conn *c);
/* Gives the handle back and sends a RST (RFC 9293 3.10.5). */
void tcp_abort(struct tcp_conn *c);

/* One application timer a connection: TIMER comes at `deadline_us`, UINT64_MAX switches it off. */
void tcp_set_timer(struct tcp_conn *c, uint64_t deadline_us);

/* What can be set on one connection. Times are microseconds, from TCP_OPTION_TIME_MIN_US to _MAX_US. */
enum tcp_option {
	/* Keepalive (RFC 9293 3.8.4): probes begin when the peer has been silent for so long and nothing is
	 * outstanding; 0 for none, the default. A peer that answers none of them: RST, CLOSED{TIMEOUT}. */
	TCP_OPTION_KEEPALIVE_US,
	TCP_OPTION_KEEPALIVE_INTERVAL_US, /* from one unanswered probe to the next; 75 s          */
	TCP_OPTION_KEEPALIVE_PROBES,      /* unanswered ones that end the connection, 1..255; 9   */
	/* How long the peer may leave something unacknowledged, or its window shut, before the
	 * connection is given up (RFC 9293 3.8.3): RST, CLOSED{TIMEOUT}. 0: stack_config's, the default, under
	 * which a shut window is borne for as long as the peer answers probes (RFC 9293 3.8.6.1). With
	 * keepalive it takes the place of the number of probes. After tcp_close the smaller of this and
	 * stack_config's holds. May be lowered and raised while something is outstanding. */
	TCP_OPTION_USER_TIMEOUT_US,
	/* 1: tell the peer our user timeout, and take its, unless ours was set, within 100 s and
	 * one hour (RFC 5482). 0, the default: neither. See tcp_user_timeout.h. */
	TCP_OPTION_USER_TIMEOUT_EXCHANGE,
};
#define TCP_OPTION_TIME_MIN_US 10000ull                      /* 10 ms   */
#define TCP_OPTION_TIME_MAX_US (30ull * 24 * 3600 * 1000000) /* 30 days */
/* STACK_ERR_INVALID for a value out of range or an unknown option, STACK_ERR_STATE once the connection is no
 * more. Nothing is changed then. */
int tcp_set_option(struct tcp_conn *c, enum tcp_option option, uint64_t value);
/* What is in force: for the user timeout never 0. STACK_ERR_INVALID for an unknown option. */
int tcp_get_option(const struct tcp_conn *c, enum tcp_option option, uint64_t *value);

void tcp_set_user(struct tcp_conn *c, void *user);
void *tcp_user(const struct tcp_conn *c);

/* One connection as `ss -tim` shows it. Lengths are bytes, rates bytes a second, `_us` microseconds. Linux counts
 * segments where we count bytes: unacked, sacked, lost, retrans, delivered, cwnd, ssthresh. The names of its
 * struct tcp_info stand in the comments, without tcpi_, where they differ. Of half-open entries and TIME-WAIT
 * records only what they keep is filled in. */
struct tcp_info {
	uint64_t id; /* 1, 2, 3 … in order of creation */
	enum tcp_state state;
	struct ip_endpoint local, remote;
	uint32_t snd_una, snd_nxt, snd_max, snd_wnd, iss;
	uint32_t rcv_nxt, rcv_wnd, irs;
	uint16_t snd_mss, peer_mss; /* a full segment's payload, what the peer's option said */
	uint16_t rcv_mss,
		adv_mss; /* the peer's full segment as estimated, what our option says: advmss */
	uint8_t snd_wscale, rcv_wscale;
	bool wscale_ok, timestamps, sack; /* options */
	uint32_t cwnd, ssthresh;          /* ssthresh UINT32_MAX: never set */
	uint64_t srtt_us, rttvar_us, rto_us,
		min_rtt_us; /* 0 before the first sample: rtt, rttvar, rto, min_rtt */
	uint64_t ato_us;    /* delay of an ACK: ato */
	uint8_t quickacks;  /* segments that are still acknowledged without that delay */
	uint64_t opened_us, established_us;
	uint64_t bytes_in, bytes_out; /* payload, each byte once: bytes_received, bytes_acked */
	uint64_t bytes_sent,
		bytes_retrans; /* payload, retransmissions included; those alone      */
	/* Segments as they are on the wire: the pieces of a super segment each. */
	uint64_t segs_in, segs_out, data_segs_in, data_segs_out;
	uint64_t retransmits; /* segments sent again: total_retrans                              */
	uint64_t dup_acks_in; /* duplicate ACKs (RFC 5681)                                       */
	uint64_t
		out_of_order_in; /* segments beyond RCV.NXT: rcv_ooopack                            */
	uint64_t probes_out; /* zero-window probes, all of them; Linux: those not answered yet  */
	uint32_t send_queued,
		recv_queued; /* in the rings: Send-Q, Recv-Q                         */
	uint32_t not_sent;   /* of send_queued, FIN included: notsent_bytes             */
	size_t memory;       /* bytes charged to this connection: skmem           */
	const char *
		timer; /* "retransmit", "reorder", "tail-loss-probe", "persist", …, "none": timer:(on|…) */
	uint64_t timer_us; /* when it fires, UINT64_MAX when none                          */
	uint8_t backoff;   /* doublings of the RTO                                        */
	const char *cc_name;
	/* Loss recovery, with SACK: bytes of [snd_una, snd_nxt). Without, pipe is all of it. */
	uint32_t pipe, sacked, lost, retransmitting; /* …, sacked, lost, retrans                  */
	uint32_t unacked;                            /* snd_nxt - snd_una                         */
	const char
		*recovery; /* "open", "recovery" (fast), "loss" (after a time-out): ca_state      */
	uint64_t reo_wnd_us;  /* RACK.reo_wnd (RFC 8985): how long a segment may come late     */
	uint64_t dsacks_in;   /* dsack_dups                                                    */
	uint64_t timeouts;    /* retransmission timer fired: total_rto                          */
	uint64_t send_rate;   /* cwnd / srtt: ss prints it as "send"                            */
	uint64_t pacing_rate; /* 0 while bursts are not paced, see tcp_pace.h                    */
	uint64_t delivery_rate; /* the newest sample, see tcp_rate.h; 0 before the first        */
	bool delivery_rate_app_limited; /* … was what the application gave, not what the path can */
	uint64_t delivered;             /* acknowledged or SACKed                               */
	/* Something was unacknowledged or unsent: busy_time. Of that, the peer's window was shut or too small for
	 * the next segment: rwnd_limited; everything was sent and the send ring had no room: sndbuf_limited. */
	uint64_t busy_us, rwnd_limited_us, sndbuf_limited_us;
	/* When it last happened, 0 for never; Linux gives the time since: lastsnd, lastrcv, lastack. */
	uint64_t last_data_sent_us, last_data_recv_us, last_ack_recv_us;
	/* Path MTU: how large our packets may be, bytes; half-open and closed ones do not know. */
	uint32_t pmtu;
	uint32_t pmtu_probe; /* size of the probe in flight, 0 for none                         */
	bool blackhole;      /* pmtu was found without ICMP: larger packets vanish              */
	uint64_t mtu_probes_ok, mtu_probes_failed;
	bool ecn;                /* both sides have agreed to it … */
	bool accecn;             /* … with the feedback of RFC 9768 */
	bool ecn_seen;           /* ECT or CE has arrived                                      */
	bool ecn_ect;            /* new data leaves as ECT(0)                                  */
	uint64_t ecn_ce_in;      /* data segments that arrived with CE                 */
	uint64_t ecn_reductions; /* of the window, for marks                           */
	uint64_t delivered_ce;   /* full segments of ours acknowledged with ECE        */
	/* Receive buffer auto-tuning: the size that the window is made of (Linux: rcv_ssthresh), what the
	 * application has read in the last round trip (rcv_space), and that as the receiver sees it (rcv_rtt). */
	uint32_t rcv_limit, rcv_space;
	uint64_t rcv_rtt_us;
};
void tcp_get_info(const struct tcp_conn *c, struct tcp_info *info);
/* Calls `fn` for every connection, half-open entry and TIME-WAIT record, in no set order. */
void stack_each_conn(const struct stack *s, void (*fn)(void *ctx, const struct tcp_info *info),
		     void *ctx);

/* ------------------------------------------------------------------ counters and checks */

/* SYNs that opened a connection at once; had a cookie and did not; asked for one; were too many. */
#define TCP_FASTOPEN_COUNTERS(X)      \
	X(tcp_fast_open_passive)      \
	X(tcp_fast_open_passive_fail) \
	X(tcp_fast_open_cookie_reqd)  \
	X(tcp_fast_open_listen_overflow)

/* Names after RFC 4022, RFC 4293 and RFC 4898 where they have one. The same thing elsewhere (Linux: /proc/net/snmp
 * and netstat; a name that is only spelled otherwise is left out, as tcp_active_opens, ActiveOpens):
 *
 *   tcp_attempt_fails            tcpAttemptFails     AttemptFails: a handshake that did not succeed
 *   tcp_estab_resets             tcpEstabResets      EstabResets: ESTABLISHED or CLOSE-WAIT to CLOSED, by a RST of
 *                                                    either side or a time-out
 *   tcp_in_segs, tcp_out_segs    tcpHCInSegs, …      InSegs, OutSegs: pieces of super segments count each
 *   tcp_in_errs                  tcpInErrs           InErrs; of those tcp_in_csum_errors: InCsumErrors
 *   tcp_syn_retrans                                  TCPSynRetrans: SYN or SYN-ACK sent again
 *   tcp_orig_data_sent                               TCPOrigDataSent: data segments sent for the first time
 *   tcp_in_bytes, tcp_out_bytes  tcpEStatsPerfHCThruOctetsReceived, …Acked
 *   tcp_challenge_acks                               TCPChallengeACK; _limited: TCPACKSkippedChallenge and kin
 *   tcp_paws_dropped                                 PAWSEstab
 *   tcp_out_of_order             tcpEStatsStackDupAcksOut (in effect)   TCPOFOQueue; _dropped: TCPOFODrop
 *   tcp_rcv_q_drops                                  TCPRcvQDrop: no memory for data that the window allowed
 *   tcp_zero_window_drops                            TCPZeroWindowDrop: data behind our shut window
 *   tcp_to_zero_window_adv, tcp_from_zero_window_adv TCPToZeroWindowAdv, TCPFromZeroWindowAdv
 *   tcp_rcv_coalesced                                TCPRcvCoalesce: pieces that came within another packet
 *   tcp_pure_acks                                    TCPPureAcks
 *   tcp_dup_acks_in              tcpEStatsStackDupAckEpisodes (each ACK)
 *   tcp_fast_retransmits         tcpEStatsStackFastRetran   TCPSackRecovery + TCPRenoRecovery: recoveries
 *   tcp_timeouts                 tcpEStatsStackTimeouts     TCPTimeouts
 *   tcp_dsacks_in, tcp_dsacks_out                    TCPDSACKRecv, TCPDSACKOldSent + TCPDSACKOfoSent
 *   tcp_sacks_ignored                                TCPSACKDiscard
 *   tcp_spurious_recoveries                          TCPFullUndo + TCPDSACKUndo
 *   tcp_zero_window_probes                           TCPWinProbe
 *   tcp_delayed_acks                                 DelayedACKs; _lost: DelayedACKLost: data came once more
 *   tcp_accept_overflows                             ListenOverflows
 *   tcp_time_wait_entered, _reused, _evicted         TW, TWRecycled, TCPTimeWaitOverflow
 *   tcp_fin_wait_2_timeouts                          TCPAbortOnLinger (closest)
 *   tcp_user_timeouts                                TCPAbortOnTimeout
 *   tcp_abort_on_data, tcp_abort_on_close            TCPAbortOnData: data for an orphan; TCPAbortOnClose: closed
 *                                                    with unread data
 *   tcp_paced                                        none: times that data waited for the pacing rate
 *   stack_usage.established, .orphans, .time_wait    CurrEstab (tcpCurrEstab), sockstat's orphan and tw
 */
#define STACK_COUNTERS(X)             \
	X(ip_in_receives)             \
	X(ip_in_hdr_errors)           \
	X(ip_in_addr_errors)          \
	X(ip_in_unknown_protos)       \
	X(ip_in_mcast_pkts)           \
	X(ip_in_no_next_header)       \
	X(ip_in_ipsec_dropped)        \
	X(ip_in_no_ect_pkts)          \
	X(ip_in_ect0_pkts)            \
	X(ip_in_ect1_pkts)            \
	X(ip_in_ce_pkts)              \
	X(ip_in_fragments_dropped)    \
	X(ip_reasm_reqds)             \
	X(ip_reasm_oks)               \
	X(ip_reasm_fails)             \
	X(ip_reasm_overlaps)          \
	X(ip_reasm_ecn_mixed)         \
	X(ip_reasm_evicted)           \
	X(ip_out_requests)            \
	X(icmp_in_msgs)               \
	X(icmp_in_errors)             \
	X(icmp_in_echos)              \
	X(icmp_in_soft_errors)        \
	X(icmp_in_pkt_too_bigs)       \
	X(icmp_in_neighbour_ignored)  \
	X(icmp_out_echo_reps)         \
	X(icmp_out_errors_sent)       \
	X(icmp_out_errors_limited)    \
	X(udp_in_errors)              \
	X(udp_no_ports)               \
	X(tcp_active_opens)           \
	X(tcp_passive_opens)          \
	X(tcp_attempt_fails)          \
	X(tcp_estab_resets)           \
	X(tcp_in_segs)                \
	X(tcp_out_segs)               \
	X(tcp_retrans_segs)           \
	X(tcp_in_errs)                \
	X(tcp_out_rsts)               \
	X(tcp_in_bytes)               \
	X(tcp_out_bytes)              \
	X(tcp_challenge_acks)         \
	X(tcp_challenge_acks_limited) \
	X(tcp_paws_dropped)           \
	X(tcp_out_of_window)          \
	X(tcp_out_of_order)           \
	X(tcp_out_of_order_dropped)   \
	X(tcp_dup_acks_in)            \
	X(tcp_fast_retransmits)       \
	X(tcp_timeouts)               \
	X(tcp_dsacks_in)              \
	X(tcp_sacks_ignored)          \
	X(tcp_spurious_recoveries)    \
	X(tcp_ecn_negotiated)         \
	X(tcp_ecn_accurate)           \
	X(tcp_ecn_syn_fallbacks)      \
	X(tcp_ecn_ce_in)              \
	X(tcp_ecn_ece_in)             \
	X(tcp_ecn_reductions)         \
	X(tcp_ecn_given_up)           \
	X(tcp_sack_reorders)          \
	X(tcp_lost_retransmits)       \
	X(tcp_rack_timeouts)          \
	X(tcp_loss_probes)            \
	X(tcp_loss_probe_recoveries)  \
	X(tcp_zero_window_probes)     \
	X(tcp_window_updates_out)     \
	X(tcp_to_zero_window_adv)     \
	X(tcp_from_zero_window_adv)   \
	X(tcp_zero_window_drops)      \
	X(tcp_rcv_q_drops)            \
	X(tcp_rcv_coalesced)          \
	X(tcp_pure_acks)              \
	X(tcp_orig_data_sent)         \
	X(tcp_syn_retrans)            \
	X(tcp_in_csum_errors)         \
	X(tcp_dsacks_out)             \
	X(tcp_delayed_acks_lost)      \
	X(tcp_abort_on_data)          \
	X(tcp_abort_on_close)         \
	X(tcp_paced)                  \
	X(tcp_delayed_acks)           \
	X(tcp_syn_cache_added)        \
	X(tcp_syn_cache_completed)    \
	X(tcp_syn_cache_dropped)      \
	X(tcp_syn_cache_timeouts)     \
	X(tcp_syn_cache_resets)       \
	X(tcp_syn_cookies_sent)       \
	X(tcp_syn_cookies_recv)       \
	X(tcp_syn_cookies_failed)     \
	TCP_FASTOPEN_COUNTERS(X)      \
	X(tcp_accept_overflows)       \
	X(tcp_time_wait_entered)      \
	X(tcp_time_wait_reused)       \
	X(tcp_time_wait_evicted)      \
	X(tcp_fin_wait_2_timeouts)    \
	X(tcp_user_timeouts)          \
	X(tcp_user_timeout_options)   \
	X(tcp_keepalive_probes)       \
	X(tcp_keepalive_drops)        \
	X(tcp_memory_drops)           \
	X(tcp_memory_pressures)       \
	X(tcp_prune_called)           \
	X(tcp_ofo_pruned)             \
	X(tcp_abort_on_memory)        \
	X(tcp_icmp_out_of_window)     \
	X(tcp_pmtu_reductions)        \
	X(tcp_pmtu_disproved)         \
	X(tcp_pmtud_blackhole)        \
	X(tcp_pmtud_blackhole_failed) \
	X(tcp_mtup_success)           \
	X(tcp_mtup_fail)              \
	X(reply_queue_drops)

struct stack_counters {
#define X(name) uint64_t name;
	STACK_COUNTERS(X)
#undef X
};
const struct stack_counters *stack_get_counters(const struct stack *s);

struct stack_usage {
	uint32_t connections; /* full TCBs, whoever holds them */
	uint32_t half_open;
	uint32_t time_wait;
	uint32_t established; /* ESTABLISHED and CLOSE-WAIT: RFC 4022 tcpCurrEstab */
	uint32_t orphans;     /* connections whose handle was given back          */
	size_t memory;        /* bytes charged to the global account */
	size_t cached; /* bytes of free buffers beside them: both together stay within memory_limit */
	bool pressure; /* memory is short */
};
void stack_get_usage(const struct stack *s, struct stack_usage *usage);

/* Checks every invariant of every connection, the liveness rule among them: snd_una ≤ snd_nxt ≤
 * snd_max; the memory account equals the sum of the queues; a connection with unsent or
 * unacknowledged data, a queued FIN or a state other than ESTABLISHED has a timer armed or waits on
 * a call of the application. Returns NULL, or a static sentence naming what is broken. */
const char *stack_check(const struct stack *s);

#endif
