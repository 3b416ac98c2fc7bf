/* SPDX-License-Identifier: Apache-2.0 */
/* sim.c — see sim.h: the event loop, the hosts' turns and the trace. */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/corpus.h"
#include "tests/sim/watch.h"

#define MAX_US (3600 * SIM_SECOND)
#define MAX_EVENTS 20000000u
#define STUCK_TURNS 1000u
#define CHECK_OFTEN_CONNS 16u

static const char *const host_name[] = {"A", "B"};

void sim_init(struct sim *sim, uint64_t seed, bool verbose)
{
	*sim = (struct sim){.seed = seed,
			    .ipv6 = sim_mix(seed ^ 6) & 1,
			    .verbose = verbose,
			    .max_events = MAX_EVENTS,
			    .max_us = MAX_US,
			    .hash = 0xcbf29ce484222325u};
	sim_rng_seed(&sim->rng, seed);
	for (unsigned i = 0; i < 2; i++) {
		sim->host[i] =
			(struct sim_host){.sim = sim, .index = i, .name = host_name[i], .why = ""};
		sim_link_init(&sim->link[i], sim, i, sim_mix(seed + 1 + i));
	}
	sim->watch = sim_watch_new(sim);
}

void sim_free(struct sim *sim)
{
	for (unsigned i = 0; i < 2; i++) {
		struct sim_host *h = &sim->host[i];
		for (size_t k = 0; k < h->rx_count; k++)
			sim_packet_free(h->rx[k]);
		free(h->rx);
		stack_destroy(h->stack);
	}
	sim_heap_free(&sim->heap);
	sim_watch_free(sim->watch);
}

void sim_fail(struct sim *sim, const char *fmt, ...)
{
	va_list ap;

	if (sim->failed)
		return;
	sim->failed = true;
	va_start(ap, fmt);
	vsnprintf(sim->failure, sizeof sim->failure, fmt, ap);
	va_end(ap);
}

/* ------------------------------------------------------------------ hosts */

struct ip_addr sim_host_addr(unsigned host)
{
	return ip_addr_v4(10, 0, 0, (uint8_t)(host + 1));
}

struct ip_addr sim_spoken_addr(const struct sim *sim, unsigned host)
{
	const struct ip_addr v4 = sim_host_addr(host);

	return sim->ipv6 ? sim_packet_ipv6_addr(v4.bytes) : v4;
}

void sim_stack_config(struct sim *sim, unsigned host, struct stack_config *cfg)
{
	stack_config_default(cfg);
	cfg->addr[0] = sim_host_addr(host);
	cfg->addr_count = 1;
	for (unsigned i = 0; i < sizeof cfg->seed; i++)
		cfg->seed[i] =
			(uint8_t)(sim_mix(sim->seed + 16 + host) >> (i % 8 * 8)) ^ (uint8_t)i;
}

/* The stack tells why it sends what it sends: the ladder shows it. */
static void on_trace(void *ctx, const struct stack_trace_event *ev)
{
	struct sim_host *h = ctx;

	if (ev->kind == STACK_TRACE_PACKET_OUT)
		h->why = ev->why;
}

static void on_trace_verbose(void *ctx, const struct stack_trace_event *ev)
{
	struct sim_host *h = ctx;

	on_trace(ctx, ev);
	if (ev->kind == STACK_TRACE_PACKET_OUT)
		return;
	printf("%12.6f %s #%llu %s%s%s  %s  [una %u nxt %u wnd %u rcv %u+%u cwnd %u]\n",
	       (double)ev->now_us / 1e6, h->name, (unsigned long long)ev->conn_id,
	       tcp_state_name(ev->state_before), ev->state_after != ev->state_before ? " → " : "",
	       ev->state_after != ev->state_before ? tcp_state_name(ev->state_after) : "", ev->why,
	       ev->snd_una, ev->snd_nxt, ev->snd_wnd, ev->rcv_nxt, ev->rcv_wnd, ev->cwnd);
}

void sim_host_start(struct sim *sim, unsigned host, const struct stack_config *cfg,
		    struct sim_app app)
{
	struct sim_host *h = &sim->host[host];
	struct stack_config with = *cfg;

	with.trace = sim->unjudged ? NULL : sim->verbose ? on_trace_verbose : on_trace;
	with.trace_ctx = h;
	if (sim->ipv6) { /* the header is 20 bytes longer, and no link of IPv6 carries less than 1,280 */
		with.addr[0] = sim_spoken_addr(sim, host);
		with.mtu = with.mtu + 20 < 1280    ? 1280
			   : with.mtu + 20 > 65535 ? 65535
						   : with.mtu + 20;
	}
	h->mtu = sim->ipv6 ? with.mtu - 20 : with.mtu;
	h->app = app;
	h->stack = stack_create(&with);
	if (!h->stack)
		sim_fail(sim, "host %s: stack_create refused the configuration", h->name);
}

void sim_host_script(struct sim *sim, unsigned host, struct sim_peer peer)
{
	sim->host[host].peer = peer;
}

void sim_at(struct sim *sim, uint64_t at_us, void (*fn)(void *ctx, void *arg), void *ctx, void *arg)
{
	sim_heap_push(&sim->heap,
		      (struct sim_event){.at_us = at_us < sim->now_us ? sim->now_us : at_us,
					 .fn = fn,
					 .ctx = ctx,
					 .arg = arg});
}

static void check_between(struct sim_host *h, struct sim *sim, const char *after)
{
	struct stack_usage usage;

	if (sim->unjudged)
		return;
	stack_get_usage(h->stack, &usage);
	if (usage.connections + usage.half_open > CHECK_OFTEN_CONNS)
		return; /* then once at the end of the turn is enough */
	const char *broken = stack_check(h->stack);
	if (broken)
		sim_fail(sim, "host %s: stack_check after %s: %s", h->name, after, broken);
}

static void take_packets(struct sim *sim, struct sim_host *h)
{
	for (size_t i = 0; i < h->rx_count; i++) {
		struct sim_packet *p = h->rx[i];
		const struct packet_meta meta = {.checksum_trusted = p->checksum_partial,
						 .gso_size = p->gso_size};
		if (!p->corrupted && !sim->unjudged)
			sim_watch_arrived(sim->watch, h->index, p);
		if (sim->corpus && h->index == 1)
			sim_corpus_add(sim->corpus, sim, p);
		if (sim->ipv6 && !p->spoken)
			p = sim_packet_to_ipv6(p);
		stack_input(h->stack, sim->now_us, p->bytes, p->len, meta);
		sim_packet_free(p);
		check_between(h, sim, "stack_input");
	}
	h->rx_count = 0;
}

/* What the owner of a stack does when it wakes up: see the head of stack.h. */
static void turn(struct sim *sim, struct sim_host *h)
{
	struct packet_out out;
	size_t len;

	take_packets(sim, h);
	stack_advance(h->stack, sim->now_us);
	check_between(h, sim, "stack_advance");
	if (h->app.run)
		h->app.run(h->app.ctx, sim);
	check_between(h, sim, "the application's turn");
	while (!sim->failed && (len = stack_output(h->stack, sim->now_us, &out)) > 0) {
		struct sim_packet *p = sim_packet_from_out(&out, len);
		const unsigned matches = sim->unjudged ? 1u << SIM_MATCH_ANY
						       : sim_watch_sent(sim->watch, h->index, p);
		sim_link_send(&sim->link[h->index], p, matches);
		h->why = "";
	}
	if (!sim->unjudged)
		sim_watch_stack(sim->watch, h);
}

static void planned_turn(void *ctx, void *arg)
{
	struct sim_host *h = arg;

	h->turn_planned = false;
	turn(ctx, h);
}

void sim_wake(struct sim *sim, unsigned host)
{
	struct sim_host *h = &sim->host[host];

	if (h->turn_planned)
		return;
	h->turn_planned = true;
	sim_at(sim, sim->now_us, planned_turn, sim, h);
}

static void give_to_peer(struct sim *sim, struct sim_host *h, struct sim_packet *p)
{
	struct sim_segment seg;

	if (!p->corrupted && !sim_packet_parse(p, &seg)) {
		sim_watch_arrived(sim->watch, h->index, p);
		h->peer.packet(h->peer.ctx, &seg);
	}
	sim_packet_free(p);
}

static void arrive(void *ctx, void *arg)
{
	struct sim_host *h = ctx;
	struct sim_packet *p = arg;
	struct sim *sim = h->sim;

	if (!h->stack) {
		if (h->peer.packet)
			give_to_peer(sim, h, p);
		else
			sim_packet_free(p);
		return;
	}
	if (h->rx_count == h->rx_cap) {
		const size_t cap = h->rx_cap ? 2 * h->rx_cap : 16;
		struct sim_packet **more = sim_alloc(cap * sizeof *more);
		if (h->rx_count)
			memcpy(more, h->rx, h->rx_count * sizeof *more);
		free(h->rx);
		h->rx = more;
		h->rx_cap = cap;
	}
	h->rx[h->rx_count++] = p;
	if (!h->batch_us) {
		turn(sim, h);
	} else if (!h->turn_planned) {
		h->turn_planned = true;
		sim_at(sim, sim->now_us + h->batch_us, planned_turn, sim, h);
	}
}

void sim_deliver_at(struct sim *sim, unsigned to, struct sim_packet *p, uint64_t at_us)
{
	sim_heap_push(&sim->heap, (struct sim_event){.at_us = at_us,
						     .fn = arrive,
						     .ctx = &sim->host[to],
						     .arg = p,
						     .drop = sim_packet_free});
}

void sim_peer_send_raw(struct sim *sim, unsigned host, struct sim_packet *p)
{
	const unsigned matches = sim_watch_sent(sim->watch, host, p);

	sim_link_send(&sim->link[host], p, matches);
}

void sim_peer_send(struct sim *sim, unsigned host, const struct sim_segment *seg)
{
	sim_peer_send_raw(sim, host, sim_packet_from_segment(seg));
}

/* ------------------------------------------------------------------ the loop */

static void describe(void *ctx, const struct tcp_info *info)
{
	char *text = ctx;
	const size_t used = strlen(text);

	snprintf(text + used, SIM_FAILURE_SIZE - used,
		 "; port %u→%u %s, timer %s, %u to send, %u unread", info->local.port,
		 info->remote.port, tcp_state_name(info->state), info->timer, info->send_queued,
		 info->recv_queued);
}

static void too_long(struct sim *sim)
{
	char text[SIM_FAILURE_SIZE] = "";

	for (unsigned i = 0; i < 2; i++)
		if (sim->host[i].stack)
			stack_each_conn(sim->host[i].stack, describe, text);
	sim_fail(sim, "not over after %llu s of virtual time and %llu events%.180s",
		 (unsigned long long)(sim->now_us / SIM_SECOND), (unsigned long long)sim->events,
		 text);
}

/* A turn because the stack said that it has something to do by now. */
static void timeout_turn(struct sim *sim, struct sim_host *h)
{
	turn(sim, h);
	if (stack_next_timeout(h->stack) > sim->now_us)
		h->stuck = 0;
	else if (++h->stuck > STUCK_TURNS)
		sim_fail(sim, "host %s: stack_next_timeout asks for turns without end", h->name);
}

bool sim_step(struct sim *sim)
{
	uint64_t next = sim_heap_next(&sim->heap);
	struct sim_host *timed = NULL;
	struct sim_event e;

	if (sim->failed)
		return false;
	for (unsigned i = 0; i < 2; i++) {
		struct sim_host *h = &sim->host[i];
		const uint64_t t = h->stack ? stack_next_timeout(h->stack) : UINT64_MAX;
		if (t < next) {
			next = t;
			timed = h;
		}
	}
	if (next == UINT64_MAX)
		return false;
	if (next > sim->max_us || ++sim->events > sim->max_events) {
		too_long(sim);
		return false;
	}
	if (next > sim->now_us)
		sim->now_us = next;
	if (timed)
		timeout_turn(sim, timed);
	else if (sim_heap_pop(&sim->heap, &e))
		e.fn(e.ctx, e.arg);
	return true;
}

void sim_run(struct sim *sim)
{
	while (sim_step(sim))
		;
}

void sim_run_until_idle(struct sim *sim, unsigned host)
{
	const struct stack *s = sim->host[host].stack;

	while ((sim_heap_next(&sim->heap) != UINT64_MAX || stack_next_timeout(s) != UINT64_MAX) &&
	       sim_step(sim))
		;
}

void sim_expect_host_clean(struct sim *sim, unsigned host)
{
	struct stack_usage usage;

	if (!sim->host[host].stack)
		return;
	stack_get_usage(sim->host[host].stack, &usage);
	if (usage.connections || usage.half_open || usage.time_wait || usage.memory)
		sim_fail(sim,
			 "host %s is not clean at the end: %u connections, %u half-open, "
			 "%u in TIME-WAIT, %zu bytes",
			 sim->host[host].name, usage.connections, usage.half_open, usage.time_wait,
			 usage.memory);
}

void sim_expect_clean(struct sim *sim)
{
	sim_expect_host_clean(sim, 0);
	sim_expect_host_clean(sim, 1);
}

/* ------------------------------------------------------------------ trace */

/* FNV-1a, a word at a time. */
static void hash_word(struct sim *sim, uint64_t word)
{
	sim->hash = (sim->hash ^ word) * 0x100000001b3u;
	sim->hash ^= sim->hash >> 29;
}

static void hash_packet(struct sim *sim, unsigned from, const struct sim_packet *p,
			enum sim_fate fate)
{
	uint64_t word;
	size_t i;

	hash_word(sim, sim->now_us);
	hash_word(sim, (uint64_t)p->len << 8 | (uint64_t)fate << 1 | from);
	for (i = 0; i + sizeof word <= p->len; i += sizeof word) {
		memcpy(&word, p->bytes + i, sizeof word);
		hash_word(sim, word);
	}
	word = 0;
	memcpy(&word, p->bytes + i, p->len - i);
	hash_word(sim, word);
}

static size_t print_options(char *out, size_t room, const struct sim_segment *seg)
{
	size_t n = 0;

	out[0] = '\0';
	if (seg->has_mss)
		n += (size_t)snprintf(out + n, room - n, " mss %u", seg->mss);
	if (seg->has_wscale)
		n += (size_t)snprintf(out + n, room - n, " wscale %u", seg->wscale);
	if (seg->has_ts)
		n += (size_t)snprintf(out + n, room - n, " ts %u/%u", seg->ts_val, seg->ts_ecr);
	return n;
}

static void print_line(const struct sim_line *l)
{
	static const char *const fate[] = {"",           " (lost)",    " (queue full)",
					   " (too big)", " (dropped)", " (damaged)"};
	const struct sim_segment *s = &l->seg;
	static const char *const ecn[] = {"", " ect1", " ect0", " ce"};
	char options[80], flags[10], ack[24] = "", gso[24] = "";
	size_t n = 0;

	for (unsigned i = 0; i < 9; i++)
		if (s->flags & 1u << i)
			flags[n++] = "FSRP.UEWA"[i];
	flags[n] = '\0';
	print_options(options, sizeof options, s);
	if (s->flags & SIM_ACK)
		snprintf(ack, sizeof ack, " ack %u", l->ack);
	if (l->gso_size)
		snprintf(gso, sizeof gso, " gso %u", l->gso_size);
	printf("%12.6f %s %u %s %u  %-3s %u:%u(%u)%s win %u%s%s%s%s%s%s\n", (double)l->at_us / 1e6,
	       l->from ? "        B" : "A", s->src_port, fate[l->fate][0] ? "--x " : "--->",
	       s->dst_port, flags, l->seq, l->seq + s->len, s->len, ack, s->wnd, options,
	       ecn[s->ecn], gso, fate[l->fate], l->why[0] ? "  ; " : "", l->why);
}

void sim_trace_packet(struct sim *sim, unsigned from, const struct sim_packet *p,
		      enum sim_fate fate)
{
	if (sim->unjudged)
		return;
	struct sim_line *l = &sim->line[sim->lines++ % SIM_TRACE_LINES];

	hash_packet(sim, from, p, fate);
	*l = (struct sim_line){.at_us = sim->now_us,
			       .from = from,
			       .fate = fate,
			       .gso_size = p->gso_size,
			       .why = sim->host[from].why};
	if (sim_packet_parse(p, &l->seg) && l->seg.header_len == 0)
		l->why = "not a TCP packet";
	sim_watch_relative(sim->watch, from, &l->seg, &l->seq, &l->ack);
	l->seg.payload = NULL; /* it is about to be freed */
	if (sim->verbose)
		print_line(l);
}

void sim_print_trace(const struct sim *sim)
{
	const uint64_t first = sim->lines > SIM_TRACE_LINES ? sim->lines - SIM_TRACE_LINES : 0;

	if (sim->verbose)
		return; /* it is all there already */
	for (uint64_t i = first; i < sim->lines; i++)
		print_line(&sim->line[i % SIM_TRACE_LINES]);
}
