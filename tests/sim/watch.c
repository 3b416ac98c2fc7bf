/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c — see watch.h. Sequence numbers are compared here with code of the judge's own. */
#include "tests/sim/watch.h"

#include <stdlib.h>
#include <string.h>

#define FLOW_BUCKETS 512u
#define MSS_DEFAULT 536u     /* RFC 9293 3.7.1: when the peer has sent no option               */
#define MSS_FLOOR 48u        /* the stack gives no less to a peer that asks for less           */
#define TIMER_SLACK_US 1000u /* the stack's clock ticks, so a timer may fire a little late     */
#define TS_WRAP_US (24ull * 24 * 3600 * SIM_SECOND) /* a clock of 1 ms compares for 24.8 days   */
#define PLAUSIBLE (1u << 20)  /* a scripted peer sends no more: what lies beyond is garbage */
#define CHECK_OFTEN_CONNS 16u /* with more connections the TCBs are compared every 16th turn    */

enum ecn_kind {
	ECN_NONE,
	ECN_CLASSIC,
	ECN_ACCURATE
};

/* What one side of a flow has sent, and what has reached it. */
struct side {
	bool syn, fin, acked, window;
	bool has_wscale, has_mss, sack_permitted;
	enum ecn_kind ecn_setup; /* a SYN or SYN-ACK has asked for ECN or granted it … */
	bool ecn_plain;          /* … and another one has not                          */
	uint8_t wscale;
	uint16_t mss;
	uint32_t isn;
	uint32_t max;     /* one past the highest sequence number sent           */
	uint32_t fin_end; /* one past its FIN                                    */
	uint32_t ack;     /* last acknowledgment number sent                     */
	uint32_t edge;    /* right edge of the window it has offered             */
	uint16_t wnd;     /* last window field sent                              */
	uint32_t allowed; /* right edge that the other's segments have brought   */
	uint32_t ts_val;
	uint64_t ts_us;
	bool has_ts;
};

struct flow {
	struct flow *next;
	uint16_t port[2]; /* of host 0, of host 1 */
	struct side side[2];
};

struct tcb {
	bool seen;
	uint32_t rcv_nxt, snd_una, edge;
};

struct sim_watch {
	struct sim *sim;
	struct flow *bucket[FLOW_BUCKETS];
	struct tcb *tcb[2]; /* by connection id */
	uint64_t tcb_count[2];
	uint64_t turns[2];
	unsigned host; /* for look_at */
	uint64_t first_timer_us;
};

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

struct sim_watch *sim_watch_new(struct sim *sim)
{
	struct sim_watch *w = sim_alloc(sizeof *w);

	w->sim = sim;
	return w;
}

void sim_watch_free(struct sim_watch *w)
{
	for (unsigned i = 0; i < FLOW_BUCKETS; i++) {
		while (w->bucket[i]) {
			struct flow *f = w->bucket[i];
			w->bucket[i] = f->next;
			free(f);
		}
	}
	free(w->tcb[0]);
	free(w->tcb[1]);
	free(w);
}

static unsigned bucket_of(uint16_t port0, uint16_t port1)
{
	return (unsigned)(sim_mix((uint64_t)port0 << 16 | port1) % FLOW_BUCKETS);
}

static struct flow *find_flow(const struct sim_watch *w, unsigned from,
			      const struct sim_segment *seg)
{
	const uint16_t port0 = from == 0 ? seg->src_port : seg->dst_port;
	const uint16_t port1 = from == 0 ? seg->dst_port : seg->src_port;
	struct flow *f = w->bucket[bucket_of(port0, port1)];

	while (f && (f->port[0] != port0 || f->port[1] != port1))
		f = f->next;
	return f;
}

static struct flow *add_flow(struct sim_watch *w, unsigned from, const struct sim_segment *seg)
{
	struct flow *f = sim_alloc(sizeof *f);

	f->port[from] = seg->src_port;
	f->port[1 - from] = seg->dst_port;
	struct flow **head = &w->bucket[bucket_of(f->port[0], f->port[1])];
	f->next = *head;
	*head = f;
	return f;
}

/* ------------------------------------------------------------------ on the wire */

static uint32_t scaled(const struct flow *f, unsigned from, const struct sim_segment *seg)
{
	/* RFC 7323 2.2: scaled when both SYNs had the option, and never in a SYN. */
	const bool scale =
		f->side[0].has_wscale && f->side[1].has_wscale && !(seg->flags & SIM_SYN);

	return (uint32_t)seg->wnd << (scale ? f->side[from].wscale : 0);
}

static void take_syn(struct flow *f, unsigned from, const struct sim_segment *seg, bool judged,
		     bool scripted_peer)
{
	struct side *me = &f->side[from], *peer = &f->side[1 - from];

	/* Garbage can be a SYN too: the stack's answer tells that it was taken for one. */
	if (scripted_peer && (seg->flags & SIM_ACK) && peer->syn && seg->ack != peer->isn + 1) {
		memset(f->side, 0, sizeof f->side);
		*peer = (struct side){.syn = true, .isn = seg->ack - 1, .max = seg->ack};
	}
	/* All was over here, and then came an old duplicate of the SYN: its answer counts anew. */
	if (judged && me->fin && (seg->flags & SIM_ACK))
		me->acked = false;
	if (me->syn && (me->isn == seg->seq || !judged))
		return;                         /* once more; or a scripted peer's garbage */
	if (me->syn && !(seg->flags & SIM_ACK)) /* a new connection between the same ports */
		memset(f->side, 0, sizeof f->side);
	me->syn = true;
	me->isn = seg->seq;
	me->max = seg->seq + 1;
	me->has_wscale = seg->has_wscale;
	me->wscale = seg->wscale;
	me->has_mss = seg->has_mss;
	me->mss = seg->mss;
	me->sack_permitted = seg->sack_permitted;
}

static const char *check_sizes(const struct sim_watch *w, unsigned from, const struct side *peer,
			       const struct sim_packet *p, const struct sim_segment *seg)
{
	const uint32_t options = seg->header_len - SIM_IP_HEADER - SIM_TCP_HEADER;
	const uint32_t piece = p->gso_size && seg->len > p->gso_size ? p->gso_size : seg->len;
	uint32_t mss = peer->has_mss ? peer->mss : MSS_DEFAULT;

	if (seg->header_len + piece > w->sim->host[from].mtu)
		return "a packet is larger than the MTU";
	if (mss < MSS_FLOOR)
		mss = MSS_FLOOR;
	/* RFC 6691 2: the MSS option does not count options, the sender has to subtract them. */
	if (peer->syn && seg->len > 0 && piece + options > mss)
		return "a segment is larger than the peer's MSS allows";
	if (p->gso_size && !p->checksum_partial)
		return "a super segment has a finished checksum";
	if (seg->urgent || (seg->flags & SIM_URG))
		return "an urgent pointer";
	return NULL;
}

static const char *check_ack(const struct flow *f, unsigned from, const struct sim_segment *seg)
{
	const struct side *me = &f->side[from], *peer = &f->side[1 - from];

	if (!(seg->flags & SIM_ACK))
		return seg->flags & SIM_SYN ? NULL
					    : "a segment that is neither SYN nor RST has no ACK";
	if (peer->syn && before(peer->max, seg->ack))
		return "something is acknowledged that was never sent";
	if (me->acked && before(seg->ack, me->ack))
		return "the acknowledgment number moved back";
	/* Behind the peer's FIN the window means nothing. */
	if (peer->fin && seg->ack == peer->fin_end)
		return NULL;
	if (me->acked && before(seg->ack + scaled(f, from, seg), me->edge))
		return "the right edge of the window moved left";
	return NULL;
}

static const char *check_window(const struct flow *f, unsigned from, const struct sim_segment *seg)
{
	const struct side *me = &f->side[from];
	const uint32_t space = sim_segment_space(seg);
	const uint32_t end = seg->seq + space;

	if (space == 0 || (seg->flags & SIM_SYN))
		return NULL;
	if (!me->window)
		return "data before any window was offered";
	if (before(me->allowed + (space == 1), end))
		return "more is sent than the peer's window allows";
	if (me->fin && before(me->fin_end, end))
		return "something is sent behind the FIN";
	if (me->fin && (seg->flags & SIM_FIN) && end != me->fin_end)
		return "the FIN has moved";
	return NULL;
}

/* RFC 2018 3, RFC 2883 4: only the first block may lie below the cumulative ACK or within another. */
static const char *check_sack(const struct flow *f, unsigned from, const struct sim_segment *seg)
{
	const struct side *me = &f->side[from], *peer = &f->side[1 - from];

	if (seg->sack_count > 0 && !(me->sack_permitted && peer->sack_permitted))
		return "SACK blocks that were not agreed on (RFC 2018 2)";
	for (unsigned i = 0; i < seg->sack_count; i++) {
		const uint32_t *b = seg->sack[i];
		if (!before(b[0], b[1]) || before(peer->max, b[1]))
			return "a SACK block is empty, or covers what was never sent";
		if (i > 0 && !before(seg->ack, b[0]))
			return "a SACK block below the acknowledgment number that is not the first";
		for (unsigned k = 1; k < i; k++)
			if (before(b[0], seg->sack[k][1]) && before(seg->sack[k][0], b[1]))
				return "two SACK blocks overlap";
	}
	return NULL;
}

static const char *check_timestamp(const struct side *me, const struct sim_segment *seg,
				   uint64_t now_us)
{
	if (me->has_ts && !seg->has_ts)
		return "a segment without timestamps, which were negotiated (RFC 7323 3.2)";
	if (me->has_ts && now_us - me->ts_us < TS_WRAP_US && before(seg->ts_val, me->ts_val))
		return "the timestamp clock went back";
	return NULL;
}

/* RFC 3168 6.1.1, RFC 9768 table 2: which kind of ECN does a SYN ask for, or a SYN-ACK grant? */
static enum ecn_kind ecn_kind_of(const struct sim_segment *seg)
{
	switch (seg->flags & (SIM_AE | SIM_CWR | SIM_ECE)) {
	case 0:
		return ECN_NONE;
	case SIM_ECE:
		return seg->flags & SIM_ACK ? ECN_CLASSIC : ECN_NONE;
	case SIM_CWR | SIM_ECE:
		return seg->flags & SIM_ACK ? ECN_ACCURATE : ECN_CLASSIC;
	default:
		return ECN_ACCURATE;
	}
}

static void note_ecn_setup(struct flow *f, unsigned from, const struct sim_segment *seg)
{
	struct side *me = &f->side[from];
	const enum ecn_kind kind = ecn_kind_of(seg);

	if (kind == ECN_NONE)
		me->ecn_plain = true;
	else
		me->ecn_setup = kind;
}

/* RFC 3168 6.1, RFC 9768: who may speak of ECN, and on what. */
static const char *check_ecn(const struct flow *f, unsigned from, const struct sim_packet *p,
			     const struct sim_segment *seg)
{
	const struct side *me = &f->side[from], *peer = &f->side[1 - from];
	const bool agreed = me->ecn_setup && peer->ecn_setup;
	const bool accurate = me->ecn_setup == ECN_ACCURATE && peer->ecn_setup == ECN_ACCURATE;
	const bool fresh = seg->len > 0 && !(seg->flags & SIM_SYN) && !before(seg->seq, me->max);

	if (seg->ecn != SIM_NOT_ECT && (seg->ecn != SIM_ECT0 || !agreed || me->ecn_plain || !fresh))
		return "ECT on a packet that may not have it (RFC 3168 6.1)";
	if (seg->flags & SIM_SYN)
		return NULL;
	if ((seg->flags & (SIM_ECE | SIM_CWR | SIM_AE)) && !agreed)
		return "ECE, CWR or AE that was not agreed on";
	if ((seg->flags & SIM_AE) && !accurate)
		return "AE that was not agreed on";
	if ((seg->flags & SIM_CWR) && !accurate && !fresh)
		return "CWR without new data (RFC 3168 6.1.2)";
	if ((seg->flags & SIM_CWR) && p->gso_size)
		return "CWR on a super segment, whose pieces may all have it";
	return NULL;
}

static unsigned matches_of(const struct flow *f, unsigned from, const struct sim_segment *seg)
{
	const struct side *me = &f->side[from], *peer = &f->side[1 - from];
	unsigned m = 1u << SIM_MATCH_ANY;

	if (seg->flags & SIM_SYN)
		m |= 1u << (seg->flags & SIM_ACK ? SIM_MATCH_SYN_ACK : SIM_MATCH_SYN);
	if (seg->flags & SIM_FIN)
		m |= 1u << SIM_MATCH_FIN;
	if (seg->flags & SIM_RST)
		m |= 1u << SIM_MATCH_RST;
	if (seg->len)
		m |= 1u << SIM_MATCH_DATA;
	if (peer->fin && (seg->flags & SIM_ACK) && seg->ack == peer->fin_end)
		m |= 1u << SIM_MATCH_ACK_OF_FIN;
	if (seg->len || (seg->flags & (SIM_SYN | SIM_FIN | SIM_RST)))
		return m;
	m |= 1u << SIM_MATCH_ACK;
	if (me->acked && seg->ack == me->ack && seg->wnd > me->wnd)
		m |= 1u << SIM_MATCH_WINDOW_UPDATE;
	return m;
}

static void note_sent(const struct sim *sim, struct flow *f, unsigned from,
		      const struct sim_segment *seg)
{
	struct side *me = &f->side[from];
	const uint32_t end = seg->seq + sim_segment_space(seg);

	if (!me->syn) { /* its SYN was never seen: the flow of a scripted peer */
		me->syn = true;
		me->isn = seg->seq;
		me->max = end;
	}
	const bool made_up = !sim->host[from].stack && end - me->isn > PLAUSIBLE;
	if (before(me->max, end) && !made_up)
		me->max = end;
	if (seg->flags & SIM_FIN) {
		me->fin = true;
		me->fin_end = end;
	}
	if (seg->flags & SIM_ACK) {
		const uint32_t edge = seg->ack + scaled(f, from, seg);
		me->edge = me->acked && before(edge, me->edge) ? me->edge : edge;
		me->acked = true;
		me->ack = seg->ack;
		me->wnd = seg->wnd;
	}
	if (seg->has_ts && (seg->flags & (SIM_SYN | SIM_ACK)) != SIM_SYN) {
		me->has_ts = true;
		me->ts_val = seg->ts_val;
		me->ts_us = sim->now_us;
	}
}

/* An answer to somebody who is not in this world, like the sources of a flood: flows are known by their ports. */
static bool goes_elsewhere(unsigned from, const struct sim_segment *seg)
{
	return memcmp(seg->dst, sim_host_addr(1 - from).bytes, 4) != 0;
}

unsigned sim_watch_sent(struct sim_watch *w, unsigned from, const struct sim_packet *p)
{
	static const char *const name[] = {"A", "B"};
	struct sim *sim = w->sim;
	struct sim_segment seg;
	const bool judged = sim->host[from].stack != NULL;
	const char *wrong = sim_packet_parse(p, &seg);

	if (!wrong)
		wrong = sim_packet_check_sums(p);
	if (wrong) {
		if (judged)
			sim_fail(sim, "host %s sent a bad packet: %s", name[from], wrong);
		return 1u << SIM_MATCH_ANY;
	}
	if (goes_elsewhere(from, &seg))
		return 1u << SIM_MATCH_ANY;
	struct flow *f = find_flow(w, from, &seg);
	if (!f)
		f = add_flow(w, from, &seg);
	if (seg.flags & SIM_SYN)
		take_syn(f, from, &seg, judged, !sim->host[1 - from].stack);
	if (seg.flags & SIM_SYN)
		note_ecn_setup(f, from, &seg);
	const unsigned matches = matches_of(f, from, &seg);
	/* A RST answers what may belong to no connection: it says nothing about the flow. */
	if (seg.flags & SIM_RST)
		return matches;
	if (judged) {
		wrong = check_sizes(w, from, &f->side[1 - from], p, &seg);
		if (!wrong)
			wrong = check_ack(f, from, &seg);
		if (!wrong)
			wrong = check_window(f, from, &seg);
		if (!wrong)
			wrong = check_sack(f, from, &seg);
		/* Which SYN of a scripted peer the stack has believed is not known. */
		if (!wrong && sim->host[1 - from].stack)
			wrong = check_ecn(f, from, p, &seg);
		if (!wrong)
			wrong = check_timestamp(&f->side[from], &seg, sim->now_us);
		if (wrong)
			sim_fail(sim, "host %s, on the wire: %s", name[from], wrong);
	}
	note_sent(sim, f, from, &seg);
	return matches;
}

void sim_watch_arrived(struct sim_watch *w, unsigned to, const struct sim_packet *p)
{
	struct sim_segment seg;

	if (sim_packet_parse(p, &seg))
		return;
	struct flow *f = find_flow(w, 1 - to, &seg);
	if (!f || !(seg.flags & SIM_ACK) || (seg.flags & SIM_RST))
		return;
	struct side *me = &f->side[to];
	const uint32_t edge = seg.ack + scaled(f, 1 - to, &seg);
	/* What a scripted peer makes up does not count. */
	if (seg.ack - me->isn > me->max - me->isn)
		return;
	if (!me->window || before(me->allowed, edge))
		me->allowed = edge;
	me->window = true;
}

void sim_watch_relative(const struct sim_watch *w, unsigned from, const struct sim_segment *seg,
			uint32_t *seq, uint32_t *ack)
{
	const struct flow *f = find_flow(w, from, seg);

	*seq = seg->seq - (f && f->side[from].syn ? f->side[from].isn : 0);
	*ack = seg->ack - (f && f->side[1 - from].syn ? f->side[1 - from].isn : 0);
	if (!(seg->flags & SIM_ACK))
		*ack = 0;
}

/* ------------------------------------------------------------------ in the stacks */

static struct tcb *tcb_of(struct sim_watch *w, unsigned host, uint64_t id)
{
	if (id >= w->tcb_count[host]) {
		const uint64_t count = 2 * id + 16;
		struct tcb *more = sim_alloc(count * sizeof *more);
		if (w->tcb[host])
			memcpy(more, w->tcb[host], w->tcb_count[host] * sizeof *more);
		free(w->tcb[host]);
		w->tcb[host] = more;
		w->tcb_count[host] = count;
	}
	return &w->tcb[host][id];
}

/* Slow start at most doubles what was acknowledged, recovery adds what was in flight: whoever
 * acknowledges in small pieces, twice or ahead of time gets no more than that (RFC 3465, RFC
 * 5681 3.2). */
static bool window_is_earned(const struct tcp_info *info)
{
	const uint64_t initial = 10ull * info->snd_mss;

	return info->cwnd <= 2 * (initial + info->bytes_out) + 8ull * info->snd_mss;
}

static const char *compare(struct tcb *t, const struct tcp_info *info)
{
	const uint32_t edge = info->rcv_nxt + info->rcv_wnd;
	const char *wrong = NULL;

	if (t->seen && before(info->rcv_nxt, t->rcv_nxt))
		wrong = "RCV.NXT moved back";
	else if (t->seen && before(info->snd_una, t->snd_una))
		wrong = "SND.UNA moved back";
	else if (t->seen && before(edge, t->edge))
		wrong = "the advertised edge moved left";
	else if (!window_is_earned(info))
		wrong = "the congestion window is larger than acknowledged bytes can explain";
	*t = (struct tcb){true, info->rcv_nxt, info->snd_una, edge};
	return wrong;
}

static void look_at(void *ctx, const struct tcp_info *info)
{
	static const char *const name[] = {"A", "B"};
	struct sim_watch *w = ctx;

	if (info->timer_us < w->first_timer_us)
		w->first_timer_us = info->timer_us;
	if (info->state == TCP_SYN_SENT || info->state == TCP_CLOSED)
		return;
	const char *wrong = compare(tcb_of(w, w->host, info->id), info);
	if (wrong)
		sim_fail(w->sim, "host %s, connection %llu in %s: %s", name[w->host],
			 (unsigned long long)info->id, tcp_state_name(info->state), wrong);
}

void sim_watch_stack(struct sim_watch *w, struct sim_host *host)
{
	struct stack_usage usage;
	const char *broken = stack_check(host->stack);

	if (broken) {
		sim_fail(w->sim, "host %s: stack_check: %s", host->name, broken);
		return;
	}
	stack_get_usage(host->stack, &usage);
	if (usage.connections + usage.half_open + usage.time_wait > CHECK_OFTEN_CONNS &&
	    ++w->turns[host->index] % 16 != 0)
		return;
	w->host = host->index;
	w->first_timer_us = UINT64_MAX;
	stack_each_conn(host->stack, look_at, w);
	if (w->first_timer_us != UINT64_MAX &&
	    stack_next_timeout(host->stack) > w->first_timer_us + TIMER_SLACK_US)
		sim_fail(w->sim, "host %s: stack_next_timeout is later than a timer", host->name);
}
