/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_info.c — what a connection looks like from outside. */
#include <string.h>

#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_demux.h"
#include "stack/tcp_reass.h"
#include "stack/tcp_syncache.h"
#include "stack/tcp_timer.h"
#include "stack/tcp_timewait.h"

/* What is counted and measured, and steers nothing. */
static void fill_metrics(const struct tcp_conn *c, struct tcp_info *info)
{
	const struct tcp_metrics *m = &c->metrics;

	info->rcv_mss = c->rcv_mss;
	info->adv_mss = tcp_our_mss(c->stack, c->node.tuple.version);
	info->ato_us = TCP_DELACK_US;
	info->quickacks = c->quickacks;
	info->bytes_sent = m->bytes_sent;
	info->bytes_retrans = m->bytes_retrans;
	info->data_segs_in = m->data_segs_in;
	info->data_segs_out = m->data_segs_out;
	info->last_data_sent_us = m->last_data_sent_us;
	info->last_data_recv_us = m->last_data_recv_us;
	info->last_ack_recv_us = m->last_ack_recv_us;
	info->backoff = c->backoff;
	info->unacked = c->snd_nxt - c->snd_una;
	info->not_sent = c->dead ? 0 : tcp_snd_end(c) - c->snd_nxt;
	info->send_rate = c->srtt_us > 0 ? c->cc.cwnd * UINT64_C(1000000) / c->srtt_us : 0;
	info->pacing_rate = tcp_pace_rate(c);
	info->delivery_rate = tcp_rate_sample(c);
	info->delivery_rate_app_limited = c->rate.sample_app_limited;
	info->delivered = c->rate.delivered;
	info->busy_us = tcp_chrono_us(c, TCP_CHRONO_BUSY);
	info->rwnd_limited_us = tcp_chrono_us(c, TCP_CHRONO_RWND);
	info->sndbuf_limited_us = tcp_chrono_us(c, TCP_CHRONO_SNDBUF);
}

void tcp_get_info(const struct tcp_conn *c, struct tcp_info *info)
{
	*info = (struct tcp_info){
		.id = c->id,
		.state = c->state,
		.local = tcp_tuple_local(&c->node.tuple),
		.remote = tcp_tuple_remote(&c->node.tuple),
		.snd_una = c->snd_una,
		.snd_nxt = c->snd_nxt,
		.snd_max = c->snd_max,
		.snd_wnd = c->snd_wnd,
		.iss = c->iss,
		.rcv_nxt = c->rcv_nxt,
		.rcv_wnd = c->rcv_adv - c->rcv_nxt,
		.irs = c->irs,
		.snd_mss = c->snd_mss,
		.peer_mss = c->peer_mss,
		.snd_wscale = c->snd_wscale,
		.rcv_wscale = c->rcv_wscale,
		.wscale_ok = c->wscale_ok,
		.timestamps = c->ts_ok,
		.sack = c->sack_ok,
		.cwnd = c->cc.cwnd,
		.ssthresh = c->cc.ssthresh,
		.srtt_us = c->srtt_us,
		.rttvar_us = c->rttvar_us,
		.rto_us = c->rto_us,
		.min_rtt_us = c->min_rtt_us == UINT64_MAX ? 0 : c->min_rtt_us,
		.opened_us = c->opened_us,
		.established_us = c->established_us,
		.bytes_in = c->bytes_in,
		.bytes_out = c->bytes_out,
		.segs_in = c->segs_in,
		.segs_out = c->segs_out,
		.retransmits = c->retransmits,
		.dup_acks_in = c->dup_acks_in,
		.out_of_order_in = c->out_of_order_in,
		.probes_out = c->probes_out,
		.send_queued = c->snd.len,
		.recv_queued = c->rcv.len,
		.memory = tcp_conn_memory(c),
		.timer = tcp_timer_name(c),
		.timer_us = c->xmit_mode != TCP_XMIT_NONE ? c->xmit_timer.deadline_us
							  : c->delack_timer.deadline_us,
		.cc_name = c->cc_ops->name,
		.pipe = tcp_pipe(c),
		.sacked = c->board.sacked,
		.lost = c->board.lost,
		.retransmitting = c->board.again,
		.recovery = c->in_recovery                   ? "recovery"
			    : seq_lt(c->snd_una, c->recover) ? "loss"
							     : "open",
		.reo_wnd_us = c->rack.reo_wnd_us,
		.dsacks_in = c->dsacks_in,
		.timeouts = c->timeouts,
		.pmtu = c->pmtu.mtu,
		.pmtu_probe = c->pmtu.probe_size,
		.blackhole = c->pmtu.blackhole,
		.mtu_probes_ok = c->pmtu.probes_ok,
		.mtu_probes_failed = c->pmtu.probes_failed,
		.ecn = c->ecn.mode != TCP_ECN_NONE,
		.accecn = c->ecn.mode == TCP_ECN_ACCURATE,
		.ecn_seen = c->ecn.seen,
		.ecn_ect = c->ecn.ect,
		.ecn_ce_in = c->ecn.ce_in,
		.ecn_reductions = c->ecn.reductions,
		.delivered_ce = c->ecn.delivered_ce,
		.rcv_limit = c->rcvbuf.limit,
		.rcv_space = c->rcvbuf.before,
		.rcv_rtt_us = c->rcvbuf.rtt_us,
	};
	fill_metrics(c, info);
}

static void info_of_node(const struct tcp_node *node, struct tcp_info *info)
{
	*info = (struct tcp_info){
		.local = tcp_tuple_local(&node->tuple),
		.remote = tcp_tuple_remote(&node->tuple),
		.timer_us = UINT64_MAX,
		.cc_name = "none",
		.recovery = "open",
	};
}

static void each_syncache(const struct stack *s, void (*fn)(void *, const struct tcp_info *),
			  void *ctx)
{
	struct tcp_info info;

	for (struct list *n = s->syncache.next; n != &s->syncache; n = n->next) {
		const struct syncache_entry *e = list_entry(n, struct syncache_entry, link);
		info_of_node(&e->node, &info);
		info.id = e->id;
		info.state = TCP_SYN_RECEIVED;
		info.iss = info.snd_una = e->iss;
		info.snd_nxt = info.snd_max = e->iss + 1;
		info.irs = e->irs;
		info.rcv_nxt = e->irs + 1;
		info.rcv_wnd = e->rcv_wnd;
		info.opened_us = e->opened_us;
		info.retransmits = e->retries;
		info.memory = sizeof *e;
		info.timer = "syn-ack";
		info.timer_us = e->timer.deadline_us;
		fn(ctx, &info);
	}
}

static void each_timewait(const struct stack *s, void (*fn)(void *, const struct tcp_info *),
			  void *ctx)
{
	struct tcp_info info;

	for (struct list *n = s->timewait.next; n != &s->timewait; n = n->next) {
		const struct timewait *tw = list_entry(n, struct timewait, link);
		info_of_node(&tw->node, &info);
		info.id = tw->id;
		info.state = TCP_TIME_WAIT;
		info.snd_una = info.snd_nxt = info.snd_max = tw->snd_nxt;
		info.rcv_nxt = tw->rcv_nxt;
		info.rcv_wnd = tw->rcv_wnd;
		info.memory = sizeof *tw;
		info.timer = "time-wait";
		info.timer_us = tw->timer.deadline_us;
		fn(ctx, &info);
	}
}

void stack_each_conn(const struct stack *s, void (*fn)(void *ctx, const struct tcp_info *info),
		     void *ctx)
{
	struct tcp_info info;

	for (struct list *n = s->conns.next; n != &s->conns; n = n->next) {
		const struct tcp_conn *c = list_entry(n, struct tcp_conn, link);
		if (c->dead)
			continue;
		tcp_get_info(c, &info);
		fn(ctx, &info);
	}
	each_syncache(s, fn, ctx);
	each_timewait(s, fn, ctx);
}
