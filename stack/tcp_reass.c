/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_reass.c — see tcp_reass.h. */
#include "stack/tcp_reass.h"

#include <string.h>

#include "stack/seq.h"
#include "stack/stack_internal.h"
#include "stack/tcp_sack.h"

static void remove_range(struct tcp_conn *c, unsigned i)
{
	memmove(&c->ooo[i], &c->ooo[i + 1], (c->ooo_count - i - 1u) * sizeof c->ooo[0]);
	c->ooo_count--;
}

/* Adds [start, end) to the list, merging what it touches. False when the list is full. */
static bool add_range(struct tcp_conn *c, uint32_t start, uint32_t end)
{
	unsigned i = 0;

	while (i < c->ooo_count && seq_lt(c->ooo[i].end, start))
		i++;
	if (i == c->ooo_count || seq_gt(c->ooo[i].start, end)) {
		if (c->ooo_count == TCP_OOO_MAX)
			return false;
		memmove(&c->ooo[i + 1], &c->ooo[i], (c->ooo_count - i) * sizeof c->ooo[0]);
		c->ooo[i] = (struct seq_range){start, end};
		c->ooo_count++;
		return true;
	}
	c->ooo[i].start = seq_min(c->ooo[i].start, start);
	c->ooo[i].end = seq_max(c->ooo[i].end, end);
	while (i + 1u < c->ooo_count && seq_leq(c->ooo[i + 1].start, c->ooo[i].end)) {
		c->ooo[i].end = seq_max(c->ooo[i].end, c->ooo[i + 1].end);
		remove_range(c, i + 1);
	}
	return true;
}

/* What of [start, end) is already in the list, for the first range that it meets (RFC 2883 4.2.1 to 4.2.3). */
static void report_duplicate(struct tcp_conn *c, uint32_t start, uint32_t end)
{
	for (unsigned i = 0; i < c->ooo_count; i++) {
		const struct seq_range *r = &c->ooo[i];
		if (seq_lt(r->start, end) && seq_lt(start, r->end)) {
			tcp_sack_note_duplicate(c, seq_max(start, r->start), seq_min(end, r->end));
			return;
		}
	}
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

	if (len == 0)
		return 0;
	const uint32_t room = make_room(c, offset, len);
	if (room < len)
		s->counters.tcp_memory_drops++;
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
	while (c->ooo_count > 0 && seq_leq(c->ooo[0].start, c->rcv_nxt)) {
		c->rcv_nxt = seq_max(c->rcv_nxt, c->ooo[0].end);
		remove_range(c, 0);
	}
	c->rcv.len += c->rcv_nxt - before;
	tcp_held_ofo(c);
	return c->rcv_nxt - before;
}

void tcp_reass_prune(struct tcp_conn *c)
{
	c->ooo_count = 0;
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
		c->ooo_count--;
	}
	tcp_held_ofo(c);
}
