/* SPDX-License-Identifier: Apache-2.0 */
/* One direction of the emulated link: each thing it can do to packets, exactly or within five sigma. */
#include "lab/link_path.h"
#include "tests/unit/lab_packets.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SEED 4711u
#define US 1000ull
#define MS (1000 * US)
#define SECOND (1000 * MS)
#define ACK 0x10
#define PAYLOAD 1448u /* of an IPv4 packet of 1,500 bytes */

/* Sends `n` packets, one every `gap_ns` from 0 on, whose sequence numbers are 0, 1, 2, …, so that tests can
 * tell who arrived. */
static void feed(struct link_path *path, unsigned n, uint64_t gap_ns, size_t payload)
{
	for (unsigned i = 0; i < n; i++)
		link_path_input(path, i * gap_ns, tcp_packet(4, i, ACK, payload, false));
}

static uint32_t number_of(const struct link_packet *p)
{
	return be32(p->bytes + 24);
}

static void check_balance(const struct link_path *path)
{
	const struct link_counts *c = link_path_counts(path);

	assert_int_equal(c->entered + c->duplicated,
			 c->delivered + c->lost + c->overflowed + c->too_large + c->waiting);
}

/* The next packet, at the moment when it is due, which is checked to be neither earlier nor later. */
static struct link_packet *next_packet(struct link_path *path, uint64_t *at_ns)
{
	*at_ns = link_path_next(path);
	if (*at_ns == UINT64_MAX)
		return NULL;
	if (*at_ns > 0)
		assert_null(link_path_output(path, *at_ns - 1));
	struct link_packet *p = link_path_output(path, *at_ns);
	assert_non_null(p);
	return p;
}

static struct link_path *path_of(const struct link_config *cfg)
{
	struct link_path *path = link_path_create(cfg, SEED, 0);

	assert_non_null(path);
	return path;
}

/* Is `got` within five standard deviations, whose square is `variance`, of `mean`? */
static void check_near(const char *what, double got, double mean, double variance)
{
	const double off = got - mean;

	if (off * off > 25 * variance + 0.25)
		fail_msg("%s: %.3f, expected %.3f with a variance of %.3f", what, got, mean,
			 variance);
}

/* Is `got` of `n` what a chance of `share` gives? */
static void check_share(const char *what, uint64_t got, uint64_t n, double share)
{
	check_near(what, (double)got, (double)n * share, (double)n * share * (1 - share));
}

/* ------------------------------------------------------------------ time */

static void test_without_options_it_is_a_wire(void **state)
{
	struct link_path *path = path_of(&(struct link_config){0});

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		struct link_packet *in = tcp_packet(4, i, ACK, i, i % 2),
				   *was = link_packet_copy(in);
		link_path_input(path, i * US, in);
		struct link_packet *out = link_path_output(path, i * US);
		assert_ptr_equal(out, in);
		assert_memory_equal(out->bytes, was->bytes, was->len);
		assert_int_equal(out->checksum_partial, i % 2);
		link_packet_free(out);
		link_packet_free(was);
	}
	assert_int_equal(link_path_next(path), UINT64_MAX);
	assert_null(link_path_output(path, SECOND));
	check_balance(path);
	link_path_destroy(path);
}

static void test_delay_is_exact_and_keeps_order(void **state)
{
	struct link_path *path = path_of(&(struct link_config){.delay_ns = 20 * MS + 7});
	uint64_t at;

	(void)state;
	feed(path, 1000, 3, PAYLOAD);
	for (uint32_t i = 0; i < 1000; i++) {
		struct link_packet *p = next_packet(path, &at);
		assert_int_equal(at, i * 3 + 20 * MS + 7);
		assert_int_equal(number_of(p), i);
		link_packet_free(p);
	}
	link_path_destroy(path);
}

static void test_packets_of_one_moment_keep_order(void **state)
{
	struct link_path *path = path_of(&(struct link_config){.delay_ns = MS});

	(void)state;
	feed(path, 5000, 0, 0);
	for (uint32_t i = 0; i < 5000; i++) {
		struct link_packet *p = link_path_output(path, MS);
		assert_int_equal(number_of(p), i);
		link_packet_free(p);
	}
	link_path_destroy(path);
}

static void test_jitter_stays_in_its_bounds_and_keeps_order(void **state)
{
	struct link_path *path =
		path_of(&(struct link_config){.delay_ns = 10 * MS, .jitter_ns = 4 * MS});
	uint64_t at, lowest = UINT64_MAX, highest = 0, sum = 0;

	(void)state;
	feed(path, 2000, 10 * MS, 0); /* so far apart that order costs nothing */
	for (uint32_t i = 0; i < 2000; i++) {
		struct link_packet *p = next_packet(path, &at);
		const uint64_t took = at - i * 10 * MS;
		assert_int_equal(number_of(p), i);
		sum += took;
		lowest = took < lowest ? took : lowest;
		highest = took > highest ? took : highest;
		link_packet_free(p);
	}
	assert_true(lowest >= 10 * MS && lowest < 10 * MS + 20 * US);
	assert_true(highest <= 14 * MS && highest > 14 * MS - 20 * US);
	/* An even spread of 4 ms has a sigma of 4/sqrt(12) ms, its mean over 2,000 one of 26 µs. */
	assert_in_range(sum / 2000, 12 * MS - 130 * US, 12 * MS + 130 * US);
	link_path_destroy(path);

	path = path_of(&(struct link_config){.delay_ns = 10 * MS, .jitter_ns = 4 * MS});
	feed(path, 2000, 10 * US, 0);
	for (uint32_t i = 0; i < 2000; i++) {
		struct link_packet *p = next_packet(path, &at);
		assert_int_equal(number_of(p), i);
		assert_true(at >= i * 10 * US + 10 * MS && at <= i * 10 * US + 14 * MS);
		link_packet_free(p);
	}
	link_path_destroy(path);
}

static void check_rate(uint64_t rate, size_t payload, unsigned n)
{
	struct link_path *path = path_of(&(struct link_config){.rate = rate});
	const uint64_t bits = (payload + 52) * 8;
	uint64_t at;

	feed(path, n, 0, payload);
	for (uint32_t i = 0; i < n; i++) {
		struct link_packet *p = next_packet(path, &at);
		/* Never more than a nanosecond off, however many there were. */
		assert_int_equal(at, (unsigned __int128)(i + 1) * bits * SECOND / rate);
		link_packet_free(p);
	}
	link_path_destroy(path);
}

static void test_rate_is_exact(void **state)
{
	(void)state;
	check_rate(100000000, PAYLOAD, 2000);   /* 120 µs each                              */
	check_rate(7777777, PAYLOAD, 2000);     /* not a whole number of anything           */
	check_rate(9600, 0, 50);                /* a modem                                  */
	check_rate(1000000000000, PAYLOAD, 99); /* 12 ns                                    */
	check_rate(999999999999, 1, 2000);      /* less than a nanosecond's worth of change */
}

/* Neither time, nor the part of a nanosecond that was carried over. */
static void test_idle_bottleneck_saves_nothing_up(void **state)
{
	static const uint64_t rates[] = {12000000, 7777777, 999999999};
	uint64_t at;

	(void)state;
	for (size_t r = 0; r < COUNT(rates); r++) {
		struct link_path *path = path_of(&(struct link_config){.rate = rates[r]});
		for (unsigned i = 0; i < 5; i++) {
			for (unsigned k = 0; k < 3; k++)
				link_path_input(path, i * SECOND,
						tcp_packet(4, k, ACK, PAYLOAD, false));
			for (unsigned k = 0; k < 3; k++) {
				struct link_packet *p = next_packet(path, &at);
				assert_int_equal(at,
						 i * SECOND + (k + 1) * 12000 * SECOND / rates[r]);
				link_packet_free(p);
			}
		}
		link_path_destroy(path);
	}
}

/* ------------------------------------------------------------------ the queue */

static unsigned drain(struct link_path *path)
{
	struct link_packet *p;
	unsigned n = 0;

	while ((p = link_path_output(path, UINT64_MAX)) != NULL) {
		n++;
		link_packet_free(p);
	}
	return n;
}

static void check_queue(const struct link_config *cfg, size_t payload, unsigned passes)
{
	struct link_path *path = path_of(cfg);
	const struct link_counts *c = link_path_counts(path);

	feed(path, 100, 0, payload);
	assert_int_equal(c->overflowed, 100 - passes);
	check_balance(path);
	assert_int_equal(drain(path), passes);
	link_path_destroy(path);
}

static void test_queue_drops_its_tail(void **state)
{
	const uint64_t rate = 12000000;

	(void)state;
	/* One is being sent; the queue holds those behind it. */
	check_queue(&(struct link_config){.rate = rate, .queue_packets = 10}, PAYLOAD, 11);
	check_queue(&(struct link_config){.rate = rate, .queue_packets = 1}, PAYLOAD, 2);
	check_queue(&(struct link_config){.rate = rate, .queue_bytes = 15000}, PAYLOAD, 11);
	check_queue(&(struct link_config){.rate = rate, .queue_bytes = 14999}, PAYLOAD, 10);
	check_queue(&(struct link_config){.rate = rate, .queue_bytes = 52}, 0, 2);
	/* What is larger than the queue may wait there alone: else it would never pass. */
	check_queue(&(struct link_config){.rate = rate, .queue_bytes = 1000}, PAYLOAD, 2);
	check_queue(&(struct link_config){.rate = rate}, PAYLOAD, 100);
}

/* Marks the packets that find more than so much waiting, and among them those that are ECT. */
static void check_marks(const struct link_config *cfg, unsigned version, unsigned ecn,
			unsigned marked)
{
	struct link_path *path = path_of(cfg);
	const unsigned at = version == 6 ? 4 : 0;
	unsigned n = 0;

	for (unsigned i = 0; i < 100; i++) {
		struct link_packet *p = tcp_packet(version, i, ACK, PAYLOAD, false);
		p->bytes[1] |= (uint8_t)(ecn << at);
		if (version == 4) {
			to_be16(p->bytes + 10, 0);
			to_be16(p->bytes + 10, ~plain_sum(0, p->bytes, 20));
		}
		link_path_input(path, 0, p);
	}
	assert_int_equal(link_path_counts(path)->marked, marked);
	check_balance(path);
	for (struct link_packet *p; (p = link_path_output(path, UINT64_MAX)) != NULL; n++) {
		assert_true(packet_is_sound(p));
		assert_int_equal(p->bytes[1] >> at & 3, n >= 100 - marked ? 3 : ecn);
		link_packet_free(p);
	}
	assert_int_equal(n, 100);
	link_path_destroy(path);
}

static void test_queue_marks_what_allows_it(void **state)
{
	const uint64_t rate = 12000000;

	(void)state;
	for (unsigned version = 4; version <= 6; version += 2) {
		const uint64_t len = PAYLOAD + (version == 4 ? 52 : 72);
		/* The first is being sent and ten more wait when the twelfth comes. */
		for (unsigned ecn = 1; ecn <= 2; ecn++) {
			check_marks(&(struct link_config){.rate = rate, .mark_packets = 9}, version,
				    ecn, 89);
			check_marks(&(struct link_config){.rate = rate, .mark_bytes = 10 * len - 1},
				    version, ecn, 89);
			check_marks(&(struct link_config){.rate = rate, .mark_bytes = 10 * len},
				    version, ecn, 88);
		}
		check_marks(&(struct link_config){.rate = rate, .mark_packets = 9}, version, 0, 0);
		check_marks(&(struct link_config){.rate = rate}, version, 2, 0);
	}
}

static void test_queue_makes_room_as_packets_leave_it(void **state)
{
	const struct link_config cfg = {.rate = 12000000, .queue_packets = 2, .delay_ns = 500 * MS};
	struct link_path *path = path_of(&cfg);
	const struct link_counts *c = link_path_counts(path);

	(void)state;
	feed(path, 3, 0, PAYLOAD);
	assert_int_equal(c->overflowed, 0);
	link_path_input(path, MS - 1, tcp_packet(4, 9, ACK, PAYLOAD, false));
	assert_int_equal(c->overflowed, 1);
	/* The first one is still under way for half a second, but in the queue no longer. */
	link_path_input(path, MS, tcp_packet(4, 9, ACK, PAYLOAD, false));
	assert_int_equal(c->overflowed, 1);
	link_path_input(path, MS, tcp_packet(4, 9, ACK, PAYLOAD, false));
	assert_int_equal(c->overflowed, 2);
	assert_int_equal(drain(path), 4);
	link_path_destroy(path);
}

static void test_overloaded_bottleneck_lets_pass_what_its_rate_allows(void **state)
{
	const struct link_config cfg = {.rate = 12000000, .queue_packets = 50};
	struct link_path *path = path_of(&cfg);
	uint64_t at = 0;
	unsigned n = 0;
	struct link_packet *p;

	(void)state;
	feed(path, 10000, 100 * US, PAYLOAD); /* ten times too much, for a second */
	while ((p = next_packet(path, &at)) != NULL) {
		n++;
		assert_int_equal(at, n * MS);
		link_packet_free(p);
	}
	assert_in_range(n, 1000 + 50, 1000 + 51);
	check_balance(path);
	link_path_destroy(path);
}

static void test_memory_is_limited(void **state)
{
	const struct link_config cfg = {
		.delay_ns = SECOND, .memory_limit = 100000, .duplicate_ppm = 1000000};
	struct link_path *path = path_of(&cfg);
	const struct link_counts *c = link_path_counts(path);

	(void)state;
	feed(path, 1000, 0, PAYLOAD);
	assert_in_range(c->waiting * (1500 + sizeof(struct link_packet)), 98000, 100000);
	assert_int_equal(c->waiting, c->delivered + c->entered + c->duplicated - c->overflowed);
	drain(path);
	feed(path, 10, 0, PAYLOAD); /* and it is given back */
	assert_int_equal(c->waiting, 20);
	check_balance(path);
	link_path_destroy(path); /* with packets under way */
}

/* ------------------------------------------------------------------ loss */

static void test_loss_has_its_share(void **state)
{
	static const uint32_t ppm[] = {0, 100, 10000, 100000, 500000, 999000, 1000000};

	(void)state;
	for (size_t i = 0; i < COUNT(ppm); i++) {
		struct link_path *path = path_of(&(struct link_config){.loss_ppm = ppm[i]});
		feed(path, 100000, 0, 0);
		check_share("loss", link_path_counts(path)->lost, 100000, ppm[i] / 1e6);
		assert_int_equal(drain(path), 100000 - link_path_counts(path)->lost);
		check_balance(path);
		link_path_destroy(path);
	}
}

/* Runs of lost packets: their number and sum. */
static void count_bursts(struct link_path *path, unsigned n, unsigned *bursts, unsigned *lost)
{
	struct link_packet *p;
	uint32_t expected = 0;

	*bursts = *lost = 0;
	feed(path, n, 0, 0);
	while ((p = link_path_output(path, UINT64_MAX)) != NULL) {
		if (number_of(p) != expected) {
			++*bursts;
			*lost += number_of(p) - expected;
		}
		expected = number_of(p) + 1;
		link_packet_free(p);
	}
}

/* Gilbert: a share p/(p+r) is lost, in bursts of 1/r packets on average. */
static void test_burst_loss_has_its_share_and_length(void **state)
{
	const struct link_config cfg = {
		.burst_enter_ppm = 10000, .burst_leave_ppm = 250000, .burst_loss_ppm = 1000000};
	struct link_path *path = path_of(&cfg);
	unsigned bursts, gone;

	(void)state;
	count_bursts(path, 200000, &bursts, &gone);
	/* A burst begins every 1/p + 1/r = 104 packets; its length is geometric, with a variance of 12. */
	check_share("bursts", bursts, 200000, 1 / 104.0);
	check_near("lost", gone, 4.0 * bursts, 12.0 * bursts);
	link_path_destroy(path);
}

static void test_bad_state_may_let_packets_pass(void **state)
{
	const struct link_config cfg = {
		.burst_enter_ppm = 50000, .burst_leave_ppm = 50000, .burst_loss_ppm = 400000};
	struct link_path *path = path_of(&cfg);

	(void)state;
	feed(path, 200000, 0, 0);
	const uint64_t gone = link_path_counts(path)->lost;
	/* Half the time bad, 40 % of it lost; states last 20 packets, so it spreads wider than single losses. */
	assert_in_range(gone, 0.2 * 200000 - 2200, 0.2 * 200000 + 2200);
	link_path_destroy(path);
}

static void test_loss_and_bursts_add_up(void **state)
{
	const struct link_config cfg = {.loss_ppm = 100000,
					.burst_enter_ppm = 1000000,
					.burst_leave_ppm = 1000000,
					.burst_loss_ppm = 1000000};
	struct link_path *path = path_of(&cfg);

	(void)state;
	/* The state is bad for every other packet. */
	feed(path, 100000, 0, 0);
	check_share("of the others", link_path_counts(path)->lost - 50000, 50000, 0.1);
	link_path_destroy(path);
}

/* ------------------------------------------------------------------ order and copies */

static void test_reordered_packets_are_overtaken_by_so_much(void **state)
{
	const struct link_config cfg = {
		.delay_ns = MS, .reorder_ppm = 50000, .reorder_ns = 10 * US + 500};
	struct link_path *path = path_of(&cfg);
	struct link_packet *p;
	uint64_t at;
	unsigned held = 0;
	uint32_t newest = 0;

	(void)state;
	feed(path, 20000, US, 0);
	while ((p = next_packet(path, &at)) != NULL) {
		const uint32_t n = number_of(p);
		if (at == n * US + MS) {
			newest = n > newest ? n : newest;
		} else {
			assert_int_equal(at, n * US + MS + 10 * US + 500);
			held++;
			/* Ten packets set out before it arrives; some are held back themselves. */
			assert_true(n >= 19990 || (newest > n && newest <= n + 10));
		}
		link_packet_free(p);
	}
	assert_int_equal(held, link_path_counts(path)->reordered);
	check_share("reordered", held, 20000, 0.05);
	link_path_destroy(path);
}

static void test_duplicates_follow_their_original(void **state)
{
	const struct link_config cfg = {.delay_ns = MS, .duplicate_ppm = 30000, .rate = 12000000};
	struct link_path *path = path_of(&cfg);
	struct link_packet *p, *last = NULL;
	uint64_t at, last_at = 0;
	unsigned twice = 0;
	uint32_t expected = 0;

	(void)state;
	feed(path, 20000, 0, PAYLOAD);
	while ((p = next_packet(path, &at)) != NULL) {
		if (last && number_of(p) == number_of(last)) {
			twice++;
			assert_int_equal(at, last_at);
			assert_memory_equal(p->bytes, last->bytes, p->len);
		} else {
			assert_int_equal(number_of(p), expected++);
			assert_int_equal(at, expected * MS + MS); /* the copies cost no time */
		}
		link_packet_free(last);
		last = p;
		last_at = at;
	}
	link_packet_free(last);
	assert_int_equal(expected, 20000);
	assert_int_equal(twice, link_path_counts(path)->duplicated);
	check_share("duplicated", twice, 20000, 0.03);
	check_balance(path);
	link_path_destroy(path);
}

/* ------------------------------------------------------------------ corruption */

/* Sends one packet after another with partial and complete checksums and counts what arrives other than it
 * was sent, which has to be in one bit. */
static uint64_t count_corrupted(struct link_path *path, unsigned n, size_t payload, bool sound)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct link_packet *was = tcp_packet(i % 4 < 2 ? 4 : 6, i, ACK, payload, false);
		unsigned bits = 0;
		link_path_input(path, 0, tcp_packet(i % 4 < 2 ? 4 : 6, i, ACK, payload, i % 2));
		struct link_packet *p = link_path_output(path, 0);
		assert_false(p->checksum_partial);
		assert_int_equal(p->len, was->len);
		const size_t from = sound ? p->len - payload : 0;
		for (size_t k = from; k < p->len; k++)
			bits += (unsigned)__builtin_popcount(
				(unsigned)(p->bytes[k] ^ was->bytes[k]));
		assert_true(bits <= 1);
		if (sound)
			assert_true(packet_is_sound(p));
		count += bits;
		link_packet_free(p);
		link_packet_free(was);
	}
	return count;
}

static void test_corruption_flips_one_bit(void **state)
{
	struct link_path *path = path_of(&(struct link_config){.corrupt_ppm = 200000});
	const uint64_t n = count_corrupted(path, 10000, 500, false);

	(void)state;
	assert_int_equal(n, link_path_counts(path)->corrupted);
	check_share("corrupted", n, 10000, 0.2);
	link_path_destroy(path);
}

static void test_repaired_corruption_is_seen_by_no_checksum(void **state)
{
	struct link_path *path =
		path_of(&(struct link_config){.corrupt_ppm = 200000, .repair = true});
	const uint64_t n = count_corrupted(path, 10000, 501, true);

	(void)state;
	assert_int_equal(n, link_path_counts(path)->corrupted);
	check_share("corrupted", n, 10000, 0.2);
	/* An ACK has nothing to be corrupted in that way. */
	assert_int_equal(count_corrupted(path, 1000, 0, true), 0);
	assert_int_equal(link_path_counts(path)->corrupted, n);
	link_path_destroy(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_options_it_is_a_wire),
		cmocka_unit_test(test_delay_is_exact_and_keeps_order),
		cmocka_unit_test(test_packets_of_one_moment_keep_order),
		cmocka_unit_test(test_jitter_stays_in_its_bounds_and_keeps_order),
		cmocka_unit_test(test_rate_is_exact),
		cmocka_unit_test(test_idle_bottleneck_saves_nothing_up),
		cmocka_unit_test(test_queue_drops_its_tail),
		cmocka_unit_test(test_queue_marks_what_allows_it),
		cmocka_unit_test(test_queue_makes_room_as_packets_leave_it),
		cmocka_unit_test(test_overloaded_bottleneck_lets_pass_what_its_rate_allows),
		cmocka_unit_test(test_memory_is_limited),
		cmocka_unit_test(test_loss_has_its_share),
		cmocka_unit_test(test_burst_loss_has_its_share_and_length),
		cmocka_unit_test(test_bad_state_may_let_packets_pass),
		cmocka_unit_test(test_loss_and_bursts_add_up),
		cmocka_unit_test(test_reordered_packets_are_overtaken_by_so_much),
		cmocka_unit_test(test_duplicates_follow_their_original),
		cmocka_unit_test(test_corruption_flips_one_bit),
		cmocka_unit_test(test_repaired_corruption_is_seen_by_no_checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
