/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.c — see session.h.
 *
 *     SNIFF → HANDSHAKE → OPEN → CLOSE_NOTIFY → LINGER → OVER
 *       └──── plain HTTP on the TLS port ──────────┘      plain: OPEN → LINGER
 *
 * A connection ends in this order: response produced; its last record in the send ring; close_notify;
 * FIN; input discarded until the peer's FIN; handle given back. Closing with unread input would make a
 * RST (RFC 1122 4.2.2.13), and a RST can destroy the response before the client has read it.
 *
 * Nothing waits without a deadline: for a request http_conn_deadline, for the handshake and the peer's
 * FIN phase_deadline, for acknowledgements progress.h. One timer of the stack serves them all.
 */
#include "server/session.h"

#include <stdlib.h>
#include <string.h>

#include "server/session_parts.h"

#define NEVER UINT64_MAX
#define TURN_BYTES \
	(256u << 10)    /* what one session may produce before the others have their turn  */
#define RETRY_US 50000u /* the stack was out of memory, so no event announces room         */

/* ------------------------------------------------------------------ small steps */

static uint64_t later(uint64_t now_us, uint64_t timeout_us)
{
	return timeout_us < NEVER - now_us ? now_us + timeout_us : NEVER;
}

/* The first cause is the one that counts. */
static void note_reason(struct session *s, enum close_reason reason)
{
	if (s->reason == CLOSE_NONE)
		s->reason = reason;
}

/* What there is to say of the connection, while its handle still has the figures for it. */
static void tell_the_end(struct session *s)
{
	struct app_ending ending = {0};

	if (s->http) {
		ending.requests = http_conn_requests(s->http);
		note_reason(s, close_reason_of_http(http_conn_end(s->http)));
		http_conn_destroy(s->http); /* logs a response that was cut short */
		s->http = NULL;
	}
	note_reason(s, CLOSE_SERVER_ENDED);
	ending.reason = s->reason;
	if (s->env->cfg.closed)
		s->env->cfg.closed(s->env->cfg.ctx, &s->client, &ending);
	s->client.tcp = NULL;
}

static void abort_now(struct session *s)
{
	tell_the_end(s);
	tcp_abort(s->tcp);
	s->tcp = NULL;
	s->phase = SESSION_OVER;
}

void session_abort(struct session *s, enum close_reason reason)
{
	note_reason(s, reason);
	abort_now(s);
}

/* Gives the handle back in an orderly way: nothing is unread, so no RST comes of it. */
static void close_tcp(struct session *s)
{
	tell_the_end(s);
	tcp_close(s->tcp);
	s->tcp = NULL;
	s->phase = SESSION_OVER;
}

static void begin_linger(struct session *s, enum close_reason reason)
{
	note_reason(s, reason);
	if (tcp_shutdown(s->tcp) != STACK_OK) {
		abort_now(s);
		return;
	}
	s->phase = SESSION_LINGER;
	s->blocked = false;
	s->phase_deadline = NEVER; /* its time runs from the ACK of our FIN: session_on_sent */
	tcp_notify_sent(s->tcp);
}

void session_report_tls(struct session *s, const char *why)
{
	if (s->env->cfg.tls_failed)
		s->env->cfg.tls_failed(s->env->cfg.ctx, &s->client, why);
}

/* RFC 9113 3.2: over TLS it is ALPN that says so. */
static enum http_protocol protocol_of(const struct session *s, const struct tls_info *info)
{
	if (!s->tls)
		return s->env->cfg.http2_clear ? HTTP_PROTOCOL_EITHER : HTTP_PROTOCOL_1;
	return info->alpn && strcmp(info->alpn, "h2") == 0 ? HTTP_PROTOCOL_2 : HTTP_PROTOCOL_1;
}

static bool open_http(struct session *s, struct http_time now)
{
	struct tls_info info = {0};

	if (s->tls)
		tls_session_info(s->tls, &info);
	s->http = http_conn_create(s->env->cfg.http, now, protocol_of(s, &info), s->client.secure,
				   &s->client);
	if (!s->http) {
		session_abort(s, CLOSE_OUT_OF_MEMORY);
		return false;
	}
	if (info.sni)
		http_conn_set_name(s->http, info.sni);
	s->phase = SESSION_OPEN;
	s->phase_deadline = NEVER;
	return true;
}

/* ------------------------------------------------------------------ TLS over the TCP connection */

/* A record whole or not at all, as struct tls_stream wants it. */
static long stream_send(void *ctx, const uint8_t *data, size_t len)
{
	struct session *s = ctx;
	struct slice_mut room[2];

	if (tcp_send_all(s->tcp, data, len, s->more) == len) {
		s->progress.sent += len;
		s->corked = s->more;
		return (long)len;
	}
	/* Nothing can be reserved although there is space in principle: no longer allowed to send, or
	 * out of memory, which passes. */
	if (tcp_send_space(s->tcp) == 0 && tcp_send_pending(s->tcp) == 0)
		return -1;
	tcp_send_reserve(s->tcp, len, room); /* asks for WRITABLE */
	s->blocked = true;
	return 0;
}

static long stream_recv(void *ctx, uint8_t *buf, size_t len)
{
	struct session *s = ctx;
	struct slice in[2];

	if (tcp_recv_peek(s->tcp, in) == 0)
		return tcp_recv_finished(s->tcp) ? -1 : 0;
	const size_t got = in[0].len < len ? in[0].len : len;
	memcpy(buf, in[0].data, got);
	tcp_recv_consume(s->tcp, got);
	return (long)got;
}

static void answer_plain_http(struct session *s, struct http_time now)
{
	const size_t len = http_plain_on_tls_response(s->env->scratch, sizeof s->env->scratch, now);

	s->progress.sent += tcp_send_all(s->tcp, s->env->scratch, len, false);
	session_report_tls(s, "plain HTTP was spoken to the TLS port");
	begin_linger(s, CLOSE_PLAIN_HTTP);
}

static void sniff(struct session *s, struct http_time now)
{
	const struct tls_stream stream = {.ctx = s, .send = stream_send, .recv = stream_recv};
	struct slice in[2];

	if (tcp_recv_peek(s->tcp, in) == 0) {
		if (tcp_recv_finished(s->tcp))
			begin_linger(s, CLOSE_CLIENT_CLOSED);
		return;
	}
	if (tls_looks_like_http(in[0].data, in[0].len)) {
		answer_plain_http(s, now);
		return;
	}
	if (!handshakes_enter(&s->env->handshakes, s, now.mono_us))
		return;
	s->client.tls = s->tls = tls_session_create(s->env->cfg.tls, &stream);
	if (!s->tls)
		session_abort(s, CLOSE_OUT_OF_MEMORY);
	else
		s->phase = SESSION_HANDSHAKE;
}

static void handshake(struct session *s, struct http_time now)
{
	s->more = false;
	s->env->steps++;
	switch (tls_session_handshake(s->tls)) {
	case TLS_OK:
		open_http(s, now);
		break;
	case TLS_WANT_READ:
	case TLS_WANT_WRITE:
		break;
	case TLS_CLOSED:
	case TLS_TRUNCATED:
		session_report_tls(s, "the client left during the handshake");
		begin_linger(s, CLOSE_CLIENT_CLOSED);
		break;
	case TLS_FAILED:
		session_report_tls(s, tls_session_error(s->tls));
		begin_linger(s, CLOSE_HANDSHAKE_FAILED);
		break;
	}
}

static void close_notify(struct session *s)
{
	s->more = false;
	if (tls_session_close_notify(s->tls) != TLS_WANT_WRITE)
		begin_linger(s, CLOSE_NONE);
}

/* ------------------------------------------------------------------ requests in */

static void end_input(struct session *s, struct http_time now)
{
	s->input_ended = true;
	http_conn_input_end(s->http, now);
}

static bool read_plain(struct session *s, struct http_time now)
{
	struct slice in[2];
	uint8_t *buf;
	bool progress = false;

	while (tcp_recv_peek(s->tcp, in) > 0) {
		const size_t room = http_conn_reserve(s->http, &buf);
		if (room == 0)
			return progress;
		const size_t got = in[0].len < room ? in[0].len : room;
		memcpy(buf, in[0].data, got);
		tcp_recv_consume(s->tcp, got);
		http_conn_commit(s->http, now, got);
		progress = true;
	}
	if (tcp_recv_finished(s->tcp) && !s->input_ended) {
		end_input(s, now);
		progress = true;
	}
	return progress;
}

static bool tls_may_read(const struct session *s)
{
	struct slice in[2];

	return tls_session_pending(s->tls) || tcp_recv_peek(s->tcp, in) > 0 ||
	       tcp_recv_finished(s->tcp);
}

static bool read_tls(struct session *s, struct http_time now)
{
	uint8_t *buf;
	size_t got;
	bool progress = false;

	while (!s->input_ended && tls_may_read(s)) {
		const size_t room = http_conn_reserve(s->http, &buf);
		if (room == 0)
			break;
		s->more = false;
		switch (tls_session_read(s->tls, buf, room, &got)) {
		case TLS_OK:
			http_conn_commit(s->http, now, got);
			progress = true;
			break;
		case TLS_WANT_READ:
		case TLS_WANT_WRITE:
			http_conn_commit(s->http, now, 0); /* an idle one holds no buffer */
			return progress;
		case TLS_TRUNCATED:
			/* RFC 8446 6.1: somebody may have cut it off. Between requests that takes nothing from anybody, and
			 * many clients end so. */
			if (!http_conn_idle(s->http))
				session_report_tls(
					s, "TLS read: the stream ended within a request, without "
					   "close_notify");
			end_input(s, now);
			return true;
		case TLS_CLOSED:
			/* A request that is whole is answered; RFC 9112 9.8 rules out the others. */
			end_input(s, now);
			return true;
		case TLS_FAILED:
			session_report_tls(s, tls_session_error(s->tls));
			begin_linger(s, CLOSE_TLS_ERROR);
			return false;
		}
	}
	return progress;
}

static void serve(struct session *s, struct http_time now)
{
	bool progress = true;

	while (progress && s->phase == SESSION_OPEN) {
		progress = s->tls ? read_tls(s, now) : read_plain(s, now);
		if (s->phase == SESSION_OPEN)
			progress |=
				s->tls ? session_write_tls(s, now) : session_write_plain(s, now);
	}
	if (s->phase != SESSION_OPEN)
		return;
	if (http_conn_broken(s->http)) {
		abort_now(s); /* a FIN would tell the client that this was all of it */
	} else if (http_conn_finished(s->http) && s->held_len == 0) {
		note_reason(s, close_reason_of_http(http_conn_end(s->http)));
		if (s->tls)
			s->phase = SESSION_CLOSE_NOTIFY;
		else
			begin_linger(s, CLOSE_NONE);
	} else {
		s->busy = s->budget == 0 && !s->blocked && http_conn_has_output(s->http);
	}
}

static void linger(struct session *s)
{
	struct slice in[2];
	size_t len;

	while ((len = tcp_recv_peek(s->tcp, in)) > 0)
		tcp_recv_consume(s->tcp, len);
	if (tcp_recv_finished(s->tcp))
		close_tcp(s);
}

/* ------------------------------------------------------------------ deadlines */

static void watch_progress(struct session *s, struct http_time now)
{
	const struct app_config *cfg = &s->env->cfg;
	const struct progress_rules rules = {cfg->send_timeout_us, cfg->min_send};

	progress_look(&s->progress, &rules, now.mono_us, tcp_send_pending(s->tcp), s->blocked);
}

static void arm_timer(struct session *s, struct http_time now)
{
	uint64_t deadline = s->phase_deadline;

	watch_progress(s, now);
	if (progress_deadline(&s->progress) < deadline)
		deadline = progress_deadline(&s->progress);
	if (s->phase == SESSION_OPEN && http_conn_deadline(s->http) < deadline)
		deadline = http_conn_deadline(s->http);
	if (s->place == PLACE_WAITED_FOR && handshakes_retry_at(&s->env->handshakes) < deadline)
		deadline = handshakes_retry_at(&s->env->handshakes);
	if (s->blocked && tcp_send_pending(s->tcp) == 0 && deadline > now.mono_us + RETRY_US)
		deadline = now.mono_us + RETRY_US;
	tcp_set_timer(s->tcp, deadline);
}

void session_on_timer(struct session *s, struct http_time now)
{
	watch_progress(s, now);
	const enum close_reason slow = progress_verdict(&s->progress, now.mono_us);
	if (slow != CLOSE_NONE) {
		s->reason = slow; /* also when it was about to end otherwise: it is cut off now */
		session_abort(s, slow);
		return;
	}
	if (s->blocked && tcp_send_pending(s->tcp) == 0)
		s->blocked = false; /* try again */
	if (now.mono_us >= s->phase_deadline) {
		if (s->phase == SESSION_LINGER) {
			linger(s); /* what came last is discarded as well */
			if (s->phase != SESSION_OVER)
				close_tcp(s);
		} else {
			session_report_tls(s, "the handshake took too long");
			begin_linger(s, CLOSE_HANDSHAKE_TIMEOUT);
		}
		return;
	}
	if (s->phase == SESSION_OPEN && now.mono_us >= http_conn_deadline(s->http))
		http_conn_expire(s->http, now);
}

/* ------------------------------------------------------------------ the app's calls */

void session_client(const struct tcp_conn *tcp, bool secure, struct app_client *client)
{
	struct tcp_info info;

	tcp_get_info(tcp, &info);
	*client = (struct app_client){
		.remote = info.remote,
		.local = info.local,
		.secure = secure,
		.conn_id = info.id,
		.tcp = tcp,
	};
}

struct session *session_create(struct session_env *env, struct tcp_conn *tcp,
			       const struct app_client *client, struct http_time now)
{
	struct session *s = calloc(1, sizeof *s);

	if (!s) {
		tcp_abort(tcp);
		return NULL;
	}
	*s = (struct session){
		.env = env,
		.tcp = tcp,
		.client = *client,
		.phase = SESSION_SNIFF,
		.phase_deadline = later(now.mono_us, env->cfg.handshake_timeout_us),
	};
	progress_init(&s->progress);
	tcp_set_user(tcp, s);
	if (!client->secure && !open_http(s, now)) {
		session_destroy(s);
		return NULL;
	}
	return s;
}

void session_destroy(struct session *s)
{
	if (s->tcp)
		abort_now(s);
	handshakes_leave(&s->env->handshakes, s);
	if (s->tls)
		tls_session_destroy(s->tls);
	free(s->held);
	free(s);
}

void session_run(struct session *s, struct http_time now)
{
	enum session_phase before;

	s->budget = TURN_BYTES;
	if (s->http)
		http_conn_begin_turn(s->http);
	s->busy = false;
	do {
		before = s->phase;
		switch (s->phase) {
		case SESSION_SNIFF:
			sniff(s, now);
			break;
		case SESSION_HANDSHAKE:
			handshake(s, now);
			break;
		case SESSION_OPEN:
			serve(s, now);
			break;
		case SESSION_CLOSE_NOTIFY:
			close_notify(s);
			break;
		case SESSION_LINGER:
			linger(s);
			break;
		case SESSION_OVER:
			break;
		}
	} while (s->phase != before);
	if (s->phase != SESSION_SNIFF && s->phase != SESSION_HANDSHAKE)
		handshakes_leave(&s->env->handshakes, s);
	if (s->phase == SESSION_OVER)
		return;
	arm_timer(s, now);
	if (s->tls && !s->busy)
		tls_session_rest(s->tls); /* it may wait for long */
}

void session_on_writable(struct session *s)
{
	s->blocked = false;
}

void session_on_sent(struct session *s, struct http_time now)
{
	if (s->phase == SESSION_LINGER)
		s->phase_deadline = later(now.mono_us, s->env->cfg.linger_timeout_us);
}

void session_give_way(struct session *s)
{
	session_report_tls(s, "the handshake gave way to a newer one: see --max-handshakes");
	session_abort(s, CLOSE_HANDSHAKE_GAVE_WAY);
	tls_session_destroy(s->tls);
	s->client.tls = s->tls = NULL;
}

void session_on_closed(struct session *s, enum tcp_close_reason why)
{
	note_reason(s, close_reason_of_tcp(why));
	close_tcp(s);
}

/* A client that has not begun its handshake, one between two requests, and one that only owes us a FIN. */
bool session_is_idle(const struct session *s)
{
	switch (s->phase) {
	case SESSION_SNIFF:
		return s->place == PLACE_NONE;
	case SESSION_OPEN:
		return http_conn_idle(s->http) && s->held_len == 0;
	case SESSION_LINGER:
		return s->phase_deadline != NEVER;
	case SESSION_HANDSHAKE:
	case SESSION_CLOSE_NOTIFY:
	case SESSION_OVER:
		break;
	}
	return false;
}

/* The rest of a response and the FIN are the stack's matter from here on; a request that crosses the FIN is answered with a
 * RST, which RFC 9112 9.3.1 has a client try again. */
bool session_make_room(struct session *s, struct http_time now)
{
	struct slice in[2];

	if (tcp_recv_peek(s->tcp, in) > 0)
		return false;
	note_reason(s, CLOSE_MADE_ROOM);
	if (s->phase == SESSION_OPEN) {
		http_conn_leave(s->http, now); /* GOAWAY (RFC 9113 6.8) */
		s->budget = TURN_BYTES;
		(void)(s->tls ? session_write_tls(s, now) : session_write_plain(s, now));
	}
	if (s->phase == SESSION_OVER)
		return true;
	if (s->phase == SESSION_OPEN && s->tls)
		(void)tls_session_close_notify(s->tls);
	close_tcp(s);
	return true;
}

void session_on_drain(struct session *s)
{
	if (s->phase == SESSION_SNIFF)
		begin_linger(s, CLOSE_DRAIN);
}
