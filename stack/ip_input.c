/* SPDX-License-Identifier: Apache-2.0 */
/* ip_input.c — see ip_input.h. */
#include "stack/ip_input.h"

#include "stack/icmp.h"
#include "stack/icmp6.h"
#include "stack/ip.h"
#include "stack/ip_reass.h"
#include "stack/stack_internal.h"
#include "stack/tcp_input.h"
#include "stack/trace.h"
#include "stack/udp.h"

static void drop(struct stack *s, const struct ip_packet *ip, uint64_t *counter, const char *why)
{
	++*counter;
	trace_drop(s, ip->packet, ip->packet_len, why);
}

static void refuse(struct stack *s, const struct ip_packet *ip, enum ip_verdict verdict)
{
	struct stack_counters *n = &s->counters;

	switch (verdict) {
	case IP_BAD_HEADER:
		drop(s, ip, &n->ip_in_hdr_errors,
		     "IP header: version, lengths, checksum or option (RFC 1122 3.2.1, RFC 8200 "
		     "4)");
		break;
	case IP_BAD_ADDRESS:
		drop(s, ip, &n->ip_in_addr_errors,
		     "not for us, or from no host's address (RFC 1122 3.2.1.3, RFC 4291 2.5)");
		break;
	case IP_MULTICAST:
		drop(s, ip, &n->ip_in_mcast_pkts,
		     "to a group: a link without link-layer addresses needs no neighbour "
		     "discovery");
		break;
	case IP_FRAGMENT:
		drop(s, ip, &n->ip_in_fragments_dropped,
		     "fragment: inside a fragment, which no sender makes (RFC 8200 4.5)");
		break;
	case IP_PROBLEM:
		drop(s, ip, ip->problem_code == 1 ? &n->ip_in_unknown_protos : &n->ip_in_hdr_errors,
		     "a header or option of IPv6 that we do not take (RFC 8200 4)");
		icmp6_send_error(s, ip, ICMP6_PARAMETER_PROBLEM, ip->problem_code, ip->problem_at,
				 "Parameter Problem (RFC 4443 3.4)");
		break;
	case IP_NO_NEXT:
		drop(s, ip, &n->ip_in_no_next_header, "no next header (RFC 8200 4.7)");
		break;
	case IP_SECURED:
		drop(s, ip, &n->ip_in_ipsec_dropped, "AH or ESP, which are not offered");
		break;
	case IP_OK:
		break;
	}
}

/* Over IPv6 a Parameter Problem has said so already, see ip6_ext.c. */
static void unknown_protocol(struct stack *s, const struct ip_packet *ip)
{
	drop(s, ip, &s->counters.ip_in_unknown_protos, "none of TCP, UDP and ICMP");
	if (ip->src.version == 4)
		icmp_send_error(s, ip, ICMP_UNREACHABLE, ICMP_UNREACHABLE_PROTOCOL,
				"Protocol Unreachable (RFC 1122 3.2.2.1)");
}

static void deliver(struct stack *s, const struct ip_packet *ip, struct packet_meta meta)
{
	if (ip->protocol == IP_PROTO_TCP)
		tcp_input(s, ip, meta);
	else if (ip->protocol == IP_PROTO_ICMP && ip->src.version == 4)
		icmp_input(s, ip);
	else if (ip->protocol == IP_PROTO_ICMPV6 && ip->src.version == 6)
		icmp6_input(s, ip);
	else if (ip->protocol == IP_PROTO_UDP)
		udp_input(s, ip, meta);
	else
		unknown_protocol(s, ip);
}

static void count_ecn(struct stack *s, const struct ip_packet *ip)
{
	uint64_t *const counter[] = {[IP_ECN_NOT_ECT] = &s->counters.ip_in_no_ect_pkts,
				     [IP_ECN_ECT1] = &s->counters.ip_in_ect1_pkts,
				     [IP_ECN_ECT0] = &s->counters.ip_in_ect0_pkts,
				     [IP_ECN_CE] = &s->counters.ip_in_ce_pkts};

	++*counter[ip->ecn];
}

/* A fragment may be the last one that was missing: then the whole goes in by the same door, once. */
static void reassemble(struct stack *s, const struct ip_packet *fragment)
{
	struct ip_packet ip;
	size_t len;
	uint8_t *whole = ip_reass_input(s, fragment, &len);

	if (!whole)
		return;
	const enum ip_verdict verdict = ip_parse(s, whole, len, &ip);
	if (verdict == IP_OK)
		deliver(s, &ip, (struct packet_meta){0});
	else
		refuse(s, &ip, verdict);
	account_free(s, whole, len);
}

void ip_input(struct stack *s, const uint8_t *pkt, size_t len, struct packet_meta meta)
{
	struct ip_packet ip;
	const enum ip_verdict verdict = ip_parse(s, pkt, len, &ip);

	if (verdict == IP_OK || verdict == IP_FRAGMENT)
		count_ecn(s, &ip);
	if (verdict == IP_OK)
		deliver(s, &ip, meta);
	else if (verdict == IP_FRAGMENT)
		reassemble(s, &ip);
	else
		refuse(s, &ip, verdict);
}
