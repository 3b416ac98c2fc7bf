/* SPDX-License-Identifier: Apache-2.0 */
/* What one client may have: counted in all workers, forgotten by none, and not at the cost of other clients. */
#include "server/limits.h"

#include <stdlib.h>
#include <string.h>

#define SECOND 1000000ull
#define WORKERS 2

static const uint8_t key[16] = "not so secret";

struct two {
	struct limits_table *table;
	struct limits worker[WORKERS];
};

static int setup(void **state)
{
	struct two *t = calloc(1, sizeof *t);

	t->table = limits_table_create(WORKERS, key);
	assert_non_null(t->table);
	for (unsigned i = 0; i < WORKERS; i++) {
		t->worker[i] =
			(struct limits){.table = t->table, .worker = i, .client_connections = 3};
		limits_begin(&t->worker[i]);
	}
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct two *t = *state;

	limits_table_destroy(t->table);
	free(t);
	return 0;
}

static struct ip_addr v4(uint32_t n)
{
	return ip_addr_v4((uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n);
}

static struct ip_addr v6(uint32_t network, uint32_t host)
{
	uint8_t bytes[16] = {0x20, 0x01, 0x0d, 0xb8};

	memcpy(bytes + 4, &network, 4);
	memcpy(bytes + 12, &host, 4);
	return ip_addr_v6(bytes);
}

/* ------------------------------------------------------------------ connections */

static void test_connections_of_one_client_in_all_workers(void **state)
{
	struct two *t = *state;
	const struct ip_addr a = v4(1), b = v4(2);

	assert_true(limits_connect(&t->worker[0], &a));
	assert_true(limits_connect(&t->worker[1], &a));
	assert_true(limits_connect(&t->worker[1], &a));
	assert_false(limits_connect(&t->worker[0], &a));
	assert_false(limits_connect(&t->worker[1], &a));
	assert_true(limits_connect(&t->worker[0], &b));
	limits_disconnect(&t->worker[1], &a);
	assert_true(limits_connect(&t->worker[0], &a));
	assert_false(limits_connect(&t->worker[0], &a));
	for (int i = 0; i < 2; i++)
		limits_disconnect(&t->worker[0], &a);
	limits_disconnect(&t->worker[1], &a);
	for (int i = 0; i < 3; i++)
		assert_true(limits_connect(&t->worker[1], &a));
	assert_false(limits_connect(&t->worker[1], &a));
}

static void test_successor_of_a_worker_that_died_begins_anew(void **state)
{
	struct two *t = *state;
	const struct ip_addr a = v4(1);

	assert_true(limits_connect(&t->worker[0], &a));
	assert_true(limits_connect(&t->worker[0], &a));
	assert_true(limits_connect(&t->worker[1], &a));
	limits_begin(&t->worker[0]);
	assert_true(limits_connect(&t->worker[0], &a));
	assert_true(limits_connect(&t->worker[0], &a));
	assert_false(limits_connect(&t->worker[0], &a)); /* the other one's is still there */
}

static void test_ipv6_clients_are_networks_of_64_bits(void **state)
{
	struct two *t = *state;
	struct ip_addr same[3] = {v6(1, 1), v6(1, 2), v6(1, 3)};
	const struct ip_addr again = v6(1, 4), other = v6(2, 1);

	for (int i = 0; i < 3; i++)
		assert_true(limits_connect(&t->worker[0], &same[i]));
	assert_false(limits_connect(&t->worker[0], &again));
	assert_true(limits_connect(&t->worker[0], &other));
	limits_disconnect(&t->worker[0], &same[1]);
	assert_true(limits_connect(&t->worker[0], &again));
}

static void test_prefixes(void **state)
{
	const struct prefix_list list = {
		.list = {{v4(0x0a000000), 8}, {v4(0xc0000280), 25}, {v6(7, 0), 61}, {v4(5), 32}},
		.count = 4};
	const struct {
		struct ip_addr addr;
		bool in;
	} cases[] = {
		{v4(0x0affffff), true},
		{v4(0x0b000000), false},
		{v4(0xc0000280), true},
		{v4(0xc00002ff), true},
		{v4(0xc000027f), false},
		{v4(5), true},
		{v4(4), false},
		{v6(7, 9), true},
		{v6(0x07000007, 0), true},
		{v6(0x08000007, 0), false},
		{v6(0x00000107, 0), false},
	};
	const struct prefix_list all = {.list = {{v4(0), 0}}, .count = 1};
	const struct ip_addr any4 = v4(77), any6 = v6(0, 0);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (prefix_list_has(&list, &cases[i].addr) != cases[i].in)
			fail_msg("case %zu", i);
	assert_true(prefix_list_has(&all, &any4));
	assert_false(prefix_list_has(&all, &any6));
}

static void test_exempt_clients_and_no_limit(void **state)
{
	struct two *t = *state;
	const struct limits_rate rate = {.interval_ns = 1000000000, .burst = 1};
	const struct ip_addr probe = v4(1), other = v4(2);

	t->worker[0].exempt = (struct prefix_list){.list = {{probe, 32}}, .count = 1};
	for (int i = 0; i < 100; i++) {
		assert_true(limits_connect(&t->worker[0], &probe));
		assert_int_equal(limits_request(&t->worker[0], &probe, 0, &rate, 0), 0);
	}
	for (int i = 0; i < 100; i++)
		limits_disconnect(&t->worker[0], &probe);
	assert_true(limits_connect(&t->worker[0], &other));
	t->worker[1].client_connections = 0;
	for (int i = 0; i < 100; i++)
		assert_true(limits_connect(&t->worker[1], &other));
}

/* ------------------------------------------------------------------ requests */

static void test_burst_then_a_steady_pace(void **state)
{
	struct two *t = *state;
	const struct limits_rate rate = {.interval_ns = 100000000, .burst = 5}; /* 10/s,5 */
	const struct ip_addr a = v4(1), b = v4(2);
	uint64_t now = 1000 * SECOND;
	int served = 0;

	for (int i = 0; i < 5; i++)
		assert_int_equal(limits_request(&t->worker[i % 2], &a, 0, &rate, now), 0);
	assert_int_equal(limits_request(&t->worker[0], &a, 0, &rate, now), 1);
	assert_int_equal(limits_request(&t->worker[1], &a, 0, &rate, now), 1);
	assert_int_equal(limits_request(&t->worker[0], &b, 0, &rate, now), 0);
	assert_int_equal(limits_request(&t->worker[0], &a, 1, &rate, now), 0); /* another scope */
	/* what is refused costs nothing: after a tenth of a second one is due */
	assert_int_equal(limits_request(&t->worker[0], &a, 0, &rate, now + 99999), 1);
	assert_int_equal(limits_request(&t->worker[0], &a, 0, &rate, now + 100000), 0);
	assert_int_equal(limits_request(&t->worker[0], &a, 0, &rate, now + 100000), 1);
	/* a thousand a second for ten seconds: a hundred and no more */
	now += 200000;
	for (int i = 0; i < 10000; i++)
		served +=
			limits_request(&t->worker[0], &a, 0, &rate, now + (uint64_t)i * 1000) == 0;
	assert_int_equal(served, 100);
	/* after a rest as new, and no more than that */
	now += 3600 * SECOND;
	served = 0;
	for (int i = 0; i < 20; i++)
		served += limits_request(&t->worker[0], &a, 0, &rate, now) == 0;
	assert_int_equal(served, 5);
}

static void test_retry_after_is_when_it_works(void **state)
{
	struct two *t = *state;
	const struct limits_rate rate = {.interval_ns = 7000000000, .burst = 1};
	const struct ip_addr a = v4(1);

	assert_int_equal(limits_request(&t->worker[0], &a, 0, &rate, SECOND), 0);
	assert_int_equal(limits_request(&t->worker[0], &a, 0, &rate, SECOND), 7);
	assert_int_equal(limits_request(&t->worker[0], &a, 0, &rate, 6 * SECOND + 1), 2);
	assert_int_equal(limits_request(&t->worker[0], &a, 0, &rate, 8 * SECOND - 1), 1);
	assert_int_equal(limits_request(&t->worker[0], &a, 0, &rate, 8 * SECOND), 0);
}

/* ------------------------------------------------------------------ others do not pay for it */

static void test_many_clients_take_nothing_from_the_others(void **state)
{
	struct two *t = *state;
	const struct limits_rate rate = {.interval_ns = 1000000000, .burst = 3};
	unsigned refused = 0;

	/* Twenty thousand addresses in all workers, and each of them asks for all it may have. */
	for (uint32_t n = 0; n < 20000; n++) {
		const struct ip_addr a = v4(0x0a000000 + n);
		assert_true(t->worker[n % 2].client_connections == 3);
		limits_connect(&t->worker[n % 2], &a);
		for (int i = 0; i < 3; i++)
			limits_request(&t->worker[n % 2], &a, 0, &rate, SECOND);
	}
	/* A thousand honest ones are served as if they were alone. */
	for (uint32_t n = 0; n < 1000; n++) {
		const struct ip_addr a = v4(0xc0000000 + n);
		refused += limits_request(&t->worker[0], &a, 0, &rate, SECOND) != 0;
	}
	assert_true(refused < 20);
	refused = 0;
	for (uint32_t n = 0; n < 1000; n++) {
		const struct ip_addr a = v4(0xc0000000 + n);
		refused += !limits_connect(&t->worker[0], &a);
		limits_disconnect(&t->worker[0], &a);
	}
	assert_true(refused < 20);
}

/* However many clients there were, a client that has used up its limit is not forgotten. */
static void test_many_clients_do_not_wash_one_clean(void **state)
{
	struct two *t = *state;
	const struct limits_rate rate = {.interval_ns = 3600000000000, .burst = 1};
	const struct ip_addr greedy = v4(1);

	for (int i = 0; i < 3; i++)
		assert_true(limits_connect(&t->worker[0], &greedy));
	assert_int_equal(limits_request(&t->worker[0], &greedy, 0, &rate, SECOND), 0);
	for (uint32_t n = 0; n < 300000; n++) {
		const struct ip_addr a = v4(0x0a000000 + n);
		if (limits_connect(&t->worker[1], &a))
			limits_disconnect(&t->worker[1], &a);
		limits_request(&t->worker[1], &a, 0, &rate, SECOND);
	}
	assert_false(limits_connect(&t->worker[0], &greedy));
	assert_int_not_equal(limits_request(&t->worker[0], &greedy, 0, &rate, SECOND), 0);
	for (int i = 0; i < 3; i++)
		limits_disconnect(&t->worker[0], &greedy);
	assert_true(limits_connect(&t->worker[0], &greedy));
}

int main(void)
{
#define TABLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		TABLE(test_connections_of_one_client_in_all_workers),
		TABLE(test_successor_of_a_worker_that_died_begins_anew),
		TABLE(test_ipv6_clients_are_networks_of_64_bits),
		cmocka_unit_test(test_prefixes),
		TABLE(test_exempt_clients_and_no_limit),
		TABLE(test_burst_then_a_steady_pace),
		TABLE(test_retry_after_is_when_it_works),
		TABLE(test_many_clients_take_nothing_from_the_others),
		TABLE(test_many_clients_do_not_wash_one_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
