/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web.c — the whole server over virtual links: the stack, TLS 1.2 and 1.3 or none, HTTP and the
 * files, with the glue of server/app.h that a worker runs as well. Clients are our own stack and
 * TLS library.
 */
#include <stdio.h>
#include <string.h>

#include "tests/sim/site.h"
#include "tests/sim/web.h"

#define HOUR (3600 * SIM_SECOND)

static const char *const alpn[] = {"http/1.1", NULL};

static struct http_time web_time(const struct sim *sim)
{
	return (struct http_time){.mono_us = sim->now_us,
				  .wall = SITE_WALL_CLOCK + (time_t)(sim->now_us / SIM_SECOND)};
}

static void server_turn(void *ctx, struct sim *sim)
{
	struct web *w = ctx;

	if (w->app && app_run(w->app, web_time(sim)))
		sim_wake(sim, 1);
}

void web_init(struct web *w, struct sim *sim)
{
	*w = (struct web){.sim = sim};
	for (unsigned i = 0; i < 2; i++) {
		sim_stack_config(sim, i, &w->cfg[i]);
		w->cfg[i].user_timeout_us = w->cfg[i].syn_timeout_us = 10 * HOUR;
	}
	sim_set_delay(sim, 10 * SIM_MS);
	sim->max_us = 100 * HOUR;
	http_server_config_default(&w->http_cfg);
	app_config_default(&w->app_cfg);
	/* On slow and lossy links patience is what is tested, not its end. */
	w->http_cfg.header_timeout_us = w->http_cfg.idle_timeout_us = 10 * HOUR;
	w->app_cfg.handshake_timeout_us = w->app_cfg.send_timeout_us = 10 * HOUR;
	w->app_cfg.linger_timeout_us = 10 * HOUR;
}

static bool make_tls(struct web *w)
{
	const struct site *site = w->sim->site;
	char error[TLS_ERROR_SIZE] = "";
	const struct tls_pair pair = {site->cert, site->key};
	const struct tls_config server = {.pair = &pair, .pair_count = 1, .alpn = alpn};
	const struct tls_client_config client = {
		.ca = site->ca, .server_name = SITE_NAME, .alpn = alpn, .version = w->version};

	site_seed_tls(w->sim->seed);
	w->server_tls = tls_context_create(&server, error);
	if (w->server_tls)
		w->client_tls = tls_context_create_client(&client, error);
	if (!w->client_tls)
		sim_fail(w->sim, "TLS context: %.200s", error);
	return w->client_tls != NULL;
}

bool web_start(struct web *w)
{
	struct sim *sim = w->sim;

	http_site_default(&w->files);
	w->files.root_fd = sim->site->root_fd;
	w->http_cfg.sites = &w->files;
	w->http_cfg.site_count = 1;
	w->http_cfg.server_name = "tunhttpd";
	w->http = http_server_create(&w->http_cfg);
	if (w->secure && !make_tls(w))
		return false;
	web_clients_init(&w->clients, sim, w->client_tls, w->secure ? 443 : 80);
	sim_host_start(sim, 0, &w->cfg[0], web_clients_app(&w->clients));
	sim_host_start(sim, 1, &w->cfg[1], (struct sim_app){.run = server_turn, .ctx = w});
	if (sim->failed)
		return false;
	w->app_cfg.stack = sim->host[1].stack;
	w->app_cfg.http = w->http;
	w->app_cfg.tls = w->server_tls;
	w->app_cfg.http_port = w->secure ? 0 : 80;
	w->app_cfg.https_port = w->secure ? 443 : 0;
	w->app = app_create(&w->app_cfg);
	if (!w->app)
		sim_fail(sim, "app_create refuses its configuration");
	return w->app != NULL;
}

void web_stop(struct web *w)
{
	web_clients_free(&w->clients);
	if (w->app)
		app_destroy(w->app);
	http_server_destroy(w->http);
	if (w->server_tls)
		tls_context_destroy(w->server_tls);
	if (w->client_tls)
		tls_context_destroy(w->client_tls);
}

void web_expect_served(struct web *w, unsigned count)
{
	struct sim *sim = w->sim;

	if (w->clients.first || w->clients.finished != count)
		sim_fail(sim, "%u of %u clients are done; nothing is left to happen",
			 w->clients.finished, count);
	if (!sim->failed && app_connections(w->app) != 0)
		sim_fail(sim, "the server still has %zu sessions", app_connections(w->app));
	sim_expect_clean(sim);
}

/* ------------------------------------------------------------------ random transfers */

static void draw_plan(struct web_plan *plan, struct sim_rng *r, bool secure)
{
	*plan = (struct web_plan){.count = (unsigned)sim_rng_between(r, 1, 8),
				  .pipelined = sim_rng_chance(r, SIM_PPM / 3),
				  .server_first = sim_rng_chance(r, SIM_PPM / 2),
				  .half_close = !secure && sim_rng_chance(r, SIM_PPM / 6),
				  .by_bytes = sim_rng_chance(r, SIM_PPM / 10)};
	for (unsigned i = 0; i < plan->count; i++) {
		struct web_request *q = &plan->request[i];
		q->file = (unsigned)sim_rng_below(r, SITE_FILES);
		q->kind = (enum web_kind)sim_rng_below(r, WEB_BAD);
		if (sim_rng_chance(r, SIM_PPM / 2))
			q->kind = WEB_GET;
		const uint64_t size = site_file_size(q->file);
		if (q->kind == WEB_RANGE && size == 0)
			q->kind = WEB_GET;
		if (q->kind == WEB_RANGE) {
			q->from = sim_rng_below(r, size);
			q->to = sim_rng_between(r, q->from, size - 1);
		}
	}
	if (sim_rng_chance(r, SIM_PPM / 10)) {
		plan->request[plan->count - 1].kind = WEB_BAD;
		plan->half_close = false;
	}
	if (!secure && sim_rng_chance(r, SIM_PPM / 4)) {
		plan->read_max = (uint32_t)sim_rng_magnitude(r, 200, 65536);
		plan->read_pause_us = sim_rng_magnitude(r, 10, 2000);
	}
}

static void draw_world(struct web *w, uint64_t rtt_us)
{
	static const uint32_t mtu[] = {576, 1280, 1500, 9000, 65535};
	static const uint32_t loss[] = {0, 0, 1000, 10000, 50000};
	struct sim_rng *r = &w->sim->rng;

	for (unsigned i = 0; i < 2; i++) {
		struct sim_link_config *l = &w->sim->link[i].cfg;
		struct stack_config *cfg = &w->cfg[i];
		cfg->mtu = mtu[sim_rng_below(r, sizeof mtu / sizeof *mtu)];
		cfg->tso = sim_rng_chance(r, SIM_PPM / 2);
		cfg->checksum_offload = cfg->tso;
		/* A record must fit: see app_create. */
		cfg->send_buffer_max = 32768u << sim_rng_below(r, 6);
		cfg->recv_buffer_max = 4096u << sim_rng_below(r, 8);
		sim_set_isn(cfg, (unsigned)sim_rng_below(r, 4));
		l->loss_ppm = loss[sim_rng_below(r, sizeof loss / sizeof *loss)];
		l->reorder_ppm = sim_rng_chance(r, SIM_PPM / 3) ? 20000 : 0;
		l->reorder_us = rtt_us;
		l->duplicate_ppm = sim_rng_chance(r, SIM_PPM / 4) ? 10000 : 0;
		l->corrupt_ppm = sim_rng_chance(r, SIM_PPM / 4) ? 5000 : 0;
		if (sim_rng_chance(r, SIM_PPM / 2)) {
			l->rate = sim_rng_magnitude(r, 200000, 1000000000);
			l->queue = sim_rng_magnitude(r, 16384, 1u << 20);
		}
	}
	if (sim_rng_chance(r, SIM_PPM / 3)) {
		for (unsigned i = 0; i < 2; i++) {
			w->sim->link[i].cfg.coalesced = true;
			w->sim->link[i].cfg.corrupt_ppm = 0;
		}
	}
	if (sim_rng_chance(r, SIM_PPM / 4))
		w->sim->host[1].batch_us = sim_rng_magnitude(r, 1, 2000);
	sim_set_delay(w->sim, rtt_us);
}

static void run_random(struct sim *sim, bool secure, enum tls_version version)
{
	const uint64_t rtt_us = sim_rng_magnitude(&sim->rng, 10, SIM_SECOND);
	struct web_plan plan;
	struct web w;

	web_init(&w, sim);
	w.secure = secure;
	w.version = version;
	draw_world(&w, rtt_us);
	draw_plan(&plan, &sim->rng, secure);
	snprintf(sim->about, sizeof sim->about,
		 "%u requests%s%s%s%s, rtt %.3f ms, loss %.1f/%.1f %%, mtu %u/%u", plan.count,
		 plan.pipelined ? ", pipelined" : "",
		 plan.server_first ? ", Connection: close" : "",
		 plan.half_close ? ", half-closed" : "", plan.by_bytes ? ", by bytes" : "",
		 (double)rtt_us / 1000, sim->link[0].cfg.loss_ppm / 1e4,
		 sim->link[1].cfg.loss_ppm / 1e4, w.cfg[0].mtu, w.cfg[1].mtu);
	if (web_start(&w)) {
		web_clients_connect(&w.clients, 0, WEB_CLIENT_PORT, &plan);
		sim_run(sim);
		web_expect_served(&w, 1);
		if (!sim->failed && w.clients.answers != plan.count)
			sim_fail(sim, "%llu answers to %u requests",
				 (unsigned long long)w.clients.answers, plan.count);
	}
	web_stop(&w);
}

static void run_http(struct sim *sim, unsigned index)
{
	(void)index;
	run_random(sim, false, TLS_VERSION_ANY);
}

static void run_https(struct sim *sim, unsigned index)
{
	run_random(sim, true, index % 2 ? TLS_VERSION_1_2 : TLS_VERSION_1_3);
}

/* TLS draws random numbers: those must come from the seed as well. */
static void run_twice(struct sim *sim, unsigned index)
{
	struct sim again;

	run_https(sim, index);
	if (sim->failed)
		return;
	sim_init(&again, sim->seed, false);
	again.site = sim->site;
	run_https(&again, index);
	if (again.failed || again.hash != sim->hash)
		sim_fail(sim, "the same seed gave other packets: trace hash %016llx and %016llx",
			 (unsigned long long)sim->hash, (unsigned long long)again.hash);
	sim_free(&again);
}

/* ------------------------------------------------------------------ many clients */

static void run_crowd(struct sim *sim, unsigned index)
{
	const unsigned count = index % 2 ? 64 : 256;
	struct web_plan plan = {.count = 3};
	struct web w;

	web_init(&w, sim);
	w.secure = index % 2;
	w.version = index / 2 % 2 ? TLS_VERSION_1_2 : TLS_VERSION_1_3;
	for (unsigned i = 0; i < 2; i++) {
		sim->link[i].cfg.rate = 50000000;
		sim->link[i].cfg.queue = 500000;
		sim->link[i].cfg.loss_ppm = 5000;
	}
	snprintf(sim->about, sizeof sim->about, "%u clients with 3 requests each", count);
	if (web_start(&w)) {
		for (unsigned i = 0; i < count; i++) {
			plan.server_first = i % 2;
			for (unsigned k = 0; k < 3; k++)
				plan.request[k].file = (i + 3 * k) % 9;
			web_clients_connect(&w.clients, sim_rng_below(&sim->rng, 100 * SIM_MS),
					    (uint16_t)(WEB_CLIENT_PORT + i), &plan);
		}
		sim_run(sim);
		web_expect_served(&w, count);
	}
	web_stop(&w);
}

/* ------------------------------------------------------------------ nothing waits */

#define PROMPT_RTT (10 * SIM_MS)
#define PROMPT_REQUESTS 12u
#define PROMPT_FLIGHT 3u /* SYN-ACK, and no more than two segments of TLS */

static void look_at_flight(void *ctx, void *arg)
{
	struct web *w = ctx;
	const uint64_t packets = w->sim->link[1].counts.packets;

	(void)arg;
	if (packets > PROMPT_FLIGHT)
		sim_fail(w->sim, "the server's first flight took %llu packets",
			 (unsigned long long)packets);
}

static void look_at_answers(void *ctx, void *arg)
{
	struct web *w = ctx;

	(void)arg;
	if (w->clients.answers != PROMPT_REQUESTS)
		sim_fail(w->sim, "only %llu of %u answers: something waits for a timer",
			 (unsigned long long)w->clients.answers, PROMPT_REQUESTS);
}

/* Requests for files that fit into the initial window, one after the other on one connection of a link that
 * loses nothing. Each takes one round trip, the handshakes one or two, and nothing takes more: that is how a
 * stall of Nagle's algorithm, a delayed ACK or a record that is not flushed would show. */
static void run_prompt(struct sim *sim, unsigned index)
{
	static const enum tls_version version[] = {TLS_VERSION_1_3, TLS_VERSION_1_2};
	const unsigned tls = index % 3; /* 0: none */
	const unsigned trips = 1 + (tls ? tls : 0) + PROMPT_REQUESTS;
	struct web_plan plan = {.count = PROMPT_REQUESTS, .server_first = index / 3 % 2};
	struct web w;

	web_init(&w, sim);
	w.secure = tls > 0;
	w.version = tls ? version[tls - 1] : TLS_VERSION_ANY;
	sim_set_delay(sim, PROMPT_RTT);
	for (unsigned i = 0; i < 2; i++) {
		sim_set_isn(&w.cfg[i], index % 4);
		w.cfg[i].tso = w.cfg[i].checksum_offload = index / 6 % 2;
		sim->link[i].cfg.coalesced = w.cfg[i].tso;
	}
	for (unsigned k = 0, file = index; k < PROMPT_REQUESTS; file++)
		if (site_file_size(file % SITE_FILES) <= 12000)
			plan.request[k++].file = file % SITE_FILES;
	snprintf(sim->about, sizeof sim->about, "%u small requests, %s%s", PROMPT_REQUESTS,
		 tls == 0 ? "no TLS" : (tls == 1 ? "TLS 1.3" : "TLS 1.2"),
		 w.cfg[1].tso ? ", large segments" : "");
	if (web_start(&w)) {
		web_clients_connect(&w.clients, 0, WEB_CLIENT_PORT, &plan);
		if (tls)
			sim_at(sim, 2 * PROMPT_RTT - 1, look_at_flight, &w, NULL);
		sim_at(sim, trips * PROMPT_RTT + 1, look_at_answers, &w, NULL);
		sim_run(sim);
		web_expect_served(&w, 1);
	}
	web_stop(&w);
}

/* ------------------------------------------------------------------ clients that vanish */

/* Silence both ways after each packet: the server must let go of everything by its own time
 * limits. */
static void run_gone(struct sim *sim, unsigned index)
{
	struct web_plan plan = {.count = 2, .request = {{.file = 4}, {.file = 9}}};
	struct web w;

	web_init(&w, sim);
	w.secure = index % 2;
	w.version = TLS_VERSION_1_3;
	http_server_config_default(&w.http_cfg);
	app_config_default(&w.app_cfg);
	sim_stack_config(sim, 1, &w.cfg[1]);
	sim->max_us = 1000 * SIM_SECOND;
	for (unsigned i = 0; i < 2; i++)
		sim->link[i].dead_after = index / 2;
	snprintf(sim->about, sizeof sim->about, "%s, silence after %u packets each way",
		 w.secure ? "https" : "http", index / 2);
	if (web_start(&w)) {
		w.clients.may_fail = true;
		web_clients_connect(&w.clients, 0, WEB_CLIENT_PORT, &plan);
		/* The client's own patience may be longer: only the server is looked at. */
		sim_run_until_idle(sim, 1);
		if (!sim->failed && app_connections(w.app) != 0)
			sim_fail(sim, "the server still has %zu sessions", app_connections(w.app));
		sim_expect_host_clean(sim, 1);
	}
	web_stop(&w);
}

/* ------------------------------------------------------------------ drain, wrong port */

#define DRAIN_CLIENTS 8u

static void start_drain(void *ctx, void *arg)
{
	struct web *w = ctx;

	if (w->clients.begun < DRAIN_CLIENTS) { /* a request was lost, or is still to come */
		sim_at(w->sim, w->sim->now_us + 10 * SIM_MS, start_drain, ctx, arg);
		return;
	}
	app_drain(w->app, web_time(w->sim));
	sim_wake(w->sim, 1);
}

/* Downloads are under way when the server is told to end: each is finished whole. */
static void run_drain(struct sim *sim, unsigned index)
{
	const unsigned count = DRAIN_CLIENTS;
	struct web_plan plan = {.count = 1, .server_first = true};
	struct web w;

	web_init(&w, sim);
	w.secure = index % 2;
	w.version = TLS_VERSION_1_3;
	sim->link[1].cfg.rate = 1000000;
	sim->link[0].cfg.loss_ppm = sim->link[1].cfg.loss_ppm = index >= 4 ? 10000 : 0;
	plan.request[0].file = SITE_FILES - 1;
	snprintf(sim->about, sizeof sim->about, "%u downloads when the server drains", count);
	if (web_start(&w)) {
		for (unsigned i = 0; i < count; i++)
			web_clients_connect(&w.clients, 0, (uint16_t)(WEB_CLIENT_PORT + i), &plan);
		sim_at(sim, 0, start_drain, &w, NULL);
		sim_run(sim);
		web_expect_served(&w, count);
		if (!sim->failed && !app_drained(w.app))
			sim_fail(sim, "the server does not say that it has drained");
	}
	web_stop(&w);
}

/* http:// spoken to the port of https:// gets an answer that a person can read. */
static void run_plain_on_tls(struct sim *sim, unsigned index)
{
	struct web_plan plan = {.count = 1, .request = {{.kind = WEB_BAD}}};
	struct web w;

	web_init(&w, sim);
	w.secure = true;
	sim->link[0].cfg.loss_ppm = sim->link[1].cfg.loss_ppm = index ? 50000 : 0;
	plan.by_bytes = index % 2;
	snprintf(sim->about, sizeof sim->about, "plain HTTP on the TLS port");
	if (web_start(&w)) {
		w.clients.tls = NULL;
		web_clients_connect(&w.clients, 0, WEB_CLIENT_PORT, &plan);
		sim_run(sim);
		web_expect_served(&w, 1);
	}
	web_stop(&w);
}

const struct sim_group sim_http_groups[] = {
	{"http", "requests over plain TCP, links of every kind", 0, 40, run_http},
	{"https", "requests over TLS 1.3 and 1.2, links of every kind", 0, 40, run_https},
	{"https-same-seed", "two runs of one seed, with TLS", 10, 0, run_twice},
	{"crowd", "256 clients, 64 with TLS, on one lossy link", 4, 0, run_crowd},
	{"prompt", "small requests take a round trip each, and no more", 24, 0, run_prompt},
	{"gone", "silence both ways after each packet", 2 * 60, 0, run_gone},
	{"drain", "downloads under way when the server ends", 8, 0, run_drain},
	{"plain-on-tls", "http:// on the port of https://", 4, 0, run_plain_on_tls},
	{0},
};
