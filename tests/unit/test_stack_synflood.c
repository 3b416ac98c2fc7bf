/* SPDX-License-Identifier: Apache-2.0 */
/* SYN cookies and the SYN cache's buckets under attack (RFC 4987): whom they do not let in, and what they cost. */
#include <string.h>

#include "tests/unit/syncookie.h"

/* ------------------------------------------------------------------ whom it does not let in */

static void refuse(struct wire *w, const struct seg *g)
{
	wire_inject_seg(w, g);
	struct wire_packet *p = wire_take(w);
	check(w, p != NULL && (p->bytes[33] & RST));
	test_free(p);
	check_equal(w, wire_usage(w).connections, 0);
}

/* As if it had got lost. */
static void ignore(struct wire *w, const struct seg *g)
{
	wire_inject_seg(w, g);
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, wire_usage(w).connections, 0);
}

static void test_cookie_holds_for_its_own_handshake_only(void **state)
{
	struct wire *w = *state;
	const struct ip_endpoint other = {.port = 81};
	struct tcp_listener *l81;
	struct seg g;

	small_cache(w);
	check_equal(w, tcp_listen(w->s, &other, 16, &l81), STACK_OK);
	cookie_for(w, "* S 0:0(0) " SYN_WORDS);
	const struct seg right = wire_seg(w, ". 1:1(0) ack 1");
	for (unsigned bit = 0; bit < 32; bit++) {
		g = right;
		g.ack = (w->iss ^ 1u << bit) + 1;
		(bit >= 4 && bit < 18 ? ignore : refuse)(w, &g);
		g = right;
		g.seq ^= 1u << bit;
		ignore(w, &g);
		g = right;
		g.src ^= 1u << (bit % 8); /* hosts of the same network */
		if (g.src != WIRE_HOST && g.src % 256 != 0)
			refuse(w, &g);
	}
	for (unsigned bit = 0; bit < 16; bit++) {
		g = right;
		g.sport ^= (uint16_t)(1u << bit);
		refuse(w, &g);
	}
	g = right;
	g.dport = 81;
	refuse(w, &g);
	check_equal(w, counters(w)->tcp_syn_cookies_recv, 0);
	wire_inject_seg(w, &right); /* unharmed by all this */
	expect_state(w, TCP_ESTABLISHED);
	wire_accept(w);
	tcp_unlisten(l81);
}

/* The same stack has both versions, and the hosts' numbers look alike. */
static void test_cookie_of_ipv4_is_none_of_ipv6(void **state)
{
	struct wire *w = *state;
	uint8_t packet[WIRE_PACKET_MAX], v6[WIRE_PACKET_MAX];
	struct ip_addr host6 = wire_host_addr(w);

	/* wire_to_v6 puts the number behind this prefix. */
	memset(&host6, 0, sizeof host6);
	host6.version = 6;
	memcpy(host6.bytes, "\xfd\x00\x02\xff\0\0\0\0\0\0\0\0\x0a\0\0\x02", 16);
	w->cfg.addr[w->cfg.addr_count++] = host6;
	small_cache(w);
	cookie_for(w, "* S 0:0(0) " SYN_WORDS);
	const struct seg right = wire_seg(w, ". 1:1(0) ack 1");
	const size_t len = wire_build(w, &right, packet);
	wire_inject_raw(w, v6, wire_to_v6(packet, len, v6));
	check_equal(w, drain(w), 1);
	check_equal(w, counters(w)->tcp_syn_cookies_failed, 1);
	check_equal(w, wire_usage(w).connections, 0);
	wire_inject_seg(w, &right);
	check_equal(w, counters(w)->tcp_syn_cookies_recv, 1);
	wire_accept(w);
}

/* FreeBSD-SA-02:20: the way without an entry must bear every segment, with a listener and without. */
static void test_any_segment_may_come_instead_of_the_cookie(void **state)
{
	struct wire *w = *state;

	w->any_window = true;
	small_cache(w);
	cookie_for(w, "* S 0:0(0) " SYN_WORDS);
	for (unsigned listening = 0; listening < 2; listening++) {
		for (unsigned flags = 0; flags < 256; flags++) {
			for (unsigned len = 0; len < 2; len++) {
				struct seg g = wire_seg(w, "- 1:1(0)");
				g.flags = (uint8_t)flags;
				g.ack = w->iss + 1;
				g.len = len * 100;
				wire_inject_seg(w, &g);
				drain(w);
				/* FIN, PSH, URG, ECE and CWR beside the ACK say nothing against it. */
				const bool good =
					listening == 0 && (flags & (SYN | RST | ACK)) == ACK;
				check_equal(w, wire_usage(w).connections, good);
				if (good) {
					wire_accept(w);
					give_up(w);
				}
				struct seg rst = wire_seg(w, "R 2:2(0)");
				wire_inject_seg(w, &rst); /* what a SYN may have left */
				drain(w);
			}
		}
		if (w->listener)
			tcp_unlisten(w->listener);
		w->listener = NULL;
	}
	check_equal(w, wire_usage(w).memory, w->empty_memory);
}

static void test_closed_listener_resets_who_comes_with_a_cookie(void **state)
{
	struct wire *w = *state;

	small_cache(w);
	cookie_for(w, "* S 0:0(0) " SYN_WORDS);
	tcp_unlisten(w->listener);
	w->listener = NULL;
	inject(w, "* P. 1:101(100) ack 1");
	expect(w, "* R 1:1(0)");
	check_equal(w, counters(w)->tcp_syn_cookies_recv, 0);
}

/* RFC 5961 has nothing to defend here: no forged segment can take back a cookie that is under way. */
static void test_forged_segments_do_not_take_a_cookie_back(void **state)
{
	struct wire *w = *state;

	small_cache(w);
	cookie_for(w, "* S 0:0(0) " SYN_WORDS);
	inject(w, "* R 1:1(0)");
	inject(w, "* R. 1:1(0) ack 1");
	check_equal(w, wire_waiting(w), 0);
	inject(w, "* F 1:1(0)");
	check_equal(w, wire_waiting(w), 0);
	inject(w, "* S. 1:1(0) ack 1");
	expect(w, "* R 1:1(0)");
	fill_cache(w);
	inject(w, "* S 5000:5000(0) " SYN_WORDS);
	check_equal(w, drain(w), 1);
	empty_cache(w);
	check_equal(w, counters(w)->tcp_syn_cookies_sent, 2);
	inject(w, "* . 1:1(0) ack 1");
	expect_state(w, TCP_ESTABLISHED);
	wire_accept(w);
}

/* ------------------------------------------------------------------ no room for the connection */

static void test_no_room_for_the_connection_is_like_a_lost_ack(void **state)
{
	struct wire *w = *state;

	size_t one = 0; /* what a connection takes */

	for (unsigned way = 0; way < 3; way++) {
		stack_config_default(&w->cfg);
		w->cfg.addr[0] = ip_addr_v4(10, 0, 0, 2);
		w->cfg.addr_count = 1;
		w->cfg.cc = &tcp_cc_newreno;
		w->cfg.max_half_open = 1;
		if (way == 1)
			w->cfg.max_connections = 1;
		if (way == 2)
			w->cfg.memory_limit = one + one / 2;
		wire_restart(w);
		wire_listen(w, WIRE_PORT, way == 0 ? 1 : 16);
		w->rport = 1001;
		cookie_for(w, "* S 0:0(0) " SYN_WORDS);
		inject(w, "* . 1:1(0) ack 1");
		check_equal(w, wire_usage(w).connections, 1);
		const uint32_t first = w->iss;
		w->rport = 1002;
		cookie_for(w, "* S 0:0(0) " SYN_WORDS);
		const uint32_t second = w->iss;
		inject(w, "* P. 1:101(100) ack 1");
		check_equal(w, wire_waiting(w), 0);
		check_equal(w, wire_usage(w).connections, 1);
		check_equal(w, counters(w)->tcp_syn_cookies_failed, 0);
		check_equal(w, counters(w)->tcp_accept_overflows, way == 0);
		check_equal(w, counters(w)->tcp_memory_drops, way != 0);
		w->rport = 1001;
		w->iss = first;
		wire_accept(w);
		one = wire_info(w).memory;
		give_up(w);
		w->rport = 1002;
		w->iss = second;
		inject(w, "+1 P. 1:101(100) ack 1"); /* sent again */
		if (way != 2)                        /* there is no memory for a ring */
			expect(w, "* . 1:1(0) ack 101");
		expect_state(w, TCP_ESTABLISHED);
		drain(w);
		wire_accept(w);
	}
}

/* A cookie needs no memory but for the packet itself. */
static void test_no_memory_for_an_entry_gives_a_cookie(void **state)
{
	struct wire *w = *state;

	w->cfg.memory_limit = 150;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	inject(w, "* S 0:0(0) " SYN_WORDS);
	take_syn_ack(w);
	check_equal(w, wire_usage(w).half_open, 0);
	check_equal(w, counters(w)->tcp_memory_drops, 1);
	check_equal(w, counters(w)->tcp_syn_cookies_sent, 1);
}

/* ------------------------------------------------------------------ TIME-WAIT */

/* RFC 9293 3.6.1: the new number must lie beyond the old ones. A cookie's lies anywhere. */
static void test_syn_that_ends_time_wait_gets_an_entry(void **state)
{
	struct wire *w = *state;

	w->cfg.max_half_open = 1;
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	wire_shutdown(w);
	expect(w, "* F. 1:1(0) ack 1");
	inject(w, "* F. 1:1(0) ack 2");
	expect(w, "* . 2:2(0) ack 2");
	wire_close(w);
	expect_state(w, TCP_TIME_WAIT);
	fill_cache(w);
	inject(w, "+1 S 100000:100000(0) " SYN_WORDS);
	expect(w, "* S. 65538:65538(0) ack 100001");
	check_equal(w, counters(w)->tcp_syn_cookies_sent, 0);
	check_equal(w, counters(w)->tcp_syn_cache_dropped, 1);
	check_equal(w, wire_usage(w).half_open, 1);
	inject(w, "* . 100001:100001(0) ack 65539");
	expect_state(w, TCP_ESTABLISHED);
	wire_accept(w);
}

/* ------------------------------------------------------------------ buckets */

static void syn_from(struct wire *w, uint32_t src, uint16_t port)
{
	struct seg g = wire_seg(w, "S 0:0(0) " SYN_WORDS);

	g.src = src;
	g.sport = port;
	wire_inject_seg(w, &g);
	check_equal(w, drain(w), 1);
}

static void test_one_address_takes_a_quarter_of_the_cache(void **state)
{
	struct wire *w = *state;

	w->quiet = true;
	w->cfg.max_half_open = 400;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	for (uint16_t i = 0; i < 1000; i++)
		syn_from(w, 0x0b000001, (uint16_t)(1024 + i));
	check_equal(w, wire_usage(w).half_open, 100);
	check_equal(w, counters(w)->tcp_syn_cookies_sent, 900);
	check_equal(w, counters(w)->tcp_syn_cache_dropped, 0);
	/* Others find room, but for who shares the bucket by chance: one in 256. */
	for (uint32_t i = 0; i < 100; i++)
		syn_from(w, 0x0c000001 + i, 1024);
	check(w, wire_usage(w).half_open >= 190);
}

/* A host of IPv6 has a whole /64 to send from. */
static void test_one_network_of_ipv6_takes_a_quarter_of_the_cache(void **state)
{
	struct wire *w = *state;

	w->quiet = true;
	w->cfg.max_half_open = 400;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	for (uint16_t i = 0; i < 1000; i++)
		syn_from(w, 0x0b000001 + i, 1024);
	check_equal(w, wire_usage(w).half_open, 100);
}

static void test_without_cookies_the_oldest_of_the_bucket_goes(void **state)
{
	struct wire *w = *state;

	w->cfg.syn_cookies = false;
	w->cfg.max_half_open = 64;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	syn_from(w, 0x0c000001, 1000);
	for (uint16_t i = 0; i < 17; i++)
		syn_from(w, WIRE_PEER, (uint16_t)(2000 + i));
	check_equal(w, wire_usage(w).half_open, w->version == 4 ? 17 : 16);
	check_equal(w, counters(w)->tcp_syn_cookies_sent, 0);
	w->rport = 2000;
	expect_state(w, TCP_CLOSED);
	w->rport = 2016;
	expect_state(w, TCP_SYN_RECEIVED);
	w->rport = 1000; /* an older one, of another bucket in IPv4 */
	expect_state(w, w->version == 4 ? TCP_SYN_RECEIVED : TCP_CLOSED);
}

/* ------------------------------------------------------------------ floods */

/* A million of ACKs, each with numbers of its own. None gets in, and nothing is kept. */
static void test_million_forged_acks_open_nothing(void **state)
{
	struct wire *w = *state;
	static uint8_t packet[WIRE_PACKET_MAX];
	struct packet_out out;
	uint64_t random = 88172645463325252u;
	unsigned resets = 0;

	small_cache(w);
	cookie_for(w, "* S 0:0(0) " SYN_WORDS);
	struct seg g = wire_seg(w, ". 1:1(0) ack 1");
	const size_t len = wire_build(w, &g, packet);
	for (unsigned i = 0; i < 1000000; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		memcpy(packet + 24, &random, 8); /* SEQ and ACK */
		stack_input(w->s, w->now_us, packet, len, (struct packet_meta){true, 0});
		resets += stack_output(w->s, w->now_us, &out) == 40;
	}
	check_equal(w, counters(w)->tcp_syn_cookies_failed, resets);
	check_equal(w, counters(w)->tcp_syn_cookies_recv, 0);
	/* One in 2^14 is taken for the second segment of somebody, and ignored. */
	check(w, resets > 999800 && resets < 1000000);
	check_equal(w, wire_usage(w).connections, 0);
	stack_advance(w->s, w->now_us);
	check_equal(w, wire_usage(w).memory, w->empty_memory);
}

/* One good client amid a million of SYNs from everywhere, sent while nothing but cookies is left. */
static void test_million_syns_leave_memory_flat_and_good_clients_get_in(void **state)
{
	struct wire *w = *state;
	static uint8_t packet[WIRE_PACKET_MAX];
	struct packet_out out;
	size_t most = 0;
	unsigned served = 0;

	w->quiet = true;
	wire_listen(w, WIRE_PORT, 16);
	const struct seg g = wire_seg(w, "S 0:0(0) " ALL_WORDS);
	const size_t len = wire_build(w, &g, packet);
	for (unsigned i = 0; i < 1000000; i++) {
		const uint32_t host = i * 0x9e3779u; /* each of 2^24 once */
		packet[12] = 11;
		memcpy(packet + 13, &host, 3);
		memcpy(packet + 24, &host, 4); /* SEQ */
		packet[10] = packet[11] = 0;
		const uint16_t sum = wire_checksum(packet, 20, 0);
		packet[10] = (uint8_t)(sum >> 8);
		packet[11] = (uint8_t)sum;
		stack_input(w->s, w->now_us, packet, len, (struct packet_meta){true, 0});
		check_equal(w, stack_output(w->s, w->now_us, &out), 60);
		check_equal(w, stack_output(w->s, w->now_us, &out), 0);
		if (i == 10000)
			most = wire_usage(w).memory;
		check(w, i <= 10000 || wire_usage(w).memory <= most);
		if (i % 10000 != 9999)
			continue;
		w->rport = (uint16_t)(3000 + served);
		inject(w, "* S 0:0(0) " ALL_WORDS);
		take_syn_ack(w);
		inject(w, "* P. 1:101(100) ack 1 <nop,nop,TS val 101 ecr $>");
		expect(w, "* . 1:1(0) ack 101");
		wire_accept(w);
		check_equal(w, wire_info(w).snd_wscale, 7);
		recv_bytes(w, 100);
		give_up(w);
		served++;
	}
	check_equal(w, served, 100);
	check_equal(w, wire_usage(w).half_open, w->cfg.max_half_open);
	check(w, counters(w)->tcp_syn_cookies_sent > 990000);
	check(w, most < 2u << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_cookie_holds_for_its_own_handshake_only),
		WIRE_TEST_V4(test_cookie_of_ipv4_is_none_of_ipv6),
		WIRE_TEST(test_any_segment_may_come_instead_of_the_cookie),
		WIRE_TEST(test_closed_listener_resets_who_comes_with_a_cookie),
		WIRE_TEST(test_forged_segments_do_not_take_a_cookie_back),
		WIRE_TEST_V4(test_no_room_for_the_connection_is_like_a_lost_ack),
		WIRE_TEST(test_no_memory_for_an_entry_gives_a_cookie),
		WIRE_TEST(test_syn_that_ends_time_wait_gets_an_entry),
		WIRE_TEST_ONCE(test_one_address_takes_a_quarter_of_the_cache),
		WIRE_TEST_ONCE_V6(test_one_network_of_ipv6_takes_a_quarter_of_the_cache),
		WIRE_TEST(test_without_cookies_the_oldest_of_the_bucket_goes),
		WIRE_TEST_ONCE(test_million_forged_acks_open_nothing),
		WIRE_TEST_ONCE(test_million_syns_leave_memory_flat_and_good_clients_get_in),
	};

	return cmocka_run_group_tests_name("stack: SYN floods", tests, NULL, NULL);
}
