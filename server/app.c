/* SPDX-License-Identifier: Apache-2.0 */
/* app.c — see app.h: listeners, the list of sessions, and events dealt out to them. */
#include "server/app.h"

#include <stdlib.h>

#include "server/session.h"

#define EVICTION_TRIES 16 /* idle sessions that are looked at to make room for one */

/* Steps of TLS handshakes in a turn: each may take half a millisecond, for which what the others had to say would wait
 * to be sent, and their clients with it. */
#define STEPS_MAX 2

struct app {
	struct session_env env;
	struct tcp_listener *http, *https;
	struct session_list sessions;
	struct session_list busy; /* sessions whose share of the last turn was used up */
	struct session_list idle; /* that nobody would miss, the longest idle first    */
	size_t count;
	bool draining;
};

void app_config_default(struct app_config *cfg)
{
	*cfg = (struct app_config){
		.http_port = 80,
		.backlog = 1024,
		.max_handshakes = 1024,
		.max_connections = 16384,
		.handshake_timeout_us = 10 * 1000000ull,
		.send_timeout_us = 60 * 1000000ull,
		.min_send = {240, 60 * 1000000ull},
		.linger_timeout_us = 5 * 1000000ull,
	};
}

static bool listen_on(struct app *app, uint16_t port, struct tcp_listener **out)
{
	const struct ip_endpoint any = {.port = port};

	return port == 0 || tcp_listen(app->env.cfg.stack, &any, app->env.cfg.backlog, out) == 0;
}

struct app *app_create(const struct app_config *cfg)
{
	if (cfg->max_connections == 0 ||
	    (cfg->https_port != 0 && (!cfg->tls || cfg->max_handshakes == 0)))
		return NULL;
	struct app *app = calloc(1, sizeof *app);
	if (!app)
		return NULL;
	app->env.cfg = *cfg;
	handshakes_init(&app->env.handshakes, cfg->max_handshakes);
	TAILQ_INIT(&app->sessions);
	TAILQ_INIT(&app->busy);
	TAILQ_INIT(&app->idle);
	if (!listen_on(app, cfg->http_port, &app->http) ||
	    !listen_on(app, cfg->https_port, &app->https)) {
		app_destroy(app);
		return NULL;
	}
	return app;
}

static void unlisten(struct app *app)
{
	if (app->http)
		tcp_unlisten(app->http);
	if (app->https)
		tcp_unlisten(app->https);
	app->http = app->https = NULL;
}

/* ------------------------------------------------------------------ sessions */

/* `busy` and `idle` exclude each other: a session is in one of the lists at most. */
static void leave_lists(struct app *app, struct session *s)
{
	if (s->busy)
		TAILQ_REMOVE(&app->busy, s, ready);
	else if (s->idle)
		TAILQ_REMOVE(&app->idle, s, ready);
	s->busy = s->idle = false;
}

static void forget(struct app *app, struct session *s)
{
	const struct ip_addr client = s->client.remote.addr;

	leave_lists(app, s);
	TAILQ_REMOVE(&app->sessions, s, link);
	app->count--;
	session_destroy(s);
	if (app->env.cfg.limits)
		limits_disconnect(app->env.cfg.limits, &client);
}

/* Lets a session act, and then frees it, queues it for the next turn, or leaves it to its events. */
static void run(struct app *app, struct session *s, struct http_time now)
{
	leave_lists(app, s);
	session_run(s, now);
	if (s->phase == SESSION_OVER) {
		forget(app, s);
		return;
	}
	s->idle = !s->busy && session_is_idle(s);
	if (s->busy)
		TAILQ_INSERT_TAIL(&app->busy, s, ready);
	else if (s->idle)
		TAILQ_INSERT_TAIL(&app->idle, s, ready);
}

/* ------------------------------------------------------------------ who may come in */

/* True when there is a place for one more. */
static bool make_room(struct app *app, struct http_time now)
{
	struct session *s, *next;
	int tries = EVICTION_TRIES;

	if (app->count < app->env.cfg.max_connections)
		return true;
	for (s = TAILQ_FIRST(&app->idle); s && tries-- > 0; s = next) {
		next = TAILQ_NEXT(s, ready);
		if (!session_make_room(s, now))
			continue;
		forget(app, s);
		return true;
	}
	return false;
}

static void refuse(struct app *app, struct tcp_conn *tcp, const struct app_client *client,
		   enum close_reason reason)
{
	const struct app_ending ending = {.reason = reason};

	if (app->env.cfg.closed)
		app->env.cfg.closed(app->env.cfg.ctx, client, &ending);
	tcp_abort(tcp);
}

/* The client's own limit comes first: who is beyond it takes nobody's place. */
static void admit(struct app *app, struct tcp_conn *tcp, bool secure, struct http_time now)
{
	struct limits *limits = app->env.cfg.limits;
	struct app_client client;

	session_client(tcp, secure, &client);
	if (limits && !limits_connect(limits, &client.remote.addr)) {
		refuse(app, tcp, &client, CLOSE_CLIENT_CONNECTIONS);
		return;
	}
	struct session *s = NULL;
	if (!make_room(app, now))
		refuse(app, tcp, &client, CLOSE_MAX_CONNECTIONS);
	else
		s = session_create(&app->env, tcp, &client, now);
	if (!s) {
		if (limits)
			limits_disconnect(limits, &client.remote.addr);
		return;
	}
	TAILQ_INSERT_TAIL(&app->sessions, s, link);
	app->count++;
	if (app->draining)
		session_on_drain(s);
	run(app, s, now);
}

static void accept_all(struct app *app, struct tcp_listener *l, struct http_time now)
{
	struct tcp_conn *tcp;

	while ((tcp = tcp_accept(l)) != NULL)
		admit(app, tcp, l == app->https, now);
}

static void handle(struct app *app, const struct stack_event *ev, struct http_time now)
{
	if (ev->type == STACK_EVENT_ACCEPT) {
		accept_all(app, ev->listener, now);
		return;
	}
	struct session *s = tcp_user(ev->conn);
	switch (ev->type) {
	case STACK_EVENT_WRITABLE:
		session_on_writable(s);
		break;
	case STACK_EVENT_SENT:
		session_on_sent(s, now);
		break;
	case STACK_EVENT_TIMER:
		session_on_timer(s, now);
		break;
	case STACK_EVENT_CLOSED:
		session_on_closed(s, ev->reason);
		break;
	case STACK_EVENT_READABLE:
	case STACK_EVENT_PEER_FIN:
	case STACK_EVENT_ACCEPT:
	case STACK_EVENT_CONNECTED:
		break;
	}
	run(app, s, now);
}

/* Frees whose place in the handshakes was taken, and lets those begin for whom there is one now. */
static void pass_places_on(struct app *app, struct http_time now)
{
	struct handshakes *h = &app->env.handshakes;
	struct session *s;

	while ((s = handshakes_next(h)) != NULL)
		run(app, s, now);
	while ((s = TAILQ_FIRST(&h->gone)) != NULL) {
		TAILQ_REMOVE(&h->gone, s, ready);
		forget(app, s);
	}
}

/* ------------------------------------------------------------------ the owner's calls */

bool app_run(struct app *app, struct http_time now)
{
	struct stack_event ev;

	app->env.steps = 0;
	/* Each of the busy ones once: those that are busy again line up behind `last`. Before the events,
	 * so that what an event makes busy has had its share of this turn. */
	struct session *s, *last = TAILQ_LAST(&app->busy, session_list);
	while (last && (s = TAILQ_FIRST(&app->busy)) != NULL) {
		const bool end = s == last;
		run(app, s, now);
		if (end)
			break;
	}
	while (app->env.steps < STEPS_MAX && stack_next_event(app->env.cfg.stack, &ev))
		handle(app, &ev, now);
	pass_places_on(app, now);
	return app->env.steps >= STEPS_MAX || !TAILQ_EMPTY(&app->busy);
}

void app_set_tls(struct app *app, struct tls_context *tls)
{
	app->env.cfg.tls = tls;
}

void app_drain(struct app *app, struct http_time now)
{
	if (app->draining)
		return;
	app->draining = true;
	http_server_drain(app->env.cfg.http);
	/* Clients whose handshake is complete but not accepted yet are not to be reset. */
	if (app->http)
		accept_all(app, app->http, now);
	if (app->https)
		accept_all(app, app->https, now);
	unlisten(app);
	pass_places_on(app, now);
	for (struct session *s = TAILQ_FIRST(&app->sessions), *next; s; s = next) {
		next = TAILQ_NEXT(s, link);
		session_on_drain(s);
		run(app, s, now);
	}
}

static void count_undelivered(void *ctx, const struct tcp_info *info)
{
	size_t *count = ctx;

	if (info->state != TCP_FIN_WAIT_2 && info->state != TCP_TIME_WAIT &&
	    info->state != TCP_SYN_RECEIVED)
		++*count;
}

bool app_drained(const struct app *app)
{
	size_t undelivered = 0;

	stack_each_conn(app->env.cfg.stack, count_undelivered, &undelivered);
	return undelivered == 0;
}

size_t app_connections(const struct app *app)
{
	return app->count;
}

void app_get_handshakes(const struct app *app, struct app_handshakes *out)
{
	const struct handshakes *h = &app->env.handshakes;

	*out = (struct app_handshakes){.under_way = h->held_count,
				       .waiting = h->waiting_count,
				       .waited = h->waited,
				       .gave_way = h->gave_way};
}

void app_destroy(struct app *app)
{
	while (!TAILQ_EMPTY(&app->sessions))
		forget(app, TAILQ_FIRST(&app->sessions));
	unlisten(app);
	free(app);
}
