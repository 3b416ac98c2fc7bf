/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_reass.c — see tcp_reass.h. */
#include "stack/tcp_reass.h"

#include <string.h>

#include "stack/seq.h"
#include "stack/stack_internal.h"
#include "stack/tcp_sack.h"

#define OOO_MIN 8u

/* ------------------------------------------------------------------ the list */

size_t tcp_reass_memory(const struct tcp_conn *c)
{
	return c->ooo_cap * sizeof *c->ooo;
}

void tcp_reass_release(struct tcp_conn *c)
{
	if (c->ooo)
		account_free(c->stack, c->ooo, tcp_reass_memory(c));
	c->ooo = NULL;
	c->ooo_count = c->ooo_cap = 0;
}

static bool grow_list(struct tcp_conn *c)
{
	const unsigned cap = c->ooo_cap ? 2u * c->ooo_cap : OOO_MIN;

	if (cap > TCP_OOO_MAX)
		return false;
	struct seq_range *more = account_alloc(c->stack, cap * sizeof *more);
	if (!more)
		return false;
	if (c->ooo) {
		memcpy(more, c->ooo, c->ooo_count * sizeof *more);
		account_free(c->stack, c->ooo, tcp_reass_memory(c));
	}
	c->ooo = more;
	c->ooo_cap = (uint16_t)cap;
	return true;
}

static void remove_ranges(struct tcp_conn *c, unsigned from, unsigned count)
{
	memmove(&c->ooo[from], &c->ooo[from + count],
		(c->ooo_count - from - count) * sizeof c->ooo[0]);
	c->ooo_count = (uint16_t)(c->ooo_count - count);
	if (c->ooo_count == 0)
		tcp_reass_release(c);
}

/* The first that ends at `seq` or beyond. */
static unsigned find(const struct tcp_conn *c, uint32_t seq)
{
	unsigned low = 0, high = c->ooo_count;

	while (low < high) {
		const unsigned mid = (low + high) / 2;
		if (seq_lt(c->ooo[mid].end, seq))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct seq_range *tcp_reass_range(const struct tcp_conn *c, uint32_t seq)
{
	const unsigned i = find(c, seq + 1);

	return i < c->ooo_count && seq_leq(c->ooo[i].start, seq) ? &c->ooo[i] : NULL;
}

/* Adds [start, end) to the list, merging what it touches. False when the list is full. */
static bool add_range(struct tcp_conn *c, uint32_t start, uint32_t end)
{
	const unsigned i = find(c, start);
	unsigned swallowed = 0;

	if (i == c->ooo_count || seq_gt(c->ooo[i].start, end)) {
		if (c->ooo_count == c->ooo_cap && !grow_list(c))
			return false;
		memmove(&c->ooo[i + 1], &c->ooo[i], (c->ooo_count - i) * sizeof c->ooo[0]);
		c->ooo[i] = (struct seq_range){start, end};
		c->ooo_count++;
		return true;
	}
	struct seq_range *r = &c->ooo[i];
	r->start = seq_min(r->start, start);
	r->end = seq_max(r->end, end);
	while (i + 1 + swallowed < c->ooo_count && seq_leq(r[1 + swallowed].start, r->end)) {
		r->end = seq_max(r->end, r[1 + swallowed].end);
		swallowed++;
	}
	if (swallowed > 0)
		remove_ranges(c, i + 1, swallowed);
	return true;
}

/* What of [start, end) is already in the list, for the first range that it meets (RFC 2883 4.2.1 to 4.2.3). */
static void report_duplicate(struct tcp_conn *c, uint32_t start, uint32_t end)
{
	const unsigned i = find(c, start + 1);

	if (i < c->ooo_count && seq_lt(c->ooo[i].start, end))
		tcp_sack_note_duplicate(c, seq_max(start, c->ooo[i].start),
					seq_min(end, c->ooo[i].end));
}

/* How far the ring's content reaches, gaps included. */
static uint32_t extent(const struct tcp_conn *c)
{
	if (c->ooo_count == 0)
		return c->rcv.len;
	return c->rcv.len + (c->ooo[c->ooo_count - 1].end - c->rcv_nxt);
}

/* How many of `len` bytes at `offset` the ring can take, after growing as far as it may. */
static uint32_t make_room(struct tcp_conn *c, uint32_t offset, uint32_t len)
{
	struct stack *s = c->stack;
	const uint32_t max = pressure_ring_max(c, &c->rcv, s->cfg.recv_buffer_max);
	const uint32_t most = max > c->rcv.cap ? max : c->rcv.cap;
	const uint32_t fits = offset < most ? most - offset : 0;
	const uint32_t want = len < fits ? len : fits;

	if (want > 0 && ring_grow(s, &c->rcv, offset + want, extent(c), max))
		return want;
	/* What the ring has anyway. */
	return offset >= c->rcv.cap ? 0 : (len < c->rcv.cap - offset ? len : c->rcv.cap - offset);
}

uint32_t tcp_reass_insert(struct tcp_conn *c, uint32_t seq, const uint8_t *data, uint32_t len)
{
	struct stack *s = c->stack;
	const uint32_t offset = c->rcv.len + (seq - c->rcv_nxt);
	const uint32_t before = c->rcv_nxt;
	unsigned reached = 0;

	if (len == 0)
		return 0;
	const uint32_t room = make_room(c, offset, len);
	if (room < len) {
		s->counters.tcp_memory_drops++;
		s->counters.tcp_rcv_q_drops++;
	}
	len = room;
	if (len == 0)
		return 0;
	report_duplicate(c, seq, seq + len);
	if (seq != c->rcv_nxt) {
		c->out_of_order_in++;
		s->counters.tcp_out_of_order++;
		if (!add_range(c, seq, seq + len)) {
			s->counters.tcp_out_of_order_dropped++;
			return 0;
		}
		ring_write(&c->rcv, offset, data, len);
		tcp_sack_note_arrival(c, seq);
		tcp_held_ofo(c);
		return 0;
	}
	ring_write(&c->rcv, offset, data, len);
	c->rcv_nxt += len;
	while (reached < c->ooo_count && seq_leq(c->ooo[reached].start, c->rcv_nxt))
		c->rcv_nxt = seq_max(c->rcv_nxt, c->ooo[reached++].end);
	if (reached > 0)
		remove_ranges(c, 0, reached);
	c->rcv.len += c->rcv_nxt - before;
	tcp_held_ofo(c);
	return c->rcv_nxt - before;
}

void tcp_reass_prune(struct tcp_conn *c)
{
	tcp_reass_release(c);
	c->sack_recent_count = 0;
	tcp_held_ofo(c);
	ring_shrink(c->stack, &c->rcv);
}

void tcp_reass_cut(struct tcp_conn *c, uint32_t seq)
{
	while (c->ooo_count > 0 && seq_gt(c->ooo[c->ooo_count - 1].end, seq)) {
		struct seq_range *last = &c->ooo[c->ooo_count - 1];
		if (seq_lt(last->start, seq)) {
			last->end = seq;
			break;
		}
		remove_ranges(c, c->ooo_count - 1u, 1);
	}
	tcp_held_ofo(c);
}
