/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated link and super segments, the MTU with its ICMP, seeds, and everything at once. */
#include "lab/link_path.h"
#include "lab/link_rng.h"
#include "tests/unit/lab_packets.h"

static const uint32_t isns[] = {0, 0x7fffffff, 0xfffffc18}; /* 0, 2^31-1, 2^32-1000 */
static const unsigned versions[] = {4, 6};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SEED 4711u
#define MS 1000000ull
#define SECOND (1000 * MS)
#define ACK 0x10
#define PSH 0x08

static struct link_path *path_of(const struct link_config *cfg)
{
	struct link_path *path = link_path_create(cfg, SEED, 0);

	assert_non_null(path);
	return path;
}

static size_t headers_of(const struct link_packet *p)
{
	return ip_header_len(p->bytes) + 20 + TCP_OPTIONS;
}

/* ------------------------------------------------------------------ super segments */

static void test_super_segment_passes_whole_but_counts_as_its_pieces(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		/* Ten pieces of 1,500 bytes: a millisecond each. With IPv6 20 bytes more. */
		struct link_path *path = path_of(&(struct link_config){.rate = 12000000});
		const struct link_counts *c = link_path_counts(path);
		struct link_packet *p = super_packet(versions[v], 1, ACK | PSH, 14480, 1448);
		struct link_packet *was = link_packet_copy(p);
		const uint64_t bytes = 14480 + 10 * headers_of(p);

		link_path_input(path, 0, p);
		assert_int_equal(c->entered, 10);
		assert_int_equal(c->waiting, 10);
		assert_int_equal(c->bytes_entered, bytes);
		assert_int_equal(link_path_next(path), bytes * 8 * SECOND / 12000000);
		p = link_path_output(path, link_path_next(path));
		assert_int_equal(c->delivered, 10);
		assert_int_equal(c->bytes_delivered, bytes);
		assert_int_equal(p->gso_size, 1448);
		assert_true(p->checksum_partial);
		assert_memory_equal(p->bytes, was->bytes, was->len);
		link_packet_free(p);
		link_packet_free(was);
		link_path_destroy(path);
	}
}

static void test_whole_super_segment_shares_one_fate_which_counts_tenfold(void **state)
{
	const struct link_config lossy = {.loss_ppm = 1000000};
	const struct link_config full = {.rate = 12000000, .queue_packets = 15};
	struct link_path *path = path_of(&lossy);

	(void)state;
	link_path_input(path, 0, super_packet(4, 1, ACK, 14480, 1448));
	assert_int_equal(link_path_counts(path)->lost, 10);
	link_path_destroy(path);
	path = path_of(&full);
	for (unsigned i = 0; i < 4; i++)
		link_path_input(path, 0, super_packet(4, 1, ACK, 14480, 1448));
	/* One is being sent, one waits, and for two more ten there is no room. */
	assert_int_equal(link_path_counts(path)->waiting, 20);
	assert_int_equal(link_path_counts(path)->overflowed, 20);
	link_path_destroy(path);
}

/* Takes all pieces out; compares headers and payload with what went in. */
static void check_pieces(struct link_path *path, const struct link_packet *was, uint32_t isn)
{
	const size_t headers = headers_of(was), ip = ip_header_len(was->bytes);
	size_t at = headers;
	uint64_t due = 0;

	while (at < was->len) {
		/* At 12 Mbit/s: each leaves when it has been sent, not all with the last. */
		due = link_path_next(path);
		struct link_packet *p = link_path_output(path, due);
		assert_non_null(p);
		assert_true(packet_is_sound(p));
		assert_false(p->gso_size || p->checksum_partial);
		assert_int_equal(be32(p->bytes + ip + 4), (uint32_t)(isn + at - headers));
		assert_memory_equal(p->bytes + headers, was->bytes + at, p->len - headers);
		at += p->len - headers;
		const uint64_t sent = at - headers + link_path_counts(path)->delivered * headers;
		assert_int_equal(due, sent * 8 * SECOND / 12000000);
		link_packet_free(p);
	}
	assert_int_equal(at, was->len);
	assert_null(link_path_output(path, UINT64_MAX));
}

static void test_segment_cuts_into_packets_of_the_wire(void **state)
{
	const struct link_config cfg = {.rate = 12000000, .segment = true};

	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		for (size_t s = 0; s < COUNT(isns); s++) {
			struct link_path *path = path_of(&cfg);
			struct link_packet *p =
				super_packet(versions[v], isns[s], ACK | PSH, 65000, 1428);
			struct link_packet *was = link_packet_copy(p);
			link_path_input(path, 0, p);
			assert_int_equal(link_path_counts(path)->waiting, 46);
			check_pieces(path, was, isns[s]);
			link_packet_free(was);
			link_path_destroy(path);
		}
	}
}

static void test_segment_loses_single_pieces(void **state)
{
	const struct link_config cfg = {.loss_ppm = 100000, .segment = true};
	struct link_path *path = path_of(&cfg);
	const struct link_counts *c = link_path_counts(path);

	(void)state;
	for (unsigned i = 0; i < 200; i++)
		link_path_input(path, 0, super_packet(4, 1, ACK, 14480, 1448));
	assert_int_equal(c->entered, 2000);
	assert_in_range(c->lost, 200 - 67, 200 + 67); /* 5 sigma */
	assert_true(c->lost % 10 != 0 || c->waiting % 10 != 0);
	link_path_destroy(path);
}

static void test_segment_finishes_checksums_that_were_left_to_it(void **state)
{
	struct link_path *path = path_of(&(struct link_config){.segment = true});

	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		link_path_input(path, 0, tcp_packet(versions[v], 1, ACK, 77, true));
		link_path_input(path, 0, udp_packet(versions[v], 78, true));
		for (unsigned i = 0; i < 2; i++) {
			struct link_packet *p = link_path_output(path, 0);
			assert_true(packet_is_sound(p) && !p->checksum_partial);
			link_packet_free(p);
		}
	}
	link_path_destroy(path);
}

static void test_corruption_cuts_in_any_case(void **state)
{
	struct link_path *path = path_of(&(struct link_config){.corrupt_ppm = 1});

	(void)state;
	link_path_input(path, 0, super_packet(4, 1, ACK, 14480, 1448));
	struct link_packet *p = link_path_output(path, 0);
	assert_int_equal(p->len, 1500);
	assert_true(packet_is_sound(p));
	link_packet_free(p);
	link_path_destroy(path);
}

static void test_what_needs_segments(void **state)
{
	(void)state;
#define NEEDS(...) link_config_needs_segments(&(struct link_config){__VA_ARGS__})
	assert_false(NEEDS(.delay_ns = 1, .jitter_ns = 1, .rate = 1, .mtu = 1400));
	assert_true(NEEDS(.loss_ppm = 1));
	assert_true(NEEDS(.burst_enter_ppm = 1));
	assert_true(NEEDS(.reorder_ppm = 1));
	assert_true(NEEDS(.duplicate_ppm = 1));
	assert_true(NEEDS(.corrupt_ppm = 1));
#undef NEEDS
}

/* ------------------------------------------------------------------ MTU */

static void test_mtu_is_a_black_hole_to_larger_packets(void **state)
{
	struct link_path *path = path_of(&(struct link_config){.mtu = 1400});
	const struct link_counts *c = link_path_counts(path);

	(void)state;
	link_path_input(path, 0, tcp_packet(4, 1, ACK, 1400 - 52, false));
	assert_int_equal(c->waiting, 1);
	link_path_input(path, 0, tcp_packet(4, 1, ACK, 1401 - 52, false));
	link_path_input(path, 0, tcp_packet(6, 1, ACK, 1401 - 72, false));
	assert_int_equal(c->too_large, 2);
	assert_null(link_path_reply(path));
	link_path_destroy(path);
}

static void test_mtu_of_super_segments_is_that_of_their_pieces(void **state)
{
	struct link_path *path = path_of(&(struct link_config){.mtu = 1400, .mtu_reply = true});
	const struct link_counts *c = link_path_counts(path);

	(void)state;
	link_path_input(path, 0, super_packet(4, 1, ACK, 20000, 1348));
	assert_int_equal(c->waiting, 15);
	link_path_input(path, 0, super_packet(4, 1, ACK, 20000, 1349));
	assert_int_equal(c->too_large, 15);
	struct link_packet *reply = link_path_reply(path);
	assert_non_null(reply);
	assert_int_equal(be16(reply->bytes + 30), 1401); /* the piece's length */
	link_packet_free(reply);
	assert_null(link_path_reply(path));
	link_path_destroy(path);
}

static void test_mtu_reply_tells_the_sender(void **state)
{
	struct link_path *path = path_of(&(struct link_config){.mtu = 1300, .mtu_reply = true});

	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct link_packet *p = tcp_packet(versions[v], 1, ACK, 1400, false);
		struct link_packet *was = link_packet_copy(p);
		link_path_input(path, 0, p);
		struct link_packet *reply = link_path_reply(path);
		assert_non_null(reply);
		assert_true(packet_is_sound(reply));
		if (versions[v] == 4)
			assert_int_equal(be16(reply->bytes + 26), 1300);
		else
			assert_int_equal(be32(reply->bytes + 44), 1300);
		assert_memory_equal(reply->bytes + (versions[v] == 4 ? 28 : 48), was->bytes, 500);
		link_packet_free(reply);
		link_packet_free(was);
	}
	assert_int_equal(link_path_counts(path)->replies, 2);
	assert_null(link_path_output(path, UINT64_MAX));
	link_path_destroy(path);
}

static unsigned replies_at(struct link_path *path, uint64_t now_ns, unsigned packets)
{
	struct link_packet *reply;
	unsigned n = 0;

	for (unsigned i = 0; i < packets; i++)
		link_path_input(path, now_ns, tcp_packet(4, 1, ACK, 1400, false));
	while ((reply = link_path_reply(path)) != NULL) {
		n++;
		link_packet_free(reply);
	}
	return n;
}

/* RFC 1812 4.3.2.8, RFC 4443 2.4 (f). */
static void test_icmp_is_limited_to_one_a_millisecond(void **state)
{
	struct link_path *path = path_of(&(struct link_config){.mtu = 1300, .mtu_reply = true});

	(void)state;
	assert_int_equal(replies_at(path, 5 * SECOND, 1000), 64);
	assert_int_equal(replies_at(path, 5 * SECOND + MS - 1, 10), 0);
	assert_int_equal(replies_at(path, 5 * SECOND + MS, 10), 1);
	assert_int_equal(replies_at(path, 5 * SECOND + 11 * MS, 100), 10);
	assert_int_equal(replies_at(path, 500 * SECOND, 1000), 64);
	/* Left where they are when the path goes. */
	link_path_input(path, 501 * SECOND, tcp_packet(4, 1, ACK, 1400, false));
	link_path_destroy(path);
}

/* ------------------------------------------------------------------ seeds */

/* Sends 5,000 packets and gives a number that depends on every byte and time of what comes out; `lost` gets
 * a bit for each packet that does not. */
static uint64_t outcome(const struct link_config *cfg, uint64_t seed, unsigned direction,
			uint8_t lost[5000])
{
	struct link_path *path = link_path_create(cfg, seed, direction);
	struct link_packet *p;
	uint64_t hash = 1469598103934665603u, at;

	memset(lost, 1, 5000);
	for (uint32_t i = 0; i < 5000; i++)
		link_path_input(path, i * 1000, tcp_packet(4, i, ACK, 10, false));
	while ((at = link_path_next(path)) != UINT64_MAX) {
		p = link_path_output(path, at);
		if (be32(p->bytes + 24) < 5000)
			lost[be32(p->bytes + 24)] = 0;
		for (uint32_t i = 0; i < p->len; i++)
			hash = (hash ^ p->bytes[i]) * 1099511628211u;
		hash = (hash ^ at) * 1099511628211u;
		link_packet_free(p);
	}
	link_path_destroy(path);
	return hash;
}

static const struct link_config everything = {.delay_ns = MS,
					      .jitter_ns = MS,
					      .rate = 1000000000,
					      .queue_packets = 500,
					      .loss_ppm = 20000,
					      .burst_enter_ppm = 5000,
					      .burst_leave_ppm = 300000,
					      .burst_loss_ppm = 900000,
					      .reorder_ppm = 10000,
					      .reorder_ns = MS,
					      .duplicate_ppm = 10000,
					      .corrupt_ppm = 10000,
					      .mtu = 1500,
					      .mtu_reply = true,
					      .segment = true};

static void test_the_same_seed_gives_the_same_packets(void **state)
{
	uint8_t a[5000], b[5000];

	(void)state;
	for (uint64_t seed = 0; seed < 5; seed++)
		for (unsigned direction = 0; direction < 2; direction++) {
			assert_int_equal(outcome(&everything, seed, direction, a),
					 outcome(&everything, seed, direction, b));
			assert_memory_equal(a, b, sizeof a);
		}
}

static void test_seeds_and_directions_differ(void **state)
{
	static const uint64_t seeds[] = {0, 1, 2, UINT64_MAX, 1ull << 63};
	uint64_t seen[2 * COUNT(seeds)];
	uint8_t lost[2 * COUNT(seeds)][5000];
	size_t n = 0;

	(void)state;
	for (size_t s = 0; s < COUNT(seeds); s++)
		for (unsigned direction = 0; direction < 2; direction++, n++)
			seen[n] = outcome(&(struct link_config){.loss_ppm = 500000}, seeds[s],
					  direction, lost[n]);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++) {
			unsigned same = 0;
			for (size_t at = 0; at < 5000; at++)
				same += lost[i][at] == lost[k][at];
			assert_true(seen[i] != seen[k]);
			assert_in_range(same, 2500 - 177, 2500 + 177); /* 5 sigma */
		}
}

static void test_who_is_lost_does_not_depend_on_other_impairments(void **state)
{
	struct link_config cfg = {.loss_ppm = 20000};
	uint8_t alone[5000], together[5000];

	(void)state;
	outcome(&cfg, SEED, 0, alone);
	cfg.delay_ns = cfg.jitter_ns = MS;
	cfg.reorder_ppm = cfg.duplicate_ppm = 100000;
	cfg.reorder_ns = MS;
	outcome(&cfg, SEED, 0, together);
	assert_memory_equal(alone, together, sizeof alone);
}

static void test_generators_are_even_and_known(void **state)
{
	/* The first numbers of splitmix64 from 1234567, as published with it. */
	struct link_rng r = {1234567};
	unsigned ones[64] = {0};

	(void)state;
	assert_int_equal(link_rng_next(&r), 6457827717110365317ull);
	assert_int_equal(link_rng_next(&r), 3203168211198807973ull);
	for (unsigned i = 0; i < 4000; i++) {
		/* Neighbours: the first number of each, over seeds and indices. */
		struct link_rng n = link_rng_make(i / 16, i % 16);
		const uint64_t x = link_rng_next(&n);
		for (unsigned bit = 0; bit < 64; bit++)
			ones[bit] += x >> bit & 1;
	}
	for (unsigned bit = 0; bit < 64; bit++)
		assert_in_range(ones[bit], 2000 - 158, 2000 + 158); /* 5 sigma */
	assert_int_equal(link_rng_below(&r, 0), 0);
	assert_false(link_rng_chance(&r, 0));
	assert_true(link_rng_chance(&r, LINK_PPM));
}

/* ------------------------------------------------------------------ all of it */

static void check_balance(const struct link_path *path)
{
	const struct link_counts *c = link_path_counts(path);

	assert_int_equal(c->entered + c->duplicated,
			 c->delivered + c->lost + c->overflowed + c->too_large + c->waiting);
}

static void test_everything_at_once_adds_up(void **state)
{
	(void)state;
	for (unsigned whole = 0; whole < 2; whole++) {
		struct link_config cfg = everything;
		struct link_rng r = link_rng_make(SEED, whole);
		cfg.rate = 100000000; /* less than what comes */
		cfg.segment = !whole;
		cfg.corrupt_ppm = whole ? 0 : cfg.corrupt_ppm;
		struct link_path *path = path_of(&cfg);
		uint64_t now = 0, wire = 0;
		struct link_packet *p;
		for (uint32_t i = 0; i < 20000; i++) {
			const size_t payload = link_rng_below(&r, i % 3 == 0 ? 60000 : 1500);
			const unsigned version = i % 2 ? 4 : 6;
			now += link_rng_below(&r, MS);
			link_path_input(path, now,
					super_packet(version, i, ACK, payload,
						     (uint16_t)(500 + link_rng_below(&r, 1000))));
			check_balance(path);
			while ((p = link_path_reply(path)) != NULL)
				link_packet_free(p);
			while ((p = link_path_output(path, now)) != NULL) {
				wire += p->wire_packets;
				link_packet_free(p);
			}
		}
		check_balance(path);
		const struct link_counts *c = link_path_counts(path);
		assert_int_equal(wire, c->delivered);
		assert_true(c->lost && c->overflowed && c->too_large && c->reordered &&
			    c->duplicated && c->replies && (whole || c->corrupted));
		link_path_destroy(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_super_segment_passes_whole_but_counts_as_its_pieces),
		cmocka_unit_test(test_whole_super_segment_shares_one_fate_which_counts_tenfold),
		cmocka_unit_test(test_segment_cuts_into_packets_of_the_wire),
		cmocka_unit_test(test_segment_loses_single_pieces),
		cmocka_unit_test(test_segment_finishes_checksums_that_were_left_to_it),
		cmocka_unit_test(test_corruption_cuts_in_any_case),
		cmocka_unit_test(test_what_needs_segments),
		cmocka_unit_test(test_mtu_is_a_black_hole_to_larger_packets),
		cmocka_unit_test(test_mtu_of_super_segments_is_that_of_their_pieces),
		cmocka_unit_test(test_mtu_reply_tells_the_sender),
		cmocka_unit_test(test_icmp_is_limited_to_one_a_millisecond),
		cmocka_unit_test(test_the_same_seed_gives_the_same_packets),
		cmocka_unit_test(test_seeds_and_directions_differ),
		cmocka_unit_test(test_who_is_lost_does_not_depend_on_other_impairments),
		cmocka_unit_test(test_generators_are_even_and_known),
		cmocka_unit_test(test_everything_at_once_adds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
