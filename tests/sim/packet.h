/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet.h — a packet on the simulated wire, and the simulator's own reading and writing of IPv4
 * and TCP headers. Nothing here uses the stack's code: a mistake there must not be repeated by its
 * judge.
 */
#ifndef TESTS_SIM_PACKET_H
#define TESTS_SIM_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/stack.h"

enum {
	SIM_FIN = 0x01,
	SIM_SYN = 0x02,
	SIM_RST = 0x04,
	SIM_PSH = 0x08,
	SIM_ACK = 0x10,
	SIM_URG = 0x20,
	SIM_ECE = 0x40,
	SIM_CWR = 0x80,
	SIM_AE = 0x100, /* RFC 9768 */
};

/* The ECN field of the IP header, RFC 3168 5. */
enum {
	SIM_NOT_ECT = 0,
	SIM_ECT1 = 1,
	SIM_ECT0 = 2,
	SIM_CE = 3,
};

#define SIM_IP_HEADER 20u
#define SIM_TCP_HEADER 20u

struct sim_packet {
	size_t len;
	uint16_t gso_size;     /* non-zero: a super segment                                 */
	bool checksum_partial; /* the TCP checksum field holds only the pseudo-header's sum */
	bool corrupted;        /* the link has damaged it                                   */
	bool spoken;           /* as the hosts speak: not to be put into their version      */
	uint8_t bytes[];
};

/* A TCP segment in host byte order. */
struct sim_segment {
	uint8_t src[4], dst[4];
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	uint16_t wnd;
	uint16_t flags;
	uint8_t ecn; /* of the IP header */
	uint16_t urgent;
	bool sack_permitted, has_mss, has_wscale, has_ts;
	uint16_t mss;
	uint8_t wscale;
	uint32_t ts_val, ts_ecr;
	uint8_t sack_count; /* 0..4 */
	uint32_t sack[4][2];
	const uint8_t *payload;
	uint32_t len;
	uint32_t header_len; /* IP and TCP headers together; filled by parse */
};

/* Payload, SYN and FIN in sequence space. */
uint32_t sim_segment_space(const struct sim_segment *seg);

struct sim_packet *sim_packet_new(size_t len);
struct sim_packet *sim_packet_copy(const struct sim_packet *p);
void sim_packet_free(void *p);
/* What a stack has handed out, as one packet. */
/* … and all of the simulator sees IPv4: a packet of IPv6 gets the other header, if there is nothing wrong with it.
 * On its way into a stack that speaks IPv6 it gets that one back. The prefix of the addresses is neutral to
 * checksums (RFC 6052 4.1), so these are as they were, right or wrong. */
struct sim_packet *sim_packet_to_ipv6(struct sim_packet *p);
struct ip_addr sim_packet_ipv6_addr(const uint8_t v4[4]);
struct sim_packet *sim_packet_from_out(const struct packet_out *out, size_t len);
/* A packet from a scripted peer, checksums right. */
struct sim_packet *sim_packet_from_segment(const struct sim_segment *seg);

/* Reads a packet; NULL, or what is wrong with it. Options are read strictly: what a stack sends
 * must be well-formed to the byte. */
const char *sim_packet_parse(const struct sim_packet *p, struct sim_segment *seg);
/* Checks both checksums; a partial one must be the pseudo-header's. NULL, or what is wrong. */
const char *sim_packet_check_sums(const struct sim_packet *p);

/* How many packets TSO makes of this super segment, and the i-th of them with its checksums
 * done. */
size_t sim_packet_pieces(const struct sim_packet *p);
struct sim_packet *sim_packet_cut(const struct sim_packet *p, size_t i);
/* What a router does to the ECN field. */
uint8_t sim_packet_ecn(const struct sim_packet *p);
void sim_packet_set_ecn(struct sim_packet *p, uint8_t ecn);
/* Finishes a partial checksum. */
void sim_packet_finish(struct sim_packet *p);

#endif
