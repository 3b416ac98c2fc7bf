/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile.c — peers that cheat, lie, stop or never began in good faith. Each trick is a client that
 * asks our server for 200,000 bytes. What must hold: the judge of watch.h has nothing to say (the
 * congestion window stays earned, the liveness rule holds), no storm of packets, and all is freed
 * in bounded time. Where the trick is only odd and not deadly, the client must get every byte.
 */
#include <stdio.h>
#include <string.h>

#include "tests/sim/raw.h"

#define ANSWER 200000u
#define STORM_PACKETS 20000u
#define STEP_PACKETS \
	1500u /* ten answers a second for as long as the server is patient, and the data */

struct client;

struct trick {
	const char *name;
	bool whole; /* all bytes arrive and the close is orderly */
	void (*request)(struct client *c);
	void (*answer)(struct client *c, const struct sim_segment *seg, uint32_t fresh);
	uint16_t mss;
	uint8_t wscale;
	uint32_t window;
};

struct client {
	struct sim_raw raw;
	const struct trick *trick;
	unsigned sent; /* what the trick counts */
	bool planned;
};

static struct sim_rng *rng(struct client *c)
{
	return &c->raw.sim->rng;
}

/* ------------------------------------------------------------------ how to ask */

static void ask(struct client *c)
{
	sim_raw_data(&c->raw, 0, RAW_REQUEST, SIM_PSH);
}

static void ask_and_close(struct client *c)
{
	sim_raw_data(&c->raw, 0, RAW_REQUEST, SIM_PSH | SIM_FIN);
}

/* Single bytes, the last first. */
static void ask_backwards(struct client *c)
{
	sim_raw_ack(&c->raw);
	for (uint32_t i = RAW_REQUEST; i-- > 0;)
		sim_raw_data(&c->raw, i, 1, 0);
}

/* Pieces of random length at random places, until chance has covered it all, then the whole. */
static void ask_overlapping(struct client *c)
{
	for (unsigned i = 0; i < 60; i++) {
		const uint32_t from = (uint32_t)sim_rng_below(rng(c), RAW_REQUEST);
		sim_raw_data(&c->raw, from,
			     (uint32_t)sim_rng_between(rng(c), 1, RAW_REQUEST - from), 0);
	}
	ask(c);
}

static void ask_urgent(struct client *c)
{
	struct sim_segment seg = sim_raw_segment(&c->raw);

	seg.flags |= SIM_URG | SIM_PSH;
	seg.urgent = 0xffff;
	seg.payload = c->raw.request;
	seg.len = RAW_REQUEST;
	c->raw.snd_nxt += RAW_REQUEST;
	sim_raw_send(&c->raw, &seg);
}

/* Each segment of the request five times. */
static void ask_repeatedly(struct client *c)
{
	for (unsigned i = 0; i < 5; i++) {
		sim_raw_data(&c->raw, 0, 60, 0);
		sim_raw_data(&c->raw, 60, RAW_REQUEST - 60, 0);
	}
}

/* RFC 5961: a SYN, and RSTs that are in the window but not exact, must not end the connection. */
static void ask_between_blind_resets(struct client *c)
{
	static const int32_t off[] = {1, 2, 100, 10000, -1, 40000};

	sim_raw_ack(&c->raw); /* in SYN-RECEIVED a SYN may take it back to LISTEN */
	for (unsigned i = 0; i < sizeof off / sizeof *off; i++) {
		struct sim_segment seg = sim_raw_segment(&c->raw);
		seg.flags = i % 2 ? SIM_RST : SIM_RST | SIM_ACK;
		seg.seq += (uint32_t)off[i];
		sim_raw_send(&c->raw, &seg);
		seg.flags = SIM_SYN;
		sim_raw_send(&c->raw, &seg);
	}
	ask(c);
}

/* ------------------------------------------------------------------ how to answer */

/* What everybody does in the end: FIN for FIN. */
static void ack(struct client *c)
{
	if (c->raw.fin_in && !c->raw.fin_out)
		sim_raw_fin(&c->raw);
	else
		sim_raw_ack(&c->raw);
}

static bool occupies(const struct sim_segment *seg)
{
	return seg->len > 0 || (seg->flags & (SIM_FIN | SIM_SYN));
}

static void answer_all(struct client *c, const struct sim_segment *seg, uint32_t fresh)
{
	(void)fresh;
	if (occupies(seg))
		ack(c);
}

/* Savage et al. 1999: ten ACKs for each segment, each of a part of it. */
static void answer_divided(struct client *c, const struct sim_segment *seg, uint32_t fresh)
{
	const uint32_t to = c->raw.rcv_nxt;

	for (uint32_t i = 10; fresh >= 10 && i-- > 1;) {
		c->raw.rcv_nxt = to - fresh * i / 10;
		sim_raw_ack(&c->raw);
	}
	c->raw.rcv_nxt = to;
	answer_all(c, seg, fresh);
}

/* … twenty duplicates of each ACK. */
static void answer_many_times(struct client *c, const struct sim_segment *seg, uint32_t fresh)
{
	for (unsigned i = 0; fresh && i < 20; i++)
		sim_raw_ack(&c->raw);
	answer_all(c, seg, fresh);
}

/* … and ACKs of what has not come yet, or was never sent. */
static void answer_ahead(struct client *c, const struct sim_segment *seg, uint32_t fresh)
{
	const uint32_t at = c->raw.rcv_nxt;

	if (fresh) {
		c->raw.rcv_nxt = at + (uint32_t)sim_rng_below(rng(c), 20000);
		sim_raw_ack(&c->raw);
		c->raw.rcv_nxt = at;
	}
	answer_all(c, seg, fresh);
}

static void late_ack(void *ctx, void *arg)
{
	struct client *c = ctx;

	(void)arg;
	c->planned = false;
	if (!c->raw.reset)
		ack(c);
}

/* One ACK each half second, for whatever has come. */
static void answer_stretched(struct client *c, const struct sim_segment *seg, uint32_t fresh)
{
	(void)fresh;
	if (!occupies(seg) || c->planned)
		return;
	c->planned = true;
	sim_at(c->raw.sim, c->raw.sim->now_us + 500 * SIM_MS, late_ack, c, NULL);
}

/* SACK blocks of all kinds, none of which were agreed on, and none of which stay true. */
static void answer_with_sack(struct client *c, const struct sim_segment *seg, uint32_t fresh)
{
	struct sim_segment out = sim_raw_segment(&c->raw);

	out.has_ts = false;
	out.sack_count = 3;
	for (unsigned i = 0; i < 3; i++) {
		out.sack[i][0] = c->raw.rcv_nxt + (uint32_t)sim_rng_below(rng(c), 100000);
		out.sack[i][1] = out.sack[i][0] + (uint32_t)sim_rng_next(rng(c));
	}
	if (fresh)
		sim_raw_send(&c->raw, &out);
	answer_all(c, seg, fresh);
}

/* The window goes up and down, to zero and back: legal, though a peer SHOULD NOT (RFC 9293
 * 3.8.6). */
static void answer_shrinking(struct client *c, const struct sim_segment *seg, uint32_t fresh)
{
	static const uint32_t window[] = {65535, 3000, 0, 1, 20000, 500};

	c->raw.window = window[c->sent++ % 6];
	answer_all(c, seg, fresh);
	if (c->raw.window == 0) { /* and an update, or only probes would go on */
		c->raw.window = 4000;
		sim_raw_ack(&c->raw);
	}
}

/* Never more than one small piece. */
static void answer_with_tiny_window(struct client *c, const struct sim_segment *seg, uint32_t fresh)
{
	c->raw.window = 300;
	answer_all(c, seg, fresh);
}

static void answer_with_shut_window(struct client *c, const struct sim_segment *seg, uint32_t fresh)
{
	if (c->raw.received - fresh > 20000)
		c->raw.window = 0;
	if (c->raw.window == 0 && fresh) { /* nothing is taken from the probes */
		c->raw.rcv_nxt -= fresh;
		c->raw.received -= fresh;
	}
	answer_all(c, seg, fresh);
}

static void answer_for_a_while(struct client *c, const struct sim_segment *seg, uint32_t fresh)
{
	if (c->raw.received < 30000)
		answer_all(c, seg, fresh);
}

/* Takes everything, acknowledges the FIN, and never sends its own. */
static void answer_without_fin(struct client *c, const struct sim_segment *seg, uint32_t fresh)
{
	(void)fresh;
	if (occupies(seg))
		sim_raw_ack(&c->raw);
}

/* … or never acknowledges the FIN. */
static void answer_all_but_fin(struct client *c, const struct sim_segment *seg, uint32_t fresh)
{
	if (!c->raw.fin_in)
		answer_all(c, seg, fresh);
}

static void answer_then_reset(struct client *c, const struct sim_segment *seg, uint32_t fresh)
{
	struct sim_segment rst = sim_raw_segment(&c->raw);

	if (c->raw.received < 30000) {
		answer_all(c, seg, fresh);
		return;
	}
	rst.flags = SIM_RST;
	sim_raw_send(&c->raw, &rst);
	c->raw.quiet = true;
}

/* Data behind the own FIN, and data that nobody reads once the server has closed. */
static void answer_with_more_data(struct client *c, const struct sim_segment *seg, uint32_t fresh)
{
	struct sim_segment out = sim_raw_segment(&c->raw);

	answer_all(c, seg, fresh);
	out.payload = c->raw.request;
	out.len = 50;
	if (c->raw.fin_out && c->sent++ < 20)
		sim_raw_send(&c->raw, &out);
}

/* Every packet is answered with an ACK from outside the window: two hosts that are out of step
 * must not talk for ever (draft-gont-tcpm-tcp-seq-validation). */
static void answer_out_of_step(struct client *c, const struct sim_segment *seg, uint32_t fresh)
{
	struct sim_segment out = sim_raw_segment(&c->raw);

	(void)seg;
	(void)fresh;
	out.seq += 3000000;
	if (c->sent++ < 5000)
		sim_raw_send(&c->raw, &out);
}

static void mutate(struct client *c, struct sim_segment *seg)
{
	struct sim_rng *r = rng(c);

	switch (sim_rng_below(r, 8)) {
	case 0:
		seg->seq += (uint32_t)sim_rng_magnitude(r, 1, UINT32_MAX);
		break;
	case 1:
		seg->seq -= (uint32_t)sim_rng_magnitude(r, 1, 100000);
		break;
	case 2:
		seg->ack += (uint32_t)sim_rng_magnitude(r, 1, UINT32_MAX);
		break;
	case 3:
		seg->flags = (uint8_t)sim_rng_below(r, 256) & (uint8_t)~SIM_RST;
		break;
	case 4:
		seg->len = (uint32_t)sim_rng_below(r, RAW_REQUEST);
		break;
	case 5:
		seg->ts_val -= (uint32_t)sim_rng_magnitude(r, 1, UINT32_MAX);
		break;
	case 6:
		seg->ts_ecr = (uint32_t)sim_rng_next(r);
		break;
	default:
		seg->has_ts = false;
		seg->urgent = (uint16_t)sim_rng_next(r);
		break;
	}
}

/* Good segments with mutated ones in between, and packets that are noise altogether. */
static void answer_with_garbage(struct client *c, const struct sim_segment *seg, uint32_t fresh)
{
	for (unsigned i = 0; fresh && i < 3; i++) {
		struct sim_segment out = sim_raw_segment(&c->raw);
		out.payload = c->raw.request;
		mutate(c, &out);
		struct sim_packet *p = sim_packet_from_segment(&out);
		if (sim_rng_chance(rng(c), SIM_PPM / 3))
			p->bytes[sim_rng_below(rng(c), p->len)] ^=
				(uint8_t)(1u << sim_rng_below(rng(c), 8));
		if (sim_rng_chance(rng(c), SIM_PPM / 10))
			p->len = sim_rng_below(rng(c), p->len) + 1;
		sim_peer_send_raw(c->raw.sim, 0, p);
	}
	answer_all(c, seg, fresh);
}

/* ------------------------------------------------------------------ the table */

static const struct trick tricks[] = {
	{"plays by the rules", true, ask, answer_all, 1460, 7, 1u << 20},
	{"half-closes with its request", true, ask_and_close, answer_all, 1460, 0, 65535},
	{"asks in single bytes, backwards", true, ask_backwards, answer_all, 1460, 0, 65535},
	{"asks in overlapping pieces", true, ask_overlapping, answer_all, 1460, 0, 65535},
	{"asks with urgent data", true, ask_urgent, answer_all, 1460, 0, 65535},
	{"sends everything five times", true, ask_repeatedly, answer_all, 1460, 0, 65535},
	{"is attacked with blind RSTs and SYNs", true, ask_between_blind_resets, answer_all, 1460,
	 0, 65535},
	{"divides its ACKs", true, ask, answer_divided, 1460, 0, 65535},
	{"repeats its ACKs", true, ask, answer_many_times, 1460, 0, 65535},
	{"acknowledges ahead", false, ask, answer_ahead, 1460, 0, 65535},
	{"stretches its ACKs", true, ask, answer_stretched, 1460, 7, 1u << 20},
	{"lies with SACK blocks", true, ask, answer_with_sack, 1460, 0, 65535},
	{"shrinks its window", false, ask, answer_shrinking, 1460, 0, 65535},
	{"has a tiny window", true, ask, answer_with_tiny_window, 1460, 0, 300},
	{"shuts its window for good", false, ask, answer_with_shut_window, 1460, 0, 65535},
	{"vanishes", false, ask, answer_for_a_while, 1460, 0, 65535},
	{"never sends a FIN", false, ask, answer_without_fin, 1460, 0, 65535},
	{"never acknowledges the FIN", false, ask, answer_all_but_fin, 1460, 0, 65535},
	{"resets", false, ask, answer_then_reset, 1460, 0, 65535},
	{"sends data behind its FIN", true, ask_and_close, answer_with_more_data, 1460, 0, 65535},
	{"is out of step", false, ask, answer_out_of_step, 1460, 0, 65535},
	{"mixes in garbage", false, ask, answer_with_garbage, 1460, 0, 65535},
	{"offers an MSS of 0", true, ask, answer_all, 0, 0, 65535},
	{"offers an MSS of 1", true, ask, answer_all, 1, 0, 65535},
	{"offers an MSS of 65535", true, ask, answer_all, 65535, 0, 65535},
	{"has a window of 0 from the start", false, ask, answer_with_shut_window, 1460, 0, 0},
};

#define TRICKS ((unsigned)(sizeof tricks / sizeof *tricks))

/* ------------------------------------------------------------------ running one */

static void on_packet(void *ctx, const struct sim_segment *seg)
{
	struct client *c = ctx;
	const bool was = c->raw.established;

	if (c->raw.reset || c->raw.quiet)
		return;
	const uint32_t fresh = sim_raw_take(&c->raw, seg);
	if (c->raw.reset)
		return;
	if (!was)
		c->trick->request(c);
	else
		c->trick->answer(c, seg, fresh);
}

static void server_plan(struct sim_plan *plan, bool strict, bool orphan)
{
	*plan = (struct sim_plan){
		.send = ANSWER,
		.receive = RAW_REQUEST,
		.close = orphan ? SIM_CLOSE_AT_ONCE : SIM_CLOSE_DONE,
		.give_up_us = 2000 * SIM_SECOND,
		.may_miss = !strict,
		.unchecked = !strict,
		.reasons = strict ? 0 : ~0u,
	};
}

static void check_end(struct sim *sim, const struct client *c, uint64_t most)
{
	if (c->trick->whole && (c->raw.received != ANSWER || !c->raw.fin_in || c->raw.reset))
		sim_fail(sim, "the peer got %llu of %u bytes%s%s",
			 (unsigned long long)c->raw.received, ANSWER,
			 c->raw.fin_in ? "" : ", no FIN", c->raw.reset ? ", a reset" : "");
	if (sim->link[1].counts.packets > most)
		sim_fail(sim, "the server sent %llu packets: a storm",
			 (unsigned long long)sim->link[1].counts.packets);
}

/* Each trick with each ISN, against an application that keeps its handle and one that gives it
 * back. */
static void run_trick(struct sim *sim, unsigned index)
{
	const struct trick *trick = &tricks[index % TRICKS];
	const unsigned isn = index / TRICKS % 4;
	const bool orphan = index / TRICKS / 4 % 2;
	struct sim_streams app;
	struct stack_config cfg;
	struct sim_plan plan;
	struct client c = {.trick = trick};

	snprintf(sim->about, sizeof sim->about, "a peer that %s; the server %s", trick->name,
		 orphan ? "closes at once" : "waits for the peer's FIN");
	sim_set_delay(sim, 10 * SIM_MS);
	sim_stack_config(sim, 1, &cfg);
	sim_set_isn(&cfg, isn);
	sim_streams_init(&app, sim, 1);
	server_plan(&plan, trick->whole, orphan);
	sim_host_start(sim, 1, &cfg, sim_streams_app(&app));
	sim_raw_init(&c.raw, sim, SIM_CLIENT_PORT,
		     isn < 3 ? sim_isns[2 - isn] : (uint32_t)sim->seed);
	c.raw.window = trick->window;
	c.raw.wscale = trick->wscale;
	c.raw.sack = trick->answer == answer_with_sack || sim->seed % 2;
	sim_host_script(sim, 0, (struct sim_peer){.packet = on_packet, .ctx = &c});
	if (!sim->failed) {
		sim_streams_listen(&app, SIM_PORT, 16, &plan);
		sim_raw_syn(&c.raw, trick->mss);
	}
	sim_run(sim);
	sim_streams_expect(&app, 1, 0);
	sim_expect_clean(sim);
	check_end(sim, &c, trick->answer == answer_out_of_step ? STEP_PACKETS : STORM_PACKETS);
	sim_streams_free(&app);
}

/* ------------------------------------------------------------------ floods */

#define FLOOD_HALF_OPEN 1024u /* a good client's entry outlives one round trip of the flood */

struct flood {
	struct client good;
	unsigned count, sent;
	bool reset; /* each SYN is taken back at once */
};

static void flood_answer(void *ctx, const struct sim_segment *seg)
{
	struct flood *f = ctx;

	if (seg->dst_port == f->good.raw.port)
		on_packet(&f->good, seg);
}

/* One SYN each 5 µs, each from another port; in the midst of them that of the good client. */
static void flood_next(void *ctx, void *arg)
{
	struct flood *f = ctx;
	struct sim *sim = arg;
	struct sim_raw bad;
	struct stack_usage usage;

	sim_raw_init(&bad, sim, (uint16_t)(1024 + f->sent), f->sent * 77777);
	sim_raw_syn(&bad, 1460);
	struct sim_segment rst = sim_raw_segment(&bad);
	rst.flags = SIM_RST;
	if (f->reset)
		sim_raw_send(&bad, &rst);
	if (++f->sent == f->count / 2)
		sim_raw_syn(&f->good.raw, 1460);
	stack_get_usage(sim->host[1].stack, &usage);
	if (usage.half_open > FLOOD_HALF_OPEN || usage.memory > 2u << 20)
		sim_fail(sim, "%u half-open connections, %zu bytes", usage.half_open, usage.memory);
	/* What is under way: those of the last 2 ms. */
	if (f->reset && usage.half_open > 2)
		sim_fail(sim, "%u half-open connections in spite of their resets", usage.half_open);
	if (f->sent < f->count)
		sim_at(sim, sim->now_us + 5, flood_next, f, sim);
}

/* SYNs from 10,000 ports that never complete a handshake. Memory stays flat, a good client is
 * served. */
static void run_flood(struct sim *sim, unsigned index)
{
	struct flood f = {
		.good.trick = &tricks[0], .count = index == 0 ? 10000 : 3000, .reset = index == 1};
	struct sim_streams app;
	struct stack_config cfg;
	struct sim_plan plan;

	snprintf(sim->about, sizeof sim->about, "%u SYNs%s", f.count,
		 f.reset ? ", each reset" : "");
	sim_set_delay(sim, 2 * SIM_MS);
	sim_stack_config(sim, 1, &cfg);
	cfg.max_half_open = FLOOD_HALF_OPEN;
	sim_streams_init(&app, sim, 1);
	server_plan(&plan, true, false);
	sim_host_start(sim, 1, &cfg, sim_streams_app(&app));
	sim_host_script(sim, 0, (struct sim_peer){.packet = flood_answer, .ctx = &f});
	if (!sim->failed)
		sim_streams_listen(&app, SIM_PORT, 16, &plan);
	sim_raw_init(&f.good.raw, sim, 60000, 12345);
	sim_at(sim, 0, flood_next, &f, sim);
	sim_run(sim);
	sim_streams_expect(&app, 1, 1);
	sim_expect_clean(sim);
	check_end(sim, &f.good, 10ull * f.count);
	sim_streams_free(&app);
}

const struct sim_group sim_hostile_groups[] = {
	{"hostile", "peers that cheat, lie, stop or never meant it", TRICKS * 8, 0, run_trick},
	{"flood", "SYNs that never become connections", 3, 0, run_flood},
	{0},
};
