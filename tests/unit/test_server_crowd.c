/* SPDX-License-Identifier: Apache-2.0 */
/* More clients than there are places: who is let in, who has to go, and who notices nothing. */
#include "tests/unit/app_tls.h"

#define GET_SMALL "GET /small HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_BIG "GET /big HTTP/1.1\r\nHost: a\r\n\r\n"
#define PLACES 3

static struct limits limits;

static void three_places(struct app_config *app, struct http_server_config *http)
{
	(void)http;
	app->max_connections = PLACES;
	app->http2_clear = true;
}

static void three_places_for_each(struct app_config *app, struct http_server_config *http)
{
	(void)http;
	app->limits = &limits;
}

static void expect_end(struct world *w, enum close_reason reason)
{
	assert_int_equal(w->ended, 1);
	assert_string_equal(close_reason_text(w->ending.reason), close_reason_text(reason));
	assert_non_null(close_reason_notice(reason));
	w->ended = 0;
}

static void expect_service(struct peer *p)
{
	p->len = 0;
	say(p, GET_SMALL);
	assert_int_equal(body_len(p), 100);
}

static void test_the_longest_idle_one_makes_room(void **state)
{
	struct world *w = *state;
	struct peer *p[PLACES + 2];

	for (int i = 0; i < PLACES; i++) {
		p[i] = dial(w, 80);
		pass(w, SECOND);
	}
	expect_service(p[0]); /* so 1 is idle longest, then 2, then 0 */
	assert_int_equal(w->ended, 0);
	p[3] = dial(w, 80);
	expect_service(p[3]);
	assert_true(p[1]->fin); /* in order, not by a reset */
	assert_false(p[1]->closed);
	assert_false(p[0]->fin || p[2]->fin);
	assert_int_equal(app_connections(w->app), PLACES);
	expect_end(w, CLOSE_MADE_ROOM);
	p[4] = dial(w, 80);
	expect_service(p[4]);
	assert_true(p[2]->fin);
	assert_false(p[0]->fin);
	expect_end(w, CLOSE_MADE_ROOM);
	for (int i = 0; i < PLACES + 2; i++)
		hang_up(p[i]);
}

static void test_nobody_with_a_response_under_way_has_to_go(void **state)
{
	struct world *w = *state;
	struct peer *p[PLACES], *late;

	for (int i = 0; i < PLACES; i++) {
		p[i] = dial(w, 80);
		p[i]->reads = false;
		say(p[i], GET_BIG);
	}
	late = dial(w, 80);
	assert_true(late->closed);
	assert_int_equal(late->reason, TCP_CLOSE_RESET);
	expect_end(w, CLOSE_MAX_CONNECTIONS);
	assert_int_equal(w->ending.requests, 0);
	hang_up(late);
	for (int i = 0; i < PLACES; i++) {
		p[i]->reads = true;
		take(p[i]);
	}
	pass(w, SECOND);
	for (int i = 0; i < PLACES; i++)
		assert_int_equal(body_len(p[i]), BIG_SIZE);
	late = dial(w, 80); /* now they are idle */
	expect_service(late);
	expect_end(w, CLOSE_MADE_ROOM);
	hang_up(late);
	for (int i = 0; i < PLACES; i++)
		hang_up(p[i]);
}

/* Half a request is no idle connection: header-timeout is for that. */
static void test_a_request_that_has_begun_does_not_have_to_go(void **state)
{
	struct world *w = *state;
	struct peer *begun = dial(w, 80), *content = dial(w, 80), *idle = dial(w, 80);

	say(begun, "GET /small HTTP/1.1\r\nHo");
	say(content, "GET /small HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n1");
	struct peer *late = dial(w, 80);
	expect_service(late);
	assert_true(idle->fin);
	expect_end(w, CLOSE_MADE_ROOM);
	say(begun, "st: a\r\n\r\n");
	say(content, "2");
	assert_int_equal(body_len(begun), 100);
	assert_int_equal(body_len(content), 100);
	hang_up(begun);
	hang_up(content);
	hang_up(idle);
	hang_up(late);
}

/* A response that the peer has not taken yet, but that is produced whole, is delivered all the same. */
static void test_who_made_room_still_gets_its_last_response(void **state)
{
	struct world *w = *state;
	struct peer *p[PLACES], *late;

	for (int i = 0; i < PLACES; i++) {
		p[i] = dial(w, 80);
		p[i]->reads = false;
		say(p[i], GET_SMALL);
	}
	late = dial(w, 80);
	expect_service(late);
	expect_end(w, CLOSE_MADE_ROOM);
	p[0]->reads = true;
	take(p[0]);
	pass(w, SECOND);
	assert_int_equal(body_len(p[0]), 100);
	assert_true(p[0]->fin);
	assert_false(p[0]->closed);
	hang_up(late);
	for (int i = 0; i < PLACES; i++)
		hang_up(p[i]);
}

static void test_who_only_owes_a_fin_makes_room(void **state)
{
	struct world *w = *state;
	struct peer *p[PLACES + 1];

	for (int i = 0; i < PLACES; i++) {
		p[i] = dial(w, 80);
		say(p[i], "GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
		assert_true(p[i]->fin);
	}
	assert_int_equal(app_connections(w->app), PLACES);
	p[PLACES] = dial(w, 80);
	expect_service(p[PLACES]);
	assert_int_equal(app_connections(w->app), PLACES);
	assert_int_equal(w->ended, 1);
	assert_int_equal(w->ending.reason, CLOSE_CLOSE_REQUESTED); /* the first cause */
	for (int i = 0; i <= PLACES; i++)
		hang_up(p[i]);
}

/* RFC 9113 6.8: an idle connection of HTTP/2 is told that nothing was lost. */
static void test_goaway_comes_before_the_fin(void **state)
{
	static const uint8_t hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
	static const uint8_t goaway[] = {0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	struct world *w = *state;
	struct peer *old = dial(w, 80), *p[PLACES];

	assert_int_equal(tcp_send_all(old->c, hello, sizeof hello, false), sizeof hello);
	settle(w);
	assert_true(old->len > 9); /* our SETTINGS */
	for (int i = 0; i < PLACES; i++)
		p[i] = dial(w, 80);
	assert_true(old->fin);
	assert_memory_equal(old->reply + old->len - sizeof goaway, goaway, sizeof goaway);
	expect_end(w, CLOSE_MADE_ROOM);
	hang_up(old);
	for (int i = 0; i < PLACES; i++)
		hang_up(p[i]);
}

static void test_tls(void **state)
{
	struct world *w = *state;
	struct peer *silent = dial(w, 443), *idle = dial(w, 443), *mute = dial(w, 443);
	struct tls_session *t = shake_hands(idle);
	uint8_t buf[256];
	size_t got;

	struct tls_session *t1 = hello(mute); /* its handshake is under way */
	struct peer *late = dial(w, 80);
	assert_true(silent->fin); /* it has not even begun */
	expect_end(w, CLOSE_MADE_ROOM);
	expect_service(late);
	struct peer *later = dial(w, 443);
	struct tls_session *t2 = shake_hands(later);
	expect_end(w, CLOSE_MADE_ROOM);
	assert_int_equal(tls_session_read(t, buf, sizeof buf, &got), TLS_CLOSED); /* close_notify */
	assert_false(mute->fin || mute->closed);
	tls_session_destroy(t);
	tls_session_destroy(t1);
	tls_session_destroy(t2);
	hang_up(silent);
	hang_up(idle);
	hang_up(mute);
	hang_up(late);
	hang_up(later);
}

static void test_one_client_is_capped_and_its_places_come_back(void **state)
{
	static const uint8_t key[16];
	struct world *w = *state;
	struct peer *p[3], *more;

	limits = (struct limits){.table = limits_table_create(1, key), .client_connections = 3};
	limits_begin(&limits);
	w->tune = three_places_for_each;
	start(w, 0);
	for (int i = 0; i < 3; i++)
		p[i] = dial(w, 80);
	for (int i = 0; i < 5; i++) {
		more = dial(w, 80);
		assert_true(more->closed);
		assert_int_equal(more->reason, TCP_CLOSE_RESET);
		expect_end(w, CLOSE_CLIENT_CONNECTIONS);
		hang_up(more);
	}
	for (int i = 0; i < 3; i++)
		expect_service(p[i]);
	/* by a reset, by a FIN, by a time-out */
	hang_up(p[0]);
	tcp_shutdown(p[1]->c);
	settle(w);
	hang_up(p[1]);
	pass(w, 70 * SECOND);
	hang_up(p[2]);
	settle(w);
	assert_no_sessions(w);
	for (int i = 0; i < 3; i++) {
		p[i] = dial(w, 80);
		expect_service(p[i]);
	}
	w->ended = 0;
	more = dial(w, 80);
	expect_end(w, CLOSE_CLIENT_CONNECTIONS);
	hang_up(more);
	for (int i = 0; i < 3; i++)
		hang_up(p[i]);
}

static void two_in_a_row(struct app_config *app, struct http_server_config *http)
{
	(void)app;
	http->max_pipeline = 2;
}

/* Requests sent ahead by the score do not keep those waiting who have one. */
static void pipeline(struct world *w, uint16_t port)
{
	struct peer *many = dial(w, port), *one = dial(w, 80);
	struct tls_session *t = port == 443 ? shake_hands(many) : NULL;
	char requests[20 * sizeof GET_SMALL] = "";
	size_t n;
	int turns = 1;

	for (int i = 0; i < 20; i++)
		strcat(requests, GET_SMALL);
	if (t)
		assert_int_equal(tls_session_write(t, (uint8_t *)requests, strlen(requests), &n),
				 TLS_OK);
	else
		tcp_send_all(many->c, (uint8_t *)requests, strlen(requests), false);
	tcp_send_all(one->c, (const uint8_t *)GET_SMALL, strlen(GET_SMALL), false);
	many->reads = false;
	w->logged = 0;
	carry(w, w->client, w->server, false);
	assert_true(app_run(w->app, time_of(w)));
	assert_int_equal(w->logged, 3);
	while (app_run(w->app, time_of(w))) {
		turns++;
		assert_int_equal(w->logged, 1 + 2 * turns);
	}
	assert_int_equal(w->logged, 21);
	assert_in_range(turns, 9, 10);
	settle(w);
	assert_int_equal(body_len(one), 100);
	if (t)
		tls_session_destroy(t);
	hang_up(many);
	hang_up(one);
}

static void test_requests_sent_ahead_take_turns(void **state)
{
	pipeline(*state, 80);
}

static void test_requests_sent_ahead_take_turns_over_tls(void **state)
{
	pipeline(*state, 443);
}

static int setup_two_in_a_row(void **state)
{
	setup(state);
	((struct world *)*state)->tune = two_in_a_row;
	make_tls(*state);
	start(*state, 0);
	return 0;
}

static int teardown_limits(void **state)
{
	const int result = teardown(state);

	limits_table_destroy(limits.table);
	return result;
}

static int setup_three(void **state)
{
	setup(state);
	((struct world *)*state)->tune = three_places;
	start(*state, 0);
	return 0;
}

static int setup_three_tls(void **state)
{
	setup(state);
	((struct world *)*state)->tune = three_places;
	make_tls(*state);
	start(*state, 0);
	return 0;
}

int main(void)
{
#define THREE(test) cmocka_unit_test_setup_teardown(test, setup_three, teardown)
	const struct CMUnitTest tests[] = {
		THREE(test_the_longest_idle_one_makes_room),
		THREE(test_nobody_with_a_response_under_way_has_to_go),
		THREE(test_a_request_that_has_begun_does_not_have_to_go),
		THREE(test_who_made_room_still_gets_its_last_response),
		THREE(test_who_only_owes_a_fin_makes_room),
		THREE(test_goaway_comes_before_the_fin),
		cmocka_unit_test_setup_teardown(test_tls, setup_three_tls, teardown),
		cmocka_unit_test_setup_teardown(test_requests_sent_ahead_take_turns,
						setup_two_in_a_row, teardown),
		cmocka_unit_test_setup_teardown(test_requests_sent_ahead_take_turns_over_tls,
						setup_two_in_a_row, teardown),
		cmocka_unit_test_setup_teardown(test_one_client_is_capped_and_its_places_come_back,
						setup, teardown_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
