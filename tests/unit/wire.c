/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.c — see wire.h. From top to bottom: the trace, the clock and the pump, the script's verbs, the
 * fixtures. Nothing of the stack's insides is used, so that a bug there cannot hide itself.
 */
#include "tests/unit/wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"
#include "tests/unit/wire_seg.h"
#include "tests/unit/wire_seg.c"
#include "tests/unit/wire_v6.c"

#define TRACE_MAX ((size_t)1 << 16)
#define HOUR_US (3600ull * 1000 * 1000)

/* ------------------------------------------------------------------ the trace */

static void trace(struct wire *w, char direction, const char *text)
{
	if (w->quiet)
		return;
	if (w->trace_len > TRACE_MAX - 1024) { /* keep the newer half */
		memmove(w->trace, w->trace + TRACE_MAX / 2, w->trace_len - TRACE_MAX / 2);
		w->trace_len -= TRACE_MAX / 2;
	}
	const uint64_t us = w->now_us - w->start_us;
	w->trace_len +=
		(size_t)snprintf(w->trace + w->trace_len, TRACE_MAX - w->trace_len,
				 "  %4llu.%06llu %c %.400s\n", (unsigned long long)(us / 1000000),
				 (unsigned long long)(us % 1000000), direction, text);
}

void wire_fail(struct wire *w, const char *file, int line, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	w->failed = true;
	/* Line by line: print_error has a buffer of 1,024 bytes. */
	for (char *at = w->trace, *end; (end = memchr(at, '\n', w->trace_len)) != NULL;
	     at = end + 1) {
		print_error("%.*s\n", (int)(end - at), at);
		w->trace_len -= (size_t)(end + 1 - at);
	}
	print_error("%s:%d: %s\n", file, line, text);
	_fail(file, line);
	abort(); /* _fail does not return */
}

/* ------------------------------------------------------------------ the clock and the pump */

static void step_failed(struct wire *w, const char *what)
{
	wire_fail(w, __FILE__, __LINE__, "after this step: %s", what);
}

/* NULL, or what is wrong with it. */
static const char *note_packet(struct wire *w, const struct wire_packet *p)
{
	const char *what;
	struct seg g;
	char text[256];

	if (p->bytes[0] >> 4 == 6)
		return wire_decode_ip6(p->bytes, p->len);
	if (p->bytes[9] == 1)
		return wire_decode_ip(p->bytes, p->len);
	if (!wire_decode(p->bytes, p->len, &g, &what))
		return what;
	wire_print_seg(w, &g, false, text, sizeof text);
	trace(w, '<', text);
	return wire_check_packet(w, p, &g);
}

/* What the stack has sent, made into what scripts speak of. */
static const char *receive(struct wire *w, struct wire_packet *p, const struct packet_out *out)
{
	const char *what = wire_finish_checksum(p, out);

	if (!what && w->version == 6 && p->bytes[0] >> 4 == 6) {
		what = wire_decode_ip6(p->bytes, p->len);
		if (!what && p->bytes[6] == 6)
			wire_to_v4(p);
	}
	return what ? what : note_packet(w, p);
}

static void pull(struct wire *w)
{
	struct packet_out out;
	size_t len;

	while ((len = stack_output(w->s, w->now_us, &out)) > 0) {
		struct wire_packet *p = test_malloc(sizeof *p + len);
		size_t at = out.header_len;

		memcpy(p->bytes, out.header, out.header_len);
		for (size_t i = 0; i < out.payload_count; at += out.payload[i++].len)
			if (at + out.payload[i].len <= len)
				memcpy(p->bytes + at, out.payload[i].data, out.payload[i].len);
		p->next = NULL;
		p->at_us = w->now_us;
		p->len = len;
		p->gso_size = out.gso_size;
		*w->out_tail = p;
		w->out_tail = &p->next;
		const char *what = at != len ? "stack_output's length is not the sum of its parts"
					     : receive(w, p, &out);
		if (what)
			step_failed(w, what);
	}
}

static void take_events(struct wire *w)
{
	struct stack_event e;

	while (stack_next_event(w->s, &e)) {
		if (e.type != STACK_EVENT_ACCEPT && w->c && e.conn != w->c)
			continue;
		w->events[e.type]++;
		if (e.type == STACK_EVENT_CLOSED)
			w->closed_reason = e.reason;
	}
}

static void settle(struct wire *w)
{
	if (w->holding)
		return;
	stack_advance(w->s, w->now_us);
	take_events(w);
	pull(w);
	take_events(w);
	const char *broken = stack_check(w->s);
	if (broken)
		step_failed(w, broken);
}

static void run_until(struct wire *w, uint64_t until_us, bool stop_at_packet)
{
	for (unsigned idle = 0; !(stop_at_packet && w->out);) {
		const uint64_t next = stack_next_timeout(w->s);
		if (next > until_us)
			break;
		idle = next > w->now_us ? 0 : idle + 1;
		if (idle > 100)
			step_failed(w, "stack_next_timeout stays in the past");
		if (next > w->now_us)
			w->now_us = next;
		settle(w);
	}
	if (!(stop_at_packet && w->out) && until_us > w->now_us) {
		w->now_us = until_us;
		settle(w);
	}
}

void advance_us(struct wire *w, uint64_t by_us)
{
	settle(w);
	run_until(w, w->now_us + by_us, false);
}

void advance_to(struct wire *w, const char *time)
{
	run_until(w, w->start_us + wire_us(time), false);
}

void hold(struct wire *w)
{
	w->holding = true;
}

void release(struct wire *w)
{
	w->holding = false;
	settle(w);
}

struct wire_packet *wire_take(struct wire *w)
{
	struct wire_packet *p = w->out;

	if (p) {
		w->out = p->next;
		if (!w->out)
			w->out_tail = &w->out;
	}
	return p;
}

size_t drain(struct wire *w)
{
	size_t n = 0;

	for (struct wire_packet *p; (p = wire_take(w)) != NULL; n++)
		test_free(p);
	return n;
}

size_t wire_waiting(const struct wire *w)
{
	size_t n = 0;

	for (const struct wire_packet *p = w->out; p; p = p->next)
		n++;
	return n;
}

/* ------------------------------------------------------------------ the script's verbs */

static const char *packet_text(const struct wire *w, const struct wire_packet *p, char *text,
			       size_t size)
{
	struct seg g;
	const char *what;
	const int n = snprintf(text, size, "%.6f ", (double)(p->at_us - w->start_us) / 1e6);

	if (wire_decode(p->bytes, p->len, &g, &what))
		wire_print_seg(w, &g, false, text + n, size - (size_t)n);
	else
		snprintf(text + n, size - (size_t)n, "protocol %u, %zu bytes", p->bytes[9], p->len);
	return text;
}

static void no_packet_waits(struct wire *w, const char *before, const char *file, int line)
{
	char text[512];

	if (w->out)
		wire_fail(w, file, line, "before: %s\n  not expected: %s", before,
			  packet_text(w, w->out, text, sizeof text));
}

void wire_inject_meta(struct wire *w, const uint8_t *packet, size_t len, struct packet_meta meta)
{
	const bool translate = w->version == 6 && len >= 20 && packet[0] >> 4 == 4;
	const size_t total = translate ? len + 20 : len;
	/* A copy of the exact size, so that a read beyond its end is seen. */
	uint8_t *copy = malloc(total ? total : 1);

	if (translate)
		wire_to_v6(packet, len, copy);
	else
		memcpy(copy, packet, len);
	stack_input(w->s, w->now_us, copy, total, meta);
	free(copy);
	settle(w);
}

void wire_inject_raw(struct wire *w, const uint8_t *packet, size_t len)
{
	wire_inject_meta(w, packet, len, (struct packet_meta){0});
}

void wire_inject_seg(struct wire *w, const struct seg *g)
{
	static uint8_t packet[WIRE_PACKET_MAX];
	char text[256];

	wire_print_seg(w, g, true, text, sizeof text);
	trace(w, '>', text);
	wire_note_peer_window(w, g);
	wire_inject_raw(w, packet, wire_build(w, g, packet));
}

void wire_inject(struct wire *w, const char *text, const char *file, int line)
{
	struct wire_line l = wire_parse_line(w, text, true);
	const uint64_t at = l.when == WHEN_PLUS ? w->now_us + l.at_us : w->start_us + l.at_us;

	if (l.when == WHEN_ANY)
		l.at_us = w->now_us;
	else if (at < w->now_us)
		wire_fail(w, file, line, "the clock is past this already: %s", text);
	else if (at > w->now_us)
		run_until(w, at, false);
	no_packet_waits(w, text, file, line);
	wire_inject_seg(w, &l.seg);
}

static bool time_fits(const struct wire *w, const struct wire_line *l, uint64_t at_us)
{
	const uint64_t at = at_us - w->start_us, tolerance = l->when == WHEN_ABOUT ? 10000 : 1000;

	if (l->when == WHEN_ANY || l->when == WHEN_PLUS)
		return true;
	if (l->when == WHEN_AFTER)
		return at >= l->at_us;
	return at + tolerance >= l->at_us && at <= l->at_us + tolerance;
}

static bool options_fit(const struct wire_line *l, const struct seg *g)
{
	const struct seg *x = &l->seg;

	if (!l->has_options)
		return true;
	return x->has_mss == g->has_mss && x->mss == g->mss && x->has_wscale == g->has_wscale &&
	       x->wscale == g->wscale && x->sack_ok == g->sack_ok &&
	       x->sack_count == g->sack_count && memcmp(x->sack, g->sack, sizeof x->sack) == 0 &&
	       x->has_ts == g->has_ts && (l->any_ts_val || x->ts_val == g->ts_val) &&
	       x->ts_ecr == g->ts_ecr && x->has_fo == g->has_fo &&
	       (l->any_fo || (x->fo_len == g->fo_len && memcmp(x->fo, g->fo, x->fo_len) == 0));
}

static bool seg_fits(const struct wire_line *l, const struct seg *g)
{
	const uint8_t ignore = l->seg.flags & PSH ? 0 : PSH;

	return l->seg.sport == g->sport && l->seg.dport == g->dport && g->src == l->seg.src &&
	       g->dst == l->seg.dst && (g->flags & ~ignore) == (l->seg.flags & ~ignore) &&
	       g->seq == l->seg.seq && g->len == l->seg.len &&
	       (!l->has_ack || g->ack == l->seg.ack) && (!l->has_win || g->win == l->seg.win) &&
	       g->urg == l->seg.urg && g->ecn == l->seg.ecn && options_fit(l, g);
}

void wire_expect(struct wire *w, const char *text, const char *file, int line)
{
	struct wire_line l = wire_parse_line(w, text, false);
	const bool open_ended = l.when == WHEN_ANY || l.when == WHEN_AFTER;
	const uint64_t until = open_ended ? w->now_us + HOUR_US : w->start_us + l.at_us + 10000;
	const char *what;
	char actual[512];
	struct seg g;

	if (!w->out && until > w->now_us)
		run_until(w, until, true);
	struct wire_packet *p = wire_take(w);
	if (!p)
		wire_fail(w, file, line, "expected: %s\n  actual:   nothing was sent", text);
	packet_text(w, p, actual, sizeof actual);
	const bool fits = wire_decode(p->bytes, p->len, &g, &what) && seg_fits(&l, &g) &&
			  time_fits(w, &l, p->at_us);
	test_free(p);
	if (!fits)
		wire_fail(w, file, line, "expected: %s\n  actual:   %s", text, actual);
}

void wire_expect_none(struct wire *w, const char *time, const char *file, int line)
{
	no_packet_waits(w, "silence", file, line);
	run_until(w, w->start_us + wire_us(time), true);
	no_packet_waits(w, "silence", file, line);
}

struct find {
	const struct wire *w;
	enum tcp_state state;
};

static void find_state(void *ctx, const struct tcp_info *info)
{
	struct find *f = ctx;

	if (info->local.port == f->w->lport && info->remote.port == f->w->rport)
		f->state = info->state;
}

void wire_expect_state(struct wire *w, enum tcp_state state, const char *file, int line)
{
	struct find f = {w, TCP_CLOSED};

	stack_each_conn(w->s, find_state, &f);
	if (f.state != state)
		wire_fail(w, file, line, "expected state: %s\n  actual state:   %s",
			  tcp_state_name(state), tcp_state_name(f.state));
}

void wire_expect_closed(struct wire *w, enum tcp_close_reason reason, const char *file, int line)
{
	if (w->events[STACK_EVENT_CLOSED] == 0)
		wire_fail(w, file, line,
			  "expected: the event CLOSED, %s\n  actual:   no such event",
			  tcp_close_reason_text(reason));
	if (w->events[STACK_EVENT_CLOSED] != 1 || w->closed_reason != reason)
		wire_fail(w, file, line, "expected: CLOSED, %s\n  actual:   CLOSED %u times, %s",
			  tcp_close_reason_text(reason), w->events[STACK_EVENT_CLOSED],
			  tcp_close_reason_text(w->closed_reason));
}

unsigned wire_events(const struct wire *w, enum stack_event_type type)
{
	return w->events[type];
}

void wire_listen(struct wire *w, uint16_t port, unsigned backlog)
{
	const struct ip_endpoint local = {.port = port};

	w->lport = port;
	check_equal(w, tcp_listen(w->s, &local, backlog, &w->listener), STACK_OK);
}

/* A handle's events begin with it. */
static void new_handle(struct wire *w, struct tcp_conn *c)
{
	w->c = c;
	w->sent = w->received = 0;
	memset(w->events, 0, sizeof w->events);
	w->closed_reason = TCP_CLOSE_NONE;
}

struct tcp_conn *wire_accept(struct wire *w)
{
	struct tcp_conn *c = tcp_accept(w->listener);

	trace(w, '=', "accept");
	if (!c)
		wire_fail(w, __FILE__, __LINE__, "tcp_accept has no connection");
	new_handle(w, c);
	settle(w);
	return c;
}

void wire_connect(struct wire *w)
{
	const struct ip_endpoint local = {.addr = wire_host_addr(w), .port = 50000};
	const struct ip_endpoint remote = {.addr = wire_peer_addr(w), .port = 9000};
	struct tcp_conn *c = NULL;

	w->lport = local.port;
	w->rport = remote.port;
	trace(w, '=', "connect");
	check_equal(w, tcp_connect(w->s, w->now_us, &local, &remote, &c), STACK_OK);
	new_handle(w, c);
	settle(w);
}

void wire_send(struct wire *w, size_t len, bool more, const char *file, int line)
{
	struct slice_mut room[2] = {{0}};
	char text[64];

	snprintf(text, sizeof text, "send %zu%s", len, more ? ", more to come" : "");
	trace(w, '=', text);
	if (tcp_send_reserve(w->c, len, room) < len)
		wire_fail(w, file, line, "the send buffer has no room for %zu bytes", len);
	for (size_t i = 0; i < len; i++) {
		const uint8_t byte = wire_pattern(++w->sent);
		if (i < room[0].len)
			room[0].data[i] = byte;
		else
			room[1].data[i - room[0].len] = byte;
	}
	tcp_send_commit(w->c, len, more);
	settle(w);
}

void wire_recv(struct wire *w, size_t len, const char *file, int line)
{
	struct slice got[2] = {{0}};
	char text[64];

	snprintf(text, sizeof text, "receive %zu", len);
	trace(w, '=', text);
	const size_t have = tcp_recv_peek(w->c, got);
	if (have < len || got[0].len + got[1].len != have)
		wire_fail(w, file, line, "%zu bytes wanted, %zu in order", len, have);
	for (size_t i = 0; i < len; i++) {
		const uint8_t byte = i < got[0].len ? got[0].data[i] : got[1].data[i - got[0].len];
		if (byte != wire_pattern(++w->received))
			wire_fail(w, file, line, "byte %u of the stream is wrong", w->received);
	}
	tcp_recv_consume(w->c, len);
	settle(w);
}

void wire_shutdown(struct wire *w)
{
	trace(w, '=', "shutdown");
	check_equal(w, tcp_shutdown(w->c), STACK_OK);
	settle(w);
}

void wire_close(struct wire *w)
{
	trace(w, '=', "close");
	tcp_close(w->c);
	w->c = NULL;
	settle(w);
}

void wire_abort(struct wire *w)
{
	trace(w, '=', "abort");
	tcp_abort(w->c);
	w->c = NULL;
	settle(w);
}

struct tcp_info wire_info(struct wire *w)
{
	struct tcp_info info;

	tcp_get_info(w->c, &info);
	return info;
}

struct stack_usage wire_usage(const struct wire *w)
{
	struct stack_usage usage;

	stack_get_usage(w->s, &usage);
	return usage;
}

const struct stack_counters *counters(const struct wire *w)
{
	return stack_get_counters(w->s);
}

void wire_establish(struct wire *w, const char *syn_words)
{
	char text[256];
	const char *win = strstr(syn_words, "win");

	wire_listen(w, WIRE_PORT, 16);
	snprintf(text, sizeof text, "+0 S 0:0(0) %s", syn_words);
	inject(w, text);
	expect(w, "* S. 0:0(0) ack 1");
	snprintf(text, sizeof text, "+0 . 1:1(0) ack 1 win %d", win ? atoi(win + 3) : 65535);
	inject(w, text);
	wire_accept(w);
	expect_state(w, TCP_ESTABLISHED);
}

void wire_establish_active(struct wire *w)
{
	wire_connect(w);
	expect(w, "* S 0:0(0)");
	inject(w, "+0 S. 0:0(0) ack 1 win 65535 <mss 1460>");
	expect(w, "* . 1:1(0) ack 1");
	check_equal(w, wire_events(w, STACK_EVENT_CONNECTED), 1);
	expect_state(w, TCP_ESTABLISHED);
}

/* ------------------------------------------------------------------ fixtures */

static void start(struct wire *w)
{
	struct stack_config cfg = w->cfg;

	for (size_t i = 0; w->version == 6 && i < cfg.addr_count; i++)
		if (cfg.addr[i].version == 4)
			cfg.addr[i] = map_address(wire_get32(cfg.addr[i].bytes));
	if (w->version == 6)
		cfg.mtu = cfg.mtu + 20 < 65535 ? cfg.mtu + 20 : 65535;
	w->s = stack_create(&cfg);
	assert_non_null(w->s);
	w->empty_memory = wire_usage(w).memory;
	w->listener = NULL;
	w->c = NULL;
}

static int setup(void **state, uint8_t version, uint32_t isn)
{
	struct wire *w = test_calloc(1, sizeof *w);

	w->version = version;
	stack_config_default(&w->cfg);
	w->cfg.addr[0] = ip_addr_v4(10, 0, 0, 2);
	w->cfg.addr_count = 1;
	memset(w->cfg.seed, 0x5a, sizeof w->cfg.seed);
	w->cfg.mtu = 1500;
	w->cfg.checksum_offload = false;
	w->cfg.tso = false;
	w->cfg.fixed_isn = true;
	w->cfg.isn = isn;
	w->cfg.cc = &tcp_cc_newreno; /* whose windows a script can foretell */
	w->iss = w->irs = isn;
	w->lport = WIRE_PORT;
	w->rport = WIRE_PEER_PORT;
	w->start_us = w->now_us = 1000000007; /* not on a boundary of anything */
	w->out_tail = &w->out;
	w->trace = test_malloc(TRACE_MAX);
	start(w);
	*state = w;
	return 0;
}

#define FIXTURE(name, version, isn)                \
	int name(void **state)                     \
	{                                          \
		return setup(state, version, isn); \
	}
FIXTURE(wire_setup_0, 4, 0)
FIXTURE(wire_setup_half, 4, 0x7fffffffu)
FIXTURE(wire_setup_wrap, 4, 0u - 1000)
FIXTURE(wire_setup_0_v6, 6, 0)
FIXTURE(wire_setup_half_v6, 6, 0x7fffffffu)
FIXTURE(wire_setup_wrap_v6, 6, 0u - 1000)

/* Gives up what the test still holds. In the end nothing may be left. */
static void wind_up(struct wire *w)
{
	const uint64_t limit = w->now_us + 24 * HOUR_US;

	drain(w);
	w->holding = false;
	if (w->c)
		wire_abort(w);
	if (w->listener)
		tcp_unlisten(w->listener);
	w->listener = NULL;
	settle(w);
	while (stack_next_timeout(w->s) != UINT64_MAX && w->now_us < limit) {
		run_until(w, stack_next_timeout(w->s), false);
		drain(w);
	}
	check(w, w->now_us < limit);
	const struct stack_usage left = wire_usage(w);
	check_equal(w, left.connections, 0);
	check_equal(w, left.half_open, 0);
	check_equal(w, left.time_wait, 0);
	check_equal(w, left.memory, w->empty_memory);
	drain(w);
}

void wire_restart(struct wire *w)
{
	wind_up(w);
	stack_destroy(w->s);
	start(w);
}

int wire_teardown(void **state)
{
	struct wire *w = *state;

	if (!w->failed) /* nothing more is to be learnt from a stack whose test has failed */
		wind_up(w);
	drain(w);
	stack_destroy(w->s);
	test_free(w->trace);
	test_free(w);
	return 0;
}
