/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h — the judge. It sees every packet on the wire and looks into both stacks after every turn, and
 * ends the simulation at the first thing that must not be:
 *
 *   on the wire    well-formed packets with right checksums, no larger than MTU and MSS allow; the
 *                  acknowledgment number and the right edge of the window never move back; nothing is
 *                  acknowledged that was never sent; nothing is sent beyond the window that has arrived,
 *                  but for probes of one byte
 *   in the stacks  stack_check(); RCV.NXT, SND.UNA and the advertised edge never move back; the congestion
 *                  window is covered by bytes that were really acknowledged; no timer is forgotten
 */
#ifndef TESTS_SIM_WATCH_H
#define TESTS_SIM_WATCH_H

#include "tests/sim/sim.h"

struct sim_watch *sim_watch_new(struct sim *sim);
void sim_watch_free(struct sim_watch *w);
/* A packet leaves host `from`, before TSO cuts it. Returns the bits (1 << enum sim_match) that hold. */
unsigned sim_watch_sent(struct sim_watch *w, unsigned from, const struct sim_packet *p);
/* An undamaged packet arrives at host `to`. */
void sim_watch_arrived(struct sim_watch *w, unsigned to, const struct sim_packet *p);
/* After a turn of the host's stack. */
void sim_watch_stack(struct sim_watch *w, struct sim_host *host);
/* Sequence numbers relative to the initial ones, as far as those have been seen. */
void sim_watch_relative(const struct sim_watch *w, unsigned from, const struct sim_segment *seg,
			uint32_t *seq, uint32_t *ack);

#endif
