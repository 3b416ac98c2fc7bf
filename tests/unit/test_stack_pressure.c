/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory under pressure: what is given up, in which order, how it begins and ends (stack.h,
 * memory_limit), and a good client among hostile ones. stack_check, which compares the account with what is held,
 * runs after every step, and at the end of each test not a byte may be left.
 */
#include <stdio.h>
#include <string.h>

#include "stack/pressure.h"
#include "stack/tcp_types.h"
#include "tests/unit/wire.h"

#define KIB 1024u
#define LIMIT (256 * KIB)
#define CLIENTS 64

struct load {
	struct wire *w;
	struct tcp_conn *c[CLIENTS];
	uint16_t port[CLIENTS];
	unsigned count;
};

static void small(struct wire *w, size_t limit)
{
	w->cfg.memory_limit = limit;
	wire_restart(w);
	w->quiet = true;
	w->any_payload = true;
	w->any_window = true;
	wire_listen(w, WIRE_PORT, 64);
}

static size_t held(const struct wire *w)
{
	return wire_usage(w).memory;
}

/* Whoever it is from: nobody expects a packet here. */
static void say(struct wire *w, uint16_t port, const char *text)
{
	drain(w);
	w->rport = port;
	inject(w, text);
	drain(w);
}

static void let_time_pass(struct wire *w, uint64_t us)
{
	for (uint64_t step = us / 50; us > 0; us -= step < us ? step : us) {
		advance_us(w, step < us ? step : us);
		drain(w);
	}
}

/* A handshake over 100 ms; NULL when there was no connection of it. */
static struct tcp_conn *try_client(struct wire *w, uint16_t port, const char *options, unsigned win)
{
	struct wire_packet *p;
	const char *what;
	struct seg g;
	char line[128];

	drain(w);
	w->rport = port;
	snprintf(line, sizeof line, "+0 S 0:0(0) win %u <mss 1460%s>", win, options);
	inject(w, line);
	/* The SYN-ACK's number is the script's 0: under a flood it is a cookie. */
	for (; (p = wire_take(w)) != NULL; test_free(p))
		if (wire_decode(p->bytes, p->len, &g, &what) && g.flags == (SYN | ACK))
			w->iss = g.seq;
	let_time_pass(w, 100000);
	snprintf(line, sizeof line, "+0 . 1:1(0) ack 1 win %u", win);
	say(w, port, line);
	return tcp_accept(w->listener);
}

static struct tcp_conn *client(struct load *l, uint16_t port, const char *options, unsigned win)
{
	struct tcp_conn *c = try_client(l->w, port, options, win);

	check(l->w, c && l->count < CLIENTS);
	l->port[l->count] = port;
	return l->c[l->count++] = c;
}

/* Writes what fits of `bytes`; returns how many that were. */
static size_t put(struct wire *w, struct tcp_conn *c, size_t bytes)
{
	struct slice_mut room[2];
	const size_t got = tcp_send_reserve(c, bytes, room);

	for (unsigned i = 0; i < 2; i++)
		if (room[i].len > 0)
			memset(room[i].data, 'x', room[i].len);
	tcp_send_commit(c, got, false);
	advance_us(w, 0);
	drain(w);
	return got;
}

/* A peer that has shut its window on so many bytes of ours. */
static struct tcp_conn *holder(struct load *l, uint16_t port, size_t bytes)
{
	struct tcp_conn *c = client(l, port, "", 0);

	check_equal(l->w, put(l->w, c, bytes), bytes);
	return c;
}

static void leave(struct load *l)
{
	for (unsigned i = 0; i < l->count; i++)
		if (l->c[i])
			tcp_abort(l->c[i]);
	advance_us(l->w, 0);
	drain(l->w);
	l->count = 0;
}

/* Three quarters of LIMIT, by peers who do not take their data. */
static void fill_to_three_quarters(struct load *l)
{
	for (uint16_t i = 0; i < 3; i++)
		holder(l, (uint16_t)(1000 + i), 64 * KIB);
	check(l->w, held(l->w) > LIMIT * 3 / 4 && held(l->w) < LIMIT * 7 / 8);
}

/* What is left above: until a first buffer is refused. Returns who was refused. */
static struct tcp_conn *fill_up(struct load *l)
{
	for (uint16_t i = 0;; i++) {
		struct tcp_conn *c = client(l, (uint16_t)(1100 + i), "", 0);
		if (put(l->w, c, 4 * KIB) == 0)
			return c;
	}
}

/* ------------------------------------------------------------------ pressure begins and ends */

struct told {
	unsigned begun, ended, aborted, other;
};

static void on_trace(void *ctx, const struct stack_trace_event *e)
{
	struct told *told = ctx;

	if (e->kind != STACK_TRACE_MEMORY)
		return;
	if (strstr(e->why, "nothing grows any more"))
		told->begun++;
	else if (strstr(e->why, "no longer short"))
		told->ended++;
	else if (strstr(e->why, "does not take its data") && e->conn_id != 0 &&
		 e->state_before == TCP_ESTABLISHED)
		told->aborted++;
	else
		told->other++;
}

static void test_each_step_is_traced_with_its_reason(void **state)
{
	struct load l = {.w = *state};
	struct wire *w = l.w;
	struct told told = {0};

	w->cfg.trace = on_trace;
	w->cfg.trace_ctx = &told;
	small(w, LIMIT);
	fill_to_three_quarters(&l);
	check_equal(w, told.begun, 0);
	holder(&l, 2000, 32 * KIB);
	check_equal(w, told.begun, 1);
	check_equal(w, told.ended, 0);
	fill_up(&l);
	let_time_pass(w, 2 * PRESSURE_STALL_US);
	check(w, told.aborted > 0);
	check_equal(w, told.aborted, counters(w)->tcp_abort_on_memory);
	check_equal(w, told.other, 0);
	leave(&l);
	check_equal(w, told.begun, counters(w)->tcp_memory_pressures);
	check_equal(w, told.ended, told.begun);
}

static void test_pressure_begins_at_seven_eighths_and_ends_at_three_quarters(void **state)
{
	struct load l = {.w = *state};
	struct wire *w = l.w;

	small(w, LIMIT);
	fill_to_three_quarters(&l);
	check(w, !wire_usage(w).pressure);
	holder(&l, 2000, 32 * KIB);
	check(w, held(w) > LIMIT * 7 / 8);
	check(w, wire_usage(w).pressure);
	check_equal(w, counters(w)->tcp_memory_pressures, 1);
	/* Below the mark where it began, it goes on: hysteresis. */
	tcp_abort(l.c[3]);
	l.c[3] = NULL;
	advance_us(w, 0);
	drain(w);
	check(w, held(w) < LIMIT * 7 / 8 && held(w) > LIMIT * 3 / 4);
	check(w, wire_usage(w).pressure);
	tcp_abort(l.c[2]);
	l.c[2] = NULL;
	advance_us(w, 0);
	drain(w);
	check(w, !wire_usage(w).pressure);
	check_equal(w, counters(w)->tcp_memory_pressures, 1);
	holder(&l, 2001, 64 * KIB);
	holder(&l, 2002, 32 * KIB);
	check_equal(w, counters(w)->tcp_memory_pressures, 2);
	leave(&l);
}

/* ------------------------------------------------------------------ 1: what nobody misses */

static void test_free_buffers_count_and_go_first(void **state)
{
	struct load l = {.w = *state};
	struct wire *w = l.w;

	small(w, LIMIT);
	/* Two rings come and go: their buffers are kept. */
	struct tcp_conn *c[2] = {client(&l, 900, "", 65535), client(&l, 901, "", 65535)};
	for (unsigned i = 0; i < 2; i++)
		check_equal(w, put(w, c[i], 64 * KIB), 64 * KIB);
	tcp_abort(c[0]);
	tcp_abort(c[1]);
	l.count = 0;
	advance_us(w, 0);
	drain(w);
	check_equal(w, wire_usage(w).cached, 128 * KIB);
	/* Rings of another size need the room: both together never exceed the limit. */
	for (uint16_t i = 0; i < 6; i++) {
		holder(&l, (uint16_t)(1000 + i), 32 * KIB);
		check(w, held(w) + wire_usage(w).cached <= LIMIT);
	}
	check_equal(w, wire_usage(w).cached, 0);
	check_equal(w, counters(w)->tcp_memory_drops, 0);
	/* Under pressure nothing is kept either. */
	holder(&l, 2000, 32 * KIB);
	check(w, wire_usage(w).pressure);
	leave(&l);
}

static void test_fragments_go_when_pressure_begins(void **state)
{
	struct load l = {.w = *state};
	struct wire *w = l.w;
	static const uint8_t fragment[20 + 64] = {0x45, 0, 0,  84, 0x12, 0x34, 0x20, 0, 64, 17,
						  0,    0, 10, 0,  0,    1,    10,   0, 0,  2};
	uint8_t packet[sizeof fragment];

	memcpy(packet, fragment, sizeof packet);
	wire_fix_checksums(packet, sizeof packet);
	small(w, LIMIT);
	fill_to_three_quarters(&l);
	const size_t before = held(w);
	wire_inject_raw(w, packet, sizeof packet);
	check(w, held(w) > before);
	check_equal(w, counters(w)->ip_reasm_evicted, 0);
	holder(&l, 2000, 32 * KIB);
	check_equal(w, counters(w)->ip_reasm_evicted, 1);
	check_equal(w, counters(w)->ip_reasm_fails, 1);
	leave(&l);
}

/* ------------------------------------------------------------------ 2: growth */

static void test_send_rings_do_not_grow_under_pressure(void **state)
{
	struct load l = {.w = *state};
	struct wire *w = l.w;

	small(w, LIMIT);
	fill_to_three_quarters(&l);
	struct tcp_conn *c = client(&l, 2000, "", 0);
	check_equal(w, put(w, c, 64 * KIB), 32 * KIB); /* 64 would be beyond the mark for growth */
	check(w, wire_usage(w).pressure);
	check_equal(w, put(w, c, 64 * KIB), 0);
	/* WRITABLE is put off until memory is free. */
	w->c = c;
	memset(w->events, 0, sizeof w->events);
	let_time_pass(w, 1000000);
	check_equal(w, wire_events(w, STACK_EVENT_WRITABLE), 0);
	tcp_abort(l.c[0]);
	tcp_abort(l.c[1]);
	l.c[0] = l.c[1] = NULL;
	advance_us(w, 0);
	drain(w);
	check_equal(w, wire_events(w, STACK_EVENT_WRITABLE), 1);
	check(w, !wire_usage(w).pressure);
	check(w, put(w, c, 64 * KIB) > 0);
	w->c = NULL;
	leave(&l);
}

static void test_receive_window_does_not_grow_under_pressure(void **state)
{
	struct load l = {.w = *state};
	struct wire *w = l.w;
	struct slice got[2];
	uint32_t limit[2];

	/* The same upload twice, window after window, every 100 ms. */
	for (unsigned under = 0; under < 2; under++) {
		small(w, 1024 * KIB);
		if (under) {
			for (uint16_t i = 0; i < 28; i++)
				holder(&l, (uint16_t)(1000 + i), 32 * KIB);
			check(w, wire_usage(w).pressure);
		}
		struct tcp_conn *c = client(&l, 2000, ",nop,wscale 7", 512);
		for (uint32_t at = 1, round = 0; round < 10; round++) {
			struct tcp_info info;
			tcp_get_info(c, &info);
			for (uint32_t end = at + info.rcv_wnd; at + 1000 <= end; at += 1000) {
				char line[64];
				snprintf(line, sizeof line, "+0 . %u:%u(1000) ack 1 win 512", at,
					 at + 1000);
				say(w, 2000, line);
				tcp_recv_consume(c, tcp_recv_peek(c, got));
			}
			let_time_pass(w, 100000);
		}
		struct tcp_info info;
		tcp_get_info(c, &info);
		limit[under] = info.rcv_limit;
		leave(&l);
		tcp_unlisten(w->listener);
		w->listener = NULL;
	}
	check(w, limit[0] > 4 * 65536);
	check_equal(w, limit[1], 65536);
}

/* A promised window is kept as far as there is room: what does not fit is dropped as if lost. */
static void test_receive_ring_takes_what_fits(void **state)
{
	struct load l = {.w = *state};
	struct wire *w = l.w;
	struct slice got[2];
	struct tcp_info info;

	small(w, LIMIT);
	fill_to_three_quarters(&l);
	holder(&l, 2000, 32 * KIB);
	check(w, wire_usage(w).pressure);
	struct tcp_conn *c = client(&l, 2001, "", 65535);
	for (uint32_t at = 1; at < 60000; at += 1000) {
		char line[64];
		snprintf(line, sizeof line, "+0 . %u:%u(1000) ack 1", at, at + 1000);
		say(w, 2001, line);
	}
	tcp_get_info(c, &info);
	check(w, tcp_recv_peek(c, got) == info.rcv_nxt - w->irs - 1);
	check(w, tcp_recv_peek(c, got) > 0 && tcp_recv_peek(c, got) <= PRESSURE_RING);
	check(w, counters(w)->tcp_memory_drops > 0);
	leave(&l);
}

/* ------------------------------------------------------------------ 3, 4: half-open entries, TIME-WAIT */

static void test_half_open_entries_pay_beyond_their_share(void **state)
{
	struct load l = {.w = *state};
	struct wire *w = l.w;
	char line[64];

	small(w, LIMIT);
	fill_to_three_quarters(&l);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(line, sizeof line, "+0 S 0:0(0) win 1000 <mss 1460>");
		say(w, (uint16_t)(10000 + i), line);
		check(w, held(w) <= LIMIT - LIMIT / 32);
	}
	check(w, counters(w)->tcp_syn_cache_dropped > 0);
	check(w, wire_usage(w).half_open >= PRESSURE_HALF_OPEN);
	check_equal(w, wire_usage(w).connections, 3);
	check_equal(w, counters(w)->tcp_abort_on_memory, 0);
	leave(&l);
}

/* 1,000 closes by us: 1,000 records, of which memory has room for a few. */
static void test_time_wait_records_pay_beyond_their_share(void **state)
{
	struct load l = {.w = *state};
	struct wire *w = l.w;

	small(w, LIMIT);
	fill_to_three_quarters(&l);
	for (unsigned i = 0; i < 1000; i++) {
		const uint16_t port = (uint16_t)(10000 + i);
		struct tcp_conn *c = try_client(w, port, "", 65535);
		check(w, c != NULL);
		tcp_close(c);
		advance_us(w, 0);
		say(w, port, "+0 F. 1:1(0) ack 2");
		check(w, held(w) <= LIMIT - LIMIT / 32);
	}
	check(w, counters(w)->tcp_time_wait_evicted > 0);
	check(w, wire_usage(w).time_wait > 16);
	check_equal(w, counters(w)->tcp_time_wait_entered, 1000);
	check_equal(w, counters(w)->tcp_abort_on_memory, 0);
	leave(&l);
}

/* ------------------------------------------------------------------ 5: data out of order */

static void test_data_out_of_order_go_without_sack_first(void **state)
{
	struct load l = {.w = *state};
	struct wire *w = l.w;
	struct tcp_info info;
	struct slice got[2];

	small(w, LIMIT);
	/* Two that wait for a first segment, each in a ring of 32 KiB; the one with SACK is older. */
	struct tcp_conn *sack = client(&l, 2000, ",nop,nop,sackOK", 65535);
	struct tcp_conn *plain = client(&l, 2001, "", 65535);
	say(w, 2000, "+0 . 20001:21001(1000) ack 1");
	say(w, 2001, "+0 . 20001:21001(1000) ack 1");
	for (uint16_t i = 0; i < 2; i++)
		holder(&l, (uint16_t)(1000 + i), 64 * KIB);
	for (uint16_t port = 1100; counters(w)->tcp_ofo_pruned < 1; port++)
		put(w, client(&l, port, "", 0), 4 * KIB);
	check(w, held(w) <= LIMIT * 7 / 8);
	check(w, counters(w)->tcp_prune_called >= 1);
	tcp_get_info(plain, &info);
	check(w, info.memory < 8 * KIB); /* its ring is gone */
	tcp_get_info(sack, &info);
	check(w, info.memory > 32 * KIB);
	for (uint16_t port = 1500; counters(w)->tcp_ofo_pruned < 2; port++)
		put(w, client(&l, port, "", 0), 4 * KIB);
	tcp_get_info(sack, &info);
	check(w, info.memory < 8 * KIB);
	/* Nothing that was acknowledged is missing: all of it is sent again and arrives. */
	for (unsigned i = 2; i < l.count; i++) {
		tcp_abort(l.c[i]);
		l.c[i] = NULL;
	}
	advance_us(w, 0);
	for (uint32_t at = 1; at < 21001; at += 1000) {
		char line[64];
		snprintf(line, sizeof line, "+0 . %u:%u(1000) ack 1", at, at + 1000);
		say(w, 2000, line);
	}
	check_equal(w, tcp_recv_peek(sack, got), 21000);
	check_equal(w, counters(w)->tcp_abort_on_memory, 0);
	leave(&l);
}

/* What was in order before the gap was acknowledged, and stays: it moves to a smaller ring. */
static void test_pruning_keeps_what_is_in_order(void **state)
{
	struct load l = {.w = *state};
	struct wire *w = l.w;
	struct tcp_info info;
	struct slice got[2];

	small(w, LIMIT);
	struct tcp_conn *c = client(&l, 2000, "", 65535);
	say(w, 2000, "+0 . 1:1001(1000) ack 1");
	say(w, 2000, "+0 . 30001:31001(1000) ack 1");
	for (uint16_t i = 0; i < 2; i++)
		holder(&l, (uint16_t)(1000 + i), 64 * KIB);
	for (uint16_t port = 1500; counters(w)->tcp_ofo_pruned < 1; port++)
		put(w, client(&l, port, "", 0), 4 * KIB);
	tcp_get_info(c, &info);
	check(w, info.memory < 8 * KIB);
	check_equal(w, tcp_recv_peek(c, got), 1000);
	for (uint32_t i = 0; i < 1000; i++)
		check_equal(w, got[0].data[i], wire_pattern(1 + i));
	leave(&l);
}

/* ------------------------------------------------------------------ 6, 7: connections */

static void test_stalled_orphans_go_before_held_connections(void **state)
{
	struct load l = {.w = *state};
	struct wire *w = l.w;

	small(w, LIMIT);
	/* The held ones have been stalled for longer. */
	holder(&l, 1000, 64 * KIB);
	let_time_pass(w, 1000000);
	for (uint16_t i = 1; i < 3; i++)
		tcp_close(holder(&l, (uint16_t)(1000 + i), 64 * KIB));
	l.count = 1;
	let_time_pass(w, PRESSURE_STALL_US + 1000000);
	check_equal(w, counters(w)->tcp_abort_on_memory, 0);
	for (uint16_t port = 1100; counters(w)->tcp_abort_on_memory < 1; port++)
		put(w, client(&l, port, "", 0), 4 * KIB);
	check_equal(w, counters(w)->tcp_abort_on_memory, 1); /* the older of the two is enough */
	w->rport = 1001;
	expect_state(w, TCP_CLOSED);
	w->rport = 1002;
	expect_state(w, TCP_FIN_WAIT_1);
	w->rport = 1000;
	expect_state(w, TCP_ESTABLISHED);
	leave(&l);
}

static void test_reset_of_an_orphan_is_sent(void **state)
{
	struct load l = {.w = *state};
	struct wire *w = l.w;

	small(w, LIMIT);
	for (uint16_t i = 0; i < 3; i++)
		tcp_close(holder(&l, (uint16_t)(1000 + i), 64 * KIB));
	l.count = 0;
	let_time_pass(w, PRESSURE_STALL_US);
	struct tcp_conn *c = client(&l, 2000, "", 0);
	struct slice_mut room[2];
	for (uint16_t i = 0; tcp_send_reserve(c, 4 * KIB, room) > 0; i++)
		c = client(&l, (uint16_t)(2001 + i), "", 0), put(w, c, 4 * KIB);
	drain(w);
	advance_us(w, 0);
	w->rport = 1000;
	/* At SND.UNA + SND.WND: the peer's window is shut, so the first byte that it does not know. */
	expect(w, "* R. 1:1(0) ack 1");
	drain(w);
	leave(&l);
}

static void test_peers_that_hold_our_data_go_last(void **state)
{
	struct load l = {.w = *state};
	struct wire *w = l.w;

	small(w, LIMIT);
	fill_to_three_quarters(&l);
	w->c = l.c[0];
	memset(w->events, 0, sizeof w->events);
	/* Not yet: they have five seconds. */
	struct tcp_conn *refused = fill_up(&l);
	let_time_pass(w, PRESSURE_STALL_US - 2500000);
	check_equal(w, counters(w)->tcp_abort_on_memory, 0);
	check_equal(w, put(w, refused, 4 * KIB), 0);
	let_time_pass(w, 2 * PRESSURE_STALL_US);
	check(w, counters(w)->tcp_abort_on_memory >= 1);
	expect_closed(w, TCP_CLOSE_NO_MEMORY);
	check(w, held(w) <= LIMIT * 7 / 8);
	check(w, put(w, refused, 4 * KIB) > 0);
	w->c = NULL;
	leave(&l);
}

/* What the application holds back is not the peer's fault, however long. */
static void test_corked_data_are_not_held_by_the_peer(void **state)
{
	struct load l = {.w = *state};
	struct wire *w = l.w;
	struct slice_mut room[2];

	small(w, LIMIT);
	struct tcp_conn *c = client(&l, 3000, "", 65535);
	check_equal(w, tcp_send_reserve(c, 1000, room), 1000);
	memset(room[0].data, 'x', 1000);
	tcp_send_commit(c, 1000, true);
	let_time_pass(w, 2 * PRESSURE_STALL_US);
	fill_to_three_quarters(&l);
	fill_up(&l);
	let_time_pass(w, 3 * PRESSURE_STALL_US);
	check(w, counters(w)->tcp_abort_on_memory >= 1);
	w->rport = 3000;
	expect_state(w, TCP_ESTABLISHED);
	leave(&l);
}

/* Slow read: a byte now and then is no progress; a sixteenth of what is held is. */
static void slow_reader(struct load *l, uint32_t bytes_a_second)
{
	struct wire *w = l->w;
	uint32_t acked = 1;

	small(w, LIMIT);
	struct tcp_conn *c = client(l, 3000, "", 1);
	put(w, c, 64 * KIB);
	for (unsigned i = 0; i < 20; i++) { /* what was sent must be there to be acknowledged */
		char line[64];
		struct tcp_info info;
		let_time_pass(w, 500000);
		tcp_get_info(c, &info);
		const uint32_t sent = info.snd_max - info.iss;
		acked = acked + bytes_a_second / 2 < sent ? acked + bytes_a_second / 2 : sent;
		snprintf(line, sizeof line, "+0 . 1:1(0) ack %u win %u", acked, bytes_a_second);
		say(w, 3000, line);
	}
	for (uint16_t i = 0; i < 2; i++)
		holder(l, (uint16_t)(1000 + i), 64 * KIB);
	fill_up(l);
	w->rport = 3000;
}

static void test_byte_now_and_then_is_no_progress(void **state)
{
	struct load l = {.w = *state};

	slow_reader(&l, 2);
	expect_state(l.w, TCP_CLOSED);
	check_equal(l.w, counters(l.w)->tcp_abort_on_memory, 1);
	leave(&l);
}

static void test_slow_client_that_makes_progress_stays(void **state)
{
	struct load l = {.w = *state};

	slow_reader(&l, 3000);
	expect_state(l.w, TCP_ESTABLISHED);
	check_equal(l.w, counters(l.w)->tcp_abort_on_memory, 0);
	leave(&l);
}

/* ------------------------------------------------------------------ refusal */

static void test_new_connections_are_refused_when_nothing_is_left_to_give(void **state)
{
	struct load l = {.w = *state};
	struct wire *w = l.w;
	struct tcp_conn *c;
	uint16_t port = 2000;

	small(w, 32 * KIB);
	while (port < 2100 && (c = try_client(w, port, "", 65535)) != NULL) {
		l.c[l.count++] = c;
		port++;
	}
	check(w, l.count > 10 && port < 2100);
	check(w, held(w) <= 32 * KIB);
	check(w, counters(w)->tcp_memory_drops > 0);
	check_equal(w, counters(w)->tcp_abort_on_memory,
		    0); /* idle connections hold nothing of ours */
	/* Room is kept for answers: a RST for a stray segment. */
	w->rport = 5000;
	inject(w, "+0 . 5000:5000(0) ack 77");
	expect(w, "* R 77:77(0)");
	/* One goes: the client that was refused gets in with its next segment. */
	tcp_abort(l.c[0]);
	l.c[0] = NULL;
	tcp_abort(l.c[1]);
	l.c[1] = NULL;
	advance_us(w, 0);
	let_time_pass(w, 1000000);
	check(w, (c = try_client(w, port, "", 65535)) != NULL);
	tcp_abort(c);
	leave(&l);
}

/* ------------------------------------------------------------------ the limit of one connection */

static void test_limit_of_one_connection_counts_everything(void **state)
{
	struct load l = {.w = *state};
	struct wire *w = l.w;
	struct tcp_info info;

	w->cfg.connection_memory_limit = 48 * KIB;
	small(w, 16384 * KIB);
	struct tcp_conn *c = client(&l, 2000, ",nop,nop,sackOK", 65535);
	say(w, 2000, "+0 . 7001:8001(1000) ack 1"); /* out of order: a ring of 8 KiB */
	size_t total = 0, got;
	while ((got = put(w, c, 64 * KIB)) > 0)
		total += got;
	tcp_get_info(c, &info);
	check(w, info.memory <= 48 * KIB && info.memory > 40 * KIB);
	check_equal(w, total, 32 * KIB);
	for (uint32_t at = 1; at < 60001; at += 1000) {
		char line[64];
		snprintf(line, sizeof line, "+0 . %u:%u(1000) ack 1", at, at + 1000);
		say(w, 2000, line);
	}
	tcp_get_info(c, &info);
	check(w, info.memory <= 48 * KIB);
	check_equal(w, info.recv_queued, 8 * KIB);
	leave(&l);
}

/* ------------------------------------------------------------------ all at once */

static void hostile_turn(struct load *l, unsigned turn)
{
	struct wire *w = l->w;
	char line[96];

	for (unsigned i = 0; i < 8; i++) { /* SYNs that never become connections */
		snprintf(line, sizeof line, "+0 S 0:0(0) win 1000 <mss 1460>");
		say(w, (uint16_t)(30000 + (turn * 8 + i) % 30000), line);
	}
	const uint16_t port = (uint16_t)(10000 + turn % 10000);
	struct tcp_conn *c =
		try_client(w, port, turn % 2 ? ",nop,nop,sackOK" : "", turn % 4 == 3 ? 0 : 65535);
	if (!c)
		return;
	switch (turn % 4) {
	case 0: /* every second kilobyte, from far ahead, and then silence */
		for (uint32_t at = 2001; at < 60000; at += 2000) {
			snprintf(line, sizeof line, "+0 . %u:%u(1000) ack 1", at, at + 1000);
			say(w, port, line);
		}
		break;
	case 1: /* asks for much and is silent */
		put(w, c, 64 * KIB);
		break;
	case 2: /* closed by us, never acknowledged */
		put(w, c, 16 * KIB);
		tcp_close(c);
		return;
	default: /* shuts its window and answers every probe */
		put(w, c, 64 * KIB);
		break;
	}
	if (l->count == CLIENTS) { /* the application has its own time-outs */
		for (unsigned i = 0; i < CLIENTS / 2; i++)
			tcp_abort(l->c[i]);
		memmove(l->c, l->c + CLIENTS / 2, CLIENTS / 2 * sizeof l->c[0]);
		l->count = CLIENTS / 2;
	}
	l->c[l->count++] = c;
}

/* Tries as a real one does: its SYN, ACK and request again each second. Returns how many tries it took. */
static unsigned good_client(struct load *l, uint16_t port)
{
	struct wire *w = l->w;
	struct slice got[2];

	for (unsigned tries = 1; tries <= 20; tries++) {
		struct tcp_conn *c = try_client(w, port, "", 65535);
		if (c) {
			for (unsigned again = 0; again < 20; again++) {
				say(w, port, "+0 P. 1:501(500) ack 1");
				if (tcp_recv_peek(c, got) == 500 && put(w, c, 4 * KIB) == 4 * KIB) {
					say(w, port, "+0 . 501:501(0) ack 4097");
					check_equal(w, tcp_send_pending(c), 0);
					tcp_abort(c);
					return tries + again;
				}
				let_time_pass(w, 1000000);
			}
			tcp_abort(c);
			return 100;
		}
		let_time_pass(w, 1000000);
	}
	return 100;
}

static void hostile_load(struct wire *w, size_t limit)
{
	struct load l = {.w = w};
	unsigned worst = 0;

	small(w, limit);
	for (unsigned turn = 0; turn < 400; turn++) {
		hostile_turn(&l, turn);
		let_time_pass(w, 100000);
		check(w, held(w) + wire_usage(w).cached <= limit);
		if (turn % 20 == 19) {
			const unsigned tries = good_client(&l, (uint16_t)(5000 + turn));
			worst = tries > worst ? tries : worst;
		}
	}
	check(w, counters(w)->tcp_memory_pressures > 0);
	check(w, worst <= 10); /* each good client was served, within seconds */
	leave(&l);
}

static void test_good_client_is_served_under_a_hostile_load_in_1_mib(void **state)
{
	hostile_load(*state, 1024 * KIB);
}

static void test_good_client_is_served_under_a_hostile_load_in_4_mib(void **state)
{
	hostile_load(*state, 2048 * KIB * 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_pressure_begins_at_seven_eighths_and_ends_at_three_quarters),
		WIRE_TEST(test_each_step_is_traced_with_its_reason),
		WIRE_TEST(test_free_buffers_count_and_go_first),
		WIRE_TEST_V4(test_fragments_go_when_pressure_begins),
		WIRE_TEST(test_send_rings_do_not_grow_under_pressure),
		WIRE_TEST(test_receive_window_does_not_grow_under_pressure),
		WIRE_TEST(test_receive_ring_takes_what_fits),
		WIRE_TEST(test_half_open_entries_pay_beyond_their_share),
		WIRE_TEST(test_time_wait_records_pay_beyond_their_share),
		WIRE_TEST(test_data_out_of_order_go_without_sack_first),
		WIRE_TEST(test_pruning_keeps_what_is_in_order),
		WIRE_TEST(test_stalled_orphans_go_before_held_connections),
		WIRE_TEST(test_reset_of_an_orphan_is_sent),
		WIRE_TEST(test_peers_that_hold_our_data_go_last),
		WIRE_TEST(test_corked_data_are_not_held_by_the_peer),
		WIRE_TEST(test_byte_now_and_then_is_no_progress),
		WIRE_TEST(test_slow_client_that_makes_progress_stays),
		WIRE_TEST(test_new_connections_are_refused_when_nothing_is_left_to_give),
		WIRE_TEST(test_limit_of_one_connection_counts_everything),
		WIRE_TEST(test_good_client_is_served_under_a_hostile_load_in_1_mib),
		WIRE_TEST(test_good_client_is_served_under_a_hostile_load_in_4_mib),
	};

	return cmocka_run_group_tests_name("stack: memory pressure", tests, NULL, NULL);
}
