/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pmtu.c — links that take less than the hosts' own, from the start or from the middle of a flow on: with
 * routers that say so (RFC 1191, RFC 8201), with old ones that do not say how much, with few words, or with none
 * at all, because somebody filters ICMP. And messages that are forged (RFC 5927).
 */
#include <stdio.h>
#include <string.h>

#include "tests/sim/scenario.h"

#define DAY (24ull * 3600 * SIM_SECOND)
#define LEAST_V4 576u
#define LEAST_V6 (1280u - 20) /* as the simulator sees packets */

enum telling {
	TELLS,  /* each packet's sender, with the MTU        */
	OLD,    /* the same with MTU 0, IPv4 only            */
	RARELY, /* one message in 100 ms                     */
	SILENT, /* ICMP is filtered                          */
	TELLINGS,
};

/* The router in front of a link whose MTU is small. */
struct router {
	struct sim *sim;
	enum telling telling;
	uint64_t told_us;
	uint64_t told;
};

/* ------------------------------------------------------------------ messages */

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t add(uint32_t acc, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i += 2)
		acc += (uint32_t)(p[i] << 8) | (i + 1 < len ? p[i + 1] : 0u);
	return acc;
}

static uint32_t checksum(uint32_t acc)
{
	acc = (acc & 0xffff) + (acc >> 16);
	return (uint16_t) ~((acc & 0xffff) + (acc >> 16));
}

/* "Fragmentation needed", about the packet whose head is `quoted`. */
static struct sim_packet *message_v4(const uint8_t *quoted, uint32_t mtu)
{
	struct sim_packet *m = sim_packet_new(20 + 8 + 28);
	uint8_t *b = m->bytes;

	memset(b, 0, m->len);
	b[0] = 0x45;
	put16(b + 2, (uint32_t)m->len);
	b[8] = 64;
	b[9] = 1;
	memcpy(b + 12, quoted + 16, 4); /* from the one it was for */
	memcpy(b + 16, quoted + 12, 4);
	put16(b + 10, checksum(add(0, b, 20)));
	b[20] = 3;
	b[21] = 4;
	put16(b + 26, mtu);
	memcpy(b + 28, quoted, 28);
	put16(b + 22, checksum(add(0, b + 20, 36)));
	return m;
}

/* "Packet too big", about the packet whose head is `quoted`. */
static struct sim_packet *message_v6(const uint8_t *quoted, uint32_t mtu)
{
	struct sim_packet *m = sim_packet_new(40 + 8 + 48);
	uint8_t *b = m->bytes;

	memset(b, 0, m->len);
	b[0] = 0x60;
	put16(b + 4, 56);
	b[6] = 58;
	b[7] = 64;
	memcpy(b + 8, quoted + 24, 16);
	memcpy(b + 24, quoted + 8, 16);
	b[40] = 2;
	put16(b + 46, mtu);
	memcpy(b + 48, quoted, 48);
	put16(b + 42, checksum(add(58 + 56, b + 8, 32 + 56)));
	m->spoken = true;
	return m;
}

/* The sender of `p`, a packet as the simulator sees it, is told. */
static void tell(struct sim *sim, unsigned sender, const struct sim_packet *p, uint32_t mtu)
{
	struct sim_packet *quoted = sim_packet_copy(p), *m;

	if (sim->ipv6) {
		quoted = sim_packet_to_ipv6(quoted);
		m = message_v6(quoted->bytes, mtu + 20);
	} else {
		m = message_v4(quoted->bytes, mtu);
	}
	sim_packet_free(quoted);
	sim_deliver_at(sim, sender, m, sim->now_us + sim->link[sender].cfg.delay_us);
}

static void on_too_large(void *ctx, const struct sim_link *l, const struct sim_packet *p)
{
	struct router *r = ctx;

	if (r->telling == SILENT ||
	    (r->telling == RARELY && r->told > 0 && r->sim->now_us - r->told_us < 100 * SIM_MS))
		return;
	r->told++;
	r->told_us = r->sim->now_us;
	tell(r->sim, l->from, p, r->telling == OLD && !r->sim->ipv6 ? 0 : l->cfg.mtu);
}

static void put_router(struct router *r, struct sim *sim, unsigned from, enum telling telling)
{
	*r = (struct router){.sim = sim, .telling = telling};
	sim->link[from].too_large = on_too_large;
	sim->link[from].too_large_ctx = r;
}

static uint32_t least(const struct sim *sim)
{
	return sim->ipv6 ? LEAST_V6 : LEAST_V4;
}

static void change_mtu(void *ctx, void *arg)
{
	struct sim_link *l = ctx;

	l->cfg.mtu = (uint32_t)(uintptr_t)arg;
}

/* ------------------------------------------------------------------ by chance */

static uint32_t draw_mtu(struct sim *sim)
{
	static const uint32_t common[] = {576, 1280, 1400, 1420, 1492, 1500, 4352, 9000};
	struct sim_rng *r = &sim->rng;
	const uint32_t mtu = sim_rng_chance(r, SIM_PPM / 2)
				     ? common[sim_rng_below(r, sizeof common / sizeof *common)]
				     : (uint32_t)sim_rng_between(r, LEAST_V4, 9000);

	return mtu < least(sim) ? least(sim) : mtu;
}

static void draw_hosts(struct sim_pair *p)
{
	static const uint32_t mtu[] = {1500, 1500, 4000, 9000, 65535};
	struct sim_rng *r = &p->sim->rng;

	for (unsigned i = 0; i < 2; i++) {
		struct stack_config *cfg = &p->cfg[i];
		cfg->mtu = mtu[sim_rng_below(r, sizeof mtu / sizeof *mtu)];
		cfg->tso = sim_rng_chance(r, SIM_PPM / 2);
		cfg->checksum_offload = cfg->tso;
		cfg->user_timeout_us = cfg->syn_timeout_us = DAY;
		cfg->cc = sim_rng_chance(r, SIM_PPM / 2) ? &tcp_cc_newreno : &tcp_cc_cubic;
		sim_set_isn(cfg, (unsigned)sim_rng_below(r, 4));
	}
}

/* Both directions have links of their own that change twice while data flows. All of it arrives, whoever says what. */
static void run_random(struct sim *sim, unsigned index)
{
	static const uint32_t loss[] = {0, 0, 1000, 20000};
	struct sim_rng *r = &sim->rng;
	const uint64_t rtt_us = sim_rng_magnitude(r, 100, 200 * SIM_MS);
	struct router router[2];
	struct sim_pair p;

	sim_pair_init(&p, sim);
	sim->max_us = 30 * DAY;
	sim_set_delay(sim, rtt_us);
	draw_hosts(&p);
	for (unsigned i = 0; i < 2; i++) {
		struct sim_link *l = &sim->link[i];
		put_router(&router[i], sim, i,
			   (enum telling)((index + i * (index / 4)) % TELLINGS));
		l->cfg.mtu = draw_mtu(sim);
		l->cfg.loss_ppm = loss[sim_rng_below(r, 4)];
		l->cfg.reorder_ppm = sim_rng_chance(r, SIM_PPM / 4) ? 10000 : 0;
		l->cfg.reorder_us = rtt_us;
		if (sim_rng_chance(r, SIM_PPM / 2)) {
			l->cfg.rate = sim_rng_magnitude(r, 1000000, 100000000);
			l->cfg.queue = sim_rng_magnitude(r, 65536, 1u << 20);
		}
		for (unsigned k = 0; k < 2; k++)
			sim_at(sim, sim_rng_magnitude(r, rtt_us, 20 * SIM_SECOND), change_mtu, l,
			       (void *)(uintptr_t)draw_mtu(sim));
		p.plan[i].send = sim_rng_magnitude(r, 1, 4u << 20);
	}
	snprintf(sim->about, sizeof sim->about,
		 "rtt %.3f ms, host mtu %u/%u, link %u/%u, telling %d/%d", (double)rtt_us / 1000,
		 p.cfg[0].mtu, p.cfg[1].mtu, sim->link[0].cfg.mtu, sim->link[1].cfg.mtu,
		 router[0].telling, router[1].telling);
	sim_pair_once(&p);
}

/* ------------------------------------------------------------------ without loss */

static const uint32_t small[] = {576, 1006, 1280, 1400, 1492};

/* A path that is small from the start or from 300 ms on, in 5 MB at 10 MB/s: how soon is it found out, and how often is
 * what sent in vain? */
static void run_small(struct sim *sim, unsigned index)
{
	const enum telling telling = (enum telling)(index % TELLINGS);
	const bool later = index / TELLINGS % 2;
	const uint32_t mtu = small[index / TELLINGS / 2 % 5];
	const bool tso = index / TELLINGS / 2 / 5 % 2;
	struct router router;
	struct sim_pair p;

	sim_pair_init(&p, sim);
	sim_set_delay(sim, 10 * SIM_MS);
	sim->link[0].cfg.rate = 10000000;
	sim->link[0].cfg.queue = 1u << 20;
	put_router(&router, sim, 0, telling);
	const uint32_t path = mtu < least(sim) ? least(sim) : mtu;
	if (later)
		sim_at(sim, 300 * SIM_MS, change_mtu, &sim->link[0], (void *)(uintptr_t)path);
	else
		sim->link[0].cfg.mtu = path;
	p.cfg[0].tso = p.cfg[0].checksum_offload = tso;
	p.plan[0].send = 5000000;
	snprintf(sim->about, sizeof sim->about, "%s path of %u, telling %d%s",
		 later ? "later a" : "a", path, telling, tso ? ", tso" : "");
	sim_pair_once(&p);
	const struct stack_counters *n = stack_get_counters(sim->host[0].stack);
	const uint64_t too_large = sim->link[0].counts.too_large;
	/* At 10 MB/s 5 MB take half a second; the rest is for time-outs, a window that begins anew, and smaller
	 * packets' headers. */
	const uint64_t limit = telling == SILENT ? 8 * SIM_SECOND : 3 * SIM_SECOND;
	if (p.app[1].complete_us > limit)
		sim_fail(sim, "it took %.3f s", (double)p.app[1].complete_us / 1e6);
	if (telling != SILENT && !later && n->tcp_timeouts > 0)
		sim_fail(sim, "%llu time-outs although there were messages",
			 (unsigned long long)n->tcp_timeouts);
	if (telling == TELLS && n->tcp_pmtu_reductions != 1)
		sim_fail(sim, "the size fell %llu times",
			 (unsigned long long)n->tcp_pmtu_reductions);
	if (telling == SILENT && (n->tcp_pmtud_blackhole == 0 || router.told > 0))
		sim_fail(sim, "no black hole was found");
	/* One window in vain, and a few tries; a message that comes late costs a second one. */
	if (too_large > 1200)
		sim_fail(sim, "%llu packets were too large", (unsigned long long)too_large);
}

/* ------------------------------------------------------------------ the search */

static void note_size(void *ctx, const struct tcp_info *info)
{
	uint32_t *size = ctx;

	if (info->state == TCP_ESTABLISHED || info->state == TCP_FIN_WAIT_1)
		*size = info->pmtu;
}

static void ask_size(void *ctx, void *arg)
{
	const struct sim *sim = ctx;

	stack_each_conn(sim->host[0].stack, note_size, arg);
}

/* Nobody says anything. Twelve seconds later the size is within 32 bytes of what the path takes, or all of it when
 * the path is whole again, and the probes that got lost have cost nothing. */
static void run_search(struct sim *sim, unsigned index)
{
	static const uint32_t path[] = {1280, 1400, 1472, 1492, 9000};
	const uint32_t mtu = path[index % 5];
	uint32_t found = 0;
	struct sim_pair p;

	sim_pair_init(&p, sim);
	sim_set_delay(sim, 10 * SIM_MS);
	sim->link[0].cfg.rate = 4000000;
	sim->link[0].cfg.queue = 1u << 20;
	sim->link[0].cfg.mtu = mtu == 9000 ? least(sim) + 100 : mtu;
	p.cfg[0].tso = p.cfg[0].checksum_offload = index / 5 % 2;
	p.cfg[0].send_buffer_max = 256u << 10;
	p.plan[0].send = 60000000;
	sim_at(sim, 2 * SIM_SECOND, change_mtu, &sim->link[0], (void *)(uintptr_t)mtu);
	sim_at(sim, 12 * SIM_SECOND, ask_size, sim, &found);
	snprintf(sim->about, sizeof sim->about, "a silent path of %u", mtu);
	sim_pair_once(&p);
	const struct stack_counters *n = stack_get_counters(sim->host[0].stack);
	const uint32_t truth = (mtu < 1500 ? mtu : 1500) + (sim->ipv6 ? 20 : 0);
	if (found > truth || found + 32 < truth)
		sim_fail(sim, "the size is %u instead of %u", found, truth);
	if (n->tcp_timeouts > 4 || n->tcp_mtup_fail > 8)
		sim_fail(sim, "%llu time-outs, %llu probes lost",
			 (unsigned long long)n->tcp_timeouts, (unsigned long long)n->tcp_mtup_fail);
}

/* ------------------------------------------------------------------ forgeries */

struct forger {
	struct sim *sim;
	uint64_t id; /* of the connection */
	uint32_t una, nxt, cwnd;
	unsigned left;
};

static void look(void *ctx, const struct tcp_info *info)
{
	struct forger *f = ctx;

	if (info->state == TCP_ESTABLISHED || info->state == TCP_FIN_WAIT_1) {
		f->una = info->snd_una;
		f->nxt = info->snd_nxt;
		f->cwnd = info->cwnd;
		f->id = info->id;
	}
}

/* Every 100 µs a message that knows more than any forger can: ports, and a number that is in flight. */
static void forge(void *ctx, void *arg)
{
	struct forger *f = ctx;
	struct sim *sim = f->sim;
	struct sim_segment seg = {
		.src_port = SIM_CLIENT_PORT, .dst_port = SIM_PORT, .flags = SIM_ACK};

	(void)arg;
	f->id = 0;
	stack_each_conn(sim->host[0].stack, look, f);
	if (f->id && f->nxt != f->una) {
		const struct ip_addr from = sim_host_addr(0), to = sim_host_addr(1);
		memcpy(seg.src, from.bytes, 4);
		memcpy(seg.dst, to.bytes, 4);
		seg.seq = f->una + (uint32_t)sim_rng_below(&sim->rng, f->nxt - f->una);
		struct sim_packet *p = sim_packet_from_segment(&seg);
		tell(sim, 0, p, (uint32_t)sim_rng_below(&sim->rng, 1500));
		sim_packet_free(p);
	}
	if (--f->left > 0)
		sim_at(sim, sim->now_us + 100, forge, f, NULL);
}

static void run_forged(struct sim *sim, unsigned index)
{
	struct forger f = {.sim = sim, .left = 8000};
	struct sim_pair p;

	sim_pair_init(&p, sim);
	sim_set_delay(sim, 10 * SIM_MS);
	sim->link[0].cfg.rate = 10000000;
	sim->link[0].cfg.queue = 4u << 20;
	sim_set_isn(&p.cfg[0], index % 4);
	p.cfg[0].tso = p.cfg[0].checksum_offload = index / 4 % 2;
	p.plan[0].send = 8000000;
	snprintf(sim->about, sizeof sim->about, "8000 forged messages");
	sim_at(sim, 100 * SIM_MS, forge, &f,
	       NULL); /* full segments have been acknowledged by then */
	sim_pair_once(&p);
	const struct stack_counters *n = stack_get_counters(sim->host[0].stack);
	if (n->icmp_in_pkt_too_bigs < 5000)
		sim_fail(sim, "only %llu messages", (unsigned long long)n->icmp_in_pkt_too_bigs);
	if (n->tcp_pmtu_reductions > 0 || n->tcp_retrans_segs > 0)
		sim_fail(sim, "the forger has had success: %llu reductions, %llu segments again",
			 (unsigned long long)n->tcp_pmtu_reductions,
			 (unsigned long long)n->tcp_retrans_segs);
}

const struct sim_group sim_pmtu_groups[] = {
	{"pmtu", "links that take less, and change; routers that say so or do not", 0, 40,
	 run_random},
	{"pmtu-small", "how soon a small path is found out", TELLINGS * 2 * 5 * 2, 0, run_small},
	{"pmtu-search", "probes find the size of a silent path", 20, 0, run_search},
	{"pmtu-forged", "forged messages about what is in flight", 8, 0, run_forged},
	{0},
};
