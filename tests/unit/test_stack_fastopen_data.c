/* SPDX-License-Identifier: Apache-2.0 */
/* TCP Fast Open (RFC 7413): a connection between its SYN, which had data, and the ACK that ends the handshake. */
#include "tests/unit/fastopen.h"

/* ------------------------------------------------------------------ data before the handshake */

static void test_request_in_the_syn_is_answered_before_the_ack(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	open_fast(w);
	check_equal(w, wire_events(w, STACK_EVENT_ACCEPT), 1);
	check_equal(w, counters(w)->tcp_fast_open_passive, 1);
	check_equal(w, counters(w)->tcp_passive_opens, 1);
	wire_accept(w);
	check_equal(w, wire_events(w, STACK_EVENT_READABLE), 1);
	recv_bytes(w, 100);
	send_bytes(w, 2000);
	expect(w, "* . 1:1461(1460) ack 101");
	expect(w, "* P. 1461:2001(540) ack 101");
	expect_state(w, TCP_SYN_RECEIVED);
	inject(w, "0.050 . 101:101(0) ack 2001");
	expect_state(w, TCP_ESTABLISHED);
	check_equal(w, tcp_send_pending(w->c), 0);
	check_equal(w, wire_info(w).srtt_us, 50000); /* of the SYN-ACK */
	check_equal(w, wire_events(w, STACK_EVENT_CONNECTED), 0);
	inject(w, "0.060 P. 101:201(100) ack 2001");
	expect(w, "* . 2001:2001(0) ack 201");
	recv_bytes(w, 100);
	wire_shutdown(w);
	expect(w, "* F. 2001:2001(0) ack 201");
	inject(w, "0.070 F. 201:201(0) ack 2002");
	expect(w, "* . 2002:2002(0) ack 202");
	expect_closed(w, TCP_CLOSE_ORDERLY);
}

/* In one batch: the answer is there before the SYN-ACK has left. */
static void test_syn_ack_goes_before_the_answer(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	hold(w);
	inject(w, "* S 0:100(100) win 65535 <mss 1460,fo $>");
	wire_accept(w);
	send_bytes(w, 10);
	release(w);
	expect(w, "* S. 0:0(0) ack 101 <mss 1460>");
	expect(w, "* P. 1:11(10) ack 101");
}

/* Everything negotiated holds for the data behind the SYN-ACK already (RFC 7323 2.2: the window of the SYN does not). */
static void test_options_and_windows_of_the_syn_hold(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	inject(w, "* S 0:100(100) win 2000 <mss 1000,sackOK,TS val 9 ecr 0,nop,wscale 7,fo $>");
	expect(w, "* S. 0:0(0) ack 101 win 65436 <mss 1460,sackOK,TS val * ecr 9,wscale 7>");
	wire_accept(w);
	send_bytes(w, 5000);
	expect(w, "* . 1:989(988) ack 101 <TS val * ecr 9>");
	expect(w, "* . 989:1977(988) ack 101 <TS val * ecr 9>");
	check_equal(w, wire_waiting(w), 0); /* 2,000 bytes, not 256,000 */
	inject(w, "0.020 . 101:101(0) ack 1977 win 2000 <nop,nop,TS val 29 ecr $>");
	expect(w, "* . 1977:2965(988) ack 101 <TS val * ecr 29>");
	expect(w, "* . 2965:3953(988) ack 101 <TS val * ecr 29>");
	expect(w, "* . 3953:4941(988) ack 101 <TS val * ecr 29>");
	expect(w, "* P. 4941:5001(60) ack 101 <TS val * ecr 29>");
	check(w, wire_info(w).sack && wire_info(w).wscale_ok);
	check_equal(w, wire_info(w).snd_wnd, 256000);
}

/* RFC 6928: not more than the initial window before somebody has answered. */
static void test_initial_window_limits_the_answer(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	open_fast(w);
	wire_accept(w);
	send_bytes(w, 50000);
	check_equal(w, wire_waiting(w), 9); /* ten segments, less the SYN-ACK's one number */
	drain(w);
}

/* What the buffer cannot hold is not acknowledged. */
static void test_data_beyond_the_buffer_are_not_acknowledged(void **state)
{
	struct wire *w = *state;

	w->cfg.recv_buffer_max = 4096;
	fast_setup(w);
	inject(w, "* S 0:5000(5000) win 65535 <mss 1460,fo $>");
	expect(w, "* S. 0:0(0) ack 4097 win 0");
	wire_accept(w);
	recv_bytes(w, 4096);
	inject(w, "* . 4097:4097(0) ack 1");
	expect(w, "* . 1:1(0) ack 4097 win 4096");
	inject(w, "* P. 4097:5001(904) ack 1");
	expect(w, "* . 1:1(0) ack 5001");
	recv_bytes(w, 904);
}

/* A cookie and no data: the server may speak first. */
static void test_syn_without_data_opens_too(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	inject(w, "* S 0:0(0) win 65535 <mss 1460,fo $>");
	expect(w, "* S. 0:0(0) ack 1 <mss 1460>");
	wire_accept(w);
	check_equal(w, wire_events(w, STACK_EVENT_READABLE), 0);
	send_bytes(w, 10);
	expect(w, "* P. 1:11(10) ack 1");
	inject(w, "* . 1:1(0) ack 11");
	expect_state(w, TCP_ESTABLISHED);
}

/* The answer's first segment is lost; selective acknowledgements work from the first ACK on. */
static void test_loss_behind_the_syn_ack_is_recovered(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	inject(w, "* S 0:100(100) win 65535 <mss 1000,sackOK,fo $>");
	expect(w, "* S. 0:0(0) ack 101");
	wire_accept(w);
	send_bytes(w, 5000);
	check_equal(w, drain(w), 5);
	inject(w, "0.050 . 101:101(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	inject(w, "0.051 . 101:101(0) ack 1 <nop,nop,sack 1001:2001>");
	inject(w, "0.052 . 101:101(0) ack 1 <nop,nop,sack 1001:3001>");
	inject(w, "0.053 . 101:101(0) ack 1 <nop,nop,sack 1001:4001>");
	expect(w, "* . 1:1001(1000) ack 101");
	inject(w, "0.100 . 101:101(0) ack 5001");
	check_equal(w, tcp_send_pending(w->c), 0);
}

/* ------------------------------------------------------------------ the SYN-ACK gets lost */

/* RFC 7413 4.2.2: repeated with neither data nor option; the data wait for the ACK. */
static void test_syn_ack_is_repeated_alone(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	inject(w, "* S 0:100(100) win 65535 <mss 1000,sackOK,fo $>");
	expect(w, "0.000 S. 0:0(0) ack 101");
	wire_accept(w);
	send_bytes(w, 3000);
	check_equal(w, drain(w), 3);
	expect_none(w, "0.990");
	expect(w, "1.000 S. 0:0(0) ack 101 <mss 1460,sackOK>");
	send_bytes(w, 1000);
	expect_none(w, "2.990");
	expect(w, "3.000 S. 0:0(0) ack 101 <mss 1460,sackOK>");
	inject(w, "3.020 . 101:101(0) ack 1");
	expect(w, "3.020 . 1:1001(1000) ack 101"); /* one segment: RFC 5681 3.1 */
	check_equal(w, wire_waiting(w), 0);
	inject(w, "3.040 . 101:101(0) ack 1001");
	expect(w, "3.040 . 1001:2001(1000) ack 101");
	expect(w, "3.040 . 2001:3001(1000) ack 101");
	inject(w, "3.060 . 101:101(0) ack 3001");
	expect(w, "3.060 P. 3001:4001(1000) ack 101");
	inject(w, "3.080 . 101:101(0) ack 4001");
	check_equal(w, tcp_send_pending(w->c), 0);
}

/* The client has all of it, and only its ACK was lost. */
static void test_late_ack_of_everything_ends_the_repetition(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	open_fast(w);
	wire_accept(w);
	send_bytes(w, 3000);
	check_equal(w, drain(w), 3);
	expect(w, "1.000 S. 0:0(0) ack 101 <mss 1460>");
	inject(w, "1.010 . 101:101(0) ack 3001");
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, tcp_send_pending(w->c), 0);
	expect_state(w, TCP_ESTABLISHED);
}

static void test_nobody_answers_and_the_connection_is_given_up(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	open_fast(w);
	wire_accept(w);
	recv_bytes(w, 100);
	expect(w, "1.000 S. 0:0(0) ack 101 <mss 1460>");
	expect(w, "3.000 S. 0:0(0) ack 101 <mss 1460>");
	expect(w, "7.000 S. 0:0(0) ack 101 <mss 1460>");
	expect(w, "15.000 S. 0:0(0) ack 101 <mss 1460>");
	expect(w, "31.000 S. 0:0(0) ack 101 <mss 1460>");
	expect(w, "~63.000 R. 1:1(0) ack 101");
	expect_closed(w, TCP_CLOSE_TIMEOUT);
	check_equal(w, counters(w)->tcp_attempt_fails, 1);
}

/* The client sends its SYN again, by the book without data and option, or the network doubles it. */
static void test_syn_again_repeats_the_syn_ack_only(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	open_fast(w);
	wire_accept(w);
	send_bytes(w, 1000);
	expect(w, "* P. 1:1001(1000) ack 101");
	inject(w, "0.300 S 0:0(0) win 65535 <mss 1460>");
	expect(w, "* S. 0:0(0) ack 101 <mss 1460>");
	inject(w, "0.400 S 0:100(100) win 65535 <mss 1460,fo $>");
	expect(w, "* S. 0:0(0) ack 101 <mss 1460>");
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, wire_usage(w).connections, 1);
	recv_bytes(w, 100);
	struct slice got[2];
	check_equal(w, tcp_recv_peek(w->c, got), 0); /* once only */
	inject(w, "0.450 . 101:101(0) ack 1001");
	expect_state(w, TCP_ESTABLISHED);
	/* Sent twice: nobody knows which of them was answered (Karn). */
	check_equal(w, wire_info(w).srtt_us, 0);
	inject(w, "0.500 S 0:100(100) win 65535 <mss 1460,fo $>");
	expect(w, "* . 1001:1001(0) ack 101"); /* RFC 5961 4.2 */
	check_equal(w, tcp_recv_peek(w->c, got), 0);
}

/* ------------------------------------------------------------------ ends before the handshake does */

static void test_reset_refuses_the_connection(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	open_fast(w);
	wire_accept(w);
	send_bytes(w, 10);
	expect(w, "* P. 1:11(10) ack 101");
	inject(w, "* R 102:102(0)"); /* RFC 5961 3.2 */
	expect(w, "* . 11:11(0) ack 101");
	inject(w, "* R 101:101(0)");
	expect_closed(w, TCP_CLOSE_REFUSED);
	check_equal(w, wire_usage(w).half_open, 0);
	check_equal(w, counters(w)->tcp_attempt_fails, 1);
	/* Before it was accepted: it leaves the queue. */
	w->rport = 1001;
	open_fast(w);
	inject(w, "* R 101:101(0)");
	check(w, tcp_accept(w->listener) == NULL);
}

/* RFC 9293 3.10.7.4, fifth, and 3.10.7.4, fourth with RFC 5961 4.2. */
static void test_wrong_segments_do_not_complete_it(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	open_fast(w);
	inject(w, "* . 101:101(0) ack 2"); /* acknowledges what was not sent */
	expect(w, "* R 2:2(0)");
	inject(w, "* . 101:101(0) ack 0");
	expect(w, "* R 0:0(0)");
	inject(w, "* P 101:111(10)"); /* no ACK */
	check_equal(w, wire_waiting(w), 0);
	inject(w, "* S 500:500(0) win 65535"); /* another SYN */
	expect(w, "* . 1:1(0) ack 101");
	inject(w, "* S -500:-500(0) win 65535");
	expect(w, "* . 1:1(0) ack 101");
	expect_state(w, TCP_SYN_RECEIVED);
	inject(w, "* . 101:101(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	wire_accept(w);
	recv_bytes(w, 100);
}

/* RFC 9293 3.10.4, SYN-RECEIVED: the FIN is queued until ESTABLISHED. */
static void test_fin_waits_for_the_handshake(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	open_fast(w);
	wire_accept(w);
	recv_bytes(w, 100);
	send_bytes(w, 10);
	expect(w, "* P. 1:11(10) ack 101");
	wire_close(w);
	expect_none(w, "0.900");
	inject(w, "0.900 . 101:101(0) ack 11");
	expect(w, "0.900 F. 11:11(0) ack 101");
	inject(w, "0.910 F. 101:101(0) ack 12");
	expect(w, "* . 12:12(0) ack 102");
	expect_state(w, TCP_TIME_WAIT);
	/* Nothing was said at all. */
	w->rport = 1001;
	open_fast(w);
	wire_accept(w);
	recv_bytes(w, 100);
	wire_shutdown(w);
	check_equal(w, wire_waiting(w), 0);
	inject(w, "0.920 F. 101:101(0) ack 1");
	expect(w, "* F. 1:1(0) ack 102");
	inject(w, "0.930 . 102:102(0) ack 2");
	expect_closed(w, TCP_CLOSE_ORDERLY);
}

/* RFC 1122 4.2.2.13, RFC 9293 3.10.5. */
static void test_close_with_unread_data_and_abort_reset(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	open_fast(w);
	wire_accept(w);
	wire_close(w);
	expect(w, "* R. 1:1(0) ack 101");
	expect_state(w, TCP_CLOSED);
	w->rport = 1001;
	open_fast(w);
	wire_accept(w);
	recv_bytes(w, 100);
	wire_abort(w);
	expect(w, "* R. 1:1(0) ack 101");
	expect_state(w, TCP_CLOSED);
	check_equal(w, wire_usage(w).connections, 0);
}

/* Nobody answers, and nobody holds the handle: the stack alone sees to the end. */
static void test_orphan_ends_by_itself(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	open_fast(w);
	wire_accept(w);
	recv_bytes(w, 100);
	send_bytes(w, 10);
	wire_close(w);
	drain(w);
	advance_us(w, 70000000);
	drain(w);
	check_equal(w, wire_usage(w).connections, 0);
	check_equal(w, wire_usage(w).memory, w->empty_memory);
}

static void test_listener_that_closes_resets_who_waits_in_its_queue(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	open_fast(w);
	wire_accept(w);
	w->rport = 1001;
	open_fast(w);
	tcp_unlisten(w->listener);
	w->listener = NULL;
	advance_us(w, 0);
	expect(w, "* R. 1:1(0) ack 101");
	expect_state(w, TCP_CLOSED);
	/* The accepted one lives on, both ways to its end. */
	w->rport = WIRE_PEER_PORT;
	expect_state(w, TCP_SYN_RECEIVED);
	inject(w, "* . 101:101(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	recv_bytes(w, 100);
}

/* ------------------------------------------------------------------ anything at all */

static uint32_t next(uint64_t *random, uint32_t below)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((*random >> 33) % below);
}

static void random_segment(struct wire *w, uint64_t *random)
{
	static const int32_t near[] = {-1000, -101, -100, -1, 0, 0, 0, 0, 1, 10, 1460, 3000, 66000};
	static const uint8_t flags[] = {ACK,       ACK,       ACK, PSH | ACK, FIN | ACK, SYN,
					SYN | ACK, RST | ACK, RST, FIN,       0,         0xff};
	struct seg g = wire_seg(w, "- 101:101(0)");

	g.flags = flags[next(random, sizeof flags)];
	g.seq += (uint32_t)near[next(random, sizeof near / sizeof near[0])];
	g.ack = w->iss + 1 + (uint32_t)near[next(random, sizeof near / sizeof near[0])];
	g.win = (uint16_t)(next(random, 3) ? 65535 : next(random, 3000));
	g.len = next(random, 2) ? next(random, 1460) : 0;
	wire_inject_seg(w, &g);
}

/* 20,000 segments and calls around connections in SYN-RECEIVED; the harness looks at the invariants after each. */
static void test_random_segments_and_calls_before_the_handshake_ends(void **state)
{
	struct wire *w = *state;
	uint64_t random = 1;

	w->quiet = w->any_window = w->any_payload = true;
	for (unsigned round = 0; round < 2000; round++) {
		if (round % 100 == 0)
			fast_setup(w);
		w->rport = (uint16_t)(1001 + round);
		struct seg syn = wire_seg(w, "S 0:100(100) win 65535 <mss 1460,sackOK,fo $>");
		wire_inject_seg(w, &syn);
		struct tcp_conn *c = next(&random, 4) ? tcp_accept(w->listener) : NULL;
		for (unsigned i = 0; i < 10; i++) {
			struct slice_mut room[2];
			switch (next(&random, 6)) {
			case 0:
				advance_us(w, next(&random, 3000000));
				break;
			case 1:
				if (c)
					tcp_send_commit(
						c, tcp_send_reserve(c, next(&random, 9000), room),
						next(&random, 4) == 0);
				break;
			case 2:
				if (c && next(&random, 4) == 0)
					tcp_shutdown(c);
				break;
			case 3:
				if (c)
					tcp_recv_consume(c, next(&random, 200));
				break;
			case 4:
				wire_inject_seg(w, &syn);
				break;
			default:
				random_segment(w, &random);
			}
			advance_us(w, 0);
			drain(w);
		}
		if (c && next(&random, 2))
			tcp_close(c);
		else if (c)
			tcp_abort(c);
		while ((c = tcp_accept(w->listener)) != NULL)
			tcp_abort(c);
		drain(w);
	}
	check(w, counters(w)->tcp_fast_open_passive > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_request_in_the_syn_is_answered_before_the_ack),
		WIRE_TEST(test_syn_ack_goes_before_the_answer),
		WIRE_TEST(test_options_and_windows_of_the_syn_hold),
		WIRE_TEST(test_initial_window_limits_the_answer),
		WIRE_TEST(test_data_beyond_the_buffer_are_not_acknowledged),
		WIRE_TEST(test_syn_without_data_opens_too),
		WIRE_TEST(test_loss_behind_the_syn_ack_is_recovered),
		WIRE_TEST(test_syn_ack_is_repeated_alone),
		WIRE_TEST(test_late_ack_of_everything_ends_the_repetition),
		WIRE_TEST(test_nobody_answers_and_the_connection_is_given_up),
		WIRE_TEST(test_syn_again_repeats_the_syn_ack_only),
		WIRE_TEST(test_reset_refuses_the_connection),
		WIRE_TEST(test_wrong_segments_do_not_complete_it),
		WIRE_TEST(test_fin_waits_for_the_handshake),
		WIRE_TEST(test_close_with_unread_data_and_abort_reset),
		WIRE_TEST(test_orphan_ends_by_itself),
		WIRE_TEST(test_listener_that_closes_resets_who_waits_in_its_queue),
		WIRE_TEST(test_random_segments_and_calls_before_the_handshake_ends),
	};

	return cmocka_run_group_tests_name("stack: Fast Open, data", tests, NULL, NULL);
}
