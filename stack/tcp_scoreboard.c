/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_scoreboard.c — see tcp_scoreboard.h. */
#include "stack/tcp_scoreboard.h"

#include <assert.h>
#include <string.h>

#include "stack/stack_internal.h"
#include "stack/tcp_rack.h"

#define SAME_TIME_SHIFT 6 /* sent within min_RTT / 64: sent together …              */
#define BLOAT_SHIFT 3     /* … or within SRTT / 512, where the queues are that long */

static uint32_t length(const struct tcp_sent *r)
{
	return r->end - r->start;
}

/* Adds or takes a range's bytes from the sums. */
static void count_in(struct tcp_scoreboard *b, const struct tcp_sent *r, uint32_t sign)
{
	if (r->flags & TCP_SENT_SACKED)
		b->sacked += sign * length(r);
	else if (r->flags & TCP_SENT_LOST)
		b->lost += sign * length(r);
	else if (r->flags & TCP_SENT_AGAIN)
		b->again += sign * length(r);
}

static void set_flags(struct tcp_scoreboard *b, struct tcp_sent *r, uint8_t flags)
{
	count_in(b, r, -1u);
	r->flags = flags;
	count_in(b, r, 1);
}

/* ------------------------------------------------------------------ the list */

void tcp_scoreboard_reset(struct tcp_conn *c)
{
	struct tcp_scoreboard *b = &c->board;

	if (b->range)
		account_free(c->stack, b->range, b->cap * sizeof *b->range);
	*b = (struct tcp_scoreboard){.off = b->off, .order = b->order};
}

static bool grow(struct tcp_conn *c)
{
	struct tcp_scoreboard *b = &c->board;
	const unsigned cap = b->cap ? 2u * b->cap : TCP_SCOREBOARD_MIN;

	if (cap > TCP_SCOREBOARD_MAX)
		return false;
	struct tcp_sent *more = account_alloc(c->stack, cap * sizeof *more);
	if (!more)
		return false;
	if (b->range) {
		memcpy(more, b->range, b->count * sizeof *more);
		account_free(c->stack, b->range, b->cap * sizeof *more);
	}
	b->range = more;
	b->cap = (uint16_t)cap;
	return true;
}

/* Of what has arrived nobody asks any more when it was sent. */
static bool joinable(const struct tcp_sent *a, const struct tcp_sent *b, bool coarsen)
{
	return a->flags == b->flags &&
	       (coarsen || a->order == b->order || (a->flags & TCP_SENT_SACKED));
}

/* Joins neighbours in [from, to] that differ in nothing; with `coarsen` in nothing but when they were sent, and the
 * later time counts. */
static void join(struct tcp_scoreboard *b, unsigned from, unsigned to, bool coarsen)
{
	unsigned last = from;

	if (b->count == 0)
		return;
	if (to >= b->count)
		to = b->count - 1u;
	for (unsigned i = from + 1; i <= to; i++) {
		struct tcp_sent *into = &b->range[last];
		const struct tcp_sent *r = &b->range[i];
		if (joinable(into, r, coarsen)) {
			into->end = r->end;
			into->coarse = into->coarse || r->coarse || into->order != r->order;
			into->order = seq_max(into->order, r->order);
			into->sent_us = into->sent_us > r->sent_us ? into->sent_us : r->sent_us;
		} else {
			b->range[++last] = *r;
		}
	}
	if (to <= last)
		return;
	memmove(&b->range[last + 1], &b->range[to + 1], (b->count - to - 1u) * sizeof *b->range);
	b->count = (uint16_t)(b->count - (to - last));
}

/* Room for one more range. Rather than to go without, times are made coarser. */
static bool make_room(struct tcp_conn *c)
{
	struct tcp_scoreboard *b = &c->board;

	if (b->count < b->cap || grow(c))
		return true;
	if (b->count > 0)
		join(b, 0, b->count - 1u, true);
	return b->count < b->cap;
}

static void insert(struct tcp_scoreboard *b, unsigned i, struct tcp_sent r)
{
	memmove(&b->range[i + 1], &b->range[i], (b->count - i) * sizeof *b->range);
	b->range[i] = r;
	b->count++;
}

/* The first range that ends beyond `seq`. */
static unsigned find(const struct tcp_scoreboard *b, uint32_t seq)
{
	unsigned low = 0, high = b->count;

	while (low < high) {
		const unsigned mid = (low + high) / 2;
		if (seq_gt(b->range[mid].end, seq))
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* Makes `seq` the boundary of two ranges, if it lies within one. */
static bool split(struct tcp_conn *c, uint32_t seq)
{
	struct tcp_scoreboard *b = &c->board;
	unsigned i = find(b, seq);

	if (i == b->count || seq_geq(b->range[i].start, seq))
		return true;
	if (!make_room(c))
		return false;
	i = find(b, seq);
	insert(b, i, b->range[i]);
	b->range[i].end = seq;
	b->range[i + 1].start = seq;
	return true;
}

static bool same_time(const struct tcp_conn *c, uint64_t a, uint64_t b)
{
	const uint64_t bloated = c->srtt_us >> BLOAT_SHIFT;
	const uint64_t least = c->min_rtt_us < c->srtt_us ? c->min_rtt_us : c->srtt_us;
	const uint64_t unit = (least > bloated ? least : bloated) >> SAME_TIME_SHIFT;

	return unit ? a / unit == b / unit : a == b;
}

/* Does what is sent now go on where the last sending has ended, as part of range `r`? Anything sent in between
 * has raised the number. */
static bool goes_on(const struct tcp_conn *c, const struct tcp_sent *r, uint8_t flags)
{
	return r->flags == flags && r->order == c->board.order && !r->coarse &&
	       same_time(c, r->sent_us, c->stack->now_us);
}

/* ------------------------------------------------------------------ sending */

void tcp_scoreboard_sent(struct tcp_conn *c, uint32_t start)
{
	struct tcp_scoreboard *b = &c->board;
	/* After the window had shut on a flight, SND.NXT went back. */
	const uint8_t flags = seq_lt(start, c->snd_max) ? TCP_SENT_AGAIN : 0;
	struct tcp_sent r = {
		.sent_us = c->stack->now_us, .start = start, .end = c->snd_nxt, .flags = flags};

	if (!c->sack_ok)
		return;
	if (start == tcp_snd_data_una(c)) {
		b->off = false; /* no other data is in flight: a new beginning */
		tcp_rack_flight_begins(c);
	}
	if (b->off)
		return;
	struct tcp_sent *last = b->count > 0 ? &b->range[b->count - 1] : NULL;
	if (last && goes_on(c, last, flags)) {
		last->end = r.end;
		last->sent_us = r.sent_us;
		count_in(b, &r, 1);
	} else if (make_room(c)) {
		r.order = ++b->order;
		insert(b, b->count, r);
		count_in(b, &r, 1);
	} else {
		b->off = true;
		tcp_scoreboard_reset(c);
	}
}

void tcp_scoreboard_sent_again(struct tcp_conn *c, uint32_t start, uint32_t end)
{
	struct tcp_scoreboard *b = &c->board;

	if (!tcp_uses_sack(c) || seq_geq(start, c->snd_nxt))
		return;
	/* With no room for a boundary all of the range counts as sent: its rest is found lost later. */
	split(c, start);
	split(c, end);
	unsigned first = find(b, start), i = first;
	const bool on = first > 0 && goes_on(c, &b->range[first - 1], TCP_SENT_AGAIN);
	if (!on)
		b->order++;
	for (; i < b->count && seq_lt(b->range[i].start, end); i++) {
		struct tcp_sent *r = &b->range[i];
		if (r->flags & TCP_SENT_SACKED)
			continue;
		set_flags(b, r, TCP_SENT_AGAIN);
		r->sent_us = c->stack->now_us;
		r->order = b->order;
		r->coarse = false;
	}
	if (i > first)
		join(b, on ? first - 1 : first, i - 1, false);
}

const struct tcp_sent *tcp_scoreboard_next_lost(const struct tcp_conn *c)
{
	const struct tcp_scoreboard *b = &c->board;

	for (unsigned i = 0; i < b->count && b->lost > 0; i++)
		if (b->range[i].flags & TCP_SENT_LOST)
			return &b->range[i];
	return NULL;
}

/* ------------------------------------------------------------------ what has arrived */

static void delivered(struct tcp_conn *c, const struct tcp_sent *r, struct tcp_delivery *d)
{
	if (r->flags & TCP_SENT_SACKED)
		return;
	d->bytes += length(r);
	/* Karn: what was sent twice does not say which of the two has arrived. */
	const uint64_t rtt_us = c->stack->now_us - r->sent_us;
	if (!(r->flags & (TCP_SENT_AGAIN | TCP_SENT_LOST)) && !r->coarse &&
	    (d->rtt_us == 0 || rtt_us < d->rtt_us))
		d->rtt_us = rtt_us > 0 ? rtt_us : 1;
	tcp_rack_delivered(c, r, d);
}

void tcp_scoreboard_acked(struct tcp_conn *c, struct tcp_delivery *d)
{
	struct tcp_scoreboard *b = &c->board;
	unsigned gone = 0;

	while (gone < b->count && seq_leq(b->range[gone].end, c->snd_una)) {
		delivered(c, &b->range[gone], d);
		count_in(b, &b->range[gone], -1u);
		gone++;
	}
	if (gone == b->count) {
		tcp_scoreboard_reset(c);
		return;
	}
	struct tcp_sent *first = &b->range[gone];
	if (seq_lt(first->start, c->snd_una)) {
		struct tcp_sent part = *first;
		part.end = c->snd_una;
		delivered(c, &part, d);
		count_in(b, &part, -1u);
		first->start = c->snd_una;
	}
	memmove(b->range, first, (b->count - gone) * sizeof *b->range);
	b->count = (uint16_t)(b->count - gone);
}

void tcp_scoreboard_sacked(struct tcp_conn *c, struct seq_range block, struct tcp_delivery *d)
{
	struct tcp_scoreboard *b = &c->board;

	if (!split(c, block.start) || !split(c, block.end))
		return;
	const unsigned first = find(b, block.start);
	unsigned i = first;
	/* Making room for the second boundary may have undone the first. */
	if (first == b->count || b->range[first].start != block.start)
		return;
	for (; i < b->count && seq_leq(b->range[i].end, block.end); i++) {
		struct tcp_sent *r = &b->range[i];
		if (r->flags & TCP_SENT_SACKED)
			continue;
		delivered(c, r, d);
		d->sacked += length(r);
		set_flags(b, r, TCP_SENT_SACKED);
	}
	/* What now adjoins is one range, so the list shrinks as the holes close. */
	if (i < b->count && b->range[i].flags != TCP_SENT_SACKED)
		i--;
	join(b, first > 0 && b->range[first - 1].flags == TCP_SENT_SACKED ? first - 1 : first, i,
	     false);
}

/* ------------------------------------------------------------------ what is lost */

bool tcp_scoreboard_dup_thresh(const struct tcp_conn *c)
{
	const struct tcp_scoreboard *b = &c->board;
	unsigned stretches = 0;

	if (b->sacked > (TCP_DUPACK_THRESHOLD - 1u) * c->cc.mss)
		return true;
	for (unsigned i = 0; i < b->count && b->sacked > 0; i++)
		if ((b->range[i].flags & TCP_SENT_SACKED) && ++stretches >= TCP_DUPACK_THRESHOLD)
			return true;
	return false;
}

void tcp_scoreboard_mark_lost(struct tcp_conn *c, unsigned i)
{
	struct tcp_scoreboard *b = &c->board;

	set_flags(b, &b->range[i], b->range[i].flags | TCP_SENT_LOST);
}

void tcp_scoreboard_timeout(struct tcp_conn *c, uint64_t until_us)
{
	struct tcp_scoreboard *b = &c->board;

	split(c, c->snd_una + c->cc.mss);
	for (unsigned i = 0; i < b->count; i++) {
		struct tcp_sent *r = &b->range[i];
		/* What was SACKed has arrived once and tells nothing when it does so again. */
		const uint8_t kept =
			r->flags & (TCP_SENT_SACKED | TCP_SENT_AGAIN) ? TCP_SENT_AGAIN : 0;
		if (i == 0 || r->sent_us <= until_us || (r->flags & TCP_SENT_SACKED))
			set_flags(b, r, kept | TCP_SENT_LOST);
	}
	if (b->count > 0)
		join(b, 0, b->count - 1u, false);
}

void tcp_scoreboard_none_lost(struct tcp_conn *c)
{
	struct tcp_scoreboard *b = &c->board;

	for (unsigned i = 0; i < b->count; i++)
		if (b->range[i].flags & TCP_SENT_LOST)
			set_flags(b, &b->range[i], b->range[i].flags & TCP_SENT_AGAIN);
}

/* ------------------------------------------------------------------ for path MTU discovery */

bool tcp_scoreboard_is_sacked(const struct tcp_conn *c, uint32_t seq)
{
	const unsigned i = find(&c->board, seq);

	return i < c->board.count && seq_leq(c->board.range[i].start, seq) &&
	       (c->board.range[i].flags & TCP_SENT_SACKED);
}

void tcp_scoreboard_lost(struct tcp_conn *c, struct seq_range part, uint32_t longer)
{
	struct tcp_scoreboard *b = &c->board;

	/* With no room for a boundary the rest of the range counts as lost, too. */
	split(c, part.start);
	split(c, part.end);
	const unsigned first = find(b, part.start);
	unsigned i = first;
	for (; i < b->count && seq_lt(b->range[i].start, part.end); i++)
		if (!(b->range[i].flags & (TCP_SENT_SACKED | TCP_SENT_LOST)) &&
		    length(&b->range[i]) > longer)
			set_flags(b, &b->range[i], b->range[i].flags | TCP_SENT_LOST);
	join(b, first, i, true);
}

bool tcp_scoreboard_lost_within(const struct tcp_conn *c, struct seq_range part)
{
	const struct tcp_scoreboard *b = &c->board;

	for (unsigned i = 0; i < b->count; i++)
		if ((b->range[i].flags & TCP_SENT_LOST) &&
		    (seq_lt(b->range[i].start, part.start) || seq_gt(b->range[i].end, part.end)))
			return false;
	return true;
}

/* ------------------------------------------------------------------ for stack_check */

size_t tcp_scoreboard_memory(const struct tcp_conn *c)
{
	return c->board.cap * sizeof *c->board.range;
}

const char *tcp_scoreboard_check(const struct tcp_conn *c)
{
	const struct tcp_scoreboard *b = &c->board;
	struct tcp_scoreboard sums = {0};
	uint32_t at = tcp_snd_data_una(c);

	if (b->count > b->cap || (b->range == NULL) != (b->cap == 0))
		return "the scoreboard's sizes do not agree";
	if (!tcp_uses_sack(c))
		return b->range ? "a scoreboard that is not in use holds memory" : NULL;
	for (unsigned i = 0; i < b->count; i++) {
		const struct tcp_sent *r = &b->range[i];
		if (r->start != at || seq_leq(r->end, r->start))
			return "the scoreboard's ranges do not adjoin";
		count_in(&sums, r, 1);
		at = r->end;
	}
	if (at != c->snd_nxt && !tcp_syn_outstanding(c))
		return "the scoreboard does not reach from SND.UNA to SND.NXT";
	if (sums.sacked != b->sacked || sums.lost != b->lost || sums.again != b->again)
		return "the scoreboard's sums are wrong";
	return NULL;
}
