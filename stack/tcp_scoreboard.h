/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_scoreboard.h — what of [SND.UNA, SND.NXT) the network still holds: the scoreboard of RFC 6675 and the
 * send times of RFC 8985 in one sorted list of ranges that adjoin. A range is in flight, SACKed, or lost
 * and waiting to be sent again; one that was sent again is in flight once more.
 *
 * Neighbours that differ in nothing are one range, and what is sent in one go, with nothing else in between
 * and within a 64th of a round-trip time, counts as sent together, when its last part was. So a flight
 * without loss takes a few dozen ranges whatever its size, and yet of any two segments it is known which
 * was sent first (RACK lives on that, see tcp_rack.h). The list
 * lives while something is in flight, is charged to the account, and has at most TCP_SCOREBOARD_MAX
 * ranges: finding one is a binary search, and the work per ACK is bounded by that constant however a peer
 * cuts its blocks (CVE-2019-11477, CVE-2019-11478). When the list is full, or memory is short, a block that
 * would split a range is ignored, as if that ACK had been lost.
 *
 * Only connections on which SACK was agreed have one; tcp_uses_sack() says whether it is in use.
 */
#ifndef STACK_TCP_SCOREBOARD_H
#define STACK_TCP_SCOREBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/seq.h"

#define TCP_SCOREBOARD_MIN 8u
#define TCP_SCOREBOARD_MAX 2048u /* two for each gap that a receiver may have; 48 KiB */

struct tcp_conn;

enum {
	TCP_SENT_SACKED = 1, /* arrived, says the peer, but not acknowledged (RFC 2018)  */
	TCP_SENT_LOST = 2,   /* given up and not sent again yet                          */
	TCP_SENT_AGAIN = 4,  /* sent more than once                                      */
};

struct tcp_sent {
	uint64_t sent_us;    /* the last time that any of it was sent */
	uint32_t start, end; /* FIN included */
	uint32_t order;      /* later sendings have higher numbers; within a range SEQ decides */
	uint8_t flags;
	bool coarse; /* ranges of different times were joined: the last of them counts, and no measurement */
};

struct tcp_scoreboard {
	struct tcp_sent *range; /* NULL while nothing is in flight */
	uint16_t count, cap;
	bool off;        /* given up until nothing is in flight: NewReno's rules hold */
	uint32_t order;  /* of what was sent last */
	uint32_t sacked; /* bytes with TCP_SENT_SACKED */
	uint32_t lost;   /* bytes with TCP_SENT_LOST   */
	uint32_t again;  /* bytes with TCP_SENT_AGAIN, neither lost nor SACKed */
};

/* What one segment of the peer's has told us. */
struct tcp_delivery {
	uint32_t bytes;         /* newly acknowledged or SACKed: DeliveredData of RFC 6937 */
	uint32_t sacked;        /* the newly SACKed among them                             */
	uint32_t acked;         /* by how much SND.UNA moved                               */
	uint64_t rtt_us;        /* from the newest among them, 0 for none                  */
	struct seq_range dsack; /* arrived twice, empty for nothing (RFC 2883)             */
	bool dsack_of_probe;    /* which was a loss probe                                  */
	bool has_ecr;           /* the segment echoes this timestamp                       */
	uint32_t ts_ecr;
	/* RFC 8985 6.2 step 3, for tcp_rack.c: of the ranges newly acknowledged or SACKed the highest end, and the
	 * lowest end among those sent once. */
	bool any, any_first;
	uint32_t highest, lowest_first;
};

/* New data was sent up to SND.NXT, from `start`. */
void tcp_scoreboard_sent(struct tcp_conn *c, uint32_t start);
/* [start, end) was sent again: a part of a range that is lost, or the last of what is in flight. */
void tcp_scoreboard_sent_again(struct tcp_conn *c, uint32_t start, uint32_t end);
/* SND.UNA has moved: forgets what lies below. */
void tcp_scoreboard_acked(struct tcp_conn *c, struct tcp_delivery *d);
/* A block within (SND.UNA, SND.NXT]. */
void tcp_scoreboard_sacked(struct tcp_conn *c, struct seq_range block, struct tcp_delivery *d);
/* The lowest range that is lost: NextSeg rule 1 (RFC 6675 4). NULL for none. */
const struct tcp_sent *tcp_scoreboard_next_lost(const struct tcp_conn *c);
/* Are as many segments SACKed as DupThresh says? As for IsLost of RFC 6675 4: so many stretches, or more bytes
 * than DupThresh - 1 segments have. */
bool tcp_scoreboard_dup_thresh(const struct tcp_conn *c);
/* Range `i`, which is in flight, is lost. */
void tcp_scoreboard_mark_lost(struct tcp_conn *c, unsigned i);
/* A time-out: the first segment is lost and what was last sent at `until_us` or before (RFC 8985 6.3), and what
 * was SACKed too, since the peer may have dropped it (RFC 2018 8). */
void tcp_scoreboard_timeout(struct tcp_conn *c, uint64_t until_us);
/* Nothing is lost after all. */
void tcp_scoreboard_none_lost(struct tcp_conn *c);
/* Has the peer said that the byte `seq`, in flight, has arrived? */
bool tcp_scoreboard_is_sacked(const struct tcp_conn *c, uint32_t seq);
/* What of `part` is neither SACKed nor lost yet, in ranges longer than `longer` bytes, is lost. */
void tcp_scoreboard_lost(struct tcp_conn *c, struct seq_range part, uint32_t longer);
/* Does all that is lost lie within `part`? */
bool tcp_scoreboard_lost_within(const struct tcp_conn *c, struct seq_range part);
/* Frees the list. */
void tcp_scoreboard_reset(struct tcp_conn *c);
/* Bytes charged to the account. */
size_t tcp_scoreboard_memory(const struct tcp_conn *c);
/* NULL, or a sentence on what is broken: for stack_check. */
const char *tcp_scoreboard_check(const struct tcp_conn *c);

#endif
