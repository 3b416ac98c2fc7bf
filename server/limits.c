/* SPDX-License-Identifier: Apache-2.0 */
/* limits.c — see limits.h. */
#include "server/limits.h"

#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "stack/siphash.h"

#define ROWS 4
#define CONNECTION_BITS 14 /* of a place in a row of connections */
#define REQUEST_BITS 16    /* … of requests: all 64 bits of a hash */
#define CONNECTION_CELLS ((size_t)ROWS << CONNECTION_BITS)
#define REQUEST_CELLS ((size_t)ROWS << REQUEST_BITS)
#define CONNECTIONS UINT32_MAX /* the scope that they have */

_Static_assert(REQUEST_BITS *ROWS <= 64, "a hash has that many bits");

struct limits_table {
	size_t size; /* of the mapping */
	unsigned workers;
	uint8_t key[16];
	/* When the next request would be in step with its rate, monotonic nanoseconds. */
	_Atomic uint64_t next_ns[REQUEST_CELLS];
	_Atomic uint32_t connections[][CONNECTION_CELLS]; /* one for each worker */
};

/* ------------------------------------------------------------------ clients */

static bool has_prefix(const struct ip_prefix *p, const struct ip_addr *addr)
{
	const size_t whole = p->len / 8;
	const unsigned rest = p->len % 8;

	if (p->addr.version != addr->version || memcmp(p->addr.bytes, addr->bytes, whole) != 0)
		return false;
	return rest == 0 || (p->addr.bytes[whole] ^ addr->bytes[whole]) >> (8 - rest) == 0;
}

bool prefix_list_has(const struct prefix_list *prefixes, const struct ip_addr *addr)
{
	for (size_t i = 0; i < prefixes->count; i++)
		if (has_prefix(&prefixes->list[i], addr))
			return true;
	return false;
}

static uint64_t hash_of(const struct limits_table *t, const struct ip_addr *client, uint32_t scope)
{
	uint8_t name[13] = {client->version};

	memcpy(name + 1, &scope, sizeof scope);
	memcpy(name + 5, client->bytes, client->version == 4 ? 4 : 8);
	return siphash24(t->key, name, sizeof name);
}

/* Where a hash has its counter in a row whose places take so many bits. */
static size_t cell(uint64_t hash, unsigned row, unsigned bits)
{
	return ((size_t)row << bits) + (hash >> row * bits & ((1u << bits) - 1));
}

/* ------------------------------------------------------------------ the table */

struct limits_table *limits_table_create(unsigned workers, const uint8_t key[16])
{
	struct limits_table *t;
	const size_t size = sizeof *t + workers * sizeof t->connections[0];

	t = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t == MAP_FAILED)
		return NULL;
	t->size = size;
	t->workers = workers;
	memcpy(t->key, key, sizeof t->key);
	return t;
}

void limits_table_destroy(struct limits_table *table)
{
	if (table)
		munmap(table, table->size);
}

void limits_begin(struct limits *l)
{
	_Atomic uint32_t *own = l->table->connections[l->worker];

	for (size_t i = 0; i < CONNECTION_CELLS; i++)
		atomic_store_explicit(&own[i], 0, memory_order_relaxed);
}

/* ------------------------------------------------------------------ connections */

static uint32_t connections_in(const struct limits_table *t, size_t at)
{
	uint32_t sum = 0;

	for (unsigned w = 0; w < t->workers; w++)
		sum += atomic_load_explicit(&t->connections[w][at], memory_order_relaxed);
	return sum;
}

/* Only this worker writes there, so nothing can come in between. */
static void count(struct limits *l, uint64_t hash, uint32_t what)
{
	_Atomic uint32_t *own = l->table->connections[l->worker];

	for (unsigned row = 0; row < ROWS; row++) {
		_Atomic uint32_t *at = &own[cell(hash, row, CONNECTION_BITS)];
		const uint32_t n = atomic_load_explicit(at, memory_order_relaxed);

		atomic_store_explicit(at, n + what, memory_order_relaxed);
	}
}

static bool connections_limited(const struct limits *l, const struct ip_addr *client)
{
	return l->client_connections > 0 && !prefix_list_has(&l->exempt, client);
}

bool limits_connect(struct limits *l, const struct ip_addr *client)
{
	uint32_t open = UINT32_MAX;

	if (!connections_limited(l, client))
		return true;
	const uint64_t hash = hash_of(l->table, client, CONNECTIONS);
	for (unsigned row = 0; row < ROWS; row++) {
		const uint32_t n = connections_in(l->table, cell(hash, row, CONNECTION_BITS));
		open = n < open ? n : open;
	}
	if (open >= l->client_connections)
		return false;
	count(l, hash, 1);
	return true;
}

void limits_disconnect(struct limits *l, const struct ip_addr *client)
{
	if (connections_limited(l, client))
		count(l, hash_of(l->table, client, CONNECTIONS), (uint32_t)-1);
}

/* ------------------------------------------------------------------ requests */

/* Raises it, unless somebody else has raised it further. */
static void raise_to(_Atomic uint64_t *at, uint64_t value)
{
	uint64_t seen = atomic_load_explicit(at, memory_order_relaxed);

	while (seen < value &&
	       !atomic_compare_exchange_weak_explicit(at, &seen, value, memory_order_relaxed,
						      memory_order_relaxed)) {
	}
}

unsigned limits_request(struct limits *l, const struct ip_addr *client, uint32_t scope,
			const struct limits_rate *rate, uint64_t now_us)
{
	uint64_t next = UINT64_MAX;
	const uint64_t now = now_us * 1000;

	if (rate->interval_ns == 0 || prefix_list_has(&l->exempt, client))
		return 0;
	const uint64_t hash = hash_of(l->table, client, scope);
	for (unsigned row = 0; row < ROWS; row++) {
		const uint64_t at = atomic_load_explicit(
			&l->table->next_ns[cell(hash, row, REQUEST_BITS)], memory_order_relaxed);
		next = at < next ? at : next;
	}
	/* In step again, or `ahead` of it. */
	next = (next > now ? next : now) + rate->interval_ns;
	const uint64_t ahead = next - now, allowed = rate->interval_ns * rate->burst;
	if (ahead > allowed) {
		const uint64_t seconds = (ahead - allowed + 999999999) / 1000000000;
		return seconds < UINT_MAX ? (unsigned)seconds : UINT_MAX;
	}
	for (unsigned row = 0; row < ROWS; row++)
		raise_to(&l->table->next_ns[cell(hash, row, REQUEST_BITS)], next);
	return 0;
}
