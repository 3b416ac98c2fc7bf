/* SPDX-License-Identifier: Apache-2.0 */
/* icmp.c — see icmp.h. */
#include "stack/icmp.h"

#include <string.h>

#include "stack/bytes.h"
#include "stack/checksum.h"
#include "stack/reply.h"
#include "stack/stack_internal.h"
#include "stack/tcp_icmp.h"
#include "stack/trace.h"

#define ICMP_ECHO_REPLY 0
#define ICMP_UNREACHABLE_TOO_BIG 4
#define ICMP_ECHO 8
#define ICMP_TIMESTAMP 13
#define ICMP_ERRORS_PER_SECOND 10

/* RFC 1122 3.2.2.6: the reply carries the request's data whole. */
static void send_echo_reply(struct stack *s, const struct ip_packet *ip)
{
	struct reply *r = reply_new(s, IPV4_HEADER_MIN + ip->payload_len);

	if (!r)
		return;
	ip_write_header(r->bytes, &ip->dst, &ip->src, IP_PROTO_ICMP, ip->payload_len, 0);
	uint8_t *icmp = r->bytes + IPV4_HEADER_MIN;
	memcpy(icmp, ip->payload, ip->payload_len);
	icmp[0] = ICMP_ECHO_REPLY;
	put_be16(icmp + 2, 0);
	put_be16(icmp + 2, (uint16_t)~checksum_fold(checksum_add(0, icmp, ip->payload_len)));
	r->why = "echo reply (RFC 1122 3.2.2.6)";
	reply_send(s, r);
	s->counters.icmp_out_echo_reps++;
}

bool icmp_error_allowed(struct stack *s)
{
	if (s->now_us - s->icmp_error_us >= 1000000) {
		s->icmp_error_us = s->now_us;
		s->icmp_error_count = 0;
	}
	if (s->icmp_error_count >= ICMP_ERRORS_PER_SECOND) {
		s->counters.icmp_out_errors_limited++;
		return false;
	}
	s->icmp_error_count++;
	return true;
}

void icmp_send_error(struct stack *s, const struct ip_packet *ip, uint8_t type, uint8_t code,
		     const char *why)
{
	const size_t head = (size_t)(ip->payload - ip->packet);
	const size_t quoted = head + (ip->payload_len < 8 ? ip->payload_len : 8);
	const size_t len = ICMP_HEADER_LEN + quoted;

	/* RFC 1122 3.2.2: of ICMP only about echo requests. */
	if (ip->protocol == IP_PROTO_ICMP && (ip->payload_len < 1 || ip->payload[0] != ICMP_ECHO))
		return;
	if (!icmp_error_allowed(s))
		return;
	struct reply *r = reply_new(s, IPV4_HEADER_MIN + len);
	if (!r)
		return;
	ip_write_header(r->bytes, &ip->dst, &ip->src, IP_PROTO_ICMP, len, 0);
	uint8_t *icmp = r->bytes + IPV4_HEADER_MIN;
	memset(icmp, 0, ICMP_HEADER_LEN);
	icmp[0] = type;
	icmp[1] = code;
	memcpy(icmp + ICMP_HEADER_LEN, ip->packet, quoted);
	put_be16(icmp + 2, (uint16_t)~checksum_fold(checksum_add(0, icmp, len)));
	r->why = why;
	reply_send(s, r);
	s->counters.icmp_out_errors_sent++;
}

static enum tcp_icmp_kind kind_of(uint8_t type, uint8_t code)
{
	if (type == ICMP_TIME_EXCEEDED)
		return TCP_ICMP_UNREACHABLE;
	if (type != ICMP_UNREACHABLE)
		return TCP_ICMP_IGNORED; /* a source quench among them: RFC 6633 */
	if (code == ICMP_UNREACHABLE_PROTOCOL || code == ICMP_UNREACHABLE_PORT)
		return TCP_ICMP_REFUSED;
	return code == ICMP_UNREACHABLE_TOO_BIG ? TCP_ICMP_TOO_BIG : TCP_ICMP_UNREACHABLE;
}

void icmp_take_error(struct stack *s, const struct ip_packet *ip, enum tcp_icmp_kind kind,
		     uint32_t mtu)
{
	struct tcp_icmp_error e = {.kind = kind, .mtu = mtu};
	const char *why =
		"ICMP error: quotes no packet that we can have sent (RFC 792, RFC 4443 3)";

	s->counters.icmp_in_soft_errors++;
	if (kind == TCP_ICMP_TOO_BIG)
		s->counters.icmp_in_pkt_too_bigs++;
	if (icmp_quote_read(&e.quote, ip->dst.version, ip->payload + ICMP_HEADER_LEN,
			    ip->payload_len - ICMP_HEADER_LEN) &&
	    ip_addr_equal(&e.quote.src, &ip->dst))
		why = tcp_icmp_input(s, &e);
	trace_packet_in(s, ip->packet, ip->packet_len, why);
}

void icmp_input(struct stack *s, const struct ip_packet *ip)
{
	s->counters.icmp_in_msgs++;
	if (ip->payload_len < ICMP_HEADER_LEN ||
	    checksum_fold(checksum_add(0, ip->payload, ip->payload_len)) != 0xffff) {
		s->counters.icmp_in_errors++;
		trace_drop(s, ip->packet, ip->packet_len,
			   "ICMP too short or checksum wrong (RFC 792)");
		return;
	}
	const uint8_t type = ip->payload[0];
	if (type == ICMP_ECHO && ip->payload[1] == 0) {
		s->counters.icmp_in_echos++;
		trace_packet_in(s, ip->packet, ip->packet_len, "echo request (RFC 792)");
		/* A reply larger than the link would need fragments, which we do not make. */
		if (IPV4_HEADER_MIN + ip->payload_len <= s->cfg.mtu)
			send_echo_reply(s, ip);
	} else if (type > ICMP_ECHO_REPLY && type < ICMP_TIMESTAMP) {
		/* RFC 1191 4: the next link's MTU lies in the header's last two bytes. */
		icmp_take_error(s, ip, kind_of(type, ip->payload[1]), get_be16(ip->payload + 6));
	} else {
		trace_drop(s, ip->packet, ip->packet_len,
			   "ICMP message that a host need not answer (RFC 1122 3.2.2)");
	}
}
