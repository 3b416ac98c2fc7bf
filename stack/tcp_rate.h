/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_rate.h — delivery rate samples (draft-cheng-iccrg-delivery-rate-estimation): how fast the path has delivered
 * what we sent, and whether that was all the application had (app-limited) or all the path could take.
 *
 * The draft keeps its state with every segment. Here up to TCP_RATE_MARKS places of a flight are marked, an eighth of
 * the window apart, and the newest mark that an ACK reaches makes the sample. So an ACK that reaches none makes
 * none, and a window yields up to eight samples whatever its size.
 */
#ifndef STACK_TCP_RATE_H
#define STACK_TCP_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define TCP_RATE_MARKS 8u

struct tcp_conn;

/* The P.* variables of the draft, for the segment that ends at `end`. */
struct tcp_rate_mark {
	uint32_t end;
	bool app_limited;
	uint64_t sent_us, first_sent_us, delivered_us;
	uint64_t delivered;
};

/* The C.* variables, and the sample that is reported. */
struct tcp_rate {
	uint64_t delivered; /* bytes acknowledged or SACKed, each once        */
	uint64_t delivered_us, first_sent_us;
	uint64_t app_limited; /* until `delivered` is past this; 0: it is not   */
	uint64_t bytes, interval_us;
	bool sample_app_limited;
	uint8_t first, count;
	struct tcp_rate_mark mark[TCP_RATE_MARKS]; /* a ring, oldest at `first` */
};

/* New data [start, end) was sent. */
void tcp_rate_sent(struct tcp_conn *c, uint32_t start, uint32_t end);
/* A segment of the peer's was processed; SND.UNA and the scoreboard are up to date. */
void tcp_rate_acked(struct tcp_conn *c);
/* Nothing more goes out now: for want of data? */
void tcp_rate_check_app_limited(struct tcp_conn *c);
/* Bytes a second, 0 before the first sample. */
uint64_t tcp_rate_sample(const struct tcp_conn *c);

#endif
