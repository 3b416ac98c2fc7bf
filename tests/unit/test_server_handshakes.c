/* SPDX-License-Identifier: Apache-2.0 */
/* The cap on TLS handshakes under way: who waits, who gives way, and that nobody is kept out. */
#include "tests/unit/app_tls.h"

#define MAX 2
#define LORIS 12

static int setup_capped(void **state)
{
	setup(state);
	((struct world *)*state)->max_handshakes = MAX;
	make_tls(*state);
	start(*state, 0);
	return 0;
}

static struct app_handshakes now_of(const struct world *w)
{
	struct app_handshakes h;

	app_get_handshakes(w->app, &h);
	return h;
}

/* The beginning of a record that never goes on. */
static struct peer *loris(struct world *w)
{
	struct peer *p = dial(w, 443);

	say(p, "\x16\x03\x01\x02");
	return p;
}

static void get_small(struct peer *p, struct tls_session *t)
{
	const char *request = "GET /small HTTP/1.1\r\nHost: a\r\n\r\n";
	uint8_t reply[4096];
	size_t n;

	assert_int_equal(tls_session_write(t, (const uint8_t *)request, strlen(request), &n),
			 TLS_OK);
	settle(p->w);
	assert_int_equal(tls_session_read(t, reply, sizeof reply, &n), TLS_OK);
	assert_int_equal(strncmp((const char *)reply, "HTTP/1.1 200", 12), 0);
}

static void test_a_complete_handshake_makes_room(void **state)
{
	struct world *w = *state;
	struct peer *p[3 * MAX];
	struct tls_session *t[3 * MAX];

	for (size_t i = 0; i < 3 * MAX; i++) {
		p[i] = dial(w, 443);
		t[i] = shake_hands(p[i]);
		assert_int_equal(now_of(w).under_way, 0);
	}
	assert_int_equal(now_of(w).waited, 0);
	for (size_t i = 0; i < 3 * MAX; i++) {
		get_small(p[i], t[i]);
		tls_session_destroy(t[i]);
		hang_up(p[i]);
	}
	settle(w);
	assert_no_sessions(w);
}

/* Clients that say hello at once and then all go on: each has its turn and none is turned away. */
static void test_clients_at_once_wait_for_one_another(void **state)
{
	struct world *w = *state;
	struct peer *p[3 * MAX];
	struct tls_session *t[3 * MAX];

	for (size_t i = 0; i < 3 * MAX; i++) {
		p[i] = dial(w, 443);
		t[i] = hello(p[i]);
	}
	assert_int_equal(now_of(w).under_way, MAX);
	assert_int_equal(now_of(w).waiting, 2 * MAX);
	assert_int_equal(p[MAX]->len, 0);
	for (size_t i = 0; i < 3 * MAX; i++) {
		assert_true(p[i]->len > 0); /* its turn came when one before it was done */
		while (!tls_session_established(t[i])) {
			const enum tls_status status = tls_session_handshake(t[i]);
			assert_true(status == TLS_OK || status == TLS_WANT_READ);
			settle(w);
		}
		get_small(p[i], t[i]);
	}
	assert_int_equal(now_of(w).waited, 2 * MAX);
	assert_int_equal(now_of(w).gave_way, 0);
	assert_int_equal(now_of(w).waiting, 0);
	for (size_t i = 0; i < 3 * MAX; i++) {
		tls_session_destroy(t[i]);
		hang_up(p[i]);
	}
	settle(w);
	assert_no_sessions(w);
}

/* Who begins and never goes on loses its place to the next after a second, long before the deadline. */
static void test_a_handshake_that_does_not_go_on_gives_way(void **state)
{
	struct world *w = *state;
	struct peer *slow[MAX], *good;

	for (size_t i = 0; i < MAX; i++)
		slow[i] = loris(w);
	good = dial(w, 443);
	struct tls_session *t = hello(good);
	assert_int_equal(now_of(w).waiting, 1);
	pass(w, 990 * MS);
	assert_int_equal(now_of(w).waiting, 1);
	assert_false(slow[0]->closed);
	pass(w, 20 * MS);
	assert_true(slow[0]->closed);
	assert_int_equal(slow[0]->reason, TCP_CLOSE_RESET);
	assert_false(slow[1]->closed);
	assert_int_equal(now_of(w).gave_way, 1);
	assert_int_equal(now_of(w).waiting, 0);
	assert_non_null(strstr(w->tls_why, "--max-handshakes"));
	while (!tls_session_established(t)) {
		assert_true(tls_session_handshake(t) != TLS_FAILED);
		settle(w);
	}
	get_small(good, t);
	tls_session_destroy(t);
	hang_up(good);
	for (size_t i = 0; i < MAX; i++)
		hang_up(slow[i]);
	settle(w);
	assert_no_sessions(w);
}

/* However many there are that never finish, and though each that is turned out is replaced. */
static void test_slow_clients_without_number_lock_nobody_out(void **state)
{
	struct world *w = *state;
	struct peer *slow[LORIS + 8];
	size_t count = 0;

	for (; count < LORIS; count++)
		slow[count] = loris(w);
	for (int round = 0; round < 4; round++) {
		struct peer *good = dial(w, 443);
		struct tls_session *t = hello(good);
		const uint64_t begin = w->now_us;

		slow[count++] = loris(w);
		while (good->len == 0 && !good->fin)
			pass(w, 50 * MS);
		/* Those that came before it have a second each, MAX at a time. */
		assert_true(w->now_us - begin <= (LORIS / MAX + 2) * SECOND);
		while (!tls_session_established(t)) {
			assert_true(tls_session_handshake(t) != TLS_FAILED);
			settle(w);
		}
		get_small(good, t);
		tls_session_destroy(t);
		hang_up(good);
		assert_true(now_of(w).under_way <= MAX);
	}
	for (size_t i = 0; i < count; i++)
		hang_up(slow[i]);
	settle(w);
	assert_no_sessions(w);
}

static void test_who_leaves_while_it_waits_is_forgotten(void **state)
{
	struct world *w = *state;
	struct peer *slow[MAX], *reset, *finned;

	for (size_t i = 0; i < MAX; i++)
		slow[i] = loris(w);
	reset = loris(w);
	finned = loris(w);
	assert_int_equal(now_of(w).waiting, 2);
	hang_up(reset);
	settle(w);
	assert_int_equal(now_of(w).waiting, 1);
	hang_up(slow[0]); /* whose place goes to the one that is left */
	settle(w);
	assert_int_equal(now_of(w).waiting, 0);
	assert_int_equal(now_of(w).under_way, MAX);
	hang_up(finned);
	hang_up(slow[1]);
	settle(w);
	assert_int_equal(now_of(w).under_way, 0);
	assert_no_sessions(w);
}

/* The deadline runs from the connection's beginning, also for those that wait. */
static void test_the_deadline_holds_for_those_that_wait(void **state)
{
	struct world *w = *state;
	struct peer *slow[LORIS * 3];

	for (size_t i = 0; i < LORIS * 3; i++)
		slow[i] = loris(w);
	pass(w, 11 * SECOND);
	assert_int_equal(now_of(w).under_way, 0);
	assert_int_equal(now_of(w).waiting, 0);
	for (size_t i = 0; i < LORIS * 3; i++) {
		assert_true(slow[i]->fin || slow[i]->closed);
		hang_up(slow[i]);
	}
	settle(w);
	assert_no_sessions(w);
}

static void test_drain_and_destruction_with_clients_that_wait(void **state)
{
	struct world *w = *state;
	struct peer *slow[3 * MAX];

	for (size_t i = 0; i < 3 * MAX; i++)
		slow[i] = loris(w);
	app_drain(w->app, time_of(w));
	settle(w);
	assert_int_equal(now_of(w).waiting, 0); /* closed: no request is under way */
	assert_int_equal(now_of(w).under_way, MAX);
	for (size_t i = MAX; i < 3 * MAX; i++)
		assert_true(slow[i]->fin);
	for (size_t i = 0; i < 3 * MAX; i++)
		hang_up(slow[i]);
	/* The app is destroyed with handshakes under way. */
}

static int setup_many(void **state)
{
	setup(state);
	make_tls(*state);
	start(*state, 0);
	return 0;
}

/* Clients that said hello in one batch: what one is told leaves before the others' hellos are worked on. */
static void test_answers_do_not_wait_for_the_handshakes_of_others(void **state)
{
	struct world *w = *state;
	struct peer *p[12];
	struct tls_session *t[12];
	size_t answered = 0;
	bool more = true;

	for (size_t i = 0; i < 12; i++)
		p[i] = dial(w, 443);
	for (size_t i = 0; i < 12; i++) {
		const struct tls_stream stream = {p[i], client_send, client_recv};
		t[i] = tls_session_create(w->tls_client, &stream);
		assert_int_equal(tls_session_handshake(t[i]), TLS_WANT_READ);
	}
	carry(w, w->client, w->server, w->hold);
	while (answered < 12) {
		const size_t before = answered;

		assert_true(more); /* it asks to be called again */
		more = app_run(w->app, time_of(w));
		carry(w, w->server, w->client, w->hold);
		client_events(w);
		answered = 0;
		for (size_t i = 0; i < 12; i++)
			answered += p[i]->len > 0;
		assert_true(answered <= before + 2);
	}
	for (size_t i = 0; i < 12; i++) {
		while (!tls_session_established(t[i])) {
			const enum tls_status status = tls_session_handshake(t[i]);
			assert_true(status == TLS_OK || status == TLS_WANT_READ);
			settle(w);
		}
		tls_session_destroy(t[i]);
		hang_up(p[i]);
	}
	settle(w);
	assert_no_sessions(w);
}

int main(void)
{
#define CAPPED(test) cmocka_unit_test_setup_teardown(test, setup_capped, teardown)
	const struct CMUnitTest tests[] = {
		CAPPED(test_a_complete_handshake_makes_room),
		CAPPED(test_clients_at_once_wait_for_one_another),
		CAPPED(test_a_handshake_that_does_not_go_on_gives_way),
		CAPPED(test_slow_clients_without_number_lock_nobody_out),
		CAPPED(test_who_leaves_while_it_waits_is_forgotten),
		CAPPED(test_the_deadline_holds_for_those_that_wait),
		CAPPED(test_drain_and_destruction_with_clients_that_wait),
		cmocka_unit_test_setup_teardown(
			test_answers_do_not_wait_for_the_handshakes_of_others, setup_many,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
