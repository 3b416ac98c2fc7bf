/* SPDX-License-Identifier: Apache-2.0 */
/* pmtu_cache.c — see pmtu_cache.h. */
#include "stack/pmtu_cache.h"

#include <string.h>

#include "stack/siphash.h"
#include "stack/stack_internal.h"

#define WAYS 4u
#define SETS (PMTU_CACHE_ENTRIES / WAYS)
#define TABLE_BYTES (PMTU_CACHE_ENTRIES * sizeof(struct pmtu_entry))

/* The first entry of the set that `addr` belongs to. */
static struct pmtu_entry *set_of(const struct stack *s, const struct ip_addr *addr)
{
	return s->pmtu_cache +
	       siphash24(s->pmtu_key, addr->bytes, sizeof addr->bytes) % SETS * WAYS;
}

static bool is_free(const struct stack *s, const struct pmtu_entry *e)
{
	return e->addr.version == 0 || e->until_us <= s->now_us;
}

static struct pmtu_entry *find(const struct stack *s, const struct ip_addr *addr)
{
	struct pmtu_entry *set;

	if (!s->pmtu_cache)
		return NULL;
	set = set_of(s, addr);
	for (unsigned i = 0; i < WAYS; i++)
		if (!is_free(s, &set[i]) && ip_addr_equal(&set[i].addr, addr))
			return &set[i];
	return NULL;
}

const struct pmtu_entry *pmtu_cache_find(const struct stack *s, const struct ip_addr *addr)
{
	return find(s, addr);
}

/* A free entry of the set, or the one that would end first. */
static struct pmtu_entry *victim(const struct stack *s, struct pmtu_entry *set)
{
	struct pmtu_entry *first = set;

	for (unsigned i = 0; i < WAYS; i++) {
		if (is_free(s, &set[i]))
			return &set[i];
		if (set[i].until_us < first->until_us)
			first = &set[i];
	}
	return first;
}

void pmtu_cache_put(struct stack *s, const struct ip_addr *addr, uint32_t mtu, bool silent)
{
	if (!s->pmtu_cache) {
		s->pmtu_cache = account_alloc(s, TABLE_BYTES);
		if (!s->pmtu_cache) {
			s->counters.tcp_memory_drops++;
			return;
		}
		memset(s->pmtu_cache, 0, TABLE_BYTES);
	}
	struct pmtu_entry *e = find(s, addr);
	if (!e)
		e = victim(s, set_of(s, addr));
	*e = (struct pmtu_entry){
		.addr = *addr, .mtu = mtu, .silent = silent, .until_us = s->now_us + PMTU_CACHE_US};
	/* The newest entry ends last; those that end earlier are just not found any more. */
	timer_set(&s->wheel, &s->pmtu_timer, e->until_us);
}

void pmtu_cache_forget(struct stack *s, const struct ip_addr *addr)
{
	struct pmtu_entry *e = find(s, addr);

	if (e)
		e->addr.version = 0;
}

void pmtu_cache_timer(struct stack *s)
{
	pmtu_cache_free(s);
}

void pmtu_cache_free(struct stack *s)
{
	if (s->pmtu_cache)
		account_free(s, s->pmtu_cache, TABLE_BYTES);
	s->pmtu_cache = NULL;
}

size_t pmtu_cache_memory(const struct stack *s)
{
	return s->pmtu_cache ? TABLE_BYTES : 0;
}
