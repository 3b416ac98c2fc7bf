/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw.h — a client made of single segments, for peers that do not play by the rules. It knows just
 * enough of TCP to open a connection, to send a request and to take in what comes in order; what it
 * answers is the scenario's business. It never retransmits: its link loses nothing.
 */
#ifndef TESTS_SIM_RAW_H
#define TESTS_SIM_RAW_H

#include "tests/sim/scenario.h"

#define RAW_REQUEST 100u /* bytes that the server expects before it answers */

struct sim_raw {
	struct sim *sim;
	uint16_t port;
	uint32_t iss, snd_nxt; /* what we have sent                       */
	uint32_t remote_iss;
	uint32_t rcv_nxt; /* what has come, in order                 */
	uint32_t window;  /* that we offer, bytes                    */
	uint8_t wscale;
	bool ts, sack; /* options of its SYN */
	uint32_t ts_recent;
	bool established, fin_in, fin_out, reset, quiet;
	uint64_t received;
	uint64_t rx_key, tx_key;
	uint8_t request[RAW_REQUEST];
};

void sim_raw_init(struct sim_raw *r, struct sim *sim, uint16_t port, uint32_t iss);
/* A segment from here and now: ports, numbers, window and timestamps filled in, flags ACK. */
struct sim_segment sim_raw_segment(const struct sim_raw *r);
void sim_raw_send(struct sim_raw *r, const struct sim_segment *seg);
void sim_raw_syn(struct sim_raw *r, uint16_t mss);
void sim_raw_ack(struct sim_raw *r);
/* `len` bytes of the request from `offset`; moves snd_nxt when they are the next. */
void sim_raw_data(struct sim_raw *r, uint32_t offset, uint32_t len, uint8_t flags);
void sim_raw_fin(struct sim_raw *r);
/* Takes in what is in order and compares it; notes SYN-ACK, FIN and RST. Returns the new bytes. */
uint32_t sim_raw_take(struct sim_raw *r, const struct sim_segment *seg);

#endif
