/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c — see stream.h. */
#include "tests/sim/stream.h"

#include <stdlib.h>
#include <string.h>

#include "stack/tcp_types.h"
#include "tests/sim/pattern.h"

#define SCRATCH 65536u

struct sim_stream {
	struct sim_stream *next, **prev;
	struct sim_streams *owner;
	struct tcp_conn *conn;
	struct sim_plan plan;
	uint64_t tx_key, rx_key;
	uint64_t sent, received;
	uint64_t read_at_us, write_at_us, give_up_at_us;
	bool connected, peer_fin, shut, sent_event;
};

struct dial {
	struct sim_plan plan;
	uint16_t local_port, remote_port;
};

uint64_t sim_stream_key(const struct sim *sim, uint16_t port0, uint16_t port1, unsigned host)
{
	return sim_mix(sim->seed ^ sim_mix((uint64_t)port0 << 17 | (uint64_t)port1 << 1 | host));
}

void sim_streams_init(struct sim_streams *s, struct sim *sim, unsigned host)
{
	*s = (struct sim_streams){.sim = sim, .host = host, .scratch = sim_alloc(SCRATCH)};
}

static void unlink_stream(struct sim_stream *st)
{
	*st->prev = st->next;
	if (st->next)
		st->next->prev = st->prev;
	free(st);
}

void sim_streams_free(struct sim_streams *s)
{
	while (s->first)
		unlink_stream(s->first);
	free(s->scratch);
}

static struct sim_stream *open_stream(struct sim_streams *s, struct tcp_conn *conn,
				      const struct sim_plan *plan)
{
	struct sim_stream *st = sim_alloc(sizeof *st);
	struct tcp_info info;

	tcp_get_info(conn, &info);
	const uint16_t port0 = s->host == 0 ? info.local.port : info.remote.port;
	const uint16_t port1 = s->host == 0 ? info.remote.port : info.local.port;
	st->tx_key = sim_stream_key(s->sim, port0, port1, s->host);
	st->rx_key = sim_stream_key(s->sim, port0, port1, 1 - s->host);
	if (plan->echoed)
		st->rx_key = st->tx_key;
	st->owner = s;
	st->conn = conn;
	st->plan = *plan;
	st->read_at_us = plan->read_from_us;
	st->write_at_us = plan->write_from_us;
	st->give_up_at_us = plan->give_up_us ? s->sim->now_us + plan->give_up_us : UINT64_MAX;
	st->next = s->first;
	st->prev = &s->first;
	if (st->next)
		st->next->prev = &st->next;
	s->first = st;
	s->opened++;
	tcp_set_user(conn, st);
	return st;
}

/* ------------------------------------------------------------------ the end of a stream */

/* The handle has been given back, or is given back here. */
static void finish(struct sim_stream *st)
{
	struct sim_streams *s = st->owner;
	const bool complete = st->received == st->plan.receive;

	s->finished++;
	s->complete += complete;
	if (!complete && !st->plan.may_miss)
		sim_fail(s->sim, "host %s: the stream ended after %llu of %llu bytes",
			 s->sim->host[s->host].name, (unsigned long long)st->received,
			 (unsigned long long)st->plan.receive);
	unlink_stream(st);
}

static void closed(struct sim_stream *st, enum tcp_close_reason reason)
{
	struct sim_streams *s = st->owner;

	s->closed_for[reason]++;
	if (reason != TCP_CLOSE_ORDERLY && !(st->plan.reasons & 1u << reason))
		sim_fail(s->sim, "host %s: connection closed: %s", s->sim->host[s->host].name,
			 tcp_close_reason_text(reason));
	if (reason == TCP_CLOSE_ORDERLY && !st->peer_fin && !st->plan.may_miss)
		sim_fail(s->sim, "host %s: an orderly close, but no PEER_FIN",
			 s->sim->host[s->host].name);
	tcp_close(st->conn);
	finish(st);
}

/* ------------------------------------------------------------------ reading */

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void compare(struct sim_stream *st, const uint8_t *data, size_t len)
{
	struct sim *sim = st->owner->sim;
	uint64_t wrong;

	if (st->plan.unchecked)
		len = smaller(len, st->plan.receive - st->received);
	else if (len > st->plan.receive - st->received)
		sim_fail(sim, "host %s: more bytes than were sent",
			 sim->host[st->owner->host].name);
	else if (!sim_pattern_equal(data, st->rx_key, st->received, len, &wrong))
		sim_fail(sim, "host %s: byte %llu of the stream is not what was sent",
			 sim->host[st->owner->host].name, (unsigned long long)wrong);
	st->received += len;
	sim->work += len;
	if (st->received == st->plan.receive)
		st->owner->complete_us = sim->now_us;
}

/* One read: at most read_max bytes; an echo no more than it can send at once. */
static size_t read_once(struct sim_stream *st)
{
	struct slice in[2];
	size_t want = tcp_recv_peek(st->conn, in), done = 0;

	if (in[0].len + in[1].len != want)
		sim_fail(st->owner->sim, "tcp_recv_peek's slices are not as long as it says");
	if (st->plan.read_max && want > st->plan.read_max)
		want = st->plan.read_max;
	if (st->plan.echo && want > 0) {
		struct slice_mut out[2];
		want = smaller(tcp_send_reserve(st->conn, want, out), want);
		for (unsigned i = 0; i < 2 && want > 0; i++)
			for (size_t k = 0; k < out[i].len; k++, done++)
				out[i].data[k] = done < in[0].len ? in[0].data[done]
								  : in[1].data[done - in[0].len];
		tcp_send_commit(st->conn, want, false);
		st->sent += want;
	}
	for (unsigned i = 0, left = (unsigned)want; i < 2 && left > 0; i++) {
		const size_t n = smaller(left, in[i].len);
		compare(st, in[i].data, n);
		left -= (unsigned)n;
	}
	if (want > 0)
		tcp_recv_consume(st->conn, want);
	return want;
}

static void do_read(struct sim_stream *st)
{
	const uint64_t now = st->owner->sim->now_us;

	while (st->read_at_us <= now && read_once(st) > 0)
		if (st->plan.read_pause_us)
			st->read_at_us = now + st->plan.read_pause_us;
}

/* ------------------------------------------------------------------ writing */

static void write_some(struct sim_stream *st, size_t n, const struct slice_mut out[2])
{
	struct sim_streams *s = st->owner;
	size_t left = n;

	for (unsigned i = 0; i < 2 && left > 0; i++) {
		const size_t part = smaller(left, out[i].len);
		if (!st->plan.blank)
			sim_pattern_fill(out[i].data, st->tx_key, st->sent, part);
		st->sent += part;
		left -= part;
	}
	const bool last = st->sent == st->plan.send;
	tcp_send_commit(st->conn, n,
			st->plan.more_hints && !last && sim_rng_chance(&s->sim->rng, SIM_PPM / 2));
}

static void do_write(struct sim_stream *st)
{
	struct slice_mut out[2];

	const uint64_t now = st->owner->sim->now_us;

	while (!st->plan.echo && !st->shut && st->sent < st->plan.send && st->write_at_us <= now) {
		size_t want = smaller(st->plan.send - st->sent, SCRATCH);
		if (st->plan.write_max)
			want = smaller(want, st->plan.write_max);
		if (st->sent < st->plan.pause_after)
			want = smaller(want, st->plan.pause_after - st->sent);
		const size_t n = tcp_send_reserve(st->conn, want, out);
		if (n == 0)
			return;
		write_some(st, n, out);
		st->write_at_us = now + st->plan.write_pause_us;
		if (st->sent == st->plan.pause_after && st->write_at_us < st->plan.pause_until_us)
			st->write_at_us = st->plan.pause_until_us;
	}
}

/* ------------------------------------------------------------------ closing */

static bool ready_to_close(const struct sim_stream *st)
{
	const bool sent = st->sent == st->plan.send;

	switch (st->plan.close) {
	case SIM_CLOSE_FIRST:
	case SIM_CLOSE_SENT:
		return sent;
	case SIM_CLOSE_SECOND:
		return sent && st->peer_fin && tcp_recv_finished(st->conn);
	case SIM_CLOSE_DONE:
	case SIM_CLOSE_AT_ONCE:
	case SIM_CLOSE_ABORT:
		/* CLOSE in SYN-SENT deletes the connection (RFC 9293 3.10.4). */
		return sent && st->connected && st->received == st->plan.receive;
	case SIM_CLOSE_NEVER:
		break;
	}
	return false;
}

/* True when the stream is gone. */
static bool do_close(struct sim_stream *st)
{
	if (st->shut || !ready_to_close(st))
		return false;
	if (st->plan.close == SIM_CLOSE_AT_ONCE || st->plan.close == SIM_CLOSE_ABORT) {
		if (st->plan.close == SIM_CLOSE_ABORT)
			tcp_abort(st->conn);
		else
			tcp_close(st->conn);
		finish(st);
		return true;
	}
	st->shut = true;
	if (tcp_shutdown(st->conn) != STACK_OK)
		sim_fail(st->owner->sim, "tcp_shutdown refuses an open connection");
	if (st->plan.close == SIM_CLOSE_SENT)
		tcp_notify_sent(st->conn);
	return false;
}

/* Both directions are over as far as the application can tell: the rest is the stack's. */
static bool over(const struct sim_stream *st)
{
	return st->shut && st->peer_fin && tcp_recv_finished(st->conn) &&
	       (st->plan.close != SIM_CLOSE_SENT || st->sent_event);
}

static void set_timer(struct sim_stream *st)
{
	const uint64_t now = st->owner->sim->now_us;
	uint64_t at = st->give_up_at_us;

	if (st->read_at_us > now && st->read_at_us < at)
		at = st->read_at_us;
	if (st->write_at_us > now && st->write_at_us < at)
		at = st->write_at_us;
	tcp_set_timer(st->conn, at);
}

static void step(struct sim_stream *st)
{
	struct sim_streams *s = st->owner;

	if (s->sim->now_us >= st->give_up_at_us) {
		tcp_abort(st->conn);
		finish(st);
		return;
	}
	do_read(st);
	do_write(st);
	do_read(st); /* an echo has more room now */
	if (do_close(st))
		return;
	if (over(st)) {
		tcp_close(st->conn);
		finish(st);
		return;
	}
	set_timer(st);
}

/* ------------------------------------------------------------------ events */

static const struct sim_plan *plan_of(const struct sim_streams *s, const struct tcp_listener *l)
{
	unsigned i = 0;

	while (s->service[i].listener != l)
		i++;
	return &s->service[i].plan;
}

static void on_event(struct sim_streams *s, const struct stack_event *ev)
{
	struct tcp_conn *c;
	struct sim_stream *st;

	if (ev->type == STACK_EVENT_ACCEPT) {
		while ((c = tcp_accept(ev->listener)) != NULL) {
			st = open_stream(s, c, plan_of(s, ev->listener));
			st->connected = true;
			step(st);
		}
		return;
	}
	st = tcp_user(ev->conn);
	switch (ev->type) {
	case STACK_EVENT_CONNECTED:
		st->connected = true;
		break;
	case STACK_EVENT_CLOSED:
		st->read_at_us = 0; /* what is still in the ring can be read now, or never */
		if (ev->reason == TCP_CLOSE_ORDERLY && st->plan.read_from_us != UINT64_MAX)
			while (!st->plan.echo && read_once(st) > 0)
				;
		closed(st, ev->reason);
		return;
	case STACK_EVENT_PEER_FIN:
		st->peer_fin = true;
		break;
	case STACK_EVENT_SENT:
		st->sent_event = true;
		if (tcp_send_pending(st->conn) != 0)
			sim_fail(s->sim, "STACK_EVENT_SENT while bytes are pending");
		break;
	default:
		break;
	}
	step(st);
}

static void run(void *ctx, struct sim *sim)
{
	struct sim_streams *s = ctx;
	struct stack_event ev;

	while (!sim->failed && stack_next_event(sim->host[s->host].stack, &ev))
		on_event(s, &ev);
}

struct sim_app sim_streams_app(struct sim_streams *s)
{
	return (struct sim_app){.run = run, .ctx = s};
}

void sim_streams_listen(struct sim_streams *s, uint16_t port, unsigned backlog,
			const struct sim_plan *plan)
{
	const struct ip_endpoint local = {.port = port};

	if (s->services == SIM_SERVICES_MAX) {
		sim_fail(s->sim, "the scenario has more than %u services", SIM_SERVICES_MAX);
		return;
	}
	struct sim_service *v = &s->service[s->services++];
	v->plan = *plan;
	if (tcp_listen(s->sim->host[s->host].stack, &local, backlog, &v->listener) != STACK_OK)
		sim_fail(s->sim, "tcp_listen refuses port %u", port);
}

static void dial(void *ctx, void *arg)
{
	struct sim_streams *s = ctx;
	struct dial *d = arg;
	const struct ip_endpoint local = {.addr = sim_spoken_addr(s->sim, s->host),
					  .port = d->local_port};
	const struct ip_endpoint remote = {.addr = sim_spoken_addr(s->sim, 1 - s->host),
					   .port = d->remote_port};
	struct tcp_conn *c;
	const int err =
		tcp_connect(s->sim->host[s->host].stack, s->sim->now_us, &local, &remote, &c);

	if (err == STACK_ERR_IN_USE) { /* the last connection of this port is not over yet */
		sim_streams_connect(s, s->sim->now_us + SIM_SECOND, d->local_port, d->remote_port,
				    &d->plan);
		free(d);
		return;
	}
	if (err)
		sim_fail(s->sim, "tcp_connect from port %u: error %d", d->local_port, err);
	else {
		if (d->plan.cc) /* before the handshake is complete: then it sets its window */
			c->cc_ops = d->plan.cc;
		step(open_stream(s, c, &d->plan));
	}
	free(d);
	sim_wake(s->sim, s->host);
}

void sim_streams_connect(struct sim_streams *s, uint64_t at_us, uint16_t local_port,
			 uint16_t remote_port, const struct sim_plan *plan)
{
	struct dial *d = sim_alloc(sizeof *d);

	*d = (struct dial){*plan, local_port, remote_port};
	sim_heap_push(
		&s->sim->heap,
		(struct sim_event){.at_us = at_us, .fn = dial, .ctx = s, .arg = d, .drop = free});
}

void sim_streams_expect(struct sim_streams *s, unsigned count, unsigned complete)
{
	if (s->first || s->opened != count || s->finished != count)
		sim_fail(s->sim,
			 "host %s: %u streams opened and %u finished, expected %u; nothing is left "
			 "to happen",
			 s->sim->host[s->host].name, s->opened, s->finished, count);
	else if (s->complete < complete)
		sim_fail(s->sim, "host %s: only %u of %u streams got all their bytes",
			 s->sim->host[s->host].name, s->complete, complete);
}
