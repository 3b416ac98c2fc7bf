/* SPDX-License-Identifier: Apache-2.0 */
/*
 * icmp_quote.h — the packet of ours that an ICMP error quotes (RFC 792, RFC 4443 3): whose it was and what
 * it carried. Nothing vouches for it, as anybody can send an ICMP error: what the quotation says is a
 * claim, which TCP holds against what it has sent (RFC 5927 4).
 */
#ifndef STACK_ICMP_QUOTE_H
#define STACK_ICMP_QUOTE_H

#include "stack/ip.h"

/* What RFC 792 promises of the quoted payload: of TCP the ports and the sequence number. */
#define ICMP_QUOTE_PAYLOAD 8

struct icmp_quote {
	struct ip_addr src, dst;
	uint8_t protocol;
	uint32_t total_len;     /* of the packet, as its own header says   */
	const uint8_t *payload; /* ICMP_QUOTE_PAYLOAD bytes at least        */
};

/* Reads the `len` bytes behind the ICMP header. False when they are no head of a packet of that version
 * (options and extension headers included) with ICMP_QUOTE_PAYLOAD bytes behind it, or the packet is a
 * fragment, which we do not send. */
bool icmp_quote_read(struct icmp_quote *q, uint8_t version, const uint8_t *data, size_t len);

#endif
