/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_packet.h — an IP packet on its way through the emulated link, and what the link does to its bytes:
 * finish a checksum that was left to it, cut a super segment, flip a bit, answer "too big".
 */
#ifndef LAB_LINK_PACKET_H
#define LAB_LINK_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_PACKET_MAX 65536

/* From the IP header on; bytes that a sender left to the link are described as in a virtio_net_hdr. */
struct link_packet {
	struct link_packet *next; /* in a queue of the path that has it               */
	uint64_t leaves_ns;       /* the bottleneck                                   */
	uint64_t due_ns;          /* at the far end                                   */
	uint64_t order;           /* among those that are due at the same time        */
	uint32_t wire_packets;    /* on a wire it would be so many packets            */
	uint32_t wire_bytes;      /* with so many bytes, each with headers of its own */
	uint32_t len;
	uint16_t gso_size;     /* non-zero: a TCP super segment; pieces have so much payload */
	bool ecn;              /* CWR belongs to the first piece only                        */
	bool checksum_partial; /* the field holds the sum of the pseudo-header only          */
	uint16_t csum_start, csum_offset; /* meaningful when it is partial */
	uint8_t bytes[];
};

/* A copy of `len` bytes, in one piece and complete; the caller sets what is otherwise, then calls
 * link_packet_measure. NULL when memory is short. link_packet_free gives it back. */
struct link_packet *link_packet_new(const uint8_t *bytes, size_t len);
struct link_packet *link_packet_copy(const struct link_packet *p);
void link_packet_free(struct link_packet *p);

/* Works out wire_packets and wire_bytes. A claim to be a super segment, or to have a partial checksum, that
 * the headers do not bear out is taken away. */
void link_packet_measure(struct link_packet *p);
/* The bytes of the largest packet that it is on the wire. */
uint32_t link_packet_largest(const struct link_packet *p);

/* Completes a partial checksum. Not for super segments: cut those. */
void link_packet_finish(struct link_packet *p);
/* Piece `i` of `wire_packets`, complete with all checksums; `p` must have been measured. NULL when memory is
 * short. RFC 9293 3.1; FIN and PSH are the last piece's, CWR the first one's (RFC 3168 6.1.2). */
struct link_packet *link_packet_cut(const struct link_packet *p, uint32_t i);

/* Marks it with CE when it is ECT (RFC 3168 5), and says whether. IPv4's checksum is right again. */
bool link_packet_mark(struct link_packet *p);

/* Flips bit `bit`, counted from the first one of the packet. */
void link_packet_flip(struct link_packet *p, uint64_t bit);
/* Bytes of TCP or UDP payload whose checksum can be repaired, and where they begin; 0 when there is none. */
size_t link_packet_payload(const struct link_packet *p, size_t *start);
/* Flips a bit within that payload and makes the checksum right again (RFC 1624, equation 3). */
void link_packet_flip_repaired(struct link_packet *p, uint64_t bit);

/* The ICMP message for a packet that does not fit: RFC 792 and 1191 (type 3, code 4), RFC 4443 3.2 (type 2).
 * An emulated link has no address, so it comes from the one that the packet was for. NULL when a packet gets
 * none (RFC 1122 3.2.2, RFC 4443 2.4): an ICMP error, a later fragment, from or to no single host; and when
 * memory is short. */
struct link_packet *link_packet_too_big(const struct link_packet *p, uint32_t mtu);

#endif
