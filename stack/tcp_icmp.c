/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_icmp.c — see tcp_icmp.h. */
#include "stack/tcp_icmp.h"

#include "stack/bytes.h"
#include "stack/seq.h"
#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_demux.h"
#include "stack/tcp_pmtu.h"
#include "stack/trace.h"

static struct tcp_node *find_node(const struct stack *s, const struct icmp_quote *q)
{
	const struct ip_endpoint local = {q->src, get_be16(q->payload)};
	const struct ip_endpoint remote = {q->dst, get_be16(q->payload + 2)};
	struct tcp_tuple tuple;

	tcp_tuple_of_endpoints(&tuple, &local, &remote);
	return tcp_table_find(s, &tuple);
}

static const char *refuse(struct tcp_conn *c)
{
	static const char why[] = "ICMP: no such port or protocol there: refused (RFC 5461 3.2)";

	if (c->state != TCP_SYN_SENT) {
		c->unreachable = true;
		return "ICMP: no such port or protocol there: soft (RFC 5927 5.2)";
	}
	c->state = TCP_CLOSED;
	trace_state(c, TCP_SYN_SENT, why);
	tcp_conn_end(c, TCP_CLOSE_REFUSED);
	return why;
}

static const char *input_to_conn(struct tcp_conn *c, const struct tcp_icmp_error *e)
{
	const uint32_t seq = get_be32(e->quote.payload + 4);

	if (!seq_in_window(seq, c->snd_una, c->snd_max - c->snd_una)) {
		c->stack->counters.tcp_icmp_out_of_window++;
		return "ICMP error: quotes nothing that is in flight (RFC 5927 4)";
	}
	switch (e->kind) {
	case TCP_ICMP_TOO_BIG:
		return tcp_pmtu_too_big(c, seq, e->mtu, e->quote.total_len);
	case TCP_ICMP_REFUSED:
		return refuse(c);
	case TCP_ICMP_UNREACHABLE:
		c->unreachable = true;
		return "ICMP: unreachable: soft, remembered (RFC 1122 4.2.3.9, RFC 5927 6.1)";
	case TCP_ICMP_IGNORED:
		break;
	}
	return "ICMP error: nothing that TCP acts on";
}

const char *tcp_icmp_input(struct stack *s, const struct tcp_icmp_error *e)
{
	if (e->quote.protocol != IP_PROTO_TCP)
		return "ICMP error: not about TCP";
	const struct tcp_node *node = find_node(s, &e->quote);
	if (node && node->kind == TCP_NODE_CONN)
		return input_to_conn(list_entry(node, struct tcp_conn, node), e);
	return node ? "ICMP error: about a handshake or a closed connection, whose timer decides"
		    : "ICMP error: about no connection";
}
