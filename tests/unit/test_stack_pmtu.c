/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path MTU discovery: what a connection makes of "packet too big" (RFC 1191, RFC 8201). The flight goes again in
 * smaller pieces, and the next connection knows. What it must not make of it is in test_stack_pmtu_forged.c.
 */
#include <stdio.h>

#include "tests/unit/fastopen.h"
#include "tests/unit/wire_icmp.h"

#define SYN_WORDS "win 65535 <mss 1460>"
#define SACK_WORDS "win 65535 <mss 1460,sackOK>"

/* A connection with `bytes` in flight, of which nothing was acknowledged. */
static void in_flight(struct wire *w, const char *syn_words, size_t bytes)
{
	wire_establish(w, syn_words);
	send_bytes(w, bytes);
	drain(w);
}

static void expect_untouched(struct wire *w)
{
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, wire_info(w).snd_mss, 1460);
	check_equal(w, wire_info(w).pmtu, wire_mtu(w, 1500));
	check_equal(w, counters(w)->tcp_pmtu_reductions, 0);
}

/* ------------------------------------------------------------------ discovery */

static void flight_goes_again(struct wire *w, const char *syn_words)
{
	in_flight(w, syn_words, 2920);
	too_big(w, 1, 1400);
	expect(w, "0.000 . 1:1361(1360) ack 1");
	expect(w, "0.000 . 1361:2721(1360) ack 1");
	expect(w, "0.000 P. 2721:2921(200) ack 1");
	check_equal(w, wire_waiting(w), 0);
	const struct tcp_info info = wire_info(w);
	check_equal(w, info.snd_mss, 1360);
	check_equal(w, info.pmtu, wire_mtu(w, 1400));
	check_equal(w, info.ssthresh, UINT32_MAX); /* no congestion (RFC 1191 6.5) */
	check_equal(w, info.cwnd, 13600); /* an initial window of the smaller size (RFC 3390 2) */
	check_equal(w, info.timeouts, 0);
	check_equal(w, counters(w)->tcp_fast_retransmits, 0);
	check_equal(w, counters(w)->tcp_pmtu_reductions, 1);
	check_equal(w, counters(w)->icmp_in_pkt_too_bigs, 1);
	inject(w, "0.001 . 1:1(0) ack 2921");
	check_equal(w, wire_info(w).ssthresh, UINT32_MAX);
	send_bytes(w, 2000);
	expect(w, "0.001 . 2921:4281(1360) ack 1");
	expect(w, "0.001 P. 4281:4921(640) ack 1");
}

static void test_flight_goes_again_in_smaller_pieces(void **state)
{
	flight_goes_again(*state, SYN_WORDS);
}

static void test_flight_goes_again_in_smaller_pieces_with_sack(void **state)
{
	flight_goes_again(*state, SACK_WORDS);
}

static void test_timestamps_come_off_the_payload(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460,TS val 1 ecr 0>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.000 . 1:1(0) ack 1 win 65535 <nop,nop,TS val 1 ecr $>");
	wire_accept(w);
	send_bytes(w, 1448);
	expect(w, "0.000 P. 1:1449(1448) ack 1");
	too_big(w, 1, 1400);
	expect(w, "0.000 . 1:1349(1348) ack 1");
	expect(w, "0.000 P. 1349:1449(100) ack 1");
	check_equal(w, wire_info(w).pmtu, wire_mtu(w, 1400));
}

static void test_what_was_sacked_does_not_go_again(void **state)
{
	struct wire *w = *state;

	in_flight(w, SACK_WORDS, 4380);
	inject(w, "0.001 . 1:1(0) ack 1 <nop,nop,sack 1461:2921>");
	too_big(w, 2921, 1400);
	expect(w, "0.001 . 1:1361(1360) ack 1");
	expect(w, "0.001 . 1361:1461(100) ack 1");
	expect(w, "0.001 . 2921:4281(1360) ack 1");
	expect(w, "0.001 P. 4281:4381(100) ack 1");
	check_equal(w, wire_waiting(w), 0);
	inject(w, "0.002 . 1:1(0) ack 4381");
	check_equal(w, counters(w)->tcp_fast_retransmits, 0);
}

/* What fits was not dropped for its size. */
static void test_small_segments_do_not_go_again_with_sack(void **state)
{
	struct wire *w = *state;

	in_flight(w, SACK_WORDS, 1460);
	advance_us(w, 500);
	send_bytes(w, 100);
	drain(w);
	advance_us(w, 500);
	send_bytes(w, 1460);
	drain(w);
	too_big(w, 1, 1400);
	expect(w, "0.001 . 1:1361(1360) ack 1");
	expect(w, "0.001 . 1361:1461(100) ack 1");
	expect(w, "0.001 . 1561:2921(1360) ack 1");
	expect(w, "0.001 P. 2921:3021(100) ack 1");
	check_equal(w, wire_waiting(w), 0);
}

static void test_fin_in_flight_goes_again(void **state)
{
	struct wire *w = *state;

	wire_establish(w, SYN_WORDS);
	send_bytes(w, 1460);
	wire_shutdown(w);
	check_equal(w, drain(w), 2);
	too_big(w, 1, 1400);
	expect(w, "* . 1:1361(1360) ack 1");
	expect(w, "* FP. 1361:1461(100) ack 1");
	inject(w, "+0.01 . 1:1(0) ack 1462");
	expect_state(w, TCP_FIN_WAIT_2);
}

/* The size that the link cuts a super segment to follows; the retransmission is one too. */
static void test_super_segments_are_cut_smaller(void **state)
{
	struct wire *w = *state;
	struct wire_packet *p;

	w->cfg.tso = w->cfg.checksum_offload = true;
	wire_restart(w);
	wire_establish(w, SACK_WORDS);
	send_bytes(w, 13600);
	p = wire_take(w);
	check_equal(w, p->gso_size, 1460);
	check_equal(w, p->len, 40 + 13600);
	test_free(p);
	too_big(w, 1461, 1400);
	p = wire_take(w);
	check(w, p != NULL);
	check_equal(w, p->gso_size, 1360);
	check_equal(w, p->len, 40 + 13600);
	test_free(p);
	check_equal(w, wire_waiting(w), 0);
	inject(w, "+0.01 . 1:1(0) ack 13601");
	check_equal(w, wire_info(w).send_queued, 0);
}

static void test_retransmission_timer_starts_anew(void **state)
{
	struct wire *w = *state;

	in_flight(w, SYN_WORDS, 1460);
	advance_to(w, "0.190"); /* the timer would fire at 0.200 */
	too_big(w, 1, 1400);
	check_equal(w, drain(w), 2);
	expect(w, "~0.390 . 1:1361(1360) ack 1");
	check_equal(w, wire_info(w).timeouts, 1);
}

/* A time-out that was a mistake is taken back (RFC 3522); the size that was learnt meanwhile stays. */
static void test_size_outlives_a_reduction_that_is_taken_back(void **state)
{
	struct wire *w = *state;

	wire_listen(w, WIRE_PORT, 16);
	inject(w, "0.000 S 0:0(0) win 65535 <mss 1460,TS val 1 ecr 0>");
	expect(w, "0.000 S. 0:0(0) ack 1");
	inject(w, "0.000 . 1:1(0) ack 1 win 65535 <nop,nop,TS val 1 ecr $>");
	wire_accept(w);
	send_bytes(w, 14480);
	check_equal(w, drain(w), 10);
	const uint32_t sent = w->last_ts_val;
	expect(w, "~0.200 . 1:1449(1448) ack 1");
	too_big(w, 1449, 1400);
	expect(w, "~0.200 . 1:1349(1348) ack 1");
	drain(w);
	char line[96];
	snprintf(line, sizeof line, "0.250 . 1:1(0) ack 1449 win 65535 <nop,nop,TS val 2 ecr %u>",
		 sent);
	inject(w, line);
	drain(w);
	check_equal(w, counters(w)->tcp_spurious_recoveries, 1);
	check_equal(w, wire_info(w).snd_mss, 1348);
	check_equal(w, wire_info(w).ssthresh, UINT32_MAX);
}

/* RFC 3390 2: a small answer was acknowledged, the window is still the initial one of large segments. */
static void test_window_is_what_it_would_be_with_the_right_size_from_the_start(void **state)
{
	struct wire *w = *state;

	w->cfg.mtu = 9000;
	wire_restart(w);
	wire_establish(w, "win 65535 <mss 8960>");
	check_equal(w, wire_info(w).cwnd, 17920);
	send_bytes(w, 500);
	drain(w);
	inject(w, "0.010 . 1:1(0) ack 501");
	send_bytes(w, 17920);
	drain(w);
	too_big_of(w, 501, 1500, 9000);
	check_equal(w, wire_info(w).cwnd, 14600 + 500);
	check_equal(w, drain(w), 11);
}

/* Fast Open sends data before the handshake is complete. They go again, and the SYN-ACK, which was small, does not. */
static void answer_before_the_ack(struct wire *w, const char *syn)
{
	fast_setup(w);
	inject(w, syn);
	expect(w, "* S. 0:0(0) ack 101");
	wire_accept(w);
	recv_bytes(w, 100);
	send_bytes(w, 2000);
	expect(w, "* . 1:1461(1460) ack 101");
	expect(w, "* P. 1461:2001(540) ack 101");
	too_big(w, 0, 1400);
	check_equal(w, wire_waiting(w), 0);
	too_big(w, 1, 1400);
	expect(w, "* . 1:1361(1360) ack 101");
	expect(w, "* P. 1361:2001(640) ack 101");
	expect_state(w, TCP_SYN_RECEIVED);
	inject(w, "0.001 . 101:101(0) ack 1361");
	expect_state(w, TCP_ESTABLISHED);
	inject(w, "0.001 . 101:101(0) ack 2001");
	check_equal(w, tcp_send_pending(w->c), 0);
	check_equal(w, wire_info(w).ssthresh, UINT32_MAX);
}

static void test_fast_answer_goes_again_in_smaller_pieces(void **state)
{
	answer_before_the_ack(*state, "* S 0:100(100) win 65535 <mss 1460,fo $>");
}

static void test_fast_answer_goes_again_in_smaller_pieces_with_sack(void **state)
{
	answer_before_the_ack(*state, "* S 0:100(100) win 65535 <mss 1460,sackOK,fo $>");
}

/* Nothing may go while the window is shut, and it is no reason to probe for less. */
static void test_shut_window_stays_shut(void **state)
{
	struct wire *w = *state;

	in_flight(w, "win 2920 <mss 1460>", 5840);
	inject(w, "0.010 . 1:1(0) ack 1461 win 1460");
	too_big(w, 1461, 1400);
	check_equal(w, wire_waiting(w), 0); /* 1,460 bytes were acknowledged: only noted */
	inject(w, "0.020 . 1:1(0) ack 2921 win 0");
	expect(w, "~0.220 . 2921:2922(1) ack 1");
	too_big(w, 2921, 1400);
	check_equal(w, wire_waiting(w), 0);
	inject(w, "0.230 . 1:1(0) ack 2922 win 65535");
	expect(w, "0.230 . 2922:4382(1460) ack 1");
	check_equal(w, drain(w), 1);
}

static void test_without_anything_in_flight_nothing_happens(void **state)
{
	struct wire *w = *state;

	in_flight(w, SYN_WORDS, 1460);
	inject(w, "0.020 . 1:1(0) ack 1461");
	too_big(w, 1, 1400);
	too_big(w, 1461, 1400);
	expect_untouched(w);
	check_equal(w, counters(w)->tcp_icmp_out_of_window, 2);
}

/* The peer's MSS has made packets smaller than that already: it cannot be true. */
static void test_packets_that_fit_were_not_too_big(void **state)
{
	struct wire *w = *state;

	in_flight(w, "win 65535 <mss 1260>", 1260);
	too_big_of(w, 1, 1400, 1300);
	too_big_of(w, 1, 1300, 1300);
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, wire_info(w).snd_mss, 1260);
	check_equal(w, wire_info(w).pmtu, wire_mtu(w, 1300));
}

/* ------------------------------------------------------------------ routers older than RFC 1191 */

static void test_old_routers_mean_the_next_plateau(void **state)
{
	struct wire *w = *state;
	static const uint32_t plateau[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 552};
	uint32_t size = 65535;

	w->cfg.mtu = 65535;
	wire_restart(w);
	in_flight(w, "win 65535 <mss 65495>", 65000);
	for (size_t i = 0; i < sizeof plateau / sizeof plateau[0]; i++) {
		too_big_of(w, 1, 0, size);
		check_equal(w, wire_info(w).pmtu, plateau[i]);
		check(w, drain(w) > 0);
		size = plateau[i];
	}
	too_big_of(w, 1, 0, 552);
	check_equal(w, wire_info(w).pmtu, 552);
	check_equal(w, wire_waiting(w), 0);
}

/* RFC 1191 5: some of them quote a length that is too large. */
static void test_old_router_with_a_wrong_length(void **state)
{
	struct wire *w = *state;

	in_flight(w, SYN_WORDS, 1460);
	too_big_of(w, 1, 0, 1520);
	check_equal(w, wire_info(w).pmtu, 1492);
	check_equal(w, drain(w), 2);
}

/* ------------------------------------------------------------------ the cache */

static void second_connection(struct wire *w)
{
	w->rport = 40001;
	inject(w, "* S 0:0(0) win 65535 <mss 1460>");
	expect(w, "* S. 0:0(0) ack 1 <mss 1460>"); /* what we can take is as it was */
	inject(w, "* . 1:1(0) ack 1 win 65535");
	wire_accept(w);
}

static void test_next_connection_starts_with_what_is_known(void **state)
{
	struct wire *w = *state;

	in_flight(w, SYN_WORDS, 1460);
	too_big(w, 1, 1400);
	drain(w);
	wire_abort(w);
	drain(w);
	second_connection(w);
	check_equal(w, wire_info(w).pmtu, wire_mtu(w, 1400));
	check_equal(w, wire_info(w).cwnd, 13600);
	send_bytes(w, 1460);
	expect(w, "* . 1:1361(1360) ack 1");
	expect(w, "* P. 1361:1461(100) ack 1");
}

static void test_it_is_forgotten_after_ten_minutes(void **state)
{
	struct wire *w = *state;

	in_flight(w, SYN_WORDS, 1460);
	too_big(w, 1, 1400);
	drain(w);
	wire_abort(w);
	drain(w);
	advance_to(w, "599.9");
	second_connection(w);
	check_equal(w, wire_info(w).pmtu, wire_mtu(w, 1400));
	wire_abort(w);
	drain(w);
	advance_to(w, "600.1");
	second_connection(w);
	check_equal(w, wire_info(w).pmtu, wire_mtu(w, 1500));
}

static void test_unknown_hosts_start_with_the_link(void **state)
{
	struct wire *w = *state;
	const struct ip_endpoint local = {.addr = wire_host_addr(w), .port = 50001};
	struct ip_endpoint remote = {.addr = wire_peer_addr(w), .port = 9000};

	in_flight(w, SYN_WORDS, 1460);
	too_big(w, 1, 1400);
	drain(w);
	remote.addr.bytes[w->version == 6 ? 15 : 3] = 9;
	struct tcp_conn *c;
	check_equal(w, tcp_connect(w->s, w->now_us, &local, &remote, &c), STACK_OK);
	advance_us(w, 0);
	drain(w);
	tcp_abort(c);
}

/* A router told one of two connections; the other's time-out asks what is known. */
static void test_time_out_asks_what_others_have_learnt(void **state)
{
	struct wire *w = *state;

	in_flight(w, SYN_WORDS, 1460);
	struct tcp_conn *first = w->c;
	second_connection(w);
	send_bytes(w, 1460);
	expect(w, "0.000 P. 1:1461(1460) ack 1");
	w->rport = WIRE_PEER_PORT;
	too_big(w, 1, 1400); /* about the first */
	check_equal(w, drain(w), 2);
	tcp_abort(first);
	w->rport = 40001;
	advance_us(w, 0);
	drain(w);
	expect(w, "~0.200 . 1:1361(1360) ack 1");
	expect(w, "~0.200 P. 1361:1461(100) ack 1");
	check_equal(w, wire_info(w).ssthresh, UINT32_MAX);
}

static void test_without_memory_nothing_is_remembered(void **state)
{
	struct wire *w = *state;

	w->cfg.memory_limit = 12 << 10;
	w->cfg.send_buffer_max = w->cfg.recv_buffer_max = 4096;
	wire_restart(w);
	in_flight(w, SYN_WORDS, 1460);
	const size_t before = wire_usage(w).memory;
	check(w, before + 256 * 32 > w->cfg.memory_limit);
	too_big(w, 1, 1400);
	check_equal(w, drain(w), 2);
	check_equal(w, wire_info(w).pmtu, wire_mtu(w, 1400));
	check_equal(w, counters(w)->tcp_memory_drops, 1);
	check_equal(w, wire_usage(w).memory, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_flight_goes_again_in_smaller_pieces),
		WIRE_TEST(test_flight_goes_again_in_smaller_pieces_with_sack),
		WIRE_TEST(test_timestamps_come_off_the_payload),
		WIRE_TEST(test_what_was_sacked_does_not_go_again),
		WIRE_TEST(test_small_segments_do_not_go_again_with_sack),
		WIRE_TEST(test_fin_in_flight_goes_again),
		WIRE_TEST(test_super_segments_are_cut_smaller),
		WIRE_TEST(test_retransmission_timer_starts_anew),
		WIRE_TEST(test_size_outlives_a_reduction_that_is_taken_back),
		WIRE_TEST(test_window_is_what_it_would_be_with_the_right_size_from_the_start),
		WIRE_TEST(test_fast_answer_goes_again_in_smaller_pieces),
		WIRE_TEST(test_fast_answer_goes_again_in_smaller_pieces_with_sack),
		WIRE_TEST(test_shut_window_stays_shut),
		WIRE_TEST(test_without_anything_in_flight_nothing_happens),
		WIRE_TEST(test_packets_that_fit_were_not_too_big),
		WIRE_TEST_V4(test_old_routers_mean_the_next_plateau),
		WIRE_TEST_V4(test_old_router_with_a_wrong_length),
		WIRE_TEST(test_next_connection_starts_with_what_is_known),
		WIRE_TEST(test_it_is_forgotten_after_ten_minutes),
		WIRE_TEST(test_unknown_hosts_start_with_the_link),
		WIRE_TEST(test_time_out_asks_what_others_have_learnt),
		WIRE_TEST(test_without_memory_nothing_is_remembered),
	};

	return cmocka_run_group_tests_name("stack: path MTU", tests, NULL, NULL);
}
