/* SPDX-License-Identifier: Apache-2.0 */
/* What an idle TLS connection holds in each layer: bench/idle.sh measures the sum. */
#include "tests/unit/app_tls.h"

#define CLIENTS 16

static void test_an_idle_connection_holds_only_its_records_in_the_stack(void **state)
{
	struct world *w = *state;
	const char *request = "GET /small HTTP/1.1\r\nHost: a\r\n\r\n";
	struct peer *p[CLIENTS];
	struct tls_session *t[CLIENTS];
	struct stack_usage usage;
	uint8_t reply[4096];
	size_t n;

	for (size_t i = 0; i < CLIENTS; i++) {
		p[i] = dial(w, 443);
		t[i] = shake_hands(p[i]);
		assert_int_equal(tls_session_write(t[i], (const uint8_t *)request, strlen(request),
						   &n),
				 TLS_OK);
		settle(w);
		assert_int_equal(tls_session_read(t[i], reply, sizeof reply, &n), TLS_OK);
	}
	pass(w, SECOND);
	stack_get_usage(w->server, &usage);
	print_message("the stack's account: %zu bytes for each of %u connections\n",
		      usage.memory / CLIENTS, usage.connections);
	assert_int_equal(usage.connections, CLIENTS);
	assert_true(usage.memory / CLIENTS <= 4096); /* no ring among them */
	for (size_t i = 0; i < CLIENTS; i++) {
		tls_session_destroy(t[i]);
		hang_up(p[i]);
	}
	settle(w);
	assert_no_sessions(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_an_idle_connection_holds_only_its_records_in_the_stack, setup_tls,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
