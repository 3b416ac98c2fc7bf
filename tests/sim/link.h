/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.h — one direction of the simulated link: a bottleneck with a queue, a delay, and everything
 * that can happen to a packet under way. All chance comes from the direction's own generator.
 */
#ifndef TESTS_SIM_LINK_H
#define TESTS_SIM_LINK_H

#include "tests/sim/packet.h"
#include "tests/sim/rng.h"

struct sim;

/* What a path does to the ECN field. */
enum sim_ecn_path {
	SIM_ECN_PASS,
	SIM_ECN_BLEACH,     /* clears it                                                    */
	SIM_ECN_MARK_ALL,   /* CE on every packet of IP                                     */
	SIM_ECN_DROP_ECT,   /* drops what is not Not-ECT                                    */
	SIM_ECN_DROP_SETUP, /* drops SYNs and SYN-ACKs that speak of ECN                    */
};

struct sim_link_config {
	uint64_t delay_us;
	uint64_t jitter_us; /* added by chance; packets stay in order                       */
	uint64_t rate;      /* bytes a second, 0: no limit                                  */
	uint64_t queue;     /* bytes that may wait at the bottleneck, 0: no limit           */
	uint32_t loss_ppm;
	/* Gilbert-Elliott: in the bad state packets are lost with burst_loss_ppm. */
	uint32_t burst_enter_ppm, burst_leave_ppm, burst_loss_ppm;
	uint32_t reorder_ppm; /* held back by up to reorder_us, so that others overtake it  */
	uint64_t reorder_us;
	uint32_t duplicate_ppm;
	uint32_t corrupt_ppm;
	uint16_t
		far_port; /* packets of this client port take far_us longer, in order among themselves */
	uint64_t far_us;
	uint32_t mtu; /* larger packets are dropped; 0: no limit                     */
	/* A packet that is ECT is marked with CE when more bytes wait than this, or by chance. */
	uint64_t ce_threshold; /* 0: never */
	uint32_t ce_ppm;
	enum sim_ecn_path ecn;
	bool coalesced; /* super segments arrive whole, as from a TUN device           */
};

/* What an armed rule waits for. */
enum sim_match {
	SIM_MATCH_ANY,
	SIM_MATCH_SYN,           /* without ACK                               */
	SIM_MATCH_SYN_ACK,       /*                                           */
	SIM_MATCH_FIN,           /*                                           */
	SIM_MATCH_RST,           /*                                           */
	SIM_MATCH_DATA,          /* with payload                              */
	SIM_MATCH_ACK,           /* no payload, SYN, FIN or RST               */
	SIM_MATCH_ACK_OF_FIN,    /* covers the FIN that went the other way    */
	SIM_MATCH_WINDOW_UPDATE, /* such an ACK whose only news is the window */
};

/* What it does to such a packet. */
enum sim_act {
	SIM_ACT_DROP,
	SIM_ACT_TWICE,  /* a second copy follows at once         */
	SIM_ACT_LATE,   /* held back by hold_us, so others overtake it */
	SIM_ACT_DAMAGE, /* arrives, damaged                      */
	SIM_ACT_OLD,    /* arrives, and again hold_us later      */
	SIM_ACTS
};

/* For packets number first .. first + count - 1 (from 1) of those that match. */
struct sim_rule {
	enum sim_act act;
	enum sim_match match;
	unsigned first, count;
	unsigned seen;
};

#define SIM_RULES_MAX 8

struct sim_link_counts {
	uint64_t packets, bytes; /* entered                                        */
	uint64_t lost, overflowed, too_large, ruled, duplicated, reordered, corrupted, marked;
	uint64_t waiting_max; /* bytes at the bottleneck */
};

struct sim_link {
	struct sim *sim;
	unsigned from; /* index of the sending host */
	struct sim_link_config cfg;
	struct sim_rule rule[SIM_RULES_MAX];
	unsigned rules;
	/* A router at this end of the link, which is told of what the MTU has stopped; may be NULL. */
	void (*too_large)(void *ctx, const struct sim_link *l, const struct sim_packet *p);
	void *too_large_ctx;
	uint64_t hold_us;    /* for SIM_ACT_LATE and SIM_ACT_OLD */
	uint64_t dead_after; /* from this packet on everything is lost; UINT64_MAX: never */
	struct sim_rng rng;
	bool bursting;
	uint64_t busy_until_ns;      /* when the bottleneck has sent what it holds */
	uint64_t last_arrival_us[2]; /* of near and far connections */
	struct sim_link_counts counts;
};

void sim_link_init(struct sim_link *l, struct sim *sim, unsigned from, uint64_t seed);
/* Arms a rule. */
void sim_link_rule(struct sim_link *l, enum sim_act act, enum sim_match match, unsigned first,
		   unsigned count);
void sim_link_drop(struct sim_link *l, enum sim_match match, unsigned first, unsigned count);
/* Takes the packet over. `matches` is a set of bits 1 << enum sim_match that hold for it. */
void sim_link_send(struct sim_link *l, struct sim_packet *p, unsigned matches);

#endif
