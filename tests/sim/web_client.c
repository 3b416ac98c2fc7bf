/* SPDX-License-Identifier: Apache-2.0 */
/* web_client.c — see web_client.h. */
#include "tests/sim/web_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/pattern.h"

#define HEAD_MAX 4096u
#define CHUNK 16384u

struct web_conn {
	struct web_conn *next, **prev;
	struct web_clients *owner;
	struct tcp_conn *tcp;
	struct tls_session *tls;
	struct web_plan plan;
	unsigned asked, answered;
	char out[256]; /* the request that is being written */
	size_t out_len, out_done;
	char head[HEAD_MAX + 1]; /* of the answer that is coming */
	size_t head_len;
	bool in_body;
	uint64_t body_left, body_at;
	uint64_t key;
	bool compare;     /* the body is a file's */
	bool said_close;  /* the answer has Connection: close */
	bool stream_end;  /* the server will send no more */
	bool notified;    /* our close_notify is sent */
	bool shut;        /* our FIN is queued */
	bool over_closed; /* STACK_EVENT_CLOSED has come */
	uint64_t read_at_us;
};

struct dial {
	struct web_plan plan;
	uint16_t local_port;
};

static const char *name_of(const struct web_conn *c, char text[48])
{
	struct tcp_info info;

	tcp_get_info(c->tcp, &info);
	snprintf(text, 48, "client on port %u, answer %u of %u", info.local.port, c->answered + 1,
		 c->plan.count);
	return text;
}

static void wrong(const struct web_conn *c, const char *what)
{
	char text[48];

	sim_fail(c->owner->sim, "%s: %s", name_of(c, text), what);
}

/* ------------------------------------------------------------------ answers */

static const struct web_request *expected(const struct web_conn *c)
{
	return &c->plan.request[c->answered];
}

/* The field's value in the answer's head, NULL when it is not there. */
static const char *field(const struct web_conn *c, const char *name)
{
	const size_t len = strlen(name);

	for (const char *line = strstr(c->head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
		if (!strncasecmp(line + 2, name, len) && line[2 + len] == ':')
			return line + 2 + len + 1 + strspn(line + 3 + len, " ");
	return NULL;
}

static void check_status(struct web_conn *c)
{
	static const int wanted[] = {[WEB_GET] = 200,
				     [WEB_HEAD] = 200,
				     [WEB_RANGE] = 206,
				     [WEB_MISSING] = 404,
				     [WEB_BAD] = 400};
	int status = 0;

	if (sscanf(c->head, "HTTP/1.1 %d ", &status) != 1 || status != wanted[expected(c)->kind]) {
		char text[48];
		sim_fail(c->owner->sim, "%s: expected status %d, got \"%.40s\"", name_of(c, text),
			 wanted[expected(c)->kind], c->head);
	}
}

static void begin_body(struct web_conn *c)
{
	const struct web_request *r = expected(c);
	const char *length = field(c, "Content-Length"), *connection = field(c, "Connection");

	check_status(c);
	if (!length || !field(c, "Date"))
		wrong(c, "no Content-Length or no Date");
	c->body_left = length ? strtoull(length, NULL, 10) : 0;
	c->compare = r->kind == WEB_GET || r->kind == WEB_RANGE;
	c->key = site_file_key(r->file);
	c->body_at = r->kind == WEB_RANGE ? r->from : 0;
	const uint64_t size = r->kind == WEB_RANGE ? r->to - r->from + 1 : site_file_size(r->file);
	if (r->kind != WEB_MISSING && r->kind != WEB_BAD && c->body_left != size)
		wrong(c, "Content-Length is not the file's");
	if (r->kind == WEB_HEAD)
		c->body_left = 0;
	c->said_close = connection && !strncasecmp(connection, "close", 5);
	c->in_body = true;
	c->owner->begun++;
}

static void end_answer(struct web_conn *c)
{
	const bool last = c->answered + 1 == c->plan.count;

	const bool must_close = last && (c->plan.server_first || expected(c)->kind == WEB_BAD);

	/* A server that has seen our FIN may say so as well. */
	if (c->said_close != must_close && !(c->said_close && last && c->plan.half_close))
		wrong(c, c->said_close ? "an unexpected Connection: close"
				       : "Connection: close is missing");
	c->answered++;
	c->owner->answers++;
	c->in_body = false;
	c->head_len = 0;
}

/* Bytes of the answers, in order. */
static void take(struct web_conn *c, const uint8_t *data, size_t len)
{
	uint64_t bad;

	while (len > 0 && !c->owner->sim->failed) {
		if (c->answered == c->plan.count) {
			wrong(c, "bytes behind the last answer");
			return;
		}
		if (!c->in_body) {
			c->head[c->head_len++] = (char)*data++;
			c->head[c->head_len] = '\0';
			len--;
			if (c->head_len >= 4 && !strcmp(c->head + c->head_len - 4, "\r\n\r\n"))
				begin_body(c);
			else if (c->head_len == HEAD_MAX)
				wrong(c, "a head without end");
		} else {
			const size_t n = len < c->body_left ? len : (size_t)c->body_left;
			if (c->compare && !sim_pattern_equal(data, c->key, c->body_at, n, &bad))
				wrong(c, "the body is not the file's");
			c->owner->sim->work += n;
			c->body_at += n;
			c->body_left -= n;
			data += n;
			len -= n;
		}
		if (c->in_body && c->body_left == 0)
			end_answer(c);
	}
}

/* ------------------------------------------------------------------ the stream below */

static long stream_send(void *ctx, const uint8_t *data, size_t len)
{
	struct web_conn *c = ctx;

	if (c->over_closed || c->shut)
		return -1;
	return (long)tcp_send_all(c->tcp, data, len, false);
}

static long stream_recv(void *ctx, uint8_t *buf, size_t len)
{
	struct web_conn *c = ctx;
	struct slice in[2];
	size_t done = 0;

	tcp_recv_peek(c->tcp, in);
	for (unsigned i = 0; i < 2 && done < len; i++) {
		const size_t n = in[i].len < len - done ? in[i].len : len - done;
		if (n > 0)
			memcpy(buf + done, in[i].data, n);
		done += n;
	}
	if (done > 0)
		tcp_recv_consume(c->tcp, done);
	else if (tcp_recv_finished(c->tcp) || c->over_closed)
		return -1;
	return (long)done;
}

static void read_tls(struct web_conn *c)
{
	uint8_t buf[CHUNK];
	size_t got;

	while (!c->stream_end && !c->owner->sim->failed) {
		const enum tls_status st = tls_session_read(c->tls, buf, sizeof buf, &got);
		if (st == TLS_OK) {
			take(c, buf, got);
		} else if (st == TLS_CLOSED) {
			c->stream_end = true;
		} else if (st == TLS_TRUNCATED) {
			wrong(c, "the server's FIN came without close_notify");
		} else if (st == TLS_FAILED) {
			wrong(c, tls_session_error(c->tls));
		} else {
			return;
		}
	}
}

static void read_plain(struct web_conn *c)
{
	struct sim *sim = c->owner->sim;
	uint8_t buf[CHUNK];
	long n = 1;

	while (n > 0 && c->read_at_us <= sim->now_us) {
		size_t room = sizeof buf;
		if (c->plan.read_max && c->plan.read_max < room)
			room = c->plan.read_max;
		n = stream_recv(c, buf, room);
		if (n > 0)
			take(c, buf, (size_t)n);
		if (n > 0 && c->plan.read_pause_us)
			c->read_at_us = sim->now_us + c->plan.read_pause_us;
		if (n < 0)
			c->stream_end = true;
	}
}

/* ------------------------------------------------------------------ requests */

static void next_request(struct web_conn *c)
{
	const struct web_request *r = &c->plan.request[c->asked];
	const bool last = c->asked + 1 == c->plan.count;
	const char *close = last && c->plan.server_first ? "Connection: close\r\n" : "";
	char range[64] = "";

	if (r->kind == WEB_RANGE)
		snprintf(range, sizeof range, "Range: bytes=%llu-%llu\r\n",
			 (unsigned long long)r->from, (unsigned long long)r->to);
	if (r->kind == WEB_BAD)
		snprintf(c->out, sizeof c->out, "GET / HTTP/1.1\nno: sir\n\n");
	else
		snprintf(c->out, sizeof c->out,
			 "%s /%s%u.bin HTTP/1.1\r\nHost: " SITE_NAME "\r\n%s%s\r\n",
			 r->kind == WEB_HEAD ? "HEAD" : "GET",
			 r->kind == WEB_MISSING ? "missing" : "f", r->file, range, close);
	c->out_len = strlen(c->out);
	c->out_done = 0;
	c->asked++;
}

/* False when the stream has no room now. */
static bool write_out(struct web_conn *c)
{
	const uint8_t *data = (const uint8_t *)c->out + c->out_done;
	size_t len = c->out_len - c->out_done, taken = 0;

	if (c->plan.by_bytes)
		len = 1;
	if (!c->tls) {
		taken = tcp_send_all(c->tcp, data, len, false);
	} else {
		const enum tls_status st = tls_session_write(c->tls, data, len, &taken);
		if (st == TLS_FAILED)
			wrong(c, tls_session_error(c->tls));
		if (st != TLS_OK)
			return false;
	}
	c->out_done += taken;
	return taken > 0;
}

static void ask(struct web_conn *c)
{
	while (!c->shut && !c->stream_end) {
		if (c->out_done < c->out_len) {
			if (!write_out(c))
				return;
			continue;
		}
		if (c->asked == c->plan.count || (!c->plan.pipelined && c->asked > c->answered))
			break;
		next_request(c);
	}
	if (c->plan.half_close && c->asked == c->plan.count && c->out_done == c->out_len &&
	    !c->shut) {
		c->shut = true;
		tcp_shutdown(c->tcp);
	}
}

/* ------------------------------------------------------------------ the end */

static void finish(struct web_conn *c)
{
	struct web_clients *w = c->owner;

	if (c->answered != c->plan.count && !w->may_fail)
		wrong(c, "the connection ended before the last answer");
	tls_session_destroy(c->tls);
	tcp_close(c->tcp);
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	free(c);
	w->finished++;
}

/* Our goodbye: when all answers are here, unless the server has promised to close first. */
static bool closed(struct web_conn *c)
{
	if (c->stream_end && c->answered < c->plan.count)
		wrong(c, "the server closed before the last answer");
	if (c->answered < c->plan.count || (c->plan.server_first && !c->stream_end) ||
	    (expected(c)[-1].kind == WEB_BAD && !c->stream_end))
		return false;
	if (c->tls && !c->notified && !c->over_closed) {
		const enum tls_status st = tls_session_close_notify(c->tls);
		if (st == TLS_WANT_WRITE)
			return false;
		if (st != TLS_OK)
			wrong(c, "close_notify cannot be sent");
		c->notified = true;
	}
	if (!c->shut && !c->over_closed) {
		c->shut = true;
		tcp_shutdown(c->tcp);
	}
	/* TLS ends with close_notify, the stream below with the FIN. */
	return c->stream_end && (tcp_recv_finished(c->tcp) || c->over_closed);
}

static void set_timer(struct web_conn *c)
{
	const uint64_t at = c->read_at_us > c->owner->sim->now_us ? c->read_at_us : UINT64_MAX;

	if (!c->over_closed)
		tcp_set_timer(c->tcp, at);
}

static void drive(struct web_conn *c)
{
	if (c->tls && !tls_session_established(c->tls)) {
		const enum tls_status st = tls_session_handshake(c->tls);
		if (st != TLS_OK) {
			if (st != TLS_WANT_READ && st != TLS_WANT_WRITE)
				wrong(c, tls_session_error(c->tls));
			return;
		}
	}
	unsigned before;
	do {
		before = c->answered;
		ask(c);
		if (c->tls)
			read_tls(c);
		else
			read_plain(c);
	} while (c->answered != before && !c->owner->sim->failed);
	if (!c->owner->sim->failed && closed(c))
		finish(c);
	else
		set_timer(c);
}

/* ------------------------------------------------------------------ events */

static void on_closed(struct web_conn *c, enum tcp_close_reason reason)
{
	char text[48];

	c->over_closed = true;
	c->read_at_us = 0;
	c->plan.read_pause_us = 0;
	if (reason != TCP_CLOSE_ORDERLY && !c->owner->may_fail) {
		sim_fail(c->owner->sim, "%s: connection closed: %s", name_of(c, text),
			 tcp_close_reason_text(reason));
		return;
	}
	if (reason == TCP_CLOSE_ORDERLY && c->tls)
		read_tls(c);
	else if (reason == TCP_CLOSE_ORDERLY)
		read_plain(c);
	c->stream_end = true;
	finish(c);
}

static void run(void *ctx, struct sim *sim)
{
	struct stack_event ev;

	(void)ctx;
	while (!sim->failed && stack_next_event(sim->host[0].stack, &ev)) {
		struct web_conn *c = tcp_user(ev.conn);
		if (ev.type == STACK_EVENT_CLOSED)
			on_closed(c, ev.reason);
		else if (ev.type == STACK_EVENT_CONNECTED || c->out_len || c->tls)
			drive(c);
	}
}

static void dial(void *ctx, void *arg)
{
	struct web_clients *w = ctx;
	struct dial *d = arg;
	struct web_conn *c = sim_alloc(sizeof *c);
	const struct ip_endpoint local = {.addr = sim_spoken_addr(w->sim, 0),
					  .port = d->local_port};
	const struct ip_endpoint remote = {.addr = sim_spoken_addr(w->sim, 1), .port = w->port};
	const struct tls_stream stream = {.ctx = c, .send = stream_send, .recv = stream_recv};

	c->owner = w;
	c->plan = d->plan;
	free(d);
	if (tcp_connect(w->sim->host[0].stack, w->sim->now_us, &local, &remote, &c->tcp) != 0) {
		sim_fail(w->sim, "tcp_connect from port %u", local.port);
		free(c);
		return;
	}
	if (w->tls)
		c->tls = tls_session_create(w->tls, &stream);
	c->next = w->first;
	c->prev = &w->first;
	if (c->next)
		c->next->prev = &c->next;
	w->first = c;
	w->opened++;
	tcp_set_user(c->tcp, c);
	sim_wake(w->sim, 0);
}

void web_clients_init(struct web_clients *w, struct sim *sim, struct tls_context *tls,
		      uint16_t port)
{
	*w = (struct web_clients){.sim = sim, .tls = tls, .port = port};
}

void web_clients_free(struct web_clients *w)
{
	while (w->first) {
		struct web_conn *c = w->first;
		w->first = c->next;
		tls_session_destroy(c->tls);
		free(c);
	}
}

struct sim_app web_clients_app(struct web_clients *w)
{
	return (struct sim_app){.run = run, .ctx = w};
}

void web_clients_connect(struct web_clients *w, uint64_t at_us, uint16_t local_port,
			 const struct web_plan *plan)
{
	struct dial *d = sim_alloc(sizeof *d);

	*d = (struct dial){*plan, local_port};
	sim_heap_push(
		&w->sim->heap,
		(struct sim_event){.at_us = at_us, .fn = dial, .ctx = w, .arg = d, .drop = free});
}
