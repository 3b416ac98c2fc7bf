/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_syncache.c — see tcp_syncache.h. */
#include "stack/tcp_syncache.h"

#include <assert.h>
#include <string.h>

#include "stack/seq.h"
#include "stack/siphash.h"
#include "stack/stack_internal.h"
#include "stack/tcp_accecn.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_demux.h"
#include "stack/tcp_input.h"
#include "stack/tcp_isn.h"
#include "stack/tcp_rtt.h"
#include "stack/tcp_syncookie.h"
#include "stack/trace.h"

#define SYNCACHE_ACKS_MAX 8     /* answers to segments outside the window, per entry */
#define SYNCACHE_BUCKET_MIN 16u /* a bucket of a small cache holds as many as there are */

static_assert(sizeof(struct syncache_entry) <= 256, "a half-open peer costs little");

void tcp_syncache_free(struct syncache_entry *e)
{
	struct stack *s = e->stack;

	tcp_table_remove(s, &e->node);
	timer_stop(&s->wheel, &e->timer);
	list_remove(&e->link);
	list_remove(&e->bucket_link);
	e->bucket->count--;
	s->syncache_count--;
	account_free(s, e, sizeof *e);
}

static void trace_entry(struct syncache_entry *e, enum stack_trace_kind kind,
			const struct tcp_segment *seg, enum tcp_state after, const char *why)
{
	trace_node(e->stack, kind, &e->node, e->id, TCP_SYN_RECEIVED, after, seg, why);
}

struct tcp_segment tcp_syncache_syn_ack(const struct syncache_entry *e)
{
	const struct stack *s = e->stack;
	struct tcp_segment seg = tcp_segment_from(&e->node.tuple);

	seg.seq = e->iss;
	seg.ack = e->irs + 1;
	seg.flags = TCP_SYN | TCP_ACK;
	if (!e->ecn_plain)
		tcp_segment_set_ace(&seg, tcp_ecn_syn_ack(e->ecn, e->syn_ecn));
	seg.wnd = (uint16_t)e->rcv_wnd; /* never scaled in a SYN (RFC 7323 2.2) */
	seg.opt.has_mss = true;
	seg.opt.mss = tcp_our_mss(s, e->node.tuple.version);
	seg.opt.has_wscale = e->has_wscale;
	seg.opt.wscale = s->rcv_wscale;
	seg.opt.sack_permitted = e->sack_permitted;
	seg.opt.has_timestamp = e->has_timestamp;
	seg.opt.ts_val = tcp_ts_now(s, e->ts_offset);
	seg.opt.ts_ecr = e->ts_recent;
	if (e->fastopen)
		tcp_fastopen_put_cookie(s, &seg);
	return seg;
}

static void send_syn_ack(struct syncache_entry *e, const char *why)
{
	struct stack *s = e->stack;

	e->ecn_plain |= e->ecn == TCP_ECN_NONE || e->retries >= TCP_ECN_HANDSHAKE_TRIES;
	const struct tcp_segment seg = tcp_syncache_syn_ack(e);
	reply_segment(s, &seg, e->id, why);
	e->fastopen = false; /* RFC 7413 4.2.2: repeated without */
	e->sent_us = s->now_us;
	timer_set(&s->wheel, &e->timer, s->now_us + ((uint64_t)TCP_RTO_INITIAL_US << e->retries));
}

static void send_ack(struct syncache_entry *e, const char *why)
{
	struct stack *s = e->stack;
	struct tcp_segment seg = tcp_segment_from(&e->node.tuple);

	/* A bound instead of a rate: an entry lives a minute at most. */
	if (e->acks >= SYNCACHE_ACKS_MAX) {
		s->counters.tcp_challenge_acks_limited++;
		return;
	}
	e->acks++;
	seg.seq = e->iss + 1;
	seg.ack = e->irs + 1;
	seg.flags = TCP_ACK;
	if (e->ecn == TCP_ECN_ACCURATE)
		tcp_segment_set_ace(&seg, TCP_ACE_INITIAL);
	seg.wnd = (uint16_t)(e->has_wscale ? e->rcv_wnd >> s->rcv_wscale : e->rcv_wnd);
	seg.opt.has_timestamp = e->has_timestamp;
	seg.opt.ts_val = tcp_ts_now(s, e->ts_offset);
	seg.opt.ts_ecr = e->ts_recent;
	reply_segment(s, &seg, e->id, why);
	s->counters.tcp_challenge_acks++;
}

/* ------------------------------------------------------------------ buckets, and room in them */

static struct syncache_bucket *bucket_of(struct stack *s, const struct tcp_tuple *tuple)
{
	/* A network of IPv6 hands out 2^64 addresses to whoever asks. */
	const uint64_t h = siphash24(s->table.key, tuple->remote, tuple->version == 4 ? 4 : 8);

	return &s->syncache_bucket[h % SYNCACHE_BUCKETS];
}

static uint32_t bucket_limit(const struct stack *s)
{
	const uint32_t quarter = s->cfg.max_half_open / 4;

	return quarter > SYNCACHE_BUCKET_MIN ? quarter : SYNCACHE_BUCKET_MIN;
}

static void evict(struct syncache_entry *e, const char *why)
{
	e->stack->counters.tcp_syn_cache_dropped++;
	trace_entry(e, STACK_TRACE_STATE, NULL, TCP_CLOSED, why);
	tcp_syncache_free(e);
}

/* Room for one more in the cache and in the bucket; with `evicting` there always is. */
static bool make_room(struct stack *s, const struct syncache_bucket *b, bool evicting)
{
	const bool bucket_full = b->count >= bucket_limit(s);

	if (!bucket_full && s->syncache_count < s->cfg.max_half_open)
		return true;
	if (!evicting)
		return false;
	if (bucket_full)
		evict(list_entry(b->entries.next, struct syncache_entry, bucket_link),
		      "bucket of the SYN cache full: its oldest entry goes (RFC 4987 3.4)");
	else
		evict(list_entry(s->syncache.next, struct syncache_entry, link),
		      "SYN cache full: the oldest entry goes (RFC 4987 3.4)");
	return true;
}

/* ------------------------------------------------------------------ from SYN to connection */

void tcp_syncache_fill(struct syncache_entry *e, struct stack *s, const struct tcp_segment *syn)
{
	memset(e, 0, sizeof *e);
	e->stack = s;
	e->node.kind = TCP_NODE_SYNCACHE;
	tcp_tuple_of_segment(&e->node.tuple, syn);
	e->opened_us = s->now_us;
	e->irs = syn->seq;
	e->rcv_wnd = tcp_rcvbuf_initial(s) < UINT16_MAX ? tcp_rcvbuf_initial(s) : UINT16_MAX;
	e->snd_wnd = syn->wnd;
	e->has_mss = syn->opt.has_mss;
	e->mss = syn->opt.mss;
	e->has_wscale = syn->opt.has_wscale;
	e->wscale = syn->opt.wscale;
	e->has_timestamp = syn->opt.has_timestamp;
	e->sack_permitted = syn->opt.sack_permitted;
	e->ecn = tcp_ecn_granted(s, syn);
	e->syn_ecn = syn->ecn;
	e->ts_recent = syn->opt.ts_val;
	e->ts_offset = tcp_ts_offset(s, &e->node.tuple);
}

/* A filled entry in the cache, NULL when there is no room for it. */
static struct syncache_entry *entry_new(struct stack *s, const struct tcp_segment *seg,
					bool evicting)
{
	struct tcp_tuple tuple;

	tcp_tuple_of_segment(&tuple, seg);
	struct syncache_bucket *bucket = bucket_of(s, &tuple);
	if (!make_room(s, bucket, evicting))
		return NULL;
	struct syncache_entry *e = account_alloc(s, sizeof *e);
	if (!e) {
		s->counters.tcp_memory_drops++;
		return NULL;
	}
	tcp_syncache_fill(e, s, seg);
	e->id = s->next_id++;
	timer_init(&e->timer, TCP_TIMER_SYNCACHE);
	list_append(&s->syncache, &e->link);
	list_append(&bucket->entries, &e->bucket_link);
	e->bucket = bucket;
	bucket->count++;
	s->syncache_count++;
	tcp_table_insert(s, &e->node);
	return e;
}

void tcp_syncache_add(struct stack *s, const struct tcp_segment *seg, const uint32_t *iss_floor)
{
	struct syncache_entry *e = entry_new(s, seg, iss_floor || !s->cfg.syn_cookies);

	if (!e) {
		/* A cookie cannot be chosen to lie beyond the floor. */
		if (s->cfg.syn_cookies && !iss_floor)
			tcp_syncookie_send(s, seg,
					   "SYN, and no room for an entry (RFC 4987 3.4, 3.6)");
		return;
	}
	e->iss = tcp_isn(s, &e->node.tuple);
	if (iss_floor && seq_leq(e->iss, *iss_floor))
		e->iss = *iss_floor + 1;
	e->fastopen = tcp_fastopen_wants_cookie(s, seg);
	s->counters.tcp_syn_cache_added++;
	trace_node(s, STACK_TRACE_PACKET_IN, &e->node, e->id, TCP_LISTEN, TCP_SYN_RECEIVED, seg,
		   "SYN for a listener: half-open entry (RFC 9293 3.10.7.2, third)");
	send_syn_ack(e, "SYN-ACK acknowledges the SYN's one sequence number (RFC 9293 3.5)");
}

const char *tcp_syncache_refuses(struct stack *s, const struct tcp_listener *l)
{
	if (l->queued >= l->backlog) {
		s->counters.tcp_accept_overflows++;
		return "accept queue full: dropped, the peer will send again";
	}
	if (s->conn_count >= s->cfg.max_connections || !account_has(s, sizeof(struct tcp_conn))) {
		s->counters.tcp_memory_drops++;
		return "no memory for a connection: dropped, the peer will send again";
	}
	return NULL;
}

struct tcp_conn *tcp_syncache_open(const struct syncache_entry *e, struct tcp_listener *l)
{
	struct stack *s = e->stack;
	const struct tcp_options opt = {.has_mss = e->has_mss,
					.mss = e->mss,
					.has_wscale = e->has_wscale,
					.wscale = e->wscale,
					.has_timestamp = e->has_timestamp,
					.sack_permitted = e->sack_permitted,
					.ts_val = e->ts_recent};
	struct tcp_conn *c = tcp_conn_new(s, &e->node.tuple, e->id);

	if (!c)
		return NULL;
	c->state = TCP_SYN_RECEIVED;
	c->opened_us = e->opened_us;
	c->iss = e->iss;
	c->snd_una = e->iss;
	c->snd_nxt = c->snd_max = e->iss + 1;
	c->recover = e->iss;
	c->irs = e->irs;
	c->rcv_nxt = e->irs + 1;
	c->last_ack_sent = c->rcv_nxt;
	c->rcv_adv = c->rcv_nxt + e->rcv_wnd;
	c->snd_wl1 = e->irs;
	c->snd_wnd = e->snd_wnd;
	c->snd_wnd_max = e->snd_wnd;
	c->ts_offset = e->ts_offset;
	tcp_conn_negotiated(c, &opt);
	c->ecn.syn_ecn = e->syn_ecn;
	tcp_ecn_accepted(c, e->ecn, !e->ecn_plain);
	c->attached = true;
	c->listener = l;
	list_append(&l->queue, &c->accept_link);
	l->queued++;
	l->event = true;
	s->counters.tcp_passive_opens++;
	return c;
}

/* The handshake is complete: now, and not before, there is a connection. */
static void complete(struct syncache_entry *e, struct tcp_listener *l,
		     const struct tcp_segment *seg)
{
	struct stack *s = e->stack;
	const struct syncache_entry entry = *e;

	tcp_syncache_free(e);
	struct tcp_conn *c = tcp_syncache_open(&entry, l);
	if (!c)
		return;
	if (entry.retries == 0)
		tcp_rtt_sample(c, s->now_us - entry.sent_us);
	else
		c->rto_us = TCP_RTO_AFTER_LOST_SYN_US; /* RFC 6298 5.7 */
	s->counters.tcp_syn_cache_completed++;
	tcp_conn_input(c, seg);
}

/* RFC 9293 3.10.7.4, fifth, in SYN-RECEIVED, with the timestamps of RFC 7323. */
static void take_ack(struct syncache_entry *e, const struct tcp_segment *seg)
{
	struct stack *s = e->stack;
	struct tcp_listener *l = tcp_find_listener(s, &seg->dst, seg->dst_port);

	if (seg->ack != e->iss + 1) {
		if (l && tcp_syncookie_input(s, l, e, seg))
			return;
		trace_entry(e, STACK_TRACE_DROP, seg, TCP_SYN_RECEIVED,
			    "acknowledges what was never sent: RST (RFC 9293 3.10.7.4, fifth)");
		reply_reset(s, seg,
			    "RST: the ACK is not for our SYN-ACK (RFC 9293 3.10.7.4, fifth)");
		return;
	}
	if (e->has_timestamp && !seg->opt.has_timestamp) {
		trace_entry(e, STACK_TRACE_DROP, seg, TCP_SYN_RECEIVED,
			    "the timestamp that was agreed on is missing (RFC 7323 3.2)");
		return;
	}
	if (e->has_timestamp && seq_lt(seg->opt.ts_val, e->ts_recent)) {
		s->counters.tcp_paws_dropped++;
		trace_entry(e, STACK_TRACE_DROP, seg, TCP_SYN_RECEIVED,
			    "timestamp older than the SYN's: PAWS (RFC 7323 5.3)");
		send_ack(e, "ACK to a segment that PAWS refused (RFC 7323 5.3 R1)");
		return;
	}
	if (!l) {
		tcp_syncache_free(e);
		reply_reset(s, seg, "RST: the listener has gone (RFC 9293 3.10.7.1)");
		return;
	}
	const char *refused = tcp_syncache_refuses(s, l);
	if (refused) {
		/* Like a lost ACK: the client believes it is connected and sends again. */
		trace_entry(e, STACK_TRACE_DROP, seg, TCP_SYN_RECEIVED, refused);
		return;
	}
	complete(e, l, seg);
}

void tcp_syncache_input(struct syncache_entry *e, const struct tcp_segment *seg)
{
	struct stack *s = e->stack;
	const bool in_window = seq_in_window(seg->seq, e->irs + 1, e->rcv_wnd);

	if (seg->flags & TCP_RST) {
		if (seg->seq == e->irs + 1) {
			s->counters.tcp_syn_cache_resets++;
			trace_entry(e, STACK_TRACE_PACKET_IN, seg, TCP_LISTEN,
				    "RST: back to LISTEN (RFC 9293 3.10.7.4, second)");
			tcp_syncache_free(e);
		} else if (in_window) {
			send_ack(e, "challenge ACK to a RST that is not exact (RFC 5961 3.2)");
		}
		return;
	}
	if ((seg->flags & TCP_SYN) && !(seg->flags & TCP_ACK) && seg->seq == e->irs) {
		trace_entry(e, STACK_TRACE_PACKET_IN, seg, TCP_SYN_RECEIVED,
			    "the same SYN again: repeat the SYN-ACK");
		if (tcp_ecn_granted(s, seg) != e->ecn)
			e->ecn = TCP_ECN_NONE; /* it asks for less, or cannot be believed */
		send_syn_ack(e, "SYN-ACK repeated: the peer has sent its SYN again");
		return;
	}
	if (!in_window) {
		s->counters.tcp_out_of_window++;
		trace_entry(e, STACK_TRACE_DROP, seg, TCP_SYN_RECEIVED,
			    "outside the window: ACK (RFC 9293 3.10.7.4, first)");
		send_ack(e, "ACK to a segment outside the window (RFC 9293 3.10.7.4, first)");
		return;
	}
	if (seg->flags & TCP_SYN) {
		trace_entry(
			e, STACK_TRACE_PACKET_IN, seg, TCP_LISTEN,
			"another SYN in the window: back to LISTEN (RFC 9293 3.10.7.4, fourth)");
		tcp_syncache_free(e);
		return;
	}
	if (!(seg->flags & TCP_ACK)) {
		trace_entry(e, STACK_TRACE_DROP, seg, TCP_SYN_RECEIVED,
			    "no ACK (RFC 9293 3.10.7.4, fifth)");
		return;
	}
	take_ack(e, seg);
}

void tcp_syncache_timer(struct syncache_entry *e)
{
	struct stack *s = e->stack;

	if (e->retries >= TCP_SYNACK_RETRIES || s->now_us - e->opened_us >= s->cfg.syn_timeout_us) {
		s->counters.tcp_syn_cache_timeouts++;
		s->counters.tcp_attempt_fails++;
		trace_entry(e, STACK_TRACE_TIMER, NULL, TCP_CLOSED,
			    "the handshake was never completed (RFC 4987 2)");
		tcp_syncache_free(e);
		return;
	}
	e->retries++;
	s->counters.tcp_retrans_segs++;
	s->counters.tcp_syn_retrans++;
	trace_entry(e, STACK_TRACE_TIMER, NULL, TCP_SYN_RECEIVED,
		    "no ACK came: repeat the SYN-ACK, double the time-out (RFC 6298 5.5)");
	send_syn_ack(e, "SYN-ACK repeated: its ACK did not come (RFC 6298 5)");
}
