/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_demux.c — see tcp_demux.h. */
#include "stack/tcp_demux.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "stack/siphash.h"
#include "stack/stack_internal.h"

#define TABLE_INITIAL 1024u
#define TABLE_LARGEST (1u << 22)

static_assert(sizeof(struct tcp_tuple) == 40, "hashed and compared as bytes: no padding");

bool tcp_table_init(struct stack *s)
{
	s->table.bucket = calloc(TABLE_INITIAL, sizeof *s->table.bucket);
	s->table.mask = TABLE_INITIAL - 1;
	return s->table.bucket != NULL;
}

void tcp_table_free(struct stack *s)
{
	free(s->table.bucket);
	s->table.bucket = NULL;
}

static uint32_t hash_of(const struct stack *s, const struct tcp_tuple *tuple)
{
	uint8_t v4[12];

	if (tuple->version != 4)
		return (uint32_t)siphash24(s->table.key, tuple, sizeof *tuple);
	/* Every packet comes by here: no zeros are hashed for the addresses' length. */
	memcpy(v4, tuple->local, 4);
	memcpy(v4 + 4, tuple->remote, 4);
	memcpy(v4 + 8, &tuple->local_port, 2);
	memcpy(v4 + 10, &tuple->remote_port, 2);
	return (uint32_t)siphash24(s->table.key, v4, sizeof v4);
}

struct tcp_node *tcp_table_find(const struct stack *s, const struct tcp_tuple *tuple)
{
	const uint32_t hash = hash_of(s, tuple);

	for (struct tcp_node *n = s->table.bucket[hash & s->table.mask]; n; n = n->next)
		if (n->hash == hash && memcmp(&n->tuple, tuple, sizeof *tuple) == 0)
			return n;
	return NULL;
}

/* Doubles the table when it is full; when memory is short the chains just get longer. */
static void grow(struct tcp_table *t)
{
	const uint32_t size = (t->mask + 1) * 2;
	struct tcp_node **bucket = calloc(size, sizeof *bucket);

	if (!bucket)
		return;
	for (uint32_t i = 0; i <= t->mask; i++) {
		for (struct tcp_node *n = t->bucket[i], *next; n; n = next) {
			next = n->next;
			n->next = bucket[n->hash & (size - 1)];
			bucket[n->hash & (size - 1)] = n;
		}
	}
	free(t->bucket);
	t->bucket = bucket;
	t->mask = size - 1;
}

void tcp_table_insert(struct stack *s, struct tcp_node *node)
{
	struct tcp_table *t = &s->table;

	if (t->count > t->mask && t->mask + 1 < TABLE_LARGEST)
		grow(t);
	node->hash = hash_of(s, &node->tuple);
	node->next = t->bucket[node->hash & t->mask];
	t->bucket[node->hash & t->mask] = node;
	t->count++;
}

void tcp_table_remove(struct stack *s, struct tcp_node *node)
{
	struct tcp_node **at = &s->table.bucket[node->hash & s->table.mask];

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	s->table.count--;
}

void tcp_tuple_of_endpoints(struct tcp_tuple *t, const struct ip_endpoint *local,
			    const struct ip_endpoint *remote)
{
	memset(t, 0, sizeof *t);
	t->version = local->addr.version;
	memcpy(t->local, local->addr.bytes, t->version == 4 ? 4 : 16);
	memcpy(t->remote, remote->addr.bytes, t->version == 4 ? 4 : 16);
	t->local_port = local->port;
	t->remote_port = remote->port;
}

void tcp_tuple_of_segment(struct tcp_tuple *t, const struct tcp_segment *seg)
{
	const struct ip_endpoint local = {seg->dst, seg->dst_port};
	const struct ip_endpoint remote = {seg->src, seg->src_port};

	tcp_tuple_of_endpoints(t, &local, &remote);
}

struct ip_endpoint tcp_tuple_local(const struct tcp_tuple *t)
{
	struct ip_endpoint e = {.addr.version = t->version, .port = t->local_port};

	memcpy(e.addr.bytes, t->local, sizeof t->local);
	return e;
}

struct ip_endpoint tcp_tuple_remote(const struct tcp_tuple *t)
{
	struct ip_endpoint e = {.addr.version = t->version, .port = t->remote_port};

	memcpy(e.addr.bytes, t->remote, sizeof t->remote);
	return e;
}

struct tcp_segment tcp_segment_from(const struct tcp_tuple *t)
{
	return (struct tcp_segment){
		.src = tcp_tuple_local(t).addr,
		.dst = tcp_tuple_remote(t).addr,
		.src_port = t->local_port,
		.dst_port = t->remote_port,
	};
}

struct tcp_listener *tcp_find_listener(const struct stack *s, const struct ip_addr *addr,
				       uint16_t port)
{
	struct tcp_listener *wildcard = NULL;

	for (struct list *n = s->listeners.next; n != &s->listeners; n = n->next) {
		struct tcp_listener *l = list_entry(n, struct tcp_listener, link);
		if (l->local.port != port)
			continue;
		if (l->local.addr.version == 0)
			wildcard = l;
		else if (ip_addr_equal(&l->local.addr, addr))
			return l;
	}
	return wildcard;
}
