/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_path.h — one direction of the emulated link, without any I/O: a packet and the time go in, packets
 * come out when their time has come. A packet passes, in this order: the MTU; loss; the bottleneck (queue
 * and rate); corruption; duplication; delay, jitter and being held back.
 *
 * Each kind of chance has a generator of its own, so packet n is lost or is not, whatever else may happen to
 * packets. The same calls give the same packets, bit for bit.
 *
 * Time is nanoseconds here: at 10 Gbit/s a packet takes 1.2 µs.
 */
#ifndef LAB_LINK_PATH_H
#define LAB_LINK_PATH_H

#include "lab/link_packet.h"

/* All zero is a wire: nothing is done to a packet. */
struct link_config {
	uint64_t delay_ns;
	uint64_t jitter_ns;     /* up to so much more, evenly; packets stay in order             */
	uint64_t rate;          /* bits a second of IP packets, 0: no limit                      */
	uint64_t queue_bytes;   /* that may wait behind the one being sent, 0: no limit          */
	uint64_t queue_packets; /* the same, counted otherwise                                   */
	/* With more than that waiting a packet that is ECT is marked with CE (RFC 3168 5); 0: never. */
	uint64_t mark_bytes, mark_packets;
	uint32_t loss_ppm;
	/* Gilbert (1960) and Elliott (1963): packets are lost in bursts, while the state is bad. */
	uint32_t burst_enter_ppm, burst_leave_ppm, burst_loss_ppm;
	uint32_t reorder_ppm;
	uint64_t reorder_ns; /* how long such a packet is held back for others to overtake it */
	uint32_t duplicate_ppm;
	uint32_t corrupt_ppm; /* one bit of the packet                                       */
	bool repair;          /* one bit of the payload, and the checksum fits again         */
	uint32_t mtu;         /* larger packets are dropped, 0: no limit                     */
	bool mtu_reply;       /* and their sender is told                                    */
	bool segment; /* super segments are cut and checksums finished; always if corrupt_ppm */
	size_t memory_limit; /* bytes under way; 0: LINK_MEMORY_LIMIT                       */
};

#define LINK_MEMORY_LIMIT ((size_t)256 << 20)

/* Does something happen to single packets, which needs super segments to be cut? */
bool link_config_needs_segments(const struct link_config *cfg);

/* In packets as a wire sees them, so a super segment counts as all its pieces. At any time
 * entered + duplicated = delivered + lost + overflowed + too_large + waiting. */
#define LINK_COUNTS(X)              \
	X(entered, "in")            \
	X(delivered, "out")         \
	X(waiting, "under way")     \
	X(lost, "lost")             \
	X(overflowed, "overflowed") \
	X(too_large, "too large")   \
	X(marked, "marked")         \
	X(reordered, "held back")   \
	X(duplicated, "duplicated") \
	X(corrupted, "corrupted")   \
	X(replies, "answered with ICMP")

struct link_counts {
#define X(name, text) uint64_t name;
	LINK_COUNTS(X)
#undef X
	uint64_t bytes_entered, bytes_delivered;
};

struct link_path;

/* `cfg` is copied. Directions of a link share a seed and differ in `direction`. NULL: out of memory. */
struct link_path *link_path_create(const struct link_config *cfg, uint64_t seed,
				   unsigned direction);
void link_path_destroy(struct link_path *path);

/* A packet enters; the path takes it over. Time must not run backwards. */
void link_path_input(struct link_path *path, uint64_t now_ns, struct link_packet *p);
/* The next packet that is due, which is the caller's then; NULL when there is none yet. */
struct link_packet *link_path_output(struct link_path *path, uint64_t now_ns);
/* When the next packet is due; UINT64_MAX: none is under way. */
uint64_t link_path_next(const struct link_path *path);
/* What is to go back to the side that packets enter from, at once; the caller's then. NULL: nothing. */
struct link_packet *link_path_reply(struct link_path *path);

const struct link_counts *link_path_counts(const struct link_path *path);

#endif
