/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_isn.c — see tcp_isn.h. */
#include "stack/tcp_isn.h"

#include "stack/siphash.h"
#include "stack/stack_internal.h"
#include "stack/tcp_demux.h"

#define EPHEMERAL_FIRST 49152u /* RFC 6335: the dynamic ports */
#define EPHEMERAL_COUNT 16384u

uint32_t tcp_isn(const struct stack *s, const struct tcp_tuple *tuple)
{
	if (s->cfg.fixed_isn)
		return s->cfg.isn;
	return (uint32_t)(s->now_us / 4) + (uint32_t)siphash24(s->isn_key, tuple, sizeof *tuple);
}

uint32_t tcp_ts_now(const struct stack *s, uint32_t offset)
{
	return (uint32_t)(s->now_us / 1000) + offset;
}

uint32_t tcp_ts_offset(const struct stack *s, const struct tcp_tuple *tuple)
{
	struct tcp_tuple hosts = *tuple;

	hosts.local_port = 0;
	hosts.remote_port = 0;
	return (uint32_t)siphash24(s->ts_key, &hosts, sizeof hosts);
}

uint16_t tcp_ephemeral_port(struct stack *s, const struct ip_addr *local,
			    const struct ip_endpoint *remote)
{
	struct ip_endpoint from = {*local, 0};
	struct tcp_tuple tuple;

	tcp_tuple_of_endpoints(&tuple, &from, remote);
	const uint32_t offset = (uint32_t)siphash24(s->port_key, &tuple, sizeof tuple);
	for (uint32_t i = 0; i < EPHEMERAL_COUNT; i++) {
		const uint32_t n = (offset + s->port_counter++) % EPHEMERAL_COUNT;
		tuple.local_port = (uint16_t)(EPHEMERAL_FIRST + n);
		if (!tcp_table_find(s, &tuple) && !tcp_find_listener(s, local, tuple.local_port))
			return tuple.local_port;
	}
	return 0;
}
