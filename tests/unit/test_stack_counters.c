/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each counter of TCP moves by exactly one for its cause: a table of counter, what has to have happened before, and
 * the one thing that must move it.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "stack/tcp_types.h"
#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1000>"
#define SECONDS UINT64_C(1000000)

/* ------------------------------------------------------------------ before */

static void nothing(struct wire *w)
{
	(void)w;
}

static void listening(struct wire *w)
{
	wire_listen(w, WIRE_PORT, 1);
}

static void half_open(struct wire *w)
{
	listening(w);
	inject(w, "* S 0:0(0) " SYN_WORDS);
}

static void queue_full(struct wire *w)
{
	half_open(w);
	drain(w);
	inject(w, "* . 1:1(0) ack 1");
	inject(w, "* S 0:0(0) win 65535 port 40001");
}

static void connecting(struct wire *w)
{
	wire_connect(w);
}

static void established(struct wire *w)
{
	wire_establish(w, SYN_WORDS);
}

static void with_timestamps(struct wire *w)
{
	wire_listen(w, WIRE_PORT, 16);
	inject(w, "* S 0:0(0) win 65535 <mss 1000,TS val 1000 ecr 0>");
	drain(w);
	inject(w, "* . 1:1(0) ack 1 win 65535 <TS val 1001 ecr $>");
	wire_accept(w);
}

static void with_sack(struct wire *w)
{
	wire_establish(w, "win 65535 <mss 1000,sackOK>");
}

static void in_flight(struct wire *w)
{
	established(w);
	send_bytes(w, 1000);
}

static void five_in_flight(struct wire *w)
{
	established(w);
	send_bytes(w, 5000);
}

static void two_duplicates(struct wire *w)
{
	five_in_flight(w);
	drain(w);
	inject(w, "* . 1:1(0) ack 1");
	inject(w, "* . 1:1(0) ack 1");
}

static void sack_in_flight(struct wire *w)
{
	with_sack(w);
	send_bytes(w, 2000);
	drain(w);
	inject(w, "* . 1:1(0) ack 2001");
}

static void timed_out(struct wire *w)
{
	with_timestamps(w);
	advance_us(w, 50000);
	send_bytes(w, 900);
	drain(w);
	inject(w, "+0.010 . 1:1(0) ack 1 <TS val 1020 ecr $>");
	advance_us(w, SECONDS);
}

static void quick_acks_used_up(struct wire *w)
{
	char line[64];

	established(w);
	for (uint32_t i = 0; i < TCP_QUICKACKS; i++) {
		snprintf(line, sizeof line, "* P. %u:%u(10) ack 1", 1 + 10 * i, 11 + 10 * i);
		inject(w, line);
		drain(w);
	}
	inject(w, "* P. 161:171(10) ack 1");
}

static void challenged_out(struct wire *w)
{
	established(w);
	for (unsigned i = 0; i < TCP_CHALLENGE_ACKS; i++) {
		inject(w, "* S 1:1(0)");
		drain(w);
	}
}

static void gaps(struct wire *w)
{
	char line[64];

	established(w);
	for (uint32_t i = 0; i < TCP_OOO_MAX; i++) {
		snprintf(line, sizeof line, "* P. %u:%u(4) ack 1", 101 + 8 * i, 105 + 8 * i);
		inject(w, line);
		drain(w);
	}
}

static void some_data(struct wire *w)
{
	established(w);
	inject(w, "* P. 1:101(100) ack 1");
}

static void some_data_sack(struct wire *w)
{
	with_sack(w);
	inject(w, "* P. 1:101(100) ack 1");
}

static void almost_full(struct wire *w)
{
	w->cfg.recv_buffer_max = 4096;
	wire_restart(w);
	established(w);
	inject(w, "* P. 1:1001(1000) ack 1");
	drain(w);
	inject(w, "* P. 1001:3097(2096) ack 1");
	drain(w);
}

static void window_shut(struct wire *w)
{
	almost_full(w);
	inject(w, "* P. 3097:4097(1000) ack 1");
}

static void their_window_shut(struct wire *w)
{
	wire_establish(w, "win 0 <mss 1000>");
	send_bytes(w, 1000);
}

/* What a connection takes, and not a ring more. */
static void no_memory(struct wire *w)
{
	const size_t limit = w->cfg.memory_limit;

	established(w);
	w->cfg.memory_limit = wire_usage(w).memory + 1024;
	wire_restart(w);
	established(w);
	w->cfg.memory_limit = limit;
}

static void closed_by_us(struct wire *w)
{
	established(w);
	wire_close(w);
}

static void fin_wait_2(struct wire *w)
{
	closed_by_us(w);
	drain(w);
	inject(w, "* . 1:1(0) ack 2");
}

static void time_wait(struct wire *w)
{
	fin_wait_2(w);
	inject(w, "* F. 1:1(0) ack 2");
}

/* One record may be kept, and is. A second connection stands where the first one stood. */
static void time_wait_full(struct wire *w)
{
	w->cfg.max_time_wait = 1;
	wire_restart(w);
	time_wait(w);
	drain(w);
	w->rport++;
	inject(w, "* S 0:0(0) " SYN_WORDS);
	drain(w);
	inject(w, "* . 1:1(0) ack 1");
	wire_accept(w);
	wire_close(w);
	drain(w);
	inject(w, "* . 1:1(0) ack 2");
}

static void slow_path(struct wire *w)
{
	wire_listen(w, WIRE_PORT, 16);
	inject(w, "* S 0:0(0) " SYN_WORDS);
	drain(w);
	inject(w, "+0.100 . 1:1(0) ack 1");
	wire_accept(w);
	send_bytes(w, 25000);
	drain(w);
	advance_us(w, 100000);
}

/* ------------------------------------------------------------------ the cause */

#define CAUSE(name, text)                \
	static void name(struct wire *w) \
	{                                \
		inject(w, text);         \
	}

CAUSE(syn, "* S 0:0(0) " SYN_WORDS)
CAUSE(last_ack_of_handshake, "* . 1:1(0) ack 1")
CAUSE(other_ack_of_handshake, "* . 1:1(0) ack 1 port 40001")
CAUSE(refused, "* R. 0:0(0) ack 1")
CAUSE(reset, "* R 1:1(0)")
CAUSE(pure_ack, "* . 1:1(0) ack 1")
CAUSE(one_byte, "* P. 1:2(1) ack 1")
CAUSE(to_closed_port, "* S 0:0(0) win 65535 to 81")
CAUSE(syn_in_window, "* S 1:1(0)")
CAUSE(far_away, "* . 1000001:1000001(0) ack 1")
CAUSE(beyond_a_gap, "* P. 101:111(10) ack 1")
CAUSE(one_gap_more, "* P. 40001:40011(10) ack 1")
CAUSE(duplicate_ack, "* . 1:1(0) ack 1")
CAUSE(same_data_again, "* P. 1:101(100) ack 1")
CAUSE(old_timestamp, "* . 1:1(0) ack 1 <TS val 900 ecr $>")
CAUSE(dsack, "* . 1:1(0) ack 2001 <sack 1:1001>")
CAUSE(sack_of_nothing, "* . 1:1(0) ack 1 <sack 50001:51001>")
CAUSE(last_of_the_window, "* P. 3097:4097(1000) ack 1")
CAUSE(behind_the_window, "* P. 4097:4197(100) ack 1")
CAUSE(data_for_an_orphan, "* P. 1:101(100) ack 1")
CAUSE(fin, "* F. 1:1(0) ack 2")
CAUSE(newer_syn, "* S 900000:900000(0) " SYN_WORDS)
CAUSE(stretch_ack, "* . 1:1(0) ack 10001")

static void connect_out(struct wire *w)
{
	wire_connect(w);
}

static void send_one(struct wire *w)
{
	send_bytes(w, 100);
}

static void ack_of_one_byte(struct wire *w)
{
	inject(w, "* . 1:1(0) ack 2");
}

static void wait_half_a_second(struct wire *w)
{
	advance_us(w, SECONDS / 2);
}

static void wait_for_delayed_ack(struct wire *w)
{
	advance_us(w, TCP_DELACK_US + 1000);
}

static void wait_for_syn(struct wire *w)
{
	advance_us(w, SECONDS + 10000);
}

static void wait_for_good(struct wire *w)
{
	advance_us(w, 200 * SECONDS);
}

static void wait_a_minute(struct wire *w)
{
	advance_us(w, 61 * SECONDS);
}

static void read_all(struct wire *w)
{
	recv_bytes(w, 4096);
}

static void close_unread(struct wire *w)
{
	wire_close(w);
}

static void abort_it(struct wire *w)
{
	wire_abort(w);
}

static void bad_packet(struct wire *w, size_t at, uint8_t value)
{
	static uint8_t packet[WIRE_PACKET_MAX];
	const struct seg g = wire_seg(w, ". 1:1(0) ack 1");
	const size_t len = wire_build(w, &g, packet);

	packet[at] = value;
	if (at == 32) /* the data offset; the checksum shall be right */
		wire_fix_checksums(packet, len);
	wire_inject_raw(w, packet, len);
}

static void bad_header(struct wire *w)
{
	bad_packet(w, 32, 0x40);
}

static void bad_checksum(struct wire *w)
{
	bad_packet(w, 35, 0x77); /* of the window field */
}

static void two_in_one(struct wire *w)
{
	static uint8_t packet[WIRE_PACKET_MAX];
	const struct seg g = wire_seg(w, "P. 1:2001(2000) ack 1");

	wire_inject_meta(w, packet, wire_build(w, &g, packet),
			 (struct packet_meta){.checksum_trusted = true, .gso_size = 1000});
}

/* The first ACK after the time-out echoes the timestamp of what was sent before it: nothing was lost. */
static void ack_of_the_original(struct wire *w)
{
	char line[80];

	snprintf(line, sizeof line, "* . 1:1(0) ack 901 <TS val 1030 ecr %u>",
		 w->last_ts_val - 500);
	inject(w, line);
}

/* ------------------------------------------------------------------ the table */

struct row {
	const char *name;
	size_t counter;
	void (*before)(struct wire *w);
	void (*cause)(struct wire *w);
};

#define ROW(name, before, cause)                                            \
	{                                                                   \
#name, offsetof(struct stack_counters, name), before, cause \
	}

static const struct row rows[] = {
	ROW(tcp_active_opens, nothing, connect_out),
	ROW(tcp_passive_opens, half_open, last_ack_of_handshake),
	ROW(tcp_attempt_fails, connecting, refused),
	ROW(tcp_attempt_fails, connecting, wait_for_good),
	ROW(tcp_attempt_fails, connecting, abort_it),
	ROW(tcp_attempt_fails, half_open, wait_for_good),
	ROW(tcp_estab_resets, established, reset),
	ROW(tcp_estab_resets, established, abort_it),
	ROW(tcp_estab_resets, in_flight, wait_for_good),
	ROW(tcp_in_segs, established, pure_ack),
	ROW(tcp_out_segs, established, send_one),
	ROW(tcp_retrans_segs, in_flight, wait_half_a_second),
	ROW(tcp_retrans_segs, connecting, wait_for_syn),
	ROW(tcp_retrans_segs, half_open, wait_for_syn),
	ROW(tcp_in_errs, established, bad_header),
	ROW(tcp_in_errs, established, bad_checksum),
	ROW(tcp_in_csum_errors, established, bad_checksum),
	ROW(tcp_out_rsts, established, abort_it),
	ROW(tcp_out_rsts, nothing, to_closed_port),
	ROW(tcp_in_bytes, established, one_byte),
	ROW(tcp_out_bytes, in_flight, ack_of_one_byte),
	ROW(tcp_challenge_acks, established, syn_in_window),
	ROW(tcp_challenge_acks_limited, challenged_out, syn_in_window),
	ROW(tcp_paws_dropped, with_timestamps, old_timestamp),
	ROW(tcp_out_of_window, established, far_away),
	ROW(tcp_out_of_order, established, beyond_a_gap),
	ROW(tcp_out_of_order_dropped, gaps, one_gap_more),
	ROW(tcp_dup_acks_in, in_flight, duplicate_ack),
	ROW(tcp_fast_retransmits, two_duplicates, duplicate_ack),
	ROW(tcp_timeouts, in_flight, wait_half_a_second),
	ROW(tcp_dsacks_in, sack_in_flight, dsack),
	ROW(tcp_dsacks_out, some_data_sack, same_data_again),
	ROW(tcp_sacks_ignored, with_sack, sack_of_nothing),
	ROW(tcp_spurious_recoveries, timed_out, ack_of_the_original),
	ROW(tcp_zero_window_probes, their_window_shut, wait_half_a_second),
	ROW(tcp_window_updates_out, window_shut, read_all),
	ROW(tcp_to_zero_window_adv, almost_full, last_of_the_window),
	ROW(tcp_from_zero_window_adv, window_shut, read_all),
	ROW(tcp_zero_window_drops, window_shut, behind_the_window),
	ROW(tcp_rcv_q_drops, no_memory, one_byte),
	ROW(tcp_memory_drops, no_memory, one_byte),
	ROW(tcp_rcv_coalesced, established, two_in_one),
	ROW(tcp_pure_acks, established, pure_ack),
	ROW(tcp_orig_data_sent, established, send_one),
	ROW(tcp_syn_retrans, connecting, wait_for_syn),
	ROW(tcp_syn_retrans, half_open, wait_for_syn),
	ROW(tcp_delayed_acks, quick_acks_used_up, wait_for_delayed_ack),
	ROW(tcp_delayed_acks_lost, some_data, same_data_again),
	ROW(tcp_syn_cache_added, listening, syn),
	ROW(tcp_syn_cache_completed, half_open, last_ack_of_handshake),
	ROW(tcp_syn_cache_timeouts, half_open, wait_for_good),
	ROW(tcp_syn_cache_resets, half_open, reset),
	ROW(tcp_accept_overflows, queue_full, other_ack_of_handshake),
	ROW(tcp_time_wait_entered, fin_wait_2, fin),
	ROW(tcp_time_wait_reused, time_wait, newer_syn),
	ROW(tcp_time_wait_evicted, time_wait_full, fin),
	ROW(tcp_fin_wait_2_timeouts, fin_wait_2, wait_a_minute),
	ROW(tcp_user_timeouts, in_flight, wait_for_good),
	ROW(tcp_abort_on_data, closed_by_us, data_for_an_orphan),
	ROW(tcp_abort_on_close, some_data, close_unread),
	ROW(tcp_paced, slow_path, stretch_ack),
};

static uint64_t value(const struct wire *w, const struct row *row)
{
	uint64_t n;

	memcpy(&n, (const char *)counters(w) + row->counter, sizeof n);
	return n;
}

static void test_each_counter_moves_by_one_for_its_cause(void **state)
{
	struct wire *w = *state;
	const struct stack_config cfg = w->cfg;
	const uint16_t rport = w->rport;

	for (const struct row *row = rows; row < rows + sizeof rows / sizeof *rows; row++) {
		w->cfg = cfg;
		w->rport = rport;
		wire_restart(w);
		row->before(w);
		drain(w);
		const uint64_t before = value(w, row);
		row->cause(w);
		drain(w);
		if (value(w, row) != before + 1)
			wire_fail(w, __FILE__, __LINE__, "row %td, %s: moved by %lld and not by 1",
				  row - rows, row->name, (long long)(value(w, row) - before));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_each_counter_moves_by_one_for_its_cause),
	};

	return cmocka_run_group_tests_name("stack: counters", tests, NULL, NULL);
}
