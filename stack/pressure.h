/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pressure.h — what happens when memory is short: the order in which things are given up. It is written for
 * the owner in stack.h, at stack_config.memory_limit.
 *
 * The account (memory.c) has marks, in parts of the limit:
 *
 *     3/4   below it pressure ends
 *     7/8   above it pressure begins: free buffers, fragments, and the growth of rings and windows go
 *    15/16  the most that data may take; above it, or when a first buffer was refused, things are given up
 *           until 7/8 is reached
 *    31/32  the most that connections and records may take
 *     1     what is left is for answers: ACKs and RSTs must never be what fails
 *
 * Nothing is given up while a packet or a call is under way, since any of it may be in use. It is done
 * at the end of stack_input and stack_advance, for the sake of whoever asks next; the eighth above the mark
 * is what they live on meanwhile. All candidates are in lists, the longest unused first, so
 * each step is O(1) and there is nothing to search however many connections there are.
 *
 * Half-open entries and TIME-WAIT records pay first, but only as far as they have more than their share: a flood
 * of SYNs takes nothing from those who are connected. Then what will be sent again anyway: data out of
 * order, which was never acknowledged. Without SACK nothing was promised; a SACKed block may be dropped, too (RFC 2018
 * 8), at the price of a time-out. Connections come last: orphans, then those whose peers hold our data
 * without taking it (CVE-2008-4609). Who has not taken a sixteenth of what he holds within PRESSURE_STALL_US
 * counts as one, so that a byte now and then does not help. When nobody is left, new connections and
 * data are refused.
 */
#ifndef STACK_PRESSURE_H
#define STACK_PRESSURE_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/list.h"

#define PRESSURE_RING (32u << 10) /* a ring that is larger does not grow: it takes a TLS record */
#define PRESSURE_STALL_US 5000000u
#define PRESSURE_HALF_OPEN 64u /* entries that are never too many */

struct ring;
struct stack;
struct tcp_conn;

struct pressure {
	bool on;         /* between 7/8 and 3/4                                                 */
	bool starved;    /* somebody who asked for little was refused; until 7/8 is reached     */
	bool due;        /* … since the last pressure_reclaim                                  */
	struct list ofo; /* connections with data out of order, without SACK; longest first     */
	struct list sacked_ofo; /* … with SACK                                                */
	struct list orphans;    /* connections without a handle, longest without progress first  */
	struct list holders;    /* connections with a handle and a send ring, the same            */
};

/* In a connection: where it is in those lists. */
struct tcp_held {
	struct list ofo_link;
	struct list link;  /* in orphans or holders */
	uint64_t since_us; /* when the peer last took a sixteenth of what it held              */
	uint32_t una;      /* SND.UNA then                                                      */
};

void pressure_init(struct stack *s);
/* Gives up what has to be given up. No connection may be in use by the caller. */
void pressure_reclaim(struct stack *s);

/* How large this ring may become now, with `max` from the configuration: less under pressure, and not so
 * much that the connection takes more than its limit. */
uint32_t pressure_ring_max(const struct tcp_conn *c, const struct ring *ring, uint32_t max);

void tcp_held_init(struct tcp_conn *c);
void tcp_held_forget(struct tcp_conn *c);
/* The out-of-order list has changed. */
void tcp_held_ofo(struct tcp_conn *c);
/* The application has got room in the send ring. */
void tcp_held_sender(struct tcp_conn *c);
/* The handle was given back. */
void tcp_held_orphaned(struct tcp_conn *c);
/* SND.UNA has moved. */
void tcp_held_progress(struct tcp_conn *c);

#endif
