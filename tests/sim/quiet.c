/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quiet.c — what must not happen. On a link that loses nothing and keeps the order, not one segment
 * is sent twice, no timer runs out, full segments are full and ACKs are no more than data. With a
 * few losses in one window, fast retransmission finds them all and the retransmission timer stays
 * silent; so it does when the end is lost, behind which nothing tells of it.
 */
#include <stdio.h>

#include "tests/sim/scenario.h"

#define BYTES 600000u

static const struct stack_counters *counters(const struct sim *sim, unsigned host)
{
	return stack_get_counters(sim->host[host].stack);
}

/* ------------------------------------------------------------------ nothing lost */

static void check_quiet(struct sim *sim, const struct sim_pair *p, unsigned sender)
{
	const uint32_t mtu = p->cfg[0].mtu < p->cfg[1].mtu ? p->cfg[0].mtu : p->cfg[1].mtu;
	const uint64_t full = mtu - SIM_IP_HEADER - SIM_TCP_HEADER - 12;
	const uint64_t data = BYTES / full + 1;
	const uint64_t by_sender = sim->link[sender].counts.packets;
	const uint64_t by_receiver = sim->link[1 - sender].counts.packets;

	for (unsigned i = 0; i < 2 && !sim->failed; i++) {
		const struct stack_counters *n = counters(sim, i);
		if (n->tcp_retrans_segs || n->tcp_timeouts || n->tcp_fast_retransmits ||
		    n->tcp_out_of_order || n->tcp_out_rsts || n->tcp_out_of_window)
			sim_fail(sim,
				 "host %s: %llu segments sent again, %llu time-outs, %llu out of "
				 "order on a link without fault",
				 sim->host[i].name, (unsigned long long)n->tcp_retrans_segs,
				 (unsigned long long)n->tcp_timeouts,
				 (unsigned long long)n->tcp_out_of_order);
	}
	/* A few segments end at the edge of a window or of a write; then handshake and close. */
	if (!sim->failed && by_sender > data + data / 8 + 12)
		sim_fail(sim, "%llu packets for %llu full segments", (unsigned long long)by_sender,
			 (unsigned long long)data);
	if (!sim->failed && by_receiver > data + data / 8 + 12)
		sim_fail(sim, "%llu ACKs for %llu segments", (unsigned long long)by_receiver,
			 (unsigned long long)data);
}

static void run_lossless(struct sim *sim, unsigned index)
{
	static const uint64_t rtt[] = {20, 1000, 30000, 400000, 900000};
	static const uint64_t rate[] = {0, 1000000, 100000000};
	static const uint32_t mtu[] = {1500, 576, 9000};
	const unsigned sender = index % 2;
	struct sim_pair p;

	sim_pair_init(&p, sim);
	sim_set_delay(sim, rtt[index / 2 % 5]);
	for (unsigned i = 0; i < 2; i++) {
		sim->link[i].cfg.rate = rate[index / 10 % 3];
		p.cfg[i].mtu = mtu[index / 30 % 3];
		p.cfg[i].tso = index / 90 % 2;
		p.cfg[i].checksum_offload = p.cfg[i].tso;
		/* Less than the link can hold back without a time-out. */
		p.cfg[i].send_buffer_max = p.cfg[i].recv_buffer_max = 131072;
	}
	p.plan[sender].send = BYTES;
	snprintf(sim->about, sizeof sim->about, "rtt %llu us, rate %llu B/s, mtu %u%s",
		 (unsigned long long)rtt[index / 2 % 5], (unsigned long long)sim->link[0].cfg.rate,
		 p.cfg[0].mtu, p.cfg[0].tso ? ", tso" : "");
	sim_pair_once(&p);
	check_quiet(sim, &p, sender);
}

/* ------------------------------------------------------------------ a few lost */

/* One to four segments of the same window, side by side or apart (RFC 6582). */
static void run_recovery(struct sim *sim, unsigned index)
{
	const unsigned sender = index % 2;
	const unsigned lost = index / 2 % 4 + 1;
	const unsigned apart = index / 8 % 3 * 2 + 1;
	const unsigned isn = index / 24;
	struct sim_pair p;

	sim_pair_init(&p, sim);
	sim_set_delay(sim, 50 * SIM_MS);
	for (unsigned i = 0; i < 2; i++)
		sim_set_isn(&p.cfg[i], isn);
	p.plan[sender].send = BYTES;
	for (unsigned i = 0; i < lost; i++)
		sim_link_drop(&sim->link[sender], SIM_MATCH_DATA, 60 + i * apart, 1);
	snprintf(sim->about, sizeof sim->about, "%u segments lost, %u apart", lost, apart);
	sim_pair_once(&p);
	if (sim->failed)
		return;
	const struct stack_counters *n = counters(sim, sender);
	if (n->tcp_timeouts || n->tcp_fast_retransmits == 0)
		sim_fail(sim, "%llu time-outs and %llu fast retransmissions",
			 (unsigned long long)n->tcp_timeouts,
			 (unsigned long long)n->tcp_fast_retransmits);
	else if (n->tcp_retrans_segs != lost)
		sim_fail(sim, "%llu segments were sent again, %u were lost",
			 (unsigned long long)n->tcp_retrans_segs, lost);
}

/* The first loss of a connection comes when more than half of the sequence space has gone by without one: what is
 * remembered of former losses must not seem to lie ahead. */
static void run_late_loss(struct sim *sim, unsigned index)
{
	const unsigned mss = 65535 - SIM_IP_HEADER - SIM_TCP_HEADER - 12;
	const uint64_t bytes = (2ull << 30) + (100u << 20);
	struct sim_pair p;

	sim_pair_init(&p, sim);
	for (unsigned i = 0; i < 2; i++) {
		p.cfg[i].mtu = 65535;
		p.cfg[i].send_buffer_max = p.cfg[i].recv_buffer_max = 8u << 20;
		p.cfg[i].cc = index ? &tcp_cc_newreno : &tcp_cc_cubic;
	}
	p.plan[0].send = bytes;
	sim_link_drop(&sim->link[0], SIM_MATCH_DATA, (unsigned)(bytes / mss) - 400, 1);
	sim_pair_once(&p);
	const struct stack_counters *n = counters(sim, 0);
	if (!sim->failed && (n->tcp_timeouts || n->tcp_fast_retransmits != 1))
		sim_fail(sim, "%llu time-outs and %llu fast retransmissions",
			 (unsigned long long)n->tcp_timeouts,
			 (unsigned long long)n->tcp_fast_retransmits);
}

/* The last segment, which has the FIN, is lost (RFC 8985 7), at once or with the probe that repeats it. */
static void run_tail(struct sim *sim, unsigned index)
{
	static const uint64_t rtt[] = {100, 5000, 50000, 150000};
	const unsigned sender = index % 2;
	const unsigned lost = index / 2 % 2 + 1;
	struct sim_pair p;

	sim_pair_init(&p, sim);
	sim_set_delay(sim, rtt[index / 4 % 4]);
	for (unsigned i = 0; i < 2; i++) {
		sim_set_isn(&p.cfg[i], index / 16 % 4);
		p.cfg[i].tso = p.cfg[i].checksum_offload = index / 64 % 2;
	}
	p.plan[sender].send = BYTES;
	p.plan[sender].close = SIM_CLOSE_FIRST;
	p.plan[1 - sender].close = SIM_CLOSE_SECOND;
	sim_link_drop(&sim->link[sender], SIM_MATCH_FIN, 1, lost);
	snprintf(sim->about, sizeof sim->about, "rtt %llu us, the FIN lost %u times%s",
		 (unsigned long long)rtt[index / 4 % 4], lost, p.cfg[0].tso ? ", tso" : "");
	sim_pair_once(&p);
	if (sim->failed)
		return;
	const struct stack_counters *n = counters(sim, sender);
	if (n->tcp_loss_probes != 1 || n->tcp_timeouts != lost - 1)
		sim_fail(sim, "%llu loss probes and %llu time-outs",
			 (unsigned long long)n->tcp_loss_probes,
			 (unsigned long long)n->tcp_timeouts);
}

const struct sim_group sim_quiet_groups[] = {
	{"lossless", "nothing is sent twice when nothing is lost", 180, 0, run_lossless},
	{"recovery", "fast retransmission alone repairs a window", 96, 0, run_recovery},
	{"late-loss", "the first loss comes after 2 GiB", 1, 0, run_late_loss},
	{"tail", "a probe repairs the end, and only once", 128, 0, run_tail},
	{0},
};
