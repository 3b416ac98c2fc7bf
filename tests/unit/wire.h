/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h — a scripted peer with a virtual clock around one stack, so that a test of TCP reads as a
 * packet trace. The stack is 10.0.0.2, the peer 10.0.0.1; nothing else exists, and time moves only when
 * a script says so. The same script also runs over IPv6, where the addresses are fd00:2ff::a00:2 and
 * fd00:2ff::a00:1: the harness puts the other header on at the stack's door and takes it off again, with
 * an MTU 20 bytes larger so that the segments are the same. The notation is packetdrill's (Cardwell et
 * al., USENIX ATC 2013):
 *
 *     inject(w, "0.000 S 0:0(0) win 65535 <mss 1460,wscale 7>");
 *     expect(w, "0.000 S. 0:0(0) ack 1");
 *     inject(w, "0.010 . 1:1001(1000) ack 1 win 500");
 *     expect(w, "~0.050 . 1:1(0) ack 1001");
 *
 * time     seconds since the test began. inject: moves the clock there first; `+0.1` counts from now.
 *          expect: exact to 1 ms; `~` within 10 ms, `>` then or later, `*` any time (up to an hour).
 * flags    S F R P U E W and `.` for ACK, as tcpdump writes them, A for AE; `-` for none. In an expectation PSH
 *          counts only when it is written.
 * a:b(n)   sequence numbers relative to the sender's initial one, and the payload's length.
 * ack n    relative to the receiver's initial sequence number. In an expectation it must be given
 *          exactly when the segment carries ACK.
 * win n    the field as it is on the wire, not scaled. `urg n` likewise.
 * <…>      options: mss n, wscale n, sackOK, TS val n ecr n, nop, eol. `ecr $` stands for the last
 *          TSval that the stack sent; `val *` in an expectation for any. Expected options are the whole
 *          set, without the padding; when none are written they are not looked at.
 *          fo for a request of a cookie for Fast Open, fo 0123456789abcdef for that cookie, `fo $` for the
 *          last one that the stack sent; `fo *` in an expectation for any.
 *          sack a:b a:b … for selective acknowledgements, relative like `ack n`; one `sack` for all.
 * port n   the peer's port, when it is not the one of the current connection; `to n` the stack's.
 * [ect0]   the ECN field of the IP header: also [ect1] and [ce]; without one of them it is Not-ECT.
 * fill c   payload bytes are all `c` instead of the stream's own pattern.
 *
 * Payload is a function of its place in the stream, so every byte in either direction is checked with
 * no help of the test. So are, on every packet of the stack: both checksums, the lengths, that the
 * window's right edge does not move left, and that no data go beyond what the peer has offered. After
 * every step stack_check() must be content. wire_teardown gives up what the test still holds, lets the
 * clock run, and requires that not one connection, timer or byte remains.
 */
#ifndef TESTS_UNIT_WIRE_H
#define TESTS_UNIT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/stack.h"
#include "tests/unit/cmocka_all.h"

enum {
	FIN = 0x01,
	SYN = 0x02,
	RST = 0x04,
	PSH = 0x08,
	ACK = 0x10,
	URG = 0x20,
	ECE = 0x40,
	CWR = 0x80,
	AE = 0x100, /* RFC 9768 */
};

#define WIRE_PEER 0x0a000001u /* 10.0.0.1 */
#define WIRE_HOST 0x0a000002u /* 10.0.0.2 */
#define WIRE_PORT 80          /* where wire_listen listens */
#define WIRE_PEER_PORT 40000

/* One TCP segment in the clear. Numbers are absolute here. */
struct seg {
	uint32_t src, dst;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint16_t win, urg;
	uint16_t flags;
	uint8_t ecn; /* of the IP header */
	uint8_t opt[40];
	size_t opt_len;
	size_t len;             /* of the payload                            */
	const uint8_t *payload; /* NULL when built: the stream's own pattern */
	bool has_mss, has_wscale, has_ts, sack_ok;
	uint16_t mss;
	uint8_t wscale;
	uint32_t ts_val, ts_ecr;
	uint16_t user_timeout; /* as on the wire (RFC 5482), 0 for none */
	unsigned sack_count;
	uint32_t sack[4][2];
	bool has_fo;
	uint8_t fo_len, fo[16];
};

struct wire_packet {
	struct wire_packet *next;
	uint64_t at_us;
	size_t len;
	uint16_t gso_size;
	uint8_t bytes[];
};

struct wire {
	struct stack *s;
	struct stack_config cfg; /* change, then wire_restart(); IPv4 here in either version */
	uint8_t version;         /* that the stack speaks: 4 or 6                       */
	uint64_t start_us, now_us;
	uint32_t iss, irs; /* initial sequence numbers: the stack's, the peer's           */
	uint16_t lport, rport;
	struct tcp_listener *listener;
	struct tcp_conn *c;      /* the current connection's handle, if the test holds it */
	uint32_t sent, received; /* bytes of the stream, through send_bytes, recv_bytes   */
	unsigned events[8];      /* seen on the current connection, by stack_event_type   */
	enum tcp_close_reason closed_reason;
	uint32_t last_ts_val; /* of the stack's last segment with timestamps              */
	uint8_t last_fo[16];  /* of the stack's last segment with a cookie for Fast Open */
	bool holding;
	bool quiet; /* no trace: for scripts of 100,000 packets                              */
	bool any_payload; /* the test sends bytes of its own               */
	bool any_window;  /* the peer's segments contradict each other         */
	bool failed;
	struct wire_packet *out, **out_tail;
	size_t empty_memory; /* of the stack before anything was done to it                 */
	/* What the two have told each other, for the checks on every packet. */
	bool edge_known, peer_edge_known, peer_scaled, host_scaled;
	uint32_t edge, peer_edge;
	uint32_t edges_of; /* the ports of the connection that these belong to */
	uint8_t peer_wscale, host_wscale;
	char *trace;
	size_t trace_len;
	bool user_timeout; /* the test has switched the option of RFC 5482 on */
};

/* cmocka fixtures, over IPv4 and IPv6. The three differ in the initial sequence numbers of both sides. */
int wire_setup_0(void **state);    /* 0          */
int wire_setup_half(void **state); /* 2^31 - 1   */
int wire_setup_wrap(void **state); /* 2^32 - 1000 */
int wire_setup_0_v6(void **state);
int wire_setup_half_v6(void **state);
int wire_setup_wrap_v6(void **state);
int wire_teardown(void **state);

/* Elements of a local array of struct CMUnitTest. */
#define WIRE_CASE(f, suffix, setup) ((struct CMUnitTest){#f suffix, f, setup, wire_teardown, NULL})
#define WIRE_TEST_ONCE(f) WIRE_CASE(f, "", wire_setup_0)
#define WIRE_TEST_ONCE_V6(f) WIRE_CASE(f, " (IPv6)", wire_setup_0_v6)
#define WIRE_TEST_V4(f)                                                                         \
	WIRE_CASE(f, " (isn 0)", wire_setup_0), WIRE_CASE(f, " (isn 2^31-1)", wire_setup_half), \
		WIRE_CASE(f, " (isn 2^32-1000)", wire_setup_wrap)
#define WIRE_TEST_V6(f)                                                  \
	WIRE_CASE(f, " (IPv6, isn 0)", wire_setup_0_v6),                 \
		WIRE_CASE(f, " (IPv6, isn 2^31-1)", wire_setup_half_v6), \
		WIRE_CASE(f, " (IPv6, isn 2^32-1000)", wire_setup_wrap_v6)
#define WIRE_TEST(f) WIRE_TEST_V4(f), WIRE_TEST_V6(f)

/* Starts again with an empty stack made from w->cfg, at the same time. */
void wire_restart(struct wire *w);

void wire_inject(struct wire *w, const char *text, const char *file, int line);
void wire_expect(struct wire *w, const char *text, const char *file, int line);
void wire_expect_none(struct wire *w, const char *time, const char *file, int line);
void wire_expect_state(struct wire *w, enum tcp_state state, const char *file, int line);
void wire_expect_closed(struct wire *w, enum tcp_close_reason reason, const char *file, int line);
void wire_recv(struct wire *w, size_t len, const char *file, int line);
void wire_send(struct wire *w, size_t len, bool more, const char *file, int line);
void wire_fail(struct wire *w, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5), noreturn));

#define inject(w, text) wire_inject(w, text, __FILE__, __LINE__)
#define expect(w, text) wire_expect(w, text, __FILE__, __LINE__)
/* Nothing is sent until then. */
#define expect_none(w, time) wire_expect_none(w, time, __FILE__, __LINE__)
/* CLOSED when the stack knows no such connection; half-open and TIME-WAIT entries count. */
#define expect_state(w, state) wire_expect_state(w, state, __FILE__, __LINE__)
/* STACK_EVENT_CLOSED has come, with this reason. */
#define expect_closed(w, reason) wire_expect_closed(w, reason, __FILE__, __LINE__)
/* Takes exactly `len` bytes, which must be there and right. */
#define recv_bytes(w, len) wire_recv(w, len, __FILE__, __LINE__)
#define send_bytes(w, len) wire_send(w, len, false, __FILE__, __LINE__)
#define send_more(w, len) wire_send(w, len, true, __FILE__, __LINE__)
/* As assert_true, with the trace. */
#define check(w, what)                                                                \
	do {                                                                          \
		if (!(what))                                                          \
			wire_fail(w, __FILE__, __LINE__, "does not hold: %s", #what); \
	} while (0)
/* As assert_int_equal, with the trace. */
#define check_equal(w, a, b)                                                                     \
	do {                                                                                     \
		const long long check_a_ = (long long)(a), check_b_ = (long long)(b);            \
		if (check_a_ != check_b_)                                                        \
			wire_fail(w, __FILE__, __LINE__, "%s is %lld, %s is %lld", #a, check_a_, \
				  #b, check_b_);                                                 \
	} while (0)

/* Several packets of the peer in one batch: between the two, nothing is pulled. */
void hold(struct wire *w);
void release(struct wire *w);

void advance_to(struct wire *w, const char *time);
void advance_us(struct wire *w, uint64_t by_us);
/* Forgets what was sent and not expected; returns how many packets. */
size_t drain(struct wire *w);
/* How many packets of the stack wait to be expected. */
size_t wire_waiting(const struct wire *w);

/* The application's calls, with what a script mostly wants. */
void wire_listen(struct wire *w, uint16_t port, unsigned backlog);
struct tcp_conn *wire_accept(struct wire *w); /* becomes w->c, and is not NULL */
void wire_connect(struct wire *w);            /* from port 50000 to the peer's 9000  */
void wire_shutdown(struct wire *w);
void wire_close(struct wire *w);
void wire_abort(struct wire *w);
struct tcp_info wire_info(struct wire *w);
unsigned wire_events(const struct wire *w, enum stack_event_type type);
struct stack_usage wire_usage(const struct wire *w);
const struct stack_counters *counters(const struct wire *w);

/* Listens and takes a connection: at the current time, with these words after the SYN's sequence
 * number ("win 65535 <mss 1460>"); the last ACK has the same window. */
void wire_establish(struct wire *w, const char *syn_words);
/* The active side's way to the same. */
void wire_establish_active(struct wire *w);

/* Below the notation. */
#define WIRE_PACKET_MAX 65535
struct seg wire_seg(const struct wire *w, const char *text); /* "flags a:b(n) …", without a time */
size_t wire_build(const struct wire *w, const struct seg *g, uint8_t packet[WIRE_PACKET_MAX]);
/* A packet of IPv4 gets the other header when the stack speaks IPv6; one of IPv6 goes as it is. */
void wire_inject_raw(struct wire *w, const uint8_t *packet, size_t len);
void wire_inject_meta(struct wire *w, const uint8_t *packet, size_t len, struct packet_meta meta);
void wire_inject_seg(struct wire *w, const struct seg *g);
/* The addresses as the stack knows them. */
struct ip_addr wire_host_addr(const struct wire *w);
struct ip_addr wire_peer_addr(const struct wire *w);
/* The same packet with an IPv6 header: the checksum of what it carries stays right, or wrong. `v6` has
 * room for 20 bytes more. Returns its length. */
size_t wire_to_v6(const uint8_t *packet, size_t len, uint8_t *v6);
/* The sum of the pseudo-header of RFC 8200 8.1, not folded. */
uint32_t wire_pseudo_sum_v6(const uint8_t *packet, uint8_t protocol, size_t len);
/* NULL, or what is wrong with the IPv6 header of a packet of the stack. */
const char *wire_decode_ip6(const uint8_t *packet, size_t len);
/* The oldest packet not expected yet, NULL for none. The caller frees it. */
struct wire_packet *wire_take(struct wire *w);
/* False when it is not a sound TCP segment over IPv4. */
bool wire_decode(const uint8_t *packet, size_t len, struct seg *g, const char **what);
uint16_t wire_checksum(const uint8_t *data, size_t len, uint32_t start);
/* Recomputes the IPv4 header's checksum, and that of TCP or ICMP, after a test changed the packet. */
void wire_fix_checksums(uint8_t *packet, size_t len);
uint8_t wire_pattern(uint32_t position);
uint64_t wire_us(const char *seconds);

#endif
