/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_metrics.h — what is counted for its own sake and changes nothing: the part of struct tcp_info and of the
 * counters that no algorithm needs.
 */
#ifndef STACK_TCP_METRICS_H
#define STACK_TCP_METRICS_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_conn;
struct tcp_segment;

struct tcp_metrics {
	uint64_t bytes_sent, bytes_retrans; /* payload; the first includes the second */
	uint64_t data_segs_out, data_segs_in;
	uint64_t last_data_sent_us, last_data_recv_us, last_ack_recv_us;
	bool established;   /* it has been                                  */
	bool estab_counted; /* it is among stack.established                */
	bool orphan_counted;
	bool zero_window; /* what we have advertised last                 */
};

/* How many segments `len` bytes of payload are on the wire, in pieces of `size`; one at least. */
uint32_t tcp_metrics_pieces(uint32_t len, uint32_t size);
/* A packet with `len` bytes was sent, `again` when (part of) it had been sent before. */
void tcp_metrics_sent(struct tcp_conn *c, uint32_t len, uint8_t flags, bool again);
/* A segment for this connection has arrived. */
void tcp_metrics_received(struct tcp_conn *c, const struct tcp_segment *seg);
/* The peer is told of this window. */
void tcp_metrics_window(struct tcp_conn *c, uint32_t wnd);
/* The handshake is complete; our FIN was queued: RFC 4022 tcpCurrEstab. */
void tcp_metrics_established(struct tcp_conn *c);
void tcp_metrics_state(struct tcp_conn *c);
/* The application has given the handle back. */
void tcp_metrics_orphaned(struct tcp_conn *c);
/* The connection leaves the table: RFC 4022 tcpAttemptFails, tcpEstabResets. */
void tcp_metrics_ended(struct tcp_conn *c);

#endif
