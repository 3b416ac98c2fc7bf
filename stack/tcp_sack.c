/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_sack.c — see tcp_sack.h. */
#include "stack/tcp_sack.h"

#include "stack/seq.h"
#include "stack/stack_internal.h"
#include "stack/tcp_reass.h"

/* ------------------------------------------------------------------ the receiver */

void tcp_sack_note_arrival(struct tcp_conn *c, uint32_t seq)
{
	const struct seq_range *range = tcp_reass_range(c, seq);
	unsigned kept = 1;
	uint32_t recent[TCP_SACK_MAX] = {seq};

	if (!c->sack_ok || !range)
		return;
	/* Older entries stay behind it, but those that now lie in the same range say nothing more. */
	for (unsigned i = 0; i < c->sack_recent_count && kept < TCP_SACK_MAX; i++)
		if (tcp_reass_range(c, c->sack_recent[i]) &&
		    tcp_reass_range(c, c->sack_recent[i]) != range)
			recent[kept++] = c->sack_recent[i];
	for (unsigned i = 0; i < kept; i++)
		c->sack_recent[i] = recent[i];
	c->sack_recent_count = (uint8_t)kept;
}

void tcp_sack_note_duplicate(struct tcp_conn *c, uint32_t start, uint32_t end)
{
	if (c->sack_ok && seq_lt(start, end) && c->dsack.start == c->dsack.end)
		c->dsack = (struct seq_range){start, end};
}

static unsigned blocks_max(const struct tcp_conn *c)
{
	unsigned max = c->ts_ok ? TCP_SACK_MAX - 1 : TCP_SACK_MAX;

	while (max > 0 && tcp_sack_option_len(max) > c->snd_mss / 2u)
		max--;
	return max;
}

static bool listed(const struct seq_range *blocks, unsigned from, unsigned count,
		   const struct seq_range *range)
{
	for (unsigned i = from; i < count; i++)
		if (blocks[i].start == range->start)
			return true;
	return false;
}

unsigned tcp_sack_blocks(const struct tcp_conn *c, struct seq_range blocks[TCP_SACK_MAX])
{
	const bool dsack = c->dsack.start != c->dsack.end;
	const unsigned first = dsack ? 1 : 0;
	unsigned count = 0;

	if (!c->sack_ok || (!dsack && c->ooo_count == 0))
		return 0;
	const unsigned max = blocks_max(c);
	if (dsack && max > 0) {
		blocks[count++] = c->dsack;
		/* RFC 2883 4, 4.2: a duplicate that lies in a block above the cumulative ACK is followed by
		 * that block. */
		const struct seq_range *around = tcp_reass_range(c, c->dsack.start);
		if (around && count < max)
			blocks[count++] = *around;
	}
	for (unsigned i = 0; i < c->sack_recent_count && count < max; i++) {
		const struct seq_range *range = tcp_reass_range(c, c->sack_recent[i]);
		if (range && !listed(blocks, first, count, range))
			blocks[count++] = *range;
	}
	/* Room left over repeats the rest, lowest first: earlier ACKs may have been lost. */
	for (unsigned i = 0; i < c->ooo_count && count < max; i++)
		if (!listed(blocks, first, count, &c->ooo[i]))
			blocks[count++] = c->ooo[i];
	return count;
}

void tcp_sack_reported(struct tcp_conn *c)
{
	if (c->sack_ok && c->dsack.start != c->dsack.end)
		c->stack->counters.tcp_dsacks_out++;
	c->dsack.start = c->dsack.end;
}

uint16_t tcp_sack_mss(const struct tcp_conn *c)
{
	struct seq_range blocks[TCP_SACK_MAX];

	/* RFC 9293 3.7.1: options come off the payload, and every piece of a super segment repeats them. */
	return (uint16_t)(c->snd_mss - tcp_sack_option_len(tcp_sack_blocks(c, blocks)));
}

/* ------------------------------------------------------------------ the sender */

/* RFC 2883 4: the first block tells of a duplicate when it lies below the ACK, or within the second. */
static bool is_dsack(const struct tcp_segment *seg)
{
	const struct seq_range *b = seg->opt.sack;

	return seq_lt(b[0].start, seg->ack) ||
	       (seg->opt.sack_count > 1 && seq_geq(b[0].start, b[1].start) &&
		seq_leq(b[0].end, b[1].end));
}

/* A duplicate of what was never sent, or longer ago than a window, is made up. */
static bool plausible_dsack(const struct tcp_conn *c, const struct seq_range *b)
{
	return seq_leq(b->end, c->snd_max) && seq_geq(b->start, c->snd_una - c->snd_wnd_max) &&
	       seq_gt(b->start, c->iss);
}

void tcp_sack_read(struct tcp_conn *c, const struct tcp_segment *seg, struct tcp_delivery *d)
{
	if (!c->sack_ok)
		return;
	for (unsigned i = 0; i < seg->opt.sack_count; i++) {
		const struct seq_range *b = &seg->opt.sack[i];
		if (seq_lt(b->start, b->end) && i == 0 && is_dsack(seg)) {
			if (!plausible_dsack(c, b))
				continue;
			d->dsack = *b;
			c->dsacks_in++;
			c->stack->counters.tcp_dsacks_in++;
		} else if (seq_lt(b->start, b->end) && seq_gt(b->start, c->snd_una) &&
			   seq_leq(b->end, c->snd_nxt) && tcp_uses_sack(c)) {
			tcp_scoreboard_sacked(c, *b, d);
		} else if (seq_gt(b->end, c->snd_una)) {
			c->stack->counters.tcp_sacks_ignored++;
		}
	}
}
